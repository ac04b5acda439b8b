/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys-init: process 1 of a sandbox, and the janitor of its control groups.
 *
 * Static, without a C library: it holds a few pages and no secret of anybody. As process 1 it starts the sidecar,
 * forwards signals to it, reaps what is orphaned, and ends with its code (128 + n after signal n). It cannot be read or
 * traced by the sidecar (not dumpable), and dies with the program that started it: by PR_SET_PDEATHSIG, which is set
 * after the change of user that would clear it, and by the lifeline, a pipe that closes when the program is gone.
 *
 *   init PROGRAM ARGV0 [ARG]...     descriptor 3: where a failed exec is told (errno as four bytes); 4: the lifeline
 *   init --janitor DIR...           removes DIR and the directories in it when descriptor 0 closes
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

enum { STATUS_FD = 3, LIFELINE_FD = 4, JANITOR_TRIES = 200 };

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

static void run_child(char **argv, char **envp) __attribute__((noreturn));
static void run_child(char **argv, char **envp)
{
    sigset64 none = 0;
    (void)call(__NR_setsid, 0, 0, 0, 0);
    (void)call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&none, 0, sizeof(none));
    (void)call(__NR_close, LIFELINE_FD, 0, 0, 0);
    int number = (int)-call(__NR_execve, (long)argv[1], (long)&argv[2], (long)envp, 0);
    (void)call(__NR_write, STATUS_FD, (long)&number, sizeof(number), 0);
    leave(127);
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
            leave(signal ? 128 + signal : (status >> 8) & 0xff);
        }
    }
}

static void be_init(char **argv, char **envp) __attribute__((noreturn));
static void be_init(char **argv, char **envp)
{
    sigset64 all = ~0ULL;
    (void)call(__NR_rt_sigprocmask, 2, (long)&all, 0, sizeof(all));
    (void)call(__NR_fcntl, STATUS_FD, F_SETFD, FD_CLOEXEC, 0);
    (void)call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0);
    (void)call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
    /* The lifeline sends SIGIO when its other end closes; that may have been before now. */
    (void)call(__NR_fcntl, LIFELINE_FD, F_SETOWN, call(__NR_getpid, 0, 0, 0, 0), 0);
    (void)call(__NR_fcntl, LIFELINE_FD, F_SETFL, FASYNC | O_NONBLOCK, 0);
    char byte;
    if (call(__NR_read, LIFELINE_FD, (long)&byte, 1, 0) == 0) {
        leave(137);
    }
    long child = call(__NR_clone, SIGCHLD, 0, 0, 0);
    if (child == 0) {
        run_child(argv, envp);
    }
    if (child < 0) {
        int number = (int)-child;
        (void)call(__NR_write, STATUS_FD, (long)&number, sizeof(number), 0);
        leave(127);
    }
    (void)call(__NR_close, STATUS_FD, 0, 0, 0);
    for (;;) {
        long signal = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof(all));
        if (signal == SIGIO && call(__NR_read, LIFELINE_FD, (long)&byte, 1, 0) == 0) {
            leave(137); /* the kernel ends the namespace with its process 1 */
        }
        if (signal == SIGCHLD) {
            reap(child);
        } else if (signal > 0 && signal != SIGIO) {
            (void)call(__NR_kill, child, signal, 0, 0);
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
                (void)call(__NR_unlinkat, dir, (long)e->name, 0x200 /* AT_REMOVEDIR */, 0);
            }
            at += e->length;
        }
    }
}

static void be_janitor(char **dirs) __attribute__((noreturn));
static void be_janitor(char **dirs)
{
    sigset64 all = ~0ULL;
    char byte;
    (void)call(__NR_rt_sigprocmask, 2, (long)&all, 0, sizeof(all));
    (void)call(__NR_setsid, 0, 0, 0, 0);
    while (call(__NR_read, 0, (long)&byte, 1, 0) > 0) {
    }
    for (int i = 0; i < JANITOR_TRIES; i++) {
        long left = 0;
        for (char **dir = dirs; *dir; dir++) {
            long fd = call(__NR_openat, -100 /* AT_FDCWD */, (long)*dir, O_RDONLY | O_DIRECTORY, 0);
            if (fd >= 0) {
                sweep(fd);
                (void)call(__NR_close, fd, 0, 0, 0);
                left += call(__NR_unlinkat, -100, (long)*dir, 0x200, 0) < 0;
            }
        }
        if (left == 0) {
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
    if (argc < 3) {
        leave(2);
    }
    if (is_janitor(argv[1])) {
        be_janitor(argv + 2);
    }
    be_init(argv, argv + argc + 1);
}
