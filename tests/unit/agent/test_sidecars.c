/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a warm sidecar: how it is waited for, when it is given up. */
#include "agent/agent_internal.h"
#include "world.h"

static const char *const one[] = {"x"};

static int unreachable_seven_times(struct world *w)
{
    return w->dials <= 7 ? -EHOSTUNREACH : 0;
}

/* Whatever keeps a connection from being made, a sidecar that begins is asked again soon, and no try is spent. */
static void a_connect_error_during_the_start_is_waited_out_as_a_refusal_is(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = WATCHDOG_MS * 2});
    w.on_dial = unreachable_seven_times;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "there")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded there\n");
    assert_int_equal(w.dials, 8);
    world_close(&w);
}

static int always_unreachable(struct world *w)
{
    (void)w;
    return -EHOSTUNREACH;
}

/* In the end it is named. */
static void who_never_listened_is_given_up_with_the_last_connect_error(void **state)
{
    (void)state;
    char wanted[300];
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = 50});
    w.on_dial = always_unreachable;
    world_submit(&w, "n", "x");
    world_run(&w);
    (void)snprintf(
        wanted, sizeof(wanted),
        "result n Failed Post \"http://localhost:%u/api/v1/template.execute\": dial tcp 127.0.0.1:%u: connect: "
        "no route to host; sidecar x-executor-plugin never listened on port %u within 0 s\n",
        w.servers[0].port, w.servers[0].port, w.servers[0].port);
    assert_string_equal(world_told(&w), wanted);
    world_close(&w);
}

static bool exit_is_told(const void *owner)
{
    const struct world *w = owner;
    return strstr(tph_buf_cstr(&w->said), "exited 1") != NULL;
}

static void let_it_exit(void *owner)
{
    struct world *w = owner;
    tph_memory_act(w->agent->sidecars->pod, 0, &(struct tph_memory_act){.kind = TPH_MEMORY_EXIT, .code = 1});
}

static int away_after_the_first(struct world *w)
{
    return w->dials > 1 && w->dials <= 8 ? -ECONNREFUSED : 0;
}

/* The connection of a server that is dead by now breaks: that is no sign that the next one listens. */
static void a_connection_that_breaks_after_the_exit_does_not_make_it_listen(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    w.on_dial = away_after_the_first;
    peer_play(&w.servers[0],
              STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = let_it_exit},
                    {.op = PEER_UNTIL, .test = exit_is_told}, {PEER_RESET}, ANSWER(OK_10(NODE("Succeeded", "again")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded again\n");
    assert_string_equal(tph_buf_cstr(&w.said), "x starting\nx exited 1 (Error), restart in 0.0s\nx ready\n");
    world_close(&w);
}

static void exits_twice_then_stays(struct world *w)
{
    const struct tph_memory_act die = {.kind = TPH_MEMORY_EXIT, .code = 3};
    const struct tph_memory_act live = {.kind = TPH_MEMORY_READY};
    tph_memory_add_life(w->podrt, "x", &die, 1);
    tph_memory_add_life(w->podrt, "x", &die, 1);
    tph_memory_add_life(w->podrt, "x", &live, 1);
}

/* TPH_LIMIT_READY_EXITS: one exit less than that before it listens is borne; the third is the end. */
static void two_exits_before_listening_are_borne_and_the_third_is_the_end(void **state)
{
    (void)state;
    const struct tph_memory_act die = {.kind = TPH_MEMORY_EXIT, .code = 3};
    struct world w;
    assert_int_equal(TPH_LIMIT_READY_EXITS, 3);
    world_open(&w, one, 1);
    exits_twice_then_stays(&w);
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "third life")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded third life\n");
    assert_int_equal(tph_memory_starts(w.podrt, "x"), 3);
    world_close(&w);

    world_open(&w, one, 1);
    tph_memory_add_life(w.podrt, "x", &die, 1);
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "never listened on port"));
    assert_non_null(strstr(world_told(&w), "and exited 3 three times\n"));
    assert_int_equal(tph_memory_starts(w.podrt, "x"), TPH_LIMIT_READY_EXITS);
    world_close(&w);
}

/* A task that comes when it is too late gets the same answer, at once. */
static void submit_late(struct world *w, const struct tph_agent_event *event)
{
    if (tph_str_eqz(event->node_id, "n")) {
        world_submit(w, "late", "x");
    }
}

static int nobody(struct world *w)
{
    (void)w;
    return -ECONNREFUSED;
}

