/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of the API: one a sidecar, as it is now. They are views: who deletes or edits one changes nothing, and what an
 * earlier program left is taken out at the start, for its sidecars ended with it.
 *
 * Argo has a pod of its own for each workflow, called WORKFLOW-1340600742-agent. That name is understood here as the
 * sidecars that serve the workflow's namespace (tph_controller_agent_pod). */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "controller/controller_internal.h"
#include "data/time.h"

#define COMPONENT    "workflows.argoproj.io/component"
#define PLUGIN_LABEL "tiphys/plugin"
#define AGENT_SUFFIX "-1340600742-agent"

/* One sidecar's pod. */
struct pod {
    struct pods *pods;
    char *key; /* owned: "NAMESPACE/NAME"; ns and name point into it */
    struct tph_str ns, name;
    char *uid;                  /* owned */
    struct tph_plugin *plugin;  /* a reference */
    struct tph_agent_pod state; /* its texts are those above, and: */
    char *message, *degraded;   /* owned */
    int64_t created_ms, started_ms, ended_ms;
    bool there; /* in the store */
    bool writing, due, gone;
};

struct pods {
    struct tph_controller *controller;
    struct tph_map by_key; /* -> struct pod, owned */
    char host[64];
};

static void pod_free(struct pod *pod)
{
    (void)tph_map_remove(&pod->pods->by_key, tph_str(pod->key));
    tph_defer_cancel(pod->pods->controller->loop, pod);
    tph_plugin_unref(pod->plugin);
    free(pod->message);
    free(pod->degraded);
    free(pod->uid);
    free(pod->key);
    free(pod);
}

/* ---- the object ---- */

static void set_time(struct tph_json_doc *doc, struct tph_json *object, const char *key, int64_t ms)
{
    char text[TPH_TIME_TEXT];
    tph_time_format(ms, text);
    tph_json_set_cstr(doc, object, key, text);
}

static struct tph_json *texts(struct tph_json_doc *doc, const struct tph_str *list, size_t n)
{
    struct tph_json *array = tph_json_new_array(doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, array, tph_json_new_str(doc, list[i]));
    }
    return array;
}

static struct tph_json *container_spec(const struct pod *pod, struct tph_json_doc *doc)
{
    const struct tph_container *c = &pod->plugin->container;
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json *ports = tph_json_new_array(doc);
    tph_json_set_str(doc, object, "name", c->name);
    tph_json_set_str(doc, object, "image", c->image);
    if (c->n_command > 0) {
        tph_json_set(doc, object, "command", texts(doc, c->command, c->n_command));
    }
    for (size_t i = 0; i < c->n_ports; i++) {
        struct tph_json *port = tph_json_new_object(doc);
        tph_json_set(doc, port, "containerPort", tph_json_new_i64(doc, c->ports[i].port));
        tph_json_set_cstr(doc, port, "protocol", "TCP");
        tph_json_append(doc, ports, port);
    }
    tph_json_set(doc, object, "ports", ports);
    tph_json_set(doc, object, "resources", tph_json_new_object(doc));
    tph_json_set_cstr(doc, object, "imagePullPolicy", "IfNotPresent");
    tph_json_set_cstr(doc, object, "terminationMessagePath", "/dev/termination-log");
    tph_json_set_cstr(doc, object, "terminationMessagePolicy", "File");
    return object;
}

static struct tph_json *ended_state(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *state = tph_json_new_object(doc);
    struct tph_json *terminated = tph_json_new_object(doc);
    tph_json_set(doc, terminated, "exitCode", tph_json_new_i64(doc, pod->state.exit_code));
    tph_json_set_cstr(doc, terminated, "reason", pod->state.reason);
    set_time(doc, terminated, "startedAt", pod->started_ms);
    set_time(doc, terminated, "finishedAt", pod->ended_ms);
    tph_json_set(doc, state, "terminated", terminated);
    return state;
}

static struct tph_json *present_state(const struct pod *pod, struct tph_json_doc *doc)
{
    static const char *const reasons[] = {[TPH_AGENT_POD_STARTING] = "ContainerCreating",
                                          [TPH_AGENT_POD_WAITING] = "CrashLoopBackOff",
                                          [TPH_AGENT_POD_FAILED] = "CreateContainerError"};
    struct tph_json *state = tph_json_new_object(doc);
    struct tph_json *inner = tph_json_new_object(doc);
    if (pod->state.state == TPH_AGENT_POD_RUNNING) {
        set_time(doc, inner, "startedAt", pod->started_ms);
        tph_json_set(doc, state, "running", inner);
        return state;
    }
    tph_json_set_cstr(doc, inner, "reason", reasons[pod->state.state]);
    if (pod->message) {
        tph_json_set_cstr(doc, inner, "message", pod->message);
    }
    tph_json_set(doc, state, "waiting", inner);
    return state;
}

