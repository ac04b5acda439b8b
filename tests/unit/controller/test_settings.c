/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as YAML and as Argo's ConfigMap: what is taken, what is named as unused, what is refused. */
#include "controller/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compat.h"

static void all_forms_say_the_same(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "workflowDefaults: {spec: {entrypoint: m}}\ntemplateMap: {container: c, script: s}\ncompatibility: "
        "loops,texts\n"
        "persistence: {}\nlinks: []\n",
        "kind: ConfigMap\ndata:\n  workflowDefaults: |\n    spec:\n      entrypoint: m\n  templateMap: |\n"
        "    container: c\n    script: s\n  compatibility: loops,texts\n  persistence: '{}'\n  links: ''\n",
        "kind: ConfigMap\ndata:\n  config: |\n    workflowDefaults: {spec: {entrypoint: m}}\n"
        "    templateMap: {container: c, script: s}\n    compatibility: loops,texts\n    persistence: {}\n    links:\n",
    };
    for (size_t i = 0; i < 3; i++) {
        struct tph_settings s;
        struct tph_error err = TPH_ERROR_INIT;
        tph_settings_init(&s);
        assert_int_equal(tph_settings_read(&s, tph_str(forms[i]), &err), 0);
        assert_true(tph_str_eqz(tph_json_get_str(tph_json_get(s.workflow_defaults, "spec"), "entrypoint"), "m"));
        assert_string_equal(s.map.container, "c");
        assert_string_equal(s.map.script, "s");
        assert_int_equal(s.compat, TPH_COMPAT_LOOPS | TPH_COMPAT_TEXTS);
        assert_string_equal(tph_buf_cstr(&s.unused), "persistence, links");
        tph_settings_release(&s);
    }
}

static void numbers_and_switches_are_read(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "parallelism: 3\nnamespaceParallelism: 2\nretentionPolicy: {completed: 4, failed: 5, errored: 6}\n"
        "nodeEvents: {enabled: false}\nworkflowEvents: {enabled: false}\nvalidate: deny\n"
        "workflowRestrictions: {templateReferencing: Secure}\n",
        "kind: ConfigMap\ndata:\n  parallelism: '3'\n  namespaceParallelism: '2'\n  retentionPolicy: |\n"
        "    completed: 4\n    failed: 5\n    errored: 6\n  nodeEvents: '{enabled: false}'\n"
        "  workflowEvents: '{enabled: false}'\n  validate: deny\n  workflowRestrictions: |\n"
        "    templateReferencing: Secure\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct tph_settings read;
        struct tph_settings s;
        struct tph_error err = TPH_ERROR_INIT;
        tph_settings_init(&read);
        assert_int_equal(tph_settings_read(&read, tph_str(forms[i]), &err), 0);
        tph_settings_copy(&read, &s);
        tph_settings_release(&read);
        assert_int_equal(s.parallelism, 3);
        assert_int_equal(s.ns_parallelism, 2);
        assert_int_equal(s.keep_succeeded, 4);
        assert_int_equal(s.keep_failed, 5);
        assert_int_equal(s.keep_errored, 6);
        assert_true(s.no_node_events && s.no_workflow_events && s.must_refer);
        assert_int_equal(s.validate, TPH_VALIDATE_DENY);
        assert_int_equal(tph_settings_read(&s, TPH_STR("validate: off\nparallelism:\nworkflowEvents: {}\n"), &err), 0);
        assert_int_equal(s.validate, TPH_VALIDATE_OFF);
        assert_int_equal(s.parallelism, 0);
        assert_false(s.no_workflow_events);
        assert_true(s.no_node_events);
        tph_settings_release(&s);
    }
}

static void what_is_wrong_is_named_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"workflowDefaults: {entrypoint: m}", "workflowDefaults: takes metadata and spec, as a Workflow has them"},
        {"workflowDefaults: text", "workflowDefaults: takes metadata and spec, as a Workflow has them"},
        {"workflowDefaults: {spec: {parallelism: many}}", "workflowDefaults: "},
        {"parallelism: many", "parallelism: takes a number of workflows, 0 for no limit"},
        {"namespaceParallelism: -1", "namespaceParallelism: takes a number of workflows, 0 for no limit"},
        {"retentionPolicy: {succeeded: 1}",
         "retentionPolicy: takes {completed, failed, errored}, numbers of workflows"},
        {"retentionPolicy: {failed: x}", "retentionPolicy.failed: takes a number of workflows, 0 for no limit"},
        {"nodeEvents: {enabled: maybe}", "nodeEvents.enabled: takes true or false"},
        {"workflowEvents: [a]", "workflowEvents: takes {enabled: true or false}"},
        {"validate: loud", "validate: takes off, warn or deny, not \"loud\""},
        {"workflowRestrictions: {templateReferencing: strict}",
         "workflowRestrictions.templateReferencing: takes Strict or Secure, not \"strict\""},
        {"kind: ConfigMap\ndata: {parallelism: ten}", "parallelism: takes a number of workflows, 0 for no limit"},
        {"templateMap: {resource: p}", "templateMap: takes container and script templates"},
        {"templateMap: {script: ''}", "templateMap: takes container and script templates"},
        {"templateMap: c", "templateMap: takes {container: PLUGIN, script: PLUGIN}"},
        {"compatibility: nothing", "compatibility: "},
        {"- a", "no map of settings"},
        {"kind: ConfigMap\ndata: {templateMap: '{'}", "templateMap: "},
        {"kind: ConfigMap\ndata: {config: '{'}", "config: "},
        {"a: [", "line "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_settings s;
        struct tph_error err = TPH_ERROR_INIT;
        tph_settings_init(&s);
        assert_int_equal(tph_settings_read(&s, TPH_STR("templateMap: {container: kept}\nx: 1"), &err), 0);
        assert_int_equal(tph_settings_read(&s, tph_str(rows[i][0]), &err), -1);
        if (!strstr(err.text, rows[i][1])) {
            fail_msg("\"%s\" says: %s", rows[i][0], err.text);
        }
        assert_string_equal(s.map.container, "kept");
        assert_null(s.map.script);
        assert_null(s.workflow_defaults);
        assert_string_equal(tph_buf_cstr(&s.unused), "x");
        tph_settings_release(&s);
    }
}

static void a_later_text_replaces_keys_that_it_has(void **state)
{
    (void)state;
    struct tph_settings s;
    struct tph_error err = TPH_ERROR_INIT;
    tph_settings_init(&s);
    assert_int_equal(tph_settings_read(&s, TPH_STR("templateMap: {container: a, script: b}"), &err), 0);
    assert_int_equal(tph_settings_read(&s, TPH_STR("templateMap: {container: c}"), &err), 0);
    assert_int_equal(tph_settings_read(&s, TPH_STR("workflowDefaults:\ncompatibility: argo"), &err), 0);
    assert_int_equal(tph_settings_read(&s, TPH_STR(""), &err), 0);
    assert_string_equal(s.map.container, "c");
    assert_string_equal(s.map.script, "b");
    assert_null(s.workflow_defaults);
    assert_int_equal(s.compat, TPH_COMPAT_ARGO);
    tph_settings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_say_the_same),
        cmocka_unit_test(numbers_and_switches_are_read),
        cmocka_unit_test(what_is_wrong_is_named_and_changes_nothing),
        cmocka_unit_test(a_later_text_replaces_keys_that_it_has),
    };
    return cmocka_run_group_tests_name("controller/settings", tests, NULL, NULL);
}
