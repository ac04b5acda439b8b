/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the controller, the watch, and which workflows there are. */
#include "controller/controller.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "controller/controller_internal.h"

int64_t tph_controller_now_ms(const struct tph_controller *c)
{
    return c->options.clock ? c->options.clock() : tph_clock_wall_ms();
}

static void try_again(void *owner);

struct tph_controller *tph_controller_new(struct tph_loop *loop, const struct tph_controller_options *options)
{
    struct tph_controller *c = TPH_NEW(struct tph_controller);
    c->loop = loop;
    c->options = *options;
    c->store = options->store;
    c->locks = tph_locks_new();
    c->finder = tph_finder_new(c->store);
    if (options->settings) {
        tph_settings_copy(options->settings, &c->base);
    } else {
        tph_settings_init(&c->base);
    }
    tph_settings_copy(&c->base, &c->settings);
    c->again = tph_timer_new(loop, try_again, c);
    c->measures = options->metrics ? tph_measures_new(c, options->metrics) : NULL;
    c->expirer = options->keep_ended ? NULL : tph_expirer_new(c);
    return c;
}

struct tph_pod_objects tph_controller_pod_objects(struct tph_controller *controller)
{
    return tph_finder_pod_objects(controller->finder);
}

/* ---- workflows ---- */

static void timer_fired(void *owner)
{
    struct carried *w = owner;
    if (w->state == CARRIED_RUNNING && !w->controller->stopping) {
        tph_carried_apply(w, &(struct tph_event){.kind = TPH_EVENT_TIMER});
    }
}

static void later_fired(void *owner)
{
    struct carried *w = owner;
    w->late = true;
    tph_carried_flush(w);
}

static char *key_of(struct tph_str ns, struct tph_str name)
{
    return tph_format("%.*s/%.*s", TPH_FMT(ns), TPH_FMT(name));
}

static struct carried *find(const struct tph_controller *c, struct tph_str ns, struct tph_str name)
{
    TPH_CLEANUP(tph_freep) char *key = key_of(ns, name);
    return tph_map_get(&c->by_key, tph_str(key));
}

static struct carried *carried_new(struct tph_controller *c, struct tph_str ns, struct tph_str name)
{
    struct carried *w = TPH_NEW(struct carried);
    w->controller = c;
    w->key = key_of(ns, name);
    w->shown.ns = tph_str_slice(tph_str(w->key), 0, ns.len);
    w->shown.name = tph_str_slice(tph_str(w->key), ns.len + 1, ns.len + 1 + name.len);
    w->timer = tph_timer_new(c->loop, timer_fired, w);
    w->later = tph_timer_new(c->loop, later_fired, w);
    (void)tph_map_set(&c->by_key, tph_str(w->key), w);
    c->n_running++;
    return w;
}

static void end_at_agent(struct carried *w)
{
    if (w->shown.tasks) {
        (void)tph_map_remove(&w->controller->by_tasks, tph_pointer_key(&w->shown.tasks));
        tph_agent_end(TPH_TAKE(w->shown.tasks));
    }
}

static void free_tasks(struct carried *w)
{
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    struct task *lists[] = {w->held, w->held_now};
    for (size_t i = 0; i < 2; i++) {
        for (struct task *task = lists[i]; task;) {
            struct task *next = task->next;
            if (task->dead) {
                tph_task_free(task); /* the others are in the map */
            }
            task = next;
        }
    }
    while (tph_map_next(&w->tasks, &at, &id, &value)) {
        tph_task_free(value);
    }
    tph_tasks_free(w->doomed);
    tph_tasks_free(w->doomed_now);
    tph_map_release(&w->tasks);
}

static void free_run(struct carried *w)
{
    if (w->shown.run) {
        tph_run_drop_locks(w->shown.run);
        tph_run_free(TPH_TAKE(w->shown.run));
    }
    tph_map_release(&w->told);
    tph_carried_forget_dirty(w);
}

