/* SPDX-License-Identifier: Apache-2.0 */
/* What an object must be like to be kept. Texts are those of k8s.io/apimachinery and of the core kinds' validation. */
#include <ctype.h>
#include <string.h>

#include "apiserver/internal.h"
#include "apiserver/strict.h"
#include "base/limits.h"
#include "data/base64.h"
#include "data/label.h"

enum { MAX_ANNOTATIONS = 256 * 1024, MAX_DATA = 1024 * 1024, MAX_NAME = 253, MAX_LABEL = 63 };

static const char LABEL_NAME[] =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

static bool is_label(struct tph_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool inner = i > 0 && i + 1 < name.len;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inner))) {
            return false;
        }
    }
    return name.len > 0;
}

/* Whether a name is fit but for its dots. */
static bool only_dots(struct tph_str name)
{
    struct tph_str rest = name;
    struct tph_str part;
    while (rest.p && tph_str_cut(&rest, '.', &part)) {
        if (!is_label(part)) {
            return false;
        }
    }
    return true;
}

static void check_name(const struct tph_kind *kind, struct tph_str name, const char *field, struct tph_status *status)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
    if (strcmp(kind->resource, "namespaces") == 0) {
        if (name.len > MAX_LABEL) {
            tph_status_fault_value(status, field, name, "must be no more than %d characters", MAX_LABEL);
        }
        if (!is_label(name) && only_dots(name)) {
            tph_status_fault_value(status, field, name, "must not contain dots");
        } else if (!is_label(name)) {
            tph_status_fault_value(status, field, name, "%s", LABEL_NAME);
        }
        return;
    }
    if (name.len > MAX_NAME) {
        tph_status_fault_value(status, field, name, "must be no more than %d characters", MAX_NAME);
        return;
    }
    tph_label_check_subdomain(name, "", &faults);
    if (faults.len > 0) {
        tph_status_fault_value(status, field, name, "%s", tph_buf_cstr(&faults));
    }
}

static void check_names(const struct tph_kind *kind, const struct tph_json *meta, struct tph_status *status)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf masked = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_str prefix = tph_json_get_str(meta, "generateName");
    struct tph_str name = tph_json_get_str(meta, "name");
    if (prefix.len > 0 && strcmp(kind->resource, "events") != 0) {
        size_t before = status->n_faults;
        (void)tph_buf_put(&masked, prefix);
        if (prefix.len > 1 && prefix.p[prefix.len - 1] == '-') {
            masked.bytes[prefix.len - 2] = 'a'; /* what follows makes the dash an inner one */
            masked.len--;
        }
        struct tph_status probe;
        tph_status_init(&probe);
        check_name(kind, tph_buf_str(&masked), "metadata.generateName", &probe);
        if (probe.n_faults > 0 && before == status->n_faults) {
            /* told of as it was given */
            check_name(kind, prefix, "metadata.generateName", status);
        }
        tph_status_release(&probe);
    }
    if (name.len == 0) {
        tph_status_fault(status, TPH_FAULT_REQUIRED, "metadata.name",
                         "Required value: name or generateName is required");
    } else {
        check_name(kind, name, "metadata.name", status);
    }
}

static void check_labels(const struct tph_json *labels, struct tph_status *status)
{
    struct tph_json_iter it = tph_json_iter(labels);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
        tph_label_check_key(it.key, &faults);
        if (faults.len > 0) {
            tph_status_fault_value(status, "metadata.labels", it.key, "%s", tph_buf_cstr(&faults));
        }
        tph_buf_clear(&faults);
        tph_label_check_value(tph_json_str(it.value), &faults);
        if (faults.len > 0) {
            tph_status_fault_value(status, "metadata.labels", tph_json_str(it.value), "%s", tph_buf_cstr(&faults));
        }
    }
}

