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

static void hang_on(void *owner, struct node *leaf)
{
    tph_node_add_child(leaf, owner);
}

static void link_group(struct node *group)
{
    struct node *steps = group->parent;
    if (group->index == 0) {
        tph_node_add_child(steps, group);
        return;
    }
    struct node *before = steps->members[group->index - 1];
    for (size_t i = 0; i < before->n_members; i++) {
        if (before->members[i]) {
            tph_node_outbound(before->members[i], hang_on, group);
        }
    }
    if (before->n_members == 0) {
        tph_node_add_child(before, group);
    }
}

struct node *tph_steps_make_group(struct node *steps)
{
    struct tph_run *run = steps->run;
    size_t index = steps->n_members;
    const char *name = tph_arena_format(run->arena, "%.*s[%zu]", TPH_FMT(steps->pub.name), index);
    struct node_kind kind = {.type = TPH_NODE_STEP_GROUP, .role = ROLE_GROUP, .parent = steps, .index = index};
    struct node *group = tph_node_make(run, name, &kind);
    tph_node_put_member(steps, index, group);
    group->slots = TPH_ARENA_ARRAY(run->arena, struct slot, plan_of(group)->n_steps);
    return group;
}

/* What all steps of the group are with their references and items put in, or -1 with the problem. */
static int expand_all(struct node *group, struct members *members, struct tph_buf *problem)
{
    const struct tph_step_group *plan = plan_of(group);
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct slot *slot = &group->slots[i];
        size_t first = members->n;
        if (tph_expand(group->parent, &plan->steps[i], group->pub.name, members, &slot->is_loop, problem) < 0) {
            return -1;
        }
        slot->first = first;
        slot->n = members->n - first;
    }
    return 0;
}

/* Members made before one that could not be: nobody has heard of them. */
static void omit_members(struct node *group, const struct node *failed)
{
    TPH_CLEANUP(tph_freep)
    char *message = tph_format("omitted: %.*s could not begin", TPH_FMT(failed->pub.display_name));
    for (size_t i = 0; i < failed->index; i++) {
        if (group->members[i] && !tph_node_phase_is_final(group->members[i]->pub.phase)) {
            tph_node_end_unmade(group->members[i], TPH_NODE_OMITTED, message);
        }
    }
}

static void fail_group(struct node *group, const struct node *member, const char *problem)
{
    TPH_CLEANUP(tph_freep)
    char *message =
        tph_format("step group deemed errored due to child %.*s error: %s", TPH_FMT(member->pub.name), problem);
    omit_members(group, member);
    tph_node_set_phase(group, TPH_NODE_ERROR, message);
}

static void close_group(struct node *group);

/* Makes the members from plan->next on, as far as there is room. */
static void make_members(struct node *group, struct members *plan)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    size_t first = plan->next;
    size_t before = group->run->n_nodes;
    for (; plan->next < plan->n; plan->next++) {
        const struct member *m = &plan->list[plan->next];
        enum dispatched result = DISPATCHED;
        if (tph_member_is_made(group, plan->next)) {
            continue;
        }
        if (tph_parallel_gives_up(group)) {
            tph_members_give_up(group, plan);
            group->gave_up = true;
            break;
        }
        if (m->what == MEMBER_CALL && !tph_parallel_may_begin(group, m->template)) {
            tph_parallel_block(group);
            break;
        }
        tph_buf_clear(&problem);
        struct node *member = tph_dispatch_member(group, m, plan->next, &problem, &result);
        tph_node_add_child(group, member);
        if (result == DISPATCH_FAILED && first == 0) {
            fail_group(group, member, tph_buf_cstr(&problem));
            return;
        }
        if (result == DISPATCH_FAILED) { /* others run by now: the group fails when they are over */
            group->unfinished -= plan->n - plan->next - 1;
            plan->n = plan->next + 1;
        }
    }
    /* The stack gives them back in the order of their places. */
    for (size_t i = plan->next; i > first; i--) {
        if (group->members[i - 1]->seq >= before) {
            tph_node_push_begin(group->members[i - 1]);
        }
    }
    if (plan->next < plan->n && !group->plan) {
        group->plan = tph_members_keep(group->run, plan);
        group->plan->next = plan->next;
    }
}

void tph_steps_make_more(struct node *group)
{
    if (!tph_node_phase_is_final(group->pub.phase) && group->plan) {
        make_members(group, group->plan);
        if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
            close_group(group);
        }
    }
}