void tph_carried_free(struct carried *w)
{
    struct tph_controller *c = w->controller;
    if (w->state != CARRIED_OVER || !w->ended) {
        c->n_running--;
    }
    if (tph_map_get(&c->by_key, tph_str(w->key)) == w) {
        (void)tph_map_remove(&c->by_key, tph_str(w->key));
    }
    tph_defer_cancel(c->loop, w);
    tph_admit_left(w);
    end_at_agent(w);
    free_run(w);
    tph_locks_forget_owner(c->locks, w);
    free_tasks(w);
    tph_results_free(&w->fresh);
    tph_results_free(&w->written);
    tph_tell_forget(w);
    tph_timer_free(w->timer);
    tph_timer_free(w->later);
    tph_json_doc_free(w->object);
    tph_json_doc_free(w->refusal);
    tph_json_doc_free(w->rows);
    for (size_t i = 0; i < w->n_rows_out; i++) {
        free(w->rows_out[i]);
    }
    free(w->rows_out);
    free(w->uid);
    free(w->key);
    free(w);
}

static void note_over(struct carried *w)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_json *object = w->refusal ? tph_json_root(w->refusal) : tph_run_object_base(w->shown.run, doc);
    tph_measure_phase(w->controller, w->shown.ns, tph_json_get_str(tph_json_get(object, "status"), "phase"));
    tph_over_count(w->controller, object);
    tph_over_ended(w->controller, w->key, w->version);
    tph_expire_note(w->controller, w->shown.ns, w->shown.name, object);
    tph_cron_note(w->controller, w->shown.ns, w->shown.name, object);
}

void tph_carried_ended(struct carried *w)
{
    struct tph_controller *c = w->controller;
    const struct tph_controller_observer *o = &c->options.observer;
    w->ended = true;
    c->n_running--;
    tph_tell_ended(w);
    tph_admit_left(w);
    note_over(w);
    tph_timer_stop(w->later);
    if (o->ended) {
        o->ended(o->owner, &w->shown);
    }
    if (!c->options.keep_ended) {
        tph_carried_free(w);
    }
}

static void rows_deleted(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* that it was not there is fine, too */
}

static void delete_rows(const struct carried *w)
{
    struct tph_store_change change = {
        .verb = TPH_STORE_DELETE,
        .key = {.resource = TPH_STR(TPH_CONTROLLER_TASKS), .ns = w->shown.ns, .name = w->shown.name}};
    tph_controller_write(w->controller, &change, 1, rows_deleted, NULL, NULL);
}

static void written_down(void *owner, const struct tph_store_result *result)
{
    (void)owner;
    (void)result; /* they are told in any case: this is for a crash before that */
}

/* Plugins that have its tasks are told. */
static void cancel_all(struct carried *w)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_store_change change;
    struct task *list = NULL;
    size_t at = 0;
    struct tph_str id;
    void *value = NULL;
    while (tph_map_next(&w->tasks, &at, &id, &value)) {
        struct task *task = value;
        if (task->state == TASK_GIVEN) {
            task->next = list;
            list = task;
        }
    }
    struct batch *cancels = tph_cancels_begin(w, list, arena, &change);
    if (cancels) {
        tph_controller_write(w->controller, &change, 1, written_down, NULL, NULL);
    }
    tph_cancels_tell(cancels, w->shown.tasks, list);
}

/* Its object is gone. */
static void drop(struct carried *w)
{
    if (w->shown.tasks) {
        cancel_all(w);
    }
    if (w->rows_there || w->writing) {
        delete_rows(w);
    }
    if (w->writing) {
        w->gone = true;
        (void)tph_map_remove(&w->controller->by_key, tph_str(w->key)); /* another may come under its name */
        tph_timer_stop(w->timer);
        w->state = CARRIED_OVER;
    } else {
        tph_carried_free(w);
    }
}

/* A node that was over, and is not any more, runs as another attempt: what a plugin knows of it is of the one before.
 */
static bool is_reset(const struct tph_run *run, const struct tph_json *object)
{
    const struct tph_json *nodes = tph_json_path(object, "status", "nodes", NULL);
    struct tph_map phases = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(nodes);
    bool reset = false;
    while (tph_json_next(&it)) {
        (void)tph_map_set(&phases, it.key, it.value);
    }
    for (size_t i = 0; i < tph_run_n_nodes(run) && !reset; i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        enum tph_node_phase phase = TPH_NODE_PENDING;
        bool leaf = node->type == TPH_NODE_PLUGIN || node->type == TPH_NODE_HTTP;
        if (leaf && tph_node_phase_is_final(node->phase)) {
            const struct tph_json *now = tph_map_get(&phases, node->id);
            reset =
                now && tph_node_phase_parse(tph_json_get_str(now, "phase"), &phase) && !tph_node_phase_is_final(phase);
        }
    }
    tph_map_release(&phases);
    return reset;
}

