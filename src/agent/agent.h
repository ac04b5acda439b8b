/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: takes tasks, finds their plugin, calls it, calls it again when it asks for that, gives back results.
 *
 * It also owns the sidecars: one warm instance for (namespace, plugin definition), started on first need through podrt,
 * shared by all workflows that see the plugin; a plugin that nobody needs is never started and never called. Each
 * plugin has its own queue and its own limit of calls in flight, so one slow plugin never delays another.
 * Tasks of http templates need no plugin: the agent makes their requests itself (agent/http_task.h).
 * A task is known by (workflow uid, node id, attempt). Delivery is at least once. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"
#include "data/json.h"
#include "loop/loop.h"
#include "plugin/plugin.h"
#include "plugin/rpc.h"
#include "podrt/podrt.h"

struct tph_agent;
struct tph_agent_workflow; /* one workflow's view: its plugins in order, what each said, who took which key */

enum tph_agent_event_kind {
    TPH_AGENT_RESULT,  /* a node result to apply; final or not. After a final one the task is forgotten */
    TPH_AGENT_WAITING, /* the task waits: next call at due_ms, or for a sidecar to start (message) */
    TPH_AGENT_SIDECAR, /* a sidecar's state changed: plugin, message ("starting", "ready", "exited 1, restart in 10s")
                        */
    TPH_AGENT_WARNING, /* something the person should read once: message */
    TPH_AGENT_LOG,     /* one line of a sidecar's output: plugin, message */
    TPH_AGENT_POD,     /* a sidecar's pod is other than before: pod, plugin */
};

/* A sidecar's pod, as others may see it. */
enum tph_agent_pod_state {
    TPH_AGENT_POD_STARTING,
    TPH_AGENT_POD_RUNNING,
    TPH_AGENT_POD_WAITING, /* its container ended, and starts again */
    TPH_AGENT_POD_FAILED,  /* it cannot be started: message */
    TPH_AGENT_POD_GONE,    /* last */
};
struct tph_agent_pod {
    struct tph_str ns, name, uid; /* name: the plugin's, with five letters of its own */
    enum tph_agent_pod_state state;
    bool host_network;
    bool ready;
    int restarts;
    int exit_code;           /* of the last end */
    const char *reason;      /* of it: "Error", "OOMKilled"; NULL = it has not ended yet */
    int64_t pause_ms;        /* WAITING: so long, then it starts again */
    struct tph_str message;  /* FAILED */
    struct tph_str degraded; /* what this machine cannot enforce, lines; empty: nothing */
};

struct tph_agent_event {
    enum tph_agent_event_kind kind;
    struct tph_agent_workflow *workflow; /* RESULT, WAITING */
    struct tph_str node_id;              /* RESULT, WAITING */
    struct tph_str node_name;            /* WAITING */
    uint32_t attempt;
    const struct tph_node_result *result; /* RESULT */
    uint32_t calls;                       /* WAITING, RESULT: calls answered so far */
    int64_t due_ms;                       /* WAITING: loop time of the next call, 0 = unknown */
    int64_t delay_ms;                     /* WAITING: from now to then */
    const struct tph_plugin *plugin;      /* SIDECAR, WARNING, LOG, and the one that has the task; may be NULL */
    struct tph_str message;
    bool stderr_stream;              /* LOG */
    const struct tph_agent_pod *pod; /* POD */
};

/* In RESULT and WAITING the owner may submit and cancel tasks and end workflows; in the others it changes nothing. */
typedef void tph_agent_event_fn(void *owner, const struct tph_agent_event *event);

/* For whom a token is: a service account, and the pod that it is bound to. */
struct tph_agent_account {
    struct tph_str ns, name, pod, pod_uid;
};

/* The API that sidecars with automountServiceAccountToken talk to. */
enum { TPH_AGENT_HOST = 256 };
struct tph_agent_accounts {
    /* Appends a token. -1: why there is none, and the cure. */
    int (*token)(void *owner, const struct tph_agent_account *account, struct tph_buf *out, struct tph_error *err);
    /* Appends the PEM that the API is checked with. -1: it cannot be read. */
    int (*ca)(void *owner, struct tph_buf *out);
    /* Where a sidecar reaches it. */
    void (*address)(void *owner, char ret_host[TPH_AGENT_HOST], unsigned *ret_port);
    void *owner;
};

struct tph_agent_options {
    struct tph_podrt *podrt; /* borrowed */
    struct tph_pod_objects objects;
    const struct tph_agent_accounts *accounts; /* outlives the agent; NULL: there are none */
    enum tph_network network;
    const char *network_note;    /* podrt's note; borrowed */
    const char *logs_dir;        /* NULL: not kept */
    bool keep_logs;              /* each pod has a file of its own: <namespace>_<pod>_<container>.log */
    bool log_lines;              /* LOG events are wanted */
    int64_t retry_pause_ms;      /* TPH_LIMIT_CALL_PAUSE_MS; tests shorten it */
    int64_t poll_ms;             /* TPH_LIMIT_POLL_MS: Running without requeue */
    int64_t restart_base_ms;     /* podrt's */
    int64_t ready_ms;            /* TPH_LIMIT_READY_MS */
    int64_t idle_ms;             /* TPH_LIMIT_IDLE_MS: a sidecar stays so long when no workflow needs it */
    int calls_in_flight;         /* to one plugin */
    struct tph_metrics *metrics; /* borrowed, outlives the agent; NULL: nothing is counted */
    tph_agent_event_fn *event;
    void *owner;
};

