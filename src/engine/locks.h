/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes and semaphores of all workflows of a controller: who holds them, who waits. Source: argo 2.15.
 *
 * A holder takes all of its locks or none. It waits in the queue of each; only who is first everywhere, and finds all
 * of them free, gets them. Queues are by priority, then by the creation of the workflow, then first come. A mutex is a
 * semaphore of limit 1. Pure, and not thread-safe: used between events of runs. Names and holders are copied.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_locks;
struct tph_locks *tph_locks_new(void) TPH_MUST_CHECK;
void tph_locks_free(struct tph_locks *locks);
TPH_DEFINE_CLEANUP(struct tph_locks, tph_locks_free);

struct tph_lock {
    struct tph_str name; /* "NAMESPACE/Mutex/NAME", "NAMESPACE/ConfigMap/NAME/KEY" */
    int64_t limit;       /* as it is now */
};

/* Whose request it is, and its place in the queues. */
struct tph_lock_holder {
    struct tph_str name; /* "NAMESPACE/WORKFLOW" or "NAMESPACE/WORKFLOW/NODE" */
    void *owner;         /* told when it may be its turn */
    int64_t priority;
    int64_t created_ms;
};

enum tph_lock_answer {
    TPH_LOCKS_HELD,
    TPH_LOCKS_WAIT, /* *ret_at is the first lock that is not to be had, *ret_free how much of it is free */
};

/* Takes all locks, or queues for them; asking again is allowed, and does not lose the place. */
enum tph_lock_answer tph_locks_take(struct tph_locks *locks, const struct tph_lock_holder *holder,
                                    const struct tph_lock *list, size_t n, size_t *ret_at, int64_t *ret_free);
/* After a restart: it had them. */
void tph_locks_restore(struct tph_locks *locks, const struct tph_lock_holder *holder, struct tph_str name,
                       int64_t limit);
/* Gives up what the holder has, and its places in queues. */
void tph_locks_drop(struct tph_locks *locks, struct tph_str holder);
/* The owner of somebody who may get locks now, each once; NULL when there is none left. */
void *tph_locks_next_woken(struct tph_locks *locks);
/* Limits of locks whose names begin so may be others now: whoever waits for one of them is woken. */
void tph_locks_limits_changed(struct tph_locks *locks, struct tph_str prefix);
/* An owner is gone: it is not told any more. */
void tph_locks_forget_owner(struct tph_locks *locks, const void *owner);

/* Appends the holders of a lock, separated by commas, in the order of their names. */
void tph_locks_holders(const struct tph_locks *locks, struct tph_str name, struct tph_buf *out);
