/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled time zones: every time lies in the period that is found for it. */
#include "data/zone.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {INT64_MIN,           -INT64_C(62135596800), -1,       0, 1, INT64_C(1700000000),
                                    INT64_C(4102444800), INT64_C(253402300799), INT64_MAX};
    struct tph_zone zone;
    if (tph_zone_open(fuzz_text(data, size), &zone) < 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct tph_zone_period period;
        int32_t offset = 0;
        tph_zone_at(&zone, times[i], &period);
        FUZZ_HOLDS(period.from <= times[i] && (times[i] < period.to || period.to == INT64_MAX));
        (void)!tph_zone_offset_of(&zone, period.name, times[i], &offset);
    }
    return 0;
}
