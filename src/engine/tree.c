/* SPDX-License-Identifier: Apache-2.0 */
/* Going through a run's nodes: the tree of who made whom, and the graph of what follows what. */
#include <string.h>

#include "base/alloc.h"
#include "engine/run_internal.h"

static struct node *first_of(struct node *const *list, size_t from, size_t n)
{
    for (size_t i = from; list && i < n; i++) {
        if (list[i]) {
            return list[i];
        }
    }
    return NULL;
}

static size_t n_hooks(const struct node *node)
{
    size_t n = 0;
    (void)tph_hooks_of(node, &n);
    return node->hooks ? n : 0;
}

static struct node *first_below(const struct node *node)
{
    struct node *first = first_of(node->members, 0, node->n_members);
    return first ? first : first_of(node->hooks, 0, n_hooks(node));
}

static struct node *next_beside(const struct node *node)
{
    const struct node *parent = node->parent;
    if (!parent) {
        return NULL;
    }
    if (node->role == ROLE_HOOK) {
        return first_of(parent->hooks, node->index + 1, n_hooks(parent));
    }
    struct node *next = first_of(parent->members, node->index + 1, parent->n_members);
    return next ? next : first_of(parent->hooks, 0, n_hooks(parent));
}

struct node *tph_node_next(const struct node *node)
{
    struct node *next = first_below(node);
    for (const struct node *n = node; n && !next; n = n->parent) {
        next = next_beside(n);
    }
    return next;
}

struct node *tph_node_boundary(const struct node *node)
{
    return (struct node *)(uintptr_t)node->pub.boundary; /* the run's own */
}

bool tph_node_in_exit_handler(const struct node *node)
{
    /* Argo does not see that attempts of a handler belong to it. */
    bool attempts = !tph_run_compat(node->run, TPH_COMPAT_SHUTDOWN);
    for (const struct node *n = node; n; n = tph_node_boundary(n)) {
        n = attempts && n->role == ROLE_ATTEMPT ? n->parent : n;
        if (tph_str_has_suffix(n->pub.display_name, TPH_STR(".onExit"))) {
            return true;
        }
    }
    return false;
}

/* Templates are in each other TPH_LIMIT_TEMPLATE_DEPTH deep at most, so is this. */
void tph_node_outbound(struct node *node, tph_outbound_fn *take, void *owner) /* NOLINT(misc-no-recursion) */
{
    switch (node->pub.type) {
    case TPH_NODE_TASK_GROUP:
        for (size_t i = 0; i < node->pub.n_children; i++) {
            tph_node_outbound((struct node *)(void *)node->pub.children[i], take, owner);
        }
        if (node->pub.n_children == 0) {
            take(owner, node);
        }
        break;
    case TPH_NODE_RETRY:
        if (node->pub.n_children > 0) {
            take(owner, (struct node *)(void *)node->pub.children[node->pub.n_children - 1]);
        } else if (!tph_run_compat(node->run, TPH_COMPAT_MESSAGES)) {
            take(owner, node); /* known before it began; Argo has nothing hang on it */
        }
        break;
    case TPH_NODE_STEPS:
    case TPH_NODE_DAG:
        if (node->memo && node->memo->hit) {
            take(owner, node);
        }
        for (size_t i = 0; i < node->n_outbound; i++) {
            tph_node_outbound((struct node *)(void *)node->outbound[i], take, owner);
        }
        break;
    case TPH_NODE_STEP_GROUP:
    case TPH_NODE_SKIP:
    case TPH_NODE_SUSPEND:
    case TPH_NODE_HTTP:
    case TPH_NODE_PLUGIN:
    case TPH_NODE_TYPE_COUNT:
        take(owner, node);
        break;
    }
}

struct outbound {
    struct node *node;
    size_t capacity;
};

static void keep_one(void *owner, struct node *leaf)
{
    struct outbound *o = owner;
    struct node *node = o->node;
    if (node->n_outbound == o->capacity) {
        o->capacity = o->capacity ? o->capacity * 2 : 4;
        node->outbound = tph_realloc(node->outbound, o->capacity * sizeof(struct tph_node *));
    }
    node->outbound[node->n_outbound++] = &leaf->pub;
}

void tph_node_keep_outbound(struct node *node, struct node *const *last, size_t n)
{
    struct outbound o = {.node = node};
    for (size_t i = 0; i < n; i++) {
        if (last[i]) {
            tph_node_outbound(last[i], keep_one, &o);
        }
    }
    tph_node_touch(node);
}
