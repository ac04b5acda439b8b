/* SPDX-License-Identifier: Apache-2.0 */
#include "data/quantity.h"

#include <stdio.h>
#include <string.h>

enum {
    NANO = -9,        /* nothing smaller is kept: it is rounded up */
    FAST_DIGITS = 18, /* Go keeps numbers of so many digits in an int64 */
    MOST_EXPONENT = 1000,
};

static const struct {
    const char *suffix;
    int binary;  /* power of two */
    int decimal; /* power of ten */
} suffixes[] = {
    {"", 0, 0},    {"n", 0, -9},  {"u", 0, -6},  {"m", 0, -3},  {"k", 0, 3},   {"M", 0, 6},
    {"G", 0, 9},   {"T", 0, 12},  {"P", 0, 15},  {"E", 0, 18},  {"Ki", 10, 0}, {"Mi", 20, 0},
    {"Gi", 30, 0}, {"Ti", 40, 0}, {"Pi", 50, 0}, {"Ei", 60, 0},
};

/* A text cut into its parts. */
struct parts {
    bool negative;
    bool has_digits;      /* a digit stands there at all */
    struct tph_str whole; /* without leading zeros, "0" when there is nothing else */
    struct tph_str fraction;
    struct tph_str suffix;
};

static int bad_format(struct tph_error *err)
{
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "quantities must match the regular expression "
                         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

/* Takes the bytes at the front that are in `set`. */
static struct tph_str take(struct tph_str *rest, const char *set)
{
    size_t n = 0;
    while (n < rest->len && rest->p[n] != '\0' && strchr(set, rest->p[n])) {
        n++;
    }
    struct tph_str taken = tph_str_slice(*rest, 0, n);
    *rest = tph_str_slice(*rest, n, rest->len);
    return taken;
}

static bool starts_with_sign(struct tph_str text)
{
    return text.len > 0 && (text.p[0] == '-' || text.p[0] == '+');
}

static int cut(struct tph_str text, struct parts *ret_parts, struct tph_error *err)
{
    static const char digits[] = "0123456789";
    struct parts parts = {.negative = text.len > 0 && text.p[0] == '-'};
    struct tph_str rest = tph_str_slice(text, starts_with_sign(text) ? 1 : 0, text.len);
    if (text.len == 0) {
        return bad_format(err);
    }
    parts.has_digits = take(&rest, "0").len > 0;
    parts.whole = take(&rest, digits);
    parts.has_digits = parts.has_digits || parts.whole.len > 0;
    if (parts.whole.len == 0) {
        parts.whole = TPH_STR("0");
    }
    if (rest.len > 0 && rest.p[0] == '.') {
        rest = tph_str_slice(rest, 1, rest.len);
        parts.fraction = take(&rest, digits);
        parts.has_digits = parts.has_digits || parts.fraction.len > 0;
    }
    struct tph_str suffix = rest;
    (void)take(&rest, "eEinumkKMGTP");
    rest = tph_str_slice(rest, starts_with_sign(rest) ? 1 : 0, rest.len);
    (void)take(&rest, digits);
    if (rest.len > 0) {
        return bad_format(err);
    }
    parts.suffix = suffix;
    *ret_parts = parts;
    return 0;
}

static int find_suffix(struct tph_str text, int *ret_binary, int *ret_decimal, enum tph_quantity_format *ret_format,
                       struct tph_error *err)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (tph_str_eqz(text, suffixes[i].suffix)) {
            *ret_binary = suffixes[i].binary;
            *ret_decimal = suffixes[i].decimal;
            *ret_format = suffixes[i].binary > 0 ? TPH_QUANTITY_BINARY_SI : TPH_QUANTITY_DECIMAL_SI;
            return 0;
        }
    }
    int64_t exponent = 0;
    bool exponential = text.len > 1 && (text.p[0] == 'e' || text.p[0] == 'E');
    struct tph_str number = tph_str_slice(text, text.len > 1 && text.p[1] == '+' ? 2 : 1, text.len);
    if (!exponential || tph_str_to_i64(number, &exponent) < 0 || (number.p != text.p + 1 && number.p[0] == '-')) {
        return tph_error_set(err, TPH_ERROR_INVALID, "unable to parse quantity's suffix");
    }
    if (exponent > MOST_EXPONENT || exponent < -MOST_EXPONENT) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a quantity's exponent must be between -%d and %d", MOST_EXPONENT,
                             MOST_EXPONENT);
    }
    *ret_binary = 0;
    *ret_decimal = (int)exponent;
    *ret_format = TPH_QUANTITY_DECIMAL_EXPONENT;
    return 0;
}

