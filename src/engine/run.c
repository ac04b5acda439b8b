/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/time.h"
#include "engine/locks.h"
#include "engine/run_internal.h"

static int load_late_parameters(struct tph_run *run, struct tph_error *err)
{
    for (const struct tph_late_parameter *late = run->spec->late_parameters; late; late = late->next) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
        if (tph_config_map_value(run, late->config_map, late->key, &value, &problem) < 0 &&
            !(late->fallback && tph_anystring(late->fallback, &value))) {
            return tph_error_set(err, TPH_ERROR_NOT_FOUND,
                                 "failed to set global parameters: failed to set global parameter %.*s from configmap "
                                 "with name %.*s and key %.*s: %s",
                                 TPH_FMT(late->name), TPH_FMT(late->config_map), TPH_FMT(late->key),
                                 tph_buf_cstr(&problem));
        }
        struct tph_str *text = tph_map_get(&run->spec->parameters, late->name);
        *text = tph_arena_str(run->arena, tph_buf_str(&value));
    }
    return 0;
}

static int compile(const struct tph_json *workflow, struct tph_run *run, struct tph_buf *ret_path,
                   struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    const struct tph_json *whole = workflow;
    if (tph_run_needs_merge(workflow, &run->options)) {
        struct tph_json *merged = NULL;
        doc = tph_json_doc_new();
        if (tph_run_merge(doc, workflow, &run->options, &merged, err) < 0) {
            return -1;
        }
        whole = merged;
    }
    unsigned flags = tph_run_compat(run, TPH_COMPAT_TEXTS) ? (unsigned)TPH_SPEC_ARGO : 0U;
    return tph_spec_compile(whole, &run->options, flags, &run->spec, ret_path, err);
}

