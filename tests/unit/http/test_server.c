/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "http/status.h"
#include "peer.h"

struct scene;

struct route {
    const char *target;
    void (*answer)(struct scene *scene, struct tph_http_exchange *exchange);
};

struct scene {
    struct tph_loop *loop;
    struct tph_http_server *server;
    struct tph_http_server_config config;
    struct peer peer, other;
    struct tph_http_exchange *held; /* answered later */
    struct tph_timer *timer;
    int n_requests, n_ended, n_drained, n_heads;
    enum tph_http_end how;
    char bodies[64];      /* of the requests, one after the other */
    size_t written, goal; /* goal 0: until the queue refuses for the first time */
    bool hold_ended;      /* the loop goes on until an exchange ended */
    bool peer_through;
};

static const struct tph_http_header text_plain[] = {{"Content-Type", "text/plain"}};

static void reply(struct tph_http_exchange *x, int status, const char *body)
{
    struct tph_http_reply r = {.status = status, .headers = text_plain, .n_headers = 1, .body = tph_str(body)};
    tph_http_exchange_reply(x, &r);
}

static void answer_plain(struct scene *s, struct tph_http_exchange *x)
{
    (void)s;
    reply(x, 200, "hello\n");
}

static void answer_echo(struct scene *s, struct tph_http_exchange *x)
{
    char text[512];
    (void)s;
    (void)snprintf(text, sizeof(text), "%s %s %s <%.*s>", tph_http_exchange_method(x), tph_http_exchange_target(x),
                   tph_http_exchange_header(x, "x-word") ? tph_http_exchange_header(x, "x-word") : "-",
                   TPH_FMT(tph_http_exchange_body(x)));
    reply(x, 200, text);
}

static void answer_later(struct scene *s, struct tph_http_exchange *x)
{
    s->held = x;
}

static void answer_empty(struct scene *s, struct tph_http_exchange *x)
{
    (void)s;
    struct tph_http_reply r = {.status = 204};
    tph_http_exchange_reply(x, &r);
}

static void answer_twice(struct scene *s, struct tph_http_exchange *x)
{
    (void)s;
    reply(x, 200, "first");
    reply(x, 500, "second");
    tph_http_exchange_end(x);
}

static void answer_unfit(struct scene *s, struct tph_http_exchange *x)
{
    static const struct tph_http_header split[] = {{"X", "a\r\nInjected: b"}};
    (void)s;
    struct tph_http_reply r = {.status = 200, .headers = split, .n_headers = 1, .body = TPH_STR("no")};
    tph_http_exchange_reply(x, &r);
}

static void answer_stream(struct scene *s, struct tph_http_exchange *x)
{
    (void)s;
    struct tph_http_reply r = {.status = 200, .headers = text_plain, .n_headers = 1};
    tph_http_exchange_begin(x, &r);
    assert_int_equal(tph_http_exchange_write(x, TPH_STR("one ")), TPH_HTTP_WRITTEN);
    assert_int_equal(tph_http_exchange_write(x, TPH_STR("")), TPH_HTTP_WRITTEN); /* is not the end */
    assert_int_equal(tph_http_exchange_write(x, TPH_STR("and twenty-two characters")), TPH_HTTP_WRITTEN);
    tph_http_exchange_end(x);
}

static void answer_watch(struct scene *s, struct tph_http_exchange *x)
{
    struct tph_http_reply r = {.status = 200};
    tph_http_exchange_begin(x, &r);
    assert_int_equal(tph_http_exchange_write(x, TPH_STR("listening")), TPH_HTTP_WRITTEN);
    s->held = x;
}

/* Writes until the queue refuses, which it does sooner or later whatever the kernel's buffers hold; 8 MiB are left
 * then, for which it has to be drained. */
static void fill(struct scene *s)
{
    static char block[10000];
    memset(block, 'y', sizeof(block));
    while ((s->goal == 0 || s->written < s->goal) &&
           tph_http_exchange_write(s->held, (struct tph_str){block, sizeof(block)}) == TPH_HTTP_WRITTEN) {
        s->written += sizeof(block);
        assert_true(tph_http_exchange_queued(s->held) <= s->config.max_queue + 64);
    }
    s->goal = s->goal == 0 ? s->written + TPH_MIB(8) : s->goal;
    if (s->written >= s->goal) {
        tph_http_exchange_end(s->held);
    }
}

