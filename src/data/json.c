/* SPDX-License-Identifier: Apache-2.0 */
/* The one file that sees yyjson. Values are yyjson's mutable ones; numbers are always "raw": their text. */
#include "data/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "data/number.h"

struct tph_json_doc {
    yyjson_mut_doc *doc; /* owned */
};

static yyjson_mut_val *in(const struct tph_json *value)
{
    return (yyjson_mut_val *)(uintptr_t)value;
}

static struct tph_json *out(yyjson_mut_val *value)
{
    return (struct tph_json *)value;
}

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

/* What one walk over a text found out before it is parsed. */
struct survey {
    size_t depth;       /* deepest nesting */
    bool needs_repair;  /* invalid UTF-8 or a surrogate escape that may be alone */
};

static struct survey look_over(struct tph_str text)
{
    struct survey found = {.depth = 0};
    size_t depth = 0;
    bool in_string = false;
    bool high = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        high = high || c >= 0x80;
        if (in_string) {
            if (c == '\\') {
                i++;
                bool escape = i + 2 < text.len && text.p[i] == 'u';
                found.needs_repair = found.needs_repair || (escape && (text.p[i + 1] | 0x20) == 'd' && text.p[i + 2] >= '8');
            } else {
                in_string = c != '"';
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            found.depth = depth > found.depth ? depth : found.depth;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    found.needs_repair = found.needs_repair || (high && !tph_utf8_valid(text));
    return found;
}

/* Four hexadecimal digits at p as a number, or -1. */
static int32_t hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Writes the escape at the front of rest, a surrogate that is alone as \ufffd; returns the bytes read. */
static size_t repair_escape(struct tph_str rest, struct tph_buf *repaired)
{
    int32_t first = rest.len >= 6 && rest.p[1] == 'u' ? hex4(rest.p + 2) : -1;
    if (first < 0xd800 || first > 0xdfff) {
        size_t len = rest.len < 2 ? rest.len : 2;
        (void)tph_buf_append(repaired, rest.p, len);
        return len;
    }
    int32_t second = rest.len >= 12 && rest.p[6] == '\\' && rest.p[7] == 'u' ? hex4(rest.p + 8) : -1;
    if (first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff) {
        (void)tph_buf_append(repaired, rest.p, 12);
        return 12;
    }
    (void)tph_buf_puts(repaired, "\\ufffd");
    return 6;
}

/* The text with what Go would replace already replaced. */
static void repair(struct tph_str text, struct tph_buf *repaired)
{
    while (text.len > 0) {
        size_t len = 1;
        if (text.p[0] == '\\') {
            len = repair_escape(text, repaired);
        } else {
            uint32_t rune;
            len = tph_utf8_decode(text, &rune);
            (void)tph_utf8_repair(repaired, tph_str_slice(text, 0, len));
        }
        text = tph_str_slice(text, len, text.len);
    }
}

static bool has_duplicate(yyjson_val *object)
{
    struct tph_map seen = TPH_MAP_INIT;
    bool large = yyjson_obj_size(object) > 16;
    bool found = false;
    size_t i, j, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, max, key, value) {
        if (large) {
            struct tph_str name = {.p = yyjson_get_str(key), .len = yyjson_get_len(key)};
            found = found || tph_map_set(&seen, name, key) != NULL;
            continue;
        }
        yyjson_val *other = unsafe_yyjson_get_first(object);
        for (j = 0; j < i && !found; j++, other = unsafe_yyjson_get_next(other + 1)) {
            found = yyjson_equals_strn(other, yyjson_get_str(key), yyjson_get_len(key));
        }
    }
    tph_map_release(&seen);
    return found;
}

static void drop_duplicates(yyjson_mut_val *value);

/* The last member of a name wins and stands where the first stood, as in a Go map that is written again in order. */
static void drop_duplicate_members(yyjson_mut_val *object)
{
    struct tph_map seen = TPH_MAP_INIT; /* key -> the first value's slot */
    yyjson_mut_obj_iter it;
    yyjson_mut_obj_iter_init(object, &it);
    yyjson_mut_val *key;
    while ((key = yyjson_mut_obj_iter_next(&it))) {
        struct tph_str name = {.p = yyjson_mut_get_str(key), .len = yyjson_mut_get_len(key)};
        yyjson_mut_val *value = yyjson_mut_obj_iter_get_val(key);
        drop_duplicates(value);
        yyjson_mut_val *first = tph_map_get(&seen, name);
        if (!first) {
            (void)tph_map_set(&seen, name, value);
            continue;
        }
        /* The payload moves, the link stays. */
        first->tag = value->tag;
        first->uni = value->uni;
        (void)yyjson_mut_obj_iter_remove(&it);
    }
    tph_map_release(&seen);
}

/* Depth is bounded: the text was measured before it was parsed. */
static void drop_duplicates(yyjson_mut_val *value)
{
    if (yyjson_mut_is_obj(value)) {
        drop_duplicate_members(value);
    } else if (yyjson_mut_is_arr(value)) {
        size_t i, max;
        yyjson_mut_val *element;
        yyjson_mut_arr_foreach(value, i, max, element) {
            drop_duplicates(element);
        }
    }
}

static int syntax_error(struct tph_str text, const yyjson_read_err *problem, struct tph_error *err)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < problem->pos && i < text.len; i++) {
        bool newline = text.p[i] == '\n';
        line += newline ? 1 : 0;
        column = newline ? 1 : column + (((unsigned char)text.p[i] & 0xc0) != 0x80 ? 1 : 0);
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "%zu:%zu: %s", line, column, problem->msg);
}

