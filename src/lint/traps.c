/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings: what Argo lets pass and people stumble over. Each template is looked at once, as it was written, at the
 * place where the walk comes by it. Source: argo 2.8, 2.12, 2.13, 3 ("only at run time"). */
#include <string.h>

#include "base/limits.h"
#include "data/duration.h"
#include "data/position.h"
#include "lint/internal.h"

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

static bool is_one_of(const char *type, const char *a, const char *b)
{
    return strcmp(type, a) == 0 || strcmp(type, b) == 0;
}

/* Templates that are a pod of their own in Argo. */
static void pods(struct tph_lint *l, const struct tph_json *tmpl)
{
    static const char *const KEYS[] = {"container", "script", "containerSet", "resource", "data"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (!has(tmpl, KEYS[i]) || (l->mapped && tph_map_get(l->mapped, tph_str(KEYS[i])))) {
            continue;
        }
        tph_lint_warn(l, "%s templates do not run here, for there are no pods", KEYS[i]);
        if (i < 2) {
            (void)tph_lint_hint(l, "--map %s=PLUGIN hands them to a plugin that runs image, command and args", KEYS[i]);
        } else {
            (void)tph_lint_hint(l, "what runs: plugin, http, suspend, steps and dag templates");
        }
        l->found.is_warning = !l->for_run;
        (void)tph_lint_at(l, "%s", KEYS[i]);
        tph_lint_keep(l);
    }
}

/* Parameters that the template declares and that nobody gives a value. */
static void outputs(struct tph_lint *l, const struct tph_json *tmpl, const char *type)
{
    static const char *const EVALUATED[] = {"parameter", "expression"};
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        const struct tph_json *from = tph_json_get(it.value, "valueFrom");
        const char *ignored = has(it.value, "value") ? "value" : NULL;
        for (size_t i = 0; i < 2 && !ignored; i++) {
            ignored = tph_json_get_str(from, EVALUATED[i]).len > 0 ? EVALUATED[i] : NULL;
        }
        if (strcmp(type, "HTTP") == 0) {
            tph_lint_warn(l, "nobody delivers '%.*s': an http template has outputs.result only", TPH_FMT(name));
            (void)tph_lint_hint(l,
                                "take it out of outputs.result, for example with {{=jsonpath(steps.STEP.outputs."
                                "result, '$.%.*s')}}",
                                TPH_FMT(name));
        } else if (strcmp(type, "Plugin") == 0 && ignored) {
            tph_lint_warn(l, "%s is not looked at: the plugin's reply has to deliver '%.*s'", ignored, TPH_FMT(name));
            (void)tph_lint_hint(l, "declare it with  valueFrom: {supplied: {}}");
        } else if (strcmp(type, "Suspend") == 0 && !has(from, "supplied")) {
            tph_lint_warn(l, "nobody delivers '%.*s': who resumes can give those that are supplied only",
                          TPH_FMT(name));
            (void)tph_lint_hint(l, "declare it with  valueFrom: {supplied: {}}");
        } else {
            continue;
        }
        (void)tph_lint_at(l, "outputs.parameters[%zu]", it.index);
        tph_lint_keep(l);
    }
}

static bool plain_duration(const struct tph_json *object, const char *key, int64_t *ret_ns)
{
    struct tph_str text = tph_json_get_str(object, key);
    return text.len > 0 && !tph_lint_is_parameter(text) && tph_duration_parse(text, ret_ns, NULL) == 0;
}

/* Time-outs that never fire, or not everywhere. */
static void timeouts(struct tph_lint *l, const struct tph_json *tmpl, const char *type,
                     const struct tph_lint_base *base)
{
    const struct tph_json *defaults = tph_json_get(base->spec, "templateDefaults");
    int64_t whole_s = 0;
    int64_t ns = 0;
    bool limited = tph_json_to_i64(tph_json_get(base->spec, "activeDeadlineSeconds"), &whole_s) == 0 && whole_s > 0;
    bool agent = is_one_of(type, "HTTP", "Plugin");
    if (limited && plain_duration(tmpl, "timeout", &ns) && ns / 1000000000 >= whole_s) {
        tph_lint_warn(l, "never fires: the workflow ends after %lld s (activeDeadlineSeconds)", (long long)whole_s);
        (void)tph_lint_at(l, "timeout");
        tph_lint_keep(l);
    }
    if (l->for_run) {
        return; /* the rest is about Argo: here these are honoured */
    }
    if (tph_json_get_str(tmpl, "timeout").len > 0 && (has(tmpl, "retryStrategy") || has(defaults, "retryStrategy"))) {
        tph_lint_warn(l, "never fires in Argo, for the template has a retryStrategy; here it is of each attempt");
        (void)tph_lint_at(l, "timeout");
        tph_lint_keep(l);
    }
    if (agent && has(tmpl, "activeDeadlineSeconds")) {
        tph_lint_warn(l, "is not looked at by Argo in a template of type %s; here it is", type);
        l->found.is_sentence = true;
        (void)tph_lint_hint(l, "timeout is honoured by both");
        (void)tph_lint_at(l, "activeDeadlineSeconds");
        tph_lint_keep(l);
    }
}

