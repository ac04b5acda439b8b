/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

int tph_run_new(const struct tph_json *workflow, const struct tph_run_options *options, struct tph_run **ret_run,
                struct tph_buf *ret_path, struct tph_error *err)
{
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = TPH_NEW(struct tph_run);
    run->options = *options;
    run->arena = tph_arena_new();
    run->scratch = tph_arena_new();
    run->doc = tph_json_doc_new();
    if (tph_spec_compile(workflow, options->compatibility_argo ? TPH_SPEC_ARGO_NUMBERS : 0U, &run->spec, ret_path,
                         err) < 0) {
        return -1;
    }
    tph_globals_begin(run);
    struct tph_str shutdown = tph_json_str(tph_json_path(run->spec->object, "spec", "shutdown", NULL));
    run->shutdown = tph_str_eqz(shutdown, "Stop") ? "Stop" : tph_str_eqz(shutdown, "Terminate") ? "Terminate" : NULL;
    const struct tph_json *status = tph_json_get(run->spec->object, "status");
    if (tph_json_len(status) > 0 && tph_run_restore(run, status, err) < 0) {
        return -1;
    }
    *ret_run = TPH_TAKE(run);
    return 0;
}

void tph_run_free(struct tph_run *run)
{
    if (!run) {
        return;
    }
    for (size_t i = 0; i < run->n_nodes; i++) {
        tph_node_free(run->nodes[i]);
    }
    free(run->nodes);
    free(run->work);
    free(run->dirty);
    free(run->tasks);
    free(run->actions);
    free(run->heap);
    free(run->message);
    tph_map_release(&run->by_id);
    tph_map_release(&run->globals);
    tph_json_doc_free(run->doc);
    tph_arena_free(run->scratch);
    tph_arena_free(run->arena);
    tph_spec_free(run->spec);
    free(run);
}

void tph_run_push(struct tph_run *run, enum work_kind kind, struct node *node)
{
    if (run->n_work == run->work_capacity) {
        run->work_capacity = run->work_capacity ? run->work_capacity * 2 : 64;
        run->work = tph_realloc(run->work, run->work_capacity * sizeof(*run->work));
    }
    run->work[run->n_work++] = (struct work){.kind = kind, .node = node};
}

void tph_run_act(struct tph_run *run, const struct tph_action *action)
{
    if (run->n_tasks == run->tasks_capacity) {
        run->tasks_capacity = run->tasks_capacity ? run->tasks_capacity * 2 : 16;
        run->tasks = tph_realloc(run->tasks, run->tasks_capacity * sizeof(*run->tasks));
    }
    run->tasks[run->n_tasks++] = *action;
}

bool tph_workflow_phase_is_final(enum tph_workflow_phase phase)
{
    return phase == TPH_WORKFLOW_SUCCEEDED || phase == TPH_WORKFLOW_FAILED || phase == TPH_WORKFLOW_ERROR;
}

/* The one function that changes the workflow's phase. */
static void set_phase(struct tph_run *run, enum tph_workflow_phase phase, const char *message)
{
    if (tph_workflow_phase_is_final(run->phase)) {
        return;
    }
    run->phase = phase;
    free(run->message);
    run->message = message && *message ? tph_strdup(message) : NULL;
    run->finished_ms = tph_workflow_phase_is_final(phase) ? run->now_ms : 0;
    run->workflow_changed = true;
}

/* A root that was no template's own failure: Argo speaks of an error of the controller's work. */
static bool is_broken(const struct node *root)
{
    bool own = root->pub.type == TPH_NODE_PLUGIN && root->pub.phase == TPH_NODE_ERROR;
    bool timed_out = root->timed_out && root->run->options.compatibility_argo;
    return root->broken || timed_out || (root->pub.phase == TPH_NODE_ERROR && !own);
}

/* The root is final: so is the workflow. */
static void finish(struct tph_run *run)
{
    const struct tph_node *root = &run->root->pub;
    TPH_CLEANUP(tph_freep) char *message = NULL;
    if (is_broken(run->root)) {
        message = tph_format("error in entry template execution: %.*s", TPH_FMT(root->message));
        set_phase(run, TPH_WORKFLOW_ERROR, message);
        return;
    }
    switch (root->phase) {
    case TPH_NODE_SUCCEEDED:
    case TPH_NODE_SKIPPED:
    case TPH_NODE_OMITTED:
        set_phase(run, TPH_WORKFLOW_SUCCEEDED, NULL);
        break;
    case TPH_NODE_FAILED:
        message = run->shutdown ? tph_format("Stopped with strategy '%s'", run->shutdown) : tph_str_dup(root->message);
        set_phase(run, TPH_WORKFLOW_FAILED, message);
        break;
    case TPH_NODE_ERROR:
        message = tph_str_dup(root->message);
        set_phase(run, TPH_WORKFLOW_ERROR, message);
        break;
    case TPH_NODE_PENDING:
    case TPH_NODE_RUNNING:
    case TPH_NODE_PHASE_COUNT:
        break;
    }
}

