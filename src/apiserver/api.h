/* SPDX-License-Identifier: Apache-2.0 */
/* The Kubernetes-compatible API over a store: requests in, answers or streams out, without sockets.
 *
 * Reads are answered at once, writes when the store says they are durable, watches are streams. What a client may do
 * is asked of struct tph_api_access. Everything that a client sends is bounded: bodies by TPH_LIMIT_API_BODY, the rest
 * by the HTTP server. Sources: reference/kubernetes.md, golden/http. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apiserver/route.h"
#include "base/error.h"
#include "base/str.h"
#include "http/field.h"
#include "loop/loop.h"
#include "store/store.h"

struct tph_api;
struct tph_api_call;

/* Who a client is. Texts live as long as the access object. */
struct tph_api_user {
    struct tph_str name;
    const void *rights; /* the access object's own */
};

/* Who is who and who may what. The one seam: NULL in the configuration means that everybody is `admin`. */
struct tph_api_access {
    void *owner;
    /* authorization: the header, or NULL. false: 401. */
    bool (*identify)(void *owner, const char *authorization, struct tph_api_user *ret_user);
    /* false: 403. */
    bool (*allowed)(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what);
};

/* What runs as Pods. */
struct tph_api_pods {
    void *owner;
    /* Appends the text of a Pod that the store has not, but which is known by this name. false: there is none. */
    bool (*find)(void *owner, struct tph_str ns, struct tph_str name, struct tph_buf *text);
    /* Appends the last lines of a container's output; container may be empty. false: nothing is known of it. */
    bool (*log)(void *owner, struct tph_str ns, struct tph_str name, struct tph_str container, size_t max_lines,
                struct tph_buf *lines);
};

struct tph_api_config {
    struct tph_loop *loop;
    struct tph_store *store; /* freed before the api, after tph_api_stop */
    const struct tph_api_access *access;
    const struct tph_api_pods *pods; /* outlives the api; NULL: nothing runs */
    const char *version;             /* of this program, for /version */
    const char *address;             /* where clients reach it: "127.0.0.1:8443" */
    int64_t bookmark_ms;             /* 0: TPH_LIMIT_API_BOOKMARK_MS */
    const char *ca;                  /* PEM: what kube-root-ca.crt of each namespace holds; NULL: none is made */
};
int tph_api_new(const struct tph_api_config *config, struct tph_api **ret_api, struct tph_error *err) TPH_MUST_CHECK;
/* Ends streams and the collector; further requests get 503. */
void tph_api_stop(struct tph_api *api);
void tph_api_free(struct tph_api *api);
TPH_DEFINE_CLEANUP(struct tph_api, tph_api_free);

/* Calls done once the namespaces every server has are there (default, kube-system, argo), with their service accounts.
 * failed: NULL, or why. */
typedef void tph_api_seeded_fn(void *owner, const struct tph_error *failed);
void tph_api_seed(struct tph_api *api, tph_api_seeded_fn *done, void *owner);

/* Texts live until the call is over. */
struct tph_api_request {
    const char *method, *target;
    const char *accept, *content_type, *user_agent, *authorization, *if_none_match; /* NULL: not there */
    struct tph_str body;
    bool own; /* of the server itself: may do everything */
};

struct tph_api_answer {
    int status;
    const struct tph_http_header *headers; /* Content-Type and others */
    size_t n_headers;
    struct tph_str body;
};

/* Where answers go: either answer, once, or begin, write and end. After answer and end the call is gone. */
struct tph_api_sink {
    void (*answer)(void *owner, const struct tph_api_answer *answer);
    void (*begin)(void *owner, const struct tph_api_answer *head);
    bool (*write)(void *owner,
                  struct tph_str bytes); /* false: nothing was taken; tph_api_drained tells when to go on */
    void (*end)(void *owner);
};

/* Begins a call. NULL: it was answered already. */
struct tph_api_call *tph_api_call(struct tph_api *api, const struct tph_api_request *request,
                                  const struct tph_api_sink *sink, void *owner);
void tph_api_drained(struct tph_api_call *call);
/* Nobody waits for it any more; a write under way goes on. The call must not be used afterwards. */
void tph_api_gone(struct tph_api_call *call);
