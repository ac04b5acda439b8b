/* SPDX-License-Identifier: Apache-2.0 */
/* What a {{tag}} means where: the workflow, the template's inputs, the steps that are done. */
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/time.h"
#include "engine/run_internal.h"

/* The rest of text after prefix, or p NULL. */
static struct tph_str after(struct tph_str text, const char *prefix)
{
    struct tph_str p = tph_str(prefix);
    return tph_str_has_prefix(text, p) ? tph_str_slice(text, p.len, text.len) : TPH_STR_NONE;
}

static bool put(struct tph_buf *value, struct tph_str text)
{
    (void)tph_buf_put(value, text);
    return true;
}

static bool put_map_member(const struct tph_json *map, struct tph_str key, struct tph_buf *value)
{
    const struct tph_json *member = tph_json_getn(map, key);
    return tph_json_is(member, TPH_JSON_STRING) && put(value, tph_json_str(member));
}

static bool put_time(int64_t ms, struct tph_buf *value)
{
    char text[TPH_TIME_TEXT];
    tph_time_format(ms, text);
    return put(value, tph_str(text));
}

static bool lookup_workflow(const struct tph_run *run, struct tph_str tag, struct tph_buf *value)
{
    const struct tph_spec *spec = run->spec;
    const struct tph_json *meta = tph_json_get(spec->object, "metadata");
    const struct tph_json *json_spec = tph_json_get(spec->object, "spec");
    struct tph_str name = after(tag, "parameters.");
    if (name.p) {
        const struct tph_str *text = tph_map_get(&spec->parameters, name);
        return text && put(value, *text);
    }
    if ((name = after(tag, "labels.")).p) {
        return put_map_member(tph_json_get(meta, "labels"), name, value);
    }
    if ((name = after(tag, "annotations.")).p) {
        return put_map_member(tph_json_get(meta, "annotations"), name, value);
    }
    if (tph_str_eqz(tag, "name")) {
        return put(value, spec->name);
    }
    if (tph_str_eqz(tag, "namespace")) {
        return put(value, spec->ns);
    }
    if (tph_str_eqz(tag, "uid")) {
        return put(value, spec->uid);
    }
    if (tph_str_eqz(tag, "mainEntrypoint")) {
        return put(value, spec->entrypoint->name);
    }
    if (tph_str_eqz(tag, "serviceAccountName")) {
        return put(value, tph_json_get_str(json_spec, "serviceAccountName"));
    }
    if (tph_str_eqz(tag, "creationTimestamp.RFC3339")) {
        return put(value, tph_json_get_str(meta, "creationTimestamp"));
    }
    if (tph_str_eqz(tag, "parameters") || tph_str_eqz(tag, "parameters.json")) {
        const struct tph_json *list = tph_json_path(json_spec, "arguments", "parameters", NULL);
        tph_json_write(list, TPH_JSON_HTML, value);
        return list != NULL;
    }
    return false;
}

static bool lookup_inputs(const struct tph_json *inputs, struct tph_str tag, struct tph_buf *value)
{
    struct tph_str name = after(tag, "parameters.");
    const struct tph_json *list = tph_json_get(inputs, "parameters");
    if (tph_str_eqz(tag, "parameters") && list) {
        tph_json_write(list, TPH_JSON_HTML, value);
        return true;
    }
    struct tph_json_iter it = tph_json_iter(list);
    while (name.p && tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_anystring(tph_json_get(it.value, "value"), value);
        }
    }
    return false;
}

/* The part of a node that is named after its step: id, status, outputs.result, ... */
static bool lookup_node(const struct node *node, struct tph_str what, struct tph_buf *value)
{
    const struct tph_json *outputs = node->pub.outputs;
    struct tph_str name = after(what, "outputs.parameters.");
    struct tph_json_iter it = tph_json_iter(tph_json_get(outputs, "parameters"));
    while (name.p && tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_anystring(tph_json_get(it.value, "value"), value);
        }
    }
    if (tph_str_eqz(what, "outputs.result") || tph_str_eqz(what, "exitCode")) {
        const struct tph_json *member = tph_json_get(outputs, tph_str_eqz(what, "exitCode") ? "exitCode" : "result");
        return member && tph_anystring(member, value);
    }
    if (tph_str_eqz(what, "id")) {
        return put(value, node->pub.id);
    }
    if (tph_str_eqz(what, "status")) {
        return put(value, tph_str(tph_node_phase_name(node->pub.phase)));
    }
    if (tph_str_eqz(what, "startedAt")) {
        return put_time(node->pub.started_ms, value);
    }
    if (tph_str_eqz(what, "finishedAt")) {
        return put_time(node->pub.finished_ms, value);
    }
    return false;
}

