/* SPDX-License-Identifier: Apache-2.0 */
/* The collector: dependents of what was deleted, the content of namespaces on their way out, and what every namespace
 * has (its service account `default`).
 *
 * It follows the store's changes and holds who owns whom in memory: only objects with ownerReferences cost something.
 * It writes through the store as a client would. Private to apiserver. */
#pragma once

#include "apiserver/internal.h"

int tph_gc_new(struct tph_api *api, struct tph_gc **ret_gc, struct tph_error *err) TPH_MUST_CHECK;
/* Closes its watches; writes under way go on until the store is freed. */
void tph_gc_stop(struct tph_gc *gc);
/* After the store was freed. */
void tph_gc_free(struct tph_gc *gc);
