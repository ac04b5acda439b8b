/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from strings to pointers, in insertion order.
 *
 * Keys are slices that the caller keeps alive (usually inside the value or an arena); values are borrowed.
 * The hash is keyed with a random number per process, so that nobody outside can choose collisions.
 * Not thread-safe. Open addressing; n inserts cost n.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct tph_map_entry {
    struct tph_str key;
    void *value; /* NULL marks a removed entry */
    uint64_t hash;
};

struct tph_map {
    struct tph_map_entry *entries; /* owned, in insertion order, removed ones included */
    size_t n_entries;
    size_t n_used; /* entries that are not removed */
    size_t capacity;
    uint32_t *slots; /* owned: entry index + 1, 0 = empty */
    size_t n_slots;
};

#define TPH_MAP_INIT ((struct tph_map){.entries = NULL})

/* Frees the map's own memory, neither keys nor values. */
void tph_map_release(struct tph_map *map);

/* The value, or NULL. */
void *tph_map_get(const struct tph_map *map, struct tph_str key);

/* Sets the value (not NULL); a key that is there keeps its place and its old key slice.
 * Returns the value that was there before, or NULL. */
void *tph_map_set(struct tph_map *map, struct tph_str key, void *value);

/* Takes the entry out and returns its value, or NULL. */
void *tph_map_remove(struct tph_map *map, struct tph_str key);

size_t tph_map_len(const struct tph_map *map);

/* Walks in insertion order; start with *at = 0. Removing the entry just returned is allowed, adding is not. */
bool tph_map_next(const struct tph_map *map, size_t *at, struct tph_str *ret_key, void **ret_value);
