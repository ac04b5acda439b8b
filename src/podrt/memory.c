/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/memory.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "podrt/backoff.h"
#include "podrt/dial.h"
#include "podrt/tail.h"

struct life {
    struct tph_memory_act *acts; /* owned, texts too */
    size_t n;
};

/* What containers of one name do, and what was seen of them. */
struct script {
    char *name;
    struct life *lives;
    size_t n_lives;
    size_t starts;
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    enum tph_error_kind refuse_kind;
    char *refuse_text; /* NULL: start is not refused */
};

/* An act from outside the script. */
struct injected {
    struct injected *next;
    struct tph_memory_act act; /* text owned */
};

struct container {
    struct memory_pod *pod;
    size_t index;
    struct script *script;   /* borrowed from the runtime */
    struct tph_timer *timer; /* next act of the life, or the restart */
    struct tph_timer *inject_timer;
    struct injected *injected;
    size_t life; /* starts so far in this pod */
    size_t at;   /* next act; 0 with !running: STARTED comes first */
    bool running, failed, ready, ignores_term;
    bool restarting; /* asked to end: starts again at once */
    int64_t started_ms;
    struct tph_backoff backoff;
    int restarts;
    struct tph_tail tail;
};

struct memory_pod {
    struct tph_pod pod; /* first */
    struct memory_rt *rt;
    struct memory_pod *next, *previous;
    struct container *containers; /* owned */
    size_t n_containers;
    bool log_events, stopping;
    struct tph_timer *stop_timer;
    int64_t stop_at_ms; /* when stopping: the kill */
    tph_pod_event_fn *event;
    void *owner;
};

struct memory_rt {
    struct tph_podrt rt; /* first */
    struct tph_loop *loop;
    struct tph_map scripts; /* name -> struct script */
    struct memory_pod *pods;
    size_t n_pods;
};

static struct memory_rt *of_rt(struct tph_podrt *rt)
{
    return TPH_CONTAINER_OF(rt, struct memory_rt, rt);
}

static struct memory_pod *of_pod(struct tph_pod *pod)
{
    return TPH_CONTAINER_OF(pod, struct memory_pod, pod);
}

static struct script *script_of(struct memory_rt *rt, struct tph_str name)
{
    struct script *script = tph_map_get(&rt->scripts, name);
    if (!script) {
        script = TPH_NEW(struct script);
        script->name = tph_str_dup(name);
        (void)tph_map_set(&rt->scripts, tph_str(script->name), script);
    }
    return script;
}

/* Nothing but STOPPED is heard of a pod that is being stopped. */
static void emit(struct container *c, struct tph_pod_event event)
{
    if (c->pod->stopping) {
        return;
    }
    event.container = c->index;
    c->pod->event(c->pod->owner, &c->pod->pod, &event);
}

static const struct life *life_of(const struct container *c)
{
    const struct script *s = c->script;
    if (s->n_lives == 0) {
        return NULL;
    }
    return &s->lives[c->life <= s->n_lives ? c->life - 1 : s->n_lives - 1];
}

/* It has ended by itself: the back-off decides when it starts again. */
static void ended(struct container *c, int code, const char *reason)
{
    int64_t ran_ms = tph_loop_now_ms(c->pod->rt->loop) - c->started_ms;
    int64_t pause_ms = c->restarting ? 0 : tph_backoff_next(&c->backoff, ran_ms);
    c->restarting = false;
    c->running = false;
    c->ready = false;
    c->at = 0;
    c->restarts++;
    tph_timer_start(c->timer, pause_ms);
    emit(c, (struct tph_pod_event){.kind = TPH_POD_EXITED,
                                   .exit_code = code,
                                   .reason = reason,
                                   .restart_in_ms = pause_ms,
                                   .restarts = c->restarts});
}

static void wrote(struct container *c, const char *text, bool stderr_stream)
{
    tph_tail_add(&c->tail, tph_str(text));
    if (c->pod->log_events) {
        emit(c, (struct tph_pod_event){.kind = TPH_POD_LOG, .message = tph_str(text), .stderr_stream = stderr_stream});
    }
}

static void became(struct container *c, bool ready)
{
    if (c->ready != ready) {
        c->ready = ready;
        emit(c, (struct tph_pod_event){.kind = ready ? TPH_POD_READY : TPH_POD_UNREADY});
    }
}

static void perform(struct container *c, const struct tph_memory_act *act)
{
    const char *text = act->text ? act->text : "";
    switch (act->kind) {
    case TPH_MEMORY_READY:
        became(c, true);
        break;
    case TPH_MEMORY_UNREADY:
        became(c, false);
        break;
    case TPH_MEMORY_LOG:
        wrote(c, text, false);
        break;
    case TPH_MEMORY_LOG_STDERR:
        wrote(c, text, true);
        break;
    case TPH_MEMORY_EXIT:
        ended(c, act->code, act->code == 0 ? "Completed" : "Error");
        break;
    case TPH_MEMORY_OOM:
        ended(c, 137, "OOMKilled");
        break;
    case TPH_MEMORY_FAIL:
        c->running = false;
        c->failed = true;
        emit(c, (struct tph_pod_event){.kind = TPH_POD_FAILED, .message = tph_str(text)});
        break;
    case TPH_MEMORY_DEGRADED:
        emit(c, (struct tph_pod_event){.kind = TPH_POD_DEGRADED, .message = tph_str(text)});
        break;
    case TPH_MEMORY_IGNORE_TERM:
        c->ignores_term = true;
        break;
    }
}

