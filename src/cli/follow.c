/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/packed.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/run_report.h"
#include "cli/run_view.h"
#include "cli/show.h"
#include "data/time.h"
#include "kube/watch.h"

enum { FRAME_MS = 100, FRAME_SHARE = 10, N_SIGNALS = 3 };

/* One workflow. */
struct followed {
    struct follow *follow;
    const char *name; /* borrowed */
    struct tph_kube_watch *watch;
    struct tph_json_doc *doc; /* owned: as it is now; NULL: not seen yet */
    const struct tph_json *object;
    struct tph_shown shown;  /* its run is owned: the object as the tree shows it */
    struct tph_arena *arena; /* of the keys */
    struct tph_map keys;     /* template name -> plugin key */
    struct tph_map told;     /* node id -> struct told, owned */
    struct tph_log_follow *logs;
    bool fresh;  /* another object than the run is made of */
    bool viewed; /* it is in the view */
    bool over;
};

/* What was last said of a node. */
struct told {
    uint64_t what;
};

struct follow {
    struct tph_remote *remote;
    struct tph_follow_options options;
    struct followed *list;
    size_t n, n_over;
    struct tph_view *view; /* LIVE */
    struct tph_timer *frame;
    int64_t next_frame_ms;
    struct tph_signal *signals[N_SIGNALS];
    int exit;
    bool ended;
};

enum tph_follow_mode tph_follow_mode_of(const struct tph_cli *cli)
{
    return cli->out_terminal && cli->err_terminal && !cli->dumb ? TPH_FOLLOW_LIVE : TPH_FOLLOW_LINES;
}

static void end(struct follow *f, int code)
{
    if (f->ended) {
        return;
    }
    f->ended = true;
    f->exit = code > f->exit ? code : f->exit;
    tph_loop_stop(f->remote->loop);
}

/* A line to standard error, above what is drawn. */
TPH_PRINTF(2, 3)
static void say(struct follow *f, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        abort();
    }
    va_end(args);
    if (f->view) {
        tph_view_say(f->view, text);
    } else {
        (void)fflush(stdout);
        (void)fprintf(stderr, "%s\n", text);
    }
    free(text);
}

static void fail(struct follow *f, const struct tph_error *err)
{
    if (f->view) {
        tph_view_end(f->view);
    }
    end(f, tph_remote_fail(f->remote->cli, err));
}

/* ---- the object as a run, which the tree is drawn of ---- */

/* The one key under plugin: of each template that has one. */
static void read_keys(struct followed *w)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(tph_run_exec_spec(w->object), "templates"));
    tph_map_release(&w->keys);
    tph_arena_free(w->arena);
    w->arena = tph_arena_new();
    while (tph_json_next(&it)) {
        struct tph_json_iter plugin = tph_json_iter(tph_json_get(it.value, "plugin"));
        if (tph_json_is(tph_json_get(it.value, "plugin"), TPH_JSON_OBJECT) && tph_json_next(&plugin)) {
            struct tph_str name = tph_arena_str(w->arena, tph_json_get_str(it.value, "name"));
            (void)tph_map_set(&w->keys, name, tph_arena_strdup(w->arena, plugin.key));
        }
    }
}

/* -1: the engine does not know what is in it (a workflow of containers); then it is shown without a tree. */
static int make_run(struct followed *w)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(8));
    const struct tph_run_options options = {.objects = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_run *run = NULL;
    if (tph_run_new(w->object, &options, &run, &path, &err) < 0) {
        return -1;
    }
    tph_run_free(w->shown.run);
    w->shown.run = run;
    w->fresh = false;
    if (!w->viewed) { /* names of templates do not change any more once it runs */
        read_keys(w);
    }
    return 0;
}

static void draw(void *owner)
{
    struct follow *f = owner;
    int64_t began_ms = tph_clock_monotonic_ms();
    if (!f->view) { /* it is over */
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct followed *w = &f->list[i];
        if (w->fresh && make_run(w) == 0 && !w->viewed) {
            w->viewed = true;
            tph_view_add(f->view, &w->shown, &w->keys);
        }
    }
    tph_view_changed(f->view);
    int64_t cost_ms = tph_clock_monotonic_ms() - began_ms;
    int64_t pause_ms = cost_ms * FRAME_SHARE > FRAME_MS ? cost_ms * FRAME_SHARE : FRAME_MS;
    f->next_frame_ms = tph_loop_now_ms(f->remote->loop) + pause_ms;
}

