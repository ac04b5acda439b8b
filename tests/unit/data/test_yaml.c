/* SPDX-License-Identifier: Apache-2.0 */
#include "data/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

/* What a text becomes, as JSON; "error: TEXT @LINE:COLUMN" when it is refused. The caller frees it. */
static char *read_as(struct tph_str text, unsigned flags)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_yaml_places places = {.positions = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(text, flags, &doc, &places, &err) < 0) {
        assert_null(doc);
        return tph_format("error: %s @%zu:%zu", err.text, places.error.line, places.error.column);
    }
    struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_json_root(doc), 0, &json);
    return tph_buf_take(&json, NULL);
}

static void assert_reads(const char *text, unsigned flags, const char *expected)
{
    TPH_CLEANUP(tph_freep) char *got = read_as(tph_str(text), flags);
    assert_string_equal(got, expected);
}

static void errors_know_their_line_and_column(void **state)
{
    (void)state;
    assert_reads("a: b: c", 0, "error: yaml: mapping values are not allowed in this context @1:5");
    assert_reads("a: 1\nb:\n\tc: 2\n", 0, "error: yaml: line 3: found character that cannot start any token @3:1");
    assert_reads("a: [1,\n  2\n", 0, "error: yaml: line 2: did not find expected ',' or ']' @3:1");
    assert_reads("a: 1\nb: *x\n", 0, "error: yaml: unknown anchor 'x' referenced @2:4");
    assert_reads("a: &x\n- *x\n", 0, "error: yaml: anchor 'x' value contains itself @2:3");
    assert_reads("a: 1\nb: .inf\n", 0, "error: json: unsupported value: +Inf @2:4");
    assert_reads("a: 1\n~: 2\n", 0, "error: unsupported map key of type: %!s(<nil>), key: <nil>, value: 2 @2:1");
    assert_reads("a:\n  \xc3\xa9: \"\n  \\/\"\n", 0, "error: yaml: line 3: found unknown escape character @3:3");
    assert_reads("- 1\n- {a: 1}: 2\n- [1]: 2\n", 0,
                 "error: yaml: invalid map key: map[interface {}]interface {}{\"a\":1} @2:3");
}

static void strict_names_every_duplicate_key(void **state)
{
    (void)state;
    assert_reads("a: 1\nb: {c: 1, c: 2}\na:\n  3\n", TPH_YAML_STRICT,
                 "error: yaml: unmarshal errors:\n  line 2: key \"c\" already set in map\n"
                 "  line 4: key \"a\" already set in map @2:11");
    assert_reads("1: a\n\"1\": b\n1.0: c\n", TPH_YAML_STRICT, "{\"1\":\"c\"}"); /* three keys to Go */
}

static void duplicates_in_large_maps_are_found_too(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    for (int i = 0; i < 5000; i++) {
        (void)tph_buf_printf(&text, "k%d: %d\n", i, i);
    }
    (void)tph_buf_puts(&text, "k17: x\nk4999: z\n");
    TPH_CLEANUP(tph_freep) char *strict = read_as(tph_buf_str(&text), TPH_YAML_STRICT);
    assert_string_equal(strict, "error: yaml: unmarshal errors:\n  line 5001: key \"k17\" already set in map\n"
                                "  line 5002: key \"k4999\" already set in map @5001:1");
    TPH_CLEANUP(tph_freep) char *lenient = read_as(tph_buf_str(&text), 0);
    assert_non_null(strstr(lenient, "\"k17\":\"x\",\"k18\":18,"));
    assert_non_null(strstr(lenient, "\"k4999\":\"z\"}"));
}

static void merge_keys_follow_go_yaml(void **state)
{
    (void)state;
    assert_reads("x: &x {a: 1, b: 2}\nz:\n  a: 0\n  <<: *x\n  b: 3\n", 0,
                 "{\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":3}}");
    assert_reads("<<: [{a: 1}, {a: 2, b: 2}]\n", 0, "{\"a\":1,\"b\":2}");
    assert_reads("<<: [{a: 1}, 2]\n", 0, "error: yaml: map merge requires map or sequence of maps as the value @1:14");
}