static void answer_flood(struct scene *s, struct tph_http_exchange *x)
{
    struct tph_http_reply r = {.status = 200};
    tph_http_exchange_begin(x, &r);
    s->held = x;
    s->written = s->goal = 0;
    fill(s);
}

static void answer_large(struct scene *s, struct tph_http_exchange *x)
{
    size_t len = TPH_MIB(8);
    char *body = malloc(len);
    (void)s;
    assert_non_null(body);
    memset(body, 'z', len);
    struct tph_http_reply r = {.status = 200, .body = {body, len}};
    tph_http_exchange_reply(x, &r);
    free(body); /* copied or sent */
}

static void answer_abort(struct scene *s, struct tph_http_exchange *x)
{
    (void)s;
    tph_http_exchange_abort(x);
}

static void answer_free(struct scene *s, struct tph_http_exchange *x)
{
    reply(x, 200, "goodbye");
    tph_http_server_free(s->server);
    s->server = NULL;
}

static const struct route routes[] = {
    {"/plain", answer_plain}, {"/echo", answer_echo},     {"/later", answer_later}, {"/empty", answer_empty},
    {"/twice", answer_twice}, {"/stream", answer_stream}, {"/watch", answer_watch}, {"/flood", answer_flood},
    {"/large", answer_large}, {"/abort", answer_abort},   {"/free", answer_free},   {"/unfit", answer_unfit},
};

static void stop_when_through(struct scene *s)
{
    if (s->peer_through && (!s->hold_ended || s->n_ended > 0)) {
        tph_loop_stop(s->loop);
    }
}

static void on_request(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    s->n_requests++;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(tph_http_exchange_target(x), routes[i].target) == 0) {
            routes[i].answer(s, x);
            return;
        }
    }
    reply(x, 404, "nothing here");
}

static void on_head(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    s->n_heads++;
    if (strcmp(tph_http_exchange_target(x), "/secret") == 0) {
        reply(x, 401, "who are you?");
    }
}

static void on_drained(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    assert_ptr_equal(s->held, x);
    s->n_drained++;
    fill(s);
}

static void on_ended(void *owner, struct tph_http_exchange *x, enum tph_http_end how)
{
    struct scene *s = owner;
    if (s->held == x) {
        s->held = NULL;
    }
    s->n_ended++;
    s->how = how;
    stop_when_through(s);
}

static const struct tph_http_handler handler = {
    .head = on_head, .request = on_request, .drained = on_drained, .ended = on_ended};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct tph_error err = TPH_ERROR_INIT;
    assert_non_null(s);
    assert_int_equal(tph_loop_new(&s->loop, &err), 0);
    s->config =
        (struct tph_http_server_config){.host = "127.0.0.1", .handler = &handler, .owner = s, .max_queue = TPH_KIB(64)};
    *state = s;
    return 0;
}

static void start(struct scene *s)
{
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_http_server_new(s->loop, &s->config, &s->server, &err), 0);
    peer_client(&s->peer, s->loop, tph_http_server_port(s->server));
    peer_client(&s->other, s->loop, tph_http_server_port(s->server));
    s->peer.owner = s->other.owner = s;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    peer_release(&s->peer);
    peer_release(&s->other);
    tph_timer_free(s->timer);
    tph_http_server_free(s->server);
    tph_loop_free(s->loop);
    free(s);
    return 0;
}

static void peer_through(void *owner)
{
    struct scene *s = owner;
    s->peer_through = true;
    stop_when_through(s);
}

static void play(struct scene *s, const struct peer_step *steps)
{
    if (!s->server) {
        start(s);
    }
    s->peer_through = false;
    s->peer.finished = peer_through;
    peer_play(&s->peer, steps);
    if (!s->peer_through || (s->hold_ended && s->n_ended == 0)) {
        tph_loop_run(s->loop);
    }
}

/* What the client got, with the dates taken out. */
static const char *got(struct scene *s)
{
    char *p = s->peer.in.bytes;
    while (p && (p = strstr(p, "Date: "))) {
        char *end = strstr(p, "\r\n");
        assert_non_null(end);
        assert_int_equal(end - p, 6 + TPH_HTTP_DATE - 1);
        assert_memory_equal(end - 4, " GMT", 4);
        memmove(p, end + 2, strlen(end + 2) + 1);
        s->peer.in.len -= 6 + TPH_HTTP_DATE - 1 + 2;
    }
    return tph_buf_cstr(&s->peer.in);
}

