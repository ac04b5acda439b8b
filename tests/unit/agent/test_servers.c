/* SPDX-License-Identifier: Apache-2.0 */
/* The agent against servers as they are out there. The numbers are those of the survey of published plugins that the
 * design names; `survey` below tells which test plays which line, and none may be missing. */
#include "agent/agent_internal.h"
#include "podrt/dial.h"
#include "world.h"

static const char *const one[] = {"x"};

/* One plugin that owns the key, one task, one answer: what is told in the end. */
struct row {
    int number; /* in the survey */
    const struct peer_step *steps;
    const char *told;
};

static void play(const struct row *row)
{
    struct world w;
    world_open(&w, one, 1);
    peer_play(&w.servers[0], row->steps);
    world_submit(&w, "n", "x");
    world_run(&w);
    if (strcmp(world_told(&w), row->told) != 0) {
        fail_msg("number %d: told %s, not %s", row->number, world_told(&w), row->told);
    }
    world_close(&w);
}

static void replies_in_every_shape_are_read(void **state)
{
    (void)state;
    const struct row rows[] = {
        {1,
         STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\n\r\n"),
               {PEER_TURN}, SEND_TEXT(NODE("Succeeded", "two writes")), {PEER_CLOSE}),
         "result n Succeeded two writes\n"},
        {2,
         STEPS(
             {PEER_ACCEPT}, {PEER_READ_REQUEST},
             SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 48\r\n\r\n" NODE(
                 "Succeeded", "kept") "\n")),
         "result n Succeeded kept\n"},
        {2, STEPS(ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n" NODE("Succeeded", "kept") "\n")),
         "result n Succeeded kept\n"},
        {2,
         STEPS(ANSWER("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n" NODE(
             "Succeeded", "kept"))),
         "result n Succeeded kept\n"},
        {2,
         STEPS(ANSWER(
             "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 47\r\n\r\n" NODE(
                 "Succeeded", "kept"))),
         "result n Succeeded kept\n"},
        {5, STEPS(ANSWER(OK_10(NODE("Succeeded", "first") NODE("Failed", "second")))), "result n Succeeded first\n"},
        {5,
         STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST},
               SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n" NODE(
                   "Succeeded", "first") "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
               {PEER_CLOSE}),
         "result n Succeeded first\n"},
        {6, STEPS(ANSWER(OK_10("{\"Body\":" NODE("Succeeded", "") "}"))),
         "result n Failed no plugin executed the template\n"},
        {3, STEPS(ANSWER(OK_10("{}"))), "result n Failed no plugin executed the template\n"},
        {3, STEPS(ANSWER(OK_10("null"))), "result n Failed no plugin executed the template\n"},
        {3, STEPS(ANSWER("HTTP/1.0 404 Not Found\r\n\r\n")), "result n Failed no plugin executed the template\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        play(&rows[i]);
    }
}

/* What the key's owner answers otherwise ends the node, with what it said. */
static void an_owners_error_is_the_nodes_message(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *answer, *message;
    } rows[] = {
        {6, "HTTP/1.0 200 OK\r\n\r\n", "empty"},
        {6, "HTTP/1.0 200 OK\r\n\r\nall good", "all good"},
        {7, "HTTP/1.0 400 Bad Request\r\n\r\n" NODE("Failed", "no such table"), "no such table"},
        {7, "HTTP/1.0 500 Oh No\r\n\r\n{}", "500 Oh No"},
        {8, "HTTP/1.0 403 Forbidden\r\n\r\n", "403 Forbidden"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        world_open(&w, one, 1);
        peer_play(&w.servers[0], STEPS(ANSWER(rows[i].answer)));
        world_submit(&w, "n", "x");
        world_run(&w);
        if (strncmp(world_told(&w), "result n Failed ", 16) != 0 || !strstr(world_told(&w), rows[i].message)) {
            fail_msg("number %d: told %s without %s", rows[i].number, world_told(&w), rows[i].message);
        }
        world_close(&w);
    }
}

/* 8: the server refuses after the head and does not read the rest. */
static void a_refusal_before_the_body_is_read_is_seen(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT("HTTP/1.0 401 Unauthorized\r\n\r\n"),
                                   {PEER_HALF_CLOSE}, {PEER_READ_EOF}));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "result n Failed "));
    assert_non_null(strstr(world_told(&w), "401 Unauthorized"));
    world_close(&w);
}

