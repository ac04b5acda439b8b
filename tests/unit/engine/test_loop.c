/* SPDX-License-Identifier: Apache-2.0 */
/* Loops beyond the recorded tables: their limits, and what we do better. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/aggregate.h"
#include "engine/loop_format.h"
#include "engine/loop_items.h"

struct fixture {
    struct tph_arena *arena;
    struct tph_buf problem;
    struct tph_loop_items items;
};

static int setup(void **state)
{
    static const struct tph_buf empty = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct fixture *f = test_calloc(1, sizeof(*f));
    f->arena = tph_arena_new();
    f->problem = empty;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tph_arena_free(f->arena);
    tph_buf_release(&f->problem);
    test_free(f);
    return 0;
}

static void list_of(size_t n, struct tph_buf *text)
{
    (void)tph_buf_puts(text, "[");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_puts(text, i > 0 ? ",1" : "1");
    }
    (void)tph_buf_puts(text, "]");
}

static void a_list_of_the_largest_size_passes_and_one_more_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    list_of(TPH_LIMIT_ITEMS, &text);
    assert_int_equal(tph_loop_items_param(tph_buf_str(&text), f->arena, &f->items, &f->problem), 0);
    assert_int_equal(f->items.n, TPH_LIMIT_ITEMS);
    tph_buf_clear(&text);
    list_of(TPH_LIMIT_ITEMS + 1, &text);
    assert_int_equal(tph_loop_items_param(tph_buf_str(&text), f->arena, &f->items, &f->problem), -1);
    assert_string_equal(tph_buf_cstr(&f->problem),
                        "a loop has more than 200000 items (TPH_LIMIT_ITEMS): make it several steps");
}

static void a_sequence_longer_than_the_limit_is_refused_before_it_is_made(void **state)
{
    struct fixture *f = *state;
    static const struct tph_loop_sequence long_ones[] = {
        {.count = TPH_STR("200001")},
        {.start = TPH_STR("-9223372036854775808"), .end = TPH_STR("9223372036854775807")},
        {.start = TPH_STR("9223372036854775807"), .count = TPH_STR("2")},
    };
    for (size_t i = 0; i < sizeof(long_ones) / sizeof(long_ones[0]); i++) {
        tph_buf_clear(&f->problem);
        assert_int_equal(tph_loop_items_sequence(&long_ones[i], f->arena, &f->items, &f->problem), -1);
        assert_string_equal(tph_buf_cstr(&f->problem),
                            "a loop has more than 200000 items (TPH_LIMIT_ITEMS): make it several steps");
    }
}

static void a_format_that_makes_too_much_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct tph_loop_sequence wide = {.count = TPH_STR("100000"), .format = TPH_STR("%0100000d")};
    assert_int_equal(tph_loop_items_sequence(&wide, f->arena, &f->items, &f->problem), -1);
    assert_string_equal(tph_buf_cstr(&f->problem),
                        "withSequence: the format \"%0100000d\" makes more than 1048576 bytes an item or 67108864 in "
                        "all (TPH_LIMIT_PARAMETER, TPH_LIMIT_DOCUMENT)");
}

/* What package fmt documents and prints for these. */
static void formats_are_those_of_go(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int64_t value;
        const char *text;
    } rows[] = {
        {"%-5d|", 7, "7    |"},
        {"%05d", -7, "-0007"},
        {"%+.3d", 7, "+007"},
        {"% d", 7, " 7"},
        {"%#x", 255, "0xff"},
        {"%#o", 8, "010"},
        {"%O", 8, "0o10"},
        {"%#b", 5, "0b101"},
        {"%c", 0x263A, "\xE2\x98\xBA"},
        {"%q", 'x', "'x'"},
        {"%q", '\'', "'\\''"},
        {"%+q", 0xE9, "'\\u00e9'"},
        {"%U", 0x263A, "U+263A"},
        {"%#U", 0x263A, "U+263A '\xE2\x98\xBA'"},
        {"%T", 1, "int"},
        {"%[1]d-%[1]d", 4, "4-4"},
        {"%[2]d", 4, "%!d(BADINDEX)"},
        {"%.0d", 0, ""},
        {"%3.2d", 5, " 05"},
        {"%5s", 1, "%!s(int=    1)"},
        {"\xC3\xA9%d", 1,
         "\xC3\xA9"
         "1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(256);
        tph_loop_format(tph_str(rows[i].format), rows[i].value, &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i].text);
    }
}

static void a_result_of_plain_words_is_a_text_unless_argo_is_asked_for(void **state)
{
    struct fixture *f = *state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(TPH_STR("{\"result\":\"hello world\"}"), &doc, NULL), 0);
    const struct tph_json *outputs[] = {tph_json_root(doc), NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf ours = TPH_BUF_INIT(256);
    TPH_CLEANUP(tph_buf_release) struct tph_buf theirs = TPH_BUF_INIT(256);
    assert_int_equal(tph_aggregate_results(outputs, 2, 0, &ours, &f->problem), 0);
    assert_string_equal(tph_buf_cstr(&ours), "[\"hello world\"]");
    assert_int_equal(tph_aggregate_results(outputs, 2, TPH_AGGREGATE_ARGO, &theirs, &f->problem), -1);
    assert_string_equal(tph_buf_cstr(&f->problem), "invalid character 'h' looking for beginning of value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_of_the_largest_size_passes_and_one_more_is_refused_by_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_sequence_longer_than_the_limit_is_refused_before_it_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(a_format_that_makes_too_much_is_refused, setup, teardown),
        cmocka_unit_test(formats_are_those_of_go),
        cmocka_unit_test_setup_teardown(a_result_of_plain_words_is_a_text_unless_argo_is_asked_for, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
