/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a workflow's nodes as text: shaped as `argo get` shapes it, with what a person waits for.
 *
 * Pure: looks at a run, writes lines. Columns are aligned over the whole tree.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "engine/run.h"

struct tph_tree_style {
    bool color;
    bool utf8;
    bool seconds;       /* times are whole seconds: those of an object, not of this process */
    size_t max_rows;    /* 0 = all; else what is done is left out first, then what waits; the last row counts them */
    size_t max_columns; /* 0 = never cut; else columns that say least give way first */
};

/* What is known of a node beside the engine: by its id. */
struct tph_tree_note {
    int64_t due_ms; /* wall clock of the next call; 0 = unknown */
    uint32_t calls; /* calls answered so far */
    char *message;  /* what it waits for, or NULL */
};

struct tph_tree {
    const struct tph_run *run;
    const struct tph_map *notes; /* node id -> struct tph_tree_note; may be NULL */
    const struct tph_map *keys;  /* template name -> NUL-terminated plugin key; may be NULL */
    int64_t now_ms;              /* wall clock, for what still runs */
};

/* Groups and parents change with what is in them; a leaf does something itself. */
bool tph_tree_is_leaf(const struct tph_node *node);

/* Appends the lines, each with its newline; returns how many. */
size_t tph_tree_write(const struct tph_tree *tree, const struct tph_tree_style *style, struct tph_buf *out);

/* "11ms", "0.8s", "41s", "1m12s", "2h5m". */
void tph_tree_duration(int64_t ms, struct tph_buf *out);

/* "1s", "1m52s", "2h5m". */
void tph_tree_seconds(int64_t s, struct tph_buf *out);

/* Icon or word of a phase, coloured if the style says so. */
void tph_tree_icon(enum tph_node_phase phase, const struct tph_tree_style *style, struct tph_buf *out);
