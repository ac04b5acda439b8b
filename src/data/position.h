/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a file each value of a document stood: path -> line:column.
 *
 * Paths are written as Kubernetes writes them: spec.templates[0].plugin; a key that is no plain word stands in
 * brackets: metadata.labels[a.b/c]. Lines and columns count from 1; columns are characters.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_position {
    size_t line; /* 0 = unknown */
    size_t column;
};

struct tph_positions;

void tph_positions_free(struct tph_positions *positions);
TPH_DEFINE_CLEANUP(struct tph_positions, tph_positions_free);

/* The place of the value at path; where there is none, of its nearest parent that has one. For a member of
 * an object it is the place of its key. positions may be NULL: unknown. */
struct tph_position tph_positions_find(const struct tph_positions *positions, struct tph_str path);

/* Where the text of the literal block ("|") at path begins in the file: its first line, blank or not, and the column
 * of what is not indentation. Line 0 for every other value: its lines are not the file's. */
struct tph_position tph_positions_literal(const struct tph_positions *positions, struct tph_str path);

/* Appends ".key" (or "key" at the front, or "[key]" when it is no plain word) and "[index]" to a path. */
void tph_path_key(struct tph_buf *path, struct tph_str key);
void tph_path_index(struct tph_buf *path, size_t index);
