/* SPDX-License-Identifier: Apache-2.0 */
/* Where an object was read, for messages: the file, and how paths in the object become lines of that file.
 *
 * A plain value; all that it points to is borrowed and outlives it. Any member may be NULL or 0. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/position.h"

struct tph_source {
    const char *file;
    const struct tph_positions *positions;
    size_t line_offset, column_offset; /* what is in the file before the text that positions are of */
    const char *prefix;                /* where in its document the object is: "items[1]" */
    bool apart; /* positions are those of a text within the document, such as a ConfigMap's: they know no prefix */
};

/* The place in the file of the value at path, which begins at the object; line 0 = unknown. */
struct tph_position tph_source_find(const struct tph_source *source, struct tph_str path);

/* Appends "FILE:LINE:COLUMN: " of the value at path; "FILE: " where its place is unknown,
 * nothing without a file. */
void tph_source_place(const struct tph_source *source, struct tph_str path, struct tph_buf *place);

/* Appends prefix and path as one path. source may be NULL. */
void tph_source_path(const struct tph_source *source, struct tph_str path, struct tph_buf *whole);

/* The source of a text that stands at path of an object, as YAML within YAML does. Its places are those of the file
 * when the text is a literal block there, else all are the key's. The prefix is the caller's: it lives as long. */
struct tph_source tph_source_within(const struct tph_source *source, const char *prefix, struct tph_str path,
                                    const struct tph_positions *positions);

/* Puts the place in the file where the YAML reader stopped in front of what it said, and takes out the line that it
 * named itself. Returns -1. */
int tph_source_syntax(const struct tph_source *source, const struct tph_position *at, struct tph_error *err)
    TPH_MUST_CHECK;
