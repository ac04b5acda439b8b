/* SPDX-License-Identifier: Apache-2.0 */
/* Characters as Go knows them; base64 with the places where Go says that a text goes wrong. */
#include "data/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base64.h"

static void one_character_to_one(void **state)
{
    (void)state;
    static const uint32_t rows[][4] = {
        /* the character, upper, lower, title */
        {'a', 'A', 'a', 'A'},
        {'Z', 'Z', 'z', 'Z'},
        {'1', '1', '1', '1'},
        {0xe4, 0xc4, 0xe4, 0xc4},
        {0xdf, 0xdf, 0xdf, 0xdf},       /* sharp s: what is two characters stays one */
        {0x1e9e, 0x1e9e, 0xdf, 0x1e9e}, /* the large one */
        {0x17f, 'S', 0x17f, 'S'},       /* long s */
        {0x130, 0x130, 'i', 0x130},     /* I with a dot */
        {0x131, 'I', 0x131, 'I'},       /* i without one */
        {0x1c4, 0x1c4, 0x1c6, 0x1c5},   /* digraphs have a title of their own */
        {0x1c5, 0x1c4, 0x1c6, 0x1c5},
        {0x100, 0x100, 0x101, 0x100}, /* pairs */
        {0x101, 0x100, 0x101, 0x100},
        {0x3c2, 0x3a3, 0x3c2, 0x3a3}, /* final sigma */
        {0x10400, 0x10400, 0x10428, 0x10400},
        {0xfffd, 0xfffd, 0xfffd, 0xfffd},
        {0x10ffff, 0x10ffff, 0x10ffff, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(tph_unicode_to_upper(rows[i][0]), rows[i][1]);
        assert_int_equal(tph_unicode_to_lower(rows[i][0]), rows[i][2]);
        assert_int_equal(tph_unicode_to_title(rows[i][0]), rows[i][3]);
    }
}

static void texts(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(1000);
    tph_unicode_put_upper(TPH_STR("stra\u00dfe \u00e4\xff \U0001f642"), &out);
    assert_string_equal(tph_buf_cstr(&out), "STRA\u00dfE \u00c4\ufffd \U0001f642");
    tph_buf_clear(&out);
    tph_unicode_put_lower(TPH_STR("\u00c4\xc3 B"), &out);
    assert_string_equal(tph_buf_cstr(&out), "\u00e4\ufffd b");
    assert_true(tph_str_eqz(tph_unicode_trim(TPH_STR(" \t\u00a0\u3000x y\u2028\v\n")), "x y"));
    assert_int_equal(tph_unicode_trim(TPH_STR(" \xc2\x85\r")).len, 0);
    assert_int_equal(tph_unicode_trim(TPH_STR_NONE).len, 0);
    assert_true(tph_str_eqz(tph_unicode_trim(TPH_STR("\u200bx\u200b")), "\u200bx\u200b")); /* not white space */
}

static void the_last_character(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t rune;
        size_t len;
    } rows[] = {
        {"ab", 'b', 1},
        {"a\u00e4", 0xe4, 2},
        {"a\u65e5", 0x65e5, 3},
        {"a\U0001f642", 0x1f642, 4},
        {"a\xff", 0xfffd, 1},
        {"\xe6\x97", 0xfffd, 1},         /* cut */
        {"\xe6\x97\xa5\xa5", 0xfffd, 1}, /* one byte too many */
        {"\xed\xa0\x80", 0xfffd, 1},     /* a half of a surrogate pair */
        {"\xc0\x80", 0xfffd, 1},         /* longer than it need be */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t rune = 0;
        assert_int_equal(tph_unicode_decode_last(tph_str(rows[i].text), &rune), rows[i].len);
        assert_int_equal(rune, rows[i].rune);
    }
}

static void base64_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes; /* NULL: a fault */
        size_t at;
    } rows[] = {
        {"", "", 0},          {"aGk=", "hi", 0},  {"aG\nk=\r\n", "hi", 0}, {"aGkh", "hi!", 0},
        {"a", NULL, 0},       {"aG", NULL, 0},    {"aGk", NULL, 0},        {"aGk!", NULL, 3},
        {"aGk=x", NULL, 4},   {"aGk==", NULL, 4}, {"aGk=aGkh", NULL, 4},   {"=", NULL, 0},
        {"a===", NULL, 1},    {"!", NULL, 0},     {"aG k=", NULL, 2},      {"aGkhaG==x", NULL, 8},
        {"aGl=", "hi", 0},    {"aGkha", NULL, 4}, {"aG=k", NULL, 2},       {"aGkh\n!", NULL, 5},
        {"aG==\n\n", "h", 0}, {"aG=\n=", "h", 0}, {"aG=\nx", NULL, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(1000);
        size_t at = 0;
        int result = tph_base64_decode_at(tph_str(rows[i].text), &out, &at);
        assert_int_equal(result, rows[i].bytes ? 0 : -1);
        if (rows[i].bytes) {
            assert_string_equal(tph_buf_cstr(&out), rows[i].bytes);
        }
        assert_int_equal(at, rows[i].at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_character_to_one),
        cmocka_unit_test(texts),
        cmocka_unit_test(the_last_character),
        cmocka_unit_test(base64_faults),
    };
    return cmocka_run_group_tests_name("data/unicode", tests, NULL, NULL);
}
