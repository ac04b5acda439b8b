/* SPDX-License-Identifier: Apache-2.0 */
/* The server's listener, its connections and their deadlines. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "http/server_internal.h"

enum {
    ACCEPTS_A_TURN = 64,
    RETRY_MS = 100, /* after the process ran out of descriptors */
};

static void list_remove(struct list *list, struct conn *conn)
{
    if (conn->previous) {
        conn->previous->next = conn->next;
    } else {
        list->first = conn->next;
    }
    if (conn->next) {
        conn->next->previous = conn->previous;
    } else {
        list->last = conn->previous;
    }
    conn->next = conn->previous = NULL;
}

static void list_append(struct list *list, struct conn *conn)
{
    conn->previous = list->last;
    conn->next = NULL;
    if (list->last) {
        list->last->next = conn;
    } else {
        list->first = conn;
    }
    list->last = conn;
}

static void arm(struct tph_http_server *server, int64_t due_ms)
{
    if (due_ms < server->timer_due_ms) {
        server->timer_due_ms = due_ms;
        tph_timer_start(server->timer, due_ms - tph_loop_now_ms(server->loop));
    }
}

void tph_conn_wait(struct conn *conn, enum wait wait)
{
    struct tph_http_server *server = conn->server;
    list_remove(&server->lists[conn->wait], conn);
    conn->wait = wait;
    list_append(&server->lists[wait], conn);
    if (wait != WAIT_HANDLER) {
        conn->deadline_ms = tph_loop_now_ms(server->loop) + server->wait_ms[wait];
        arm(server, conn->deadline_ms);
    }
}

void tph_conn_watch(struct conn *conn)
{
    unsigned events = conn->paused || conn->eof ? 0 : TPH_IO_READ;
    if (tph_conn_queued(conn) > 0) {
        events |= TPH_IO_WRITE;
    }
    tph_stream_watch(&conn->stream, events);
}

struct tph_http_exchange *tph_conn_open_exchange(struct conn *conn)
{
    struct tph_http_server *server = conn->server;
    struct tph_http_exchange *x = server->pool;
    if (x) {
        server->pool = x->next;
        server->n_pool--;
    } else {
        x = TPH_NEW(struct tph_http_exchange);
        x->request = tph_request_new(server->config.max_body);
    }
    *x = (struct tph_http_exchange){.conn = conn, .request = x->request};
    conn->exchange = x;
    return x;
}

static void exchange_free(struct tph_http_exchange *x)
{
    tph_request_free(x->request);
    free(x);
}

static void recycle(struct tph_http_server *server, struct tph_http_exchange *x)
{
    server->body_bytes -= x->charged;
    if (server->n_pool >= TPH_LIMIT_HTTP_SPARE) {
        exchange_free(x);
        return;
    }
    tph_request_reset(x->request, server->config.max_body);
    x->next = server->pool;
    server->pool = x;
    server->n_pool++;
}

void tph_conn_end_exchange(struct conn *conn, enum tph_http_end how)
{
    struct tph_http_server *server = conn->server;
    struct tph_http_exchange *x = TPH_TAKE(conn->exchange);
    if (!x) {
        return;
    }
    if (x->seen && server->config.handler->ended) {
        server->config.handler->ended(server->config.owner, x, x->refused ? TPH_HTTP_END_GONE : how);
    }
    recycle(server, x);
}

static void listen_again(struct tph_http_server *server)
{
    if (server->listener.io && !server->accepting && server->n_connections < server->config.max_connections) {
        server->accepting = true;
        server->retry_ms = INT64_MAX;
        tph_stream_watch(&server->listener, TPH_IO_READ);
    }
}

/* The address of a client as 16 bytes; false for the loopback device and for what has no address. */
static bool remote_address(const struct sockaddr_storage *from, unsigned char ret[16])
{
    if (from->ss_family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        memcpy(ret, address, 16);
        return !IN6_IS_ADDR_LOOPBACK(address);
    }
    if (from->ss_family != AF_INET) {
        return false;
    }
    uint32_t address = ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr;
    memset(ret, 0, 16);
    memcpy(ret, &address, sizeof(address));
    return ntohl(address) >> 24 != 127;
}

static void forget_peer(struct tph_http_server *server, struct peer *peer)
{
    if (peer && --peer->n == 0) {
        (void)tph_map_remove(&server->peers, (struct tph_str){(const char *)peer->address, sizeof(peer->address)});
        free(peer);
    }
}

/* Counts one more of this address. False when it has all it may have. */
static bool count_peer(struct tph_http_server *server, const struct sockaddr_storage *from, struct peer **ret_peer)
{
    unsigned char address[16];
    *ret_peer = NULL;
    if (!remote_address(from, address)) {
        return true;
    }
    struct peer *peer = tph_map_get(&server->peers, (struct tph_str){(const char *)address, sizeof(address)});
    if (peer && peer->n >= server->config.max_each) {
        return false;
    }
    if (!peer) {
        peer = TPH_NEW(struct peer);
        memcpy(peer->address, address, sizeof(address));
        (void)tph_map_set(&server->peers, (struct tph_str){(const char *)peer->address, sizeof(peer->address)}, peer);
    }
    peer->n++;
    *ret_peer = peer;
    return true;
}

