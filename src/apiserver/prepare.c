/* SPDX-License-Identifier: Apache-2.0 */
/* What the server does to an object before it is kept: its own fields, defaults, generation, subresources. */
#include <string.h>

#include "apiserver/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/random.h"
#include "data/base64.h"
#include "data/time.h"

static void set_default(struct tph_json_doc *doc, struct tph_json *object, const char *key, const char *text)
{
    if (tph_json_is_null(tph_json_get(object, key))) {
        tph_json_set_cstr(doc, object, key, text);
    }
}

static struct tph_json *member(struct tph_json_doc *doc, struct tph_json *object, const char *key)
{
    struct tph_json *value = tph_json_get(object, key);
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        value = tph_json_new_object(doc);
        tph_json_set(doc, object, key, value);
    }
    return value;
}

static bool is_not_in(void *owner, struct tph_str key, struct tph_json *value)
{
    (void)value;
    return !tph_map_get(owner, key);
}

/* stringData goes into data, which wins over nothing. */
static void merge_texts(struct tph_json_doc *doc, struct tph_json *secret)
{
    TPH_CLEANUP(tph_map_release) struct tph_map names = TPH_MAP_INIT;
    struct tph_json *texts = tph_json_remove(secret, "stringData");
    struct tph_json *data = tph_json_len(texts) > 0 ? member(doc, secret, "data") : NULL;
    struct tph_json_iter it = tph_json_iter(texts);
    while (tph_json_next(&it)) {
        (void)tph_map_set(&names, it.key, it.value);
    }
    tph_json_sift(data, is_not_in, &names);
    it = tph_json_iter(texts);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf coded = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        tph_base64_encode(tph_json_str(it.value), &coded);
        tph_json_append_member(doc, data, it.key, tph_json_new_str(doc, tph_buf_str(&coded)));
    }
}

static void default_secret(struct tph_json_doc *doc, struct tph_json *secret)
{
    merge_texts(doc, secret);
    struct tph_json_iter it = tph_json_iter(tph_json_get(secret, "data"));
    while (tph_json_next(&it)) { /* without the line breaks that may be in it */
        TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        TPH_CLEANUP(tph_buf_release) struct tph_buf coded = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        if (tph_str_find_byte(tph_json_str(it.value), '\n') >= 0 &&
            tph_base64_decode(tph_json_str(it.value), &bytes) == 0) {
            tph_base64_encode(tph_buf_str(&bytes), &coded);
            tph_json_assign(it.value, tph_json_new_str(doc, tph_buf_str(&coded)));
        }
    }
    set_default(doc, secret, "type", "Opaque");
}

static void default_namespace(struct tph_json_doc *doc, struct tph_json *ns, bool creating)
{
    struct tph_json *meta = tph_object_meta(doc, ns);
    tph_json_set_str(doc, member(doc, meta, "labels"), "kubernetes.io/metadata.name", tph_json_get_str(meta, "name"));
    if (creating) {
        struct tph_json *list = tph_json_new_array(doc);
        tph_json_append(doc, list, tph_json_new_cstr(doc, "kubernetes"));
        tph_json_set(doc, member(doc, ns, "spec"), "finalizers", list);
        tph_json_remove(ns, "status");
        tph_json_set_cstr(doc, member(doc, ns, "status"), "phase", "Active");
    }
}

static void default_container(struct tph_json_doc *doc, struct tph_json *container)
{
    struct tph_str image = tph_json_get_str(container, "image");
    ptrdiff_t slash = -1;
    for (size_t i = 0; i < image.len; i++) {
        slash = image.p[i] == '/' ? (ptrdiff_t)i : slash;
    }
    struct tph_str last = tph_str_slice(image, (size_t)(slash + 1), image.len);
    bool latest = tph_str_find_byte(last, ':') < 0 || tph_str_has_suffix(last, TPH_STR(":latest"));
    (void)member(doc, container, "resources");
    set_default(doc, container, "terminationMessagePath", "/dev/termination-log");
    set_default(doc, container, "terminationMessagePolicy", "File");
    set_default(doc, container, "imagePullPolicy",
                latest && tph_str_find_byte(image, '@') < 0 ? "Always" : "IfNotPresent");
    struct tph_json_iter it = tph_json_iter(tph_json_get(container, "env"));
    while (tph_json_next(&it)) {
        struct tph_json *field = tph_json_path(it.value, "valueFrom", "fieldRef", NULL);
        if (tph_json_is(field, TPH_JSON_OBJECT)) {
            set_default(doc, field, "apiVersion", "v1");
        }
    }
    it = tph_json_iter(tph_json_get(container, "ports"));
    while (tph_json_next(&it)) {
        if (tph_json_is(it.value, TPH_JSON_OBJECT)) {
            set_default(doc, it.value, "protocol", "TCP");
        }
    }
}

