/* SPDX-License-Identifier: Apache-2.0 */
/* All problems of an object: where they are, what is said; warnings, each beside what is well; the ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "data/yaml.h"
#include "lint/lint.h"

#define LEAF  "{name: leaf, plugin: {x: {}}}"
#define PARAM "inputs: {parameters: [{name: num, value: '1'}]}, "

/* Everything that is told of a workflow with this spec, a line each, hints behind ">". */
static char *told(const char *spec, struct tph_lint_subject subject)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    static const struct tph_lint_set none = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_json *object = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    subject.set = subject.set ? subject.set : &none;
    assert_int_equal(tph_buf_printf(&text, "{kind: Workflow, metadata: {name: w}, spec: {entrypoint: main, %s}}", spec),
                     0);
    if (tph_yaml_parse(tph_buf_str(&text), 0, &doc, NULL, &err) < 0) {
        fail_msg("%s: %s", spec, err.text);
    }
    tph_lint_read(doc, tph_json_root(doc), 0, &object, &problems);
    if (object) {
        tph_lint_check(object, &subject, &problems);
    }
    for (size_t i = 0; i < problems.n; i++) {
        struct tph_lint_problem p = problems.list[i];
        (void)tph_buf_puts(&out, p.is_warning ? "warning: " : "error: ");
        tph_lint_problem_write(&p, TPH_STR(""), &out);
        (void)tph_buf_putc(&out, '\n');
    }
    if (problems.n_left_out > 0) {
        (void)tph_buf_printf(&out, "%zu more\n", problems.n_left_out);
    }
    return tph_buf_take(&out, NULL);
}

static void expect_of(const char *spec, struct tph_lint_subject subject, const char *expected)
{
    char *text = told(spec, subject);
    assert_string_equal(text, expected);
    free(text);
}

static void expect(const char *spec, const char *expected)
{
    expect_of(spec, (struct tph_lint_subject){.mode = TPH_LINT_FOR_REPORT}, expected);
}

static void errors_of_different_templates_are_all_told(void **state)
{
    (void)state;
    expect(
        "arguments: {parameters: [{name: a}, {name: a}]}, onExit: bye, templates: ["
        "{name: main, steps: [[{name: s, template: leef}, {name: t, template: other}], [{name: s, template: leaf}]]},"
        "{name: other, plugin: {x: '{{inputs.parameters.m}} {{workflow.nam}}'}},"
        "{name: loose, timeout: '10', plugin: {x: {}}, parallelism: 3}," LEAF "]",
        "error: spec.arguments.parameters[1].name: 'a' is not unique\n"
        "error: spec.templates[0].steps[0][0].template: there is no template called 'leef'\n  did you mean leaf?\n"
        "error: spec.templates[1].plugin.x: {{inputs.parameters.m}} is not known here\n"
        "  declare it under inputs.parameters of this template\n"
        "error: spec.templates[1].plugin.x: {{workflow.nam}} is not known here\n  did you mean workflow.name?\n"
        "error: spec.templates[0].steps[1][0].name: 's' is not unique\n"
        "error: spec.onExit: there is no template called 'bye'\n"
        "error: spec.templates[2].timeout: loose has invalid duration format in timeout\n  with a unit: 10s\n"
        "error: spec.templates[2].parallelism is only valid for steps and dag templates\n");
}

static void errors_of_tasks_are_all_told(void **state)
{
    (void)state;
    expect("templates: [{name: main, dag: {target: 'c zz', tasks: ["
           "{name: a, template: leaf, depends: b.Succeded}, {name: b, template: leaf, depends: nobody},"
           "{name: c, template: leaf, dependencies: [a], arguments: {parameters: [{name: p}]}}]}}, " LEAF "]",
           "error: spec.templates[0].dag.tasks[1].depends: there is no task called 'nobody'\n"
           "error: spec.templates[0].dag.tasks[0].depends: task result 'Succeded' for task 'b' is invalid\n"
           "  did you mean Succeeded?\n"
           "error: spec.templates[0].dag.tasks[2].dependencies: cannot use both 'depends' and 'dependencies' in the "
           "same DAG template\n"
           "error: spec.templates[0].dag.target: target 'zz' is not defined\n"
           "error: spec.templates[0].dag.tasks[2].arguments.parameters[0]: parameter 'p' has no value: value or "
           "valueFrom is required\n");
    expect("templates: [{name: main, dag: {tasks: [{name: a, template: leaf, depends: c}, {name: b, template: leaf, "
           "depends: a}, {name: c, template: leaf, depends: b && d}, {name: d, template: leaf}]}}, " LEAF "]",
           "error: spec.templates[0].dag.tasks[2]: tasks wait for each other: c waits for b waits for a waits for c\n");
}

