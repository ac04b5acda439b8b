/* SPDX-License-Identifier: Apache-2.0 */
#include "print/shape.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

/* What is below a node: a run of `order`. */
struct list {
    size_t first, n;
};

struct tph_shape {
    const struct tph_shape_node *nodes;
    size_t n_nodes;
    struct tph_shape_options options;
    struct list *lists; /* owned; one a node */
    size_t *order;      /* owned */
    bool *seen;         /* owned */
};

/* A node whose children are being walked. */
struct frame {
    size_t node;
    size_t next; /* child */
    size_t base; /* length of `below` in front of what this node added */
};

struct walk {
    struct tph_shape *shape;
    struct frame *frames; /* owned */
    size_t n;
    struct tph_buf lead;  /* in front of the node that is entered */
    struct tph_buf below; /* in front of what is below the node on top of the stack */
};

static bool adopts(const struct tph_shape_node *node)
{
    return node->kind == TPH_SHAPE_GROUP || node->kind == TPH_SHAPE_RETRY;
}

static bool has_place(const struct tph_shape *shape, size_t node)
{
    return node < shape->n_nodes && shape->nodes[node].kind != TPH_SHAPE_NONE;
}

/* The boundary that contains the node, or TPH_SHAPE_NOWHERE. */
static size_t container_of_node(const struct tph_shape *shape, size_t node, const bool *adopted)
{
    size_t boundary = shape->nodes[node].boundary;
    bool contained = !adopted[node] && has_place(shape, node) && has_place(shape, boundary);
    return contained && shape->nodes[boundary].kind == TPH_SHAPE_BOUNDARY ? boundary : TPH_SHAPE_NOWHERE;
}

/* Counts what each node has below it, and sets where its run begins. Returns the length of all runs. */
static size_t measure(struct tph_shape *shape, bool *adopted)
{
    for (size_t i = 0; i < shape->n_nodes; i++) {
        const struct tph_shape_node *node = &shape->nodes[i];
        for (size_t k = 0; adopts(node) && k < node->n_children; k++) {
            if (has_place(shape, node->children[k])) {
                adopted[node->children[k]] = true;
                shape->lists[i].n++;
            }
        }
    }
    for (size_t i = 0; i < shape->n_nodes; i++) {
        size_t boundary = container_of_node(shape, i, adopted);
        if (boundary != TPH_SHAPE_NOWHERE) {
            shape->lists[boundary].n++;
        }
    }
    size_t total = 0;
    for (size_t i = 0; i < shape->n_nodes; i++) {
        shape->lists[i].first = total;
        total += shape->lists[i].n;
        shape->lists[i].n = 0;
    }
    return total;
}

static void append(struct tph_shape *shape, size_t parent, size_t node)
{
    struct list *list = &shape->lists[parent];
    shape->order[list->first + list->n++] = node;
}

static int by_order(const void *a, const void *b, void *context)
{
    const struct tph_shape *shape = context;
    size_t left = *(const size_t *)a;
    size_t right = *(const size_t *)b;
    int order = shape->options.compare(shape->options.context, left, right);
    return order != 0 ? order : (left > right) - (left < right);
}

static void fill(struct tph_shape *shape, const bool *adopted)
{
    for (size_t i = 0; i < shape->n_nodes; i++) {
        const struct tph_shape_node *node = &shape->nodes[i];
        size_t boundary = container_of_node(shape, i, adopted);
        for (size_t k = 0; adopts(node) && k < node->n_children; k++) {
            if (has_place(shape, node->children[k])) {
                append(shape, i, node->children[k]);
            }
        }
        if (boundary != TPH_SHAPE_NOWHERE) {
            append(shape, boundary, i);
        }
    }
    for (size_t i = 0; shape->options.compare && i < shape->n_nodes; i++) {
        qsort_r(shape->order + shape->lists[i].first, shape->lists[i].n, sizeof(size_t), by_order, shape);
    }
}

struct tph_shape *tph_shape_new(const struct tph_shape_node *nodes, size_t n_nodes,
                                const struct tph_shape_options *options)
{
    struct tph_shape *shape = TPH_NEW(struct tph_shape);
    TPH_CLEANUP(tph_freep) bool *adopted = tph_calloc(n_nodes + 1, sizeof(*adopted));
    shape->nodes = nodes;
    shape->n_nodes = n_nodes;
    shape->options = *options;
    shape->lists = tph_calloc(n_nodes + 1, sizeof(*shape->lists));
    shape->seen = tph_calloc(n_nodes + 1, sizeof(*shape->seen));
    shape->order = tph_calloc(measure(shape, adopted) + 1, sizeof(*shape->order));
    fill(shape, adopted);
    return shape;
}