#define PLAIN "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"

static void a_request_is_answered_whole(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "hello\n"}));
    assert_string_equal(got(s), PLAIN);
    assert_int_equal(s->n_ended, 1);
    assert_int_equal(s->how, TPH_HTTP_END_ANSWERED);
    assert_int_equal(tph_http_server_connections(s->server), 1);
}

static void method_target_fields_and_body_reach_the_handler(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  {PEER_SEND_BYTES,
                   "POST /echo HTTP/1.1\r\nHost: a\r\nX-Word:  two words \r\nContent-Length: 4\r\n\r\nbody"},
                  {PEER_READ_TEXT, "<body>"}));
    assert_non_null(strstr(got(s), "\r\n\r\nPOST /echo two words <body>"));
    assert_int_equal(s->n_heads, 1);
    play(
        s,
        STEPS(SEND_TEXT(
                  "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"),
              {PEER_READ_TEXT, "<abcd>"}));
    assert_non_null(strstr(got(s), "\r\n\r\nPUT /echo - <abcd>"));
}

static void a_connection_carries_many_requests_and_pipelined_ones_in_their_order(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "hello\n"},
                  SEND_TEXT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
                            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2"
                            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3"
                            "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"),
                  {PEER_READ_EOF}));
    const char *one = strstr(got(s), "<1>"), *two = strstr(got(s), "<2>"), *three = strstr(got(s), "<3>");
    assert_true(one && two && three && one < two && two < three);
    assert_int_equal(s->n_requests, 4);
    assert_int_equal(tph_http_server_connections(s->server), 0);
}

static bool holds(const void *owner)
{
    const struct scene *s = owner;
    return s->held != NULL;
}

static void answer_held(void *owner)
{
    struct scene *s = owner;
    assert_non_null(s->held);
    reply(TPH_TAKE(s->held), 200, "at last");
}

static void an_answer_may_come_later_and_pipelined_requests_wait_for_it(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                            "GET /plain HTTP/1.1\r\nHost: a\r\n\r\nGET /pl"),
                  {PEER_UNTIL, .test = holds}, {PEER_CALL, .call = answer_held}, {PEER_READ_TEXT, "at last"},
                  {PEER_UNTIL, .test = holds}, {PEER_CALL, .call = answer_held}, {PEER_READ_TEXT, "hello\n"},
                  SEND_TEXT("ain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), {PEER_READ_EOF}));
    assert_int_equal(s->n_requests, 4);
    assert_int_equal(s->n_ended, 4);
}

static void old_clients_get_old_answers(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.0\r\n\r\n"), {PEER_READ_EOF}));
    assert_string_equal(
        got(s), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n");
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                  {PEER_READ_TEXT, "hello\n"}, SEND_TEXT("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                  {PEER_READ_EOF}));
    assert_string_equal(
        got(s),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\nhello\n"
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\none and twenty-two characters");
}

static void answers_without_body_have_none(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("HEAD /plain HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n"
                            "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n"),
                  {PEER_READ_TEXT, "hello\n"}));
    assert_string_equal(got(s), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n"
                                "HTTP/1.1 204 No Content\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" PLAIN);
}

static void a_stream_goes_out_in_chunks(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n"),
                  {PEER_READ_TEXT, "hello\n"}));
    assert_string_equal(got(s), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "4\r\none \r\n19\r\nand twenty-two characters\r\n0\r\n\r\n" PLAIN);
}

static void the_second_answer_to_one_request_is_ignored(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /twice HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                  {PEER_READ_EOF}));
    assert_non_null(strstr(got(s), "first"));
    assert_null(strstr(got(s), "second"));
}

static void a_header_that_would_add_a_line_is_not_sent(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /unfit HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                  {PEER_READ_EOF}));
    assert_string_equal(got(s), "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void a_body_is_asked_for_where_the_client_waits(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                  {PEER_READ_TEXT, "HTTP/1.1 100 Continue\r\n\r\n"}, SEND_TEXT("ok"), {PEER_READ_TEXT, "<ok>"}));
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("POST /secret HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                  {PEER_READ_EOF}));
    assert_null(strstr(got(s), "100 Continue"));
    assert_non_null(strstr(got(s), "HTTP/1.1 401 Unauthorized\r\n"));
}

static void an_early_answer_reaches_a_client_that_is_still_sending(void **state)
{
    struct scene *s = *state;
    /* 32 MiB are on their way: the answer is there all the same, and then the end, not a reset */
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n"),
                  {PEER_SEND_MANY, NULL, 64}, {PEER_READ_TEXT, "who are you?"}, {PEER_HALF_CLOSE}, {PEER_READ_EOF}));
    assert_false(s->peer.broken);
    assert_string_equal(got(s), "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n"
                                "Connection: close\r\n\r\nwho are you?");
    assert_int_equal(s->n_requests, 0);
    assert_int_equal(s->n_ended, 1);
    assert_int_equal(s->how, TPH_HTTP_END_ANSWERED);
}

