/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers of any size that are calculated with doubles, as Go's shopspring/decimal does it for sprig's addf,
 * subf, mulf and divf: a double counts as the shortest decimal that reads back as it (0.1 is a tenth), sums and
 * products are exact, a quotient has 16 places, rounded half away from zero. There is no negative zero.
 *
 * At most TPH_LIMIT_DECIMAL digits: beyond that a calculation returns -1 and leaves the number as it was.
 * Memory is owned: tph_decimal_release. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tph_decimal { /* digits x 10^exponent */
    bool negative;
    unsigned char *digits; /* owned; 0 to 9, the least first, neither the first nor the last is 0; none: zero */
    size_t n;
    int64_t exponent;
};
#define TPH_DECIMAL_INIT ((struct tph_decimal){.n = 0})
void tph_decimal_release(struct tph_decimal *number);

/* value is finite. */
int tph_decimal_add(struct tph_decimal *number, double value) TPH_MUST_CHECK;
int tph_decimal_multiply(struct tph_decimal *number, double value) TPH_MUST_CHECK;
int tph_decimal_divide(struct tph_decimal *number, double value) TPH_MUST_CHECK; /* value is not 0 */

/* The nearest double; infinite when it is too large. */
double tph_decimal_to_double(const struct tph_decimal *number);
