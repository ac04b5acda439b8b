/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call: who asks, what for, the answer. */
#include <stdarg.h>
#include <string.h>

#include "apiserver/gc.h"
#include "apiserver/internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "data/duration.h"
#include "data/quote.h"
#include "data/yaml.h"

enum { MAX_HEADERS = 24, MAX_MANAGER = 128, MAX_WARNING = 1024 };

struct tph_store_key tph_call_key(const struct tph_api_call *call)
{
    const struct tph_kind *k = call->route.kind;
    return (struct tph_store_key){.resource = tph_str(k->resource),
                                  .ns = k->namespaced ? call->route.ask.ns : TPH_STR_NONE,
                                  .name = call->name.len > 0 ? tph_buf_str(&call->name) : call->route.ask.name};
}

bool tph_api_is_key(const struct tph_store_key *key)
{
    return key->resource.len + key->ns.len + key->name.len <= TPH_LIMIT_STORE_KEY &&
           tph_str_find_byte(key->ns, '\0') < 0 && tph_str_find_byte(key->name, '\0') < 0;
}

void tph_call_end(struct tph_api_call *call)
{
    struct tph_api *api = call->api;
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        api->first = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
    if (call->over) {
        *call->over = true;
    }
    tph_api_watch_free(call->watch);
    tph_api_log_free(call->log);
    tph_query_release(&call->query);
    tph_route_release(&call->route);
    tph_status_release(&call->status);
    tph_buf_release(&call->warnings);
    tph_buf_release(&call->name);
    tph_buf_release(&call->location);
    tph_buf_release(&call->text);
    tph_json_doc_free(call->body_doc);
    free(call->extra);
    free(call);
}

/* A text without its end where it is too long for a header field; characters stay whole. */
static struct tph_str shorten(struct tph_str text)
{
    size_t len = text.len < MAX_WARNING ? text.len : MAX_WARNING;
    while (len > 0 && len < text.len && ((unsigned char)text.p[len] & 0xc0) == 0x80) {
        len--;
    }
    return tph_str_slice(text, 0, len);
}

/* The Warning fields of a call; each a quoted text of its own, which the caller frees. */
static size_t put_warnings(const struct tph_api_call *call, struct tph_http_header *headers, size_t n, size_t max)
{
    struct tph_str rest = tph_buf_str(&call->warnings);
    struct tph_str line;
    while (n < max && rest.len > 0 && tph_str_cut(&rest, '\n', &line)) {
        struct tph_buf text = TPH_BUF_INIT(TPH_KIB(8));
        (void)tph_buf_puts(&text, "299 - ");
        tph_quote_go(shorten(line), &text);
        headers[n++] = (struct tph_http_header){"Warning", tph_buf_take(&text, NULL)};
    }
    return n;
}

void tph_call_answer(struct tph_api_call *call, int status, const char *content_type, struct tph_str body)
{
    struct tph_http_header headers[MAX_HEADERS] = {{"Cache-Control", "no-cache, private"}};
    char retry[16];
    size_t n = 1;
    if (content_type) {
        headers[n++] = (struct tph_http_header){"Content-Type", content_type};
    }
    if (call->location.len > 0) {
        headers[n++] = (struct tph_http_header){"Location", tph_buf_cstr(&call->location)};
    }
    if (call->etag[0] != '\0') {
        headers[n++] = (struct tph_http_header){"Etag", call->etag};
    }
    if (call->status.code != 0 && call->status.retry_after_s > 0) {
        (void)snprintf(retry, sizeof(retry), "%d", call->status.retry_after_s);
        headers[n++] = (struct tph_http_header){"Retry-After", retry};
    }
    if (call->id[0] != '\0') {
        headers[n++] = (struct tph_http_header){"Audit-Id", call->id};
    }
    size_t first = n;
    n = put_warnings(call, headers, n, MAX_HEADERS);
    tph_call_done(call, status);
    if (call->request) {
        call->sink->answer(
            call->owner, &(struct tph_api_answer){.status = status, .headers = headers, .n_headers = n, .body = body});
    }
    for (size_t i = first; i < n; i++) {
        free((char *)(uintptr_t)headers[i].value);
    }
    tph_call_end(call);
}

