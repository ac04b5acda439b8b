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
    enum tph_node_phase phase = node->pub.phase; /* who ended it from outside may not have looked at the progress */
    bool all = phase == TPH_NODE_SUCCEEDED || phase == TPH_NODE_SKIPPED || phase == TPH_NODE_OMITTED;
    tph_node_set_progress(node, good ? (all ? total : done) : 0, good ? total : 0);
}

static int parse_type(const struct restorer *r, const struct tph_json *saved, enum tph_node_type *ret_type)
{
    struct tph_str word = tph_json_get_str(saved, "type");
    if (word.len == 0) {
        *ret_type = TPH_NODE_SKIP;
        return 0;
    }
    for (int i = 0; i < TPH_NODE_TYPE_COUNT; i++) {
        if (tph_str_eqz(word, tph_node_type_name((enum tph_node_type)i))) {
            *ret_type = (enum tph_node_type)i;
            return 0;
        }
    }
    return tph_error_set(r->err, TPH_ERROR_INVALID, "status.nodes[%.*s].type: there is no type \"%.*s\" here",
                         TPH_FMT(tph_json_get_str(saved, "id")), TPH_FMT(word));
}

/* A DAG that only ended as one of its tasks says nothing itself, or which task it was (see dag.c); steps only fail with
 * theirs; a step that is in error and has no type was not made. */
static bool is_broken(const struct node *node)
{
    struct tph_str message = node->pub.message;
    bool of_task = tph_str_has_prefix(message, TPH_STR("task '")) && tph_str_find(message, TPH_STR("' errored: ")) >= 0;
    bool dag = node->pub.type == TPH_NODE_DAG && message.len > 0 && !of_task;
    bool unmade = node->pub.type == TPH_NODE_SKIP && node->parent && node->parent->pub.type == TPH_NODE_STEP_GROUP;
    bool steps = node->pub.type == TPH_NODE_STEPS; /* its outputs, or those of a loop in it */
    return node->pub.phase == TPH_NODE_ERROR && (dag || unmade || steps);
}

/* Nodes that a memoized `resubmit` took over from another workflow keep its scope. */
static void load_scope(struct tph_run *run, struct node *node, struct tph_str scope)
{
    bool local = tph_str_has_prefix(scope, TPH_STR("local/"));
    struct tph_str name = local ? tph_str_slice(scope, 6, scope.len) : TPH_STR_NONE;
    node->old_scope = name.len > 0 && !tph_str_eq(name, run->spec->name);
    if (node->old_scope && run->old_scope.len == 0) {
        run->old_scope = tph_arena_str(run->arena, name);
    }
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
    if (display_name.len > 0) {
        node->pub.display_name = tph_arena_str(r->run->arena, display_name);
    }
    tph_node_set_message(node, tph_json_get_str(saved, "message"));
    node->pub.started_ms = read_time(saved, "startedAt");
    node->pub.finished_ms = tph_node_phase_is_final(node->pub.phase) ? read_time(saved, "finishedAt") : 0;
    /* What is over has no time before it; but after a failed attempt there is a pause. */
    bool counts = !tph_node_phase_is_final(node->pub.phase) || node->role == ROLE_ATTEMPT;
    node->unknown_ms = counts ? TPH_UNKNOWN_MS : 0;
    node->pub.inputs = inputs ? tph_json_copy(r->run->doc, inputs) : NULL;
    tph_node_set_outputs(node, tph_json_get(saved, "outputs"));
    node->broken = is_broken(node);
    if (tph_node_is_leaf(node)) {
        load_leaf_progress(node, saved);
    }
    const struct tph_json *flag = tph_json_get(saved, "nodeFlag");
    node->flagged = tph_json_is(flag, TPH_JSON_OBJECT) && tph_json_len(flag) == 0;
    load_scope(r->run, node, tph_json_get_str(saved, "templateScope"));
    struct tph_str waits_for = tph_json_get_str(tph_json_get(saved, "synchronizationStatus"), "waiting");
    node->waits_for = waits_for.len > 0 ? tph_arena_str(r->run->arena, waits_for) : TPH_STR_NONE;
    const struct tph_json *memo = tph_json_get(saved, "memoizationStatus");
    if (memo) {
        struct memo *kept = TPH_ARENA_NEW(r->run->arena, struct memo);
        kept->hit = tph_json_bool(tph_json_get(memo, "hit"));
        kept->key = tph_arena_str(r->run->arena, tph_json_get_str(memo, "key"));
        kept->cache = tph_arena_str(r->run->arena, tph_json_get_str(memo, "cacheName"));
        node->memo = kept;
    }
    return 0;
}

