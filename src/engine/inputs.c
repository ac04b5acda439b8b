/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of nodes: what is declared, what was handed over, what stands in a ConfigMap. Source: argo 2.6. */
#include "base/limits.h"
#include "data/anystring.h"
#include "engine/run_internal.h"

#define TYPE_LABEL "workflows.argoproj.io/configmap-type"

/* data[key] of a ConfigMap that is meant for this. Returns 0, or -1 with the problem. */
int tph_config_map_value(const struct tph_run *run, struct tph_str name, struct tph_str key, struct tph_buf *value,
                         struct tph_buf *problem)
{
    const struct tph_run_objects *objects = run->options.objects;
    const struct tph_json *map = objects ? objects->find(objects->owner, TPH_OBJECT_CONFIG_MAP, name) : NULL;
    struct tph_str type = tph_json_get_str(tph_json_path(map, "metadata", "labels", NULL), TYPE_LABEL);
    if (!map || type.len == 0) {
        (void)tph_buf_printf(problem,
                             "ConfigMap '%.*s' does not exist. Please make sure it has the label %s: Parameter to be "
                             "detectable by the controller",
                             TPH_FMT(name), TYPE_LABEL);
        return -1;
    }
    if (!tph_str_eqz(type, "Parameter")) {
        (void)tph_buf_printf(problem, "ConfigMap '%.*s' needs to have the label %s: Parameter to load parameters",
                             TPH_FMT(name), TYPE_LABEL);
        return -1;
    }
    const struct tph_json *text = tph_json_getn(tph_json_get(map, "data"), key);
    if (!text) {
        (void)tph_buf_printf(problem, "ConfigMap '%.*s' does not have the key '%.*s'", TPH_FMT(name), TPH_FMT(key));
        return -1;
    }
    (void)tph_buf_put(value, tph_json_str(text));
    return 0;
}

static int input_from_config_map(const struct scope *scope, const struct tph_input *input, struct tph_buf *value,
                                 struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_KIB(16));
    if (tph_scope_eval(scope, &input->config_map, 0, &name, problem) ||
        tph_scope_eval(scope, &input->key, 0, &key, problem)) {
        return -1;
    }
    if (tph_config_map_value(scope->run, tph_buf_str(&name), tph_buf_str(&key), value, &why) == 0 ||
        (input->fallback && tph_anystring(input->fallback, value))) {
        return 0;
    }
    (void)tph_buf_printf(problem, "unable to retrieve inputs.parameters.%.*s from ConfigMap: %s", TPH_FMT(input->name),
                         tph_buf_cstr(&why));
    return -1;
}

static const struct tph_str *find_value(const struct node *node, const struct tph_str *values, struct tph_str name)
{
    if (!node->parent) {
        return tph_map_get(&node->run->spec->parameters, name);
    }
    for (size_t i = 0; values && i < node->call->n_arguments; i++) {
        if (tph_str_eq(node->call->arguments[i].name, name)) {
            return &values[i];
        }
    }
    return NULL;
}

/* The text of one input: what was handed to it, else what was declared; tags in it are those of its own template. */
static int input_value(const struct scope *scope, const struct tph_input *input, const struct tph_str *given,
                       struct tph_buf *value, struct tph_buf *problem)
{
    if (given && !given->p && !input->has_value) {
        (void)tph_buf_printf(problem,
                             "inputs.parameters.%.*s: argument references an absent optional (skipped/omitted node "
                             "output with no default)",
                             TPH_FMT(input->name));
        return -1;
    }
    given = given && !given->p ? NULL : given;
    if (!given && !input->has_value && input->has_config_map) {
        return input_from_config_map(scope, input, value, problem);
    }
    if (!given && !input->has_value) {
        (void)tph_buf_printf(problem, "inputs.parameters.%.*s was not supplied", TPH_FMT(input->name));
        return -1;
    }
    if (given && tph_scope_has_tags(*given)) {
        return tph_scope_eval_again(scope, *given, value, problem) ? -1 : 0;
    }
    if (given) {
        return tph_scope_give(*given, value, problem);
    }
    return tph_scope_eval(scope, &input->text, 0, value, problem) ? -1 : 0;
}

/* Where a parameter of the workflow came from, which the entrypoint's inputs show. */
static const struct tph_json *from_of(const struct tph_spec *spec, struct tph_str name)
{
    for (const struct tph_late_parameter *late = spec->late_parameters; late; late = late->next) {
        if (tph_str_eq(late->name, name)) {
            return late->from;
        }
    }
    return NULL;
}

int tph_scope_inputs(struct node *node, const struct tph_str *values, struct tph_json **ret_inputs,
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
    if (t->n_inputs > 0) {
        tph_json_set(doc, inputs, "parameters", list);
    }
    struct scope scope = tph_scope_of(node);
    scope.inputs = inputs;
    for (size_t i = 0; i < t->n_inputs; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        const struct tph_str *given = find_value(node, values, t->inputs[i].name);
        if (input_value(&scope, &t->inputs[i], given, &value, problem) < 0) {
            return -1;
        }
        struct tph_json *parameter = tph_json_copy(doc, t->inputs[i].declared);
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&value));
        const struct tph_json *from = node->parent ? NULL : from_of(node->run->spec, t->inputs[i].name);
        if (from) {
            tph_json_set(doc, parameter, "valueFrom", tph_json_copy(doc, from));
        }
        tph_json_append(doc, list, parameter);
    }
    *ret_inputs = inputs;
    return 0;
}

int tph_scope_attempt_inputs(struct node *node, struct tph_json **ret_inputs, struct tph_buf *problem)
{
    const struct node *retry = node->parent;
    struct scope scope = tph_scope_of(node);
    struct tph_json_doc *doc = node->run->doc;
    scope.only_retry = true;
    *ret_inputs = NULL;
    if (!retry->pub.inputs) {
        return 0;
    }
    struct tph_json *inputs = tph_json_copy(doc, retry->pub.inputs);
    struct tph_json_iter it = tph_json_iter(tph_json_get(inputs, "parameters"));
    while (tph_json_next(&it)) {
        struct tph_str value = tph_json_get_str(it.value, "value");
        if (tph_scope_has_tags(value)) {
            TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
            TPH_CLEANUP(tph_buf_release) struct tph_buf made = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
            struct tph_text text = tph_text_compile(value, arena);
            if (tph_scope_eval(&scope, &text, 0, &made, problem)) {
                return -1;
            }
            tph_json_set_str(doc, it.value, "value", tph_buf_str(&made));
        }
    }
    *ret_inputs = inputs;
    return 0;
}
