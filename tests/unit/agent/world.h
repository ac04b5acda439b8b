/* SPDX-License-Identifier: Apache-2.0 */
/* An agent over the in-memory runtime, with scripted servers in the place of plugins.
 *
 * Plugin i of a world is called names[i] and listens where servers[i] does; every server plays the steps it is given,
 * as they stand on the wire. What the agent tells is written to `told`, a line an event:
 *   result ID PHASE MESSAGE      warning TEXT
 * and what it says of sidecars to `said`: "PLUGIN MESSAGE". world_run goes on until all tasks are final; a watchdog
 * fails the test. Connections go through world_dial, so that a test can refuse them, or do something when one is
 * made: that is how it waits for the agent's next attempt. */
#pragma once

#include "base/limits.h"

#include "../http/peer.h"

#include "agent/agent.h"
#include "base/alloc.h"
#include "plugin/plugin.h"
#include "podrt/memory.h"

enum { WORLD_SERVERS = 3, WATCHDOG_MS = 60000 };

/* What differs from a world as most tests want it; 0 = as there. */
struct world_options {
    struct tph_metrics *metrics;
    const char *host;        /* where the servers listen: "127.0.0.1" */
    const char *annotations; /* of all plugins: members of a JSON object */
    bool configmaps;         /* the plugins come from ConfigMaps, whose names are as they are: no suffix */
    uint16_t declared_port;  /* of all plugins, in place of where the server listens */
    int64_t retry_pause_ms, poll_ms, ready_ms, idle_ms;
    int calls_in_flight;
};

struct world {
    struct tph_loop *loop;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_agent_workflow *workflow;
    struct peer servers[WORLD_SERVERS];
    struct tph_json_doc *manifests[WORLD_SERVERS];
    struct tph_plugin *plugins[WORLD_SERVERS];
    size_t n_servers;
    struct tph_timer *watchdog;
    struct tph_buf told;
    size_t n_left; /* tasks that are not final */
    bool keep;     /* go on when no task is left: the test stops the loop itself */
    void (*on_result)(struct world *w, const struct tph_agent_event *event); /* NULL: none */
    void (*on_event)(struct world *w, const struct tph_agent_event *event);  /* all of them; NULL: none */
    struct tph_buf said;
    struct world_options options;
    struct tph_podrt_ops ops; /* the runtime's, with our dial */
    int (*memory_dial)(struct tph_pod *pod, const char *host, uint16_t port);
    int (*on_dial)(struct world *w); /* before each connection to 127.0.0.1: 0, or -errno in its place; NULL: none */
    int64_t until_ms;                /* for tests that wait for a time of the loop */
    int dials;                       /* so far, this one counted */
};

static struct world *dialled_world; /* the one that is open */

static inline int world_dial(struct tph_pod *pod, const char *host, uint16_t port)
{
    struct world *w = dialled_world;
    if (strcmp(host, "127.0.0.1") == 0) {
        w->dials++;
        int failed = w->on_dial ? w->on_dial(w) : 0;
        if (failed < 0) {
            return failed;
        }
    }
    return w->memory_dial(pod, host, port);
}

static inline void world_event(void *owner, const struct tph_agent_event *event)
{
    struct world *w = owner;
    if (w->on_event) {
        w->on_event(w, event);
    }
    if (event->kind == TPH_AGENT_SIDECAR) {
        (void)tph_buf_printf(&w->said, "%.*s %.*s\n", TPH_FMT(event->plugin->name), TPH_FMT(event->message));
    }
    if (event->kind == TPH_AGENT_WARNING) {
        (void)tph_buf_printf(&w->told, "warning %.*s\n", TPH_FMT(event->message));
    }
    if (event->kind != TPH_AGENT_RESULT) {
        return;
    }
    struct tph_str phase = event->result->phase;
    (void)tph_buf_printf(&w->told, "result %.*s %.*s %.*s\n", TPH_FMT(event->node_id), TPH_FMT(phase),
                         TPH_FMT(event->result->message));
    if (w->on_result) {
        w->on_result(w, event);
    }
    if (!tph_str_eqz(phase, "Running") && !tph_str_eqz(phase, "Pending") && --w->n_left == 0 && !w->keep) {
        tph_loop_stop(w->loop);
    }
}

static inline void world_too_long(void *owner)
{
    struct world *w = owner;
    fail_msg("nothing more happened; told so far:\n%s%s", tph_buf_cstr(&w->told), tph_buf_cstr(&w->said));
}

#define WORLD_CONTAINER                                                                                       \
    "{\"name\":\"%s\",\"image\":\"x\",\"command\":[\"x\"],\"ports\":[{\"containerPort\":%u}],\"resources\":{" \
    "\"requests\":{\"cpu\":\"1\",\"memory\":\"1Mi\"},\"limits\":{\"cpu\":\"1\",\"memory\":\"1Mi\"}},"         \
    "\"securityContext\""                                                                                     \
    ":{\"runAsUser\":1}}"

