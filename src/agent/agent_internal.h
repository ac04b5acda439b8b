/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/agent only: tasks, workflows and sidecars, and which file moves them.
 *
 *   agent.c    workflows and their tasks; events out
 *   route.c    which plugin is asked next
 *   sidecar.c  one pod a plugin: start, readiness, queue, calls in flight
 *   call.c     one call: request, judgement, what follows
 *
 * A task is in exactly one place: fresh (agent.c), in a sidecar's queue, in a call, or waiting for its timer.
 * An event to the owner is the last thing a function does with a task: the owner may cancel it there.
 */
#pragma once

#include "agent/agent.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "http/client.h"

struct sidecar;

enum task_place {
    TASK_FRESH,   /* waits for the next turn of the loop to be routed */
    TASK_QUEUED,  /* in its sidecar's queue */
    TASK_CALLING, /* a call is under way */
    TASK_WAITING, /* its timer runs: retry, requeue, poll */
};

struct task {
    struct task *next, *previous; /* in the list of its place: fresh, or its sidecar's queue */
    struct tph_agent_workflow *workflow;
    enum task_place place;
    char *id, *name, *key, *template_json; /* owned; fixed from the first submit on */
    struct tph_str map_key;                /* the id, for the workflow's table */
    uint32_t attempt;
    uint32_t calls; /* answered */
    uint32_t sent;  /* calls that may have reached the plugin asked now */
    int tries;      /* of the present call, spent */
    int64_t deadline_ms;
    size_t asked;       /* candidates asked so far, see route.c */
    int plugin;         /* index of the plugin that is asked now; -1 = none yet */
    bool owner;         /* that plugin is the key's own, or took it before */
    bool settled;       /* a plugin answered with a node: only that one is called from now on */
    bool warned;        /* of a poll without requeue */
    int64_t started_us; /* of the call */
    struct tph_timer *timer;
    struct tph_http_call *call;
    struct tph_json_doc *previous_doc; /* of the previous answer: outputs */
    const struct tph_json *outputs;
    char *message;
};

/* What one plugin is to one workflow. */
struct view {
    struct tph_plugin *plugin; /* owned reference */
    struct sidecar *sidecar;   /* shared; NULL until first needed */
    bool execute_missing;      /* 404 to template.execute */
    bool cancel_missing;       /* 404 to template.cancel */
    bool asked;
    char *said; /* owned; its last words on a task that it did not take, NULL = none */
};

struct tph_agent_workflow {
    struct tph_agent_workflow *next, *previous;
    struct tph_agent *agent;
    char *name, *ns, *uid;
    struct view *views; /* owned, in the order of asking */
    size_t n_views;
    struct tph_map tasks;    /* node id -> struct task, owned */
    struct tph_map takers;   /* key -> struct view: who took it */
    struct tph_arena *names; /* the bytes of those keys */
};

enum sidecar_state {
    SIDECAR_NEW,
    SIDECAR_STARTING, /* the pod runs, or will again; nobody listens yet */
    SIDECAR_LISTENING,
    SIDECAR_FAILED, /* it cannot be used: `problem` says why */
    SIDECAR_STOPPED,
};

struct sidecar {
    struct sidecar *next;
    struct tph_agent *agent;
    struct tph_plugin *plugin; /* owned reference */
    char *ns;                  /* of the workflows it serves */
    struct tph_pod *pod;
    struct tph_pod_container container;
    enum sidecar_state state;
    bool pod_ready;          /* its readinessProbe says so, or it has none */
    bool probing;            /* one call asks whether somebody listens */
    struct tph_timer *timer; /* the next such call */
    int64_t probe_ms;        /* pause before it */
    int64_t give_up_ms;      /* loop time when waiting for a listener ends */
    int exits;               /* since it last listened */
    int last_exit;
    uint16_t port;
    char url[64];
    char token[TPH_LIMIT_TOKEN_LEN + 1];
    char *problem;             /* owned */
    struct tph_buf last_lines; /* of its output, from when the problem came up */
    struct task *queue_first, *queue_last;
    int in_flight;
    int limit;       /* of calls in flight, found by measuring */
    int64_t best_us; /* shortest call so far */
    bool keep_alive;
};

struct tph_agent {
    struct tph_loop *loop;
    struct tph_agent_options options;
    struct tph_http_client *http;
    struct tph_agent_workflow *workflows;
    struct sidecar *sidecars;
    struct task *fresh_first, *fresh_last;
    size_t n_cancels;  /* cancel calls under way */
    size_t n_stopping; /* pods that have not said STOPPED yet */
    int64_t grace_ms;
    bool stopping;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* agent.c */
void tph_agent_emit(struct tph_agent *agent, const struct tph_agent_event *event);
void tph_agent_finish(struct task *task, const struct tph_node_result *result); /* final: emits, then frees the task */
void tph_agent_fail(struct task *task, const char *message);                    /* final, Failed */
void tph_agent_waiting(struct task *task, int64_t delay_ms, const char *message); /* arms the timer, emits */
void tph_agent_say(struct tph_agent *agent, enum tph_agent_event_kind kind, const struct tph_plugin *plugin,
                   const char *message);
void tph_agent_pod_stopped(struct tph_agent *agent);
void tph_agent_cancel_over(struct tph_agent *agent);

/* route.c */
void tph_agent_route(struct task *task);                      /* to the next plugin that is to be asked, or fails it */
void tph_agent_declined(struct task *task, const char *said); /* the plugin asked did not take it: the next one */
void tph_agent_took(struct task *task);                       /* the plugin asked took it: remembered for its key */

/* sidecar.c */
struct sidecar *tph_sidecar_get(struct tph_agent *agent, struct tph_str ns, struct tph_plugin *plugin);
void tph_sidecar_enqueue(struct sidecar *sidecar, struct task *task);
void tph_sidecar_unqueue(struct sidecar *sidecar, struct task *task);
void tph_sidecar_refused(struct sidecar *sidecar, struct task *task,
                         const char *error); /* nobody listens: spends no try */
void tph_sidecar_answered(struct sidecar *sidecar, int64_t took_us, bool keep_alive); /* somebody listens */
void tph_sidecar_call_over(struct sidecar *sidecar);
void tph_sidecar_call_dropped(struct sidecar *sidecar); /* over without an answer: its task was cancelled */
void tph_sidecar_stop(struct sidecar *sidecar, int64_t grace_ms);
void tph_sidecar_free(struct sidecar *sidecar);

/* call.c */
void tph_call_start(struct task *task);
void tph_call_cancel_task(struct task *task); /* POST template.cancel, if the plugin may know the task */

static inline struct view *tph_agent_view(const struct task *task)
{
    return &task->workflow->views[task->plugin];
}