/* Makes the node of that name, if it is saved; *ret_node is NULL if it is not. kind's type and template are found. */
static int make_saved(const struct restorer *r, struct tph_str name, struct node_kind *kind, struct node **ret_node)
{
    struct tph_run *run = r->run;
    const struct tph_json *saved = find_saved(r, name);
    const char *problem = NULL;
    *ret_node = NULL;
    if (!saved) {
        return 0;
    }
    if (parse_type(r, saved, &kind->type) < 0) {
        return -1;
    }
    if (!kind->template && kind->call) {
        const struct node *parent = kind->parent;
        const struct tph_json *ref = tph_json_get(saved, "templateRef");
        bool own = parent->pub.type == TPH_NODE_DAG || !parent->pub.boundary;
        kind->template =
            tph_resolve_template(own ? parent : tph_node_boundary(parent), kind->call, tph_json_get_str(ref, "name"),
                                 tph_json_get_str(ref, "template"), run->scratch, &problem);
    }
    struct node *node = tph_node_make(run, tph_arena_strdup(run->arena, name), kind);
    if (load_node(r, node, saved) < 0) {
        return -1;
    }
    *ret_node = node;
    return 0;
}

/* What an item was called stands for it: of members that are made, no more is asked than that there was one. */
static struct tph_str keep_item(const struct restorer *r, struct tph_str called)
{
    return called.p ? tph_arena_str(r->run->arena, called) : TPH_STR_NONE;
}

/* "(3:x)" at the end of a name: the item's number and what it is called. */
static struct tph_str item_of(struct tph_str name)
{
    ptrdiff_t open = tph_str_find_byte(name, '(');
    ptrdiff_t colon = tph_str_find_byte(name, ':');
    return open < 0 || colon < open ? TPH_STR_NONE : tph_str_slice(name, (size_t)colon + 1, name.len - 1);
}

/* The name of a saved child without prefix in front; p NULL for one that has another. */
static struct tph_str child_name(const struct restorer *r, const struct tph_json *id, struct tph_str prefix)
{
    const struct tph_json *child = tph_map_get(&r->saved, tph_json_str(id));
    struct tph_str name = tph_json_get_str(child, "name");
    return tph_str_has_prefix(name, prefix) ? tph_str_slice(name, prefix.len, name.len) : TPH_STR_NONE;
}

/* A saved child of a group: its step, and its number where it is an item of a loop. */
struct saved_member {
    struct tph_str own; /* its name without the group's */
    size_t place;
    int64_t item;
};

static int by_place(const void *a, const void *b)
{
    const struct saved_member *left = a;
    const struct saved_member *right = b;
    if (left->place != right->place) {
        return left->place < right->place ? -1 : 1;
    }
    return left->item < right->item ? -1 : left->item > right->item;
}

/* "(3:x)": 3; 0 for a name without. */
static int64_t item_number(struct tph_str name)
{
    ptrdiff_t open = tph_str_find_byte(name, '(');
    ptrdiff_t colon = tph_str_find_byte(name, ':');
    int64_t number = 0;
    bool good =
        open >= 0 && colon > open && tph_str_to_i64(tph_str_slice(name, (size_t)open + 1, (size_t)colon), &number) == 0;
    return good ? number : 0;
}

/* The saved children of a group in the order of their places: after `retry` those that were made anew come last. */
static struct saved_member *saved_members(const struct restorer *r, const struct node *group, const char *prefix,
                                          size_t *ret_n)
{
    const struct tph_json *children = tph_json_get(tph_map_get(&r->saved, group->pub.id), "children");
    const struct tph_template *t = group->role == ROLE_GROUP ? group->parent->template : NULL;
    struct saved_member *list = tph_calloc(tph_json_len(children) + 1, sizeof(*list));
    size_t n = 0;
    struct tph_json_iter it = tph_json_iter(children);
    while (tph_json_next(&it)) {
        struct tph_str own = child_name(r, it.value, tph_str(prefix));
        ptrdiff_t open = own.p ? tph_str_find_byte(own, '(') : -1;
        const struct tph_place *place =
            own.p && t ? tph_map_get(&t->places, open < 0 ? own : tph_str_slice(own, 0, (size_t)open)) : NULL;
        if (own.p && (!t || (place && place->group == group->index))) {
            TPH_CLEANUP(tph_freep) char *whole = tph_format("%s%.*s", t ? "" : "(", TPH_FMT(own));
            list[n++] = (struct saved_member){
                .own = own, .place = place ? place->member : 0, .item = item_number(tph_str(whole))};
        }
    }
    qsort(list, n, sizeof(*list), by_place);
    *ret_n = n;
    return list;
}

