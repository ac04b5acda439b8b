/* SPDX-License-Identifier: Apache-2.0 */
/* Requests through libcurl against scripted servers: what stands on the wire, redirects by Go's rules, ends of all
 * kinds with their words, ceilings, turns, cancel. TLS is tested from outside (tests/e2e/test_http.py). */
#include "fetch/fetch.h"

#include <sys/resource.h>

#include "base/limits.h"

#include "../http/peer.h"

#include "base/alloc.h"
#include "fetch/internal.h"
#include "http/server.h"

enum { WATCHDOG_MS = 20000 };

struct scene {
    struct tph_loop *loop;
    struct tph_fetcher *fetcher;
    struct tph_timer *watchdog;
    struct peer peer, other;
    char url[64], other_url[64];
    struct tph_fetch_request request;
    struct tph_buf told;   /* a line a request: what became of it */
    struct tph_buf fields; /* header fields of the last answer */
    size_t body_len;
    int left;
    void (*on_done)(struct scene *s);
    struct tph_fetch *victim;
};

static void too_long(void *owner)
{
    struct scene *s = owner;
    fail_msg("nothing more happens; told so far:\n%s", tph_buf_cstr(&s->told));
}

static int set_up(void **state)
{
    struct scene *s = TPH_NEW(struct scene);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_loop_new(&s->loop, &err), 0);
    s->fetcher = tph_fetcher_new(s->loop, &(struct tph_fetch_environment){.ca_file = NULL});
    s->watchdog = tph_timer_new(s->loop, too_long, s);
    s->told = s->fields = TPH_BUF_INIT(TPH_MIB(8));
    peer_listen(&s->peer, s->loop, "127.0.0.1");
    peer_listen(&s->other, s->loop, "127.0.0.1");
    s->peer.owner = s->other.owner = s;
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/a?b=c", s->peer.port);
    (void)snprintf(s->other_url, sizeof s->other_url, "http://127.0.0.2:%u/", s->other.port);
    s->request =
        (struct tph_fetch_request){.url = tph_str(s->url), .timeout_ms = WATCHDOG_MS / 2, .max_body = TPH_KIB(64)};
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    tph_fetcher_free(s->fetcher);
    tph_timer_free(s->watchdog);
    peer_release(&s->peer);
    peer_release(&s->other);
    tph_loop_free(s->loop);
    tph_buf_release(&s->told);
    tph_buf_release(&s->fields);
    free(s);
    return 0;
}

static void done(void *owner, const struct tph_fetch_answer *answer)
{
    struct scene *s = owner;
    if (answer->outcome == TPH_FETCH_ANSWERED) {
        (void)tph_buf_printf(&s->told, "%d %.*s\n", answer->status, TPH_FMT(tph_str_slice(answer->body, 0, 100)));
    } else {
        (void)tph_buf_printf(&s->told, "%s\n", answer->error);
    }
    tph_buf_clear(&s->fields);
    for (size_t i = 0; i < answer->n_headers; i++) {
        (void)tph_buf_printf(&s->fields, "%.*s=%.*s\n", TPH_FMT(answer->headers[i].name),
                             TPH_FMT(answer->headers[i].value));
    }
    s->body_len = answer->body.len;
    if (s->on_done) {
        s->on_done(s);
    }
    if (--s->left == 0) {
        tph_loop_stop(s->loop);
    }
}

static void stop(void *owner)
{
    tph_loop_stop(((struct scene *)owner)->loop);
}

static struct tph_fetch *start(struct scene *s)
{
    s->left++;
    return tph_fetch_start(s->fetcher, &s->request, done, s);
}

static void run(struct scene *s)
{
    tph_timer_start(s->watchdog, WATCHDOG_MS);
    tph_loop_run(s->loop);
    tph_timer_stop(s->watchdog);
}

static void fetch(struct scene *s, const char *expected)
{
    tph_buf_clear(&s->told);
    (void)start(s);
    run(s);
    assert_string_equal(tph_buf_cstr(&s->told), expected);
}

