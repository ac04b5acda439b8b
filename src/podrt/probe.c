/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "http/field.h"
#include "podrt/dial.h"

enum { EAGER_MS = 20 };

struct tph_prober {
    struct tph_loop *loop;
    struct tph_prober_options options;
    struct tph_http_client *http; /* borrowed */
    struct tph_timer *timer;      /* the next question */
    struct tph_timer *timeout;    /* of a TCP or exec question */
    struct tph_http_call *call;
    int socket; /* a connect under way; -1 = none */
    struct tph_io *socket_io;
    bool second_address; /* 127.0.0.1 refused: ::1 is tried */
    bool executing;
    char *path;                      /* owned */
    struct tph_http_header *headers; /* owned, with their texts */
    size_t n_headers;
    int64_t eager_ms;
    int alike; /* answers alike in a row */
    bool last, told, verdict;
};

static void ask(void *owner);

static int64_t seconds(int n)
{
    return (int64_t)n * 1000;
}

static void end_question(struct tph_prober *p)
{
    tph_timer_stop(p->timeout);
    tph_io_free(p->socket_io);
    p->socket_io = NULL;
    tph_fd_close(&p->socket);
    tph_http_call_cancel(p->call);
    p->call = NULL;
    if (p->executing) {
        p->executing = false;
        p->options.exec->cancel(p->options.owner, p);
    }
}

static void answer(struct tph_prober *p, bool good, const char *why)
{
    const struct tph_probe *probe = p->options.probe;
    p->alike = good == p->last ? p->alike + 1 : 1;
    p->last = good;
    int64_t pause_ms = seconds(probe->period_s);
    bool waiting = p->options.eager && !(p->told && p->verdict);
    if (waiting && !good && !p->told) {
        pause_ms = p->eager_ms < pause_ms ? p->eager_ms : pause_ms;
        p->eager_ms *= 2;
        p->alike = 0;
    } else if (waiting && good) {
        pause_ms = EAGER_MS < pause_ms ? EAGER_MS : pause_ms; /* the rest of successThreshold */
    }
    tph_timer_start(p->timer, pause_ms);
    int enough = good ? probe->success_threshold : probe->failure_threshold;
    if (p->alike >= enough && (!p->told || p->verdict != good)) {
        if (good) {
            tph_timer_start(p->timer, seconds(probe->period_s));
        }
        p->told = true;
        p->verdict = good;
        p->options.changed(p->options.owner, good, why); /* last: the owner may free the prober */
    }
}

/* httpGet */

static void http_answered(void *owner, const struct tph_http_answer *a)
{
    struct tph_prober *p = owner;
    p->call = NULL;
    char why[160];
    if (a->outcome == TPH_HTTP_ANSWERED) {
        (void)snprintf(why, sizeof(why), "HTTP status %d", a->status);
        answer(p, a->status >= 200 && a->status < 400, why);
    } else {
        (void)snprintf(why, sizeof(why), "%s", a->error ? a->error : "no answer");
        answer(p, false, why);
    }
}

static void ask_http(struct tph_prober *p)
{
    const struct tph_probe *probe = p->options.probe;
    struct tph_http_request request = {
        .method = "GET",
        .host = "localhost",
        .port = probe->port,
        .target = p->path,
        .headers = p->headers,
        .n_headers = p->n_headers,
        .timeout_ms = seconds(probe->timeout_s),
        .max_reply = TPH_LIMIT_ERROR_BODY,
        .dial = p->options.dial,
        .dial_owner = p->options.owner,
    };
    p->call = tph_http_call_start(p->http, &request, http_answered, p);
}

/* tcpSocket */

static void connect_next(struct tph_prober *p);

static void socket_ready(void *owner, unsigned events)
{
    struct tph_prober *p = owner;
    int problem = 0;
    socklen_t len = sizeof(problem);
    (void)events;
    if (getsockopt(p->socket, SOL_SOCKET, SO_ERROR, &problem, &len) < 0) {
        problem = errno;
    }
    tph_io_free(p->socket_io);
    p->socket_io = NULL;
    tph_fd_close(&p->socket);
    if (problem != 0 && !p->second_address) {
        p->second_address = true;
        connect_next(p);
        return;
    }
    tph_timer_stop(p->timeout);
    answer(p, problem == 0, strerrordesc_np(problem));
}

