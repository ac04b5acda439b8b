/* SPDX-License-Identifier: Apache-2.0 */
/* The agent alone: tasks a second through a real sidecar, without an engine and without a screen.
 *
 *   bench_agent DIR [N [ROUNDS]]    DIR: a plugin that is ready to run (plugin.yaml, server)
 *
 * Prints its port and token once it has answered, so that wrk can call the very same sidecar, then, for each line on
 * its standard input, the median of ROUNDS rounds of N tasks that are given all at once. Ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"

enum { TASKS = 1000, ROUNDS = 7, MOST_ROUNDS = 101 };

#define TEMPLATE \
    "{\"name\":\"echo\",\"inputs\":{},\"outputs\":{},\"metadata\":{},\"plugin\":{\"echo\":{\"text\":\"hi\"}}}"

struct bench {
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_plugin *plugin;
    struct tph_agent_workflow *workflow;
    struct tph_podrt_ops ops; /* the runtime's, with a start that shows us the token */
    int (*start)(struct tph_podrt *rt, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                 struct tph_pod **ret_pod, struct tph_error *err);
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    size_t n_left;
    uint32_t round; /* each has node ids of its own */
    bool failed;
};

static struct bench bench;

static int spy_start(struct tph_podrt *rt, const struct tph_pod_spec *spec, tph_pod_event_fn *event, void *owner,
                     struct tph_pod **ret_pod, struct tph_error *err)
{
    (void)snprintf(bench.token, sizeof(bench.token), "%s", spec->containers[0].token);
    return bench.start(rt, spec, event, owner, ret_pod, err);
}

static void on_event(void *owner, const struct tph_agent_event *event)
{
    struct bench *b = owner;
    if (event->kind != TPH_AGENT_RESULT) {
        return;
    }
    if (!tph_str_eqz(event->result->phase, "Succeeded")) {
        fprintf(stderr, "%.*s\n", TPH_FMT(event->result->message));
        b->failed = true;
    }
    if (--b->n_left == 0) {
        tph_loop_stop(b->loop);
    }
}

/* All of n tasks, given at once; returns the microseconds until the last one is done. */
static int64_t run_tasks(struct bench *b, size_t n)
{
    int64_t began_us = tph_clock_monotonic_us();
    b->n_left = n;
    b->round++;
    for (size_t i = 0; i < n; i++) {
        char id[48];
        (void)snprintf(id, sizeof(id), "fan-%u-%zu", b->round, i);
        tph_agent_submit(b->workflow, &(struct tph_agent_task){.node_id = tph_str(id),
                                                               .node_name = tph_str(id),
                                                               .template_json = TPH_STR(TEMPLATE),
                                                               .key = TPH_STR("echo")});
    }
    tph_loop_run(b->loop);
    return tph_clock_monotonic_us() - began_us;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void measure(struct bench *b, size_t n, size_t rounds)
{
    int64_t took_us[MOST_ROUNDS];
    for (size_t i = 0; i < rounds; i++) {
        took_us[i] = run_tasks(b, n);
    }
    qsort(took_us, rounds, sizeof(took_us[0]), compare);
    printf("%.0f tasks/s\n", (double)n * 1e6 / (double)took_us[rounds / 2]);
    (void)fflush(stdout);
}

static int open_bench(struct bench *b, const char *directory, struct tph_error *err)
{
    if (tph_plugin_from_directory(directory, &b->plugin, err) < 0 || tph_loop_new(&b->loop, err) < 0 ||
        tph_podrt_process_new(b->loop, NULL, &b->podrt, err) < 0) {
        return -1;
    }
    b->ops = *b->podrt->ops;
    b->start = b->ops.start;
    b->ops.start = spy_start;
    b->podrt->ops = &b->ops;
    struct tph_agent_options options = {
        .podrt = b->podrt,
        .network = TPH_NETWORK_HOST,
        .retry_pause_ms = TPH_LIMIT_CALL_PAUSE_MS,
        .poll_ms = TPH_LIMIT_POLL_MS,
        .ready_ms = TPH_LIMIT_READY_MS,
        .idle_ms = TPH_LIMIT_IDLE_MS,
        .calls_in_flight = TPH_LIMIT_CALLS_IN_FLIGHT,
        .event = on_event,
        .owner = b,
    };
    b->agent = tph_agent_new(b->loop, &options);
    b->workflow = tph_agent_begin(b->agent, TPH_STR("fan"), TPH_STR("default"),
                                  TPH_STR("11111111-2222-3333-4444-555555555555"), &b->plugin, 1);
    return 0;
}

static void close_bench(struct bench *b)
{
    if (b->workflow) {
        tph_agent_end(b->workflow);
    }
    tph_agent_free(b->agent);
    tph_podrt_free(b->podrt);
    tph_loop_free(b->loop);
    tph_plugin_unref(b->plugin);
}

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    struct tph_error err = TPH_ERROR_INIT;
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : TASKS;
    size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : ROUNDS;
    if (argc < 2 || n == 0 || rounds == 0 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "bench_agent DIR [N [ROUNDS]]\n");
        return 2;
    }
    if (open_bench(&bench, argv[1], &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)run_tasks(&bench, 1);
    printf("%u %s\n", bench.plugin->container.ports[0].port, bench.token);
    (void)fflush(stdout);
    char line[64];
    while (!bench.failed && fgets(line, sizeof(line), stdin)) {
        measure(&bench, n, rounds);
    }
    close_bench(&bench);
    return bench.failed ? 1 : 0;
}
