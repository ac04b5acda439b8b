/* SPDX-License-Identifier: Apache-2.0 */
#include "access/review.h"

#include <stdio.h>
#include <string.h>

#include "access/internal.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "data/time.h"

/* What of a spec Kubernetes knows, in its order. */
static const char *const RESOURCE_FIELDS[] = {"namespace", "verb",        "group", "version",
                                              "resource",  "subresource", "name",  NULL};
static const char *const SORTED_FIELDS[] = {"group",       "name", "namespace", "resource",
                                            "subresource", "verb", "version",   NULL};
static const char *const PATH_FIELDS[] = {"path", "verb", NULL};

static struct tph_json *begin(struct tph_json_doc *doc, const char *kind, const char *version)
{
    struct tph_json *root = tph_json_new_object(doc);
    tph_json_set_cstr(doc, root, "kind", kind);
    tph_json_set_cstr(doc, root, "apiVersion", version);
    tph_json_set(doc, root, "metadata", tph_json_new_object(doc));
    tph_json_set_root(doc, root);
    return root;
}

static void put(struct tph_json_doc *doc, struct tph_json *object, const char *prefix, struct tph_str key,
                struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_LIMIT_STORE_MEMBER);
    (void)tph_buf_puts(&name, prefix);
    (void)tph_buf_put(&name, key);
    tph_json_setn(doc, object, tph_buf_str(&name), value);
}

/* metadata.managedFields of one manager, who set `fields`. */
static void set_managed(const struct tph_review *review, struct tph_json_doc *doc, struct tph_json *root,
                        const char *subresource, struct tph_json *fields)
{
    if (review->manager.len == 0) {
        return;
    }
    struct tph_json *list = tph_json_new_array(doc), *one = tph_json_new_object(doc);
    tph_json_set_str(doc, one, "manager", review->manager);
    tph_json_set_cstr(doc, one, "operation", "Update");
    tph_json_set(doc, one, "apiVersion", tph_json_copy(doc, tph_json_get(root, "apiVersion")));
    tph_json_set_str(doc, one, "time", review->time);
    tph_json_set_cstr(doc, one, "fieldsType", "FieldsV1");
    tph_json_set(doc, one, "fieldsV1", fields);
    if (subresource) {
        tph_json_set_cstr(doc, one, "subresource", subresource);
    }
    tph_json_append(doc, list, one);
    tph_json_set(doc, tph_json_get(root, "metadata"), "managedFields", list);
}

static struct tph_json *fail(struct tph_review_fault *ret_fault, const char *field, struct tph_str text)
{
    ret_fault->field = field;
    (void)snprintf(ret_fault->text, sizeof(ret_fault->text), "%.*s", TPH_FMT(text));
    return NULL;
}

/* Both kinds at once: the one of paths is told as Go's encoder writes it. */
static struct tph_json *fail_both(const struct tph_json *paths, struct tph_review_fault *ret_fault)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    (void)tph_buf_puts(&text, "Invalid value: {\"Path\":");
    tph_json_write_str(tph_json_get_str(paths, "path"), TPH_JSON_HTML, &text);
    (void)tph_buf_puts(&text, ",\"Verb\":");
    tph_json_write_str(tph_json_get_str(paths, "verb"), TPH_JSON_HTML, &text);
    (void)tph_buf_puts(&text, "}: cannot be specified in combination with resourceAttributes");
    return fail(ret_fault, "spec.nonResourceAttributes", tph_buf_str(&text));
}

/* Copies the texts that are set. */
static struct tph_json *copy_fields(struct tph_json_doc *doc, const struct tph_json *from, const char *const *names)
{
    struct tph_json *to = tph_json_new_object(doc);
    for (; *names; names++) {
        struct tph_str value = tph_json_get_str(from, *names);
        if (value.len > 0) {
            tph_json_set_str(doc, to, *names, value);
        }
    }
    return to;
}

/* Tells which are set, as managed fields. */
static struct tph_json *tell_fields(struct tph_json_doc *doc, const struct tph_json *from, const char *const *sorted)
{
    struct tph_json *fields = tph_json_new_object(doc);
    tph_json_set(doc, fields, ".", tph_json_new_object(doc));
    for (; *sorted; sorted++) {
        if (tph_json_get_str(from, *sorted).len > 0) {
            put(doc, fields, "f:", tph_str(*sorted), tph_json_new_object(doc));
        }
    }
    return fields;
}

