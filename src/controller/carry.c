/* SPDX-License-Identifier: Apache-2.0 */
/* One workflow: events to the engine, its actions to the agent and to what is to be written. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "controller/controller_internal.h"
#include "controller/local.h"

#define PLUGINS_OFF                                                                                              \
    "executor plugins are switched off here: start the program with ARGO_EXECUTOR_PLUGINS=true, then retry the " \
    "workflow"

/* Argo's words. */
#define OWN_PLUGINS_OFF                                                                                         \
    "create agent pod failed with reason:\"workflow-level executor plugins are disabled in the controller. To " \
    "enable them, set the environment variable ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS=true\""

static void node_changed(struct carried *w, const struct tph_action *action)
{
    const struct tph_controller_observer *o = &w->controller->options.observer;
    struct tph_map *list = action->follows ? &w->lagging : &w->dirty;
    (void)tph_map_set(list, action->node->id, (void *)(uintptr_t)action->node);
    if (!action->follows) {
        tph_tell_node(w, action->node);
    }
    if (o->node) {
        o->node(o->owner, &w->shown, action->node);
    }
}

static void start_task(struct carried *w, const struct tph_action *action)
{
    struct task *task = tph_map_get(&w->tasks, action->node->id);
    if (!task) {
        task = tph_task_new(w, action);
        tph_task_hold(w, task);
    }
    task->wanted = true;
    task->engine_attempt = action->attempt;
    task->deadline_ms = action->deadline_ms;
}

static void cancel_task(struct carried *w, const struct tph_action *action)
{
    struct task *task = tph_map_get(&w->tasks, action->node->id);
    if (!task && w->again && action->template_json.len > 0) {
        task = tph_task_new(w, action); /* ended while nobody was there; who had it has not heard of that */
        task->state = TASK_GIVEN;
    }
    if (task) {
        tph_task_drop(w, task, true);
    }
}

static void wait_until(struct carried *w, int64_t time_ms)
{
    if (time_ms == 0) {
        tph_timer_stop(w->timer);
    } else {
        tph_timer_start(w->timer, tph_local_look_ms(time_ms, tph_controller_now_ms(w->controller)));
    }
}

static void act(struct carried *w, const struct tph_action *action)
{
    switch (action->kind) {
    case TPH_ACTION_START_TASK:
        start_task(w, action);
        break;
    case TPH_ACTION_CANCEL_TASK:
        cancel_task(w, action);
        break;
    case TPH_ACTION_WAIT_UNTIL:
        wait_until(w, action->time_ms);
        break;
    case TPH_ACTION_NODE:
        node_changed(w, action);
        w->base_lagging = true;
        w->base_dirty = w->base_dirty || w->has_locks;
        break;
    case TPH_ACTION_WORKFLOW:
        w->base_dirty = true;
        break;
    case TPH_ACTION_SAVE_CACHE:
        tph_carried_save_cache(w, action);
        break;
    case TPH_ACTION_FINISHED:
        w->state = CARRIED_OVER;
        w->base_dirty = w->over_dirty = true;
        tph_timer_stop(w->timer);
        break;
    case TPH_ACTION_COUNT:
        break;
    }
}

static void wake(void *owner)
{
    struct tph_controller *c = owner;
    c->waking = false;
    for (void *owner_of = tph_locks_next_woken(c->locks); owner_of && !c->stopping;
         owner_of = tph_locks_next_woken(c->locks)) {
        struct carried *w = owner_of;
        if (w->state == CARRIED_RUNNING) {
            tph_carried_apply(w, &(struct tph_event){.kind = TPH_EVENT_LOCKS});
        }
    }
}

void tph_controller_wake(struct tph_controller *c)
{
    if (!c->waking) {
        c->waking = true;
        tph_defer(c->loop, wake, c);
    }
}

