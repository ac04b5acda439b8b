/* SPDX-License-Identifier: Apache-2.0 */
/* A log whose reader is slow, or hangs: nobody who logs waits for him, and what he missed is told. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"

enum { LINES = 20000, FLUSH_MS = 60000 };

static int ends[2];

static void begin(void)
{
    assert_int_equal(pipe(ends), 0);
    tph_log_init(&(struct tph_log_config){.level = TPH_LOG_INFO, .fd = ends[1], .hasty = true});
}

static void log_number(int i)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", i);
    tph_log(TPH_LOG_INFO, "a line that somebody should read", "number", number, NULL);
}

/* Reads until a line with `last` in it has come whole. */
static void read_until(struct tph_buf *text, const char *last)
{
    char piece[4096];
    for (;;) {
        ptrdiff_t at = tph_str_find(tph_buf_str(text), tph_str(last));
        if (at >= 0 && tph_str_find_byte(tph_str_slice(tph_buf_str(text), (size_t)at, text->len), '\n') >= 0) {
            return;
        }
        ssize_t n = read(ends[0], piece, sizeof(piece));
        assert_true(n > 0);
        (void)tph_buf_append(text, piece, (size_t)n);
        assert_false(tph_buf_failed(text));
    }
}

/* The control is the pipe: it holds 64 KiB, a blocking write of the 20,000 lines would never return. */
static void who_logs_does_not_wait_for_the_reader(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(4));
    int kept = 0, lost = 0;
    begin();
    for (int i = 0; i < LINES; i++) {
        log_number(i);
    }
    assert_false(tph_log_flush(0));
    /* All that was kept comes, in order, no line is cut, and each gap is told where it is. */
    char piece[4096];
    struct pollfd readable = {.fd = ends[0], .events = POLLIN};
    while (!tph_log_flush(1)) {
        ssize_t n = poll(&readable, 1, 0) == 1 ? read(ends[0], piece, sizeof(piece)) : 0;
        (void)tph_buf_append(&text, piece, n > 0 ? (size_t)n : 0);
    }
    tph_log(TPH_LOG_INFO, "the end", NULL);
    read_until(&text, "the end");
    (void)tph_buf_append(&text, "", 1);
    for (char *line = strtok(text.bytes, "\n"); line; line = strtok(NULL, "\n")) {
        const char *number = strstr(line, "number=");
        const char *count = strstr(line, "lines=");
        if (number) {
            assert_int_equal(atoi(number + strlen("number=")), kept + lost);
            kept++;
        } else if (count) {
            assert_non_null(strstr(line, "level=warning"));
            lost += atoi(count + strlen("lines="));
        } else {
            assert_non_null(strstr(line, "the end"));
        }
    }
    assert_int_equal(kept + lost, LINES);
    assert_true(kept > 1000); /* the pipe and what waits beside it */
    assert_true(lost > 1000);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void with_a_reader_nothing_is_lost(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(4));
    begin();
    for (int i = 0; i < LINES; i++) {
        char last[32];
        log_number(i);
        if (i % 500 == 499) {
            (void)snprintf(last, sizeof(last), "number=%d\n", i);
            read_until(&text, last);
        }
    }
    assert_true(tph_log_flush(FLUSH_MS));
    assert_true(tph_str_find(tph_buf_str(&text), TPH_STR("lost")) < 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* What is longer than a pipe takes at once goes on behind what it took. */
static void a_long_line_is_whole(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_KIB(64));
    begin();
    for (int i = 0; i < 50000; i++) {
        (void)tph_buf_putc(&value, (char)('a' + i % 26));
    }
    for (int i = 0; i < 3; i++) {
        tph_log(TPH_LOG_INFO, "long", "v", tph_buf_cstr(&value), NULL);
    }
    tph_log(TPH_LOG_INFO, "the end", NULL);
    read_until(&text, "the end");
    struct tph_str rest = tph_buf_str(&text);
    for (int i = 0; i < 3; i++) {
        ptrdiff_t at = tph_str_find(rest, tph_buf_str(&value));
        assert_true(at >= 0);
        rest = tph_str_slice(rest, (size_t)at + value.len, rest.len);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_logs_does_not_wait_for_the_reader),
        cmocka_unit_test(with_a_reader_nothing_is_lost),
        cmocka_unit_test(a_long_line_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
