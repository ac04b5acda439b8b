/* SPDX-License-Identifier: Apache-2.0 */
/* Files as podrt/logs.h writes them, read as PodLogOptions ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/log_reader.h"

static char dir[64], path[96], older[96], ended[96];
static struct tph_loop *loop;
static int woken;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/tiphys-log-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/a.log", dir);
    (void)snprintf(older, sizeof(older), "%s/a.log.1", dir);
    (void)snprintf(ended, sizeof(ended), "%s/a.json", dir);
    woken = 0;
    return tph_loop_new(&loop, NULL);
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(older);
    (void)unlink(ended);
    tph_loop_free(loop);
    return rmdir(dir);
}

static void put(const char *to, const char *text)
{
    FILE *f = fopen(to, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define T(second) "2026-11-24T08:41:" second ".123Z "

static void wake(void *owner)
{
    (void)owner;
    woken++;
    tph_loop_stop(loop);
}

static struct tph_log_reader_options all(void)
{
    return (struct tph_log_reader_options){.path = path, .tail_lines = -1, .limit_bytes = -1, .wake = wake};
}

static enum tph_log_read read_all(struct tph_log_reader *r, struct tph_buf *out)
{
    enum tph_log_read state;
    do {
        state = tph_log_reader_read(r, out);
    } while (state == TPH_LOG_READ_MORE);
    return state;
}

static void check(const struct tph_log_reader_options *options, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(32));
    struct tph_log_reader *r = NULL;
    assert_int_equal(tph_log_reader_open(loop, options, &r, NULL), 0);
    assert_int_equal(read_all(r, &out), TPH_LOG_READ_END);
    assert_string_equal(tph_buf_cstr(&out), expected);
    tph_log_reader_free(r);
}

static void put_two_lives(void)
{
    put(older, T("01") "tiphys S \n" T("02") "stdout F one\n" T("03") "stderr P tw\n" T("03") "stderr F o\n");
    put(path, T("04") "stdout F \n" T("05") "tiphys E \n" T("06") "tiphys S \n" T("07") "stdout F four\n");
}

static void lives_are_read_as_one_text(void **state)
{
    (void)state;
    struct tph_log_reader_options o = all();
    check(&o, "");
    put_two_lives();
    check(&o, "one\ntwo\n\nfour\n");
    o.timestamps = true;
    check(&o, T("02") "one\n" T("03") "two\n" T("04") "\n" T("07") "four\n");
}

static void the_last_lines_are_counted_without_marks_and_pieces(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "", "four\n", "\nfour\n", "two\n\nfour\n", "one\ntwo\n\nfour\n", "one\ntwo\n\nfour\n"};
    struct tph_log_reader_options o = all();
    put_two_lives();
    for (int i = 0; i < 6; i++) {
        o.tail_lines = i;
        check(&o, expected[i]);
    }
}

static void bytes_and_times_limit_it(void **state)
{
    (void)state;
    struct tph_log_reader_options o = all();
    put_two_lives();
    o.limit_bytes = 6;
    check(&o, "one\ntw");
    o.timestamps = true;
    o.limit_bytes = 10;
    check(&o, "2026-11-24");
    o = all();
    o.since_ms = 1795509704123; /* 08:41:44.123 */
    check(&o, "");
    o.since_ms -= 40000;
    check(&o, "\nfour\n");
    o.since_ms += 1;
    check(&o, "four\n");
}

static void the_previous_life_is_the_last_that_ended(void **state)
{
    (void)state;
    struct tph_log_reader *r = NULL;
    struct tph_log_reader_options o = all();
    o.previous = true;
    assert_int_equal(tph_log_reader_open(loop, &o, &r, NULL), 1);
    put_two_lives();
    check(&o, "one\ntwo\n\n");
    o.tail_lines = 2;
    check(&o, "two\n\n");
    put(path, T("08") "tiphys E \n");
    o.tail_lines = -1;
    check(&o, "four\n");
    o.tail_lines = 9;
    check(&o, "four\n");
}

/* Blocks and pieces end anywhere in it. */
static void long_logs_are_whole(void **state)
{
    (void)state;
    enum { LINES = 20000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(32));
    TPH_CLEANUP(tph_buf_release) struct tph_buf expected = TPH_BUF_INIT(TPH_MIB(32));
    size_t at[LINES + 1];
    for (int i = 0; i < LINES; i++) {
        at[i] = expected.len;
        (void)tph_buf_printf(&text, T("01") "stdout F %d%.*s\n", i, i % 97,
                             "------------------------------------------------------------------------------------"
                             "-------------");
        (void)tph_buf_printf(&expected, "%d%.*s\n", i, i % 97,
                             "------------------------------------------------------------------------------------"
                             "-------------");
        if (i == LINES / 3) {
            put(older, tph_buf_cstr(&text));
            tph_buf_clear(&text);
        }
    }
    put(path, tph_buf_cstr(&text));
    struct tph_log_reader_options o = all();
    check(&o, tph_buf_cstr(&expected));
    for (int tail = 1; tail < LINES; tail = tail * 3 + 1) {
        o.tail_lines = tail;
        check(&o, tph_buf_cstr(&expected) + at[LINES - tail]);
    }
}

static void what_is_no_line_of_ours_is_left_out(void **state)
{
    (void)state;
    struct tph_log_reader_options o = all();
    put(path, "\n \nx y z\n" T("01") "\n" T("01") "stdout\n" T("01") "stdout Q x\n");
    put(path, T("01") "stdout F good\n" T("02") "stdout F cut off in the mid");
    check(&o, "good\n");
    o.tail_lines = 1;
    check(&o, "good\n");
}

static void who_follows_is_woken_and_goes_on_in_the_next_file(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_log_reader *r = NULL;
    struct tph_log_reader_options o = all();
    o.follow = true;
    o.ended = ended;
    put(path, T("01") "stdout F one\n");
    assert_int_equal(tph_log_reader_open(loop, &o, &r, NULL), 0);
    assert_int_equal(read_all(r, &out), TPH_LOG_READ_WAIT);
    assert_string_equal(tph_buf_cstr(&out), "one\n");
    put(path, T("02") "stdout F two\n");
    tph_loop_run(loop);
    assert_int_equal(woken, 1);
    put(path, T("03") "stdout F three\n");
    assert_int_equal(rename(path, older), 0);
    put(path, T("04") "stdout F four\n");
    assert_int_equal(read_all(r, &out), TPH_LOG_READ_WAIT);
    assert_string_equal(tph_buf_cstr(&out), "one\ntwo\nthree\nfour\n");
    put(path, T("05") "stdout F five\n");
    put(ended, "{}");
    assert_int_equal(read_all(r, &out), TPH_LOG_READ_END);
    assert_string_equal(tph_buf_cstr(&out), "one\ntwo\nthree\nfour\nfive\n");
    tph_log_reader_free(r);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(lives_are_read_as_one_text),
        TEST(the_last_lines_are_counted_without_marks_and_pieces),
        TEST(bytes_and_times_limit_it),
        TEST(the_previous_life_is_the_last_that_ended),
        TEST(long_logs_are_whole),
        TEST(what_is_no_line_of_ours_is_left_out),
        TEST(who_follows_is_woken_and_goes_on_in_the_next_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