/* Those whose result is not durable are over for us, but not in the object. */
static bool was_reset(struct carried *w, const struct tph_json *object)
{
    return !w->fresh.first && w->shown.run && is_reset(w->shown.run, object);
}

static void begin(struct carried *w, struct tph_json_doc *doc)
{
    tph_carried_make(w, doc);
    tph_carried_go(w);
}

void tph_carried_reload(struct carried *w)
{
    struct tph_controller *c = w->controller;
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_key key = {
        .resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = w->shown.ns, .name = w->shown.name};
    int r = tph_store_get(c->store, &key, 0, &object, &err);
    if (r == TPH_STORE_NOT_FOUND) {
        drop(w);
        return;
    }
    if (r != 0 || tph_json_parse(tph_buf_str(&object.text), &doc, &err) < 0) {
        tph_carried_unread(w, &err);
        return;
    }
    const struct tph_json *root = tph_json_root(doc);
    struct tph_str uid = tph_json_get_str(tph_json_get(root, "metadata"), "uid");
    if (!tph_str_eqz(uid, w->uid)) {
        TPH_CLEANUP(tph_freep) char *ns = tph_str_dup(w->shown.ns);
        TPH_CLEANUP(tph_freep) char *name = tph_str_dup(w->shown.name);
        drop(w);
        w = carried_new(c, tph_str(ns), tph_str(name));
        w->uid = tph_str_dup(uid);
    } else if (tph_workflow_is_over(root)) { /* somebody ended it by an edit */
        tph_over_count(c, root);
        tph_over_ended(c, w->key, object.version);
        tph_expire_note(c, w->shown.ns, w->shown.name, root);
        tph_cron_note(c, w->shown.ns, w->shown.name, root);
        drop(w);
        return;
    }
    if (was_reset(w, root)) {
        w->attempt++;
        w->rows_whole = true;
    }
    w->version = object.version;
    w->refused = 0;
    w->state = CARRIED_NEW; /* an end that was not written yet did not happen */
    tph_timer_stop(w->timer);
    free_run(w);
    tph_json_doc_free(TPH_TAKE(w->refusal));
    begin(w, doc);
}

/* One that is not known: new, or it was over and runs again. */
static void take_up(struct tph_controller *c, const struct tph_store_object *object, bool go)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (c->options.takes && !c->options.takes(c->options.owner, object->key.ns, object->key.name)) {
        return;
    }
    if (tph_json_parse(tph_buf_str(&object->text), &doc, &err) < 0) {
        tph_log(TPH_LOG_ERROR, "a workflow cannot be read", "error", err.text, NULL);
        return;
    }
    if (tph_workflow_is_over(tph_json_root(doc))) {
        tph_expire_note(c, object->key.ns, object->key.name, tph_json_root(doc));
        tph_cron_note(c, object->key.ns, object->key.name, tph_json_root(doc));
        return;
    }
    struct carried *w = carried_new(c, object->key.ns, object->key.name);
    w->uid = tph_str_dup(tph_json_get_str(tph_json_get(tph_json_root(doc), "metadata"), "uid"));
    w->version = w->seen = object->version;
    tph_carried_make(w, doc);
    if (go) {
        tph_carried_go(w);
    }
}

/* ---- the store ---- */

static void take_up_key(struct tph_controller *c, const struct tph_store_key *key, bool go);

static void changed(struct tph_controller *c, const struct tph_store_event *event)
{
    struct carried *w = find(c, event->key.ns, event->key.name);
    if (w && w->ended) { /* kept to be looked at */
        return;
    }
    if (w && event->version <= w->version) {
        return;
    }
    if (w && event->kind == TPH_STORE_DELETED) {
        drop(w);
        return;
    }
    if (w) {
        w->seen = event->version;
        if (!w->writing) {
            tph_carried_reload(w);
        }
        return;
    }
    if (tph_over_is_old(c, event)) {
        return;
    }
    if (event->kind != TPH_STORE_DELETED) {
        take_up_key(c, &event->key, true);
    }
    bool begins = event->kind == TPH_STORE_ADDED && find(c, event->key.ns, event->key.name);
    if (c->measures && !begins) {
        tph_over_changed(c, event);
    }
}

