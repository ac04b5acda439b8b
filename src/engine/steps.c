/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: groups one after the other, their members side by side. Source: argo 2.3 and 1.8.
 *
 * A group begins as a whole or not at all: references are resolved first, then all members are made, and when one of
 * them cannot be, those made before it end Omitted and are never sent to a plugin. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

static const struct tph_step_group *plan_of(const struct node *group)
{
    return &group->parent->template->groups[group->index];
}

/* What hangs on a member hangs on its leaves. */
static void link_outbound(struct node *member, struct node *group)
{
    if (member->pub.type != TPH_NODE_STEPS) {
        tph_node_add_child(member, group);
        return;
    }
    for (size_t i = 0; i < member->n_outbound; i++) {
        tph_node_add_child((struct node *)(void *)member->outbound[i], group);
    }
}

static void link_group(struct node *group)
{
    struct node *steps = group->parent;
    if (group->index == 0) {
        tph_node_add_child(steps, group);
        return;
    }
    struct node *before = steps->groups[group->index - 1];
    size_t n_before = plan_of(before)->n_steps;
    for (size_t i = 0; i < n_before; i++) {
        if (before->members[i]) {
            link_outbound(before->members[i], group);
        }
    }
    if (n_before == 0) {
        tph_node_add_child(before, group);
    }
}

struct node *tph_steps_make_group(struct node *steps)
{
    struct tph_run *run = steps->run;
    size_t index = steps->n_groups;
    const char *name = tph_arena_format(run->arena, "%.*s[%zu]", TPH_FMT(steps->pub.name), index);
    struct node *group =
        tph_node_make(run, name, &(struct node_kind){.type = TPH_NODE_STEP_GROUP, .parent = steps, .index = index});
    group->members = TPH_ARENA_ARRAY(run->arena, struct node *, plan_of(group)->n_steps);
    steps->groups[steps->n_groups++] = group;
    return group;
}

const char *tph_steps_member_name(const struct node *group, size_t index)
{
    return tph_arena_format(group->run->arena, "%.*s.%.*s", TPH_FMT(group->pub.name),
                            TPH_FMT(plan_of(group)->steps[index].name));
}

/* The texts of one step's arguments, in the order in which they are declared; in the scratch arena. */
static int resolve_step(const struct scope *scope, const struct tph_step *step, struct tph_str **ret_values,
                        struct tph_buf *problem)
{
    struct tph_arena *scratch = scope->run->scratch;
    struct tph_str *values = TPH_ARENA_ARRAY(scratch, struct tph_str, step->n_arguments);
    for (size_t i = 0; i < step->n_arguments; i++) {
        const struct tph_text *text = &step->arguments[i].text;
        if (tph_text_is_plain(text)) {
            values[i] = text->source;
            continue;
        }
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        if (tph_scope_eval(scope, text, 0, &value, problem)) {
            return -1;
        }
        values[i] = tph_arena_str(scratch, tph_buf_str(&value));
    }
    *ret_values = values;
    return 0;
}

/* The arguments of all members, or NULL with the problem. */
static struct tph_str **resolve_references(const struct node *group, struct tph_buf *problem)
{
    const struct node *steps = group->parent;
    const struct tph_step_group *plan = plan_of(group);
    struct scope scope = {.run = group->run, .node = steps, .inputs = steps->pub.inputs, .references = true};
    struct tph_str **values = TPH_ARENA_ARRAY(group->run->scratch, struct tph_str *, plan->n_steps);
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (resolve_step(&scope, &plan->steps[i], &values[i], problem) < 0) {
            return NULL;
        }
    }
    return values;
}

static enum dispatched make_member(struct node *group, size_t index, const struct tph_str *values,
                                   struct tph_buf *problem)
{
    const struct tph_step *step = &plan_of(group)->steps[index];
    struct node_kind kind = {.type = tph_template_ops(step->target)->node_type,
                             .template = step->target,
                             .step = step,
                             .parent = group,
                             .index = index};
    enum dispatched result = DISPATCHED;
    struct node *member =
        tph_dispatch(group->run, tph_steps_member_name(group, index), &kind, values, problem, &result);
    group->members[index] = member;
    group->unfinished++;
    tph_node_add_child(group, member);
    return result;
}

/* Members made before one that could not be: nobody has heard of them. */
static void omit_members(struct node *group, const struct node *failed)
{
    TPH_CLEANUP(tph_freep)
    char *message = tph_format("omitted: %.*s could not begin", TPH_FMT(failed->pub.display_name));
    for (size_t i = 0; i < failed->index; i++) {
        tph_node_end_unmade(group->members[i], TPH_NODE_OMITTED, message);
    }
}