static bool judge(const struct tph_access_user *user, const struct tph_json *resource, const struct tph_json *path,
                  const char **ret_reason)
{
    TPH_CLEANUP(tph_freep) char *verb = tph_str_dup(tph_json_get_str(resource ? resource : path, "verb"));
    struct tph_access_attributes what = {
        .verb = verb,
        .is_resource = resource != NULL,
        .path = tph_json_get_str(path, "path"),
        .group = tph_json_get_str(resource, "group"),
        .resource = tph_json_get_str(resource, "resource"),
        .sub = tph_json_get_str(resource, "subresource"),
        .ns = tph_json_get_str(resource, "namespace"),
        .name = tph_json_get_str(resource, "name"),
    };
    return tph_access_allowed(user, &what, ret_reason);
}

struct tph_json *tph_review_access(const struct tph_review *review, const struct tph_json *request,
                                   struct tph_json_doc *doc, struct tph_review_fault *ret_fault)
{
    const struct tph_json *asked = tph_json_get(request, "spec");
    const struct tph_json *resource = tph_json_get(asked, "resourceAttributes");
    const struct tph_json *path = tph_json_get(asked, "nonResourceAttributes");
    resource = tph_json_is(resource, TPH_JSON_OBJECT) ? resource : NULL;
    path = tph_json_is(path, TPH_JSON_OBJECT) ? path : NULL;
    if (resource && path) {
        return fail_both(path, ret_fault);
    }
    if (!resource && !path) {
        return fail(ret_fault, "spec.resourceAttributes",
                    TPH_STR("Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be "
                            "specified"));
    }
    const char *kind = resource ? "resourceAttributes" : "nonResourceAttributes", *reason;
    struct tph_json *root = begin(doc, "SelfSubjectAccessReview", "authorization.k8s.io/v1");
    struct tph_json *spec = tph_json_new_object(doc), *status = tph_json_new_object(doc);
    struct tph_json *outer = tph_json_new_object(doc), *whole = tph_json_new_object(doc);
    const struct tph_json *from = resource ? resource : path;
    tph_json_set(doc, spec, kind, copy_fields(doc, from, resource ? RESOURCE_FIELDS : PATH_FIELDS));
    put(doc, outer, "f:", tph_str(kind), tell_fields(doc, from, resource ? SORTED_FIELDS : PATH_FIELDS));
    tph_json_set(doc, whole, "f:spec", outer);
    set_managed(review, doc, root, NULL, whole);
    tph_json_set(doc, root, "spec", spec);
    tph_json_set(doc, status, "allowed", tph_json_new_bool(doc, judge(review->user, resource, path, &reason)));
    if (reason) {
        tph_json_set_cstr(doc, status, "reason", reason);
    }
    tph_json_set(doc, root, "status", status);
    return root;
}

struct tph_json *tph_review_rules(const struct tph_review *review, const struct tph_json *request,
                                  struct tph_json_doc *doc, struct tph_review_fault *ret_fault)
{
    struct tph_str ns = tph_json_get_str(tph_json_get(request, "spec"), "namespace");
    if (ns.len == 0) {
        return fail(ret_fault, NULL, TPH_STR("no namespace on request"));
    }
    struct tph_json *root = begin(doc, "SelfSubjectRulesReview", "authorization.k8s.io/v1");
    struct tph_json *status = tph_json_new_object(doc);
    struct tph_json *resources = tph_json_new_array(doc), *paths = tph_json_new_array(doc);
    tph_access_rules(review->user, ns, doc, resources, paths);
    tph_json_set(doc, root, "spec", tph_json_new_object(doc)); /* not told again, as there */
    tph_json_set(doc, status, "resourceRules", resources);
    tph_json_set(doc, status, "nonResourceRules", paths);
    tph_json_set(doc, status, "incomplete", tph_json_new_bool(doc, false));
    tph_json_set(doc, root, "status", status);
    return root;
}

struct tph_json *tph_review_user(const struct tph_review *review, struct tph_json_doc *doc)
{
    struct tph_json *root = begin(doc, "SelfSubjectReview", "authentication.k8s.io/v1");
    struct tph_json *status = tph_json_new_object(doc), *user = tph_json_new_object(doc);
    struct tph_json *groups = tph_json_new_array(doc);
    tph_json_set_str(doc, tph_json_get(root, "metadata"), "creationTimestamp", review->time);
    tph_json_set_str(doc, user, "username", tph_access_name(review->user));
    if (tph_access_uid(review->user).len > 0) {
        tph_json_set_str(doc, user, "uid", tph_access_uid(review->user));
    }
    for (size_t i = 0; tph_access_group(review->user, i).len > 0; i++) {
        tph_json_append(doc, groups, tph_json_new_str(doc, tph_access_group(review->user, i)));
    }
    tph_json_set(doc, user, "groups", groups);
    tph_json_set(doc, status, "userInfo", user);
    tph_json_set(doc, root, "status", status);
    return root;
}

