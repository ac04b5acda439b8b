/* SPDX-License-Identifier: Apache-2.0 */
/* What a variable is: one function for each first word. Source: argo 2.6, 2.7, 2.8, 2.10. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/quote.h"
#include "data/time.h"
#include "engine/aggregate.h"
#include "engine/loop_items.h"
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

/* The part of a step's or task's node name that is its own: "a", "a(0:x)". */
static struct tph_str own_name(const struct node *node)
{
    const struct node *n = node->role == ROLE_ATTEMPT ? node->parent : node;
    size_t before = n->pub.name.len;
    if (n->role != ROLE_MEMBER) {
        return TPH_STR_NONE;
    }
    const struct node *owner = n->parent->pub.type == TPH_NODE_TASK_GROUP ? n->parent->parent : n->parent;
    before = owner->pub.name.len + 1;
    return tph_str_slice(n->pub.name, before, n->pub.name.len);
}

static bool in_dag(const struct node *node)
{
    const struct node *boundary = tph_node_boundary(node);
    return boundary && boundary->pub.type == TPH_NODE_DAG;
}

/* What went wrong, as {{workflow.failures}} has it: a JSON list in Go's quotes. */
static enum tph_text_value put_failures(const struct tph_run *run, struct tph_buf *value)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *list = tph_json_new_array(doc);
    for (const struct node *node = run->root; node; node = tph_node_next(node)) {
        if (tph_node_failed(node)) {
            struct tph_json *failure = tph_json_new_object(doc);
            char time[TPH_TIME_TEXT];
            tph_time_format(node->pub.finished_ms, time);
            tph_json_set_str(doc, failure, "displayName", node->pub.display_name);
            tph_json_set_str(doc, failure, "message", node->pub.message);
            tph_json_set_str(doc, failure, "templateName", node->pub.template_name);
            tph_json_set_cstr(doc, failure, "phase", tph_node_phase_name(node->pub.phase));
            tph_json_set_cstr(doc, failure, "podName", tph_node_pod_name(node));
            tph_json_set_cstr(doc, failure, "finishedAt", time);
            tph_json_append(doc, list, failure);
        }
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_json_len(list) > 0) {
        tph_json_write(list, TPH_JSON_HTML, &text);
    } else {
        (void)tph_buf_puts(&text, "null");
    }
    tph_quote_go(tph_buf_str(&text), value);
    return TPH_TEXT_VALUE;
}

static enum tph_text_value lookup_late(const struct scope *scope, struct tph_str name, struct tph_buf *value)
{
    const struct tph_run *run = scope->run;
    if (!run->root || (!scope->late && !scope->node->late)) {
        return TPH_TEXT_UNKNOWN;
    }
    if (tph_str_eqz(name, "workflow.status")) {
        return put(value, tph_str(tph_node_phase_name(run->root->pub.phase)));
    }
    if (tph_str_eqz(name, "workflow.failures")) {
        return put_failures(run, value);
    }
    if (tph_str_eqz(name, "workflow.duration")) {
        (void)tph_buf_printf(value, "%f", (double)(run->now_ms - run->started_ms) / 1000.0);
        return TPH_TEXT_VALUE;
    }
    return TPH_TEXT_UNKNOWN;
}

enum tph_text_value tph_lookup_globals(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_str *text = tph_map_get(&scope->run->globals, name);
    if (text || scope->only_globals) {
        return text ? put(value, *text) : TPH_TEXT_UNKNOWN;
    }
    if (tph_str_has_prefix(name, TPH_STR("workflow."))) {
        return lookup_late(scope, name, value);
    }
    if (tph_str_eqz(name, "node.name")) {
        const struct node *node = scope->node->role == ROLE_ATTEMPT ? scope->node->parent : scope->node;
        return put(value, node->pub.name);
    }
    const char *own = in_dag(scope->node) ? "tasks.name" : "steps.name";
    struct tph_str mine = tph_str_eqz(name, own) ? own_name(scope->node) : TPH_STR_NONE;
    return mine.p ? put(value, mine) : TPH_TEXT_UNKNOWN;
}

