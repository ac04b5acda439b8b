/* SPDX-License-Identifier: Apache-2.0 */
/* What a {{tag}} means where.
 *
 * Argo replaces tags in passes over the whole text: first the workflow's and the node's own names, then the inputs,
 * then references to other steps. Each tag is known to one pass only, so one look-up for all of them gives the same,
 * unless a value brings new tags with it: then the passes are made one after the other.
 */
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/time.h"
#include "engine/run_internal.h"

/* The rest of text after prefix, or p NULL. */
static struct tph_str after(struct tph_str text, struct tph_str prefix)
{
    return tph_str_has_prefix(text, prefix) ? tph_str_slice(text, prefix.len, text.len) : TPH_STR_NONE;
}

static enum tph_text_value put(struct tph_buf *value, struct tph_str text)
{
    (void)tph_buf_put(value, text);
    return TPH_TEXT_VALUE;
}

static enum tph_text_value put_any(struct tph_buf *value, const struct tph_json *json)
{
    return json && tph_anystring(json, value) ? TPH_TEXT_VALUE : TPH_TEXT_UNKNOWN;
}

static enum tph_text_value put_time(struct tph_buf *value, int64_t ms)
{
    char text[TPH_TIME_TEXT];
    tph_time_format(ms, text);
    return put(value, tph_str(text));
}

/* The value of the parameter of that name in a list of them. */
static const struct tph_json *parameter_value(const struct tph_json *list, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_json_get(it.value, "value");
        }
    }
    return NULL;
}

static enum tph_text_value lookup_globals(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_str *text = tph_map_get(&scope->run->globals, name);
    if (text) {
        return put(value, *text);
    }
    if (tph_str_eqz(name, "node.name")) {
        return put(value, scope->node->pub.name);
    }
    if (tph_str_eqz(name, "steps.name") && scope->node->step) {
        return put(value, scope->node->step->name);
    }
    return TPH_TEXT_UNKNOWN;
}

static enum tph_text_value lookup_inputs(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_json *list = tph_json_get(scope->inputs, "parameters");
    struct tph_str parameter = after(name, TPH_STR("inputs.parameters."));
    if (parameter.p) {
        return put_any(value, parameter_value(list, parameter));
    }
    if (tph_str_eqz(name, "inputs.parameters") && list) {
        tph_json_write(list, TPH_JSON_HTML, value);
        return TPH_TEXT_VALUE;
    }
    return TPH_TEXT_UNKNOWN;
}

/* What can be said of a step that is done: id, status, outputs.result, ... */
static enum tph_text_value lookup_node(const struct node *node, struct tph_str what, struct tph_buf *value)
{
    const struct tph_json *outputs = node->pub.outputs;
    struct tph_str name = after(what, TPH_STR("outputs.parameters."));
    if (name.p) {
        return put_any(value, parameter_value(tph_json_get(outputs, "parameters"), name));
    }
    if (tph_str_eqz(what, "outputs.result")) {
        return put_any(value, tph_json_get(outputs, "result"));
    }
    if (tph_str_eqz(what, "exitCode")) {
        return put_any(value, tph_json_get(outputs, "exitCode"));
    }
    if (tph_str_eqz(what, "id")) {
        return put(value, node->pub.id);
    }
    if (tph_str_eqz(what, "status")) {
        return put(value, tph_str(tph_node_phase_name(node->pub.phase)));
    }
    if (tph_str_eqz(what, "startedAt")) {
        return put_time(value, node->pub.started_ms);
    }
    if (tph_str_eqz(what, "finishedAt")) {
        return put_time(value, node->pub.finished_ms);
    }
    return TPH_TEXT_UNKNOWN;
}

/* Steps of the groups that are over; not those of the one that is about to begin. */
static enum tph_text_value lookup_steps(const struct node *boundary, struct tph_str name, struct tph_buf *value)
{
    struct tph_str rest = after(name, TPH_STR("steps."));
    ptrdiff_t dot = rest.p ? tph_str_find_byte(rest, '.') : -1; /* a step's name has no dots */
    if (dot < 0) {
        return TPH_TEXT_UNKNOWN;
    }
    const struct tph_step_place *place = tph_map_get(&boundary->template->places, tph_str_slice(rest, 0, (size_t)dot));
    if (!place || place->group >= boundary->n_groups) {
        return TPH_TEXT_UNKNOWN;
    }
    const struct node *group = boundary->groups[place->group];
    const struct node *member = group->members[place->member];
    if (!member || group->pub.phase != TPH_NODE_SUCCEEDED) {
        return TPH_TEXT_UNKNOWN;
    }
    return lookup_node(member, tph_str_slice(rest, (size_t)dot + 1, rest.len), value);
}

static enum tph_text_value lookup_references(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_str *text = tph_map_get(&scope->run->globals, name);
    return text ? put(value, *text) : lookup_steps(scope->node, name, value);
}

static enum tph_text_value lookup_all(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    if (tph_str_has_prefix(name, TPH_STR("inputs."))) {
        return lookup_inputs(owner, name, value);
    }
    enum tph_text_value what = lookup_globals(owner, name, value);
    return what == TPH_TEXT_UNKNOWN && scope->references ? lookup_steps(scope->node, name, value) : what;
}

