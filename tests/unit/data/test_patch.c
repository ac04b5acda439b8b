/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patches by the examples of RFC 7386, JSON patches by those of RFC 6902; ceilings; what the recorded answers do
 * not have. */
#include "data/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

typedef int patcher(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                    struct tph_json **ret_value, struct tph_error *err);

static struct tph_json_doc *json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

/* The result as text, or the error. */
static char *patched(patcher *patch, const char *original, const char *change)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *before = json(original);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *with = json(change);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *value = NULL;
    if (patch(doc, tph_json_root(before), tph_json_root(with), &value, &err) < 0) {
        assert_null(value);
        return tph_strdup(err.text);
    }
    tph_json_write(value, 0, &out);
    return tph_buf_take(&out, NULL);
}

static void gives(patcher *patch, const char *original, const char *change, const char *expected)
{
    TPH_CLEANUP(tph_freep) char *got = patched(patch, original, change);
    assert_string_equal(got, expected);
}

static void merges_are_those_of_the_standard(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gives(tph_patch_merge, rows[i][0], rows[i][1], rows[i][2]);
    }
}

/* The standard lets these patches replace the whole; the library does not. */
static void a_patch_is_an_object_or_a_list(void **state)
{
    (void)state;
    gives(tph_patch_merge, "{\"a\":\"foo\"}", "null", "Invalid JSON Patch");
    gives(tph_patch_merge, "{\"a\":\"foo\"}", "\"bar\"", "Invalid JSON Patch");
    gives(tph_patch_merge, "null", "{\"a\":1}", "Invalid JSON Document");
}

static void patches_are_made_of_differences(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"c\":4,\"d\":3},\"e\":5}",
         "{\"b\":{\"c\":4},\"e\":5,\"a\":null}"},
        {"{\"a\":1}", "{\"a\":1.0}", "{}"},
        {"{\"a\":9007199254740993}", "{\"a\":9007199254740992}", "{\"a\":9007199254740992}"},
        {"{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":2.0}]}", "{}"},
        {"{\"a\":[1]}", "{\"a\":[1,2]}", "{\"a\":[1,2]}"},
        {"[{\"a\":1},null]", "[{\"a\":2},{\"b\":1}]", "[{\"a\":2},{\"b\":1}]"},
        {"[{}]", "[{},{}]", "Invalid JSON Document"},
        {"{}", "[]", "Mismatched JSON Documents"},
        {"1", "2", "Invalid JSON Document"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gives(tph_patch_make_merge, rows[i][0], rows[i][1], rows[i][2]);
    }
}

static void operations_are_those_of_the_standard(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
         "{\"foo\":\"bar\",\"baz\":\"qux\"}"},
        {"{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
         "{\"foo\":[\"bar\",\"qux\",\"baz\"]}"},
        {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]", "{\"foo\":\"bar\"}"},
        {"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
         "{\"foo\":[\"bar\",\"baz\"]}"},
        {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
         "{\"baz\":\"boo\",\"foo\":\"bar\"}"},
        {"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
         "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
         "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}"},
        {"{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
         "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
         "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}"},
        {"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
         "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
         "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}"},
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
         "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}"},
        {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
         "{\"foo\":\"bar\",\"baz\":\"qux\"}"},
        {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"/\":9,\"~1\":10}"},
        {"{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
         "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}"},
        {"{\"a\":{}}",
         "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":{}}},{\"op\":\"replace\",\"path\":\"\","
         "\"value\":[1]},{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]",
         "[0,1]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gives(tph_patch_json, rows[i][0], rows[i][1], rows[i][2]);
    }
}

static void operations_that_do_not_apply_are_told(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]",
         "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid "
         "syntax"},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-3\",\"value\":1}]",
         "error in add for path: '/a/-3': Unable to access invalid index: -3: invalid index referenced"},
        {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/99999999999999999999\"}]",
         "error in remove for path: '/a/99999999999999999999': strconv.Atoi: parsing \"99999999999999999999\": value "
         "out of range"},
        {"{\"a\":[1]}", "[{\"op\":\"test\",\"path\":\"/a/1\",\"value\":1}]",
         "error in test for path: '/a/1': Unable to access invalid index: 1: invalid index referenced"},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b/c\",\"value\":1}]",
         "test operation does not apply: is missing path: /b/c: missing value"},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{}}]", "testing value  failed: test failed"},
        {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"a\"}]",
         "remove operation does not apply: doc is missing path: \"a\": missing value"},
        {"{\"a\":1}", "[{\"op\":\"remove\"}]", "remove operation failed to decode path: missing value"},
        {"{\"a\":1}", "[{\"op\":\"test\"}]",
         "test operation failed to decode path: operation missing path field: missing value"},
        {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":1}]",
         "replace operation failed to decode path: json: cannot unmarshal number into Go value of type string"},
        {"{\"a\":1}", "[{\"op\":\"move\",\"path\":\"/b\"}]",
         "move operation failed to decode from: operation, missing from field: missing value"},
        {"{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/a\"}]", "copy operation failed to decode path: missing value"},
        {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/c\"}]",
         "move operation does not apply: doc is missing destination path: /a/c: missing value"},
        {"{\"a\":[1]}", "[{\"op\":\"copy\",\"from\":\"/a/7\",\"path\":\"/b\"}]",
         "error in copy for from: '/a/7': Unable to access invalid index: 7: invalid index referenced"},
        {"{\"a\":[1]}", "[{\"op\":\"copy\",\"from\":\"/a/0\",\"path\":\"/a/9\"}]",
         "error while adding value during copy: Unable to access invalid index: 9: invalid index referenced"},
        {"{\"a\":1}", "[null]", "Unexpected kind: unknown"},
        {"{\"a\":1}", "[{\"op\":1,\"path\":\"/a\"}]", "Unexpected kind: unknown"},
        {"{\"a\":1}", "[1]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation"},
        {"\"a\"", "[]", "json: cannot unmarshal string into Go value of type jsonpatch.partialDoc"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gives(tph_patch_json, rows[i][0], rows[i][1], rows[i][2]);
    }
}

