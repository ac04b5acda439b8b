/* SPDX-License-Identifier: Apache-2.0 */
/* A template's outputs: well formed, and what they offer to those after it. Metrics. */
#include <ctype.h>
#include <string.h>

#include "lint/internal.h"

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

static size_t filled(const struct tph_json *object, const char *key)
{
    return tph_json_get_str(object, key).len > 0 ? 1 : 0;
}

static int source(struct tph_lint *l, const struct tph_json *p, const char *where)
{
    const struct tph_json *from = tph_json_get(p, "valueFrom");
    if (has(p, "valueFrom") && has(p, "value")) {
        return tph_lint_fail(l, "%s" TPH_LINT_PLACE_END " has both valueFrom and value specified, choose one", where);
    }
    if (has(p, "value")) {
        return 0;
    }
    if (!has(p, "valueFrom")) {
        return tph_lint_fail(l, "%s" TPH_LINT_PLACE_END " does not have valueFrom or value specified", where);
    }
    size_t n = filled(from, "path") + filled(from, "jqFilter") + filled(from, "jsonPath") + filled(from, "parameter") +
               filled(from, "expression") + (has(from, "supplied") ? 1 : 0);
    if (n == 1) {
        return 0;
    }
    if (n == 0) {
        (void)tph_lint_fail(l, "valueFrom type unspecified. choose one of: path, jqFilter, jsonPath, parameter, raw, "
                               "expression");
    } else {
        (void)tph_lint_fail(l, "multiple valueFrom types specified. choose one of: path, jqFilter, jsonPath, "
                               "parameter, raw");
    }
    return tph_lint_at(l, "valueFrom");
}

/* A member of valueFrom that a template of the type must have. */
static int missing(struct tph_lint *l, const char *where, const char *members, const char *type)
{
    (void)tph_lint_fail(l, "%s%s" TPH_LINT_PLACE_END " must be specified for %s templates", where, members, type);
    (void)tph_lint_say(l, "%s must be specified for %s templates", members + strspn(members, " ."), type);
    return tph_lint_at(l, "valueFrom");
}

static int source_of_type(struct tph_lint *l, const struct tph_json *from, const char *type, const char *where)
{
    bool pod = strcmp(type, "Container") == 0 || strcmp(type, "ContainerSet") == 0 || strcmp(type, "Script") == 0;
    bool calls = strcmp(type, "Steps") == 0 || strcmp(type, "DAG") == 0;
    if (pod && !filled(from, "path")) {
        return missing(l, where, ".path", type);
    }
    if (strcmp(type, "Resource") == 0 && !filled(from, "jqFilter") && !filled(from, "jsonPath")) {
        return missing(l, where, " .jqFilter or jsonPath", type);
    }
    if (calls && !filled(from, "parameter") && !filled(from, "expression")) {
        return missing(l, where, ".parameter or expression", type);
    }
    return 0;
}

static int global_name(struct tph_lint *l, const struct tph_json *item, const char *where)
{
    struct tph_str name = tph_json_get_str(item, "globalName");
    const char *bad = name.len == 0 || tph_lint_is_parameter(name) ? NULL : tph_lint_bad_name(name, TPH_LINT_PARAMETER);
    if (!bad) {
        return 0;
    }
    (void)tph_lint_fail(l, "%s.globalName" TPH_LINT_PLACE_END ": %s", where, bad);
    return tph_lint_at(l, "globalName");
}

static int artifact(struct tph_lint *l, const struct tph_json *a, const char *type, const char *where)
{
    bool path = filled(a, "path") > 0;
    if (tph_lint_is_leaf(type) && !path) {
        return tph_lint_fail(l, "error in %s" TPH_LINT_PLACE_END ": Artifact '%.*s' did not specify a path", where,
                             TPH_FMT(tph_json_get_str(a, "name")));
    }
    if (!tph_lint_is_leaf(type) && path) {
        (void)tph_lint_fail(l, "%s.path" TPH_LINT_PLACE_END " only valid in container/script templates", where);
        return tph_lint_at(l, "path");
    }
    return global_name(l, a, where);
}

