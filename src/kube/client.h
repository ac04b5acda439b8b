/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a Kubernetes API server, ours or a real one: over src/fetch (libcurl), on our loop.
 *
 * JSON both ways. An answer 429, and a 5xx that says when to come again, are asked again, at most
 * TPH_LIMIT_KUBE_TRIES times; a GET whose connection broke once more. Everything else is told at once: whether a POST
 * whose answer was lost has succeeded is the caller's matter. Credentials go over https only, as kubectl has it. A
 * token's file is read again when it is older than TPH_LIMIT_KUBE_TOKEN_MS, and after a 401. Loop thread only. Source:
 * reference kubernetes.md 7.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"
#include "kube/config.h"
#include "loop/loop.h"

struct tph_kube;      /* one server */
struct tph_kube_call; /* one request, from start to done or cancel */

/* config is borrowed and outlives it. */
struct tph_kube *tph_kube_new(struct tph_loop *loop, const struct tph_kube_config *config) TPH_MUST_CHECK;
/* Drops what is under way: nobody hears of it. */
void tph_kube_free(struct tph_kube *kube);
TPH_DEFINE_CLEANUP(struct tph_kube, tph_kube_free);

struct tph_loop *tph_kube_loop(const struct tph_kube *kube);
const struct tph_kube_config *tph_kube_config_of(const struct tph_kube *kube);

/* A collection of objects. */
struct tph_kube_kind {
    const char *prefix; /* "/api/v1", "/apis/argoproj.io/v1alpha1" */
    const char *plural;
    bool cluster_wide; /* has no namespaces */
};
extern const struct tph_kube_kind tph_kube_workflows, tph_kube_workflow_templates, tph_kube_cluster_templates,
    tph_kube_cron_workflows, tph_kube_configmaps, tph_kube_events, tph_kube_pods;

/* Appends the path of a collection (name empty), an object, or a subresource (sub empty: none). An empty ns means all
 * namespaces. Names are escaped. */
void tph_kube_path(struct tph_buf *path, const struct tph_kube_kind *kind, struct tph_str ns, struct tph_str name,
                   const char *sub);
/* Appends "?KEY=VALUE", or with "&" when there is a "?" already; nothing for an empty value. */
void tph_kube_query(struct tph_buf *path, const char *key, struct tph_str value);

/* What went wrong, for who can say what to do. */
enum tph_kube_problem {
    TPH_KUBE_FINE,
    TPH_KUBE_UNREACHABLE,  /* refused, no such host, no way there */
    TPH_KUBE_BROKEN,       /* the connection ended, or nothing came for too long */
    TPH_KUBE_TRUST,        /* its certificate */
    TPH_KUBE_UNAUTHORIZED, /* 401 */
    TPH_KUBE_FORBIDDEN,    /* 403 */
    TPH_KUBE_NOT_FOUND,    /* 404: no such object */
    TPH_KUBE_NO_KIND,      /* 404: the server does not have the kind at all */
    TPH_KUBE_EXISTS,       /* 409 AlreadyExists */
    TPH_KUBE_CONFLICT,     /* 409 */
    TPH_KUBE_EXPIRED,      /* 410: list again */
    TPH_KUBE_INVALID,      /* 400, 422 */
    TPH_KUBE_BUSY,         /* 429, 503, 504 */
    TPH_KUBE_OTHER,
    TPH_KUBE_PROBLEM_COUNT,
};

struct tph_kube_answer {
    enum tph_kube_problem problem;
    int status; /* 0: there was no answer */
    struct tph_str body;
    const struct tph_json *object; /* the body as JSON; NULL: it is none, or came in parts */
    const char *warnings;          /* Warning header fields, a line each; "" = none */
    const struct tph_error *err;   /* of a problem: what the server says, or why there is no answer */
};

typedef void tph_kube_done_fn(void *owner, const struct tph_kube_answer *answer);
/* A part of a body as it comes; the first one is empty. May cancel its call. */
typedef void tph_kube_part_fn(void *owner, struct tph_str bytes);

struct tph_kube_request {
    const char *method;       /* NULL: GET */
    struct tph_str path;      /* with its query */
    struct tph_str body;      /* empty: none */
    const char *content_type; /* NULL: application/json */
    const char *accept;       /* NULL: application/json */
    int64_t timeout_ms;       /* of one try; 0: none */
    tph_kube_part_fn *part;   /* NULL: the answer comes whole */
};

/* Everything is copied. done is called once, in a later turn; it may start and cancel others. */
struct tph_kube_call *tph_kube_start(struct tph_kube *kube, const struct tph_kube_request *request,
                                     tph_kube_done_fn *done, void *owner) TPH_MUST_CHECK;
/* Neither part nor done is called any more. Not in its own done. */
void tph_kube_cancel(struct tph_kube_call *call);

/* Pure: what an answer with this status and body means; *ret_err gets the message of a Status object, or the text of
 * the body, or the status alone. */
enum tph_kube_problem tph_kube_judge(int status, const struct tph_json *object, struct tph_str body,
                                     struct tph_error *ret_err);
