/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of workflows: what the table of recorded answers does not reach. Where nothing else is said, the genuine
 * program answered so. */
#include "edit/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static const int64_t NOW_MS = 1700000000000; /* 2023-11-14T22:13:20Z */

static struct tph_json_doc *read_json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_json_parse(tph_str(text), &doc, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return doc;
}

static void assert_json(const struct tph_json *value, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    tph_json_write(value, TPH_JSON_SORTED, &text);
    assert_string_equal(tph_buf_cstr(&text), expected);
}

struct retried {
    struct tph_json_doc *in, *doc;
    struct tph_json *workflow, *pods;
    struct tph_error err;
    int failed;
};

static void retry(struct retried *r, const char *text, struct tph_edit_retry how)
{
    *r = (struct retried){.in = read_json(text), .doc = tph_json_doc_new()};
    how.now_ms = NOW_MS;
    r->failed = tph_edit_retry(r->doc, tph_json_root(r->in), &how, &r->workflow, &r->pods, &r->err);
}

static void retried_free(struct retried *r)
{
    tph_json_doc_free(r->in);
    tph_json_doc_free(r->doc);
}

/* "id id ..." of the nodes that are left, those that run again with a *. */
static void assert_left(struct retried *r, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_iter it = tph_json_iter(tph_json_path(r->workflow, "status", "nodes", NULL));
    if (r->failed < 0) {
        fail_msg("%s", r->err.text);
    }
    while (tph_json_next(&it)) {
        bool runs = tph_str_eqz(tph_json_get_str(it.value, "startedAt"), "2023-11-14T22:13:20Z");
        (void)tph_buf_printf(&text, "%s%.*s%s", it.index > 0 ? " " : "", TPH_FMT(it.key), runs ? "*" : "");
    }
    assert_string_equal(tph_buf_cstr(&text), expected);
}

#define NODE(id, type, phase, children, boundary)                                                \
    "\"" id "\":{\"id\":\"" id "\",\"name\":\"" id "\",\"type\":\"" type "\",\"phase\":\"" phase \
    "\",\"templateName\":\"t\",\"startedAt\":\"x\",\"children\":[" children "],\"boundaryID\":\"" boundary "\"}"
#define WORKFLOW(nodes) \
    "{\"metadata\":{\"name\":\"w\"},\"spec\":{},\"status\":{\"phase\":\"Failed\",\"nodes\":{" nodes "}}}"

static void what_stands_around_runs_again(void **state)
{
    (void)state;
    static const struct {
        const char *nodes, *left;
    } rows[] = {
        /* groups that hang on each other: only the nearest before */
        {WORKFLOW(NODE("w", "Steps", "Failed", "\"g0\"", "") "," NODE("g0", "StepGroup", "Succeeded", "\"g1\"", "w") //
                  "," NODE("g1", "StepGroup", "Succeeded", "\"g2\"", "w") ","                                        //
                  NODE("g2", "StepGroup", "Failed", "\"p\"", "w") "," NODE("p", "Plugin", "Failed", "", "w")),
         "w* g0 g1* g2*"},
        /* a Retry node that succeeded stays when it is an attempt that failed */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"r\"", "") "," NODE("r", "Retry", "Succeeded", "\"a\",\"b\"", "w") //
                  "," NODE("a", "Plugin", "Failed", "", "w") "," NODE("b", "Plugin", "Succeeded", "", "w")),
         "w* r b"},
        /* but not when it hangs on a boundary that runs again */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"r\"", "") "," NODE("r", "Retry", "Succeeded", "\"d\"", "w") //
                  "," NODE("d", "DAG", "Failed", "\"p\"", "w") "," NODE("p", "HTTP", "Error", "", "d")),
         "w* r* d*"},
        /* a group that the way up comes by */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"t\"", "") "," NODE("t", "TaskGroup", "Succeeded", "\"a\"", "w") //
                  "," NODE("a", "Plugin", "Succeeded", "\"p\"", "w") "," NODE("p", "Plugin", "Failed", "", "w")),
         "w* t* a"},
        /* of several parents that with the greatest id */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"t\",\"u\"", "") "," NODE("t", "TaskGroup", "Succeeded", "\"b\"", "w") //
                  "," NODE("u", "TaskGroup", "Succeeded", "\"a\"", "w") ","                                           //
                  NODE("a", "Plugin", "Succeeded", "\"p\"", "w") "," NODE("b", "Plugin", "Succeeded", "\"p\"", "w")   //
                  "," NODE("p", "Plugin", "Failed", "", "w")),
         "w* t* u a b"},
        /* a container goes with its pod */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"p\"", "") "," NODE("p", "Pod", "Succeeded", "\"c\",\"d\"", "w") //
                  "," NODE("c", "Container", "Failed", "", "p") "," NODE("d", "Container", "Succeeded", "", "p")),
         "w*"},
        /* children that never were: ours, the genuine program gives up */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"p\",\"zz\"", "") "," NODE("p", "Plugin", "Failed", "\"yy\"", "w")),
         "w*"},
        /* a circle, which no controller makes: ours ends */
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"p\"", "") "," NODE("p", "Plugin", "Failed", "\"r\"", "q") //
                  "," NODE("r", "Retry", "Failed", "\"p\",\"r\"", "p") "," NODE("q", "DAG", "Failed", "\"q\"", "q")),
         "w* q"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct retried r;
        retry(&r, rows[i].nodes, (struct tph_edit_retry){.now_ms = 0});
        assert_left(&r, rows[i].left);
        retried_free(&r);
    }
}

