/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_view.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/run_live.h"
#include "cli/screen.h"

enum {
    FRAME_MS = 100,   /* redraw at most this often, */
    FRAME_SHARE = 10, /* and so that drawing takes a tenth of the time; */
    TICK_MS = 1000,   /* this often while nothing happens: elapsed times grow */
};

/* What was last said of a node, on lines; the note is what the tree shows of it. */
struct told {
    struct tph_tree_note note;
    enum tph_node_phase phase;
    uint64_t message; /* hash */
    int64_t pause_ms; /* between two calls */
};

struct tph_view {
    struct tph_view_options options;
    struct tph_timer *timer;
    struct tph_screen *screen;            /* owned; LIVE */
    struct tph_signal *resized, *resumed; /* owned; LIVE */
    struct tph_live live;                 /* what the picture is made of */
    struct tph_map by_workflow, by_tasks; /* bytes of a pointer -> struct tph_live_workflow */
    int64_t next_frame_ms;
    bool ended;
};

static void draw(void *owner);
static void log_line(void *owner, const char *line, size_t len);

static void resized(void *owner, int number)
{
    (void)number;
    draw(owner);
}

/* The shell has written since we were stopped. */
static void resumed(void *owner, int number)
{
    struct tph_view *view = owner;
    (void)number;
    tph_screen_forget(view->screen);
    draw(view);
}

struct tph_view *tph_view_new(struct tph_loop *loop, const struct tph_view_options *options)
{
    struct tph_view *view = TPH_NEW(struct tph_view);
    view->options = *options;
    view->timer = tph_timer_new(loop, draw, view);
    view->live.color = options->cli->color && options->cli->err_terminal;
    view->live.utf8 = options->utf8;
    view->live.leaves = options->leaves;
    view->live.hint = options->hint;
    view->live.seconds = options->seconds;
    if (options->mode == TPH_VIEW_LIVE) {
        struct tph_error unseen = TPH_ERROR_INIT; /* without these two the picture is a second late */
        (void)!tph_signal_new(loop, SIGWINCH, resized, view, &view->resized, &unseen);
        (void)!tph_signal_new(loop, SIGCONT, resumed, view, &view->resumed, &unseen);
        view->screen = tph_screen_new(STDERR_FILENO);
        tph_log_set_sink(log_line, view);
    }
    return view;
}

static void workflow_release(struct tph_live_workflow *w)
{
    size_t at = 0;
    struct tph_str id;
    void *told = NULL;
    while (tph_map_next(&w->notes, &at, &id, &told)) {
        free(((struct told *)told)->note.message);
        free(told);
    }
    tph_map_release(&w->notes);
    free(w);
}

void tph_view_free(struct tph_view *view)
{
    if (!view) {
        return;
    }
    tph_log_set_sink(NULL, NULL);
    tph_timer_free(view->timer);
    tph_signal_free(view->resized);
    tph_signal_free(view->resumed);
    tph_screen_free(view->screen);
    for (size_t i = 0; i < view->live.n_workflows; i++) {
        workflow_release(view->live.workflows[i]);
    }
    for (size_t i = 0; i < view->live.n_sidecars; i++) {
        free(view->live.sidecars[i].state);
    }
    tph_map_release(&view->by_workflow);
    tph_map_release(&view->by_tasks);
    free(view->live.workflows);
    free(view->live.sidecars);
    free(view);
}

void tph_view_add(struct tph_view *view, const struct tph_shown *workflow, const struct tph_map *keys)
{
    struct tph_live *live = &view->live;
    struct tph_live_workflow *w = TPH_NEW(struct tph_live_workflow);
    w->workflow = workflow;
    w->keys = keys;
    if ((live->n_workflows & (live->n_workflows + 1)) == 0) { /* n + 1 is a power of two: full */
        live->workflows =
            tph_realloc(live->workflows, (live->n_workflows + 1) * 2 * sizeof(struct tph_live_workflow *));
    }
    live->workflows[live->n_workflows++] = w;
    (void)tph_map_set(&view->by_workflow, (struct tph_str){.p = (const char *)&w->workflow, .len = sizeof(workflow)},
                      w);
}

