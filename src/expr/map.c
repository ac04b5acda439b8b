/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: entries in a row, with a table of slots over them as soon as there are more than a few. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "expr/time.h"
#include "expr/value.h"

enum { FEW = 8 };

struct tph_expr_map {
    struct tph_expr_entry *entries;
    size_t n;
    size_t capacity;
    uint32_t *slots; /* entry index + 1; NULL while there are few */
    size_t n_slots;
};

/* Equal keys have equal hashes; that is all it promises. */
static uint64_t hash_of(struct tph_expr_value key)
{
    switch (key.type) {
    case TPH_EXPR_STRING:
        return tph_hash(key.str);
    case TPH_EXPR_BOOL:
        return key.truth;
    case TPH_EXPR_FLOAT32:
    case TPH_EXPR_FLOAT64: {
        double f = key.f == 0 ? 0 : key.f; /* -0 is 0 */
        return tph_hash((struct tph_str){.p = (const char *)&f, .len = sizeof(f)});
    }
    case TPH_EXPR_TIME:
        return (uint64_t)key.time->seconds;
    default:
        break;
    }
    return tph_expr_is_integer(key.type) ? tph_hash((struct tph_str){.p = (const char *)&key.i, .len = sizeof(key.i)})
                                         : (uint64_t)key.type;
}

static bool same_key(struct tph_expr_value a, struct tph_expr_value b)
{
    if (a.type != b.type) {
        return false;
    }
    switch (a.type) {
    case TPH_EXPR_NIL:
        return true;
    case TPH_EXPR_STRING:
        return tph_str_eq(a.str, b.str);
    case TPH_EXPR_BOOL:
        return a.truth == b.truth;
    case TPH_EXPR_FLOAT32:
    case TPH_EXPR_FLOAT64:
        return a.f == b.f;
    case TPH_EXPR_TIME:
        return a.time->seconds == b.time->seconds && a.time->ns == b.time->ns && a.time->location == b.time->location;
    case TPH_EXPR_LOCATION:
        return a.location == b.location;
    case TPH_EXPR_VERSION:
        return a.version == b.version;
    default:
        break;
    }
    return tph_expr_is_integer(a.type) && a.i == b.i;
}

