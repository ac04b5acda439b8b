/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/settings.h"

#include "api/gotype_tables.h"
#include "api/unstructured.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "engine/compat.h"

void tph_settings_init(struct tph_settings *settings)
{
    *settings = (struct tph_settings){.unused = TPH_BUF_INIT(TPH_KIB(16))};
}

void tph_settings_release(struct tph_settings *settings)
{
    tph_json_doc_freep(&settings->doc);
    tph_template_map_release(&settings->map);
    tph_buf_release(&settings->unused);
    settings->workflow_defaults = NULL;
}

static int wrong(const char *key, struct tph_error *err)
{
    struct tph_error inner = *err;
    return tph_error_set(err, TPH_ERROR_INVALID, "%s: %s", key, inner.text);
}

static int read_defaults(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    static const char *const members[] = {"apiVersion", "kind", "metadata", "spec"};
    size_t n_known = 0;
    if (tph_json_is_null(value)) {
        next->workflow_defaults = NULL;
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        n_known += tph_json_get(value, members[i]) != NULL;
    }
    if (!tph_json_is(value, TPH_JSON_OBJECT) || n_known < tph_json_len(value)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "workflowDefaults: takes metadata and spec, as a Workflow has them");
    }
    struct tph_json *copy = tph_json_copy(next->doc, value);
    if (tph_unstructured_check(copy, &tph_gt_argo_Workflow, err) < 0) {
        return wrong("workflowDefaults", err);
    }
    next->workflow_defaults = copy;
    return 0;
}

static int read_map(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(value);
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "templateMap: takes {container: PLUGIN, script: PLUGIN}");
    }
    while (tph_json_next(&it)) {
        if (tph_template_map_set(&next->map, it.key, tph_json_str(it.value), err) < 0) {
            return wrong("templateMap", err);
        }
    }
    return 0;
}

static int read_all(struct tph_settings *next, const struct tph_json *root, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(root);
    while (tph_json_next(&it)) {
        int failed = 0;
        if (tph_str_eqz(it.key, "workflowDefaults")) {
            failed = read_defaults(next, it.value, err);
        } else if (tph_str_eqz(it.key, "templateMap")) {
            failed = read_map(next, it.value, err);
        } else if (tph_str_eqz(it.key, "compatibility")) {
            failed = tph_compat_parse(tph_json_str(it.value), &next->compat, err);
            failed = failed < 0 ? wrong("compatibility", err) : 0;
        } else {
            (void)tph_buf_printf(&next->unused, "%s%.*s", next->unused.len > 0 ? ", " : "", TPH_FMT(it.key));
        }
        if (failed < 0) {
            return -1;
        }
    }
    return 0;
}

/* A copy that reading goes into, so that a half-read text changes nothing. */
static void copy_settings(const struct tph_settings *from, struct tph_settings *to)
{
    tph_settings_init(to);
    to->doc = tph_json_doc_new();
    to->compat = from->compat;
    to->workflow_defaults = from->workflow_defaults ? tph_json_copy(to->doc, from->workflow_defaults) : NULL;
    (void)tph_buf_put(&to->unused, tph_buf_str(&from->unused));
    struct tph_error err = TPH_ERROR_INIT;
    if (from->map.container) {
        (void)!tph_template_map_set(&to->map, TPH_STR("container"), tph_str(from->map.container), &err);
    }
    if (from->map.script) {
        (void)!tph_template_map_set(&to->map, TPH_STR("script"), tph_str(from->map.script), &err);
    }
}

static int read_object(struct tph_settings *settings, const struct tph_json *root, struct tph_error *err)
{
    struct tph_settings next;
    copy_settings(settings, &next);
    int failed = read_all(&next, root, err);
    if (failed == 0) {
        struct tph_settings old = *settings;
        *settings = next;
        next = old;
    }
    tph_settings_release(&next);
    return failed;
}

int tph_settings_read(struct tph_settings *settings, struct tph_str text, struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_yaml_parse(text, 0, &doc, NULL, err) < 0) {
        return -1;
    }
    const struct tph_json *root = tph_json_root(doc);
    if (tph_str_eqz(tph_json_get_str(root, "kind"), "ConfigMap")) {
        return tph_settings_read_map(settings, root, err);
    }
    if (!tph_json_is(root, TPH_JSON_OBJECT) && !tph_json_is_null(root)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "no map of settings, such as workflowDefaults");
    }
    return read_object(settings, root, err);
}

int tph_settings_read_map(struct tph_settings *settings, const struct tph_json *config_map, struct tph_error *err)
{
    const struct tph_json *data = tph_json_get(config_map, "data");
    struct tph_str whole = tph_json_get_str(data, "config");
    if (whole.len > 0) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_yaml_parse(whole, 0, &doc, NULL, err) < 0) {
            return wrong("config", err);
        }
        return read_object(settings, tph_json_root(doc), err);
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *root = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(data);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *read = NULL;
        if (tph_yaml_parse(tph_json_str(it.value), 0, &read, NULL, err) < 0) {
            TPH_CLEANUP(tph_freep) char *key = tph_str_dup(it.key);
            return wrong(key, err);
        }
        tph_json_setn(doc, root, it.key, tph_json_copy(doc, tph_json_root(read)));
    }
    return read_object(settings, root, err);
}
