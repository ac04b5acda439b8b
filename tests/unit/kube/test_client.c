/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and watches against a scripted API server: what stands on the wire, what is asked again, what an owner of a
 * watch sees when connections break, versions are gone and servers talk nonsense. */
#include "kube/watch.h"

#include "base/limits.h"

#include "../http/peer.h"

#include "base/alloc.h"

enum { WATCHDOG_MS = 20000 };

struct scene {
    struct tph_loop *loop;
    struct tph_kube_config config;
    struct tph_kube *kube;
    struct tph_timer *watchdog;
    struct peer peer;
    char url[64];
    struct tph_buf told;
    struct tph_kube_watch *watch;
    const char *free_at; /* told by then: the watch is freed */
    int64_t give_up_ms;
};

static void too_long(void *owner)
{
    fail_msg("nothing more happens; told so far:\n%s", tph_buf_cstr(&((struct scene *)owner)->told));
}

static int set_up(void **state)
{
    struct scene *s = TPH_NEW(struct scene);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_loop_new(&s->loop, &err), 0);
    s->watchdog = tph_timer_new(s->loop, too_long, s);
    s->told = TPH_BUF_INIT(TPH_MIB(1));
    peer_listen(&s->peer, s->loop, "127.0.0.1");
    s->peer.owner = s;
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->peer.port);
    assert_int_equal(tph_kube_config_parse(NULL, 0, &(struct tph_kube_choice){.server = s->url, .token = "secret"},
                                           &s->config, &err),
                     0);
    s->kube = tph_kube_new(s->loop, &s->config);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    tph_kube_watch_free(s->watch);
    tph_kube_free(s->kube);
    tph_kube_config_release(&s->config);
    tph_timer_free(s->watchdog);
    peer_release(&s->peer);
    tph_loop_free(s->loop);
    tph_buf_release(&s->told);
    free(s);
    return 0;
}

static void run(struct scene *s)
{
    tph_timer_start(s->watchdog, WATCHDOG_MS);
    tph_loop_run(s->loop);
    tph_timer_stop(s->watchdog);
}

static void done(void *owner, const struct tph_kube_answer *answer)
{
    struct scene *s = owner;
    (void)tph_buf_printf(&s->told, "%d %d %s%s\n", (int)answer->problem, answer->status, answer->err->text,
                         answer->warnings);
    tph_loop_stop(s->loop);
}

static void expect(struct scene *s, const struct tph_kube_request *request, const char *expected)
{
    tph_buf_clear(&s->told);
    (void)!tph_kube_start(s->kube, request, done, s);
    run(s);
    assert_string_equal(tph_buf_cstr(&s->told), expected);
}

#define JSON(status, more, body)                                                                             \
    {PEER_ACCEPT}, {PEER_READ_HEAD},                                                                         \
        {PEER_SEND,                                                                                          \
         "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n" more "\r\n" body}, \
    {                                                                                                        \
        PEER_CLOSE                                                                                           \
    }

static void paths_are_kubernetes_own(void **state)
{
    struct scene *s = *state;
    struct tph_buf *out = &s->told;
    tph_kube_path(out, &tph_kube_workflows, TPH_STR("argo"), TPH_STR("a b/c"), "log");
    tph_kube_query(out, "x", TPH_STR("1,2=3"));
    tph_kube_query(out, "none", TPH_STR(""));
    tph_kube_query(out, "y", TPH_STR("\xc3\xa4"));
    assert_string_equal(tph_buf_cstr(out), "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/a%20b%2Fc/"
                                           "log?x=1%2C2%3D3&y=%C3%A4");
    tph_buf_clear(out);
    tph_kube_path(out, &tph_kube_cluster_templates, TPH_STR("argo"), TPH_STR_NONE, NULL);
    assert_string_equal(tph_buf_cstr(out), "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates");
    tph_buf_clear(out);
    tph_kube_path(out, &tph_kube_pods, TPH_STR_NONE, TPH_STR_NONE, NULL);
    assert_string_equal(tph_buf_cstr(out), "/api/v1/pods");
}

static void credentials_do_not_go_over_plain_http(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS(JSON("200 OK", "Warning: 299 - \"old \\\"kind\\\"\"\r\n", "{}")));
    expect(s, &(struct tph_kube_request){.path = TPH_STR("/x?y=1")}, "0 200 old \"kind\"\n\n");
    const char *sent = tph_buf_cstr(&s->peer.in);
    assert_int_equal(strncmp(sent, "GET /x?y=1 HTTP/1.1\r\n", 21), 0);
    assert_non_null(strstr(sent, "Accept: application/json\r\n"));
    assert_non_null(strstr(sent, "User-Agent: tiphys/"));
    assert_null(strstr(sent, "secret"));
}

