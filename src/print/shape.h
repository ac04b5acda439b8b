/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a workflow's tree: which node hangs where, and the branches in front of each row.
 *
 * Boundaries (Steps, DAG) contain the nodes that name them; step groups and retries adopt the nodes that they list. A
 * group has no row: its members hang on a branch of their own, where a row of the group would hang. A node that is
 * hidden for another reason keeps its place among its siblings; what is below it moves up to where it would have been.
 * Nodes are known by their index. Each is walked to once, so that a list that goes in circles ends. Pure; explicit
 * stack. Limit: TPH_LIMIT_TREE_DEPTH.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

#define TPH_SHAPE_NOWHERE ((size_t)-1)

enum tph_shape_kind {
    TPH_SHAPE_LEAF,
    TPH_SHAPE_BOUNDARY,
    TPH_SHAPE_GROUP,
    TPH_SHAPE_RETRY,
    TPH_SHAPE_NONE, /* has no place in the tree */
};

struct tph_shape_node {
    enum tph_shape_kind kind;
    bool hidden;
    size_t boundary;        /* or TPH_SHAPE_NOWHERE */
    const size_t *children; /* of groups and retries; may hold TPH_SHAPE_NOWHERE */
    size_t n_children;
};

struct tph_shape_options {
    bool utf8;
    bool short_single; /* the only member of a group hangs where the group would, and not two columns further right */
    /* Order of siblings: <0, 0, >0. NULL: as they come. */
    int (*compare)(const void *context, size_t a, size_t b);
    /* Called for every row from the top; prefix is valid during the call. */
    void (*row)(void *context, size_t node, struct tph_str prefix);
    void *context;
};

struct tph_shape;

/* nodes is borrowed until the shape is freed. */
struct tph_shape *tph_shape_new(const struct tph_shape_node *nodes, size_t n_nodes,
                                const struct tph_shape_options *options) TPH_MUST_CHECK;
void tph_shape_free(struct tph_shape *shape);
TPH_DEFINE_CLEANUP(struct tph_shape, tph_shape_free);

/* Walks the tree below root, whose prefix is one blank. -1 (kind LIMIT): it is too deep. */
int tph_shape_walk(struct tph_shape *shape, size_t root, struct tph_error *err) TPH_MUST_CHECK;
