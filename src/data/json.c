/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at values, building and changing them. Reading texts: json_read.c; writing them: json_write.c. */
#include "data/json.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "data/json_internal.h"
#include "data/number.h"

struct tph_json_doc *tph_json_doc_new(void)
{
    struct tph_json_doc *doc = TPH_NEW(struct tph_json_doc);
    doc->doc = yyjson_mut_doc_new(NULL);
    if (!doc->doc) {
        abort();
    }
    return doc;
}

void tph_json_doc_free(struct tph_json_doc *doc)
{
    if (doc) {
        yyjson_mut_doc_free(doc->doc);
        free(doc);
    }
}

struct tph_json *tph_json_root(const struct tph_json_doc *doc)
{
    return out(yyjson_mut_doc_get_root(doc->doc));
}

void tph_json_set_root(struct tph_json_doc *doc, struct tph_json *value)
{
    yyjson_mut_doc_set_root(doc->doc, in(value));
}

enum tph_json_type tph_json_type(const struct tph_json *value)
{
    switch (yyjson_mut_get_type(in(value))) {
    case YYJSON_TYPE_BOOL:
        return TPH_JSON_BOOL;
    case YYJSON_TYPE_RAW:
    case YYJSON_TYPE_NUM:
        return TPH_JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return TPH_JSON_STRING;
    case YYJSON_TYPE_ARR:
        return TPH_JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return TPH_JSON_OBJECT;
    default: /* yyjson's types are numbers, not an enum */
        return TPH_JSON_NULL;
    }
}

const char *tph_json_type_name(enum tph_json_type type)
{
    static const char *const names[TPH_JSON_TYPE_COUNT] = {"null", "bool", "number", "string", "array", "object"};
    return names[type];
}

bool tph_json_is(const struct tph_json *value, enum tph_json_type type)
{
    return value && tph_json_type(value) == type;
}

bool tph_json_is_null(const struct tph_json *value)
{
    return tph_json_type(value) == TPH_JSON_NULL;
}

bool tph_json_bool(const struct tph_json *value)
{
    return yyjson_mut_get_bool(in(value));
}

struct tph_str tph_json_str(const struct tph_json *value)
{
    return (struct tph_str){.p = yyjson_mut_get_str(in(value)),
                            .len = yyjson_mut_is_str(in(value)) ? yyjson_mut_get_len(in(value)) : 0};
}

struct tph_str tph_json_number_text(const struct tph_json *value)
{
    return (struct tph_str){.p = yyjson_mut_get_raw(in(value)),
                            .len = yyjson_mut_is_raw(in(value)) ? yyjson_mut_get_len(in(value)) : 0};
}

int tph_json_to_i64(const struct tph_json *value, int64_t *ret_value)
{
    return tph_str_to_i64(tph_json_number_text(value), ret_value);
}

int tph_json_to_double(const struct tph_json *value, double *ret_value)
{
    return tph_number_to_double(tph_json_number_text(value), ret_value);
}

size_t tph_json_len(const struct tph_json *value)
{
    yyjson_mut_val *v = in(value);
    return yyjson_mut_is_obj(v) || yyjson_mut_is_arr(v) ? yyjson_mut_get_len(v) : 0;
}

struct tph_json *tph_json_getn(const struct tph_json *object, struct tph_str key)
{
    return key.p ? out(yyjson_mut_obj_getn(in(object), key.p, key.len)) : NULL;
}

struct tph_json *tph_json_get(const struct tph_json *object, const char *key)
{
    return tph_json_getn(object, tph_str(key));
}

struct tph_str tph_json_get_str(const struct tph_json *object, const char *key)
{
    return tph_json_str(tph_json_get(object, key));
}

struct tph_json *tph_json_at(const struct tph_json *array, size_t index)
{
    return out(yyjson_mut_arr_get(in(array), index));
}

