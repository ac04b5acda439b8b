/* SPDX-License-Identifier: Apache-2.0 */
/* When values are equal. Values can share parts many times over, so that comparing them is work that is counted. */
#include "base/limits.h"
#include "expr/eval.h"
#include "expr/time.h"

enum { LOOSE, STRICT }; /* the language's ==, reflect.DeepEqual */

struct comparer {
    struct tph_expr_run *run;
    size_t depth;
    bool equal;
};

static int compare(struct comparer *c, int how, const struct tph_expr_value *a, const struct tph_expr_value *b);

bool expr_is_plain_number(enum tph_expr_type type)
{
    return (type >= TPH_EXPR_INT && type <= TPH_EXPR_UINT64) || tph_expr_is_float(type);
}

bool expr_is_nil(struct tph_expr_value value)
{
    return value.type == TPH_EXPR_NIL ||
           (value.type >= TPH_EXPR_LIST && value.type < TPH_EXPR_PAIR && !value.list.items) ||
           (tph_expr_is_map(value.type) && !value.map) || (value.type == TPH_EXPR_BYTES && !value.str.p);
}

/* Lists that == compares element by element whatever their types; else reflect decides. */
static bool are_comparable_lists(enum tph_expr_type a, enum tph_expr_type b)
{
    bool a_typed = a >= TPH_EXPR_BYTES && a <= TPH_EXPR_LIST_FLOAT;
    bool b_typed = b >= TPH_EXPR_BYTES && b <= TPH_EXPR_LIST_FLOAT;
    return a_typed && b_typed && (a == b || a == TPH_EXPR_LIST || b == TPH_EXPR_LIST);
}

static int compare_lists(struct comparer *c, int how, const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    int64_t n = 0;
    int64_t m = 0;
    c->equal = expr_length(*a, &n) == 0 && expr_length(*b, &m) == 0 && n == m &&
               (how == LOOSE || expr_is_nil(*a) == expr_is_nil(*b));
    for (int64_t i = 0; i < n && c->equal; i++) {
        struct tph_expr_value x = expr_item(*a, i);
        struct tph_expr_value y = expr_item(*b, i);
        if (compare(c, how, &x, &y) < 0) {
            return -1;
        }
    }
    return 0;
}

static int compare_maps(struct comparer *c, const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    size_t n = tph_expr_map_len(a->map);
    c->equal = (a->map == NULL) == (b->map == NULL) && n == tph_expr_map_len(b->map);
    if (a->map == b->map) {
        return 0;
    }
    for (size_t i = 0; i < n && c->equal; i++) {
        const struct tph_expr_entry *entry = tph_expr_map_at(a->map, i);
        const struct tph_expr_value *other = tph_expr_map_find(b->map, entry->key);
        c->equal = other != NULL;
        if (other && compare(c, STRICT, &entry->value, other) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool same_time(const struct tph_expr_time *a, const struct tph_expr_time *b)
{
    return a->seconds == b->seconds && a->ns == b->ns;
}

static bool same_numbers(const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    if (tph_expr_is_float(a->type) || tph_expr_is_float(b->type)) {
        return expr_to_double(*a) == expr_to_double(*b);
    }
    return a->i == b->i;
}

/* Values of one type that are no lists and no maps. */
static bool same_scalars(int how, const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    switch (a->type) {
    case TPH_EXPR_NIL:
        return true;
    case TPH_EXPR_BOOL:
        return a->truth == b->truth;
    case TPH_EXPR_STRING:
        return tph_str_eq(a->str, b->str);
    case TPH_EXPR_BYTES:
        return tph_str_eq(a->str, b->str) && (a->str.p == NULL) == (b->str.p == NULL);
    case TPH_EXPR_TIME:
        return same_time(a->time, b->time) && (how == LOOSE || a->time->location == b->time->location);
    case TPH_EXPR_LOCATION:
    case TPH_EXPR_ZONE_STRUCT:
        return a->location == b->location;
    case TPH_EXPR_VERSION:
    case TPH_EXPR_VERSION_STRUCT:
        return a->version == b->version || tph_str_eq(a->version->original, b->version->original);
    default:
        return tph_expr_is_number(a->type) && same_numbers(a, b);
    }
}

static int compare_inner(struct comparer *c, int how, const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    if (how == LOOSE) {
        if (expr_is_plain_number(a->type) && expr_is_plain_number(b->type)) {
            c->equal = same_numbers(a, b);
            return 0;
        }
        if (are_comparable_lists(a->type, b->type)) {
            return compare_lists(c, LOOSE, a, b);
        }
        if (expr_is_nil(*a) && expr_is_nil(*b)) {
            c->equal = true;
            return 0;
        }
    }
    if (a->type != b->type) {
        c->equal = false;
        return 0;
    }
    if (tph_expr_is_list(a->type)) {
        return compare_lists(c, STRICT, a, b);
    }
    if (tph_expr_is_map(a->type)) {
        return compare_maps(c, a, b);
    }
    c->equal = same_scalars(how, a, b);
    return 0;
}

static int compare(struct comparer *c, int how, const struct tph_expr_value *a, const struct tph_expr_value *b)
{
    uint64_t length = a->type == TPH_EXPR_STRING ? a->str.len / 256 : 0;
    if (expr_work(c->run, 1 + length) < 0) {
        return -1;
    }
    if (++c->depth > TPH_LIMIT_EXPR_DEPTH) {
        return expr_fail(c->run, "values with more than %d lists and maps in each other cannot be compared",
                         TPH_LIMIT_EXPR_DEPTH);
    }
    int result = compare_inner(c, how, a, b);
    c->depth--;
    return result;
}

int expr_equal(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
{
    struct comparer c = {.run = run};
    if (compare(&c, LOOSE, &a, &b) < 0) {
        return -1;
    }
    *ret = c.equal;
    return 0;
}

int tph_expr_equal(struct tph_expr_call *call, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
{
    return expr_equal(call->run, a, b, ret);
}

int tph_expr_deep_equal(struct tph_expr_call *call, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
{
    struct comparer c = {.run = call->run};
    if (compare(&c, STRICT, &a, &b) < 0) {
        return -1;
    }
    *ret = c.equal;
    return 0;
}
