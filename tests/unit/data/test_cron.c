/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: in a zone made here, whose clocks change by a rule, and what the table of recorded answers does not reach.
 */
#include "data/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "data/time.h"

/* A compiled zone with nothing but a rule: the first type is what it is called before all rules. */
static void put_zone(struct tph_buf *bytes, const char *rule)
{
    static const char HEAD[44] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0";
    static const char TYPE[6] = {0, 0, 0x0e, 0x10, 0, 0}; /* an hour east */
    for (int block = 0; block < 2; block++) {
        (void)tph_buf_append(bytes, HEAD, 43);
        (void)tph_buf_putc(bytes, 4); /* bytes of names */
        (void)tph_buf_append(bytes, TYPE, sizeof TYPE);
        (void)tph_buf_append(bytes, "CET", 4);
    }
    (void)tph_buf_printf(bytes, "\n%s\n", rule);
}

static int read_zone(struct tph_str name, struct tph_buf *bytes)
{
    if (tph_str_eqz(name, "Here/Summer")) {
        put_zone(bytes, "CET-1CEST,M3.5.0,M10.5.0/3");
    } else if (tph_str_eqz(name, "Here/Broken")) {
        (void)tph_buf_puts(bytes, "TZif");
    } else {
        return -1;
    }
    return 0;
}

static int64_t seconds(const char *text)
{
    struct tph_instant at;
    if (tph_time_parse_instant(tph_str(text), &at, NULL) < 0) {
        fail_msg("%s", text);
    }
    return at.seconds;
}

static void check_times(const char *schedule, const char *timezone, const char *after, const char *const *expected)
{
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    int64_t at = seconds(after);
    if (tph_cron_parse(tph_str(schedule), tph_str(timezone), read_zone, &cron, &err) < 0) {
        fail_msg("%s: %s", schedule, err.text);
    }
    for (; *expected; expected++) {
        char text[TPH_TIME_TEXT];
        assert_true(tph_cron_next(cron, at, &at));
        tph_time_format(at * 1000, text);
        assert_string_equal(text, *expected);
    }
}

static void clocks_that_change_are_followed(void **state)
{
    (void)state;
    /* spring: 02:00 becomes 03:00 at 2024-03-31T01:00:00Z */
    static const char *const skipped[] = {"2024-03-30T01:30:00Z", "2024-04-01T00:30:00Z", NULL};
    static const char *const hourly[] = {"2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z", NULL};
    /* autumn: 03:00 becomes 02:00 at 2024-10-27T01:00:00Z */
    static const char *const twice[] = {"2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-28T01:30:00Z", NULL};
    check_times("30 2 * * *", "Here/Summer", "2024-03-29T12:00:00Z", skipped);
    check_times("0 * * * *", "Here/Summer", "2024-03-30T23:00:00Z", hourly);
    check_times("30 2 * * *", "Here/Summer", "2024-10-26T12:00:00Z", twice);
    check_times("TZ=Here/Summer 30 2 * * *", "", "2024-10-26T12:00:00Z", twice);
}

static void zones_have_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *timezone, *error;
    } rows[] = {
        {"0 0 * * *", "No/Where", "provided bad location No/Where: unknown time zone No/Where"},
        {"0 0 * * *", "Here/Broken", "provided bad location Here/Broken: unknown time zone Here/Broken"},
        {"0 0 * * *", "Here/../x", "provided bad location Here/../x: time: invalid location name"},
        {"0 0 * * *", "/etc/localtime", "provided bad location /etc/localtime: time: invalid location name"},
        {"TZ=UTC 0 0 * * *", "UTC", "expected exactly 5 fields, found 6: [TZ=UTC 0 0 * * *]"},
        {"TZ=UTC", "", "a time zone is followed by a blank and the schedule: TZ=UTC"}, /* there: a panic */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tph_cron *cron = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_cron_parse(tph_str(rows[i].schedule), tph_str(rows[i].timezone), read_zone, &cron, &err),
                         -1);
        assert_string_equal(err.text, rows[i].error);
        assert_null(cron);
    }
}

static void never_is_said_after_five_years(void **state)
{
    (void)state;
    static const char *const rows[] = {"0 0 30 2 *", ", * * * *", "0 0 31 4,6,9,11 *"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
        int64_t due = 7;
        assert_int_equal(tph_cron_parse(tph_str(rows[i]), tph_str("Here/Summer"), read_zone, &cron, NULL), 0);
        assert_false(tph_cron_next(cron, 0, &due));
        assert_false(tph_cron_next(cron, INT64_MAX, &due));
        assert_false(tph_cron_next(cron, INT64_MIN, &due));
        assert_int_equal(due, 7);
    }
}

static void length_is_limited(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_CRON + 1);
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_cron *none = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_buf_puts(&text, "0");
    while (text.len < TPH_LIMIT_CRON - 10) {
        (void)tph_buf_puts(&text, ",0");
    }
    (void)tph_buf_puts(&text, " 0 * * *");
    while (text.len < TPH_LIMIT_CRON) {
        (void)tph_buf_puts(&text, " ");
    }
    assert_int_equal(tph_cron_parse(tph_buf_str(&text), TPH_STR_NONE, read_zone, &cron, &err), 0);
    (void)tph_buf_puts(&text, " ");
    assert_int_equal(tph_cron_parse(tph_buf_str(&text), TPH_STR_NONE, read_zone, &none, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "a schedule has at most 4096 bytes, this one has 4097");
}

static void dates_are_days_and_back(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 37) {
        assert_int_equal(tph_date_to_days(tph_date_of_days(days)), days);
    }
    struct tph_date leap = tph_date_of_days(tph_date_to_days((struct tph_date){2000, 2, 28}) + 1);
    assert_int_equal(leap.day, 29);
    assert_int_equal(tph_date_to_days((struct tph_date){1970, 1, 1}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_change_are_followed), cmocka_unit_test(zones_have_to_be),
        cmocka_unit_test(never_is_said_after_five_years),  cmocka_unit_test(length_is_limited),
        cmocka_unit_test(dates_are_days_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