static struct tph_json *container_status(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_new_object(doc);
    bool runs = pod->state.state == TPH_AGENT_POD_RUNNING;
    tph_json_set_str(doc, object, "name", pod->plugin->container.name);
    tph_json_set(doc, object, "state", present_state(pod, doc));
    tph_json_set(doc, object, "lastState", pod->state.reason ? ended_state(pod, doc) : tph_json_new_object(doc));
    tph_json_set(doc, object, "ready", tph_json_new_bool(doc, pod->state.ready));
    tph_json_set(doc, object, "restartCount", tph_json_new_i64(doc, pod->state.restarts));
    tph_json_set_str(doc, object, "image", pod->plugin->container.image);
    tph_json_set_cstr(doc, object, "imageID", "");
    tph_json_set(doc, object, "started", tph_json_new_bool(doc, runs));
    return object;
}

static void add_condition(const struct pod *pod, struct tph_json_doc *doc, struct tph_json *list, const char *type,
                          bool is, const char *message)
{
    struct tph_json *condition = tph_json_new_object(doc);
    tph_json_set_cstr(doc, condition, "type", type);
    tph_json_set_cstr(doc, condition, "status", is ? "True" : "False");
    tph_json_set(doc, condition, "lastProbeTime", tph_json_new_null(doc));
    set_time(doc, condition, "lastTransitionTime", is && pod->started_ms ? pod->started_ms : pod->created_ms);
    if (message) {
        tph_json_set_cstr(doc, condition, "reason", type);
        tph_json_set_cstr(doc, condition, "message", message);
    }
    tph_json_append(doc, list, condition);
}

static struct tph_json *pod_status(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *conditions = tph_json_new_array(doc);
    struct tph_json *containers = tph_json_new_array(doc);
    bool runs = pod->state.state == TPH_AGENT_POD_RUNNING || pod->state.state == TPH_AGENT_POD_WAITING;
    tph_json_set_cstr(doc, status, "phase", runs ? "Running" : "Pending");
    add_condition(pod, doc, conditions, "Initialized", true, NULL);
    add_condition(pod, doc, conditions, "Ready", pod->state.ready, NULL);
    add_condition(pod, doc, conditions, "ContainersReady", pod->state.ready, NULL);
    add_condition(pod, doc, conditions, "PodScheduled", true, NULL);
    if (pod->degraded) {
        add_condition(pod, doc, conditions, "IsolationDegraded", true, pod->degraded);
    }
    tph_json_set(doc, status, "conditions", conditions);
    tph_json_append(doc, containers, container_status(pod, doc));
    tph_json_set(doc, status, "containerStatuses", containers);
    tph_json_set_cstr(doc, status, "hostIP", "127.0.0.1");
    tph_json_set_cstr(doc, status, "podIP", "127.0.0.1");
    tph_json_set_cstr(doc, status, "qosClass", "Burstable");
    set_time(doc, status, "startTime", pod->created_ms);
    return status;
}

static struct tph_json *metadata(const struct pod *pod, struct tph_str name, struct tph_json_doc *doc)
{
    struct tph_json *meta = tph_json_new_object(doc);
    struct tph_json *labels = tph_json_new_object(doc);
    struct tph_json *annotations = tph_json_new_object(doc);
    tph_json_set_str(doc, meta, "name", name);
    tph_json_set_str(doc, meta, "namespace", pod->ns);
    tph_json_set_cstr(doc, meta, "uid", pod->uid);
    set_time(doc, meta, "creationTimestamp", pod->created_ms);
    tph_json_set_cstr(doc, labels, PLUGIN_LABEL, "");
    tph_json_set_str(doc, labels, PLUGIN_LABEL, pod->plugin->name);
    tph_json_set_cstr(doc, labels, COMPONENT, "agent");
    tph_json_set(doc, meta, "labels", labels);
    tph_json_set_str(doc, annotations, "kubectl.kubernetes.io/default-container", pod->plugin->container.name);
    tph_json_set(doc, meta, "annotations", annotations);
    return meta;
}

