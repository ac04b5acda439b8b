/* SPDX-License-Identifier: Apache-2.0 */
/* Go's layouts: a reference time, Mon Jan 2 15:04:05 2006 -0700, spelt as the wanted form. This file finds its elements
 * and writes times. */
#include <string.h>

#include "expr/time.h"

/* Longer spellings of one beginning first. */
static const struct {
    const char *spelt;
    enum expr_layout_element element;
} elements[] = {
    {"January", EXPR_LAYOUT_LONG_MONTH},
    {"Jan", EXPR_LAYOUT_MONTH},
    {"Monday", EXPR_LAYOUT_LONG_WEEKDAY},
    {"Mon", EXPR_LAYOUT_WEEKDAY},
    {"MST", EXPR_LAYOUT_ZONE_NAME},
    {"01", EXPR_LAYOUT_ZERO_MONTH},
    {"002", EXPR_LAYOUT_ZERO_YEAR_DAY},
    {"02", EXPR_LAYOUT_ZERO_DAY},
    {"03", EXPR_LAYOUT_ZERO_HOUR12},
    {"04", EXPR_LAYOUT_ZERO_MINUTE},
    {"05", EXPR_LAYOUT_ZERO_SECOND},
    {"06", EXPR_LAYOUT_YEAR},
    {"15", EXPR_LAYOUT_HOUR},
    {"1", EXPR_LAYOUT_NUM_MONTH},
    {"2006", EXPR_LAYOUT_LONG_YEAR},
    {"2", EXPR_LAYOUT_DAY},
    {"_2", EXPR_LAYOUT_UNDER_DAY},
    {"__2", EXPR_LAYOUT_UNDER_YEAR_DAY},
    {"3", EXPR_LAYOUT_HOUR12},
    {"4", EXPR_LAYOUT_MINUTE},
    {"5", EXPR_LAYOUT_SECOND},
    {"PM", EXPR_LAYOUT_UPPER_PM},
    {"pm", EXPR_LAYOUT_LOWER_PM},
    {"Z070000", EXPR_LAYOUT_ISO_ZONE},
    {"Z07:00:00", EXPR_LAYOUT_ISO_ZONE},
    {"Z0700", EXPR_LAYOUT_ISO_ZONE},
    {"Z07:00", EXPR_LAYOUT_ISO_ZONE},
    {"Z07", EXPR_LAYOUT_ISO_ZONE},
    {"-070000", EXPR_LAYOUT_NUM_ZONE},
    {"-07:00:00", EXPR_LAYOUT_NUM_ZONE},
    {"-0700", EXPR_LAYOUT_NUM_ZONE},
    {"-07:00", EXPR_LAYOUT_NUM_ZONE},
    {"-07", EXPR_LAYOUT_NUM_ZONE},
};

static bool is_digit(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] >= '0' && text.p[at] <= '9';
}

/* .000 or ,999: a run of one digit that no other digit follows. Its length, or 0. */
static size_t fraction_length(struct tph_str text)
{
    if (text.len < 2 || (text.p[0] != '.' && text.p[0] != ',') || (text.p[1] != '0' && text.p[1] != '9')) {
        return 0;
    }
    size_t n = 1;
    while (n < text.len && text.p[n] == text.p[1]) {
        n++;
    }
    return is_digit(text, n) ? 0 : n;
}

static bool is_lower_at(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] >= 'a' && text.p[at] <= 'z';
}

/* The element that text begins with; its length in *ret. */
static enum expr_layout_element element_at(struct tph_str text, size_t *ret)
{
    size_t fraction = fraction_length(text);
    if (fraction > 0) {
        *ret = fraction;
        return text.p[1] == '0' ? EXPR_LAYOUT_FRACTION_ZEROS : EXPR_LAYOUT_FRACTION_NINES;
    }
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        enum expr_layout_element element = elements[i].element;
        struct tph_str spelt = tph_str(elements[i].spelt);
        if (!tph_str_has_prefix(text, spelt)) {
            continue;
        }
        bool word = element == EXPR_LAYOUT_MONTH || element == EXPR_LAYOUT_WEEKDAY; /* not of "Janet", "Monet" */
        if ((word && is_lower_at(text, spelt.len)) ||
            (element == EXPR_LAYOUT_UNDER_DAY && tph_str_has_prefix(text, TPH_STR("_2006")))) {
            continue;
        }
        *ret = spelt.len;
        return element;
    }
    return EXPR_LAYOUT_END;
}

