/* SPDX-License-Identifier: Apache-2.0 */
/* One object, and lists of them, in pages. */
#include <string.h>

#include "apiserver/internal.h"
#include "apiserver/list.h"
#include "apiserver/select.h"
#include "base/limits.h"
#include "data/base64.h"
#include "data/quote.h"

/* A resourceVersion of a query. 0 and the number; -1: text has what Go says. */
static int read_version(struct tph_str text, uint64_t *ret_version, struct tph_buf *problem)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (!digit || value > UINT64_MAX / 10 - 1) {
            (void)tph_buf_puts(problem, "resourceVersion: Invalid value: ");
            tph_quote_go(text, problem);
            (void)tph_buf_puts(problem, ": strconv.ParseUint: parsing ");
            tph_quote_go(text, problem);
            (void)tph_buf_puts(problem, digit ? ": value out of range" : ": invalid syntax");
            return -1;
        }
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    *ret_version = value;
    return 0;
}

int tph_call_version(struct tph_api_call *call, bool list, uint64_t *ret_version)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER * 8);
    struct tph_str text = tph_query_str(&call->query, "resourceVersion");
    if (read_version(text, ret_version, &problem) < 0) {
        return list ? tph_status_bad_request(&call->status, "invalid resource version: %s", tph_buf_cstr(&problem))
                    : tph_status_internal(&call->status, "%s", tph_buf_cstr(&problem));
    }
    return 0;
}

static int check_not_too_new(struct tph_api_call *call, uint64_t version)
{
    uint64_t current = tph_store_version(call->api->config.store);
    if (version <= current) {
        return 0;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
    return tph_status_too_new(&call->status, text, current);
}

void tph_api_get(struct tph_api_call *call)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_key key = tph_call_key(call);
    uint64_t version = 0;
    if (tph_call_version(call, false, &version) < 0 || check_not_too_new(call, version) < 0) {
        tph_call_fail(call);
        return;
    }
    int found = tph_store_get(call->api->config.store, &key, 0, &object, &err);
    if (found < 0) {
        tph_call_error(call, &err);
        return;
    }
    const struct tph_api_pods *pods = call->api->config.pods;
    if (found != 0 && pods && version == 0 && tph_str_eqz(key.resource, "pods") &&
        pods->find(pods->owner, key.ns, key.name, &object.text)) {
        object.version = tph_store_version(call->api->config.store);
        found = 0;
    }
    if (found != 0) {
        (void)tph_status_not_found(&call->status, call->route.kind, key.name);
        tph_call_fail(call);
        return;
    }
    if (call->route.sub && strcmp(call->route.sub->name, "log") == 0) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_object_read(tph_buf_str(&object.text), 0, &doc, &err) < 0) {
            tph_call_error(call, &err);
            return;
        }
        tph_api_log(call, tph_json_root(doc));
        return;
    }
    (void)tph_buf_put(&call->text, tph_buf_str(&object.text));
    call->version = object.version;
    tph_call_answer_object(call);
}

/* ---- continue tokens: base64url of {"v":"meta.k8s.io/v1","rv":N,"start":"ns/name\u0000"} ---- */

static void code_token(int64_t version, struct tph_str start, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_KIB(8));
    TPH_CLEANUP(tph_buf_release) struct tph_buf coded = TPH_BUF_INIT(TPH_KIB(16));
    (void)tph_buf_printf(&json, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":", (long long)version);
    tph_json_write_str(start, TPH_JSON_HTML, &json);
    (void)tph_buf_putc(&json, '}');
    tph_base64_encode(tph_buf_str(&json), &coded);
    for (size_t i = 0; i < coded.len && coded.bytes[i] != '='; i++) {
        char c = coded.bytes[i];
        (void)tph_buf_putc(out, c == '+' ? '-' : c == '/' ? '_' : c);
    }
}

static void put_token(const struct tph_api_call *call, uint64_t version, struct tph_str ns, struct tph_str name,
                      struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf start = TPH_BUF_INIT(TPH_KIB(4));
    bool everywhere = call->route.kind->namespaced && call->route.ask.ns.len == 0;
    (void)tph_buf_putc(&start, '/');
    if (everywhere) {
        (void)tph_buf_printf(&start, "%.*s/", TPH_FMT(ns));
    }
    (void)tph_buf_put(&start, name);
    (void)tph_buf_append(&start, "\0", 1);
    code_token((int64_t)version, tph_buf_str(&start), out);
}

static int bad_token(struct tph_api_call *call, const char *problem)
{
    return tph_status_bad_request(&call->status, "invalid continue token: continue key is not valid: %s", problem);
}

