/* SPDX-License-Identifier: Apache-2.0 */
/* What literals alone decide is computed once. This shows: 1 % 0 is an error before anything runs, x && true is x
 * whatever x is, and lists of literals cost nothing of the budget. Nodes are changed where they stand. */
#include <string.h>

#include "expr/check.h"
#include "expr/eval.h"

struct folder {
    struct tph_expr *expr;
};

static bool is_number(const struct expr_node *node)
{
    return node->kind == EXPR_INTEGER || node->kind == EXPR_FLOAT;
}

static void become(struct expr_node *node, enum expr_kind kind, struct tph_expr_value value)
{
    node->kind = kind;
    node->constant = value;
    node->text = value.type == TPH_EXPR_STRING ? value.str : TPH_STR_NONE;
    node->shape = EXPR_SHAPE(value.type);
}

static void become_bool(struct expr_node *node, bool truth)
{
    become(node, EXPR_BOOL, tph_expr_bool(truth));
}

static void become_number(struct expr_node *node, struct tph_expr_value value)
{
    become(node, value.type == TPH_EXPR_INT ? EXPR_INTEGER : EXPR_FLOAT, value);
}

/* Takes the place of its operand, but keeps its own position and what is known of its type. */
static void become_part(struct expr_node *node, const struct expr_node *part)
{
    uint32_t at = node->at;
    struct expr_shape shape = node->shape;
    *node = *part;
    node->at = at;
    node->shape = shape;
}

static void fold_unary(struct expr_node *node)
{
    const struct expr_node *operand = node->left;
    if (node->op == EXPR_OP_NOT && operand->kind == EXPR_BOOL) {
        become_bool(node, !operand->constant.truth);
    } else if (node->op != EXPR_OP_NOT && is_number(operand)) {
        struct tph_expr_value value = operand->constant;
        if (node->op == EXPR_OP_NEGATE) {
            if (value.type == TPH_EXPR_INT) {
                value.u = -value.u;
            } else {
                value.f = -value.f;
            }
        }
        become_number(node, value);
    }
}

static int fold_modulo(struct folder *f, struct expr_node *node)
{
    int64_t a = node->left->constant.i;
    int64_t b = node->right->constant.i;
    if (node->left->kind != EXPR_INTEGER || node->right->kind != EXPR_INTEGER) {
        return 0;
    }
    if (b == 0) {
        return expr_problem_set(&f->expr->problem, node->at, "integer divide by zero");
    }
    become_number(node, tph_expr_int(b == -1 ? 0 : a % b));
    return 0;
}

static void fold_numbers(struct expr_node *node)
{
    struct tph_expr_value a = node->left->constant;
    struct tph_expr_value b = node->right->constant;
    bool integers = a.type == TPH_EXPR_INT && b.type == TPH_EXPR_INT;
    double x = expr_to_double(a);
    double y = expr_to_double(b);
    switch (node->op) {
    case EXPR_OP_ADD:
        become_number(node, integers ? tph_expr_int((int64_t)(a.u + b.u)) : tph_expr_float(x + y));
        break;
    case EXPR_OP_SUBTRACT:
        become_number(node, integers ? tph_expr_int((int64_t)(a.u - b.u)) : tph_expr_float(x - y));
        break;
    case EXPR_OP_MULTIPLY:
        become_number(node, integers ? tph_expr_int((int64_t)(a.u * b.u)) : tph_expr_float(x * y));
        break;
    case EXPR_OP_DIVIDE:
        become_number(node, tph_expr_float(x / y));
        break;
    case EXPR_OP_POWER:
        become_number(node, tph_expr_float(expr_power(x, y)));
        break;
    case EXPR_OP_EQUAL:
        if (integers) {
            become_bool(node, a.i == b.i);
        }
        break;
    default:
        break;
    }
}

static int fold_texts(struct folder *f, struct expr_node *node)
{
    struct tph_str a = node->left->constant.str;
    struct tph_str b = node->right->constant.str;
    if (node->op == EXPR_OP_EQUAL) {
        become_bool(node, tph_str_eq(a, b));
    } else if (node->op == EXPR_OP_ADD) {
        char *both = tph_expr_alloc(&f->expr->memory, a.len + b.len);
        if (!both) {
            return expr_problem_set(&f->expr->problem, node->at, "the expression needs too much memory");
        }
        memcpy(both, a.p ? a.p : "", a.len);
        memcpy(both + a.len, b.p ? b.p : "", b.len);
        become(node, EXPR_STRING, tph_expr_str((struct tph_str){.p = both, .len = a.len + b.len}));
    }
    return 0;
}

/* and, or with a literal: the neutral one leaves the other side, the other one decides. */
static void fold_logic(struct expr_node *node)
{
    bool neutral = node->op == EXPR_OP_AND;
    const struct expr_node *l = node->left;
    const struct expr_node *r = node->right;
    if (l->kind == EXPR_BOOL && l->constant.truth == neutral) {
        become_part(node, r);
    } else if (r->kind == EXPR_BOOL && r->constant.truth == neutral) {
        become_part(node, l);
    } else if (l->kind == EXPR_BOOL || r->kind == EXPR_BOOL) {
        become_bool(node, !neutral);
    }
}