static void a_billion_laughs_are_refused(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    (void)tph_buf_puts(&text, "a0: &a0 [lol]\n");
    for (int i = 1; i < 10; i++) {
        (void)tph_buf_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                             i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    TPH_CLEANUP(tph_freep) char *got = read_as(tph_buf_str(&text), 0);
    assert_non_null(strstr(got, "error: yaml: document contains excessive aliasing @"));
}

/* A list of `size` items under an anchor, and `times` aliases to it. */
static char *aliased(int size, int times)
{
    struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    (void)tph_buf_puts(&text, "a: &a\n");
    for (int i = 0; i < size; i++) {
        (void)tph_buf_puts(&text, "- 1\n");
    }
    (void)tph_buf_puts(&text, "b:\n");
    for (int i = 0; i < times; i++) {
        (void)tph_buf_puts(&text, "- *a\n");
    }
    return tph_buf_take(&text, NULL);
}

static void aliases_end_at_their_limit(void **state)
{
    (void)state;
    /* Not 99 of 100 values come from aliases, so that only our own ceiling can refuse. */
    TPH_CLEANUP(tph_freep) char *most = aliased(2000, 49);
    TPH_CLEANUP(tph_freep) char *more = aliased(2000, 50);
    TPH_CLEANUP(tph_freep) char *read = read_as(tph_str(most), 0);
    TPH_CLEANUP(tph_freep) char *refused = read_as(tph_str(more), 0);
    assert_int_equal(TPH_LIMIT_YAML_ALIAS_NODES, 100000);
    assert_null(strstr(read, "error"));
    assert_non_null(strstr(refused, "error: yaml: document contains excessive aliasing"));
}

static void values_end_at_their_limit(void **state)
{
    (void)state;
    size_t n = TPH_LIMIT_YAML_NODES;
    TPH_CLEANUP(tph_freep) char *text = tph_malloc(n * 2 + 3);
    text[0] = '[';
    for (size_t i = 0; i < n; i++) {
        memcpy(text + 1 + i * 2, "1,", 2);
    }
    memcpy(text + 1 + n * 2, "]", 2);
    TPH_CLEANUP(tph_freep) char *refused = read_as(tph_str(text), 0);
    assert_non_null(strstr(refused, "error: yaml: more values in one document than 1000000 @"));
}

/* depth times `open`, then `close` as often. */
static char *nested(size_t depth, const char *open, const char *close)
{
    struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    for (size_t i = 0; i < depth; i++) {
        (void)tph_buf_puts(&text, open);
    }
    for (size_t i = 0; i < depth; i++) {
        (void)tph_buf_puts(&text, close);
    }
    return tph_buf_take(&text, NULL);
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *open;
        const char *close;
    } forms[] = {{"[", "]"}, {"{a: ", "}"}, {"- ", ""}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        TPH_CLEANUP(tph_freep) char *deepest = nested(TPH_LIMIT_YAML_DEPTH, forms[i].open, forms[i].close);
        TPH_CLEANUP(tph_freep) char *deeper = nested(TPH_LIMIT_YAML_DEPTH + 1, forms[i].open, forms[i].close);
        TPH_CLEANUP(tph_freep) char *deep = nested(10000, forms[i].open, "");
        TPH_CLEANUP(tph_freep) char *fits = read_as(tph_str(deepest), 0);
        TPH_CLEANUP(tph_freep) char *refused = read_as(tph_str(deeper), 0);
        TPH_CLEANUP(tph_freep) char *far = read_as(tph_str(deep), 0);
        assert_null(strstr(fits, "error"));
        assert_non_null(strstr(refused, "error: yaml: exceeded max depth of 1000 @1:"));
        assert_non_null(strstr(far, "error: yaml: exceeded max depth of 1000 @1:"));
    }
}

static void nesting_through_aliases_ends_at_the_limit_too(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_freep) char *open = nested(90, "[", "");
    TPH_CLEANUP(tph_freep) char *close = nested(90, "", "]");
    (void)tph_buf_puts(&text, "a0: &a0 1\n");
    for (int i = 1; i <= 11; i++) {
        (void)tph_buf_printf(&text, "a%d: &a%d %s*a%d%s\n", i, i, open, i - 1, close);
    }
    TPH_CLEANUP(tph_freep) char *got = read_as(tph_buf_str(&text), 0);
    assert_non_null(strstr(got, "error: yaml: exceeded max depth of 1000 @2:")); /* the innermost is too deep */
}

