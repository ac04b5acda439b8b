/* SPDX-License-Identifier: Apache-2.0 */
#include "print/columns.h"

#include "base/alloc.h"
#include "base/utf8.h"

/* One cell that a tab ends. */
struct cell {
    struct tph_str text;
    size_t width; /* of the text, then of the column */
};

struct line {
    struct cell *cells;
    size_t n;
    struct tph_str rest; /* behind the last tab */
};

struct columns {
    struct cell *cells; /* owned: of all lines */
    struct line *lines; /* owned */
    size_t n_lines;
};

static size_t count(struct tph_str text, char byte)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += text.p[i] == byte ? 1 : 0;
    }
    return n;
}

static size_t characters(struct tph_str text)
{
    size_t n = 0;
    uint32_t rune;
    while (text.len > 0) {
        text = tph_str_slice(text, tph_utf8_decode(text, &rune), text.len);
        n++;
    }
    return n;
}

static void cut(struct tph_str text, struct columns *c)
{
    struct cell *next = c->cells;
    struct tph_str rest = text;
    struct tph_str part;
    while (rest.len > 0 && tph_str_cut(&rest, '\n', &part)) {
        struct line *line = &c->lines[c->n_lines++];
        *line = (struct line){.cells = next};
        for (ptrdiff_t tab; (tab = tph_str_find_byte(part, '\t')) >= 0;) {
            struct tph_str cell = tph_str_slice(part, 0, (size_t)tab);
            *next++ = (struct cell){.text = cell, .width = characters(cell)};
            part = tph_str_slice(part, (size_t)tab + 1, part.len);
            line->n++;
        }
        line->rest = part;
    }
}

/* Gives the cells of one column their widths, run of lines by run of lines. lines: the numbers of those that have it.
 */
static void widen(struct columns *c, const size_t *lines, size_t n, size_t column, size_t padding)
{
    for (size_t from = 0; from < n;) {
        size_t width = 0;
        size_t to = from;
        for (; to < n && lines[to] - lines[from] == to - from; to++) {
            size_t own = c->lines[lines[to]].cells[column].width;
            width = own > width ? own : width;
        }
        for (; from < to; from++) {
            c->lines[lines[from]].cells[column].width = width + padding;
        }
    }
}

/* Cost follows the number of cells: a column is looked for only in lines that had the one before. */
static void widen_all(struct columns *c, size_t padding)
{
    TPH_CLEANUP(tph_freep) size_t *lines = tph_calloc(c->n_lines + 1, sizeof(*lines));
    size_t n = c->n_lines;
    for (size_t i = 0; i < n; i++) {
        lines[i] = i;
    }
    for (size_t column = 0; n > 0; column++) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            if (c->lines[lines[i]].n > column) {
                lines[kept++] = lines[i];
            }
        }
        n = kept;
        widen(c, lines, n, column, padding);
    }
}

static void put_cell(const struct cell *cell, struct tph_buf *out)
{
    (void)tph_buf_put(out, cell->text);
    for (size_t i = characters(cell->text); i < cell->width && !tph_buf_failed(out); i++) {
        (void)tph_buf_putc(out, ' ');
    }
}

void tph_columns_write(struct tph_str text, size_t padding, struct tph_buf *out)
{
    struct columns c = {.cells = tph_calloc(count(text, '\t') + 1, sizeof(struct cell)),
                        .lines = tph_calloc(count(text, '\n') + 1, sizeof(struct line))};
    cut(text, &c);
    widen_all(&c, padding);
    for (size_t i = 0; i < c.n_lines && !tph_buf_failed(out); i++) {
        for (size_t k = 0; k < c.lines[i].n; k++) {
            put_cell(&c.lines[i].cells[k], out);
        }
        (void)tph_buf_put(out, c.lines[i].rest);
        (void)tph_buf_putc(out, '\n');
    }
    free(c.cells);
    free(c.lines);
}
