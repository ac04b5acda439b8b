/* SPDX-License-Identifier: Apache-2.0 */
/* One warm sidecar: its pod, when it listens, its queue, and how many calls it can hold at once.
 *
 * How many calls: a server that keeps connections gets the full number. One that closes each connection may be
 * single-threaded with a backlog of five, or start a thread for each. It gets the next call as soon as it has accepted
 * the one before, which the kernel tells. Where that cannot be seen the number begins at one and doubles while calls do
 * not get slower with more of them under way, and shrinks when they do.
 *
 * A call's time counts from when the sidecar can have taken it: until it is known that it has, the end of each call
 * that was there before begins it anew. */
#include <stdio.h>
#include <string.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "podrt/backoff.h"

static void pump(struct sidecar *s);

static bool same_text(const char *a, struct tph_str b)
{
    return tph_str_eqz(b, a);
}

struct sidecar *tph_sidecar_get(struct tph_agent *agent, struct tph_str ns, struct tph_plugin *plugin)
{
    for (struct sidecar *s = agent->sidecars; s; s = s->next) {
        if (s->plugin == plugin && !s->leaving && same_text(s->ns, ns)) {
            return s;
        }
    }
    struct sidecar *s = TPH_NEW(struct sidecar);
    s->agent = agent;
    s->plugin = tph_plugin_ref(plugin);
    s->ns = tph_str_dup(ns);
    s->port = plugin->container.ports[0].port;
    s->limit = 1;
    s->last_lines = TPH_BUF_INIT(TPH_LIMIT_LOG_TAIL * (TPH_LIMIT_LOG_LINE + 1));
    (void)snprintf(s->url, sizeof(s->url), "http://localhost:%u" TPH_RPC_EXECUTE, s->port);
    static const char scheme[] = "Bearer ";
    char *token = s->bearer + sizeof(scheme) - 1;
    memcpy(s->bearer, scheme, sizeof(scheme) - 1);
    tph_random_text(token, TPH_LIMIT_TOKEN_LEN);
    s->container = (struct tph_pod_container){.spec = &plugin->container, .token = token};
    tph_agent_metrics_sidecar(s);
    s->next = agent->sidecars;
    agent->sidecars = s;
    return s;
}

static int64_t ready_ms(const struct sidecar *s)
{
    return s->plugin->ready_ms > 0 ? s->plugin->ready_ms : s->agent->options.ready_ms;
}

