/* SPDX-License-Identifier: Apache-2.0 */
/* How long a sidecar stays when nobody needs it, and what happens to it and its tasks when its definition changes. */
#include "agent/agent_internal.h"
#include "world.h"

static const char *const one[] = {"x"};
static const char *const two[] = {"x", "y"};

static void say_results(struct world *w, const struct tph_agent_event *event)
{
    (void)tph_buf_printf(&w->said, "%.*s %.*s\n", TPH_FMT(event->node_id), TPH_FMT(event->result->phase));
}

/* Ends the loop when the in-memory runtime has no pod left. */
static void stop_without_pods(void *owner)
{
    struct world *w = owner;
    if (tph_memory_pods(w->podrt) == 0) {
        tph_loop_stop(w->loop);
    } else {
        tph_defer(w->loop, stop_without_pods, w);
    }
}

static void run_until_no_pod_is_left(struct world *w)
{
    tph_defer(w->loop, stop_without_pods, w);
    world_run(w);
}

static void begin_again(struct world *w)
{
    w->workflow = tph_agent_begin(w->agent, TPH_STR("wf"), TPH_STR("ns"), TPH_STR("u-2"), w->plugins, w->n_servers);
}

static void stop_loop(void *owner)
{
    struct world *w = owner;
    tph_loop_stop(w->loop);
}

/* Lets the agent's time pass. */
static void pass(struct world *w, int64_t ms)
{
    struct tph_timer *timer = tph_timer_new(w->loop, stop_loop, w);
    tph_timer_start(timer, ms);
    world_run(w);
    tph_timer_free(timer);
}

/* While its workflow lives it stays warm, however long it has nothing to do; then it is stopped, and the next workflow
 * gets a new one with another token. */
static void an_idle_sidecar_is_stopped_and_started_anew_when_needed(void **state)
{
    (void)state;
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    struct world w;
    assert_int_equal(TPH_LIMIT_IDLE_MS, 300000); /* the default of what is 20 here */
    world_open_with(&w, one, 1, &(struct world_options){.idle_ms = 20});
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), ANSWER(OK_10(NODE("Succeeded", "2")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    (void)snprintf(token, sizeof(token), "%s", tph_memory_token(w.podrt, "x"));
    pass(&w, 60);
    assert_int_equal(tph_memory_pods(w.podrt), 1);
    tph_agent_end(w.workflow);
    int64_t ended_ms = tph_loop_now_ms(w.loop);
    run_until_no_pod_is_left(&w);
    assert_true(tph_loop_now_ms(w.loop) - ended_ms >= 20);
    begin_again(&w);
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded 1\nresult m Succeeded 2\n");
    assert_string_equal(tph_buf_cstr(&w.said),
                        "x starting\nx ready\nx stopping: not needed any more\nx starting\nx ready\n");
    assert_string_not_equal(tph_memory_token(w.podrt, "x"), token);
    world_close(&w);
}

static void the_next_workflow_finds_it_warm(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, one, 1, &(struct world_options){.idle_ms = 50});
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), ANSWER(OK_10(NODE("Succeeded", "2")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    tph_agent_end(w.workflow);
    pass(&w, 5);
    begin_again(&w);
    world_submit(&w, "m", "x");
    world_run(&w);
    pass(&w, 100); /* its time is not measured from before */
    assert_int_equal(tph_memory_pods(w.podrt), 1);
    assert_int_equal(tph_memory_starts(w.podrt, "x"), 1);
    world_close(&w);
}

/* What failed for one workflow is tried again for the next. */
static void a_failed_sidecar_goes_with_its_workflow(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    tph_memory_refuse(w.podrt, "x", TPH_ERROR_INVALID, "no such image");
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Failed sidecar x-executor-plugin cannot be started: no such image\n");
    tph_agent_end(w.workflow);
    tph_memory_refuse(w.podrt, "x", TPH_ERROR_INVALID, NULL);
    begin_again(&w);
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "mended")))));
    tph_buf_clear(&w.told);
    pass(&w, 1);
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result m Succeeded mended\n");
    world_close(&w);
}

/* Two plugins on one port: the one that idles goes at once, and only then the other one starts. */
static void one_that_idles_makes_room_for_another_on_its_port(void **state)
{
    (void)state;
    struct world w;
    struct tph_memory_act slow = {.kind = TPH_MEMORY_READY};
    world_open_with(&w, two, 2, &(struct world_options){.declared_port = 0});
    tph_plugin_unref(w.plugins[1]);
    tph_json_doc_free(w.manifests[1]);
    w.options.declared_port = w.servers[0].port;
    w.plugins[1] = world_plugin(&w, 1, "y");
    tph_agent_end(w.workflow);
    begin_again(&w);
    tph_memory_add_life(w.podrt, "y", &slow, 1);
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "x"))), ANSWER(OK_10(NODE("Succeeded", "y")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    tph_agent_end(w.workflow);
    begin_again(&w);
    world_submit(&w, "m", "y");
    world_run(&w);
    assert_string_equal(tph_buf_cstr(&w.said),
                        "x starting\nx ready\nx stopping: not needed any more\ny starting\ny ready\n");
    assert_string_equal(world_told(&w), "result n Succeeded x\nresult m Succeeded y\n");
    assert_int_equal(tph_memory_pods(w.podrt), 1);
    world_close(&w);
}

/* The definition of x is now that of server 1, on its port or on that of the old one. */
static void change_definition(struct world *w)
{
    w->plugins[1] = world_plugin(w, 1, "x");
    tph_agent_replace(w->agent, w->plugins[0], w->plugins[1]);
}

static void change_when_running(struct world *w, const struct tph_agent_event *event)
{
    say_results(w, event);
    if (tph_str_eqz(event->result->phase, "Running")) {
        change_definition(w);
        world_submit(w, "m", "x");
    }
}

#define RUNNING_50 OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"50ms\"}")

static void open_for_a_change(struct world *w)
{
    world_open(w, one, 1);
    peer_listen(&w->servers[1], w->loop, "127.0.0.1");
    w->servers[1].owner = w;
    w->n_servers = 2;
    w->on_result = change_when_running;
}

static void a_changed_definition_gets_a_new_sidecar_and_the_old_one_finishes(void **state)
{
    (void)state;
    struct world w;
    open_for_a_change(&w);
    peer_play(&w.servers[0], STEPS(ANSWER(RUNNING_50), ANSWER(OK_10(NODE("Succeeded", "old")))));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "new")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult m Succeeded new\nresult n Succeeded old\n");
    pass(&w, 5);
    assert_int_equal(tph_memory_pods(w.podrt), 1); /* the old one has gone, the new one serves the workflow */
    assert_string_equal(tph_buf_cstr(&w.said), "x starting\nx ready\nn Running\nx starting\nx ready\nm Succeeded\n"
                                               "n Succeeded\nx stopping: not needed any more\n");
    world_close(&w);
}

