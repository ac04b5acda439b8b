/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: what is there, what changes, bookmarks.
 *
 * A watch queues nothing of its own: it reads the store's history as fast as its client takes it. What is there comes
 * in pages of one version, so that a large list does not fill the client's queue. */
#include <string.h>

#include "apiserver/list.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/random.h"

enum phase {
    PHASE_INITIAL, /* ADDED for what is there at version `at` */
    PHASE_MARK,    /* the bookmark behind it */
    PHASE_LIVE,
};

struct tph_api_watch {
    struct tph_api_call *call;
    struct tph_select select;
    enum phase phase;
    bool marks_initial; /* WatchList: a bookmark tells that what was there is through */
    bool bookmarks;
    uint64_t at; /* the version that is shown at first; then of the last event */
    struct tph_buf after_ns, after_name;
    bool has_after;
    struct tph_store_watch *store;
    struct tph_timer *timer;
    int64_t ends_at_ms, bookmark_at_ms;
    bool last_bookmark_given;
    bool pumping, ended;
    struct tph_buf line; /* being written; kept when the client takes no more */
    bool line_waits;
};

void tph_api_watch_free(struct tph_api_watch *watch)
{
    if (!watch) {
        return;
    }
    tph_defer_cancel(watch->call->api->config.loop, watch);
    tph_store_watch_close(watch->store);
    tph_timer_free(watch->timer);
    tph_select_release(&watch->select);
    tph_buf_release(&watch->after_ns);
    tph_buf_release(&watch->after_name);
    tph_buf_release(&watch->line);
    free(watch);
}

/* ---- lines ---- */

/* Gives the line to the client. False: it waits for tph_api_drained. */
static bool put_line(struct tph_api_watch *w)
{
    if (!w->call->sink->write(w->call->owner, tph_buf_str(&w->line))) {
        w->line_waits = true;
        return false;
    }
    w->line_waits = false;
    tph_buf_clear(&w->line);
    return true;
}

static bool put_event(struct tph_api_watch *w, const char *type, struct tph_str text, uint64_t version)
{
    struct tph_error err = TPH_ERROR_INIT;
    tph_buf_clear(&w->line);
    (void)tph_buf_printf(&w->line, "{\"type\":\"%s\",\"object\":", type);
    if (tph_call_object_form(w->call, text, version, &w->line, &err) < 0) {
        tph_buf_clear(&w->line);
        return true; /* what cannot be read is left out */
    }
    w->call->table.bare = true; /* columns are told once */
    (void)tph_buf_puts(&w->line, "}\n");
    return put_line(w);
}

static bool put_table_bookmark(struct tph_api_watch *w, uint64_t version, bool initial)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_printf(&text, "{\"metadata\":{%s}}",
                         initial ? "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
    return put_event(w, "BOOKMARK", tph_buf_str(&text), version);
}

/* What Go writes of an empty object of a built-in kind beside its metadata: ,"spec":{},"status":{}. */
static void put_empty_members(const struct tph_kind *kind, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    const struct tph_go_options options = {.flags = 0};
    struct tph_json *object = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if ((kind->flags & TPH_KIND_CUSTOM) != 0 || !kind->type ||
        tph_go_convert(doc, tph_json_new_object(doc), kind->type, &options, &object, &err) < 0) {
        return;
    }
    struct tph_json_iter it = tph_json_iter(object);
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(it.key, "metadata")) {
            (void)tph_buf_putc(out, ',');
            tph_json_write_str(it.key, 0, out);
            (void)tph_buf_putc(out, ':');
            tph_json_write(it.value, 0, out);
        }
    }
}

static bool put_bookmark(struct tph_api_watch *w, uint64_t version, bool initial)
{
    const struct tph_kind *k = w->call->route.kind;
    bool partial = w->call->accept.form == TPH_FORM_PARTIAL;
    char api_version[TPH_API_VERSION_TEXT];
    TPH_CLEANUP(tph_buf_release) struct tph_buf rest = TPH_BUF_INIT(TPH_KIB(16));
    if (w->call->accept.form == TPH_FORM_TABLE) {
        return put_table_bookmark(w, version, initial);
    }
    tph_buf_clear(&w->line);
    (void)tph_buf_printf(&w->line,
                         "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{"
                         "\"resourceVersion\":\"%llu\"",
                         partial ? "PartialObjectMetadata" : k->kind,
                         partial ? "meta.k8s.io/v1" : tph_kind_api_version(k, api_version),
                         (unsigned long long)version);
    (void)tph_buf_puts(&w->line, initial ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}" : "}");
    if (!partial) {
        put_empty_members(k, &rest);
        (void)tph_buf_put(&w->line, tph_buf_str(&rest));
    }
    (void)tph_buf_puts(&w->line, "}}\n");
    return put_line(w);
}

