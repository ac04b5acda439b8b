/* SPDX-License-Identifier: Apache-2.0 */
/* x to the power of y with the roundings of Go's math.Pow, which multiplies where C's takes logarithms: the whole part
 * of y by squaring the mantissa, its fraction by exp and log. */
#include <math.h>

#include "expr/eval.h"

static const double TOO_LARGE = 9223372036854775808.0; /* 2^63: whole, even, and beyond any use */

static bool is_odd(double y)
{
    return fabs(y) < 9007199254740992.0 && fmod(y, 2) != 0 && trunc(y) == y;
}

static double power_of_zero(double x, double y)
{
    if (y < 0) {
        return is_odd(y) ? copysign(INFINITY, x) : INFINITY;
    }
    return is_odd(y) ? x : 0;
}

static double power_to_infinity(double x, double y)
{
    if (x == -1) {
        return 1;
    }
    return (fabs(x) < 1) == (y > 0) ? 0 : INFINITY;
}

static double power_of_infinity(double x, double y)
{
    if (x < 0) {
        return y < 0 ? copysign(0, is_odd(y) ? -1 : 1) : is_odd(y) ? -INFINITY : INFINITY;
    }
    return y < 0 ? 0 : INFINITY;
}

/* mantissa * 2^exponent. */
struct scaled {
    double mantissa;
    int64_t exponent;
};

static void multiply_by_power(struct scaled *product, double x, int64_t times)
{
    int first = 0;
    struct scaled base = {.mantissa = frexp(x, &first)};
    base.exponent = first;
    while (times != 0) {
        if (base.exponent < -4096 || base.exponent > 4096) { /* over or under whatever follows */
            product->exponent += base.exponent;
            return;
        }
        if (times & 1) {
            product->mantissa *= base.mantissa;
            product->exponent += base.exponent;
        }
        base.mantissa *= base.mantissa;
        base.exponent *= 2;
        if (base.mantissa < 0.5) {
            base.mantissa += base.mantissa;
            base.exponent--;
        }
        times >>= 1;
    }
}

double expr_power(double x, double y)
{
    if (y == 0 || x == 1) {
        return 1;
    }
    if (y == 1 || isnan(x) || isnan(y)) {
        return y == 1 ? x : NAN;
    }
    if (x == 0) {
        return power_of_zero(x, y);
    }
    if (isinf(y)) {
        return power_to_infinity(x, y);
    }
    if (isinf(x)) {
        return power_of_infinity(x, y);
    }
    if (fabs(y) == 0.5) {
        return y > 0 ? sqrt(x) : 1 / sqrt(x);
    }
    double whole = 0;
    double part = modf(fabs(y), &whole);
    if (part != 0 && x < 0) {
        return NAN;
    }
    if (whole >= TOO_LARGE) {
        return power_to_infinity(x, y);
    }
    struct scaled product = {.mantissa = 1};
    if (part != 0) {
        if (part > 0.5) {
            part -= 1;
            whole += 1;
        }
        product.mantissa = exp(part * log(x));
    }
    multiply_by_power(&product, x, (int64_t)whole);
    if (y < 0) {
        product.mantissa = 1 / product.mantissa;
        product.exponent = -product.exponent;
    }
    int64_t exponent = product.exponent > 100000 ? 100000 : product.exponent < -100000 ? -100000 : product.exponent;
    return ldexp(product.mantissa, (int)exponent);
}
