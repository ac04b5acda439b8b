/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives and dies together: a parse, a reconcile, a workflow.
 *
 * Blocks grow from 4 KiB to 256 KiB; a request larger than a block gets one of its own. Nothing is freed
 * singly. Not thread-safe. Aborts when the system has no memory; sizes from outside are checked before.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct tph_arena;

struct tph_arena *tph_arena_new(void) TPH_MUST_CHECK;
void tph_arena_free(struct tph_arena *arena);
TPH_DEFINE_CLEANUP(struct tph_arena, tph_arena_free);

/* Zeroed memory, aligned for any type. */
void *tph_arena_alloc(struct tph_arena *arena, size_t size) __attribute__((returns_nonnull, warn_unused_result));

#define TPH_ARENA_NEW(arena, type)          ((type *)tph_arena_alloc((arena), sizeof(type)))
#define TPH_ARENA_ARRAY(arena, type, count) ((type *)tph_arena_array((arena), sizeof(type), (count)))
void *tph_arena_array(struct tph_arena *arena, size_t size, size_t count)
    __attribute__((returns_nonnull, warn_unused_result));

/* NUL-terminated copies. */
char *tph_arena_strdup(struct tph_arena *arena, struct tph_str str)
    __attribute__((returns_nonnull, warn_unused_result));
struct tph_str tph_arena_str(struct tph_arena *arena, struct tph_str str);
char *tph_arena_format(struct tph_arena *arena, const char *format, ...)
    __attribute__((returns_nonnull, warn_unused_result, format(printf, 2, 3)));

/* Bytes handed out so far, for benchmarks and limits. */
size_t tph_arena_used(const struct tph_arena *arena);