/* How long a token lives; -1: ret_fault says what is wrong. */
static int64_t lifetime(const struct tph_json *spec, struct tph_review_fault *ret_fault)
{
    char text[160];
    int64_t seconds = TPH_ACCOUNT_EXPIRES_S;
    const struct tph_json *asked = tph_json_get(spec, "expirationSeconds");
    if (!tph_json_is_null(asked) && tph_json_to_i64(asked, &seconds) < 0) {
        (void)fail(ret_fault, "spec.expirationSeconds", TPH_STR("Invalid value: a whole number of seconds is wanted"));
        return -1;
    }
    const char *why = seconds < TPH_ACCOUNT_EXPIRES_LEAST ? "may not specify a duration less than 10 minutes"
                      : seconds > INT64_C(1) << 32        ? "may not specify a duration larger than 2^32 seconds"
                                                          : NULL;
    if (why) {
        (void)snprintf(text, sizeof(text), "Invalid value: %lld: %s", (long long)seconds, why);
        (void)fail(ret_fault, "spec.expirationSeconds", tph_str(text));
        return -1;
    }
    return seconds < TPH_LIMIT_ACCOUNT_S ? seconds : TPH_LIMIT_ACCOUNT_S;
}

static struct tph_json *account_meta(const struct tph_review *review, const struct tph_review_account *account,
                                     struct tph_json_doc *doc, struct tph_json *root)
{
    struct tph_json *meta = tph_json_get(root, "metadata");
    tph_json_set_str(doc, meta, "name", account->name);
    tph_json_set_str(doc, meta, "namespace", account->ns);
    tph_json_set_str(doc, meta, "uid", account->uid);
    tph_json_set_str(doc, meta, "creationTimestamp", review->time);
    struct tph_json *fields = tph_json_new_object(doc), *spec = tph_json_new_object(doc);
    tph_json_set(doc, spec, "f:expirationSeconds", tph_json_new_object(doc));
    tph_json_set(doc, fields, "f:spec", spec);
    set_managed(review, doc, root, "token", fields);
    return meta;
}

struct tph_json *tph_review_token(const struct tph_access *access, const struct tph_review *review,
                                  const struct tph_review_account *account, const struct tph_json *request,
                                  struct tph_json_doc *doc, struct tph_review_fault *ret_fault)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    const struct tph_json *asked = tph_json_get(request, "spec");
    struct tph_str audiences[TPH_LIMIT_ACCESS_ROLES];
    size_t n = 0;
    int64_t seconds = lifetime(asked, ret_fault);
    if (seconds < 0) {
        return NULL;
    }
    struct tph_json_iter it = tph_json_iter(tph_json_get(asked, "audiences"));
    while (tph_json_next(&it) && n < TPH_LIMIT_ACCESS_ROLES) {
        audiences[n++] = tph_json_str(it.value);
    }
    if (n == 0) {
        audiences[n++] = TPH_STR(TPH_ACCOUNT_AUDIENCE);
    }
    struct tph_account_claims claims = {.ns = account->ns,
                                        .name = account->name,
                                        .uid = account->uid,
                                        .issued_s = account->now_s,
                                        .expires_s = account->now_s + seconds};
    tph_account_sign(access->config.signing_key, &claims, audiences, n, &token);
    struct tph_json *root = begin(doc, "TokenRequest", "authentication.k8s.io/v1");
    struct tph_json *spec = tph_json_new_object(doc), *status = tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    char time[TPH_TIME_TEXT];
    (void)account_meta(review, account, doc, root);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, list, tph_json_new_str(doc, audiences[i]));
    }
    tph_json_set(doc, spec, "audiences", list);
    tph_json_set(doc, spec, "expirationSeconds", tph_json_new_i64(doc, seconds));
    tph_json_set(doc, spec, "boundObjectRef", tph_json_new_null(doc));
    tph_time_format(claims.expires_s * 1000, time);
    tph_json_set_str(doc, status, "token", tph_buf_str(&token));
    tph_json_set_cstr(doc, status, "expirationTimestamp", time);
    tph_json_set(doc, root, "spec", spec);
    tph_json_set(doc, root, "status", status);
    return root;
}
