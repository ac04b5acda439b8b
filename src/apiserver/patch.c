/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH: JSON patch, merge patch, strategic merge patch, server-side apply. */
#include <string.h>

#include "api/strategic.h"
#include "api/unstructured.h"
#include "apiserver/write.h"
#include "base/limits.h"
#include "data/patch.h"
#include "data/quote.h"
#include "data/yaml.h"

static int bad_json(struct tph_api_call *call, const char *before)
{
    struct tph_json_fault fault;
    switch (tph_json_check(call->request->body, &fault)) {
    case TPH_JSON_FAULT_NONE:
        return 0;
    case TPH_JSON_FAULT_SYNTAX:
        return tph_status_bad_request(&call->status, "%s%s", before, fault.text);
    case TPH_JSON_FAULT_DEPTH:
        break;
    }
    return tph_status_bad_request(&call->status, "%sexceeded max depth", before);
}

static int read_patch(struct tph_api_call *call, const char *before)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (call->body_doc) {
        return 0;
    }
    if (bad_json(call, before) < 0) {
        return -1;
    }
    if (tph_json_parse(call->request->body, &call->body_doc, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s%s", before, err.text);
    }
    call->body = tph_json_root(call->body_doc);
    return 0;
}

static int refuse_type(struct tph_api_call *call, const char *wanted)
{
    return tph_status_bad_request(&call->status,
                                  "error decoding patch: json: cannot unmarshal %s into Go value of type %s",
                                  tph_json_type_name(tph_json_type(call->body)), wanted);
}

static int json_change(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json **ret_new)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *patched = NULL;
    if (read_patch(call, "error decoding patch: ") < 0) {
        return -1;
    }
    if (!tph_json_is(call->body, TPH_JSON_ARRAY) && !tph_json_is(call->body, TPH_JSON_NULL)) {
        return refuse_type(call, "[]handlers.jsonPatchOp");
    }
    if (tph_json_len(call->body) > TPH_LIMIT_PATCH_OPERATIONS) {
        return tph_status_set(&call->status, 413, "RequestEntityTooLarge",
                              "Request entity too large: The allowed maximum operations in a JSON patch is %d, got %zu",
                              TPH_LIMIT_PATCH_OPERATIONS, tph_json_len(call->body));
    }
    if (tph_patch_json(doc, old, call->body, &patched, &err) < 0) {
        return tph_status_set_bare(&call->status, 422, "Invalid",
                                   "the server rejected our request due to an error in our request");
    }
    return tph_decode_patched(call, doc, patched, ret_new);
}

static int merge_change(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                        struct tph_json **ret_new)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *patched = NULL;
    if (read_patch(call, "error decoding patch: ") < 0) {
        return -1;
    }
    if (!tph_json_is(call->body, TPH_JSON_OBJECT) && !tph_json_is(call->body, TPH_JSON_NULL)) {
        return refuse_type(call, "map[string]interface {}");
    }
    if (tph_patch_merge(doc, old, call->body, &patched, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s", err.text);
    }
    return tph_decode_patched(call, doc, patched, ret_new);
}

/* A value whose members are sorted, as Go's fmt prints it with %+v: map[a:1 b:[x y]]. */
static void put_sorted(const struct tph_json *value, struct tph_buf *out)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_STRING:
        (void)tph_buf_put(out, tph_json_str(value));
        return;
    case TPH_JSON_NULL:
        (void)tph_buf_puts(out, "<nil>");
        return;
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
        break;
    default:
        tph_json_write(value, 0, out);
        return;
    }
    bool object = tph_json_is(value, TPH_JSON_OBJECT);
    struct tph_json_iter it = tph_json_iter(value);
    (void)tph_buf_puts(out, object ? "map[" : "[");
    while (tph_json_next(&it)) { /* as deep as the reader of JSON allows */
        (void)tph_buf_puts(out, it.index > 0 ? " " : "");
        if (object) {
            (void)tph_buf_printf(out, "%.*s:", TPH_FMT(it.key));
        }
        put_sorted(it.value, out);
    }
    (void)tph_buf_putc(out, ']');
}

static void put_go_value(const struct tph_json *value, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf sorted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, TPH_JSON_SORTED, &sorted);
    if (tph_json_parse(tph_buf_str(&sorted), &doc, NULL) == 0) {
        put_sorted(tph_json_root(doc), out);
    }
}

/* What a strategic merge patch makes is read field by field; what does not fit is told of with the patch. */
static int broken_strategic(struct tph_api_call *call, const char *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    put_go_value(call->body, &text);
    tph_quote_go(tph_buf_str(&text), &quoted);
    tph_status_fault(&call->status, TPH_FAULT_INVALID, "patch", "Invalid value: %s: %s", tph_buf_cstr(&quoted),
                     problem);
    return tph_status_invalid(&call->status, TPH_STR_NONE, TPH_STR_NONE, TPH_STR_NONE);
}

static int check_strategic(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *patched)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf unknown = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(65));
    const struct tph_go_type *type = call->route.kind->type;
    const struct tph_go_options options = {.unknown = &unknown};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *ignored = NULL;
    if (tph_unstructured_check(patched, type, &err) < 0) {
        return broken_strategic(call, err.text);
    }
    if (call->options.strict && tph_go_convert(doc, patched, type, &options, &ignored, &err) == 0 && unknown.len > 0) {
        (void)tph_buf_printf(&problem, "strict decoding error: %s", tph_buf_cstr(&unknown));
        return broken_strategic(call, tph_buf_cstr(&problem));
    }
    return 0;
}

