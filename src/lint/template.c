/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a template: found, its inputs supplied, its body walked the first time. */
#include <string.h>

#include "base/limits.h"
#include "lint/internal.h"

static const struct {
    const char *key;
    const char *type;
} TYPES[] = {
    {"container", "Container"}, {"containerSet", "ContainerSet"},
    {"steps", "Steps"},         {"dag", "DAG"},
    {"script", "Script"},       {"resource", "Resource"},
    {"data", "Data"},           {"suspend", "Suspend"},
    {"http", "HTTP"},           {"plugin", "Plugin"},
};
enum { N_TYPES = sizeof TYPES / sizeof TYPES[0] };

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

const char *tph_lint_type(const struct tph_json *tmpl)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        if (has(tmpl, TYPES[i].key)) {
            return TYPES[i].type;
        }
    }
    return NULL;
}

bool tph_lint_is_leaf(const char *type)
{
    return type && strcmp(type, "Steps") != 0 && strcmp(type, "DAG") != 0 && strcmp(type, "Suspend") != 0;
}

static bool is_pod(const char *type)
{
    return tph_lint_is_leaf(type) && strcmp(type, "HTTP") != 0 && strcmp(type, "Plugin") != 0;
}

struct tph_lint_base *tph_lint_base(struct tph_lint *l, const char *scope, const struct tph_json *object,
                                    const struct tph_json *spec)
{
    for (struct tph_lint_base *b = l->bases; b; b = b->next) {
        if (strcmp(b->scope, scope) == 0) {
            return b;
        }
    }
    struct tph_lint_base *base = TPH_ARENA_NEW(l->arena, struct tph_lint_base);
    base->scope = scope;
    base->object = object;
    base->path = tph_json_path(object, "spec", "workflowSpec", NULL) == spec ? "spec.workflowSpec" : "spec";
    base->spec = spec;
    base->next = l->bases;
    l->bases = base;
    struct tph_json_iter it = tph_json_iter(tph_json_get(spec, "templates"));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        if (!tph_map_get(&base->templates, name)) {
            struct tph_lint_template *t = TPH_ARENA_NEW(l->arena, struct tph_lint_template);
            *t = (struct tph_lint_template){.json = it.value, .index = it.index};
            (void)tph_map_set(&base->templates, name, t);
        }
    }
    return base;
}

int tph_lint_not_found(struct tph_lint *l, struct tph_str name, bool cluster)
{
    if (cluster) {
        (void)tph_lint_fail(l, "couldn't find cluster workflow template \"%.*s\"", TPH_FMT(name));
    } else {
        (void)tph_lint_fail(l, "couldn't find workflow template \"%.*s\" in namespace \"%.*s\"", TPH_FMT(name),
                            TPH_FMT(l->ns));
    }
    return tph_lint_hint(l, "references are looked up in the files that are given: give its file, too");
}

/* The object of a templateRef. */
static struct tph_lint_base *referred(struct tph_lint *l, const struct tph_json *ref)
{
    struct tph_str name = tph_json_get_str(ref, "name");
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    struct tph_str key = cluster ? name : tph_lint_text(l, "%.*s/%.*s", TPH_FMT(l->ns), TPH_FMT(name));
    const struct tph_json *object = tph_map_get(cluster ? &l->set->cluster : &l->set->templates, key);
    if (!object && l->for_run) {
        (void)tph_lint_fail(l, "template reference %.*s.%.*s not found", TPH_FMT(name),
                            TPH_FMT(tph_json_get_str(ref, "template")));
        (void)tph_lint_hint(l, "there is no %s \"%.*s\"; give its file, too",
                            cluster ? "ClusterWorkflowTemplate" : "WorkflowTemplate", TPH_FMT(name));
    } else if (!object) {
        (void)tph_lint_not_found(l, name, cluster);
    }
    if (!object) {
        (void)tph_lint_at(l, "templateRef.name");
        return NULL;
    }
    return tph_lint_base(l, tph_lint_text(l, "%s/%.*s", cluster ? "cluster" : "namespaced", TPH_FMT(name)).p, object,
                         tph_json_get(object, "spec"));
}