void tph_carried_apply(struct carried *w, const struct tph_event *event)
{
    struct tph_controller *c = w->controller;
    struct tph_actions actions;
    struct tph_error err = TPH_ERROR_INIT;
    int64_t began_us = tph_measure_begin(c);
    tph_run_apply(w->shown.run, event, tph_controller_now_ms(c), &actions);
    bool runs = tph_run_phase(w->shown.run) == TPH_WORKFLOW_RUNNING || tph_run_n_nodes(w->shown.run) > 0;
    if (w->begins && runs) { /* and not before it has its locks */
        w->begins = false;
        tph_measure_phase(c, w->shown.ns, TPH_STR("Running"));
        tph_tell_begun(w);
    }
    for (size_t i = 0; i < actions.n; i++) {
        act(w, &actions.list[i]);
    }
    tph_controller_wake(c);
    if (tph_finder_missed(c->finder, &err)) {
        tph_carried_unread(w, &err); /* nothing of it was written or given yet */
    }
    tph_carried_flush(w);
    tph_measure_operation(c, began_us);
}

/* ---- to the agent ---- */

/* Of spec.executorPlugins, of which the workflow has its own. */
size_t tph_own_plugins(const struct tph_json *object, struct tph_plugin **out, size_t max)
{
    size_t n = 0;
    size_t given = tph_json_len(tph_json_path(object, "spec", "executorPlugins", NULL));
    for (size_t i = 0; i < given && n < max; i++) {
        struct tph_error err = TPH_ERROR_INIT;
        if (tph_plugin_from_workflow(object, i, NULL, &out[n], &err) == 0) {
            n++;
        } else {
            TPH_CLEANUP(tph_freep)
            char *name = tph_str_dup(tph_json_get_str(tph_json_get(object, "metadata"), "name"));
            tph_log(TPH_LOG_WARN, "a plugin of the workflow cannot be used", "workflow", name, "error", err.text, NULL);
        }
    }
    return n;
}

/* The plugins that it sees are those of the time when its first task goes out. */
static void begin_at_agent(struct carried *w)
{
    struct tph_controller *c = w->controller;
    const struct tph_controller_options *o = &c->options;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *object = tph_run_object_base(w->shown.run, doc);
    struct tph_plugin *plugins[TPH_LIMIT_PLUGINS];
    size_t n = 0;
    size_t n_own = 0;
    if (o->plugins) {
        n = o->plugins(o->owner, object, plugins, TPH_LIMIT_PLUGINS);
    } else if (tph_json_len(tph_json_path(object, "spec", "executorPlugins", NULL)) > 0) {
        n = n_own = tph_own_plugins(object, plugins, TPH_LIMIT_PLUGINS);
    } else if (c->discovery) {
        n = tph_discovery_visible(c->discovery, w->shown.ns, plugins, TPH_LIMIT_PLUGINS);
    }
    w->shown.tasks = tph_agent_begin(c->agent, w->shown.name, w->shown.ns, tph_str(w->uid), plugins, n);
    (void)tph_map_set(&c->by_tasks, tph_pointer_key(&w->shown.tasks), w);
    for (size_t i = 0; i < n_own; i++) {
        tph_plugin_unref(plugins[i]);
    }
}

/* A node that no plugin may be asked for. */
static void refuse_task(struct carried *w, struct task *task, const char *message)
{
    struct tph_node_result error = {.phase = TPH_STR("Error"), .message = tph_str(message)};
    struct tph_task_result result = {.phase = error.phase, .message = error.message};
    task->state = TASK_ENDED;
    tph_results_add(&w->fresh, task->id, &error);
    tph_carried_apply(
        w, &(struct tph_event){
               .kind = TPH_EVENT_REPLY, .node_id = task->id, .attempt = task->engine_attempt, .result = &result});
}

static const struct tph_node *find_node(const struct carried *w, struct tph_str id)
{
    return w->shown.run ? tph_run_find(w->shown.run, id) : NULL;
}

