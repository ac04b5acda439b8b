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

static void what_is_wrong_is_named_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"workflowDefaults: {entrypoint: m}", "workflowDefaults: takes metadata and spec, as a Workflow has them"},
        {"workflowDefaults: text", "workflowDefaults: takes metadata and spec, as a Workflow has them"},
        {"workflowDefaults: {spec: {parallelism: many}}", "workflowDefaults: "},
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
        cmocka_unit_test(what_is_wrong_is_named_and_changes_nothing),
        cmocka_unit_test(a_later_text_replaces_keys_that_it_has),
    };
    return cmocka_run_group_tests_name("controller/settings", tests, NULL, NULL);
}
