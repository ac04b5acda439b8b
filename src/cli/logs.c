/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "engine/run.h"
#include "kube/watch.h"

#define AGENT_SUFFIX   "-1340600742-agent"
#define PLUGIN_SUFFIX  "-executor-plugin"
#define WORKFLOW_LABEL "workflows.argoproj.io/workflow"

/* One container that is read. */
struct stream {
    struct tph_log_follow *logs;
    struct stream *next;
    char *key;             /* owned: "POD/CONTAINER" */
    char *pod, *container; /* owned */
    char *started;         /* owned: when the container that is read began; "" unknown */
    struct tph_kube_call *call;
    bool again;          /* it has begun anew since it was read first */
    bool answered;       /* the server has begun to answer */
    struct tph_buf line; /* the beginning of one */
};

struct tph_log_follow {
    struct tph_remote *remote;
    struct tph_log_ask ask;
    char *agent;           /* owned: the agent pod's name */
    struct tph_map wanted; /* names of containers, owned keys: of the workflow's plugins; empty: all */
    struct stream *streams;
    size_t n_running, n_looks; /* requests under way */
    bool found;                /* a container */
    bool draining;
    struct tph_kube_watch *watch;
    struct tph_kube_call *looks[2];
    bool look_again; /* something changed while they were under way */
    struct tph_timer *quiet;
    struct tph_error err; /* why there is nothing */
};

static void look(struct tph_log_follow *logs);

/* ---- which containers ---- */

/* templates: a list, or an object by names. */
static void want_plugins(struct tph_log_follow *logs, const struct tph_json *templates)
{
    struct tph_json_iter it = tph_json_iter(templates);
    while (tph_json_next(&it)) {
        const struct tph_json *plugin = tph_json_get(it.value, "plugin");
        struct tph_json_iter key = tph_json_iter(plugin);
        if (!tph_json_is(plugin, TPH_JSON_OBJECT) || !tph_json_next(&key)) {
            continue;
        }
        TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s" PLUGIN_SUFFIX, TPH_FMT(key.key));
        if (!tph_map_get(&logs->wanted, tph_str(name))) {
            char *kept = TPH_TAKE(name);
            (void)tph_map_set(&logs->wanted, tph_str(kept), kept);
        }
    }
}

static bool is_wanted(const struct tph_log_follow *logs, struct tph_str container, bool any)
{
    if (logs->ask.container) {
        return tph_str_eqz(container, logs->ask.container);
    }
    return any || tph_map_get(&logs->wanted, container);
}

/* ---- lines ---- */

static void put_line(struct stream *s, struct tph_str line)
{
    const struct tph_cli *cli = s->logs->remote->cli;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE * 8);
    if (tph_cli_is_argo(cli)) {
        (void)tph_buf_printf(&out, "%s: ", s->pod);
    } else if (s->logs->ask.prefix) {
        struct tph_str name = tph_str(s->container);
        if (tph_str_has_suffix(name, TPH_STR(PLUGIN_SUFFIX))) {
            name.len -= strlen(PLUGIN_SUFFIX);
        }
        (void)tph_buf_printf(&out, "%.*s | ", TPH_FMT(name));
    }
    if (cli->out_terminal && !tph_cli_is_argo(cli)) {
        (void)tph_utf8_printable(&out, line, 0);
    } else {
        (void)tph_buf_put(&out, line);
    }
    (void)tph_buf_putc(&out, '\n');
    (void)fwrite(tph_buf_cstr(&out), 1, out.len, stdout);
}

static void take_bytes(void *owner, struct tph_str bytes)
{
    struct stream *s = owner;
    s->answered = true;
    if (s->logs->draining && s->logs->ask.follow) {
        tph_timer_start(s->logs->quiet, TPH_LIMIT_LOG_DRAIN_MS);
    }
    while (bytes.len > 0) {
        ptrdiff_t end = tph_str_find_byte(bytes, '\n');
        struct tph_str piece = tph_str_slice(bytes, 0, end < 0 ? bytes.len : (size_t)end);
        bytes = tph_str_slice(bytes, piece.len + (end < 0 ? 0 : 1), bytes.len);
        bool full = tph_buf_put(&s->line, piece) < 0; /* a longer line is split, as the server does */
        if (end >= 0 || full) {
            put_line(s, tph_buf_str(&s->line));
            tph_buf_clear(&s->line);
            (void)tph_buf_put(&s->line, full ? piece : TPH_STR_NONE);
        }
    }
    (void)fflush(stdout);
}

