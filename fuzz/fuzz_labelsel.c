/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors: what was written is read again with as many parts, and then written the same. */
#include "base/buf.h"
#include "data/labelsel.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *first = NULL;
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *second = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(8 * size + 100);
    TPH_CLEANUP(tph_buf_release) struct tph_buf again = TPH_BUF_INIT(8 * size + 100);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_labelsel_parse(fuzz_text(data, size), &first, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    tph_labelsel_write(first, &out);
    FUZZ_HOLDS(tph_labelsel_parse(tph_buf_str(&out), &second, NULL) == 0);
    FUZZ_HOLDS(tph_labelsel_len(first) == tph_labelsel_len(second));
    tph_labelsel_write(second, &again);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&out), tph_buf_str(&again)));
    FUZZ_HOLDS(tph_labelsel_is_empty(first) == (tph_labelsel_len(first) == 0));
    (void)tph_labelsel_matches_object(first, NULL);
    return 0;
}
