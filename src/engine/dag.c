/* SPDX-License-Identifier: Apache-2.0 */
/* DAGs: each task counts the dependencies that are not settled, and begins when there are none. Source: argo 2.4, 1.8.
 *
 * dag->members has the node of each task, at its place in the template; dag->unfinished counts tasks that are ready or
 * made, but not settled. When there are none left, nothing more can begin, and the DAG ends. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/depends.h"
#include "engine/run_internal.h"

static const struct tph_call *task_of(const struct node *dag, size_t task)
{
    return &dag->template->groups[0].steps[task];
}

static size_t n_tasks(const struct node *dag)
{
    return dag->template->groups[0].n_steps;
}

static void hang_on(void *owner, struct node *leaf)
{
    tph_node_add_child(leaf, owner);
}

static void link_task(struct node *dag, size_t task, struct node *node)
{
    const struct tph_call *call = task_of(dag, task);
    if (call->n_dependencies == 0) {
        tph_node_add_child(dag, node);
    }
    for (size_t i = 0; i < call->n_dependencies; i++) {
        struct node *before = dag->members[call->dependencies[i]];
        if (before) {
            tph_node_outbound(before, hang_on, node);
        }
    }
}

const struct tph_dag_plan *tph_dag_plan_of(const struct node *dag)
{
    return dag->dag_plan ? dag->dag_plan : &dag->template->plan;
}

/* In dag->waits: */
#define BEGUN    SIZE_MAX       /* it waits for nothing any more, and was pushed */
#define UNWANTED (SIZE_MAX / 2) /* no target needs it: never counted down to nothing */

/* The targets are known only now. */
static int plan_late(struct node *dag, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf target = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_dag_plan *plan = TPH_ARENA_NEW(dag->run->arena, struct tph_dag_plan);
    struct scope scope = tph_scope_of(dag);
    if (tph_scope_eval(&scope, &dag->template->late_target, 0, &target, problem)) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_KIB(4));
    if (tph_dag_plan_for(dag->template, tph_buf_str(&target), dag->run->arena, plan, &why)) {
        (void)tph_buf_printf(problem, "dag.target \"%.*s\": %s", TPH_FMT(tph_buf_str(&target)), tph_buf_cstr(&why));
        return -1;
    }
    dag->dag_plan = plan;
    for (size_t i = 0; i < n_tasks(dag); i++) {
        dag->waits[i] = UNWANTED;
    }
    for (size_t i = 0; i < plan->n_order; i++) {
        dag->waits[plan->order[i]] = task_of(dag, plan->order[i])->n_dependencies;
    }
    return 0;
}

int tph_dag_prepare(struct node *node, struct tph_buf *problem)
{
    size_t n = n_tasks(node);
    node->waits = TPH_ARENA_ARRAY(node->run->arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        node->waits[i] = task_of(node, i)->n_dependencies;
    }
    tph_node_put_member(node, n - 1, NULL);
    bool over = tph_node_phase_is_final(node->pub.phase); /* it is restored */
    if (node->template->has_late_target && plan_late(node, problem) < 0 && !over) {
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    return 0;
}

/* Pushes the tasks of list that wait for nothing more; the stack gives them back in the list's order. */
static void push_ready(struct node *dag, const size_t *list, size_t n)
{
    for (size_t i = n; i > 0; i--) {
        if (dag->waits[list[i - 1]] == 0 && !dag->members[list[i - 1]]) {
            dag->waits[list[i - 1]] = BEGUN;
            dag->unfinished++;
            tph_run_push_task(dag->run, dag, list[i - 1]);
        }
    }
}

void tph_dag_begin(struct node *dag)
{
    push_ready(dag, tph_dag_plan_of(dag)->order, tph_dag_plan_of(dag)->n_order);
}

/* What became of one dependency, for the condition of a task. */
static struct tph_depends_fact fact_of(void *owner, size_t task)
{
    const struct node *dag = owner;
    const struct node *node = dag->members[task];
    struct tph_depends_fact fact = {.phase = node->pub.phase};
    if (node->pub.type == TPH_NODE_TASK_GROUP) {
        fact.all_failed = node->n_members > 0;
        for (size_t i = 0; i < node->n_members; i++) {
            enum tph_node_phase phase = node->members[i] ? node->members[i]->pub.phase : TPH_NODE_PENDING;
            fact.any_succeeded = fact.any_succeeded || phase == TPH_NODE_SUCCEEDED;
            fact.all_failed = fact.all_failed && phase == TPH_NODE_FAILED;
        }
    }
    return fact;
}

/* A task that is nothing but its name. */
static void end_unmade(struct node *dag, size_t task, enum tph_node_phase phase, const char *message)
{
    struct tph_run *run = dag->run;
    const struct tph_call *call = task_of(dag, task);
    const char *problem = NULL;
    struct member member = {
        .call = call,
        .name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(dag->pub.name), TPH_FMT(call->name)),
        .template = tph_resolve_template(dag, call, call->target.resource.source, call->target.name.source,
                                         run->scratch, &problem),
    };
    struct node_kind kind = {.type = TPH_NODE_SKIP,
                             .role = ROLE_MEMBER,
                             .template = member.template,
                             .call = call,
                             .parent = dag,
                             .index = task};
    struct node *node = tph_node_make(run, member.name, &kind);
    tph_node_put_member(dag, task, node);
    link_task(dag, task, node);
    tph_node_set_phase(node, phase, message);
}

