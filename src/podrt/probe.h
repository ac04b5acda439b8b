/* SPDX-License-Identifier: Apache-2.0 */
/* One probe of a container, asked again and again: httpGet and tcpSocket as Kubernetes means them.
 *
 * exec probes run nothing here: a runtime refuses them. Loop thread only. */
#pragma once

#include "api/container.h"
#include "http/client.h"
#include "loop/loop.h"

struct tph_prober;

/* good: what the probe came to, after as many answers alike as its thresholds ask; told on each change, first good
 * or bad included. */
typedef void tph_prober_fn(void *owner, bool good);

struct tph_prober_options {
    const struct tph_probe *probe; /* borrowed */
    tph_http_dial_fn *dial;        /* NULL: this machine's loopback */
    void *dial_owner;
    tph_prober_fn *changed;
    void *owner;
};

/* Begins after the probe's initial delay. */
struct tph_prober *tph_prober_new(struct tph_loop *loop, struct tph_http_client *http,
                                  const struct tph_prober_options *options) TPH_MUST_CHECK;
void tph_prober_free(struct tph_prober *prober);
