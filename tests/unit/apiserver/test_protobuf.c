/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf bodies: those that genuine clients sent, with what client-go's own decoder made of them beside; damaged
 * ones; ceilings. */
#include "apiserver/protobuf.h"

#include "data/base64.h"
#include "recorded.h"

static void bytes_of(const char *base64, struct tph_buf *out)
{
    assert_int_equal(tph_base64_decode(tph_str(base64), out), 0);
}

/* The JSON of a body for a kind, or the error. */
static char *read_as(struct tph_str body, const char *api_version, const char *kind)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_protobuf_read(body, tph_str(api_version), tph_str(kind), &doc, &err) < 0) {
        assert_null(doc);
        return tph_strdup(err.text);
    }
    tph_json_write(tph_json_root(doc), 0, &out);
    return tph_buf_take(&out, NULL);
}

static void gives(const char *base64, const char *api_version, const char *kind, const char *expected)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_MIB(1));
    bytes_of(base64, &body);
    TPH_CLEANUP(tph_freep) char *got = read_as(tph_buf_str(&body), api_version, kind);
    assert_string_equal(got, expected);
}

/* Recorded: G-05, sent by hand to a genuine server; expected is its answer without what it added. */
static void zeros_bytes_and_maps_are_read_as_go_does(void **state)
{
    (void)state;
    gives("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEjsKGwoDcGIxEgAaACIAKgAyADgAQgBaBgoBbBIBMRIGCgFrEgF2EgkKBWVtcHR5EgASCQoHbm92YWx1"
          "ZRoAIgA=",
          "v1", "ConfigMap",
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb1\",\"labels\":{\"l\":\"1\"}},"
          "\"data\":{\"empty\":\"\",\"k\":\"v\",\"novalue\":\"\"}}");
    gives("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEiAKEwoDcGIyEgAaACIAKgAyADgAQgAaBwoBYhICAAEgABoAIgA=", "v1", "ConfigMap",
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb2\"},\"immutable\":false,"
          "\"binaryData\":{\"b\":\"AAE=\"}}");
    gives("azhzAAoMCgJ2MRIGU2VjcmV0Ei4KEwoDcGIxEgAaACIAKgAyADgAQgASBwoBaxICAQIaBk9wYXF1ZSIGCgFzEgF0GgAiAA==", "v1",
          "Secret",
          "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb1\"},\"data\":{\"k\":\"AQI=\"},"
          "\"stringData\":{\"s\":\"t\"},\"type\":\"Opaque\"}");
    gives(
        "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRI1ChIKAnBiEgAaACIAKgAyADgAQgASHwoCbWUQDxoLCIDCr/AFEICU7zoiC"
        "AiAwq/wBRAAKAAaACIA",
        "coordination.k8s.io/v1", "Lease",
        "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"name\":\"pb\"},\"spec\":{"
        "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"acquireTime\":\"2020-01-01T00:00:00.123456Z\","
        "\"renewTime\":\"2020-01-01T00:00:00.000000Z\",\"leaseTransitions\":0}}");
    /* unknown fields, and what is no UTF-8 */
    gives("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhoKFAoEcGIxMBIAGgAiACoAMgA4AEIAmgYBeBoAIgA=", "v1", "ConfigMap",
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb10\"}}");
    gives("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEh8KFAoEcGIxMxIAGgAiACoAMgA4AEIAEgcKAWsSAv/+GgAiAA==", "v1", "ConfigMap",
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb13\"},\"data\":{\"k\":"
          "\"\xef\xbf\xbd\xef\xbf\xbd\"}}");
    /* no kind in the envelope */
    gives("azhzAAoECgASABIVChMKA3BiNRIAGgAiACoAMgA4AEIAGgAiAA==", "v1", "ConfigMap",
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pb5\"}}");
    /* a period of grace of zero counts; another apiVersion of DeleteOptions */
    gives("azhzAAoTCgJ2MRINRGVsZXRlT3B0aW9ucxIOCAAiCkJhY2tncm91bmQaACIA", "v1", "DeleteOptions",
          "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,\"propagationPolicy\":"
          "\"Background\"}");
    gives(
        "azhzAAofCg5tZXRhLms4cy5pby92MRINRGVsZXRlT3B0aW9ucxIoEiYKJDExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NRoAI"
        "gA=",
        "v1", "DeleteOptions",
        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":"
        "\"11111111-2222-3333-4444-555555555555\"}}");
}

