/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/logs.h"

/* One container's logs with the write ends of its pipes. */
struct rig {
    struct tph_loop *loop;
    struct tph_logs *logs;
    int out, err;
    char dir[64];
    char path[96], older[96];
    struct tph_buf lines; /* "o:text\n" and "e:text\n" */
    size_t n_lines;
    char *problem;
    size_t n_problems;
};

static void on_line(void *owner, enum tph_logs_stream stream, struct tph_str line)
{
    struct rig *r = owner;
    r->n_lines++;
    (void)tph_buf_printf(&r->lines, "%c:%.*s\n", stream == TPH_LOGS_STDOUT ? 'o' : 'e', TPH_FMT(line));
}

static void on_problem(void *owner, const char *text)
{
    struct rig *r = owner;
    free(r->problem);
    r->problem = tph_strdup(text);
    r->n_problems++;
}

static void attach(struct rig *r)
{
    int out[2], err[2];
    struct tph_error error = TPH_ERROR_INIT;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    assert_int_equal(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(err[0], F_SETFL, O_NONBLOCK), 0);
    r->out = out[1];
    r->err = err[1];
    assert_int_equal(tph_logs_attach(r->logs, (const int[]){out[0], err[0]}, &error), 0);
}

static void open_logs(struct rig *r, const char *path)
{
    struct tph_error error = TPH_ERROR_INIT;
    struct tph_logs_options options = {.path = path, .line = on_line, .problem = on_problem, .owner = r};
    assert_int_equal(tph_logs_new(r->loop, &options, &r->logs, &error), 0);
    attach(r);
}

static int set_up(void **state)
{
    struct rig *r = TPH_NEW(struct rig);
    struct tph_error error = TPH_ERROR_INIT;
    *state = r;
    r->lines = TPH_BUF_INIT(TPH_MIB(64));
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/tiphys-logs-XXXXXX");
    if (!mkdtemp(r->dir) || tph_loop_new(&r->loop, &error) < 0) {
        return -1;
    }
    (void)snprintf(r->path, sizeof(r->path), "%s/a.log", r->dir);
    (void)snprintf(r->older, sizeof(r->older), "%s/a.log.1", r->dir);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    tph_logs_free(r->logs);
    tph_loop_free(r->loop);
    tph_fd_close(&r->out);
    tph_fd_close(&r->err);
    tph_buf_release(&r->lines);
    free(r->problem);
    (void)unlink(r->path);
    (void)unlink(r->older);
    (void)rmdir(r->dir);
    free(r);
    return 0;
}

static void say(int fd, const char *text)
{
    assert_int_equal(tph_fd_write_all(fd, tph_str(text)), 0);
}

/* The writers are gone. */
static void finish(struct rig *r)
{
    tph_fd_close(&r->out);
    tph_fd_close(&r->err);
    tph_logs_finish(r->logs);
}

static void expect_tail(const struct rig *r, size_t max, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(TPH_MIB(8));
    tph_logs_tail(r->logs, max, &tail);
    assert_string_equal(tph_buf_cstr(&tail), expected);
}

static void output_is_cut_into_lines_whatever_the_pieces(void **state)
{
    struct rig *r = *state;
    open_logs(r, NULL);
    say(r->out, "one\ntw");
    say(r->err, "trouble\n");
    tph_logs_finish(r->logs); /* reads what is there; the unfinished line ends */
    attach(r);
    say(r->out, "o\n\nlast");
    finish(r);
    assert_string_equal(tph_buf_cstr(&r->lines), "o:one\no:tw\ne:trouble\no:o\no:\no:last\n");
    expect_tail(r, 2, "\nlast\n");
    expect_tail(r, 0, "");
}

static void turn_over(void *owner)
{
    tph_loop_stop(owner);
}

/* Lets the loop read what is in the pipes. */
static void turn(struct rig *r)
{
    struct tph_timer *timer = tph_timer_new(r->loop, turn_over, r->loop);
    tph_timer_start(timer, 5);
    tph_loop_run(r->loop);
    tph_timer_free(timer);
}

static void an_unfinished_line_waits_for_its_end_but_is_in_the_tail(void **state)
{
    struct rig *r = *state;
    open_logs(r, NULL);
    say(r->out, "done\npass");
    turn(r);
    assert_string_equal(tph_buf_cstr(&r->lines), "o:done\n");
    expect_tail(r, 10, "done\npass\n");
    expect_tail(r, 1, "pass\n");
    say(r->out, "word:\n");
    turn(r);
    assert_string_equal(tph_buf_cstr(&r->lines), "o:done\no:password:\n");
}