static void refused(struct scene *s, const char *request, const char *status_line)
{
    s->n_requests = 0;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT(request), {PEER_READ_EOF}));
    assert_memory_equal(got(s), status_line, strlen(status_line));
    assert_non_null(strstr(got(s), "Connection: close\r\n"));
    assert_int_equal(s->n_requests, 0);
}

static void nonsense_is_answered_and_closes_the_connection(void **state)
{
    struct scene *s = *state;
    s->config.linger_ms = 1;
    s->config.max_body = 1000;
    refused(s, "hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    refused(s, "GET /plain HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 Bad Request\r\n");
    refused(s, "GET /plain HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    refused(s, "GET /plain HTTP/1.1\r\nHost : a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    refused(s, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\n");
    refused(s, "GET /plain HTTP/2.0\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n");
    refused(s, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
            "HTTP/1.1 413 Request Entity Too Large\r\n");
    assert_int_equal(s->n_ended, 0); /* nobody had seen them */
    refused(s, "POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 400 Bad Request\r\n");
    assert_int_equal(s->n_ended, 1); /* whose head was seen */
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
}

static void a_good_request_before_nonsense_is_still_answered(void **state)
{
    struct scene *s = *state;
    s->config.linger_ms = 1;
    play(s,
         STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n"), {PEER_READ_EOF}));
    assert_memory_equal(got(s), PLAIN, strlen(PLAIN));
    assert_non_null(strstr(got(s), "hello\nHTTP/1.1 400 Bad Request\r\n"));
}

static void a_client_that_leaves_is_seen_at_once(void **state)
{
    struct scene *s = *state;
    s->hold_ended = true;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_UNTIL, .test = holds},
                  {PEER_CLOSE}));
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
    s->n_ended = 0;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "listening"},
                  {PEER_CLOSE}));
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
    s->n_ended = 0;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "listening"},
                  {PEER_RESET}));
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
    s->n_ended = 0;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "zzz"},
                  {PEER_RESET}));
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
    assert_int_equal(tph_http_server_connections(s->server), 0);
}

static void a_client_may_end_its_side_once_its_answer_is_on_its_way(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "zzz"},
                  {PEER_HALF_CLOSE}, {PEER_READ_EOF}));
    assert_true(s->peer.in.len > TPH_MIB(8));
    assert_int_equal(s->how, TPH_HTTP_END_ANSWERED);
}

static void a_slow_reader_holds_no_more_than_its_queue(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_TURN},
                  {PEER_READ_TEXT, "\r\n0\r\n\r\n"}));
    assert_true(s->written >= s->goal && s->written < s->goal + 10000);
    assert_true(s->n_drained >= 1); /* more than once where the peer is slower than the kernel's buffers are large */
    assert_int_equal(s->how, TPH_HTTP_END_ANSWERED);
    assert_true(s->peer.in.len > s->written);
}

static void a_reader_that_takes_nothing_is_closed(void **state)
{
    struct scene *s = *state;
    s->config.stall_ms = 20;
    s->hold_ended = true;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")));
    assert_int_equal(s->how, TPH_HTTP_END_STALLED);
    assert_null(s->held);
}

static void a_client_that_pipelines_without_reading_is_paused(void **state)
{
    struct scene *s = *state;
    enum { N = 20000 };
    static const char one[] = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n";
    struct tph_buf many = TPH_BUF_INIT(N * sizeof(one) + 200);
    (void)tph_buf_puts(&many, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < N; i++) {
        (void)tph_buf_puts(&many, one);
    }
    (void)tph_buf_puts(&many, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    play(s, STEPS({PEER_CONNECT}, {PEER_SEND, tph_buf_cstr(&many)}, {PEER_UNTIL, .test = holds},
                  {PEER_CALL, .call = answer_held}, {PEER_READ_EOF}));
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_int_equal(s->n_requests, N + 2);
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), "GET /echo - <>"));
    tph_buf_release(&many);
}

