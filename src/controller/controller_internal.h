/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the durable controller: what it knows of a workflow, and which file moves it.
 *
 *   controller.c  life, the watch, which workflows there are
 *   load.c        from an object to a run, or to the message of one that cannot be run
 *   carry.c       events to the engine, its actions to the agent
 *   commit.c      what changed goes into the store, in one write at a time
 *   cancels.c     who is told of a cancel, also after a crash
 *   over.c        how many are over
 *   measure.c     what is counted
 *   task.c        what is known of tasks, in memory and in the store
 *   finder.c      other objects of the store: templates, ConfigMaps, Secrets
 *   configure.c   settings of a ConfigMap, live; semaphore.c: limits of locks (follow.h)
 *   discover.c    plugins from ConfigMaps of the store, live
 *   tell.c        Events about workflows and others
 *   expire.c      workflows that are over go in time
 *   admit.c       how many run at a time
 *   cron*.c       CronWorkflows (cron_internal.h)
 *   pods.c        sidecars as Pods of the API
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "controller/controller.h"
#include "controller/measure.h"
#include "controller/policy.h"
#include "engine/locks.h"

struct finder;
struct discovery;
struct teller;
struct expirer;
struct semaphores;
struct reader;
struct configurer;
struct crons;
struct pods;
struct write;
struct batch;

/* A result that is not durable yet: given again to a run that is made anew. */
struct result {
    struct result *next;
    char *node_id;            /* owned, as the next */
    struct tph_json_doc *doc; /* {phase, message, progress, outputs} */
};
struct results {
    struct result *first, **end; /* end NULL: empty */
};

enum task_state {
    TASK_HELD,  /* its node is not durable yet */
    TASK_GIVEN, /* the agent has it */
    TASK_ENDED, /* its result is here, but not durable */
};

/* A task that is not over in the store. */
struct task {
    struct task *next; /* in held, or doomed */
    enum task_state state;
    struct tph_str id, name, key; /* in texts */
    char *text;                   /* owned; the processed template; NULL once given, where no row has it */
    char *plugin;                 /* owned: who has it; NULL = nobody yet */
    uint32_t attempt, engine_attempt;
    uint32_t calls;
    int64_t due_ms;      /* of the next call, wall clock; 0 = at once */
    int64_t deadline_ms; /* wall clock */
    bool is_http;
    bool again;   /* it may have been given before the program was started anew */
    bool wanted;  /* by the run, as it was made last */
    bool row;     /* there is more to know than its node says: it has a row */
    bool row_due; /* which is to be written */
    bool dead;    /* is in held, but not wanted any more */
    char texts[];
};

enum carried_state {
    CARRIED_NEW,     /* nothing is known of its object yet */
    CARRIED_WAITING, /* for its turn: parallelism */
    CARRIED_RUNNING,
    CARRIED_OVER, /* in memory; durable once ended */
};

/* One workflow. */
struct carried {
    struct tph_shown shown; /* first: the observer's pointer is ours */
    struct tph_controller *controller;
    char *key; /* owned: "NAMESPACE/NAME"; shown.ns and shown.name point into it */
    char *uid; /* owned */
    enum carried_state state;
    uint64_t version;             /* of the object, read or written last */
    uint64_t seen;                /* the latest that the watch told of */
    struct tph_timer *timer;      /* what the engine waits for */
    struct tph_timer *later;      /* until progress alone is written, or a write that failed is tried again */
    struct tph_json_doc *object;  /* of one that waits for its turn; NULL else */
    struct tph_json_doc *refusal; /* the object of one that is refused, to be written; NULL else */

    struct tph_map dirty;    /* id -> const struct tph_node: to be written; they live as long as the run */
    struct tph_map lagging;  /* likewise, of which only the progress changed */
    struct tph_map in_write; /* those of the write that is under way */
    bool base_dirty, base_lagging, over_dirty;
    bool writing; /* a write is under way */
    bool over_in_write, object_in_write;
    size_t n_in_write;                 /* changes */
    bool flushing;                     /* one begins at the end of this turn */
    bool late;                         /* progress has waited long enough */
    bool gone;                         /* deleted while a write was under way */
    bool ended;                        /* its end is durable */
    bool admitted;                     /* it counts as one that runs */
    bool unread;                       /* what it depends on could not be read: nothing is decided, it is read anew */
    int64_t priority, created_ms;      /* of one that waits for its turn */
    int64_t queued_us, write_began_us; /* of the measures */
    unsigned failures;                 /* of writes, one after the other */
    unsigned refused;                  /* the store would not have it: 1: it ends, 2: with nothing else that changed */

