/* SPDX-License-Identifier: Apache-2.0 */
/* One object checked as for a run: what lint lets pass and a run does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/gotype_tables.h"
#include "data/yaml.h"
#include "lint/lint.h"

#define LEAF "templates: [{name: main, plugin: {x: {}}}]"

static void check(const char *spec, enum tph_lint_mode mode, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4096);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    const struct tph_go_options options = {.flags = TPH_GO_KEEP_EMPTY};
    const struct tph_lint_set set = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = NULL;
    assert_int_equal(tph_buf_printf(&text, "{kind: Workflow, metadata: {name: w}, spec: {%s}}", spec), 0);
    assert_int_equal(tph_yaml_parse(tph_buf_str(&text), 0, &doc, NULL, &err), 0);
    assert_int_equal(tph_go_convert(doc, tph_json_root(doc), &tph_gt_argo_Workflow, &options, &object, &err), 0);
    assert_int_equal(tph_lint_object(object, &set, mode, &err), expected ? -1 : 0);
    assert_string_equal(err.text, expected ? expected : "");
}

/* Expected texts: recorded cases invalid-workflow-arg-no-value and ref-missing-resource. */
static void an_argument_without_value_passes_lint_but_no_run(void **state)
{
    (void)state;
    static const char SPEC[] = "entrypoint: main, arguments: {parameters: [{name: p}]}, " LEAF;
    check(SPEC, TPH_LINT_FOR_REPORT, NULL);
    check(SPEC, TPH_LINT_FOR_RUN, "spec.arguments.p.value or spec.arguments.p.valueFrom is required");
}

static void a_missing_reference_is_told_as_the_cluster_tells_it(void **state)
{
    (void)state;
    static const char SPEC[] = "entrypoint: main, templates: [{name: main, steps: [[{name: a, templateRef: {name: r, "
                               "template: t}}]]}]";
    check(SPEC, TPH_LINT_FOR_REPORT,
          "templates.main.steps[0].a couldn't find workflow template \"r\" in namespace \"\"");
    check(SPEC, TPH_LINT_FOR_RUN, "templates.main.steps[0].a template reference r.t not found");
}

static void empty_steps_are_a_type(void **state)
{
    (void)state;
    check("entrypoint: main, templates: [{name: main, steps: []}]", TPH_LINT_FOR_RUN, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_argument_without_value_passes_lint_but_no_run),
        cmocka_unit_test(a_missing_reference_is_told_as_the_cluster_tells_it),
        cmocka_unit_test(empty_steps_are_a_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
