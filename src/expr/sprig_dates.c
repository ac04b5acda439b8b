/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: dates. What is no date counts as now. The local zone is UTC. */
#include "data/duration.h"
#include "data/time.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"
#include "expr/time.h"

static const int64_t second = 1000000000; /* in nanoseconds */

static int local(struct tph_expr_call *call, const struct tph_expr_location **ret)
{
    return tph_expr_location_load(call, TPH_STR("Local"), ret);
}

static int fn_now(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_location *location = NULL;
    return local(call, &location) < 0 ? -1 : tph_expr_time_new(call->memory, 0, tph_expr_now(call), location, ret);
}

/* A time, or seconds since 1970. */
static int time_of(struct tph_expr_call *call, struct tph_expr_value value, struct tph_expr_value *ret)
{
    if (value.type == TPH_EXPR_TIME) {
        *ret = value;
        return 0;
    }
    bool is_seconds = value.type == TPH_EXPR_INT || value.type == TPH_EXPR_INT64 ||
                      (value.type == TPH_EXPR_INT32 && call->function->tag == 0); /* `ago` does not know these */
    return is_seconds ? tph_expr_time_new(call->memory, value.i, 0, NULL, ret) : fn_now(call, ret);
}

/* A zone that there is not is UTC. */
static int zone_of(struct tph_expr_call *call, struct tph_str name, const struct tph_expr_location **ret)
{
    struct expr_problem *problem = &call->run->problem;
    if (tph_expr_location_load(call, name, ret) == 0) {
        return 0;
    }
    if (call->memory->exceeded || tph_expr_work(call, 0) < 0) {
        return -1;
    }
    problem->is_set = false;
    *ret = NULL;
    return 0;
}

static int format(struct tph_expr_call *call, struct tph_str layout, struct tph_expr_value date, struct tph_str zone,
                  struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_expr_value when;
    const struct tph_expr_location *location = NULL;
    if (time_of(call, date, &when) < 0 || zone_of(call, zone, &location) < 0 ||
        tph_expr_work(call, layout.len / 4) < 0) {
        return -1;
    }
    struct tph_expr_time there = *when.time;
    there.location = location;
    tph_expr_time_write(&there, layout, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_date(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return format(call, call->args[0].str, call->args[1], TPH_STR("Local"), ret);
}

static int fn_date_in_zone(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return format(call, call->args[0].str, call->args[1], call->args[2].str, ret);
}

static int fn_html_date(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str zone = call->n_args > 1 ? call->args[1].str : TPH_STR("Local");
    return format(call, TPH_STR("2006-01-02"), call->args[0], zone, ret);
}

enum { MUST = 1 }; /* tag: else what cannot be read changes nothing */

static int fn_modify(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (tph_duration_parse_go(call->args[0].str, &ns, &err) == 0) {
        return tph_expr_time_add(call->memory, call->args[1].time, ns, ret);
    }
    if (call->function->tag == MUST) {
        return tph_expr_fail(call, "%s", err.text);
    }
    *ret = call->args[1];
    return 0;
}

static int fn_to_date(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_expr_location *location = NULL;
    if (local(call, &location) < 0 || tph_expr_work(call, call->args[0].str.len / 4) < 0) {
        return -1;
    }
    if (tph_expr_time_read(call->memory, call->args[0].str, call->args[1].str, location, ret, &problem) == 0) {
        return 0;
    }
    if (problem.len == 0) {
        return -1;
    }
    if (call->function->tag == MUST) {
        return tph_expr_fail(call, "%s", tph_buf_cstr(&problem));
    }
    return tph_expr_time_new(call->memory, TPH_TIME_ZERO_SECONDS, 0, NULL, ret);
}

static int fn_unix_epoch(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return tph_expr_format(call->memory, ret, "%lld", (long long)call->args[0].time->seconds);
}

static int since(struct tph_expr_call *call, struct tph_expr_value when, int64_t *ret_ns)
{
    struct tph_expr_value now;
    if (fn_now(call, &now) < 0) {
        return -1;
    }
    *ret_ns = tph_expr_time_since(now.time, when.time);
    return 0;
}

static int print_duration(struct tph_expr_call *call, int64_t ns, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    tph_duration_write(ns, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

/* In whole seconds, the half away from zero; what would not fit stays. */
static int64_t round_to_second(int64_t ns)
{
    int64_t rest = ns % second;
    int64_t rounded = ns - rest;
    if (rest <= -second / 2 && __builtin_sub_overflow(rounded, second, &rounded)) {
        return INT64_MIN;
    }
    if (rest >= second / 2 && __builtin_add_overflow(rounded, second, &rounded)) {
        return INT64_MAX;
    }
    return rounded;
}

static int fn_ago(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value when;
    int64_t ns = 0;
    if (time_of(call, call->args[0], &when) < 0 || since(call, when, &ns) < 0) {
        return -1;
    }
    return print_duration(call, round_to_second(ns), ret);
}

/* Seconds: of a text, or of an int64; everything else is none. */
static int fn_duration(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t seconds = 0;
    if (call->args[0].type == TPH_EXPR_STRING) {
        (void)expr_read_int(call->args[0].str, 10, &seconds);
    } else if (call->args[0].type == TPH_EXPR_INT64) {
        seconds = call->args[0].i;
    }
    return print_duration(call, (int64_t)((uint64_t)seconds * (uint64_t)second), ret);
}

/* The largest unit of a duration alone: "2h". Of a time the duration since then. */
static int fn_duration_round(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {
        {"y", UINT64_C(365) * 86400}, {"mo", UINT64_C(30) * 86400}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1},
    };
    struct tph_expr_value value = call->args[0];
    int64_t ns = 0;
    if (value.type == TPH_EXPR_STRING) {
        ns = tph_duration_parse_go(value.str, &ns, NULL) == 0 ? ns : 0;
    } else if (value.type == TPH_EXPR_INT64) {
        ns = value.i;
    } else if (value.type == TPH_EXPR_TIME && since(call, value, &ns) < 0) {
        return -1;
    }
    uint64_t length = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t unit = units[i].seconds * (uint64_t)second;
        if (length > unit) {
            return tph_expr_format(call->memory, ret, "%llu%s", (unsigned long long)(length / unit), units[i].name);
        }
    }
    *ret = tph_expr_cstr("0s");
    return 0;
}

#define TEXT(text, function, letters, number)                                                                 \
    {                                                                                                         \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_STRING, .tag = (number) \
    }
#define TIME(text, function, letters, number)                                                               \
    {                                                                                                       \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_TIME, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_dates[] = {
    TIME("now", fn_now, "", 0),
    TEXT("date", fn_date, "sa", 0),
    TEXT("dateInZone", fn_date_in_zone, "sas", 0),
    TEXT("date_in_zone", fn_date_in_zone, "sas", 0),
    TEXT("htmlDate", fn_html_date, "a", 0),
    TEXT("htmlDateInZone", fn_html_date, "as", 0),
    TIME("dateModify", fn_modify, "st", 0),
    TIME("date_modify", fn_modify, "st", 0),
    TIME("mustDateModify", fn_modify, "st", MUST),
    TIME("must_date_modify", fn_modify, "st", MUST),
    TIME("toDate", fn_to_date, "ss", 0),
    TIME("mustToDate", fn_to_date, "ss", MUST),
    TEXT("unixEpoch", fn_unix_epoch, "t", 0),
    TEXT("ago", fn_ago, "a", 1),
    TEXT("duration", fn_duration, "a", 0),
    TEXT("durationRound", fn_duration_round, "a", 0),
    {.name = NULL},
};
