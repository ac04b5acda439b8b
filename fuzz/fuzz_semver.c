/* SPDX-License-Identifier: Apache-2.0 */
/* Versions: the first line is a version, the second a constraint. What was written reads as the same version. */
#include "base/buf.h"
#include "data/semver.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str text = rest;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_semver version = {.major = 1};
    (void)tph_str_cut(&rest, '\n', &text);
    if (tph_semver_parse(text, &version, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
    } else {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(size + 100);
        struct tph_semver again;
        tph_semver_write(&version, &out);
        FUZZ_HOLDS(tph_semver_parse(tph_buf_str(&out), &again, NULL) == 0);
        FUZZ_HOLDS(tph_semver_compare(&version, &again) == 0);
    }
    bool fulfils = false;
    struct tph_error why = TPH_ERROR_INIT;
    FUZZ_HOLDS(tph_semver_check(rest.p ? rest : text, &version, &fulfils, &why) == 0 || why.text[0]);
    return 0;
}