static void looked(struct tph_log_follow *logs)
{
    logs->n_looks--;
    if (logs->n_looks == 0 && logs->look_again) {
        look(logs);
    }
}

static void look_whether_over(struct tph_log_follow *logs)
{
    if (logs->draining && logs->n_running == 0 && logs->n_looks == 0) {
        tph_loop_stop(logs->remote->loop);
    }
}

static void stream_done(void *owner, const struct tph_kube_answer *answer)
{
    struct stream *s = owner;
    struct tph_log_follow *logs = s->logs;
    s->call = NULL;
    logs->n_running--;
    if (s->line.len > 0) {
        put_line(s, tph_buf_str(&s->line));
        tph_buf_clear(&s->line);
    }
    /* 204: the container is known, and has said nothing. */
    if (answer->problem != TPH_KUBE_FINE && answer->problem != TPH_KUBE_BROKEN) {
        tph_cli_warn(logs->remote->cli, "%s: %s", s->key, answer->err->text);
    }
    look_whether_over(logs);
}

static void start_stream(struct stream *s)
{
    const struct tph_log_ask *ask = &s->logs->ask;
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    char seconds[32];
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)((ask->since_ms + 999) / 1000));
    tph_kube_path(&path, &tph_kube_pods, tph_str(s->logs->remote->ns), tph_str(s->pod), "log");
    tph_kube_query(&path, "container", tph_str(s->container));
    tph_kube_query(&path, "follow", ask->follow ? TPH_STR("true") : TPH_STR_NONE);
    tph_kube_query(&path, "previous", ask->previous ? TPH_STR("true") : TPH_STR_NONE);
    tph_kube_query(&path, "timestamps", ask->timestamps ? TPH_STR("true") : TPH_STR_NONE);
    tph_kube_query(&path, "sinceSeconds", ask->since_ms > 0 && !s->again ? tph_str(seconds) : TPH_STR_NONE);
    /* One that began anew is read whole, and what the one before it said is not read again. */
    tph_kube_query(&path, "sinceTime", tph_str(s->again ? s->started : ask->since_time));
    tph_kube_query(&path, "tailLines", s->again ? TPH_STR_NONE : tph_str(ask->tail));
    s->call = tph_kube_start(s->logs->remote->kube,
                             &(struct tph_kube_request){.path = tph_buf_str(&path),
                                                        .accept = "application/json, */*",
                                                        .timeout_ms = ask->follow ? 0 : s->logs->remote->timeout_ms,
                                                        .part = take_bytes},
                             stream_done, s);
    s->answered = false;
    s->logs->n_running++;
    s->logs->found = true;
}

/* A container that is read already, and has been seen once more: another one by now? */
static void follow_on(struct stream *s, struct tph_str started)
{
    if (s->call || !s->logs->ask.follow || started.len == 0 || tph_str_eqz(started, s->started)) {
        return;
    }
    free(s->started);
    s->started = tph_str_dup(started);
    s->again = true;
    start_stream(s);
}

/* Of a container that began at `started`, as far as that is known. */
static void add_stream(struct tph_log_follow *logs, struct tph_str pod, struct tph_str container,
                       struct tph_str started)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(pod), TPH_FMT(container));
    struct stream **end = &logs->streams;
    for (; *end; end = &(*end)->next) {
        if (strcmp((*end)->key, key) == 0) {
            follow_on(*end, started);
            return;
        }
    }
    struct stream *s = TPH_NEW(struct stream);
    *end = s;
    s->logs = logs;
    s->key = TPH_TAKE(key);
    s->pod = tph_str_dup(pod);
    s->container = tph_str_dup(container);
    s->started = tph_str_dup(started);
    s->line = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
    start_stream(s);
}

/* ---- which pods ---- */