static void make_members(struct node *group, struct tph_str *const *values)
{
    size_t n = plan_of(group)->n_steps;
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < n; i++) {
        tph_buf_clear(&problem);
        if (make_member(group, i, values[i], &problem) == DISPATCH_FAILED) {
            const struct node *failed = group->members[i];
            TPH_CLEANUP(tph_freep)
            char *message = tph_format("step group deemed errored due to child %.*s error: %s",
                                       TPH_FMT(failed->pub.name), tph_buf_cstr(&problem));
            omit_members(group, failed);
            tph_node_set_phase(group, TPH_NODE_ERROR, message);
            return;
        }
    }
    /* The stack gives them back in the order of their places. */
    for (size_t i = n; i > 0; i--) {
        const struct node *member = group->members[i - 1];
        if (tph_template_ops(member->template)->begin) {
            tph_run_push(group->run, WORK_BEGIN, group->members[i - 1]);
        }
    }
}

static void close_steps(struct node *steps);
static void collect_outbound(struct node *steps);

/* Opens the next group, or ends the steps node when there is none. Groups without members pass at once. */
static void open_next_group(struct node *steps)
{
    struct tph_run *run = steps->run;
    if (steps->n_groups == steps->template->n_groups) {
        close_steps(steps);
        return;
    }
    size_t n = steps->template->groups[steps->n_groups].n_steps;
    size_t most = run->options.max_nodes ? run->options.max_nodes : TPH_LIMIT_NODES;
    if (n >= most || run->n_nodes >= most - n) {
        TPH_CLEANUP(tph_freep) char *message = tph_format("the workflow would have more than %zu nodes", most);
        collect_outbound(steps);
        tph_node_set_phase(steps, TPH_NODE_FAILED, message);
        return;
    }
    struct node *group = tph_steps_make_group(steps);
    link_group(group);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str **values = resolve_references(group, &problem);
    if (!values) {
        TPH_CLEANUP(tph_freep) char *message = tph_format("failed to resolve references: %s", tph_buf_cstr(&problem));
        tph_node_set_phase(group, TPH_NODE_ERROR, message);
    } else if (n == 0) {
        tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
    } else {
        make_members(group, values);
    }
}

int tph_steps_prepare(struct node *node, struct tph_buf *problem)
{
    if (node->template->n_groups == 0) {
        (void)tph_buf_printf(problem, "Template '%.*s' missing specification", TPH_FMT(node->template->name));
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    return 0;
}

void tph_steps_begin(struct node *node)
{
    if (!tph_node_phase_is_final(node->pub.phase)) {
        open_next_group(node);
    }
}

/* A member that failed in the making of its outputs, which Argo takes for a fault of the group. */
static bool is_broken(const struct node *member)
{
    return member->pub.type == TPH_NODE_STEPS && member->pub.phase == TPH_NODE_ERROR;
}

static bool is_bad(const struct node *member)
{
    return member->pub.phase == TPH_NODE_FAILED || member->pub.phase == TPH_NODE_ERROR;
}

/* The group's phase once every member is final: the first that went wrong decides, the broken before the failed. */
static void close_group(struct node *group)
{
    const struct node *failed = NULL;
    const struct node *broken = NULL;
    size_t n = plan_of(group)->n_steps;
    for (size_t i = 0; i < n; i++) {
        const struct node *member = group->members[i];
        broken = !broken && member && is_broken(member) ? member : broken;
        failed = !failed && member && is_bad(member) ? member : failed;
    }
    if (broken) {
        TPH_CLEANUP(tph_freep)
        char *message = tph_format("step group deemed errored due to child %.*s error: %.*s", TPH_FMT(broken->pub.name),
                                   TPH_FMT(broken->pub.message));
        tph_node_set_phase(group, TPH_NODE_ERROR, message);
    } else if (failed && failed->timed_out) {
        tph_node_set_phase(group, TPH_NODE_FAILED, "timeout");
    } else if (failed) {
        TPH_CLEANUP(tph_freep) char *message = tph_format("child '%.*s' failed", TPH_FMT(failed->pub.id));
        tph_node_set_phase(group, TPH_NODE_FAILED, message);
    } else {
        tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
    }
}

void tph_steps_member_final(struct node *member)
{
    struct node *group = member->parent;
    group->unfinished--;
    if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
        close_group(group);
    }
}

static size_t outbound_of(const struct node *member)
{
    return member->pub.type == TPH_NODE_STEPS ? member->n_outbound : 1;
}

