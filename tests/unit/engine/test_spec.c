/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anything starts: the exact text, and the path in the object. */
#include "harness.h"

static void assert_refused(const char *yaml, const char *path, const char *error)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse_yaml(yaml);
    TPH_CLEANUP(tph_buf_release) struct tph_buf ret_path = TPH_BUF_INIT(1024);
    TPH_CLEANUP(tph_freep) char *expected = tph_format("%s: %s", path, error);
    struct tph_run_options options = {.compatibility_argo = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    assert_int_equal(tph_run_new(tph_json_root(doc), &options, &run, &ret_path, &err), -1);
    assert_null(run);
    assert_int_equal(err.kind, TPH_ERROR_INVALID);
    assert_string_equal(err.text, expected);
    assert_string_equal(tph_buf_cstr(&ret_path), path);
}

static void assert_template_refused(const char *template_text, const char *path, const char *error)
{
    TPH_CLEANUP(tph_freep)
    char *yaml = tph_format("{metadata: {name: wf}, spec: {entrypoint: m, templates: [%s]}}", template_text);
    TPH_CLEANUP(tph_freep) char *whole = tph_format("spec.templates[0]%s", path);
    assert_refused(yaml, whole, error);
}

static void a_template_has_one_known_type(void **state)
{
    (void)state;
    assert_template_refused("{name: m}", "", "template 'm' type is unknown\n  give it one of: plugin, steps");
    assert_template_refused("{name: m, steps: [], plugin: {}}", "",
                            "a template has one type, this one has two: steps and plugin");
    static const char *const types[] = {"container", "containerSet", "script", "resource", "data"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        TPH_CLEANUP(tph_freep) char *text = tph_format("{name: m, %s: {}}", types[i]);
        TPH_CLEANUP(tph_freep) char *path = tph_format(".%s", types[i]);
        TPH_CLEANUP(tph_freep)
        char *error =
            tph_format("template 'm' is of type %s, which is not supported yet; plugin and steps are", types[i]);
        assert_template_refused(text, path, error);
    }
}

static void broken_dags_are_refused(void **state)
{
    (void)state;
    assert_template_refused("{name: m, dag: {}}", ".dag", "a list of tasks was expected, there are none");
    assert_template_refused("{name: m, dag: {tasks: [{name: a, template: m, dependencies: [b]}]}}",
                            ".dag.tasks[0].dependencies", "there is no task called 'b'");
    assert_template_refused("{name: m, dag: {tasks: [{name: a, template: m, depends: 'b && c'}]}}",
                            ".dag.tasks[0].depends", "there is no task called 'b'");
    assert_template_refused("{name: m, dag: {tasks: [{name: a, template: m, dependencies: [a]}]}}", ".dag",
                            "every task depends on another one: there is a cycle");
    assert_template_refused("{name: m, dag: {tasks: [{name: z, template: m, dependencies: [a]}, {name: a, template: m, "
                            "dependencies: [b]}, {name: b, template: m, dependencies: [a]}]}}",
                            ".dag", "task 'a' depends on itself, by way of 'b'");
    assert_template_refused("{name: m, dag: {target: x, tasks: [{name: a, template: m}]}}", ".dag.target",
                            "there is no task called 'x'");
    assert_template_refused("{name: m, dag: {tasks: [{name: a, template: m}, {name: a, template: m}]}}",
                            ".dag.tasks[1].name", "there is a step called 'a' already");
    assert_template_refused("{name: m, dag: {tasks: [{name: a, template: none}]}}", ".dag.tasks[0].template",
                            "there is no template called 'none'");
    assert_template_refused("{name: m, plugin: {a: {}}, retryStrategy: {retryPolicy: Sometimes}}",
                            ".retryStrategy.retryPolicy",
                            "\"Sometimes\" is none of OnFailure, OnError, Always, OnTransientError");
}

static void what_says_nothing_is_not_refused(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run("{metadata: {name: wf}, spec: {entrypoint: m, onExit: '', suspend: false, hooks: {}, "
                 "templates: [{name: m, memoize: null, plugin: {a: {}}}]}}");
    assert_non_null(run);
}

