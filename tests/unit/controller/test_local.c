/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "controller/local.h"

static void a_time_that_is_far_is_looked_for_now_and_then(void **state)
{
    (void)state;
    assert_int_equal(TPH_LIMIT_WALL_LOOK_MS, 60000);
    assert_int_equal(tph_local_look_ms(1000, 999), 1);
    assert_int_equal(tph_local_look_ms(61000, 1001), 59999);
    assert_int_equal(tph_local_look_ms(61000, 1000), TPH_LIMIT_WALL_LOOK_MS);
    assert_int_equal(tph_local_look_ms(INT64_MAX, 1000), TPH_LIMIT_WALL_LOOK_MS);
}

static void a_time_that_has_passed_is_now(void **state)
{
    (void)state;
    assert_int_equal(tph_local_look_ms(1000, 1000), 0);
    assert_int_equal(tph_local_look_ms(1000, 500000), 0);
    assert_int_equal(tph_local_look_ms(INT64_MIN, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_that_is_far_is_looked_for_now_and_then),
        cmocka_unit_test(a_time_that_has_passed_is_now),
    };
    return cmocka_run_group_tests_name("controller/local", tests, NULL, NULL);
}
