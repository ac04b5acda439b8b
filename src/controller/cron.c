/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows: their workflows are made when they are due. Source: Argo's workflow/cron at v4.1.2; recorded
 * http/E-04.
 *
 * A workflow is called NAME-SECONDS after the time that it was due, and is made in one write with the CronWorkflow's
 * status that says so: a crash makes it never twice and forgets it never. What was due while nobody looked is made
 * only where startingDeadlineSeconds allows it, and only the latest. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "controller/controller_internal.h"
#include "controller/cron_internal.h"
#include "controller/local.h"
#include "data/cron.h"
#include "data/time.h"
#include "data/zone.h"
#include "edit/edit.h"
#include "expr/expr.h"

#define LABEL     "workflows.argoproj.io/cron-workflow"
#define LAST      "cronworkflows.argoproj.io/last-used-schedule"
#define COMPLETED "workflows.argoproj.io/cron-workflow-completed"
#define PLANNED   "workflows.argoproj.io/scheduled-time"

static void pass(void *owner);

static void ask(struct cron *cron)
{
    if (!cron->asked && !cron->writing) {
        cron->asked = true;
        tph_defer(cron->crons->controller->loop, pass, cron);
    }
}

static void timer_fired(void *owner)
{
    ask(owner);
}

static struct cron *cron_new(struct crons *cs, struct tph_str ns, struct tph_str name)
{
    struct cron *cron = TPH_NEW(struct cron);
    cron->crons = cs;
    cron->key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    cron->ns = tph_str_slice(tph_str(cron->key), 0, ns.len);
    cron->name = tph_str_slice(tph_str(cron->key), ns.len + 1, ns.len + 1 + name.len);
    cron->after_s = -1;
    cron->problem = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    cron->timer = tph_timer_new(cs->controller->loop, timer_fired, cron);
    (void)tph_map_set(&cs->by_key, tph_str(cron->key), cron);
    return cron;
}

static void cron_free(struct cron *cron)
{
    (void)tph_map_remove(&cron->crons->by_key, tph_str(cron->key));
    tph_defer_cancel(cron->crons->controller->loop, cron);
    tph_timer_free(cron->timer);
    for (size_t i = 0; i < cron->n_children; i++) {
        free(cron->children[i].name);
    }
    free(cron->children);
    tph_buf_release(&cron->problem);
    free(cron->key);
    free(cron);
}

static struct cron *find(struct crons *cs, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    return tph_map_get(&cs->by_key, tph_str(key));
}

/* ---- what is due ---- */

/* The schedules in their order: spec.schedules, and the older spec.schedule. */
static struct tph_str schedule_at(const struct tph_json *spec, size_t index)
{
    const struct tph_json *list = tph_json_get(spec, "schedules");
    size_t n = tph_json_len(list);
    return index < n    ? tph_json_str(tph_json_at(list, index))
           : index == n ? tph_json_get_str(spec, "schedule")
                        : TPH_STR_NONE;
}

/* The soonest time after after_s at which one of the schedules is due; ret_schedule is that one. 1: never; -1. */
static int next_due(const struct tph_json *spec, int64_t after_s, int64_t *ret_due_s, struct tph_str *ret_schedule,
                    struct tph_error *err)
{
    bool found = false;
    struct tph_str zone = tph_json_get_str(spec, "timezone");
    for (size_t i = 0; schedule_at(spec, i).len > 0; i++) {
        TPH_CLEANUP(tph_cron_freep) struct tph_cron *parsed = NULL;
        int64_t due_s = 0;
        if (tph_cron_parse(schedule_at(spec, i), zone, tph_zone_read_file, &parsed, err) < 0) {
            return -1;
        }
        if (tph_cron_next(parsed, after_s, &due_s) && (!found || due_s < *ret_due_s)) {
            found = true;
            *ret_due_s = due_s;
            *ret_schedule = schedule_at(spec, i);
        }
    }
    return found ? 0 : 1;
}

/* Of all times that have come since, the latest. 0; 1: none has. */
static int latest_due(const struct cron *cron, const struct tph_json *spec, int64_t now_s, int64_t *ret_due_s,
                      struct tph_str *ret_schedule, struct tph_error *err)
{
    enum { MOST = 100000 };
    int64_t after_s = cron->after_s;
    int found = 1;
    for (int i = 0; i < MOST; i++) {
        int64_t due_s = 0;
        struct tph_str schedule;
        int r = next_due(spec, after_s, &due_s, &schedule, err);
        if (r != 0 || due_s > now_s) {
            return r < 0 ? -1 : found;
        }
        *ret_due_s = after_s = due_s;
        *ret_schedule = schedule;
        found = 0;
    }
    return found;
}