static void duration(struct tph_lint *l, const struct tph_json *object, const char *key, const char *path)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str text = tph_json_get_str(object, key);
    int64_t ns = 0;
    if (text.len > 0 && !tph_lint_is_parameter(text) && tph_duration_parse(text, &ns, &err) < 0) {
        tph_lint_warn(l, "\"%.*s\" is no duration such as 30s, 5m or 2h", TPH_FMT(text));
        (void)tph_lint_at(l, "%s%s", path, key);
        tph_lint_keep(l);
    }
}

static void durations(struct tph_lint *l, const struct tph_json *tmpl)
{
    const struct tph_json *backoff = tph_json_path(tmpl, "retryStrategy", "backoff", NULL);
    duration(l, tph_json_get(tmpl, "suspend"), "duration", "suspend.");
    duration(l, tmpl, "timeout", "");
    duration(l, tmpl, "pendingTimeout", "");
    duration(l, backoff, "duration", "retryStrategy.backoff.");
    duration(l, backoff, "maxDuration", "retryStrategy.backoff.");
    duration(l, tph_json_get(tmpl, "memoize"), "maxAge", "memoize.");
    if (backoff && !tph_json_is_null(backoff) && !has(backoff, "duration")) {
        tph_lint_warn(l, "has no duration to begin with: the first failure cannot be tried again");
        l->found.is_sentence = true;
        (void)tph_lint_at(l, "retryStrategy.backoff");
        tph_lint_keep(l);
    }
}

/* A key that no plugin is called by; whoever is asked may still take it. */
static void plugin_key(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_base *base)
{
    const char *names[TPH_LIMIT_LINT_NEAR];
    struct tph_json_iter it = tph_json_iter(tph_json_get(tmpl, "plugin"));
    struct tph_str key = TPH_STR_NONE;
    void *value = NULL;
    size_t at = 0;
    size_t n = 0;
    if (!l->plugins || has(base->spec, "executorPlugins") || !tph_json_next(&it) || tph_map_get(l->plugins, it.key)) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(TPH_KIB(1));
    while (n < TPH_LIMIT_LINT_NEAR && tph_map_next(l->plugins, &at, &key, &value)) {
        (void)tph_buf_printf(&all, "%s%.*s", n > 0 ? ", " : "", TPH_FMT(key));
        names[n++] = tph_arena_strdup(l->arena, key);
    }
    tph_lint_warn(l, "no plugin is called \"%.*s\"", TPH_FMT(it.key));
    (void)tph_lint_hint_near(l, it.key, names, n, tph_lint_text(l, "plugins here: %s", tph_buf_cstr(&all)).p);
    (void)tph_lint_at(l, "plugin");
    tph_lint_keep(l);
}

/* Argo does not look at what hooks call, and at tasks' hooks not at all. */
static void hook(struct tph_lint *l, const struct tph_json *hook, struct tph_str name, const struct tph_lint_base *base)
{
    struct tph_str called = tph_json_get_str(hook, "template");
    if (called.len > 0 && !tph_lint_is_parameter(called) && !tph_map_get(&base->templates, called)) {
        tph_lint_warn(l, "there is no template called '%.*s'", TPH_FMT(called));
        (void)tph_lint_at(l, "template");
        tph_lint_keep(l);
    }
    if (!tph_str_eqz(name, "exit") && tph_json_get_str(hook, "expression").len == 0) {
        tph_lint_warn(l, "a hook other than exit needs an expression");
        tph_lint_keep(l);
    }
}

