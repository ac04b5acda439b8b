/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: groups one after the other, their members side by side. Source: argo 2.3 and 1.8. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

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

struct node *tph_steps_make_group(struct node *steps)
{
    struct tph_run *run = steps->run;
    size_t index = steps->n_groups;
    size_t n_members = steps->template->groups[index].n_steps;
    const char *name = tph_arena_format(run->arena, "%.*s[%zu]", TPH_FMT(steps->pub.name), index);
    struct node *group =
        tph_node_make(run, name, &(struct node_kind){.type = TPH_NODE_STEP_GROUP, .parent = steps, .index = index});
    group->members = TPH_ARENA_ARRAY(run->arena, struct node *, n_members);
    if (index == 0) {
        tph_node_add_child(steps, group);
    } else {
        struct node *before = steps->groups[index - 1];
        size_t n_before = steps->template->groups[index - 1].n_steps;
        for (size_t i = 0; i < n_before; i++) {
            if (before->members[i]) {
                link_outbound(before->members[i], group);
            }
        }
        if (n_before == 0) {
            tph_node_add_child(before, group);
        }
    }
    steps->groups[steps->n_groups++] = group;
    return group;
}

struct node *tph_steps_make_member(struct node *group, size_t index, enum tph_node_type type)
{
    struct tph_run *run = group->run;
    const struct tph_step *step = &group->parent->template->groups[group->index].steps[index];
    const char *name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(group->pub.name), TPH_FMT(step->name));
    struct node *member = tph_node_make(
        run, name,
        &(struct node_kind){.type = type, .template = step->target, .step = step, .parent = group, .index = index});
    if (type == TPH_NODE_STEPS) {
        member->groups = TPH_ARENA_ARRAY(run->arena, struct node *, step->target->n_groups);
    }
    group->members[index] = member;
    tph_node_add_child(group, member);
    return member;
}

/* Templates above a node, itself included. */
static size_t depth_of(const struct node *node)
{
    size_t depth = 0;
    for (const struct node *n = node; n; n = n->parent) {
        depth += n->pub.type == TPH_NODE_STEP_GROUP ? 0 : 1;
    }
    return depth;
}

