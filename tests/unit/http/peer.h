/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted TCP peer on 127.0.0.1 in the test's own loop: it does its steps one after the other, each as soon as it
 * can, and plays a server (ACCEPT first) or a client (CONNECT first). Bytes go out as they stand, so that any nonsense
 * can be sent; what came in is kept for the test to look at. Never waits for time, only for events.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "loop/loop.h"

enum peer_op {
    PEER_END, /* of the script */
    PEER_ACCEPT,
    PEER_CONNECT,
    PEER_READ_HEAD,    /* up to the empty line */
    PEER_READ_REQUEST, /* head and the body that its Content-Length tells */
    PEER_READ_TEXT,    /* until `text` has come */
    PEER_READ_EOF,     /* until the other side closed, in whatever way */
    PEER_FORGET,       /* what was read so far */
    PEER_SEND,         /* `text` */
    PEER_SEND_BYTES,   /* one byte at a time, a turn of the loop between */
    PEER_SEND_MANY,    /* n times a pattern of 64 KiB of 'x', until the other side closes */
    PEER_TURN,         /* lets the others have a turn */
    PEER_UNTIL,        /* and again, until test(owner) */
    PEER_CLOSE,
    PEER_RESET, /* closes with a reset */
    PEER_HALF_CLOSE,
    PEER_CALL, /* call(owner) */
};

struct peer_step {
    enum peer_op op;
    const char *text;
    size_t n;
    void (*call)(void *owner);
    bool (*test)(const void *owner);
};

#define STEPS(...) ((const struct peer_step[]){__VA_ARGS__, {PEER_END}})
#define SEND_TEXT(t)   \
    {                  \
        PEER_SEND, (t) \
    }

struct peer {
    struct tph_loop *loop;
    const struct peer_step *steps;
    void (*finished)(void *owner); /* the script is through; NULL = nobody cares */
    void *owner;
    int listener, fd;
    struct tph_io *listen_io, *io;
    struct tph_buf in;
    size_t sent; /* of the current step */
    size_t total_sent;
    uint16_t port;
    bool broken; /* sending failed */
    int turns;   /* that have passed since a turn was waited for */
};

static inline void peer_go(struct peer *peer);

static inline void peer_listen(struct peer *peer, struct tph_loop *loop, const char *host)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool six = strchr(host, ':') != NULL;
    socklen_t len = six ? sizeof(v6) : sizeof(v4);
    *peer = (struct peer){.loop = loop, .listener = -1, .fd = -1, .in = TPH_BUF_INIT(TPH_MIB(64))};
    peer->listener = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(peer->listener >= 0);
    assert_int_equal(six ? inet_pton(AF_INET6, host, &v6.sin6_addr) : inet_pton(AF_INET, host, &v4.sin_addr), 1);
    assert_int_equal(bind(peer->listener, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, len), 0);
    assert_int_equal(listen(peer->listener, 1024), 0);
    assert_int_equal(getsockname(peer->listener, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, &len), 0);
    peer->port = ntohs(six ? v6.sin6_port : v4.sin_port);
}

/* A peer that connects to port. */
static inline void peer_client(struct peer *peer, struct tph_loop *loop, uint16_t port)
{
    *peer = (struct peer){.loop = loop, .listener = -1, .fd = -1, .port = port, .in = TPH_BUF_INIT(TPH_MIB(64))};
}

static inline void peer_hang_up(struct peer *peer)
{
    tph_io_free(peer->io);
    peer->io = NULL;
    if (peer->fd >= 0) {
        close(peer->fd);
        peer->fd = -1;
    }
}

static inline void peer_release(struct peer *peer)
{
    tph_defer_cancel(peer->loop, peer);
    peer_hang_up(peer);
    tph_io_free(peer->listen_io);
    if (peer->listener >= 0) {
        close(peer->listener);
    }
    tph_buf_release(&peer->in);
}

static inline void peer_ready(void *owner, unsigned events)
{
    (void)events;
    peer_go(owner);
}

static inline void peer_turn(void *owner)
{
    struct peer *peer = owner;
    peer->turns++;
    peer_go(peer);
}

/* True when the others have had theirs: what is deferred runs before the sockets of its turn, so it takes two. */
static inline bool peer_wait_turn(struct peer *peer)
{
    if (peer->turns >= 2) {
        peer->turns = 0;
        return true;
    }
    if (peer->io) {
        tph_io_watch(peer->io, 0);
    }
    tph_defer_cancel(peer->loop, peer);
    tph_defer(peer->loop, peer_turn, peer);
    return false;
}

static inline void peer_watch(struct peer *peer, int fd)
{
    struct tph_error err = TPH_ERROR_INIT;
    peer->fd = fd;
    assert_int_equal(tph_io_new(peer->loop, fd, peer_ready, peer, &peer->io, &err), 0);
    tph_buf_clear(&peer->in);
}

static inline bool peer_accept(struct peer *peer)
{
    struct tph_error err = TPH_ERROR_INIT;
    peer_hang_up(peer);
    if (!peer->listen_io) {
        assert_int_equal(tph_io_new(peer->loop, peer->listener, peer_ready, peer, &peer->listen_io, &err), 0);
    }
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    tph_io_watch(peer->listen_io, fd < 0 ? TPH_IO_READ : 0);
    if (fd < 0) {
        return false;
    }
    peer_watch(peer, fd);
    return true;
}