void tph_call_json(struct tph_api_call *call, int status, struct tph_str body)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf yaml = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (call->accept.yaml && tph_json_parse(body, &doc, &err) == 0 &&
        tph_yaml_write(tph_json_root(doc), &yaml, &err) == 0) {
        tph_call_answer(call, status, "application/yaml", tph_buf_str(&yaml));
        return;
    }
    tph_call_answer(call, status, "application/json", body);
}

void tph_call_fail(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    tph_status_write(&call->status, &out);
    tph_call_json(call, call->status.code, tph_buf_str(&out));
}

void tph_call_error(struct tph_api_call *call, const struct tph_error *err)
{
    (void)tph_status_internal(&call->status, "%s", err->text);
    tph_call_fail(call);
}

int tph_call_object_form(struct tph_api_call *call, struct tph_str text, uint64_t version, struct tph_buf *out,
                         struct tph_error *err)
{
    unsigned flags = call->accept.form == TPH_FORM_PARTIAL ? TPH_SERVE_PARTIAL : 0;
    flags |= call->accept.v1beta1 ? TPH_SERVE_V1BETA1 : 0;
    if (call->accept.form == TPH_FORM_TABLE) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_object_read(text, version, &doc, err) < 0) {
            return -1;
        }
        call->table.now_ms = tph_clock_wall_ms();
        tph_table_write(&call->table, tph_json_root(doc), out);
        return 0;
    }
    return tph_object_serve(call->route.kind, text, version, flags, out, err);
}

void tph_call_answer_object(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST);
    struct tph_error err = TPH_ERROR_INIT;
    if (!call->request) {
        tph_call_end(call);
        return;
    }
    if (tph_call_object_form(call, tph_buf_str(&call->text), call->version, &out, &err) < 0) {
        tph_call_error(call, &err);
        return;
    }
    tph_call_json(call, call->code, tph_buf_str(&out));
}

static void give_up(struct tph_api_call *call, const struct tph_store_result *result)
{
    if (result->outcome >= 0) {
        (void)tph_status_modified(&call->status, call->route.kind, tph_call_key(call).name);
    } else if (result->error->kind == TPH_ERROR_BUSY) {
        call->status.retry_after_s = 1;
        (void)tph_status_set_bare(&call->status, 429, "TooManyRequests", "%s", result->error->text);
    } else {
        (void)tph_status_internal(&call->status, "%s", result->error->text);
    }
    tph_call_fail(call);
}

static void written(void *owner, const struct tph_store_result *result)
{
    struct tph_api_call *call = owner;
    if (result->outcome == 0) {
        call->version = call->keeps_version ? call->version : result->version;
        call->finish(call);
    } else if (!call->request) {
        tph_call_end(call);
    } else if (result->outcome > 0 && call->tries++ < TPH_LIMIT_API_TRIES) {
        call->attempt(call);
    } else {
        give_up(call, result);
    }
}

void tph_call_write(struct tph_api_call *call, const struct tph_store_change *changes, size_t n)
{
    if (call->options.dry_run || n == 0) {
        call->finish(call);
        return;
    }
    tph_store_write(call->api->config.store, changes, n, written, call);
}

int tph_call_number(struct tph_api_call *call, const char *name, int64_t *ret_value)
{
    struct tph_str text;
    int64_t value;
    if (!tph_query_get(&call->query, name, &text) || text.len == 0) {
        return 0;
    }
    if (tph_str_to_i64(text, &value) < 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER * 4);
        tph_quote_go(text, &quoted);
        return tph_status_bad_request(&call->status, "strconv.ParseInt: parsing %s: invalid syntax",
                                      tph_buf_cstr(&quoted));
    }
    *ret_value = value;
    return 0;
}

static void check_dry_run(struct tph_api_call *call)
{
    for (size_t i = 0; i < call->query.n_parts; i++) {
        const struct tph_query_part *part = &call->query.parts[i];
        if (!tph_str_eqz(part->key, "dryRun")) {
            continue;
        }
        if (!tph_str_eqz(part->value, "All")) {
            tph_status_fault(&call->status, TPH_FAULT_NOT_SUPPORTED, "dryRun",
                             "Unsupported value: [\"%.*s\"]: supported values: \"All\"", TPH_FMT(part->value));
        }
        call->options.dry_run = true;
    }
}

