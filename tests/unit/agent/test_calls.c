/* SPDX-License-Identifier: Apache-2.0 */
/* Calls and what bounds them: tries and their pauses, times, sizes, how many at once; what a request tells of the
 * answers before it, and what of an answer reaches the node. */
#include "agent/agent_internal.h"
#include "http/client_internal.h"
#include "world.h"

static const char *const one[] = {"x"};

/* 1, 2, 4 and 8 s, each 20 % less or more and nothing beyond that, whatever the random number. */
static void pauses_double_and_jitter_keeps_to_its_percents(void **state)
{
    (void)state;
    static const int64_t bounds[][2] = {{800, 1200}, {1600, 2400}, {3200, 4800}, {6400, 9600}};
    assert_int_equal(TPH_LIMIT_CALL_TRIES, 5);
    assert_int_equal(TPH_LIMIT_CALL_PAUSE_MS, 1000);
    assert_int_equal(TPH_LIMIT_CALL_JITTER_PERCENT, 20);
    for (int tries = 1; tries < TPH_LIMIT_CALL_TRIES; tries++) {
        const int64_t *bound = bounds[tries - 1];
        uint32_t width = (uint32_t)(bound[1] - bound[0]);
        assert_int_equal(tph_call_retry_pause_ms(TPH_LIMIT_CALL_PAUSE_MS, tries, 0), bound[0]);
        assert_int_equal(tph_call_retry_pause_ms(TPH_LIMIT_CALL_PAUSE_MS, tries, width), bound[1]);
        assert_int_equal(tph_call_retry_pause_ms(TPH_LIMIT_CALL_PAUSE_MS, tries, width + 1), bound[0]);
        for (uint32_t random = UINT32_MAX; random > 1000; random /= 3) {
            assert_in_range(tph_call_retry_pause_ms(TPH_LIMIT_CALL_PAUSE_MS, tries, random), bound[0], bound[1]);
        }
    }
    assert_int_equal(tph_call_retry_pause_ms(1, 1, UINT32_MAX), 1); /* no room for jitter */
}

struct pauses {
    int64_t ms[8];
    size_t n;
};
static struct pauses seen;

static void note_pause(struct world *w, const struct tph_agent_event *event)
{
    if (event->kind == TPH_AGENT_WAITING && seen.n < sizeof(seen.ms) / sizeof(seen.ms[0])) {
        assert_true(tph_str_find(event->message, TPH_STR("503")) >= 0);
        seen.ms[seen.n++] = event->due_ms - tph_loop_now_ms(w->loop);
    }
}

#define BUSY ANSWER("HTTP/1.1 503 Busy\r\n\r\n")

/* The same on the wire, with a base of 20 ms. */
static void five_tries_have_four_pauses_between_them(void **state)
{
    (void)state;
    struct world w;
    seen.n = 0;
    world_open_with(&w, one, 1, &(struct world_options){.retry_pause_ms = 20});
    w.on_event = note_pause;
    peer_play(&w.servers[0], STEPS(BUSY, BUSY, BUSY, BUSY, BUSY));
    int64_t began_ms = tph_loop_now_ms(w.loop);
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Failed 503 Busy, tried 5 times\n");
    assert_int_equal(seen.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_in_range(seen.ms[i], 16 << i, 24 << i);
    }
    assert_true(tph_loop_now_ms(w.loop) - began_ms >= 16 + 32 + 64 + 128);
    world_close(&w);
}

/* The annotation is the time of one call; one that takes longer is a try, and the next may be quick. */
static void a_plugin_has_its_own_time_for_a_call(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.annotations = "\"tiphys/call-timeout\":\"60ms\""});
    assert_int_equal(w.plugins[0]->call_timeout_ms, 60);
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_READ_EOF}, {PEER_CLOSE},
                                   ANSWER(OK_10(NODE("Succeeded", "quick")))));
    int64_t began_ms = tph_loop_now_ms(w.loop);
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded quick\n");
    assert_true(tph_loop_now_ms(w.loop) - began_ms >= 60);
    world_close(&w);
}

#define SILENT                                           \
    {PEER_ACCEPT}, {PEER_READ_REQUEST}, {PEER_READ_EOF}, \
    {                                                    \
        PEER_CLOSE                                       \
    }

