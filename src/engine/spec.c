/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/position.h"

struct compiler {
    struct tph_spec *spec;
    struct tph_buf path;
    struct tph_error *err;
};

TPH_PRINTF(2, 3)
static int fail(struct compiler *c, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tph_error_set(c->err, TPH_ERROR_INVALID, "%s: %s", tph_buf_cstr(&c->path), text);
}

static size_t enter(struct compiler *c, const char *key)
{
    size_t mark = c->path.len;
    tph_path_key(&c->path, tph_str(key));
    return mark;
}

static size_t enter_index(struct compiler *c, size_t index)
{
    size_t mark = c->path.len;
    tph_path_index(&c->path, index);
    return mark;
}

static void leave(struct compiler *c, size_t mark)
{
    c->path.len = mark;
    c->path.bytes[mark] = '\0';
}

/* The first of names that the object has: a field that the engine does not know yet. */
static int refuse(struct compiler *c, const struct tph_json *object, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        const struct tph_json *member = tph_json_get(object, names[i]);
        /* Empty lists and maps say nothing, but an empty retryStrategy does: retry without end. */
        bool empty = (tph_json_is(member, TPH_JSON_ARRAY) || tph_json_is(member, TPH_JSON_OBJECT)) &&
                     tph_json_len(member) == 0 && strcmp(names[i], "retryStrategy") != 0;
        if (!tph_json_is_null(member) && !empty) {
            (void)enter(c, names[i]);
            return fail(c, "%s is not supported yet", names[i]);
        }
    }
    return 0;
}

/* A text with its tags; expression tags are refused. */
static int compile_text(struct compiler *c, struct tph_str text, struct tph_text *ret_text)
{
    struct tph_text compiled = tph_text_compile(tph_arena_str(c->spec->arena, text), c->spec->arena);
    if (compiled.has_expression) {
        return fail(c, "expression tags ({{=...}}) are not supported yet");
    }
    *ret_text = compiled;
    return 0;
}

/* A parameter's value in JSON as text. */
static struct tph_str any_text(struct compiler *c, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    (void)tph_anystring(value, &text);
    return tph_arena_str(c->spec->arena, tph_buf_str(&text));
}

static int compile_arguments(struct compiler *c, const struct tph_json *arguments, struct tph_step *step)
{
    static const char *const later[] = {"artifacts", NULL};
    size_t mark = enter(c, "arguments");
    if (refuse(c, arguments, later) < 0) {
        return -1;
    }
    const struct tph_json *list = tph_json_get(arguments, "parameters");
    struct tph_argument *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_argument, tph_json_len(list));
    size_t n = 0;
    (void)enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        const struct tph_json *value = tph_json_get(it.value, "value");
        if (!tph_json_is_null(tph_json_get(it.value, "valueFrom"))) {
            (void)enter(c, "valueFrom");
            return fail(c, "valueFrom of an argument is not supported yet");
        }
        if (tph_json_is_null(value)) {
            return fail(c, "value is missing");
        }
        compiled[n].name = tph_json_get_str(it.value, "name");
        if (compile_text(c, any_text(c, value), &compiled[n++].text) < 0) {
            return -1;
        }
        leave(c, at);
    }
    step->arguments = compiled;
    step->n_arguments = n;
    leave(c, mark);
    return 0;
}

static int compile_step(struct compiler *c, const struct tph_json *json, struct tph_step *step)
{
    static const char *const later[] = {"inline", "templateRef", "withItems", "withParam", "withSequence",
                                        "when",   "continueOn",  "onExit",    "hooks",     NULL};
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return fail(c, "a step was expected, here is %s", tph_json_type_name(tph_json_type(json)));
    }
    if (refuse(c, json, later) < 0) {
        return -1;
    }
    step->name = tph_json_get_str(json, "name");
    step->template_name = tph_json_get_str(json, "template");
    if (step->name.len == 0) {
        return fail(c, "name is missing");
    }
    if (step->template_name.len == 0) {
        return fail(c, "template is missing");
    }
    return compile_arguments(c, tph_json_get(json, "arguments"), step);
}

static int compile_group(struct compiler *c, const struct tph_json *json, struct tph_template *t, size_t index)
{
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    struct tph_step *steps = TPH_ARENA_ARRAY(c->spec->arena, struct tph_step, tph_json_len(json));
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = enter_index(c, it.index);
        if (compile_step(c, it.value, &steps[it.index]) < 0) {
            return -1;
        }
        struct tph_step_place *place = TPH_ARENA_NEW(c->spec->arena, struct tph_step_place);
        *place = (struct tph_step_place){.group = index, .member = it.index};
        if (tph_map_set(&t->places, steps[it.index].name, place)) {
            (void)enter(c, "name");
            return fail(c, "there is a step called '%.*s' already", TPH_FMT(steps[it.index].name));
        }
        leave(c, mark);
    }
    struct tph_step_group *group = (struct tph_step_group *)(uintptr_t)&t->groups[index];
    group->steps = steps;
    group->n_steps = tph_json_len(json);
    return 0;
}

