/* SPDX-License-Identifier: Apache-2.0 */
/* all(x, p) and all(x, q) is one loop, as are two of any() with or, and two of none() with and: q is asked of an
 * element before p of the next, which shows when one of them fails. */
#include "expr/builtin.h"
#include "expr/convert.h"

static bool is_same_constant(struct tph_expr_value a, struct tph_expr_value b)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf a_text = TPH_BUF_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf b_text = TPH_BUF_INIT(TPH_LIMIT_EXPR_MEMORY);
    tph_expr_print(a, &a_text);
    tph_expr_print(b, &b_text);
    return a.type == b.type && tph_str_eq(tph_buf_str(&a_text), tph_buf_str(&b_text));
}

/* Spelt alike. `left` counts down: parts that are shared many times over are not taken for the same. */
static bool is_same(const struct expr_node *a, const struct expr_node *b, size_t *left)
{
    if (a == b) {
        return true;
    }
    if (!a || !b || *left == 0) {
        return false;
    }
    --*left;
    if (a->kind != b->kind || a->op != b->op || a->optional != b->optional || a->n_items != b->n_items) {
        return false;
    }
    if (a->kind <= EXPR_CONSTANT) {
        return is_same_constant(a->constant, b->constant);
    }
    bool same = tph_str_eq(a->text, b->text) && is_same(a->left, b->left, left) && is_same(a->right, b->right, left) &&
                is_same(a->third, b->third, left);
    for (size_t i = 0; i < a->n_items && same; i++) {
        same = is_same(a->items[i], b->items[i], left);
    }
    return same;
}

static bool is_loop(const struct expr_node *node, enum expr_loop loop)
{
    return node->kind == EXPR_BUILTIN && node->builtin->predicate && node->builtin->function.tag == (int)loop &&
           node->n_items == 2 && node->items[1]->kind == EXPR_PREDICATE;
}

static bool can_combine(const struct expr_node *node, enum expr_op *ret_op)
{
    size_t left = TPH_LIMIT_EXPR_NODES;
    if (node->kind != EXPR_BINARY || (node->op != EXPR_OP_AND && node->op != EXPR_OP_OR)) {
        return false;
    }
    enum expr_loop loop = EXPR_LOOP_ANY;
    *ret_op = EXPR_OP_OR;
    if (node->op == EXPR_OP_AND && is_loop(node->left, EXPR_LOOP_ALL)) {
        loop = EXPR_LOOP_ALL;
        *ret_op = EXPR_OP_AND;
    } else if (node->op == EXPR_OP_AND) {
        loop = EXPR_LOOP_NONE;
    }
    return is_loop(node->left, loop) && is_loop(node->right, loop) &&
           is_same(node->left->items[0], node->right->items[0], &left);
}

void expr_combine(struct tph_expr *expr, struct expr_node *node)
{
    enum expr_op op = EXPR_OP_NONE;
    while (can_combine(node, &op)) { /* then the same of what the two predicates are */
        struct expr_node *predicate = expr_new_node(expr, EXPR_PREDICATE, 0);
        struct expr_node *both = predicate ? expr_new_node(expr, EXPR_BINARY, 0) : NULL;
        struct expr_node **items = both ? tph_expr_alloc_array(&expr->memory, sizeof(struct expr_node *), 2) : NULL;
        if (!items) {
            return;
        }
        both->op = op;
        both->left = node->left->items[1]->left;
        both->right = node->right->items[1]->left;
        predicate->left = both;
        items[0] = node->left->items[0];
        items[1] = predicate;
        node->kind = EXPR_BUILTIN;
        node->op = EXPR_OP_NONE;
        node->text = node->left->text;
        node->builtin = node->left->builtin;
        node->items = items;
        node->n_items = 2;
        node->left = NULL;
        node->right = NULL;
        node = both;
    }
}
