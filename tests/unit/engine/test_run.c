/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as its callers see it: actions and their order, replies, times, shutdown, a restart. */
#include "harness.h"

static const char one_plugin[] = "kind: Workflow\nmetadata: {name: wf, namespace: default, uid: u}\n"
                                 "spec: {entrypoint: main, templates: [{name: main, plugin: {hello: {a: 1}}}]}\n";

static void a_node_is_told_before_its_task_is_started(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    struct tph_actions actions = apply_at(run, TPH_EVENT_START, START_MS);
    size_t node = SIZE_MAX;
    size_t task = SIZE_MAX;
    for (size_t i = 0; i < actions.n; i++) {
        node = actions.list[i].kind == TPH_ACTION_NODE && node == SIZE_MAX ? i : node;
        task = actions.list[i].kind == TPH_ACTION_START_TASK ? i : task;
    }
    assert_true(node < task && task < actions.n);
    assert_true(tph_str_eqz(actions.list[task].key, "hello"));
    assert_true(tph_str_eqz(
        actions.list[task].template_json,
        "{\"name\":\"main\",\"inputs\":{},\"outputs\":{},\"metadata\":{},\"plugin\":{\"hello\":{\"a\":1}}}"));
}

static void a_final_reply_finishes_and_later_ones_are_dropped(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    (void)apply_at(run, TPH_EVENT_START, START_MS);
    assert_int_equal(count(reply(run, "wf", "Succeeded", "done"), TPH_ACTION_FINISHED), 1);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_SUCCEEDED);
    TPH_CLEANUP(tph_freep) char *before = object_text(run);
    assert_int_equal(reply(run, "wf", "Failed", "late").n, 0);
    TPH_CLEANUP(tph_freep) char *after = object_text(run);
    assert_string_equal(before, after);
}

static void an_unknown_phase_is_an_error_that_says_so(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    (void)apply_at(run, TPH_EVENT_START, START_MS);
    struct tph_actions actions = reply(run, "wf", "succeeded", "");
    assert_int_equal(count(actions, TPH_ACTION_CANCEL_TASK), 1);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
    assert_non_null(strstr(tph_run_message(run).p, "the phase \"succeeded\", which is none"));
}

static void a_timeout_ends_a_running_node_and_cancels_its_task(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run("kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\n"
                                   "spec: {entrypoint: m, templates: [{name: m, timeout: 10s, plugin: {p: {}}}]}\n");
    struct tph_actions actions = apply_at(run, TPH_EVENT_START, START_MS);
    int64_t wait_ms = 0;
    for (size_t i = 0; i < actions.n; i++) {
        wait_ms = actions.list[i].kind == TPH_ACTION_WAIT_UNTIL ? actions.list[i].time_ms : wait_ms;
    }
    assert_int_equal(wait_ms, START_MS + 10000);
    (void)reply(run, "wf", "Running", "working");
    actions = apply_at(run, TPH_EVENT_TIMER, wait_ms);
    assert_int_equal(count(actions, TPH_ACTION_CANCEL_TASK), 1);
    assert_true(tph_str_eqz(tph_run_root(run)->message, "timeout"));
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
}

/* Of a list of actions, the last time to wait for; -1 = none was said. */
static int64_t wait_of(struct tph_actions actions)
{
    int64_t wait_ms = -1;
    for (size_t i = 0; i < actions.n; i++) {
        wait_ms = actions.list[i].kind == TPH_ACTION_WAIT_UNTIL ? actions.list[i].time_ms : wait_ms;
    }
    return wait_ms;
}

static int64_t deadline_of(struct tph_actions actions)
{
    for (size_t i = 0; i < actions.n; i++) {
        if (actions.list[i].kind == TPH_ACTION_START_TASK) {
            return actions.list[i].deadline_ms;
        }
    }
    return -1;
}