static void check_manager(struct tph_api_call *call, struct tph_str manager)
{
    if (manager.len > MAX_MANAGER) {
        tph_status_fault(&call->status, TPH_FAULT_TOO_LONG, "fieldManager", "Too long: may not be more than %d bytes",
                         MAX_MANAGER);
    }
    for (size_t i = 0; i < manager.len; i++) {
        unsigned char c = (unsigned char)manager.p[i];
        if (c < 0x20 || c == 0x7f) {
            tph_status_fault_value(&call->status, "fieldManager", manager, "invalid character U+%04X (at position %zu)",
                                   c, i);
            return;
        }
    }
}

/* Who writes: fieldManager, or what stands before the slash in the User-Agent. */
static void name_manager(struct tph_api_call *call)
{
    struct tph_str agent = tph_str(call->request->user_agent);
    ptrdiff_t slash = tph_str_find_byte(agent, '/');
    call->options.manager = tph_query_str(&call->query, "fieldManager");
    call->options.manager_given = call->options.manager.len > 0;
    if (!call->options.manager_given) {
        agent = tph_str_slice(agent, 0, slash < 0 ? agent.len : (size_t)slash);
        call->options.manager = agent.len > 0 ? tph_str_slice(agent, 0, MAX_MANAGER) : TPH_STR("unknown");
    }
}

int tph_call_options(struct tph_api_call *call, const char *kind, bool apply)
{
    struct tph_str validation = tph_query_str(&call->query, "fieldValidation");
    bool patch = strcmp(kind, "PatchOptions") == 0;
    name_manager(call);
    call->options.force = tph_query_bool(&call->query, "force");
    if (patch && !apply && call->options.force) {
        tph_status_fault(&call->status, TPH_FAULT_FORBIDDEN, "force",
                         "Forbidden: may not be specified for non-apply patch");
    }
    if (apply && !call->options.manager_given) {
        tph_status_fault(&call->status, TPH_FAULT_REQUIRED, "fieldManager",
                         "Required value: is required for apply patch");
    }
    if (call->options.manager_given) {
        check_manager(call, call->options.manager);
    }
    check_dry_run(call);
    call->options.strict = tph_str_eqz(validation, "Strict");
    call->options.warn = validation.len == 0 || tph_str_eqz(validation, "Warn");
    if (!call->options.strict && !call->options.warn && !tph_str_eqz(validation, "Ignore")) {
        tph_status_fault(&call->status, TPH_FAULT_NOT_SUPPORTED, "fieldValidation",
                         "Unsupported value: \"%.*s\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
                         TPH_FMT(validation));
    }
    return tph_status_invalid_options(&call->status, kind);
}

static int begin_table(struct tph_api_call *call)
{
    struct tph_error err = TPH_ERROR_INIT;
    call->table = (struct tph_table){
        .kind = call->route.kind,
        .api_version = call->accept.v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1",
        .now_ms = tph_clock_wall_ms(),
    };
    if (tph_table_object_read(tph_query_str(&call->query, "includeObject"), &call->table.object, &err) < 0) {
        return tph_status_bad_request(&call->status, "%s", err.text);
    }
    return 0;
}

/* A partial form that does not fit: one object for a list, a list for an object. False: it is another one. */
static bool refuse_form(struct tph_api_call *call)
{
    struct tph_accept ignored;
    const struct tph_kind *k = call->route.kind;
    bool list = call->route.collection && !call->route.watch;
    unsigned other = 1U << (list ? TPH_FORM_PARTIAL : TPH_FORM_PARTIAL_LIST);
    if (!k ||
        tph_accept_read(call->request->accept, other, (k->flags & TPH_KIND_CUSTOM) != 0, &ignored) != TPH_ACCEPT_OK) {
        return false;
    }
    bool custom = (k->flags & TPH_KIND_CUSTOM) != 0;
    if (custom && !list) {
        (void)tph_status_internal(&call->status, "content is not a list");
        return true;
    }
    (void)tph_status_set(&call->status, 406, "NotAcceptable",
                         "you requested %s, but the requested object is %s list (*%s%s)",
                         list ? "PartialObjectMetadata" : "PartialObjectMetadataList", list ? "a" : "not a",
                         custom ? "unstructured.Unstructured" : "core.",
                         custom ? "List"
                         : list ? k->list_kind
                                : k->kind);
    return true;
}