static int compile_outputs(struct compiler *c, const struct tph_json *outputs, struct tph_template *t)
{
    static const char *const later[] = {"artifacts", "result", "exitCode", NULL};
    size_t mark = enter(c, "outputs");
    if (refuse(c, outputs, later) < 0) {
        return -1;
    }
    const struct tph_json *list = tph_json_get(outputs, "parameters");
    struct tph_output *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_output, tph_json_len(list));
    (void)enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        const struct tph_json *from = tph_json_get(it.value, "valueFrom");
        struct tph_output *o = &compiled[it.index];
        struct tph_str parameter = tph_json_get_str(from, "parameter");
        if (parameter.len == 0) {
            return fail(c, "only valueFrom.parameter is supported here yet");
        }
        o->name = tph_json_get_str(it.value, "name");
        o->global_name = tph_json_get_str(it.value, "globalName");
        o->has_default = !tph_json_is_null(tph_json_get(from, "default"));
        o->fallback = any_text(c, tph_json_get(from, "default"));
        bool bare = tph_str_find(parameter, TPH_STR("{{")) < 0;
        struct tph_str text =
            bare ? tph_str(tph_arena_format(c->spec->arena, "{{%.*s}}", TPH_FMT(parameter))) : parameter;
        if (compile_text(c, text, &o->text) < 0) {
            return -1;
        }
        leave(c, at);
    }
    t->outputs = compiled;
    t->n_outputs = tph_json_len(list);
    leave(c, mark);
    return 0;
}

static int compile_steps(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *list = tph_json_get(json, "steps");
    size_t mark = enter(c, "steps");
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        return fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    t->type = TPH_TEMPLATE_STEPS;
    t->n_groups = tph_json_len(list);
    t->groups = TPH_ARENA_ARRAY(c->spec->arena, struct tph_step_group, t->n_groups);
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        if (compile_group(c, it.value, t, it.index) < 0) {
            return -1;
        }
        leave(c, at);
    }
    leave(c, mark);
    return compile_outputs(c, tph_json_get(json, "outputs"), t);
}

/* The template's text as a plugin gets it: name, inputs, outputs, metadata, then the rest as written. */
static int compile_plugin_text(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf head = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    static const char *const always[] = {"outputs", "metadata"};
    (void)tph_buf_puts(&head, "{\"name\":");
    tph_json_write_str(t->name, TPH_JSON_HTML, &head);
    (void)tph_buf_puts(&head, ",\"inputs\":");
    for (size_t i = 0; i < 2; i++) {
        const struct tph_json *member = tph_json_get(json, always[i]);
        (void)tph_buf_printf(&tail, ",\"%s\":", always[i]);
        if (tph_json_is(member, TPH_JSON_OBJECT)) {
            tph_json_write(member, TPH_JSON_SORTED | TPH_JSON_HTML, &tail);
        } else {
            (void)tph_buf_puts(&tail, "{}");
        }
    }
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        bool written = tph_str_eqz(it.key, "name") || tph_str_eqz(it.key, "inputs") || tph_str_eqz(it.key, "outputs") ||
                       tph_str_eqz(it.key, "metadata");
        if (!written) {
            (void)tph_buf_putc(&tail, ',');
            tph_json_write_str(it.key, TPH_JSON_HTML, &tail);
            (void)tph_buf_putc(&tail, ':');
            tph_json_write(it.value, TPH_JSON_SORTED | TPH_JSON_HTML, &tail);
        }
    }
    (void)tph_buf_putc(&tail, '}');
    return compile_text(c, tph_buf_str(&head), &t->head) < 0 || compile_text(c, tph_buf_str(&tail), &t->tail) < 0 ? -1
                                                                                                                  : 0;
}

static int compile_plugin(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *plugin = tph_json_get(json, "plugin");
    size_t mark = enter(c, "plugin");
    t->type = TPH_TEMPLATE_PLUGIN;
    if (!tph_json_is(plugin, TPH_JSON_OBJECT) || tph_json_len(plugin) != 1) {
        return fail(c, "expected exactly one key, got %zu", tph_json_len(plugin));
    }
    struct tph_json_iter it = tph_json_iter(plugin);
    if (tph_json_next(&it)) {
        t->key = it.key;
    }
    leave(c, mark);
    struct tph_str timeout = tph_json_get_str(json, "timeout");
    t->has_timeout = timeout.len > 0;
    if (t->has_timeout) {
        mark = enter(c, "timeout");
        if (compile_text(c, timeout, &t->timeout) < 0) {
            return -1;
        }
        leave(c, mark);
    }
    return compile_plugin_text(c, json, t);
}

