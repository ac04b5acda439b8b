/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of workflows, for Prometheus, with Argo's names (argo.md 4.9).
 *
 * Argo's work queues are not here as such; what waits and takes time are writes. So an item of workflow_queue is a
 * workflow with something to be written: it is added when there is something, its latency lasts until the write begins,
 * its duration until that is durable. What can be found by looking is not counted before somebody asks. */
#include "controller/measure.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "controller/controller_internal.h"

#define ARGO(name) "argo_workflows_" name

static const char *const BY_PHASE_AND_NAMESPACE[] = {"phase", "namespace", NULL};
static const char *const BY_PHASE[] = {"phase", NULL};
static const char *const BY_CAUSE[] = {"cause", NULL};
static const char *const BY_NAME[] = {"name", "namespace", NULL};
static const char *const BY_POLICY[] = {"name", "namespace", "concurrency_policy", NULL};
static const char *const BY_QUEUE[] = {"queue_name", NULL};

static const struct tph_metric_spec TOTAL = {.name = ARGO("total_count"),
                                             .help = "Workflows that entered a phase since the server began.",
                                             .kind = TPH_METRIC_COUNTER,
                                             .labels = BY_PHASE_AND_NAMESPACE};
static const struct tph_metric_spec GAUGE = {
    .name = ARGO("gauge"), .help = "Workflows by phase.", .kind = TPH_METRIC_GAUGE, .labels = BY_PHASE};
static const struct tph_metric_spec OPERATION = {.name = ARGO("operation_duration_seconds"),
                                                 .help =
                                                     "How long a workflow's turn took: what follows from one event.",
                                                 .kind = TPH_METRIC_HISTOGRAM};
static const struct tph_metric_spec ERRORS = {.name = ARGO("error_count"),
                                              .help = "Errors of the controller by their cause.",
                                              .kind = TPH_METRIC_COUNTER,
                                              .labels = BY_CAUSE};
static const struct tph_metric_spec TRIGGERED = {.name = ARGO("cronworkflows_triggered_total"),
                                                 .help = "Workflows that a cron workflow made.",
                                                 .kind = TPH_METRIC_COUNTER,
                                                 .labels = BY_NAME};
static const struct tph_metric_spec POLICY = {
    .name = ARGO("cronworkflows_concurrencypolicy_triggered"),
    .help = "Times that a cron workflow was due and its concurrencyPolicy counted, for one ran.",
    .kind = TPH_METRIC_COUNTER,
    .labels = BY_POLICY};
static const struct tph_metric_spec DEPTH = {
    .name = ARGO("queue_depth_gauge"), .help = "Items that wait.", .kind = TPH_METRIC_GAUGE, .labels = BY_QUEUE};
static const struct tph_metric_spec ADDS = {
    .name = ARGO("queue_adds_count"), .help = "Items that were added.", .kind = TPH_METRIC_COUNTER, .labels = BY_QUEUE};
static const struct tph_metric_spec LATENCY = {.name = ARGO("queue_latency"),
                                               .help = "Seconds that items waited.",
                                               .kind = TPH_METRIC_HISTOGRAM,
                                               .labels = BY_QUEUE};
static const struct tph_metric_spec DURATION = {.name = ARGO("queue_duration"),
                                                .help = "Seconds that items took: workflows, until it was durable.",
                                                .kind = TPH_METRIC_HISTOGRAM,
                                                .labels = BY_QUEUE};
static const struct tph_metric_spec LONGEST = {.name = ARGO("queue_longest_running"),
                                               .help = "Seconds of the item that has been under way the longest.",
                                               .kind = TPH_METRIC_GAUGE,
                                               .labels = BY_QUEUE};
static const struct tph_metric_spec UNFINISHED = {.name = ARGO("queue_unfinished_work"),
                                                  .help = "Seconds of all items that are under way.",
                                                  .kind = TPH_METRIC_GAUGE,
                                                  .labels = BY_QUEUE};
