/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/settings.h"

#include <stdio.h>

#include "api/gotype_tables.h"
#include "api/unstructured.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "engine/compat.h"

void tph_settings_init(struct tph_settings *settings)
{
    *settings = (struct tph_settings){.unused = TPH_BUF_INIT(TPH_KIB(16)), .of_server = TPH_BUF_INIT(TPH_KIB(16))};
}

void tph_settings_release(struct tph_settings *settings)
{
    tph_json_doc_freep(&settings->doc);
    tph_template_map_release(&settings->map);
    tph_buf_release(&settings->unused);
    tph_buf_release(&settings->of_server);
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

/* A number of workflows; null: no limit. */
static int read_count(const char *key, const struct tph_json *value, size_t *ret_count, struct tph_error *err)
{
    int64_t count = 0;
    if (!tph_json_is_null(value) && (tph_json_to_i64(value, &count) < 0 || count < 0)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: takes a number of workflows, 0 for no limit", key);
    }
    *ret_count = (size_t)count;
    return 0;
}

static int read_compat(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    return tph_compat_parse(tph_json_str(value), &next->compat, err) < 0 ? wrong("compatibility", err) : 0;
}

static int read_parallelism(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    return read_count("parallelism", value, &next->parallelism, err);
}

static int read_ns_parallelism(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    return read_count("namespaceParallelism", value, &next->ns_parallelism, err);
}

static int only_members(const char *key, const struct tph_json *value, const char *const *members, const char *form,
                        struct tph_error *err)
{
    size_t n_known = 0;
    for (; *members; members++) {
        n_known += tph_json_get(value, *members) != NULL;
    }
    if (!tph_json_is_null(value) && (!tph_json_is(value, TPH_JSON_OBJECT) || n_known < tph_json_len(value))) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s: takes %s", key, form);
    }
    return 0;
}

static int read_retention(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    static const char *const members[] = {"completed", "failed", "errored", NULL};
    size_t *const places[] = {&next->keep_succeeded, &next->keep_failed, &next->keep_errored};
    if (only_members("retentionPolicy", value, members, "{completed, failed, errored}, numbers of workflows", err) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < 3; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "retentionPolicy.%s", members[i]);
        if (read_count(key, tph_json_get(value, members[i]), places[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Of nodeEvents Argo also knows sendAsPod, which is about another object that events stand at: nothing here does that.
 */
static int read_events(const char *key, bool *ret_off, const struct tph_json *value, struct tph_error *err)
{
    static const char *const members[] = {"enabled", "sendAsPod", NULL};
    const struct tph_json *enabled = tph_json_get(value, "enabled");
    if (only_members(key, value, members, "{enabled: true or false}", err) < 0) {
        return -1;
    }
    if (!tph_json_is_null(enabled) && !tph_json_is(enabled, TPH_JSON_BOOL)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s.enabled: takes true or false", key);
    }
    *ret_off = !tph_json_is_null(enabled) && !tph_json_bool(enabled);
    return 0;
}

static int read_node_events(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    return read_events("nodeEvents", &next->no_node_events, value, err);
}

static int read_workflow_events(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    return read_events("workflowEvents", &next->no_workflow_events, value, err);
}

static int read_restrictions(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    static const char *const members[] = {"templateReferencing", NULL};
    struct tph_str mode = tph_json_get_str(value, "templateReferencing");
    next->must_refer = tph_str_eqz(mode, "Strict") || tph_str_eqz(mode, "Secure");
    if (mode.len > 0 && !next->must_refer) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "workflowRestrictions.templateReferencing: takes Strict or Secure, not \"%.*s\"",
                             TPH_FMT(mode));
    }
    return only_members("workflowRestrictions", value, members, "{templateReferencing: Strict or Secure}", err);
}

int tph_validate_parse(struct tph_str text, enum tph_validate *ret_validate, struct tph_error *err)
{
    static const char *const words[] = {
        [TPH_VALIDATE_OFF] = "off", [TPH_VALIDATE_WARN] = "warn", [TPH_VALIDATE_DENY] = "deny"};
    for (int i = 0; i <= TPH_VALIDATE_DENY; i++) {
        if (tph_str_eqz(text, words[i])) {
            *ret_validate = (enum tph_validate)i;
            return 0;
        }
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "takes off, warn or deny, not \"%.*s\"", TPH_FMT(text));
}

/* `off` may be a boolean: in YAML 1.1, which kubectl and others write, it is one. */
static int read_validate(struct tph_settings *next, const struct tph_json *value, struct tph_error *err)
{
    bool no = tph_json_is(value, TPH_JSON_BOOL) && !tph_json_bool(value);
    struct tph_str text = no || tph_json_is_null(value) ? TPH_STR("off") : tph_json_str(value);
    return tph_validate_parse(text, &next->validate, err) < 0 ? wrong("validate", err) : 0;
}

static const struct setting {
    const char *key;
    int (*read)(struct tph_settings *next, const struct tph_json *value, struct tph_error *err);
    bool of_server;
} known[] = {{"compatibility", read_compat, false},
             {"namespaceParallelism", read_ns_parallelism, true},
             {"nodeEvents", read_node_events, true},
             {"parallelism", read_parallelism, true},
             {"retentionPolicy", read_retention, true},
             {"templateMap", read_map, false},
             {"validate", read_validate, true},
             {"workflowDefaults", read_defaults, false},
             {"workflowEvents", read_workflow_events, true},
             {"workflowRestrictions", read_restrictions, true}};

static void add_name(struct tph_buf *names, struct tph_str name)
{
    (void)tph_buf_printf(names, "%s%.*s", names->len > 0 ? ", " : "", TPH_FMT(name));
}

static int read_all(struct tph_settings *next, const struct tph_json *root, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(root);
    while (tph_json_next(&it)) {
        const struct setting *found = NULL;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            found = tph_str_eqz(it.key, known[i].key) ? &known[i] : found;
        }
        if (!found) {
            add_name(&next->unused, it.key);
        } else if (found->read(next, it.value, err) < 0) {
            return -1;
        } else if (found->of_server) {
            add_name(&next->of_server, it.key);
        }
    }
    return 0;
}

void tph_settings_copy(const struct tph_settings *from, struct tph_settings *to)
{
    *to = *from;
    to->unused = TPH_BUF_INIT(TPH_KIB(16));
    to->of_server = TPH_BUF_INIT(TPH_KIB(16));
    to->map = (struct tph_template_map){.container = NULL};
    to->doc = tph_json_doc_new();
    to->workflow_defaults = from->workflow_defaults ? tph_json_copy(to->doc, from->workflow_defaults) : NULL;
    (void)tph_buf_put(&to->unused, tph_buf_str(&from->unused));
    (void)tph_buf_put(&to->of_server, tph_buf_str(&from->of_server));
    struct tph_error err = TPH_ERROR_INIT;
    if (from->map.container) {
        (void)!tph_template_map_set(&to->map, TPH_STR("container"), tph_str(from->map.container), &err);
    }
    if (from->map.script) {
        (void)!tph_template_map_set(&to->map, TPH_STR("script"), tph_str(from->map.script), &err);
    }
}

/* Into a copy, so that a half-read text changes nothing. */
static int read_object(struct tph_settings *settings, const struct tph_json *root, struct tph_error *err)
{
    struct tph_settings next;
    tph_settings_copy(settings, &next);
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