/* ---- lines ---- */

static bool is_leaf(const struct tph_json *node)
{
    static const char *const PARENTS[] = {"Steps", "StepGroup", "DAG", "TaskGroup", "Retry"};
    struct tph_str type = tph_json_get_str(node, "type");
    for (size_t i = 0; i < sizeof PARENTS / sizeof PARENTS[0]; i++) {
        if (tph_str_eqz(type, PARENTS[i])) {
            return false;
        }
    }
    return true;
}

/* "NAME  Succeeded  template  2s  message": what `run` says on a pipe. */
static void tell_node(const struct tph_json *node)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    int64_t started = tph_print_time(tph_json_get(node, "startedAt"));
    int64_t finished = tph_print_time(tph_json_get(node, "finishedAt"));
    struct tph_str message = tph_json_get_str(node, "message");
    (void)tph_utf8_printable(&line, tph_json_get_str(node, "name"), 0);
    (void)tph_buf_puts(&line, "  ");
    (void)tph_utf8_printable(&line, tph_json_get_str(node, "phase"), 0);
    (void)tph_buf_puts(&line, "  ");
    (void)tph_utf8_printable(&line, tph_json_get_str(node, "templateName"), 0);
    if (started != TPH_PRINT_NO_TIME && finished != TPH_PRINT_NO_TIME) {
        (void)tph_buf_puts(&line, "  ");
        tph_tree_seconds((finished - started) / 1000, &line);
    }
    if (message.len > 0) {
        (void)tph_buf_puts(&line, "  ");
        (void)tph_utf8_printable(&line, message, 0);
    }
    (void)printf("%s\n", tph_buf_cstr(&line));
}

static void tell_nodes(struct followed *w)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(w->object, "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        struct tph_str message = tph_json_get_str(it.value, "message");
        uint64_t what = tph_hash(tph_json_get_str(it.value, "phase")) * 31 + (message.len > 0 ? tph_hash(message) : 0);
        struct told *told = tph_map_get(&w->told, it.key);
        if (!is_leaf(it.value) || (told && told->what == what)) {
            continue;
        }
        if (!told) { /* its key stands behind it */
            told = tph_calloc(1, sizeof *told + it.key.len + 1);
            memcpy(told + 1, it.key.p, it.key.len);
            (void)tph_map_set(&w->told, (struct tph_str){.p = (const char *)(told + 1), .len = it.key.len}, told);
        }
        told->what = what;
        tell_node(it.value);
    }
    (void)fflush(stdout);
}

/* ---- what the server tells ---- */

static struct tph_str phase_of(const struct followed *w)
{
    return tph_json_get_str(tph_json_get(w->object, "status"), "phase");
}

static bool is_over(struct tph_str phase)
{
    return tph_str_eqz(phase, "Succeeded") || tph_str_eqz(phase, "Failed") || tph_str_eqz(phase, "Error");
}

static void show(struct followed *w)
{
    struct follow *f = w->follow;
    if (f->view) {
        int64_t wait_ms = f->next_frame_ms - tph_loop_now_ms(f->remote->loop);
        tph_timer_start(f->frame, wait_ms > 0 ? wait_ms : 0);
    } else if (f->options.mode != TPH_FOLLOW_QUIET) {
        tell_nodes(w);
    }
    if (f->options.log && !w->logs) {
        struct tph_log_ask ask = *f->options.log;
        ask.workflow = w->name;
        ask.object = w->object;
        w->logs = tph_log_follow_new(f->remote, &ask);
    }
}

static void take(struct followed *w, const struct tph_json *object)
{
    struct follow *f = w->follow;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *copy = tph_json_copy(doc, object);
    if (tph_packed_unpack(doc, copy, &err) < 0) {
        tph_json_doc_free(doc);
        fail(f, &err);
        return;
    }
    tph_json_doc_free(w->doc);
    w->doc = doc;
    w->object = copy;
    w->fresh = true;
    show(w);
    struct tph_str phase = phase_of(w);
    if (!w->over && is_over(phase)) {
        w->over = true;
        f->exit = tph_str_eqz(phase, "Succeeded") || f->options.any_result ? f->exit : TPH_EXIT_FAILED;
        f->n_over++;
    }
    if (f->n_over == f->n) {
        end(f, f->exit);
    }
}