static void add_toleration(struct tph_json_doc *doc, struct tph_json *list, const char *key)
{
    struct tph_json *toleration = tph_json_new_object(doc);
    tph_json_set_cstr(doc, toleration, "key", key);
    tph_json_set_cstr(doc, toleration, "operator", "Exists");
    tph_json_set_cstr(doc, toleration, "effect", "NoExecute");
    tph_json_set(doc, toleration, "tolerationSeconds", tph_json_new_i64(doc, 300));
    tph_json_append(doc, list, toleration);
}

static void default_pod(struct tph_json_doc *doc, struct tph_json *pod, bool creating)
{
    struct tph_json *spec = member(doc, pod, "spec");
    struct tph_json_iter it = tph_json_iter(tph_json_get(spec, "containers"));
    while (tph_json_next(&it)) {
        default_container(doc, it.value);
    }
    it = tph_json_iter(tph_json_get(spec, "initContainers"));
    while (tph_json_next(&it)) {
        default_container(doc, it.value);
    }
    set_default(doc, spec, "restartPolicy", "Always");
    if (tph_json_is_null(tph_json_get(spec, "terminationGracePeriodSeconds"))) {
        tph_json_set(doc, spec, "terminationGracePeriodSeconds", tph_json_new_i64(doc, 30));
    }
    set_default(doc, spec, "dnsPolicy", "ClusterFirst");
    (void)member(doc, spec, "securityContext");
    set_default(doc, spec, "schedulerName", "default-scheduler");
    if (tph_json_is_null(tph_json_get(spec, "enableServiceLinks"))) {
        tph_json_set(doc, spec, "enableServiceLinks", tph_json_new_bool(doc, true));
    }
    if (creating) {
        struct tph_json *status = tph_json_new_object(doc);
        tph_json_set_cstr(doc, status, "phase", "Pending");
        tph_json_set_cstr(doc, status, "qosClass", "BestEffort");
        tph_json_set(doc, pod, "status", status);
    }
}

void tph_admit_object(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object)
{
    if (strcmp(kind->resource, "pods") != 0) {
        return;
    }
    struct tph_json *spec = member(doc, object, "spec");
    set_default(doc, spec, "serviceAccountName", "default");
    tph_json_set_str(doc, spec, "serviceAccount", tph_json_get_str(spec, "serviceAccountName"));
    if (tph_json_is_null(tph_json_get(spec, "tolerations"))) {
        struct tph_json *list = tph_json_new_array(doc);
        add_toleration(doc, list, "node.kubernetes.io/not-ready");
        add_toleration(doc, list, "node.kubernetes.io/unreachable");
        tph_json_set(doc, spec, "tolerations", list);
    }
    if (tph_json_is_null(tph_json_get(spec, "priority"))) {
        tph_json_set(doc, spec, "priority", tph_json_new_i64(doc, 0));
    }
    set_default(doc, spec, "preemptionPolicy", "PreemptLowerPriority");
}

void tph_default_object(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object, bool creating)
{
    if (strcmp(kind->resource, "secrets") == 0) {
        default_secret(doc, object);
    } else if (strcmp(kind->resource, "namespaces") == 0) {
        default_namespace(doc, object, creating);
    } else if (strcmp(kind->resource, "pods") == 0) {
        default_pod(doc, object, creating);
    } else if (strcmp(kind->resource, "leases.coordination.k8s.io") == 0) {
        (void)member(doc, object, "spec");
    } else if (strcmp(kind->resource, "events") == 0) {
        (void)member(doc, object, "source");
    }
}

