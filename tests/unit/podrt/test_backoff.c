/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "podrt/backoff.h"

static void pauses_double_from_the_base_to_five_minutes(void **state)
{
    (void)state;
    static const int64_t expected[] = {10000, 20000, 40000, 80000, 160000, 300000, 300000};
    struct tph_backoff b = tph_backoff_init(0);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(tph_backoff_next(&b, 500), expected[i]);
    }
}

static void ten_healthy_minutes_and_not_a_moment_less_begin_anew(void **state)
{
    (void)state;
    struct tph_backoff b = tph_backoff_init(1000);
    assert_int_equal(tph_backoff_next(&b, 0), 1000);
    assert_int_equal(tph_backoff_next(&b, TPH_LIMIT_RESTART_HEALTHY_MS - 1), 2000);
    assert_int_equal(tph_backoff_next(&b, TPH_LIMIT_RESTART_HEALTHY_MS), 1000);
    assert_int_equal(tph_backoff_next(&b, 0), 2000);
}

static void reset_forgets(void **state)
{
    (void)state;
    struct tph_backoff b = tph_backoff_init(1000);
    (void)tph_backoff_next(&b, 0);
    tph_backoff_reset(&b);
    assert_int_equal(tph_backoff_next(&b, 0), 1000);
}

static void a_base_above_the_longest_pause_is_cut(void **state)
{
    (void)state;
    struct tph_backoff b = tph_backoff_init(INT64_MAX);
    assert_int_equal(tph_backoff_next(&b, 0), TPH_LIMIT_RESTART_PAUSE_MS);
    assert_int_equal(tph_backoff_next(&b, 0), TPH_LIMIT_RESTART_PAUSE_MS);
}

/* A server that takes long to start is asked more seldom, and found soon after it listens all the same. */
static void who_is_waited_for_is_asked_after_a_sixteenth_of_that_time(void **state)
{
    (void)state;
    assert_int_equal(tph_probe_pause_ms(-1), TPH_LIMIT_PROBE_FIRST_MS);
    assert_int_equal(tph_probe_pause_ms(0), TPH_LIMIT_PROBE_FIRST_MS);
    assert_int_equal(tph_probe_pause_ms(31), TPH_LIMIT_PROBE_FIRST_MS);
    assert_int_equal(tph_probe_pause_ms(32), 2);
    assert_int_equal(tph_probe_pause_ms(800), 50);
    assert_int_equal(tph_probe_pause_ms(1599), TPH_LIMIT_PROBE_LAST_MS - 1);
    assert_int_equal(tph_probe_pause_ms(1600), TPH_LIMIT_PROBE_LAST_MS);
    assert_int_equal(tph_probe_pause_ms(INT64_MAX), TPH_LIMIT_PROBE_LAST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_from_the_base_to_five_minutes),
        cmocka_unit_test(ten_healthy_minutes_and_not_a_moment_less_begin_anew),
        cmocka_unit_test(reset_forgets),
        cmocka_unit_test(a_base_above_the_longest_pause_is_cut),
        cmocka_unit_test(who_is_waited_for_is_asked_after_a_sixteenth_of_that_time),
    };
    return cmocka_run_group_tests_name("podrt/backoff", tests, NULL, NULL);
}