/* 9: four kinds of trouble, then an answer: the fifth try counts. */
static void what_may_pass_is_tried_five_times(void **state)
{
    (void)state;
    const struct row row = {9,
                            STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_REQUEST},
                                  {PEER_RESET}, ANSWER("HTTP/1.1 503 Busy\r\n\r\n"),
                                  ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"node\":"),
                                  ANSWER(OK_10(NODE("Succeeded", "at last")))),
                            "result n Succeeded at last\n"};
    play(&row);
}

static void after_five_tries_the_node_fails_and_nobody_is_called_again(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    peer_play(&w.servers[0], STEPS(ANSWER("HTTP/1.1 503 Busy\r\n\r\n"), ANSWER("HTTP/1.1 503 Busy\r\n\r\n"),
                                   ANSWER("HTTP/1.1 503 Busy\r\n\r\n"), ANSWER("HTTP/1.1 503 Busy\r\n\r\n"),
                                   ANSWER("HTTP/1.1 503 Busy\r\n\r\nlater, please\n")));
    world_submit(&w, "n", "x");
    world_run(&w);
    world_play_out(&w, 0); /* all five were played */
    assert_string_equal(world_told(&w), "result n Failed later, please (503 Busy, tried 5 times)\n");
    world_close(&w);
}

/* Keeps the Idempotency-Key of a request for comparison. */
static struct tph_str key_of(const struct peer *server)
{
    struct tph_str in = tph_buf_str(&server->in);
    ptrdiff_t at = tph_str_find(in, TPH_STR("Idempotency-Key: "));
    assert_true(at >= 0);
    struct tph_str rest = tph_str_slice(in, (size_t)at + 17, in.len);
    struct tph_str key = TPH_STR("");
    assert_true(tph_str_cut(&rest, '\r', &key));
    return key;
}

static void check_key(void *owner)
{
    struct world *w = owner;
    assert_true(tph_str_eqz(key_of(&w->servers[0]), "u-1/n/0"));
}

/* 9 and 14: the same key on every try and on every poll. */
static void every_call_of_a_task_carries_the_same_key(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    w.servers[0].owner = &w;
    peer_play(&w.servers[0],
              STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = check_key}, {PEER_CLOSE},
                    {PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = check_key},
                    SEND_TEXT(OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1ms\"}")), {PEER_CLOSE},
                    {PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = check_key},
                    SEND_TEXT(OK_10(NODE("Succeeded", "done"))), {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult n Succeeded done\n");
    world_close(&w);
}

static void keep_request(void *owner)
{
    struct world *w = owner;
    (void)tph_buf_put(&w->told, tph_buf_str(&w->servers[0].in));
}

/* 11 to 15: what servers insist on, byte for byte. */
static void the_request_is_what_servers_insist_on(void **state)
{
    (void)state;
    struct world w;
    char wanted[128];
    world_open(&w, one, 1);
    w.servers[0].owner = &w;
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = keep_request},
                                   SEND_TEXT(OK_10(NODE("Succeeded", ""))), {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    const char *request = world_told(&w);
    assert_int_equal(strncmp(request, "POST /api/v1/template.execute HTTP/1.1\r\n", 40), 0);
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Length: "));
    assert_null(strstr(request, "Transfer-Encoding"));
    assert_int_equal(strlen(tph_memory_token(w.podrt, "x")), TPH_LIMIT_TOKEN_LEN);
    (void)snprintf(wanted, sizeof(wanted), "\r\nAuthorization: Bearer %s\r\n", tph_memory_token(w.podrt, "x"));
    assert_non_null(strstr(request, wanted));
    assert_non_null(strstr(request, "\r\n\r\n{\"workflow\":{\"metadata\":{\"name\":\"wf\",\"namespace\":\"ns\",\"uid\":"
                                    "\"u-1\"}},\"template\":" WORLD_TEMPLATE ",\"task\":{"));
    world_close(&w);
}

static const char *const three[] = {"a", "b", "c"};

/* 3: what strangers answer to what is not theirs, each on one try; then the one whose it is. */
static void a_strangers_nonsense_is_no(void **state)
{
    (void)state;
    const struct peer_step *const nonsense[] = {
        STEPS(ANSWER("HTTP/1.0 400 Bad Request\r\n\r\nwhat?")),
        STEPS(ANSWER("HTTP/1.0 422 Unprocessable\r\n\r\n")),
        STEPS(ANSWER("HTTP/1.0 500 Internal Server Error\r\n\r\nnil pointer")),
        STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_CLOSE}),
        STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_RESET}),
        STEPS(ANSWER("HTTP/1.0 503 Busy\r\n\r\n")),
        STEPS(ANSWER(OK_10("hello"))),
        STEPS(ANSWER("HTTP/1.0 403 Forbidden\r\n\r\n")),
    };
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        struct world w;
        world_open(&w, three, 2);
        peer_play(&w.servers[0], nonsense[i]);
        peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "mine")))));
        world_submit(&w, "n", "unknown");
        world_run(&w);
        assert_string_equal(world_told(&w), "result n Succeeded mine\n");
        world_close(&w);
    }
}

