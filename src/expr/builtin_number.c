/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on numbers. */
#include <math.h>
#include <stdlib.h>

#include "data/number.h"
#include "expr/native.h"

static int fail_type(struct tph_expr_call *call, const char *format, const struct tph_expr_value *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    tph_expr_print_type(*value, &type);
    return tph_expr_fail(call, "%s%s)", format, tph_buf_cstr(&type));
}

static int fail_argument(struct tph_expr_call *call, const struct tph_expr_value *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    tph_expr_print_type(*value, &type);
    return tph_expr_fail(call, "invalid argument for %s (type %s)", call->function->name, tph_buf_cstr(&type));
}

static int fn_abs(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = &call->args[0];
    if (!expr_is_plain_number(value->type)) {
        return fail_argument(call, value);
    }
    *ret = *value;
    if (tph_expr_is_float(value->type)) {
        ret->f = value->f < 0 ? -value->f : value->f;
    } else if (value->type <= TPH_EXPR_INT64 && value->i < 0) {
        return expr_negate(call->run, *value, ret);
    }
    return 0;
}

enum { CEIL, FLOOR, ROUND };

static int fn_round(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = &call->args[0];
    if (!expr_is_plain_number(value->type)) {
        return fail_argument(call, value);
    }
    double f = expr_to_double(*value);
    *ret = tph_expr_float(call->function->tag == CEIL ? ceil(f) : call->function->tag == FLOOR ? floor(f) : round(f));
    return 0;
}

/* strconv.Atoi: decimal digits with a sign. */
static int read_int(struct tph_str text, int64_t *ret)
{
    if (text.len > 0 && text.p[0] == '+') {
        text = tph_str_slice(text, 1, text.len);
        if (text.len > 0 && text.p[0] == '-') {
            return -1;
        }
    }
    return tph_str_to_i64(text, ret);
}

int expr_native_int(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = &call->args[0];
    int64_t i = 0;
    if (value->type == TPH_EXPR_NIL) {
        return tph_expr_fail(call, "reflect: call of reflect.Value.Type on zero Value");
    }
    if (value->type == TPH_EXPR_STRING) {
        if (read_int(value->str, &i) < 0) {
            return tph_expr_fail(call, "invalid operation: int(%.*s)", TPH_FMT(value->str));
        }
    } else if (tph_expr_is_float(value->type)) {
        i = expr_double_to_int(value->f);
    } else if (tph_expr_is_integer(value->type)) {
        i = value->i;
    } else {
        return fail_type(call, "invalid operation: int(", value);
    }
    *ret = tph_expr_int(i);
    return 0;
}

int expr_native_float(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = &call->args[0];
    double f = 0;
    if (value->type == TPH_EXPR_STRING) {
        if (expr_read_float(value->str, &f) != EXPR_FLOAT_READ) {
            return tph_expr_fail(call, "invalid operation: float(%.*s)", TPH_FMT(value->str));
        }
    } else if (expr_is_plain_number(value->type)) {
        f = expr_to_double(*value);
    } else {
        return fail_type(call, "invalid operation: float(", value);
    }
    *ret = tph_expr_float(f);
    return 0;
}

/* Numbers that arguments and the lists in them hold, one after the other. */
struct numbers {
    struct tph_expr_call *call;
    int (*use)(struct numbers *n, const struct tph_expr_value *number);
    size_t depth;
    struct tph_expr_value best; /* of max and min; NIL: none yet */
    double total;
    int64_t count;
    double *values; /* of median */
    size_t capacity;
};

static int walk(struct numbers *n, const struct tph_expr_value *list, int64_t length)
{
    if (++n->depth > TPH_LIMIT_EXPR_DEPTH) {
        return tph_expr_fail(n->call, "recursion depth exceeded");
    }
    double before = n->total;
    n->total = n->depth > 1 ? 0 : before; /* lists in lists are added up by themselves */
    for (int64_t i = 0; i < length; i++) {
        struct tph_expr_value item = expr_item(*list, i);
        int64_t inner = 0;
        int result = expr_work(n->call->run, 1);
        if (result == 0) {
            result = expr_as_list(&item, &inner) ? walk(n, &item, inner) : n->use(n, &item);
        }
        if (result < 0) {
            return -1;
        }
    }
    n->total += n->depth > 1 ? before : 0;
    n->depth--;
    return 0;
}

