/* SPDX-License-Identifier: Apache-2.0 */
/* Who outlives whom: the program, its threads, its sandboxes and what runs in them; and what is left when one goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "stage.h"

enum { LEFT_MS = 200, WORD = 16 };

/* Control groups of a program, also those below its own: <mount>/tiphys-<pid>-<m>/<n>. */
static size_t count_groups(pid_t pid, bool inner)
{
    static const char *const dirs[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu",
                                       "/sys/fs/cgroup/pids"};
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("tiphys-%d-", (int)pid);
    size_t n = 0;
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        DIR *dir = opendir(dirs[i]);
        for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
            if (strncmp(e->d_name, prefix, strlen(prefix)) != 0) {
                continue;
            }
            TPH_CLEANUP(tph_freep) char *path = tph_format("%s/%s", dirs[i], e->d_name);
            DIR *below = inner ? opendir(path) : NULL;
            n += inner ? 0 : 1;
            for (const struct dirent *f = below ? readdir(below) : NULL; f; f = readdir(below)) {
                n += f->d_type == DT_DIR && f->d_name[0] != '.' ? 1 : 0;
            }
            if (below) {
                (void)closedir(below);
            }
        }
        if (dir) {
            (void)closedir(dir);
        }
    }
    return n;
}

/* Groups of a program that is gone are removed by its janitor, who tries each 10 ms. */
static void await_no_groups(pid_t pid)
{
    for (int i = 0; i < 200 && count_groups(pid, false) > 0; i++) {
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(count_groups(pid, false), 0);
}

static size_t count_mounts(void)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(4));
    size_t n = 0;
    assert_int_equal(tph_fd_read_file("/proc/self/mountinfo", &text, NULL), 0);
    for (size_t i = 0; i < text.len; i++) {
        n += text.bytes[i] == '\n' ? 1 : 0;
    }
    return n;
}

/* "net:[4026531840]", or "" for a process that is gone or not ours to look at. */
static void network_of(pid_t pid, char name[64])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    ssize_t n = readlink(path, name, 63);
    name[n > 0 ? n : 0] = '\0';
}

static size_t count_in_network(const char *wanted)
{
    DIR *proc = opendir("/proc");
    size_t n = 0;
    assert_non_null(proc);
    for (const struct dirent *e = readdir(proc); e; e = readdir(proc)) {
        char name[64] = "";
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9') {
            network_of(atoi(e->d_name), name);
        }
        n += strcmp(name, wanted) == 0 ? 1 : 0;
    }
    (void)closedir(proc);
    return n;
}

/* The end of the program */

/* Starts one pod with a limit and a network of its own, whose sidecar leaves a daemon behind. */
static struct harness *open_controller(const char *word)
{
    void *state = (void *)(uintptr_t)&process_implementation;
    if (harness_open(&state) < 0) {
        _exit(1);
    }
    struct harness *h = state;
    TPH_CLEANUP(tph_freep) char *words = tph_format("linger %s", word);
    add_intruder(h, words)->resources.memory_limit = TPH_MIB(64);
    h->spec.log_events = true;
    h->spec.network = TPH_NETWORK_NONE;
    harness_start(h);
    return h;
}

/* A program that runs one pod until it is killed. */
static int be_controller(const char *word, int heir)
{
    struct harness *h = open_controller(word);
    (void)heir;
    harness_await(h, TPH_POD_LOG, 1);
    (void)!write(1, "on\n", 3);
    tph_loop_run(h->loop);
    return 1;
}

/* The same, and a child of it that outlives it has all of its descriptors. */
static int be_controller_with_heir(const char *word, int heir)
{
    struct harness *h = open_controller(word);
    harness_await(h, TPH_POD_LOG, 1);
    if (fork() == 0) {
        char byte;
        (void)!read(heir, &byte, 1);
        _exit(0);
    }
    (void)!write(1, "on\n", 3);
    tph_loop_run(h->loop);
    return 1;
}