static int load_members(const struct restorer *r, struct node *group)
{
    const struct tph_template *t = group->parent->template;
    size_t n = 0;
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("%.*s.", TPH_FMT(group->pub.name));
    TPH_CLEANUP(tph_freep) struct saved_member *list = saved_members(r, group, prefix, &n);
    for (size_t i = 0; i < n; i++) {
        struct tph_str own = list[i].own;
        const struct tph_call *call = &t->groups[group->index].steps[list[i].place];
        struct slot *slot = &group->slots[list[i].place];
        struct node_kind kind = {.role = ROLE_MEMBER, .call = call, .parent = group, .index = group->n_members};
        TPH_CLEANUP(tph_freep) char *name = tph_format("%s%.*s", prefix, TPH_FMT(own));
        struct node *member = NULL;
        kind.item = call->loop.kind == TPH_LOOP_NONE ? TPH_STR_NONE : keep_item(r, item_of(own));
        if (make_saved(r, tph_str(name), &kind, &member) < 0) {
            return -1;
        }
        slot->is_loop = call->loop.kind != TPH_LOOP_NONE;
        slot->first = slot->n == 0 ? kind.index : slot->first;
        slot->n++;
        tph_node_put_member(group, kind.index, member);
    }
    return 0;
}

static int load_groups(const struct restorer *r, struct node *steps)
{
    for (size_t i = 0; i < steps->template->n_groups; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s[%zu]", TPH_FMT(steps->pub.name), i);
        const struct tph_json *saved = find_saved(r, tph_str(name));
        if (!saved) {
            break;
        }
        struct node *group = tph_steps_make_group(steps);
        if (load_node(r, group, saved) < 0 || load_members(r, group) < 0) {
            return -1;
        }
        if (r->run->retried && !tph_node_phase_is_final(group->pub.phase)) {
            break; /* what comes after it is not due yet, and is made when it is */
        }
    }
    return 0;
}

/* After `retry` and memoized `resubmit`: tasks whose dependencies are to run again are made when that is done. */
static bool is_due(const struct node *dag, const struct tph_call *task)
{
    for (size_t i = 0; i < task->n_dependencies; i++) {
        const struct node *before = dag->members[task->dependencies[i]];
        if (!before || !tph_node_phase_is_final(before->pub.phase)) {
            return false;
        }
    }
    return true;
}

static int load_tasks(const struct restorer *r, struct node *dag)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_step_group *tasks = &dag->template->groups[0];
    if (tph_dag_prepare(dag, &problem) < 0) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "%s", tph_buf_cstr(&problem));
    }
    for (size_t at = 0; at < tasks->n_steps; at++) {
        size_t i = at < tph_dag_plan_of(dag)->n_order ? tph_dag_plan_of(dag)->order[at] : tasks->n_steps;
        if (i == tasks->n_steps || (r->run->retried && !is_due(dag, &tasks->steps[i]))) {
            continue;
        }
        TPH_CLEANUP(tph_freep)
        char *name = tph_format("%.*s.%.*s", TPH_FMT(dag->pub.name), TPH_FMT(tasks->steps[i].name));
        struct node_kind kind = {.role = ROLE_MEMBER, .call = &tasks->steps[i], .parent = dag, .index = i};
        struct node *node = NULL;
        if (make_saved(r, tph_str(name), &kind, &node) < 0) {
            return -1;
        }
        dag->members[i] = node;
    }
    return 0;
}

