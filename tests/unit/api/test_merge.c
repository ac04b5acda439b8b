/* SPDX-License-Identifier: Apache-2.0 */
/* Strategic merges and what is built on them. The rows of strategic merges were answered by Kubernetes' own library
 * (apimachinery v0.35.4) for Argo's Template type. */
#include "api/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/gotype_tables.h"
#include "api/strategic.h"
#include "base/limits.h"

static struct tph_json_doc *read_json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_json_parse(tph_str(text), &doc, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return doc;
}

static void assert_json(const struct tph_json *value, unsigned flags, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    tph_json_write(value, flags, &text);
    assert_string_equal(tph_buf_cstr(&text), expected);
}

struct row {
    const char *original, *patch, *expected; /* expected: JSON, or the error when it does not begin with { */
};

static void check_strategic(const struct row *row)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *original = read_json(row->original);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *patch = read_json(row->patch);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *merged = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    int failed =
        tph_strategic_merge(doc, tph_json_root(original), tph_json_root(patch), &tph_gt_argo_Template, &merged, &err);
    if (row->expected[0] != '{') {
        assert_int_equal(failed, -1);
        assert_null(merged);
        assert_string_equal(err.text, row->expected);
        return;
    }
    assert_int_equal(failed, 0);
    assert_json(merged, TPH_JSON_SORTED, row->expected);
}

static void objects_merge_by_member(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"name\":\"a\",\"timeout\":\"1\"}", "{\"timeout\":null,\"parallelism\":2}",
         "{\"name\":\"a\",\"parallelism\":2}"},
        {"{}", "{\"x\":{\"a\":{\"b\":null}},\"y\":null}", "{\"x\":{\"a\":{}}}"},
        {"{}", "{\"x\":[{\"a\":null,\"$patch\":\"delete\"},{\"b\":null,\"c\":{\"d\":null}}]}", "{\"x\":[{\"c\":{}}]}"},
        {"{\"x\":1}", "{\"x\":{\"a\":null,\"b\":{\"c\":null,\"$patch\":\"replace\"}}}", "{\"x\":{}}"},
        {"{\"a\":1}", "{\"$patch\":\"replace\",\"b\":null}", "{\"b\":null}"},
        {"{\"a\":1}", "{\"$patch\":\"delete\",\"b\":null}", "{}"},
        {"{\"nodeSelector\":{\"a\":\"b\"}}", "{\"nodeSelector\":{\"$retainKeys\":[\"c\"],\"c\":\"x\"}}",
         "{\"nodeSelector\":{\"c\":\"x\"}}"},
        {"{\"sidecars\":[{\"name\":\"a\"}]}", "{\"sidecars\":{\"name\":\"x\",\"$patch\":\"delete\"}}", "{}"},
        {"{\"affinity\":[1]}", "{\"affinity\":[2]}", "{\"affinity\":[2]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_strategic(&rows[i]);
    }
}

static void lists_merge_as_their_type_says(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* a patch comes first, but does not pass what stood before it */
        {"{\"volumes\":[{\"name\":\"d\"},{\"name\":\"w\"}]}", "{\"volumes\":[{\"name\":\"w\"},{\"name\":\"t\"}]}",
         "{\"volumes\":[{\"name\":\"d\"},{\"name\":\"w\"},{\"name\":\"t\"}]}"},
        {"{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"a\",\"image\":\"2\"},{\"name\":\"b\"}]}",
         "{\"sidecars\":[{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"x\"},{\"name\":\"b\",\"image\":\"z\"}]}",
         "{\"sidecars\":[{\"image\":\"z\",\"name\":\"b\"},{\"image\":\"x\",\"name\":\"a\"},{\"image\":\"2\",\"name\":"
         "\"a\"}]}"},
        {"{\"sidecars\":[{\"name\":\"q\"}]}", "{\"sidecars\":[]}", "{\"sidecars\":[{\"name\":\"q\"}]}"},
        {"{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"z\"},{\"name\":\"a\",\"$patch\":\"delete\"}]}",
         "{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"z\"},{\"name\":\"b\"}]}"},
        {"{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"sidecars\":[{\"name\":\"c\"},{\"$patch\":\"replace\"},{\"name\":\"b\",\"$patch\":\"delete\"}]}",
         "{\"sidecars\":[{\"name\":\"c\"}]}"},
        {"{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"$setElementOrder/sidecars\":[{\"name\":\"b\"},{\"name\":\"a\"}]}",
         "{\"sidecars\":[{\"name\":\"b\"},{\"name\":\"a\"}]}"},
        {"{}", "{\"$setElementOrder/sidecars\":[{\"name\":\"b\"},{\"name\":\"a\"}],\"sidecars\":[{\"name\":\"a\"}]}",
         "{\"sidecars\":[{\"name\":\"a\"}]}"},
        {"{\"container\":{\"args\":[\"x\"],\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}}",
         "{\"container\":{\"args\":[\"y\"],\"env\":[{\"name\":\"B\"}]}}",
         "{\"container\":{\"args\":[\"y\"],\"env\":[{\"name\":\"B\"},{\"name\":\"A\",\"value\":\"1\"}]}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_strategic(&rows[i]);
    }
}