static int follow(struct tph_controller *c, struct tph_error *err);

static void follow_again(struct tph_controller *c)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (follow(c, &err) < 0) {
        tph_controller_lost(c, LOST_WORKFLOWS, &err);
    }
}

static void woken(void *owner)
{
    struct tph_controller *c = owner;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_event event;
    int r = 0;
    while (!c->stopping && (r = tph_store_watch_next(c->watch, &event, &err)) == 0) {
        changed(c, &event);
    }
    if (r == TPH_STORE_EXPIRED || r < 0) {
        tph_store_watch_close(TPH_TAKE(c->watch));
        follow_again(c);
    }
}

/* What a list of all workflows finds. */
struct reader {
    struct tph_controller *c;
    struct tph_map seen; /* keys, in the arena, of those that are not over */
    struct tph_arena *arena;
    struct tph_store_key *fresh; /* owned; texts in the arena */
    size_t n_fresh, capacity;
    uint64_t version;          /* of the moment that it shows; 0 = before the first page */
    struct tph_store_key last; /* of the page before; texts in the arena */
};

/* Nothing else may be read of the store while it gives a list. */
static bool read_one(void *owner, const struct tph_store_object *object)
{
    struct reader *r = owner;
    struct tph_controller *c = r->c;
    struct carried *w = find(c, object->key.ns, object->key.name);
    struct tph_str key =
        tph_str(tph_arena_format(r->arena, "%.*s/%.*s", TPH_FMT(object->key.ns), TPH_FMT(object->key.name)));
    r->last = (struct tph_store_key){.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS),
                                     .ns = tph_str_slice(key, 0, object->key.ns.len),
                                     .name = tph_str_slice(key, object->key.ns.len + 1, key.len)};
    if (w) {
        (void)tph_map_set(&r->seen, key, r);
        w->seen = object->version > w->version ? object->version : w->seen;
        return true;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    bool ours = !c->options.takes || c->options.takes(c->options.owner, object->key.ns, object->key.name);
    if (!ours) {
        return true;
    }
    bool good = tph_json_parse(tph_buf_str(&object->text), &doc, NULL) == 0;
    if (good && tph_workflow_is_over(tph_json_root(doc))) {
        tph_over_count(c, tph_json_root(doc));
        tph_expire_note(c, object->key.ns, object->key.name, tph_json_root(doc));
        tph_cron_note(c, object->key.ns, object->key.name, tph_json_root(doc));
        return true;
    }
    (void)tph_map_set(&r->seen, key, r);
    if (r->n_fresh == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 16;
        r->fresh = tph_realloc(r->fresh, r->capacity * sizeof(*r->fresh));
    }
    r->fresh[r->n_fresh++] = (struct tph_store_key){.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS),
                                                    .ns = tph_arena_str(r->arena, object->key.ns),
                                                    .name = tph_arena_str(r->arena, object->key.name)};
    return true;
}

static void take_up_key(struct tph_controller *c, const struct tph_store_key *key, bool go)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    int r = tph_store_get(c->store, key, 0, &object, &err);
    if (r == 0) {
        take_up(c, &object, go);
    } else if (r < 0) {
        tph_controller_lost(c, LOST_WORKFLOWS, &err);
    }
}

/* After the list: those that are gone go, those that changed are read, those that are new begin. Runs are made of all
 * before the first goes on: those that hold locks have them before others ask. */
static void settle(struct reader *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_fresh; i++) {
        take_up_key(r->c, &r->fresh[i], false);
    }
    TPH_CLEANUP(tph_freep) struct carried **all = tph_calloc(tph_map_len(&r->c->by_key) + 1, sizeof(struct carried *));
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&r->c->by_key, &at, &key, &value)) {
        all[n++] = value;
    }
    for (size_t i = 0; i < n; i++) {
        struct carried *w = all[i];
        if (w->ended) {
            continue;
        }
        if (!tph_map_get(&r->seen, tph_str(w->key))) {
            drop(w);
        } else if (w->unread && !w->writing) {
            tph_carried_reload(w);
        } else if (w->state == CARRIED_NEW) {
            tph_carried_go(w);
        } else if (w->seen > w->version && !w->writing) {
            tph_carried_reload(w);
        }
    }
}

static void reader_free(struct reader *r)
{
    tph_map_release(&r->seen);
    free(r->fresh);
    tph_arena_free(r->arena);
    free(r);
}

