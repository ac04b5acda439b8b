/* SPDX-License-Identifier: Apache-2.0 */
/* The last step before an expression runs: variables get their slots, literal patterns are compiled, chains of members
 * that begin at a name of the environment become one dotted name, functions of sprig are looked up. */
#include <string.h>

#include "base/alloc.h"
#include "expr/builtin.h"
#include "expr/internal.h"
#include "expr/sprig.h"

struct local {
    struct tph_str name;
    size_t slot;
    const struct local *outer;
};

struct linker {
    struct tph_expr *expr;
    const struct local *locals;
};

static int link_node(struct linker *l, struct expr_node *node);

static int link_name(struct linker *l, struct expr_node *node)
{
    for (const struct local *local = l->locals; local; local = local->outer) {
        if (tph_str_eq(local->name, node->text)) {
            node->slot = local->slot;
            return 0;
        }
    }
    bool is_env = tph_str_eqz(node->text, "$env");
    bool is_argo = !l->expr->is_plain && expr_is_argo(node->text);
    if (!is_env && !is_argo && tph_str_find_byte(node->text, '.') < 0) {
        node->path = node->text;
    }
    return 0;
}

static int link_let(struct linker *l, struct expr_node *node)
{
    if (link_node(l, node->left) < 0) {
        return -1;
    }
    node->slot = l->expr->n_slots++;
    struct local local = {.name = node->text, .slot = node->slot, .outer = l->locals};
    l->locals = &local;
    int result = link_node(l, node->right);
    l->locals = local.outer;
    return result;
}

static bool is_sprig(const struct linker *l, const struct expr_node *node)
{
    return !l->expr->is_plain && node->kind == EXPR_NAME && node->slot == SIZE_MAX && tph_str_eqz(node->text, "sprig");
}

/* a.b.c where a is no variable of `let`: "a.b.c". A part with a dot in it is no part of a dotted name. */
static int link_member(struct linker *l, struct expr_node *node)
{
    if (link_node(l, node->left) < 0 || link_node(l, node->right) < 0) {
        return -1;
    }
    if (node->right->kind != EXPR_STRING) {
        return 0;
    }
    struct tph_str part = node->right->constant.str;
    if (is_sprig(l, node->left)) {
        const struct tph_expr_function *function = expr_find_sprig(part);
        if (function) {
            node->kind = EXPR_CONSTANT;
            node->constant = (struct tph_expr_value){.type = TPH_EXPR_FUNCTION, .function = function};
        }
        return 0;
    }
    bool of_env =
        node->left->kind == EXPR_NAME && node->left->slot == SIZE_MAX && tph_str_eqz(node->left->text, "$env");
    if (part.len == 0 || tph_str_find_byte(part, '.') >= 0 || (!node->left->path.p && !of_env)) {
        return 0;
    }
    if (of_env) {
        node->path = l->expr->is_plain || !expr_is_argo(part) ? part : TPH_STR_NONE;
        return 0;
    }
    struct tph_str base = node->left->path;
    char *path = tph_expr_alloc(&l->expr->memory, base.len + 1 + part.len);
    if (!path) {
        return expr_problem_set(&l->expr->problem, node->at, "the expression needs too much memory");
    }
    memcpy(path, base.p, base.len);
    path[base.len] = '.';
    memcpy(path + base.len + 1, part.p, part.len);
    node->path = (struct tph_str){.p = path, .len = base.len + 1 + part.len};
    return 0;
}

static int keep_regex(struct tph_expr *expr, struct tph_regex *regex)
{
    if (expr->n_regexes == expr->regexes_capacity) {
        expr->regexes_capacity = expr->regexes_capacity > 0 ? expr->regexes_capacity * 2 : 4;
        expr->regexes = tph_realloc(expr->regexes, expr->regexes_capacity * sizeof(struct tph_regex *));
    }
    expr->regexes[expr->n_regexes++] = regex;
    return 0;
}

static int link_binary(struct linker *l, struct expr_node *node)
{
    if (link_node(l, node->left) < 0 || link_node(l, node->right) < 0) {
        return -1;
    }
    if (node->op == EXPR_OP_COALESCE) {
        node->left->coalesced = node->left->kind == EXPR_CHAIN;
        node->right->coalesced = node->right->kind == EXPR_CHAIN;
    }
    if (node->op != EXPR_OP_MATCHES || node->right->kind != EXPR_STRING || node->regex) {
        return 0;
    }
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_regex *regex = NULL;
    if (tph_regex_compile(node->right->constant.str, &regex, &err) < 0) {
        return expr_problem_set(&l->expr->problem, node->at, "%s", err.text);
    }
    node->regex = regex;
    return keep_regex(l->expr, regex);
}

/* Pointers in arguments that the checker did not look at. */
static int link_pointer(struct linker *l, const struct expr_node *node)
{
    if (node->text.len == 0 || tph_str_eqz(node->text, "index") || tph_str_eqz(node->text, "acc")) {
        return 0;
    }
    return expr_problem_set(&l->expr->problem, node->at, "unknown pointer #%.*s", TPH_FMT(node->text));
}

static int link_parts(struct linker *l, struct expr_node *node)
{
    if ((node->left && link_node(l, node->left) < 0) || (node->right && link_node(l, node->right) < 0) ||
        (node->third && link_node(l, node->third) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < node->n_items; i++) {
        if (link_node(l, node->items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int link_node(struct linker *l, struct expr_node *node)
{
    if (node->is_linked) {
        return 0;
    }
    node->is_linked = true;
    switch (node->kind) {
    case EXPR_NAME:
        return link_name(l, node);
    case EXPR_LET:
        return link_let(l, node);
    case EXPR_MEMBER:
        return link_member(l, node);
    case EXPR_BINARY:
        return link_binary(l, node);
    case EXPR_POINTER:
        return link_pointer(l, node);
    default:
        return link_parts(l, node);
    }
}

int expr_link(struct tph_expr *expr)
{
    struct linker l = {.expr = expr};
    return link_node(&l, expr->root);
}
