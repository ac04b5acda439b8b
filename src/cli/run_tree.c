/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_tree.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "cli/run_columns.h"
#include "cli/screen.h"
#include "print/shape.h"

struct builder {
    const struct tph_tree *tree;
    const struct tph_tree_style *style;
    struct tph_arena *arena;
    size_t n;
    struct tph_map by_id; /* node id -> its shape */
    struct tph_shape_node *shapes;
    bool *has_groups; /* what is inside is in step groups */
    bool *is_parent;
    struct tph_tree_row *rows;
    size_t n_rows;
    size_t n_left_out, left_out[TPH_NODE_PHASE_COUNT];
};

static size_t find(const struct builder *b, const struct tph_node *node)
{
    const struct tph_shape_node *shape = node ? tph_map_get(&b->by_id, node->id) : NULL;
    return shape ? (size_t)(shape - b->shapes) : TPH_SHAPE_NOWHERE;
}

static void index_nodes(struct builder *b)
{
    b->n = tph_run_n_nodes(b->tree->run);
    b->rows = TPH_ARENA_ARRAY(b->arena, struct tph_tree_row, b->n);
    b->shapes = TPH_ARENA_ARRAY(b->arena, struct tph_shape_node, b->n);
    b->has_groups = TPH_ARENA_ARRAY(b->arena, bool, b->n);
    b->is_parent = TPH_ARENA_ARRAY(b->arena, bool, b->n);
    for (size_t i = 0; i < b->n; i++) {
        (void)tph_map_set(&b->by_id, tph_run_node_at(b->tree->run, i)->id, &b->shapes[i]);
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct tph_node *node = tph_run_node_at(b->tree->run, i);
        size_t boundary = find(b, node->boundary);
        b->shapes[i].boundary = boundary;
        if (boundary != TPH_SHAPE_NOWHERE) {
            b->is_parent[boundary] = true;
            b->has_groups[boundary] = b->has_groups[boundary] || node->type == TPH_NODE_STEP_GROUP;
        }
    }
}

static void set_group(struct builder *b, struct tph_shape_node *shape, const struct tph_node *group)
{
    size_t *children = TPH_ARENA_ARRAY(b->arena, size_t, group->n_children);
    if (group->n_children == 0 || group->children[0]->type == TPH_NODE_STEP_GROUP) {
        shape->kind = TPH_SHAPE_NONE; /* a group without members is followed by the next group */
        return;
    }
    for (size_t i = 0; i < group->n_children; i++) {
        children[i] = find(b, group->children[i]);
    }
    shape->kind = TPH_SHAPE_GROUP;
    shape->children = children;
    shape->n_children = group->n_children;
}

/* Where steps are, only what is in a group has a place; where tasks are, what does something itself. */
static void set_shape(struct builder *b, size_t index)
{
    const struct tph_node *node = tph_run_node_at(b->tree->run, index);
    struct tph_shape_node *shape = &b->shapes[index];
    bool inside = shape->boundary != TPH_SHAPE_NOWHERE;
    shape->kind = b->is_parent[index] ? TPH_SHAPE_BOUNDARY : TPH_SHAPE_LEAF;
    if (node->type == TPH_NODE_STEP_GROUP) {
        set_group(b, shape, node);
    } else if (inside && b->has_groups[shape->boundary]) {
        shape->boundary = TPH_SHAPE_NOWHERE;
    } else if (inside && (node->type == TPH_NODE_TASK_GROUP || node->phase == TPH_NODE_OMITTED)) {
        shape->kind = TPH_SHAPE_NONE;
    }
}

static void add_row(void *context, size_t index, struct tph_str prefix)
{
    struct builder *b = context;
    b->rows[b->n_rows++] = (struct tph_tree_row){.node = tph_run_node_at(b->tree->run, index),
                                                 .prefix = tph_arena_strdup(b->arena, prefix),
                                                 .is_parent = b->is_parent[index]};
}

/* Templates nest at most TPH_LIMIT_TEMPLATE_DEPTH deep, which no tree is too deep for. */
static void add_rows(struct builder *b, const struct tph_node *root)
{
    struct tph_shape_options options = {.utf8 = b->style->utf8, .short_single = true, .row = add_row, .context = b};
    index_nodes(b);
    for (size_t i = 0; i < b->n; i++) {
        set_shape(b, i);
    }
    TPH_CLEANUP(tph_shape_freep) struct tph_shape *shape = tph_shape_new(b->shapes, b->n, &options);
    if (tph_shape_walk(shape, find(b, root), NULL) < 0) {
        return; /* with the rows that were reached */
    }
}