static inline bool peer_connect(struct peer *peer)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer_hang_up(peer);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0); /* the backlog takes it */
    peer_watch(peer, fd);
    return true;
}

/* Reads what is there. Returns 1 at the end of the stream, 0 when there is no more now. */
static inline int peer_read(struct peer *peer)
{
    for (;;) {
        char *room = tph_buf_reserve(&peer->in, 65536);
        assert_non_null(room);
        ssize_t n = recv(peer->fd, room, 65536, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            tph_buf_commit(&peer->in, 0);
            return 0;
        }
        tph_buf_commit(&peer->in, n > 0 ? (size_t)n : 0);
        if (n <= 0) {
            return 1;
        }
    }
}

static inline bool peer_has(const struct peer *peer, const struct peer_step *step)
{
    struct tph_str in = tph_buf_str(&peer->in);
    if (step->op == PEER_READ_TEXT) {
        return tph_str_find(in, tph_str(step->text)) >= 0;
    }
    ptrdiff_t end = tph_str_find(in, TPH_STR("\r\n\r\n"));
    if (end < 0 || step->op == PEER_READ_HEAD) {
        return end >= 0;
    }
    ptrdiff_t field = tph_str_find(in, TPH_STR("Content-Length: "));
    assert_true(field >= 0 && field < end);
    return in.len >= (size_t)end + 4 + strtoul(in.p + field + 16, NULL, 10);
}

static inline bool peer_receive(struct peer *peer, const struct peer_step *step)
{
    assert_true(peer->fd >= 0);
    int end = peer_read(peer);
    if (step->op == PEER_READ_EOF ? end : peer_has(peer, step)) {
        tph_io_watch(peer->io, 0);
        return true;
    }
    if (end) {
        fail_msg("the other side closed; it had sent: %s", tph_buf_cstr(&peer->in));
    }
    tph_io_watch(peer->io, TPH_IO_READ);
    return false;
}

static inline bool peer_send(struct peer *peer, const struct peer_step *step)
{
    static char pattern[65536];
    bool many = step->op == PEER_SEND_MANY;
    const char *text = many ? pattern : step->text;
    size_t len = many ? step->n * sizeof(pattern) : step->n > 0 ? step->n : strlen(step->text);
    memset(pattern, 'x', sizeof(pattern));
    while (peer->sent < len && !peer->broken) {
        size_t at = many ? peer->sent % sizeof(pattern) : peer->sent;
        size_t n = many ? sizeof(pattern) - at : len - at;
        if (step->op == PEER_SEND_BYTES) {
            if (!peer_wait_turn(peer)) {
                return false;
            }
            n = 1;
        }
        ssize_t sent = send(peer->fd, text + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            tph_io_watch(peer->io, TPH_IO_WRITE);
            return false;
        }
        peer->broken = sent < 0;
        peer->sent += sent > 0 ? (size_t)sent : 0;
        peer->total_sent += sent > 0 ? (size_t)sent : 0;
    }
    tph_io_watch(peer->io, 0);
    return true;
}

static inline bool peer_close(struct peer *peer, enum peer_op op)
{
    if (op == PEER_HALF_CLOSE) {
        assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
        return true;
    }
    if (op == PEER_RESET) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        assert_int_equal(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    }
    peer_hang_up(peer);
    return true;
}

/* One step; false when it must be waited for. */
static inline bool peer_do(struct peer *peer, const struct peer_step *step)
{
    switch (step->op) {
    case PEER_END:
        return false;
    case PEER_ACCEPT:
        return peer_accept(peer);
    case PEER_CONNECT:
        return peer_connect(peer);
    case PEER_READ_HEAD:
    case PEER_READ_REQUEST:
    case PEER_READ_TEXT:
    case PEER_READ_EOF:
        return peer_receive(peer, step);
    case PEER_FORGET:
        tph_buf_clear(&peer->in);
        return true;
    case PEER_SEND:
    case PEER_SEND_BYTES:
    case PEER_SEND_MANY:
        return peer_send(peer, step);
    case PEER_TURN:
        return peer_wait_turn(peer);
    case PEER_UNTIL:
        while (!step->test(peer->owner)) {
            if (!peer_wait_turn(peer)) {
                return false;
            }
        }
        return true;
    case PEER_CLOSE:
    case PEER_RESET:
    case PEER_HALF_CLOSE:
        return peer_close(peer, step->op);
    case PEER_CALL:
        step->call(peer->owner);
        return true;
    }
    return true;
}

static inline void peer_go(struct peer *peer)
{
    if (peer->steps->op == PEER_END) {
        return;
    }
    while (peer_do(peer, peer->steps)) {
        peer->steps++;
        peer->sent = 0;
    }
    if (peer->steps->op == PEER_END && peer->finished) {
        peer->finished(peer->owner);
    }
}

/* The steps must live as long as the loop runs. */
static inline void peer_play(struct peer *peer, const struct peer_step *steps)
{
    peer->steps = steps;
    peer->sent = 0;
    peer->broken = false;
    peer_go(peer);
}
