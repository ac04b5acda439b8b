/* SPDX-License-Identifier: Apache-2.0 */
/* The store: where objects live, each a JSON text under (resource, namespace, name).
 *
 * Implementations: memory (`tiphys run`, tests) and SQLite (`tiphys server`). One suite, tests/store, holds for both.
 *
 * Versions. Each change gets a version of its own, larger than all before it, also after a restart and after a failed
 * write: what Kubernetes calls resourceVersion. The text is not touched: who serves it puts the version in. A version
 * that is larger than the store's own (of a newer store, of which this is a backup) is EXPIRED, so that clients list
 * anew.
 *
 * Parts. A few objects hold a large map that grows by one member at a time (Workflow.status.nodes; parts.h has the
 * table). Its members are kept one by one: a MERGE of one member writes that member, not the whole object. Who
 * reads gets one text in which they stand at their place, sorted by name as Go writes maps.
 *
 * History. What each change replaced is kept for some time, so that an object can be read as it was at a version, a
 * list goes on in pages of one moment, and a watch goes on from where it was. Up to the floor, that is: below it is
 * EXPIRED.
 *
 * Threads: everything here is called on the loop's thread, and calls back on it, never from inside a call. Reads see
 * what is committed, also what `done` has not been told yet. Ownership: what is given is copied; what is returned is
 * the caller's to release. Limits: TPH_LIMIT_STORE_* and TPH_LIMIT_DOCUMENT for one object with all of its parts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/health.h"
#include "base/str.h"
#include "loop/loop.h"

struct tph_store;
struct tph_store_watch;

/* What a call found, beside 0 (done) and -1 (err says what; kind LIMIT, BUSY, INVALID or SYSTEM). */
enum tph_store_outcome {
    TPH_STORE_DONE,
    TPH_STORE_CONFLICT,  /* it has another version than the one expected */
    TPH_STORE_EXISTS,    /* there is one of that name already */
    TPH_STORE_NOT_FOUND, /* there is none */
    TPH_STORE_EXPIRED,   /* that version is below the floor, or not of this store: list anew */
    TPH_STORE_NONE,      /* a watch has nothing more for now */
    TPH_STORE_OUTCOME_COUNT,
};

struct tph_store_key {
    struct tph_str resource; /* as Kubernetes names it: "workflows.argoproj.io", "configmaps" */
    struct tph_str ns;       /* empty: an object of the whole cluster */
    struct tph_str name;
};

/* ---- writing ---- */

enum tph_store_verb {
    TPH_STORE_CREATE, /* text; EXISTS */
    TPH_STORE_UPDATE, /* text replaces the whole object, parts too; NOT_FOUND, CONFLICT */
    TPH_STORE_MERGE,  /* parts, and text if not empty: all but the members of its maps, which stay; NOT_FOUND, CONFLICT
                       */
    TPH_STORE_DELETE, /* NOT_FOUND, CONFLICT */
    TPH_STORE_VERB_COUNT,
};

/* One member of a map that is kept in parts. */
struct tph_store_part {
    unsigned path; /* its place in the table of parts.h for this resource */
    struct tph_str member;
    struct tph_str text; /* JSON; empty: the member is taken out, and it is no error when it is not there */
};

struct tph_store_change {
    enum tph_store_verb verb;
    struct tph_store_key key;
    uint64_t expected; /* the version it must have; 0: any */
    struct tph_str text;
    const struct tph_store_part *parts;
    size_t n_parts;
};

struct tph_store_result {
    int outcome;                   /* 0; CONFLICT, EXISTS, NOT_FOUND; or -1 */
    size_t index;                  /* of the change that was refused */
    uint64_t version;              /* of the last change; the one before it has one less, and so on */
    const struct tph_error *error; /* with -1 */
};
typedef void tph_store_done_fn(void *owner, const struct tph_store_result *result);

/* Makes all changes, in their order, or none. With 0 they are durable when done is called, which happens once, in a
 * later turn, in the order of the calls. After -1 of kind INVALID or LIMIT nothing was written; after SYSTEM it is not
 * known: read before you decide. Not called any more once the store is freed. A store that cannot take more for now
 * (TPH_LIMIT_STORE_QUEUE) answers BUSY, and has written nothing either. */
void tph_store_write(struct tph_store *store, const struct tph_store_change *changes, size_t n, tph_store_done_fn *done,
                     void *owner);

/* ---- reading ---- */

struct tph_store_object {
    struct tph_buf names; /* private: what key points into */
    struct tph_store_key key;
    uint64_t version;
    struct tph_buf text;
};
#define TPH_STORE_OBJECT_INIT \
    ((struct tph_store_object){.names = TPH_BUF_INIT(TPH_LIMIT_STORE_KEY), .text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)})