static int decode_token(struct tph_api_call *call, struct tph_str token, struct tph_buf *json)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf coded = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER * 2);
    size_t fault = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.p[i];
        (void)tph_buf_putc(&coded, c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (coded.len % 4 != 0) {
        (void)tph_buf_putc(&coded, '=');
    }
    if (tph_base64_decode_at(tph_buf_str(&coded), json, &fault) < 0) {
        char problem[64];
        (void)snprintf(problem, sizeof(problem), "illegal base64 data at input byte %zu", fault);
        return bad_token(call, problem);
    }
    return 0;
}

/* Where a token goes on. at stays 0 when it asks for what is there now (rv -1). */
static int read_token(struct tph_api_call *call, struct tph_str token, struct tph_list *list)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER * 2);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_json_fault fault;
    struct tph_error err = TPH_ERROR_INIT;
    int64_t version = 0;
    if (decode_token(call, token, &json) < 0) {
        return -1;
    }
    if (tph_json_check(tph_buf_str(&json), &fault) != TPH_JSON_FAULT_NONE) {
        return bad_token(call, fault.text);
    }
    if (tph_json_parse(tph_buf_str(&json), &doc, &err) < 0) {
        return bad_token(call, err.text);
    }
    const struct tph_json *root = tph_json_root(doc);
    struct tph_str v = tph_json_get_str(root, "v");
    struct tph_str start = tph_json_get_str(root, "start");
    if (!tph_str_eqz(v, "meta.k8s.io/v1")) {
        char problem[128];
        (void)snprintf(problem, sizeof(problem), "server does not recognize this encoded version %.*s",
                       v.len > 40 ? 40 : (int)v.len, tph_str_fmt_ptr(v));
        return bad_token(call, problem);
    }
    if (start.len == 0) {
        return bad_token(call, "encoded start key empty (version meta.k8s.io/v1)");
    }
    if (tph_json_to_i64(tph_json_get(root, "rv"), &version) < 0 || version == 0) {
        return bad_token(call, "incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    }
    if (tph_str_find(start, TPH_STR("..")) >= 0) {
        char problem[128];
        (void)snprintf(problem, sizeof(problem), "%.*s", start.len > 100 ? 100 : (int)start.len,
                       tph_str_fmt_ptr(start));
        return bad_token(call, problem);
    }
    start = tph_str_has_prefix(start, TPH_STR("/")) ? tph_str_slice(start, 1, start.len) : start;
    start.len -= start.len > 0 && start.p[start.len - 1] == '\0';
    (void)tph_buf_put(&list->start, start);
    list->continued = true;
    list->at = version > 0 ? (uint64_t)version : 0;
    return version > 0 ? check_not_too_new(call, (uint64_t)version) : 0;
}

/* ---- options ---- */

static int check_list_options(struct tph_api_call *call)
{
    struct tph_status *s = &call->status;
    struct tph_str version = tph_query_str(&call->query, "resourceVersion");
    struct tph_str match = tph_query_str(&call->query, "resourceVersionMatch");
    if (match.len > 0) {
        if (version.len == 0) {
            tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                             "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if (tph_query_str(&call->query, "continue").len > 0) {
            tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                             "Forbidden: resourceVersionMatch is forbidden when continue is provided");
        }
        if (!tph_str_eqz(match, "Exact") && !tph_str_eqz(match, "NotOlderThan")) {
            tph_status_fault(s, TPH_FAULT_NOT_SUPPORTED, "resourceVersionMatch",
                             "Unsupported value: \"%.*s\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
                             TPH_FMT(match));
        }
        if (tph_str_eqz(match, "Exact") && tph_str_eqz(version, "0")) {
            tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                             "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
    }
    if (tph_query_get(&call->query, "sendInitialEvents", NULL)) {
        tph_status_fault(s, TPH_FAULT_FORBIDDEN, "sendInitialEvents",
                         "Forbidden: sendInitialEvents is forbidden for list");
    }
    return tph_status_invalid_options(s, "ListOptions");
}

int tph_list_begin(struct tph_api_call *call, struct tph_list *list)
{
    struct tph_str token = tph_query_str(&call->query, "continue");
    struct tph_str version_text = tph_query_str(&call->query, "resourceVersion");
    int64_t limit = 0;
    int64_t ignored = 0;
    uint64_t version = 0;
    *list = (struct tph_list){.start = TPH_BUF_INIT(TPH_KIB(8)), .select = {.fields = TPH_FIELDSEL_INIT}};
    if (tph_call_number(call, "limit", &limit) < 0 || tph_call_number(call, "timeoutSeconds", &ignored) < 0 ||
        check_list_options(call) < 0 ||
        tph_select_read(call->route.kind, &call->query, &call->status, &list->select) < 0) {
        return -1;
    }
    if (token.len > 0) {
        if (version_text.len > 0 && !tph_str_eqz(version_text, "0")) {
            return tph_status_bad_request(&call->status,
                                          "specifying resource version is not allowed when using continue");
        }
        if (read_token(call, token, list) < 0) {
            return -1;
        }
    } else if (tph_call_version(call, true, &version) < 0 || check_not_too_new(call, version) < 0) {
        return -1;
    }
    list->limit = limit > 0 && !tph_str_eqz(version_text, "0") ? (size_t)limit : 0;
    bool exact = tph_query_str(&call->query, "resourceVersionMatch").len == 5;
    bool paged = list->limit > 0 && tph_query_str(&call->query, "resourceVersionMatch").len == 0;
    if (version > 0 && (exact || paged)) {
        list->at = version;
    }
    return 0;
}

void tph_list_release(struct tph_list *list)
{
    tph_select_release(&list->select);
    tph_buf_release(&list->start);
}

/* ---- walking ---- */

struct walk {
    struct tph_api_call *call;
    struct tph_list *list;
    tph_list_each_fn *each;
    void *owner;
    size_t n;
    bool full;
    int64_t left; /* objects after the page; -1: too many to count */
    struct tph_buf last_ns, last_name;
    int failed;
};

static bool walk_one(void *owner, const struct tph_store_object *object)
{
    struct walk *w = owner;
    const struct tph_select *select = &w->list->select;
    if (w->full) {
        w->left = w->left < TPH_LIMIT_API_COUNT ? w->left + 1 : -1;
        return select->all && w->left >= 0;
    }
    bool named = select->name.len == 0 || tph_str_eq(select->name, object->key.name);
    if (!named || !tph_select_matches(select, w->call->route.kind, tph_buf_str(&object->text))) {
        return true;
    }
    if (w->each(w->owner, object) < 0) {
        w->failed = -1;
        return false;
    }
    w->n++;
    if (w->list->limit > 0 && w->n == w->list->limit) {
        tph_buf_clear(&w->last_ns);
        tph_buf_clear(&w->last_name);
        (void)tph_buf_put(&w->last_ns, object->key.ns);
        (void)tph_buf_put(&w->last_name, object->key.name);
        w->full = true;
        return select->all; /* the rest is counted, or only asked whether there is one */
    }
    return true;
}

static int expired(struct tph_api_call *call, const struct tph_list *list)
{
    if (!list->continued) {
        return tph_status_set(&call->status, 410, "Expired", "The resourceVersion for the provided list is too old.");
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf start = TPH_BUF_INIT(TPH_KIB(8));
    (void)tph_buf_printf(&start, "/%s", tph_buf_cstr(&list->start));
    (void)tph_buf_append(&start, "\0", 1);
    code_token(-1, tph_buf_str(&start), &call->status.token);
    return tph_status_set(
        &call->status, 410, "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.");
}

int tph_list_walk(struct tph_api_call *call, struct tph_list *list, tph_list_each_fn *each, void *owner,
                  struct tph_buf *token)
{
    struct walk w = {.call = call,
                     .list = list,
                     .each = each,
                     .owner = owner,
                     .last_ns = TPH_BUF_INIT(TPH_KIB(4)),
                     .last_name = TPH_BUF_INIT(TPH_KIB(4))};
    struct tph_store_page page = {.version = 0};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_list ask = {.key = tph_call_key(call), .at = list->at};
    struct tph_store_key after = ask.key;
    struct tph_str start = tph_buf_str(&list->start);
    ask.key.name = list->continued ? TPH_STR_NONE : list->select.name;
    if (list->continued) {
        after.name = start;
        if (call->route.kind->namespaced && after.ns.len == 0) {
            struct tph_str rest = start;
            (void)tph_str_cut(&rest, '/', &after.ns);
            after.name = rest;
        }
        ask.after = &after;
    }
    int found = tph_store_list(call->api->config.store, &ask, walk_one, &w, &page, &err);
    if (found == 0 && w.failed == 0) {
        list->version = page.version;
        list->remaining = w.full && list->select.all && w.left > 0 ? w.left : 0;
        if (w.full && (page.more || w.left != 0)) {
            put_token(call, page.version, tph_buf_str(&w.last_ns), tph_buf_str(&w.last_name), token);
        }
    } else if (found > 0) {
        found = expired(call, list);
    } else if (found < 0) {
        found = tph_status_internal(&call->status, "%s", err.text);
    }
    tph_buf_release(&w.last_ns);
    tph_buf_release(&w.last_name);
    return found == 0 ? w.failed : -1;
}

/* ---- lists as answers ---- */

struct items {
    struct tph_api_call *call;
    struct tph_buf text;
    size_t n;
};

static int check_length(struct items *items)
{
    if (tph_buf_failed(&items->text)) {
        return tph_status_set(&items->call->status, 413, "RequestEntityTooLarge",
                              "the list has more than %zu bytes: ask for it in pages with limit=500",
                              (size_t)TPH_LIMIT_API_LIST);
    }
    return 0;
}

static int put_item(void *owner, const struct tph_store_object *object)
{
    struct items *items = owner;
    const struct tph_kind *k = items->call->route.kind;
    struct tph_error err = TPH_ERROR_INIT;
    if (items->call->accept.form == TPH_FORM_TABLE) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        if (tph_object_read(tph_buf_str(&object->text), object->version, &doc, &err) < 0) {
            return tph_status_internal(&items->call->status, "%s", err.text);
        }
        tph_table_row(&items->call->table, tph_json_root(doc), items->n++ == 0, &items->text);
        return check_length(items);
    }
    unsigned flags = items->call->accept.form == TPH_FORM_PARTIAL_LIST ? TPH_SERVE_PARTIAL
                     : (k->flags & TPH_KIND_CUSTOM) != 0               ? 0
                                                                       : TPH_SERVE_UNTYPED;
    (void)tph_buf_puts(&items->text, items->n++ > 0 ? "," : "");
    if (tph_object_serve(k, tph_buf_str(&object->text), object->version, flags, &items->text, &err) < 0) {
        return tph_status_internal(&items->call->status, "%s", err.text);
    }
    return check_length(items);
}

void tph_list_put_meta(const struct tph_list *list, struct tph_str token, bool always, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "{\"resourceVersion\":\"%llu\"", (unsigned long long)list->version);
    if (token.len > 0 || always) {
        (void)tph_buf_printf(out, ",\"continue\":\"%.*s\"", TPH_FMT(token));
    }
    if (list->remaining > 0 && token.len > 0) {
        (void)tph_buf_printf(out, ",\"remainingItemCount\":%lld", (long long)list->remaining);
    }
    (void)tph_buf_putc(out, '}');
}

