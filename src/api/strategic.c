/* SPDX-License-Identifier: Apache-2.0 */
/* Objects. The result is built anew from the members of both: what only one side has is copied, so no member is looked
 * at twice. */
#include "api/strategic_internal.h"

#include <string.h>

#include "base/limits.h"
#include "data/gotext.h"

static const char PATCH[] = "$patch";
static const char RETAIN[] = "$retainKeys";
static const char ORDER[] = "$setElementOrder/";
static const char REMOVED[] = "$deleteFromPrimitiveList/";

enum { WALKED = 16 }; /* objects up to this size are walked */

struct tph_strategic_members tph_strategic_members(const struct tph_json *object)
{
    struct tph_strategic_members members = {.object = object, .map = TPH_MAP_INIT};
    if (tph_json_is(object, TPH_JSON_OBJECT) && tph_json_len(object) > WALKED) {
        struct tph_json_iter it = tph_json_iter(object);
        while (tph_json_next(&it)) {
            (void)tph_map_set(&members.map, it.key, it.value);
        }
    }
    return members;
}

void tph_strategic_members_release(struct tph_strategic_members *members)
{
    tph_map_release(&members->map);
}

struct tph_json *tph_strategic_member(const struct tph_strategic_members *members, struct tph_str key)
{
    return tph_map_len(&members->map) > 0 ? tph_map_get(&members->map, key) : tph_json_getn(members->object, key);
}

int tph_strategic_unknown(struct tph_strategic *m, const struct tph_json *patch)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_gotext_write(tph_json_get(patch, PATCH), &text);
    (void)tph_buf_puts(&text, " in map: ");
    tph_gotext_write(patch, &text);
    return tph_error_set(m->err, TPH_ERROR_INVALID, "unknown patch type: %s", tph_buf_cstr(&text));
}

/* The list that a directive with its name in it is about; empty when the key is none. */
static struct tph_str about(struct tph_str key, const char *directive)
{
    struct tph_str prefix = tph_str(directive);
    return tph_str_has_prefix(key, prefix) ? tph_str_slice(key, prefix.len, key.len) : TPH_STR_NONE;
}

static bool is_directive(struct tph_str key)
{
    return tph_str_eqz(key, PATCH) || tph_str_eqz(key, RETAIN) || about(key, ORDER).len > 0 ||
           about(key, REMOVED).len > 0;
}

/* The value of the directive for one list, or NULL. */
static const struct tph_json *directive(const struct tph_strategic_members *patch, const char *name, struct tph_str key)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&text, name);
    (void)tph_buf_put(&text, key);
    return tph_strategic_member(patch, tph_buf_str(&text));
}

/* What becomes of a value of the patch where the original has none to merge it with: nulls go, and objects with a
 * $patch of their own. NULL when nothing is left. */
static struct tph_json *settled(struct tph_json_doc *doc, const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    if (tph_json_is(value, TPH_JSON_ARRAY)) {
        struct tph_json *list = tph_json_new_array(doc);
        while (tph_json_next(&it)) {
            struct tph_json *element = settled(doc, it.value);
            if (element) {
                tph_json_append(doc, list, element);
            }
        }
        return list;
    }
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return tph_json_copy(doc, value);
    }
    if (tph_json_get(value, PATCH)) {
        return NULL;
    }
    struct tph_json *object = tph_json_new_object(doc);
    while (tph_json_next(&it)) {
        struct tph_json *member = tph_json_is_null(it.value) ? NULL : settled(doc, it.value);
        if (member) {
            tph_json_append_member(doc, object, it.key, member);
        }
    }
    return object;
}

static struct tph_json *without_directive(struct tph_json_doc *doc, const struct tph_json *patch)
{
    struct tph_json *copy = tph_json_copy(doc, patch);
    (void)tph_json_remove(copy, PATCH);
    return copy;
}