/* What the peer got last, with its own address as HOST. */
static void expect_sent(const struct peer *peer, const char *address, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    char own[64];
    (void)snprintf(own, sizeof own, "%s:%u", address, peer->port);
    const char *in = tph_buf_cstr(&peer->in);
    const char *at = strstr(in, own);
    (void)tph_buf_append(&text, in, at ? (size_t)(at - in) : strlen(in));
    if (at) {
        (void)tph_buf_printf(&text, "HOST%s", at + strlen(own));
    }
    assert_string_equal(tph_buf_cstr(&text), expected);
}

#define SERVE(text)                                     \
    {PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, text}, \
    {                                                   \
        PEER_CLOSE                                      \
    }
#define SERVE_BODY(text)                                   \
    {PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_SEND, text}, \
    {                                                      \
        PEER_CLOSE                                         \
    }
#define US "User-Agent: tiphys/" TPH_VERSION "\r\n"

static void a_plain_request_is_as_goes_client_sends_it(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.0 200 OK\r\nserver: x\r\nX-MANY: 1\r\nx-many: 2\r\n\r\nhello")));
    fetch(s, "200 hello\n");
    expect_sent(&s->peer, "127.0.0.1", "GET /a?b=c HTTP/1.1\r\nHost: HOST\r\n" US "Accept-Encoding: gzip\r\n\r\n");
    assert_string_equal(tph_buf_cstr(&s->fields), "Server=x\nX-Many=1\nX-Many=2\n");
}

static void a_body_has_a_length_and_no_type_of_its_own(void **state)
{
    struct scene *s = *state;
    s->request.method = TPH_STR("POST");
    s->request.body = (struct tph_str){.p = "a\0b", .len = 3};
    peer_play(&s->peer, STEPS(SERVE_BODY("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")));
    fetch(s, "201 ok\n");
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), "Content-Length: 3\r\n"));
    assert_null(strstr(tph_buf_cstr(&s->peer.in), "Content-Type"));
    assert_null(strstr(tph_buf_cstr(&s->peer.in), "Expect"));
    assert_memory_equal(s->peer.in.bytes + s->peer.in.len - 3, "a\0b", 3);
    s->request.body = TPH_STR_NONE;
    peer_play(&s->peer, STEPS(SERVE_BODY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
    fetch(s, "200 \n");
    s->request.method = TPH_STR("DELETE"); /* those say nothing of a body that they have not */
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 204 No Content\r\n\r\n")));
    fetch(s, "204 \n");
    assert_null(strstr(tph_buf_cstr(&s->peer.in), "Content-Length"));
    s->request.method = TPH_STR("HEAD");
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")));
    fetch(s, "200 \n");
}

static void headers_are_sent_with_canonical_names_host_in_its_place(void **state)
{
    struct scene *s = *state;
    const struct tph_fetch_header headers[] = {
        {TPH_STR("x-a"), TPH_STR("1")},         {TPH_STR("X-A"), TPH_STR("2")},
        {TPH_STR("x-empty"), TPH_STR("")},      {TPH_STR("hOST"), TPH_STR("example.org")},
        {TPH_STR("accept"), TPH_STR("a/b")},    {TPH_STR("content-length"), TPH_STR("99")},
        {TPH_STR("User-agent"), TPH_STR("me")}, {TPH_STR("Accept-Encoding"), TPH_STR("br")},
    };
    s->request.headers = headers;
    s->request.n_headers = sizeof headers / sizeof headers[0];
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
    fetch(s, "200 \n");
    expect_sent(
        &s->peer, "127.0.0.1",
        "GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-A: 1\r\nX-A: 2\r\nX-Empty:\r\nAccept: a/b\r\nUser-Agent: "
        "me\r\nAccept-Encoding: br\r\n\r\n");
}

/* No value from outside adds a line of its own; a value may be a secret, so it is not shown. */
static void what_is_no_header_is_not_sent(void **state)
{
    struct scene *s = *state;
    struct tph_fetch_header header = {TPH_STR("X-A"), TPH_STR("1\r\nX-B: 2")};
    char expected[256];
    s->request.headers = &header;
    s->request.n_headers = 1;
    (void)snprintf(expected, sizeof expected, "Get \"%s\": net/http: invalid header field value for \"X-A\"\n", s->url);
    fetch(s, expected);
    header.value = TPH_STR("secret\n");
    (void)snprintf(expected, sizeof expected,
                   "Get \"%s\": net/http: invalid header field value for \"X-A\": it ends with a line break\n", s->url);
    fetch(s, expected);
    header = (struct tph_fetch_header){TPH_STR("X A"), TPH_STR("1")};
    (void)snprintf(expected, sizeof expected, "Get \"%s\": net/http: invalid header field name \"X A\"\n", s->url);
    fetch(s, expected);
    s->request.n_headers = 0;
    s->request.method = TPH_STR("GET / HTTP/1.1\r\nX:");
    fetch(s, "net/http: invalid method \"GET / HTTP/1.1\r\nX:\"\n");
}

#define PACKED                                                                                                         \
    "\037\213\010\000\000\000\000\000\002\003\053\110\114\316\116\115\121\310\110\315\311\311\007\000\355\074\117\072" \
    "\014\000\000\000"
enum { PACKED_LEN = 32 };

static void gzip_is_unpacked_when_nobody_asked_for_it(void **state)
{
    struct scene *s = *state;
    char head[128];
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX: y\r\nContent-Length: %d\r\n\r\n",
                   PACKED_LEN);
    const struct peer_step steps[] = {
        {PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, head}, {PEER_SEND, PACKED, PACKED_LEN}, {PEER_CLOSE}, {PEER_END}};
    peer_play(&s->peer, steps);
    fetch(s, "200 packed hello\n");
    assert_string_equal(tph_buf_cstr(&s->fields), "X=y\n"); /* as Go, which takes the two others away */
    const struct tph_fetch_header own = {TPH_STR("Accept-Encoding"), TPH_STR("gzip")};
    s->request.headers = &own;
    s->request.n_headers = 1;
    peer_play(&s->peer, steps);
    (void)start(s);
    run(s);
    assert_int_equal(s->body_len, PACKED_LEN);
    assert_non_null(strstr(tph_buf_cstr(&s->fields), "Content-Encoding=gzip\n"));
}

