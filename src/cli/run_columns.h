/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a tree as aligned columns: branches, icon and name; template; plugin; time; what there is to say.
 *
 * Where the window is too narrow the plugin's column gives way, then the template's, then long names are cut; so that
 * a message keeps some room. Every text that comes from outside is written with its control characters escaped.
 */
#pragma once

#include "cli/run_tree.h"

/* One line to be. */
struct tph_tree_row {
    const struct tph_node *node;
    const char *prefix; /* the branches in front of it */
    bool is_parent;     /* its progress is that of what is below */
    bool left_out;
};

void tph_tree_put_rows(const struct tph_tree *tree, const struct tph_tree_style *style, const struct tph_tree_row *rows,
                       size_t n_rows, struct tph_buf *out);
