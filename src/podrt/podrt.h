/* SPDX-License-Identifier: Apache-2.0 */
/* Running pods of sidecars: the interface. Implementations: process (sandboxed local processes), memory (tests).
 *
 * A pod is a few containers that live together; here mostly one plugin's sidecar. A runtime starts them, restarts them
 * with Kubernetes' back-off when they exit, runs their probes, keeps their logs, and stops them: SIGTERM, grace
 * period, SIGKILL. When the program dies, however, nothing of a pod stays: no process, mount, cgroup or file.
 * All calls and callbacks on the loop thread; no callback from inside a call. The suite in tests/podrt runs on
 * every implementation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/container.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_pod;
struct tph_podrt;

enum tph_network {
    TPH_NETWORK_HOST,     /* the machine's: ports can clash, which is an error that names the other */
    TPH_NETWORK_NONE,     /* a namespace of its own with loopback only; reach it with tph_pod_dial */
    TPH_NETWORK_ISOLATED, /* as none, with a way out to other machines */
};

/* Where Secrets and ConfigMaps come from. Namespace of the workflow, never of the plugin's ConfigMap. */
struct tph_pod_objects {
    /* Appends the value of key in Secret (decoded) or ConfigMap `name`. 0; 1 = no such object; 2 = no such key. */
    int (*value)(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name, struct tph_str key,
                 struct tph_buf *value);
    /* Calls each(key) for all keys. 0; 1 = no such object. */
    int (*keys)(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                void (*each)(void *each_owner, struct tph_str key), void *each_owner);
    void *owner;
};

struct tph_pod_container {
    const struct tph_container *spec; /* borrowed for the life of the pod */
    const char *token;                /* 32 characters for /var/run/argo/token; copied; never logged */
};

struct tph_pod_spec {
    struct tph_str ns, name, uid;
    const struct tph_pod_container *containers;
    size_t n_containers;
    const struct tph_volume *volumes; /* borrowed for the life of the pod */
    size_t n_volumes;
    enum tph_network network;
    const char *note;        /* what was asked for and is not so: told as a DEGRADED; NULL: nothing */
    int64_t restart_base_ms; /* first pause before a restart; doubles to 300 s, reset after 10 min */
    const char *plugin_dir;  /* host directory of the plugin, visible read-only at its own path; may be NULL */
    const char *logs_dir;    /* <logs_dir>/<pod>_<container>.log; NULL: only the last lines, in memory */
    const char *log_name;    /* of the one container's file in logs_dir, in place of that; it tells of lives, too */
    const char *title;       /* how messages call the pod: "plugin hello"; NULL: its name */
    const char *file;        /* the manifest it comes from, for cures; may be NULL */
    bool log_events;         /* somebody wants a LOG event for each line; a flood without them is cheap */
    struct tph_pod_objects objects;
};

enum tph_pod_event_kind {
    TPH_POD_STARTED,  /* a container runs: exec succeeded */
    TPH_POD_READY,    /* its readinessProbe succeeded; without one, right after STARTED */
    TPH_POD_UNREADY,  /* its readinessProbe failed */
    TPH_POD_EXITED,   /* it ended: exit, reason, restart_in_ms */
    TPH_POD_FAILED,   /* it cannot be started at all (message says why and the cure); it is not tried again */
    TPH_POD_LOG,      /* one line of its output, when the spec asks for log_events */
    TPH_POD_DEGRADED, /* this machine cannot enforce something, or the pod is more open than it need be (it listens
                       * on all interfaces): message, once per pod and reason */
    TPH_POD_STOPPED,  /* after tph_pod_stop: nothing of the pod is left; last event, the pod is freed after it */
};

struct tph_pod_event {
    enum tph_pod_event_kind kind;
    size_t container;       /* index; not for DEGRADED and STOPPED */
    int exit_code;          /* EXITED: 0-255, 128 + n after signal n (137 for a kill) */
    const char *reason;     /* EXITED: "Completed", "Error", "OOMKilled" */
    int64_t restart_in_ms;  /* EXITED: -1 = not restarted */
    int restarts;           /* EXITED: how often it ended so far */
    struct tph_str message; /* FAILED, DEGRADED, LOG: text, borrowed */
    bool stderr_stream;     /* LOG */
};

