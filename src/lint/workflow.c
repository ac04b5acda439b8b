/* SPDX-License-Identifier: Apache-2.0 */
/* The four kinds: what stands outside of templates, then every template. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "lint/internal.h"

enum { NAME_LEN = 63, CRON_NAME_LEN = 52 };

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

/* What a workflow is validated as. */
struct subject {
    const struct tph_json *metadata;
    const struct tph_json *spec;
    const struct tph_json *referred; /* spec of the workflowTemplateRef, or NULL */
    struct tph_lint_base *base;
    struct tph_str entrypoint;
};

static int executor_plugins(struct tph_lint *l, const struct tph_json *spec)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(spec, "executorPlugins"));
    while (tph_json_next(&it)) {
        const struct tph_json *c = tph_json_path(it.value, "spec", "sidecar", "container", NULL);
        const struct tph_json *resources = tph_json_get(c, "resources");
        const char *missing = tph_json_get_str(tph_json_get(it.value, "metadata"), "name").len == 0
                                  ? "executor plugin metadata name is mandatory"
                              : tph_json_len(tph_json_get(c, "ports")) == 0 ? "at least one port is mandatory"
                              : !has(resources, "requests")                 ? "resources requests are mandatory"
                              : !has(resources, "limits")                   ? "resources limits are mandatory"
                              : !has(c, "securityContext")                  ? "security context is mandatory"
                                                                            : NULL;
        if (missing) {
            (void)tph_lint_fail(l, "spec.executorPlugins" TPH_LINT_PLACE_END ": %s", missing);
            return tph_lint_at(l, "executorPlugins[%zu]", it.index);
        }
    }
    return 0;
}

static void key_globals(struct tph_lint *l, const char *word, const struct tph_json *map)
{
    struct tph_json_iter it = tph_json_iter(map);
    while (tph_json_next(&it)) {
        tph_lint_global(l, tph_lint_text(l, "workflow.%s.%.*s", word, TPH_FMT(it.key)), TPH_STR_NONE);
    }
}

static void parameter_globals(struct tph_lint *l, const struct tph_json *spec)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(spec, "arguments", "parameters", NULL));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_lint_text(l, "workflow.parameters.%.*s", TPH_FMT(tph_json_get_str(it.value, "name")));
        if (!tph_map_get(&l->globals, name)) {
            tph_lint_global(l, name, has(it.value, "value") ? tph_json_get_str(it.value, "value") : TPH_STR_NONE);
        }
        tph_lint_global(l, TPH_STR("workflow.parameters"), TPH_STR_NONE);
        tph_lint_global(l, TPH_STR("workflow.parameters.json"), TPH_STR_NONE);
    }
}

static void globals(struct tph_lint *l, const struct subject *s)
{
    static const char *const ALWAYS[] = {
        "workflow.name",        "workflow.namespace",   "workflow.mainEntrypoint",   "workflow.serviceAccountName",
        "workflow.uid",         "workflow.annotations", "workflow.annotations.json", "workflow.labels",
        "workflow.labels.json", "workflow.status"};
    const struct tph_json *specs[] = {s->spec, s->referred};
    for (size_t i = 0; i < sizeof ALWAYS / sizeof ALWAYS[0]; i++) {
        tph_lint_global(l, tph_str(ALWAYS[i]), TPH_STR_NONE);
    }
    key_globals(l, "annotations", tph_json_get(s->metadata, "annotations"));
    key_globals(l, "labels", tph_json_get(s->metadata, "labels"));
    for (size_t i = 0; i < 2; i++) {
        const struct tph_json *metadata = tph_json_get(specs[i], "workflowMetadata");
        parameter_globals(l, specs[i]);
        key_globals(l, "annotations", tph_json_get(metadata, "annotations"));
        key_globals(l, "labels", tph_json_get(metadata, "labels"));
        key_globals(l, "labels", tph_json_get(metadata, "labelsFrom"));
    }
    if (has(s->spec, "priority")) {
        tph_lint_global(l, TPH_STR("workflow.priority"), tph_json_number_text(tph_json_get(s->spec, "priority")));
    }
}

