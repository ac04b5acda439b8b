/* SPDX-License-Identifier: Apache-2.0 */
/* How many may run at a time: a template's parallelism, the workflow's, and failFast. Source: argo 2.9.
 *
 * What may not begin yet is not made. Whoever wanted to make it (a group, a loop of a DAG, a DAG) is kept in
 * run->blocked and asked again when something ended. */
#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

/* Argo counts pods, steps and DAGs; plugins and HTTP calls, which are what runs here, it does not. */
static bool counts(const struct node *node)
{
    enum tph_node_type type = node->pub.type;
    bool leaf = type == TPH_NODE_PLUGIN || type == TPH_NODE_HTTP;
    bool inner = type == TPH_NODE_STEPS || type == TPH_NODE_DAG;
    return inner || (leaf && !tph_run_compat(node->run, TPH_COMPAT_PARALLELISM));
}

static bool is_leaf(const struct node *node)
{
    return node->pub.type == TPH_NODE_PLUGIN || node->pub.type == TPH_NODE_HTTP;
}

void tph_parallel_made(struct node *node)
{
    struct node *boundary = tph_node_boundary(node);
    if (boundary && counts(node)) {
        boundary->running++;
    }
    node->run->n_leaves += is_leaf(node) ? 1 : 0;
}

/* Whether failFast hears of it. For Argo a failed attempt that is tried again counts, too, and so does a hook. */
static bool is_failure(const struct node *node)
{
    bool own = node->role == ROLE_MEMBER && (counts(node) || node->pub.type == TPH_NODE_RETRY);
    return tph_node_failed(node) && (tph_run_compat(node->run, TPH_COMPAT_RETRIES) ? counts(node) : own);
}

void tph_parallel_final(struct node *node)
{
    struct tph_run *run = node->run;
    struct node *boundary = tph_node_boundary(node);
    if (boundary && counts(node)) {
        boundary->running--;
    }
    if (boundary && is_failure(node)) {
        boundary->has_failed = true;
    }
    run->n_leaves -= is_leaf(node) ? 1 : 0;
    if (run->n_blocked > 0) {
        tph_run_push(run, WORK_ROOM, NULL);
    }
}

/* The boundary in whose template the members of a group, loop or DAG stand. */
static const struct node *boundary_of(const struct node *parent)
{
    return parent->pub.type == TPH_NODE_DAG ? parent : tph_node_boundary(parent);
}

bool tph_parallel_gives_up(const struct node *parent)
{
    const struct node *boundary = boundary_of(parent);
    return boundary->template->fail_fast && boundary->has_failed;
}

bool tph_parallel_may_begin(const struct node *parent, const struct tph_template *t)
{
    const struct tph_run *run = parent->run;
    const struct node *boundary = boundary_of(parent);
    int64_t limit = boundary->template->parallelism;
    bool leaf = t && (t->type == TPH_TEMPLATE_PLUGIN || t->type == TPH_TEMPLATE_HTTP);
    int64_t all = tph_run_compat(run, TPH_COMPAT_PARALLELISM) ? 0 : run->spec->parallelism;
    return (limit <= 0 || (int64_t)boundary->running < limit) && !(leaf && all > 0 && (int64_t)run->n_leaves >= all);
}

void tph_parallel_block(struct node *parent)
{
    struct tph_run *run = parent->run;
    if (parent->blocked) {
        return;
    }
    parent->blocked = true;
    if (run->n_blocked == run->blocked_capacity) {
        run->blocked_capacity = run->blocked_capacity ? run->blocked_capacity * 2 : 16;
        run->blocked = tph_realloc(run->blocked, run->blocked_capacity * sizeof(struct node *));
    }
    run->blocked[run->n_blocked++] = parent;
}

void tph_parallel_forget_blocked(struct tph_run *run)
{
    for (size_t i = 0; i < run->n_blocked; i++) {
        run->blocked[i]->blocked = false;
    }
    run->n_blocked = 0;
}

/* Each goes on as far as there is room, in the order in which they came; after a restart in that of the tree. */
void tph_parallel_room(struct tph_run *run)
{
    size_t n = run->n_blocked;
    if (n == 0) {
        return;
    }
    TPH_CLEANUP(tph_freep) struct node **waiting = tph_calloc(n, sizeof(*waiting));
    for (size_t i = 0; i < n; i++) {
        waiting[i] = run->blocked[i];
        waiting[i]->blocked = false;
    }
    run->n_blocked = 0;
    for (size_t i = 0; i < n; i++) {
        if (waiting[i]->pub.type == TPH_NODE_STEP_GROUP) {
            tph_steps_make_more(waiting[i]);
        } else if (waiting[i]->pub.type == TPH_NODE_TASK_GROUP) {
            tph_dag_make_items(waiting[i]);
        } else {
            tph_dag_try_queue(waiting[i]);
        }
    }
}
