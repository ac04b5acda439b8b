/* SPDX-License-Identifier: Apache-2.0 */
/* Events about workflows and others, as Argo's controller writes them through client-go. Source: argo 4.10; recorded
 * k8sevents.jsonl.
 *
 * Of one workflow and reason the first ten are written; what comes after is counted and told in one event at the end,
 * as client-go combines similar ones. They are news, not state: one may be missing after a crash. They go after
 * TPH_LIMIT_EVENT_MS, as in Kubernetes, or when there are more than TPH_LIMIT_EVENTS. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "controller/controller_internal.h"
#include "data/time.h"

enum {
    SIMILAR = 10,       /* told one by one */
    BATCH = 1000,       /* in one write */
    LOOK_MS = 60 * 1000 /* for old ones */
};

/* One that is to be written, or (text empty) that is in the store. */
struct event {
    struct event *next;
    int64_t at_ms;
    char *ns, *name; /* owned, as the next */
    char *text;
};

struct teller {
    struct tph_controller *controller;
    struct event *first, **end;       /* to be written at the end of this turn */
    struct event *oldest, **youngest; /* in the store */
    size_t n_kept;
    uint64_t last_ns; /* in the name of the last one */
    struct tph_timer *timer;
    bool flushing;
};

static void event_free(struct event *e)
{
    free(e->ns);
    free(e->name);
    free(e->text);
    free(e);
}

static void forget_old(struct teller *t);

static void dropped(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* news: that one is missing is no harm, and one that is gone already is gone */
}

static void keep(struct teller *t, struct event *e)
{
    free(TPH_TAKE(e->text));
    e->next = NULL;
    *t->youngest = e;
    t->youngest = &e->next;
    t->n_kept++;
}

static void flush(void *owner)
{
    struct teller *t = owner;
    t->flushing = false;
    while (t->first) {
        struct tph_store_change changes[BATCH];
        size_t n = 0;
        struct event *e = t->first;
        for (; e && n < BATCH; e = e->next) {
            changes[n++] = (struct tph_store_change){
                .verb = TPH_STORE_CREATE,
                .key = {.resource = TPH_STR("events"), .ns = tph_str(e->ns), .name = tph_str(e->name)},
                .text = tph_str(e->text),
            };
        }
        tph_controller_write(t->controller, changes, n, dropped, NULL, NULL);
        while (t->first != e) {
            struct event *done = t->first;
            t->first = done->next;
            keep(t, done);
        }
    }
    t->end = &t->first;
    forget_old(t);
}

static void forget_old(struct teller *t)
{
    int64_t now_ms = tph_controller_now_ms(t->controller);
    while (t->oldest && (t->n_kept > TPH_LIMIT_EVENTS || t->oldest->at_ms + TPH_LIMIT_EVENT_MS <= now_ms)) {
        struct event *e = t->oldest;
        struct tph_store_change change = {
            .verb = TPH_STORE_DELETE,
            .key = {.resource = TPH_STR("events"), .ns = tph_str(e->ns), .name = tph_str(e->name)}};
        tph_controller_write(t->controller, &change, 1, dropped, NULL, NULL);
        t->oldest = e->next;
        t->youngest = t->oldest ? t->youngest : &t->oldest;
        t->n_kept--;
        event_free(e);
    }
    if (t->oldest && !tph_timer_active(t->timer)) {
        tph_timer_start(t->timer, LOOK_MS);
    }
}

static void look(void *owner)
{
    forget_old(owner);
}

/* ---- making one ---- */

static struct tph_json *involved(const struct tph_json *object, struct tph_json_doc *doc)
{
    struct tph_json *ref = tph_json_new_object(doc);
    const struct tph_json *meta = tph_json_get(object, "metadata");
    tph_json_set_str(doc, ref, "kind", tph_json_get_str(object, "kind"));
    tph_json_set_str(doc, ref, "namespace", tph_json_get_str(meta, "namespace"));
    tph_json_set_str(doc, ref, "name", tph_json_get_str(meta, "name"));
    tph_json_set_str(doc, ref, "uid", tph_json_get_str(meta, "uid"));
    tph_json_set_str(doc, ref, "apiVersion", tph_json_get_str(object, "apiVersion"));
    return ref;
}

