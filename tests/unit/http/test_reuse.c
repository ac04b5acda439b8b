/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connections: kept, given up, dialled, cancelled; and very many of them, against our own server. */
#include "http/client_internal.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/server.h"
#include "peer.h"

enum { N_MANY = 1000 };

struct scene;

struct one {
    struct scene *scene;
    struct tph_http_call *call;
    int n_done;
    enum tph_http_outcome outcome;
    int status;
    char body[64], error[256];
};

struct scene {
    struct tph_loop *loop;
    struct tph_http_client *client;
    struct tph_http_server *server;
    struct peer peer;
    struct tph_http_request request;
    struct one one, many[N_MANY];
    void (*next)(struct scene *scene);
    int left, more, n_dialled, n_requests, in_flight, most_in_flight;
    bool finished;
    int64_t since_ms;
    const char *unix_path;
};

static const struct tph_http_header repeatable[] = {{"Idempotency-Key", "uid/node/0"}};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct tph_error err = TPH_ERROR_INIT;
    assert_non_null(s);
    assert_int_equal(tph_loop_new(&s->loop, &err), 0);
    s->client = tph_http_client_new(s->loop);
    peer_listen(&s->peer, s->loop, "127.0.0.1");
    s->peer.owner = s;
    s->request = (struct tph_http_request){
        .method = "POST",
        .host = "127.0.0.1",
        .port = s->peer.port,
        .target = "/",
        .headers = repeatable,
        .n_headers = 1,
        .body = TPH_STR("{}"),
        .timeout_ms = 30000,
        .max_reply = 1000,
    };
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    tph_http_client_free(s->client);
    tph_http_server_free(s->server);
    peer_release(&s->peer);
    tph_loop_free(s->loop);
    free(s);
    return 0;
}

static void stop_when_through(struct scene *s)
{
    if (s->finished && s->left == 0) {
        tph_loop_stop(s->loop);
    }
}

static void peer_through(void *owner)
{
    struct scene *s = owner;
    s->finished = true;
    stop_when_through(s);
}

static void done(void *owner, const struct tph_http_answer *answer)
{
    struct one *one = owner;
    struct scene *s = one->scene;
    one->n_done++;
    one->outcome = answer->outcome;
    one->status = answer->status;
    one->call = NULL;
    (void)snprintf(one->body, sizeof(one->body), "%.*s", TPH_FMT(answer->body));
    (void)snprintf(one->error, sizeof(one->error), "%s", answer->error);
    s->left--;
    if (s->next) {
        s->next(s);
    }
    stop_when_through(s);
}

static void start(struct scene *s, struct one *one)
{
    one->scene = s;
    s->left++;
    one->call = tph_http_call_start(s->client, &s->request, done, one);
}

static void run(struct scene *s, const struct peer_step *steps)
{
    s->finished = false;
    s->peer.finished = peer_through;
    start(s, &s->one);
    peer_play(&s->peer, steps);
    tph_loop_run(s->loop);
    assert_int_equal(s->left, 0);
}

static void again(struct scene *s)
{
    if (s->more-- > 0) {
        start(s, &s->one);
    }
}

#define KEPT "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

static void the_next_request_at_once_uses_the_same_connection(void **state)
{
    struct scene *s = *state;
    s->next = again;
    s->more = 2;
    /* one ACCEPT; and the client closes when nothing follows */
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 {PEER_READ_TEXT, "{}POST / HTTP/1.1\r\n"}, SEND_TEXT(KEPT "2."), {PEER_TURN}, SEND_TEXT(KEPT "3."),
                 {PEER_READ_EOF}));
    assert_int_equal(s->one.n_done, 3);
    assert_string_equal(s->one.body, "3.");
}

static void deferred_again(void *owner)
{
    struct scene *s = owner;
    start(s, &s->one);
    s->left--; /* was counted when it was deferred */
}

static void again_deferred(struct scene *s)
{
    if (s->more-- > 0) {
        s->left++;
        tph_defer(s->loop, deferred_again, s);
    }
}

static void a_request_that_is_deferred_once_still_uses_the_connection(void **state)
{
    struct scene *s = *state;
    s->next = again_deferred;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
}

