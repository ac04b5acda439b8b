/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, compiled: inputs, then what their type needs. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "engine/spec_internal.h"

#define DISPLAY_NAME "workflows.argoproj.io/display-name"

/* The members of a template in Argo's order; what is not here is nothing that Argo knows, and is dropped. The tags of a
 * value with unpaired braces reach as far as the text's order lets them. */
static const char *const template_members[] = {
    "name",
    "inputs",
    "outputs",
    "nodeSelector",
    "affinity",
    "metadata",
    "daemon",
    "steps",
    "container",
    "containerSet",
    "script",
    "resource",
    "dag",
    "suspend",
    "data",
    "http",
    "plugin",
    "volumes",
    "initContainers",
    "sidecars",
    "archiveLocation",
    "activeDeadlineSeconds",
    "retryStrategy",
    "parallelism",
    "failFast",
    "tolerations",
    "schedulerName",
    "priorityClassName",
    "serviceAccountName",
    "automountServiceAccountToken",
    "executor",
    "hostAliases",
    "securityContext",
    "podSpecPatch",
    "metrics",
    "synchronization",
    "memoize",
    "timeout",
    "pendingTimeout",
    "annotations",
};
enum { N_TEMPLATE_MEMBERS = sizeof(template_members) / sizeof(template_members[0]) };

static int compile_arguments(struct compiler *c, const struct tph_json *arguments, struct tph_step *step)
{
    static const char *const later[] = {"artifacts", NULL};
    static const char *const later_from[] = {"valueFrom", NULL};
    size_t mark = tph_compile_enter(c, "arguments");
    if (tph_compile_refuse(c, arguments, later) < 0) {
        return -1;
    }
    const struct tph_json *list = tph_json_get(arguments, "parameters");
    struct tph_argument *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_argument, tph_json_len(list));
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        const struct tph_json *parameter = NULL;
        if (tph_compile_parameter(c, it.value, &parameter) < 0 || tph_compile_refuse(c, parameter, later_from) < 0) {
            return -1;
        }
        const struct tph_json *value = tph_json_get(parameter, "value");
        if (!value) {
            return tph_compile_fail(c, "value is missing");
        }
        compiled[it.index].name = tph_json_get_str(parameter, "name");
        if (tph_compile_text(c, tph_json_str(value), &compiled[it.index].text) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    step->arguments = compiled;
    step->n_arguments = tph_json_len(list);
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_step(struct compiler *c, const struct tph_json *json, struct tph_step *step)
{
    static const char *const later[] = {"inline", "templateRef", "withItems", "withParam", "withSequence",
                                        "when",   "continueOn",  "onExit",    "hooks",     NULL};
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "a step was expected, here is %s", tph_json_type_name(tph_json_type(json)));
    }
    if (tph_compile_refuse(c, json, later) < 0) {
        return -1;
    }
    step->name = tph_json_get_str(json, "name");
    step->template_name = tph_json_get_str(json, "template");
    if (step->name.len == 0) {
        return tph_compile_fail(c, "name is missing");
    }
    if (step->template_name.len == 0) {
        return tph_compile_fail(c, "template is missing");
    }
    return compile_arguments(c, tph_json_get(json, "arguments"), step);
}

static int compile_group(struct compiler *c, const struct tph_json *json, struct tph_template *t,
                         struct tph_step_group *groups, size_t index)
{
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return tph_compile_fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    struct tph_step *steps = TPH_ARENA_ARRAY(c->spec->arena, struct tph_step, tph_json_len(json));
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = tph_compile_enter_index(c, it.index);
        if (compile_step(c, it.value, &steps[it.index]) < 0) {
            return -1;
        }
        struct tph_step_place *place = TPH_ARENA_NEW(c->spec->arena, struct tph_step_place);
        *place = (struct tph_step_place){.group = index, .member = it.index};
        if (tph_map_set(&t->places, steps[it.index].name, place)) {
            (void)tph_compile_enter(c, "name");
            return tph_compile_fail(c, "there is a step called '%.*s' already", TPH_FMT(steps[it.index].name));
        }
        tph_compile_leave(c, mark);
    }
    groups[index] = (struct tph_step_group){.steps = steps, .n_steps = tph_json_len(json)};
    return 0;
}

