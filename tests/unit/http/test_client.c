/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/client_internal.h"
#include "peer.h"

enum { MAX_CALLS = 1000 };

struct result {
    struct scene *scene;
    int n_done;
    enum tph_http_outcome outcome;
    int status;
    char reason[64], body[256], error[256], remote[64];
    size_t body_len;
    bool keep_alive;
};

struct scene {
    struct tph_loop *loop;
    struct tph_http_client *client;
    struct peer peer;
    bool finished; /* the peer's script is through */
    int left;      /* calls that are under way */
    struct result result;
    struct tph_http_request request; /* what the next call sends */
    struct tph_http_call *call;
    void (*next)(struct scene *scene); /* called when a call is done */
    int n_next, n_dialled;
};

static const struct tph_http_header plugin_headers[] = {
    {"Content-Type", "application/json"},
    {"Authorization", "Bearer 0123456789abcdef0123456789abcdef"},
};

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
        .target = "/api/v1/template.execute",
        .headers = plugin_headers,
        .n_headers = 2,
        .body = TPH_STR("{\"template\":{}}"),
        .timeout_ms = 30000,
        .max_reply = 100000,
    };
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    tph_http_client_free(s->client);
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

static void peer_finished(void *owner)
{
    struct scene *s = owner;
    s->finished = true;
    stop_when_through(s);
}

static void done(void *owner, const struct tph_http_answer *answer)
{
    struct result *r = owner;
    struct scene *s = r->scene;
    r->n_done++;
    r->outcome = answer->outcome;
    r->status = answer->status;
    r->body_len = answer->body.len;
    r->keep_alive = answer->keep_alive;
    (void)snprintf(r->reason, sizeof(r->reason), "%.*s", TPH_FMT(answer->reason));
    (void)snprintf(r->body, sizeof(r->body), "%.*s", TPH_FMT(answer->body));
    (void)snprintf(r->error, sizeof(r->error), "%s", answer->error);
    (void)snprintf(r->remote, sizeof(r->remote), "%s", answer->remote);
    s->left--;
    s->call = NULL;
    if (s->next) {
        s->next(s);
    }
    stop_when_through(s);
}

static void start_call(struct scene *s)
{
    s->result = (struct result){.scene = s};
    s->left++;
    s->call = tph_http_call_start(s->client, &s->request, done, &s->result);
    assert_int_equal(s->result.n_done, 0); /* never from inside start */
}

/* One call against the script; returns when it is done and the script is through. */
static const struct result *call(struct scene *s, const struct peer_step *steps)
{
    s->finished = false;
    s->peer.finished = peer_finished;
    start_call(s);
    peer_play(&s->peer, steps);
    tph_loop_run(s->loop);
    assert_int_equal(s->left, 0);
    return &s->result;
}

static void expect(const struct result *r, int status, const char *reason, const char *body)
{
    assert_string_equal(r->error, "");
    assert_int_equal(r->outcome, TPH_HTTP_ANSWERED);
    assert_int_equal(r->status, status);
    assert_string_equal(r->reason, reason);
    assert_string_equal(r->body, body);
    assert_int_equal(r->n_done, 1);
}

static void expect_failure(const struct result *r, enum tph_http_outcome outcome, const char *error)
{
    assert_string_equal(r->error, error);
    assert_int_equal(r->outcome, outcome);
    assert_int_equal(r->n_done, 1);
}

static void a_request_is_written_as_the_servers_in_the_wild_want_it(void **state)
{
    struct scene *s = *state;
    char wanted[512];
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\n{}"), {PEER_CLOSE})),
           200, "OK", "{}");
    (void)snprintf(wanted, sizeof(wanted),
                   "POST /api/v1/template.execute HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\n"
                   "User-Agent: tiphys/" TPH_VERSION "\r\n"
                   "Content-Type: application/json\r\n"
                   "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n"
                   "Content-Length: 15\r\n"
                   "\r\n"
                   "{\"template\":{}}",
                   s->peer.port);
    assert_string_equal(tph_buf_cstr(&s->peer.in), wanted);
    assert_non_null(strstr(s->result.remote, "127.0.0.1:"));
}

static void a_body_may_end_with_the_connection(void **state)
{
    struct scene *s = *state;
    /* Python's http.server: head and body are two writes, no length, no type */
    const struct result *r =
        call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                      SEND_TEXT("HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6 Python/3.11.2\r\n\r\n"), {PEER_TURN},
                      SEND_TEXT("{\"node\": {\"phase\": \"Succeeded\"}}"), {PEER_TURN}, {PEER_CLOSE}));
    expect(r, 200, "OK", "{\"node\": {\"phase\": \"Succeeded\"}}");
    assert_false(r->keep_alive);
}

