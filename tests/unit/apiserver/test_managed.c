/* SPDX-License-Identifier: Apache-2.0 */
/* managedFields and server-side apply: the recorded stories of G-02 and G-08 step by step, lists with keys, what the
 * ceiling of managers does, and properties over random objects. Recorded traffic as a whole is played in tests/http. */
#include "apiserver/managed.h"

#include "apiserver/fieldset.h"
#include "base/random.h"
#include "data/time.h"
#include "recorded.h"

#define NOW "2026-11-23T10:00:05Z"

struct story {
    struct tph_json_doc *doc;
    const struct tph_kind *kind;
    struct tph_json *live; /* NULL: nothing is there */
    int64_t now_ms;
};

static struct tph_json *parsed(struct story *s, const char *text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return tph_json_copy(s->doc, tph_json_root(doc));
}

static struct story begin(const char *resource)
{
    struct story s = {.doc = tph_json_doc_new(), .kind = tph_kind_of_resource(tph_str(resource))};
    assert_non_null(s.kind);
    assert_int_equal(tph_time_parse(TPH_STR(NOW), &s.now_ms, NULL), 0);
    return s;
}

static void end(struct story *s)
{
    tph_json_doc_free(s->doc);
}

/* name, operation and fields of each manager, a line each: `m1 Apply {"f:data":{"f:a":{}}}`; with a star when it has no
 * time. */
static char *managers(const struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "managedFields", NULL));
    while (tph_json_next(&it)) {
        struct tph_str sub = tph_json_get_str(it.value, "subresource");
        (void)tph_buf_printf(&out, "%.*s%s%.*s%s %.*s ", TPH_FMT(tph_json_get_str(it.value, "manager")),
                             sub.len > 0 ? "/" : "", TPH_FMT(sub), tph_json_get(it.value, "time") ? "" : "*",
                             TPH_FMT(tph_json_get_str(it.value, "operation")));
        tph_json_write(tph_json_get(it.value, "fieldsV1"), 0, &out);
        (void)tph_buf_putc(&out, '\n');
    }
    return tph_buf_take(&out, NULL);
}

static void has(const struct story *s, const char *expected, const char *data)
{
    TPH_CLEANUP(tph_freep) char *got = managers(s->live);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    assert_string_equal(got, expected);
    if (data) {
        tph_json_write(tph_json_get(s->live, "data"), TPH_JSON_SORTED, &text);
        assert_string_equal(tph_buf_cstr(&text), data);
    }
}

/* Puts a new object in the place of the old one, as a PUT or patch does; without managedFields the old ones stay. */
static void update(struct story *s, const char *manager, const char *subresource, const char *object)
{
    struct tph_json *new = parsed(s, object);
    const struct tph_managed_write write = {
        .kind = s->kind, .manager = tph_str(manager), .subresource = tph_str(subresource), .now_ms = s->now_ms};
    tph_managed_update(s->doc, &write, s->live, new);
    s->live = new;
}

/* NULL: it was applied; else the message, which the caller frees. */
static char *try_apply(struct story *s, const char *manager, bool force, const char *config)
{
    TPH_CLEANUP(tph_managed_fault_release) struct tph_managed_fault fault = TPH_MANAGED_FAULT_INIT;
    const struct tph_managed_write write = {
        .kind = s->kind, .manager = tph_str(manager), .force = force, .now_ms = s->now_ms};
    struct tph_json *object = NULL;
    if (tph_managed_apply(s->doc, &write, s->live, parsed(s, config), &object, &fault) < 0) {
        assert_null(object);
        assert_true(fault.code == 400 || fault.code == 409 || fault.code == 500);
        assert_true((fault.code == 409) == (fault.n_conflicts > 0));
        return tph_format("%d %s", fault.code, tph_buf_cstr(&fault.message));
    }
    s->live = object;
    return NULL;
}

static void apply(struct story *s, const char *manager, bool force, const char *config)
{
    TPH_CLEANUP(tph_freep) char *text = try_apply(s, manager, force, config);
    assert_null(text);
}

static void refused(struct story *s, const char *manager, const char *config, const char *expected)
{
    TPH_CLEANUP(tph_freep) char *text = try_apply(s, manager, false, config);
    assert_non_null(text);
    assert_string_equal(text, expected);
}

#define CM(rest) "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\"}" rest "}"

