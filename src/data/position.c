/* SPDX-License-Identifier: Apache-2.0 */
#include "data/position.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"

struct tph_positions {
    struct tph_map by_path; /* path -> struct tph_position in the arena */
    struct tph_arena *arena;
};

struct tph_positions *tph_positions_new(void)
{
    struct tph_positions *positions = TPH_NEW(struct tph_positions);
    positions->arena = tph_arena_new();
    return positions;
}

void tph_positions_free(struct tph_positions *positions)
{
    if (!positions) {
        return;
    }
    tph_map_release(&positions->by_path);
    tph_arena_free(positions->arena);
    free(positions);
}

void tph_positions_add(struct tph_positions *positions, struct tph_str path, struct tph_position at)
{
    struct tph_position *place = tph_map_get(&positions->by_path, path);
    if (!place) {
        place = TPH_ARENA_NEW(positions->arena, struct tph_position);
        (void)tph_map_set(&positions->by_path, tph_arena_str(positions->arena, path), place);
    }
    *place = at;
}

/* The path without its last member; empty at the top. */
static struct tph_str parent_of(struct tph_str path)
{
    size_t brackets = 0;
    for (size_t i = path.len; i > 0; i--) {
        char c = path.p[i - 1];
        brackets += c == ']' ? 1 : 0;
        if (c == '[' && brackets > 0 && --brackets == 0) {
            return tph_str_slice(path, 0, i - 1);
        }
        if (c == '.' && brackets == 0) {
            return tph_str_slice(path, 0, i - 1);
        }
    }
    return tph_str_slice(path, 0, 0);
}

struct tph_position tph_positions_find(const struct tph_positions *positions, struct tph_str path)
{
    if (!positions) {
        return (struct tph_position){.line = 0};
    }
    for (;;) {
        const struct tph_position *place = tph_map_get(&positions->by_path, path);
        if (place) {
            return *place;
        }
        if (path.len == 0) {
            return (struct tph_position){.line = 0};
        }
        path = parent_of(path);
    }
}

static bool is_word(struct tph_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!plain) {
            return false;
        }
    }
    return key.len > 0;
}

void tph_path_key(struct tph_buf *path, struct tph_str key)
{
    if (is_word(key)) {
        (void)tph_buf_puts(path, path->len > 0 ? "." : "");
        (void)tph_buf_put(path, key);
        return;
    }
    (void)tph_buf_putc(path, '[');
    (void)tph_buf_put(path, key);
    (void)tph_buf_putc(path, ']');
}

void tph_path_index(struct tph_buf *path, size_t index)
{
    (void)tph_buf_printf(path, "[%zu]", index);
}
