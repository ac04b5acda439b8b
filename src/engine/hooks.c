/* SPDX-License-Identifier: Apache-2.0 */
/* Exit handlers and life-cycle hooks: nodes that belong to another one, which waits for them. Source: argo 2.13. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/run_internal.h"

/* An item of a task is no task: it has the exit handler, but not the other hooks, which are its group's. */
static bool is_task_item(const struct node *node)
{
    return node->role == ROLE_MEMBER && node->parent->pub.type == TPH_NODE_TASK_GROUP;
}

const struct tph_hook *tph_hooks_of(const struct node *node, size_t *ret_n)
{
    *ret_n = 0;
    if (node->role == ROLE_ROOT) {
        *ret_n = node->run->spec->n_hooks;
        return node->run->spec->hooks;
    }
    if (node->role != ROLE_MEMBER || node->call->n_hooks == 0) {
        return NULL;
    }
    *ret_n = node->call->n_hooks;
    if (is_task_item(node)) {
        *ret_n = node->call->hooks[0].is_exit ? 1 : 0;
    }
    return node->call->hooks;
}

struct node **tph_hooks_array(struct node *node)
{
    size_t n = 0;
    if (!node->hooks) {
        (void)tph_hooks_of(node, &n);
        node->hooks = TPH_ARENA_ARRAY(node->run->arena, struct node *, n);
    }
    return node->hooks;
}

/* Where a hook's texts stand: in the template around the node, with the node itself known by its name. */
static struct scope hook_scope(const struct node *node)
{
    const struct node *boundary = tph_node_boundary(node);
    struct scope scope = tph_scope_of(boundary ? boundary : node);
    if (!boundary) {
        scope.inputs = NULL; /* the workflow's own hooks see globals only */
        scope.late = true;
    }
    scope.self = node;
    scope.item = node->item;
    scope.hook = true;
    return scope;
}

static int hook_values(const struct node *node, const struct tph_call *call, const struct tph_str **ret_values,
                       struct tph_buf *problem)
{
    struct tph_arena *scratch = node->run->scratch;
    struct tph_str *values = TPH_ARENA_ARRAY(scratch, struct tph_str, call->n_arguments);
    struct scope scope = hook_scope(node);
    /* Argo puts nothing in where the node gave nothing, or where it was retried. */
    bool argo = tph_run_compat(node->run, TPH_COMPAT_HOOKS) && node->role != ROLE_ROOT;
    scope.hook = !argo || (node->pub.outputs && node->pub.type != TPH_NODE_RETRY);
    for (size_t i = 0; i < call->n_arguments; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
        int failed = tph_scope_eval(&scope, &call->arguments[i].text, 0, &value, problem);
        if (failed && failed != TPH_TEXT_ABSENT_WHOLE) {
            return -1;
        }
        values[i] = failed ? TPH_STR_NONE : tph_arena_str(scratch, tph_buf_str(&value));
    }
    *ret_values = values;
    return 0;
}

static void begin_hook(struct node *node, size_t index)
{
    size_t n = 0;
    const struct tph_hook *hook = &tph_hooks_of(node, &n)[index];
    struct tph_run *run = node->run;
    const struct node *boundary = tph_node_boundary(node);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const char *text = NULL;
    const struct tph_str *values = NULL;
    enum dispatched result = DISPATCH_FAILED;
    const struct tph_target *target = &hook->call->target;
    const struct tph_template *template = tph_resolve_template(
        boundary ? boundary : node, hook->call, target->resource.source, target->name.source, run->scratch, &text);
    struct node_kind kind = {.type = TPH_NODE_SKIP,
                             .role = ROLE_HOOK,
                             .template = template,
                             .call = hook->call,
                             .parent = node,
                             .index = index,
                             .item = node->item};
    const char *name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(node->pub.name), TPH_FMT(hook->call->name));
    struct node *made = NULL;
    if (template && hook_values(node, hook->call, &values, &problem) == 0) {
        made = tph_dispatch(run, name, &kind, values, &problem, &result);
    } else {
        made = tph_node_make(run, name, &kind);
        tph_node_set_phase(made, TPH_NODE_ERROR, template ? tph_buf_cstr(&problem) : text);
    }
    made->broken = result == DISPATCH_FAILED;
    tph_hooks_array(node)[index] = made;
    node->unfinished_hooks++;
    if (node->role != ROLE_ROOT || !hook->is_exit) {
        tph_node_add_child(node, made);
    }
    tph_node_push_begin(made);
}

/* A condition cannot be told: whoever has the node as its member hears of it. For Argo that is so as soon as the node
 * is there; but what it speaks of may come to be known until the node is over. */
static void break_off(struct node *node, const struct tph_hook *hook, const char *problem)
{
    bool last_look = tph_node_phase_is_final(node->pub.phase) || !hook->has_expression;
    if (node->role != ROLE_MEMBER || (!last_look && !tph_run_compat(node->run, TPH_COMPAT_HOOKS))) {
        return;
    }
    if (node->parent->pub.type == TPH_NODE_STEP_GROUP) {
        tph_steps_hook_broken(node->parent, problem);
    } else if (node->parent->pub.type == TPH_NODE_DAG) {
        tph_dag_hook_broken(node->parent, problem);
    }
}

