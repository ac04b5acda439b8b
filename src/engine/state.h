/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/engine only: what a run and its nodes are made of. Who moves them: run_internal.h. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "engine/compat.h"
#include "engine/run.h"
#include "engine/spec.h"

/* What a node is to its parent. */
enum node_role {
    ROLE_ROOT,
    ROLE_GROUP,   /* of a steps node */
    ROLE_MEMBER,  /* of a group or task group; the task of a DAG */
    ROLE_ATTEMPT, /* of a retry node */
    ROLE_HOOK,    /* of the node it belongs to, of the root where it is the workflow's */
};

/* status.nodes[].memoizationStatus */
struct memo {
    struct tph_str cache, key;
    bool hit;
};

/* Where the nodes of one step stand in its group. */
struct slot {
    size_t first, n;
    bool is_loop;
};

struct node {
    struct tph_node pub; /* first: struct tph_node * and this one are the same address */
    struct tph_run *run;
    const struct tph_template *template; /* NULL for a group, and where none was found */
    const struct tph_call *call;         /* that made it; NULL for the root and groups */
    struct node *parent;                 /* NULL for the root */
    enum node_role role;
    size_t seq;            /* place in run->nodes */
    size_t index;          /* in parent->members, or parent->hooks */
    size_t depth;          /* templates around it, itself included */
    struct tph_str item;   /* of a loop, as JSON; p NULL = none */
    struct node **members; /* groups, members, tasks, items, attempts; NULL where one was not made; owned */
    size_t n_members, members_capacity;
    size_t unfinished;                   /* of those that are made, or are to be made, not settled */
    struct slot *slots;                  /* group: one a step, in the arena */
    size_t *waits;                       /* DAG: unsettled dependencies a task, in the arena */
    const struct tph_dag_plan *dag_plan; /* DAG: its own, where target has tags; in the arena; NULL = the template's */
    struct node **hooks; /* one a hook of call, NULL where it was not begun; in the arena; NULL = none at all */
    size_t unfinished_hooks;
    struct members *plan; /* group, loop: what is to be made yet, from plan->next; in the arena; NULL = all is */
    size_t *queue;        /* DAG: tasks that are ready, but may not begin yet; in the arena */
    size_t queue_first, queue_end;
    const char *never_made;   /* DAG: id of a task that Argo has among the children though there is none */
    size_t running;           /* steps, DAG: of what is in it, as parallelism counts */
    struct tph_str waits_for; /* a lock; p NULL = none */
    struct tph_str *held;     /* locks; in the arena */
    size_t n_held;
    const struct memo *memo;    /* of a memoized template; in the arena; NULL = none */
    struct tph_node **outbound; /* steps, DAG, when final: the leaves that what follows hangs on; owned */
    size_t n_outbound;
    struct tph_node *one_child; /* room for the commonest number of children */
    size_t child_capacity;
    char *message;                    /* owned */
    struct tph_json_doc *outputs_doc; /* owned; NULL once final: then they are in the run's document */
    int64_t deadline_ms;              /* 0 = none */
    size_t heap_at;                   /* place in the heap of deadlines, from 1; 0 = not in it */
    int64_t done, total;              /* progress of the leaves below, itself included */
    char progress[40];
    int64_t shown_done, shown_total; /* the progress in its JSON when that was given last */
    uint32_t stamp;                  /* of the last walk that came by, and with what */
    uint16_t seen;
    uint16_t unknown_ms;   /* its times may be that much later than what is known of them: whole seconds are kept */
    bool progress_changed; /* progress is to be written anew */
    bool changed;          /* something else than the progress is other than when it was told of last */
    bool started;          /* its task, by this run: of one that was restored nobody has asked yet */
    bool deadline_is_timeout;
    bool timed_out; /* its timeout ended it, which groups speak of in other words */
    bool broken;    /* it could not begin, or end: whoever called it hears of that */
    bool flagged;   /* has an empty nodeFlag, as few nodes do */
    bool old_scope; /* was taken over from another workflow, whose name is run->old_scope */
    bool late;      /* in a hook of the workflow: {{workflow.status}} is known */
    bool settled;   /* final, and so are its hooks; its parent knows */
    bool in_lock_queue;
    bool has_failed; /* steps, DAG: one of those that count */
    bool blocked;    /* in run->blocked */
    bool gave_up;    /* group of steps: failFast left members out */
    bool dirty;      /* in the list of changed nodes */
};

