/* SPDX-License-Identifier: Apache-2.0 */
/* The resources that the API server serves: one table row each. To serve another kind, add a row to kinds.c.
 *
 * Constant data, no ownership, any thread. Names and verbs are those of kube-apiserver 1.35 and of Argo's CRDs
 * (recorded: golden/http, discovery).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/gotype.h"
#include "base/str.h"

enum tph_api_verb {
    TPH_API_GET = 1,
    TPH_API_LIST = 2,
    TPH_API_WATCH = 4,
    TPH_API_CREATE = 8,
    TPH_API_UPDATE = 16,
    TPH_API_PATCH = 32,
    TPH_API_DELETE = 64,
    TPH_API_DELETE_COLLECTION = 128,
    TPH_API_ALL = 255,
};

/* When metadata.generation grows. */
enum tph_generation {
    TPH_GENERATION_NONE, /* never: what a client sends at creation stays (Secret, ConfigMap) */
    TPH_GENERATION_ALL,  /* with anything but metadata: CRs without a status of their own */
    TPH_GENERATION_SPEC, /* with anything but metadata and status */
};

enum {
    TPH_KIND_CUSTOM = 1, /* as a CR: PUT needs a resourceVersion, no strategic merge patches, a body has its kind */
    TPH_KIND_STATUS = 2, /* has /status: the object itself is written without it */
    TPH_KIND_PUT_NEEDS_RV = 4,           /* CRs, Lease */
    TPH_KIND_PUT_CREATES = 8,            /* a PUT of what is not there makes it (Lease, Event) */
    TPH_KIND_DELETE_ANSWERS_OBJECT = 16, /* in place of a Status: ServiceAccount, Pod, Namespace */
    TPH_KIND_VIRTUAL = 32,               /* nothing is stored: what is POSTed is answered (reviews) */
};

/* What stands below an object: NAME/SUB. */
struct tph_kind_sub {
    const char *name;            /* "status" */
    const char *kind;            /* "Pod" */
    const char *group, *version; /* where they are not those of the resource; else NULL */
    unsigned verbs;
};

struct tph_kind {
    const char *group, *version; /* "" and "v1" for core */
    const char *kind, *list_kind, *plural, *singular;
    const char *short_names[3]; /* ended by NULL */
    const char *categories[2];  /* ended by NULL */
    const char *resource;       /* its name in the store: "workflows.argoproj.io"; also as messages tell it */
    bool namespaced;
    unsigned verbs;
    unsigned flags; /* TPH_KIND_* */
    enum tph_generation generation;
    const struct tph_kind_sub *subs; /* ended by a NULL name; NULL: none */
    const char *storage_hash;        /* of the discovery document; "" = none */
    const struct tph_go_type *type;  /* the Go type of such an object, also for strategic merges; NULL: no table */
    const char *const *fields;       /* that field selectors know beside metadata.name and .namespace; NULL: none */
};

/* All of them, those of a group version together, in the order of their discovery document. */
const struct tph_kind *tph_kinds(size_t *ret_n);

/* By the words of a path; NULL when it is not served. core: group "". */
const struct tph_kind *tph_kind_find(struct tph_str group, struct tph_str version, struct tph_str plural);
/* By apiVersion and kind of an object: "v1", "argoproj.io/v1alpha1". */
const struct tph_kind *tph_kind_of(struct tph_str api_version, struct tph_str kind);
/* By its name in the store. */
const struct tph_kind *tph_kind_of_resource(struct tph_str resource);

/* Whether the group is served at all, in this version or (version empty) in any. */
bool tph_kind_group_served(struct tph_str group, struct tph_str version);
/* Whether it is the API server's own, in any version: what is not there is answered in JSON then. */
bool tph_kind_group_built_in(struct tph_str group);

/* NULL: there is none of that name. */
const struct tph_kind_sub *tph_kind_sub_find(const struct tph_kind *kind, struct tph_str name);

/* "v1", "argoproj.io/v1alpha1". */
enum { TPH_API_VERSION_TEXT = 64 };
const char *tph_kind_api_version(const struct tph_kind *kind, char text[TPH_API_VERSION_TEXT]);

/* "get", "deletecollection". One bit. */
const char *tph_api_verb_name(enum tph_api_verb verb);
