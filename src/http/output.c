/* SPDX-License-Identifier: Apache-2.0 */
/* The server's writing side: answers become bytes, bytes go to the kernel as it takes them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/server_internal.h"

enum {
    COMPACT_AT = 65536, /* bytes in front of the queue that are worth moving the rest */
    OUT_KEPT = 1024,    /* an idle watcher holds no more memory than this for its queue */
};

static void deferred_flush(void *owner)
{
    struct tph_http_server *server = owner;
    server->deferred = false;
    tph_server_enter(server);
    tph_server_leave(server);
}

void tph_conn_mark(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    if (conn->dirty) {
        return;
    }
    conn->dirty = true;
    conn->next_dirty = server->dirty;
    server->dirty = conn;
    if (server->busy == 0 && !server->deferred) {
        server->deferred = true;
        tph_defer(server->loop, deferred_flush, server);
    }
}

/* Queues pieces[at...] from their byte `from` on. */
static void queue(struct conn *conn, const struct iovec *pieces, size_t n_pieces, size_t from)
{
    if (conn->out_at == conn->out.len || conn->out_at >= COMPACT_AT) {
        tph_buf_consume(&conn->out, conn->out_at);
        conn->out_at = 0;
    }
    for (size_t i = 0; i < n_pieces; i++) {
        if (from >= pieces[i].iov_len) {
            from -= pieces[i].iov_len;
            continue;
        }
        (void)tph_buf_append(&conn->out, (const char *)pieces[i].iov_base + from, pieces[i].iov_len - from);
        from = 0;
    }
}

/* Sends what goes of the queue; false when the connection is broken. */
static bool send_queue(struct conn *conn)
{
    bool moved = false;
    while (conn->out_at < conn->out.len) {
        struct iovec piece = {.iov_base = conn->out.bytes + conn->out_at, .iov_len = conn->out.len - conn->out_at};
        ssize_t n = tph_stream_write(&conn->stream, &piece, 1);
        if (n == -EAGAIN) {
            if (moved || conn->wait != WAIT_STALL) {
                tph_conn_wait(conn, WAIT_STALL);
            }
            return true;
        }
        if (n < 0) {
            return false;
        }
        conn->out_at += (size_t)n;
        moved = true;
    }
    conn->out_at = 0;
    if (conn->out.capacity > OUT_KEPT) {
        tph_buf_release(&conn->out);
    } else {
        tph_buf_clear(&conn->out);
    }
    if (conn->wait == WAIT_STALL) {
        tph_conn_wait(conn, tph_conn_handling(conn) ? WAIT_HANDLER : WAIT_BODY);
    }
    return true;
}

/* The pieces now, or as much of them as the kernel takes, the rest by and by. What breaks is seen when reading. */
static void send_now(struct conn *conn, const struct iovec *pieces, size_t n_pieces)
{
    size_t sent = 0;
    if (tph_conn_queued(conn) == 0) {
        ssize_t n = tph_stream_write(&conn->stream, pieces, n_pieces);
        sent = n > 0 ? (size_t)n : 0;
    }
    queue(conn, pieces, n_pieces, sent);
    if (tph_conn_queued(conn) > 0) {
        tph_conn_mark(conn);
    }
}

void tph_conn_flush(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    if (!send_queue(conn)) {
        tph_conn_close(conn, TPH_HTTP_END_GONE);
        return;
    }
    tph_conn_watch(conn);
    struct tph_http_exchange *x = conn->exchange;
    if (x && x->starved && tph_conn_queued(conn) <= server->config.max_queue / 2) {
        x->starved = false;
        if (server->config.handler->drained) {
            server->config.handler->drained(server->config.owner, x);
        }
    }
    if (!conn->dead) {
        tph_conn_settle(conn);
    }
}

void tph_conn_settle(struct conn *conn)
{
    const struct tph_http_exchange *x = conn->exchange;
    if (!x || !x->complete || tph_conn_queued(conn) > 0) {
        return;
    }
    bool unread = conn->unread || (conn->last && conn->in_at < conn->in.len);
    tph_conn_end_exchange(conn, TPH_HTTP_END_ANSWERED);
    if (conn->dead) {
        return;
    }
    if (conn->last && unread && !conn->eof) {
        /* To close now would be a reset, which takes the answer away from a client that still sends. */
        tph_stream_end(&conn->stream);
        tph_conn_wait(conn, WAIT_LINGER);
        conn->paused = false;
        tph_conn_watch(conn);
        return;
    }
    if (conn->last || conn->server->draining) {
        tph_conn_close(conn, TPH_HTTP_END_GONE);
        return;
    }
    tph_conn_wait(conn, WAIT_IDLE);
    if (!conn->reading) {
        tph_conn_read_ahead(conn);
    }
}