static void a_time_ends_when_it_is_over_and_not_before(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW "{name: m, timeout: 1500ms, plugin: {k: ''}}" END);
    struct tph_actions actions = apply_at(run, TPH_EVENT_START, START_MS + 900);
    assert_int_equal(wait_of(actions), START_MS + 2400);
    assert_int_equal(deadline_of(actions), START_MS + 2400);
    actions = apply_at(run, TPH_EVENT_TIMER, START_MS + 2399); /* one millisecond early: the timer is spent */
    assert_int_equal(actions.n, 1);
    assert_int_equal(wait_of(actions), START_MS + 2400);
    assert_int_equal(count(apply_at(run, TPH_EVENT_TIMER, START_MS + 2400), TPH_ACTION_FINISHED), 1);
}

/* Only whole seconds are kept: it may have begun at the end of one. */
static void a_time_is_not_over_early_after_a_restart(void **state)
{
    (void)state;
    static const char *const texts[] = {
        WORKFLOW "{name: m, timeout: 2s, plugin: {k: ''}}" END,
        WORKFLOW "{name: m, suspend: {duration: 2s}}" END,
        "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, activeDeadlineSeconds: 2, templates: [{name: m, "
        "plugin: {k: ''}}" END,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(texts[i]);
        assert_int_equal(wait_of(apply_at(run, TPH_EVENT_START, START_MS + 900)), START_MS + 2900);
        TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
        assert_int_equal(wait_of(apply_at(again, TPH_EVENT_START, START_MS + 950)), START_MS + 2999);
        assert_int_equal(count(apply_at(again, TPH_EVENT_TIMER, START_MS + 2998), TPH_ACTION_FINISHED), 0);
        assert_int_equal(count(apply_at(again, TPH_EVENT_TIMER, START_MS + 2999), TPH_ACTION_FINISHED), 1);
    }
}

static void for_argo_times_count_from_the_whole_second(void **state)
{
    (void)state;
    struct tph_run_options options = {.compat = TPH_COMPAT_SECONDS};
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run_with(WORKFLOW "{name: m, timeout: 1500ms, plugin: {k: ''}}" END, &options);
    assert_int_equal(wait_of(apply_at(run, TPH_EVENT_START, START_MS + 900)), START_MS + 1500);
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored_with(run, &options);
    assert_int_equal(wait_of(apply_at(again, TPH_EVENT_START, START_MS + 950)), START_MS + 1500);
}

static void the_soonest_of_several_times_is_waited_for(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW "{name: s, timeout: 9s, plugin: {k: ''}}, {name: t, timeout: 7s, plugin: {k: ''}}, {name: u, "
                          "plugin: {k: ''}}, {name: m, steps: [[{name: a, template: s}, {name: b, template: t}, {name: "
                          "c, template: u}]]}" END);
    assert_int_equal(wait_of(start(run)), START_MS + 7000);
    assert_int_equal(wait_of(reply(run, id_of(run, "wf[0].b"), "Succeeded", "")), START_MS + 9000);
    struct tph_actions actions = reply(run, id_of(run, "wf[0].a"), "Succeeded", "");
    assert_int_equal(wait_of(actions), 0); /* nothing to wait for */
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_RUNNING);
}

static void the_workflows_deadline_ends_all_that_runs(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, activeDeadlineSeconds: 6, templates: [" LEAF
        ", {name: m, steps: [[{name: a, template: leaf}, {name: b, template: leaf}]]}" END);
    struct tph_actions actions = start(run);
    assert_int_equal(wait_of(actions), START_MS + 6000);
    assert_int_equal(deadline_of(actions), START_MS + 6000);
    (void)reply(run, id_of(run, "wf[0].a"), "Running", "");
    actions = apply_at(run, TPH_EVENT_TIMER, START_MS + 6000);
    assert_int_equal(count(actions, TPH_ACTION_CANCEL_TASK), 2);
    assert_text(find_node(run, "wf[0].a")->message, "Step exceeded its deadline");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
}

static void a_templates_active_deadline_ends_its_node(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW "{name: m, activeDeadlineSeconds: 2, timeout: 5s, plugin: {k: ''}}" END);
    assert_int_equal(wait_of(start(run)), START_MS + 2000);
    (void)apply_at(run, TPH_EVENT_TIMER, START_MS + 2000);
    assert_text(tph_run_message(run), "Step exceeded its deadline");
}

