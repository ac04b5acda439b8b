/* SPDX-License-Identifier: Apache-2.0 */
/* What changed goes into the store: one write at a time a workflow, everything that waits in it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "controller/controller_internal.h"
#include "data/time.h"

enum { LARGE = 16 * 1024 }; /* bytes of a node whose values are left out when the store would not have all */

/* What a write is made of. */
struct draft {
    struct carried *w;
    struct tph_arena *arena;
    struct tph_json_doc *doc;
    struct tph_store_part *parts;
    size_t n_parts, capacity;
};

static void add_part(void *owner, const struct tph_node *node, const struct tph_json *json)
{
    struct draft *d = owner;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(json, TPH_JSON_SORTED, &text);
    if (d->w->refused > 0 && text.len > LARGE) { /* what makes it large are values */
        struct tph_json *small = tph_json_copy(d->doc, json);
        (void)tph_json_remove(small, "outputs");
        (void)tph_json_remove(small, "inputs");
        tph_buf_clear(&text);
        tph_json_write(small, TPH_JSON_SORTED, &text);
    }
    if (d->n_parts == d->capacity) {
        d->capacity = d->capacity ? d->capacity * 2 : 16;
        d->parts = tph_realloc(d->parts, d->capacity * sizeof(*d->parts));
    }
    d->parts[d->n_parts++] =
        (struct tph_store_part){.member = node->id, .text = tph_arena_str(d->arena, tph_buf_str(&text))};
}

/* Progress of large groups waits; that of small ones goes with what is written anyway. */
static bool waits_for_later(const struct carried *w, const struct tph_node *node)
{
    enum { MANY = 64 };
    return node->n_children > MANY && !w->late && !w->over_dirty;
}

static void choose_nodes(struct carried *w)
{
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    tph_map_release(&w->in_write);
    w->in_write = w->dirty;
    w->dirty = TPH_MAP_INIT;
    while (tph_map_next(&w->lagging, &at, &id, &value)) {
        bool written = tph_map_get(&w->in_write, id) != NULL;
        if (!written && !waits_for_later(w, value)) {
            (void)tph_map_set(&w->in_write, id, value);
            written = true;
        }
        if (written) {
            (void)tph_map_remove(&w->lagging, id);
        }
    }
    if (tph_map_len(&w->lagging) == 0) {
        tph_map_release(&w->lagging);
    }
}

static void add_nodes(struct draft *d)
{
    struct carried *w = d->w;
    size_t n = tph_map_len(&w->in_write);
    TPH_CLEANUP(tph_freep) const struct tph_node **list = tph_calloc(n, sizeof(*list));
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    for (size_t i = 0; i < n && tph_map_next(&w->in_write, &at, &id, &value); i++) {
        list[i] = value;
    }
    tph_run_give_nodes(w->shown.run, list, n, d->doc, add_part, d);
    if (w->over_in_write) {
        tph_run_give_stale(w->shown.run, d->doc, add_part, d);
    }
}

/* The object without its nodes. metadata.generation counts changes of all but metadata, as in the API server. */
static struct tph_str base_text(struct draft *d)
{
    struct carried *w = d->w;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json_doc *doc = w->refusal ? w->refusal : d->doc;
    struct tph_json *object = w->refusal ? tph_json_root(w->refusal) : tph_run_object_base(w->shown.run, doc);
    struct tph_json *meta = tph_json_get(object, "metadata");
    int64_t generation = 0;
    if (tph_json_to_i64(tph_json_get(meta, "generation"), &generation) == 0) {
        w->generation = (generation > w->generation ? generation : w->generation) + 1;
        tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, w->generation));
    }
    tph_json_write(object, TPH_JSON_SORTED, &text);
    return tph_arena_str(d->arena, tph_buf_str(&text));
}

static void release_held(struct carried *w)
{
    struct task *list = TPH_TAKE(w->held_now);
    while (list) {
        struct task *task = list;
        list = task->next;
        task->next = NULL;
        if (task->dead) {
            tph_task_free(task);
        } else if (!w->controller->stopping) {
            tph_carried_give(w, task);
        }
    }
}