static void a_colon_before_a_bracket_belongs_to_the_key(void **state)
{
    (void)state;
    assert_reads("a: {b:, c:}\n", 0, "{\"a\":{\"b:\":null,\"c:\":null}}");
    /* The stand-in for the colon is a character that the text does not have. */
    assert_reads("a: {\xee\x80\x80:, \xee\x80\x81: x}\n", 0, "{\"a\":{\"\xee\x80\x80:\":null,\"\xee\x80\x81\":\"x\"}}");
    assert_reads("[a:,b:,c:,d:,e:,f:,g:,h:,i:,j:,k:,l:,m:,n:,o:,p:,q:,r:,s:,t:]", 0,
                 "error: yaml: found unexpected ':' @1:51");
}

static void nul_in_a_quoted_text_is_kept_and_a_raw_one_refused(void **state)
{
    (void)state;
    assert_reads("a: \"x\\0y\"\n", 0, "{\"a\":\"x\\u0000y\"}");
    struct tph_str raw = {.p = "a: x\0y\n", .len = 7};
    TPH_CLEANUP(tph_freep) char *got = read_as(raw, 0);
    assert_non_null(strstr(got, "error: yaml: control characters are not allowed"));
}

static void documents_are_cut_where_argo_cuts_them(void **state)
{
    (void)state;
    struct tph_yaml_stream stream = {.rest = TPH_STR("a: 1\n\n--- # x\nb: 2\n---\n")};
    struct tph_str part;
    assert_true(tph_yaml_next_document(&stream, &part));
    assert_true(tph_str_eqz(part, "a: 1\n"));
    assert_int_equal(stream.line, 0);
    assert_true(tph_yaml_next_document(&stream, &part));
    assert_true(tph_str_eqz(part, " # x\nb: 2"));
    assert_int_equal(stream.line, 2); /* its first line is the one with the dashes, the third */
    assert_true(tph_yaml_next_document(&stream, &part));
    assert_true(tph_str_eqz(part, "\n"));
    assert_int_equal(stream.line, 4);
    assert_false(tph_yaml_next_document(&stream, &part));
}

static void assert_place(const struct tph_positions *positions, const char *path, size_t line, size_t column)
{
    struct tph_position at = tph_positions_find(positions, tph_str(path));
    if (at.line != line || at.column != column) {
        fail_msg("%s is at %zu:%zu, not %zu:%zu", path, at.line, at.column, line, column);
    }
}

static void positions_are_found_by_path(void **state)
{
    (void)state;
    static const char text[] = "metadata:\n"
                               "  labels: {a.b/c: x, \"k]\": y}\n"
                               "base: &base\n"
                               "  image: i\n"
                               "spec:\n"
                               "  templates:\n"
                               "  - name: one\n"
                               "  - <<: *base\n"
                               "    \xc3\xa9: 1\n"
                               "    on: 2\n"
                               "  copy: *base\n"
                               "  \"\": z\n";
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_yaml_places places = {.positions = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_yaml_parse(tph_str(text), TPH_YAML_POSITIONS, &doc, &places, &err), 0);
    TPH_CLEANUP(tph_positions_freep) struct tph_positions *p = places.positions;

    assert_place(p, "", 1, 1);
    assert_place(p, "metadata", 1, 1);
    assert_place(p, "metadata.labels[a.b/c]", 2, 12);
    assert_place(p, "metadata.labels[k]]", 2, 22);
    assert_place(p, "spec.templates[0].name", 7, 5);
    assert_place(p, "spec.templates[1]", 8, 5);
    assert_place(p, "spec.templates[1].image", 4, 3); /* where the merged member stands */
    assert_place(p, "spec.templates[1].true", 10, 5); /* `on` is the key "true" */
    assert_place(p, "spec.copy.image", 4, 3);
    assert_place(p, "spec[]", 12, 3);
    /* What is not there: its nearest parent. */
    assert_place(p, "spec.templates[0].plugin.x", 7, 5);
    assert_place(p, "spec.templates[9]", 6, 3);
    assert_place(p, "spec.templates[0].nam", 7, 5);
    assert_place(p, "nothing", 1, 1);
    assert_place(NULL, "spec", 0, 0);
}

static char *written(const struct tph_json *value, size_t max)
{
    struct tph_buf out = TPH_BUF_INIT(max);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_write(value, &out, &err) < 0) {
        tph_buf_release(&out);
        return tph_format("error: %s", err.text);
    }
    return tph_buf_take(&out, NULL);
}

