/* SPDX-License-Identifier: Apache-2.0 */
/* How a workflow ends: by its root and its exit handler, by a deadline, stopped or terminated. Source: argo 2.12, 2.14.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

int64_t tph_run_deadline_ms(const struct tph_run *run)
{
    bool none = run->spec->deadline_s < 0 || tph_workflow_phase_is_final(run->phase) || run->started_ms == 0;
    return none ? 0 : tph_run_since(run, run->started_ms, run->unknown_ms) + run->spec->deadline_s * 1000;
}

/* What ends from outside: leaves that run, people that are waited for, pauses between attempts. */
static bool is_ended_by(const struct node *node, bool stop)
{
    if (tph_node_phase_is_final(node->pub.phase)) {
        return false;
    }
    bool paused = (node->pub.type == TPH_NODE_RETRY && node->deadline_ms != 0) || node->waits_for.p;
    bool ends = tph_leaf_is_live(node) || node->pub.type == TPH_NODE_SUSPEND || paused;
    return ends && !(stop && tph_node_in_exit_handler(node));
}

static void end_node(struct node *node, const char *message)
{
    if (tph_leaf_is_live(node)) {
        tph_leaf_end(node, message);
    } else {
        tph_node_set_phase(node, TPH_NODE_FAILED, message);
    }
}

void tph_run_end_stopped(struct tph_run *run)
{
    bool stop = strcmp(run->shutdown, "Stop") == 0;
    TPH_CLEANUP(tph_freep) char *message = tph_format("Stopped with strategy '%s'", run->shutdown);
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        if (is_ended_by(node, stop)) {
            end_node(node, message);
        }
    }
}

static bool is_below(const struct node *node, const struct node *top)
{
    while (node && node != top) {
        node = node->parent;
    }
    return node != NULL;
}

void tph_run_end_below(struct node *node, const char *message)
{
    for (struct node *n = tph_node_next(node); n && is_below(n, node); n = tph_node_next(n)) {
        if (!tph_node_phase_is_final(n->pub.phase)) { /* what is around leaves, too: it may not have begun yet */
            end_node(n, message);
        }
    }
}

void tph_run_end_if_stopped(struct node *leaf)
{
    struct tph_run *run = leaf->run;
    TPH_CLEANUP(tph_freep) char *message = tph_format("Stopped with strategy '%s'", run->shutdown);
    if (is_ended_by(leaf, strcmp(run->shutdown, "Stop") == 0)) {
        run->second_pass = true; /* Argo sees it at its second look */
        end_node(leaf, message);
    }
}

void tph_run_shut_down(struct tph_run *run, const char *strategy)
{
    if (run->shutdown && strcmp(run->shutdown, strategy) == 0) {
        return;
    }
    run->shutdown = strategy;
    run->suspended = run->suspended && tph_run_compat(run, TPH_COMPAT_SHUTDOWN); /* what is suspended ends, too */
    run->workflow_changed = true;
    tph_run_end_stopped(run);
}

void tph_run_end_refused(struct tph_run *run, struct tph_str message)
{
    TPH_CLEANUP(tph_freep) char *text = tph_str_dup(message);
    if (tph_workflow_phase_is_final(run->phase)) {
        run->phase = TPH_WORKFLOW_RUNNING; /* for those who read the object it is */
    }
    tph_run_set_phase(run, TPH_WORKFLOW_ERROR, text);
    if (tph_run_compat(run, TPH_COMPAT_SHUTDOWN)) {
        return;
    }
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        if (tph_leaf_is_live(node)) {
            tph_leaf_end(node, text);
        } else if (!tph_node_phase_is_final(node->pub.phase)) {
            tph_node_set_phase(node, TPH_NODE_ERROR, text);
        }
    }
    run->n_work = 0; /* nothing follows from that: the workflow is over */
}

/* Argo lets nodes run on that have answered Running. */
static void end_late(struct tph_run *run)
{
    bool argo = tph_run_compat(run, TPH_COMPAT_TIMEOUTS);
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        bool suspended = node->pub.type == TPH_NODE_SUSPEND;
        if (is_ended_by(node, true) && (suspended || !argo || node->pub.phase == TPH_NODE_PENDING)) {
            end_node(node, "Step exceeded its deadline");
        }
    }
}

