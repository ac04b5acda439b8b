/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <string.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"
#include "base/random.h"

struct tph_agent *tph_agent_new(struct tph_loop *loop, const struct tph_agent_options *options)
{
    struct tph_agent *agent = TPH_NEW(struct tph_agent);
    agent->loop = loop;
    agent->options = *options;
    agent->http = tph_http_client_new(loop);
    agent->key = TPH_BUF_INIT(TPH_KIB(4));
    agent->body = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_random_bytes(&agent->random, sizeof(agent->random));
    tph_agent_metrics_begin(agent);
    return agent;
}

static void unlink_fresh(struct task *task)
{
    struct tph_agent *agent = task->workflow->agent;
    if (task->previous) {
        task->previous->next = task->next;
    } else {
        agent->fresh_first = task->next;
    }
    if (task->next) {
        task->next->previous = task->previous;
    } else {
        agent->fresh_last = task->previous;
    }
    task->next = task->previous = NULL;
}

/* Takes the task out of its place; its workflow no longer knows it. */
static void detach(struct task *task)
{
    switch (task->place) {
    case TASK_FRESH:
        unlink_fresh(task);
        break;
    case TASK_QUEUED:
        tph_sidecar_unqueue(task->sidecar, task);
        break;
    case TASK_CALLING:
        tph_http_call_cancel(task->call);
        tph_sidecar_call_ends(task->sidecar, task);
        tph_sidecar_call_dropped(task->sidecar);
        break;
    case TASK_FETCHING:
        tph_fetch_cancel(task->fetch);
        break;
    case TASK_WAITING:
        break;
    }
    tph_sidecar_assign(task, NULL);
    (void)tph_map_remove(&task->workflow->tasks, task->id);
    tph_timer_free(TPH_TAKE(task->timer));
}

/* Of one that is detached: nothing but memory. */
static void release(struct task *task)
{
    tph_http_task_release(&task->http);
    tph_json_doc_free(task->previous_doc);
    tph_buf_release(&task->message);
    free(task);
}

static void task_free(struct task *task)
{
    detach(task);
    release(task);
}

void tph_agent_emit(struct tph_agent *agent, const struct tph_agent_event *event)
{
    agent->options.event(agent->options.owner, event);
}

void tph_agent_say(struct tph_agent *agent, enum tph_agent_event_kind kind, const struct tph_plugin *plugin,
                   const char *message)
{
    tph_agent_emit(agent, &(struct tph_agent_event){.kind = kind, .plugin = plugin, .message = tph_str(message)});
}

void tph_agent_finish(struct task *task, const struct tph_node_result *result)
{
    struct tph_agent *agent = task->workflow->agent;
    struct tph_agent_event event = {
        .kind = TPH_AGENT_RESULT,
        .workflow = task->workflow,
        .node_id = task->id,
        .attempt = task->attempt,
        .result = result,
        .calls = task->calls,
        .plugin = task->plugin >= 0 ? tph_agent_view(task)->plugin : NULL,
    };
    detach(task);
    tph_agent_emit(agent, &event);
    release(task);
}

void tph_agent_told(struct task *task, bool told)
{
    tph_agent_told_fn *tell = task->told;
    void *owner = task->told_owner;
    detach(task);
    release(task);
    tell(owner, told);
}

void tph_agent_fail(struct task *task, const char *message)
{
    if (task->told) {
        tph_agent_told(task, false);
        return;
    }
    /* The message may belong to what is freed with the task. */
    TPH_CLEANUP(tph_freep) char *kept = tph_strdup(message);
    struct tph_node_result result = {.phase = TPH_STR("Failed"), .message = tph_str(kept)};
    tph_agent_finish(task, &result);
}

static void waited(void *owner)
{
    struct task *task = owner;
    if (task->plugin >= 0) {
        tph_sidecar_enqueue(task->sidecar, task);
    } else {
        tph_agent_route(task);
    }
}

