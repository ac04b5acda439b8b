/* SPDX-License-Identifier: Apache-2.0 */
/* Requests taken apart: queries, paths, Accept; and failures put together. */
#include "apiserver/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/accept.h"
#include "apiserver/status.h"
#include "base/limits.h"

static void assert_str(struct tph_str text, const char *expected)
{
    if (!tph_str_eqz(text, expected)) {
        fail_msg("'%.*s' is not '%s'", TPH_FMT(text), expected);
    }
}

static void test_query(void **state)
{
    struct tph_query q;
    (void)state;
    tph_query_read(TPH_STR("a=1&a=2&b=x%20y+z&c&d=&bad=%zz&e=1;f=2&=&watch=False"), &q);
    assert_str(tph_query_str(&q, "a"), "1"); /* the first counts */
    assert_str(tph_query_str(&q, "b"), "x y z");
    assert_true(tph_query_get(&q, "c", NULL));
    assert_false(tph_query_get(&q, "bad", NULL));
    assert_false(tph_query_get(&q, "e", NULL));
    assert_true(tph_query_bool(&q, "c")); /* empty is true */
    assert_true(tph_query_bool(&q, "d"));
    assert_false(tph_query_bool(&q, "watch"));
    assert_false(tph_query_bool(&q, "nothing"));
    tph_query_release(&q);
    tph_query_read(TPH_STR(""), &q);
    assert_false(tph_query_get(&q, "", NULL));
    tph_query_release(&q);
}

static const struct {
    const char *method, *path, *query;
    enum tph_route_kind what;
    const char *verb, *group, *resource, *sub, *ns, *name;
} paths[] = {
    {"GET", "/version", "", TPH_ROUTE_PATH, "get", "", "", "", "", ""},
    {"GET", "/api/v1", "", TPH_ROUTE_PATH, "get", "", "", "", "", ""},
    {"GET", "/api/v1/configmaps", "", TPH_ROUTE_RESOURCE, "list", "", "configmaps", "", "", ""},
    {"GET", "/api/v1/configmaps/", "watch=1", TPH_ROUTE_RESOURCE, "watch", "", "configmaps", "", "", ""},
    {"GET", "/api/v1/namespaces/n/configmaps/c", "watch=1", TPH_ROUTE_RESOURCE, "get", "", "configmaps", "", "n", "c"},
    {"GET", "/api/v1/namespaces/n", "", TPH_ROUTE_RESOURCE, "get", "", "namespaces", "", "n", "n"},
    {"PUT", "/api/v1/namespaces/n/finalize", "", TPH_ROUTE_RESOURCE, "update", "", "namespaces", "finalize", "n", "n"},
    {"DELETE", "/apis/argoproj.io/v1alpha1/namespaces/n/workflows", "", TPH_ROUTE_RESOURCE, "deletecollection",
     "argoproj.io", "workflows", "", "n", ""},
    {"GET", "/apis/argoproj.io/v1alpha1/namespaces/n/workflows/%61", "", TPH_ROUTE_RESOURCE, "get", "argoproj.io",
     "workflows", "", "n", "a"},
    {"POST", "/api/v1/configmaps", "", TPH_ROUTE_METHOD, "create", "", "configmaps", "", "", ""},
    {"POST", "/apis/argoproj.io/v1alpha1/workflows", "", TPH_ROUTE_NOWHERE, "create", "argoproj.io", "workflows", "",
     "", ""},
    {"PUT", "/api/v1/namespaces/n/configmaps", "", TPH_ROUTE_METHOD, "update", "", "configmaps", "", "n", ""},
    {"PUT", "/apis/argoproj.io/v1alpha1/namespaces/n/workflows", "", TPH_ROUTE_RESOURCE, "update", "argoproj.io",
     "workflows", "", "n", ""},
    {"HEAD", "/api/v1/namespaces/n/configmaps/c", "", TPH_ROUTE_METHOD, "get", "", "configmaps", "", "n", "c"},
    {"GET", "/api/v1/namespaces/n/nopes", "", TPH_ROUTE_UNKNOWN, "list", "", "nopes", "", "n", ""},
    {"GET", "/apis/argoproj.io/v1alpha1/namespaces/n/nopes", "", TPH_ROUTE_NOWHERE, "list", "argoproj.io", "nopes", "",
     "n", ""},
    {"GET", "/apis/argoproj.io/v1alpha1/namespaces/n/clusterworkflowtemplates", "", TPH_ROUTE_NOWHERE, "list",
     "argoproj.io", "clusterworkflowtemplates", "", "n", ""},
    {"POST", "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", "", TPH_ROUTE_UNKNOWN, "create",
     "authentication.k8s.io", "selfsubjectreviews", "", "", ""},
    {"GET", "/apis/argoproj.io/v9/workflows", "", TPH_ROUTE_NOWHERE, "list", "argoproj.io", "workflows", "", "", ""},
    {"GET", "/api/v1//configmaps", "", TPH_ROUTE_PATH, "get", "", "", "", "", ""},
    {"GET", "/apis/argoproj.io/v1alpha1/namespaces/../x", "", TPH_ROUTE_PATH, "get", "", "", "", "", ""},
    {"GET", "/bad%zz", "", TPH_ROUTE_NOWHERE, "get", "", "", "", "", ""},
    {"GET", "*", "", TPH_ROUTE_NOWHERE, "get", "", "", "", "", ""},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct tph_query q;
        struct tph_route r;
        tph_query_read(tph_str(paths[i].query), &q);
        tph_route_read(paths[i].method, tph_str(paths[i].path), &q, &r);
        bool odd = strstr(paths[i].path, "//") || strstr(paths[i].path, "..");
        if (odd) {
            assert_int_not_equal(r.what, TPH_ROUTE_RESOURCE);
        } else {
            if (r.what != paths[i].what) {
                fail_msg("%s %s: %d", paths[i].method, paths[i].path, (int)r.what);
            }
            assert_string_equal(r.ask.verb, paths[i].verb);
            assert_str(r.ask.group, paths[i].group);
            assert_str(r.ask.resource, paths[i].resource);
            assert_str(r.ask.sub, paths[i].sub);
            assert_str(r.ask.ns, paths[i].ns);
            assert_str(r.ask.name, paths[i].name);
        }
        tph_route_release(&r);
        tph_query_release(&q);
    }
}