static void times_run_out(struct scene *s, const char *request, const char *answer)
{
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT(request), {PEER_READ_EOF}));
    assert_memory_equal(got(s), answer, strlen(answer) + (*answer ? 0 : 1));
}

static void heads_bodies_and_idle_connections_have_their_time(void **state)
{
    struct scene *s = *state;
    s->config.head_ms = s->config.body_ms = s->config.idle_ms = s->config.linger_ms = 15;
    times_run_out(s, "", "");
    times_run_out(s, "\r\n", "");
    times_run_out(s, "GET /plain HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 408 Request Timeout\r\n");
    times_run_out(s, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1234",
                  "HTTP/1.1 408 Request Timeout\r\n");
    times_run_out(s, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN);
    /* the handler has all the time it wants */
    s->n_ended = 0;
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_UNTIL, .test = holds}));
    times_run_out(s, "", ""); /* 15 ms pass; hangs up the client above */
    assert_int_equal(s->n_ended, 1);
    assert_int_equal(s->how, TPH_HTTP_END_GONE);
}

static void bodies_have_a_ceiling_together(void **state)
{
    struct scene *s = *state;
    s->config.max_bodies = 10;
    s->config.linger_ms = 1;
    start(s);
    peer_play(&s->other,
              STEPS({PEER_CONNECT}, SEND_TEXT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678"),
                    {PEER_READ_TEXT, "<123456789>"}));
    play(s, STEPS({PEER_CONNECT}, {PEER_TURN},
                  SEND_TEXT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"), {PEER_READ_EOF}));
    assert_memory_equal(got(s), "HTTP/1.1 503 Service Unavailable\r\n", 34);
    assert_int_equal(send(s->other.fd, "9", 1, MSG_NOSIGNAL), 1);
    play(s, STEPS({PEER_CONNECT}, {PEER_TURN},
                  SEND_TEXT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"),
                  {PEER_READ_TEXT, "<abcd>"})); /* what is answered no longer counts */
    assert_non_null(strstr(tph_buf_cstr(&s->other.in), "<123456789>"));
}

static void further_clients_wait_until_one_leaves(void **state)
{
    struct scene *s = *state;
    s->config.max_connections = 1;
    start(s);
    peer_play(&s->other, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"),
                               {PEER_READ_TEXT, "hello\n"}, {PEER_TURN}, {PEER_TURN}, {PEER_CLOSE}));
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "hello\n"}));
    assert_int_equal(s->other.fd, -1); /* was served after the other had gone */
    assert_int_equal(tph_http_server_connections(s->server), 1);
}

static void without_descriptors_clients_wait(void **state)
{
    struct scene *s = *state;
    struct rlimit old, low;
    start(s);
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int last = dup(s->peer.fd);
    low = (struct rlimit){.rlim_cur = (rlim_t)last, .rlim_max = old.rlim_max};
    close(last);
    /* the one that accept would get is past the limit; it comes back as the loop runs */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    play(s, STEPS({PEER_TURN}, {PEER_TURN}));
    assert_int_equal(s->n_requests, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    play(s, STEPS({PEER_READ_TEXT, "hello\n"}));
    assert_int_equal(s->n_requests, 1);
}

static void an_aborted_exchange_closes_its_connection_without_a_word(void **state)
{
    struct scene *s = *state;
    play(s, STEPS({PEER_CONNECT},
                  SEND_TEXT("GET /abort HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n"),
                  {PEER_READ_EOF}));
    assert_string_equal(got(s), "");
    assert_int_equal(s->n_requests, 1);
    assert_int_equal(s->n_ended, 0);
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_READ_TEXT, "listening"}));
    tph_http_exchange_abort(s->held);
    play(s, STEPS({PEER_READ_EOF}));
    assert_null(strstr(got(s), "0\r\n\r\n"));
    assert_int_equal(s->n_ended, 0);
}

static void the_server_may_be_freed_in_a_handler(void **state)
{
    struct scene *s = *state;
    play(s,
         STEPS({PEER_CONNECT}, SEND_TEXT("GET /free HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n"),
               {PEER_READ_EOF}));
    assert_null(s->server);
    assert_int_equal(s->how, TPH_HTTP_END_SHUT);
    assert_int_equal(s->n_requests, 1);
}

