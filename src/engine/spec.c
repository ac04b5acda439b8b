/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/position.h"
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
    struct tph_text compiled = tph_text_compile(tph_arena_str(c->spec->arena, text), c->spec->arena);
    if (compiled.has_expression) {
        return tph_compile_fail(c, "expression tags ({{=...}}) are not supported yet");
    }
    *ret_text = compiled;
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
        value = value ? value : tph_json_get(parameter, "default");
        if (!tph_json_is_null(tph_json_get(parameter, "valueFrom"))) {
            (void)tph_compile_enter(c, "valueFrom");
            return tph_compile_fail(c, "valueFrom of a workflow parameter is not supported yet");
        }
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
        if (tph_compile_template(c, it.value) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (tph_compile_resolve(c, tph_map_get(&c->spec->templates, tph_json_get_str(it.value, "name"))) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    tph_compile_leave(c, mark);
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
    if (c->spec->name.len == 0) {
        tph_path_key(&c->path, TPH_STR("metadata"));
        tph_path_key(&c->path, TPH_STR("name"));
        return tph_compile_fail(c, "the workflow has no name");
    }
    (void)tph_compile_enter(c, "spec");
    if (tph_compile_refuse(c, spec, later) < 0 || compile_parameters(c, spec) < 0 || compile_templates(c, spec) < 0) {
        return -1;
    }
    struct tph_str entrypoint = tph_json_get_str(spec, "entrypoint");
    (void)tph_compile_enter(c, "entrypoint");
    if (entrypoint.len == 0) {
        return tph_compile_fail(c, "entrypoint is missing\n  name the template to begin with");
    }
    c->spec->entrypoint = tph_map_get(&c->spec->templates, entrypoint);
    if (!c->spec->entrypoint) {
        return tph_compile_fail(c, "there is no template called '%.*s'", TPH_FMT(entrypoint));
    }
    c->spec->deadline_s = -1;
    int64_t seconds = 0;
    if (tph_json_to_i64(tph_json_get(spec, "activeDeadlineSeconds"), &seconds) == 0) {
        c->spec->deadline_s = seconds > 0 ? seconds : 0;
    }
    return 0;
}

int tph_spec_compile(const struct tph_json *workflow, unsigned flags, struct tph_spec **ret_spec,
                     struct tph_buf *ret_path, struct tph_error *err)
{
    TPH_CLEANUP(tph_spec_freep) struct tph_spec *spec = TPH_NEW(struct tph_spec);
    spec->arena = tph_arena_new();
    spec->doc = tph_json_doc_new();
    spec->object = tph_json_copy(spec->doc, workflow);
    const struct tph_json *meta = tph_json_get(spec->object, "metadata");
    spec->name = tph_json_get_str(meta, "name");
    spec->ns = tph_json_get_str(meta, "namespace");
    spec->uid = tph_json_get_str(meta, "uid");
    struct compiler c = {.spec = spec, .flags = flags, .path = TPH_BUF_INIT(TPH_KIB(64)), .err = err};
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