static inline struct tph_plugin *world_plugin(struct world *w, size_t i, const char *name)
{
    char text[2048];
    char container[1024];
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_plugin *plugin = NULL;
    const char *annotations = w->options.annotations ? w->options.annotations : "";
    uint16_t port = w->options.declared_port ? w->options.declared_port : w->servers[i].port;
    (void)snprintf(container, sizeof(container), WORLD_CONTAINER, name, port);
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(4));
    tph_json_write_str(tph_str(container), 0, &quoted);
    if (w->options.configmaps) {
        (void)snprintf(
            text, sizeof(text),
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"annotations\":{%s},"
            "\"labels\":{\"workflows.argoproj.io/configmap-type\":\"ExecutorPlugin\"}},"
            "\"data\":{\"sidecar.container\":%s}}",
            name, annotations, tph_buf_cstr(&quoted));
    } else {
        (void)snprintf(
            text, sizeof(text),
            "{\"kind\":\"ExecutorPlugin\",\"apiVersion\":\"argoproj.io/v1alpha1\",\"metadata\":{\"name\":\"%s\","
            "\"annotations\":{%s}},\"spec\":{\"sidecar\":{\"container\":%s}}}",
            name, annotations, container);
    }
    assert_int_equal(tph_json_parse(tph_str(text), &w->manifests[i], &err), 0);
    struct tph_json *root = tph_json_root(w->manifests[i]);
    int failed = w->options.configmaps ? tph_plugin_from_configmap(root, NULL, &plugin, &err)
                                       : tph_plugin_from_manifest(root, NULL, NULL, &plugin, &err);
    if (failed < 0) {
        fail_msg("%s", err.text);
    }
    return plugin;
}

static inline int64_t or_else(int64_t value, int64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static inline void world_open_with(struct world *w, const char *const *names, size_t n,
                                   const struct world_options *differs)
{
    struct tph_error err = TPH_ERROR_INIT;
    *w = (struct world){
        .n_servers = n, .told = TPH_BUF_INIT(TPH_MIB(8)), .said = TPH_BUF_INIT(TPH_MIB(8)), .options = *differs};
    assert_int_equal(tph_loop_new(&w->loop, &err), 0);
    w->podrt = tph_podrt_memory_new(w->loop);
    w->ops = *w->podrt->ops;
    w->memory_dial = w->ops.dial;
    w->ops.dial = world_dial;
    w->podrt->ops = &w->ops;
    dialled_world = w;
    for (size_t i = 0; i < n; i++) {
        peer_listen(&w->servers[i], w->loop, differs->host ? differs->host : "127.0.0.1");
        w->servers[i].owner = w;
        w->plugins[i] = world_plugin(w, i, names[i]);
    }
    struct tph_agent_options options = {
        .podrt = w->podrt,
        .retry_pause_ms = or_else(differs->retry_pause_ms, 1),
        .poll_ms = or_else(differs->poll_ms, 1),
        .restart_base_ms = 1,
        .ready_ms = or_else(differs->ready_ms, 5000),
        .idle_ms = or_else(differs->idle_ms, TPH_LIMIT_IDLE_MS),
        .calls_in_flight = (int)or_else(differs->calls_in_flight, TPH_LIMIT_CALLS_IN_FLIGHT),
        .metrics = differs->metrics,
        .event = world_event,
        .owner = w,
    };
    w->agent = tph_agent_new(w->loop, &options);
    w->workflow = tph_agent_begin(w->agent, TPH_STR("wf"), TPH_STR("ns"), TPH_STR("u-1"), w->plugins, n);
    w->watchdog = tph_timer_new(w->loop, world_too_long, w);
}

static inline void world_open(struct world *w, const char *const *names, size_t n)
{
    world_open_with(w, names, n, &(struct world_options){.host = NULL});
}

static inline void world_close(struct world *w)
{
    tph_timer_free(w->watchdog);
    tph_agent_end(w->workflow);
    tph_agent_free(w->agent);
    tph_podrt_free(w->podrt);
    for (size_t i = 0; i < w->n_servers; i++) {
        peer_release(&w->servers[i]);
        tph_plugin_unref(w->plugins[i]);
        tph_json_doc_free(w->manifests[i]);
    }
    tph_loop_free(w->loop);
    tph_buf_release(&w->told);
    tph_buf_release(&w->said);
}

#define WORLD_TEMPLATE "{\"name\":\"t\",\"inputs\":{},\"outputs\":{},\"metadata\":{},\"plugin\":{\"x\":{}}}"

static inline void world_submit_template(struct world *w, const char *id, const char *key, struct tph_str template)
{
    struct tph_agent_task task = {
        .node_id = tph_str(id), .node_name = tph_str(id), .template_json = template, .key = tph_str(key)};
    w->n_left++;
    tph_agent_submit(w->workflow, &task);
}

static inline void world_submit(struct world *w, const char *id, const char *key)
{
    world_submit_template(w, id, key, TPH_STR(WORLD_TEMPLATE));
}

static inline void world_run(struct world *w)
{
    tph_timer_start(w->watchdog, WATCHDOG_MS);
    tph_loop_run(w->loop);
    tph_timer_stop(w->watchdog);
}

static inline void world_stop(void *owner)
{
    tph_loop_stop(((struct world *)owner)->loop);
}

/* All steps of server i were played. The last of them may come after the last task is final: it hears only then that
 * the agent closed. */
static inline void world_play_out(struct world *w, size_t i)
{
    if (w->servers[i].steps->op != PEER_END) {
        w->servers[i].finished = world_stop;
        world_run(w);
    }
    assert_int_equal(w->servers[i].steps->op, PEER_END);
}

static inline const char *world_told(const struct world *w)
{
    return tph_buf_cstr(&w->told);
}

/* One answer on a connection of its own, as Python's http.server gives it. */
#define ANSWER(head_and_body)                                     \
    {PEER_ACCEPT}, {PEER_READ_REQUEST}, SEND_TEXT(head_and_body), \
    {                                                             \
        PEER_CLOSE                                                \
    }
#define OK_10(body)          "HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\n\r\n" body
#define NODE(phase, message) "{\"node\":{\"phase\":\"" phase "\",\"message\":\"" message "\"}}"
