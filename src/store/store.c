/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/json.h"
#include "store/internal.h"

struct tph_store_watch {
    struct tph_store_watch *next;
    struct tph_store *store;
    struct tph_buf wanted_names;
    struct tph_store_key wanted;
    struct tph_buf names; /* of the last event */
    uint64_t version;     /* everything up to here was given */
    bool asleep;          /* the next change wakes it */
    tph_store_wake_fn *wake;
    void *owner;
};

/* ---- keys ---- */

int tph_store_key_cmp(const struct tph_store_key *a, const struct tph_store_key *b)
{
    int r = tph_str_cmp(a->resource, b->resource);
    r = r != 0 ? r : tph_str_cmp(a->ns, b->ns);
    return r != 0 ? r : tph_str_cmp(a->name, b->name);
}

bool tph_store_key_matches(const struct tph_store_key *wanted, const struct tph_store_key *key)
{
    return tph_str_eq(wanted->resource, key->resource) && (wanted->ns.len == 0 || tph_str_eq(wanted->ns, key->ns)) &&
           (wanted->name.len == 0 || tph_str_eq(wanted->name, key->name));
}

struct tph_store_key tph_store_key_copy(const struct tph_store_key *key, struct tph_buf *names)
{
    tph_buf_clear(names);
    tph_buf_put(names, key->resource);
    tph_buf_put(names, key->ns);
    tph_buf_put(names, key->name);
    struct tph_str all = tph_buf_str(names);
    size_t first = key->resource.len, second = first + key->ns.len;
    return (struct tph_store_key){
        .resource = tph_str_slice(all, 0, first),
        .ns = tph_str_slice(all, first, second),
        .name = tph_str_slice(all, second, all.len),
    };
}

static int check_key(const struct tph_store_key *key, bool named, struct tph_error *err)
{
    if (key->resource.len == 0 || (named && key->name.len == 0)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "an object of the store needs a resource and a name");
    }
    if (key->resource.len + key->ns.len + key->name.len > TPH_LIMIT_STORE_KEY) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "resource, namespace and name have more than %zu bytes",
                             TPH_LIMIT_STORE_KEY);
    }
    if (tph_str_find_byte(key->resource, '\0') >= 0 || tph_str_find_byte(key->ns, '\0') >= 0 ||
        tph_str_find_byte(key->name, '\0') >= 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "resource, namespace and name may have no byte 0");
    }
    return 0;
}

void tph_store_object_release(struct tph_store_object *object)
{
    if (object) {
        tph_buf_release(&object->names);
        tph_buf_release(&object->text);
        object->key = (struct tph_store_key){.name = TPH_STR_NONE};
        object->version = 0;
    }
}

/* ---- writing ---- */

static int check_part(const struct tph_store_part *part, size_t n_paths, struct tph_error *err)
{
    struct tph_json_fault fault;
    if (part->path >= n_paths) {
        return tph_error_set(err, TPH_ERROR_INVALID, "the resource keeps no map %u in parts", part->path);
    }
    if (part->member.len > TPH_LIMIT_STORE_MEMBER || part->text.len > TPH_LIMIT_DOCUMENT) {
        return tph_error_set(err, TPH_ERROR_LIMIT,
                             "the member has a name of %zu and a text of %zu bytes, at most %zu and %zu",
                             part->member.len, part->text.len, TPH_LIMIT_STORE_MEMBER, TPH_LIMIT_DOCUMENT);
    }
    if (part->text.len > 0 && tph_json_check(part->text, &fault) != TPH_JSON_FAULT_NONE) {
        return tph_error_set(err, TPH_ERROR_INVALID, "member %.*s: %zu:%zu: %s", TPH_FMT(part->member), fault.line,
                             fault.column, fault.text[0] ? fault.text : "too deep");
    }
    return 0;
}