static void outputs_that_nobody_declares(void **state)
{
    (void)state;
    expect("templates: [{name: main, steps: [[{name: a, template: t}], [{name: b, template: t, when: "
           "'{{steps.a.outputs.parameters.on}} {{steps.a.outputs.parameters.other}}'}]]}, {name: t, plugin: {x: {}}, "
           "outputs: {parameters: [{name: one, valueFrom: {supplied: {}}}]}}]",
           "error: spec.templates[0].steps[1][0].when: {{steps.a.outputs.parameters.on}} is not known here\n"
           "  did you mean steps.a.outputs.parameters.one?\n"
           "error: spec.templates[0].steps[1][0].when: {{steps.a.outputs.parameters.other}} is not known here\n"
           "  declare 'other' under outputs.parameters of the template that 'a' calls\n");
}

/* What follows from an error is not told. */
static void one_mistake_is_told_once(void **state)
{
    (void)state;
    expect("templates: [{name: main, steps: [[{name: s, template: nix}], [{name: t, template: leaf, when: "
           "'{{steps.s.outputs.result}} == 1'}]]}, " LEAF "]",
           "error: spec.templates[0].steps[0][0].template: there is no template called 'nix'\n");
    expect("templates: [{name: main, plugn: {x: {}}}]",
           "error: spec.templates[0].plugn is no field that is known here; did you mean plugin?\n");
    expect("templates: [{name: '', plugin: {x: {}}}, {name: main, plugin: {x: {}}}]",
           "error: spec.templates[0].name is required\n");
    expect("templates: [{name: main, steps: [[{name: s, template: in, arguments: {parameters: [{name: num}]}}]]}, "
           "{name: in, inputs: {parameters: [{name: num}]}, plugin: {x: {}}}]",
           "error: spec.templates[0].steps[0][0].arguments.parameters[0]: parameter 'num' has no value: value or "
           "valueFrom is required\n");
}

static void what_cannot_be_read_is_told_with_its_place(void **state)
{
    (void)state;
    expect("templates: [{name: main, steps: [[{name: s, template: 1}]]}]",
           "error: spec.templates[0].steps[0][0].template: a text was expected, not a number\n  put it into quotes\n");
    expect("templates: [{name: main, inputs: {parameters: [{name: y}]}, plugin: {x: {}}}]",
           "error: spec.templates[0].inputs.parameters[0].name: a text was expected, not a truth value\n  put it into "
           "quotes: y, n, yes, no, on and off are truth values in YAML\n");
    expect("templates: [{name: main, plugin: {x: {}, y: {}}}]",
           "error: spec.templates[0].plugin: expected exactly one key, got 2\n");
    expect("templates: [{name: main, plugin: [x]}]",
           "error: spec.templates[0].plugin: a map with one key was expected, not a list\n");
    expect("templates: [{name: main, steps: [[{name: s, template: leaf, depend: x}]]}, " LEAF "]",
           "error: spec.templates[0].steps[0][0].depend is no field that is known here\n");
    expect("suspend: maybe, templates: [" LEAF "]", "error: spec.suspend: true or false was expected, not a text\n");
}

static void templates_of_other_objects_are_named_with_their_caller(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_json *object = NULL;
    struct tph_json *other = NULL;
    static const char TEXT[] =
        "[{kind: Workflow, metadata: {name: w}, spec: {entrypoint: main, templates: [{name: main, steps: [[{name: s, "
        "templateRef: {name: t, template: a}}]]}]}}, {kind: WorkflowTemplate, metadata: {name: t}, spec: {templates: "
        "[{name: b, suspend: {}}, {name: a, plugin: {x: '{{workflow.parameters.p}}'}}]}}]";
    assert_int_equal(tph_yaml_parse(tph_str(TEXT), 0, &doc, NULL, NULL), 0);
    tph_lint_read(doc, tph_json_at(tph_json_root(doc), 0), 0, &object, &problems);
    tph_lint_read(doc, tph_json_at(tph_json_root(doc), 1), 0, &other, &problems);
    (void)tph_map_set(&set.templates, TPH_STR("/t"), other);
    tph_lint_check(object, &(struct tph_lint_subject){.set = &set, .mode = TPH_LINT_FOR_REPORT}, &problems);
    tph_map_release(&set.templates);
    assert_int_equal(problems.n, 1);
    assert_ptr_equal(problems.list[0].object, other);
    assert_string_equal(problems.list[0].path, "spec.templates[1].plugin.x");
    assert_string_equal(problems.list[0].via, "spec.templates[0].steps[0][0]");
}

