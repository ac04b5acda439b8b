/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: their types, their kinds, and what is left of them when unknown members are gone. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api/gotype_tables.h"
#include "apiserver/internal.h"
#include "apiserver/strict.h"
#include "apiserver/protobuf.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/yaml.h"

enum { SUMMARY = 30 }; /* bytes of a body that an error shows */

void tph_call_warn(struct tph_api_call *call, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len >= 0) {
        for (char *c = text; (c = strchr(c, '\n')); c++) {
            *c = ' '; /* of a member's name: the line is one warning */
        }
        (void)tph_buf_puts(&call->warnings, text);
        (void)tph_buf_putc(&call->warnings, '\n');
        free(text);
    }
}

/* A body in an error: as text where it may be an object, else in hexadecimal. */
static void put_summary(struct tph_str body, struct tph_buf *out)
{
    struct tph_str head = tph_str_slice(body, 0, SUMMARY);
    if (body.len == 0) {
        (void)tph_buf_puts(out, "<empty>");
        return;
    }
    if (body.p[0] == '{') {
        (void)tph_buf_put(out, head);
    } else {
        for (size_t i = 0; i < head.len; i++) {
            (void)tph_buf_printf(out, "%02x", (unsigned char)head.p[i]);
        }
    }
    (void)tph_buf_puts(out, body.len > SUMMARY ? " ..." : "");
}

static int unrecognized(struct tph_api_call *call, const char *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf summary = TPH_BUF_INIT(TPH_KIB(1));
    put_summary(call->request->body, &summary);
    return tph_status_bad_request(&call->status, "the object provided is unrecognized (must be of type %s): %s (%s)",
                                  call->route.kind->kind, problem, tph_buf_cstr(&summary));
}

/* What Go says of a text that is no JSON object; false when it is one, or null. */
static bool json_problem(struct tph_str body, const struct tph_json *root, struct tph_buf *out)
{
    struct tph_json_fault fault;
    enum tph_json_fault_kind kind = root ? TPH_JSON_FAULT_NONE : tph_json_check(body, &fault);
    if (kind == TPH_JSON_FAULT_SYNTAX) {
        (void)tph_buf_printf(out, "%s", fault.text);
        return true;
    }
    if (kind == TPH_JSON_FAULT_DEPTH) {
        (void)tph_buf_puts(out, "invalid character '[' exceeded max depth");
        return true;
    }
    if (!root || tph_json_is(root, TPH_JSON_OBJECT) || tph_json_is(root, TPH_JSON_NULL)) {
        return false;
    }
    (void)tph_buf_printf(out,
                         "json: cannot unmarshal %s into Go value of type struct { APIVersion string "
                         "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
                         tph_json_type_name(tph_json_type(root)));
    return true;
}

static int read_json(struct tph_api_call *call, struct tph_json_doc **ret_doc)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(8));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_str body = call->request->body;
    struct tph_error err = TPH_ERROR_INIT;
    (void)tph_buf_puts(&problem, "couldn't get version/kind; json parse error: ");
    if (tph_json_parse(body, &doc, &err) < 0) {
        if (!json_problem(body, NULL, &problem)) {
            (void)tph_buf_puts(&problem, err.text);
        }
        return unrecognized(call, tph_buf_cstr(&problem));
    }
    if (json_problem(body, tph_json_root(doc), &problem)) {
        return unrecognized(call, tph_buf_cstr(&problem));
    }
    *ret_doc = TPH_TAKE(doc);
    return 0;
}

