/* SPDX-License-Identifier: Apache-2.0 */
/* Creating objects, and changing them by PUT. */
#include <string.h>

#include "apiserver/internal.h"
#include "apiserver/write.h"
#include "base/limits.h"
#include "base/random.h"

enum { RANDOM_LEN = 5, PREFIX_MAX = 58 };

static int check_size(struct tph_api_call *call)
{
    if (tph_buf_failed(&call->text) || call->text.len > TPH_LIMIT_API_OBJECT) {
        return tph_status_internal(&call->status, "etcdserver: request is too large");
    }
    return 0;
}

int tph_write_text(struct tph_api_call *call, const struct tph_json *object)
{
    tph_buf_clear(&call->text);
    tph_object_keep(call->route.kind, object, &call->text);
    return check_size(call);
}

int tph_check_identity(struct tph_api_call *call, const struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    struct tph_str ns = tph_object_meta_str(object, "namespace");
    struct tph_str name = tph_object_meta_str(object, "name");
    struct tph_str url = call->route.ask.name;
    if (url.len > 0 && name.len == 0) {
        return tph_status_bad_request(&call->status,
                                      "the name of the object (%.*s based on URL) was undeterminable: name must be "
                                      "provided",
                                      TPH_FMT(url));
    }
    if (url.len > 0 && !tph_str_eq(name, url)) {
        return tph_status_bad_request(&call->status,
                                      "the name of the object (%.*s) does not match the name on the URL (%.*s)",
                                      TPH_FMT(name), TPH_FMT(url));
    }
    if (k->namespaced && ns.len > 0 && !tph_str_eq(ns, call->route.ask.ns)) {
        return tph_status_bad_request(
            &call->status, "the namespace of the provided object does not match the namespace sent on the request");
    }
    return 0;
}

/* A CR's own kind and version, as its schema wants them. */
static int check_kind(struct tph_api_call *call, const struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    char own[TPH_API_VERSION_TEXT];
    struct tph_str kind = tph_json_get_str(object, "kind");
    struct tph_str version = tph_json_get_str(object, "apiVersion");
    if ((k->flags & TPH_KIND_CUSTOM) == 0) {
        return 0;
    }
    ptrdiff_t slash = tph_str_find_byte(version, '/');
    struct tph_str group = tph_str_slice(version, 0, slash < 0 ? 0 : (size_t)slash);
    if (!tph_str_eqz(kind, k->kind)) {
        tph_status_fault_value(&call->status, "kind", kind, "must be %s", k->kind);
    }
    if (!tph_str_eqz(version, tph_kind_api_version(k, own))) {
        tph_status_fault_value(&call->status, "apiVersion", version, "must be %s", own);
    }
    struct tph_str name = tph_object_meta_str(object, "name");
    return tph_status_invalid(&call->status, group, kind, name);
}

int tph_check_namespace(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object ns = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str name = call->route.ask.ns;
    if (!call->route.kind->namespaced) {
        return 0;
    }
    const struct tph_store_key key = {.resource = TPH_STR("namespaces"), .name = name};
    int found = tph_store_get(call->api->config.store, &key, 0, &ns, &err);
    if (found == 0 && tph_object_read(tph_buf_str(&ns.text), 0, &doc, &err) < 0) {
        found = -1;
    }
    if (found < 0) {
        return tph_status_internal(&call->status, "%s", err.text);
    }
    if (found != 0) {
        return tph_status_not_found(&call->status, tph_kind_of_resource(TPH_STR("namespaces")), name);
    }
    if (tph_json_is_null(tph_json_path(tph_json_root(doc), "metadata", "deletionTimestamp", NULL))) {
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(2));
    (void)tph_buf_printf(&text, "namespace %.*s is being terminated", TPH_FMT(name));
    tph_status_cause(&call->status, "NamespaceTerminating", tph_buf_str(&text), "metadata.namespace");
    return tph_status_forbidden(&call->status, call->route.kind, tph_buf_str(&call->name),
                                "unable to create new content in namespace %.*s because it is being terminated",
                                TPH_FMT(name));
}

