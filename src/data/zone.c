/* SPDX-License-Identifier: Apache-2.0 */
#include "data/zone.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"

static int64_t read_number(struct tph_str bytes, size_t at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | (unsigned char)bytes.p[at + i];
    }
    return size == 4 ? (int64_t)(int32_t)value : (int64_t)value;
}

struct header {
    char version;
    size_t n_utc, n_standard, n_leaps, n_times, n_types, n_chars;
};

enum { HEADER = 44, TYPE = 6 };

static int read_header(struct tph_str *rest, struct header *ret)
{
    if (rest->len < HEADER || memcmp(rest->p, "TZif", 4) != 0) {
        return -1;
    }
    size_t *const counts[] = {&ret->n_utc,   &ret->n_standard, &ret->n_leaps,
                              &ret->n_times, &ret->n_types,    &ret->n_chars};
    ret->version = rest->p[4];
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        int64_t count = read_number(*rest, 20 + i * 4, 4);
        if (count < 0 || count > (int64_t)TPH_LIMIT_ZONE) {
            return -1;
        }
        *counts[i] = (size_t)count;
    }
    *rest = tph_str_slice(*rest, HEADER, rest->len);
    return 0;
}

static size_t body_size(const struct header *header, size_t time_size)
{
    return header->n_times * time_size + header->n_times + header->n_types * TYPE + header->n_chars +
           header->n_leaps * (time_size + 4) + header->n_standard + header->n_utc;
}

static struct tph_str take(struct tph_str *rest, size_t n)
{
    struct tph_str part = tph_str_slice(*rest, 0, n);
    *rest = tph_str_slice(*rest, n, rest->len);
    return part;
}

static bool is_sound(const struct tph_zone *zone)
{
    if (zone->n_types == 0 || zone->names.len == 0 || zone->names.p[zone->names.len - 1] != '\0') {
        return false;
    }
    for (size_t i = 0; i < zone->n_times; i++) {
        if ((unsigned char)zone->indexes.p[i] >= zone->n_types) {
            return false;
        }
        if (i > 0 && read_number(zone->times, i * 8, 8) <= read_number(zone->times, i * 8 - 8, 8)) {
            return false;
        }
    }
    for (size_t i = 0; i < zone->n_types; i++) {
        if ((unsigned char)zone->types.p[i * TYPE + 5] >= zone->names.len) {
            return false;
        }
    }
    return true;
}

int tph_zone_open(struct tph_str bytes, struct tph_zone *ret)
{
    struct header header;
    if (bytes.len > TPH_LIMIT_ZONE || read_header(&bytes, &header) < 0) {
        return -1;
    }
    if (header.version < '2') { /* times of 32 bits, which no system writes alone any more */
        return -1;
    }
    size_t old = body_size(&header, 4);
    if (bytes.len < old) {
        return -1;
    }
    bytes = tph_str_slice(bytes, old, bytes.len);
    if (read_header(&bytes, &header) < 0 || bytes.len < body_size(&header, 8)) {
        return -1;
    }
    struct tph_zone zone = {.n_times = header.n_times, .n_types = header.n_types};
    zone.times = take(&bytes, header.n_times * 8);
    zone.indexes = take(&bytes, header.n_times);
    zone.types = take(&bytes, header.n_types * TYPE);
    zone.names = take(&bytes, header.n_chars);
    (void)take(&bytes, header.n_leaps * 12 + header.n_standard + header.n_utc);
    if (bytes.len > 1 && bytes.p[0] == '\n') {
        bytes = tph_str_slice(bytes, 1, bytes.len);
        ptrdiff_t end = tph_str_find_byte(bytes, '\n');
        zone.rule = tph_str_slice(bytes, 0, end < 0 ? 0 : (size_t)end);
    }
    if (!is_sound(&zone)) {
        return -1;
    }
    *ret = zone;
    return 0;
}

static void use_type(const struct tph_zone *zone, size_t type, struct tph_zone_period *ret)
{
    struct tph_str row = tph_str_slice(zone->types, type * TYPE, type * TYPE + TYPE);
    ret->offset = (int32_t)read_number(row, 0, 4);
    ret->is_dst = row.p[4] != 0;
    ret->name = tph_str(zone->names.p + (unsigned char)row.p[5]);
}

/* Before the first change: the first type that is no summer time, as Go chooses. */
static size_t first_type(const struct tph_zone *zone)
{
    for (size_t i = 0; i < zone->n_types; i++) {
        if (zone->types.p[i * TYPE + 4] == 0) {
            return i;
        }
    }
    return 0;
}