static int use_best(struct numbers *n, const struct tph_expr_value *number)
{
    bool better = n->best.type == TPH_EXPR_NIL;
    bool is_number = n->depth > 0 ? expr_is_plain_number(number->type) : tph_expr_is_number(number->type);
    if (!is_number) {
        return fail_argument(n->call, number);
    }
    bool max = n->call->function->tag == 0;
    if (!better && expr_less(n->call->run, max ? n->best : *number, max ? *number : n->best, &better) < 0) {
        return -1;
    }
    n->best = better ? *number : n->best;
    return 0;
}

static int fn_best(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct numbers n = {.call = call, .use = use_best};
    for (size_t i = 0; i < call->n_args; i++) {
        const struct tph_expr_value *value = &call->args[i];
        int64_t length = 0;
        if (!expr_as_list(value, &length) && !tph_expr_is_number(value->type) && call->n_args == 1) {
            *ret = *value; /* alone, anything is the best */
            return 0;
        }
        int result = expr_as_list(value, &length) ? walk(&n, value, length) : use_best(&n, value);
        if (result < 0) {
            return -1;
        }
    }
    *ret = n.best;
    return 0;
}

static int use_mean(struct numbers *n, const struct tph_expr_value *number)
{
    if (!tph_expr_is_number(number->type)) {
        return fail_argument(n->call, number);
    }
    n->total += expr_to_double(*number);
    n->count++;
    return 0;
}

static int use_median(struct numbers *n, const struct tph_expr_value *number)
{
    if (!tph_expr_is_number(number->type)) {
        return fail_argument(n->call, number);
    }
    if ((size_t)n->count == n->capacity) {
        size_t capacity = n->capacity > 0 ? n->capacity * 2 : 16;
        double *values = tph_expr_alloc_array(n->call->memory, sizeof(*values), capacity);
        if (!values) {
            return -1;
        }
        for (int64_t i = 0; i < n->count; i++) {
            values[i] = n->values[i];
        }
        n->values = values;
        n->capacity = capacity;
    }
    n->values[n->count++] = expr_to_double(*number);
    return 0;
}