static void pods_are_named_by_the_format_of_the_workflow(void **state)
{
    (void)state;
    struct retried r;
    retry(
        &r,
        "{\"metadata\":{\"name\":\"w\",\"annotations\":{\"workflows.argoproj.io/pod-name-format\":\"v1\"}},\"status\":{"
        "\"phase\":\"Error\",\"nodes\":{" NODE("w", "DAG", "Failed", "\"p\"", "") "," NODE("p", "Pod", "Failed", "",
                                                                                           "w") "}}}",
        (struct tph_edit_retry){.now_ms = 0});
    assert_json(r.pods, "[\"p\"]");
    retried_free(&r);
    retry(&r, WORKFLOW(NODE("w", "DAG", "Failed", "\"p\"", "") "," NODE("p", "Pod", "Failed", "", "w")),
          (struct tph_edit_retry){.now_ms = 0});
    assert_json(r.pods, "[\"w-t-4111221743\"]");
    retried_free(&r);
}

#define STORED                                                                                                    \
    "{\"metadata\":{\"name\":\"w\"},\"spec\":{\"arguments\":{\"parameters\":[{\"name\":\"s\"}]}},\"status\":{"    \
    "\"phase\":\"Failed\",\"storedWorkflowTemplateSpec\":{\"shutdown\":\"Stop\",\"arguments\":{\"parameters\":[{" \
    "\"name\":\"q\"},{\"name\":\"a\"}]}}}}"

static void parameters_reach_the_merged_spec(void **state)
{
    (void)state;
    static const struct tph_str GIVEN[] = {{"a=1=2", 5}};
    struct retried r;
    retry(&r, STORED, (struct tph_edit_retry){.parameters = {GIVEN, 1}, .compat = true});
    assert_json(tph_json_get(r.workflow, "spec"),
                "{\"arguments\":{\"parameters\":[{\"name\":\"a\",\"value\":\"1=2\"},{\"name\":\"s\"}]}}");
    assert_json(tph_json_path(r.workflow, "status", "storedWorkflowTemplateSpec", NULL),
                "{\"arguments\":{\"parameters\":[{\"name\":\"a\",\"value\":\"1=2\"},{\"name\":\"s\"}]}}");
    retried_free(&r);
    retry(&r, STORED, (struct tph_edit_retry){.parameters = {GIVEN, 1}});
    assert_json(tph_json_path(r.workflow, "status", "storedWorkflowTemplateSpec", NULL),
                "{\"arguments\":{\"parameters\":[{\"name\":\"a\",\"value\":\"1=2\"},{\"name\":\"q\"}]}}");
    retried_free(&r);
}

