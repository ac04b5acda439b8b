/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys-init: process 1 of a sandbox, and the janitor of its control groups.
 *
 * Static, without a C library: it holds a few pages and no secret of anybody. As process 1 it starts the sidecar,
 * forwards signals to it, reaps what is orphaned, and ends with its code (128 + n after signal n). It cannot be read or
 * traced by the sidecar (not dumpable), and dies with the program that started it, of which it hears twice: by the
 * lifeline, a pipe whose other end closes with the program, and by a pidfd of it, should a process that the program
 * left behind hold that end. (PR_SET_PDEATHSIG would do worse: it fires when the thread that started us ends.)
 *
 *   init PROGRAM ARGV0 [ARG]...     descriptor 3: where a failed exec is told (errno as four bytes); 4: the lifeline;
 *                                   5: the pidfd; 6: the claim on the user ids, kept open
 *   init --janitor                  descriptor 0: directories, a NUL after each; when it closes they are removed with
 *                                   the directories in them
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

enum { STATUS_FD = 3, LIFELINE_FD = 4, PROGRAM_FD = 5, CLAIM_FD = 6, JANITOR_TRIES = 200 };

#if defined(__x86_64__)
static long call(long number, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call start\n");
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  bl start\n");
#else
#error "tiphys-init knows x86-64 and arm64"
#endif

typedef unsigned long long sigset64;
#define SIGNAL_BIT(n) (1ULL << ((n)-1))

void start(long *stack) __attribute__((noreturn, used));

static void leave(int code) __attribute__((noreturn));
static void leave(int code)
{
    for (;;) {
        (void)call(__NR_exit_group, code, 0, 0, 0);
    }
}

static void give_up(long result) __attribute__((noreturn));
static void give_up(long result)
{
    int number = (int)-result;
    (void)call(__NR_write, STATUS_FD, (long)&number, sizeof(number), 0);
    leave(127);
}

static void run_child(char **argv, char **envp) __attribute__((noreturn));
static void run_child(char **argv, char **envp)
{
    sigset64 none = 0;
    (void)call(__NR_setsid, 0, 0, 0, 0);
    (void)call(__NR_prctl, PR_SET_PDEATHSIG, 9 /* SIGKILL */, 0, 0); /* where the kernel does not do it for process 1 */
    (void)call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&none, 0, sizeof(none));
    give_up(call(__NR_execve, (long)argv[1], (long)&argv[2], (long)envp, 0));
}

/* Kills and reaps the children that are left: those of a sidecar that ended come to us, and theirs in their turn. As
 * process 1 the kernel does that. */
static void end_rest(void)
{
    static const char path[] = "/proc/thread-self/children";
    for (long n = 1; n > 0 && call(__NR_getpid, 0, 0, 0, 0) != 1;) {
        char pids[256];
        long fd = call(__NR_openat, AT_FDCWD, (long)path, O_RDONLY, 0);
        n = call(__NR_read, fd, (long)pids, sizeof(pids), 0);
        (void)call(__NR_close, fd, 0, 0, 0);
        long pid = 0;
        for (long i = 0; i < n; i++) {
            if (pids[i] >= '0' && pids[i] <= '9') {
                pid = pid * 10 + (pids[i] - '0');
            } else if (pid > 0) {
                (void)call(__NR_kill, pid, 9, 0, 0);
                (void)call(__NR_wait4, pid, 0, 0, 0);
                pid = 0;
            }
        }
    }
}

/* Reaps everything that ended; when the sidecar is among it, the rest is killed and init ends with its code. */
static void reap(long child)
{
    for (;;) {
        int status = 0;
        long pid = call(__NR_wait4, -1, (long)&status, WNOHANG, 0);
        if (pid <= 0) {
            return;
        }
        if (pid == child) {
            int signal = status & 0x7f;
            end_rest();
            leave(signal ? 128 + signal : (status >> 8) & 0xff);
        }
    }
}

/* Starts the sidecar. */
static long start_child(char **argv, char **envp)
{
    long child = call(__NR_clone, SIGCHLD, 0, 0, 0);
    if (child == 0) {
        run_child(argv, envp);
    }
    if (child < 0) {
        give_up(child);
    }
    (void)call(__NR_close, STATUS_FD, 0, 0, 0);
    return child;
}