static void five_calls_that_take_too_long_are_the_end(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.annotations = "\"tiphys/call-timeout\":\"250ms\""});
    peer_play(&w.servers[0], STEPS(SILENT, SILENT, SILENT, SILENT, SILENT));
    world_submit(&w, "n", "x");
    world_run(&w);
    world_play_out(&w, 0);
    assert_non_null(strstr(world_told(&w), "result n Failed Post \"http://localhost:"));
    assert_non_null(strstr(world_told(&w), "(Client.Timeout exceeded while awaiting headers), tried 5 times\n"));
    world_close(&w);
}

static void without_the_annotation_a_call_has_thirty_seconds(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    assert_int_equal(w.plugins[0]->call_timeout_ms, 30000);
    world_close(&w);
}

/* TPH_LIMIT_ERROR_BODY: so much of an error's body stands in the message, and no byte more. */
static void of_an_errors_body_the_beginning_is_shown(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct world w;
        size_t len = TPH_LIMIT_ERROR_BODY + over;
        TPH_CLEANUP(tph_buf_release) struct tph_buf answer = TPH_BUF_INIT(TPH_KIB(64));
        TPH_CLEANUP(tph_buf_release) struct tph_buf wanted = TPH_BUF_INIT(TPH_KIB(64));
        (void)tph_buf_puts(&answer, "HTTP/1.0 400 Bad Request\r\n\r\n");
        (void)tph_buf_puts(&wanted, "result n Failed 400 Bad Request: ");
        for (size_t i = 0; i < len; i++) {
            (void)tph_buf_puts(&answer, "y");
            (void)tph_buf_puts(&wanted, i < TPH_LIMIT_ERROR_BODY ? "y" : "");
        }
        (void)tph_buf_puts(&wanted, over ? "...\n" : "\n");
        world_open(&w, one, 1);
        peer_play(&w.servers[0], STEPS(ANSWER(tph_buf_cstr(&answer))));
        world_submit(&w, "n", "x");
        world_run(&w);
        assert_string_equal(world_told(&w), tph_buf_cstr(&wanted));
        world_close(&w);
    }
}

/* TPH_LIMIT_REPLY: one that is larger is not tried again, and the message says how large it may be. */
static void a_reply_past_its_ceiling_fails_its_node(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT(OK_10(NODE("Succeeded", "large"))),
                                   {.op = PEER_SEND_MANY, .n = TPH_LIMIT_REPLY / 65536 - 1}, {PEER_CLOSE},
                                   {PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT(OK_10(NODE("Succeeded", "too large"))),
                                   {.op = PEER_SEND_MANY, .n = TPH_LIMIT_REPLY / 65536}, {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded large\n"); /* what follows the first document is ignored */
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "result m Failed the plugin's reply is larger than 4194304 bytes\n"));
    world_close(&w);
}

static void check_first(void *owner)
{
    struct world *w = owner;
    assert_non_null(
        strstr(tph_buf_cstr(&w->servers[0].in),
               ",\"task\":{\"id\":\"n\",\"name\":\"wf.n\",\"attempt\":2,\"calls\":0,\"deadline\":1700000000}}"));
}

static void check_second(void *owner)
{
    struct world *w = owner;
    assert_non_null(
        strstr(tph_buf_cstr(&w->servers[0].in),
               ",\"calls\":1,\"deadline\":1700000000,\"message\":\"half \\\"way\\\"\",\"outputs\":{\"parameters\":"
               "[{\"name\":\"job\",\"value\":\"4711\"}],\"artifacts\":[{\"name\":\"a\",\"path\":\"/"
               "p\",\"s3\":{\"key\":\"k\"}}]}}}"));
    assert_non_null(strstr(tph_buf_cstr(&w->servers[0].in), "\r\nIdempotency-Key: u-1/n/2\r\n"));
}

static void check_result(struct world *w, const struct tph_agent_event *event)
{
    (void)w;
    const struct tph_node_result *result = event->result;
    if (tph_str_eqz(result->phase, "Running")) {
        const struct tph_json *artifact = tph_json_at(tph_json_get(result->outputs, "artifacts"), 0);
        assert_true(tph_str_eqz(result->progress, "1/3"));
        assert_true(tph_str_eqz(tph_json_get_str(tph_json_get(artifact, "s3"), "key"), "k"));
    } else {
        assert_true(tph_str_eqz(tph_json_get_str(result->outputs, "result"), "r"));
        assert_true(tph_str_eqz(tph_json_get_str(result->outputs, "exitCode"), "0"));
        assert_int_equal(result->progress.len, 0);
    }
}

