/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_view.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/run_tree.h"

enum {
    FRAME_MS = 100,   /* redraw at most this often */
    TICK_MS = 1000,   /* and this often while nothing happens: elapsed times grow */
    WINDOW_ROWS = 24, /* where the terminal does not tell */
    WINDOW_COLUMNS = 80,
};

struct watched {
    struct tph_local_workflow *workflow;
    const struct tph_map *keys;
    struct tph_map notes; /* node id -> struct tph_tree_note, owned */
};

/* A plugin's word on the last line of the live view. */
struct sidecar {
    const struct tph_plugin *plugin;
    char *state; /* owned; NULL = not needed yet */
    unsigned calls;
};

struct tph_view {
    struct tph_view_options options;
    struct tph_timer *timer;
    struct watched *watched; /* owned */
    size_t n_watched;
    struct sidecar *sidecars; /* owned */
    size_t n_sidecars;
    size_t drawn_rows; /* lines of the live tree on the screen */
    int64_t drawn_ms;
    bool ended;
};

static void draw(void *owner);

static void log_line(void *owner, const char *line, size_t len);

struct tph_view *tph_view_new(struct tph_loop *loop, const struct tph_view_options *options)
{
    struct tph_view *view = TPH_NEW(struct tph_view);
    view->options = *options;
    view->timer = tph_timer_new(loop, draw, view);
    if (options->mode == TPH_VIEW_LIVE) {
        tph_log_set_sink(log_line, view);
    }
    return view;
}

void tph_view_free(struct tph_view *view)
{
    if (!view) {
        return;
    }
    tph_log_set_sink(NULL, NULL);
    tph_timer_free(view->timer);
    for (size_t i = 0; i < view->n_watched; i++) {
        size_t at = 0;
        struct tph_str id;
        void *note = NULL;
        while (tph_map_next(&view->watched[i].notes, &at, &id, &note)) {
            free(((struct tph_tree_note *)note)->message);
            free(note);
        }
        tph_map_release(&view->watched[i].notes);
    }
    for (size_t i = 0; i < view->n_sidecars; i++) {
        free(view->sidecars[i].state);
    }
    free(view->watched);
    free(view->sidecars);
    free(view);
}

void tph_view_add(struct tph_view *view, struct tph_local_workflow *workflow, const struct tph_map *keys)
{
    view->watched = tph_realloc(view->watched, (view->n_watched + 1) * sizeof(*view->watched));
    view->watched[view->n_watched++] = (struct watched){.workflow = workflow, .keys = keys};
}

static void write_err(struct tph_str text)
{
    (void)!tph_fd_write_all(STDERR_FILENO, text); /* a lost screen is no reason to stop the work */
}

static void put_erase(struct tph_view *view, struct tph_buf *out)
{
    if (view->drawn_rows > 0) {
        (void)tph_buf_printf(out, "\033[%zuA\033[J", view->drawn_rows);
        view->drawn_rows = 0;
    }
}

static struct watched *find_watched(struct tph_view *view, const struct tph_local_workflow *workflow,
                                    const struct tph_agent_workflow *tasks)
{
    for (size_t i = 0; i < view->n_watched; i++) {
        struct watched *w = &view->watched[i];
        if (w->workflow == workflow || (tasks && tph_local_agent_workflow(w->workflow) == tasks)) {
            return w;
        }
    }
    return NULL;
}

static void put_sidecars(struct tph_view *view, const struct winsize *window, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(16));
    (void)tph_buf_puts(&line, "plugins");
    for (size_t i = 0; i < view->n_sidecars; i++) {
        const struct sidecar *s = &view->sidecars[i];
        (void)tph_buf_printf(&line, "  %.*s %s", TPH_FMT(s->plugin->name), s->state ? s->state : "not needed yet");
        if (s->calls > 1) {
            (void)tph_buf_printf(&line, " (%u calls)", s->calls);
        }
    }
    (void)tph_buf_puts(&line, "    Ctrl-C stops, twice kills");
    struct tph_str text = tph_buf_str(&line);
    while (tph_utf8_width(text) > window->ws_col) {
        text.len--;
    }
    (void)tph_buf_put(out, text);
    (void)tph_buf_putc(out, '\n');
    view->drawn_rows++;
}

/* Draws all that is watched and arms the timer for the next look. */
static void draw(void *owner)
{
    struct tph_view *view = owner;
    if (view->ended || view->options.mode != TPH_VIEW_LIVE) {
        return;
    }
    struct winsize window = {.ws_row = WINDOW_ROWS, .ws_col = WINDOW_COLUMNS};
    struct winsize real;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &real) == 0 && real.ws_row > 0 && real.ws_col > 0) {
        window = real;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(64));
    put_erase(view, &out);
    size_t left = window.ws_row > 3 ? window.ws_row - 2U : 1;
    for (size_t i = 0; i < view->n_watched && left > 0; i++) {
        struct watched *w = &view->watched[i];
        struct tph_tree tree = {
            .run = tph_local_run(w->workflow), .notes = &w->notes, .keys = w->keys, .now_ms = tph_clock_wall_ms()};
        size_t share = left / (view->n_watched - i);
        struct tph_tree_style style = {.color = view->options.cli->color,
                                       .utf8 = view->options.utf8,
                                       .max_rows = share > 2 ? share : 2,
                                       .max_columns = window.ws_col};
        size_t rows = tph_tree_write(&tree, &style, &out);
        view->drawn_rows += rows;
        left -= rows < left ? rows : left;
    }
    put_sidecars(view, &window, &out);
    write_err(tph_buf_str(&out));
    view->drawn_ms = tph_clock_monotonic_ms();
    tph_timer_start(view->timer, TICK_MS);
}

