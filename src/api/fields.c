/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/container.h"
#include "data/position.h"

int tph_reader_fail(struct tph_reader *reader, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tph_error_set(reader->err, TPH_ERROR_INVALID, "%s: %s", tph_buf_cstr(&reader->path), text);
}

size_t tph_reader_enter(struct tph_reader *reader, const char *key)
{
    size_t mark = reader->path.len;
    tph_path_key(&reader->path, tph_str(key));
    return mark;
}

void tph_reader_leave(struct tph_reader *reader, size_t mark)
{
    reader->path.len = mark;
    if (reader->path.bytes) {
        reader->path.bytes[mark] = '\0';
    }
}

static int expected(struct tph_reader *reader, const char *what, const struct tph_json *json)
{
    return tph_reader_fail(reader, "must be %s, not a%s %s", what,
                           tph_json_is(json, TPH_JSON_ARRAY) || tph_json_is(json, TPH_JSON_OBJECT) ? "n" : "",
                           tph_json_type_name(tph_json_type(json)));
}

int tph_reader_text(struct tph_reader *reader, const struct tph_json *json, struct tph_str *ret_text)
{
    switch (tph_json_type(json)) {
    case TPH_JSON_NULL:
        *ret_text = TPH_STR("");
        return 0;
    case TPH_JSON_BOOL:
        *ret_text = tph_json_bool(json) ? TPH_STR("true") : TPH_STR("false");
        return 0;
    case TPH_JSON_NUMBER:
        *ret_text = tph_arena_str(reader->arena, tph_json_number_text(json));
        return 0;
    case TPH_JSON_STRING:
        *ret_text = tph_arena_str(reader->arena, tph_json_str(json));
        return 0;
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return expected(reader, "a text", json);
}

static int read_integer(struct tph_reader *reader, const struct tph_json *json, int64_t min, int64_t max,
                        int64_t *ret_value)
{
    if (!tph_json_is(json, TPH_JSON_NUMBER)) {
        return expected(reader, "a number", json);
    }
    if (tph_json_to_i64(json, ret_value) < 0 || *ret_value < min || *ret_value > max) {
        return tph_reader_fail(reader, "%.*s is not a whole number from %lld to %lld",
                               TPH_FMT(tph_json_number_text(json)), (long long)min, (long long)max);
    }
    return 0;
}

static int read_strs(struct tph_reader *reader, const struct tph_json *json, const struct tph_field *field, char *into)
{
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return expected(reader, "a list", json);
    }
    struct tph_str *list = TPH_ARENA_ARRAY(reader->arena, struct tph_str, tph_json_len(json));
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = reader->path.len;
        tph_path_index(&reader->path, it.index);
        if (tph_reader_text(reader, it.value, &list[it.index]) < 0) {
            return -1;
        }
        tph_reader_leave(reader, mark);
    }
    *(const struct tph_str **)(void *)(into + field->offset) = list;
    *(size_t *)(void *)(into + field->count_offset) = tph_json_len(json);
    return 0;
}

static int read_list(struct tph_reader *reader, const struct tph_json *json, const struct tph_field *field, char *into)
{
    if (!tph_json_is(json, TPH_JSON_ARRAY)) {
        return expected(reader, "a list", json);
    }
    char *list = tph_arena_array(reader->arena, field->sub->size, tph_json_len(json));
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = reader->path.len;
        tph_path_index(&reader->path, it.index);
        if (tph_fields_read(reader, it.value, field->sub, list + it.index * field->sub->size) < 0) {
            return -1;
        }
        tph_reader_leave(reader, mark);
    }
    *(void **)(void *)(into + field->offset) = list;
    *(size_t *)(void *)(into + field->count_offset) = tph_json_len(json);
    return 0;
}

static int read_bool(struct tph_reader *reader, const struct tph_json *json, const struct tph_field *field, char *into)
{
    if (!tph_json_is(json, TPH_JSON_BOOL)) {
        return expected(reader, "true or false", json);
    }
    if (field->kind == TPH_FIELD_BOOL) {
        *(bool *)(void *)(into + field->offset) = tph_json_bool(json);
    } else {
        *(enum tph_tristate *)(void *)(into + field->offset) = tph_json_bool(json) ? TPH_YES : TPH_NO;
    }
    return 0;
}

static int read_field(struct tph_reader *reader, const struct tph_json *json, const struct tph_field *field, char *into)
{
    int64_t value = 0;
    void *member = into + field->offset;
    switch (field->kind) {
    case TPH_FIELD_STR:
        return tph_reader_text(reader, json, member);
    case TPH_FIELD_BOOL:
    case TPH_FIELD_TRISTATE:
        return read_bool(reader, json, field, into);
    case TPH_FIELD_INT:
        if (read_integer(reader, json, INT32_MIN, INT32_MAX, &value) < 0) {
            return -1;
        }
        *(int *)member = (int)value;
        return 0;
    case TPH_FIELD_I64:
        return read_integer(reader, json, INT64_MIN, INT64_MAX, member);
    case TPH_FIELD_PORT:
        if (read_integer(reader, json, 1, 65535, &value) < 0) {
            return -1;
        }
        *(uint16_t *)member = (uint16_t)value;
        return 0;
    case TPH_FIELD_STRS:
        return read_strs(reader, json, field, into);
    case TPH_FIELD_OBJECT:
        return tph_fields_read(reader, json, field->sub, member);
    case TPH_FIELD_LIST:
        return read_list(reader, json, field, into);
    case TPH_FIELD_CUSTOM:
        return field->custom(reader, json, into);
    case TPH_FIELD_IGNORED:
        return 0;
    case TPH_FIELD_REFUSED:
        return tph_reader_fail(reader, "cannot be honoured here%s%s", field->help ? ": " : "",
                               field->help ? field->help : "");
    }
    return 0;
}

static const struct tph_field *find_field(const struct tph_fields *fields, struct tph_str name)
{
    for (const struct tph_field *f = fields->list; f->name; f++) {
        if (tph_str_eqz(name, f->name)) {
            return f;
        }
    }
    return NULL;
}

static int unknown_field(struct tph_reader *reader, const struct tph_fields *fields, struct tph_str name)
{
    const char *names[64];
    size_t n = 0;
    for (const struct tph_field *f = fields->list; f->name && n < 64; f++) {
        names[n++] = f->name;
    }
    const char *near = tph_str_nearest(name, names, n);
    return tph_reader_fail(reader, "is no field that is known here%s%s%s", near ? "; did you mean " : "",
                           near ? near : "", near ? "?" : "");
}

int tph_fields_read(struct tph_reader *reader, const struct tph_json *json, const struct tph_fields *fields, void *into)
{
    if (tph_json_is_null(json)) {
        return 0;
    }
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return expected(reader, "an object", json);
    }
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        size_t mark = reader->path.len;
        tph_path_key(&reader->path, it.key);
        const struct tph_field *field = find_field(fields, it.key);
        if (!field) {
            return unknown_field(reader, fields, it.key);
        }
        if (!tph_json_is_null(it.value) && read_field(reader, it.value, field, into) < 0) {
            return -1;
        }
        tph_reader_leave(reader, mark);
    }
    return 0;
}