static void an_answer_with_a_length_does_not_wait_for_the_end_of_the_connection(void **state)
{
    struct scene *s = *state;
    /* READ_EOF: it is the client that closes, although the server keeps alive, for there is no next request */
    const struct result *r = call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                                           SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                                     "Content-Length: 3\r\n\r\n{}\n"),
                                           {PEER_READ_EOF}));
    expect(r, 200, "OK", "{}\n");
    assert_true(r->keep_alive);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    struct scene *s = *state;
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                         {PEER_SEND_BYTES,
                          "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"},
                         {PEER_CLOSE})),
           201, "Made", "abc");
}

static void interim_answers_are_passed_over(void **state)
{
    struct scene *s = *state;
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 100 Continue\r\n\r\n"), {PEER_TURN},
                         SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), {PEER_READ_EOF})),
           200, "OK", "{}");
}

static void of_two_answers_in_a_row_the_first_counts(void **state)
{
    struct scene *s = *state;
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                         SEND_TEXT("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
                                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
                         {PEER_READ_EOF})),
           404, "Not Found", "{}");
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                         SEND_TEXT("HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
                                   "HTTP/1.0 200 OK\r\n\r\n{}"),
                         {PEER_CLOSE})),
           404, "Not Found", "{}");
}

static void an_error_status_is_an_answer_with_its_body(void **state)
{
    struct scene *s = *state;
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                         SEND_TEXT("HTTP/1.0 503 Come back later\r\n\r\n{\"node\":{\"phase\":\"Failed\"}}"),
                         {PEER_CLOSE})),
           503, "Come back later", "{\"node\":{\"phase\":\"Failed\"}}");
}

/* A body that no socket buffer holds. */
static void use_large_body(struct scene *s, char **ret_body)
{
    size_t len = TPH_MIB(32);
    *ret_body = malloc(len);
    assert_non_null(*ret_body);
    memset(*ret_body, 'b', len);
    s->request.body = (struct tph_str){*ret_body, len};
}

static void a_server_may_answer_and_close_before_it_has_read_the_request(void **state)
{
    struct scene *s = *state;
    char *body = NULL;
    use_large_body(s, &body);
    /* closes with megabytes unread, so that the kernel sends a reset behind the answer: with and without a length */
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD},
                         SEND_TEXT("HTTP/1.0 403 Forbidden\r\nContent-Length: 6\r\n\r\nwrong!"), {PEER_CLOSE})),
           403, "Forbidden", "wrong!");
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT("HTTP/1.0 401 Unauthorized\r\n\r\nwho?"),
                         {PEER_CLOSE})),
           401, "Unauthorized", "who?");
    /* not even the head was read */
    expect(call(s, STEPS({PEER_ACCEPT}, SEND_TEXT("HTTP/1.0 400 Bad Request\r\n\r\n"), {PEER_CLOSE})), 400,
           "Bad Request", "");
    /* it stops sending, waits, and closes later */
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT("HTTP/1.0 404 Not Found\r\n\r\nno"),
                         {PEER_HALF_CLOSE}, {PEER_READ_EOF})),
           404, "Not Found", "no");
    /* it leaves the connection open */
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD},
                         SEND_TEXT("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"),
                         {PEER_READ_EOF})),
           413, "Too Large", "{}");
    free(body);
}

static void a_large_request_arrives_whole(void **state)
{
    struct scene *s = *state;
    char *body = NULL;
    use_large_body(s, &body);
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nok"), {PEER_CLOSE})),
           200, "OK", "ok");
    struct tph_str in = tph_buf_str(&s->peer.in);
    assert_memory_equal(in.p + in.len - s->request.body.len, body, s->request.body.len);
    assert_true(s->request.body.len > TPH_LIMIT_HTTP_KEPT && s->client->pool->out.capacity <= TPH_LIMIT_HTTP_KEPT);
    free(body);
}

static void a_connection_closed_without_a_byte_is_eof(void **state)
{
    struct scene *s = *state;
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_CLOSE})), TPH_HTTP_EOF, "EOF");
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_HALF_CLOSE}, {PEER_READ_EOF})), TPH_HTTP_EOF,
                   "EOF");
}

