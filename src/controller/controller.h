/* SPDX-License-Identifier: Apache-2.0 */
/* The durable controller: carries on every workflow of a store, with engine and agent in this process.
 *
 * It watches Workflow objects, makes a run of each that is not over (fresh, or from its saved status), hands tasks to
 * the agent, and writes what changes. Three rules hold at any moment, so that a kill costs nothing but time:
 *   1. a node is durable before its task goes to the agent;
 *   2. a result is durable in the workflow's status before the task is forgotten;
 *   3. a task is known by (workflow uid, node id, attempt), the same on every call, also after a restart.
 * A crash between any two steps sends a task again and never skips one.
 *
 * Writes. One at a time a workflow; what happens meanwhile goes into the next. A write is a MERGE of the nodes that
 * changed and, when something else did, of the object without them; progress alone waits up to
 * TPH_LIMIT_PROGRESS_MS. It names the version that was read or written last.
 *
 * Edits by others (argo resume, stop, node set and retry are edits of the object, by clients) are seen by the watch, or
 * as a CONFLICT of our own write: the run is made anew from the object, results that were not durable yet are given to
 * it once more, and tasks that it does not want any more are cancelled.
 *
 * What the agent knows of tasks (attempt, calls, when the next one is due, who has it, the text as it was sent first)
 * is kept in an object of its own beside the workflow, of resource TPH_CONTROLLER_TASKS and the workflow's name:
 *   {"uid": of the workflow, "attempt": of new tasks, "ended": it was over, "tasks": {NODE: {"attempt", "calls", "due",
 *   "plugin", "text"}}}
 * It is there only while something is worth keeping: a task that is simply sent again has none.
 *
 * An object that cannot be run is Failed or Error with a message and stops nobody else.
 *
 * Ownership: store, loop, agent and what options point to are the caller's and outlive it. Loop thread only; the
 * observer is never called from inside a call. Limits: those of store and engine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "base/error.h"
#include "base/health.h"
#include "base/metrics.h"
#include "controller/settings.h"
#include "controller/shown.h"
#include "engine/run.h"
#include "loop/loop.h"
#include "plugin/plugin.h"
#include "store/store.h"

#define TPH_CONTROLLER_WORKFLOWS "workflows.argoproj.io"
#define TPH_CONTROLLER_TASKS     "tiphys.tasks"

#define TPH_CONTROLLER_TEMPLATES         "workflowtemplates.argoproj.io"
#define TPH_CONTROLLER_CRON_WORKFLOWS    "cronworkflows.argoproj.io"
#define TPH_CONTROLLER_CLUSTER_TEMPLATES "clusterworkflowtemplates.argoproj.io"

struct tph_controller;

/* What happens, for screens and logs. Any may be NULL. The node is borrowed for the call. */
struct tph_controller_observer {
    /* A node was made or changed; not durable yet. */
    void (*node)(void *owner, const struct tph_shown *workflow, const struct tph_node *node);
    /* It began, here: fresh or again. */
    void (*begun)(void *owner, const struct tph_shown *workflow);
    /* It is over, and that is durable. run is NULL for one that was refused. */
    void (*ended)(void *owner, const struct tph_shown *workflow);
    /* A result was applied, or is durable now: for tests and metrics. */
    void (*durable)(void *owner, const struct tph_shown *workflow, uint64_t version);
    /* Other settings count now; not told of those it was made with. */
    void (*configured)(void *owner, const struct tph_settings *settings);
    /* What the agent says that is no result. */
    void (*agent)(void *owner, const struct tph_agent_event *event);
    void *owner;
};

struct tph_controller_options {
    struct tph_store *store;
    struct tph_controller_observer observer;

    /* Which workflows are its own; NULL: all. */
    bool (*takes)(void *owner, struct tph_str ns, struct tph_str name);
    /* Objects that a workflow of the namespace sees; NULL: those of the store. */
    const struct tph_run_objects *(*objects)(void *owner, struct tph_str ns);
    /* Plugins that a workflow sees, in the order of asking; borrowed, at most max. NULL: those of ConfigMaps in the
     * store, its own namespace's over the install namespace's, or of its spec.executorPlugins. */
    size_t (*plugins)(void *owner, const struct tph_json *workflow, struct tph_plugin **out, size_t max);
    void *owner;