struct tph_agent *tph_agent_new(struct tph_loop *loop, const struct tph_agent_options *options) TPH_MUST_CHECK;

/* Stops all sidecars (grace_ms, then kill), then calls done once; the agent may be freed in or after it. */
void tph_agent_stop(struct tph_agent *agent, int64_t grace_ms, void (*done)(void *owner), void *owner);
void tph_agent_free(struct tph_agent *agent); /* kills what still runs */
TPH_DEFINE_CLEANUP(struct tph_agent, tph_agent_free);

/* A workflow begins; plugins in the order of asking (references are taken). Freed by _end, which also drops its
 * tasks without events and lets its sidecars idle. */
struct tph_agent_workflow *tph_agent_begin(struct tph_agent *agent, struct tph_str name, struct tph_str ns,
                                           struct tph_str uid, struct tph_plugin *const *plugins, size_t n_plugins)
    TPH_MUST_CHECK;
void tph_agent_end(struct tph_agent_workflow *workflow);

/* The definition of a plugin changed, or (old is plugin) a Secret or ConfigMap that it reads. Workflows that saw the
 * old one see the new one; tasks that the old sidecar has heard of finish there, then it is stopped; all others go to a
 * new one, which starts at once, or, where both want one port of the host, when the old one has gone. Takes a
 * reference. */
void tph_agent_replace(struct tph_agent *agent, const struct tph_plugin *old, struct tph_plugin *plugin);

/* Whether its plugin was told of a cancel: it answered, whatever. */
typedef void tph_agent_told_fn(void *owner, bool told);

struct tph_agent_task {
    struct tph_str node_id, node_name;
    uint32_t attempt;
    struct tph_str template_json; /* copied, fixed from now on */
    struct tph_str key;           /* the one key under plugin: */
    bool is_http;                 /* an http template: requested by the agent itself; key does not count */
    int64_t deadline_ms;          /* wall clock; 0 = none */

    /* Of one that goes on after a restart, from what RESULT and WAITING said of it; all 0 for a new one. again: a call
     * of it may have been under way then, of which nothing is known. */
    bool again;
    uint32_t calls;                 /* answered before */
    int64_t delay_ms;               /* until its next call */
    struct tph_str taker;           /* name of the plugin that has it: no other is asked */
    struct tph_str message;         /* of the last answer, for the plugin's next call */
    const struct tph_json *outputs; /* likewise; copied */

    /* Not NULL: it is not to be executed, it was cancelled, and the taker may not have heard of that: it is told by
     * template.cancel, for which its sidecar starts if need be. Called once, and the task is forgotten; not when the
     * workflow ends before. It may end the workflow. */
    tph_agent_told_fn *told;
    void *told_owner;
};

/* Starts a task. One that is known already (same node id and attempt) is left alone. */
void tph_agent_submit(struct tph_agent_workflow *workflow, const struct tph_agent_task *task);

/* Forgets a task: no event comes for it any more, a call under way is dropped, and the plugin that has it is told
 * by POST template.cancel (unless it answered 404 to that before). Unknown tasks are fine. */
void tph_agent_cancel(struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt);

/* The same for who must know that the plugin was told. NONE: nobody is to be told, for no plugin has heard of it, or it
 * knows no cancel. SENT: told is called when there is an answer, or none comes; not when the agent is freed before.
 * LATER: it cannot be reached now; told is not called. */
enum tph_agent_cancel { TPH_AGENT_CANCEL_NONE, TPH_AGENT_CANCEL_SENT, TPH_AGENT_CANCEL_LATER };
enum tph_agent_cancel tph_agent_cancel_telling(struct tph_agent_workflow *workflow, struct tph_str node_id,
                                               uint32_t attempt, tph_agent_told_fn *told, void *owner) TPH_MUST_CHECK;

/* Whether it is known. */
bool tph_agent_has(const struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt);

/* Whether a plugin may have heard of a task, so that it must hear of its cancel; ret_task: what is needed to tell it
 * later, borrowed until the next call. */
bool tph_agent_is_heard_of(const struct tph_agent_workflow *workflow, struct tph_str node_id, uint32_t attempt,
                           struct tph_agent_task *ret_task);

/* The last lines of a pod's output, by its name in the namespace; false: there is none. */
bool tph_agent_pod_log(const struct tph_agent *agent, struct tph_str ns, struct tph_str name, size_t max_lines,
                       struct tph_buf *lines);

/* Who was asked for `key` in this workflow and what each said, one line each, for the end of a failed run. */
void tph_agent_explain(const struct tph_agent_workflow *workflow, struct tph_str key, struct tph_buf *text);
