/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones from bytes that are made here (RFC 9636); what rules of POSIX say is what glibc says. */
#include "data/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static void put_number(struct tph_buf *out, int64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--) {
        (void)tph_buf_putc(out, (char)((uint64_t)value >> (i - 1) * 8));
    }
}

static void put_header(struct tph_buf *out, int64_t n_times, int64_t n_types, int64_t n_chars)
{
    const int64_t counts[] = {0, 0, 0, n_times, n_types, n_chars};
    (void)tph_buf_puts(out, "TZif2");
    put_number(out, 0, 8);
    put_number(out, 0, 7);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        put_number(out, counts[i], 4);
    }
}

static void put_type(struct tph_buf *out, int offset, bool is_dst, char name)
{
    put_number(out, offset, 4);
    put_number(out, is_dst, 1);
    (void)tph_buf_putc(out, name);
}

/* A part of two changes for readers of 32 bits, that is to be stepped over. */
static void put_old_part(struct tph_buf *out)
{
    put_header(out, 2, 1, 4);
    for (int i = 0; i < 2 * 4 + 2 + 6 + 4; i++) {
        put_number(out, 0x7f, 1);
    }
}

static const char names[] = "LMT\0CET\0CEST";

/* Local mean time before 1000, then summer time, at 2000 winter time, at 3000 summer time; then what the rule says. */
static void put_zone(struct tph_buf *out, const char *rule)
{
    static const char indexes[] = {2, 1, 2};
    put_old_part(out);
    put_header(out, 3, 3, sizeof(names));
    put_number(out, 1000, 8);
    put_number(out, 2000, 8);
    put_number(out, 3000, 8);
    (void)tph_buf_put(out, (struct tph_str){.p = indexes, .len = sizeof(indexes)});
    put_type(out, 2046, false, 0);
    put_type(out, 3600, false, 4);
    put_type(out, 7200, true, 8);
    (void)tph_buf_put(out, (struct tph_str){.p = names, .len = sizeof(names)});
    (void)tph_buf_printf(out, "\n%s\n", rule);
}

static void is(const struct tph_zone *zone, int64_t seconds, int offset, bool is_dst, const char *name)
{
    struct tph_zone_period period;
    tph_zone_at(zone, seconds, &period);
    if (period.offset != offset || period.is_dst != is_dst || !tph_str_eqz(period.name, name) ||
        period.from > seconds || period.to <= seconds) {
        fail_msg("at %lld: %d %.*s, from %lld to %lld", (long long)seconds, (int)period.offset, TPH_FMT(period.name),
                 (long long)period.from, (long long)period.to);
    }
}

static void changes(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    struct tph_zone zone;
    struct tph_zone_period period;
    put_zone(&bytes, "");
    assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), 0);
    is(&zone, INT64_MIN, 2046, false, "LMT");
    is(&zone, 999, 2046, false, "LMT");
    is(&zone, 1000, 7200, true, "CEST");
    is(&zone, 2000, 3600, false, "CET");
    is(&zone, 2999, 3600, false, "CET");
    is(&zone, 3000, 7200, true, "CEST");
    is(&zone, INT64_MAX - 1, 7200, true, "CEST");
    tph_zone_at(&zone, 2500, &period);
    assert_int_equal(period.from, 2000);
    assert_int_equal(period.to, 3000);
}

static void abbreviations(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    struct tph_zone zone;
    int32_t offset = 0;
    put_zone(&bytes, "");
    assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), 0);
    assert_int_equal(tph_zone_offset_of(&zone, TPH_STR("CET"), 2500, &offset), 0);
    assert_int_equal(offset, 3600);
    assert_int_equal(tph_zone_offset_of(&zone, TPH_STR("CEST"), 1000000, &offset), 0);
    assert_int_equal(offset, 7200);
    assert_int_equal(tph_zone_offset_of(&zone, TPH_STR("CET"), 1000000, &offset), 0); /* not then, but it has it */
    assert_int_equal(offset, 3600);
    assert_int_equal(tph_zone_offset_of(&zone, TPH_STR("PST"), 2500, &offset), -1);
}