/* The task's deadline, and what the answer before said; progress, artifacts, result and exit code reach the node. */
static void a_call_knows_the_deadline_and_the_answer_before(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    w.on_result = check_result;
    peer_play(
        &w.servers[0],
        STEPS(
            {PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = check_first},
            SEND_TEXT(OK_10("{\"node\":{\"phase\":\"Running\",\"message\":\"half \\\"way\\\"\",\"progress\":\"1/3\","
                            "\"outputs\":{\"parameters\":[{\"name\":\"job\",\"value\":4711}],\"artifacts\":[{\"name\":"
                            "\"a\",\"path\":\"/p\",\"s3\":{\"key\":\"k\"}}]}},\"requeue\":\"10ms\"}")),
            {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = check_second},
            SEND_TEXT(OK_10("{\"node\":{\"phase\":\"Succeeded\",\"outputs\":{\"result\":\"r\",\"exitCode\":\"0\"}}}")),
            {PEER_CLOSE}));
    struct tph_agent_task task = {.node_id = TPH_STR("n"),
                                  .node_name = TPH_STR("wf.n"),
                                  .attempt = 2,
                                  .template_json = TPH_STR(WORLD_TEMPLATE),
                                  .key = TPH_STR("x"),
                                  .deadline_ms = 1700000000000};
    w.n_left = 1;
    tph_agent_submit(w.workflow, &task);
    world_run(&w);
    world_play_out(&w, 0);
    world_close(&w);
}

static int64_t polled_ms;

static void note_poll(struct world *w, const struct tph_agent_event *event)
{
    if (event->kind == TPH_AGENT_WAITING) {
        polled_ms = event->due_ms - tph_loop_now_ms(w->loop);
        tph_loop_stop(w->loop);
    }
}

/* Without requeue the default of 10 s holds, and the one warning names the phase. */
static void the_default_poll_is_ten_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *warning;
    } rows[] = {
        {OK_10(NODE("Pending", "")),
         "warning plugin x answered Pending without requeue; it is called again every 10 s\n"},
        {OK_10(NODE("Running", "")),
         "warning plugin x answered Running without requeue; it is called again every 10 s\n"},
        {OK_10("{\"node\":{\"message\":\"?\"}}"),
         "warning plugin x answered no phase without requeue; it is called again every 10 s\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        polled_ms = 0;
        world_open_with(&w, one, 1, &(struct world_options){.poll_ms = TPH_LIMIT_POLL_MS});
        w.on_event = note_poll;
        peer_play(&w.servers[0], STEPS(ANSWER(rows[i].answer)));
        world_submit(&w, "n", "x");
        world_run(&w);
        assert_int_equal(polled_ms, 10000);
        assert_int_equal(strncmp(world_told(&w), rows[i].warning, strlen(rows[i].warning)), 0);
        world_close(&w);
    }
}

/* TPH_LIMIT_CALLS_CLOSING: while calls do not get slower one more is allowed each time, up to that. One that keeps
 * connections gets all at once. */
static void one_that_closes_its_connections_gets_sixteen_calls_at_most(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    struct sidecar *s = tph_sidecar_get(w.agent, TPH_STR("ns"), w.plugins[0]);
    assert_int_equal(s->limit, 1);
    for (int i = 0; i < 100; i++) {
        s->in_flight = s->limit;
        tph_sidecar_answered(s, 1000, false);
        assert_int_equal(s->limit, i + 2 < 16 ? i + 2 : 16);
    }
    s->in_flight = s->limit;
    tph_sidecar_answered(s, 100000, false); /* much slower than the best one */
    assert_int_equal(s->limit, TPH_LIMIT_CALLS_CLOSING - 1);
    tph_sidecar_answered(s, 1000, true);
    assert_int_equal(s->limit, TPH_LIMIT_CALLS_IN_FLIGHT);
    s->in_flight = 0;
    world_close(&w);
}

static int n_waiting;

static int so_many_wait(struct tph_pod *pod, uint16_t port)
{
    (void)pod;
    assert_int_equal(port, dialled_world->servers[0].port);
    return n_waiting;
}

static void look_at_the_calls(void *owner)
{
    struct world *w = owner;
    assert_int_equal(w->agent->sidecars->in_flight, n_waiting == 0 ? 30 : 1);
    n_waiting = 0;
}

/* One that closes its connections, and accepts at once: it gets all calls, up to the number for one plugin. While the
 * last one waits to be accepted it gets no other. */
