/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the changes of every kind and decides about one object at a time: each decision reads it anew, writes at the
 * version that was read, and is made again when that fails. Nothing is kept that a restart would miss: at the start all
 * objects count as new. */
#include "apiserver/gc.h"

#include <string.h>

#include "apiserver/managed.h"
#include "apiserver/write.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"

enum {
    TURN = 64,      /* events, and decisions, of one turn of the loop */
    RETRY_MS = 1000 /* after the store could not be read or written */
};

/* An object that may have to be looked at: in the queue once. */
struct item {
    struct item *next;        /* in the queue */
    char *id;                 /* owned: "resource/namespace/name", the key in gc->items */
    struct tph_store_key key; /* into id */
    bool doomed, dooming;     /* its namespace goes: it is deleted; a deletion is under way */
    bool queued, busy, again; /* busy: a write is under way; again: look once more after it */
    bool failed;              /* it could not be read or written: it is looked at once more */
    char (*owners)[64];       /* owned: uids */
    size_t n_owners;
    struct tph_gc *gc;
};

/* Dependents of one owner. */
struct dependents {
    char uid[64];
    struct item **list;
    size_t n, capacity;
};

struct feed {
    struct tph_gc *gc;
    const struct tph_kind *kind;
    struct tph_store_watch *watch;
};

struct tph_gc {
    struct tph_api *api;
    struct feed *feeds;
    size_t n_feeds;
    struct tph_map items;  /* id -> item: those that have owners, are queued or busy */
    struct tph_map owners; /* uid -> dependents */
    struct item *first, *last;
    struct tph_timer *retry; /* for what failed, and for feeds that have no watch */
    bool deferred;
};

static void run_later(struct tph_gc *gc);

/* ---- items ---- */

static struct item *item_of(struct tph_gc *gc, const struct tph_store_key *key)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&id, "%.*s/%.*s/%.*s", TPH_FMT(key->resource), TPH_FMT(key->ns), TPH_FMT(key->name));
    struct item *item = tph_map_get(&gc->items, tph_buf_str(&id));
    if (item) {
        return item;
    }
    item = TPH_NEW(struct item);
    item->gc = gc;
    item->id = tph_buf_take(&id, NULL);
    item->key.resource = (struct tph_str){item->id, key->resource.len};
    item->key.ns = (struct tph_str){item->id + key->resource.len + 1, key->ns.len};
    item->key.name = (struct tph_str){item->id + key->resource.len + key->ns.len + 2, key->name.len};
    (void)tph_map_set(&gc->items, tph_str(item->id), item);
    return item;
}

static void item_free(struct item *item)
{
    free(item->owners);
    free(item->id);
    free(item);
}

/* Forgets an item that nothing holds any more. */
static void settle(struct item *item)
{
    if (item->n_owners == 0 && !item->queued && !item->busy && !item->failed) {
        (void)tph_map_remove(&item->gc->items, tph_str(item->id));
        item_free(item);
    }
}

static void enqueue(struct item *item)
{
    struct tph_gc *gc = item->gc;
    if (item->busy) {
        item->again = true;
        return;
    }
    if (item->queued) {
        return;
    }
    item->queued = true;
    item->next = NULL;
    if (gc->last) {
        gc->last->next = item;
    } else {
        gc->first = item;
    }
    gc->last = item;
    run_later(gc);
}

static void retry_later(struct tph_gc *gc)
{
    if (!tph_timer_active(gc->retry)) {
        tph_timer_start(gc->retry, RETRY_MS);
    }
}

static void fail(struct item *item)
{
    item->failed = true;
    retry_later(item->gc);
}

static void enqueue_key(struct tph_gc *gc, const struct tph_store_key *key)
{
    if (tph_api_is_key(key)) { /* a reference may name anything */
        enqueue(item_of(gc, key));
    }
}

/* ---- who owns whom ---- */

static void unlink_owner(struct tph_gc *gc, const struct item *item, const char *uid)
{
    struct dependents *d = tph_map_get(&gc->owners, tph_str(uid));
    for (size_t i = 0; d && i < d->n; i++) {
        if (d->list[i] == item) {
            d->n--;
            memmove(&d->list[i], &d->list[i + 1], (d->n - i) * sizeof(struct item *));
            break;
        }
    }
    if (d && d->n == 0) {
        (void)tph_map_remove(&gc->owners, tph_str(uid));
        free(d->list);
        free(d);
    }
}