    struct tph_map tasks;                  /* node id -> struct task, owned */
    struct task *held, **held_end;         /* to be given when their nodes are durable */
    struct task *doomed;                   /* owned: to be cancelled at the agent then */
    struct task *held_now, *doomed_now;    /* of the write that is under way */
    struct batch *cancels;                 /* likewise: of what is doomed; NULL: none */
    struct results fresh, written;         /* since the last write began; in it */
    uint32_t attempt;                      /* of new tasks */
    int64_t generation;                    /* of the object; 0 = it has none */
    bool again;                            /* it goes on just now: what it starts may have been started before */
    bool has_own_plugins;                  /* spec.executorPlugins */
    bool has_locks;                        /* who holds them stands in the object without nodes */
    bool begins;                           /* it does not run yet, which will be told */
    bool fixed_texts;                      /* the same text comes out of a template whenever it is asked for */
    bool rows_read;                        /* what was in the store is known */
    bool rows_there;                       /* the object of tasks is in the store */
    bool rows_whole;                       /* all of it is to be written */
    bool rows_due;                         /* some of it is */
    bool rows_there_after;                 /* the write that is under way */
    struct tph_json_doc *rows;             /* as they were read: for tasks that are started again */
    struct tph_map told;                   /* node id -> its phase + 1, as it was told last */
    unsigned n_told[TPH_NODE_PHASE_COUNT]; /* events about nodes */
    char *last_told[TPH_NODE_PHASE_COUNT]; /* owned: the last message that was only counted */
    char **rows_out;                       /* owned: node ids whose rows go */
    size_t n_rows_out, rows_out_capacity;
};