/* Tells of the artifact at the path of the walk. */
static int input_artifact(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                          const struct tph_json *a)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    struct tph_str artifact = tph_json_get_str(a, "name");
    tph_lint_scope_add(l, scope, "inputs.artifacts.%.*s", TPH_FMT(artifact));
    if (tph_lint_is_leaf(tph_lint_type(tmpl))) {
        if (tph_json_get_str(a, "path").len == 0) {
            return tph_lint_fail(l,
                                 "error in templates.%.*s.inputs.artifacts.%.*s" TPH_LINT_PLACE_END
                                 ": Artifact '%.*s' did not specify a path",
                                 TPH_FMT(name), TPH_FMT(artifact), TPH_FMT(artifact));
        }
        tph_lint_scope_add(l, scope, "inputs.artifacts.%.*s.path", TPH_FMT(artifact));
    } else if (tph_json_get_str(a, "path").len > 0) {
        (void)tph_lint_fail(l,
                            "templates.%.*s.inputs.artifacts.%.*s.path" TPH_LINT_PLACE_END
                            " only valid in container/script templates",
                            TPH_FMT(name), TPH_FMT(artifact));
        return tph_lint_at(l, "path");
    }
    if (tph_json_get_str(a, "from").len > 0) {
        (void)tph_lint_fail(l, "templates.%.*s.inputs.artifacts.%.*s.from" TPH_LINT_PLACE_END " not valid in inputs",
                            TPH_FMT(name), TPH_FMT(artifact));
        return tph_lint_at(l, "from");
    }
    if (has(a, "git") && tph_json_get_str(tph_json_get(a, "git"), "repo").len == 0) {
        (void)tph_lint_fail(l, "templates.%.*s.inputs.artifacts.%.*s.git.repo" TPH_LINT_PLACE_END " is required",
                            TPH_FMT(name), TPH_FMT(artifact));
        return tph_lint_at(l, "git.repo");
    }
    return 0;
}

static int inputs(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    const struct tph_json *parameters = tph_json_path(tmpl, "inputs", "parameters", NULL);
    const struct tph_json *artifacts = tph_json_path(tmpl, "inputs", "artifacts", NULL);
    struct tph_lint_mark mark = tph_lint_enter(l, "inputs.parameters");
    if (tph_lint_go_on(l,
                       tph_lint_names(l, parameters, TPH_LINT_PARAMETER,
                                      tph_lint_text(l, "templates.%.*s.inputs.parameters", TPH_FMT(name)).p),
                       mark) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    (void)tph_lint_enter(l, "inputs.artifacts");
    if (tph_lint_names(l, artifacts, TPH_LINT_PARAMETER,
                       tph_lint_text(l, "templates.%.*s.inputs.artifacts", TPH_FMT(name)).p) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(parameters);
    while (tph_json_next(&it)) {
        tph_lint_scope_add(l, scope, "inputs.parameters.%.*s", TPH_FMT(tph_json_get_str(it.value, "name")));
        tph_lint_scope_add(l, scope, "inputs.parameters");
    }
    it = tph_json_iter(artifacts);
    while (tph_json_next(&it)) {
        struct tph_lint_mark at = tph_lint_enter(l, "[%zu]", it.index);
        if (input_artifact(l, scope, tmpl, it.value) < 0) {
            return -1;
        }
        tph_lint_leave(l, at);
    }
    tph_lint_leave(l, mark);
    return 0;
}

static const struct tph_json *named(const struct tph_json *list, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return it.value;
        }
    }
    return NULL;
}