static void be_init(char **argv, char **envp) __attribute__((noreturn));
static void be_init(char **argv, char **envp)
{
    sigset64 all = ~0ULL;
    (void)call(__NR_rt_sigprocmask, 2, (long)&all, 0, sizeof(all));
    (void)call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0);
    (void)call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0);
    for (int fd = STATUS_FD; fd <= CLAIM_FD; fd++) {
        (void)call(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC, 0);
    }
    long signals = call(__NR_signalfd4, -1, (long)&all, sizeof(all), O_CLOEXEC);
    if (signals < 0) {
        give_up(signals);
    }
    struct pollfd fds[] = {{.fd = LIFELINE_FD}, {.fd = PROGRAM_FD, .events = POLLIN}, {(int)signals, POLLIN, 0}};
    long child = 0;
    for (;;) {
        struct __kernel_timespec none = {.tv_sec = 0};
        struct signalfd_siginfo info;
        (void)call(__NR_ppoll, (long)fds, 3, child > 0 ? 0 : (long)&none, 0);
        if (fds[0].revents != 0 || fds[1].revents != 0) {
            end_rest();
            leave(137); /* the kernel ends the namespace with its process 1 */
        }
        if (child == 0) {
            child = start_child(argv, envp);
        } else if (call(__NR_read, signals, (long)&info, sizeof(info), 0) != sizeof(info)) {
            continue;
        } else if (info.ssi_signo == SIGCHLD) {
            reap(child);
        } else {
            (void)call(__NR_kill, child, info.ssi_signo, 0, 0);
        }
    }
}

struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

/* Removes the directories in an open directory; control groups have no other entries that could be removed. */
static void sweep(long dir)
{
    char entries[4096];
    for (;;) {
        long n = call(__NR_getdents64, dir, (long)entries, sizeof(entries), 0);
        if (n <= 0) {
            return;
        }
        for (long at = 0; at < n;) {
            struct entry *e = (struct entry *)(void *)(entries + at);
            if (e->type == 4 && e->name[0] != '.') {
                (void)call(__NR_unlinkat, dir, (long)e->name, AT_REMOVEDIR, 0);
            }
            at += e->length;
        }
    }
}

/* Reads the directories, one after the other with a NUL, until whoever writes them is gone. *ret_end: past the last. */
static void read_dirs(char *dirs, long size, char **ret_end)
{
    long have = 0;
    while (have < size) {
        long n = call(__NR_read, 0, (long)(dirs + have), size - have, 0);
        if (n <= 0) {
            break;
        }
        have += n;
    }
    *ret_end = dirs + have;
    char more[64]; /* there is none: the program names three at most */
    while (call(__NR_read, 0, (long)more, sizeof(more), 0) > 0) {
    }
}

static long remove_all(char *dirs, char *end)
{
    long left = 0;
    for (char *dir = dirs; dir < end;) {
        long fd = call(__NR_openat, AT_FDCWD, (long)dir, O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0) {
            sweep(fd);
            (void)call(__NR_close, fd, 0, 0, 0);
            left += call(__NR_unlinkat, AT_FDCWD, (long)dir, AT_REMOVEDIR, 0) < 0;
        }
        while (dir < end && *dir) {
            dir++;
        }
        dir++;
    }
    return left;
}

static void be_janitor(void) __attribute__((noreturn));
static void be_janitor(void)
{
    sigset64 all = ~0ULL;
    char dirs[4096];
    char *end = dirs;
    (void)call(__NR_rt_sigprocmask, 2, (long)&all, 0, sizeof(all));
    if (call(__NR_clone, SIGCHLD, 0, 0, 0) != 0) {
        leave(0); /* nobody has to reap the one that stays */
    }
    (void)call(__NR_setsid, 0, 0, 0, 0);
    (void)call(__NR_close_range, 1, ~0U, 0, 0); /* what whoever started the program left open is not ours to hold */
    read_dirs(dirs, sizeof(dirs), &end);
    for (int i = 0; i < JANITOR_TRIES; i++) {
        if (remove_all(dirs, end) == 0) {
            leave(0);
        }
        /* The processes in them are being killed: a moment, then once more. */
        struct __kernel_timespec pause = {.tv_sec = 0, .tv_nsec = 10000000};
        (void)call(__NR_nanosleep, (long)&pause, 0, 0, 0);
    }
    leave(1);
}

static int is_janitor(const char *word)
{
    static const char name[] = "--janitor";
    for (size_t i = 0; i < sizeof(name); i++) {
        if (word[i] != name[i]) {
            return 0;
        }
    }
    return 1;
}

void start(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1);
    if (argc == 2 && is_janitor(argv[1])) {
        be_janitor();
    }
    if (argc < 3) {
        leave(2);
    }
    be_init(argv, argv + argc + 1);
}
