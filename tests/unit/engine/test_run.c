/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as its callers see it: actions in their order, and two properties over random workflows and events:
 * a restored run is the running one, and replies that come twice, late or out of order change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "engine/run.h"

enum { START_MS = 1700000000 };

static struct tph_run *make_run(const char *yaml)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    assert_int_equal(tph_yaml_parse(tph_str(yaml), 0, &doc, NULL, &err), 0);
    if (tph_run_new(tph_json_root(doc), &(struct tph_run_options){.compatibility_argo = false}, &run, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return run;
}

static char *object_text(const struct tph_run *run)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_run_object(run, doc), TPH_JSON_SORTED, &text);
    return tph_buf_take(&text, NULL);
}

static struct tph_actions apply(struct tph_run *run, enum tph_event_kind kind, int64_t now_ms)
{
    struct tph_actions actions;
    tph_run_apply(run, &(struct tph_event){.kind = kind}, now_ms, &actions);
    return actions;
}

static struct tph_actions reply(struct tph_run *run, const char *id, const char *phase, const char *message)
{
    struct tph_task_result result = {.phase = tph_str(phase), .message = tph_str(message)};
    struct tph_actions actions;
    tph_run_apply(run, &(struct tph_event){.kind = TPH_EVENT_REPLY, .node_id = tph_str(id), .result = &result},
                  (int64_t)START_MS * 1000 + 5000, &actions);
    return actions;
}

static size_t count(struct tph_actions actions, enum tph_action_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < actions.n; i++) {
        n += actions.list[i].kind == kind ? 1 : 0;
    }
    return n;
}

static const char one_plugin[] = "kind: Workflow\nmetadata: {name: wf, namespace: default, uid: u}\n"
                                 "spec: {entrypoint: main, templates: [{name: main, plugin: {hello: {a: 1}}}]}\n";

static void a_node_is_told_before_its_task_is_started(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(one_plugin);
    struct tph_actions actions = apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
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
    (void)apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
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
    (void)apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
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
    struct tph_actions actions = apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
    int64_t wait_ms = 0;
    for (size_t i = 0; i < actions.n; i++) {
        wait_ms = actions.list[i].kind == TPH_ACTION_WAIT_UNTIL ? actions.list[i].time_ms : wait_ms;
    }
    assert_int_equal(wait_ms, ((int64_t)START_MS + 10) * 1000);
    (void)reply(run, "wf", "Running", "working");
    actions = apply(run, TPH_EVENT_TIMER, wait_ms);
    assert_int_equal(count(actions, TPH_ACTION_CANCEL_TASK), 1);
    assert_true(tph_str_eqz(tph_run_root(run)->message, "timeout"));
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
}

static void what_is_not_supported_is_refused_with_its_path(void **state)
{
    (void)state;
    static const struct {
        const char *template_text, *error;
    } cases[] = {
        {"{name: m}", "spec.templates[0]: template 'm' type is unknown\n  give it one of: plugin, steps"},
        {"{name: m, dag: {}}",
         "spec.templates[0].dag: template 'm' is of type dag, which is not supported yet; plugin and steps are"},
        {"{name: m, plugin: {a: 1, b: 2}}", "spec.templates[0].plugin: expected exactly one key, got 2"},
        {"{name: m, retryStrategy: {}, plugin: {a: {}}}",
         "spec.templates[0].retryStrategy: retryStrategy is not supported yet"},
        {"{name: m, steps: [[{name: a, template: none}]]}",
         "spec.templates[0].steps[0][0].template: there is no template called 'none'"},
        {"{name: m, steps: [[{name: a, template: m, when: x}]]}",
         "spec.templates[0].steps[0][0].when: when is not supported yet"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_freep)
        char *text =
            tph_format("{metadata: {name: wf}, spec: {entrypoint: m, templates: [%s]}}", cases[i].template_text);
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_run *run = NULL;
        assert_int_equal(tph_yaml_parse(tph_str(text), 0, &doc, NULL, &err), 0);
        assert_int_equal(
            tph_run_new(tph_json_root(doc), &(struct tph_run_options){.compatibility_argo = false}, &run, NULL, &err),
            -1);
        assert_string_equal(err.text, cases[i].error);
    }
}

static void endless_recursion_ends_at_the_depth_limit(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run("kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\n"
                 "spec: {entrypoint: m, templates: [{name: m, steps: [[{name: a, template: m}]]}]}\n");
    (void)apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_true(tph_run_n_nodes(run) <= 2 * TPH_LIMIT_TEMPLATE_DEPTH + 1);
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
    struct tph_actions actions = apply(run, TPH_EVENT_START, (int64_t)START_MS * 1000);
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

/* A generator of its own, so that every run of the test does the same. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Steps templates that call plugins and later templates, never earlier ones. */
static char *random_workflow(uint32_t *seed)
{
    struct tph_buf yaml = TPH_BUF_INIT(TPH_MIB(1));
    unsigned n = 1 + next_random(seed) % 4;
    (void)tph_buf_puts(
        &yaml,
        "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec:\n  entrypoint: t0\n  templates:\n"
        "  - {name: leaf, inputs: {parameters: [{name: p, default: x}]}, plugin: {k: '{{inputs.parameters.p}}'}}\n"
        "  - {name: timed, timeout: 3s, plugin: {k: {}}}\n");
    for (unsigned t = 0; t < n; t++) {
        (void)tph_buf_printf(&yaml, "  - name: t%u\n    steps:\n", t);
        unsigned groups = 1 + next_random(seed) % 3;
        for (unsigned g = 0; g < groups; g++) {
            unsigned members = next_random(seed) % 4;
            (void)tph_buf_puts(&yaml, members == 0 ? "    - []\n" : "");
            for (unsigned m = 0; m < members; m++) {
                unsigned what = next_random(seed) % 5;
                bool nested = what == 0 && t + 1 < n;
                (void)tph_buf_printf(&yaml, "    %s {name: s%u-%u, template: ", m == 0 ? "- -" : "  -", g, m);
                if (nested) {
                    (void)tph_buf_printf(&yaml, "t%u}\n", t + 1);
                } else if (what == 1) {
                    (void)tph_buf_puts(&yaml, "timed}\n");
                } else {
                    (void)tph_buf_puts(&yaml,
                                       "leaf, arguments: {parameters: [{name: p, value: '{{workflow.name}}'}]}}\n");
                }
            }
        }
    }
    return tph_buf_take(&yaml, NULL);
}

static struct tph_run *restored(const struct tph_run *run)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *copy = NULL;
    if (tph_run_new(tph_run_object(run, doc), &(struct tph_run_options){.compatibility_argo = false}, &copy, NULL,
                    &err) < 0) {
        fail_msg("%s", err.text);
    }
    return copy;
}

