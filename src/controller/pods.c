/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of the API: one a sidecar, as it is now. They are views: who deletes or edits one changes nothing, and what an
 * earlier program left is taken out at the start, for its sidecars ended with it.
 *
 * Argo has a pod of its own for each workflow, called WORKFLOW-1340600742-agent. That name is understood here as the
 * sidecars that serve the workflow's namespace (tph_controller_agent_pod). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "controller/controller_internal.h"
#include "controller/pod_files.h"
#include "data/duration.h"
#include "data/time.h"

#define COMPONENT    "workflows.argoproj.io/component"
#define PLUGIN_LABEL "tiphys/plugin"
#define AGENT_SUFFIX "-1340600742-agent"
#define DEGRADED     "IsolationDegraded"

/* One sidecar's pod. */
struct pod {
    struct pods *pods;
    char *key; /* owned: "NAMESPACE/NAME"; ns and name point into it */
    struct tph_str ns, name;
    char *uid;                  /* owned */
    struct tph_plugin *plugin;  /* a reference */
    struct tph_agent_pod state; /* its texts are those above, and: */
    char *message, *degraded;   /* owned */
    int64_t created_ms, started_ms, ready_ms, degraded_ms;
    int64_t last_started_ms, ended_ms; /* of the life that ended last */
    bool there;                        /* in the store */
    bool writing, due, gone, failed;   /* failed: the last write, which is tried again */
};

struct pods {
    struct tph_controller *controller;
    struct tph_map by_key; /* -> struct pod, owned */
    char host[64];
    struct tph_timer *sweep; /* owned; NULL: no logs are kept */
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

/* As quantities are written: "500m", "2"; "128Mi", "1000". 0: there is none. */
static void put_amounts(struct tph_json_doc *doc, struct tph_json *resources, const char *key, int64_t milli,
                        int64_t bytes)
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti"};
    struct tph_json *amounts = tph_json_new_object(doc);
    char text[32];
    size_t unit = 0;
    if (milli > 0) {
        bool whole = milli % 1000 == 0;
        (void)snprintf(text, sizeof(text), "%lld%s", (long long)(whole ? milli / 1000 : milli), whole ? "" : "m");
        tph_json_set_cstr(doc, amounts, "cpu", text);
    }
    if (bytes > 0) {
        while (bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
            bytes /= 1024;
            unit++;
        }
        (void)snprintf(text, sizeof(text), "%lld%s", (long long)bytes, units[unit]);
        tph_json_set_cstr(doc, amounts, "memory", text);
    }
    if (milli > 0 || bytes > 0) {
        tph_json_set(doc, resources, key, amounts);
    }
}

static struct tph_json *container_resources(const struct tph_resources *r, struct tph_json_doc *doc)
{
    struct tph_json *resources = tph_json_new_object(doc);
    put_amounts(doc, resources, "limits", r->cpu_limit_milli, r->memory_limit);
    put_amounts(doc, resources, "requests", r->cpu_request_milli, r->memory_request);
    return resources;
}

/* [{"ip": "127.0.0.1"}] */
static struct tph_json *loopback(struct tph_json_doc *doc)
{
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json *one = tph_json_new_object(doc);
    tph_json_set_cstr(doc, one, "ip", "127.0.0.1");
    tph_json_append(doc, list, one);
    return list;
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
    if (c->n_args > 0) {
        tph_json_set(doc, object, "args", texts(doc, c->args, c->n_args));
    }
    for (size_t i = 0; i < c->n_ports; i++) {
        struct tph_json *port = tph_json_new_object(doc);
        tph_json_set(doc, port, "containerPort", tph_json_new_i64(doc, c->ports[i].port));
        tph_json_set_cstr(doc, port, "protocol", "TCP");
        tph_json_append(doc, ports, port);
    }
    tph_json_set(doc, object, "ports", ports);
    tph_json_set(doc, object, "resources", container_resources(&c->resources, doc));
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
    set_time(doc, terminated, "startedAt", pod->last_started_ms);
    set_time(doc, terminated, "finishedAt", pod->ended_ms);
    tph_json_set(doc, state, "terminated", terminated);
    return state;
}

