/* SPDX-License-Identifier: Apache-2.0 */
#include "data/time.h"

#include <stdbool.h>
#include <stdio.h>

#include "data/quote.h"

/* Years begin in March here, so that the leap day is the last of its year. */
int64_t tph_date_to_days(struct tph_date date)
{
    int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct tph_date tph_date_of_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    struct tph_date date = {.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9),
                            .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1)};
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

void tph_time_format(int64_t wall_ms, char text[TPH_TIME_TEXT])
{
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
    int second_of_day = (int)(seconds - days * 86400);
    struct tph_date date = tph_date_of_days(days);
    (void)snprintf(text, TPH_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)date.year, date.month, date.day,
                   second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
}

#define LAYOUT "2006-01-02T15:04:05Z07:00"

/* What is left of the text, and the text itself for messages. */
struct reader {
    struct tph_str text;
    struct tph_str rest;
    struct tph_error *err;
};

/* What Go says when the text does not go on as the layout does. */
static int refuse(const struct reader *r, struct tph_str rest, const char *element)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(1024);
    TPH_CLEANUP(tph_buf_release) struct tph_buf left = TPH_BUF_INIT(1024);
    tph_quote_time(r->text, &whole);
    tph_quote_time(rest, &left);
    return tph_error_set(r->err, TPH_ERROR_INVALID, "parsing time %s as \"" LAYOUT "\": cannot parse %s as \"%s\"",
                         tph_buf_cstr(&whole), tph_buf_cstr(&left), element);
}

static int out_of_range(const struct reader *r, const char *what)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(1024);
    tph_quote_time(r->text, &whole);
    return tph_error_set(r->err, TPH_ERROR_INVALID, "parsing time %s: %s out of range", tph_buf_cstr(&whole), what);
}

static bool is_digit(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] >= '0' && text.p[at] <= '9';
}

/* One field of the layout. Go takes an hour of one digit although its layout has two. */
struct field {
    const char *name; /* for "out of range"; NULL: never */
    const char *element;
    size_t least;
    size_t most; /* digits */
    int first;
    int last;          /* values */
    const char *after; /* the character behind it; "" */
};

static int take_field(struct reader *r, const struct field *field, int *ret_value)
{
    struct tph_str before = r->rest;
    size_t n = 0;
    int value = 0;
    while (n < field->most && is_digit(r->rest, n)) {
        value = value * 10 + (r->rest.p[n++] - '0');
    }
    if (n < field->least) {
        return refuse(r, before, field->element);
    }
    r->rest = tph_str_slice(r->rest, n, r->rest.len);
    if (field->name && (value < field->first || value > field->last)) {
        return out_of_range(r, field->name);
    }
    if (field->after[0]) {
        if (r->rest.len == 0 || r->rest.p[0] != field->after[0]) {
            return refuse(r, r->rest, field->after);
        }
        r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    }
    *ret_value = value;
    return 0;
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* ".123" in nanoseconds, when it is there; further digits are read over. */
static int32_t take_fraction(struct reader *r)
{
    if (r->rest.len < 2 || (r->rest.p[0] != '.' && r->rest.p[0] != ',') || !is_digit(r->rest, 1)) {
        return 0;
    }
    int32_t ns = 0;
    int32_t weight = 100000000;
    r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    for (; is_digit(r->rest, 0); weight /= 10) {
        ns += weight * (r->rest.p[0] - '0');
        r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    }
    return ns;
}

/* "Z", "+02:00": seconds east of UTC. */
static int take_zone(struct reader *r, int *ret_seconds)
{
    struct tph_str zone = r->rest;
    if (zone.len > 0 && zone.p[0] == 'Z') {
        r->rest = tph_str_slice(zone, 1, zone.len);
        *ret_seconds = 0;
        return 0;
    }
    bool numbers = is_digit(zone, 1) && is_digit(zone, 2) && is_digit(zone, 4) && is_digit(zone, 5);
    if (zone.len < 6 || zone.p[3] != ':') {
        return refuse(r, zone, "Z07:00");
    }
    int hours = numbers ? (zone.p[1] - '0') * 10 + (zone.p[2] - '0') : 0;
    int minutes = numbers ? (zone.p[4] - '0') * 10 + (zone.p[5] - '0') : 0;
    if (!numbers && is_digit(zone, 1) && is_digit(zone, 2)) {
        hours = (zone.p[1] - '0') * 10 + (zone.p[2] - '0');
    }
    if (hours > 24 || minutes > 60) {
        return out_of_range(r, minutes > 60 ? "time zone offset minute" : "time zone offset hour");
    }
    if (!numbers || (zone.p[0] != '+' && zone.p[0] != '-')) {
        return refuse(r, zone, "Z07:00");
    }
    r->rest = tph_str_slice(zone, 6, zone.len);
    *ret_seconds = (hours * 3600 + minutes * 60) * (zone.p[0] == '-' ? -1 : 1);
    return 0;
}

int tph_time_parse_instant(struct tph_str text, struct tph_instant *ret_instant, struct tph_error *err)
{
    static const struct field fields[] = {
        {NULL, "2006", 4, 4, 0, 9999, "-"}, {"month", "01", 2, 2, 1, 12, "-"},  {NULL, "02", 2, 2, 0, 99, "T"},
        {"hour", "15", 1, 2, 0, 23, ":"},   {"minute", "04", 2, 2, 0, 59, ":"}, {"second", "05", 2, 2, 0, 59, ""},
    };
    struct reader r = {.text = text, .rest = text, .err = err};
    int values[6];
    int zone = 0;
    for (size_t i = 0; i < 6; i++) {
        if (take_field(&r, &fields[i], &values[i]) < 0) {
            return -1;
        }
    }
    int32_t ns = take_fraction(&r);
    if (take_zone(&r, &zone) < 0) {
        return -1;
    }
    if (r.rest.len > 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf extra = TPH_BUF_INIT(2048);
        tph_quote_time(text, &extra);
        (void)tph_buf_puts(&extra, ": extra text: ");
        tph_quote_time(r.rest, &extra);
        return tph_error_set(err, TPH_ERROR_INVALID, "parsing time %s", tph_buf_cstr(&extra));
    }
    if (values[2] < 1 || values[2] > days_in(values[0], values[1])) {
        return out_of_range(&r, "day");
    }
    int64_t seconds = tph_date_to_days((struct tph_date){values[0], values[1], values[2]}) * 86400 + values[3] * 3600 +
                      values[4] * 60 + values[5];
    *ret_instant = (struct tph_instant){.seconds = seconds - zone, .ns = ns};
    return 0;
}

int tph_time_parse(struct tph_str text, int64_t *ret_wall_ms, struct tph_error *err)
{
    struct tph_instant instant;
    if (tph_time_parse_instant(text, &instant, err) < 0) {
        return -1;
    }
    *ret_wall_ms = instant.seconds * 1000 + instant.ns / 1000000;
    return 0;
}