static int compare(const char *a, int n, const char *b, int m)
{
    return n != m ? (n < m ? -1 : 1) : memcmp(a, b, (size_t)n);
}

/* Doubles the digits `times` times. */
static void multiply_binary(struct tph_quantity *q, int times)
{
    for (; times > 0; times--) {
        int carry = 0;
        for (int i = q->n_digits - 1; i >= 0; i--) {
            int value = (q->digits[i] - '0') * 2 + carry;
            q->digits[i] = (char)('0' + value % 10);
            carry = value / 10;
        }
        if (carry > 0) {
            memmove(q->digits + 1, q->digits, (size_t)q->n_digits++);
            q->digits[0] = '1';
        }
    }
}

/* Adds one to the last digit. */
static void increment(struct tph_quantity *q)
{
    int i = q->n_digits - 1;
    while (i >= 0 && q->digits[i] == '9') {
        q->digits[i--] = '0';
    }
    if (i >= 0) {
        q->digits[i]++;
        return;
    }
    memmove(q->digits + 1, q->digits, (size_t)q->n_digits++);
    q->digits[0] = '1';
}

/* Drops what is smaller than 10^exponent, away from zero. */
static void round_up(struct tph_quantity *q, int exponent)
{
    int drop = exponent - q->exponent;
    if (drop <= 0 || q->n_digits == 0) {
        return;
    }
    bool rest = false;
    int keep = drop < q->n_digits ? q->n_digits - drop : 0;
    for (int i = keep; i < q->n_digits; i++) {
        rest = rest || q->digits[i] != '0';
    }
    q->n_digits = keep;
    q->exponent = exponent;
    if (rest) {
        increment(q);
    }
}

/* Digits in front of the point; 0 or less when the value is below one. */
static int whole_digits(const struct tph_quantity *q)
{
    return q->n_digits + q->exponent;
}

/* Whether |value| is larger than most, which has n digits. */
static bool exceeds(const struct tph_quantity *q, const char *most, int n)
{
    if (whole_digits(q) != n) {
        return q->n_digits > 0 && whole_digits(q) > n;
    }
    int common = q->n_digits < n ? q->n_digits : n;
    int order = memcmp(q->digits, most, (size_t)common);
    if (order != 0 || q->n_digits <= n) {
        return order > 0;
    }
    for (int i = n; i < q->n_digits; i++) {
        if (q->digits[i] != '0') {
            return true;
        }
    }
    return false;
}

/* Go caps binary quantities, and rounds what it cannot keep in an int64 with a power of ten. */
static void make_large(struct tph_quantity *q)
{
    static const char most[] = "9223372036854775807";
    q->large = true;
    round_up(q, NANO);
    if (q->format != TPH_QUANTITY_BINARY_SI) {
        return;
    }
    if (exceeds(q, most, 19)) {
        memcpy(q->digits, most, 19);
        q->n_digits = 19;
        q->exponent = 0;
    } else if (q->n_digits > 0 && whole_digits(q) <= 0) {
        q->format = TPH_QUANTITY_DECIMAL_SI;
    }
}

/* Whether Go takes its fast path: few digits, nothing below nano, and no overflow. */
static bool is_fast(const struct parts *parts, int binary, int scale, const struct tph_quantity *scaled)
{
    int precision = FAST_DIGITS - (int)(parts->whole.len + parts->fraction.len);
    if (binary > 0) {
        precision = parts->fraction.len > 0 ? -1 : 15 - (int)parts->whole.len - binary * 3 / 10 - 1;
    }
    return precision >= 0 && scale >= NANO && compare(scaled->digits, scaled->n_digits, "9223372036854775807", 19) <= 0;
}

