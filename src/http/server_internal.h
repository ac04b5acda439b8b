/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the HTTP server only. server.c: the listener, the connections and their deadlines. input.c: bytes that
 * come, up to the handler. output.c: answers, up to the kernel.
 *
 * Every entry from the loop stands between enter and leave. What is closed in between stays in memory until the
 * outermost leave, so that a handler may abort its exchange or free the server under our feet. */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "http/request.h"
#include "http/server.h"
#include "http/status.h"
#include "http/stream.h"

enum { SERVER_READ = 65536 };

/* What a connection waits for. All that wait for the same have the same time, so each list is in the order of its
 * deadlines, and one timer serves them all. */
enum wait {
    WAIT_IDLE, /* for the first byte of a request */
    WAIT_HEAD,
    WAIT_BODY,
    WAIT_STALL,   /* for the client to take something */
    WAIT_LINGER,  /* for the client to stop sending what nobody wants */
    WAIT_HANDLER, /* for our own side: no deadline */
    WAIT_COUNT,
};

/* The connections of one address. */
struct peer {
    size_t n;
    unsigned char address[16];
};

struct conn {
    struct conn *next, *previous; /* in the list of its wait; next also among the dead */
    struct conn *next_dirty;
    struct tph_http_server *server;
    struct tph_stream stream;
    struct peer *peer;                  /* NULL: not counted */
    struct tph_http_exchange *exchange; /* NULL between two requests */
    struct tph_buf in;                  /* pipelined, from in_at on */
    struct tph_buf out;                 /* not yet taken by the kernel, from out_at on */
    size_t in_at, out_at;
    int64_t deadline_ms;
    enum wait wait;
    bool last;    /* closes after this answer */
    bool unread;  /* and the request was not read to its end */
    bool eof;     /* nothing more comes from the client */
    bool paused;  /* is not read for the moment */
    bool dirty;   /* in the list of those to be flushed at the end */
    bool reading; /* its input is being read: what is answered now is settled there */
    bool dead;
};

struct tph_http_exchange {
    struct tph_http_exchange *next; /* in the pool */
    struct conn *conn;
    struct tph_request *request;
    void *user;
    size_t charged; /* bytes of the body that count against max_bodies */
    bool seen;      /* by the handler */
    bool answered;  /* the head of the answer is written */
    bool complete;  /* all of it is written */
    bool chunked, bare, starved;
    bool refused; /* answered by ourselves */
};

struct list {
    struct conn *first, *last;
};

struct tph_http_server {
    struct tph_loop *loop;
    struct tph_http_server_config config;
    int64_t wait_ms[WAIT_COUNT];
    struct tph_stream listener;
    uint16_t port;
    struct list lists[WAIT_COUNT];
    struct tph_timer *timer;
    int64_t timer_due_ms; /* INT64_MAX: not started */
    int64_t retry_ms;     /* when to accept again after descriptors ran out; INT64_MAX: no need */
    size_t n_connections;
    struct tph_map peers; /* owned: struct peer by address, while it has connections */
    size_t body_bytes;
    struct conn *dirty, *dead;
    struct tph_http_exchange *pool;
    size_t n_pool;
    struct tph_buf scratch; /* for heads of answers */
    int64_t date_s;
    char date[TPH_HTTP_DATE];
    int busy; /* entries from the loop that have not returned */
    bool deferred, accepting, draining, doomed;
    char bytes[SERVER_READ];
};

/* server.c */
void tph_server_enter(struct tph_http_server *server);
void tph_server_leave(struct tph_http_server *server); /* may free the server */
void tph_conn_wait(struct conn *conn, enum wait wait); /* (re)starts the time for it */
void tph_conn_watch(struct conn *conn);
/* Ends the exchange, with a word to the handler that has seen it, and the connection. */
void tph_conn_close(struct conn *conn, enum tph_http_end how);
/* Takes the exchange off and tells its handler. */
void tph_conn_end_exchange(struct conn *conn, enum tph_http_end how);
struct tph_http_exchange *tph_conn_open_exchange(struct conn *conn);

/* input.c */
void tph_conn_receive(struct conn *conn);
void tph_conn_read_ahead(struct conn *conn); /* goes on with what is pipelined */

/* output.c */
void tph_conn_mark(struct conn *conn);   /* to be flushed and settled at the end of this entry or turn */
void tph_conn_flush(struct conn *conn);  /* then settles */
void tph_conn_settle(struct conn *conn); /* what follows when an answer is out */
void tph_conn_refuse(struct conn *conn, int status, const char *fault);
void tph_conn_continue(struct conn *conn); /* 100 Continue */

/* The exchange is the handler's: what comes now belongs to the next request. */
static inline bool tph_conn_handling(const struct conn *conn)
{
    const struct tph_http_exchange *x = conn->exchange;
    return x && (x->answered || tph_request_state(x->request) == TPH_REQUEST_DONE);
}

static inline size_t tph_conn_queued(const struct conn *conn)
{
    return conn->out.len - conn->out_at;
}
