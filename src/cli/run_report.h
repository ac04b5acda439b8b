/* SPDX-License-Identifier: Apache-2.0 */
/* The last picture of a workflow: its tree, its outputs, why it failed and what to do, "NAME Succeeded in 0.14s".
 *
 * Never cut; for standard output, whatever that is.
 */
#pragma once

#include "base/map.h"
#include "cli/run_tree.h"
#include "controller/shown.h"

/* keys: template name -> NUL-terminated plugin key. Of the style, rows and columns do not count. */
void tph_report_write(const struct tph_shown *workflow, const struct tph_map *keys, const struct tph_tree_style *style,
                      struct tph_buf *out);
