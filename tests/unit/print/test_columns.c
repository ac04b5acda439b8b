/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, as the documentation of Go's text/tabwriter describes them. */
#include "print/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

static void columns_are_aligned(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *aligned;
    } rows[] = {
        {"", ""},
        {"a\n", "a\n"},
        {"a\tb\n", "a b\n"},
        {"a\tb\nccc\td\n", "a   b\nccc d\n"},
        {"a\t\n\tb\n", "a \n  b\n"},
        {"\t\t\n", "  \n"},
        /* a column ends at a line that does not have it */
        {"a\tb\nlong line without tabs\nccc\td\n", "a b\nlong line without tabs\nccc d\n"},
        {"a\tb\tc\nlonger\td\ne\tff\tg\n", "a      b c\nlonger d\ne      ff g\n"},
        /* characters, not bytes nor columns */
        {"\xc3\xa9\xc3\xa9\tb\nccc\td\n", "\xc3\xa9\xc3\xa9  b\nccc d\n"},
        {"\xe6\x97\xa5\tb\ncc\td\n", "\xe6\x97\xa5  b\ncc d\n"},
        {"\xff\tb\ncc\td\n", "\xff  b\ncc d\n"},
        /* a last line without its newline gets one */
        {"a\tb\nccc\td", "a   b\nccc d\n"},
        {"\n\na\tb\n", "\n\na b\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
        tph_columns_write(tph_str(rows[i].text), 1, &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i].aligned);
    }
}

/* A line of a million cells above many short ones, and a cell as wide as the buffer beside many: both end at once. */
static void cost_follows_the_text(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(4));
    for (size_t i = 0; i < 1000000; i++) {
        (void)tph_buf_putc(&text, '\t');
    }
    for (size_t i = 0; i < MANY; i++) {
        (void)tph_buf_puts(&text, "a\n");
    }
    tph_columns_write(tph_buf_str(&text), 2, &out);
    assert_int_equal(out.len, 2000000 + 2 * MANY);
    tph_buf_clear(&text);
    tph_buf_clear(&out);
    for (size_t i = 0; i < 1000000; i++) {
        (void)tph_buf_putc(&text, 'w');
    }
    for (size_t i = 0; i < MANY; i++) {
        (void)tph_buf_puts(&text, "\t\n");
    }
    tph_columns_write(tph_buf_str(&text), 2, &out);
    assert_true(tph_buf_failed(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(cost_follows_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
