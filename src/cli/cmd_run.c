/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys run: reads manifests, runs their workflows with sidecars on this machine, reports, cleans up.
 *
 * Signals: the first INT, TERM or HUP stops (exit handlers run, STOP_MS), the second kills. Whatever happens, no
 * process, mount or file stays. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/cmd_options.h"
#include "cli/network.h"
#include "cli/run_lint.h"
#include "cli/run_prepare.h"
#include "cli/run_report.h"
#include "cli/run_state.h"
#include "cli/run_view.h"
#include "controller/local.h"
#include "controller/settings.h"
#include "data/yaml.h"
#include "podrt/process.h"

enum {
    STOP_MS = 10000,        /* from the first signal until everything is killed */
    RESTART_BASE_MS = 1000, /* Kubernetes waits 10 s; a person at a laptop does not want to */
};

struct run_options {
    struct tph_texts parameters, parameter_files, plugins, maps;
    const char *state, *entrypoint, *ns, *name, *output, *logs_dir, *images_file, *network, *log_format, *compatibility,
        *config;
    int64_t timeout_ms;
    bool log, quiet, no_utf8, no_color, unsafe_plain;
};

#define OPTION(member) offsetof(struct run_options, member)

const struct tph_option tph_run_options_table[] = {
    {"parameter", 'p', TPH_OPTION_LIST, OPTION(parameters), "NAME=VALUE", NULL,
     "set a workflow parameter; may be repeated"},
    {"parameter-file", 'f', TPH_OPTION_LIST, OPTION(parameter_files), "FILE", NULL, "YAML or JSON map of parameters"},
    {"plugin", 0, TPH_OPTION_LIST, OPTION(plugins), "DIR|FILE", NULL, "add a plugin; may be repeated"},
    {"map", 0, TPH_OPTION_LIST, OPTION(maps), "TYPE=PLUGIN", NULL,
     "let a plugin run container or script templates: it gets image, command, args and source"},
    {"entrypoint", 0, TPH_OPTION_TEXT, OPTION(entrypoint), "TEMPLATE", NULL, "begin with this template"},
    {"name", 0, TPH_OPTION_TEXT, OPTION(name), "NAME", NULL, "name of the workflow"},
    {"namespace", 'n', TPH_OPTION_TEXT, OPTION(ns), "NAMESPACE", NULL, "namespace of the workflows (default)"},
    {"state", 0, TPH_OPTION_TEXT, OPTION(state), "FILE", NULL,
     "keep the run in this file: when it is interrupted, the same command goes on from there"},
    {"timeout", 0, TPH_OPTION_DURATION, OPTION(timeout_ms), "DURATION", NULL, "terminate after this time, exit 1"},
    {"output", 'o', TPH_OPTION_CHOICE, OPTION(output), "FORMAT", "wide|json|yaml|name",
     "what standard output gets: wide, json, yaml or name"},
    {"network", 0, TPH_OPTION_CHOICE, OPTION(network), "MODE", TPH_CLI_NETWORKS,
     "network of the sidecars: host (default; they can reach local services), none, or isolated (other machines only)"},
    {"unsafe-plain", 0, TPH_OPTION_FLAG, OPTION(unsafe_plain), NULL, NULL,
     "start sidecars without a sandbox: for development, where none can be made"},
    {"log", 0, TPH_OPTION_FLAG, OPTION(log), NULL, NULL,
     "show what the sidecars print, prefixed with the plugin's name"},
    {"logs-dir", 0, TPH_OPTION_TEXT, OPTION(logs_dir), "DIR", NULL, "keep the sidecars' logs there"},
    {"images-file", 0, TPH_OPTION_TEXT, OPTION(images_file), "FILE", NULL,
     "what images mean here, in place of the configured maps: see tiphys doctor --images"},
    {"compatibility", 0, TPH_OPTION_TEXT, OPTION(compatibility), "NAME,...", NULL,
     "compute as Argo does where Tiphys does better: argo, or single names of docs/differences.md"},
    {"config", 0, TPH_OPTION_TEXT, OPTION(config), "FILE", NULL,
     "settings for all workflows: workflowDefaults, templateMap, compatibility; also Argo's controller ConfigMap"},
    {"log-format", 0, TPH_OPTION_CHOICE, OPTION(log_format), "FORMAT", "text|json",
     "of the program's own log lines: text or json"},
    {"quiet", 'q', TPH_OPTION_FLAG, OPTION(quiet), NULL, NULL, "no progress, only warnings, errors and the result"},
    {"no-utf8", 0, TPH_OPTION_FLAG, OPTION(no_utf8), NULL, NULL, "words in place of icons"},
    {"no-color", 0, TPH_OPTION_FLAG, OPTION(no_color), NULL, NULL, "no colours"},
    {.name = NULL},
};

