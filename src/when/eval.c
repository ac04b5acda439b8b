/* SPDX-License-Identifier: Apache-2.0 */
/* A tree's value. A chain is a tree that leans to the left: it is walked by a loop, so that only parentheses recurse.
 */
#include <math.h>
#include <string.h>

#include "data/number.h"
#include "when/internal.h"

void when_print(struct when_value value, struct tph_buf *out)
{
    switch (value.type) {
    case WHEN_VALUE_NIL:
        (void)tph_buf_puts(out, "<nil>");
        break;
    case WHEN_VALUE_BOOL:
        (void)tph_buf_puts(out, value.truth ? "true" : "false");
        break;
    case WHEN_VALUE_NUMBER:
        if (isfinite(value.number)) {
            tph_number_write_g(value.number, out);
        } else {
            (void)tph_buf_puts(out, isnan(value.number) ? "NaN" : value.number > 0 ? "+Inf" : "-Inf");
        }
        break;
    case WHEN_VALUE_STRING:
    case WHEN_VALUE_PATTERN:
        (void)tph_buf_put(out, value.text);
        break;
    case WHEN_VALUE_LIST:
        (void)tph_buf_putc(out, '[');
        for (size_t i = 0; i < value.list.n; i++) {
            (void)tph_buf_puts(out, i > 0 ? " " : "");
            when_print(value.list.items[i], out);
        }
        (void)tph_buf_putc(out, ']');
        break;
    }
}

static bool equal(struct when_value a, struct when_value b)
{
    if (a.type != b.type) {
        return false;
    }
    switch (a.type) {
    case WHEN_VALUE_NIL:
        return true;
    case WHEN_VALUE_BOOL:
        return a.truth == b.truth;
    case WHEN_VALUE_NUMBER:
        return a.number == b.number;
    case WHEN_VALUE_STRING:
    case WHEN_VALUE_PATTERN:
        return tph_str_eq(a.text, b.text);
    case WHEN_VALUE_LIST:
        break;
    }
    bool same = a.list.n == b.list.n;
    for (size_t i = 0; same && i < a.list.n; i++) {
        same = equal(a.list.items[i], b.list.items[i]);
    }
    return same;
}

/* Operators by what the library says of values that do not fit. */
enum family { FAMILY_LOGICAL, FAMILY_MODIFIER, FAMILY_COMPARATOR, FAMILY_TERNARY, FAMILY_PREFIX };

static int refuse(enum family family, struct when_value value, const char *symbol, struct tph_buf *problem)
{
    static const char *const texts[][2] = {
        [FAMILY_LOGICAL] = {"the logical operator", ", it is not a bool"},
        [FAMILY_MODIFIER] = {"the modifier", ", it is not a number"},
        [FAMILY_COMPARATOR] = {"the comparator", ", it is not a number"},
        [FAMILY_TERNARY] = {"the ternary operator", ", it is not a bool"},
        [FAMILY_PREFIX] = {"the prefix", ""},
    };
    (void)tph_buf_puts(problem, "Value '");
    when_print(value, problem);
    (void)tph_buf_printf(problem, "' cannot be used with %s '%s'%s", texts[family][0], symbol, texts[family][1]);
    return -1;
}

static const char *symbol_of(enum when_op op)
{
    static const char *const symbols[] = {
        [WHEN_OP_NONE] = "NOOP",   [WHEN_OP_SEPARATE] = "", [WHEN_OP_TERNARY_TRUE] = "?", [WHEN_OP_TERNARY_FALSE] = ":",
        [WHEN_OP_COALESCE] = "??", [WHEN_OP_OR] = "||",     [WHEN_OP_AND] = "&&",         [WHEN_OP_EQ] = "=",
        [WHEN_OP_NEQ] = "!=",      [WHEN_OP_GT] = ">",      [WHEN_OP_GTE] = ">=",         [WHEN_OP_LT] = "<",
        [WHEN_OP_LTE] = "<=",      [WHEN_OP_REQ] = "=~",    [WHEN_OP_NREQ] = "!~",        [WHEN_OP_IN] = "in",
        [WHEN_OP_BIT_AND] = "&",   [WHEN_OP_BIT_OR] = "|",  [WHEN_OP_BIT_XOR] = "^",      [WHEN_OP_LSHIFT] = "<<",
        [WHEN_OP_RSHIFT] = ">>",   [WHEN_OP_PLUS] = "+",    [WHEN_OP_MINUS] = "-",        [WHEN_OP_MULTIPLY] = "*",
        [WHEN_OP_DIVIDE] = "/",    [WHEN_OP_MODULUS] = "%", [WHEN_OP_EXPONENT] = "**",    [WHEN_OP_NEGATE] = "-",
        [WHEN_OP_INVERT] = "!",    [WHEN_OP_BIT_NOT] = "~",
    };
    return symbols[op];
}

