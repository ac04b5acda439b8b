/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE of one object and of collections: finalizers, preconditions, propagation, grace. */
#include <string.h>

#include "apiserver/list.h"
#include "apiserver/protobuf.h"
#include "apiserver/write.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/time.h"
#include "data/yaml.h"

struct delete_options {
    int64_t grace_s; /* -1: not told */
    bool orphan_given, orphan;
    char policy[16];
    char uid[64];
    char version[24];
};

/* ---- options ---- */

static void copy_text(struct tph_str text, char *into, size_t size)
{
    (void)snprintf(into, size, "%.*s", TPH_FMT(text));
}

static void check_dry_run_list(struct tph_api_call *call, const struct tph_json *list)
{
    struct tph_json_iter it = tph_json_iter(list);
    call->options.dry_run = false;
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(tph_json_str(it.value), "All")) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_API_BODY);
            tph_json_write(list, 0, &text);
            tph_status_fault(&call->status, TPH_FAULT_NOT_SUPPORTED, "dryRun",
                             "Unsupported value: %s: supported values: \"All\"", tph_buf_cstr(&text));
            return;
        }
        call->options.dry_run = true;
    }
}

static void take_body(struct tph_api_call *call, struct delete_options *o, const struct tph_json *root)
{
    int64_t grace;
    if (tph_json_to_i64(tph_json_get(root, "gracePeriodSeconds"), &grace) == 0) {
        o->grace_s = grace;
    }
    copy_text(tph_json_get_str(root, "propagationPolicy"), o->policy, sizeof(o->policy));
    copy_text(tph_json_str(tph_json_path(root, "preconditions", "uid", NULL)), o->uid, sizeof(o->uid));
    copy_text(tph_json_str(tph_json_path(root, "preconditions", "resourceVersion", NULL)), o->version,
              sizeof(o->version));
    o->orphan_given = tph_json_is(tph_json_get(root, "orphanDependents"), TPH_JSON_BOOL);
    o->orphan = tph_json_bool(tph_json_get(root, "orphanDependents"));
    check_dry_run_list(call, tph_json_get(root, "dryRun"));
}

static int read_body(struct tph_api_call *call, struct delete_options *o)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json_fault fault;
    struct tph_error err = TPH_ERROR_INIT;
    char room[TPH_MEDIA_TEXT];
    struct tph_str type = tph_media_type(call->request->content_type, room);
    bool protobuf = tph_str_eqz(type, "application/vnd.kubernetes.protobuf");
    bool yaml = tph_str_eqz(type, "application/yaml");
    if (protobuf) {
        if (tph_protobuf_read(call->request->body, TPH_STR("v1"), TPH_STR("DeleteOptions"), &doc, &err) < 0) {
            return tph_status_bad_request(&call->status, "%s", err.text);
        }
        take_body(call, o, tph_json_root(doc));
        return 0;
    }
    if (!yaml && tph_json_check(call->request->body, &fault) != TPH_JSON_FAULT_NONE) {
        return tph_status_bad_request(&call->status, "couldn't get version/kind; json parse error: %s", fault.text);
    }
    if (tph_yaml_parse(call->request->body, 0, &doc, NULL, &err) < 0) {
        return tph_status_bad_request(&call->status, "couldn't get version/kind; json parse error: %s", err.text);
    }
    const struct tph_json *root = tph_json_root(doc);
    struct tph_str kind = tph_json_get_str(root, "kind");
    if (kind.len > 0 && !tph_str_eqz(kind, "DeleteOptions")) {
        return tph_status_bad_request(
            &call->status,
            "no kind \"%.*s\" is registered for version \"%.*s\" in scheme \"pkg/runtime/scheme.go:111\"",
            TPH_FMT(kind), TPH_FMT(tph_json_get_str(root, "apiVersion")));
    }
    take_body(call, o, root);
    return 0;
}