/* An input artifact that is not optional comes from its own place or from an argument. */
static int supply_artifacts(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_args *args)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "inputs", "artifacts", NULL));
    while (tph_json_next(&it)) {
        struct tph_str input = tph_json_get_str(it.value, "name");
        bool own = has(it.value, "s3") || has(it.value, "git") || has(it.value, "http") || has(it.value, "raw") ||
                   has(it.value, "hdfs") || has(it.value, "gcs") || has(it.value, "oss") || has(it.value, "azure") ||
                   has(it.value, "artifactory") || has(it.value, "plugin");
        if (!own && !tph_json_bool(tph_json_get(it.value, "optional")) &&
            !named(tph_json_get(args->arguments, "artifacts"), input)) {
            (void)tph_lint_fail(l, "templates.%.*s inputs.artifacts.%.*s was not supplied", TPH_FMT(name),
                                TPH_FMT(input));
            (void)tph_lint_say(l, "inputs.artifacts.%.*s of template '%.*s' was not supplied", TPH_FMT(input),
                               TPH_FMT(name));
            return tph_lint_at_call(l);
        }
    }
    return 0;
}

/* Puts what every input gets into local; an input that gets nothing is an error. */
static int supply(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_args *args,
                  struct tph_map *local)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "inputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        struct tph_str input = tph_json_get_str(it.value, "name");
        const struct tph_json *arg = args->fake ? NULL : named(tph_json_get(args->arguments, "parameters"), input);
        const struct tph_json *value = tph_json_get(it.value, "value");
        value = value ? value : tph_json_get(it.value, "default");
        value = has(arg, "value") ? tph_json_get(arg, "value") : value;
        bool later = has(tph_json_get(has(arg, "valueFrom") ? arg : it.value, "valueFrom"), "configMapKeyRef");
        if (!args->fake && !value && !later && l->problems && arg) {
            continue; /* that the argument has no value is told already */
        }
        if (!args->fake && !value && !later) {
            (void)tph_lint_fail(l, "templates.%.*s inputs.parameters.%.*s was not supplied", TPH_FMT(name),
                                TPH_FMT(input));
            (void)tph_lint_say(l, "inputs.parameters.%.*s of template '%.*s' was not supplied", TPH_FMT(input),
                               TPH_FMT(name));
            (void)tph_lint_hint(l, "give it with arguments.parameters, or give the input a default");
            return tph_lint_at_call(l);
        }
        const char *text =
            args->fake || !value ? "__argo__internal__placeholder-0" : tph_arena_strdup(l->arena, tph_json_str(value));
        if (args->fake || value) {
            (void)tph_map_set(local, tph_lint_text(l, "inputs.parameters.%.*s", TPH_FMT(input)),
                              (void *)(uintptr_t)text);
        }
    }
    (void)tph_map_set(local, TPH_STR("inputs.parameters"), (void *)(uintptr_t) "[]");
    return args->fake ? 0 : supply_artifacts(l, tmpl, args);
}

static void node_variables(struct tph_lint *l, const struct tph_json *tmpl, struct tph_lint_scope *scope,
                           struct tph_map *local)
{
    static const char *const RETRY[] = {"retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration",
                                        "lastRetry.message"};
    static const char PLACE[] = "__argo__internal__placeholder-0";
    if (is_pod(tph_lint_type(tmpl))) {
        tph_lint_scope_add(l, scope, "pod.name");
        (void)tph_map_set(local, TPH_STR("pod.name"), (void *)(uintptr_t)PLACE);
    }
    for (size_t i = 0; has(tmpl, "retryStrategy") && i < sizeof RETRY / sizeof RETRY[0]; i++) {
        tph_lint_scope_add(l, scope, "%s", RETRY[i]);
        (void)tph_map_set(local, tph_str(RETRY[i]), (void *)(uintptr_t)PLACE);
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "outputs", "artifacts", NULL));
    while (tph_lint_is_leaf(tph_lint_type(tmpl)) && tph_json_next(&it)) {
        tph_lint_scope_add(l, scope, "outputs.artifacts.%.*s.path", TPH_FMT(tph_json_get_str(it.value, "name")));
    }
}

