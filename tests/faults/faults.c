/* SPDX-License-Identifier: Apache-2.0 */
/* Makes calls of a program fail that was not made for it: a library for LD_PRELOAD.
 *
 * Here and not in the program, so that what is tested is the program that people have, with SQLite and libuv as they
 * are, and nobody pays for it. A test writes into a file of records (TIPHYS_FAULTS; tests/e2e/faults.py) which is
 * mapped here: so it sees how often each call was made, and changes what fails while the program runs.
 *
 * A record is one kind of call. Calls number `first` to `last` (from 1, 0 = none) wait delay_us and then do `action`.
 * Records that are not in the file never strike. Any thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FAULT_API __attribute__((visibility("default")))

enum action {
    FAIL,       /* it is not made, and fails with `error` */
    FAIL_AFTER, /* it is made, and seems to have failed */
    DIE,        /* the program is killed before it */
    DIE_AFTER,
    SHORT, /* one byte of it is done */
    PASS,  /* it is made: for a delay */
};

enum point {
    STEP,    /* sqlite3_step: `error` is a code of SQLite's */
    MEMORY,  /* allocations of SQLite's */
    WRITE,   /* pwrite: SQLite's files */
    READ,    /* pread */
    SYNC,    /* fsync, fdatasync */
    CUT,     /* ftruncate */
    OPEN,    /* open, openat */
    FILES,   /* write to a regular file */
    HANDLE,  /* socket, pipe2, socketpair: another descriptor */
    ACCEPT,  /* accept4 */
    CONNECT, /* connect to an address of the Internet */
    SEND,    /* send, sendmsg, writev, write to a socket */
    RECEIVE, /* recv, read from a socket */
    SPAWN,   /* posix_spawn */
    CLOCK,   /* no fault: `error` is what is added to the wall clock, in milliseconds */
    N_POINTS,
};

static const char *const NAMES[N_POINTS] = {
    "step",   "memory", "write",   "read", "sync",    "cut",   "open",  "files",
    "handle", "accept", "connect", "send", "receive", "spawn", "clock",
};

struct record {
    char name[16];
    atomic_uint_least64_t seen, first, last, action;
    atomic_int_least64_t error;
    atomic_uint_least64_t delay_us;
};

static struct record *records[N_POINTS]; /* NULL: not in the file */

/* The function that would have been called. */
#define REAL(name) ((__typeof__(name) *)real(#name))
static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        abort();
    }
    return found;
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause();
    }
}

/* Counts a call and says what is to become of it. What is done afterwards is the caller's. */
static enum action strike(enum point point, int *ret_error)
{
    struct record *record = records[point];
    if (!record) {
        return PASS;
    }
    uint64_t n = atomic_fetch_add(&record->seen, 1) + 1;
    uint64_t first = atomic_load(&record->first);
    if (first == 0 || n < first || n > atomic_load(&record->last)) {
        return PASS;
    }
    uint64_t delay_us = atomic_load(&record->delay_us);
    if (delay_us > 0) {
        const struct timespec pause = {.tv_sec = (time_t)(delay_us / 1000000),
                                       .tv_nsec = (long)(delay_us % 1000000) * 1000};
        (void)nanosleep(&pause, NULL);
    }
    enum action action = (enum action)atomic_load(&record->action);
    *ret_error = (int)atomic_load(&record->error);
    if (action == DIE) {
        die();
    }
    return action;
}

/* What a peer's reset leaves: nothing goes out any more, nothing comes. */
static void cut_off(int fd, int code)
{
    if (code == ECONNRESET) {
        (void)shutdown(fd, SHUT_RDWR);
    }
}

/* How each of them ends: `call` is the real one, `shorter` the same with one byte, both give a number below 0 when they
 * fail; `before` comes before a failure. */
#define STRUCK_PARTLY(point, before, call, shorter)              \
    do {                                                         \
        int code = 0;                                            \
        enum action action = strike((point), &code);             \
        if (action == FAIL) {                                    \
            before;                                              \
            errno = code;                                        \
            return -1;                                           \
        }                                                        \
        __auto_type done = action == SHORT ? (shorter) : (call); \
        if (action == DIE_AFTER) {                               \
            die();                                               \
        }                                                        \
        if (action == FAIL_AFTER) {                              \
            errno = code;                                        \
            return -1;                                           \
        }                                                        \
        return done;                                             \
    } while (false)
#define STRUCK(point, call)                   STRUCK_PARTLY(point, (void)0, call, call)
#define STRUCK_TALK(point, fd, call, shorter) STRUCK_PARTLY(point, cut_off((fd), code), call, shorter)

static bool is_kind(int fd, mode_t kind)
{
    int before = errno;
    struct stat status;
    bool yes = fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == kind;
    errno = before;
    return yes;
}

/* ---- SQLite, as far as it is needed, without its header ---- */

struct sqlite3_stmt;
typedef int step_fn(struct sqlite3_stmt *statement);
FAULT_API step_fn sqlite3_step;

int sqlite3_step(struct sqlite3_stmt *statement)
{
    step_fn *const step = (step_fn *)real("sqlite3_step");
    int code = 0;
    enum action action = strike(STEP, &code);
    if (action == FAIL) {
        return code;
    }
    int done = step(statement);
    if (action == DIE_AFTER) {
        die();
    }
    return action == FAIL_AFTER ? code : done;
}

struct sqlite_memory {
    void *(*allocate)(int size);
    void (*release)(void *pointer);
    void *(*reallocate)(void *pointer, int size);
    int (*size)(void *pointer);
    int (*round_up)(int size);
    int (*begin)(void *data);
    void (*end)(void *data);
    void *data;
};
enum { SQLITE_CONFIG_MALLOC = 4, SQLITE_CONFIG_GETMALLOC = 5 };
typedef int config_fn(int what, ...);