/* One run of the verb. */
struct session {
    struct tph_cli cli;
    const struct tph_command *command;
    struct run_options options;
    struct tph_run_input input;
    struct tph_settings settings;
    struct tph_arena *arena;
    struct tph_prepared *prepared; /* owned, one for each workflow of input */
    size_t n_prepared;
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_local *local;        /* NULL with --state */
    struct tph_run_state *state;    /* --state */
    struct tph_texts digests;       /* of the manifests, as they were given; --state */
    const struct tph_shown **shown; /* owned list, as prepared; NULL: one that has not begun */
    struct tph_images *images;      /* NULL when nothing is shown of them */
    struct tph_view *view;
    struct tph_signal *signals[3];
    struct tph_timer *deadline;  /* --timeout */
    struct tph_timer *last_call; /* STOP_MS after the first signal */
    int signal;                  /* the first that came; 0 = none */
    bool timed_out, stopping;
};

static void session_release(struct session *s)
{
    for (size_t i = 0; i < 3; i++) {
        tph_signal_free(s->signals[i]);
    }
    tph_timer_free(s->deadline);
    tph_timer_free(s->last_call);
    tph_local_free(s->local);
    tph_run_state_free(s->state);
    tph_agent_free(s->agent);
    tph_podrt_free(s->podrt);
    tph_view_free(s->view);
    tph_images_free(s->images);
    tph_loop_free(s->loop);
    for (size_t i = 0; i < s->n_prepared; i++) {
        tph_prepared_release(&s->prepared[i]);
    }
    free(s->prepared);
    free(s->shown);
    tph_texts_release(&s->digests);
    tph_arena_free(s->arena);
    tph_run_input_release(&s->input);
    tph_settings_release(&s->settings);
    tph_texts_release(&s->options.parameters);
    tph_texts_release(&s->options.parameter_files);
    tph_texts_release(&s->options.plugins);
    tph_texts_release(&s->options.maps);
}

static int read_inputs(struct session *s, const struct tph_texts *arguments, struct tph_error *err)
{
    tph_run_input_init(&s->input, &s->cli);
    for (size_t i = 0; i < arguments->n; i++) {
        if (tph_run_input_read(&s->input, arguments->list[i], err) < 0) {
            return -1;
        }
    }
    s->input.plugins_only = true;
    for (size_t i = 0; i < s->options.plugins.n; i++) {
        const char *path = s->options.plugins.list[i];
        size_t before = s->input.n_plugins + s->input.n_plugins_again;
        if (tph_run_input_read(&s->input, path, err) < 0) {
            return -1;
        }
        if (s->input.n_plugins + s->input.n_plugins_again == before) {
            return tph_error_set(
                err, TPH_ERROR_NOT_FOUND,
                "%s: no plugin in this file\n  --plugin takes a plugin's directory, its plugin.yaml or "
                "its ConfigMap",
                path);
        }
    }
    size_t n_workflows = s->input.n_workflows;
    if (n_workflows == 0) {
        return tph_error_set(err, TPH_ERROR_USAGE,
                             "no workflow is given\n  name a file or directory with one, or - for standard input");
    }
    if (s->options.name && n_workflows > 1) {
        return tph_error_set(err, TPH_ERROR_USAGE, "--name is for one workflow, here are %zu", n_workflows);
    }
    return 0;
}

/* What the same command is known by the next time. */
static void digest_all(struct session *s, const struct tph_run_overrides *overrides)
{
    struct tph_map seen = TPH_MAP_INIT; /* digest -> itself: the n-th of equal ones is the n-th again */
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        size_t more = 0;
        const char *digest = NULL;
        do {
            digest = tph_run_state_digest(s->input.workflows[i].object, overrides, more++, s->arena);
        } while (tph_map_set(&seen, tph_str(digest), (void *)(uintptr_t)digest));
        tph_texts_add(&s->digests, digest);
    }
    tph_map_release(&seen);
}