/* The message of a node is one line: hints, which stand on lines of their own, come behind a semicolon. */
static void make_one_line(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '\n') {
            *to++ = ';';
            *to++ = ' '; /* hints are indented by two columns: this is never longer */
            from += strspn(from + 1, " ");
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void keep_last_lines(struct sidecar *s)
{
    tph_buf_clear(&s->last_lines);
    if (s->pod) {
        tph_pod_log_tail(s->pod, 0, TPH_LIMIT_LOG_TAIL, &s->last_lines);
    }
}

/* One line, where a node fails next and says the cure, too. */
static void say_problem(const struct sidecar *s)
{
    bool fails_a_node = false;
    for (const struct task *task = s->queue_first; task; task = task->next) {
        fails_a_node = fails_a_node || task->owner;
    }
    TPH_CLEANUP(tph_freep) char *text = tph_strdup(s->problem);
    text[fails_a_node ? strcspn(text, "\n") : strlen(text)] = '\0';
    tph_agent_say(s->agent, TPH_AGENT_SIDECAR, s->plugin, text);
}

/* What it cannot do any more, and why; everything that waits for it fails with Argo's words first. */
static void give_up(struct sidecar *s, const char *argo_words, const char *problem)
{
    free(s->problem);
    s->problem = tph_strdup(problem);
    s->state = SIDECAR_FAILED;
    keep_last_lines(s);
    tph_timer_stop(s->timer);
    say_problem(s);
    TPH_CLEANUP(tph_freep)
    char *message = *argo_words ? tph_format("Post \"%s\": %s; sidecar %.*s %s", s->url, argo_words,
                                             TPH_FMT(s->plugin->config_name), problem)
                                : tph_format("sidecar %.*s %s", TPH_FMT(s->plugin->config_name), problem);
    make_one_line(message);
    /* Strangers only lose a candidate; who owns the key fails. A task may bring others while it fails. */
    while (s->queue_first) {
        struct task *task = s->queue_first;
        tph_sidecar_unqueue(s, task);
        task->place = TASK_WAITING;
        if (task->owner) {
            tph_agent_fail(task, message);
        } else {
            tph_agent_declined(task, message);
        }
    }
}

static void never_listened(struct sidecar *s)
{
    char problem[256];
    if (s->exits > 0) {
        static const char *const times[] = {"", " once", " twice", " three times"};
        (void)snprintf(problem, sizeof(problem), "never listened on port %u and exited %d%s", s->port, s->last_exit,
                       s->exits <= 3 ? times[s->exits] : " again and again");
    } else {
        (void)snprintf(problem, sizeof(problem), "never listened on port %u within %lld s", s->port,
                       (long long)(ready_ms(s) / 1000));
    }
    char words[sizeof(s->dial_error)];
    (void)snprintf(words, sizeof(words), "dial tcp 127.0.0.1:%u: connect: connection refused", s->port);
    give_up(s, *s->dial_error ? s->dial_error : words, problem);
}

/* Time to ask again whether somebody listens. */
static void probe_again(void *owner)
{
    struct sidecar *s = owner;
    s->probing = false;
    /* Without a task nobody asks, and so nobody can say that it does not listen. */
    if (s->state == SIDECAR_STARTING && s->queue_first && tph_loop_now_ms(s->agent->loop) >= s->give_up_ms) {
        never_listened(s);
        return;
    }
    pump(s);
}

static void container_exited(struct sidecar *s, const struct tph_pod_event *event)
{
    char text[160];
    if (event->restart_in_ms >= 0) {
        tph_agent_metrics_restart(s, event->reason);
        (void)snprintf(text, sizeof(text), "exited %d (%s), restart in %lld.%llds", event->exit_code, event->reason,
                       (long long)(event->restart_in_ms / 1000), (long long)(event->restart_in_ms % 1000 / 100));
    } else {
        (void)snprintf(text, sizeof(text), "exited %d (%s)", event->exit_code, event->reason);
    }
    s->exits++;
    s->life++;
    s->probing = false; /* whom the call under way asked is gone */
    s->last_exit = event->exit_code;
    s->pod_ready = false;
    if (s->state == SIDECAR_LISTENING) {
        s->state = SIDECAR_STARTING;
        s->exits = 1;
        (void)snprintf(s->died, sizeof(s->died), "exited %d (%s)", event->exit_code, event->reason);
        keep_last_lines(s);
        s->dial_error[0] = '\0';
        s->give_up_ms = tph_loop_now_ms(s->agent->loop) + ready_ms(s);
        tph_timer_start(s->timer, ready_ms(s));
    }
    tph_agent_say(s->agent, TPH_AGENT_SIDECAR, s->plugin, text);
    if (s->state == SIDECAR_STARTING && s->exits >= TPH_LIMIT_READY_EXITS) {
        never_listened(s);
    }
}

static void pod_event(void *owner, struct tph_pod *pod, const struct tph_pod_event *event)
{
    struct sidecar *s = owner;
    struct tph_agent_event log = {
        .kind = TPH_AGENT_LOG, .plugin = s->plugin, .message = event->message, .stderr_stream = event->stderr_stream};
    (void)pod;
    s->pod_ready = event->kind == TPH_POD_READY ||
                   (s->pod_ready && event->kind != TPH_POD_UNREADY && event->kind != TPH_POD_EXITED);
    tph_sidecar_tell_pod(s, event);
    switch (event->kind) {
    case TPH_POD_STARTED:
        break;
    case TPH_POD_READY:
        s->ready_at_ms = tph_loop_now_ms(s->agent->loop);
        pump(s);
        break;
    case TPH_POD_UNREADY:
        break;
    case TPH_POD_EXITED:
        container_exited(s, event);
        break;
    case TPH_POD_FAILED: {
        TPH_CLEANUP(tph_freep) char *why = tph_format("cannot be started: %.*s", TPH_FMT(event->message));
        give_up(s, "", why);
        break;
    }
    case TPH_POD_LOG:
        tph_agent_emit(s->agent, &log);
        break;
    case TPH_POD_DEGRADED: {
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("plugin %.*s: %.*s", TPH_FMT(s->plugin->name), TPH_FMT(event->message));
        tph_agent_say(s->agent, TPH_AGENT_WARNING, s->plugin, text);
        break;
    }
    case TPH_POD_STOPPED:
        s->pod = NULL;
        s->state = SIDECAR_STOPPED;
        tph_sidecar_gone(s);
        tph_agent_pod_stopped(s->agent);
        break;
    }
}

static void start(struct sidecar *s)
{
    struct tph_agent *agent = s->agent;
    if (tph_sidecar_must_wait(s)) {
        return; /* whoever has its port tells when it is gone */
    }
    TPH_CLEANUP(tph_freep) char *title = tph_format("plugin %.*s", TPH_FMT(s->plugin->name));
    tph_sidecar_name_pod(s);
    TPH_CLEANUP(tph_freep)
    char *log_name = tph_format("%s_%s_%.*s.log", s->ns, s->pod_name, TPH_FMT(s->plugin->container.name));
    struct tph_pod_spec spec = {
        .ns = tph_str(s->ns),
        .name = s->plugin->config_name,
        .uid = tph_str(s->pod_uid),
        .containers = &s->container,
        .n_containers = 1,
        .volumes = s->plugin->volumes,
        .n_volumes = s->plugin->n_volumes,
        .restart_base_ms = agent->options.restart_base_ms,
        .plugin_dir = s->plugin->directory,
        .logs_dir = agent->options.logs_dir,
        .log_name = agent->options.keep_logs ? log_name : NULL,
        .title = title,
        .file = s->plugin->file,
        .log_events = agent->options.log_lines,
        .objects = agent->options.objects,
    };
    spec.network = tph_sidecar_network(s, &spec.note);
    struct tph_error err = TPH_ERROR_INIT;
    s->state = SIDECAR_STARTING;
    s->timer = s->timer ? s->timer : tph_timer_new(agent->loop, probe_again, s);
    s->give_up_ms = tph_loop_now_ms(agent->loop) + ready_ms(s);
    s->exits = 0;
    s->dial_error[0] = '\0';
    tph_agent_say(agent, TPH_AGENT_SIDECAR, s->plugin, "starting");
    tph_sidecar_tell_pod(s, NULL);
    if (tph_sidecar_add_account(s, &spec, &err) < 0 ||
        tph_pod_start(agent->options.podrt, &spec, pod_event, s, &s->pod, &err) < 0) {
        TPH_CLEANUP(tph_freep) char *why = tph_format("cannot be started: %s", err.text);
        tph_sidecar_tell_failed(s, err.text);
        give_up(s, "", why);
        return;
    }
    tph_timer_start(s->timer, ready_ms(s));
}

void tph_sidecar_start_waiting(struct sidecar *s)
{
    if (s->state == SIDECAR_NEW && s->queue_first) {
        start(s);
    }
}

/* Takes the task that waited longest out of the queue; NULL: none is left. Tasks of a workflow in which the plugin said
 * 404 meanwhile go on to the next plugin, unless it had taken them before. */
static struct task *next_task(struct sidecar *s)
{
    while (s->queue_first) {
        struct task *task = s->queue_first;
        tph_sidecar_unqueue(s, task);
        if (task->settled || !tph_agent_view(task)->execute_missing) {
            return task;
        }
        task->place = TASK_WAITING;
        tph_agent_declined(task, "404 before: not called again in this workflow");
    }
    return NULL;
}

static void look_again(void *owner)
{
    pump(owner);
}

/* Of the calls in flight all but the last `waiting` were accepted: their time runs. */
static void note_accepted(struct sidecar *s, int waiting)
{
    for (struct task *task = s->calls_last; task; task = task->previous) {
        if (waiting-- <= 0) {
            task->ahead = 0;
        }
    }
}

/* May there be one more call in flight? If that shows only later, the timer brings the question up again. */
static bool takes_another(struct sidecar *s)
{
    if (s->in_flight == 0 || s->keep_alive) {
        return s->in_flight < s->agent->options.calls_in_flight;
    }
    int waiting = s->pod ? tph_pod_waiting(s->pod, s->port) : -1;
    if (waiting < 0) {
        return s->in_flight < s->limit;
    }
    note_accepted(s, waiting);
    if (waiting == 0) {
        s->look_ms = 0;
        return s->in_flight < s->agent->options.calls_in_flight;
    }
    if (!s->look) {
        s->look = tph_timer_new(s->agent->loop, look_again, s);
    }
    if (!tph_timer_active(s->look)) {
        s->look_ms = s->look_ms == 0 ? 1 : s->look_ms * 2;
        s->look_ms = s->look_ms < TPH_LIMIT_ACCEPT_LOOK_MS ? s->look_ms : TPH_LIMIT_ACCEPT_LOOK_MS;
        tph_timer_start(s->look, s->look_ms);
    }
    return false;
}

/* Starts what may be called now. */
static void pump(struct sidecar *s)
{
    struct task *task = NULL;
    if (s->state == SIDECAR_STARTING) {
        if (s->pod_ready && !s->probing && (task = next_task(s))) {
            s->probing = true;
            s->in_flight++;
            tph_call_start(task);
        }
        if (s->queue_first && !s->probing && !tph_timer_active(s->timer)) {
            int64_t left_ms = s->give_up_ms - tph_loop_now_ms(s->agent->loop);
            tph_timer_start(s->timer, left_ms > 0 ? left_ms : 0);
        }
        return;
    }
    while (s->state == SIDECAR_LISTENING && s->queue_first && takes_another(s) && (task = next_task(s))) {
        s->in_flight++;
        tph_call_start(task);
    }
}

void tph_sidecar_enqueue(struct sidecar *s, struct task *task)
{
    if (s->state == SIDECAR_FAILED || s->state == SIDECAR_STOPPED) {
        TPH_CLEANUP(tph_freep)
        char *message =
            tph_format("sidecar %.*s %s", TPH_FMT(s->plugin->config_name), s->problem ? s->problem : "was stopped");
        make_one_line(message);
        task->place = TASK_WAITING;
        if (task->owner) {
            tph_agent_fail(task, message);
        } else {
            tph_agent_declined(task, message);
        }
        return;
    }
    task->place = TASK_QUEUED;
    task->next = NULL;
    task->previous = s->queue_last;
    if (s->queue_last) {
        s->queue_last->next = task;
    } else {
        s->queue_first = task;
    }
    s->queue_last = task;
    if (s->state == SIDECAR_NEW) {
        start(s);
    } else {
        pump(s);
    }
}

void tph_sidecar_unqueue(struct sidecar *s, struct task *task)
{
    if (task->previous) {
        task->previous->next = task->next;
    } else {
        s->queue_first = task->next;
    }
    if (task->next) {
        task->next->previous = task->previous;
    } else {
        s->queue_last = task->previous;
    }
    task->next = task->previous = NULL;
}

void tph_sidecar_not_there(struct sidecar *s, struct task *task, const char *error)
{
    (void)snprintf(s->dial_error, sizeof(s->dial_error), "%s", error);
    if (s->leaving) {
        s->probing = false;
        tph_agent_route_again(task); /* its successor may listen */
        return;
    }
    /* Back to the front: it waited longest. */
    task->place = TASK_QUEUED;
    task->previous = NULL;
    task->next = s->queue_first;
    if (s->queue_first) {
        s->queue_first->previous = task;
    } else {
        s->queue_last = task;
    }
    s->queue_first = task;
    int64_t now_ms = tph_loop_now_ms(s->agent->loop);
    if (now_ms >= s->give_up_ms) {
        never_listened(s);
        return;
    }
    s->probing = true; /* until the timer */
    tph_timer_start(s->timer, tph_probe_pause_ms(now_ms - s->ready_at_ms));
}

void tph_sidecar_usurped(struct sidecar *s, struct task *task, const char *error)
{
    s->probing = false;
    if (s->state != SIDECAR_FAILED) {
        TPH_CLEANUP(tph_freep) char *why = tph_format("cannot be used: %s", error);
        give_up(s, "", why);
    }
    tph_sidecar_enqueue(s, task); /* fails it, or asks the next plugin */
}

/* Finds out how many calls at once serve this plugin best. */
static void adapt(struct sidecar *s, int64_t took_us)
{
    const int64_t noise_us = 2000;
    int most = s->agent->options.calls_in_flight;
    if (s->keep_alive) {
        s->limit = most;
        return;
    }
    most = most < TPH_LIMIT_CALLS_CLOSING ? most : TPH_LIMIT_CALLS_CLOSING;
    s->best_us = s->best_us == 0 || took_us < s->best_us ? took_us : s->best_us;
    if (s->in_flight < s->limit && !s->queue_first) {
        return; /* the limit did not hold anybody back: nothing is learnt */
    }
    if (took_us <= s->best_us + s->best_us / 2 + noise_us) {
        s->limit += s->limit < most ? 1 : 0;
    } else if (took_us > s->best_us * 2 + noise_us && s->limit > 1) {
        s->limit--;
    }
}

void tph_sidecar_answered(struct sidecar *s, int64_t took_us, bool keep_alive)
{
    s->keep_alive = s->keep_alive || keep_alive;
    if (s->state == SIDECAR_STARTING) {
        s->state = SIDECAR_LISTENING;
        s->probing = false;
        s->exits = 0;
        tph_timer_stop(s->timer);
        tph_agent_say(s->agent, TPH_AGENT_SIDECAR, s->plugin, "ready");
    }
    adapt(s, took_us);
}

void tph_sidecar_call_begins(struct sidecar *s, struct task *task)
{
    task->ahead = s->in_flight - 1;
    task->next = NULL;
    task->previous = s->calls_last;
    if (s->calls_last) {
        s->calls_last->next = task;
    } else {
        s->calls_first = task;
    }
    s->calls_last = task;
}

void tph_sidecar_call_ends(struct sidecar *s, struct task *task)
{
    if (task->previous) {
        task->previous->next = task->next;
    } else {
        s->calls_first = task->next;
    }
    if (task->next) {
        task->next->previous = task->previous;
    } else {
        s->calls_last = task->previous;
    }
    task->next = task->previous = NULL;
    for (struct task *other = s->calls_first; other; other = other->next) {
        if (other->ahead > 0 && other->call) {
            other->ahead--;
            tph_http_call_renew(other->call);
        }
    }
    s->look_ms = 0;
}

void tph_sidecar_call_over(struct sidecar *s)
{
    s->in_flight--;
    pump(s);
}

void tph_sidecar_call_dropped(struct sidecar *s)
{
    s->probing = false;
    tph_sidecar_call_over(s);
}

void tph_sidecar_stop(struct sidecar *s, int64_t grace_ms)
{
    if (s->timer) {
        tph_timer_stop(s->timer);
    }
    tph_pod_stop(s->pod, grace_ms);
}

void tph_sidecar_free(struct sidecar *s)
{
    tph_defer_cancel(s->agent->loop, s);
    tph_timer_free(s->idle);
    tph_timer_free(s->look);
    tph_timer_free(s->timer);
    tph_sidecar_drop_account(s);
    tph_plugin_unref(s->plugin);
    free(s->ns);
    free(s->pod_name);
    tph_buf_release(&s->degraded);
    free(s->problem);
    tph_buf_release(&s->last_lines);
    explicit_bzero(s->bearer, sizeof(s->bearer));
    free(s);
}