static int64_t number_of(const struct tph_json *object, const char *key, int64_t otherwise)
{
    int64_t number = 0;
    return tph_json_to_i64(tph_json_get(object, key), &number) == 0 ? number : otherwise;
}

/* From when on times count: what was due before the program began only within the deadline. */
static void begin_counting(struct cron *cron, const struct tph_json *object, int64_t now_s)
{
    int64_t last_ms = 0;
    int64_t deadline_s = number_of(tph_json_get(object, "spec"), "startingDeadlineSeconds", 0);
    struct tph_str last = tph_json_get_str(tph_json_get(object, "status"), "lastScheduledTime");
    cron->after_s = now_s;
    if (deadline_s > 0 && tph_time_parse(last, &last_ms, NULL) == 0) {
        int64_t from_s = now_s - deadline_s;
        cron->after_s = last_ms / 1000 > from_s ? last_ms / 1000 : from_s;
    }
}

/* ---- its status ---- */

static struct tph_json *object_member(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *member = tph_json_get(object, key);
    if (!tph_json_is(member, TPH_JSON_OBJECT)) {
        member = tph_json_new_object(doc);
        tph_json_set(doc, object, key, member);
        member = tph_json_get(object, key);
    }
    return member;
}

static void count(struct tph_json_doc *doc, struct tph_json *status, const char *key, int64_t more)
{
    tph_json_set(doc, status, key, tph_json_new_i64(doc, number_of(status, key, 0) + more));
}

/* Takes out of status.active what is over, and counts it. True when there was some. */
static bool settle_active(struct cron *cron, struct tph_json_doc *doc, struct tph_json *status)
{
    struct tph_store *store = cron->crons->controller->store;
    struct tph_json *left = tph_json_new_array(doc);
    bool changed = false;
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "active"));
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *child = NULL;
        struct tph_store_key key = {
            .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_json_get_str(it.value, "name")};
        bool there = tph_store_get(store, &key, 0, &object, NULL) == 0 &&
                     tph_json_parse(tph_buf_str(&object.text), &child, NULL) == 0;
        if (there && !tph_workflow_is_over(tph_json_root(child))) {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
            continue;
        }
        struct tph_str phase =
            there ? tph_json_get_str(tph_json_get(tph_json_root(child), "status"), "phase") : TPH_STR_NONE;
        changed = true;
        if (phase.len > 0) {
            count(doc, status, tph_str_eqz(phase, "Succeeded") ? "succeeded" : "failed", 1);
        }
    }
    if (changed && tph_json_len(left) > 0) {
        tph_json_set(doc, status, "active", left);
    } else if (changed) {
        (void)tph_json_remove(status, "active");
    }
    return changed;
}

/* conditions: a SpecError while something is wrong. True when that is other than before. */
static bool set_problem(struct tph_json_doc *doc, struct tph_json *status, const char *problem)
{
    struct tph_json *list = tph_json_get(status, "conditions");
    struct tph_json *left = tph_json_new_array(doc);
    bool same = !problem;
    bool had = false;
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), "SpecError")) {
            had = true;
            same = problem && tph_str_eqz(tph_json_get_str(it.value, "message"), problem);
        } else {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
        }
    }
    if (same && had == (problem != NULL)) {
        return false;
    }
    if (problem) {
        struct tph_json *condition = tph_json_new_object(doc);
        tph_json_set_cstr(doc, condition, "type", "SpecError");
        tph_json_set_cstr(doc, condition, "status", "True");
        tph_json_set_cstr(doc, condition, "message", problem);
        tph_json_append(doc, left, condition);
    }
    if (tph_json_len(left) > 0) {
        tph_json_set(doc, status, "conditions", left);
    } else {
        (void)tph_json_remove(status, "conditions");
    }
    return true;
}

/* ---- its workflows ---- */

static void copy_members(struct tph_json_doc *doc, struct tph_json *to, const struct tph_json *from)
{
    struct tph_json_iter it = tph_json_iter(from);
    while (tph_json_next(&it)) {
        tph_json_setn(doc, to, it.key, tph_json_copy(doc, it.value));
    }
}