static void a_connection_is_not_kept(struct scene *s, const char *answer)
{
    s->next = again;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, {PEER_SEND, answer}, {PEER_ACCEPT},
                 {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
    assert_int_equal(s->one.outcome, TPH_HTTP_ANSWERED);
}

static void only_http_1_1_with_a_length_is_kept(void **state)
{
    struct scene *s = *state;
    a_connection_is_not_kept(s, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n1.");
    a_connection_is_not_kept(s, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n1.");
    a_connection_is_not_kept(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1.\r\n0\r\n\r\n");
    /* more came than the answer: what follows could be taken for the next one */
    a_connection_is_not_kept(s, KEPT "1.\r\n");
    a_connection_is_not_kept(s, KEPT "1." KEPT "X.");
}

static void a_second_answer_that_comes_late_is_not_taken_for_the_next_one(void **state)
{
    struct scene *s = *state;
    s->next = again_deferred;
    s->more = 1;
    /* it arrives between the first answer and the next request */
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_TURN}, SEND_TEXT(KEPT "X."),
                 {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
}

static void a_kept_connection_that_died_is_replaced_once(void **state)
{
    struct scene *s = *state;
    s->next = again;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
    assert_int_equal(s->one.n_done, 2);
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 {PEER_RESET}, {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, {PEER_CLOSE}));
    assert_int_equal(s->one.outcome, TPH_HTTP_EOF); /* the fresh one died too: no third */
}

static void what_may_not_be_repeated_is_not(void **state)
{
    struct scene *s = *state;
    s->request.n_headers = 0;
    s->next = again;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 {PEER_CLOSE}));
    assert_int_equal(s->one.outcome, TPH_HTTP_EOF);
    s->request.method = "GET";
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}GET / "},
                 {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
}

static void an_answer_that_began_is_never_asked_for_again(void **state)
{
    struct scene *s = *state;
    s->next = again;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 SEND_TEXT("H"), {PEER_CLOSE}));
    assert_int_equal(s->one.outcome, TPH_HTTP_RESET);
    assert_string_equal(s->one.error, "unexpected EOF");
}

static void start_waiting(void *owner)
{
    struct scene *s = owner;
    start(s, &s->many[0]);
    s->since_ms = tph_clock_monotonic_ms();
}

static bool waited_long(const void *owner)
{
    const struct scene *s = owner;
    return tph_clock_monotonic_ms() - s->since_ms > TPH_LIMIT_HTTP_REUSE_MS + 10;
}

static void again_unless_the_other(struct scene *s)
{
    if (s->many[0].n_done == 0) {
        again(s);
    }
}

static void a_kept_connection_does_not_starve_those_that_wait_for_the_same_server(void **state)
{
    struct scene *s = *state;
    s->next = again_unless_the_other;
    s->more = 2;
    /* a server that serves one connection to its end before it takes the next */
    run(s,
        STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, {PEER_CALL, .call = start_waiting}, SEND_TEXT(KEPT "1."),
              {PEER_READ_TEXT, "{}POST / "}, {PEER_UNTIL, .test = waited_long}, SEND_TEXT(KEPT "2."), {PEER_READ_EOF},
              {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "W."), {PEER_READ_EOF}, {PEER_ACCEPT},
              {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "3."), {PEER_READ_EOF}));
    assert_string_equal(s->many[0].body, "W.");
    assert_string_equal(s->one.body, "3.");
}

static int dial_unix(void *owner, const char *host, uint16_t port)
{
    struct scene *s = owner;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    s->n_dialled++;
    assert_int_equal(port, s->request.port);
    if (strchr(host, ':')) {
        return -ECONNREFUSED; /* nobody listens on IPv6 */
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", s->unix_path);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        int number = errno;
        close(fd);
        return -number;
    }
    return fd;
}

static void listen_unix(struct scene *s, char path[64])
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(path, 64, "/tmp/tiphys-http-%d.sock", getpid());
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    close(s->peer.listener);
    s->peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->peer.listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->peer.listener, 8), 0);
    s->unix_path = path;
    s->request.host = "localhost";
    s->request.dial = dial_unix;
    s->request.dial_owner = s;
}

static void forget(void *owner)
{
    struct scene *s = owner;
    tph_http_client_forget(s->client, s);
    start(s, &s->one);
    s->left--;
}

static void then_forget(struct scene *s)
{
    if (s->more-- > 0) {
        s->left++;
        tph_defer(s->loop, forget, s);
    }
}