static void a_timeout_that_is_no_duration_is_told_at_once(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW "{name: m, timeout: soon, plugin: {k: ''}}" END);
    assert_int_equal(count(start(run), TPH_ACTION_START_TASK), 0);
    assert_text(tph_run_message(run), "error in entry template execution: invalid timeout format unable to parse soon "
                                      "as a duration: time: invalid duration \"soon\"");
}

static void stop_ends_what_runs_and_cancels_it_in_the_trees_order(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}, {name: b, template: leaf}], [{name: c, "
                               "template: leaf}]]}" END);
    (void)start(run);
    struct tph_actions actions = apply_at(run, TPH_EVENT_STOP, START_MS);
    size_t found = 0;
    for (size_t i = 0; i < actions.n; i++) {
        if (actions.list[i].kind == TPH_ACTION_CANCEL_TASK) {
            assert_text(actions.list[i].node->name, found++ == 0 ? "wf[0].a" : "wf[0].b");
        }
    }
    assert_int_equal(found, 2);
    assert_text(tph_run_message(run), "Stopped with strategy 'Stop'");
    assert_false(has_node(run, "wf[1]"));
    TPH_CLEANUP(tph_freep) char *object = object_text(run);
    assert_non_null(strstr(object, "\"shutdown\":\"Stop\""));
}

static void a_workflow_that_is_shut_down_before_it_starts_calls_nobody(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run("kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: leaf, shutdown: Terminate, "
                 "templates: [" LEAF END);
    struct tph_actions actions = start(run);
    assert_int_equal(count(actions, TPH_ACTION_START_TASK), 0);
    assert_int_equal(count(actions, TPH_ACTION_FINISHED), 1);
    assert_text(tph_run_message(run), "Stopped with strategy 'Terminate'");
}

static void nothing_happens_before_the_start_or_for_unknown_nodes(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    assert_int_equal(reply(run, "wf", "Succeeded", "").n, 0);
    assert_int_equal(apply_at(run, TPH_EVENT_STOP, START_MS).n, 0);
    assert_int_equal(apply_at(run, TPH_EVENT_TIMER, START_MS).n, 0);
    (void)start(run);
    TPH_CLEANUP(tph_freep) char *before = object_text(run);
    assert_int_equal(reply(run, "wf-1", "Succeeded", "").n, 0);
    TPH_CLEANUP(tph_freep) char *after = object_text(run);
    assert_string_equal(before, after);
}

static void a_reply_of_another_attempt_is_dropped(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    (void)start(run);
    struct tph_task_result result = {.phase = TPH_STR("Succeeded")};
    struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = TPH_STR("wf"), .attempt = 1, .result = &result};
    struct tph_actions actions;
    tph_run_apply(run, &event, START_MS, &actions);
    assert_int_equal(actions.n, 0);
    assert_int_equal(tph_run_root(run)->phase, TPH_NODE_PENDING);
}

static void running_replies_are_shown_and_equal_ones_are_not_told_again(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    (void)start(run);
    struct tph_task_result result = {
        .phase = TPH_STR("Running"), .message = TPH_STR("half"), .progress = TPH_STR("1/2")};
    struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = TPH_STR("wf"), .result = &result};
    struct tph_actions actions;
    tph_run_apply(run, &event, START_MS, &actions);
    assert_int_equal(count(actions, TPH_ACTION_NODE), 1);
    assert_text(tph_run_progress(run), "1/2");
    assert_text(tph_run_root(run)->message, "half");
    tph_run_apply(run, &event, START_MS, &actions);
    assert_int_equal(actions.n, 0);
    static const char *const nonsense[] = {"2/1", "1", "/", "-1/2", "a/b", "1/99999999999"};
    for (size_t i = 0; i < 6; i++) {
        result.progress = tph_str(nonsense[i]);
        tph_run_apply(run, &event, START_MS, &actions);
        assert_text(tph_run_progress(run), "1/2");
    }
}

