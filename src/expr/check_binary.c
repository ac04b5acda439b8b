/* SPDX-License-Identifier: Apache-2.0 */
/* Which operators take which types. */
#include "expr/check.h"

/* Pairs of types that an operator takes when both are known, and what comes out. */
struct pair {
    unsigned left, right;
    enum tph_expr_type result; /* ANY: the wider of two numbers */
};
struct rule {
    enum expr_op op;
    unsigned maybe;            /* when one side is not known, what the other may be */
    enum tph_expr_type unsure; /* what comes out then; ANY: not known */
    struct pair pairs[6];
};

#define BOTH(groups, result)         \
    {                                \
        (groups), (groups), (result) \
    }

static const struct pair no_pair = {0, 0, TPH_EXPR_NIL};

static const struct rule rules[] = {
    {EXPR_OP_OR, EXPR_ANY_BOOL, TPH_EXPR_BOOL, {BOTH(EXPR_ANY_BOOL, TPH_EXPR_BOOL)}},
    {EXPR_OP_AND, EXPR_ANY_BOOL, TPH_EXPR_BOOL, {BOTH(EXPR_ANY_BOOL, TPH_EXPR_BOOL)}},
    {EXPR_OP_LESS, /* and the other comparisons */
     EXPR_ANY_NUMBER | EXPR_ANY_STRING | EXPR_ANY_TIME | EXPR_ANY_DURATION,
     TPH_EXPR_BOOL,
     {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_BOOL), BOTH(EXPR_ANY_STRING, TPH_EXPR_BOOL), BOTH(EXPR_ANY_TIME, TPH_EXPR_BOOL),
      BOTH(EXPR_ANY_DURATION, TPH_EXPR_BOOL)}},
    {EXPR_OP_SUBTRACT,
     EXPR_ANY_NUMBER | EXPR_ANY_TIME | EXPR_ANY_DURATION,
     TPH_EXPR_ANY,
     {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_ANY),
      BOTH(EXPR_ANY_TIME, TPH_EXPR_DURATION),
      {EXPR_ANY_TIME, EXPR_ANY_DURATION, TPH_EXPR_TIME},
      BOTH(EXPR_ANY_DURATION, TPH_EXPR_DURATION)}},
    {EXPR_OP_MULTIPLY,
     EXPR_ANY_NUMBER | EXPR_ANY_DURATION,
     TPH_EXPR_ANY,
     {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_ANY),
      {EXPR_ANY_NUMBER, EXPR_ANY_DURATION, TPH_EXPR_DURATION},
      {EXPR_ANY_DURATION, EXPR_ANY_NUMBER | EXPR_ANY_DURATION, TPH_EXPR_DURATION}}},
    {EXPR_OP_DIVIDE, EXPR_ANY_NUMBER, TPH_EXPR_FLOAT64, {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_FLOAT64)}},
    {EXPR_OP_POWER, EXPR_ANY_NUMBER, TPH_EXPR_FLOAT64, {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_FLOAT64)}},
    {EXPR_OP_MODULO, EXPR_ANY_INTEGER, TPH_EXPR_INT, {BOTH(EXPR_ANY_INTEGER, TPH_EXPR_INT)}},
    {EXPR_OP_ADD,
     EXPR_ANY_NUMBER | EXPR_ANY_STRING | EXPR_ANY_TIME | EXPR_ANY_DURATION,
     TPH_EXPR_ANY,
     {BOTH(EXPR_ANY_NUMBER, TPH_EXPR_ANY),
      BOTH(EXPR_ANY_STRING, TPH_EXPR_STRING),
      {EXPR_ANY_TIME, EXPR_ANY_DURATION, TPH_EXPR_TIME},
      {EXPR_ANY_DURATION, EXPR_ANY_TIME, TPH_EXPR_TIME},
      BOTH(EXPR_ANY_DURATION, TPH_EXPR_DURATION)}},
    {EXPR_OP_CONTAINS, EXPR_ANY_STRING, TPH_EXPR_BOOL, {BOTH(EXPR_ANY_STRING, TPH_EXPR_BOOL)}}, /* and its kin */
};

/* Never NULL: what is left over is a text operator, and they share the last rule. */
static const struct rule *find_rule(enum expr_op op)
{
    const size_t last = sizeof(rules) / sizeof(rules[0]) - 1;
    size_t i = 0;
    if (op >= EXPR_OP_LESS && op <= EXPR_OP_LESS_EQUAL) {
        op = EXPR_OP_LESS;
    }
    while (i < last && rules[i].op != op) {
        i++;
    }
    return &rules[i];
}

static struct expr_shape wider(const struct expr_shape *l, const struct expr_shape *r)
{
    bool is_float = !expr_is(l, EXPR_ANY_INTEGER) || !expr_is(r, EXPR_ANY_INTEGER);
    return EXPR_SHAPE(is_float ? TPH_EXPR_FLOAT64 : TPH_EXPR_INT);
}

