/* SPDX-License-Identifier: Apache-2.0 */
/* One workflow, decided: events in, actions out. Pure: no I/O, no clock, no random numbers of its own.
 *
 * apply takes one event and the time and changes the run; what is to be done comes back as actions. Same input, same
 * actions, byte for byte. Cost follows change: an event touches the nodes it concerns and those that wait for them.
 * A run can be made again at any point from the workflow object with its saved status, and goes on the same.
 * Node names, IDs, phases, messages and the graph are Argo's (tests/data/golden/cases).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"
#include "engine/compat.h"
#include "engine/node.h"

struct tph_run;
struct tph_locks;

/* Other objects that a workflow names, as they are now. */
enum tph_object_kind { TPH_OBJECT_TEMPLATE, TPH_OBJECT_CLUSTER_TEMPLATE, TPH_OBJECT_CONFIG_MAP };
struct tph_run_objects {
    /* Of the workflow's namespace, but for cluster kinds; NULL where there is none. Borrowed until the next call. */
    const struct tph_json *(*find)(void *owner, enum tph_object_kind kind, struct tph_str name);
    void *owner;
};

struct tph_run_options {
    const struct tph_run_objects *objects; /* NULL: there are none; outlives the run */
    struct tph_locks *locks;               /* of all workflows together; NULL: of this one alone; outlives the run */
    void *lock_owner;        /* what tph_locks_next_woken gives for this run: it is to get an event LOCKS */
    unsigned compat;         /* enum tph_compat: what is to be computed as Argo does */
    bool compatibility_argo; /* all of it */
    size_t max_nodes;        /* 0 = TPH_LIMIT_NODES */
    size_t max_bytes;        /* 0 = TPH_LIMIT_RUN_BYTES */
    /* The controller's defaults for workflows, a Workflow; NULL: none. Used while the run is made. */
    const struct tph_json *workflow_defaults;
    /* Changes a template before it is compiled, in place: it is a copy over templateDefaults, and what is stored stays
     * as it was. Inline templates come by themselves. NULL: none is changed. The owner outlives the run. */
    void (*adapt)(void *owner, struct tph_json_doc *doc, struct tph_json *tmpl);
    void *adapt_owner;
    /* For expressions: appends the compiled zone of that name, as tph_zone_read_file; -1: there is none. NULL: only
     * UTC. */
    int (*read_zone)(struct tph_str name, struct tph_buf *bytes);
};

/* The workflow over the template that it refers to (status.storedWorkflowTemplateSpec; a label names the template) and
 * over the defaults, in doc; with neither a copy. tph_run_new does the same by itself: this is for who must look at it
 * before. Kind NOT_FOUND: there is no such template; INVALID: it cannot be merged. The workflow is Error then, and the
 * text is its message. */
int tph_run_merge(struct tph_json_doc *doc, const struct tph_json *workflow, const struct tph_run_options *options,
                  struct tph_json **ret_workflow, struct tph_error *err) TPH_MUST_CHECK;
/* The spec that is executed: of a merged workflow the one in its status, else its own. Borrowed. */
const struct tph_json *tph_run_exec_spec(const struct tph_json *workflow);

/* From a Workflow object as read (metadata.name, namespace and uid set; generateName is the caller's business).
 * Fresh, or with a saved status. Refuses what the engine cannot run, with the path in the object: kind INVALID,
 * text "PATH: what"; ret_path gets the path alone. Kind NOT_FOUND: a parameter's ConfigMap; the text is the message of
 * the Failed workflow. The object is copied. */
int tph_run_new(const struct tph_json *workflow, const struct tph_run_options *options, struct tph_run **ret_run,
                struct tph_buf *ret_path, struct tph_error *err) TPH_MUST_CHECK;
void tph_run_free(struct tph_run *run);
TPH_DEFINE_CLEANUP(struct tph_run, tph_run_free);

enum tph_event_kind {
    TPH_EVENT_START,     /* begin, or go on after a restart: actions that are pending come again */
    TPH_EVENT_REPLY,     /* a task's result: node_id, attempt, result */
    TPH_EVENT_TIMER,     /* the time of a WAIT_UNTIL has come, or nearly: what is left is asked for again */
    TPH_EVENT_LOCKS,     /* locks may be free now, or have other limits */
    TPH_EVENT_STOP,      /* spec.shutdown Stop: exit handlers run */
    TPH_EVENT_TERMINATE, /* spec.shutdown Terminate: they do not */
    TPH_EVENT_REFUSED,   /* who stores the object will not have it, being too large: message; the workflow is Error,
                          * also one that was over, of which that could not be stored: FINISHED comes once more */
    TPH_EVENT_COUNT,
};