/* A call from outside: {template} or {templateRef}. */
static int enter(struct tph_lint *l, const struct subject *s, struct tph_str name, const struct tph_lint_args *args)
{
    const struct tph_json *tmpl = NULL;
    struct tph_json *holder = tph_json_new_object(l->doc);
    if (s->referred) {
        struct tph_json *ref = tph_json_copy(l->doc, tph_json_get(s->spec, "workflowTemplateRef"));
        tph_json_set_str(l->doc, ref, "template", name);
        tph_json_set(l->doc, holder, "templateRef", ref);
    } else {
        tph_json_set_str(l->doc, holder, "template", name);
    }
    return tph_lint_holder(l, holder, s->base, args, &tmpl);
}

/* Arguments of the workflow, then those of its reference that it does not set. */
static const struct tph_json *merged_arguments(struct tph_lint *l, const struct subject *s)
{
    struct tph_json *own = tph_json_copy(l->doc, tph_json_get(s->spec, "arguments"));
    const char *const KINDS[] = {"parameters", "artifacts"};
    for (size_t i = 0; s->referred && i < 2; i++) {
        struct tph_json *list = tph_json_get(own, KINDS[i]);
        if (!list) {
            list = tph_json_new_array(l->doc);
            tph_json_set(l->doc, own, KINDS[i], list);
        }
        struct tph_map names = TPH_MAP_INIT;
        struct tph_json_iter it = tph_json_iter(list);
        while (tph_json_next(&it)) {
            (void)tph_map_set(&names, tph_json_get_str(it.value, "name"), it.value);
        }
        it = tph_json_iter(tph_json_path(s->referred, "arguments", KINDS[i], NULL));
        while (tph_json_next(&it)) {
            struct tph_str name = tph_json_get_str(it.value, "name");
            struct tph_json *mine = tph_map_get(&names, name);
            if (!mine) {
                tph_json_append(l->doc, list, tph_json_copy(l->doc, it.value));
            } else if (!has(mine, "value") && !has(mine, "valueFrom") && i == 0) {
                tph_json_assign(mine, tph_json_copy(l->doc, it.value));
            }
        }
        tph_map_release(&names);
    }
    return own;
}

/* The part of a label's key after its prefix. */
static bool label_key(struct tph_str key)
{
    ptrdiff_t slash = tph_str_find_byte(key, '/');
    struct tph_str name = slash < 0 ? key : tph_str_slice(key, (size_t)slash + 1, key.len);
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool inside = i > 0 && i + 1 < name.len;
        if (c >= 128 || (!isalnum(c) && !(inside && (c == '-' || c == '_' || c == '.')))) {
            return false;
        }
    }
    return name.len > 0;
}