#define POD_HINT "  --map container=PLUGIN hands them to a plugin that runs image, command and args\n"

static void templates_that_are_pods(void **state)
{
    (void)state;
    static const char SPEC[] = "templates: [{name: main, container: {image: a}}]";
    struct tph_map mapped = TPH_MAP_INIT;
    (void)tph_map_set(&mapped, TPH_STR("container"), &mapped);
    expect(
        SPEC,
        "warning: spec.templates[0].container: container templates do not run here, for there are no pods\n" POD_HINT);
    expect_of(
        SPEC, (struct tph_lint_subject){.mode = TPH_LINT_FOR_RUN},
        "error: spec.templates[0].container: container templates do not run here, for there are no pods\n" POD_HINT);
    expect_of(SPEC, (struct tph_lint_subject){.mode = TPH_LINT_FOR_RUN, .mapped = &mapped}, "");
    tph_map_release(&mapped);
    expect("templates: [{name: main, resource: {action: get}}]",
           "warning: spec.templates[0].resource: resource templates do not run here, for there are no pods\n"
           "  what runs: plugin, http, suspend, steps and dag templates\n");
}

static void outputs_that_nobody_delivers(void **state)
{
    (void)state;
    expect("templates: [{name: main, http: {url: u}, outputs: {parameters: [{name: o, valueFrom: {jsonPath: a}}]}}]",
           "warning: spec.templates[0].outputs.parameters[0]: nobody delivers 'o': an http template has outputs.result "
           "only\n  take it out of outputs.result, for example with {{=jsonpath(steps.STEP.outputs.result, "
           "'$.o')}}\n");
    expect(
        "templates: [{name: main, plugin: {x: {}}, outputs: {parameters: [{name: a, value: '1'}, {name: b, "
        "valueFrom: {expression: '1'}}, {name: c, valueFrom: {path: /x}}, {name: d, valueFrom: {supplied: {}}}]}}]",
        "warning: spec.templates[0].outputs.parameters[0]: value is not looked at: the plugin's reply has to deliver "
        "'a'\n  declare it with  valueFrom: {supplied: {}}\n"
        "warning: spec.templates[0].outputs.parameters[1]: expression is not looked at: the plugin's reply has to "
        "deliver 'b'\n  declare it with  valueFrom: {supplied: {}}\n");
    expect("templates: [{name: main, suspend: {}, outputs: {parameters: [{name: a, value: '1'}, {name: b, valueFrom: "
           "{supplied: {}}}]}}]",
           "warning: spec.templates[0].outputs.parameters[0]: nobody delivers 'a': who resumes can give those that are "
           "supplied only\n  declare it with  valueFrom: {supplied: {}}\n");
    expect("templates: [{name: main, steps: [[{name: s, template: leaf}]], outputs: {parameters: [{name: a, valueFrom: "
           "{parameter: '{{steps.s.outputs.result}}'}}]}}, " LEAF "]",
           "");
}

static void timeouts_that_never_fire(void **state)
{
    (void)state;
    static const char RETRY[] = "templates: [{name: main, timeout: 5s, retryStrategy: {limit: 2}, plugin: {x: {}}}]";
    expect(RETRY, "warning: spec.templates[0].timeout: never fires in Argo, for the template has a retryStrategy; here "
                  "it is of each attempt\n");
    expect_of(RETRY, (struct tph_lint_subject){.mode = TPH_LINT_FOR_RUN}, "");
    expect("activeDeadlineSeconds: 60, templates: [{name: main, timeout: 2m, plugin: {x: {}}}]",
           "warning: spec.templates[0].timeout: never fires: the workflow ends after 60 s (activeDeadlineSeconds)\n");
    expect("activeDeadlineSeconds: 60, templates: [{name: main, timeout: 30s, plugin: {x: {}}}]", "");
    expect("templates: [{name: main, activeDeadlineSeconds: 9, plugin: {x: {}}}]",
           "warning: spec.templates[0].activeDeadlineSeconds is not looked at by Argo in a template of type Plugin; "
           "here it is\n  timeout is honoured by both\n");
    expect("templates: [{name: main, suspend: {duration: soon}}]",
           "warning: spec.templates[0].suspend.duration: \"soon\" is no duration such as 30s, 5m or 2h\n");
    expect("templates: [{name: main, retryStrategy: {backoff: {factor: 2, maxDuration: x}}, plugin: {x: {}}}]",
           "warning: spec.templates[0].retryStrategy.backoff.maxDuration: \"x\" is no duration such as 30s, 5m or 2h\n"
           "warning: spec.templates[0].retryStrategy.backoff has no duration to begin with: the first failure cannot "
           "be tried again\n");
    expect(
        "templates: [{name: main, timeout: 5s, suspend: {}}]",
        "error: spec.templates[0].timeout: Suspend template doesn't support timeout field\n  it could never fire: put "
        "it on the templates that are called, or activeDeadlineSeconds on the workflow\n");
}

