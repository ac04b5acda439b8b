/* SPDX-License-Identifier: Apache-2.0 */
#include "data/duration.h"

#include <string.h>

#include "data/quote.h"

#define NS_PER_SECOND INT64_C(1000000000)

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},           {"us", 1000},         {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000},                                            /* Greek letter mu */
    {"ms", 1000000},     {"s", NS_PER_SECOND}, {"m", 60 * NS_PER_SECOND}, {"h", 3600 * NS_PER_SECOND},
};

static int refuse(struct tph_error *err, const char *what, struct tph_str unit, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(4096);
    if (unit.p) {
        tph_quote_time(unit, &quoted);
        (void)tph_buf_puts(&quoted, " in duration ");
    }
    tph_quote_time(text, &quoted);
    return tph_error_set(err, TPH_ERROR_INVALID, "time: %s %s", what, tph_buf_cstr(&quoted));
}

static bool is_digit(struct tph_str s)
{
    return s.len > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

/* Whole digits at the front. Above 2^63 (the size of the most negative duration) it is an overflow. */
static int take_whole(struct tph_str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    while (is_digit(*rest)) {
        if (value > (UINT64_C(1) << 63) / 10) {
            return -1;
        }
        value = value * 10 + (uint64_t)(rest->p[0] - '0');
        if (value > UINT64_C(1) << 63) {
            return -1;
        }
        *rest = tph_str_slice(*rest, 1, rest->len);
    }
    *ret_value = value;
    return 0;
}

/* Digits after the point: value / scale. Digits past the precision of 64 bits are dropped, as in Go. */
static void take_fraction(struct tph_str *rest, uint64_t *ret_value, double *ret_scale)
{
    uint64_t value = 0;
    double scale = 1;
    bool full = false;
    for (; is_digit(*rest); *rest = tph_str_slice(*rest, 1, rest->len)) {
        uint64_t next = value * 10 + (uint64_t)(rest->p[0] - '0');
        full = full || value > ((UINT64_C(1) << 63) - 1) / 10 || next > UINT64_C(1) << 63;
        if (!full) {
            value = next;
            scale *= 10;
        }
    }
    *ret_value = value;
    *ret_scale = scale;
}

static int64_t find_unit(struct tph_str unit)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (tph_str_eqz(unit, units[i].name)) {
            return units[i].ns;
        }
    }
    return 0;
}

/* One number with its unit off the front of rest, added to *sum. */
static int take_part(struct tph_str *rest, struct tph_str text, uint64_t *sum, struct tph_error *err)
{
    uint64_t whole = 0;
    uint64_t fraction = 0;
    double scale = 1;
    const char *before = rest->p;
    if (!is_digit(*rest) && !(rest->len > 0 && rest->p[0] == '.')) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    if (take_whole(rest, &whole) < 0) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    bool digits = rest->p != before;
    if (rest->len > 0 && rest->p[0] == '.') {
        *rest = tph_str_slice(*rest, 1, rest->len);
        before = rest->p;
        take_fraction(rest, &fraction, &scale);
        digits = digits || rest->p != before;
    }
    if (!digits) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    size_t len = 0;
    while (len < rest->len && rest->p[len] != '.' && !(rest->p[len] >= '0' && rest->p[len] <= '9')) {
        len++;
    }
    if (len == 0) {
        return refuse(err, "missing unit in duration", TPH_STR_NONE, text);
    }
    struct tph_str unit = tph_str_slice(*rest, 0, len);
    int64_t ns = find_unit(unit);
    *rest = tph_str_slice(*rest, len, rest->len);
    if (ns == 0) {
        return refuse(err, "unknown unit", unit, text);
    }
    if (whole > (UINT64_C(1) << 63) / (uint64_t)ns) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    whole *= (uint64_t)ns;
    if (fraction > 0) {
        whole += (uint64_t)((double)fraction * ((double)ns / scale));
    }
    if (whole > UINT64_C(1) << 63 || whole > (UINT64_C(1) << 63) - *sum) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    *sum += whole;
    return 0;
}

