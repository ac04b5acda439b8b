/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations in words. What Argo says of fifty of them is in the recorded answers; here are zones, and the
 * ends of the range. */
#include "print/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "data/time.h"

#define NOON INT64_C(1705320000000) /* 2024-01-15T12:00:00Z, a Monday */

static void says(const char *expected, int64_t time_ms, const struct tph_print_clock *clock)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(200);
    tph_print_timestamp(time_ms, clock, &out);
    assert_string_equal(tph_buf_cstr(&out), expected);
}

static void times_are_shown_in_the_zone_that_is_given(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf west = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_zone zone;
    struct tph_print_clock clock = {.now_ms = NOON, .zone = &zone};
    if (tph_zone_read_file(TPH_STR("Europe/Zurich"), &bytes) < 0 ||
        tph_zone_read_file(TPH_STR("America/St_Johns"), &west) < 0) {
        skip(); /* a machine without time zones */
    }
    assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), 0);
    says("Mon Jan 15 12:30:00 +0100 (30 minutes ago)", NOON - 30 * 60000, &clock);
    says("Tue Jan 16 00:30:00 +0100 (11 hours from now)", NOON + 41400000, &clock);
    says("Tue Aug 15 12:30:00 +0200 (5 months ago)", NOON - INT64_C(13224600000), &clock);
    assert_int_equal(tph_zone_open(tph_buf_str(&west), &zone), 0);
    says("Mon Jan 15 08:30:00 -0330 (now)", NOON, &clock);
    says("Sun Jan 14 23:30:00 -0330 (9 hours ago)", NOON - INT64_C(32400000), &clock);
}

static void no_time_is_the_year_one(void **state)
{
    (void)state;
    struct tph_print_clock clock = {.now_ms = NOON};
    says("Mon Jan 01 00:00:00 +0000 (a long while ago)", TPH_PRINT_NO_TIME, &clock);
}

static void the_whole_range_of_times_can_be_said(void **state)
{
    (void)state;
    struct tph_print_clock clock = {.now_ms = NOON};
    int64_t first = 0;
    int64_t last = 0;
    assert_int_equal(tph_time_parse(TPH_STR("0000-01-01T00:00:00Z"), &first, NULL), 0);
    assert_int_equal(tph_time_parse(TPH_STR("9999-12-31T23:59:59.999Z"), &last, NULL), 0);
    says("Sat Jan 01 00:00:00 +0000 (a long while ago)", first, &clock);
    says("Fri Dec 31 23:59:59 +0000 (a long while from now)", last, &clock);
    says("Fri Dec 31 23:59:59 +0000 (a long while ago)", first - 1, &clock);
}

static void what_is_no_time_is_none(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(TPH_STR("[\"2024-01-15T12:00:00Z\",null,1,\"soon\",{}]"), &doc, NULL), 0);
    struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
    assert_true(tph_json_next(&it));
    assert_true(tph_print_time(it.value) == NOON);
    while (tph_json_next(&it)) {
        assert_true(tph_print_time(it.value) == TPH_PRINT_NO_TIME);
    }
    assert_true(tph_print_time(NULL) == TPH_PRINT_NO_TIME);
}

static void a_span_without_end_ends_now(void **state)
{
    (void)state;
    struct tph_print_clock clock = {.now_ms = NOON};
    assert_true(tph_print_span(NOON - 5, TPH_PRINT_NO_TIME, &clock) == 5);
    assert_true(tph_print_span(NOON - 5, NOON - 3, &clock) == 2);
    assert_true(tph_print_span(TPH_PRINT_NO_TIME, NOON, &clock) == 0);
}

static void durations_of_any_size_have_words(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, -1, -999, INT64_MAX, INT64_MIN + 1};
    static const char *const words[][2] = {
        {"0 seconds", "0s"},
        {"0 seconds", "0s"},
        {"0 seconds", "0s"},
        {"a long while 7 hours", "106751991167d"},
        {"a long while", "106751991167d"},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(200);
        tph_print_duration(sizes[i], &out);
        assert_string_equal(tph_buf_cstr(&out), words[i][0]);
        tph_buf_clear(&out);
        tph_print_duration_short(sizes[i], &out);
        assert_string_equal(tph_buf_cstr(&out), words[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_shown_in_the_zone_that_is_given),
        cmocka_unit_test(no_time_is_the_year_one),
        cmocka_unit_test(the_whole_range_of_times_can_be_said),
        cmocka_unit_test(what_is_no_time_is_none),
        cmocka_unit_test(a_span_without_end_ends_now),
        cmocka_unit_test(durations_of_any_size_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
