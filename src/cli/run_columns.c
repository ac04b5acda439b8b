/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_columns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/screen.h"
#include "print/icon.h"

enum {
    SAYS_COLUMNS = 24,       /* room that what there is to say should have */
    NAME_COLUMNS = 16,       /* and that a name keeps */
    SAYS_LEAST_COLUMNS = 12, /* and a message in front of a note */
};

/* The cells of a row; only name has colours in it. */
struct cells {
    const char *name, *template_name, *key, *duration, *says, *note;
};

struct widths {
    size_t name, template_name, key, duration, says;
};

struct columns {
    const struct tph_tree *tree;
    const struct tph_tree_style *style;
    struct tph_arena *arena;
    struct widths widths;
};

static const char *ellipsis(const struct columns *c)
{
    return c->style->utf8 ? "…" : "";
}

void tph_tree_icon(enum tph_node_phase phase, const struct tph_tree_style *style, struct tph_buf *out)
{
    struct tph_print_style look = {.color = style->color, .utf8 = style->utf8};
    tph_print_phase_icon(tph_str(tph_node_phase_name(phase)), &look, out);
}

void tph_tree_seconds(int64_t s, struct tph_buf *out)
{
    if (s < 60) {
        (void)tph_buf_printf(out, "%ds", (int)s);
    } else if (s < 3600) {
        (void)tph_buf_printf(out, "%dm%ds", (int)(s / 60), (int)(s % 60));
    } else {
        (void)tph_buf_printf(out, "%lldh%dm", (long long)(s / 3600), (int)(s % 3600 / 60));
    }
}

static void put_tenths(int64_t ms, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
}

void tph_tree_duration(int64_t ms, struct tph_buf *out)
{
    ms = ms < 0 ? 0 : ms;
    if (ms < 1000) {
        (void)tph_buf_printf(out, "%dms", (int)ms);
    } else if (ms < 10000) {
        put_tenths(ms, out);
    } else {
        tph_tree_seconds(ms / 1000, out);
    }
}

/* Time that still runs jumps less in tenths. */
static void put_elapsed(const struct columns *c, const struct tph_node *node, struct tph_buf *out)
{
    if (node->started_ms == 0) {
        return;
    }
    int64_t ms = (node->finished_ms ? node->finished_ms : c->tree->now_ms) - node->started_ms;
    if (c->style->seconds) {
        tph_tree_seconds((ms > 0 ? ms : 0) / 1000, out);
    } else if (node->finished_ms || ms >= 1000) {
        tph_tree_duration(ms, out);
    } else if (node->phase != TPH_NODE_PENDING) {
        put_tenths(ms > 0 ? ms : 0, out);
    }
}

/* A text from outside; no more of it than a row could show. */
static void put_text(const struct columns *c, struct tph_str text, struct tph_buf *out)
{
    size_t most = c->style->max_columns > 0 ? tph_screen_bytes(c->style->max_columns) : text.len;
    (void)tph_utf8_printable(out, tph_str_slice(text, 0, most), 0);
}

static const char *dot_of(const struct columns *c)
{
    return c->style->utf8 ? " · " : ", ";
}

/* "call 2 · next call in 1m52s" */
static void put_note(const struct columns *c, const struct tph_node *node, struct tph_buf *out)
{
    const struct tph_tree_note *note = c->tree->notes ? tph_map_get(c->tree->notes, node->id) : NULL;
    if (!note || tph_node_phase_is_final(node->phase)) {
        return;
    }
    const char *dot = dot_of(c);
    if (note->calls > 0) {
        (void)tph_buf_printf(out, "call %u", note->calls);
    }
    if (note->due_ms > c->tree->now_ms) {
        (void)tph_buf_printf(out, "%snext call in ", out->len > 0 ? dot : "");
        tph_tree_seconds((note->due_ms - c->tree->now_ms + 999) / 1000, out);
    }
    if (note->message) {
        (void)tph_buf_puts(out, out->len > 0 ? dot : "");
        put_text(c, tph_str(note->message), out);
    }
}

static bool says_progress(const struct tph_tree_row *row)
{
    struct tph_str progress = row->node->progress;
    return row->is_parent || (!tph_str_eqz(progress, "0/1") && !tph_str_eqz(progress, "1/1"));
}

static void put_says(const struct columns *c, const struct tph_tree_row *row, struct tph_buf *out)
{
    if (says_progress(row)) {
        put_text(c, row->node->progress, out);
    }
    if (row->node->message.len > 0) {
        (void)tph_buf_puts(out, out->len > 0 ? "  " : "");
        put_text(c, row->node->message, out);
    }
}

static const char *printable(const struct columns *c, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_text(c, text, &out);
    return tph_arena_strdup(c->arena, tph_buf_str(&out));
}

static const char *key_of(const struct columns *c, const struct tph_node *node)
{
    const char *key =
        node->type == TPH_NODE_PLUGIN && c->tree->keys ? tph_map_get(c->tree->keys, node->template_name) : NULL;
    return key && !tph_str_eqz(node->template_name, key) ? printable(c, tph_str(key)) : "";
}