static void answers_in_pieces_and_interim_ones(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD},
                              {PEER_SEND_BYTES,
                               "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
                              {PEER_CLOSE}));
    fetch(s, "200 abcde\n");
    assert_string_equal(tph_buf_cstr(&s->fields), "Transfer-Encoding=chunked\n");
}

/* Go: 301, 302 and 303 make a GET without body of it; 307 and 308 stay. */
static void redirects_change_the_method_as_in_go(void **state)
{
    static const struct {
        const char *answer, *method, *again;
    } CASES[] = {
        {"301 Moved", "POST", "GET"},  {"302 Found", "PUT", "GET"},       {"303 See Other", "DELETE", "GET"},
        {"302 Found", "HEAD", "HEAD"}, {"307 Temporary", "POST", "POST"}, {"308 Permanent", "PATCH", "PATCH"},
    };
    struct scene *s = *state;
    const struct tph_fetch_header type = {TPH_STR("Content-Type"), TPH_STR("text/x")};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char first[128];
        char wanted[64];
        bool head = strcmp(CASES[i].method, "HEAD") == 0;
        bool kept = strcmp(CASES[i].method, CASES[i].again) == 0;
        (void)snprintf(first, sizeof first, "HTTP/1.1 %s\r\nLocation: ../b\r\nContent-Length: 0\r\n\r\n",
                       CASES[i].answer);
        (void)snprintf(wanted, sizeof wanted, "%s /b HTTP/1.1\r\n", CASES[i].again);
        const struct peer_step body = {PEER_READ_TEXT, "BODY"};
        const struct peer_step none = {PEER_READ_HEAD};
        s->request.method = tph_str(CASES[i].method);
        s->request.body = head ? TPH_STR_NONE : TPH_STR("BODY");
        s->request.headers = &type;
        s->request.n_headers = 1;
        peer_play(&s->peer, STEPS(SERVE(first), {PEER_ACCEPT}, kept && !head ? body : none,
                                  {PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, {PEER_CLOSE}));
        fetch(s, "200 \n");
        const char *sent = tph_buf_cstr(&s->peer.in);
        assert_int_equal(strncmp(sent, wanted, strlen(wanted)), 0);
        assert_int_equal(strstr(sent, "BODY") != NULL, kept && !head);
        assert_int_equal(strstr(sent, "Content-Type") != NULL, kept && !head);
    }
}

