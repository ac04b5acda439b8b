/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes a retry forgets and which run again. How the genuine program decides was found by asking it with some
 * ten thousand graphs:
 *
 * - Forgotten is a leaf that failed, unless something below it has succeeded (its exit handler, say); of an attempt of
 * a Retry node the other attempts count too. Also what the selector names. With each goes all that is below it. Exit
 *   handlers of the workflow always go.
 * - From each of these the way leads up, by one parent each, to the first group (StepGroup, TaskGroup, Steps, DAG);
 *   Retry nodes that failed run again on the way. The group runs again, so do Retry nodes that it hangs on directly,
 * and the StepGroup or TaskGroup that these hang on; then it goes on with the boundary, the same way.
 * - With new parameters loops may have other items: what hangs on a StepGroup or TaskGroup that runs again is
 * forgotten.
 *
 * Every node is gone through once in each role, so the cost follows the graph, and cycles end. */
#include "api/node_fields.h"
#include "api/names.h"
#include "edit/internal.h"

#include "base/limits.h"

static bool is(const struct edit_node *node, const char *type)
{
    return tph_str_eqz(node->type, type);
}

static bool is_group(const struct edit_node *node)
{
    return is(node, "StepGroup") || is(node, "TaskGroup");
}

static bool is_boundary(const struct edit_node *node)
{
    return is(node, "Steps") || is(node, "DAG");
}

static bool is_leaf(const struct edit_node *node)
{
    return is(node, "Pod") || is(node, "Container") || is(node, "Plugin") || is(node, "HTTP");
}

static bool failed(const struct edit_node *node)
{
    return tph_str_eqz(node->phase, "Failed") || tph_str_eqz(node->phase, "Error");
}

struct planner {
    struct edit_graph *graph;
    const struct edit_plan *plan;
    struct edit_node **stack; /* each node is on it at most once at a time */
    size_t n_stack;
    struct tph_error *err;
};

static void list_pod(struct planner *p, struct edit_node *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *metadata = tph_json_get(p->plan->workflow, "metadata");
    struct tph_str format =
        tph_json_get_str(tph_json_get(metadata, "annotations"), "workflows.argoproj.io/pod-name-format");
    struct tph_str tmpl = tph_json_get_str(node->value, "templateName");
    if (node->listed) {
        return;
    }
    node->listed = true;
    if (tmpl.len == 0) {
        tmpl = tph_json_get_str(tph_json_get(node->value, "templateRef"), "template");
    }
    if (tph_str_eqz(format, "v1")) {
        (void)tph_buf_put(&name, node->id);
    } else {
        tph_names_pod(p->graph->workflow, node->name, tmpl, &name);
    }
    tph_json_append(p->plan->doc, p->plan->pods, tph_json_new_str(p->plan->doc, tph_buf_str(&name)));
}

/* Forgets a node and all below it. */
static void forget(struct planner *p, struct edit_node *start)
{
    if (start->gone) {
        return;
    }
    start->gone = true;
    p->stack[p->n_stack++] = start;
    while (p->n_stack > 0) {
        struct edit_node *node = p->stack[--p->n_stack];
        if (is(node, "Pod")) {
            list_pod(p, node);
        }
        for (size_t i = node->n_children; i-- > 0;) {
            if (!node->children[i]->gone) {
                node->children[i]->gone = true;
                p->stack[p->n_stack++] = node->children[i];
            }
        }
    }
}

/* A group that runs again, and whatever stands around it. */
static void surround(struct edit_node *group)
{
    for (struct edit_node *node = group; node && !node->surrounded; node = node->boundary) {
        struct edit_node *up = node->parent;
        node->surrounded = true;
        node->reset = true;
        while (up && is(up, "Retry") && !up->chained) {
            up->chained = true;
            up->reset = true;
            up = up->parent;
        }
        if (up && is_group(up)) {
            up->reset = true;
        }
    }
}

static void climb(struct edit_node *start)
{
    struct edit_node *node = start;
    bool first = true;
    while (node && !is_group(node) && !is_boundary(node)) {
        if (!first && node->climbed) {
            return;
        }
        if (!first) {
            node->climbed = true;
            node->reset = node->reset || (is(node, "Retry") && failed(node));
        }
        first = false;
        node = node->parent;
    }
    surround(node);
}

