/* SPDX-License-Identifier: Apache-2.0 */
/* A node for a template, in Argo's order (argo 2.2): depth, inputs, display name, then the part of the template's type.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "engine/run_internal.h"

#define DEPTH_MESSAGE                        \
    "Maximum recursion depth exceeded. See " \
    "https://argo-workflows.readthedocs.io/en/release-4.1/scaling/#maximum-recursion-depth"

static const struct template_ops type_ops[TPH_TEMPLATE_TYPE_COUNT] = {
    [TPH_TEMPLATE_PLUGIN] = {.node_type = TPH_NODE_PLUGIN, .prepare = tph_leaf_prepare},
    [TPH_TEMPLATE_HTTP] = {.node_type = TPH_NODE_HTTP, .prepare = tph_leaf_prepare},
    [TPH_TEMPLATE_SUSPEND] = {.node_type = TPH_NODE_SUSPEND, .prepare = tph_suspend_prepare},
    [TPH_TEMPLATE_STEPS] = {.node_type = TPH_NODE_STEPS, .prepare = tph_steps_prepare, .begin = tph_steps_begin},
    [TPH_TEMPLATE_DAG] = {.node_type = TPH_NODE_DAG, .prepare = tph_dag_prepare, .begin = tph_dag_begin},
};

const struct template_ops *tph_template_ops(const struct tph_template *t)
{
    return &type_ops[t->type];
}

void tph_node_begin(struct node *node)
{
    if (tph_node_phase_is_final(node->pub.phase)) {
        return;
    }
    if (node->pub.type == TPH_NODE_RETRY) {
        tph_retry_begin(node);
    } else if (type_ops[node->template->type].begin) {
        type_ops[node->template->type].begin(node);
    }
}

void tph_node_push_begin(struct node *node)
{
    bool retry = node->pub.type == TPH_NODE_RETRY;
    if (node->waits_for.p) {
        return;
    }
    if (!tph_node_phase_is_final(node->pub.phase) && (retry || type_ops[node->template->type].begin)) {
        tph_run_push(node->run, WORK_BEGIN, node);
    }
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ^[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]$ */
static bool is_display_name(struct tph_str text)
{
    if (text.len < 2 || text.len > 63 || !is_letter_or_digit(text.p[0]) || !is_letter_or_digit(text.p[text.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_letter_or_digit(text.p[i]) && text.p[i] != '-' && text.p[i] != '.') {
            return false;
        }
    }
    return true;
}

/* The name that the template's annotation asks for. */
static int set_display_name(struct node *node, struct tph_buf *problem)
{
    if (!node->template->has_display_name || node->role == ROLE_ATTEMPT) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = tph_scope_of(node);
    if (tph_scope_eval(&scope, &node->template->display_name, 0, &text, problem)) {
        return -1;
    }
    if (!is_display_name(tph_buf_str(&text))) {
        (void)tph_buf_puts(problem, "displayName must match the regex ^[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]$");
        return -1;
    }
    node->pub.display_name = tph_arena_str(node->run->arena, tph_buf_str(&text));
    return 0;
}

/* With its locks: ready to begin as what its template is, or known already. */
static int make_ready(struct node *node, struct tph_buf *problem)
{
    if (node->role != ROLE_ATTEMPT && tph_memo_look(node, problem) < 0) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    bool known = tph_node_phase_is_final(node->pub.phase);
    return known || node->pub.type == TPH_NODE_RETRY ? 0 : tph_template_ops(node->template)->prepare(node, problem);
}

/* Display name and locks, then the rest. */
static int prepare(struct node *node, struct tph_buf *problem)
{
    if (set_display_name(node, problem) < 0) {
        node->run->second_pass = true; /* Argo sees it at its second look */
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    enum sync_answer locks = node->role == ROLE_ATTEMPT ? SYNC_GO : tph_sync_node(node, problem);
    if (locks == SYNC_BROKEN) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return -1;
    }
    return locks == SYNC_WAIT ? 0 : make_ready(node, problem);
}

void tph_dispatch_go_on(struct node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!tph_node_is_leaf(node) || node->pub.type == TPH_NODE_SUSPEND) {
        tph_node_set_phase(node, TPH_NODE_RUNNING, NULL);
    }
    if (make_ready(node, &problem) == 0) {
        tph_node_push_begin(node);
    }
}

