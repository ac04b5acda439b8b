/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "http/response.h"

enum {
    READ_SIZE = 65536,
    READS_A_TURN = 16, /* one fast peer does not keep the loop */
    ADDRESS_TEXT = 64,
};

/* A connection; belongs to one call, or for the rest of a loop turn to nobody. */
struct connection {
    struct connection *next; /* among the spare ones */
    struct tph_http_client *client;
    struct tph_http_call *call; /* NULL while spare */
    struct tph_io *io;
    int fd; /* owned */
    uint16_t port;
    char host[ADDRESS_TEXT];
    bool reused;
};

enum call_state { CALL_CONNECTING, CALL_TALKING, CALL_FINISHED };

struct tph_http_call {
    struct tph_http_call *next, *previous; /* all calls of the client */
    struct tph_http_client *client;
    tph_http_done_fn *done;
    void *owner;
    struct connection *connection;
    struct tph_timer *timer;
    struct tph_response *response;
    struct tph_buf out; /* head and body */
    size_t sent;
    tph_http_dial_fn *dial;
    void *dial_owner;
    enum call_state state;
    enum tph_http_outcome outcome;
    int64_t started_ms;
    uint16_t port;
    unsigned address; /* which of the host's addresses is tried */
    char host[ADDRESS_TEXT];
    char remote[ADDRESS_TEXT + 8];
    char error[256];
};

struct tph_http_client {
    struct tph_loop *loop;
    struct tph_http_call *calls;
    struct connection *spare;
    bool closing_spare; /* a deferred close is on its way */
    char bytes[READ_SIZE];
};

struct tph_http_client *tph_http_client_new(struct tph_loop *loop)
{
    struct tph_http_client *client = TPH_NEW(struct tph_http_client);
    client->loop = loop;
    return client;
}

static void connection_free(struct connection *c)
{
    if (c) {
        tph_io_free(c->io);
        tph_fd_close(&c->fd);
        free(c);
    }
}

static void close_spare(void *owner)
{
    struct tph_http_client *client = owner;
    client->closing_spare = false;
    while (client->spare) {
        struct connection *c = client->spare;
        client->spare = c->next;
        connection_free(c);
    }
}

static void call_free(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        client->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
    tph_defer_cancel(client->loop, call);
    tph_timer_free(call->timer);
    connection_free(call->connection);
    tph_response_free(call->response);
    tph_buf_release(&call->out);
    free(call);
}

void tph_http_client_free(struct tph_http_client *client)
{
    if (!client) {
        return;
    }
    while (client->calls) {
        call_free(client->calls);
    }
    tph_defer_cancel(client->loop, client);
    close_spare(client);
    free(client);
}

void tph_http_call_cancel(struct tph_http_call *call)
{
    if (call) {
        call_free(call);
    }
}

/* The connection goes to whoever calls the same address before this turn of the loop ends. */
static void spare_connection(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    struct connection *c = TPH_TAKE(call->connection);
    c->call = NULL;
    tph_io_watch(c->io, 0);
    c->next = client->spare;
    client->spare = c;
    if (!client->closing_spare) {
        client->closing_spare = true;
        tph_defer(client->loop, close_spare, client);
    }
}

/* Ends the call: done is called from the loop, then the call goes. */
static void deliver(void *owner)
{
    struct tph_http_call *call = owner;
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
    if (call->outcome == TPH_HTTP_ANSWERED && tph_response_reusable(call->response) && call->connection &&
        call->sent == call->out.len) {
        spare_connection(call);
    } else {
        connection_free(TPH_TAKE(call->connection));
    }
    tph_timer_stop(call->timer);
    call->done(call->owner, &answer);
    call_free(call);
}

static void finish(struct tph_http_call *call, enum tph_http_outcome outcome, const char *error)
{
    call->state = CALL_FINISHED;
    call->outcome = outcome;
    if (error != call->error) {
        (void)snprintf(call->error, sizeof(call->error), "%s", error);
    }
    deliver(call);
}