static void keys_that_no_plugin_is_called_by(void **state)
{
    (void)state;
    static const char SPEC[] = "templates: [{name: main, plugin: {helo: {}}}]";
    struct tph_map plugins = TPH_MAP_INIT;
    expect(SPEC, "");
    (void)tph_map_set(&plugins, TPH_STR("hello"), &plugins);
    expect_of(SPEC, (struct tph_lint_subject){.plugins = &plugins},
              "warning: spec.templates[0].plugin: no plugin is called \"helo\"\n  did you mean hello?\n");
    expect_of("templates: [{name: main, plugin: {spark: {}}}]", (struct tph_lint_subject){.plugins = &plugins},
              "warning: spec.templates[0].plugin: no plugin is called \"spark\"\n  plugins here: hello\n");
    expect_of("templates: [{name: main, plugin: {hello: {}}}]", (struct tph_lint_subject){.plugins = &plugins}, "");
    tph_map_release(&plugins);
}

static void hooks_that_cannot_begin(void **state)
{
    (void)state;
    expect("hooks: {bye: {template: nix, expression: 'true'}, exit: {template: leaf}}, templates: [{name: main, dag: "
           "{tasks: [{name: a, template: leaf, onExit: nix, hooks: {h: {template: leaf}, i: {template: nix, "
           "expression: 'true'}}}]}}, " LEAF "]",
           "warning: spec.hooks.bye.template: there is no template called 'nix'\n"
           "warning: spec.templates[0].dag.tasks[0].onExit: there is no template called 'nix'\n"
           "warning: spec.templates[0].dag.tasks[0].hooks.h: a hook other than exit needs an expression\n"
           "warning: spec.templates[0].dag.tasks[0].hooks.i.template: there is no template called 'nix'\n");
}

static void names_that_nothing_waits_for(void **state)
{
    (void)state;
    expect("templates: [{name: main, steps: [[{name: a, template: leaf}, {name: b, template: leaf, when: "
           "'{{steps.a.status}} == Succeeded'}], [{name: c, template: leaf, when: '{{steps.a.status}} == "
           "Succeeded'}]]}, " LEAF "]",
           "warning: spec.templates[0].steps[0][1].when: {{steps.a.status}} is not known when this begins, for nothing "
           "makes it wait for 'a'\n  put this step into a later group\n");
    expect(
        "templates: [{name: main, dag: {tasks: [{name: a, template: leaf}, {name: b, template: leaf, when: "
        "'{{tasks.a.outputs.result}} == x'}, {name: c, template: leaf, depends: a, when: "
        "'{{tasks.a.outputs.result}} == x'}]}}, " LEAF "]",
        "warning: spec.templates[0].dag.tasks[1].when: {{tasks.a.outputs.result}} is not known when this begins, for "
        "nothing makes it wait for 'a'\n  let the task depend on it\n");
}

/* A step of a template that has the input n. */
static void expect_when(const char *when, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf spec = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_printf(&spec, "templates: [{name: main, " PARAM "steps: [[{name: a, template: leaf, when: ");
    tph_json_write_str(tph_str(when), 0, &spec);
    (void)tph_buf_puts(&spec, "}]]}, " LEAF "]");
    if (*expected) {
        (void)tph_buf_printf(&line, "warning: spec.templates[0].steps[0][0].when: %s\n", expected);
    }
    expect(tph_buf_cstr(&spec), tph_buf_cstr(&line));
}