/* There is nothing to read of it yet: the pod will change when there is. */
static bool has_not_begun(const struct tph_json *pod, struct tph_str container, struct tph_str *ret_started)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "status", "containerStatuses", NULL));
    while (tph_json_next(&it)) {
        const struct tph_json *state = tph_json_get(it.value, "state");
        const struct tph_json *running = tph_json_get(state, "running");
        const struct tph_json *ended = tph_json_get(state, "terminated");
        if (tph_str_eq(tph_json_get_str(it.value, "name"), container)) {
            *ret_started = tph_json_get_str(running ? running : ended, "startedAt");
            return !running && !ended;
        }
    }
    return false;
}

static void take_pod(struct tph_log_follow *logs, const struct tph_json *pod)
{
    struct tph_str name = tph_json_get_str(tph_json_get(pod, "metadata"), "name");
    const struct tph_json *containers = tph_json_path(pod, "spec", "containers", NULL);
    bool named = false;
    struct tph_json_iter it = tph_json_iter(containers);
    while (tph_json_next(&it)) {
        named = named || tph_map_get(&logs->wanted, tph_json_get_str(it.value, "name"));
    }
    it = tph_json_iter(containers);
    while (tph_json_next(&it)) {
        struct tph_str container = tph_json_get_str(it.value, "name");
        bool any = logs->ask.pod || (!named && !logs->ask.follow) || !tph_str_eqz(name, logs->agent);
        struct tph_str started = TPH_STR_NONE;
        bool waits = logs->ask.follow && has_not_begun(pod, container, &started);
        if (is_wanted(logs, container, any) && !waits) {
            add_stream(logs, name, container, started);
        }
    }
}

static void pod_there(void *owner, const struct tph_kube_answer *answer)
{
    struct tph_log_follow *logs = owner;
    logs->looks[0] = NULL;
    if (answer->problem == TPH_KUBE_FINE) {
        take_pod(logs, answer->object);
        if (!logs->found && logs->ask.container) {
            (void)tph_error_set(&logs->err, TPH_ERROR_NOT_FOUND, "container %s is not valid for pod %s",
                                logs->ask.container, logs->ask.pod ? logs->ask.pod : logs->agent);
        }
    } else if (logs->err.kind == TPH_ERROR_NONE) {
        logs->err = *answer->err;
        tph_remote_advise(logs->remote, answer->problem, &logs->err);
        if (answer->problem == TPH_KUBE_NOT_FOUND) {
            (void)tph_error_hint(&logs->err, "sidecars start with the first task that needs them and end after five "
                                             "idle minutes, with their log");
        }
    }
    looked(logs);
    look_whether_over(logs);
}

static void pods_there(void *owner, const struct tph_kube_answer *answer)
{
    struct tph_log_follow *logs = owner;
    struct tph_json_iter it = tph_json_iter(tph_json_get(answer->object, "items"));
    logs->looks[1] = NULL;
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(tph_json_get_str(tph_json_get(it.value, "metadata"), "name"), logs->agent)) {
            take_pod(logs, it.value);
        }
    }
    looked(logs);
    look_whether_over(logs);
}

/* Asks for the pods once more. */
static void look(struct tph_log_follow *logs)
{
    logs->look_again = logs->n_looks > 0;
    if (logs->look_again) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_remote *r = logs->remote;
    tph_kube_path(&path, &tph_kube_pods, tph_str(r->ns), tph_str(logs->ask.pod ? logs->ask.pod : logs->agent), NULL);
    logs->looks[0] = tph_kube_start(
        r->kube, &(struct tph_kube_request){.path = tph_buf_str(&path), .timeout_ms = r->timeout_ms}, pod_there, logs);
    logs->n_looks++;
    if (!logs->ask.pod) {
        TPH_CLEANUP(tph_freep) char *label = tph_format(WORKFLOW_LABEL "=%s", logs->ask.workflow);
        tph_buf_clear(&path);
        tph_kube_path(&path, &tph_kube_pods, tph_str(r->ns), TPH_STR_NONE, NULL);
        tph_kube_query(&path, "labelSelector", tph_str(label));
        logs->looks[1] =
            tph_kube_start(r->kube, &(struct tph_kube_request){.path = tph_buf_str(&path), .timeout_ms = r->timeout_ms},
                           pods_there, logs);
        logs->n_looks++;
    }
}

