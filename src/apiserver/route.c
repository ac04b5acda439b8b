/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/route.h"

#include <strings.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

enum { MAX_PARTS = 12 };

struct parts {
    struct tph_str list[MAX_PARTS];
    size_t n;
    bool odd; /* empty or dot segments, or too many */
};

static void cut_path(struct tph_str path, struct parts *parts)
{
    struct tph_str rest = tph_str_slice(path, 1, path.len);
    struct tph_str part;
    *parts = (struct parts){.n = 0};
    if (tph_str_has_suffix(rest, TPH_STR("/"))) {
        rest.len--; /* one slash at the end is no matter */
    }
    while (rest.p && rest.len > 0 && tph_str_cut(&rest, '/', &part)) {
        if (part.len == 0 || tph_str_eqz(part, ".") || tph_str_eqz(part, "..") || parts->n == MAX_PARTS) {
            parts->odd = true;
            return;
        }
        parts->list[parts->n++] = part;
    }
}

static const char *verb_of(const char *method, bool named, bool watch)
{
    static const struct {
        const char *method, *collection, *object;
    } verbs[] = {
        {"GET", "list", "get"},      {"HEAD", "list", "get"},     {"POST", "create", "create"},
        {"PUT", "update", "update"}, {"PATCH", "patch", "patch"}, {"DELETE", "deletecollection", "delete"},
    };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(method, verbs[i].method) == 0) {
            return watch && !named && i < 2 ? "watch" : named ? verbs[i].object : verbs[i].collection;
        }
    }
    return "";
}

static const char *small_method(const char *method)
{
    static const char *const names[] = {"get", "head", "post", "put", "patch", "delete", "options"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(method, names[i]) == 0) {
            return names[i];
        }
    }
    return "";
}

/* Whether `ask` names a resource, and which: RequestInfo of apiserver. */
static bool read_resource(struct parts *parts, struct tph_api_attributes *ask)
{
    size_t at = 0;
    if (parts->n < 3) {
        return false;
    }
    if (tph_str_eqz(parts->list[0], "api")) {
        ask->version = parts->list[1];
        at = 2;
    } else if (tph_str_eqz(parts->list[0], "apis") && parts->n > 3) {
        ask->group = parts->list[1];
        ask->version = parts->list[2];
        at = 3;
    } else {
        return false;
    }
    if (tph_str_eqz(parts->list[at], "namespaces") && parts->n > at + 1) {
        ask->ns = parts->list[at + 1];
        bool own = parts->n > at + 2 &&
                   (tph_str_eqz(parts->list[at + 2], "status") || tph_str_eqz(parts->list[at + 2], "finalize"));
        if (parts->n > at + 2 && !own) {
            at += 2;
        }
    }
    ask->resource = parts->list[at];
    ask->name = parts->n > at + 1 ? parts->list[at + 1] : TPH_STR_NONE;
    ask->sub = parts->n > at + 2 ? parts->list[at + 2] : TPH_STR_NONE;
    return true;
}

/* The verb's bit for a method on a collection (or an object). */
static unsigned bit_of(const char *verb)
{
    for (unsigned bit = 1; bit <= TPH_API_DELETE_COLLECTION; bit <<= 1U) {
        if (strcmp(verb, tph_api_verb_name((enum tph_api_verb)bit)) == 0) {
            return bit;
        }
    }
    return 0;
}

/* A subresource: known, and with this method. */
static enum tph_route_kind find_sub(struct tph_route *r, const char *method, unsigned bit)
{
    r->sub = tph_kind_sub_find(r->kind, r->ask.sub);
    if (!r->sub) {
        return TPH_ROUTE_UNKNOWN;
    }
    return (r->sub->verbs & bit) != 0 && strcmp(method, "HEAD") != 0 ? TPH_ROUTE_RESOURCE : TPH_ROUTE_METHOD;
}

/* Whether a resource takes a verb at all; built-in ones do not take those of objects on their collections. */
static bool takes(const struct tph_route *r, const char *method, unsigned bit)
{
    bool custom = (r->kind->flags & TPH_KIND_CUSTOM) != 0;
    bool of_objects = bit == TPH_API_UPDATE || bit == TPH_API_PATCH;
    bool misplaced = r->collection ? of_objects : bit == TPH_API_CREATE;
    return strcmp(method, "HEAD") != 0 && (r->kind->verbs & bit) != 0 && (custom || !misplaced);
}

static enum tph_route_kind find(struct tph_route *r, const char *method)
{
    const struct tph_api_attributes *ask = &r->ask;
    bool built_in = tph_kind_group_built_in(ask->group);
    enum tph_route_kind nowhere = built_in ? TPH_ROUTE_UNKNOWN : TPH_ROUTE_NOWHERE;
    r->kind = tph_kind_find(ask->group, ask->version, ask->resource);
    if (!r->kind) {
        return nowhere;
    }
    bool is_namespace = strcmp(r->kind->resource, "namespaces") == 0;
    bool everywhere = r->kind->namespaced && ask->ns.len == 0;
    bool misplaced = !r->kind->namespaced && ask->ns.len > 0 && !is_namespace;
    bool no_name = ask->ns.len + ask->name.len > TPH_LIMIT_STORE_KEY / 2; /* that is longer than any may be */
    if (no_name || misplaced || (everywhere && ask->name.len > 0)) {
        return nowhere;
    }
    r->collection = ask->name.len == 0;
    unsigned bit = bit_of(ask->verb);
    if (ask->sub.len > 0) {
        return find_sub(r, method, bit);
    }
    if (everywhere && bit != TPH_API_LIST && bit != TPH_API_WATCH) {
        return built_in ? TPH_ROUTE_METHOD : TPH_ROUTE_NOWHERE;
    }
    return takes(r, method, bit) ? TPH_ROUTE_RESOURCE : TPH_ROUTE_METHOD;
}

void tph_route_read(const char *method, struct tph_str path, const struct tph_query *query, struct tph_route *ret_route)
{
    struct tph_route r = {.text = tph_malloc(path.len + 1)};
    struct parts parts;
    bool whole = path.len > 0 && tph_query_unescape(path, false, r.text, &r.ask.path);
    bool no_name = whole && memchr(r.ask.path.p, '\0', r.ask.path.len); /* of anything that could be there */
    if (!whole || no_name || r.ask.path.len == 0 || r.ask.path.p[0] != '/') {
        r.what = TPH_ROUTE_NOWHERE;
        r.ask.verb = small_method(method);
        *ret_route = r;
        return;
    }
    cut_path(r.ask.path, &parts);
    r.ask.is_resource = read_resource(&parts, &r.ask);
    r.watch = tph_query_bool(query, "watch");
    if (!r.ask.is_resource) {
        r.ask.verb = small_method(method);
        r.what = parts.odd ? TPH_ROUTE_NOWHERE : TPH_ROUTE_PATH;
    } else {
        r.ask.verb = verb_of(method, r.ask.name.len > 0, r.watch);
        r.what =
            parts.odd ? tph_kind_group_built_in(r.ask.group) ? TPH_ROUTE_UNKNOWN : TPH_ROUTE_NOWHERE : find(&r, method);
        r.watch = r.watch && r.collection;
    }
    *ret_route = r;
}

void tph_route_release(struct tph_route *route)
{
    free(route->text);
    route->text = NULL;
}
