/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys executor-plugin run: one plugin alone in its sandbox, for whoever writes it.
 *
 * Prints where it listens, its token and a call to try; shows what it prints; begins it anew when one of the files it
 * was read from changes. A definition that is broken after a change leaves the running one alone. Address and token
 * stay the same, so that the call can be repeated. Ends with the first signal; the second one kills. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/utf8.h"
#include "cli/cmd_options.h"
#include "cli/network.h"
#include "cli/plugin_files.h"
#include "cli/run_input.h"
#include "loop/loop.h"
#include "podrt/backoff.h"
#include "podrt/process.h"

enum {
    RESTART_BASE_MS = 1000, /* as `run` */
    N_SIGNALS = 3,
};

struct run_options {
    const char *ns, *images_file, *logs_dir, *network;
    bool quiet, unsafe_plain;
};

#define OPTION(member) offsetof(struct run_options, member)

const struct tph_option tph_plugin_run_options[] = {
    {"namespace", 'n', TPH_OPTION_TEXT, OPTION(ns), "NAMESPACE", NULL,
     "of Secrets and ConfigMaps that the plugin uses (default)"},
    {"logs-dir", 0, TPH_OPTION_TEXT, OPTION(logs_dir), "DIR", NULL, "keep the plugin's log there"},
    {"images-file", 0, TPH_OPTION_TEXT, OPTION(images_file), "FILE", NULL,
     "what images mean here, in place of the configured maps: see tiphys doctor --images"},
    {"network", 0, TPH_OPTION_CHOICE, OPTION(network), "MODE", TPH_CLI_NETWORKS,
     "network of the plugin: host (default), none, or isolated: with these nobody on this machine can call it"},
    {"unsafe-plain", 0, TPH_OPTION_FLAG, OPTION(unsafe_plain), NULL, NULL,
     "start it without a sandbox: for development, where none can be made"},
    {"quiet", 'q', TPH_OPTION_FLAG, OPTION(quiet), NULL, NULL, "do not show what the plugin prints"},
    {.name = NULL},
};

/* What was read at one time; the pod borrows from it. */
struct definition {
    struct tph_run_input input;
    struct tph_plugin *plugin; /* borrowed from input */
    bool used;
};

struct session {
    struct tph_cli cli;
    struct run_options options;
    const struct tph_texts *paths;
    struct definition now, next;
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    enum tph_network network;
    struct tph_pod *pod; /* NULL: none runs */
    struct tph_pod_container container;
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    uint64_t files; /* what the files were like when they were read last */
    struct tph_fswatch **watches;
    size_t n_watches;
    struct tph_signal *signals[N_SIGNALS];
    struct tph_timer *probe;     /* asks again whether it listens */
    struct tph_timer *last_call; /* a signal came: time to stop */
    struct tph_io *dialing;
    int dial_fd;
    int64_t ready_at_ms; /* loop time since when it may listen */
    int signal;          /* the first that came; 0 = none */
    bool shown;          /* address, token and call were printed */
    bool failed;
};

static void definition_release(struct definition *d)
{
    if (d->used) {
        tph_run_input_release(&d->input);
    }
    *d = (struct definition){.used = false};
}

static void session_release(struct session *s)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        tph_signal_free(s->signals[i]);
    }
    for (size_t i = 0; i < s->n_watches; i++) {
        tph_fswatch_free(s->watches[i]);
    }
    free(s->watches);
    tph_timer_free(s->probe);
    tph_timer_free(s->last_call);
    tph_io_free(s->dialing);
    tph_fd_close(&s->dial_fd);
    tph_podrt_free(s->podrt);
    tph_loop_free(s->loop);
    definition_release(&s->now);
    definition_release(&s->next);
    explicit_bzero(s->token, sizeof(s->token));
}

/* One line to standard error, whatever is in it. */
static void say(const char *format, ...) TPH_PRINTF(1, 2);

static void say(const char *format, ...)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE * 16);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        text = NULL;
        return;
    }
    (void)tph_utf8_printable(&shown, tph_str(text), TPH_UTF8_NEWLINES);
    (void)tph_buf_putc(&shown, '\n');
    if (tph_fd_write_all(STDERR_FILENO, tph_buf_str(&shown)) < 0) {
        return; /* nobody reads any more: go on without */
    }
}

/* Reads everything that was named. */
static int read_definition(const struct session *s, struct definition *ret_definition, struct tph_error *err)
{
    struct definition d = {.used = true};
    tph_run_input_init(&d.input, &s->cli);
    d.input.plugins_only = true;
    if (s->options.ns) {
        d.input.default_namespace = s->options.ns;
    }
    int failed = 0;
    for (size_t i = 0; i < s->paths->n && failed == 0; i++) {
        failed = tph_run_input_read(&d.input, s->paths->list[i], err);
    }
    if (failed == 0 && d.input.n_plugins != 1) {
        failed = tph_error_set(err, TPH_ERROR_USAGE,
                               "%s %s\n  name the directory or file of one plugin, and files with the Secrets and "
                               "ConfigMaps it needs",
                               d.input.n_plugins == 0 ? "there is no plugin in" : "there is more than one plugin in",
                               s->paths->list[0]);
    }
    if (failed == 0 && tph_plugin_set_all(d.input.plugins, &d.plugin, 1) == 1 &&
        (d.plugin->refused || d.plugin->no_account)) {
        failed =
            tph_error_set(err, TPH_ERROR_INVALID, "%s", d.plugin->refused ? d.plugin->refused : d.plugin->no_account);
    }
    if (failed < 0) {
        definition_release(&d);
        return -1;
    }
    *ret_definition = d;
    return 0;
}