/* Go's conversions on amd64: what does not fit becomes the smallest number. */
static int64_t to_i64(double number)
{
    const double most = 9223372036854775808.0; /* 2 to the 63rd */
    return number >= -most && number < most ? (int64_t)number : INT64_MIN;
}

static uint64_t to_u64(double number)
{
    if (number < 0x1p63) {
        return (uint64_t)to_i64(number);
    }
    return (uint64_t)to_i64(number - 0x1p63) ^ (UINT64_C(1) << 63);
}

static double arithmetic(enum when_op op, double left, double right)
{
    uint64_t shift = 0;
    switch (op) {
    case WHEN_OP_BIT_AND:
        return (double)(to_i64(left) & to_i64(right));
    case WHEN_OP_BIT_OR:
        return (double)(to_i64(left) | to_i64(right));
    case WHEN_OP_BIT_XOR:
        return (double)(to_i64(left) ^ to_i64(right));
    case WHEN_OP_LSHIFT:
        shift = to_u64(right);
        return shift > 63 ? 0 : (double)(to_u64(left) << shift);
    case WHEN_OP_RSHIFT:
        shift = to_u64(right);
        return shift > 63 ? 0 : (double)(to_u64(left) >> shift);
    case WHEN_OP_PLUS:
        return left + right;
    case WHEN_OP_MINUS:
        return left - right;
    case WHEN_OP_MULTIPLY:
        return left * right;
    case WHEN_OP_DIVIDE:
        return left / right;
    case WHEN_OP_MODULUS:
        return fmod(left, right);
    default:
        return pow(left, right);
    }
}

static struct when_value bool_value(bool truth)
{
    return (struct when_value){.type = WHEN_VALUE_BOOL, .truth = truth};
}

struct sides {
    struct when_value left;
    struct when_value right;
    struct tph_arena *arena;
    struct tph_buf *problem;
};

static int compare(enum when_op op, const struct sides *s, struct when_value *ret)
{
    bool numbers = s->left.type == WHEN_VALUE_NUMBER && s->right.type == WHEN_VALUE_NUMBER;
    bool texts = s->left.type == WHEN_VALUE_STRING && s->right.type == WHEN_VALUE_STRING;
    if (!numbers && !texts) {
        return refuse(FAMILY_COMPARATOR, s->left, symbol_of(op), s->problem);
    }
    double left = numbers ? s->left.number : tph_str_cmp(s->left.text, s->right.text);
    double right = numbers ? s->right.number : 0;
    *ret = bool_value(op == WHEN_OP_GT    ? left > right
                      : op == WHEN_OP_GTE ? left >= right
                      : op == WHEN_OP_LT  ? left < right
                                          : left <= right);
    return 0;
}

static int match(enum when_op op, const struct sides *s, struct when_value *ret)
{
    bool is_pattern = s->right.type == WHEN_VALUE_PATTERN;
    if (s->left.type != WHEN_VALUE_STRING) {
        return refuse(FAMILY_COMPARATOR, s->left, symbol_of(op), s->problem);
    }
    if (!is_pattern && s->right.type != WHEN_VALUE_STRING) {
        return refuse(FAMILY_COMPARATOR, s->right, symbol_of(op), s->problem);
    }
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_regex_match where;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *own = NULL;
    if (!is_pattern && tph_regex_compile(s->right.text, &own, &err) < 0) {
        (void)tph_buf_printf(s->problem, "Unable to compile regexp pattern '%.*s': %s", TPH_FMT(s->right.text),
                             err.text);
        return -1;
    }
    int found = tph_regex_find(is_pattern ? s->right.pattern : own, s->left.text, 0, &where, &err);
    if (found < 0) {
        (void)tph_buf_puts(s->problem, err.text);
        return -1;
    }
    *ret = bool_value((found == 0) == (op == WHEN_OP_REQ));
    return 0;
}

