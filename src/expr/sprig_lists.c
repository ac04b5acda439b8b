/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: lists. Those with `must` return the error that the others panic with: here both are errors with the same
 * words, so one row's native serves both. The result is always a new list: a []interface {} also where the argument was
 * a
 * []string, but for `slice`. */
#include <math.h>

#include "expr/convert.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static int add_all(struct tph_expr_builder *b, struct tph_expr_value list, size_t from, size_t to)
{
    if (tph_expr_reserve(b, to - from) < 0) {
        return -1;
    }
    for (size_t i = from; i < to; i++) {
        b->items[b->n++] = expr_sprig_at(list, i);
    }
    return 0;
}

static int fn_list(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    for (size_t i = 0; i < call->n_args; i++) {
        if (tph_expr_push(&b, call->args[i]) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

enum { APPEND, PREPEND };

static int fn_push(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_expr_value list = call->args[0];
    bool before = call->function->tag == PREPEND;
    if (expr_sprig_need_list(call, list, before ? "Cannot prepend on type %s" : "Cannot push on type %s") < 0 ||
        tph_expr_reserve(&b, expr_sprig_len(list) + 1) < 0 || (before && tph_expr_push(&b, call->args[1]) < 0) ||
        add_all(&b, list, 0, expr_sprig_len(list)) < 0 || (!before && tph_expr_push(&b, call->args[1]) < 0)) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

enum { FIRST, LAST };

static int fn_end(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value list = call->args[0];
    bool last = call->function->tag == LAST;
    if (expr_sprig_need_list(call, list, last ? "Cannot find last on type %s" : "Cannot find first on type %s") < 0) {
        return -1;
    }
    size_t n = expr_sprig_len(list);
    *ret = n > 0 ? expr_sprig_at(list, last ? n - 1 : 0) : TPH_EXPR_VALUE_NIL;
    return 0;
}

/* All but the first (rest), or all but the last (initial); nil of an empty list. */
static int fn_others(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_expr_value list = call->args[0];
    bool rest = call->function->tag == FIRST;
    if (expr_sprig_need_list(call, list, rest ? "Cannot find rest on type %s" : "Cannot find initial on type %s") < 0) {
        return -1;
    }
    size_t n = expr_sprig_len(list);
    if (n == 0) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST};
        return 0;
    }
    return add_all(&b, list, rest ? 1 : 0, rest ? n : n - 1) < 0 ? -1 : tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int fn_reverse(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_expr_value list = call->args[0];
    if (expr_sprig_need_list(call, list, "Cannot find reverse on type %s") < 0 ||
        tph_expr_reserve(&b, expr_sprig_len(list)) < 0) {
        return -1;
    }
    for (size_t i = expr_sprig_len(list); i > 0; i--) {
        b.items[b.n++] = expr_sprig_at(list, i - 1);
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int is_among(struct tph_expr_call *call, const struct tph_expr_value *values, size_t n,
                    struct tph_expr_value value, bool *ret)
{
    *ret = false;
    for (size_t i = 0; i < n && !*ret; i++) {
        if (tph_expr_deep_equal(call, value, values[i], ret) < 0) {
            return -1;
        }
    }
    return 0;
}

enum { COMPACT, UNIQ, WITHOUT };

static int is_kept(struct tph_expr_call *call, const struct tph_expr_builder *kept, struct tph_expr_value value,
                   bool *ret)
{
    bool found = false;
    switch (call->function->tag) {
    case COMPACT:
        *ret = !expr_sprig_is_empty(value);
        return tph_expr_work(call, 1);
    case UNIQ:
        if (is_among(call, kept->items, kept->n, value, &found) < 0) {
            return -1;
        }
        break;
    default:
        if (is_among(call, call->args + 1, call->n_args - 1, value, &found) < 0) {
            return -1;
        }
        break;
    }
    *ret = !found;
    return 0;
}

static int fn_filter(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    static const char *const refusals[] = {
        [COMPACT] = "Cannot compact on type %s",
        [UNIQ] = "Cannot find uniq on type %s",
        [WITHOUT] = "Cannot find without on type %s",
    };
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_expr_value list = call->args[0];
    if (expr_sprig_need_list(call, list, refusals[call->function->tag]) < 0) {
        return -1;
    }
    for (size_t i = 0; i < expr_sprig_len(list); i++) {
        struct tph_expr_value value = expr_sprig_at(list, i);
        bool keep = false;
        if (is_kept(call, &b, value, &keep) < 0 || (keep && tph_expr_push(&b, value) < 0)) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int fn_has(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value list = call->args[1];
    bool found = false;
    if (list.type != TPH_EXPR_NIL && expr_sprig_need_list(call, list, "Cannot find has on type %s") < 0) {
        return -1;
    }
    size_t n = list.type == TPH_EXPR_NIL ? 0 : expr_sprig_len(list);
    for (size_t i = 0; i < n && !found; i++) {
        if (tph_expr_deep_equal(call, call->args[0], expr_sprig_at(list, i), &found) < 0) {
            return -1;
        }
    }
    *ret = tph_expr_bool(found);
    return 0;
}

/* list[start:end] of the same type; nil of an empty one. */
static int fn_slice(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value list = call->args[0];
    if (expr_sprig_need_list(call, list, "list should be type of slice or array but %s") < 0) {
        return -1;
    }
    int64_t n = (int64_t)expr_sprig_len(list);
    if (n == 0) {
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    int64_t start = call->n_args > 1 ? expr_sprig_int(call->args[1]) : 0;
    int64_t end = call->n_args > 2 ? expr_sprig_int(call->args[2]) : n;
    if (list.type == TPH_EXPR_PAIR) {
        return tph_expr_fail(call, "reflect.Value.Slice: slice of unaddressable array");
    }
    if (start < 0 || end < start || end > n) {
        return tph_expr_fail(call, "reflect.Value.Slice: slice index out of bounds");
    }
    *ret = list;
    if (list.type == TPH_EXPR_BYTES) {
        ret->str = tph_str_slice(list.str, (size_t)start, (size_t)end);
    } else {
        ret->list.items = list.list.items + start;
        ret->list.n = (size_t)(end - start);
    }
    return 0;
}

static int fn_concat(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    for (size_t i = 0; i < call->n_args; i++) {
        struct tph_expr_value list = call->args[i];
        if (expr_sprig_need_list(call, list, "Cannot concat type %s as list") < 0 ||
            (expr_sprig_len(list) > 0 && add_all(&b, list, 0, expr_sprig_len(list)) < 0)) {
            return -1;
        }
    }
    if (b.n == 0) { /* nothing was ever added to Go's nil list */
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST};
        return 0;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

/* How many chunks Go makes, and how long the last one is: it calculates with floating point numbers, which shows where
 * the size is not positive. */
static int64_t count_chunks(size_t n, int64_t size)
{
    return expr_double_to_int(floor(((double)n - 1) / (double)size) + 1);
}

static int64_t last_chunk(size_t n, int64_t size)
{
    int64_t rest = expr_double_to_int(floor(fmod((double)n, (double)size)));
    return rest == 0 ? size : rest;
}

static int make_chunk(struct tph_expr_call *call, size_t at, int64_t n, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (n < 0) {
        return tph_expr_fail(call, "runtime error: makeslice: len out of range");
    }
    if (add_all(&b, call->args[1], at, at + (size_t)n) < 0) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int fn_chunk(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    int64_t size = call->args[0].i;
    if (expr_sprig_need_list(call, call->args[1], "Cannot chunk type %s") < 0) {
        return -1;
    }
    size_t len = expr_sprig_len(call->args[1]);
    int64_t n = count_chunks(len, size);
    if (n < 0) {
        return tph_expr_fail(call, "runtime error: makeslice: len out of range");
    }
    for (int64_t i = 0; i < n; i++) {
        struct tph_expr_value chunk;
        if (make_chunk(call, (size_t)(i * size), i + 1 == n ? last_chunk(len, size) : size, &chunk) < 0 ||
            tph_expr_push(&b, chunk) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_LIST, ret);
}

#define LIST(text, function, letters, number)                                                               \
    {                                                                                                       \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_LIST, .tag = (number) \
    }
#define ANY(text, function, letters, number)                                                               \
    {                                                                                                      \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_ANY, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_lists[] = {
    LIST("list", fn_list, "a*", 0),
    LIST("tuple", fn_list, "a*", 0),
    LIST("append", fn_push, "aa", APPEND),
    LIST("mustAppend", fn_push, "aa", APPEND),
    LIST("push", fn_push, "aa", APPEND),
    LIST("mustPush", fn_push, "aa", APPEND),
    LIST("prepend", fn_push, "aa", PREPEND),
    LIST("mustPrepend", fn_push, "aa", PREPEND),
    ANY("first", fn_end, "a", FIRST),
    ANY("mustFirst", fn_end, "a", FIRST),
    ANY("last", fn_end, "a", LAST),
    ANY("mustLast", fn_end, "a", LAST),
    LIST("rest", fn_others, "a", FIRST),
    LIST("mustRest", fn_others, "a", FIRST),
    LIST("initial", fn_others, "a", LAST),
    LIST("mustInitial", fn_others, "a", LAST),
    LIST("reverse", fn_reverse, "a", 0),
    LIST("mustReverse", fn_reverse, "a", 0),
    LIST("compact", fn_filter, "a", COMPACT),
    LIST("mustCompact", fn_filter, "a", COMPACT),
    LIST("uniq", fn_filter, "a", UNIQ),
    LIST("mustUniq", fn_filter, "a", UNIQ),
    LIST("without", fn_filter, "aa*", WITHOUT),
    LIST("mustWithout", fn_filter, "aa*", WITHOUT),
    {.name = "has", .native = fn_has, .params = "aa", .result = TPH_EXPR_BOOL},
    {.name = "mustHas", .native = fn_has, .params = "aa", .result = TPH_EXPR_BOOL},
    ANY("slice", fn_slice, "aa*", 0),
    ANY("mustSlice", fn_slice, "aa*", 0),
    ANY("concat", fn_concat, "a*", 0),
    {.name = "chunk", .native = fn_chunk, .params = "ia", .result = TPH_EXPR_LIST_LIST},
    {.name = "mustChunk", .native = fn_chunk, .params = "ia", .result = TPH_EXPR_LIST_LIST},
    {.name = NULL},
};