/* --config, and what the command line says over it. */
static int read_settings(struct session *s, struct tph_error *err)
{
    const char *file = s->options.config;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    tph_settings_init(&s->settings);
    if (file &&
        (tph_fd_read_file(file, &text, err) < 0 || tph_settings_read(&s->settings, tph_buf_str(&text), err) < 0)) {
        struct tph_error inner = *err;
        return tph_error_set(err, TPH_ERROR_USAGE, "--config %s: %s", file, inner.text);
    }
    if (s->settings.unused.len > 0) {
        tph_cli_warn(&s->cli, "--config %s: nothing here looks at %s", file, tph_buf_cstr(&s->settings.unused));
    }
    if (s->settings.of_server.len > 0) {
        tph_cli_warn(&s->cli, "--config %s: only a server looks at %s", file, tph_buf_cstr(&s->settings.of_server));
    }
    for (size_t i = 0; i < s->options.maps.n; i++) {
        struct tph_str plugin = tph_str(s->options.maps.list[i]);
        struct tph_str type = TPH_STR_NONE;
        bool cut = tph_str_cut(&plugin, '=', &type);
        if (tph_template_map_set(&s->settings.map, cut ? type : TPH_STR_NONE, plugin, err) < 0) {
            return tph_error_set(err, TPH_ERROR_USAGE, "--map takes container=PLUGIN or script=PLUGIN, not \"%s\"",
                                 s->options.maps.list[i]);
        }
    }
    if (s->options.compatibility && tph_compat_parse(tph_str(s->options.compatibility), &s->settings.compat, err) < 0) {
        struct tph_error inner = *err;
        return tph_error_set(err, TPH_ERROR_USAGE, "--compatibility: %s", inner.text);
    }
    s->input.compat = s->settings.compat;
    s->input.workflow_defaults = s->settings.workflow_defaults;
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        tph_template_map_apply(&s->settings.map, s->input.workflows[i].doc, s->input.workflows[i].object);
    }
    for (size_t i = 0; i < s->input.n_templates; i++) {
        tph_template_map_apply(&s->settings.map, s->input.templates[i].doc, s->input.templates[i].object);
    }
    return 0;
}

/* All workflows are made complete and linted before the first is prepared, so that all that is wrong is told. */
static int check_all(struct session *s, const struct tph_run_overrides *overrides, struct tph_error *err)
{
    int failed = 0;
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        if (tph_run_name(&s->input, &s->input.workflows[i], overrides, s->arena, err) < 0 ||
            tph_run_override(&s->input, &s->input.workflows[i], overrides, err) < 0 ||
            tph_run_take_defaults(&s->input, &s->input.workflows[i], err) < 0 ||
            tph_run_check_own_plugins(&s->input.workflows[i], err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < s->input.n_workflows; i++) {
        failed |= tph_run_lint(&s->input, &s->input.workflows[i], err);
    }
    return failed;
}

static int prepare_all(struct session *s, struct tph_error *err)
{
    struct tph_texts parameters = {.list = NULL};
    int failed = 0;
    failed = read_settings(s, err);
    for (size_t i = 0; i < s->options.parameter_files.n && failed == 0; i++) {
        failed = tph_run_read_parameters(s->options.parameter_files.list[i], s->arena, &parameters, err);
    }
    for (size_t i = 0; i < s->options.parameters.n; i++) {
        tph_texts_add(&parameters, s->options.parameters.list[i]);
    }
    struct tph_run_overrides overrides = {
        .name = s->options.name, .ns = s->options.ns, .entrypoint = s->options.entrypoint, .parameters = &parameters};
    s->prepared = tph_calloc(s->input.n_workflows, sizeof(*s->prepared));
    if (s->options.state) {
        digest_all(s, &overrides);
    }
    failed = failed < 0 ? failed : check_all(s, &overrides, err);
    for (size_t i = 0; i < s->input.n_workflows && failed == 0; i++) {
        failed = tph_run_prepare(&s->input, &s->input.workflows[i], s->arena, &s->prepared[i], err);
        s->n_prepared += failed == 0 ? 1 : 0;
    }
    tph_texts_release(&parameters);
    return failed;
}

static void stop_loop(void *owner)
{
    struct session *s = owner;
    tph_loop_stop(s->loop);
}

/* Everything is final, or time is up: the sidecars go, then the loop ends. */
static void wind_down(struct session *s, int64_t grace_ms)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    tph_agent_stop(s->agent, grace_ms, stop_loop, s);
}

