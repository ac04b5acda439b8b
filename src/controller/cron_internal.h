/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows inside of the controller.
 *
 *   cron.c        when one is due, and a pass over it
 *   cron_child.c  its workflows: as they are made, ended, and deleted when they are too many
 *   cron_when.c   conditions, and what is wrong with its specification
 */
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "data/json.h"
#include "loop/loop.h"
#include "store/store.h"

/* One of its workflows that is over. */
struct child {
    char *name; /* owned */
    int64_t ended_ms;
    bool good;
};

struct cron {
    struct crons *crons;
    char *key; /* owned: "NAMESPACE/NAME"; ns and name point into it */
    struct tph_str ns, name;
    struct tph_timer *timer; /* until it is due */
    int64_t after_s;         /* times after it count; -1: nothing is known yet */
    int64_t fired_s;         /* of the workflow in the write under way; 0 = none */
    struct child *children;  /* owned */
    size_t n_children, children_capacity;
    bool asked; /* it will be looked at in the next turn */
    bool writing;
    int64_t asked_us, began_us; /* of the measures */
};

struct crons {
    struct tph_controller *controller;
    struct tph_map by_key; /* -> struct cron, owned */
    struct tph_store_watch *watch;
};

/* A whole number of an object, or another. */
int64_t tph_cron_number(const struct tph_json *object, const char *key, int64_t otherwise);
/* An object in an object, made if need be. */
struct tph_json *tph_cron_member(struct tph_json_doc *doc, struct tph_json *object, const char *key);

/* cron_child.c. The workflow that was due, in doc; what the CronWorkflow says of it from then on. */
#define TPH_CRON_LABEL "workflows.argoproj.io/cron-workflow"
struct tph_json *tph_cron_child(const struct cron *cron, const struct tph_json *object, int64_t due_s,
                                struct tph_json_doc *doc);
void tph_cron_add_child(const struct cron *cron, struct tph_json *object, const struct tph_json *child, int64_t due_s,
                        struct tph_str schedule, struct tph_json_doc *doc);
/* concurrencyPolicy Replace: those that run are ended. */
void tph_cron_end_active(struct cron *cron, const struct tph_json *status);
/* Takes out of status.active what is over, and counts it. True when there was some. */
bool tph_cron_settle(struct cron *cron, struct tph_json_doc *doc, struct tph_json *status);
/* Deletes those that are over and more than the history's limits, the oldest first. */
void tph_cron_trim(struct cron *cron, const struct tph_json *spec);

/* cron_when.c. All say what is wrong in problem, in Argo's words, and return -1 then. Whether it is time, by spec.when;
 * whether no more are to be made, by spec.stopStrategy. */
int tph_cron_when(const struct tph_json *object, int64_t now_ms, bool *ret_run, struct tph_buf *problem) TPH_MUST_CHECK;
int tph_cron_stops(const struct tph_json *object, int64_t now_ms, bool *ret_stop, struct tph_buf *problem)
    TPH_MUST_CHECK;
/* What Argo's controller checks before it makes one. */
int tph_cron_check(struct cron *cron, const struct tph_json *object, struct tph_buf *problem) TPH_MUST_CHECK;
/* A condition of that type while problem is not empty; true when that is other than before. */
bool tph_cron_set_condition(struct tph_json_doc *doc, struct tph_json *status, const char *type,
                            struct tph_str problem);