static void file_text(const char *path, struct tph_buf *text)
{
    struct tph_error error = TPH_ERROR_INIT;
    if (tph_fd_read_file(path, text, &error) < 0) {
        fail_msg("%s", error.text);
    }
}

static void the_file_has_time_stream_and_text_and_is_the_owners_alone(void **state)
{
    struct rig *r = *state;
    open_logs(r, r->path);
    say(r->out, "hello\n");
    say(r->err, "oh");
    finish(r);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4096);
    file_text(r->path, &text);
    /* 2026-11-24T08:41:54.123Z stdout F hello */
    struct tph_str rest = tph_buf_str(&text), line;
    assert_true(tph_str_cut(&rest, '\n', &line));
    assert_int_equal(line.len, 24 + strlen(" stdout F hello"));
    assert_int_equal(line.p[10], 'T');
    assert_int_equal(line.p[23], 'Z');
    assert_true(tph_str_has_suffix(line, TPH_STR(" stdout F hello")));
    assert_true(tph_str_cut(&rest, '\n', &line));
    assert_true(tph_str_has_suffix(line, TPH_STR(" stderr F oh")));
    assert_int_equal(rest.len, 0);
    struct stat st;
    assert_int_equal(stat(r->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void an_old_file_is_continued(void **state)
{
    struct rig *r = *state;
    struct tph_error error = TPH_ERROR_INIT;
    assert_int_equal(tph_fd_write_file(r->path, TPH_STR("before\n"), 0600, &error), 0);
    open_logs(r, r->path);
    say(r->out, "after\n");
    finish(r);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4096);
    file_text(r->path, &text);
    assert_true(tph_str_has_prefix(tph_buf_str(&text), TPH_STR("before\n20")));
}

/* Writes many bytes without waiting for the reader. */
struct writer {
    int fd;
    const char *text;
    size_t len, times;
};

static void *write_much(void *argument)
{
    struct writer *w = argument;
    for (size_t i = 0; i < w->times; i++) {
        if (tph_fd_write_all(w->fd, (struct tph_str){.p = w->text, .len = w->len}) < 0) {
            break;
        }
    }
    (void)close(w->fd);
    return NULL;
}

static void a_line_that_is_too_long_is_split_and_its_pieces_are_marked(void **state)
{
    struct rig *r = *state;
    size_t len = TPH_LIMIT_LOG_LINE + 10;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\n';
    /* A character of two bytes stands across the ceiling: the piece ends before it. */
    memcpy(text + TPH_LIMIT_LOG_LINE - 1, "\xc3\xa9", 2);
    open_logs(r, r->path);
    struct writer w = {.fd = tph_fd_take(&r->out), .text = text, .len = len + 1, .times = 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_much, &w), 0);
    while (r->n_lines < 2) {
        turn(r);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    finish(r);
    assert_int_equal(r->n_lines, 2);
    TPH_CLEANUP(tph_buf_release) struct tph_buf file = TPH_BUF_INIT(TPH_MIB(1));
    file_text(r->path, &file);
    struct tph_str rest = tph_buf_str(&file), line;
    assert_true(tph_str_cut(&rest, '\n', &line));
    assert_int_equal(line.len, 24 + strlen(" stdout P ") + TPH_LIMIT_LOG_LINE - 1);
    assert_true(tph_str_find(line, TPH_STR(" stdout P xxx")) >= 0);
    assert_true(tph_str_cut(&rest, '\n', &line));
    assert_true(tph_str_find(line, TPH_STR(" stdout F \xc3\xa9xxx")) >= 0);
}

enum { FLOOD = 1000000 };

static void a_flood_of_a_million_lines_loses_nothing_and_never_holds_the_loop(void **state)
{
    struct rig *r = *state;
    struct tph_error error = TPH_ERROR_INIT;
    struct tph_logs_options options = {.path = r->path, .problem = on_problem, .owner = r};
    assert_int_equal(tph_logs_new(r->loop, &options, &r->logs, &error), 0);
    attach(r);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has the reading ends, too, and would wait without end */
        FILE *out = fdopen(r->out, "w");
        for (int i = 0; i < FLOOD; i++) {
            (void)fprintf(out, "line %d\n", i);
        }
        (void)fflush(out);
        _exit(0);
    }
    tph_fd_close(&r->out);
    tph_fd_close(&r->err);
    /* What is deferred runs before the loop looks at its descriptors, so each run is one turn, however fast the
     * machine is. (A timer that is due at once ends a run before that, from libuv 1.45 on.) */
    struct tph_buf tail = TPH_BUF_INIT(4096);
    int64_t from_ms = tph_clock_monotonic_ms();
    int64_t longest_ms = 0;
    int n_runs = 0;
    TPH_CLEANUP(tph_freep) char *last = tph_format("line %d\n", FLOOD - 1);
    do {
        int64_t before_ms = tph_clock_monotonic_ms();
        tph_defer(r->loop, turn_over, r->loop);
        tph_loop_run(r->loop);
        n_runs++;
        int64_t took_ms = tph_clock_monotonic_ms() - before_ms;
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
        tph_buf_clear(&tail);
        tph_logs_tail(r->logs, 1, &tail);
    } while (strcmp(tph_buf_cstr(&tail), last) != 0 && tph_clock_monotonic_ms() - from_ms < 60000);
    print_message("%d lines in %lld ms, the longest turn took %lld ms\n", FLOOD,
                  (long long)(tph_clock_monotonic_ms() - from_ms), (long long)longest_ms);
    assert_string_equal(tph_buf_cstr(&tail), last);
    assert_true(n_runs >= 45); /* 11.9 MB, of which a turn reads 256 KiB */
    tph_buf_release(&tail);
    assert_int_equal(waitpid(child, NULL, 0), child);
    finish(r);
    /* The two files hold an unbroken run of lines up to the last one, more than one file's size of it. */
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(32));
    file_text(r->older, &text);
    assert_true(text.len <= TPH_LIMIT_LOG_FILE);
    size_t older = text.len;
    TPH_CLEANUP(tph_buf_release) struct tph_buf newer = TPH_BUF_INIT(TPH_MIB(32));
    file_text(r->path, &newer);
    assert_true(newer.len <= TPH_LIMIT_LOG_FILE);
    (void)tph_buf_put(&text, tph_buf_str(&newer));
    assert_true(older > TPH_LIMIT_LOG_FILE - TPH_MIB(1));
    struct tph_str rest = tph_buf_str(&text), line;
    int64_t expected = -1;
    while (tph_str_cut(&rest, '\n', &line) && line.len > 0) {
        int64_t number;
        ptrdiff_t at = tph_str_find(line, TPH_STR(" F line "));
        assert_true(at > 0);
        assert_int_equal(tph_str_to_i64(tph_str_slice(line, (size_t)at + 8, line.len), &number), 0);
        assert_true(expected < 0 || number == expected);
        expected = number + 1;
    }
    assert_int_equal(expected, FLOOD);
}

