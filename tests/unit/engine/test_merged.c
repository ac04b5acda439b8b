/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows over templates and defaults, and what they say of their own labels. */
#include "harness.h"

/* The objects that a workflow refers to; a world in which they can go away. */
struct world {
    struct tph_json_doc *doc;
    bool gone;
};

static const struct tph_json *find(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    static const char *const kinds[] = {[TPH_OBJECT_TEMPLATE] = "WorkflowTemplate",
                                        [TPH_OBJECT_CLUSTER_TEMPLATE] = "ClusterWorkflowTemplate",
                                        [TPH_OBJECT_CONFIG_MAP] = "ConfigMap"};
    const struct world *world = owner;
    const struct tph_json *object = tph_json_root(world->doc);
    bool same = tph_str_eqz(tph_json_get_str(object, "kind"), kinds[kind]) &&
                tph_str_eq(tph_json_get_str(tph_json_get(object, "metadata"), "name"), name);
    return same && !world->gone ? object : NULL;
}

#define TEMPLATE                                                                                             \
    "kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {entrypoint: m, arguments: {parameters: [{name: p, " \
    "value: tp}, {name: q, value: tq}]}, templateDefaults: {timeout: 5s}, templates: [{name: m, steps: [[{"  \
    "name: a, template: leaf}], [{name: b, template: leaf}]]}, {name: leaf, plugin: {k: "                    \
    "'{{workflow.parameters.p}} {{workflow.parameters.q}}'}}]}"
#define REFERRING                                                                                         \
    "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec: {workflowTemplateRef: {name: t}, " \
    "arguments: {parameters: [{name: p, value: wp}]}}"

static void a_workflow_runs_its_template_also_after_that_is_gone(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse_yaml(TEMPLATE);
    struct world world = {.doc = doc};
    struct tph_run_objects objects = {.find = find, .owner = &world};
    struct tph_run_options options = {.objects = &objects};
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run_with(REFERRING, &options);
    assert_task(start(run), "wf[0].a", "wp tq");
    world.gone = true;
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored_with(run, &options);
    (void)start(again);
    assert_same_object(run, again);
    assert_task(reply(again, id_of(again, "wf[0].a"), "Succeeded", ""), "wf[1].b", "wp tq");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *out = tph_json_doc_new();
    const struct tph_json *object = tph_run_object(again, out);
    assert_text(
        tph_json_get_str(tph_json_path(object, "metadata", "labels", NULL), "workflows.argoproj.io/workflow-template"),
        "t");
    assert_text(tph_json_get_str(
                    tph_json_path(object, "status", "storedWorkflowTemplateSpec", "workflowTemplateRef", NULL), "name"),
                "t");
    assert_non_null(tph_json_path(object, "status", "storedTemplates", "namespaced/t/leaf", NULL));
    assert_null(tph_json_path(object, "spec", "templates", NULL)); /* as it was written */
}

