/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/agent only: tasks, workflows and sidecars, and which file moves them.
 *
 *   agent.c    workflows and their tasks; events out
 *   route.c    which plugin is asked next
 *   sidecar.c  one pod a plugin: start, readiness, queue, calls in flight
 *   pods.c     its pod, as others see it
 *   warm.c     how long it stays, and who comes after it
 *   call.c     one call: request, judgement, what follows
 *   metrics.c  what is counted
 *   http_call.c  one request of an http template; http_task.c what it is made of, and what its answer means
 *
 * A task is in exactly one place: fresh (agent.c), in a sidecar's queue, in a call, or waiting for its timer.
 * An event to the owner is the last thing a function does with a task: the owner may cancel it there.
 */
#pragma once

#include "agent/agent.h"
#include "agent/http_task.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "http/client.h"

struct sidecar;
struct cancel;

enum task_place {
    TASK_FRESH,    /* waits for the next turn of the loop to be routed */
    TASK_QUEUED,   /* in its sidecar's queue */
    TASK_CALLING,  /* a call is under way */
    TASK_WAITING,  /* its timer runs: retry, requeue, poll */
    TASK_FETCHING, /* of an http template: its request is under way, or waits for its turn there */
};

struct task {
    struct task *next, *previous; /* in the list of its place: fresh, its sidecar's queue, or its calls */
    struct tph_agent_workflow *workflow;
    enum task_place place;
    struct tph_str id, name, key, template_json; /* in texts; fixed from the first submit on */
    uint32_t attempt;
    uint32_t calls; /* answered */
    uint32_t sent;  /* calls that may have reached the plugin asked now */
    bool again;     /* one may have before the program was started anew */
    int tries;      /* of the present call, spent */
    int64_t deadline_ms;
    size_t asked;            /* candidates asked so far, see route.c */
    struct sidecar *sidecar; /* that is asked now; keeps it from being stopped. NULL = none */
    int plugin;              /* index of the plugin that is asked now; -1 = none yet */
    bool owner;              /* that plugin is the key's own, or took it before */
    bool settled;            /* a plugin answered with a node: only that one is called from now on */
    bool warned;             /* of a poll without requeue */
    unsigned life;           /* of the sidecar, when the call began */
    int64_t started_us;      /* of the call */
    int ahead; /* calls that the sidecar may have to end before it can take this one; 0 = it has taken it */
    struct tph_timer *timer;
    struct tph_http_call *call;
    tph_agent_told_fn *told; /* not NULL: it was cancelled, which its plugin is to hear */
    void *told_owner;
    bool is_http; /* no plugin is asked */
    struct tph_http_task http;
    struct tph_fetch *fetch;
    struct tph_json_doc *previous_doc; /* of the previous answer: outputs */
    const struct tph_json *outputs;
    struct tph_buf message; /* of the previous answer; may hold any byte */
    char texts[];
};

/* What one plugin is to one workflow. */
struct view {
    struct tph_plugin *plugin; /* owned reference */
    struct sidecar *sidecar;   /* shared, kept warm by this; NULL until first needed, and when it was replaced */
    bool execute_missing;      /* 404 to template.execute */
    bool cancel_missing;       /* 404 to template.cancel */
    bool asked;
    char *said; /* owned; its last words on a task that it did not take, NULL = none */
};

struct tph_agent_workflow {
    struct tph_agent_workflow *next, *previous;
    struct tph_agent *agent;
    char *name, *ns, *uid;
    char trace[sizeof("00--") + 32]; /* the beginning of each traceparent */
    struct view *views;              /* owned, in the order of asking */
    size_t n_views;
    struct tph_map tasks;    /* node id -> struct task, owned */
    struct tph_map takers;   /* key -> struct view: who took it */
    struct tph_arena *names; /* the bytes of those keys */
};

/* What is counted of one plugin; NULL where nobody wants numbers. */
enum call_outcome {
    CALL_FINAL,
    CALL_RUNNING,
    CALL_DECLINED,
    CALL_MISSING,
    CALL_RETRIED,
    CALL_FAILED,
    CALL_OUTCOMES,
};
struct plugin_series {
    struct tph_series *calls[CALL_OUTCOMES];
    struct tph_series *seconds, *requeues, *restarts, *queue, *in_flight;
};
struct agent_metrics {
    struct tph_metric *calls, *seconds, *requeues, *restarts, *queue, *in_flight, *pods, *pod_restarts;
};