void tph_agent_waiting(struct task *task, int64_t delay_ms, const char *message)
{
    struct tph_agent *agent = task->workflow->agent;
    task->place = TASK_WAITING;
    if (!task->timer) {
        task->timer = tph_timer_new(agent->loop, waited, task);
    }
    tph_timer_start(task->timer, delay_ms);
    struct tph_agent_event event = {
        .kind = TPH_AGENT_WAITING,
        .workflow = task->workflow,
        .node_id = task->id,
        .node_name = task->name,
        .attempt = task->attempt,
        .calls = task->calls,
        .due_ms = tph_loop_now_ms(agent->loop) + delay_ms,
        .delay_ms = delay_ms,
        .plugin = task->plugin >= 0 ? tph_agent_view(task)->plugin : NULL,
        .message = tph_str(message),
    };
    tph_agent_emit(agent, &event);
}

struct tph_agent_workflow *tph_agent_begin(struct tph_agent *agent, struct tph_str name, struct tph_str ns,
                                           struct tph_str uid, struct tph_plugin *const *plugins, size_t n_plugins)
{
    struct tph_agent_workflow *w = TPH_NEW(struct tph_agent_workflow);
    w->agent = agent;
    w->name = tph_str_dup(name);
    w->ns = tph_str_dup(ns);
    w->uid = tph_str_dup(uid);
    w->views = tph_calloc(n_plugins, sizeof(*w->views));
    w->n_views = n_plugins;
    w->names = tph_arena_new();
    tph_call_begin_trace(w);
    for (size_t i = 0; i < n_plugins; i++) {
        w->views[i].plugin = tph_plugin_ref(plugins[i]);
    }
    w->next = agent->workflows;
    if (w->next) {
        w->next->previous = w;
    }
    agent->workflows = w;
    return w;
}

void tph_agent_end(struct tph_agent_workflow *w)
{
    size_t at = 0;
    struct tph_str id;
    void *task = NULL;
    while (tph_map_next(&w->tasks, &at, &id, &task)) {
        task_free(task);
    }
    tph_map_release(&w->tasks);
    tph_map_release(&w->takers);
    tph_arena_free(w->names);
    for (size_t i = 0; i < w->n_views; i++) {
        if (w->views[i].sidecar) {
            tph_sidecar_unuse(w->views[i].sidecar);
        }
        tph_plugin_unref(w->views[i].plugin);
        free(w->views[i].said);
    }
    if (w->previous) {
        w->previous->next = w->next;
    } else {
        w->agent->workflows = w->next;
    }
    if (w->next) {
        w->next->previous = w->previous;
    }
    free(w->views);
    free(w->name);
    free(w->ns);
    free(w->uid);
    free(w);
}

/* Routes what was submitted since the last turn. */
static void turn(void *owner)
{
    struct tph_agent *agent = owner;
    /* Failing a task may submit another, which then waits for the next turn. */
    struct task *last = agent->fresh_last;
    bool end = false;
    while (agent->fresh_first && !end) {
        struct task *task = agent->fresh_first;
        end = task == last;
        unlink_fresh(task);
        task->place = TASK_WAITING;
        if (task->is_http) {
            tph_agent_fetch(task);
        } else {
            tph_agent_route(task);
        }
    }
    if (agent->fresh_first) {
        tph_defer(agent->loop, turn, agent);
    }
}

static void add_fresh(struct tph_agent *agent, struct task *task)
{
    if (!agent->fresh_first) {
        tph_defer(agent->loop, turn, agent);
    }
    task->place = TASK_FRESH;
    task->previous = agent->fresh_last;
    if (agent->fresh_last) {
        agent->fresh_last->next = task;
    } else {
        agent->fresh_first = task;
    }
    agent->fresh_last = task;
}

void tph_agent_route_again(struct task *task)
{
    tph_sidecar_assign(task, NULL);
    task->plugin = -1;
    task->asked -= task->asked > 0 ? 1 : 0; /* the one that was chosen is the next again */
    add_fresh(task->workflow->agent, task);
}

/* Copies a text to the front of the room. */
static struct tph_str keep(char **room, struct tph_str text)
{
    struct tph_str kept = {.p = *room, .len = text.len};
    if (text.len > 0) {
        memcpy(*room, text.p, text.len);
    }
    *room += text.len;
    return kept;
}