static struct tph_json *pod_object(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *root = tph_json_new_object(doc);
    struct tph_json *spec = tph_json_new_object(doc);
    struct tph_json *containers = tph_json_new_array(doc);
    tph_json_set_cstr(doc, root, "apiVersion", "v1");
    tph_json_set_cstr(doc, root, "kind", "Pod");
    tph_json_set(doc, root, "metadata", metadata(pod, pod->name, doc));
    tph_json_append(doc, containers, container_spec(pod, doc));
    tph_json_set(doc, spec, "containers", containers);
    tph_json_set_cstr(doc, spec, "restartPolicy", "Always");
    tph_json_set(doc, spec, "terminationGracePeriodSeconds",
                 tph_json_new_i64(doc, pod->plugin->container.termination_grace_ms / 1000));
    tph_json_set_cstr(doc, spec, "dnsPolicy", "Default");
    tph_json_set_cstr(doc, spec, "nodeName", pod->pods->host);
    tph_json_set(doc, spec, "hostNetwork", tph_json_new_bool(doc, true));
    tph_json_set_cstr(doc, spec, "schedulerName", "tiphys");
    tph_json_set(doc, root, "spec", spec);
    tph_json_set(doc, root, "status", pod_status(pod, doc));
    return root;
}

/* ---- writing ---- */

static void write_pod(void *owner);

static void ask(struct pod *pod)
{
    if (!pod->due && !pod->writing) {
        tph_defer(pod->pods->controller->loop, write_pod, pod);
    }
    pod->due = true;
}

static void written(void *owner, const struct tph_store_result *result)
{
    struct pod *pod = owner;
    pod->writing = false;
    pod->there = result->outcome == TPH_STORE_DONE || result->outcome == TPH_STORE_EXISTS;
    if (result->outcome == TPH_STORE_NOT_FOUND && !pod->gone) {
        pod->due = true; /* a client deleted it: it is there again, for the sidecar is */
    }
    if (pod->due) {
        tph_defer(pod->pods->controller->loop, write_pod, pod);
    } else if (pod->gone) {
        pod_free(pod);
    }
}

static void write_pod(void *owner)
{
    struct pod *pod = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_store_change change = {.verb = pod->gone    ? TPH_STORE_DELETE
                                              : pod->there ? TPH_STORE_UPDATE
                                                           : TPH_STORE_CREATE,
                                      .key = {.resource = TPH_STR("pods"), .ns = pod->ns, .name = pod->name}};
    pod->due = false;
    if (!pod->gone) {
        tph_json_write(pod_object(pod, doc), 0, &text);
        change.text = tph_buf_str(&text);
    } else if (!pod->there) {
        pod_free(pod);
        return;
    }
    pod->writing = true;
    tph_controller_write(pod->pods->controller, &change, 1, written, NULL, pod);
}

/* ---- what the agent tells ---- */

static struct pod *pod_of(struct pods *pods, const struct tph_agent_pod *state, const struct tph_plugin *plugin)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(state->ns), TPH_FMT(state->name));
    struct pod *pod = tph_map_get(&pods->by_key, tph_str(key));
    if (pod || state->state == TPH_AGENT_POD_GONE) {
        return pod;
    }
    pod = TPH_NEW(struct pod);
    pod->pods = pods;
    pod->key = TPH_TAKE(key);
    pod->ns = tph_str_slice(tph_str(pod->key), 0, state->ns.len);
    pod->name = tph_str_slice(tph_str(pod->key), state->ns.len + 1, state->ns.len + 1 + state->name.len);
    pod->uid = tph_str_dup(state->uid);
    pod->plugin = tph_plugin_ref((struct tph_plugin *)(uintptr_t)plugin);
    pod->created_ms = tph_controller_now_ms(pods->controller);
    (void)tph_map_set(&pods->by_key, tph_str(pod->key), pod);
    return pod;
}

static void replace(char **text, struct tph_str now)
{
    free(*text);
    *text = now.len > 0 ? tph_str_dup(now) : NULL;
}

void tph_pods_note(struct tph_controller *c, const struct tph_agent_pod *state, const struct tph_plugin *plugin)
{
    struct pod *pod = c->pods ? pod_of(c->pods, state, plugin) : NULL;
    if (!pod) {
        return;
    }
    int64_t now_ms = tph_controller_now_ms(c);
    bool began = state->state == TPH_AGENT_POD_RUNNING && pod->state.state != TPH_AGENT_POD_RUNNING;
    pod->started_ms = began || pod->started_ms == 0 ? now_ms : pod->started_ms;
    pod->ended_ms = state->state == TPH_AGENT_POD_WAITING ? now_ms : pod->ended_ms;
    pod->state = *state;
    replace(&pod->message, state->message);
    replace(&pod->degraded, state->degraded);
    pod->gone = state->state == TPH_AGENT_POD_GONE;
    ask(pod);
}