static struct tph_live_workflow *of_workflow(struct tph_view *view, const struct tph_shown *workflow)
{
    return tph_map_get(&view->by_workflow, (struct tph_str){.p = (const char *)&workflow, .len = sizeof(workflow)});
}

/* The agent's side of a workflow is known once it has begun. */
static struct tph_live_workflow *of_tasks(struct tph_view *view, const struct tph_agent_workflow *tasks)
{
    struct tph_str key = {.p = (const char *)&tasks, .len = sizeof(tasks)};
    struct tph_live_workflow *found = tph_map_get(&view->by_tasks, key);
    for (size_t i = 0; !found && i < view->live.n_workflows; i++) {
        struct tph_live_workflow *w = view->live.workflows[i];
        if (!w->tasks && w->workflow->tasks) {
            w->tasks = w->workflow->tasks;
            (void)tph_map_set(&view->by_tasks, (struct tph_str){.p = (const char *)&w->tasks, .len = sizeof(tasks)}, w);
        }
    }
    return found ? found : tph_map_get(&view->by_tasks, key);
}

/* Draws all that is watched and arms the timer for the next look. */
static void draw(void *owner)
{
    struct tph_view *view = owner;
    if (view->ended || view->options.mode != TPH_VIEW_LIVE) {
        return;
    }
    int64_t began_ms = tph_clock_monotonic_ms();
    bool ready = tph_screen_ready(view->screen);
    if (ready) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf frame = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        size_t rows;
        size_t columns;
        tph_screen_size(view->screen, &rows, &columns);
        tph_live_write(&view->live, rows - 1, columns, &frame);
        tph_screen_draw(view->screen, tph_buf_str(&frame));
    }
    int64_t now_ms = tph_clock_monotonic_ms();
    int64_t pause_ms = (now_ms - began_ms) * FRAME_SHARE;
    view->next_frame_ms = now_ms + (pause_ms > FRAME_MS ? pause_ms : FRAME_MS);
    tph_timer_start(view->timer, pause_ms > TICK_MS ? pause_ms : TICK_MS);
}

/* Something changed: draw soon, but not more often than a frame. */
static void changed(struct tph_view *view)
{
    if (view->options.mode == TPH_VIEW_LIVE && !view->ended) {
        int64_t wait_ms = view->next_frame_ms - tph_clock_monotonic_ms();
        tph_timer_start(view->timer, wait_ms > 0 ? wait_ms : 0);
    }
}

/* Whole lines, above the live tree. */
static void put_lines(struct tph_view *view, const struct tph_buf *lines)
{
    if (view->screen && !view->ended) {
        tph_screen_print(view->screen, tph_buf_str(lines));
    } else {
        (void)!tph_fd_write_all(STDERR_FILENO, tph_buf_str(lines)); /* nobody reads: no reason to stop the work */
    }
}

/* One line, with control characters escaped; an inner newline stays one. color: of the whole line, or of the tag. */
static void put_line(struct tph_view *view, const char *color, const char *tag, struct tph_str line)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool colored = color && view->live.color;
    if (colored) {
        (void)tph_buf_printf(&out, "\033[%sm", color);
    }
    (void)tph_buf_puts(&out, tag);
    (void)tph_buf_puts(&out, colored && *tag ? "\033[0m" : "");
    (void)tph_utf8_printable(&out, line, TPH_UTF8_NEWLINES);
    (void)tph_buf_puts(&out, colored && !*tag ? "\033[0m\n" : "\n");
    put_lines(view, &out);
}

static void log_line(void *owner, const char *line, size_t len)
{
    put_line(owner, "2", "", (struct tph_str){.p = line, .len = len > 0 ? len - 1 : 0});
}

void tph_view_changed(struct tph_view *view)
{
    changed(view);
}

void tph_view_say(struct tph_view *view, const char *text)
{
    put_line(view, "33", "", tph_str(text));
}

void tph_view_error(struct tph_view *view, const char *text)
{
    put_line(view, "31", "error:", tph_str(text));
}