static void link_owner(struct tph_gc *gc, struct item *item, const char *uid)
{
    struct dependents *d = tph_map_get(&gc->owners, tph_str(uid));
    if (!d) {
        d = TPH_NEW(struct dependents);
        (void)snprintf(d->uid, sizeof(d->uid), "%s", uid);
        (void)tph_map_set(&gc->owners, tph_str(d->uid), d);
    }
    if (d->n == d->capacity) {
        d->capacity = d->capacity > 0 ? d->capacity * 2 : 4;
        d->list = tph_realloc(d->list, d->capacity * sizeof(struct item *));
    }
    d->list[d->n++] = item;
}

static bool same_owners(const struct item *item, const struct tph_json *references)
{
    struct tph_json_iter it = tph_json_iter(references);
    if (tph_json_len(references) != item->n_owners) {
        return false;
    }
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(tph_json_get_str(it.value, "uid"), item->owners[it.index])) {
            return false;
        }
    }
    return true;
}

/* The owners that an object names now; NULL: it is gone. */
static void set_owners(struct item *item, const struct tph_json *references)
{
    if (same_owners(item, references)) {
        return;
    }
    for (size_t i = 0; i < item->n_owners; i++) {
        unlink_owner(item->gc, item, item->owners[i]);
    }
    free(item->owners);
    item->owners = NULL;
    item->n_owners = 0;
    size_t n = tph_json_len(references);
    if (n == 0) {
        return;
    }
    item->owners = tph_calloc(n, sizeof(*item->owners));
    struct tph_json_iter it = tph_json_iter(references);
    while (tph_json_next(&it)) {
        char *uid = item->owners[item->n_owners++];
        (void)snprintf(uid, sizeof(item->owners[0]), "%.*s", TPH_FMT(tph_json_get_str(it.value, "uid")));
        link_owner(item->gc, item, uid);
    }
}

static void enqueue_dependents(struct tph_gc *gc, struct tph_str uid)
{
    const struct dependents *d = tph_map_get(&gc->owners, uid);
    for (size_t i = 0; d && i < d->n; i++) {
        enqueue(d->list[i]);
    }
}

/* ---- reading ---- */

/* The object, or its metadata alone (as "metadata" of an object); 0, NOT_FOUND or -1. */
static int read_object(struct tph_gc *gc, const struct tph_store_key *key, uint64_t at, bool whole,
                       struct tph_json_doc **ret_doc, uint64_t *ret_version)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    int found = tph_store_get(gc->api->config.store, key, at, &object, &err);
    if (found != 0) {
        return found;
    }
    const struct tph_kind *kind = tph_kind_of_resource(key->resource);
    struct tph_str text = tph_buf_str(&object.text);
    struct tph_str meta = whole || !kind ? TPH_STR_NONE : tph_object_metadata(kind, text);
    if (tph_json_parse(meta.len > 0 ? meta : text, ret_doc, &err) < 0) {
        return -1;
    }
    if (meta.len > 0) {
        struct tph_json *root = tph_json_new_object(*ret_doc);
        tph_json_set(*ret_doc, root, "metadata", tph_json_root(*ret_doc));
        tph_json_set_root(*ret_doc, root);
    }
    *ret_version = object.version;
    return 0;
}

static bool has_finalizer(const struct tph_json *object, const char *name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "finalizers", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_str(it.value), name)) {
            return true;
        }
    }
    return false;
}

static bool is_deleting(const struct tph_json *object)
{
    return !tph_json_is_null(tph_json_path(object, "metadata", "deletionTimestamp", NULL));
}

/* ---- writing ---- */

static void written(void *owner, const struct tph_store_result *result)
{
    struct item *item = owner;
    bool again = item->again || result->outcome == TPH_STORE_CONFLICT;
    if ((result->outcome == TPH_STORE_CONFLICT || result->outcome < 0) && item->dooming) {
        item->doomed = true;
    }
    if (result->outcome < 0) {
        fail(item);
    }
    item->dooming = false;
    item->busy = false;
    item->again = false;
    if (again) {
        enqueue(item);
    } else {
        settle(item);
    }
}

static void write_change(struct item *item, const struct tph_store_change *change)
{
    item->busy = true;
    tph_store_write(item->gc->api->config.store, change, 1, written, item);
}

