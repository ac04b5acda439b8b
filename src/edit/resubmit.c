/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "edit/internal.h"

#define LABEL(name) "workflows.argoproj.io/" name

void tph_edit_name_prefix(const struct tph_json *workflow, struct tph_buf *prefix)
{
    const struct tph_json *metadata = tph_json_get(workflow, "metadata");
    struct tph_str generate = tph_json_get_str(metadata, "generateName");
    (void)tph_buf_put(prefix, generate.len > 0 ? generate : tph_json_get_str(metadata, "name"));
    (void)tph_buf_puts(prefix, generate.len > 0 ? "" : "-");
}

static struct tph_json *new_metadata(struct tph_json_doc *doc, const struct tph_json *workflow,
                                     const struct tph_edit_resubmit *how)
{
    static const char *const DROPPED[] = {LABEL("creator"),
                                          LABEL("creator-email"),
                                          LABEL("creator-preferred-username"),
                                          LABEL("action"),
                                          LABEL("phase"),
                                          LABEL("completed"),
                                          LABEL("workflow-archiving-status"),
                                          LABEL("resubmitted-from-workflow"),
                                          NULL};
    static const char *const KEPT[] = {"annotations", "ownerReferences"};
    TPH_CLEANUP(tph_buf_release) struct tph_buf prefix = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *old = tph_json_get(workflow, "metadata");
    struct tph_json *metadata = tph_json_new_object(doc);
    if (how->memoized) {
        tph_json_set_str(doc, metadata, "name", how->name);
    }
    tph_edit_name_prefix(workflow, &prefix);
    tph_json_set_str(doc, metadata, "generateName", tph_buf_str(&prefix));
    struct tph_json *labels = tph_edit_copy_without(doc, tph_json_get(old, "labels"), DROPPED);
    tph_json_set_str(doc, labels, LABEL("resubmitted-from-workflow"), tph_json_get_str(old, "name"));
    tph_json_set(doc, metadata, "labels", labels);
    for (size_t i = 0; i < 2; i++) {
        if (tph_json_len(tph_json_get(old, KEPT[i])) > 0) {
            tph_json_set(doc, metadata, KEPT[i], tph_json_copy(doc, tph_json_get(old, KEPT[i])));
        }
    }
    return metadata;
}

static struct tph_json *new_spec(struct tph_json_doc *doc, const struct tph_json *workflow,
                                 const struct tph_edit_resubmit *how)
{
    static const char *const DROPPED[] = {"shutdown", NULL};
    int64_t deadline = -1;
    struct tph_json *spec = tph_edit_copy_without(doc, tph_json_get(workflow, "spec"), DROPPED);
    if (tph_json_to_i64(tph_json_get(spec, "activeDeadlineSeconds"), &deadline) == 0 && deadline == 0) {
        (void)tph_json_remove(spec, "activeDeadlineSeconds");
    }
    tph_edit_put_parameters(doc, spec, &how->parameters);
    return spec;
}

struct renamer {
    struct tph_json_doc *doc;
    struct tph_map old; /* id -> node */
    struct tph_str old_name, new_name;
    int64_t now_ms;
};

/* A node's name with the new workflow's in front. */
static void write_name(const struct renamer *r, struct tph_str name, struct tph_buf *to)
{
    if (tph_str_has_prefix(name, r->old_name)) {
        (void)tph_buf_put(to, r->new_name);
        name = tph_str_slice(name, r->old_name.len, name.len);
    }
    (void)tph_buf_put(to, name);
}

/* The new id of an old one. An id that nobody has becomes that of a node without a name, as in Argo. */
static struct tph_json *new_id(const struct renamer *r, struct tph_str id)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct edit_node *node = tph_map_get(&r->old, id);
    if (node) {
        write_name(r, node->name, &name);
    }
    tph_names_node_id(r->new_name, tph_buf_str(&name), &text);
    return tph_json_new_str(r->doc, tph_buf_str(&text));
}

static void rename_ids(const struct renamer *r, struct tph_json *node, const char *key)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(node, key));
    while (tph_json_next(&it)) {
        tph_json_assign(it.value, new_id(r, tph_json_str(it.value)));
    }
}