static int compile_output(struct compiler *c, const struct tph_json *json, struct tph_output *o)
{
    static const char *const later[] = {"expression", NULL};
    const struct tph_json *parameter = NULL;
    if (tph_compile_parameter(c, json, &parameter) < 0) {
        return -1;
    }
    const struct tph_json *from = tph_json_get(parameter, "valueFrom");
    const struct tph_json *fallback = tph_json_get(from, "default");
    const struct tph_json *reference = tph_json_get(from, "parameter");
    o->name = tph_json_get_str(parameter, "name");
    o->global_name = tph_json_get_str(parameter, "globalName");
    o->has_reference = tph_json_str(reference).len > 0;
    o->has_default = fallback != NULL;
    if (!from && !tph_json_get(parameter, "value")) {
        return tph_compile_fail(c, "an output of steps has a valueFrom.parameter");
    }
    size_t mark = tph_compile_enter(c, "valueFrom");
    if (tph_compile_refuse(c, from, later) < 0) {
        return -1;
    }
    if (from && !o->has_reference) {
        return tph_compile_fail(c, "an output of steps has a valueFrom.parameter");
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_anystring(fallback, &text);
    if (tph_compile_text(c, tph_json_str(reference), &o->reference) < 0 ||
        tph_compile_text(c, tph_buf_str(&text), &o->fallback) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_outputs(struct compiler *c, const struct tph_json *outputs, struct tph_template *t)
{
    static const char *const later[] = {"artifacts", "result", "exitCode", NULL};
    size_t mark = tph_compile_enter(c, "outputs");
    if (tph_compile_refuse(c, outputs, later) < 0) {
        return -1;
    }
    const struct tph_json *list = tph_json_get(outputs, "parameters");
    struct tph_output *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_output, tph_json_len(list));
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_output(c, it.value, &compiled[it.index]) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->outputs = compiled;
    t->n_outputs = tph_json_len(list);
    tph_compile_leave(c, mark);
    return 0;
}

static int compile_steps(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *list = tph_json_get(json, "steps");
    size_t mark = tph_compile_enter(c, "steps");
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        return tph_compile_fail(c, "steps are a list of lists: write \"- - name: ...\"");
    }
    struct tph_step_group *groups = TPH_ARENA_ARRAY(c->spec->arena, struct tph_step_group, tph_json_len(list));
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_group(c, it.value, t, groups, it.index) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->groups = groups;
    t->n_groups = tph_json_len(list);
    tph_compile_leave(c, mark);
    return compile_outputs(c, tph_json_get(json, "outputs"), t);
}

/* Numbers as the API server of a cluster keeps them: whole ones of 64 bits, others as doubles. */
static void put_argo_numbers(struct tph_str json, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    bool inside = false; /* a string */
    for (size_t i = 0; i < json.len; i++) {
        size_t end = i;
        while (!inside && end < json.len && tph_str_find_byte(TPH_STR("+-.0123456789eE"), json.p[end]) >= 0) {
            end++;
        }
        struct tph_str token = tph_str_slice(json, i, end);
        int64_t whole = 0;
        double value = 0;
        /* "e" begins no number: it is of true, false. */
        bool number = token.len > 0 && token.p[0] != 'e' && tph_str_to_i64(token, &whole) < 0 &&
                      tph_json_to_double(tph_json_new_number(doc, token), &value) == 0;
        if (number) {
            tph_json_write(tph_json_new_double(doc, value), 0, out);
            i = end - 1;
            continue;
        }
        if (token.len > 0) {
            (void)tph_buf_put(out, token);
            i = end - 1;
            continue;
        }
        (void)tph_buf_putc(out, json.p[i]);
        if (inside && json.p[i] == '\\') {
            (void)tph_buf_putc(out, json.p[++i]);
        } else if (json.p[i] == '"') {
            inside = !inside;
        }
    }
}

static void put_member(struct compiler *c, const char *key, const struct tph_json *value, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "%s\"%s\":", out->len > 0 ? "," : "", key);
    if (c->flags & TPH_SPEC_ARGO_NUMBERS) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        tph_json_write(value, TPH_JSON_SORTED | TPH_JSON_HTML, &text);
        put_argo_numbers(tph_buf_str(&text), out);
    } else {
        tph_json_write(value, TPH_JSON_SORTED | TPH_JSON_HTML, out);
    }
}

