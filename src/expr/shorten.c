/* SPDX-License-Identifier: Apache-2.0 */
/* Detours that the library leaves out, one after the other over the whole tree. They show where errors, the budget or
 * the order of additions do: sum(1..10000000) needs no list, filter(x, p)[0] of nothing has another error. */
#include "expr/check.h"
#include "expr/eval.h"

typedef void shortcut(struct tph_expr *expr, struct expr_node *node);

/* Parts first. What a filter makes of its elements (`third`) is not walked, as in the library. */
static void walk(struct tph_expr *expr, struct expr_node *node, shortcut *apply)
{
    if (node->stamp == expr->stamp) {
        return;
    }
    node->stamp = expr->stamp;
    if (node->left) {
        walk(expr, node->left, apply);
    }
    if (node->right) {
        walk(expr, node->right, apply);
    }
    if (node->third && node->kind != EXPR_BUILTIN) {
        walk(expr, node->third, apply);
    }
    for (size_t i = 0; i < node->n_items; i++) {
        walk(expr, node->items[i], apply);
    }
    apply(expr, node);
}

static bool is_loop(const struct expr_node *node, enum expr_loop loop, size_t n)
{
    return node->kind == EXPR_BUILTIN && node->builtin->predicate && node->builtin->function.tag == (int)loop &&
           node->n_items == n && node->op == EXPR_OP_NONE;
}

static bool is_builtin(const struct expr_node *node, const char *name, size_t n)
{
    return node->kind == EXPR_BUILTIN && tph_str_eqz(node->text, name) && node->n_items == n;
}

static void become_call(struct expr_node *node, const char *name, const struct expr_node *arguments)
{
    node->kind = EXPR_BUILTIN;
    node->text = tph_str(name);
    node->builtin = expr_find_builtin(node->text);
    node->items = arguments->items;
    node->n_items = arguments->n_items;
    node->left = NULL;
    node->right = NULL;
    node->op = EXPR_OP_NONE;
}

static bool is_range(const struct expr_node *node, int64_t *ret_from, int64_t *ret_to)
{
    if (node->kind != EXPR_BINARY || node->op != EXPR_OP_RANGE || node->left->kind != EXPR_INTEGER ||
        node->right->kind != EXPR_INTEGER) {
        return false;
    }
    *ret_from = node->left->constant.i;
    *ret_to = node->right->constant.i;
    return true;
}

/* x in 1..9 is x >= 1 and x <= 9, for an int. */
static void shorten_in_range(struct tph_expr *expr, struct expr_node *node)
{
    int64_t from = 0;
    int64_t to = 0;
    if (node->kind != EXPR_BINARY || node->op != EXPR_OP_IN || !is_range(node->right, &from, &to) ||
        node->left->shape.certainty != EXPR_IS_TYPE ||
        (node->left->shape.type != TPH_EXPR_INT && node->left->shape.type != TPH_EXPR_MONTH &&
         node->left->shape.type != TPH_EXPR_WEEKDAY)) {
        return;
    }
    struct expr_node *low = expr_new_node(expr, EXPR_BINARY, 0);
    struct expr_node *high = low ? expr_new_node(expr, EXPR_BINARY, 0) : NULL;
    if (!high) {
        return;
    }
    low->op = EXPR_OP_MORE_EQUAL;
    low->left = node->left;
    low->right = node->right->left;
    high->op = EXPR_OP_LESS_EQUAL;
    high->left = node->left;
    high->right = node->right->right;
    node->op = EXPR_OP_AND;
    node->left = low;
    node->right = high;
}

static bool has_index(const struct expr_node *node, size_t *left)
{
    if (*left == 0) { /* parts that are shared many times over: taken for one that has it */
        return true;
    }
    --*left;
    if (node->kind == EXPR_POINTER && tph_str_eqz(node->text, "index")) {
        return true;
    }
    bool found = (node->left && has_index(node->left, left)) || (node->right && has_index(node->right, left)) ||
                 (node->third && node->kind != EXPR_BUILTIN && has_index(node->third, left));
    for (size_t i = 0; i < node->n_items && !found; i++) {
        found = has_index(node->items[i], left);
    }
    return found;
}