/* One whose texts cannot be put together. */
static void fail_task(struct node *dag, size_t task, const char *problem)
{
    end_unmade(dag, task, TPH_NODE_ERROR, problem);
    dag->members[task]->flagged = true;
}

static void task_errored(struct node *node, const struct tph_buf *problem)
{
    TPH_CLEANUP(tph_freep)
    char *message = tph_format("task '%.*s' errored: %s", TPH_FMT(node->pub.name), tph_buf_cstr(problem));
    tph_node_set_message(node, tph_str(message));
}

/* One that broke later. */
static void member_errored(struct node *node)
{
    TPH_CLEANUP(tph_freep)
    char *message = tph_format("task '%.*s' errored: %.*s", TPH_FMT(node->pub.name), TPH_FMT(node->pub.message));
    if (tph_str_find(node->pub.message, TPH_STR("' errored: ")) < 0) {
        tph_node_set_message(node, tph_str(message));
    }
}

static void make_single(struct node *dag, size_t task, const struct member *member)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum dispatched result = DISPATCHED;
    struct node *node = tph_dispatch_member(dag, member, task, &problem, &result);
    link_task(dag, task, node);
    if (result == DISPATCH_FAILED && member->what != MEMBER_ERROR) {
        task_errored(node, &problem);
    }
    tph_node_push_begin(node);
}

static void close_group(struct node *group);

/* Makes the items from plan->next on, as far as there is room. */
static void make_items(struct node *group, struct members *plan)
{
    size_t first = plan->next;
    size_t before = group->run->n_nodes;
    for (; plan->next < plan->n; plan->next++) {
        const struct member *m = &plan->list[plan->next];
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        enum dispatched result = DISPATCHED;
        if (tph_member_is_made(group, plan->next)) {
            continue;
        }
        if (tph_parallel_gives_up(group)) {
            tph_members_give_up(group, plan);
            break;
        }
        if (m->what == MEMBER_CALL && !tph_parallel_may_begin(group, m->template)) {
            tph_parallel_block(group);
            break;
        }
        struct node *item = tph_dispatch_member(group, m, plan->next, &problem, &result);
        tph_node_add_child(group, item);
        if (result == DISPATCH_FAILED && m->what != MEMBER_ERROR) {
            task_errored(item, &problem);
        }
    }
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

static void make_group(struct node *dag, size_t task, struct members *members)
{
    struct tph_run *run = dag->run;
    const struct tph_call *call = task_of(dag, task);
    struct node_kind kind = {.type = TPH_NODE_TASK_GROUP,
                             .role = ROLE_MEMBER,
                             .template = members->list[0].template,
                             .call = call,
                             .parent = dag,
                             .index = task};
    const char *name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(dag->pub.name), TPH_FMT(call->name));
    struct node *group = tph_node_make(run, name, &kind);
    tph_node_put_member(dag, task, group);
    link_task(dag, task, group);
    group->unfinished = members->n;
    make_items(group, members);
    if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
        close_group(group); /* failFast: none of them was made */
    }
    tph_run_push(run, WORK_HOOKS, group);
}

void tph_dag_make_items(struct node *group)
{
    if (!tph_node_phase_is_final(group->pub.phase) && group->plan) {
        make_items(group, group->plan);
        if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
            close_group(group);
        }
    }
}

static bool has_broken_loop(const struct node *dag, const struct tph_call *call, struct tph_buf *problem)
{
    for (size_t i = 0; i < call->n_dependencies; i++) {
        const struct node *before = dag->members[call->dependencies[i]];
        if (before && before->pub.type == TPH_NODE_TASK_GROUP &&
            tph_loop_is_broken(dag, before->call, before->members, before->n_members, problem)) {
            return true;
        }
    }
    return false;
}