int tph_run_new(const struct tph_json *workflow, const struct tph_run_options *options, struct tph_run **ret_run,
                struct tph_buf *ret_path, struct tph_error *err)
{
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = TPH_NEW(struct tph_run);
    run->options = *options;
    run->options.compat |= options->compatibility_argo ? (unsigned)TPH_COMPAT_ARGO : 0U;
    run->arena = tph_arena_new();
    run->scratch = tph_arena_new();
    run->doc = tph_json_doc_new();
    run->expressions = TPH_NEW(struct tph_map);
    if (compile(workflow, run, ret_path, err) < 0) {
        return -1;
    }
    if (tph_time_parse(tph_json_get_str(tph_json_get(run->spec->object, "metadata"), "creationTimestamp"),
                       &run->created_ms, NULL) < 0) {
        run->created_ms = 0;
    }
    if (load_late_parameters(run, err) < 0) {
        return -1;
    }
    tph_globals_begin(run);
    struct tph_str shutdown = tph_json_str(tph_json_path(run->spec->object, "spec", "shutdown", NULL));
    run->shutdown = tph_str_eqz(shutdown, "Stop") ? "Stop" : tph_str_eqz(shutdown, "Terminate") ? "Terminate" : NULL;
    run->suspended = tph_json_bool(tph_json_path(run->spec->object, "spec", "suspend", NULL)) &&
                     (!run->shutdown || tph_run_compat(run, TPH_COMPAT_SHUTDOWN));
    const struct tph_json *status = tph_json_get(run->spec->object, "status");
    bool begun = tph_json_get_str(status, "phase").len > 0 || tph_json_len(tph_json_get(status, "nodes")) > 0;
    if (begun && tph_run_restore(run, status, err) < 0) {
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
    free(run->blocked);
    free(run->lock_queue);
    tph_locks_free(run->own_locks);
    free(run->message);
    tph_express_forget(run->expressions);
    free(run->expressions);
    tph_map_release(&run->by_id);
    tph_map_release(&run->globals);
    tph_map_release(&run->caches);
    tph_map_release(&run->old_nodes);
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

void tph_run_push_task(struct tph_run *run, struct node *dag, size_t task)
{
    tph_run_push(run, WORK_TASK, dag);
    run->work[run->n_work - 1].index = task;
}

void tph_run_act(struct tph_run *run, const struct tph_action *action)
{
    if (run->n_tasks == run->tasks_capacity) {
        run->tasks_capacity = run->tasks_capacity ? run->tasks_capacity * 2 : 16;
        run->tasks = tph_realloc(run->tasks, run->tasks_capacity * sizeof(*run->tasks));
    }
    run->tasks[run->n_tasks++] = *action;
}

bool tph_run_has_room(const struct tph_run *run, size_t n, struct tph_buf *problem)
{
    size_t most = run->options.max_nodes ? run->options.max_nodes : TPH_LIMIT_NODES;
    size_t bytes = run->options.max_bytes ? run->options.max_bytes : TPH_LIMIT_RUN_BYTES;
    if (tph_arena_used(run->arena) > bytes) { /* names grow with each level of a recursion */
        (void)tph_buf_printf(problem, "the workflow's %zu nodes would take more than %zu MiB of memory", run->n_nodes,
                             bytes / TPH_MIB(1));
        return false;
    }
    if (n <= most && run->n_nodes <= most - n) {
        return true;
    }
    (void)tph_buf_printf(problem, "the workflow would have more than %zu nodes", most);
    return false;
}

bool tph_workflow_phase_is_final(enum tph_workflow_phase phase)
{
    return phase == TPH_WORKFLOW_SUCCEEDED || phase == TPH_WORKFLOW_FAILED || phase == TPH_WORKFLOW_ERROR;
}

void tph_run_set_phase(struct tph_run *run, enum tph_workflow_phase phase, const char *message)
{
    if (tph_workflow_phase_is_final(run->phase)) {
        return;
    }
    run->phase = phase;
    free(run->message);
    run->message = message && *message ? tph_strdup(message) : NULL;
    run->finished_ms = tph_workflow_phase_is_final(phase) ? run->now_ms : 0;
    if (tph_workflow_phase_is_final(phase)) {
        tph_sync_release_workflow(run);
    }
    run->workflow_changed = true;
}

/* A node and its hooks are done: its parent hears of it, once. */
static void settle_member(struct node *node)
{
    struct node *parent = node->parent;
    bool waits = !node->settled && tph_hooks_hold(node);
    if (node->settled || (waits && !tph_hooks_are_let_go(node))) {
        return;
    }
    node->settled = true;
    if (!parent) {
        tph_run_root_settled(node->run);
    } else if (parent->pub.type == TPH_NODE_STEP_GROUP) {
        tph_steps_settled(parent, node);
    } else if (parent->pub.type == TPH_NODE_TASK_GROUP) {
        tph_dag_item_settled(parent, node);
    } else {
        tph_dag_settled(parent, node);
    }
}

static void settle(struct node *node)
{
    switch (node->role) {
    case ROLE_ROOT:
    case ROLE_MEMBER:
        settle_member(node);
        break;
    case ROLE_GROUP:
        node->settled = true;
        tph_steps_group_final(node);
        break;
    case ROLE_ATTEMPT:
        node->settled = true;
        tph_retry_attempt_final(node->parent);
        break;
    case ROLE_HOOK:
        if (!node->settled) {
            node->settled = true;
            tph_hooks_hook_final(node);
        }
        break;
    }
}

static void work_off(struct tph_run *run)
{
    while (run->n_work > 0 && !run->suspended) {
        struct work next = run->work[--run->n_work];
        switch (next.kind) {
        case WORK_BEGIN:
            tph_node_begin(next.node);
            break;
        case WORK_TASK:
            tph_dag_task_ready(next.node, next.index);
            break;
        case WORK_LOCKS:
            tph_sync_try_again(run);
            break;
        case WORK_ROOM:
            tph_parallel_room(run);
            break;
        case WORK_HOOKS:
            tph_hooks_check(next.node);
            break;
        case WORK_SETTLE:
            settle(next.node);
            break;
        }
    }
}

/* The workflow's own locks; false while it waits, and when it cannot have them. */
static bool get_locks(struct tph_run *run)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    enum sync_answer answer = tph_sync_workflow(run, &problem);
    if (answer == SYNC_BROKEN) {
        TPH_CLEANUP(tph_freep)
        char *message = tph_format("Failed to acquire the synchronization lock. %s", tph_buf_cstr(&problem));
        run->started_ms = run->now_ms;
        run->unknown_ms = 0;
        run->refused = true;
        tph_run_set_phase(run, TPH_WORKFLOW_FAILED, message);
    } else if (answer == SYNC_WAIT) {
        run->was_pending = true;
        tph_run_set_phase(run, TPH_WORKFLOW_PENDING, tph_buf_cstr(&problem));
    }
    return answer == SYNC_GO;
}

/* False when its metadata cannot be had: it does not begin then. */
static bool get_metadata(struct tph_run *run)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    tph_globals_created(run);
    if (tph_metadata_apply(run, &problem) == 0) {
        return true;
    }
    run->started_ms = run->now_ms;
    run->unknown_ms = 0;
    run->refused = true;
    tph_run_set_phase(run, TPH_WORKFLOW_ERROR, tph_buf_cstr(&problem));
    return false;
}

