/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the process runtime's files: process.c (runtime and pods), process_container.c (one container's lives),
 * process_prepare.c and process_volumes.c (from a spec to a sandbox's). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "podrt/backoff.h"
#include "podrt/cgroup.h"
#include "podrt/env.h"
#include "podrt/image.h"
#include "podrt/logs.h"
#include "podrt/pasta.h"
#include "podrt/peer.h"
#include "podrt/probe.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "podrt/sandbox_exec.h"
#include "podrt/uplink.h"

/* Where a container's fields stand in a manifest: what error texts begin with. */
#define TPH_CONTAINER_PATH "spec.sidecar.container"

struct process_rt {
    struct tph_podrt rt; /* first */
    struct tph_loop *loop;
    struct tph_images *images;    /* owned */
    struct tph_http_client *http; /* owned: probes */
    struct tph_cgroups *cgroups;  /* owned */
    bool plain;                   /* no sandboxes */
    struct tph_uplink *uplink;    /* owned; made for the first pod that needs it, as root */
    struct tph_io *uplink_io;     /* owned; that it is still there */
    char *pasta;                  /* owned; the same as an ordinary user */
    struct process_pod *pods;
    struct tph_map ports; /* bytes of a port number -> pod, on the host's network */
};

enum container_state {
    CONTAINER_PAUSED,   /* waits for its (re)start */
    CONTAINER_STARTING, /* a sandbox is there, exec is not confirmed */
    CONTAINER_RUNNING,
    CONTAINER_FAILED, /* it cannot be started; nothing follows */
};

struct process_container {
    struct process_pod *pod;
    size_t index;
    const struct tph_container *spec; /* borrowed from the pod's owner */
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    enum container_state state;
    struct tph_sandbox *sandbox; /* NULL when nothing runs */
    struct tph_peer_owner owner; /* of what listens on its ports */
    struct tph_logs *logs;
    struct tph_prober *readiness, *liveness;
    struct process_exec {
        struct tph_prober *prober;
        struct tph_sandbox_exec *running;
    } execs[2];              /* commands of probes under way: at most one of each */
    struct tph_timer *timer; /* PAUSED: the restart; else the end of the grace period */
    int64_t kill_at_ms;      /* loop time; 0 = nobody asked it to end */
    bool restart_now;        /* asked to end for a restart: no pause follows */
    bool ready;
    int64_t started_ms;
    struct tph_backoff backoff;
    int restarts;
};

struct process_pod {
    struct tph_pod pod; /* first */
    struct process_rt *rt;
    struct process_pod *next, *previous;
    struct tph_arena *arena;  /* copies of the spec's texts */
    struct tph_pod_spec spec; /* its texts in the arena; containers NULL */
    struct process_container *containers;
    size_t n_containers;
    uint16_t *ports; /* that it holds in rt->ports */
    size_t n_ports;
    bool exposure_known;
    struct tph_map degraded; /* what was told or waits to be told; texts in the arena */
    size_t told;             /* so many of them were told */
    bool stopping;
    tph_pod_event_fn *event;
    void *owner;
};

/* process.c */
void tph_process_emit(struct process_pod *pod, const struct tph_pod_event *event);
/* Tells a DEGRADED in the next turn, unless it was told before. */
void tph_process_degrade(struct process_pod *pod, const char *text);
/* A container of a pod that stops has gone. */
void tph_process_gone(struct process_pod *pod);

/* process_container.c */
int tph_process_container_open(struct process_container *c, struct process_pod *pod, size_t index,
                               const struct tph_pod_container *from, struct tph_error *err) TPH_MUST_CHECK;
void tph_process_container_close(struct process_container *c); /* kills what runs */
int tph_process_container_start(struct process_container *c, struct tph_error *err) TPH_MUST_CHECK;
/* SIGTERM, SIGKILL after the grace period; a shorter one than before counts. */
void tph_process_container_end(struct process_container *c, int64_t grace_ms);
void tph_process_container_restart(struct process_container *c);

/* process_prepare.c: what one start of a container needs. Holds Secrets: release wipes them. */
struct process_start {
    struct tph_sandbox_spec sandbox;
    struct tph_arena *arena;
    struct tph_environment env;
    char **envp;
    const char **argv;       /* in the arena */
    struct tph_buf *secrets; /* contents of files */
    size_t n_secrets;
};
void tph_process_start_release(struct process_start *start);

/* One start that is being put together. */
struct preparing {
    const struct process_container *c;
    const struct tph_container *spec;
    const struct tph_pod_spec *pod;
    const struct tph_image *image; /* NULL: the map does not know it */
    struct process_start *out;
    struct tph_error *err;
};

/* Resolves spec, image, environment, volumes. Errors name the field, and the cure. */
int tph_process_prepare(const struct process_container *c, struct process_start *ret, struct tph_error *err)
    TPH_MUST_CHECK;

/* process_volumes.c: the token, and what volumeMounts ask for. */
int tph_process_prepare_volumes(const struct preparing *p) TPH_MUST_CHECK;
