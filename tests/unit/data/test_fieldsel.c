/* SPDX-License-Identifier: Apache-2.0 */
/* Field selectors: what the table of recorded answers does not reach. */
#include "data/fieldsel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static struct tph_str is_one(void *owner, struct tph_str field)
{
    (void)field;
    return tph_str(owner);
}

static void all_terms_have_to_hold(void **state)
{
    (void)state;
    static char ONE[] = "1";
    static const struct {
        const char *text;
        bool matches;
    } rows[] = {{"", true}, {"a=1", true}, {"a=1,b!=1", false}, {"a=1,b!=2", true}, {"a!=1", false}, {",,,", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tph_fieldsel selector;
        assert_int_equal(tph_fieldsel_parse(tph_str(rows[i].text), &selector, NULL), 0);
        assert_int_equal(tph_fieldsel_matches(&selector, is_one, ONE), rows[i].matches);
        tph_fieldsel_release(&selector);
        tph_fieldsel_release(&selector);
    }
}

static void length_is_limited(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_FIELD_SELECTOR + 1);
    struct tph_fieldsel selector;
    struct tph_error err = TPH_ERROR_INIT;
    while (text.len + 4 <= TPH_LIMIT_FIELD_SELECTOR) {
        (void)tph_buf_puts(&text, "a=1,");
    }
    assert_int_equal(text.len, TPH_LIMIT_FIELD_SELECTOR);
    assert_int_equal(tph_fieldsel_parse(tph_buf_str(&text), &selector, &err), 0);
    assert_int_equal(selector.n_terms, TPH_LIMIT_FIELD_SELECTOR / 4);
    tph_fieldsel_release(&selector);
    (void)tph_buf_puts(&text, ",");
    assert_int_equal(tph_fieldsel_parse(tph_buf_str(&text), &selector, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "a field selector has at most 65536 bytes, this one has 65537");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_terms_have_to_hold),
        cmocka_unit_test(length_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