/* One that a plugin had before the program was started anew: that one is asked, with what it said. */
static void take_up(struct task *t, const struct tph_agent_task *task)
{
    struct tph_agent_workflow *w = t->workflow;
    for (size_t i = 0; i < w->n_views && task->taker.len > 0; i++) {
        if (tph_str_eq(w->views[i].plugin->name, task->taker)) {
            t->settled = true;
            if (!tph_map_get(&w->takers, t->key)) {
                (void)tph_map_set(&w->takers, tph_arena_str(w->names, t->key), &w->views[i]);
            }
            break;
        }
    }
    t->calls = task->calls;
    t->again = task->again;
    (void)tph_buf_put(&t->message, task->message);
    if (task->outputs) {
        t->previous_doc = tph_json_doc_new();
        t->outputs = tph_json_copy(t->previous_doc, task->outputs);
    }
}

static void begin_late(void *owner)
{
    struct task *task = owner;
    tph_timer_free(TPH_TAKE(task->timer));
    add_fresh(task->workflow->agent, task);
}

void tph_agent_submit(struct tph_agent_workflow *workflow, const struct tph_agent_task *task)
{
    struct task *known = tph_map_get(&workflow->tasks, task->node_id);
    if (known && known->attempt >= task->attempt) {
        return;
    }
    if (known) {
        task_free(known); /* an older attempt: nobody waits for it any more */
    }
    struct task *t =
        tph_calloc(1, sizeof(*t) + task->node_id.len + task->node_name.len + task->key.len + task->template_json.len);
    char *room = t->texts;
    t->workflow = workflow;
    t->id = keep(&room, task->node_id);
    t->name = keep(&room, task->node_name);
    t->key = keep(&room, task->key);
    t->template_json = keep(&room, task->template_json);
    t->attempt = task->attempt;
    t->deadline_ms = task->deadline_ms;
    t->is_http = task->is_http;
    t->told = task->told;
    t->told_owner = task->told_owner;
    t->plugin = -1;
    t->message = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    (void)tph_map_set(&workflow->tasks, t->id, t);
    take_up(t, task);
    if (task->delay_ms > 0) {
        t->place = TASK_WAITING;
        t->timer = tph_timer_new(workflow->agent->loop, begin_late, t);
        tph_timer_start(t->timer, task->delay_ms);
        return;
    }
    add_fresh(workflow->agent, t);
}

void tph_agent_cancel(struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt)
{
    struct task *task = tph_map_get(&workflow->tasks, node_id);
    if (!task || task->attempt != attempt) {
        return;
    }
    (void)tph_call_cancel_task(task, NULL, NULL);
    task_free(task);
}

enum tph_agent_cancel tph_agent_cancel_telling(struct tph_agent_workflow *workflow, struct tph_str node_id,
                                               uint32_t attempt, tph_agent_told_fn *told, void *owner)
{
    struct task *task = tph_map_get(&workflow->tasks, node_id);
    if (!task || task->attempt != attempt) {
        return TPH_AGENT_CANCEL_NONE;
    }
    enum tph_agent_cancel how = tph_call_cancel_task(task, told, owner);
    task_free(task);
    return how;
}

bool tph_agent_has(const struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt)
{
    const struct task *task = tph_map_get(&workflow->tasks, node_id);
    return task && task->attempt == attempt;
}

/* Who has the task, or may have had it before; NULL: nobody. */
static const struct view *holder(const struct tph_agent_workflow *w, const struct task *task)
{
    if (task->sent == 0 && task->calls == 0 && !task->again) {
        return NULL;
    }
    if (task->plugin >= 0) {
        return &w->views[task->plugin];
    }
    const struct view *taker = tph_map_get(&w->takers, task->key);
    int own = tph_agent_namesake(w, task->key);
    return taker ? taker : own >= 0 ? &w->views[own] : NULL;
}

bool tph_agent_is_heard_of(const struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt,
                           struct tph_agent_task *ret_task)
{
    const struct task *task = tph_map_get(&workflow->tasks, node_id);
    const struct view *view = task && task->attempt == attempt && !task->is_http ? holder(workflow, task) : NULL;
    if (!view || view->cancel_missing) {
        return false;
    }
    *ret_task = (struct tph_agent_task){.node_id = task->id,
                                        .node_name = task->name,
                                        .attempt = task->attempt,
                                        .template_json = task->template_json,
                                        .key = task->key,
                                        .calls = task->calls,
                                        .taker = view->plugin->name};
    return true;
}

