/* SPDX-License-Identifier: Apache-2.0 */
/* $(NAME) in values and arguments: the first line of the input is the value of A, the rest is expanded. */
#include "fuzz.h"
#include "base/buf.h"
#include "base/limits.h"
#include "podrt/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size), value = TPH_STR_NONE;
    struct tph_environment env = TPH_ENVIRONMENT_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_ARGUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_str_cut(&rest, '\n', &value);
    if (tph_environment_set(&env, TPH_STR("A"), value, "fuzz", &err) == 0) {
        tph_environment_expand(&env, rest, &out);
        /* Without a dollar nothing changes. */
        if (tph_str_find_byte(rest, '$') < 0 && rest.len <= TPH_LIMIT_ARGUMENT) {
            FUZZ_HOLDS(tph_str_eq(tph_buf_str(&out), rest));
        }
        FUZZ_HOLDS(out.len <= TPH_LIMIT_ARGUMENT);
    } else {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    tph_environment_release(&env);
    return 0;
}