/* 3: some take whatever they are given. The one that the key names is asked first, so they never hear of it. */
static void who_takes_everything_is_not_asked_before_the_owner(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, three, 2);
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "anything")))));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "mine")))));
    world_submit(&w, "n", "b");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded mine\n");
    assert_int_equal(tph_memory_starts(w.podrt, "a"), 0); /* not even started */
    world_close(&w);
}

static void submit_second(struct world *w, const struct tph_agent_event *event)
{
    if (tph_str_eqz(event->node_id, "n")) {
        world_submit(w, "m", "unknown");
    }
}

/* 4: 404 is remembered within the workflow. 18: so is who took a key that nobody is called by. */
static void who_said_404_is_not_asked_again_and_who_took_the_key_is_first(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, three, 3);
    w.on_result = submit_second;
    peer_play(&w.servers[0], STEPS(ANSWER("HTTP/1.0 404 Not Found\r\n\r\n")));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10("{}")), ANSWER(OK_10(NODE("Succeeded", "b")))));
    peer_play(&w.servers[2], STEPS(ANSWER(OK_10(NODE("Succeeded", "c"))), ANSWER(OK_10("{}"))));
    world_submit(&w, "n", "unknown");
    world_run(&w);
    /* The second task goes to c, which took the key, and when c declines it to b; a is never asked again: a second
     * call there would find nobody who answers. */
    assert_string_equal(world_told(&w), "result n Succeeded c\nresult m Succeeded b\n");
    world_play_out(&w, 2);
    world_close(&w);
}

/* 4: the tasks that wait for a plugin when it says 404 do not go there any more. */
static void tasks_that_wait_when_a_plugin_says_404_go_on_to_the_next(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, three, 2);
    peer_play(&w.servers[0], STEPS(ANSWER("HTTP/1.0 404 Not Found\r\n\r\n")));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "b"))), ANSWER(OK_10(NODE("Succeeded", "b"))),
                                   ANSWER(OK_10(NODE("Succeeded", "b")))));
    world_submit(&w, "k", "a");
    world_submit(&w, "l", "a");
    world_submit(&w, "m", "a");
    world_run(&w);
    assert_string_equal(world_told(&w), "result k Succeeded b\nresult l Succeeded b\nresult m Succeeded b\n");
    world_close(&w);
}

static void submit_other_key(struct world *w, const struct tph_agent_event *event)
{
    if (tph_str_eqz(event->node_id, "n")) {
        world_submit(w, "l", "k2");
    } else if (tph_str_eqz(event->node_id, "l")) {
        world_submit(w, "m", "k1");
    }
}

/* 4: also a plugin that took the key before is not called after its 404. */
static void who_took_a_key_and_says_404_to_another_is_not_called_again(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, three, 2);
    w.on_result = submit_other_key;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "a"))), ANSWER("HTTP/1.0 404 Not Found\r\n\r\n")));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "b"))), ANSWER(OK_10(NODE("Succeeded", "b")))));
    world_submit(&w, "n", "k1");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded a\nresult l Succeeded b\nresult m Succeeded b\n");
    world_close(&w);
}

/* Running without requeue polls by the default and says so once; Go's durations; a bad one is told. */
static void running_is_called_again(void **state)
{
    (void)state;
    const struct row rows[] = {
        {0,
         STEPS(ANSWER(OK_10(NODE("Running", "1"))), ANSWER(OK_10(NODE("Pending", "2"))),
               ANSWER(OK_10(NODE("Succeeded", "3")))),
         "warning plugin x answered Running without requeue; it is called again every 0 s\nresult n Running 1\n"
         "result n Pending 2\nresult n Succeeded 3\n"},
        {0,
         STEPS(ANSWER(OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"0.001s\"}")),
               ANSWER(OK_10(NODE("Failed", "no")))),
         "result n Running \nresult n Failed no\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        play(&rows[i]);
    }
}