static int read_yaml(struct tph_api_call *call, struct tph_json_doc **ret_doc)
{
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_kind *k = call->route.kind;
    struct tph_yaml_stream stream = {.rest = call->request->body};
    struct tph_str document = call->request->body;
    (void)tph_yaml_next_document(&stream, &document); /* what follows the first does not count */
    if (tph_yaml_parse(document, 0, ret_doc, NULL, &err) < 0) {
        return unrecognized(call, err.text);
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *strict = NULL;
    if (call->options.strict && tph_yaml_parse(document, TPH_YAML_STRICT, &strict, NULL, &err) < 0) {
        return tph_status_bad_request(&call->status,
                                      "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
                                      k->kind, k->version, k->kind, err.text);
    }
    return 0;
}

static int read_protobuf(struct tph_api_call *call, struct tph_json_doc **ret_doc)
{
    struct tph_error err = TPH_ERROR_INIT;
    char version[TPH_API_VERSION_TEXT];
    const struct tph_kind *k = call->route.kind;
    if (tph_protobuf_read(call->request->body, tph_str(tph_kind_api_version(k, version)), tph_str(k->kind), ret_doc,
                          &err) < 0) {
        return tph_status_bad_request(&call->status, "%s", err.text);
    }
    return 0;
}

static int unsupported(struct tph_api_call *call)
{
    return tph_status_set(&call->status, 415, "UnsupportedMediaType",
                          "the body of the request was in an unknown format - accepted media types include: "
                          "application/json, application/yaml%s",
                          (call->route.kind->flags & TPH_KIND_CUSTOM) != 0 ? ""
                                                                           : ", application/vnd.kubernetes.protobuf");
}

/* The unknown members that were found: warnings, or the end. */
static int tell_unknown(struct tph_api_call *call, struct tph_str api_version, struct tph_str kind,
                        const struct tph_buf *unknown)
{
    if (unknown->len == 0) {
        return 0;
    }
    if (call->options.strict) {
        ptrdiff_t slash = tph_str_find_byte(api_version, '/');
        struct tph_str version = tph_str_slice(api_version, slash < 0 ? 0 : (size_t)slash + 1, api_version.len);
        return tph_status_bad_request(&call->status,
                                      "%.*s in version \"%.*s\" cannot be handled as a %s: strict decoding error: %s",
                                      TPH_FMT(kind), TPH_FMT(version), call->route.kind->kind, tph_buf_cstr(unknown));
    }
    struct tph_str rest = tph_buf_str(unknown);
    while (call->options.warn && rest.len > 0) {
        static const char NEXT[] = "\", ";
        ptrdiff_t end = tph_str_find(rest, tph_str(NEXT));
        size_t len = end < 0 ? rest.len : (size_t)end + 1;
        tph_call_warn(call, "%.*s", TPH_FMT(tph_str_slice(rest, 0, len)));
        rest = tph_str_slice(rest, len + 2, rest.len);
    }
    return 0;
}

static bool registered(struct tph_str api_version, struct tph_str kind)
{
    return tph_kind_of(api_version, kind) != NULL || tph_str_eqz(kind, "List") ||
           (tph_str_has_suffix(kind, TPH_STR("List")) &&
            tph_kind_of(api_version, tph_str_slice(kind, 0, kind.len - 4)) != NULL);
}

/* Members that a body in JSON has twice. */
static void find_duplicates(const struct tph_api_call *call, struct tph_buf *found)
{
    char room[TPH_MEDIA_TEXT];
    struct tph_str type = tph_media_type(call->request->content_type, room);
    if ((call->options.strict || call->options.warn) && (type.len == 0 || tph_str_eqz(type, "application/json"))) {
        tph_strict_duplicates(call->request->body, found);
    }
}

/* A built-in kind: its Go type decides. */
static int decode_typed(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *root,
                        struct tph_json **ret_object)
{
    const struct tph_kind *k = call->route.kind;
    char own_version[TPH_API_VERSION_TEXT];
    struct tph_str kind = tph_json_get_str(root, "kind");
    struct tph_str version = tph_json_get_str(root, "apiVersion");
    kind = kind.len > 0 ? kind : tph_str(k->kind);
    version = version.len > 0 ? version : tph_str(tph_kind_api_version(k, own_version));
    if (!tph_str_eqz(kind, k->kind) || !tph_str_eqz(version, tph_kind_api_version(k, own_version))) {
        if (!registered(version, kind)) {
            return tph_status_bad_request(&call->status,
                                          "%.*s in version \"%.*s\" cannot be handled as a %s: no kind \"%.*s\" is "
                                          "registered for version \"%.*s\" in scheme \"pkg/runtime/scheme.go:111\"",
                                          TPH_FMT(kind), TPH_FMT(version), k->kind, TPH_FMT(kind), TPH_FMT(version));
        }
        return tph_status_bad_request(&call->status,
                                      "%.*s in version \"%.*s\" cannot be handled as a %s: converting (%.*s.%.*s) to "
                                      "(core.%s): unknown conversion",
                                      TPH_FMT(kind), TPH_FMT(version), k->kind, TPH_FMT(version), TPH_FMT(kind),
                                      k->kind);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = NULL;
    const struct tph_go_options options = {.unknown = &unknown};
    find_duplicates(call, &unknown);
    struct tph_json *value = tph_json_is_null(root) ? tph_json_new_object(doc) : tph_json_copy(doc, root);
    if (!k->type) {
        object = value;
    } else if (tph_go_convert(doc, value, k->type, &options, &object, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s in version \"%s\" cannot be handled as a %s: %s", k->kind,
                                      k->version, k->kind, err.text);
    }
    if (tph_times_normalize(k, doc, object, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s in version \"%s\" cannot be handled as a %s: %s", k->kind,
                                      k->version, k->kind, err.text);
    }
    if (tell_unknown(call, version, kind, &unknown) < 0) {
        return -1;
    }
    *ret_object = object;
    return 0;
}

/* metadata as ObjectMeta has it; unknown members are told of before those of the object. */
static int convert_meta(struct tph_json_doc *doc, struct tph_json *object, struct tph_buf *unknown,
                        struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf inner = TPH_BUF_INIT(TPH_KIB(64));
    const struct tph_go_options options = {.unknown = &inner};
    struct tph_json *meta = tph_json_get(object, "metadata");
    struct tph_json *converted = NULL;
    if (tph_json_is_null(meta)) {
        tph_json_set(doc, object, "metadata", tph_json_new_object(doc));
        return 0;
    }
    if (tph_go_convert(doc, meta, &tph_gt_meta_ObjectMeta, &options, &converted, err) < 0) {
        return -1;
    }
    tph_json_set(doc, object, "metadata", converted);
    struct tph_str rest = tph_buf_str(&inner);
    static const char FIELD[] = "unknown field \"";
    ptrdiff_t at;
    while ((at = tph_str_find(rest, tph_str(FIELD))) >= 0) {
        rest = tph_str_slice(rest, (size_t)at + sizeof(FIELD) - 1, rest.len);
        ptrdiff_t end = tph_str_find_byte(rest, '"');
        size_t len = end < 0 ? rest.len : (size_t)end;
        (void)tph_buf_printf(unknown, "%s%smetadata.%.*s\"", unknown->len > 0 ? ", " : "", FIELD,
                             TPH_FMT(tph_str_slice(rest, 0, len)));
        rest = tph_str_slice(rest, len + 1, rest.len);
    }
    return 0;
}

/* A CR: metadata is checked, members that its schema does not have go. */
static int cut_custom(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *root,
                      struct tph_buf *unknown, struct tph_json **ret_object, struct tph_error *err)
{
    struct tph_json *object = tph_json_copy(doc, root);
    if (convert_meta(doc, object, unknown, err) < 0) {
        return -1;
    }
    tph_strict_prune(doc, call->route.kind, object, unknown);
    tph_object_plain_numbers(doc, object);
    *ret_object = object;
    return 0;
}

static int decode_custom(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *root,
                         struct tph_json **ret_object)
{
    const struct tph_kind *k = call->route.kind;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_error err = TPH_ERROR_INIT;
    char own_version[TPH_API_VERSION_TEXT];
    struct tph_str kind = tph_json_get_str(root, "kind");
    struct tph_str version = tph_json_get_str(root, "apiVersion");
    if (kind.len == 0) {
        (void)tph_buf_puts(&text, "Object 'Kind' is missing in '");
        tph_json_write(root, 0, &text);
        (void)tph_buf_puts(&text, "'");
        return unrecognized(call, tph_buf_cstr(&text));
    }
    find_duplicates(call, &unknown);
    if (cut_custom(call, doc, root, &unknown, ret_object, &err) < 0) {
        return tph_status_bad_request(&call->status, "%.*s in version \"%s\" cannot be handled as a %s: %s",
                                      TPH_FMT(kind), k->version, k->kind, err.text);
    }
    if (!tph_str_eqz(version, tph_kind_api_version(k, own_version))) {
        if (version.len > 0 && !tph_json_is_null(tph_json_get(root, "spec"))) {
            tph_call_warn(call, "unknown field \"spec\"");
        }
        return tph_status_bad_request(&call->status,
                                      "the API version in the data (%.*s) does not match the expected API version (%s)",
                                      TPH_FMT(version), own_version);
    }
    return tell_unknown(call, version, kind, &unknown);
}

int tph_decode(struct tph_api_call *call, struct tph_json_doc **ret_doc, struct tph_json **ret_object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    char room[TPH_MEDIA_TEXT];
    struct tph_str type = tph_media_type(call->request->content_type, room);
    struct tph_json *object = NULL;
    bool custom = (call->route.kind->flags & TPH_KIND_CUSTOM) != 0;
    int failed;
    if (type.len == 0 || tph_str_eqz(type, "application/json")) {
        failed = read_json(call, &doc);
    } else if (tph_str_eqz(type, "application/yaml")) {
        failed = read_yaml(call, &doc);
    } else if (tph_str_eqz(type, "application/vnd.kubernetes.protobuf") && !custom) {
        failed = read_protobuf(call, &doc);
    } else {
        failed = unsupported(call);
    }
    if (failed < 0) {
        return -1;
    }
    if ((custom ? decode_custom(call, doc, tph_json_root(doc), &object)
                : decode_typed(call, doc, tph_json_root(doc), &object)) < 0) {
        return -1;
    }
    *ret_object = object;
    *ret_doc = TPH_TAKE(doc);
    return 0;
}

struct named {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct named *)a)->key, ((const struct named *)b)->key);
}

