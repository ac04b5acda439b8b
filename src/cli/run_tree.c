/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_tree.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/utf8.h"

/* One line to be: the branches in front of a node. */
struct row {
    const struct tph_node *node;
    const char *prefix;
};

/* Members of each boundary as lists through one array, made in one walk over the nodes. */
struct member {
    const struct tph_node *node;
    struct member *next;
};

struct boundary {
    struct member *first, *last;
    bool has_groups;
};

struct builder {
    const struct tph_tree *tree;
    const struct tph_tree_style *style;
    struct tph_arena *arena;
    struct tph_map boundaries; /* node id -> struct boundary */
    struct row *rows;
    size_t n_rows;
};

static const struct {
    const char *icon, *color;
} looks[TPH_NODE_PHASE_COUNT] = {
    [TPH_NODE_PENDING] = {"◷", "33"}, [TPH_NODE_RUNNING] = {"●", "36"}, [TPH_NODE_SUCCEEDED] = {"✔", "32"},
    [TPH_NODE_SKIPPED] = {"○", "39"}, [TPH_NODE_FAILED] = {"✖", "31"},  [TPH_NODE_ERROR] = {"⚠", "31"},
    [TPH_NODE_OMITTED] = {"○", "39"},
};

void tph_tree_icon(enum tph_node_phase phase, const struct tph_tree_style *style, struct tph_buf *out)
{
    const char *text = style->utf8 ? looks[phase].icon : tph_node_phase_name(phase);
    if (style->color) {
        (void)tph_buf_printf(out, "\033[%sm%s\033[0m", looks[phase].color, text);
    } else {
        (void)tph_buf_puts(out, text);
    }
}

void tph_tree_duration(int64_t ms, struct tph_buf *out)
{
    ms = ms < 0 ? 0 : ms;
    int64_t s = ms / 1000;
    if (ms < 1000) {
        (void)tph_buf_printf(out, "%dms", (int)ms);
    } else if (ms < 10000) {
        (void)tph_buf_printf(out, "%d.%ds", (int)s, (int)(ms % 1000 / 100));
    } else if (s < 60) {
        (void)tph_buf_printf(out, "%ds", (int)s);
    } else if (s < 3600) {
        (void)tph_buf_printf(out, "%dm%ds", (int)(s / 60), (int)(s % 60));
    } else {
        (void)tph_buf_printf(out, "%lldh%dm", (long long)(s / 3600), (int)(s % 3600 / 60));
    }
}

static void index_boundaries(struct builder *b)
{
    size_t n = tph_run_n_nodes(b->tree->run);
    b->rows = TPH_ARENA_ARRAY(b->arena, struct row, n);
    for (size_t i = 0; i < n; i++) {
        const struct tph_node *node = tph_run_node_at(b->tree->run, i);
        if (!node->boundary) {
            continue;
        }
        struct boundary *boundary = tph_map_get(&b->boundaries, node->boundary->id);
        if (!boundary) {
            boundary = TPH_ARENA_NEW(b->arena, struct boundary);
            (void)tph_map_set(&b->boundaries, node->boundary->id, boundary);
        }
        boundary->has_groups = boundary->has_groups || node->type == TPH_NODE_STEP_GROUP;
        struct member *member = TPH_ARENA_NEW(b->arena, struct member);
        member->node = node;
        if (boundary->last) {
            boundary->last->next = member;
        } else {
            boundary->first = member;
        }
        boundary->last = member;
    }
}

static const char *join(struct builder *b, const char *prefix, const char *utf8, const char *ascii)
{
    return tph_arena_format(b->arena, "%s%s", prefix, b->style->utf8 ? utf8 : ascii);
}

static void add_node(struct builder *b, const struct tph_node *node, const char *prefix, const char *below);

/* The members of one step group: a single one hangs on the trunk, several on a branch of their own. */
static void add_group(struct builder *b, const struct tph_node *group, const char *prefix, bool last)
{
    const char *below = join(b, prefix, last ? "  " : "│ ", last ? "  " : "| ");
    const char *trunk = join(b, prefix, last ? "└─" : "├─", last ? "`-" : "|-");
    if (group->n_children > 0 && group->children[0]->type == TPH_NODE_STEP_GROUP) {
        return; /* a group without members is followed by the next group */
    }
    if (group->n_children == 1) {
        add_node(b, group->children[0], trunk, below);
        return;
    }
    for (size_t i = 0; i < group->n_children; i++) {
        bool end = i + 1 == group->n_children;
        const char *branch = i == 0 ? join(b, trunk, "┬─", "+-") : join(b, below, end ? "└─" : "├─", end ? "`-" : "|-");
        add_node(b, group->children[i], branch, join(b, below, end ? "  " : "│ ", end ? "  " : "| "));
    }
}