static void release_doomed(struct carried *w)
{
    tph_cancels_tell(TPH_TAKE(w->cancels), w->shown.tasks, w->doomed_now);
    tph_tasks_free(TPH_TAKE(w->doomed_now));
}

/* Results that are durable, and their tasks, are forgotten. */
static void forget_written(struct carried *w)
{
    for (struct result *r = w->written.first; r; r = r->next) {
        struct task *task = tph_map_get(&w->tasks, tph_str(r->node_id));
        if (task && task->state == TASK_ENDED) {
            (void)tph_map_remove(&w->tasks, task->id);
            tph_task_free(task);
        }
    }
    tph_results_free(&w->written);
}

static void take_over(struct carried *w)
{
    w->held_now = TPH_TAKE(w->held);
    w->doomed_now = TPH_TAKE(w->doomed);
    tph_results_free(&w->written);
    w->written = w->fresh;
    w->fresh = (struct results){.first = NULL};
}

static void written(void *owner, const struct tph_store_result *result);

/* All that waits, in one write; false when there is nothing to write. */
static bool write_all(struct carried *w)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct draft d = {.w = w, .arena = arena, .doc = doc};
    struct tph_store_change changes[3];
    size_t n = 0;
    bool late = w->late || w->over_dirty;
    bool nodes = tph_map_len(&w->dirty) > 0 || (late && tph_map_len(&w->lagging) > 0);
    bool base = w->base_dirty || (late && w->base_lagging);
    w->over_in_write = w->over_dirty;
    if (nodes || base) {
        choose_nodes(w);
        if (w->shown.run && !w->refusal) {
            add_nodes(&d);
        }
        changes[n++] = (struct tph_store_change){
            .verb = TPH_STORE_MERGE,
            .key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = w->shown.ns, .name = w->shown.name},
            .expected = w->version,
            .text = base ? base_text(&d) : TPH_STR_NONE,
            .parts = d.parts,
            .n_parts = d.n_parts,
        };
        w->base_dirty = w->over_dirty = false;
        w->base_lagging = w->base_lagging && !base;
    }
    w->late = false;
    if (tph_tasks_change(w, arena, &changes[n])) {
        n++;
    }
    w->cancels = tph_cancels_begin(w, w->doomed, arena, &changes[n]);
    n += w->cancels ? 1 : 0;
    take_over(w);
    w->n_in_write = n;
    w->object_in_write = nodes || base;
    if (n > 0) {
        w->writing = true;
        tph_measure_take(w->controller, TPH_QUEUE_WORKFLOWS, &w->queued_us, &w->write_began_us);
        tph_controller_write(w->controller, changes, n, written, NULL, w);
    }
    free(d.parts);
    return n > 0;
}

/* Progress alone is written now and then. */
static void watch_lagging(struct carried *w)
{
    if ((tph_map_len(&w->lagging) > 0 || w->base_lagging) && !tph_timer_active(w->later)) {
        tph_timer_start(w->later, TPH_LIMIT_PROGRESS_MS);
    }
}

static void flush(void *owner)
{
    struct carried *w = owner;
    w->flushing = false;
    if (w->writing || w->ended || w->gone || w->unread || (w->failures > 0 && tph_timer_active(w->later))) {
        return; /* when that is through it goes on */
    }
    if (!write_all(w)) {
        w->queued_us = 0;
        forget_written(w);
        release_held(w);
        release_doomed(w);
    }
    watch_lagging(w);
}

void tph_carried_flush(struct carried *w)
{
    tph_measure_add(w->controller, TPH_QUEUE_WORKFLOWS, &w->queued_us);
    if (!w->flushing && !w->writing) {
        w->flushing = true;
        tph_defer(w->controller->loop, flush, w);
    }
}

void tph_carried_forget_dirty(struct carried *w)
{
    tph_map_release(&w->dirty);
    tph_map_release(&w->lagging);
    tph_map_release(&w->in_write);
    w->base_dirty = w->base_lagging = w->over_dirty = false;
}