/* Where it listens, its token, and the call of Argo's documentation. */
static void show(struct session *s)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(16));
    const struct tph_plugin *p = s->now.plugin;
    (void)tph_buf_printf(&out,
                         "address  http://localhost:%u\ntoken    %s\ntry      curl -sS "
                         "http://localhost:%u/api/v1/template.execute -H 'Authorization: Bearer %s' -d "
                         "'{\"workflow\": {\"metadata\": {\"name\": \"my-wf\"}}, \"template\": {\"name\": "
                         "\"my-tmpl\", \"inputs\": {}, \"outputs\": {}, \"plugin\": {\"%.*s\": {}}}}'\n",
                         p->container.ports[0].port, s->token, p->container.ports[0].port, s->token, TPH_FMT(p->name));
    if (tph_fd_write_all(STDOUT_FILENO, tph_buf_str(&out)) < 0) {
        say("warning: the address could not be written to standard output");
    }
}

static void stop_dialing(struct session *s)
{
    tph_timer_stop(s->probe);
    tph_io_free(s->dialing);
    s->dialing = NULL;
    tph_fd_close(&s->dial_fd);
}

static void ask_again(struct session *s)
{
    stop_dialing(s);
    tph_timer_start(s->probe, tph_probe_pause_ms(tph_loop_now_ms(s->loop) - s->ready_at_ms));
}