static int read_query(struct tph_api_call *call, struct delete_options *o)
{
    if (tph_call_number(call, "gracePeriodSeconds", &o->grace_s) < 0) {
        return -1;
    }
    copy_text(tph_query_str(&call->query, "propagationPolicy"), o->policy, sizeof(o->policy));
    o->orphan_given = tph_query_get(&call->query, "orphanDependents", NULL);
    o->orphan = tph_query_bool(&call->query, "orphanDependents");
    struct tph_str dry;
    if (tph_query_get(&call->query, "dryRun", &dry)) {
        call->options.dry_run = true;
        if (!tph_str_eqz(dry, "All")) {
            tph_status_fault(&call->status, TPH_FAULT_NOT_SUPPORTED, "dryRun",
                             "Unsupported value: [\"%.*s\"]: supported values: \"All\"", TPH_FMT(dry));
        }
    }
    return 0;
}

/* Reads DeleteOptions; with a body the query does not count. */
static int read_options(struct tph_api_call *call)
{
    struct delete_options *o = TPH_NEW(struct delete_options);
    call->extra = o;
    o->grace_s = -1;
    if ((call->request->body.len > 0 ? read_body(call, o) : read_query(call, o)) < 0) {
        return -1;
    }
    bool known = o->policy[0] == '\0' || strcmp(o->policy, "Foreground") == 0 || strcmp(o->policy, "Background") == 0 ||
                 strcmp(o->policy, "Orphan") == 0;
    if (o->orphan_given && o->policy[0] != '\0') {
        tph_status_fault_value(&call->status, "propagationPolicy", tph_str(o->policy),
                               "orphanDependents and deletionPropagation cannot be both set");
    } else if (!known) {
        tph_status_fault(&call->status, TPH_FAULT_NOT_SUPPORTED, "propagationPolicy",
                         "Unsupported value: \"%s\": supported values: \"Foreground\", \"Background\", \"Orphan\", "
                         "\"nil\"",
                         o->policy);
    }
    if (o->orphan) {
        copy_text(TPH_STR("Orphan"), o->policy, sizeof(o->policy));
    }
    return tph_status_invalid_options(&call->status, "DeleteOptions");
}

static int check_preconditions(struct tph_api_call *call, const struct tph_json *object, uint64_t version)
{
    const struct delete_options *o = call->extra;
    struct tph_str uid = tph_object_meta_str(object, "uid");
    struct tph_str name = tph_object_meta_str(object, "name");
    char own[24];
    (void)snprintf(own, sizeof(own), "%llu", (unsigned long long)version);
    if (o->uid[0] != '\0' && !tph_str_eqz(uid, o->uid)) {
        return tph_status_conflict(&call->status, call->route.kind, name, true,
                                   "the UID in the precondition (%s) does not match the UID in record (%.*s). The "
                                   "object might have been deleted and then recreated",
                                   o->uid, TPH_FMT(uid));
    }
    if (o->version[0] != '\0' && strcmp(o->version, own) != 0) {
        return tph_status_conflict(&call->status, call->route.kind, name, true,
                                   "the ResourceVersion in the precondition (%s) does not match the ResourceVersion in "
                                   "record (%s). The object might have been modified",
                                   o->version, own);
    }
    return 0;
}

/* ---- marks ---- */

static bool is_collector(struct tph_str finalizer)
{
    return tph_str_eqz(finalizer, "orphan") || tph_str_eqz(finalizer, "foregroundDeletion");
}

/* The collector's finalizers as the policy wants them. */
static void set_finalizers(struct tph_json_doc *doc, struct tph_json *object, const char *policy)
{
    struct tph_json *meta = tph_object_meta(doc, object);
    if (policy[0] == '\0') {
        return; /* those that are there stay */
    }
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(tph_json_get(meta, "finalizers"));
    while (tph_json_next(&it)) {
        if (!is_collector(tph_json_str(it.value))) {
            tph_json_append(doc, list, tph_json_copy(doc, it.value));
        }
    }
    if (strcmp(policy, "Orphan") == 0) {
        tph_json_append(doc, list, tph_json_new_cstr(doc, "orphan"));
    } else if (strcmp(policy, "Foreground") == 0) {
        tph_json_append(doc, list, tph_json_new_cstr(doc, "foregroundDeletion"));
    }
    if (tph_json_len(list) > 0) {
        tph_json_set(doc, meta, "finalizers", list);
    } else {
        tph_json_remove(meta, "finalizers");
    }
}