/* Makes one member; a fault in its arguments ends the group. */
static int open_member(struct node *group, size_t index)
{
    const struct tph_step *step = &group->parent->template->groups[group->index].steps[index];
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(16));
    if (depth_of(group->parent) >= TPH_LIMIT_TEMPLATE_DEPTH || group->run->n_nodes >= TPH_LIMIT_NODES) {
        bool deep = group->run->n_nodes < TPH_LIMIT_NODES;
        (void)tph_buf_printf(&problem,
                             deep ? "Maximum recursion depth exceeded: more than %d templates inside one another"
                                  : "more than %d nodes in one workflow",
                             deep ? TPH_LIMIT_TEMPLATE_DEPTH : TPH_LIMIT_NODES);
        tph_node_set_phase(group, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return -1;
    }
    enum tph_node_type type = step->target->type == TPH_TEMPLATE_STEPS ? TPH_NODE_STEPS : TPH_NODE_PLUGIN;
    struct node *member = tph_steps_make_member(group, index, type);
    struct scope scope = {
        .run = group->run, .node = member, .boundary = group->parent, .inputs = group->parent->pub.inputs};
    struct tph_json *inputs = NULL;
    if (tph_scope_inputs(member, &scope, &inputs, &problem) < 0) {
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("step group deemed errored due to child %.*s error: %s", TPH_FMT(member->pub.name),
                                tph_buf_cstr(&problem));
        member->pub.type = TPH_NODE_SKIP;
        tph_node_set_phase(member, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        tph_node_set_message(group, tph_str(text));
        return -1;
    }
    member->pub.inputs = inputs;
    return 0;
}

/* Opens the next group, or ends the steps node when there is none. Groups without members pass at once. */
static void open_next_group(struct node *steps)
{
    if (steps->n_groups == steps->template->n_groups) {
        tph_steps_close(steps);
        return;
    }
    struct node *group = tph_steps_make_group(steps);
    size_t n = steps->template->groups[group->index].n_steps;
    group->unfinished = n;
    if (n == 0) {
        tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
        return;
    }
    size_t made = 0;
    bool good = true;
    for (; made < n && good; made++) {
        good = open_member(group, made) == 0;
    }
    if (!good) {
        /* What was not made never will be; the group ends when those made before have ended. */
        group->unfinished = 0;
        for (size_t i = 0; i < n; i++) {
            group->unfinished += group->members[i] ? 1 : 0;
        }
    }
    /* The stack gives them back in the order of their places. */
    for (size_t i = n; i > 0; i--) {
        struct node *member = group->members[i - 1];
        if (member && !tph_node_phase_is_final(member->pub.phase)) {
            tph_run_push(group->run, WORK_BEGIN, member);
        }
    }
}

void tph_steps_begin(struct node *node)
{
    open_next_group(node);
}

/* The group's phase once every member is final: the first that went wrong decides. */
static void close_group(struct node *group)
{
    size_t n = group->parent->template->groups[group->index].n_steps;
    for (size_t i = 0; i < n; i++) {
        const struct node *member = group->members[i];
        if (!member) {
            continue;
        }
        if (member->pub.type == TPH_NODE_SKIP && member->pub.phase == TPH_NODE_ERROR) {
            tph_node_set_phase(group, TPH_NODE_ERROR, NULL); /* its message was set when the member was refused */
            return;
        }
        if (member->pub.phase == TPH_NODE_FAILED || member->pub.phase == TPH_NODE_ERROR) {
            TPH_CLEANUP(tph_freep) char *message = tph_format("child '%.*s' failed", TPH_FMT(member->pub.id));
            tph_node_set_phase(group, TPH_NODE_FAILED, message);
            return;
        }
    }
    tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
}

void tph_steps_member_final(struct node *member)
{
    struct node *group = member->parent;
    if (group->unfinished > 0 && --group->unfinished == 0) {
        close_group(group);
    }
}

static void collect_outbound(struct node *steps)
{
    if (steps->n_groups == 0) {
        return;
    }
    const struct node *last = steps->groups[steps->n_groups - 1];
    size_t n = steps->template->groups[last->index].n_steps;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        const struct node *m = last->members[i];
        total += !m ? 0 : m->pub.type == TPH_NODE_STEPS ? m->n_outbound : 1;
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

/* The outputs of a steps template that went well. Returns -1 when one cannot be had; the node is Error then. */
static int deliver_outputs(struct node *steps)
{
    const struct tph_template *t = steps->template;
    if (t->n_outputs == 0) {
        return 0;
    }
    struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *outputs = tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    tph_json_set(doc, outputs, "parameters", list);
    steps->outputs_doc = doc;
    for (size_t i = 0; i < t->n_outputs; i++) {
        const struct tph_output *o = &t->outputs[i];
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct scope scope = {.run = steps->run, .node = steps, .boundary = steps, .inputs = steps->pub.inputs};
        struct tph_text_scope texts = {.lookup = tph_scope_lookup, .owner = &scope};
        tph_text_eval(&o->text, &texts, &value);
        if (texts.missing.p && !o->has_default) {
            TPH_CLEANUP(tph_freep)
            char *message = tph_format("Unable to resolve: \"{{%.*s}}\"", TPH_FMT(texts.missing));
            tph_node_set_phase(steps, TPH_NODE_ERROR, message);
            return -1;
        }
        struct tph_json *parameter = tph_json_new_object(doc);
        tph_json_set_str(doc, parameter, "name", o->name);
        tph_json_set_str(doc, parameter, "value", texts.missing.p ? o->fallback : tph_buf_str(&value));
        if (o->global_name.len > 0) {
            tph_json_set_str(doc, parameter, "globalName", o->global_name);
        }
        tph_json_append(doc, list, parameter);
    }
    steps->pub.outputs = outputs;
    return 0;
}

void tph_steps_close(struct node *steps)
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