static enum tph_text_value lookup_inputs(const struct tph_json *inputs, struct tph_str name, struct tph_buf *value)
{
    const struct tph_json *list = tph_json_get(inputs, "parameters");
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

static const struct node *inline_boundary(const struct node *node)
{
    return node->call && node->call->target.is_inline ? tph_node_boundary(node) : NULL;
}

enum tph_text_value tph_lookup_inputs(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    /* The text of an inline template stands in its caller's, whose inputs go in first. */
    const struct node *around = inline_boundary(scope->node);
    enum tph_text_value what = around ? lookup_inputs(around->pub.inputs, name, value) : TPH_TEXT_UNKNOWN;
    return what == TPH_TEXT_UNKNOWN ? lookup_inputs(scope->inputs, name, value) : what;
}

/* The declared output of a node that was skipped: its default, or nothing. */
static enum tph_text_value lookup_skipped(const struct node *node, struct tph_str name, struct tph_buf *value)
{
    const struct tph_template *t = node->template;
    struct tph_json_iter it = tph_json_iter(tph_json_get(t ? t->declared_outputs : NULL, "parameters"));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            const struct tph_json *fallback = tph_json_path(it.value, "valueFrom", "default", NULL);
            return fallback && tph_anystring(fallback, value) ? TPH_TEXT_VALUE : TPH_TEXT_ABSENT;
        }
    }
    return TPH_TEXT_UNKNOWN;
}

static bool was_skipped(const struct node *node)
{
    return node->pub.phase == TPH_NODE_SKIPPED || node->pub.phase == TPH_NODE_OMITTED;
}

/* What can be said of a step or task: id, status, outputs.result, ... */
static enum tph_text_value lookup_node(const struct node *node, struct tph_str what, struct tph_buf *value)
{
    const struct tph_json *outputs = node->pub.outputs;
    struct tph_str name = after(what, TPH_STR("outputs.parameters."));
    if (name.p) {
        const struct tph_json *found = parameter_value(tph_json_get(outputs, "parameters"), name);
        return !found && was_skipped(node) ? lookup_skipped(node, name, value) : put_any(value, found);
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
    if (tph_str_eqz(what, "startedAt") && node->pub.started_ms > 0) {
        return put_time(value, node->pub.started_ms);
    }
    if (tph_str_eqz(what, "finishedAt") && node->pub.finished_ms > 0) {
        return put_time(value, node->pub.finished_ms);
    }
    return TPH_TEXT_UNKNOWN;
}

/* What the members of a loop gave, as lists. */
static enum tph_text_value lookup_loop(struct node *const *members, size_t n, struct tph_str what,
                                       const struct scope *scope, struct tph_buf *value)
{
    unsigned flags = tph_run_compat(scope->run, TPH_COMPAT_LOOPS) ? TPH_AGGREGATE_ARGO : 0U;
    TPH_CLEANUP(tph_freep) const struct tph_json **outputs = tph_calloc(n + 1, sizeof(*outputs));
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str name = after(what, TPH_STR("outputs.parameters."));
    size_t good = 0;
    size_t skipped = 0;
    for (size_t i = 0; i < n; i++) {
        skipped += was_skipped(members[i]) ? 1 : 0;
        if (members[i]->pub.phase == TPH_NODE_SUCCEEDED) {
            outputs[good++] = members[i]->pub.outputs;
        }
    }
    bool dag = scope->node->pub.type == TPH_NODE_DAG;
    if (skipped == n && !dag) {
        return TPH_TEXT_UNKNOWN;
    }
    if (tph_str_eqz(what, "outputs.result")) {
        return tph_aggregate_results(outputs, good, flags, value, &problem) < 0 ? TPH_TEXT_UNKNOWN : TPH_TEXT_VALUE;
    }
    if (tph_str_eqz(what, "outputs.parameters")) {
        tph_aggregate_parameters(outputs, good, value);
        return TPH_TEXT_VALUE;
    }
    if (name.p) {
        return tph_aggregate_parameter(outputs, good, name, flags, value) ? TPH_TEXT_VALUE : TPH_TEXT_UNKNOWN;
    }
    return TPH_TEXT_UNKNOWN;
}

/* A loop over nothing gave nothing: an empty list, for which Argo waits without end. */
static bool is_empty_loop(const struct node *node)
{
    return node->call && node->call->loop.kind != TPH_LOOP_NONE && !node->item.p && node->pub.type == TPH_NODE_SKIP &&
           node->pub.phase == TPH_NODE_SKIPPED && tph_str_eqz(node->pub.message, TPH_EMPTY_LOOP_MESSAGE) &&
           !tph_run_compat(node->run, TPH_COMPAT_LOOPS);
}

static enum tph_text_value lookup_single(const struct node *node, struct tph_str what, struct tph_buf *value)
{
    enum tph_text_value found = lookup_node(node, what, value);
    bool outputs = tph_str_eqz(what, "outputs.result") || tph_str_has_prefix(what, TPH_STR("outputs.parameters"));
    return found == TPH_TEXT_UNKNOWN && outputs && is_empty_loop(node) ? put(value, TPH_STR("[]")) : found;
}

/* "a.rest", "a(0:x.y).rest": the step's name with its item, and the rest. */
static bool cut_name(struct tph_str text, struct tph_str *name, struct tph_str *rest)
{
    ptrdiff_t dot = tph_str_find_byte(text, '.');
    ptrdiff_t open = tph_str_find_byte(text, '(');
    if (open >= 0 && dot > open) {
        ptrdiff_t close = tph_str_find(text, TPH_STR(")."));
        dot = close < 0 ? -1 : close + 1;
    }
    if (dot < 0) {
        return false;
    }
    *name = tph_str_slice(text, 0, (size_t)dot);
    *rest = tph_str_slice(text, (size_t)dot + 1, text.len);
    return true;
}

static const struct node *member_named(struct node *const *members, size_t n, struct tph_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (members[i] && tph_str_eq(own_name(members[i]), name)) {
            return members[i];
        }
    }
    return NULL;
}