/* Something that came of the node has succeeded: it is not run again. */
static bool has_succeeded(const struct edit_node *node)
{
    const struct tph_json *flag = tph_json_get(node->value, "nodeFlag");
    if (tph_json_bool(tph_json_get(flag, "retried"))) {
        for (size_t i = 0; i < node->n_parents; i++) {
            if (is(node->parents[i], "Retry")) {
                return node->parents[i]->succeeded;
            }
        }
    }
    return node->succeeded;
}

/* A container is run again with all others of its pod. */
static int start_of(struct planner *p, struct edit_node *node, struct edit_node **ret_start)
{
    struct edit_node *start = node;
    for (size_t n = 0; start && is(node, "Container") && !is(start, "Pod"); n++) {
        start = n < p->graph->n_nodes ? start->parent : NULL;
    }
    if (!start) {
        return tph_error_set(p->err, TPH_ERROR_INVALID, "was seeking node but ran out of nodes to explore");
    }
    *ret_start = start;
    return 0;
}

static int forget_failed(struct planner *p)
{
    for (size_t i = 0; i < p->graph->n_nodes; i++) {
        struct edit_node *node = &p->graph->nodes[i];
        bool again =
            is_leaf(node) && failed(node) && !tph_edit_is_on_exit(p->graph, node->name) && !has_succeeded(node);
        if (!node->selected && !again) {
            continue;
        }
        if (start_of(p, node, &node) < 0) {
            return -1;
        }
        forget(p, node);
        climb(node);
    }
    return 0;
}

/* Exit handlers of the workflow. Argo lists pods for whatever is in the tree of its handler, of any type. */
static void forget_on_exit(struct planner *p)
{
    for (size_t i = 0; i < p->graph->n_nodes; i++) {
        struct edit_node *node = &p->graph->nodes[i];
        if (!tph_edit_is_on_exit(p->graph, node->name)) {
            continue;
        }
        node->gone = true;
        if (node->name.len == p->graph->workflow.len + sizeof ".onExit" - 1 && !node->listed) {
            list_pod(p, node);
            p->stack[p->n_stack++] = node;
        }
        while (p->n_stack > 0) {
            node = p->stack[--p->n_stack];
            for (size_t k = 0; k < node->n_children; k++) {
                if (!node->children[k]->listed) {
                    list_pod(p, node->children[k]);
                    p->stack[p->n_stack++] = node->children[k];
                }
            }
        }
    }
}

static void forget_loops(struct planner *p)
{
    for (size_t i = 0; i < p->graph->n_nodes; i++) {
        const struct edit_node *node = &p->graph->nodes[i];
        for (size_t k = 0; node->reset && is_group(node) && k < node->n_children; k++) {
            forget(p, node->children[k]);
        }
    }
}

static int check_parents(struct planner *p)
{
    for (size_t i = 0; i < p->graph->n_nodes; i++) {
        const struct edit_node *node = &p->graph->nodes[i];
        if (!node->parent && !tph_str_eq(node->name, p->graph->workflow) &&
            !tph_edit_is_on_exit(p->graph, node->name)) {
            return tph_error_set(p->err, TPH_ERROR_INVALID, "couldn't find parent node for %.*s", TPH_FMT(node->id));
        }
    }
    return 0;
}

int tph_edit_plan(struct edit_graph *graph, const struct edit_plan *plan, struct tph_error *err)
{
    struct planner p = {.graph = graph, .plan = plan, .err = err};
    p.stack = TPH_ARENA_ARRAY(graph->arena, struct edit_node *, graph->n_nodes + 1);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        graph->nodes[i].selected = plan->selector && tph_node_matches(plan->selector, graph->nodes[i].value);
    }
    tph_edit_mark_succeeded(graph);
    if (check_parents(&p) < 0 || forget_failed(&p) < 0) {
        return -1;
    }
    forget_on_exit(&p);
    if (plan->parameters) {
        forget_loops(&p);
    }
    return 0;
}
