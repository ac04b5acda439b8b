/* SPDX-License-Identifier: Apache-2.0 */
/* The store on SQLite: a thread that writes, and on the loop's thread a connection that reads.
 *
 * All writes that wait go into one transaction, each under a savepoint of its own; when it is on the disk they are
 * answered. So under load the cost of a flush is shared, and an idle store answers as soon as one flush is done.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/internal.h"
#include "store/sqlite_audit.h"
#include "store/sqlite_db.h"

enum { CHECKS = 11 }; /* doublings of the pause between two full checks */

struct queue {
    struct tph_store_batch *head, **tail;
};

struct sqlite {
    struct tph_store store;
    struct tph_db *reader; /* the loop's */
    struct tph_db *writer; /* the thread's, once it runs */
    uint64_t keep;         /* changes of the history */
    uint64_t next;         /* the thread's: the last version that was given to anything, kept or not */
    atomic_uint_least64_t version, floor;
    bool running;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work;
    struct queue waiting, done;
    bool stop;
    /* --- */
    int wake; /* eventfd: something is done */
    struct tph_io *io;
    /* How it is; the loop's. */
    struct tph_store_config config;
    char *path;
    struct tph_audit *audit;  /* under way, or NULL */
    struct tph_timer *probe;  /* while it cannot be written */
    struct tph_timer *check;  /* until the next audit, after one that failed or found something */
    unsigned checks;          /* such audits, one after the other */
    atomic_bool write_damage; /* the thread met damage */
    bool failing;             /* the last transaction failed */
    bool damaged;             /* damage was met, and no check has found otherwise */
};

static struct sqlite *sqlite_of(const struct tph_store *store)
{
    return (struct sqlite *)TPH_CONTAINER_OF(store, struct sqlite, store);
}

static void put(struct queue *queue, struct tph_store_batch *batch)
{
    batch->next = NULL;
    *queue->tail = batch;
    queue->tail = &batch->next;
}

static struct tph_store_batch *take_all(struct queue *queue)
{
    struct tph_store_batch *all = queue->head;
    queue->head = NULL;
    queue->tail = &queue->head;
    return all;
}

/* ---- the thread ---- */

/* One write under its savepoint. -1: the whole transaction is lost. */
static int write_batch(struct sqlite *s, struct tph_store_batch *batch, struct tph_error *err)
{
    if (tph_db_savepoint(s->writer, err) < 0) {
        return -1;
    }
    for (size_t i = 0; batch->outcome == 0 && i < batch->n; i++) {
        batch->outcome = tph_db_change(s->writer, &batch->changes[i], s->next + i + 1, &batch->error);
        batch->index = i;
    }
    if (batch->outcome == 0) {
        s->next += batch->n;
        batch->version = s->next;
        return tph_db_keep(s->writer, err);
    }
    if (batch->outcome < 0 && batch->error.kind == TPH_ERROR_SYSTEM) {
        *err = batch->error;
        batch->outcome = 0;
        return -1;
    }
    return tph_db_drop(s->writer, err);
}

/* The history is cut when there is a quarter too much of it, so that this is done seldom. */
static int cut_history(struct sqlite *s, struct tph_error *err)
{
    uint64_t floor = atomic_load(&s->floor);
    if (s->next - floor > s->keep + s->keep / 4) {
        floor = s->next - s->keep;
        /* Before the rows go: who reads meanwhile looks at the floor last. */
        atomic_store(&s->floor, floor);
        if (tph_db_forget(s->writer, floor, err) < 0) {
            return -1;
        }
    }
    return tph_db_set_numbers(s->writer, s->next, floor, err);
}

static int write_group(struct sqlite *s, struct tph_store_batch *group, struct tph_error *err)
{
    if (tph_db_begin(s->writer, err) < 0) {
        return -1;
    }
    bool changed = false;
    for (struct tph_store_batch *batch = group; batch; batch = batch->next) {
        if (batch->outcome == 0 && write_batch(s, batch, err) < 0) {
            return -1;
        }
        changed |= batch->outcome == 0;
    }
    if (!changed) {
        tph_db_rollback(s->writer);
        return 0;
    }
    return cut_history(s, err) < 0 || tph_db_commit(s->writer, err) < 0 ? -1 : 0;
}