void tph_shape_free(struct tph_shape *shape)
{
    if (shape) {
        free(shape->lists);
        free(shape->order);
        free(shape->seen);
        free(shape);
    }
}

/* Where a child stands among its siblings, as far as it matters for its branch. */
enum branch {
    BRANCH_NONE,   /* below a hidden node */
    BRANCH_SINGLE, /* the only member of a group */
    BRANCH_FIRST,  /* of several members of a group */
    BRANCH_MIDDLE,
    BRANCH_LAST,
    BRANCH_COUNT,
};

static enum branch branch_of(const struct tph_shape *shape, const struct frame *frame, size_t index)
{
    const struct tph_shape_node *node = &shape->nodes[frame->node];
    size_t n = shape->lists[frame->node].n;
    bool group = node->kind == TPH_SHAPE_GROUP;
    if ((node->hidden && !group) || (group && n == 1 && shape->options.short_single)) {
        return BRANCH_NONE;
    }
    if (group && index == 0) {
        return n == 1 ? BRANCH_SINGLE : BRANCH_FIRST;
    }
    return index + 1 == n ? BRANCH_LAST : BRANCH_MIDDLE;
}

static int enter(struct walk *w, size_t node, size_t base, struct tph_error *err)
{
    struct tph_shape *shape = w->shape;
    const struct tph_shape_node *entered = &shape->nodes[node];
    if (w->n == TPH_LIMIT_TREE_DEPTH) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the tree of nodes is more than %d levels deep",
                             TPH_LIMIT_TREE_DEPTH);
    }
    shape->seen[node] = true;
    if (!entered->hidden && entered->kind != TPH_SHAPE_GROUP) {
        shape->options.row(shape->options.context, node, tph_buf_str(&w->lead));
    }
    w->frames[w->n++] = (struct frame){.node = node, .base = base};
    return 0;
}

/* The first child of a node without a row takes the place of that row: its branch goes behind its parent's. */
static int descend(struct walk *w, struct frame *frame, struct tph_error *err)
{
    static const struct {
        const char *utf8[2], *ascii[2]; /* in front of the child, in front of what is below it */
    } branches[BRANCH_COUNT] = {
        [BRANCH_NONE] = {{"", ""}, {"", ""}},          [BRANCH_SINGLE] = {{"──", "  "}, {"--", "  "}},
        [BRANCH_FIRST] = {{"┬─", "│ "}, {"+-", "| "}}, [BRANCH_MIDDLE] = {{"├─", "│ "}, {"|-", "| "}},
        [BRANCH_LAST] = {{"└─", "  "}, {"`-", "  "}},
    };
    const struct tph_shape *shape = w->shape;
    const struct tph_shape_node *parent = &shape->nodes[frame->node];
    const struct list *list = &shape->lists[frame->node];
    size_t index = frame->next++;
    size_t child = shape->order[list->first + index];
    enum branch branch = branch_of(shape, frame, index);
    const char *const *texts = shape->options.utf8 ? branches[branch].utf8 : branches[branch].ascii;
    bool takes_place = index == 0 && (parent->hidden || parent->kind == TPH_SHAPE_GROUP);
    if (shape->seen[child]) {
        return 0;
    }
    if (!takes_place) {
        tph_buf_clear(&w->lead);
        (void)tph_buf_put(&w->lead, tph_buf_str(&w->below));
    }
    (void)tph_buf_puts(&w->lead, texts[0]);
    size_t base = w->below.len;
    (void)tph_buf_puts(&w->below, texts[1]);
    return enter(w, child, base, err);
}

int tph_shape_walk(struct tph_shape *shape, size_t root, struct tph_error *err)
{
    enum { BRANCH_BYTES = 8 };
    struct walk w = {.shape = shape,
                     .frames = tph_calloc(TPH_LIMIT_TREE_DEPTH, sizeof(struct frame)),
                     .lead = TPH_BUF_INIT(TPH_LIMIT_TREE_DEPTH * BRANCH_BYTES),
                     .below = TPH_BUF_INIT(TPH_LIMIT_TREE_DEPTH * BRANCH_BYTES)};
    (void)tph_buf_putc(&w.lead, ' ');
    (void)tph_buf_putc(&w.below, ' ');
    int failed = has_place(shape, root) && !shape->seen[root] ? enter(&w, root, 0, err) : 0;
    while (failed == 0 && w.n > 0) {
        struct frame *top = &w.frames[w.n - 1];
        if (top->next < shape->lists[top->node].n) {
            failed = descend(&w, top, err);
        } else {
            w.below.len = top->base;
            w.n--;
        }
    }
    free(w.frames);
    tph_buf_release(&w.lead);
    tph_buf_release(&w.below);
    return failed;
}