static void check_annotations(const struct tph_json *annotations, struct tph_status *status)
{
    struct tph_json_iter it = tph_json_iter(annotations);
    size_t total = 0;
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
        TPH_CLEANUP(tph_buf_release) struct tph_buf small = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        for (size_t i = 0; i < it.key.len; i++) {
            (void)tph_buf_putc(&small, (char)tolower((unsigned char)it.key.p[i]));
        }
        tph_label_check_key(tph_buf_str(&small), &faults);
        if (faults.len > 0) {
            tph_status_fault_value(status, "metadata.annotations", it.key, "%s", tph_buf_cstr(&faults));
        }
        total += it.key.len + tph_json_str(it.value).len;
    }
    if (total > MAX_ANNOTATIONS) {
        tph_status_fault(status, TPH_FAULT_TOO_LONG, "metadata.annotations", "Too long: may not be more than %d bytes",
                         MAX_ANNOTATIONS);
    }
}

static void check_owner(const struct tph_json *owner, struct tph_status *status)
{
    static const struct {
        const char *name, *problem;
    } fields[] = {{"apiVersion", "version must not be empty"},
                  {"kind", "must not be empty"},
                  {"name", "must not be empty"},
                  {"uid", "must not be empty"}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (tph_json_get_str(owner, fields[i].name).len == 0) {
            char field[64];
            (void)snprintf(field, sizeof(field), "metadata.ownerReferences.%s", fields[i].name);
            tph_status_fault_value(status, field, TPH_STR_NONE, "%s", fields[i].problem);
        }
    }
}

static void check_owners(const struct tph_json *owners, struct tph_status *status)
{
    struct tph_json_iter it = tph_json_iter(owners);
    const struct tph_json *controller = NULL;
    while (tph_json_next(&it)) {
        check_owner(it.value, status);
        if (!tph_json_bool(tph_json_get(it.value, "controller"))) {
            continue;
        }
        if (controller) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
            tph_json_write(owners, 0, &text);
            tph_status_fault(status, TPH_FAULT_INVALID, "metadata.ownerReferences",
                             "Invalid value: %s: Only one reference can have Controller set to true. Found \"true\" in "
                             "references for %.*s/%.*s and %.*s/%.*s",
                             tph_buf_cstr(&text), TPH_FMT(tph_json_get_str(controller, "kind")),
                             TPH_FMT(tph_json_get_str(controller, "name")), TPH_FMT(tph_json_get_str(it.value, "kind")),
                             TPH_FMT(tph_json_get_str(it.value, "name")));
        }
        controller = it.value;
    }
}