static const char *date(struct tph_http_server *server)
{
    int64_t now = tph_clock_wall_ms() / 1000;
    if (now != server->date_s) {
        server->date_s = now;
        tph_http_date(now, server->date);
    }
    return server->date;
}

/* The head of an answer, in the server's scratch. length: of the body, or -1 for a stream. */
static struct tph_str write_head(struct tph_http_exchange *x, const struct tph_http_reply *reply, int64_t length)
{
    struct conn *conn = x->conn;
    struct tph_buf *out = &conn->server->scratch;
    bool old = tph_request_old(x->request);
    if (tph_request_state(x->request) != TPH_REQUEST_DONE) {
        conn->last = conn->unread = true;
    }
    x->bare = tph_http_status_bare(reply->status) || strcmp(tph_request_method(x->request), "HEAD") == 0;
    x->chunked = length < 0 && !old && !x->bare;
    if (!tph_request_keep_alive(x->request) || conn->server->draining || (length < 0 && old && !x->bare)) {
        conn->last = true;
    }
    tph_buf_clear(out);
    (void)tph_buf_puts(out, "HTTP/1.1 ");
    (void)tph_buf_putu(out, (uint64_t)reply->status);
    (void)tph_buf_putc(out, ' ');
    (void)tph_buf_puts(out, tph_http_status_words(reply->status));
    (void)tph_buf_puts(out, "\r\nDate: ");
    (void)tph_buf_puts(out, date(conn->server));
    (void)tph_buf_append(out, "\r\n", 2);
    tph_http_headers_write(reply->headers, reply->n_headers, out);
    if (length >= 0 && !tph_http_status_bare(reply->status)) {
        (void)tph_buf_puts(out, "Content-Length: ");
        (void)tph_buf_putu(out, (uint64_t)length);
        (void)tph_buf_append(out, "\r\n", 2);
    } else if (x->chunked) {
        (void)tph_buf_puts(out, "Transfer-Encoding: chunked\r\n");
    }
    if (conn->last) {
        (void)tph_buf_puts(out, "Connection: close\r\n");
    } else if (old) {
        (void)tph_buf_puts(out, "Connection: keep-alive\r\n");
    }
    (void)tph_buf_append(out, "\r\n", 2);
    return tph_buf_str(out);
}

/* The reply itself, or 500 when it cannot be sent as it stands. */
static struct tph_http_reply sendable(const struct tph_http_reply *reply)
{
    static const struct tph_http_reply broken = {.status = 500};
    size_t len = 256; /* for our own fields */
    if (reply->status < 200 || reply->status > 999 || reply->body.len > TPH_LIMIT_DOCUMENT ||
        tph_http_headers_unfit(reply->headers, reply->n_headers) < reply->n_headers) {
        return broken;
    }
    for (size_t i = 0; i < reply->n_headers; i++) {
        len += strlen(reply->headers[i].name) + strlen(reply->headers[i].value) + 4;
    }
    return len > TPH_LIMIT_HTTP_HEADER ? broken : *reply;
}

/* The connection's input loop settles what is answered in its own handler; all else is settled at the end. */
static void settle_later(struct conn *conn)
{
    if (!conn->reading || tph_conn_queued(conn) > 0) {
        tph_conn_mark(conn);
    }
}

void tph_http_exchange_reply(struct tph_http_exchange *x, const struct tph_http_reply *reply)
{
    if (x->answered) {
        return;
    }
    struct tph_http_reply whole = sendable(reply);
    struct tph_str head = write_head(x, &whole, (int64_t)whole.body.len);
    struct iovec pieces[2] = {
        {.iov_base = (void *)(uintptr_t)head.p, .iov_len = head.len},
        {.iov_base = (void *)(uintptr_t)whole.body.p, .iov_len = whole.body.len},
    };
    x->answered = x->complete = true;
    send_now(x->conn, pieces, x->bare || whole.body.len == 0 ? 1 : 2);
    settle_later(x->conn);
}

