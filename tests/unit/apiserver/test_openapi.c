/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI documents: what kubectl looks for is in them (kubernetes.md 3.2, and kubectl's own code: the parameter
 * fieldValidation, the kind of an operation, the patches a kind takes, merge keys), and every reference leads
 * somewhere. */
#include "apiserver/openapi.h"

#include "apiserver/discovery.h"
#include "apiserver/kinds.h"
#include "recorded.h"

static struct tph_json_doc *document(const char *path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(4));
    struct tph_json_doc *doc = NULL;
    assert_true(tph_openapi_document(tph_str(path), &out));
    assert_int_equal(tph_json_parse(tph_buf_str(&out), &doc, NULL), 0);
    return doc;
}

/* Every $ref names a schema; returns how many there are. */
static size_t check_references(const struct tph_json *schemas, const struct tph_json *value)
{
    static const struct tph_str PREFIX = {"#/components/schemas/", 21};
    struct tph_json_iter it = tph_json_iter(value);
    size_t n = 0;
    while (tph_json_next(&it)) {
        if (tph_str_eqz(it.key, "$ref")) {
            assert_null(tph_json_get(value, "description")); /* would not be seen */
            struct tph_str reference = tph_json_str(it.value);
            assert_true(tph_str_has_prefix(reference, PREFIX));
            assert_non_null(tph_json_getn(schemas, tph_str_slice(reference, PREFIX.len, reference.len)));
            n++;
        }
        n += check_references(schemas, it.value);
    }
    return n;
}

static void every_reference_leads_to_a_schema(void **state)
{
    (void)state;
    for (const char *const *path = tph_openapi_paths(); *path; path++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = document(*path);
        struct tph_json *schemas = tph_json_path(tph_json_root(doc), "components", "schemas", NULL);
        assert_true(check_references(schemas, tph_json_root(doc)) > 0);
        struct tph_json_iter it = tph_json_iter(schemas);
        while (tph_json_next(&it)) { /* no name twice */
            assert_ptr_equal(tph_json_getn(schemas, it.key), it.value);
        }
    }
}

static struct tph_json *patch_of(const struct tph_json *doc, const char *start, const struct tph_kind *kind)
{
    TPH_CLEANUP(tph_freep)
    char *path = tph_format("/%s%s/%s/{name}", start, kind->namespaced ? "/namespaces/{namespace}" : "", kind->plural);
    return tph_json_path(doc, "paths", path, "patch", NULL);
}

static bool has_parameter(const struct tph_json *operation, const char *name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(operation, "parameters"));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "name"), name)) {
            return tph_str_eqz(tph_json_get_str(it.value, "in"), "query");
        }
    }
    return false;
}

static void every_kind_has_what_kubectl_looks_for(void **state)
{
    (void)state;
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    for (size_t i = 0; i < n; i++) {
        char version[TPH_API_VERSION_TEXT];
        TPH_CLEANUP(tph_freep)
        char *start = tph_format("%s/%s", kinds[i].group[0] ? "apis" : "api", tph_kind_api_version(&kinds[i], version));
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = document(start);
        struct tph_json *schema = NULL;
        struct tph_json_iter it = tph_json_iter(tph_json_path(tph_json_root(doc), "components", "schemas", NULL));
        while (tph_json_next(&it)) {
            struct tph_json *of = tph_json_at(tph_json_get(it.value, "x-kubernetes-group-version-kind"), 0);
            schema = tph_str_eqz(tph_json_get_str(of, "kind"), kinds[i].kind) ? it.value : schema;
        }
        assert_non_null(tph_json_path(schema, "properties", "metadata", NULL));
        if (!(kinds[i].verbs & TPH_API_PATCH)) {
            continue;
        }
        struct tph_json *patch = patch_of(tph_json_root(doc), start, &kinds[i]);
        struct tph_json *content = tph_json_path(patch, "requestBody", "content", NULL);
        assert_true(has_parameter(patch, "fieldValidation") && has_parameter(patch, "dryRun"));
        assert_true(tph_str_eqz(tph_json_str(tph_json_path(patch, "x-kubernetes-group-version-kind", "kind", NULL)),
                                kinds[i].kind));
        assert_non_null(tph_json_get(content, "application/merge-patch+json"));
        assert_true(!tph_json_get(content, "application/strategic-merge-patch+json") ==
                    !!(kinds[i].flags & TPH_KIND_CUSTOM));
    }
}

static void lists_tell_how_they_merge(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = document("api/v1");
    struct tph_json *containers = tph_json_path(tph_json_root(doc), "components", "schemas",
                                                "io.k8s.api.core.v1.PodSpec", "properties", "containers", NULL);
    assert_true(tph_str_eqz(tph_json_get_str(containers, "x-kubernetes-patch-merge-key"), "name"));
    assert_true(tph_str_eqz(tph_json_get_str(containers, "x-kubernetes-patch-strategy"), "merge"));
}

/* What explain shows; also of a pointer, beside whose bare reference nothing counts. */
static void what_people_write_is_described(void **state)
{
    (void)state;
    static const char *const described[][2] = {
        {"WorkflowSpec", "entrypoint"}, {"WorkflowSpec", "workflowTemplateRef"}, {"Template", "plugin"},
        {"DAGTask", "depends"},         {"CronWorkflowSpec", "schedules"},       {"Workflow", "kind"},
    };
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = document("apis/argoproj.io/v1alpha1");
    for (size_t i = 0; i < sizeof described / sizeof *described; i++) {
        TPH_CLEANUP(tph_freep) char *name = tph_format("io.argoproj.v1alpha1.%s", described[i][0]);
        struct tph_json *schema = tph_json_path(tph_json_root(doc), "components", "schemas", name, NULL);
        struct tph_json *member = tph_json_path(schema, "properties", described[i][1], NULL);
        assert_true(tph_json_get_str(member, "description").len > 0);
    }
}

static void the_index_has_each_document_with_its_hash(void **state)
{
    (void)state;
    static const char *const hashes[] = {"A", "B", "C", "D", "E"};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    tph_openapi_index(hashes, &out);
    assert_int_equal(tph_json_parse(tph_buf_str(&out), &doc, NULL), 0);
    struct tph_json *url =
        tph_json_path(tph_json_root(doc), "paths", "apis/argoproj.io/v1alpha1", "serverRelativeURL", NULL);
    assert_true(tph_str_eqz(tph_json_str(url), "/openapi/v3/apis/argoproj.io/v1alpha1?hash=E"));
    assert_false(tph_openapi_document(TPH_STR("apis/apps/v1"), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reference_leads_to_a_schema),
        cmocka_unit_test(every_kind_has_what_kubectl_looks_for),
        cmocka_unit_test(lists_tell_how_they_merge),
        cmocka_unit_test(what_people_write_is_described),
        cmocka_unit_test(the_index_has_each_document_with_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
