/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: ages and pods by hand, every recorded answer made again from the objects that were recorded beside it. */
#include "apiserver/table.h"

#include "base/map.h"
#include "data/time.h"
#include "recorded.h"

#define NOW "2026-11-23T10:00:05Z"

static int64_t now(void)
{
    int64_t ms = 0;
    assert_int_equal(tph_time_parse(TPH_STR(NOW), &ms, NULL), 0);
    return ms;
}

static struct tph_json_doc *json(const char *text)
{
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

/* Steps of kubectl's ages: the last second of each, and the first. */
static void ages_get_coarser(void **state)
{
    (void)state;
    static const struct {
        const char *since;
        const char *expected;
    } rows[] = {
        {"2026-11-23T10:00:05Z", "0s"},      {"2026-11-23T10:00:06Z", "0s"},    {"2026-11-23T10:00:07Z", "<invalid>"},
        {"2026-11-23T09:58:06Z", "119s"},    {"2026-11-23T09:58:05Z", "2m"},    {"2026-11-23T09:56:41Z", "3m24s"},
        {"2026-11-23T09:50:06Z", "9m59s"},   {"2026-11-23T09:50:05Z", "10m"},   {"2026-11-23T07:00:06Z", "179m"},
        {"2026-11-23T07:00:05Z", "3h"},      {"2026-11-23T02:01:05Z", "7h59m"}, {"2026-11-23T02:00:05Z", "8h"},
        {"2026-11-21T10:00:06Z", "47h"},     {"2026-11-21T10:00:05Z", "2d"},    {"2026-11-21T07:00:05Z", "2d3h"},
        {"2026-11-15T10:00:06Z", "7d23h"},   {"2026-11-15T10:00:05Z", "8d"},    {"2024-11-23T10:00:06Z", "729d"},
        {"2024-11-23T10:00:05Z", "2y"},      {"2024-11-22T10:00:05Z", "2y1d"},  {"2020-01-01T00:00:00Z", "6y328d"},
        {"2018-11-25T10:00:06Z", "7y364d"},  {"2018-11-25T10:00:05Z", "8y"},    {"1999-01-01T00:00:00Z", "27y"},
        {"2026-11-23T12:00:00+02:00", "5s"}, {"yesterday", "<invalid>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
        tph_table_age(tph_json_new_cstr(doc, rows[i].since), now(), &out);
        assert_string_equal(tph_buf_cstr(&out), rows[i].expected);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(100);
    tph_table_age(NULL, now(), &out);
    assert_string_equal(tph_buf_cstr(&out), "<unknown>");
}

/* The cells of one object's row. */
static void cells(const char *resource, const char *object, const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = json(object);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_table table = {.kind = tph_kind_of_resource(tph_str(resource)),
                                    .api_version = "meta.k8s.io/v1",
                                    .object = TPH_TABLE_NONE,
                                    .now_ms = now()};
    assert_non_null(table.kind);
    tph_table_write(&table, tph_json_root(doc), &out);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *got = json(tph_buf_cstr(&out));
    struct tph_json *row = tph_json_at(tph_json_get(tph_json_root(got), "rows"), 0);
    tph_json_write(tph_json_get(row, "cells"), 0, &text);
    assert_string_equal(tph_buf_cstr(&text), expected);
}

#define POD(status)                                                                                                   \
    "{\"metadata\":{\"name\":\"p\",\"creationTimestamp\":\"2026-11-23T10:00:00Z\"},\"spec\":{\"containers\":[{},{}]," \
    "\"initContainers\":[{\"name\":\"i\"},{\"name\":\"j\",\"restartPolicy\":\"Always\"}]},\"status\":" status "}"

/* Rules of the genuine printer (kubernetes/pkg/printers); texts as kubectl get pods shows them. */
static void pods_tell_what_their_containers_do(void **state)
{
    (void)state;
    cells("pods", POD("{\"phase\":\"Pending\"}"),
          "[\"p\",\"0/3\",\"Pending\",\"0\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells(
        "pods",
        POD("{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"conditions\":[{\"type\":\"Initialized\",\"status\":"
            "\"True\"}],"
            "\"containerStatuses\":[{\"ready\":true,\"restartCount\":2,\"state\":{\"running\":{}},\"lastState\":{"
            "\"terminated\":{\"finishedAt\":\"2026-11-23T09:55:05Z\"}}},{\"ready\":false,\"restartCount\":0,\"state\":{"
            "\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}}]}"),
        "[\"p\",\"1/3\",\"CrashLoopBackOff\",\"2 (5m ago)\",\"5s\",\"10.0.0.1\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods",
          POD("{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{\"terminated\":{\"exitCode\":3}}},{\"state\":{"
              "\"terminated\":{\"exitCode\":1,\"signal\":9}}}]}"),
          "[\"p\",\"0/3\",\"ExitCode:3\",\"0\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods",
          POD("{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{\"terminated\":{\"reason\":\"Completed\"}}},{"
              "\"ready\":true,\"state\":{\"running\":{}}}]}"),
          "[\"p\",\"1/3\",\"NotReady\",\"0\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods",
          POD("{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"restartCount\":1,\"state\":{"
              "\"terminated\":{\"exitCode\":1}}}]}"),
          "[\"p\",\"0/3\",\"Init:ExitCode:1\",\"1\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods",
          POD("{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"state\":{\"terminated\":{"
              "\"exitCode\":0}}},"
              "{\"name\":\"j\",\"started\":true,\"ready\":true}],\"containerStatuses\":[{\"state\":{\"waiting\":{"
              "\"reason\":\"ContainerCreating\"}}}]}"),
          "[\"p\",\"1/3\",\"ContainerCreating\",\"0\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods", POD("{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\"}]}"),
          "[\"p\",\"0/3\",\"Init:0/2\",\"0\",\"5s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]");
    cells("pods",
          "{\"metadata\":{\"name\":\"p\",\"deletionTimestamp\":\"2026-11-23T10:00:00Z\"},\"spec\":{\"nodeName\":\"n\","
          "\"readinessGates\":[{\"conditionType\":\"a\"},{\"conditionType\":\"b\"}]},\"status\":{\"phase\":\"Running\","
          "\"conditions\":[{\"type\":\"b\",\"status\":\"True\"}]}}",
          "[\"p\",\"0/0\",\"Terminating\",\"0\",\"<unknown>\",\"<none>\",\"n\",\"<none>\",\"1/2\"]");
}

static void events_and_workflows_have_their_own_columns(void **state)
{
    (void)state;
    cells("events",
          "{\"metadata\":{\"name\":\"e\"},\"eventTime\":\"2026-11-23T09:00:05.000000Z\",\"series\":{\"count\":7,"
          "\"lastObservedTime\":\"2026-11-23T09:59:05.000000Z\"},\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"x\","
          "\"fieldPath\":\"spec\"},\"type\":\"Warning\",\"reason\":\"R\",\"message\":\" "
          "m\\n\",\"reportingComponent\":\"c\","
          "\"reportingInstance\":\"i\"}",
          "[\"60s\",\"Warning\",\"R\",\"pod/x\",\"spec\",\"c, i\",\"m\",\"60m\",7,\"e\"]");
    cells("workflows.argoproj.io",
          "{\"metadata\":{\"name\":\"w\"},\"status\":{\"phase\":\"Failed\",\"startedAt\":\"2026-11-23T09:59:05Z\","
          "\"message\":5}}",
          "[\"w\",\"Failed\",\"60s\",\"5\"]");
    cells("workflows.argoproj.io", "{\"metadata\":{\"name\":\"w\"},\"status\":{\"startedAt\":\"x\"}}",
          "[\"w\",null,\"<invalid>\",null]");
}

static void an_unknown_includeObject_is_refused(void **state)
{
    (void)state;
    enum tph_table_object object = TPH_TABLE_NONE;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_table_object_read(TPH_STR("object"), &object, &err), -1);
    assert_string_equal(err.text,
                        "Unable to convert to Table as requested: includeObject: Invalid value: \"object\": must "
                        "be 'Metadata', 'Object', 'None', or empty"); /* recorded: G-05 */
    assert_int_equal(object, TPH_TABLE_NONE);
    assert_int_equal(tph_table_object_read(TPH_STR_NONE, &object, &err), 0);
    assert_int_equal(object, TPH_TABLE_METADATA);
}

/* Objects that were recorded, by file, kind, name and version; times are some that can be read. */
struct objects {
    struct tph_map by_key; /* -> struct tph_json_doc */
    size_t tables, rows, whole, partial, other, foreign;
};

static char *key_of(const char *file, const char *kind, const struct tph_json *metadata)
{
    return tph_format("%s %s %.*s/%.*s %.*s", file, kind, TPH_FMT(tph_json_get_str(metadata, "namespace")),
                      TPH_FMT(tph_json_get_str(metadata, "name")),
                      TPH_FMT(tph_json_get_str(metadata, "resourceVersion")));
}

static struct tph_json_doc *with_times(const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, 0, &text);
    struct tph_str rest = tph_buf_str(&text);
    for (size_t i = 0; i < rest.len;) {
        struct tph_str at = tph_str_slice(rest, i, rest.len);
        bool time = tph_str_has_prefix(at, TPH_STR("<time-")) || tph_str_has_prefix(at, TPH_STR("<utime-"));
        size_t len = time ? recorded_placeholder(at) : 0;
        if (len > 0) {
            (void)tph_buf_puts(&out, "2026-11-23T10:00:00Z");
            i += len;
        } else {
            (void)tph_buf_putc(&out, rest.p[i++]);
        }
    }
    return json(tph_buf_cstr(&out));
}

static void keep(struct objects *objects, const char *file, const struct tph_json *object, struct tph_str list_kind)
{
    struct tph_str kind = tph_json_get_str(object, "kind");
    if (kind.len == 0 && list_kind.len > 4) {
        kind = tph_str_slice(list_kind, 0, list_kind.len - 4); /* "ConfigMapList" */
    }
    struct tph_json *metadata = tph_json_get(object, "metadata");
    if (!tph_json_get(metadata, "resourceVersion") || tph_str_has_prefix(kind, TPH_STR("Partial"))) {
        return;
    }
    TPH_CLEANUP(tph_freep) char *name = tph_str_dup(kind);
    char *key = key_of(file, name, metadata);
    if (tph_map_get(&objects->by_key, tph_str(key))) {
        free(key);
        return;
    }
    (void)tph_map_set(&objects->by_key, tph_str(key), with_times(object));
}

static void collect(void *owner, const char *file, const struct tph_json *row)
{
    struct objects *objects = owner;
    const struct tph_json *body = tph_json_path(row, "response", "body", "json", NULL);
    struct tph_json_iter it = tph_json_iter(tph_json_path(row, "response", "events", NULL));
    keep(objects, file, body, TPH_STR_NONE);
    while (tph_json_next(&it)) {
        keep(objects, file, tph_json_path(it.value, "json", "object", NULL), TPH_STR_NONE);
    }
    it = tph_json_iter(tph_json_get(body, "items"));
    while (tph_json_next(&it)) {
        keep(objects, file, it.value, tph_json_get_str(body, "kind"));
    }
    it = tph_json_iter(tph_json_get(body, "rows"));
    while (tph_json_next(&it)) {
        keep(objects, file, tph_json_get(it.value, "object"), TPH_STR_NONE);
    }
}

/* The kind that a path asks for; NULL: one that is not served. */
static const struct tph_kind *kind_of_path(struct tph_str path)
{
    struct tph_str part = TPH_STR_NONE;
    const struct tph_kind *found = NULL;
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    while (tph_str_cut(&path, '/', &part)) {
        for (size_t i = 0; i < n; i++) {
            found = tph_str_eqz(part, kinds[i].plural) ? &kinds[i] : found;
        }
    }
    return found && strcmp(found->plural, "namespaces") == 0 && !tph_str_eqz(part, "namespaces") ? NULL : found;
}

static bool is_age(struct tph_str text)
{
    return text.len >= 2 && text.p[0] >= '0' && text.p[0] <= '9' && strchr("smhdy", text.p[text.len - 1]);
}

/* Ages hang on the hour of the recording, descriptions are our own. */
static void level(struct tph_json_doc *doc, struct tph_json *recorded, struct tph_json *ours, bool partial)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(recorded, "columnDefinitions"));
    struct tph_json_iter our = tph_json_iter(tph_json_get(ours, "columnDefinitions"));
    while (tph_json_next(&it) && tph_json_next(&our)) {
        assert_true(tph_json_get_str(our.value, "description").len > 0);
        (void)tph_json_remove(it.value, "description");
        (void)tph_json_remove(our.value, "description");
    }
    it = tph_json_iter(tph_json_get(recorded, "rows"));
    our = tph_json_iter(tph_json_get(ours, "rows"));
    while (tph_json_next(&it) && tph_json_next(&our)) {
        struct tph_json_iter cell = tph_json_iter(tph_json_get(it.value, "cells"));
        struct tph_json_iter our_cell = tph_json_iter(tph_json_get(our.value, "cells"));
        while (tph_json_next(&cell) && tph_json_next(&our_cell)) {
            bool age = is_age(tph_json_str(cell.value)) && is_age(tph_json_str(our_cell.value));
            if (age || partial) {
                tph_json_assign(cell.value, tph_json_copy(doc, our_cell.value));
            }
        }
    }
}