/* Finalizers of CRs that are no qualified names are let pass with a warning. */
static void warn_finalizers(struct tph_api_call *call, const struct tph_json *object)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "finalizers", NULL));
    while ((call->route.kind->flags & TPH_KIND_CUSTOM) != 0 && tph_json_next(&it)) {
        struct tph_str name = tph_json_str(it.value);
        if (tph_str_find_byte(name, '/') < 0 && !tph_str_eqz(name, "orphan") &&
            !tph_str_eqz(name, "foregroundDeletion")) {
            tph_call_warn(call,
                          "metadata.finalizers: \"%.*s\": prefer a domain-qualified finalizer name to avoid accidental "
                          "conflicts with other finalizer writers",
                          TPH_FMT(name));
        }
    }
}

/* A null is not there, as far as a CR's schema goes. */
static void drop_nulls(const struct tph_kind *kind, struct tph_json *object)
{
    static const char *const members[] = {"spec", "status"};
    for (size_t i = 0; (kind->flags & TPH_KIND_CUSTOM) != 0 && i < sizeof(members) / sizeof(members[0]); i++) {
        if (tph_json_is_null(tph_json_get(object, members[i]))) {
            tph_json_remove(object, members[i]);
        }
    }
}

int tph_prepare_create(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    struct tph_json *meta = tph_object_meta(doc, object);
    char text[TPH_TIME_TEXT];
    char uid[37];
    drop_nulls(k, object);
    static const char *const dropped[] = {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
                                          "selfLink"};
    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
        tph_json_remove(meta, dropped[i]);
    }
    tph_json_set_str(doc, meta, "name", tph_buf_str(&call->name));
    if (k->namespaced) {
        tph_json_set_str(doc, meta, "namespace", call->route.ask.ns);
    } else {
        tph_json_remove(meta, "namespace");
    }
    tph_random_uuid(uid);
    tph_json_set_cstr(doc, meta, "uid", uid);
    tph_time_format(tph_clock_wall_ms(), text);
    tph_json_set_cstr(doc, meta, "creationTimestamp", text);
    if (k->generation != TPH_GENERATION_NONE) {
        tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, 1));
    }
    if ((k->flags & TPH_KIND_STATUS) != 0) {
        tph_json_remove(object, "status");
    }
    tph_default_object(k, doc, object, true);
    tph_validate_meta(k, object, &call->status);
    tph_validate_object(k, object, NULL, &call->status);
    warn_finalizers(call, object);
    return tph_status_invalid(&call->status, tph_str(k->group), tph_str(k->kind), tph_buf_str(&call->name));
}

/* Whether anything that counts for the generation differs. */
static bool content_differs(const struct tph_kind *kind, const struct tph_json *a, const struct tph_json *b)
{
    const struct tph_json *sides[2] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        struct tph_json_iter it = tph_json_iter(sides[i]);
        while (tph_json_next(&it)) {
            bool counts = !tph_str_eqz(it.key, "metadata") && !tph_str_eqz(it.key, "kind") &&
                          !tph_str_eqz(it.key, "apiVersion") &&
                          !(kind->generation == TPH_GENERATION_SPEC && tph_str_eqz(it.key, "status"));
            if (counts && !tph_json_equal(it.value, tph_json_getn(sides[1 - i], it.key))) {
                return true;
            }
        }
    }
    return false;
}

static void carry_over(struct tph_json_doc *doc, struct tph_json *object, const struct tph_json *old, const char *key)
{
    const struct tph_json *value = tph_json_get(old, key);
    if (value) {
        tph_json_set(doc, object, key, tph_json_copy(doc, value));
    } else {
        tph_json_remove(object, key);
    }
}

/* What a write to the object or to its status may not touch comes from the old one. */
static void keep_other_half(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                            struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    if ((k->flags & TPH_KIND_STATUS) == 0) {
        return;
    }
    bool status = call->route.sub && strcmp(call->route.sub->name, "status") == 0;
    if (!status) {
        carry_over(doc, object, old, "status");
        if (strcmp(k->resource, "namespaces") == 0 && !call->route.sub) {
            carry_over(doc, object, old, "spec");
        }
        return;
    }
    carry_over(doc, object, old, "spec");
    if ((k->flags & TPH_KIND_CUSTOM) != 0) {
        struct tph_json *fields = tph_json_copy(doc, tph_json_path(object, "metadata", "managedFields", NULL));
        struct tph_json *version = tph_json_copy(doc, tph_json_path(object, "metadata", "resourceVersion", NULL));
        carry_over(doc, object, old, "metadata");
        if (fields) {
            tph_json_set(doc, tph_object_meta(doc, object), "managedFields", fields);
        }
        if (version) {
            tph_json_set(doc, tph_object_meta(doc, object), "resourceVersion", version);
        }
    }
}