/* While one plugin does not answer at all, the other one's tasks go through. */
static void a_silent_plugin_holds_nobody_else_up(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, three, 2);
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_READ_EOF}));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), ANSWER(OK_10(NODE("Succeeded", "2")))));
    world_submit(&w, "slow", "a");
    world_submit(&w, "n", "b");
    world_submit(&w, "m", "b");
    w.n_left--; /* the slow one never ends */
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "result n Succeeded"));
    assert_non_null(strstr(world_told(&w), "result m Succeeded"));
    world_close(&w);
}

static void cancel_what_runs(struct world *w, const struct tph_agent_event *event)
{
    if (tph_str_eqz(event->result->phase, "Running")) {
        tph_agent_cancel(w->workflow, event->node_id, 0);
        w->n_left--;
    }
}

static void submit_m(void *owner)
{
    struct world *w = owner;
    world_submit(w, "m", "x");
}

static bool all_cancels_are_over(const void *owner)
{
    const struct world *w = owner;
    return w->agent->cancels == NULL;
}

static bool m_is_forgotten(const void *owner)
{
    const struct world *w = owner;
    return tph_map_len(&w->workflow->tasks) == 0;
}

static void submit_o(void *owner)
{
    struct world *w = owner;
    world_submit(w, "o", "x");
}

/* template.cancel tells the plugin; one that says 404 is not told again in this workflow. */
static void a_cancelled_task_is_told_unless_the_plugin_knows_no_cancel(void **state)
{
    (void)state;
    static const char running[] = OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1h\"}");
    struct world w;
    world_open(&w, one, 1);
    w.on_result = cancel_what_runs;
    w.servers[0].owner = &w;
    peer_play(&w.servers[0],
              STEPS(ANSWER(running), {PEER_ACCEPT}, {PEER_READ_TEXT, "POST /api/v1/template.cancel"},
                    {PEER_READ_REQUEST}, SEND_TEXT("HTTP/1.0 404 Not Found\r\n\r\n"), {PEER_CLOSE},
                    {.op = PEER_UNTIL, .test = all_cancels_are_over}, {.op = PEER_CALL, .call = submit_m},
                    ANSWER(running), {.op = PEER_UNTIL, .test = m_is_forgotten}, {.op = PEER_CALL, .call = submit_o},
                    {PEER_ACCEPT}, {PEER_READ_TEXT, "POST /api/v1/template.execute"}, {PEER_READ_REQUEST},
                    SEND_TEXT(OK_10(NODE("Succeeded", "o"))), {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult m Running \nresult o Succeeded o\n");
    world_close(&w);
}

/* 7: a node in the body of an error is no result, nor is it when the server will be there again in a moment. */
static void a_node_in_an_errors_body_is_only_words(void **state)
{
    (void)state;
    struct world w;
    const struct peer_step *busy =
        STEPS(ANSWER("HTTP/1.1 503 Service Unavailable\r\n\r\n" NODE("Succeeded", "not yet")),
              ANSWER("HTTP/1.1 503 Service Unavailable\r\n\r\n" NODE("Succeeded", "not yet")),
              ANSWER(OK_10(NODE("Succeeded", "now"))));
    world_open(&w, one, 1);
    peer_play(&w.servers[0], busy);
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded now\n");
    world_close(&w);
}

/* 8: it refuses, and closes while the request is still on its way: in Go's manner, which half closes and reads on for a
 * while, and in Python's, where what nobody read makes the connection break. */
static void a_refusal_of_a_request_that_is_still_being_sent_is_seen(void **state)
{
    (void)state;
    static const char refusal[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const struct peer_step *const manners[] = {
        STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT(refusal), {PEER_HALF_CLOSE}, {PEER_READ_EOF}, {PEER_CLOSE}),
        STEPS({PEER_ACCEPT}, {PEER_READ_HEAD}, SEND_TEXT(refusal), {PEER_CLOSE}),
    };
    TPH_CLEANUP(tph_buf_release) struct tph_buf large = TPH_BUF_INIT(TPH_MIB(16));
    (void)tph_buf_puts(&large, "{\"name\":\"t\",\"plugin\":{\"x\":\"");
    memset(tph_buf_reserve(&large, TPH_MIB(8)), 'x', TPH_MIB(8));
    tph_buf_commit(&large, TPH_MIB(8));
    (void)tph_buf_puts(&large, "\"}}");
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct world w;
        world_open(&w, one, 1);
        peer_play(&w.servers[0], manners[i]);
        world_submit_template(&w, "n", "x", tph_buf_str(&large));
        world_run(&w);
        if (!strstr(world_told(&w), "result n Failed 403 Forbidden: ")) {
            fail_msg("manner %zu: %s", i, world_told(&w));
        }
        assert_true(w.agent->body.capacity <= TPH_LIMIT_HTTP_KEPT); /* room for that much is not kept */
        world_close(&w);
    }
}

static int listens_at_the_twentieth_look(struct world *w)
{
    return w->dials < 20 ? -ECONNREFUSED : 0;
}

static bool a_while_has_passed(const void *owner)
{
    const struct world *w = owner;
    return tph_loop_now_ms(w->loop) >= w->until_ms;
}

/* 10: it listens late, after many more looks than a call has tries; its answer comes late; and it closes the connection
 * that it let us keep before the next call. None of that is an error. */
static void a_slow_start_a_slow_answer_and_a_closed_idle_connection_are_borne(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = WATCHDOG_MS});
    w.on_dial = listens_at_the_twentieth_look;
    w.until_ms = tph_loop_now_ms(w.loop) + 300;
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_UNTIL, .test = a_while_has_passed},
                                   SEND_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n"
                                             "{\"node\":{\"phase\":\"Running\"},\"requeue\":\"50ms\"}"),
                                   {PEER_TURN}, {PEER_CLOSE}, ANSWER(OK_10(NODE("Succeeded", "late")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult n Succeeded late\n");
    assert_string_equal(tph_buf_cstr(&w.said), "x starting\nx ready\n");
    world_close(&w);
}

static bool machine_has(const char *host)
{
    int fd = tph_dial_loopback(strchr(host, ':') ? "::1" : "127.0.0.1", 1);
    bool has = fd >= 0 || fd == -ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return has;
}

/* 16: wherever it listens, "localhost" finds it. */
static void servers_of_either_family_are_found(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::1", "::"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (!machine_has(hosts[i])) {
            print_message("[  NOTE    ] this machine has no %s\n", hosts[i]);
            continue;
        }
        struct world w;
        world_open_with(&w, one, 1, &(struct world_options){.host = hosts[i]});
        peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "found")))));
        world_submit(&w, "n", "x");
        world_run(&w);
        assert_string_equal(world_told(&w), "result n Succeeded found\n");
        world_close(&w);
    }
}

