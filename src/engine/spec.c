/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/position.h"
#include "engine/run.h"
#include "engine/spec_internal.h"

int tph_compile_fail(struct compiler *c, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tph_error_set(c->err, TPH_ERROR_INVALID, "%s: %s", tph_buf_cstr(&c->path), text);
}

size_t tph_compile_enter(struct compiler *c, const char *key)
{
    size_t mark = c->path.len;
    tph_path_key(&c->path, tph_str(key));
    return mark;
}

size_t tph_compile_enter_index(struct compiler *c, size_t index)
{
    size_t mark = c->path.len;
    tph_path_index(&c->path, index);
    return mark;
}

void tph_compile_leave(struct compiler *c, size_t mark)
{
    c->path.len = mark;
    c->path.bytes[mark] = '\0';
}

int tph_compile_refuse(struct compiler *c, const struct tph_json *object, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        const struct tph_json *member = tph_json_get(object, names[i]);
        /* Empty lists and maps, false and "" say nothing; but an empty retryStrategy does: retry without end. */
        bool list = tph_json_is(member, TPH_JSON_ARRAY) || tph_json_is(member, TPH_JSON_OBJECT);
        bool empty = (list && tph_json_len(member) == 0 && strcmp(names[i], "retryStrategy") != 0) ||
                     (tph_json_is(member, TPH_JSON_BOOL) && !tph_json_bool(member)) ||
                     (tph_json_is(member, TPH_JSON_STRING) && tph_json_str(member).len == 0);
        if (!tph_json_is_null(member) && !empty) {
            (void)tph_compile_enter(c, names[i]);
            return tph_compile_fail(c, "%s is not supported yet", names[i]);
        }
    }
    return 0;
}

int tph_compile_text(struct compiler *c, struct tph_str text, struct tph_text *ret_text)
{
    *ret_text = tph_text_compile(tph_arena_str(c->spec->arena, text), c->spec->arena);
    return 0;
}

int tph_compile_parameter(struct compiler *c, const struct tph_json *from, const struct tph_json **ret_parameter)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *parameter = NULL;
    if (tph_parameter_decode(from, c->spec->doc, &parameter, &err) < 0) {
        return tph_compile_fail(c, "%s", err.text);
    }
    if (tph_json_get_str(parameter, "name").len == 0) {
        return tph_compile_fail(c, "name is missing");
    }
    *ret_parameter = parameter;
    return 0;
}

/* A parameter whose value stands in a ConfigMap is known when the run begins. */
static void note_late(struct compiler *c, struct tph_str name, const struct tph_json *parameter)
{
    const struct tph_json *from = tph_json_get(parameter, "valueFrom");
    const struct tph_json *ref = tph_json_get(from, "configMapKeyRef");
    struct tph_late_parameter *late = TPH_ARENA_NEW(c->spec->arena, struct tph_late_parameter);
    *late = (struct tph_late_parameter){.name = name,
                                        .config_map = tph_json_get_str(ref, "name"),
                                        .key = tph_json_get_str(ref, "key"),
                                        .from = from,
                                        .fallback = tph_json_get(from, "default"),
                                        .next = c->spec->late_parameters};
    c->spec->late_parameters = late;
}

/* The workflow's own arguments: a value for each, and the list for {{workflow.parameters}}. */
static int compile_parameter_list(struct compiler *c, const struct tph_json *list)
{
    struct tph_json *texts = tph_json_new_array(c->spec->doc);
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        const struct tph_json *parameter = NULL;
        if (tph_compile_parameter(c, it.value, &parameter) < 0) {
            return -1;
        }
        struct tph_str name = tph_json_get_str(parameter, "name");
        const struct tph_json *value = tph_json_get(parameter, "value");
        const struct tph_json *from = tph_json_get(parameter, "valueFrom");
        const struct tph_json *ref = tph_json_get(from, "configMapKeyRef");
        value = value ? value : tph_json_get(parameter, "default");
        if (!value && tph_json_is(ref, TPH_JSON_OBJECT)) {
            note_late(c, name, parameter);
            value = tph_json_new_cstr(c->spec->doc, "");
        }
        value = value ? value : tph_json_get(from, "default");
        if (!value) {
            return tph_compile_fail(c, "parameter '%.*s' has no value\n  give one with -p %.*s=VALUE", TPH_FMT(name),
                                    TPH_FMT(name));
        }
        struct tph_str *text = TPH_ARENA_NEW(c->spec->arena, struct tph_str);
        *text = tph_json_str(value);
        if (tph_map_set(&c->spec->parameters, name, text)) {
            return tph_compile_fail(c, "there is a parameter called '%.*s' already", TPH_FMT(name));
        }
        tph_json_append(c->spec->doc, texts, (struct tph_json *)(uintptr_t)parameter);
        tph_compile_leave(c, at);
    }
    c->spec->parameter_list = texts;
    return 0;
}

