/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "podrt/dial.h"
#include "podrt/ports.h"
#include "podrt/process_internal.h"

static void start_container(void *owner);

static struct process_pod *pod_of(struct tph_pod *pod)
{
    return (struct process_pod *)(void *)pod;
}

static void emit(struct process_pod *pod, const struct tph_pod_event *event)
{
    pod->event(pod->owner, &pod->pod, event);
}

static size_t index_of(const struct process_container *c)
{
    return (size_t)(c - c->pod->containers);
}

static void log_line(void *owner, struct tph_str line, bool stderr_stream)
{
    struct process_container *c = owner;
    emit(c->pod, &(struct tph_pod_event){.kind = TPH_POD_LOG, .container = index_of(c), .message = line, .stderr_stream = stderr_stream});
}

/* Pods */

static void pod_free(struct process_pod *pod)
{
    tph_defer_cancel(pod->rt->loop, pod);
    for (size_t i = 0; i < pod->n_containers; i++) {
        struct process_container *c = &pod->containers[i];
        tph_prober_free(c->readiness);
        tph_prober_free(c->liveness);
        tph_timer_free(c->timer);
        tph_sandbox_free(c->sandbox);
        tph_logs_free(c->logs);
    }
    if (pod->previous) {
        pod->previous->next = pod->next;
    } else if (pod->rt->pods == pod) {
        pod->rt->pods = pod->next;
    }
    if (pod->next) {
        pod->next->previous = pod->previous;
    }
    tph_timer_free(pod->grace);
    tph_arena_free(pod->arena);
    free(pod);
}

static void tell_stopped(void *owner)
{
    struct process_pod *pod = owner;
    emit(pod, &(struct tph_pod_event){.kind = TPH_POD_STOPPED});
    pod_free(pod);
}

static void stopped_if_all_ended(struct process_pod *pod)
{
    for (size_t i = 0; i < pod->n_containers; i++) {
        if (pod->containers[i].state != CONTAINER_ENDED) {
            return;
        }
    }
    tph_timer_stop(pod->grace);
    tph_defer(pod->rt->loop, tell_stopped, pod);
}

static void stop_probes(struct process_container *c)
{
    tph_prober_free(TPH_TAKE(c->readiness));
    tph_prober_free(TPH_TAKE(c->liveness));
}

/* What runs inside a network namespace is reached through its sandbox. */
static int dial_container(void *owner, const char *host, uint16_t port)
{
    struct process_container *c = owner;
    return c->sandbox ? tph_sandbox_dial(c->sandbox, host, port) : -111 /* ECONNREFUSED */;
}

static void readiness_changed(void *owner, bool good)
{
    struct process_container *c = owner;
    emit(c->pod, &(struct tph_pod_event){.kind = good ? TPH_POD_READY : TPH_POD_UNREADY, .container = index_of(c)});
}

static void liveness_changed(void *owner, bool good)
{
    struct process_container *c = owner;
    if (!good && c->sandbox) {
        c->unhealthy = true;
        tph_sandbox_signal(c->sandbox, SIGTERM);
        tph_timer_start(c->timer, c->spec->termination_grace_ms); /* then it is killed: see timer_fired */
    }
}

static struct tph_prober *start_probe(struct process_container *c, const struct tph_probe *probe, tph_prober_fn *changed)
{
    struct tph_prober_options options = {.probe = probe, .changed = changed, .owner = c};
    if (probe->kind == TPH_PROBE_NONE) {
        return NULL;
    }
    if (c->sandbox_spec.own_network) {
        options.dial = dial_container;
        options.dial_owner = c;
    }
    return tph_prober_new(c->pod->rt->loop, c->pod->rt->http, &options);
}

/* Containers */

static void container_started(void *owner)
{
    struct process_container *c = owner;
    c->state = CONTAINER_RUNNING;
    c->started_ms = tph_loop_now_ms(c->pod->rt->loop);
    if (c->pod->stopping) {
        tph_sandbox_signal(c->sandbox, SIGTERM);
        return;
    }
    emit(c->pod, &(struct tph_pod_event){.kind = TPH_POD_STARTED, .container = index_of(c)});
    c->readiness = start_probe(c, &c->spec->readiness, readiness_changed);
    c->liveness = start_probe(c, &c->spec->liveness, liveness_changed);
    if (!c->readiness) {
        emit(c->pod, &(struct tph_pod_event){.kind = TPH_POD_READY, .container = index_of(c)});
    }
}

static void container_failed(void *owner, const struct tph_error *err)
{
    struct process_container *c = owner;
    c->state = CONTAINER_ENDED;
    if (c->pod->stopping) {
        stopped_if_all_ended(c->pod);
        return;
    }
    emit(c->pod, &(struct tph_pod_event){.kind = TPH_POD_FAILED, .container = index_of(c), .message = tph_str(err->text)});
}

static void free_sandbox(void *owner)
{
    struct process_container *c = owner;
    tph_sandbox_free(TPH_TAKE(c->sandbox));
}

