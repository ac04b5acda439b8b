/* SPDX-License-Identifier: Apache-2.0 */
/* Sets from values: what an object owns, and what changes from one object to the next. Both walk the parts of a value
 * by their sorted keys, so sets come out sorted. */
#include "apiserver/fieldset_value.h"

struct owned {
    bool self;
    const struct tph_fieldset *below;
};

static struct owned owned_by(struct tph_arena *arena, const struct tph_schema *schema, const struct tph_json *value)
{
    enum tph_fieldset_shape shape = tph_fieldset_shape(schema, value);
    if (shape == TPH_FIELDS_LEAF || !tph_fieldset_fits(shape, value)) {
        return (struct owned){.self = true};
    }
    struct tph_fieldset_parts parts = tph_fieldset_parts(arena, schema, shape, value, true);
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, parts.n + 1);
    struct tph_fieldset *set = TPH_ARENA_NEW(arena, struct tph_fieldset);
    set->entries = room;
    for (size_t i = 0; i < parts.n; i++) {
        const struct tph_fieldset_part *part = &parts.parts[i];
        bool declared;
        struct owned inner = owned_by(arena, tph_fieldset_part_schema(schema, part->key, &declared), part->value);
        bool hollow = tph_json_is_null(part->value) ||
                      (tph_json_is(part->value, TPH_JSON_OBJECT) && tph_json_len(part->value) == 0);
        bool member = inner.self || hollow || shape == TPH_FIELDS_LIST || !declared;
        if (i > 0 && tph_str_eq(part->key, parts.parts[i - 1].key)) {
            continue; /* twice in a list */
        }
        if (member || inner.below) {
            room[set->n++] = (struct tph_fieldset_entry){part->key, member, inner.below};
        }
    }
    return (struct owned){.self = false, .below = set->n > 0 ? set : NULL};
}

const struct tph_fieldset *tph_fieldset_of(struct tph_arena *arena, const struct tph_schema *schema,
                                           const struct tph_json *value)
{
    return owned_by(arena, schema, value).below;
}

enum change { ADDED, MODIFIED, REMOVED, CHANGES };

/* Of one path: which sets it is in itself, and what of each is below it. */
struct changed {
    bool self[CHANGES];
    const struct tph_fieldset *below[CHANGES];
};

static bool is_hollow(const struct tph_json *value)
{
    return tph_json_is_null(value) || tph_json_len(value) == 0;
}

static struct changed leaf(const struct tph_json *before, const struct tph_json *after)
{
    struct changed c = {.self = {false}};
    c.self[ADDED] = !before;
    c.self[REMOVED] = before && !after;
    c.self[MODIFIED] = before && after && !tph_fieldset_same(before, after);
    return c;
}

static struct changed compare(struct tph_arena *arena, const struct tph_schema *schema, const struct tph_json *before,
                              const struct tph_json *after);

struct side {
    struct tph_fieldset_parts parts;
    size_t at;
};

/* The parts of one key, which a list may have twice. */
static size_t take(struct side *side, struct tph_str key, const struct tph_json **ret_value)
{
    size_t n = 0;
    while (side->at < side->parts.n && tph_str_eq(side->parts.parts[side->at].key, key)) {
        *ret_value = n == 0 ? side->parts.parts[side->at].value : *ret_value;
        side->at++;
        n++;
    }
    return n;
}

static struct tph_str next_key(const struct side *a, const struct side *b)
{
    struct tph_str x = a->at < a->parts.n ? a->parts.parts[a->at].key : TPH_STR_NONE;
    struct tph_str y = b->at < b->parts.n ? b->parts.parts[b->at].key : TPH_STR_NONE;
    return !x.p ? y : !y.p ? x : tph_str_cmp(x, y) <= 0 ? x : y;
}

static struct changed compare_parts(struct tph_arena *arena, const struct tph_schema *schema,
                                    enum tph_fieldset_shape shape, const struct tph_json *before,
                                    const struct tph_json *after)
{
    struct side old = {.parts = tph_fieldset_parts(arena, schema, shape, before, true)};
    struct side new = {.parts = tph_fieldset_parts(arena, schema, shape, after, true)};
    struct changed c = {.self = {false}};
    struct tph_fieldset *sets[CHANGES];
    for (size_t i = 0; i < CHANGES; i++) {
        sets[i] = TPH_ARENA_NEW(arena, struct tph_fieldset);
        sets[i]->entries = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, old.parts.n + new.parts.n + 1);
    }
    while (old.at < old.parts.n || new.at < new.parts.n) {
        const struct tph_json *x = NULL;
        const struct tph_json *y = NULL;
        struct tph_str key = next_key(&old, &new);
        size_t n_old = take(&old, key, &x);
        size_t n_new = take(&new, key, &y);
        struct changed inner = compare(arena, tph_fieldset_part_schema(schema, key, NULL), x, y);
        inner.self[MODIFIED] = inner.self[MODIFIED] || (n_old != n_new && n_old > 0 && n_new > 0);
        for (size_t i = 0; i < CHANGES; i++) {
            if (inner.self[i] || inner.below[i]) {
                sets[i]->entries[sets[i]->n++] = (struct tph_fieldset_entry){key, inner.self[i], inner.below[i]};
            }
        }
    }
    for (size_t i = 0; i < CHANGES; i++) {
        c.below[i] = sets[i]->n > 0 ? sets[i] : NULL;
    }
    c.self[ADDED] = !before;
    c.self[REMOVED] = before && !after;
    return c;
}

static struct changed compare(struct tph_arena *arena, const struct tph_schema *schema, const struct tph_json *before,
                              const struct tph_json *after)
{
    enum tph_fieldset_shape shape = tph_fieldset_shape(schema, after ? after : before);
    if (before && after && tph_json_is_null(after)) {
        shape = tph_fieldset_shape(schema, before);
    }
    bool fit = tph_fieldset_fits(shape, before) && tph_fieldset_fits(shape, after);
    if (shape == TPH_FIELDS_LEAF || !fit || (is_hollow(before) && is_hollow(after))) {
        return leaf(before, after);
    }
    return compare_parts(arena, schema, shape, before, after);
}

struct tph_fieldset_changes tph_fieldset_compare(struct tph_arena *arena, const struct tph_schema *schema,
                                                 const struct tph_json *before, const struct tph_json *after)
{
    struct changed c = compare(arena, schema, before, after);
    return (struct tph_fieldset_changes){c.below[ADDED], c.below[MODIFIED], c.below[REMOVED]};
}
