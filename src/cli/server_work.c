/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "podrt/process.h"

struct tph_server_work {
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_controller *controller;
    struct tph_metrics *metrics; /* borrowed */
    struct tph_metric *total, *gauge, *messages;
    struct tph_api_pods pods;
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

static void count_phase(struct tph_server_work *work, const struct tph_shown *workflow, const char *phase)
{
    const struct tph_str values[] = {tph_str(phase), workflow->ns};
    tph_series_add(tph_metric_series(work->total, values), 1);
}

static void look(void *owner)
{
    struct tph_server_work *work = owner;
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    tph_series_set(tph_metric_of(work->gauge, "Running", NULL), (double)tph_controller_n_running(work->controller));
    for (int i = TPH_LOG_INFO; i < TPH_LOG_COUNT; i++) {
        tph_series_set(tph_metric_of(work->messages, levels[i], NULL), (double)tph_log_lines((enum tph_log_level)i));
    }
}

static void begin_metrics(struct tph_server_work *work)
{
    static const char *const of_total[] = {"phase", "namespace", NULL};
    static const char *const of_gauge[] = {"phase", NULL};
    static const char *const of_version[] = {"version", NULL};
    static const struct tph_metric_spec total = {.name = "argo_workflows_total_count",
                                                 .help = "Workflows that entered a phase since the server began.",
                                                 .kind = TPH_METRIC_COUNTER,
                                                 .labels = of_total};
    static const struct tph_metric_spec gauge = {.name = "argo_workflows_gauge",
                                                 .help = "Workflows that are not over.",
                                                 .kind = TPH_METRIC_GAUGE,
                                                 .labels = of_gauge};
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
    work->total = tph_metric_new(work->metrics, &total);
    work->gauge = tph_metric_new(work->metrics, &gauge);
    tph_series_set(tph_metric_of(tph_metric_new(work->metrics, &leader), NULL), 1);
    tph_series_set(tph_metric_of(tph_metric_new(work->metrics, &version), "v" TPH_VERSION, NULL), 1);
    tph_metrics_on_write(work->metrics, look, work);
}

static void workflow_begun(void *owner, const struct tph_shown *workflow)
{
    count_phase(owner, workflow, "Running");
}

static void workflow_ended(void *owner, const struct tph_shown *workflow)
{
    TPH_CLEANUP(tph_freep) char *ns = tph_str_dup(workflow->ns);
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(workflow->name);
    const char *phase = workflow->run ? tph_workflow_phase_name(tph_run_phase(workflow->run)) : "refused";
    count_phase(owner, workflow, workflow->run ? phase : "Error");
    tph_log(TPH_LOG_INFO, "workflow ended", "namespace", ns, "workflow", name, "phase", phase, NULL);
}

static void make_agent(struct tph_server_work *work, const struct tph_server_work_options *options)
{
    struct tph_agent_options agent = {
        .podrt = work->podrt,
        .metrics = work->metrics,
        .objects = tph_controller_pod_objects(work->controller),
        .network = options->network,
        .logs_dir = options->logs_dir,
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

static bool pod_log(void *owner, struct tph_str ns, struct tph_str name, struct tph_str container, size_t max_lines,
                    struct tph_buf *lines)
{
    struct tph_server_work *work = owner;
    return tph_controller_pod_log(work->controller, ns, name, container, max_lines, lines);
}

int tph_server_work_new(struct tph_loop *loop, const struct tph_server_work_options *options,
                        struct tph_server_work **ret_work, struct tph_error *err)
{
    TPH_CLEANUP(tph_server_work_freep) struct tph_server_work *work = TPH_NEW(struct tph_server_work);
    struct tph_process_options runtime = {.images_file = options->images_file, .unsafe_plain = options->unsafe_plain};
    struct tph_controller_options controller = {
        .store = options->store,
        .health = options->health,
        .observer = {.agent = agent_says, .begun = workflow_begun, .ended = workflow_ended, .owner = work},
        .pods = true,
        .events = true,
        .executor_plugins = options->executor_plugins || switched_on("ARGO_EXECUTOR_PLUGINS"),
        .own_plugins = options->own_executor_plugins || switched_on("ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS"),
        .parallelism = options->parallelism,
    };
    work->loop = loop;
    work->metrics = options->metrics;
    work->pods = (struct tph_api_pods){.owner = work, .find = find_pod, .log = pod_log};
    if (tph_podrt_process_new(loop, &runtime, &work->podrt, err) < 0) {
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