static void put_error(struct tph_api_watch *w)
{
    tph_buf_clear(&w->line);
    (void)tph_buf_puts(&w->line, "{\"type\":\"ERROR\",\"object\":");
    tph_status_write(&w->call->status, &w->line);
    (void)tph_buf_puts(&w->line, "}\n");
    (void)put_line(w);
    w->ended = true;
}

static void put_expired(struct tph_api_watch *w, uint64_t from)
{
    struct tph_store *store = w->call->api->config.store;
    (void)tph_status_set(&w->call->status, 410, "Expired", "too old resource version: %llu (%llu)",
                         (unsigned long long)from, (unsigned long long)tph_store_floor(store));
    put_error(w);
}

/* ---- what is there ---- */

static bool initial_one(void *owner, const struct tph_store_object *object)
{
    struct tph_api_watch *w = owner;
    tph_buf_clear(&w->after_ns);
    tph_buf_clear(&w->after_name);
    (void)tph_buf_put(&w->after_ns, object->key.ns);
    (void)tph_buf_put(&w->after_name, object->key.name);
    w->has_after = true;
    if (!tph_select_matches(&w->select, w->call->route.kind, tph_buf_str(&object->text))) {
        return true;
    }
    return put_event(w, "ADDED", tph_buf_str(&object->text), object->version);
}

static void open_store_watch(struct tph_api_watch *w, uint64_t from);

static void wake(void *owner)
{
    struct tph_api_watch *w = owner;
    tph_api_watch_pump(w->call);
}

static struct tph_store_key watched_key(const struct tph_api_watch *w)
{
    struct tph_store_key key = tph_call_key(w->call);
    key.name = w->select.name;
    return key;
}

/* One page of what is there. False: the client is full, or there was a failure. */
static bool pump_initial(struct tph_api_watch *w)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_store_page page = {.version = 0};
    struct tph_store_key after = {.ns = tph_buf_str(&w->after_ns), .name = tph_buf_str(&w->after_name)};
    const struct tph_store_list list = {
        .key = watched_key(w), .after = w->has_after ? &after : NULL, .at = w->at, .limit = TPH_LIMIT_API_WATCH_BATCH};
    TPH_CLEANUP(tph_buf_release) struct tph_buf ns = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_put(&ns, after.ns); /* the callback changes what the list was begun with */
    (void)tph_buf_put(&name, after.name);
    after.ns = tph_buf_str(&ns);
    after.name = tph_buf_str(&name);
    after.resource = list.key.resource;
    int found = tph_store_list(w->call->api->config.store, &list, initial_one, w, &page, &err);
    if (found < 0) {
        (void)tph_status_internal(&w->call->status, "%s", err.text);
        put_error(w);
        return false;
    }
    if (found > 0) {
        put_expired(w, w->at);
        return false;
    }
    if (!page.more) {
        w->phase = w->marks_initial ? PHASE_MARK : PHASE_LIVE;
    }
    return !w->line_waits;
}

/* ---- what changes ---- */

/* The object as it was at a version; false when it was not there, or cannot be read. */
static bool read_at(struct tph_api_watch *w, const struct tph_store_key *key, uint64_t at,
                    struct tph_store_object *object)
{
    struct tph_error err = TPH_ERROR_INIT;
    return at > 0 && tph_store_get(w->call->api->config.store, key, at, object, &err) == 0;
}

/* What an event is for who sees only what is selected. */
static bool give_event(struct tph_api_watch *w, const struct tph_store_event *event)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object is = TPH_STORE_OBJECT_INIT;
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object was = TPH_STORE_OBJECT_INIT;
    const struct tph_kind *k = w->call->route.kind;
    bool exists = event->kind != TPH_STORE_DELETED && read_at(w, &event->key, event->version, &is);
    bool now = exists && tph_select_matches(&w->select, k, tph_buf_str(&is.text));
    bool look_back = event->kind == TPH_STORE_DELETED || (event->kind == TPH_STORE_MODIFIED && !w->select.all);
    bool before = look_back ? read_at(w, &event->key, event->version - 1, &was) &&
                                  tph_select_matches(&w->select, k, tph_buf_str(&was.text))
                            : event->kind == TPH_STORE_MODIFIED;
    if (now) {
        return put_event(w, before ? "MODIFIED" : "ADDED", tph_buf_str(&is.text), event->version);
    }
    return !before || put_event(w, "DELETED", tph_buf_str(&was.text), event->version);
}

