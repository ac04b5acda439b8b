/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery documents against the recorded ones: what is served of a genuine server's kinds must be told as there. */
#include "apiserver/discovery.h"

#include "apiserver/kinds.h"
#include "recorded.h"

static struct tph_json_doc *parsed(const struct tph_buf *text)
{
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_buf_str(text), &doc, NULL), 0);
    return doc;
}

static struct tph_json *named(const struct tph_json *list, const char *key, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, key), name)) {
            return it.value;
        }
    }
    return NULL;
}

struct counts {
    size_t documents, same, other;
};

static void told_as(struct counts *counts, const char *file, const struct tph_json *row,
                    const struct tph_json *recorded, const struct tph_json *ours)
{
    if (recorded_same(file, row, recorded, ours)) {
        counts->same++;
    } else {
        counts->other++;
    }
}

/* Resources of ours that are in the recorded list. Subresources that are not served are none of ours. */
static void compare_resources(struct counts *counts, const char *file, const struct tph_json *row,
                              const struct tph_json *recorded, const struct tph_json *ours)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(ours, "resources"));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        told_as(counts, file, row, named(tph_json_get(recorded, "resources"), "name", name), it.value);
    }
}

static void compare_aggregated(struct counts *counts, const char *file, const struct tph_json *row,
                               const struct tph_json *recorded, const struct tph_json *ours)
{
    struct tph_json_iter group = tph_json_iter(tph_json_get(ours, "items"));
    while (tph_json_next(&group)) {
        struct tph_str name = tph_json_str(tph_json_path(group.value, "metadata", "name", NULL));
        const struct tph_json *their = NULL;
        struct tph_json_iter it = tph_json_iter(tph_json_get(recorded, "items"));
        while (tph_json_next(&it)) {
            if (tph_str_eq(tph_json_str(tph_json_path(it.value, "metadata", "name", NULL)), name)) {
                their = it.value;
            }
        }
        assert_non_null(their);
        told_as(counts, file, row, tph_json_get(their, "metadata"), tph_json_get(group.value, "metadata"));
        struct tph_json *version = tph_json_at(tph_json_get(group.value, "versions"), 0);
        struct tph_json *their_version = tph_json_at(tph_json_get(their, "versions"), 0);
        told_as(counts, file, row, tph_json_get(their_version, "version"), tph_json_get(version, "version"));
        told_as(counts, file, row, tph_json_get(their_version, "freshness"), tph_json_get(version, "freshness"));
        it = tph_json_iter(tph_json_get(version, "resources"));
        while (tph_json_next(&it)) {
            struct tph_json *resource =
                named(tph_json_get(their_version, "resources"), "resource", tph_json_get_str(it.value, "resource"));
            struct tph_json_iter sub = tph_json_iter(tph_json_get(it.value, "subresources"));
            while (tph_json_next(&sub)) {
                told_as(counts, file, row,
                        named(tph_json_get(resource, "subresources"), "subresource",
                              tph_json_get_str(sub.value, "subresource")),
                        sub.value);
            }
            (void)tph_json_remove(resource, "subresources");
            (void)tph_json_remove(it.value, "subresources");
            told_as(counts, file, row, resource, it.value);
        }
    }
}

static void compare_groups(struct counts *counts, const char *file, const struct tph_json *row,
                           const struct tph_json *recorded, const struct tph_json *ours)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(ours, "groups"));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "name");
        told_as(counts, file, row, named(tph_json_get(recorded, "groups"), "name", name), it.value);
    }
}

