/* SPDX-License-Identifier: Apache-2.0 */
/* Times in JSON: RFC 3339, UTC, whole seconds, "Z", as Kubernetes' metav1.Time. Pure arithmetic, no clock, no <time.h>.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { TPH_TIME_TEXT = 64 };

/* Go's zero time, which metav1.Time writes as null: 0001-01-01T00:00:00Z. */
#define TPH_TIME_ZERO_SECONDS INT64_C(-62135596800)

/* A point in time with all that RFC 3339 says: seconds since 1970 and nanoseconds 0 to 999,999,999. */
struct tph_instant {
    int64_t seconds;
    int32_t ns;
};

/* wall_ms, milliseconds since 1970, cut to whole seconds: "2026-01-02T03:04:05Z". Years 0 to 9999. */
void tph_time_format(int64_t wall_ms, char text[TPH_TIME_TEXT]);

/* Reads RFC 3339 with any offset and fraction, as Go's time.Parse does. Error texts are Go's. */
int tph_time_parse_instant(struct tph_str text, struct tph_instant *ret_instant, struct tph_error *err) TPH_MUST_CHECK;

/* The same, cut to milliseconds. */
int tph_time_parse(struct tph_str text, int64_t *ret_wall_ms, struct tph_error *err) TPH_MUST_CHECK;

/* A date of the proleptic Gregorian calendar, and its number of days since 1970-01-01. */
struct tph_date {
    int64_t year;
    int month, day; /* from 1 */
};
int64_t tph_date_to_days(struct tph_date date);
struct tph_date tph_date_of_days(int64_t days);