    struct tph_health *health; /* borrowed, or NULL; its check is "workflows": they are all followed */
    const char *install_ns;    /* NULL: "argo" */
    bool pods;                 /* sidecars are Pods of the store */
    const char *logs_dir;  /* where the agent keeps their logs, for a day after their end; NULL: nowhere. Borrowed */
    bool events;           /* Events are written about what happens */
    bool executor_plugins; /* ARGO_EXECUTOR_PLUGINS: else nodes of plugins are Error, and say how to have them */
    bool own_plugins;      /* ARGO_WORKFLOW_LEVEL_EXECUTOR_PLUGINS: spec.executorPlugins counts */
    bool config_map;       /* the one of Argo's controller is read over settings, live (controller/settings.h) */
    const struct tph_settings *settings; /* copied; NULL: none */
    struct tph_metrics *metrics;         /* borrowed, outlives it; NULL: nothing is counted */
    bool keep_ended;                     /* runs stay in memory when they are over, to be looked at */
    int64_t (*clock)(void);              /* wall clock in milliseconds; NULL: the machine's */
};

struct tph_controller *tph_controller_new(struct tph_loop *loop, const struct tph_controller_options *options)
    TPH_MUST_CHECK;

/* The agent's event function and its owner; Secrets and ConfigMaps for its sidecars, out of the store. */
void tph_controller_agent_event(void *controller, const struct tph_agent_event *event);
struct tph_pod_objects tph_controller_pod_objects(struct tph_controller *controller);

/* Reads what is there and begins; then follows the store. -1: it cannot be read. */
int tph_controller_start(struct tph_controller *controller, struct tph_agent *agent, struct tph_error *err)
    TPH_MUST_CHECK;

/* Stops (exit handlers run) or terminates every workflow that runs. */
void tph_controller_end(struct tph_controller *controller, enum tph_event_kind how);

/* Begins nothing more and drops results from now on; done is called once when no write is under way. Workflows stay as
 * they are, to go on from there when a controller is started on the store again. */
void tph_controller_stop(struct tph_controller *controller, void (*done)(void *owner), void *owner);
/* Before the agent and the store; at any time, as a crash. */
void tph_controller_free(struct tph_controller *controller);
TPH_DEFINE_CLEANUP(struct tph_controller, tph_controller_free);

/* The plugins of ConfigMaps: plugin NULL where none was ever valid; problem NULL where nothing is wrong with the
 * present text. Borrowed for the call. */
typedef void tph_controller_plugin_fn(void *owner, struct tph_str ns, struct tph_str configmap,
                                      const struct tph_plugin *plugin, const char *problem);
void tph_controller_plugins(const struct tph_controller *controller, tph_controller_plugin_fn *each, void *owner);

/* What Argo calls WORKFLOW-1340600742-agent: here the sidecars that serve the workflow's namespace, as one Pod, built
 * into doc; NULL: no such workflow, or nothing runs. */
struct tph_json *tph_controller_agent_pod(struct tph_controller *controller, struct tph_str ns, struct tph_str name,
                                          struct tph_json_doc *doc);
/* Whether a sidecar's Pod of this name and uid is alive. */
bool tph_controller_has_pod(const struct tph_controller *controller, struct tph_str ns, struct tph_str name,
                            struct tph_str uid);
/* Pods that ended within a day are known by their names, too (tph_controller_agent_pod gives them). */
struct tph_pod_log_files {
    char *path, *ended; /* owned: as podrt/log_reader.h wants them */
};
/* Where the log of a container is, also of such a Pod; container may be empty. false: there is none. */
bool tph_controller_pod_log_files(struct tph_controller *controller, struct tph_str ns, struct tph_str name,
                                  struct tph_str container, struct tph_pod_log_files *ret);
/* The last lines of a container of a Pod, also of such a one. container may be empty. false: there is none. */
bool tph_controller_pod_log(struct tph_controller *controller, struct tph_str ns, struct tph_str name,
                            struct tph_str container, size_t max_lines, struct tph_buf *lines);

/* Workflows that are not over. */
size_t tph_controller_n_running(const struct tph_controller *controller);
/* One of them, or of those that are kept; NULL: there is none. */
const struct tph_shown *tph_controller_find(const struct tph_controller *controller, struct tph_str ns,
                                            struct tph_str name);
