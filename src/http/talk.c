/* SPDX-License-Identifier: Apache-2.0 */
/* One call's way: connecting, sending, reading the answer, and what went wrong, in Go's words. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/client_internal.h"

enum { READS_A_TURN = 16 }; /* one fast peer does not keep the loop */

void tph_talk_finish(struct tph_http_call *call, enum tph_http_outcome outcome, const char *error)
{
    call->state = CALL_FINISHED;
    call->outcome = outcome;
    if (*error == '\0') {
        call->error[0] = '\0';
    } else if (error != call->error) {
        (void)snprintf(call->error, sizeof(call->error), "%s", error);
    }
    tph_client_deliver(call);
}

/* Go's words for an errno are those of the C library, but it begins them small. */
static void append_errno(char *text, size_t size, int number)
{
    char unknown[64];
    size_t at = strlen(text);
    const char *words = strerror_r(number, unknown, sizeof(unknown));
    (void)snprintf(text + at, size - at, "%s", words);
    if (text[at] >= 'A' && text[at] <= 'Z') {
        text[at] = (char)(text[at] | 0x20);
    }
}

/* "localhost" is both, and one try. */
static const char *address_of(const struct tph_http_call *call, unsigned n)
{
    static const char *const local[] = {"::1", "127.0.0.1"};
    if (strcmp(call->host, "localhost") == 0) {
        return n < 2 ? local[call->four_first ? 1 - n : n] : NULL;
    }
    return n == 0 ? call->host : NULL;
}

static void address_failed(struct tph_http_call *call, int number)
{
    const char *address = address_of(call, call->address);
    if (address && address != call->host && strcmp(address, "127.0.0.1") == 0) {
        call->four_failed = number;
    }
    call->address++;
}

static bool literal(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

void tph_talk_refuse(struct tph_http_call *call, int number)
{
    if (call->stranger) {
        tph_talk_finish(call, TPH_HTTP_STRANGER, call->error);
        return;
    }
    if (call->four_failed != 0) {
        number = call->four_failed;
        tph_stream_address("127.0.0.1", call->port, call->remote);
    }
    const char *where = number == EMFILE || number == ENFILE ? "socket" : "connect";
    if (number == EADDRNOTAVAIL && !call->dial && !literal(address_of(call, 0))) {
        (void)snprintf(call->error, sizeof(call->error), "dial tcp: lookup %s: no such host", call->host);
    } else {
        (void)snprintf(call->error, sizeof(call->error), "dial tcp %s: %s: ", call->remote, where);
        append_errno(call->error, sizeof(call->error), number);
    }
    tph_talk_finish(call, number == ECONNREFUSED ? TPH_HTTP_REFUSED : TPH_HTTP_CONNECT_ERROR, call->error);
}

/* The server's queue may be full, as that of a single-threaded one soon is: the kernel dropped us and will not try
 * again before a second has passed. The timer of the call serves for both, the next attempt and the deadline. */
static void wait_to_connect(struct tph_http_call *call)
{
    if (call->state != CALL_CONNECTING) {
        return;
    }
    int64_t pause = call->pause_ms * 2;
    pause = pause < TPH_LIMIT_HTTP_CONNECT_MS ? TPH_LIMIT_HTTP_CONNECT_MS : pause;
    call->pause_ms = pause < TPH_LIMIT_HTTP_CONNECT_LAST_MS ? pause : TPH_LIMIT_HTTP_CONNECT_LAST_MS;
    int64_t left = call->deadline_ms - tph_loop_now_ms(call->client->loop);
    tph_timer_start(call->timer, call->pause_ms < left ? call->pause_ms : left);
}

static void connected(struct tph_http_call *call)
{
    call->state = CALL_TALKING;
    if (call->pause_ms > 0) {
        call->pause_ms = 0;
        tph_timer_start(call->timer, call->deadline_ms - tph_loop_now_ms(call->client->loop));
    }
}

/* True when the connection is there; else *ret_number is what became of it, 0 = nothing yet. */
static bool is_there(int fd, int *ret_number)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer), number_len = sizeof(*ret_number);
    *ret_number = 0;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 ||
           getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_number, &number_len) < 0;
}

static void check_later(struct tph_http_call *call)
{
    int64_t left = call->deadline_ms - tph_loop_now_ms(call->client->loop);
    call->check_pause_ms = call->check_pause_ms > 0 ? call->check_pause_ms * 2 : 1;
    call->pause_ms = 0;
    tph_stream_watch(&call->connection->stream, 0);
    tph_timer_start(call->timer, call->check_pause_ms < left ? call->check_pause_ms : left);
}

enum go { GO_ON, GO_LATER, GO_NOT };

