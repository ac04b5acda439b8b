/* SPDX-License-Identifier: Apache-2.0 */
/* Children, signals, watched files. */
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"

struct scene {
    struct tph_loop *loop;
    struct tph_child *child;
    struct tph_fswatch *watch;
    struct tph_timer *timer;
    int calls;
    int last; /* exit code or signal number */
    int writes_left;
    int64_t first_ms, told_ms;
    int64_t written_ms, quiet_ms; /* the longest time between two changes */
    char directory[64];
    char file[96];
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct tph_error err = TPH_ERROR_INIT;
    assert_non_null(s);
    assert_int_equal(tph_loop_new(&s->loop, &err), 0);
    (void)snprintf(s->directory, sizeof(s->directory), "/tmp/tiphys-loop-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    (void)snprintf(s->file, sizeof(s->file), "%s/plugin.yaml", s->directory);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    tph_loop_free(s->loop);
    (void)unlink(s->file);
    (void)rmdir(s->directory);
    free(s);
    return 0;
}

/* A child that ends with this code, or by this signal when it is negative; 0 and more is a code. */
static int start_child(int end)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (end < 0) {
            (void)signal(-end, SIG_DFL);
            (void)raise(-end);
        }
        _exit(end);
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    return pidfd;
}

static void exited(void *owner, int code)
{
    struct scene *s = owner;
    s->calls++;
    s->last = code;
}

static void a_child_ends_with_its_code_or_with_minus_its_signal(void **state)
{
    struct scene *s = *state;
    static const int ends[] = {0, 1, 255, -SIGKILL, -SIGTERM};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct tph_error err = TPH_ERROR_INIT;
        s->calls = 0;
        assert_int_equal(tph_child_new(s->loop, start_child(ends[i]), exited, s, &s->child, &err), 0);
        tph_loop_run(s->loop);
        assert_int_equal(s->calls, 1);
        assert_int_equal(s->last, ends[i]);
        tph_child_free(s->child);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* all are reaped */
    assert_int_equal(errno, ECHILD);
}

static void a_child_can_be_signalled_and_freed_in_its_callback(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (;;) {
            (void)pause();
        }
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_int_equal(tph_child_new(s->loop, pidfd, exited, s, &s->child, &err), 0);
    assert_int_equal(tph_child_signal(s->child, SIGKILL), 0);
    tph_loop_run(s->loop);
    assert_int_equal(s->last, -SIGKILL);
    assert_int_equal(tph_child_signal(s->child, SIGKILL), -ESRCH);
    tph_child_free(s->child);
    tph_child_free(NULL);
}

static void exited_and_free(void *owner, int code)
{
    struct scene *s = owner;
    exited(s, code);
    tph_child_free(s->child);
}

static void a_child_may_be_freed_in_its_callback(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_child_new(s->loop, start_child(3), exited_and_free, s, &s->child, &err), 0);
    tph_loop_run(s->loop);
    assert_int_equal(s->last, 3);
}

static void a_child_that_somebody_else_reaped_is_not_a_success(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    int pidfd = start_child(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    assert_int_equal(tph_child_new(s->loop, pidfd, exited, s, &s->child, &err), 0);
    tph_loop_run(s->loop);
    assert_int_equal(s->last, TPH_CHILD_LOST);
    tph_child_free(s->child);
}

static void got_signal(void *owner, int number)
{
    struct scene *s = owner;
    s->calls++;
    s->last = number;
    tph_loop_stop(s->loop);
}

static void a_signal_reaches_its_source_and_no_longer_after_free(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_signal *usr1 = NULL, *usr2 = NULL;
    assert_int_equal(tph_signal_new(s->loop, SIGUSR1, got_signal, s, &usr1, &err), 0);
    assert_int_equal(tph_signal_new(s->loop, SIGUSR2, got_signal, s, &usr2, &err), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 1);
    assert_int_equal(s->last, SIGUSR1);
    assert_int_equal(kill(getpid(), SIGUSR2), 0); /* caught, on its way through the loop */
    tph_signal_free(usr2);
    tph_signal_free(usr1);
    tph_signal_free(NULL);
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 1);
}

static void an_impossible_signal_is_an_error(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_signal *signal_source = NULL;
    assert_int_equal(tph_signal_new(s->loop, SIGKILL, got_signal, s, &signal_source, &err), -1);
    assert_null(signal_source);
    assert_non_null(strstr(err.text, "cannot watch signal 9"));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void changed(void *owner)
{
    struct scene *s = owner;
    s->calls++;
    s->told_ms = tph_clock_monotonic_ms();
    tph_loop_stop(s->loop);
}

static void watch(struct scene *s, const char *path)
{
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fswatch_new(s->loop, path, changed, s, &s->watch, &err), 0);
}

