/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities: the canonical text is a quantity of the same value and canonical itself; rounding goes up, never down. */
#include "base/buf.h"
#include "data/quantity.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_quantity quantity;
    struct tph_quantity again;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_QUANTITY * 2);
    TPH_CLEANUP(tph_buf_release) struct tph_buf twice = TPH_BUF_INIT(TPH_LIMIT_QUANTITY * 2);
    if (tph_quantity_read(fuzz_text(data, size), &quantity, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    int64_t whole = tph_quantity_scaled(&quantity, 0);
    int64_t milli = tph_quantity_scaled(&quantity, -3);
    FUZZ_HOLDS((tph_quantity_sign(&quantity) > 0) == (whole > 0) && (tph_quantity_sign(&quantity) < 0) == (whole < 0));
    FUZZ_HOLDS(milli == INT64_MAX || milli == -INT64_MAX ||
               (milli > 0 ? milli <= (__int128)whole * 1000 : milli >= (__int128)whole * 1000));
    (void)tph_quantity_scaled_compat(&quantity, -9);
    tph_quantity_write(&quantity, &text);
    if (text.len > TPH_LIMIT_QUANTITY || tph_quantity_read(tph_buf_str(&text), &again, &err) < 0) {
        FUZZ_HOLDS(text.len > TPH_LIMIT_QUANTITY || err.kind == TPH_ERROR_LIMIT);
        return 0;
    }
    FUZZ_HOLDS(tph_quantity_scaled(&again, 0) == whole);
    FUZZ_HOLDS(tph_quantity_scaled(&again, -3) == milli);
    tph_quantity_write(&again, &twice);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&text), tph_buf_str(&twice)));
    return 0;
}