struct node *tph_dispatch(struct tph_run *run, const char *name, const struct node_kind *kind,
                          const struct tph_str *values, struct tph_buf *problem, enum dispatched *ret_result)
{
    struct node_kind made = *kind;
    made.type = kind->template->retry ? TPH_NODE_RETRY : tph_template_ops(kind->template)->node_type;
    struct node *node = tph_node_make(run, name, &made);
    *ret_result = DISPATCH_FAILED;
    if (node->depth >= TPH_LIMIT_TEMPLATE_DEPTH) {
        (void)tph_buf_puts(problem, DEPTH_MESSAGE);
        *ret_result = DISPATCH_TOO_DEEP;
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    struct tph_json *inputs = NULL;
    if (node->template->problem) {
        (void)tph_buf_puts(problem, node->template->problem);
    }
    if (node->template->problem || tph_scope_inputs(node, values, &inputs, problem) < 0) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    node->pub.inputs = inputs;
    if (prepare(node, problem) == 0) {
        *ret_result = DISPATCHED;
    }
    return node;
}

struct node *tph_dispatch_attempt(struct node *retry, struct tph_buf *problem, enum dispatched *ret_result)
{
    struct tph_run *run = retry->run;
    size_t index = retry->n_members;
    struct node_kind kind = {.type = tph_template_ops(retry->template)->node_type,
                             .role = ROLE_ATTEMPT,
                             .template = retry->template,
                             .call = retry->call,
                             .parent = retry,
                             .index = index,
                             .item = retry->item};
    const char *name = tph_arena_format(run->arena, "%.*s(%zu)", TPH_FMT(retry->pub.name), index);
    struct node *node = tph_node_make(run, name, &kind);
    tph_node_put_member(retry, index, node);
    tph_node_add_child(retry, node);
    *ret_result = DISPATCH_FAILED;
    struct tph_json *inputs = NULL;
    if (tph_scope_attempt_inputs(node, &inputs, problem) < 0) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    node->pub.inputs = inputs;
    node->memo = retry->memo;
    if (prepare(node, problem) == 0) {
        *ret_result = DISPATCHED;
    }
    return node;
}

struct node *tph_dispatch_member(struct node *parent, const struct member *member, size_t index,
                                 struct tph_buf *problem, enum dispatched *ret_result)
{
    struct tph_run *run = parent->run;
    struct node_kind kind = {.type = TPH_NODE_SKIP,
                             .role = ROLE_MEMBER,
                             .template = member->template,
                             .call = member->call,
                             .parent = parent,
                             .index = index,
                             .item = member->item};
    struct node *node = NULL;
    if (member->what == MEMBER_CALL && member->template) {
        node = tph_dispatch(run, member->name, &kind, member->values, problem, ret_result);
    } else if (member->what == MEMBER_SKIP) {
        node = tph_node_make(run, member->name, &kind);
        tph_node_set_phase(node, TPH_NODE_SKIPPED, member->text);
        *ret_result = DISPATCHED;
    } else {
        node = tph_node_make(run, member->name, &kind);
        (void)tph_buf_puts(problem, member->text);
        tph_node_set_phase(node, TPH_NODE_ERROR, member->text);
        *ret_result = DISPATCH_FAILED;
    }
    node->broken = *ret_result == DISPATCH_FAILED;
    tph_node_put_member(parent, index, node);
    if (!tph_node_phase_is_final(node->pub.phase)) {
        tph_hooks_made(node);
    }
    return node;
}
