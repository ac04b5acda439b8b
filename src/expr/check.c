/* SPDX-License-Identifier: Apache-2.0 */
/* The checker: names, unary operators, what is built of parts. The arguments of a call whose function is not known are
 * not looked at, as in the library: nothing in them is an error before it runs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/check.h"

struct expr_shape expr_refuse(struct expr_checker *c, const struct expr_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    (void)expr_problem_set(&c->expr->problem, node->at, "%s", text);
    return EXPR_UNKNOWN;
}

struct expr_shape expr_shape_of_name(struct expr_checker *c, struct tph_str name, bool *ret_found)
{
    const struct expr_assumption *assumed = expr_assume(c->expr, c->env, name);
    *ret_found = assumed->is_there;
    if (!assumed->is_there) {
        return EXPR_UNKNOWN;
    }
    if (assumed->type == TPH_EXPR_NIL) {
        return EXPR_SHAPE_NIL;
    }
    struct expr_shape shape = EXPR_SHAPE(assumed->type);
    const struct tph_expr_function *function = c->env->is_plain ? NULL : expr_find_argo(name);
    if (function) {
        shape.signature = expr_argo_signature(function);
    }
    return shape;
}

static const struct expr_local *find_local(const struct expr_checker *c, struct tph_str name)
{
    const struct expr_local *local = c->locals;
    while (local && !tph_str_eq(local->name, name)) {
        local = local->outer;
    }
    return local;
}

static struct expr_shape visit_name(struct expr_checker *c, const struct expr_node *node)
{
    const struct expr_local *local = find_local(c, node->text);
    if (local) {
        return local->shape;
    }
    if (tph_str_eqz(node->text, "$env")) {
        return EXPR_UNKNOWN;
    }
    bool found = false;
    struct expr_shape shape = expr_shape_of_name(c, node->text, &found);
    if (found) {
        return shape;
    }
    const struct expr_builtin *builtin = expr_find_builtin(node->text);
    if (!builtin) {
        return expr_refuse(c, node, "unknown name %.*s", TPH_FMT(node->text));
    }
    static const struct expr_signature anything = {.params = "a*", .results = "ae"};
    shape = EXPR_SHAPE(TPH_EXPR_FUNCTION);
    shape.builtin = builtin;
    shape.signature = builtin->n_signatures > 0 ? &builtin->signatures[0] : &anything;
    return shape;
}

static struct expr_shape visit_unary(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape operand = expr_deref_shape(expr_visit(c, node->left));
    if (node->op == EXPR_OP_NOT && (expr_is(&operand, EXPR_ANY_BOOL) || expr_is_unknown(&operand))) {
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    if (node->op != EXPR_OP_NOT && expr_is(&operand, EXPR_ANY_NUMBER)) {
        return operand;
    }
    if (node->op != EXPR_OP_NOT && expr_is_unknown(&operand)) {
        return EXPR_UNKNOWN;
    }
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    return expr_refuse(c, node, "invalid operation: %.*s (mismatched type %s)", TPH_FMT(node->text),
                       expr_shape_name(&operand, &name));
}

static bool check_index(struct expr_checker *c, struct expr_node *node)
{
    if (!node) {
        return true;
    }
    struct expr_shape shape = expr_deref_shape(expr_visit(c, node));
    if (expr_is(&shape, EXPR_ANY_INTEGER) || expr_is_unknown(&shape)) {
        return true;
    }
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    (void)expr_refuse(c, node, "non-integer slice index %s", expr_shape_name(&shape, &name));
    return false;
}

static struct expr_shape visit_slice(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape base = expr_visit(c, node->left);
    if (expr_is_unknown(&base)) {
        return EXPR_UNKNOWN; /* the bounds are not looked at */
    }
    if (!expr_is(&base, EXPR_ANY_STRING | EXPR_ANY_LIST)) {
        TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
        return expr_refuse(c, node, "cannot slice %s", expr_shape_name(&base, &name));
    }
    return check_index(c, node->right) && check_index(c, node->third) ? base : EXPR_UNKNOWN;
}

static struct expr_shape visit_pointer(struct expr_checker *c, const struct expr_node *node)
{
    const struct expr_focus *focus = c->focus;
    if (!focus) {
        return expr_refuse(c, node, "cannot use pointer accessor outside predicate");
    }
    if (node->text.len == 0) {
        return expr_is_unknown(&focus->collection) ? EXPR_UNKNOWN : expr_element_of(&focus->collection);
    }
    if (focus->has_index && tph_str_eqz(node->text, "index")) {
        return EXPR_SHAPE(TPH_EXPR_INT);
    }
    if (focus->has_acc && tph_str_eqz(node->text, "acc")) {
        return EXPR_UNKNOWN;
    }
    return expr_refuse(c, node, "unknown pointer #%.*s", TPH_FMT(node->text));
}

