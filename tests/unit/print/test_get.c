/* SPDX-License-Identifier: Apache-2.0 */
/* Printing workflows: objects that are not what they should be, sizes, and what the recorded answers do not have. */
#include "print/get.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "print/list.h"

#define NOON INT64_C(1705320000000) /* 2024-01-15T12:00:00Z */

static struct tph_json_doc *json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

static char *get(const char *text, const struct tph_get_options *options)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json(text);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    assert_int_equal(tph_get_write(tph_json_root(doc), options, &out, NULL), 0);
    return tph_buf_take(&out, NULL);
}

static void prints(const char *expected, const char *text)
{
    struct tph_get_options options = {.clock = {.now_ms = NOON}};
    TPH_CLEANUP(tph_freep) char *got = get(text, &options);
    assert_string_equal(got, expected);
}

#define HEAD                                         \
    "Name:                \nNamespace:           \n" \
    "ServiceAccount:      unset (will run with the default ServiceAccount)\nStatus:              Pending\n"
#define CREATED "Created:             Mon Jan 01 00:00:00 +0000 (a long while ago)\nProgress:            \n"

static void anything_can_be_printed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "null",
        "[]",
        "\"x\"",
        "{\"metadata\":[],\"spec\":1,\"status\":\"x\"}",
        "{\"metadata\":{\"name\":1,\"creationTimestamp\":true},\"status\":{\"nodes\":[{}],\"phase\":{}}}",
        "{\"metadata\":{\"name\":\"\"},\"status\":{\"nodes\":{\"\":1},\"conditions\":[],\"startedAt\":5}}",
        "{\"spec\":{\"arguments\":{\"parameters\":{}},\"suspend\":\"yes\"},\"status\":{\"estimatedDuration\":1e99}}",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        prints(HEAD CREATED, rows[i]);
    }
}

/* c adopts itself, and so hangs nowhere. */
static void nodes_of_wrong_types_are_rows_with_little_in_them(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_freep)
    char *got =
        get("{\"metadata\":{\"name\":\"w\"},\"status\":{\"nodes\":{\"w\":{\"type\":\"DAG\",\"displayName\":\"w\"},"
            "\"a\":null,\"b\":{\"boundaryID\":\"w\",\"children\":1,\"type\":\"Retry\",\"phase\":7,\"outputs\":[1]},"
            "\"c\":{\"boundaryID\":\"w\",\"children\":[\"c\",5],\"type\":\"Retry\",\"displayName\":\"c(x:1)\"}}}}",
            &(struct tph_get_options){.clock = {.now_ms = NOON}, .form = TPH_GET_FORM_SHORT});
    assert_string_equal(got, "STEP  TEMPLATE  PODNAME  DURATION  MESSAGE  NODENAME\n"
                             "  w                                         \n"
                             " `-                                         \n");
}

static void values_of_any_type_are_texts(void **state)
{
    (void)state;
    prints("Name:                w\nNamespace:           ns\nServiceAccount:      sa\nStatus:              Running\n"
           "Created:             Mon Jan 15 11:59:00 +0000 (1 minute ago)\n"
           "Started:             Mon Jan 15 11:59:30 +0000 (30 seconds ago)\n"
           "Duration:            30 seconds\n"
           "Progress:            1/2\n"
           "ResourcesDuration:   1m1s*(1 cpu),2s*(10Gi ephemeral-storage),3s*(100Mi memory)\n"
           "Parameters:          \n"
           "  a:                 1\n"
           "  b:                 true\n"
           "  d:                 \n"
           "Output Artifacts:    \n"
           "  o:                 my/key\n"
           "  p:                 \n",
           "{\"metadata\":{\"name\":\"w\",\"namespace\":\"ns\",\"creationTimestamp\":\"2024-01-15T11:59:00Z\"},"
           "\"spec\":{\"serviceAccountName\":\"sa\",\"arguments\":{\"parameters\":[{\"name\":\"a\",\"value\":1.0},"
           "{\"name\":\"b\",\"value\":true},{\"name\":\"c\"},{\"name\":\"d\",\"value\":\"\"}]}},"
           "\"status\":{\"phase\":\"Running\",\"startedAt\":\"2024-01-15T11:59:30Z\",\"progress\":\"1/2\","
           "\"estimatedDuration\":0,\"resourcesDuration\":{\"memory\":3,\"cpu\":61,\"ephemeral-storage\":2},"
           "\"outputs\":{\"artifacts\":[{\"name\":\"o\",\"s3\":{\"bucket\":\"b\",\"key\":\"my/key\"}},"
           "{\"name\":\"p\"}]}}}");
}