/* Steps of the groups that are over; not those of the one that is about to begin. */
static enum tph_text_value lookup_step(const struct scope *scope, const struct tph_place *place, struct tph_str name,
                                       struct tph_str what, struct tph_buf *value)
{
    const struct node *steps = scope->node;
    const struct node *group = place->group < steps->n_members ? steps->members[place->group] : NULL;
    bool over = group && (scope->hook || group->pub.phase == TPH_NODE_SUCCEEDED);
    if (!over) {
        return TPH_TEXT_UNKNOWN;
    }
    const struct slot *slot = &group->slots[place->member];
    if (slot->first + slot->n > group->n_members || slot->n == 0) {
        return TPH_TEXT_UNKNOWN;
    }
    struct node *const *members = &group->members[slot->first];
    if (tph_str_find_byte(name, '(') >= 0) {
        const struct node *member = member_named(members, slot->n, name);
        return member ? lookup_node(member, what, value) : TPH_TEXT_UNKNOWN;
    }
    if (!slot->is_loop || !members[0]->item.p) {
        return lookup_single(members[0], what, value);
    }
    return tph_str_has_prefix(what, TPH_STR("outputs.")) ? lookup_loop(members, slot->n, what, scope, value)
                                                         : lookup_node(group, what, value);
}

static enum tph_text_value lookup_task(const struct scope *scope, const struct tph_place *place, struct tph_str name,
                                       struct tph_str what, struct tph_buf *value)
{
    const struct node *node = scope->node->members[place->member];
    if (!node || (!scope->hook && !node->settled)) {
        return TPH_TEXT_UNKNOWN;
    }
    if (node->pub.type != TPH_NODE_TASK_GROUP) {
        return lookup_single(node, what, value);
    }
    if (tph_str_find_byte(name, '(') >= 0) {
        const struct node *member = member_named(node->members, node->n_members, name);
        return member ? lookup_node(member, what, value) : TPH_TEXT_UNKNOWN;
    }
    return tph_str_has_prefix(what, TPH_STR("outputs."))
               ? lookup_loop(node->members, node->n_members, what, scope, value)
               : lookup_node(node, what, value);
}

static enum tph_text_value lookup_members(const struct scope *scope, struct tph_str name, struct tph_buf *value)
{
    const struct node *boundary = scope->node;
    bool dag = boundary->pub.type == TPH_NODE_DAG;
    struct tph_str rest = after(name, dag ? TPH_STR("tasks.") : TPH_STR("steps."));
    struct tph_str step;
    struct tph_str what;
    if ((!dag && boundary->pub.type != TPH_NODE_STEPS) || !rest.p || !cut_name(rest, &step, &what)) {
        return TPH_TEXT_UNKNOWN;
    }
    if (scope->self && tph_str_eq(own_name(scope->self), step)) {
        return lookup_node(scope->self, what, value);
    }
    ptrdiff_t open = tph_str_find_byte(step, '(');
    const struct tph_place *place =
        tph_map_get(&boundary->template->places, open < 0 ? step : tph_str_slice(step, 0, (size_t)open));
    if (!place) {
        return TPH_TEXT_UNKNOWN;
    }
    return dag ? lookup_task(scope, place, step, what, value) : lookup_step(scope, place, step, what, value);
}

/* The node that a reference speaks of, NULL where there is none yet. */
static const struct node *referred(const struct node *boundary, const struct tph_place *place)
{
    bool dag = boundary->pub.type == TPH_NODE_DAG;
    size_t at = dag ? place->member : place->group;
    const struct node *node = at < boundary->n_members ? boundary->members[at] : NULL;
    if (dag || !node) {
        return node;
    }
    size_t first = node->slots[place->member].first;
    return node->slots[place->member].n > 0 && first < node->n_members ? node->members[first] : NULL;
}

