/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the language and of types, as the checker and the evaluator see them. */
#pragma once

#include "expr/function.h"
#include "expr/internal.h"

/* Types by letters: those of expr/function.h, and F []float64, n []int, M time.Month, W time.Weekday, L *time.Location,
 * V *semver.Version, v semver.Version, u uint64, e error; predicates p func(interface {}) bool, q func(interface {})
 * interface {}, r func(interface {}, interface {}) interface {}; g map[interface {}][]interface {}. */
struct expr_signature {
    const char *params; /* * after the last: variadic */
    const char *results;
    char receiver; /* of a method; 0: none */
};
enum tph_expr_type expr_letter_type(char letter); /* FUNCTION for predicates, ANY for an error */
/* The library calls some types of functions without reflection: a wrong argument is a failed type assertion then. */
bool expr_is_typed(const struct expr_signature *signature);
size_t expr_count_params(const char *params, bool *ret_variadic);
void expr_print_signature(const struct expr_signature *signature, bool with_receiver, struct tph_buf *out);
/* What a nil becomes that is given for a parameter. */
struct tph_expr_value expr_zero(char letter);

/* How the checker judges arguments that no signature describes. */
enum expr_judgement {
    EXPR_JUDGE_SIGNATURES, /* it has overloads */
    EXPR_JUDGE_ONE,        /* one argument of some kinds */
    EXPR_JUDGE_AGGREGATE,
    EXPR_JUDGE_TAKE,
    EXPR_JUDGE_CONCAT,
    EXPR_JUDGE_NOW,
    EXPR_JUDGE_DATE,
    EXPR_JUDGE_GET,
};
enum expr_result { EXPR_RESULT_TYPE, EXPR_RESULT_SAME, EXPR_RESULT_ELEMENT };

/* Kinds of arguments, as bits. */
enum {
    EXPR_KIND_NUMBER = 1, /* by kind: time.Duration is one */
    EXPR_KIND_STRING = 2,
    EXPR_KIND_LIST = 4,
    EXPR_KIND_MAP = 8,
    EXPR_KIND_ANY = 16, /* not known yet: always allowed */
};

enum expr_style {
    EXPR_STYLE_ONE, /* the library gives it one argument whatever it is called with */
    EXPR_STYLE_MANY,
};

/* What a predicate is used for: the tag of its builtin. Those up to FIND_LAST_INDEX want a bool of it. */
enum expr_loop {
    EXPR_LOOP_ALL,
    EXPR_LOOP_NONE,
    EXPR_LOOP_ANY,
    EXPR_LOOP_ONE,
    EXPR_LOOP_FILTER,
    EXPR_LOOP_COUNT,
    EXPR_LOOP_FIND,
    EXPR_LOOP_FIND_INDEX,
    EXPR_LOOP_FIND_LAST,
    EXPR_LOOP_FIND_LAST_INDEX,
    EXPR_LOOP_MAP,
    EXPR_LOOP_SUM,
    EXPR_LOOP_GROUP_BY,
    EXPR_LOOP_SORT_BY,
    EXPR_LOOP_REDUCE,
};

struct expr_builtin {
    struct tph_expr_function function; /* name, native, tag; its params are not used */
    const char *predicate;             /* how arguments are parsed: see parse_primary.c; NULL: as of any function */
    enum expr_judgement judgement;
    enum expr_style style;
    unsigned kinds;
    const char *refusal; /* with one %s: the type */
    enum expr_result result;
    enum tph_expr_type result_type;
    const struct expr_signature *signatures;
    size_t n_signatures;
};
const struct expr_builtin *expr_find_builtin(struct tph_str name);

/* Methods of times, durations, months, weekdays, zones and versions. */
struct expr_method {
    struct tph_expr_function function; /* name, native (args[0] is the receiver), tag */
    struct expr_signature signature;
};
#define EXPR_METHOD(on, method_name, fn, number, params, results) \
    {                                                             \
        {.name = (method_name), .native = (fn), .tag = (number)}, \
        {                                                         \
            (params), (results), (on)                             \
        }                                                         \
    }
#define EXPR_NO_METHOD    \
    {                     \
        {.name = NULL},   \
        {                 \
            NULL, NULL, 0 \
        }                 \
    } /* ends a table */
extern const struct expr_method expr_version_methods[];
extern const struct expr_method expr_version_pointer_methods[]; /* those that only a *semver.Version has */
const struct expr_method *expr_find_method(enum tph_expr_type type, struct tph_str name);

/* A function that an environment with Argo's functions has at its top: NULL for `sprig`. */
const struct tph_expr_function *expr_find_argo(struct tph_str name);
bool expr_is_argo(struct tph_str name); /* one of them, or sprig */
/* Calls add with each name; returns what add returned when that was not 0. */
int expr_list_argo(int (*add)(void *to, struct tph_str name), void *to);
const struct expr_signature *expr_argo_signature(const struct tph_expr_function *function);