/* Which field of the Go type a member is; only objects and lists need to know. */
static int find_field(struct tph_strategic *m, const struct tph_go_type *type, struct tph_str key,
                      const struct tph_go_field **ret_field)
{
    static const char *const WORDS[] = {
        [TPH_GO_STR] = "string",       [TPH_GO_BOOL] = "bool",      [TPH_GO_INT32] = "int32",
        [TPH_GO_INT64] = "int64",      [TPH_GO_FLOAT] = "float64",  [TPH_GO_BYTES] = "slice",
        [TPH_GO_ANYSTRING] = "string", [TPH_GO_PARALLEL] = "slice", [TPH_GO_LIST] = "slice",
        [TPH_GO_MAP] = "map"};
    const char *word = (size_t)type->kind < sizeof WORDS / sizeof WORDS[0] ? WORDS[type->kind] : NULL;
    for (const struct tph_go_field *f = type->fields; f && f->name; f++) {
        if (tph_str_eqz(key, f->name)) {
            *ret_field = f;
            return 0;
        }
    }
    if (word) {
        return tph_error_set(m->err, TPH_ERROR_INVALID,
                             "merging an object in json but data type is not struct, instead is: %s", word);
    }
    const char *dot = strrchr(type->name, '.');
    return tph_error_set(m->err, TPH_ERROR_INVALID, "unable to find api field in struct %s for the json field \"%.*s\"",
                         dot ? dot + 1 : type->name, TPH_FMT(key));
}

/* One member that both sides have, or that a directive is about. *ret_merged NULL: it goes. */
static int merge_member(struct tph_strategic *m, const struct tph_json *original, struct tph_str key,
                        const struct tph_strategic_wishes *wishes, const struct tph_go_type *type,
                        struct tph_json **ret_merged)
{
    const struct tph_json *patch = wishes->patch;
    const struct tph_go_field *field = NULL;
    bool lists = tph_json_is(original, TPH_JSON_ARRAY) && (wishes->order || tph_json_is(patch, TPH_JSON_ARRAY) ||
                                                           (!patch && tph_json_is(wishes->removed, TPH_JSON_ARRAY)));
    bool objects = tph_json_is(original, TPH_JSON_OBJECT) && tph_json_is(patch, TPH_JSON_OBJECT);
    if (!lists && !objects) {
        *ret_merged = patch ? settled(m->doc, patch) : tph_json_copy(m->doc, original);
        return 0;
    }
    if (find_field(m, type, key, &field) < 0) {
        return -1;
    }
    if (lists && ((field->flags & TPH_GO_MERGE) || !patch)) {
        return tph_strategic_list(m, original, wishes, field, ret_merged);
    }
    if (lists || (field->flags & TPH_GO_REPLACE)) {
        *ret_merged = tph_json_copy(m->doc, patch);
        return 0;
    }
    return tph_strategic_object(m, original, patch, field->type, ret_merged);
}

/* $retainKeys: the patch names all members that the result may have. */
static int check_retained(struct tph_strategic *m, const struct tph_json *patch, const struct tph_json *retained,
                          struct tph_map *names)
{
    struct tph_json_iter it = tph_json_iter(retained);
    bool fine = tph_json_is(retained, TPH_JSON_ARRAY);
    while (fine && tph_json_next(&it)) {
        fine = tph_json_is(it.value, TPH_JSON_STRING);
        (void)tph_map_set(names, tph_json_str(it.value), it.value);
    }
    it = tph_json_iter(patch);
    while (fine && tph_json_next(&it)) {
        fine = is_directive(it.key) || tph_map_get(names, it.key);
    }
    return fine ? 0 : tph_error_set(m->err, TPH_ERROR_INVALID, "invalid patch format of retainKeys");
}

struct sides {
    struct tph_strategic_members original, patch;
    struct tph_map retained; /* what $retainKeys names */
    bool retains;
    bool directives; /* there are some in the patch */
};