void tph_lookup_explain(const struct node *boundary, struct tph_buf *problem)
{
    bool dag = boundary->pub.type == TPH_NODE_DAG;
    struct tph_str text = tph_buf_str(problem);
    ptrdiff_t open = tph_str_find(text, dag ? TPH_STR("{{tasks.") : TPH_STR("{{steps."));
    struct tph_str rest = open < 0 ? TPH_STR("") : tph_str_slice(text, (size_t)open + 8, text.len);
    ptrdiff_t close = tph_str_find(rest, TPH_STR("}}"));
    struct tph_str step;
    struct tph_str what;
    if (close < 0 || tph_run_compat(boundary->run, TPH_COMPAT_MESSAGES) ||
        !cut_name(tph_str_slice(rest, 0, (size_t)close), &step, &what)) {
        return;
    }
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(step);
    const char *kind = dag ? "task" : "step";
    char *item = strchr(name, '(');
    if (item) {
        *item = '\0';
    }
    const struct tph_place *place = tph_map_get(&boundary->template->places, tph_str(name));
    const struct node *node = place ? referred(boundary, place) : NULL;
    if (!place) {
        (void)tph_buf_printf(problem, ": there is no %s called '%s'", kind, name);
    } else if (!node) {
        (void)tph_buf_printf(problem, ": %s '%s' does not come before it", kind, name);
    } else if (was_skipped(node)) {
        (void)tph_buf_printf(problem, ": %s '%s' was %s", kind, name,
                             node->pub.phase == TPH_NODE_SKIPPED ? "skipped" : "omitted");
    } else {
        (void)tph_buf_printf(problem, ": %s '%s' gave no such output", kind, name);
    }
}

enum tph_text_value tph_lookup_references(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct tph_str *text = tph_map_get(&scope->run->globals, name);
    const struct node *around = inline_boundary(scope->node);
    if (text) {
        return put(value, *text);
    }
    if (scope->references || scope->hook) {
        return lookup_members(scope, name, value);
    }
    if (around) {
        struct scope outer = {.run = scope->run, .node = around, .references = true};
        return lookup_members(&outer, name, value);
    }
    return TPH_TEXT_UNKNOWN;
}

/* What is known of the attempt before. In texts of the first attempt, which has none before it, it is empty. */
static enum tph_text_value lookup_last(const struct node *last, struct tph_str what, bool deciding,
                                       struct tph_buf *value)
{
    if (tph_str_eqz(what, "exitCode")) {
        const struct tph_json *code = last ? tph_json_get(last->pub.outputs, "exitCode") : NULL;
        return code ? put_any(value, code) : put(value, tph_str(deciding ? "-1" : "0"));
    }
    if (tph_str_eqz(what, "status")) {
        return put(value, tph_str(last ? tph_node_phase_name(last->pub.phase) : ""));
    }
    if (tph_str_eqz(what, "message")) {
        return put(value, last ? last->pub.message : TPH_STR(""));
    }
    if (tph_str_eqz(what, "duration")) {
        int64_t ms = last && last->pub.finished_ms > 0 ? last->pub.finished_ms / 1000 - last->pub.started_ms / 1000 : 0;
        (void)tph_buf_printf(value, "%lld", (long long)ms);
        return TPH_TEXT_VALUE;
    }
    return TPH_TEXT_UNKNOWN;
}

/* retries and lastRetry.*: in the texts of an attempt, or to decide whether there is to be another one. */
enum tph_text_value tph_lookup_retry(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    const struct node *retry = scope->retry;
    if (!retry) {
        return TPH_TEXT_UNKNOWN;
    }
    bool deciding = scope->only_retry;
    size_t before = deciding ? retry->n_members : scope->node->index; /* attempts that are over */
    struct tph_str what = after(name, TPH_STR("lastRetry."));
    if (tph_str_eqz(name, "retries")) {
        (void)tph_buf_printf(value, "%zu", deciding && before > 0 ? before - 1 : before);
        return TPH_TEXT_VALUE;
    }
    return what.p ? lookup_last(before > 0 ? retry->members[before - 1] : NULL, what, deciding, value)
                  : TPH_TEXT_UNKNOWN;
}

enum tph_text_value tph_lookup_item(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct scope *scope = owner;
    return scope->item.p ? tph_loop_item_lookup(scope->item, name, value) : TPH_TEXT_UNKNOWN;
}

enum tph_text_value tph_lookup_all(void *owner, struct tph_str name, struct tph_buf *value)
{
    static tph_text_lookup *const all[] = {tph_lookup_globals, tph_lookup_inputs, tph_lookup_references,
                                           tph_lookup_item, tph_lookup_retry};
    const struct scope *scope = owner;
    if (scope->only_item) {
        return tph_lookup_item(owner, name, value);
    }
    if (scope->only_retry) {
        return tph_lookup_retry(owner, name, value);
    }
    if (scope->only_globals) {
        return tph_lookup_globals(owner, name, value);
    }
    enum tph_text_value what = TPH_TEXT_UNKNOWN;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && what == TPH_TEXT_UNKNOWN; i++) {
        what = all[i](owner, name, value);
    }
    return what;
}