/* map(filter(x, p), f): elements are changed as they are found. */
static void shorten_filter_map(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    size_t left = TPH_LIMIT_EXPR_NODES;
    if (!is_loop(node, EXPR_LOOP_MAP, 2) || node->items[1]->kind != EXPR_PREDICATE ||
        has_index(node->items[1], &left)) {
        return;
    }
    const struct expr_node *filter = node->items[0];
    if (is_loop(filter, EXPR_LOOP_FILTER, 2) && !filter->third) {
        struct expr_node *change = node->items[1]->left;
        become_call(node, "filter", filter);
        node->third = change;
    }
}

/* len(filter(x, p)) is count(x, p). */
static void shorten_filter_len(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    if (is_builtin(node, "len", 1) && is_loop(node->items[0], EXPR_LOOP_FILTER, 2)) {
        become_call(node, "count", node->items[0]);
    }
}

static void find_instead(struct expr_node *node, const char *find, const struct expr_node *filter, bool throws)
{
    become_call(node, find, filter);
    node->third = filter->third;
    node->throws = throws;
}

/* filter(x, p)[0], filter(x, p)[-1], first(filter(x, p)), last(filter(x, p)) are searches. */
static void shorten_end(struct expr_node *node, int64_t index, const char *function, const char *find)
{
    if (node->kind == EXPR_MEMBER && !node->optional && node->right->kind == EXPR_INTEGER &&
        node->right->constant.i == index && is_loop(node->left, EXPR_LOOP_FILTER, 2)) {
        find_instead(node, find, node->left, true);
    } else if (is_builtin(node, function, 1) && is_loop(node->items[0], EXPR_LOOP_FILTER, 2)) {
        find_instead(node, find, node->items[0], false);
    }
}

static void shorten_filter_last(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    shorten_end(node, -1, "last", "findLast");
}

static void shorten_filter_first(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    shorten_end(node, 0, "first", "find");
}

static bool is_element(const struct expr_node *node)
{
    return node->kind == EXPR_POINTER && node->text.len == 0;
}

static bool is_acc(const struct expr_node *node)
{
    return node->kind == EXPR_POINTER && tph_str_eqz(node->text, "acc");
}

static void become_integer(struct expr_node *node, uint64_t value)
{
    uint32_t at = node->at;
    *node = (struct expr_node){.kind = EXPR_INTEGER, .at = at, .slot = SIZE_MAX, .is_checked = true};
    node->constant = tph_expr_int((int64_t)value);
    node->shape = EXPR_SHAPE(TPH_EXPR_INT);
}

/* The sum of a predicate over n numbers whose own sum is known; false where it is not that simple. */
static bool sum_of(const struct expr_node *predicate, uint64_t sum, uint64_t n, uint64_t *ret)
{
    const struct expr_node *body = predicate->kind == EXPR_PREDICATE ? predicate->left : predicate;
    if (is_element(body)) {
        *ret = sum;
        return true;
    }
    if (body->kind != EXPR_BINARY) {
        return false;
    }
    bool left = is_element(body->left) && body->right->kind == EXPR_INTEGER;
    bool right = is_element(body->right) && body->left->kind == EXPR_INTEGER;
    if (!left && !right) {
        return false;
    }
    uint64_t k = (left ? body->right : body->left)->constant.u;
    switch (body->op) {
    case EXPR_OP_MULTIPLY:
        *ret = k * sum;
        return true;
    case EXPR_OP_ADD:
        *ret = sum + n * k;
        return true;
    case EXPR_OP_SUBTRACT:
        *ret = left ? sum - n * k : n * k - sum;
        return true;
    default:
        return false;
    }
}