static void secrets_do_not_go_to_another_host(void **state)
{
    struct scene *s = *state;
    char first[256];
    const struct tph_fetch_header headers[] = {{TPH_STR("Authorization"), TPH_STR("Bearer t")},
                                               {TPH_STR("cookie"), TPH_STR("c=d")},
                                               {TPH_STR("Host"), TPH_STR("example.org")},
                                               {TPH_STR("X-Other"), TPH_STR("stays")}};
    s->request.headers = headers;
    s->request.n_headers = 4;
    peer_release(&s->other);
    peer_listen(&s->other, s->loop, "127.0.0.2");
    s->other.owner = s;
    (void)snprintf(first, sizeof first,
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:%u/\r\nContent-Length: 0\r\n\r\n", s->other.port);
    peer_play(&s->peer, STEPS(SERVE(first)));
    peer_play(&s->other, STEPS(SERVE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
    fetch(s, "200 \n");
    expect_sent(&s->other, "127.0.0.2",
                "GET / HTTP/1.1\r\nHost: HOST\r\n" US "Accept-Encoding: gzip\r\nX-Other: stays\r\n\r\n");
    /* To the same host they go, with the Host that was asked for: a path alone. */
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
                              SERVE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
    fetch(s, "200 \n");
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), "Authorization: Bearer t\r\n"));
    assert_non_null(strstr(tph_buf_cstr(&s->peer.in), "Host: example.org\r\n"));
}

static void redirects_end_after_ten(void **state)
{
    struct scene *s = *state;
    char expected[128];
    struct peer_step steps[4 * (TPH_LIMIT_FETCH_REDIRECTS + 1) + 1];
    for (size_t i = 0; i <= TPH_LIMIT_FETCH_REDIRECTS; i++) {
        const struct peer_step serve[] = {SERVE("HTTP/1.1 302 Found\r\nLocation: /a?b=c\r\nContent-Length: 0\r\n\r\n")};
        memcpy(&steps[4 * i], serve, sizeof serve);
    }
    steps[4 * (TPH_LIMIT_FETCH_REDIRECTS + 1)] = (struct peer_step){PEER_END};
    peer_play(&s->peer, steps);
    (void)snprintf(expected, sizeof expected, "Get \"%s\": stopped after 10 redirects\n", s->url);
    fetch(s, expected);
    /* without a Location there is nothing to follow */
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nhere")));
    fetch(s, "302 here\n");
    peer_play(&s->peer,
              STEPS(SERVE("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")));
    fetch(s, "Get \"file:///etc/passwd\": unsupported protocol scheme \"file\"\n");
}

static void ends_without_an_answer_in_goes_words(void **state)
{
    struct scene *s = *state;
    char expected[256];
    s->request.timeout_ms = 60;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_READ_EOF}, {PEER_CLOSE}));
    (void)snprintf(expected, sizeof expected,
                   "Get \"%s\": context deadline exceeded: there was no whole answer within 0 s\n", s->url);
    fetch(s, expected);
    s->request.timeout_ms = 0;
    fetch(s, expected);
    s->request.timeout_ms = WATCHDOG_MS / 2;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CLOSE}));
    (void)snprintf(expected, sizeof expected, "Get \"%s\": EOF\n", s->url);
    fetch(s, expected);
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")));
    (void)snprintf(expected, sizeof expected, "Get \"%s\": unexpected EOF\n", s->url);
    fetch(s, expected);
    s->request.method = TPH_STR("POST");
    s->request.url = tph_str(s->other_url); /* nobody listens on that address */
    (void)snprintf(expected, sizeof expected, "Post \"%s\": dial tcp 127.0.0.2:%u: connect: connection refused\n",
                   s->other_url, s->other.port);
    fetch(s, expected);
    s->request.method = TPH_STR_NONE;
    s->request.url = TPH_STR("");
    fetch(s, "Get \"\": unsupported protocol scheme \"\"\n");
    s->request.url = TPH_STR("gopher://x/");
    fetch(s, "Get \"gopher://x/\": unsupported protocol scheme \"gopher\"\n");
}

static void a_reset_and_nonsense_are_told(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_RESET}));
    (void)start(s);
    run(s);
    assert_non_null(strstr(tph_buf_cstr(&s->told), "read tcp: "));
    tph_buf_clear(&s->told);
    peer_play(&s->peer, STEPS(SERVE("SSH-2.0-OpenSSH\r\n\r\n")));
    (void)start(s);
    run(s);
    assert_int_equal(strncmp(tph_buf_cstr(&s->told), "Get \"http://", 12), 0);
}

