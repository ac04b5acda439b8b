/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of the live view as lines: the trees of the workflows that still run, the plugins, what Ctrl-C does.
 *
 * Fits the rows and columns it is given: with many workflows finished ones give way first and the rest is counted,
 * in a tree finished nodes. Pure: nothing here writes to a terminal.
 */
#pragma once

#include "base/map.h"
#include "cli/run_tree.h"
#include "controller/shown.h"

struct tph_live_workflow {
    const struct tph_shown *workflow;
    const struct tph_agent_workflow *tasks; /* NULL until it has begun */
    const struct tph_map *keys;             /* template name -> plugin key; may be NULL */
    struct tph_map notes;                   /* node id -> what begins with a struct tph_tree_note */
};

struct tph_live_sidecar {
    const struct tph_plugin *plugin;
    char *state; /* NULL = not needed yet */
};

struct tph_live {
    struct tph_live_workflow **workflows;
    size_t n_workflows;
    struct tph_live_sidecar *sidecars;
    size_t n_sidecars;
    bool color, utf8, seconds;
    bool stopping;    /* the next signal kills */
    bool leaves;      /* and the first stops nothing for good */
    const char *hint; /* what Ctrl-C does, where it is neither; or NULL */
};

/* At most rows lines, each with its newline, none wider than columns. */
void tph_live_write(const struct tph_live *live, size_t rows, size_t columns, struct tph_buf *out);