static void rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t seconds;
        int offset;
        bool is_dst;
        const char *name;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1679792399, 3600, false, "CET"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1679792400, 7200, true, "CEST"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1698541199, 7200, true, "CEST"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1698541200, 3600, false, "CET"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1709208000, 3600, false, "CET"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 4109878799, 3600, false, "CET"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 4109878800, 7200, true, "CEST"},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1672531200, 39600, true, "AEDT"}, /* summer is at both ends of the year */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1680364799, 39600, true, "AEDT"},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1680364800, 36000, false, "AEST"},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1696089600, 39600, true, "AEDT"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1679792399, -7200, false, "-02"}, /* the evening before */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1679792400, -3600, true, "-01"},
        {"EST5EDT,J60/0,J300", 1709251199, -18000, false, "EST"}, /* 1 March, in leap years too */
        {"EST5EDT,J60/0,J300", 1709269200, -14400, true, "EDT"},
        {"EST5EDT,J60/0,J300", 1677646799, -18000, false, "EST"},
        {"EST5EDT,J60/0,J300", 1677646800, -14400, true, "EDT"},
        {"EST5EDT,59/0,300", 1709182799, -18000, false, "EST"}, /* 29 February, if there is one */
        {"EST5EDT,59/0,300", 1709182800, -14400, true, "EDT"},
        {"EST5EDT,59/0,300", 1677646799, -18000, false, "EST"},
        {"EST5EDT,59/0,300", 1677646800, -14400, true, "EDT"},
        {"<+0545>-5:45", 1685577600, 20700, false, "+0545"},
        {"EST5EDT", 1678604399, -18000, false, "EST"}, /* the usual days */
        {"EST5EDT", 1678604400, -14400, true, "EDT"},
        {"CET-1CEST,M3.5.0,M13.5.0", 1000000, 7200, true, "CEST"}, /* not a rule: the last change stays */
        {"CET-1CEST,M3.5.0", 1000000, 7200, true, "CEST"},
        {"C-1", 1000000, 7200, true, "CEST"},
        {"CET", 1000000, 7200, true, "CEST"},
        {"<CET", 1000000, 7200, true, "CEST"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
        struct tph_zone zone;
        put_zone(&bytes, rows[i].rule);
        assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), 0);
        is(&zone, rows[i].seconds, rows[i].offset, rows[i].is_dst, rows[i].name);
    }
}

/* One byte of a zone is changed. */
static void refuse(size_t at, char byte)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    struct tph_zone zone;
    put_zone(&bytes, "");
    bytes.bytes[at] = byte;
    assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), -1);
}

static void what_is_no_zone_is_refused(void **state)
{
    (void)state;
    enum { PART = 44 + 20, TIMES = PART + 44, INDEXES = TIMES + 24, TYPES = INDEXES + 3, NAMES = TYPES + 18 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(2 * TPH_LIMIT_ZONE);
    struct tph_zone zone;
    put_zone(&bytes, "");
    for (size_t len = 0; len < NAMES + sizeof(names); len++) {
        assert_int_equal(tph_zone_open(tph_str_slice(tph_buf_str(&bytes), 0, len), &zone), -1);
    }
    refuse(0, 't');
    refuse(4, 0);             /* version 1 */
    refuse(24, '\xff');       /* a count below 0 */
    refuse(33, 1);            /* more changes than there are bytes */
    refuse(PART + 39, 0);     /* no types */
    refuse(PART + 43, 0);     /* no names */
    refuse(TIMES + 8 + 6, 0); /* changes that do not come in order */
    refuse(INDEXES, 3);       /* of a type that is not there */
    refuse(TYPES + 5, 13);    /* with a name that is not there */
    refuse(NAMES + 12, 'x');  /* which has no end */
    while (bytes.len <= TPH_LIMIT_ZONE) {
        assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), 0);
        (void)tph_buf_printf(&bytes, "%10000s", "");
    }
    assert_int_equal(tph_zone_open(tph_buf_str(&bytes), &zone), -1); /* TPH_LIMIT_ZONE */
}

static void files_are_named_without_climbing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "/etc/passwd", "../../../etc/passwd", "Europe/../../../../etc/passwd",
                                      "..", "\\x",         "No/Such/Zone"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
        assert_int_equal(tph_zone_read_file(tph_str(bad[i]), &bytes), -1);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_ZONE);
    assert_int_equal(tph_zone_read_file((struct tph_str){.p = "UTC\0x", .len = 5}, &bytes), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes),
        cmocka_unit_test(abbreviations),
        cmocka_unit_test(rules),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(files_are_named_without_climbing),
    };
    return cmocka_run_group_tests_name("data/zone", tests, NULL, NULL);
}
