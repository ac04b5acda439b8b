/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic and order. Integers wrap around as Go's do; of two different ones the result is an int. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/eval.h"
#include "expr/time.h"

int expr_wrong_type(struct tph_expr_run *run, struct tph_expr_value value, const char *wanted)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    tph_expr_print_type(value, &type);
    return expr_fail(run, "interface conversion: interface {} is %s, not %s",
                     value.type == TPH_EXPR_NIL ? "nil" : tph_buf_cstr(&type), wanted);
}

double expr_to_double(struct tph_expr_value a)
{
    if (tph_expr_is_float(a.type)) {
        return a.f;
    }
    return a.type >= TPH_EXPR_UINT && a.type <= TPH_EXPR_UINT64 ? (double)a.u : (double)a.i;
}

int64_t expr_double_to_int(double value)
{
    return value >= -9223372036854775808.0 && value < 9223372036854775808.0 ? (int64_t)value : INT64_MIN;
}

int expr_to_int(struct tph_expr_run *run, struct tph_expr_value a, int64_t *ret)
{
    if (!expr_is_plain_number(a.type)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(a, &type);
        return expr_fail(run, "invalid operation: int(%s)", tph_buf_cstr(&type));
    }
    *ret = tph_expr_is_float(a.type) ? expr_double_to_int(a.f) : a.i;
    return 0;
}

static int mismatch(struct tph_expr_run *run, const char *sign, struct tph_expr_value a, struct tph_expr_value b)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf left = TPH_BUF_INIT(512);
    TPH_CLEANUP(tph_buf_release) struct tph_buf right = TPH_BUF_INIT(512);
    tph_expr_print_type(a, &left);
    tph_expr_print_type(b, &right);
    return expr_fail(run, "invalid operation: %s %s %s", tph_buf_cstr(&left), sign, tph_buf_cstr(&right));
}

static const char *sign_of(enum expr_op op)
{
    switch (op) {
    case EXPR_OP_LESS:
        return "<";
    case EXPR_OP_MORE:
        return ">";
    case EXPR_OP_LESS_EQUAL:
        return "<=";
    case EXPR_OP_MORE_EQUAL:
        return ">=";
    case EXPR_OP_ADD:
        return "+";
    case EXPR_OP_SUBTRACT:
        return "-";
    case EXPR_OP_MULTIPLY:
        return "*";
    case EXPR_OP_DIVIDE:
        return "/";
    default:
        return "%";
    }
}

int expr_negate(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value *ret)
{
    if (!expr_is_plain_number(a.type)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(a, &type);
        return expr_fail(run, "invalid operation: - %s", tph_buf_cstr(&type));
    }
    *ret = a;
    if (tph_expr_is_float(a.type)) {
        ret->f = -a.f;
        return 0;
    }
    uint64_t u = -a.u;
    switch (a.type) {
    case TPH_EXPR_INT8:
        ret->i = (int8_t)u;
        break;
    case TPH_EXPR_INT16:
        ret->i = (int16_t)u;
        break;
    case TPH_EXPR_INT32:
        ret->i = (int32_t)u;
        break;
    case TPH_EXPR_UINT8:
        ret->u = (uint8_t)u;
        break;
    case TPH_EXPR_UINT16:
        ret->u = (uint16_t)u;
        break;
    case TPH_EXPR_UINT32:
        ret->u = (uint32_t)u;
        break;
    default:
        ret->u = u;
        break;
    }
    return 0;
}

/* <0, 0, >0; 2 when they are not ordered (NaN). -1 return: types that have no order. */
enum { UNORDERED = 2 };
static int order(struct tph_expr_value a, struct tph_expr_value b, int *ret)
{
    if (expr_is_plain_number(a.type) && expr_is_plain_number(b.type)) {
        if (tph_expr_is_float(a.type) || tph_expr_is_float(b.type)) {
            double x = expr_to_double(a);
            double y = expr_to_double(b);
            *ret = x < y ? -1 : x > y ? 1 : x == y ? 0 : UNORDERED;
        } else {
            *ret = a.i < b.i ? -1 : a.i > b.i;
        }
        return 0;
    }
    if (a.type != b.type) {
        return -1;
    }
    if (a.type == TPH_EXPR_STRING) {
        int compared = tph_str_cmp(a.str, b.str);
        *ret = compared < 0 ? -1 : compared > 0;
    } else if (a.type == TPH_EXPR_TIME) {
        *ret = tph_expr_time_compare(a.time, b.time);
    } else if (a.type == TPH_EXPR_DURATION) {
        *ret = a.i < b.i ? -1 : a.i > b.i;
    } else {
        return -1;
    }
    return 0;
}