void tph_conn_close(struct conn *conn, enum tph_http_end how)
{
    struct tph_http_server *server = conn->server;
    if (conn->dead) {
        return;
    }
    conn->dead = true;
    if (!conn->exchange && !conn->eof) {
        tph_stream_finish(&conn->stream); /* what is cut off must look so */
    }
    tph_stream_close(&conn->stream);
    forget_peer(server, conn->peer);
    list_remove(&server->lists[conn->wait], conn);
    conn->next = server->dead;
    server->dead = conn;
    server->n_connections--;
    tph_conn_end_exchange(conn, how);
    listen_again(server);
}

static void conn_ready(void *owner, unsigned events)
{
    struct conn *conn = owner;
    struct tph_http_server *server = conn->server;
    tph_server_enter(server);
    if (events & TPH_IO_WRITE) {
        tph_conn_flush(conn);
    }
    bool read = (events & TPH_IO_READ) || (!conn->dead && !conn->paused && tph_stream_blocked(&conn->stream));
    if (read && !conn->dead) {
        tph_conn_receive(conn);
        if (!conn->dead && server->config.filter) {
            tph_conn_watch(conn); /* reading may wait for the socket to take something */
        }
    }
    tph_server_leave(server);
}

static void conn_new(struct tph_http_server *server, int fd, struct peer *peer)
{
    struct conn *conn = TPH_NEW(struct conn);
    bool open = tph_stream_open(&conn->stream, server->loop, fd, conn_ready, conn) == 0;
    if (open && server->config.filter &&
        tph_stream_filter(&conn->stream, server->config.filter, server->config.filter_owner) < 0) {
        tph_stream_close(&conn->stream);
        open = false;
    }
    if (!open) {
        forget_peer(server, peer);
        free(conn);
        return;
    }
    conn->server = server;
    conn->peer = peer;
    conn->in = TPH_BUF_INIT(TPH_LIMIT_HTTP_PIPELINED + SERVER_READ);
    conn->out = TPH_BUF_INIT(2 * TPH_LIMIT_DOCUMENT); /* a document and what was queued before it */
    conn->wait = WAIT_IDLE;
    list_append(&server->lists[WAIT_IDLE], conn);
    server->n_connections++;
    tph_conn_wait(conn, WAIT_HEAD); /* who connects has something to say */
    tph_conn_watch(conn);
}

static void pause_accepting(struct tph_http_server *server)
{
    server->accepting = false;
    tph_stream_watch(&server->listener, 0);
}