/* Writes an object anew, or takes it away when it is being deleted and nothing holds it any more. */
static void write_object(struct item *item, const struct tph_json *object, uint64_t version)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_store_change change = {.verb = TPH_STORE_UPDATE, .key = item->key, .expected = version};
    bool held =
        tph_object_has_finalizers(object) || tph_json_len(tph_json_path(object, "spec", "finalizers", NULL)) > 0;
    if (is_deleting(object) && !held) {
        change.verb = TPH_STORE_DELETE;
    } else {
        tph_object_keep(tph_kind_of_resource(item->key.resource), object, &text);
        change.text = tph_buf_str(&text);
    }
    write_change(item, &change);
}

/* Deletes as a client with policy Background would. */
static void delete_object(struct item *item, struct tph_json_doc *doc, struct tph_json *object, uint64_t version)
{
    if (is_deleting(object)) {
        return;
    }
    if (tph_object_has_finalizers(object)) {
        tph_object_mark_deleted(tph_kind_of_resource(item->key.resource), doc, object, 0);
        write_object(item, object, version);
        return;
    }
    const struct tph_store_change change = {.verb = TPH_STORE_DELETE, .key = item->key, .expected = version};
    write_change(item, &change);
}

static void drop_finalizer(struct item *item, struct tph_json_doc *doc, struct tph_json *object, uint64_t version,
                           const char *name)
{
    struct tph_json *meta = tph_object_meta(doc, object);
    struct tph_json *left = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(meta, "finalizers"));
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(tph_json_str(it.value), name)) {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
        }
    }
    if (tph_json_len(left) > 0) {
        tph_json_set(doc, meta, "finalizers", left);
    } else {
        tph_json_remove(meta, "finalizers");
    }
    write_object(item, object, version);
}

/* ---- decisions ---- */

enum owner_state { OWNER_SOLID, OWNER_GONE, OWNER_WAITING };

/* Whether an owner is there; waiting: it is being deleted and waits for its dependents; or (orphan) it lets them go. */
static enum owner_state look_at_owner(struct item *item, const struct tph_json *reference, bool *ret_orphans)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    uint64_t version;
    const struct tph_kind *kind =
        tph_kind_of(tph_json_get_str(reference, "apiVersion"), tph_json_get_str(reference, "kind"));
    if (!kind) {
        return OWNER_SOLID; /* a kind that is not served here: nobody can tell */
    }
    const struct tph_store_key key = {.resource = tph_str(kind->resource),
                                      .ns = kind->namespaced ? item->key.ns : TPH_STR_NONE,
                                      .name = tph_json_get_str(reference, "name")};
    int found = tph_api_is_key(&key) ? read_object(item->gc, &key, 0, false, &doc, &version) : TPH_STORE_NOT_FOUND;
    if (found < 0) {
        fail(item);
        return OWNER_SOLID;
    }
    const struct tph_json *owner = found == 0 ? tph_json_root(doc) : NULL;
    if (!owner || !tph_str_eq(tph_object_meta_str(owner, "uid"), tph_json_get_str(reference, "uid"))) {
        return OWNER_GONE;
    }
    if (is_deleting(owner) && has_finalizer(owner, "foregroundDeletion")) {
        return OWNER_WAITING;
    }
    *ret_orphans = is_deleting(owner) && has_finalizer(owner, "orphan");
    return OWNER_SOLID;
}

/* A dependent: goes when all its owners are gone, else loses the references that are dead. */
static void look_at_dependent(struct item *item, struct tph_json_doc *doc, struct tph_json *object, uint64_t version)
{
    const struct tph_json *old = tph_json_copy(doc, object);
    struct tph_json *meta = tph_object_meta(doc, object);
    struct tph_json *left = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(meta, "ownerReferences"));
    size_t dead = 0;
    size_t freed = 0;
    while (tph_json_next(&it)) {
        bool orphans = false;
        enum owner_state state = look_at_owner(item, it.value, &orphans);
        if (orphans) {
            freed++;
        } else if (state == OWNER_SOLID) {
            tph_json_append(doc, left, tph_json_copy(doc, it.value));
        } else {
            dead++;
        }
    }
    if (dead == 0 && freed == 0) {
        return;
    }
    if (tph_json_len(left) == 0 && freed == 0) {
        delete_object(item, doc, object, version);
        return;
    }
    if (tph_json_len(left) > 0) {
        tph_json_set(doc, meta, "ownerReferences", left);
    } else {
        tph_json_remove(meta, "ownerReferences");
    }
    const struct tph_managed_write write = {.kind = tph_kind_of_resource(item->key.resource),
                                            .manager = TPH_STR("kube-controller-manager"),
                                            .now_ms = tph_clock_wall_ms()};
    tph_managed_update(doc, &write, old, object);
    write_object(item, object, version);
}

