/* SPDX-License-Identifier: Apache-2.0 */
#include "data/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

static struct tph_json_doc *must_parse(struct tph_str text)
{
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_json_parse(text, &doc, &err) < 0) {
        fail_msg("%.*s: %s", TPH_FMT(text), err.text);
    }
    return doc;
}

static void assert_written(const struct tph_json *value, unsigned flags, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, flags, &buf);
    assert_string_equal(tph_buf_cstr(&buf), expected);
}

static void assert_reads_as(struct tph_str text, const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(text);
    assert_written(tph_json_root(doc), 0, expected);
}

static void numbers_keep_their_text(void **state)
{
    (void)state;
    assert_reads_as(TPH_STR(" [1.0, -0, 1E400, 18446744073709551616, 1.50e-3] "),
                    "[1.0,-0,1E400,18446744073709551616,1.50e-3]");
}

static void a_number_of_a_hundred_thousand_digits_is_kept(void **state)
{
    (void)state;
    size_t n = 100000;
    TPH_CLEANUP(tph_freep) char *digits = tph_malloc(n + 1);
    memset(digits, '7', n);
    digits[n] = '\0';
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(tph_str(digits));
    int64_t whole = 5;
    double real = 5;

    assert_string_equal(tph_json_number_text(tph_json_root(doc)).p, digits);
    assert_int_equal(tph_json_to_i64(tph_json_root(doc), &whole), -1);
    assert_int_equal(tph_json_to_double(tph_json_root(doc), &real), -1);
    assert_int_equal(whole, 5);
    assert_true(real == 5);
}

static void invalid_utf8_and_lone_surrogates_become_replacement_characters(void **state)
{
    (void)state;
    assert_reads_as(TPH_STR("\"a\xff\xc3(\xed\xa0\x80\""),
                    "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_reads_as(TPH_STR("[\"\\ud83dx\",\"\\ude42\",\"\\ud83d\\ude42\",\"\\\\ud83d\"]"),
                    "[\"\xef\xbf\xbdx\",\"\xef\xbf\xbd\",\"\xf0\x9f\x99\x82\",\"\\\\ud83d\"]");
}

static void nul_in_strings_and_keys_is_kept(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(TPH_STR("{\"a\\u0000b\":\"x\\u0000y\"}"));
    struct tph_str key = {.p = "a\0b", .len = 3};
    struct tph_str text = tph_json_str(tph_json_getn(tph_json_root(doc), key));

    assert_int_equal(text.len, 3);
    assert_memory_equal(text.p, "x\0y", 3);
    assert_written(tph_json_root(doc), 0, "{\"a\\u0000b\":\"x\\u0000y\"}");
}

static void the_last_of_equal_keys_wins_at_the_place_of_the_first(void **state)
{
    (void)state;
    assert_reads_as(TPH_STR("{\"a\":1,\"b\":{\"c\":1,\"c\":2},\"a\":[{\"x\":1,\"x\":2}]}"),
                    "{\"a\":[{\"x\":2}],\"b\":{\"c\":2}}");

    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    (void)tph_buf_putc(&text, '{');
    for (int i = 0; i < 1000; i++) {
        (void)tph_buf_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 500, i);
    }
    (void)tph_buf_putc(&text, '}');
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(tph_buf_str(&text));
    int64_t value = 0;
    assert_int_equal(tph_json_len(tph_json_root(doc)), 500);
    assert_int_equal(tph_json_to_i64(tph_json_get(tph_json_root(doc), "k499"), &value), 0);
    assert_int_equal(value, 999);
}