/* A parameter as Argo writes it: default and value are texts, whatever they were in the manifest. */
static const struct tph_json *declared_texts(struct compiler *c, const struct tph_json *parameter)
{
    static const char *const members[] = {"default", "value"};
    struct tph_json *copy = tph_json_copy(c->spec->doc, parameter);
    for (size_t i = 0; i < 2; i++) {
        const struct tph_json *value = tph_json_get(copy, members[i]);
        if (!tph_json_is_null(value) && !tph_json_is(value, TPH_JSON_STRING)) {
            tph_json_set_str(c->spec->doc, copy, members[i], any_text(c, value));
        }
    }
    return copy;
}

static int compile_inputs(struct compiler *c, const struct tph_json *inputs, struct tph_template *t)
{
    const struct tph_json *list = tph_json_get(inputs, "parameters");
    struct tph_input *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_input, tph_json_len(list));
    size_t mark = enter(c, "inputs");
    (void)enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        struct tph_input *input = &compiled[it.index];
        const struct tph_json *value = tph_json_get(it.value, "value");
        value = tph_json_is_null(value) ? tph_json_get(it.value, "default") : value;
        size_t at = enter_index(c, it.index);
        static const char *const later[] = {"valueFrom", NULL};
        if (refuse(c, it.value, later) < 0) {
            return -1;
        }
        input->name = tph_json_get_str(it.value, "name");
        input->declared = declared_texts(c, it.value);
        input->has_value = !tph_json_is_null(value);
        input->value = any_text(c, value);
        leave(c, at);
    }
    t->inputs = compiled;
    t->n_inputs = tph_json_len(list);
    t->other_inputs = tph_json_len(inputs) > (list ? 1U : 0U) ? inputs : NULL;
    leave(c, mark);
    return 0;
}

static int unsupported_type(struct compiler *c, const struct tph_json *json, struct tph_str name)
{
    static const char *const types[] = {"container", "containerSet", "script", "resource", "data",
                                        "dag",       "suspend",      "http",   NULL};
    for (size_t i = 0; types[i]; i++) {
        if (!tph_json_is_null(tph_json_get(json, types[i]))) {
            (void)enter(c, types[i]);
            return fail(c, "template '%.*s' is of type %s, which is not supported yet; plugin and steps are",
                        TPH_FMT(name), types[i]);
        }
    }
    return fail(c, "template '%.*s' type is unknown\n  give it one of: plugin, steps", TPH_FMT(name));
}

static int compile_template(struct compiler *c, const struct tph_json *json)
{
    static const char *const later[] = {"retryStrategy",  "memoize", "synchronization", "parallelism", "failFast",
                                        "pendingTimeout", NULL};
    struct tph_arena *arena = c->spec->arena;
    struct tph_template *t = TPH_ARENA_NEW(arena, struct tph_template);
    t->name = tph_json_get_str(json, "name");
    if (t->name.len == 0) {
        return fail(c, "name is missing");
    }
    if (tph_map_set(&c->spec->templates, t->name, t)) {
        return fail(c, "there is a template called '%.*s' already", TPH_FMT(t->name));
    }
    if (refuse(c, json, later) < 0 || compile_inputs(c, tph_json_get(json, "inputs"), t) < 0) {
        return -1;
    }
    bool steps = !tph_json_is_null(tph_json_get(json, "steps"));
    bool plugin = !tph_json_is_null(tph_json_get(json, "plugin"));
    if (steps && plugin) {
        return fail(c, "a template has one type, this one has two: steps and plugin");
    }
    if (steps) {
        return compile_steps(c, json, t);
    }
    return plugin ? compile_plugin(c, json, t) : unsupported_type(c, json, t->name);
}

static int resolve_steps(struct compiler *c, struct tph_template *t)
{
    for (size_t g = 0; g < t->n_groups; g++) {
        for (size_t s = 0; s < t->groups[g].n_steps; s++) {
            struct tph_step *step = (struct tph_step *)(uintptr_t)&t->groups[g].steps[s];
            step->target = tph_map_get(&c->spec->templates, step->template_name);
            if (!step->target) {
                const char *path = tph_arena_format(c->spec->arena, "steps[%zu][%zu].template", g, s);
                (void)tph_buf_putc(&c->path, '.');
                (void)tph_buf_puts(&c->path, path);
                return fail(c, "there is no template called '%.*s'", TPH_FMT(step->template_name));
            }
        }
    }
    return 0;
}

