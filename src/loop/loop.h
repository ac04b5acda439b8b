/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: one thread, over libuv. Timers, children, signals, watched files, work for a thread.
 *
 * Sources are embedded in the object that owns them and find it again with TPH_CONTAINER_OF; no callback gets a void
 * pointer. A source whose stop/close was called gives no further callback. Memory of a source may go only after its
 * close callback (libuv's rule): loop-owned wrappers below hide that where they say "free". Callbacks never run inside
 * the call that armed them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

#define TPH_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct tph_loop;

int tph_loop_new(struct tph_loop **ret_loop, struct tph_error *err) TPH_MUST_CHECK;
/* Closes what is still open (in debug builds names it), runs the close callbacks, frees the loop. */
void tph_loop_free(struct tph_loop *loop);
TPH_DEFINE_CLEANUP(struct tph_loop, tph_loop_free);

/* Runs until tph_loop_stop or until nothing is left to wait for. */
void tph_loop_run(struct tph_loop *loop);
void tph_loop_stop(struct tph_loop *loop);

/* For layers that use libuv themselves (http). */
uv_loop_t *tph_loop_uv(struct tph_loop *loop);

/* Milliseconds, monotonic, as of the current loop turn; refreshed at each turn. */
int64_t tph_loop_now_ms(const struct tph_loop *loop);

/* One-shot timer, heap object owned by the caller. start re-arms; the callback may free its timer.
 * Millisecond deadlines in the past fire in the next turn; a timer that starts itself with 0 does not keep the loop. */
struct tph_timer;
typedef void tph_timer_fn(void *owner);
struct tph_timer *tph_timer_new(struct tph_loop *loop, tph_timer_fn *fire, void *owner) TPH_MUST_CHECK;
void tph_timer_start(struct tph_timer *timer, int64_t delay_ms);
void tph_timer_stop(struct tph_timer *timer);
bool tph_timer_active(const struct tph_timer *timer);
void tph_timer_free(struct tph_timer *timer); /* NULL is fine */

/* Calls fn once in the next turn of the loop, after what is going on now. Order is kept. Cancelled by
 * tph_defer_cancel(loop, owner), which drops all that owner has waiting. */
void tph_defer(struct tph_loop *loop, tph_timer_fn *fn, void *owner);
void tph_defer_cancel(struct tph_loop *loop, void *owner);

/* Readiness of a descriptor that the caller owns and keeps open until free. events: TPH_IO_*. An error (the peer reset
 * the connection) makes all that is watched ready, again in each turn, until the owner has read it or pauses. */
enum { TPH_IO_READ = 1, TPH_IO_WRITE = 2 };
struct tph_io;
typedef void tph_io_fn(void *owner, unsigned events);
int tph_io_new(struct tph_loop *loop, int fd, tph_io_fn *ready, void *owner, struct tph_io **ret_io,
               struct tph_error *err) TPH_MUST_CHECK;
void tph_io_watch(struct tph_io *io, unsigned events); /* 0 pauses */
void tph_io_free(struct tph_io *io);                   /* NULL is fine; the descriptor stays open */

/* A signal of the process. */
struct tph_signal;
typedef void tph_signal_fn(void *owner, int number);
int tph_signal_new(struct tph_loop *loop, int number, tph_signal_fn *got, void *owner, struct tph_signal **ret_signal,
                   struct tph_error *err) TPH_MUST_CHECK;
void tph_signal_free(struct tph_signal *signal);

/* A child process by pidfd: exited is called once with what waitid(P_PIDFD) said: code >= 0, or -signal. The child
 * is reaped by then. Takes over pidfd, also when it fails. Never mixed with uv_spawn or waitpid(-1): a child that
 * somebody else has reaped is TPH_CHILD_LOST, which no process can exit with. */
enum { TPH_CHILD_LOST = 256 };
struct tph_child;
typedef void tph_child_fn(void *owner, int code);
int tph_child_new(struct tph_loop *loop, int pidfd, tph_child_fn *exited, void *owner, struct tph_child **ret_child,
                  struct tph_error *err) TPH_MUST_CHECK;
int tph_child_signal(struct tph_child *child, int number); /* 0, or -errno */
void tph_child_free(struct tph_child *child);              /* still running: closes the pidfd, does not kill */

/* Changes of a file, or in a directory (not recursive); changed is called once for a burst: TPH_LIMIT_SETTLE_MS after
 * the last change, but not later than TPH_LIMIT_SETTLE_LAST_MS after the first. A file is watched by its name, so that
 * editors which put a new file in its place are seen. */
struct tph_fswatch;
typedef void tph_fswatch_fn(void *owner);
int tph_fswatch_new(struct tph_loop *loop, const char *path, tph_fswatch_fn *changed, void *owner,
                    struct tph_fswatch **ret_watch, struct tph_error *err) TPH_MUST_CHECK;
void tph_fswatch_be_quick(struct tph_fswatch *watch); /* from now on called in the turn after a change */
void tph_fswatch_free(struct tph_fswatch *watch);
