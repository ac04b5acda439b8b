/* SPDX-License-Identifier: Apache-2.0 */
/* The Workflow object with its status as Argo writes it, and a run from a saved one. Source: argo 1.5 to 1.10. */
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

/* Leaves that hang, directly or not, on what comes after a node: the groups behind its own, at every level. Argo
 * counts progress over all descendants in the graph, so those count for it. */
struct counts {
    int64_t done, total;
};

static struct counts after(const struct node *node)
{
    struct counts sum = {.done = 0};
    for (const struct node *n = node; n->parent; n = n->parent) {
        if (n->pub.type != TPH_NODE_STEP_GROUP) {
            continue;
        }
        const struct node *steps = n->parent;
        for (size_t i = n->index + 1; i < steps->n_groups; i++) {
            sum.done += steps->groups[i]->done;
            sum.total += steps->groups[i]->total;
        }
    }
    return sum;
}

/* The text of a boundary's or group's progress. later: the groups behind it in the same steps node, summed by the
 * caller, so that a long chain costs no square. */
static void set_progress(struct tph_json_doc *doc, struct tph_json *object, const struct node *node,
                         struct counts later)
{
    char text[48];
    int64_t done = node->done + later.done;
    int64_t total = node->total + later.total;
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
    bool plain = n->type == TPH_NODE_STEP_GROUP || n->type == TPH_NODE_SKIP;
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
    if (plain) {
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

/* The nodes map; progress of groups is summed from the last to the first. */
static struct tph_json *nodes_object(const struct tph_run *run, struct tph_json_doc *doc)
{
    struct tph_json *nodes = tph_json_new_object(doc);
    struct tph_json **objects = tph_calloc(run->n_nodes, sizeof(struct tph_json *));
    struct tph_map by_id = TPH_MAP_INIT; /* node id -> its object: a look-up in a large object walks it */
    for (size_t i = 0; i < run->n_nodes; i++) {
        objects[i] = node_object(doc, run->nodes[i]);
        if (run->nodes[i]->pub.type == TPH_NODE_PLUGIN || run->nodes[i]->pub.type == TPH_NODE_SKIP) {
            set_progress(doc, objects[i], run->nodes[i], (struct counts){.done = 0});
        }
        tph_json_append_member(doc, nodes, run->nodes[i]->pub.id, objects[i]);
        (void)tph_map_set(&by_id, run->nodes[i]->pub.id, objects[i]);
    }
    for (size_t i = 0; i < run->n_nodes; i++) {
        const struct node *steps = run->nodes[i];
        if (steps->pub.type != TPH_NODE_STEPS) {
            continue;
        }
        struct counts later = after(steps);
        set_progress(doc, objects[i], steps, later);
        for (size_t g = steps->n_groups; g > 0; g--) {
            const struct node *group = steps->groups[g - 1];
            set_progress(doc, tph_map_get(&by_id, group->pub.id), group, later);
            later.done += group->done;
            later.total += group->total;
        }
    }
    tph_map_release(&by_id);
    free(objects);
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
    tph_json_set_cstr(doc, status, "phase", tph_workflow_phase_name(run->phase));
    if (run->message) {
        tph_json_set_cstr(doc, status, "message", run->message);
    }
    set_time(doc, status, "startedAt", run->started_ms);
    set_time(doc, status, "finishedAt", run->finished_ms);
    if (run->root && run->root->pub.progress.len > 0) {
        tph_json_set_str(doc, status, "progress", run->root->pub.progress);
    }
    tph_json_append(doc, conditions, condition(doc, "PodRunning", "False"));
    if (run->finished_ms > 0) {
        tph_json_append(doc, conditions, condition(doc, "Completed", "True"));
    }
    tph_json_set(doc, status, "conditions", conditions);
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

/* What a saved node says about the one just made in its place. */
static int load_node(struct node *node, const struct tph_json *saved, struct tph_error *err)
{
    enum tph_node_phase phase = TPH_NODE_PENDING;
    if (!tph_node_phase_parse(tph_json_get_str(saved, "phase"), &phase)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "status.nodes[%.*s].phase: \"%.*s\" is none",
                             TPH_FMT(node->pub.id), TPH_FMT(tph_json_get_str(saved, "phase")));
    }
    int64_t started_ms = 0;
    int64_t finished_ms = 0;
    (void)!tph_time_parse(tph_json_get_str(saved, "startedAt"), &started_ms, NULL); /* null: not yet */
    (void)!tph_time_parse(tph_json_get_str(saved, "finishedAt"), &finished_ms, NULL);
    const struct tph_json *inputs = tph_json_get(saved, "inputs");
    const struct tph_json *outputs = tph_json_get(saved, "outputs");
    if (tph_str_eqz(tph_json_get_str(saved, "type"), "Skipped")) {
        node->pub.type = TPH_NODE_SKIP;
    }
    tph_node_set_message(node, tph_json_get_str(saved, "message"));
    node->pub.phase = phase;
    node->pub.started_ms = started_ms;
    node->pub.finished_ms = finished_ms;
    node->pub.inputs = inputs ? tph_json_copy(node->run->doc, inputs) : NULL;
    if (outputs) {
        node->outputs_doc = tph_json_doc_new();
        node->pub.outputs = tph_json_copy(node->outputs_doc, outputs);
    }
    return 0;
}

static void load_leaf_progress(struct node *node, const struct tph_json *saved)
{
    struct tph_str text = tph_json_get_str(saved, "progress");
    ptrdiff_t slash = tph_str_find_byte(text, '/');
    int64_t done = 0;
    int64_t total = 0;
    if (slash > 0 && tph_str_to_i64(tph_str_slice(text, 0, (size_t)slash), &done) == 0 &&
        tph_str_to_i64(tph_str_slice(text, (size_t)slash + 1, text.len), &total) == 0) {
        tph_node_set_progress(node, done, total);
    }
}

static const struct tph_json *saved_node(struct tph_run *run, const struct tph_map *saved, struct tph_str name)
{
    return tph_map_get(saved, tph_str(tph_node_id(run, name)));
}

/* Makes the groups and members that the saved status has, in the order in which they were made at first, without
 * recursion: a steps node that is found is put on the work list. */
static int load_members(struct node *group, const struct tph_map *saved, struct tph_error *err)
{
    struct tph_run *run = group->run;
    const struct tph_step_group *plan = &group->parent->template->groups[group->index];
    for (size_t i = 0; i < plan->n_steps; i++) {
        TPH_CLEANUP(tph_freep)
        char *name = tph_format("%.*s.%.*s", TPH_FMT(group->pub.name), TPH_FMT(plan->steps[i].name));
        const struct tph_json *json = saved_node(run, saved, tph_str(name));
        if (!json) {
            continue;
        }
        bool steps = plan->steps[i].target->type == TPH_TEMPLATE_STEPS;
        struct node *member = tph_steps_make_member(group, i, steps ? TPH_NODE_STEPS : TPH_NODE_PLUGIN);
        if (load_node(member, json, err) < 0) {
            return -1;
        }
        if (steps) {
            tph_run_push(run, WORK_BEGIN, member);
        } else {
            load_leaf_progress(member, json);
        }
        group->unfinished += tph_node_phase_is_final(member->pub.phase) ? 0 : 1;
    }
    return 0;
}

static int load_groups(struct node *steps, const struct tph_map *saved, struct tph_error *err)
{
    struct tph_run *run = steps->run;
    for (size_t i = 0; i < steps->template->n_groups; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s[%zu]", TPH_FMT(steps->pub.name), i);
        const struct tph_json *json = saved_node(run, saved, tph_str(name));
        if (!json) {
            break;
        }
        struct node *group = tph_steps_make_group(steps);
        if (load_node(group, json, err) < 0 || load_members(group, saved, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Children and outbound nodes as saved: they name nodes that all exist now. */
static void load_edges(struct node *node, const struct tph_json *saved)
{
    struct tph_run *run = node->run;
    const struct tph_json *outbound = tph_json_get(saved, "outboundNodes");
    struct tph_json_iter it = tph_json_iter(tph_json_get(saved, "children"));
    node->pub.n_children = 0;
    while (tph_json_next(&it)) {
        struct node *child = tph_map_get(&run->by_id, tph_json_str(it.value));
        if (child) {
            tph_node_add_child(node, child);
        }
    }
    free(node->outbound);
    node->n_outbound = 0;
    node->outbound = tph_calloc(tph_json_len(outbound), sizeof(struct tph_node *));
    it = tph_json_iter(outbound);
    while (tph_json_next(&it)) {
        struct node *leaf = tph_map_get(&run->by_id, tph_json_str(it.value));
        if (leaf) {
            node->outbound[node->n_outbound++] = &leaf->pub;
        }
    }
}

static enum tph_workflow_phase parse_phase(struct tph_str word)
{
    for (int i = 0; i < TPH_WORKFLOW_PHASE_COUNT; i++) {
        if (tph_str_eqz(word, tph_workflow_phase_name((enum tph_workflow_phase)i))) {
            return (enum tph_workflow_phase)i;
        }
    }
    return TPH_WORKFLOW_NEW;
}

static void load_workflow(struct tph_run *run, const struct tph_json *status)
{
    struct tph_str message = tph_json_get_str(status, "message");
    run->phase = parse_phase(tph_json_get_str(status, "phase"));
    run->message = message.len > 0 ? tph_str_dup(message) : NULL;
    (void)!tph_time_parse(tph_json_get_str(status, "startedAt"), &run->started_ms, NULL);
    (void)!tph_time_parse(tph_json_get_str(status, "finishedAt"), &run->finished_ms, NULL);
}

static int load_tree(struct tph_run *run, const struct tph_map *saved, struct tph_error *err)
{
    const struct tph_template *t = run->spec->entrypoint;
    const struct tph_json *json = saved_node(run, saved, run->spec->name);
    if (!json) {
        return 0; /* nothing had begun */
    }
    enum tph_node_type type = t->type == TPH_TEMPLATE_STEPS ? TPH_NODE_STEPS : TPH_NODE_PLUGIN;
    run->root = tph_node_make(run, tph_arena_strdup(run->arena, run->spec->name),
                              &(struct node_kind){.type = type, .template = t});
    run->root->groups = TPH_ARENA_ARRAY(run->arena, struct node *, t->n_groups);
    if (load_node(run->root, json, err) < 0) {
        return -1;
    }
    if (type == TPH_NODE_STEPS) {
        tph_run_push(run, WORK_BEGIN, run->root);
    } else {
        load_leaf_progress(run->root, json);
    }
    while (run->n_work > 0) {
        if (load_groups(run->work[--run->n_work].node, saved, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int tph_run_restore(struct tph_run *run, const struct tph_json *status, struct tph_error *err)
{
    struct tph_map saved = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "nodes"));
    while (tph_json_next(&it)) {
        (void)tph_map_set(&saved, it.key, it.value);
    }
    load_workflow(run, status);
    int failed = load_tree(run, &saved, err);
    for (size_t i = 0; i < run->n_nodes && failed == 0; i++) {
        struct node *node = run->nodes[i];
        load_edges(node, tph_map_get(&saved, node->pub.id));
        tph_leaf_restore(node);
        node->dirty = false;
    }
    run->n_dirty = 0;
    run->n_work = 0;
    tph_map_release(&saved);
    return failed;
}