void tph_view_stopping(struct tph_view *view)
{
    view->live.stopping = true;
    put_line(view, "33", view->options.leaves ? "leaving" : "stopping",
             view->options.leaves ? TPH_STR("; the same command goes on from here; once more kills")
                                  : TPH_STR("; once more kills"));
    changed(view);
}

/* What will run a plugin: the program of this machine, or the root directory, that its image means. */
static char *program_of(const struct tph_images *images, const struct tph_container *container)
{
    const struct tph_image *image = images ? tph_images_find(images, container->image) : NULL;
    if (!image || container->n_command == 0) {
        return NULL;
    }
    if (image->root) {
        return tph_strdup(image->root);
    }
    for (size_t i = 0; i < image->n_programs; i++) {
        if (tph_str_eqz(container->command[0], image->programs[i].name)) {
            return tph_image_find_program("/", image->programs[i].file);
        }
    }
    return NULL;
}

void tph_view_plugin(struct tph_view *view, const struct tph_plugin *plugin)
{
    struct tph_live *live = &view->live;
    live->sidecars = tph_realloc(live->sidecars, (live->n_sidecars + 1) * sizeof(*live->sidecars));
    live->sidecars[live->n_sidecars++] = (struct tph_live_sidecar){.plugin = plugin};
    if (view->options.mode == TPH_VIEW_QUIET) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_KIB(16));
    (void)tph_buf_printf(&line, "%.*s", TPH_FMT(plugin->name));
    if (plugin->file) {
        (void)tph_buf_printf(&line, "  from %s", plugin->file);
    }
    if (plugin->container.image.len > 0) {
        (void)tph_buf_printf(&line, "  %.*s", TPH_FMT(plugin->container.image));
        TPH_CLEANUP(tph_freep) char *program = program_of(view->options.images, &plugin->container);
        (void)tph_buf_puts(&line, program ? " -> " : "");
        (void)tph_buf_puts(&line, program ? program : "");
    }
    if (plugin->container.n_ports > 0) {
        (void)tph_buf_printf(&line, "  port %u", plugin->container.ports[0].port);
    }
    put_line(view, NULL, "plugin ", tph_buf_str(&line));
}

/* What is known of a node; made when there is nothing yet. */
static struct told *told_of(struct tph_live_workflow *w, struct tph_str id)
{
    struct told *told = tph_map_get(&w->notes, id);
    if (!told) {
        /* The key must outlive the caller's: its bytes stand behind. */
        told = tph_calloc(1, sizeof(*told) + id.len + 1);
        told->phase = TPH_NODE_PENDING;
        char *key = (char *)(told + 1);
        memcpy(key, id.p, id.len);
        (void)tph_map_set(&w->notes, (struct tph_str){.p = key, .len = id.len}, told);
    }
    return told;
}

/* "1m52s", "2s", but "300ms" and "1.1s". */
static void put_pause(int64_t ms, struct tph_buf *out)
{
    if (ms % 1000 == 0) {
        tph_tree_seconds(ms / 1000, out);
    } else {
        tph_tree_duration(ms, out);
    }
}

/* "NAME  Succeeded  template  plugin  58ms  message", "NAME  Running  template  plugin  message, next call in 2m0s" */
static void tell_node(struct tph_view *view, const struct tph_live_workflow *w, const struct told *told,
                      const struct tph_node *node)
{
    const char *key = w->keys ? tph_map_get(w->keys, node->template_name) : NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_utf8_printable(&line, node->name, 0);
    (void)tph_buf_printf(&line, "  %s  ", tph_node_phase_name(node->phase));
    (void)tph_utf8_printable(&line, node->template_name, 0);
    (void)tph_buf_printf(&line, "%s%s", key ? "  " : "", key ? key : "");
    if (node->finished_ms > 0 && node->started_ms > 0) {
        (void)tph_buf_puts(&line, "  ");
        tph_tree_duration(node->finished_ms - node->started_ms, &line);
    }
    if (node->message.len > 0) {
        (void)tph_buf_puts(&line, "  ");
        (void)tph_utf8_printable(&line, node->message, 0);
    }
    if (told->pause_ms > 0 && !tph_node_phase_is_final(node->phase)) {
        (void)tph_buf_printf(&line, "%snext call in ", node->message.len > 0 ? ", " : "  ");
        put_pause(told->pause_ms, &line);
    }
    put_line(view, NULL, "", tph_buf_str(&line));
}