/* Something changed: draw soon, but not more often than a frame. */
static void changed(struct tph_view *view)
{
    if (view->options.mode != TPH_VIEW_LIVE || view->ended) {
        return;
    }
    int64_t since = tph_clock_monotonic_ms() - view->drawn_ms;
    tph_timer_start(view->timer, since >= FRAME_MS ? 0 : FRAME_MS - since);
}

/* A whole line with its newline, above the live tree. */
static void log_line(void *owner, const char *line, size_t len)
{
    struct tph_view *view = owner;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    put_erase(view, &out);
    (void)tph_buf_append(&out, line, len);
    write_err(tph_buf_str(&out));
    changed(view);
}

void tph_view_line(struct tph_view *view, struct tph_str line)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    (void)tph_utf8_printable(&out, line, TPH_UTF8_NEWLINES);
    (void)tph_buf_putc(&out, '\n');
    log_line(view, out.bytes, out.len);
}

void tph_view_plugin(struct tph_view *view, const struct tph_plugin *plugin)
{
    view->sidecars = tph_realloc(view->sidecars, (view->n_sidecars + 1) * sizeof(*view->sidecars));
    view->sidecars[view->n_sidecars++] = (struct sidecar){.plugin = plugin};
    if (view->options.mode == TPH_VIEW_QUIET) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(16));
    (void)tph_buf_printf(&line, "plugin %.*s", TPH_FMT(plugin->name));
    if (plugin->file) {
        (void)tph_buf_printf(&line, "  from %s", plugin->file);
    }
    if (plugin->container.image.len > 0) {
        (void)tph_buf_printf(&line, "  %.*s", TPH_FMT(plugin->container.image));
    }
    if (plugin->container.n_ports > 0) {
        (void)tph_buf_printf(&line, "  port %u", plugin->container.ports[0].port);
    }
    tph_view_line(view, tph_buf_str(&line));
}

void tph_view_node(struct tph_view *view, struct tph_local_workflow *workflow, const struct tph_node *node)
{
    changed(view);
    bool leaf = node->type == TPH_NODE_PLUGIN || node->type == TPH_NODE_SKIP;
    if (view->options.mode != TPH_VIEW_EVENTS || !leaf || node->phase == TPH_NODE_PENDING) {
        return;
    }
    const struct watched *w = find_watched(view, workflow, NULL);
    const char *key = w && w->keys ? tph_map_get(w->keys, node->template_name) : NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_MIB(2));
    (void)tph_buf_printf(&line, "%.*s  %s  %.*s%s%s", TPH_FMT(node->name), tph_node_phase_name(node->phase),
                         TPH_FMT(node->template_name), key ? "  " : "", key ? key : "");
    if (node->finished_ms > 0 && node->started_ms > 0) {
        (void)tph_buf_puts(&line, "  ");
        tph_tree_duration(node->finished_ms - node->started_ms, &line);
    }
    if (node->message.len > 0) {
        (void)tph_buf_puts(&line, "  ");
        (void)tph_utf8_printable(&line, node->message, 0);
    }
    tph_view_line(view, tph_buf_str(&line));
}

static void note_waiting(struct tph_view *view, const struct tph_agent_event *event)
{
    struct watched *w = find_watched(view, NULL, event->workflow);
    if (!w) {
        return;
    }
    struct tph_tree_note *note = tph_map_get(&w->notes, event->node_id);
    if (!note) {
        /* The key must outlive the event: the bytes stand behind the note. */
        note = tph_calloc(1, sizeof(*note) + event->node_id.len + 1);
        char *key = (char *)(note + 1);
        memcpy(key, event->node_id.p, event->node_id.len);
        (void)tph_map_set(&w->notes, (struct tph_str){.p = key, .len = event->node_id.len}, note);
    }
    note->calls = event->calls;
    note->due_ms = event->due_ms > 0 ? tph_clock_wall_ms() + (event->due_ms - tph_clock_monotonic_ms()) : 0;
    free(note->message);
    note->message = event->message.len > 0 ? tph_str_dup(event->message) : NULL;
}

