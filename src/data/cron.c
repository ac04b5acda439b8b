/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of schedules. */
#include "data/cron.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "data/cron_internal.h"
#include "data/duration.h"
#include "data/quote.h"
#include "data/unicode.h"

struct bounds {
    int64_t least, most;
    const char *const *names; /* of the values from least on, ended by NULL; NULL: none */
};

static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const WEEKDAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct bounds BOUNDS[CRON_FIELDS] = {
    {0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, MONTHS}, {0, 6, WEEKDAYS}};

enum { PARTS_MAX = 3 }; /* one more than any text may have */

/* The parts between separators, up to PARTS_MAX. */
static size_t split(struct tph_str text, char separator, struct tph_str parts[PARTS_MAX])
{
    size_t n = 0;
    while (n < PARTS_MAX && tph_str_cut(&text, separator, &parts[n])) {
        n++;
    }
    return n;
}

static int refuse_int(struct tph_str text, const char *why, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(64));
    tph_quote_go(text, &quoted);
    return tph_error_set(err, TPH_ERROR_INVALID, "failed to parse int from %.*s: strconv.Atoi: parsing %s: %s",
                         TPH_FMT(text), tph_buf_cstr(&quoted), why);
}

static int read_int(struct tph_str text, int64_t *ret_value, struct tph_error *err)
{
    bool sign = text.len > 0 && (text.p[0] == '+' || text.p[0] == '-');
    struct tph_str digits = tph_str_slice(text, sign ? 1 : 0, text.len);
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return refuse_int(text, "invalid syntax", err);
        }
    }
    if (digits.len == 0) {
        return refuse_int(text, "invalid syntax", err);
    }
    if (tph_str_to_i64(text.p[0] == '-' ? text : digits, &value) < 0) {
        return refuse_int(text, "value out of range", err);
    }
    if (value < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "negative number (%lld) not allowed: %.*s", (long long)value,
                             TPH_FMT(text));
    }
    *ret_value = value;
    return 0;
}

static int read_value(struct tph_str text, const struct bounds *bounds, int64_t *ret_value, struct tph_error *err)
{
    for (size_t i = 0; bounds->names && bounds->names[i]; i++) {
        if (text.len == strlen(bounds->names[i]) && strncasecmp(text.p, bounds->names[i], text.len) == 0) {
            *ret_value = bounds->least + (int64_t)i;
            return 0;
        }
    }
    return read_int(text, ret_value, err);
}

struct range {
    int64_t first, last, step;
    bool any;
};

/* What stands before the step: "*", "1", "1-5". */
static int read_ends(struct tph_str text, struct tph_str whole, const struct bounds *bounds, struct range *range,
                     bool *ret_single, struct tph_error *err)
{
    struct tph_str ends[PARTS_MAX];
    size_t n = split(text, '-', ends);
    *ret_single = n == 1;
    if (tph_str_eqz(ends[0], "*") || tph_str_eqz(ends[0], "?")) {
        *range = (struct range){.first = bounds->least, .last = bounds->most, .any = true};
        return 0;
    }
    if (read_value(ends[0], bounds, &range->first, err) < 0) {
        return -1;
    }
    range->last = range->first;
    if (n > 2) {
        return tph_error_set(err, TPH_ERROR_INVALID, "too many hyphens: %.*s", TPH_FMT(whole));
    }
    return n == 2 ? read_value(ends[1], bounds, &range->last, err) : 0;
}

static int check_range(const struct range *range, struct tph_str text, const struct bounds *bounds,
                       struct tph_error *err)
{
    if (range->first < bounds->least) {
        return tph_error_set(err, TPH_ERROR_INVALID, "beginning of range (%lld) below minimum (%lld): %.*s",
                             (long long)range->first, (long long)bounds->least, TPH_FMT(text));
    }
    if (range->last > bounds->most) {
        return tph_error_set(err, TPH_ERROR_INVALID, "end of range (%lld) above maximum (%lld): %.*s",
                             (long long)range->last, (long long)bounds->most, TPH_FMT(text));
    }
    if (range->first > range->last) {
        return tph_error_set(err, TPH_ERROR_INVALID, "beginning of range (%lld) beyond end of range (%lld): %.*s",
                             (long long)range->first, (long long)range->last, TPH_FMT(text));
    }
    if (range->step == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "step of range should be a positive number: %.*s", TPH_FMT(text));
    }
    return 0;
}