/* The write did not happen: all of it is to be done with the next one. */
static void take_back(struct carried *w)
{
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    while (tph_map_next(&w->in_write, &at, &id, &value)) {
        (void)tph_map_set(&w->dirty, id, value);
    }
    tph_cancels_drop(TPH_TAKE(w->cancels));
    w->base_dirty = true;
    w->over_dirty = w->over_in_write;
    w->rows_whole = true;
    tph_results_join(&w->fresh, &w->written);
    while (w->held_now) {
        struct task *task = w->held_now;
        w->held_now = task->next;
        if (task->dead) {
            tph_task_free(task);
        } else {
            tph_task_hold(w, task);
        }
    }
    while (w->doomed_now) {
        struct task *task = w->doomed_now;
        w->doomed_now = task->next;
        task->next = w->doomed;
        w->doomed = task;
    }
}

/* What the store will never take, as an object that has grown too large, ends the workflow: at first with its nodes,
 * large ones without values (add_part), and if that does not go either, without all that changed. */
static void give_up(struct carried *w, const char *why)
{
    TPH_CLEANUP(tph_freep) char *message = tph_format("the workflow cannot be kept: %s", why);
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    if (!w->shown.run || w->refused == 2) {
        return; /* nor its end: it stays as it is, until somebody deletes it */
    }
    w->failures = 0;
    if (w->refused++ == 0) {
        tph_log(TPH_LOG_ERROR, "a workflow ends, for it cannot be kept", "workflow", w->key, "error", why, NULL);
        tph_carried_apply(w, &(struct tph_event){.kind = TPH_EVENT_REFUSED, .message = tph_str(message)});
        while (tph_map_next(&w->tasks, &at, &id, &value)) { /* that the engine let be */
            tph_task_drop(w, value, true);
        }
    } else {
        tph_carried_forget_dirty(w);
        w->base_dirty = w->over_dirty = true;
        tph_carried_flush(w);
    }
}

static void try_again(struct carried *w, const struct tph_store_result *result)
{
    bool hopeless = result->error->kind == TPH_ERROR_LIMIT || result->error->kind == TPH_ERROR_INVALID;
    int64_t pause_ms = TPH_LIMIT_COMMIT_PAUSE_MS << (w->failures < 6 ? w->failures : 6);
    if (hopeless && w->refused < 2 && w->shown.run) {
        give_up(w, result->error->text);
        return;
    }
    tph_measure_retry(w->controller, TPH_QUEUE_WORKFLOWS);
    if (w->failures++ == 0) {
        tph_log(TPH_LOG_ERROR, "a workflow cannot be written; it waits until that is possible", "workflow", w->key,
                "error", result->error->text, NULL);
    }
    if (!hopeless) {
        tph_timer_start(w->later, pause_ms);
    }
}

/* Which version the workflow has after it. */
static void through(struct carried *w, const struct tph_store_result *result)
{
    const struct tph_controller_observer *o = &w->controller->options.observer;
    w->failures = 0;
    w->version = w->object_in_write ? result->version - (w->n_in_write - 1) : w->version;
    w->rows_there = w->rows_there_after;
    tph_map_release(&w->in_write);
    forget_written(w);
    release_held(w);
    release_doomed(w);
    if (o->durable) {
        o->durable(o->owner, &w->shown, result->version);
    }
}

static void written(void *owner, const struct tph_store_result *result)
{
    struct carried *w = owner;
    struct tph_controller *c = w->controller;
    w->writing = false;
    tph_measure_done(c, TPH_QUEUE_WORKFLOWS, &w->write_began_us);
    if (w->gone) {
        if (result->outcome != TPH_STORE_DONE) {
            tph_cancels_drop(TPH_TAKE(w->cancels));
        }
        release_doomed(w);
        tph_carried_free(w);
    } else if (result->outcome == TPH_STORE_DONE) {
        bool over = w->over_in_write;
        through(w, result);
        if (over) {
            tph_carried_ended(w);
        } else if (w->state == CARRIED_WAITING) {
            tph_admit_others(c);
        } else if (w->seen > w->version || w->unread) {
            tph_carried_reload(w); /* somebody else wrote after us, or nothing could be decided */
        } else if (!c->stopping || w->fresh.first) {
            tph_carried_flush(w);
        }
    } else if (result->outcome < 0) {
        take_back(w);
        try_again(w, result);
    } else {
        if (!w->object_in_write || result->index > 0) {
            w->rows_there = result->outcome == TPH_STORE_EXISTS; /* somebody else touched what is ours alone */
        }
        take_back(w);
        tph_carried_reload(w);
    }
}

