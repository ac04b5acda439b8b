/* SPDX-License-Identifier: Apache-2.0 */
/* Go's regular expressions: what they match, what is refused and in which words, and the ceilings. */
#include "data/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tph_regex *compiled(const char *pattern)
{
    struct tph_regex *regex = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_regex_compile(tph_str(pattern), &regex, &err) < 0) {
        fail_msg("%s: %s", pattern, err.text);
    }
    return regex;
}

static void patterns_match_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        int from, to; /* -1: no match */
    } rows[] = {
        {"bar$", "foobar", 3, 6},       {"bar$", "bar\n", -1, -1},     {"(?m)bar$", "bar\nx", 0, 3},
        {"a|ab", "ab", 0, 1},           {"\\s", "\v", -1, -1},         {"\\v", "a\vb", 1, 2},
        {"[\\s]", "a\tb", 1, 2},        {"\\S", "\v", 0, 1},           {"\\Qa.b\\E+", "xa.bb", 1, 5},
        {"[[:alpha:]]+", "1ab2", 1, 3}, {"\\pL+", "1\xc3\xa9x", 1, 4}, {"(?i)ABC", "xabc", 1, 4},
        {"x{,2}", "x{,2}", 0, 5},       {"a{2}", "aaa", 0, 2},         {".", "\n", -1, -1},
        {"(?s).", "\n", 0, 1},          {"[^\\S]", "a b", 1, 2},       {"\\d", "\xd9\xa3", -1, -1},
        {"a+?", "aaa", 0, 1},           {"a b#c", "a b#c", 0, 5},      {"[]a]", "]", 0, 1},
        {"\\x{e9}", "\xc3\xa9", 0, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = compiled(rows[i].pattern);
        struct tph_regex_match match;
        int found = tph_regex_find(regex, tph_str(rows[i].text), 0, &match, NULL);
        if (rows[i].from < 0) {
            assert_int_equal(found, TPH_REGEX_NO_MATCH);
            continue;
        }
        assert_int_equal(found, 0);
        assert_int_equal(match.spans[0].from, rows[i].from);
        assert_int_equal(match.spans[0].to, rows[i].to);
    }
}

static void what_go_refuses_is_refused_in_its_words(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"(", "missing closing ): `(`"},
        {"a)", "unexpected ): `a)`"},
        {"x[ab", "missing closing ]: `[ab`"},
        {"*", "missing argument to repetition operator: `*`"},
        {"a|*", "missing argument to repetition operator: `*`"},
        {"a**", "invalid nested repetition operator: `**`"},
        {"a++", "invalid nested repetition operator: `++`"},
        {"a{1001}", "invalid repeat count: `{1001}`"},
        {"[z-a]", "invalid character class range: `z-a`"},
        {"(a)\\1", "invalid escape sequence: `\\1`"},
        {"a\\", "trailing backslash at end of expression: ``"},
        {"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
        {"(?<=a)", "invalid named capture: `(?<=a)`"},
        {"(?>a)", "invalid or unsupported Perl syntax: `(?>`"},
        {"\xff", "invalid UTF-8: `\xff`"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_regex *regex = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        char text[128];
        assert_int_equal(tph_regex_compile(tph_str(rows[i][0]), &regex, &err), -1);
        (void)snprintf(text, sizeof(text), "error parsing regexp: %s", rows[i][1]);
        assert_string_equal(err.text, text);
    }
}

static void a_walk_gives_no_empty_match_behind_another(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = compiled("a*");
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, TPH_STR("baac"));
    static const size_t expected[][2] = {{0, 0}, {1, 3}, {4, 4}};
    size_t n = 0;
    while (tph_regex_next(&walk, NULL) == 0) {
        assert_true(n < 3);
        assert_int_equal(walk.match.spans[0].from, expected[n][0]);
        assert_int_equal(walk.match.spans[0].to, expected[n][1]);
        n++;
    }
    assert_int_equal(n, 3);
}

static void a_template_takes_groups_by_number_and_name(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = compiled("(?P<user>\\w+)@(\\w+)(x)?");
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
    struct tph_regex_match match;
    struct tph_str text = TPH_STR("<me@home>");
    assert_int_equal(tph_regex_find(regex, text, 0, &match, NULL), 0);
    tph_regex_expand(regex, text, &match, TPH_STR("$2.${user}$3$1x$$ $ ${"), &out);
    assert_string_equal(tph_buf_cstr(&out), "home.me$ $ ${");
    tph_buf_clear(&out);
    tph_regex_expand(regex, text, &match, TPH_STR("$1\xc3\xa9.$01.${02}.$1-"), &out); /* names that no group has */
    assert_string_equal(tph_buf_cstr(&out), "...me-");
}

static void ceilings_are_errors(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_regex *regex = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf long_one = TPH_BUF_INIT(TPH_LIMIT_REGEX + 1);
    TPH_CLEANUP(tph_buf_release) struct tph_buf deep = TPH_BUF_INIT(TPH_LIMIT_REGEX);
    TPH_CLEANUP(tph_buf_release) struct tph_buf wide = TPH_BUF_INIT(TPH_LIMIT_REGEX);
    for (size_t i = 0; i <= TPH_LIMIT_REGEX; i++) {
        (void)tph_buf_putc(&long_one, 'a');
    }
    for (size_t i = 0; i <= TPH_LIMIT_REGEX_DEPTH; i++) {
        (void)tph_buf_puts(&deep, "(?:");
    }
    for (size_t i = 0; i < TPH_LIMIT_REGEX_GROUPS; i++) {
        (void)tph_buf_puts(&wide, "()");
    }
    assert_int_equal(tph_regex_compile(tph_buf_str(&long_one), &regex, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_int_equal(tph_regex_compile(tph_buf_str(&deep), &regex, &err), -1);
    assert_non_null(strstr(err.text, "nests too deeply"));
    assert_int_equal(tph_regex_compile(tph_buf_str(&wide), &regex, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);

    TPH_CLEANUP(tph_regex_freep) struct tph_regex *slow = compiled("^(a|a)*$");
    struct tph_regex_match match;
    assert_int_equal(tph_regex_find(slow, TPH_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), 0, &match, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_non_null(strstr(err.text, "more than 1000000 steps"));

    TPH_CLEANUP(tph_regex_freep) struct tph_regex *large = compiled("^(?:a|b)*c");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    while (tph_buf_puts(&text, "ab") == 0) {
    }
    assert_int_equal(tph_regex_find(large, tph_buf_str(&text), 0, &match, &err), -1);
    assert_non_null(strstr(err.text, "more than 33554432 bytes of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_go_does),
        cmocka_unit_test(what_go_refuses_is_refused_in_its_words),
        cmocka_unit_test(a_walk_gives_no_empty_match_behind_another),
        cmocka_unit_test(a_template_takes_groups_by_number_and_name),
        cmocka_unit_test(ceilings_are_errors),
    };
    return cmocka_run_group_tests_name("data/regex", tests, NULL, NULL);
}
