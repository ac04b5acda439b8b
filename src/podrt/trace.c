/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "loop/loop.h"

enum { LINE = 1024 };

struct trace_pod {
    struct tph_pod pod; /* first */
    struct trace_rt *rt;
    struct trace_pod *next, *previous;
    struct tph_pod *inner;
    char *name;
    tph_pod_event_fn *event;
    void *owner;
};

struct trace_rt {
    struct tph_podrt rt; /* first */
    struct tph_podrt *inner;
    tph_podrt_trace_fn *line;
    void *owner;
    struct trace_pod *pods;
};

static struct trace_pod *of_pod(struct tph_pod *pod)
{
    return TPH_CONTAINER_OF(pod, struct trace_pod, pod);
}

static void tell(const struct trace_rt *rt, const char *format, ...) TPH_PRINTF(2, 3);
static void tell(const struct trace_rt *rt, const char *format, ...)
{
    char text[LINE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* Output of sidecars and texts from manifests are in it. */
    TPH_CLEANUP(tph_buf_release) struct tph_buf plain = TPH_BUF_INIT((size_t)LINE * 8);
    (void)tph_utf8_printable(&plain, tph_str(text), 0);
    rt->line(rt->owner, tph_buf_cstr(&plain));
}

static void pod_free(struct trace_pod *pod)
{
    if (pod->previous) {
        pod->previous->next = pod->next;
    } else {
        pod->rt->pods = pod->next;
    }
    if (pod->next) {
        pod->next->previous = pod->previous;
    }
    free(pod->name);
    free(pod);
}

static void on_event(void *owner, struct tph_pod *inner, const struct tph_pod_event *e)
{
    static const char *const kinds[] = {
        [TPH_POD_STARTED] = "started",   [TPH_POD_READY] = "ready",    [TPH_POD_UNREADY] = "unready",
        [TPH_POD_EXITED] = "exited",     [TPH_POD_FAILED] = "failed",  [TPH_POD_LOG] = "log",
        [TPH_POD_DEGRADED] = "degraded", [TPH_POD_STOPPED] = "stopped"};
    struct trace_pod *pod = owner;
    (void)inner;
    switch (e->kind) {
    case TPH_POD_STARTED:
    case TPH_POD_READY:
    case TPH_POD_UNREADY:
        tell(pod->rt, "%s[%zu] %s", pod->name, e->container, kinds[e->kind]);
        break;
    case TPH_POD_EXITED:
        tell(pod->rt, "%s[%zu] exited: code %d, %s, restart in %lld ms, restarts %d", pod->name, e->container,
             e->exit_code, e->reason, (long long)e->restart_in_ms, e->restarts);
        break;
    case TPH_POD_FAILED:
    case TPH_POD_LOG:
        tell(pod->rt, "%s[%zu] %s: %.*s", pod->name, e->container, kinds[e->kind], TPH_FMT(e->message));
        break;
    case TPH_POD_DEGRADED:
        tell(pod->rt, "%s degraded: %.*s", pod->name, TPH_FMT(e->message));
        break;
    case TPH_POD_STOPPED:
        tell(pod->rt, "%s stopped", pod->name);
        break;
    }
    pod->event(pod->owner, &pod->pod, e);
    if (e->kind == TPH_POD_STOPPED) {
        pod_free(pod);
    }
}

static int start(struct tph_podrt *any, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                 struct tph_pod **ret_pod, struct tph_error *err)
{
    struct trace_rt *rt = TPH_CONTAINER_OF(any, struct trace_rt, rt);
    struct trace_pod *pod = TPH_NEW(struct trace_pod);
    struct tph_error own = TPH_ERROR_INIT;
    pod->pod.rt = any;
    pod->rt = rt;
    pod->event = event;
    pod->owner = owner;
    pod->name = tph_format("%.*s/%.*s", TPH_FMT(spec->ns), TPH_FMT(spec->name));
    pod->next = rt->pods;
    if (rt->pods) {
        rt->pods->previous = pod;
    }
    rt->pods = pod;
    int failed = tph_pod_start(rt->inner, spec, on_event, pod, &pod->inner, &own);
    if (failed < 0) {
        tell(rt, "%s start: %s", pod->name, own.text);
        pod_free(pod);
        return tph_error_set(err, own.kind, "%s", own.text);
    }
    tell(rt, "%s start: %zu containers", pod->name, spec->n_containers);
    *ret_pod = &pod->pod;
    return 0;
}

static void stop(struct tph_pod *any, int64_t grace_ms)
{
    struct trace_pod *pod = of_pod(any);
    tell(pod->rt, "%s stop: grace %lld ms", pod->name, (long long)grace_ms);
    tph_pod_stop(pod->inner, grace_ms);
}

static void restart(struct tph_pod *any, size_t container)
{
    struct trace_pod *pod = of_pod(any);
    tell(pod->rt, "%s[%zu] restart", pod->name, container);
    tph_pod_restart(pod->inner, container);
}

static int waiting(struct tph_pod *any, uint16_t port)
{
    return tph_pod_waiting(of_pod(any)->inner, port); /* asked before every call: nothing to tell */
}

static int check(struct tph_pod *any, int fd, uint16_t port, struct tph_error *err)
{
    const struct trace_pod *pod = of_pod(any);
    struct tph_error own = TPH_ERROR_INIT;
    int answer = tph_pod_check(pod->inner, fd, port, &own);
    if (answer < 0) {
        tell(pod->rt, "%s check port %u: %s", pod->name, port, own.text);
        *err = own;
    }
    return answer;
}

static int dial(struct tph_pod *any, const char *host, uint16_t port)
{
    struct trace_pod *pod = of_pod(any);
    int fd = tph_pod_dial(pod->inner, host, port);
    tell(pod->rt, "%s dial %s port %u: %s", pod->name, host, port, fd < 0 ? strerrordesc_np(-fd) : "connecting");
    return fd;
}

static void log_tail(struct tph_pod *any, size_t container, size_t max_lines, struct tph_buf *buf)
{
    tph_pod_log_tail(of_pod(any)->inner, container, max_lines, buf);
}

static void free_rt(struct tph_podrt *any)
{
    struct trace_rt *rt = TPH_CONTAINER_OF(any, struct trace_rt, rt);
    tph_podrt_free(rt->inner);
    while (rt->pods) {
        pod_free(rt->pods);
    }
    free(rt);
}

static const struct tph_podrt_ops ops = {
    .name = "trace",
    .start = start,
    .stop = stop,
    .restart = restart,
    .dial = dial,
    .check = check,
    .waiting = waiting,
    .log_tail = log_tail,
    .free = free_rt,
};

struct tph_podrt *tph_podrt_trace_new(struct tph_podrt *inner, tph_podrt_trace_fn *line, void *owner)
{
    struct trace_rt *rt = TPH_NEW(struct trace_rt);
    rt->rt.ops = &ops;
    rt->inner = inner;
    rt->line = line;
    rt->owner = owner;
    return &rt->rt;
}
