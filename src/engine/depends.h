/* SPDX-License-Identifier: Apache-2.0 */
/* What a task waits for: `depends`, or `dependencies`, as a program over what became of other tasks.
 *
 * A word of letters, digits and hyphens names a task; TASK.Result asks for one result, a bare TASK for
 * (TASK.Succeeded || TASK.Skipped || TASK.Daemoned), and for Errored or Failed too where that task's continueOn says
 * so. What comes of that, the logic, is an expression in Argo's expression language, hyphens read as underscores;
 * of it there is here all that makes sense of truth values: && || ! == != ?: ?? ; and parentheses. Other expressions
 * have a fault. Compiled once per template, decided when every task named is settled. Pure; the program lives in
 * the caller's arena. Ceiling: TPH_LIMIT_DEPENDS_DEPTH. Source: argo 2.4; reference data depends.jsonl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "engine/node.h"

/* What became of a task. Of a loop's group: whether one of its items went well, or all of them failed. */
struct tph_depends_fact {
    enum tph_node_phase phase;
    bool any_succeeded, all_failed;
    bool daemoned; /* it runs on beside the others, and is no longer Pending */
};
typedef struct tph_depends_fact tph_depends_ask(void *owner, size_t task);

/* The tasks of a DAG, by name. */
struct tph_depends_task {
    size_t index;
    bool continue_on_error, continue_on_failed;
};
/* NULL: there is no task of that name. result: the word after the name; empty = none. */
typedef const struct tph_depends_task *tph_depends_find(void *owner, struct tph_str name, struct tph_str result);

struct tph_depends {
    struct tph_str logic; /* with bare names written out */
    const size_t *tasks;  /* those named, each once, in the order of the text */
    size_t n_tasks;
    const struct tph_depends_op *ops;
    size_t n_ops;
    const char *fault;           /* the logic is no condition: why, in Argo's words; NULL = good */
    struct tph_str no_result;    /* the first result asked for that is none; empty = all are */
    struct tph_str no_result_of; /* the task it was asked of */
};

/* Returns 0; or -1 with the problem: a task that does not exist. A text that is no condition is told when it is
 * decided, as in Argo. */
int tph_depends_compile(struct tph_str depends, tph_depends_find *find, void *owner, struct tph_arena *arena,
                        const struct tph_depends **ret_depends, struct tph_buf *problem) TPH_MUST_CHECK;

/* Whether the task is to run. Returns 0, or -1 with the problem in Argo's words. */
int tph_depends_decide(const struct tph_depends *depends, tph_depends_ask *ask, void *owner, bool *ret_run,
                       struct tph_buf *problem) TPH_MUST_CHECK;