static void schedule(struct container *c, const struct life *life)
{
    if (c->running && c->at < life->n) {
        tph_timer_start(c->timer, life->acts[c->at].after_ms);
    }
}

static void begin_life(struct container *c)
{
    c->life++;
    c->script->starts++;
    c->ignores_term = false;
    const struct life *life = life_of(c);
    if (life && life->n > 0 && life->acts[0].kind == TPH_MEMORY_FAIL) {
        perform(c, &life->acts[0]);
        return;
    }
    c->running = true;
    c->started_ms = tph_loop_now_ms(c->pod->rt->loop);
    emit(c, (struct tph_pod_event){.kind = TPH_POD_STARTED});
    if (!life) {
        became(c, true);
        return;
    }
    schedule(c, life);
}

static void on_timer(void *owner)
{
    struct container *c = owner;
    if (c->pod->stopping) {
        return;
    }
    if (!c->running) {
        begin_life(c);
        return;
    }
    const struct life *life = life_of(c);
    if (!life) {
        return; /* nothing was scheduled */
    }
    const struct tph_memory_act *act = &life->acts[c->at++];
    /* Restarts reset `at`, so what follows is scheduled only if the life goes on. */
    perform(c, act);
    if (c->running && !tph_timer_active(c->timer)) {
        schedule(c, life);
    }
}

static void on_injected(void *owner)
{
    struct container *c = owner;
    while (c->injected && !c->pod->stopping) {
        struct injected *in = c->injected;
        c->injected = in->next;
        if (c->running) {
            perform(c, &in->act);
        }
        free((char *)(uintptr_t)in->act.text);
        free(in);
    }
}

static void pod_free(struct memory_pod *pod)
{
    struct memory_rt *rt = pod->rt;
    if (pod->previous) {
        pod->previous->next = pod->next;
    } else {
        rt->pods = pod->next;
    }
    if (pod->next) {
        pod->next->previous = pod->previous;
    }
    rt->n_pods--;
    tph_timer_free(pod->stop_timer);
    for (size_t i = 0; i < pod->n_containers; i++) {
        struct container *c = &pod->containers[i];
        tph_timer_free(c->timer);
        tph_timer_free(c->inject_timer);
        while (c->injected) {
            struct injected *in = c->injected;
            c->injected = in->next;
            free((char *)(uintptr_t)in->act.text);
            free(in);
        }
        tph_tail_release(&c->tail);
    }
    free(pod->containers);
    free(pod);
}

static void on_stop(void *owner)
{
    struct memory_pod *pod = owner;
    pod->event(pod->owner, &pod->pod, &(struct tph_pod_event){.kind = TPH_POD_STOPPED});
    pod_free(pod);
}

static int start(struct tph_podrt *any, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                 struct tph_pod **ret_pod, struct tph_error *err)
{
    struct memory_rt *rt = of_rt(any);
    for (size_t i = 0; i < spec->n_containers; i++) {
        struct script *script = script_of(rt, spec->containers[i].spec->name);
        if (script->refuse_text) {
            return tph_error_set(err, script->refuse_kind, "%s", script->refuse_text);
        }
    }
    struct memory_pod *pod = TPH_NEW(struct memory_pod);
    pod->pod.rt = any;
    pod->rt = rt;
    pod->event = event;
    pod->owner = owner;
    pod->log_events = spec->log_events;
    pod->stop_timer = tph_timer_new(rt->loop, on_stop, pod);
    pod->next = rt->pods;
    if (rt->pods) {
        rt->pods->previous = pod;
    }
    rt->pods = pod;
    rt->n_pods++;
    pod->containers = tph_calloc(spec->n_containers, sizeof(struct container));
    pod->n_containers = spec->n_containers;
    for (size_t i = 0; i < spec->n_containers; i++) {
        struct container *c = &pod->containers[i];
        c->pod = pod;
        c->index = i;
        c->script = script_of(rt, spec->containers[i].spec->name);
        const char *token = spec->containers[i].token;
        size_t len = token ? strnlen(token, TPH_LIMIT_TOKEN_LEN) : 0;
        memcpy(c->script->token, token ? token : "", len);
        c->script->token[len] = '\0';
        c->backoff = tph_backoff_init(spec->restart_base_ms);
        c->timer = tph_timer_new(rt->loop, on_timer, c);
        c->inject_timer = tph_timer_new(rt->loop, on_injected, c);
        tph_tail_init(&c->tail);
        tph_timer_start(c->timer, 0);
    }
    *ret_pod = &pod->pod;
    return 0;
}