static void broken_templates_are_refused(void **state)
{
    (void)state;
    assert_template_refused("text", "", "a template was expected, here is string");
    assert_template_refused("{plugin: {a: {}}}", "", "name is missing");
    assert_template_refused("{name: m, plugin: {a: 1, b: 2}}", ".plugin", "expected exactly one key, got 2");
    assert_template_refused("{name: m, plugin: {}}", ".plugin", "expected exactly one key, got 0");
    assert_template_refused("{name: m, plugin: hello}", ".plugin",
                            "an object with the plugin's name as its one key was expected, here is string");
    assert_template_refused("{name: m, timeout: [], plugin: {a: {}}}", ".timeout",
                            "a text was expected, here is array");
    assert_template_refused("{name: m, inputs: {parameters: [{value: 1}]}, plugin: {a: {}}}", ".inputs.parameters[0]",
                            "name is missing");
}

static void broken_steps_are_refused(void **state)
{
    (void)state;
    assert_template_refused("{name: m, steps: {a: b}}", ".steps", "steps are a list of lists: write \"- - name: ...\"");
    assert_template_refused("{name: m, steps: [{name: a}]}", ".steps[0]",
                            "steps are a list of lists: write \"- - name: ...\"");
    assert_template_refused("{name: m, steps: [[x]]}", ".steps[0][0]", "a step was expected, here is string");
    assert_template_refused("{name: m, steps: [[{template: m}]]}", ".steps[0][0]", "name is missing");
    assert_template_refused("{name: m, steps: [[{name: a}]]}", ".steps[0][0]", "template is missing");
    assert_template_refused("{name: m, steps: [[{name: a, template: none}]]}", ".steps[0][0].template",
                            "there is no template called 'none'");
    assert_template_refused("{name: m, steps: [[{name: a, template: m}], [{name: a, template: m}]]}",
                            ".steps[1][0].name", "there is a step called 'a' already");
    assert_template_refused("{name: m, steps: [[{name: a, template: m, arguments: {parameters: [{name: p}]}}]]}",
                            ".steps[0][0].arguments.parameters[0]", "value is missing");
}

static void broken_workflows_are_refused(void **state)
{
    (void)state;
    assert_refused("{metadata: {name: wf}, spec: {entrypoint: m}}", "spec.templates",
                   "a list of templates was expected, there are none");
    assert_refused("{metadata: {name: wf}, spec: {templates: [{name: m, plugin: {a: {}}}]}}", "spec.entrypoint",
                   "entrypoint is missing\n  name the template to begin with");
    assert_refused("{metadata: {name: wf}, spec: {entrypoint: x, templates: [{name: m, plugin: {a: {}}}]}}",
                   "spec.entrypoint", "there is no template called 'x'");
    assert_refused("{spec: {entrypoint: m, templates: [{name: m, plugin: {a: {}}}]}}", "metadata.name",
                   "the workflow has no name");
    assert_refused("{metadata: {name: wf}, spec: {entrypoint: m, templates: [{name: m, plugin: {a: {}}}, {name: m, "
                   "plugin: {a: {}}}]}}",
                   "spec.templates[1]", "there is a template called 'm' already");
    assert_refused("{metadata: {name: wf}, spec: {entrypoint: m, arguments: {parameters: [{name: p}]}, templates: "
                   "[{name: m, plugin: {a: {}}}]}}",
                   "spec.arguments.parameters[0]", "parameter 'p' has no value\n  give one with -p p=VALUE");
    assert_refused("{metadata: {name: wf}, spec: {entrypoint: m, arguments: {parameters: [{name: p, value: 1}, {name: "
                   "p, value: 2}]}, templates: [{name: m, plugin: {a: {}}}]}}",
                   "spec.arguments.parameters[1]", "there is a parameter called 'p' already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_has_one_known_type),    cmocka_unit_test(broken_dags_are_refused),
        cmocka_unit_test(what_says_nothing_is_not_refused), cmocka_unit_test(broken_templates_are_refused),
        cmocka_unit_test(broken_steps_are_refused),         cmocka_unit_test(broken_workflows_are_refused),
    };
    return cmocka_run_group_tests_name("engine/spec", tests, NULL, NULL);
}
