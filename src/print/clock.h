/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations as Argo's CLI words them: "1 minute 30 seconds", "2d", "Mon Jan 15 11:45:00 +0000 (15 minutes
 * ago)". Pure: the time and the zone are given. Writers append to out.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "data/json.h"
#include "data/zone.h"

struct tph_print_clock {
    int64_t now_ms;              /* wall clock */
    const struct tph_zone *zone; /* of times on the screen; NULL: UTC */
};

/* What an absent time reads as: Go's zero time. */
#define TPH_PRINT_NO_TIME INT64_MIN

/* A time in JSON, or TPH_PRINT_NO_TIME for null, absent and what is none. */
int64_t tph_print_time(const struct tph_json *value);

/* Between two times; TPH_PRINT_NO_TIME as end is now, as start gives 0. */
int64_t tph_print_span(int64_t start_ms, int64_t end_ms, const struct tph_print_clock *clock);

/* Two units: "5 seconds", "1 minute 30 seconds", "1 day 3 hours", "1 week 0 hours". A negative one has its first unit
 * only, without a sign. */
void tph_print_duration(int64_t ms, struct tph_buf *out);

/* Its first unit: "1 minute". */
void tph_print_duration_first(int64_t ms, struct tph_buf *out);

/* One unit, cut: "59s", "1m", "23h", "364d". */
void tph_print_duration_short(int64_t ms, struct tph_buf *out);

/* "Mon Jan 15 11:45:00 +0000 (15 minutes ago)", "(now)", "(5 seconds from now)". */
void tph_print_timestamp(int64_t time_ms, const struct tph_print_clock *clock, struct tph_buf *out);