static void read_more(void *owner);

/* A page of the list; after the last one the watch goes on from the moment that the list shows. */
static int read_page(struct tph_controller *c, struct tph_error *err)
{
    struct reader *r = c->reader;
    struct tph_store_list list = {.key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS)},
                                  .after = r->last.name.len > 0 ? &r->last : NULL,
                                  .at = r->version,
                                  .limit = TPH_LIMIT_CONTROLLER_PAGE,
                                  .bare = true};
    struct tph_store_page page;
    int failed = tph_store_list(c->store, &list, read_one, r, &page, err);
    if (failed == 0 && page.more) {
        r->version = page.version;
        tph_defer(c->loop, read_more, c);
        return 0;
    }
    if (failed == 0) {
        settle(r);
        failed = tph_store_watch_open(c->store, &list.key, page.version, woken, c, &c->watch, err);
    }
    reader_free(TPH_TAKE(c->reader));
    return failed;
}

/* Others have their turn between two pages: a store with many that are over keeps nobody waiting. */
static void read_more(void *owner)
{
    struct tph_controller *c = owner;
    struct tph_error err = TPH_ERROR_INIT;
    int failed = c->stopping ? 0 : read_page(c, &err);
    if (failed == TPH_STORE_EXPIRED) {
        failed = follow(c, &err); /* more was written meanwhile than the history holds */
    }
    if (failed != 0) {
        tph_controller_lost(c, LOST_WORKFLOWS, &err);
    }
}

static int follow(struct tph_controller *c, struct tph_error *err)
{
    tph_over_forget(c);
    c->reader = TPH_NEW(struct reader);
    c->reader->c = c;
    c->reader->arena = tph_arena_new();
    return read_page(c, err) == 0 ? 0 : -1;
}

/* ---- what the store could not give ---- */

static void try_again(void *owner)
{
    struct tph_controller *c = owner;
    unsigned lost = c->lost;
    c->lost = 0;
    if ((lost & LOST_WORKFLOWS) && !c->reader) { /* else they are being read just now */
        tph_store_watch_close(TPH_TAKE(c->watch));
        follow_again(c);
    } else {
        c->lost |= lost & LOST_WORKFLOWS;
    }
    if (lost & LOST_PLUGINS) {
        tph_discovery_again(c->discovery, false);
    }
    if (lost & LOST_SECRETS) {
        tph_discovery_again(c->discovery, true);
    }
    if (lost & LOST_CRONS) {
        tph_crons_again(c->crons);
    }
    if (lost & LOST_PODS) {
        tph_pods_again(c->pods);
    }
    if (c->lost == 0) {
        c->failures = 0;
        tph_health_set(c->options.health, "workflows", NULL);
    } else if (!tph_timer_active(c->again)) {
        tph_timer_start(c->again, TPH_LIMIT_COMMIT_PAUSE_MS);
    }
}

void tph_controller_lost(struct tph_controller *c, enum tph_lost what, const struct tph_error *err)
{
    if (c->stopping) {
        return;
    }
    c->lost |= what;
    if (tph_timer_active(c->again)) {
        return;
    }
    tph_timer_start(c->again, TPH_LIMIT_COMMIT_PAUSE_MS << (c->failures < 6 ? c->failures : 6));
    tph_health_set(c->options.health, "workflows", err->text);
    if (c->failures++ == 0) {
        tph_log(TPH_LOG_ERROR, "the store cannot be read just now; it is tried again until it can", "error", err->text,
                NULL);
    }
}

void tph_carried_unread(struct carried *w, const struct tph_error *err)
{
    w->unread = true;
    tph_controller_lost(w->controller, LOST_WORKFLOWS, err);
}

int tph_controller_start(struct tph_controller *controller, struct tph_agent *agent, struct tph_error *err)
{
    controller->agent = agent;
    tph_health_set(controller->options.health, "workflows", NULL);
    if (controller->options.events) {
        controller->teller = tph_teller_new(controller);
        if (tph_teller_start(controller->teller, err) < 0) {
            return -1;
        }
    }
    if (controller->options.config_map && tph_configurer_start(controller, err) < 0) {
        return -1;
    }
    if (controller->options.pods && tph_pods_start(controller, err) < 0) {
        return -1;
    }
    if (!controller->options.takes && tph_crons_start(controller, err) < 0) {
        return -1;
    }
    if (!controller->options.objects && tph_semaphores_start(controller, err) < 0) {
        return -1;
    }
    if (controller->options.executor_plugins && !controller->options.plugins) {
        controller->discovery = tph_discovery_new(controller);
        if (tph_discovery_start(controller->discovery, err) < 0) {
            return -1;
        }
    }
    return tph_cancels_start(controller, err) < 0 ? -1 : follow(controller, err);
}

