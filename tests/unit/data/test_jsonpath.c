/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath: what the genuine function answered (reference data expr.jsonl), more of its documented forms, and the
 * ceilings. */
#include "data/jsonpath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

#define BOOKS "{\"store\":{\"book\":[{\"price\":8,\"t\":\"A\"},{\"price\":12,\"t\":\"B\"}]}}"
#define LIST  "{\"k\":[1,2,{\"z\":null}]}"

static bool query(struct tph_str json, struct tph_str path, struct tph_buf *out, bool *is_count)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *made = tph_json_doc_new();
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_jsonpath_result result = {.value = NULL};
    assert_int_equal(tph_json_parse(json, &doc, &err), 0);
    if (tph_jsonpath_query(tph_json_root(doc), path, made, &result, &err) < 0) {
        (void)tph_buf_puts(out, err.text);
        return false;
    }
    *is_count = result.is_count;
    tph_json_write(result.value, TPH_JSON_SORTED, out);
    return true;
}

static void expect(const char *json, const char *path, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool is_count = false;
    (void)query(tph_str(json), tph_str(path), &out, &is_count);
    if (strcmp(tph_buf_cstr(&out), expected) != 0) {
        fail_msg("%s: %s, expected %s", path, tph_buf_cstr(&out), expected);
    }
}

static void recorded_answers(void **state)
{
    (void)state;
    expect(LIST, "$.k[0]", "1");
    expect(LIST, "$.k", "[1,2,{\"z\":null}]");
    expect(LIST, "$.k[2].z", "null");
    expect(LIST, "$.nope", "key: invalid token key 'nope' not found");
    expect(LIST, "k[1]", "invalid JSONPath selector 'k[1]' unexpected token 'k' at index 0");
    expect(LIST, "$..z", "[]");
    expect(LIST, "$.k[*]", "[1,2,{\"z\":null}]");
    expect(LIST, "$.k[-1]", "{\"z\":null}");
    expect(LIST, "$.k[0:2]", "[1,2]");
    expect("{\"a\":\"x\"}", "$['a']", "\"x\"");
    expect("{\"a\":\"x\"}", "", "invalid JSONPath selector '' unexpected token '' at index 0");
    expect("{\"a\":\"x\"}", "$.a.b", "key: invalid token target. expected [map] got [string]");
    expect("[1,2]", "$[1]", "2");
    expect("[1,2]", "$.length", "2");
    expect(BOOKS, "$.store.book[*].t", "[\"A\",\"B\"]");
    expect(BOOKS, "$.store.book[?(@.price < 10)].t", "[\"A\"]");
    expect(BOOKS, "$..price", "[8,12]");
    expect("{\"a b\":1}", "$['a b']", "1");
}

static void the_other_forms(void **state)
{
    (void)state;
    expect("[0,1,2,3,4]", "$[1:4:2]", "[1,3]");
    expect("[0,1,2,3,4]", "$[::-2]", "[4,2,0]");
    expect("[0,1,2,3,4]", "$[-2:]", "[3,4]");
    expect("[0,1,2,3,4]", "$[:2]", "[0,1]");
    expect("[0,1,2,3,4]", "$[0,-1,9]", "[0,4]");
    expect("[0,1,2,3,4]", "$[(@.length-1)]", "4");
    expect("[0,1,2,3,4]", "$[0:9][1]", "1");
    expect("[0,1,2,3,4]", "$[::0]", "range: invalid token out of range");
    expect("[0,1]", "$[2]", "index: invalid token out of range");
    expect("{\"a\":1,\"b\":2}", "$['b',\"a\",'c']", "[2,1]");
    expect("{\"a\":1}", "$[0]", "index: invalid token target. expected [array slice] got [map]");
    expect("{\"b\":1,\"a\":[2]}", "$.*", "[[2],1]");
    expect("{\"length\":7}", "$.length", "7");
    expect("{\"a\":\"abc\"}", "$.a.length", "3");
    expect(BOOKS, "$..book[?(@.t == 'B' || @.price > 100)].price", "[12]");
    expect(BOOKS, "$.store.book[?(@.t =~ '^[AC]$')].price", "[8]");
    expect(BOOKS, "$.store.book[?(@.price in [12, 13])].t", "[\"B\"]");
    expect(BOOKS, "$.store.book[?(!@.nope)]", "[]");
    expect(BOOKS, "$.store.book[?(@.price + 4 == $.store.book[1].price)].t", "[\"A\"]");
    expect("[1]", "$[", "invalid JSONPath selector '$[' invalid token. '[' does not match any token format");
    expect("[1]", "$[a]", "invalid JSONPath selector '$[a]' invalid token. '[a]' does not match any token format");
    expect("[1]", "$x", "invalid JSONPath selector '$x' unexpected token 'x' at index 1");
}

static void a_length_is_an_integer_for_go(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
    bool is_count = false;
    assert_true(query(TPH_STR("[1,2]"), TPH_STR("$.length"), &out, &is_count));
    assert_true(is_count);
    assert_true(query(TPH_STR("[1,2]"), TPH_STR("$[0]"), &out, &is_count));
    assert_false(is_count);
}

static void ceilings_are_errors(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_MIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool is_count = false;
    (void)tph_buf_puts(&path, "$.");
    for (size_t i = 0; i < TPH_LIMIT_JSONPATH; i++) {
        (void)tph_buf_putc(&path, 'a');
    }
    assert_false(query(TPH_STR("1"), tph_buf_str(&path), &out, &is_count));
    assert_non_null(strstr(tph_buf_cstr(&out), "is longer than 4096"));

    /* a list of 700 in each other: .. over all of them gives each of them whole */
    for (int i = 0; i < 700; i++) {
        (void)tph_buf_putc(&json, '[');
    }
    for (int i = 0; i < 700; i++) {
        (void)tph_buf_putc(&json, ']');
    }
    tph_buf_clear(&out);
    assert_false(query(tph_buf_str(&json), TPH_STR("$.."), &out, &is_count));
    assert_non_null(strstr(tph_buf_cstr(&out), "gives more than 200000 values"));
    tph_buf_clear(&out);
    assert_false(query(tph_buf_str(&json), TPH_STR("$..[*]..[*]..[*]..[*]"), &out, &is_count));
    assert_non_null(strstr(tph_buf_cstr(&out), "looks at more than 1000000 values"));

    tph_buf_clear(&path);
    (void)tph_buf_puts(&path, "$[?(");
    for (int i = 0; i <= TPH_LIMIT_JSONPATH_DEPTH; i++) {
        (void)tph_buf_puts(&path, "1+");
    }
    (void)tph_buf_puts(&path, "1)]");
    tph_buf_clear(&out);
    assert_false(query(TPH_STR("[1]"), tph_buf_str(&path), &out, &is_count));
    assert_non_null(strstr(tph_buf_cstr(&out), "more than 200 operators in each other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_answers),
        cmocka_unit_test(the_other_forms),
        cmocka_unit_test(a_length_is_an_integer_for_go),
        cmocka_unit_test(ceilings_are_errors),
    };
    return cmocka_run_group_tests_name("data/jsonpath", tests, NULL, NULL);
}
