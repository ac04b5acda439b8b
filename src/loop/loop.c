/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "loop/loop_internal.h"

struct tph_deferred {
    struct tph_deferred *next;
    tph_timer_fn *fn; /* NULL once cancelled */
    void *owner;
};

static void run_deferred(uv_idle_t *idle)
{
    struct tph_loop *loop = TPH_CONTAINER_OF(idle, struct tph_loop, idle);
    /* What the callbacks defer goes into a list of its own, for the next turn. */
    loop->running = loop->first;
    loop->first = NULL;
    loop->last = NULL;
    while (loop->running) {
        struct tph_deferred *d = loop->running;
        loop->running = d->next;
        if (d->fn) {
            d->fn(d->owner);
        }
        free(d);
    }
    if (!loop->first) {
        (void)uv_idle_stop(idle);
    }
}

int tph_loop_new(struct tph_loop **ret_loop, struct tph_error *err)
{
    struct tph_loop *loop = TPH_NEW(struct tph_loop);
    int failed = uv_loop_init(&loop->uv);
    if (failed < 0) {
        free(loop);
        return tph_error_errno(err, -failed, "cannot make an event loop");
    }
    (void)uv_idle_init(&loop->uv, &loop->idle); /* cannot fail */
    *ret_loop = loop;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *own)
{
    if (uv_is_closing(handle)) {
        return;
    }
#ifndef NDEBUG
    if (handle != own) {
        tph_log(TPH_LOG_DEBUG, "a source of the event loop was never freed", "type",
                uv_handle_type_name(uv_handle_get_type(handle)), NULL);
    }
#else
    (void)own;
#endif
    uv_close(handle, NULL);
}

void tph_loop_free(struct tph_loop *loop)
{
    if (!loop) {
        return;
    }
    while (loop->first) {
        struct tph_deferred *d = loop->first;
        loop->first = d->next;
        free(d);
    }
    /* What callers freed is closing already and frees itself in its close callback; the idle handle is ours. */
    uv_walk(&loop->uv, close_handle, &loop->idle);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) {
        /* A stop that came before ends the first run at once. */
    }
    (void)uv_loop_close(&loop->uv);
    free(loop);
}

void tph_loop_run(struct tph_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void tph_loop_stop(struct tph_loop *loop)
{
    uv_stop(&loop->uv);
}

uv_loop_t *tph_loop_uv(struct tph_loop *loop)
{
    return &loop->uv;
}

int64_t tph_loop_now_ms(const struct tph_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void tph_defer(struct tph_loop *loop, tph_timer_fn *fn, void *owner)
{
    struct tph_deferred *d = TPH_NEW(struct tph_deferred);
    d->fn = fn;
    d->owner = owner;
    if (loop->last) {
        loop->last->next = d;
    } else {
        loop->first = d;
        (void)uv_idle_start(&loop->idle, run_deferred);
    }
    loop->last = d;
}

void tph_defer_cancel(struct tph_loop *loop, void *owner)
{
    struct tph_deferred *lists[] = {loop->first, loop->running};
    for (size_t i = 0; i < 2; i++) {
        for (struct tph_deferred *d = lists[i]; d; d = d->next) {
            if (d->owner == owner) {
                d->fn = NULL;
            }
        }
    }
}

/* Timers */

struct tph_timer {
    uv_timer_t uv;
    tph_timer_fn *fire;
    void *owner;
};

static void free_timer(uv_handle_t *handle)
{
    free(TPH_CONTAINER_OF(handle, struct tph_timer, uv));
}

static void timer_fired(uv_timer_t *handle)
{
    struct tph_timer *timer = TPH_CONTAINER_OF(handle, struct tph_timer, uv);
    struct tph_loop *loop = TPH_CONTAINER_OF(handle->loop, struct tph_loop, uv);
    loop->firing = true;
    timer->fire(timer->owner);
    loop->firing = false;
}

struct tph_timer *tph_timer_new(struct tph_loop *loop, tph_timer_fn *fire, void *owner)
{
    struct tph_timer *timer = TPH_NEW(struct tph_timer);
    (void)uv_timer_init(&loop->uv, &timer->uv); /* cannot fail */
    timer->fire = fire;
    timer->owner = owner;
    return timer;
}

void tph_timer_start(struct tph_timer *timer, int64_t delay_ms)
{
    const struct tph_loop *loop = TPH_CONTAINER_OF(timer->uv.loop, struct tph_loop, uv);
    /* uv fires all that is due before it goes on: a timer that is started with 0 by a timer's callback would be among
     * them, and one that starts itself would keep the loop for ever. */
    int64_t least = loop->firing ? 1 : 0;
    /* uv counts from the time of the turn, which may lie back a little. */
    uv_update_time(timer->uv.loop);
    (void)uv_timer_start(&timer->uv, timer_fired, (uint64_t)(delay_ms > least ? delay_ms : least), 0);
}

void tph_timer_stop(struct tph_timer *timer)
{
    (void)uv_timer_stop(&timer->uv);
}

bool tph_timer_active(const struct tph_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}

void tph_timer_free(struct tph_timer *timer)
{
    if (timer) {
        (void)uv_timer_stop(&timer->uv);
        uv_close((uv_handle_t *)&timer->uv, free_timer);
    }
}

/* Readiness of descriptors */

struct tph_io {
    uv_poll_t uv;
    tph_io_fn *ready;
    void *owner;
    unsigned watched;
};

static void free_io(uv_handle_t *handle)
{
    free(TPH_CONTAINER_OF(handle, struct tph_io, uv));
}

static void io_ready(uv_poll_t *handle, int status, int events)
{
    struct tph_io *io = TPH_CONTAINER_OF(handle, struct tph_io, uv);
    unsigned ready = (events & UV_READABLE ? TPH_IO_READ : 0U) | (events & UV_WRITABLE ? TPH_IO_WRITE : 0U);
    if (status < 0) {
        /* An error makes all that is watched ready: the next read or write says what it is. uv stops watching then,
         * but a reader that takes one piece a turn must hear of the rest. */
        ready = io->watched;
        io->watched = 0;
        tph_io_watch(io, ready);
    }
    io->ready(io->owner, ready);
}

int tph_io_new(struct tph_loop *loop, int fd, tph_io_fn *ready, void *owner, struct tph_io **ret_io,
               struct tph_error *err)
{
    struct tph_io *io = TPH_NEW(struct tph_io);
    int failed = uv_poll_init(&loop->uv, &io->uv, fd);
    if (failed < 0) {
        free(io);
        return tph_error_errno(err, -failed, "cannot watch descriptor %d", fd);
    }
    io->ready = ready;
    io->owner = owner;
    *ret_io = io;
    return 0;
}

void tph_io_watch(struct tph_io *io, unsigned events)
{
    if (events == io->watched) {
        return;
    }
    io->watched = events;
    if (events == 0) {
        (void)uv_poll_stop(&io->uv);
        return;
    }
    int wanted = (events & TPH_IO_READ ? UV_READABLE : 0) | (events & TPH_IO_WRITE ? UV_WRITABLE : 0);
    (void)uv_poll_start(&io->uv, wanted, io_ready);
}

void tph_io_free(struct tph_io *io)
{
    if (io) {
        (void)uv_poll_stop(&io->uv); /* now: the caller closes the descriptor next */
        uv_close((uv_handle_t *)&io->uv, free_io);
    }
}