static bool lookup_step(const struct node *boundary, struct tph_str tag, struct tph_buf *value)
{
    /* A step's name has no dots, so the first one ends it. */
    ptrdiff_t dot = tph_str_find_byte(tag, '.');
    if (!boundary || dot < 0) {
        return false;
    }
    struct tph_str name = tph_str_slice(tag, 0, (size_t)dot);
    const struct tph_step_place *place = tph_map_get(&boundary->template->places, name);
    if (!place || place->group >= boundary->n_groups) {
        return false;
    }
    const struct node *member = boundary->groups[place->group]->members[place->member];
    if (!member || !tph_node_phase_is_final(member->pub.phase)) {
        return false;
    }
    return lookup_node(member, tph_str_slice(tag, (size_t)dot + 1, tag.len), value);
}

bool tph_scope_lookup(void *owner, struct tph_str tag, struct tph_buf *value)
{
    const struct scope *scope = owner;
    struct tph_str rest = after(tag, "workflow.");
    if (rest.p) {
        return lookup_workflow(scope->run, rest, value);
    }
    if ((rest = after(tag, "inputs.")).p) {
        return lookup_inputs(scope->inputs, rest, value);
    }
    if (tph_str_eqz(tag, "node.name") && scope->node) {
        return put(value, scope->node->pub.name);
    }
    if (tph_str_eqz(tag, "steps.name") && scope->node && scope->node->step) {
        return put(value, scope->node->step->name);
    }
    rest = after(tag, "steps.");
    return rest.p && lookup_step(scope->boundary, rest, value);
}

static const struct tph_argument *find_argument(const struct tph_step *step, struct tph_str name)
{
    for (size_t i = 0; step && i < step->n_arguments; i++) {
        if (tph_str_eq(step->arguments[i].name, name)) {
            return &step->arguments[i];
        }
    }
    return NULL;
}

/* The text of one input: an argument, the workflow's own argument for the root, else what was declared. */
static int input_value(struct node *node, const struct tph_input *input, const struct scope *arguments,
                       struct tph_buf *value, struct tph_buf *problem)
{
    const struct tph_argument *argument = find_argument(node->step, input->name);
    if (argument) {
        struct scope scope = *arguments;
        struct tph_text_scope texts = {.lookup = tph_scope_lookup, .owner = &scope};
        tph_text_eval(&argument->text, &texts, value);
        if (texts.missing.p && (tph_str_has_prefix(texts.missing, TPH_STR("steps.")) ||
                                tph_str_has_prefix(texts.missing, TPH_STR("tasks.")))) {
            (void)tph_buf_printf(problem, "failed to resolve {{%.*s}}", TPH_FMT(texts.missing));
            return -1;
        }
        return 0;
    }
    const struct tph_str *own = node->parent ? NULL : tph_map_get(&node->run->spec->parameters, input->name);
    if (own) {
        return put(value, *own) ? 0 : -1;
    }
    if (!input->has_value) {
        (void)tph_buf_printf(problem, "inputs.parameters.%.*s was not supplied", TPH_FMT(input->name));
        return -1;
    }
    /* A default may hold tags of the workflow. */
    struct tph_text text = tph_text_compile(input->value, node->run->scratch);
    struct scope scope = *arguments;
    struct tph_text_scope texts = {.lookup = tph_scope_lookup, .owner = &scope};
    tph_text_eval(&text, &texts, value);
    return 0;
}

int tph_scope_inputs(struct node *node, const struct scope *arguments, struct tph_json **ret_inputs,
                     struct tph_buf *problem)
{
    const struct tph_template *t = node->template;
    struct tph_json_doc *doc = node->run->doc;
    if (t->n_inputs == 0 && !t->other_inputs) {
        *ret_inputs = NULL;
        return 0;
    }
    struct tph_json *inputs = t->other_inputs ? tph_json_copy(doc, t->other_inputs) : tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    for (size_t i = 0; i < t->n_inputs; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        if (input_value(node, &t->inputs[i], arguments, &value, problem) < 0) {
            return -1;
        }
        struct tph_json *parameter = tph_json_copy(doc, t->inputs[i].declared);
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&value));
        tph_json_append(doc, list, parameter);
    }
    if (t->n_inputs > 0) {
        tph_json_set(doc, inputs, "parameters", list);
    }
    *ret_inputs = inputs;
    return 0;
}