static void kill_all(void *owner)
{
    struct session *s = owner;
    tph_loop_stop(s->loop); /* session_release kills what is left */
}

/* All that was written stays as it is. */
static void left(void *owner)
{
    wind_down(owner, TPH_LIMIT_GRACE_MS);
}

static void stop_workflows(struct session *s, enum tph_event_kind how)
{
    if (s->state) {
        tph_controller_end(tph_run_state_controller(s->state), how);
    } else {
        tph_local_stop(s->local, how);
    }
}

static void got_signal(void *owner, int number)
{
    struct session *s = owner;
    if (s->signal != 0) {
        kill_all(s);
        return;
    }
    s->signal = number;
    tph_view_stopping(s->view);
    tph_timer_start(s->last_call, STOP_MS);
    if (s->state) { /* it can be gone on with, so nothing is stopped for good */
        tph_controller_stop(tph_run_state_controller(s->state), left, s);
    } else {
        tph_local_stop(s->local, TPH_EVENT_STOP);
    }
}

static void deadline_passed(void *owner)
{
    struct session *s = owner;
    s->timed_out = true;
    tph_view_error(s->view, " --timeout has passed; terminating");
    tph_timer_start(s->last_call, STOP_MS);
    stop_workflows(s, TPH_EVENT_TERMINATE);
}

static void shown_node_changed(void *owner, const struct tph_shown *workflow, const struct tph_node *node)
{
    struct session *s = owner;
    tph_view_node(s->view, workflow, node);
}

static void workflow_begun(void *owner, size_t index, const struct tph_shown *workflow)
{
    struct session *s = owner;
    s->shown[index] = workflow;
    tph_view_add(s->view, workflow, &s->prepared[index].keys);
}

static void node_changed(void *owner, struct tph_local_workflow *workflow, const struct tph_node *node)
{
    struct session *s = owner;
    tph_view_node(s->view, tph_local_shown(workflow), node);
}

static void workflow_changed(void *owner, struct tph_local_workflow *workflow)
{
    (void)owner;
    (void)workflow;
}

static void agent_says(void *owner, const struct tph_agent_event *event)
{
    struct session *s = owner;
    tph_view_agent(s->view, event);
}

static void all_finished(void *owner)
{
    struct session *s = owner;
    wind_down(s, s->options.timeout_ms > 0 && s->timed_out ? 0 : TPH_LIMIT_GRACE_MS);
}

static int open_loop(struct session *s, struct tph_error *err)
{
    if (tph_loop_new(&s->loop, err) < 0) {
        return -1;
    }
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        if (tph_signal_new(s->loop, numbers[i], got_signal, s, &s->signals[i], err) < 0) {
            return -1;
        }
    }
    s->deadline = tph_timer_new(s->loop, deadline_passed, s);
    s->last_call = tph_timer_new(s->loop, kill_all, s);
    return 0;
}

static int open_view(struct session *s, struct tph_error *err)
{
    const char *file = s->options.images_file;
    if (!s->options.quiet && tph_images_new(&file, file ? 1 : 0, &s->images, err) < 0) {
        return -1;
    }
    bool live = s->cli.err_terminal && !s->cli.dumb;
    struct tph_view_options view = {
        .cli = &s->cli,
        .images = s->images,
        .mode = s->options.quiet ? TPH_VIEW_QUIET
                : live           ? TPH_VIEW_LIVE
                                 : TPH_VIEW_EVENTS,
        .utf8 = s->cli.utf8 && !s->options.no_utf8,
        .logs = s->options.log,
        .leaves = s->options.state != NULL,
    };
    s->view = tph_view_new(s->loop, &view);
    return 0;
}

static int make_directory(const char *path)
{
    struct stat status;
    if (mkdir(path, 0777) < 0 && errno != EEXIST) {
        return -1;
    }
    if (stat(path, &status) < 0) {
        return -1;
    }
    errno = ENOTDIR;
    return S_ISDIR(status.st_mode) ? access(path, W_OK | X_OK) : -1;
}

