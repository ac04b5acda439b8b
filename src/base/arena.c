/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK_FIRST = 4096, BLOCK_LAST = 256 * 1024 };

struct block {
    struct block *next;
    alignas(max_align_t) char bytes[];
};

struct tph_arena {
    struct block *blocks; /* newest first */
    char *at;             /* free room in the newest block */
    size_t left;
    size_t next_size;
    size_t used;
};

struct tph_arena *tph_arena_new(void)
{
    struct tph_arena *arena = TPH_NEW(struct tph_arena);
    arena->next_size = BLOCK_FIRST;
    return arena;
}

void tph_arena_free(struct tph_arena *arena)
{
    if (!arena) {
        return;
    }
    while (arena->blocks) {
        struct block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    free(arena);
}

void *tph_arena_alloc(struct tph_arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        abort();
    }
    size = size > 0 ? (size + align - 1) / align * align : align; /* an empty array is still an address */
    arena->used += size;
    if (size <= arena->left) {
        void *memory = arena->at;
        arena->at += size;
        arena->left -= size;
        return memory;
    }
    size_t room = size > arena->next_size / 4 ? size : arena->next_size;
    struct block *block = tph_calloc(1, sizeof(*block) + room);
    block->next = arena->blocks;
    arena->blocks = block;
    if (room > size) {
        arena->at = block->bytes + size;
        arena->left = room - size;
        if (arena->next_size < BLOCK_LAST) {
            arena->next_size *= 2;
        }
    }
    /* A block made for one large request leaves the free room of the older one in use. */
    return block->bytes;
}

void *tph_arena_array(struct tph_arena *arena, size_t size, size_t count)
{
    size_t total = 0;
    if (__builtin_mul_overflow(size, count, &total)) {
        abort();
    }
    return tph_arena_alloc(arena, total);
}

char *tph_arena_strdup(struct tph_arena *arena, struct tph_str str)
{
    char *copy = tph_arena_alloc(arena, str.len + 1);
    if (str.len > 0) {
        memcpy(copy, str.p, str.len);
    }
    return copy;
}

struct tph_str tph_arena_str(struct tph_arena *arena, struct tph_str str)
{
    return (struct tph_str){.p = tph_arena_strdup(arena, str), .len = str.len};
}

char *tph_arena_format(struct tph_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    return tph_arena_strdup(arena, (struct tph_str){.p = text, .len = (size_t)n});
}

size_t tph_arena_used(const struct tph_arena *arena)
{
    return arena->used;
}