static void a_dial_hook_makes_the_connections_and_only_its_own_are_used_again(void **state)
{
    struct scene *s = *state;
    char path[64];
    listen_unix(s, path);
    s->next = again;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_TEXT, "{}POST / "},
                 SEND_TEXT(KEPT "2."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "2.");
    assert_int_equal(s->n_dialled, 2); /* ::1, 127.0.0.1, and not for the second call */
    s->next = then_forget;
    s->more = 1;
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "1."), {PEER_READ_EOF}, {PEER_ACCEPT},
                 {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT(KEPT "3."), {PEER_READ_EOF}));
    assert_string_equal(s->one.body, "3.");
    assert_int_equal(unlink(path), 0);
    s->next = NULL;
    s->finished = true;
    start(s, &s->one);
    tph_loop_run(s->loop);
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted), "dial tcp 127.0.0.1:%u: connect: no such file or directory",
                   s->request.port);
    assert_int_equal(s->one.outcome, TPH_HTTP_CONNECT_ERROR);
    assert_string_equal(s->one.error, wanted);
}

static void without_descriptors_the_call_fails_in_gos_words(void **state)
{
    struct scene *s = *state;
    char wanted[128];
    s->request.dial = NULL;
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){.rlim_cur = 128, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int first = dup(0), last = first;
    for (int fd; (fd = dup(0)) >= 0;) {
        last = fd;
    }
    s->finished = true;
    start(s, &s->one);
    tph_loop_run(s->loop);
    for (int fd = first; fd <= last; fd++) {
        close(fd);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    (void)snprintf(wanted, sizeof(wanted), "dial tcp 127.0.0.1:%u: socket: too many open files", s->peer.port);
    assert_string_equal(s->one.error, wanted);
    assert_int_equal(s->one.outcome, TPH_HTTP_CONNECT_ERROR);
}

static void cancel(void *owner)
{
    struct scene *s = owner;
    tph_http_call_cancel(TPH_TAKE(s->one.call));
    s->left--;
}

static void a_call_may_be_cancelled_at_any_time(void **state)
{
    struct scene *s = *state;
    char *large = calloc(1, TPH_MIB(16));
    assert_non_null(large);
    /* while its answer is awaited; the server sees it at once */
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, {PEER_CALL, .call = cancel}, {PEER_READ_EOF}));
    /* in the middle of the answer */
    run(s, STEPS({PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Le"), {PEER_TURN},
                 {PEER_CALL, .call = cancel}, {PEER_READ_EOF}));
    /* before anything happened */
    run(s, STEPS({PEER_CALL, .call = cancel}));
    /* while the request is being sent */
    struct tph_str small = s->request.body;
    s->request.body = (struct tph_str){large, TPH_MIB(16)};
    peer_hang_up(&s->peer);
    run(s, STEPS({PEER_ACCEPT}, {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n"}, {PEER_CALL, .call = cancel},
                 {PEER_READ_EOF}));
    s->request.body = small;
    /* when it had failed, but was not told yet */
    peer_hang_up(&s->peer);
    close(s->peer.listener);
    s->peer.listener = -1;
    run(s, STEPS({PEER_CALL, .call = cancel}));
    tph_http_call_cancel(NULL);
    assert_int_equal(s->one.n_done, 0);
    free(large);
}

static void cancel_itself(struct scene *s)
{
    tph_http_call_cancel(s->many[1].call); /* is being told: nothing to cancel */
}

static void free_client(struct scene *s)
{
    tph_http_client_free(s->client);
    s->client = NULL;
    s->left = 0;
}

static void start_other(void *owner)
{
    struct scene *s = owner;
    start(s, &s->many[2]); /* would go on */
}

static void the_callback_may_cancel_its_own_call_or_free_the_client(void **state)
{
    struct scene *s = *state;
    s->next = cancel_itself;
    s->request.timeout_ms = 5;
    start(s, &s->many[0]);
    struct tph_http_call *own = s->many[0].call;
    s->many[1].call = own;
    s->finished = true;
    tph_loop_run(s->loop);
    assert_int_equal(s->many[0].outcome, TPH_HTTP_TIMEOUT);
    s->next = free_client;
    s->request.timeout_ms = 30000;
    run(s, STEPS({PEER_ACCEPT}, {PEER_ACCEPT}, {PEER_READ_TEXT, "\r\n\r\n{}"}, {PEER_CALL, .call = start_other},
                 SEND_TEXT(KEPT "1."), {PEER_READ_EOF}));
    assert_null(s->client);
    assert_int_equal(s->many[2].n_done, 0);
}

static void freeing_the_client_cancels_everything(void **state)
{
    struct scene *s = *state;
    start(s, &s->many[0]);
    s->request.port = 1;
    start(s, &s->many[1]); /* refused, not told yet */
    s->request.timeout_ms = 1;
    tph_http_client_free(TPH_TAKE(s->client));
    tph_http_client_free(NULL);
    tph_loop_run(s->loop);
    assert_int_equal(s->many[0].n_done + s->many[1].n_done, 0);
}

/* Against our own server */

static void serve(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    static const struct tph_http_header json[] = {{"Content-Type", "application/json"}};
    s->n_requests++;
    struct tph_http_reply r = {.status = 200, .headers = json, .n_headers = 1, .body = tph_http_exchange_body(x)};
    tph_http_exchange_reply(x, &r);
}

static const struct tph_http_handler handler = {.request = serve};

static void start_server(struct scene *s)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_http_server_config config = {.host = "127.0.0.1", .handler = &handler, .owner = s};
    assert_int_equal(tph_http_server_new(s->loop, &config, &s->server, &err), 0);
    s->request.port = tph_http_server_port(s->server);
    s->finished = true;
}

