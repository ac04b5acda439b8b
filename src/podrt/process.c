/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "podrt/dial.h"
#include "podrt/peer.h"
#include "podrt/ports.h"
#include "podrt/process_internal.h"

static struct process_rt *of_rt(struct tph_podrt *rt)
{
    return TPH_CONTAINER_OF(rt, struct process_rt, rt);
}

static struct process_pod *of_pod(struct tph_pod *pod)
{
    return TPH_CONTAINER_OF(pod, struct process_pod, pod);
}

/* Once a pod stops only LOG may come before STOPPED. */
void tph_process_emit(struct process_pod *pod, const struct tph_pod_event *event)
{
    if (!pod->stopping || event->kind == TPH_POD_LOG || event->kind == TPH_POD_STOPPED) {
        pod->event(pod->owner, &pod->pod, event);
    }
}

static void tell_degraded(void *owner)
{
    struct process_pod *pod = owner;
    size_t at = pod->told;
    struct tph_str text;
    void *value;
    while (!pod->stopping && tph_map_next(&pod->degraded, &at, &text, &value)) {
        pod->told = at;
        tph_process_emit(pod, &(struct tph_pod_event){.kind = TPH_POD_DEGRADED, .message = text});
    }
}

void tph_process_degrade(struct process_pod *pod, const char *text)
{
    struct tph_str copy = tph_str(tph_arena_strdup(pod->arena, tph_str(text)));
    if (!tph_map_get(&pod->degraded, copy)) {
        (void)tph_map_set(&pod->degraded, copy, pod);
        tph_defer(pod->rt->loop, tell_degraded, pod);
    }
}

/* Ports on the host's network */

static struct tph_str port_key(const uint16_t *port)
{
    return (struct tph_str){.p = (const char *)port, .len = sizeof(*port)};
}

static const char *title(const struct process_pod *pod)
{
    return pod->spec.title;
}

static int clash(const struct process_pod *pod, uint16_t port, const char *who, struct tph_error *err)
{
    (void)tph_error_set(err, TPH_ERROR_CONFLICT, "port %u is in use by %s; %s needs it", port, who, title(pod));
    return tph_error_hint(err, "stop that program, or change containerPort in %s",
                          pod->spec.file ? pod->spec.file : "the plugin's manifest");
}

/* Takes one port for the pod, or says who has it. */
static int claim_port(struct process_pod *pod, uint16_t port, struct tph_error *err)
{
    struct process_rt *rt = pod->rt;
    const struct process_pod *other = tph_map_get(&rt->ports, port_key(&port));
    if (other) {
        (void)tph_error_set(err, TPH_ERROR_CONFLICT, "port %u is wanted by %s and by %s", port, title(other),
                            title(pod));
        return tph_error_hint(err, "on the host's network each needs one of its own: change containerPort in %s%s",
                              pod->spec.file ? pod->spec.file : "one of their manifests",
                              rt->plain ? "" : ", or use --network none");
    }
    struct tph_listener listener;
    if (tph_listener_find(port, &listener)) {
        char name[32];
        pid_t pid = tph_listener_process(&listener, name);
        TPH_CLEANUP(tph_freep)
        char *who = pid > 0 ? tph_format("%s (pid %d)", name, (int)pid) : tph_strdup("another program");
        return clash(pod, port, who, err);
    }
    pod->ports[pod->n_ports] = port;
    (void)tph_map_set(&rt->ports, port_key(&pod->ports[pod->n_ports]), pod);
    pod->n_ports++;
    return 0;
}