static int compile_templates(struct compiler *c, const struct tph_json *spec)
{
    size_t mark = enter(c, "templates");
    const struct tph_json *list = tph_json_get(spec, "templates");
    if (tph_json_len(list) == 0) {
        return fail(c, "there are none");
    }
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        if (compile_template(c, it.value) < 0) {
            return -1;
        }
        leave(c, at);
    }
    it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        if (resolve_steps(c, tph_map_get(&c->spec->templates, tph_json_get_str(it.value, "name"))) < 0) {
            return -1;
        }
        leave(c, at);
    }
    leave(c, mark);
    return 0;
}

static int compile_parameters(struct compiler *c, const struct tph_json *spec)
{
    size_t mark = enter(c, "arguments");
    static const char *const later[] = {"artifacts", NULL};
    const struct tph_json *arguments = tph_json_get(spec, "arguments");
    if (refuse(c, arguments, later) < 0) {
        return -1;
    }
    (void)enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(tph_json_get(arguments, "parameters"));
    while (tph_json_next(&it)) {
        size_t at = enter_index(c, it.index);
        const struct tph_json *value = tph_json_get(it.value, "value");
        const struct tph_json *fallback = tph_json_get(it.value, "default");
        if (!tph_json_is_null(tph_json_get(it.value, "valueFrom"))) {
            (void)enter(c, "valueFrom");
            return fail(c, "valueFrom of a workflow parameter is not supported yet");
        }
        if (tph_json_is_null(value) && tph_json_is_null(fallback)) {
            return fail(c, "parameter '%.*s' has no value\n  give one with -p %.*s=VALUE",
                        TPH_FMT(tph_json_get_str(it.value, "name")), TPH_FMT(tph_json_get_str(it.value, "name")));
        }
        struct tph_str *text = TPH_ARENA_NEW(c->spec->arena, struct tph_str);
        *text = any_text(c, tph_json_is_null(value) ? fallback : value);
        (void)tph_map_set(&c->spec->parameters, tph_json_get_str(it.value, "name"), text);
        leave(c, at);
    }
    leave(c, mark);
    return 0;
}

static int compile_spec(struct compiler *c)
{
    static const char *const later[] = {"onExit",
                                        "hooks",
                                        "workflowTemplateRef",
                                        "templateDefaults",
                                        "synchronization",
                                        "retryStrategy",
                                        "parallelism",
                                        "suspend",
                                        "workflowMetadata",
                                        NULL};
    const struct tph_json *spec = tph_json_get(c->spec->object, "spec");
    (void)enter(c, "spec");
    if (refuse(c, spec, later) < 0 || compile_parameters(c, spec) < 0 || compile_templates(c, spec) < 0) {
        return -1;
    }
    struct tph_str entrypoint = tph_json_get_str(spec, "entrypoint");
    (void)enter(c, "entrypoint");
    if (entrypoint.len == 0) {
        return fail(c, "entrypoint is missing");
    }
    c->spec->entrypoint = tph_map_get(&c->spec->templates, entrypoint);
    if (!c->spec->entrypoint) {
        return fail(c, "there is no template called '%.*s'", TPH_FMT(entrypoint));
    }
    c->spec->deadline_s = -1;
    int64_t seconds = 0;
    if (tph_json_to_i64(tph_json_get(spec, "activeDeadlineSeconds"), &seconds) == 0) {
        c->spec->deadline_s = seconds > 0 ? seconds : 0;
    }
    return 0;
}

int tph_spec_compile(const struct tph_json *workflow, struct tph_spec **ret_spec, struct tph_buf *ret_path,
                     struct tph_error *err)
{
    TPH_CLEANUP(tph_spec_freep) struct tph_spec *spec = TPH_NEW(struct tph_spec);
    spec->arena = tph_arena_new();
    spec->doc = tph_json_doc_new();
    spec->object = tph_json_copy(spec->doc, workflow);
    const struct tph_json *meta = tph_json_get(spec->object, "metadata");
    spec->name = tph_json_get_str(meta, "name");
    spec->ns = tph_json_get_str(meta, "namespace");
    spec->uid = tph_json_get_str(meta, "uid");
    struct compiler c = {.spec = spec, .path = TPH_BUF_INIT(TPH_KIB(64)), .err = err};
    int failed = compile_spec(&c);
    if (failed < 0 && ret_path) {
        (void)tph_buf_put(ret_path, tph_buf_str(&c.path));
    }
    tph_buf_release(&c.path);
    if (failed < 0) {
        return -1;
    }
    *ret_spec = TPH_TAKE(spec);
    return 0;
}

void tph_spec_free(struct tph_spec *spec)
{
    if (!spec) {
        return;
    }
    size_t at = 0;
    struct tph_str name;
    void *template = NULL;
    while (tph_map_next(&spec->templates, &at, &name, &template)) {
        tph_map_release(&((struct tph_template *)template)->places);
    }
    tph_map_release(&spec->templates);
    tph_map_release(&spec->parameters);
    tph_json_doc_free(spec->doc);
    tph_arena_free(spec->arena);
    free(spec);
}