static void gone(struct followed *w)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (w->over) {
        return;
    }
    if (w->doc) {
        (void)tph_error_set(&err, TPH_ERROR_NOT_FOUND, "workflow %s was deleted while it ran", w->name);
    } else {
        (void)tph_error_set(&err, TPH_ERROR_NOT_FOUND, "workflows.argoproj.io \"%s\" not found", w->name);
        (void)tph_error_hint(&err, "there is no such workflow in namespace %s: tiphys list -n %s; -A lists all",
                             w->follow->remote->ns, w->follow->remote->ns);
    }
    fail(w->follow, &err);
}

static void listed(void *owner, const struct tph_json *list)
{
    const struct tph_json *object = tph_json_at(tph_json_get(list, "items"), 0);
    if (object) {
        take(owner, object);
    } else {
        gone(owner);
    }
}

static void changed(void *owner, enum tph_kube_change change, const struct tph_json *object)
{
    if (change == TPH_KUBE_DELETED) {
        gone(owner);
    } else {
        take(owner, object);
    }
}

/* Told by one of them for all. */
static bool is_first(const struct followed *w)
{
    return w == w->follow->list;
}

/* Without the request: `Get "URL": EOF` says which server was asked, and how. */
static const char *why_alone(const char *text)
{
    const char *quote = strstr(text, "\": ");
    return strncmp(text, "Get \"", 5) == 0 && quote ? quote + 3 : text;
}

static void lost(void *owner, const struct tph_error *why)
{
    struct followed *w = owner;
    if (is_first(w)) {
        say(w->follow, "the server is gone (%s): waiting for it; Ctrl-C ends the waiting and nothing else",
            why_alone(why->text));
    }
}

static void back(void *owner)
{
    struct followed *w = owner;
    if (is_first(w)) {
        say(w->follow, "the server is back");
    }
}

static void failed(void *owner, enum tph_kube_problem problem, const struct tph_error *why)
{
    struct followed *w = owner;
    struct tph_error err = *why;
    tph_remote_advise(w->follow->remote, problem, &err);
    fail(w->follow, &err);
}

static void interrupted(void *owner, int number)
{
    struct follow *f = owner;
    if (f->view) {
        tph_view_end(f->view);
        tph_view_free(TPH_TAKE(f->view));
    }
    say(f, "%s %s on; look again with: tiphys watch %s%s", f->n == 1 ? f->list[0].name : "the workflows",
        f->n == 1 ? "goes" : "go", f->list[0].name, f->n == 1 ? "" : " and the others");
    end(f, 128 + number);
}

/* ---- the end ---- */

static void put_report(struct followed *w)
{
    const struct tph_cli *cli = w->follow->remote->cli;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_show plain = {.form = TPH_SHOW_DEFAULT};
    const struct tph_tree_style style = {.color = cli->color && cli->out_terminal, .utf8 = cli->utf8, .seconds = true};
    if (w->fresh && make_run(w) < 0) {
        if (tph_show_workflow(w->follow->remote, w->object, &plain, &err) < 0) {
            (void)tph_remote_fail(cli, &err);
        }
        return;
    }
    tph_report_write(&w->shown, &w->keys, &style, &out);
    (void)fputs(tph_buf_cstr(&out), stdout);
}

/* "NAME Succeeded in 3s: message"; as argo: "NAME Succeeded at 2026-01-02 03:04:05 +0000 UTC" */
static void put_line(const struct followed *w)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *status = tph_json_get(w->object, "status");
    int64_t started = tph_print_time(tph_json_get(status, "startedAt"));
    int64_t finished = tph_print_time(tph_json_get(status, "finishedAt"));
    struct tph_str message = tph_json_get_str(status, "message");
    (void)tph_buf_printf(&line, "%s %.*s", w->name, TPH_FMT(phase_of(w)));
    if (tph_cli_is_argo(w->follow->remote->cli)) {
        char text[TPH_TIME_TEXT];
        tph_time_format(finished == TPH_PRINT_NO_TIME ? 0 : finished, text);
        (void)printf("%s at %.10s %.8s +0000 UTC\n", tph_buf_cstr(&line), text, text + 11);
        return;
    }
    if (started != TPH_PRINT_NO_TIME && finished != TPH_PRINT_NO_TIME) {
        (void)tph_buf_puts(&line, " in ");
        tph_tree_seconds((finished - started) / 1000, &line);
    }
    (void)tph_buf_puts(&line, message.len > 0 ? ": " : "");
    (void)tph_utf8_printable(&line, message, 0);
    (void)printf("%s\n", tph_buf_cstr(&line));
}

