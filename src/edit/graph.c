/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their edges. Ids in children that name no node are left out: Argo's controller lists tasks that a DAG which
 * fails fast never makes. */
#include <stdlib.h>

#include "edit/internal.h"

static int by_id(const void *a, const void *b)
{
    return tph_str_cmp((*(struct edit_node *const *)a)->id, (*(struct edit_node *const *)b)->id);
}

static void read_nodes(struct edit_graph *graph, const struct tph_json *nodes, struct tph_map *index)
{
    struct tph_json_iter it = tph_json_iter(nodes);
    while (tph_json_next(&it)) {
        struct edit_node *node = &graph->nodes[graph->n_nodes];
        graph->sorted[graph->n_nodes++] = node;
        *node = (struct edit_node){.id = it.key,
                                   .name = tph_json_get_str(it.value, "name"),
                                   .type = tph_json_get_str(it.value, "type"),
                                   .phase = tph_json_get_str(it.value, "phase"),
                                   .value = it.value};
        (void)tph_map_set(index, it.key, node);
    }
}

static void add_edges(struct edit_graph *graph, const struct tph_map *index)
{
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct edit_node *node = graph->sorted[i];
        const struct tph_json *children = tph_json_get(node->value, "children");
        struct tph_json_iter it = tph_json_iter(children);
        node->children = TPH_ARENA_ARRAY(graph->arena, struct edit_node *, tph_json_len(children) + 1);
        while (tph_json_next(&it)) {
            struct edit_node *child = tph_map_get(index, tph_json_str(it.value));
            if (child) {
                node->children[node->n_children++] = child;
                child->parent = node;
                child->n_parents++;
            }
        }
        struct tph_str boundary = tph_json_get_str(node->value, "boundaryID");
        node->boundary = boundary.len > 0 ? tph_map_get(index, boundary) : NULL;
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct edit_node *node = &graph->nodes[i];
        node->parents = TPH_ARENA_ARRAY(graph->arena, struct edit_node *, node->n_parents + 1);
        node->n_parents = 0;
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct edit_node *node = graph->sorted[i];
        for (size_t k = 0; k < node->n_children; k++) {
            struct edit_node *child = node->children[k];
            child->parents[child->n_parents++] = node;
        }
    }
}

void tph_edit_graph_build(struct edit_graph *graph, struct tph_arena *arena, const struct tph_json *workflow)
{
    const struct tph_json *nodes = tph_json_path(workflow, "status", "nodes", NULL);
    struct tph_map index = TPH_MAP_INIT;
    size_t n = tph_json_is(nodes, TPH_JSON_OBJECT) ? tph_json_len(nodes) : 0;
    *graph = (struct edit_graph){.arena = arena,
                                 .nodes = TPH_ARENA_ARRAY(arena, struct edit_node, n + 1),
                                 .sorted = TPH_ARENA_ARRAY(arena, struct edit_node *, n + 1),
                                 .workflow = tph_json_get_str(tph_json_get(workflow, "metadata"), "name")};
    if (n > 0) {
        read_nodes(graph, nodes, &index);
        qsort(graph->sorted, n, sizeof(struct edit_node *), by_id);
        add_edges(graph, &index);
    }
    tph_map_release(&index);
}

void tph_edit_mark_succeeded(struct edit_graph *graph)
{
    struct edit_node **stack = TPH_ARENA_ARRAY(graph->arena, struct edit_node *, graph->n_nodes + 1);
    size_t n = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct edit_node *node = &graph->nodes[i];
        if (tph_str_eqz(node->phase, "Succeeded") && !node->selected) {
            stack[n++] = node;
        }
        while (n > 0) {
            node = stack[--n];
            for (size_t k = 0; k < node->n_parents; k++) {
                if (!node->parents[k]->succeeded) {
                    node->parents[k]->succeeded = true;
                    stack[n++] = node->parents[k];
                }
            }
        }
    }
}

bool tph_edit_is_on_exit(const struct edit_graph *graph, struct tph_str name)
{
    return tph_str_has_prefix(name, graph->workflow) &&
           tph_str_has_prefix(tph_str_slice(name, graph->workflow.len, name.len), TPH_STR(".onExit"));
}
