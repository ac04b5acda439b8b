/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of requests, a line each, the last line the object that selectors are held against: what is read of a target
 * are pieces of it; a resource has its kind; a selector that was taken says of an object the same each time. */
#include <string.h>

#include "apiserver/query.h"
#include "apiserver/route.h"
#include "apiserver/select.h"
#include "base/alloc.h"
#include "fuzz.h"

static bool is_inside(struct tph_str piece, const char *text, size_t len)
{
    return piece.len == 0 || (text && piece.p >= text && piece.p + piece.len <= text + len);
}

static void check_query(const struct tph_query *query, size_t len)
{
    for (size_t i = 0; i < query->n_parts; i++) {
        FUZZ_HOLDS(is_inside(query->parts[i].key, query->text, len + 1));
        FUZZ_HOLDS(is_inside(query->parts[i].value, query->text, len + 1));
    }
}

static void check_route(const struct tph_route *route, size_t len)
{
    const struct tph_api_attributes *ask = &route->ask;
    const struct tph_str pieces[] = {ask->path, ask->group, ask->version, ask->resource, ask->sub, ask->ns, ask->name};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        FUZZ_HOLDS(is_inside(pieces[i], route->text, len));
    }
    FUZZ_HOLDS(ask->verb && ask->verb[0]);
    if (route->what == TPH_ROUTE_RESOURCE) {
        FUZZ_HOLDS(route->kind && ask->is_resource && ask->resource.len > 0);
        FUZZ_HOLDS(memchr(ask->path.p, '\0', ask->path.len) == NULL);
    }
}

static void check_select(const struct tph_kind *kind, const struct tph_query *query, struct tph_str object)
{
    struct tph_status status;
    struct tph_select select;
    tph_status_init(&status);
    if (tph_select_read(kind, query, &status, &select) < 0) {
        FUZZ_HOLDS(status.code == 400);
    } else {
        bool first = tph_select_matches(&select, kind, object);
        FUZZ_HOLDS(tph_select_matches(&select, kind, object) == first);
        FUZZ_HOLDS(first || !select.all);
        tph_select_release(&select);
    }
    tph_status_release(&status);
}

static void read_target(struct tph_str target, struct tph_str object)
{
    struct tph_str path = TPH_STR_NONE;
    struct tph_query query;
    struct tph_route route;
    (void)tph_str_cut(&target, '?', &path);
    tph_query_read(target, &query);
    check_query(&query, target.len);
    tph_route_read("GET", path, &query, &route);
    check_route(&route, path.len);
    const struct tph_kind *kind =
        route.kind ? route.kind : tph_kind_find(TPH_STR(""), TPH_STR("v1"), TPH_STR("configmaps"));
    check_select(kind, &query, object);
    tph_route_release(&route);
    tph_query_release(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str object = rest;
    struct tph_str line = TPH_STR_NONE;
    while (tph_str_cut(&object, '\n', &line) && object.len > 0) {
    }
    while (rest.len > 0) {
        (void)tph_str_cut(&rest, '\n', &line);
        read_target(line, object.len > 0 ? object : line);
    }
    return 0;
}