/* ---- by name ---- */

bool tph_controller_has_pod(const struct tph_controller *c, struct tph_str ns, struct tph_str name, struct tph_str uid)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    const struct pod *pod = c->pods ? tph_map_get(&c->pods->by_key, tph_str(key)) : NULL;
    return pod && !pod->gone && tph_str_eqz(uid, pod->uid);
}

static bool serves(const struct pod *pod, struct tph_str ns)
{
    return !pod->gone && tph_str_eq(pod->ns, ns);
}

/* The workflow whose agent pod of Argo's that would be; empty: it is no such name. */
static struct tph_str workflow_of(struct tph_str name)
{
    struct tph_str suffix = TPH_STR(AGENT_SUFFIX);
    return tph_str_has_suffix(name, suffix) ? tph_str_slice(name, 0, name.len - suffix.len) : TPH_STR_NONE;
}

struct tph_json *tph_controller_agent_pod(struct tph_controller *c, struct tph_str ns, struct tph_str name,
                                          struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_str workflow = workflow_of(name);
    struct tph_store_key key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = ns, .name = workflow};
    struct tph_json *root = NULL;
    if (!c->pods || workflow.len == 0 || tph_store_get(c->store, &key, 0, &object, NULL) != 0) {
        return NULL;
    }
    size_t at = 0;
    struct tph_str at_key;
    void *value = NULL;
    while (tph_map_next(&c->pods->by_key, &at, &at_key, &value)) {
        const struct pod *pod = value;
        if (!serves(pod, ns)) {
            continue;
        }
        if (!root) {
            root = pod_object(pod, doc);
            struct tph_json *meta = metadata(pod, name, doc);
            tph_json_set_str(doc, tph_json_get(meta, "labels"), "workflows.argoproj.io/workflow", workflow);
            tph_json_set(doc, root, "metadata", meta);
            continue;
        }
        tph_json_append(doc, tph_json_path(root, "spec", "containers", NULL), container_spec(pod, doc));
        tph_json_append(doc, tph_json_path(root, "status", "containerStatuses", NULL), container_status(pod, doc));
    }
    return root;
}

bool tph_controller_pod_log(struct tph_controller *c, struct tph_str ns, struct tph_str name, struct tph_str container,
                            size_t max_lines, struct tph_buf *lines)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    if (!c->pods || workflow_of(name).len == 0) {
        return c->pods && tph_agent_pod_log(c->agent, ns, name, max_lines, lines);
    }
    while (tph_map_next(&c->pods->by_key, &at, &key, &value)) {
        const struct pod *pod = value;
        if (serves(pod, ns) && (container.len == 0 || tph_str_eq(pod->plugin->container.name, container))) {
            return tph_agent_pod_log(c->agent, ns, pod->name, max_lines, lines);
        }
    }
    return false;
}

/* ---- life ---- */

static void deleted(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result;
}

static bool take_out(void *owner, const struct tph_store_object *object)
{
    struct tph_controller *c = owner;
    if (tph_str_find(tph_buf_str(&object->text), TPH_STR("\"" PLUGIN_LABEL "\":")) >= 0) {
        struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = object->key};
        tph_controller_write(c, &change, 1, deleted, NULL, NULL);
    }
    return true;
}

int tph_pods_start(struct tph_controller *c, struct tph_error *err)
{
    struct tph_store_list list = {.key = {.resource = TPH_STR("pods")}};
    struct tph_store_page page;
    c->pods = TPH_NEW(struct pods);
    c->pods->controller = c;
    if (gethostname(c->pods->host, sizeof(c->pods->host) - 1) < 0) {
        (void)snprintf(c->pods->host, sizeof(c->pods->host), "localhost");
    }
    return tph_store_list(c->store, &list, take_out, c, &page, err) < 0 ? -1 : 0;
}

void tph_pods_free(struct pods *pods)
{
    if (!pods) {
        return;
    }
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&pods->by_key, &at, &key, &value)) {
        pod_free(value);
    }
    tph_map_release(&pods->by_key);
    free(pods);
}