static const struct tph_str reference_prefixes[] = {{.p = "tasks", .len = 5}, {.p = "steps", .len = 5}};

static struct tph_text_pass pass_of(const struct scope *scope, tph_text_lookup *lookup, bool strict, unsigned flags)
{
    bool argo = scope->run->options.compatibility_argo;
    return (struct tph_text_pass){
        .lookup = lookup,
        .owner = (void *)(uintptr_t)scope,
        .strictness = strict ? TPH_TEXT_PREFIXES : TPH_TEXT_LENIENT,
        .prefixes = reference_prefixes,
        .n_prefixes = 2,
        .flags = flags | (argo ? TPH_TEXT_GO_QUOTES : 0U),
    };
}

bool tph_scope_has_tags(struct tph_str text)
{
    return tph_str_find(text, TPH_STR("{{")) >= 0;
}

/* What came out goes to out, if there is room. */
static int give(struct tph_str made, struct tph_buf *out, struct tph_buf *problem)
{
    if (tph_buf_put(out, made) < 0) {
        (void)tph_buf_printf(problem, "the text is longer than %zu bytes with its tags replaced", out->max);
        return -1;
    }
    return 0;
}

/* One pass after the other, each over what the one before left. */
static int eval_passes(const struct scope *scope, struct tph_str source, unsigned flags, struct tph_buf *out,
                       struct tph_buf *problem)
{
    static tph_text_lookup *const lookups[] = {lookup_globals, lookup_inputs, lookup_references};
    size_t n = scope->references ? 3 : 2;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_put(&text, source);
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
        TPH_CLEANUP(tph_buf_release) struct tph_buf next = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_text compiled = tph_text_compile(tph_buf_str(&text), arena);
        struct tph_text_pass pass = pass_of(scope, lookups[i], i == 2, flags);
        int failed = tph_text_eval(&compiled, &pass, &next, problem);
        if (failed) {
            return failed;
        }
        tph_buf_clear(&text);
        (void)tph_buf_put(&text, tph_buf_str(&next));
    }
    return give(tph_buf_str(&text), out, problem);
}

int tph_scope_eval(const struct scope *scope, const struct tph_text *text, unsigned flags, struct tph_buf *out,
                   struct tph_buf *problem)
{
    if (tph_text_is_plain(text)) {
        return give(text->source, out, problem);
    }
    if (!text->has_nested) {
        struct tph_text_pass pass = pass_of(scope, lookup_all, scope->references, flags);
        TPH_CLEANUP(tph_buf_release) struct tph_buf made = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        int failed = tph_text_eval(text, &pass, &made, problem);
        if (failed || !pass.again) {
            return failed ? failed : give(tph_buf_str(&made), out, problem);
        }
    }
    return eval_passes(scope, text->source, flags, out, problem);
}

int tph_scope_replace(const struct scope *scope, struct tph_str json, struct tph_buf *out, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    size_t begin = out->len;
    int failed = eval_passes(scope, json, TPH_TEXT_JSON, out, problem);
    if (failed == 0 && tph_json_parse(tph_str_slice(tph_buf_str(out), begin, out->len), &doc, NULL) < 0) {
        (void)tph_buf_puts(problem, "cannot finish template replacement because the result was invalid JSON");
        return -1;
    }
    return failed;
}

enum tph_text_value tph_scope_resolve(const struct scope *scope, struct tph_str reference, struct tph_buf *value,
                                      struct tph_buf *problem)
{
    struct tph_text_pass pass = pass_of(scope, lookup_references, false, 0);
    return tph_text_resolve(reference, &pass, value, problem);
}

static const struct tph_str *find_value(const struct node *node, const struct tph_str *values, struct tph_str name)
{
    if (!node->parent) {
        return tph_map_get(&node->run->spec->parameters, name);
    }
    for (size_t i = 0; values && i < node->step->n_arguments; i++) {
        if (tph_str_eq(node->step->arguments[i].name, name)) {
            return &values[i];
        }
    }
    return NULL;
}

/* The text of one input: what was handed to it, else what was declared; tags in it are those of its own template. */
static int input_value(const struct scope *scope, const struct tph_input *input, const struct tph_str *given,
                       struct tph_buf *value, struct tph_buf *problem)
{
    if (!given && !input->has_value) {
        (void)tph_buf_printf(problem, "inputs.parameters.%.*s was not supplied", TPH_FMT(input->name));
        return -1;
    }
    if (given && tph_scope_has_tags(*given)) {
        return eval_passes(scope, *given, 0, value, problem) ? -1 : 0;
    }
    if (given) {
        return give(*given, value, problem);
    }
    return tph_scope_eval(scope, &input->text, 0, value, problem) ? -1 : 0;
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
    struct scope scope = {.run = node->run, .node = node, .inputs = inputs};
    for (size_t i = 0; i < t->n_inputs; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        const struct tph_str *given = find_value(node, values, t->inputs[i].name);
        if (input_value(&scope, &t->inputs[i], given, &value, problem) < 0) {
            return -1;
        }
        struct tph_json *parameter = tph_json_copy(doc, t->inputs[i].declared);
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&value));
        tph_json_append(doc, list, parameter);
    }
    *ret_inputs = inputs;
    return 0;
}