/* Recorded: G-02 seq 228 to 250. */
static void a_configmap_is_shared_by_appliers(void **state)
{
    (void)state;
    struct story s = begin("configmaps");
    static const char FIRST[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\",\"labels\":{\"l\":"
        "\"1\"}},\"data\":{\"a\":\"1\",\"b\":\"1\"}}";
    apply(&s, "m1", false, FIRST);
    has(&s, "m1 Apply {\"f:data\":{\"f:a\":{},\"f:b\":{}},\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}\n",
        "{\"a\":\"1\",\"b\":\"1\"}");
    struct tph_json *before = s.live;
    s.now_ms += 100000;
    apply(&s, "m1", false, FIRST);
    assert_true(tph_json_equal(before, s.live)); /* the time, too */
    apply(&s, "m2", false, CM(",\"data\":{\"a\":\"1\"}"));
    has(&s,
        "m2* Apply {\"f:data\":{\"f:a\":{}}}\n"
        "m1 Apply {\"f:data\":{\"f:a\":{},\"f:b\":{}},\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}\n",
        "{\"a\":\"1\",\"b\":\"1\"}");
    apply(&s, "m1", false,
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\",\"labels\":{\"l\":\"1\"}},"
          "\"data\":{}}");
    has(&s,
        "m2* Apply {\"f:data\":{\"f:a\":{}}}\n"
        "m1 Apply {\"f:data\":{},\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}\n",
        "{\"a\":\"1\"}");
    refused(&s, "m1", CM(",\"data\":{\"a\":\"9\"}"), "409 Apply failed with 1 conflict: conflict with \"m2\": .data.a");
    apply(&s, "m1", true, CM(",\"data\":{\"a\":\"9\"}"));
    has(&s, "m1 Apply {\"f:data\":{\"f:a\":{}}}\n", "{\"a\":\"9\"}");
    assert_null(tph_json_path(s.live, "metadata", "labels", NULL));
    update(&s, "up", "", CM(",\"data\":{\"a\":\"10\",\"z\":\"1\"}"));
    has(&s, "up Update {\"f:data\":{\"f:a\":{},\"f:z\":{}}}\n", NULL);
    apply(&s, "m2", false, CM(",\"data\":{}"));
    has(&s, "m2* Apply {\"f:data\":{}}\nup Update {\"f:data\":{\"f:a\":{},\"f:z\":{}}}\n",
        "{\"a\":\"10\",\"z\":\"1\"}");
    apply(&s, "m3", false, CM(",\"data\":{\"n\":null}"));
    has(&s,
        "m2* Apply {\"f:data\":{}}\nm3 Apply {\"f:data\":{\"f:n\":{}}}\n"
        "up Update {\"f:data\":{\"f:a\":{},\"f:z\":{}}}\n",
        "{\"a\":\"10\",\"n\":\"\",\"z\":\"1\"}");
    apply(&s, "m4", false, CM(",\"data\":{\"r\":\"1\"}"));
    apply(&s, "m4", false, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}");
    has(&s,
        "m2* Apply {\"f:data\":{}}\nm3 Apply {\"f:data\":{\"f:n\":{}}}\n"
        "up Update {\"f:data\":{\"f:a\":{},\"f:z\":{}}}\n",
        "{\"a\":\"10\",\"n\":\"\",\"z\":\"1\"}");
    end(&s);
}

/* Recorded: G-02 seq 243 to 258, G-08 seq 42, G-01 seq 49 and 50. */
static void what_is_wrong_is_told(void **state)
{
    (void)state;
    struct story s = begin("configmaps");
    refused(&s, "m", CM(",\"bogus\":1"),
            "500 failed to create typed patch object (/ss; /v1, Kind=ConfigMap): .bogus: field not declared in schema");
    refused(&s, "m", CM(",\"data\":{\"a\":1}"),
            "500 failed to create typed patch object (/ss; /v1, Kind=ConfigMap): .data.a: expected string, got "
            "&value.valueUnstructured{Value:1}");
    refused(&s, "m", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"managedFields\":[]}}",
            "400 metadata.managedFields must be nil");
    refused(&s, "m", "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\"}}",
            "400 invalid object type: /, Kind=ConfigMap");
    refused(&s, "m", "{\"apiVersion\":\"v1\",\"kind\":\"Secret\"}", "400 invalid object type: /v1, Kind=Secret");
    apply(&s, "m1", false,
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"co\",\"labels\":{\"z\":\"1\"},"
          "\"annotations\":{\"y\":\"1\"}},\"data\":{\"b\":\"1\",\"a\":\"1\"}}");
    refused(
        &s, "m2",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"co\",\"labels\":{\"z\":\"2\"},"
        "\"annotations\":{\"y\":\"2\"}},\"data\":{\"b\":\"2\",\"a\":\"2\"}}",
        "409 Apply failed with 4 conflicts: conflicts with \"m1\":\n- .data.a\n- .data.b\n- .metadata.annotations.y\n"
        "- .metadata.labels.z");
    update(&s, "u1", "",
           "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"co\",\"labels\":{\"z\":\"1\"},"
           "\"annotations\":{\"y\":\"1\"}},\"data\":{\"b\":\"1\",\"a\":\"1\",\"c\":\"1\"}}");
    refused(&s, "m2", CM(",\"data\":{\"c\":\"2\"}"),
            "409 Apply failed with 1 conflict: conflict with \"u1\" using v1: .data.c");
    refused(&s, "m2", CM(",\"data\":{\"a\":\"2\",\"c\":\"2\"}"),
            "409 Apply failed with 2 conflicts: conflicts with \"m1\":\n- .data.a\nconflicts with \"u1\" using v1:\n"
            "- .data.c");
    end(&s);
}

#define WF(metadata, spec)                                                                                 \
    "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"w\"" metadata \
    "},\"spec\":{" spec "}}"

/* Recorded: G-02 seq 261 to 266. */
static void a_workflows_spec_is_owned_as_a_whole(void **state)
{
    (void)state;
    struct story s = begin("workflows.argoproj.io");
    apply(&s, "m1", false, WF("", "\"entrypoint\":\"main\""));
    has(&s, "m1 Apply {\"f:spec\":{}}\n", NULL);
    refused(&s, "m2", WF("", "\"other\":1"), "409 Apply failed with 1 conflict: conflict with \"m1\": .spec");
    apply(&s, "m2", true, WF("", "\"other\":1"));
    has(&s, "m2 Apply {\"f:spec\":{}}\n", NULL);
    assert_null(tph_json_path(s.live, "spec", "entrypoint", NULL));
    static const char META[] =
        "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"w\","
        "\"labels\":{\"x\":\"1\"},\"annotations\":{\"y\":\"1\"},\"finalizers\":[\"f.g/h\"]}}";
    apply(&s, "m3", false, META);
    has(&s,
        "m2 Apply {\"f:spec\":{}}\n"
        "m3 Apply {\"f:metadata\":{\"f:annotations\":{\"f:y\":{}},\"f:finalizers\":{\"v:\\\"f.g/h\\\"\":{}},"
        "\"f:labels\":{\"f:x\":{}}}}\n",
        NULL);
    apply(
        &s, "m3", false,
        "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"w\",\"labels\":{\"x\":"
        "\"1\"}}}");
    has(&s, "m2 Apply {\"f:spec\":{}}\nm3 Apply {\"f:metadata\":{\"f:labels\":{\"f:x\":{}}}}\n", NULL);
    assert_int_equal(tph_json_len(tph_json_path(s.live, "metadata", "finalizers", NULL)), 0);
    end(&s);
}

/* Recorded: the task set of G-02 (seq 216 to 225), and the first write of many others. */
static void updates_own_what_they_change(void **state)
{
    (void)state;
    struct story s = begin("workflowtasksets.argoproj.io");
    update(&s, "", "",
           "{\"apiVersion\":\"argoproj.io/"
           "v1alpha1\",\"kind\":\"WorkflowTaskSet\",\"metadata\":{\"name\":\"t\",\"uid\":\"u\","
           "\"creationTimestamp\":\"" NOW
           "\",\"generation\":1},\"spec\":{\"tasks\":{\"n1\":{\"name\":\"a\",\"plugin\":{\"p\":1}},"
           "\"n2\":{}}}}");
    has(&s,
        "unknown Update "
        "{\"f:spec\":{\".\":{},\"f:tasks\":{\".\":{},\"f:n1\":{\".\":{},\"f:name\":{},\"f:plugin\":{\".\":{},"
        "\"f:p\":{}}},\"f:n2\":{}}}}\n",
        NULL);
    update(&s, "", "status",
           "{\"apiVersion\":\"argoproj.io/"
           "v1alpha1\",\"kind\":\"WorkflowTaskSet\",\"metadata\":{\"name\":\"t\",\"uid\":\"u\","
           "\"creationTimestamp\":\"" NOW
           "\",\"generation\":1,\"labels\":{\"l\":\"1\"}},\"spec\":{\"tasks\":{\"n1\":{\"name\":\"a\","
           "\"plugin\":{\"p\":1}},\"n2\":{}}},\"status\":{\"nodes\":{}}}");
    has(&s,
        "unknown Update "
        "{\"f:spec\":{\".\":{},\"f:tasks\":{\".\":{},\"f:n1\":{\".\":{},\"f:name\":{},\"f:plugin\":{\".\":{},"
        "\"f:p\":{}}},\"f:n2\":{}}}}\n"
        "unknown/status Update "
        "{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:l\":{}}},\"f:status\":{\".\":{},\"f:nodes\":{}}}\n",
        NULL);
    end(&s);
}

/* What a client may do with managedFields itself (G-07): clear them; an object without them is not tracked again. */
static void managers_can_be_cleared(void **state)
{
    (void)state;
    struct story s = begin("configmaps");
    update(&s, "a", "", CM(",\"data\":{\"x\":\"1\"}"));
    has(&s, "a Update {\"f:data\":{\".\":{},\"f:x\":{}}}\n", NULL);
    update(
        &s, "b", "",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\",\"managedFields\":[{}]},\"data\":{"
        "\"x\":\"1\"}}");
    has(&s, "", NULL);
    assert_null(tph_json_path(s.live, "metadata", "managedFields", NULL));
    update(&s, "b", "", CM(",\"data\":{\"x\":\"2\"}"));
    has(&s, "", NULL);
    end(&s);
}

#define POD(containers)                                                                                                \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[" containers "]}" \
    "}"

static void containers(const struct story *s, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_iter it = tph_json_iter(tph_json_path(s->live, "spec", "containers", NULL));
    while (tph_json_next(&it)) {
        (void)tph_buf_printf(&text, "%.*s=%.*s ", TPH_FMT(tph_json_get_str(it.value, "name")),
                             TPH_FMT(tph_json_get_str(it.value, "image")));
    }
    assert_string_equal(tph_buf_cstr(&text), expected);
}

/* Lists with keys (structured-merge-diff, merge rules): elements are owned each, order is the applier's among its own.
 */
static void lists_merge_by_their_keys(void **state)
{
    (void)state;
    struct story s = begin("pods");
    apply(&s, "m1", false, POD("{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\",\"image\":\"1\"}"));
    has(&s,
        "m1 Apply "
        "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{}},"
        "\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{}}}}}\n",
        NULL);
    apply(&s, "m2", false, POD("{\"name\":\"c\",\"image\":\"2\"}"));
    containers(&s, "a=1 b=1 c=2 ");
    apply(&s, "m1", false, POD("{\"name\":\"b\",\"image\":\"1\"}"));
    containers(&s, "b=1 c=2 ");
    refused(&s, "m1", POD("{\"name\":\"b\",\"image\":\"1\"},{\"name\":\"c\",\"image\":\"3\"}"),
            "409 Apply failed with 1 conflict: conflict with \"m2\": .spec.containers[name=\"c\"].image");
    apply(&s, "m1", false, POD("{\"name\":\"d\",\"image\":\"1\"},{\"name\":\"b\",\"image\":\"1\"}"));
    containers(&s, "d=1 b=1 c=2 ");
    apply(&s, "m2", false, POD("{\"name\":\"c\",\"image\":\"2\",\"ports\":[{\"containerPort\":80}]}"));
    TPH_CLEANUP(tph_freep) char *text = managers(s.live);
    assert_non_null(strstr(text, "k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}")); /* its default counts */
    end(&s);
}

/* As kube-apiserver: ten updating managers, the oldest become one. */
static void old_managers_become_one(void **state)
{
    (void)state;
    struct story s = begin("configmaps");
    TPH_CLEANUP(tph_buf_release) struct tph_buf object = TPH_BUF_INIT(TPH_KIB(64));
    for (int i = 0; i < TPH_LIMIT_MANAGERS + 3; i++) {
        char name[16];
        tph_buf_clear(&object);
        (void)tph_buf_puts(&object,
                           "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\"},\"data\":{");
        for (int k = 0; k <= i; k++) {
            (void)tph_buf_printf(&object, "%s\"k%02d\":\"1\"", k > 0 ? "," : "", k);
        }
        (void)tph_buf_puts(&object, "}}");
        (void)snprintf(name, sizeof name, "u%02d", i);
        s.now_ms += 1000;
        update(&s, name, "", tph_buf_cstr(&object));
    }
    assert_int_equal(tph_json_len(tph_json_path(s.live, "metadata", "managedFields", NULL)), TPH_LIMIT_MANAGERS);
    TPH_CLEANUP(tph_freep) char *text = managers(s.live);
    static const char OLDEST[] =
        "ancient-changes Update {\"f:data\":{\".\":{},\"f:k00\":{},\"f:k01\":{},\"f:k02\":{},\"f:k03\":{}}}\nu04 "
        "Update ";
    assert_int_equal(strncmp(text, OLDEST, sizeof OLDEST - 1), 0);
    end(&s);
}

/* kubectl goes over from client-side apply: it may take what its own annotation says it applied. */
static void kubectl_takes_what_it_applied_before(void **state)
{
    (void)state;
#define ANNOTATED(data, last)                                                                                  \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\",\"annotations\":{"            \
    "\"kubectl.kubernetes.io/last-applied-configuration\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":" last \
    ",\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":\\\"ss\\\"}}\\n\"}},\"data\":" data "}"
    struct story s = begin("configmaps");
    update(&s, "kubectl-client-side-apply", "", ANNOTATED("{\"a\":\"1\",\"b\":\"1\"}", "{\\\"a\\\":\\\"1\\\"}"));
    refused(&s, "other", CM(",\"data\":{\"a\":\"2\"}"),
            "409 Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.a");
    refused(&s, "kubectl", CM(",\"data\":{\"a\":\"2\",\"b\":\"2\"}"),
            "409 Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.b");
    apply(&s, "kubectl", false, CM(",\"data\":{\"a\":\"2\"}"));
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    tph_json_write(s.live, 0, &text);
    assert_non_null(strstr(tph_buf_cstr(&text),
                           "{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"a\\\":\\\"2\\\"},\\\"kind\\\":"
                           "\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":\\\"ss\\\"}}\\n"));
    end(&s);
}

/* An annotation has a limit in Kubernetes; kubectl's is emptied when it would be larger. */
static void a_large_configuration_empties_the_annotation(void **state)
{
    (void)state;
    struct story s = begin("configmaps");
    TPH_CLEANUP(tph_buf_release) struct tph_buf config = TPH_BUF_INIT(TPH_MIB(1));
    update(&s, "u", "",
           "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ss\",\"annotations\":{"
           "\"kubectl.kubernetes.io/last-applied-configuration\":\"x\"}}}");
    (void)tph_buf_puts(&config, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"a\":\"");
    for (size_t i = 0; i <= TPH_LIMIT_LAST_APPLIED; i++) {
        (void)tph_buf_putc(&config, 'x');
    }
    (void)tph_buf_puts(&config, "\"}}");
    apply(&s, "kubectl", false, tph_buf_cstr(&config));
    const struct tph_json *annotation =
        tph_json_path(s.live, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration", NULL);
    assert_non_null(annotation);
    assert_int_equal(tph_json_str(annotation).len, 0);
    end(&s);
}

/* ---- properties ---- */

static unsigned pick(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245U + 12345U;
    return (*seed >> 16) % n;
}

/* A random ConfigMap or Pod, small enough that two of them have much in common. No map of it is empty: one that is
 * sent, but not kept, is a change each time. */
static void random_object(unsigned *seed, bool pod, struct tph_buf *out)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    tph_buf_clear(out);
    (void)tph_buf_printf(out, "{\"apiVersion\":\"v1\",\"kind\":\"%s\",\"metadata\":{\"name\":\"o\",\"labels\":{",
                         pod ? "Pod" : "ConfigMap");
    unsigned start = pick(seed, 4);
    for (size_t i = 0; i < 4; i++) {
        if (i == 0 || pick(seed, 2)) {
            (void)tph_buf_printf(out, "%s\"%s\":\"%u\"", i > 0 ? "," : "", names[(i + start) % 4], pick(seed, 2));
        }
    }
    (void)tph_buf_puts(out, pod ? "}},\"spec\":{\"containers\":[" : "}},\"data\":{");
    start = pick(seed, 4);
    for (size_t i = 0; i < 4; i++) {
        const char *name = names[(i + start) % 4];
        if (i == 0 || pick(seed, 2)) {
            (void)tph_buf_puts(out, i > 0 ? "," : "");
            (void)tph_buf_printf(out, pod ? "{\"name\":\"%s\",\"image\":\"%u\"}" : "\"%s\":\"%u\"", name,
                                 pick(seed, 2));
        }
    }
    (void)tph_buf_puts(out, pod ? "]}}" : "}}");
}

static bool same_set(struct story *s, const struct tph_fieldset *a, const struct tph_fieldset *b)
{
    return tph_json_equal(tph_fieldset_write(s->doc, a), tph_fieldset_write(s->doc, b));
}

/* Laws of sets, and that a set written is the set read. */
static void sets_are_sets(void **state)
{
    (void)state;
    unsigned seed = 1;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    for (int round = 0; round < 500; round++) {
        bool pod = round % 2;
        struct story s = begin(pod ? "pods" : "configmaps");
        TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
        const struct tph_schema *schema = tph_schema_of(s.kind);
        struct tph_json *objects[2];
        const struct tph_fieldset *sets[2];
        for (size_t i = 0; i < 2; i++) {
            random_object(&seed, pod, &text);
            objects[i] = parsed(&s, tph_buf_cstr(&text));
            sets[i] = tph_fieldset_of(arena, schema, objects[i]);
            assert_true(same_set(&s, sets[i], tph_fieldset_read(arena, tph_fieldset_write(s.doc, sets[i]))));
            assert_null(tph_fieldset_minus(arena, sets[i], sets[i]));
            assert_true(same_set(&s, tph_fieldset_both(arena, sets[i], sets[i]), sets[i]));
        }
        const struct tph_fieldset *both = tph_fieldset_both(arena, sets[0], sets[1]);
        const struct tph_fieldset *only = tph_fieldset_minus(arena, sets[0], sets[1]);
        assert_true(same_set(&s, tph_fieldset_union(arena, both, only), sets[0]));
        assert_null(tph_fieldset_both(arena, only, sets[1]));
        struct tph_fieldset_changes there = tph_fieldset_compare(arena, schema, objects[0], objects[1]);
        struct tph_fieldset_changes back = tph_fieldset_compare(arena, schema, objects[1], objects[0]);
        assert_true(same_set(&s, there.added, back.removed) && same_set(&s, there.modified, back.modified));
        struct tph_fieldset_changes none = tph_fieldset_compare(arena, schema, objects[0], objects[0]);
        assert_true(!none.added && !none.modified && !none.removed);
        end(&s);
    }
}

/* Two managers apply at random by force: a second time changes nothing; what either sends is there, from who came last;
 * when both send nothing any more, nothing of theirs is left. */
static void applying_is_repeatable_and_leaves_nothing(void **state)
{
    (void)state;
    unsigned seed = 7;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    for (int round = 0; round < 300; round++) {
        bool pod = round % 2;
        struct story s = begin(pod ? "pods" : "configmaps");
        TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
        const struct tph_schema *schema = tph_schema_of(s.kind);
        for (int step = 0; step < 6; step++) {
            const char *manager = pick(&seed, 2) ? "m1" : "m2";
            random_object(&seed, pod, &text);
            apply(&s, manager, true, tph_buf_cstr(&text));
            struct tph_json *config = parsed(&s, tph_buf_cstr(&text));
            struct tph_json *merged = tph_fieldset_merge(arena, s.doc, schema, s.live, config);
            struct tph_fieldset_changes left = tph_fieldset_compare(arena, schema, s.live, merged);
            assert_null(left.modified);
            struct tph_json *before = s.live;
            s.now_ms += 60000;
            apply(&s, manager, true, tph_buf_cstr(&text));
            assert_true(tph_json_equal(before, s.live));
        }
        const char *nothing = pod ? "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"o\"}}" : CM("");
        apply(&s, "m1", true, nothing);
        apply(&s, "m2", true, nothing);
        assert_null(tph_json_path(s.live, "metadata", "labels", NULL));
        assert_null(tph_json_path(s.live, "metadata", "managedFields", NULL));
        assert_int_equal(tph_json_len(tph_json_get(s.live, "data")), 0);
        assert_int_equal(tph_json_len(tph_json_path(s.live, "spec", "containers", NULL)), 0);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configmap_is_shared_by_appliers),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(a_workflows_spec_is_owned_as_a_whole),
        cmocka_unit_test(updates_own_what_they_change),
        cmocka_unit_test(managers_can_be_cleared),
        cmocka_unit_test(lists_merge_by_their_keys),
        cmocka_unit_test(old_managers_become_one),
        cmocka_unit_test(kubectl_takes_what_it_applied_before),
        cmocka_unit_test(a_large_configuration_empties_the_annotation),
        cmocka_unit_test(sets_are_sets),
        cmocka_unit_test(applying_is_repeatable_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