static void put_end(struct follow *f)
{
    for (size_t i = 0; i < f->n && !f->options.no_end; i++) {
        struct followed *w = &f->list[i];
        if (!w->over) {
            continue;
        }
        if (f->options.mode == TPH_FOLLOW_QUIET) {
            put_line(w);
        } else {
            put_report(w);
        }
    }
}

static void followed_release(struct followed *w)
{
    size_t at = 0;
    struct tph_str id;
    void *told = NULL;
    while (tph_map_next(&w->told, &at, &id, &told)) {
        free(told);
    }
    tph_kube_watch_free(w->watch);
    tph_log_follow_free(w->logs);
    tph_map_release(&w->told);
    tph_map_release(&w->keys);
    tph_arena_free(w->arena);
    tph_run_free(w->shown.run);
    tph_json_doc_free(w->doc);
}

static void begin(struct follow *f, struct followed *w)
{
    static const struct tph_kube_watch_hooks HOOKS = {
        .listed = listed, .changed = changed, .lost = lost, .back = back, .failed = failed};
    TPH_CLEANUP(tph_freep) char *fields = tph_format("metadata.name=%s", w->name);
    w->follow = f;
    w->shown.ns = tph_str(f->remote->ns);
    w->shown.name = tph_str(w->name);
    w->watch = tph_kube_watch_new(f->remote->kube,
                                  &(struct tph_kube_watch_ask){.kind = &tph_kube_workflows,
                                                               .ns = tph_str(f->remote->ns),
                                                               .fields = tph_str(fields),
                                                               .give_up_ms = TPH_LIMIT_FOLLOW_LOST_MS},
                                  &HOOKS, w);
}

static void catch_signals(struct follow *f)
{
    static const int NUMBERS[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    struct tph_error unseen = TPH_ERROR_INIT; /* then they end the program as they do any other */
    for (int i = 0; i < N_SIGNALS; i++) {
        (void)!tph_signal_new(f->remote->loop, NUMBERS[i], interrupted, f, &f->signals[i], &unseen);
    }
}

/* The logs' last lines come after the workflow's end. */
static void wait_for_logs(struct follow *f)
{
    struct tph_error unseen = TPH_ERROR_INIT;
    for (size_t i = 0; i < f->n && f->exit < 128; i++) {
        (void)tph_log_follow_drain(f->list[i].logs, &unseen);
    }
}

int tph_follow(struct tph_remote *remote, const char *const *names, size_t n, const struct tph_follow_options *options)
{
    struct follow f = {.remote = remote, .options = *options, .n = n};
    f.list = tph_calloc(n, sizeof *f.list);
    catch_signals(&f);
    if (options->mode == TPH_FOLLOW_LIVE) {
        f.view = tph_view_new(remote->loop, &(struct tph_view_options){.cli = remote->cli,
                                                                       .mode = TPH_VIEW_LIVE,
                                                                       .utf8 = remote->cli->utf8,
                                                                       .seconds = true,
                                                                       .hint = "Ctrl-C stops looking, it goes on"});
        f.frame = tph_timer_new(remote->loop, draw, &f);
    }
    for (size_t i = 0; i < n; i++) {
        f.list[i].name = names[i];
        begin(&f, &f.list[i]);
    }
    tph_loop_run(remote->loop);
    if (f.view) {
        tph_view_end(f.view);
    }
    wait_for_logs(&f);
    put_end(&f);
    tph_view_free(f.view);
    tph_timer_free(f.frame);
    for (int i = 0; i < N_SIGNALS; i++) {
        tph_signal_free(f.signals[i]);
    }
    for (size_t i = 0; i < n; i++) {
        followed_release(&f.list[i]);
    }
    free(f.list);
    return f.exit;
}