static void container_exited(void *owner, int code, bool out_of_memory)
{
    struct process_container *c = owner;
    struct process_pod *pod = c->pod;
    stop_probes(c);
    tph_logs_drain(c->logs);
    free_sandbox(c);
    tph_timer_stop(c->timer);
    if (pod->stopping) {
        c->state = CONTAINER_ENDED;
        stopped_if_all_ended(pod);
        return;
    }
    int64_t ran_ms = tph_loop_now_ms(pod->rt->loop) - c->started_ms;
    int64_t pause_ms = c->restart_now ? 0 : tph_backoff_next(&c->backoff, ran_ms);
    c->restart_now = false;
    c->restarts++;
    c->state = CONTAINER_PAUSED;
    tph_timer_start(c->timer, pause_ms);
    struct tph_pod_event event = {
        .kind = TPH_POD_EXITED,
        .container = index_of(c),
        .exit_code = code,
        .reason = out_of_memory ? "OOMKilled" : code == 0 ? "Completed" : c->unhealthy ? "Unhealthy" : "Error",
        .restart_in_ms = pause_ms,
        .restarts = c->restarts,
    };
    c->unhealthy = false;
    emit(pod, &event);
}

static void container_degraded(void *owner, const char *what)
{
    struct process_container *c = owner;
    emit(c->pod, &(struct tph_pod_event){.kind = TPH_POD_DEGRADED, .message = tph_str(what)});
}

/* The pause before a restart is over, or the grace of an unhealthy one. */
static void timer_fired(void *owner)
{
    struct process_container *c = owner;
    if (c->state == CONTAINER_PAUSED) {
        start_container(c);
    } else if (c->sandbox) {
        tph_sandbox_signal(c->sandbox, SIGKILL);
    }
}

static void start_container(void *owner)
{
    struct process_container *c = owner;
    struct tph_sandbox_events events = {.started = container_started, .failed = container_failed, .exited = container_exited,
                                        .degraded = container_degraded, .owner = c};
    struct tph_error err = TPH_ERROR_INIT;
    c->state = CONTAINER_STARTING;
    if (tph_sandbox_start(c->pod->rt->loop, &c->sandbox_spec, &events, &c->sandbox, &err) < 0 ||
        tph_logs_follow(c->logs, tph_sandbox_take_output(c->sandbox, 1), tph_sandbox_take_output(c->sandbox, 2), &err) < 0) {
        container_failed(c, &err);
    }
}

static int open_logs(struct process_container *c, struct tph_error *err)
{
    const struct tph_pod_spec *spec = &c->pod->spec;
    TPH_CLEANUP(tph_freep) char *path = NULL;
    if (spec->logs_dir) {
        path = tph_format("%s/%.*s_%.*s.log", spec->logs_dir, TPH_FMT(spec->name),
                          TPH_FMT(c->spec->name.len > 0 ? c->spec->name : TPH_STR("sidecar")));
    }
    return tph_logs_new(c->pod->rt->loop, path, spec->log_events ? log_line : NULL, c, &c->logs, err);
}

/* The runtime's operations */

static const char *keep(struct tph_arena *arena, const char *text)
{
    return text ? tph_arena_strdup(arena, tph_str(text)) : NULL;
}

static void copy_spec(struct process_pod *pod, const struct tph_pod_spec *spec)
{
    struct tph_arena *arena = pod->arena;
    struct tph_pod_container *containers = TPH_ARENA_ARRAY(arena, struct tph_pod_container, spec->n_containers);
    pod->spec = *spec;
    pod->spec.ns = tph_arena_str(arena, spec->ns);
    pod->spec.name = tph_arena_str(arena, spec->name);
    pod->spec.uid = tph_arena_str(arena, spec->uid);
    pod->spec.plugin_dir = keep(arena, spec->plugin_dir);
    pod->spec.logs_dir = keep(arena, spec->logs_dir);
    pod->spec.title = keep(arena, spec->title);
    pod->spec.file = keep(arena, spec->file);
    for (size_t i = 0; i < spec->n_containers; i++) {
        containers[i].spec = spec->containers[i].spec;
        containers[i].token = keep(arena, spec->containers[i].token);
    }
    pod->spec.containers = containers;
}

/* Two containers of the runtime that want one port: named before anything is started. */
static int check_siblings(const struct process_pod *pod, struct tph_error *err)
{
    for (const struct process_pod *other = pod->rt->pods; other; other = other->next) {
        for (size_t i = 0; i < other->n_containers && pod->spec.network == TPH_NETWORK_HOST; i++) {
            const struct tph_container *a = other->containers[i].spec;
            const struct tph_container *b = pod->spec.containers[0].spec;
            bool clash = other->spec.network == TPH_NETWORK_HOST && a->n_ports > 0 && b->n_ports > 0 && a->ports[0].port == b->ports[0].port;
            if (clash) {
                return tph_error_set(err, TPH_ERROR_CONFLICT, "%s and %s both want port %u\n  change containerPort of one of them, or "
                                     "run with --network none", other->spec.title ? other->spec.title : other->spec.name.p,
                                     pod->spec.title ? pod->spec.title : pod->spec.name.p, b->ports[0].port);
            }
        }
    }
    return 0;
}

