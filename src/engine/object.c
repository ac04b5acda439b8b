/* SPDX-License-Identifier: Apache-2.0 */
/* The Workflow object with its status as Argo writes it. Source: argo 1.5 to 1.10. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "data/time.h"
#include "engine/run_internal.h"

#define LABEL(name) "workflows.argoproj.io/" name

static void set_time(struct tph_json_doc *doc, struct tph_json *object, const char *key, int64_t ms)
{
    char text[TPH_TIME_TEXT];
    if (ms == 0) {
        tph_json_set(doc, object, key, tph_json_new_null(doc));
        return;
    }
    tph_time_format(ms, text);
    tph_json_set_cstr(doc, object, key, text);
}

static struct tph_json *id_list(struct tph_json_doc *doc, struct tph_node *const *list, size_t n)
{
    struct tph_json *ids = tph_json_new_array(doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, ids, tph_json_new_str(doc, list[i]->id));
    }
    return ids;
}

/* Leaves that are done, and all. */
struct counts {
    int64_t done, total;
};

/* Leaves that hang, directly or not, on what comes after a node: the groups behind its own, at every level. Argo counts
 * progress over all descendants in the graph, so those count for it. Parents stand before children in run->nodes,
 * and groups are summed from the last to the first: each node is looked at twice. */
static struct counts *counts_after(const struct tph_run *run)
{
    struct counts *after = tph_calloc(run->n_nodes, sizeof(struct counts));
    for (size_t i = 0; i < run->n_nodes; i++) {
        const struct node *node = run->nodes[i];
        if (node->parent && node->parent->pub.type == TPH_NODE_STEP_GROUP) {
            after[i] = after[node->parent->seq];
        }
        struct counts later = after[i];
        for (size_t g = node->pub.type == TPH_NODE_STEPS ? node->n_groups : 0; g > 0; g--) {
            const struct node *group = node->groups[g - 1];
            after[group->seq] = later;
            later.done += group->done;
            later.total += group->total;
        }
    }
    return after;
}

static void set_progress(struct tph_json_doc *doc, struct tph_json *object, const struct node *node,
                         struct counts later)
{
    bool leaf = node->pub.type != TPH_NODE_STEPS && node->pub.type != TPH_NODE_STEP_GROUP;
    char text[48];
    int64_t done = node->done;
    int64_t total = node->total;
    if (!leaf && node->parent) {
        done += later.done;
        total += later.total;
    }
    if (total > 0) {
        (void)snprintf(text, sizeof(text), "%lld/%lld", (long long)done, (long long)total);
        tph_json_set_cstr(doc, object, "progress", text);
    }
}

static void set_inputs_outputs(struct tph_json_doc *doc, struct tph_json *object, const struct node *node)
{
    if (node->pub.inputs) {
        tph_json_set(doc, object, "inputs", tph_json_copy(doc, node->pub.inputs));
    }
    if (node->pub.outputs) {
        tph_json_set(doc, object, "outputs", tph_json_copy(doc, node->pub.outputs));
    }
}

static struct tph_json *node_object(struct tph_json_doc *doc, const struct node *node)
{
    const struct tph_node *n = &node->pub;
    struct tph_json *object = tph_json_new_object(doc);
    bool flagged = n->type == TPH_NODE_STEP_GROUP || (n->type == TPH_NODE_SKIP && n->phase != TPH_NODE_ERROR);
    tph_json_set_str(doc, object, "id", n->id);
    tph_json_set_str(doc, object, "name", n->name);
    tph_json_set_str(doc, object, "displayName", n->display_name);
    tph_json_set_cstr(doc, object, "type", tph_node_type_name(n->type));
    if (n->template_name.len > 0) {
        tph_json_set_str(doc, object, "templateName", n->template_name);
    }
    TPH_CLEANUP(tph_freep) char *scope = tph_format("local/%.*s", TPH_FMT(node->run->spec->name));
    tph_json_set_cstr(doc, object, "templateScope", scope);
    tph_json_set_cstr(doc, object, "phase", tph_node_phase_name(n->phase));
    if (n->boundary) {
        tph_json_set_str(doc, object, "boundaryID", n->boundary->id);
    }
    if (n->message.len > 0) {
        tph_json_set_str(doc, object, "message", n->message);
    }
    set_time(doc, object, "startedAt", n->started_ms);
    set_time(doc, object, "finishedAt", n->finished_ms);
    if (flagged) {
        tph_json_set(doc, object, "nodeFlag", tph_json_new_object(doc));
    }
    set_inputs_outputs(doc, object, node);
    if (n->n_children > 0) {
        tph_json_set(doc, object, "children", id_list(doc, n->children, n->n_children));
    }
    if (node->n_outbound > 0) {
        tph_json_set(doc, object, "outboundNodes", id_list(doc, node->outbound, node->n_outbound));
    }
    return object;
}