static void expire(struct node *node)
{
    switch (node->pub.type) {
    case TPH_NODE_SUSPEND:
        tph_suspend_expire(node);
        break;
    case TPH_NODE_RETRY:
        tph_retry_expire(node);
        break;
    case TPH_NODE_PLUGIN:
    case TPH_NODE_HTTP:
        tph_leaf_expire(node);
        break;
    case TPH_NODE_STEPS:
    case TPH_NODE_STEP_GROUP:
    case TPH_NODE_DAG:
    case TPH_NODE_TASK_GROUP:
    case TPH_NODE_SKIP:
    case TPH_NODE_TYPE_COUNT:
        break;
    }
}

bool tph_run_check_deadlines(struct tph_run *run)
{
    int64_t whole_ms = tph_run_deadline_ms(run);
    struct node *next = tph_node_next_deadline(run);
    if (whole_ms > 0 && run->now_ms >= whole_ms) {
        end_late(run);
    }
    if (run->begun_late) { /* behind a continueOn, or in an exit handler that is let run */
        run->begun_late = false;
        tph_run_end_stopped(run);
    }
    if (next && next->deadline_ms <= run->now_ms) {
        expire(next);
    }
    return run->n_work > 0 && !run->suspended;
}

/* A root that was no template's own failure: Argo speaks of an error of the controller's work. */
static bool is_broken(const struct node *root)
{
    bool leaf = root->pub.type == TPH_NODE_PLUGIN || root->pub.type == TPH_NODE_HTTP ||
                root->pub.type == TPH_NODE_RETRY || root->pub.type == TPH_NODE_DAG;
    bool timed_out =
        root->timed_out && root->pub.type != TPH_NODE_RETRY && tph_run_compat(root->run, TPH_COMPAT_TIMEOUTS);
    return root->broken || timed_out || (root->pub.phase == TPH_NODE_ERROR && !leaf);
}

/* The exit handler of the workflow, where there is one. */
static const struct node *exit_node(const struct tph_run *run)
{
    bool has = run->root->hooks && run->spec->n_hooks > 0 && run->spec->hooks[0].is_exit;
    return has ? run->root->hooks[0] : NULL;
}

static enum tph_workflow_phase workflow_phase_of(const struct node *node)
{
    switch (node->pub.phase) {
    case TPH_NODE_FAILED:
        return TPH_WORKFLOW_FAILED;
    case TPH_NODE_ERROR:
        return TPH_WORKFLOW_ERROR;
    case TPH_NODE_SUCCEEDED:
    case TPH_NODE_SKIPPED:
    case TPH_NODE_OMITTED:
    case TPH_NODE_PENDING:
    case TPH_NODE_RUNNING:
    case TPH_NODE_PHASE_COUNT:
        break;
    }
    return TPH_WORKFLOW_SUCCEEDED;
}

void tph_run_root_settled(struct tph_run *run)
{
    const struct node *root = run->root;
    const struct node *handler = exit_node(run);
    TPH_CLEANUP(tph_freep) char *message = NULL;
    if (is_broken(root)) {
        message = tph_format("error in entry template execution: %.*s", TPH_FMT(root->pub.message));
        tph_run_set_phase(run, TPH_WORKFLOW_ERROR, message);
    } else if (root->pub.phase == TPH_NODE_FAILED && run->shutdown) {
        message = tph_format("Stopped with strategy '%s'", run->shutdown);
        tph_run_set_phase(run, TPH_WORKFLOW_FAILED, message);
    } else if (tph_node_failed(root)) {
        message = tph_str_dup(root->pub.message);
        tph_run_set_phase(run, workflow_phase_of(root), message);
    } else if (handler && tph_node_failed(handler)) {
        message = handler->broken ? tph_format("error in exit template execution : %.*s", TPH_FMT(handler->pub.message))
                                  : tph_str_dup(handler->pub.message);
        tph_run_set_phase(run, workflow_phase_of(handler), message);
    } else {
        tph_run_set_phase(run, TPH_WORKFLOW_SUCCEEDED, NULL);
    }
}
