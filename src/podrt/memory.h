/* SPDX-License-Identifier: Apache-2.0 */
/* A pod runtime without processes, for tests: containers do what a script says.
 *
 * A script belongs to a container's name and consists of lives: the n-th start of the container plays the n-th life,
 * the last one again and again. A container without a script starts, is ready, and runs until it is stopped. What
 * answers on its ports is the test's business: dial connects to this machine's loopback. Restarts follow the
 * spec's back-off as in every runtime. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"
#include "podrt/podrt.h"

enum tph_memory_act_kind {
    TPH_MEMORY_READY,       /* READY */
    TPH_MEMORY_UNREADY,     /* UNREADY */
    TPH_MEMORY_LOG,         /* a line `text` on standard output */
    TPH_MEMORY_LOG_STDERR,  /* the same on standard error */
    TPH_MEMORY_EXIT,        /* it ends with code; "Completed" for 0, else "Error" */
    TPH_MEMORY_OOM,         /* it ends with 137, "OOMKilled" */
    TPH_MEMORY_FAIL,        /* FAILED with `text`; as the first act of a life it comes in place of STARTED */
    TPH_MEMORY_DEGRADED,    /* DEGRADED with `text` */
    TPH_MEMORY_IGNORE_TERM, /* from now on SIGTERM does nothing: it goes when the grace period is over */
};

struct tph_memory_act {
    int64_t after_ms; /* since the act before it */
    enum tph_memory_act_kind kind;
    int code;
    const char *text; /* copied */
};

/* Freed with tph_podrt_free. */
struct tph_podrt *tph_podrt_memory_new(struct tph_loop *loop) TPH_MUST_CHECK;

/* Appends a life to the script of the container of that name. Every life begins with STARTED. */
void tph_memory_add_life(struct tph_podrt *rt, const char *container, const struct tph_memory_act *acts, size_t n);

/* From now on start refuses pods with that container: kind and text of the error. text NULL: no longer. */
void tph_memory_refuse(struct tph_podrt *rt, const char *container, enum tph_error_kind kind, const char *text);

/* Lets a running container do something in the next turn of the loop, beside its script. */
void tph_memory_act(struct tph_pod *pod, size_t container, const struct tph_memory_act *act);

/* What happened: how often a container of that name was started in all; the token of its latest pod ("" = none was
 * started); how many pods there are now. */
size_t tph_memory_starts(const struct tph_podrt *rt, const char *container);
const char *tph_memory_token(const struct tph_podrt *rt, const char *container);
size_t tph_memory_pods(const struct tph_podrt *rt);
