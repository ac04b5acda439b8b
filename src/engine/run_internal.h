/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/engine only: a run's nodes and what moves them.
 *
 *   run.c       events in, actions out; the work list
 *   end.c       deadlines, stop and terminate; how the workflow ends
 *   nodes.c     making nodes, their phases, edges and progress; tree.c goes through them
 *   deadlines.c the heap of nodes that something happens to by themselves
 *   dispatch.c  a node for a call: its name, inputs and checks, then its type's part
 *   expand.c    what a step or task is with its references and items put in
 *   steps.c     step groups
 *   dag.c       tasks that wait for each other
 *   resolve.c   which template a call means; again.c members that are made a second time
 *   retry.c     attempts; hooks.c has exit handlers and life-cycle hooks
 *   parallel.c  how many may run at a time
 *   merged.c    the spec that is executed: over templates and defaults
 *   metadata.c  labels and annotations that the workflow gives itself
 *   compat.c    what is computed as Argo does, by name
 *   leaf.c      plugin and http nodes: the processed template, replies, timeouts
 *   sync.c      mutexes and semaphores
 *   memo.c      outputs that are known already
 *   suspend.c   suspend nodes: waiting, resuming, what was supplied
 *   outputs.c   outputs of steps and DAGs
 *   globals.c   {{workflow.*}}
 *   lookup.c    what a variable is
 *   scope.c     texts with their tags replaced, for a place
 *   object.c    the Workflow object with its status
 *   restore.c   a run from a saved one
 */
#pragma once

#include "engine/scope.h"
#include "engine/state.h"

/* run.c */
void tph_run_push(struct tph_run *run, enum work_kind kind, struct node *node);
void tph_run_push_task(struct tph_run *run, struct node *dag, size_t task);
void tph_run_act(struct tph_run *run, const struct tph_action *action);
/* Whether the workflow may have that many nodes more; else the problem says so. */
bool tph_run_has_room(const struct tph_run *run, size_t n, struct tph_buf *problem);
bool tph_workflow_phase_is_final(enum tph_workflow_phase phase);
/* The one function that changes the workflow's phase. */
void tph_run_set_phase(struct tph_run *run, enum tph_workflow_phase phase, const char *message);

/* end.c */
/* When the workflow's own deadline is; 0 = none. */
int64_t tph_run_deadline_ms(const struct tph_run *run);
/* Ends what is over, one node's own deadline at a time; false when nothing has to be worked off. */
bool tph_run_check_deadlines(struct tph_run *run);
void tph_run_shut_down(struct tph_run *run, const char *strategy);
void tph_run_end_if_stopped(struct node *leaf);                 /* one that was made although the workflow ends */
void tph_run_end_below(struct node *node, const char *message); /* all in it that is not over */
void tph_run_end_refused(struct tph_run *run, struct tph_str message); /* Error, and with it what is not final */
void tph_run_end_stopped(struct tph_run *run);                         /* every leaf that runs, for run->shutdown */
void tph_run_root_settled(struct tph_run *run);                        /* the root and the workflow's hooks are done */

