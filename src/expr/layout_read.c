/* SPDX-License-Identifier: Apache-2.0 */
/* Times read by a layout, with what Go lets pass: an hour of one digit, a fraction that the layout does not have,
 * offsets of 24 hours. */
#include <string.h>

#include "data/quote.h"
#include "expr/time.h"

struct fields {
    int64_t year;
    int month, day, year_day; /* -1: not there */
    int hour, minute, second;
    int32_t ns;
    bool am, pm;
    bool is_utc;
    bool has_offset;
    int32_t offset;
    struct tph_str zone;
};

enum outcome { GOOD, BAD };

struct reader {
    struct tph_str value;     /* what is left */
    const char *out_of_range; /* which field is; NULL: none */
    struct fields f;
};

static bool is_digit(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] >= '0' && text.p[at] <= '9';
}

static void skip(struct reader *r, size_t n)
{
    r->value = tph_str_slice(r->value, n, r->value.len);
}

static struct tph_str without_blanks(struct tph_str text)
{
    size_t n = 0;
    while (n < text.len && text.p[n] == ' ') {
        n++;
    }
    return tph_str_slice(text, n, text.len);
}

/* Text between elements: blanks match any number of them, or the end. */
static enum outcome take_text(struct reader *r, struct tph_str text)
{
    while (text.len > 0) {
        if (text.p[0] == ' ') {
            if (r->value.len > 0 && r->value.p[0] != ' ') {
                return BAD;
            }
            text = without_blanks(text);
            r->value = without_blanks(r->value);
            continue;
        }
        if (r->value.len == 0 || r->value.p[0] != text.p[0]) {
            return BAD;
        }
        text = tph_str_slice(text, 1, text.len);
        skip(r, 1);
    }
    return GOOD;
}

/* Up to `most` digits, all of them where it is `fixed`. */
static enum outcome take_digits(struct reader *r, size_t most, bool fixed, int *ret)
{
    int value = 0;
    size_t n = 0;
    for (; n < most && is_digit(r->value, n); n++) {
        value = value * 10 + (r->value.p[n] - '0');
    }
    if (n == 0 || (fixed && n != most)) {
        return BAD;
    }
    skip(r, n);
    *ret = value;
    return GOOD;
}