static void compare_table(struct objects *objects, const char *file, const struct tph_json *row,
                          const struct tph_json *recorded, bool event)
{
    const struct tph_kind *kind = kind_of_path(tph_json_str(tph_json_path(row, "request", "path", NULL)));
    if (!kind) {
        objects->foreign++;
        return;
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json *list = tph_json_new_object(doc);
    struct tph_json *items = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(recorded, "rows"));
    TPH_CLEANUP(tph_freep) char *version = tph_str_dup(tph_json_get_str(recorded, "apiVersion"));
    struct tph_table table = {.kind = kind, .api_version = version, .now_ms = now()};
    bool partial = false;
    assert_int_equal(tph_table_object_read(tph_json_str(recorded_query(row, "includeObject")), &table.object, NULL), 0);
    table.bare = tph_json_is_null(tph_json_get(recorded, "columnDefinitions"));
    while (tph_json_next(&it)) {
        const struct tph_json *metadata = tph_json_path(it.value, "object", "metadata", NULL);
        TPH_CLEANUP(tph_freep) char *key = key_of(file, kind->kind, metadata);
        struct tph_json_doc *object = tph_map_get(&objects->by_key, tph_str(key));
        if (!tph_json_get(metadata, "name") && metadata) { /* a bookmark */
            tph_json_append(doc, items, tph_json_copy(doc, tph_json_get(it.value, "object")));
        } else if (object) {
            objects->rows++;
            /* an object that leaves a selection has its old state with the new version */
            struct tph_json *copy = tph_json_copy(doc, tph_json_root(object));
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *of_row = with_times(metadata);
            if (metadata) {
                tph_json_set(doc, copy, "metadata", tph_json_copy(doc, tph_json_root(of_row)));
            }
            tph_json_append(doc, items, copy);
        } else {
            partial = true;
            struct tph_json *only = tph_json_get(it.value, "object");
            tph_json_append(doc, items, metadata ? tph_json_copy(doc, only) : tph_json_new_object(doc));
        }
    }
    tph_json_set(doc, list, "metadata", tph_json_copy(doc, tph_json_get(recorded, "metadata")));
    tph_json_set(doc, list, "items", items);
    bool one = event && tph_json_len(items) == 1 && table.object != TPH_TABLE_NONE;
    tph_table_write(&table, one ? tph_json_at(items, 0) : list, &out);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *ours = json(tph_buf_cstr(&out));
    struct tph_json *expected = tph_json_copy(doc, recorded);
    level(doc, expected, tph_json_root(ours), partial);
    objects->tables++;
    if (!recorded_same(file, row, expected, tph_json_root(ours))) {
        objects->other++;
    } else if (partial) {
        objects->partial++;
    } else {
        objects->whole++;
    }
}