/* The slot that holds key, or the empty one where it would go. */
static size_t find_slot(const struct tph_expr_map *map, struct tph_expr_value key)
{
    size_t mask = map->n_slots - 1;
    size_t slot = (size_t)hash_of(key) & mask;
    while (map->slots[slot] != 0 && !same_key(map->entries[map->slots[slot] - 1].key, key)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static struct tph_expr_entry *find(const struct tph_expr_map *map, struct tph_expr_value key)
{
    if (map->slots) {
        uint32_t found = map->slots[find_slot(map, key)];
        return found ? &map->entries[found - 1] : NULL;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (same_key(map->entries[i].key, key)) {
            return &map->entries[i];
        }
    }
    return NULL;
}

static void file_all(struct tph_expr_map *map)
{
    memset(map->slots, 0, map->n_slots * sizeof(*map->slots));
    for (size_t i = 0; i < map->n; i++) {
        map->slots[find_slot(map, map->entries[i].key)] = (uint32_t)i + 1;
    }
}

static int grow(struct tph_expr_memory *memory, struct tph_expr_map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 4;
    struct tph_expr_entry *entries = tph_expr_alloc_array(memory, sizeof(*entries), capacity);
    if (!entries) {
        return -1;
    }
    if (map->n > 0) {
        memcpy(entries, map->entries, map->n * sizeof(*entries));
    }
    if (capacity > FEW) {
        uint32_t *slots = tph_expr_alloc_array(memory, sizeof(*slots), capacity * 2);
        if (!slots) {
            return -1;
        }
        map->slots = slots;
        map->n_slots = capacity * 2;
    }
    map->entries = entries;
    map->capacity = capacity;
    if (map->slots) {
        file_all(map);
    }
    return 0;
}

int tph_expr_map_new(struct tph_expr_memory *memory, enum tph_expr_type type, struct tph_expr_value *ret)
{
    struct tph_expr_map *map = tph_expr_alloc(memory, sizeof(*map));
    if (!map) {
        return -1;
    }
    *ret = (struct tph_expr_value){.type = type, .map = map};
    return 0;
}

size_t tph_expr_map_len(const struct tph_expr_map *map)
{
    return map ? map->n : 0;
}

const struct tph_expr_entry *tph_expr_map_at(const struct tph_expr_map *map, size_t index)
{
    return &map->entries[index];
}

const struct tph_expr_value *tph_expr_map_find(const struct tph_expr_map *map, struct tph_expr_value key)
{
    const struct tph_expr_entry *entry = map ? find(map, key) : NULL;
    return entry ? &entry->value : NULL;
}

const struct tph_expr_value *tph_expr_map_get(const struct tph_expr_map *map, struct tph_str key)
{
    return tph_expr_map_find(map, tph_expr_str(key));
}

int tph_expr_map_put(struct tph_expr_memory *memory, struct tph_expr_map *map, struct tph_expr_value key,
                     struct tph_expr_value value)
{
    struct tph_expr_entry *entry = find(map, key);
    if (entry) {
        entry->value = value;
        return 0;
    }
    if (map->n == map->capacity && grow(memory, map) < 0) {
        return -1;
    }
    if (map->slots) {
        map->slots[find_slot(map, key)] = (uint32_t)map->n + 1;
    }
    map->entries[map->n++] = (struct tph_expr_entry){.key = key, .value = value};
    return 0;
}

int tph_expr_map_set(struct tph_expr_memory *memory, struct tph_expr_map *map, struct tph_str key,
                     struct tph_expr_value value)
{
    return tph_expr_map_put(memory, map, tph_expr_str(key), value);
}

void tph_expr_map_remove(struct tph_expr_map *map, struct tph_str key)
{
    struct tph_expr_entry *entry = map ? find(map, tph_expr_str(key)) : NULL;
    if (!entry) {
        return;
    }
    size_t after = map->n - 1 - (size_t)(entry - map->entries);
    memmove(entry, entry + 1, after * sizeof(*entry));
    map->n--;
    if (map->slots) {
        file_all(map);
    }
}

/* Where keys of several types meet, Go sorts by where types happen to lie in memory; this is how they often do. */
static int rank_of(enum tph_expr_type type)
{
    return type == TPH_EXPR_NIL        ? 0
           : type == TPH_EXPR_STRING   ? 1
           : tph_expr_is_integer(type) ? 2 + (int)type
           : tph_expr_is_float(type)   ? 100 - (int)type
           : type == TPH_EXPR_BOOL     ? 101
                                       : 102 + (int)type;
}

/* As fmt sorts keys: false before true, NaN before numbers. */
static int compare_keys(const void *left, const void *right)
{
    struct tph_expr_value a = (*(const struct tph_expr_entry *const *)left)->key;
    struct tph_expr_value b = (*(const struct tph_expr_entry *const *)right)->key;
    if (a.type != b.type) {
        return rank_of(a.type) - rank_of(b.type);
    }
    if (a.type == TPH_EXPR_STRING) {
        return tph_str_cmp(a.str, b.str);
    }
    if (a.type == TPH_EXPR_BOOL) {
        return (int)a.truth - (int)b.truth;
    }
    if (tph_expr_is_float(a.type)) {
        return a.f < b.f || (a.f != a.f && b.f == b.f) ? -1 : a.f > b.f || (b.f != b.f && a.f == a.f);
    }
    if (a.type >= TPH_EXPR_UINT && a.type <= TPH_EXPR_UINT64) {
        return a.u < b.u ? -1 : a.u > b.u;
    }
    return tph_expr_is_integer(a.type) ? (a.i < b.i ? -1 : a.i > b.i) : 0;
}

const struct tph_expr_entry **tph_expr_map_sorted(const struct tph_expr_map *map)
{
    size_t n = tph_expr_map_len(map);
    const struct tph_expr_entry **sorted = tph_calloc(n + 1, sizeof(const struct tph_expr_entry *));
    for (size_t i = 0; i < n; i++) {
        sorted[i] = &map->entries[i];
    }
    if (n > 1) {
        qsort(sorted, n, sizeof(*sorted), compare_keys);
    }
    return sorted;
}