enum expr_layout_element expr_next_element(struct tph_str *rest, struct tph_str *ret_before, struct tph_str *ret_spelt)
{
    struct tph_str layout = *rest;
    for (size_t at = 0; at < layout.len; at++) {
        size_t n = 0;
        enum expr_layout_element element = element_at(tph_str_slice(layout, at, layout.len), &n);
        if (element != EXPR_LAYOUT_END) {
            *ret_before = tph_str_slice(layout, 0, at);
            *ret_spelt = tph_str_slice(layout, at, at + n);
            *rest = tph_str_slice(layout, at + n, layout.len);
            return element;
        }
    }
    *ret_before = layout;
    *ret_spelt = TPH_STR_NONE;
    *rest = TPH_STR_NONE;
    return EXPR_LAYOUT_END;
}

static void put_number(int64_t number, int width, char fill, struct tph_buf *out)
{
    char digits[32];
    size_t n = 0;
    uint64_t u = number < 0 ? (uint64_t)-number : (uint64_t)number;
    do {
        digits[n++] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (number < 0) {
        (void)tph_buf_putc(out, '-');
    }
    for (size_t i = n; i < (size_t)width; i++) {
        (void)tph_buf_putc(out, fill);
    }
    while (n > 0) {
        (void)tph_buf_putc(out, digits[--n]);
    }
}

/* +01:00 in the form that `spelt` has. */
static void put_offset(struct tph_str spelt, int32_t offset, struct tph_buf *out)
{
    bool colon = tph_str_find_byte(spelt, ':') >= 0;
    size_t digits = spelt.len - 1 - (colon ? (spelt.len > 6 ? 2 : 1) : 0);
    int32_t size = offset < 0 ? -offset : offset;
    (void)tph_buf_putc(out, offset < 0 ? '-' : '+');
    put_number(size / 3600, 2, '0', out);
    for (int part = 0; part < 2; part++) {
        if (digits >= (part == 0 ? 4u : 6u)) {
            (void)tph_buf_puts(out, colon ? ":" : "");
            put_number(part == 0 ? size / 60 % 60 : size % 60, 2, '0', out);
        }
    }
}

/* A zone without a name is written as its offset. */
static void put_zone_name(const struct tph_expr_calendar *c, struct tph_buf *out)
{
    if (c->zone.len > 0) {
        (void)tph_buf_put(out, c->zone);
        return;
    }
    put_offset(TPH_STR("-0700"), c->offset, out);
}

static void put_fraction(struct tph_str spelt, int32_t ns, struct tph_buf *out)
{
    char digits[10];
    size_t n = spelt.len - 1 < 9 ? spelt.len - 1 : 9;
    for (size_t i = 9; i > 0; i--) {
        digits[i - 1] = (char)('0' + ns % 10);
        ns /= 10;
    }
    if (spelt.p[1] == '9') {
        while (n > 0 && digits[n - 1] == '0') {
            n--;
        }
        if (n == 0) {
            return;
        }
    }
    (void)tph_buf_putc(out, spelt.p[0]);
    (void)tph_buf_append(out, digits, n);
    for (size_t i = 9; i + 1 < spelt.len && spelt.p[1] == '0'; i++) {
        (void)tph_buf_putc(out, '0');
    }
}

static int hour12(int hour)
{
    return hour % 12 == 0 ? 12 : hour % 12;
}

static void put_date_element(enum expr_layout_element element, const struct tph_expr_calendar *c, struct tph_buf *out)
{
    switch (element) {
    case EXPR_LAYOUT_LONG_MONTH:
        (void)tph_buf_puts(out, tph_expr_month_name(c->month));
        break;
    case EXPR_LAYOUT_MONTH:
        (void)tph_buf_append(out, tph_expr_month_name(c->month), 3);
        break;
    case EXPR_LAYOUT_NUM_MONTH:
    case EXPR_LAYOUT_ZERO_MONTH:
        put_number(c->month, element == EXPR_LAYOUT_NUM_MONTH ? 0 : 2, '0', out);
        break;
    case EXPR_LAYOUT_LONG_WEEKDAY:
        (void)tph_buf_puts(out, tph_expr_weekday_name(c->weekday));
        break;
    case EXPR_LAYOUT_WEEKDAY:
        (void)tph_buf_append(out, tph_expr_weekday_name(c->weekday), 3);
        break;
    case EXPR_LAYOUT_DAY:
    case EXPR_LAYOUT_UNDER_DAY:
    case EXPR_LAYOUT_ZERO_DAY:
        put_number(c->day, element == EXPR_LAYOUT_DAY ? 0 : 2, element == EXPR_LAYOUT_ZERO_DAY ? '0' : ' ', out);
        break;
    case EXPR_LAYOUT_UNDER_YEAR_DAY:
    case EXPR_LAYOUT_ZERO_YEAR_DAY:
        put_number(c->year_day, 3, element == EXPR_LAYOUT_ZERO_YEAR_DAY ? '0' : ' ', out);
        break;
    case EXPR_LAYOUT_LONG_YEAR:
        put_number(c->year, 4, '0', out);
        break;
    default:
        put_number((c->year < 0 ? -c->year : c->year) % 100, 2, '0', out);
        break;
    }
}

static void put_element(enum expr_layout_element element, struct tph_str spelt, const struct tph_expr_calendar *c,
                        int32_t ns, struct tph_buf *out)
{
    switch (element) {
    case EXPR_LAYOUT_HOUR:
        put_number(c->hour, 2, '0', out);
        break;
    case EXPR_LAYOUT_HOUR12:
    case EXPR_LAYOUT_ZERO_HOUR12:
        put_number(hour12(c->hour), element == EXPR_LAYOUT_HOUR12 ? 0 : 2, '0', out);
        break;
    case EXPR_LAYOUT_MINUTE:
    case EXPR_LAYOUT_ZERO_MINUTE:
        put_number(c->minute, element == EXPR_LAYOUT_MINUTE ? 0 : 2, '0', out);
        break;
    case EXPR_LAYOUT_SECOND:
    case EXPR_LAYOUT_ZERO_SECOND:
        put_number(c->second, element == EXPR_LAYOUT_SECOND ? 0 : 2, '0', out);
        break;
    case EXPR_LAYOUT_UPPER_PM:
        (void)tph_buf_puts(out, c->hour >= 12 ? "PM" : "AM");
        break;
    case EXPR_LAYOUT_LOWER_PM:
        (void)tph_buf_puts(out, c->hour >= 12 ? "pm" : "am");
        break;
    case EXPR_LAYOUT_ZONE_NAME:
        put_zone_name(c, out);
        break;
    case EXPR_LAYOUT_ISO_ZONE:
    case EXPR_LAYOUT_NUM_ZONE:
        if (element == EXPR_LAYOUT_ISO_ZONE && c->offset == 0) {
            (void)tph_buf_putc(out, 'Z');
        } else {
            put_offset(spelt, c->offset, out);
        }
        break;
    case EXPR_LAYOUT_FRACTION_ZEROS:
    case EXPR_LAYOUT_FRACTION_NINES:
        put_fraction(spelt, ns, out);
        break;
    default:
        put_date_element(element, c, out);
        break;
    }
}

void tph_expr_time_write(const struct tph_expr_time *time, struct tph_str layout, struct tph_buf *out)
{
    struct tph_expr_calendar calendar;
    tph_expr_calendar(time, &calendar);
    while (layout.len > 0 && !tph_buf_failed(out)) {
        struct tph_str before;
        struct tph_str spelt;
        enum expr_layout_element element = expr_next_element(&layout, &before, &spelt);
        (void)tph_buf_put(out, before);
        if (element != EXPR_LAYOUT_END) {
            put_element(element, spelt, &calendar, time->ns, out);
        }
    }
}

void tph_expr_time_print(const struct tph_expr_time *time, struct tph_buf *out)
{
    tph_expr_time_write(time, TPH_STR("2006-01-02 15:04:05.999999999 -0700 MST"), out);
}
