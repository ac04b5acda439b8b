/* SPDX-License-Identifier: Apache-2.0 */
/* The client's calls and the connections that are kept for a moment. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/client_internal.h"

enum {
    SPARE_TURNS = 2, /* of the loop that a connection waits for its next request: what follows is often deferred once */
    LOOK_AT = 64,    /* calls, the oldest first, to see who waits for long */
};

struct tph_http_client *tph_http_client_new(struct tph_loop *loop)
{
    struct tph_http_client *client = TPH_NEW(struct tph_http_client);
    client->loop = loop;
    return client;
}

void tph_client_close(struct connection *c)
{
    if (c) {
        tph_stream_close(&c->stream);
        free(c);
    }
}

/* Takes the spare connection at *slot out of the list. */
static struct connection *unlink_spare(struct tph_http_client *client, struct connection **slot)
{
    struct connection *c = *slot;
    *slot = c->next;
    c->next = NULL;
    client->n_spare--;
    return c;
}

/* Ends the connections that nobody wanted in time. */
static void sweep(void *owner)
{
    struct tph_http_client *client = owner;
    client->sweeping = false;
    for (struct connection **slot = &client->spare; *slot;) {
        if (++(*slot)->age >= SPARE_TURNS) {
            tph_client_close(unlink_spare(client, slot));
        } else {
            slot = &(*slot)->next;
        }
    }
    if (client->spare) {
        client->sweeping = true;
        tph_defer(client->loop, sweep, client);
    }
}

void tph_client_spare_ready(struct connection *c)
{
    struct tph_http_client *client = c->client;
    for (struct connection **slot = &client->spare; *slot; slot = &(*slot)->next) {
        if (*slot == c) {
            tph_client_close(unlink_spare(client, slot));
            return;
        }
    }
}

void tph_client_spare(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    struct connection *c = TPH_TAKE(call->connection);
    if (client->n_spare >= TPH_LIMIT_HTTP_SPARE) {
        tph_client_close(c);
        return;
    }
    c->call = NULL;
    c->age = 0;
    c->next = client->spare;
    client->spare = c;
    client->n_spare++;
    client->fresh = c;
    if (!client->sweeping) {
        client->sweeping = true;
        tph_defer(client->loop, sweep, client);
    }
}

static bool same_address(const struct connection *c, const struct tph_http_call *call)
{
    return c->port == call->port && c->dial == call->dial && c->dial_owner == call->dial_owner &&
           strcmp(c->host, call->host) == 0;
}

/* Others wait for the same server since long before. A server that serves one connection at a time would never come to
 * them while this one is kept; to any other a new connection now and then makes no difference. */
static bool others_starve(const struct tph_http_call *call)
{
    const struct tph_http_client *client = call->client;
    int64_t before = tph_loop_now_ms(client->loop) - TPH_LIMIT_HTTP_REUSE_MS;
    const struct tph_http_call *other = client->oldest;
    if (call->connection->made_ms > before) {
        return false;
    }
    for (int i = 0; i < LOOK_AT && other && other->started_ms <= before; i++, other = other->previous) {
        if (other != call && same_address(call->connection, other) && !tph_response_started(other->response)) {
            return true;
        }
    }
    return false;
}

bool tph_client_take_spare(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    for (struct connection **slot = &client->spare; *slot;) {
        struct connection *c = *slot;
        if (!same_address(c, call)) {
            slot = &c->next;
            continue;
        }
        (void)unlink_spare(client, slot);
        if (c != client->fresh && !tph_stream_quiet(&c->stream)) {
            tph_client_close(c);
            continue;
        }
        c->call = call;
        c->reused = true;
        call->connection = c;
        call->state = CALL_TALKING;
        memcpy(call->remote, c->remote, sizeof(call->remote));
        return true;
    }
    return false;
}

void tph_http_client_forget(struct tph_http_client *client, const void *dial_owner)
{
    for (struct connection **slot = &client->spare; *slot;) {
        if ((*slot)->dial && (*slot)->dial_owner == dial_owner) {
            tph_client_close(unlink_spare(client, slot));
        } else {
            slot = &(*slot)->next;
        }
    }
}

static void link_call(struct tph_http_client *client, struct tph_http_call *call)
{
    call->previous = NULL;
    call->next = client->calls;
    if (call->next) {
        call->next->previous = call;
    } else {
        client->oldest = call;
    }
    client->calls = call;
}

static void unlink_call(struct tph_http_call *call)
{
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        call->client->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    } else {
        call->client->oldest = call->previous;
    }
    call->next = call->previous = NULL;
}