static int parse(struct tph_str text, yyjson_read_flag flags, struct tph_json_doc **ret_doc, size_t *ret_used,
                 struct tph_error *err)
{
    struct survey found = look_over(text);
    if (found.depth > TPH_LIMIT_JSON_DEPTH) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "nested deeper than %d levels", TPH_LIMIT_JSON_DEPTH);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf repaired = TPH_BUF_INIT(SIZE_MAX / 4);
    if (found.needs_repair) {
        repair(text, &repaired);
        text = tph_buf_str(&repaired);
    }
    yyjson_read_err problem;
    yyjson_doc *parsed = yyjson_read_opts((char *)(uintptr_t)(text.p ? text.p : ""), text.len,
                                          flags | YYJSON_READ_NUMBER_AS_RAW, NULL, &problem);
    if (!parsed) {
        return syntax_error(text, &problem, err);
    }
    bool duplicates = false;
    yyjson_val *value = yyjson_doc_get_root(parsed);
    for (size_t i = 0; i < yyjson_doc_get_val_count(parsed) && !duplicates; i++) {
        duplicates = yyjson_is_obj(value + i) && has_duplicate(value + i);
    }
    size_t used = yyjson_doc_get_read_size(parsed);
    struct tph_json_doc *doc = TPH_NEW(struct tph_json_doc);
    doc->doc = yyjson_doc_mut_copy(parsed, NULL);
    yyjson_doc_free(parsed);
    if (!doc->doc) {
        abort();
    }
    if (duplicates) {
        drop_duplicates(yyjson_mut_doc_get_root(doc->doc));
    }
    if (ret_used) {
        *ret_used = used;
    }
    *ret_doc = doc;
    return 0;
}

int tph_json_parse(struct tph_str text, struct tph_json_doc **ret_doc, struct tph_error *err)
{
    return parse(text, 0, ret_doc, NULL, err);
}

int tph_json_parse_first(struct tph_str text, struct tph_json_doc **ret_doc, size_t *ret_used,
                         struct tph_error *err)
{
    return parse(text, YYJSON_READ_STOP_WHEN_DONE, ret_doc, ret_used, err);
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
    return (struct tph_str){.p = yyjson_mut_get_str(in(value)), .len = yyjson_mut_is_str(in(value)) ? yyjson_mut_get_len(in(value)) : 0};
}

struct tph_str tph_json_number_text(const struct tph_json *value)
{
    return (struct tph_str){.p = yyjson_mut_get_raw(in(value)), .len = yyjson_mut_is_raw(in(value)) ? yyjson_mut_get_len(in(value)) : 0};
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

static bool equal_members(const struct tph_json *a, const struct tph_json *b)
{
    struct tph_json_iter it = tph_json_iter(a);
    struct tph_json_iter other = tph_json_iter(b);
    while (tph_json_next(&it)) {
        /* Mostly the order is the same: look there first. */
        struct tph_json *match = NULL;
        if (tph_json_next(&other) && tph_str_eq(other.key, it.key)) {
            match = other.value;
        } else {
            match = tph_json_getn(b, it.key);
        }
        if (!match || !tph_json_equal(it.value, match)) {
            return false;
        }
    }
    return true;
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
        /* In place: a value's link belongs to its place in the ring. */
        old->tag = in(value)->tag;
        old->uni = in(value)->uni;
        return;
    }
    (void)yyjson_mut_obj_add(in(object), in(tph_json_new_str(doc, key)), in(value));
}

void tph_json_append_member(struct tph_json_doc *doc, struct tph_json *object, struct tph_str key, struct tph_json *value)
{
    (void)yyjson_mut_obj_add(in(object), in(tph_json_new_str(doc, key)), in(value));
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