/* What is left out first when there are too many rows. */
enum rank { RANK_DONE, RANK_PENDING, RANK_OTHER, RANK_COUNT };

static enum rank rank_of(const struct tph_node *node)
{
    switch (node->phase) {
    case TPH_NODE_SUCCEEDED:
    case TPH_NODE_SKIPPED:
    case TPH_NODE_OMITTED:
        return RANK_DONE;
    case TPH_NODE_PENDING:
        return RANK_PENDING;
    case TPH_NODE_RUNNING:
    case TPH_NODE_FAILED:
    case TPH_NODE_ERROR:
    case TPH_NODE_PHASE_COUNT:
        break;
    }
    return RANK_OTHER;
}

/* Marks up to n rows of a rank, but not the root: done ones from the top, others from the end. */
static size_t leave_out(struct builder *b, enum rank rank, size_t n)
{
    size_t marked = 0;
    for (size_t i = 1; i < b->n_rows && marked < n; i++) {
        struct tph_tree_row *row = &b->rows[rank == RANK_DONE ? i : b->n_rows - i];
        if (rank_of(row->node) == rank) {
            row->left_out = true;
            marked++;
        }
    }
    return marked;
}

/* Leaves out rows until the rest fits, with a line that counts them. */
static void fit(struct builder *b)
{
    size_t max = b->style->max_rows;
    if (max == 0 || b->n_rows <= max) {
        return;
    }
    size_t too_many = b->n_rows - max + (max > 1 ? 1 : 0); /* one row has no room for a count */
    for (enum rank rank = RANK_DONE; rank < RANK_COUNT && too_many > 0; rank++) {
        too_many -= leave_out(b, rank, too_many);
    }
    size_t kept = 0;
    for (size_t i = 0; i < b->n_rows; i++) {
        if (b->rows[i].left_out) {
            b->left_out[b->rows[i].node->phase]++;
            b->n_left_out++;
        } else {
            b->rows[kept++] = b->rows[i];
        }
    }
    b->n_rows = kept;
}

/* " … 40 more  ✔ 31  ◷ 9" */
static void put_left_out(const struct builder *b, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&line, " %s %zu more", b->style->utf8 ? "…" : "...", b->n_left_out);
    for (size_t i = 0; i < TPH_NODE_PHASE_COUNT; i++) {
        if (b->left_out[i] > 0) {
            (void)tph_buf_puts(&line, "  ");
            tph_tree_icon((enum tph_node_phase)i, b->style, &line);
            (void)tph_buf_printf(&line, " %zu", b->left_out[i]);
        }
    }
    tph_screen_cut(out, tph_buf_str(&line), b->style->max_columns, "");
    (void)tph_buf_putc(out, '\n');
}

bool tph_tree_is_leaf(const struct tph_node *node)
{
    switch (node->type) {
    case TPH_NODE_PLUGIN:
    case TPH_NODE_HTTP:
    case TPH_NODE_SUSPEND:
    case TPH_NODE_SKIP:
        return true;
    case TPH_NODE_STEPS:
    case TPH_NODE_STEP_GROUP:
    case TPH_NODE_DAG:
    case TPH_NODE_TASK_GROUP:
    case TPH_NODE_RETRY:
    case TPH_NODE_TYPE_COUNT:
        break;
    }
    return false;
}

size_t tph_tree_write(const struct tph_tree *tree, const struct tph_tree_style *style, struct tph_buf *out)
{
    const struct tph_node *root = tph_run_root(tree->run);
    if (!root) {
        return 0;
    }
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct builder b = {.tree = tree, .style = style, .arena = arena, .by_id = TPH_MAP_INIT};
    add_rows(&b, root);
    tph_map_release(&b.by_id);
    fit(&b);
    tph_tree_put_rows(tree, style, b.rows, b.n_rows, out);
    bool counted = b.n_left_out > 0 && style->max_rows > 1;
    if (counted) {
        put_left_out(&b, out);
    }
    return b.n_rows + (counted ? 1 : 0);
}