static int timeouts(struct tph_lint *l, const struct tph_json *tmpl, const char *type)
{
    int64_t whole = 0;
    struct tph_str timeout = tph_json_get_str(tmpl, "timeout");
    if (timeout.len > 0 && !tph_lint_is_leaf(type)) {
        (void)tph_lint_fail(l, "%s template doesn't support timeout field", type);
        (void)tph_lint_at(l, "timeout");
        return tph_lint_hint(l, "it could never fire: put it on the templates that are called, or "
                                "activeDeadlineSeconds on the workflow");
    }
    if (timeout.len > 0 && tph_str_to_i64(timeout, &whole) == 0) {
        (void)tph_lint_fail(l, "%.*s has invalid duration format in timeout", TPH_FMT(tph_json_get_str(tmpl, "name")));
        (void)tph_lint_at(l, "timeout");
        return tph_lint_hint(l, "with a unit: %.*ss", TPH_FMT(timeout));
    }
    if (tph_json_get_str(tmpl, "pendingTimeout").len > 0 && !tph_lint_is_leaf(type)) {
        (void)tph_lint_fail(l, "%s template doesn't support pendingTimeout field", type);
        return tph_lint_at(l, "pendingTimeout");
    }
    return 0;
}

static int body(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                struct tph_lint_base *base)
{
    struct tph_lint_mark mark = tph_lint_here(l);
    int failed = tph_json_len(tph_json_get(tmpl, "steps")) > 0 ? tph_lint_steps(l, scope, tmpl, base)
                 : has(tmpl, "dag")                            ? tph_lint_dag(l, scope, tmpl, base)
                                                               : tph_lint_leaf(l, scope, tmpl, base);
    return tph_lint_go_on(l, failed, mark) < 0 || tph_lint_go_on(l, tph_lint_outputs(l, scope, tmpl), mark) < 0 ||
                   tph_lint_go_on(l, tph_lint_metrics(l, tmpl), mark) < 0
               ? -1
               : 0;
}

static int call(struct tph_lint *l, const struct tph_json *tmpl, struct tph_lint_base *base,
                const struct tph_lint_args *args, struct tph_lint_scope *scope, struct tph_map *local)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    const char *type = tph_lint_type(tmpl);
    struct tph_json *done = NULL;
    struct tph_lint_mark mark = tph_lint_here(l);
    if (has(tmpl, "podResources") && tph_lint_is_leaf(type) && !is_pod(type)) {
        (void)tph_lint_fail(l, "templates.%.*s.podResources" TPH_LINT_PLACE_END " is not supported for %s templates",
                            TPH_FMT(name), type);
        return tph_lint_at(l, "podResources");
    }
    if (tph_lint_go_on(l, inputs(l, scope, tmpl), mark) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(tmpl, "initContainers"));
    while (tph_json_next(&it)) {
        if (tph_json_get_str(it.value, "name").len == 0) {
            (void)tph_lint_fail(l, "initContainers must all have container name");
            return tph_lint_at(l, "initContainers[%zu]", it.index);
        }
    }
    node_variables(l, tmpl, scope, local);
    if (tph_lint_go_on(l, supply(l, tmpl, args, local), mark) < 0) {
        return -1;
    }
    struct tph_str key = tph_lint_text(l, "%s %.*s", base->scope, TPH_FMT(name));
    bool again = tph_map_get(&l->results, key) != NULL;
    bool tagged = tph_str_find(tph_json_get_str(tmpl, "timeout"), TPH_STR("{{")) >= 0;
    if ((!again || tagged) && tph_lint_substitute(l, tmpl, local, &done) < 0) {
        return -1;
    }
    if (tph_json_len(tph_json_get(tmpl, "resourceClaims")) > 0 && !is_pod(type)) {
        (void)tph_lint_fail(l,
                            "templates.%.*s.resourceClaims" TPH_LINT_PLACE_END
                            " is not supported for %s templates, which do not create a pod",
                            TPH_FMT(name), type);
        return tph_lint_at(l, "resourceClaims");
    }
    if (tph_lint_go_on(l, timeouts(l, done ? done : tmpl, type), mark) < 0) {
        return -1;
    }
    if (again) {
        return 0;
    }
    (void)tph_map_set(&l->results, key, l);
    if (l->problems) {
        tph_lint_trap_template(l, tmpl, base);
    }
    return body(l, scope, done, base);
}