static void a_status_that_no_engine_wrote_is_refused(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *doc =
        parse_yaml("{metadata: {name: wf}, spec: {entrypoint: m, templates: [{name: m, plugin: {a: {}}}]}, status: "
                   "{phase: Running, nodes: {wf: {id: wf, name: wf, phase: Odd}}}}");
    struct tph_run_options options = {.compatibility_argo = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    assert_int_equal(tph_run_new(tph_json_root(doc), &options, &run, NULL, &err), -1);
    assert_string_equal(err.text, "status.nodes[wf].phase: there is no phase \"Odd\"");
}

/* The last write was lost: the leaf is there, what follows from it is not. */
static void a_status_that_stands_still_is_pushed_on(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}], [{name: b, template: "
                               "leaf}]]}" END);
    (void)start(run);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object = tph_run_object(run, doc);
    struct tph_json *leaf =
        tph_json_getn(tph_json_path(object, "status", "nodes", NULL), find_node(run, "wf[0].a")->id);
    tph_json_set_cstr(doc, leaf, "phase", "Succeeded");
    struct tph_run_options options = {.compatibility_argo = false};
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = NULL;
    assert_int_equal(tph_run_new(object, &options, &again, NULL, &err), 0);
    struct tph_actions actions = start(again);
    assert_int_equal(count(actions, TPH_ACTION_START_TASK), 1);
    assert_int_equal(find_node(again, "wf[1].b")->phase, TPH_NODE_PENDING);
}

static void creation_times_have_all_their_letters(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run("kind: Workflow\nmetadata: {name: wf, creationTimestamp: '2024-02-29T00:05:09Z'}\nspec: "
                 "{entrypoint: m, templates: [{name: m, plugin: {k: "
                 "'{{workflow.creationTimestamp.B}} {{workflow.creationTimestamp.b}} "
                 "{{workflow.creationTimestamp.m}} {{workflow.creationTimestamp.A}} "
                 "{{workflow.creationTimestamp.a}} {{workflow.creationTimestamp.d}} "
                 "{{workflow.creationTimestamp.H}} {{workflow.creationTimestamp.I}} "
                 "{{workflow.creationTimestamp.M}} {{workflow.creationTimestamp.S}} "
                 "{{workflow.creationTimestamp.Y}} {{workflow.creationTimestamp.y}} "
                 "{{workflow.creationTimestamp.p}} {{workflow.creationTimestamp.Z}} "
                 "{{workflow.creationTimestamp.z}} {{workflow.creationTimestamp.L}} "
                 "{{workflow.creationTimestamp.s}} {{workflow.creationTimestamp.RFC3339}}'}}" END);
    assert_task(
        start(run), "wf",
        "February Feb 02 Thursday Thu 29 00 12 05 09 2024 24 AM UTC +0000 .000 1709165109 2024-02-29T00:05:09Z");
}

static void quotes_in_a_parameter_arrive_unchanged(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run("kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\n"
                 "spec: {entrypoint: m, arguments: {parameters: [{name: p, value: '{\"a\": \"b\\\\n\"}'}]}, templates: "
                 "[{name: m,"
                 " inputs: {parameters: [{name: p}]}, plugin: {x: {t: '{{ inputs.parameters.p }}'}}}]}\n");
    struct tph_actions actions = apply_at(run, TPH_EVENT_START, START_MS);
    for (size_t i = 0; i < actions.n; i++) {
        if (actions.list[i].kind == TPH_ACTION_START_TASK) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
            assert_int_equal(tph_json_parse(actions.list[i].template_json, &doc, NULL), 0);
            struct tph_str text = tph_json_str(tph_json_path(tph_json_root(doc), "plugin", "x", "t", NULL));
            assert_true(tph_str_eqz(text, "{\"a\": \"b\\\\n\"}"));
            return;
        }
    }
    fail_msg("no task was started");
}