static void dialed(void *owner, unsigned events)
{
    struct session *s = owner;
    int problem = 0;
    socklen_t len = sizeof(problem);
    (void)events;
    if (getsockopt(s->dial_fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0 || problem != 0) {
        ask_again(s);
        return;
    }
    stop_dialing(s);
    say("plugin %.*s: ready%s", TPH_FMT(s->now.plugin->name),
        s->network == TPH_NETWORK_HOST ? ""
                                       : "; on a network of its own, where nobody else on this machine can call it");
    if (!s->shown) {
        show(s);
    }
    s->shown = true;
}

static void dial(void *owner)
{
    struct session *s = owner;
    if (!s->pod) {
        return;
    }
    s->dial_fd = tph_pod_dial(s->pod, "127.0.0.1", s->now.plugin->container.ports[0].port);
    if (s->dial_fd < 0 || tph_io_new(s->loop, s->dial_fd, dialed, s, &s->dialing, NULL) < 0) {
        ask_again(s);
        return;
    }
    tph_io_watch(s->dialing, TPH_IO_WRITE);
}

static void start(struct session *s);

static void take_next(struct session *s)
{
    definition_release(&s->now);
    s->now = s->next;
    s->next = (struct definition){.used = false};
    start(s);
}

static void exited(struct session *s, const struct tph_pod_event *event)
{
    stop_dialing(s);
    if (event->restart_in_ms >= 0) {
        say("plugin %.*s: exited %d (%s), restart in %lld.%llds; a changed file starts it at once",
            TPH_FMT(s->now.plugin->name), event->exit_code, event->reason, (long long)(event->restart_in_ms / 1000),
            (long long)(event->restart_in_ms % 1000 / 100));
    } else {
        say("plugin %.*s: exited %d (%s)", TPH_FMT(s->now.plugin->name), event->exit_code, event->reason);
    }
}

static void pod_event(void *owner, struct tph_pod *pod, const struct tph_pod_event *event)
{
    struct session *s = owner;
    (void)pod;
    switch (event->kind) {
    case TPH_POD_STARTED:
    case TPH_POD_UNREADY:
        break;
    case TPH_POD_READY:
        s->ready_at_ms = tph_loop_now_ms(s->loop);
        stop_dialing(s);
        dial(s);
        break;
    case TPH_POD_EXITED:
        exited(s, event);
        break;
    case TPH_POD_FAILED:
        stop_dialing(s);
        say("error: plugin %.*s cannot be started: %.*s", TPH_FMT(s->now.plugin->name), TPH_FMT(event->message));
        if (!s->shown) {
            s->failed = true;
            tph_loop_stop(s->loop);
        }
        break;
    case TPH_POD_LOG:
        say("%.*s | %.*s", TPH_FMT(s->now.plugin->name), TPH_FMT(event->message));
        break;
    case TPH_POD_DEGRADED:
        tph_cli_warn(&s->cli, "plugin %.*s: %.*s", TPH_FMT(s->now.plugin->name), TPH_FMT(event->message));
        break;
    case TPH_POD_STOPPED:
        s->pod = NULL;
        if (s->signal != 0) {
            tph_loop_stop(s->loop);
        } else if (s->next.used) {
            take_next(s);
        }
        break;
    }
}

/* Starts what was read. A mistake at the very beginning ends the program, a later one waits for the next change. */
static void start(struct session *s)
{
    const struct tph_plugin *p = s->now.plugin;
    TPH_CLEANUP(tph_freep) char *title = tph_format("plugin %.*s", TPH_FMT(p->name));
    struct tph_error err = TPH_ERROR_INIT;
    char uid[37];
    tph_random_uuid(uid);
    s->container = (struct tph_pod_container){.spec = &p->container, .token = s->token};
    struct tph_pod_spec spec = {
        .ns = tph_str(s->now.input.default_namespace),
        .name = p->config_name,
        .uid = tph_str(uid),
        .containers = &s->container,
        .n_containers = 1,
        .volumes = p->volumes,
        .n_volumes = p->n_volumes,
        .network = s->network,
        .restart_base_ms = RESTART_BASE_MS,
        .plugin_dir = p->directory,
        .logs_dir = s->options.logs_dir,
        .title = title,
        .file = p->file,
        .log_events = !s->options.quiet,
        .objects = tph_objects_lookup(s->now.input.objects),
    };
    if (tph_pod_start(s->podrt, &spec, pod_event, s, &s->pod, &err) == 0) {
        return;
    }
    (void)tph_cli_error(&s->cli, &err);
    if (!s->shown) {
        s->failed = true;
        tph_loop_stop(s->loop);
    }
}

static void files_changed(void *owner)
{
    struct session *s = owner;
    struct tph_error err = TPH_ERROR_INIT;
    struct definition read;
    uint64_t files = tph_plugin_files_mark(s->paths);
    if (files == s->files || s->signal != 0) {
        return;
    }
    s->files = files;
    if (read_definition(s, &read, &err) < 0) {
        (void)tph_cli_error(&s->cli, &err);
        say("plugin %.*s: goes on as it was; change the file again", TPH_FMT(s->now.plugin->name));
        return;
    }
    definition_release(&s->next);
    s->next = read;
    say("plugin %.*s: files changed, starting anew", TPH_FMT(read.plugin->name));
    stop_dialing(s);
    if (s->pod) {
        tph_pod_stop(s->pod, s->now.plugin->container.termination_grace_ms);
    } else {
        take_next(s);
    }
    if (read.plugin->container.ports[0].port != s->now.plugin->container.ports[0].port) {
        s->shown = false; /* the address is another one */
    }
}

static void kill_all(void *owner)
{
    struct session *s = owner;
    tph_loop_stop(s->loop); /* session_release kills what is left */
}

static void got_signal(void *owner, int number)
{
    struct session *s = owner;
    if (s->signal != 0 || !s->pod) {
        s->signal = s->signal != 0 ? s->signal : number;
        kill_all(s);
        return;
    }
    s->signal = number;
    say("stopping; once more kills");
    stop_dialing(s);
    int64_t grace_ms = s->now.plugin->container.termination_grace_ms;
    tph_timer_start(s->last_call, grace_ms);
    tph_pod_stop(s->pod, grace_ms);
}

static int open_session(struct session *s, struct tph_error *err)
{
    static const int numbers[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    struct tph_process_options runtime = {.images_file = s->options.images_file,
                                          .unsafe_plain = s->options.unsafe_plain};
    if (tph_loop_new(&s->loop, err) < 0 || tph_podrt_process_new(s->loop, &runtime, &s->podrt, err) < 0 ||
        tph_cli_network(s->options.network, s->podrt, s->options.unsafe_plain, &s->network, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (tph_signal_new(s->loop, numbers[i], got_signal, s, &s->signals[i], err) < 0) {
            return -1;
        }
    }
    s->probe = tph_timer_new(s->loop, dial, s);
    s->last_call = tph_timer_new(s->loop, kill_all, s);
    s->watches = tph_calloc(s->paths->n, sizeof(struct tph_fswatch *));
    for (; s->n_watches < s->paths->n; s->n_watches++) {
        if (tph_fswatch_new(s->loop, s->paths->list[s->n_watches], files_changed, s, &s->watches[s->n_watches], err) <
            0) {
            return -1;
        }
    }
    return 0;
}

int tph_cmd_plugin_run(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(session_release) struct session s = {.cli = *cli, .dial_fd = -1};
    TPH_CLEANUP(tph_texts_release) struct tph_texts paths = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &s.options, &paths, &code)) {
        return code;
    }
    if (paths.n == 0) {
        return tph_cli_usage(cli, command, "name the directory of a plugin");
    }
    s.paths = &paths;
    s.files = tph_plugin_files_mark(&paths);
    if (read_definition(&s, &s.now, &err) < 0 || open_session(&s, &err) < 0) {
        return tph_cli_error(cli, &err);
    }
    tph_random_text(s.token, TPH_LIMIT_TOKEN_LEN);
    say("plugin %.*s: starting", TPH_FMT(s.now.plugin->name));
    start(&s);
    if (!s.failed) {
        tph_loop_run(s.loop);
    }
    return s.signal != 0 ? 128 + s.signal : TPH_EXIT_FAILED;
}