/* Why it could not be started, in the words of a kubelet. */
static const char *failure(const char *message)
{
    static const struct {
        const char *part, *reason;
    } reasons[] = {{".image:", "ErrImageNeverPull"},
                   {".env", "CreateContainerConfigError"},
                   {"runAsNonRoot", "CreateContainerConfigError"},
                   {".command[0]", "RunContainerError"},
                   {".workingDir", "RunContainerError"}};
    for (size_t i = 0; message && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strstr(message, reasons[i].part)) {
            return reasons[i].reason;
        }
    }
    return "CreateContainerError";
}

/* Kubernetes' words: "back-off 10s restarting failed container=hello pod=hello-x7k2p_argo(UID)". */
static void put_backoff(const struct pod *pod, struct tph_json_doc *doc, struct tph_json *waiting)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(2));
    (void)tph_buf_puts(&text, "back-off ");
    tph_duration_write(pod->state.pause_ms * 1000000, &text);
    (void)tph_buf_printf(&text, " restarting failed container=%.*s pod=%.*s_%.*s(%s)",
                         TPH_FMT(pod->plugin->container.name), TPH_FMT(pod->name), TPH_FMT(pod->ns), pod->uid);
    tph_json_set_str(doc, waiting, "message", tph_buf_str(&text));
}

/* Its sidecar is not needed any more, or never came to be. */
static struct tph_json *final_state(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *state = tph_json_new_object(doc);
    struct tph_json *terminated = tph_json_new_object(doc);
    bool failed = pod->state.state == TPH_AGENT_POD_FAILED;
    tph_json_set(doc, terminated, "exitCode", tph_json_new_i64(doc, failed ? 128 : 0));
    tph_json_set_cstr(doc, terminated, "reason", failed ? failure(pod->message) : "Completed");
    if (pod->message) {
        tph_json_set_cstr(doc, terminated, "message", pod->message);
    }
    set_time(doc, terminated, "startedAt", pod->started_ms);
    set_time(doc, terminated, "finishedAt", tph_controller_now_ms(pod->pods->controller));
    tph_json_set(doc, state, "terminated", terminated);
    return state;
}

static struct tph_json *present_state(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *state = tph_json_new_object(doc);
    struct tph_json *inner = tph_json_new_object(doc);
    if (pod->gone) {
        return final_state(pod, doc);
    }
    if (pod->state.state == TPH_AGENT_POD_RUNNING) {
        set_time(doc, inner, "startedAt", pod->started_ms);
        tph_json_set(doc, state, "running", inner);
        return state;
    }
    tph_json_set_cstr(doc, inner, "reason",
                      pod->state.state == TPH_AGENT_POD_STARTING  ? "ContainerCreating"
                      : pod->state.state == TPH_AGENT_POD_WAITING ? "CrashLoopBackOff"
                                                                  : failure(pod->message));
    if (pod->state.state == TPH_AGENT_POD_WAITING) {
        put_backoff(pod, doc, inner);
    } else if (pod->message) {
        tph_json_set_cstr(doc, inner, "message", pod->message);
    }
    tph_json_set(doc, state, "waiting", inner);
    return state;
}

static struct tph_json *container_status(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *object = tph_json_new_object(doc);
    bool runs = pod->state.state == TPH_AGENT_POD_RUNNING && !pod->gone;
    /* It is counted when it starts again, not when it ends. */
    int restarts = pod->state.restarts - (pod->state.state == TPH_AGENT_POD_WAITING ? 1 : 0);
    tph_json_set_str(doc, object, "name", pod->plugin->container.name);
    tph_json_set(doc, object, "state", present_state(pod, doc));
    tph_json_set(doc, object, "lastState", pod->state.reason ? ended_state(pod, doc) : tph_json_new_object(doc));
    tph_json_set(doc, object, "ready", tph_json_new_bool(doc, pod->state.ready && runs));
    tph_json_set(doc, object, "restartCount", tph_json_new_i64(doc, restarts));
    tph_json_set_str(doc, object, "image", pod->plugin->container.image);
    tph_json_set_cstr(doc, object, "imageID", "");
    tph_json_set(doc, object, "started", tph_json_new_bool(doc, runs));
    return object;
}

struct condition {
    const char *type;
    bool is;
    int64_t since_ms;
    const char *reason, *message; /* NULL: none */
};