/* Something to do before the event is dealt with: an explicit stack in place of recursion. */
enum work_kind {
    WORK_BEGIN,  /* a steps, DAG or retry node was made: begin what is in it */
    WORK_TASK,   /* a task's dependencies are settled: index */
    WORK_LOCKS,  /* locks may be free */
    WORK_ROOM,   /* something ended: others may begin */
    WORK_HOOKS,  /* a node changed: its hooks are looked at */
    WORK_SETTLE, /* a node became final, or its last hook did: tell whoever waits */
};

struct work {
    enum work_kind kind;
    struct node *node;
    size_t index;
};

/* What is to be made: by expand.c, in the order of the places. */
struct members;

struct tph_run {
    struct tph_run_options options;
    struct tph_spec *spec;     /* owned */
    struct tph_arena *arena;   /* nodes, names */
    struct tph_arena *scratch; /* texts of this apply's actions; emptied by the next */
    struct tph_json_doc *doc;  /* inputs and outputs of nodes */
    struct tph_map globals;    /* "workflow.name" -> struct tph_str in the arena */
    struct tph_json *stored;   /* status.storedTemplates; NULL = none */
    struct tph_json *outputs;  /* [{name, value}]: exported by globalName; NULL = none */
    struct tph_json *late;     /* exports over older ones, for Argo known after this event only; NULL = none */
    struct tph_map caches;     /* "configmap/key" -> entry, of what this run put in or found */
    struct tph_map
        *expressions;     /* owned: text -> struct tph_expr, compiled, owned; a cache: changes in a const run, too */
    struct tph_map by_id; /* node id -> struct node */
    struct node **nodes;  /* owned array, in the order of making */
    size_t n_nodes, nodes_capacity;
    struct node *root;
    enum tph_workflow_phase phase;
    char *message; /* owned */
    int64_t now_ms, started_ms, finished_ms;
    int64_t unknown_ms;  /* started_ms may be that much too early: whole seconds are kept */
    int64_t done, total; /* progress of all leaves */
    char progress[48];
    const char *shutdown;     /* "Stop", "Terminate" or NULL */
    bool begun_late;          /* something began although shutdown is set: it is to end, too */
    struct tph_str old_scope; /* of the workflow that this one is a memoized `resubmit` of; "" = none */
    struct tph_map old_nodes; /* ids of its nodes that are to be made again */
    bool completed_first;     /* its condition Completed stands before the others */
    bool retried;             /* a workflow that was over goes on: until it has begun again */
    bool suspended;           /* spec.suspend: what runs goes on, nothing begins */
    bool second_pass;         /* Argo's controller would have looked at it more than once */
    struct work *work;        /* owned stack */
    size_t n_work, work_capacity;
    struct node **dirty; /* owned: changed in this apply */
    size_t n_dirty, dirty_capacity;
    struct tph_action *tasks; /* owned: start and cancel actions of this apply */
    size_t n_tasks, tasks_capacity;
    struct tph_action *actions; /* owned: what the last apply returned */
    size_t actions_capacity;
    struct node **heap; /* owned: nodes by deadline, soonest first; heap[0] is unused */
    size_t heap_len, heap_capacity;
    struct node **blocked; /* owned: who waits for room */
    size_t n_blocked, blocked_capacity;
    struct tph_locks *own_locks; /* owned; NULL where they are shared, or none was asked for */
    struct node **lock_queue;    /* owned: who waits for locks */
    size_t n_lock_queue, lock_queue_capacity;
    struct tph_str waits_for; /* of the workflow; p NULL = none */
    struct tph_str *held;
    size_t n_held;
    bool was_pending;   /* it waited for a lock before it began */
    bool was_over;      /* it had ended before the run was made */
    bool refused;       /* it never began */
    int64_t created_ms; /* its creationTimestamp; 0 = unknown */
    size_t n_leaves;    /* that are not final */
    int64_t waiting_ms; /* what the last WAIT_UNTIL said */
    uint32_t stamp;     /* of the last walk */
    bool workflow_changed;
};

/* Whether that is to be computed as Argo does. */
static inline bool tph_run_compat(const struct tph_run *run, enum tph_compat what)
{
    return (run->options.compat & (unsigned)what) != 0;
}

enum { TPH_UNKNOWN_MS = 999 };

/* From when a time counts that begins at at_ms, so that it ends after no less than what was asked for: after a restart
 * the milliseconds are not known any more. Argo counts from the whole second before. */
static inline int64_t tph_run_since(const struct tph_run *run, int64_t at_ms, int64_t unknown_ms)
{
    return tph_run_compat(run, TPH_COMPAT_SECONDS) ? at_ms / 1000 * 1000 : at_ms + unknown_ms;
}