#define STATUS(code, reason, message, more)                                                                           \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":" #code ",\"reason\":\"" reason "\",\"message\":\"" message \
    "\"" more "}"

static void answers_mean_what_kubernetes_says(void **state)
{
    static const struct {
        int status;
        const char *body, *text;
        enum tph_kube_problem problem;
    } CASES[] = {
        {201, "{}", "", TPH_KUBE_FINE},
        {401, STATUS(401, "Unauthorized", "Unauthorized", ""), "Unauthorized", TPH_KUBE_UNAUTHORIZED},
        {403, STATUS(403, "Forbidden", "no", ""), "no", TPH_KUBE_FORBIDDEN},
        {404, STATUS(404, "NotFound", "workflows \\\"a\\\" not found", ",\"details\":{\"name\":\"a\"}"),
         "workflows \"a\" not found", TPH_KUBE_NOT_FOUND},
        {404, "404 page not found\n", "404 page not found", TPH_KUBE_NO_KIND},
        {409, STATUS(409, "AlreadyExists", "there", ""), "there", TPH_KUBE_EXISTS},
        {409, STATUS(409, "Conflict", "newer", ""), "newer", TPH_KUBE_CONFLICT},
        {410, STATUS(410, "Expired", "old", ""), "old", TPH_KUBE_EXPIRED},
        {422, STATUS(422, "Invalid", "bad\\u001b[2J", ""), "bad\\x1b[2J", TPH_KUBE_INVALID},
        {400, "", "the server answered 400 and nothing else", TPH_KUBE_INVALID},
        {429, "", "the server answered 429 and nothing else", TPH_KUBE_BUSY},
        {503, "<html>busy</html>", "<html>busy</html>", TPH_KUBE_BUSY},
        {500, "{}", "the server answered 500 and nothing else", TPH_KUBE_OTHER},
        {302, "", "the server answered 302 and nothing else", TPH_KUBE_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        int failed = tph_json_parse(tph_str(CASES[i].body), &doc, &err);
        err = TPH_ERROR_INIT;
        assert_int_equal(
            tph_kube_judge(CASES[i].status, failed < 0 ? NULL : tph_json_root(doc), tph_str(CASES[i].body), &err),
            CASES[i].problem);
        assert_string_equal(err.text, CASES[i].text);
    }
}

static void a_server_that_says_when_is_asked_again(void **state)
{
    struct scene *s = *state;
    peer_play(&s->peer, STEPS(JSON("429 Too Many Requests", "Retry-After: 0\r\nContent-Length: 0\r\n", ""),
                              JSON("503 Busy", "Retry-After: 0\r\nContent-Length: 0\r\n", ""),
                              JSON("200 OK", "Content-Length: 2\r\n", "{}")));
    expect(s, &(struct tph_kube_request){.method = "POST", .path = TPH_STR("/x"), .body = TPH_STR("{}")}, "0 200 \n");
    /* 503 without it is told */
    peer_play(&s->peer, STEPS(JSON("503 Busy", "Content-Length: 0\r\n", "")));
    expect(s, &(struct tph_kube_request){.path = TPH_STR("/x")}, "12 503 the server answered 503 and nothing else\n");
}

static void a_broken_get_is_asked_once_more_and_a_post_is_not(void **state)
{
    struct scene *s = *state;
    char expected[256];
    peer_play(&s->peer,
              STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CLOSE}, JSON("200 OK", "Content-Length: 2\r\n", "{}")));
    expect(s, &(struct tph_kube_request){.path = TPH_STR("/x")}, "0 200 \n");
    peer_play(&s->peer, STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CLOSE}));
    (void)snprintf(expected, sizeof expected, "2 0 Post \"%s/x\": EOF\n", s->url);
    expect(s, &(struct tph_kube_request){.method = "POST", .path = TPH_STR("/x"), .body = TPH_STR("{}")}, expected);
}

/* But not for ever, nor after a pause that nobody would wait for. */
static void a_server_that_is_always_busy_is_told_of(void **state)
{
    struct scene *s = *state;
    struct peer_step steps[4 * (TPH_LIMIT_KUBE_TRIES + 1) + 1];
    const struct peer_step busy[] = {JSON("429 Busy", "Retry-After: 0\r\nContent-Length: 0\r\n", "")};
    for (size_t i = 0; i <= TPH_LIMIT_KUBE_TRIES; i++) {
        memcpy(&steps[4 * i], busy, sizeof busy);
    }
    steps[4 * (TPH_LIMIT_KUBE_TRIES + 1)] = (struct peer_step){PEER_END};
    peer_play(&s->peer, steps);
    expect(s, &(struct tph_kube_request){.path = TPH_STR("/x")}, "12 429 the server answered 429 and nothing else\n");
    peer_play(&s->peer, STEPS(JSON("429 Busy", "Retry-After: 61\r\nContent-Length: 0\r\n", "")));
    expect(s, &(struct tph_kube_request){.path = TPH_STR("/x")}, "12 429 the server answered 429 and nothing else\n");
}