/* The patched object as Go has it there: a map, sorted; below it, what was not patched in the order of its type. */
static void put_patched(const struct tph_api_call *call, const struct tph_json *value, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_freep) struct named *members = tph_calloc(tph_json_len(value) + 1, sizeof(*members));
    bool custom = (call->route.kind->flags & TPH_KIND_CUSTOM) != 0;
    const struct tph_go_options options = {.flags = 0};
    struct tph_json *meta = NULL;
    size_t n = 0;
    if (custom ||
        tph_go_convert(doc, tph_json_get(value, "metadata"), &tph_gt_meta_ObjectMeta, &options, &meta, NULL) < 0) {
        tph_json_write(value, TPH_JSON_HTML | TPH_JSON_SORTED, out);
        return;
    }
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        members[n++] = (struct named){it.key, tph_str_eqz(it.key, "metadata") ? meta : it.value};
    }
    qsort(members, n, sizeof(*members), by_key);
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_putc(out, i == 0 ? '{' : ',');
        tph_json_write_str(members[i].key, TPH_JSON_HTML, out);
        (void)tph_buf_putc(out, ':');
        tph_json_write(members[i].value, TPH_JSON_HTML | (members[i].value == meta ? 0 : TPH_JSON_SORTED), out);
    }
    (void)tph_buf_puts(out, n == 0 ? "{}" : "}");
}