static void a_text_that_is_too_large_is_told(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *doc = json("{\"metadata\":{\"name\":\"w\"},\"status\":{\"nodes\":{\"w\":{}}}}");
    const struct tph_json *workflow = tph_json_root(doc);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(60);
    struct tph_get_options options = {.form = TPH_GET_FORM_SHORT};
    struct tph_list_options list = {.uids = true};
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_get_write(workflow, &options, &out, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_string_equal(err.text, "the text of the workflow is larger than 60 bytes");
    tph_buf_clear(&out);
    assert_int_equal(tph_list_write(&workflow, 1, &list, &out, &err), -1);
    assert_string_equal(err.text, "the list of workflows is larger than 60 bytes");
}

static void lists_begin_with_what_is_not_finished(void **state)
{
    (void)state;
    static const char *const objects[] = {
        "{\"metadata\":{\"name\":\"long-over\"},\"status\":{\"finishedAt\":\"2024-01-15T11:00:00Z\"}}",
        "{\"metadata\":{\"name\":\"old\",\"creationTimestamp\":\"2024-01-15T10:00:00Z\"}}",
        "{\"metadata\":{\"name\":\"just-over\"},\"status\":{\"finishedAt\":\"2024-01-15T11:30:00Z\"}}",
        "{\"metadata\":{\"name\":\"new\",\"creationTimestamp\":\"2024-01-15T11:00:00Z\"}}",
        "{\"metadata\":{\"name\":\"just-over-too\"},\"status\":{\"finishedAt\":\"2024-01-15T11:30:00Z\"}}",
    };
    enum { N = sizeof(objects) / sizeof(objects[0]) };
    struct tph_json_doc *docs[N];
    const struct tph_json *workflows[N];
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_list_options options = {.form = TPH_LIST_FORM_NAME};
    for (size_t i = 0; i < N; i++) {
        docs[i] = json(objects[i]);
        workflows[i] = tph_json_root(docs[i]);
    }
    assert_int_equal(tph_list_write(workflows, N, &options, &out, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), "new\nold\njust-over\njust-over-too\nlong-over\n");
    for (size_t i = 0; i < N; i++) {
        tph_json_doc_free(docs[i]);
    }
}

static void objects_are_listed_as_json_and_yaml(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json("{\"metadata\":{\"name\":\"w\"}}");
    const struct tph_json *workflow = tph_json_root(doc);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_list_options options = {.form = TPH_LIST_FORM_YAML};
    assert_int_equal(tph_list_write(&workflow, 1, &options, &out, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), "- metadata:\n    name: w\n");
    tph_buf_clear(&out);
    options.form = TPH_LIST_FORM_JSON;
    assert_int_equal(tph_list_write(&workflow, 1, &options, &out, NULL), 0);
    assert_string_equal(tph_buf_cstr(&out), "[\n    {\n        \"metadata\": {\n            \"name\": \"w\"\n"
                                            "        }\n    }\n]\n");
}

/* What Argo would end at once must not take us long: a loop of 100,000, all of one second. */
static void large_loops_are_sorted_by_their_index(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *doc =
        json("{\"metadata\":{\"name\":\"w\"},\"status\":{\"nodes\":{\"w\":{\"type\":\"DAG\"}}}}");
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(64));
    struct tph_get_options options = {.form = TPH_GET_FORM_SHORT};
    struct tph_json *nodes = tph_json_path(tph_json_root(doc), "status", "nodes", NULL);
    for (size_t i = MANY; i-- > 0;) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("a(%zu:x)", i);
        struct tph_json *node = tph_json_new_object(doc);
        tph_json_set_cstr(doc, node, "boundaryID", "w");
        tph_json_set_cstr(doc, node, "displayName", name);
        tph_json_append_member(doc, nodes, tph_str(name), node);
    }
    assert_int_equal(tph_get_write(tph_json_root(doc), &options, &out, NULL), 0);
    struct tph_str rest = tph_buf_str(&out);
    struct tph_str line;
    assert_true(tph_str_cut(&rest, '\n', &line) && tph_str_cut(&rest, '\n', &line));
    for (size_t i = 0; i < MANY; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format(" %s a(%zu:x) ", i + 1 < MANY ? "|-" : "`-", i);
        assert_true(tph_str_cut(&rest, '\n', &line));
        assert_true(tph_str_has_prefix(line, tph_str(name)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_can_be_printed),
        cmocka_unit_test(nodes_of_wrong_types_are_rows_with_little_in_them),
        cmocka_unit_test(values_of_any_type_are_texts),
        cmocka_unit_test(a_text_that_is_too_large_is_told),
        cmocka_unit_test(lists_begin_with_what_is_not_finished),
        cmocka_unit_test(objects_are_listed_as_json_and_yaml),
        cmocka_unit_test(large_loops_are_sorted_by_their_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
