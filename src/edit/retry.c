/* SPDX-License-Identifier: Apache-2.0 */
#include "edit/internal.h"

static const char COMPLETED[] = "workflows.argoproj.io/completed";

/* Without those that are forgotten. NULL when none is left: Go leaves an empty list out. */
static struct tph_json *kept_ids(struct tph_json_doc *doc, const struct tph_json *ids, const struct tph_map *gone)
{
    struct tph_json *kept = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(ids);
    while (tph_json_next(&it)) {
        if (!tph_map_get(gone, tph_json_str(it.value))) {
            tph_json_append(doc, kept, tph_json_copy(doc, it.value));
        }
    }
    return tph_json_len(kept) > 0 ? kept : NULL;
}

static struct tph_json *edit_node(struct tph_json_doc *doc, const struct edit_node *node, const struct tph_map *gone,
                                  int64_t now_ms)
{
    static const char *const EDGES[] = {"children", "outboundNodes"};
    static const char *const KEPT[] = {"children", "outboundNodes", NULL};
    static const char *const RESET[] = {"children", "outboundNodes", "message", NULL};
    struct tph_json *copy = tph_edit_copy_without(doc, node->value, node->reset ? RESET : KEPT);
    if (node->reset) {
        tph_json_set(doc, copy, "startedAt", tph_edit_time(doc, now_ms));
        tph_json_set(doc, copy, "finishedAt", tph_json_new_null(doc));
        if (!tph_str_eqz(node->phase, "Skipped")) {
            tph_json_set_cstr(doc, copy, "phase", "Running");
        }
    }
    for (size_t i = 0; i < 2; i++) {
        struct tph_json *ids = kept_ids(doc, tph_json_get(node->value, EDGES[i]), gone);
        if (ids) {
            tph_json_set(doc, copy, EDGES[i], ids);
        }
    }
    return copy;
}

static struct tph_json *edit_nodes(struct tph_json_doc *doc, const struct edit_graph *graph, int64_t now_ms)
{
    struct tph_json *nodes = tph_json_new_object(doc);
    struct tph_map gone = TPH_MAP_INIT;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (graph->nodes[i].gone) {
            (void)tph_map_set(&gone, graph->nodes[i].id, &graph->nodes[i]);
        }
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct edit_node *node = &graph->nodes[i];
        if (!node->gone) {
            tph_json_append_member(doc, nodes, node->id, edit_node(doc, node, &gone, now_ms));
        }
    }
    tph_map_release(&gone);
    return nodes;
}

/* The spec that was merged with the template's counts while it is there. */
static void edit_stored_spec(struct tph_json_doc *doc, struct tph_json *stored, const struct tph_json *spec,
                             const struct tph_edit_retry *how)
{
    const struct tph_json *parameters = tph_json_path(spec, "arguments", "parameters", NULL);
    (void)tph_json_remove(stored, "shutdown");
    if (how->parameters.n > 0 && how->compat) {
        tph_json_set(doc, tph_edit_object(doc, stored, "arguments"), "parameters", tph_json_copy(doc, parameters));
    } else {
        tph_edit_put_parameters(doc, stored, &how->parameters);
    }
}

static struct tph_json *edit_status(struct tph_json_doc *doc, const struct tph_json *old, const struct tph_json *spec,
                                    const struct edit_graph *graph, const struct tph_edit_retry *how)
{
    static const char *const DROPPED[] = {"phase", "message", "nodes", "persistentVolumeClaims", NULL};
    struct tph_json *status = tph_edit_copy_without(doc, old, DROPPED);
    struct tph_json *stored = tph_json_get(status, "storedWorkflowTemplateSpec");
    tph_json_set(doc, status, "startedAt", tph_edit_time(doc, how->now_ms));
    tph_json_set(doc, status, "finishedAt", tph_json_new_null(doc));
    tph_json_set(doc, status, "nodes", edit_nodes(doc, graph, how->now_ms));
    tph_edit_reopen(doc, status);
    if (tph_json_is(stored, TPH_JSON_OBJECT)) {
        edit_stored_spec(doc, stored, spec, how);
    }
    return status;
}

static struct tph_json *edit_workflow(struct tph_json_doc *doc, const struct tph_json *workflow,
                                      const struct edit_graph *graph, const struct tph_edit_retry *how)
{
    static const char *const DROPPED[] = {"status", NULL};
    int64_t deadline = -1;
    struct tph_json *edited = tph_edit_copy_without(doc, workflow, DROPPED);
    struct tph_json *labels = tph_json_path(edited, "metadata", "labels", NULL);
    if (tph_json_is(labels, TPH_JSON_OBJECT)) {
        (void)tph_json_remove(labels, COMPLETED);
        (void)tph_json_remove(labels, "workflows.argoproj.io/workflow-archiving-status");
    }
    struct tph_json *spec = tph_edit_object(doc, edited, "spec");
    (void)tph_json_remove(spec, "shutdown");
    if (tph_json_to_i64(tph_json_get(spec, "activeDeadlineSeconds"), &deadline) == 0 && deadline == 0) {
        (void)tph_json_remove(spec, "activeDeadlineSeconds");
    }
    tph_edit_put_parameters(doc, spec, &how->parameters);
    tph_json_set(doc, edited, "status", edit_status(doc, tph_json_get(workflow, "status"), spec, graph, how));
    return edited;
}

static int check_phase(const struct tph_json *workflow, const struct tph_edit_retry *how, struct tph_error *err)
{
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    if (tph_str_eqz(phase, "Succeeded") && (!how->restart_successful || how->selector.len == 0)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector");
    }
    if (!tph_edit_is_completed(phase)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Cannot retry a workflow in phase %.*s", TPH_FMT(phase));
    }
    return 0;
}

int tph_edit_retry(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_retry *how,
                   struct tph_json **ret_workflow, struct tph_json **ret_pods, struct tph_error *err)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    bool selects = how->restart_successful && how->selector.len > 0;
    struct edit_graph graph;
    if (check_phase(workflow, how, err) < 0 || tph_edit_check_parameters(&how->parameters, err) < 0 ||
        (selects && tph_fieldsel_parse(how->selector, &selector, err) < 0)) {
        return -1;
    }
    tph_edit_graph_build(&graph, arena, workflow);
    struct edit_plan plan = {.workflow = workflow,
                             .selector = selects ? &selector : NULL,
                             .parameters = how->parameters.n > 0,
                             .doc = doc,
                             .pods = tph_json_new_array(doc)};
    if (tph_edit_plan(&graph, &plan, err) < 0) {
        return -1;
    }
    *ret_workflow = edit_workflow(doc, workflow, &graph, how);
    *ret_pods = plan.pods;
    return 0;
}
