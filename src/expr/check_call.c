/* SPDX-License-Identifier: Apache-2.0 */
/* Members and calls. */
#include <string.h>

#include "expr/check.h"

/* $env.name, where functions of the language do not count. */
static struct expr_shape visit_env_member(struct expr_checker *c, struct expr_node *node)
{
    if (node->right->kind != EXPR_STRING) {
        return EXPR_UNKNOWN;
    }
    bool found = false;
    struct expr_shape shape = expr_shape_of_name(c, node->right->text, &found);
    if (!found && !node->optional) {
        return expr_refuse(c, node, "unknown name %.*s", TPH_FMT(node->right->text));
    }
    return found ? shape : EXPR_UNKNOWN;
}

static struct expr_shape no_member(struct expr_checker *c, const struct expr_node *node, const struct expr_shape *base,
                                   const struct expr_shape *property)
{
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name key = EXPR_NAME_INIT;
    if (node->right->kind != EXPR_STRING) {
        return expr_refuse(c, node, "type %s[%s] is undefined", expr_shape_name(base, &name),
                           expr_shape_name(property, &key));
    }
    return expr_refuse(c, node, "type %s has no %s %.*s", expr_shape_name(base, &name),
                       node->is_method ? "method" : "field", TPH_FMT(node->right->text));
}

static struct expr_shape visit_method(const struct expr_shape *base, const struct expr_node *node)
{
    const struct expr_method *method =
        base->certainty == EXPR_IS_TYPE ? expr_find_method(base->type, node->right->text) : NULL;
    struct expr_shape shape = EXPR_UNKNOWN;
    if (method) {
        shape = EXPR_SHAPE(TPH_EXPR_FUNCTION);
        shape.signature = &method->signature;
    }
    return shape;
}

struct expr_shape expr_visit_member(struct expr_checker *c, struct expr_node *node)
{
    if (node->left->kind == EXPR_NAME && tph_str_eqz(node->left->text, "$env")) {
        return visit_env_member(c, node);
    }
    struct expr_shape base = expr_visit(c, node->left);
    struct expr_shape property = expr_visit(c, node->right);
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name key = EXPR_NAME_INIT;
    if (expr_is_unknown(&base)) {
        return EXPR_UNKNOWN;
    }
    if (node->right->kind == EXPR_STRING) {
        if (base.certainty == EXPR_IS_NIL) {
            return expr_refuse(c, node, "type nil has no field %.*s", TPH_FMT(node->right->text));
        }
        struct expr_shape method = visit_method(&base, node);
        if (method.certainty == EXPR_IS_TYPE) {
            return method;
        }
    }
    if (expr_is(&base, EXPR_ANY_MAP)) {
        struct expr_shape wanted = expr_key_of(&base);
        if (!expr_is_assignable(&property, &wanted) && !expr_is_unknown(&property)) {
            return expr_refuse(c, node->right, "cannot use %s to get an element from %s",
                               expr_shape_name(&property, &key), expr_shape_name(&base, &name));
        }
        return expr_element_of(&base);
    }
    if (expr_is(&base, EXPR_ANY_LIST)) {
        property = expr_deref_shape(property);
        if (!expr_is(&property, EXPR_ANY_INTEGER) && !expr_is_unknown(&property)) {
            return expr_refuse(c, node->right, "array elements can only be selected using an integer (got %s)",
                               expr_shape_name(&property, &key));
        }
        return expr_element_of(&base);
    }
    base = expr_deref_shape(base);
    return no_member(c, node, &base, &property);
}

static struct tph_str name_of_callee(const struct expr_node *callee)
{
    if (callee->kind == EXPR_NAME) {
        return callee->text;
    }
    return callee->kind == EXPR_MEMBER && callee->right->kind == EXPR_STRING ? callee->right->text
                                                                             : TPH_STR("function");
}