static void stop(struct tph_pod *any, int64_t grace_ms)
{
    struct memory_pod *pod = of_pod(any);
    bool ignored = false;
    for (size_t i = 0; i < pod->n_containers; i++) {
        struct container *c = &pod->containers[i];
        ignored = ignored || (c->running && c->ignores_term);
        tph_timer_stop(c->timer);
    }
    int64_t wait_ms = ignored && grace_ms > 0 ? grace_ms : 0;
    int64_t at_ms = tph_loop_now_ms(pod->rt->loop) + wait_ms;
    if (!pod->stopping || at_ms < pod->stop_at_ms) {
        pod->stop_at_ms = at_ms;
        tph_timer_start(pod->stop_timer, wait_ms);
    }
    pod->stopping = true;
}

static void restart(struct tph_pod *any, size_t container)
{
    struct memory_pod *pod = of_pod(any);
    struct container *c = &pod->containers[container];
    if (pod->stopping || c->failed) {
        return;
    }
    tph_backoff_reset(&c->backoff);
    if (c->running) {
        /* Asked to end: what EXITED says comes in the next turn, and the next life right after it. */
        static const struct tph_memory_act terminated = {.kind = TPH_MEMORY_EXIT, .code = 143};
        c->restarting = true;
        tph_memory_act(any, container, &terminated);
        return;
    }
    tph_timer_start(c->timer, 0);
}

static int dial(struct tph_pod *pod, const char *host, uint16_t port)
{
    (void)pod;
    return tph_dial_loopback(host, port);
}

static void log_tail(struct tph_pod *pod, size_t container, size_t max_lines, struct tph_buf *buf)
{
    tph_tail_read(&of_pod(pod)->containers[container].tail, max_lines, buf);
}

static void free_acts(struct life *life)
{
    for (size_t i = 0; i < life->n; i++) {
        free((char *)(uintptr_t)life->acts[i].text);
    }
    free(life->acts);
}

static void free_rt(struct tph_podrt *any)
{
    struct memory_rt *rt = of_rt(any);
    while (rt->pods) {
        pod_free(rt->pods);
    }
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&rt->scripts, &at, &key, &value)) {
        struct script *script = value;
        for (size_t i = 0; i < script->n_lives; i++) {
            free_acts(&script->lives[i]);
        }
        free(script->lives);
        free(script->refuse_text);
        free(script->name);
        free(script);
    }
    tph_map_release(&rt->scripts);
    free(rt);
}

static const struct tph_podrt_ops ops = {
    .name = "memory",
    .start = start,
    .stop = stop,
    .restart = restart,
    .dial = dial,
    .log_tail = log_tail,
    .free = free_rt,
};

struct tph_podrt *tph_podrt_memory_new(struct tph_loop *loop)
{
    struct memory_rt *rt = TPH_NEW(struct memory_rt);
    rt->rt.ops = &ops;
    rt->loop = loop;
    return &rt->rt;
}

static struct tph_memory_act copy_act(const struct tph_memory_act *act)
{
    struct tph_memory_act copy = *act;
    copy.text = act->text ? tph_strdup(act->text) : NULL;
    return copy;
}

void tph_memory_add_life(struct tph_podrt *rt, const char *container, const struct tph_memory_act *acts, size_t n)
{
    struct script *script = script_of(of_rt(rt), tph_str(container));
    script->lives = tph_realloc(script->lives, (script->n_lives + 1) * sizeof(struct life));
    struct life *life = &script->lives[script->n_lives++];
    *life = (struct life){.acts = tph_calloc(n, sizeof(struct tph_memory_act)), .n = n};
    for (size_t i = 0; i < n; i++) {
        life->acts[i] = copy_act(&acts[i]);
    }
}

void tph_memory_refuse(struct tph_podrt *rt, const char *container, enum tph_error_kind kind, const char *text)
{
    struct script *script = script_of(of_rt(rt), tph_str(container));
    free(script->refuse_text);
    script->refuse_text = text ? tph_strdup(text) : NULL;
    script->refuse_kind = kind;
}

void tph_memory_act(struct tph_pod *pod, size_t container, const struct tph_memory_act *act)
{
    struct container *c = &of_pod(pod)->containers[container];
    struct injected *in = TPH_NEW(struct injected);
    in->act = copy_act(act);
    struct injected **last = &c->injected;
    while (*last) {
        last = &(*last)->next;
    }
    *last = in;
    tph_timer_start(c->inject_timer, 0);
}

size_t tph_memory_starts(const struct tph_podrt *rt, const char *container)
{
    const struct script *script =
        tph_map_get(&TPH_CONTAINER_OF(rt, const struct memory_rt, rt)->scripts, tph_str(container));
    return script ? script->starts : 0;
}

const char *tph_memory_token(const struct tph_podrt *rt, const char *container)
{
    const struct script *script =
        tph_map_get(&TPH_CONTAINER_OF(rt, const struct memory_rt, rt)->scripts, tph_str(container));
    return script ? script->token : "";
}

size_t tph_memory_pods(const struct tph_podrt *rt)
{
    return TPH_CONTAINER_OF(rt, const struct memory_rt, rt)->n_pods;
}