/* What an event says. */
struct news {
    const char *type, *reason, *message;
    const struct tph_json *annotations; /* NULL: none; of doc */
    unsigned count;
};

static struct tph_json *metadata(const struct event *e, const struct news *news, const char *now,
                                 struct tph_json_doc *doc)
{
    struct tph_json *meta = tph_json_new_object(doc);
    char uid[37];
    tph_random_uuid(uid);
    tph_json_set_cstr(doc, meta, "name", e->name);
    tph_json_set_cstr(doc, meta, "namespace", e->ns);
    tph_json_set_cstr(doc, meta, "uid", uid);
    tph_json_set_cstr(doc, meta, "creationTimestamp", now);
    if (news->annotations) {
        tph_json_set(doc, meta, "annotations", tph_json_copy(doc, news->annotations));
    }
    return meta;
}

static struct tph_json *event_object(const struct event *e, struct tph_json *about, const struct news *news,
                                     struct tph_json_doc *doc)
{
    struct tph_json *root = tph_json_new_object(doc);
    struct tph_json *source = tph_json_new_object(doc);
    char now[TPH_TIME_TEXT];
    tph_time_format(e->at_ms, now);
    tph_json_set_cstr(doc, root, "apiVersion", "v1");
    tph_json_set_cstr(doc, root, "kind", "Event");
    tph_json_set(doc, root, "metadata", metadata(e, news, now, doc));
    tph_json_set(doc, root, "involvedObject", about);
    tph_json_set_cstr(doc, root, "reason", news->reason);
    tph_json_set_cstr(doc, root, "message", news->message);
    tph_json_set_cstr(doc, source, "component", "workflow-controller");
    tph_json_set(doc, root, "source", source);
    tph_json_set_cstr(doc, root, "firstTimestamp", now);
    tph_json_set_cstr(doc, root, "lastTimestamp", now);
    tph_json_set(doc, root, "count", tph_json_new_i64(doc, news->count));
    tph_json_set_cstr(doc, root, "type", news->type);
    tph_json_set(doc, root, "eventTime", tph_json_new_null(doc));
    tph_json_set_cstr(doc, root, "reportingComponent", "workflow-controller");
    tph_json_set_cstr(doc, root, "reportingInstance", "");
    return root;
}

static void tell(struct tph_controller *c, struct tph_json *about, const struct news *news, struct tph_json_doc *doc)
{
    struct teller *t = c->teller;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct event *e = TPH_NEW(struct event);
    e->at_ms = tph_controller_now_ms(c);
    e->ns = tph_str_dup(tph_json_get_str(about, "namespace"));
    uint64_t now_ns = (uint64_t)e->at_ms * 1000000;
    t->last_ns = now_ns > t->last_ns ? now_ns : t->last_ns + 1; /* names sort as things happened */
    e->name = tph_format("%.*s.%" PRIx64, TPH_FMT(tph_json_get_str(about, "name")), t->last_ns);
    tph_json_write(event_object(e, about, news, doc), 0, &text);
    e->text = tph_buf_take(&text, NULL);
    *t->end = e;
    t->end = &e->next;
    if (!t->flushing) {
        t->flushing = true;
        tph_defer(c->loop, flush, t);
    }
}

void tph_controller_tell(struct tph_controller *c, const struct tph_json *object, const char *type, const char *reason,
                         const char *message)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct news news = {.type = type, .reason = reason, .message = message, .count = 1};
    if (c->teller) {
        tell(c, involved(object, doc), &news, doc);
    }
}

static struct tph_json *about_workflow(const struct carried *w, struct tph_json_doc *doc)
{
    struct tph_json *ref = tph_json_new_object(doc);
    tph_json_set_cstr(doc, ref, "kind", "Workflow");
    tph_json_set_str(doc, ref, "namespace", w->shown.ns);
    tph_json_set_str(doc, ref, "name", w->shown.name);
    tph_json_set_cstr(doc, ref, "uid", w->uid);
    tph_json_set_cstr(doc, ref, "apiVersion", "argoproj.io/v1alpha1");
    char version[24];
    (void)snprintf(version, sizeof(version), "%" PRIu64, w->version);
    tph_json_set_cstr(doc, ref, "resourceVersion", version);
    return ref;
}