static void a_retry_says_why_it_cannot_be(void **state)
{
    (void)state;
    static const struct tph_str BAD[] = {{"x", 1}};
    static const struct {
        const char *workflow;
        struct tph_edit_retry how;
        const char *error;
    } rows[] = {
        {"{}", {.now_ms = 0}, "Cannot retry a workflow in phase "},
        {"[]", {.now_ms = 0}, "Cannot retry a workflow in phase "},
        {"{\"status\":{\"phase\":\"Running\"}}", {.now_ms = 0}, "Cannot retry a workflow in phase Running"},
        {"{\"status\":{\"phase\":\"Failed\"}}",
         {.parameters = {BAD, 1}},
         "expected parameter of the form: NAME=VALUE. Received: x"},
        {"{\"status\":{\"phase\":\"Failed\"}}",
         {.restart_successful = true, .selector = {"bad", 3}},
         "invalid selector: 'bad'; can't understand 'bad'"},
        {WORKFLOW(NODE("w", "DAG", "Failed", "", "") "," NODE("o", "Suspend", "Succeeded", "", "w")),
         {.now_ms = 0},
         "couldn't find parent node for o"},
        {WORKFLOW(NODE("w", "DAG", "Failed", "\"c\"", "") "," NODE("c", "Container", "Failed", "", "w")),
         {.now_ms = 0},
         "was seeking node but ran out of nodes to explore"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct retried r;
        retry(&r, rows[i].workflow, rows[i].how);
        assert_int_equal(r.failed, -1);
        assert_null(r.workflow);
        assert_string_equal(r.err.text, rows[i].error);
        retried_free(&r);
    }
}

/* One chain of tasks with many that failed at its end: each way up is long, but gone once. */
static void cost_of_a_retry_follows_the_graph(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct retried r;
    (void)tph_buf_puts(&text, "{\"metadata\":{\"name\":\"w\"},\"status\":{\"phase\":\"Failed\",\"nodes\":{"
                              "\"w\":{\"name\":\"w\",\"type\":\"DAG\",\"phase\":\"Failed\",\"children\":[\"c0\"]}");
    for (int i = 0; i < MANY; i++) {
        (void)tph_buf_printf(
            &text,
            ",\"c%d\":{\"name\":\"w.c%d\",\"type\":\"Plugin\",\"phase\":\"Failed\",\"boundaryID\":\"w\","
            "\"children\":[\"c%d\",\"f%d\"]}",
            i, i, i + 1, i);
        (void)tph_buf_printf(
            &text, ",\"f%d\":{\"name\":\"w.f%d\",\"type\":\"Plugin\",\"phase\":\"Failed\",\"boundaryID\":\"w\"}", i, i);
    }
    (void)tph_buf_puts(&text, "}}}");
    retry(&r, tph_buf_cstr(&text), (struct tph_edit_retry){.now_ms = 0});
    assert_left(&r, "w*");
    retried_free(&r);
}

static void a_running_workflow_is_edited(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *in = read_json("{\"spec\":{\"suspend\":false,\"x\":1},\"status\":{\"phase\":\"Running\"}}");
    struct tph_json *edited = NULL;
    assert_int_equal(tph_edit_suspend(doc, tph_json_root(in), &edited, NULL), 0);
    assert_json(tph_json_get(edited, "spec"), "{\"suspend\":true,\"x\":1}");
    assert_int_equal(tph_edit_resume(doc, edited, TPH_STR_NONE, TPH_STR_NONE, NOW_MS, &edited, NULL), 0);
    assert_json(tph_json_get(edited, "spec"), "{\"x\":1}");
    assert_int_equal(tph_edit_terminate(doc, tph_json_root(in), &edited, NULL), 0);
    assert_json(tph_json_get(edited, "spec"), "{\"shutdown\":\"Terminate\",\"suspend\":false,\"x\":1}");
    assert_json(tph_json_root(in), "{\"spec\":{\"suspend\":false,\"x\":1},\"status\":{\"phase\":\"Running\"}}");
}

static void a_completed_workflow_is_not(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *in =
        read_json("{\"metadata\":{\"name\":\"w\",\"namespace\":\"n\",\"labels\":{"
                  "\"workflows.argoproj.io/completed\":\"true\"}},\"status\":{\"phase\":\"Error\"}}");
    struct tph_json *edited = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_edit_suspend(doc, tph_json_root(in), &edited, &err), -1);
    assert_string_equal(err.text, "cannot suspend completed workflows");
    assert_int_equal(tph_edit_terminate(doc, tph_json_root(in), &edited, &err), -1);
    assert_string_equal(err.text, "cannot shutdown a completed workflow: workflow: \"w\", namespace: \"n\"");
    assert_null(edited);
}

#define SUSPENDED(outputs)                                                                                \
    "{\"status\":{\"phase\":\"Running\",\"outputs\":{\"parameters\":[{\"name\":\"g\",\"value\":\"0\"}]}," \
    "\"nodes\":{\"s\":{\"type\":\"Suspend\",\"phase\":\"Running\",\"name\":\"s\"" outputs "}}}}"

static void outputs_that_are_set_become_the_workflows(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *in = read_json(SUSPENDED(",\"outputs\":{\"parameters\":[{\"name\":\"a\",\"globalName\":\"g\","
                                                  "\"valueFrom\":{\"supplied\":{}}},{\"name\":\"b\",\"globalName\":"
                                                  "\"h\",\"valueFrom\":{\"supplied\":{}}}]}"));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *values = read_json("{\"a\":\"1\",\"b\":\"2\"}");
    struct tph_json *edited = NULL;
    struct tph_edit_set how = {.selector = TPH_STR("name=s"), .outputs = tph_json_root(values)};
    assert_int_equal(tph_edit_set(doc, tph_json_root(in), &how, &edited, NULL), 0);
    assert_json(tph_json_path(edited, "status", "outputs", "parameters", NULL),
                "[{\"name\":\"g\",\"value\":\"1\"},{\"name\":\"h\",\"value\":\"2\"}]");
    assert_json(tph_json_path(edited, "status", "nodes", "s", "outputs", "parameters", NULL),
                "[{\"globalName\":\"g\",\"name\":\"a\",\"value\":\"1\"},{\"globalName\":\"h\",\"name\":\"b\",\"value\":"
                "\"2\"}]");
}