static void an_answer_that_is_cut_off_is_an_unexpected_eof(void **state)
{
    struct scene *s = *state;
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                                 SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"node\":"), {PEER_CLOSE})),
                   TPH_HTTP_RESET, "unexpected EOF");
    assert_int_equal(s->result.status, 200);
    assert_string_equal(s->result.body, "{\"node\":"); /* what had come, for messages */
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 20"), {PEER_CLOSE})),
                   TPH_HTTP_RESET, "unexpected EOF");
    expect_failure(
        call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                      SEND_TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), {PEER_CLOSE})),
        TPH_HTTP_RESET, "unexpected EOF");
}

/* "read tcp 127.0.0.1:LOCAL->127.0.0.1:PORT: read: connection reset by peer" without the local port */
static void expect_broken(const struct result *r, uint16_t port)
{
    char tail[96];
    (void)snprintf(tail, sizeof(tail), "->127.0.0.1:%u: read: connection reset by peer", port);
    assert_int_equal(r->outcome, TPH_HTTP_RESET);
    assert_memory_equal(r->error, "read tcp 127.0.0.1:", 19);
    assert_non_null(strstr(r->error, tail));
}

static void a_reset_is_told_in_gos_words(void **state)
{
    struct scene *s = *state;
    expect_broken(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_RESET})), s->peer.port);
    expect_broken(
        call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"),
                      {PEER_TURN}, {PEER_RESET})),
        s->peer.port);
}

static void what_is_not_http_is_malformed(void **state)
{
    struct scene *s = *state;
    expect_failure(
        call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("SSH-2.0-OpenSSH_9.2\r\n"), {PEER_READ_EOF})),
        TPH_HTTP_MALFORMED,
        "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0-OpenSSH_9.2\"");
}

static void the_time_counts_to_the_last_byte(void **state)
{
    struct scene *s = *state;
    s->request.timeout_ms = 20;
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_READ_EOF})), TPH_HTTP_TIMEOUT,
                   "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                                 SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), {PEER_READ_EOF})),
                   TPH_HTTP_TIMEOUT,
                   "context deadline exceeded (Client.Timeout or context cancellation while reading body)");
    assert_string_equal(s->result.body, "{");
    /* drops do not move the deadline */
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\n"),
                                 {PEER_SEND_MANY, NULL, 1}, {PEER_READ_EOF})),
                   TPH_HTTP_TIMEOUT,
                   "context deadline exceeded (Client.Timeout or context cancellation while reading body)");
}

/* Fills the listener's queue of waiting connections, which then drops those who come. */
static int fill_queue(struct scene *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->peer.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(listen(s->peer.listener, 0), 0); /* room for one */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void a_connection_that_is_never_made_times_out_too(void **state)
{
    struct scene *s = *state;
    char error[96];
    int fd = fill_queue(s);
    s->request.timeout_ms = 20;
    s->finished = true;
    start_call(s);
    tph_loop_run(s->loop);
    (void)snprintf(error, sizeof(error), "dial tcp 127.0.0.1:%u: i/o timeout", s->peer.port);
    expect_failure(&s->result, TPH_HTTP_TIMEOUT, error);
    s->request.timeout_ms = 3 * TPH_LIMIT_HTTP_CONNECT_MS; /* between two attempts */
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_TIMEOUT, error);
    close(fd);
}

static void a_server_with_a_full_queue_is_asked_again_soon(void **state)
{
    struct scene *s = *state;
    int fd = fill_queue(s);
    int64_t begin = tph_clock_monotonic_ms();
    start_call(s);
    s->peer.finished = peer_finished;
    /* the first one who waited is served; now there is room, but the kernel would wait a second */
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nok"),
                              {PEER_CLOSE}));
    tph_loop_run(s->loop);
    expect(&s->result, 200, "OK", "ok");
    assert_true(tph_clock_monotonic_ms() - begin < 700);
    close(fd);
}

enum { PAUSES = 7 };
static int64_t pauses[PAUSES]; /* before each attempt to connect */

static int noting_pause(void *owner, const char *host, uint16_t port)
{
    struct scene *s = owner;
    pauses[s->n_dialled++] = s->call ? s->call->pause_ms : 0;
    return s->n_dialled < PAUSES ? tph_stream_connect(host, port) : -ECONNREFUSED;
}

