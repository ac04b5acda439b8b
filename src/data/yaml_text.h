/* SPDX-License-Identifier: Apache-2.0 */
/* Private to data/yaml*.c: texts as YAML scalars, and the pen that knows where on the line it stands. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    TPH_YAML_INDENT = 2,
    TPH_YAML_WIDTH = 80, /* a text is broken at the first blank after this column */
};

struct tph_yaml_pen {
    struct tph_buf *out;
    size_t depth;
    int column;     /* characters on the line */
    bool at_blank;  /* a blank or a line's start is before it: no blank is needed */
    bool at_indent; /* nothing but indentation and indenting marks on the line */
};

enum {
    TPH_YAML_MARK_APART = 1,   /* wants a blank in front */
    TPH_YAML_MARK_INDENTS = 2, /* "-", "?", ":" of a block: what follows may stand on the same line */
};

/* To the column `indent`, on this line where that is possible, else on the next. */
void tph_yaml_pen_indent(struct tph_yaml_pen *pen, int indent);

/* Writes an ASCII mark. */
void tph_yaml_pen_mark(struct tph_yaml_pen *pen, const char *mark, unsigned flags);

enum { TPH_YAML_TEXT_KEY = 1 /* one line, before its colon */ };

/* Writes text plain, quoted or literal. indent: of the collection around, -1 at the top. */
void tph_yaml_write_text(struct tph_yaml_pen *pen, struct tph_str text, int indent, unsigned flags);

/* A key of one line and no more than 128 bytes; another one needs "? ". */
bool tph_yaml_is_simple_key(struct tph_str key);

/* go-yaml's order of keys: letters after everything else, runs of digits by their value. */
int tph_yaml_key_order(struct tph_str a, struct tph_str b);
