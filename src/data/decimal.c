/* SPDX-License-Identifier: Apache-2.0 */
#include "data/decimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/number.h"

enum { PLACES = 16 }; /* of a quotient */

/* A double: at most 17 digits. */
struct operand {
    bool negative;
    uint64_t value;
    int64_t exponent;
};

void tph_decimal_release(struct tph_decimal *number)
{
    free(number->digits);
    *number = TPH_DECIMAL_INIT;
}

/* Its shortest text is taken apart: digits, a point perhaps, an exponent perhaps. */
static struct operand read_double(double value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    tph_number_write_g(value < 0 ? -value : value, &text);
    struct operand read = {.negative = value < 0};
    int64_t places = 0;
    int64_t zeros = 0; /* those at the end are not multiplied in */
    bool behind_point = false;
    const char *p = tph_buf_cstr(&text);
    for (; (*p >= '0' && *p <= '9') || *p == '.'; p++) {
        if (*p == '.') {
            behind_point = true;
            continue;
        }
        places += behind_point;
        zeros++;
        if (*p == '0') {
            continue;
        }
        for (; zeros > 0; zeros--) {
            read.value *= 10;
        }
        read.value += (uint64_t)(*p - '0');
    }
    if (read.value == 0) {
        return (struct operand){.value = 0};
    }
    read.exponent = (*p == 'e' ? strtol(p + 1, NULL, 10) : 0) - places + zeros;
    return read;
}

/* Gives number these digits, n of them, of which it takes the memory, without zeros at both ends. */
static void settle(struct tph_decimal *number, unsigned char *digits, size_t n, int64_t exponent, bool negative)
{
    size_t low = 0;
    while (n > 0 && digits[n - 1] == 0) {
        n--;
    }
    while (low < n && digits[low] == 0) {
        low++;
    }
    free(number->digits);
    if (low > 0) {
        memmove(digits, digits + low, n - low);
    }
    *number = (struct tph_decimal){.digits = digits, .n = n - low};
    if (number->n > 0) {
        number->negative = negative;
        number->exponent = exponent + (int64_t)low;
    }
}

static bool fits(int64_t n)
{
    return n <= TPH_LIMIT_DECIMAL;
}

/* Zeros in front of and behind `digits` make it begin at 10^exponent and be n long. */
static unsigned char *spread(const struct tph_decimal *number, int64_t exponent, size_t n)
{
    unsigned char *digits = tph_calloc(n, 1);
    if (number->n > 0) {
        memcpy(digits + (number->exponent - exponent), number->digits, number->n);
    }
    return digits;
}

/* a -= b, or where b is larger a = b - a: then true. */
static bool subtract_digits(unsigned char *a, const unsigned char *b, size_t n)
{
    size_t top = n;
    while (top > 0 && a[top - 1] == b[top - 1]) {
        top--;
    }
    bool swapped = top > 0 && b[top - 1] > a[top - 1];
    int borrow = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = (swapped ? b[i] - a[i] : a[i] - b[i]) - borrow;
        borrow = digit < 0;
        a[i] = (unsigned char)(digit + (borrow ? 10 : 0));
    }
    return swapped;
}

static void add_digits(unsigned char *a, const unsigned char *b, size_t n)
{
    int carry = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = a[i] + b[i] + carry;
        carry = digit > 9;
        a[i] = (unsigned char)(digit - (carry ? 10 : 0));
    }
}

int tph_decimal_add(struct tph_decimal *number, double value)
{
    struct operand other = read_double(value);
    if (other.value == 0) {
        return 0;
    }
    int64_t low = number->n == 0 || other.exponent < number->exponent ? other.exponent : number->exponent;
    int64_t high = other.exponent + 20; /* more than its digits are, and one to carry into */
    if (number->n > 0 && number->exponent + (int64_t)number->n + 1 > high) {
        high = number->exponent + (int64_t)number->n + 1;
    }
    if (!fits(high - low)) {
        return -1;
    }
    size_t n = (size_t)(high - low);
    unsigned char *sum = spread(number, low, n);
    TPH_CLEANUP(tph_freep) unsigned char *addend = tph_calloc(n, 1);
    for (size_t i = (size_t)(other.exponent - low); other.value > 0; i++, other.value /= 10) {
        addend[i] = (unsigned char)(other.value % 10);
    }
    bool negative = number->negative;
    if (number->n == 0 || negative == other.negative) {
        add_digits(sum, addend, n);
        negative = other.negative;
    } else if (subtract_digits(sum, addend, n)) {
        negative = other.negative;
    }
    settle(number, sum, n, low, negative);
    return 0;
}

int tph_decimal_multiply(struct tph_decimal *number, double value)
{
    struct operand other = read_double(value);
    size_t n = number->n + 20;
    if (!fits((int64_t)n)) {
        return -1;
    }
    unsigned char *product = tph_calloc(n, 1);
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        carry += i < number->n ? number->digits[i] * other.value : 0;
        product[i] = (unsigned char)(carry % 10);
        carry /= 10;
    }
    settle(number, product, n, number->exponent + other.exponent, number->negative != other.negative);
    return 0;
}

/* digits /= divisor; returns the remainder. */
static uint64_t divide_digits(unsigned char *digits, size_t n, uint64_t divisor)
{
    uint64_t remainder = 0;
    for (size_t i = n; i > 0; i--) {
        remainder = remainder * 10 + digits[i - 1];
        digits[i - 1] = (unsigned char)(remainder / divisor);
        remainder %= divisor;
    }
    return remainder;
}

static void add_one(unsigned char *digits)
{
    while (*digits == 9) { /* there is a zero at the top */
        *digits++ = 0;
    }
    ++*digits;
}

int tph_decimal_divide(struct tph_decimal *number, double value)
{
    struct operand other = read_double(value);
    int64_t shift = number->exponent - other.exponent + PLACES; /* zeros that give the quotient its places */
    if (number->n == 0) {
        return 0;
    }
    if (shift > 0 && !fits((int64_t)number->n + shift)) {
        return -1;
    }
    size_t n = number->n + (shift > 0 ? (size_t)shift : 0) + 1;
    unsigned char *digits = spread(number, number->exponent - (shift > 0 ? shift : 0), n);
    uint64_t remainder = divide_digits(digits, n, other.value);
    bool up = remainder >= other.value - remainder;
    if (shift < 0) { /* too many places: cut, by the first digit that goes */
        size_t cut = (uint64_t)-shift < n ? (size_t)-shift : n;
        up = (uint64_t)-shift <= n && digits[cut - 1] >= 5;
        memmove(digits, digits + cut, n - cut);
        memset(digits + n - cut, 0, cut);
    }
    if (up) {
        add_one(digits);
    }
    settle(number, digits, n, -PLACES, number->negative != other.negative);
    return 0;
}

double tph_decimal_to_double(const struct tph_decimal *number)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DECIMAL + 64);
    if (number->n == 0) {
        return 0;
    }
    (void)tph_buf_puts(&text, number->negative ? "-" : "");
    for (size_t i = number->n; i > 0; i--) {
        (void)tph_buf_putc(&text, (char)('0' + number->digits[i - 1]));
    }
    (void)tph_buf_printf(&text, "e%lld", (long long)number->exponent);
    double value = 0;
    if (tph_number_to_double(tph_buf_str(&text), &value) < 0) {
        return number->negative ? -INFINITY : INFINITY;
    }
    return value;
}