static struct sqlite_memory memory;

static void *allocate(int size)
{
    int code;
    return strike(MEMORY, &code) == FAIL ? NULL : memory.allocate(size);
}

static void *reallocate(void *pointer, int size)
{
    int code;
    return strike(MEMORY, &code) == FAIL ? NULL : memory.reallocate(pointer, size);
}

static void take_memory(void)
{
    config_fn *config = (config_fn *)dlsym(RTLD_DEFAULT, "sqlite3_config");
    if (!config || config(SQLITE_CONFIG_GETMALLOC, &memory) != 0) {
        return;
    }
    struct sqlite_memory ours = memory;
    ours.allocate = allocate;
    ours.reallocate = reallocate;
    (void)config(SQLITE_CONFIG_MALLOC, &ours);
}

/* ---- files ---- */

FAULT_API ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    STRUCK_PARTLY(WRITE, (void)0, REAL(pwrite64)(fd, bytes, len, at), REAL(pwrite64)(fd, bytes, 1, at));
}

FAULT_API ssize_t pread64(int fd, void *bytes, size_t len, off64_t at)
{
    STRUCK(READ, REAL(pread64)(fd, bytes, len, at));
}

FAULT_API int fdatasync(int fd)
{
    STRUCK(SYNC, REAL(fdatasync)(fd));
}

FAULT_API int fsync(int fd)
{
    STRUCK(SYNC, REAL(fsync)(fd));
}

FAULT_API int ftruncate64(int fd, off64_t len)
{
    STRUCK(CUT, REAL(ftruncate64)(fd, len));
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(more, int) : 0;
}

FAULT_API int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    STRUCK(OPEN, REAL(open64)(path, flags, mode));
}

FAULT_API int openat64(int directory, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    STRUCK(OPEN, REAL(openat64)(directory, path, flags, mode));
}

/* ---- descriptors ---- */

FAULT_API int socket(int domain, int type, int protocol)
{
    STRUCK(HANDLE, REAL(socket)(domain, type, protocol));
}

FAULT_API int socketpair(int domain, int type, int protocol, int pair[2])
{
    STRUCK(HANDLE, REAL(socketpair)(domain, type, protocol, pair));
}

FAULT_API int pipe2(int pair[2], int flags)
{
    STRUCK(HANDLE, REAL(pipe2)(pair, flags));
}

/* ---- sockets ---- */

FAULT_API int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    STRUCK(ACCEPT, REAL(accept4)(fd, address, len, flags));
}

FAULT_API int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
        return REAL(connect)(fd, address, len);
    }
    STRUCK(CONNECT, REAL(connect)(fd, address, len));
}

FAULT_API ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    STRUCK_TALK(SEND, fd, REAL(send)(fd, bytes, len, flags), REAL(send)(fd, bytes, len > 0, flags));
}

static ssize_t send_one(int fd, const struct msghdr *message, int flags)
{
    for (size_t i = 0; i < (size_t)message->msg_iovlen; i++) {
        if (message->msg_iov[i].iov_len > 0) {
            return REAL(send)(fd, message->msg_iov[i].iov_base, 1, flags);
        }
    }
    return REAL(sendmsg)(fd, message, flags);
}

FAULT_API ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    STRUCK_TALK(SEND, fd, REAL(sendmsg)(fd, message, flags), send_one(fd, message, flags));
}

FAULT_API ssize_t write(int fd, const void *bytes, size_t len)
{
    bool file = is_kind(fd, S_IFREG);
    if (!file && !is_kind(fd, S_IFSOCK)) {
        return REAL(write)(fd, bytes, len);
    }
    STRUCK_TALK(file ? FILES : SEND, fd, REAL(write)(fd, bytes, len), REAL(write)(fd, bytes, len > 0));
}

FAULT_API ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    STRUCK_TALK(RECEIVE, fd, REAL(recv)(fd, bytes, len, flags), REAL(recv)(fd, bytes, len > 0, flags));
}

/* ---- processes, time ---- */

FAULT_API int posix_spawn(pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
    int code = 0;
    if (strike(SPAWN, &code) == FAIL) {
        return code;
    }
    return REAL(posix_spawn)(ret_pid, path, actions, attributes, argv, env);
}

FAULT_API int clock_gettime(clockid_t which, struct timespec *ret_now)
{
    static __typeof__(clock_gettime) *cached; /* it is called all the time */
    if (!cached) {
        cached = REAL(clock_gettime);
    }
    int done = cached(which, ret_now);
    if (done == 0 && which == CLOCK_REALTIME && records[CLOCK]) {
        int64_t ms = atomic_load(&records[CLOCK]->error);
        int64_t ns = (int64_t)ret_now->tv_nsec + ms % 1000 * 1000000;
        ret_now->tv_sec += ms / 1000 + (ns >= 1000000000) - (ns < 0);
        ret_now->tv_nsec = (long)(ns + (ns < 0) * 1000000000L - (ns >= 1000000000) * 1000000000L);
    }
    return done;
}

/* ---- the file ---- */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TIPHYS_FAULTS");
    struct stat status;
    int fd = path ? REAL(open64)(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &status) < 0) {
        return;
    }
    struct record *all = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (all == MAP_FAILED) {
        return;
    }
    for (size_t i = 0; i < (size_t)status.st_size / sizeof(*all); i++) {
        size_t point = 0;
        while (point < N_POINTS && strncmp(all[i].name, NAMES[point], sizeof(all[i].name)) != 0) {
            point++;
        }
        if (point == N_POINTS) {
            (void)fprintf(stderr, "faults: there is no call \"%.16s\"\n", all[i].name);
            abort();
        }
        records[point] = &all[i];
    }
    if (records[MEMORY]) {
        take_memory();
    }
}
