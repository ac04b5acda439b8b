/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the language: their arguments, predicates, and what comes out. */
#include <string.h>

#include "expr/check.h"

static struct expr_shape wrong_count(struct expr_checker *c, const struct expr_node *call, int expected)
{
    return expr_refuse(c, call, "invalid number of arguments (expected %d, got %zu)", expected, call->n_items);
}

/* The type of an argument for a message: nil has none, which Go prints so. */
static const char *type_name(const struct expr_shape *shape, struct expr_name *name)
{
    static const struct expr_shape any = {.certainty = EXPR_IS_TYPE, .type = TPH_EXPR_ANY};
    return shape->certainty == EXPR_IS_NIL ? "%!s(<nil>)"
                                           : expr_shape_name(expr_is_unknown(shape) ? &any : shape, name);
}

static unsigned kind_bits(const struct expr_shape *shape)
{
    if (expr_is_unknown(shape)) {
        return EXPR_KIND_ANY;
    }
    if (shape->certainty == EXPR_IS_NIL) {
        return 0;
    }
    if (tph_expr_is_number(shape->type)) {
        return EXPR_KIND_NUMBER;
    }
    return expr_is(shape, EXPR_ANY_STRING) ? EXPR_KIND_STRING
           : expr_is(shape, EXPR_ANY_LIST) ? EXPR_KIND_LIST
           : expr_is(shape, EXPR_ANY_MAP)  ? EXPR_KIND_MAP
                                           : 0;
}

static struct expr_shape refuse_kind(struct expr_checker *c, const struct expr_node *call, const char *refusal,
                                     const struct expr_shape *shape)
{
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(2048);
    const char *mark = strstr(refusal, "%s");
    (void)tph_buf_append(&text, refusal, (size_t)(mark - refusal));
    (void)tph_buf_puts(&text, type_name(shape, &name));
    (void)tph_buf_puts(&text, mark + 2);
    return expr_refuse(c, call, "%s", tph_buf_cstr(&text));
}

/* Its type without what is known of elements. */
static struct expr_shape plain(const struct expr_shape *shape)
{
    return expr_is_unknown(shape) ? EXPR_SHAPE(TPH_EXPR_ANY) : EXPR_SHAPE(shape->type);
}

static struct expr_shape judge_one(struct expr_checker *c, const struct expr_builtin *builtin,
                                   const struct expr_node *call)
{
    struct expr_shape first = EXPR_UNKNOWN;
    for (size_t i = 0; i < call->n_items; i++) {
        struct expr_shape shape = expr_visit(c, call->items[i]);
        first = i == 0 ? shape : first;
    }
    if (call->n_items != 1) {
        return wrong_count(c, call, 1);
    }
    if (!(kind_bits(&first) & (builtin->kinds | EXPR_KIND_ANY))) {
        return refuse_kind(c, call, builtin->refusal, &first);
    }
    switch (builtin->result) {
    case EXPR_RESULT_SAME:
        return plain(&first);
    case EXPR_RESULT_ELEMENT:
        return expr_is_unknown(&first) ? EXPR_SHAPE(TPH_EXPR_ANY) : EXPR_SHAPE(tph_expr_element_type(first.type));
    case EXPR_RESULT_TYPE:
        break;
    }
    return EXPR_SHAPE(builtin->result_type);
}

/* max, min, mean, median: of numbers, or of one list. What comes behind a list is not looked at. */
static struct expr_shape judge_aggregate(struct expr_checker *c, const struct expr_builtin *builtin,
                                         const struct expr_node *call)
{
    if (call->n_items == 0) {
        return expr_refuse(c, call, "not enough arguments to call %s", builtin->function.name);
    }
    for (size_t i = 0; i < call->n_items; i++) {
        (void)expr_visit(c, call->items[i]);
    }
    for (size_t i = 0; i < call->n_items; i++) {
        struct expr_shape shape = call->items[i]->shape;
        unsigned bits = kind_bits(&shape);
        if (bits & (EXPR_KIND_ANY | EXPR_KIND_LIST)) {
            return EXPR_SHAPE(TPH_EXPR_ANY);
        }
        if (!(bits & EXPR_KIND_NUMBER)) {
            return refuse_kind(c, call, builtin->refusal, &shape);
        }
    }
    return plain(&call->items[0]->shape);
}

static struct expr_shape judge_take(struct expr_checker *c, const struct expr_node *call)
{
    for (size_t i = 0; i < call->n_items; i++) {
        (void)expr_visit(c, call->items[i]);
    }
    if (call->n_items != 2) {
        return wrong_count(c, call, 2);
    }
    struct expr_shape list = call->items[0]->shape;
    struct expr_shape n = call->items[1]->shape;
    if (!(kind_bits(&list) & (EXPR_KIND_ANY | EXPR_KIND_LIST))) {
        return refuse_kind(c, call, "cannot take from %s", &list);
    }
    bool is_signed = kind_bits(&n) == EXPR_KIND_NUMBER && strncmp(tph_expr_kind_name(n.type), "int", 3) == 0;
    if (!is_signed && !expr_is_unknown(&n)) {
        return refuse_kind(c, call, "cannot take %s elements", &n);
    }
    return plain(&list);
}