/* TPH_LIMIT_HTTP_CONNECT_MS, doubling up to TPH_LIMIT_HTTP_CONNECT_LAST_MS. */
static void the_pauses_before_connecting_anew_double_up_to_their_ceiling(void **state)
{
    struct scene *s = *state;
    static const int64_t wanted[PAUSES] = {0, 20, 40, 80, 160, 320, 320};
    int fd = fill_queue(s);
    s->finished = true;
    s->request.dial = noting_pause;
    s->request.dial_owner = s;
    start_call(s);
    tph_loop_run(s->loop);
    assert_int_equal(s->result.outcome, TPH_HTTP_REFUSED);
    assert_memory_equal(pauses, wanted, sizeof(wanted));
    assert_int_equal(wanted[1], TPH_LIMIT_HTTP_CONNECT_MS);
    assert_int_equal(wanted[PAUSES - 1], TPH_LIMIT_HTTP_CONNECT_LAST_MS);
    close(fd);
}

static void start_next(struct scene *s)
{
    if (s->n_next-- > 0) {
        start_call(s);
    }
}

static void head_and_body_apart_do_not_wait_for_an_acknowledgement(void **state)
{
    struct scene *s = *state;
    enum { N = 20 }; /* on one connection, where an acknowledgement may come 40 ms late */
    struct peer_step steps[N * 4 + 3] = {{PEER_ACCEPT}};
    size_t at = 1;
    for (int i = 0; i < N; i++) {
        steps[at++] = (struct peer_step){PEER_READ_REQUEST};
        steps[at++] = (struct peer_step){PEER_FORGET};
        steps[at++] = (struct peer_step)SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        steps[at++] = (struct peer_step)SEND_TEXT("ok");
    }
    steps[at] = (struct peer_step){PEER_READ_EOF};
    s->next = start_next;
    s->n_next = N - 1;
    int64_t begin = tph_clock_monotonic_ms();
    expect(call(s, steps), 200, "OK", "ok");
    assert_true(tph_clock_monotonic_ms() - begin < N * 40 / 2);
}

static void a_reply_past_its_ceiling_is_left_at_once(void **state)
{
    struct scene *s = *state;
    struct rusage before, after;
    s->request.max_reply = TPH_MIB(4);
    int64_t begin = tph_clock_monotonic_ms();
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    /* a gigabyte: announced, or without end */
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
                                 SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"),
                                 {PEER_SEND_MANY, NULL, 16384}, {PEER_CLOSE})),
                   TPH_HTTP_TOO_LARGE, "the reply's body in bytes is more than 4194304");
    assert_int_equal(s->result.body_len, 0);
    assert_true(s->peer.broken);
    assert_true(s->peer.total_sent < TPH_MIB(16));
    s->peer.total_sent = 0;
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\n"),
                                 {PEER_SEND_MANY, NULL, 16384}, {PEER_CLOSE})),
                   TPH_HTTP_TOO_LARGE, "the reply's body in bytes is more than 4194304");
    assert_int_equal(s->result.body_len, TPH_MIB(4));
    assert_true(s->peer.broken);
    assert_true(s->peer.total_sent < TPH_MIB(32));
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
    assert_true(tph_clock_monotonic_ms() - begin < 5000);
}

static void a_head_past_its_ceiling_is_left_at_once(void **state)
{
    struct scene *s = *state;
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 200 OK\r\nA: "),
                                 {PEER_SEND_MANY, NULL, 1024}, {PEER_CLOSE})),
                   TPH_HTTP_TOO_LARGE, "the reply's head in bytes is more than 65536");
    assert_true(s->peer.broken);
}

/* A port of 127.0.0.1 where nobody listens. */
static uint16_t free_port(struct scene *s)
{
    struct peer other;
    peer_listen(&other, s->loop, "127.0.0.1");
    peer_release(&other);
    return other.port;
}

static void where_nobody_listens_the_call_is_refused(void **state)
{
    struct scene *s = *state;
    char error[160], remote[64];
    s->request.port = free_port(s);
    s->finished = true;
    static const char *const hosts[] = {"127.0.0.1", "localhost"}; /* of both families the last is told */
    for (size_t i = 0; i < 2; i++) {
        s->request.host = hosts[i];
        start_call(s);
        tph_loop_run(s->loop);
        (void)snprintf(remote, sizeof(remote), "127.0.0.1:%u", s->request.port);
        (void)snprintf(error, sizeof(error), "dial tcp %s: connect: connection refused", remote);
        expect_failure(&s->result, TPH_HTTP_REFUSED, error);
        assert_string_equal(s->result.remote, remote);
    }
    s->request.four_first = true; /* nothing else is told when it is tried first */
    s->request.host = "localhost";
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_REFUSED, error);
    assert_string_equal(s->result.remote, remote);
    s->request.host = "::1";
    start_call(s);
    tph_loop_run(s->loop);
    (void)snprintf(error, sizeof(error), "dial tcp [::1]:%u: connect: connection refused", s->request.port);
    expect_failure(&s->result, TPH_HTTP_REFUSED, error);
}

