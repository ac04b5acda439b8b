/* SPDX-License-Identifier: Apache-2.0 */
/* A durable controller over a store in memory, with the pod runtime's twin in memory and one plugin in the test's own
 * loop. The controller and the agent can be taken away at any moment, as a crash does, and started anew on the store.
 *
 * The plugin answers every task; how often is said by the template: plugin {k: {polls: N, phase: P, result: R}}. N
 * answers are Running, with a requeue of 1 ms, then comes the last. Without a map there its answer hangs on the node's
 * name. Each call is counted by its idempotency key. The wall clock stands still but for world_pass. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "controller/controller.h"
#include "data/yaml.h"
#include "http/server.h"
#include "podrt/memory.h"

#define WALL_MS INT64_C(1700000000000)

struct seen_call {
    char key[256];
    unsigned calls; /* that had an answer */
    bool over;      /* its last answer was a final one */
};

struct world {
    struct tph_loop *loop;
    struct tph_store *store;
    struct tph_podrt *podrt;
    struct tph_agent *agent;
    struct tph_controller *controller;
    struct tph_http_server *server;
    struct tph_plugin *plugin;
    struct tph_json_doc *manifest;
    struct tph_timer *watchdog;
    struct tph_map calls; /* key -> struct seen_call, owned */
    unsigned n_calls;     /* in all */
    unsigned n_cancels;
    unsigned n_again;    /* calls for a task after its final answer: it was sent again */
    unsigned n_durable;  /* writes that are through, in this life */
    unsigned crash_at;   /* of those; 0 = never */
    unsigned answers;    /* of the plugin, in this life */
    unsigned crash_call; /* of those: before it is read; 0 = never */
    bool crashed;
    bool silent; /* the plugin keeps its answers to itself */
    bool (*until)(struct world *w);
    void (*on_node)(struct world *w, const struct tph_node *node); /* NULL: nothing happens */
    struct tph_http_exchange *held;                                /* of a silent plugin: the last call */
    struct tph_controller_options options;
    struct tph_settings settings; /* of the next start */
};

static int64_t world_wall_ms;
static inline int64_t world_clock(void)
{
    return world_wall_ms;
}

/* ---- the plugin ---- */

static inline struct seen_call *seen(struct world *w, const char *key)
{
    struct seen_call *s = tph_map_get(&w->calls, tph_str(key));
    if (!s) {
        s = TPH_NEW(struct seen_call);
        (void)snprintf(s->key, sizeof(s->key), "%s", key);
        (void)tph_map_set(&w->calls, tph_str(s->key), s);
    }
    return s;
}

static inline void plugin_answer(struct world *w, struct tph_http_exchange *x, const struct tph_json *body)
{
    const char *key = tph_http_exchange_header(x, "Idempotency-Key");
    struct seen_call *s = seen(w, key ? key : "none");
    const struct tph_json *k = tph_json_path(body, "template", "plugin", "k", NULL);
    struct tph_str name = tph_json_get_str(tph_json_get(body, "task"), "name");
    struct tph_str phase = tph_json_get_str(k, "phase");
    struct tph_str result = tph_json_get_str(k, "result");
    int64_t polls = 0;
    uint32_t hash = tph_fnv1a32(name);
    char text[512];
    if (!tph_json_is(k, TPH_JSON_OBJECT)) {
        polls = hash / 16 % 3;
        phase = hash % 9 == 0 ? TPH_STR("Failed") : TPH_STR("Succeeded");
    } else if (tph_json_to_i64(tph_json_get(k, "polls"), &polls) < 0) {
        polls = 0;
    }
    phase = phase.len > 0 ? phase : TPH_STR("Succeeded");
    result = result.len > 0 ? result : TPH_STR("1");
    w->n_calls++;
    w->n_again += s->over ? 1 : 0;
    int64_t calls = 0;
    (void)!tph_json_to_i64(tph_json_path(body, "task", "calls", NULL), &calls);
    s->calls++;
    if (calls < polls) {
        (void)snprintf(text, sizeof(text),
                       "{\"node\":{\"phase\":\"Running\",\"message\":\"poll %lld\"},\"requeue\":\"1ms\"}",
                       (long long)calls);
    } else {
        s->over = true;
        (void)snprintf(text, sizeof(text),
                       "{\"node\":{\"phase\":\"%.*s\",\"outputs\":{\"result\":\"%.*s\",\"parameters\":[{\"name\":\"o\","
                       "\"value\":\"v\"}]}}}",
                       TPH_FMT(phase), TPH_FMT(result));
    }
    tph_http_exchange_reply(x, &(struct tph_http_reply){.status = 200, .body = tph_str(text)});
    if (++w->answers == w->crash_call) {
        w->crashed = true; /* before the answer is read */
        tph_loop_stop(w->loop);
    }
}

static inline void world_check(void *owner);

