/* SPDX-License-Identifier: Apache-2.0 */
/* now, duration, date, timezone. */
#include "data/duration.h"
#include "expr/native.h"
#include "expr/time.h"

static int fn_now(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_location *location = NULL;
    if (call->n_args == 1 && call->args[0].type == TPH_EXPR_LOCATION) {
        location = call->args[0].location;
    } else if (call->n_args > 0) {
        return expr_arg_count(call, 0);
    }
    return tph_expr_time_new(call->memory, 0, tph_expr_now(call), location, ret);
}

static int fn_duration(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    if (tph_duration_parse_go(text, &ns, &err) < 0) {
        return tph_expr_fail(call, "%s", err.text);
    }
    *ret = (struct tph_expr_value){.type = TPH_EXPR_DURATION, .i = ns};
    return 0;
}

static int fn_timezone(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str name;
    const struct tph_expr_location *location = NULL;
    if (expr_arg_str(call, 0, &name) < 0 || tph_expr_location_load(call, name, &location) < 0) {
        return -1;
    }
    *ret = (struct tph_expr_value){.type = TPH_EXPR_LOCATION, .location = location};
    return 0;
}

static int read_time(struct tph_expr_call *call, struct tph_str layout, struct tph_str text,
                     const struct tph_expr_location *location, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    if (tph_expr_time_read(call->memory, layout, text, location, ret, &problem) == 0) {
        return 0;
    }
    return problem.len > 0 ? tph_expr_fail(call, "%s", tph_buf_cstr(&problem)) : -1;
}

/* The layouts that are tried when none is given. */
static int guess_time(struct tph_expr_call *call, struct tph_str text, const struct tph_expr_location *location,
                      struct tph_expr_value *ret)
{
    static const char *const layouts[] = {
        "2006-01-02",
        "15:04:05",
        "2006-01-02 15:04:05",
        "2006-01-02T15:04:05Z07:00",
        "02 Jan 06 15:04 MST",
        "Monday, 02-Jan-06 15:04:05 MST",
        "Mon, 02 Jan 2006 15:04:05 MST",
    };
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
        if (tph_expr_time_read(call->memory, tph_str(layouts[i]), text, location, ret, &problem) == 0) {
            return 0;
        }
        if (problem.len == 0) {
            return -1;
        }
    }
    return tph_expr_fail(call, "invalid date %.*s", TPH_FMT(text));
}

/* date([zone,] text [, layout [, name of a zone]]) */
static int fn_date(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *first = expr_arg(call, 0);
    const struct tph_expr_location *location = NULL;
    struct tph_str text;
    struct tph_str layout;
    struct tph_str name;
    if (!first) {
        return -1;
    }
    size_t at = first->type == TPH_EXPR_LOCATION ? 1 : 0;
    location = at == 1 ? first->location : NULL;
    if (expr_arg_str(call, at, &text) < 0) {
        return -1;
    }
    size_t n = call->n_args - at;
    if (n == 3) {
        if (expr_arg_str(call, at + 1, &layout) < 0 || expr_arg_str(call, at + 2, &name) < 0 ||
            tph_expr_location_load(call, name, &location) < 0) {
            return -1;
        }
        return read_time(call, layout, text, location, ret);
    }
    if (n == 2) {
        return expr_arg_str(call, at + 1, &layout) < 0 ? -1 : read_time(call, layout, text, location, ret);
    }
    return guess_time(call, text, location, ret);
}

static const struct expr_signature duration_signature = {"s", "de", 0};
static const struct expr_signature timezone_signature = {"s", "Le", 0};

static const struct expr_builtin rows[] = {
    {.function = {.name = "now", .native = fn_now}, .judgement = EXPR_JUDGE_NOW, .style = EXPR_STYLE_MANY},
    {.function = {.name = "date", .native = fn_date}, .judgement = EXPR_JUDGE_DATE, .style = EXPR_STYLE_MANY},
    {.function = {.name = "duration", .native = fn_duration},
     .judgement = EXPR_JUDGE_SIGNATURES,
     .style = EXPR_STYLE_MANY,
     .signatures = &duration_signature,
     .n_signatures = 1},
    {.function = {.name = "timezone", .native = fn_timezone},
     .judgement = EXPR_JUDGE_SIGNATURES,
     .style = EXPR_STYLE_MANY,
     .signatures = &timezone_signature,
     .n_signatures = 1},
};

const struct expr_builtins expr_time_builtins = {rows, sizeof(rows) / sizeof(rows[0])};