void tph_http_exchange_begin(struct tph_http_exchange *x, const struct tph_http_reply *reply)
{
    if (x->answered) {
        return;
    }
    struct tph_http_reply head_only = sendable(reply);
    struct tph_str head = write_head(x, &head_only, -1);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)head.p, .iov_len = head.len};
    x->answered = true;
    tph_conn_wait(x->conn, WAIT_HANDLER);
    queue(x->conn, &piece, 1, 0);
    tph_conn_mark(x->conn);
}

enum tph_http_write tph_http_exchange_write(struct tph_http_exchange *x, struct tph_str bytes)
{
    struct conn *conn = x->conn;
    if (!x->answered || x->complete || x->bare || bytes.len == 0) {
        return TPH_HTTP_WRITTEN;
    }
    size_t max = conn->server->config.max_queue;
    if (tph_conn_queued(conn) + bytes.len > max) {
        (void)send_queue(conn); /* perhaps the kernel takes it; a break is seen at the end of the turn */
    }
    /* A piece that is larger than the queue goes when nothing else is in it. */
    if ((tph_conn_queued(conn) > 0 && tph_conn_queued(conn) + bytes.len > max) || bytes.len > TPH_LIMIT_DOCUMENT) {
        x->starved = true;
        tph_conn_mark(conn);
        return TPH_HTTP_FULL;
    }
    char size[24];
    int n = snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
    struct iovec pieces[3] = {
        {.iov_base = size, .iov_len = (size_t)n},
        {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.len},
        {.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2},
    };
    if (x->chunked) {
        queue(conn, pieces, 3, 0);
    } else {
        queue(conn, pieces + 1, 1, 0);
    }
    tph_conn_mark(conn);
    return TPH_HTTP_WRITTEN;
}

void tph_http_exchange_end(struct tph_http_exchange *x)
{
    if (!x->answered || x->complete) {
        return;
    }
    x->complete = true;
    if (x->chunked) {
        struct iovec last = {.iov_base = (void *)(uintptr_t) "0\r\n\r\n", .iov_len = 5};
        queue(x->conn, &last, 1, 0);
    }
    tph_conn_mark(x->conn);
}

size_t tph_http_exchange_queued(const struct tph_http_exchange *x)
{
    return tph_conn_queued(x->conn);
}

void tph_http_exchange_abort(struct tph_http_exchange *x)
{
    struct tph_http_server *server = x->conn->server;
    x->seen = false; /* who aborts knows */
    tph_server_enter(server);
    tph_conn_close(x->conn, TPH_HTTP_END_GONE);
    tph_server_leave(server);
}

void tph_conn_continue(struct conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = sizeof(text) - 1};
    send_now(conn, &piece, 1);
}

void tph_conn_refuse(struct conn *conn, int status, const char *fault)
{
    struct tph_http_exchange *x = conn->exchange;
    static const struct tph_http_header plain[] = {{"Content-Type", "text/plain; charset=utf-8"}};
    char text[300];
    (void)snprintf(text, sizeof(text), "%s\n", fault);
    struct tph_http_reply reply = {.status = status, .headers = plain, .n_headers = 1, .body = tph_str(text)};
    conn->last = conn->unread = true;
    x->refused = true;
    tph_conn_wait(conn, WAIT_STALL);
    tph_http_exchange_reply(x, &reply);
    tph_conn_mark(conn);
}

/* What the request holds. */

const char *tph_http_exchange_method(const struct tph_http_exchange *x)
{
    return tph_request_method(x->request);
}

const char *tph_http_exchange_target(const struct tph_http_exchange *x)
{
    return tph_request_target(x->request);
}

const struct tph_http_header *tph_http_exchange_headers(const struct tph_http_exchange *x, size_t *ret_n)
{
    return tph_request_headers(x->request, ret_n);
}

const char *tph_http_exchange_header(const struct tph_http_exchange *x, const char *name)
{
    size_t n = 0;
    const struct tph_http_header *headers = tph_request_headers(x->request, &n);
    return tph_http_headers_get(headers, n, name);
}

struct tph_str tph_http_exchange_body(const struct tph_http_exchange *x)
{
    return tph_request_body(x->request);
}

void tph_http_exchange_peer(const struct tph_http_exchange *x, char *text, size_t size)
{
    char address[TPH_STREAM_ADDRESS] = "";
    if (!x->conn->dead) {
        tph_stream_peer(&x->conn->stream, address);
    }
    (void)snprintf(text, size, "%s", address);
}

void tph_http_exchange_set_user(struct tph_http_exchange *x, void *user)
{
    x->user = user;
}

void *tph_http_exchange_user(const struct tph_http_exchange *x)
{
    return x->user;
}