/* The genuine program adds the message of one node to the next one's. */
static void a_note_is_added_to_each_message(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *in =
        read_json("{\"status\":{\"nodes\":{\"a\":{\"type\":\"Suspend\",\"phase\":\"Running\",\"message\":\"m\"},\"b\":{"
                  "\"type\":\"Suspend\",\"phase\":\"Running\"}}}}");
    struct tph_json *edited = NULL;
    assert_int_equal(tph_edit_resume(doc, tph_json_root(in), TPH_STR_NONE, TPH_STR("by me"), NOW_MS, &edited, NULL), 0);
    assert_json(tph_json_path(edited, "status", "nodes", NULL),
                "{\"a\":{\"finishedAt\":\"2023-11-14T22:13:20Z\",\"message\":\"m; by me\",\"phase\":\"Succeeded\","
                "\"type\":\"Suspend\"},\"b\":{\"finishedAt\":\"2023-11-14T22:13:20Z\",\"message\":\"by me\",\"phase\":"
                "\"Succeeded\",\"type\":\"Suspend\"}}");
}

static void a_memoized_resubmission_renames_all(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(100);
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *in = read_json(
        "{\"metadata\":{\"name\":\"w\",\"generateName\":\"g-\"},\"spec\":{\"activeDeadlineSeconds\":0,"
        "\"shutdown\":\"Stop\",\"suspend\":true},\"status\":{\"phase\":\"Error\",\"nodes\":{\"w\":{\"id\":\"w\","
        "\"name\":\"w\",\"type\":\"DAG\",\"phase\":\"Failed\",\"children\":[\"p\",\"f\",\"zz\"]},\"p\":{\"id\":"
        "\"p\",\"name\":\"w.p\",\"type\":\"Pod\",\"phase\":\"Succeeded\",\"message\":\"m\",\"boundaryID\":\"w\"},"
        "\"f\":{\"id\":\"f\",\"name\":\"w.f\",\"type\":\"Pod\",\"phase\":\"Failed\"}}}}");
    struct tph_json *made = NULL;
    struct tph_edit_resubmit how = {.memoized = true, .name = TPH_STR("g-1"), .now_ms = NOW_MS};
    tph_edit_name_prefix(tph_json_root(in), &prefix);
    assert_string_equal(tph_buf_cstr(&prefix), "g-");
    assert_int_equal(tph_edit_resubmit(doc, tph_json_root(in), &how, &made, NULL), 0);
    assert_json(tph_json_get(made, "spec"), "{\"suspend\":true}");
    assert_json(
        tph_json_path(made, "status", "nodes", NULL),
        "{\"g-1\":{\"children\":[\"g-1-2044743022\",\"g-1-1809856356\",\"g-1-2166136261\"],\"finishedAt\":\"2023-"
        "11-14T22:13:20Z\",\"id\":\"g-1\",\"name\":\"g-1\",\"phase\":\"Pending\",\"startedAt\":\"2023-11-14T22:13:"
        "20Z\",\"type\":\"DAG\"},\"g-1-1809856356\":{\"finishedAt\":null,\"id\":\"g-1-1809856356\",\"name\":\"g-1."
        "f\",\"phase\":\"Pending\",\"startedAt\":null,\"type\":\"Pod\"},\"g-1-2044743022\":{\"boundaryID\":\"g-1\","
        "\"finishedAt\":\"2023-11-14T22:13:20Z\",\"id\":\"g-1-2044743022\",\"message\":\"original pod: p\","
        "\"name\":\"g-1.p\",\"phase\":\"Skipped\",\"startedAt\":\"2023-11-14T22:13:20Z\",\"type\":\"Skipped\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_around_runs_again),
        cmocka_unit_test(pods_are_named_by_the_format_of_the_workflow),
        cmocka_unit_test(parameters_reach_the_merged_spec),
        cmocka_unit_test(a_retry_says_why_it_cannot_be),
        cmocka_unit_test(cost_of_a_retry_follows_the_graph),
        cmocka_unit_test(a_running_workflow_is_edited),
        cmocka_unit_test(a_completed_workflow_is_not),
        cmocka_unit_test(outputs_that_are_set_become_the_workflows),
        cmocka_unit_test(a_note_is_added_to_each_message),
        cmocka_unit_test(a_memoized_resubmission_renames_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
