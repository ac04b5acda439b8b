/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/probe.h"

#include "base/alloc.h"
#include "base/limits.h"

struct tph_prober {
    struct tph_prober_options options;
    struct tph_http_client *http; /* borrowed */
    struct tph_timer *timer;
    struct tph_http_call *call;
    char *path;                   /* owned */
    int alike;                    /* answers alike in a row */
    bool last, told, state;
};

static void ask(void *owner);

static void count(struct tph_prober *p, bool good)
{
    const struct tph_probe *probe = p->options.probe;
    p->alike = good == p->last ? p->alike + 1 : 1;
    p->last = good;
    int enough = good ? probe->success_threshold : probe->failure_threshold;
    tph_timer_start(p->timer, (int64_t)probe->period_s * 1000);
    if (p->alike >= enough && (!p->told || p->state != good)) {
        p->told = true;
        p->state = good;
        p->options.changed(p->options.owner, good); /* last: the owner may free the prober */
    }
}

static void answered(void *owner, const struct tph_http_answer *answer)
{
    struct tph_prober *p = owner;
    p->call = NULL;
    if (p->options.probe->kind == TPH_PROBE_TCP) {
        /* Whoever takes the connection is there, whatever it says to an HTTP request. */
        count(p, answer->outcome != TPH_HTTP_REFUSED && answer->outcome != TPH_HTTP_CONNECT_ERROR);
    } else {
        count(p, answer->outcome == TPH_HTTP_ANSWERED && answer->status >= 200 && answer->status < 400);
    }
}

static void ask(void *owner)
{
    struct tph_prober *p = owner;
    const struct tph_probe *probe = p->options.probe;
    struct tph_http_request request = {
        .method = "GET",
        .host = "localhost",
        .port = probe->port,
        .target = p->path,
        .timeout_ms = (int64_t)probe->timeout_s * 1000,
        .max_reply = TPH_LIMIT_ERROR_BODY,
        .dial = p->options.dial,
        .dial_owner = p->options.dial_owner,
    };
    p->call = tph_http_call_start(p->http, &request, answered, p);
}

struct tph_prober *tph_prober_new(struct tph_loop *loop, struct tph_http_client *http, const struct tph_prober_options *options)
{
    struct tph_prober *p = TPH_NEW(struct tph_prober);
    p->options = *options;
    p->http = http;
    p->path = options->probe->path.len > 0 ? tph_str_dup(options->probe->path) : tph_strdup("/");
    p->timer = tph_timer_new(loop, ask, p);
    tph_timer_start(p->timer, (int64_t)options->probe->initial_delay_s * 1000);
    return p;
}

void tph_prober_free(struct tph_prober *p)
{
    if (p) {
        tph_timer_free(p->timer);
        tph_http_call_cancel(p->call);
        free(p->path);
        free(p);
    }
}