/* Whether the task is run; false when it is over already. */
static bool may_run(struct node *dag, size_t task)
{
    const struct tph_call *call = task_of(dag, task);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool run = true;
    if (call->depends && tph_depends_decide(call->depends, fact_of, dag, &run, &problem) < 0) {
        fail_task(dag, task, tph_buf_cstr(&problem));
        return false;
    }
    if (!run) {
        end_unmade(dag, task, TPH_NODE_OMITTED, "omitted: depends condition not met");
    }
    return run;
}

static void close_dag(struct node *dag);

/* A workflow that is stopped begins nothing any more. */
static void leave_out(struct node *dag)
{
    dag->unfinished--;
    if (dag->unfinished == 0) {
        close_dag(dag);
    }
}

/* A single task that may not begin yet waits in the queue. */
static bool has_to_wait(struct node *dag, size_t task, const struct member *member)
{
    if (member->what != MEMBER_CALL || tph_parallel_may_begin(dag, member->template)) {
        return false;
    }
    if (!dag->queue) {
        dag->queue = TPH_ARENA_ARRAY(dag->run->arena, size_t, n_tasks(dag) + 1);
    }
    size_t size = n_tasks(dag) + 1;
    dag->queue[dag->queue_end] = task;
    dag->queue_end = (dag->queue_end + 1) % size;
    tph_parallel_block(dag);
    return true;
}

void tph_dag_try_queue(struct node *dag)
{
    size_t size = n_tasks(dag) + 1;
    size_t end = dag->queue_end;
    while (dag->queue_first != end && !tph_node_phase_is_final(dag->pub.phase)) {
        size_t task = dag->queue[dag->queue_first];
        dag->queue_first = (dag->queue_first + 1) % size;
        tph_dag_task_ready(dag, task);
    }
}

/* failFast: one went wrong, and nothing more is begun. Argo has the next task among the children all the same. */
static void give_up(struct node *dag, size_t task)
{
    if (tph_run_compat(dag->run, TPH_COMPAT_MESSAGES) && !dag->never_made) {
        const char *name =
            tph_arena_format(dag->run->arena, "%.*s.%.*s", TPH_FMT(dag->pub.name), TPH_FMT(task_of(dag, task)->name));
        dag->never_made = tph_node_new_id(dag->run, tph_str(name));
    }
    dag->unfinished--;
    if (dag->unfinished == 0) {
        close_dag(dag);
    }
}