static void settle(struct node *node)
{
    if (!node->parent) {
        finish(node->run);
    } else if (node->pub.type == TPH_NODE_STEP_GROUP) {
        tph_steps_group_final(node);
    } else {
        tph_steps_member_final(node);
    }
}

static void work_off(struct tph_run *run)
{
    while (run->n_work > 0) {
        struct work next = run->work[--run->n_work];
        switch (next.kind) {
        case WORK_BEGIN:
            tph_template_ops(next.node->template)->begin(next.node);
            break;
        case WORK_SETTLE:
            settle(next.node);
            break;
        }
    }
}

/* The first time: the root. */
static void start_fresh(struct tph_run *run)
{
    const struct tph_template *t = run->spec->entrypoint;
    const struct template_ops *ops = tph_template_ops(t);
    struct node_kind kind = {.type = ops->node_type, .template = t};
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum dispatched result = DISPATCHED;
    run->started_ms = run->now_ms;
    tph_globals_created(run);
    set_phase(run, TPH_WORKFLOW_RUNNING, NULL);
    run->root = tph_dispatch(run, tph_arena_strdup(run->arena, run->spec->name), &kind, NULL, &problem, &result);
    run->root->broken = result != DISPATCHED;
    if (result == DISPATCHED && ops->begin) {
        tph_run_push(run, WORK_BEGIN, run->root);
    }
}

static bool is_live_leaf(const struct node *node)
{
    return node->pub.type == TPH_NODE_PLUGIN && !tph_node_phase_is_final(node->pub.phase);
}

/* After a restart: what was under way is sent again. */
static void start_again(struct tph_run *run)
{
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        if (is_live_leaf(node)) {
            tph_leaf_start_again(node);
        } else if (!tph_node_phase_is_final(node->pub.phase)) {
            tph_steps_start_again(node);
        }
    }
    run->waiting_ms = 0; /* whoever waited is gone */
}

/* Every leaf that is not final ends with this message; new work that follows from it is not yet there. */
static void end_leaves(struct tph_run *run, const char *message, bool pending_only)
{
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        if (is_live_leaf(node) && (!pending_only || node->pub.phase == TPH_NODE_PENDING)) {
            tph_leaf_end(node, message);
        }
    }
}

static void end_stopped(struct tph_run *run)
{
    TPH_CLEANUP(tph_freep) char *message = tph_format("Stopped with strategy '%s'", run->shutdown);
    end_leaves(run, message, false);
}

static void shut_down(struct tph_run *run, const char *strategy)
{
    if (run->shutdown && strcmp(run->shutdown, strategy) == 0) {
        return;
    }
    run->shutdown = strategy;
    run->workflow_changed = true;
    end_stopped(run);
}

/* From the stored whole second, so that a restored run agrees. */
int64_t tph_run_deadline_ms(const struct tph_run *run)
{
    bool none = run->spec->deadline_s < 0 || tph_workflow_phase_is_final(run->phase) || run->started_ms == 0;
    return none ? 0 : (run->started_ms / 1000 + run->spec->deadline_s) * 1000;
}

/* Argo lets nodes run on that have answered Running. */
static void check_deadlines(struct tph_run *run)
{
    int64_t whole_ms = tph_run_deadline_ms(run);
    if (whole_ms > 0 && run->now_ms >= whole_ms) {
        end_leaves(run, "Step exceeded its deadline", run->options.compatibility_argo);
    }
    for (struct node *n = tph_node_next_deadline(run); n && n->deadline_ms <= run->now_ms;
         n = tph_node_next_deadline(run)) {
        tph_leaf_expire(n);
    }
}

static void start(struct tph_run *run)
{
    if (run->root) {
        start_again(run);
        return;
    }
    start_fresh(run);
    if (run->shutdown) {
        work_off(run);
        run->second_pass = true;
        end_stopped(run);
    }
}

static void reply(struct tph_run *run, const struct tph_event *event)
{
    struct node *node = tph_map_get(&run->by_id, event->node_id);
    if (node && is_live_leaf(node) && node->pub.attempt == event->attempt) {
        tph_leaf_reply(node, event->result);
    }
}