/* A pod that did not fail need not run again: the new workflow skips it. All else is to be done. */
static void begin_anew(const struct renamer *r, const struct edit_node *old, struct tph_json *node)
{
    bool failed = tph_str_eqz(old->phase, "Failed") || tph_str_eqz(old->phase, "Error");
    bool pod = tph_str_eqz(old->type, "Pod");
    struct tph_json *times[2];
    for (size_t i = 0; i < 2; i++) {
        times[i] = pod && failed ? tph_json_new_null(r->doc) : tph_edit_time(r->doc, r->now_ms);
    }
    tph_json_set(r->doc, node, "startedAt", times[0]);
    tph_json_set(r->doc, node, "finishedAt", times[1]);
    (void)tph_json_remove(node, "message");
    tph_json_set_cstr(r->doc, node, "phase", pod && !failed ? "Skipped" : "Pending");
    if (pod && !failed) {
        TPH_CLEANUP(tph_freep) char *message = tph_format("original pod: %.*s", TPH_FMT(old->id));
        tph_json_set_cstr(r->doc, node, "type", "Skipped");
        tph_json_set_cstr(r->doc, node, "message", message);
    }
}

static void add_node(const struct renamer *r, const struct edit_node *old, struct tph_json *nodes)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *node = tph_json_copy(r->doc, old->value);
    struct tph_json *id = new_id(r, old->id);
    struct tph_str boundary = tph_json_get_str(node, "boundaryID");
    write_name(r, old->name, &name);
    tph_json_set_str(r->doc, node, "name", tph_buf_str(&name));
    if (boundary.len > 0) {
        tph_json_set(r->doc, node, "boundaryID", new_id(r, boundary));
    }
    rename_ids(r, node, "children");
    rename_ids(r, node, "outboundNodes");
    begin_anew(r, old, node);
    tph_json_append_member(r->doc, nodes, tph_json_str(id), node);
    tph_json_set(r->doc, node, "id", id);
}

static struct tph_json *new_nodes(struct tph_json_doc *doc, struct edit_graph *graph,
                                  const struct tph_edit_resubmit *how)
{
    struct renamer r = {.doc = doc, .old_name = graph->workflow, .new_name = how->name, .now_ms = how->now_ms};
    struct tph_json *nodes = tph_json_new_object(doc);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        (void)tph_map_set(&r.old, graph->nodes[i].id, &graph->nodes[i]);
    }
    tph_edit_mark_succeeded(graph);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct edit_node *node = &graph->nodes[i];
        bool idle = tph_str_eqz(node->type, "Skipped") && !node->succeeded;
        if (!idle && !tph_edit_is_on_exit(graph, node->name)) {
            add_node(&r, node, nodes);
        }
    }
    tph_map_release(&r.old);
    return nodes;
}

static struct tph_json *new_status(struct tph_json_doc *doc, const struct tph_json *workflow,
                                   const struct tph_edit_resubmit *how)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    const struct tph_json *templates = tph_json_path(workflow, "status", "storedTemplates", NULL);
    struct edit_graph graph;
    struct tph_json *status = tph_json_new_object(doc);
    tph_json_set(doc, status, "startedAt", tph_json_new_null(doc));
    tph_json_set(doc, status, "finishedAt", tph_json_new_null(doc));
    if (!how->memoized) {
        return status;
    }
    tph_edit_graph_build(&graph, arena, workflow);
    struct tph_json *nodes = new_nodes(doc, &graph, how);
    if (tph_json_len(nodes) > 0) {
        tph_json_set(doc, status, "nodes", nodes);
    }
    if (tph_json_len(templates) > 0) {
        tph_json_set(doc, status, "storedTemplates", tph_json_copy(doc, templates));
    }
    tph_edit_reopen(doc, status);
    return status;
}

int tph_edit_resubmit(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_edit_resubmit *how,
                      struct tph_json **ret_workflow, struct tph_error *err)
{
    static const char *const KEPT[] = {"apiVersion", "kind"};
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    if (how->memoized && !tph_str_eqz(phase, "Failed") && !tph_str_eqz(phase, "Error")) {
        return tph_error_set(err, TPH_ERROR_INVALID, "workflow must be Failed/Error to resubmit in memoized mode");
    }
    if (tph_edit_check_parameters(&how->parameters, err) < 0) {
        return -1;
    }
    struct tph_json *made = tph_json_new_object(doc);
    for (size_t i = 0; i < 2; i++) {
        if (tph_json_get(workflow, KEPT[i])) {
            tph_json_set(doc, made, KEPT[i], tph_json_copy(doc, tph_json_get(workflow, KEPT[i])));
        }
    }
    tph_json_set(doc, made, "metadata", new_metadata(doc, workflow, how));
    tph_json_set(doc, made, "spec", new_spec(doc, workflow, how));
    tph_json_set(doc, made, "status", new_status(doc, workflow, how));
    *ret_workflow = made;
    return 0;
}
