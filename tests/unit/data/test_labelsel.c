/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors: what Kubernetes' documentation tells of them, and its parser's texts. The recorded answers cover more. */
#include "data/labelsel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/label.h"

static struct tph_json_doc *json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

static bool matches(const char *text, const char *labels)
{
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json(labels);
    assert_int_equal(tph_labelsel_parse(tph_str(text), &selector, NULL), 0);
    return tph_labelsel_matches_object(selector, tph_json_root(doc));
}

static void labels_are_matched_as_the_documentation_says(void **state)
{
    (void)state;
    static const char pod[] = "{\"environment\":\"production\",\"tier\":\"frontend\",\"n\":\"7\"}";
    assert_true(matches("environment=production,tier!=backend", pod));
    assert_true(matches("environment in (production, qa)", pod));
    assert_true(matches("environment in (production),tier in (frontend)", pod));
    assert_true(matches("environment,environment notin (frontend)", pod));
    assert_true(matches("!partition", pod));
    assert_true(matches("partition notin (customerA)", pod));
    assert_false(matches("partition", pod));
    assert_false(matches("partition in (customerA)", pod));
    assert_true(matches("n>6,n<8", pod));
    assert_false(matches("n>7", pod));
    assert_false(matches("tier>1", pod)); /* no number */
}

static void broken_label_selectors_are_told(void **state)
{
    (void)state;
#define VALUE                                                                                                    \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "    \
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " \
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    static const char *const rows[][2] = {
        {"=a", "found '=', expected: !, identifier, or 'end of string'"},
        {"!a b", "found 'b', expected: ',' or 'end of string'"},
        {"a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"},
        {"a in (b,!)", "unable to parse requirement: found '!', expected: ',', or identifier"},
        {"a in (-b,-c)", "unable to parse requirement: [values[0][a]: Invalid value: \"-b\": " VALUE
                         ", values[1][a]: Invalid value: \"-c\": " VALUE "]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(tph_labelsel_parse(tph_str(rows[i][0]), &selector, &err), -1);
        assert_string_equal(err.text, rows[i][1]);
        assert_int_equal(err.kind, TPH_ERROR_INVALID);
        assert_null(selector);
    }
}

static void a_selector_has_a_largest_size(void **state)
{
    (void)state;
    size_t size = TPH_LIMIT_LABEL_SELECTOR + 1;
    TPH_CLEANUP(tph_freep) char *text = tph_calloc(size + 1, 1);
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    memset(text, ' ', size);
    text[0] = 'a';
    text[1] = '=';
    assert_int_equal(tph_labelsel_parse(tph_str(text), &selector, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "the label selector has 65537 bytes, at most 65536 are taken");
    text[size - 1] = '\0';
    assert_int_equal(tph_labelsel_parse(tph_str(text), &selector, &err), 0);
}

static void parts_can_be_looked_at(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
    assert_int_equal(tph_labelsel_parse(TPH_STR("z notin (c,a,c),b"), &selector, NULL), 0);
    assert_int_equal(tph_labelsel_len(selector), 2);
    assert_int_equal(tph_labelsel_at(selector, 0)->op, TPH_LABELSEL_EXISTS);
    const struct tph_labelsel_part *part = tph_labelsel_at(selector, 1);
    assert_true(tph_str_eqz(part->key, "z"));
    assert_int_equal(part->op, TPH_LABELSEL_NOT_IN);
    assert_int_equal(part->n_values, 2);
    assert_true(tph_str_eqz(part->values[0], "a"));
}

static void no_object_selects_nothing_and_an_empty_one_everything(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json("{}");
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *nothing = NULL;
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *everything = NULL;
    assert_int_equal(tph_labelsel_from_object(NULL, &nothing, NULL), 0);
    assert_int_equal(tph_labelsel_from_object(tph_json_root(doc), &everything, NULL), 0);
    assert_false(tph_labelsel_matches_object(nothing, tph_json_root(doc)));
    assert_false(tph_labelsel_is_empty(nothing));
    assert_true(tph_labelsel_matches_object(everything, NULL));
    assert_true(tph_labelsel_is_empty(everything));
}

static void objects_of_wrong_types_are_no_crash(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "1",
        "[]",
        "{\"matchLabels\":[1]}",
        "{\"matchExpressions\":{\"a\":1}}",
        "{\"matchExpressions\":[1,null]}",
        "{\"matchExpressions\":[{\"key\":1,\"operator\":\"In\",\"values\":{\"a\":\"b\"}}]}",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json(rows[i]);
        TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        int failed = tph_labelsel_from_object(tph_json_root(doc), &selector, &err);
        assert_true(failed == 0 ? selector != NULL : err.text[0] != '\0');
    }
}

static void names_of_labels_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool fine;
    } rows[] = {
        {"app", true},         {"app.kubernetes.io/name", true},
        {"a/B_c.d", true},     {"/a", false},
        {"UPPER.io/a", false}, {"a..b/c", false},
        {"a b", false},        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
        tph_label_check_key(tph_str(rows[i].key), &faults);
        assert_int_equal(faults.len == 0, rows[i].fine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_matched_as_the_documentation_says),
        cmocka_unit_test(broken_label_selectors_are_told),
        cmocka_unit_test(a_selector_has_a_largest_size),
        cmocka_unit_test(parts_can_be_looked_at),
        cmocka_unit_test(no_object_selects_nothing_and_an_empty_one_everything),
        cmocka_unit_test(objects_of_wrong_types_are_no_crash),
        cmocka_unit_test(names_of_labels_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
