/* SPDX-License-Identifier: Apache-2.0 */
/* Workflows that are over are deleted: when their ttlStrategy says so, and when more of a phase are kept than the
 * retention policy allows, the oldest first. Source: argo 2.18, 4.8.
 *
 * What is known of one is looked at again when its time has come: it may have been edited, or run again. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "controller/controller_internal.h"
#include "controller/local.h"
#include "data/time.h"

enum class { SUCCEEDED, FAILED, ERRORED, N_CLASSES };

/* One that is over. */
struct over {
    int64_t at_ms;   /* when it is to go; of the retained: when it ended */
    char *ns, *name; /* owned */
};

/* A heap, the soonest first. */
struct heap {
    struct over *list; /* owned */
    size_t n, capacity;
};

struct expirer {
    struct tph_controller *controller;
    struct heap due;
    struct heap kept[N_CLASSES];
    struct tph_map known; /* "NS/NAME" of what is in kept -> the key, owned */
    struct tph_timer *timer;
    bool trimming;             /* in the next turn */
    bool reading;              /* likewise: what is over is read once more, a page */
    char *last_ns, *last_name; /* owned: of the page before */
};

static void swap(struct over *a, struct over *b)
{
    struct over kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct heap *heap, struct over over)
{
    if (heap->n == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : 16;
        heap->list = tph_realloc(heap->list, heap->capacity * sizeof(*heap->list));
    }
    size_t at = heap->n++;
    heap->list[at] = over;
    while (at > 0 && heap->list[at].at_ms < heap->list[(at - 1) / 2].at_ms) {
        swap(&heap->list[at], &heap->list[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct over pop(struct heap *heap)
{
    struct over first = heap->list[0];
    heap->list[0] = heap->list[--heap->n];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->n; child++) {
            least = heap->list[child].at_ms < heap->list[least].at_ms ? child : least;
        }
        if (least == at) {
            return first;
        }
        swap(&heap->list[at], &heap->list[least]);
        at = least;
    }
}

static void over_free(struct over *over)
{
    free(over->ns);
    free(over->name);
}

/* Milliseconds after its end; -1: it stays. */
static int64_t ttl_of(const struct tph_json *workflow)
{
    const struct tph_json *ttl = tph_json_get(tph_run_exec_spec(workflow), "ttlStrategy");
    bool good = tph_str_eqz(tph_json_get_str(tph_json_get(workflow, "status"), "phase"), "Succeeded");
    const struct tph_json *own = tph_json_get(ttl, good ? "secondsAfterSuccess" : "secondsAfterFailure");
    int64_t seconds = -1;
    if (tph_json_to_i64(own, &seconds) < 0 &&
        tph_json_to_i64(tph_json_get(ttl, "secondsAfterCompletion"), &seconds) < 0) {
        return -1;
    }
    return seconds >= 0 && seconds < INT64_MAX / 2000 ? seconds * 1000 : -1;
}

/* When it is to be deleted; -1: never. */
static int64_t due_of(const struct tph_json *workflow)
{
    int64_t ended_ms = 0;
    int64_t ttl_ms = ttl_of(workflow);
    struct tph_str finished = tph_json_get_str(tph_json_get(workflow, "status"), "finishedAt");
    if (ttl_ms < 0 || tph_time_parse(finished, &ended_ms, NULL) < 0) {
        return -1;
    }
    return ended_ms + ttl_ms;
}

static void deleted(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* somebody else was first, or wrote it: then it is looked at again */
}

/* Only as it was read; who has finalizers is the business of those. */
static void delete_it(struct tph_controller *c, const struct tph_store_object *object, const struct tph_json *workflow)
{
    if (tph_json_len(tph_json_path(workflow, "metadata", "finalizers", NULL)) > 0) {
        return;
    }
    struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = object->key, .expected = object->version};
    tph_controller_write(c, &change, 1, deleted, NULL, NULL);
}

static void arm(struct expirer *e)
{
    if (e->due.n > 0) {
        int64_t now_ms = tph_controller_now_ms(e->controller);
        tph_timer_start(e->timer, tph_local_look_ms(e->due.list[0].at_ms, now_ms));
    }
}

/* Reads one whose time has come. retained: it is one too many. */
static void look_at(struct expirer *e, const struct over *over, bool retained)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_store_key key = {
        .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = tph_str(over->ns), .name = tph_str(over->name)};
    struct tph_controller *c = e->controller;
    if (tph_store_get(c->store, &key, 0, &object, NULL) != 0 ||
        tph_json_parse(tph_buf_str(&object.text), &doc, NULL) < 0 || !tph_workflow_is_over(tph_json_root(doc))) {
        return;
    }
    int64_t due_ms = due_of(tph_json_root(doc));
    if (retained || (due_ms >= 0 && due_ms <= tph_controller_now_ms(c))) {
        delete_it(c, &object, tph_json_root(doc));
    } else if (due_ms >= 0) {
        push(&e->due, (struct over){.at_ms = due_ms, .ns = tph_str_dup(key.ns), .name = tph_str_dup(key.name)});
    }
}