static void a_burst_of_changes_in_a_directory_is_told_once(void **state)
{
    struct scene *s = *state;
    watch(s, s->directory);
    for (int i = 0; i < 20; i++) {
        write_file(s->file, "a");
    }
    int64_t last = tph_clock_monotonic_ms();
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 1);
    assert_true(s->told_ms - last >= TPH_LIMIT_SETTLE_MS - 1);
    write_file(s->file, "b");
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 2);
    tph_fswatch_free(s->watch);
}

static void a_file_that_is_replaced_by_another_is_still_watched(void **state)
{
    struct scene *s = *state;
    char other[96];
    (void)snprintf(other, sizeof(other), "%s/plugin.new", s->directory);
    write_file(s->file, "a");
    watch(s, s->file);
    for (int i = 1; i <= 3; i++) { /* as editors save */
        write_file(other, "b");
        assert_int_equal(rename(other, s->file), 0);
        tph_loop_run(s->loop);
        assert_int_equal(s->calls, i);
    }
    tph_fswatch_free(s->watch);
}

static void stop_loop(void *owner)
{
    struct scene *s = owner;
    tph_loop_stop(s->loop);
}

static void a_neighbour_of_a_watched_file_is_not_told(void **state)
{
    struct scene *s = *state;
    char other[96];
    (void)snprintf(other, sizeof(other), "%s/other", s->directory);
    write_file(s->file, "a");
    watch(s, s->file);
    write_file(other, "b");
    s->timer = tph_timer_new(s->loop, stop_loop, s);
    tph_timer_start(s->timer, 2 * TPH_LIMIT_SETTLE_MS); /* a silence can only be waited for */
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 0);
    write_file(s->file, "c");
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 1);
    tph_timer_free(s->timer);
    tph_fswatch_free(s->watch);
    assert_int_equal(unlink(other), 0);
}

static void write_again(void *owner)
{
    struct scene *s = owner;
    int64_t now_ms = tph_clock_monotonic_ms();
    s->quiet_ms = now_ms - s->written_ms > s->quiet_ms ? now_ms - s->written_ms : s->quiet_ms;
    s->written_ms = now_ms;
    write_file(s->file, "again");
    tph_timer_start(s->timer, TPH_LIMIT_SETTLE_MS / 5);
}

static void changes_without_end_are_told_all_the_same(void **state)
{
    struct scene *s = *state;
    watch(s, s->directory);
    s->timer = tph_timer_new(s->loop, write_again, s);
    int64_t begin = tph_clock_monotonic_ms();
    s->written_ms = begin;
    write_again(s);
    tph_loop_run(s->loop);
    assert_int_equal(s->calls, 1);
    int64_t last_ms = tph_clock_monotonic_ms() - s->written_ms;
    bool was_quiet = s->quiet_ms >= TPH_LIMIT_SETTLE_MS / 2 || last_ms >= TPH_LIMIT_SETTLE_MS / 2; /* a busy machine */
    assert_true(was_quiet || s->told_ms - begin >= TPH_LIMIT_SETTLE_LAST_MS / 2);
    tph_timer_free(s->timer);
    tph_fswatch_free(s->watch);
}

static void what_does_not_exist_cannot_be_watched(void **state)
{
    struct scene *s = *state;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fswatch_new(s->loop, s->file, changed, s, &s->watch, &err), -1);
    assert_null(s->watch);
    assert_non_null(strstr(err.text, s->file));
    assert_non_null(strstr(err.text, "No such file"));
    tph_fswatch_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_ends_with_its_code_or_with_minus_its_signal),
        TEST(a_child_can_be_signalled_and_freed_in_its_callback),
        TEST(a_child_may_be_freed_in_its_callback),
        TEST(a_child_that_somebody_else_reaped_is_not_a_success),
        TEST(a_signal_reaches_its_source_and_no_longer_after_free),
        TEST(an_impossible_signal_is_an_error),
        TEST(a_burst_of_changes_in_a_directory_is_told_once),
        TEST(a_file_that_is_replaced_by_another_is_still_watched),
        TEST(a_neighbour_of_a_watched_file_is_not_told),
        TEST(changes_without_end_are_told_all_the_same),
        TEST(what_does_not_exist_cannot_be_watched),
    };
    return cmocka_run_group_tests_name("loop/process", tests, NULL, NULL);
}
