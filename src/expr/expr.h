/* SPDX-License-Identifier: Apache-2.0 */
/* The expression language of Argo: expr-lang 1.17.8 with asInt, asFloat, jsonpath, toJson and sprig.
 *
 * An expression is read once and evaluated many times. What is read depends on the environment: a name that is not
 * there, or whose type does not fit, is an error before anything is evaluated, and names hide functions of the
 * language. So an expression remembers which names with which types it was compiled for, and is compiled again when the
 * next environment differs in one of them; with the same kind of environment nothing is done twice.
 *
 * The environment is asked for dotted names while the expression runs, nothing is copied before. Values are Go's
 * (expr/value.h), error texts are the library's, with its "(line:column)" and pointer line.
 * Ceilings: TPH_LIMIT_EXPR (bytes of the text), _NODES, _DEPTH, and for one evaluation _STEPS, _BUDGET (elements made)
 * and _MEMORY. One expression must not be used by two threads at once. No clock, no files: `now` and time zones come
 * with the environment. Source: argo.md 2.6; reference data expr.jsonl, sprig.jsonl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "expr/value.h"

/* An environment: the variables, under dotted names like "inputs.parameters.message". */
enum tph_expr_found {
    TPH_EXPR_NOT_FOUND,
    TPH_EXPR_FOUND_VALUE,
    TPH_EXPR_FOUND_BRANCH, /* there are names that begin with this one and a dot; wins over a value of its own */
};

struct tph_expr_env {
    /* What stands under a dotted name. *ret is set for a value only; what it points to must live until the evaluation's
     * memory is released: the environment's own, or taken from memory. A value may be nil, and may be a map or list
     * whose members are then found by the language. memory NULL: only the type of the value counts. */
    enum tph_expr_found (*find)(void *owner, struct tph_str name, struct tph_expr_memory *memory,
                                struct tph_expr_value *ret);
    /* Calls add once for each part that may follow "name." (name empty: for each first part). Needed when an expression
     * takes a whole branch as a map. Returns what add returned when that was not 0. */
    int (*list)(void *owner, struct tph_str name, int (*add)(void *to, struct tph_str part), void *to);
    /* The bytes of a compiled time zone (TZif) by its name: tph_zone_read_file. -1: there is none. NULL: only UTC. */
    int (*read_zone)(struct tph_str name, struct tph_buf *bytes);
    void *owner;
    int64_t now_ns; /* now(): nanoseconds since 1970 */
    uint64_t seed;  /* of random functions */
    bool is_plain;  /* only the language: no asInt, asFloat, jsonpath, toJson, sprig (http successCondition) */
};

struct tph_expr;

/* The text is copied. Nothing is read yet, so nothing can fail. */
struct tph_expr *tph_expr_new(struct tph_str text) TPH_MUST_CHECK;
void tph_expr_free(struct tph_expr *expr);
TPH_DEFINE_CLEANUP(struct tph_expr, tph_expr_free);

struct tph_str tph_expr_text(const struct tph_expr *expr);

/* Reads and checks the expression for such an environment. Returns 0, or -1 with the library's words appended to
 * problem. Cheap when it was done for a like environment before. */
int tph_expr_compile(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_buf *problem) TPH_MUST_CHECK;

/* Compiles if it must, and evaluates. The value lives in memory, in the environment and in the expression: release
 * memory (tph_expr_memory_release) when done with it. Returns 0, or -1 with the library's words appended to problem.
 *   TPH_CLEANUP(tph_expr_memory_release) struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
 */
int tph_expr_evaluate(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_expr_memory *memory,
                      struct tph_expr_value *ret, struct tph_buf *problem) TPH_MUST_CHECK;

/* Argo's EvalBool: conditions of hooks, retries and http templates. Its words in problem: `unable to evaluate
 * expression 'X': ...`, `unable to cast expression result '%!s(int=1)' to bool`. */
int tph_expr_decide(struct tph_expr *expr, const struct tph_expr_env *env, bool *ret, struct tph_buf *problem)
    TPH_MUST_CHECK;

/* The names and member paths that an expression refers to (`steps`, `steps.a`, `steps.a.status`), as Argo collects them
 * to tell what is missing: in the order of evaluation, each once. Those that ?? or ?. guard are marked. Names of `let`
 * are among them, as they are in Argo. Returns 0, or -1 with the problem when the text cannot be read. */
struct tph_expr_reference {
    struct tph_str path;
    bool is_guarded;
};
int tph_expr_references(struct tph_expr *expr, const struct tph_expr_reference **ret, size_t *ret_n,
                        struct tph_buf *problem) TPH_MUST_CHECK;

/* Whether a reference is there: a name of the environment or a function, or a member of a value in it. nil counts. */
bool tph_expr_has(const struct tph_expr_env *env, struct tph_str path);

/* A small environment of its own: names with values, for scopes that are made for one purpose. Names and what values
 * point to are borrowed. Names may be dotted; where one begins with another and a dot, the longer ones count. */
struct tph_expr_flat;
struct tph_expr_flat *tph_expr_flat_new(void) TPH_MUST_CHECK;
void tph_expr_flat_free(struct tph_expr_flat *flat);
TPH_DEFINE_CLEANUP(struct tph_expr_flat, tph_expr_flat_free);
void tph_expr_flat_set(struct tph_expr_flat *flat, struct tph_str name, struct tph_expr_value value);
/* An environment that asks flat; the rest of it is zero. flat must not change while it is used. */
struct tph_expr_env tph_expr_flat_env(struct tph_expr_flat *flat);
