/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/expr: one evaluation. Errors are told at `at`, which the evaluator sets before it leaves its own code.
 */
#pragma once

#include "expr/builtin.h"
#include "expr/convert.h"
#include "expr/internal.h"

struct expr_loop_state { /* a predicate's list */
    struct tph_expr_value list;
    int64_t n;
    int64_t index;
    struct tph_expr_value acc;
    struct expr_loop_state *outer;
};

struct tph_expr_run {
    struct tph_expr *expr;
    const struct tph_expr_env *env;
    struct tph_expr_memory *memory;
    struct expr_problem problem;
    size_t at;
    struct tph_expr_value *slots;
    struct expr_loop_state *loop;
    uint64_t steps;
    uint64_t budget; /* elements made */
    uint64_t random;
    size_t chains;    /* ?. in each other */
    bool chain_ended; /* a ?. met nil: what is behind it is left out, up to its CHAIN */
};

struct tph_expr_scope {
    const struct tph_expr_env *env;
    struct tph_str path; /* empty: the whole environment */
    bool is_sprig;
};

struct tph_expr_bound {
    const struct expr_method *method;
    struct tph_expr_value receiver;
};

int expr_fail(struct tph_expr_run *run, const char *format, ...) TPH_PRINTF(2, 3);
int expr_work(struct tph_expr_run *run, uint64_t rounds) TPH_MUST_CHECK;
int expr_charge(struct tph_expr_run *run, uint64_t elements) TPH_MUST_CHECK; /* the library's memory budget */

int expr_eval(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_eval_call(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_eval_builtin(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
    TPH_MUST_CHECK;
int expr_eval_loop(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_eval_binary(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret) TPH_MUST_CHECK;

/* Names (scope.c). A SCOPE becomes a map with all that is below it. */
int expr_load(struct tph_expr_run *run, struct tph_str name, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_load_path(struct tph_expr_run *run, struct tph_str path, bool *ret_found, struct tph_expr_value *ret)
    TPH_MUST_CHECK;
struct tph_expr_value *expr_force(struct tph_expr_run *run, struct tph_expr_value *value)
    TPH_MUST_CHECK; /* NULL: failed */
int expr_scope_member(struct tph_expr_run *run, const struct tph_expr_scope *scope, struct tph_str name,
                      bool *ret_found, struct tph_expr_value *ret) TPH_MUST_CHECK;

/* Members and elements (access.c). */
int expr_fetch(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value key,
               struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_slice(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value low,
               struct tph_expr_value high, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_in(struct tph_expr_run *run, struct tph_expr_value needle, struct tph_expr_value in, bool *ret) TPH_MUST_CHECK;
/* reflect's Map.MapIndex: -1 when the key's type is not that of the keys. *ret is NULL when there is none. */
int expr_map_index(struct tph_expr_run *run, struct tph_expr_value map, struct tph_expr_value key,
                   const struct tph_expr_value **ret) TPH_MUST_CHECK;
/* Operators follow pointers: a *time.Location is a time.Location to them. */
void expr_deref(struct tph_expr_value *value);
bool expr_is_nil(struct tph_expr_value value);              /* nil, and nil lists, maps, functions */
int expr_length(struct tph_expr_value value, int64_t *ret); /* lists, texts (bytes), maps; -1: has none */
struct tph_expr_value expr_item(struct tph_expr_value list, int64_t index);

/* Operators (operator.c). */
int expr_binary(struct tph_expr_run *run, enum expr_op op, struct tph_expr_value a, struct tph_expr_value b,
                struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_negate(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_less(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value b, bool *ret) TPH_MUST_CHECK;
int expr_equal(struct tph_expr_run *run, struct tph_expr_value a, struct tph_expr_value b, bool *ret) TPH_MUST_CHECK;
int expr_to_int(struct tph_expr_run *run, struct tph_expr_value a, int64_t *ret) TPH_MUST_CHECK;
double expr_to_double(struct tph_expr_value a);     /* of a number */
int64_t expr_double_to_int(double value);           /* as Go on amd64: what does not fit is the smallest int */
double expr_power(double x, double y);              /* Go's math.Pow */
bool expr_is_plain_number(enum tph_expr_type type); /* Go's own numeric types: no durations, months, weekdays */

/* Sorts values, and with them others beside them (may be NULL), as Go's sort.Sort leaves them. */
int expr_sort(struct tph_expr_run *run, struct tph_expr_value *values, struct tph_expr_value *beside, size_t n,
              bool down) TPH_MUST_CHECK;

void expr_print_integer(const struct tph_expr_value *value, struct tph_buf *out);

/* "interface conversion: interface {} is int, not string". Returns -1. */
int expr_wrong_type(struct tph_expr_run *run, struct tph_expr_value value, const char *wanted);
