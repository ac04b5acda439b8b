/* SPDX-License-Identifier: Apache-2.0 */
/* Making nodes, their phases, edges, progress and deadlines. */
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

const char *tph_node_id(struct tph_run *run, struct tph_str name)
{
    if (tph_str_eq(name, run->spec->name)) {
        return tph_arena_strdup(run->arena, name);
    }
    return tph_arena_format(run->arena, "%.*s-%u", TPH_FMT(run->spec->name), tph_fnv1a32(name));
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

struct node *tph_node_make(struct tph_run *run, const char *name, const struct node_kind *kind)
{
    struct node *node = TPH_ARENA_NEW(run->arena, struct node);
    const struct node *boundary =
        kind->parent && kind->parent->pub.type == TPH_NODE_STEP_GROUP ? kind->parent->parent : kind->parent;
    node->run = run;
    node->template = kind->template;
    node->step = kind->step;
    node->parent = kind->parent;
    node->index = kind->index;
    node->pub.type = kind->type;
    node->pub.name = tph_str(name);
    node->pub.id = tph_str(tph_node_id(run, node->pub.name));
    node->pub.boundary = boundary ? &boundary->pub : NULL;
    node->pub.display_name = display_name(node->pub.name, node->pub.boundary);
    node->pub.template_name = kind->template ? kind->template->name : TPH_STR("");
    bool leaf = kind->type == TPH_NODE_PLUGIN;
    node->pub.phase = leaf ? TPH_NODE_PENDING : TPH_NODE_RUNNING;
    node->pub.started_ms = run->now_ms;
    node->pub.children = &node->one_child;
    append(&run->nodes, &run->n_nodes, &run->nodes_capacity, node);
    (void)tph_map_set(&run->by_id, node->pub.id, node);
    tph_node_touch(node);
    if (leaf) {
        tph_node_set_progress(node, 0, 1);
    }
    return node;
}

void tph_node_free(struct node *node)
{
    if (node->child_capacity > 1) {
        free((void *)(uintptr_t)node->pub.children);
    }
    free(node->message);
    free(node->progress);
    free(node->outbound);
    tph_json_doc_free(node->outputs_doc);
}

void tph_node_touch(struct node *node)
{
    if (!node->dirty) {
        node->dirty = true;
        append(&node->run->dirty, &node->run->n_dirty, &node->run->dirty_capacity, node);
    }
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
        tph_node_set_deadline(node, 0);
        tph_run_push(node->run, WORK_SETTLE, node);
    }
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

static void write_progress(struct node *node)
{
    free(node->progress);
    node->progress = tph_format("%lld/%lld", (long long)node->done, (long long)node->total);
    node->pub.progress = tph_str(node->progress);
}

void tph_node_set_progress(struct node *node, int64_t done, int64_t total)
{
    int64_t more_done = done - node->done;
    int64_t more_total = total - node->total;
    if (more_done == 0 && more_total == 0) {
        return;
    }
    for (struct node *n = node; n; n = n->parent) {
        n->done += more_done;
        n->total += more_total;
        write_progress(n);
        tph_node_touch(n);
    }
}

/* The heap of deadlines: each node knows its place, so that one can be taken out of the middle. */

static void heap_put(struct tph_run *run, size_t at, struct node *node)
{
    run->heap[at] = node;
    node->heap_at = at;
}

static void heap_fix(struct tph_run *run, size_t at)
{
    struct node *node = run->heap[at];
    while (at > 1 && run->heap[at / 2]->deadline_ms > node->deadline_ms) {
        heap_put(run, at, run->heap[at / 2]);
        at /= 2;
    }
    for (size_t child = at * 2; child <= run->heap_len; child = at * 2) {
        if (child < run->heap_len && run->heap[child + 1]->deadline_ms < run->heap[child]->deadline_ms) {
            child++;
        }
        if (run->heap[child]->deadline_ms >= node->deadline_ms) {
            break;
        }
        heap_put(run, at, run->heap[child]);
        at = child;
    }
    heap_put(run, at, node);
}

void tph_node_set_deadline(struct node *node, int64_t deadline_ms)
{
    struct tph_run *run = node->run;
    node->deadline_ms = deadline_ms;
    if (deadline_ms == 0 && node->heap_at > 0) {
        size_t at = node->heap_at;
        struct node *last = run->heap[run->heap_len--];
        node->heap_at = 0;
        if (last != node) {
            heap_put(run, at, last);
            heap_fix(run, at);
        }
    } else if (deadline_ms != 0 && node->heap_at == 0) {
        if (run->heap_len + 2 > run->heap_capacity) {
            run->heap_capacity = run->heap_capacity ? run->heap_capacity * 2 : 16;
            run->heap = tph_realloc(run->heap, run->heap_capacity * sizeof(struct node *));
        }
        run->heap_len++;
        heap_put(run, run->heap_len, node);
        heap_fix(run, run->heap_len);
    }
}

struct node *tph_node_next_deadline(const struct tph_run *run)
{
    return run->heap_len > 0 ? run->heap[1] : NULL;
}