void tph_dag_task_ready(struct node *dag, size_t task)
{
    const struct tph_call *call = task_of(dag, task);
    struct tph_run *run = dag->run;
    struct members members = {.n = 0};
    bool is_loop = false;
    if (tph_node_phase_is_final(dag->pub.phase) || !may_run(dag, task)) {
        return;
    }
    if (dag->run->shutdown && !tph_node_in_exit_handler(dag)) {
        leave_out(dag);
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (has_broken_loop(dag, call, &problem)) {
        fail_task(dag, task, tph_buf_cstr(&problem));
        dag->broken = true;
        tph_node_set_phase(dag, TPH_NODE_ERROR, tph_buf_cstr(&problem));
        return;
    }
    if (tph_expand(dag, call, dag->pub.name, &members, &is_loop, &problem) < 0) {
        fail_task(dag, task, tph_buf_cstr(&problem));
        return;
    }
    if (!tph_run_has_room(run, members.n, &problem)) {
        end_unmade(dag, task, TPH_NODE_ERROR, tph_buf_cstr(&problem));
    } else if (tph_parallel_gives_up(dag)) {
        give_up(dag, task);
    } else if (is_loop && members.list[0].item.p) {
        make_group(dag, task, &members);
    } else if (!has_to_wait(dag, task, &members.list[0])) {
        make_single(dag, task, &members.list[0]);
    }
}

/* How the DAG ends. What follows a node has its phase, unless it has one of its own: a branch. Skipped and omitted
 * tasks have that of the branch they are on. */
struct visit {
    struct node *node;
    enum tph_node_phase branch;
};

struct walk {
    struct node *dag;
    uint32_t stamp;
    struct visit *queue; /* owned */
    size_t n, capacity;
    enum tph_node_phase *targets; /* by task; owned */
    bool *known;                  /* by task; owned */
};

static void walk_add(struct walk *w, struct node *node, enum tph_node_phase branch)
{
    if (node->stamp != w->stamp) {
        node->stamp = w->stamp;
        node->seen = 0;
    }
    unsigned bit = 1U << (unsigned)branch;
    if (node->seen & bit) {
        return;
    }
    node->seen |= (uint16_t)bit;
    if (w->n == w->capacity) {
        w->capacity = w->capacity ? w->capacity * 2 : 64;
        w->queue = tph_realloc(w->queue, w->capacity * sizeof(*w->queue));
    }
    w->queue[w->n++] = (struct visit){.node = node, .branch = branch};
}

static void walk_children(struct walk *w, const struct node *node, enum tph_node_phase branch)
{
    for (size_t i = 0; i < node->pub.n_children; i++) {
        walk_add(w, (struct node *)(void *)node->pub.children[i], branch);
    }
}

static void walk_retry(struct walk *w, const struct node *retry, enum tph_node_phase branch)
{
    for (size_t i = 0; i < retry->pub.n_children; i++) {
        struct node *child = (struct node *)(void *)retry->pub.children[i];
        if (child->role == ROLE_ATTEMPT) {
            walk_children(w, child, branch);
        } else {
            walk_add(w, child, branch);
        }
    }
}

static void walk_arrive(struct walk *w, const struct node *node, enum tph_node_phase branch)
{
    bool mine = node->role == ROLE_MEMBER && node->parent == w->dag;
    bool bad = branch == TPH_NODE_FAILED || branch == TPH_NODE_ERROR;
    if (mine && (bad || !w->known[node->index])) {
        w->known[node->index] = true;
        w->targets[node->index] = branch;
    }
}

static bool is_completed(enum tph_node_phase phase)
{
    return phase == TPH_NODE_SUCCEEDED || phase == TPH_NODE_FAILED || phase == TPH_NODE_ERROR;
}

/* The phase by the targets, in their order. */
static enum tph_node_phase judge_targets(const struct walk *w)
{
    const struct tph_dag_plan *plan = tph_dag_plan_of(w->dag);
    enum tph_node_phase result = TPH_NODE_SUCCEEDED;
    for (size_t i = 0; i < plan->n_targets; i++) {
        size_t task = plan->targets[i];
        const struct tph_call *call = task_of(w->dag, task);
        enum tph_node_phase phase = w->known[task] ? w->targets[task] : TPH_NODE_FAILED; /* never reached */
        bool bad = (phase == TPH_NODE_FAILED && !call->continue_on_failed) ||
                   (phase == TPH_NODE_ERROR && !call->continue_on_error);
        if (bad) {
            result = phase;
            if (!w->dag->template->fail_late) {
                break;
            }
        }
    }
    return result;
}

static enum tph_node_phase assess(struct node *dag)
{
    size_t n = n_tasks(dag);
    struct walk w = {.dag = dag, .stamp = ++dag->run->stamp};
    w.targets = tph_calloc(n, sizeof(*w.targets));
    w.known = tph_calloc(n, sizeof(*w.known));
    walk_children(&w, dag, TPH_NODE_SUCCEEDED);
    for (size_t i = 0; i < w.n; i++) {
        struct visit v = w.queue[i];
        enum tph_node_phase branch = is_completed(v.node->pub.phase) ? v.node->pub.phase : v.branch;
        walk_arrive(&w, v.node, branch);
        if (v.node->pub.type == TPH_NODE_RETRY) {
            walk_retry(&w, v.node, branch);
        } else {
            walk_children(&w, v.node, branch);
        }
    }
    enum tph_node_phase phase = judge_targets(&w);
    free(w.queue);
    free(w.targets);
    free(w.known);
    return phase;
}

static void keep_target_leaves(struct node *dag)
{
    const struct tph_dag_plan *plan = tph_dag_plan_of(dag);
    struct node **last = TPH_ARENA_ARRAY(dag->run->scratch, struct node *, plan->n_targets);
    for (size_t i = 0; i < plan->n_targets; i++) {
        last[i] = dag->members[plan->targets[i]];
    }
    tph_node_keep_outbound(dag, last, plan->n_targets);
}

/* For Argo a DAG makes known what its tasks gave; otherwise they have done so themselves. */
static void export_tasks(struct node *dag)
{
    for (size_t i = 0; i < dag->n_members && tph_run_compat(dag->run, TPH_COMPAT_EXPORTS); i++) {
        if (dag->members[i]) {
            tph_globals_export_all(dag->run, dag->members[i]->pub.outputs);
        }
    }
}

/* The first task that is Error, for a DAG that is so because of it; NULL: there is nothing to say. Argo never says. */
static char *why(const struct node *dag, enum tph_node_phase phase)
{
    for (size_t i = 0; i < dag->n_members && !tph_run_compat(dag->run, TPH_COMPAT_MESSAGES); i++) {
        const struct node *node = dag->members[i];
        if (node && phase == TPH_NODE_ERROR && node->pub.phase == TPH_NODE_ERROR && dag->pub.message.len == 0) {
            return tph_format("task '%.*s' errored: %.*s", TPH_FMT(node->pub.display_name), TPH_FMT(node->pub.message));
        }
    }
    return NULL;
}

static void close_dag(struct node *dag)
{
    bool stopped = dag->run->shutdown && !tph_node_in_exit_handler(dag);
    if (!stopped && tph_parallel_gives_up(dag)) {
        tph_node_set_phase(dag, TPH_NODE_FAILED, TPH_FAIL_FAST_MESSAGE);
        return;
    }
    enum tph_node_phase phase = stopped ? TPH_NODE_FAILED : assess(dag);
    if (phase == TPH_NODE_SUCCEEDED) {
        export_tasks(dag);
        phase = tph_outputs_deliver(dag) < 0 ? TPH_NODE_ERROR : phase;
    }
    keep_target_leaves(dag);
    TPH_CLEANUP(tph_freep) char *message = why(dag, phase);
    tph_node_set_phase(dag, phase, message);
}

void tph_dag_settled(struct node *dag, struct node *member)
{
    const struct tph_call *call = task_of(dag, member->index);
    if (member->broken && member->pub.type != TPH_NODE_SKIP && tph_node_failed(member)) {
        member_errored(member);
    }
    for (size_t i = 0; i < call->n_dependents; i++) {
        dag->waits[call->dependents[i]]--;
    }
    push_ready(dag, call->dependents, call->n_dependents);
    dag->unfinished--;
    if (dag->unfinished == 0 && !tph_node_phase_is_final(dag->pub.phase)) {
        close_dag(dag);
    }
}

void tph_dag_hook_broken(struct node *dag, const char *problem)
{
    if (tph_node_phase_is_final(dag->pub.phase)) {
        return;
    }
    if (!tph_run_compat(dag->run, TPH_COMPAT_HOOKS)) { /* Argo leaves them as they are */
        tph_run_end_below(dag, "ended: the condition of a hook beside it cannot be evaluated");
    }
    dag->broken = true;
    tph_node_set_phase(dag, TPH_NODE_ERROR, problem);
}

/* The last that went wrong decides. */
static void close_group(struct node *group)
{
    enum tph_node_phase phase = TPH_NODE_SUCCEEDED;
    for (size_t i = 0; i < group->n_members; i++) {
        phase = tph_node_failed(group->members[i]) ? group->members[i]->pub.phase : phase;
    }
    tph_node_set_phase(group, phase, NULL);
}

void tph_dag_item_settled(struct node *group, struct node *item)
{
    (void)item;
    group->unfinished--;
    if (group->unfinished == 0 && !tph_node_phase_is_final(group->pub.phase)) {
        close_group(group);
    }
}

void tph_dag_restore(struct node *dag)
{
    const struct tph_dag_plan *plan = tph_dag_plan_of(dag);
    for (size_t i = 0; i < plan->n_order; i++) {
        const struct node *node = dag->members[plan->order[i]];
        const struct tph_call *call = task_of(dag, plan->order[i]);
        if (node && node->settled) {
            for (size_t d = 0; d < call->n_dependents; d++) {
                dag->waits[call->dependents[d]]--;
            }
        } else if (node) {
            dag->unfinished++;
        }
    }
}

/* After a restart: items that were not made yet, for there was no room. */
static void plan_again(struct node *group)
{
    const struct node *dag = group->parent;
    bool limited = dag->template->parallelism > 0 || group->run->spec->parallelism > 0 || dag->template->fail_fast;
    struct members members = {.n = 0};
    bool is_loop = false;
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if ((limited || group->run->retried) && !group->plan &&
        tph_expand(dag, group->call, dag->pub.name, &members, &is_loop, &problem) == 0) {
        (void)tph_members_plan_again(group, &members);
    }
}

/* Tasks that waited for room are ready once more, in the order of the template. */
static void take_back_queue(struct node *dag)
{
    for (; dag->queue_first != dag->queue_end; dag->queue_first = (dag->queue_first + 1) % (n_tasks(dag) + 1)) {
        dag->waits[dag->queue[dag->queue_first]] = 0;
        dag->unfinished--;
    }
}

void tph_dag_start_again(struct node *node)
{
    if (node->pub.type == TPH_NODE_TASK_GROUP) {
        plan_again(node);
        if (node->plan) {
            tph_dag_make_items(node);
        } else if (node->unfinished == 0) {
            close_group(node);
        }
        return;
    }
    take_back_queue(node);
    push_ready(node, tph_dag_plan_of(node)->order, tph_dag_plan_of(node)->n_order);
    if (node->unfinished == 0) {
        close_dag(node);
    }
}
