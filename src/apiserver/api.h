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
#include "apiserver/status.h"
#include "base/error.h"
#include "base/health.h"
#include "base/metrics.h"
#include "base/str.h"
#include "data/json.h"
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

/* A question about oneself, or a token that is asked for. */
struct tph_api_review {
    const struct tph_api_user *user;
    const struct tph_kind *kind;    /* of the answer */
    const struct tph_json *request; /* the body; NULL: none */
    struct tph_str time, manager;   /* of managedFields */
    const struct tph_json *account; /* TokenRequest: the service account's object */
    int64_t now_ms;
};

/* What a call was, told once: when it is answered; a stream, when it begins. Texts live until the function returns. */
struct tph_api_done {
    const char *id; /* of the request, as its answer's Audit-Id tells it */
    const struct tph_api_user *user;
    const struct tph_api_attributes *what;
    struct tph_str name; /* of the object; a new one has it only when it was made */
    const char *peer;    /* "" = unknown */
    int code;
    int64_t took_us;
    bool write, stream, dry_run;
};

/* Who is who and who may what (apiserver/guard.h has one). The one seam: NULL in the configuration means that everybody
 * is `admin` and nobody counts. What is marked optional may be NULL. */
struct tph_api_access {
    void *owner;
    /* authorization: the header, or NULL. false: 401. */
    bool (*identify)(void *owner, const char *authorization, struct tph_api_user *ret_user);
    /* false: 403. */
    bool (*allowed)(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what);
    /* Optional. Whom user becomes (Impersonate-User), once he is allowed to `impersonate` users NAME. false: 403. */
    bool (*impersonate)(void *owner, const struct tph_api_user *user, struct tph_str name,
                        struct tph_api_user *ret_user);
    /* Optional. Whether this client may send another request now; user NULL: nobody knows who it is. false: 429. */
    bool (*admit)(void *owner, const struct tph_api_user *user, const char *peer);
    /* Optional. Why he may not make `object` of `old` (NULL: of nothing), or remove it (object NULL), though he may
     * write it; NULL: he may. */
    const char *(*object)(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what,
                          const struct tph_json *old, const struct tph_json *object);
    /* Optional. What is told of a refusal beyond the usual message; NULL: nothing. */
    const char *(*reason)(void *owner, const struct tph_api_user *user, const struct tph_api_attributes *what);
    /* Optional. Answers a review or a TokenRequest: fills doc, or status where it is faulty. NULL: as to an
     * administrator, and there are no tokens. */
    void (*review)(void *owner, const struct tph_api_review *review, struct tph_json_doc *doc,
                   struct tph_status *status);
    /* Optional. */
    void (*done)(void *owner, const struct tph_api_done *done);
};

/* What is asked of a container's log: PodLogOptions. */
struct tph_api_log_ask {
    struct tph_str ns, name, container; /* container may be empty: the only one */
    bool follow, previous, timestamps;
    int64_t tail_lines, limit_bytes; /* -1: all */
    int64_t since_ms;                /* 0: from the beginning */
    void (*wake)(void *wake_owner);  /* there may be more; never from inside a call */
    void *wake_owner;
};
enum { TPH_API_LOG_OPEN, TPH_API_LOG_UNKNOWN /* nothing of it was ever there */, TPH_API_LOG_NO_PREVIOUS };
enum tph_api_log_state { TPH_API_LOG_MORE, TPH_API_LOG_WAIT, TPH_API_LOG_END };

/* What runs as Pods. */
struct tph_api_pods {
    void *owner;
    /* Appends the text of a Pod that the store has not, but which is known by this name. false: there is none. */
    bool (*find)(void *owner, struct tph_str ns, struct tph_str name, struct tph_buf *text);
    /* Opens the log of a container for reading. -1: an error. */
    int (*log_open)(void *owner, const struct tph_api_log_ask *ask, void **ret_log, struct tph_error *err);
    /* Appends the next lines, some KiB of them. */
    enum tph_api_log_state (*log_read)(void *owner, void *log, struct tph_buf *out);
    void (*log_close)(void *owner, void *log);
};

struct tph_api_config {
    struct tph_loop *loop;
    struct tph_store *store; /* freed before the api, after tph_api_stop */
    const struct tph_api_access *access;
    const struct tph_api_pods *pods; /* outlives the api; NULL: nothing runs */
    const char *version;             /* of this program, for /version */
    const char *address;             /* where clients reach it: "127.0.0.1:8443" */
    struct tph_metrics *metrics;     /* for /metrics; NULL: not served */
    const struct tph_health *health; /* for /healthz and /readyz; NULL: always well */
    int64_t bookmark_ms;             /* 0: TPH_LIMIT_API_BOOKMARK_MS */
    const char *ca;                  /* PEM: what kube-root-ca.crt of each namespace holds; NULL: none is made */
};
int tph_api_new(const struct tph_api_config *config, struct tph_api **ret_api, struct tph_error *err) TPH_MUST_CHECK;
/* Ends streams and the collector; further requests get 503. */
void tph_api_stop(struct tph_api *api);
void tph_api_free(struct tph_api *api);
TPH_DEFINE_CLEANUP(struct tph_api, tph_api_free);

/* What becomes of workflows, workflow templates and cron workflows that lint finds wrong when they are made or changed:
 * nothing (the beginning), a warning, or a refusal. mapped: types of templates that plugins take over, "container",
 * ended by NULL; borrowed, NULL: none. */
enum tph_api_validate { TPH_API_VALIDATE_OFF, TPH_API_VALIDATE_WARN, TPH_API_VALIDATE_DENY };
void tph_api_validate(struct tph_api *api, enum tph_api_validate how, const char *const *mapped);

/* Calls done once the namespaces every server has are there (default, kube-system, argo), with their service accounts.
 * failed: NULL, or why. */
typedef void tph_api_seeded_fn(void *owner, const struct tph_error *failed);
void tph_api_seed(struct tph_api *api, tph_api_seeded_fn *done, void *owner);

/* Texts live until the call is over. */
struct tph_api_request {
    const char *method, *target;
    const char *accept, *content_type, *user_agent, *authorization, *if_none_match; /* NULL: not there */
    const char *impersonate;                                                        /* NULL: not there */
    const char *peer; /* where it came from; NULL: unknown */
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
