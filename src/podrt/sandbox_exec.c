/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/sandbox_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/sandbox_shim.h"
#include "podrt/spawn.h"

#define ENTER_NAME "tiphys-enter"

/* In place of the shim's lifeline: the sandbox's process 1. */
enum { ENTER_PIDFD = TPH_SHIM_LIFELINE };

struct tph_sandbox_exec {
    struct tph_child *child;
    int pidfd;  /* the child's, our own copy: to wait for it without the loop */
    int status; /* read end: why it could not be done */
    tph_sandbox_exec_fn *done;
    void *owner;
};

static void ended(void *owner, int code)
{
    struct tph_sandbox_exec *e = owner;
    struct tph_shim_message message = {.text = {0}};
    char why[sizeof(message.text) + 64] = "";
    while (read(e->status, &message, sizeof(message)) == sizeof(message)) {
        message.text[sizeof(message.text) - 1] = '\0';
        if (message.kind == TPH_SHIM_FAILED) {
            const char *words = strerrordesc_np(message.value);
            (void)snprintf(why, sizeof(why), "%s: %s", message.text, words ? words : "unknown error");
        }
    }
    e->done(e->owner, code < 0 ? 128 - code : code, why); /* may free e */
}

/* Starts the enterer. Returns its pidfd or -errno, and the read end of its status pipe. */
static int enter(const struct tph_sandbox *sandbox, struct tph_str wire, int *ret_status)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -errno;
    }
    TPH_CLEANUP(tph_fd_close) int ours = ends[0];
    TPH_CLEANUP(tph_fd_close) int theirs = ends[1];
    TPH_CLEANUP(tph_fd_close) int spec = memfd_create(ENTER_NAME, MFD_CLOEXEC);
    TPH_CLEANUP(tph_fd_close) int init = (int)syscall(SYS_pidfd_open, tph_sandbox_pid(sandbox), 0);
    if (spec < 0 || init < 0) {
        return -errno;
    }
    int failed = tph_fd_write_all(spec, wire);
    const struct tph_cgroup *cgroup = tph_sandbox_cgroup(sandbox);
    int group = cgroup ? tph_cgroup_fd(cgroup) : -1;
    const int from[] = {spec, theirs, init, group};
    const int to[] = {TPH_SHIM_SPEC, TPH_SHIM_STATUS, ENTER_PIDFD, TPH_SHIM_CGROUP};
    pid_t pid = 0;
    char *argv[] = {(char[]){ENTER_NAME}, NULL};
    failed = failed < 0 ? failed : tph_spawn_self(argv, from, to, sizeof(to) / sizeof(to[0]), &pid);
    if (failed < 0) {
        return failed;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        failed = -errno;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return failed;
    }
    *ret_status = tph_fd_take(&ours);
    return pidfd;
}

int tph_sandbox_exec(struct tph_loop *loop, const struct tph_sandbox *sandbox, const struct tph_sandbox_spec *spec,
                     tph_sandbox_exec_fn *done, void *owner, struct tph_sandbox_exec **ret_exec, struct tph_error *err)
{
    if (tph_sandbox_pid(sandbox) == 0) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "the sandbox is not running");
    }
    struct tph_buf wire = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_sandbox_write_wire(spec, tph_sandbox_cgroup(sandbox), tph_sandbox_ids(sandbox), &wire);
    int status = -1;
    int pidfd = tph_buf_failed(&wire) ? -E2BIG : enter(sandbox, tph_buf_str(&wire), &status);
    explicit_bzero(wire.bytes, wire.len); /* the environment was in it */
    tph_buf_release(&wire);
    if (pidfd < 0) {
        return tph_error_errno(err, -pidfd, "cannot run a command in the sandbox");
    }
    struct tph_sandbox_exec *e = TPH_NEW(struct tph_sandbox_exec);
    e->status = status;
    e->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
    e->done = done;
    e->owner = owner;
    if (tph_child_new(loop, pidfd, ended, e, &e->child, err) < 0) {
        tph_fd_close(&e->status);
        tph_fd_close(&e->pidfd);
        free(e);
        return -1;
    }
    *ret_exec = e;
    return 0;
}

void tph_sandbox_exec_free(struct tph_sandbox_exec *e)
{
    if (e) {
        (void)tph_child_signal(e->child, SIGKILL);
        siginfo_t info;
        while (waitid(P_PIDFD, (id_t)e->pidfd, &info, WEXITED) < 0 && errno == EINTR) {
        }
        tph_child_free(e->child);
        tph_fd_close(&e->status);
        tph_fd_close(&e->pidfd);
        free(e);
    }
}

/* In the fresh process */

static void join_groups(const struct tph_shim_plan *plan)
{
    char self[24];
    (void)snprintf(self, sizeof(self), "%d", (int)getpid());
    for (uint32_t i = 0; i < plan->spec.n_cgroup_files; i++) {
        (void)tph_shim_write_to(plan->cgroup_files[i], self); /* not joined: it takes nothing from the sidecar */
    }
    if (plan->spec.into_cgroup) {
        int fd = openat(TPH_SHIM_CGROUP, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        (void)!write(fd, "0", 1);
        (void)close(fd);
    }
}

static void be_command(const struct tph_shim_plan *plan) __attribute__((noreturn));
static void be_command(const struct tph_shim_plan *plan)
{
    const struct tph_shim_spec *s = &plan->spec;
    tph_shim_set_limits(s);
    tph_shim_drop_rights(s);
    /* After the change of user, which would clear it: whoever ends the enterer ends the command. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        tph_shim_give_up(errno, "prctl");
    }
    char found[PATH_MAX];
    tph_shim_change_directory(plan);
    const char *program = tph_shim_find_program(plan, found);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
        tph_shim_give_up(errno, "/dev/null");
    }
    if (syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0) {
        tph_shim_give_up(errno, "close_range");
    }
    tph_shim_confine(s);
    (void)execve(program, (char *const *)(uintptr_t)plan->argv, (char *const *)(uintptr_t)plan->env);
    tph_shim_give_up(errno, program);
}

void tph_sandbox_exec_main(int argc, char **argv)
{
    if (argc != 1 || strcmp(argv[0], ENTER_NAME) != 0) {
        return;
    }
    struct tph_shim_plan plan;
    memset(&plan, 0, sizeof(plan));
    /* The sidecar may have our user, and sees our child before it is confined: it shall not get hold of it. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        tph_shim_give_up(errno, "prctl");
    }
    tph_shim_read_plan(&plan);
    join_groups(&plan);
    /* The machine's network is not the sandbox's to enter: we are in it already. */
    int all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
              (plan.spec.own_network ? CLONE_NEWNET : 0);
    if (setns(ENTER_PIDFD, all) < 0) {
        tph_shim_give_up(errno, "enter the sandbox");
    }
    pid_t pid = fork();
    if (pid < 0) {
        tph_shim_give_up(errno, "fork");
    }
    if (pid == 0) {
        be_command(&plan);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}
