/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: numbers. Whole numbers wrap around as Go's do; numbers with places are calculated as decimals, exactly. */
#include <math.h>

#include "data/decimal.h"
#include "expr/convert.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static int fn_int(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = (struct tph_expr_value){.type = call->function->result, .i = expr_sprig_int(call->args[0])};
    return 0;
}

static int fn_float64(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_float(expr_sprig_float(call->args[0]));
    return 0;
}

static int fn_atoi(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t value = 0;
    (void)expr_read_int(call->args[0].str, 10, &value);
    *ret = tph_expr_int(value);
    return 0;
}

/* Of octal digits. */
static int fn_to_decimal(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = EXPR_SPRIG_BUF(call);
    int64_t value = 0;
    tph_expr_print(call->args[0], &text);
    *ret = tph_expr_int64(expr_read_int(tph_buf_str(&text), 8, &value) == EXPR_INT_READ ? value : 0);
    return 0;
}

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, MODULO, MAX, MIN };

static int calculate(struct tph_expr_call *call, int64_t *value, int64_t other)
{
    uint64_t a = (uint64_t)*value;
    uint64_t b = (uint64_t)other;
    switch (call->function->tag) {
    case ADD:
        *value = (int64_t)(a + b);
        return 0;
    case SUBTRACT:
        *value = (int64_t)(a - b);
        return 0;
    case MULTIPLY:
        *value = (int64_t)(a * b);
        return 0;
    case MAX:
        *value = other > *value ? other : *value;
        return 0;
    case MIN:
        *value = other < *value ? other : *value;
        return 0;
    default:
        break;
    }
    if (other == 0) {
        return tph_expr_fail(call, "runtime error: integer divide by zero");
    }
    if (other == -1) { /* also of the smallest integer, which has no opposite */
        *value = call->function->tag == DIVIDE ? (int64_t)(0 - a) : 0;
    } else {
        *value = call->function->tag == DIVIDE ? *value / other : *value % other;
    }
    return 0;
}

/* From the first argument on; a sum begins with nothing. */
static int fn_calculate(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t value = call->n_args > 0 ? expr_sprig_int(call->args[0]) : 0;
    for (size_t i = 1; i < call->n_args; i++) {
        if (calculate(call, &value, expr_sprig_int(call->args[i])) < 0) {
            return -1;
        }
    }
    *ret = tph_expr_int64(value);
    return 0;
}

static int fn_add1(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t value = expr_sprig_int(call->args[0]);
    (void)calculate(call, &value, 1);
    *ret = tph_expr_int64(value);
    return 0;
}

