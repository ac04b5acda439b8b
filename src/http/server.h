/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 server: requests in, answers whole or as a stream out.
 *
 * A handler gets an exchange for each request and answers it now or later, in one piece (reply) or as a stream (begin,
 * write, end). One exchange a connection at a time; pipelined requests wait. Everything a client sends or keeps us
 * waiting for is bounded by the configuration; nonsense is answered with its status and closes that connection.
 * Clients that leave are seen at once: the reading side is never paused but for a client that pipelines too much. A
 * client that ends its sending side before it has its answer counts as gone, for nobody can tell the two apart.
 *
 * Bytes pass through http/stream.h only; a filter there makes it HTTPS. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "http/field.h"
#include "loop/loop.h"

struct tph_http_server;
struct tph_http_exchange;
struct tph_stream_filter;

/* How an exchange came to its end. */
enum tph_http_end {
    TPH_HTTP_END_ANSWERED, /* all of the answer was given to the kernel */
    TPH_HTTP_END_GONE,     /* the client left first */
    TPH_HTTP_END_STALLED,  /* the client took nothing for too long */
    TPH_HTTP_END_SHUT,     /* the server was freed */
    TPH_HTTP_END_COUNT,
};

struct tph_http_handler {
    /* The head of a request with a body is there, the body not yet. An answer given here is sent at once, the body is
     * dropped, and the connection ends. NULL: nobody is asked. */
    void (*head)(void *owner, struct tph_http_exchange *exchange);
    /* The request is whole. */
    void (*request)(void *owner, struct tph_http_exchange *exchange);
    /* A write that was refused may be tried again. NULL is fine. */
    void (*drained)(void *owner, struct tph_http_exchange *exchange);
    /* The exchange is over and goes away as this returns. Once for each that head or request saw, but not for those
     * that were aborted. Never from inside of a function of this header but server_free. NULL is fine. */
    void (*ended)(void *owner, struct tph_http_exchange *exchange, enum tph_http_end how);
};

/* Where a number is 0 its limit of base/limits.h holds (HTTP_CONNECTIONS, HTTP_REQUEST, HTTP_QUEUE, HTTP_BODIES,
 * HTTP_HEAD_MS, ...). */
struct tph_http_server_config {
    const char *host;                       /* IPv4 or IPv6 literal */
    uint16_t port;                          /* 0: the kernel chooses */
    const struct tph_http_handler *handler; /* lives as long as the server */
    void *owner;
    const struct tph_stream_filter
        *filter; /* under each connection, as TLS; NULL: none. Its handshake counts to head_ms */
    void *filter_owner;
    size_t max_connections; /* further clients wait in the kernel's queue */
    size_t max_each;        /* of one address, further ones are closed at once; never those of the loopback device */
    size_t max_body;
    size_t max_queue;  /* of one stream */
    size_t max_bodies; /* of all requests together: past it they get 503 */
    int64_t head_ms, body_ms, idle_ms, stall_ms, linger_ms;
};

int tph_http_server_new(struct tph_loop *loop, const struct tph_http_server_config *config,
                        struct tph_http_server **ret_server, struct tph_error *err) TPH_MUST_CHECK;
/* Closes everything; ended is called for what was under way. May be called in a handler. NULL is fine. */
void tph_http_server_free(struct tph_http_server *server);
TPH_DEFINE_CLEANUP(struct tph_http_server, tph_http_server_free);

/* Takes no new connections and no further requests; answers under way are finished. */
void tph_http_server_drain(struct tph_http_server *server);

uint16_t tph_http_server_port(const struct tph_http_server *server);
size_t tph_http_server_connections(const struct tph_http_server *server);

/* The request. Texts live until ended; the body is there from `request` on. */
const char *tph_http_exchange_method(const struct tph_http_exchange *exchange); /* "GET" */
const char *tph_http_exchange_target(const struct tph_http_exchange *exchange); /* "/api?x=y" */
/* The value of a field, whatever the case of its name; NULL when there is none. The first of several. */
const char *tph_http_exchange_header(const struct tph_http_exchange *exchange, const char *name);
const struct tph_http_header *tph_http_exchange_headers(const struct tph_http_exchange *exchange, size_t *ret_n);
struct tph_str tph_http_exchange_body(const struct tph_http_exchange *exchange);

/* Where the client is: "192.0.2.7:40112"; "" when it has left. */
void tph_http_exchange_peer(const struct tph_http_exchange *exchange, char *text, size_t size);

/* A pointer of the handler's own; NULL at first. */
void tph_http_exchange_set_user(struct tph_http_exchange *exchange, void *user);
void *tph_http_exchange_user(const struct tph_http_exchange *exchange);

/* Everything is copied or sent before the call returns. Headers must be fit (http/field.h), else 500 is sent in their
 * place. Content-Length or Transfer-Encoding, Connection and Date are set by the server. */
struct tph_http_reply {
    int status;
    const struct tph_http_header *headers;
    size_t n_headers;
    struct tph_str body; /* reply only */
};

/* The whole answer. A second answer to one exchange is ignored. */
void tph_http_exchange_reply(struct tph_http_exchange *exchange, const struct tph_http_reply *reply);

/* An answer in pieces: what is written in one turn of the loop leaves together at its end. */
void tph_http_exchange_begin(struct tph_http_exchange *exchange, const struct tph_http_reply *reply);
enum tph_http_write {
    TPH_HTTP_WRITTEN, /* taken */
    TPH_HTTP_FULL,    /* nothing of it was taken, for the client reads too slowly: wait for drained, or abort */
};
enum tph_http_write tph_http_exchange_write(struct tph_http_exchange *exchange, struct tph_str bytes) TPH_MUST_CHECK;
void tph_http_exchange_end(struct tph_http_exchange *exchange);
size_t tph_http_exchange_queued(const struct tph_http_exchange *exchange); /* bytes that the client has not taken */

/* Closes the connection, whatever was sent: the client sees a broken answer. The exchange is gone; ended is not called.
 */
void tph_http_exchange_abort(struct tph_http_exchange *exchange);
