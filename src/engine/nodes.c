/* SPDX-License-Identifier: Apache-2.0 */
/* Making nodes, their phases, edges and progress. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "engine/run_internal.h"

static const char *const phase_names[TPH_NODE_PHASE_COUNT] = {"Pending", "Running", "Succeeded", "Skipped",
                                                              "Failed",  "Error",   "Omitted"};
static const char *const type_names[TPH_NODE_TYPE_COUNT] = {"Steps",   "StepGroup", "DAG",  "TaskGroup", "Retry",
                                                            "Skipped", "Suspend",   "HTTP", "Plugin"};
static const char *const workflow_phase_names[TPH_WORKFLOW_PHASE_COUNT] = {"",          "Pending", "Running",
                                                                           "Succeeded", "Failed",  "Error"};

const char *tph_node_phase_name(enum tph_node_phase phase)
{
    return phase_names[phase];
}

const char *tph_node_type_name(enum tph_node_type type)
{
    return type_names[type];
}

const char *tph_workflow_phase_name(enum tph_workflow_phase phase)
{
    return workflow_phase_names[phase];
}

bool tph_node_phase_parse(struct tph_str word, enum tph_node_phase *ret_phase)
{
    for (int i = 0; i < TPH_NODE_PHASE_COUNT; i++) {
        if (tph_str_eqz(word, phase_names[i])) {
            *ret_phase = (enum tph_node_phase)i;
            return true;
        }
    }
    return false;
}

bool tph_node_phase_is_final(enum tph_node_phase phase)
{
    return phase != TPH_NODE_PENDING && phase != TPH_NODE_RUNNING;
}

void tph_node_write_id(const struct tph_run *run, struct tph_str name, unsigned n, struct tph_buf *id)
{
    (void)tph_buf_put(id, run->spec->name);
    if (!tph_str_eq(name, run->spec->name)) {
        (void)tph_buf_printf(id, "-%u", tph_fnv1a32(name));
    }
    if (n > 1) {
        (void)tph_buf_printf(id, "-%u", n);
    }
}

/* 32 bits of hash are few: among 100,000 names two have the same more often than not. Argo mixes such nodes up. */
const char *tph_node_new_id(struct tph_run *run, struct tph_str name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    unsigned n = 1;
    do {
        tph_buf_clear(&id);
        tph_node_write_id(run, name, n++, &id);
    } while (tph_map_get(&run->by_id, tph_buf_str(&id)));
    return tph_arena_strdup(run->arena, tph_buf_str(&id));
}

/* The name without its boundary's in front, and without "[3]." or "." after that. */
static struct tph_str display_name(struct tph_str name, const struct tph_node *boundary)
{
    if (!boundary || !tph_str_has_prefix(name, boundary->name)) {
        return name;
    }
    struct tph_str rest = tph_str_slice(name, boundary->name.len, name.len);
    struct tph_str after = rest;
    if (after.len > 0 && after.p[0] == '[') {
        ptrdiff_t close = tph_str_find_byte(after, ']');
        after = close < 0 ? after : tph_str_slice(after, (size_t)close + 1, after.len);
    }
    return after.len > 0 && after.p[0] == '.' ? tph_str_slice(after, 1, after.len) : rest;
}

/* Appends a pointer to a growing array. */
static void append(struct node ***list, size_t *n, size_t *capacity, struct node *node)
{
    if (*n == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        *list = tph_realloc(*list, *capacity * sizeof(struct node *));
    }
    (*list)[(*n)++] = node;
}

bool tph_node_is_leaf(const struct node *node)
{
    enum tph_node_type type = node->pub.type;
    return type == TPH_NODE_PLUGIN || type == TPH_NODE_HTTP || type == TPH_NODE_SUSPEND;
}

bool tph_node_failed(const struct node *node)
{
    return node->pub.phase == TPH_NODE_FAILED || node->pub.phase == TPH_NODE_ERROR;
}

/* The steps or DAG node in whose template a node's call stands. */
static const struct tph_node *boundary_of(const struct node_kind *kind)
{
    const struct node *parent = kind->parent;
    switch (kind->role) {
    case ROLE_ROOT:
        return NULL;
    case ROLE_GROUP:
        return &parent->pub;
    case ROLE_MEMBER:
        return parent->pub.type == TPH_NODE_DAG ? &parent->pub : parent->pub.boundary;
    case ROLE_ATTEMPT:
    case ROLE_HOOK:
        return parent->pub.boundary;
    }
    return NULL;
}

