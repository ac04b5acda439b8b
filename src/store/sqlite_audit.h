/* SPDX-License-Identifier: Apache-2.0 */
/* The full check of a store's file (sqlite_care.h) while the store is used: a thread of the lowest priority with a
 * connection of its own, which reads one moment of it. Until it is through the WAL cannot begin anew, and grows.
 *
 * Everything but the check itself is of the loop's thread.
 */
#pragma once

#include "loop/loop.h"
#include "store/store.h"

struct tph_audit;

/* done is called once, in a later turn, and may free the audit. Errors: SYSTEM, there is no thread. */
int tph_audit_start(struct tph_loop *loop, const char *path,
                    void (*done)(void *owner, const struct tph_store_checked *result), void *owner,
                    struct tph_audit **ret_audit, struct tph_error *err) TPH_MUST_CHECK;
void tph_audit_free(struct tph_audit *audit); /* ends it; NULL is fine */
