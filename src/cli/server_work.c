/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/network.h"
#include "podrt/log_reader.h"
#include "podrt/process.h"

struct tph_server_work {
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_controller *controller;
    struct tph_metrics *metrics; /* borrowed */
    struct tph_metric *messages;
    struct tph_api_pods pods;
    void (*configured)(void *owner, const struct tph_settings *settings);
    void *configured_owner;
    enum tph_network network;
    char *network_note; /* owned */
    int64_t grace_ms;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* As Go's strconv.ParseBool, which Argo reads its switches with. */
static bool switched_on(const char *variable)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    const char *text = getenv(variable);
    for (size_t i = 0; text && i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(text, yes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What a person should know of a sidecar; each line of its output is in its log. */
static void agent_says(void *owner, const struct tph_agent_event *event)
{
    (void)owner;
    TPH_CLEANUP(tph_freep) char *message = tph_str_dup(event->message);
    TPH_CLEANUP(tph_freep) char *plugin = event->plugin ? tph_str_dup(event->plugin->name) : NULL;
    if (event->kind == TPH_AGENT_SIDECAR) {
        tph_log(TPH_LOG_INFO, "sidecar", "plugin", plugin, "state", message, NULL);
    } else if (event->kind == TPH_AGENT_WARNING) {
        tph_log(TPH_LOG_WARN, message, "plugin", plugin, NULL);
    }
}

/* Numbers, with Argo's names (4.1.2, argo_workflows_*). */

static void look(void *owner)
{
    struct tph_server_work *work = owner;
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    for (int i = TPH_LOG_INFO; i < TPH_LOG_COUNT; i++) {
        tph_series_set(tph_metric_of(work->messages, levels[i], NULL), (double)tph_log_lines((enum tph_log_level)i));
    }
}

static void begin_metrics(struct tph_server_work *work)
{
    static const char *const of_version[] = {"version", NULL};
    static const struct tph_metric_spec leader = {
        .name = "argo_workflows_is_leader", .help = "1: this process decides.", .kind = TPH_METRIC_GAUGE};
    static const struct tph_metric_spec version = {.name = "argo_workflows_version",
                                                   .help = "The version of this program.",
                                                   .kind = TPH_METRIC_GAUGE,
                                                   .labels = of_version};
    static const char *const of_messages[] = {"level", NULL};
    static const struct tph_metric_spec messages = {.name = "argo_workflows_log_messages",
                                                    .help = "Lines of the log.",
                                                    .kind = TPH_METRIC_COUNTER,
                                                    .labels = of_messages};
    work->messages = tph_metric_new(work->metrics, &messages);
    tph_series_set(tph_metric_of(tph_metric_new(work->metrics, &leader), NULL), 1);
    tph_series_set(tph_metric_of(tph_metric_new(work->metrics, &version), "v" TPH_VERSION, NULL), 1);
    tph_metrics_on_write(work->metrics, look, work);
}

static void workflow_ended(void *owner, const struct tph_shown *workflow)
{
    TPH_CLEANUP(tph_freep) char *ns = tph_str_dup(workflow->ns);
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(workflow->name);
    const char *phase = workflow->run ? tph_workflow_phase_name(tph_run_phase(workflow->run)) : "refused";
    (void)owner;
    tph_log(TPH_LOG_INFO, "workflow ended", "namespace", ns, "workflow", name, "phase", phase, NULL);
}

static void configured(void *owner, const struct tph_settings *settings)
{
    struct tph_server_work *work = owner;
    if (work->configured) {
        work->configured(work->configured_owner, settings);
    }
}

static void make_agent(struct tph_server_work *work, const struct tph_server_work_options *options)
{
    struct tph_agent_options agent = {
        .podrt = work->podrt,
        .metrics = work->metrics,
        .objects = tph_controller_pod_objects(work->controller),
        .accounts = options->accounts,
        .network = work->network,
        .network_note = work->network_note,
        .logs_dir = options->logs_dir,
        .keep_logs = options->logs_dir != NULL,
        .retry_pause_ms = TPH_LIMIT_CALL_PAUSE_MS,
        .poll_ms = TPH_LIMIT_POLL_MS,
        .restart_base_ms = TPH_LIMIT_RESTART_BASE_MS,
        .ready_ms = TPH_LIMIT_READY_MS,
        .idle_ms = TPH_LIMIT_IDLE_MS,
        .calls_in_flight = TPH_LIMIT_CALLS_IN_FLIGHT,
        .event = tph_controller_agent_event,
        .owner = work->controller,
    };
    work->agent = tph_agent_new(work->loop, &agent);
}

static bool find_pod(void *owner, struct tph_str ns, struct tph_str name, struct tph_buf *text)
{
    struct tph_server_work *work = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *pod = tph_controller_agent_pod(work->controller, ns, name, doc);
    if (pod) {
        tph_json_write(pod, 0, text);
    }
    return pod != NULL;
}

/* A log that is being read: of its files, or (without a directory of logs) its last lines. */
struct open_log {
    struct tph_log_reader *reader; /* NULL: the lines */
    struct tph_buf lines;
};

static int open_files(struct tph_server_work *work, const struct tph_pod_log_files *files,
                      const struct tph_api_log_ask *ask, struct open_log *log, struct tph_error *err)
{
    const struct tph_log_reader_options options = {.path = files->path,
                                                   .ended = files->ended,
                                                   .follow = ask->follow,
                                                   .previous = ask->previous,
                                                   .timestamps = ask->timestamps,
                                                   .tail_lines = ask->tail_lines,
                                                   .limit_bytes = ask->limit_bytes,
                                                   .since_ms = ask->since_ms,
                                                   .wake = ask->wake,
                                                   .owner = ask->wake_owner};
    int found = tph_log_reader_open(work->loop, &options, &log->reader, err);
    return found > 0 ? TPH_API_LOG_NO_PREVIOUS : found;
}

static void log_close(void *owner, void *opened)
{
    struct open_log *log = opened;
    (void)owner;
    if (log) {
        tph_log_reader_free(log->reader);
        tph_buf_release(&log->lines);
        free(log);
    }
}

static int log_open(void *owner, const struct tph_api_log_ask *ask, void **ret_log, struct tph_error *err)
{
    struct tph_server_work *work = owner;
    struct tph_controller *c = work->controller;
    struct tph_pod_log_files files = {.path = NULL};
    struct open_log *log = TPH_NEW(struct open_log);
    log->lines = TPH_BUF_INIT(TPH_LIMIT_LOG_TAIL * (TPH_LIMIT_LOG_LINE + 1));
    int found = TPH_API_LOG_UNKNOWN;
    size_t most =
        ask->tail_lines >= 0 && ask->tail_lines < TPH_LIMIT_LOG_TAIL ? (size_t)ask->tail_lines : TPH_LIMIT_LOG_TAIL;
    if (tph_controller_pod_log_files(c, ask->ns, ask->name, ask->container, &files)) {
        found = open_files(work, &files, ask, log, err);
    } else if (!ask->previous && tph_controller_pod_log(c, ask->ns, ask->name, ask->container, most, &log->lines)) {
        found = TPH_API_LOG_OPEN;
        if (ask->limit_bytes >= 0 && log->lines.len > (uint64_t)ask->limit_bytes) {
            log->lines.len = (size_t)ask->limit_bytes;
        }
    }
    free(files.path);
    free(files.ended);
    if (found != TPH_API_LOG_OPEN) {
        log_close(work, log);
        return found;
    }
    *ret_log = log;
    return found;
}

static enum tph_api_log_state log_read(void *owner, void *opened, struct tph_buf *out)
{
    static const enum tph_api_log_state states[] = {[TPH_LOG_READ_MORE] = TPH_API_LOG_MORE,
                                                    [TPH_LOG_READ_WAIT] = TPH_API_LOG_WAIT,
                                                    [TPH_LOG_READ_END] = TPH_API_LOG_END};
    struct open_log *log = opened;
    (void)owner;
    if (log->reader) {
        return states[tph_log_reader_read(log->reader, out)];
    }
    (void)tph_buf_put(out, tph_buf_str(&log->lines));
    tph_buf_clear(&log->lines);
    return TPH_API_LOG_END;
}

static int choose_network(struct tph_server_work *work, const struct tph_server_work_options *options,
                          struct tph_error *err)
{
    if (tph_cli_server_network(options->network, work->podrt, options->unsafe_plain, &work->network,
                               &work->network_note, err) < 0) {
        return -1;
    }
    if (work->network_note) {
        tph_log(TPH_LOG_WARN, "sidecars are on the host's network: there is none of their own with a way out here",
                "why", work->network_note, "see", "tiphys doctor", NULL);
    }
    const char *changes = tph_process_uplink_changes(work->podrt);
    if (changes) {
        tph_log(TPH_LOG_INFO, "forwarding is switched on for sidecars, and off again at the end", "changed", changes,
                NULL);
    }
    return 0;
}

int tph_server_work_new(struct tph_loop *loop, const struct tph_server_work_options *options,
                        struct tph_server_work **ret_work, struct tph_error *err)
{
    TPH_CLEANUP(tph_server_work_freep) struct tph_server_work *work = TPH_NEW(struct tph_server_work);
    struct tph_process_options runtime = {.images_file = options->images_file, .unsafe_plain = options->unsafe_plain};
    struct tph_controller_options controller = {
        .store = options->store,
        .health = options->health,
        .observer = {.agent = agent_says, .ended = workflow_ended, .configured = configured, .owner = work},
        .pods = true,
        .logs_dir = options->logs_dir,
        .events = true,
        .executor_plugins = options->executor_plugins || switched_on("ARGO_EXECUTOR_PLUGINS"),
        .own_plugins = options->own_executor_plugins || switched_on("ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS"),
        .config_map = true,
        .settings = options->settings,
        .metrics = options->metrics,
    };
    work->loop = loop;
    work->configured = options->configured;
    work->configured_owner = options->owner;
    work->metrics = options->metrics;
    work->pods = (struct tph_api_pods){
        .owner = work, .find = find_pod, .log_open = log_open, .log_read = log_read, .log_close = log_close};
    if (tph_podrt_process_new(loop, &runtime, &work->podrt, err) < 0) {
        return -1;
    }
    /* Who runs no plugins needs no network for them. */
    bool plugins = controller.executor_plugins || controller.own_plugins || options->network;
    work->network = TPH_NETWORK_HOST;
    if (plugins && choose_network(work, options, err) < 0) {
        return -1;
    }
    work->controller = tph_controller_new(loop, &controller);
    make_agent(work, options);
    begin_metrics(work);
    *ret_work = TPH_TAKE(work);
    return 0;
}

int tph_server_work_start(struct tph_server_work *work, struct tph_error *err)
{
    return tph_controller_start(work->controller, work->agent, err);
}

static void written(void *owner)
{
    struct tph_server_work *work = owner;
    tph_agent_stop(work->agent, work->grace_ms, work->stopped, work->stopped_owner);
}

void tph_server_work_stop(struct tph_server_work *work, int64_t grace_ms, void (*done)(void *owner), void *owner)
{
    work->grace_ms = grace_ms;
    work->stopped = done;
    work->stopped_owner = owner;
    tph_controller_stop(work->controller, written, work);
}

void tph_server_work_free(struct tph_server_work *work)
{
    if (!work) {
        return;
    }
    tph_metrics_forget(work->metrics, work);
    tph_controller_free(work->controller);
    tph_agent_free(work->agent);
    tph_podrt_free(work->podrt);
    free(work->network_note);
    free(work);
}

struct tph_controller *tph_server_work_controller(struct tph_server_work *work)
{
    return work->controller;
}

const struct tph_api_pods *tph_server_work_pods(struct tph_server_work *work)
{
    return &work->pods;
}
