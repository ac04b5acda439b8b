/* SPDX-License-Identifier: Apache-2.0 */
/* Private to check*.c: what is known before anything is evaluated, and the errors that follow from it. */
#pragma once

#include "expr/builtin.h"
#include "expr/internal.h"

struct expr_local { /* a name of `let` */
    struct tph_str name;
    struct expr_shape shape;
    const struct expr_local *outer;
};
struct expr_focus { /* what # is in a predicate */
    struct expr_shape collection;
    bool has_index;
    bool has_acc;
    const struct expr_focus *outer;
};
struct expr_checker {
    struct tph_expr *expr;
    const struct tph_expr_env *env;
    const struct expr_local *locals;
    const struct expr_focus *focus;
};

#define EXPR_UNKNOWN   ((struct expr_shape){.certainty = EXPR_IS_UNKNOWN})
#define EXPR_SHAPE_NIL ((struct expr_shape){.certainty = EXPR_IS_NIL})
#define EXPR_SHAPE(of) ((struct expr_shape){.certainty = EXPR_IS_TYPE, .type = (of)})

/* Groups of types. */
enum {
    EXPR_ANY_BOOL = 1,
    EXPR_ANY_STRING = 2,
    EXPR_ANY_INTEGER = 4,
    EXPR_ANY_NUMBER = 8,
    EXPR_ANY_MAP = 16,
    EXPR_ANY_LIST = 32,
    EXPR_ANY_TIME = 64,
    EXPR_ANY_DURATION = 128,
};
bool expr_is(const struct expr_shape *shape, unsigned groups); /* one of them */
bool expr_is_unknown(const struct expr_shape *shape);
bool expr_is_assignable(const struct expr_shape *from, const struct expr_shape *to);
bool expr_is_comparable(const struct expr_shape *a, const struct expr_shape *b);
/* One is unknown and the other of these groups, or both are. */
bool expr_may_be(const struct expr_shape *a, const struct expr_shape *b, unsigned groups);
struct expr_shape expr_element_of(const struct expr_shape *shape);
struct expr_shape expr_key_of(const struct expr_shape *shape);
struct expr_shape expr_list_of(struct expr_checker *c, struct expr_shape element);
/* What operators see of it: what a pointer points to. */
struct expr_shape expr_deref_shape(struct expr_shape shape);
const char *expr_kind_of(const struct expr_shape *shape);

/* The name of a shape's type, for messages; valid until the next call with the same buffer. */
struct expr_name {
    struct tph_buf buf;
};
const char *expr_shape_name(const struct expr_shape *shape, struct expr_name *name);
#define EXPR_NAME_INIT ((struct expr_name){.buf = TPH_BUF_INIT(512)})
void expr_name_release(struct expr_name *name);

struct expr_shape expr_visit(struct expr_checker *c, struct expr_node *node);
struct expr_shape expr_visit_binary(struct expr_checker *c, struct expr_node *node);
struct expr_shape expr_visit_member(struct expr_checker *c, struct expr_node *node);
struct expr_shape expr_visit_call(struct expr_checker *c, struct expr_node *node);
struct expr_shape expr_visit_builtin(struct expr_checker *c, struct expr_node *node);

/* At node, with the names of one or two shapes put in for %s. Returns what is not known. */
struct expr_shape expr_refuse(struct expr_checker *c, const struct expr_node *node, const char *format, ...)
    TPH_PRINTF(3, 4);

struct expr_shape expr_shape_of_name(struct expr_checker *c, struct tph_str name, bool *ret_found);
/* Whether the arguments of a call fit a signature; what is wrong is told if `tell` says so. Arguments are visited one
 * by one: behind one that does not fit none is looked at. */
bool expr_check_arguments(struct expr_checker *c, const struct expr_node *call, struct tph_str called,
                          const struct expr_signature *signature, bool tell);
struct expr_shape expr_result_of(const struct expr_signature *signature);
struct expr_shape expr_check_builtin_call(struct expr_checker *c, const struct expr_builtin *builtin,
                                          const struct expr_node *call);