static void add_condition(struct tph_json_doc *doc, struct tph_json *list, const struct condition *c)
{
    struct tph_json *condition = tph_json_new_object(doc);
    tph_json_set_cstr(doc, condition, "type", c->type);
    tph_json_set_cstr(doc, condition, "status", c->is ? "True" : "False");
    tph_json_set(doc, condition, "lastProbeTime", tph_json_new_null(doc));
    set_time(doc, condition, "lastTransitionTime", c->since_ms);
    if (c->reason) {
        tph_json_set_cstr(doc, condition, "reason", c->reason);
    }
    if (c->message) {
        tph_json_set_cstr(doc, condition, "message", c->message);
    }
    tph_json_append(doc, list, condition);
}

static struct tph_json *conditions(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *list = tph_json_new_array(doc);
    bool ready = pod->state.ready && !pod->gone;
    TPH_CLEANUP(tph_freep)
    char *unready = tph_format("containers with unready status: [%.*s]", TPH_FMT(pod->plugin->container.name));
    const char *why = ready ? NULL : pod->gone ? "PodCompleted" : "ContainersNotReady";
    const char *words = ready || pod->gone ? NULL : unready;
    add_condition(doc, list, &(struct condition){"Initialized", true, pod->created_ms, NULL, NULL});
    add_condition(doc, list, &(struct condition){"Ready", ready, pod->ready_ms, why, words});
    add_condition(doc, list, &(struct condition){"ContainersReady", ready, pod->ready_ms, why, words});
    add_condition(doc, list, &(struct condition){"PodScheduled", true, pod->created_ms, NULL, NULL});
    if (pod->degraded) {
        add_condition(doc, list,
                      &(struct condition){DEGRADED, true, pod->degraded_ms, "NotEnforcedHere", pod->degraded});
    }
    return list;
}

static const char *phase(const struct pod *pod)
{
    enum tph_agent_pod_state state = pod->state.state;
    if (pod->gone) {
        return state == TPH_AGENT_POD_FAILED ? "Failed" : "Succeeded";
    }
    return state == TPH_AGENT_POD_RUNNING || state == TPH_AGENT_POD_WAITING ? "Running" : "Pending";
}

static struct tph_json *pod_status(const struct pod *pod, struct tph_json_doc *doc)
{
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *containers = tph_json_new_array(doc);
    tph_json_set_cstr(doc, status, "phase", phase(pod));
    tph_json_set(doc, status, "conditions", conditions(pod, doc));
    tph_json_append(doc, containers, container_status(pod, doc));
    tph_json_set(doc, status, "containerStatuses", containers);
    tph_json_set_cstr(doc, status, "hostIP", "127.0.0.1");
    tph_json_set(doc, status, "hostIPs", loopback(doc));
    tph_json_set_cstr(doc, status, "podIP", "127.0.0.1");
    tph_json_set(doc, status, "podIPs", loopback(doc));
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
    if (pod->degraded) { /* kubectl describe shows of a condition that it is there, not its message */
        tph_json_set_cstr(doc, annotations, "tiphys/isolation-degraded", pod->degraded);
    }
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
    tph_json_set(doc, spec, "hostNetwork", tph_json_new_bool(doc, pod->state.host_network));
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
    if (result->outcome < 0) { /* whether it is there is not known: an update finds out */
        pod->failed = pod->there = true;
        tph_controller_lost(pod->pods->controller, LOST_PODS, result->error);
        return;
    }
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
    pod->due = pod->failed = false;
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

void tph_pods_again(struct pods *pods)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&pods->by_key, &at, &key, &value)) {
        struct pod *pod = value;
        if (pod->failed) {
            pod->failed = false;
            ask(pod);
        }
    }
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

/* Its log stays for a day; so does what is known of it. */
static void keep(const struct pod *pod)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (pod->pods->controller->options.logs_dir) {
        tph_json_write(pod_object(pod, doc), 0, &text);
        tph_pod_files_end(pod->pods->controller->options.logs_dir, pod->ns, pod->name, tph_buf_str(&text));
    }
}

