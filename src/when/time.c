/* SPDX-License-Identifier: Apache-2.0 */
/* Dates among texts: the layouts that the library tries, read by Go's rules for each element. Texts without a zone are
 * UTC. */
#include "when/internal.h"

struct date {
    int64_t year;
    int month, day, hour, minute, second;
    int offset; /* seconds east of UTC */
    bool pm_set, pm;
};

struct at {
    struct tph_str rest;
    struct date date;
};

static const char MONTHS[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char DAYS[] = "sunmontuewedthufrisat";

static char peek(const struct at *a, size_t i)
{
    return i < a->rest.len ? a->rest.p[i] : '\0';
}

static void skip(struct at *a, size_t n)
{
    a->rest = tph_str_slice(a->rest, n, a->rest.len);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One or two digits from low to high; two where `fixed` wants it. */
static bool read_two(struct at *a, bool fixed, int high, int *ret)
{
    if (!is_digit(peek(a, 0)) || (fixed && !is_digit(peek(a, 1)))) {
        return false;
    }
    int value = peek(a, 0) - '0';
    bool two = is_digit(peek(a, 1));
    if (two) {
        value = value * 10 + (peek(a, 1) - '0');
    }
    skip(a, two ? 2 : 1);
    *ret = value;
    return value <= high;
}

/* The number of a three-letter name in names; -1 for none. */
static int read_name(struct at *a, const char *names)
{
    for (int i = 0; names[i * 3]; i++) {
        bool same = true;
        for (int j = 0; j < 3; j++) {
            same = same && (peek(a, (size_t)j) | 0x20) == names[i * 3 + j];
        }
        if (same) {
            skip(a, 3);
            return i;
        }
    }
    return -1;
}

static bool read_year(struct at *a)
{
    a->date.year = 0;
    for (size_t i = 0; i < 4; i++) {
        if (!is_digit(peek(a, i))) {
            return false;
        }
        a->date.year = a->date.year * 10 + (peek(a, i) - '0');
    }
    skip(a, 4);
    return true;
}

/* +hh:mm or +hhmm. */
static bool read_offset(struct at *a, bool colon)
{
    char sign = peek(a, 0);
    int hours = 0;
    int minutes = 0;
    if (sign != '+' && sign != '-') {
        return false;
    }
    skip(a, 1);
    if (!read_two(a, true, 24, &hours) || (colon && peek(a, 0) != ':')) {
        return false;
    }
    skip(a, colon);
    if (!read_two(a, true, 59, &minutes)) {
        return false;
    }
    a->date.offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

/* UTC or another abbreviation, which Go takes for UTC where it knows none of that name. */
static bool read_zone_name(struct at *a)
{
    size_t n = 0;
    while (peek(a, n) >= 'A' && peek(a, n) <= 'Z') {
        n++;
    }
    if (n != 3 && (n != 4 || peek(a, 3) != 'T')) {
        return false;
    }
    skip(a, n);
    return true;
}

static bool read_second(struct at *a)
{
    if (!read_two(a, true, 59, &a->date.second)) {
        return false;
    }
    if ((peek(a, 0) == '.' || peek(a, 0) == ',') && is_digit(peek(a, 1))) {
        skip(a, 1);
        while (is_digit(peek(a, 0))) {
            skip(a, 1);
        }
    }
    return true;
}

static bool read_half(struct at *a)
{
    bool good = (peek(a, 0) == 'A' || peek(a, 0) == 'P') && peek(a, 1) == 'M';
    a->date.pm_set = true;
    a->date.pm = peek(a, 0) == 'P';
    skip(a, 2);
    return good;
}

/* Elements: y year, b month by name, m month, d day of two digits, e day, a weekday, H hour, I hour of twelve, M
 * minute, S second, p AM or PM, Z zone name, z +hhmm, ; +hh:mm, c a colon, x Z or +hhmm, X Z or +hh:mm; the rest stands
 * for itself. */
static bool read_element(struct at *a, char element)
{
    int name = 0;
    switch (element) {
    case 'y':
        return read_year(a);
    case 'b':
        name = read_name(a, MONTHS);
        a->date.month = name + 1;
        return name >= 0;
    case 'm':
        return read_two(a, true, 12, &a->date.month) && a->date.month > 0;
    case 'd':
        return read_two(a, true, 31, &a->date.day) && a->date.day > 0;
    case 'e':
        skip(a, peek(a, 0) == ' ');
        return read_two(a, false, 31, &a->date.day) && a->date.day > 0;
    case 'a':
        return read_name(a, DAYS) >= 0;
    case 'H':
        return read_two(a, false, 23, &a->date.hour);
    case 'I':
        return read_two(a, false, 12, &a->date.hour);
    case 'M':
        return read_two(a, true, 59, &a->date.minute);
    case 'S':
        return read_second(a);
    case 'p':
        return read_half(a);
    case 'Z':
        return read_zone_name(a);
    case 'z':
    case ';':
        return read_offset(a, element == ';');
    case 'x':
    case 'X':
        if (peek(a, 0) == 'Z') {
            skip(a, 1);
            return true;
        }
        return read_offset(a, element == 'X');
    case ' ': /* as many as there are */
        if (a->rest.len > 0 && peek(a, 0) != ' ') {
            return false;
        }
        while (peek(a, 0) == ' ') {
            skip(a, 1);
        }
        return true;
    case 'c':
        element = ':';
        break;
    default:
        break;
    }
    bool same = a->rest.len > 0 && peek(a, 0) == element;
    skip(a, 1);
    return same;
}

static int days_in(int month, int64_t year)
{
    static const char DAYS_IN[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return DAYS_IN[month - 1] + (month == 2 && leap);
}

/* Days since 1970 of the proleptic Gregorian calendar; years begin in March here. */
static int64_t days_since_1970(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_layout(struct tph_str text, const char *layout, int64_t *ret_seconds)
{
    struct at a = {.rest = text, .date = {.month = 1, .day = 1}};
    for (; *layout; layout++) {
        if (!read_element(&a, *layout)) {
            return false;
        }
    }
    struct date *date = &a.date;
    if (a.rest.len > 0 || date->day > days_in(date->month, date->year)) {
        return false;
    }
    if (date->pm_set) {
        date->hour = date->hour % 12 + (date->pm ? 12 : 0);
    }
    int64_t seconds = (date->hour * 60 + date->minute) * INT64_C(60) + date->second - date->offset;
    *ret_seconds = days_since_1970(date->year, date->month, date->day) * 86400 + seconds;
    return true;
}

bool when_read_time(struct tph_str text, int64_t *ret_seconds)
{
    static const char *const layouts[] = {
        "a b e HcMcS y", "a b e HcMcS Z y", "a b d HcMcS z y", "IcMp",     "y-m-dTHcMcSX", "y-m-d",
        "y-m-d HcM",     "y-m-d HcMcS",     "y-m-d HcMcS;",    "y-m-dTHx", "y-m-dTHcMx",   "y-m-dTHcMcSx",
    };
    if (text.len < 5 || text.len > 128) {
        return false; /* no layout is shorter; only a fraction could make one this long */
    }
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        if (read_layout(text, layouts[i], ret_seconds)) {
            return true;
        }
    }
    return false;
}