static void accept_ready(void *owner, unsigned events)
{
    struct tph_http_server *server = owner;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (server->n_connections >= server->config.max_connections) {
            pause_accepting(server);
            return;
        }
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(from);
        struct peer *peer;
        int fd = accept4(server->listener.fd, (struct sockaddr *)(void *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0 && !count_peer(server, &from, &peer)) {
            tph_fd_close(&fd);
        } else if (fd >= 0) {
            conn_new(server, fd, peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(server);
            server->retry_ms = tph_loop_now_ms(server->loop) + RETRY_MS;
            arm(server, server->retry_ms);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void expire(struct conn *conn)
{
    switch (conn->wait) {
    case WAIT_HEAD:
    case WAIT_BODY:
        if (conn->exchange && tph_request_started(conn->exchange->request)) {
            tph_conn_refuse(conn, 408, "the request did not come in time");
            return;
        }
        tph_conn_close(conn, TPH_HTTP_END_GONE);
        return;
    case WAIT_STALL:
        tph_conn_close(conn, TPH_HTTP_END_STALLED);
        return;
    case WAIT_IDLE:
    case WAIT_LINGER:
    case WAIT_HANDLER:
    case WAIT_COUNT:
        tph_conn_close(conn, TPH_HTTP_END_GONE);
        return;
    }
}

static void timer_fired(void *owner)
{
    struct tph_http_server *server = owner;
    int64_t now = tph_loop_now_ms(server->loop);
    server->timer_due_ms = INT64_MAX;
    tph_server_enter(server);
    if (server->retry_ms <= now) {
        server->retry_ms = INT64_MAX;
        listen_again(server);
    }
    for (int i = 0; i < WAIT_HANDLER; i++) {
        for (struct conn *conn; (conn = server->lists[i].first) && conn->deadline_ms <= now;) {
            expire(conn); /* closes it, or lets it wait for something else */
        }
        if (server->lists[i].first) {
            arm(server, server->lists[i].first->deadline_ms);
        }
    }
    if (server->retry_ms != INT64_MAX) {
        arm(server, server->retry_ms);
    }
    tph_server_leave(server);
}

static int64_t time_or(int64_t given_ms, int64_t limit_ms)
{
    return given_ms > 0 ? given_ms : limit_ms;
}

static size_t size_or(size_t given, size_t limit)
{
    return given > 0 ? given : limit;
}

static void apply_config(struct tph_http_server *server, const struct tph_http_server_config *config)
{
    server->config = *config;
    server->config.max_connections = size_or(config->max_connections, TPH_LIMIT_HTTP_CONNECTIONS);
    server->config.max_each = size_or(config->max_each, TPH_LIMIT_HTTP_EACH);
    server->config.max_body = size_or(config->max_body, TPH_LIMIT_HTTP_REQUEST);
    server->config.max_queue = size_or(config->max_queue, TPH_LIMIT_HTTP_QUEUE);
    server->config.max_bodies = size_or(config->max_bodies, TPH_LIMIT_HTTP_BODIES);
    server->wait_ms[WAIT_IDLE] = time_or(config->idle_ms, TPH_LIMIT_HTTP_IDLE_MS);
    server->wait_ms[WAIT_HEAD] = time_or(config->head_ms, TPH_LIMIT_HTTP_HEAD_MS);
    server->wait_ms[WAIT_BODY] = time_or(config->body_ms, TPH_LIMIT_HTTP_BODY_MS);
    server->wait_ms[WAIT_STALL] = time_or(config->stall_ms, TPH_LIMIT_HTTP_STALL_MS);
    server->wait_ms[WAIT_LINGER] = time_or(config->linger_ms, TPH_LIMIT_HTTP_LINGER_MS);
}

int tph_http_server_new(struct tph_loop *loop, const struct tph_http_server_config *config,
                        struct tph_http_server **ret_server, struct tph_error *err)
{
    int fd = tph_stream_listen(config->host, config->port);
    if (fd < 0) {
        return tph_error_errno(err, -fd, "cannot listen on %s port %u", config->host, config->port);
    }
    struct tph_http_server *server = TPH_NEW(struct tph_http_server);
    server->loop = loop;
    apply_config(server, config);
    server->port = tph_stream_port(fd);
    int failed = tph_stream_open(&server->listener, loop, fd, accept_ready, server);
    if (failed < 0) {
        free(server);
        return tph_error_errno(err, -failed, "cannot listen on %s port %u", config->host, config->port);
    }
    server->timer = tph_timer_new(loop, timer_fired, server);
    server->timer_due_ms = INT64_MAX;
    server->retry_ms = INT64_MAX;
    server->peers = TPH_MAP_INIT;
    server->scratch = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    listen_again(server);
    *ret_server = server;
    return 0;
}

static void destroy(struct tph_http_server *server)
{
    while (server->pool) {
        struct tph_http_exchange *x = server->pool;
        server->pool = x->next;
        exchange_free(x);
    }
    tph_timer_free(server->timer);
    tph_defer_cancel(server->loop, server);
    tph_buf_release(&server->scratch);
    tph_map_release(&server->peers);
    free(server);
}

static void flush_dirty(struct tph_http_server *server)
{
    while (server->dirty) {
        struct conn *conn = server->dirty;
        server->dirty = conn->next_dirty;
        conn->dirty = false;
        if (!conn->dead) {
            tph_conn_flush(conn);
        }
    }
}

void tph_server_enter(struct tph_http_server *server)
{
    server->busy++;
}

void tph_server_leave(struct tph_http_server *server)
{
    if (server->busy == 1) {
        flush_dirty(server); /* its handlers' further answers go into the same list */
    }
    if (--server->busy > 0) {
        return;
    }
    while (server->dead) {
        struct conn *conn = server->dead;
        server->dead = conn->next;
        tph_buf_release(&conn->in);
        tph_buf_release(&conn->out);
        free(conn);
    }
    if (server->doomed) {
        destroy(server);
    }
}

void tph_http_server_drain(struct tph_http_server *server)
{
    server->draining = true;
    tph_stream_close(&server->listener);
    tph_server_enter(server);
    static const enum wait idle[] = {WAIT_IDLE, WAIT_HEAD};
    for (size_t i = 0; i < 2; i++) {
        for (struct conn *conn = server->lists[idle[i]].first, *next; conn; conn = next) {
            next = conn->next;
            if (!conn->exchange) {
                tph_conn_close(conn, TPH_HTTP_END_GONE);
            }
        }
    }
    tph_server_leave(server);
}

void tph_http_server_free(struct tph_http_server *server)
{
    if (!server || server->doomed) {
        return;
    }
    tph_server_enter(server);
    server->doomed = true;
    tph_stream_close(&server->listener);
    for (int i = 0; i < WAIT_COUNT; i++) {
        while (server->lists[i].first) {
            tph_conn_close(server->lists[i].first, TPH_HTTP_END_SHUT);
        }
    }
    tph_server_leave(server);
}

uint16_t tph_http_server_port(const struct tph_http_server *server)
{
    return server->port;
}

size_t tph_http_server_connections(const struct tph_http_server *server)
{
    return server->n_connections;
}
