/* SPDX-License-Identifier: Apache-2.0 */
/* Field selectors. What was written reads again, with as many terms. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/fieldsel.h"
#include "fuzz.h"

static struct tph_str first_byte(void *owner, struct tph_str field)
{
    (void)owner;
    return tph_str_slice(field, 0, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    if (tph_fieldsel_parse(text, &selector, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text_again = TPH_BUF_INIT(2 * size + 100);
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel again = TPH_FIELDSEL_INIT;
    tph_fieldsel_write(&selector, &text_again);
    if (text_again.len <= TPH_LIMIT_FIELD_SELECTOR) { /* in another order, maybe: "==b" stands before "=a" */
        FUZZ_HOLDS(tph_fieldsel_parse(tph_buf_str(&text_again), &again, NULL) == 0);
        FUZZ_HOLDS(again.n_terms == selector.n_terms);
    }
    (void)tph_fieldsel_matches(&selector, first_byte, NULL);
    return 0;
}