struct tph_controller {
    struct tph_loop *loop;
    struct tph_controller_options options;
    struct tph_settings base, settings; /* of the start; those that count now */
    struct tph_store *store;
    struct tph_agent *agent;
    struct tph_locks *locks; /* owned */
    struct finder *finder;
    struct discovery *discovery; /* NULL where plugins are given, or switched off */
    struct teller *teller;       /* NULL: no Events are written */
    struct expirer *expirer;
    struct semaphores *semaphores;
    struct configurer *configurer; /* NULL: settings do not change */
    struct crons *crons;           /* NULL: there are none */
    struct batch *cancels;         /* not told yet */
    struct pods *pods;             /* NULL: sidecars are not shown */
    struct reader *reader;         /* while all of them are read */
    struct tph_store_watch *watch;
    struct tph_map by_key;         /* -> struct carried, owned */
    struct tph_map by_tasks;       /* the bytes of the agent's pointer -> struct carried */
    size_t n_running;              /* that are not over */
    size_t n_over[TPH_OVER_COUNT]; /* workflows that are over, by enum tph_over */
    struct tph_map ended;          /* "NS/NAME" of those that ended here, until their events have come; over.c's own */
    struct measures *measures;     /* NULL: nothing is counted */
    struct write *writes;          /* under way; owned by the store's answer */
    size_t n_admitted;             /* workflows that run, as parallelism counts */
    struct tph_map crowds;         /* namespace -> how many of them, admit.c's own */
    bool waking, admitting;        /* in the next turn */
    struct tph_timer *again;       /* what could not be read or followed is tried again */
    unsigned lost;                 /* enum tph_lost */
    unsigned failures;             /* of that, one after the other */
    bool stopping;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* What the store could not give, or take, just now. */
enum tph_lost {
    LOST_WORKFLOWS = 1,
    LOST_PLUGINS = 2,
    LOST_SECRETS = 4,
    LOST_CRONS = 8,
    LOST_PODS = 16,
};

int64_t tph_controller_now_ms(const struct tph_controller *c);
static inline struct tph_str tph_pointer_key(const void *slot)
{
    return (struct tph_str){.p = slot, .len = sizeof(void *)};
}

/* controller.c */
void tph_carried_free(struct carried *w); /* ends it with the agent, takes it out of the maps */
/* Its end is durable: the observer hears of it; it stays only where runs are kept. */
void tph_carried_ended(struct carried *w);
/* It is tried again after a while, longer each time. */
void tph_controller_lost(struct tph_controller *c, enum tph_lost what, const struct tph_error *err);
/* It could not be read, or what it depends on: it stays as it is in the store, and is read anew. */
void tph_carried_unread(struct carried *w, const struct tph_error *err);
/* Reads the object anew: what it says counts. w may be gone afterwards. */
void tph_carried_reload(struct carried *w);
/* Writes; done is not called once the controller is freed, but forget (NULL: nothing) with the same owner. */
void tph_controller_write(struct tph_controller *c, const struct tph_store_change *changes, size_t n,
                          tph_store_done_fn *done, void (*forget)(void *owner), void *owner);

/* load.c: makes the run of an object, or has what is wrong with it written. go: begins it, or goes on with it. */
void tph_carried_make(struct carried *w, struct tph_json_doc *doc);
void tph_carried_go(struct carried *w);
bool tph_workflow_is_over(const struct tph_json *object);

/* carry.c */
void tph_carried_apply(struct carried *w, const struct tph_event *event);
void tph_carried_give(struct carried *w, struct task *task); /* to the agent */
void tph_carried_doom_unwanted(struct carried *w);
void tph_controller_wake(struct tph_controller *c); /* those whose turn it may be to have a lock, in the next turn */

size_t tph_own_plugins(const struct tph_json *workflow, struct tph_plugin **out, size_t max); /* of its spec; owned */

/* cancels.c. begin: what is to be known of tasks before they are cancelled, as a change; NULL: nothing. tell: that is
 * durable, or there is nothing; they are cancelled now. drop: they are not. */
struct batch *tph_cancels_begin(const struct carried *w, const struct task *list, struct tph_arena *arena,
                                struct tph_store_change *ret_change);
void tph_cancels_tell(struct batch *batch, struct tph_agent_workflow *view, const struct task *list);
void tph_cancels_drop(struct batch *batch);
int tph_cancels_start(struct tph_controller *c, struct tph_error *err) TPH_MUST_CHECK; /* after discovery */
void tph_cancels_free(struct tph_controller *c);

/* commit.c */
void tph_carried_flush(struct carried *w); /* at the end of this turn */
void tph_carried_forget_dirty(struct carried *w);
void tph_carried_refuse(struct carried *w, const struct tph_json *workflow, enum tph_workflow_phase phase,
                        struct tph_str message);
void tph_carried_save_cache(struct carried *w, const struct tph_action *action);

/* task.c */
struct task *tph_task_new(struct carried *w, const struct tph_action *action);
void tph_task_free(struct task *task);
void tph_tasks_free(struct task *list);
void tph_task_hold(struct carried *w, struct task *task);
void tph_task_drop(struct carried *w, struct task *task, bool cancel); /* it is over, or not wanted any more */
int tph_tasks_load(struct carried *w, bool reopened, struct tph_error *err) TPH_MUST_CHECK;
void tph_tasks_loaded(struct carried *w); /* all that begin again have begun */
/* The change that the rows need; texts and parts are the arena's. False: none. */
bool tph_tasks_change(struct carried *w, struct tph_arena *arena, struct tph_store_change *ret_change);
void tph_results_add(struct results *list, struct tph_str node_id, const struct tph_node_result *result);
void tph_results_free(struct results *list);
void tph_results_join(struct results *to, struct results *more); /* more stands before what to has */

/* finder.c */
struct finder *tph_finder_new(struct tph_store *store);
void tph_finder_free(struct finder *finder);
const struct tph_run_objects *tph_finder_view(struct finder *finder, struct tph_str ns);
struct tph_pod_objects tph_finder_pod_objects(struct finder *finder);
/* Whether something could not be read since the last time that this was asked: what was not found may be there. */
bool tph_finder_missed(struct finder *finder, struct tph_error *ret_err);
struct tph_lint_set;
/* All templates that a workflow of the namespace may name, as lint wants them; texts and objects are arena's and doc's.
 */
int tph_finder_templates(struct finder *finder, struct tph_str ns, struct tph_arena *arena, struct tph_json_doc *doc,
                         struct tph_lint_set *set, struct tph_error *err) TPH_MUST_CHECK;

/* discover.c */
struct discovery *tph_discovery_new(struct tph_controller *c);
int tph_discovery_start(struct discovery *d, struct tph_error *err) TPH_MUST_CHECK;
void tph_discovery_again(struct discovery *d, bool secrets);
void tph_discovery_free(struct discovery *d);
size_t tph_discovery_visible(const struct discovery *d, struct tph_str ns, struct tph_plugin **out, size_t max);

/* tell.c */
struct teller *tph_teller_new(struct tph_controller *c);
int tph_teller_start(struct teller *t, struct tph_error *err) TPH_MUST_CHECK;
void tph_teller_free(struct teller *t);
/* Writes an Event about an object, which may be any. */
void tph_controller_tell(struct tph_controller *c, const struct tph_json *object, const char *type, const char *reason,
                         const char *message);
void tph_tell_node(struct carried *w, const struct tph_node *node); /* if its phase is news */
void tph_tell_known(struct carried *w);                             /* what is, is no news */
void tph_tell_begun(struct carried *w);
void tph_tell_ended(struct carried *w);
void tph_tell_forget(struct carried *w);

/* pods.c */
int tph_pods_start(struct tph_controller *c, struct tph_error *err) TPH_MUST_CHECK;
void tph_pods_again(struct pods *pods); /* those that could not be written */
void tph_pods_free(struct pods *pods);
void tph_pods_note(struct tph_controller *c, const struct tph_agent_pod *state, const struct tph_plugin *plugin);