static int is_in(const struct sides *s, struct when_value *ret)
{
    if (s->right.type != WHEN_VALUE_LIST) {
        return refuse(FAMILY_COMPARATOR, s->right, "in", s->problem);
    }
    bool found = false;
    for (size_t i = 0; i < s->right.list.n && !found; i++) {
        if (s->left.type == WHEN_VALUE_LIST && s->right.list.items[i].type == WHEN_VALUE_LIST) {
            (void)tph_buf_puts(s->problem, "runtime error: comparing uncomparable type []interface {}");
            return -1;
        }
        found = equal(s->left, s->right.list.items[i]);
    }
    *ret = bool_value(found);
    return 0;
}

static int logical(enum when_op op, const struct sides *s, struct when_value *ret)
{
    if (s->left.type != WHEN_VALUE_BOOL) {
        return refuse(FAMILY_LOGICAL, s->left, symbol_of(op), s->problem);
    }
    if (s->right.type != WHEN_VALUE_BOOL) {
        return refuse(FAMILY_LOGICAL, s->right, symbol_of(op), s->problem);
    }
    *ret = bool_value(op == WHEN_OP_AND ? s->left.truth && s->right.truth : s->left.truth || s->right.truth);
    return 0;
}

static int join(const struct sides *s, struct when_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_WHEN_MEMORY);
    when_print(s->left, &text);
    when_print(s->right, &text);
    if (tph_buf_failed(&text) || tph_arena_used(s->arena) > TPH_LIMIT_WHEN_MEMORY) {
        (void)tph_buf_printf(s->problem, "it needs more than %zu bytes of memory", TPH_LIMIT_WHEN_MEMORY);
        return -1;
    }
    *ret = (struct when_value){.type = WHEN_VALUE_STRING, .text = tph_arena_str(s->arena, tph_buf_str(&text))};
    return 0;
}

static int calculate(enum when_op op, const struct sides *s, struct when_value *ret)
{
    bool left = s->left.type == WHEN_VALUE_NUMBER;
    bool right = s->right.type == WHEN_VALUE_NUMBER;
    if (op == WHEN_OP_PLUS && !(left && right)) {
        bool text = s->left.type == WHEN_VALUE_STRING || s->right.type == WHEN_VALUE_STRING;
        return text ? join(s, ret) : refuse(FAMILY_MODIFIER, s->left, "+", s->problem);
    }
    if (!left || !right) {
        return refuse(FAMILY_MODIFIER, left ? s->right : s->left, symbol_of(op), s->problem);
    }
    *ret = (struct when_value){.type = WHEN_VALUE_NUMBER, .number = arithmetic(op, s->left.number, s->right.number)};
    return 0;
}

static int prefix(enum when_op op, const struct sides *s, struct when_value *ret)
{
    enum when_type wanted = op == WHEN_OP_INVERT ? WHEN_VALUE_BOOL : WHEN_VALUE_NUMBER;
    if (s->right.type != wanted) {
        return refuse(FAMILY_PREFIX, s->right, symbol_of(op), s->problem);
    }
    if (op == WHEN_OP_INVERT) {
        *ret = bool_value(!s->right.truth);
        return 0;
    }
    double number = s->right.number;
    *ret = (struct when_value){.type = WHEN_VALUE_NUMBER,
                               .number = op == WHEN_OP_NEGATE ? -number : (double)~to_i64(number)};
    return 0;
}

/* A list of both; a list to the left grows in place, for every value is used once. */
static void separate(const struct sides *s, struct when_value *ret)
{
    struct when_value list = s->left;
    if (list.type != WHEN_VALUE_LIST) {
        struct when_value *first = TPH_ARENA_ARRAY(s->arena, struct when_value, 2);
        first[0] = s->left;
        list = (struct when_value){.type = WHEN_VALUE_LIST, .list = {.items = first, .n = 1, .capacity = 2}};
    }
    if (list.list.n == list.list.capacity) {
        struct when_value *items = TPH_ARENA_ARRAY(s->arena, struct when_value, list.list.n * 2);
        memcpy(items, list.list.items, list.list.n * sizeof(*items));
        list.list.items = items;
        list.list.capacity *= 2;
    }
    list.list.items[list.list.n++] = s->right;
    *ret = list;
}