static struct tph_json *owner_of(const struct cron *cron, const struct tph_json *object, struct tph_json_doc *doc)
{
    struct tph_json *owner = tph_json_new_object(doc);
    tph_json_set_cstr(doc, owner, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, owner, "kind", "CronWorkflow");
    tph_json_set_str(doc, owner, "name", cron->name);
    tph_json_set_str(doc, owner, "uid", tph_json_get_str(tph_json_get(object, "metadata"), "uid"));
    tph_json_set(doc, owner, "controller", tph_json_new_bool(doc, true));
    tph_json_set(doc, owner, "blockOwnerDeletion", tph_json_new_bool(doc, true));
    return owner;
}

static struct tph_json *child_metadata(const struct cron *cron, const struct tph_json *object, int64_t due_s,
                                       struct tph_json_doc *doc)
{
    const struct tph_json *given = tph_json_path(object, "spec", "workflowMetadata", NULL);
    struct tph_json *meta = tph_json_new_object(doc);
    struct tph_json *labels = tph_json_new_object(doc);
    struct tph_json *annotations = tph_json_new_object(doc);
    struct tph_json *owners = tph_json_new_array(doc);
    char text[TPH_TIME_TEXT];
    char uid[37];
    TPH_CLEANUP(tph_freep) char *name = tph_format("%.*s-%" PRId64, TPH_FMT(cron->name), due_s);
    copy_members(doc, labels, tph_json_get(given, "labels"));
    copy_members(doc, annotations, tph_json_get(given, "annotations"));
    tph_json_set_str(doc, labels, LABEL, cron->name);
    tph_time_format(due_s * 1000, text);
    tph_json_set_cstr(doc, annotations, PLANNED, text);
    tph_time_format(tph_controller_now_ms(cron->crons->controller), text);
    tph_random_uuid(uid);
    tph_json_set(doc, meta, "annotations", annotations);
    tph_json_set_cstr(doc, meta, "creationTimestamp", text);
    tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, 1));
    tph_json_set(doc, meta, "labels", labels);
    tph_json_set_cstr(doc, meta, "name", name);
    tph_json_set_str(doc, meta, "namespace", cron->ns);
    tph_json_append(doc, owners, owner_of(cron, object, doc));
    tph_json_set(doc, meta, "ownerReferences", owners);
    tph_json_set_cstr(doc, meta, "uid", uid);
    if (tph_json_get(given, "finalizers")) {
        tph_json_set(doc, meta, "finalizers", tph_json_copy(doc, tph_json_get(given, "finalizers")));
    }
    return meta;
}

static struct tph_json *child_object(const struct cron *cron, const struct tph_json *object, int64_t due_s,
                                     struct tph_json_doc *doc)
{
    struct tph_json *child = tph_json_new_object(doc);
    struct tph_json *status = tph_json_new_object(doc);
    tph_json_set_cstr(doc, child, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, child, "kind", "Workflow");
    tph_json_set(doc, child, "metadata", child_metadata(cron, object, due_s, doc));
    tph_json_set(doc, child, "spec", tph_json_copy(doc, tph_json_path(object, "spec", "workflowSpec", NULL)));
    tph_json_set(doc, status, "finishedAt", tph_json_new_null(doc));
    tph_json_set(doc, status, "startedAt", tph_json_new_null(doc));
    tph_json_set(doc, child, "status", status);
    return child;
}

/* What the CronWorkflow says of it. */
static void note_child(const struct cron *cron, struct tph_json *object, const struct tph_json *child, int64_t due_s,
                       struct tph_str schedule, struct tph_json_doc *doc)
{
    struct tph_json *status = object_member(doc, object, "status");
    struct tph_json *active = tph_json_get(status, "active");
    struct tph_json *ref = tph_json_new_object(doc);
    const struct tph_json *meta = tph_json_get(child, "metadata");
    char text[TPH_TIME_TEXT];
    if (!tph_json_is(active, TPH_JSON_ARRAY)) {
        tph_json_set(doc, status, "active", tph_json_new_array(doc));
        active = tph_json_get(status, "active");
    }
    tph_json_set_cstr(doc, ref, "apiVersion", "argoproj.io/v1alpha1");
    tph_json_set_cstr(doc, ref, "kind", "Workflow");
    tph_json_set_str(doc, ref, "name", tph_json_get_str(meta, "name"));
    tph_json_set_str(doc, ref, "namespace", cron->ns);
    tph_json_set_str(doc, ref, "uid", tph_json_get_str(meta, "uid"));
    tph_json_append(doc, active, ref);
    tph_time_format(due_s * 1000, text);
    tph_json_set_cstr(doc, status, "lastScheduledTime", text);
    tph_json_set_cstr(doc, status, "phase", "Active");
    count(doc, status, "succeeded", 0);
    count(doc, status, "failed", 0);
    tph_json_set_str(doc, object_member(doc, tph_json_get(object, "metadata"), "annotations"), LAST, schedule);
}