static void put_sidecar_problem(const struct sidecar *sidecar, struct tph_buf *text)
{
    (void)tph_buf_printf(text, "sidecar %.*s %s", TPH_FMT(sidecar->plugin->config_name),
                         sidecar->problem ? sidecar->problem : sidecar->died);
    (void)tph_buf_puts(text, sidecar->last_lines.len > 0 ? "; its last lines:\n" : "\n");
    struct tph_str rest = tph_buf_str(&sidecar->last_lines);
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        if (line.len > 0 || rest.len > 0) {
            (void)tph_buf_printf(text, "  | %.*s\n", TPH_FMT(line));
        }
    }
}

void tph_agent_explain(const struct tph_agent_workflow *workflow, struct tph_str key, struct tph_buf *text)
{
    const struct view *taker = tph_map_get(&workflow->takers, key);
    for (size_t i = 0; i < workflow->n_views; i++) {
        const struct view *v = &workflow->views[i];
        if (v->sidecar && (v->sidecar->problem || *v->sidecar->died) && (v == taker || !taker)) {
            put_sidecar_problem(v->sidecar, text);
        } else if (v->said && !taker) {
            (void)tph_buf_printf(text, "asked for \"%.*s\": plugin %.*s%s%s%s: %s\n", TPH_FMT(key),
                                 TPH_FMT(v->plugin->name), v->plugin->file ? " (" : "",
                                 v->plugin->file ? v->plugin->file : "", v->plugin->file ? ")" : "", v->said);
        }
    }
}

static void stop_if_quiet(struct tph_agent *agent)
{
    if (agent->stopping && !agent->cancels && agent->n_stopping == 0 && agent->stopped) {
        tph_defer(agent->loop, TPH_TAKE(agent->stopped), agent->stopped_owner);
    }
}

/* The cancel calls are through, or there were none: now the sidecars may go. */
static void stop_sidecars(void *owner)
{
    struct tph_agent *agent = owner;
    if (agent->cancels || agent->told_to_stop) {
        return; /* the last of them comes here again, maybe before the turn that tph_agent_stop asked for */
    }
    agent->told_to_stop = true;
    for (struct sidecar *s = agent->sidecars; s; s = s->next) {
        if (s->pod && s->state != SIDECAR_STOPPED) {
            agent->n_stopping++;
            int64_t grace_ms = s->plugin->container.termination_grace_ms;
            tph_sidecar_stop(s, grace_ms < agent->grace_ms ? grace_ms : agent->grace_ms);
        }
    }
    stop_if_quiet(agent);
}

void tph_agent_pod_stopped(struct tph_agent *agent)
{
    if (agent->n_stopping > 0) {
        agent->n_stopping--;
        stop_if_quiet(agent);
    }
}

void tph_agent_cancel_over(struct tph_agent *agent)
{
    if (agent->stopping && !agent->cancels) {
        stop_sidecars(agent);
    }
}

void tph_agent_stop(struct tph_agent *agent, int64_t grace_ms, void (*done)(void *owner), void *owner)
{
    agent->stopping = true;
    agent->grace_ms = grace_ms;
    agent->stopped = done;
    agent->stopped_owner = owner;
    tph_defer(agent->loop, stop_sidecars, agent);
}

void tph_agent_free(struct tph_agent *agent)
{
    if (!agent) {
        return;
    }
    tph_defer_cancel(agent->loop, agent);
    tph_metrics_forget(agent->options.metrics, agent);
    while (agent->workflows) {
        tph_agent_end(agent->workflows);
    }
    tph_fetcher_free(agent->fetcher);
    tph_http_client_free(agent->http);
    tph_call_drop_cancels(agent);
    tph_buf_release(&agent->key);
    tph_buf_release(&agent->body);
    while (agent->sidecars) {
        struct sidecar *s = agent->sidecars;
        agent->sidecars = s->next;
        tph_sidecar_free(s);
    }
    free(agent);
}
