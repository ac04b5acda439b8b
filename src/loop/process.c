/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's sources that have to do with processes: signals, children by pidfd. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "loop/loop.h"
#include "loop/loop_internal.h"

struct tph_signal {
    uv_signal_t uv;
    tph_signal_fn *got;
    void *owner;
};

static void free_signal(uv_handle_t *handle)
{
    free(TPH_CONTAINER_OF(handle, struct tph_signal, uv));
}

static void signal_came(uv_signal_t *handle, int number)
{
    struct tph_signal *signal = TPH_CONTAINER_OF(handle, struct tph_signal, uv);
    signal->got(signal->owner, number);
}

int tph_signal_new(struct tph_loop *loop, int number, tph_signal_fn *got, void *owner, struct tph_signal **ret_signal,
                   struct tph_error *err)
{
    struct tph_signal *signal = TPH_NEW(struct tph_signal);
    int failed = uv_signal_init(&loop->uv, &signal->uv);
    if (failed < 0) {
        free(signal);
        return tph_error_errno(err, -failed, "cannot watch signals");
    }
    signal->got = got;
    signal->owner = owner;
    failed = uv_signal_start(&signal->uv, signal_came, number);
    if (failed < 0) {
        tph_signal_free(signal);
        return tph_error_errno(err, -failed, "cannot watch signal %d", number);
    }
    *ret_signal = signal;
    return 0;
}

void tph_signal_free(struct tph_signal *signal)
{
    if (signal) {
        (void)uv_signal_stop(&signal->uv);
        uv_close((uv_handle_t *)&signal->uv, free_signal);
    }
}

struct tph_child {
    struct tph_io *io;
    int pidfd; /* owned */
    tph_child_fn *exited;
    void *owner;
};

static void child_ended(void *owner, unsigned events)
{
    struct tph_child *child = owner;
    (void)events;
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | __WALL) < 0) {
        info.si_code = CLD_EXITED;
        info.si_status = TPH_CHILD_LOST;
    } else if (info.si_pid == 0) {
        return;
    }
    tph_io_watch(child->io, 0);
    child->exited(child->owner, info.si_code == CLD_EXITED ? info.si_status : -info.si_status);
}

int tph_child_new(struct tph_loop *loop, int pidfd, tph_child_fn *exited, void *owner, struct tph_child **ret_child,
                  struct tph_error *err)
{
    struct tph_child *child = TPH_NEW(struct tph_child);
    child->pidfd = pidfd;
    child->exited = exited;
    child->owner = owner;
    if (tph_io_new(loop, pidfd, child_ended, child, &child->io, err) < 0) {
        tph_fd_close(&child->pidfd);
        free(child);
        return -1;
    }
    tph_io_watch(child->io, TPH_IO_READ);
    *ret_child = child;
    return 0;
}

int tph_child_signal(struct tph_child *child, int number)
{
    return syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0) < 0 ? -errno : 0;
}

void tph_child_free(struct tph_child *child)
{
    if (child) {
        tph_io_free(child->io);
        tph_fd_close(&child->pidfd);
        free(child);
    }
}