static int process_start(struct tph_podrt *rt, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                         struct tph_pod **ret_pod, struct tph_error *err)
{
    struct process_pod *pod = TPH_NEW(struct process_pod);
    pod->pod.rt = rt;
    pod->rt = (struct tph_process_rt *)(void *)rt;
    pod->arena = tph_arena_new();
    pod->event = event;
    pod->owner = owner;
    copy_spec(pod, spec);
    pod->containers = TPH_ARENA_ARRAY(pod->arena, struct process_container, spec->n_containers);
    int failed = spec->n_containers > 0 ? check_siblings(pod, err) : 0;
    for (size_t i = 0; i < spec->n_containers && failed == 0; i++) {
        struct process_container *c = &pod->containers[i];
        c->pod = pod;
        c->spec = spec->containers[i].spec;
        c->backoff = tph_backoff_init(spec->restart_base_ms);
        c->timer = tph_timer_new(pod->rt->loop, timer_fired, c);
        pod->n_containers++;
        failed = open_logs(c, err);
        failed = failed < 0 ? failed : tph_process_plan(c, err);
    }
    if (failed < 0) {
        pod_free(pod);
        return -1;
    }
    pod->next = pod->rt->pods;
    if (pod->next) {
        pod->next->previous = pod;
    }
    pod->rt->pods = pod;
    for (size_t i = 0; i < pod->n_containers; i++) {
        pod->containers[i].state = CONTAINER_PAUSED;
        tph_defer(pod->rt->loop, start_container, &pod->containers[i]);
    }
    *ret_pod = &pod->pod;
    return 0;
}

static void grace_over(void *owner)
{
    struct process_pod *pod = owner;
    for (size_t i = 0; i < pod->n_containers; i++) {
        if (pod->containers[i].sandbox) {
            tph_sandbox_signal(pod->containers[i].sandbox, SIGKILL);
        }
    }
}

static void process_stop(struct tph_pod *tph_pod, int64_t grace_ms)
{
    struct process_pod *pod = pod_of(tph_pod);
    bool first = !pod->stopping;
    pod->stopping = true;
    pod->grace = pod->grace ? pod->grace : tph_timer_new(pod->rt->loop, grace_over, pod);
    tph_timer_start(pod->grace, grace_ms);
    for (size_t i = 0; i < pod->n_containers && first; i++) {
        struct process_container *c = &pod->containers[i];
        stop_probes(c);
        if (c->sandbox) {
            tph_sandbox_signal(c->sandbox, SIGTERM);
        } else {
            tph_defer_cancel(pod->rt->loop, c);
            tph_timer_stop(c->timer);
            c->state = CONTAINER_ENDED;
        }
    }
    if (first) {
        stopped_if_all_ended(pod);
    }
}

static void process_restart(struct tph_pod *tph_pod, size_t index)
{
    struct process_pod *pod = pod_of(tph_pod);
    struct process_container *c = &pod->containers[index];
    tph_backoff_reset(&c->backoff);
    if (pod->stopping || c->state == CONTAINER_ENDED) {
        return;
    }
    if (c->state == CONTAINER_PAUSED) {
        tph_timer_start(c->timer, 0);
    } else if (c->sandbox) {
        c->restart_now = true;
        tph_sandbox_signal(c->sandbox, SIGTERM);
        tph_timer_start(c->timer, c->spec->termination_grace_ms);
    }
}

static int process_dial(struct tph_pod *tph_pod, const char *host, uint16_t port)
{
    struct process_pod *pod = pod_of(tph_pod);
    return pod->spec.network == TPH_NETWORK_HOST ? tph_dial_loopback(host, port) : dial_container(&pod->containers[0], host, port);
}

static void process_log_tail(struct tph_pod *tph_pod, size_t index, size_t max_lines, struct tph_buf *buf)
{
    struct process_container *c = &pod_of(tph_pod)->containers[index];
    tph_logs_drain(c->logs);
    tph_tail_read(tph_logs_tail(c->logs), max_lines, buf);
}

static void process_free(struct tph_podrt *tph_rt)
{
    struct tph_process_rt *rt = (struct tph_process_rt *)(void *)tph_rt;
    while (rt->pods) {
        for (size_t i = 0; i < rt->pods->n_containers; i++) {
            tph_defer_cancel(rt->loop, &rt->pods->containers[i]);
        }
        pod_free(rt->pods);
    }
    tph_http_client_free(rt->http);
    tph_cgroups_free(rt->cgroups);
    free(rt);
}

static const struct tph_podrt_ops process_ops = {
    .name = "process",
    .start = process_start,
    .stop = process_stop,
    .restart = process_restart,
    .dial = process_dial,
    .log_tail = process_log_tail,
    .free = process_free,
};

int tph_podrt_process_new(struct tph_loop *loop, struct tph_podrt **ret_rt, struct tph_error *err)
{
    struct tph_process_rt *rt = TPH_NEW(struct tph_process_rt);
    (void)err;
    rt->rt.ops = &process_ops;
    rt->loop = loop;
    rt->http = tph_http_client_new(loop);
    rt->cgroups = tph_cgroups_new();
    *ret_rt = &rt->rt;
    return 0;
}