static void what_is_damaged_is_told_as_the_genuine_server_tells_it(void **state)
{
    (void)state;
    gives("azhzAAoMCgJ2MRIGU2VjcmV0EhUKEwoDcGI2EgAaACIAKgAyADgAQgAaACIA", "v1", "ConfigMap",
          "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): "
          "unknown "
          "conversion");
    gives("ChMKA3BiNxIAGgAiACoAMgA4AEIA", "v1", "ConfigMap",
          "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a "
          "protobuf message, expected prefix [107 56 115 0] (0a130a0370623712001a0022002a00320038004200)");
    gives("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEh0KEwoDcGI4EgAaACIAKgAyADgAQgASBgo=", "v1", "ConfigMap",
          "the object provided is unrecognized (must be of type ConfigMap): unexpected EOF "
          "(6b3873000a0f0a0276311209436f6e6669674d6170121d0a130a03706238 ...)");
    gives("azhzAA==", "v1", "ConfigMap",
          "the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)");
    gives("", "v1", "ConfigMap",
          "the object provided is unrecognized (must be of type ConfigMap): empty data (<empty>)");
    gives("eyJtZXRhZGF0YSI6eyJuYW1lIjoicGI5In19", "v1", "ConfigMap",
          "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a "
          "protobuf message, expected prefix [107 56 115 0] ({\"metadata\":{\"name\":\"pb9\"}})");
}

/* A field of the object that begins at `raw`, in the envelope of a ConfigMap. */
static void object_gives(const char *raw, size_t len, const char *kind, const char *expected)
{
    char body[256] = "k8s\0\x12";
    assert_true(len < 120);
    body[5] = (char)len;
    memcpy(body + 6, raw, len);
    TPH_CLEANUP(tph_freep) char *got = read_as((struct tph_str){body, len + 6}, "v1", kind);
    assert_string_equal(got, expected);
}

#define OBJECT_GIVES(raw, kind, expected) object_gives(raw, sizeof(raw) - 1, kind, expected)
#define REFUSED(why)                      "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: " why

/* Texts of the generated Go readers. */
static void damaged_fields_are_told(void **state)
{
    (void)state;
    OBJECT_GIVES("\x0a\x05xy", "ConfigMap", REFUSED("unexpected EOF"));
    OBJECT_GIVES("\x0a", "ConfigMap", REFUSED("unexpected EOF"));
    OBJECT_GIVES("\x08\x01", "ConfigMap", REFUSED("proto: wrong wireType = 0 for field metadata"));
    OBJECT_GIVES("\x0f", "ConfigMap", REFUSED("proto: illegal wireType 7"));
    OBJECT_GIVES("\x02\x01", "ConfigMap", REFUSED("proto: illegal tag 0 (wire type 2)"));
    OBJECT_GIVES("\x0c", "ConfigMap", REFUSED("proto: wiretype end group for non-group"));
    OBJECT_GIVES("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "ConfigMap", REFUSED("proto: integer overflow"));
    OBJECT_GIVES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "ConfigMap",
                 REFUSED("proto: negative length found during unmarshaling"));
    OBJECT_GIVES("\x9b\x06\x9b\x06\x08\x01", "ConfigMap", REFUSED("unexpected EOF")); /* groups that do not end */
}

static void odd_but_legal_messages_are_read(void **state)
{
    (void)state;
    /* groups in each other, with a number, eight and four bytes in them */
    OBJECT_GIVES("\x9b\x06\x9b\x06\x08\x01\x9c\x06\x09"
                 "12345678\x0d"
                 "1234\x9c\x06",
                 "ConfigMap", "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{}}");
    /* the last of two entries with one key wins; a message that comes twice is merged */
    OBJECT_GIVES("\x12\x06\x0a\x01k\x12\x01"
                 "a\x12\x06\x0a\x01k\x12\x01"
                 "b\x0a\x03\x0a\x01n\x0a\x03\x1a\x01s",
                 "ConfigMap",
                 "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n\",\"namespace\":\"s\"},"
                 "\"data\":{\"k\":\"b\"}}");
    /* Pod: spec{1 volumes{1 name, 2 inline source{2 emptyDir{2 sizeLimit{1 text}}}}}; 34 securityContext with packed
     * supplementalGroups */
    OBJECT_GIVES("\x12\x19\x0a\x0f\x0a\x01v\x12\x0a\x12\x08\x12\x06\x0a\x04"
                 "1024r\x06\x22\x04\x01\x02\xac\x02",
                 "Pod",
                 "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{\"volumes\":[{\"name\":\"v\","
                 "\"emptyDir\":{\"sizeLimit\":\"1024\"}}],\"containers\":null,\"securityContext\":{"
                 "\"supplementalGroups\":[1,2,300]}},\"status\":{}}");
}