static int load_items(const struct restorer *r, struct node *group)
{
    size_t n = 0;
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("%.*s(", TPH_FMT(group->pub.name));
    TPH_CLEANUP(tph_freep) struct saved_member *list = saved_members(r, group, prefix, &n);
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("%s%.*s", prefix, TPH_FMT(list[i].own));
        struct node_kind kind = {.role = ROLE_MEMBER, .call = group->call, .parent = group, .index = group->n_members};
        struct node *node = NULL;
        kind.item = keep_item(r, item_of(tph_str(name)));
        if (make_saved(r, tph_str(name), &kind, &node) < 0) {
            return -1;
        }
        tph_node_put_member(group, kind.index, node);
    }
    return 0;
}

static int load_attempts(const struct restorer *r, struct node *retry)
{
    for (size_t i = 0;; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s(%zu)", TPH_FMT(retry->pub.name), i);
        struct node_kind kind = {.role = ROLE_ATTEMPT,
                                 .template = retry->template,
                                 .call = retry->call,
                                 .parent = retry,
                                 .index = i,
                                 .item = retry->item};
        struct node *attempt = NULL;
        if (make_saved(r, tph_str(name), &kind, &attempt) < 0) {
            return -1;
        }
        if (!attempt) {
            return 0;
        }
        tph_node_put_member(retry, i, attempt);
    }
}

static int load_hooks(const struct restorer *r, struct node *node)
{
    size_t n = 0;
    const struct tph_hook *hooks = tph_hooks_of(node, &n);
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_freep)
        char *name = tph_format("%.*s.%.*s", TPH_FMT(node->pub.name), TPH_FMT(hooks[i].call->name));
        struct node_kind kind = {
            .role = ROLE_HOOK, .call = hooks[i].call, .parent = node, .index = i, .item = node->item};
        struct node *hook = NULL;
        if (make_saved(r, tph_str(name), &kind, &hook) < 0) {
            return -1;
        }
        if (hook) {
            tph_hooks_array(node)[i] = hook;
        }
    }
    return 0;
}

/* What is in a node, and the hooks that belong to it. */
static int load_inside(const struct restorer *r, struct node *node)
{
    int failed = 0;
    bool known = node->template != NULL;
    switch (node->pub.type) {
    case TPH_NODE_STEPS:
        failed = known ? load_groups(r, node) : 0;
        break;
    case TPH_NODE_DAG:
        failed = known ? load_tasks(r, node) : 0;
        break;
    case TPH_NODE_TASK_GROUP:
        failed = load_items(r, node);
        break;
    case TPH_NODE_RETRY:
        failed = load_attempts(r, node);
        break;
    case TPH_NODE_STEP_GROUP:
    case TPH_NODE_SKIP:
    case TPH_NODE_SUSPEND:
    case TPH_NODE_HTTP:
    case TPH_NODE_PLUGIN:
    case TPH_NODE_TYPE_COUNT:
        break;
    }
    return failed < 0 ? failed : load_hooks(r, node);
}