/* ---- writing ---- */

struct write {
    struct write *next, *previous;
    struct tph_controller *controller; /* NULL: it is gone */
    tph_store_done_fn *done;
    void (*forget)(void *owner);
    void *owner;
};

static void tell_stopped(void *owner);

static void write_done(void *owner, const struct tph_store_result *result)
{
    struct write *write = owner;
    struct tph_controller *c = write->controller;
    if (c) {
        *(write->previous ? &write->previous->next : &c->writes) = write->next;
        if (write->next) {
            write->next->previous = write->previous;
        }
        write->done(write->owner, result);
        if (c->stopping && !c->writes) {
            tph_defer(c->loop, tell_stopped, c);
        }
    }
    free(write);
}

void tph_controller_write(struct tph_controller *c, const struct tph_store_change *changes, size_t n,
                          tph_store_done_fn *done, void (*forget)(void *owner), void *owner)
{
    struct write *write = TPH_NEW(struct write);
    *write = (struct write){.next = c->writes, .controller = c, .done = done, .forget = forget, .owner = owner};
    if (c->writes) {
        c->writes->previous = write;
    }
    c->writes = write;
    tph_store_write(c->store, changes, n, write_done, write);
}

static void forget_writes(struct tph_controller *c)
{
    while (c->writes) {
        struct write *write = c->writes;
        c->writes = write->next;
        write->controller = NULL;
        if (write->forget) {
            write->forget(write->owner);
        }
    }
}

/* ---- its end ---- */

void tph_controller_end(struct tph_controller *controller, enum tph_event_kind how)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&controller->by_key, &at, &key, &value)) {
        struct carried *w = value;
        if (w->state == CARRIED_RUNNING) {
            tph_carried_apply(w, &(struct tph_event){.kind = how});
        }
    }
}

static void tell_stopped(void *owner)
{
    struct tph_controller *c = owner;
    if (c->stopped && !c->writes) {
        void (*done)(void *) = c->stopped;
        c->stopped = NULL;
        done(c->stopped_owner);
    }
}

void tph_controller_stop(struct tph_controller *controller, void (*done)(void *owner), void *owner)
{
    controller->stopping = true;
    controller->stopped = done;
    controller->stopped_owner = owner;
    tph_defer(controller->loop, tell_stopped, controller);
}

void tph_controller_free(struct tph_controller *controller)
{
    if (!controller) {
        return;
    }
    controller->stopping = true;
    tph_defer_cancel(controller->loop, controller);
    controller->admitting = true; /* nobody comes next */
    tph_store_watch_close(controller->watch);
    tph_timer_free(controller->again);
    tph_discovery_free(controller->discovery);
    if (controller->reader) {
        reader_free(controller->reader);
    }
    forget_writes(controller);
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(&controller->by_key, &at, &key, &value)) {
        tph_carried_free(value);
    }
    tph_cancels_free(controller);
    tph_map_release(&controller->by_key);
    tph_map_release(&controller->by_tasks);
    tph_admit_free(controller);
    tph_measures_free(controller->measures);
    tph_over_forget(controller);
    tph_configurer_free(controller->configurer);
    tph_crons_free(controller->crons);
    tph_semaphores_free(controller->semaphores);
    tph_pods_free(controller->pods);
    tph_teller_free(controller->teller);
    tph_expirer_free(controller->expirer);
    tph_finder_free(controller->finder);
    tph_locks_free(controller->locks);
    tph_settings_release(&controller->settings);
    tph_settings_release(&controller->base);
    free(controller);
}

size_t tph_controller_n_running(const struct tph_controller *controller)
{
    return controller->n_running;
}

const struct tph_shown *tph_controller_find(const struct tph_controller *controller, struct tph_str ns,
                                            struct tph_str name)
{
    struct carried *w = find(controller, ns, name);
    return w ? &w->shown : NULL;
}