static void terminated(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* it was changed just now: it is looked at when it is over, or when the next is due */
}

/* concurrencyPolicy Replace: those that run are ended. */
static void end_active(struct cron *cron, const struct tph_json *status, int64_t now_ms)
{
    struct tph_controller *c = cron->crons->controller;
    struct tph_json_iter it = tph_json_iter(tph_json_get(status, "active"));
    (void)now_ms;
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_json *ended = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_store_key key = {
            .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_json_get_str(it.value, "name")};
        if (tph_store_get(c->store, &key, 0, &object, NULL) != 0 ||
            tph_json_parse(tph_buf_str(&object.text), &doc, NULL) < 0 ||
            tph_edit_terminate(doc, tph_json_root(doc), &ended, &err) < 0) {
            continue;
        }
        tph_json_write(ended, TPH_JSON_SORTED, &text);
        struct tph_store_change change = {
            .verb = TPH_STORE_UPDATE, .key = key, .expected = object.version, .text = tph_buf_str(&text)};
        tph_controller_write(c, &change, 1, terminated, NULL, NULL);
    }
}

/* ---- history ---- */

static int newest_first(const void *a, const void *b)
{
    const struct child *x = a;
    const struct child *y = b;
    return x->ended_ms != y->ended_ms ? (x->ended_ms < y->ended_ms ? 1 : -1) : strcmp(y->name, x->name);
}

/* Deletes those of a kind that are more than so many, the oldest first. */
static void trim(struct cron *cron, bool good, int64_t limit)
{
    struct tph_controller *c = cron->crons->controller;
    int64_t kept = 0;
    size_t n = 0;
    for (size_t i = 0; i < cron->n_children; i++) {
        struct child child = cron->children[i];
        struct tph_store_key key = {
            .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = cron->ns, .name = tph_str(child.name)};
        if (child.good != good || kept++ < limit) {
            cron->children[n++] = child;
            continue;
        }
        struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = key};
        tph_controller_write(c, &change, 1, terminated, NULL, NULL);
        free(child.name);
    }
    cron->n_children = n;
}

static void trim_all(struct cron *cron, const struct tph_json *spec)
{
    if (cron->n_children == 0) {
        return;
    }
    qsort(cron->children, cron->n_children, sizeof(*cron->children), newest_first);
    trim(cron, true, number_of(spec, "successfulJobsHistoryLimit", 3));
    trim(cron, false, number_of(spec, "failedJobsHistoryLimit", 1));
}

void tph_cron_note(struct tph_controller *c, struct tph_str ns, struct tph_str name, const struct tph_json *workflow)
{
    struct tph_str parent = tph_json_get_str(tph_json_path(workflow, "metadata", "labels", NULL), LABEL);
    struct cron *cron = c->crons && parent.len > 0 ? find(c->crons, ns, parent) : NULL;
    const struct tph_json *status = tph_json_get(workflow, "status");
    if (!cron) {
        return;
    }
    for (size_t i = 0; i < cron->n_children; i++) {
        if (tph_str_eqz(name, cron->children[i].name)) {
            return;
        }
    }
    if (cron->n_children == cron->children_capacity) {
        cron->children_capacity = cron->children_capacity ? cron->children_capacity * 2 : 8;
        cron->children = tph_realloc(cron->children, cron->children_capacity * sizeof(*cron->children));
    }
    struct child child = {.name = tph_str_dup(name),
                          .good = tph_str_eqz(tph_json_get_str(status, "phase"), "Succeeded")};
    if (tph_time_parse(tph_json_get_str(status, "finishedAt"), &child.ended_ms, NULL) < 0) {
        child.ended_ms = 0;
    }
    cron->children[cron->n_children++] = child;
    ask(cron);
}

/* ---- a pass ---- */

static void written(void *owner, const struct tph_store_result *result)
{
    struct cron *cron = owner;
    cron->writing = false;
    if (result->outcome == TPH_STORE_DONE && cron->fired_s > 0) {
        cron->after_s = cron->fired_s;
    } else if (result->outcome == TPH_STORE_EXISTS) {
        cron->after_s = cron->fired_s; /* it was made before a crash: only the status lacks */
    } else if (result->outcome < 0) {
        tph_log(TPH_LOG_ERROR, "a cron workflow cannot be written", "name", cron->key, "error", result->error->text,
                NULL);
        tph_timer_start(cron->timer, 1000);
        return;
    }
    ask(cron);
}