static int load_tree(const struct restorer *r)
{
    struct tph_run *run = r->run;
    struct node_kind kind = {.role = ROLE_ROOT, .template = run->spec->entrypoint};
    if (make_saved(r, run->spec->name, &kind, &run->root) < 0) {
        return -1;
    }
    /* Those made on the way stand behind, so that all are reached. */
    for (size_t i = 0; i < run->n_nodes; i++) {
        if (load_inside(r, run->nodes[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Settled is who is final, and has no hook that is still to be looked at. */
static bool is_settled(struct node *node)
{
    if (!tph_node_phase_is_final(node->pub.phase)) {
        return false;
    }
    if (node->role == ROLE_ROOT) {
        return tph_workflow_phase_is_final(node->run->phase);
    }
    return node->role != ROLE_MEMBER || tph_hooks_are_over(node);
}

static void count_unfinished(struct tph_run *run)
{
    for (size_t i = 0; i < run->n_nodes; i++) {
        struct node *node = run->nodes[i];
        node->settled = is_settled(node);
        if (node->settled || !node->parent) {
            continue;
        }
        if (node->role == ROLE_HOOK) {
            node->parent->unfinished_hooks++;
        } else if (node->parent->pub.type != TPH_NODE_DAG) {
            node->parent->unfinished++;
        }
    }
    for (size_t i = 0; i < run->n_nodes; i++) {
        if (tph_node_phase_is_final(run->nodes[i]->pub.phase)) {
            tph_parallel_final(run->nodes[i]);
        }
    }
    for (size_t i = 0; i < run->n_nodes; i++) {
        if (run->nodes[i]->pub.type == TPH_NODE_DAG && run->nodes[i]->waits) {
            tph_dag_restore(run->nodes[i]);
        }
    }
}

/* Children and outbound nodes as saved: they name nodes that all exist now. */
static void load_edges(struct node *node, const struct tph_json *saved)
{
    struct tph_run *run = node->run;
    /* One that runs again after `retry` has those of the last time, but will be told anew. */
    const struct tph_json *outbound =
        tph_node_phase_is_final(node->pub.phase) ? tph_json_get(saved, "outboundNodes") : NULL;
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
    run->unknown_ms = TPH_UNKNOWN_MS;
    run->finished_ms = read_time(status, "finishedAt");
    tph_globals_created(run);
    struct tph_json_iter it = tph_json_iter(tph_json_path(status, "outputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        tph_globals_export(run, tph_json_get_str(it.value, "name"), tph_json_get_str(it.value, "value"));
    }
    it = tph_json_iter(tph_json_get(status, "conditions"));
    while (tph_json_next(&it)) {
        struct tph_str type = tph_json_get_str(it.value, "type");
        run->second_pass = run->second_pass || tph_str_eqz(type, "PodRunning");
        run->completed_first = run->completed_first || (tph_str_eqz(type, "Completed") && !run->second_pass);
    }
}

/* "namespaced/NAME/TEMPLATE": what was called stays as it was then. */
static void load_stored(struct tph_run *run, const struct tph_json *stored)
{
    struct tph_json_iter it = tph_json_iter(stored);
    while (tph_json_next(&it)) {
        struct tph_str rest = it.key;
        struct tph_str kind;
        struct tph_str name;
        if (!tph_str_cut(&rest, '/', &kind) || !tph_str_cut(&rest, '/', &name)) {
            continue;
        }
        enum tph_resource_kind k = tph_str_eqz(kind, "cluster") ? TPH_RESOURCE_CLUSTER : TPH_RESOURCE_NAMESPACED;
        struct tph_resource *r = tph_spec_resource(run->spec, k, name);
        r = r ? r : tph_spec_add_resource(run->spec, k, name, NULL);
        struct tph_json *source = tph_json_copy(run->spec->doc, it.value);
        (void)tph_map_set(&r->sources, tph_arena_str(run->arena, rest), source);
        if (!run->stored) {
            run->stored = tph_json_new_object(run->doc);
        }
        tph_json_setn(run->doc, run->stored, it.key, tph_json_copy(run->doc, it.value));
    }
}

/* A leaf that was ended from outside with its progress as it was: what counts now is news. */
static void tell_of_progress(struct restorer *r)
{
    for (size_t i = 0; i < r->run->n_nodes; i++) {
        struct node *node = r->run->nodes[i];
        struct tph_str was = tph_json_get_str(tph_map_get(&r->saved, node->pub.id), "progress");
        if (was.len > 0 && tph_node_is_leaf(node) && !tph_str_eq(was, node->pub.progress)) {
            tph_node_touch(node);
        }
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
    run->retried = run->phase == TPH_WORKFLOW_NEW && tph_map_len(&r.saved) > 0;
    run->was_over = tph_workflow_phase_is_final(run->phase);
    load_stored(run, tph_json_get(status, "storedTemplates"));
    int failed = load_tree(&r);
    if (failed == 0) {
        tph_sync_restore(run, tph_json_get(status, "synchronization"));
        count_unfinished(run);
    }
    for (size_t i = 0; i < run->n_nodes && failed == 0; i++) {
        struct node *node = run->nodes[i];
        load_edges(node, tph_map_get(&r.saved, node->pub.id));
        tph_leaf_restore(node);
        tph_node_write_progress(node);
        node->dirty = false;
    }
    it = tph_json_iter(tph_json_get(status, "nodes"));
    while (run->old_scope.len > 0 && tph_json_next(&it)) {
        if (!tph_map_get(&run->by_id, it.key)) {
            (void)tph_map_set(&run->old_nodes, tph_arena_str(run->arena, it.key), run);
        }
    }
    run->n_dirty = 0;
    run->n_work = 0;
    if (failed == 0) {
        tell_of_progress(&r);
    }
    tph_map_release(&r.saved);
    return failed;
}
