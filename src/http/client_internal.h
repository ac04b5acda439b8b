/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the HTTP client only: what client.c (calls and kept connections) and talk.c (one call's way from connecting
 * to its answer) share. */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "http/client.h"
#include "http/response.h"
#include "http/stream.h"

enum { HOST_TEXT = 48, ERROR_TEXT = 640, CLIENT_READ = 65536 };

/* A connection; belongs to one call, or for a moment to nobody (spare). */
struct connection {
    struct connection *next; /* among the spare ones, newest first */
    struct tph_http_client *client;
    struct tph_http_call *call; /* NULL while spare */
    struct tph_stream stream;
    /* who may use it again */
    tph_http_dial_fn *dial;
    void *dial_owner;
    uint16_t port;
    char host[HOST_TEXT];
    char remote[TPH_STREAM_ADDRESS];
    int64_t made_ms;
    bool checked;
    unsigned age; /* turns of the loop that it has been spare */
    bool reused;
};

enum call_state {
    CALL_CONNECTING, /* nothing could be sent yet */
    CALL_TALKING,
    CALL_FINISHED, /* its answer is being delivered */
};

struct tph_http_call {
    struct tph_http_call *next, *previous; /* all calls under way; next also in the pool */
    struct tph_http_client *client;
    tph_http_done_fn *done;
    void *owner;
    struct connection *connection;
    struct tph_timer *timer;
    struct tph_response *response;
    struct tph_buf out; /* head and body */
    size_t head_len;    /* of out; holds the token */
    size_t sent;
    tph_http_dial_fn *dial;
    tph_http_check_fn *check; /* of a connection that is not checked yet, else NULL */
    void *dial_owner;
    enum call_state state;
    enum tph_http_outcome outcome;
    int64_t started_ms, deadline_ms, timeout_ms;
    int64_t pause_ms;       /* before the next attempt to connect; the timer runs for it, 0 = for the deadline */
    int64_t check_pause_ms; /* the timer runs for the next check; 0 = it does not */
    int failed;             /* errno of what failed inside of start, told in the next turn */
    int four_failed;        /* errno of 127.0.0.1 as one of two addresses: what is told when neither is there */
    int write_failed;       /* errno of sending, told when no answer comes in spite of it */
    uint16_t port;
    unsigned address; /* which of the host's addresses is tried */
    bool deferred;    /* a call of tph_defer is on its way */
    bool stranger;    /* it is somebody else who listens: error says who */
    bool repeatable;
    bool four_first;
    char host[HOST_TEXT];
    char remote[TPH_STREAM_ADDRESS];
    char error[ERROR_TEXT];
};

struct tph_http_client {
    struct tph_loop *loop;
    struct tph_http_call *calls;  /* under way, newest first */
    struct tph_http_call *oldest; /* the last of them */
    struct tph_http_call *pool;   /* for the next ones: their memory and timers */
    size_t n_pool;
    struct connection *spare;
    size_t n_spare;
    struct connection *fresh; /* the spare one whose call is being told: its socket was empty just now */
    bool sweeping;            /* a deferred look at the spare ones is on its way */
    bool *gone;               /* where to say that the client was freed in a callback; NULL outside of one */
    char bytes[CLIENT_READ];
};

void tph_client_close(struct connection *c); /* NULL is fine */
/* Gives the call's connection to whoever calls the same address soon. */
void tph_client_spare(struct tph_http_call *call);
bool tph_client_take_spare(struct tph_http_call *call);
/* A spare connection has news: the server closed it, or sends what nobody asked for. */
void tph_client_spare_ready(struct connection *c);
/* Calls done and frees the call: nothing of it may be touched after. */
void tph_client_deliver(struct tph_http_call *call);

/* talk.c. begin: returns 0 when a connection is under way, else an errno for tph_talk_refuse, which ends the call. */
int tph_talk_begin(struct tph_http_call *call);
void tph_talk_refuse(struct tph_http_call *call, int number);
void tph_talk_finish(struct tph_http_call *call, enum tph_http_outcome outcome, const char *error);
void tph_talk_timer_fired(void *owner);
void tph_talk_ready(void *owner, unsigned events); /* owner: struct connection */