static void end_steps(struct node *steps, enum tph_node_phase phase, const char *message)
{
    if (steps->n_members > 0) {
        struct node *last = steps->members[steps->n_members - 1];
        tph_node_keep_outbound(steps, last->members, last->n_members);
    }
    tph_node_set_phase(steps, phase, message);
}

static void close_steps(struct node *steps)
{
    if (tph_outputs_deliver(steps) == 0) {
        end_steps(steps, TPH_NODE_SUCCEEDED, NULL);
    } else {
        end_steps(steps, TPH_NODE_ERROR, NULL);
    }
}

/* Opens the next group, or ends the steps node when there is none. Groups without members pass at once. */
static void open_next_group(struct node *steps)
{
    struct tph_run *run = steps->run;
    if (steps->n_members == steps->template->n_groups) {
        close_steps(steps);
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!tph_run_has_room(run, 1 + steps->template->groups[steps->n_members].n_steps, &problem)) {
        end_steps(steps, TPH_NODE_FAILED, tph_buf_cstr(&problem));
        return;
    }
    struct node *group = tph_steps_make_group(steps);
    struct members members = {.n = 0};
    link_group(group);
    if (expand_all(group, &members, &problem) < 0) {
        tph_node_set_phase(group, TPH_NODE_ERROR, tph_buf_cstr(&problem));
    } else if (!tph_run_has_room(run, members.n, &problem)) {
        tph_node_set_phase(group, TPH_NODE_FAILED, tph_buf_cstr(&problem));
    } else if (members.n == 0) {
        tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
    } else {
        group->unfinished = members.n;
        make_members(group, &members);
        if (group->gave_up && group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
            close_group(group);
        }
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
    open_next_group(node);
}

/* A member that failed in the making of its outputs, which Argo takes for a fault of the group. */
static bool is_broken(const struct node *member)
{
    bool steps = member->pub.type == TPH_NODE_STEPS && member->pub.phase == TPH_NODE_ERROR;
    return steps || (member->broken && tph_node_failed(member));
}

static bool is_covered(const struct node *member)
{
    return member->pub.phase == TPH_NODE_ERROR ? member->call->continue_on_error : member->call->continue_on_failed;
}

/* Argo says so of the group in the template that was called, ours of the template's own that fails fast. */
static bool gives_up(const struct node *group)
{
    const struct node *steps = group->parent;
    if (!tph_run_compat(group->run, TPH_COMPAT_MESSAGES)) {
        return tph_parallel_gives_up(group);
    }
    const struct node *around = tph_node_boundary(steps);
    return around && around->pub.type == TPH_NODE_STEPS && around->template->fail_fast;
}

/* The group's phase once every member is settled: the first that went wrong decides, the broken before the failed. */
static void close_group(struct node *group)
{
    const struct node *failed = NULL;
    const struct node *broken = NULL;
    for (size_t i = 0; i < group->n_members; i++) {
        const struct node *member = group->members[i];
        broken = !broken && is_broken(member) ? member : broken;
        failed = !failed && tph_node_failed(member) && !is_covered(member) ? member : failed;
    }
    if (broken) {
        TPH_CLEANUP(tph_freep)
        char *message = tph_format("step group deemed errored due to child %.*s error: %.*s", TPH_FMT(broken->pub.name),
                                   TPH_FMT(broken->pub.message));
        tph_node_set_phase(group, TPH_NODE_ERROR, message);
    } else if (failed && failed->timed_out) {
        tph_node_set_phase(group, TPH_NODE_FAILED, "timeout");
    } else if ((failed && gives_up(group)) || (!failed && group->gave_up)) {
        tph_node_set_phase(group, TPH_NODE_FAILED, TPH_FAIL_FAST_MESSAGE);
    } else if (failed) {
        TPH_CLEANUP(tph_freep) char *message = tph_format("child '%.*s' failed", TPH_FMT(failed->pub.id));
        tph_node_set_phase(group, TPH_NODE_FAILED, message);
    } else {
        tph_node_set_phase(group, TPH_NODE_SUCCEEDED, NULL);
    }
}

void tph_steps_settled(struct node *group, struct node *member)
{
    group->unfinished--;
    if (member->timed_out && tph_run_compat(group->run, TPH_COMPAT_TIMEOUTS)) {
        tph_node_set_phase(group, TPH_NODE_FAILED, "timeout"); /* whatever becomes of the others */
    }
    if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
        close_group(group);
    }
}