struct expr_shape expr_visit_call(struct expr_checker *c, struct expr_node *node)
{
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    if (node->left->kind == EXPR_NAME && tph_str_eqz(node->left->text, "$env")) {
        return expr_refuse(c, node, "map[string]interface {} is not callable");
    }
    struct expr_shape callee = expr_visit(c, node->left);
    if (expr_is_unknown(&callee)) {
        return EXPR_UNKNOWN; /* the arguments are not looked at */
    }
    struct tph_str called = name_of_callee(node->left);
    if (callee.certainty == EXPR_IS_NIL) {
        return expr_refuse(c, node, "%.*s is nil; cannot call nil as function", TPH_FMT(called));
    }
    if (callee.builtin) { /* a function of the language under another name: `let f = upper; f("a")` */
        node->known = callee.signature;
        return expr_check_builtin_call(c, callee.builtin, node);
    }
    if (callee.type != TPH_EXPR_FUNCTION || !callee.signature) {
        return expr_refuse(c, node, "%s is not callable", expr_shape_name(&callee, &name));
    }
    node->known = callee.signature;
    return expr_check_arguments(c, node, called, callee.signature, true) ? expr_result_of(callee.signature)
                                                                         : EXPR_UNKNOWN;
}

struct expr_shape expr_result_of(const struct expr_signature *signature)
{
    return EXPR_SHAPE(expr_letter_type(signature->results[0]));
}

/* One argument against the type that its parameter has. */
static bool check_argument(struct expr_checker *c, struct expr_node *argument, char letter, struct tph_str called,
                           bool tell)
{
    struct expr_shape given = expr_visit(c, argument);
    struct expr_shape wanted = EXPR_SHAPE(expr_letter_type(letter));
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name want = EXPR_NAME_INIT;
    if (expr_is(&given, EXPR_ANY_INTEGER) && expr_is(&wanted, EXPR_ANY_NUMBER) && wanted.type != given.type) {
        return true; /* literals are converted, the rest shows when it runs */
    }
    if (given.certainty == EXPR_IS_NIL) {
        bool fits = wanted.type == TPH_EXPR_ANY || wanted.type == TPH_EXPR_LOCATION;
        if (!fits && tell) {
            (void)expr_refuse(c, argument, "cannot use nil as argument (type %s) to call %.*s",
                              expr_shape_name(&wanted, &want), TPH_FMT(called));
        }
        return fits;
    }
    bool fits = expr_is_assignable(&given, &wanted) || expr_is_unknown(&given);
    if (!fits && tell) { /* the blank at the end is the library's */
        (void)expr_refuse(c, argument, "cannot use %s as argument (type %s) to call %.*s ",
                          expr_shape_name(&given, &name), expr_shape_name(&wanted, &want), TPH_FMT(called));
    }
    return fits;
}

static bool check_count(struct expr_checker *c, const struct expr_node *call, struct tph_str called, size_t n,
                        bool variadic, bool tell)
{
    bool few = call->n_items < (variadic ? n - 1 : n);
    bool many = !variadic && call->n_items > n;
    if (!few && !many) {
        return true;
    }
    for (size_t i = 0; i < call->n_items; i++) {
        (void)expr_visit(c, call->items[i]);
    }
    if (tell) {
        (void)expr_refuse(c, call, "%s arguments to call %.*s", few ? "not enough" : "too many", TPH_FMT(called));
    }
    return false;
}

bool expr_check_arguments(struct expr_checker *c, const struct expr_node *call, struct tph_str called,
                          const struct expr_signature *signature, bool tell)
{
    bool variadic = false;
    size_t n = expr_count_params(signature->params, &variadic);
    if (strlen(signature->results) > 2) {
        (void)expr_refuse(c, call, "func %.*s returns more then two values", TPH_FMT(called));
        return false;
    }
    if (!check_count(c, call, called, n, variadic, tell)) {
        return false;
    }
    for (size_t i = 0; i < call->n_items; i++) {
        char letter = signature->params[variadic && i >= n - 1 ? n - 1 : i];
        if (!check_argument(c, call->items[i], letter, called, tell)) {
            return false;
        }
    }
    return true;
}
