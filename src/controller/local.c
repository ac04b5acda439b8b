/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/local.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"

struct tph_local_workflow {
    struct tph_shown shown; /* run: owned; tasks: ended when the workflow is final */
    struct tph_local *local;
    struct tph_plugin **plugins; /* owned list of references, until the agent has them */
    size_t n_plugins;
    struct tph_timer *timer; /* owned */
    bool final;
};

struct tph_local {
    struct tph_loop *loop;
    struct tph_locks *locks; /* NULL: the workflows share none */
    struct tph_agent *agent; /* NULL until start */
    struct tph_local_observer observer;
    struct tph_local_workflow **workflows; /* owned */
    size_t n_workflows, capacity;
    size_t n_running;
    bool waking;             /* in the next turn */
    struct tph_map by_tasks; /* the bytes of the pointer `tasks` -> its workflow */
    struct tph_map by_run;   /* the bytes of the pointer `run` -> its workflow */
};

/* The key under which a workflow is found when the agent names its side of it. */
static struct tph_str tasks_key(struct tph_agent_workflow *const *tasks)
{
    return (struct tph_str){.p = (const char *)tasks, .len = sizeof(*tasks)};
}

static struct tph_str run_key(struct tph_run *const *run)
{
    return (struct tph_str){.p = (const char *)run, .len = sizeof(*run)};
}

struct tph_local *tph_local_new(struct tph_loop *loop, struct tph_locks *locks,
                                const struct tph_local_observer *observer)
{
    struct tph_local *local = TPH_NEW(struct tph_local);
    local->loop = loop;
    local->locks = locks;
    local->observer = *observer;
    return local;
}

static void workflow_free(struct tph_local_workflow *w)
{
    tph_timer_free(w->timer);
    if (w->shown.tasks) {
        tph_agent_end(w->shown.tasks);
    }
    for (size_t i = 0; i < w->n_plugins; i++) {
        tph_plugin_unref(w->plugins[i]);
    }
    free(w->plugins);
    tph_run_free(w->shown.run);
    free(w);
}

void tph_local_free(struct tph_local *local)
{
    if (!local) {
        return;
    }
    tph_defer_cancel(local->loop, local);
    for (size_t i = 0; i < local->n_workflows; i++) {
        workflow_free(local->workflows[i]);
    }
    free(local->workflows);
    tph_map_release(&local->by_tasks);
    tph_map_release(&local->by_run);
    free(local);
}

static void apply(struct tph_local_workflow *w, const struct tph_event *event);
static void wake(void *owner);

static void timer_fired(void *owner)
{
    apply(owner, &(struct tph_event){.kind = TPH_EVENT_TIMER});
}

struct tph_local_workflow *tph_local_add(struct tph_local *local, struct tph_run *run,
                                         struct tph_plugin *const *plugins, size_t n_plugins, void *user)
{
    struct tph_local_workflow *w = TPH_NEW(struct tph_local_workflow);
    w->local = local;
    w->shown.run = run;
    w->shown.user = user;
    w->timer = tph_timer_new(local->loop, timer_fired, w);
    w->plugins = tph_calloc(n_plugins, sizeof(struct tph_plugin *));
    for (size_t i = 0; i < n_plugins; i++) {
        w->plugins[w->n_plugins++] = tph_plugin_ref(plugins[i]);
    }
    if (local->n_workflows == local->capacity) {
        local->capacity = local->capacity ? local->capacity * 2 : 4;
        local->workflows = tph_realloc(local->workflows, local->capacity * sizeof(struct tph_local_workflow *));
    }
    local->workflows[local->n_workflows++] = w;
    (void)tph_map_set(&local->by_run, run_key(&w->shown.run), w);
    return w;
}

static void tell_finished(void *owner)
{
    struct tph_local *local = owner;
    local->observer.finished(local->observer.owner);
}

/* The workflow is final: its tasks are forgotten; with the last one the observer hears that all is done. */
static void finish(struct tph_local_workflow *w)
{
    struct tph_local *local = w->local;
    w->final = true;
    tph_timer_stop(w->timer);
    if (--local->n_running == 0) {
        tph_defer(local->loop, tell_finished, local);
    }
}

int64_t tph_local_look_ms(int64_t time_ms, int64_t now_ms)
{
    if (time_ms <= now_ms) {
        return 0;
    }
    return time_ms - now_ms < TPH_LIMIT_WALL_LOOK_MS ? time_ms - now_ms : TPH_LIMIT_WALL_LOOK_MS;
}

static void wait_until(struct tph_local_workflow *w, int64_t time_ms)
{
    if (time_ms == 0) {
        tph_timer_stop(w->timer);
        return;
    }
    tph_timer_start(w->timer, tph_local_look_ms(time_ms, tph_clock_wall_ms()));
}

