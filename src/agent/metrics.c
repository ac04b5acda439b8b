/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of plugins, for Prometheus. */
#include "agent/agent_internal.h"

static const char *const OUTCOMES[] = {"final", "running", "declined", "missing", "retried", "failed"};
static const char *const BOTH[] = {"namespace", "plugin", NULL};
static const char *const WITH_OUTCOME[] = {"namespace", "plugin", "outcome", NULL};
static const struct tph_metric_spec CALLS = {
    .name = "tiphys_plugin_calls_total",
    .help =
        "Calls of template.execute that came to their end: final and running nodes, declined, missing (404), retried "
        "(to be tried again), failed.",
    .kind = TPH_METRIC_COUNTER,
    .labels = WITH_OUTCOME,
};
static const struct tph_metric_spec SECONDS = {
    .name = "tiphys_plugin_call_duration_seconds",
    .help = "How long calls of template.execute took.",
    .kind = TPH_METRIC_HISTOGRAM,
    .labels = BOTH,
};
static const struct tph_metric_spec REQUEUES = {
    .name = "tiphys_plugin_requeues_total",
    .help = "Answers after which the plugin is called again: it asked for that, or said Running.",
    .kind = TPH_METRIC_COUNTER,
    .labels = BOTH,
};
static const struct tph_metric_spec RESTARTS = {
    .name = "tiphys_plugin_restarts_total",
    .help = "Exits of sidecars after which they are started again.",
    .kind = TPH_METRIC_COUNTER,
    .labels = BOTH,
};
static const struct tph_metric_spec QUEUE = {
    .name = "tiphys_plugin_queue_depth",
    .help = "Tasks that wait until their plugin takes another call.",
    .kind = TPH_METRIC_GAUGE,
    .labels = BOTH,
};
static const struct tph_metric_spec IN_FLIGHT = {
    .name = "tiphys_plugin_calls_in_flight",
    .help = "Calls under way.",
    .kind = TPH_METRIC_GAUGE,
    .labels = BOTH,
};

static const char *const POD_PHASE[] = {"phase", NULL};
static const struct tph_metric_spec PODS = {
    .name = "argo_workflows_pods_gauge",
    .help = "Pods of sidecars: Running ones listen, Pending ones do not yet.",
    .kind = TPH_METRIC_GAUGE,
    .labels = POD_PHASE,
};
static const char *const POD_RESTART[] = {"reason", "condition", "namespace", NULL};
static const struct tph_metric_spec POD_RESTARTS = {
    .name = "argo_workflows_pod_restarts_total",
    .help = "Exits of sidecars after which they are started again, by what they died of.",
    .kind = TPH_METRIC_COUNTER,
    .labels = POD_RESTART,
};

static void look(void *owner)
{
    struct tph_agent *agent = owner;
    tph_metric_zero(agent->metrics.queue);
    tph_metric_zero(agent->metrics.in_flight);
    double running = 0, pending = 0;
    for (const struct sidecar *s = agent->sidecars; s; s = s->next) {
        size_t n = 0;
        for (const struct task *task = s->queue_first; task; task = task->next) {
            n++;
        }
        tph_series_add(s->series.queue, (double)n);
        tph_series_add(s->series.in_flight, s->in_flight);
        running += s->pod && s->state == SIDECAR_LISTENING;
        pending += s->pod && s->state == SIDECAR_STARTING;
    }
    tph_series_set(tph_metric_of(agent->metrics.pods, "Running", NULL), running);
    tph_series_set(tph_metric_of(agent->metrics.pods, "Pending", NULL), pending);
}

void tph_agent_metrics_begin(struct tph_agent *agent)
{
    struct tph_metrics *metrics = agent->options.metrics;
    agent->metrics = (struct agent_metrics){
        .calls = tph_metric_new(metrics, &CALLS),
        .seconds = tph_metric_new(metrics, &SECONDS),
        .requeues = tph_metric_new(metrics, &REQUEUES),
        .restarts = tph_metric_new(metrics, &RESTARTS),
        .queue = tph_metric_new(metrics, &QUEUE),
        .in_flight = tph_metric_new(metrics, &IN_FLIGHT),
        .pods = tph_metric_new(metrics, &PODS),
        .pod_restarts = tph_metric_new(metrics, &POD_RESTARTS),
    };
    tph_metrics_on_write(metrics, look, agent);
}

void tph_agent_metrics_sidecar(struct sidecar *s)
{
    const struct agent_metrics *m = &s->agent->metrics;
    struct tph_str values[3] = {tph_str(s->ns), s->plugin->name, TPH_STR_NONE};
    for (int i = 0; i < CALL_OUTCOMES; i++) {
        values[2] = tph_str(OUTCOMES[i]);
        s->series.calls[i] = tph_metric_series(m->calls, values);
    }
    s->series.seconds = tph_metric_series(m->seconds, values);
    s->series.requeues = tph_metric_series(m->requeues, values);
    s->series.restarts = tph_metric_series(m->restarts, values);
    s->series.queue = tph_metric_series(m->queue, values);
    s->series.in_flight = tph_metric_series(m->in_flight, values);
}

void tph_agent_metrics_call(const struct sidecar *s, const struct tph_rpc_reply *reply, bool final, int64_t took_us)
{
    static const enum call_outcome outcomes[] = {
        [TPH_VERDICT_RESULT] = CALL_RUNNING, [TPH_VERDICT_DECLINED] = CALL_DECLINED, [TPH_VERDICT_NEVER] = CALL_MISSING,
        [TPH_VERDICT_RETRY] = CALL_RETRIED,  [TPH_VERDICT_FATAL] = CALL_FAILED,
    };
    enum call_outcome outcome = final ? CALL_FINAL : outcomes[reply->verdict];
    tph_series_add(s->series.calls[outcome], 1);
    tph_series_observe(s->series.seconds, (double)took_us / 1e6);
}

void tph_agent_metrics_restart(const struct sidecar *s, const char *reason)
{
    tph_series_add(s->series.restarts, 1);
    tph_series_add(tph_metric_of(s->agent->metrics.pod_restarts, reason, "", s->ns, NULL), 1);
}