static struct expr_shape mismatch(struct expr_checker *c, const struct expr_node *node, const struct expr_shape *l,
                                  const struct expr_shape *r)
{
    TPH_CLEANUP(expr_name_release) struct expr_name left = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name right = EXPR_NAME_INIT;
    return expr_refuse(c, node, "invalid operation: %.*s (mismatched types %s and %s)", TPH_FMT(node->text),
                       expr_shape_name(l, &left), expr_shape_name(r, &right));
}

static struct expr_shape visit_in(struct expr_checker *c, const struct expr_node *node, const struct expr_shape *l,
                                  const struct expr_shape *r)
{
    TPH_CLEANUP(expr_name_release) struct expr_name left = EXPR_NAME_INIT;
    TPH_CLEANUP(expr_name_release) struct expr_name right = EXPR_NAME_INIT;
    bool l_unknown = expr_is_unknown(l);
    if ((expr_is(l, EXPR_ANY_STRING) || l_unknown) && expr_is(r, EXPR_ANY_TIME)) { /* a struct */
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    if (expr_is(r, EXPR_ANY_MAP)) {
        struct expr_shape key = expr_key_of(r);
        if (!l_unknown && !expr_is_assignable(l, &key)) {
            return expr_refuse(c, node, "cannot use %s as type %s in map key", expr_shape_name(l, &left),
                               expr_shape_name(&key, &right));
        }
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    if (expr_is(r, EXPR_ANY_LIST)) {
        struct expr_shape element = expr_element_of(r);
        if (!expr_is_comparable(l, &element)) {
            return expr_refuse(c, node, "cannot use %s as type %s in array", expr_shape_name(l, &left),
                               expr_shape_name(&element, &right));
        }
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    if ((l_unknown && expr_is(r, EXPR_ANY_STRING)) || expr_is_unknown(r)) {
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    return mismatch(c, node, l, r);
}

static struct expr_shape visit_coalesce(const struct expr_shape *l, const struct expr_shape *r)
{
    if (l->certainty == EXPR_IS_NIL) {
        return *r;
    }
    if (r->certainty == EXPR_IS_NIL || expr_is_assignable(r, l)) {
        return *l;
    }
    return EXPR_UNKNOWN;
}

static struct expr_shape visit_range(struct expr_checker *c, const struct expr_node *node, const struct expr_shape *l,
                                     const struct expr_shape *r)
{
    bool good = (expr_is(l, EXPR_ANY_INTEGER) && expr_is(r, EXPR_ANY_INTEGER)) || expr_may_be(l, r, EXPR_ANY_INTEGER);
    return good ? expr_list_of(c, EXPR_SHAPE(TPH_EXPR_INT)) : mismatch(c, node, l, r);
}

static struct expr_shape visit_rule(struct expr_checker *c, const struct expr_node *node, const struct expr_shape *l,
                                    const struct expr_shape *r)
{
    const struct rule *rule = find_rule(node->op);
    if (node->op == EXPR_OP_MATCHES && expr_is(l, EXPR_ANY_LIST) && l->type == TPH_EXPR_BYTES &&
        expr_is(r, EXPR_ANY_STRING)) {
        return EXPR_SHAPE(TPH_EXPR_BOOL);
    }
    for (const struct pair *pair = rule->pairs; pair->left != no_pair.left; pair++) {
        if (expr_is(l, pair->left) && expr_is(r, pair->right)) {
            return pair->result == TPH_EXPR_ANY ? wider(l, r) : EXPR_SHAPE(pair->result);
        }
    }
    if (expr_may_be(l, r, rule->maybe)) {
        return rule->unsure == TPH_EXPR_ANY ? EXPR_UNKNOWN : EXPR_SHAPE(rule->unsure);
    }
    return mismatch(c, node, l, r);
}

/* A pattern that is spelt out is read here, before types are looked at. */
static bool check_pattern(struct expr_checker *c, const struct expr_node *node)
{
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    if (node->right->kind == EXPR_STRING && tph_regex_compile(node->right->constant.str, &regex, &err) < 0) {
        (void)expr_refuse(c, node, "%s", err.text);
        return false;
    }
    return true;
}

struct expr_shape expr_visit_binary(struct expr_checker *c, struct expr_node *node)
{
    struct expr_shape l = expr_deref_shape(expr_visit(c, node->left));
    struct expr_shape r = expr_deref_shape(expr_visit(c, node->right));
    switch (node->op) {
    case EXPR_OP_EQUAL:
    case EXPR_OP_NOT_EQUAL:
        return expr_is_comparable(&l, &r) ? EXPR_SHAPE(TPH_EXPR_BOOL) : mismatch(c, node, &l, &r);
    case EXPR_OP_IN:
        return visit_in(c, node, &l, &r);
    case EXPR_OP_COALESCE:
        return visit_coalesce(&l, &r);
    case EXPR_OP_RANGE:
        return visit_range(c, node, &l, &r);
    case EXPR_OP_MATCHES:
        return check_pattern(c, node) ? visit_rule(c, node, &l, &r) : EXPR_UNKNOWN;
    default:
        return visit_rule(c, node, &l, &r);
    }
}
