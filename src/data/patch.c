/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patches: applied, and made of two objects. */
#include "data/patch.h"

#include "base/map.h"

enum { WALKED = 16 }; /* objects up to this size are walked when a member is looked for */

/* The members of an object by name. Borrows the object. */
struct members {
    const struct tph_json *object;
    struct tph_map map; /* empty for a small object */
};

static struct members members_of(const struct tph_json *object)
{
    struct members members = {.object = object, .map = TPH_MAP_INIT};
    struct tph_json_iter it = tph_json_iter(object);
    while (tph_json_len(object) > WALKED && tph_json_next(&it)) {
        (void)tph_map_set(&members.map, it.key, it.value);
    }
    return members;
}

static const struct tph_json *member(const struct members *members, struct tph_str key)
{
    return tph_map_len(&members->map) > 0 ? tph_map_get(&members->map, key) : tph_json_getn(members->object, key);
}

/* A value of the patch where there is nothing to merge it with: members that are null go. */
static struct tph_json *pruned(struct tph_json_doc *doc, const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    if (tph_json_is(value, TPH_JSON_ARRAY)) {
        struct tph_json *list = tph_json_new_array(doc);
        while (tph_json_next(&it)) {
            tph_json_append(doc, list, pruned(doc, it.value));
        }
        return list;
    }
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return tph_json_copy(doc, value);
    }
    struct tph_json *object = tph_json_new_object(doc);
    while (tph_json_next(&it)) {
        if (!tph_json_is_null(it.value)) {
            tph_json_append_member(doc, object, it.key, pruned(doc, it.value));
        }
    }
    return object;
}

static struct tph_json *merged_objects(struct tph_json_doc *doc, const struct tph_json *original,
                                       const struct tph_json *patch);

static struct tph_json *merged(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch)
{
    if (!tph_json_is(original, TPH_JSON_OBJECT)) {
        return pruned(doc, patch);
    }
    return tph_json_is(patch, TPH_JSON_OBJECT) ? merged_objects(doc, original, patch) : tph_json_copy(doc, patch);
}

/* Built anew from the members of both, so that none is looked at twice. */
static struct tph_json *merged_objects(struct tph_json_doc *doc, const struct tph_json *original,
                                       const struct tph_json *patch)
{
    struct members before = members_of(original);
    struct members changes = members_of(patch);
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(original);
    while (tph_json_next(&it)) {
        const struct tph_json *change = member(&changes, it.key);
        if (!change) {
            tph_json_append_member(doc, object, it.key, tph_json_copy(doc, it.value));
        } else if (!tph_json_is_null(change)) {
            tph_json_append_member(doc, object, it.key, merged(doc, it.value, change));
        }
    }
    it = tph_json_iter(patch);
    while (tph_json_next(&it)) {
        if (!tph_json_is_null(it.value) && !member(&before, it.key)) {
            tph_json_append_member(doc, object, it.key, pruned(doc, it.value));
        }
    }
    tph_map_release(&before.map);
    tph_map_release(&changes.map);
    return object;
}