static struct expr_shape judge_concat(struct expr_checker *c, const struct expr_node *call)
{
    if (call->n_items == 0) {
        return expr_refuse(c, call, "invalid number of arguments (expected at least 1, got 0)");
    }
    for (size_t i = 0; i < call->n_items; i++) {
        (void)expr_visit(c, call->items[i]);
    }
    for (size_t i = 0; i < call->n_items; i++) {
        if (!(kind_bits(&call->items[i]->shape) & (EXPR_KIND_ANY | EXPR_KIND_LIST))) {
            return refuse_kind(c, call, "cannot concat %s", &call->items[i]->shape);
        }
    }
    return EXPR_SHAPE(TPH_EXPR_LIST);
}

static bool is_location(const struct expr_shape *shape)
{
    return shape->certainty == EXPR_IS_TYPE && shape->type == TPH_EXPR_LOCATION;
}

/* now() and date(...): a zone may stand first. */
static struct expr_shape judge_time(struct expr_checker *c, const struct expr_builtin *builtin,
                                    const struct expr_node *call)
{
    for (size_t i = 0; i < call->n_items; i++) {
        (void)expr_visit(c, call->items[i]);
    }
    size_t n = call->n_items;
    bool zone = n > 0 && is_location(&call->items[0]->shape);
    if (builtin->judgement == EXPR_JUDGE_NOW) {
        return n == 0 || (n == 1 && zone) ? EXPR_SHAPE(TPH_EXPR_TIME) : wrong_count(c, call, 0);
    }
    if (n < 1) {
        return expr_refuse(c, call, "invalid number of arguments (expected at least 1, got %zu)", n);
    }
    n -= zone ? 1 : 0;
    if (n > 3) {
        return expr_refuse(c, call, "invalid number of arguments (expected at most 3, got %zu)", n);
    }
    return EXPR_SHAPE(TPH_EXPR_TIME);
}

static struct expr_shape judge_get(struct expr_checker *c, const struct expr_node *call)
{
    if (call->n_items != 2) {
        return wrong_count(c, call, 2);
    }
    struct expr_shape base = expr_visit(c, call->items[0]);
    struct expr_shape key = expr_deref_shape(expr_visit(c, call->items[1]));
    TPH_CLEANUP(expr_name_release) struct expr_name base_name = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name key_name = EXPR_NAME_INIT;
    const struct expr_node *first = call->items[0];
    if (first->kind == EXPR_NAME && tph_str_eqz(first->text, "$env")) {
        bool found = false;
        struct expr_shape shape = call->items[1]->kind == EXPR_STRING
                                      ? expr_shape_of_name(c, call->items[1]->constant.str, &found)
                                      : EXPR_UNKNOWN;
        return found ? shape : EXPR_UNKNOWN;
    }
    if (expr_is_unknown(&base)) {
        return EXPR_UNKNOWN;
    }
    if (expr_is(&base, EXPR_ANY_LIST)) {
        if (!expr_is(&key, EXPR_ANY_INTEGER) && !expr_is_unknown(&key)) {
            return expr_refuse(c, call->items[1], "non-integer slice index %s", expr_shape_name(&key, &key_name));
        }
        return expr_element_of(&base);
    }
    if (expr_is(&base, EXPR_ANY_MAP)) {
        struct expr_shape wanted = expr_key_of(&base);
        if (!expr_is_assignable(&key, &wanted) && !expr_is_unknown(&key)) {
            return expr_refuse(c, call->items[1], "cannot use %s to get an element from %s",
                               expr_shape_name(&key, &key_name), expr_shape_name(&base, &base_name));
        }
        return expr_element_of(&base);
    }
    return expr_refuse(c, first, "type %s does not support indexing", expr_shape_name(&base, &base_name));
}

static struct expr_shape judge_signatures(struct expr_checker *c, const struct expr_builtin *builtin,
                                          const struct expr_node *call)
{
    for (size_t i = 0; i < builtin->n_signatures; i++) {
        const struct expr_signature *signature = &builtin->signatures[i];
        bool last = i + 1 == builtin->n_signatures;
        if (expr_check_arguments(c, call, tph_str(builtin->function.name), signature, last)) {
            return expr_result_of(signature);
        }
    }
    return EXPR_UNKNOWN;
}

struct expr_shape expr_check_builtin_call(struct expr_checker *c, const struct expr_builtin *builtin,
                                          const struct expr_node *call)
{
    switch (builtin->judgement) {
    case EXPR_JUDGE_SIGNATURES:
        return judge_signatures(c, builtin, call);
    case EXPR_JUDGE_ONE:
        return judge_one(c, builtin, call);
    case EXPR_JUDGE_AGGREGATE:
        return judge_aggregate(c, builtin, call);
    case EXPR_JUDGE_TAKE:
        return judge_take(c, call);
    case EXPR_JUDGE_CONCAT:
        return judge_concat(c, call);
    case EXPR_JUDGE_NOW:
    case EXPR_JUDGE_DATE:
        return judge_time(c, builtin, call);
    case EXPR_JUDGE_GET:
        return judge_get(c, call);
    }
    return EXPR_UNKNOWN;
}