void tph_carried_refuse(struct carried *w, const struct tph_json *workflow, enum tph_workflow_phase phase,
                        struct tph_str message)
{
    struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object =
        tph_run_refused_object(workflow, phase, message, tph_controller_now_ms(w->controller), doc);
    tph_json_set_root(doc, object);
    tph_json_doc_free(w->refusal);
    w->refusal = doc;
    w->state = CARRIED_OVER;
    w->base_dirty = w->over_dirty = true;
    tph_carried_flush(w);
}

/* ---- memoization ---- */

/* An entry on its way into the ConfigMap, which may have to be made. */
struct entry {
    struct tph_controller *controller;
    char *ns, *name, *key; /* owned, as the next */
    struct tph_buf text;   /* of the entry, as a JSON string */
    unsigned tries;
};

static void entry_free(void *owner)
{
    struct entry *e = owner;
    free(e->ns);
    free(e->name);
    free(e->key);
    tph_buf_release(&e->text);
    free(e);
}

static void entry_written(void *owner, const struct tph_store_result *result);

/* The ConfigMap is made first where it is missing, in the same write: the entry is durable before what the node says.
 */
static void write_entry(struct entry *e, bool make)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_store_key key = {
        .resource = TPH_STR("configmaps"), .ns = tph_str(e->ns), .name = tph_str(e->name)};
    struct tph_store_part part = {.member = tph_str(e->key), .text = tph_buf_str(&e->text)};
    struct tph_store_change changes[2];
    size_t n = 0;
    if (make) {
        char uid[37];
        char now[TPH_TIME_TEXT];
        tph_random_uuid(uid);
        tph_time_format(tph_controller_now_ms(e->controller), now);
        (void)tph_buf_printf(
            &text,
            "{\"apiVersion\":\"v1\",\"data\":{},\"kind\":\"ConfigMap\",\"metadata\":{\"creationTimestamp\":\"%s\","
            "\"labels\":{\"workflows.argoproj.io/configmap-type\":\"Cache\"},\"name\":\"%s\",\"namespace\":\"%s\","
            "\"uid\":\"%s\"}}",
            now, e->name, e->ns, uid);
        changes[n++] = (struct tph_store_change){.verb = TPH_STORE_CREATE, .key = key, .text = tph_buf_str(&text)};
    }
    changes[n++] = (struct tph_store_change){.verb = TPH_STORE_MERGE, .key = key, .parts = &part, .n_parts = 1};
    tph_controller_write(e->controller, changes, n, entry_written, entry_free, e);
}

static void entry_written(void *owner, const struct tph_store_result *result)
{
    enum { TRIES = 8 };
    struct entry *e = owner;
    bool other = result->outcome == TPH_STORE_NOT_FOUND || result->outcome == TPH_STORE_EXISTS;
    if (other && e->tries++ < TRIES) { /* somebody else made it, or took it away */
        write_entry(e, result->outcome == TPH_STORE_NOT_FOUND);
        return;
    }
    if (result->outcome != TPH_STORE_DONE) {
        tph_log(TPH_LOG_WARN, "a memoized result was not kept", "configmap", e->name, "key", e->key, NULL);
    }
    entry_free(e);
}

void tph_carried_save_cache(struct carried *w, const struct tph_action *action)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (w->controller->options.objects) {
        return; /* objects are not those of the store: the run itself remembers */
    }
    struct entry *e = TPH_NEW(struct entry);
    e->controller = w->controller;
    e->ns = tph_str_dup(w->shown.ns);
    e->name = tph_str_dup(action->cache);
    e->key = tph_str_dup(action->key);
    e->text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(action->entry, 0, &json);
    tph_json_write_str(tph_buf_str(&json), 0, &e->text);
    const struct tph_run_objects *see = tph_finder_view(w->controller->finder, w->shown.ns);
    write_entry(e, see->find(see->owner, TPH_OBJECT_CONFIG_MAP, action->cache) == NULL);
}