/* In our words: which two. */
static int two_types(struct tph_lint *l, const struct tph_json *tmpl)
{
    const char *first = NULL;
    for (size_t i = 0; i < N_TYPES; i++) {
        if (has(tmpl, TYPES[i].key)) {
            if (first) {
                return tph_lint_say(l, "a template has one type, this one has two: %s and %s", first, TYPES[i].key);
            }
            first = TYPES[i].key;
        }
    }
    return -1;
}

static int validate(struct tph_lint *l, const struct tph_json *tmpl, struct tph_lint_base *base,
                    const struct tph_lint_args *args)
{
    size_t n = 0;
    for (size_t i = 0; i < N_TYPES; i++) {
        n += has(tmpl, TYPES[i].key) ? 1 : 0;
    }
    if (n > 1) {
        (void)tph_lint_fail(l,
                            "templates.%.*s" TPH_LINT_PLACE_END
                            " multiple template types specified. choose one of: container, "
                            "containerSet, steps, script, resource, dag, suspend, template, template ref",
                            TPH_FMT(tph_json_get_str(tmpl, "name")));
        return two_types(l, tmpl);
    }
    if (l->depth >= TPH_LIMIT_LINT_DEPTH) {
        (void)tph_lint_fail(l, "templates call each other more than %d deep", TPH_LIMIT_LINT_DEPTH);
        l->err->kind = TPH_ERROR_LIMIT;
        return -1;
    }
    struct tph_lint_scope scope = {.names = TPH_MAP_INIT};
    struct tph_map local = TPH_MAP_INIT;
    l->depth++;
    int failed = call(l, tmpl, base, args, &scope, &local);
    l->depth--;
    tph_map_release(&scope.names);
    tph_map_release(&local);
    return failed;
}

static int retry_policy(struct tph_lint *l, const struct tph_json *tmpl)
{
    static const char *const GOOD[] = {"", "Always", "OnError", "OnFailure", "OnTransientError"};
    struct tph_str policy = tph_json_get_str(tph_json_get(tmpl, "retryStrategy"), "retryPolicy");
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        if (tph_str_eqz(policy, GOOD[i])) {
            return 0;
        }
    }
    (void)tph_lint_fail(l, "%.*s is not a valid RetryPolicy", TPH_FMT(policy));
    (void)tph_lint_at(l, "retryStrategy.retryPolicy");
    return tph_lint_hint(l, "one of Always, OnError, OnFailure, OnTransientError");
}

/* Names of templates, for a name that is none. */
static int hint_templates(struct tph_lint *l, const struct tph_lint_base *base, struct tph_str name)
{
    const char *names[TPH_LIMIT_LINT_NEAR];
    struct tph_str key = TPH_STR_NONE;
    void *value = NULL;
    size_t at = 0;
    size_t n = 0;
    while (l->problems && n < TPH_LIMIT_LINT_NEAR && tph_map_next(&base->templates, &at, &key, &value)) {
        names[n++] = tph_arena_strdup(l->arena, key);
    }
    return tph_lint_hint_near(l, name, names, n, NULL);
}

enum { BY_RUN = TPH_LINT_TOLD + 1 }; /* what is called is only known at run time */