/* A parent that starts the intruder as it is. */
static int be_plain_parent(const char *word, int heir)
{
    (void)heir;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(stage_place().intruder, "intruder", "linger", word, NULL);
    }
    (void)waitpid(pid, NULL, 0);
    return 1;
}

typedef int parent_fn(const char *word, int heir);

/* Starts a parent, kills it when its child is there, and tells how many processes it leaves. */
static size_t left_by(parent_fn *parent, const char *word, size_t least, pid_t *ret_pid)
{
    int ends[2], heir[2];
    char text[4] = "", network[64] = "", ours[64];
    struct process list[16];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pipe2(heir, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], 1);
        (void)close(heir[1]);
        _exit(parent(word, heir[0]));
    }
    tph_fd_close(&ends[1]);
    struct pollfd readable = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    assert_int_equal(read(ends[0], text, 3), 3);
    size_t n = find_processes(word, list, 16);
    assert_true(n >= least);
    network_of(getpid(), ours);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        network_of(list[i].pid, name);
        if (name[0] && strcmp(name, ours) != 0) {
            memcpy(network, name, sizeof(network));
        }
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    *ret_pid = pid;
    size_t left = await_ends(list, n, LEFT_MS * harness_slowness());
    assert_true(!network[0] || count_in_network(network) == 0);
    tph_fd_close(&ends[0]);
    tph_fd_close(&heir[0]);
    tph_fd_close(&heir[1]);
    return left;
}

static void a_program_that_is_killed_leaves_nothing(void **state)
{
    char word[WORD + 1] = "";
    struct process list[16];
    pid_t pid = 0;
    size_t mounts = count_mounts();
    (void)state;
    tph_random_text(word, WORD);
    /* Its process 1, the sidecar, and the daemon. */
    assert_int_equal(left_by(be_controller, word, 3, &pid), 0);
    assert_int_equal(find_processes(word, list, 16), 0);
    assert_int_equal(count_mounts(), mounts);
    await_no_groups(pid);

    tph_random_text(word, WORD);
    assert_true(left_by(be_plain_parent, word, 2, &pid) >= 2);
    size_t n = find_processes(word, list, 16);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        (void)syscall(SYS_pidfd_send_signal, list[i].pidfd, SIGKILL, NULL, 0);
    }
    assert_int_equal(await_ends(list, n, PATIENCE_MS), 0);
}

static void not_even_where_a_child_of_the_program_keeps_its_descriptors(void **state)
{
    char word[WORD + 1] = "";
    struct process list[16];
    pid_t pid = 0;
    (void)state;
    tph_random_text(word, WORD);
    assert_int_equal(left_by(be_controller_with_heir, word, 3, &pid), 0);
    assert_int_equal(find_processes(word, list, 16), 0);
}

/* The end of a sandbox's process 1 */

/* Starts the intruder as a plain child; returns when its daemon is there. */
static pid_t linger_plainly(const char *word)
{
    int ends[2];
    char text[3];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], 1);
        (void)execl(stage_place().intruder, "intruder", "linger", word, NULL);
        _exit(1);
    }
    tph_fd_close(&ends[1]);
    assert_int_equal(read(ends[0], text, 3), 3);
    tph_fd_close(&ends[0]);
    return pid;
}

