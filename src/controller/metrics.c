/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the controller in Prometheus' text format: Argo's names where it has them (argo 4.9), then ours. */
#include <inttypes.h>

#include "base/alloc.h"
#include "controller/controller_internal.h"

struct total {
    char *key; /* owned: "PHASE/NAMESPACE", as the next */
    char *phase, *ns;
    uint64_t n;
};

void tph_count_phase(struct tph_controller *c, struct tph_str ns, const char *phase)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%s/%.*s", phase, TPH_FMT(ns));
    struct total *total = tph_map_get(&c->totals, tph_str(key));
    if (!total) {
        total = TPH_NEW(struct total);
        total->key = TPH_TAKE(key);
        total->phase = tph_strdup(phase);
        total->ns = tph_str_dup(ns);
        (void)tph_map_set(&c->totals, tph_str(total->key), total);
    }
    total->n++;
}

void tph_forget_counts(struct tph_controller *c)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&c->totals, &at, &key, &value)) {
        struct total *total = value;
        free(total->key);
        free(total->phase);
        free(total->ns);
        free(total);
    }
    tph_map_release(&c->totals);
}

static void head(struct tph_buf *out, const char *name, const char *type, const char *help)
{
    (void)tph_buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct tph_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    (void)tph_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_gauge(const struct tph_controller *c, struct tph_buf *out)
{
    uint64_t running = 0;
    uint64_t pending = 0;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&c->by_key, &at, &key, &value)) {
        const struct carried *w = value;
        bool waits =
            w->state == CARRIED_WAITING || (w->shown.run && tph_run_phase(w->shown.run) == TPH_WORKFLOW_PENDING);
        pending += waits ? 1 : 0;
        running += !waits && w->state == CARRIED_RUNNING ? 1 : 0;
    }
    head(out, "argo_workflows_gauge", "gauge", "Number of workflows that are not over, by phase");
    (void)tph_buf_printf(out, "argo_workflows_gauge{phase=\"Pending\"} %" PRIu64 "\n", pending);
    (void)tph_buf_printf(out, "argo_workflows_gauge{phase=\"Running\"} %" PRIu64 "\n", running);
}

void tph_controller_metrics(struct tph_controller *controller, struct tph_buf *out)
{
    const struct tph_controller *c = controller;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    put_gauge(c, out);
    head(out, "argo_workflows_total_count", "counter", "Number of workflows that have come to a phase");
    while (tph_map_next(&c->totals, &at, &key, &value)) {
        const struct total *total = value;
        (void)tph_buf_printf(out, "argo_workflows_total_count{namespace=\"%s\",phase=\"%s\"} %" PRIu64 "\n", total->ns,
                             total->phase, total->n);
    }
    put_one(out, "tiphys_node_results_total", "counter", "Results of tasks that were applied", c->n_results);
    put_one(out, "tiphys_workflow_writes_total", "counter", "Writes of workflows that are durable", c->n_durable);
    put_one(out, "tiphys_workflow_conflicts_total", "counter", "Writes that somebody else was faster than",
            c->n_conflicts);
    put_one(out, "tiphys_workflow_write_errors_total", "counter", "Writes that the store could not make", c->n_errors);
    if (c->agent) {
        tph_agent_metrics(c->agent, out);
    }
}