static void what_accepts_at_once_gets_all_calls_at_once(void **state)
{
    (void)state;
    for (n_waiting = 0; n_waiting < 2; n_waiting++) {
        struct world w;
        char id[16];
        int waits = n_waiting;
        struct peer_step steps[200] = {{PEER_END}};
        size_t at = 0;
        world_open_with(&w, one, 1, &(struct world_options){.calls_in_flight = 30});
        w.ops.waiting = so_many_wait;
        for (int i = 0; i < 40; i++) {
            (void)snprintf(id, sizeof(id), "n%d", i);
            world_submit(&w, id, "x");
            steps[at++] = (struct peer_step){PEER_ACCEPT};
            steps[at++] = (struct peer_step){PEER_READ_REQUEST};
            if (i == 1) { /* the first showed that somebody listens */
                steps[at++] = (struct peer_step){.op = PEER_CALL, .call = look_at_the_calls};
            }
            steps[at++] = (struct peer_step)SEND_TEXT(OK_10(NODE("Succeeded", "")));
            steps[at++] = (struct peer_step){PEER_CLOSE};
        }
        peer_play(&w.servers[0], steps);
        world_run(&w);
        assert_int_equal(w.dials, 40);
        world_close(&w);
        n_waiting = waits;
    }
}

static int64_t deadline_before_ms;

static void note_deadline(void *owner)
{
    struct world *w = owner;
    const struct task *second = w->agent->sidecars->calls_first->next; /* the first one when that is over */
    assert_non_null(second);
    deadline_before_ms = second->call->deadline_ms;
    w->until_ms = tph_loop_now_ms(w->loop) + 20;
}

static bool later(const void *owner)
{
    const struct world *w = owner;
    return tph_loop_now_ms(w->loop) >= w->until_ms;
}

static bool two_tasks_are_left(const void *owner)
{
    const struct world *w = owner;
    return tph_map_len(&w->workflow->tasks) == 2;
}

static void compare_deadline(void *owner)
{
    struct world *w = owner;
    int64_t deadline_ms = w->agent->sidecars->calls_first->call->deadline_ms;
    if (n_waiting == 0) {
        assert_true(deadline_ms == deadline_before_ms); /* it had been taken: its time ran */
    } else {
        assert_true(deadline_ms >= deadline_before_ms + 20);
    }
}

static int two_and_then_as_told(struct tph_pod *pod, uint16_t port)
{
    (void)pod;
    (void)port;
    return dialled_world->agent->sidecars->in_flight < 2 ? 0 : n_waiting;
}

/* A single-threaded server takes the second call when the first has ended: its time begins then. That of one which was
 * accepted does not begin again. */
static void the_time_of_a_call_begins_when_it_can_be_taken(void **state)
{
    (void)state;
    for (n_waiting = 0; n_waiting < 2; n_waiting++) {
        struct world w;
        world_open_with(&w, one, 1, &(struct world_options){.calls_in_flight = 3 - n_waiting});
        w.ops.waiting = two_and_then_as_told;
        peer_play(&w.servers[0],
                  STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), {PEER_ACCEPT}, {PEER_READ_REQUEST},
                        {.op = PEER_CALL, .call = note_deadline}, {.op = PEER_UNTIL, .test = later},
                        SEND_TEXT(OK_10(NODE("Succeeded", "2"))), {PEER_CLOSE}, {PEER_ACCEPT}, {PEER_READ_REQUEST},
                        {.op = PEER_UNTIL, .test = two_tasks_are_left}, {.op = PEER_CALL, .call = compare_deadline},
                        SEND_TEXT(OK_10(NODE("Succeeded", "3"))), {PEER_CLOSE}, ANSWER(OK_10(NODE("Succeeded", "4")))));
        world_submit(&w, "a", "x");
        world_submit(&w, "b", "x");
        world_submit(&w, "c", "x");
        world_submit(&w, "d", "x");
        world_run(&w);
        world_close(&w);
    }
}

static void cancel_and_stop(struct world *w, const struct tph_agent_event *event);

static void all_stopped(void *owner)
{
    struct world *w = owner;
    tph_loop_stop(w->loop);
}

static void cancel_and_stop(struct world *w, const struct tph_agent_event *event)
{
    tph_agent_cancel(w->workflow, event->node_id, 0);
    w->until_ms = tph_loop_now_ms(w->loop);
    tph_agent_stop(w->agent, 0, all_stopped, w);
}