/* Ends what is under way for the call; its memory stays. */
static void quiesce(struct tph_http_call *call)
{
    if (call->deferred) {
        tph_defer_cancel(call->client->loop, call);
        call->deferred = false;
    }
    tph_timer_stop(call->timer);
    tph_client_close(TPH_TAKE(call->connection));
    if (call->out.bytes) {
        explicit_bzero(call->out.bytes, call->head_len); /* the token */
    }
}

static void destroy(struct tph_http_call *call)
{
    tph_timer_free(call->timer);
    tph_response_free(call->response);
    tph_buf_release(&call->out);
    free(call);
}

/* Keeps the call's memory for the next one. */
static void recycle(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    if (client->n_pool >= TPH_LIMIT_HTTP_SPARE) {
        destroy(call);
        return;
    }
    if (call->out.capacity > TPH_LIMIT_HTTP_KEPT) {
        tph_buf_release(&call->out);
    }
    tph_response_reset(call->response, 0); /* lets a large body go now */
    call->next = client->pool;
    client->pool = call;
    client->n_pool++;
}

void tph_http_client_free(struct tph_http_client *client)
{
    if (!client) {
        return;
    }
    if (client->gone) {
        *client->gone = true;
    }
    while (client->calls) {
        struct tph_http_call *call = client->calls;
        unlink_call(call);
        quiesce(call);
        destroy(call);
    }
    while (client->pool) {
        struct tph_http_call *call = client->pool;
        client->pool = call->next;
        destroy(call);
    }
    while (client->spare) {
        tph_client_close(unlink_spare(client, &client->spare));
    }
    tph_defer_cancel(client->loop, client);
    free(client);
}

void tph_http_call_cancel(struct tph_http_call *call)
{
    if (call && call->state != CALL_FINISHED) {
        unlink_call(call);
        quiesce(call);
        recycle(call);
    }
}

void tph_http_call_renew(struct tph_http_call *call)
{
    if (call->state == CALL_FINISHED || tph_response_started(call->response)) {
        return;
    }
    call->deadline_ms = tph_loop_now_ms(call->client->loop) + call->timeout_ms;
    if (call->pause_ms == 0 && call->check_pause_ms == 0) {
        tph_timer_start(call->timer, call->timeout_ms); /* else it runs for something sooner, and is set again then */
    }
}

void tph_client_deliver(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    struct tph_http_answer answer = {
        .outcome = call->outcome,
        .status = tph_response_status(call->response),
        .reason = tph_response_reason(call->response),
        .body = tph_response_body(call->response),
        .duration_ms = tph_loop_now_ms(client->loop) - call->started_ms,
        .error = call->error,
        .remote = call->remote,
        .keep_alive = tph_response_reusable(call->response),
    };
    if (answer.outcome == TPH_HTTP_ANSWERED && answer.keep_alive && call->connection && call->sent == call->out.len &&
        !others_starve(call)) {
        tph_client_spare(call);
    }
    unlink_call(call);
    quiesce(call);
    bool gone = false;
    client->gone = &gone;
    call->done(call->owner, &answer);
    if (gone) {
        destroy(call);
        return;
    }
    client->gone = NULL;
    client->fresh = NULL;
    recycle(call);
}

static struct tph_http_call *new_call(struct tph_http_client *client)
{
    struct tph_http_call *call = client->pool;
    if (call) {
        client->pool = call->next;
        client->n_pool--;
        return call;
    }
    call = TPH_NEW(struct tph_http_call);
    call->client = client;
    call->timer = tph_timer_new(client->loop, tph_talk_timer_fired, call);
    call->response = tph_response_new(0);
    return call;
}

static void write_request(struct tph_http_call *call, const struct tph_http_request *request)
{
    struct tph_buf *out = &call->out;
    bool six = strchr(request->host, ':') != NULL;
    tph_buf_clear(out);
    out->max = TPH_LIMIT_HTTP_HEADER;
    (void)tph_buf_puts(out, request->method);
    (void)tph_buf_putc(out, ' ');
    (void)tph_buf_puts(out, request->target);
    (void)tph_buf_puts(out, " HTTP/1.1\r\n");
    if (!tph_http_headers_get(request->headers, request->n_headers, "Host")) {
        (void)tph_buf_puts(out, six ? "Host: [" : "Host: ");
        (void)tph_buf_puts(out, request->host);
        (void)tph_buf_puts(out, six ? "]:" : ":");
        (void)tph_buf_putu(out, request->port);
        (void)tph_buf_puts(out, "\r\n");
    }
    if (!tph_http_headers_get(request->headers, request->n_headers, "User-Agent")) {
        (void)tph_buf_puts(out, "User-Agent: tiphys/" TPH_VERSION "\r\n");
    }
    tph_http_headers_write(request->headers, request->n_headers, out);
    (void)tph_buf_puts(out, "Content-Length: ");
    (void)tph_buf_putu(out, request->body.len);
    (void)tph_buf_puts(out, "\r\n\r\n");
    call->head_len = out->len;
    out->max = out->len + TPH_LIMIT_DOCUMENT; /* for the body */
    (void)tph_buf_put(out, request->body);
}