static bool is_shown(const struct tph_node *node, const struct boundary *boundary)
{
    bool group = node->type == TPH_NODE_STEP_GROUP;
    if (boundary->has_groups) {
        return group && node->n_children > 0;
    }
    return !group && node->type != TPH_NODE_TASK_GROUP && node->phase != TPH_NODE_OMITTED;
}

/* Adds a node and what is inside it. Templates nest at most TPH_LIMIT_TEMPLATE_DEPTH deep, so may this. */
static void add_node(struct builder *b, const struct tph_node *node, const char *prefix, const char *below)
{
    b->rows[b->n_rows++] = (struct row){.node = node, .prefix = prefix};
    const struct boundary *boundary = tph_map_get(&b->boundaries, node->id);
    const struct member *shown = NULL;
    for (const struct member *m = boundary ? boundary->first : NULL; m; m = m->next) {
        if (!is_shown(m->node, boundary)) {
            continue;
        }
        if (shown && boundary->has_groups) {
            add_group(b, shown->node, below, false);
        } else if (shown) {
            add_node(b, shown->node, join(b, below, "├─", "|-"), join(b, below, "│ ", "| "));
        }
        shown = m;
    }
    if (shown && boundary->has_groups) {
        add_group(b, shown->node, below, true);
    } else if (shown) {
        add_node(b, shown->node, join(b, below, "└─", "`-"), join(b, below, "  ", "  "));
    }
}

/* The columns of a row, without colours. */
struct cells {
    const char *name, *template_name, *key, *duration;
};

static struct cells cells_of(const struct builder *b, const struct row *row)
{
    const struct tph_node *node = row->node;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    struct cells cells = {.key = ""};
    (void)tph_utf8_printable(&text, node->display_name, 0);
    cells.name = tph_arena_strdup(b->arena, tph_buf_str(&text));
    cells.template_name = tph_arena_strdup(b->arena, node->template_name);
    if (node->type == TPH_NODE_PLUGIN && b->tree->keys) {
        const char *key = tph_map_get(b->tree->keys, node->template_name);
        cells.key = key && !tph_str_eqz(node->template_name, key) ? key : "";
    }
    tph_buf_clear(&text);
    if (node->started_ms > 0) {
        tph_tree_duration((node->finished_ms ? node->finished_ms : b->tree->now_ms) - node->started_ms, &text);
    }
    cells.duration = tph_arena_strdup(b->arena, tph_buf_str(&text));
    return cells;
}

static size_t width_of(const char *text)
{
    return tph_utf8_width(tph_str(text));
}

static void pad(struct tph_buf *out, size_t have, size_t want)
{
    for (; have < want; have++) {
        (void)tph_buf_putc(out, ' ');
    }
}

static void put_note(const struct builder *b, const struct tph_node *node, struct tph_buf *out)
{
    const struct tph_tree_note *note = b->tree->notes ? tph_map_get(b->tree->notes, node->id) : NULL;
    if (!note || tph_node_phase_is_final(node->phase)) {
        return;
    }
    const char *dot = b->style->utf8 ? " · " : ", ";
    if (note->calls > 0) {
        (void)tph_buf_printf(out, "%scall %u", out->len > 0 ? dot : "", note->calls);
    }
    if (note->due_ms > b->tree->now_ms) {
        (void)tph_buf_printf(out, "%snext call in ", out->len > 0 ? dot : "");
        tph_tree_duration((note->due_ms - b->tree->now_ms + 999) / 1000 * 1000, out);
    }
    if (note->message) {
        (void)tph_buf_printf(out, "%s%s", out->len > 0 ? dot : "", note->message);
    }
}

static void put_tail(const struct builder *b, const struct tph_node *node, struct tph_buf *line)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_MIB(4));
    bool boundary = tph_map_get(&b->boundaries, node->id) != NULL;
    if (boundary ||
        (node->progress.len > 0 && !tph_str_eqz(node->progress, "0/1") && !tph_str_eqz(node->progress, "1/1"))) {
        (void)tph_buf_put(&tail, node->progress);
    }
    if (node->message.len > 0) {
        (void)tph_buf_puts(&tail, tail.len > 0 ? "  " : "");
        (void)tph_utf8_printable(&tail, node->message, 0);
    }
    put_note(b, node, &tail);
    if (tail.len > 0) {
        (void)tph_buf_puts(line, "  ");
        (void)tph_buf_put(line, tph_buf_str(&tail));
    }
}