/* Two at once, one of them answered: what is under way is cancelled, nothing is left unfinished, nothing follows. */
static void who_is_too_large_to_be_stored_ends_with_all_of_its_nodes(void **state)
{
    (void)state;
    for (int argo = 0; argo < 2; argo++) {
        const struct tph_run_options options = {.compatibility_argo = argo == 1};
        TPH_CLEANUP(tph_run_freep)
        struct tph_run *run =
            make_run_with(WORKFLOW "{name: m, steps: [[{name: a, template: leaf}, {name: b, template: leaf}], "
                                   "[{name: c, template: leaf}]]}, " LEAF END,
                          &options);
        (void)start(run);
        struct tph_actions actions;
        const struct tph_event event = {.kind = TPH_EVENT_REFUSED, .message = TPH_STR("too large")};
        tph_run_apply(run, &event, START_MS + 1000, &actions);
        size_t n_cancelled = 0;
        for (size_t i = 0; i < actions.n; i++) {
            n_cancelled += actions.list[i].kind == TPH_ACTION_CANCEL_TASK;
            assert_int_not_equal(actions.list[i].kind, TPH_ACTION_START_TASK);
        }
        assert_int_equal(n_cancelled, argo ? 0 : 2);
        assert_int_equal(actions.list[actions.n - 1].kind, TPH_ACTION_FINISHED);
        assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
        assert_true(tph_str_eqz(tph_run_message(run), "too large"));
        assert_int_equal(tph_run_n_nodes(run), 4);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(tph_node_phase_is_final(tph_run_node_at(run, i)->phase), !argo);
        }
        TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored_with(run, &options);
        assert_same_object(run, copy);
    }
}

static const struct tph_action *cancel_of(const struct tph_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        if (actions->list[i].kind == TPH_ACTION_CANCEL_TASK) {
            return &actions->list[i];
        }
    }
    return NULL;
}

/* Whoever has started a task knows it; whoever is made of a saved status has its text to tell the plugin with. */
static void a_cancel_after_a_restart_says_what_is_cancelled(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW "{name: m, plugin: {x: {t: '{{workflow.name}}'}}}" END);
    (void)start(run);
    for (int started = 0; started < 2; started++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
        const struct tph_event stop = {.kind = TPH_EVENT_STOP};
        struct tph_actions actions;
        if (started) {
            (void)start(again);
        }
        tph_run_apply(again, &stop, START_MS + 1000, &actions);
        const struct tph_action *cancel = cancel_of(&actions);
        assert_non_null(cancel);
        assert_true(tph_str_eqz(cancel->key, "x"));
        assert_true(started ? cancel->template_json.len == 0
                            : tph_str_find(cancel->template_json, TPH_STR("\"plugin\":{\"x\":{\"t\":\"wf\"}}")) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_told_before_its_task_is_started),
        cmocka_unit_test(a_final_reply_finishes_and_later_ones_are_dropped),
        cmocka_unit_test(an_unknown_phase_is_an_error_that_says_so),
        cmocka_unit_test(a_timeout_ends_a_running_node_and_cancels_its_task),
        cmocka_unit_test(a_time_ends_when_it_is_over_and_not_before),
        cmocka_unit_test(a_time_is_not_over_early_after_a_restart),
        cmocka_unit_test(for_argo_times_count_from_the_whole_second),
        cmocka_unit_test(the_soonest_of_several_times_is_waited_for),
        cmocka_unit_test(who_is_too_large_to_be_stored_ends_with_all_of_its_nodes),
        cmocka_unit_test(a_cancel_after_a_restart_says_what_is_cancelled),
        cmocka_unit_test(the_workflows_deadline_ends_all_that_runs),
        cmocka_unit_test(a_templates_active_deadline_ends_its_node),
        cmocka_unit_test(a_timeout_that_is_no_duration_is_told_at_once),
        cmocka_unit_test(stop_ends_what_runs_and_cancels_it_in_the_trees_order),
        cmocka_unit_test(a_workflow_that_is_shut_down_before_it_starts_calls_nobody),
        cmocka_unit_test(nothing_happens_before_the_start_or_for_unknown_nodes),
        cmocka_unit_test(a_reply_of_another_attempt_is_dropped),
        cmocka_unit_test(running_replies_are_shown_and_equal_ones_are_not_told_again),
        cmocka_unit_test(a_status_that_no_engine_wrote_is_refused),
        cmocka_unit_test(a_status_that_stands_still_is_pushed_on),
        cmocka_unit_test(creation_times_have_all_their_letters),
        cmocka_unit_test(quotes_in_a_parameter_arrive_unchanged),
    };
    return cmocka_run_group_tests_name("engine/run", tests, NULL, NULL);
}