enum sidecar_state {
    SIDECAR_NEW,
    SIDECAR_STARTING, /* the pod runs, or will again; nobody listens yet */
    SIDECAR_LISTENING,
    SIDECAR_FAILED, /* it cannot be used: `problem` says why */
    SIDECAR_STOPPED,
};

struct account;

struct sidecar {
    struct sidecar *next;
    struct tph_agent *agent;
    struct tph_plugin *plugin; /* owned reference */
    char *ns;                  /* of the workflows it serves */
    struct tph_pod *pod;
    struct tph_pod_container container;
    struct account *account; /* NULL: it has no service account */
    char pod_uid[37];
    char *pod_name; /* owned */
    int pod_restarts, pod_exit;
    int64_t pod_pause_ms;
    const char *pod_reason;  /* of its last end; NULL = none */
    struct tph_buf degraded; /* lines */
    enum sidecar_state state;
    bool pod_ready;          /* its readinessProbe says so, or it has none */
    bool probing;            /* one call asks whether somebody listens */
    size_t users;            /* views that have it */
    size_t n_tasks;          /* that are with it */
    size_t n_cancels;        /* cancel calls to it under way */
    bool leaving;            /* takes no task that it has not heard of, and stops when those it has are through */
    bool stop_sent;          /* its pod is being stopped, for nobody needs it */
    bool settling;           /* it will be looked at whether it is still needed */
    struct tph_timer *idle;  /* until it is stopped; NULL = never was idle */
    struct tph_timer *timer; /* the next such call */
    int64_t ready_at_ms;     /* loop time since when it may listen */
    int64_t give_up_ms;      /* loop time when waiting for a listener ends */
    unsigned life;           /* exits in all: what a call of an earlier life says of listening is no longer true */
    int exits;               /* since it last listened */
    int last_exit;
    uint16_t port;
    char url[64];
    char bearer[sizeof("Bearer ") + TPH_LIMIT_TOKEN_LEN]; /* the Authorization header, with the token in it */
    char dial_error[160];      /* why nobody could connect at last; "" = nobody tried since it began */
    char *problem;             /* owned */
    char died[64];             /* how it ended while it was listening; "" = it did not, or has answered since */
    struct tph_buf last_lines; /* of its output, from when the problem came up, or it died */
    struct task *queue_first, *queue_last;
    struct task *calls_first, *calls_last; /* in flight, in the order of their start */
    struct tph_timer *look;                /* until it is looked again whether the last call was accepted */
    int64_t look_ms;                       /* its last pause */
    int in_flight;
    int limit;       /* of calls in flight, found by measuring where it cannot be seen what was accepted */
    int64_t best_us; /* shortest call so far */
    bool keep_alive;
    bool four_first; /* it answered on 127.0.0.1 */
    struct plugin_series series;
};

