/* SPDX-License-Identifier: Apache-2.0 */
/* One probe of a container, asked again and again: httpGet, tcpSocket and exec as Kubernetes means them.
 *
 * A verdict changes after as many answers alike as the probe's thresholds ask. With `eager` a probe that has not
 * succeeded yet is asked again after 20 ms, doubling to its period, so that nobody waits ten seconds for a
 * server that needs one to start; answers before the first success do not count as failures then. Loop thread only.
 */
#pragma once

#include "api/container.h"
#include "http/client.h"
#include "loop/loop.h"

struct tph_prober;

/* Told on each change of the verdict, the first good or bad one included; for a bad one why. The prober may be freed in
 * it. */
typedef void tph_prober_fn(void *owner, bool good, const char *why);

/* Runs a command in the container: exec probes. Each call of start is answered by one tph_prober_answer, or taken back
 * by cancel. */
struct tph_prober_exec {
    int (*start)(void *owner, struct tph_prober *prober, const struct tph_probe *probe);
    void (*cancel)(void *owner, struct tph_prober *prober);
};

struct tph_prober_options {
    const struct tph_probe *probe; /* borrowed */
    bool eager;
    tph_http_dial_fn *dial; /* NULL: this machine's loopback */
    const struct tph_prober_exec *exec;
    tph_prober_fn *changed;
    void *owner; /* of all of them */
};

/* Begins after the probe's initial delay. */
struct tph_prober *tph_prober_new(struct tph_loop *loop, struct tph_http_client *http,
                                  const struct tph_prober_options *options) TPH_MUST_CHECK;
void tph_prober_free(struct tph_prober *prober); /* NULL is fine */

/* What an exec came to. why: for a bad one. */
void tph_prober_answer(struct tph_prober *prober, bool good, const char *why);