static void a_thousand_calls_at_once_are_all_answered(void **state)
{
    struct scene *s = *state;
    char body[32];
    start_server(s);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N_MANY; i++) {
            (void)snprintf(body, sizeof(body), "{\"call\": %d}", i);
            s->request.body = tph_str(body);
            start(s, &s->many[i]);
        }
        tph_loop_run(s->loop);
        for (int i = 0; i < N_MANY; i++) {
            (void)snprintf(body, sizeof(body), "{\"call\": %d}", i);
            assert_string_equal(s->many[i].error, "");
            assert_string_equal(s->many[i].body, body);
            assert_int_equal(s->many[i].n_done, round + 1);
        }
    }
    assert_int_equal(s->n_requests, 3 * N_MANY);
    assert_int_equal(s->client->n_pool, TPH_LIMIT_HTTP_SPARE); /* no more of them are kept */
    assert_true(s->client->n_spare <= TPH_LIMIT_HTTP_SPARE);
}

static void keep_going(struct scene *s)
{
    while (s->more > 0 && s->left < 16) {
        s->more--;
        start(s, &s->one);
    }
}

static void memory_does_not_grow_with_the_number_of_calls(void **state)
{
    struct scene *s = *state;
    size_t used[2];
    start_server(s);
    s->next = keep_going;
    for (int i = 0; i < 2; i++) { /* the first fills the pools */
        s->more = i == 0 ? 2000 : 20000;
        keep_going(s);
        tph_loop_run(s->loop);
        used[i] = mallinfo2().uordblks;
    }
    assert_int_equal(s->n_requests, 22000);
    assert_true(used[1] <= used[0] + 64 * 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_request_at_once_uses_the_same_connection),
        TEST(a_request_that_is_deferred_once_still_uses_the_connection),
        TEST(only_http_1_1_with_a_length_is_kept),
        TEST(a_second_answer_that_comes_late_is_not_taken_for_the_next_one),
        TEST(a_kept_connection_that_died_is_replaced_once),
        TEST(what_may_not_be_repeated_is_not),
        TEST(an_answer_that_began_is_never_asked_for_again),
        TEST(a_kept_connection_does_not_starve_those_that_wait_for_the_same_server),
        TEST(a_dial_hook_makes_the_connections_and_only_its_own_are_used_again),
        TEST(without_descriptors_the_call_fails_in_gos_words),
        TEST(a_call_may_be_cancelled_at_any_time),
        TEST(the_callback_may_cancel_its_own_call_or_free_the_client),
        TEST(freeing_the_client_cancels_everything),
        TEST(a_thousand_calls_at_once_are_all_answered),
        TEST(memory_does_not_grow_with_the_number_of_calls),
    };
    struct rlimit files; /* a thousand calls are two thousand descriptors here */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return cmocka_run_group_tests_name("http/reuse", tests, NULL, NULL);
}