/* POSIX rules. */
struct rule_reader {
    struct tph_str rest;
    bool failed;
};

static int64_t read_digits(struct rule_reader *r)
{
    int64_t value = 0;
    size_t n = 0;
    for (; n < r->rest.len && n < 4 && r->rest.p[n] >= '0' && r->rest.p[n] <= '9'; n++) {
        value = value * 10 + (r->rest.p[n] - '0');
    }
    r->failed = r->failed || n == 0;
    r->rest = tph_str_slice(r->rest, n, r->rest.len);
    return value;
}

static bool accept(struct rule_reader *r, char c)
{
    if (r->rest.len == 0 || r->rest.p[0] != c) {
        return false;
    }
    r->rest = tph_str_slice(r->rest, 1, r->rest.len);
    return true;
}

/* [+-]h[:m[:s]] in seconds. */
static int64_t read_clock(struct rule_reader *r)
{
    bool minus = accept(r, '-');
    (void)(minus || accept(r, '+'));
    int64_t seconds = read_digits(r) * 3600;
    seconds += accept(r, ':') ? read_digits(r) * 60 : 0;
    seconds += accept(r, ':') ? read_digits(r) : 0;
    return minus ? -seconds : seconds;
}

static struct tph_str read_zone_name(struct rule_reader *r)
{
    if (accept(r, '<')) {
        ptrdiff_t end = tph_str_find_byte(r->rest, '>');
        r->failed = r->failed || end < 0;
        struct tph_str name = tph_str_slice(r->rest, 0, end < 0 ? 0 : (size_t)end);
        r->rest = tph_str_slice(r->rest, name.len + 1, r->rest.len);
        return name;
    }
    size_t n = 0;
    while (n < r->rest.len && ((r->rest.p[n] | 0x20) >= 'a' && (r->rest.p[n] | 0x20) <= 'z')) {
        n++;
    }
    r->failed = r->failed || n < 3;
    struct tph_str name = tph_str_slice(r->rest, 0, n);
    r->rest = tph_str_slice(r->rest, n, r->rest.len);
    return name;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of January of a year. */
static int64_t days_to_year(int64_t year)
{
    int64_t y = year - 1;
    int64_t q4 = y >= 0 ? y / 4 : -((3 - y) / 4);
    int64_t q100 = y >= 0 ? y / 100 : -((99 - y) / 100);
    int64_t q400 = y >= 0 ? y / 400 : -((399 - y) / 400);
    return y * 365 + q4 - q100 + q400 - 719162;
}

static int days_before_month(int64_t year, int month)
{
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return days[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

/* Mm.w.d: weekday d of week w (5: the last) of month m; Jn: day n, 29 February never counted; n: day n from 0.
 * Seconds since the year began, the clock of the day included. */
static int64_t read_date(struct rule_reader *r, int64_t year)
{
    int64_t day = 0;
    if (accept(r, 'M')) {
        int64_t month = read_digits(r);
        r->failed = r->failed || !accept(r, '.') || month < 1 || month > 12;
        int64_t week = read_digits(r);
        r->failed = r->failed || !accept(r, '.') || week < 1 || week > 5;
        int64_t weekday = read_digits(r);
        if (r->failed || weekday > 6) {
            r->failed = true;
            return 0;
        }
        int first = days_before_month(year, (int)month);
        int length = (month == 12 ? 365 + (is_leap(year) ? 1 : 0) : days_before_month(year, (int)month + 1)) - first;
        int64_t first_weekday = (days_to_year(year) + first + 4) % 7; /* 1970-01-01 was a Thursday */
        first_weekday = first_weekday < 0 ? first_weekday + 7 : first_weekday;
        int64_t in_month = (weekday - first_weekday + 7) % 7 + (week - 1) * 7;
        day = first + (in_month >= length ? in_month - 7 : in_month);
    } else if (accept(r, 'J')) {
        day = read_digits(r) - 1;
        day += is_leap(year) && day >= 59 ? 1 : 0;
    } else {
        day = read_digits(r);
    }
    return day * 86400 + (accept(r, '/') ? read_clock(r) : 7200);
}

static int64_t year_of(int64_t seconds)
{
    int64_t year = 1970 + seconds / 31556952;
    while (days_to_year(year) * 86400 > seconds) {
        year--;
    }
    while (days_to_year(year + 1) * 86400 <= seconds) {
        year++;
    }
    return year;
}

/* What the rule says of a time; false when there is no rule that can be read. */
static bool apply_rule(struct tph_str rule, int64_t last_change, int64_t seconds, struct tph_zone_period *ret)
{
    struct rule_reader r = {.rest = rule};
    if (rule.len == 0 || seconds > INT64_MAX / 4 || seconds < INT64_MIN / 4) {
        return false;
    }
    struct tph_zone_period standard = {.name = read_zone_name(&r)};
    standard.offset = (int32_t)-read_clock(&r);
    if (r.failed) {
        return false;
    }
    standard.from = last_change;
    standard.to = INT64_MAX;
    if (r.rest.len == 0) {
        *ret = standard;
        return true;
    }
    struct tph_zone_period summer = {.name = read_zone_name(&r), .is_dst = true};
    summer.offset = r.rest.len == 0 || r.rest.p[0] == ',' ? standard.offset + 3600 : (int32_t)-read_clock(&r);
    r.rest = r.rest.len == 0 ? TPH_STR(",M3.2.0,M11.1.0") : r.rest;
    int64_t year = year_of(seconds);
    int64_t start_of_year = days_to_year(year) * 86400;
    r.failed = r.failed || !accept(&r, ',');
    int64_t begin = read_date(&r, year) - standard.offset;
    r.failed = r.failed || !accept(&r, ',');
    int64_t end = read_date(&r, year) - summer.offset;
    if (r.failed || r.rest.len > 0) {
        return false;
    }
    int64_t at = seconds - start_of_year;
    struct tph_zone_period inside = summer;
    struct tph_zone_period outside = standard;
    if (end < begin) { /* the southern half */
        int64_t swap = begin;
        begin = end;
        end = swap;
        inside = standard;
        outside = summer;
    }
    int64_t length = (is_leap(year) ? 366 : 365) * INT64_C(86400);
    if (at < begin) {
        *ret = outside;
        ret->from = start_of_year;
        ret->to = start_of_year + begin;
    } else if (at >= end) {
        *ret = outside;
        ret->from = start_of_year + end;
        ret->to = start_of_year + length;
    } else {
        *ret = inside;
        ret->from = start_of_year + begin;
        ret->to = start_of_year + end;
    }
    return true;
}

void tph_zone_at(const struct tph_zone *zone, int64_t seconds, struct tph_zone_period *ret)
{
    size_t low = 0; /* changes up to here have happened */
    size_t high = zone->n_times;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (read_number(zone->times, middle * 8, 8) <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    int64_t last = low > 0 ? read_number(zone->times, low * 8 - 8, 8) : INT64_MIN;
    if (low == zone->n_times && apply_rule(zone->rule, last, seconds, ret)) {
        return;
    }
    use_type(zone, low > 0 ? (unsigned char)zone->indexes.p[low - 1] : first_type(zone), ret);
    ret->from = last;
    ret->to = low < zone->n_times ? read_number(zone->times, low * 8, 8) : INT64_MAX;
}

int tph_zone_offset_of(const struct tph_zone *zone, struct tph_str name, int64_t seconds, int32_t *ret)
{
    struct tph_zone_period type;
    struct tph_zone_period then;
    for (int pass = 0; pass < 2; pass++) { /* first one that holds at that time, else any */
        for (size_t i = 0; i < zone->n_types; i++) {
            use_type(zone, i, &type);
            if (!tph_str_eq(type.name, name)) {
                continue;
            }
            tph_zone_at(zone, (int64_t)((uint64_t)seconds - (uint64_t)(int64_t)type.offset), &then);
            if (pass == 1 || tph_str_eq(then.name, name)) {
                *ret = pass == 1 ? type.offset : then.offset;
                return 0;
            }
        }
    }
    return -1;
}

/* Names are relative paths that do not climb. */
static bool is_name(struct tph_str name)
{
    if (name.len == 0 || name.len > 255 || name.p[0] == '/' || name.p[0] == '\\' || memchr(name.p, '\0', name.len)) {
        return false;
    }
    struct tph_str part;
    while (tph_str_cut(&name, '/', &part)) {
        if (tph_str_eqz(part, "..")) {
            return false;
        }
    }
    return true;
}

int tph_zone_read_file(struct tph_str name, struct tph_buf *bytes)
{
    static const char *const directories[] = {"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ",
                                              "/etc/zoneinfo"};
    for (size_t i = 0; is_name(name) && i < sizeof(directories) / sizeof(directories[0]); i++) {
        char path[512];
        struct tph_error err = TPH_ERROR_INIT;
        (void)snprintf(path, sizeof(path), "%s/%.*s", directories[i], TPH_FMT(name));
        tph_buf_clear(bytes);
        if (tph_fd_read_file(path, bytes, &err) == 0) {
            return 0;
        }
    }
    return -1;
}
