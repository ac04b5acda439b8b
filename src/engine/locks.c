/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/locks.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"

struct waiter {
    struct waiter *next;
    char *holder; /* owned */
    void *owner;
    int64_t priority, created_ms;
    uint64_t arrival;
};

struct lock {
    struct lock *next_of_all;
    char *name;             /* owned */
    struct waiter *queue;   /* owned, first first */
    struct waiter *holding; /* owned */
    int64_t n_holding;
};

struct woken {
    struct woken *next;
    void *owner;
};

struct tph_locks {
    struct tph_map by_name; /* -> struct lock */
    struct lock *all;       /* owned */
    struct woken *woken;    /* owned */
    uint64_t arrivals;
};

struct tph_locks *tph_locks_new(void)
{
    return TPH_NEW(struct tph_locks);
}

static void free_waiters(struct waiter *w)
{
    while (w) {
        struct waiter *next = w->next;
        free(w->holder);
        free(w);
        w = next;
    }
}

void tph_locks_free(struct tph_locks *locks)
{
    if (!locks) {
        return;
    }
    while (locks->all) {
        struct lock *lock = locks->all;
        locks->all = lock->next_of_all;
        free_waiters(lock->queue);
        free_waiters(lock->holding);
        free(lock->name);
        free(lock);
    }
    while (locks->woken) {
        struct woken *w = locks->woken;
        locks->woken = w->next;
        free(w);
    }
    tph_map_release(&locks->by_name);
    free(locks);
}

static struct lock *get(struct tph_locks *locks, struct tph_str name)
{
    struct lock *lock = tph_map_get(&locks->by_name, name);
    if (!lock) {
        lock = TPH_NEW(struct lock);
        lock->name = tph_str_dup(name);
        lock->next_of_all = locks->all;
        locks->all = lock;
        (void)tph_map_set(&locks->by_name, tph_str(lock->name), lock);
    }
    return lock;
}

static struct waiter **find(struct waiter **list, struct tph_str holder)
{
    while (*list && !tph_str_eqz(holder, (*list)->holder)) {
        list = &(*list)->next;
    }
    return list;
}

static struct waiter *new_waiter(const struct tph_lock_holder *holder, uint64_t arrival)
{
    struct waiter *w = TPH_NEW(struct waiter);
    w->holder = tph_str_dup(holder->name);
    w->owner = holder->owner;
    w->priority = holder->priority;
    w->created_ms = holder->created_ms;
    w->arrival = arrival;
    return w;
}

static bool goes_before(const struct waiter *a, const struct waiter *b)
{
    if (a->priority != b->priority) {
        return a->priority > b->priority;
    }
    return a->created_ms != b->created_ms ? a->created_ms < b->created_ms : a->arrival < b->arrival;
}

static void queue_up(struct tph_locks *locks, struct lock *lock, const struct tph_lock_holder *holder)
{
    if (*find(&lock->queue, holder->name)) {
        return;
    }
    struct waiter *w = new_waiter(holder, locks->arrivals++);
    struct waiter **at = &lock->queue;
    while (*at && !goes_before(w, *at)) {
        at = &(*at)->next;
    }
    w->next = *at;
    *at = w;
}

static void hold(struct lock *lock, const struct tph_lock_holder *holder)
{
    struct waiter **queued = find(&lock->queue, holder->name);
    struct waiter *w = *queued;
    if (w) {
        *queued = w->next;
    } else {
        w = new_waiter(holder, 0);
    }
    w->next = lock->holding;
    lock->holding = w;
    lock->n_holding++;
}

enum tph_lock_answer tph_locks_take(struct tph_locks *locks, const struct tph_lock_holder *holder,
                                    const struct tph_lock *list, size_t n, size_t *ret_at, int64_t *ret_free)
{
    bool can = true;
    for (size_t i = 0; i < n; i++) {
        struct lock *lock = get(locks, list[i].name);
        if (*find(&lock->holding, holder->name)) {
            return TPH_LOCKS_HELD; /* all or none */
        }
        queue_up(locks, lock, holder);
        int64_t left = list[i].limit - lock->n_holding;
        bool first = tph_str_eqz(holder->name, lock->queue->holder);
        if (can && (left <= 0 || !first)) {
            can = false;
            *ret_at = i;
            *ret_free = left > 0 ? left : 0;
        }
    }
    for (size_t i = 0; i < n && can; i++) {
        hold(get(locks, list[i].name), holder);
    }
    return can ? TPH_LOCKS_HELD : TPH_LOCKS_WAIT;
}

void tph_locks_restore(struct tph_locks *locks, const struct tph_lock_holder *holder, struct tph_str name,
                       int64_t limit)
{
    struct lock *lock = get(locks, name);
    (void)limit;
    if (!*find(&lock->holding, holder->name)) {
        hold(lock, holder);
    }
}

static void wake(struct tph_locks *locks, void *owner)
{
    struct woken **at = &locks->woken;
    while (*at) {
        if ((*at)->owner == owner) {
            return;
        }
        at = &(*at)->next;
    }
    *at = TPH_NEW(struct woken);
    (*at)->owner = owner;
}

static bool take_out(struct waiter **list, struct tph_str holder)
{
    struct waiter **at = find(list, holder);
    struct waiter *w = *at;
    if (!w) {
        return false;
    }
    *at = w->next;
    free(w->holder);
    free(w);
    return true;
}

void tph_locks_drop(struct tph_locks *locks, struct tph_str holder)
{
    for (struct lock *lock = locks->all; lock; lock = lock->next_of_all) {
        bool held = take_out(&lock->holding, holder);
        lock->n_holding -= held ? 1 : 0;
        bool queued = take_out(&lock->queue, holder);
        if ((held || queued) && lock->queue) {
            wake(locks, lock->queue->owner);
        }
    }
}

void tph_locks_limits_changed(struct tph_locks *locks, struct tph_str prefix)
{
    for (struct lock *lock = locks->all; lock; lock = lock->next_of_all) {
        bool concerned = tph_str_has_prefix(tph_str(lock->name), prefix);
        for (struct waiter *w = concerned ? lock->queue : NULL; w; w = w->next) {
            wake(locks, w->owner);
        }
    }
}

void *tph_locks_next_woken(struct tph_locks *locks)
{
    struct woken *w = locks->woken;
    if (!w) {
        return NULL;
    }
    void *owner = w->owner;
    locks->woken = w->next;
    free(w);
    return owner;
}

void tph_locks_forget_owner(struct tph_locks *locks, const void *owner)
{
    for (struct woken **at = &locks->woken; *at;) {
        struct woken *w = *at;
        if (w->owner == owner) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

static int by_holder(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, for a restart knows nothing of the order in which they came. */
void tph_locks_holders(const struct tph_locks *locks, struct tph_str name, struct tph_buf *out)
{
    const struct lock *lock = tph_map_get(&locks->by_name, name);
    size_t n = 0;
    for (const struct waiter *w = lock ? lock->holding : NULL; w; w = w->next) {
        n++;
    }
    TPH_CLEANUP(tph_freep) const char **names = tph_calloc(n, sizeof(const char *));
    n = 0;
    for (const struct waiter *w = lock ? lock->holding : NULL; w; w = w->next) {
        names[n++] = w->holder;
    }
    qsort(names, n, sizeof(const char *), by_holder);
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(out, "%s%s", i > 0 ? "," : "", names[i]);
    }
}
