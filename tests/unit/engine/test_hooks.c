/* SPDX-License-Identifier: Apache-2.0 */
/* Life-cycle hooks: when they begin, and what becomes of those whose condition is none. Attempts without an end. */
#include "harness.h"

#define CALL(hook)     "{name: a, template: leaf, hooks: {h: {template: leaf" hook "}}}"
#define IN_STEPS(hook) WORKFLOW LEAF ", {name: m, steps: [[" CALL(hook) "]]}" END
#define IN_DAG(hook)   WORKFLOW LEAF ", {name: m, dag: {tasks: [" CALL(hook) "]}}" END

static void a_condition_that_cannot_be_read_ends_what_is_around(void **state)
{
    (void)state;
    static const char *const rows[] = {IN_STEPS(", expression: 'steps.a.status =='"), IN_STEPS(", expression: '1 + 1'"),
                                       IN_DAG(", expression: 'tasks.a.status =='")};
    for (size_t i = 0; i < 3; i++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(rows[i]);
        (void)start(run);
        TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
        (void)start(again);
        const char *name = i < 2 ? "wf[0].a" : "wf.a";
        (void)reply(run, id_of(run, name), "Succeeded", "");
        (void)reply(again, id_of(again, name), "Succeeded", "");
        assert_int_equal(tph_run_phase(run), i < 2 ? TPH_WORKFLOW_FAILED : TPH_WORKFLOW_ERROR);
        assert_int_equal(find_node(run, name)->phase, TPH_NODE_SUCCEEDED);
        assert_true(tph_run_message(run).len > 0);
        assert_same_object(run, again);
    }
}

static void a_hook_without_a_condition_ends_it_at_once(void **state)
{
    (void)state;
    static const char *const rows[] = {IN_STEPS(""), IN_DAG("")};
    static const char *const names[] = {"wf[0].a", "wf.a"};
    for (size_t i = 0; i < 2; i++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(rows[i]);
        assert_int_equal(count(start(run), TPH_ACTION_START_TASK), 0);
        TPH_CLEANUP(tph_freep) char *message = tph_format("Expression required for hook %s.hooks.h", names[i]);
        TPH_CLEANUP(tph_freep) char *said = tph_str_dup(tph_run_message(run));
        assert_non_null(strstr(said, message));
        assert_int_equal(find_node(run, names[i])->phase, TPH_NODE_FAILED); /* no node is left unfinished */
    }
}

/* What a condition speaks of may come to be known only when the step is over. */
static void a_condition_waits_for_what_it_speaks_of(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(IN_STEPS(", expression: 'steps.a.outputs.result == \"1\"'"));
    (void)start(run);
    (void)reply_with(run, id_of(run, "wf[0].a"), "Succeeded", "{\"result\": \"1\"}");
    assert_int_equal(find_node(run, "wf[0].a.hooks.h")->phase, TPH_NODE_PENDING);
    (void)reply(run, id_of(run, "wf[0].a.hooks.h"), "Succeeded", "");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_SUCCEEDED);
}

static void a_hook_on_running_begins_with_the_first_attempt(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        WORKFLOW LEAF ", {name: tried, retryStrategy: {limit: 1}, plugin: {k: t}}, {name: m, steps: [[{name: a, "
                      "template: tried, hooks: {h: {template: leaf, expression: 'steps.a.status == "
                      "\"Running\"'}}}]]}" END);
    assert_int_equal(count(start(run), TPH_ACTION_START_TASK), 2);
    assert_int_equal(find_node(run, "wf[0].a.hooks.h")->phase, TPH_NODE_PENDING);
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
    assert_int_equal(count(start(again), TPH_ACTION_START_TASK), 2);
    assert_same_object(run, again);
}

/* Attempts without a limit that fail as soon as they begin. */
static void attempts_end_where_there_is_no_room_for_more(void **state)
{
    (void)state;
    struct tph_run_options options = {.max_nodes = 20};
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run_with(WORKFLOW "{name: m, timeout: 5S, retryStrategy: {}, plugin: {k: x}}" END, &options);
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_text(tph_run_message(run), "the workflow would have more than 20 nodes");
    assert_int_equal(tph_run_n_nodes(run), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_that_cannot_be_read_ends_what_is_around),
        cmocka_unit_test(a_hook_without_a_condition_ends_it_at_once),
        cmocka_unit_test(a_condition_waits_for_what_it_speaks_of),
        cmocka_unit_test(a_hook_on_running_begins_with_the_first_attempt),
        cmocka_unit_test(attempts_end_where_there_is_no_room_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