static void handle(struct tph_run *run, const struct tph_event *event)
{
    if (!run->root && event->kind != TPH_EVENT_START) {
        return; /* nothing has begun that could change */
    }
    switch (event->kind) {
    case TPH_EVENT_START:
        start(run);
        break;
    case TPH_EVENT_REPLY:
        reply(run, event);
        break;
    case TPH_EVENT_STOP:
        shut_down(run, "Stop");
        break;
    case TPH_EVENT_TERMINATE:
        shut_down(run, "Terminate");
        break;
    case TPH_EVENT_TIMER:
    case TPH_EVENT_COUNT:
        break;
    }
}

static int64_t next_wait_ms(const struct tph_run *run)
{
    const struct node *n = tph_node_next_deadline(run);
    int64_t whole_ms = tph_run_deadline_ms(run);
    whole_ms = whole_ms > run->now_ms ? whole_ms : 0; /* what could end at it has ended */
    int64_t soonest = n ? n->deadline_ms : 0;
    return whole_ms > 0 && (soonest == 0 || whole_ms < soonest) ? whole_ms : soonest;
}

/* What the controller does, in the order in which it must be done: durable first, then act. */
static void collect_actions(struct tph_run *run, struct tph_actions *ret_actions)
{
    size_t most = run->n_dirty + run->n_tasks + 3;
    if (most > run->actions_capacity) {
        run->actions_capacity = most + most / 4;
        run->actions = tph_realloc(run->actions, run->actions_capacity * sizeof(*run->actions));
    }
    size_t n = 0;
    for (size_t i = 0; i < run->n_dirty; i++) {
        run->dirty[i]->dirty = false;
        tph_node_write_progress(run->dirty[i]);
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_NODE, .node = &run->dirty[i]->pub};
    }
    if (run->workflow_changed) {
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_WORKFLOW};
    }
    for (size_t i = 0; i < run->n_tasks; i++) {
        /* Begun and ended in one event: nobody needs to hear of it. */
        bool dead = run->tasks[i].kind == TPH_ACTION_START_TASK && tph_node_phase_is_final(run->tasks[i].node->phase);
        if (!dead) {
            run->actions[n++] = run->tasks[i];
        }
    }
    int64_t wait_ms = tph_workflow_phase_is_final(run->phase) ? 0 : next_wait_ms(run);
    if (wait_ms != run->waiting_ms) {
        run->waiting_ms = wait_ms;
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_WAIT_UNTIL, .time_ms = wait_ms};
    }
    if (tph_workflow_phase_is_final(run->phase) && run->workflow_changed) {
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_FINISHED};
    }
    *ret_actions = (struct tph_actions){.list = run->actions, .n = n};
}

/* What the last apply returned is not needed any more; room for a whole fan-out is not kept for single replies. */
static void forget_actions(struct tph_run *run)
{
    enum { KEPT = 1024 };
    run->n_dirty = 0;
    run->n_tasks = 0;
    if (run->actions_capacity > KEPT) {
        free(TPH_TAKE(run->actions));
        free(TPH_TAKE(run->tasks));
        free(TPH_TAKE(run->dirty));
        run->actions_capacity = 0;
        run->tasks_capacity = 0;
        run->dirty_capacity = 0;
    }
    if (tph_arena_used(run->scratch) > 0) {
        tph_arena_free(run->scratch);
        run->scratch = tph_arena_new();
    }
}

void tph_run_apply(struct tph_run *run, const struct tph_event *event, int64_t now_ms, struct tph_actions *ret_actions)
{
    run->now_ms = now_ms;
    run->workflow_changed = false;
    forget_actions(run);
    if (!tph_workflow_phase_is_final(run->phase)) {
        bool fresh = !run->root;
        handle(run, event);
        work_off(run);
        /* A deadline that lies in the past at once ends what was begun just now. */
        bool before = run->n_tasks > 0;
        check_deadlines(run);
        bool ended = before && run->n_work > 0;
        work_off(run);
        run->second_pass = run->second_pass || ended || (!fresh && run->n_dirty > 0);
    }
    collect_actions(run, ret_actions);
}

enum tph_workflow_phase tph_run_phase(const struct tph_run *run)
{
    return run->phase;
}

struct tph_str tph_run_message(const struct tph_run *run)
{
    return tph_str(run->message);
}

struct tph_str tph_run_progress(const struct tph_run *run)
{
    return run->root ? run->root->pub.progress : TPH_STR_NONE;
}

const struct tph_node *tph_run_root(const struct tph_run *run)
{
    return run->root ? &run->root->pub : NULL;
}

size_t tph_run_n_nodes(const struct tph_run *run)
{
    return run->n_nodes;
}

const struct tph_node *tph_run_node_at(const struct tph_run *run, size_t index)
{
    return &run->nodes[index]->pub;
}