static void look(void *owner)
{
    struct expirer *e = owner;
    int64_t now_ms = tph_controller_now_ms(e->controller);
    while (e->due.n > 0 && e->due.list[0].at_ms <= now_ms && !e->controller->stopping) {
        struct over over = pop(&e->due);
        look_at(e, &over, false);
        over_free(&over);
    }
    arm(e);
}

static enum class class_of(const struct tph_json *workflow) {
    struct tph_str phase = tph_json_get_str(tph_json_get(workflow, "status"), "phase");
    return tph_str_eqz(phase, "Succeeded") ? SUCCEEDED
           : tph_str_eqz(phase, "Failed")  ? FAILED
                                           : ERRORED;
}

static void forget_known(struct expirer *e, const struct over *over)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%s/%s", over->ns, over->name);
    free(tph_map_remove(&e->known, tph_str(key)));
}

static void find_limits(const struct expirer *e, size_t limits[N_CLASSES])
{
    const struct tph_settings *s = &e->controller->settings;
    limits[SUCCEEDED] = s->keep_succeeded;
    limits[FAILED] = s->keep_failed;
    limits[ERRORED] = s->keep_errored;
}

/* In a turn of its own: the store may be giving a list just now, and reads nothing else meanwhile. */
static void trim(void *owner)
{
    struct expirer *e = owner;
    size_t limits[N_CLASSES];
    find_limits(e, limits);
    e->trimming = false;
    for (size_t i = 0; i < N_CLASSES; i++) {
        while (limits[i] > 0 && e->kept[i].n > limits[i] && !e->controller->stopping) {
            struct over over = pop(&e->kept[i]);
            forget_known(e, &over);
            look_at(e, &over, true);
            over_free(&over);
        }
    }
}

static void retain(struct expirer *e, struct tph_str ns, struct tph_str name, const struct tph_json *workflow)
{
    enum class class = class_of(workflow);
    size_t limits[N_CLASSES];
    find_limits(e, limits);
    int64_t ended_ms = 0;
    struct tph_str finished = tph_json_get_str(tph_json_get(workflow, "status"), "finishedAt");
    if (limits[class] == 0 || tph_time_parse(finished, &ended_ms, NULL) < 0) {
        return;
    }
    char *key = tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
    if (tph_map_get(&e->known, tph_str(key))) {
        free(key);
        return;
    }
    (void)tph_map_set(&e->known, tph_str(key), key);
    push(&e->kept[class], (struct over){.at_ms = ended_ms, .ns = tph_str_dup(ns), .name = tph_str_dup(name)});
    if (e->kept[class].n > limits[class] && !e->trimming) {
        e->trimming = true;
        tph_defer(e->controller->loop, trim, e);
    }
}