/* ---- nodes ---- */

/* The reason's word, Normal or Warning. */
static const char *type_of(enum tph_node_phase phase)
{
    return phase == TPH_NODE_RUNNING || phase == TPH_NODE_SUCCEEDED || phase == TPH_NODE_PENDING ? "Normal" : "Warning";
}

static struct tph_json *node_annotations(const struct tph_node *node, struct tph_json_doc *doc)
{
    struct tph_json *annotations = tph_json_new_object(doc);
    char started[32];
    (void)snprintf(started, sizeof(started), "%" PRId64 "000000", node->started_ms);
    tph_json_set_cstr(doc, annotations, "workflows.argoproj.io/node-id", "");
    tph_json_set_str(doc, annotations, "workflows.argoproj.io/node-id", node->id);
    tph_json_set_str(doc, annotations, "workflows.argoproj.io/node-name", node->name);
    tph_json_set_cstr(doc, annotations, "workflows.argoproj.io/node-start-time", started);
    tph_json_set_cstr(doc, annotations, "workflows.argoproj.io/node-type", tph_node_type_name(node->type));
    return annotations;
}

static void tell_phase(struct carried *w, const struct tph_node *node, enum tph_node_phase phase)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const char *word = tph_node_phase_name(phase);
    TPH_CLEANUP(tph_freep) char *reason = tph_format("WorkflowNode%s", word);
    bool says = node->message.len > 0;
    TPH_CLEANUP(tph_freep)
    char *message = tph_format("%s node %.*s%s%.*s", word, TPH_FMT(node->name), says ? ": " : "",
                               TPH_FMT(says ? node->message : TPH_STR_NONE));
    if (++w->n_told[phase] > SIMILAR) {
        free(w->last_told[phase]);
        w->last_told[phase] = TPH_TAKE(message);
        return;
    }
    struct news news = {.type = type_of(phase),
                        .reason = reason,
                        .message = message,
                        .annotations = node_annotations(node, doc),
                        .count = 1};
    tell(w->controller, about_workflow(w, doc), &news, doc);
}

void tph_tell_node(struct carried *w, const struct tph_node *node)
{
    if (!w->controller->teller || w->controller->settings.no_node_events) {
        return;
    }
    void *told = (void *)(uintptr_t)(node->phase + 1);
    void *before = tph_map_set(&w->told, node->id, told);
    enum tph_node_phase now = node->phase;
    bool completed = now == TPH_NODE_SUCCEEDED || now == TPH_NODE_FAILED || now == TPH_NODE_ERROR;
    if (before == told || (!before && now != TPH_NODE_RUNNING && !completed)) {
        return; /* one that is made Pending, Skipped or Omitted is none */
    }
    bool began = !before || before == (void *)(uintptr_t)(TPH_NODE_PENDING + 1);
    if (began && completed) {
        tell_phase(w, node, TPH_NODE_RUNNING);
    }
    tell_phase(w, node, node->phase);
}

void tph_tell_known(struct carried *w)
{
    size_t n = w->controller->teller ? tph_run_n_nodes(w->shown.run) : 0;
    tph_map_release(&w->told); /* its keys are the run's, which may be another than before */
    for (size_t i = 0; i < n; i++) {
        const struct tph_node *node = tph_run_node_at(w->shown.run, i);
        (void)tph_map_set(&w->told, node->id, (void *)(uintptr_t)(node->phase + 1));
    }
}

static void tell_workflow(struct carried *w, const char *type, const char *reason, const char *message)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct news news = {.type = type, .reason = reason, .message = message, .count = 1};
    tell(w->controller, about_workflow(w, doc), &news, doc);
}

void tph_tell_begun(struct carried *w)
{
    if (w->controller->teller && !w->controller->settings.no_workflow_events) {
        tell_workflow(w, "Normal", "WorkflowRunning", "Workflow Running");
    }
}

