/* SPDX-License-Identifier: Apache-2.0 */
/* A run from a saved Workflow object: what object.c wrote, or Argo did.
 *
 * The tree is walked as the spec has it, and each node that the status knows is made again. What the status does not
 * say (who waits for whom, deadlines, counts) follows from it. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/time.h"
#include "engine/run_internal.h"

struct restorer {
    struct tph_run *run;
    struct tph_map saved; /* node id -> struct tph_json */
    struct tph_error *err;
};

/* The saved node of that name: its id, or one of those for names of the same hash. */
static const struct tph_json *find_saved(const struct restorer *r, struct tph_str name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (unsigned n = 1;; n++) {
        tph_buf_clear(&id);
        tph_node_write_id(r->run, name, n, &id);
        const struct tph_json *json = tph_map_get(&r->saved, tph_buf_str(&id));
        if (!json || tph_str_eq(tph_json_get_str(json, "name"), name)) {
            return json;
        }
    }
}

static int64_t read_time(const struct tph_json *saved, const char *key)
{
    int64_t ms = 0;
    return tph_time_parse(tph_json_get_str(saved, key), &ms, NULL) == 0 ? ms : 0; /* null: not yet */
}

static void load_leaf_progress(struct node *node, const struct tph_json *saved)
{
    struct tph_str text = tph_json_get_str(saved, "progress");
    ptrdiff_t slash = tph_str_find_byte(text, '/');
    int64_t done = 0;
    int64_t total = 0;
    bool good = slash > 0 && tph_str_to_i64(tph_str_slice(text, 0, (size_t)slash), &done) == 0 &&
                tph_str_to_i64(tph_str_slice(text, (size_t)slash + 1, text.len), &total) == 0;
    tph_node_set_progress(node, good ? done : 0, good ? total : 0);
}

/* What a saved node says about the one just made in its place. */
static int load_node(const struct restorer *r, struct node *node, const struct tph_json *saved)
{
    struct tph_str phase = tph_json_get_str(saved, "phase");
    struct tph_str display_name = tph_json_get_str(saved, "displayName");
    const struct tph_json *inputs = tph_json_get(saved, "inputs");
    if (!tph_node_phase_parse(phase, &node->pub.phase)) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "status.nodes[%.*s].phase: there is no phase \"%.*s\"",
                             TPH_FMT(node->pub.id), TPH_FMT(phase));
    }
    if (tph_str_eqz(tph_json_get_str(saved, "type"), "Skipped")) {
        node->pub.type = TPH_NODE_SKIP;
    }
    if (display_name.len > 0) {
        node->pub.display_name = tph_arena_str(r->run->arena, display_name);
    }
    tph_node_set_message(node, tph_json_get_str(saved, "message"));
    node->pub.started_ms = read_time(saved, "startedAt");
    node->pub.finished_ms = tph_node_phase_is_final(node->pub.phase) ? read_time(saved, "finishedAt") : 0;
    node->pub.inputs = inputs ? tph_json_copy(r->run->doc, inputs) : NULL;
    tph_node_set_outputs(node, tph_json_get(saved, "outputs"));
    if (node->pub.type == TPH_NODE_PLUGIN || node->pub.type == TPH_NODE_SKIP) {
        load_leaf_progress(node, saved);
    }
    return 0;
}

/* Makes the members that the saved status has. */
static int load_members(const struct restorer *r, struct node *group)
{
    const struct tph_step_group *plan = &group->parent->template->groups[group->index];
    for (size_t i = 0; i < plan->n_steps; i++) {
        const char *name = tph_steps_member_name(group, i);
        const struct tph_json *json = find_saved(r, tph_str(name));
        if (!json) {
            continue;
        }
        const struct tph_template *t = plan->steps[i].target;
        struct node_kind kind = {.type = tph_template_ops(t)->node_type,
                                 .template = t,
                                 .step = &plan->steps[i],
                                 .parent = group,
                                 .index = i};
        struct node *member = tph_node_make(r->run, name, &kind);
        group->members[i] = member;
        if (load_node(r, member, json) < 0) {
            return -1;
        }
        group->unfinished += tph_node_phase_is_final(member->pub.phase) ? 0 : 1;
    }
    return 0;
}

static int load_groups(const struct restorer *r, struct node *steps)
{
    for (size_t i = 0; i < steps->template->n_groups; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s[%zu]", TPH_FMT(steps->pub.name), i);
        const struct tph_json *json = find_saved(r, tph_str(name));
        if (!json) {
            break;
        }
        struct node *group = tph_steps_make_group(steps);
        if (load_node(r, group, json) < 0 || load_members(r, group) < 0) {
            return -1;
        }
    }
    return 0;
}

static int load_tree(const struct restorer *r)
{
    struct tph_run *run = r->run;
    const struct tph_template *t = run->spec->entrypoint;
    const struct tph_json *json = find_saved(r, run->spec->name);
    if (!json) {
        return 0; /* nothing had begun */
    }
    struct node_kind kind = {.type = tph_template_ops(t)->node_type, .template = t};
    run->root = tph_node_make(run, tph_arena_strdup(run->arena, run->spec->name), &kind);
    if (load_node(r, run->root, json) < 0) {
        return -1;
    }
    /* Those made on the way stand behind, so that all are reached. */
    for (size_t i = 0; i < run->n_nodes; i++) {
        if (run->nodes[i]->pub.type == TPH_NODE_STEPS && load_groups(r, run->nodes[i]) < 0) {
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
    while (tph_json_next(&it)) {
        struct node *child = tph_map_get(&run->by_id, tph_json_str(it.value));
        if (child) {
            tph_node_add_child(node, child);
        }
    }
    if (tph_json_len(outbound) > 0) {
        node->outbound = tph_calloc(tph_json_len(outbound), sizeof(struct tph_node *));
    }
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
    run->started_ms = read_time(status, "startedAt");
    run->finished_ms = read_time(status, "finishedAt");
    tph_globals_created(run);
    struct tph_json_iter it = tph_json_iter(tph_json_path(status, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        tph_globals_export(run, tph_json_get_str(it.value, "name"), tph_json_get_str(it.value, "value"));
    }
    it = tph_json_iter(tph_json_get(status, "conditions"));
    while (tph_json_next(&it)) {
        run->second_pass = run->second_pass || tph_str_eqz(tph_json_get_str(it.value, "type"), "PodRunning");
    }
}

int tph_run_restore(struct tph_run *run, const struct tph_json *status, struct tph_error *err)
{
    struct restorer r = {.run = run, .saved = TPH_MAP_INIT, .err = err};
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "nodes"));
    while (tph_json_next(&it)) {
        (void)tph_map_set(&r.saved, it.key, it.value);
    }
    load_workflow(run, status);
    int failed = load_tree(&r);
    for (size_t i = 0; i < run->n_nodes && failed == 0; i++) {
        struct node *node = run->nodes[i];
        load_edges(node, tph_map_get(&r.saved, node->pub.id));
        tph_leaf_restore(node);
        tph_node_write_progress(node);
        node->dirty = false;
    }
    run->n_dirty = 0;
    tph_map_release(&r.saved);
    return failed;
}
