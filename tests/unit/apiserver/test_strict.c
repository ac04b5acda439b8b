/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of bodies: what comes twice, what a schema does not know, what is of the wrong type. Texts and order
 * are recorded: G-02 seq 22, 23; G-07 seq 65, 66; G-08 seq 36 to 38; D-01 seq 53. */
#include "apiserver/strict.h"

#include "recorded.h"

static void duplicates(const char *text, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_KIB(64));
    tph_strict_duplicates(tph_str(text), &found);
    assert_string_equal(tph_buf_cstr(&found), expected);
}

static void members_that_come_twice_are_told_once(void **state)
{
    (void)state;
    duplicates("{\"metadata\":{\"name\":\"fv\"},\"data\":{\"a\":\"1\",\"a\":\"2\"}}", "duplicate field \"data.a\"");
    duplicates("{\"metadata\":{\"name\":\"fv\",\"name\":\"fv2\"},\"spec\":{\"a\":1,\"a\":2}}",
               "duplicate field \"metadata.name\", duplicate field \"spec.a\"");
    duplicates("{\"a\":1,\"a\":2,\"a\":3}", "duplicate field \"a\"");
    duplicates("{\"l\":[{\"x\":{}},{\"x\":[1,true,null],\"y\":-1.5e3,\"x\":\"}\"}]}", "duplicate field \"l[1].x\"");
    duplicates("{\"a\":1,\"\\u0061\":2}", "duplicate field \"a\"");
    duplicates("{\"s\":\"\\\"a\\\":1,\\\"a\\\"\",\"b\":{},\"c\":[]}", "");
    duplicates("{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0,"
               "\"m\":{\"x\":[[1],{\"y\":1,\"y\":2}]},\"n\":0,\"m\":0,\"m\":0,\"l\":1,\"l\":2}",
               "duplicate field \"m.x[1].y\", duplicate field \"m\", duplicate field \"l\"");
    duplicates(" [ ] ", "");
    duplicates("\"x\"", "");
    duplicates("", "");
}

/* A path of a MiB, and thousands of members below it that come twice or that no schema has: told is what an answer
 * holds, and no more is written on the way (it was hundreds of GiB). */
static void long_paths_are_not_written_for_each_fault(void **state)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_MIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    (void)state;
    (void)tph_buf_puts(&body, "{\"spec\":{\"tasks\":{\"");
    while (body.len < 1000000) {
        (void)tph_buf_puts(&body, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
    }
    (void)tph_buf_puts(&body, "\":{");
    for (int i = 0; i < 100000; i++) {
        (void)tph_buf_printf(&body, "%s\"u%d\":0,\"u%d\":0", i > 0 ? "," : "", i, i);
    }
    (void)tph_buf_puts(&body, "}}}}");
    assert_false(tph_buf_failed(&body));
    tph_strict_duplicates(tph_buf_str(&body), &found);
    assert_true(tph_buf_failed(&found));
    tph_buf_clear(&found);
    assert_int_equal(tph_json_parse(tph_buf_str(&body), &doc, NULL), 0);
    const struct tph_kind *kind = tph_kind_of_resource(TPH_STR("workflowtasksets.argoproj.io"));
    tph_strict_prune(doc, kind, tph_json_root(doc), &found);
    struct tph_json_iter it = tph_json_iter(tph_json_path(tph_json_root(doc), "spec", "tasks", NULL));
    assert_true(tph_json_next(&it));
    assert_null(tph_json_get(it.value, "u0")); /* gone all the same */
    assert_null(tph_json_get(it.value, "u99999"));
}

/* The object that is left, and what was found. */
static void prunes(const char *resource, const char *object, const char *left, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(object), &doc, NULL), 0);
    const struct tph_kind *kind = tph_kind_of_resource(tph_str(resource));
    tph_strict_prune(doc, kind, tph_json_root(doc), &found);
    tph_json_write(tph_json_root(doc), TPH_JSON_SORTED, &text);
    assert_string_equal(tph_buf_cstr(&found), expected);
    assert_string_equal(tph_buf_cstr(&text), left);
}