/* What was only counted. */
static void tell_combined(struct carried *w)
{
    for (int phase = 0; phase < TPH_NODE_PHASE_COUNT; phase++) {
        if (w->n_told[phase] > SIMILAR) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
            TPH_CLEANUP(tph_freep)
            char *reason = tph_format("WorkflowNode%s", tph_node_phase_name((enum tph_node_phase)phase));
            TPH_CLEANUP(tph_freep)
            char *message = tph_format("(combined from similar events): %s", w->last_told[phase]);
            struct news news = {.type = type_of((enum tph_node_phase)phase),
                                .reason = reason,
                                .message = message,
                                .count = w->n_told[phase] - SIMILAR};
            tell(w->controller, about_workflow(w, doc), &news, doc);
        }
    }
}

void tph_tell_ended(struct carried *w)
{
    if (!w->controller->teller) {
        return;
    }
    tell_combined(w);
    if (w->controller->settings.no_workflow_events) {
        return;
    }
    const struct tph_json *status = w->refusal ? tph_json_get(tph_json_root(w->refusal), "status") : NULL;
    struct tph_str said = w->refusal ? tph_json_get_str(status, "message") : tph_run_message(w->shown.run);
    TPH_CLEANUP(tph_freep) char *message = tph_str_dup(said);
    if (!w->refusal && tph_run_phase(w->shown.run) == TPH_WORKFLOW_SUCCEEDED) {
        tell_workflow(w, "Normal", "WorkflowSucceeded", "Workflow completed");
    } else {
        tell_workflow(w, "Warning", "WorkflowFailed", message);
    }
}

void tph_tell_forget(struct carried *w)
{
    tph_map_release(&w->told);
    for (int phase = 0; phase < TPH_NODE_PHASE_COUNT; phase++) {
        free(TPH_TAKE(w->last_told[phase]));
    }
}

/* ---- life ---- */

static bool know_one(void *owner, const struct tph_store_object *object)
{
    struct teller *t = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    int64_t at_ms = 0;
    if (tph_json_parse(tph_buf_str(&object->text), &doc, NULL) < 0 ||
        tph_time_parse(tph_json_get_str(tph_json_path(tph_json_root(doc), "metadata", NULL), "creationTimestamp"),
                       &at_ms, NULL) < 0) {
        at_ms = 0;
    }
    struct event *e = TPH_NEW(struct event);
    e->at_ms = at_ms;
    e->ns = tph_str_dup(object->key.ns);
    e->name = tph_str_dup(object->key.name);
    keep(t, e);
    return true;
}

struct teller *tph_teller_new(struct tph_controller *c)
{
    struct teller *t = TPH_NEW(struct teller);
    t->controller = c;
    t->end = &t->first;
    t->youngest = &t->oldest;
    t->timer = tph_timer_new(c->loop, look, t);
    return t;
}

static int by_age(const void *a, const void *b)
{
    const struct event *const *x = a;
    const struct event *const *y = b;
    return ((*x)->at_ms > (*y)->at_ms) - ((*x)->at_ms < (*y)->at_ms);
}

/* The store gives them by name. */
static void sort_kept(struct teller *t)
{
    TPH_CLEANUP(tph_freep) struct event **all = tph_calloc(t->n_kept + 1, sizeof(struct event *));
    size_t n = 0;
    for (struct event *e = t->oldest; e; e = e->next) {
        all[n++] = e;
    }
    qsort(all, n, sizeof(struct event *), by_age);
    t->oldest = NULL;
    t->youngest = &t->oldest;
    for (size_t i = 0; i < n; i++) {
        all[i]->next = NULL;
        *t->youngest = all[i];
        t->youngest = &all[i]->next;
    }
}

int tph_teller_start(struct teller *t, struct tph_error *err)
{
    struct tph_store_list list = {.key = {.resource = TPH_STR("events")}};
    struct tph_store_page page;
    if (tph_store_list(t->controller->store, &list, know_one, t, &page, err) < 0) {
        return -1;
    }
    sort_kept(t);
    forget_old(t);
    return 0;
}

void tph_teller_free(struct teller *t)
{
    if (!t) {
        return;
    }
    tph_defer_cancel(t->controller->loop, t);
    tph_timer_free(t->timer);
    struct event *lists[] = {t->first, t->oldest};
    for (size_t i = 0; i < 2; i++) {
        while (lists[i]) {
            struct event *e = lists[i];
            lists[i] = e->next;
            event_free(e);
        }
    }
    free(t);
}