/* Tasks that a run would send if it were started again now, one a line. */
static char *pending_tasks(struct tph_run *run, int64_t now_ms)
{
    struct tph_actions actions = apply(run, TPH_EVENT_START, now_ms);
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *a = &actions.list[i];
        if (a->kind == TPH_ACTION_START_TASK) {
            (void)tph_buf_printf(&text, "%.*s %.*s %lld\n", TPH_FMT(a->node->id), TPH_FMT(a->template_json),
                                 (long long)a->deadline_ms);
        }
    }
    return tph_buf_take(&text, NULL);
}

static void compare_with_restored(struct tph_run *run, int64_t now_ms)
{
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored(run);
    TPH_CLEANUP(tph_freep) char *ours = object_text(run);
    TPH_CLEANUP(tph_freep) char *theirs = object_text(copy);
    assert_string_equal(ours, theirs);
    if (tph_run_phase(run) == TPH_WORKFLOW_RUNNING) {
        TPH_CLEANUP(tph_freep) char *our_tasks = pending_tasks(run, now_ms);
        TPH_CLEANUP(tph_freep) char *their_tasks = pending_tasks(copy, now_ms);
        assert_string_equal(our_tasks, their_tasks);
    }
}

/* A random node gets a random reply; mostly of one that waits. */
static void random_reply(struct tph_run *run, uint32_t *seed, int64_t now_ms)
{
    static const char *const phases[] = {"Succeeded", "Succeeded", "Succeeded", "Running",
                                         "Failed",    "Error",     "Skipped",   "Foo"};
    const struct tph_node *node = tph_run_node_at(run, next_random(seed) % tph_run_n_nodes(run));
    struct tph_task_result result = {.phase = tph_str(phases[next_random(seed) % 8]), .message = TPH_STR("m")};
    struct tph_event event = {.kind = TPH_EVENT_REPLY, .node_id = node->id, .result = &result};
    struct tph_actions actions;
    bool final = tph_node_phase_is_final(node->phase);
    enum tph_node_phase before = node->phase;
    tph_run_apply(run, &event, now_ms, &actions);
    assert_true(!final || node->phase == before);
    if (tph_node_phase_is_final(node->phase)) {
        TPH_CLEANUP(tph_freep) char *once = object_text(run);
        tph_run_apply(run, &event, now_ms, &actions); /* the same once more */
        TPH_CLEANUP(tph_freep) char *twice = object_text(run);
        assert_string_equal(once, twice);
    }
}

static void no_node_is_left_unfinished(const struct tph_run *run)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        assert_true(tph_node_phase_is_final(tph_run_node_at(run, i)->phase));
    }
}

static void a_restored_run_is_the_running_one_after_every_event(void **state)
{
    (void)state;
    enum { WORKFLOWS = 300, EVENTS = 40 };
    uint32_t seed = 42;
    for (int w = 0; w < WORKFLOWS; w++) {
        TPH_CLEANUP(tph_freep) char *yaml = random_workflow(&seed);
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(yaml);
        int64_t now_ms = (int64_t)START_MS * 1000;
        (void)apply(run, TPH_EVENT_START, now_ms);
        for (int e = 0; e < EVENTS && tph_run_phase(run) == TPH_WORKFLOW_RUNNING; e++) {
            compare_with_restored(run, now_ms);
            now_ms += 1000 * (int64_t)(next_random(&seed) % 3);
            if (next_random(&seed) % 10 == 0) {
                (void)apply(run, TPH_EVENT_TIMER, now_ms);
            } else {
                random_reply(run, &seed, now_ms);
            }
        }
        if (tph_run_phase(run) == TPH_WORKFLOW_RUNNING) {
            (void)apply(run, TPH_EVENT_TERMINATE, now_ms);
        }
        assert_true(tph_run_phase(run) != TPH_WORKFLOW_RUNNING);
        no_node_is_left_unfinished(run);
        compare_with_restored(run, now_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_told_before_its_task_is_started),
        cmocka_unit_test(a_final_reply_finishes_and_later_ones_are_dropped),
        cmocka_unit_test(an_unknown_phase_is_an_error_that_says_so),
        cmocka_unit_test(a_timeout_ends_a_running_node_and_cancels_its_task),
        cmocka_unit_test(what_is_not_supported_is_refused_with_its_path),
        cmocka_unit_test(endless_recursion_ends_at_the_depth_limit),
        cmocka_unit_test(quotes_in_a_parameter_arrive_unchanged),
        cmocka_unit_test(a_restored_run_is_the_running_one_after_every_event),
    };
    return cmocka_run_group_tests_name("engine/run", tests, NULL, NULL);
}
