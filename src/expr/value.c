/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void tph_expr_memory_release(struct tph_expr_memory *memory)
{
    tph_arena_free(memory->arena);
    memory->arena = NULL;
    memory->used = 0;
    memory->exceeded = false;
}

size_t tph_expr_room(const struct tph_expr_memory *memory)
{
    return memory->exceeded ? 0 : memory->max - memory->used;
}

void *tph_expr_alloc(struct tph_expr_memory *memory, size_t size)
{
    if (size > tph_expr_room(memory)) {
        memory->exceeded = true;
        return NULL;
    }
    if (!memory->arena) {
        memory->arena = tph_arena_new();
    }
    memory->used += size;
    return tph_arena_alloc(memory->arena, size);
}

void *tph_expr_alloc_array(struct tph_expr_memory *memory, size_t size, size_t n)
{
    size_t total = 0;
    if (__builtin_mul_overflow(size, n, &total)) {
        memory->exceeded = true;
        return NULL;
    }
    return tph_expr_alloc(memory, total);
}

int tph_expr_copy(struct tph_expr_memory *memory, struct tph_str str, struct tph_expr_value *ret)
{
    char *bytes = tph_expr_alloc(memory, str.len);
    if (!bytes) {
        return -1;
    }
    if (str.len > 0) {
        memcpy(bytes, str.p, str.len);
    }
    *ret = tph_expr_str((struct tph_str){.p = bytes, .len = str.len});
    return 0;
}

int tph_expr_keep(struct tph_expr_memory *memory, struct tph_buf *buf, struct tph_expr_value *ret)
{
    if (tph_buf_failed(buf)) {
        memory->exceeded = true;
        return -1;
    }
    return tph_expr_copy(memory, tph_buf_str(buf), ret);
}

int tph_expr_format(struct tph_expr_memory *memory, struct tph_expr_value *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    return tph_expr_copy(memory, (struct tph_str){.p = text, .len = (size_t)n}, ret);
}

int tph_expr_reserve(struct tph_expr_builder *builder, size_t n)
{
    if (builder->capacity - builder->n >= n) {
        return 0;
    }
    size_t wanted = builder->n + n;
    size_t capacity = builder->capacity * 2 > wanted ? builder->capacity * 2 : wanted;
    struct tph_expr_value *items = tph_expr_alloc_array(builder->memory, sizeof(*items), capacity);
    if (!items) {
        return -1;
    }
    if (builder->n > 0) {
        memcpy(items, builder->items, builder->n * sizeof(*items));
    }
    builder->items = items;
    builder->capacity = capacity;
    return 0;
}

int tph_expr_push(struct tph_expr_builder *builder, struct tph_expr_value value)
{
    if (builder->n == builder->capacity && tph_expr_reserve(builder, builder->n < 4 ? 4 : 1) < 0) {
        return -1;
    }
    builder->items[builder->n++] = value;
    return 0;
}

int tph_expr_finish(struct tph_expr_builder *builder, enum tph_expr_type type, struct tph_expr_value *ret)
{
    if (!builder->items && tph_expr_reserve(builder, 1) < 0) {
        return -1;
    }
    *ret = (struct tph_expr_value){.type = type, .list = {.items = builder->items, .n = builder->n}};
    return 0;
}
