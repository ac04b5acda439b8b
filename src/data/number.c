/* SPDX-License-Identifier: Apache-2.0 */
#include "data/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tph_number_to_double(struct tph_str text, double *ret_value)
{
    char copy[TPH_NUMBER_TEXT];
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return -1;
    }
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789+-.eE", copy[i])) {
            return -1; /* strtod would take hex, inf and nan */
        }
    }
    char *end = NULL;
    double value = strtod(copy, &end);
    if (*end != '\0' || end == copy || !isfinite(value)) {
        return -1;
    }
    *ret_value = value;
    return 0;
}

/* The shortest digits and their exponent: value = 0.d1d2d3... x 10^point. */
struct digits {
    char text[20];
    int n;
    int point;
    bool negative;
};

static struct digits shortest(double value)
{
    struct digits d = {.negative = signbit(value) != 0};
    char text[40];
    for (int precision = 0; precision <= 16; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    const char *p = text + (d.negative ? 1 : 0);
    for (; *p && *p != 'e'; p++) {
        if (*p != '.') {
            d.text[d.n++] = *p;
        }
    }
    int exponent = 0;
    bool below = *p == 'e' && p[1] == '-';
    for (p += *p == 'e' ? 2 : 0; *p; p++) {
        exponent = exponent * 10 + (*p - '0');
    }
    d.point = (below ? -exponent : exponent) + 1;
    while (d.n > 1 && d.text[d.n - 1] == '0') {
        d.n--;
    }
    return d;
}

static void write_plain(const struct digits *d, struct tph_buf *buf)
{
    if (d->negative) {
        (void)tph_buf_putc(buf, '-');
    }
    if (d->point <= 0) {
        (void)tph_buf_puts(buf, "0");
        for (int i = d->point; i < 0; i++) {
            (void)tph_buf_putc(buf, i == d->point ? '.' : '0');
        }
        (void)tph_buf_puts(buf, d->point == 0 ? "." : "0");
        (void)tph_buf_append(buf, d->text, (size_t)d->n);
        return;
    }
    for (int i = 0; i < d->point || i < d->n; i++) {
        if (i == d->point) {
            (void)tph_buf_putc(buf, '.');
        }
        (void)tph_buf_putc(buf, i < d->n ? d->text[i] : '0');
    }
}

void tph_number_write_plain(double value, struct tph_buf *buf)
{
    if (value == 0) {
        (void)tph_buf_puts(buf, signbit(value) ? "-0" : "0");
        return;
    }
    struct digits d = shortest(value);
    write_plain(&d, buf);
}

void tph_number_write_json(double value, struct tph_buf *buf)
{
    double size = fabs(value);
    if (size == 0 || (size >= 1e-6 && size < 1e21)) {
        tph_number_write_plain(value, buf);
        return;
    }
    struct digits d = shortest(value);
    (void)tph_buf_printf(buf, "%s%c", d.negative ? "-" : "", d.text[0]);
    if (d.n > 1) {
        (void)tph_buf_putc(buf, '.');
        (void)tph_buf_append(buf, d.text + 1, (size_t)d.n - 1);
    }
    (void)tph_buf_printf(buf, "e%+d", d.point - 1);
    /* Go writes at least two digits of a positive exponent by itself: 1e+21 has two anyway; 1e-7 keeps one. */
}
