/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers through yyjson, which reads them correctly rounded and writes the shortest digits, whatever the locale.
 * libc's strtod and printf would follow LC_NUMERIC. */
#include "data/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static size_t count_digits(struct tph_str text)
{
    size_t n = 0;
    while (n < text.len && text.p[n] >= '0' && text.p[n] <= '9') {
        n++;
    }
    return n;
}

/* Brings text into JSON's grammar (no plus sign, no leading zeros, digits on both sides of the point). */
static int normalise(struct tph_str text, struct tph_buf *out)
{
    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        (void)tph_buf_puts(out, text.p[0] == '-' ? "-" : "");
        text = tph_str_slice(text, 1, text.len);
    }
    size_t n = count_digits(text);
    struct tph_str whole = tph_str_slice(text, 0, n);
    struct tph_str fraction = TPH_STR_NONE;
    text = tph_str_slice(text, n, text.len);
    if (text.len > 0 && text.p[0] == '.') {
        text = tph_str_slice(text, 1, text.len);
        n = count_digits(text);
        fraction = tph_str_slice(text, 0, n);
        text = tph_str_slice(text, n, text.len);
    }
    if (whole.len + fraction.len == 0) {
        return -1;
    }
    while (whole.len > 1 && whole.p[0] == '0') {
        whole = tph_str_slice(whole, 1, whole.len);
    }
    (void)tph_buf_put(out, whole.len > 0 ? whole : TPH_STR("0"));
    if (fraction.len > 0) {
        (void)tph_buf_putc(out, '.');
        (void)tph_buf_put(out, fraction);
    }
    if (text.len > 0) {
        size_t sign = text.len > 1 && (text.p[1] == '-' || text.p[1] == '+') ? 1 : 0;
        struct tph_str exponent = tph_str_slice(text, 1 + sign, text.len);
        if ((text.p[0] | 0x20) != 'e' || exponent.len == 0 || count_digits(exponent) != exponent.len) {
            return -1;
        }
        (void)tph_buf_put(out, text);
    }
    return 0;
}

int tph_number_to_double(struct tph_str text, double *ret_value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf copy = TPH_BUF_INIT(text.len + 8);
    if (normalise(text, &copy) < 0) {
        return -1;
    }
    yyjson_val number = {0};
    yyjson_read_err problem;
    if (!yyjson_read_number(tph_buf_cstr(&copy), &number, 0, NULL, &problem)) {
        return -1; /* too large: the grammar was checked */
    }
    *ret_value = yyjson_get_num(&number);
    /* -0 is a whole number to yyjson, and so loses its sign. */
    if (*ret_value == 0 && copy.bytes[0] == '-') {
        *ret_value = -0.0;
    }
    return 0;
}

/* The shortest digits and their exponent: value = 0.d1d2d3... x 10^point. */
struct digits {
    char text[24];
    int n;
    int point;
    bool negative;
};

/* Takes the digits out of a printed number: [-]digits[.digits][e[+-]digits]. Whatever stands for the point. */
static struct digits take_digits(const char *p)
{
    struct digits d = {.negative = *p == '-'};
    bool fraction = false;
    for (p += d.negative ? 1 : 0; *p && *p != 'e' && *p != 'E'; p++) {
        if (*p < '0' || *p > '9') {
            fraction = true;
            continue;
        }
        if (d.n == 0 && *p == '0') {
            d.point -= fraction ? 1 : 0; /* a zero before the first digit only moves the point */
            continue;
        }
        if (d.n < (int)sizeof(d.text)) {
            d.text[d.n++] = *p;
        }
        d.point += fraction ? 0 : 1;
    }
    if (*p) {
        int exponent = 0;
        bool below = p[1] == '-';
        for (p += p[1] == '-' || p[1] == '+' ? 2 : 1; *p; p++) {
            exponent = exponent * 10 + (*p - '0');
        }
        d.point += below ? -exponent : exponent;
    }
    while (d.n > 0 && d.text[d.n - 1] == '0') {
        d.n--;
    }
    if (d.n == 0) {
        d.text[d.n++] = '0';
        d.point = 1;
    }
    return d;
}

