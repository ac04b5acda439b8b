/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "expr/check.h"

static bool is_type(const struct expr_shape *shape, enum tph_expr_type type)
{
    return shape->certainty == EXPR_IS_TYPE && shape->type == type;
}

bool expr_is_unknown(const struct expr_shape *shape)
{
    return shape->certainty == EXPR_IS_UNKNOWN || is_type(shape, TPH_EXPR_ANY);
}

/* To the library durations and their kin are no numbers. */
static unsigned groups_of(enum tph_expr_type type)
{
    if (type >= TPH_EXPR_INT && type <= TPH_EXPR_UINT64) {
        return EXPR_ANY_INTEGER | EXPR_ANY_NUMBER;
    }
    if (tph_expr_is_list(type) || type == TPH_EXPR_BYTES) {
        return EXPR_ANY_LIST;
    }
    if (tph_expr_is_map(type) || type == TPH_EXPR_SCOPE) {
        return EXPR_ANY_MAP;
    }
    switch (type) {
    case TPH_EXPR_BOOL:
        return EXPR_ANY_BOOL;
    case TPH_EXPR_STRING:
        return EXPR_ANY_STRING;
    case TPH_EXPR_FLOAT32:
    case TPH_EXPR_FLOAT64:
        return EXPR_ANY_NUMBER;
    case TPH_EXPR_TIME:
        return EXPR_ANY_TIME;
    case TPH_EXPR_DURATION:
        return EXPR_ANY_DURATION;
    default:
        return 0;
    }
}

bool expr_is(const struct expr_shape *shape, unsigned groups)
{
    return shape->certainty == EXPR_IS_TYPE && (groups_of(shape->type) & groups) != 0;
}

struct expr_shape expr_deref_shape(struct expr_shape shape)
{
    if (shape.certainty == EXPR_IS_TYPE && shape.type == TPH_EXPR_LOCATION) {
        return EXPR_SHAPE(TPH_EXPR_ZONE_STRUCT);
    }
    return shape;
}

const char *expr_kind_of(const struct expr_shape *shape)
{
    return tph_expr_kind_name(shape->certainty == EXPR_IS_TYPE ? shape->type : TPH_EXPR_NIL);
}

bool expr_is_assignable(const struct expr_shape *from, const struct expr_shape *to)
{
    if (from->certainty == EXPR_IS_NIL) {
        static const char *const nilable[] = {"ptr", "interface", "func", "map", "slice"};
        for (size_t i = 0; i < sizeof(nilable) / sizeof(nilable[0]); i++) {
            if (strcmp(expr_kind_of(to), nilable[i]) == 0) {
                return true;
            }
        }
    }
    if (from->certainty != EXPR_IS_TYPE || to->certainty != EXPR_IS_TYPE) {
        return false;
    }
    if (to->type == TPH_EXPR_ANY) {
        return true;
    }
    return from->type == to->type && (from->type != TPH_EXPR_FUNCTION || from->signature == to->signature);
}

bool expr_is_comparable(const struct expr_shape *a, const struct expr_shape *b)
{
    if (expr_is_unknown(a) || expr_is_unknown(b) || a->certainty == EXPR_IS_NIL || b->certainty == EXPR_IS_NIL) {
        return true;
    }
    static const unsigned alike[] = {EXPR_ANY_NUMBER, EXPR_ANY_DURATION, EXPR_ANY_TIME, EXPR_ANY_LIST};
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (expr_is(a, alike[i]) && expr_is(b, alike[i])) {
            return true;
        }
    }
    return expr_is_assignable(a, b);
}

bool expr_may_be(const struct expr_shape *a, const struct expr_shape *b, unsigned groups)
{
    bool a_unknown = expr_is_unknown(a);
    bool b_unknown = expr_is_unknown(b);
    return (a_unknown && b_unknown) || (a_unknown && expr_is(b, groups)) || (b_unknown && expr_is(a, groups));
}

struct expr_shape expr_element_of(const struct expr_shape *shape)
{
    if (shape->element && expr_is(shape, EXPR_ANY_LIST)) {
        return *shape->element;
    }
    return expr_is(shape, EXPR_ANY_LIST | EXPR_ANY_MAP) ? EXPR_SHAPE(tph_expr_element_type(shape->type)) : EXPR_UNKNOWN;
}

struct expr_shape expr_key_of(const struct expr_shape *shape)
{
    return EXPR_SHAPE(tph_expr_key_type(shape->type));
}

struct expr_shape expr_list_of(struct expr_checker *c, struct expr_shape element)
{
    struct expr_shape list = EXPR_SHAPE(TPH_EXPR_LIST);
    struct expr_shape *kept = tph_expr_alloc(&c->expr->memory, sizeof(*kept));
    if (kept) {
        *kept = element;
        list.element = kept;
    }
    return list;
}

const char *expr_shape_name(const struct expr_shape *shape, struct expr_name *name)
{
    if (shape->certainty != EXPR_IS_TYPE) {
        return "unknown";
    }
    if (shape->type != TPH_EXPR_FUNCTION || !shape->signature) {
        return tph_expr_type_name(shape->type);
    }
    tph_buf_clear(&name->buf);
    expr_print_signature(shape->signature, true, &name->buf);
    return tph_buf_cstr(&name->buf);
}

void expr_name_release(struct expr_name *name)
{
    tph_buf_release(&name->buf);
}