static void broken_patches_are_told_as_kubernetes_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[]", "{}", "invalid JSON document"},
        {"{}", "1", "invalid JSON document"},
        {"{}", "{\"$patch\":\"foo\"}", "unknown patch type: foo in map: map[$patch:foo]"},
        {"{\"x\":{}}", "{\"x\":{}}", "unable to find api field in struct Template for the json field \"x\""},
        {"{\"plugin\":{\"x\":{}}}", "{\"plugin\":{\"x\":{}}}",
         "unable to find api field in struct Plugin for the json field \"x\""},
        {"{\"nodeSelector\":{\"a\":{}}}", "{\"nodeSelector\":{\"a\":{}}}",
         "merging an object in json but data type is not struct, instead is: map"},
        {"{\"nodeSelector\":{\"a\":\"b\"}}", "{\"nodeSelector\":{\"$retainKeys\":[\"c\"],\"d\":\"x\"}}",
         "invalid patch format of retainKeys"},
        {"{\"nodeSelector\":{\"a\":\"b\"}}", "{\"nodeSelector\":{\"$retainKeys\":1,\"d\":\"x\"}}",
         "invalid patch format of retainKeys"},
        {"{\"sidecars\":[{\"name\":\"a\"},1]}", "{\"sidecars\":[{\"name\":\"c\"}]}",
         "list element types are not identical: [[map[name:a] 1] [map[name:c]]]"},
        {"{\"sidecars\":[\"a\"]}", "{\"sidecars\":[\"b\",\"a\"]}",
         "expected a map[string]interface {}, but received a string"},
        {"{\"sidecars\":[[1]]}", "{\"sidecars\":[[2]]}", "lists of lists are not supported"},
        {"{\"sidecars\":[{\"name\":\"a\"}]}",
         "{\"sidecars\":[{\"n\":1.5,\"x\":[1.0,2e30,1000000.5,12345678901234567890,true,null,\"s\",{\"b\":1,\"a\":[]}]"
         "}]}",
         "map: map[n:1.5 x:[1 2e+30 1.0000005e+06 1.2345678901234567e+19 true <nil> s map[a:[] b:1]]] does not contain "
         "declared merge key: name"},
        {"{\"sidecars\":[{\"name\":\"v\"}]}", "{\"sidecars\":[{\"$patch\":\"delete\"}]}",
         "map: map[$patch:delete] does not contain declared merge key: name"},
        {"{\"sidecars\":[{\"name\":\"v\"}]}", "{\"sidecars\":[{\"$patch\":\"merge\"}]}",
         "merging lists cannot yet be specified in the patch"},
        {"{\"sidecars\":[{\"name\":\"v\"}]}", "{\"sidecars\":[{\"$patch\":\"foo\"}]}",
         "unknown patch type: foo in map: map[$patch:foo]"},
        {"{\"sidecars\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
         "{\"$setElementOrder/sidecars\":[{\"name\":\"b\"},{\"name\":\"a\"}],\"sidecars\":[{\"name\":\"c\"}]}",
         "The order in patch list:\n[map[name:c]]\n doesn't match $setElementOrder list:\n[map[name:b] map[name:a]]\n"},
        {"{\"sidecars\":[{\"name\":\"a\"}]}", "{\"$setElementOrder/sidecars\":1}",
         "expected a []interface {}, but received a int64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_strategic(&rows[i]);
    }
}

/* {"sidecars": [{"name": "0"}, ...]}, the names falling, so that every element of the patch passes all others. */
static void put_many(struct tph_buf *text, size_t n, const char *more)
{
    (void)tph_buf_puts(text, "{\"sidecars\":[");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(text, "%s{\"name\":\"%zu\"%s}", i > 0 ? "," : "", n - i, more);
    }
    (void)tph_buf_puts(text, "],\"nodeSelector\":{");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(text, "%s\"%zu\":\"\"", i > 0 ? "," : "", i);
    }
    (void)tph_buf_puts(text, "}}");
}

static void cost_follows_size(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    TPH_CLEANUP(tph_buf_release) struct tph_buf low = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf high = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_many(&low, MANY, "");
    put_many(&high, MANY, ",\"image\":\"i\"");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *original = read_json(tph_buf_cstr(&low));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *patch = read_json(tph_buf_cstr(&high));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *merged = NULL;
    assert_int_equal(
        tph_strategic_merge(doc, tph_json_root(original), tph_json_root(patch), &tph_gt_argo_Template, &merged, NULL),
        0);
    assert_int_equal(tph_json_len(tph_json_get(merged, "sidecars")), MANY);
    assert_int_equal(tph_json_len(tph_json_get(merged, "nodeSelector")), MANY);
    assert_json(tph_json_at(tph_json_get(merged, "sidecars"), 0), 0, "{\"name\":\"50000\",\"image\":\"i\"}");
}