/* 17: nobody listens on the port that the definition declares; the message names it. */
static void a_server_on_another_port_than_declared_is_told_by_the_declared_one(void **state)
{
    (void)state;
    char wanted[128];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, so that nobody else listens there */
    assert_int_equal(bind(held, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&address, &len), 0);
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.declared_port = ntohs(address.sin_port), .ready_ms = 100});
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "never asked")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    (void)snprintf(wanted, sizeof(wanted), "sidecar x-executor-plugin never listened on port %u",
                   ntohs(address.sin_port));
    assert_non_null(strstr(world_told(&w), wanted));
    world_close(&w);
    close(held);
}

/* 18: the names of ConfigMaps are the keys in other letters, or have nothing to do with them. */
static void keys_that_no_plugin_is_called_by_find_their_plugin(void **state)
{
    (void)state;
    static const char *const names[] = {"Slack-Plugin", "hello", "volcano-job-executor-plugin"};
    struct world w;
    world_open_with(&w, names, 3, &(struct world_options){.configmaps = true});
    assert_true(tph_str_eqz(w.plugins[0]->name, "Slack-Plugin"));
    assert_true(tph_str_eqz(w.plugins[2]->name, "volcano-job"));
    w.on_result = submit_second;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10("{}"))));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10("null"))));
    peer_play(&w.servers[2], STEPS(ANSWER(OK_10(NODE("Succeeded", "v1"))), ANSWER(OK_10(NODE("Succeeded", "v2")))));
    world_submit(&w, "n", "unknown");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded v1\nresult m Succeeded v2\n");
    world_close(&w);

    /* "Hello" is not "hello": the one that is called so is asked first, and nobody else when it takes the task. */
    static const char *const cases[] = {"Hello", "hello"};
    world_open_with(&w, cases, 2, &(struct world_options){.configmaps = true});
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "Hello")))));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "hello")))));
    world_submit(&w, "n", "hello");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded hello\n");
    assert_int_equal(tph_memory_starts(w.podrt, "Hello"), 0);
    world_close(&w);
}

enum { SURVEY_LINES = 18 };

