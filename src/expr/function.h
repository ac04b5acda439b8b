/* SPDX-License-Identifier: Apache-2.0 */
/* Native functions of expressions: how they are declared, called and fail.
 *
 * A family of functions is one table, static const, in a file of its own (sprig_strings.c, ...):
 *
 *     static int fn_repeat(struct tph_expr_call *call, struct tph_expr_value *ret) { ... }
 *     const struct tph_expr_function expr_sprig_strings[] = {
 *         {.name = "repeat", .native = fn_repeat, .params = "is", .result = TPH_EXPR_STRING},
 *         ...
 *         {.name = NULL},
 *     };
 *
 * and stands with its name in the list of tables in expr/sprig.c, which looks functions up by name.
 *
 * The evaluator checks number and types of arguments against `params` before it calls, as Go's reflect does and in its
 * words (`reflect: Call using int as type string`), so that a native function finds what it declared. Types must be the
 * same, not alike: an int64 is no int, a time.Month is no int. One letter a parameter, Go's static type:
 *
 *     a  interface {}   any value, nil too            l  []interface {}
 *     s  string                                       m  map[string]interface {}
 *     b  bool                                         t  time.Time
 *     i  int                                          d  time.Duration
 *     I  int64                                        S  []string
 *     f  float64                                      B  []uint8
 *
 * A nil for a typed parameter arrives as that type's zero value: "" for s, 0, false, an empty list (nil: no items), a
 * map that is NULL (reading it is fine, it has nothing; Go panics on writing: `assignment to entry in nil map`), the
 * time 0001-01-01.
 *
 * A * after the last letter makes that one variadic (`func(d string, v ...interface{})` is "sa*"): none or more.
 *
 * No argument is, or holds, a SCOPE: those are made maps before. Arguments and whatever they point to are read only;
 * but for maps, which a function may change where Go's does. The result may share them. It is written on success only.
 * Memory for it: call->memory (expr/value.h). A failure is `return tph_expr_fail(call, "...")`: the text is what Go's
 * error says, or for a panic what Go's runtime says (`runtime error: integer divide by zero`); position and source line
 * are added by the evaluator. A -1 from something that allocates is passed on as it is. Work without end is not
 * possible through the ceiling for memory alone: a loop that allocates nothing and whose length an argument decides
 * calls tph_expr_work for its rounds. No clock and no randomness but those of the call: the same call gives the same
 * result.
 */
#pragma once

#include <stdint.h>

#include "expr/value.h"

struct tph_expr_run; /* one evaluation; private to src/expr */

struct tph_expr_call {
    struct tph_expr_run *run;
    struct tph_expr_memory *memory;
    const struct tph_expr_value *args;
    size_t n_args;
    const struct tph_expr_function *function; /* the row that is called: one native may serve several names */
};

typedef int tph_expr_native(struct tph_expr_call *call, struct tph_expr_value *ret);

struct tph_expr_function {
    const char *name; /* NULL ends a table */
    tph_expr_native *native;
    const char *params; /* see above; NULL: anything, the function looks itself */
    enum tph_expr_type
        result; /* the static type that Go declares for it (ANY: interface {}), for `%T` of the function */
    int tag;    /* free for the native: which of the names that share it */
};

/* Says why, in Go's words; at most 2 KiB of it. Returns -1. */
int tph_expr_fail(struct tph_expr_call *call, const char *format, ...) TPH_PRINTF(2, 3);

/* Counts rounds of work against TPH_LIMIT_EXPR_STEPS; -1 when that is reached, with the error set. */
int tph_expr_work(struct tph_expr_call *call, uint64_t rounds) TPH_MUST_CHECK;

/* The time of the evaluation: nanoseconds since 1970. */
int64_t tph_expr_now(const struct tph_expr_call *call);

/* The next number of the evaluation's own sequence (seeded by who evaluates); good enough for secrets when the seed is.
 */
uint64_t tph_expr_random(struct tph_expr_call *call);
