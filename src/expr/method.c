/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that Go's types have. The receiver is args[0]. */
#include <math.h>
#include <string.h>

#include "expr/native.h"
#include "expr/time.h"

static const struct tph_expr_time *receiver(const struct tph_expr_call *call)
{
    return call->args[0].time;
}

static int give_text(struct tph_expr_call *call, struct tph_buf *out, struct tph_expr_value *ret)
{
    return tph_expr_keep(call->memory, out, ret);
}

/* String() of all of them. */
static int fn_string(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    tph_expr_print(call->args[0], &out);
    return give_text(call, &out, ret);
}

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, NANOSECOND, YEAR_DAY, WEEKDAY, ISO_WEEK, ZONE, IS_DST, IS_ZERO };

/* The year that the week of a day belongs to: the one of its Thursday. */
static int64_t iso_year(const struct tph_expr_time *time)
{
    struct tph_expr_calendar calendar;
    tph_expr_calendar(time, &calendar);
    struct tph_expr_time thursday = *time;
    thursday.seconds += (4 - (calendar.weekday == 0 ? 7 : calendar.weekday)) * INT64_C(86400);
    tph_expr_calendar(&thursday, &calendar);
    return calendar.year;
}

static int fn_field(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_calendar c;
    tph_expr_calendar(receiver(call), &c);
    const int64_t numbers[] = {c.year,     c.month,  c.day, c.hour, c.minute, c.second, receiver(call)->ns,
                               c.year_day, c.weekday};
    switch (call->function->tag) {
    case IS_DST:
        *ret = tph_expr_bool(c.is_dst);
        return 0;
    case IS_ZERO:
        *ret = tph_expr_bool(receiver(call)->seconds == INT64_C(-62135596800) && receiver(call)->ns == 0);
        return 0;
    case ZONE:
        return tph_expr_copy(call->memory, c.zone, ret);
    case ISO_WEEK:
        *ret = tph_expr_int(iso_year(receiver(call)));
        return 0;
    default:
        break;
    }
    *ret = tph_expr_int(numbers[call->function->tag]);
    ret->type = call->function->tag == MONTH     ? TPH_EXPR_MONTH
                : call->function->tag == WEEKDAY ? TPH_EXPR_WEEKDAY
                                                 : TPH_EXPR_INT;
    return 0;
}

/* Seconds since 1970 in units of 1, 1e3, 1e6, 1e9 a second; too many wrap around. */
static int fn_unix(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    int64_t unit = units[call->function->tag];
    uint64_t whole = (uint64_t)receiver(call)->seconds * (uint64_t)unit;
    *ret = tph_expr_int64((int64_t)(whole + (uint64_t)(receiver(call)->ns / (1000000000 / unit))));
    return 0;
}

static int fn_format(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    tph_expr_time_write(receiver(call), call->args[1].str, &out);
    return give_text(call, &out, ret);
}

static int fn_add(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return tph_expr_time_add(call->memory, receiver(call), call->args[1].i, ret);
}

static int fn_add_date(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_calendar c;
    const struct tph_expr_time *time = receiver(call);
    tph_expr_calendar(time, &c);
    const int64_t years = call->args[1].i;
    const int64_t months = call->args[2].i;
    const int64_t days = call->args[3].i;
    int64_t year = (int64_t)((uint64_t)c.year + (uint64_t)years);
    int64_t month = (int64_t)((uint64_t)c.month + (uint64_t)months);
    int64_t day = (int64_t)((uint64_t)c.day + (uint64_t)days);
    int64_t seconds = tph_expr_from_calendar(year, month, day, c.hour, c.minute, c.second, time->location);
    return tph_expr_time_new(call->memory, seconds, time->ns, time->location, ret);
}

static int fn_sub(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t ns = tph_expr_time_since(receiver(call), call->args[1].time);
    *ret = (struct tph_expr_value){.type = TPH_EXPR_DURATION, .i = ns};
    return 0;
}

enum { BEFORE, AFTER, EQUAL, COMPARE };