static void pods_listed(void *owner, const struct tph_json *list)
{
    (void)list;
    look(owner);
}

static void pod_changed(void *owner, enum tph_kube_change change, const struct tph_json *pod)
{
    (void)pod;
    if (change != TPH_KUBE_DELETED) {
        look(owner);
    }
}

static void pods_failed(void *owner, enum tph_kube_problem problem, const struct tph_error *why)
{
    struct tph_log_follow *logs = owner;
    struct tph_error err = *why;
    tph_remote_advise(logs->remote, problem, &err);
    tph_cli_warn(logs->remote->cli, "no more logs: %s", err.text);
}

struct tph_log_follow *tph_log_follow_new(struct tph_remote *remote, const struct tph_log_ask *ask)
{
    static const struct tph_kube_watch_hooks HOOKS = {
        .listed = pods_listed, .changed = pod_changed, .failed = pods_failed};
    struct tph_log_follow *logs = TPH_NEW(struct tph_log_follow);
    logs->remote = remote;
    logs->ask = *ask;
    logs->agent = tph_format("%s" AGENT_SUFFIX, ask->workflow);
    if (ask->object) {
        want_plugins(logs, tph_json_path(ask->object, "status", "storedTemplates", NULL));
        want_plugins(logs, tph_json_get(tph_run_exec_spec(ask->object), "templates"));
    }
    logs->ask.object = NULL;
    logs->ask.prefix = ask->prefix || (!ask->container && tph_map_len(&logs->wanted) > 1);
    if (ask->follow) {
        logs->watch = tph_kube_watch_new(
            remote->kube, &(struct tph_kube_watch_ask){.kind = &tph_kube_pods, .ns = tph_str(remote->ns)}, &HOOKS,
            logs);
    } else {
        look(logs);
    }
    return logs;
}

static void quiet(void *owner)
{
    struct tph_log_follow *logs = owner;
    bool busy = logs->n_looks > 0; /* a slow server's answers are waited for */
    for (const struct stream *s = logs->streams; s; s = s->next) {
        busy = busy || (s->call && !s->answered);
    }
    if (busy) {
        tph_timer_start(logs->quiet, TPH_LIMIT_LOG_DRAIN_MS);
    } else {
        tph_loop_stop(logs->remote->loop);
    }
}

int tph_log_follow_drain(struct tph_log_follow *logs, struct tph_error *err)
{
    if (!logs) {
        return 0;
    }
    logs->draining = true;
    if (logs->ask.follow) {
        logs->quiet = logs->quiet ? logs->quiet : tph_timer_new(logs->remote->loop, quiet, logs);
        tph_timer_start(logs->quiet, TPH_LIMIT_LOG_DRAIN_MS);
    }
    if (logs->n_running > 0 || logs->n_looks > 0 || logs->ask.follow) {
        tph_loop_run(logs->remote->loop);
    }
    if (!logs->found && !logs->ask.follow) {
        *err = logs->err;
        return -1;
    }
    return 0;
}

void tph_log_follow_free(struct tph_log_follow *logs)
{
    size_t at = 0;
    struct tph_str key;
    void *name = NULL;
    if (!logs) {
        return;
    }
    tph_kube_watch_free(logs->watch);
    for (int i = 0; i < 2; i++) {
        if (logs->looks[i]) {
            tph_kube_cancel(logs->looks[i]);
        }
    }
    while (logs->streams) {
        struct stream *s = logs->streams;
        logs->streams = s->next;
        if (s->call) {
            tph_kube_cancel(s->call);
        }
        tph_buf_release(&s->line);
        free(s->key);
        free(s->pod);
        free(s->container);
        free(s->started);
        free(s);
    }
    while (tph_map_next(&logs->wanted, &at, &key, &name)) {
        free(name);
    }
    tph_map_release(&logs->wanted);
    tph_timer_free(logs->quiet);
    free(logs->agent);
    free(logs);
}