/* Which test plays which numbered line of the survey. */
static const struct {
    int number;
    CMUnitTestFunction test;
} survey[] = {
    {1, replies_in_every_shape_are_read},
    {2, replies_in_every_shape_are_read},
    {3, replies_in_every_shape_are_read},
    {3, a_strangers_nonsense_is_no},
    {3, who_takes_everything_is_not_asked_before_the_owner},
    {4, who_said_404_is_not_asked_again_and_who_took_the_key_is_first},
    {4, tasks_that_wait_when_a_plugin_says_404_go_on_to_the_next},
    {4, who_took_a_key_and_says_404_to_another_is_not_called_again},
    {5, replies_in_every_shape_are_read},
    {6, replies_in_every_shape_are_read},
    {6, an_owners_error_is_the_nodes_message},
    {7, an_owners_error_is_the_nodes_message},
    {7, a_node_in_an_errors_body_is_only_words},
    {8, a_refusal_before_the_body_is_read_is_seen},
    {8, a_refusal_of_a_request_that_is_still_being_sent_is_seen},
    {9, what_may_pass_is_tried_five_times},
    {9, after_five_tries_the_node_fails_and_nobody_is_called_again},
    {9, every_call_of_a_task_carries_the_same_key},
    {10, a_slow_start_a_slow_answer_and_a_closed_idle_connection_are_borne},
    {11, the_request_is_what_servers_insist_on},
    {12, the_request_is_what_servers_insist_on},
    {13, the_request_is_what_servers_insist_on},
    {14, the_request_is_what_servers_insist_on},
    {14, every_call_of_a_task_carries_the_same_key},
    {15, the_request_is_what_servers_insist_on},
    {16, servers_of_either_family_are_found},
    {17, a_server_on_another_port_than_declared_is_told_by_the_declared_one},
    {18, who_said_404_is_not_asked_again_and_who_took_the_key_is_first},
    {18, keys_that_no_plugin_is_called_by_find_their_plugin},
};

static void no_line_of_the_survey_is_missing(void **state);

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(replies_in_every_shape_are_read),
    cmocka_unit_test(an_owners_error_is_the_nodes_message),
    cmocka_unit_test(a_refusal_before_the_body_is_read_is_seen),
    cmocka_unit_test(what_may_pass_is_tried_five_times),
    cmocka_unit_test(after_five_tries_the_node_fails_and_nobody_is_called_again),
    cmocka_unit_test(every_call_of_a_task_carries_the_same_key),
    cmocka_unit_test(the_request_is_what_servers_insist_on),
    cmocka_unit_test(a_strangers_nonsense_is_no),
    cmocka_unit_test(who_takes_everything_is_not_asked_before_the_owner),
    cmocka_unit_test(who_said_404_is_not_asked_again_and_who_took_the_key_is_first),
    cmocka_unit_test(tasks_that_wait_when_a_plugin_says_404_go_on_to_the_next),
    cmocka_unit_test(who_took_a_key_and_says_404_to_another_is_not_called_again),
    cmocka_unit_test(running_is_called_again),
    cmocka_unit_test(a_silent_plugin_holds_nobody_else_up),
    cmocka_unit_test(a_cancelled_task_is_told_unless_the_plugin_knows_no_cancel),
    cmocka_unit_test(a_node_in_an_errors_body_is_only_words),
    cmocka_unit_test(a_refusal_of_a_request_that_is_still_being_sent_is_seen),
    cmocka_unit_test(a_slow_start_a_slow_answer_and_a_closed_idle_connection_are_borne),
    cmocka_unit_test(servers_of_either_family_are_found),
    cmocka_unit_test(a_server_on_another_port_than_declared_is_told_by_the_declared_one),
    cmocka_unit_test(keys_that_no_plugin_is_called_by_find_their_plugin),
    cmocka_unit_test(no_line_of_the_survey_is_missing),
};

static bool is_run(CMUnitTestFunction test)
{
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (tests[i].test_func == test) {
            return true;
        }
    }
    return false;
}

static void no_line_of_the_survey_is_missing(void **state)
{
    (void)state;
    bool played[SURVEY_LINES + 1] = {false};
    for (size_t i = 0; i < sizeof(survey) / sizeof(survey[0]); i++) {
        assert_in_range(survey[i].number, 1, SURVEY_LINES);
        assert_true(is_run(survey[i].test));
        played[survey[i].number] = true;
    }
    for (int number = 1; number <= SURVEY_LINES; number++) {
        if (!played[number]) {
            fail_msg("no test plays line %d", number);
        }
    }
}

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