static void timed_out(void *owner)
{
    struct tph_http_call *call = owner;
    if (call->state == CALL_CONNECTING) {
        (void)snprintf(call->error, sizeof(call->error), "dial tcp %s: i/o timeout", call->remote);
        finish(call, TPH_HTTP_TIMEOUT, call->error);
        return;
    }
    finish(call, TPH_HTTP_TIMEOUT,
           tph_response_head_done(call->response)
               ? "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
               : "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
}

/* Go's words for what a system call answered. */
static const char *errno_words(int number, char *text, size_t size)
{
    (void)snprintf(text, size, "%s", strerror_r(number, text, size));
    if (text[0] >= 'A' && text[0] <= 'Z') {
        text[0] = (char)(text[0] | 0x20);
    }
    return text;
}

static void connection_ready(void *owner, unsigned events);

static int connect_to(const char *host, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {.sin6_family = AF_UNSPEC}};
    socklen_t len = 0;
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        len = sizeof(address.v4);
    } else if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        len = sizeof(address.v6);
    } else {
        return -EADDRNOTAVAIL;
    }
    TPH_CLEANUP(tph_fd_close) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a small gain, never needed */
    if (connect(fd, &address.any, len) < 0 && errno != EINPROGRESS) {
        return -errno;
    }
    return tph_fd_take(&fd);
}

/* The n-th address of the host, or NULL when there is none. */
static const char *address_of(const struct tph_http_call *call, unsigned n)
{
    static const char *const local[] = {"::1", "127.0.0.1"};
    if (strcmp(call->host, "localhost") == 0) {
        return n < 2 ? local[n] : NULL;
    }
    return n == 0 ? call->host : NULL;
}

static void connect_failed(struct tph_http_call *call, int number)
{
    char words[128];
    (void)snprintf(call->error, sizeof(call->error), "dial tcp %s: connect: %s", call->remote,
                   errno_words(number, words, sizeof(words)));
    finish(call, number == ECONNREFUSED ? TPH_HTTP_REFUSED : TPH_HTTP_CONNECT_ERROR, call->error);
}

/* Tries the host's addresses from the current one on. Returns 0 when a connection is under way, else the errno of
 * the last. */
static int try_addresses(struct tph_http_call *call)
{
    int number = EADDRNOTAVAIL;
    for (const char *host; (host = address_of(call, call->address)); call->address++) {
        (void)snprintf(call->remote, sizeof(call->remote), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, call->port);
        int fd = call->dial ? call->dial(call->dial_owner, host, call->port) : connect_to(host, call->port);
        if (fd < 0) {
            number = -fd;
            continue;
        }
        struct connection *c = TPH_NEW(struct connection);
        c->client = call->client;
        c->call = call;
        c->fd = fd;
        c->port = call->port;
        (void)snprintf(c->host, sizeof(c->host), "%s", call->host);
        if (tph_io_new(call->client->loop, fd, connection_ready, c, &c->io, NULL) < 0) {
            connection_free(c);
            number = EMFILE;
            continue;
        }
        call->connection = c;
        call->state = CALL_CONNECTING;
        tph_io_watch(c->io, TPH_IO_WRITE);
        return 0;
    }
    return number;
}

static void start_failed(void *owner)
{
    struct tph_http_call *call = owner;
    connect_failed(call, (int)call->sent); /* sent carries the errno until here; see tph_http_call_start */
}

static void next_address(struct tph_http_call *call, int number)
{
    connection_free(TPH_TAKE(call->connection));
    call->address++;
    if (!address_of(call, call->address)) {
        connect_failed(call, number);
        return;
    }
    int failed = try_addresses(call);
    if (failed != 0) {
        connect_failed(call, failed);
    }
}

/* Sends what is left. Errors are left to the reading side: the answer may be there already. */
static void flush(struct tph_http_call *call)
{
    while (call->sent < call->out.len) {
        ssize_t n = send(call->connection->fd, call->out.bytes + call->sent, call->out.len - call->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            unsigned events = errno == EAGAIN ? TPH_IO_READ | TPH_IO_WRITE : TPH_IO_READ;
            tph_io_watch(call->connection->io, events);
            return;
        }
        call->sent += (size_t)n;
    }
    tph_io_watch(call->connection->io, TPH_IO_READ);
}

/* A connection of an earlier call that the server had closed in the meantime: once more, on a fresh one. */
static bool retry_stale(struct tph_http_call *call)
{
    if (!call->connection->reused || tph_response_started(call->response)) {
        return false;
    }
    connection_free(TPH_TAKE(call->connection));
    call->sent = 0;
    call->address = 0;
    int failed = try_addresses(call);
    if (failed != 0) {
        connect_failed(call, failed);
    }
    return true;
}

static void peer_closed(struct tph_http_call *call)
{
    if (tph_response_end(call->response) == TPH_RESPONSE_DONE) {
        finish(call, TPH_HTTP_ANSWERED, "");
    } else if (retry_stale(call)) {
        return;
    } else if (tph_response_started(call->response)) {
        finish(call, TPH_HTTP_RESET, "unexpected EOF");
    } else {
        finish(call, TPH_HTTP_EOF, "EOF");
    }
}