static int apply(enum when_op op, const struct sides *s, struct when_value *ret)
{
    switch (op) {
    case WHEN_OP_SEPARATE:
        separate(s, ret);
        return 0;
    case WHEN_OP_TERNARY_TRUE:
        if (s->left.type != WHEN_VALUE_BOOL) {
            return refuse(FAMILY_TERNARY, s->left, "?", s->problem);
        }
        *ret = s->left.truth ? s->right : (struct when_value){.type = WHEN_VALUE_NIL};
        return 0;
    case WHEN_OP_TERNARY_FALSE:
    case WHEN_OP_COALESCE:
        *ret = s->left.type == WHEN_VALUE_NIL ? s->right : s->left;
        return 0;
    case WHEN_OP_OR:
    case WHEN_OP_AND:
        return logical(op, s, ret);
    case WHEN_OP_EQ:
    case WHEN_OP_NEQ:
        *ret = bool_value(equal(s->left, s->right) == (op == WHEN_OP_EQ));
        return 0;
    case WHEN_OP_GT:
    case WHEN_OP_GTE:
    case WHEN_OP_LT:
    case WHEN_OP_LTE:
        return compare(op, s, ret);
    case WHEN_OP_REQ:
    case WHEN_OP_NREQ:
        return match(op, s, ret);
    case WHEN_OP_IN:
        return is_in(s, ret);
    case WHEN_OP_NEGATE:
    case WHEN_OP_INVERT:
    case WHEN_OP_BIT_NOT:
        return prefix(op, s, ret);
    case WHEN_OP_NONE:
    case WHEN_OP_BIT_AND:
    case WHEN_OP_BIT_OR:
    case WHEN_OP_BIT_XOR:
    case WHEN_OP_LSHIFT:
    case WHEN_OP_RSHIFT:
    case WHEN_OP_PLUS:
    case WHEN_OP_MINUS:
    case WHEN_OP_MULTIPLY:
    case WHEN_OP_DIVIDE:
    case WHEN_OP_MODULUS:
    case WHEN_OP_EXPONENT:
        break;
    }
    return calculate(op, s, ret);
}

/* True when the left side alone decides, so that the right one is not looked at. */
static bool is_decided(enum when_op op, struct when_value left)
{
    bool is_bool = left.type == WHEN_VALUE_BOOL;
    return (op == WHEN_OP_AND && is_bool && !left.truth) || (op == WHEN_OP_OR && is_bool && left.truth) ||
           (op == WHEN_OP_TERNARY_TRUE && is_bool && !left.truth) ||
           ((op == WHEN_OP_TERNARY_FALSE || op == WHEN_OP_COALESCE) && left.type != WHEN_VALUE_NIL);
}

static int eval_leaf(const struct when_stage *stage, struct sides *s, struct when_value *ret)
{
    struct when_value inside = {.type = WHEN_VALUE_NIL};
    if (stage->right && when_eval(stage->right, s->arena, &inside, s->problem) < 0) {
        return -1;
    }
    if (stage->accessor.p) {
        (void)tph_buf_printf(s->problem, "No parameter '%.*s' found.", TPH_FMT(stage->accessor));
        return -1;
    }
    *ret = stage->is_clause ? inside : stage->value;
    return 0;
}

int when_eval(const struct when_stage *stage, struct tph_arena *arena, struct when_value *ret, struct tph_buf *problem)
{
    struct sides s = {.arena = arena, .problem = problem};
    size_t n = 0;
    for (const struct when_stage *at = stage; at->left; at = at->left) {
        n++;
    }
    const struct when_stage **chain = TPH_ARENA_ARRAY(arena, const struct when_stage *, n + 1);
    for (size_t i = n; stage; stage = stage->left) {
        chain[i] = stage;
        i -= i > 0;
    }
    const struct when_stage *first = chain[0];
    if (first->op == WHEN_OP_NONE) {
        if (eval_leaf(first, &s, &s.left) < 0) {
            return -1;
        }
    } else { /* a prefix */
        if (first->right && when_eval(first->right, arena, &s.right, problem) < 0) {
            return -1;
        }
        if (apply(first->op, &s, &s.left) < 0) {
            return -1;
        }
    }
    for (size_t i = 1; i <= n; i++) {
        s.right = (struct when_value){.type = WHEN_VALUE_NIL};
        bool decided = is_decided(chain[i]->op, s.left);
        if (!decided && chain[i]->right && when_eval(chain[i]->right, arena, &s.right, problem) < 0) {
            return -1;
        }
        if (decided && chain[i]->op != WHEN_OP_TERNARY_TRUE) {
            continue;
        }
        if (apply(chain[i]->op, &s, &s.left) < 0) {
            return -1;
        }
    }
    *ret = s.left;
    return 0;
}
