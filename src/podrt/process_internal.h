/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: a pod of processes.
 *
 *   process.c   the pod: start, stop, restart, what happens to its containers
 *   plan.c      from a container's spec to a sandbox's: program, environment, files, limits; every refusal */
#pragma once

#include "base/arena.h"
#include "podrt/backoff.h"
#include "podrt/cgroup.h"
#include "podrt/logs.h"
#include "podrt/podrt.h"
#include "podrt/probe.h"
#include "podrt/sandbox.h"

struct tph_process_rt {
    struct tph_podrt rt; /* first */
    struct tph_loop *loop;
    struct tph_http_client *http; /* for probes */
    struct tph_cgroups *cgroups;
    struct process_pod *pods;
};

enum container_state {
    CONTAINER_STARTING,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED, /* ended; its timer starts it again */
    CONTAINER_ENDED,  /* for good */
};

struct process_container {
    struct process_pod *pod;
    const struct tph_container *spec;
    struct tph_sandbox_spec sandbox_spec; /* in the pod's arena */
    struct tph_sandbox *sandbox;
    struct tph_logs *logs;
    struct tph_prober *readiness, *liveness;
    struct tph_timer *timer;
    struct tph_backoff backoff;
    enum container_state state;
    int64_t started_ms;
    int restarts;
    bool restart_now; /* it was ended to be started again */
    bool unhealthy;   /* its livenessProbe ended it */
};

struct process_pod {
    struct tph_pod pod; /* first */
    struct process_pod *next, *previous;
    struct tph_process_rt *rt;
    struct tph_arena *arena;
    struct tph_pod_spec spec; /* copied into the arena */
    tph_pod_event_fn *event;
    void *owner;
    struct process_container *containers;
    size_t n_containers;
    struct tph_timer *grace;
    bool stopping;
    bool freed_deferred;
};

/* Fills container->sandbox_spec, or says what this machine or the spec makes impossible. */
int tph_process_plan(struct process_container *container, struct tph_error *err) TPH_MUST_CHECK;