static int broken_patch(struct tph_api_call *call, const struct tph_json *value, const char *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_patched(call, value, &text);
    tph_status_fault_value(&call->status, "patch", tph_buf_str(&text), "%s", problem);
    int failed = tph_status_invalid(&call->status, TPH_STR_NONE, TPH_STR_NONE, TPH_STR_NONE);
    tph_buf_clear(&call->status.kind);
    return failed;
}

int tph_decode_patched(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *value,
                       struct tph_json **ret_object)
{
    const struct tph_kind *k = call->route.kind;
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = NULL;
    const struct tph_go_options options = {.unknown = &unknown};
    int failed = 0;
    if ((k->flags & TPH_KIND_CUSTOM) != 0) {
        failed = cut_custom(call, doc, value, &unknown, &object, &err);
    } else if (k->type) {
        failed = tph_go_convert(doc, value, k->type, &options, &object, &err);
    } else {
        object = value;
    }
    if (failed == 0) {
        failed = tph_times_normalize(k, doc, object, &err);
    }
    if (failed < 0) {
        return broken_patch(call, value, err.text);
    }
    if (unknown.len > 0 && call->options.strict) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(65));
        (void)tph_buf_printf(&problem, "strict decoding error: %s", tph_buf_cstr(&unknown));
        return broken_patch(call, value, tph_buf_cstr(&problem));
    }
    (void)tell_unknown(call, TPH_STR_NONE, TPH_STR_NONE, &unknown);
    *ret_object = object;
    return 0;
}