/* The leaves of the last group. */
static void collect_outbound(struct node *steps)
{
    if (steps->n_groups == 0) {
        return;
    }
    const struct node *last = steps->groups[steps->n_groups - 1];
    size_t n = plan_of(last)->n_steps;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += last->members[i] ? outbound_of(last->members[i]) : 0;
    }
    steps->outbound = tph_calloc(total, sizeof(struct tph_node *));
    for (size_t i = 0; i < n; i++) {
        struct node *m = last->members[i];
        if (m && m->pub.type != TPH_NODE_STEPS) {
            steps->outbound[steps->n_outbound++] = &m->pub;
        }
        for (size_t j = 0; m && m->pub.type == TPH_NODE_STEPS && j < m->n_outbound; j++) {
            steps->outbound[steps->n_outbound++] = m->outbound[j];
        }
    }
}

/* One output's value, or its default. Tags in the reference are the template's own and are replaced first. */
static int output_value(const struct node *steps, const struct tph_output *o, struct tph_buf *value,
                        struct tph_buf *problem)
{
    if (!o->has_reference) {
        (void)tph_buf_puts(problem, "output parameters must have a valueFrom specified");
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf reference = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = {.run = steps->run, .node = steps, .inputs = steps->pub.inputs};
    if (tph_scope_eval(&scope, &o->reference, 0, &reference, problem)) {
        return -1;
    }
    switch (tph_scope_resolve(&scope, tph_buf_str(&reference), value, problem)) {
    case TPH_TEXT_VALUE:
        return 0;
    case TPH_TEXT_UNKNOWN:
        break;
    case TPH_TEXT_ABSENT:
    case TPH_TEXT_NO_STRING:
        (void)tph_buf_printf(problem,
                             "output parameter \"%.*s\": \"%.*s\" is an absent optional (skipped/omitted node output "
                             "with no default)",
                             TPH_FMT(o->name), TPH_FMT(tph_buf_str(&reference)));
        break;
    }
    if (!o->has_default) {
        return -1;
    }
    tph_buf_clear(problem);
    return tph_scope_eval(&scope, &o->fallback, 0, value, problem) ? -1 : 0;
}

/* The outputs of a steps template that went well. Returns -1 when one cannot be had; the node is Error then. */
static int deliver_outputs(struct node *steps)
{
    const struct tph_template *t = steps->template;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *outputs = tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    tph_json_set(doc, outputs, "parameters", list);
    for (size_t i = 0; i < t->n_outputs; i++) {
        const struct tph_output *o = &t->outputs[i];
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        if (output_value(steps, o, &value, &problem) < 0) {
            tph_node_set_phase(steps, TPH_NODE_ERROR, tph_buf_cstr(&problem));
            return -1;
        }
        struct tph_json *parameter = tph_json_new_object(doc);
        tph_json_set_str(doc, parameter, "name", o->name);
        tph_json_set_str(doc, parameter, "value", tph_buf_str(&value));
        if (o->global_name.len > 0) {
            tph_json_set_str(doc, parameter, "globalName", o->global_name);
        }
        tph_json_append(doc, list, parameter);
    }
    if (t->n_outputs > 0) {
        tph_node_set_outputs(steps, outputs);
        tph_globals_export_all(steps->run, outputs);
    }
    return 0;
}

static void close_steps(struct node *steps)
{
    collect_outbound(steps);
    if (deliver_outputs(steps) == 0) {
        tph_node_set_phase(steps, TPH_NODE_SUCCEEDED, NULL);
    }
}

void tph_steps_group_final(struct node *group)
{
    struct node *steps = group->parent;
    if (group->pub.phase == TPH_NODE_SUCCEEDED) {
        open_next_group(steps);
        return;
    }
    collect_outbound(steps);
    TPH_CLEANUP(tph_freep) char *message = tph_str_dup(group->pub.message);
    tph_node_set_phase(steps, TPH_NODE_FAILED, message);
}

void tph_steps_start_again(struct node *node)
{
    if (node->pub.type == TPH_NODE_STEP_GROUP) {
        if (node->unfinished == 0) {
            close_group(node);
        }
        return;
    }
    struct node *last = node->n_groups > 0 ? node->groups[node->n_groups - 1] : NULL;
    if (!last) {
        tph_run_push(node->run, WORK_BEGIN, node);
    } else if (tph_node_phase_is_final(last->pub.phase)) {
        tph_run_push(node->run, WORK_SETTLE, last);
    }
}