static void write_all(struct cron *cron, uint64_t version, struct tph_json *object, const struct tph_json *child)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf child_text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *meta = tph_json_get(object, "metadata");
    struct tph_store_change changes[2];
    size_t n = 0;
    tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, number_of(meta, "generation", 0) + 1));
    tph_json_write(object, TPH_JSON_SORTED, &text);
    if (child) {
        tph_json_write(child, TPH_JSON_SORTED, &child_text);
        changes[n++] =
            (struct tph_store_change){.verb = TPH_STORE_CREATE,
                                      .key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS),
                                              .ns = cron->ns,
                                              .name = tph_json_get_str(tph_json_get(child, "metadata"), "name")},
                                      .text = tph_buf_str(&child_text)};
    }
    changes[n++] = (struct tph_store_change){
        .verb = TPH_STORE_UPDATE,
        .key = {.resource = TPH_STR(TPH_CONTROLLER_CRON_WORKFLOWS), .ns = cron->ns, .name = cron->name},
        .expected = version,
        .text = tph_buf_str(&text)};
    cron->writing = true;
    tph_controller_write(cron->crons->controller, changes, n, written, NULL, cron);
}

/* stopStrategy: no more of them. True when that is so. */
static bool is_stopped(struct cron *cron, struct tph_json_doc *doc, struct tph_json *object, bool *changed,
                       const char **ret_problem)
{
    struct tph_json *status = tph_json_get(object, "status");
    struct tph_str text = tph_json_get_str(tph_json_path(object, "spec", "stopStrategy", NULL), "expression");
    bool stop = false;
    if (text.len == 0) {
        return false;
    }
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(text);
    TPH_CLEANUP(tph_expr_flat_freep) struct tph_expr_flat *flat = tph_expr_flat_new();
    tph_buf_clear(&cron->problem);
    tph_expr_flat_set(flat, TPH_STR("cronworkflow.failed"), tph_expr_int64(number_of(status, "failed", 0)));
    tph_expr_flat_set(flat, TPH_STR("cronworkflow.succeeded"), tph_expr_int64(number_of(status, "succeeded", 0)));
    struct tph_expr_env env = tph_expr_flat_env(flat);
    if (tph_expr_decide(expr, &env, &stop, &cron->problem) < 0) {
        *ret_problem = tph_buf_cstr(&cron->problem);
        return false;
    }
    if (stop && !tph_str_eqz(tph_json_get_str(status, "phase"), "Stopped")) {
        struct tph_json *labels = object_member(doc, tph_json_get(object, "metadata"), "labels");
        tph_json_set_cstr(doc, status, "phase", "Stopped");
        tph_json_set_cstr(doc, labels, COMPLETED, "true");
        *changed = true;
    }
    return stop;
}

/* Whether one that is due may begin. */
static bool may_begin(struct cron *cron, const struct tph_json *object, int64_t now_ms, const char **ret_problem)
{
    const struct tph_json *spec = tph_json_get(object, "spec");
    const struct tph_json *status = tph_json_get(object, "status");
    struct tph_str policy = tph_json_get_str(spec, "concurrencyPolicy");
    bool runs = tph_json_len(tph_json_get(status, "active")) > 0;
    if (tph_json_get_str(spec, "when").len > 0) {
        *ret_problem = "spec.when is not supported here: take it out, or put the condition into the workflow";
        return false;
    }
    if (runs && tph_str_eqz(policy, "Replace")) {
        end_active(cron, status, now_ms);
    }
    return !(runs && tph_str_eqz(policy, "Forbid"));
}

static void arm(struct cron *cron, const struct tph_json *spec, int64_t now_ms)
{
    int64_t due_s = 0;
    struct tph_str schedule;
    struct tph_error err = TPH_ERROR_INIT;
    if (next_due(spec, cron->after_s, &due_s, &schedule, &err) == 0) {
        tph_timer_start(cron->timer, tph_local_look_ms(due_s * 1000, now_ms));
    }
}