static void connect_next(struct tph_prober *p)
{
    const char *host = p->second_address ? "::1" : "127.0.0.1";
    uint16_t port = p->options.probe->port;
    struct tph_error err = TPH_ERROR_INIT;
    p->socket = p->options.dial ? p->options.dial(p->options.owner, host, port) : tph_dial_loopback(host, port);
    if (p->socket < 0 && !p->second_address) {
        p->second_address = true;
        connect_next(p);
    } else if (p->socket < 0 || tph_io_new(p->loop, p->socket, socket_ready, p, &p->socket_io, &err) < 0) {
        int problem = p->socket < 0 ? -p->socket : EMFILE;
        p->socket = p->socket < 0 ? -1 : p->socket;
        tph_fd_close(&p->socket);
        tph_timer_stop(p->timeout);
        answer(p, false, strerrordesc_np(problem));
    } else {
        tph_io_watch(p->socket_io, TPH_IO_WRITE);
    }
}

/* Of a connect or an exec. */
static void timed_out(void *owner)
{
    struct tph_prober *p = owner;
    end_question(p);
    answer(p, false, "timed out");
}

void tph_prober_answer(struct tph_prober *p, bool good, const char *why)
{
    p->executing = false;
    tph_timer_stop(p->timeout);
    answer(p, good, why);
}

static void ask(void *owner)
{
    struct tph_prober *p = owner;
    switch (p->options.probe->kind) {
    case TPH_PROBE_HTTP:
        ask_http(p);
        return;
    case TPH_PROBE_TCP:
        p->second_address = false;
        tph_timer_start(p->timeout, seconds(p->options.probe->timeout_s));
        connect_next(p);
        return;
    case TPH_PROBE_EXEC:
        tph_timer_start(p->timeout, seconds(p->options.probe->timeout_s));
        p->executing = true;
        if (p->options.exec->start(p->options.owner, p, p->options.probe) < 0) {
            tph_prober_answer(p, false, "the command could not be started");
        }
        return;
    case TPH_PROBE_NONE:
        return;
    }
}

/* The probe's headers, and those of Kubernetes that it does not give itself. */
static void make_headers(struct tph_prober *p)
{
    static const struct tph_http_header usual[] = {{"User-Agent", "kube-probe/1.34"}, {"Accept", "*/*"}};
    const struct tph_probe *probe = p->options.probe;
    enum { N_USUAL = sizeof(usual) / sizeof(usual[0]) };
    p->headers = tph_calloc(probe->n_headers + N_USUAL, sizeof(*p->headers));
    for (size_t i = 0; i < probe->n_headers; i++) {
        p->headers[p->n_headers++] = (struct tph_http_header){.name = tph_str_dup(probe->headers[i].name),
                                                              .value = tph_str_dup(probe->headers[i].value)};
    }
    for (size_t i = 0; i < N_USUAL; i++) {
        if (!tph_http_headers_get(p->headers, p->n_headers, usual[i].name)) {
            p->headers[p->n_headers++] =
                (struct tph_http_header){.name = tph_strdup(usual[i].name), .value = tph_strdup(usual[i].value)};
        }
    }
}

struct tph_prober *tph_prober_new(struct tph_loop *loop, struct tph_http_client *http,
                                  const struct tph_prober_options *options)
{
    const struct tph_probe *probe = options->probe;
    struct tph_prober *p = TPH_NEW(struct tph_prober);
    p->loop = loop;
    p->options = *options;
    p->http = http;
    p->socket = -1;
    p->eager_ms = EAGER_MS;
    bool rooted = probe->path.len > 0 && probe->path.p[0] == '/';
    p->path = tph_format("%s%.*s", rooted ? "" : "/", TPH_FMT(probe->path));
    make_headers(p);
    p->timer = tph_timer_new(loop, ask, p);
    p->timeout = tph_timer_new(loop, timed_out, p);
    tph_timer_start(p->timer, seconds(probe->initial_delay_s));
    return p;
}

void tph_prober_free(struct tph_prober *p)
{
    if (p) {
        end_question(p);
        tph_timer_free(p->timer);
        tph_timer_free(p->timeout);
        for (size_t i = 0; i < p->n_headers; i++) {
            free((char *)(uintptr_t)p->headers[i].name);
            free((char *)(uintptr_t)p->headers[i].value);
        }
        free(p->headers);
        free(p->path);
        free(p);
    }
}