/* What a function with a predicate gives. */
static struct expr_shape predicate_result(struct expr_checker *c, enum expr_loop loop, const struct expr_shape *list,
                                          const struct expr_shape *body)
{
    struct expr_shape element = expr_is_unknown(list) ? EXPR_UNKNOWN : expr_element_of(list);
    switch (loop) {
    case EXPR_LOOP_ALL:
    case EXPR_LOOP_NONE:
    case EXPR_LOOP_ANY:
    case EXPR_LOOP_ONE:
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    case EXPR_LOOP_FILTER:
        return expr_is_unknown(list) ? EXPR_SHAPE(TPH_EXPR_LIST) : expr_list_of(c, element);
    case EXPR_LOOP_MAP:
        return expr_list_of(c, *body);
    case EXPR_LOOP_COUNT:
    case EXPR_LOOP_FIND_INDEX:
    case EXPR_LOOP_FIND_LAST_INDEX:
        return EXPR_SHAPE(TPH_EXPR_INT);
    case EXPR_LOOP_SUM:
        return expr_is_unknown(body) ? EXPR_SHAPE(TPH_EXPR_ANY) : plain(body);
    case EXPR_LOOP_FIND:
    case EXPR_LOOP_FIND_LAST:
        return element;
    case EXPR_LOOP_GROUP_BY:
        return EXPR_SHAPE(TPH_EXPR_MAP_GROUPS);
    case EXPR_LOOP_SORT_BY:
        return *list;
    case EXPR_LOOP_REDUCE:
        return *body;
    }
    return EXPR_UNKNOWN;
}

static bool wants_bool(enum expr_loop loop)
{
    return loop <= EXPR_LOOP_FIND_LAST_INDEX;
}

static struct expr_shape check_body(struct expr_checker *c, const struct expr_node *node, enum expr_loop loop,
                                    const struct expr_shape *list)
{
    struct expr_focus focus = {.collection = *list,
                               .has_index = loop == EXPR_LOOP_MAP || loop == EXPR_LOOP_REDUCE,
                               .has_acc = loop == EXPR_LOOP_REDUCE,
                               .outer = c->focus};
    c->focus = &focus;
    struct expr_shape body = expr_visit(c, node->items[1]);
    c->focus = focus.outer;
    if (node->n_items == 3) {
        struct expr_shape third = expr_visit(c, node->items[2]);
        if (loop == EXPR_LOOP_SORT_BY && !expr_is(&third, EXPR_ANY_STRING) && !expr_is_unknown(&third)) {
            TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
            return expr_refuse(c, node->items[2], "sortBy order argument must be a string (got %s)",
                               expr_shape_name(&third, &name));
        }
    }
    return body;
}

static struct expr_shape check_predicate(struct expr_checker *c, const struct expr_node *node, enum expr_loop loop)
{
    TPH_CLEANUP(expr_name_release) struct expr_name name = EXPR_NAME_INIT;
    struct expr_shape list = expr_deref_shape(expr_visit(c, node->items[0]));
    if (!expr_is(&list, EXPR_ANY_LIST) && !expr_is_unknown(&list)) {
        return expr_refuse(c, node->items[0], "builtin %s takes only array (got %s)", node->builtin->function.name,
                           expr_shape_name(&list, &name));
    }
    if (node->n_items == 1) { /* count(list), sum(list) */
        return loop == EXPR_LOOP_COUNT  ? EXPR_SHAPE(TPH_EXPR_INT)
               : expr_is_unknown(&list) ? EXPR_UNKNOWN
                                        : expr_element_of(&list);
    }
    struct expr_shape body = check_body(c, node, loop, &list);
    if (body.certainty == EXPR_IS_NIL) { /* a function that gives nothing */
        if (loop == EXPR_LOOP_SUM) {
            return expr_refuse(c, node->items[1],
                               "cannot use func(interface {}) as argument (type func(interface {}) bool) to call sum ");
        }
        return expr_refuse(c, node->items[1], "predicate should has %s input and one output param",
                           loop == EXPR_LOOP_REDUCE ? "two" : "one");
    }
    if (wants_bool(loop) && !expr_is(&body, EXPR_ANY_BOOL) && !expr_is_unknown(&body)) {
        return expr_refuse(c, node->items[1], "predicate should return boolean (got %s)",
                           expr_shape_name(&body, &name));
    }
    return predicate_result(c, loop, &list, &body);
}

struct expr_shape expr_visit_builtin(struct expr_checker *c, struct expr_node *node)
{
    if (node->builtin->predicate) {
        return check_predicate(c, node, (enum expr_loop)node->builtin->function.tag);
    }
    return expr_check_builtin_call(c, node->builtin, node);
}