static int open_agent(struct session *s, struct tph_error *err)
{
    if (s->options.logs_dir && make_directory(s->options.logs_dir) < 0) {
        (void)tph_error_errno(err, errno, "--logs-dir %s", s->options.logs_dir);
        err->kind = TPH_ERROR_USAGE;
        return -1;
    }
    struct tph_process_options runtime = {.images_file = s->options.images_file,
                                          .unsafe_plain = s->options.unsafe_plain};
    enum tph_network network = TPH_NETWORK_HOST;
    if (tph_cli_check_network(s->options.network, s->options.unsafe_plain, err) < 0 ||
        tph_podrt_process_new(s->loop, &runtime, &s->podrt, err) < 0 ||
        tph_cli_network(s->options.network, s->podrt, s->options.unsafe_plain, &network, err) < 0) {
        return -1;
    }
    struct tph_agent_options agent = {
        .podrt = s->podrt,
        .objects = tph_objects_lookup(s->input.objects),
        .network = network,
        .logs_dir = s->options.logs_dir,
        .log_lines = s->options.log,
        .retry_pause_ms = TPH_LIMIT_CALL_PAUSE_MS,
        .poll_ms = TPH_LIMIT_POLL_MS,
        .restart_base_ms = RESTART_BASE_MS,
        .ready_ms = TPH_LIMIT_READY_MS,
        .idle_ms = TPH_LIMIT_IDLE_MS,
        .calls_in_flight = TPH_LIMIT_CALLS_IN_FLIGHT,
        .event = s->state ? tph_controller_agent_event : tph_local_agent_event,
        .owner = s->state ? (void *)tph_run_state_controller(s->state) : s->local,
    };
    s->agent = tph_agent_new(s->loop, &agent);
    return 0;
}

/* Every plugin once, in the log as Argo's controller says it, and on the screen. */
static void announce_plugins(struct session *s)
{
    struct tph_map seen = TPH_MAP_INIT;
    for (size_t i = 0; i < s->n_prepared; i++) {
        for (size_t j = 0; j < s->prepared[i].n_plugins; j++) {
            struct tph_plugin *p = s->prepared[i].plugins[j];
            struct tph_str key = {.p = (const char *)&s->prepared[i].plugins[j], .len = sizeof(p)};
            if (tph_map_set(&seen, key, p)) {
                continue;
            }
            TPH_CLEANUP(tph_freep) char *name = tph_str_dup(p->config_name);
            if (!s->options.quiet) {
                tph_log(TPH_LOG_INFO, "Executor plugin added", "name", name, NULL);
            }
            tph_view_plugin(s->view, p);
        }
    }
    tph_map_release(&seen);
}

static int exit_code(const struct session *s)
{
    if (s->signal != 0) {
        return 128 + s->signal;
    }
    for (size_t i = 0; i < s->n_prepared; i++) {
        const struct tph_run *run = s->shown[i] ? s->shown[i]->run : NULL;
        if (!run || tph_run_phase(run) != TPH_WORKFLOW_SUCCEEDED) {
            return TPH_EXIT_FAILED;
        }
    }
    return s->timed_out ? TPH_EXIT_FAILED : TPH_EXIT_OK;
}

/* One that has not begun is as it was given. */
static struct tph_json *object_of(const struct session *s, size_t index, struct tph_json_doc *doc)
{
    const struct tph_run *run = s->shown[index] ? s->shown[index]->run : NULL;
    return run ? tph_run_object(run, doc) : tph_json_copy(doc, s->input.workflows[index].object);
}

static struct tph_json *all_objects(const struct session *s, struct tph_json_doc *doc)
{
    size_t n = s->n_prepared;
    if (n == 1) {
        return object_of(s, 0, doc);
    }
    struct tph_json *list = tph_json_new_object(doc);
    struct tph_json *items = tph_json_new_array(doc);
    tph_json_set_cstr(doc, list, "apiVersion", "v1");
    tph_json_set_cstr(doc, list, "kind", "List");
    tph_json_set(doc, list, "items", items);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, items, object_of(s, i, doc));
    }
    return list;
}