/* On one port of the host the new one starts when the old one has gone. */
static void on_one_port_the_new_sidecar_waits_for_the_old_one(void **state)
{
    (void)state;
    struct world w;
    open_for_a_change(&w);
    w.options.declared_port = w.servers[0].port;
    peer_play(&w.servers[0], STEPS(ANSWER(RUNNING_50), ANSWER(OK_10(NODE("Succeeded", "old"))),
                                   ANSWER(OK_10(NODE("Succeeded", "new")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Running \nresult n Succeeded old\nresult m Succeeded new\n");
    assert_string_equal(tph_buf_cstr(&w.said), "x starting\nx ready\nn Running\nn Succeeded\n"
                                               "x stopping: not needed any more\nx starting\nx ready\nm Succeeded\n");
    world_close(&w);
}

static void change_now(void *owner)
{
    change_definition(owner);
}

/* Tasks that the old one has not heard of move: those in its queue, and one that waits for it to listen. */
static void tasks_that_wait_for_the_old_one_go_to_the_new_one(void **state)
{
    (void)state;
    struct world w;
    open_for_a_change(&w);
    w.on_result = say_results;
    peer_play(&w.servers[0], STEPS({PEER_ACCEPT}, {PEER_READ_REQUEST}, {.op = PEER_CALL, .call = change_now},
                                   SEND_TEXT(OK_10(NODE("Succeeded", "old"))), {PEER_CLOSE}));
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "new"))), ANSWER(OK_10(NODE("Succeeded", "new")))));
    world_submit(&w, "k", "x");
    world_submit(&w, "l", "x");
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_non_null(strstr(world_told(&w), "result k Succeeded old\n"));
    assert_non_null(strstr(world_told(&w), "result l Succeeded new\n"));
    assert_non_null(strstr(world_told(&w), "result m Succeeded new\n"));
    world_close(&w);
}

static int change_at_the_third_look(struct world *w)
{
    if (w->dials == 3) {
        tph_defer(w->loop, change_now, w);
    }
    return w->n_servers == 2 && w->plugins[1] ? 0 : -ECONNREFUSED;
}

static void a_broken_definition_that_is_mended_does_not_fail_its_tasks(void **state)
{
    (void)state;
    struct world w;
    open_for_a_change(&w);
    w.on_result = say_results;
    w.on_dial = change_at_the_third_look;
    close(w.servers[0].listener);
    w.servers[0].listener = -1; /* the old one never listens */
    peer_play(&w.servers[1], STEPS(ANSWER(OK_10(NODE("Succeeded", "mended")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded mended\n");
    world_close(&w);
}

static void same_again(struct world *w, const struct tph_agent_event *event)
{
    if (tph_str_eqz(event->node_id, "n")) {
        tph_agent_replace(w->agent, w->plugins[0], w->plugins[0]);
        world_submit(w, "m", "x");
    }
}

/* A Secret that it reads changed: the same definition, but a new sidecar. */
static void the_same_definition_can_be_begun_anew(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, one, 1);
    w.on_result = same_again;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), ANSWER(OK_10(NODE("Succeeded", "2")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    assert_string_equal(world_told(&w), "result n Succeeded 1\nresult m Succeeded 2\n");
    assert_int_equal(tph_memory_starts(w.podrt, "x"), 2);
    assert_int_equal(tph_memory_pods(w.podrt), 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_sidecar_is_stopped_and_started_anew_when_needed),
        cmocka_unit_test(the_next_workflow_finds_it_warm),
        cmocka_unit_test(a_failed_sidecar_goes_with_its_workflow),
        cmocka_unit_test(one_that_idles_makes_room_for_another_on_its_port),
        cmocka_unit_test(a_changed_definition_gets_a_new_sidecar_and_the_old_one_finishes),
        cmocka_unit_test(on_one_port_the_new_sidecar_waits_for_the_old_one),
        cmocka_unit_test(tasks_that_wait_for_the_old_one_go_to_the_new_one),
        cmocka_unit_test(a_broken_definition_that_is_mended_does_not_fail_its_tasks),
        cmocka_unit_test(the_same_definition_can_be_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