/* The first time: the root. */
static void start_fresh(struct tph_run *run)
{
    if (run->phase == TPH_WORKFLOW_NEW && run->started_ms == 0 && !get_metadata(run)) {
        return;
    }
    if (run->started_ms == 0 && !get_locks(run)) {
        return;
    }
    if (run->started_ms == 0) {
        run->started_ms = run->now_ms;
        run->unknown_ms = 0;
        tph_globals_created(run);
        tph_run_set_phase(run, TPH_WORKFLOW_RUNNING, NULL);
    } else {
        run->second_pass = true;
    }
    if (run->suspended) {
        return; /* until somebody takes spec.suspend away, and the run is made anew from that */
    }
    const struct tph_template *t = run->spec->entrypoint;
    struct node_kind kind = {.role = ROLE_ROOT, .template = t};
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum dispatched result = DISPATCHED;
    run->root = tph_dispatch(run, tph_arena_strdup(run->arena, run->spec->name), &kind, NULL, &problem, &result);
    run->root->broken = result != DISPATCHED;
    tph_run_store_local(run);
    tph_node_push_begin(run->root);
}

/* After a restart: what was under way is sent again, what stands still is pushed on. */
static void start_node_again(struct node *node)
{
    bool final = tph_node_phase_is_final(node->pub.phase);
    bool waited_for = !node->parent || !tph_node_phase_is_final(node->parent->pub.phase);
    if (final) {
        if (!node->settled && waited_for && (node->role == ROLE_ROOT || node->role == ROLE_MEMBER)) {
            tph_run_push(node->run, WORK_SETTLE, node); /* its hooks */
        }
        return;
    }
    if (node->waits_for.p) {
        tph_sync_wait_again(node);
        return;
    }
    switch (node->pub.type) {
    case TPH_NODE_PLUGIN:
    case TPH_NODE_HTTP:
        tph_leaf_start_again(node);
        break;
    case TPH_NODE_STEPS:
    case TPH_NODE_STEP_GROUP:
        tph_steps_start_again(node);
        break;
    case TPH_NODE_DAG:
    case TPH_NODE_TASK_GROUP:
        tph_dag_start_again(node);
        break;
    case TPH_NODE_RETRY:
        tph_retry_start_again(node);
        break;
    case TPH_NODE_SKIP:
    case TPH_NODE_SUSPEND:
    case TPH_NODE_TYPE_COUNT:
        break;
    }
}

static void start_again(struct tph_run *run)
{
    TPH_CLEANUP(tph_freep) struct node **list = tph_calloc(run->n_nodes, sizeof(struct node *));
    tph_parallel_forget_blocked(run);
    tph_sync_leave_queues(run);
    size_t n = 0;
    for (struct node *node = run->root; node; node = tph_node_next(node)) {
        list[n++] = node;
    }
    for (size_t i = 0; i < n; i++) { /* not those that are made on the way: they begin by themselves */
        start_node_again(list[i]);
    }
    run->waiting_ms = 0; /* whoever waited is gone */
}

/* It waits for a lock that it does not need any more. */
static void end_pending(struct tph_run *run)
{
    tph_run_set_phase(run, TPH_WORKFLOW_FAILED, "Stopped with strategy 'Terminate'");
}