static bool repeatable(const struct tph_http_request *request)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(request->method, methods[i]) == 0) {
            return true;
        }
    }
    return tph_http_headers_get(request->headers, request->n_headers, "Idempotency-Key") != NULL;
}

/* What of the request cannot be sent goes to error; false when there is such a thing. */
static bool fit(struct tph_http_call *call, const struct tph_http_request *request)
{
    size_t unfit = tph_http_headers_unfit(request->headers, request->n_headers);
    if (unfit < request->n_headers) {
        bool name = !tph_http_token(tph_str(request->headers[unfit].name));
        (void)snprintf(call->error, sizeof(call->error), "net/http: invalid header field %s for \"%.64s\"",
                       name ? "name" : "value", request->headers[unfit].name);
    } else if (!tph_http_token(tph_str(request->method))) {
        (void)snprintf(call->error, sizeof(call->error), "net/http: invalid method \"%.64s\"", request->method);
    } else if (!tph_http_target(tph_str(request->target)) || strlen(request->host) >= HOST_TEXT) {
        (void)snprintf(call->error, sizeof(call->error), "invalid URL \"http://%.64s:%u%.256s\"", request->host,
                       request->port, request->target);
    } else if (tph_buf_failed(&call->out)) {
        call->outcome = TPH_HTTP_TOO_LARGE;
        bool body = request->body.len > TPH_LIMIT_DOCUMENT;
        (void)snprintf(call->error, sizeof(call->error), "the request's %s in bytes is more than %zu",
                       body ? "body" : "head", body ? TPH_LIMIT_DOCUMENT : TPH_LIMIT_HTTP_HEADER);
    } else {
        return true;
    }
    return false;
}

/* What failed inside of start, told from the loop. */
static void start_failed(void *owner)
{
    struct tph_http_call *call = owner;
    call->deferred = false;
    if (call->failed != 0) {
        tph_talk_refuse(call, call->failed);
    } else {
        tph_talk_finish(call, call->outcome, call->error);
    }
}

struct tph_http_call *tph_http_call_start(struct tph_http_client *client, const struct tph_http_request *request,
                                          tph_http_done_fn *done, void *owner)
{
    struct tph_http_call *call = new_call(client);
    call->done = done;
    call->owner = owner;
    call->dial = request->dial;
    call->check = request->dial ? request->check : NULL;
    call->dial_owner = request->dial ? request->dial_owner : NULL;
    call->port = request->port;
    call->sent = 0;
    call->state = CALL_CONNECTING;
    call->outcome = TPH_HTTP_MALFORMED;
    call->failed = call->four_failed = call->write_failed = 0;
    call->address = 0;
    call->stranger = false;
    call->repeatable = repeatable(request);
    call->four_first = request->four_first;
    call->remote[0] = call->error[0] = '\0';
    call->started_ms = tph_loop_now_ms(client->loop);
    call->timeout_ms = request->timeout_ms;
    call->deadline_ms = call->started_ms + request->timeout_ms;
    call->pause_ms = call->check_pause_ms = 0;
    size_t host_len = strlen(request->host); /* fit refuses one that is too long */
    host_len = host_len < HOST_TEXT ? host_len : HOST_TEXT - 1;
    memcpy(call->host, request->host, host_len);
    call->host[host_len] = '\0';
    tph_response_reset(call->response, request->max_reply);
    link_call(client, call);
    write_request(call, request);
    tph_timer_start(call->timer, request->timeout_ms);
    bool sendable = fit(call, request);
    if (sendable) {
        (void)tph_client_take_spare(call);
        call->failed = tph_talk_begin(call);
    }
    if (!sendable || call->failed != 0) {
        call->deferred = true;
        tph_defer(client->loop, start_failed, call);
    }
    return call;
}