static void compare_row(void *owner, const char *file, const struct tph_json *row)
{
    struct counts *counts = owner;
    struct tph_json *recorded = tph_json_path(row, "response", "body", "json", NULL);
    struct tph_str kind = tph_json_get_str(recorded, "kind");
    struct tph_str path = tph_json_str(tph_json_path(row, "request", "path", NULL));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    if (tph_str_eqz(kind, "APIVersions")) {
        tph_discovery_versions("192.0.2.2:1", &out);
        struct tph_json *address = tph_json_at(tph_json_get(recorded, "serverAddressByClientCIDRs"), 0);
        (void)tph_json_remove(address, "serverAddress"); /* its port was chosen at random */
    } else if (tph_str_eqz(kind, "APIGroupList")) {
        tph_discovery_groups(&out);
    } else if (tph_str_eqz(kind, "APIGroup")) {
        if (!tph_discovery_group(tph_json_get_str(recorded, "name"), &out)) {
            return;
        }
    } else if (tph_str_eqz(kind, "APIResourceList")) {
        struct tph_str version = tph_json_get_str(recorded, "groupVersion");
        struct tph_str group = TPH_STR_NONE;
        ptrdiff_t slash = tph_str_find_byte(version, '/');
        group = slash < 0 ? group : tph_str_slice(version, 0, (size_t)slash);
        version = slash < 0 ? version : tph_str_slice(version, (size_t)slash + 1, version.len);
        if (!tph_discovery_resources(group, version, &out)) {
            return;
        }
    } else if (tph_str_eqz(kind, "APIGroupDiscoveryList")) {
        tph_discovery_aggregated(
            tph_str_has_prefix(path, TPH_STR("/api")) && !tph_str_has_prefix(path, TPH_STR("/apis")), &out);
    } else {
        return;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parsed(&out);
    struct tph_json *ours = tph_json_root(doc);
    counts->documents++;
    if (tph_json_get(ours, "serverAddressByClientCIDRs")) {
        struct tph_json *address = tph_json_at(tph_json_get(ours, "serverAddressByClientCIDRs"), 0);
        assert_true(tph_str_eqz(tph_json_get_str(address, "serverAddress"), "192.0.2.2:1"));
        (void)tph_json_remove(address, "serverAddress");
    }
    if (tph_json_get(ours, "resources")) {
        compare_resources(counts, file, row, recorded, ours);
        told_as(counts, file, row, tph_json_get(recorded, "groupVersion"), tph_json_get(ours, "groupVersion"));
        assert_true(!tph_json_get(recorded, "apiVersion") == !tph_json_get(ours, "apiVersion"));
    } else if (tph_json_get(ours, "groups")) {
        compare_groups(counts, file, row, recorded, ours);
    } else if (tph_json_get(ours, "items")) {
        compare_aggregated(counts, file, row, recorded, ours);
    } else {
        told_as(counts, file, row, recorded, ours);
    }
}

static void recorded_documents_are_told_alike(void **state)
{
    (void)state;
    struct counts counts = {0};
    recorded_each("", compare_row, &counts);
    print_message("discovery: %zu documents, %zu of %zu entries as recorded\n", counts.documents, counts.same,
                  counts.same + counts.other);
    assert_int_equal(counts.other, 0);
    assert_true(counts.documents > 50 && counts.same > 500);
}

/* Every kind of the table is in both forms. */
static void all_kinds_are_told(void **state)
{
    (void)state;
    size_t n = 0;
    size_t found = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    TPH_CLEANUP(tph_buf_release) struct tph_buf core = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf other = TPH_BUF_INIT(TPH_MIB(1));
    tph_discovery_aggregated(true, &core);
    tph_discovery_aggregated(false, &other);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *core_doc = parsed(&core);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *other_doc = parsed(&other);
    assert_int_equal(tph_json_len(tph_json_get(tph_json_root(core_doc), "items")), 1);
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
        assert_true(tph_discovery_resources(tph_str(kinds[i].group), tph_str(kinds[i].version), &out));
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parsed(&out);
        assert_non_null(named(tph_json_get(tph_json_root(doc), "resources"), "name", tph_str(kinds[i].plural)));
        struct tph_json_iter group =
            tph_json_iter(tph_json_get(tph_json_root(kinds[i].group[0] ? other_doc : core_doc), "items"));
        while (tph_json_next(&group)) {
            struct tph_json *version = tph_json_at(tph_json_get(group.value, "versions"), 0);
            found += named(tph_json_get(version, "resources"), "resource", tph_str(kinds[i].plural)) != NULL;
        }
    }
    assert_int_equal(found, n);
}

static void what_is_not_served_is_not_told(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    assert_false(tph_discovery_group(TPH_STR("apps"), &out));
    assert_false(tph_discovery_group(TPH_STR_NONE, &out));
    assert_false(tph_discovery_resources(TPH_STR("argoproj.io"), TPH_STR("v2"), &out));
    assert_false(tph_discovery_resources(TPH_STR("argoproj.io"), TPH_STR_NONE, &out));
    assert_int_equal(out.len, 0);
}

/* SHA-512 of "abc": FIPS 180-4. */
static void an_etag_is_the_documents_digest(void **state)
{
    (void)state;
    char text[TPH_ETAG_TEXT];
    tph_etag(TPH_STR("abc"), text);
    assert_string_equal(text,
                        "\"DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A2192992A274FC1A836BA3C23A3FE"
                        "EBBD454D4423643CE80E2A9AC94FA54CA49F\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_documents_are_told_alike),
        cmocka_unit_test(all_kinds_are_told),
        cmocka_unit_test(what_is_not_served_is_not_told),
        cmocka_unit_test(an_etag_is_the_documents_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
