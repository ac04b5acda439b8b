/* SPDX-License-Identifier: Apache-2.0 */
#include "data/time.h"

#include <stdio.h>

#include "data/quote.h"

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. Years begin in March here, so
 * that the leap day is the last of its year. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void tph_time_format(int64_t wall_ms, char text[TPH_TIME_TEXT])
{
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
    int second_of_day = (int)(seconds - days * 86400);
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    (void)snprintf(text, TPH_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day,
                   second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
}

#define LAYOUT "2006-01-02T15:04:05Z07:00"

/* What Go says when the text does not go on as the layout does. */
static int refuse(struct tph_error *err, struct tph_str text, struct tph_str rest, const char *element)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(1024);
    TPH_CLEANUP(tph_buf_release) struct tph_buf left = TPH_BUF_INIT(1024);
    tph_quote_duration(text, &whole);
    tph_quote_duration(rest, &left);
    return tph_error_set(err, TPH_ERROR_INVALID, "parsing time %s as \"" LAYOUT "\": cannot parse %s as \"%s\"",
                         tph_buf_cstr(&whole), tph_buf_cstr(&left), element);
}

static int out_of_range(struct tph_error *err, struct tph_str text, const char *what)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(1024);
    tph_quote_duration(text, &whole);
    return tph_error_set(err, TPH_ERROR_INVALID, "parsing time %s: %s out of range", tph_buf_cstr(&whole), what);
}

/* n digits at the front, or -1. */
static int take_digits(struct tph_str *rest, size_t n)
{
    int value = 0;
    if (rest->len < n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9') {
            return -1;
        }
        value = value * 10 + (rest->p[i] - '0');
    }
    *rest = tph_str_slice(*rest, n, rest->len);
    return value;
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* ".123" in milliseconds; the rest of the digits is read over. */
static int take_fraction(struct tph_str *rest)
{
    int ms = 0;
    int weight = 100;
    *rest = tph_str_slice(*rest, 1, rest->len);
    for (; rest->len > 0 && rest->p[0] >= '0' && rest->p[0] <= '9'; weight /= 10) {
        ms += weight * (rest->p[0] - '0');
        *rest = tph_str_slice(*rest, 1, rest->len);
    }
    return ms;
}

/* "Z", "+02:00": minutes east of UTC. */
static int take_zone(struct tph_str *rest, int *ret_minutes)
{
    if (rest->len > 0 && rest->p[0] == 'Z') {
        *rest = tph_str_slice(*rest, 1, rest->len);
        *ret_minutes = 0;
        return 0;
    }
    if (rest->len < 6 || (rest->p[0] != '+' && rest->p[0] != '-') || rest->p[3] != ':') {
        return -1;
    }
    int sign = rest->p[0] == '-' ? -1 : 1;
    struct tph_str hour = tph_str_slice(*rest, 1, 3);
    struct tph_str minute = tph_str_slice(*rest, 4, 6);
    int h = take_digits(&hour, 2);
    int m = take_digits(&minute, 2);
    if (h < 0 || m < 0 || h > 24 || m > 60) {
        return -1;
    }
    *rest = tph_str_slice(*rest, 6, rest->len);
    *ret_minutes = sign * (h * 60 + m);
    return 0;
}

int tph_time_parse(struct tph_str text, int64_t *ret_wall_ms, struct tph_error *err)
{
    static const struct {
        size_t digits;
        const char *element;
        char after; /* 0: nothing */
    } parts[] = {{4, "2006", '-'}, {2, "01", '-'}, {2, "02", 'T'}, {2, "15", ':'}, {2, "04", ':'}, {2, "05", 0}};
    struct tph_str rest = text;
    int values[6];
    for (size_t i = 0; i < 6; i++) {
        values[i] = take_digits(&rest, parts[i].digits);
        if (values[i] < 0) {
            return refuse(err, text, rest, parts[i].element);
        }
        if (i == 1 && (values[1] < 1 || values[1] > 12)) {
            return out_of_range(err, text, "month");
        }
        char after[2] = {parts[i].after, '\0'};
        if (parts[i].after && (rest.len == 0 || rest.p[0] != parts[i].after)) {
            return refuse(err, text, rest, after);
        }
        rest = tph_str_slice(rest, parts[i].after ? 1 : 0, rest.len);
    }
    int ms = rest.len > 1 && (rest.p[0] == '.' || rest.p[0] == ',') && rest.p[1] >= '0' && rest.p[1] <= '9'
                 ? take_fraction(&rest)
                 : 0;
    int zone = 0;
    if (take_zone(&rest, &zone) < 0) {
        return refuse(err, text, rest, "Z07:00");
    }
    if (values[3] > 23) {
        return out_of_range(err, text, "hour");
    }
    if (values[4] > 59) {
        return out_of_range(err, text, "minute");
    }
    if (values[5] > 59) {
        return out_of_range(err, text, "second");
    }
    if (values[2] < 1 || values[2] > days_in(values[0], values[1])) {
        return out_of_range(err, text, "day");
    }
    if (rest.len > 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf extra = TPH_BUF_INIT(1024);
        tph_quote_duration(text, &extra);
        (void)tph_buf_puts(&extra, ": extra text: ");
        tph_quote_duration(rest, &extra);
        return tph_error_set(err, TPH_ERROR_INVALID, "parsing time %s", tph_buf_cstr(&extra));
    }
    int64_t seconds = days_of(values[0], values[1], values[2]) * 86400 + values[3] * 3600 + values[4] * 60 + values[5];
    *ret_wall_ms = (seconds - zone * 60) * 1000 + ms;
    return 0;
}
