/* SPDX-License-Identifier: Apache-2.0 */
/* The server over a real socket: whatever a client sends, in whatever pieces, every exchange ends once, what goes out
 * is a row of whole answers, and when the client has left nothing of it stays. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "fuzz.h"
#include "http/response.h"
#include "http/server.h"

enum { MAX_LATER = 4, MAX_TURNS = 200 };

struct scene {
    struct tph_loop *loop;
    struct tph_http_server *server;
    struct tph_http_exchange *later[MAX_LATER];
    size_t n_later;
    size_t n_seen, n_ended, n_aborted, n_answered;
    int fd;
    struct tph_buf out; /* what the client got */
};

static bool is(const struct tph_http_exchange *x, const char *target)
{
    return strcmp(tph_http_exchange_target(x), target) == 0;
}

static void answer(struct scene *s, struct tph_http_exchange *x)
{
    struct tph_http_reply reply = {.status = 200, .body = tph_http_exchange_body(x)};
    s->n_answered++;
    if (is(x, "/stream")) {
        tph_http_exchange_begin(x, &reply);
        for (int i = 0; i < 3; i++) {
            (void)!tph_http_exchange_write(x, tph_str(tph_http_exchange_method(x)));
        }
        tph_http_exchange_end(x);
        return;
    }
    reply.status = is(x, "/empty") ? 204 : 200;
    tph_http_exchange_reply(x, &reply);
}

static void deferred_answer(void *owner)
{
    struct scene *s = owner;
    struct tph_http_exchange *x = s->later[0];
    for (size_t i = 1; i < s->n_later; i++) {
        s->later[i - 1] = s->later[i];
    }
    s->n_later--;
    answer(s, x);
}

static void on_request(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    s->n_seen += tph_http_exchange_user(x) == NULL;
    if (is(x, "/abort")) {
        s->n_aborted++;
        tph_http_exchange_abort(x);
    } else if (is(x, "/later") && s->n_later < MAX_LATER) {
        s->later[s->n_later++] = x;
        tph_defer(s->loop, deferred_answer, s);
    } else if (!is(x, "/never")) {
        answer(s, x);
    }
}

static void on_head(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    s->n_seen++;
    tph_http_exchange_set_user(x, s); /* is counted */
    if (is(x, "/secret")) {
        answer(s, x);
    } else if (is(x, "/early-abort")) {
        s->n_aborted++;
        tph_http_exchange_abort(x);
    }
}

static void on_ended(void *owner, struct tph_http_exchange *x, enum tph_http_end how)
{
    struct scene *s = owner;
    FUZZ_HOLDS(how == TPH_HTTP_END_ANSWERED || how == TPH_HTTP_END_GONE);
    s->n_ended++;
    for (size_t i = 0; i < s->n_later; i++) {
        if (s->later[i] == x) { /* one connection: it is the only one, and its deferred answer must not come */
            s->n_later = 0;
            tph_defer_cancel(s->loop, s);
        }
    }
}

static const struct tph_http_handler handler = {.head = on_head, .request = on_request, .ended = on_ended};

static struct scene *scene(void)
{
    static struct scene s; /* one server for all inputs: what one leaves behind the next would find */
    if (!s.loop) {
        struct tph_http_server_config config = {.host = "127.0.0.1", .handler = &handler, .owner = &s, .max_body = 500};
        FUZZ_HOLDS(tph_loop_new(&s.loop, NULL) == 0);
        FUZZ_HOLDS(tph_http_server_new(s.loop, &config, &s.server, NULL) == 0);
        s.out = TPH_BUF_INIT(TPH_MIB(16));
    }
    return &s;
}

/* Lets the server work, and takes what it sends. Returns false when it has closed the connection. */
static bool turn(struct scene *s)
{
    (void)uv_run(tph_loop_uv(s->loop), UV_RUN_NOWAIT);
    char *room = tph_buf_reserve(&s->out, 65536);
    FUZZ_HOLDS(room != NULL);
    ssize_t n = recv(s->fd, room, 65536, MSG_DONTWAIT);
    tph_buf_commit(&s->out, n > 0 ? (size_t)n : 0);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void connect_to(struct scene *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(tph_http_server_port(s->server))};
    struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* leaves no port behind in TIME-WAIT */
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_HOLDS(s->fd >= 0 && connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    FUZZ_HOLDS(setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
}

/* The answers that came: all well-formed; the last may be cut off where the server closed. */
static void check_answers(struct scene *s)
{
    size_t at = 0;
    while (at < s->out.len) {
        TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(TPH_MIB(1));
        enum tph_response_state state = TPH_RESPONSE_MORE;
        size_t begin = at;
        /* byte by byte, to know where it ends */
        while (at < s->out.len && state == TPH_RESPONSE_MORE) {
            state = tph_response_feed(r, s->out.bytes + at++, 1);
        }
        FUZZ_HOLDS(state == TPH_RESPONSE_MORE || state == TPH_RESPONSE_DONE);
        FUZZ_HOLDS(at > begin);
        if (state == TPH_RESPONSE_MORE) {
            return; /* cut off, or an answer to HEAD whose body does not come */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *s = scene();
    struct tph_str text = fuzz_text(data, size);
    uint32_t seed = tph_fnv1a32(text);
    bool pieces = seed & 1, reset = seed & 2, open = true;
    s->n_seen = s->n_ended = s->n_aborted = s->n_answered = 0;
    tph_buf_clear(&s->out);
    connect_to(s);
    for (size_t at = 0; at < size && open;) {
        seed = seed * 1664525 + 1013904223;
        size_t n = pieces ? 1 + (seed >> 16) % 64 : size;
        n = n < size - at ? n : size - at;
        open = send(s->fd, text.p + at, n, MSG_NOSIGNAL) == (ssize_t)n && turn(s);
        at += n;
    }
    for (int i = 0; i < 4 && open; i++) {
        open = turn(s);
    }
    if (open && !reset) {
        (void)shutdown(s->fd, SHUT_WR);
        for (int i = 0; i < MAX_TURNS && open; i++) {
            open = turn(s);
        }
        FUZZ_HOLDS(!open);
    }
    close(s->fd);
    for (int i = 0; i < MAX_TURNS && tph_http_server_connections(s->server) > 0; i++) {
        (void)uv_run(tph_loop_uv(s->loop), UV_RUN_NOWAIT);
    }
    FUZZ_HOLDS(tph_http_server_connections(s->server) == 0);
    FUZZ_HOLDS(s->n_seen == s->n_ended + s->n_aborted);
    FUZZ_HOLDS(s->n_later == 0);
    if (!tph_str_has_prefix(text, TPH_STR("HEAD")) && tph_str_find(text, TPH_STR("HEAD ")) < 0) {
        check_answers(s);
    }
    return 0;
}