int tph_duration_parse_go(struct tph_str text, int64_t *ret_ns, struct tph_error *err)
{
    struct tph_str rest = text;
    bool negative = rest.len > 0 && rest.p[0] == '-';
    if (rest.len > 0 && (rest.p[0] == '-' || rest.p[0] == '+')) {
        rest = tph_str_slice(rest, 1, rest.len);
    }
    if (tph_str_eqz(rest, "0")) {
        *ret_ns = 0;
        return 0;
    }
    if (rest.len == 0) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    uint64_t sum = 0;
    while (rest.len > 0) {
        if (take_part(&rest, text, &sum, err) < 0) {
            return -1;
        }
    }
    if (!negative && sum > INT64_MAX) {
        return refuse(err, "invalid duration", TPH_STR_NONE, text);
    }
    *ret_ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return 0;
}

/* Go's Atoi: an optional sign and digits. */
static int to_seconds(struct tph_str text, int64_t *ret_seconds)
{
    if (text.len > 1 && text.p[0] == '+' && text.p[1] != '-') {
        text = tph_str_slice(text, 1, text.len);
    }
    return tph_str_to_i64(text, ret_seconds);
}

static int parse_with_unit(struct tph_str text, int64_t *ret_ns, struct tph_error *err)
{
    struct tph_error inner = TPH_ERROR_INIT;
    if (tph_duration_parse_go(text, ret_ns, &inner) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "unable to parse %.*s as a duration: %s", TPH_FMT(text),
                             inner.text);
    }
    return 0;
}

int tph_duration_parse(struct tph_str text, int64_t *ret_ns, struct tph_error *err)
{
    int64_t seconds = 0;
    if (to_seconds(text, &seconds) < 0) {
        return parse_with_unit(text, ret_ns, err);
    }
    if (__builtin_mul_overflow(seconds, NS_PER_SECOND, &seconds)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "unable to parse %.*s as a duration: out of range", TPH_FMT(text));
    }
    *ret_ns = seconds;
    return 0;
}

int tph_duration_parse_compat(struct tph_str text, int64_t *ret_ns, struct tph_error *err)
{
    int64_t seconds = 0;
    if (to_seconds(text, &seconds) < 0) {
        return parse_with_unit(text, ret_ns, err);
    }
    *ret_ns = (int64_t)((uint64_t)seconds * (uint64_t)NS_PER_SECOND);
    return 0;
}

int tph_duration_parse_ms(struct tph_str text, int64_t *ret_ms)
{
    int64_t ns = 0;
    if (tph_duration_parse(text, &ns, NULL) < 0) {
        return -1;
    }
    *ret_ms = ns / 1000000 + (ns % 1000000 > 0 ? 1 : 0);
    return 0;
}

/* value / 10^places without trailing zeros. */
static void write_decimal(uint64_t value, int places, struct tph_buf *out)
{
    uint64_t scale = 1;
    for (int i = 0; i < places; i++) {
        scale *= 10;
    }
    (void)tph_buf_printf(out, "%llu", (unsigned long long)(value / scale));
    uint64_t fraction = value % scale;
    if (fraction > 0) {
        while (fraction % 10 == 0) {
            fraction /= 10;
            places--;
        }
        (void)tph_buf_printf(out, ".%0*llu", places, (unsigned long long)fraction);
    }
}

void tph_duration_write(int64_t ns, struct tph_buf *out)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns == 0) {
        (void)tph_buf_puts(out, "0s");
        return;
    }
    if (ns < 0) {
        (void)tph_buf_putc(out, '-');
    }
    if (size < 1000) {
        (void)tph_buf_printf(out, "%lluns", (unsigned long long)size);
    } else if (size < 1000000) {
        write_decimal(size, 3, out);
        (void)tph_buf_puts(out, "\xc2\xb5s");
    } else if (size < 1000000000) {
        write_decimal(size, 6, out);
        (void)tph_buf_puts(out, "ms");
    } else {
        uint64_t minutes = size / 60000000000U;
        if (minutes >= 60) {
            (void)tph_buf_printf(out, "%lluh", (unsigned long long)(minutes / 60));
        }
        if (minutes > 0) {
            (void)tph_buf_printf(out, "%llum", (unsigned long long)(minutes % 60));
        }
        write_decimal(size % 60000000000U, 9, out);
        (void)tph_buf_putc(out, 's');
    }
}
