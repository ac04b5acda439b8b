/* SPDX-License-Identifier: Apache-2.0 */
/* The server's reading side: bytes become requests, requests go to the handler. */
#include <errno.h>

#include "http/server_internal.h"

enum { READS_A_TURN = 16 }; /* one fast client does not keep the loop */

/* Counts the body against what all of them may hold. */
static bool charge(struct tph_http_exchange *x)
{
    struct tph_http_server *server = x->conn->server;
    size_t len = tph_request_body(x->request).len;
    server->body_bytes += len - x->charged;
    x->charged = len;
    return server->body_bytes <= server->config.max_bodies;
}

static void tell_head(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    struct tph_http_exchange *x = conn->exchange;
    tph_conn_wait(conn, WAIT_BODY);
    if (server->config.handler->head) {
        x->seen = true;
        server->config.handler->head(server->config.owner, x);
        if (conn->dead) {
            return;
        }
        if (x->answered) {
            tph_conn_settle(conn);
            return;
        }
    }
    if (tph_request_waits(x->request)) {
        tph_conn_continue(conn);
    }
}

static void tell_request(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    struct tph_http_exchange *x = conn->exchange;
    tph_conn_wait(conn, WAIT_HANDLER);
    x->seen = true;
    server->config.handler->request(server->config.owner, x);
    if (!conn->dead) {
        tph_conn_settle(conn);
    }
}

/* Reads one step further: to the end of the bytes, of a head, or of a request. */
static size_t read_step(struct conn *conn, const char *bytes, size_t len)
{
    struct tph_http_exchange *x = conn->exchange ? conn->exchange : tph_conn_open_exchange(conn);
    enum tph_request_state before = tph_request_state(x->request);
    size_t used = tph_request_feed(x->request, bytes, len);
    enum tph_request_state state = tph_request_state(x->request);
    if (state != TPH_REQUEST_BAD && !charge(x)) {
        tph_conn_refuse(conn, 503, "too many large requests at once");
        return used;
    }
    switch (state) {
    case TPH_REQUEST_HEAD:
        if (conn->wait == WAIT_IDLE && tph_request_started(x->request)) {
            tph_conn_wait(conn, WAIT_HEAD);
        }
        break;
    case TPH_REQUEST_BODY:
        if (before == TPH_REQUEST_HEAD) {
            tell_head(conn);
        }
        break;
    case TPH_REQUEST_DONE:
        tell_request(conn);
        break;
    case TPH_REQUEST_BAD:
        tph_conn_refuse(conn, tph_request_status(x->request), tph_request_fault(x->request));
        break;
    }
    return used;
}

/* Reads until a request is under way at the handler. Returns how many bytes were used; all of them when nobody wants
 * more from this client. */
static size_t read_requests(struct conn *conn, const char *bytes, size_t len)
{
    size_t at = 0;
    conn->reading = true;
    while (at < len && !tph_conn_handling(conn)) {
        if (conn->dead || conn->wait == WAIT_LINGER) {
            break;
        }
        at += read_step(conn, bytes + at, len - at);
    }
    conn->reading = false;
    return conn->dead || conn->wait == WAIT_LINGER || conn->last ? len : at;
}

void tph_conn_read_ahead(struct conn *conn)
{
    if (conn->in_at < conn->in.len) {
        conn->in_at += read_requests(conn, conn->in.bytes + conn->in_at, conn->in.len - conn->in_at);
    }
    if (conn->dead || conn->in_at < conn->in.len) {
        return;
    }
    conn->in_at = 0;
    tph_buf_release(&conn->in); /* an idle connection holds no memory */
    if (conn->paused) {
        conn->paused = false;
        tph_conn_watch(conn);
    }
}

static void take(struct conn *conn, const char *bytes, size_t len)
{
    size_t used = 0;
    if (conn->in_at == conn->in.len) {
        used = conn->last && tph_conn_handling(conn) ? len : read_requests(conn, bytes, len);
    }
    if (conn->dead || used == len) {
        return;
    }
    tph_buf_consume(&conn->in, conn->in_at);
    conn->in_at = 0;
    (void)tph_buf_append(&conn->in, bytes + used, len - used); /* fits: reading stops before it is full */
    if (conn->in.len >= TPH_LIMIT_HTTP_PIPELINED) {
        conn->paused = true;
        tph_conn_watch(conn);
    }
}

static void client_closed(struct conn *conn)
{
    const struct tph_http_exchange *x = conn->exchange;
    if (x && x->complete) { /* it only waits for the rest of its answer */
        conn->eof = true;
        conn->last = true;
        tph_conn_watch(conn);
        return;
    }
    tph_conn_close(conn, TPH_HTTP_END_GONE);
}

void tph_conn_receive(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    for (int i = 0; i < READS_A_TURN && !conn->dead && !conn->paused; i++) {
        ssize_t n = tph_stream_read(&conn->stream, server->bytes, sizeof(server->bytes));
        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            tph_conn_close(conn, TPH_HTTP_END_GONE);
            return;
        }
        if (n == 0) {
            client_closed(conn);
            return;
        }
        take(conn, server->bytes, (size_t)n);
        if ((size_t)n < sizeof(server->bytes)) {
            return;
        }
    }
}