static void ready_ms_is_the_longest_wait_and_counts_for_later_tasks_too(void **state)
{
    (void)state;
    struct world w;
    assert_int_equal(TPH_LIMIT_READY_MS, 60000); /* the default of what is 200 here */
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = 200});
    w.on_dial = nobody;
    w.on_result = submit_late;
    int64_t began_ms = tph_loop_now_ms(w.loop);
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_true(tph_loop_now_ms(w.loop) - began_ms >= 200);
    assert_non_null(strstr(world_told(&w), "result n Failed Post "));
    assert_non_null(strstr(world_told(&w), "result late Failed "));
    assert_true(w.dials > TPH_LIMIT_CALL_TRIES); /* none of them was a try */
    world_close(&w);
}

static int unready_after_the_first(struct world *w)
{
    if (w->dials == 1) {
        tph_memory_act(w->agent->sidecars->pod, 0, &(struct tph_memory_act){.kind = TPH_MEMORY_UNREADY});
    }
    return -ECONNREFUSED;
}

/* Its readinessProbe fails from then on: the time to listen still ends. */
static void who_is_never_ready_again_is_given_up_in_time(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = 100});
    w.on_dial = unready_after_the_first;
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_int_equal(w.dials, 1);
    assert_non_null(strstr(world_told(&w), "never listened on port"));
    world_close(&w);
}

static void stop_loop(void *owner)
{
    struct world *w = owner;
    tph_loop_stop(w->loop);
}

static void cancel_it(void *owner)
{
    struct world *w = owner;
    tph_agent_cancel(w->workflow, TPH_STR("n"), 0);
}

/* Its only task is cancelled before anybody asked whether it listens; when one comes after the time for that, it does
 * listen. */
static void a_sidecar_that_nobody_asked_has_not_failed_to_listen(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.ready_ms = 30});
    const struct tph_memory_act act = {.after_ms = 10, .kind = TPH_MEMORY_READY};
    tph_memory_add_life(w.podrt, "x", &act, 1);
    struct tph_timer *cancel = tph_timer_new(w.loop, cancel_it, &w);
    struct tph_timer *later = tph_timer_new(w.loop, stop_loop, &w);
    w.on_dial = nobody;
    world_submit(&w, "n", "x");
    tph_timer_start(cancel, 5);
    tph_timer_start(later, 60); /* the agent's time is what passes here */
    world_run(&w);
    w.n_left = 0;
    w.on_dial = NULL;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "it did")))));
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result m Succeeded it did\n");
    tph_timer_free(cancel);
    tph_timer_free(later);
    world_close(&w);
}

static int somebody_else(struct tph_pod *pod, int fd, uint16_t port, struct tph_error *err)
{
    (void)pod;
    (void)fd;
    (void)tph_error_set(err, TPH_ERROR_CONFLICT, "port %u is in use by thief (pid 7)", port);
    return -EACCES;
}

/* Neither tasks nor the token go to whoever took a sidecar's port: the task fails, with who it is, and nothing is
 * sent. Nor does a plugin that is only asked, for which the next one is taken. */
static void nobody_else_on_a_sidecars_port_gets_a_byte(void **state)
{
    (void)state;
    static const char *const both[] = {"x", "y"};
    struct world w;
    char wanted[256];
    world_open(&w, both, 2);
    w.ops.check = somebody_else;
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_EOF}, {PEER_CLOSE}));
    world_submit(&w, "n", "x");
    world_run(&w);
    (void)snprintf(wanted, sizeof(wanted),
                   "result n Failed sidecar x-executor-plugin cannot be used: port %u is in use by thief (pid 7)\n",
                   w.servers[0].port);
    assert_string_equal(world_told(&w), wanted);
    world_play_out(&w, 0);
    assert_int_equal(w.servers[0].in.len, 0);
    tph_buf_clear(&w.told);
    world_submit(&w, "m", "x"); /* it stays so */
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "result m Failed sidecar x-executor-plugin cannot be used: port "));
    tph_buf_clear(&w.told);
    w.ops.check = NULL;
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "y")))));
    world_submit(&w, "o", "unknown");
    world_run(&w);
    assert_string_equal(world_told(&w), "result o Succeeded y\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_error_during_the_start_is_waited_out_as_a_refusal_is),
        cmocka_unit_test(who_never_listened_is_given_up_with_the_last_connect_error),
        cmocka_unit_test(a_connection_that_breaks_after_the_exit_does_not_make_it_listen),
        cmocka_unit_test(two_exits_before_listening_are_borne_and_the_third_is_the_end),
        cmocka_unit_test(ready_ms_is_the_longest_wait_and_counts_for_later_tasks_too),
        cmocka_unit_test(who_is_never_ready_again_is_given_up_in_time),
        cmocka_unit_test(a_sidecar_that_nobody_asked_has_not_failed_to_listen),
        cmocka_unit_test(nobody_else_on_a_sidecars_port_gets_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
