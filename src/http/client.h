/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 client for plugins on this machine: plain HTTP, IPv4 and IPv6 literals and "localhost" only.
 *
 * Made for the servers in the wild (docs/plugins.md): HTTP/1.0 answers that end with the connection, answers before the
 * request was read, two answers in a row, no Content-Type. One request a connection, unless the server showed
 * HTTP/1.1 keep-alive with Content-Length and the next request is there at once: an idle connection blocks
 * single-threaded servers. "localhost" tries ::1, then 127.0.0.1; both together are one try. Everything from the peer
 * is bounded by base/limits.h. Loop thread only.
 *
 * Single-threaded servers have small queues, and the kernel drops who does not fit in and tries again only after a
 * second: a connection that is not made soon is given up and begun anew (TPH_LIMIT_HTTP_CONNECT_MS). A connection is
 * not kept for long while others wait for the same server (TPH_LIMIT_HTTP_REUSE_MS).
 *
 * A kept connection that the server closes before one byte of the answer came is replaced by a fresh one, once, without
 * a word to the caller, when that is safe: nothing of the request was sent, or it may be repeated (GET, HEAD, OPTIONS,
 * TRACE, or a field Idempotency-Key). That is Go's rule.
 */
#pragma once

#include "base/str.h"
#include "http/field.h"
#include "loop/loop.h"

struct tph_http_client;
struct tph_http_call;

enum tph_http_outcome {
    TPH_HTTP_ANSWERED,      /* a whole head and body came: status and body are set */
    TPH_HTTP_REFUSED,       /* nobody listens there */
    TPH_HTTP_CONNECT_ERROR, /* any other failure to connect */
    TPH_HTTP_RESET,         /* the connection broke before a whole answer: also a body shorter than its length */
    TPH_HTTP_EOF,           /* closed without one byte of answer */
    TPH_HTTP_TIMEOUT,       /* timeout_ms passed */
    TPH_HTTP_TOO_LARGE,     /* head or body past its ceiling */
    TPH_HTTP_STRANGER,      /* check says that somebody else listens there: nothing was sent, error says who */
    TPH_HTTP_MALFORMED,     /* what came is not HTTP, or the request cannot be sent: a line break in a header */
    TPH_HTTP_OUTCOME_COUNT,
};

/* How to get a connected stream socket to host and port when it is not by an ordinary connect: sidecars with a
 * network namespace of their own. Returns a connecting or connected non-blocking descriptor, or -errno. */
typedef int tph_http_dial_fn(void *owner, const char *host, uint16_t port);

/* Asked once for each new connection, when it is there and before a byte is sent. 0: send; -EAGAIN: it cannot be told
 * yet, and is asked again soon, for TPH_LIMIT_HTTP_CHECK_MS in all; any other: the call ends with STRANGER and with the
 * text that was written to why. */
typedef int tph_http_check_fn(void *owner, int fd, uint16_t port, char *why, size_t size);

struct tph_http_request {
    const char *method; /* "POST"; not HEAD, whose answers have no body */
    const char *host;   /* "localhost", "127.0.0.1", "::1" */
    bool four_first;    /* "localhost": 127.0.0.1 is tried before ::1, for it was there before */
    uint16_t port;
    const char *target;                    /* "/api/v1/template.execute" */
    const struct tph_http_header *headers; /* besides Content-Length and Connection; Host and User-Agent of
                                            * their own take the place of ours */
    size_t n_headers;
    struct tph_str body;      /* copied, at most TPH_LIMIT_DOCUMENT */
    int64_t timeout_ms;       /* from now to the last byte */
    size_t max_reply;         /* ceiling for the body */
    tph_http_dial_fn *dial;   /* NULL: ordinary connect */
    tph_http_check_fn *check; /* NULL: whoever is there gets it; only with dial */
    void *dial_owner;         /* of both */
};

struct tph_http_answer {
    enum tph_http_outcome outcome;
    int status;            /* 200 */
    struct tph_str reason; /* "OK": as the server sent it, also a phrase of its own */
    struct tph_str
        body; /* borrowed until the callback returns; what had come also when not ANSWERED, cut at max_reply */
    int64_t duration_ms;
    const char *error;  /* in Go's words, for messages: "dial tcp 127.0.0.1:4355: connect: connection refused", "EOF" */
    const char *remote; /* "127.0.0.1:4355": the address that was tried last */
    bool keep_alive;    /* the server keeps connections: it can hold several */
};

/* Called exactly once for each call that was not cancelled, never from inside tph_http_call_start. May start and cancel
 * calls and free the client. A call that is started in it, or before the next turn of the loop ends, gets the
 * connection of this one where that can be kept. */
typedef void tph_http_done_fn(void *owner, const struct tph_http_answer *answer);

struct tph_http_client *tph_http_client_new(struct tph_loop *loop) TPH_MUST_CHECK;
/* Ends idle connections and cancels what is under way, without callbacks. */
void tph_http_client_free(struct tph_http_client *client);
TPH_DEFINE_CLEANUP(struct tph_http_client, tph_http_client_free);

/* Closes kept connections that were made by this dial_owner: call it before that is freed. */
void tph_http_client_forget(struct tph_http_client *client, const void *dial_owner);

/* The call is freed by the client after done was called or after cancel. */
struct tph_http_call *tph_http_call_start(struct tph_http_client *client, const struct tph_http_request *request,
                                          tph_http_done_fn *done, void *owner) TPH_MUST_CHECK;
/* Counts the call's time anew from now on, unless an answer has begun to come: for one that could not be taken before.
 */
void tph_http_call_renew(struct tph_http_call *call);
/* Closes the connection; no callback. NULL is fine, and so is a call whose done is running: it changes nothing. */
void tph_http_call_cancel(struct tph_http_call *call);