static void test_accept(void **state)
{
    static const char table[] = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const unsigned forms = 1U << TPH_FORM_TABLE | 1U << TPH_FORM_PARTIAL;
    struct tph_accept a;
    (void)state;
    assert_int_equal(tph_accept_read(NULL, forms, false, &a), TPH_ACCEPT_OK);
    assert_int_equal(a.form, TPH_FORM_OBJECT);
    assert_int_equal(tph_accept_read(table, forms, false, &a), TPH_ACCEPT_OK);
    assert_int_equal(a.form, TPH_FORM_TABLE);
    assert_int_equal(tph_accept_read(table, 0, false, &a), TPH_ACCEPT_OK); /* the second of the list */
    assert_int_equal(a.form, TPH_FORM_OBJECT);
    assert_int_equal(tph_accept_read("application/json;g=meta.k8s.io;as=Nope;v=v1", forms, false, &a),
                     TPH_ACCEPT_NOT_FORM);
    assert_int_equal(tph_accept_read("text/html", forms, false, &a), TPH_ACCEPT_NOT_MEDIA);
    assert_int_equal(tph_accept_read("application/json;q=0.1, application/yaml", forms, false, &a), TPH_ACCEPT_OK);
    assert_true(a.yaml);
    assert_int_equal(tph_accept_read("application/json;q=0", forms, false, &a), TPH_ACCEPT_NOT_MEDIA);
    /* protobuf: JSON for built-in kinds, nothing for CRs */
    assert_int_equal(tph_accept_read("application/vnd.kubernetes.protobuf", forms, false, &a), TPH_ACCEPT_OK);
    assert_int_equal(tph_accept_read("application/vnd.kubernetes.protobuf", forms, true, &a), TPH_ACCEPT_NOT_MEDIA);
}

static void test_media_type(void **state)
{
    char room[TPH_MEDIA_TEXT];
    (void)state;
    assert_str(tph_media_type("Application/JSON; charset=utf-8", room), "application/json");
    assert_str(tph_media_type(NULL, room), "");
    char text[300];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(tph_media_type(text, room).len, TPH_MEDIA_TEXT - 1);
}

static void test_faults(void **state)
{
    struct tph_status s;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(16));
    (void)state;
    tph_status_init(&s);
    assert_int_equal(tph_status_invalid(&s, TPH_STR("g"), TPH_STR("K"), TPH_STR("n")), 0); /* nothing was collected */
    tph_status_fault(&s, TPH_FAULT_REQUIRED, "spec", "Required value");
    tph_status_fault_value(&s, "metadata.name", TPH_STR("a\"b"), "is bad");
    tph_status_fault_value(&s, "metadata.name", TPH_STR("a\"b"), "is bad"); /* told once, a cause twice */
    assert_int_equal(tph_status_invalid(&s, TPH_STR("g"), TPH_STR("K"), TPH_STR("n")), -1);
    tph_status_write(&s, &out);
    assert_string_equal(
        tph_buf_cstr(&out),
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"K.g \\\"n\\\" "
        "is "
        "invalid: [spec: Required value, metadata.name: Invalid value: \\\"a\\\\\\\"b\\\": is bad]\",\"reason\":"
        "\"Invalid\",\"details\":{\"name\":\"n\",\"group\":\"g\",\"kind\":\"K\",\"causes\":[{\"reason\":"
        "\"FieldValueRequired\",\"message\":\"Required value\",\"field\":\"spec\"},{\"reason\":\"FieldValueInvalid\","
        "\"message\":\"Invalid value: \\\"a\\\\\\\"b\\\": is bad\",\"field\":\"metadata.name\"},{\"reason\":"
        "\"FieldValueInvalid\",\"message\":\"Invalid value: \\\"a\\\\\\\"b\\\": is "
        "bad\",\"field\":\"metadata.name\"}]},"
        "\"code\":422}");
    tph_status_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),      cmocka_unit_test(test_paths),  cmocka_unit_test(test_accept),
        cmocka_unit_test(test_media_type), cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
