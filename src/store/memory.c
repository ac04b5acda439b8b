/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory. A write is made at once and answered in the next turn. */
#include "store/store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/internal.h"

struct object {
    struct tph_buf names;
    struct tph_store_key key;
    struct tph_state state; /* there is always one: who is deleted is freed */
};

struct entry {
    struct tph_buf names;
    struct tph_store_key key;
    enum tph_store_event_kind kind;
    uint64_t version, previous;
    struct tph_buf undo;
};

struct memory {
    struct tph_store store;
    uint64_t version, floor, keep;
    struct object **objects; /* by key */
    size_t n, capacity;
    struct entry *history; /* by version; those before `first` are gone */
    size_t first, end, room;
    struct tph_store_batch *head, **tail; /* answered in the next turn */
};

static struct memory *memory_of(const struct tph_store *store)
{
    return (struct memory *)TPH_CONTAINER_OF(store, struct memory, store);
}

/* Where key is, or would be. */
static size_t place(const struct memory *m, const struct tph_store_key *key, bool *ret_there)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tph_store_key_cmp(&m->objects[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_there = low < m->n && tph_store_key_cmp(&m->objects[low]->key, key) == 0;
    return low;
}

static void free_object(struct object *object)
{
    tph_state_release(&object->state);
    tph_buf_release(&object->names);
    free(object);
}

static struct object *insert(struct memory *m, size_t at, const struct tph_store_key *key)
{
    struct object *object = TPH_NEW(struct object);
    object->names = TPH_BUF_INIT(TPH_LIMIT_STORE_KEY);
    object->key = tph_store_key_copy(key, &object->names);
    object->state = TPH_STATE_INIT;
    if (m->n == m->capacity) {
        m->capacity = m->capacity ? m->capacity * 2 : 16;
        m->objects = tph_realloc(m->objects, m->capacity * sizeof(struct object *));
    }
    memmove(&m->objects[at + 1], &m->objects[at], (m->n - at) * sizeof(struct object *));
    m->objects[at] = object;
    m->n++;
    return object;
}

static void take_out(struct memory *m, size_t at)
{
    free_object(m->objects[at]);
    m->n--;
    memmove(&m->objects[at], &m->objects[at + 1], (m->n - at) * sizeof(struct object *));
}

/* ---- history ---- */

static void release_entry(struct entry *entry)
{
    tph_buf_release(&entry->names);
    tph_buf_release(&entry->undo);
}

static void remember(struct memory *m, const struct entry *entry)
{
    if (m->end == m->room) {
        if (m->first > m->room / 2) {
            memmove(m->history, &m->history[m->first], (m->end - m->first) * sizeof(*m->history));
            m->end -= m->first;
            m->first = 0;
        } else {
            m->room = m->room ? m->room * 2 : 16;
            m->history = tph_realloc(m->history, m->room * sizeof(*m->history));
        }
    }
    m->history[m->end++] = *entry;
}

static void forget(struct memory *m)
{
    while (m->end - m->first > m->keep) {
        m->floor = m->history[m->first].version;
        release_entry(&m->history[m->first++]);
    }
}

/* ---- writing ---- */

static int change_one(struct memory *m, const struct tph_store_change *change, uint64_t version, struct tph_error *err)
{
    static const enum tph_store_event_kind KINDS[] = {
        [TPH_STORE_CREATE] = TPH_STORE_ADDED,
        [TPH_STORE_UPDATE] = TPH_STORE_MODIFIED,
        [TPH_STORE_MERGE] = TPH_STORE_MODIFIED,
        [TPH_STORE_DELETE] = TPH_STORE_DELETED,
    };
    bool there = false;
    size_t at = place(m, &change->key, &there);
    struct object *object = there ? m->objects[at] : insert(m, at, &change->key);
    struct entry entry = {
        .names = TPH_BUF_INIT(TPH_LIMIT_STORE_KEY),
        .kind = KINDS[change->verb],
        .version = version,
        .previous = object->state.version,
        .undo = TPH_BUF_INIT(0),
    };
    int r = tph_state_apply(&object->state, change, version, &entry.undo, err);
    if (r == 0) {
        entry.key = tph_store_key_copy(&change->key, &entry.names);
        remember(m, &entry);
    } else {
        release_entry(&entry);
    }
    if (!object->state.there) {
        take_out(m, at);
    }
    return r;
}

/* Undoes the newest change. */
static void take_back(struct memory *m, struct tph_error *err)
{
    struct entry *entry = &m->history[m->end - 1];
    bool there = false;
    size_t at = place(m, &entry->key, &there);
    struct object *object = there ? m->objects[at] : insert(m, at, &entry->key);
    if (tph_state_undo(&object->state, entry->kind, tph_buf_str(&entry->undo), entry->previous, err) < 0) {
        abort(); /* it is what tph_state_apply has just written */
    }
    if (!object->state.there) {
        take_out(m, at);
    }
    release_entry(entry);
    m->end--;
}

static void answer(void *owner)
{
    struct memory *m = owner;
    struct tph_store_batch *batch = m->head;
    m->head = batch->next;
    if (!m->head) {
        m->tail = &m->head;
    }
    tph_store_finish(&m->store, batch);
}

static void memory_write(struct tph_store *store, struct tph_store_batch *batch)
{
    struct memory *m = memory_of(store);
    for (size_t i = 0; batch->outcome == 0 && i < batch->n; i++) {
        batch->outcome = change_one(m, &batch->changes[i], m->version + i + 1, &batch->error);
        if (batch->outcome != 0) {
            batch->index = i;
            while (i-- > 0) {
                take_back(m, &batch->error);
            }
            break;
        }
    }
    if (batch->outcome == 0) {
        m->version += batch->n;
        batch->version = m->version;
        forget(m);
    }
    *m->tail = batch;
    m->tail = &batch->next;
    tph_defer(store->loop, answer, m);
}

/* ---- reading ---- */

static int memory_load(struct tph_store *store, const struct tph_store_key *key, uint64_t at, struct tph_state *state,
                       struct tph_error *err)
{
    struct memory *m = memory_of(store);
    bool there = false;
    size_t i = place(m, key, &there);
    if (there) {
        tph_state_copy(&m->objects[i]->state, state);
    }
    for (size_t j = m->end; at && j > m->first && m->history[j - 1].version > at; j--) {
        const struct entry *entry = &m->history[j - 1];
        if (tph_store_key_cmp(&entry->key, key) == 0 &&
            tph_state_undo(state, entry->kind, tph_buf_str(&entry->undo), entry->previous, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct tph_store_key *const *first = a;
    const struct tph_store_key *const *second = b;
    return tph_store_key_cmp(*first, *second);
}

/* The keys of the list, sorted, some twice: those that are there now and those that changed since. */
static const struct tph_store_key **candidates(const struct memory *m, const struct tph_store_list *list, size_t *ret_n)
{
    size_t n = 0;
    const struct tph_store_key **keys = tph_malloc((m->n + m->end - m->first + 1) * sizeof(*keys));
    for (size_t i = 0; i < m->n; i++) {
        keys[n++] = &m->objects[i]->key;
    }
    for (size_t i = m->end; i > m->first && m->history[i - 1].version > list->at; i--) {
        keys[n++] = &m->history[i - 1].key;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (tph_store_key_matches(&list->key, keys[i])) {
            keys[kept++] = keys[i];
        }
    }
    qsort(keys, kept, sizeof(*keys), by_key);
    *ret_n = kept;
    return keys;
}

static int memory_list(struct tph_store *store, const struct tph_store_list *list,
                       bool (*each)(void *owner, const struct tph_store_key *key, const struct tph_state *state),
                       void *owner, struct tph_error *err)
{
    struct memory *m = memory_of(store);
    size_t n = 0;
    TPH_CLEANUP(tph_freep) const struct tph_store_key **keys = candidates(m, list, &n);
    struct tph_store_key after = list->after ? *list->after : list->key;
    after.resource = list->key.resource;
    for (size_t i = 0; i < n; i++) {
        if ((list->after && tph_store_key_cmp(keys[i], &after) <= 0) ||
            (i > 0 && tph_store_key_cmp(keys[i], keys[i - 1]) == 0)) {
            continue;
        }
        TPH_CLEANUP(tph_state_release) struct tph_state state = TPH_STATE_INIT;
        if (memory_load(store, keys[i], list->at, &state, err) < 0) {
            return -1;
        }
        if (!each(owner, keys[i], &state)) {
            break;
        }
    }
    return 0;
}

static int memory_next(struct tph_store *store, const struct tph_store_key *key, uint64_t from, uint64_t to,
                       struct tph_store_event *ret_event, struct tph_buf *names, struct tph_error *err)
{
    (void)err;
    struct memory *m = memory_of(store);
    size_t low = m->first, high = m->end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->history[middle].version <= from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < m->end && m->history[low].version <= to; low++) {
        const struct entry *entry = &m->history[low];
        if (tph_store_key_matches(key, &entry->key)) {
            *ret_event = (struct tph_store_event){.kind = entry->kind, .version = entry->version};
            ret_event->key = tph_store_key_copy(&entry->key, names);
            return 0;
        }
    }
    return TPH_STORE_NONE;
}

static uint64_t memory_version(const struct tph_store *store)
{
    return memory_of(store)->version;
}

static uint64_t memory_floor(const struct tph_store *store)
{
    return memory_of(store)->floor;
}

static void memory_free(struct tph_store *store)
{
    struct memory *m = memory_of(store);
    tph_defer_cancel(store->loop, m);
    for (struct tph_store_batch *batch = m->head; batch;) {
        struct tph_store_batch *next = batch->next;
        tph_store_batch_free(batch);
        batch = next;
    }
    for (size_t i = 0; i < m->n; i++) {
        free_object(m->objects[i]);
    }
    for (size_t i = m->first; i < m->end; i++) {
        release_entry(&m->history[i]);
    }
    free(m->objects);
    free(m->history);
    free(m);
}

struct tph_store *tph_store_memory_new(struct tph_loop *loop, const struct tph_store_config *config)
{
    static const struct tph_store_ops OPS = {
        .write = memory_write,
        .load = memory_load,
        .list = memory_list,
        .next = memory_next,
        .version = memory_version,
        .floor = memory_floor,
        .free = memory_free,
    };
    struct memory *m = TPH_NEW(struct memory);
    m->store.ops = &OPS;
    m->store.loop = loop;
    m->keep = config && config->history ? config->history : TPH_LIMIT_STORE_HISTORY;
    m->tail = &m->head;
    return &m->store;
}