/* Fields of metadata that stay what they are; twice, as the API server looks twice. */
static void check_immutable(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
{
    static const char *const fields[] = {"uid", "deletionTimestamp", "deletionGracePeriodSeconds"};
    const struct tph_json *was = tph_json_get(old, "metadata");
    const struct tph_json *is = tph_json_get(object, "metadata");
    for (size_t i = 0; i < 2 * sizeof(fields) / sizeof(fields[0]); i++) {
        const char *name = fields[i % (sizeof(fields) / sizeof(fields[0]))];
        const struct tph_json *value = tph_json_get(is, name);
        char field[64];
        (void)snprintf(field, sizeof(field), "metadata.%s", name);
        if (tph_json_equal(value, tph_json_get(was, name))) {
            continue;
        }
        if (tph_json_is(value, TPH_JSON_STRING)) {
            tph_status_fault_value(&call->status, field, tph_json_str(value), "field is immutable");
        } else {
            struct tph_str number = tph_json_is_null(value) ? TPH_STR("null") : tph_json_number_text(value);
            tph_status_fault(&call->status, TPH_FAULT_INVALID, field, "Invalid value: %.*s: field is immutable",
                             TPH_FMT(number));
        }
    }
}

/* Finalizers that appear on what is being deleted. */
static void check_finalizers(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_KIB(16));
    if (tph_json_is_null(tph_json_path(old, "metadata", "deletionTimestamp", NULL))) {
        return;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_path(object, "metadata", "finalizers", NULL));
    while (tph_json_next(&it)) {
        struct tph_json_iter had = tph_json_iter(tph_json_path(old, "metadata", "finalizers", NULL));
        bool known = false;
        while (tph_json_next(&had)) {
            known = known || tph_json_equal(had.value, it.value);
        }
        if (!known) {
            (void)tph_buf_puts(&found, found.len > 0 ? ", " : "");
            tph_json_write_str(tph_json_str(it.value), 0, &found);
        }
    }
    if (found.len > 0) {
        tph_status_fault(&call->status, TPH_FAULT_FORBIDDEN, "metadata.finalizers",
                         "Forbidden: no new finalizers can be added if the object is being deleted, found new "
                         "finalizers []string{%s}",
                         tph_buf_cstr(&found));
    }
}

int tph_prepare_update(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    static const char *const kept[] = {"creationTimestamp", "generation"};
    drop_nulls(k, object);
    keep_other_half(call, doc, old, object);
    struct tph_json *meta = tph_object_meta(doc, object);
    const struct tph_json *was = tph_json_get(old, "metadata");
    tph_json_remove(meta, "selfLink");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        carry_over(doc, meta, was, kept[i]);
    }
    static const char *const optional[] = {"uid", "deletionTimestamp", "deletionGracePeriodSeconds"};
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        if (tph_json_is_null(tph_json_get(meta, optional[i]))) {
            carry_over(doc, meta, was, optional[i]);
        }
    }
    if (k->namespaced) {
        tph_json_set_str(doc, meta, "namespace", call->route.ask.ns);
    }
    tph_default_object(k, doc, object, false);
    check_finalizers(call, old, object);
    check_finalizers(call, old, object); /* the API server looks twice */
    check_immutable(call, old, object);
    for (int i = 0; i < ((k->flags & TPH_KIND_CUSTOM) != 0 ? 3 : 1); i++) { /* a CR's metadata is looked at thrice */
        tph_validate_meta(k, object, &call->status);
    }
    tph_validate_object(k, object, old, &call->status);
    if (tph_status_invalid(&call->status, tph_str(k->group), tph_str(k->kind), call->route.ask.name) < 0) {
        return -1;
    }
    int64_t generation = 0;
    if (k->generation != TPH_GENERATION_NONE && content_differs(k, old, object) &&
        tph_json_to_i64(tph_json_get(was, "generation"), &generation) == 0) {
        tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, generation + 1));
    }
    return 0;
}

bool tph_object_has_finalizers(const struct tph_json *object)
{
    return tph_json_len(tph_json_path(object, "metadata", "finalizers", NULL)) > 0;
}
