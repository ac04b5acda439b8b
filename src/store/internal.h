/* SPDX-License-Identifier: Apache-2.0 */
/* What the implementations of store.h share: the store's common part, writes on their way, watches. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "store/state.h"
#include "store/store.h"

/* A write on its way: a copy of what was given, then what became of it. Owned by whoever holds it. */
struct tph_store_batch {
    struct tph_store_batch *next; /* for the holder's queue */
    struct tph_arena *arena;      /* owns this struct, too */
    const struct tph_store_change *changes;
    size_t n;
    size_t bytes;
    tph_store_done_fn *done;
    void *owner;
    bool lost; /* the whole transaction failed, or nobody knows */
    int outcome;
    size_t index;
    uint64_t version;
    struct tph_error error;
};

struct tph_store_ops {
    /* Takes the batch over and gives it to tph_store_finish in a later turn, in the order of the calls. */
    void (*write)(struct tph_store *store, struct tph_store_batch *batch);
    /* Loads an object as of `at` (0: now), which is not below the floor as far as was known: 0, EXPIRED, -1. When there
     * is none, state->there is false. */
    int (*load)(struct tph_store *store, const struct tph_store_key *key, uint64_t at, struct tph_state *state,
                struct tph_error *err);
    /* The keys that may be there as of `at`, as tph_store_list; each is told of key and state, and says whether to go
     * on. */
    int (*list)(struct tph_store *store, const struct tph_store_list *list,
                bool (*each)(void *owner, const struct tph_store_key *key, const struct tph_state *state), void *owner,
                struct tph_error *err);
    /* The first change after `from` and up to `to` of what key names: 0, NONE, -1. names gets what ret_event->key
     * points into. */
    int (*next)(struct tph_store *store, const struct tph_store_key *key, uint64_t from, uint64_t to,
                struct tph_store_event *ret_event, struct tph_buf *names, struct tph_error *err);
    uint64_t (*version)(const struct tph_store *store);
    uint64_t (*floor)(const struct tph_store *store);
    void (*free)(struct tph_store *store);
};

/* First member of every implementation. */
struct tph_store {
    const struct tph_store_ops *ops;
    struct tph_loop *loop;
    size_t waiting; /* bytes of batches that are on their way */
    struct tph_store_watch *watches;
};

/* Says what became of it, wakes watches, frees it. The holder has set outcome, index, version, error. */
void tph_store_finish(struct tph_store *store, struct tph_store_batch *batch);
void tph_store_batch_free(struct tph_store_batch *batch);

/* Order of keys: resource, namespace, name, by their bytes. */
int tph_store_key_cmp(const struct tph_store_key *a, const struct tph_store_key *b);
/* Whether key is one that `wanted` names; its empty members name all. */
bool tph_store_key_matches(const struct tph_store_key *wanted, const struct tph_store_key *key);
/* A copy of key whose bytes are in names, which is emptied first. */
struct tph_store_key tph_store_key_copy(const struct tph_store_key *key, struct tph_buf *names);
