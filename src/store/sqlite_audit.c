/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "store/sqlite_internal.h"

enum { LOWEST = 19 };

struct tph_audit {
    char *path;
    void (*done)(void *owner, const struct tph_store_checked *result);
    void *owner;
    pthread_t thread;
    bool running;
    int wake; /* eventfd: it is through */
    struct tph_io *io;
    atomic_bool stop;
    pthread_mutex_t mutex; /* guards db, which the thread opens and closes */
    struct tph_db *db;
    /* The thread's until it is through. */
    struct tph_store_checked result;
    char *first; /* owned: the first problem */
    struct tph_error error;
};

static void keep_first(void *owner, const char *problem)
{
    struct tph_audit *audit = owner;
    if (!audit->first) {
        audit->first = tph_strdup(problem);
    }
}

static void set_db(struct tph_audit *audit, struct tph_db *db)
{
    (void)pthread_mutex_lock(&audit->mutex);
    audit->db = db;
    (void)pthread_mutex_unlock(&audit->mutex);
}

static int check(struct tph_audit *audit)
{
    TPH_CLEANUP(tph_db_freep) struct tph_db *db = NULL;
    if (tph_db_open(audit->path, false, &db, &audit->error) < 0) {
        return -1;
    }
    set_db(audit, db);
    int r = tph_db_begin(db, &audit->error);
    if (r == 0) {
        r = tph_db_check(db, keep_first, audit, &audit->stop, &audit->result.problems, &audit->error);
        tph_db_rollback(db);
    }
    set_db(audit, NULL);
    return r;
}

static void *check_all(void *owner)
{
    struct tph_audit *audit = owner;
    int64_t began_ms = tph_clock_monotonic_ms();
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), LOWEST); /* of this thread alone, on Linux */
    if (check(audit) < 0) {
        if (audit->error.kind == TPH_ERROR_INVALID) { /* so damaged that it cannot even be checked */
            audit->result.problems = 1;
            keep_first(audit, audit->error.text);
        } else {
            audit->result.error = &audit->error;
        }
    }
    audit->result.took_ms = tph_clock_monotonic_ms() - began_ms;
    audit->result.first = audit->first;
    const uint64_t one = 1;
    while (write(audit->wake, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    return NULL;
}

static void through(void *owner, unsigned events)
{
    struct tph_audit *audit = owner;
    (void)events;
    tph_io_watch(audit->io, 0);
    (void)pthread_join(audit->thread, NULL);
    audit->running = false;
    audit->done(audit->owner, &audit->result);
}

static int start(struct tph_audit *audit, struct tph_loop *loop, struct tph_error *err)
{
    audit->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (audit->wake < 0) {
        return tph_error_errno(err, errno, "eventfd");
    }
    if (tph_io_new(loop, audit->wake, through, audit, &audit->io, err) < 0) {
        return -1;
    }
    tph_io_watch(audit->io, TPH_IO_READ);
    int number = pthread_create(&audit->thread, NULL, check_all, audit);
    if (number != 0) {
        return tph_error_errno(err, number, "starting a thread for the check of the store");
    }
    audit->running = true;
    return 0;
}

int tph_audit_start(struct tph_loop *loop, const char *path,
                    void (*done)(void *owner, const struct tph_store_checked *result), void *owner,
                    struct tph_audit **ret_audit, struct tph_error *err)
{
    struct tph_audit *audit = TPH_NEW(struct tph_audit);
    audit->path = tph_strdup(path);
    audit->done = done;
    audit->owner = owner;
    audit->wake = -1;
    audit->error = TPH_ERROR_INIT;
    (void)pthread_mutex_init(&audit->mutex, NULL);
    if (start(audit, loop, err) < 0) {
        tph_audit_free(audit);
        return -1;
    }
    *ret_audit = audit;
    return 0;
}

void tph_audit_free(struct tph_audit *audit)
{
    if (!audit) {
        return;
    }
    if (audit->running) {
        atomic_store(&audit->stop, true);
        (void)pthread_mutex_lock(&audit->mutex);
        if (audit->db) {
            tph_db_interrupt(audit->db);
        }
        (void)pthread_mutex_unlock(&audit->mutex);
        (void)pthread_join(audit->thread, NULL);
    }
    tph_io_free(audit->io);
    tph_fd_close(&audit->wake);
    (void)pthread_mutex_destroy(&audit->mutex);
    free(audit->first);
    free(audit->path);
    free(audit);
}
