/* SPDX-License-Identifier: Apache-2.0 */
/* A list request: its options, and the walk over what it selects. Private to apiserver. */
#pragma once

#include "apiserver/internal.h"
#include "apiserver/select.h"

struct tph_list {
    struct tph_select select;
    size_t limit;   /* 0: all */
    uint64_t at;    /* 0: now */
    bool continued; /* goes on after start: "name", or "namespace/name" */
    struct tph_buf start;
    uint64_t version;  /* after the walk: what it shows */
    int64_t remaining; /* after the walk: how many more there are; 0: none, or nobody knows */
};

/* Reads the options. -1: call->status. Release also then. */
int tph_list_begin(struct tph_api_call *call, struct tph_list *list) TPH_MUST_CHECK;
void tph_list_release(struct tph_list *list);

typedef int tph_list_each_fn(void *owner, const struct tph_store_object *object);
/* Calls each for what is selected, up to the limit; token gets where to go on, when there is more. -1: status. */
int tph_list_walk(struct tph_api_call *call, struct tph_list *list, tph_list_each_fn *each, void *owner,
                  struct tph_buf *token) TPH_MUST_CHECK;

/* The metadata of a list, after the walk; always: continue is there also when it is empty. */
void tph_list_put_meta(const struct tph_list *list, struct tph_str token, bool always, struct tph_buf *out);

/* resourceVersion of the query. */
int tph_call_version(struct tph_api_call *call, bool list, uint64_t *ret_version) TPH_MUST_CHECK;