struct node *tph_node_make(struct tph_run *run, const char *name, const struct node_kind *kind)
{
    struct node *node = TPH_ARENA_NEW(run->arena, struct node);
    struct node *parent = kind->parent;
    bool counts = kind->template && kind->role != ROLE_ATTEMPT && kind->type != TPH_NODE_TASK_GROUP;
    node->run = run;
    node->template = kind->template;
    node->call = kind->call;
    node->parent = parent;
    node->role = kind->role;
    node->item = kind->item;
    node->late = kind->role == ROLE_HOOK && parent->role == ROLE_ROOT ? true : parent && parent->late;
    node->seq = run->n_nodes;
    node->index = kind->index;
    node->depth = (parent ? parent->depth : 0) + (counts ? 1 : 0);
    node->pub.type = kind->type;
    node->pub.name = tph_str(name);
    node->pub.id = tph_str(tph_node_new_id(run, node->pub.name));
    node->pub.boundary = boundary_of(kind);
    node->pub.display_name = display_name(node->pub.name, node->pub.boundary);
    node->pub.template_name = kind->template ? kind->template->name : TPH_STR("");
    bool leaf = tph_node_is_leaf(node);
    run->begun_late = run->begun_late || (run->shutdown && leaf);
    node->pub.phase = leaf && kind->type != TPH_NODE_SUSPEND ? TPH_NODE_PENDING : TPH_NODE_RUNNING;
    node->pub.started_ms = run->now_ms;
    node->pub.children = &node->one_child;
    append(&run->nodes, &run->n_nodes, &run->nodes_capacity, node);
    (void)tph_map_set(&run->by_id, node->pub.id, node);
    node->old_scope = run->old_scope.len > 0 && tph_map_get(&run->old_nodes, node->pub.id);
    tph_node_touch(node);
    if (leaf) {
        tph_node_set_progress(node, 0, 1);
    }
    tph_parallel_made(node);
    return node;
}

void tph_node_put_member(struct node *node, size_t index, struct node *member)
{
    if (index >= node->members_capacity) {
        size_t capacity = node->members_capacity ? node->members_capacity * 2 : 4;
        capacity = capacity > index ? capacity : index + 1;
        node->members = tph_realloc(node->members, capacity * sizeof(struct node *));
        memset(&node->members[node->members_capacity], 0, (capacity - node->members_capacity) * sizeof(struct node *));
        node->members_capacity = capacity;
    }
    node->members[index] = member;
    node->n_members = index >= node->n_members ? index + 1 : node->n_members;
}

void tph_node_free(struct node *node)
{
    if (node->child_capacity > 1) {
        free((void *)(uintptr_t)node->pub.children);
    }
    free(node->members);
    free(node->message);
    free(node->outbound);
    tph_json_doc_free(node->outputs_doc);
}

static void tell_of(struct node *node)
{
    if (!node->dirty) {
        node->dirty = true;
        append(&node->run->dirty, &node->run->n_dirty, &node->run->dirty_capacity, node);
    }
}

void tph_node_touch(struct node *node)
{
    node->changed = true;
    tell_of(node);
}

void tph_node_set_message(struct node *node, struct tph_str message)
{
    if (tph_str_eq(node->pub.message, message)) {
        return;
    }
    free(node->message);
    node->message = message.len > 0 ? tph_str_dup(message) : NULL;
    node->pub.message = (struct tph_str){.p = node->message, .len = message.len};
    tph_node_touch(node);
}

void tph_node_set_outputs(struct node *node, const struct tph_json *outputs)
{
    if (node->pub.outputs == outputs || (outputs && tph_json_equal(outputs, node->pub.outputs))) {
        return;
    }
    struct tph_json_doc *doc = outputs ? tph_json_doc_new() : NULL;
    node->pub.outputs = outputs ? tph_json_copy(doc, outputs) : NULL;
    tph_json_doc_free(node->outputs_doc);
    node->outputs_doc = doc;
    tph_node_touch(node);
}

