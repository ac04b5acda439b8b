/* SPDX-License-Identifier: Apache-2.0 */
#include "print/clock.h"

#include <stddef.h>

#include "data/time.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 7 * DAY, MONTH = 30 * DAY, YEAR = 12 * MONTH };

int64_t tph_print_time(const struct tph_json *value)
{
    int64_t ms = 0;
    return tph_time_parse(tph_json_str(value), &ms, NULL) == 0 ? ms : TPH_PRINT_NO_TIME;
}

/* Instants are within some ten thousand years, so differences do not overflow. */
int64_t tph_print_span(int64_t start_ms, int64_t end_ms, const struct tph_print_clock *clock)
{
    if (start_ms == TPH_PRINT_NO_TIME) {
        return 0;
    }
    return (end_ms == TPH_PRINT_NO_TIME ? clock->now_ms : end_ms) - start_ms;
}

static int64_t whole_seconds(int64_t ms)
{
    return (ms < 0 ? -ms : ms) / 1000;
}

/* The first unit: what is below `below` seconds has these words, with the number of units of `unit` seconds. */
static const struct {
    int64_t below;
    int64_t unit;
    const char *words; /* with a %lld for the number, or none */
} first_units[] = {
    {2, 1, "1 second"},
    {MINUTE, 1, "%lld seconds"},
    {2 * MINUTE, 1, "1 minute"},
    {HOUR, MINUTE, "%lld minutes"},
    {2 * HOUR, 1, "1 hour"},
    {DAY, HOUR, "%lld hours"},
    {2 * DAY, 1, "1 day"},
    {WEEK, DAY, "%lld days"},
    {2 * WEEK, 1, "1 week"},
    {MONTH, WEEK, "%lld weeks"},
    {2 * MONTH, 1, "1 month"},
    {YEAR, MONTH, "%lld months"},
    {18 * (int64_t)MONTH, 1, "1 year"},
    {2 * (int64_t)YEAR, 1, "2 years"},
    {37 * (int64_t)YEAR, YEAR, "%lld years"},
};

static void put_number(const char *words, int64_t number, struct tph_buf *out)
{
    struct tph_str text = tph_str(words);
    struct tph_str directive = TPH_STR("%lld");
    if (tph_str_has_prefix(text, directive)) {
        (void)tph_buf_printf(out, "%lld", (long long)number);
        text = tph_str_slice(text, directive.len, text.len);
    }
    (void)tph_buf_put(out, text);
}

static void put_first_unit(int64_t seconds, struct tph_buf *out)
{
    for (size_t i = 0; i < sizeof(first_units) / sizeof(first_units[0]); i++) {
        if (seconds < first_units[i].below) {
            put_number(first_units[i].words, seconds / first_units[i].unit, out);
            return;
        }
    }
    (void)tph_buf_puts(out, "a long while");
}

void tph_print_duration_first(int64_t ms, struct tph_buf *out)
{
    int64_t seconds = whole_seconds(ms);
    if (seconds == 0) {
        (void)tph_buf_puts(out, "0 seconds");
    } else {
        put_first_unit(seconds, out);
    }
}

void tph_print_duration(int64_t ms, struct tph_buf *out)
{
    int64_t seconds = whole_seconds(ms);
    tph_print_duration_first(ms, out);
    if (ms < 0 || seconds < MINUTE) {
        return;
    }
    if (seconds < HOUR) {
        (void)tph_buf_printf(out, " %d seconds", (int)(seconds % MINUTE));
    } else if (seconds < DAY) {
        (void)tph_buf_printf(out, " %d minutes", (int)(seconds % HOUR / MINUTE));
    } else {
        (void)tph_buf_printf(out, " %d hours", (int)(seconds % DAY / HOUR));
    }
}

void tph_print_duration_short(int64_t ms, struct tph_buf *out)
{
    static const struct {
        int64_t unit;
        char letter;
    } units[] = {{DAY, 'd'}, {HOUR, 'h'}, {MINUTE, 'm'}, {1, 's'}};
    int64_t seconds = whole_seconds(ms);
    size_t i = 0;
    while (seconds < units[i].unit && units[i].unit > 1) {
        i++;
    }
    (void)tph_buf_printf(out, "%lld%c", (long long)(seconds / units[i].unit), units[i].letter);
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* "Mon Jan 15 11:45:00 +0000": from the text in RFC 3339 of the same time in a zone without offset. */
static void put_time(int64_t time_ms, const struct tph_zone *zone, struct tph_buf *out)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* 1970-01-01 was one */
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tph_zone_period period = {.offset = 0};
    char text[TPH_TIME_TEXT];
    int64_t seconds = time_ms / 1000 - (time_ms % 1000 < 0 ? 1 : 0);
    if (zone) {
        tph_zone_at(zone, seconds, &period);
    }
    seconds += period.offset;
    int64_t day = seconds / DAY - (seconds % DAY < 0 ? 1 : 0);
    tph_time_format(seconds * 1000, text);
    struct tph_str rest = tph_str(text);
    size_t dash =
        (size_t)tph_str_find_byte(tph_str_slice(rest, 1, rest.len), '-') + 1; /* years before 0 have one too */
    const char *month = text + dash + 1;
    int minutes = (period.offset < 0 ? -period.offset : period.offset) / MINUTE;
    (void)tph_buf_printf(out, "%s %s %.2s %.8s %c%02d%02d", days[(day % 7 + 7) % 7], months[two_digits(month) - 1],
                         month + 3, month + 6, period.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void tph_print_timestamp(int64_t time_ms, const struct tph_print_clock *clock, struct tph_buf *out)
{
    int64_t shown = time_ms == TPH_PRINT_NO_TIME ? TPH_TIME_ZERO_SECONDS * 1000 : time_ms;
    int64_t ago = clock->now_ms - shown;
    put_time(shown, clock->zone, out);
    (void)tph_buf_puts(out, " (");
    if (whole_seconds(ago) == 0) {
        (void)tph_buf_puts(out, "now)");
    } else {
        put_first_unit(whole_seconds(ago), out);
        (void)tph_buf_puts(out, ago < 0 ? " from now)" : " ago)");
    }
}