#define N "{{inputs.parameters.num}}"

static void conditions_that_compare_texts_with_numbers(void **state)
{
    (void)state;
    expect_when("'" N "' > 3", "'" N "' is a text: to compare it with the number 3 is an error when it is evaluated\n"
                               "  write it without quotes");
    expect_when("true && 3 == \"" N "\"", "\"" N "\" is a text: to compare it with the number 3 is never true\n"
                                          "  write it without quotes");
    expect_when(N " != '3'", "where " N " is a number, to compare it with the text '3' is always true\n"
                             "  put both into quotes, or none");
    static const char *const well[] = {
        N " > 3",           "'" N "' == '3'",        N " == 'three'", "'" N "' == 'a > 3'", N " == 3 || x == y",
        "'a\\' > 3' == " N, N " in ('1', '2')",      "3 > 2",         "'" N "' =~ '^3'",    N,
        "!(" N " == 1)",    "'2024-01-02' < '" N "'"};
    for (size_t i = 0; i < sizeof well / sizeof well[0]; i++) {
        expect_when(well[i], "");
    }
}

static void conditions_that_can_never_be_decided(void **state)
{
    (void)state;
    expect_when("((( ==", "this can never be decided: Invalid 'when' expression '((( ==': Unbalanced parenthesis");
    expect_when(N " == foo-bar", "this can never be decided: Failed to evaluate 'when' expresion 'x == foo-bar': Value "
                                 "'foo' cannot be used with the modifier '-', it is not a number");
    expect_when("1 + 1", "this can never be decided: Expected boolean evaluation for '1 + 1'. Got 2");
}

static void expect_expression(const char *expression, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf spec = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_printf(&spec, "templates: [{name: main, " PARAM "retryStrategy: {limit: 1, expression: ");
    tph_json_write_str(tph_str(expression), 0, &spec);
    (void)tph_buf_puts(&spec, "}, plugin: {x: [{a: '{{=");
    (void)tph_buf_puts(&spec, strchr(expression, '\'') ? "1" : expression);
    (void)tph_buf_puts(&spec, "}}', expression: 'retries > 1', when: '((('}]}}]");
    if (*expected && !strchr(expression, '\'')) {
        (void)tph_buf_printf(&line, "warning: spec.templates[0].plugin.x[0].a: %s\n", expected);
    }
    if (*expected) {
        (void)tph_buf_printf(&line, "warning: spec.templates[0].retryStrategy.expression: %s\n", expected);
    }
    expect(tph_buf_cstr(&spec), tph_buf_cstr(&line));
}

static void expressions_that_compare_texts_with_numbers(void **state)
{
    (void)state;
    expect_expression("inputs.parameters.num >= 5",
                      "inputs.parameters.num is a text: to compare it with the number 5 is an "
                      "error when it is evaluated\n  write asInt(inputs.parameters.num) >= 5");
    expect_expression("0 == inputs.parameters['num']",
                      "inputs.parameters['num'] is a text: to compare it with the number "
                      "0 is never true\n  write 0 == asInt(inputs.parameters['num'])");
    expect_expression("x && lastRetry.exitCode != 2",
                      "lastRetry.exitCode is a text: to compare it with the number 2 is "
                      "always true\n  write asInt(lastRetry.exitCode) != 2");
    expect_expression("retries < 3", "retries is a text: to compare it with the number 3 is an error when it is "
                                     "evaluated\n  write asInt(retries) < 3");
    static const char *const well[] = {"asInt(inputs.parameters.num) > 5",
                                       "inputs.parameters.num == \"5\"",
                                       "len(inputs.parameters.num) > 5",
                                       "inputs.parameters.num.x == inputs.parameters.num",
                                       "steps.a.count > 5",
                                       "5 > 3",
                                       "inputs.parametersx > 5",
                                       "retriesLeft > 5",
                                       "\"inputs.parameters.num > 5\" == x",
                                       "inputs.parameters.num | int() > 5"};
    for (size_t i = 0; i < sizeof well / sizeof well[0]; i++) {
        expect_expression(well[i], "");
    }
}