/* TPH_LIMIT_CANCEL_TIMEOUT_MS: a plugin that does not answer to template.cancel holds the end up so long, no longer. */
static void a_cancel_without_an_answer_ends_in_time(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    w.on_result = cancel_and_stop;
    peer_play(&w.servers[0],
              STEPS(ANSWER(OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1h\"}")), {PEER_ACCEPT},
                    {PEER_READ_TEXT, "POST /api/v1/template.cancel"}, {PEER_READ_REQUEST}, {PEER_READ_EOF}));
    world_submit(&w, "n", "x");
    world_run(&w);
    int64_t took_ms = tph_loop_now_ms(w.loop) - w.until_ms;
    assert_true(took_ms >= TPH_LIMIT_CANCEL_TIMEOUT_MS); /* and not for ever: world_run has a watchdog */
    assert_int_equal(tph_memory_pods(w.podrt), 0);
    world_close(&w);
}

static void cancel_first_call(void *owner)
{
    struct world *w = owner;
    tph_agent_cancel(w->workflow, TPH_STR("n"), 0);
    tph_agent_stop(w->agent, 0, all_stopped, w);
}

/* Also the very first call to a sidecar, which shows by its answer only that somebody listens. */
static void the_first_call_is_cancelled_on_the_wire(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = cancel_first_call},
                                   {PEER_ACCEPT}, {PEER_READ_TEXT, "POST /api/v1/template.cancel"}, {PEER_READ_REQUEST},
                                   {PEER_READ_TEXT, ",\"task\":{\"id\":\"n\""}, SEND_TEXT(OK_10("{}")), {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    world_play_out(&w, 0);
    assert_string_equal(world_told(&w), "");
    world_close(&w);
}

static bool other_request_is_in(const void *owner)
{
    const struct world *w = owner;
    return w->servers[1].steps->op == PEER_END;
}

/* Its answer is there before the one to the cancel call, which this server sends right after: one turn has both. */
static void answer_as_the_other(void *owner)
{
    static const char answer[] = OK_10(NODE("Succeeded", "m"));
    const struct world *w = owner;
    assert_int_equal(send(w->servers[1].fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL), sizeof(answer) - 1);
    assert_int_equal(shutdown(w->servers[1].fd, SHUT_RDWR), 0);
}

static void cancel_n_stop_at_m(struct world *w, const struct tph_agent_event *event)
{
    const struct sidecar *first = w->agent->sidecars;
    if (tph_str_eqz(event->node_id, "n")) {
        tph_memory_act(first->pod, 0, &(struct tph_memory_act){.kind = TPH_MEMORY_IGNORE_TERM}); /* takes its time */
        tph_agent_cancel(w->workflow, event->node_id, 0);
    } else {
        tph_agent_stop(w->agent, 20, all_stopped, w);
    }
}

/* The last cancel call ends in the turn in which the agent is stopped: sidecars are counted once all the same. */
static void a_cancel_that_ends_when_the_agent_is_stopped(void **state)
{
    (void)state;
    static const char *const two[] = {"x", "y"};
    struct world w;
    world_open(&w, two, 2);
    w.keep = true;
    w.on_result = cancel_n_stop_at_m;
    peer_play(&w.servers[1], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}));
    peer_play(&w.servers[0],
              STEPS(ANSWER(OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1h\"}")), {PEER_ACCEPT},
                    {PEER_READ_TEXT, "POST /api/v1/template.cancel"}, {PEER_READ_REQUEST},
                    {.op = PEER_UNTIL, .test = other_request_is_in}, {.op = PEER_CALL, .call = answer_as_the_other},
                    SEND_TEXT(OK_10("{}")), {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_submit(&w, "m", "y");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult m Succeeded m\n");
    assert_int_equal(tph_memory_pods(w.podrt), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_and_jitter_keeps_to_its_percents),
        cmocka_unit_test(five_tries_have_four_pauses_between_them),
        cmocka_unit_test(a_plugin_has_its_own_time_for_a_call),
        cmocka_unit_test(five_calls_that_take_too_long_are_the_end),
        cmocka_unit_test(without_the_annotation_a_call_has_thirty_seconds),
        cmocka_unit_test(of_an_errors_body_the_beginning_is_shown),
        cmocka_unit_test(a_reply_past_its_ceiling_fails_its_node),
        cmocka_unit_test(a_call_knows_the_deadline_and_the_answer_before),
        cmocka_unit_test(the_default_poll_is_ten_seconds),
        cmocka_unit_test(one_that_closes_its_connections_gets_sixteen_calls_at_most),
        cmocka_unit_test(what_accepts_at_once_gets_all_calls_at_once),
        cmocka_unit_test(the_time_of_a_call_begins_when_it_can_be_taken),
        cmocka_unit_test(a_cancel_without_an_answer_ends_in_time),
        cmocka_unit_test(the_first_call_is_cancelled_on_the_wire),
        cmocka_unit_test(a_cancel_that_ends_when_the_agent_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