/* "1-5/2". A step behind one value goes on to the end; one above 1 makes a star none. */
static int read_range(struct tph_cron *cron, enum cron_field field, struct tph_str text, struct tph_error *err)
{
    const struct bounds *bounds = &BOUNDS[field];
    struct tph_str parts[PARTS_MAX];
    size_t n = split(text, '/', parts);
    struct range range = {.step = 1};
    bool single = false;
    if (read_ends(parts[0], text, bounds, &range, &single, err) < 0) {
        return -1;
    }
    range.step = 1;
    if (n > 2) {
        return tph_error_set(err, TPH_ERROR_INVALID, "too many slashes: %.*s", TPH_FMT(text));
    }
    if (n == 2) {
        if (read_int(parts[1], &range.step, err) < 0) {
            return -1;
        }
        range.last = single ? bounds->most : range.last;
        range.any = range.any && range.step <= 1;
    }
    if (check_range(&range, text, bounds, err) < 0) {
        return -1;
    }
    for (int64_t i = range.first; i <= range.last; i++) {
        cron->bits[field] |= (i - range.first) % range.step == 0 ? UINT64_C(1) << i : 0;
    }
    cron->any[field] = cron->any[field] || range.any;
    return 0;
}

static int read_field(struct tph_cron *cron, enum cron_field field, struct tph_str text, struct tph_error *err)
{
    struct tph_str part;
    while (tph_str_cut(&text, ',', &part)) {
        if (part.len > 0 && read_range(cron, field, part, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes the next word off the front, as Go's strings.Fields finds them. */
static bool next_word(struct tph_str *rest, struct tph_str *ret_word)
{
    size_t start = SIZE_MAX;
    size_t at = 0;
    while (at < rest->len) {
        uint32_t rune = 0;
        size_t len = tph_utf8_decode(tph_str_slice(*rest, at, rest->len), &rune);
        bool space = tph_unicode_is_space(rune);
        if (space && start != SIZE_MAX) {
            break;
        }
        start = space || start != SIZE_MAX ? start : at;
        at += len;
    }
    if (start == SIZE_MAX) {
        return false;
    }
    *ret_word = tph_str_slice(*rest, start, at);
    *rest = tph_str_slice(*rest, at, rest->len);
    return true;
}

static int read_fields(struct tph_cron *cron, struct tph_str text, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf words = TPH_BUF_INIT(2 * TPH_LIMIT_CRON);
    struct tph_str fields[CRON_FIELDS] = {{NULL, 0}};
    struct tph_str word;
    size_t n = 0;
    while (next_word(&text, &word)) {
        (void)tph_buf_printf(&words, "%s%.*s", n > 0 ? " " : "", TPH_FMT(word));
        if (n < CRON_FIELDS) {
            fields[n] = word;
        }
        n++;
    }
    if (n != CRON_FIELDS) {
        return tph_error_set(err, TPH_ERROR_INVALID, "expected exactly %d fields, found %zu: [%s]", CRON_FIELDS, n,
                             tph_buf_cstr(&words));
    }
    for (size_t i = 0; i < CRON_FIELDS; i++) {
        if (read_field(cron, (enum cron_field)i, fields[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_every(struct tph_cron *cron, struct tph_str text, struct tph_str length, struct tph_error *err)
{
    static const int64_t SECOND = 1000000000;
    struct tph_error why = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (tph_duration_parse_go(length, &ns, &why) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "failed to parse duration %.*s: %s", TPH_FMT(text), why.text);
    }
    cron->every_s = ns < SECOND ? 1 : ns / SECOND;
    return 0;
}

static int read_descriptor(struct tph_cron *cron, struct tph_str text, struct tph_error *err)
{
    static const struct {
        const char *name, *fields;
    } KNOWN[] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
                 {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
                 {"@hourly", "0 * * * *"}};
    static const struct tph_str EVERY = {"@every ", 7};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (tph_str_eqz(text, KNOWN[i].name)) {
            return read_fields(cron, tph_str(KNOWN[i].fields), err);
        }
    }
    if (tph_str_has_prefix(text, EVERY)) {
        return read_every(cron, text, tph_str_slice(text, EVERY.len, text.len), err);
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "unrecognized descriptor: %.*s", TPH_FMT(text));
}

static bool is_zone_name(struct tph_str name)
{
    struct tph_str part;
    bool fine = name.p[0] != '/' && name.p[0] != '\\';
    while (fine && tph_str_cut(&name, '/', &part)) {
        fine = !tph_str_eqz(part, "..");
    }
    return fine;
}

/* Leaves zone empty, without types, where it is UTC. */
static int open_zone(struct tph_str name, tph_cron_zone_fn *read_zone, struct tph_buf *bytes, struct tph_zone *zone,
                     struct tph_error *err)
{
    if (name.len == 0 || tph_str_eqz(name, "UTC") || tph_str_eqz(name, "Local")) {
        return 0;
    }
    if (!is_zone_name(name)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "time: invalid location name");
    }
    if (read_zone(name, bytes) < 0 || tph_zone_open(tph_buf_str(bytes), zone) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "unknown time zone %.*s", TPH_FMT(name));
    }
    return 0;
}

int tph_cron_check_zone(struct tph_str name, tph_cron_zone_fn *read_zone, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    struct tph_zone zone = {.n_types = 0};
    return open_zone(name, read_zone, &bytes, &zone, err);
}

static int set_zone(struct tph_cron *cron, struct tph_str name, tph_cron_zone_fn *read_zone, struct tph_error *err)
{
    struct tph_error why = TPH_ERROR_INIT;
    if (open_zone(name, read_zone, &cron->zone_bytes, &cron->zone, &why) < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "provided bad location %.*s: %s", TPH_FMT(name), why.text);
    }
    cron->has_zone = cron->zone.n_types > 0;
    return 0;
}

/* Takes "TZ=Asia/Tokyo" off the front. */
static int take_zone(struct tph_cron *cron, struct tph_str *text, tph_cron_zone_fn *read_zone, struct tph_error *err)
{
    bool named = tph_str_has_prefix(*text, TPH_STR("TZ=")) || tph_str_has_prefix(*text, TPH_STR("CRON_TZ="));
    ptrdiff_t blank = tph_str_find_byte(*text, ' ');
    ptrdiff_t equals = tph_str_find_byte(*text, '=');
    if (!named) {
        return 0;
    }
    if (blank < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "a time zone is followed by a blank and the schedule: %.*s",
                             TPH_FMT(*text));
    }
    if (set_zone(cron, tph_str_slice(*text, (size_t)equals + 1, (size_t)blank), read_zone, err) < 0) {
        return -1;
    }
    *text = tph_str_trim(tph_str_slice(*text, (size_t)blank, text->len));
    return 0;
}

static int parse(struct tph_cron *cron, struct tph_str text, struct tph_str timezone, tph_cron_zone_fn *read_zone,
                 struct tph_error *err)
{
    if (timezone.len > 0) {
        if (set_zone(cron, timezone, read_zone, err) < 0) {
            return -1;
        }
        text = tph_str_trim(text);
    } else if (text.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "empty spec string");
    } else if (take_zone(cron, &text, read_zone, err) < 0) {
        return -1;
    }
    return text.len > 0 && text.p[0] == '@' ? read_descriptor(cron, text, err) : read_fields(cron, text, err);
}

int tph_cron_parse(struct tph_str schedule, struct tph_str timezone, tph_cron_zone_fn *read_zone,
                   struct tph_cron **ret_cron, struct tph_error *err)
{
    if (schedule.len > TPH_LIMIT_CRON) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "a schedule has at most %zu bytes, this one has %zu", TPH_LIMIT_CRON,
                             schedule.len);
    }
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = TPH_NEW(struct tph_cron);
    cron->zone_bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    if (parse(cron, schedule, timezone, read_zone, err) < 0) {
        return -1;
    }
    *ret_cron = TPH_TAKE(cron);
    return 0;
}

void tph_cron_free(struct tph_cron *cron)
{
    if (cron) {
        tph_buf_release(&cron->zone_bytes);
        free(cron);
    }
}