static void localhost_is_either_family(void **state)
{
    struct scene *s = *state;
    char wanted[64];
    s->request.host = "localhost";
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nv4"), {PEER_CLOSE})),
           200, "OK", "v4");
    (void)snprintf(wanted, sizeof(wanted), "Host: localhost:%u\r\n", s->peer.port);
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), wanted));
    (void)snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", s->peer.port);
    assert_string_equal(s->result.remote, wanted);

    peer_release(&s->peer);
    peer_listen(&s->peer, s->loop, "::1");
    s->peer.owner = s;
    s->request.port = s->peer.port;
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nv6"), {PEER_CLOSE})),
           200, "OK", "v6");
    (void)snprintf(wanted, sizeof(wanted), "[::1]:%u", s->peer.port);
    assert_string_equal(s->result.remote, wanted);
    s->request.host = "::1";
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nv6"), {PEER_CLOSE})),
           200, "OK", "v6");
    (void)snprintf(wanted, sizeof(wanted), "Host: [::1]:%u\r\n", s->peer.port);
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), wanted));
}

static int plain_dial(void *owner, const char *host, uint16_t port)
{
    (void)owner;
    return tph_stream_connect(host, port);
}

static int n_checks, n_later, verdict;

static int noting_check(void *owner, int fd, uint16_t port, char *why, size_t size)
{
    const struct scene *s = owner;
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0); /* the connection is there */
    assert_int_equal(port, s->peer.port);
    (void)snprintf(why, size, "it is somebody else");
    n_checks++;
    return n_checks <= n_later ? -EAGAIN : verdict;
}

/* Nothing is sent to one who is not the right one, not a byte; one of whom it cannot be told is asked about again. */
static void a_check_comes_before_the_first_byte(void **state)
{
    struct scene *s = *state;
    s->request.dial = plain_dial;
    s->request.check = noting_check;
    s->request.dial_owner = s;
    for (n_later = 0; n_later < 3; n_later++) {
        n_checks = verdict = 0;
        const struct result *r =
            call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nyes"), {PEER_CLOSE}));
        assert_int_equal(r->outcome, TPH_HTTP_ANSWERED);
        assert_string_equal(r->body, "yes");
        assert_int_equal(n_checks, n_later + 1);

        n_checks = 0;
        verdict = -EACCES;
        tph_buf_clear(&s->peer.in);
        expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_EOF}, {PEER_CLOSE})), TPH_HTTP_STRANGER,
                       "it is somebody else");
        assert_int_equal(s->peer.in.len, 0);
    }
    n_later = INT_MAX; /* it never can be told */
    tph_buf_clear(&s->peer.in);
    expect_failure(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_EOF}, {PEER_CLOSE})), TPH_HTTP_STRANGER,
                   "it is somebody else");
    assert_int_equal(s->peer.in.len, 0);
}

/* A connection that is kept was looked at when it was made. */
static void a_kept_connection_is_not_checked_again(void **state)
{
    struct scene *s = *state;
    s->request.dial = plain_dial;
    s->request.check = noting_check;
    s->request.dial_owner = s;
    n_checks = n_later = verdict = 0;
    s->next = start_next;
    s->n_next = 1;
    const struct result *r =
        call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"),
                      {PEER_FORGET}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")));
    assert_string_equal(r->body, "2");
    assert_int_equal(n_checks, 1);
}

static char dialled[64];

/* Connects as usual, and writes down to whom; nobody is at ::1 unless the test says so. */
static int noting_dial(void *owner, const char *host, uint16_t port)
{
    const bool *six = owner;
    (void)snprintf(dialled + strlen(dialled), sizeof(dialled) - strlen(dialled), "%s ", host);
    return strcmp(host, "::1") == 0 && !*six ? -EADDRNOTAVAIL : tph_stream_connect(host, port);
}