/* As interpretStrategicMergePatchError of apiserver: what is no such patch is the client's fault, the rest its own. */
static int refuse_strategic(struct tph_api_call *call, const char *why)
{
    if (strncmp(why, "invalid patch format", strlen("invalid patch format")) == 0 ||
        strcmp(why, "invalid JSON document") == 0) {
        return tph_status_bad_request(&call->status, "%s", why);
    }
    if (strcmp(why, "lists of lists are not supported") == 0) {
        return tph_status_set_bare(&call->status, 422, "Invalid", "%s", why);
    }
    return tph_status_internal(&call->status, "%s", why);
}

static int strategic_change(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                            struct tph_json **ret_new)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *patched = NULL;
    if (read_patch(call, "") < 0) {
        return -1;
    }
    if (!tph_json_is(call->body, TPH_JSON_OBJECT) && !tph_json_is(call->body, TPH_JSON_NULL)) {
        return tph_status_bad_request(&call->status, "json: cannot unmarshal %s into Go value of type %s",
                                      tph_json_type_name(tph_json_type(call->body)), "map[string]interface {}");
    }
    const struct tph_go_type *type = call->route.kind->type;
    if (tph_json_is(call->body, TPH_JSON_NULL)) {
        return tph_decode_patched(call, doc, tph_json_copy(doc, old), ret_new); /* nothing to merge */
    }
    int failed = type ? tph_strategic_merge(doc, old, call->body, type, &patched, &err)
                      : tph_patch_merge(doc, old, call->body, &patched, &err);
    if (failed < 0) {
        return refuse_strategic(call, err.text);
    }
    if (type && check_strategic(call, doc, patched) < 0) {
        return -1;
    }
    return tph_decode_patched(call, doc, patched, ret_new);
}

static int apply_change(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                        struct tph_json **ret_new)
{
    return tph_fields_apply(call, doc, old, ret_new);
}

/* Keys that a body has twice: warnings, a line each, or the end. */
static int find_doubles(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if ((!call->options.strict && !call->options.warn) ||
        tph_yaml_parse(call->request->body, TPH_YAML_STRICT, &doc, NULL, &err) == 0) {
        return 0;
    }
    if (call->options.strict) {
        return tph_status_bad_request(&call->status, "error strict decoding YAML: %s", err.text);
    }
    struct tph_str rest = tph_str(err.text);
    struct tph_str line = TPH_STR_NONE;
    while (tph_str_cut(&rest, '\n', &line)) {
        line = tph_str_trim(line);
        if (tph_str_has_prefix(line, TPH_STR("line "))) {
            tph_call_warn(call, "%.*s", TPH_FMT(line));
        }
    }
    return 0;
}

static int read_apply(struct tph_api_call *call)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(call->request->body, 0, &call->body_doc, NULL, &err) < 0) {
        return tph_status_bad_request(&call->status, "error decoding YAML: error converting YAML to JSON: %s",
                                      err.text);
    }
    call->body = tph_json_root(call->body_doc);
    if (!tph_json_is(call->body, TPH_JSON_OBJECT) && !tph_json_is(call->body, TPH_JSON_NULL)) {
        return tph_status_bad_request(&call->status,
                                      "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
                                      "unmarshal %s into Go value of type map[string]interface {}",
                                      tph_json_type_name(tph_json_type(call->body)));
    }
    return find_doubles(call);
}

static int unknown_type(struct tph_api_call *call, struct tph_str type)
{
    if (tph_str_eqz(type, "application/strategic-merge-patch+json")) {
        return tph_status_set(
            &call->status, 415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
    }
    return tph_status_set_bare(&call->status, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
}

/* The change that a media type stands for; NULL: not known here. */
static tph_api_change_fn *change_of(const struct tph_kind *kind, struct tph_str type)
{
    if (tph_str_eqz(type, "application/json-patch+json")) {
        return json_change;
    }
    if (tph_str_eqz(type, "application/merge-patch+json")) {
        return merge_change;
    }
    if (tph_str_eqz(type, "application/apply-patch+yaml")) {
        return apply_change;
    }
    bool strategic = tph_str_eqz(type, "application/strategic-merge-patch+json");
    return strategic && (kind->flags & TPH_KIND_CUSTOM) == 0 ? strategic_change : NULL;
}

void tph_api_patch(struct tph_api_call *call)
{
    char room[TPH_MEDIA_TEXT];
    struct tph_str type = tph_media_type(call->request->content_type, room);
    if (call->route.ask.name.len == 0) {
        (void)tph_status_bad_request(&call->status, "name must be provided");
        tph_call_fail(call);
        return;
    }
    call->change = change_of(call->route.kind, type);
    if (!call->change) {
        (void)unknown_type(call, type);
        tph_call_fail(call);
        return;
    }
    bool apply = call->change == apply_change;
    if (tph_call_options(call, "PatchOptions", apply) < 0 || (apply && read_apply(call) < 0)) {
        tph_call_fail(call);
        return;
    }
    call->creating = apply && !call->route.sub;
    call->is_apply = apply;
    call->attempt = tph_update_attempt;
    tph_update_attempt(call);
}
