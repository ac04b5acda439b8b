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
    [TPH_TEMPLATE_STEPS] = {.node_type = TPH_NODE_STEPS, .prepare = tph_steps_prepare, .begin = tph_steps_begin},
};

const struct template_ops *tph_template_ops(const struct tph_template *t)
{
    return &type_ops[t->type];
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
    if (!node->template->has_display_name) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct scope scope = {.run = node->run, .node = node, .inputs = node->pub.inputs};
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

struct node *tph_dispatch(struct tph_run *run, const char *name, const struct node_kind *kind,
                          const struct tph_str *values, struct tph_buf *problem, enum dispatched *ret_result)
{
    struct node *node = tph_node_make(run, name, kind);
    *ret_result = DISPATCH_FAILED;
    if (node->depth >= TPH_LIMIT_TEMPLATE_DEPTH) {
        (void)tph_buf_puts(problem, DEPTH_MESSAGE);
        *ret_result = DISPATCH_TOO_DEEP;
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    struct tph_json *inputs = NULL;
    if (tph_scope_inputs(node, values, &inputs, problem) < 0) {
        tph_node_end_unmade(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    node->pub.inputs = inputs;
    if (set_display_name(node, problem) < 0) {
        run->second_pass = true; /* Argo sees it at its second look */
        tph_node_set_phase(node, TPH_NODE_ERROR, tph_buf_cstr(problem));
        return node;
    }
    if (tph_template_ops(kind->template)->prepare(node, problem) == 0) {
        *ret_result = DISPATCHED;
    }
    return node;
}
