/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: what the recorded answers leave out, and the ceilings. */
#include "when/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

/* Exactly this truth, or a refusal that has these words. */
static void expect(struct tph_str when, bool truth, const char *words)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool run = !truth;
    int failed = tph_when_decide(when, &run, &problem);
    if (!words) {
        if (failed || run != truth) {
            fail_msg("%.*s: %d %s", TPH_FMT(when), run, tph_buf_cstr(&problem));
        }
        return;
    }
    assert_int_equal(failed, -1);
    if (!strstr(tph_buf_cstr(&problem), words)) {
        fail_msg("%.*s: %s", TPH_FMT(when), tph_buf_cstr(&problem));
    }
}

static void every_layout_of_a_date_is_a_time(void **state)
{
    (void)state;
    static const char *const same[] = {
        "Mon Jan  2 15:04:05 2006",     "mon jan 2 15:04:05 2006",      "Mon Jan 02 15:04:05 +0000 2006",
        "2006-01-02T15:04:05Z",         "2006-01-02T17:04:05.25+02:00", "2006-01-02 15:04:05",
        "2006-01-02 10:04:05-05:00",    "2006-01-02T15:04:05Z",         "2006-01-02T17:04:05+0200",
        "Mon Jan  2 15:04:05 UTC 2006",
    };
    char text[256];
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        size_t n = 0;
        const char *const parts[] = {"'", same[i], "' == 1136214245"};
        for (size_t j = 0; j < 3; j++) {
            memcpy(text + n, parts[j], strlen(parts[j]));
            n += strlen(parts[j]);
        }
        expect((struct tph_str){.p = text, .len = n}, true, NULL);
    }
    expect(TPH_STR("'2006-01-02T15Z' == 1136214000"), true, NULL);
    expect(TPH_STR("'2006-01-02 15:04' == '2006-01-02T15:04+0000'"), true, NULL);
    expect(TPH_STR("'3:04PM' > '12:04AM'"), true, NULL);
    expect(TPH_STR("'2024-02-29' > 0"), true, NULL);
    expect(TPH_STR("'2023-02-29' > 0"), false, "it is not a number");
    expect(TPH_STR("'2006-01-02T15:04:05Zx' > 0"), false, "it is not a number");
}

static void odd_corners_are_the_librarys(void **state)
{
    (void)state;
    expect(TPH_STR("(true) false"), true, NULL);
    expect(TPH_STR("(1 == )"), false, NULL);
    expect(TPH_STR("((true) 2)"), true, NULL);
    expect(TPH_STR("1e400 == 1"), false, "Cannot transition token types from NUMERIC [1] to VARIABLE [e400]");
    expect(TPH_STR("1 << 64 == 0"), true, NULL);
    expect(TPH_STR("0xffffffffffffffff > 1"), true, NULL);
    expect(TPH_STR("0x1ffffffffffffffff > 1"), false, "Unable to parse hex value");
    expect(TPH_STR("(1,2,3) == (1,2,3) && 3 in (1,2,3)"), true, NULL);
    expect(TPH_STR("(1,2) in ((1,2),(1,2))"), false, "uncomparable");
    expect(TPH_STR("true ? , 1"), false, "Unable to plan token kind: 'SEPARATOR', value: ','");
    expect(TPH_STR("a =~ '(' ? 1 : 2"), false, "error parsing regexp: missing closing )");
    expect(TPH_STR("abc =~ 'b' + 'c'"), true, NULL);
    expect(TPH_STR("foo.Bar((1 == 1)) == 1"), false, "No parameter 'foo' found.");
}

static void repeat(struct tph_buf *buf, const char *text, size_t n)
{
    while (n-- > 0) {
        (void)tph_buf_puts(buf, text);
    }
}

static void ceilings_are_refusals(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(4));
    repeat(&text, "'", TPH_LIMIT_WHEN + 1);
    expect(tph_buf_str(&text), false, "it is longer than 65536 bytes");

    tph_buf_clear(&text);
    repeat(&text, "1,", TPH_LIMIT_WHEN_TOKENS / 2);
    (void)tph_buf_puts(&text, "1");
    expect(tph_buf_str(&text), false, "it has more than 4096 words and symbols");

    tph_buf_clear(&text);
    repeat(&text, "(", TPH_LIMIT_WHEN_DEPTH + 1);
    (void)tph_buf_puts(&text, "true");
    repeat(&text, ")", TPH_LIMIT_WHEN_DEPTH + 1);
    expect(tph_buf_str(&text), false, "it has more than 200 parentheses in each other");
    expect(tph_str_slice(tph_buf_str(&text), 1, text.len - 1), true, NULL);

    tph_buf_clear(&text);
    repeat(&text, "a =~ 'a' && ", TPH_LIMIT_WHEN_PATTERNS);
    (void)tph_buf_puts(&text, "a =~ 'a'");
    expect(tph_buf_str(&text), false, "it has more than 32 regular expressions");
}

static void the_memory_of_growing_texts_is_bounded(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    (void)tph_buf_puts(&text, "'");
    repeat(&text, "x", TPH_LIMIT_WHEN / 2);
    (void)tph_buf_puts(&text, "'");
    repeat(&text, " + 1", TPH_LIMIT_WHEN_TOKENS / 2 - 1);
    expect(tph_buf_str(&text), false, "it needs more than 16777216 bytes of memory");
}

static void a_long_chain_does_not_recurse(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_WHEN);
    repeat(&text, "false||", TPH_LIMIT_WHEN_TOKENS / 2 - 1);
    (void)tph_buf_puts(&text, "true");
    expect(tph_buf_str(&text), true, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_of_a_date_is_a_time),
        cmocka_unit_test(odd_corners_are_the_librarys),
        cmocka_unit_test(ceilings_are_refusals),
        cmocka_unit_test(the_memory_of_growing_texts_is_bounded),
        cmocka_unit_test(a_long_chain_does_not_recurse),
    };
    return cmocka_run_group_tests_name("when/when", tests, NULL, NULL);
}