/* The deepest patch that the reader lets through. */
static void depth_is_that_of_the_reader(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    size_t levels = TPH_LIMIT_JSON_DEPTH / 2 - 4;
    for (size_t i = 0; i < levels; i++) {
        (void)tph_buf_puts(&text, "{\"x\":[");
    }
    for (size_t i = 0; i < levels; i++) {
        (void)tph_buf_puts(&text, "]}");
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *patch = read_json(tph_buf_cstr(&text));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *merged = NULL;
    assert_int_equal(
        tph_strategic_merge(doc, tph_json_new_object(doc), tph_json_root(patch), &tph_gt_argo_Template, &merged, NULL),
        0);
    assert_json(merged, 0, tph_buf_cstr(&text));
}

static void check_template(const char *tmpl_text, const char *defaults_text, unsigned flags, const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *tmpl = read_json(tmpl_text);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *defaults = read_json(defaults_text);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *merged = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_merge_template(doc, tph_json_root(tmpl), tph_json_root(defaults), flags, &merged, &err) < 0) {
        assert_string_equal(err.text, expected);
        return;
    }
    assert_json(merged, 0, expected);
}

#define EMPTY "\"inputs\":{},\"outputs\":{},\"metadata\":{},"

static void defaults_of_plugins_merge_as_one_would_want(void **state)
{
    (void)state;
    check_template("{\"name\":\"t\",\"plugin\":{\"x\":{\"a\":1,\"d\":{\"e\":1}}}}",
                   "{\"plugin\":{\"x\":{\"a\":2,\"b\":[3],\"d\":{\"f\":2}}}}", 0,
                   "{\"name\":\"t\"," EMPTY "\"plugin\":{\"x\":{\"a\":1,\"d\":{\"e\":1,\"f\":2},\"b\":[3]}}}");
    check_template("{\"name\":\"t\",\"plugin\":{\"x\":{\"a\":1}}}", "{\"plugin\":{\"y\":{\"b\":1}},\"timeout\":\"1s\"}",
                   0, "{\"name\":\"t\"," EMPTY "\"plugin\":{\"x\":{\"a\":1}},\"timeout\":\"1s\"}");
    check_template("{\"name\":\"t\",\"plugin\":{\"x\":{}}}", "{\"steps\":[[{\"name\":\"s\"}]]}", 0,
                   "{\"name\":\"t\"," EMPTY "\"plugin\":{\"x\":{}}}");
    check_template("{\"name\":\"t\",\"plugin\":{\"x\":null}}", "{\"plugin\":{\"x\":{}}}", 0,
                   "{\"name\":\"t\"," EMPTY "\"plugin\":{\"x\":null}}");
}

/* What the genuine program made of these. */
static void defaults_are_argos_under_compatibility(void **state)
{
    (void)state;
    check_template("{\"plugin\":{\"x\":null}}", "{\"plugin\":{\"x\":4}}", TPH_MERGE_COMPAT,
                   "expected exactly one key, got 0");
    check_template("{\"dag\":{\"tasks\":[]},\"container\":{\"image\":\"y\"}}", "{}", TPH_MERGE_COMPAT,
                   "{" EMPTY "\"container\":{\"name\":\"\",\"image\":\"y\",\"resources\":{}}}");
    check_template("{\"dag\":{\"tasks\":[]},\"container\":{\"image\":\"y\"}}", "null", TPH_MERGE_COMPAT,
                   "{" EMPTY "\"container\":{\"name\":\"\",\"image\":\"y\",\"resources\":{}},\"dag\":{\"tasks\":[]}}");
    check_template("{\"steps\":[],\"dag\":{\"tasks\":[]},\"plugin\":{\"x\":1}}", "{\"steps\":[[{\"name\":\"s\"}]]}",
                   TPH_MERGE_COMPAT, "{" EMPTY "\"steps\":[[{\"name\":\"s\",\"arguments\":{}}]],\"plugin\":{\"x\":1}}");
    /* q comes before p and is read over it: it keeps p's value */
    check_template("{\"inputs\":{\"parameters\":[{\"name\":\"p\",\"value\":\"1\"}]},\"suspend\":{}}",
                   "{\"inputs\":{\"parameters\":[{\"name\":\"q\"},{\"name\":\"p\"}]}}", TPH_MERGE_COMPAT,
                   "{\"inputs\":{\"parameters\":[{\"name\":\"q\",\"value\":\"1\"},{\"name\":\"p\",\"value\":\"1\"}]},"
                   "\"outputs\":{},\"metadata\":{},\"suspend\":{}}");
    check_template("{\"inputs\":{\"parameters\":[{\"name\":\"p\",\"value\":\"1\"}]},\"suspend\":{}}",
                   "{\"inputs\":{\"parameters\":[{\"name\":\"q\"},{\"name\":\"p\"}]}}", 0,
                   "{\"inputs\":{\"parameters\":[{\"name\":\"q\"},{\"name\":\"p\",\"value\":\"1\"}]},"
                   "\"outputs\":{},\"metadata\":{},\"suspend\":{}}");
}

