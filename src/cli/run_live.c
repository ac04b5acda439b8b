/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_live.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/screen.h"

enum {
    STATUS_ROWS = 4,     /* in a lower window the last line is not worth its row */
    STATUS_COLUMNS = 20, /* the plugins' part of it is not cut below this for the sake of the hint */
};

struct picture {
    const struct tph_live *live;
    size_t rows, columns; /* rows: those left */
    struct tph_buf *out;
};

static const char *ellipsis(const struct tph_live *live)
{
    return live->utf8 ? "…" : "";
}

static bool is_over(const struct tph_live_workflow *w)
{
    enum tph_workflow_phase phase = tph_run_phase(w->workflow->run);
    return phase == TPH_WORKFLOW_SUCCEEDED || phase == TPH_WORKFLOW_FAILED || phase == TPH_WORKFLOW_ERROR;
}

/* One that has no node yet: suspended, or waiting for its turn. */
static void put_waiting(struct picture *p, const struct tph_live_workflow *w)
{
    const struct tph_tree_style style = {.color = p->live->color, .utf8 = p->live->utf8};
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str message = tph_run_message(w->workflow->run);
    (void)tph_buf_putc(&line, ' ');
    tph_tree_icon(TPH_NODE_PENDING, &style, &line);
    (void)tph_buf_putc(&line, ' ');
    (void)tph_utf8_printable(&line, w->workflow->name, 0);
    (void)tph_buf_puts(&line, "  ");
    (void)tph_utf8_printable(&line, message.len > 0 ? message : TPH_STR("no node yet"), 0);
    tph_screen_cut(p->out, tph_buf_str(&line), p->columns, ellipsis(p->live));
    (void)tph_buf_putc(p->out, '\n');
    p->rows--;
}

static void put_workflow(struct picture *p, const struct tph_live_workflow *w, size_t rows)
{
    if (!tph_run_root(w->workflow->run) && p->live->hint && rows > 0) {
        put_waiting(p, w);
        return;
    }
    struct tph_tree tree = {
        .run = w->workflow->run, .notes = &w->notes, .keys = w->keys, .now_ms = tph_clock_wall_ms()};
    struct tph_tree_style style = {.color = p->live->color,
                                   .utf8 = p->live->utf8,
                                   .seconds = p->live->seconds,
                                   .max_rows = rows,
                                   .max_columns = p->columns};
    p->rows -= tph_tree_write(&tree, &style, p->out);
}

/* Those that run, then as many finished ones as there is room for, in their order; the rest is counted. */
static void put_workflows(struct picture *p)
{
    const struct tph_live *live = p->live;
    size_t n = live->n_workflows;
    size_t n_over = 0;
    for (size_t i = 0; i < n; i++) {
        n_over += is_over(live->workflows[i]) ? 1 : 0;
    }
    bool counted = n > p->rows;
    size_t room = counted ? p->rows - 1 : n;
    size_t running = n - n_over < room ? n - n_over : room;
    size_t over_skipped = n_over - (room - running < n_over ? room - running : n_over);
    p->rows -= counted ? 1 : 0;
    size_t left = room;
    for (size_t i = 0; i < n && left > 0; i++) {
        const struct tph_live_workflow *w = live->workflows[i];
        if (is_over(w) && over_skipped > 0) {
            over_skipped--;
        } else {
            put_workflow(p, w, p->rows / left--);
        }
    }
    if (counted) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(1));
        (void)tph_buf_printf(&line, " %s %zu more workflows, %zu of %zu done", live->utf8 ? "…" : "...", n - room,
                             n_over, n);
        tph_screen_cut(p->out, tph_buf_str(&line), p->columns, ellipsis(live));
        (void)tph_buf_putc(p->out, '\n');
    }
}

static void put_plugins(const struct tph_live *live, struct tph_buf *line)
{
    (void)tph_buf_puts(line, live->n_sidecars > 0 ? "plugins" : "");
    for (size_t i = 0; i < live->n_sidecars; i++) {
        const struct tph_live_sidecar *s = &live->sidecars[i];
        (void)tph_buf_puts(line, "  ");
        (void)tph_utf8_printable(line, s->plugin->name, 0);
        (void)tph_buf_putc(line, ' ');
        (void)tph_utf8_printable(line, s->state ? tph_str(s->state) : TPH_STR("not needed yet"), 0);
    }
}

/* "plugins  git ready  slack not needed yet                    Ctrl-C stops, twice kills" */
static void put_status(struct picture *p)
{
    const struct tph_live *live = p->live;
    struct tph_str ours = live->leaves ? TPH_STR("Ctrl-C leaves it for later") : TPH_STR("Ctrl-C stops, twice kills");
    ours = live->hint ? tph_str(live->hint) : ours;
    struct tph_str hint = live->stopping ? TPH_STR("stopping; Ctrl-C kills") : ours;
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_plugins(live, &line);
    size_t room = p->columns > hint.len + 2 ? p->columns - hint.len - 2 : 0;
    size_t width = tph_screen_width(tph_buf_str(&line));
    bool hinted = room >= width || room >= STATUS_COLUMNS;
    tph_screen_cut(p->out, tph_buf_str(&line), hinted ? room : p->columns, ellipsis(live));
    if (hinted) {
        for (; width < room; width++) {
            (void)tph_buf_putc(p->out, ' ');
        }
        (void)tph_buf_printf(p->out, "  %s%.*s%s", live->color ? "\033[2m" : "", TPH_FMT(hint),
                             live->color ? "\033[0m" : "");
    }
    (void)tph_buf_putc(p->out, '\n');
}

void tph_live_write(const struct tph_live *live, size_t rows, size_t columns, struct tph_buf *out)
{
    bool status = rows >= STATUS_ROWS;
    struct picture p = {.live = live, .rows = rows - (status ? 1 : 0), .columns = columns, .out = out};
    if (p.rows > 0) {
        put_workflows(&p);
    }
    if (status) {
        put_status(&p);
    }
}