/* Whether the text is near enough to canonical that Go prints it again. */
static bool is_verbatim(const struct parts *parts, int binary, int scale)
{
    if (binary > 0) {
        /* Not a multiple of eight: no larger suffix would do. */
        struct tph_str w = parts->whole;
        int tail = 0;
        for (size_t i = w.len > 3 ? w.len - 3 : 0; i < w.len; i++) {
            tail = tail * 10 + (w.p[i] - '0');
        }
        return tail % 8 != 0;
    }
    struct tph_str last = parts->fraction.len >= 3 ? parts->fraction : TPH_STR_NONE;
    char joined[8] = "";
    if (last.len == 0) {
        int n = snprintf(
            joined, sizeof(joined), "%.*s%.*s",
            TPH_FMT(tph_str_slice(parts->whole, parts->whole.len > 3 ? parts->whole.len - 3 : 0, parts->whole.len)),
            TPH_FMT(parts->fraction));
        last = (struct tph_str){.p = joined, .len = (size_t)n};
    }
    return scale % 3 == 0 && !tph_str_has_suffix(last, TPH_STR("000")) && parts->whole.p[0] != '0';
}

static void take_digits(struct tph_quantity *q, const struct parts *parts)
{
    struct tph_str fraction = parts->fraction;
    if (parts->whole.len > 0 && !tph_str_has_prefix(parts->whole, TPH_STR("0"))) {
        memcpy(q->digits, parts->whole.p, parts->whole.len);
        q->n_digits = (int)parts->whole.len;
    }
    q->exponent = -(int)fraction.len;
    while (q->n_digits == 0 && tph_str_has_prefix(fraction, TPH_STR("0"))) {
        fraction = tph_str_slice(fraction, 1, fraction.len);
    }
    if (fraction.len > 0) {
        memcpy(q->digits + q->n_digits, fraction.p, fraction.len);
        q->n_digits += (int)fraction.len;
    }
}

int tph_quantity_read(struct tph_str text, struct tph_quantity *ret_quantity, struct tph_error *err)
{
    struct parts parts = {.negative = false};
    int binary = 0;
    int decimal = 0;
    if (text.len > TPH_LIMIT_QUANTITY) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a quantity is longer than %d bytes", TPH_LIMIT_QUANTITY);
    }
    struct tph_quantity q = {.format = TPH_QUANTITY_DECIMAL_SI};
    if (cut(text, &parts, err) < 0 || find_suffix(parts.suffix, &binary, &decimal, &q.format, err) < 0) {
        return -1;
    }
    int scale = decimal - (int)parts.fraction.len;
    q.negative = parts.negative;
    take_digits(&q, &parts);
    q.exponent += decimal;
    multiply_binary(&q, binary);
    if (is_fast(&parts, binary, scale, &q)) {
        q.verbatim = is_verbatim(&parts, binary, scale);
        memcpy(q.text, text.p, text.len);
    } else if (!parts.has_digits) {
        return tph_error_set(err, TPH_ERROR_INVALID, "unable to parse numeric part of quantity");
    } else {
        make_large(&q);
    }
    q.negative = q.negative && q.n_digits > 0;
    *ret_quantity = q;
    return 0;
}

int tph_quantity_sign(const struct tph_quantity *quantity)
{
    return quantity->n_digits == 0 ? 0 : quantity->negative ? -1 : 1;
}