static void hooks(struct tph_lint *l, const struct tph_json *holder, const struct tph_lint_base *base)
{
    struct tph_str exit = tph_json_get_str(holder, "onExit");
    struct tph_json_iter it = tph_json_iter(tph_json_get(holder, "hooks"));
    if (exit.len > 0 && !tph_lint_is_parameter(exit) && !tph_map_get(&base->templates, exit)) {
        tph_lint_warn(l, "there is no template called '%.*s'", TPH_FMT(exit));
        (void)tph_lint_at(l, "onExit");
        tph_lint_keep(l);
    }
    while (tph_json_next(&it)) {
        struct tph_lint_mark mark = tph_lint_enter(l, "hooks");
        tph_path_key(&l->path, it.key);
        hook(l, it.value, it.key, base);
        tph_lint_leave(l, mark);
    }
}

static void calls(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_base *base)
{
    struct tph_json_iter groups = tph_json_iter(tph_json_get(tmpl, "steps"));
    while (tph_json_next(&groups)) {
        struct tph_json_iter it = tph_json_iter(groups.value);
        while (tph_json_next(&it)) {
            struct tph_lint_mark mark = tph_lint_enter(l, "steps[%zu][%zu]", groups.index, it.index);
            hooks(l, it.value, base);
            tph_lint_leave(l, mark);
        }
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(tmpl, "dag", "tasks", NULL));
    while (tph_json_next(&it)) {
        struct tph_lint_mark mark = tph_lint_enter(l, "dag.tasks[%zu]", it.index);
        hooks(l, it.value, base);
        tph_lint_leave(l, mark);
    }
}

void tph_lint_trap_early(struct tph_lint *l, const struct tph_json *call, const char *word, tph_lint_is_early *is_early,
                         const void *owner)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str before;
    struct tph_str tag;
    tph_json_write(call, TPH_JSON_HTML, &text);
    struct tph_str rest = tph_buf_str(&text);
    while (tph_lint_next_tag(l, &rest, &before, &tag) == 0) {
        struct tph_str name = tph_str_trim(tag);
        struct tph_str first = TPH_STR_NONE;
        struct tph_str second = TPH_STR_NONE;
        if (!tph_str_cut(&name, '.', &first) || !tph_str_eqz(first, word) || !tph_str_cut(&name, '.', &second) ||
            name.len == 0 || !is_early(owner, second)) {
            continue;
        }
        TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
        struct tph_str braced = tph_lint_text(l, "{{%.*s}}", TPH_FMT(tag));
        tph_lint_warn(l, "%.*s is not known when this begins, for nothing makes it wait for '%.*s'", TPH_FMT(braced),
                      TPH_FMT(second));
        (void)tph_lint_hint(l, strcmp(word, "steps") == 0 ? "put this step into a later group"
                                                          : "let the task depend on it");
        if (tph_lint_locate(call, braced, &path)) {
            (void)tph_lint_at(l, "%s", tph_buf_cstr(&path));
        }
        tph_lint_keep(l);
    }
}

void tph_lint_trap_template(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_lint_base *base)
{
    const char *type = tph_lint_type(tmpl);
    pods(l, tmpl);
    outputs(l, tmpl, type);
    timeouts(l, tmpl, type, base);
    durations(l, tmpl);
    plugin_key(l, tmpl, base);
    calls(l, tmpl, base);
    l->template = tmpl;
    tph_lint_trap_texts(l, tmpl, "");
    struct tph_str condition = tph_json_get_str(tph_json_get(tmpl, "http"), "successCondition");
    if (condition.len > 0) {
        struct tph_lint_mark mark = tph_lint_enter(l, "http.successCondition");
        tph_lint_expression(l, condition);
        tph_lint_leave(l, mark);
    }
    l->template = NULL;
}

void tph_lint_trap_workflow(struct tph_lint *l, const struct tph_json *spec, const struct tph_lint_base *base)
{
    static const char *const KEYS[] = {"hooks", "workflowMetadata", "templateDefaults", "arguments"};
    struct tph_json_iter it = tph_json_iter(tph_json_get(spec, "hooks"));
    while (!has(spec, "workflowTemplateRef") && tph_json_next(&it)) {
        struct tph_lint_mark mark = tph_lint_enter(l, "hooks");
        tph_path_key(&l->path, it.key);
        if (tph_str_eqz(it.key, "exit") || tph_json_get_str(it.value, "expression").len > 0) {
            hook(l, it.value, it.key, base); /* else it is told as an error */
        }
        tph_lint_leave(l, mark);
    }
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        struct tph_lint_mark mark = tph_lint_enter(l, "%s", KEYS[i]);
        tph_lint_trap_texts(l, tph_json_get(spec, KEYS[i]), KEYS[i]);
        tph_lint_leave(l, mark);
    }
}
