/* SPDX-License-Identifier: Apache-2.0 */
/* Which names an expression refers to, read without an environment, as Argo does before it evaluates. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/builtin.h"
#include "expr/eval.h"
#include "expr/internal.h"
#include "expr/sprig.h"

struct collector {
    struct tph_expr *expr; /* of its own: the tree that is walked */
    struct tph_expr_reference *found;
    size_t n;
    size_t capacity;
};

/* Those that are guarded stand beside those that are not: a path can be both. */
static void add(struct collector *c, struct tph_str path, bool is_guarded)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->found[i].is_guarded == is_guarded && tph_str_eq(c->found[i].path, path)) {
            return;
        }
    }
    if (c->n == c->capacity) {
        c->capacity = c->capacity > 0 ? c->capacity * 2 : 8;
        c->found = tph_realloc(c->found, c->capacity * sizeof(*c->found));
    }
    char *copy = tph_str_dup(path);
    c->found[c->n++] = (struct tph_expr_reference){.path = {.p = copy, .len = path.len}, .is_guarded = is_guarded};
}

/* a.b.c spelt with texts and without ?. all the way down to a name. */
static bool put_path(const struct expr_node *node, struct tph_buf *out)
{
    if (node->kind == EXPR_NAME) {
        (void)tph_buf_put(out, node->text);
        return true;
    }
    if (node->kind != EXPR_MEMBER || node->optional || node->right->kind != EXPR_STRING || !put_path(node->left, out)) {
        return false;
    }
    (void)tph_buf_putc(out, '.');
    (void)tph_buf_put(out, node->right->constant.str);
    return !tph_buf_failed(out);
}

/* All members below the left side of ?? are guarded, and the member before a ?. */
static void guard_members(struct tph_expr *expr, struct expr_node *node);

static void each_part(struct tph_expr *expr, struct expr_node *node,
                      void (*visit)(struct tph_expr *, struct expr_node *))
{
    struct expr_node *const parts[] = {node->left, node->right, node->third};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i]) {
            visit(expr, parts[i]);
        }
    }
    for (size_t i = 0; i < node->n_items; i++) {
        visit(expr, node->items[i]);
    }
}

static void guard_members(struct tph_expr *expr, struct expr_node *node)
{
    if (node->is_linked) { /* here: all below is guarded already */
        return;
    }
    node->is_linked = true;
    node->coalesced = node->coalesced || node->kind == EXPR_MEMBER;
    each_part(expr, node, guard_members);
}

static void guard(struct tph_expr *expr, struct expr_node *node)
{
    if (node->stamp == expr->stamp) {
        return;
    }
    node->stamp = expr->stamp;
    each_part(expr, node, guard);
    if (node->kind == EXPR_BINARY && node->op == EXPR_OP_COALESCE) {
        guard_members(expr, node->left);
    }
    if (node->kind == EXPR_MEMBER && node->optional && node->left->kind == EXPR_MEMBER) {
        node->left->coalesced = true;
    }
}

static void collect(struct collector *c, struct expr_node *node)
{
    if (node->stamp == c->expr->stamp) {
        return;
    }
    node->stamp = c->expr->stamp;
    struct expr_node *const parts[] = {node->left, node->right, node->third};
    /* the arguments of a call come behind what is called */
    for (size_t i = 0; i < 3; i++) {
        if (parts[i]) {
            collect(c, parts[i]);
        }
    }
    for (size_t i = 0; i < node->n_items; i++) {
        collect(c, node->items[i]);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_LIMIT_EXPR);
    if (node->kind == EXPR_NAME) {
        add(c, node->text, false);
    } else if (node->kind == EXPR_MEMBER && put_path(node, &path)) {
        add(c, tph_buf_str(&path), node->coalesced);
    }
}

void expr_free_references(struct tph_expr *expr)
{
    for (size_t i = 0; i < expr->n_references; i++) {
        free((char *)(uintptr_t)expr->references[i].path.p);
    }
    free(expr->references);
    expr->references = NULL;
    expr->n_references = 0;
}

int tph_expr_references(struct tph_expr *expr, const struct tph_expr_reference **ret, size_t *ret_n,
                        struct tph_buf *problem)
{
    if (!expr->has_references) {
        TPH_CLEANUP(tph_expr_freep) struct tph_expr *own = tph_expr_new(expr->source);
        struct expr_node *root = NULL;
        if (expr_parse(own, NULL, &root) < 0) {
            expr_problem_write(&own->problem, own->source, problem);
            return -1;
        }
        struct collector c = {.expr = own};
        own->stamp++;
        guard(own, root);
        own->stamp++;
        collect(&c, root);
        expr->references = c.found;
        expr->n_references = c.n;
        expr->has_references = true;
    }
    *ret = expr->references;
    *ret_n = expr->n_references;
    return 0;
}

/* The parts of a path that lead into a value. */
static bool has_members(struct tph_expr_value value, struct tph_str rest)
{
    struct tph_str part;
    while (tph_str_cut(&rest, '.', &part)) {
        const struct tph_expr_value *member = NULL;
        if (tph_expr_is_map(value.type) && tph_expr_key_type(value.type) == TPH_EXPR_STRING) {
            member = tph_expr_map_get(value.map, part);
        }
        if (!member) {
            return false;
        }
        value = *member;
    }
    return true;
}

static bool has_argo(struct tph_str path)
{
    struct tph_str first;
    struct tph_str rest = path;
    (void)tph_str_cut(&rest, '.', &first);
    if (!expr_is_argo(first)) {
        return false;
    }
    return !rest.p || (tph_str_eqz(first, "sprig") && expr_find_sprig(rest) != NULL);
}

bool tph_expr_has(const struct tph_expr_env *env, struct tph_str path)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (!env->is_plain && has_argo(path)) {
        return true;
    }
    for (size_t end = path.len;; end--) { /* the longest beginning that is a name */
        bool whole = end == path.len;
        if (whole || path.p[end] == '.') {
            enum tph_expr_found found =
                env->find(env->owner, tph_str_slice(path, 0, end), whole ? NULL : &memory, &value);
            if (found != TPH_EXPR_NOT_FOUND) {
                return whole ||
                       (found == TPH_EXPR_FOUND_VALUE && has_members(value, tph_str_slice(path, end + 1, path.len)));
            }
        }
        if (end == 0) {
            return false;
        }
    }
}