size_t tph_expire_waiting(const struct tph_controller *c)
{
    const struct expirer *e = c->expirer;
    return e && e->due.n > 0 && e->due.list[0].at_ms <= tph_controller_now_ms(c) ? 1 : 0;
}

void tph_expire_note(struct tph_controller *c, struct tph_str ns, struct tph_str name, const struct tph_json *workflow)
{
    struct expirer *e = c->expirer;
    int64_t due_ms = due_of(workflow);
    if (!e) {
        return;
    }
    if (due_ms >= 0) {
        int64_t added_us = 0;
        tph_measure_add(c, TPH_QUEUE_TTL, &added_us);
        push(&e->due, (struct over){.at_ms = due_ms, .ns = tph_str_dup(ns), .name = tph_str_dup(name)});
        arm(e);
    }
    retain(e, ns, name, workflow);
}

/* ---- all of them once more ---- */

static bool note_one(void *owner, const struct tph_store_object *object)
{
    struct expirer *e = owner;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    free(TPH_TAKE(e->last_ns));
    free(TPH_TAKE(e->last_name));
    e->last_ns = tph_str_dup(object->key.ns);
    e->last_name = tph_str_dup(object->key.name);
    if (tph_json_parse(tph_buf_str(&object->text), &doc, NULL) == 0 && tph_workflow_is_over(tph_json_root(doc))) {
        retain(e, object->key.ns, object->key.name, tph_json_root(doc));
    }
    return true;
}

/* A page in a turn: others wait no longer than for one. What is written meanwhile is noted when it is over. */
static void read_page(void *owner)
{
    struct expirer *e = owner;
    TPH_CLEANUP(tph_freep) char *ns = TPH_TAKE(e->last_ns); /* the others are the page's */
    TPH_CLEANUP(tph_freep) char *name = TPH_TAKE(e->last_name);
    struct tph_store_key last = {
        .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = tph_str(ns), .name = tph_str(name)};
    struct tph_store_list list = {.key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS)},
                                  .after = name ? &last : NULL,
                                  .limit = TPH_LIMIT_CONTROLLER_PAGE};
    struct tph_store_page page = {.more = false};
    struct tph_error err = TPH_ERROR_INIT;
    e->reading = false;
    if (e->controller->stopping) {
        return;
    }
    if (tph_store_list(e->controller->store, &list, note_one, e, &page, &err) < 0) {
        tph_log(TPH_LOG_ERROR, "workflows that are over cannot be read", "error", err.text, NULL);
    } else if (page.more) {
        e->reading = true;
        tph_defer(e->controller->loop, read_page, e);
    }
}

void tph_expire_anew(struct tph_controller *c)
{
    struct expirer *e = c->expirer;
    if (!e) {
        return;
    }
    free(TPH_TAKE(e->last_ns));
    free(TPH_TAKE(e->last_name));
    if (!e->reading) {
        e->reading = true;
        tph_defer(c->loop, read_page, e);
    }
    if (!e->trimming) {
        e->trimming = true;
        tph_defer(c->loop, trim, e);
    }
}

struct expirer *tph_expirer_new(struct tph_controller *c)
{
    struct expirer *e = TPH_NEW(struct expirer);
    e->controller = c;
    e->timer = tph_timer_new(c->loop, look, e);
    return e;
}

static void heap_release(struct heap *heap)
{
    for (size_t i = 0; i < heap->n; i++) {
        over_free(&heap->list[i]);
    }
    free(heap->list);
}

void tph_expirer_free(struct expirer *e)
{
    if (!e) {
        return;
    }
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    tph_defer_cancel(e->controller->loop, e);
    while (tph_map_next(&e->known, &at, &key, &value)) {
        free(value);
    }
    tph_map_release(&e->known);
    heap_release(&e->due);
    for (size_t i = 0; i < N_CLASSES; i++) {
        heap_release(&e->kept[i]);
    }
    tph_timer_free(e->timer);
    free(e->last_ns);
    free(e->last_name);
    free(e);
}
