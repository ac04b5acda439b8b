/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/time.h"

#include "expr/eval.h"

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. Years begin in March here, so that the
 * leap day is the last of its year. */
int64_t expr_days_of(int64_t year, int month, int day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, struct tph_expr_calendar *ret)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    ret->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    ret->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    ret->year = year_of_era + era * 400 + (ret->month <= 2 ? 1 : 0);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static void period_of(const struct tph_expr_location *location, int64_t seconds, struct tph_zone_period *ret)
{
    if (!location) {
        *ret = (struct tph_zone_period){.name = TPH_STR("UTC"), .from = INT64_MIN, .to = INT64_MAX};
    } else if (location->is_fixed) {
        bool is_local = tph_str_eqz(location->name, "Local"); /* no abbreviation is spelt like this */
        *ret = (struct tph_zone_period){.name = is_local ? TPH_STR("UTC") : location->name,
                                        .offset = location->offset,
                                        .from = INT64_MIN,
                                        .to = INT64_MAX};
    } else {
        tph_zone_at(&location->zone, seconds, ret);
    }
}

void tph_expr_calendar(const struct tph_expr_time *time, struct tph_expr_calendar *ret)
{
    struct tph_zone_period period;
    period_of(time->location, time->seconds, &period);
    int64_t local = time->seconds + period.offset;
    int64_t days = floor_div(local, 86400);
    int second = (int)(local - days * 86400);
    date_of(days, ret);
    ret->hour = second / 3600;
    ret->minute = second / 60 % 60;
    ret->second = second % 60;
    ret->weekday = (int)(((days + 4) % 7 + 7) % 7);
    ret->year_day = (int)(days - expr_days_of(ret->year, 1, 1) + 1);
    ret->offset = period.offset;
    ret->is_dst = period.is_dst;
    ret->zone = period.name;
}

/* Far beyond what a time can hold; what is out of range there wraps in Go as well. */
static int64_t clamp(int64_t value)
{
    static const int64_t most = INT64_C(100000000000);
    return value > most ? most : value < -most ? -most : value;
}

int64_t tph_expr_from_calendar(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute, int64_t second,
                               const struct tph_expr_location *location)
{
    month = clamp(month) - 1;
    year = clamp(year) + floor_div(month, 12);
    month -= floor_div(month, 12) * 12;
    int64_t days = expr_days_of(year, (int)month + 1, 1) + clamp(day) - 1;
    int64_t seconds = days * 86400 + clamp(hour) * 3600 + clamp(minute) * 60 + clamp(second);
    struct tph_zone_period period;
    period_of(location, seconds, &period);
    if (period.offset != 0) { /* the offset of the clock's time, which may be another than that of the moment */
        int64_t moment = seconds - period.offset;
        if (moment < period.from || moment >= period.to) {
            period_of(location, moment, &period);
        }
    }
    return seconds - period.offset;
}

int tph_expr_time_new(struct tph_expr_memory *memory, int64_t seconds, int64_t ns,
                      const struct tph_expr_location *location, struct tph_expr_value *ret)
{
    struct tph_expr_time *time = tph_expr_alloc(memory, sizeof(*time));
    if (!time) {
        return -1;
    }
    int64_t carry = floor_div(ns, 1000000000);
    time->seconds = (int64_t)((uint64_t)seconds + (uint64_t)carry);
    time->ns = (int32_t)(ns - carry * 1000000000);
    time->location = location;
    *ret = (struct tph_expr_value){.type = TPH_EXPR_TIME, .time = time};
    return 0;
}

int tph_expr_time_add(struct tph_expr_memory *memory, const struct tph_expr_time *time, int64_t ns,
                      struct tph_expr_value *ret)
{
    int64_t seconds = ns / 1000000000;
    int64_t rest = time->ns + ns % 1000000000;
    return tph_expr_time_new(memory, (int64_t)((uint64_t)time->seconds + (uint64_t)seconds), rest, time->location, ret);
}

int64_t tph_expr_time_since(const struct tph_expr_time *a, const struct tph_expr_time *b)
{
    __int128 ns = ((__int128)a->seconds - b->seconds) * 1000000000 + (a->ns - b->ns);
    return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

int tph_expr_time_compare(const struct tph_expr_time *a, const struct tph_expr_time *b)
{
    if (a->seconds != b->seconds) {
        return a->seconds < b->seconds ? -1 : 1;
    }
    return a->ns < b->ns ? -1 : a->ns > b->ns;
}

struct tph_str tph_expr_location_name(const struct tph_expr_location *location)
{
    return location ? location->name : TPH_STR("UTC");
}

int tph_expr_location_load(struct tph_expr_call *call, struct tph_str name, const struct tph_expr_location **ret)
{
    if (name.len == 0 || tph_str_eqz(name, "UTC") || tph_str_eqz(name, "Local")) {
        *ret = NULL;
        return 0;
    }
    if (tph_str_find(name, TPH_STR("..")) >= 0 || name.p[0] == '/' || name.p[0] == '\\') {
        return tph_expr_fail(call, "time: invalid location name");
    }
    const struct tph_expr_env *env = call->run->env;
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    struct tph_expr_value kept = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value kept_name = TPH_EXPR_VALUE_NIL;
    struct tph_expr_location *location = tph_expr_alloc(call->memory, sizeof(*location));
    if (!location || expr_work(call->run, 5000) < 0) {
        return -1;
    }
    if (!env->read_zone || env->read_zone(name, &bytes) < 0) {
        return tph_expr_fail(call, "unknown time zone %.*s", TPH_FMT(name));
    }
    if (tph_expr_keep(call->memory, &bytes, &kept) < 0 || tph_expr_copy(call->memory, name, &kept_name) < 0) {
        return -1;
    }
    if (tph_zone_open(kept.str, &location->zone) < 0) {
        return tph_expr_fail(call, "malformed time zone information");
    }
    location->name = kept_name.str;
    *ret = location;
    return 0;
}

const char *tph_expr_month_name(int month)
{
    static const char *const names[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
    return month >= 1 && month <= 12 ? names[month - 1] : "";
}

const char *tph_expr_weekday_name(int weekday)
{
    static const char *const names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    return weekday >= 0 && weekday <= 6 ? names[weekday] : "";
}
