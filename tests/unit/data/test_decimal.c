/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals: exact where doubles are not, 16 places of a quotient, and how large they may become. */
#include "data/decimal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

/* a op b op b ..., with n times b. */
static double calculate(double a, char op, double b, int n)
{
    struct tph_decimal number = TPH_DECIMAL_INIT;
    assert_int_equal(tph_decimal_add(&number, a), 0);
    for (int i = 0; i < n; i++) {
        int result = op == '+'   ? tph_decimal_add(&number, b)
                     : op == '*' ? tph_decimal_multiply(&number, b)
                                 : tph_decimal_divide(&number, b);
        assert_int_equal(result, 0);
    }
    double value = tph_decimal_to_double(&number);
    tph_decimal_release(&number);
    return value;
}

static void sums_and_products_are_exact(void **state)
{
    (void)state;
    assert_true(calculate(0.1, '+', 0.2, 1) == 0.3);
    assert_true(calculate(0, '+', 0.1, 1000) == 100);
    assert_true(calculate(1.1, '*', 1.1, 1) == 1.21);
    assert_true(calculate(1e22, '+', -1, 1) == 9999999999999999999999.0);
    assert_true(calculate(1e308, '+', 1e-300, 1) == 1e308);
    assert_true(calculate(-0.3, '+', 0.1, 3) == 0);
    assert_true(calculate(5, '+', -7.5, 1) == -2.5);
    assert_true(calculate(1000, '+', -1, 1) == 999);
    assert_true(calculate(-2, '*', -0.5, 2) == -0.5);
    assert_true(calculate(123456789.125, '*', 1e-9, 1) == 0.123456789125);
    assert_true(calculate(1e-200, '*', 1e-200, 1) == 0);
    assert_true(calculate(5e-324, '+', 0, 1) == 5e-324);
}

static void there_is_no_negative_zero(void **state)
{
    (void)state;
    assert_false(signbit(calculate(-0.0, '+', 0, 1)));
    assert_false(signbit(calculate(-5, '*', 0, 1)));
    assert_false(signbit(calculate(-5, '+', 5, 1)));
    assert_false(signbit(calculate(0, '/', -5, 1)));
    assert_false(signbit(calculate(-1e-16, '/', 3, 1)));
}

static void quotients_have_sixteen_places(void **state)
{
    (void)state;
    assert_true(calculate(1, '/', 3, 1) == 0.3333333333333333);
    assert_true(calculate(2, '/', 3, 1) == 0.6666666666666667);
    assert_true(calculate(-2, '/', 3, 1) == -0.6666666666666667);
    assert_true(calculate(1e-16, '/', 2, 1) == 1e-16); /* the half goes away from zero */
    assert_true(calculate(-1e-16, '/', 2, 1) == -1e-16);
    assert_true(calculate(0.9e-16, '/', 2, 1) == 0);
    assert_true(calculate(5e-17, '/', 1, 1) == 1e-16);
    assert_true(calculate(4e-17, '/', 1, 1) == 0);
    assert_true(calculate(1e-40, '/', 1, 1) == 0);
    assert_true(calculate(9.9999999999999995, '/', 1, 1) == 10);
    assert_true(calculate(10, '/', 4, 2) == 0.625);
    assert_true(calculate(1e300, '/', 1e-5, 1) == 1e305);
    assert_true(calculate(7, '/', 1.7976931348623157e308, 1) == 0);
}

static void what_is_too_large_is_infinite(void **state)
{
    (void)state;
    assert_true(calculate(1e308, '*', 10, 1) == INFINITY);
    assert_true(calculate(-1e308, '*', 1e300, 3) == -INFINITY);
    assert_true(calculate(1e308, '/', 1e-308, 1) == INFINITY);
}

static void digits_have_a_ceiling(void **state)
{
    (void)state;
    for (int op = 0; op < 2; op++) {
        struct tph_decimal number = TPH_DECIMAL_INIT;
        assert_int_equal(tph_decimal_add(&number, 1.2345678901234567), 0);
        int result = 0;
        size_t last = 0;
        for (int i = 0; i < 2000 && result == 0; i++) {
            last = number.n;
            result = op == 0 ? tph_decimal_multiply(&number, 1.2345678901234567)
                             : tph_decimal_divide(&number, 1.2345678901234567e-300);
        }
        assert_int_equal(result, -1);
        assert_true(last == number.n); /* it stays what it was */
        assert_in_range(number.n, TPH_LIMIT_DECIMAL - 400, TPH_LIMIT_DECIMAL);
        if (op == 1) { /* so far apart that the sum would be too long */
            assert_int_equal(tph_decimal_multiply(&number, 1e308), 0);
            while (number.exponent + (int64_t)number.n < 2 * TPH_LIMIT_DECIMAL) {
                assert_int_equal(tph_decimal_multiply(&number, 1e308), 0);
            }
            assert_int_equal(tph_decimal_add(&number, 1), -1);
        }
        tph_decimal_release(&number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_products_are_exact),   cmocka_unit_test(there_is_no_negative_zero),
        cmocka_unit_test(quotients_have_sixteen_places), cmocka_unit_test(what_is_too_large_is_infinite),
        cmocka_unit_test(digits_have_a_ceiling),
    };
    return cmocka_run_group_tests_name("data/decimal", tests, NULL, NULL);
}