static void a_template_that_is_not_there_is_told(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse_yaml(REFERRING);
    struct tph_run_options options = {.objects = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    assert_int_equal(tph_run_new(tph_json_root(doc), &options, &run, NULL, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_NOT_FOUND);
    assert_string_equal(err.text, "workflowtemplates.argoproj.io \"t\" not found");
}

static void defaults_of_the_controller_come_last(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *template = parse_yaml(TEMPLATE);
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *defaults = parse_yaml("{metadata: {labels: {team: x}}, spec: {activeDeadlineSeconds: 60, "
                                               "arguments: {parameters: [{name: p, value: dp}]}}}");
    struct world world = {.doc = template};
    struct tph_run_objects objects = {.find = find, .owner = &world};
    struct tph_run_options options = {.objects = &objects, .workflow_defaults = tph_json_root(defaults)};
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *plain = make_run_with(WORKFLOW LEAF ", {name: m, plugin: {k: "
                                                        "'{{workflow.parameters.p}}'}}" END,
                                          &options);
    struct tph_actions actions = start(plain);
    assert_task(actions, "wf", "dp");
    TPH_CLEANUP(tph_run_freep) struct tph_run *referring = make_run_with(REFERRING, &options);
    assert_task(start(referring), "wf[0].a", "wp tq");
    const struct tph_run *runs[] = {plain, referring};
    for (size_t i = 0; i < 2; i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *out = tph_json_doc_new();
        const struct tph_json *object = tph_run_object(runs[i], out);
        int64_t seconds = 0;
        assert_text(tph_json_get_str(tph_json_path(object, "metadata", "labels", NULL), "team"), "x");
        assert_int_equal(tph_json_to_i64(tph_json_get(tph_run_exec_spec(object), "activeDeadlineSeconds"), &seconds),
                         0);
        assert_int_equal(seconds, 60);
    }
    (void)apply_at(plain, TPH_EVENT_TIMER, START_MS + 61000);
    assert_int_equal(tph_run_phase(plain), TPH_WORKFLOW_FAILED);
}

#define DEFAULTS                                                                                            \
    "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, templateDefaults: {plugin: {k: {a: d, b: " \
    "d}}, steps: [[{name: z, template: m}]]}, templates: [{name: m, plugin: {k: {a: own}}}" END

static void defaults_of_templates_merge_into_plugins(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(DEFAULTS);
    struct tph_actions actions = start(run);
    assert_int_equal(count(actions, TPH_ACTION_START_TASK), 1);
    TPH_CLEANUP(tph_freep) char *text = actions_text(&actions);
    assert_non_null(strstr(text, "\"plugin\":{\"k\":{\"a\":\"own\",\"b\":\"d\"}}"));
}

static void defaults_that_argo_cannot_merge_end_the_node_there(void **state)
{
    (void)state;
    struct tph_run_options argo = {.compatibility_argo = true};
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run_with(DEFAULTS, &argo);
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
    assert_text(tph_run_root(run)->message, "unable to find api field in struct Plugin for the json field \"k\"");
}

#define LABELLED(value)                                                                                         \
    "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, arguments: {parameters: [{name: p, value: 'a " \
    "b'}]}, workflowMetadata: " value ", templates: [{name: m, plugin: {k: '{{workflow.labels.l}} "             \
    "{{workflow.annotations.note}}'}}" END

static void labels_are_known_to_the_workflow_itself(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(LABELLED("{annotations: {note: '{{workflow.parameters.p}}'}, labelsFrom: {l: "
                                            "{expression: \"sprig.replace(' ', '-', workflow.parameters.p)\"}}}"));
    assert_task(start(run), "wf", "a-b a b");
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
    assert_task(start(again), "wf", "a-b a b");
}

static void labels_that_are_none_end_the_workflow(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } rows[] = {
        {LABELLED("{labels: {l: '{{workflow.parameters.p}}'}}"), "invalid label value \"a b\" for label \"l\""},
        {LABELLED("{labelsFrom: {l: {expression: '1'}}}"),
         "failed to evaluate label \"l\" expression \"1\" evaluted to int but must be a string"},
        {LABELLED("{labelsFrom: {l: {expression: 'inputs.parameters.x'}}}"), "Failed to compile function"},
        {LABELLED("{labelsFrom: {l: {expression: 'steps.a.id'}}}"), "Failed to compile function"},
        {LABELLED("{labelsFrom: {l: {expression: '('}}}"), "Failed to compile function for expression \"(\": "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(rows[i].yaml);
        struct tph_actions actions = start(run);
        assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
        assert_int_equal(count(actions, TPH_ACTION_FINISHED), 1);
        TPH_CLEANUP(tph_freep) char *message = tph_str_dup(tph_run_message(run));
        if (!strstr(message, rows[i].message)) {
            fail_msg("%s", message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workflow_runs_its_template_also_after_that_is_gone),
        cmocka_unit_test(a_template_that_is_not_there_is_told),
        cmocka_unit_test(defaults_of_the_controller_come_last),
        cmocka_unit_test(defaults_of_templates_merge_into_plugins),
        cmocka_unit_test(defaults_that_argo_cannot_merge_end_the_node_there),
        cmocka_unit_test(labels_are_known_to_the_workflow_itself),
        cmocka_unit_test(labels_that_are_none_end_the_workflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
