/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: the first line is one, the second a time zone, of which the rest is the compiled form. What is due comes
 * after the time that was asked for. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/cron.h"
#include "fuzz.h"

static struct tph_str zone;

static int read_zone(struct tph_str name, struct tph_buf *bytes)
{
    (void)name;
    return tph_buf_put(bytes, zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_str schedule = TPH_STR_NONE;
    struct tph_str timezone = TPH_STR_NONE;
    struct tph_error err = TPH_ERROR_INIT;
    zone = fuzz_text(data, size);
    (void)tph_str_cut(&zone, '\n', &schedule);
    (void)tph_str_cut(&zone, '\n', &timezone);
    if (tph_cron_parse(schedule, timezone, read_zone, &cron, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    int64_t at = 1700000000 + (int64_t)size * 86400;
    for (int i = 0; i < 3; i++) {
        int64_t due = 0;
        if (!tph_cron_next(cron, at, &due)) {
            break;
        }
        FUZZ_HOLDS(due > at);
        at = due;
    }
    return 0;
}