static enum outcome take_ranged(struct reader *r, bool fixed, int first, int last, const char *name, int *ret)
{
    if (take_digits(r, 2, fixed, ret) == BAD) {
        return BAD;
    }
    if (*ret < first || *ret > last) {
        r->out_of_range = name;
    }
    return GOOD;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static enum outcome take_name(struct reader *r, const char *(*name_of)(int), int first, int last, bool is_short,
                              int *ret)
{
    for (int i = first; i <= last; i++) {
        const char *name = name_of(i);
        size_t n = is_short ? 3 : strlen(name);
        size_t same = 0;
        while (same < n && same < r->value.len && fold(name[same]) == fold(r->value.p[same])) {
            same++;
        }
        if (same == n) {
            skip(r, n);
            *ret = i;
            return GOOD;
        }
    }
    return BAD;
}

/* The last two digits: 69 to 99 are of the last century. A sign is a digit to Go. */
static enum outcome take_short_year(struct reader *r)
{
    bool sign = r->value.len > 0 && (r->value.p[0] == '+' || r->value.p[0] == '-');
    if (r->value.len < 2 || (!sign && !is_digit(r->value, 0)) || !is_digit(r->value, 1)) {
        return BAD;
    }
    int tens = sign ? 0 : r->value.p[0] - '0';
    int year = tens * 10 + (r->value.p[1] - '0');
    year = sign && r->value.p[0] == '-' ? -year : year;
    r->f.year = year + (year >= 69 ? 1900 : 2000);
    skip(r, 2);
    return GOOD;
}

/* n bytes: a point or comma and digits, of which nine count. */
static enum outcome take_fraction(struct reader *r, size_t n)
{
    if (r->value.len < n || n < 2 || (r->value.p[0] != '.' && r->value.p[0] != ',')) {
        return BAD;
    }
    int32_t ns = 0;
    int32_t weight = 100000000;
    for (size_t i = 1; i < n && i < 10; i++, weight /= 10) {
        if (!is_digit(r->value, i)) {
            return BAD;
        }
        ns += weight * (r->value.p[i] - '0');
    }
    r->f.ns = ns;
    skip(r, n);
    return GOOD;
}

static size_t fraction_length(const struct reader *r)
{
    if (r->value.len < 2 || (r->value.p[0] != '.' && r->value.p[0] != ',') || !is_digit(r->value, 1)) {
        return 0;
    }
    size_t n = 2;
    while (is_digit(r->value, n)) {
        n++;
    }
    return n;
}

static enum outcome take_second(struct reader *r, bool fixed, struct tph_str layout)
{
    if (take_ranged(r, fixed, 0, 59, "second", &r->f.second) == BAD) {
        return BAD;
    }
    size_t n = fraction_length(r);
    if (r->out_of_range || n == 0) {
        return GOOD;
    }
    struct tph_str before;
    struct tph_str spelt;
    enum expr_layout_element next = expr_next_element(&layout, &before, &spelt);
    bool expected = next == EXPR_LAYOUT_FRACTION_ZEROS || next == EXPR_LAYOUT_FRACTION_NINES;
    return expected ? GOOD : take_fraction(r, n);
}

static enum outcome take_pm(struct reader *r, const char *pm, const char *am)
{
    struct tph_str two = tph_str_slice(r->value, 0, 2);
    r->f.pm = r->f.pm || tph_str_eqz(two, pm);
    r->f.am = r->f.am || tph_str_eqz(two, am);
    if (!tph_str_eqz(two, pm) && !tph_str_eqz(two, am)) {
        return BAD;
    }
    skip(r, 2);
    return GOOD;
}

/* +01:00 in the form that `spelt` has. Twenty-four hours and sixty minutes are let pass. */
static enum outcome take_offset(struct reader *r, struct tph_str spelt)
{
    static const struct {
        const char *name;
        int most;
    } parts[] = {{"time zone offset hour", 24}, {"time zone offset minute", 60}, {"time zone offset second", 60}};
    struct tph_str text = tph_str_slice(r->value, 0, spelt.len);
    enum outcome outcome = GOOD;
    int values[3] = {0, 0, 0};
    if (text.len < spelt.len) {
        return BAD;
    }
    for (size_t i = 1; i < spelt.len; i++) {
        if (spelt.p[i] == ':' && text.p[i] != ':') {
            return BAD;
        }
    }
    size_t at = 1;
    for (size_t i = 0; at < spelt.len; i++) {
        at += spelt.p[at] == ':';
        if (outcome == BAD || !is_digit(text, at) || !is_digit(text, at + 1)) {
            outcome = BAD; /* but what was read before still counts */
        } else {
            values[i] = (text.p[at] - '0') * 10 + (text.p[at + 1] - '0');
            r->out_of_range = values[i] > parts[i].most ? parts[i].name : r->out_of_range;
        }
        at += 2;
    }
    skip(r, spelt.len);
    r->f.has_offset = true;
    r->f.offset = (values[0] * 60 + values[1]) * 60 + values[2];
    r->f.offset = text.p[0] == '-' ? -r->f.offset : r->f.offset;
    return text.p[0] == '-' || text.p[0] == '+' ? outcome : BAD;
}

/* +3, -11: its length, or 0. */
static size_t signed_hours(struct tph_str text)
{
    if (text.len == 0 || (text.p[0] != '+' && text.p[0] != '-')) {
        return 0;
    }
    size_t n = 1;
    int value = 0;
    for (; is_digit(text, n); n++) {
        value = value < 1000 ? value * 10 + (text.p[n] - '0') : value;
    }
    return n == 1 || value > 23 ? 0 : n;
}

/* What looks like the abbreviation of a zone: its length, or 0. */
static size_t zone_name_length(struct tph_str text)
{
    if (text.len < 3) {
        return 0;
    }
    if (tph_str_has_prefix(text, TPH_STR("ChST")) || tph_str_has_prefix(text, TPH_STR("MeST"))) {
        return 4;
    }
    if (tph_str_has_prefix(text, TPH_STR("GMT"))) {
        return 3 + signed_hours(tph_str_slice(text, 3, text.len));
    }
    if (text.p[0] == '+' || text.p[0] == '-') {
        return signed_hours(text);
    }
    size_t n = 0;
    while (n < 6 && n < text.len && text.p[n] >= 'A' && text.p[n] <= 'Z') {
        n++;
    }
    bool good = n == 3 || (n == 4 && (text.p[3] == 'T' || tph_str_has_prefix(text, TPH_STR("WITA")))) ||
                (n == 5 && text.p[4] == 'T');
    return good ? n : 0;
}

static enum outcome take_zone_name(struct reader *r)
{
    if (tph_str_has_prefix(r->value, TPH_STR("UTC"))) {
        r->f.is_utc = true;
        skip(r, 3);
        return GOOD;
    }
    size_t n = zone_name_length(r->value);
    r->f.zone = tph_str_slice(r->value, 0, n);
    skip(r, n);
    return n > 0 ? GOOD : BAD;
}

static void skip_blanks(struct reader *r, size_t most)
{
    for (size_t i = 0; i < most && r->value.len > 0 && r->value.p[0] == ' '; i++) {
        skip(r, 1);
    }
}

static enum outcome take_long_year(struct reader *r)
{
    int year = 0;
    if (take_digits(r, 4, true, &year) == BAD) {
        return BAD;
    }
    r->f.year = year;
    return GOOD;
}

static enum outcome take_date_element(struct reader *r, enum expr_layout_element element)
{
    int weekday = 0;
    switch (element) {
    case EXPR_LAYOUT_LONG_MONTH:
    case EXPR_LAYOUT_MONTH:
        return take_name(r, tph_expr_month_name, 1, 12, element == EXPR_LAYOUT_MONTH, &r->f.month);
    case EXPR_LAYOUT_NUM_MONTH:
    case EXPR_LAYOUT_ZERO_MONTH:
        return take_ranged(r, element == EXPR_LAYOUT_ZERO_MONTH, 1, 12, "month", &r->f.month);
    case EXPR_LAYOUT_LONG_WEEKDAY:
    case EXPR_LAYOUT_WEEKDAY:
        return take_name(r, tph_expr_weekday_name, 0, 6, element == EXPR_LAYOUT_WEEKDAY, &weekday);
    case EXPR_LAYOUT_UNDER_DAY:
        skip_blanks(r, 1);
        return take_digits(r, 2, false, &r->f.day);
    case EXPR_LAYOUT_DAY:
    case EXPR_LAYOUT_ZERO_DAY:
        return take_digits(r, 2, element == EXPR_LAYOUT_ZERO_DAY, &r->f.day);
    case EXPR_LAYOUT_UNDER_YEAR_DAY:
        skip_blanks(r, 2);
        return take_digits(r, 3, false, &r->f.year_day);
    case EXPR_LAYOUT_ZERO_YEAR_DAY:
        return take_digits(r, 3, true, &r->f.year_day);
    case EXPR_LAYOUT_LONG_YEAR:
        return take_long_year(r);
    default:
        return take_short_year(r);
    }
}

static enum outcome take_element(struct reader *r, enum expr_layout_element element, struct tph_str spelt,
                                 struct tph_str layout)
{
    switch (element) {
    case EXPR_LAYOUT_HOUR:
        return take_ranged(r, false, 0, 23, "hour", &r->f.hour);
    case EXPR_LAYOUT_HOUR12:
    case EXPR_LAYOUT_ZERO_HOUR12:
        return take_ranged(r, element == EXPR_LAYOUT_ZERO_HOUR12, 0, 12, "hour", &r->f.hour);
    case EXPR_LAYOUT_MINUTE:
    case EXPR_LAYOUT_ZERO_MINUTE:
        return take_ranged(r, element == EXPR_LAYOUT_ZERO_MINUTE, 0, 59, "minute", &r->f.minute);
    case EXPR_LAYOUT_SECOND:
    case EXPR_LAYOUT_ZERO_SECOND:
        return take_second(r, element == EXPR_LAYOUT_ZERO_SECOND, layout);
    case EXPR_LAYOUT_UPPER_PM:
        return take_pm(r, "PM", "AM");
    case EXPR_LAYOUT_LOWER_PM:
        return take_pm(r, "pm", "am");
    case EXPR_LAYOUT_ISO_ZONE:
        if (r->value.len > 0 && r->value.p[0] == 'Z') {
            r->f.is_utc = true;
            skip(r, 1);
            return GOOD;
        }
        return take_offset(r, spelt);
    case EXPR_LAYOUT_NUM_ZONE:
        return take_offset(r, spelt);
    case EXPR_LAYOUT_ZONE_NAME:
        return take_zone_name(r);
    case EXPR_LAYOUT_FRACTION_ZEROS:
        return take_fraction(r, spelt.len);
    case EXPR_LAYOUT_FRACTION_NINES: {
        size_t n = fraction_length(r);
        return n > 0 ? take_fraction(r, n) : GOOD;
    }
    default:
        return take_date_element(r, element);
    }
}

static int refuse(struct tph_str text, struct tph_str layout, struct tph_str value, struct tph_str element,
                  struct tph_buf *problem)
{
    (void)tph_buf_puts(problem, "parsing time ");
    tph_quote_time(text, problem);
    (void)tph_buf_puts(problem, " as ");
    tph_quote_time(layout, problem);
    (void)tph_buf_puts(problem, ": cannot parse ");
    tph_quote_time(value, problem);
    (void)tph_buf_puts(problem, " as ");
    tph_quote_time(element, problem);
    return -1;
}

static int refuse_because(struct tph_str text, const char *why, struct tph_buf *problem)
{
    (void)tph_buf_puts(problem, "parsing time ");
    tph_quote_time(text, problem);
    (void)tph_buf_printf(problem, ": %s", why);
    return -1;
}

static int read_fields(struct reader *r, struct tph_str layout, struct tph_str text, struct tph_buf *problem)
{
    struct tph_str rest = layout;
    for (;;) {
        struct tph_str before;
        struct tph_str spelt;
        enum expr_layout_element element = expr_next_element(&rest, &before, &spelt);
        if (take_text(r, before) == BAD) {
            return refuse(text, layout, r->value, before, problem);
        }
        if (element == EXPR_LAYOUT_END) {
            break;
        }
        struct tph_str held = r->value;
        enum outcome outcome = take_element(r, element, spelt, rest);
        if (r->out_of_range) {
            (void)refuse_because(text, r->out_of_range, problem);
            (void)tph_buf_puts(problem, " out of range");
            return -1;
        }
        if (outcome == BAD) {
            return refuse(text, layout, held, spelt, problem);
        }
    }
    if (r->value.len > 0) {
        (void)refuse_because(text, "extra text: ", problem);
        tph_quote_time(r->value, problem);
        return -1;
    }
    return 0;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* The day of the year as month and day, which must agree with those that were there. */
static const char *use_year_day(struct fields *f)
{
    int left = f->year_day;
    int month = 1;
    if (left < 1 || left > (is_leap(f->year) ? 366 : 365)) {
        return "day-of-year out of range";
    }
    while (left > days_in(f->year, month)) {
        left -= days_in(f->year, month++);
    }
    if (f->month >= 0 && f->month != month) {
        return "day-of-year does not match month";
    }
    if (f->day >= 0 && f->day != left) {
        return "day-of-year does not match day";
    }
    f->month = month;
    f->day = left;
    return NULL;
}

static const char *complete(struct fields *f)
{
    if (f->pm && f->hour < 12) {
        f->hour += 12;
    } else if (f->am && f->hour == 12) {
        f->hour = 0;
    }
    const char *why = f->year_day >= 0 ? use_year_day(f) : NULL;
    if (why) {
        return why;
    }
    f->month = f->month < 0 ? 1 : f->month;
    f->day = f->day < 0 ? 1 : f->day;
    return f->day < 1 || f->day > days_in(f->year, f->month) ? "day out of range" : NULL;
}

static int make_fixed(struct tph_expr_memory *memory, struct tph_str name, int32_t offset,
                      const struct tph_expr_location **ret)
{
    struct tph_expr_location *location = tph_expr_alloc(memory, sizeof(*location));
    struct tph_expr_value kept = TPH_EXPR_VALUE_NIL;
    if (!location || tph_expr_copy(memory, name, &kept) < 0) {
        return -1;
    }
    *location = (struct tph_expr_location){.name = kept.str, .is_fixed = true, .offset = offset};
    *ret = location;
    return 0;
}

static int32_t gmt_offset(struct tph_str zone)
{
    int hours = 0;
    for (size_t i = 4; i < zone.len && tph_str_has_prefix(zone, TPH_STR("GMT")); i++) {
        hours = hours * 10 + (zone.p[i] - '0');
    }
    return (zone.len > 3 && zone.p[3] == '-' ? -hours : hours) * 3600;
}

/* The zone that was named or whose offset was given, best the local one. */
static int find_location(struct tph_expr_memory *memory, const struct fields *f, int64_t *seconds,
                         const struct tph_expr_location **location)
{
    struct tph_expr_time moment = {.location = *location};
    struct tph_expr_calendar there;
    if (f->has_offset) {
        *seconds -= f->offset;
        moment.seconds = *seconds;
        tph_expr_calendar(&moment, &there);
        bool fits = there.offset == f->offset && (f->zone.len == 0 || tph_str_eq(there.zone, f->zone));
        return fits ? 0 : make_fixed(memory, f->zone, f->offset, location);
    }
    int32_t offset = 0;
    if (*location && !(*location)->is_fixed &&
        tph_zone_offset_of(&(*location)->zone, f->zone, *seconds, &offset) == 0) {
        *seconds -= offset;
        return 0;
    }
    if (tph_str_eq(tph_expr_location_name(*location), f->zone)) {
        *seconds -= *location ? (*location)->offset : 0;
        return 0;
    }
    return make_fixed(memory, f->zone, gmt_offset(f->zone), location);
}

int tph_expr_time_read(struct tph_expr_memory *memory, struct tph_str layout, struct tph_str text,
                       const struct tph_expr_location *location, struct tph_expr_value *ret, struct tph_buf *problem)
{
    struct reader r = {.value = text, .f = {.month = -1, .day = -1, .year_day = -1}};
    if (read_fields(&r, layout, text, problem) < 0) {
        return -1;
    }
    struct fields *f = &r.f;
    const char *why = complete(f);
    if (why) {
        return refuse_because(text, why, problem);
    }
    if (f->is_utc) {
        location = NULL;
    }
    bool named = !f->is_utc && (f->has_offset || f->zone.len > 0);
    int64_t seconds =
        tph_expr_from_calendar(f->year, f->month, f->day, f->hour, f->minute, f->second, named ? NULL : location);
    if (named && find_location(memory, f, &seconds, &location) < 0) {
        return -1;
    }
    return tph_expr_time_new(memory, seconds, f->ns, location, ret);
}
