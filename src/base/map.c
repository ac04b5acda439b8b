/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

void tph_map_release(struct tph_map *map)
{
    if (!map) {
        return;
    }
    free(map->entries);
    free(map->slots);
    *map = TPH_MAP_INIT;
}

/* The slot that holds key, or the empty slot where it would go. There is always an empty one. */
static size_t find_slot(const struct tph_map *map, struct tph_str key, uint64_t hash)
{
    size_t mask = map->n_slots - 1;
    size_t slot = (size_t)hash & mask;
    while (map->slots[slot] != 0) {
        const struct tph_map_entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->hash == hash && entry->value && tph_str_eq(entry->key, key)) {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Drops removed entries, makes room for one more and files all again. */
static void rebuild(struct tph_map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->n_entries; i++) {
        if (map->entries[i].value) {
            map->entries[kept++] = map->entries[i];
        }
    }
    map->n_entries = kept;
    size_t capacity = 8;
    while (capacity < (kept + 1) * 2) {
        capacity *= 2;
    }
    map->entries = tph_realloc(map->entries, capacity * sizeof(*map->entries));
    map->capacity = capacity;
    free(map->slots);
    map->n_slots = capacity * 2;
    map->slots = tph_calloc(map->n_slots, sizeof(*map->slots));
    for (size_t i = 0; i < kept; i++) {
        size_t slot = (size_t)map->entries[i].hash & (map->n_slots - 1);
        while (map->slots[slot] != 0) {
            slot = (slot + 1) & (map->n_slots - 1);
        }
        map->slots[slot] = (uint32_t)i + 1;
    }
}

void *tph_map_get(const struct tph_map *map, struct tph_str key)
{
    if (map->n_used == 0) {
        return NULL;
    }
    size_t slot = find_slot(map, key, tph_hash(key));
    return map->slots[slot] ? map->entries[map->slots[slot] - 1].value : NULL;
}

void *tph_map_set(struct tph_map *map, struct tph_str key, void *value)
{
    uint64_t hash = tph_hash(key);
    if (map->n_slots > 0) {
        size_t slot = find_slot(map, key, hash);
        if (map->slots[slot] != 0) {
            struct tph_map_entry *entry = &map->entries[map->slots[slot] - 1];
            void *before = entry->value;
            entry->value = value;
            return before;
        }
    }
    if (map->n_entries == map->capacity) {
        rebuild(map);
    }
    size_t slot = find_slot(map, key, hash);
    map->entries[map->n_entries] = (struct tph_map_entry){.key = key, .value = value, .hash = hash};
    map->slots[slot] = (uint32_t)++map->n_entries;
    map->n_used++;
    return NULL;
}

void *tph_map_remove(struct tph_map *map, struct tph_str key)
{
    if (map->n_used == 0) {
        return NULL;
    }
    size_t slot = find_slot(map, key, tph_hash(key));
    if (map->slots[slot] == 0) {
        return NULL;
    }
    /* The slot stays taken, so that keys filed behind it are still found; rebuild clears it. */
    struct tph_map_entry *entry = &map->entries[map->slots[slot] - 1];
    void *value = entry->value;
    entry->value = NULL;
    map->n_used--;
    return value;
}

size_t tph_map_len(const struct tph_map *map)
{
    return map->n_used;
}

bool tph_map_next(const struct tph_map *map, size_t *at, struct tph_str *ret_key, void **ret_value)
{
    while (*at < map->n_entries) {
        const struct tph_map_entry *entry = &map->entries[(*at)++];
        if (entry->value) {
            *ret_key = entry->key;
            *ret_value = entry->value;
            return true;
        }
    }
    return false;
}