static void kinds_are_known_by_their_version(void **state)
{
    (void)state;
    assert_true(tph_protobuf_known(TPH_STR("v1"), TPH_STR("Pod")));
    assert_true(tph_protobuf_known(TPH_STR("coordination.k8s.io/v1"), TPH_STR("Lease")));
    assert_false(tph_protobuf_known(TPH_STR("v1"), TPH_STR("Lease")));
    assert_false(tph_protobuf_known(TPH_STR("argoproj.io/v1alpha1"), TPH_STR("Workflow")));
}

/* An empty message costs two bytes, what is made of it far more. */
static void values_have_a_ceiling(void **state)
{
    (void)state;
    size_t n = TPH_LIMIT_PROTOBUF_VALUES + 1;
    TPH_CLEANUP(tph_buf_release) struct tph_buf body = TPH_BUF_INIT(TPH_MIB(2));
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    size_t len = 2 * n;
    (void)tph_buf_append(&body, "k8s\0\x12", 5);
    for (; len >= 0x80; len >>= 7) {
        (void)tph_buf_putc(&body, (char)((len & 0x7f) | 0x80));
    }
    (void)tph_buf_putc(&body, (char)len);
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_append(&body, "\x12\0", 2);
    }
    assert_int_equal(tph_protobuf_read(tph_buf_str(&body), TPH_STR("v1"), TPH_STR("Secret"), &doc, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_LIMIT);
    assert_null(doc);
}

struct counts {
    size_t same, other, unknown;
};

static void compare_row(void *owner, const char *file, const struct tph_json *row)
{
    struct counts *counts = owner;
    const struct tph_json *body = tph_json_path(row, "request", "body", NULL);
    const struct tph_json *decoded = tph_json_get(body, "decoded");
    struct tph_str base64 = tph_json_get_str(body, "base64");
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_MIB(4));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (!decoded || base64.len == 0 || base64.p[0] == '<') { /* redacted */
        return;
    }
    struct tph_str version = tph_json_get_str(decoded, "apiVersion");
    struct tph_str kind = tph_json_get_str(decoded, "kind");
    if (!tph_protobuf_known(version, kind)) {
        assert_true(tph_str_eqz(kind, "Role")); /* is not served */
        counts->unknown++;
        return;
    }
    assert_int_equal(tph_base64_decode(base64, &bytes), 0);
    if (tph_protobuf_read(tph_buf_str(&bytes), version, kind, &doc, &err) < 0) {
        fprintf(stderr, "%s: %s\n", file, err.text);
        counts->other++;
    } else if (recorded_same(file, row, decoded, tph_json_root(doc))) {
        counts->same++;
    } else {
        counts->other++;
    }
}

static void recorded_bodies_are_read_as_client_go_reads_them(void **state)
{
    (void)state;
    struct counts counts = {0};
    recorded_each("", compare_row, &counts);
    print_message("protobuf: %zu of %zu recorded bodies, %zu of kinds that are not served\n", counts.same,
                  counts.same + counts.other, counts.unknown);
    assert_int_equal(counts.other, 0);
    assert_true(counts.same > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_bytes_and_maps_are_read_as_go_does),
        cmocka_unit_test(what_is_damaged_is_told_as_the_genuine_server_tells_it),
        cmocka_unit_test(damaged_fields_are_told),
        cmocka_unit_test(odd_but_legal_messages_are_read),
        cmocka_unit_test(kinds_are_known_by_their_version),
        cmocka_unit_test(values_have_a_ceiling),
        cmocka_unit_test(recorded_bodies_are_read_as_client_go_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
