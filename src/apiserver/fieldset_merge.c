/* SPDX-License-Identifier: Apache-2.0 */
/* Values from sets: an object without some of its paths, and one object over another. */
#include "apiserver/fieldset_value.h"

#include "base/map.h"

static const struct tph_fieldset_entry *find_entry(const struct tph_fieldset *set, struct tph_str key)
{
    size_t low = 0;
    size_t high = set ? set->n : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tph_str_cmp(set->entries[middle].key, key);
        if (order == 0) {
            return &set->entries[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

struct tph_json *tph_fieldset_remove(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                     const struct tph_json *value, const struct tph_fieldset *set)
{
    enum tph_fieldset_shape shape = tph_fieldset_shape(schema, value);
    if (!set || shape == TPH_FIELDS_LEAF || !tph_fieldset_fits(shape, value) || tph_json_is_null(value)) {
        return tph_json_copy(doc, value);
    }
    bool map = shape == TPH_FIELDS_MAP;
    struct tph_json *result = map ? tph_json_new_object(doc) : tph_json_new_array(doc);
    struct tph_fieldset_parts parts = tph_fieldset_parts(arena, schema, shape, value, false);
    for (size_t i = 0; i < parts.n; i++) {
        const struct tph_fieldset_part *part = &parts.parts[i];
        const struct tph_fieldset_entry *entry = find_entry(set, part->key);
        if (entry && entry->member) {
            continue;
        }
        struct tph_json *rest = tph_fieldset_remove(arena, doc, tph_fieldset_part_schema(schema, part->key, NULL),
                                                    part->value, entry ? entry->below : NULL);
        if (map) {
            tph_json_append_member(doc, result, tph_str_slice(part->key, 2, part->key.len), rest);
        } else {
            tph_json_append(doc, result, rest);
        }
    }
    return tph_json_len(result) > 0 || tph_json_len(value) == 0 ? result : tph_json_new_null(doc);
}

static struct tph_json *merge_maps(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                   const struct tph_json *live, const struct tph_json *applied)
{
    TPH_CLEANUP(tph_map_release) struct tph_map left = TPH_MAP_INIT;
    struct tph_json *result = tph_json_new_object(doc);
    struct tph_fieldset_parts old = tph_fieldset_parts(arena, schema, TPH_FIELDS_MAP, live, false);
    struct tph_fieldset_parts new = tph_fieldset_parts(arena, schema, TPH_FIELDS_MAP, applied, false);
    for (size_t i = 0; i < new.n; i++) {
        (void)tph_map_set(&left, new.parts[i].key, (void *)(uintptr_t) & new.parts[i]);
    }
    for (size_t i = 0; i < old.n; i++) {
        struct tph_fieldset_part *over = tph_map_remove(&left, old.parts[i].key);
        const struct tph_schema *type = tph_fieldset_part_schema(schema, old.parts[i].key, NULL);
        tph_json_append_member(doc, result, tph_str_slice(old.parts[i].key, 2, old.parts[i].key.len),
                               tph_fieldset_merge(arena, doc, type, old.parts[i].value, over ? over->value : NULL));
    }
    for (size_t i = 0; i < new.n; i++) {
        if (tph_map_get(&left, new.parts[i].key)) {
            tph_json_append_member(doc, result, tph_str_slice(new.parts[i].key, 2, new.parts[i].key.len),
                                   tph_json_copy(doc, new.parts[i].value));
        }
    }
    return result;
}

/* Elements of both lists, and where the merge is in each. */
struct lists {
    struct tph_fieldset_parts old, new;
    struct tph_map old_at, new_at; /* key -> part, the first of that key */
    struct tph_map done;           /* keys of new that are merged */
    size_t next_shared;            /* of new: the next element that old has too */
};

static void find_shared(struct lists *l, size_t from)
{
    l->next_shared = from;
    while (l->next_shared < l->new.n && !tph_map_get(&l->old_at, l->new.parts[l->next_shared].key)) {
        l->next_shared++;
    }
}

static struct tph_json *merge_element(struct tph_arena *arena, struct tph_json_doc *doc,
                                      const struct tph_schema *schema, struct lists *l, struct tph_str key)
{
    const struct tph_fieldset_part *old = tph_map_get(&l->old_at, key);
    const struct tph_fieldset_part *new = tph_map_get(&l->new_at, key);
    (void)tph_map_set(&l->done, key, (void *)(uintptr_t) new);
    return tph_fieldset_merge(arena, doc, tph_fieldset_part_schema(schema, key, NULL), old ? old->value : NULL,
                              new->value);
}

/* Applied elements come in their order, those that are only live stand between the shared ones where they stood. */
static void merge_in_order(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                           struct lists *l, struct tph_json *result)
{
    for (size_t i = 0, j = 0; i < l->old.n || j < l->new.n;) {
        struct tph_str old = i < l->old.n ? l->old.parts[i].key : TPH_STR_NONE;
        struct tph_str new = j < l->new.n ? l->new.parts[j].key : TPH_STR_NONE;
        bool shared = i < l->old.n && tph_map_get(&l->new_at, old);
        if (i < l->old.n && j < l->new.n) {
            if (tph_str_eq(old, new)) {
                tph_json_append(doc, result, merge_element(arena, doc, schema, l, new));
                i++;
                j++;
                find_shared(l, j);
                continue;
            }
            if (shared && l->next_shared < l->new.n && !tph_str_eq(l->new.parts[l->next_shared].key, old)) {
                i++; /* will come later, or has come */
                continue;
            }
        }
        if (i < l->old.n && !shared) {
            tph_json_append(doc, result, tph_json_copy(doc, l->old.parts[i].value));
            i++;
            continue;
        }
        if (i < l->old.n && tph_map_get(&l->done, old)) {
            i++;
        }
        if (j < l->new.n) {
            tph_json_append(doc, result, merge_element(arena, doc, schema, l, new));
            bool was_next = l->next_shared == j;
            j++;
            if (was_next) {
                find_shared(l, j);
            }
        }
    }
}

static struct tph_json *merge_lists(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                    const struct tph_json *live, const struct tph_json *applied)
{
    struct lists l = {.old_at = TPH_MAP_INIT, .new_at = TPH_MAP_INIT, .done = TPH_MAP_INIT};
    struct tph_json *result = tph_json_new_array(doc);
    l.old = tph_fieldset_parts(arena, schema, TPH_FIELDS_LIST, live, false);
    l.new = tph_fieldset_parts(arena, schema, TPH_FIELDS_LIST, applied, false);
    for (size_t i = l.old.n; i-- > 0;) {
        (void)tph_map_set(&l.old_at, l.old.parts[i].key, &l.old.parts[i]);
    }
    for (size_t i = l.new.n; i-- > 0;) {
        (void)tph_map_set(&l.new_at, l.new.parts[i].key, &l.new.parts[i]);
    }
    find_shared(&l, 0);
    merge_in_order(arena, doc, schema, &l, result);
    tph_map_release(&l.old_at);
    tph_map_release(&l.new_at);
    tph_map_release(&l.done);
    return result;
}

struct tph_json *tph_fieldset_merge(struct tph_arena *arena, struct tph_json_doc *doc, const struct tph_schema *schema,
                                    const struct tph_json *live, const struct tph_json *applied)
{
    if (!live || !applied) {
        return tph_json_copy(doc, applied ? applied : live);
    }
    enum tph_fieldset_shape shape = tph_fieldset_shape(schema, tph_json_is_null(applied) ? live : applied);
    bool hollow = tph_json_len(live) == 0 && tph_json_len(applied) == 0;
    if (shape == TPH_FIELDS_LEAF || hollow || !tph_fieldset_fits(shape, live) || !tph_fieldset_fits(shape, applied)) {
        return tph_json_copy(doc, applied);
    }
    return shape == TPH_FIELDS_MAP ? merge_maps(arena, doc, schema, live, applied)
                                   : merge_lists(arena, doc, schema, live, applied);
}