int expr_less(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
{
    int ordered = 0;
    if (order(a, b, &ordered) < 0) {
        return mismatch(run, "<", a, b);
    }
    *ret = ordered < 0;
    return 0;
}

static int compare(struct tph_expr_run *run, enum expr_op op, struct tph_expr_value a, struct tph_expr_value b,
                   struct tph_expr_value *ret)
{
    int ordered = 0;
    if (order(a, b, &ordered) < 0) {
        return mismatch(run, sign_of(op), a, b);
    }
    bool truth = false;
    switch (op) {
    case EXPR_OP_LESS:
        truth = ordered < 0;
        break;
    case EXPR_OP_MORE:
        truth = ordered == 1;
        break;
    case EXPR_OP_LESS_EQUAL:
        truth = ordered <= 0;
        break;
    default:
        truth = ordered == 0 || ordered == 1;
        break;
    }
    *ret = tph_expr_bool(truth);
    return 0;
}

static struct tph_expr_value integers(enum expr_op op, uint64_t a, uint64_t b, enum tph_expr_type type)
{
    uint64_t result = op == EXPR_OP_ADD ? a + b : op == EXPR_OP_SUBTRACT ? a - b : a * b;
    return (struct tph_expr_value){.type = type, .u = result};
}

static double floats(enum expr_op op, double a, double b)
{
    return op == EXPR_OP_ADD ? a + b : op == EXPR_OP_SUBTRACT ? a - b : op == EXPR_OP_MULTIPLY ? a * b : a / b;
}

static int modulo(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value b,
                  struct tph_expr_value *ret)
{
    if (tph_expr_is_float(a.type) || tph_expr_is_float(b.type)) {
        return mismatch(run, "%", a, b);
    }
    if (b.i == 0) {
        return expr_fail(run, "runtime error: integer divide by zero");
    }
    *ret = tph_expr_int(b.i == -1 ? 0 : a.i % b.i);
    return 0;
}

static int numbers(struct tph_expr_run *run, enum expr_op op, struct tph_expr_value a, struct tph_expr_value b,
                   struct tph_expr_value *ret)
{
    if (op == EXPR_OP_MODULO) {
        return modulo(run, a, b, ret);
    }
    bool is_float = tph_expr_is_float(a.type) || tph_expr_is_float(b.type) || op == EXPR_OP_DIVIDE;
    *ret = is_float ? tph_expr_float(floats(op, expr_to_double(a), expr_to_double(b)))
                    : integers(op, a.u, b.u, TPH_EXPR_INT);
    return 0;
}

static int concatenate(struct tph_expr_run *run, struct tph_str a, struct tph_str b, struct tph_expr_value *ret)
{
    char *bytes = tph_expr_alloc(run->memory, a.len + b.len);
    if (!bytes || expr_work(run, (a.len + b.len) / 256) < 0) {
        return -1;
    }
    if (a.len > 0) {
        memcpy(bytes, a.p, a.len);
    }
    if (b.len > 0) {
        memcpy(bytes + a.len, b.p, b.len);
    }
    *ret = tph_expr_str((struct tph_str){.p = bytes, .len = a.len + b.len});
    return 0;
}

static struct tph_expr_value duration(int64_t ns)
{
    return (struct tph_expr_value){.type = TPH_EXPR_DURATION, .i = ns};
}

/* Times and durations. -1: this operator is not for them; then nothing is told. */
static int times(struct tph_expr_run *run, enum expr_op op, struct tph_expr_value a, struct tph_expr_value b,
                 struct tph_expr_value *ret)
{
    bool a_time = a.type == TPH_EXPR_TIME;
    bool b_time = b.type == TPH_EXPR_TIME;
    bool a_duration = a.type == TPH_EXPR_DURATION;
    bool b_duration = b.type == TPH_EXPR_DURATION;
    if (op == EXPR_OP_ADD && a_time && b_duration) {
        return tph_expr_time_add(run->memory, a.time, b.i, ret);
    }
    if (op == EXPR_OP_ADD && a_duration && b_time) {
        return tph_expr_time_add(run->memory, b.time, a.i, ret);
    }
    if (op == EXPR_OP_SUBTRACT && a_time && b_duration) {
        return tph_expr_time_add(run->memory, a.time, (int64_t)-b.u, ret);
    }
    if (op == EXPR_OP_SUBTRACT && a_time && b_time) {
        *ret = duration(tph_expr_time_since(a.time, b.time));
        return 0;
    }
    if (a_duration && b_duration && op >= EXPR_OP_ADD && op <= EXPR_OP_MULTIPLY) {
        *ret = integers(op, a.u, b.u, TPH_EXPR_DURATION);
        return 0;
    }
    if (op == EXPR_OP_MULTIPLY &&
        ((a_duration && expr_is_plain_number(b.type)) || (b_duration && expr_is_plain_number(a.type)))) {
        bool is_float = tph_expr_is_float(a.type) || tph_expr_is_float(b.type);
        *ret = is_float ? tph_expr_float(expr_to_double(a) * expr_to_double(b))
                        : integers(op, a.u, b.u, TPH_EXPR_DURATION);
        return 0;
    }
    return mismatch(run, sign_of(op), a, b);
}

int expr_binary(struct tph_expr_run *run, enum expr_op op, struct tph_expr_value a, struct tph_expr_value b,
                struct tph_expr_value *ret)
{
    if (op >= EXPR_OP_LESS && op <= EXPR_OP_LESS_EQUAL) {
        return compare(run, op, a, b, ret);
    }
    if (op == EXPR_OP_POWER) {
        for (int i = 0; i < 2; i++) { /* the right operand is converted last, but told first */
            struct tph_expr_value operand = i == 0 ? a : b;
            if (!expr_is_plain_number(operand.type)) {
                TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
                tph_expr_print_type(operand, &type);
                return expr_fail(run, "invalid operation: float(%s)", tph_buf_cstr(&type));
            }
        }
        *ret = tph_expr_float(expr_power(expr_to_double(a), expr_to_double(b)));
        return 0;
    }
    if (expr_is_plain_number(a.type) && expr_is_plain_number(b.type)) {
        return numbers(run, op, a, b, ret);
    }
    if (op == EXPR_OP_ADD && a.type == TPH_EXPR_STRING && b.type == TPH_EXPR_STRING) {
        return concatenate(run, a.str, b.str, ret);
    }
    return times(run, op, a, b, ret);
}
