/* SPDX-License-Identifier: Apache-2.0 */
/* A store on a loop, and writes and reads that a test can tell in one line. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "loop/loop.h"
#include "store/store.h"

struct harness {
    const char *implementation;
    char *directory; /* of a store with files */
    struct tph_store_config config;
    struct tph_loop *loop;
    struct tph_store *store;
    unsigned answers; /* writes that were answered */
    int outcomes[32]; /* of the first ones */
    uint64_t versions[32];
    unsigned wakes;
    struct tph_store_result result; /* of the last one; its error is in err */
    struct tph_error err;
    unsigned wanted; /* the loop stops at so many answers */
    unsigned wanted_wakes;
};

void harness_set_implementation(const char *name);
int harness_setup(void **state);
int harness_teardown(void **state);
/* Closes the store and opens it again: false where nothing stays (memory). */
bool harness_reopen(struct harness *h);
void harness_open(struct harness *h);
void harness_close(struct harness *h);

struct tph_store_key key_of(const char *resource, const char *ns, const char *name);
struct tph_store_key workflow(const char *name); /* in namespace argo */

/* One change, and what became of it; harness->result has the rest. */
int do_create(struct harness *h, struct tph_store_key key, const char *text);
int do_update(struct harness *h, struct tph_store_key key, uint64_t expected, const char *text);
int do_merge(struct harness *h, struct tph_store_key key, uint64_t expected, const char *text, unsigned path,
             const char *member, const char *value);
int do_delete(struct harness *h, struct tph_store_key key, uint64_t expected);
int do_write(struct harness *h, const struct tph_store_change *changes, size_t n);
/* As do_write, but does not wait; harness_await does. */
void begin_write(struct harness *h, const struct tph_store_change *changes, size_t n);
void harness_await(struct harness *h, unsigned answers);
void harness_await_wakes(struct harness *h, unsigned wakes);
void harness_turn(struct harness *h); /* what is waiting to be called is called */
void harness_woken(void *owner);

/* The text and version of an object; "NOT_FOUND", "EXPIRED". Valid until the next call. */
const char *text_at(struct harness *h, struct tph_store_key key, uint64_t at);
#define text_of(h, key) text_at(h, key, 0)
uint64_t version_of(struct harness *h, struct tph_store_key key);
/* ns/name=text of a list, joined by blanks, with "..." where there are more. */
const char *listing(struct harness *h, const struct tph_store_list *list, struct tph_store_page *ret_page);
/* "ADDED argo/a 3" and so on, joined by commas, until it says NONE or EXPIRED, which is last. */
const char *drained(struct tph_store_watch *watch);