static void start_task(struct tph_local_workflow *w, const struct tph_action *action)
{
    tph_agent_submit(w->shown.tasks, &(struct tph_agent_task){
                                         .node_id = action->node->id,
                                         .node_name = action->node->name,
                                         .attempt = action->attempt,
                                         .template_json = action->template_json,
                                         .key = action->key,
                                         .is_http = action->node->type == TPH_NODE_HTTP,
                                         .deadline_ms = action->deadline_ms,
                                     });
}

static void act(struct tph_local_workflow *w, const struct tph_action *action)
{
    const struct tph_local_observer *observer = &w->local->observer;
    switch (action->kind) {
    case TPH_ACTION_START_TASK:
        start_task(w, action);
        break;
    case TPH_ACTION_CANCEL_TASK:
        tph_agent_cancel(w->shown.tasks, action->node->id, action->attempt);
        break;
    case TPH_ACTION_WAIT_UNTIL:
        wait_until(w, action->time_ms);
        break;
    case TPH_ACTION_NODE:
        observer->node(observer->owner, w, action->node);
        break;
    case TPH_ACTION_WORKFLOW:
        observer->workflow(observer->owner, w);
        break;
    case TPH_ACTION_FINISHED:
        finish(w);
        break;
    case TPH_ACTION_SAVE_CACHE:
        break; /* the run itself remembers; nothing here outlives it */
    case TPH_ACTION_COUNT:
        break;
    }
}

static void apply(struct tph_local_workflow *w, const struct tph_event *event)
{
    struct tph_actions actions;
    tph_run_apply(w->shown.run, event, tph_clock_wall_ms(), &actions);
    for (size_t i = 0; i < actions.n; i++) {
        act(w, &actions.list[i]);
    }
    if (w->local->locks && !w->local->waking) {
        w->local->waking = true;
        tph_defer(w->local->loop, wake, w->local);
    }
}

/* Those whom a lock that was given up lets go on. */
static void wake(void *owner)
{
    struct tph_local *local = owner;
    local->waking = false;
    for (struct tph_run *run = tph_locks_next_woken(local->locks); run; run = tph_locks_next_woken(local->locks)) {
        struct tph_local_workflow *w = tph_map_get(&local->by_run, run_key(&run));
        if (w && w->shown.tasks && !w->final) {
            apply(w, &(struct tph_event){.kind = TPH_EVENT_LOCKS});
        }
    }
}

void tph_local_agent_event(void *owner, const struct tph_agent_event *event)
{
    struct tph_local *local = owner;
    if (event->kind != TPH_AGENT_RESULT) {
        local->observer.agent(local->observer.owner, event);
        return;
    }
    struct tph_local_workflow *w = tph_map_get(&local->by_tasks, tasks_key(&event->workflow));
    if (!w || w->final) {
        return;
    }
    struct tph_task_result result = {
        .phase = event->result->phase,
        .message = event->result->message,
        .progress = event->result->progress,
        .outputs = event->result->outputs,
    };
    apply(w, &(struct tph_event){
                 .kind = TPH_EVENT_REPLY, .node_id = event->node_id, .attempt = event->attempt, .result = &result});
}

static void begin(void *owner)
{
    struct tph_local *local = owner;
    local->n_running = local->n_workflows;
    for (size_t i = 0; i < local->n_workflows; i++) {
        struct tph_local_workflow *w = local->workflows[i];
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
        struct tph_json *meta = tph_json_get(tph_run_object(w->shown.run, doc), "metadata");
        w->shown.tasks =
            tph_agent_begin(local->agent, tph_json_get_str(meta, "name"), tph_json_get_str(meta, "namespace"),
                            tph_json_get_str(meta, "uid"), w->plugins, w->n_plugins);
        (void)tph_map_set(&local->by_tasks, tasks_key(&w->shown.tasks), w);
        apply(w, &(struct tph_event){.kind = TPH_EVENT_START});
    }
    if (local->n_workflows == 0) {
        tph_defer(local->loop, tell_finished, local);
    }
}

void tph_local_start(struct tph_local *local, struct tph_agent *agent)
{
    local->agent = agent;
    tph_defer(local->loop, begin, local);
}

void tph_local_stop(struct tph_local *local, enum tph_event_kind how)
{
    for (size_t i = 0; i < local->n_workflows; i++) {
        struct tph_local_workflow *w = local->workflows[i];
        if (w->shown.tasks && !w->final) {
            apply(w, &(struct tph_event){.kind = how});
        }
    }
}

struct tph_run *tph_local_run(const struct tph_local_workflow *workflow)
{
    return workflow->shown.run;
}

const struct tph_shown *tph_local_shown(const struct tph_local_workflow *workflow)
{
    return &workflow->shown;
}

void *tph_local_user(const struct tph_local_workflow *workflow)
{
    return workflow->shown.user;
}

struct tph_agent_workflow *tph_local_agent_workflow(const struct tph_local_workflow *workflow)
{
    return workflow->shown.tasks;
}

size_t tph_local_n_workflows(const struct tph_local *local)
{
    return local->n_workflows;
}

struct tph_local_workflow *tph_local_workflow_at(const struct tph_local *local, size_t index)
{
    return local->workflows[index];
}