static void an_answer_past_its_ceiling_is_dropped(void **state)
{
    struct scene *s = *state;
    char expected[256];
    s->request.max_body = 65536;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, "HTTP/1.0 200 OK\r\n\r\n"},
                              {.op = PEER_SEND_MANY, .n = 1}, {PEER_CLOSE}));
    (void)start(s);
    run(s);
    assert_int_equal(s->body_len, 65536);
    s->request.max_body = 65535;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, "HTTP/1.0 200 OK\r\n\r\n"},
                              {.op = PEER_SEND_MANY, .n = 1}, {PEER_CLOSE}));
    (void)snprintf(expected, sizeof expected, "Get \"%s\": the body of the answer is larger than 65535 bytes\n",
                   s->url);
    fetch(s, expected);
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, "HTTP/1.0 200 OK\r\nX: "},
                              {.op = PEER_SEND_MANY, .n = 1}, {PEER_SEND, "\r\n\r\n"}, {PEER_CLOSE}));
    (void)snprintf(expected, sizeof expected,
                   "Get \"%s\": the head of the answer is larger than 65536 bytes or 128 fields\n", s->url);
    fetch(s, expected);
}

static void take_part(void *owner, struct tph_str bytes)
{
    struct scene *s = owner;
    (void)tph_buf_printf(&s->told, "[%.*s]", TPH_FMT(bytes));
    if (s->victim && tph_str_has_suffix(bytes, TPH_STR("bye"))) {
        tph_fetch_cancel(TPH_TAKE(s->victim)); /* its own, from within */
        tph_loop_stop(s->loop);
    }
}

static bool told_hello(const void *owner)
{
    return strstr(tph_buf_cstr(&((const struct scene *)owner)->told), "hello") != NULL;
}

static bool told_head(const void *owner)
{
    return strstr(tph_buf_cstr(&((const struct scene *)owner)->told), "[]") != NULL;
}

/* The head alone is told, then each part as it comes, while the connection stays open. */
static void a_stream_comes_in_parts(void **state)
{
    struct scene *s = *state;
    s->request.part = take_part;
    s->request.timeout_ms = TPH_FETCH_FOREVER;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD},
                              {PEER_SEND, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
                              {PEER_UNTIL, .test = told_head}, {PEER_SEND, "5\r\nhello\r\n"},
                              {PEER_UNTIL, .test = told_hello}, {PEER_SEND, "1\r\n!\r\n0\r\n\r\n"}, {PEER_CLOSE}));
    fetch(s, "[][hello][!]200 \n");
    assert_null(strstr(tph_buf_cstr(&s->peer.in), "Accept-Encoding")); /* what is packed would come late */
}

static void a_stream_can_be_dropped_from_within(void **state)
{
    struct scene *s = *state;
    s->request.part = take_part;
    s->request.timeout_ms = TPH_FETCH_FOREVER;
    peer_play(&s->peer,
              STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nbye"},
                    {PEER_READ_EOF}, {PEER_CLOSE}));
    s->victim = start(s);
    run(s);
    assert_null(s->victim);
    assert_non_null(strstr(tph_buf_cstr(&s->told), "bye]"));
    s->left--;
}

/* An error's body is no part of a stream: it comes whole, with done. */
static void what_is_refused_is_no_stream(void **state)
{
    struct scene *s = *state;
    s->request.part = take_part;
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone")));
    fetch(s, "410 gone\n");
    peer_play(&s->peer, STEPS(SERVE("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 4\r\n\r\nhere"),
                              SERVE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")));
    tph_buf_clear(&s->told);
    (void)start(s);
    run(s);
    assert_non_null(strstr(tph_buf_cstr(&s->told), "ok]200 \n"));
    assert_null(strstr(tph_buf_cstr(&s->told), "here"));
}

static void cancelled_ones_are_never_heard_of(void **state)
{
    struct scene *s = *state;
    tph_fetch_cancel(start(s)); /* before its turn */
    s->left--;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CALL, .call = stop}, {PEER_READ_EOF},
                              {PEER_CALL, .call = stop}));
    struct tph_fetch *one = start(s);
    run(s); /* the request is under way */
    tph_fetch_cancel(one);
    run(s); /* the server saw us go */
    assert_string_equal(tph_buf_cstr(&s->told), "");
    assert_int_equal(s->peer.steps->op, PEER_END);
}