static void freeing_the_server_ends_what_is_under_way(void **state)
{
    struct scene *s = *state;
    start(s);
    peer_play(&s->other, STEPS({PEER_CONNECT}, SEND_TEXT("GET /pl")));
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_UNTIL, .test = holds}));
    tph_http_server_free(s->server);
    s->server = NULL;
    assert_int_equal(s->n_ended, 1);
    assert_int_equal(s->how, TPH_HTTP_END_SHUT);
    tph_http_server_free(NULL);
}

static void drain_held(void *owner)
{
    struct scene *s = owner;
    tph_http_server_drain(s->server);
    reply(TPH_TAKE(s->held), 200, "the last one");
}

static void a_draining_server_finishes_what_it_has(void **state)
{
    struct scene *s = *state;
    start(s);
    peer_play(&s->other, STEPS({PEER_CONNECT}, {PEER_READ_EOF})); /* has asked for nothing: closed */
    play(s, STEPS({PEER_CONNECT}, SEND_TEXT("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"), {PEER_UNTIL, .test = holds},
                  {PEER_CALL, .call = drain_held}, {PEER_READ_EOF}));
    assert_non_null(strstr(got(s), "Connection: close\r\n\r\nthe last one"));
    while (tph_http_server_connections(s->server) > 0) {
        tph_loop_run(s->loop);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(tph_http_server_port(s->server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_http_server *second = NULL;
    char wanted[128];
    start(s);
    s->config.port = tph_http_server_port(s->server);
    assert_int_equal(tph_http_server_new(s->loop, &s->config, &second, &err), -1);
    assert_null(second);
    (void)snprintf(wanted, sizeof(wanted), "cannot listen on 127.0.0.1 port %u: Address already in use",
                   s->config.port);
    assert_string_equal(err.text, wanted);
    s->config.host = "example.org";
    assert_int_equal(tph_http_server_new(s->loop, &s->config, &second, &err), -1);
}

static void dates_and_words_are_those_of_http(void **state)
{
    char text[TPH_HTTP_DATE];
    (void)state;
    tph_http_date(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110, 5.6.7 */
    tph_http_date(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    tph_http_date(INT64_MAX, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(tph_http_status_words(100), "Continue");
    assert_string_equal(tph_http_status_words(422), "Unprocessable Entity");
    assert_string_equal(tph_http_status_words(505), "HTTP Version Not Supported");
    assert_string_equal(tph_http_status_words(299), "Unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_whole),
        TEST(method_target_fields_and_body_reach_the_handler),
        TEST(a_connection_carries_many_requests_and_pipelined_ones_in_their_order),
        TEST(an_answer_may_come_later_and_pipelined_requests_wait_for_it),
        TEST(old_clients_get_old_answers),
        TEST(answers_without_body_have_none),
        TEST(a_stream_goes_out_in_chunks),
        TEST(the_second_answer_to_one_request_is_ignored),
        TEST(a_header_that_would_add_a_line_is_not_sent),
        TEST(a_body_is_asked_for_where_the_client_waits),
        TEST(an_early_answer_reaches_a_client_that_is_still_sending),
        TEST(nonsense_is_answered_and_closes_the_connection),
        TEST(a_good_request_before_nonsense_is_still_answered),
        TEST(a_client_that_leaves_is_seen_at_once),
        TEST(a_client_may_end_its_side_once_its_answer_is_on_its_way),
        TEST(a_slow_reader_holds_no_more_than_its_queue),
        TEST(a_reader_that_takes_nothing_is_closed),
        TEST(a_client_that_pipelines_without_reading_is_paused),
        TEST(heads_bodies_and_idle_connections_have_their_time),
        TEST(bodies_have_a_ceiling_together),
        TEST(further_clients_wait_until_one_leaves),
        TEST(without_descriptors_clients_wait),
        TEST(an_aborted_exchange_closes_its_connection_without_a_word),
        TEST(the_server_may_be_freed_in_a_handler),
        TEST(freeing_the_server_ends_what_is_under_way),
        TEST(a_draining_server_finishes_what_it_has),
        TEST(a_taken_port_is_an_error_that_names_it),
        cmocka_unit_test(dates_and_words_are_those_of_http),
    };
    return cmocka_run_group_tests_name("http/server", tests, NULL, NULL);
}