/* Or BY_RUN. */
static int by_reference(struct tph_lint *l, const struct tph_json *holder, struct tph_lint_base **base,
                        const struct tph_lint_template **found)
{
    const struct tph_json *ref = tph_json_get(holder, "templateRef");
    struct tph_str name = tph_json_get_str(ref, "name");
    struct tph_str template_name = tph_json_get_str(ref, "template");
    if (tph_json_get_str(holder, "template").len > 0) {
        (void)tph_lint_fail(l, "template name cannot be specified with templateRef");
        return tph_lint_at(l, "template");
    }
    if (name.len == 0) {
        (void)tph_lint_fail(l, "resource name is required");
        return tph_lint_at(l, "templateRef.name");
    }
    if (template_name.len == 0) {
        (void)tph_lint_fail(l, "template name is required");
        return tph_lint_at(l, "templateRef.template");
    }
    if (tph_lint_is_parameter(name) || tph_lint_is_parameter(template_name)) {
        return BY_RUN;
    }
    if (has(holder, "inline")) {
        return 0;
    }
    *base = referred(l, ref);
    if (!*base) {
        return -1;
    }
    *found = tph_map_get(&(*base)->templates, template_name);
    if (*found) {
        return 0;
    }
    if (tph_str_find(template_name, TPH_STR("__argo__internal__placeholder-")) >= 0) {
        return BY_RUN;
    }
    (void)tph_lint_fail(l, "template reference %.*s.%.*s not found", TPH_FMT(name), TPH_FMT(template_name));
    (void)tph_lint_at(l, "templateRef.template");
    return hint_templates(l, *base, template_name);
}

/* What the holder calls: a template of a name, or one of its own (then *ret_found is NULL). */
static int find(struct tph_lint *l, const struct tph_json *holder, struct tph_lint_base **base,
                const struct tph_lint_template **ret_found)
{
    struct tph_str name = tph_json_get_str(holder, "template");
    if (has(holder, "templateRef")) {
        int result = by_reference(l, holder, base, ret_found);
        if (result != 0) {
            return result;
        }
    } else if (name.len > 0) {
        *ret_found = tph_map_get(&(*base)->templates, name);
        if (!*ret_found) {
            (void)tph_lint_fail(l, "template name '%.*s' undefined", TPH_FMT(name));
            (void)tph_lint_say(l, "there is no template called '%.*s'", TPH_FMT(name));
            (void)tph_lint_at(l, l->n_frames > 1 ? "template" : "");
            return hint_templates(l, *base, name);
        }
    }
    if (has(holder, "inline")) {
        *ret_found = NULL;
    } else if (!*ret_found) {
        if (tph_lint_is_told_below(l)) { /* a key that is none of these */
            return TPH_LINT_TOLD;
        }
        (void)tph_lint_fail(l, "failed to get a template");
        return tph_lint_say(l, "nothing is called: one of template, templateRef, inline was expected");
    }
    return 0;
}

int tph_lint_holder(struct tph_lint *l, const struct tph_json *holder, struct tph_lint_base *base,
                    const struct tph_lint_args *args, const struct tph_json **ret_tmpl)
{
    const struct tph_lint_template *found = NULL;
    *ret_tmpl = NULL;
    int result = find(l, holder, &base, &found);
    if (result != 0) {
        return result == BY_RUN ? 0 : result;
    }
    const struct tph_json *tmpl = found ? found->json : tph_json_get(holder, "inline");
    struct tph_lint_mark mark = found ? tph_lint_enter_template(l, base, found) : tph_lint_enter(l, "inline");
    if (!tph_lint_type(tmpl)) {
        if (tph_lint_is_told_below(l)) { /* a key that is no type */
            tph_lint_leave(l, mark);
            return TPH_LINT_TOLD;
        }
        (void)tph_lint_fail(l, "template '%.*s' type is unknown", TPH_FMT(tph_json_get_str(tmpl, "name")));
        return tph_lint_hint(l, "give it one of: plugin, steps, dag, suspend, http");
    }
    if (tph_lint_go_on(l, retry_policy(l, tmpl), tph_lint_here(l)) < 0) {
        return -1;
    }
    *ret_tmpl = tmpl;
    int failed = validate(l, tmpl, base, args);
    tph_lint_leave(l, mark);
    return failed;
}