static void a_sandbox_whose_process_1_is_killed_leaves_nothing(void **state)
{
    struct harness *h = *state;
    char word[WORD + 1] = "";
    struct process list[16];
    pid_t init = 0;
    size_t mounts = count_mounts();
    tph_random_text(word, WORD);
    TPH_CLEANUP(tph_freep) char *words = tph_format("linger %s", word);
    add_intruder(h, words)->resources.memory_limit = TPH_MIB(64);
    h->spec.log_events = true;
    h->spec.network = TPH_NETWORK_NONE;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    size_t n = find_processes(word, list, 16);
    assert_true(n >= 3); /* process 1, the sidecar, its daemon */
    for (size_t i = 0; i < n; i++) {
        init = parent_of(list[i].pid) == getpid() ? list[i].pid : init;
    }
    assert_true(init > 0);
    char network[64];
    network_of(init, network);
    assert_int_equal(kill(init, SIGKILL), 0);
    assert_int_equal(await_ends(list, n, LEFT_MS * harness_slowness()), 0);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->exit_code, 137);
    assert_true(!network[0] || count_in_network(network) == 0);
    assert_int_equal(count_mounts(), mounts);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    tph_podrt_free(TPH_TAKE(h->rt));
    await_no_groups(getpid());

    tph_random_text(word, WORD);
    pid_t plain = linger_plainly(word);
    n = find_processes(word, list, 16);
    assert_true(n >= 2);
    assert_int_equal(kill(plain, SIGKILL), 0);
    assert_int_equal(waitpid(plain, NULL, 0), plain);
    assert_true(await_ends(list, n, 0) >= 1);
    n = find_processes(word, list, 16);
    assert_true(n >= 1); /* the daemon */
    for (size_t i = 0; i < n; i++) {
        (void)syscall(SYS_pidfd_send_signal, list[i].pidfd, SIGKILL, NULL, 0);
    }
    assert_int_equal(await_ends(list, n, PATIENCE_MS), 0);
}

/* Whatever the moment, it is told, and no process is left but those that run. */
static void a_shim_that_is_killed_leaves_nothing(void **state)
{
    size_t n_killed = 0;
    for (int i = 0; i < 30; i++) {
        struct harness *h = *state;
        struct process list[16];
        struct timespec moment = {.tv_nsec = i * 100000L};
        harness_add(h, RUNS, 0, NULL);
        harness_start(h);
        (void)nanosleep(&moment, NULL);
        size_t n = find_processes("tiphys-sandbox", list, 16);
        for (size_t j = 0; j < n; j++) {
            if (parent_of(list[j].pid) == getpid()) {
                n_killed += kill(list[j].pid, SIGKILL) == 0 ? 1 : 0;
            }
            tph_fd_close(&list[j].pidfd);
        }
        int64_t until_ms = harness_now_ms() + PATIENCE_MS;
        while (harness_count(h, TPH_POD_STARTED) + harness_count(h, TPH_POD_FAILED) == 0 &&
               harness_now_ms() < until_ms) {
            harness_let_pass(h, 1);
        }
        assert_int_equal(harness_count(h, TPH_POD_STARTED) + harness_count(h, TPH_POD_FAILED), 1);
        tph_podrt_free(TPH_TAKE(h->rt));
        h->pod = NULL;
        while (waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
               harness_now_ms() < until_ms) {
            (void)poll(NULL, 0, 1);
        }
        assert_int_equal(errno, ECHILD);
        void *again = (void *)(uintptr_t)h->implementation;
        assert_int_equal(harness_close(state), 0);
        assert_int_equal(harness_open(&again), 0);
        *state = again;
    }
    assert_true(n_killed > 0);
}

/* All orphans come to us. True when none is left after the time. */
static bool adopted_all_end(int64_t ms)
{
    int64_t until_ms = harness_now_ms() + ms;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD) {
            return true;
        }
        if (pid == 0 && harness_now_ms() > until_ms) {
            return false;
        }
        if (pid == 0) {
            (void)poll(NULL, 0, 1);
        }
    }
}