static int print_output(struct session *s, struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const char *format = s->options.output ? s->options.output : "wide";
    struct tph_json *objects = all_objects(s, doc);
    if (strcmp(format, "json") == 0) {
        tph_json_write(objects, TPH_JSON_SORTED | TPH_JSON_PRETTY, &out);
        (void)tph_buf_putc(&out, '\n');
    } else if (strcmp(format, "yaml") == 0) {
        if (tph_yaml_write(objects, &out, err) < 0) {
            return -1;
        }
    } else if (strcmp(format, "name") == 0) {
        for (size_t i = 0; i < s->input.n_workflows; i++) {
            struct tph_json *meta = tph_json_get(s->input.workflows[i].object, "metadata");
            (void)tph_buf_printf(&out, "workflow.argoproj.io/%.*s\n", TPH_FMT(tph_json_get_str(meta, "name")));
        }
    } else {
        struct tph_tree_style style = {.color = s->cli.color && s->cli.out_terminal,
                                       .utf8 = s->cli.utf8 && !s->options.no_utf8};
        for (size_t i = 0; i < s->n_prepared; i++) {
            if (s->shown[i] && s->shown[i]->run) {
                tph_report_write(s->shown[i], &s->prepared[i].keys, &style, &out);
            }
        }
    }
    if (tph_buf_failed(&out)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the output is larger than %zu bytes", TPH_LIMIT_DOCUMENT);
    }
    int failed = tph_fd_write_all(STDOUT_FILENO, tph_buf_str(&out));
    return failed == 0 || failed == -EPIPE ? 0 : tph_error_errno(err, -failed, "cannot write the output");
}

/* In memory: nothing outlives this process. */
static int start_local(struct session *s, struct tph_error *err)
{
    struct tph_local_observer observer = {
        .node = node_changed, .workflow = workflow_changed, .agent = agent_says, .finished = all_finished, .owner = s};
    s->local = tph_local_new(s->loop, s->input.locks, &observer);
    if (open_agent(s, err) < 0) {
        return -1;
    }
    announce_plugins(s);
    for (size_t i = 0; i < s->n_prepared; i++) {
        struct tph_prepared *p = &s->prepared[i];
        workflow_begun(s, i,
                       tph_local_shown(tph_local_add(s->local, TPH_TAKE(p->run), p->plugins, p->n_plugins, NULL)));
    }
    tph_local_start(s->local, s->agent);
    return 0;
}

static int start_state(struct session *s, struct tph_error *err)
{
    struct tph_run_state_options options = {
        .path = s->options.state,
        .input = &s->input,
        .prepared = s->prepared,
        .digests = &s->digests,
        .observer = {.node = shown_node_changed, .agent = agent_says, .owner = s},
        .begun = workflow_begun,
        .finished = all_finished,
    };
    if (tph_run_state_open(s->loop, &options, &s->state, err) < 0 || open_agent(s, err) < 0) {
        return -1;
    }
    announce_plugins(s);
    for (size_t i = 0; i < s->n_prepared && !s->options.quiet; i++) {
        struct tph_str name = tph_json_get_str(tph_json_get(s->input.workflows[i].object, "metadata"), "name");
        TPH_CLEANUP(tph_freep) char *text = tph_str_dup(name);
        if (tph_run_state_goes_on(s->state, i)) {
            tph_log(TPH_LOG_INFO, "going on with a workflow that was interrupted", "workflow", text, NULL);
        }
    }
    return tph_run_state_start(s->state, s->agent, err);
}

/* From prepared workflows to the exit code. */
static int work(struct session *s, struct tph_error *err)
{
    s->shown = tph_calloc(s->n_prepared, sizeof(*s->shown));
    if (open_loop(s, err) < 0 || open_view(s, err) < 0) {
        return -1;
    }
    if (s->options.timeout_ms > 0) {
        tph_timer_start(s->deadline, s->options.timeout_ms);
    }
    if ((s->options.state ? start_state(s, err) : start_local(s, err)) < 0) {
        return -1;
    }
    tph_loop_run(s->loop);
    tph_view_end(s->view);
    if (print_output(s, err) < 0) {
        return -1;
    }
    if (s->state && s->signal == 0) {
        tph_run_state_told(s->state);
    }
    return 0;
}

int tph_cmd_run(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    TPH_CLEANUP(session_release) struct session s = {.cli = *cli, .command = command};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &s.options, &arguments, &code)) {
        return code;
    }
    s.cli.color = s.cli.color && !s.options.no_color;
    tph_log_init(&(struct tph_log_config){
        .level = TPH_LOG_INFO,
        .format = s.options.log_format && strcmp(s.options.log_format, "json") == 0 ? TPH_LOG_JSON : TPH_LOG_LOGFMT,
        .fd = STDERR_FILENO});
    s.arena = tph_arena_new();
    if (read_inputs(&s, &arguments, &err) < 0 || prepare_all(&s, &err) < 0) {
        (void)tph_cli_error(cli, &err);
        return TPH_EXIT_USAGE; /* also where the system said no: nothing has been run */
    }
    if (work(&s, &err) < 0) {
        return tph_cli_error(cli, &err);
    }
    return exit_code(&s);
}