static int fn_compare(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int order = tph_expr_time_compare(receiver(call), call->args[1].time);
    switch (call->function->tag) {
    case COMPARE:
        *ret = tph_expr_int(order);
        return 0;
    case BEFORE:
        *ret = tph_expr_bool(order < 0);
        return 0;
    case AFTER:
        *ret = tph_expr_bool(order > 0);
        return 0;
    default:
        *ret = tph_expr_bool(order == 0);
        return 0;
    }
}

static int move_to(struct tph_expr_call *call, const struct tph_expr_location *location, struct tph_expr_value *ret)
{
    return tph_expr_time_new(call->memory, receiver(call)->seconds, receiver(call)->ns, location, ret);
}

static int fn_in(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    if (call->n_args == 1) { /* UTC(), Local() */
        return move_to(call, NULL, ret);
    }
    return move_to(call, call->args[1].location, ret);
}

static int fn_location(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = (struct tph_expr_value){.type = TPH_EXPR_LOCATION, .location = receiver(call)->location};
    return 0;
}

enum { TRUNCATE, ROUND };

/* To a multiple of a duration since the year 1. */
static int fn_round_time(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_time *time = receiver(call);
    int64_t unit = call->args[1].i;
    if (unit <= 0) {
        *ret = call->args[0];
        return 0;
    }
    __int128 since = ((__int128)time->seconds + INT64_C(62135596800)) * 1000000000 + time->ns;
    int64_t rest = (int64_t)(since % unit);
    rest = rest < 0 ? rest + unit : rest;
    bool up = call->function->tag == ROUND && (uint64_t)rest * 2 >= (uint64_t)unit;
    return tph_expr_time_add(call->memory, time, up ? unit - rest : -rest, ret);
}

/* Durations in units, as a float where a part of one is left. */
static int fn_in_units(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const int64_t units[] = {INT64_C(3600000000000), INT64_C(60000000000), 1000000000};
    int64_t ns = call->args[0].i;
    int64_t unit = units[call->function->tag];
    *ret = tph_expr_float((double)(ns / unit) + (double)(ns % unit) / (double)unit);
    return 0;
}

static int fn_in_whole_units(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const int64_t units[] = {1, 1000, 1000000};
    *ret = tph_expr_int64(call->args[0].i / units[call->function->tag]);
    return 0;
}

static int64_t absolute(int64_t ns)
{
    return ns == INT64_MIN ? INT64_MAX : ns < 0 ? -ns : ns;
}

static int fn_abs(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = (struct tph_expr_value){.type = TPH_EXPR_DURATION, .i = absolute(call->args[0].i)};
    return 0;
}

/* Halves go away from zero; what does not fit is the largest or smallest duration. */
static int fn_round_duration(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t ns = call->args[0].i;
    int64_t unit = call->args[1].i;
    *ret = call->args[0];
    if (unit <= 0) {
        return 0;
    }
    int64_t rest = ns % unit;
    ret->i = ns - rest;
    uint64_t size = rest < 0 ? -(uint64_t)rest : (uint64_t)rest;
    if (call->function->tag == ROUND && size * 2 >= (uint64_t)unit &&
        __builtin_add_overflow(ret->i, ns < 0 ? -unit : unit, &ret->i)) {
        ret->i = ns < 0 ? INT64_MIN : INT64_MAX;
    }
    return 0;
}

#define METHOD EXPR_METHOD

