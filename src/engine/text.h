/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with {{tags}}: cut into pieces once, put together many times.
 *
 * Simple tags only: the trimmed name between {{ and the first }}. Expression tags ({{=...}}) are seen, so that the
 * compiler of specs can refuse them. Source: argo 2.6; reference data template.jsonl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct tph_text_piece {
    struct tph_str literal; /* bytes before the tag */
    struct tph_str tag;     /* trimmed name; p NULL in the last piece */
    struct tph_str raw;     /* the tag as written, braces included */
};

struct tph_text {
    const struct tph_text_piece *pieces; /* in the arena */
    size_t n_pieces;
    bool has_expression; /* a tag begins with = */
};

/* Cuts text, which must outlive the result, into pieces in the arena. Never fails: an unclosed tag is literal. */
struct tph_text tph_text_compile(struct tph_str text, struct tph_arena *arena);

/* True when there is no tag at all: the text is its own value. */
bool tph_text_is_plain(const struct tph_text *text);

/* Appends the value of a tag to value and returns true; false when it has none. */
typedef bool tph_text_lookup(void *owner, struct tph_str tag, struct tph_buf *value);

enum {
    TPH_TEXT_JSON = 1,     /* the text is JSON and tags stand inside strings: values are escaped */
    TPH_TEXT_QUOTE_GO = 2, /* escape as Go's strconv.Quote does, which can break the JSON (compatibility) */
};

/* What is needed to put a text together, and what was found out while doing it. */
struct tph_text_scope {
    tph_text_lookup *lookup;
    void *owner;
    unsigned flags;
    struct tph_str missing; /* set: the first tag that had no value; p NULL = none */
};

/* Appends the text. A tag without value is left as it is written. */
void tph_text_eval(const struct tph_text *text, struct tph_text_scope *scope, struct tph_buf *out);
