/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of plugins. */
#include "world.h"

static const char *const two[] = {"x", "y"};

#define NOT_MINE ANSWER(OK_10("{}"))
#define BUSY     ANSWER("HTTP/1.1 503 Busy\r\n\r\n")

static void told(struct tph_metrics *metrics, const char *line)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    tph_metrics_write(metrics, &text);
    if (!strstr(tph_buf_cstr(&text), line)) {
        fail_msg("%s is not in:\n%s", line, tph_buf_cstr(&text));
    }
}

static void calls_are_counted_by_their_outcome(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    struct world w;
    (void)state;
    world_open_with(&w, two, 2, &(struct world_options){.metrics = metrics});
    peer_play(&w.servers[0], STEPS(BUSY, ANSWER(OK_10("{\"node\":{\"phase\":\"Running\"},\"requeue\":\"1ms\"}")),
                                   ANSWER(OK_10(NODE("Succeeded", "done"))), NOT_MINE));
    peer_play(&w.servers[1], STEPS(ANSWER("HTTP/1.1 500 No\r\n\r\n")));
    world_submit(&w, "n", "x");
    world_run(&w);
    told(metrics, "tiphys_plugin_calls_total{namespace=\"ns\",plugin=\"x\",outcome=\"retried\"} 1\n");
    told(metrics, "tiphys_plugin_calls_total{namespace=\"ns\",plugin=\"x\",outcome=\"running\"} 1\n");
    told(metrics, "tiphys_plugin_calls_total{namespace=\"ns\",plugin=\"x\",outcome=\"final\"} 1\n");
    told(metrics, "tiphys_plugin_requeues_total{namespace=\"ns\",plugin=\"x\"} 1\n");
    told(metrics, "tiphys_plugin_call_duration_seconds_count{namespace=\"ns\",plugin=\"x\"} 3\n");
    world_submit(&w, "m", "y");
    world_run(&w);
    told(metrics, "tiphys_plugin_calls_total{namespace=\"ns\",plugin=\"y\",outcome=\"failed\"} 1\n");
    told(metrics, "tiphys_plugin_queue_depth{namespace=\"ns\",plugin=\"x\"} 0\n");
    told(metrics, "tiphys_plugin_calls_in_flight{namespace=\"ns\",plugin=\"x\"} 0\n");
    world_close(&w);
    told(metrics, "outcome=\"final\"} 1\n"); /* counters outlive the agent */
}

static void look(struct world *w, const struct tph_agent_event *event)
{
    if (event->kind == TPH_AGENT_RESULT) { /* the other of the two waits or is under way */
        told(w->options.metrics, "tiphys_plugin_queue_depth{namespace=\"ns\",plugin=\"x\"} 1\n");
        told(w->options.metrics, "tiphys_plugin_calls_in_flight{namespace=\"ns\",plugin=\"x\"} 0\n");
        w->on_event = NULL;
    }
}

static void the_queue_is_seen(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    struct world w;
    (void)state;
    world_open_with(&w, two, 1, &(struct world_options){.metrics = metrics, .calls_in_flight = 1});
    w.on_event = look;
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "1"))), ANSWER(OK_10(NODE("Succeeded", "2")))));
    world_submit(&w, "n", "x");
    world_submit(&w, "m", "x");
    world_run(&w);
    assert_null(w.on_event);
    world_close(&w);
}

static void restarts_are_counted(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    const struct tph_memory_act die = {.kind = TPH_MEMORY_EXIT, .code = 3}, live = {.kind = TPH_MEMORY_READY};
    struct world w;
    (void)state;
    world_open_with(&w, two, 1, &(struct world_options){.metrics = metrics});
    tph_memory_add_life(w.podrt, "x", &die, 1);
    tph_memory_add_life(w.podrt, "x", &die, 1);
    tph_memory_add_life(w.podrt, "x", &live, 1);
    peer_play(&w.servers[0], STEPS(ANSWER(OK_10(NODE("Succeeded", "1")))));
    world_submit(&w, "n", "x");
    world_run(&w);
    told(metrics, "tiphys_plugin_restarts_total{namespace=\"ns\",plugin=\"x\"} 2\n");
    told(metrics, "argo_workflows_pod_restarts_total{reason=\"Error\",condition=\"\",namespace=\"ns\"} 2\n");
    told(metrics, "argo_workflows_pods_gauge{phase=\"Running\"} 1\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_are_counted_by_their_outcome),
                                       cmocka_unit_test(the_queue_is_seen), cmocka_unit_test(restarts_are_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