static void put_list(const struct tph_api_call *call, const struct tph_list *list, struct tph_str token,
                     const struct items *items, struct tph_buf *out)
{
    const struct tph_kind *k = call->route.kind;
    bool partial = call->accept.form == TPH_FORM_PARTIAL_LIST;
    char version[TPH_API_VERSION_TEXT];
    (void)tph_buf_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":",
                         partial ? "PartialObjectMetadataList" : k->list_kind,
                         partial ? "meta.k8s.io/v1" : tph_kind_api_version(k, version));
    tph_list_put_meta(list, token, !partial && (k->flags & TPH_KIND_CUSTOM) != 0, out);
    if (partial && items->n == 0) {
        (void)tph_buf_puts(out, ",\"items\":null}");
        return;
    }
    (void)tph_buf_puts(out, ",\"items\":[");
    (void)tph_buf_put(out, tph_buf_str(&items->text));
    (void)tph_buf_puts(out, "]}");
}

static void put_table(const struct tph_api_call *call, const struct tph_list *list, struct tph_str token,
                      const struct items *items, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(32));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    tph_list_put_meta(list, token, false, &text);
    if (tph_json_parse(tph_buf_str(&text), &doc, &err) < 0) {
        return;
    }
    tph_table_begin(&call->table, tph_json_root(doc), out);
    (void)tph_buf_put(out, tph_buf_str(&items->text));
    tph_table_end(out);
}

void tph_api_list(struct tph_api_call *call)
{
    struct tph_list list;
    struct items items = {.call = call, .text = TPH_BUF_INIT(TPH_LIMIT_API_LIST)};
    TPH_CLEANUP(tph_buf_release) struct tph_buf token = TPH_BUF_INIT(TPH_KIB(16));
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_API_LIST + TPH_KIB(64));
    if (tph_list_begin(call, &list) < 0 || tph_list_walk(call, &list, put_item, &items, &token) < 0) {
        tph_list_release(&list);
        tph_buf_release(&items.text);
        tph_call_fail(call);
        return;
    }
    if (call->accept.form == TPH_FORM_TABLE) {
        put_table(call, &list, tph_buf_str(&token), &items, &out);
    } else {
        put_list(call, &list, tph_buf_str(&token), &items, &out);
    }
    tph_list_release(&list);
    tph_buf_release(&items.text);
    tph_call_json(call, 200, tph_buf_str(&out));
}
