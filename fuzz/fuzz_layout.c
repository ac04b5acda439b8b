/* SPDX-License-Identifier: Apache-2.0 */
/* Times by Go's layouts: the first line is a layout, the rest a time. What was read is written, and read again as the
 * same moment where the form has all of it. */
#include "base/buf.h"
#include "base/limits.h"
#include "expr/time.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tph_str whole = TPH_STR("2006-01-02T15:04:05.999999999Z07:00");
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str text = fuzz_text(data, size);
    struct tph_str layout = text;
    struct tph_expr_value time = TPH_EXPR_VALUE_NIL;
    (void)tph_str_cut(&text, '\n', &layout);
    if (tph_expr_time_read(&memory, layout, text, NULL, &time, &problem) < 0) {
        FUZZ_HOLDS(problem.len > 0);
        return 0;
    }
    tph_expr_time_write(time.time, layout, &out);
    tph_buf_clear(&out);
    tph_expr_time_write(time.time, whole, &out);
    struct tph_expr_calendar calendar;
    tph_expr_calendar(time.time, &calendar);
    bool fits = calendar.year >= 0 && calendar.year <= 9999 && calendar.offset % 60 == 0;
    struct tph_expr_value again = TPH_EXPR_VALUE_NIL;
    FUZZ_HOLDS(!fits || tph_expr_time_read(&memory, whole, tph_buf_str(&out), NULL, &again, &problem) == 0);
    FUZZ_HOLDS(!fits || tph_expr_time_compare(time.time, again.time) == 0);
    return 0;
}
