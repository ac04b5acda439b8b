/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins were asked and how it went, as counters in Prometheus' text format. Kept by the plugin's name and the
 * namespace of the workflows, whatever sidecars come and go. */
#include <inttypes.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"

static const char *const outcomes[TPH_VERDICT_COUNT] = {"result", "declined", "retry", "never", "fatal"};
/* Upper bounds of the histogram, in microseconds and as Prometheus has them. */
static const struct {
    int64_t us;
    const char *text;
} bounds[TPH_AGENT_BUCKETS] = {{1000, "0.001"}, {5000, "0.005"},  {25000, "0.025"}, {100000, "0.1"},
                               {500000, "0.5"}, {2500000, "2.5"}, {10000000, "10"}, {30000000, "30"}};

struct counts *tph_agent_counts(struct tph_agent *agent, const char *ns, const struct tph_plugin *plugin)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%s/%.*s", ns, TPH_FMT(plugin->name));
    struct counts *c = tph_map_get(&agent->counts, tph_str(key));
    if (!c) {
        c = TPH_NEW(struct counts);
        c->key = TPH_TAKE(key);
        c->plugin = tph_str_dup(plugin->name);
        c->ns = tph_strdup(ns);
        (void)tph_map_set(&agent->counts, tph_str(c->key), c);
    }
    return c;
}

void tph_agent_count_call(struct sidecar *s, enum tph_verdict verdict, int64_t took_us, bool requeued)
{
    struct counts *c = tph_agent_counts(s->agent, s->ns, s->plugin);
    c->calls[verdict]++;
    c->requeues += requeued ? 1 : 0;
    c->sum_us += took_us;
    for (size_t i = 0; i < TPH_AGENT_BUCKETS; i++) {
        c->buckets[i] += took_us <= bounds[i].us ? 1 : 0;
    }
}

void tph_agent_forget_counts(struct tph_agent *agent)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&agent->counts, &at, &key, &value)) {
        struct counts *c = value;
        free(c->key);
        free(c->plugin);
        free(c->ns);
        free(c);
    }
    tph_map_release(&agent->counts);
}

/* name{plugin="P",namespace="N"MORE} VALUE */
static void put(struct tph_buf *out, const char *name, const struct counts *c, const char *more, uint64_t value)
{
    (void)tph_buf_printf(out, "%s{namespace=\"%s\",plugin=\"%s\"%s} %" PRIu64 "\n", name, c->ns, c->plugin, more,
                         value);
}

static void put_calls(const struct counts *c, struct tph_buf *out)
{
    for (size_t i = 0; i < TPH_VERDICT_COUNT; i++) {
        TPH_CLEANUP(tph_freep) char *label = tph_format(",outcome=\"%s\"", outcomes[i]);
        put(out, "tiphys_plugin_calls_total", c, label, c->calls[i]);
    }
}

static void put_times(const struct counts *c, struct tph_buf *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < TPH_VERDICT_COUNT; i++) {
        n += c->calls[i];
    }
    for (size_t i = 0; i < TPH_AGENT_BUCKETS; i++) {
        TPH_CLEANUP(tph_freep) char *label = tph_format(",le=\"%s\"", bounds[i].text);
        put(out, "tiphys_plugin_call_seconds_bucket", c, label, c->buckets[i]);
    }
    put(out, "tiphys_plugin_call_seconds_bucket", c, ",le=\"+Inf\"", n);
    (void)tph_buf_printf(out, "tiphys_plugin_call_seconds_sum{namespace=\"%s\",plugin=\"%s\"} %.6f\n", c->ns, c->plugin,
                         (double)c->sum_us / 1e6);
    put(out, "tiphys_plugin_call_seconds_count", c, "", n);
}

static void put_requeues(const struct counts *c, struct tph_buf *out)
{
    put(out, "tiphys_plugin_requeues_total", c, "", c->requeues);
}

static void put_restarts(const struct counts *c, struct tph_buf *out)
{
    put(out, "tiphys_plugin_restarts_total", c, "", c->restarts);
}

static void put_depth(const struct counts *c, struct tph_buf *out)
{
    put(out, "tiphys_plugin_queue_depth", c, "", c->depth);
}

static void count_depths(struct tph_agent *agent)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&agent->counts, &at, &key, &value)) {
        ((struct counts *)value)->depth = 0;
    }
    for (struct sidecar *s = agent->sidecars; s; s = s->next) {
        tph_agent_counts(agent, s->ns, s->plugin)->depth += s->n_tasks;
    }
}

void tph_agent_metrics(struct tph_agent *agent, struct tph_buf *out)
{
    static const struct {
        const char *name, *type, *help;
        void (*put)(const struct counts *c, struct tph_buf *out);
    } families[] = {
        {"tiphys_plugin_calls_total", "counter", "Calls of template.execute by what their answer meant", put_calls},
        {"tiphys_plugin_call_seconds", "histogram", "How long calls of template.execute took", put_times},
        {"tiphys_plugin_requeues_total", "counter", "Answers that asked to be called again", put_requeues},
        {"tiphys_plugin_restarts_total", "counter", "How often sidecars ended and were started again", put_restarts},
        {"tiphys_plugin_queue_depth", "gauge", "Tasks that are with the plugin", put_depth},
    };
    count_depths(agent);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        size_t at = 0;
        struct tph_str key;
        void *value = NULL;
        (void)tph_buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", families[i].name, families[i].help, families[i].name,
                             families[i].type);
        while (tph_map_next(&agent->counts, &at, &key, &value)) {
            families[i].put(value, out);
        }
    }
}