void tph_store_object_release(struct tph_store_object *object);

/* The newest version that is committed; 0: nothing was ever written. */
uint64_t tph_store_version(const struct tph_store *store);
/* What was at this version and later can be read. */
uint64_t tph_store_floor(const struct tph_store *store);

/* Reads one as it is now (at 0) or was at a version. 0, NOT_FOUND, EXPIRED or -1. object: initialised; emptied first.
 */
int tph_store_get(struct tph_store *store, const struct tph_store_key *key, uint64_t at,
                  struct tph_store_object *object, struct tph_error *err) TPH_MUST_CHECK;

/* Which objects: of a resource; of a namespace, or of all when ns is empty; one name, or all. */
struct tph_store_list {
    struct tph_store_key key; /* resource must be there */
    const struct tph_store_key
        *after;   /* go on after this one (its namespace and name count); NULL: from the beginning */
    uint64_t at;  /* at which version; 0: now */
    size_t limit; /* objects of one page; 0: all */
    bool bare;    /* texts come without the members of maps that are kept in parts, for who looks at all of many
                   * objects and at none of those */
};
struct tph_store_page {
    uint64_t version; /* what the page shows: the next one, and a watch, goes on from it */
    bool more;        /* there are more after the last one */
};
/* Calls each for every object, by namespace and name in the order of their bytes; borrowed for the call. each reads
 * nothing else of the store. When it returns false the list ends there, with more set if others follow. 0, EXPIRED or
 * -1. */
typedef bool tph_store_each_fn(void *owner, const struct tph_store_object *object);
int tph_store_list(struct tph_store *store, const struct tph_store_list *list, tph_store_each_fn *each, void *owner,
                   struct tph_store_page *ret_page, struct tph_error *err) TPH_MUST_CHECK;

/* ---- watching ---- */

enum tph_store_event_kind {
    TPH_STORE_ADDED,
    TPH_STORE_MODIFIED,
    TPH_STORE_DELETED,
    TPH_STORE_EVENT_COUNT,
};

/* What it was before: tph_store_get at version - 1 (before an ADDED there was none); after: at version. */
struct tph_store_event {
    enum tph_store_event_kind kind;
    uint64_t version;
    struct tph_store_key key; /* borrowed until the next call for this watch */
};

/* Changes after version `from` of what key names (as in a list). wake is called in a later turn when there are some
 * that tph_store_watch_next has not given; not again before that has said NONE. A watch queues nothing: who is slow
 * reads the history, and who is slower than that is told EXPIRED. 0, EXPIRED or -1. */
typedef void tph_store_wake_fn(void *owner);
int tph_store_watch_open(struct tph_store *store, const struct tph_store_key *key, uint64_t from,
                         tph_store_wake_fn *wake, void *owner, struct tph_store_watch **ret_watch,
                         struct tph_error *err) TPH_MUST_CHECK;
/* The next change, in the order of versions. 0, NONE (wake will be called), EXPIRED (for good) or -1. */
int tph_store_watch_next(struct tph_store_watch *watch, struct tph_store_event *ret_event, struct tph_error *err)
    TPH_MUST_CHECK;
/* Up to which version everything was given: for bookmarks. */
uint64_t tph_store_watch_version(const struct tph_store_watch *watch);
void tph_store_watch_close(struct tph_store_watch *watch); /* NULL is fine; also from inside wake */
TPH_DEFINE_CLEANUP(struct tph_store_watch, tph_store_watch_close);

/* ---- life ---- */

/* What a full check of a store's file found, while the store was used. Texts until the function returns. */
struct tph_store_checked {
    unsigned problems; /* 0: none */
    const char *first; /* of them */
    int64_t took_ms;
    const struct tph_error *error; /* it could not be made, and why; NULL: it was */
};

struct tph_store_config {
    uint64_t history; /* changes that are kept at least; 0: TPH_LIMIT_STORE_HISTORY */
    /* The rest is for a store with files, and may be NULL. */
    struct tph_health *health; /* borrowed; its checks are "store" (it can be written) and "integrity" */
    /* After a crash, and when damage is met, all of the file is checked in the background; this tells what was found.
     * NULL: no such check is made. */
    void (*checked)(void *owner, const struct tph_store_checked *result);
    void *owner;
};

struct tph_store *tph_store_memory_new(struct tph_loop *loop, const struct tph_store_config *config) TPH_MUST_CHECK;

/* Drops what waits (unwritten, nobody hears of it) and closes. Watches are closed before. */
void tph_store_free(struct tph_store *store);
TPH_DEFINE_CLEANUP(struct tph_store, tph_store_free);