static bool pump_live(struct tph_api_watch *w)
{
    for (unsigned i = 0; i < TPH_LIMIT_API_WATCH_BATCH; i++) {
        struct tph_store_event event;
        struct tph_error err = TPH_ERROR_INIT;
        int found = tph_store_watch_next(w->store, &event, &err);
        if (found == TPH_STORE_NONE) {
            return false;
        }
        if (found == TPH_STORE_EXPIRED) {
            put_expired(w, w->at);
            return false;
        }
        if (found < 0) {
            (void)tph_status_internal(&w->call->status, "%s", err.text);
            put_error(w);
            return false;
        }
        w->at = event.version;
        if (!give_event(w, &event)) {
            return false;
        }
    }
    tph_defer(w->call->api->config.loop, wake, w); /* others have their turn */
    return false;
}

static void open_store_watch(struct tph_api_watch *w, uint64_t from)
{
    struct tph_error err = TPH_ERROR_INIT;
    const struct tph_store_key key = watched_key(w);
    int found = tph_store_watch_open(w->call->api->config.store, &key, from, wake, w, &w->store, &err);
    if (found < 0) {
        (void)tph_status_internal(&w->call->status, "%s", err.text);
        put_error(w);
    } else if (found > 0) {
        put_expired(w, from);
    }
}

static void end(struct tph_api_call *call)
{
    call->sink->end(call->owner);
    tph_call_end(call);
}

void tph_api_watch_pump(struct tph_api_call *call)
{
    struct tph_api_watch *w = call->watch;
    if (w->pumping) {
        return;
    }
    if (!tph_call_still_allowed(call)) {
        end(call);
        return;
    }
    w->pumping = true;
    bool more = !w->line_waits || put_line(w);
    while (more && !w->ended) {
        if (w->phase == PHASE_INITIAL) {
            more = pump_initial(w);
        } else if (w->phase == PHASE_MARK) {
            w->phase = PHASE_LIVE;
            more = put_bookmark(w, w->at, true);
        } else if (!w->store) {
            open_store_watch(w, w->at);
        } else {
            more = pump_live(w);
        }
    }
    w->pumping = false;
    if (w->ended) {
        end(call);
    }
}

/* ---- time ---- */

static void arm(struct tph_api_watch *w)
{
    int64_t now = tph_loop_now_ms(w->call->api->config.loop);
    int64_t next = w->ends_at_ms;
    if (w->bookmarks && w->bookmark_at_ms < next) {
        next = w->bookmark_at_ms;
    }
    tph_timer_start(w->timer, next > now ? next - now : 0);
}

static void tick(void *owner)
{
    struct tph_api_watch *w = owner;
    struct tph_api_call *call = w->call;
    int64_t now = tph_loop_now_ms(call->api->config.loop);
    if (now >= w->ends_at_ms) {
        end(call);
        return;
    }
    if (w->bookmarks && now >= w->bookmark_at_ms) {
        int64_t last = w->ends_at_ms - TPH_LIMIT_API_LAST_MS;
        bool was_last = w->bookmark_at_ms >= last;
        w->bookmark_at_ms = now + call->api->config.bookmark_ms;
        if (w->bookmark_at_ms > last) {
            w->bookmark_at_ms = was_last ? INT64_MAX : last > now ? last : INT64_MAX;
        }
        if (w->store && !w->line_waits) {
            (void)put_bookmark(w, tph_store_watch_version(w->store), false);
        }
    }
    arm(w);
}

/* ---- options ---- */

