/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time and time zones of expressions: what Go's time.Time and *time.Location are, with Go's layouts
 * ("2006-01-02 15:04:05"). Pure. The local zone is UTC. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/zone.h"
#include "expr/function.h"
#include "expr/value.h"

struct tph_expr_location {
    struct tph_str name; /* of a fixed one its abbreviation, or empty */
    bool is_fixed;
    int32_t offset; /* of a fixed one */
    struct tph_zone zone;
};

struct tph_expr_time {
    int64_t seconds;                          /* since 1970 */
    int32_t ns;                               /* 0 to 999,999,999 */
    const struct tph_expr_location *location; /* NULL: UTC */
};

/* A point in time as the calendar of its zone has it. */
struct tph_expr_calendar {
    int64_t year;
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second;
    int weekday; /* 0: Sunday */
    int year_day;
    int32_t offset;
    bool is_dst;
    struct tph_str zone; /* abbreviation, or empty */
};
void tph_expr_calendar(const struct tph_expr_time *time, struct tph_expr_calendar *ret);

/* Seconds since 1970 of a date and a clock in a zone; what is out of range runs over into the next unit. */
int64_t tph_expr_from_calendar(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute, int64_t second,
                               const struct tph_expr_location *location);

/* Values. ns may be any number: it runs over into seconds. */
int tph_expr_time_new(struct tph_expr_memory *memory, int64_t seconds, int64_t ns,
                      const struct tph_expr_location *location, struct tph_expr_value *ret) TPH_MUST_CHECK;
int tph_expr_time_add(struct tph_expr_memory *memory, const struct tph_expr_time *time, int64_t ns,
                      struct tph_expr_value *ret) TPH_MUST_CHECK;
int64_t tph_expr_time_since(const struct tph_expr_time *a, const struct tph_expr_time *b); /* a - b, cut to int64 */
int tph_expr_time_compare(const struct tph_expr_time *a, const struct tph_expr_time *b);   /* -1, 0, 1 */

/* A zone by its name; "" and "UTC" are UTC (*ret is NULL), "Local" too. Failure: `unknown time zone X`. */
int tph_expr_location_load(struct tph_expr_call *call, struct tph_str name, const struct tph_expr_location **ret)
    TPH_MUST_CHECK;
struct tph_str tph_expr_location_name(const struct tph_expr_location *location);

/* Time.Format; Time.String, which is "2006-01-02 15:04:05.999999999 -0700 MST". */
void tph_expr_time_write(const struct tph_expr_time *time, struct tph_str layout, struct tph_buf *out);
void tph_expr_time_print(const struct tph_expr_time *time, struct tph_buf *out);

/* time.ParseInLocation: where the text has no zone it is in `location`. -1: Go's words appended to problem, or nothing
 * when memory is used up. */
int tph_expr_time_read(struct tph_expr_memory *memory, struct tph_str layout, struct tph_str text,
                       const struct tph_expr_location *location, struct tph_expr_value *ret, struct tph_buf *problem)
    TPH_MUST_CHECK;

const char *tph_expr_month_name(int month);
const char *tph_expr_weekday_name(int weekday);

/* Private to src/expr: parts of a layout. */
enum expr_layout_element {
    EXPR_LAYOUT_END, /* only text is left */
    EXPR_LAYOUT_LONG_MONTH,
    EXPR_LAYOUT_MONTH,
    EXPR_LAYOUT_NUM_MONTH,
    EXPR_LAYOUT_ZERO_MONTH,
    EXPR_LAYOUT_LONG_WEEKDAY,
    EXPR_LAYOUT_WEEKDAY,
    EXPR_LAYOUT_DAY,
    EXPR_LAYOUT_UNDER_DAY,
    EXPR_LAYOUT_ZERO_DAY,
    EXPR_LAYOUT_UNDER_YEAR_DAY,
    EXPR_LAYOUT_ZERO_YEAR_DAY,
    EXPR_LAYOUT_HOUR,
    EXPR_LAYOUT_HOUR12,
    EXPR_LAYOUT_ZERO_HOUR12,
    EXPR_LAYOUT_MINUTE,
    EXPR_LAYOUT_ZERO_MINUTE,
    EXPR_LAYOUT_SECOND,
    EXPR_LAYOUT_ZERO_SECOND,
    EXPR_LAYOUT_LONG_YEAR,
    EXPR_LAYOUT_YEAR,
    EXPR_LAYOUT_UPPER_PM,
    EXPR_LAYOUT_LOWER_PM,
    EXPR_LAYOUT_ZONE_NAME,
    EXPR_LAYOUT_ISO_ZONE, /* Z0700 and its kin; the same in numbers: -0700 */
    EXPR_LAYOUT_NUM_ZONE,
    EXPR_LAYOUT_FRACTION_ZEROS, /* .000 */
    EXPR_LAYOUT_FRACTION_NINES,
};
/* The next element of a layout: *ret_before is the text before it, *ret_spelt itself; rest is what follows. */
enum expr_layout_element expr_next_element(struct tph_str *rest, struct tph_str *ret_before, struct tph_str *ret_spelt);
int64_t expr_days_of(int64_t year, int month, int day);