struct tph_json *tph_json_path(const struct tph_json *value, ...)
{
    const struct tph_json *at = value;
    va_list keys;
    va_start(keys, value);
    for (const char *key = va_arg(keys, const char *); key && at; key = va_arg(keys, const char *)) {
        at = tph_json_get(at, key);
    }
    va_end(keys);
    return out(in(at));
}

struct tph_json_iter tph_json_iter(const struct tph_json *container)
{
    struct tph_json_iter it = {.index = SIZE_MAX};
    it.state.left = tph_json_len(container);
    it.state.object = yyjson_mut_is_obj(in(container));
    if (it.state.left > 0) {
        /* yyjson keeps a ring and points to its last element (for an object: the last key). */
        yyjson_mut_val *last = in(container)->uni.ptr;
        it.state.at = it.state.object ? last->next->next : last->next;
    }
    return it;
}

bool tph_json_next(struct tph_json_iter *it)
{
    if (it->state.left == 0) {
        return false;
    }
    yyjson_mut_val *at = it->state.at;
    if (it->state.object) {
        it->key = tph_json_str(out(at));
        at = at->next;
    }
    it->value = out(at);
    it->state.at = at->next;
    it->state.left--;
    it->index++;
    return true;
}

void tph_json_sift(struct tph_json *object, tph_json_keep_fn *keep, void *owner)
{
    yyjson_mut_obj_iter it = yyjson_mut_obj_iter_with(in(object));
    yyjson_mut_val *key;
    while ((key = yyjson_mut_obj_iter_next(&it))) {
        if (!keep(owner, tph_json_str(out(key)), out(yyjson_mut_obj_iter_get_val(key)))) {
            (void)yyjson_mut_obj_iter_remove(&it);
        }
    }
}

/* A member of an object that is asked for many; the map is filled when it is worth it. */
static struct tph_json *look_up(const struct tph_json *object, struct tph_str key, struct tph_map *map)
{
    enum { WALKED = 16 };
    if (tph_json_len(object) <= WALKED) {
        return tph_json_getn(object, key);
    }
    struct tph_json_iter it = tph_json_iter(tph_map_len(map) == 0 ? object : NULL);
    while (tph_json_next(&it)) {
        (void)tph_map_set(map, it.key, it.value);
    }
    return tph_map_get(map, key);
}

static bool equal_members(const struct tph_json *a, const struct tph_json *b)
{
    struct tph_map map = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(a);
    struct tph_json_iter other = tph_json_iter(b);
    bool equal = true;
    while (equal && tph_json_next(&it)) {
        /* Mostly the order is the same: look there first. */
        bool there = tph_json_next(&other) && tph_str_eq(other.key, it.key);
        struct tph_json *match = there ? other.value : look_up(b, it.key, &map);
        equal = match && tph_json_equal(it.value, match);
    }
    tph_map_release(&map);
    return equal;
}