static void note_sidecar(struct tph_view *view, const struct tph_agent_event *event)
{
    for (size_t i = 0; event->plugin && i < view->n_sidecars; i++) {
        if (view->sidecars[i].plugin == event->plugin) {
            free(view->sidecars[i].state);
            view->sidecars[i].state = tph_str_dup(event->message);
        }
    }
    if (view->options.mode == TPH_VIEW_EVENTS && event->plugin) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(64));
        (void)tph_buf_printf(&line, "plugin %.*s  %.*s", TPH_FMT(event->plugin->name), TPH_FMT(event->message));
        tph_view_line(view, tph_buf_str(&line));
    }
}

void tph_view_agent(struct tph_view *view, const struct tph_agent_event *event)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(128));
    switch (event->kind) {
    case TPH_AGENT_RESULT:
        break;
    case TPH_AGENT_WAITING:
        note_waiting(view, event);
        break;
    case TPH_AGENT_SIDECAR:
        note_sidecar(view, event);
        break;
    case TPH_AGENT_WARNING:
        (void)tph_buf_printf(&line, "warning: %.*s", TPH_FMT(event->message));
        tph_view_line(view, tph_buf_str(&line));
        break;
    case TPH_AGENT_LOG:
        if (view->options.logs) {
            (void)tph_buf_printf(&line, "%.*s | %.*s", event->plugin ? (int)event->plugin->name.len : 0,
                                 event->plugin ? event->plugin->name.p : "", TPH_FMT(event->message));
            tph_view_line(view, tph_buf_str(&line));
        }
        break;
    }
    changed(view);
}

void tph_view_end(struct tph_view *view)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    put_erase(view, &out);
    write_err(tph_buf_str(&out));
    tph_timer_stop(view->timer);
    view->ended = true;
    tph_log_set_sink(NULL, NULL);
}

static void put_outputs(const struct tph_node *root, struct tph_buf *out)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(root->outputs, "parameters"));
    while (tph_json_next(&it)) {
        (void)tph_buf_printf(out, "   %.*s = ", TPH_FMT(tph_json_get_str(it.value, "name")));
        (void)tph_utf8_printable(out, tph_json_get_str(it.value, "value"), 0);
        (void)tph_buf_putc(out, '\n');
    }
    struct tph_str result = tph_json_get_str(root->outputs, "result");
    if (result.len > 0) {
        (void)tph_buf_puts(out, "   result = ");
        (void)tph_utf8_printable(out, result, 0);
        (void)tph_buf_putc(out, '\n');
    }
}

/* Once for each key that a failed plugin node used: who was asked and what each said. */
static void put_explanations(const struct watched *w, struct tph_buf *out)
{
    struct tph_map seen = TPH_MAP_INIT;
    const struct tph_run *run = tph_local_run(w->workflow);
    for (size_t i = 0; w->keys && i < tph_run_n_nodes(run); i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        bool failed = node->phase == TPH_NODE_FAILED || node->phase == TPH_NODE_ERROR;
        char *key = failed && node->type == TPH_NODE_PLUGIN ? tph_map_get(w->keys, node->template_name) : NULL;
        if (key && tph_local_agent_workflow(w->workflow) && !tph_map_set(&seen, tph_str(key), key)) {
            tph_agent_explain(tph_local_agent_workflow(w->workflow), tph_str(key), out);
        }
    }
    tph_map_release(&seen);
}

void tph_view_report(struct tph_view *view, struct tph_local_workflow *workflow, struct tph_buf *out)
{
    const struct watched *w = find_watched(view, workflow, NULL);
    const struct tph_run *run = tph_local_run(workflow);
    const struct tph_node *root = tph_run_root(run);
    bool color = view->options.cli->color && view->options.cli->out_terminal;
    struct tph_tree tree = {.run = run, .keys = w ? w->keys : NULL, .now_ms = tph_clock_wall_ms()};
    struct tph_tree_style style = {.color = color, .utf8 = view->options.utf8};
    (void)tph_buf_putc(out, '\n');
    (void)tph_tree_write(&tree, &style, out);
    enum tph_workflow_phase phase = tph_run_phase(run);
    if (root) {
        put_outputs(root, out);
    }
    if (phase != TPH_WORKFLOW_SUCCEEDED && w) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_MIB(1));
        put_explanations(w, &why);
        if (why.len > 0) {
            (void)tph_buf_putc(out, '\n');
            (void)tph_utf8_printable(out, tph_buf_str(&why), TPH_UTF8_NEWLINES);
        }
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object = tph_run_object(run, doc);
    (void)tph_buf_printf(out, "\n%.*s %s in ", TPH_FMT(tph_json_get_str(tph_json_get(object, "metadata"), "name")),
                         tph_workflow_phase_name(phase));
    int64_t took_ms = root && root->finished_ms ? root->finished_ms - root->started_ms : 0;
    tph_tree_duration(took_ms, out);
    struct tph_str message = tph_run_message(run);
    if (message.len > 0 && !(root && tph_str_eq(message, root->message))) {
        (void)tph_buf_puts(out, ": ");
        (void)tph_utf8_printable(out, message, 0);
    }
    (void)tph_buf_putc(out, '\n');
}
