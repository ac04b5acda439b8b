/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the API share: a call on its way. Private to apiserver. */
#pragma once

#include "apiserver/accept.h"
#include "apiserver/api.h"
#include "apiserver/discovery.h"
#include "apiserver/documents.h"
#include "apiserver/object.h"
#include "apiserver/query.h"
#include "apiserver/route.h"
#include "apiserver/status.h"
#include "apiserver/table.h"
#include "base/buf.h"
#include "data/json.h"

struct tph_api_watch;
struct tph_api_log_stream;
struct tph_gc;

struct tph_api {
    struct tph_api_config config;
    uint64_t random;            /* for ids of requests */
    struct tph_api_call *first; /* all that are under way */
    struct tph_gc *gc;
    struct tph_documents documents;
    bool stopped;
    enum tph_api_validate validate;
    const char *const *mapped; /* types of templates that plugins take over; NULL: none */
};

/* Makes new of old: what a PUT, a patch or a deletion does. `old` has its resourceVersion. -1: call->status says why.
 */
typedef int tph_api_change_fn(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                              struct tph_json **ret_new);

struct tph_api_options {
    bool dry_run;
    bool force;
    bool strict, warn;      /* fieldValidation */
    struct tph_str manager; /* fieldManager, or of the User-Agent */
    bool manager_given;
};

struct tph_api_call {
    struct tph_api *api;
    struct tph_api_call *previous, *next;
    const struct tph_api_request *request; /* NULL: nobody waits any more */
    const struct tph_api_sink *sink;
    void *owner;
    bool *over; /* set when the call ends inside of tph_api_call */
    struct tph_query query;
    struct tph_route route;
    struct tph_accept accept;
    struct tph_api_user user;
    char id[17];      /* of the request; empty where nobody counts */
    int64_t began_us; /* as id */
    bool told;        /* what was done */
    struct tph_status status;
    struct tph_buf warnings; /* lines */
    struct tph_api_options options;
    struct tph_api_watch *watch;
    struct tph_api_log_stream *log;
    char etag[TPH_ETAG_TEXT]; /* of the answer; empty: none */
    struct tph_buf location;  /* of a redirection */
    struct tph_table table;   /* when that is the form */

    /* a write */
    void (*attempt)(struct tph_api_call *call); /* reads anew and tries again */
    void (*finish)(struct tph_api_call *call);  /* what was written is durable */
    unsigned tries;
    tph_api_change_fn *change;
    bool is_put, is_apply;
    bool creating;                 /* a PUT or an apply of what is not there */
    int code;                      /* of the answer */
    struct tph_buf name;           /* of the object; made of generateName perhaps */
    struct tph_buf text;           /* what is written, or answered after a deletion */
    uint64_t version;              /* of text in the answer; 0: none is told */
    bool keeps_version;            /* what is written does not change it: a deletion's answer */
    struct tph_json_doc *body_doc; /* the body, read once */
    struct tph_json *body;
    void *extra; /* of the operation: freed with free() */
};

struct tph_store_key tph_call_key(const struct tph_api_call *call);
/* Whether there can be an object of that key, whose resource is one of ours. */
bool tph_api_is_key(const struct tph_store_key *key);

/* Answers and ends the call. */
void tph_call_fail(struct tph_api_call *call);                               /* with call->status */
void tph_call_error(struct tph_api_call *call, const struct tph_error *err); /* 500 */
void tph_call_answer(struct tph_api_call *call, int status, const char *content_type, struct tph_str body);
/* The object of call->text in the form that was asked for. */
void tph_call_answer_object(struct tph_api_call *call);
int tph_call_object_form(struct tph_api_call *call, struct tph_str text, uint64_t version, struct tph_buf *out,
                         struct tph_error *err) TPH_MUST_CHECK;
void tph_call_json(struct tph_api_call *call, int status, struct tph_str body);
void tph_call_end(struct tph_api_call *call); /* frees it */

/* A change of the store; the step after it is call->finish, or call->attempt once more when the object was changed
 * meanwhile. Does nothing but finish in a dry run. */