static void writing_ends_at_depth_and_size(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *value = tph_json_new_i64(doc, 1);
    for (int i = 0; i < TPH_LIMIT_JSON_DEPTH; i++) {
        struct tph_json *list = tph_json_new_array(doc);
        tph_json_append(doc, list, value);
        value = list;
    }
    TPH_CLEANUP(tph_freep) char *deepest = written(value, TPH_MIB(1));
    assert_int_equal(strncmp(deepest, "- - - ", 6), 0);
    TPH_CLEANUP(tph_freep) char *large = written(value, 100);
    assert_string_equal(large, "error: cannot write YAML: larger than 100 bytes");
    struct tph_json *list = tph_json_new_array(doc);
    tph_json_append(doc, list, value);
    TPH_CLEANUP(tph_freep) char *deeper = written(list, TPH_MIB(1));
    assert_string_equal(deeper, "error: cannot write YAML: nested deeper than 1000 levels");
}

static void strings_that_are_no_utf8_are_written_repaired(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_freep) char *text = written(tph_json_new_cstr(doc, "a\xff"), 100);
    assert_string_equal(text, "a\xef\xbf\xbd\n");
}

static void floats_stay_floats_when_asked(void **state)
{
    (void)state;
    assert_reads("[1e3, 3.0, -0.0, 1e15, 2]", 0, "[1000,3,-0,1000000000000000,2]");
    assert_reads("[1e3, 3.0, -0.0, 1e15, 2]", TPH_YAML_FLOATS, "[1000.0,3.0,-0.0,1e+15,2]");
}

/* The lines of a literal block are lines of the file; those of every other scalar are not. */
static void the_text_of_a_literal_block_begins_where_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t line, column;
    } cases[] = {
        {"a: |\n  x\n", 2, 3},
        {"a: | # why\n\n\n    x\n      y\n", 2, 5}, /* blank lines belong to the text */
        {"a: |-\n x\nb: 1\n", 2, 2},
        {"a: |2\n    x\n", 2, 3}, /* two of the four blanks are its own */
        {"a: |\r\n   x\r\n", 2, 4},
        {"\xef\xbb\xbfz: \xc3\xa9\na: |\n  x\n", 3, 3},
        {"k: &k |\n  x\na: *k\n", 2, 3},
        {"- 1\n", 0, 0},
        {"a: >\n  x\n", 0, 0},
        {"a: \"x\\ny\"\n", 0, 0},
        {"a: x\n", 0, 0},
        {"a: {b: c}\n", 0, 0},
        {"b: |\n  x\n", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        struct tph_yaml_places places = {.positions = NULL};
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_yaml_parse(tph_str(cases[i].text), TPH_YAML_POSITIONS, &doc, &places, &err), 0);
        TPH_CLEANUP(tph_positions_freep) struct tph_positions *positions = places.positions;
        struct tph_position at = tph_positions_literal(positions, TPH_STR("a"));
        assert_int_equal(at.line, cases[i].line);
        assert_int_equal(at.line > 0 ? at.column : 0, cases[i].column);
    }
    assert_int_equal(tph_positions_literal(NULL, TPH_STR("a")).line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_know_their_line_and_column),
        cmocka_unit_test(strict_names_every_duplicate_key),
        cmocka_unit_test(duplicates_in_large_maps_are_found_too),
        cmocka_unit_test(merge_keys_follow_go_yaml),
        cmocka_unit_test(a_billion_laughs_are_refused),
        cmocka_unit_test(aliases_end_at_their_limit),
        cmocka_unit_test(values_end_at_their_limit),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(nesting_through_aliases_ends_at_the_limit_too),
        cmocka_unit_test(a_colon_before_a_bracket_belongs_to_the_key),
        cmocka_unit_test(nul_in_a_quoted_text_is_kept_and_a_raw_one_refused),
        cmocka_unit_test(documents_are_cut_where_argo_cuts_them),
        cmocka_unit_test(positions_are_found_by_path),
        cmocka_unit_test(the_text_of_a_literal_block_begins_where_it_stands),
        cmocka_unit_test(writing_ends_at_depth_and_size),
        cmocka_unit_test(strings_that_are_no_utf8_are_written_repaired),
        cmocka_unit_test(floats_stay_floats_when_asked),
    };
    return cmocka_run_group_tests_name("data/yaml", tests, NULL, NULL);
}