void tph_pods_note(struct tph_controller *c, const struct tph_agent_pod *state, const struct tph_plugin *plugin)
{
    struct pod *pod = c->pods ? pod_of(c->pods, state, plugin) : NULL;
    if (!pod) {
        return;
    }
    int64_t now_ms = tph_controller_now_ms(c);
    bool began = state->state == TPH_AGENT_POD_RUNNING && pod->state.state != TPH_AGENT_POD_RUNNING;
    bool gone = state->state == TPH_AGENT_POD_GONE;
    if (state->state == TPH_AGENT_POD_WAITING) {
        pod->last_started_ms = pod->started_ms;
        pod->ended_ms = now_ms;
    }
    pod->started_ms = began || pod->started_ms == 0 ? now_ms : pod->started_ms;
    pod->ready_ms = pod->ready_ms == 0 || state->ready != pod->state.ready ? now_ms : pod->ready_ms;
    pod->degraded_ms = state->degraded.len > 0 && !pod->degraded ? now_ms : pod->degraded_ms;
    enum tph_agent_pod_state before = pod->state.state;
    pod->state = *state;
    pod->state.state = gone ? before : state->state; /* how it was */
    pod->gone = gone;
    if (!gone) {
        replace(&pod->message, state->message);
        replace(&pod->degraded, state->degraded);
    } else {
        keep(pod);
    }
    ask(pod);
}

/* ---- by name ---- */

bool tph_controller_has_pod(const struct tph_controller *c, struct tph_str ns, struct tph_str name, struct tph_str uid)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    const struct pod *pod = c->pods ? tph_map_get(&c->pods->by_key, tph_str(key)) : NULL;
    return pod && !pod->gone && tph_str_eqz(uid, pod->uid);
}

/* A copy of what a text says, or NULL. */
static struct tph_json *read_into(struct tph_json_doc *doc, struct tph_str text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *read = NULL;
    return tph_json_parse(text, &read, NULL) < 0 ? NULL : tph_json_copy(doc, tph_json_root(read));
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

/* The pod that serves a namespace with this container and lives. */
static const struct pod *living(const struct pods *pods, struct tph_str ns, struct tph_str container)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&pods->by_key, &at, &key, &value)) {
        const struct pod *pod = value;
        if (serves(pod, ns) && (container.len == 0 || tph_str_eq(pod->plugin->container.name, container))) {
            return pod;
        }
    }
    return NULL;
}

static void add_pod(struct tph_json_doc *doc, struct tph_json **root, struct tph_json *pod)
{
    if (!*root) {
        *root = pod;
        return;
    }
    tph_json_append(doc, tph_json_path(*root, "spec", "containers", NULL),
                    tph_json_at(tph_json_path(pod, "spec", "containers", NULL), 0));
    tph_json_append(doc, tph_json_path(*root, "status", "containerStatuses", NULL),
                    tph_json_at(tph_json_path(pod, "status", "containerStatuses", NULL), 0));
}

struct gathering {
    const struct pods *pods;
    struct tph_str ns;
    struct tph_json_doc *doc;
    struct tph_json *root;
};

/* The newest that has ended of each plugin that has none alive. */
static void add_ended(void *owner, struct tph_str text)
{
    struct gathering *g = owner;
    struct tph_json *pod = read_into(g->doc, text);
    struct tph_str name = tph_json_get_str(tph_json_at(tph_json_path(pod, "spec", "containers", NULL), 0), "name");
    struct tph_json_iter it = tph_json_iter(tph_json_path(g->root, "spec", "containers", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return;
        }
    }
    add_pod(g->doc, &g->root, pod);
}

static bool is_workflow(struct tph_controller *c, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = ns, .name = name};
    return name.len > 0 && tph_store_get(c->store, &key, 0, &object, NULL) == 0;
}

static struct tph_json *ended_pod(const struct tph_controller *c, struct tph_str ns, struct tph_str name,
                                  struct tph_json_doc *doc)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    return c->options.logs_dir && tph_pod_files_read(c->options.logs_dir, ns, name, &text)
               ? read_into(doc, tph_buf_str(&text))
               : NULL;
}

struct tph_json *tph_controller_agent_pod(struct tph_controller *c, struct tph_str ns, struct tph_str name,
                                          struct tph_json_doc *doc)
{
    struct tph_str workflow = workflow_of(name);
    struct gathering g = {.pods = c->pods, .ns = ns, .doc = doc};
    if (!c->pods || !is_workflow(c, ns, workflow)) {
        return c->pods ? ended_pod(c, ns, name, doc) : NULL;
    }
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&c->pods->by_key, &at, &key, &value)) {
        if (serves(value, ns)) {
            add_pod(doc, &g.root, pod_object(value, doc));
        }
    }
    if (c->options.logs_dir) {
        tph_pod_files_each(c->options.logs_dir, ns, add_ended, &g);
    }
    if (g.root) {
        struct tph_json *meta = tph_json_get(g.root, "metadata");
        tph_json_set_str(doc, meta, "name", name);
        tph_json_set_str(doc, tph_json_get(meta, "labels"), "workflows.argoproj.io/workflow", workflow);
    }
    return g.root;
}

