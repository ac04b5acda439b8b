/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, quantities, durations, times, base64, and the characters that quoting asks about. */
#include "data/number.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/anystring.h"
#include "data/base64.h"
#include "data/duration.h"
#include "data/item.h"
#include "data/quantity.h"
#include "data/time.h"
#include "data/unicode.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void every_form_of_a_double_reads_back_as_itself(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    void (*const forms[])(double, struct tph_buf *) = {tph_number_write_json, tph_number_write_plain,
                                                       tph_number_write_g};
    uint64_t seed = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value)) {
            continue;
        }
        for (size_t f = 0; f < 3; f++) {
            double back = 0;
            tph_buf_clear(&text);
            forms[f](value, &text);
            assert_false(tph_buf_failed(&text));
            assert_int_equal(tph_number_to_double(tph_buf_str(&text), &back), 0);
            assert_memory_equal(&back, &value, sizeof(value));
        }
    }
}

static void numbers_do_not_follow_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    const char *found = NULL;
    for (size_t i = 0; i < 4 && !found; i++) {
        found = setlocale(LC_NUMERIC, names[i]);
    }
    if (!found) {
        skip(); /* no locale with a decimal comma on this machine */
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    double back = 0;
    tph_number_write_json(1.5, &text);
    (void)tph_buf_putc(&text, ' ');
    tph_number_write_json32(0.1F, &text);
    (void)tph_buf_putc(&text, ' ');
    tph_number_write_fixed(2.5, 2, &text);
    int failed = tph_number_to_double(TPH_STR("1.5"), &back);
    (void)setlocale(LC_NUMERIC, "C");
    assert_string_equal(tph_buf_cstr(&text), "1.5 0.1 2.50");
    assert_int_equal(failed, 0);
    assert_true(back == 1.5);
}

static void only_decimal_numbers_are_numbers(void **state)
{
    (void)state;
    static const char *const none[] = {"",    "-",  ".",  "1e",  "e1",  "0x10", "inf",
                                       "nan", "1 ", " 1", "1e+", "--1", "1e400"};
    static const char *const some[] = {"5.", ".5", "+0.5", "007", "1E+2", "0e99999"};
    double value = 0;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(tph_number_to_double(tph_str(none[i]), &value), -1);
    }
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        assert_int_equal(tph_number_to_double(tph_str(some[i]), &value), 0);
    }
}

static void quantities_are_capped_where_go_wraps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value, milli;
    } rows[] = {
        {"1Ei", INT64_C(1) << 60, INT64_MAX},
        {"1E", 1000000000000000000, INT64_MAX},
        {"999999999999999999999", INT64_MAX, INT64_MAX},
        {"-999999999999999999999", -INT64_MAX, -INT64_MAX},
        {"1e1000", INT64_MAX, INT64_MAX},
        {"1e-1000", 1, 1},
        {"0.0000000000000000000000001", 1, 1},
        {"100m", 1, 100},
        {"-1.5", -2, -1500},
        {"8Ei", INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 0;
        int64_t milli = 0;
        assert_int_equal(tph_quantity_parse(tph_str(rows[i].text), &value, &milli, NULL), 0);
        assert_int_equal(value, rows[i].value);
        assert_int_equal(milli, rows[i].milli);
    }
}

static void quantities_have_a_longest_text_and_a_largest_exponent(void **state)
{
    (void)state;
    char text[TPH_LIMIT_QUANTITY + 2];
    struct tph_error err = TPH_ERROR_INIT;
    int64_t value = 0;
    memset(text, '9', sizeof(text));
    memcpy(text + TPH_LIMIT_QUANTITY - 2, "Ei", 2);
    assert_int_equal(tph_quantity_parse((struct tph_str){text, TPH_LIMIT_QUANTITY}, &value, NULL, &err), 0);
    assert_int_equal(value, INT64_MAX);
    memset(text, '9', sizeof(text));
    assert_int_equal(tph_quantity_parse((struct tph_str){text, TPH_LIMIT_QUANTITY + 1}, &value, NULL, &err), -1);
    assert_string_equal(err.text, "a quantity is longer than 100 bytes");
    assert_int_equal(tph_quantity_parse(TPH_STR("1e1001"), &value, NULL, &err), -1);
    assert_string_equal(err.text, "a quantity's exponent must be between -1000 and 1000");
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
}

static void a_quantity_beyond_exa_is_written_with_its_exponent(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(200);
    struct tph_quantity quantity;
    assert_int_equal(tph_quantity_read(TPH_STR("1000E"), &quantity, NULL), 0);
    tph_quantity_write(&quantity, &text);
    assert_string_equal(tph_buf_cstr(&text), "1e21"); /* Go writes "1" */
}