/* Seconds that a pod is given; 0: it goes at once. */
static int64_t grace_of(const struct tph_kind *kind, const struct tph_json *object, int64_t asked)
{
    int64_t grace = 30;
    struct tph_str phase = tph_json_str(tph_json_path(object, "status", "phase", NULL));
    bool over = tph_str_eqz(phase, "Succeeded") || tph_str_eqz(phase, "Failed");
    if (strcmp(kind->resource, "pods") != 0 || over ||
        tph_json_str(tph_json_path(object, "spec", "nodeName", NULL)).len == 0) {
        return 0;
    }
    if (asked >= 0) {
        grace = asked;
    } else {
        (void)!tph_json_to_i64(tph_json_path(object, "spec", "terminationGracePeriodSeconds", NULL), &grace);
    }
    return grace < TPH_LIMIT_API_SECONDS ? grace : TPH_LIMIT_API_SECONDS;
}

void tph_object_mark_deleted(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object,
                             int64_t grace_s)
{
    struct tph_json *meta = tph_object_meta(doc, object);
    char text[TPH_TIME_TEXT];
    int64_t generation = 0;
    int64_t had = -1;
    bool is_namespace = strcmp(kind->resource, "namespaces") == 0;
    bool marked = !tph_json_is_null(tph_json_get(meta, "deletionTimestamp"));
    if (marked && (tph_json_to_i64(tph_json_get(meta, "deletionGracePeriodSeconds"), &had) < 0 || had <= grace_s)) {
        return;
    }
    tph_time_format(tph_clock_wall_ms() + grace_s * 1000, text);
    tph_json_set_cstr(doc, meta, "deletionTimestamp", text);
    if (!is_namespace) {
        tph_json_set(doc, meta, "deletionGracePeriodSeconds", tph_json_new_i64(doc, grace_s));
    }
    if (!marked && tph_json_to_i64(tph_json_get(meta, "generation"), &generation) == 0 && generation > 0) {
        tph_json_set(doc, meta, "generation", tph_json_new_i64(doc, generation + 1));
    }
    struct tph_json *status = tph_json_get(object, "status");
    if (is_namespace && status) {
        tph_json_set_cstr(doc, status, "phase", "Terminating");
    }
}

/* ---- one object ---- */

static void finish_status(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(16));
    const struct tph_kind *k = call->route.kind;
    (void)tph_buf_puts(&out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\","
                             "\"details\":{\"name\":");
    tph_json_write_str(call->route.ask.name, TPH_JSON_HTML, &out);
    (void)tph_buf_printf(&out, "%s%s%s,\"kind\":\"%s\",\"uid\":", k->group[0] ? ",\"group\":\"" : "", k->group,
                         k->group[0] ? "\"" : "", k->plural);
    tph_json_write_str(tph_buf_str(&call->text), TPH_JSON_HTML, &out);
    (void)tph_buf_puts(&out, "}}");
    tph_call_json(call, 200, tph_buf_str(&out));
}

static void finish_object(struct tph_api_call *call)
{
    tph_call_answer_object(call);
}

/* It goes now; a pod is shown once more with its mark. */
static void remove_now(struct tph_api_call *call, const struct tph_store_object *stored, struct tph_json_doc *doc,
                       struct tph_json *object)
{
    const struct tph_kind *k = call->route.kind;
    struct tph_store_change changes[2] = {
        {.verb = TPH_STORE_DELETE, .key = tph_call_key(call), .expected = stored->version}};
    size_t n = 1;
    tph_buf_clear(&call->text);
    call->version = stored->version;
    if (strcmp(k->resource, "pods") == 0) {
        tph_object_mark_deleted(k, doc, object, 0);
        if (tph_write_text(call, object) < 0) {
            tph_call_fail(call);
            return;
        }
        changes[1] = changes[0];
        changes[1].expected = 0;
        changes[0].verb = TPH_STORE_UPDATE;
        changes[0].text = tph_buf_str(&call->text);
        n = 2;
    } else if ((k->flags & TPH_KIND_DELETE_ANSWERS_OBJECT) != 0) {
        (void)tph_buf_put(&call->text, tph_buf_str(&stored->text));
    } else {
        (void)tph_buf_put(&call->text, tph_object_meta_str(object, "uid"));
        call->finish = finish_status;
        tph_call_write(call, changes, n);
        return;
    }
    call->finish = finish_object;
    tph_call_write(call, changes, n);
}