/* ---- watches ---- */

static void tell(struct scene *s, const char *what, const struct tph_json *object)
{
    struct tph_str name = tph_json_get_str(tph_json_get(object, "metadata"), "name");
    (void)tph_buf_printf(&s->told, "%s%s%.*s\n", what, name.len > 0 ? " " : "", TPH_FMT(name));
    if (s->free_at && strstr(tph_buf_cstr(&s->told), s->free_at)) {
        tph_kube_watch_free(TPH_TAKE(s->watch));
        tph_loop_stop(s->loop);
    }
}

static void listed(void *owner, const struct tph_json *list)
{
    struct scene *s = owner;
    struct tph_json_iter it = tph_json_iter(tph_json_get(list, "items"));
    (void)tph_buf_printf(&s->told, "list");
    while (tph_json_next(&it)) {
        (void)tph_buf_printf(&s->told, " %.*s", TPH_FMT(tph_json_get_str(tph_json_get(it.value, "metadata"), "name")));
    }
    tell(s, "", NULL);
}

static void changed(void *owner, enum tph_kube_change change, const struct tph_json *object)
{
    static const char *const NAMES[] = {"added", "modified", "deleted"};
    tell(owner, NAMES[change], object);
}

static void lost(void *owner, const struct tph_error *why)
{
    (void)why;
    tell(owner, "lost", NULL);
}

static void back(void *owner)
{
    tell(owner, "back", NULL);
}

static void failed(void *owner, enum tph_kube_problem problem, const struct tph_error *why)
{
    struct scene *s = owner;
    (void)why;
    (void)tph_buf_printf(&s->told, "failed %d\n", (int)problem);
    tph_loop_stop(s->loop);
}

static void watch(struct scene *s, const char *until, const struct peer_step *steps, const char *expected)
{
    static const struct tph_kube_watch_hooks HOOKS = {
        .listed = listed, .changed = changed, .lost = lost, .back = back, .failed = failed};
    s->free_at = until;
    peer_play(&s->peer, steps);
    s->watch = tph_kube_watch_new(
        s->kube,
        &(struct tph_kube_watch_ask){
            .kind = &tph_kube_pods, .ns = TPH_STR("n"), .labels = TPH_STR("a=b"), .give_up_ms = s->give_up_ms},
        &HOOKS, s);
    run(s);
    assert_string_equal(tph_buf_cstr(&s->told), expected);
}

#define LIST(rv, more, names) \
    JSON("200 OK", "", "{\"metadata\":{\"resourceVersion\":\"" rv "\"" more "},\"items\":[" names "]}")
