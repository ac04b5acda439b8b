/* SPDX-License-Identifier: Apache-2.0 */
/* An agent over the in-memory runtime, with scripted servers in the place of plugins.
 *
 * Plugin i of a world is called names[i] and listens where servers[i] does; every server plays the steps it is given,
 * as they stand on the wire. What the agent tells is written to `told`, a line an event:
 *   result ID PHASE MESSAGE      warning TEXT
 * world_run goes on until all tasks are final; a watchdog fails the test. */
#pragma once

#include "base/limits.h"

#include "../http/peer.h"

#include "agent/agent.h"
#include "base/alloc.h"
#include "plugin/plugin.h"
#include "podrt/memory.h"

enum { WORLD_SERVERS = 3, WATCHDOG_MS = 20000 };

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
};

static inline void world_event(void *owner, const struct tph_agent_event *event)
{
    struct world *w = owner;
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
    fail_msg("nothing more happened; told so far:\n%s", tph_buf_cstr(&w->told));
}

static inline struct tph_plugin *world_plugin(struct world *w, size_t i, const char *name)
{
    char text[1024];
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_plugin *plugin = NULL;
    (void)snprintf(
        text, sizeof(text),
        "{\"kind\":\"ExecutorPlugin\",\"apiVersion\":\"argoproj.io/v1alpha1\",\"metadata\":{\"name\":\"%s\"},"
        "\"spec\":{\"sidecar\":{\"container\":{\"name\":\"%s\",\"image\":\"x\",\"command\":[\"x\"],\"ports\":"
        "[{\"containerPort\":%u}],\"resources\":{\"requests\":{\"cpu\":\"1\",\"memory\":\"1Mi\"},\"limits\":"
        "{\"cpu\":\"1\",\"memory\":\"1Mi\"}},\"securityContext\":{\"runAsUser\":1}}}}}",
        name, name, w->servers[i].port);
    assert_int_equal(tph_json_parse(tph_str(text), &w->manifests[i], &err), 0);
    if (tph_plugin_from_manifest(tph_json_root(w->manifests[i]), NULL, NULL, &plugin, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return plugin;
}

static inline void world_open(struct world *w, const char *const *names, size_t n)
{
    struct tph_error err = TPH_ERROR_INIT;
    *w = (struct world){.n_servers = n, .told = TPH_BUF_INIT(TPH_MIB(8))};
    assert_int_equal(tph_loop_new(&w->loop, &err), 0);
    w->podrt = tph_podrt_memory_new(w->loop);
    for (size_t i = 0; i < n; i++) {
        peer_listen(&w->servers[i], w->loop, "127.0.0.1");
        w->plugins[i] = world_plugin(w, i, names[i]);
    }
    struct tph_agent_options options = {
        .podrt = w->podrt,
        .retry_pause_ms = 1,
        .poll_ms = 1,
        .restart_base_ms = 1,
        .ready_ms = 5000,
        .calls_in_flight = TPH_LIMIT_CALLS_IN_FLIGHT,
        .event = world_event,
        .owner = w,
    };
    w->agent = tph_agent_new(w->loop, &options);
    w->workflow = tph_agent_begin(w->agent, TPH_STR("wf"), TPH_STR("ns"), TPH_STR("u-1"), w->plugins, n);
    w->watchdog = tph_timer_new(w->loop, world_too_long, w);
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
}

#define WORLD_TEMPLATE "{\"name\":\"t\",\"inputs\":{},\"outputs\":{},\"metadata\":{},\"plugin\":{\"x\":{}}}"

static inline void world_submit(struct world *w, const char *id, const char *key)
{
    struct tph_agent_task task = {.node_id = tph_str(id),
                                  .node_name = tph_str(id),
                                  .template_json = TPH_STR(WORLD_TEMPLATE),
                                  .key = tph_str(key)};
    w->n_left++;
    tph_agent_submit(w->workflow, &task);
}

static inline void world_run(struct world *w)
{
    tph_timer_start(w->watchdog, WATCHDOG_MS);
    tph_loop_run(w->loop);
    tph_timer_stop(w->watchdog);
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
