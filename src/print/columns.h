/* SPDX-License-Identifier: Apache-2.0 */
/* Text in columns, aligned as Go's text/tabwriter does it.
 *
 * A tab ends a cell. Cells one above the other, in lines that follow each other and all have that cell, are padded to
 * the widest of them and `padding` blanks more; what stands behind the last tab of a line is padded by nothing, and
 * makes no cell that others align with. Width is counted in characters, as Go counts them: colour sequences too. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends text, every line with its newline, in columns. */
void tph_columns_write(struct tph_str text, size_t padding, struct tph_buf *out);