static void a_full_disk_is_told_once_and_reading_goes_on(void **state)
{
    struct rig *r = *state;
    open_logs(r, "/dev/full");
    say(r->out, "one\n");
    turn(r);
    say(r->out, "two\n");
    turn(r);
    assert_int_equal(r->n_problems, 1);
    assert_string_equal(r->problem, "its log is not kept any more: cannot write /dev/full: No space left on device");
    assert_string_equal(tph_buf_cstr(&r->lines), "o:one\no:two\n");
}

static void a_directory_that_is_not_there_is_an_error_at_once(void **state)
{
    struct rig *r = *state;
    struct tph_error error = TPH_ERROR_INIT;
    struct tph_logs_options options = {.path = "/no/such/dir/x.log", .owner = r};
    assert_int_equal(tph_logs_new(r->loop, &options, &r->logs, &error), -1);
    assert_string_equal(error.text, "cannot write the log file /no/such/dir/x.log: No such file or directory");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(output_is_cut_into_lines_whatever_the_pieces),
        T(an_unfinished_line_waits_for_its_end_but_is_in_the_tail),
        T(the_file_has_time_stream_and_text_and_is_the_owners_alone),
        T(an_old_file_is_continued),
        T(a_line_that_is_too_long_is_split_and_its_pieces_are_marked),
        T(a_flood_of_a_million_lines_loses_nothing_and_never_holds_the_loop),
        T(a_full_disk_is_told_once_and_reading_goes_on),
        T(a_directory_that_is_not_there_is_an_error_at_once),
    };
    return cmocka_run_group_tests_name("podrt/logs", tests, NULL, NULL);
}
