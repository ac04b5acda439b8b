/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/fieldset.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct tph_fieldset_entry *)a)->key, ((const struct tph_fieldset_entry *)b)->key);
}

/* A set of the first n of room's entries that have something; NULL when none has. */
static const struct tph_fieldset *make(struct tph_arena *arena, struct tph_fieldset_entry *room, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (room[i].member || room[i].below) {
            room[kept++] = room[i];
        }
    }
    if (kept == 0) {
        return NULL;
    }
    struct tph_fieldset *set = TPH_ARENA_NEW(arena, struct tph_fieldset);
    *set = (struct tph_fieldset){.entries = room, .n = kept};
    return set;
}

const struct tph_fieldset *tph_fieldset_read(struct tph_arena *arena, const struct tph_json *fields)
{
    size_t n = 0;
    struct tph_json_iter it = tph_json_iter(fields);
    if (!tph_json_is(fields, TPH_JSON_OBJECT) || tph_json_len(fields) == 0) {
        return NULL;
    }
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, tph_json_len(fields));
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(it.key, ".")) {
            room[n++] = (struct tph_fieldset_entry){.key = tph_arena_str(arena, it.key),
                                                    .member = tph_json_len(it.value) == 0 ||
                                                              tph_json_get(it.value, ".") != NULL,
                                                    .below = tph_fieldset_read(arena, it.value)};
        }
    }
    qsort(room, n, sizeof *room, by_key);
    return make(arena, room, n);
}

static void put_members(struct tph_json_doc *doc, struct tph_json *into, const struct tph_fieldset *set)
{
    for (size_t i = 0; set && i < set->n; i++) {
        const struct tph_fieldset_entry *e = &set->entries[i];
        struct tph_json *below = tph_json_new_object(doc);
        if (e->member && e->below) {
            tph_json_append_member(doc, below, TPH_STR("."), tph_json_new_object(doc));
        }
        put_members(doc, below, e->below);
        tph_json_append_member(doc, into, e->key, below);
    }
}

struct tph_json *tph_fieldset_write(struct tph_json_doc *doc, const struct tph_fieldset *set)
{
    struct tph_json *fields = tph_json_new_object(doc);
    put_members(doc, fields, set);
    return fields;
}

const struct tph_fieldset *tph_fieldset_union(struct tph_arena *arena, const struct tph_fieldset *a,
                                              const struct tph_fieldset *b)
{
    if (!a || !b) {
        return a ? a : b;
    }
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, a->n + b->n);
    size_t n = 0;
    for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
        int order = i == a->n ? 1 : j == b->n ? -1 : tph_str_cmp(a->entries[i].key, b->entries[j].key);
        const struct tph_fieldset_entry *left = order <= 0 ? &a->entries[i++] : NULL;
        const struct tph_fieldset_entry *right = order >= 0 ? &b->entries[j++] : NULL;
        room[n++] = (struct tph_fieldset_entry){
            .key = left ? left->key : right->key,
            .member = (left && left->member) || (right && right->member),
            .below = tph_fieldset_union(arena, left ? left->below : NULL, right ? right->below : NULL)};
    }
    return make(arena, room, n);
}

/* What of a is in b, or is not. Costs as a does, for there may be thousands of small sets that are held against one
 * large one. */
static const struct tph_fieldset *sift(struct tph_arena *arena, const struct tph_fieldset *a,
                                       const struct tph_fieldset *b, bool in_b)
{
    if (!a || !b) {
        return in_b ? NULL : a;
    }
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, a->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct tph_fieldset_entry *left = &a->entries[i];
        const struct tph_fieldset_entry *right = bsearch(left, b->entries, b->n, sizeof *b->entries, by_key);
        room[i] = (struct tph_fieldset_entry){.key = left->key,
                                              .member = left->member && (right && right->member) == in_b,
                                              .below = sift(arena, left->below, right ? right->below : NULL, in_b)};
    }
    return make(arena, room, a->n);
}

const struct tph_fieldset *tph_fieldset_minus(struct tph_arena *arena, const struct tph_fieldset *a,
                                              const struct tph_fieldset *b)
{
    return sift(arena, a, b, false);
}

const struct tph_fieldset *tph_fieldset_both(struct tph_arena *arena, const struct tph_fieldset *a,
                                             const struct tph_fieldset *b)
{
    return sift(arena, a, b, true);
}