/* Whether a dependent still names this owner, and (blocking) holds its deletion back; -1: it is not known. */
static int still_depends(struct tph_gc *gc, const struct item *item, struct tph_str uid, bool blocking)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    uint64_t version;
    int found = read_object(gc, &item->key, 0, false, &doc, &version);
    if (found != 0) {
        return found < 0 ? -1 : 0;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(tph_json_root(doc), "metadata", "ownerReferences", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "uid"), uid) &&
            (!blocking || tph_json_bool(tph_json_get(it.value, "blockOwnerDeletion")))) {
            return 1;
        }
    }
    return 0;
}

/* An owner that waits: for its dependents to be gone, or to have been let go. */
static void look_at_waiting(struct item *item, struct tph_json_doc *doc, struct tph_json *object, uint64_t version,
                            const char *finalizer)
{
    struct tph_gc *gc = item->gc;
    struct tph_str uid = tph_object_meta_str(object, "uid");
    bool blocking = strcmp(finalizer, "foregroundDeletion") == 0;
    const struct dependents *d = tph_map_get(&gc->owners, uid);
    bool waits = false;
    bool unread = false;
    for (size_t i = 0; d && i < d->n; i++) {
        int depends = waits ? 1 : still_depends(gc, d->list[i], uid, blocking);
        waits = depends != 0;
        unread = unread || depends < 0;
        enqueue(d->list[i]);
    }
    if (!waits) {
        drop_finalizer(item, doc, object, version, finalizer);
    } else if (unread) {
        fail(item);
    }
}

struct emptying {
    struct tph_gc *gc;
    size_t left;
};

static bool empty_one(void *owner, const struct tph_store_object *object)
{
    struct emptying *e = owner;
    struct item *item = item_of(e->gc, &object->key);
    e->left++;
    item->doomed = true;
    enqueue(item); /* a list may not be written to while it is walked */
    return e->left < TPH_LIMIT_STORE_CHANGES;
}

/* A namespace on its way out: its content goes, then it goes itself. */
static void empty_namespace(struct item *item, struct tph_json_doc *doc, struct tph_json *object, uint64_t version)
{
    struct tph_gc *gc = item->gc;
    struct emptying e = {.gc = gc};
    bool unread = false;
    for (size_t i = 0; i < gc->n_feeds; i++) {
        struct tph_store_page page;
        struct tph_error err = TPH_ERROR_INIT;
        const struct tph_store_list list = {
            .key = {.resource = tph_str(gc->feeds[i].kind->resource), .ns = item->key.name}};
        if (gc->feeds[i].kind->namespaced &&
            tph_store_list(gc->api->config.store, &list, empty_one, &e, &page, &err) != 0) {
            unread = true;
        }
    }
    if (unread) {
        fail(item);
    }
    if (e.left > 0 || unread) {
        return; /* each deletion brings us back */
    }
    tph_json_remove(tph_json_get(object, "spec"), "finalizers");
    (void)doc;
    write_object(item, object, version);
}

static void look(struct item *item)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_gc *gc = item->gc;
    uint64_t version = 0;
    int found = read_object(gc, &item->key, 0, true, &doc, &version);
    if (found != 0) {
        if (found < 0) {
            fail(item);
        }
        return;
    }
    struct tph_json *object = tph_json_root(doc);
    bool is_namespace = tph_str_eqz(item->key.resource, "namespaces");
    if (item->doomed) {
        item->doomed = false;
        item->dooming = true;
        delete_object(item, doc, object, version);
    }
    if (item->busy) {
        return;
    }
    if (is_deleting(object) && has_finalizer(object, "orphan")) {
        look_at_waiting(item, doc, object, version, "orphan");
    } else if (is_deleting(object) && has_finalizer(object, "foregroundDeletion")) {
        look_at_waiting(item, doc, object, version, "foregroundDeletion");
    } else if (is_deleting(object) && is_namespace) {
        empty_namespace(item, doc, object, version);
    } else if (is_namespace && !is_deleting(object)) {
        tph_api_furnish(gc->api, item->key.name);
    }
    if (!item->busy && !is_namespace && tph_json_path(object, "metadata", "ownerReferences", NULL)) {
        look_at_dependent(item, doc, object, version);
    }
}

static void run(void *owner)
{
    struct tph_gc *gc = owner;
    gc->deferred = false;
    for (unsigned i = 0; i < TURN && gc->first; i++) {
        struct item *item = gc->first;
        gc->first = item->next;
        gc->last = gc->first ? gc->last : NULL;
        item->queued = false;
        look(item);
        settle(item);
    }
    if (gc->first) {
        run_later(gc);
    }
}