static char *nested(size_t depth)
{
    char *text = tph_malloc(depth * 2 + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[depth * 2] = '\0';
    return text;
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_freep) char *deepest = nested(TPH_LIMIT_JSON_DEPTH);
    TPH_CLEANUP(tph_freep) char *deeper = nested(TPH_LIMIT_JSON_DEPTH + 1);
    TPH_CLEANUP(tph_freep) char *deep = nested(10000);

    assert_reads_as(tph_str(deepest), deepest);
    assert_int_equal(tph_json_parse(tph_str(deeper), &doc, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "1:1001: nested deeper than 1000 levels");
    assert_int_equal(tph_json_parse(tph_str(deep), &doc, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    deep[10000] = '\0'; /* never closed: still the depth is what is wrong first */
    assert_int_equal(tph_json_parse(tph_str(deep), &doc, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_null(doc);
}

static void faults_are_placed_and_worded_as_go_words_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"", "1:1: unexpected end of JSON input"},
        {"{\n  \"a\": x}", "2:8: invalid character 'x' looking for beginning of value"},
        {"[\"\xc3\xa9\", }", "1:7: invalid character '}' looking for beginning of value"},
        {"[Infinity]", "1:2: invalid character 'I' looking for beginning of value"},
        {"[NaN]", "1:2: invalid character 'N' looking for beginning of value"},
        {"-Infinity", "1:2: invalid character 'I' in numeric literal"},
        {"{\"a\":1,}", "1:8: invalid character '}' looking for beginning of object key string"},
        {"[1] // x", "1:5: invalid character '/' after top-level value"},
        {"\"a", "1:3: unexpected end of JSON input"},
        {"\"\\ud8\"", "1:6: invalid character '\"' in \\u hexadecimal character escape"},
        {"[1\xff]", "1:3: invalid character '\xc3\xbf' after array element"},
        {"{\"a\"", "1:5: unexpected end of JSON input"},
        {"1.", "1:3: invalid character ' ' after decimal point in numeric literal"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_json_doc *doc = NULL;
        assert_int_equal(tph_json_parse(tph_str(rows[i].text), &doc, &err), -1);
        assert_string_equal(err.text, rows[i].error);
        assert_int_equal(err.kind, TPH_ERROR_INVALID);
        assert_null(doc);
    }
}

static void parse_first_stops_after_one_value(void **state)
{
    (void)state;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *repaired = NULL;
    size_t used = 0;

    assert_int_equal(tph_json_parse_first(TPH_STR(" {\"a\":1}{\"b\":2}"), &doc, &used, &err), 0);
    assert_int_equal(used, 8);
    assert_written(tph_json_root(doc), 0, "{\"a\":1}");
    /* Bytes of the text that was given, not of the one that was repaired. */
    assert_int_equal(tph_json_parse_first(TPH_STR("[\"\xff\\ud800\"][]"), &repaired, &used, &err), 0);
    assert_int_equal(used, 11);
}

static void a_set_member_keeps_its_place_and_a_removed_one_is_gone(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(TPH_STR("{\"a\":1,\"b\":2,\"c\":3}"));
    struct tph_json *root = tph_json_root(doc);

    tph_json_set_cstr(doc, root, "b", "two");
    tph_json_set(doc, root, "d", tph_json_new_bool(doc, true));
    assert_written(root, 0, "{\"a\":1,\"b\":\"two\",\"c\":3,\"d\":true}");
    struct tph_json *removed = tph_json_remove(root, "a");
    assert_written(removed, 0, "1");
    assert_null(tph_json_get(root, "a"));
    assert_null(tph_json_remove(root, "a"));
    assert_written(root, 0, "{\"b\":\"two\",\"c\":3,\"d\":true}");
}

static bool is_odd(void *owner, struct tph_str key, struct tph_json *value)
{
    int64_t number = 0;
    *(size_t *)owner += key.len;
    return tph_json_to_i64(value, &number) == 0 && number % 2 == 1;
}

static void sifting_takes_members_out_wherever_they_stand(void **state)
{
    static const char *const texts[][2] = {{"{}", "{}"},
                                           {"{\"a\":2}", "{}"},
                                           {"{\"a\":2,\"b\":1,\"c\":4,\"d\":3,\"e\":6}", "{\"b\":1,\"d\":3}"},
                                           {"{\"a\":1,\"b\":2}", "{\"a\":1}"},
                                           {"{\"a\":1,\"b\":3}", "{\"a\":1,\"b\":3}"},
                                           {"[2]", "[2]"}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        size_t n = 0;
        assert_int_equal(tph_json_parse(tph_str(texts[i][0]), &doc, NULL), 0);
        tph_json_sift(tph_json_root(doc), is_odd, &n);
        assert_written(tph_json_root(doc), 0, texts[i][1]);
        assert_int_equal(n, texts[i][0][0] == '{' ? strlen(texts[i][0]) / 6 : 0);
    }
    tph_json_sift(NULL, is_odd, NULL);
}

static void values_are_built_walked_and_copied_across_documents(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *list = tph_json_new_array(doc);
    for (int i = 0; i < 3; i++) {
        tph_json_append(doc, list, tph_json_new_i64(doc, i - 1));
    }
    tph_json_append(doc, list, tph_json_new_double(doc, 1e21));
    tph_json_append(doc, list, tph_json_new_null(doc));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *other = tph_json_doc_new();
    tph_json_set_root(other, tph_json_copy(other, list));
    tph_json_doc_free(TPH_TAKE(doc)); /* the copy needs nothing of it */

    assert_written(tph_json_root(other), 0, "[-1,0,1,1e+21,null]");
    struct tph_json_iter it = tph_json_iter(tph_json_root(other));
    size_t n = 0;
    while (tph_json_next(&it)) {
        assert_int_equal(it.index, n++);
    }
    assert_int_equal(n, 5);
    assert_written(tph_json_at(tph_json_root(other), 2), 0, "1");
    assert_null(tph_json_at(tph_json_root(other), 5));
}

static void absent_and_wrong_types_read_as_nothing(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(TPH_STR("{\"a\":{\"b\":\"x\"},\"n\":null}"));
    struct tph_json *root = tph_json_root(doc);
    int64_t number = 9;

    assert_string_equal(tph_json_str(tph_json_path(root, "a", "b", NULL)).p, "x");
    assert_null(tph_json_path(root, "a", "b", "c", NULL));
    assert_null(tph_json_path(NULL, "a", NULL));
    assert_true(tph_json_is_null(tph_json_get(root, "n")));
    assert_false(tph_json_is(tph_json_get(root, "missing"), TPH_JSON_NULL));
    assert_true(tph_json_is_null(NULL));
    assert_int_equal(tph_json_len(NULL), 0);
    assert_int_equal(tph_json_len(tph_json_path(root, "a", "b", NULL)), 0);
    assert_int_equal(tph_json_str(root).len, 0);
    assert_int_equal(tph_json_to_i64(root, &number), -1);
    assert_false(tph_json_bool(root));
    struct tph_json_iter none = tph_json_iter(NULL);
    assert_false(tph_json_next(&none));
}

static void equality_looks_at_number_texts_and_not_at_the_order_of_members(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *a = must_parse(TPH_STR("{\"x\":[1,{\"y\":null}],\"z\":\"\"}"));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *b = must_parse(TPH_STR("{\"z\":\"\",\"x\":[1,{\"y\":null}]}"));
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *c = must_parse(TPH_STR("{\"z\":\"\",\"x\":[1.0,{\"y\":null}]}"));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *d = must_parse(TPH_STR("{\"z\":\"\",\"q\":[1,{\"y\":null}]}"));

    assert_true(tph_json_equal(tph_json_root(a), tph_json_root(b)));
    assert_false(tph_json_equal(tph_json_root(a), tph_json_root(c)));
    assert_false(tph_json_equal(tph_json_root(a), tph_json_root(d)));
}

static void writing_sorts_indents_and_escapes_when_asked(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *doc = must_parse(TPH_STR("{\"b\":[1,{}],\"a\":[],\"B\":\"<&>\\u2028\\u007f\"}"));

    assert_written(tph_json_root(doc), TPH_JSON_SORTED, "{\"B\":\"<&>\\u2028\x7f\",\"a\":[],\"b\":[1,{}]}");
    assert_written(tph_json_root(doc), TPH_JSON_HTML,
                   "{\"b\":[1,{}],\"a\":[],\"B\":\"\\u003c\\u0026\\u003e\\u2028\x7f\"}");
    assert_written(tph_json_root(doc), TPH_JSON_SORTED | TPH_JSON_PRETTY,
                   "{\n    \"B\": \"<&>\\u2028\x7f\",\n    \"a\": [],\n    \"b\": [\n        1,\n        {}\n    ]\n}");
}

static void writing_past_the_buffers_ceiling_is_seen(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = must_parse(TPH_STR("[1,2,3]"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(6);
    tph_json_write(tph_json_root(doc), 0, &buf);
    assert_true(tph_buf_failed(&buf));
}

static void compacting_keeps_every_spelling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf buf = TPH_BUF_INIT(200);
    tph_json_compact(TPH_STR(" { \"a b\\\" \" : [ 1.0 ,\t\"\\u00e9<\xe2\x80\xa8\" ] }\n"), TPH_JSON_HTML, &buf);
    assert_string_equal(tph_buf_cstr(&buf), "{\"a b\\\" \":[1.0,\"\\u00e9\\u003c\\u2028\"]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_their_text),
        cmocka_unit_test(a_number_of_a_hundred_thousand_digits_is_kept),
        cmocka_unit_test(invalid_utf8_and_lone_surrogates_become_replacement_characters),
        cmocka_unit_test(nul_in_strings_and_keys_is_kept),
        cmocka_unit_test(the_last_of_equal_keys_wins_at_the_place_of_the_first),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(faults_are_placed_and_worded_as_go_words_them),
        cmocka_unit_test(parse_first_stops_after_one_value),
        cmocka_unit_test(a_set_member_keeps_its_place_and_a_removed_one_is_gone),
        cmocka_unit_test(sifting_takes_members_out_wherever_they_stand),
        cmocka_unit_test(values_are_built_walked_and_copied_across_documents),
        cmocka_unit_test(absent_and_wrong_types_read_as_nothing),
        cmocka_unit_test(equality_looks_at_number_texts_and_not_at_the_order_of_members),
        cmocka_unit_test(writing_sorts_indents_and_escapes_when_asked),
        cmocka_unit_test(writing_past_the_buffers_ceiling_is_seen),
        cmocka_unit_test(compacting_keeps_every_spelling),
    };
    return cmocka_run_group_tests_name("data/json", tests, NULL, NULL);
}