struct tph_agent {
    struct tph_loop *loop;
    struct tph_agent_options options;
    struct tph_http_client *http;
    struct tph_fetcher *fetcher; /* NULL until an http template needs it */
    struct tph_agent_workflow *workflows;
    struct sidecar *sidecars;
    struct task *fresh_first, *fresh_last;
    struct cancel *cancels;   /* cancel calls under way */
    struct tph_buf key, body; /* of the call that is being made: room that is used again */
    uint64_t random;
    struct agent_metrics metrics;
    size_t n_stopping; /* pods that have not said STOPPED yet */
    int64_t grace_ms;
    bool stopping;
    bool told_to_stop; /* all sidecars were */
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* agent.c */
void tph_agent_emit(struct tph_agent *agent, const struct tph_agent_event *event);
void tph_agent_finish(struct task *task, const struct tph_node_result *result); /* final: emits, then frees the task */
void tph_agent_fail(struct task *task, const char *message);                    /* final, Failed */
void tph_agent_told(struct task *task, bool told); /* of one that was cancelled: the end of it */
void tph_agent_waiting(struct task *task, int64_t delay_ms, const char *message); /* arms the timer, emits */
void tph_agent_say(struct tph_agent *agent, enum tph_agent_event_kind kind, const struct tph_plugin *plugin,
                   const char *message);
/* Routes a task anew that no plugin has heard of; it is in no place. */
void tph_agent_route_again(struct task *task);
void tph_agent_pod_stopped(struct tph_agent *agent);
void tph_agent_cancel_over(struct tph_agent *agent);

/* route.c */
int tph_agent_namesake(const struct tph_agent_workflow *w, struct tph_str key); /* the plugin it names, or -1 */
void tph_agent_route(struct task *task);                      /* to the next plugin that is to be asked, or fails it */
void tph_agent_declined(struct task *task, const char *said); /* the plugin asked did not take it: the next one */
void tph_agent_took(struct task *task);                       /* the plugin asked took it: remembered for its key */

/* account.c: for a start; what is added to spec lives until drop, or the next start. */
int tph_sidecar_add_account(struct sidecar *s, struct tph_pod_spec *spec, struct tph_error *err) TPH_MUST_CHECK;
void tph_sidecar_drop_account(struct sidecar *s);
/* The network that it has, and podrt's note on that, or NULL. */
enum tph_network tph_sidecar_network(const struct sidecar *s, const char **ret_note);

/* sidecar.c */
struct sidecar *tph_sidecar_get(struct tph_agent *agent, struct tph_str ns, struct tph_plugin *plugin);
void tph_sidecar_enqueue(struct sidecar *sidecar, struct task *task);
void tph_sidecar_unqueue(struct sidecar *sidecar, struct task *task);
/* No connection could be made while it starts, whatever kept it from that: asked again soon, spends no try. */
void tph_sidecar_not_there(struct sidecar *sidecar, struct task *task, const char *error);
/* Somebody else listens on its port, who got nothing: it cannot be used. error says who, and the cure. */
void tph_sidecar_usurped(struct sidecar *sidecar, struct task *task, const char *error);
void tph_sidecar_answered(struct sidecar *sidecar, int64_t took_us, bool keep_alive); /* somebody listens */
void tph_sidecar_call_begins(struct sidecar *sidecar, struct task *task);
void tph_sidecar_call_ends(struct sidecar *sidecar, struct task *task);
void tph_sidecar_call_over(struct sidecar *sidecar);    /* after that: others may start */
void tph_sidecar_call_dropped(struct sidecar *sidecar); /* over without an answer: its task was cancelled */
void tph_sidecar_stop(struct sidecar *sidecar, int64_t grace_ms);
void tph_sidecar_free(struct sidecar *sidecar);

/* Begins a sidecar whose tasks wait for a port, if that is free now. */
void tph_sidecar_start_waiting(struct sidecar *sidecar);

/* warm.c */
void tph_sidecar_use(struct sidecar *sidecar); /* by a view */
void tph_sidecar_unuse(struct sidecar *sidecar);
void tph_sidecar_assign(struct task *task, struct sidecar *sidecar); /* the task is with that one now; NULL = none */
void tph_sidecar_cancel_begins(struct sidecar *sidecar);
void tph_sidecar_cancel_ended(struct sidecar *sidecar);
void tph_sidecar_gone(struct sidecar *sidecar);      /* its pod was stopped */
bool tph_sidecar_must_wait(struct sidecar *sidecar); /* one that leaves has its port still */

/* metrics.c */
void tph_agent_metrics_begin(struct tph_agent *agent);
void tph_agent_metrics_sidecar(struct sidecar *sidecar);
void tph_agent_metrics_call(const struct sidecar *sidecar, const struct tph_rpc_reply *reply, bool final,
                            int64_t took_us);

void tph_agent_metrics_restart(const struct sidecar *sidecar, const char *reason);

/* pods.c: a pod of its own name begins; what it has come to is told */
void tph_sidecar_name_pod(struct sidecar *sidecar);
void tph_sidecar_tell_pod(struct sidecar *sidecar, const struct tph_pod_event *event);
void tph_sidecar_tell_failed(struct sidecar *sidecar, const char *message);

/* http_call.c */
void tph_agent_fetch(struct task *task); /* in no place: begins its request, or fails it */

/* call.c */
void tph_call_start(struct task *task);
/* The trace is the workflow's uid, so that all its calls belong together. */
void tph_call_begin_trace(struct tph_agent_workflow *workflow);
/* Before the next try, `tries` of them spent: 1, 2, 4, 8 times the base, each 20 % more or less, so that tasks that
 * failed together do not come back together. */
int64_t tph_call_retry_pause_ms(int64_t base_ms, int tries, uint32_t random);
/* POST template.cancel, if the plugin may know the task; told may be NULL. */
enum tph_agent_cancel tph_call_cancel_task(struct task *task, tph_agent_told_fn *told, void *owner);
void tph_call_drop_cancels(struct tph_agent *agent); /* those under way, whose calls are gone */

static inline struct view *tph_agent_view(const struct task *task)
{
    return &task->workflow->views[task->plugin];
}