static int collect(struct numbers *n)
{
    for (size_t i = 0; i < n->call->n_args; i++) {
        const struct tph_expr_value *value = &n->call->args[i];
        int64_t length = 0;
        if ((expr_as_list(value, &length) ? walk(n, value, length) : n->use(n, value)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fn_mean(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct numbers n = {.call = call, .use = use_mean};
    if (collect(&n) < 0) {
        return -1;
    }
    *ret = tph_expr_float(n.count == 0 ? 0 : n.total / (double)n.count);
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    if (isnan(x) || isnan(y)) {
        return (isnan(y) ? 1 : 0) - (isnan(x) ? 1 : 0);
    }
    return x < y ? -1 : x > y;
}

static int fn_median(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct numbers n = {.call = call, .use = use_median};
    if (collect(&n) < 0) {
        return -1;
    }
    if (n.count == 0) {
        *ret = tph_expr_float(0);
        return 0;
    }
    qsort(n.values, (size_t)n.count, sizeof(*n.values), compare_doubles);
    double upper = n.values[n.count / 2];
    *ret = tph_expr_float(n.count % 2 == 1 ? upper : (n.values[n.count / 2 - 1] + upper) / 2);
    return 0;
}

static int bit_operand(struct tph_expr_call *call, size_t index, int64_t *ret)
{
    const struct tph_expr_value *value = &call->args[index];
    if (value->type < TPH_EXPR_INT || value->type > TPH_EXPR_UINT64) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(*value, &type);
        return tph_expr_fail(call, "cannot use %s as argument (type int) to call %s", tph_buf_cstr(&type),
                             call->function->name);
    }
    *ret = value->i;
    return 0;
}

enum { BIT_AND, BIT_OR, BIT_XOR, BIT_NAND, BIT_SHL, BIT_SHR, BIT_USHR, BIT_NOT };

static int64_t shift(int how, int64_t x, int64_t y)
{
    if (how == BIT_SHR) {
        return x >> (y > 63 ? 63 : y);
    }
    uint64_t u = (uint64_t)x;
    return (int64_t)(y > 63 ? 0 : how == BIT_SHL ? u << y : u >> y);
}

static int fn_bits(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t x = 0;
    int64_t y = 0;
    int how = call->function->tag;
    size_t wanted = how == BIT_NOT ? 1 : 2;
    if (call->n_args != wanted) {
        return tph_expr_fail(call, "invalid number of arguments for %s (expected %zu, got %zu)", call->function->name,
                             wanted, call->n_args);
    }
    if (bit_operand(call, 0, &x) < 0 || (wanted == 2 && bit_operand(call, 1, &y) < 0)) {
        return -1;
    }
    if (how >= BIT_SHL && how <= BIT_USHR) {
        if (y < 0) {
            return tph_expr_fail(call, "invalid operation: negative shift count %lld (type int)", (long long)y);
        }
        *ret = tph_expr_int(shift(how, x, y));
        return 0;
    }
    *ret = tph_expr_int(how == BIT_AND   ? x & y
                        : how == BIT_OR  ? x | y
                        : how == BIT_XOR ? x ^ y
                        : how == BIT_NOT ? ~x
                                         : x & ~y);
    return 0;
}

#define KINDS(function_name, fn, number, allowed, refused, what, type)                                             \
    {                                                                                                              \
        .function = {.name = (function_name), .native = (fn), .tag = (number)}, .judgement = EXPR_JUDGE_ONE,       \
        .style = EXPR_STYLE_ONE, .kinds = (allowed), .refusal = (refused), .result = (what), .result_type = (type) \
    }
#define AGGREGATE(function_name, fn, number)                                                                       \
    {                                                                                                              \
        .function = {.name = (function_name), .native = (fn), .tag = (number)}, .judgement = EXPR_JUDGE_AGGREGATE, \
        .style = EXPR_STYLE_MANY, .refusal = "invalid argument for " function_name " (type %s)"                    \
    }
#define BITS(function_name, number, params)                                                                            \
    {                                                                                                                  \
        .function = {.name = (function_name), .native = fn_bits, .tag = (number)}, .judgement = EXPR_JUDGE_SIGNATURES, \
        .style = EXPR_STYLE_MANY, .signatures = (const struct expr_signature[]){{params, "i", 0}}, .n_signatures = 1   \
    }

static const struct expr_builtin rows[] = {
    KINDS("abs", fn_abs, 0, EXPR_KIND_NUMBER, "invalid argument for abs (type %s)", EXPR_RESULT_SAME, 0),
    KINDS("ceil", fn_round, CEIL, EXPR_KIND_NUMBER, "invalid argument for ceil (type %s)", EXPR_RESULT_TYPE,
          TPH_EXPR_FLOAT64),
    KINDS("floor", fn_round, FLOOR, EXPR_KIND_NUMBER, "invalid argument for floor (type %s)", EXPR_RESULT_TYPE,
          TPH_EXPR_FLOAT64),
    KINDS("round", fn_round, ROUND, EXPR_KIND_NUMBER, "invalid argument for round (type %s)", EXPR_RESULT_TYPE,
          TPH_EXPR_FLOAT64),
    KINDS("int", expr_native_int, 0, EXPR_KIND_NUMBER | EXPR_KIND_STRING, "invalid argument for int (type %s)",
          EXPR_RESULT_TYPE, TPH_EXPR_INT),
    KINDS("float", expr_native_float, 0, EXPR_KIND_NUMBER | EXPR_KIND_STRING, "invalid argument for float (type %s)",
          EXPR_RESULT_TYPE, TPH_EXPR_FLOAT64),
    AGGREGATE("max", fn_best, 0),
    AGGREGATE("min", fn_best, 1),
    AGGREGATE("mean", fn_mean, 0),
    AGGREGATE("median", fn_median, 0),
    BITS("bitand", BIT_AND, "ii"),
    BITS("bitor", BIT_OR, "ii"),
    BITS("bitxor", BIT_XOR, "ii"),
    BITS("bitnand", BIT_NAND, "ii"),
    BITS("bitshl", BIT_SHL, "ii"),
    BITS("bitshr", BIT_SHR, "ii"),
    BITS("bitushr", BIT_USHR, "ii"),
    BITS("bitnot", BIT_NOT, "i"),
};

const struct expr_builtins expr_number_builtins = {rows, sizeof(rows) / sizeof(rows[0])};