/* The pod that is really meant: an agent's name stands for several. False: nobody knows it. */
static bool real_name(struct tph_controller *c, struct tph_str ns, struct tph_str name, struct tph_str container,
                      struct tph_buf *ret_name)
{
    if (!is_workflow(c, ns, workflow_of(name))) {
        (void)tph_buf_put(ret_name, name);
        return true;
    }
    const struct pod *pod = living(c->pods, ns, container);
    if (pod) {
        (void)tph_buf_put(ret_name, pod->name);
    }
    return pod || (c->options.logs_dir && tph_pod_files_newest(c->options.logs_dir, ns, container, ret_name));
}

bool tph_controller_pod_log(struct tph_controller *c, struct tph_str ns, struct tph_str name, struct tph_str container,
                            size_t max_lines, struct tph_buf *lines)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf real = TPH_BUF_INIT(TPH_KIB(1));
    return c->pods && real_name(c, ns, name, container, &real) &&
           tph_agent_pod_log(c->agent, ns, tph_buf_str(&real), max_lines, lines);
}

bool tph_controller_pod_log_files(struct tph_controller *c, struct tph_str ns, struct tph_str name,
                                  struct tph_str container, struct tph_pod_log_files *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf real = TPH_BUF_INIT(TPH_KIB(1));
    return c->pods && c->options.logs_dir && real_name(c, ns, name, container, &real) &&
           tph_pod_files_log(c->options.logs_dir, ns, tph_buf_str(&real), container, ret);
}

/* ---- life ---- */

static void deleted(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result;
}

/* The server was killed, and its sidecars with it. */
static void keep_lost(const struct tph_controller *c, const struct tph_store_object *object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *pod = read_into(doc, tph_buf_str(&object->text));
    struct tph_json *status = tph_json_get(pod, "status");
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "containerStatuses"));
    while (tph_json_next(&it)) {
        struct tph_json *state = tph_json_new_object(doc);
        struct tph_json *terminated = tph_json_new_object(doc);
        tph_json_set(doc, terminated, "exitCode", tph_json_new_i64(doc, 137));
        tph_json_set_cstr(doc, terminated, "reason", "ContainerStatusUnknown");
        tph_json_set_cstr(doc, terminated, "message", "the server ended before it");
        tph_json_set(doc, state, "terminated", terminated);
        tph_json_set(doc, it.value, "state", state);
        tph_json_set(doc, it.value, "ready", tph_json_new_bool(doc, false));
    }
    tph_json_set_cstr(doc, status, "phase", "Failed");
    tph_json_write(pod, 0, &text);
    tph_pod_files_end(c->options.logs_dir, object->key.ns, object->key.name, tph_buf_str(&text));
}

static bool take_out(void *owner, const struct tph_store_object *object)
{
    struct tph_controller *c = owner;
    if (tph_str_find(tph_buf_str(&object->text), TPH_STR("\"" PLUGIN_LABEL "\":")) >= 0) {
        struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = object->key};
        if (c->options.logs_dir) {
            keep_lost(c, object);
        }
        tph_controller_write(c, &change, 1, deleted, NULL, NULL);
    }
    return true;
}

static bool lives(void *owner, struct tph_str ns, struct tph_str name)
{
    struct pods *pods = owner;
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    const struct pod *pod = tph_map_get(&pods->by_key, tph_str(key));
    return pod && !pod->gone;
}

static void sweep(void *owner)
{
    struct pods *pods = owner;
    struct tph_controller *c = pods->controller;
    tph_pod_files_sweep(c->options.logs_dir, tph_controller_now_ms(c) - TPH_LIMIT_LOG_KEPT_MS, lives, pods);
    tph_timer_start(pods->sweep, TPH_LIMIT_LOG_SWEEP_MS);
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
    if (tph_store_list(c->store, &list, take_out, c, &page, err) < 0) {
        return -1;
    }
    if (c->options.logs_dir) {
        c->pods->sweep = tph_timer_new(c->loop, sweep, c->pods);
        sweep(c->pods);
    }
    return 0;
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
    tph_timer_free(pods->sweep);
    free(pods);
}