static bool is_plain_reduction(const struct expr_node *predicate)
{
    const struct expr_node *body = predicate->kind == EXPR_PREDICATE ? predicate->left : predicate;
    return body->kind == EXPR_BINARY && body->op == EXPR_OP_ADD &&
           ((is_element(body->left) && is_acc(body->right)) || (is_acc(body->left) && is_element(body->right)));
}

/* Sums of whole numbers in a row. */
static void shorten_sum_range(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    int64_t from = 0;
    int64_t to = 0;
    if (node->kind != EXPR_BUILTIN || node->n_items == 0 || !is_range(node->items[0], &from, &to) || to < from) {
        return;
    }
    uint64_t n = (uint64_t)to - (uint64_t)from + 1;
    uint64_t sum = (uint64_t)((int64_t)(n * ((uint64_t)from + (uint64_t)to)) / 2);
    uint64_t result = sum;
    if (is_loop(node, EXPR_LOOP_SUM, 1) ||
        (is_loop(node, EXPR_LOOP_SUM, 2) && sum_of(node->items[1], sum, n, &result))) {
        become_integer(node, result);
    } else if (is_loop(node, EXPR_LOOP_REDUCE, 2) && is_plain_reduction(node->items[1])) {
        become_integer(node, sum);
    } else if (is_loop(node, EXPR_LOOP_REDUCE, 3) && is_plain_reduction(node->items[1]) &&
               node->items[2]->kind == EXPR_INTEGER) {
        become_integer(node, sum + node->items[2]->constant.u);
    }
}

/* sum([a, b, c]) adds its parts without a list, from the right: eval_loop.c. */
static void shorten_sum_array(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    if (is_loop(node, EXPR_LOOP_SUM, 1) && node->items[0]->kind == EXPR_ARRAY && node->items[0]->n_items >= 2) {
        node->op = EXPR_OP_ADD;
    }
}

/* sum(map(x, f)) is sum(x, f). */
static void shorten_sum_map(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    if (is_loop(node, EXPR_LOOP_SUM, 1) && is_loop(node->items[0], EXPR_LOOP_MAP, 2)) {
        become_call(node, "sum", node->items[0]);
    }
}

/* count(x, p) > 0 is any(x, p). */
static void shorten_count_any(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    if (node->kind != EXPR_BINARY || !is_loop(node->left, EXPR_LOOP_COUNT, 2) || node->right->kind != EXPR_INTEGER) {
        return;
    }
    int64_t n = node->right->constant.i;
    if ((node->op == EXPR_OP_MORE && n == 0) || (node->op == EXPR_OP_MORE_EQUAL && n == 1)) {
        become_call(node, "any", node->left);
    }
}

/* count(x, p) < n counts no further than it must. */
static void shorten_count(struct tph_expr *expr, struct expr_node *node)
{
    (void)expr;
    if (node->kind != EXPR_BINARY || !is_loop(node->left, EXPR_LOOP_COUNT, 2) || node->right->kind != EXPR_INTEGER ||
        node->right->constant.i < 0 || node->right->constant.i == INT64_MAX) {
        return;
    }
    int64_t n = node->right->constant.i;
    int64_t enough = node->op == EXPR_OP_MORE || node->op == EXPR_OP_LESS_EQUAL   ? n + 1
                     : node->op == EXPR_OP_LESS || node->op == EXPR_OP_MORE_EQUAL ? n
                                                                                  : 0;
    if (enough > 1) {
        node->left->threshold = enough;
    }
}

void expr_shorten(struct tph_expr *expr)
{
    static shortcut *const shortcuts[] = {
        shorten_in_range,     shorten_filter_map, shorten_filter_len, shorten_filter_last,
        shorten_filter_first, expr_combine,       shorten_sum_range,  shorten_sum_array,
        shorten_sum_map,      shorten_count_any,  shorten_count,
    };
    for (size_t i = 0; i < sizeof(shortcuts) / sizeof(shortcuts[0]); i++) {
        expr->stamp++;
        walk(expr, expr->root, shortcuts[i]);
    }
}