/* Who was at 127.0.0.1 before is sought there first, and at ::1 all the same; without either the first is told. */
static void localhost_begins_with_the_family_that_was_there_before(void **state)
{
    struct scene *s = *state;
    bool six = false;
    char remote[64];
    s->request.host = "localhost";
    s->request.dial = noting_dial;
    s->request.dial_owner = &six;
    for (int i = 0; i < 2; i++) {
        dialled[0] = '\0';
        s->request.four_first = i == 1;
        expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nv4"), {PEER_CLOSE})),
               200, "OK", "v4");
        assert_string_equal(dialled, i == 0 ? "::1 127.0.0.1 " : "127.0.0.1 ");
    }
    s->finished = true;
    s->request.port = free_port(s);
    dialled[0] = '\0';
    start_call(s);
    tph_loop_run(s->loop);
    assert_string_equal(dialled, "127.0.0.1 ::1 ");
    (void)snprintf(remote, sizeof(remote), "127.0.0.1:%u", s->request.port);
    assert_int_equal(s->result.outcome, TPH_HTTP_REFUSED);
    assert_string_equal(s->result.remote, remote);

    six = true;
    peer_release(&s->peer);
    peer_listen(&s->peer, s->loop, "::1");
    s->peer.owner = s;
    s->request.port = s->peer.port;
    dialled[0] = '\0';
    expect(call(s, STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\n\r\nv6"), {PEER_CLOSE})),
           200, "OK", "v6");
    assert_string_equal(dialled, "127.0.0.1 ::1 ");
}

static void what_cannot_be_sent_is_told_without_sending(void **state)
{
    struct scene *s = *state;
    static const struct tph_http_header split[] = {{"X", "a\r\nInjected: b"}}, named[] = {{"a b", "c"}};
    s->finished = true;
    s->request.headers = split;
    s->request.n_headers = 1;
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_MALFORMED, "net/http: invalid header field value for \"X\"");
    s->request.headers = named;
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_MALFORMED, "net/http: invalid header field name for \"a b\"");
    s->request.n_headers = 0;
    s->request.target = "/a b HTTP/1.1";
    start_call(s);
    tph_loop_run(s->loop);
    assert_int_equal(s->result.outcome, TPH_HTTP_MALFORMED);
    s->request.target = "/";
    s->request.host = "example.org";
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_CONNECT_ERROR, "dial tcp: lookup example.org: no such host");
    s->request.host = "127.0.0.1";
    s->request.body = (struct tph_str){"", TPH_LIMIT_DOCUMENT + 1}; /* never read */
    start_call(s);
    tph_loop_run(s->loop);
    expect_failure(&s->result, TPH_HTTP_TOO_LARGE, "the request's body in bytes is more than 67108864");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_written_as_the_servers_in_the_wild_want_it),
        TEST(a_body_may_end_with_the_connection),
        TEST(an_answer_with_a_length_does_not_wait_for_the_end_of_the_connection),
        TEST(an_answer_may_come_byte_by_byte),
        TEST(interim_answers_are_passed_over),
        TEST(of_two_answers_in_a_row_the_first_counts),
        TEST(an_error_status_is_an_answer_with_its_body),
        TEST(a_server_may_answer_and_close_before_it_has_read_the_request),
        TEST(a_large_request_arrives_whole),
        TEST(a_connection_closed_without_a_byte_is_eof),
        TEST(an_answer_that_is_cut_off_is_an_unexpected_eof),
        TEST(a_reset_is_told_in_gos_words),
        TEST(what_is_not_http_is_malformed),
        TEST(the_time_counts_to_the_last_byte),
        TEST(a_connection_that_is_never_made_times_out_too),
        TEST(a_server_with_a_full_queue_is_asked_again_soon),
        TEST(the_pauses_before_connecting_anew_double_up_to_their_ceiling),
        TEST(head_and_body_apart_do_not_wait_for_an_acknowledgement),
        TEST(a_reply_past_its_ceiling_is_left_at_once),
        TEST(a_head_past_its_ceiling_is_left_at_once),
        TEST(where_nobody_listens_the_call_is_refused),
        TEST(localhost_is_either_family),
        TEST(localhost_begins_with_the_family_that_was_there_before),
        TEST(a_check_comes_before_the_first_byte),
        TEST(a_kept_connection_is_not_checked_again),
        TEST(what_cannot_be_sent_is_told_without_sending),
    };
    return cmocka_run_group_tests_name("http/client", tests, NULL, NULL);
}