static void cancel_victim(struct scene *s)
{
    if (s->victim) {
        tph_fetch_cancel(TPH_TAKE(s->victim));
        s->left--;
    }
}

/* Two that end in one turn: the first drops the second. */
static void one_may_be_cancelled_in_anothers_end(void **state)
{
    struct scene *s = *state;
    s->request.url = TPH_STR("nix://a");
    (void)start(s);
    s->victim = start(s);
    s->on_done = cancel_victim;
    run(s);
    assert_string_equal(tph_buf_cstr(&s->told), "Get \"nix://a\": unsupported protocol scheme \"nix\"\n");
}

static void what_is_under_way_is_dropped_with_the_fetcher(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CALL, .call = stop}));
    (void)start(s);
    run(s);
    (void)start(s); /* waits */
    assert_string_equal(tph_buf_cstr(&s->told), "");
}

/* A server that answers nobody until as many as may be under way have come, then all. */
struct crowd {
    struct scene *scene;
    struct tph_http_server *server;
    struct tph_http_exchange *held[TPH_LIMIT_FETCHES + 1];
    size_t n_held, n_max;
    bool open;
};

static void come(void *owner, struct tph_http_exchange *exchange)
{
    struct crowd *c = owner;
    const struct tph_http_reply reply = {.status = 200, .body = TPH_STR("x")};
    assert_true(c->scene->fetcher->lists[FETCH_RUNNING].n <= TPH_LIMIT_FETCHES);
    if (c->open) {
        tph_http_exchange_reply(exchange, &reply);
        return;
    }
    c->held[c->n_held++] = exchange;
    c->n_max = c->n_held > c->n_max ? c->n_held : c->n_max;
    if (c->n_held == TPH_LIMIT_FETCHES) {
        c->open = true;
        for (size_t i = 0; i < c->n_held; i++) {
            tph_http_exchange_reply(c->held[i], &reply);
        }
    }
}

static void hundreds_are_under_way_at_once_and_the_others_wait(void **state)
{
    enum { MANY = 3 * TPH_LIMIT_FETCHES };
    struct scene *s = *state;
    struct crowd c = {.scene = s};
    char url[64];
    struct tph_error err = TPH_ERROR_INIT;
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096; /* both ends of each connection are ours */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    const struct tph_http_handler handler = {.request = come};
    const struct tph_http_server_config config = {.host = "127.0.0.1", .handler = &handler, .owner = &c};
    assert_int_equal(tph_http_server_new(s->loop, &config, &c.server, &err), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", tph_http_server_port(c.server));
    s->request.url = tph_str(url);
    s->request.timeout_ms = WATCHDOG_MS;
    for (size_t i = 0; i < MANY; i++) {
        (void)start(s);
    }
    run(s);
    assert_int_equal(c.n_max, TPH_LIMIT_FETCHES);
    assert_int_equal(s->told.len, MANY * strlen("200 x\n"));
    tph_http_server_free(c.server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_plain_request_is_as_goes_client_sends_it),
        TEST(a_body_has_a_length_and_no_type_of_its_own),
        TEST(headers_are_sent_with_canonical_names_host_in_its_place),
        TEST(what_is_no_header_is_not_sent),
        TEST(gzip_is_unpacked_when_nobody_asked_for_it),
        TEST(answers_in_pieces_and_interim_ones),
        TEST(redirects_change_the_method_as_in_go),
        TEST(secrets_do_not_go_to_another_host),
        TEST(redirects_end_after_ten),
        TEST(ends_without_an_answer_in_goes_words),
        TEST(a_reset_and_nonsense_are_told),
        TEST(an_answer_past_its_ceiling_is_dropped),
        TEST(a_stream_comes_in_parts),
        TEST(a_stream_can_be_dropped_from_within),
        TEST(what_is_refused_is_no_stream),
        TEST(cancelled_ones_are_never_heard_of),
        TEST(one_may_be_cancelled_in_anothers_end),
        TEST(what_is_under_way_is_dropped_with_the_fetcher),
        TEST(hundreds_are_under_way_at_once_and_the_others_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