bool tph_json_equal(const struct tph_json *a, const struct tph_json *b)
{
    enum tph_json_type type = tph_json_type(a);
    if (type != tph_json_type(b) || tph_json_len(a) != tph_json_len(b)) {
        return false;
    }
    struct tph_json_iter it = tph_json_iter(a);
    struct tph_json_iter other = tph_json_iter(b);
    switch (type) {
    case TPH_JSON_NULL:
        return true;
    case TPH_JSON_BOOL:
        return tph_json_bool(a) == tph_json_bool(b);
    case TPH_JSON_NUMBER:
        return tph_str_eq(tph_json_number_text(a), tph_json_number_text(b));
    case TPH_JSON_STRING:
        return tph_str_eq(tph_json_str(a), tph_json_str(b));
    case TPH_JSON_ARRAY:
        while (tph_json_next(&it) && tph_json_next(&other)) {
            if (!tph_json_equal(it.value, other.value)) {
                return false;
            }
        }
        return true;
    case TPH_JSON_OBJECT:
        return equal_members(a, b);
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return false;
}

/* yyjson answers NULL only when memory is gone. */
static struct tph_json *made(yyjson_mut_val *value)
{
    if (!value) {
        abort();
    }
    return out(value);
}

struct tph_json *tph_json_new_null(struct tph_json_doc *doc)
{
    return made(yyjson_mut_null(doc->doc));
}

struct tph_json *tph_json_new_bool(struct tph_json_doc *doc, bool value)
{
    return made(yyjson_mut_bool(doc->doc, value));
}

struct tph_json *tph_json_new_number(struct tph_json_doc *doc, struct tph_str text)
{
    return made(yyjson_mut_rawncpy(doc->doc, text.p, text.len));
}

struct tph_json *tph_json_new_i64(struct tph_json_doc *doc, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    return tph_json_new_number(doc, (struct tph_str){.p = text, .len = (size_t)len});
}

struct tph_json *tph_json_new_double(struct tph_json_doc *doc, double value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    tph_number_write_json(value, &text);
    return tph_json_new_number(doc, tph_buf_str(&text));
}

struct tph_json *tph_json_new_str(struct tph_json_doc *doc, struct tph_str text)
{
    return made(yyjson_mut_strncpy(doc->doc, text.p ? text.p : "", text.len));
}

struct tph_json *tph_json_new_cstr(struct tph_json_doc *doc, const char *text)
{
    return tph_json_new_str(doc, tph_str(text));
}

struct tph_json *tph_json_new_array(struct tph_json_doc *doc)
{
    return made(yyjson_mut_arr(doc->doc));
}

struct tph_json *tph_json_new_object(struct tph_json_doc *doc)
{
    return made(yyjson_mut_obj(doc->doc));
}

struct tph_json *tph_json_copy(struct tph_json_doc *doc, const struct tph_json *from)
{
    return from ? made(yyjson_mut_val_mut_copy(doc->doc, in(from))) : tph_json_new_null(doc);
}

void tph_json_append(struct tph_json_doc *doc, struct tph_json *array, struct tph_json *value)
{
    (void)doc;
    (void)yyjson_mut_arr_append(in(array), in(value));
}

void tph_json_setn(struct tph_json_doc *doc, struct tph_json *object, struct tph_str key, struct tph_json *value)
{
    yyjson_mut_val *old = yyjson_mut_obj_getn(in(object), key.p ? key.p : "", key.len);
    if (old) {
        tph_json_assign(out(old), value);
    } else {
        tph_json_append_member(doc, object, key, value);
    }
}

void tph_json_append_member(struct tph_json_doc *doc, struct tph_json *object, struct tph_str key,
                            struct tph_json *value)
{
    (void)yyjson_mut_obj_add(in(object), in(tph_json_new_str(doc, key)), in(value));
}

void tph_json_assign(struct tph_json *to, struct tph_json *value)
{
    /* A value's link belongs to its place in the ring. */
    in(to)->tag = in(value)->tag;
    in(to)->uni = in(value)->uni;
}

void tph_json_set(struct tph_json_doc *doc, struct tph_json *object, const char *key, struct tph_json *value)
{
    tph_json_setn(doc, object, tph_str(key), value);
}

void tph_json_set_str(struct tph_json_doc *doc, struct tph_json *object, const char *key, struct tph_str text)
{
    tph_json_set(doc, object, key, tph_json_new_str(doc, text));
}

void tph_json_set_cstr(struct tph_json_doc *doc, struct tph_json *object, const char *key, const char *text)
{
    tph_json_set_str(doc, object, key, tph_str(text));
}

struct tph_json *tph_json_remove(struct tph_json *object, const char *key)
{
    return out(yyjson_mut_obj_remove_key(in(object), key));
}

struct tph_json *tph_json_removen(struct tph_json *object, struct tph_str key)
{
    return out(yyjson_mut_obj_remove_keyn(in(object), tph_str_fmt_ptr(key), key.len));
}

void tph_json_insert(struct tph_json *array, struct tph_json *value, size_t index)
{
    (void)yyjson_mut_arr_insert(in(array), in(value), index);
}

struct tph_json *tph_json_remove_at(struct tph_json *array, size_t index)
{
    return out(yyjson_mut_arr_remove(in(array), index));
}