void tph_steps_hook_broken(struct node *group, const char *problem)
{
    if (tph_node_phase_is_final(group->pub.phase)) {
        return;
    }
    if (!tph_run_compat(group->run, TPH_COMPAT_HOOKS)) { /* Argo leaves them as they are */
        tph_run_end_below(group, "ended: the condition of a hook beside it cannot be evaluated");
    }
    group->run->second_pass = true;
    tph_node_set_phase(group, TPH_NODE_ERROR, problem);
}

static bool has_broken_loop(const struct node *group, struct tph_buf *problem)
{
    const struct tph_step_group *plan = plan_of(group);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct slot *slot = &group->slots[i];
        if (slot->n > 0 &&
            tph_loop_is_broken(group->parent, &plan->steps[i], &group->members[slot->first], slot->n, problem)) {
            return true;
        }
    }
    return false;
}

static const struct node *first_failed(const struct node *group)
{
    for (size_t i = 0; i < group->n_members; i++) {
        if (tph_node_failed(group->members[i])) {
            return group->members[i];
        }
    }
    return NULL;
}

void tph_steps_group_final(struct node *group)
{
    struct node *steps = group->parent;
    if (tph_node_phase_is_final(steps->pub.phase)) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (group->pub.phase == TPH_NODE_SUCCEEDED && has_broken_loop(group, &problem)) {
        steps->broken = true;
        tph_node_set_phase(steps, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return;
    }
    if (group->pub.phase == TPH_NODE_SUCCEEDED) {
        open_next_group(steps);
        return;
    }
    const struct node *failed = group->pub.phase == TPH_NODE_FAILED ? first_failed(group) : NULL;
    bool says_so = tph_str_eqz(group->pub.message, TPH_FAIL_FAST_MESSAGE);
    TPH_CLEANUP(tph_freep)
    char *message = failed && says_so && tph_run_compat(steps->run, TPH_COMPAT_MESSAGES)
                        ? tph_format("child '%.*s' failed", TPH_FMT(failed->pub.id))
                        : tph_str_dup(group->pub.message);
    end_steps(steps, TPH_NODE_FAILED, message);
}

/* One of them could not be made: so nothing is behind it. */
static bool has_unmade(const struct node *group)
{
    for (size_t i = 0; i < group->n_members; i++) {
        const struct node *member = group->members[i];
        if (member->pub.type == TPH_NODE_SKIP && member->pub.phase == TPH_NODE_ERROR) {
            return true;
        }
    }
    return false;
}

/* After a restart: what the group had not made yet, for there was no room. */
static void plan_again(struct node *group)
{
    const struct node *steps = group->parent;
    bool limited = steps->template->parallelism > 0 || group->run->spec->parallelism > 0 || steps->template->fail_fast;
    TPH_CLEANUP(tph_freep) struct slot *slots = tph_calloc(plan_of(group)->n_steps + 1, sizeof(*slots));
    struct members members = {.n = 0};
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if ((!limited && !group->run->retried) || group->plan || has_unmade(group)) {
        return;
    }
    memcpy(slots, group->slots, plan_of(group)->n_steps * sizeof(*slots));
    int failed = expand_all(group, &members, &problem);
    if (failed < 0 && group->run->retried) {
        tph_node_set_phase(group, TPH_NODE_ERROR, tph_buf_cstr(&problem));
    } else if (failed < 0 || !tph_members_plan_again(group, &members)) {
        memcpy(group->slots, slots, plan_of(group)->n_steps * sizeof(*slots));
    }
}

void tph_steps_start_again(struct node *node)
{
    if (node->pub.type == TPH_NODE_STEP_GROUP) {
        plan_again(node);
        if (node->plan) {
            tph_steps_make_more(node);
        } else if (node->unfinished == 0 && !tph_node_phase_is_final(node->pub.phase)) {
            close_group(node);
        }
        return;
    }
    struct node *last = node->n_members > 0 ? node->members[node->n_members - 1] : NULL;
    if (!last) {
        tph_run_push(node->run, WORK_BEGIN, node);
    } else if (tph_node_phase_is_final(last->pub.phase)) {
        tph_run_push(node->run, WORK_SETTLE, last);
    }
}