static void check_specs(const char *workflow_text, const char *template_text, const char *defaults_text,
                        const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *workflow = read_json(workflow_text);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *tmpl = read_json(template_text);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *defaults = read_json(defaults_text);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_merge_specs specs = {
        .workflow = tph_json_root(workflow), .template_spec = tph_json_root(tmpl), .defaults = tph_json_root(defaults)};
    struct tph_json *merged = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_merge_specs(doc, &specs, &merged, &err) < 0) {
        assert_string_equal(err.text, expected);
        return;
    }
    assert_json(merged, 0, expected);
}

/* Answers of the genuine program, beyond those of the table. */
static void arguments_are_the_suppliers(void **state)
{
    (void)state;
    check_specs("{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"globalName\":\"g\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"default\":\"2\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"value\":\"v\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"default\":\"2\"}]}}");
    check_specs("{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"globalName\":\"g\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"value\":\"v\"}]}}",
                "{\"arguments\":{\"parameters\":[{\"name\":\"x\",\"value\":\"v\",\"globalName\":\"g\"}]}}");
    check_specs("{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"raw\":{\"data\":\"w\"}}]}}",
                "{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"s3\":{\"key\":\"t\"},\"optional\":true,\"path\":\"/"
                "x\"}]}}",
                "null",
                "{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"s3\":{\"key\":\"t\"},\"raw\":{\"data\":\"w\"}}]}}");
    check_specs("{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"s3\":{\"key\":\"w\"}}]}}",
                "{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"gcs\":{\"key\":\"t\"}}]}}", "null",
                "{\"arguments\":{\"artifacts\":[{\"name\":\"a\",\"s3\":{\"key\":\"w\"}}]}}");
    check_specs("{\"suspend\":false}", "null", "{\"suspend\":true}", "{\"arguments\":{},\"suspend\":false}");
    check_specs("{\"parallelism\":\"x\"}", "null", "null",
                "json: cannot unmarshal string into Go struct field WorkflowSpec.parallelism of type int64");
    check_specs("{\"tolerations\":[{\"operator\":\"Exists\"}]}", "{\"tolerations\":[{\"operator\":\"Exists\"}]}",
                "null", "map: map[operator:Exists] does not contain declared merge key: key");
    check_specs("null", "null", "null", "{\"arguments\":{}}");
}

static void overrides_can_be_allowed(void **state)
{
    (void)state;
    static const char *const MORE[] = {"volumes", "dnsPolicy", NULL};
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *doc =
        read_json("{\"entrypoint\":\"e\",\"volumes\":[],\"dnsPolicy\":\"x\",\"hooks\":{},\"artifactGC\":{"
                  "\"podMetadata\":{},\"strategy\":\"Never\"}}");
    struct tph_json *allowed = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_merge_check_overrides(tph_json_root(doc), NULL, &err), -1);
    assert_string_equal(err.text, "fields [ArtifactGC.PodMetadata DNSPolicy Hooks Volumes] are not permitted when "
                                  "using workflowTemplateRef with templateReferencing restriction");
    assert_int_equal(tph_merge_check_overrides(tph_json_root(doc), MORE, &err), -1);
    assert_string_equal(err.text, "fields [ArtifactGC.PodMetadata Hooks] are not permitted when using "
                                  "workflowTemplateRef with templateReferencing restriction");
    assert_int_equal(tph_merge_allowed(doc, tph_json_root(doc), MORE, &allowed, &err), 0);
    assert_json(allowed, 0,
                "{\"entrypoint\":\"e\",\"arguments\":{},\"dnsPolicy\":\"x\",\"artifactGC\":{\"strategy\":\"Never\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_merge_by_member),
        cmocka_unit_test(lists_merge_as_their_type_says),
        cmocka_unit_test(broken_patches_are_told_as_kubernetes_does),
        cmocka_unit_test(cost_follows_size),
        cmocka_unit_test(depth_is_that_of_the_reader),
        cmocka_unit_test(defaults_of_plugins_merge_as_one_would_want),
        cmocka_unit_test(defaults_are_argos_under_compatibility),
        cmocka_unit_test(arguments_are_the_suppliers),
        cmocka_unit_test(overrides_can_be_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