static const struct tph_metric_spec RETRIES = {.name = ARGO("queue_retries"),
                                               .help = "Items that were tried again.",
                                               .kind = TPH_METRIC_COUNTER,
                                               .labels = BY_QUEUE};

static const char *const QUEUES[] = {[TPH_QUEUE_WORKFLOWS] = "workflow_queue",
                                     [TPH_QUEUE_CRONS] = "cron_wf_queue",
                                     [TPH_QUEUE_TTL] = "workflow_ttl_queue"};

struct measures {
    struct tph_controller *controller;
    struct tph_metrics *metrics;
    struct tph_metric *total, *gauge, *errors, *triggered, *policy;
    struct tph_series *operation;
    struct queue {
        struct tph_series *depth, *adds, *latency, *duration, *longest, *unfinished, *retries;
    } queues[TPH_QUEUE_COUNT];
};

/* ---- by looking ---- */

/* An end that is not durable is none yet. */
static enum tph_workflow_phase phase_of(const struct carried *w)
{
    if (w->state == CARRIED_OVER) {
        return TPH_WORKFLOW_RUNNING;
    }
    return w->shown.run ? tph_run_phase(w->shown.run) : TPH_WORKFLOW_PENDING;
}

static void look_at_workflows(const struct measures *m, double phases[TPH_WORKFLOW_PHASE_COUNT])
{
    const struct queue *q = &m->queues[TPH_QUEUE_WORKFLOWS];
    int64_t now_us = tph_clock_monotonic_us();
    double depth = 0, longest = 0, unfinished = 0;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&m->controller->by_key, &at, &key, &value)) {
        const struct carried *w = value;
        phases[phase_of(w)] += w->ended ? 0 : 1;
        depth += w->queued_us > 0 ? 1 : 0;
        if (w->writing && w->write_began_us > 0) {
            double took = (double)(now_us - w->write_began_us) / 1e6;
            unfinished += took;
            longest = took > longest ? took : longest;
        }
    }
    tph_series_set(q->depth, depth);
    tph_series_set(q->longest, longest);
    tph_series_set(q->unfinished, unfinished);
}

static void look(void *owner)
{
    const struct measures *m = owner;
    const struct tph_controller *c = m->controller;
    double phases[TPH_WORKFLOW_PHASE_COUNT] = {0};
    look_at_workflows(m, phases);
    phases[TPH_WORKFLOW_RUNNING] += phases[TPH_WORKFLOW_NEW];
    for (int i = 0; i < TPH_OVER_COUNT; i++) {
        phases[tph_over_phase((enum tph_over)i)] += (double)c->n_over[i];
    }
    for (int phase = 0; phase < TPH_WORKFLOW_PHASE_COUNT; phase++) {
        if (phase != TPH_WORKFLOW_NEW) {
            tph_series_set(tph_metric_of(m->gauge, tph_workflow_phase_name((enum tph_workflow_phase)phase), NULL),
                           phases[phase]);
        }
    }
    tph_series_set(m->queues[TPH_QUEUE_CRONS].depth, (double)tph_crons_waiting(c->crons));
    tph_series_set(m->queues[TPH_QUEUE_TTL].depth, (double)tph_expire_waiting(c));
}

/* ---- by counting ---- */

int64_t tph_measure_begin(const struct tph_controller *c)
{
    return c->measures ? tph_clock_monotonic_us() : 0;
}

static double since(int64_t began_us)
{
    return (double)(tph_clock_monotonic_us() - began_us) / 1e6;
}

void tph_measure_operation(struct tph_controller *c, int64_t began_us)
{
    if (c->measures) {
        tph_series_observe(c->measures->operation, since(began_us));
    }
}

void tph_measure_phase(struct tph_controller *c, struct tph_str ns, struct tph_str phase)
{
    if (c->measures) {
        const struct tph_str values[] = {phase, ns};
        tph_series_add(tph_metric_series(c->measures->total, values), 1);
    }
}