void tph_call_write(struct tph_api_call *call, const struct tph_store_change *changes, size_t n);

/* allow.c: who asks, whether he may, and what was done in the end. */
int tph_call_check_access(struct tph_api_call *call) TPH_MUST_CHECK;
/* Of a stream, before it goes on: its user may have been taken away meanwhile. */
bool tph_call_still_allowed(const struct tph_api_call *call);
/* Before object is kept in the place of old (NULL: is made); object NULL: before old is removed. */
int tph_call_check_object(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object)
    TPH_MUST_CHECK;
void tph_call_begin_id(struct tph_api_call *call);
void tph_call_done(struct tph_api_call *call, int code); /* once, at the answer or when a stream begins */

/* What may be done to which object. Each answers the call, at once or later. */
void tph_api_get(struct tph_api_call *call);
void tph_api_list(struct tph_api_call *call);
void tph_api_watch(struct tph_api_call *call);
void tph_api_create(struct tph_api_call *call);
void tph_api_put(struct tph_api_call *call);
void tph_api_patch(struct tph_api_call *call);
void tph_api_delete(struct tph_api_call *call);
void tph_api_delete_collection(struct tph_api_call *call);
void tph_api_review(struct tph_api_call *call);
void tph_api_token(struct tph_api_call *call); /* TokenRequest of a service account */
void tph_api_log(struct tph_api_call *call, const struct tph_json *pod);
void tph_api_path(struct tph_api_call *call); /* what is no resource */

void tph_api_watch_pump(struct tph_api_call *call);
void tph_api_watch_free(struct tph_api_watch *watch);
void tph_api_log_pump(struct tph_api_call *call);
void tph_api_log_free(struct tph_api_log_stream *log);

/* Reads the options of a write; kind: "CreateOptions". */
int tph_call_options(struct tph_api_call *call, const char *kind, bool apply) TPH_MUST_CHECK;
/* A number of the query; -1: 400. ret_value stays when there is none. */
int tph_call_number(struct tph_api_call *call, const char *name, int64_t *ret_value) TPH_MUST_CHECK;

/* The body as an object of the route's kind, checked and cut as that kind wants. */
int tph_decode(struct tph_api_call *call, struct tph_json_doc **ret_doc, struct tph_json **ret_object) TPH_MUST_CHECK;
/* The same for what a patch made. */
int tph_decode_patched(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *value,
                       struct tph_json **ret_object) TPH_MUST_CHECK;
/* Times as they are kept: UTC. -1: Go's words about one that is none. */
int tph_times_normalize(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object,
                        struct tph_error *err) TPH_MUST_CHECK;
void tph_call_warn(struct tph_api_call *call, const char *format, ...) TPH_PRINTF(2, 3);

/* Before an object is made: names, server's fields, defaults, validation. */
int tph_prepare_create(struct tph_api_call *call, struct tph_json_doc *doc, struct tph_json *object) TPH_MUST_CHECK;
/* Before it is changed; old has its resourceVersion. */
int tph_prepare_update(struct tph_api_call *call, struct tph_json_doc *doc, const struct tph_json *old,
                       struct tph_json *object) TPH_MUST_CHECK;
void tph_default_object(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object, bool creating);
/* What admission adds to what is created, which nobody manages. */
void tph_admit_object(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object);
/* Collects faults in status; old is NULL at creation. */
void tph_validate_object(const struct tph_kind *kind, const struct tph_json *object, const struct tph_json *old,
                         struct tph_status *status);
void tph_validate_meta(const struct tph_kind *kind, const struct tph_json *object, struct tph_status *status);

/* lint.c, before object is kept in the place of old (NULL: is made): warnings, or what status says. */
int tph_call_lint(struct tph_api_call *call, const struct tph_json *old, const struct tph_json *object) TPH_MUST_CHECK;

/* Makes what every namespace has where it is not there: the service account `default`, and kube-root-ca.crt. */
void tph_api_furnish(struct tph_api *api, struct tph_str ns);

bool tph_object_has_finalizers(const struct tph_json *object);