static int parameter(struct tph_lint *l, const struct tph_json *p, const char *type, const char *where)
{
    const struct tph_json *from = tph_json_get(p, "valueFrom");
    return source(l, p, where) < 0 || (from && type && source_of_type(l, from, type, where) < 0) ||
                   global_name(l, p, where) < 0
               ? -1
               : 0;
}

int tph_lint_outputs(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    const struct tph_json *parameters = tph_json_path(tmpl, "outputs", "parameters", NULL);
    const struct tph_json *artifacts = tph_json_path(tmpl, "outputs", "artifacts", NULL);
    const char *type = tph_lint_type(tmpl);
    struct tph_lint_mark mark = tph_lint_enter(l, "outputs");
    struct tph_lint_mark list = tph_lint_enter(l, "parameters");
    if (tph_lint_names(l, parameters, TPH_LINT_PARAMETER,
                       tph_lint_text(l, "templates.%.*s.outputs.parameters ", TPH_FMT(name)).p) < 0) {
        return -1;
    }
    tph_lint_leave(l, list);
    (void)tph_lint_enter(l, "artifacts");
    if (tph_lint_names(l, artifacts, TPH_LINT_PARAMETER,
                       tph_lint_text(l, "templates.%.*s.outputs.artifacts ", TPH_FMT(name)).p) < 0) {
        return -1;
    }
    tph_lint_leave(l, list);
    if (tph_lint_resolve_json(l, scope, tph_json_get(tmpl, "outputs")) < 0) {
        return tph_lint_wrap(l, "templates.%.*s.outputs ", TPH_FMT(name));
    }
    struct tph_json_iter it = tph_json_iter(artifacts);
    while (tph_json_next(&it)) {
        (void)tph_lint_enter(l, "artifacts[%zu]", it.index);
        const char *where = tph_lint_text(l, "templates.%.*s.outputs.artifacts.%.*s", TPH_FMT(name),
                                          TPH_FMT(tph_json_get_str(it.value, "name")))
                                .p;
        if (tph_lint_go_on(l, artifact(l, it.value, type, where), list) < 0) {
            return -1;
        }
        tph_lint_leave(l, list);
    }
    it = tph_json_iter(parameters);
    while (tph_json_next(&it)) {
        const char *where = tph_lint_text(l, "templates.%.*s.outputs.parameters.%.*s", TPH_FMT(name),
                                          TPH_FMT(tph_json_get_str(it.value, "name")))
                                .p;
        (void)tph_lint_enter(l, "parameters[%zu]", it.index);
        if (tph_lint_go_on(l, parameter(l, it.value, type, where), list) < 0) {
            return -1;
        }
        tph_lint_leave(l, list);
    }
    tph_lint_leave(l, mark);
    return 0;
}

static void add_global(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *item, const char *kind)
{
    struct tph_str name = tph_json_get_str(item, "globalName");
    if (name.len > 0 && tph_lint_is_parameter(name)) {
        tph_lint_scope_add(l, scope, "workflow.outputs.%s.*", kind);
    } else if (name.len > 0) {
        tph_lint_global(l, tph_lint_text(l, "workflow.outputs.%s.%.*s", kind, TPH_FMT(name)), TPH_STR_NONE);
    }
}

static bool has_result(const struct tph_json *tmpl)
{
    static const char *const KEYS[] = {"container", "script", "data", "http", "plugin"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (has(tmpl, KEYS[i])) {
            return true;
        }
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "containerSet", "containers", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "name"), "main")) {
            return true;
        }
    }
    return false;
}