static struct digits shortest(double value)
{
    char memory[1024];
    yyjson_alc pool;
    yyjson_mut_val number = {0};
    unsafe_yyjson_set_real(&number, value);
    size_t len = 0;
    char *text = NULL;
    if (yyjson_alc_pool_init(&pool, memory, sizeof(memory))) {
        text = yyjson_mut_val_write_opts(&number, 0, &pool, &len, NULL);
    }
    if (!text) {
        abort(); /* the pool is too small for this yyjson: a bug of ours */
    }
    return take_digits(text);
}

static struct digits shortest32(float value)
{
    char text[40];
    for (int precision = 0; precision <= 8; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, (double)value);
        if (strtof(text, NULL) == value) { /* the same locale on both sides */
            break;
        }
    }
    return take_digits(text);
}

static void put_zeros(struct tph_buf *buf, int n)
{
    for (int i = 0; i < n; i++) {
        (void)tph_buf_putc(buf, '0');
    }
}

static void put_plain(const struct digits *d, struct tph_buf *buf)
{
    (void)tph_buf_puts(buf, d->negative ? "-" : "");
    if (d->point <= 0) {
        (void)tph_buf_puts(buf, "0.");
        put_zeros(buf, -d->point);
        (void)tph_buf_append(buf, d->text, (size_t)d->n);
        return;
    }
    int whole = d->n < d->point ? d->n : d->point;
    (void)tph_buf_append(buf, d->text, (size_t)whole);
    put_zeros(buf, d->point - whole);
    if (d->n > whole) {
        (void)tph_buf_putc(buf, '.');
        (void)tph_buf_append(buf, d->text + whole, (size_t)(d->n - whole));
    }
}

/* 1.5e+21; min_exponent: digits of the exponent at least. */
static void put_exponent(const struct digits *d, int min_exponent, struct tph_buf *buf)
{
    (void)tph_buf_puts(buf, d->negative ? "-" : "");
    (void)tph_buf_putc(buf, d->text[0]);
    if (d->n > 1) {
        (void)tph_buf_putc(buf, '.');
        (void)tph_buf_append(buf, d->text + 1, (size_t)d->n - 1);
    }
    int exponent = d->point - 1;
    (void)tph_buf_printf(buf, "e%c%0*d", exponent < 0 ? '-' : '+', min_exponent, abs(exponent));
}

/* encoding/json's choice between the two forms. */
static void put_json(const struct digits *d, struct tph_buf *buf)
{
    bool zero = d->n == 1 && d->text[0] == '0';
    if (zero || (d->point > -6 && d->point <= 21)) {
        put_plain(d, buf);
    } else {
        put_exponent(d, 1, buf);
    }
}

/* strconv's for 'g' with the shortest precision. A zero has exponent 0. */
static void put_g(const struct digits *d, struct tph_buf *buf)
{
    int exponent = d->point - 1;
    if (exponent < -4 || exponent >= 6) {
        put_exponent(d, 2, buf);
    } else {
        put_plain(d, buf);
    }
}

void tph_number_write_json(double value, struct tph_buf *buf)
{
    struct digits d = shortest(value);
    put_json(&d, buf);
}

void tph_number_write_json32(float value, struct tph_buf *buf)
{
    struct digits d = shortest32(value);
    put_json(&d, buf);
}

void tph_number_write_plain(double value, struct tph_buf *buf)
{
    struct digits d = shortest(value);
    put_plain(&d, buf);
}

void tph_number_write_g(double value, struct tph_buf *buf)
{
    struct digits d = shortest(value);
    put_g(&d, buf);
}

void tph_number_write_g32(float value, struct tph_buf *buf)
{
    struct digits d = shortest32(value);
    put_g(&d, buf);
}

void tph_number_write_fixed(double value, int places, struct tph_buf *buf)
{
    char text[TPH_NUMBER_TEXT];
    (void)snprintf(text, sizeof(text), "%.*f", places, value);
    for (char *p = text; *p; p++) {
        bool mark = *p != '-' && (*p < '0' || *p > '9');
        *p = mark ? '.' : *p; /* what the locale has for a point */
    }
    (void)tph_buf_puts(buf, text);
}