/* While a node runs its outputs may come again and again, so they have a document of their own, which is large. */
static void keep_outputs(struct node *node)
{
    if (node->outputs_doc) {
        node->pub.outputs = tph_json_copy(node->run->doc, node->pub.outputs);
        tph_json_doc_free(TPH_TAKE(node->outputs_doc));
    }
}

/* Hooks speak of what their node has come to. */
static void look_at_hooks(struct node *node)
{
    if (node->role == ROLE_MEMBER) {
        tph_hooks_made(node);
    }
}

void tph_node_set_phase(struct node *node, enum tph_node_phase phase, const char *message)
{
    if (tph_node_phase_is_final(node->pub.phase)) {
        return;
    }
    if (message) {
        tph_node_set_message(node, tph_str(message));
    }
    if (node->pub.phase == phase) {
        return;
    }
    node->pub.phase = phase;
    tph_node_touch(node);
    if (tph_node_phase_is_final(phase)) {
        node->pub.finished_ms = node->run->now_ms;
        keep_outputs(node);
        tph_node_set_deadline(node, 0);
        tph_parallel_final(node);
        tph_sync_release(node);
        tph_memo_save(node);
        tph_run_push(node->run, WORK_SETTLE, node);
    } else {
        look_at_hooks(node);
    }
}

void tph_node_end_unmade(struct node *node, enum tph_node_phase phase, const char *message)
{
    tph_parallel_final(node);
    tph_node_set_progress(node, 0, 0);
    node->pub.type = TPH_NODE_SKIP;
    tph_parallel_made(node);
    tph_node_set_phase(node, phase, message);
}

void tph_node_add_child(struct node *node, struct node *child)
{
    size_t n = node->pub.n_children;
    struct tph_node **list = (struct tph_node **)(uintptr_t)node->pub.children;
    if (n > 0 && list[n - 1] == &child->pub) {
        return;
    }
    size_t capacity = node->child_capacity ? node->child_capacity : 1;
    if (n == capacity) {
        struct tph_node **grown = tph_realloc(capacity > 1 ? list : NULL, capacity * 2 * sizeof(struct tph_node *));
        if (capacity == 1) {
            grown[0] = node->one_child;
        }
        node->child_capacity = capacity * 2;
        node->pub.children = grown;
        list = grown;
    }
    list[n] = &child->pub;
    node->pub.n_children = n + 1;
    tph_node_touch(node);
}

void tph_node_write_progress(struct node *node)
{
    if (node->progress_changed) {
        node->progress_changed = false;
        (void)snprintf(node->progress, sizeof(node->progress), "%lld/%lld", (long long)node->done,
                       (long long)node->total);
        node->pub.progress = node->total > 0 ? tph_str(node->progress) : TPH_STR_NONE;
    }
}

/* True for what hangs on nothing: an exit handler of the workflow is a tree of its own. */
static bool is_second_root(const struct node *node)
{
    return node->role == ROLE_HOOK && node->parent->role == ROLE_ROOT && node->index == 0 &&
           node->run->spec->hooks[0].is_exit;
}

void tph_node_set_progress(struct node *node, int64_t done, int64_t total)
{
    struct tph_run *run = node->run;
    int64_t more_done = done - node->done;
    int64_t more_total = total - node->total;
    if (more_done == 0 && more_total == 0) {
        return;
    }
    run->done += more_done;
    run->total += more_total;
    for (struct node *n = node; n; n = is_second_root(n) ? NULL : n->parent) {
        if (n != node && (tph_node_is_leaf(n) || n->pub.type == TPH_NODE_SKIP)) {
            continue; /* what hooks a leaf is no part of it */
        }
        n->done += more_done;
        n->total += more_total;
        n->progress_changed = true;
        n->changed = n->changed || n == node;
        tell_of(n);
    }
}

const char *tph_node_pod_name(const struct node *node)
{
    const struct tph_run *run = node->run;
    if (node->role == ROLE_ROOT) {
        return tph_arena_strdup(run->scratch, run->spec->name);
    }
    return tph_arena_format(run->scratch, "%.*s-%.*s-%u", TPH_FMT(run->spec->name), TPH_FMT(node->pub.template_name),
                            tph_fnv1a32(node->pub.name));
}