static void run_later(struct tph_gc *gc)
{
    if (!gc->deferred) {
        gc->deferred = true;
        tph_defer(gc->api->config.loop, run, gc);
    }
}

/* ---- events ---- */

static void enqueue_owners(struct tph_gc *gc, const struct tph_json *object, struct tph_str ns)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "ownerReferences", NULL));
    while (tph_json_next(&it)) {
        const struct tph_kind *kind =
            tph_kind_of(tph_json_get_str(it.value, "apiVersion"), tph_json_get_str(it.value, "kind"));
        if (kind) {
            const struct tph_store_key key = {.resource = tph_str(kind->resource),
                                              .ns = kind->namespaced ? ns : TPH_STR_NONE,
                                              .name = tph_json_get_str(it.value, "name")};
            enqueue_key(gc, &key);
        }
    }
}

static void enqueue_all(struct tph_gc *gc)
{
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&gc->items, &at, &key, &value)) {
        enqueue(value);
    }
}

/* What is gone: its dependents have an owner less, its owners a dependent less, its namespace is emptier. */
static void note_deleted(struct tph_gc *gc, const struct tph_store_event *event)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    uint64_t version;
    struct item *item = item_of(gc, &event->key);
    set_owners(item, NULL);
    settle(item);
    if (read_object(gc, &event->key, event->version - 1, false, &doc, &version) != 0) {
        enqueue_all(gc); /* whose owner it was is not known any more */
        return;
    }
    const struct tph_json *object = tph_json_root(doc);
    enqueue_dependents(gc, tph_object_meta_str(object, "uid"));
    enqueue_owners(gc, object, event->key.ns);
    if (event->key.ns.len > 0) {
        const struct tph_store_key ns = {.resource = TPH_STR("namespaces"), .name = event->key.ns};
        enqueue_key(gc, &ns);
    }
}

static void note_object(struct tph_gc *gc, const struct tph_store_key *key, bool is_new, struct tph_json *object)
{
    const struct tph_json *references = tph_json_path(object, "metadata", "ownerReferences", NULL);
    bool is_namespace = tph_str_eqz(key->resource, "namespaces");
    bool has_owners = tph_json_len(references) > 0;
    bool deleting = is_deleting(object);
    bool waits =
        deleting && (is_namespace || has_finalizer(object, "orphan") || has_finalizer(object, "foregroundDeletion"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&id, "%.*s/%.*s/%.*s", TPH_FMT(key->resource), TPH_FMT(key->ns), TPH_FMT(key->name));
    if (!has_owners && !waits && !(is_namespace && is_new) && !tph_map_get(&gc->items, tph_buf_str(&id))) {
        return;
    }
    struct item *item = item_of(gc, key);
    bool had = item->n_owners > 0;
    set_owners(item, references);
    if (waits || (is_namespace && is_new) || (has_owners && (is_new || !had))) {
        enqueue(item);
    }
    settle(item);
}

/* False: it could not be read. */
static bool note_change(struct tph_gc *gc, const struct tph_store_event *event)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *before = NULL;
    uint64_t version;
    if (event->kind == TPH_STORE_DELETED) {
        note_deleted(gc, event);
        return true;
    }
    int found = read_object(gc, &event->key, event->version, false, &doc, &version);
    if (found != 0) {
        return found == TPH_STORE_NOT_FOUND;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf id = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&id, "%.*s/%.*s/%.*s", TPH_FMT(event->key.resource), TPH_FMT(event->key.ns),
                         TPH_FMT(event->key.name));
    const struct item *known = tph_map_get(&gc->items, tph_buf_str(&id));
    if (known && known->n_owners > 0 && event->kind == TPH_STORE_MODIFIED &&
        read_object(gc, &event->key, event->version - 1, false, &before, &version) == 0) {
        enqueue_owners(gc, tph_json_root(before), event->key.ns); /* who waits for it may wait no more */
    }
    note_object(gc, &event->key, event->kind == TPH_STORE_ADDED, tph_json_root(doc));
    return true;
}

static int open_feed(struct tph_gc *gc, struct feed *feed, struct tph_error *err);

/* What was missed may be anything: all that is known is looked at, and what is there counts as new. */
static void open_again(struct feed *feed)
{
    struct tph_error err = TPH_ERROR_INIT;
    tph_store_watch_close(TPH_TAKE(feed->watch));
    if (open_feed(feed->gc, feed, &err) < 0) {
        retry_later(feed->gc);
    } else {
        enqueue_all(feed->gc);
    }
}