static void check_finalizers(const struct tph_kind *kind, const struct tph_json *finalizers, struct tph_status *status)
{
    static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion"};
    struct tph_json_iter it = tph_json_iter(finalizers);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_KIB(4));
        struct tph_str name = tph_json_str(it.value);
        char field[64];
        bool known = tph_str_find_byte(name, '/') >= 0;
        tph_label_check_key(name, &faults);
        if (faults.len > 0) {
            tph_status_fault_value(status, "metadata.finalizers", name, "%s", tph_buf_cstr(&faults));
        }
        for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
            known = known || tph_str_eqz(name, standard[i]);
        }
        (void)snprintf(field, sizeof(field), "metadata.finalizers[%zu]", it.index);
        if (!known && (kind->flags & TPH_KIND_CUSTOM) == 0) {
            tph_status_fault_value(status, field, name,
                                   "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}

void tph_validate_meta(const struct tph_kind *kind, const struct tph_json *object, struct tph_status *status)
{
    const struct tph_json *meta = tph_json_get(object, "metadata");
    check_names(kind, meta, status);
    check_labels(tph_json_get(meta, "labels"), status);
    check_annotations(tph_json_get(meta, "annotations"), status);
    check_owners(tph_json_get(meta, "ownerReferences"), status);
    check_finalizers(kind, tph_json_get(meta, "finalizers"), status);
}

static void check_config_key(struct tph_str key, const char *of, struct tph_status *status)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf field = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool fit = key.len > 0;
    (void)tph_buf_printf(&field, "%s[%.*s]", of, TPH_FMT(key));
    for (size_t i = 0; i < key.len; i++) {
        fit = fit && (isalnum((unsigned char)key.p[i]) || strchr("-._", key.p[i]) != NULL);
    }
    if (key.len > MAX_NAME) {
        tph_status_fault_value(status, tph_buf_cstr(&field), key, "must be no more than %d bytes", MAX_NAME);
    }
    if (!fit) {
        tph_status_fault_value(status, tph_buf_cstr(&field), key,
                               "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
                               "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
                               "'[-._a-zA-Z0-9]+')");
    } else if (tph_str_eqz(key, ".") || tph_str_eqz(key, "..")) {
        tph_status_fault_value(status, tph_buf_cstr(&field), key, "must not be '%.*s'", TPH_FMT(key));
    } else if (tph_str_has_prefix(key, TPH_STR(".."))) {
        tph_status_fault_value(status, tph_buf_cstr(&field), key, "must not start with '..'");
    }
}

/* Keys and size of ConfigMap.data, .binaryData and Secret.data; returns the bytes of their values. */
static size_t check_data(const struct tph_json *data, const char *field, bool coded, struct tph_status *status)
{
    struct tph_json_iter it = tph_json_iter(data);
    size_t total = 0;
    while (tph_json_next(&it)) {
        struct tph_str value = tph_json_str(it.value);
        check_config_key(it.key, field, status);
        if (coded) {
            size_t padding = tph_str_has_suffix(value, TPH_STR("==")) ? 2 : tph_str_has_suffix(value, TPH_STR("="));
            total += value.len / 4 * 3 - (value.len > 0 ? padding : 0);
        } else {
            total += value.len;
        }
    }
    return total;
}

/* What `immutable` holds fast. */
static void check_frozen(const struct tph_json *object, const struct tph_json *old, const char *const *fields,
                         struct tph_status *status)
{
    if (!old || !tph_json_bool(tph_json_get(old, "immutable"))) {
        return;
    }
    if (!tph_json_bool(tph_json_get(object, "immutable"))) {
        tph_status_fault(status, TPH_FAULT_FORBIDDEN, "immutable",
                         "Forbidden: field is immutable when `immutable` is set");
    }
    for (; *fields; fields++) {
        if (!tph_json_equal(tph_json_get(object, *fields), tph_json_get(old, *fields))) {
            tph_status_fault(status, TPH_FAULT_FORBIDDEN, *fields,
                             "Forbidden: field is immutable when `immutable` is set");
        }
    }
}

static void check_config_map(const struct tph_json *object, const struct tph_json *old, struct tph_status *status)
{
    static const char *const frozen[] = {"data", "binaryData", NULL};
    const struct tph_json *binary = tph_json_get(object, "binaryData");
    struct tph_json_iter it = tph_json_iter(tph_json_get(object, "data"));
    check_frozen(object, old, frozen, status);
    size_t total = check_data(tph_json_get(object, "data"), "data", false, status);
    while (tph_json_next(&it)) {
        if (tph_json_getn(binary, it.key)) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf field = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
            (void)tph_buf_printf(&field, "data[%.*s]", TPH_FMT(it.key));
            tph_status_fault_value(status, tph_buf_cstr(&field), it.key, "duplicate of key present in binaryData");
        }
    }
    total += check_data(binary, "binaryData", true, status);
    if (total > MAX_DATA) {
        tph_status_fault(status, TPH_FAULT_TOO_LONG, "[]", "Too long: may not be more than %d bytes", MAX_DATA);
    }
}

static void check_secret(const struct tph_json *object, const struct tph_json *old, struct tph_status *status)
{
    static const char *const frozen[] = {"data", NULL};
    static const struct {
        const char *type, *key;
    } required[] = {{"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
                    {"kubernetes.io/dockercfg", ".dockercfg"},
                    {"kubernetes.io/tls", "tls.crt"},
                    {"kubernetes.io/tls", "tls.key"},
                    {"kubernetes.io/ssh-auth", "ssh-privatekey"}};
    struct tph_str type = tph_json_get_str(object, "type");
    const struct tph_json *data = tph_json_get(object, "data");
    if (old && !tph_json_equal(tph_json_get(object, "type"), tph_json_get(old, "type"))) {
        tph_status_fault_value(status, "type", type, "field is immutable");
    }
    check_frozen(object, old, frozen, status);
    if (check_data(data, "data", true, status) > MAX_DATA) {
        tph_status_fault(status, TPH_FAULT_TOO_LONG, "data", "Too long: may not be more than %d bytes", MAX_DATA);
    }
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (tph_str_eqz(type, required[i].type) && !tph_json_get(data, required[i].key)) {
            char field[64];
            (void)snprintf(field, sizeof(field), "data[%s]", required[i].key);
            tph_status_fault(status, TPH_FAULT_REQUIRED, field, "Required value");
        }
    }
    const struct tph_json *account =
        tph_json_path(object, "metadata", "annotations", "kubernetes.io/service-account.name", NULL);
    if (tph_str_eqz(type, "kubernetes.io/service-account-token") && tph_json_str(account).len == 0) {
        tph_status_fault(status, TPH_FAULT_REQUIRED, "metadata.annotations[kubernetes.io/service-account.name]",
                         "Required value");
    }
}