static int check_may_go(struct tph_api_call *call)
{
    static const char *const kept[] = {"default", "kube-system"};
    bool is_namespace = strcmp(call->route.kind->resource, "namespaces") == 0;
    for (size_t i = 0; is_namespace && i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (tph_str_eqz(call->route.ask.name, kept[i])) {
            return tph_status_forbidden(&call->status, call->route.kind, call->route.ask.name,
                                        "this namespace may not be deleted");
        }
    }
    return 0;
}

static void delete_found(struct tph_api_call *call, const struct tph_store_object *stored)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    const struct delete_options *o = call->extra;
    const struct tph_kind *k = call->route.kind;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_object_read(tph_buf_str(&stored->text), 0, &doc, &err) < 0) {
        tph_call_error(call, &err);
        return;
    }
    struct tph_json *object = tph_json_root(doc);
    if (check_preconditions(call, object, stored->version) < 0 || tph_call_check_object(call, object, NULL) < 0) {
        tph_call_fail(call);
        return;
    }
    set_finalizers(doc, object, o->policy);
    int64_t grace = grace_of(k, object, o->grace_s);
    bool held =
        strcmp(k->resource, "namespaces") == 0 && tph_json_len(tph_json_path(object, "spec", "finalizers", NULL)) > 0;
    if (!tph_object_has_finalizers(object) && grace == 0 && !held) {
        remove_now(call, stored, doc, object);
        return;
    }
    tph_object_mark_deleted(k, doc, object, grace);
    if (tph_write_text(call, object) < 0) {
        tph_call_fail(call);
        return;
    }
    call->version = stored->version;
    call->finish = finish_object;
    const struct tph_store_change change = {.verb = TPH_STORE_UPDATE,
                                            .key = tph_call_key(call),
                                            .expected = stored->version,
                                            .text = tph_buf_str(&call->text)};
    tph_call_write(call, &change, tph_str_eq(change.text, tph_buf_str(&stored->text)) ? 0 : 1);
}

static void delete_attempt(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object stored = TPH_STORE_OBJECT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_store_key key = tph_call_key(call);
    int found = tph_store_get(call->api->config.store, &key, 0, &stored, &err);
    if (found < 0) {
        tph_call_error(call, &err);
    } else if (found > 0) {
        (void)tph_status_not_found(&call->status, call->route.kind, key.name);
        tph_call_fail(call);
    } else {
        delete_found(call, &stored);
    }
}

void tph_api_delete(struct tph_api_call *call)
{
    if (read_options(call) < 0 || check_may_go(call) < 0) {
        tph_call_fail(call);
        return;
    }
    call->attempt = delete_attempt;
    delete_attempt(call);
}

/* ---- collections ---- */

struct collection {
    struct tph_api_call *call;
    struct tph_store_change *changes;
    struct tph_store_object *kept; /* names and texts that the changes point into */
    size_t n, capacity;
    struct tph_buf items;
};

static void collection_release(struct collection *c)
{
    for (size_t i = 0; i < c->n; i++) {
        tph_store_object_release(&c->kept[i]);
    }
    free(c->kept);
    free(c->changes);
    tph_buf_release(&c->items);
}

