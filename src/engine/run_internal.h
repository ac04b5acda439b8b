/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/engine only: a run's nodes and what moves them.
 *
 *   run.c       events in, actions out; the work list
 *   nodes.c     making nodes, their phases, edges and progress
 *   deadlines.c the heap of nodes that end by themselves
 *   dispatch.c  a node for a template: its name, inputs and checks, then its type's part
 *   leaf.c      plugin nodes: the processed template, replies, timeouts
 *   steps.c     step groups
 *   globals.c   {{workflow.*}}
 *   scope.c     what a {{tag}} means where
 *   object.c    the Workflow object with its status
 *   restore.c   a run from a saved one
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
    size_t seq;                          /* place in run->nodes */
    size_t index;                        /* number of the group, or of the member in its group */
    size_t depth;                        /* templates around it, itself included */
    size_t unfinished;                   /* group: members that are not final */
    struct node **groups;                /* steps: its groups, in the arena */
    size_t n_groups;                     /* steps: begun so far */
    struct node **members;               /* group: its members, in the arena; NULL where none was made */
    struct tph_node **outbound;          /* steps, when final: the leaves that what follows hangs on; owned */
    size_t n_outbound;
    struct tph_node *one_child; /* room for the commonest number of children */
    size_t child_capacity;
    char *message;                    /* owned */
    struct tph_json_doc *outputs_doc; /* owned; NULL once final: then they are in the run's document */
    int64_t deadline_ms;              /* 0 = none */
    size_t heap_at;                   /* place in the heap of deadlines, from 1; 0 = not in it */
    int64_t done, total;              /* progress of the leaves below, itself included */
    char progress[40];
    bool progress_changed; /* progress is to be written anew */
    bool deadline_is_timeout;
    bool timed_out; /* its timeout ended it, which groups speak of in other words */
    bool broken;    /* the root could not begin */
    bool dirty;     /* in the list of changed nodes */
};

/* Something to do before the event is dealt with: an explicit stack in place of recursion. */
enum work_kind {
    WORK_BEGIN,  /* a steps node was made: open its first group */
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
    struct tph_json_doc *doc;  /* inputs and outputs of nodes */
    struct tph_map globals;    /* "workflow.name" -> struct tph_str in the arena */
    struct tph_json *outputs;  /* [{name, value}]: exported by globalName; NULL = none */
    struct tph_map by_id;      /* node id -> struct node */
    struct node **nodes;       /* owned array, in the order of making */
    size_t n_nodes, nodes_capacity;
    struct node *root;
    enum tph_workflow_phase phase;
    char *message; /* owned */
    int64_t now_ms, started_ms, finished_ms;
    const char *shutdown; /* "Stop", "Terminate" or NULL */
    bool second_pass;     /* Argo's controller would have looked at it more than once */
    struct work *work;    /* owned stack */
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
};

/* run.c */
void tph_run_push(struct tph_run *run, enum work_kind kind, struct node *node);
void tph_run_act(struct tph_run *run, const struct tph_action *action);
/* When the workflow's own deadline is; 0 = none. */
int64_t tph_run_deadline_ms(const struct tph_run *run);
bool tph_workflow_phase_is_final(enum tph_workflow_phase phase);

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
/* Final as a node of type Skipped: it never was more than its name. */
void tph_node_end_unmade(struct node *node, enum tph_node_phase phase, const char *message);
void tph_node_set_message(struct node *node, struct tph_str message);
/* outputs NULL: none. Copied. */
void tph_node_set_outputs(struct node *node, const struct tph_json *outputs);
void tph_node_add_child(struct node *node, struct node *child);
void tph_node_set_progress(struct node *node, int64_t done, int64_t total);
void tph_node_write_progress(struct node *node);
/* The node after this one in the order of the tree: parents before children, groups and members in their order. The
 * same for a run and one restored from it, as run->nodes is not. NULL after the last. */
struct node *tph_node_next(const struct node *node);
/* The id for a node of that name, "-2" and so on appended where another one has it. In the arena. */
const char *tph_node_new_id(struct tph_run *run, struct tph_str name);
/* The same id without a look at who has it, into buf. n: 1, 2, ... for the further ones. */
void tph_node_write_id(const struct tph_run *run, struct tph_str name, unsigned n, struct tph_buf *id);