static void compare_partial(struct objects *objects, const char *file, const struct tph_json *row,
                            const struct tph_json *recorded)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_freep) char *version = tph_str_dup(tph_json_get_str(recorded, "apiVersion"));
    if (tph_json_get(recorded, "items")) {
        tph_partial_list_write(version, recorded, &out);
    } else {
        tph_partial_write(version, recorded, &out);
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *ours = json(tph_buf_cstr(&out));
    objects->tables++;
    if (recorded_same(file, row, recorded, tph_json_root(ours))) {
        objects->whole++;
    } else {
        objects->other++;
    }
}

static void compare_value(struct objects *objects, const char *file, const struct tph_json *row,
                          const struct tph_json *value, bool event)
{
    if (tph_str_eqz(tph_json_get_str(value, "kind"), "Table")) {
        compare_table(objects, file, row, value, event);
    } else if (tph_str_has_prefix(tph_json_get_str(value, "kind"), TPH_STR("PartialObjectMetadata"))) {
        compare_partial(objects, file, row, value);
    }
}

static void compare_row(void *owner, const char *file, const struct tph_json *row)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(row, "response", "events", NULL));
    compare_value(owner, file, row, tph_json_path(row, "response", "body", "json", NULL), false);
    while (tph_json_next(&it)) {
        compare_value(owner, file, row, tph_json_path(it.value, "json", "object", NULL), true);
    }
}

static void recorded_answers_are_made_again(void **state)
{
    (void)state;
    struct objects objects = {.by_key = TPH_MAP_INIT};
    recorded_each("", collect, &objects);
    recorded_each("", compare_row, &objects);
    print_message(
        "tables: %zu of %zu recorded answers whole (%zu rows), %zu without their objects' bodies, %zu of kinds "
        "that are not served\n",
        objects.whole, objects.tables, objects.rows, objects.partial, objects.foreign);
    size_t at = 0;
    struct tph_str key = TPH_STR_NONE;
    void *value = NULL;
    while (tph_map_next(&objects.by_key, &at, &key, &value)) {
        tph_json_doc_free(value);
        free((char *)(uintptr_t)key.p);
    }
    tph_map_release(&objects.by_key);
    assert_int_equal(objects.other, 0);
    assert_true(objects.whole > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_get_coarser),
        cmocka_unit_test(pods_tell_what_their_containers_do),
        cmocka_unit_test(events_and_workflows_have_their_own_columns),
        cmocka_unit_test(an_unknown_includeObject_is_refused),
        cmocka_unit_test(recorded_answers_are_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