/* Nobody of a group that failed knows whether it was written. Their versions are not given again. */
static void fail_group(struct sqlite *s, struct tph_store_batch *group, const struct tph_error *err)
{
    tph_db_rollback(s->writer);
    /* What is left of it in the WAL is no lost commit, see sqlite_files.h; that this may fail, too, is told already. */
    struct tph_error again;
    if (tph_db_checkpoint(s->writer, &again) < 0) {
        again.kind = TPH_ERROR_NONE;
    }
    for (struct tph_store_batch *batch = group; batch; batch = batch->next) {
        if (batch->outcome == 0) {
            batch->outcome = -1;
            batch->error = *err;
            batch->lost = true;
        }
    }
}

/* Takes from the front what one transaction may hold. */
static struct tph_store_batch *cut_group(struct tph_store_batch **rest)
{
    struct tph_store_batch *group = *rest, *last = group;
    size_t bytes = group->bytes;
    while (last->next && bytes + last->next->bytes <= TPH_LIMIT_STORE_GROUP) {
        last = last->next;
        bytes += last->bytes;
    }
    *rest = last->next;
    last->next = NULL;
    return group;
}

static void hand_back(struct sqlite *s, struct tph_store_batch *group)
{
    (void)pthread_mutex_lock(&s->mutex);
    while (group) {
        struct tph_store_batch *next = group->next;
        put(&s->done, group);
        group = next;
    }
    (void)pthread_mutex_unlock(&s->mutex);
    const uint64_t one = 1;
    while (write(s->wake, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

static void *write_for_ever(void *owner)
{
    struct sqlite *s = owner;
    struct tph_store_batch *rest = NULL;
    for (;;) {
        (void)pthread_mutex_lock(&s->mutex);
        while (!s->stop && !s->waiting.head && !rest) {
            (void)pthread_cond_wait(&s->work, &s->mutex);
        }
        bool stop = s->stop;
        /* What came meanwhile goes behind what was left of the last group. */
        struct tph_store_batch **end = &rest;
        while (*end) {
            end = &(*end)->next;
        }
        *end = take_all(&s->waiting);
        if (stop) { /* unwritten: nobody hears of it */
            s->waiting.head = rest;
            (void)pthread_mutex_unlock(&s->mutex);
            return NULL;
        }
        (void)pthread_mutex_unlock(&s->mutex);
        struct tph_store_batch *group = cut_group(&rest);
        struct tph_error err = TPH_ERROR_INIT;
        if (write_group(s, group, &err) < 0) {
            fail_group(s, group, &err);
        } else {
            atomic_store(&s->version, s->next);
        }
        if (tph_db_damaged(s->writer)) {
            atomic_store(&s->write_damage, true);
        }
        hand_back(s, group);
    }
}

/* ---- how it is: the loop ---- */

static void checked(void *owner, const struct tph_store_checked *result)
{
    struct sqlite *s = owner;
    if (!result->error) {
        s->damaged = result->problems > 0;
        tph_health_set(s->config.health, "integrity", s->damaged ? result->first : NULL);
    }
    if (result->error || s->damaged) { /* a disk may give now what it did not give before */
        tph_timer_start(s->check, (int64_t)TPH_LIMIT_STORE_CHECK_MS << s->checks);
        s->checks += s->checks < CHECKS ? 1 : 0;
    } else {
        s->checks = 0;
    }
    s->config.checked(s->config.owner, result);
    tph_audit_free(TPH_TAKE(s->audit));
}

static void begin_check(void *owner)
{
    struct sqlite *s = owner;
    struct tph_error err = TPH_ERROR_INIT;
    if (!s->audit && s->config.checked && tph_audit_start(s->store.loop, s->path, checked, s, &s->audit, &err) < 0) {
        const struct tph_store_checked none = {.error = &err};
        checked(s, &none);
    }
}

/* Damage that a read or a write has met: said at once, and looked into once. */
static void met_damage(struct sqlite *s)
{
    if (!s->damaged) {
        s->damaged = true;
        tph_health_set(s->config.health, "integrity", "the file is damaged");
        begin_check(s);
    }
}

static int after_read(struct sqlite *s, int outcome)
{
    if (outcome < 0 && tph_db_damaged(s->reader)) {
        met_damage(s);
    }
    return outcome;
}

static void sqlite_write(struct tph_store *store, struct tph_store_batch *batch);

/* A write of nothing: whether it is possible again. */
static void probe(void *owner)
{
    struct sqlite *s = owner;
    struct tph_arena *arena = tph_arena_new();
    struct tph_store_batch *batch = TPH_ARENA_NEW(arena, struct tph_store_batch);
    batch->arena = arena;
    sqlite_write(&s->store, batch);
}

static void note_writes(struct sqlite *s, const struct tph_store_batch *last)
{
    if (last->lost) {
        s->failing = true;
        tph_health_set(s->config.health, "store", last->error.text);
        tph_timer_start(s->probe, TPH_LIMIT_STORE_PROBE_MS);
    } else if (s->failing && last->outcome == 0) {
        s->failing = false;
        tph_health_set(s->config.health, "store", NULL);
        tph_timer_stop(s->probe);
    } else if (s->failing && !tph_timer_active(s->probe)) {
        tph_timer_start(s->probe, TPH_LIMIT_STORE_PROBE_MS);
    }
    if (atomic_exchange(&s->write_damage, false)) {
        met_damage(s);
    }
}

/* ---- the loop ---- */

static void sqlite_write(struct tph_store *store, struct tph_store_batch *batch)
{
    struct sqlite *s = sqlite_of(store);
    (void)pthread_mutex_lock(&s->mutex);
    put(&s->waiting, batch);
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->mutex);
}

static void answer(void *owner, unsigned events)
{
    (void)events;
    struct sqlite *s = owner;
    uint64_t count;
    (void)!read(s->wake, &count, sizeof(count));
    (void)pthread_mutex_lock(&s->mutex);
    struct tph_store_batch *batch = take_all(&s->done);
    (void)pthread_mutex_unlock(&s->mutex);
    while (batch) {
        struct tph_store_batch *next = batch->next;
        if (!next) {
            note_writes(s, batch);
        }
        tph_store_finish(&s->store, batch);
        batch = next;
    }
}

static int sqlite_load(struct tph_store *store, const struct tph_store_key *key, uint64_t at, struct tph_state *state,
                       struct tph_error *err)
{
    struct sqlite *s = sqlite_of(store);
    if (tph_db_begin(s->reader, err) < 0) {
        return after_read(s, -1);
    }
    int r = after_read(s, tph_db_load(s->reader, key, at, state, err));
    tph_db_rollback(s->reader);
    return r == 0 && at && at < atomic_load(&s->floor) ? TPH_STORE_EXPIRED : r;
}

/* As of list->at, of which nothing is newer while nothing was written since. */
static int sqlite_list(struct tph_store *store, const struct tph_store_list *list,
                       bool (*each)(void *owner, const struct tph_store_key *key, const struct tph_state *state),
                       void *owner, struct tph_error *err)
{
    struct sqlite *s = sqlite_of(store);
    if (tph_db_begin(s->reader, err) < 0) {
        return after_read(s, -1);
    }
    uint64_t version = 0, floor = 0;
    int r = tph_db_numbers(s->reader, &version, &floor, err);
    if (r == 0 && list->at < floor) {
        r = TPH_STORE_EXPIRED;
    } else if (r == 0) {
        r = tph_db_list(s->reader, list, version == list->at, each, owner, err);
    }
    tph_db_rollback(s->reader);
    return after_read(s, r);
}

static int sqlite_next(struct tph_store *store, const struct tph_store_key *key, uint64_t from, uint64_t to,
                       struct tph_store_event *ret_event, struct tph_buf *names, struct tph_error *err)
{
    struct sqlite *s = sqlite_of(store);
    return after_read(s, tph_db_next(s->reader, key, from, to, ret_event, names, err));
}

static uint64_t sqlite_version(const struct tph_store *store)
{
    return atomic_load(&sqlite_of(store)->version);
}

static uint64_t sqlite_floor(const struct tph_store *store)
{
    return atomic_load(&sqlite_of(store)->floor);
}

static void free_all(struct tph_store_batch *batch)
{
    while (batch) {
        struct tph_store_batch *next = batch->next;
        tph_store_batch_free(batch);
        batch = next;
    }
}

static void sqlite_free(struct tph_store *store)
{
    struct sqlite *s = sqlite_of(store);
    tph_audit_free(s->audit);
    if (s->running) {
        (void)pthread_mutex_lock(&s->mutex);
        s->stop = true;
        (void)pthread_cond_signal(&s->work);
        (void)pthread_mutex_unlock(&s->mutex);
        (void)pthread_join(s->thread, NULL);
    }
    free_all(s->waiting.head);
    free_all(s->done.head);
    tph_timer_free(s->probe);
    tph_timer_free(s->check);
    free(s->path);
    tph_io_free(s->io);
    tph_fd_close(&s->wake);
    tph_db_free(s->reader);
    tph_db_free(s->writer); /* the last one: it makes the last checkpoint */
    (void)pthread_mutex_destroy(&s->mutex);
    (void)pthread_cond_destroy(&s->work);
    free(s);
}

static int start(struct sqlite *s, const char *path, struct tph_error *err)
{
    uint64_t version = 0, floor = 0;
    if (tph_db_open(path, true, &s->writer, err) < 0 || tph_db_open(path, false, &s->reader, err) < 0 ||
        tph_db_numbers(s->reader, &version, &floor, err) < 0) {
        return -1;
    }
    s->next = version;
    atomic_store(&s->version, version);
    atomic_store(&s->floor, floor);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake < 0) {
        return tph_error_errno(err, errno, "eventfd");
    }
    if (tph_io_new(s->store.loop, s->wake, answer, s, &s->io, err) < 0) {
        return -1;
    }
    tph_io_watch(s->io, TPH_IO_READ);
    int number = pthread_create(&s->thread, NULL, write_for_ever, s);
    if (number != 0) {
        return tph_error_errno(err, number, "starting the store's thread");
    }
    s->running = true;
    tph_health_set(s->config.health, "store", NULL);
    tph_health_set(s->config.health, "integrity", NULL);
    if (tph_db_after_crash(s->writer)) {
        begin_check(s);
    }
    return 0;
}

int tph_store_sqlite_open(struct tph_loop *loop, const char *path, const struct tph_store_config *config,
                          struct tph_store **ret_store, struct tph_error *err)
{
    static const struct tph_store_ops OPS = {
        .write = sqlite_write,
        .load = sqlite_load,
        .list = sqlite_list,
        .next = sqlite_next,
        .version = sqlite_version,
        .floor = sqlite_floor,
        .free = sqlite_free,
    };
    struct sqlite *s = TPH_NEW(struct sqlite);
    s->store.ops = &OPS;
    s->store.loop = loop;
    s->config = config ? *config : (struct tph_store_config){.history = 0};
    s->keep = s->config.history ? s->config.history : TPH_LIMIT_STORE_HISTORY;
    s->path = tph_strdup(path);
    s->probe = tph_timer_new(loop, probe, s);
    s->check = tph_timer_new(loop, begin_check, s);
    s->waiting.tail = &s->waiting.head;
    s->done.tail = &s->done.head;
    s->wake = -1;
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    if (start(s, path, err) < 0) {
        tph_store_free(&s->store);
        return -1;
    }
    *ret_store = &s->store;
    return 0;
}