static void start(struct tph_run *run)
{
    bool known = run->root != NULL;
    bool idle = run->phase == TPH_WORKFLOW_NEW || run->phase == TPH_WORKFLOW_PENDING;
    if (run->phase == TPH_WORKFLOW_PENDING && run->shutdown && strcmp(run->shutdown, "Terminate") == 0) {
        end_pending(run);
        return;
    }
    if (known && idle && !get_locks(run)) {
        return;
    }
    if (known && idle) {
        run->started_ms = run->now_ms;
        run->unknown_ms = 0;
        tph_run_set_phase(run, TPH_WORKFLOW_RUNNING, NULL);
    }
    if (!known) {
        start_fresh(run);
    }
    if (run->shutdown && run->root) { /* whoever asked for that wrote it into the object */
        work_off(run);
        run->second_pass = true;
        tph_run_end_stopped(run);
    }
    if (known) {
        start_again(run);
        run->retried = false;
    }
}

static void reply(struct tph_run *run, const struct tph_event *event)
{
    struct node *node = tph_map_get(&run->by_id, event->node_id);
    if (node && tph_leaf_is_live(node) && node->pub.attempt == event->attempt) {
        tph_leaf_reply(node, event->result);
    }
}

static void handle(struct tph_run *run, const struct tph_event *event)
{
    if (event->kind == TPH_EVENT_REFUSED) {
        tph_run_end_refused(run, event->message);
        return;
    }
    if (run->phase == TPH_WORKFLOW_PENDING && (event->kind == TPH_EVENT_LOCKS || event->kind == TPH_EVENT_START)) {
        start(run);
        return;
    }
    if (run->phase == TPH_WORKFLOW_PENDING && event->kind == TPH_EVENT_TERMINATE) {
        run->shutdown = "Terminate";
        end_pending(run);
        return;
    }
    if (!run->root && run->suspended && (event->kind == TPH_EVENT_STOP || event->kind == TPH_EVENT_TERMINATE)) {
        tph_run_shut_down(run, event->kind == TPH_EVENT_STOP ? "Stop" : "Terminate");
        start(run); /* its root begins, and ends by that */
        return;
    }
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
    case TPH_EVENT_LOCKS:
        tph_sync_try_again(run);
        break;
    case TPH_EVENT_STOP:
        tph_run_shut_down(run, "Stop");
        break;
    case TPH_EVENT_TERMINATE:
        tph_run_shut_down(run, "Terminate");
        break;
    case TPH_EVENT_TIMER:
        run->waiting_ms = 0; /* it is spent, also when it came early: clocks differ in their roundings, and are set */
        break;
    case TPH_EVENT_REFUSED: /* handled above */
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
        struct node *node = run->dirty[i];
        bool follows = !node->changed;
        node->dirty = false;
        node->changed = false;
        tph_node_write_progress(node);
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_NODE, .node = &node->pub, .follows = follows};
    }
    run->n_dirty = 0; /* what changes until the next apply, as by restoring, is told then */
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
    (void)snprintf(run->progress, sizeof(run->progress), "%lld/%lld", (long long)run->done, (long long)run->total);
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
    run->n_tasks = 0;
    if (run->actions_capacity > KEPT && run->n_dirty == 0) {
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
        bool ended = false;
        bool begun = run->n_tasks > 0;
        while (!tph_workflow_phase_is_final(run->phase) && tph_run_check_deadlines(run)) {
            ended = begun;
            work_off(run);
        }
        if (run->root) {
            tph_hooks_check(run->root);
            work_off(run);
        }
        run->second_pass = run->second_pass || ended || (!fresh && run->n_dirty > 0);
    }
    if (event->kind == TPH_EVENT_REFUSED && !run->workflow_changed) { /* it was over */
        handle(run, event);
    }
    tph_globals_settle(run);
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
    return run->root ? tph_str(run->progress) : TPH_STR_NONE;
}

const struct tph_node *tph_run_root(const struct tph_run *run)
{
    return run->root ? &run->root->pub : NULL;
}

size_t tph_run_n_nodes(const struct tph_run *run)
{
    return run->n_nodes;
}

const struct tph_node *tph_run_find(const struct tph_run *run, struct tph_str id)
{
    const struct node *node = tph_map_get(&run->by_id, id);
    return node ? &node->pub : NULL;
}

const struct tph_node *tph_run_node_at(const struct tph_run *run, size_t index)
{
    return &run->nodes[index]->pub;
}