static void retry(void *owner)
{
    struct tph_gc *gc = owner;
    size_t at = 0;
    struct tph_str key;
    void *value;
    for (size_t i = 0; i < gc->n_feeds; i++) {
        if (!gc->feeds[i].watch) {
            open_again(&gc->feeds[i]);
        }
    }
    while (tph_map_next(&gc->items, &at, &key, &value)) {
        struct item *item = value;
        if (item->failed) {
            item->failed = false;
            enqueue(item);
        }
    }
}

static void pump(void *owner)
{
    struct feed *feed = owner;
    struct tph_store_event event;
    struct tph_error err = TPH_ERROR_INIT;
    for (unsigned i = 0; i < TURN; i++) {
        int found = tph_store_watch_next(feed->watch, &event, &err);
        if (found == TPH_STORE_NONE) {
            return; /* nothing more for now */
        }
        if (found != 0 || !note_change(feed->gc, &event)) {
            open_again(feed);
            return;
        }
    }
    tph_defer(feed->gc->api->config.loop, pump, feed);
}

static bool note_listed(void *owner, const struct tph_store_object *object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct feed *feed = owner;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str text = tph_buf_str(&object->text);
    bool may_matter = strcmp(feed->kind->resource, "namespaces") == 0 ||
                      tph_str_find(text, TPH_STR("\"ownerReferences\"")) >= 0 ||
                      tph_str_find(text, TPH_STR("\"deletionTimestamp\"")) >= 0;
    struct tph_str meta = may_matter ? tph_object_metadata(feed->kind, text) : TPH_STR_NONE;
    if (may_matter && tph_json_parse(meta.len > 0 ? meta : text, &doc, &err) == 0) {
        struct tph_json *root = tph_json_root(doc);
        if (meta.len > 0) {
            root = tph_json_new_object(doc);
            tph_json_set(doc, root, "metadata", tph_json_root(doc));
        }
        note_object(feed->gc, &object->key, true, root);
    }
    return true;
}

static int open_feed(struct tph_gc *gc, struct feed *feed, struct tph_error *err)
{
    struct tph_store *store = gc->api->config.store;
    const struct tph_store_list list = {.key = {.resource = tph_str(feed->kind->resource)}, .bare = true};
    struct tph_store_page page = {.version = 0};
    int found = tph_store_list(store, &list, note_listed, feed, &page, err);
    if (found == 0) {
        found = tph_store_watch_open(store, &list.key, page.version, pump, feed, &feed->watch, err);
    }
    return found == 0 ? 0 : -1;
}

int tph_gc_new(struct tph_api *api, struct tph_gc **ret_gc, struct tph_error *err)
{
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    struct tph_gc *gc = TPH_NEW(struct tph_gc);
    gc->api = api;
    gc->feeds = tph_calloc(n, sizeof(*gc->feeds));
    gc->retry = tph_timer_new(api->config.loop, retry, gc);
    for (size_t i = 0; i < n; i++) {
        if ((kinds[i].flags & TPH_KIND_VIRTUAL) != 0) {
            continue;
        }
        struct feed *feed = &gc->feeds[gc->n_feeds++];
        *feed = (struct feed){.gc = gc, .kind = &kinds[i]};
        if (open_feed(gc, feed, err) < 0) {
            tph_gc_free(gc);
            return -1;
        }
    }
    *ret_gc = gc;
    return 0;
}

void tph_gc_stop(struct tph_gc *gc)
{
    tph_defer_cancel(gc->api->config.loop, gc);
    tph_timer_stop(gc->retry);
    for (size_t i = 0; i < gc->n_feeds; i++) {
        tph_defer_cancel(gc->api->config.loop, &gc->feeds[i]);
        tph_store_watch_close(gc->feeds[i].watch);
        gc->feeds[i].watch = NULL;
    }
}

void tph_gc_free(struct tph_gc *gc)
{
    if (!gc) {
        return;
    }
    tph_gc_stop(gc);
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&gc->items, &at, &key, &value)) {
        item_free(value);
    }
    at = 0;
    while (tph_map_next(&gc->owners, &at, &key, &value)) {
        struct dependents *d = value;
        free(d->list);
        free(d);
    }
    tph_map_release(&gc->items);
    tph_map_release(&gc->owners);
    tph_timer_free(gc->retry);
    free(gc->feeds);
    free(gc);
}
