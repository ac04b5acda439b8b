/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows: their workflows are made when they are due. Source: Argo's workflow/cron at v4.1.2; recorded
 * http/E-04.
 *
 * A workflow is called NAME-SECONDS after the time that it was due, and is made in one write with the CronWorkflow's
 * status that says so: a crash makes it never twice and forgets it never. What was due while nobody looked is made
 * only where startingDeadlineSeconds allows it, and only the latest. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "controller/controller_internal.h"
#include "controller/cron_internal.h"
#include "controller/local.h"
#include "data/cron.h"
#include "data/time.h"
#include "data/zone.h"

#define COMPLETED "workflows.argoproj.io/cron-workflow-completed"

static void pass(void *owner);

static void ask(struct cron *cron)
{
    if (!cron->asked && !cron->writing) {
        cron->asked = true;
        tph_measure_add(cron->crons->controller, TPH_QUEUE_CRONS, &cron->asked_us);
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

/* From when on times count: what was due before the program began only within the deadline. */
static void begin_counting(struct cron *cron, const struct tph_json *object, int64_t now_s)
{
    int64_t last_ms = 0;
    int64_t deadline_s = tph_cron_number(tph_json_get(object, "spec"), "startingDeadlineSeconds", 0);
    struct tph_str last = tph_json_get_str(tph_json_get(object, "status"), "lastScheduledTime");
    cron->after_s = now_s;
    if (deadline_s > 0 && tph_time_parse(last, &last_ms, NULL) == 0) {
        int64_t from_s = now_s - deadline_s;
        cron->after_s = last_ms / 1000 > from_s ? last_ms / 1000 : from_s;
    }
}

void tph_cron_note(struct tph_controller *c, struct tph_str ns, struct tph_str name, const struct tph_json *workflow)
{
    struct tph_str parent = tph_json_get_str(tph_json_path(workflow, "metadata", "labels", NULL), TPH_CRON_LABEL);
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

static void count_it(const struct cron *cron, enum tph_measure_cron what, struct tph_str policy)
{
    tph_measure_cron(cron->crons->controller, what, cron->ns, cron->name, policy);
}

static void written(void *owner, const struct tph_store_result *result)
{
    struct cron *cron = owner;
    cron->writing = false;
    tph_measure_done(cron->crons->controller, TPH_QUEUE_CRONS, &cron->began_us);
    if (result->outcome == TPH_STORE_DONE && cron->fired_s > 0) {
        cron->after_s = cron->fired_s;
        count_it(cron, TPH_MEASURE_TRIGGERED, TPH_STR_NONE);
    } else if (result->outcome == TPH_STORE_EXISTS) {
        cron->after_s = cron->fired_s; /* it was made before a crash: only the status lacks */
    } else if (result->outcome < 0) {
        tph_log(TPH_LOG_ERROR, "a cron workflow cannot be written", "name", cron->key, "error", result->error->text,
                NULL);
        tph_measure_retry(cron->crons->controller, TPH_QUEUE_CRONS);
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
    tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, tph_cron_number(meta, "generation", 0) + 1));
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

static void arm(struct cron *cron, const struct tph_json *spec, int64_t now_ms)
{
    int64_t due_s = 0;
    struct tph_str schedule;
    struct tph_error err = TPH_ERROR_INIT;
    if (next_due(spec, cron->after_s, &due_s, &schedule, &err) == 0) {
        tph_timer_start(cron->timer, tph_local_look_ms(due_s * 1000, now_ms));
    }
}

/* What is wrong now: of its specification (spec), or that it could not be run (run). */
struct problems {
    struct tph_buf spec, run;
    bool run_known; /* it was tried: what was wrong the last time does not count any more */
};

static bool tell_problem(struct cron *cron, struct tph_json_doc *doc, const char *type, struct tph_str problem)
{
    const struct tph_json *object = tph_json_root(doc);
    bool changed = tph_cron_set_condition(doc, tph_json_get(object, "status"), type, problem);
    if (changed && problem.len > 0) {
        TPH_CLEANUP(tph_freep) char *text = tph_str_dup(problem);
        tph_log(TPH_LOG_ERROR, "a cron workflow cannot run", "name", cron->key, "condition", type, "error", text, NULL);
        tph_controller_tell(cron->crons->controller, object, "Warning", type, text);
    }
    return changed;
}

static bool tell_problems(struct cron *cron, struct tph_json_doc *doc, const struct problems *p)
{
    bool changed = tell_problem(cron, doc, "SpecError", tph_buf_str(&p->spec));
    bool run = p->run_known && tell_problem(cron, doc, "SubmissionError", tph_buf_str(&p->run));
    return changed || run;
}

/* stopStrategy: no more of them. True when that is so. */
static bool is_stopped(struct tph_json_doc *doc, int64_t now_ms, bool *changed, struct problems *p)
{
    struct tph_json *object = tph_json_root(doc);
    struct tph_json *status = tph_json_get(object, "status");
    bool stop = false;
    if (tph_cron_stops(object, now_ms, &stop, &p->spec) < 0) {
        return true;
    }
    bool was = tph_str_eqz(tph_json_get_str(status, "phase"), "Stopped");
    if (stop && !was) {
        struct tph_json *labels = tph_cron_member(doc, tph_json_get(object, "metadata"), "labels");
        tph_json_set_cstr(doc, status, "phase", "Stopped");
        tph_json_set_cstr(doc, labels, COMPLETED, "true");
        *changed = true;
    }
    return stop || was;
}

/* Whether one that is due may begin. */
static bool may_begin(struct cron *cron, const struct tph_json *object, int64_t now_ms, struct problems *p)
{
    const struct tph_json *status = tph_json_get(object, "status");
    struct tph_str policy = tph_json_get_str(tph_json_get(object, "spec"), "concurrencyPolicy");
    bool runs = tph_json_len(tph_json_get(status, "active")) > 0;
    bool run = false;
    p->run_known = true;
    if (tph_cron_when(object, now_ms, &run, &p->run) < 0) {
        count_it(cron, TPH_MEASURE_SUBMISSION_ERROR, TPH_STR_NONE);
        return false;
    }
    bool forbid = tph_str_eqz(policy, "Forbid");
    if (run && runs && (forbid || tph_str_eqz(policy, "Replace"))) {
        count_it(cron, TPH_MEASURE_POLICY, policy);
    }
    if (run && runs && !forbid && tph_str_eqz(policy, "Replace")) {
        tph_cron_end_active(cron, status);
    }
    return run && !(runs && forbid);
}

/* What is due, if it may be: made into doc. */
static struct tph_json *make_due(struct cron *cron, struct tph_json_doc *doc, int64_t now_ms, bool stands,
                                 struct problems *p)
{
    struct tph_json *object = tph_json_root(doc);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str schedule;
    int64_t due_s = 0;
    int due = latest_due(cron, tph_json_get(object, "spec"), now_ms / 1000, &due_s, &schedule, &err);
    if (due < 0 && p->spec.len == 0) {
        (void)tph_buf_puts(&p->spec, err.text);
    }
    if (due != 0) {
        return NULL;
    }
    if (stands || p->spec.len > 0 || !may_begin(cron, object, now_ms, p)) {
        if (p->spec.len > 0) {
            count_it(cron, TPH_MEASURE_SPEC_ERROR, TPH_STR_NONE);
        }
        cron->after_s = due_s;
        return NULL;
    }
    struct tph_json *child = tph_cron_child(cron, object, due_s, doc);
    tph_cron_add_child(cron, object, child, due_s, schedule, doc);
    cron->fired_s = due_s;
    return child;
}

/* Looks at one as it is in the store: what is over, what is due, when the next is. */
static void look_at(struct cron *cron, struct tph_json_doc *doc, uint64_t version)
{
    struct tph_json *object = tph_json_root(doc);
    struct tph_json *spec = tph_json_get(object, "spec");
    struct tph_json *status = tph_cron_member(doc, object, "status");
    struct problems p = {.spec = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE), .run = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE)};
    int64_t now_ms = tph_controller_now_ms(cron->crons->controller);
    if (cron->after_s < 0) {
        begin_counting(cron, object, now_ms / 1000);
    }
    bool changed = tph_cron_settle(cron, doc, status);
    (void)!tph_cron_check(cron, object, &p.spec);
    bool stands =
        p.spec.len > 0 || is_stopped(doc, now_ms, &changed, &p) || tph_json_bool(tph_json_get(spec, "suspend"));
    cron->fired_s = 0;
    struct tph_json *child = make_due(cron, doc, now_ms, stands, &p);
    changed = tell_problems(cron, doc, &p) || changed;
    tph_buf_release(&p.spec);
    tph_buf_release(&p.run);
    tph_cron_trim(cron, spec);
    if (changed || child) {
        write_all(cron, version, object, child);
    } else {
        tph_measure_done(cron->crons->controller, TPH_QUEUE_CRONS, &cron->began_us);
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
    tph_measure_take(c, TPH_QUEUE_CRONS, &cron->asked_us, &cron->began_us);
    if (c->stopping || cron->writing) {
        return;
    }
    int r = tph_store_get(c->store, &key, 0, &object, NULL);
    if (r == TPH_STORE_NOT_FOUND) {
        cron_free(cron);
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
        tph_store_watch_close(TPH_TAKE(cs->watch));
        if (follow(cs, &err) < 0) {
            tph_log(TPH_LOG_ERROR, "cron workflows are not followed any more", "error", err.text, NULL);
        }
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

int tph_crons_start(struct tph_controller *c, struct tph_error *err)
{
    c->crons = TPH_NEW(struct crons);
    c->crons->controller = c;
    return follow(c->crons, err);
}

size_t tph_crons_waiting(const struct crons *cs)
{
    size_t n = 0;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (cs && tph_map_next(&cs->by_key, &at, &key, &value)) {
        n += ((const struct cron *)value)->asked ? 1 : 0;
    }
    return n;
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