/* Cuts a line to the columns of the terminal; escape sequences take none. */
static void put_cut(struct tph_buf *out, struct tph_str line, size_t max_columns)
{
    size_t columns = 0;
    while (line.len > 0) {
        if (line.p[0] == '\033') {
            ptrdiff_t end = tph_str_find_byte(line, 'm');
            size_t len = end < 0 ? line.len : (size_t)end + 1;
            (void)tph_buf_append(out, line.p, len);
            line = tph_str_slice(line, len, line.len);
            continue;
        }
        uint32_t rune;
        size_t len = tph_utf8_decode(line, &rune);
        columns += tph_utf8_width(tph_str_slice(line, 0, len));
        if (max_columns > 0 && columns > max_columns) {
            return;
        }
        (void)tph_buf_append(out, line.p, len);
        line = tph_str_slice(line, len, line.len);
    }
}

static size_t icon_width(const struct builder *b, enum tph_node_phase phase)
{
    return b->style->utf8 ? 1 : strlen(tph_node_phase_name(phase));
}

/* Leaves out finished rows, oldest first, until the rest fits; returns how many were left out. */
static size_t fit(struct builder *b)
{
    size_t max = b->style->max_rows;
    if (max == 0 || b->n_rows <= max) {
        return 0;
    }
    size_t too_many = b->n_rows - max + 1;
    size_t kept = 0;
    size_t dropped = 0;
    for (size_t i = 0; i < b->n_rows; i++) {
        bool done = i > 0 && tph_node_phase_is_final(b->rows[i].node->phase) &&
                    b->rows[i].node->phase != TPH_NODE_FAILED && b->rows[i].node->phase != TPH_NODE_ERROR;
        if (done && dropped < too_many) {
            dropped++;
        } else {
            b->rows[kept++] = b->rows[i];
        }
    }
    b->n_rows = kept;
    if (kept > max - 1) {
        dropped += kept - (max - 1);
        b->n_rows = max - 1;
    }
    return dropped;
}

static void write_rows(struct builder *b, size_t left_out, struct tph_buf *out)
{
    struct cells *cells = TPH_ARENA_ARRAY(b->arena, struct cells, b->n_rows);
    size_t wide[3] = {0, 0, 0};
    for (size_t i = 0; i < b->n_rows; i++) {
        cells[i] = cells_of(b, &b->rows[i]);
        size_t w = width_of(b->rows[i].prefix) + icon_width(b, b->rows[i].node->phase) + 1 + width_of(cells[i].name);
        wide[0] = w > wide[0] ? w : wide[0];
        w = width_of(cells[i].template_name);
        wide[1] = w > wide[1] ? w : wide[1];
        w = width_of(cells[i].key);
        wide[2] = w > wide[2] ? w : wide[2];
    }
    for (size_t i = 0; i < b->n_rows; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_MIB(8));
        const struct tph_node *node = b->rows[i].node;
        (void)tph_buf_puts(&line, b->rows[i].prefix);
        tph_tree_icon(node->phase, b->style, &line);
        (void)tph_buf_printf(&line, " %s", cells[i].name);
        pad(&line, width_of(b->rows[i].prefix) + icon_width(b, node->phase) + 1 + width_of(cells[i].name), wide[0]);
        (void)tph_buf_printf(&line, "  %s", cells[i].template_name);
        pad(&line, width_of(cells[i].template_name), wide[1]);
        if (wide[2] > 0) {
            (void)tph_buf_printf(&line, "  %s", cells[i].key);
            pad(&line, width_of(cells[i].key), wide[2]);
        }
        (void)tph_buf_printf(&line, "  %s", cells[i].duration);
        pad(&line, width_of(cells[i].duration), 5);
        put_tail(b, node, &line);
        while (line.len > 0 && line.bytes[line.len - 1] == ' ') {
            line.len--;
        }
        put_cut(out, tph_buf_str(&line), b->style->max_columns);
        (void)tph_buf_putc(out, '\n');
    }
    if (left_out > 0) {
        (void)tph_buf_printf(out, " %s %zu more\n", b->style->utf8 ? "…" : "...", left_out);
    }
}

size_t tph_tree_write(const struct tph_tree *tree, const struct tph_tree_style *style, struct tph_buf *out)
{
    const struct tph_node *root = tph_run_root(tree->run);
    if (!root) {
        return 0;
    }
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct builder b = {.tree = tree, .style = style, .arena = arena, .boundaries = TPH_MAP_INIT};
    index_boundaries(&b);
    add_node(&b, root, " ", " ");
    size_t left_out = fit(&b);
    write_rows(&b, left_out, out);
    tph_map_release(&b.boundaries);
    return b.n_rows + (left_out > 0 ? 1 : 0);
}