/* n times the operation, as a patch. */
static char *repeated(const char *operation, size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_putc(&out, '[');
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(&out, "%s%s", i > 0 ? "," : "", operation);
    }
    (void)tph_buf_putc(&out, ']');
    return tph_buf_take(&out, NULL);
}

static void a_patch_has_so_many_operations(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_freep)
    char *most = repeated("{\"op\":\"test\",\"path\":\"/a\",\"value\":1}", TPH_LIMIT_PATCH_OPERATIONS);
    TPH_CLEANUP(tph_freep)
    char *more = repeated("{\"op\":\"test\",\"path\":\"/a\",\"value\":1}", TPH_LIMIT_PATCH_OPERATIONS + 1);
    gives(tph_patch_json, "{\"a\":1}", most, "{\"a\":1}");
    gives(tph_patch_json, "{\"a\":1}", more, "The allowed maximum operations in a JSON patch is 10000, got 10001");
}

static void copies_must_not_add_up(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_freep) char *doubling = repeated("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}", 30);
    TPH_CLEANUP(tph_freep) char *got = patched(tph_patch_json, "{\"a\":[\"xxxxxxxxxxxxxxxx\"]}", doubling);
    TPH_CLEANUP(tph_freep)
    char *text = tph_format("exceeding the limit %zu", TPH_LIMIT_PATCH_COPIES);
    assert_non_null(strstr(got, "Unable to complete the copy, the accumulated size increase of copy is "));
    assert_non_null(strstr(got, text));
}

static void what_is_made_is_not_too_deep(void **state)
{
    (void)state;
    /* each copy puts the object below itself, in place of what was there */
    TPH_CLEANUP(tph_freep)
    char *deeper = repeated("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/a\"}", TPH_LIMIT_JSON_DEPTH);
    gives(tph_patch_json, "{\"a\":{\"a\":{}}}", deeper,
          "error while adding value during copy: the JSON patch makes a document "
          "of more than 1000 levels");
}

static void the_work_of_a_patch_has_an_end(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf list = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_freep)
    char *moves = repeated("{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/-1\"}", TPH_LIMIT_PATCH_OPERATIONS);
    (void)tph_buf_puts(&list, "[0");
    for (size_t i = 0; i < 6000; i++) {
        (void)tph_buf_puts(&list, ",0");
    }
    (void)tph_buf_putc(&list, ']');
    gives(tph_patch_json, tph_buf_cstr(&list), moves,
          "error in move for path: '/-1': the JSON patch has to pass more than 50000000 members and elements");
}

/* Members in another order than the patch has them, and many of them. */
static void large_objects_are_compared_in_time(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf forwards = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf patch = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&forwards, "{\"k\":0");
    (void)tph_buf_puts(&patch, "[{\"op\":\"test\",\"path\":\"\",\"value\":{");
    for (int i = 0; i < MANY; i++) {
        (void)tph_buf_printf(&forwards, ",\"%d\":1", i);
        (void)tph_buf_printf(&patch, "\"%d\":1,", MANY - 1 - i);
    }
    (void)tph_buf_puts(&forwards, "}");
    (void)tph_buf_puts(&patch, "\"k\":0}}]");
    TPH_CLEANUP(tph_freep) char *got = patched(tph_patch_json, tph_buf_cstr(&forwards), tph_buf_cstr(&patch));
    assert_string_equal(got, tph_buf_cstr(&forwards));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_are_those_of_the_standard),
        cmocka_unit_test(a_patch_is_an_object_or_a_list),
        cmocka_unit_test(patches_are_made_of_differences),
        cmocka_unit_test(operations_are_those_of_the_standard),
        cmocka_unit_test(operations_that_do_not_apply_are_told),
        cmocka_unit_test(a_patch_has_so_many_operations),
        cmocka_unit_test(copies_must_not_add_up),
        cmocka_unit_test(what_is_made_is_not_too_deep),
        cmocka_unit_test(the_work_of_a_patch_has_an_end),
        cmocka_unit_test(large_objects_are_compared_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