bool tph_fieldset_same_as(const struct tph_fieldset *a, const struct tph_fieldset *b)
{
    size_t n = a ? a->n : 0;
    if (n != (b ? b->n : 0)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct tph_fieldset_entry *x = &a->entries[i];
        const struct tph_fieldset_entry *y = &b->entries[i];
        if (!tph_str_eq(x->key, y->key) || x->member != y->member || !tph_fieldset_same_as(x->below, y->below)) {
            return false;
        }
    }
    return true;
}

const struct tph_fieldset *tph_fieldset_without(struct tph_arena *arena, const struct tph_fieldset *set,
                                                const char *const *path)
{
    if (!set) {
        return NULL;
    }
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, set->n);
    memcpy(room, set->entries, set->n * sizeof *room);
    for (size_t i = 0; i < set->n; i++) {
        if (tph_str_eqz(room[i].key, path[0])) {
            room[i].below = path[1] ? tph_fieldset_without(arena, room[i].below, path + 1) : NULL;
            room[i].member = path[1] && room[i].member;
        }
    }
    return make(arena, room, set->n);
}

/* The schema of what a key leads to. ret_declared: it is a field with a name of its own. */
static const struct tph_schema *schema_below(const struct tph_schema *schema, struct tph_str key, bool *ret_declared)
{
    *ret_declared = false;
    if (!schema || key.len < 2) {
        return NULL;
    }
    if (key.p[0] == 'f' && schema->kind == TPH_SCHEMA_MAP) {
        const struct tph_schema_field *f = tph_schema_field_find(schema, tph_str_slice(key, 2, key.len));
        *ret_declared = f != NULL;
        return f ? f->type : schema->element;
    }
    return key.p[0] == 'f' && schema->kind == TPH_SCHEMA_ANY    ? schema
           : key.p[0] == 'k' && schema->kind == TPH_SCHEMA_LIST ? schema->element
                                                                : NULL;
}

const struct tph_fieldset *tph_fieldset_with_parents(struct tph_arena *arena, const struct tph_fieldset *set,
                                                     const struct tph_schema *schema)
{
    if (!set) {
        return NULL;
    }
    struct tph_fieldset_entry *room = TPH_ARENA_ARRAY(arena, struct tph_fieldset_entry, set->n);
    for (size_t i = 0; i < set->n; i++) {
        bool declared;
        room[i] = set->entries[i];
        const struct tph_schema *below = schema_below(schema, room[i].key, &declared);
        room[i].member = room[i].member || (room[i].below && declared);
        room[i].below = tph_fieldset_with_parents(arena, room[i].below, below);
    }
    return make(arena, room, set->n);
}

/* `f:name` as .name, `k:{"a":1,"b":"x"}` as [a=1,b="x"], `v:"x"` as [="x"]. */
static void put_step(struct tph_str key, struct tph_buf *path)
{
    struct tph_str rest = tph_str_slice(key, 2, key.len);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (key.len > 0 && key.p[0] == 'f') {
        (void)tph_buf_printf(path, ".%.*s", TPH_FMT(rest));
    } else if (key.len > 0 && key.p[0] == 'k' && tph_json_parse(rest, &doc, NULL) == 0) {
        struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
        (void)tph_buf_putc(path, '[');
        while (tph_json_next(&it)) {
            (void)tph_buf_printf(path, "%s%.*s=", it.index > 0 ? "," : "", TPH_FMT(it.key));
            tph_json_write(it.value, 0, path);
        }
        (void)tph_buf_putc(path, ']');
    } else {
        (void)tph_buf_printf(path, "[%s%.*s]", key.len > 0 && key.p[0] == 'v' ? "=" : "", TPH_FMT(rest));
    }
}

static void walk(const struct tph_fieldset *set, struct tph_buf *path, void (*tell)(void *owner, struct tph_str path),
                 void *owner)
{
    size_t mark = path->len;
    for (int below = 0; below < 2; below++) {
        for (size_t i = 0; set && i < set->n; i++) {
            const struct tph_fieldset_entry *e = &set->entries[i];
            if (below ? e->below != NULL : e->member) {
                put_step(e->key, path);
                if (below) {
                    walk(e->below, path, tell, owner);
                } else {
                    tell(owner, tph_buf_str(path));
                }
                path->len = mark;
            }
        }
    }
}

void tph_fieldset_walk(const struct tph_fieldset *set, void (*tell)(void *owner, struct tph_str path), void *owner)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
    walk(set, &path, tell, owner);
}