/* The template's text as a plugin gets it: what stands before and after the value of inputs. */
static int compile_plugin_text(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf head = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&head, "{\"name\":");
    tph_json_write_str(t->name, TPH_JSON_HTML, &head);
    (void)tph_buf_puts(&head, ",\"inputs\":");
    (void)tph_buf_putc(&tail, ' '); /* so that put_member begins with a comma; dropped below */
    for (size_t i = 2; i < N_TEMPLATE_MEMBERS; i++) {
        const char *key = template_members[i];
        const struct tph_json *value = tph_json_get(json, key);
        bool always = strcmp(key, "outputs") == 0 || strcmp(key, "metadata") == 0;
        if (always && !tph_json_is(value, TPH_JSON_OBJECT)) {
            (void)tph_buf_printf(&tail, ",\"%s\":{}", key);
        } else if (!tph_json_is_null(value)) {
            put_member(c, key, value, &tail);
        }
    }
    (void)tph_buf_putc(&tail, '}');
    if (tph_buf_failed(&tail)) {
        return tph_compile_fail(c, "the template is longer than %zu bytes", tail.max);
    }
    struct tph_str rest = tph_str_slice(tph_buf_str(&tail), 1, tail.len);
    return tph_compile_text(c, tph_buf_str(&head), &t->head) < 0 || tph_compile_text(c, rest, &t->tail) < 0 ? -1 : 0;
}

static int compile_plugin(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *plugin = tph_json_get(json, "plugin");
    size_t mark = tph_compile_enter(c, "plugin");
    if (!tph_json_is(plugin, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "an object with the plugin's name as its one key was expected, here is %s",
                                tph_json_type_name(tph_json_type(plugin)));
    }
    if (tph_json_len(plugin) != 1) {
        return tph_compile_fail(c, "expected exactly one key, got %zu", tph_json_len(plugin));
    }
    struct tph_json_iter it = tph_json_iter(plugin);
    if (tph_json_next(&it)) {
        t->key = it.key;
    }
    tph_compile_leave(c, mark);
    return compile_plugin_text(c, json, t);
}

static int compile_inputs(struct compiler *c, const struct tph_json *inputs, struct tph_template *t)
{
    static const char *const later[] = {"valueFrom", NULL};
    const struct tph_json *list = tph_json_get(inputs, "parameters");
    struct tph_input *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_input, tph_json_len(list));
    size_t mark = tph_compile_enter(c, "inputs");
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        struct tph_input *input = &compiled[it.index];
        size_t at = tph_compile_enter_index(c, it.index);
        struct tph_json *declared = tph_json_copy(c->spec->doc, it.value);
        bool has_value = !tph_json_is_null(tph_json_get(declared, "value"));
        if (!has_value && tph_json_is(declared, TPH_JSON_OBJECT)) {
            tph_json_set_cstr(c->spec->doc, declared, "value", ""); /* keeps its place for each node's own */
        }
        if (tph_compile_parameter(c, declared, &input->declared) < 0 ||
            tph_compile_refuse(c, input->declared, later) < 0) {
            return -1;
        }
        const struct tph_json *value = tph_json_get(input->declared, has_value ? "value" : "default");
        input->name = tph_json_get_str(input->declared, "name");
        input->has_value = value != NULL;
        if (tph_compile_text(c, tph_json_str(value), &input->text) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    t->inputs = compiled;
    t->n_inputs = tph_json_len(list);
    t->other_inputs = tph_json_len(inputs) > (list ? 1U : 0U) ? inputs : NULL;
    tph_compile_leave(c, mark);
    return 0;
}