int tph_patch_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                    struct tph_json **ret_merged, struct tph_error *err)
{
    if (tph_json_is_null(original)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Invalid JSON Document");
    }
    if (tph_json_is(patch, TPH_JSON_ARRAY)) {
        *ret_merged = pruned(doc, patch);
        return 0;
    }
    if (!tph_json_is(patch, TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Invalid JSON Patch");
    }
    *ret_merged = merged(doc, original, patch);
    return 0;
}

/* Doubles tell 2^53 + 1 and 2^53 not apart: beyond them the texts do. */
static bool same_numbers(const struct tph_json *a, const struct tph_json *b)
{
    static const double exact = 9007199254740992.0;
    double left = 0;
    double right = 0;
    if (tph_str_eq(tph_json_number_text(a), tph_json_number_text(b))) {
        return true;
    }
    return tph_json_to_double(a, &left) == 0 && tph_json_to_double(b, &right) == 0 && left <= right && left >= right &&
           left > -exact && left < exact;
}

static bool same(const struct tph_json *a, const struct tph_json *b);

static bool same_lists(const struct tph_json *a, const struct tph_json *b)
{
    struct tph_json_iter left = tph_json_iter(a);
    struct tph_json_iter right = tph_json_iter(b);
    bool equal = tph_json_len(a) == tph_json_len(b);
    while (equal && tph_json_next(&left) && tph_json_next(&right)) {
        equal = same(left.value, right.value);
    }
    return equal;
}

static bool same_objects(const struct tph_json *a, const struct tph_json *b)
{
    struct members other = members_of(b);
    struct tph_json_iter it = tph_json_iter(a);
    bool equal = tph_json_len(a) == tph_json_len(b);
    while (equal && tph_json_next(&it)) {
        const struct tph_json *value = member(&other, it.key);
        equal = value && same(it.value, value);
    }
    tph_map_release(&other.map);
    return equal;
}

static bool same(const struct tph_json *a, const struct tph_json *b)
{
    if (tph_json_type(a) != tph_json_type(b)) {
        return false;
    }
    switch (tph_json_type(a)) {
    case TPH_JSON_NUMBER:
        return same_numbers(a, b);
    case TPH_JSON_ARRAY:
        return same_lists(a, b);
    case TPH_JSON_OBJECT:
        return same_objects(a, b);
    case TPH_JSON_NULL:
    case TPH_JSON_BOOL:
    case TPH_JSON_STRING:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return tph_json_equal(a, b);
}

/* What has to be merged into original to make modified; without members when they are the same. */
static struct tph_json *difference(struct tph_json_doc *doc, const struct tph_json *original,
                                   const struct tph_json *modified)
{
    struct members before = members_of(original);
    struct members after = members_of(modified);
    struct tph_json *patch = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(modified);
    while (tph_json_next(&it)) {
        const struct tph_json *was = member(&before, it.key);
        if (tph_json_is(was, TPH_JSON_OBJECT) && tph_json_is(it.value, TPH_JSON_OBJECT)) {
            struct tph_json *inner = difference(doc, was, it.value);
            if (tph_json_len(inner) > 0) {
                tph_json_append_member(doc, patch, it.key, inner);
            }
        } else if (!was || !same(was, it.value)) {
            tph_json_append_member(doc, patch, it.key, tph_json_copy(doc, it.value));
        }
    }
    it = tph_json_iter(original);
    while (tph_json_next(&it)) {
        if (!member(&after, it.key)) {
            tph_json_append_member(doc, patch, it.key, tph_json_new_null(doc));
        }
    }
    tph_map_release(&before.map);
    tph_map_release(&after.map);
    return patch;
}

/* null counts as an object without members, as Go reads it. */
static bool is_document(const struct tph_json *value)
{
    return tph_json_is(value, TPH_JSON_OBJECT) || tph_json_is_null(value);
}

static int make_list(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *modified,
                     struct tph_json **ret_patch, struct tph_error *err)
{
    struct tph_json *list = tph_json_new_array(doc);
    struct tph_json_iter before = tph_json_iter(original);
    struct tph_json_iter after = tph_json_iter(modified);
    bool fine = tph_json_len(original) == tph_json_len(modified);
    while (fine && tph_json_next(&before) && tph_json_next(&after)) {
        fine = is_document(before.value) && is_document(after.value);
        tph_json_append(doc, list, difference(doc, before.value, after.value));
    }
    if (!fine) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Invalid JSON Document");
    }
    *ret_patch = list;
    return 0;
}

int tph_patch_make_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *modified,
                         struct tph_json **ret_patch, struct tph_error *err)
{
    bool list = tph_json_is(original, TPH_JSON_ARRAY);
    if (list != tph_json_is(modified, TPH_JSON_ARRAY)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Mismatched JSON Documents");
    }
    if (list) {
        return make_list(doc, original, modified, ret_patch, err);
    }
    if (!is_document(original) || !is_document(modified)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "Invalid JSON Document");
    }
    *ret_patch = difference(doc, original, modified);
    return 0;
}