static int pod_gc(struct tph_lint *l, const struct tph_json *spec)
{
    static const char *const GOOD[] = {
        "", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess", "OnPodNone", "Never"};
    static const char *const OPERATORS[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    const struct tph_json *gc = tph_json_get(spec, "podGC");
    struct tph_str strategy = tph_json_get_str(gc, "strategy");
    bool known = false;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        known = known || tph_str_eqz(strategy, GOOD[i]);
    }
    if (!known) {
        (void)tph_lint_fail(l, "podGC.strategy" TPH_LINT_PLACE_END " unknown strategy '%.*s'", TPH_FMT(strategy));
        (void)tph_lint_say(l, "unknown strategy '%.*s'", TPH_FMT(strategy));
        (void)tph_lint_at(l, "podGC.strategy");
        return tph_lint_hint_near(l, strategy, GOOD + 1, sizeof GOOD / sizeof GOOD[0] - 1, NULL);
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(gc, "labelSelector", "matchLabels", NULL));
    while (tph_json_next(&it)) {
        if (!label_key(it.key)) {
            (void)tph_lint_fail(l,
                                "podGC.labelSelector" TPH_LINT_PLACE_END
                                " invalid: key: Invalid value: \"%.*s\": name part must consist of "
                                "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                                "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                                "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                                TPH_FMT(it.key));
            return tph_lint_at(l, "podGC.labelSelector");
        }
    }
    it = tph_json_iter(tph_json_path(gc, "labelSelector", "matchExpressions", NULL));
    while (tph_json_next(&it)) {
        struct tph_str word = tph_json_get_str(it.value, "operator");
        known = false;
        for (size_t i = 0; i < 4; i++) {
            known = known || tph_str_eqz(word, OPERATORS[i]);
        }
        if (!known) {
            (void)tph_lint_fail(
                l, "podGC.labelSelector" TPH_LINT_PLACE_END " invalid: \"%.*s\" is not a valid label selector operator",
                TPH_FMT(word));
            return tph_lint_at(l, "podGC.labelSelector");
        }
    }
    return 0;
}

static bool parametrized_artifact(const struct tph_json *spec)
{
    struct tph_json_iter templates = tph_json_iter(tph_json_get(spec, "templates"));
    while (tph_json_next(&templates)) {
        struct tph_json_iter it = tph_json_iter(tph_json_path(templates.value, "outputs", "artifacts", NULL));
        while (tph_json_next(&it)) {
            if (tph_lint_is_parameter(tph_json_get_str(it.value, "globalName"))) {
                return true;
            }
        }
    }
    return false;
}

/* Begins with what the workflow itself gives: entrypoint, then the exit handler. */
static int begin(struct tph_lint *l, const struct subject *s, const struct tph_lint_args *args)
{
    struct tph_lint_mark mark = tph_lint_enter(l, "entrypoint");
    if (s->entrypoint.len == 0 && !l->of_template) {
        (void)tph_lint_fail(l, "spec.entrypoint" TPH_LINT_PLACE_END " is required");
        (void)tph_lint_say(l, "entrypoint is missing");
        (void)tph_lint_hint(l, "name the template to begin with");
        return tph_lint_go_on(l, -1, mark);
    }
    if (s->entrypoint.len > 0 && tph_lint_go_on(l, enter(l, s, s->entrypoint, args), mark) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    return 0;
}

static int exit_handler(struct tph_lint *l, const struct subject *s)
{
    const struct tph_lint_args own = {.arguments = tph_json_get(s->spec, "arguments")};
    struct tph_lint_mark mark = tph_lint_enter(l, "onExit");
    struct tph_str exit = tph_json_get_str(s->spec, "onExit");
    exit = exit.len > 0 ? exit : tph_json_get_str(s->referred, "onExit");
    if (exit.len > 0) {
        tph_lint_global(l, TPH_STR("workflow.failures"), TPH_STR_NONE);
        if (parametrized_artifact(s->spec) || parametrized_artifact(s->referred)) {
            tph_lint_global(l, TPH_STR("workflow.outputs.artifacts.*"), TPH_STR_NONE);
        }
        if (tph_lint_go_on(l, enter(l, s, exit, &own), mark) < 0) {
            return -1;
        }
    }
    tph_lint_leave(l, mark);
    return 0;
}

static int walks(struct tph_lint *l, const struct subject *s)
{
    const struct tph_json *arguments = merged_arguments(l, s);
    const struct tph_lint_args args = {.arguments = arguments, .fake = l->of_template};
    const struct tph_lint_args fake = {.fake = true};
    struct tph_lint_mark mark = tph_lint_enter(l, "arguments");
    if (tph_lint_go_on(l, tph_lint_arguments(l, arguments, l->lint || l->of_template, "spec.arguments."), mark) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    globals(l, s);
    if (begin(l, s, &args) < 0 || exit_handler(l, s) < 0 ||
        tph_lint_go_on(l, tph_lint_hooks(l, tph_json_get(s->spec, "hooks"), "hooks"), mark) < 0 ||
        tph_lint_go_on(l, pod_gc(l, s->spec), mark) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(s->referred ? s->referred : s->spec, "templates"));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        struct tph_lint_mark at = tph_lint_enter(l, "templates[%zu]", it.index);
        if (l->problems && name.len == 0) { /* told already */
            tph_lint_leave(l, at);
            continue;
        }
        if (tph_lint_go_on(l, enter(l, s, name, &fake), at) < 0) {
            return tph_lint_wrap(l, "templates.%.*s ", TPH_FMT(name));
        }
        tph_lint_leave(l, at);
    }
    return 0;
}

static int refer(struct tph_lint *l, struct subject *s)
{
    const struct tph_json *ref = tph_json_get(s->spec, "workflowTemplateRef");
    struct tph_str name = tph_json_get_str(ref, "name");
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    if (tph_json_len(tph_json_get(s->spec, "templates")) > 0) {
        (void)tph_lint_fail(l, "Templates is invalid field in spec if workflow referred WorkflowTemplate reference");
        (void)tph_lint_at(l, "templates");
        return tph_lint_hint(l, "put them into the WorkflowTemplate, or take workflowTemplateRef away");
    }
    struct tph_str key = cluster ? name : tph_lint_text(l, "%.*s/%.*s", TPH_FMT(l->ns), TPH_FMT(name));
    const struct tph_json *object = tph_map_get(cluster ? &l->set->cluster : &l->set->templates, key);
    if (!object) {
        (void)tph_lint_not_found(l, name, cluster);
        return tph_lint_at(l, "workflowTemplateRef.name");
    }
    s->referred = tph_json_get(object, "spec");
    s->entrypoint = s->entrypoint.len > 0 ? s->entrypoint : tph_json_get_str(s->referred, "entrypoint");
    return 0;
}

static int workflow(struct tph_lint *l, const struct tph_json *metadata, const struct tph_json *spec)
{
    struct subject s = {.metadata = metadata, .spec = spec, .entrypoint = tph_json_get_str(spec, "entrypoint")};
    bool none = tph_json_len(tph_json_get(spec, "templates")) == 0;
    struct tph_lint_mark mark = tph_lint_here(l);
    if (has(spec, "workflowTemplateRef") && refer(l, &s) < 0) {
        return -1;
    }
    if (l->problems && none && !s.referred && !l->of_template) { /* Argo goes on, and stumbles over what follows */
        (void)tph_lint_fail(l, "a list of templates was expected, there are none");
        return tph_lint_at(l, "templates");
    }
    s.base = tph_lint_base(l, tph_lint_text(l, "local/%.*s", TPH_FMT(tph_json_get_str(metadata, "name"))).p, l->object,
                           spec);
    struct tph_lint_mark list = tph_lint_enter(l, "templates");
    if (tph_lint_go_on(l, tph_lint_names(l, tph_json_get(spec, "templates"), TPH_LINT_FIELD, "spec.templates"), list) <
        0) {
        return -1;
    }
    tph_lint_leave(l, list);
    if (tph_lint_go_on(l, executor_plugins(l, spec), mark) < 0) {
        return -1;
    }
    if (l->problems) {
        tph_lint_trap_workflow(l, spec, s.base);
    }
    return walks(l, &s);
}

static int cron(struct tph_lint *l, const struct tph_json *spec)
{
    if (tph_lint_cron(l, spec) < 0) {
        return -1;
    }
    struct tph_json *metadata = tph_json_copy(l->doc, tph_json_get(spec, "workflowMetadata"));
    struct tph_json *annotations = tph_json_new_object(l->doc);
    if (!tph_json_is(metadata, TPH_JSON_OBJECT)) {
        metadata = tph_json_new_object(l->doc);
    }
    if (has(metadata, "annotations")) {
        annotations = tph_json_get(metadata, "annotations");
    } else {
        tph_json_set(l->doc, metadata, "annotations", annotations);
    }
    tph_json_set_cstr(l->doc, annotations, "workflows.argoproj.io/scheduled-time", "");
    (void)tph_lint_enter(l, "workflowSpec");
    if (workflow(l, metadata, tph_json_get(spec, "workflowSpec")) < 0) {
        return tph_lint_wrap(l, "cannot validate Workflow: ");
    }
    return 0;
}

static int object_of_kind(struct tph_lint *l, const struct tph_json *object)
{
    static const struct {
        const char *kind;
        const char *title;
        size_t longest;
    } KINDS[] = {
        {"Workflow", "workflow", NAME_LEN},
        {"WorkflowTemplate", "workflow template", NAME_LEN},
        {"ClusterWorkflowTemplate", "cluster workflow template", NAME_LEN},
        {"CronWorkflow", "cron workflow", CRON_NAME_LEN},
    };
    struct tph_str kind = tph_json_get_str(object, "kind");
    const struct tph_json *metadata = tph_json_get(object, "metadata");
    struct tph_str name = tph_json_get_str(metadata, "name");
    const struct tph_json *spec = tph_json_get(object, "spec");
    size_t i = 0;
    while (i < 4 && !tph_str_eqz(kind, KINDS[i].kind)) {
        i++;
    }
    if (i == 4) {
        return tph_lint_fail(l, "%.*s is no kind that can be linted", TPH_FMT(kind));
    }
    struct tph_lint_mark mark = tph_lint_here(l);
    if (name.len > KINDS[i].longest) {
        (void)tph_lint_fail(l, "%s name \"%.*s\" must not be more than %zu characters long (currently %zu)",
                            KINDS[i].title, TPH_FMT(name), KINDS[i].longest, name.len);
        (void)tph_lint_at(l, "metadata.name");
        if (tph_lint_go_on(l, -1, mark) < 0) {
            return -1;
        }
    }
    (void)tph_lint_enter(l, "spec");
    if (i == 3) {
        l->lint = false;
        return cron(l, spec);
    }
    l->of_template = i != 0;
    if (l->of_template) {
        struct tph_json *nameless = tph_json_copy(l->doc, metadata);
        (void)tph_json_remove(nameless, "name");
        metadata = nameless;
    }
    return workflow(l, metadata, spec);
}

static int check(const struct tph_json *object, const struct tph_lint_subject *subject,
                 struct tph_lint_problems *problems, struct tph_error *err)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_lint_frame frames[TPH_LIMIT_LINT_DEPTH + 2];
    struct tph_lint l = {.set = subject->set,
                         .ns = tph_json_get_str(tph_json_get(object, "metadata"), "namespace"),
                         .lint = subject->mode == TPH_LINT_FOR_REPORT,
                         .for_run = subject->mode == TPH_LINT_FOR_RUN,
                         .arena = arena,
                         .doc = doc,
                         .err = err,
                         .path = TPH_BUF_INIT(TPH_MIB(1)),
                         .frames = frames,
                         .problems = problems,
                         .plugins = subject->plugins,
                         .mapped = subject->mapped};
    tph_lint_begin(&l, object);
    int failed = tph_lint_go_on(&l, object_of_kind(&l, object), (struct tph_lint_mark){.frames = 1});
    if (problems) {
        tph_lint_problems_tidy(problems);
    }
    for (struct tph_lint_base *b = l.bases; b; b = b->next) {
        tph_map_release(&b->templates);
    }
    tph_map_release(&l.globals);
    tph_map_release(&l.results);
    tph_buf_release(&l.path);
    return failed;
}

int tph_lint_object(const struct tph_json *object, const struct tph_lint_set *set, enum tph_lint_mode mode,
                    struct tph_error *err)
{
    struct tph_error own = TPH_ERROR_INIT;
    const struct tph_lint_subject subject = {.set = set, .mode = mode};
    return check(object, &subject, NULL, err ? err : &own);
}

void tph_lint_check(const struct tph_json *object, const struct tph_lint_subject *subject,
                    struct tph_lint_problems *problems)
{
    struct tph_error err = TPH_ERROR_INIT;
    (void)check(object, subject, problems, &err); /* 0: all is in problems */
}