static int check_accept(struct tph_api_call *call)
{
    unsigned forms = 0;
    if (call->route.what == TPH_ROUTE_PATH) {
        forms = 1U << TPH_FORM_DISCOVERY;
    } else if (strcmp(call->route.ask.verb, "list") == 0 || strcmp(call->route.ask.verb, "deletecollection") == 0) {
        forms = 1U << TPH_FORM_TABLE | 1U << TPH_FORM_PARTIAL_LIST;
    } else {
        forms = 1U << TPH_FORM_TABLE | 1U << TPH_FORM_PARTIAL;
    }
    const struct tph_kind *k = call->route.kind;
    bool is_custom = k && (k->flags & TPH_KIND_CUSTOM) != 0;
    switch (tph_accept_read(call->request->accept, forms, is_custom, &call->accept)) {
    case TPH_ACCEPT_OK:
        if (call->accept.yaml && call->route.watch) {
            return tph_status_set(&call->status, 406, "NotAcceptable",
                                  "only the following media types are accepted: application/json;stream=watch, "
                                  "application/vnd.kubernetes.protobuf;stream=watch");
        }
        return call->accept.form == TPH_FORM_TABLE ? begin_table(call) : 0;
    case TPH_ACCEPT_NOT_MEDIA:
        if (is_custom || (!k && tph_str_has_prefix(call->route.ask.path, TPH_STR("/apis")))) {
            break;
        }
        return tph_status_set_bare(&call->status, 406, "NotAcceptable",
                                   "406: Not Acceptable\n\nAvailable representations: application/json, "
                                   "application/yaml, application/vnd.kubernetes.protobuf");
    case TPH_ACCEPT_NOT_FORM:
        if (refuse_form(call)) {
            return -1;
        }
        break;
    }
    return tph_status_set(&call->status, 406, "NotAcceptable",
                          "only the following media types are accepted: application/json, application/yaml, "
                          "application/vnd.kubernetes.protobuf");
}

/* `timeout`, which only must be a duration: what counts is timeoutSeconds. */
static int check_timeout(struct tph_api_call *call)
{
    struct tph_str text = tph_query_str(&call->query, "timeout");
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns;
    if (text.len > 0 && tph_duration_parse_go(text, &ns, &err) < 0) {
        return tph_status_bad_request(&call->status, "invalid timeout specified in the request URL - %s", err.text);
    }
    return 0;
}

static void serve_resource(struct tph_api_call *call)
{
    const char *verb = call->route.ask.verb;
    static const struct {
        const char *verb;
        void (*serve)(struct tph_api_call *call);
    } verbs[] = {
        {"get", tph_api_get},       {"list", tph_api_list},
        {"watch", tph_api_watch},   {"create", tph_api_create},
        {"update", tph_api_put},    {"patch", tph_api_patch},
        {"delete", tph_api_delete}, {"deletecollection", tph_api_delete_collection},
    };
    if ((call->route.kind->flags & TPH_KIND_VIRTUAL) != 0) {
        tph_api_review(call);
        return;
    }
    if (call->route.sub && strcmp(call->route.sub->kind, "TokenRequest") == 0) {
        tph_api_token(call);
        return;
    }
    const struct tph_store_key key = tph_call_key(call);
    if (!tph_api_is_key(&key)) {
        (void)tph_status_not_found(&call->status, call->route.kind, call->route.ask.name);
        tph_call_fail(call);
        return;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verb, verbs[i].verb) == 0) {
            verbs[i].serve(call);
            return;
        }
    }
    (void)tph_status_method(&call->status);
    tph_call_fail(call);
}