static void add_directives(const struct sides *sides, struct tph_str key, struct tph_strategic_wishes *wishes)
{
    if (sides->directives) {
        wishes->order = directive(&sides->patch, ORDER, key);
        wishes->removed = directive(&sides->patch, REMOVED, key);
    }
}

static int merge_original(struct tph_strategic *m, const struct sides *sides, const struct tph_go_type *type,
                          struct tph_json *into)
{
    struct tph_json_iter it = tph_json_iter(sides->original.object);
    while (tph_json_next(&it)) {
        const struct tph_json *patch = tph_strategic_member(&sides->patch, it.key);
        struct tph_strategic_wishes wishes = {.patch = patch};
        add_directives(sides, it.key, &wishes);
        struct tph_json *member = NULL;
        bool dropped = (sides->retains && !tph_map_get(&sides->retained, it.key)) ||
                       (patch && tph_json_is_null(patch) && !wishes.order);
        if (!dropped && merge_member(m, it.value, it.key, &wishes, type, &member) < 0) {
            return -1;
        }
        if (member) {
            tph_json_append_member(m->doc, into, it.key, member);
        }
    }
    return 0;
}

static int merge_both(struct tph_strategic *m, struct sides *sides, const struct tph_go_type *type,
                      struct tph_json **ret_merged)
{
    const struct tph_json *patch = sides->patch.object;
    const struct tph_json *retained = tph_json_get(patch, RETAIN);
    const struct tph_json *empty = tph_json_new_array(m->doc);
    struct tph_json *merged = tph_json_new_object(m->doc);
    struct tph_json_iter it = tph_json_iter(patch);
    while (tph_json_next(&it)) {
        sides->directives = sides->directives || is_directive(it.key);
    }
    sides->retains = retained != NULL;
    if ((retained && check_retained(m, patch, retained, &sides->retained) < 0) ||
        merge_original(m, sides, type, merged) < 0) {
        return -1;
    }
    it = tph_json_iter(patch);
    while (tph_json_next(&it)) {
        struct tph_strategic_wishes wishes = {.patch = it.value};
        struct tph_json *member = NULL;
        if (is_directive(it.key) || tph_strategic_member(&sides->original, it.key)) {
            continue;
        }
        add_directives(sides, it.key, &wishes);
        if (wishes.order) {
            if (merge_member(m, empty, it.key, &wishes, type, &member) < 0) {
                return -1;
            }
        } else if (!tph_json_is_null(it.value)) {
            member = settled(m->doc, it.value);
        }
        if (member) {
            tph_json_append_member(m->doc, merged, it.key, member);
        }
    }
    *ret_merged = merged;
    return 0;
}

int tph_strategic_object(struct tph_strategic *m, const struct tph_json *original, const struct tph_json *patch,
                         const struct tph_go_type *type, struct tph_json **ret_merged)
{
    const struct tph_json *word = tph_json_get(patch, PATCH);
    if (word && tph_str_eqz(tph_json_str(word), "replace")) {
        *ret_merged = without_directive(m->doc, patch);
        return 0;
    }
    if (word && tph_str_eqz(tph_json_str(word), "delete")) {
        *ret_merged = tph_json_new_object(m->doc);
        return 0;
    }
    if (word) {
        return tph_strategic_unknown(m, patch);
    }
    struct sides sides = {.original = tph_strategic_members(original), .patch = tph_strategic_members(patch)};
    int failed = merge_both(m, &sides, type, ret_merged);
    tph_strategic_members_release(&sides.original);
    tph_strategic_members_release(&sides.patch);
    tph_map_release(&sides.retained);
    return failed;
}

int tph_strategic_merge(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *patch,
                        const struct tph_go_type *type, struct tph_json **ret_merged, struct tph_error *err)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_strategic m = {.doc = doc, .arena = arena, .err = err};
    if (!tph_json_is(original, TPH_JSON_OBJECT) || !tph_json_is(patch, TPH_JSON_OBJECT)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "invalid JSON document");
    }
    return tph_strategic_object(&m, original, patch, type, ret_merged);
}