/* Asks whether it is the right one who listens, once the connection is there. NOT: *ret_number is why. */
static enum go may_send(struct tph_http_call *call, int *ret_number)
{
    struct connection *c = call->connection;
    if (!call->check || c->checked || call->state != CALL_CONNECTING) {
        return GO_ON;
    }
    if (!is_there(c->stream.fd, ret_number)) {
        if (*ret_number == ECONNRESET || *ret_number == EPIPE) {
            return GO_ON; /* it was there: told when it is read */
        }
        if (*ret_number != 0) {
            return GO_NOT;
        }
        tph_stream_watch(&c->stream, TPH_IO_READ | TPH_IO_WRITE);
        wait_to_connect(call);
        return GO_LATER;
    }
    int answer = call->check(call->dial_owner, c->stream.fd, call->port, call->error, sizeof(call->error));
    if (answer == -EAGAIN && call->check_pause_ms < TPH_LIMIT_HTTP_CHECK_MS) {
        check_later(call);
        return GO_LATER;
    }
    if (call->check_pause_ms > 0) {
        call->check_pause_ms = 0;
        tph_timer_start(call->timer, call->deadline_ms - tph_loop_now_ms(call->client->loop));
    }
    c->checked = answer == 0;
    call->stranger = answer != 0;
    *ret_number = answer == 0 ? 0 : EACCES;
    return answer == 0 ? GO_ON : GO_NOT;
}

/* Sends what goes now. Returns 0, or the errno with which connecting failed; any other error of sending shows when the
 * answer is read, which may have come in spite of it. */
static int flush(struct tph_http_call *call)
{
    struct tph_stream *stream = &call->connection->stream;
    int number = 0;
    enum go go = may_send(call, &number);
    if (go != GO_ON) {
        return go == GO_LATER ? 0 : number;
    }
    while (call->sent < call->out.len) {
        struct iovec piece = {.iov_base = call->out.bytes + call->sent, .iov_len = call->out.len - call->sent};
        ssize_t n = tph_stream_write(stream, &piece, 1);
        if (n == -EAGAIN) {
            tph_stream_watch(stream, TPH_IO_READ | TPH_IO_WRITE);
            wait_to_connect(call);
            return 0;
        }
        if (n < 0) {
            if (call->state == CALL_CONNECTING && n != -EPIPE && n != -ECONNRESET) {
                return (int)-n;
            }
            connected(call);
            call->write_failed = (int)-n;
            break;
        }
        connected(call);
        call->sent += (size_t)n;
    }
    tph_stream_watch(stream, TPH_IO_READ);
    return 0;
}

/* A new connection to that address of the host; 0 or errno. */
static int connect_to(struct tph_http_call *call, const char *host)
{
    tph_stream_address(host, call->port, call->remote);
    int fd = call->dial ? call->dial(call->dial_owner, host, call->port) : tph_stream_connect(host, call->port);
    if (fd < 0) {
        return -fd;
    }
    struct connection *c = TPH_NEW(struct connection);
    int failed = tph_stream_open(&c->stream, call->client->loop, fd, tph_talk_ready, c);
    if (failed < 0) {
        free(c);
        return -failed;
    }
    c->client = call->client;
    c->call = call;
    c->dial = call->dial;
    c->dial_owner = call->dial_owner;
    c->port = call->port;
    c->made_ms = tph_loop_now_ms(call->client->loop);
    memcpy(c->host, call->host, sizeof(c->host));
    memcpy(c->remote, call->remote, sizeof(c->remote));
    call->connection = c;
    call->state = CALL_CONNECTING;
    /* On this machine the connection is there already: no need to wait a turn before sending. */
    int number = flush(call);
    if (number != 0) {
        tph_client_close(TPH_TAKE(call->connection));
    }
    return number;
}

int tph_talk_begin(struct tph_http_call *call)
{
    if (call->connection) {
        return flush(call);
    }
    int number = EADDRNOTAVAIL;
    for (const char *host; (host = address_of(call, call->address)); address_failed(call, number)) {
        number = connect_to(call, host);
        if (number == 0 || call->stranger) {
            return number;
        }
    }
    return number;
}

/* A kept connection that the server had closed in the meantime: once more, on a fresh one. True when it is so. */
static bool repeat(struct tph_http_call *call)
{
    if (!call->connection->reused || tph_response_started(call->response) || (call->sent > 0 && !call->repeatable)) {
        return false;
    }
    tph_client_close(TPH_TAKE(call->connection));
    call->sent = 0;
    call->write_failed = 0;
    call->address = 0;
    int number = tph_talk_begin(call);
    if (number != 0) {
        tph_talk_refuse(call, number);
    }
    return true;
}

