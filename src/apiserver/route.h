/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is about: its path taken apart, and what it wants to do, as rights are asked for.
 *
 * Pure but for the texts, which the route owns. */
#pragma once

#include <stdbool.h>

#include "apiserver/kinds.h"
#include "apiserver/query.h"
#include "base/str.h"

/* What Kubernetes asks an authorizer with. */
struct tph_api_attributes {
    const char *verb;    /* "get", "list", "watch", ..., "deletecollection"; of other paths the method in small */
    bool is_resource;    /* else path alone counts */
    struct tph_str path; /* as sent, escapes undone */
    struct tph_str group, version, resource, sub, ns, name;
};

enum tph_route_kind {
    TPH_ROUTE_PATH,     /* no resource: discovery, health, ... : path counts */
    TPH_ROUTE_RESOURCE, /* kind is there */
    TPH_ROUTE_UNKNOWN,  /* not served; answers as a built-in group does (JSON) */
    TPH_ROUTE_NOWHERE,  /* not served; text/plain */
    TPH_ROUTE_METHOD,   /* there, but not with this method */
};

struct tph_route {
    enum tph_route_kind what;
    struct tph_api_attributes ask;
    const struct tph_kind *kind;
    const struct tph_kind_sub *sub; /* NULL: the object itself, or a collection */
    bool collection;
    bool watch;
    char *text; /* owned */
};

/* path: as sent, without the query. */
void tph_route_read(const char *method, struct tph_str path, const struct tph_query *query,
                    struct tph_route *ret_route);
void tph_route_release(struct tph_route *route);