/* The name it shall have: its own, or the beginning with five characters behind it. */
static void choose_name(struct tph_api_call *call, const struct tph_json *object)
{
    struct tph_str name = tph_object_meta_str(object, "name");
    struct tph_str prefix = tph_object_meta_str(object, "generateName");
    char tail[RANDOM_LEN + 1];
    tph_buf_clear(&call->name);
    if (name.len > 0 || prefix.len == 0) {
        (void)tph_buf_put(&call->name, name);
        return;
    }
    tph_random_text(tail, RANDOM_LEN);
    (void)tph_buf_printf(&call->name, "%.*s%s", TPH_FMT(tph_str_slice(prefix, 0, PREFIX_MAX)), tail);
}

/* 409, unless another name can be made. False: the call is answered. */
static bool check_free(struct tph_api_call *call, const struct tph_json *object)
{
    bool made = tph_object_meta_str(object, "name").len == 0;
    const struct tph_store_key wanted = tph_call_key(call);
    if (!tph_api_is_key(&wanted)) {
        return true; /* what is wrong with the name is told with the other faults */
    }
    for (unsigned i = 0;; i++) {
        TPH_CLEANUP(tph_store_object_release) struct tph_store_object other = TPH_STORE_OBJECT_INIT;
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        const struct tph_store_key key = tph_call_key(call);
        bool no_name = key.name.len > TPH_LIMIT_STORE_KEY / 2 || tph_str_find_byte(key.name, '\0') >= 0;
        int found = no_name ? TPH_STORE_NOT_FOUND /* the validation says what is wrong with it */
                            : tph_store_get(call->api->config.store, &key, 0, &other, &err);
        if (found == TPH_STORE_NOT_FOUND) {
            return true;
        }
        if (found < 0 || tph_object_read(tph_buf_str(&other.text), 0, &doc, &err) < 0) {
            tph_call_error(call, &err);
            return false;
        }
        if (!made || i >= TPH_LIMIT_API_NAMES) {
            bool deleting = !tph_json_is_null(tph_json_path(tph_json_root(doc), "metadata", "deletionTimestamp", NULL));
            (void)tph_status_exists(&call->status, call->route.kind, key.name, deleting);
            if (tph_object_meta_str(object, "generateName").len > 0) { /* also beside a name of its own */
                tph_status_no_name(&call->status);
            }
            tph_call_fail(call);
            return false;
        }
        choose_name(call, object);
    }
}

static void finish_object(struct tph_api_call *call)
{
    tph_call_answer_object(call);
}

void tph_create_attempt(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object = tph_json_copy(doc, call->body);
    choose_name(call, object);
    if (tph_check_namespace(call) < 0 || check_kind(call, object) < 0) {
        tph_call_fail(call);
        return;
    }
    if (call->name.len > 0 && !check_free(call, object)) {
        return;
    }
    if (tph_prepare_create(call, doc, object) < 0 || tph_call_lint(call, NULL, object) < 0 ||
        tph_call_check_object(call, NULL, object) < 0 || tph_fields_created(call, doc, object) < 0) {
        tph_call_fail(call);
        return;
    }
    tph_admit_object(call->route.kind, doc, object);
    if (tph_write_text(call, object) < 0) {
        tph_call_fail(call);
        return;
    }
    call->code = 201;
    call->version = 0;
    call->finish = finish_object;
    const struct tph_store_change change = {
        .verb = TPH_STORE_CREATE, .key = tph_call_key(call), .text = tph_buf_str(&call->text)};
    tph_call_write(call, &change, 1);
}

/* A version on what is to be created: none, "0" and what is no number pass. */
static int check_no_version(struct tph_api_call *call)
{
    int64_t number;
    if (tph_str_to_i64(tph_object_meta_str(call->body, "resourceVersion"), &number) == 0 && number != 0) {
        return tph_status_internal(&call->status, "resourceVersion should not be set on objects to be created");
    }
    return 0;
}