static void killed_at_any_moment_of_a_start_it_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int i = 0; i < 40; i++) {
        char word[WORD + 1] = "";
        struct timespec moment = {.tv_nsec = i * 250000L};
        tph_random_text(word, WORD);
        pid_t pid = fork();
        if (pid == 0) {
            struct harness *h = open_controller(word);
            tph_loop_run(h->loop);
            _exit(1);
        }
        (void)nanosleep(&moment, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        /* Its janitor may have to wait for the last of them: two seconds at most. */
        if (!adopted_all_end(LEFT_MS * harness_slowness() + 2000)) {
            print_message("moment %d\n", i);
            (void)!system("ps -eo pid,ppid,stat,wchan:30,args | tail -12");
            fail();
        }
        await_no_groups(pid);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* A runtime that goes */

static void a_runtime_that_goes_in_the_middle_of_a_start_leaves_no_process(void **state)
{
    for (int i = 0; i < 5; i++) {
        struct harness *h = *state;
        harness_add(h, RUNS, 0, NULL);
        harness_add(h, IGNORES_TERM, 0, NULL);
        harness_start(h);
        if (i > 0) {
            harness_let_pass(h, i - 1);
        }
        tph_podrt_free(h->rt);
        assert_int_equal(waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOHANG | WNOWAIT | __WALL), -1);
        assert_int_equal(errno, ECHILD); /* neither running nor waiting to be reaped */
        h->rt = NULL;
        void *again = (void *)(uintptr_t)h->implementation;
        assert_int_equal(harness_close(state), 0);
        assert_int_equal(harness_open(&again), 0);
        *state = again;
    }
}

static void restarts_leave_nothing_behind(void **state)
{
    struct harness *h = *state;
    h->spec.restart_base_ms = 1;
    harness_add(h, EXITS, 1, NULL)->resources.memory_limit = TPH_MIB(64);
    harness_start(h);
    for (size_t i = 1; i <= 8; i++) {
        harness_await(h, TPH_POD_EXITED, i);
        harness_restart(h, 0);
    }
    /* One in each hierarchy where there is one, and one that is just being removed. */
    assert_in_range(count_groups(getpid(), true), 0, 6);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    for (int i = 0; i < 100 && count_groups(getpid(), true) > 0; i++) {
        harness_let_pass(h, 5);
    }
    assert_int_equal(count_groups(getpid(), true), 0);
}

/* Threads */

struct starter {
    struct harness *h;
    int failed;
    pid_t plain;
};

static void *start_and_end(void *argument)
{
    struct starter *s = argument;
    struct tph_error err = TPH_ERROR_INIT;
    s->failed = harness_try_start(s->h, &err);
    return NULL;
}

static void *start_plain_and_end(void *argument)
{
    struct starter *s = argument;
    int ends[2];
    char byte;
    s->failed = pipe2(ends, O_CLOEXEC);
    s->plain = fork();
    if (s->plain == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!write(ends[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    (void)!read(ends[0], &byte, 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return NULL;
}

static void a_sidecar_outlives_the_thread_that_started_it(void **state)
{
    struct starter s = {.h = *state};
    pthread_t thread;
    int status = 0;
    harness_add(s.h, RUNS, 0, NULL);
    assert_int_equal(pthread_create(&thread, NULL, start_and_end, &s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.failed, 0);
    harness_await(s.h, TPH_POD_READY, 1);
    harness_let_pass(s.h, 200);
    assert_int_equal(harness_count(s.h, TPH_POD_EXITED), 0);

    /* What PR_SET_PDEATHSIG would have done. */
    assert_int_equal(pthread_create(&thread, NULL, start_plain_and_end, &s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.failed, 0);
    assert_int_equal(waitpid(s.plain, &status, 0), s.plain);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    if (account_arrange(argc, argv) < 2) {
        (void)printf("usage: %s INTRUDER [as-user] [without-THING]\n", argv[0]);
        return 2;
    }
    stage_open(argv[1]);
    struct CMUnitTest tests[] = {
        T(a_program_that_is_killed_leaves_nothing),
        T(not_even_where_a_child_of_the_program_keeps_its_descriptors),
        T(a_sandbox_whose_process_1_is_killed_leaves_nothing),
        T(a_shim_that_is_killed_leaves_nothing),
        T(killed_at_any_moment_of_a_start_it_leaves_nothing),
        T(a_runtime_that_goes_in_the_middle_of_a_start_leaves_no_process),
        T(restarts_leave_nothing_behind),
        T(a_sidecar_outlives_the_thread_that_started_it),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    int failed = cmocka_run_group_tests_name("podrt/lives", tests, NULL, NULL);
    stage_close();
    return failed;
}