static int fold_binary(struct folder *f, struct expr_node *node)
{
    const struct expr_node *l = node->left;
    const struct expr_node *r = node->right;
    if (node->op == EXPR_OP_AND || node->op == EXPR_OP_OR) {
        fold_logic(node);
    } else if (node->op == EXPR_OP_MODULO) {
        return fold_modulo(f, node);
    } else if (is_number(l) && is_number(r)) {
        fold_numbers(node);
    } else if (l->kind == EXPR_STRING && r->kind == EXPR_STRING) {
        return fold_texts(f, node);
    } else if (node->op == EXPR_OP_EQUAL && l->kind == EXPR_BOOL && r->kind == EXPR_BOOL) {
        become_bool(node, l->constant.truth == r->constant.truth);
    }
    return 0;
}

static int fold_array(struct folder *f, struct expr_node *node)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(&f->expr->memory);
    struct tph_expr_value list = TPH_EXPR_VALUE_NIL;
    for (size_t i = 0; i < node->n_items; i++) {
        enum expr_kind kind = node->items[i]->kind;
        if (kind != EXPR_INTEGER && kind != EXPR_FLOAT && kind != EXPR_STRING && kind != EXPR_BOOL) {
            return 0;
        }
    }
    for (size_t i = 0; i < node->n_items; i++) {
        if (tph_expr_push(&b, node->items[i]->constant) < 0) {
            return expr_problem_set(&f->expr->problem, node->at, "the expression needs too much memory");
        }
    }
    if (node->n_items > 0 && tph_expr_finish(&b, TPH_EXPR_LIST, &list) == 0) {
        become(node, EXPR_CONSTANT, list);
    }
    return 0;
}

/* in, with a list of nothing but texts, or nothing but integers where the left side is an int: a look into a set. */
static int fold_in(struct folder *f, struct expr_node *node)
{
    struct expr_node *list = node->right;
    bool words = list->kind == EXPR_ARRAY && list->n_items > 0;
    bool ints = words && node->left->shape.certainty == EXPR_IS_TYPE &&
                (node->left->shape.type == TPH_EXPR_INT || node->left->shape.type == TPH_EXPR_MONTH ||
                 node->left->shape.type == TPH_EXPR_WEEKDAY);
    for (size_t i = 0; i < list->n_items; i++) {
        words = words && list->items[i]->kind == EXPR_STRING;
        ints = ints && list->items[i]->kind == EXPR_INTEGER;
    }
    if (!words && !ints) {
        return 0;
    }
    struct tph_expr_value set = TPH_EXPR_VALUE_NIL;
    int failed = tph_expr_map_new(&f->expr->memory, TPH_EXPR_MAP_ANY, &set);
    for (size_t i = 0; i < list->n_items && failed == 0; i++) {
        failed = tph_expr_map_put(&f->expr->memory, set.map, list->items[i]->constant, TPH_EXPR_VALUE_NIL);
    }
    if (failed) {
        return expr_problem_set(&f->expr->problem, node->at, "the expression needs too much memory");
    }
    become(list, EXPR_CONSTANT, set);
    node->op = words ? EXPR_OP_IN_WORDS : EXPR_OP_IN_INTS;
    return 0;
}

/* filter(filter(x, a), b) is filter(x, a && b). */
static int fold_filter(struct folder *f, struct expr_node *node)
{
    struct expr_node *inner = node->items[0];
    if (node->builtin->function.tag != EXPR_LOOP_FILTER || !node->builtin->predicate || inner->kind != EXPR_BUILTIN ||
        inner->builtin != node->builtin || inner->items[1]->kind != EXPR_PREDICATE) {
        return 0;
    }
    struct expr_node *predicate = expr_new_node(f->expr, EXPR_PREDICATE, 0);
    struct expr_node *both = predicate ? expr_new_node(f->expr, EXPR_BINARY, 0) : NULL;
    struct expr_node **items = both ? tph_expr_alloc_array(&f->expr->memory, sizeof(*items), 2) : NULL;
    if (!items) {
        return expr_problem_set(&f->expr->problem, node->at, "the expression needs too much memory");
    }
    both->op = EXPR_OP_AND;
    both->text = TPH_STR("&&");
    both->left = inner->items[1]->left;
    both->right = node->items[1]->left;
    predicate->left = both;
    items[0] = inner->items[0];
    items[1] = predicate;
    node->items = items;
    return 0;
}

static int fold_node(struct folder *f, struct expr_node *node);

static int fold_parts(struct folder *f, struct expr_node *node)
{
    if ((node->left && fold_node(f, node->left) < 0) || (node->right && fold_node(f, node->right) < 0) ||
        (node->third && fold_node(f, node->third) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < node->n_items; i++) {
        if (fold_node(f, node->items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fold_node(struct folder *f, struct expr_node *node)
{
    if (node->is_folded) { /* shared by two comparisons */
        return 0;
    }
    node->is_folded = true;
    if (node->kind == EXPR_BINARY && node->op == EXPR_OP_IN && fold_in(f, node) < 0) {
        return -1;
    }
    if (fold_parts(f, node) < 0) {
        return -1;
    }
    switch (node->kind) {
    case EXPR_UNARY:
        fold_unary(node);
        return 0;
    case EXPR_BINARY:
        return fold_binary(f, node);
    case EXPR_ARRAY:
        return fold_array(f, node);
    case EXPR_BUILTIN:
        return node->n_items == 2 ? fold_filter(f, node) : 0;
    default:
        return 0;
    }
}

int expr_fold(struct tph_expr *expr)
{
    struct folder f = {.expr = expr};
    return fold_node(&f, expr->root);
}