void tph_view_node(struct tph_view *view, const struct tph_shown *workflow, const struct tph_node *node)
{
    changed(view);
    struct tph_live_workflow *w = of_workflow(view, workflow);
    if (view->options.mode != TPH_VIEW_EVENTS || !w || !tph_tree_is_leaf(node)) {
        return;
    }
    struct told *told = told_of(w, node->id);
    uint64_t message = node->message.len > 0 ? tph_hash(node->message) : 0;
    if (told->phase != node->phase || told->message != message) {
        told->phase = node->phase;
        told->message = message;
        tell_node(view, w, told, node);
    }
}

/* A call that failed and is tried again. Else the line of the node tells when it is called next. */
static void tell_retry(struct tph_view *view, const struct told *told, const struct tph_agent_event *event)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_utf8_printable(&line, event->node_name, 0);
    (void)tph_buf_puts(&line, "  trying again in ");
    put_pause(told->pause_ms, &line);
    (void)tph_buf_puts(&line, "  ");
    (void)tph_utf8_printable(&line, event->message, 0);
    put_line(view, NULL, "", tph_buf_str(&line));
}

static void note_waiting(struct tph_view *view, const struct tph_agent_event *event)
{
    struct tph_live_workflow *w = of_tasks(view, event->workflow);
    if (!w) {
        return;
    }
    struct told *told = told_of(w, event->node_id);
    struct tph_tree_note *note = &told->note;
    note->calls = event->calls;
    note->due_ms = event->due_ms > 0 ? tph_clock_wall_ms() + (event->due_ms - tph_clock_monotonic_ms()) : 0;
    free(note->message);
    note->message = event->message.len > 0 ? tph_str_dup(event->message) : NULL;
    told->pause_ms = event->delay_ms;
    if (view->options.mode == TPH_VIEW_EVENTS && event->message.len > 0) {
        tell_retry(view, told, event);
    }
}

static void note_sidecar(struct tph_view *view, const struct tph_agent_event *event)
{
    for (size_t i = 0; event->plugin && i < view->live.n_sidecars; i++) {
        if (view->live.sidecars[i].plugin == event->plugin) {
            free(view->live.sidecars[i].state);
            view->live.sidecars[i].state = tph_str_dup(event->message);
        }
    }
    if (view->options.mode == TPH_VIEW_EVENTS && event->plugin) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        (void)tph_buf_printf(&line, "%.*s  %.*s", TPH_FMT(event->plugin->name), TPH_FMT(event->message));
        put_line(view, NULL, "plugin ", tph_buf_str(&line));
    }
}

static void put_log(struct tph_view *view, const struct tph_agent_event *event)
{
    TPH_CLEANUP(tph_freep)
    char *tag = tph_format("%.*s |", event->plugin ? (int)event->plugin->name.len : 0,
                           event->plugin ? event->plugin->name.p : "");
    TPH_CLEANUP(tph_freep) char *line = tph_format(" %.*s", TPH_FMT(event->message));
    put_line(view, "2", tag, tph_str(line));
}

void tph_view_agent(struct tph_view *view, const struct tph_agent_event *event)
{
    switch (event->kind) {
    case TPH_AGENT_RESULT:
        break;
    case TPH_AGENT_WAITING:
        note_waiting(view, event);
        break;
    case TPH_AGENT_SIDECAR:
        note_sidecar(view, event);
        break;
    case TPH_AGENT_WARNING: {
        TPH_CLEANUP(tph_freep) char *text = tph_format(" %.*s", TPH_FMT(event->message));
        put_line(view, "33", "warning:", tph_str(text));
        break;
    }
    case TPH_AGENT_POD:
        break;
    case TPH_AGENT_LOG:
        if (view->options.logs) {
            put_log(view, event);
        }
        break;
    }
    changed(view);
}

void tph_view_end(struct tph_view *view)
{
    if (view->screen) {
        tph_screen_clear(view->screen);
    }
    tph_timer_stop(view->timer);
    view->ended = true;
    tph_log_set_sink(NULL, NULL);
}
