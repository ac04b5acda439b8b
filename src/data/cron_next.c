/* SPDX-License-Identifier: Apache-2.0 */
/* When a schedule is due. Between two changes of its zone the clocks there run evenly, so each such period is looked at
 * by itself: the first time on its clocks that fits, if it comes before the period ends. */
#include "data/cron_internal.h"
#include "data/time.h"

enum {
    YEARS = 5, /* looked ahead, so that a 29th of February is found */
    DAY_S = 86400,
    HOUR_S = 3600,
    MINUTE_S = 60,
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static bool has(const struct tph_cron *cron, enum cron_field field, int64_t value)
{
    return cron->bits[field] >> value & 1;
}

/* Where both the day of the month and of the week are restricted, either will do. */
static bool is_day(const struct tph_cron *cron, int64_t days, struct tph_date date)
{
    int64_t weekday = (days % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday */
    bool by_month = has(cron, CRON_DAY, date.day);
    bool by_week = has(cron, CRON_WEEKDAY, weekday);
    if (!has(cron, CRON_MONTH, date.month)) {
        return false;
    }
    return cron->any[CRON_DAY] || cron->any[CRON_WEEKDAY] ? by_month && by_week : by_month || by_week;
}

/* The first second of a day, from `from` on, that is due; -1: none. */
static int64_t first_of_day(const struct tph_cron *cron, int64_t from)
{
    int64_t minute = floor_div(from + MINUTE_S - 1, MINUTE_S);
    for (; minute < DAY_S / MINUTE_S; minute++) {
        if (!has(cron, CRON_HOUR, minute / 60)) {
            minute += 59 - minute % 60;
        } else if (has(cron, CRON_MINUTE, minute % 60)) {
            return minute * MINUTE_S;
        }
    }
    return -1;
}

/* The first time on a clock that is due, from `local` on, in seconds; looked for up to the day that `until` is in.
 * Beyond that it may be a later one. */
static bool first_on_clock(const struct tph_cron *cron, int64_t local, int64_t until, int64_t *ret_local)
{
    int64_t days = floor_div(local, DAY_S);
    int64_t from = local - days * DAY_S;
    for (; days * DAY_S < until; days++, from = 0) {
        int64_t second = is_day(cron, days, tph_date_of_days(days)) ? first_of_day(cron, from) : -1;
        if (second >= 0) {
            *ret_local = days * DAY_S + second;
            return true;
        }
    }
    return false;
}

static struct tph_zone_period period_at(const struct tph_cron *cron, int64_t seconds)
{
    struct tph_zone_period period = {.offset = 0, .from = INT64_MIN, .to = INT64_MAX};
    if (cron->has_zone) {
        tph_zone_at(&cron->zone, seconds, &period);
    }
    return period;
}

/* Times that a calendar of five more years still has. */
static bool is_sane(int64_t seconds)
{
    return seconds > INT64_MIN / 4 && seconds < INT64_MAX / 4;
}

bool tph_cron_next(const struct tph_cron *cron, int64_t after_s, int64_t *ret_due_s)
{
    if (!is_sane(after_s)) {
        return false;
    }
    if (cron->every_s > 0) {
        *ret_due_s = after_s + cron->every_s;
        return true;
    }
    int64_t at = after_s + 1;
    struct tph_zone_period period = period_at(cron, at);
    struct tph_date last = {
        .year = tph_date_of_days(floor_div(at + period.offset, DAY_S)).year + YEARS + 1, .month = 1, .day = 1};
    int64_t end = tph_date_to_days(last) * DAY_S; /* on whatever clock */
    while (at + period.offset < end) {
        int64_t until = period.to < end - period.offset ? period.to + period.offset : end;
        int64_t local = 0;
        if (first_on_clock(cron, at + period.offset, until, &local) && local < until) {
            *ret_due_s = local - period.offset;
            return true;
        }
        if (until == end || period.to <= at) {
            break;
        }
        at = period.to;
        period = period_at(cron, at);
    }
    return false;
}
