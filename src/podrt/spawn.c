/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>

#include "base/fd.h"

/* A copy of each above all targets, so that none is overwritten before it was used. */
static int copy_high(const int from[], int high[], size_t n)
{
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        high[i] = from[i] < 0 || failed < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, TPH_SPAWN_TARGETS);
        failed = from[i] >= 0 && failed == 0 && high[i] < 0 ? -errno : failed;
    }
    return failed;
}

static int spawn(char *const argv[], const posix_spawn_file_actions_t *actions, pid_t *ret_pid)
{
    char *env[] = {NULL};
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawnattr_init(&attributes);
    if (failed != 0) {
        return -failed;
    }
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    /* Its own session: Ctrl-C on our terminal is for us alone, who then stop the sidecars in order. */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    failed = posix_spawn(ret_pid, "/proc/self/exe", actions, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    return -failed;
}

static bool is_target(int fd, const int to[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (to[i] == fd) {
            return true;
        }
    }
    return false;
}

/* Everything else goes, also what whoever started us forgot to close. Returns an errno. */
static int arrange(posix_spawn_file_actions_t *actions, const int high[], const int to[], size_t n)
{
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    for (int fd = 1; fd <= 2 && failed == 0; fd++) {
        failed = posix_spawn_file_actions_adddup2(actions, 0, fd);
    }
    for (size_t i = 0; i < n && failed == 0; i++) {
        failed = high[i] < 0 ? posix_spawn_file_actions_addclose(actions, to[i])
                             : posix_spawn_file_actions_adddup2(actions, high[i], to[i]);
    }
    for (int fd = 3; fd < TPH_SPAWN_TARGETS && failed == 0; fd++) {
        failed = is_target(fd, to, n) ? 0 : posix_spawn_file_actions_addclose(actions, fd);
    }
    return failed != 0 ? failed : posix_spawn_file_actions_addclosefrom_np(actions, TPH_SPAWN_TARGETS);
}

int tph_spawn_self(char *const argv[], const int from[], const int to[], size_t n, pid_t *ret_pid)
{
    int high[TPH_SPAWN_TARGETS];
    posix_spawn_file_actions_t actions;
    if (n > TPH_SPAWN_TARGETS) {
        return -EINVAL;
    }
    int failed = copy_high(from, high, n);
    if (failed == 0) {
        failed = -posix_spawn_file_actions_init(&actions);
    }
    if (failed == 0) {
        failed = -arrange(&actions, high, to, n);
        failed = failed < 0 ? failed : spawn(argv, &actions, ret_pid);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    for (size_t i = 0; i < n; i++) {
        tph_fd_close(&high[i]);
    }
    return failed;
}
