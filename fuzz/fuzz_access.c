/* SPDX-License-Identifier: Apache-2.0 */
/* A token file and a client's header, one after the other with a line "--" between: whatever they say, the file is read
 * or refused as a whole, what was read can be written again, and no header makes an administrator. */
#include <string.h>

#include "access/access.h"
#include "access/account.h"
#include "access/tokens.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    ptrdiff_t cut = tph_str_find(text, TPH_STR("\n--\n"));
    struct tph_str file = cut < 0 ? text : tph_str_slice(text, 0, (size_t)cut + 1);
    struct tph_access_config config = {.admin_token = TPH_STR("0123456789abcdefghijklmnopqrstuvwxyz"),
                                       .signing_key = TPH_STR("another secret")};
    TPH_CLEANUP(tph_access_freep) struct tph_access *access = tph_access_new(&config);
    TPH_CLEANUP(tph_freep)
    char *header = tph_str_dup(cut < 0 ? TPH_STR("") : tph_str_slice(text, (size_t)cut + 4, size));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(64));
    struct tph_error err = TPH_ERROR_INIT;
    int failed = tph_access_load(access, file, "tokens", &err);
    FUZZ_HOLDS((failed < 0) == (tph_tokens_list(file, "tokens", &out, NULL) < 0));
    FUZZ_HOLDS(failed == 0 || strncmp(err.text, "tokens:", 7) == 0);
    const struct tph_access_user *user = tph_access_identify(access, header, 0);
    FUZZ_HOLDS(!user || !tph_str_eqz(tph_access_name(user), "admin"));
    struct tph_access_attributes what = {.verb = "delete", .is_resource = true, .resource = TPH_STR("namespaces")};
    FUZZ_HOLDS(failed == 0 || !user || !tph_access_allowed(user, &what, NULL));
    /* Without the first user it is still a file of this form. */
    if (failed == 0) {
        tph_buf_clear(&out);
        (void)tph_tokens_remove(file, "ci", NULL, &out);
        FUZZ_HOLDS(tph_access_load(access, tph_buf_str(&out), "tokens", &err) == 0);
    }
    struct tph_account_claims claims;
    FUZZ_HOLDS(!tph_account_check(TPH_STR("another secret"), tph_str(header), &out, &claims));
    return 0;
}