static struct tph_json *nodes_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *nodes = tph_json_new_object(doc);
    struct counts *after = counts_after(run);
    for (size_t i = 0; i < run->n_nodes; i++) {
        struct tph_json *object = node_object(doc, run->nodes[i]);
        set_progress(doc, object, run->nodes[i], after[i]);
        tph_json_append_member(doc, nodes, run->nodes[i]->pub.id, object);
    }
    free(after);
    return nodes;
}

static struct tph_json *condition(struct tph_json_doc *doc, const char *type, const char *status)
{
    struct tph_json *c = tph_json_new_object(doc);
    tph_json_set_cstr(doc, c, "type", type);
    tph_json_set_cstr(doc, c, "status", status);
    return c;
}

static struct tph_json *status_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *gc = tph_json_new_object(doc);
    struct tph_json *repository = tph_json_new_object(doc);
    struct tph_json *conditions = tph_json_new_array(doc);
    struct tph_json *outputs = tph_json_new_object(doc);
    char progress[48];
    tph_json_set_cstr(doc, status, "phase", tph_workflow_phase_name(run->phase));
    if (run->message) {
        tph_json_set_cstr(doc, status, "message", run->message);
    }
    set_time(doc, status, "startedAt", run->started_ms);
    set_time(doc, status, "finishedAt", run->finished_ms);
    (void)snprintf(progress, sizeof(progress), "%lld/%lld", (long long)run->root->done, (long long)run->root->total);
    tph_json_set_cstr(doc, status, "progress", progress);
    if (run->second_pass) {
        tph_json_append(doc, conditions, condition(doc, "PodRunning", "False"));
    }
    if (run->finished_ms > 0) {
        tph_json_append(doc, conditions, condition(doc, "Completed", "True"));
    }
    if (tph_json_len(conditions) > 0) {
        tph_json_set(doc, status, "conditions", conditions);
    }
    if (run->outputs) {
        tph_json_set(doc, outputs, "parameters", tph_json_copy(doc, run->outputs));
        tph_json_set(doc, status, "outputs", outputs);
    }
    tph_json_set(doc, gc, "notSpecified", tph_json_new_bool(doc, true));
    tph_json_set(doc, status, "artifactGCStatus", gc);
    tph_json_set(doc, repository, "artifactRepository", tph_json_new_object(doc));
    tph_json_set(doc, repository, "default", tph_json_new_bool(doc, true));
    tph_json_set(doc, status, "artifactRepositoryRef", repository);
    tph_json_set(doc, status, "nodes", nodes_object(run, doc));
    return status;
}

static struct tph_json *member_object(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *member = tph_json_get(object, key);
    if (!tph_json_is(member, TPH_JSON_OBJECT)) {
        member = tph_json_new_object(doc);
        tph_json_set(doc, object, key, member);
        member = tph_json_get(object, key);
    }
    return member;
}

struct tph_json *tph_run_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_copy(doc, run->spec->object);
    if (!run->root) {
        return object;
    }
    struct tph_json *meta = member_object(doc, object, "metadata");
    struct tph_json *labels = member_object(doc, meta, "labels");
    struct tph_json *annotations = member_object(doc, meta, "annotations");
    tph_json_set_cstr(doc, labels, LABEL("phase"), tph_workflow_phase_name(run->phase));
    tph_json_set_cstr(doc, labels, LABEL("completed"), run->finished_ms > 0 ? "true" : "false");
    tph_json_set_cstr(doc, annotations, LABEL("pod-name-format"), "v2");
    if (run->shutdown) {
        tph_json_set_cstr(doc, member_object(doc, object, "spec"), "shutdown", run->shutdown);
    }
    tph_json_set(doc, object, "status", status_object(run, doc));
    return object;
}