/* |value| in units of 10^scale, rounded up, modulo 2^64. Sets *overflow when it is more than an int64 holds. */
static uint64_t magnitude(const struct tph_quantity *quantity, int scale, bool *overflow)
{
    struct tph_quantity q = *quantity;
    round_up(&q, scale);
    uint64_t value = 0;
    bool over = false;
    int zeros = q.n_digits > 0 ? q.exponent - scale : 0;
    for (int i = 0; i < q.n_digits + zeros; i++) {
        uint64_t digit = i < q.n_digits ? (uint64_t)(q.digits[i] - '0') : 0;
        over = over || value > ((uint64_t)INT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    *overflow = over;
    return value;
}

int64_t tph_quantity_scaled(const struct tph_quantity *quantity, int scale)
{
    bool overflow = false;
    uint64_t value = magnitude(quantity, scale, &overflow);
    value = overflow ? (uint64_t)INT64_MAX : value;
    return quantity->negative ? -(int64_t)value : (int64_t)value;
}

int64_t tph_quantity_scaled_compat(const struct tph_quantity *quantity, int scale)
{
    bool overflow = false;
    uint64_t value = magnitude(quantity, scale, &overflow);
    int up = quantity->exponent - scale;
    bool wraps = quantity->large || up == 1 || up == 2 || up == 3 || up == 6 || up == 9;
    if (overflow && !wraps) {
        return 0; /* Go looks for overflow only where it multiplies by ten again and again */
    }
    return (int64_t)(quantity->negative ? 0 - value : value);
}

/* The number in the largest binary unit that keeps it whole. False when it is no such number. */
static bool write_binary(const struct tph_quantity *quantity, struct tph_buf *buf)
{
    static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    struct tph_quantity whole = *quantity;
    bool overflow = false;
    uint64_t value = magnitude(quantity, 0, &overflow);
    round_up(&whole, 0);
    if (value < 1024 || compare(whole.digits, whole.n_digits, quantity->digits, whole.n_digits) != 0) {
        return false;
    }
    for (int i = whole.n_digits; i < quantity->n_digits; i++) {
        if (quantity->digits[i] != '0') {
            return false;
        }
    }
    size_t unit = 0;
    for (; value % 1024 == 0; value /= 1024) {
        unit++;
    }
    (void)tph_buf_printf(buf, "%s%llu%s", quantity->negative ? "-" : "", (unsigned long long)value, names[unit]);
    return true;
}

static void write_decimal(const struct tph_quantity *q, struct tph_buf *buf)
{
    int n = q->n_digits;
    int exponent = q->exponent;
    while (n > 0 && q->digits[n - 1] == '0') {
        n--;
        exponent++;
    }
    int zeros = ((exponent % 3) + 3) % 3;
    exponent -= zeros;
    (void)tph_buf_puts(buf, q->negative ? "-" : "");
    (void)tph_buf_append(buf, q->digits, (size_t)n);
    (void)tph_buf_append(buf, "00", (size_t)zeros);
    for (size_t i = 0; q->format != TPH_QUANTITY_DECIMAL_EXPONENT && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (suffixes[i].binary == 0 && suffixes[i].decimal == exponent) {
            (void)tph_buf_puts(buf, suffixes[i].suffix);
            return;
        }
    }
    if (exponent != 0) {
        /* Beyond E Go prints no suffix, and so another number; an exponent is right in every reader. */
        (void)tph_buf_printf(buf, "e%d", exponent);
    }
}

void tph_quantity_write(const struct tph_quantity *quantity, struct tph_buf *buf)
{
    if (quantity->verbatim) {
        (void)tph_buf_puts(buf, quantity->text);
    } else if (quantity->n_digits == 0) {
        (void)tph_buf_putc(buf, '0');
    } else if (quantity->format != TPH_QUANTITY_BINARY_SI || !write_binary(quantity, buf)) {
        write_decimal(quantity, buf);
    }
}

const char *tph_quantity_format_name(enum tph_quantity_format format)
{
    switch (format) {
    case TPH_QUANTITY_DECIMAL_SI:
        return "DecimalSI";
    case TPH_QUANTITY_BINARY_SI:
        return "BinarySI";
    case TPH_QUANTITY_DECIMAL_EXPONENT:
        return "DecimalExponent";
    case TPH_QUANTITY_FORMAT_COUNT:
        break;
    }
    return "";
}

int tph_quantity_parse(struct tph_str text, int64_t *ret_value, int64_t *ret_milli, struct tph_error *err)
{
    struct tph_quantity quantity;
    if (tph_quantity_read(text, &quantity, err) < 0) {
        return -1;
    }
    if (ret_value) {
        *ret_value = tph_quantity_scaled(&quantity, 0);
    }
    if (ret_milli) {
        *ret_milli = tph_quantity_scaled(&quantity, -3);
    }
    return 0;
}