/* nodes.c */
struct node_kind {
    enum tph_node_type type;
    enum node_role role;
    const struct tph_template *template;
    const struct tph_call *call;
    struct node *parent;
    size_t index;
    struct tph_str item;
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
/* Puts a member in its place; the list grows as it must. */
void tph_node_put_member(struct node *node, size_t index, struct node *member);
void tph_node_set_progress(struct node *node, int64_t done, int64_t total);
void tph_node_write_progress(struct node *node);
/* The id for a node of that name, "-2" and so on appended where another one has it. In the arena. */
const char *tph_node_new_id(struct tph_run *run, struct tph_str name);
/* The same id without a look at who has it, into buf. n: 1, 2, ... for the further ones. */
void tph_node_write_id(const struct tph_run *run, struct tph_str name, unsigned n, struct tph_buf *id);
/* The name that Argo would give its pod; in the arena of this apply. */
const char *tph_node_pod_name(const struct node *node);
bool tph_node_is_leaf(const struct node *node); /* plugin, http, suspend: counts in progress */
bool tph_node_failed(const struct node *node);  /* Failed or Error */

/* tree.c */
/* The node after this one in the order of the tree: parents before members, those in their order, then hooks. The same
 * for a run and one restored from it, as run->nodes is not. NULL after the last. */
struct node *tph_node_next(const struct node *node);
/* Steps or DAG node around it whose template's text its call stands in; NULL for the root and what hooks the root. */
struct node *tph_node_boundary(const struct node *node);
/* True for an exit handler and what is below one. Source: argo 2.13. */
bool tph_node_in_exit_handler(const struct node *node);
/* The leaves that what follows a node hangs on: calls take for each. */
typedef void tph_outbound_fn(void *owner, struct node *leaf);
void tph_node_outbound(struct node *node, tph_outbound_fn *take, void *owner);
void tph_node_keep_outbound(struct node *node, struct node *const *last, size_t n);

/* deadlines.c: 0 takes it out */
void tph_node_set_deadline(struct node *node, int64_t deadline_ms);
struct node *tph_node_next_deadline(const struct tph_run *run); /* NULL = none */

/* expand.c: a step or task with its references and items put in. */
enum member_what {
    MEMBER_CALL,
    MEMBER_SKIP,  /* text: why */
    MEMBER_ERROR, /* text: Argo's words */
};
struct member {
    const struct tph_call *call;
    enum member_what what;
    const char *name;                    /* of its node; in the run's arena */
    const char *text;                    /* scratch */
    const struct tph_str *values;        /* one an argument; p NULL: absent; scratch */
    const struct tph_template *template; /* NULL: text says why */
    struct tph_str item;                 /* lives as long as the run */
    size_t slot;                         /* number of the step in its group */
};
struct members {
    struct member *list; /* scratch; of a plan in the run's arena */
    size_t n, capacity;
    size_t next; /* of a plan: the first that is not made yet */
};
/* A copy that lives as long as the run. */
struct members *tph_members_keep(struct tph_run *run, const struct members *members);
/* Appends the members of one call: one, or one an item; *ret_is_loop. Returns 0, or -1 with the problem. */
int tph_expand(const struct node *boundary, const struct tph_call *call, struct tph_str prefix, struct members *members,
               bool *ret_is_loop, struct tph_buf *problem) TPH_MUST_CHECK;

/* again.c */
/* Gives the nodes of a group or loop the places that the plan has for them, and keeps the plan for those that are
 * missing. False, and nothing changed, when none is. */
bool tph_members_plan_again(struct node *group, struct members *plan);
bool tph_member_is_made(const struct node *group, size_t index);
/* What the plan has yet is not to be made. */
void tph_members_give_up(struct node *group, struct members *plan);

/* The template that a call names, NULL with Argo's words in ret_problem (in the arena). */
const struct tph_template *tph_resolve_template(const struct node *boundary, const struct tph_call *call,
                                                struct tph_str resource, struct tph_str name, struct tph_arena *arena,
                                                const char **ret_problem);

/* resolve.c */
const char *tph_resource_kind_name(enum tph_resource_kind kind);
struct tph_resource *tph_node_resource(const struct node *boundary); /* in which its template's calls are looked up */
void tph_run_store_template(struct tph_run *run, const struct tph_template *t, struct tph_str step);
void tph_run_store_local(struct tph_run *run);

/* dispatch.c */
enum dispatched {
    DISPATCHED,
    DISPATCH_FAILED,  /* the node is final, what is around it cannot go on; problem says why */
    DISPATCH_TOO_DEEP /* the node is final, what is around it treats it as any other that failed */
};
/* Makes the node that a call asks for: skipped, retried, or of its template's type. kind->type is set here. values: a
 * text for each of the call's arguments; NULL for the root. */
struct node *tph_dispatch(struct tph_run *run, const char *name, const struct node_kind *kind,
                          const struct tph_str *values, struct tph_buf *problem, enum dispatched *ret_result);
/* Another attempt of a retry node. */
struct node *tph_dispatch_attempt(struct node *retry, struct tph_buf *problem, enum dispatched *ret_result);
/* A node that has got its locks is made ready and begun. */
void tph_dispatch_go_on(struct node *node);
/* Makes the node of a member, skipped ones too, and hangs it on its parent. */
struct node *tph_dispatch_member(struct node *parent, const struct member *member, size_t index,
                                 struct tph_buf *problem, enum dispatched *ret_result);

/* What a type of template does. */
struct template_ops {
    enum tph_node_type node_type;
    /* Ready to begin, or -1 with the node final and the problem told. */
    int (*prepare)(struct node *node, struct tph_buf *problem);
    void (*begin)(struct node *node); /* from the work list; NULL: prepare has done all */
};
const struct template_ops *tph_template_ops(const struct tph_template *t);
void tph_node_begin(struct node *node);      /* its type's begin, or that of retries */
void tph_node_push_begin(struct node *node); /* from the work list, if there is something to begin */
int tph_leaf_prepare(struct node *node, struct tph_buf *problem);
int tph_steps_prepare(struct node *node, struct tph_buf *problem);
int tph_dag_prepare(struct node *node, struct tph_buf *problem);
/* The tasks that are run, and for which targets; known once the DAG is prepared. */
const struct tph_dag_plan *tph_dag_plan_of(const struct node *dag);
int tph_suspend_prepare(struct node *node, struct tph_buf *problem);

/* leaf.c */
void tph_leaf_start_again(struct node *node);
void tph_leaf_reply(struct node *node, const struct tph_task_result *result);
void tph_leaf_end(struct node *node, const char *message); /* Failed from outside: its plugin is told */
void tph_leaf_expire(struct node *node);                   /* its deadline is over */
void tph_leaf_restore(struct node *node);                  /* its deadline again */
bool tph_leaf_is_live(const struct node *node);            /* plugin or http, not final */

/* sync.c */
enum sync_answer {
    SYNC_GO,
    SYNC_WAIT,   /* told in the node's message, or in problem for the workflow */
    SYNC_BROKEN, /* problem */
};
struct tph_locks *tph_run_locks(struct tph_run *run);
enum sync_answer tph_sync_node(struct node *node, struct tph_buf *problem);
enum sync_answer tph_sync_workflow(struct tph_run *run, struct tph_buf *problem);
void tph_sync_release(struct node *node); /* it is final */
void tph_sync_release_workflow(struct tph_run *run);
void tph_sync_try_again(struct tph_run *run);
void tph_sync_leave_queues(struct tph_run *run); /* of nodes: they come again in the order of the tree */
void tph_sync_wait_again(struct node *node);     /* after a restart */
struct tph_json *tph_sync_status(const struct tph_run *run, struct tph_json_doc *doc); /* NULL = nothing */
void tph_sync_restore(struct tph_run *run, const struct tph_json *sync);

/* memo.c */
/* Looks whether the node's outputs are known; then it is final. -1 with the problem. */
int tph_memo_look(struct node *node, struct tph_buf *problem) TPH_MUST_CHECK;
void tph_memo_save(struct node *node); /* what a node that is final gave, where it is to be remembered */

/* suspend.c */
void tph_suspend_expire(struct node *node);
void tph_suspend_restore(struct node *node);

/* steps.c */
void tph_steps_begin(struct node *node);
void tph_steps_make_more(struct node *group);
void tph_steps_settled(struct node *group, struct node *member);
void tph_steps_hook_broken(struct node *group, const char *problem); /* the condition of a member's hook is none */
void tph_steps_group_final(struct node *group);
void tph_steps_start_again(struct node *node); /* a steps node or group that stands still is pushed on */
struct node *tph_steps_make_group(struct node *steps);

/* dag.c */
void tph_dag_begin(struct node *dag);
void tph_dag_task_ready(struct node *dag, size_t task);
void tph_dag_make_items(struct node *group);
void tph_dag_try_queue(struct node *dag);
void tph_dag_settled(struct node *dag, struct node *member);
void tph_dag_item_settled(struct node *group, struct node *item);
void tph_dag_hook_broken(struct node *dag, const char *problem);
void tph_dag_start_again(struct node *node);
void tph_dag_restore(struct node *dag); /* who waits for whom */

/* parallel.c */
#define TPH_FAIL_FAST_MESSAGE "template has failed or errored children and failFast enabled"
void tph_parallel_made(struct node *node);  /* for every node, when it is made */
void tph_parallel_final(struct node *node); /* and when it is final */
/* Whether a member of that template may be made now. parent: a group, a loop of a DAG, a DAG. */
bool tph_parallel_may_begin(const struct node *parent, const struct tph_template *t);
bool tph_parallel_gives_up(const struct node *parent); /* failFast: nothing more is to be made */
void tph_parallel_block(struct node *parent);          /* is asked again when there may be room */
void tph_parallel_room(struct tph_run *run);
void tph_parallel_forget_blocked(struct tph_run *run); /* those who still want something ask once more */

/* retry.c */
void tph_retry_begin(struct node *retry);
void tph_retry_attempt_final(struct node *retry);
void tph_retry_expire(struct node *retry); /* the pause is over */
void tph_retry_start_again(struct node *retry);

/* hooks.c */
/* Looks whether hooks of the node begin now. */
void tph_hooks_check(struct node *node);
/* True when the node, which is final, waits for a hook: begun here where it is time. */
bool tph_hooks_hold(struct node *node);
/* For Argo a loop of a DAG is over with its items, whatever their exit handlers still do. */
bool tph_hooks_are_let_go(const struct node *node);
void tph_hooks_hook_final(struct node *hook);
/* After a restart, of a member that is final: none of its hooks runs, and none is still to begin, as it may be where
 * the workflow was suspended. */
bool tph_hooks_are_over(struct node *member);
void tph_hooks_made(struct node *member); /* a step or task is there: its hooks are looked at */
/* The hooks of a node: those of its call, or of the workflow for the root. */
const struct tph_hook *tph_hooks_of(const struct node *node, size_t *ret_n);
struct node **tph_hooks_array(struct node *node); /* made on first use */

/* True for a member of a loop whose results cannot be put together, which Argo takes for a fault of whoever has the
 * loop; with the problem. */
bool tph_loop_is_broken(const struct node *boundary, const struct tph_call *call, struct node *const *members, size_t n,
                        struct tph_buf *problem);

/* outputs.c: those of a steps or DAG node that went well. -1: one cannot be had; the node is Error then. */
int tph_outputs_deliver(struct node *node) TPH_MUST_CHECK;

/* merged.c */
bool tph_run_needs_merge(const struct tph_json *workflow, const struct tph_run_options *options);

/* metadata.c: spec.workflowMetadata into the object and {{workflow.labels...}}. -1 with the problem. */
int tph_metadata_apply(struct tph_run *run, struct tph_buf *problem) TPH_MUST_CHECK;

/* globals.c */
void tph_globals_begin(struct tph_run *run);   /* from the spec and the workflow's metadata */
void tph_globals_created(struct tph_run *run); /* at the start; an object that was in no store was created just now */
void tph_globals_set(struct tph_run *run, struct tph_str name, struct tph_str value);
/* An output with a globalName: into status.outputs and {{workflow.outputs.parameters.NAME}}. */
void tph_globals_export(struct tph_run *run, struct tph_str name, struct tph_str value);
void tph_globals_settle(struct tph_run *run); /* the event is dealt with */
/* All members of outputs that have one. */
void tph_globals_export_all(struct tph_run *run, const struct tph_json *outputs);

/* restore.c */
int tph_run_restore(struct tph_run *run, const struct tph_json *status, struct tph_error *err) TPH_MUST_CHECK;
