/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a group or loop that are made a second time: after `retry` some are there, others were forgotten; with
 * limited parallelism a restart finds that some were not made yet. */
#include <string.h>

#include "base/alloc.h"
#include "engine/run_internal.h"

/* The places of the plan for the nodes that are there. NULL where one of them has none: what is looped over changed. */
static struct node **placed(const struct node *group, const struct members *plan)
{
    struct tph_map by_name = TPH_MAP_INIT;
    struct node **list = tph_calloc(plan->n, sizeof(struct node *));
    size_t found = 0;
    size_t there = 0;
    for (size_t i = 0; i < group->n_members; i++) {
        if (group->members[i]) {
            (void)tph_map_set(&by_name, group->members[i]->pub.name, group->members[i]);
            there++;
        }
    }
    for (size_t i = 0; i < plan->n; i++) {
        list[i] = tph_map_get(&by_name, tph_str(plan->list[i].name));
        found += list[i] ? 1 : 0;
    }
    tph_map_release(&by_name);
    if (found != there) {
        free(TPH_TAKE(list));
    }
    return list;
}

bool tph_members_plan_again(struct node *group, struct members *plan)
{
    size_t missing = 0;
    size_t first = 0;
    TPH_CLEANUP(tph_freep) struct node **list = plan->n > 0 ? placed(group, plan) : NULL;
    if (!list) {
        return false;
    }
    for (size_t i = plan->n; i > 0; i--) {
        if (!list[i - 1]) {
            missing++;
            first = i - 1;
        }
    }
    if (missing == 0) {
        return false;
    }
    group->n_members = 0;
    for (size_t i = 0; i < plan->n; i++) {
        if (list[i]) {
            list[i]->index = i;
            tph_node_put_member(group, i, list[i]);
        } else if (i < group->members_capacity) {
            group->members[i] = NULL;
        }
    }
    group->plan = tph_members_keep(group->run, plan);
    group->plan->next = first;
    group->unfinished += missing;
    return true;
}

bool tph_member_is_made(const struct node *group, size_t index)
{
    return index < group->n_members && group->members[index];
}

void tph_members_give_up(struct node *group, struct members *plan)
{
    size_t kept = plan->next;
    for (size_t i = plan->next; i < plan->n; i++) {
        if (tph_member_is_made(group, i)) {
            group->members[kept] = group->members[i];
            group->members[kept]->index = kept;
            kept++;
        }
    }
    group->unfinished -= plan->n - kept;
    group->n_members = kept < group->n_members ? kept : group->n_members;
    plan->n = plan->next;
}