static int claim_ports(struct process_pod *pod, struct tph_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < pod->n_containers; i++) {
        n += pod->containers[i].spec->n_ports;
    }
    pod->ports = TPH_ARENA_ARRAY(pod->arena, uint16_t, n + 1);
    if (pod->spec.network != TPH_NETWORK_HOST) {
        return 0;
    }
    for (size_t i = 0; i < pod->n_containers; i++) {
        const struct tph_container *spec = pod->containers[i].spec;
        for (size_t j = 0; j < spec->n_ports; j++) {
            const struct tph_port *port = &spec->ports[j];
            bool tcp = port->protocol.len == 0 || tph_str_eqz(port->protocol, "TCP");
            if (tcp && claim_port(pod, port->port, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static void release_ports(struct process_pod *pod)
{
    for (size_t i = 0; i < pod->n_ports; i++) {
        (void)tph_map_remove(&pod->rt->ports, port_key(&pod->ports[i]));
    }
    pod->n_ports = 0;
}

/* The first time that one of its ports has a listener: is it open to more than this machine? */
static void check_exposure(struct process_pod *pod, uint16_t port)
{
    struct tph_listener listener;
    if (pod->exposure_known || pod->spec.network != TPH_NETWORK_HOST || !tph_listener_find(port, &listener)) {
        return;
    }
    pod->exposure_known = true;
    if (listener.everywhere) {
        TPH_CLEANUP(tph_freep)
        char *text =
            tph_format("listens on all interfaces (port %u): other machines can reach it; let it bind 127.0.0.1%s",
                       port, pod->rt->plain ? "" : ", or use --network none");
        tph_process_degrade(pod, text);
    }
}

/* Pods */

static void pod_free(struct process_pod *pod)
{
    struct process_rt *rt = pod->rt;
    tph_defer_cancel(rt->loop, pod);
    for (size_t i = 0; i < pod->n_containers; i++) {
        tph_process_container_close(&pod->containers[i]);
    }
    free(pod->containers);
    release_ports(pod);
    if (pod->previous) {
        pod->previous->next = pod->next;
    } else if (rt->pods == pod) {
        rt->pods = pod->next;
    }
    if (pod->next) {
        pod->next->previous = pod->previous;
    }
    tph_map_release(&pod->degraded);
    tph_arena_free(pod->arena);
    free(pod);
}

static void copy_spec(struct process_pod *pod, const struct tph_pod_spec *spec)
{
    struct tph_arena *a = pod->arena;
    pod->spec = *spec;
    pod->spec.containers = NULL;
    pod->spec.ns = tph_arena_str(a, spec->ns);
    pod->spec.name = tph_arena_str(a, spec->name);
    pod->spec.uid = tph_arena_str(a, spec->uid);
    pod->spec.title =
        spec->title ? tph_arena_strdup(a, tph_str(spec->title)) : tph_arena_format(a, "pod %.*s", TPH_FMT(spec->name));
    pod->spec.file = spec->file ? tph_arena_strdup(a, tph_str(spec->file)) : NULL;
    pod->spec.plugin_dir = spec->plugin_dir ? tph_arena_strdup(a, tph_str(spec->plugin_dir)) : NULL;
    pod->spec.log_name = spec->log_name ? tph_arena_strdup(a, tph_str(spec->log_name)) : NULL;
    pod->spec.logs_dir = spec->logs_dir ? tph_arena_strdup(a, tph_str(spec->logs_dir)) : NULL;
}

static int fill_pod(struct process_pod *pod, const struct tph_pod_spec *spec, struct tph_error *err)
{
    for (size_t i = 0; i < spec->n_containers; i++) {
        struct process_container *c = &pod->containers[pod->n_containers++];
        if (tph_process_container_open(c, pod, i, &spec->containers[i], err) < 0) {
            return -1;
        }
    }
    if (claim_ports(pod, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < pod->n_containers; i++) {
        if (tph_process_container_start(&pod->containers[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void close_uplink(struct process_rt *rt)
{
    tph_io_free(TPH_TAKE(rt->uplink_io));
    tph_uplink_close(TPH_TAKE(rt->uplink));
}

/* Somebody killed it: sidecars have no fence around them any more, so they end at once, and start again with a new one.
 */
static void uplink_ended(void *owner, unsigned events)
{
    struct process_rt *rt = owner;
    (void)events;
    close_uplink(rt);
    for (struct process_pod *pod = rt->pods; pod; pod = pod->next) {
        for (size_t i = 0; i < pod->n_containers && pod->spec.network == TPH_NETWORK_ISOLATED; i++) {
            struct process_container *c = &pod->containers[i];
            if (c->sandbox) {
                c->restart_now = true;
                tph_process_container_end(c, 0);
            }
        }
    }
}

static int find_pasta(struct process_rt *rt, struct tph_error *err)
{
    char path[64];
    const char *step;
    int failed = rt->pasta ? 0 : tph_pasta_find(path, sizeof(path), &step);
    if (failed == 0) {
        rt->pasta = rt->pasta ? rt->pasta : tph_strdup(path);
        return 0;
    }
    (void)tph_error_errno(err, -failed, "network isolated: %s", step);
    return failed == -ENOENT && strstr(step, "pasta")
               ? tph_error_hint(err, "apt install passt; or use --network host or none")
           : failed == -ENETUNREACH
               ? tph_error_hint(err, "without a default route there is no way out: use --network none or host")
               : tph_error_hint(err, "let this user open it: chmod 666 /dev/net/tun; or use --network host or none");
}

int tph_process_open_uplink(struct tph_podrt *any, struct tph_error *err)
{
    struct process_rt *rt = of_rt(any);
    if (rt->uplink) {
        return 0;
    }
    if (rt->plain) {
        return tph_error_set(err, TPH_ERROR_INVALID, "--unsafe-plain has the host's network only");
    }
    if (geteuid() != 0) {
        return find_pasta(rt, err);
    }
    if (tph_uplink_open(&rt->uplink, err) < 0) {
        return tph_error_wrap(err, "network isolated");
    }
    if (tph_io_new(rt->loop, tph_uplink_fd(rt->uplink), uplink_ended, rt, &rt->uplink_io, err) < 0) {
        close_uplink(rt);
        return -1;
    }
    tph_io_watch(rt->uplink_io, TPH_IO_READ);
    return 0;
}

const char *tph_process_uplink_changes(const struct tph_podrt *rt)
{
    const struct process_rt *own = (const struct process_rt *)(const void *)rt;
    return own->uplink ? tph_uplink_changes(own->uplink) : NULL;
}

static int start(struct tph_podrt *any, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                 struct tph_pod **ret_pod, struct tph_error *err)
{
    struct process_rt *rt = of_rt(any);
    if (spec->n_containers == 0 || spec->n_containers > TPH_LIMIT_CONTAINERS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a pod has 1 to %d containers, not %zu", TPH_LIMIT_CONTAINERS,
                             spec->n_containers);
    }
    if (rt->plain && spec->network != TPH_NETWORK_HOST) {
        return tph_error_set(err, TPH_ERROR_INVALID, "--unsafe-plain has the host's network only");
    }
    if (spec->network == TPH_NETWORK_ISOLATED && tph_process_open_uplink(any, err) < 0) {
        return -1;
    }
    struct process_pod *pod = TPH_NEW(struct process_pod);
    pod->pod.rt = any;
    pod->rt = rt;
    pod->event = event;
    pod->owner = owner;
    pod->arena = tph_arena_new();
    copy_spec(pod, spec);
    if (spec->note) {
        tph_process_degrade(pod, spec->note);
    }
    pod->containers = tph_calloc(spec->n_containers, sizeof(struct process_container));
    pod->next = rt->pods;
    if (rt->pods) {
        rt->pods->previous = pod;
    }
    rt->pods = pod;
    if (fill_pod(pod, spec, err) < 0) {
        pod_free(pod);
        return -1;
    }
    *ret_pod = &pod->pod;
    return 0;
}

static void tell_stopped(void *owner)
{
    struct process_pod *pod = owner;
    release_ports(pod); /* who hears of the end may start the next pod at once */
    tph_process_emit(pod, &(struct tph_pod_event){.kind = TPH_POD_STOPPED});
    pod_free(pod);
}

void tph_process_gone(struct process_pod *pod)
{
    for (size_t i = 0; i < pod->n_containers; i++) {
        if (pod->containers[i].sandbox) {
            return;
        }
    }
    tph_defer_cancel(pod->rt->loop, pod);
    tph_defer(pod->rt->loop, tell_stopped, pod);
}

static void stop(struct tph_pod *any, int64_t grace_ms)
{
    struct process_pod *pod = of_pod(any);
    bool first = !pod->stopping;
    pod->stopping = true;
    bool running = false;
    for (size_t i = 0; i < pod->n_containers; i++) {
        tph_process_container_end(&pod->containers[i], grace_ms);
        running = running || pod->containers[i].sandbox;
    }
    if (first && !running) {
        tph_process_gone(pod);
    }
}

static void restart(struct tph_pod *any, size_t container)
{
    struct process_pod *pod = of_pod(any);
    if (!pod->stopping && container < pod->n_containers) {
        tph_process_container_restart(&pod->containers[container]);
    }
}

/* Without the host's network each container has loopback of its own: the one that declares the port is meant. */
static struct process_container *serving(const struct process_pod *pod, uint16_t port)
{
    for (size_t i = 0; i < pod->n_containers; i++) {
        const struct tph_container *spec = pod->containers[i].spec;
        for (size_t j = 0; j < spec->n_ports; j++) {
            if (spec->ports[j].port == port) {
                return &pod->containers[i];
            }
        }
    }
    return &pod->containers[0];
}

static int dial(struct tph_pod *any, const char *host, uint16_t port)
{
    struct process_pod *pod = of_pod(any);
    if (pod->spec.network == TPH_NETWORK_HOST) {
        check_exposure(pod, port);
        return tph_dial_loopback(host, port);
    }
    const struct process_container *c = serving(pod, port);
    return c->sandbox ? tph_sandbox_dial(c->sandbox, host, port) : -ECONNREFUSED;
}

/* Without the host's network only the pod itself can listen. */
static int check(struct tph_pod *any, int fd, uint16_t port, struct tph_error *err)
{
    const struct process_pod *pod = of_pod(any);
    struct process_container *c = serving(pod, port);
    if (pod->spec.network != TPH_NETWORK_HOST) {
        return 0;
    }
    char who[160];
    c->owner.init = c->sandbox ? tph_sandbox_pid(c->sandbox) : 0;
    c->owner.plain = pod->rt->plain;
    enum tph_peer peer = tph_peer_look(fd, &c->owner, who, sizeof(who));
    if (peer == TPH_PEER_OWN) {
        return 0;
    }
    (void)clash(pod, port, who, err);
    return peer == TPH_PEER_UNSEEN ? -EAGAIN : -EACCES;
}

static int waiting(struct tph_pod *any, uint16_t port)
{
    return of_pod(any)->spec.network == TPH_NETWORK_HOST ? tph_peer_waiting(port) : -1;
}

static void log_tail(struct tph_pod *any, size_t container, size_t max_lines, struct tph_buf *buf)
{
    const struct process_pod *pod = of_pod(any);
    if (container < pod->n_containers) {
        tph_logs_tail(pod->containers[container].logs, max_lines, buf);
    }
}

static void free_rt(struct tph_podrt *any)
{
    struct process_rt *rt = of_rt(any);
    while (rt->pods) {
        pod_free(rt->pods);
    }
    tph_map_release(&rt->ports);
    tph_http_client_free(rt->http);
    tph_cgroups_free(rt->cgroups);
    close_uplink(rt);
    free(rt->pasta);
    tph_images_free(rt->images);
    free(rt);
}

static const struct tph_podrt_ops ops = {
    .name = "process",
    .start = start,
    .stop = stop,
    .restart = restart,
    .dial = dial,
    .check = check,
    .waiting = waiting,
    .log_tail = log_tail,
    .free = free_rt,
};

int tph_podrt_process_new(struct tph_loop *loop, const struct tph_process_options *options, struct tph_podrt **ret_rt,
                          struct tph_error *err)
{
    struct tph_images *images = NULL;
    const char *file = options ? options->images_file : NULL;
    if (options && options->unsafe_plain && geteuid() == 0) {
        (void)tph_error_set(err, TPH_ERROR_USAGE, "--unsafe-plain: as root a plugin without a sandbox would be root");
        return tph_error_hint(err, "leave it out, for root can make sandboxes, or run this as an ordinary user");
    }
    if (tph_images_new(&file, file ? 1 : 0, &images, err) < 0) {
        return -1;
    }
    struct process_rt *rt = TPH_NEW(struct process_rt);
    rt->rt.ops = &ops;
    rt->loop = loop;
    rt->plain = options && options->unsafe_plain;
    rt->images = images;
    rt->http = tph_http_client_new(loop);
    rt->cgroups = tph_cgroups_new();
    *ret_rt = &rt->rt;
    return 0;
}