typedef void tph_pod_event_fn(void *owner, struct tph_pod *pod, const struct tph_pod_event *event);

struct tph_podrt_ops {
    const char *name; /* "process", "memory" */

    /* Checks the spec and starts every container. What a spec or this machine makes impossible is an error at
     * once (field path, or "port 4355 is in use by python3 (pid 4711)"); later failures come as events. spec
     * is copied, but for what its members say they borrow (each container's spec, and the volumes). */
    int (*start)(struct tph_podrt *rt, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                 struct tph_pod **ret_pod, struct tph_error *err);

    /* Begins to stop: SIGTERM, SIGKILL after grace_ms (0: at once), then STOPPED. Calling it again with a
     * shorter grace shortens it. Only LOG may come before STOPPED. */
    void (*stop)(struct tph_pod *pod, int64_t grace_ms);

    /* Restarts a container now, forgetting the back-off: for a changed file in development. One that runs is ended
     * as stop would (its EXITED says restart_in_ms 0); one that FAILED stays so. */
    void (*restart)(struct tph_pod *pod, size_t container);

    /* A connecting non-blocking TCP socket to port on loopback as the pod sees it, or -errno. host as in the
     * HTTP client ("127.0.0.1", "::1"). */
    int (*dial)(struct tph_pod *pod, const char *host, uint16_t port);

    /* Is it the pod's own process that has the other end of fd, a connection that dial made and that is there now? To
     * be asked before a secret is sent. 0; -EAGAIN: it cannot be told yet, to be asked again in a moment; -EACCES: it
     * is somebody else. Then err says who, and the cure. NULL: nobody else can be there. */
    int (*check)(struct tph_pod *pod, int fd, uint16_t port, struct tph_error *err);

    /* How many connections to port nobody has accepted yet; -1: that cannot be seen. NULL: the same. */
    int (*waiting)(struct tph_pod *pod, uint16_t port);

    /* The last lines of a container's output, oldest first, newline after each; at most max_lines. */
    void (*log_tail)(struct tph_pod *pod, size_t container, size_t max_lines, struct tph_buf *buf);

    /* Kills every pod without events and frees the runtime. Not from inside an event. */
    void (*free)(struct tph_podrt *rt);
};

/* Embedded first in each implementation. */
struct tph_podrt {
    const struct tph_podrt_ops *ops;
};
struct tph_pod {
    struct tph_podrt *rt;
};

static inline int tph_pod_start(struct tph_podrt *rt, const struct tph_pod_spec *spec, tph_pod_event_fn *event,
                                void *owner, struct tph_pod **ret_pod, struct tph_error *err)
{
    return rt->ops->start(rt, spec, event, owner, ret_pod, err);
}

static inline void tph_pod_stop(struct tph_pod *pod, int64_t grace_ms)
{
    pod->rt->ops->stop(pod, grace_ms);
}

static inline void tph_pod_restart(struct tph_pod *pod, size_t container)
{
    pod->rt->ops->restart(pod, container);
}

static inline int tph_pod_dial(struct tph_pod *pod, const char *host, uint16_t port)
{
    return pod->rt->ops->dial(pod, host, port);
}

static inline int tph_pod_check(struct tph_pod *pod, int fd, uint16_t port, struct tph_error *err)
{
    return pod->rt->ops->check ? pod->rt->ops->check(pod, fd, port, err) : 0;
}

static inline int tph_pod_waiting(struct tph_pod *pod, uint16_t port)
{
    return pod->rt->ops->waiting ? pod->rt->ops->waiting(pod, port) : -1;
}

static inline void tph_pod_log_tail(struct tph_pod *pod, size_t container, size_t max_lines, struct tph_buf *buf)
{
    pod->rt->ops->log_tail(pod, container, max_lines, buf);
}

static inline void tph_podrt_free(struct tph_podrt *rt)
{
    if (rt) {
        rt->ops->free(rt);
    }
}
TPH_DEFINE_CLEANUP(struct tph_podrt, tph_podrt_free);