static struct cells cells_of(const struct columns *c, const struct tph_tree_row *row)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct cells cells = {.template_name = printable(c, row->node->template_name), .key = key_of(c, row->node)};
    (void)tph_buf_puts(&text, row->prefix);
    tph_tree_icon(row->node->phase, c->style, &text);
    (void)tph_buf_putc(&text, ' ');
    put_text(c, row->node->display_name, &text);
    cells.name = tph_arena_strdup(c->arena, tph_buf_str(&text));
    tph_buf_clear(&text);
    put_elapsed(c, row->node, &text);
    cells.duration = tph_arena_strdup(c->arena, tph_buf_str(&text));
    tph_buf_clear(&text);
    put_says(c, row, &text);
    cells.says = tph_arena_strdup(c->arena, tph_buf_str(&text));
    tph_buf_clear(&text);
    put_note(c, row->node, &text);
    cells.note = tph_arena_strdup(c->arena, tph_buf_str(&text));
    return cells;
}

static void widen(size_t *width, const char *text)
{
    size_t needed = tph_screen_width(tph_str(text));
    *width = needed > *width ? needed : *width;
}

/* A note, with the dot that parts it from what stands in front. */
static size_t note_width(const struct columns *c, const struct cells *cells)
{
    return *cells->note ? tph_screen_width(tph_str(cells->note)) + tph_utf8_width(tph_str(dot_of(c))) : 0;
}

/* The room that the end of a row should have, for all it may be cut. */
static size_t says_wants(const struct columns *c, const struct cells *cells)
{
    size_t most = *cells->note ? SAYS_LEAST_COLUMNS : SAYS_COLUMNS;
    size_t says = tph_screen_width(tph_str(cells->says));
    return (says < most ? says : most) + note_width(c, cells);
}

/* With the space in front of it. */
static size_t column(size_t width)
{
    return width > 0 ? width + 2 : 0;
}

/* Lets columns go until what there is to say has room. */
static void narrow(struct columns *c)
{
    struct widths *w = &c->widths;
    size_t max = c->style->max_columns;
    size_t fixed = w->name + column(w->duration) + column(w->says);
    if (max == 0 || fixed + column(w->template_name) + column(w->key) <= max) {
        return;
    }
    w->key = 0;
    if (fixed + column(w->template_name) <= max) {
        return;
    }
    w->template_name = 0;
    if (fixed > max) {
        size_t room = fixed - max < w->name ? w->name - (fixed - max) : 0;
        size_t least = w->name < NAME_COLUMNS ? w->name : NAME_COLUMNS;
        w->name = room > least ? room : least;
    }
}

/* A text cut and filled to the width, in front of it two spaces unless it is the first; nothing for width 0. */
static void put_cell(const struct columns *c, const char *text, size_t width, struct tph_buf *line)
{
    if (width == 0) {
        return;
    }
    (void)tph_buf_puts(line, line->len > 0 ? "  " : "");
    tph_screen_cut(line, tph_str(text), width, ellipsis(c));
    for (size_t have = tph_screen_width(tph_str(text)); have < width; have++) {
        (void)tph_buf_putc(line, ' ');
    }
}

/* What it says, and its note: cut is what it says, and where even that is too much only the note is left. */
static void put_tail(const struct columns *c, const struct cells *cells, struct tph_buf *line)
{
    size_t max = c->style->max_columns;
    size_t have = tph_screen_width(tph_buf_str(line)) + 2;
    size_t says = tph_screen_width(tph_str(cells->says));
    size_t note = note_width(c, cells);
    size_t room = max > have + note ? max - have - note : 0;
    bool whole = max == 0 || says <= room;
    bool both = says > 0 && note > 0 && (whole || room >= SAYS_LEAST_COLUMNS);
    bool only_note = !both && note > 0 && (says == 0 || room > 0);
    (void)tph_buf_puts(line, "  ");
    if (!only_note) {
        tph_screen_cut(line, tph_str(cells->says), both && !whole ? room : 0, ellipsis(c));
    }
    (void)tph_buf_puts(line, both ? dot_of(c) : "");
    (void)tph_buf_puts(line, both || only_note ? cells->note : "");
}

static void put_row(const struct columns *c, const struct cells *cells, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_cell(c, cells->name, c->widths.name, &line);
    put_cell(c, cells->template_name, c->widths.template_name, &line);
    put_cell(c, cells->key, c->widths.key, &line);
    put_cell(c, cells->duration, c->widths.duration, &line);
    put_tail(c, cells, &line);
    while (line.len > 0 && line.bytes[line.len - 1] == ' ') {
        line.len--;
    }
    tph_screen_cut(out, tph_buf_str(&line), c->style->max_columns, ellipsis(c));
    (void)tph_buf_putc(out, '\n');
}

void tph_tree_put_rows(const struct tph_tree *tree, const struct tph_tree_style *style, const struct tph_tree_row *rows,
                       size_t n_rows, struct tph_buf *out)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct columns c = {.tree = tree, .style = style, .arena = arena};
    struct cells *cells = TPH_ARENA_ARRAY(arena, struct cells, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        cells[i] = cells_of(&c, &rows[i]);
        widen(&c.widths.name, cells[i].name);
        widen(&c.widths.template_name, cells[i].template_name);
        widen(&c.widths.key, cells[i].key);
        widen(&c.widths.duration, cells[i].duration);
        size_t wanted = says_wants(&c, &cells[i]);
        c.widths.says = wanted > c.widths.says ? wanted : c.widths.says;
    }
    narrow(&c);
    for (size_t i = 0; i < n_rows; i++) {
        put_row(&c, &cells[i], out);
    }
}