void tph_carried_give(struct carried *w, struct task *task)
{
    struct tph_controller *c = w->controller;
    if (!task->is_http && !c->options.executor_plugins) {
        refuse_task(w, task, PLUGINS_OFF);
        return;
    }
    if (!task->is_http && w->has_own_plugins && !c->options.own_plugins && !c->options.plugins) {
        refuse_task(w, task, OWN_PLUGINS_OFF);
        return;
    }
    if (!w->shown.tasks) {
        begin_at_agent(w);
    }
    const struct tph_node *node = find_node(w, task->id);
    int64_t left_ms = task->due_ms > 0 ? task->due_ms - tph_controller_now_ms(c) : 0;
    task->state = TASK_GIVEN;
    tph_agent_submit(w->shown.tasks, &(struct tph_agent_task){
                                         .node_id = task->id,
                                         .node_name = task->name,
                                         .attempt = task->attempt,
                                         .template_json = tph_str(task->text),
                                         .key = task->key,
                                         .is_http = task->is_http,
                                         .deadline_ms = task->deadline_ms,
                                         .calls = task->calls,
                                         .again = task->again,
                                         .delay_ms = left_ms > 0 ? left_ms : 0,
                                         .taker = tph_str(task->plugin),
                                         .message = node && task->calls > 0 ? node->message : TPH_STR_NONE,
                                         .outputs = node && task->calls > 0 ? node->outputs : NULL,
                                     });
    if (!task->row || w->fixed_texts) {
        free(TPH_TAKE(task->text));
    }
}

/* Tasks of a run that was made anew which it did not ask for again. */
void tph_carried_doom_unwanted(struct carried *w)
{
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    while (tph_map_next(&w->tasks, &at, &id, &value)) {
        struct task *task = value;
        if (!task->wanted) {
            tph_task_drop(w, task, true);
        }
    }
}

/* ---- from the agent ---- */

static bool is_final(struct tph_str phase)
{
    enum tph_node_phase parsed = TPH_NODE_PENDING;
    return phase.len > 0 && (!tph_node_phase_parse(phase, &parsed) || tph_node_phase_is_final(parsed));
}

static void note_plugin(struct task *task, const struct tph_plugin *plugin)
{
    if (plugin && !(task->plugin && tph_str_eqz(plugin->name, task->plugin))) {
        free(task->plugin);
        task->plugin = tph_str_dup(plugin->name);
    }
}

/* Called again later: when, and how often it was, outlives us. */
static void waits(struct carried *w, struct task *task, const struct tph_agent_event *event)
{
    if (event->calls == 0 || event->message.len > 0) {
        return; /* a call that is tried again: there is no news of it */
    }
    task->calls = event->calls;
    task->due_ms = tph_controller_now_ms(w->controller) + event->delay_ms;
    note_plugin(task, event->plugin);
    task->row = task->row_due = w->rows_due = true;
    tph_carried_flush(w);
}

static void answered(struct carried *w, struct task *task, const struct tph_agent_event *event)
{
    struct tph_task_result result = {
        .phase = event->result->phase,
        .message = event->result->message,
        .progress = event->result->progress,
        .outputs = event->result->outputs,
    };
    struct tph_event reply = {
        .kind = TPH_EVENT_REPLY, .node_id = event->node_id, .attempt = task->engine_attempt, .result = &result};
    if (is_final(result.phase)) {
        task->state = TASK_ENDED;
        w->rows_due = w->rows_due || task->row;
    }
    tph_results_add(&w->fresh, event->node_id, event->result);
    tph_carried_apply(w, &reply);
}

void tph_controller_agent_event(void *controller, const struct tph_agent_event *event)
{
    struct tph_controller *c = controller;
    const struct tph_controller_observer *o = &c->options.observer;
    bool of_task = event->kind == TPH_AGENT_RESULT || event->kind == TPH_AGENT_WAITING;
    struct carried *w = of_task ? tph_map_get(&c->by_tasks, tph_pointer_key(&event->workflow)) : NULL;
    struct task *task = w && w->state == CARRIED_RUNNING ? tph_map_get(&w->tasks, event->node_id) : NULL;
    bool ours = task && task->state == TASK_GIVEN && task->attempt == event->attempt && !c->stopping;
    if (event->kind == TPH_AGENT_POD) {
        tph_pods_note(c, event->pod, event->plugin);
    }
    if (event->kind != TPH_AGENT_RESULT && o->agent) {
        o->agent(o->owner, event);
    }
    if (ours && event->kind == TPH_AGENT_WAITING) {
        waits(w, task, event);
    } else if (ours) {
        answered(w, task, event);
    }
}