static void check_event(const struct tph_json *object, struct tph_status *status)
{
    struct tph_str ns = tph_json_str(tph_json_path(object, "involvedObject", "namespace", NULL));
    struct tph_str own = tph_object_meta_str(object, "namespace");
    if (!tph_str_eq(ns, own) && !(ns.len == 0 && tph_str_eqz(own, "default"))) {
        tph_status_fault_value(status, "involvedObject.namespace", ns, "does not match event.namespace");
    }
}

/* The spec of a pod without what an update may change. */
static struct tph_json *fixed_spec(struct tph_json_doc *doc, const struct tph_json *pod)
{
    static const char *const lists[] = {"containers", "initContainers"};
    static const char *const free_fields[] = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"};
    struct tph_json *spec = tph_json_copy(doc, tph_json_get(pod, "spec"));
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(spec, lists[i]));
        while (tph_json_next(&it)) {
            tph_json_remove(it.value, "image");
        }
    }
    for (size_t i = 0; i < sizeof(free_fields) / sizeof(free_fields[0]); i++) {
        tph_json_remove(spec, free_fields[i]);
    }
    return spec;
}

static void check_pod_update(const struct tph_json *object, const struct tph_json *old, struct tph_status *status)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    if (!tph_json_equal(fixed_spec(doc, object), fixed_spec(doc, old))) {
        tph_status_fault(
            status, TPH_FAULT_FORBIDDEN, "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
            "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)");
    }
}

static void check_pod(const struct tph_json *object, const struct tph_json *old, struct tph_status *status)
{
    if (old) {
        check_pod_update(object, old, status);
    }
    if (tph_json_len(tph_json_path(object, "spec", "containers", NULL)) == 0) {
        tph_status_fault(status, TPH_FAULT_REQUIRED, "spec.containers", "Required value");
    }
}

static void check_lease(const struct tph_json *object, struct tph_status *status)
{
    int64_t seconds = 1;
    const struct tph_json *duration = tph_json_path(object, "spec", "leaseDurationSeconds", NULL);
    if (duration && tph_json_to_i64(duration, &seconds) == 0 && seconds <= 0) {
        tph_status_fault(status, TPH_FAULT_INVALID, "spec.leaseDurationSeconds",
                         "Invalid value: %lld: must be greater than 0", (long long)seconds);
    }
}

static void tell_fault(void *owner, enum tph_strict_fault fault, const char *field, const char *message)
{
    static const enum tph_fault faults[] = {
        [TPH_STRICT_TYPE] = TPH_FAULT_TYPE,
        [TPH_STRICT_REQUIRED] = TPH_FAULT_REQUIRED,
        [TPH_STRICT_CHOICE] = TPH_FAULT_NOT_SUPPORTED,
        [TPH_STRICT_SKIPPED] = TPH_FAULT_INVALID,
    };
    tph_status_fault(owner, faults[fault], field, "%s", message);
}

void tph_validate_object(const struct tph_kind *kind, const struct tph_json *object, const struct tph_json *old,
                         struct tph_status *status)
{
    if ((kind->flags & TPH_KIND_CUSTOM) != 0) {
        tph_strict_check(kind, object, tell_fault, status);
    } else if (strcmp(kind->resource, "configmaps") == 0) {
        check_config_map(object, old, status);
    } else if (strcmp(kind->resource, "secrets") == 0) {
        check_secret(object, old, status);
    } else if (strcmp(kind->resource, "events") == 0) {
        check_event(object, status);
    } else if (strcmp(kind->resource, "pods") == 0) {
        check_pod(object, old, status);
    } else if (strcmp(kind->resource, "leases.coordination.k8s.io") == 0) {
        check_lease(object, status);
    }
}