static inline void plugin_request(void *owner, struct tph_http_exchange *x)
{
    struct world *w = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (strcmp(tph_http_exchange_target(x), TPH_RPC_CANCEL) == 0) {
        w->n_cancels++;
        tph_defer(w->loop, world_check, w);
        tph_http_exchange_reply(x, &(struct tph_http_reply){.status = 200, .body = TPH_STR("{}")});
        return;
    }
    if (w->silent) {
        const char *key = tph_http_exchange_header(x, "Idempotency-Key");
        (void)seen(w, key ? key : "none");
        w->n_calls++;
        w->held = x;
        tph_defer(w->loop, world_check, w);
        return;
    }
    assert_int_equal(tph_json_parse(tph_http_exchange_body(x), &doc, NULL), 0);
    plugin_answer(w, x, tph_json_root(doc));
}

/* ---- lives ---- */

static inline void world_check(void *owner)
{
    struct world *w = owner;
    if (w->until && w->until(w)) {
        tph_loop_stop(w->loop);
    }
}

static inline void world_durable(void *owner, const struct tph_shown *workflow, uint64_t version)
{
    struct world *w = owner;
    (void)workflow;
    (void)version;
    if (++w->n_durable == w->crash_at) {
        w->crashed = true;
        tph_loop_stop(w->loop);
    }
    tph_defer(w->loop, world_check, w);
}

static inline void world_ended(void *owner, const struct tph_shown *workflow)
{
    struct world *w = owner;
    (void)workflow;
    tph_defer(w->loop, world_check, w);
}

static inline void world_node(void *owner, const struct tph_shown *workflow, const struct tph_node *node)
{
    struct world *w = owner;
    (void)workflow;
    if (w->on_node) {
        w->on_node(w, node);
    }
}

static inline void world_agent(void *owner, const struct tph_agent_event *event)
{
    struct world *w = owner;
    (void)event;
    tph_defer(w->loop, world_check, w);
}

static inline size_t world_plugins(void *owner, const struct tph_json *workflow, struct tph_plugin **out, size_t max)
{
    struct world *w = owner;
    (void)workflow;
    assert_true(max > 0);
    out[0] = w->plugin;
    return 1;
}

static inline void world_too_long(void *owner)
{
    (void)owner;
    fail_msg("nothing more happened");
}