static struct tph_store_object *keep(struct collection *c, const struct tph_store_object *object)
{
    if (c->n == c->capacity) {
        c->capacity = c->capacity > 0 ? c->capacity * 2 : 16;
        c->kept = tph_realloc(c->kept, c->capacity * sizeof(*c->kept));
        c->changes = tph_realloc(c->changes, c->capacity * sizeof(*c->changes));
    }
    struct tph_store_object *kept = &c->kept[c->n];
    *kept = TPH_STORE_OBJECT_INIT;
    (void)tph_buf_put(&kept->names, object->key.ns);
    (void)tph_buf_put(&kept->names, object->key.name);
    struct tph_str names = tph_buf_str(&kept->names);
    kept->key = (struct tph_store_key){.resource = tph_str(c->call->route.kind->resource),
                                       .ns = tph_str_slice(names, 0, object->key.ns.len),
                                       .name = tph_str_slice(names, object->key.ns.len, names.len)};
    return kept;
}

static int collect(void *owner, const struct tph_store_object *object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct collection *c = owner;
    const struct tph_kind *k = c->call->route.kind;
    const struct delete_options *o = c->call->extra;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_object_read(tph_buf_str(&object->text), 0, &doc, &err) < 0) {
        return tph_status_internal(&c->call->status, "%s", err.text);
    }
    struct tph_json *root = tph_json_root(doc);
    if (check_preconditions(c->call, root, object->version) < 0 || tph_call_check_object(c->call, root, NULL) < 0) {
        return -1;
    }
    struct tph_store_object *kept = keep(c, object);
    struct tph_store_change *change = &c->changes[c->n++];
    *change = (struct tph_store_change){.verb = TPH_STORE_DELETE, .key = kept->key, .expected = object->version};
    set_finalizers(doc, root, o->policy);
    int64_t grace = grace_of(k, root, o->grace_s);
    if (tph_object_has_finalizers(root) || grace > 0) {
        tph_object_mark_deleted(k, doc, root, grace);
        tph_object_keep(k, root, &kept->text);
        change->verb = TPH_STORE_UPDATE;
        change->text = tph_buf_str(&kept->text);
    }
    (void)tph_buf_puts(&c->items, c->n > 1 ? "," : "");
    unsigned flags = (k->flags & TPH_KIND_CUSTOM) != 0 ? 0 : TPH_SERVE_UNTYPED;
    if (tph_object_serve(k, tph_buf_str(&object->text), object->version, flags, &c->items, &err) < 0) {
        return tph_status_internal(&c->call->status, "%s", err.text);
    }
    return c->n < TPH_LIMIT_STORE_CHANGES
               ? 0
               : tph_status_set_bare(&c->call->status, 413, "RequestEntityTooLarge",
                                     "more than %d objects are selected: name fewer with labelSelector",
                                     TPH_LIMIT_STORE_CHANGES - 1);
}

static void finish_collection(struct tph_api_call *call)
{
    if (!call->request) {
        tph_call_end(call);
        return;
    }
    tph_call_json(call, 200, tph_buf_str(&call->text));
}

static void collection_attempt(struct tph_api_call *call)
{
    struct tph_list list;
    char version[TPH_API_VERSION_TEXT];
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_KIB(16));
    TPH_CLEANUP(collection_release) struct collection c = {.call = call, .items = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    const struct tph_kind *k = call->route.kind;
    int failed = tph_list_begin(call, &list);
    if (failed == 0) {
        list.at = 0; /* what is there now, whatever version was named */
        failed = tph_list_walk(call, &list, collect, &c, &token);
    }
    if (failed < 0) {
        tph_list_release(&list);
        tph_call_fail(call);
        return;
    }
    tph_buf_clear(&call->text);
    (void)tph_buf_printf(&call->text, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":", k->list_kind,
                         tph_kind_api_version(k, version));
    tph_list_put_meta(&list, tph_buf_str(&token), (k->flags & TPH_KIND_CUSTOM) != 0, &call->text);
    (void)tph_buf_puts(&call->text, ",\"items\":[");
    (void)tph_buf_put(&call->text, tph_buf_str(&c.items));
    (void)tph_buf_puts(&call->text, "]}");
    tph_list_release(&list);
    call->finish = finish_collection;
    tph_call_write(call, c.changes, c.n);
}

void tph_api_delete_collection(struct tph_api_call *call)
{
    if (read_options(call) < 0) {
        tph_call_fail(call);
        return;
    }
    call->attempt = collection_attempt;
    collection_attempt(call);
}