/* Looks at one as it is in the store: what is over, what is due, when the next is. */
static void look_at(struct cron *cron, struct tph_json_doc *doc, uint64_t version)
{
    struct tph_json *object = tph_json_root(doc);
    struct tph_json *spec = tph_json_get(object, "spec");
    struct tph_json *status = object_member(doc, object, "status");
    struct tph_json *child = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str schedule;
    int64_t now_ms = tph_controller_now_ms(cron->crons->controller);
    int64_t due_s = 0;
    const char *problem = NULL;
    if (cron->after_s < 0) {
        begin_counting(cron, object, now_ms / 1000);
    }
    bool changed = settle_active(cron, doc, status);
    bool stands = tph_json_bool(tph_json_get(spec, "suspend")) || is_stopped(cron, doc, object, &changed, &problem);
    int due = latest_due(cron, spec, now_ms / 1000, &due_s, &schedule, &err);
    cron->fired_s = 0;
    if (due < 0) {
        problem = err.text;
    } else if (due == 0 && (stands || !may_begin(cron, object, now_ms, &problem))) {
        cron->after_s = due_s;
    } else if (due == 0) {
        child = child_object(cron, object, due_s, doc);
        note_child(cron, object, child, due_s, schedule, doc);
        cron->fired_s = due_s;
    }
    changed = set_problem(doc, status, problem) || changed;
    trim_all(cron, spec);
    if (changed || child) {
        write_all(cron, version, object, child);
    } else {
        arm(cron, spec, now_ms);
    }
}

static void pass(void *owner)
{
    struct cron *cron = owner;
    struct tph_controller *c = cron->crons->controller;
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_store_key key = {.resource = TPH_STR(TPH_CONTROLLER_CRON_WORKFLOWS), .ns = cron->ns, .name = cron->name};
    cron->asked = false;
    if (c->stopping || cron->writing) {
        return;
    }
    struct tph_error err = TPH_ERROR_INIT;
    int r = tph_store_get(c->store, &key, 0, &object, &err);
    if (r == TPH_STORE_NOT_FOUND) {
        cron_free(cron);
    } else if (r < 0) {
        tph_controller_lost(c, LOST_CRONS, &err);
    } else if (r == 0 && tph_json_parse(tph_buf_str(&object.text), &doc, NULL) == 0) {
        look_at(cron, doc, object.version);
    }
}

/* ---- the store ---- */

static int follow(struct crons *cs, struct tph_error *err);

static void woken(void *owner)
{
    struct crons *cs = owner;
    struct tph_store_event event;
    struct tph_error err = TPH_ERROR_INIT;
    int r = 0;
    while ((r = tph_store_watch_next(cs->watch, &event, &err)) == 0) {
        struct cron *cron = find(cs, event.key.ns, event.key.name);
        if (!cron && event.kind != TPH_STORE_DELETED) {
            cron = cron_new(cs, event.key.ns, event.key.name);
        }
        if (cron) {
            ask(cron);
        }
    }
    if (r != TPH_STORE_NONE) {
        tph_crons_again(cs);
    }
}

static bool take_one(void *owner, const struct tph_store_object *object)
{
    struct crons *cs = owner;
    struct cron *cron = find(cs, object->key.ns, object->key.name);
    ask(cron ? cron : cron_new(cs, object->key.ns, object->key.name));
    return true;
}

static int follow(struct crons *cs, struct tph_error *err)
{
    struct tph_store *store = cs->controller->store;
    struct tph_store_list list = {.key = {.resource = TPH_STR(TPH_CONTROLLER_CRON_WORKFLOWS)}};
    struct tph_store_page page;
    int r = tph_store_list(store, &list, take_one, cs, &page, err);
    r = r == 0 ? tph_store_watch_open(store, &list.key, page.version, woken, cs, &cs->watch, err) : r;
    return r == 0 ? 0 : -1;
}

void tph_crons_again(struct crons *cs)
{
    struct tph_error err = TPH_ERROR_INIT;
    tph_store_watch_close(TPH_TAKE(cs->watch));
    if (follow(cs, &err) < 0) {
        tph_controller_lost(cs->controller, LOST_CRONS, &err);
    }
}

int tph_crons_start(struct tph_controller *c, struct tph_error *err)
{
    c->crons = TPH_NEW(struct crons);
    c->crons->controller = c;
    return follow(c->crons, err);
}

void tph_crons_free(struct crons *cs)
{
    if (!cs) {
        return;
    }
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    tph_store_watch_close(cs->watch);
    while (tph_map_next(&cs->by_key, &at, &key, &value)) {
        cron_free(value);
    }
    tph_map_release(&cs->by_key);
    free(cs);
}