static void expressions_that_can_never_be_evaluated(void **state)
{
    (void)state;
    expect_expression("1 +", "this can never be evaluated: unexpected token EOF (1:3)\n   | 1 +\n   | ..^");
    expect_expression("inputs.parameters.nun == \"x\" || inputs.parameters.other?.a == inputs.parameters.num",
                      "inputs.parameters.nun is not known here\n  declare it under inputs.parameters of this template");
    static const char *const well[] = {"all(1..3, {# > 0})",
                                       "let x = asInt(retries); x > 1",
                                       "tasks.a.anything.at.all > 3",
                                       "toJson(inputs.parameters) != item.x",
                                       "steps[\"a-b\"].outputs.result == workflow.name",
                                       "sprig.upper(\"a\") == \"A\"",
                                       "(inputs.parameters.maybe ?? \"x\") == \"x\""};
    for (size_t i = 0; i < sizeof well / sizeof well[0]; i++) {
        expect_expression(well[i], "");
    }
    expect("templates: [{name: main, retryStrategy: {expression: '{{workflow.name}} ('}, plugin: {x: {}}}]", "");
    expect(
        "templates: [{name: main, http: {url: u, successCondition: response.statusCode == }}]",
        "warning: spec.templates[0].http.successCondition: this can never be evaluated: unexpected token EOF (1:22)\n"
        "   | response.statusCode ==\n   | .....................^\n");
}

static void problems_have_a_ceiling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf spec = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&spec, "templates: [{name: main, plugin: {x: {}}}");
    for (size_t i = 0; i < TPH_LIMIT_LINT_PROBLEMS + 3; i++) {
        (void)tph_buf_printf(&spec, ", {name: t%zu, plugin: {x: '{{inputs.parameters.%zu}}'}}", i, i);
    }
    (void)tph_buf_puts(&spec, "]");
    char *text = told(tph_buf_cstr(&spec), (struct tph_lint_subject){.mode = TPH_LINT_FOR_REPORT});
    assert_non_null(strstr(text, "spec.templates[500].plugin.x: {{inputs.parameters.499}} is not known here\n"));
    assert_non_null(strstr(text, "\n3 more\n"));
    free(text);
}

/* Names are looked for that are near, but not for ever, and not among all. */
static void hints_have_a_ceiling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf spec = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    size_t n = 0;
    (void)tph_buf_puts(&spec, "templates: [{name: main, steps: [");
    for (size_t i = 0; i <= TPH_LIMIT_LINT_HINTS; i++) {
        (void)tph_buf_printf(&spec, "[{name: s%zu, template: leef}],", i);
    }
    (void)tph_buf_puts(&spec, "]}, " LEAF "]");
    char *text = told(tph_buf_cstr(&spec), (struct tph_lint_subject){.mode = TPH_LINT_FOR_REPORT});
    for (const char *at = text; (at = strstr(at, "did you mean leaf?")) != NULL; at++) {
        n++;
    }
    assert_int_equal(n, TPH_LIMIT_LINT_HINTS);
    free(text);
    tph_buf_clear(&spec);
    (void)tph_buf_puts(&spec, "templates: [{name: main, steps: [[{name: s, template: last}]]}");
    for (size_t i = 1; i < TPH_LIMIT_LINT_NEAR; i++) {
        (void)tph_buf_printf(&spec, ", {name: t%zu, plugin: {x: {}}}", i);
    }
    (void)tph_buf_puts(&spec, ", {name: lest, plugin: {x: {}}}]");
    expect(tph_buf_cstr(&spec), "error: spec.templates[0].steps[0][0].template: there is no template called 'last'\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_different_templates_are_all_told),
        cmocka_unit_test(errors_of_tasks_are_all_told),
        cmocka_unit_test(outputs_that_nobody_declares),
        cmocka_unit_test(one_mistake_is_told_once),
        cmocka_unit_test(what_cannot_be_read_is_told_with_its_place),
        cmocka_unit_test(templates_of_other_objects_are_named_with_their_caller),
        cmocka_unit_test(templates_that_are_pods),
        cmocka_unit_test(outputs_that_nobody_delivers),
        cmocka_unit_test(timeouts_that_never_fire),
        cmocka_unit_test(keys_that_no_plugin_is_called_by),
        cmocka_unit_test(hooks_that_cannot_begin),
        cmocka_unit_test(names_that_nothing_waits_for),
        cmocka_unit_test(conditions_that_compare_texts_with_numbers),
        cmocka_unit_test(conditions_that_can_never_be_decided),
        cmocka_unit_test(expressions_that_compare_texts_with_numbers),
        cmocka_unit_test(expressions_that_can_never_be_evaluated),
        cmocka_unit_test(problems_have_a_ceiling),
        cmocka_unit_test(hints_have_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