/* deadlines.c: 0 takes it out */
void tph_node_set_deadline(struct node *node, int64_t deadline_ms);
struct node *tph_node_next_deadline(const struct tph_run *run); /* NULL = none */

/* dispatch.c */
enum dispatched {
    DISPATCHED,
    DISPATCH_FAILED,  /* the node is final, what is around it cannot go on; problem says why */
    DISPATCH_TOO_DEEP /* the node is final, what is around it treats it as any other that failed */
};
/* Makes the node of a template as kind says and gets it ready: depth, inputs from values (a text for each of the
 * step's arguments; NULL for the root), display name, then its type's own. */
struct node *tph_dispatch(struct tph_run *run, const char *name, const struct node_kind *kind,
                          const struct tph_str *values, struct tph_buf *problem, enum dispatched *ret_result);

/* What a type of template does. */
struct template_ops {
    enum tph_node_type node_type;
    /* Ready to begin, or -1 with the node final and the problem told. */
    int (*prepare)(struct node *node, struct tph_buf *problem);
    void (*begin)(struct node *node); /* from the work list; NULL: prepare has done all */
};
const struct template_ops *tph_template_ops(const struct tph_template *t);
int tph_leaf_prepare(struct node *node, struct tph_buf *problem);
int tph_steps_prepare(struct node *node, struct tph_buf *problem);

/* leaf.c */
void tph_leaf_start_again(struct node *node);
void tph_leaf_reply(struct node *node, const struct tph_task_result *result);
void tph_leaf_end(struct node *node, const char *message); /* Failed from outside: its plugin is told */
void tph_leaf_expire(struct node *node);                   /* its deadline is over */
void tph_leaf_restore(struct node *node);                  /* its deadline again */

/* steps.c */
void tph_steps_begin(struct node *node);
void tph_steps_member_final(struct node *member);
void tph_steps_group_final(struct node *group);
void tph_steps_start_again(struct node *node); /* a steps node or group that stands still is pushed on */
struct node *tph_steps_make_group(struct node *steps);
const char *tph_steps_member_name(const struct node *group, size_t index); /* in the arena */

/* globals.c */
void tph_globals_begin(struct tph_run *run);   /* from the spec and the workflow's metadata */
void tph_globals_created(struct tph_run *run); /* at the start; an object that was in no store was created just now */
void tph_globals_set(struct tph_run *run, struct tph_str name, struct tph_str value);
/* An output with a globalName: into status.outputs and {{workflow.outputs.parameters.NAME}}. */
void tph_globals_export(struct tph_run *run, struct tph_str name, struct tph_str value);
/* All members of outputs that have one. */
void tph_globals_export_all(struct tph_run *run, const struct tph_json *outputs);

/* scope.c: whose text it is, and what its tags may name */
struct scope {
    const struct tph_run *run;
    const struct node *node;       /* of whose template the text is */
    const struct tph_json *inputs; /* {{inputs.parameters.X}}; NULL = none yet */
    bool references;               /* {{steps.X...}} of the members of node have to be known */
};
/* Puts a text together for a scope. Returns as tph_text_eval. flags: TPH_TEXT_JSON or 0. */
int tph_scope_eval(const struct scope *scope, const struct tph_text *text, unsigned flags, struct tph_buf *out,
                   struct tph_buf *problem) TPH_MUST_CHECK;
/* The same pass by pass for a JSON text that was put together from several, where braces came in with values. */
int tph_scope_replace(const struct scope *scope, struct tph_str json, struct tph_buf *out, struct tph_buf *problem)
    TPH_MUST_CHECK;
/* True where braces in text may be tags for a later pass. */
bool tph_scope_has_tags(struct tph_str text);
enum tph_text_value tph_scope_resolve(const struct scope *scope, struct tph_str reference, struct tph_buf *value,
                                      struct tph_buf *problem);
/* The inputs of a node: what is declared, overridden by values. Returns 0, NULL in ret_inputs where there are none;
 * or -1 with the problem. */
int tph_scope_inputs(struct node *node, const struct tph_str *values, struct tph_json **ret_inputs,
                     struct tph_buf *problem) TPH_MUST_CHECK;

/* restore.c */
int tph_run_restore(struct tph_run *run, const struct tph_json *status, struct tph_error *err) TPH_MUST_CHECK;