/* Whether the hook's condition holds; it does not where there is a problem with it. */
static bool ask(struct node *node, const struct tph_hook *hook, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = hook_scope(node);
    bool holds = true;
    if (!hook->has_expression && hook->is_exit) {
        return true;
    }
    if (!hook->has_expression) {
        (void)tph_buf_printf(problem, "Expression required for hook %.*s.%.*s", TPH_FMT(node->pub.name),
                             TPH_FMT(hook->call->name));
    } else if (tph_scope_eval(&scope, &hook->expression, 0, &text, problem) ||
               tph_scope_decide(&scope, tph_buf_str(&text), &holds, problem) < 0) {
        holds = false;
    }
    return holds && problem->len == 0;
}

static bool is_time(struct node *node, const struct tph_hook *hook)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool holds = ask(node, hook, &problem);
    if (problem.len > 0) {
        break_off(node, hook, tph_buf_cstr(&problem));
    }
    return holds;
}

static bool has_begun(const struct node *node, size_t index)
{
    return node->hooks && node->hooks[index];
}

void tph_hooks_check(struct node *node)
{
    size_t n = 0;
    const struct tph_hook *hooks = tph_hooks_of(node, &n);
    bool over = node->parent && tph_node_phase_is_final(node->parent->pub.phase);
    for (size_t i = 0; i < n && !over && !node->settled; i++) {
        if (!hooks[i].is_exit && !has_begun(node, i) && is_time(node, &hooks[i])) {
            begin_hook(node, i);
        }
    }
}

void tph_hooks_made(struct node *member)
{
    size_t n = 0;
    const struct tph_hook *hooks = tph_hooks_of(member, &n);
    if (n > 0 && !hooks[n - 1].is_exit) {
        tph_run_push(member->run, WORK_HOOKS, member);
    }
}

static bool is_completed(const struct node *node)
{
    return node->pub.phase == TPH_NODE_SUCCEEDED || tph_node_failed(node);
}

/* Argo looks at a loop's items one after the other, and no further than to the first whose exit handler runs. */
static bool is_handling_another(const struct node *item)
{
    for (size_t i = 0; i < item->index; i++) {
        const struct node *other = item->parent->members[i];
        if (other && other->unfinished_hooks > 0) {
            return true;
        }
    }
    return false;
}

bool tph_hooks_are_let_go(const struct node *node)
{
    return tph_run_compat(node->run, TPH_COMPAT_HOOKS) && is_task_item(node);
}

/* Whether the exit handler's turn has come, if its condition holds. */
static bool exit_has_its_turn(const struct node *node, const struct tph_hook *hook)
{
    const char *shutdown = node->run->shutdown;
    bool terminated = shutdown && strcmp(shutdown, "Terminate") == 0;
    bool done = is_completed(node) || node->role == ROLE_ROOT;
    bool over = node->parent && tph_node_phase_is_final(node->parent->pub.phase); /* nobody would wait for it */
    return hook->is_exit && !has_begun(node, 0) && done && !over && !terminated;
}

static bool exit_is_due(struct node *node, const struct tph_hook *hook)
{
    if (tph_hooks_are_let_go(node) && is_handling_another(node)) {
        return false;
    }
    /* Argo asks the condition of a step's handler, but not that of the workflow's. */
    bool unasked = tph_run_compat(node->run, TPH_COMPAT_HOOKS) && node->role == ROLE_ROOT;
    return exit_has_its_turn(node, hook) && (unasked || is_time(node, hook));
}

bool tph_hooks_are_over(struct node *member)
{
    size_t n = 0;
    const struct tph_hook *hooks = tph_hooks_of(member, &n);
    bool asked = tph_hooks_are_let_go(member) || tph_node_phase_is_final(member->parent->pub.phase);
    for (size_t i = 0; i < n && !asked; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf ignored = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        bool begun = has_begun(member, i);
        /* What an item's condition says of its loop may have changed since it was asked. */
        bool turn = hooks[i].is_exit ? exit_has_its_turn(member, &hooks[i]) : !member->item.p;
        if ((begun && !tph_node_phase_is_final(member->hooks[i]->pub.phase)) ||
            (!begun && turn && ask(member, &hooks[i], &ignored))) {
            return false;
        }
    }
    return true;
}

bool tph_hooks_hold(struct node *node)
{
    size_t n = 0;
    const struct tph_hook *hooks = tph_hooks_of(node, &n);
    if (n == 0) {
        return false;
    }
    tph_hooks_check(node);
    bool waits = node->role == ROLE_ROOT && node->unfinished_hooks > 0; /* the exit handler is the last of all */
    if (!waits && exit_is_due(node, &hooks[0])) {
        begin_hook(node, 0);
    }
    return node->unfinished_hooks > 0;
}

void tph_hooks_hook_final(struct node *hook)
{
    struct node *node = hook->parent;
    node->unfinished_hooks--;
    if (node->unfinished_hooks == 0 && tph_node_phase_is_final(node->pub.phase) && !node->settled) {
        tph_run_push(node->run, WORK_SETTLE, node);
    }
}