static struct expr_shape visit_let(struct expr_checker *c, struct expr_node *node)
{
    bool found = false;
    (void)expr_shape_of_name(c, node->text, &found);
    const char *why = found                               ? ""
                      : expr_find_builtin(node->text)     ? "builtin "
                      : find_local(c, node->text) != NULL ? "variable "
                                                          : NULL;
    if (why) {
        return expr_refuse(c, node, "cannot redeclare %s%.*s", why, TPH_FMT(node->text));
    }
    struct expr_local local = {.name = node->text, .shape = expr_visit(c, node->left), .outer = c->locals};
    c->locals = &local;
    struct expr_shape shape = expr_visit(c, node->right);
    c->locals = local.outer;
    return shape;
}

static struct expr_shape visit_conditional(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape condition = expr_deref_shape(expr_visit(c, node->left));
    if (!expr_is(&condition, EXPR_ANY_BOOL) && !expr_is_unknown(&condition)) {
        TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
        return expr_refuse(c, node->left, "non-bool expression (type %s) used as condition",
                           expr_shape_name(&condition, &name));
    }
    struct expr_shape then = expr_visit(c, node->right);
    struct expr_shape otherwise = expr_visit(c, node->third);
    if (then.certainty == EXPR_IS_NIL) {
        return otherwise;
    }
    if (otherwise.certainty == EXPR_IS_NIL) {
        return then;
    }
    if (!expr_is_assignable(&then, &otherwise)) {
        return EXPR_UNKNOWN;
    }
    if (expr_is(&then, EXPR_ANY_LIST) && expr_is(&otherwise, EXPR_ANY_LIST)) {
        struct expr_shape a = expr_element_of(&then);
        struct expr_shape b = expr_element_of(&otherwise);
        if (!expr_is_assignable(&a, &b) || !expr_is_assignable(&b, &a)) {
            return EXPR_SHAPE(TPH_EXPR_LIST);
        }
    }
    return then;
}

static struct expr_shape visit_array(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape last = EXPR_UNKNOWN;
    bool alike = true;
    for (size_t i = 0; i < node->n_items; i++) {
        struct expr_shape shape = expr_visit(c, node->items[i]);
        alike = alike && (i == 0 || strcmp(expr_kind_of(&shape), expr_kind_of(&last)) == 0);
        last = shape;
    }
    return alike ? expr_list_of(c, last) : EXPR_SHAPE(TPH_EXPR_LIST);
}

static struct expr_shape visit_items(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape last = EXPR_UNKNOWN;
    for (size_t i = 0; i < node->n_items; i++) {
        last = expr_visit(c, node->items[i]);
    }
    return node->kind == EXPR_MAP ? EXPR_SHAPE(TPH_EXPR_MAP) : last;
}

static struct expr_shape visit_node(struct expr_checker *c, struct expr_node *node)
{
    switch (node->kind) {
    case EXPR_NIL:
        return EXPR_SHAPE_NIL;
    case EXPR_INTEGER:
    case EXPR_FLOAT:
    case EXPR_BOOL:
    case EXPR_STRING:
    case EXPR_BYTES:
    case EXPR_CONSTANT:
        return EXPR_SHAPE(node->constant.type);
    case EXPR_NAME:
        return visit_name(c, node);
    case EXPR_UNARY:
        return visit_unary(c, node);
    case EXPR_BINARY:
        return expr_visit_binary(c, node);
    case EXPR_CHAIN:
    case EXPR_PREDICATE:
        return expr_visit(c, node->left);
    case EXPR_MEMBER:
        return expr_visit_member(c, node);
    case EXPR_SLICE:
        return visit_slice(c, node);
    case EXPR_CALL:
        return expr_visit_call(c, node);
    case EXPR_BUILTIN:
        return expr_visit_builtin(c, node);
    case EXPR_POINTER:
        return visit_pointer(c, node);
    case EXPR_LET:
        return visit_let(c, node);
    case EXPR_SEQUENCE:
    case EXPR_MAP:
        return visit_items(c, node);
    case EXPR_CONDITIONAL:
        return visit_conditional(c, node);
    case EXPR_ARRAY:
        return visit_array(c, node);
    }
    return EXPR_UNKNOWN;
}

/* A part that two comparisons share (a < b < c) is seen once. */
struct expr_shape expr_visit(struct expr_checker *c, struct expr_node *node)
{
    if (!node->is_checked) {
        node->shape = visit_node(c, node);
        node->is_checked = true;
    }
    return node->shape;
}

int expr_check(struct tph_expr *expr, const struct tph_expr_env *env)
{
    struct expr_checker c = {.expr = expr, .env = env};
    (void)expr_visit(&c, expr->root);
    return expr->problem.is_set ? -1 : 0;
}