static void durations_refuse_what_go_lets_overflow(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    int64_t ms = 0;
    assert_int_equal(tph_duration_parse(TPH_STR("9223372037"), &ns, &err), -1);
    assert_string_equal(err.text, "unable to parse 9223372037 as a duration: out of range");
    assert_int_equal(tph_duration_parse_compat(TPH_STR("9223372037"), &ns, &err), 0);
    assert_int_equal(ns, INT64_C(-9223372036709551616));
    assert_int_equal(tph_duration_parse(TPH_STR("+-5"), &ns, &err), -1);
    assert_int_equal(tph_duration_parse_ms(TPH_STR("1ns"), &ms), 0);
    assert_int_equal(ms, 1); /* a short wait is still a wait */
    assert_int_equal(tph_duration_parse_ms(TPH_STR("-1ns"), &ms), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(tph_duration_parse_ms(TPH_STR("2m"), &ms), 0);
    assert_int_equal(ms, 120000);
}

static void every_day_of_four_centuries_reads_back(void **state)
{
    (void)state;
    char text[TPH_TIME_TEXT];
    int64_t day_ms = INT64_C(86400000);
    for (int64_t day = -80000; day < 80000; day++) {
        int64_t back = 0;
        int64_t at = day * day_ms + 86399000;
        tph_time_format(at + 999, text);
        assert_int_equal(tph_time_parse(tph_str(text), &back, NULL), 0);
        assert_int_equal(back, at);
    }
    tph_time_format(951782400000, text);
    assert_string_equal(text, "2000-02-29T00:00:00Z");
    tph_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void times_keep_nanoseconds_and_offsets(void **state)
{
    (void)state;
    struct tph_instant at;
    assert_int_equal(tph_time_parse_instant(TPH_STR("1970-01-01T01:00:00,1234567891+01:00"), &at, NULL), 0);
    assert_int_equal(at.seconds, 0);
    assert_int_equal(at.ns, 123456789);
    assert_int_equal(tph_time_parse_instant(TPH_STR("1970-01-01T1:00:00Z"), &at, NULL), 0); /* Go takes one digit */
    assert_int_equal(at.seconds, 3600);
    assert_int_equal(tph_time_parse_instant(TPH_STR("1900-02-29T00:00:00Z"), &at, NULL), -1);
}

static void base64_goes_both_ways_and_refuses_the_rest(void **state)
{
    (void)state;
    static const char *const bad[] = {"a", "ab", "abc", "a===", "ab=c", "ab==c", "====", "a b=", "ab-_", "YQ==YQ=="};
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(400);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(400);
    char all[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    for (size_t n = 0; n <= 256; n += n < 8 ? 1 : 31) {
        tph_buf_clear(&bytes);
        tph_buf_clear(&text);
        tph_base64_encode((struct tph_str){all, n}, &text);
        assert_int_equal(tph_base64_decode(tph_buf_str(&text), &bytes), 0);
        assert_int_equal(bytes.len, n);
        if (n > 0) {
            assert_memory_equal(bytes.bytes, all, n);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tph_buf_clear(&bytes);
        assert_int_equal(tph_base64_decode(tph_str(bad[i]), &bytes), -1);
    }
    tph_buf_clear(&bytes);
    assert_int_equal(tph_base64_decode(TPH_STR("aGVs\r\nbG8=\n"), &bytes), 0);
    assert_string_equal(tph_buf_cstr(&bytes), "hello");
}

static void letters_and_digits_are_gos(void **state)
{
    (void)state;
    assert_true(tph_unicode_is_letter('a'));
    assert_true(tph_unicode_is_letter(0x65e5));
    assert_false(tph_unicode_is_letter('_'));
    assert_false(tph_unicode_is_letter(0x10ffff));
    assert_true(tph_unicode_is_digit(0x663));
    assert_false(tph_unicode_is_digit(0xbd)); /* one half is a number, not a digit */
    assert_true(tph_unicode_is_printable(0xe9));
    assert_false(tph_unicode_is_printable(0xa0));
    assert_false(tph_unicode_is_printable(0xe000));
}

static void a_number_past_a_double_keeps_its_text_as_a_value(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(100);
    assert_int_equal(tph_json_parse(TPH_STR("[1E400,null,[],2.0]"), &doc, NULL), 0);
    struct tph_json *list = tph_json_root(doc);
    assert_true(tph_anystring(tph_json_at(list, 0), &text));
    assert_string_equal(tph_buf_cstr(&text), "1E400");
    assert_false(tph_anystring(tph_json_at(list, 1), &text));
    assert_true(tph_anystring(tph_json_at(list, 2), &text));
    assert_true(tph_anystring(tph_json_at(list, 3), &text));
    assert_string_equal(tph_buf_cstr(&text), "1E4002");
}

static void items_print_without_quotes_and_with_their_escapes(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(200);
    tph_item_write_text(TPH_STR("\"\\u003ca\\n\\\\u003c\""), &text);
    assert_string_equal(tph_buf_cstr(&text), "<a\\n\\\\u003c");
    assert_int_equal(tph_item_type(TPH_STR(" [1] ")), TPH_ITEM_LIST);
    assert_int_equal(tph_item_type(TPH_STR_NONE), TPH_ITEM_STRING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_double_reads_back_as_itself),
        cmocka_unit_test(numbers_do_not_follow_the_locale),
        cmocka_unit_test(only_decimal_numbers_are_numbers),
        cmocka_unit_test(quantities_are_capped_where_go_wraps),
        cmocka_unit_test(quantities_have_a_longest_text_and_a_largest_exponent),
        cmocka_unit_test(a_quantity_beyond_exa_is_written_with_its_exponent),
        cmocka_unit_test(durations_refuse_what_go_lets_overflow),
        cmocka_unit_test(every_day_of_four_centuries_reads_back),
        cmocka_unit_test(times_keep_nanoseconds_and_offsets),
        cmocka_unit_test(base64_goes_both_ways_and_refuses_the_rest),
        cmocka_unit_test(letters_and_digits_are_gos),
        cmocka_unit_test(a_number_past_a_double_keeps_its_text_as_a_value),
        cmocka_unit_test(items_print_without_quotes_and_with_their_escapes),
    };
    return cmocka_run_group_tests_name("data/number", tests, NULL, NULL);
}