/* A text or number of the template that may hold tags; *ret_has says whether it is there. */
static int compile_member(struct compiler *c, const struct tph_json *json, const char *key, struct tph_text *ret_text,
                          bool *ret_has)
{
    const struct tph_json *value = tph_json_get(json, key);
    size_t mark = tph_compile_enter(c, key);
    bool number = tph_json_is(value, TPH_JSON_NUMBER);
    struct tph_str text = number ? tph_json_number_text(value) : tph_json_str(value);
    if (!tph_json_is_null(value) && text.len == 0 && !tph_json_is(value, TPH_JSON_STRING)) {
        return tph_compile_fail(c, "a text was expected, here is %s", tph_json_type_name(tph_json_type(value)));
    }
    if (tph_compile_text(c, text, ret_text) < 0) {
        return -1;
    }
    *ret_has = text.len > 0;
    tph_compile_leave(c, mark);
    return 0;
}

static int unsupported_type(struct compiler *c, const struct tph_json *json, struct tph_str name)
{
    static const char *const types[] = {"container", "containerSet", "script", "resource", "data",
                                        "dag",       "suspend",      "http",   NULL};
    for (size_t i = 0; types[i]; i++) {
        if (!tph_json_is_null(tph_json_get(json, types[i]))) {
            (void)tph_compile_enter(c, types[i]);
            return tph_compile_fail(c,
                                    "template '%.*s' is of type %s, which is not supported yet; plugin and steps are",
                                    TPH_FMT(name), types[i]);
        }
    }
    return tph_compile_fail(c, "template '%.*s' type is unknown\n  give it one of: plugin, steps", TPH_FMT(name));
}

/* What every type has: inputs, display name, times. */
static int compile_common(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    static const char *const later[] = {"retryStrategy",  "memoize", "synchronization", "parallelism", "failFast",
                                        "pendingTimeout", NULL};
    if (tph_compile_refuse(c, json, later) < 0 || compile_inputs(c, tph_json_get(json, "inputs"), t) < 0) {
        return -1;
    }
    const struct tph_json *annotations = tph_json_get(json, "annotations");
    size_t mark = tph_compile_enter(c, "annotations");
    if (compile_member(c, annotations, DISPLAY_NAME, &t->display_name, &t->has_display_name) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return compile_member(c, json, "timeout", &t->timeout, &t->has_timeout) < 0 ||
                   compile_member(c, json, "activeDeadlineSeconds", &t->deadline, &t->has_deadline) < 0
               ? -1
               : 0;
}

int tph_compile_template(struct compiler *c, const struct tph_json *json)
{
    struct tph_template *t = TPH_ARENA_NEW(c->spec->arena, struct tph_template);
    t->name = tph_json_get_str(json, "name");
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "a template was expected, here is %s", tph_json_type_name(tph_json_type(json)));
    }
    if (t->name.len == 0) {
        return tph_compile_fail(c, "name is missing");
    }
    if (tph_map_set(&c->spec->templates, t->name, t)) {
        return tph_compile_fail(c, "there is a template called '%.*s' already", TPH_FMT(t->name));
    }
    if (compile_common(c, json, t) < 0) {
        return -1;
    }
    bool steps = !tph_json_is_null(tph_json_get(json, "steps"));
    bool plugin = !tph_json_is_null(tph_json_get(json, "plugin"));
    if (steps && plugin) {
        return tph_compile_fail(c, "a template has one type, this one has two: steps and plugin");
    }
    if (!steps && !plugin) {
        return unsupported_type(c, json, t->name);
    }
    t->type = steps ? TPH_TEMPLATE_STEPS : TPH_TEMPLATE_PLUGIN;
    return steps ? compile_steps(c, json, t) : compile_plugin(c, json, t);
}

int tph_compile_resolve(struct compiler *c, struct tph_template *t)
{
    for (size_t g = 0; g < t->n_groups; g++) {
        for (size_t s = 0; s < t->groups[g].n_steps; s++) {
            /* Made by this compiler, which alone may still change it. */
            struct tph_step *step = (struct tph_step *)(uintptr_t)&t->groups[g].steps[s];
            step->target = tph_map_get(&c->spec->templates, step->template_name);
            if (!step->target) {
                (void)tph_compile_enter(c, "steps");
                (void)tph_compile_enter_index(c, g);
                (void)tph_compile_enter_index(c, s);
                (void)tph_compile_enter(c, "template");
                return tph_compile_fail(c, "there is no template called '%.*s'", TPH_FMT(step->template_name));
            }
        }
    }
    return 0;
}
