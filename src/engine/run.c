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
    if (tph_spec_compile(workflow, &run->spec, ret_path, err) < 0) {
        return -1;
    }
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

static bool is_final(enum tph_workflow_phase phase)
{
    return phase == TPH_WORKFLOW_SUCCEEDED || phase == TPH_WORKFLOW_FAILED || phase == TPH_WORKFLOW_ERROR;
}

void tph_run_set_phase(struct tph_run *run, enum tph_workflow_phase phase, const char *message)
{
    if (is_final(run->phase)) {
        return;
    }
    run->phase = phase;
    free(run->message);
    run->message = message && *message ? tph_strdup(message) : NULL;
    run->finished_ms = is_final(phase) ? run->now_ms : 0;
    run->workflow_changed = true;
}

/* The root is final: so is the workflow. */
static void finish(struct tph_run *run)
{
    const struct tph_node *root = &run->root->pub;
    TPH_CLEANUP(tph_freep) char *message = tph_str_dup(root->message);
    switch (root->phase) {
    case TPH_NODE_SUCCEEDED:
    case TPH_NODE_SKIPPED:
    case TPH_NODE_OMITTED:
        tph_run_set_phase(run, TPH_WORKFLOW_SUCCEEDED, NULL);
        break;
    case TPH_NODE_FAILED:
        if (run->shutdown) {
            free(message);
            message = tph_format("Stopped with strategy '%s'", run->shutdown);
        }
        tph_run_set_phase(run, TPH_WORKFLOW_FAILED, message);
        break;
    case TPH_NODE_ERROR:
        tph_run_set_phase(run, TPH_WORKFLOW_ERROR, message);
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

static void begin_node(struct node *node)
{
    if (tph_node_phase_is_final(node->pub.phase)) {
        return;
    }
    if (node->pub.type == TPH_NODE_STEPS) {
        tph_steps_begin(node);
    } else {
        tph_leaf_begin(node);
    }
}

static void work_off(struct tph_run *run)
{
    while (run->n_work > 0) {
        struct work next = run->work[--run->n_work];
        switch (next.kind) {
        case WORK_BEGIN:
            begin_node(next.node);
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
    run->started_ms = run->now_ms;
    tph_run_set_phase(run, TPH_WORKFLOW_RUNNING, NULL);
    enum tph_node_type type = t->type == TPH_TEMPLATE_STEPS ? TPH_NODE_STEPS : TPH_NODE_PLUGIN;
    struct node *root = tph_node_make(run, tph_arena_strdup(run->arena, run->spec->name),
                                      &(struct node_kind){.type = type, .template = t});
    run->root = root;
    root->groups = TPH_ARENA_ARRAY(run->arena, struct node *, t->n_groups);
    struct scope scope = {.run = run, .node = root};
    struct tph_json *inputs = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(16));
    if (tph_scope_inputs(root, &scope, &inputs, &problem) < 0) {
        TPH_CLEANUP(tph_freep) char *text = tph_format("error in entry template execution: %s", tph_buf_cstr(&problem));
        root->pub.type = TPH_NODE_SKIP;
        tph_run_set_phase(run, TPH_WORKFLOW_ERROR, text);
        tph_node_set_phase(root, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return;
    }
    root->pub.inputs = inputs;
    tph_run_push(run, WORK_BEGIN, root);
}

/* After a restart: what was under way is sent again, in the order of the tree, which does not depend on how the nodes
 * came to be. */
static void start_again(struct tph_run *run)
{
    tph_run_push(run, WORK_BEGIN, run->root);
    while (run->n_work > 0) {
        struct node *node = run->work[--run->n_work].node;
        if (node->pub.type == TPH_NODE_PLUGIN && !tph_node_phase_is_final(node->pub.phase)) {
            tph_leaf_start_task(node);
        }
        for (size_t g = node->n_groups; g > 0; g--) {
            const struct node *group = node->groups[g - 1];
            for (size_t i = node->template->groups[group->index].n_steps; i > 0; i--) {
                if (group->members[i - 1]) {
                    tph_run_push(run, WORK_BEGIN, group->members[i - 1]);
                }
            }
        }
    }
}

/* Every leaf that is not final ends with this message. */
static void end_leaves(struct tph_run *run, const char *message)
{
    size_t n = run->n_nodes; /* those made from now on are new work, which is not begun */
    for (size_t i = 0; i < n; i++) {
        struct node *node = run->nodes[i];
        if (node->pub.type == TPH_NODE_PLUGIN && !tph_node_phase_is_final(node->pub.phase)) {
            tph_leaf_end(node, message);
        }
    }
}

static void end_stopped(struct tph_run *run)
{
    TPH_CLEANUP(tph_freep) char *message = tph_format("Stopped with strategy '%s'", run->shutdown);
    end_leaves(run, message);
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

/* When the workflow's own deadline is; 0 = none. */
static int64_t workflow_deadline_ms(const struct tph_run *run)
{
    return run->spec->deadline_s < 0 || is_final(run->phase) ? 0
                                                             : (run->started_ms / 1000 + run->spec->deadline_s) * 1000;
}

static void check_deadlines(struct tph_run *run)
{
    int64_t whole_ms = workflow_deadline_ms(run);
    if (whole_ms > 0 && run->now_ms >= whole_ms) {
        end_leaves(run, "Step exceeded its deadline");
    }
    for (struct node *n = tph_node_next_deadline(run); n && n->deadline_ms <= run->now_ms;
         n = tph_node_next_deadline(run)) {
        tph_leaf_end(n, "timeout");
    }
}

static void handle(struct tph_run *run, const struct tph_event *event)
{
    struct node *node = NULL;
    switch (event->kind) {
    case TPH_EVENT_START:
        if (!run->root) {
            start_fresh(run);
            if (run->shutdown) {
                work_off(run);
                end_stopped(run);
            }
        } else {
            start_again(run);
        }
        run->started = true;
        break;
    case TPH_EVENT_REPLY:
        node = tph_map_get(&run->by_id, event->node_id);
        if (node && node->pub.type == TPH_NODE_PLUGIN && node->pub.attempt == event->attempt) {
            tph_leaf_reply(node, event->result);
        }
        break;
    case TPH_EVENT_TIMER:
        break;
    case TPH_EVENT_STOP:
        shut_down(run, "Stop");
        break;
    case TPH_EVENT_TERMINATE:
        shut_down(run, "Terminate");
        break;
    case TPH_EVENT_COUNT:
        break;
    }
}

static int64_t next_wait_ms(const struct tph_run *run)
{
    const struct node *n = tph_node_next_deadline(run);
    int64_t whole_ms = workflow_deadline_ms(run);
    int64_t soonest = n ? n->deadline_ms : 0;
    return whole_ms > 0 && (soonest == 0 || whole_ms < soonest) ? whole_ms : soonest;
}

/* What the controller does, in the order in which it must be done: durable first, then act. */
static void collect_actions(struct tph_run *run, struct tph_actions *ret_actions)
{
    size_t most = run->n_dirty + run->n_tasks + 3;
    if (most > run->actions_capacity) {
        run->actions_capacity = most * 2;
        run->actions = tph_realloc(run->actions, run->actions_capacity * sizeof(*run->actions));
    }
    size_t n = 0;
    for (size_t i = 0; i < run->n_dirty; i++) {
        run->dirty[i]->dirty = false;
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
    int64_t wait_ms = is_final(run->phase) ? 0 : next_wait_ms(run);
    if (wait_ms != run->waiting_ms) {
        run->waiting_ms = wait_ms;
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_WAIT_UNTIL, .time_ms = wait_ms};
    }
    if (is_final(run->phase) && run->workflow_changed) {
        run->actions[n++] = (struct tph_action){.kind = TPH_ACTION_FINISHED};
    }
    *ret_actions = (struct tph_actions){.list = run->actions, .n = n};
}

void tph_run_apply(struct tph_run *run, const struct tph_event *event, int64_t now_ms, struct tph_actions *ret_actions)
{
    run->now_ms = now_ms;
    run->n_dirty = 0;
    run->n_tasks = 0;
    run->workflow_changed = false;
    if (tph_arena_used(run->scratch) > 0) {
        tph_arena_free(run->scratch);
        run->scratch = tph_arena_new();
    }
    if (!is_final(run->phase)) {
        handle(run, event);
        check_deadlines(run);
        work_off(run);
        /* A deadline that lies in the past at once ends what was begun just now. */
        if (run->started) {
            check_deadlines(run);
            work_off(run);
        }
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