/* What a task came to. Borrowed for the call. A reply for an older attempt or a final node is dropped. */
struct tph_task_result {
    struct tph_str phase; /* Argo's words; an unknown one makes the node Error with a message */
    struct tph_str message;
    struct tph_str progress;
    const struct tph_json *outputs; /* {parameters, result, exitCode, artifacts}; NULL = none */
};

struct tph_event {
    enum tph_event_kind kind;
    struct tph_str node_id;
    uint32_t attempt;
    const struct tph_task_result *result;
    struct tph_str message;
};

enum tph_action_kind {
    TPH_ACTION_START_TASK,  /* node, template_json, key, deadline_ms */
    TPH_ACTION_CANCEL_TASK, /* node, key: its plugin is to be told; template_json where this run has not started it, but
                             * perhaps the one before, from whose status it was made */
    TPH_ACTION_WAIT_UNTIL,  /* time_ms: send TIMER then; replaces an earlier WAIT_UNTIL; 0 = none */
    TPH_ACTION_NODE,        /* node was made or changed: make it durable, show it */
    TPH_ACTION_WORKFLOW,    /* phase, message, outputs, labels of the workflow changed */
    TPH_ACTION_SAVE_CACHE,  /* cache, key, entry: into data[key] of that ConfigMap, as JSON */
    TPH_ACTION_FINISHED,    /* the workflow is Succeeded, Failed or Error; last action but for REFUSED */
    TPH_ACTION_COUNT,
};

struct tph_action {
    enum tph_action_kind kind;
    const struct tph_node *node; /* borrowed from the run: valid until the run is freed */
    uint32_t attempt;
    struct tph_str template_json; /* the processed template; valid until the next apply */
    struct tph_str key;           /* the one key under plugin: */
    int64_t deadline_ms;          /* START_TASK: wall clock; 0 = none */
    int64_t time_ms;              /* WAIT_UNTIL */
    bool follows;         /* NODE: only the progress is other than before, which a restored run finds by itself */
    struct tph_str cache; /* SAVE_CACHE: the ConfigMap's name; key is that of the entry */
    const struct tph_json *entry; /* SAVE_CACHE: borrowed from the run */
};

struct tph_actions {
    struct tph_action *list; /* owned by the run, valid until the next apply */
    size_t n;
};

/* now_ms: wall clock, milliseconds since 1970. Never fails: what goes wrong becomes a node's or the workflow's message.
 */
void tph_run_apply(struct tph_run *run, const struct tph_event *event, int64_t now_ms, struct tph_actions *ret_actions);

/* Looking. */
enum tph_workflow_phase tph_run_phase(const struct tph_run *run);
struct tph_str tph_run_message(const struct tph_run *run);
struct tph_str tph_run_progress(const struct tph_run *run);     /* "1/3" */
const struct tph_node *tph_run_root(const struct tph_run *run); /* NULL before START */
size_t tph_run_n_nodes(const struct tph_run *run);
/* In the order of making; of a restored run in the order of the tree. Parents come before children. */
const struct tph_node *tph_run_node_at(const struct tph_run *run, size_t index);
const struct tph_node *tph_run_find(const struct tph_run *run, struct tph_str id); /* NULL: there is none */
/* Gives up all locks, and places in their queues, of a run that is made anew from another object. */
void tph_run_drop_locks(struct tph_run *run);

/* A workflow that is not to begin at all: Failed or Error, with a message. The object as Argo writes it, built into
 * doc. */
struct tph_json *tph_run_refused_object(const struct tph_json *workflow, enum tph_workflow_phase phase,
                                        struct tph_str message, int64_t now_ms, struct tph_json_doc *doc);

/* The whole Workflow object with its status as Argo would have written it (metadata labels too), built into doc. */
struct tph_json *tph_run_object(const struct tph_run *run, struct tph_json_doc *doc);

/* The same in pieces, for who writes only what changed: the object with an empty status.nodes, and members of that.
 * give_nodes gives those of the list; give_stale, at the end of a workflow, those in whose JSON the progress is another
 * than when it was given last: it counts what comes after a node, too. json lives in doc. */
struct tph_json *tph_run_object_base(const struct tph_run *run, struct tph_json_doc *doc);
typedef void tph_run_node_fn(void *owner, const struct tph_node *node, const struct tph_json *json);
void tph_run_give_nodes(struct tph_run *run, const struct tph_node *const *list, size_t n, struct tph_json_doc *doc,
                        tph_run_node_fn *each, void *owner);
void tph_run_give_stale(struct tph_run *run, struct tph_json_doc *doc, tph_run_node_fn *each, void *owner);