static int compile_parameters(struct compiler *c, const struct tph_json *spec)
{
    static const char *const later[] = {"artifacts", NULL};
    size_t mark = tph_compile_enter(c, "arguments");
    const struct tph_json *arguments = tph_json_get(spec, "arguments");
    if (tph_compile_refuse(c, arguments, later) < 0) {
        return -1;
    }
    (void)tph_compile_enter(c, "parameters");
    if (compile_parameter_list(c, tph_json_get(arguments, "parameters")) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_named_template(struct compiler *c, const struct tph_json *json)
{
    struct tph_template *t = NULL;
    struct tph_str name = tph_json_get_str(json, "name");
    if (tph_json_is(json, TPH_JSON_OBJECT) && name.len == 0) {
        return tph_compile_fail(c, "name is missing");
    }
    if (tph_map_get(&c->spec->local->templates, name)) {
        return tph_compile_fail(c, "there is a template called '%.*s' already", TPH_FMT(name));
    }
    if (tph_compile_template(c, json, &t) < 0) {
        return -1;
    }
    (void)tph_map_set(&c->spec->local->templates, name, t);
    return 0;
}

static int compile_templates(struct compiler *c, const struct tph_json *spec)
{
    size_t mark = tph_compile_enter(c, "templates");
    const struct tph_json *list = tph_json_get(spec, "templates");
    if (!tph_json_is(list, TPH_JSON_ARRAY) || tph_json_len(list) == 0) {
        return tph_compile_fail(c, "a list of templates was expected, there are none");
    }
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_named_template(c, it.value) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (tph_compile_resolve(c, tph_map_get(&c->spec->local->templates, tph_json_get_str(it.value, "name"))) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_entrypoint(struct compiler *c, const struct tph_json *spec)
{
    struct tph_str entrypoint = tph_json_get_str(spec, "entrypoint");
    size_t mark = tph_compile_enter(c, "entrypoint");
    if (entrypoint.len == 0) {
        return tph_compile_fail(c, "entrypoint is missing\n  name the template to begin with");
    }
    c->spec->entrypoint = tph_map_get(&c->spec->local->templates, entrypoint);
    if (!c->spec->entrypoint) {
        return tph_compile_fail(c, "there is no template called '%.*s'", TPH_FMT(entrypoint));
    }
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_spec(struct compiler *c)
{
    const struct tph_json *spec = c->spec->exec;
    const struct tph_json *retry = tph_json_get(spec, "retryStrategy");
    if (c->spec->name.len == 0) {
        tph_path_key(&c->path, TPH_STR("metadata"));
        tph_path_key(&c->path, TPH_STR("name"));
        return tph_compile_fail(c, "the workflow has no name");
    }
    c->retry = tph_json_is(retry, TPH_JSON_OBJECT) ? retry : NULL;
    c->workflow_arguments = tph_json_get(spec, "arguments");
    (void)tph_compile_enter(c, "spec");
    if (compile_parameters(c, spec) < 0 || compile_templates(c, spec) < 0 || compile_entrypoint(c, spec) < 0 ||
        tph_compile_hooks(c, spec, c->workflow_arguments, &c->spec->hooks, &c->spec->n_hooks) < 0 ||
        tph_compile_resolve_hooks(c, c->spec->hooks, c->spec->n_hooks) < 0) {
        return -1;
    }
    c->spec->deadline_s = -1;
    if (tph_compile_sync(c, tph_json_get(spec, "synchronization"), &c->spec->sync) < 0) {
        return -1;
    }
    if (tph_json_to_i64(tph_json_get(spec, "priority"), &c->spec->priority) < 0) {
        c->spec->priority = 0;
    }
    if (tph_json_to_i64(tph_json_get(spec, "parallelism"), &c->spec->parallelism) < 0) {
        c->spec->parallelism = 0;
    }
    int64_t seconds = 0;
    if (tph_json_to_i64(tph_json_get(spec, "activeDeadlineSeconds"), &seconds) == 0) {
        c->spec->deadline_s = seconds > 0 ? seconds : 0;
    }
    return 0;
}

/* The resource of the workflow's templates; those of a template that it refers to have no name of their own there. */
static void add_local(struct tph_spec *spec)
{
    const struct tph_json *ref = tph_json_path(spec->object, "spec", "workflowTemplateRef", NULL);
    bool cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
    bool refers = tph_json_is(ref, TPH_JSON_OBJECT);
    spec->local = tph_spec_add_resource(spec, TPH_RESOURCE_LOCAL, refers ? TPH_STR("") : spec->name, NULL);
    if (refers) {
        spec->local->stored = tph_str(tph_arena_format(spec->arena, "%s/%.*s", cluster ? "cluster" : "namespaced",
                                                       TPH_FMT(tph_json_get_str(ref, "name"))));
    }
}

int tph_spec_compile(const struct tph_json *workflow, const struct tph_run_options *options, unsigned flags,
                     struct tph_spec **ret_spec, struct tph_buf *ret_path, struct tph_error *err)
{
    TPH_CLEANUP(tph_spec_freep) struct tph_spec *spec = TPH_NEW(struct tph_spec);
    spec->arena = tph_arena_new();
    spec->doc = tph_json_doc_new();
    spec->object = tph_json_copy(spec->doc, workflow);
    const struct tph_json *meta = tph_json_get(spec->object, "metadata");
    spec->name = tph_json_get_str(meta, "name");
    spec->ns = tph_json_get_str(meta, "namespace");
    spec->uid = tph_json_get_str(meta, "uid");
    spec->flags = flags;
    spec->options = options;
    spec->exec = tph_run_exec_spec(spec->object);
    add_local(spec);
    struct compiler c = {
        .spec = spec, .resource = spec->local, .flags = flags, .path = TPH_BUF_INIT(TPH_KIB(64)), .err = err};
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
    for (struct tph_resource *r = spec->resources; r; r = r->next) {
        tph_resource_release(r);
    }
    for (struct tph_template *t = spec->compiled; t; t = t->next_compiled) {
        tph_map_release(&t->places);
    }
    tph_map_release(&spec->parameters);
    tph_json_doc_free(spec->doc);
    tph_arena_free(spec->arena);
    free(spec);
}