static int check_change(const struct tph_store_change *change, struct tph_error *err)
{
    size_t n_paths = 0;
    bool whole = change->verb == TPH_STORE_CREATE || change->verb == TPH_STORE_UPDATE;
    (void)tph_parts_of(change->key.resource, &n_paths);
    if (check_key(&change->key, true, err) < 0) {
        return -1;
    }
    if (change->verb >= TPH_STORE_VERB_COUNT || (change->verb == TPH_STORE_CREATE && change->expected) ||
        (change->verb != TPH_STORE_MERGE && change->n_parts > 0) ||
        (change->verb == TPH_STORE_DELETE && change->text.len > 0) || (whole && change->text.len == 0)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "the change has what its verb does not take, or lacks the text");
    }
    if (change->text.len > TPH_LIMIT_DOCUMENT || change->n_parts > TPH_LIMIT_STORE_PARTS) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the change has %zu bytes and %zu members, at most %zu and %d",
                             change->text.len, change->n_parts, TPH_LIMIT_DOCUMENT, TPH_LIMIT_STORE_PARTS);
    }
    for (size_t i = 0; i < change->n_parts; i++) {
        if (check_part(&change->parts[i], n_paths, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static size_t bytes_of(const struct tph_store_change *change)
{
    size_t bytes = 256 + change->text.len;
    for (size_t i = 0; i < change->n_parts; i++) {
        bytes += 64 + change->parts[i].member.len + change->parts[i].text.len;
    }
    return bytes;
}

/* Whether it may be written at all; ret_index names the change that may not. */
static int check(const struct tph_store *store, const struct tph_store_change *changes, size_t n, size_t *ret_index,
                 size_t *ret_bytes, struct tph_error *err)
{
    *ret_bytes = 0;
    *ret_index = 0;
    if (n == 0 || n > TPH_LIMIT_STORE_CHANGES) {
        return tph_error_set(err, n ? TPH_ERROR_LIMIT : TPH_ERROR_INVALID, "%zu changes in one write, at most %d", n,
                             TPH_LIMIT_STORE_CHANGES);
    }
    for (size_t i = 0; i < n; i++) {
        if (check_change(&changes[i], err) < 0) {
            *ret_index = i;
            return -1;
        }
        *ret_bytes += bytes_of(&changes[i]);
    }
    if (store->waiting + *ret_bytes > TPH_LIMIT_STORE_QUEUE) {
        return tph_error_set(err, TPH_ERROR_BUSY, "writes of %zu bytes wait for the disk already\n  try again",
                             store->waiting);
    }
    return 0;
}

static void copy(struct tph_store_batch *batch, const struct tph_store_change *changes, size_t n)
{
    struct tph_store_change *copies = TPH_ARENA_ARRAY(batch->arena, struct tph_store_change, n);
    for (size_t i = 0; i < n; i++) {
        copies[i] = changes[i];
        copies[i].key.resource = tph_arena_str(batch->arena, changes[i].key.resource);
        copies[i].key.ns = tph_arena_str(batch->arena, changes[i].key.ns);
        copies[i].key.name = tph_arena_str(batch->arena, changes[i].key.name);
        copies[i].text = tph_arena_str(batch->arena, changes[i].text);
        struct tph_store_part *parts = TPH_ARENA_ARRAY(batch->arena, struct tph_store_part, changes[i].n_parts);
        for (size_t j = 0; j < changes[i].n_parts; j++) {
            parts[j].path = changes[i].parts[j].path;
            parts[j].member = tph_arena_str(batch->arena, changes[i].parts[j].member);
            parts[j].text = tph_arena_str(batch->arena, changes[i].parts[j].text);
        }
        copies[i].parts = parts;
    }
    batch->changes = copies;
    batch->n = n;
}

/* What is refused waits for its turn, too: answers come in the order of the calls, and never from inside one. */
void tph_store_write(struct tph_store *store, const struct tph_store_change *changes, size_t n, tph_store_done_fn *done,
                     void *owner)
{
    struct tph_arena *arena = tph_arena_new();
    struct tph_store_batch *batch = TPH_ARENA_NEW(arena, struct tph_store_batch);
    batch->arena = arena;
    batch->done = done;
    batch->owner = owner;
    batch->outcome = check(store, changes, n, &batch->index, &batch->bytes, &batch->error);
    if (batch->outcome == 0) {
        copy(batch, changes, n);
        store->waiting += batch->bytes;
    } else {
        batch->bytes = 0;
    }
    store->ops->write(store, batch);
}

void tph_store_batch_free(struct tph_store_batch *batch)
{
    if (batch) {
        tph_arena_free(batch->arena);
    }
}

static void call_wake(void *owner)
{
    struct tph_store_watch *watch = owner;
    watch->wake(watch->owner);
}

static void wake(struct tph_store *store, const struct tph_store_key *key)
{
    for (struct tph_store_watch *watch = store->watches; watch; watch = watch->next) {
        if (watch->asleep && tph_store_key_matches(&watch->wanted, key)) {
            watch->asleep = false;
            tph_defer(store->loop, call_wake, watch);
        }
    }
}

void tph_store_finish(struct tph_store *store, struct tph_store_batch *batch)
{
    store->waiting -= batch->bytes;
    for (size_t i = 0; batch->outcome == 0 && store->watches && i < batch->n; i++) {
        wake(store, &batch->changes[i].key);
    }
    const struct tph_store_result result = {
        .outcome = batch->outcome,
        .index = batch->index,
        .version = batch->outcome == 0 ? batch->version : 0,
        .error = batch->outcome < 0 ? &batch->error : NULL,
    };
    if (batch->done) {
        batch->done(batch->owner, &result);
    }
    tph_store_batch_free(batch);
}

/* ---- reading ---- */

uint64_t tph_store_version(const struct tph_store *store)
{
    return store->ops->version(store);
}

uint64_t tph_store_floor(const struct tph_store *store)
{
    return store->ops->floor(store);
}

/* Whether what was at this version can be read. */
static bool is_kept(const struct tph_store *store, uint64_t at)
{
    return at <= store->ops->version(store) && at >= store->ops->floor(store);
}

static int fill(const struct tph_store_key *key, const struct tph_state *state, struct tph_store_object *object,
                struct tph_error *err)
{
    object->key = tph_store_key_copy(key, &object->names);
    object->version = state->version;
    tph_buf_clear(&object->text);
    return tph_state_text(state, &object->text, err);
}

int tph_store_get(struct tph_store *store, const struct tph_store_key *key, uint64_t at,
                  struct tph_store_object *object, struct tph_error *err)
{
    TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
    if (check_key(key, true, err) < 0) {
        return -1;
    }
    if (at && !is_kept(store, at)) {
        return TPH_STORE_EXPIRED;
    }
    int r = store->ops->load(store, key, at, &state, err);
    if (r != 0) {
        return r;
    }
    return state.there ? fill(key, &state, object, err) : TPH_STORE_NOT_FOUND;
}

struct listing {
    tph_store_each_fn *each;
    void *owner;
    size_t left; /* objects that the page takes; 0: no more */
    bool stopped, more, failed;
    struct tph_store_object object;
    struct tph_error *err;
};

static bool list_one(void *owner, const struct tph_store_key *key, const struct tph_state *state)
{
    struct listing *listing = owner;
    if (!state->there) {
        return true;
    }
    if (listing->stopped) {
        listing->more = true;
        return false;
    }
    if (fill(key, state, &listing->object, listing->err) < 0) {
        listing->failed = true;
        return false;
    }
    listing->left--;
    listing->stopped = !listing->each(listing->owner, &listing->object) || listing->left == 0;
    return true;
}

/* The one that a list names, without a look at its neighbours. */
static int list_named(struct tph_store *store, const struct tph_store_list *list, struct listing *listing,
                      struct tph_error *err)
{
    TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
    if (list->after) {
        struct tph_store_key after = *list->after;
        after.resource = list->key.resource;
        if (tph_store_key_cmp(&list->key, &after) <= 0) {
            return 0;
        }
    }
    int r = store->ops->load(store, &list->key, list->at == store->ops->version(store) ? 0 : list->at, &state, err);
    if (r == 0) {
        (void)list_one(listing, &list->key, &state);
    }
    return r == TPH_STORE_NOT_FOUND ? 0 : r;
}

int tph_store_list(struct tph_store *store, const struct tph_store_list *list, tph_store_each_fn *each, void *owner,
                   struct tph_store_page *ret_page, struct tph_error *err)
{
    if (check_key(&list->key, false, err) < 0) {
        return -1;
    }
    struct tph_store_list exact = *list;
    if (!exact.at) {
        exact.at = store->ops->version(store);
    } else if (!is_kept(store, exact.at)) {
        return TPH_STORE_EXPIRED;
    }
    struct listing listing = {
        .each = each,
        .owner = owner,
        .left = list->limit ? list->limit : SIZE_MAX,
        .object = TPH_STORE_OBJECT_INIT,
        .err = err,
    };
    bool named = exact.key.ns.len > 0 && exact.key.name.len > 0;
    int r = named ? list_named(store, &exact, &listing, err) : store->ops->list(store, &exact, list_one, &listing, err);
    tph_store_object_release(&listing.object);
    if (r != 0 || listing.failed) {
        return r != 0 ? r : -1;
    }
    *ret_page = (struct tph_store_page){.version = exact.at, .more = listing.more};
    return 0;
}

/* ---- watching ---- */

int tph_store_watch_open(struct tph_store *store, const struct tph_store_key *key, uint64_t from,
                         tph_store_wake_fn *wake_fn, void *owner, struct tph_store_watch **ret_watch,
                         struct tph_error *err)
{
    if (check_key(key, false, err) < 0) {
        return -1;
    }
    if (!is_kept(store, from)) {
        return TPH_STORE_EXPIRED;
    }
    struct tph_store_watch *watch = TPH_NEW(struct tph_store_watch);
    watch->store = store;
    watch->wanted_names = TPH_BUF_INIT(TPH_LIMIT_STORE_KEY);
    watch->names = TPH_BUF_INIT(TPH_LIMIT_STORE_KEY);
    watch->wanted = tph_store_key_copy(key, &watch->wanted_names);
    watch->version = from;
    watch->wake = wake_fn;
    watch->owner = owner;
    watch->next = store->watches;
    store->watches = watch;
    watch->asleep = from == store->ops->version(store);
    if (!watch->asleep) {
        tph_defer(store->loop, call_wake, watch);
    }
    *ret_watch = watch;
    return 0;
}

/* The floor is looked at after the history: what was above it then was whole when the history was read. */
int tph_store_watch_next(struct tph_store_watch *watch, struct tph_store_event *ret_event, struct tph_error *err)
{
    struct tph_store *store = watch->store;
    uint64_t to = store->ops->version(store);
    struct tph_store_event event = {.version = 0};
    int r = to > watch->version
                ? store->ops->next(store, &watch->wanted, watch->version, to, &event, &watch->names, err)
                : TPH_STORE_NONE;
    if (r < 0) {
        return r;
    }
    if (watch->version < store->ops->floor(store)) {
        return TPH_STORE_EXPIRED;
    }
    if (r == TPH_STORE_NONE) {
        watch->version = to;
        watch->asleep = true;
        return r;
    }
    watch->version = event.version;
    *ret_event = event;
    return 0;
}

uint64_t tph_store_watch_version(const struct tph_store_watch *watch)
{
    return watch->version;
}

void tph_store_watch_close(struct tph_store_watch *watch)
{
    if (!watch) {
        return;
    }
    struct tph_store_watch **at = &watch->store->watches;
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    tph_defer_cancel(watch->store->loop, watch);
    tph_buf_release(&watch->wanted_names);
    tph_buf_release(&watch->names);
    free(watch);
}

void tph_store_free(struct tph_store *store)
{
    if (store) {
        store->ops->free(store);
    }
}