#define OBJECT(name, rv)      "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"}}"
#define EVENT(type, name, rv) "{\"type\":\"" type "\",\"object\":" OBJECT(name, rv) "}\n"
#define WATCH(expected_rv, bytes)                                                                         \
    {PEER_ACCEPT}, {PEER_READ_TEXT, "resourceVersion=" expected_rv "&timeoutSeconds="}, {PEER_READ_HEAD}, \
    {                                                                                                     \
        PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" bytes \
    }

static void a_watch_goes_on_from_the_last_version_when_its_connection_breaks(void **state)
{
    struct scene *s = *state;
    watch(s, "deleted b",
          STEPS(LIST("5", "", OBJECT("a", "3")), WATCH("5", EVENT("ADDED", "b", "7")), {PEER_CLOSE},
                WATCH("7", "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n"),
                {PEER_RESET}, WATCH("9", EVENT("MODIFIED", "b", "10") EVENT("DELETED", "b", "11"))),
          "list a\nadded b\nlost\nback\nmodified b\ndeleted b\n");
}

static void pages_of_a_list_are_one_list(void **state)
{
    struct scene *s = *state;
    watch(s, "added d",
          STEPS(LIST("5", ",\"continue\":\"t 1\"", OBJECT("a", "3")), {PEER_ACCEPT}, {PEER_READ_TEXT, "continue=t%201"},
                {PEER_READ_HEAD},
                {PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                            "{\"metadata\":{\"resourceVersion\":\"6\"},\"items\":[" OBJECT("c", "4") "]}"},
                {PEER_CLOSE}, WATCH("6", EVENT("ADDED", "d", "7"))),
          "list a c\nadded d\n");
}

static void what_has_expired_is_listed_again(void **state)
{
    struct scene *s = *state;
    watch(s, "added c",
          STEPS(LIST("5", "", OBJECT("a", "3")),
                WATCH("5", "{\"type\":\"ERROR\",\"object\":" STATUS(410, "Expired", "too old", "") "}\n"), {PEER_CLOSE},
                LIST("20", "", OBJECT("b", "15")), JSON("410 Gone", "Content-Length: 0\r\n", ""), LIST("30", "", ""),
                WATCH("30", EVENT("ADDED", "c", "31"))),
          "list a\nlist b\nlist\nadded c\n");
}

static void nonsense_makes_it_list_again(void **state)
{
    struct scene *s = *state;
    watch(s, "added b",
          STEPS(LIST("5", "", ""), WATCH("5", "{\"type\":\"WHAT\",\"object\":{}}\n"), {PEER_READ_EOF}, {PEER_CLOSE},
                LIST("6", "", ""), WATCH("6", EVENT("ADDED", "b", "7"))),
          "list\nlost\nback\nlist\nadded b\n");
}

/* Asked again with longer and longer pauses, up to give_up_ms. */
static void a_server_that_does_not_come_back_is_given_up(void **state)
{
    struct scene *s = *state;
    s->give_up_ms = 1;
    watch(s, NULL,
          STEPS(LIST("5", "", ""), {PEER_ACCEPT}, {PEER_READ_HEAD}, {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_HEAD},
                {PEER_CLOSE}),
          "list\nlost\nfailed 2\n");
}

static void who_never_was_there_is_not_waited_for(void **state)
{
    struct scene *s = *state;
    watch(s, NULL, STEPS(JSON("403 Forbidden", "Content-Length: 0\r\n", "")), "failed 5\n");
}

static void a_right_that_was_taken_away_ends_it(void **state)
{
    struct scene *s = *state;
    watch(s, NULL, STEPS(LIST("5", "", ""), JSON("401 Unauthorized", "Content-Length: 0\r\n", "")), "list\nfailed 4\n");
}

/* ---- the decoder ---- */

static void events_come_in_any_pieces(void **state)
{
    static const char TEXT[] = EVENT("ADDED", "a", "1") "\n" EVENT("DELETED", "b", "2");
    (void)state;
    for (size_t cut = 1; cut < sizeof TEXT; cut++) {
        struct tph_kube_decoder decoder = TPH_KUBE_DECODER_INIT;
        struct tph_error err = TPH_ERROR_INIT;
        size_t n = 0;
        for (size_t at = 0; at < sizeof TEXT - 1; at += cut) {
            struct tph_str bytes = tph_str_slice(tph_str(TEXT), at, at + cut);
            struct tph_kube_event event;
            int r = 0;
            while ((r = tph_kube_decode(&decoder, &bytes, &event, &err)) > 0) {
                assert_int_equal(event.change, n == 0 ? TPH_KUBE_ADDED : TPH_KUBE_DELETED);
                tph_json_doc_free(event.doc);
                n++;
            }
            assert_int_equal(r, 0);
        }
        assert_int_equal(n, 2);
        tph_kube_decoder_release(&decoder);
    }
}

static void an_event_without_end_is_refused(void **state)
{
    struct tph_kube_decoder decoder = {.line = TPH_BUF_INIT(100)};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_kube_event event;
    char many[128];
    (void)state;
    memset(many, ' ', sizeof many);
    struct tph_str bytes = {.p = many, .len = sizeof many};
    assert_int_equal(tph_kube_decode(&decoder, &bytes, &event, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    tph_kube_decoder_release(&decoder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(paths_are_kubernetes_own),
        TEST(credentials_do_not_go_over_plain_http),
        TEST(answers_mean_what_kubernetes_says),
        TEST(a_server_that_says_when_is_asked_again),
        TEST(a_server_that_is_always_busy_is_told_of),
        TEST(a_broken_get_is_asked_once_more_and_a_post_is_not),
        TEST(a_watch_goes_on_from_the_last_version_when_its_connection_breaks),
        TEST(pages_of_a_list_are_one_list),
        TEST(what_has_expired_is_listed_again),
        TEST(nonsense_makes_it_list_again),
        TEST(a_server_that_does_not_come_back_is_given_up),
        TEST(who_never_was_there_is_not_waited_for),
        TEST(a_right_that_was_taken_away_ends_it),
        TEST(events_come_in_any_pieces),
        TEST(an_event_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