void tph_api_create(struct tph_api_call *call)
{
    call->attempt = tph_create_attempt;
    if (tph_call_options(call, "CreateOptions", false) < 0 || tph_decode(call, &call->body_doc, &call->body) < 0) {
        tph_call_fail(call);
        return;
    }
    call->route.ask.name = TPH_STR_NONE; /* a CR may be POSTed to its own path */
    if (tph_check_identity(call, call->body) < 0 || check_no_version(call) < 0) {
        tph_call_fail(call);
        return;
    }
    tph_create_attempt(call);
}

/* ---- updates ---- */

/* The version that a write names: must be the one that is there. PUT of a CR must name one. */
static int check_version(struct tph_api_call *call, const struct tph_json *object, uint64_t version)
{
    const struct tph_kind *k = call->route.kind;
    struct tph_str text = tph_object_meta_str(object, "resourceVersion");
    struct tph_str name = call->route.ask.name;
    uint64_t wanted = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (!digit || __builtin_mul_overflow(wanted, 10, &wanted) ||
            __builtin_add_overflow(wanted, (uint64_t)(text.p[i] - '0'), &wanted)) {
            return tph_status_internal(&call->status, "strconv.ParseUint: parsing \"%.*s\": %s", TPH_FMT(text),
                                       digit ? "value out of range" : "invalid syntax");
        }
    }
    if (wanted == 0 && call->is_put && (k->flags & TPH_KIND_PUT_NEEDS_RV) != 0) {
        tph_status_fault(&call->status, TPH_FAULT_INVALID, "metadata.resourceVersion",
                         "Invalid value: 0: must be specified for an update");
        return tph_status_invalid(&call->status, tph_str(k->group), tph_str(k->plural), name);
    }
    return wanted == 0 || wanted == version ? 0 : tph_status_modified(&call->status, k, name);
}

/* The uid that a PUT names. */
static int check_uid(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    struct tph_str wanted = tph_object_meta_str(object, "uid");
    struct tph_str has = tph_object_meta_str(old, "uid");
    if (!call->is_put || wanted.len == 0 || tph_str_eq(wanted, has)) {
        return 0;
    }
    return tph_status_conflict(&call->status, k, call->route.ask.name, false,
                               "StorageError: invalid object, Code: 4, Key: /registry/%s%s%s%s%.*s/%.*s, "
                               "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
                               "%.*s, UID in object meta: %.*s",
                               k->group, k->group[0] ? "/" : "", k->plural, k->namespaced ? "/" : "",
                               TPH_FMT(call->route.ask.ns), TPH_FMT(call->route.ask.name), TPH_FMT(wanted),
                               TPH_FMT(has));
}

static void drop_times(struct tph_json *object)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "managedFields", NULL));
    while (tph_json_next(&it)) {
        tph_json_remove(it.value, "time");
    }
}

/* Equal texts; or such as differ only in when fields were managed last, which is no change. */
static bool same_but_for_times(struct tph_str a, struct tph_str b)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *one = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *other = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_str_eq(a, b)) {
        return true;
    }
    if (a.len != b.len || tph_json_parse(a, &one, &err) < 0 || tph_json_parse(b, &other, &err) < 0) {
        return false; /* times are of one length */
    }
    drop_times(tph_json_root(one));
    drop_times(tph_json_root(other));
    return tph_json_equal(tph_json_root(one), tph_json_root(other));
}