static void read_failed(struct tph_http_call *call, int number)
{
    if (tph_response_end(call->response) == TPH_RESPONSE_DONE) {
        finish(call, TPH_HTTP_ANSWERED, "");
        return;
    }
    if (retry_stale(call)) {
        return;
    }
    char words[128];
    (void)snprintf(call->error, sizeof(call->error), "read tcp %s: read: %s", call->remote,
                   errno_words(number, words, sizeof(words)));
    finish(call, TPH_HTTP_RESET, call->error);
}

/* True when the call is over. */
static bool fed(struct tph_http_call *call, enum tph_response_state state)
{
    switch (state) {
    case TPH_RESPONSE_MORE:
        return false;
    case TPH_RESPONSE_DONE:
        finish(call, TPH_HTTP_ANSWERED, "");
        return true;
    case TPH_RESPONSE_TOO_LARGE:
        finish(call, TPH_HTTP_TOO_LARGE, "the answer is too large");
        return true;
    case TPH_RESPONSE_MALFORMED:
        (void)snprintf(call->error, sizeof(call->error), "malformed HTTP response: %.*s",
                       TPH_FMT(tph_response_reason(call->response)));
        finish(call, TPH_HTTP_MALFORMED, call->error);
        return true;
    }
    return true;
}

static void receive(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = recv(call->connection->fd, client->bytes, sizeof(client->bytes), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN) {
                read_failed(call, errno);
            }
            return;
        }
        if (n == 0) {
            peer_closed(call);
            return;
        }
        if (fed(call, tph_response_feed(call->response, client->bytes, (size_t)n)) || (size_t)n < sizeof(client->bytes)) {
            return;
        }
    }
}

static void connection_ready(void *owner, unsigned events)
{
    struct connection *c = owner;
    struct tph_http_call *call = c->call;
    if (!call) {
        return; /* spare: closed at the end of this turn */
    }
    if (call->state == CALL_CONNECTING) {
        int number = 0;
        socklen_t len = sizeof(number);
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0) {
            number = errno;
        }
        if (number != 0) {
            next_address(call, number);
            return;
        }
        call->state = CALL_TALKING;
        flush(call);
        return;
    }
    if (events & TPH_IO_WRITE) {
        flush(call);
    }
    if (events & TPH_IO_READ) {
        receive(call);
    }
}

static void write_request(struct tph_http_call *call, const struct tph_http_request *request)
{
    struct tph_buf *out = &call->out;
    (void)tph_buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: tiphys/" TPH_VERSION "\r\n",
                         request->method, request->target, request->host, request->port);
    for (size_t i = 0; i < request->n_headers; i++) {
        (void)tph_buf_printf(out, "%s: %s\r\n", request->headers[i].name, request->headers[i].value);
    }
    (void)tph_buf_printf(out, "Content-Length: %zu\r\n\r\n", request->body.len);
    (void)tph_buf_put(out, request->body);
}

static bool take_spare(struct tph_http_call *call)
{
    for (struct connection **slot = &call->client->spare; *slot; slot = &(*slot)->next) {
        struct connection *c = *slot;
        if (c->port == call->port && strcmp(c->host, call->host) == 0 && !call->dial) {
            *slot = c->next;
            c->call = call;
            c->reused = true;
            call->connection = c;
            call->state = CALL_TALKING;
            return true;
        }
    }
    return false;
}

struct tph_http_call *tph_http_call_start(struct tph_http_client *client, const struct tph_http_request *request,
                                          tph_http_done_fn *done, void *owner)
{
    struct tph_http_call *call = TPH_NEW(struct tph_http_call);
    call->client = client;
    call->done = done;
    call->owner = owner;
    call->dial = request->dial;
    call->dial_owner = request->dial_owner;
    call->port = request->port;
    (void)snprintf(call->host, sizeof(call->host), "%s", request->host);
    call->out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT + TPH_LIMIT_HTTP_HEADER);
    call->response = tph_response_new(request->max_reply);
    call->timer = tph_timer_new(client->loop, timed_out, call);
    call->started_ms = tph_loop_now_ms(client->loop);
    call->next = client->calls;
    if (call->next) {
        call->next->previous = call;
    }
    client->calls = call;
    write_request(call, request);
    tph_timer_start(call->timer, request->timeout_ms);
    if (take_spare(call)) {
        flush(call);
        return call;
    }
    int failed = try_addresses(call);
    if (failed != 0) {
        call->sent = (size_t)failed; /* for start_failed: no callback from inside this call */
        tph_defer(client->loop, start_failed, call);
    }
    return call;
}
