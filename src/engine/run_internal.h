/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/engine only: a run's nodes and what moves them.
 *
 *   run.c      events in, actions out; the work list
 *   nodes.c    making nodes, their phases, edges and progress
 *   leaf.c     plugin nodes: the processed template, replies, timeouts
 *   steps.c    step groups
 *   scope.c    what a {{tag}} means where
 *   object.c   the Workflow object with its status; a run from a saved one
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "engine/run.h"
#include "engine/spec.h"

struct node {
    struct tph_node pub; /* first: struct tph_node * and this one are the same address */
    struct tph_run *run;
    const struct tph_template *template; /* NULL for a group */
    const struct tph_step *step;         /* that made it; NULL for the root and groups */
    struct node *parent;                 /* group of a member, steps node of a group; NULL for the root */
    size_t index;                        /* number of the group, or of the member in its group */
    size_t unfinished;                   /* group: members that are not final */
    struct node **groups;                /* steps: its groups, in the arena */
    size_t n_groups;                     /* steps: begun so far */
    struct node **members;               /* group: its members, in the arena */
    struct tph_node **outbound;          /* steps, when final: the leaves that what follows hangs on */
    size_t n_outbound;
    struct tph_node *one_child; /* room for the commonest number of children */
    size_t child_capacity;
    char *message, *progress;         /* owned */
    struct tph_json_doc *outputs_doc; /* owned */
    int64_t deadline_ms;              /* 0 = none */
    size_t heap_at;                   /* place in the heap of deadlines, from 1; 0 = not in it */
    int64_t done, total;              /* progress of the leaves below, itself included */
    bool dirty;                       /* in the list of changed nodes */
};

/* Something to do before the event is dealt with: an explicit stack in place of recursion. */
enum work_kind {
    WORK_BEGIN,  /* a node was made: begin it */
    WORK_SETTLE, /* a node became final: tell whoever waits */
};

struct work {
    enum work_kind kind;
    struct node *node;
};

struct tph_run {
    struct tph_run_options options;
    struct tph_spec *spec;     /* owned */
    struct tph_arena *arena;   /* nodes, names */
    struct tph_arena *scratch; /* texts of this apply's actions; emptied by the next */
    struct tph_json_doc *doc;  /* inputs of nodes */
    struct tph_map by_id;      /* node id -> struct node */
    struct node **nodes;       /* owned array, in the order of making */
    size_t n_nodes, nodes_capacity;
    struct node *root;
    enum tph_workflow_phase phase;
    char *message; /* owned */
    char progress[48];
    int64_t now_ms, started_ms, finished_ms;
    const char *shutdown; /* "Stop", "Terminate" or NULL */
    bool started;
    struct work *work; /* owned stack */
    size_t n_work, work_capacity;
    struct node **dirty; /* owned: changed in this apply */
    size_t n_dirty, dirty_capacity;
    struct tph_action *tasks; /* owned: start and cancel actions of this apply */
    size_t n_tasks, tasks_capacity;
    struct tph_action *actions; /* owned: what the last apply returned */
    size_t actions_capacity;
    struct node **heap; /* owned: nodes by deadline, soonest first; heap[0] is unused */
    size_t heap_len, heap_capacity;
    int64_t waiting_ms; /* what the last WAIT_UNTIL said */
    bool workflow_changed;
    bool nodes_limit; /* TPH_LIMIT_NODES was reached */
};

/* run.c */
void tph_run_push(struct tph_run *run, enum work_kind kind, struct node *node);
void tph_run_act(struct tph_run *run, const struct tph_action *action);
void tph_run_set_phase(struct tph_run *run, enum tph_workflow_phase phase, const char *message);

/* nodes.c */
struct node_kind {
    enum tph_node_type type;
    const struct tph_template *template;
    const struct tph_step *step;
    struct node *parent;
    size_t index;
};
struct node *tph_node_make(struct tph_run *run, const char *name, const struct node_kind *kind);
void tph_node_free(struct node *node);
void tph_node_touch(struct node *node);
/* The one function that changes a phase; message NULL keeps the old one. A final phase never changes. */
void tph_node_set_phase(struct node *node, enum tph_node_phase phase, const char *message);
void tph_node_set_message(struct node *node, struct tph_str message);
void tph_node_add_child(struct node *node, struct node *child);
void tph_node_set_progress(struct node *node, int64_t done, int64_t total);
void tph_node_set_deadline(struct node *node, int64_t deadline_ms);
struct node *tph_node_next_deadline(const struct tph_run *run);
const char *tph_node_id(struct tph_run *run, struct tph_str name);

/* leaf.c */
void tph_leaf_begin(struct node *node);
void tph_leaf_start_task(struct node *node);
void tph_leaf_reply(struct node *node, const struct tph_task_result *result);
void tph_leaf_end(struct node *node, const char *message); /* Failed from outside: its plugin is told */
void tph_leaf_restore(struct node *node);                  /* its timeout */

/* steps.c */
void tph_steps_begin(struct node *node);
void tph_steps_member_final(struct node *member);
void tph_steps_group_final(struct node *group);
struct node *tph_steps_make_group(struct node *steps);
struct node *tph_steps_make_member(struct node *group, size_t index, enum tph_node_type type);
void tph_steps_close(struct node *steps);

/* scope.c */
struct scope {
    const struct tph_run *run;
    const struct node *node;       /* whose text it is */
    const struct node *boundary;   /* steps node whose members {{steps.X...}} means; NULL = none */
    const struct tph_json *inputs; /* {{inputs.parameters.X}}: a node's inputs; NULL = none */
};
bool tph_scope_lookup(void *scope, struct tph_str tag, struct tph_buf *value);
/* The inputs of a node of `template`: declared values, overridden by arguments. 0; -1 with the message for the node. */
int tph_scope_inputs(struct node *node, const struct scope *arguments, struct tph_json **ret_inputs,
                     struct tph_buf *problem) TPH_MUST_CHECK;

/* object.c */
int tph_run_restore(struct tph_run *run, const struct tph_json *status, struct tph_error *err) TPH_MUST_CHECK;