static void timed_out(struct tph_http_call *call)
{
    if (call->state == CALL_CONNECTING) {
        (void)snprintf(call->error, sizeof(call->error), "dial tcp %s: i/o timeout", call->remote);
        tph_talk_finish(call, TPH_HTTP_TIMEOUT, call->error);
        return;
    }
    tph_talk_finish(call, TPH_HTTP_TIMEOUT,
                    tph_response_head_done(call->response)
                        ? "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
                        : "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
}

static void finish_broken(struct tph_http_call *call, const char *verb, int number)
{
    char local[TPH_STREAM_ADDRESS];
    tph_stream_local(&call->connection->stream, local);
    (void)snprintf(call->error, sizeof(call->error), "%s tcp %s%s%s: %s: ", verb, local, local[0] ? "->" : "",
                   call->remote, verb);
    append_errno(call->error, sizeof(call->error), number);
    tph_talk_finish(call, TPH_HTTP_RESET, call->error);
}

static void peer_closed(struct tph_http_call *call)
{
    if (tph_response_end(call->response) == TPH_RESPONSE_DONE) {
        tph_talk_finish(call, TPH_HTTP_ANSWERED, "");
    } else if (repeat(call)) {
        return;
    } else if (tph_response_started(call->response)) {
        tph_talk_finish(call, TPH_HTTP_RESET, "unexpected EOF");
    } else if (call->write_failed != 0) {
        finish_broken(call, "write", call->write_failed);
    } else {
        tph_talk_finish(call, TPH_HTTP_EOF, "EOF");
    }
}

static void read_failed(struct tph_http_call *call, int number)
{
    /* A server that answers before it has read the request resets the connection as it closes; a body that ends with
     * the connection is whole then too. */
    if (tph_response_end(call->response) == TPH_RESPONSE_DONE) {
        tph_talk_finish(call, TPH_HTTP_ANSWERED, "");
    } else if (!repeat(call)) {
        finish_broken(call, "read", number);
    }
}

/* True when the call is over. */
static bool fed(struct tph_http_call *call, enum tph_response_state state)
{
    switch (state) {
    case TPH_RESPONSE_MORE:
        return false;
    case TPH_RESPONSE_DONE:
        tph_talk_finish(call, TPH_HTTP_ANSWERED, "");
        return true;
    case TPH_RESPONSE_TOO_LARGE:
        tph_talk_finish(call, TPH_HTTP_TOO_LARGE, tph_response_fault(call->response));
        return true;
    case TPH_RESPONSE_MALFORMED:
        (void)snprintf(call->error, sizeof(call->error), "net/http: HTTP/1.x transport connection broken: %s",
                       tph_response_fault(call->response));
        tph_talk_finish(call, TPH_HTTP_MALFORMED, call->error);
        return true;
    }
    return true;
}

static void receive(struct tph_http_call *call)
{
    struct tph_http_client *client = call->client;
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = tph_stream_read(&call->connection->stream, client->bytes, sizeof(client->bytes));
        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            read_failed(call, (int)-n);
            return;
        }
        if (n == 0) {
            peer_closed(call);
            return;
        }
        if (fed(call, tph_response_feed(call->response, client->bytes, (size_t)n))) {
            return;
        }
        if ((size_t)n < sizeof(client->bytes)) { /* has emptied the socket; the loop calls again if not */
            tph_stream_acknowledge(&call->connection->stream);
            return;
        }
    }
}

/* The address that was tried does not answer: on with the next. */
static void next_address(struct tph_http_call *call, int number)
{
    tph_client_close(TPH_TAKE(call->connection));
    address_failed(call, number);
    if (!call->stranger && address_of(call, call->address)) {
        number = tph_talk_begin(call);
    }
    if (number != 0) {
        tph_talk_refuse(call, number);
    }
}

void tph_talk_timer_fired(void *owner)
{
    struct tph_http_call *call = owner;
    if (call->state != CALL_CONNECTING || !call->connection ||
        tph_loop_now_ms(call->client->loop) >= call->deadline_ms) {
        timed_out(call);
        return;
    }
    int number;
    if (call->check_pause_ms > 0) {
        number = flush(call); /* who is there, once more */
        if (number != 0) {
            next_address(call, number);
        }
        return;
    }
    tph_client_close(TPH_TAKE(call->connection));
    number = tph_talk_begin(call); /* the same address again */
    if (number != 0) {
        tph_talk_refuse(call, number);
    }
}

void tph_talk_ready(void *owner, unsigned events)
{
    struct connection *c = owner;
    struct tph_http_call *call = c->call;
    if (!call) {
        tph_client_spare_ready(c);
        return;
    }
    if (events & TPH_IO_WRITE) {
        int number = flush(call);
        if (number != 0) {
            next_address(call, number);
            return;
        }
    }
    if ((events & TPH_IO_READ) && call->state == CALL_TALKING) {
        receive(call);
    }
}