/* Writes what came out: nothing, the change, or the end of an object whose last finalizer is gone. */
static void write_update(struct tph_api_call *call, const struct tph_store_object *stored, const struct tph_json *old,
                         const struct tph_json *object)
{
    struct tph_store_change change = {.verb = TPH_STORE_UPDATE, .key = tph_call_key(call), .expected = stored->version};
    bool deleting = !tph_json_is_null(tph_json_path(old, "metadata", "deletionTimestamp", NULL));
    int64_t grace = 0;
    bool waits =
        tph_json_to_i64(tph_json_path(old, "metadata", "deletionGracePeriodSeconds", NULL), &grace) == 0 && grace > 0;
    if (tph_write_text(call, object) < 0) {
        tph_call_fail(call);
        return;
    }
    bool is_namespace = strcmp(call->route.kind->resource, "namespaces") == 0;
    bool held = is_namespace && tph_json_len(tph_json_path(object, "spec", "finalizers", NULL)) > 0;
    call->version = stored->version;
    call->finish = finish_object;
    if (deleting && !waits && !held && !tph_object_has_finalizers(object)) {
        change.verb = TPH_STORE_DELETE;
        call->keeps_version = true;
        tph_call_write(call, &change, 1);
        return;
    }
    if (same_but_for_times(tph_buf_str(&call->text), tph_buf_str(&stored->text))) {
        tph_buf_clear(&call->text);
        (void)tph_buf_put(&call->text, tph_buf_str(&stored->text));
        call->finish(call);
        return;
    }
    change.text = tph_buf_str(&call->text);
    tph_call_write(call, &change, 1);
}

/* Owners of fields are found before a CR loses what this subresource may not write: so the API server does it. Built-in
 * kinds get their defaults first. */
static int prepare_update(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                          struct tph_json *object)
{
    bool custom = (call->route.kind->flags & TPH_KIND_CUSTOM) != 0;
    if (custom && tph_fields_updated(call, doc, old, object) < 0) {
        return -1;
    }
    if (tph_prepare_update(call, doc, old, object) < 0) {
        return -1;
    }
    return custom ? 0 : tph_fields_updated(call, doc, old, object);
}

static void update_found(struct tph_api_call *call, const struct tph_store_object *stored)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = NULL;
    if (tph_object_read(tph_buf_str(&stored->text), stored->version, &doc, &err) < 0) {
        tph_call_error(call, &err);
        return;
    }
    const struct tph_json *old = tph_json_root(doc);
    if (call->change(call, doc, old, &object) < 0 || tph_check_identity(call, object) < 0 ||
        check_kind(call, object) < 0 || check_version(call, object, stored->version) < 0 ||
        check_uid(call, old, object) < 0 || prepare_update(call, doc, old, object) < 0 ||
        tph_call_lint(call, old, object) < 0 || tph_call_check_object(call, old, object) < 0) {
        tph_call_fail(call);
        return;
    }
    write_update(call, stored, old, object);
}

void tph_update_attempt(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object stored = TPH_STORE_OBJECT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_store_key key = tph_call_key(call);
    int found = tph_store_get(call->api->config.store, &key, 0, &stored, &err);
    if (found < 0) {
        tph_call_error(call, &err);
    } else if (found == 0) {
        update_found(call, &stored);
    } else if (call->creating && call->is_apply && tph_fields_apply(call, call->body_doc, NULL, &call->body) < 0) {
        tph_call_fail(call);
    } else if (call->creating) {
        tph_create_attempt(call);
    } else {
        (void)tph_status_not_found(&call->status, call->route.kind, key.name);
        tph_call_fail(call);
    }
}

static int put_change(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                      struct tph_json **ret_new)
{
    (void)old;
    *ret_new = tph_json_copy(doc, call->body);
    return 0;
}

void tph_api_put(struct tph_api_call *call)
{
    const struct tph_kind *k = call->route.kind;
    if (call->route.ask.name.len == 0) {
        (void)tph_status_bad_request(&call->status, "name must be provided");
        tph_call_fail(call);
        return;
    }
    if (tph_call_options(call, "UpdateOptions", false) < 0 || tph_decode(call, &call->body_doc, &call->body) < 0 ||
        tph_check_identity(call, call->body) < 0) {
        tph_call_fail(call);
        return;
    }
    call->is_put = true;
    call->change = put_change;
    call->creating = (k->flags & TPH_KIND_PUT_CREATES) != 0 && !call->route.sub;
    call->attempt = tph_update_attempt;
    tph_update_attempt(call);
}