static const struct expr_method time_methods[] = {
    METHOD('t', "Year", fn_field, YEAR, "", "i"),
    METHOD('t', "Month", fn_field, MONTH, "", "M"),
    METHOD('t', "Day", fn_field, DAY, "", "i"),
    METHOD('t', "Hour", fn_field, HOUR, "", "i"),
    METHOD('t', "Minute", fn_field, MINUTE, "", "i"),
    METHOD('t', "Second", fn_field, SECOND, "", "i"),
    METHOD('t', "Nanosecond", fn_field, NANOSECOND, "", "i"),
    METHOD('t', "YearDay", fn_field, YEAR_DAY, "", "i"),
    METHOD('t', "Weekday", fn_field, WEEKDAY, "", "W"),
    METHOD('t', "ISOWeek", fn_field, ISO_WEEK, "", "ii"),
    METHOD('t', "Zone", fn_field, ZONE, "", "si"),
    METHOD('t', "IsDST", fn_field, IS_DST, "", "b"),
    METHOD('t', "IsZero", fn_field, IS_ZERO, "", "b"),
    METHOD('t', "Date", fn_field, YEAR, "", "iMi"),
    METHOD('t', "Clock", fn_field, HOUR, "", "iii"),
    METHOD('t', "Unix", fn_unix, 0, "", "I"),
    METHOD('t', "UnixMilli", fn_unix, 1, "", "I"),
    METHOD('t', "UnixMicro", fn_unix, 2, "", "I"),
    METHOD('t', "UnixNano", fn_unix, 3, "", "I"),
    METHOD('t', "Format", fn_format, 0, "s", "s"),
    METHOD('t', "String", fn_string, 0, "", "s"),
    METHOD('t', "Add", fn_add, 0, "d", "t"),
    METHOD('t', "AddDate", fn_add_date, 0, "iii", "t"),
    METHOD('t', "Sub", fn_sub, 0, "t", "d"),
    METHOD('t', "Before", fn_compare, BEFORE, "t", "b"),
    METHOD('t', "After", fn_compare, AFTER, "t", "b"),
    METHOD('t', "Equal", fn_compare, EQUAL, "t", "b"),
    METHOD('t', "Compare", fn_compare, COMPARE, "t", "i"),
    METHOD('t', "In", fn_in, 0, "L", "t"),
    METHOD('t', "UTC", fn_in, 0, "", "t"),
    METHOD('t', "Local", fn_in, 0, "", "t"),
    METHOD('t', "Location", fn_location, 0, "", "L"),
    METHOD('t', "Truncate", fn_round_time, TRUNCATE, "d", "t"),
    METHOD('t', "Round", fn_round_time, ROUND, "d", "t"),
    EXPR_NO_METHOD,
};

static const struct expr_method duration_methods[] = {
    METHOD('d', "Hours", fn_in_units, 0, "", "f"),
    METHOD('d', "Minutes", fn_in_units, 1, "", "f"),
    METHOD('d', "Seconds", fn_in_units, 2, "", "f"),
    METHOD('d', "Nanoseconds", fn_in_whole_units, 0, "", "I"),
    METHOD('d', "Microseconds", fn_in_whole_units, 1, "", "I"),
    METHOD('d', "Milliseconds", fn_in_whole_units, 2, "", "I"),
    METHOD('d', "Abs", fn_abs, 0, "", "d"),
    METHOD('d', "Truncate", fn_round_duration, TRUNCATE, "d", "d"),
    METHOD('d', "Round", fn_round_duration, ROUND, "d", "d"),
    METHOD('d', "String", fn_string, 0, "", "s"),
    EXPR_NO_METHOD,
};

static const struct expr_method month_methods[] = {METHOD('M', "String", fn_string, 0, "", "s"), EXPR_NO_METHOD};
static const struct expr_method weekday_methods[] = {METHOD('W', "String", fn_string, 0, "", "s"), EXPR_NO_METHOD};
static const struct expr_method location_methods[] = {METHOD('L', "String", fn_string, 0, "", "s"), EXPR_NO_METHOD};

static const struct {
    enum tph_expr_type type;
    const struct expr_method *rows;
} sets[] = {
    {TPH_EXPR_TIME, time_methods},
    {TPH_EXPR_DURATION, duration_methods},
    {TPH_EXPR_MONTH, month_methods},
    {TPH_EXPR_WEEKDAY, weekday_methods},
    {TPH_EXPR_LOCATION, location_methods},
    {TPH_EXPR_VERSION, expr_version_methods},
    {TPH_EXPR_VERSION, expr_version_pointer_methods},
    {TPH_EXPR_VERSION_STRUCT, expr_version_methods},
};

const struct expr_method *expr_find_method(enum tph_expr_type type, struct tph_str name)
{
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        for (const struct expr_method *row = sets[i].rows; sets[i].type == type && row->function.name; row++) {
            if (tph_str_eqz(name, row->function.name)) {
                return row;
            }
        }
    }
    return NULL;
}
