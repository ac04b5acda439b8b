/* SPDX-License-Identifier: Apache-2.0 */
/* One pod runtime under test: what its containers should do, and what was heard of them.
 *
 * A test says what a container does in words that every implementation can carry out (enum deed); each implementation
 * translates: the in-memory one to a script, the process one to a shell command.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/container.h"
#include "base/arena.h"
#include "base/buf.h"
#include "loop/loop.h"
#include "podrt/podrt.h"

enum { MAX_CONTAINERS = 4, MAX_EVENTS = 4096, PATIENCE_MS = 20000 };

enum deed {
    RUNS,         /* until it is stopped; SIGTERM ends it */
    EXITS,        /* at once, with a code */
    IGNORES_TERM, /* runs, SIGKILL alone ends it */
    WRITES,       /* a text to standard output, then runs */
    WRITES_ERROR, /* the same to standard error */
    WRITES_EXITS, /* a text, the last line without its newline, then exits with a code */
};

struct heard {
    enum tph_pod_event_kind kind;
    size_t container;
    int exit_code, restarts;
    char reason[32];
    int64_t restart_in_ms, at_ms;
    char *message; /* owned */
    bool stderr_stream;
};

struct harness;

struct implementation {
    const char *name;
    const char *unavailable; /* why it cannot run here, or NULL */
    struct tph_podrt *(*make)(struct tph_loop *loop);
    /* Makes the next container of the pod do `deed`; fills its command, or writes a script. */
    void (*prepare)(struct harness *h, struct tph_container *container, enum deed deed, int code, const char *text);
};

struct harness {
    const struct implementation *implementation;
    struct tph_loop *loop;
    struct tph_podrt *rt;
    struct tph_arena *arena;
    struct tph_pod *pod;      /* NULL before start and after STOPPED */
    struct tph_pod *beside;   /* another one that was started before: what it says is not heard */
    struct tph_pod_spec spec; /* tests may change it before start */
    struct tph_container containers[MAX_CONTAINERS];
    struct tph_pod_container pod_containers[MAX_CONTAINERS];
    struct heard events[MAX_EVENTS];
    size_t n_events;
    bool in_call; /* start, stop or restart is on the stack: no event may come */
    bool timed_out;
    struct tph_timer *patience;
    /* What is awaited. */
    enum tph_pod_event_kind awaited;
    size_t awaited_n;
};

extern const struct implementation memory_implementation, process_implementation, trace_implementation;

/* cmocka set-up and tear-down; *state is the implementation before, the harness after. */
int harness_open(void **state);
int harness_close(void **state);

/* Adds a container "c0", "c1", ... to the pod. */
struct tph_container *harness_add(struct harness *h, enum deed deed, int code, const char *text);
/* One that runs a script with sh, and is not restarted meanwhile. */
struct tph_container *harness_add_script(struct harness *h, const char *script);
void harness_set_one_port(struct harness *h, struct tph_container *c, uint16_t number);
/* A socket that listens on an address of the host, at a port that the kernel chose; the caller closes it. */
int harness_listen_on(uint32_t address, uint16_t *ret_port);
uint16_t harness_free_port(void);

/* Starts; a failure fails the test. */
void harness_start(struct harness *h);
int harness_try_start(struct harness *h, struct tph_error *err);
void harness_stop(struct harness *h, int64_t grace_ms);
void harness_restart(struct harness *h, size_t container);

/* Runs the loop until n events of the kind were heard in all; fails the test when that does not come. Returns the
 * n-th. */
const struct heard *harness_await(struct harness *h, enum tph_pod_event_kind kind, size_t n);
/* Runs the loop for a time: for what must not happen. */
void harness_let_pass(struct harness *h, int64_t ms);
size_t harness_count(const struct harness *h, enum tph_pod_event_kind kind);
const struct heard *harness_last(const struct harness *h);
int64_t harness_now_ms(void);
/* By how much times that are promised may be longer in this build: sanitizers slow it down. */
int harness_slowness(void);