void tph_measure_cron(struct tph_controller *c, enum tph_measure_cron what, struct tph_str ns, struct tph_str name,
                      struct tph_str policy)
{
    const struct tph_str values[] = {name, ns, policy};
    if (!c->measures) {
        return;
    }
    switch (what) {
    case TPH_MEASURE_TRIGGERED:
        tph_series_add(tph_metric_series(c->measures->triggered, values), 1);
        break;
    case TPH_MEASURE_POLICY:
        tph_series_add(tph_metric_series(c->measures->policy, values), 1);
        break;
    case TPH_MEASURE_SPEC_ERROR:
        tph_series_add(tph_metric_of(c->measures->errors, "CronWorkflowSpecError", NULL), 1);
        break;
    case TPH_MEASURE_SUBMISSION_ERROR:
        tph_series_add(tph_metric_of(c->measures->errors, "CronWorkflowSubmissionError", NULL), 1);
        break;
    }
}

void tph_measure_add(struct tph_controller *c, enum tph_queue queue, int64_t *since_us)
{
    if (c->measures && *since_us == 0) {
        *since_us = tph_clock_monotonic_us();
        tph_series_add(c->measures->queues[queue].adds, 1);
    }
}

void tph_measure_take(struct tph_controller *c, enum tph_queue queue, int64_t *since_us, int64_t *ret_began_us)
{
    if (c->measures && *since_us > 0) {
        tph_series_observe(c->measures->queues[queue].latency, since(*since_us));
        *ret_began_us = tph_clock_monotonic_us();
    }
    *since_us = 0;
}

void tph_measure_done(struct tph_controller *c, enum tph_queue queue, int64_t *began_us)
{
    if (c->measures && *began_us > 0) {
        tph_series_observe(c->measures->queues[queue].duration, since(*began_us));
    }
    *began_us = 0;
}

void tph_measure_retry(struct tph_controller *c, enum tph_queue queue)
{
    if (c->measures) {
        tph_series_add(c->measures->queues[queue].retries, 1);
    }
}

/* ---- life ---- */

struct measures *tph_measures_new(struct tph_controller *c, struct tph_metrics *metrics)
{
    struct measures *m = TPH_NEW(struct measures);
    m->controller = c;
    m->metrics = metrics;
    m->total = tph_metric_new(metrics, &TOTAL);
    m->gauge = tph_metric_new(metrics, &GAUGE);
    m->errors = tph_metric_new(metrics, &ERRORS);
    m->triggered = tph_metric_new(metrics, &TRIGGERED);
    m->policy = tph_metric_new(metrics, &POLICY);
    m->operation = tph_metric_of(tph_metric_new(metrics, &OPERATION), NULL);
    static const char *const causes[] = {"OperationPanic", "CronWorkflowSubmissionError", "CronWorkflowSpecError"};
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        tph_series_add(tph_metric_of(m->errors, causes[i], NULL), 0);
    }
    for (int i = 0; i < TPH_QUEUE_COUNT; i++) {
        m->queues[i] = (struct queue){
            .depth = tph_metric_of(tph_metric_new(metrics, &DEPTH), QUEUES[i], NULL),
            .adds = tph_metric_of(tph_metric_new(metrics, &ADDS), QUEUES[i], NULL),
            .latency = tph_metric_of(tph_metric_new(metrics, &LATENCY), QUEUES[i], NULL),
            .duration = tph_metric_of(tph_metric_new(metrics, &DURATION), QUEUES[i], NULL),
            .longest = tph_metric_of(tph_metric_new(metrics, &LONGEST), QUEUES[i], NULL),
            .unfinished = tph_metric_of(tph_metric_new(metrics, &UNFINISHED), QUEUES[i], NULL),
            .retries = tph_metric_of(tph_metric_new(metrics, &RETRIES), QUEUES[i], NULL),
        };
    }
    tph_metrics_on_write(metrics, look, m);
    return m;
}

void tph_measures_free(struct measures *m)
{
    if (m) {
        tph_metrics_forget(m->metrics, m);
        free(m);
    }
}