static int check_finite(struct tph_expr_call *call, double value)
{
    if (isfinite(value)) {
        return 0;
    }
    return tph_expr_fail(call, "Cannot create a Decimal from %s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}

static int step(struct tph_expr_call *call, struct tph_decimal *number, double value)
{
    int done = 0;
    if (check_finite(call, value) < 0 || tph_expr_work(call, 1 + number->n / 16) < 0) {
        return -1;
    }
    switch (call->function->tag) {
    case ADD:
        done = tph_decimal_add(number, value);
        break;
    case SUBTRACT:
        done = tph_decimal_add(number, -value);
        break;
    case MULTIPLY:
        done = tph_decimal_multiply(number, value);
        break;
    default:
        if (value == 0) {
            return tph_expr_fail(call, "decimal division by 0");
        }
        done = tph_decimal_divide(number, value);
        break;
    }
    return done < 0 ? tph_expr_fail(call, "a number of more than %d digits", TPH_LIMIT_DECIMAL) : 0;
}

static int calculate_decimals(struct tph_expr_call *call, struct tph_decimal *number)
{
    double first = call->n_args > 0 ? expr_sprig_float(call->args[0]) : 0;
    if (check_finite(call, first) < 0 || tph_decimal_add(number, first) < 0) {
        return -1;
    }
    for (size_t i = 1; i < call->n_args; i++) {
        if (step(call, number, expr_sprig_float(call->args[i])) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fn_decimals(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_decimal number = TPH_DECIMAL_INIT;
    int result = calculate_decimals(call, &number);
    if (result == 0) {
        *ret = tph_expr_float(tph_decimal_to_double(&number));
    }
    tph_decimal_release(&number);
    return result;
}

static int fn_add1f(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value args[] = {call->args[0], tph_expr_int(1)};
    struct tph_expr_call both = *call;
    both.args = args;
    both.n_args = 2;
    return fn_decimals(&both, ret);
}

/* math.Max and math.Min: infinity before NaN before numbers, and zeros have signs. */
static double greater(double a, double b)
{
    if (isinf(a) && a > 0) {
        return a;
    }
    if (isinf(b) && b > 0) {
        return b;
    }
    if (isnan(a) || isnan(b)) {
        return NAN;
    }
    if (a == 0 && b == 0) {
        return signbit(a) ? b : a;
    }
    return a > b ? a : b;
}

static int fn_extreme(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    double sign = call->function->tag == MAX ? 1 : -1;
    double value = sign * expr_sprig_float(call->args[0]);
    for (size_t i = 1; i < call->n_args; i++) {
        value = greater(value, sign * expr_sprig_float(call->args[i]));
    }
    *ret = tph_expr_float(sign * value);
    return 0;
}

static int fn_ceil(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_float(ceil(expr_sprig_float(call->args[0])));
    return 0;
}

static int fn_floor(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_float(floor(expr_sprig_float(call->args[0])));
    return 0;
}

/* To places behind the point; up from `on` on, which is a half unless it is given. Of a negative number the rest is
 * negative too, and never reaches it. */
static int fn_round(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    double on = call->n_args > 2 ? call->args[2].f : 0.5;
    double power = expr_power(10, (double)call->args[1].i);
    double shifted = power * expr_sprig_float(call->args[0]);
    double rest = isinf(shifted) ? NAN : shifted - trunc(shifted);
    *ret = tph_expr_float((rest >= on ? ceil(shifted) : floor(shifted)) / power);
    return 0;
}

/* start, start + step, ... before stop: how many. */
static uint64_t count_steps(int64_t start, int64_t stop, int64_t step)
{
    if (step == 0 || (stop < start) != (step < 0)) {
        return 0;
    }
    uint64_t distance = stop < start ? (uint64_t)start - (uint64_t)stop : (uint64_t)stop - (uint64_t)start;
    uint64_t size = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;
    return distance / size + (distance % size != 0);
}

static int until(struct tph_expr_call *call, int64_t start, int64_t stop, int64_t step, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    uint64_t n = count_steps(start, stop, step);
    if (tph_expr_work(call, n) < 0 || tph_expr_reserve(&b, n) < 0) {
        return -1;
    }
    for (uint64_t i = 0; i < n; i++) {
        b.items[b.n++] = tph_expr_int((int64_t)((uint64_t)start + i * (uint64_t)step));
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_INT, ret);
}

static int fn_until(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t stop = call->args[0].i;
    return until(call, 0, stop, stop < 0 ? -1 : 1, ret);
}

static int fn_until_step(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return until(call, call->args[0].i, call->args[1].i, call->args[2].i, ret);
}

/* As the program seq prints: [first [step]] last, the last included. */
static int fn_seq(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    size_t n = call->n_args;
    if (n == 0 || n > 3) {
        *ret = tph_expr_cstr("");
        return 0;
    }
    int64_t start = n == 1 ? 1 : call->args[0].i;
    int64_t last = call->args[n - 1].i;
    int64_t direction = last < start ? -1 : 1;
    int64_t by = n == 3 ? call->args[1].i : direction;
    int64_t stop = (int64_t)((uint64_t)last + (uint64_t)direction);
    uint64_t steps = direction < 0 && by > 0 ? 0 : count_steps(start, stop, by);
    if (tph_expr_work(call, steps) < 0) {
        return -1;
    }
    for (uint64_t i = 0; i < steps; i++) {
        (void)tph_buf_printf(&out, "%s%lld", i > 0 ? " " : "", (long long)((uint64_t)start + i * (uint64_t)by));
    }
    return tph_expr_keep(call->memory, &out, ret);
}

#define WHOLE(text, function, letters, number)                                                               \
    {                                                                                                        \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_INT64, .tag = (number) \
    }
#define FLOAT(text, function, letters, number)                                                                 \
    {                                                                                                          \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_FLOAT64, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_numbers[] = {
    {.name = "atoi", .native = fn_atoi, .params = "s", .result = TPH_EXPR_INT},
    {.name = "int", .native = fn_int, .params = "a", .result = TPH_EXPR_INT},
    WHOLE("int64", fn_int, "a", 0),
    FLOAT("float64", fn_float64, "a", 0),
    WHOLE("toDecimal", fn_to_decimal, "a", 0),
    WHOLE("add", fn_calculate, "a*", ADD),
    WHOLE("add1", fn_add1, "a", ADD),
    WHOLE("sub", fn_calculate, "aa", SUBTRACT),
    WHOLE("mul", fn_calculate, "aa*", MULTIPLY),
    WHOLE("div", fn_calculate, "aa", DIVIDE),
    WHOLE("mod", fn_calculate, "aa", MODULO),
    WHOLE("max", fn_calculate, "aa*", MAX),
    WHOLE("biggest", fn_calculate, "aa*", MAX),
    WHOLE("min", fn_calculate, "aa*", MIN),
    FLOAT("addf", fn_decimals, "a*", ADD),
    FLOAT("add1f", fn_add1f, "a", ADD),
    FLOAT("subf", fn_decimals, "aa*", SUBTRACT),
    FLOAT("mulf", fn_decimals, "aa*", MULTIPLY),
    FLOAT("divf", fn_decimals, "aa*", DIVIDE),
    FLOAT("maxf", fn_extreme, "aa*", MAX),
    FLOAT("minf", fn_extreme, "aa*", MIN),
    FLOAT("ceil", fn_ceil, "a", 0),
    FLOAT("floor", fn_floor, "a", 0),
    FLOAT("round", fn_round, "aif*", 0),
    {.name = "until", .native = fn_until, .params = "i", .result = TPH_EXPR_LIST_INT},
    {.name = "untilStep", .native = fn_until_step, .params = "iii", .result = TPH_EXPR_LIST_INT},
    {.name = "seq", .native = fn_seq, .params = "i*", .result = TPH_EXPR_STRING},
    {.name = NULL},
};