void tph_lint_add_outputs(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                          const struct tph_lint_add *add)
{
    static const char *const ALWAYS[] = {"id", "startedAt", "finishedAt", "hostNodeName"};
    struct tph_str ref = tph_lint_text(l, "%s.%.*s", add->word, TPH_FMT(add->name));
    for (size_t i = 0; i < sizeof ALWAYS / sizeof ALWAYS[0]; i++) {
        tph_lint_scope_add(l, scope, "%s.%s", ref.p, ALWAYS[i]);
    }
    if (!tmpl) {
        return;
    }
    if (tph_json_bool(tph_json_get(tmpl, "daemon"))) {
        tph_lint_scope_add(l, scope, "%s.ip", ref.p);
    }
    if (has_result(tmpl) || (add->aggregate && has(tmpl, "containerSet"))) {
        tph_lint_scope_add(l, scope, "%s.outputs.result", ref.p);
        tph_lint_scope_add(l, scope, "%s.exitCode", ref.p);
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        tph_lint_scope_add(l, scope, "%s.outputs.parameters.%.*s", ref.p, TPH_FMT(tph_json_get_str(it.value, "name")));
        add_global(l, scope, it.value, "parameters");
    }
    it = tph_json_iter(tph_json_path(tmpl, "outputs", "artifacts", NULL));
    while (tph_json_next(&it)) {
        tph_lint_scope_add(l, scope, "%s.outputs.artifacts.%.*s", ref.p, TPH_FMT(tph_json_get_str(it.value, "name")));
        add_global(l, scope, it.value, "artifacts");
    }
    if (add->aggregate) {
        tph_lint_scope_add(l, scope, "%s.outputs.parameters", ref.p);
    }
}

static bool metric_name(struct tph_str name)
{
    bool good = name.len > 0 && !isdigit((unsigned char)name.p[0]);
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];
        good = good && c < 128 && (isalnum(c) || c == '_');
    }
    return good;
}

static int metric(struct tph_lint *l, const struct tph_json *m, struct tph_str name)
{
    static const char *const KINDS[] = {"gauge", "counter", "histogram"};
    struct tph_str title = tph_json_get_str(m, "name");
    if (!metric_name(title)) {
        return tph_lint_fail(l,
                             "templates.%.*s " TPH_LINT_PLACE_END "metric name '%.*s' is invalid. Metric names must "
                             "contain alphanumeric characters or '_'",
                             TPH_FMT(name), TPH_FMT(title));
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(m, "labels"));
    while (tph_json_next(&it)) {
        struct tph_str key = tph_json_get_str(it.value, "key");
        if (!metric_name(key)) {
            (void)tph_lint_fail(l,
                                "metric label '%.*s' is invalid: keys may only contain alphanumeric characters or '_'",
                                TPH_FMT(key));
            return tph_lint_at(l, "labels[%zu].key", it.index);
        }
    }
    if (!filled(m, "help")) {
        return tph_lint_fail(
            l, "templates.%.*s " TPH_LINT_PLACE_END "metric '%.*s' must contain a help string under 'help: ' field",
            TPH_FMT(name), TPH_FMT(title));
    }
    for (size_t i = 0; i < 3; i++) {
        const struct tph_json *kind = tph_json_get(m, KINDS[i]);
        if (!tph_json_is_null(kind) && !filled(kind, "value")) {
            (void)tph_lint_fail(l, "templates.%.*s " TPH_LINT_PLACE_END "metric '%.*s' error: missing %s.value",
                                TPH_FMT(name), TPH_FMT(title), KINDS[i]);
            return tph_lint_at(l, "%s", KINDS[i]);
        }
        if (i == 0 && tph_json_bool(tph_json_get(kind, "realtime")) &&
            tph_str_find(tph_json_get_str(kind, "value"), TPH_STR("resourcesDuration.")) >= 0) {
            return tph_lint_fail(l,
                                 "templates.%.*s " TPH_LINT_PLACE_END "metric '%.*s' error: 'resourcesDuration.*' "
                                 "metrics cannot be used in real-time",
                                 TPH_FMT(name), TPH_FMT(title));
        }
    }
    return 0;
}

int tph_lint_metrics(struct tph_lint *l, const struct tph_json *tmpl)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "metrics", "prometheus", NULL));
    while (tph_json_next(&it)) {
        struct tph_lint_mark mark = tph_lint_enter(l, "metrics.prometheus[%zu]", it.index);
        if (tph_lint_go_on(l, metric(l, it.value, tph_json_get_str(tmpl, "name")), mark) < 0) {
            return -1;
        }
        tph_lint_leave(l, mark);
    }
    return 0;
}