/* A controller and an agent on the store. */
static inline void world_start(struct world *w)
{
    struct tph_error err = TPH_ERROR_INIT;
    w->n_durable = 0;
    w->answers = 0;
    w->crashed = false;
    w->podrt = tph_podrt_memory_new(w->loop);
    w->options.settings = &w->settings;
    w->controller = tph_controller_new(w->loop, &w->options);
    struct tph_agent_options options = {
        .podrt = w->podrt,
        .retry_pause_ms = 1,
        .poll_ms = 1,
        .restart_base_ms = 1,
        .ready_ms = 5000,
        .idle_ms = TPH_LIMIT_IDLE_MS,
        .calls_in_flight = TPH_LIMIT_CALLS_IN_FLIGHT,
        .event = tph_controller_agent_event,
        .owner = w->controller,
    };
    w->agent = tph_agent_new(w->loop, &options);
    if (tph_controller_start(w->controller, w->agent, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

/* As kill -9 does: nothing of them is asked. */
static inline void world_crash(struct world *w)
{
    tph_controller_free(TPH_TAKE(w->controller));
    tph_agent_free(TPH_TAKE(w->agent));
    tph_podrt_free(TPH_TAKE(w->podrt));
}

static inline void world_open(struct world *w)
{
    static const struct tph_http_handler handler = {.request = plugin_request};
    struct tph_error err = TPH_ERROR_INIT;
    char text[1024];
    world_wall_ms = WALL_MS;
    *w = (struct world){.loop = NULL};
    assert_int_equal(tph_loop_new(&w->loop, &err), 0);
    w->store = tph_store_memory_new(w->loop, NULL);
    struct tph_http_server_config config = {.host = "127.0.0.1", .handler = &handler, .owner = w};
    assert_int_equal(tph_http_server_new(w->loop, &config, &w->server, &err), 0);
    (void)snprintf(
        text, sizeof(text),
        "{\"kind\":\"ExecutorPlugin\",\"apiVersion\":\"argoproj.io/v1alpha1\",\"metadata\":{\"name\":\"k\"},"
        "\"spec\":{\"sidecar\":{\"container\":{\"name\":\"k\",\"image\":\"x\",\"command\":[\"x\"],\"ports\":[{"
        "\"containerPort\":%u}],\"resources\":{\"requests\":{\"cpu\":\"1\",\"memory\":\"1Mi\"},\"limits\":{"
        "\"cpu\":\"1\",\"memory\":\"1Mi\"}},\"securityContext\":{\"runAsUser\":1}}}}}",
        tph_http_server_port(w->server));
    assert_int_equal(tph_json_parse(tph_str(text), &w->manifest, &err), 0);
    if (tph_plugin_from_manifest(tph_json_root(w->manifest), NULL, NULL, &w->plugin, &err) < 0) {
        fail_msg("%s", err.text);
    }
    tph_settings_init(&w->settings);
    w->options = (struct tph_controller_options){
        .store = w->store,
        .observer =
            {.node = world_node, .durable = world_durable, .ended = world_ended, .agent = world_agent, .owner = w},
        .plugins = world_plugins,
        .owner = w,
        .executor_plugins = true,
        .clock = world_clock,
    };
    w->watchdog = tph_timer_new(w->loop, world_too_long, w);
}

static inline void world_close(struct world *w)
{
    size_t at = 0;
    struct tph_str key;
    void *call = NULL;
    if (w->controller) {
        world_crash(w);
    }
    tph_settings_release(&w->settings);
    tph_timer_free(w->watchdog);
    for (int i = 0; i < 3; i++) { /* what was written is answered: the store would forget it, with what waits for it */
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_NOWAIT);
    }
    tph_http_server_free(w->server);
    tph_defer_cancel(w->loop, w);
    while (tph_map_next(&w->calls, &at, &key, &call)) {
        free(call);
    }
    tph_map_release(&w->calls);
    tph_plugin_unref(w->plugin);
    tph_json_doc_free(w->manifest);
    tph_loop_stop(w->loop);
    tph_store_free(w->store);
    tph_loop_free(w->loop);
}

static inline void world_run(struct world *w, bool (*until)(struct world *w))
{
    w->until = until;
    tph_timer_start(w->watchdog, 60000);
    tph_defer(w->loop, world_check, w);
    tph_loop_run(w->loop);
    tph_timer_stop(w->watchdog);
}

static inline bool all_is_over(struct world *w)
{
    return tph_controller_n_running(w->controller) == 0;
}

/* ---- the store ---- */

static inline void world_written(void *owner, const struct tph_store_result *result)
{
    int *outcome = owner;
    *outcome = result->outcome == -1 ? -100 : result->outcome;
    if (result->error && result->outcome == -1) {
        (void)fprintf(stderr, "%s\n", result->error->text);
    }
}

/* Writes one object as a client would and waits for the answer. */
static inline int world_write(struct world *w, enum tph_store_verb verb, const char *resource, const char *ns,
                              const char *name, struct tph_str text)
{
    int outcome = -1;
    struct tph_store_change change = {
        .verb = verb, .key = {.resource = tph_str(resource), .ns = tph_str(ns), .name = tph_str(name)}, .text = text};
    tph_store_write(w->store, &change, 1, world_written, &outcome);
    while (outcome == -1) {
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_ONCE);
    }
    return outcome;
}

static inline void world_put(struct world *w, const char *yaml)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(tph_str(yaml), 0, &doc, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    TPH_CLEANUP(tph_freep)
    char *name = tph_str_dup(tph_json_get_str(tph_json_get(tph_json_root(doc), "metadata"), "name"));
    tph_json_write(tph_json_root(doc), TPH_JSON_SORTED, &text);
    assert_int_equal(world_write(w, TPH_STORE_CREATE, TPH_CONTROLLER_WORKFLOWS, "d", name, tph_buf_str(&text)),
                     TPH_STORE_DONE);
}

/* An edit of the object that is in the store, as a client makes it. */
typedef void world_edit_fn(struct tph_json_doc *doc, struct tph_json **object);

static inline struct tph_str world_edited(struct world *w, const char *name, world_edit_fn *edit, struct tph_buf *text)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_store_key key = {
        .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = TPH_STR("d"), .name = tph_str(name)};
    assert_int_equal(tph_store_get(w->store, &key, 0, &object, NULL), 0);
    assert_int_equal(tph_json_parse(tph_buf_str(&object.text), &doc, NULL), 0);
    struct tph_json *root = tph_json_root(doc);
    edit(doc, &root);
    tph_json_write(root, TPH_JSON_SORTED, text);
    return tph_buf_str(text);
}

static inline void world_edit(struct world *w, const char *name, world_edit_fn *edit)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    assert_int_equal(
        world_write(w, TPH_STORE_UPDATE, TPH_CONTROLLER_WORKFLOWS, "d", name, world_edited(w, name, edit, &text)),
        TPH_STORE_DONE);
}

/* The object as it is in the store; the caller frees it. NULL: there is none. */
static inline char *world_text(struct world *w, const char *resource, const char *name)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = {.resource = tph_str(resource), .ns = TPH_STR("d"), .name = tph_str(name)};
    struct tph_error err = TPH_ERROR_INIT;
    int r = tph_store_get(w->store, &key, 0, &object, &err);
    if (r < 0) {
        fail_msg("%s", err.text);
    }
    return r == 0 ? tph_buf_take(&object.text, NULL) : NULL;
}

static inline struct tph_json_doc *world_object(struct world *w, const char *name)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, name);
    struct tph_json_doc *doc = NULL;
    assert_non_null(text);
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

static inline struct tph_str status_of(const struct tph_json_doc *doc, const char *what)
{
    return tph_json_get_str(tph_json_get(tph_json_root(doc), "status"), what);
}

static inline void assert_phase(struct world *w, const char *name, const char *phase)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = world_object(w, name);
    TPH_CLEANUP(tph_freep) char *now = tph_str_dup(status_of(doc, "phase"));
    assert_string_equal(now, phase);
}