static void serve(struct tph_api_call *call)
{
    if (call->api->stopped) {
        call->status.retry_after_s = 1;
        (void)tph_status_set_bare(&call->status, 503, "ServiceUnavailable", "the server is stopping");
        tph_call_fail(call);
        return;
    }
    if (tph_call_check_access(call) < 0) {
        tph_call_fail(call);
        return;
    }
    if (call->route.what == TPH_ROUTE_NOWHERE) {
        tph_call_answer(call, 404, "text/plain; charset=utf-8", TPH_STR("404 page not found\n"));
        return;
    }
    if (call->route.what == TPH_ROUTE_UNKNOWN) {
        bool custom = call->route.kind && (call->route.kind->flags & TPH_KIND_CUSTOM) != 0;
        (void)(custom ? tph_status_not_found(&call->status, call->route.kind, call->route.ask.name)
                      : tph_status_unknown_path(&call->status));
        tph_call_fail(call);
        return;
    }
    if (call->route.what == TPH_ROUTE_METHOD) {
        const struct tph_kind *k = call->route.kind;
        (void)tph_status_method(&call->status);
        if (call->route.sub && k && (k->flags & TPH_KIND_CUSTOM) != 0) {
            (void)tph_status_set_bare(&call->status, 405, "MethodNotAllowed",
                                      "%s is not supported on resources of kind \"%s\"", call->route.ask.verb,
                                      k->resource);
            tph_status_about(&call->status, k, TPH_STR_NONE, false);
        }
        tph_call_fail(call);
        return;
    }
    bool openapi = tph_str_has_prefix(call->route.ask.path, TPH_STR("/openapi/")); /* has types of its own */
    if (check_timeout(call) < 0 || (!openapi && check_accept(call) < 0)) {
        tph_call_fail(call);
        return;
    }
    if (call->request->body.len > TPH_LIMIT_API_BODY) {
        (void)tph_status_set(&call->status, 413, "RequestEntityTooLarge", "Request entity too large: limit is %zu",
                             (size_t)TPH_LIMIT_API_BODY);
        tph_call_fail(call);
        return;
    }
    if (call->route.what == TPH_ROUTE_PATH) {
        tph_api_path(call);
    } else {
        serve_resource(call);
    }
}

struct tph_api_call *tph_api_call(struct tph_api *api, const struct tph_api_request *request,
                                  const struct tph_api_sink *sink, void *owner)
{
    struct tph_api_call *call = TPH_NEW(struct tph_api_call);
    bool over = false;
    *call = (struct tph_api_call){.api = api,
                                  .next = api->first,
                                  .request = request,
                                  .sink = sink,
                                  .owner = owner,
                                  .over = &over,
                                  .code = 200,
                                  .warnings = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER),
                                  .location = TPH_BUF_INIT(TPH_KIB(4)),
                                  .name = TPH_BUF_INIT(TPH_LIMIT_API_BODY),
                                  .text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    if (api->first) {
        api->first->previous = call;
    }
    api->first = call;
    tph_status_init(&call->status);
    tph_call_begin_id(call);
    struct tph_str target = tph_str(request->target);
    ptrdiff_t mark = tph_str_find_byte(target, '?');
    struct tph_str path = tph_str_slice(target, 0, mark < 0 ? target.len : (size_t)mark);
    tph_query_read(mark < 0 ? TPH_STR_NONE : tph_str_slice(target, (size_t)mark + 1, target.len), &call->query);
    tph_route_read(request->method, path, &call->query, &call->route);
    serve(call);
    if (over) {
        return NULL;
    }
    call->over = NULL;
    return call;
}

void tph_api_drained(struct tph_api_call *call)
{
    if (call->watch) {
        tph_api_watch_pump(call);
    } else if (call->log) {
        tph_api_log_pump(call);
    }
}

void tph_api_gone(struct tph_api_call *call)
{
    call->request = NULL;
    if (call->watch || call->log) {
        tph_call_end(call);
    }
}

int tph_api_new(const struct tph_api_config *config, struct tph_api **ret_api, struct tph_error *err)
{
    struct tph_api *api = TPH_NEW(struct tph_api);
    api->config = *config;
    tph_random_bytes(&api->random, sizeof(api->random));
    api->config.address = config->address ? config->address : "127.0.0.1";
    api->config.bookmark_ms = config->bookmark_ms > 0 ? config->bookmark_ms : TPH_LIMIT_API_BOOKMARK_MS;
    if (tph_gc_new(api, &api->gc, err) < 0) {
        tph_api_free(api);
        return -1;
    }
    *ret_api = api;
    return 0;
}

void tph_api_stop(struct tph_api *api)
{
    api->stopped = true;
    tph_gc_stop(api->gc);
    struct tph_api_call *next;
    for (struct tph_api_call *call = api->first; call; call = next) {
        next = call->next;
        if (call->watch || call->log) {
            call->sink->end(call->owner);
            tph_call_end(call);
        }
    }
}

void tph_api_free(struct tph_api *api)
{
    if (!api) {
        return;
    }
    tph_gc_free(api->gc);
    api->gc = NULL;
    while (api->first) {
        tph_call_end(api->first);
    }
    tph_documents_release(&api->documents);
    free(api);
}