static void what_a_schema_does_not_have_goes(void **state)
{
    (void)state;
    prunes("workflowtasksets.argoproj.io",
           "{\"metadata\":{\"x\":1},\"spec\":{\"tasks\":{\"n\":{\"name\":\"x\",\"anything\":{\"a\":1},\"plugin\":{"
           "\"p\":{\"q\":1}}}},"
           "\"bogus\":1}}",
           "{\"metadata\":{\"x\":1},\"spec\":{\"tasks\":{\"n\":{\"name\":\"x\",\"plugin\":{\"p\":{\"q\":1}}}}}}",
           "unknown field \"spec.bogus\", unknown field \"spec.tasks.n.anything\"");
    prunes("workflowtasksets.argoproj.io",
           "{\"status\":{\"other\":1,\"nodes\":{\"n\":{\"phase\":\"Succeeded\",\"bogus\":{\"x\":1},\"outputs\":{"
           "\"parameters\":[{"
           "\"name\":\"a\",\"value\":\"b\",\"z\":1}]}}}}}",
           "{\"status\":{\"nodes\":{\"n\":{\"outputs\":{\"parameters\":[{\"name\":\"a\",\"value\":\"b\"}]},\"phase\":"
           "\"Succeeded\"}}}}",
           "unknown field \"status.nodes.n.bogus\", unknown field \"status.nodes.n.outputs.parameters[0].z\", unknown "
           "field "
           "\"status.other\"");
    prunes(
        "workflowtaskresults.argoproj.io",
        "{\"phase\":\"Succeeded\",\"message\":\"m\",\"progress\":\"1/1\",\"outputs\":{\"exitCode\":\"0\",\"bogus\":1},"
        "\"bogus\":1,\"spec\":{}}",
        "{\"message\":\"m\",\"outputs\":{\"exitCode\":\"0\"},\"phase\":\"Succeeded\",\"progress\":\"1/1\"}",
        "unknown field \"bogus\", unknown field \"outputs.bogus\", unknown field \"spec\"");
    prunes("workflows.argoproj.io", "{\"spec\":{\"any\":{\"thing\":1}},\"status\":{\"x\":1},\"bogus\":{}}",
           "{\"spec\":{\"any\":{\"thing\":1}},\"status\":{\"x\":1}}", "unknown field \"bogus\"");
    prunes("workflowtemplates.argoproj.io", "{\"spec\":{},\"status\":{}}", "{\"spec\":{}}", "unknown field \"status\"");
    prunes("configmaps", "{\"bogus\":1}", "{\"bogus\":1}", ""); /* not of a CRD */
}

/* Argo's CRD: a key of a Secret has an empty name by default. */
static void defaults_of_a_schema_are_filled_in(void **state)
{
    (void)state;
    prunes("workflowtasksets.argoproj.io",
           "{\"spec\":{\"tasks\":{\"n\":{\"container\":{\"env\":[{\"name\":\"a\",\"valueFrom\":{\"secretKeyRef\":{"
           "\"key\":\"k\"}}}]}}}}}",
           "{\"spec\":{\"tasks\":{\"n\":{\"container\":{\"env\":[{\"name\":\"a\",\"valueFrom\":{\"secretKeyRef\":{"
           "\"key\":\"k\","
           "\"name\":\"\"}}}]}}}}}",
           "");
}

static void tell(void *owner, enum tph_strict_fault fault, const char *field, const char *message)
{
    (void)tph_buf_printf(owner, "%d %s: %s\n", (int)fault, field, message);
}

static void checks(const char *resource, const char *object, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(object), &doc, NULL), 0);
    tph_strict_check(tph_kind_of_resource(tph_str(resource)), tph_json_root(doc), tell, &found);
    assert_string_equal(tph_buf_cstr(&found), expected);
}

static void wrong_types_are_told(void **state)
{
    (void)state;
    checks("workflowtaskresults.argoproj.io", "{\"metadata\":{\"name\":\"c\"},\"phase\":5}",
           "0 phase: Invalid value: \"integer\": phase in body must be of type string: \"integer\"\n"
           "3 <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
           "correct the "
           "existing errors to complete validation\n");
    checks("workflows.argoproj.io", "{\"metadata\":{\"name\":\"c\"}}", "1 spec: Required value\n");
    checks("workflows.argoproj.io", "{\"metadata\":{},\"spec\":[],\"status\":1.5}",
           "0 spec: Invalid value: \"array\": spec in body must be of type object: \"array\"\n"
           "0 status: Invalid value: \"number\": status in body must be of type object: \"number\"\n");
    checks("workflowtasksets.argoproj.io",
           "{\"metadata\":{},\"spec\":{\"tasks\":{\"n\":{\"timeout\":true,\"container\":{\"name\":\"\",\"env\":[{"
           "\"value\":\"x\"}]}}}}}",
           "0 spec.tasks.n.timeout: Invalid value: \"boolean\": spec.tasks.n.timeout in body must be of type string: "
           "\"boolean\"\n"
           "1 spec.tasks.n.container.env[0].name: Required value\n");
    checks("workflowtasksets.argoproj.io",
           "{\"metadata\":{},\"spec\":{\"tasks\":{\"n\":{\"activeDeadlineSeconds\":\"{{x}}\"}}}}", "");
    checks("configmaps", "{\"data\":5}", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_that_come_twice_are_told_once),
        cmocka_unit_test(long_paths_are_not_written_for_each_fault),
        cmocka_unit_test(what_a_schema_does_not_have_goes),
        cmocka_unit_test(defaults_of_a_schema_are_filled_in),
        cmocka_unit_test(wrong_types_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