static int check_options(struct tph_api_call *call)
{
    struct tph_status *s = &call->status;
    struct tph_str match = tph_query_str(&call->query, "resourceVersionMatch");
    bool initial = tph_query_get(&call->query, "sendInitialEvents", NULL);
    bool fits = tph_str_eqz(match, "NotOlderThan");
    if (initial && !fits) {
        tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                         "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if (match.len > 0 && !initial) {
        tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                         "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if (match.len > 0 && !fits) {
        tph_status_fault(s, TPH_FAULT_NOT_SUPPORTED, "resourceVersionMatch",
                         "Unsupported value: \"%.*s\": supported values: \"NotOlderThan\"", TPH_FMT(match));
    }
    if (tph_query_str(&call->query, "continue").len > 0) {
        tph_status_fault(s, TPH_FAULT_FORBIDDEN, "resourceVersionMatch",
                         "Forbidden: resourceVersionMatch is forbidden when continue is provided");
    }
    return tph_status_invalid_options(s, "ListOptions");
}

static int64_t random_timeout_s(void)
{
    uint32_t number = 0;
    tph_random_bytes(&number, sizeof(number));
    return TPH_LIMIT_API_WATCH_S + (int64_t)(number % TPH_LIMIT_API_WATCH_S);
}

static void begin_stream(struct tph_api_call *call)
{
    const struct tph_http_header headers[] = {{"Content-Type", "application/json"},
                                              {"Cache-Control", "no-cache, private"}};
    tph_call_done(call, 200);
    call->sink->begin(call->owner, &(struct tph_api_answer){.status = 200, .headers = headers, .n_headers = 2});
}

/* Where it begins: with what is there, or after a version. */
static void choose_start(struct tph_api_watch *w, uint64_t version)
{
    struct tph_api_call *call = w->call;
    struct tph_store *store = call->api->config.store;
    bool send = tph_query_bool(&call->query, "sendInitialEvents");
    bool given = tph_query_get(&call->query, "sendInitialEvents", NULL);
    w->bookmarks = tph_query_bool(&call->query, "allowWatchBookmarks");
    w->phase = (version == 0 && !given) || send ? PHASE_INITIAL : PHASE_LIVE;
    w->marks_initial = send && w->bookmarks;
    w->at = w->phase == PHASE_INITIAL || version == 0 ? tph_store_version(store) : version;
}

/* What is told as an event: a version of the future, no time at all. */
static bool check_start(struct tph_api_watch *w, uint64_t version, int64_t timeout_s)
{
    struct tph_api_call *call = w->call;
    uint64_t current = tph_store_version(call->api->config.store);
    char text[24];
    if (timeout_s < 0) {
        (void)tph_status_set(&call->status, 500, "InternalError", "context deadline exceeded");
        return false;
    }
    if (w->phase == PHASE_INITIAL && version > current) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
        (void)tph_status_too_new(&call->status, text, current);
        return false;
    }
    return true;
}

void tph_api_watch(struct tph_api_call *call)
{
    struct tph_select select;
    int64_t timeout_s = 0;
    int64_t ignored = 0;
    uint64_t version = 0;
    if (tph_call_number(call, "timeoutSeconds", &timeout_s) < 0 || tph_call_number(call, "limit", &ignored) < 0 ||
        check_options(call) < 0 || tph_select_read(call->route.kind, &call->query, &call->status, &select) < 0) {
        tph_call_fail(call);
        return;
    }
    if (tph_call_version(call, false, &version) < 0) {
        tph_select_release(&select);
        tph_call_fail(call);
        return;
    }
    struct tph_api_watch *w = TPH_NEW(struct tph_api_watch);
    struct tph_loop *loop = call->api->config.loop;
    *w = (struct tph_api_watch){.call = call,
                                .select = select,
                                .after_ns = TPH_BUF_INIT(TPH_KIB(4)),
                                .after_name = TPH_BUF_INIT(TPH_KIB(4)),
                                .line = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT + TPH_KIB(64))};
    call->watch = w;
    choose_start(w, version);
    int64_t length_s = timeout_s > 0 ? timeout_s : random_timeout_s();
    int64_t length_ms = (length_s < TPH_LIMIT_API_SECONDS ? length_s : TPH_LIMIT_API_SECONDS) * 1000;
    w->timer = tph_timer_new(loop, tick, w);
    w->ends_at_ms = tph_loop_now_ms(loop) + length_ms;
    int64_t last = length_ms - TPH_LIMIT_API_LAST_MS;
    int64_t first = call->api->config.bookmark_ms < last ? call->api->config.bookmark_ms : last;
    w->bookmark_at_ms = first > 0 ? tph_loop_now_ms(loop) + first : INT64_MAX;
    begin_stream(call);
    if (check_start(w, version, timeout_s)) {
        arm(w);
        tph_api_watch_pump(call);
    } else {
        put_error(w);
        end(call);
    }
}
