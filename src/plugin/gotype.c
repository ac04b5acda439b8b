/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/gotype.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "data/quantity.h"

struct converter {
    struct tph_json_doc *doc;
    struct tph_buf path; /* "spec.sidecar.container.ports": without indexes, as Go tells it */
    struct tph_error *err;
};

static int convert_struct(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                          struct tph_json **ret_value);

static const char *go_type_name(const struct tph_go_field *field)
{
    switch (field->kind) {
    case TPH_GO_STR:
        return "string";
    case TPH_GO_BOOL:
        return "bool";
    case TPH_GO_INT32:
        return "int32";
    case TPH_GO_INT64:
        return "int64";
    case TPH_GO_STRUCT:
        return field->type->name;
    case TPH_GO_LIST:
        return field->type ? field->type->name : "[]string";
    case TPH_GO_STR_MAP:
        return "map[string]string";
    case TPH_GO_QUANTITY_MAP:
        return "v1.ResourceList";
    case TPH_GO_INT_OR_STRING:
    case TPH_GO_QUANTITY:
    case TPH_GO_TIME:
    case TPH_GO_ANY:
        break;
    }
    return "string";
}

static int mismatch(struct converter *c, const struct tph_json *value, const struct tph_go_type *owner,
                    const struct tph_go_field *field)
{
    return tph_error_set(c->err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go struct field %s.%s of type %s",
                         tph_json_type_name(tph_json_type(value)), owner->name, tph_buf_cstr(&c->path),
                         go_type_name(field));
}

static struct tph_json *as_text(struct converter *c, const struct tph_json *value)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_STRING:
        return tph_json_new_str(c->doc, tph_json_str(value));
    case TPH_JSON_NUMBER:
        return tph_json_new_str(c->doc, tph_json_number_text(value));
    case TPH_JSON_BOOL:
        return tph_json_new_cstr(c->doc, tph_json_bool(value) ? "true" : "false");
    case TPH_JSON_NULL:
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return NULL;
}

static int convert_quantity(struct converter *c, const struct tph_json *value, struct tph_json **ret_value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_json *source = as_text(c, value);
    struct tph_quantity quantity;
    if (!source || tph_quantity_read(tph_json_str(source), &quantity, c->err) < 0) {
        return source
                   ? -1
                   : tph_error_set(c->err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go value of type string",
                                   tph_json_type_name(tph_json_type(value)));
    }
    tph_quantity_write(&quantity, &text);
    *ret_value = tph_json_new_str(c->doc, tph_buf_str(&text));
    return 0;
}

static int convert_map(struct converter *c, const struct tph_json *value, bool quantities, struct tph_json **ret_value)
{
    struct tph_json *map = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        struct tph_json *member = NULL;
        if (quantities) {
            if (convert_quantity(c, it.value, &member) < 0) {
                return -1;
            }
        } else {
            member = as_text(c, it.value);
            member = member ? member : tph_json_new_cstr(c->doc, "");
        }
        tph_json_setn(c->doc, map, it.key, member);
    }
    *ret_value = map;
    return 0;
}

static int convert_list(struct converter *c, const struct tph_json *value, const struct tph_go_type *owner,
                        const struct tph_go_field *field, struct tph_json **ret_value)
{
    struct tph_json *list = tph_json_new_array(c->doc);
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        struct tph_json *element = NULL;
        if (field->type) {
            if (convert_struct(c, it.value, field->type, &element) < 0) {
                return -1;
            }
        } else {
            element = as_text(c, it.value);
            if (!element) {
                return mismatch(c, it.value, owner, field);
            }
        }
        tph_json_append(c->doc, list, element);
    }
    *ret_value = list;
    return 0;
}

/* The JSON type that a kind is written with. */
static bool fits(const struct tph_json *value, enum tph_go_kind kind)
{
    switch (kind) {
    case TPH_GO_STR:
    case TPH_GO_QUANTITY:
    case TPH_GO_INT_OR_STRING:
    case TPH_GO_TIME:
        return !tph_json_is(value, TPH_JSON_ARRAY) && !tph_json_is(value, TPH_JSON_OBJECT);
    case TPH_GO_BOOL:
        return tph_json_is(value, TPH_JSON_BOOL);
    case TPH_GO_INT32:
    case TPH_GO_INT64:
        return tph_json_is(value, TPH_JSON_NUMBER);
    case TPH_GO_LIST:
        return tph_json_is(value, TPH_JSON_ARRAY);
    case TPH_GO_STRUCT:
    case TPH_GO_STR_MAP:
    case TPH_GO_QUANTITY_MAP:
        return tph_json_is(value, TPH_JSON_OBJECT);
    case TPH_GO_ANY:
        break;
    }
    return true;
}

static int convert_field(struct converter *c, const struct tph_json *value, const struct tph_go_type *owner,
                         const struct tph_go_field *field, struct tph_json **ret_value)
{
    if (!fits(value, field->kind)) {
        return mismatch(c, value, owner, field);
    }
    switch (field->kind) {
    case TPH_GO_STR:
        *ret_value = as_text(c, value);
        return 0;
    case TPH_GO_QUANTITY:
        return convert_quantity(c, value, ret_value);
    case TPH_GO_STRUCT:
        return convert_struct(c, value, field->type, ret_value);
    case TPH_GO_LIST:
        return convert_list(c, value, owner, field, ret_value);
    case TPH_GO_STR_MAP:
        return convert_map(c, value, false, ret_value);
    case TPH_GO_QUANTITY_MAP:
        return convert_map(c, value, true, ret_value);
    case TPH_GO_BOOL:
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_INT_OR_STRING:
    case TPH_GO_TIME:
    case TPH_GO_ANY:
        break;
    }
    *ret_value = tph_json_copy(c->doc, value);
    return 0;
}

/* What omitempty leaves out. */
static bool is_empty(const struct tph_json *value)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
        return true;
    case TPH_JSON_BOOL:
        return !tph_json_bool(value);
    case TPH_JSON_NUMBER:
        return tph_str_eqz(tph_json_number_text(value), "0");
    case TPH_JSON_STRING:
        return tph_json_str(value).len == 0;
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
        return tph_json_len(value) == 0;
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return true;
}

static const struct tph_go_field *find_field(const struct tph_go_type *type, struct tph_str name)
{
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        if (tph_str_eqz(name, f->name)) {
            return f;
        }
    }
    return NULL;
}

static int convert_struct(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                          struct tph_json **ret_value)
{
    struct tph_json *result = tph_json_new_object(c->doc);
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->path.len;
    while (tph_json_next(&it)) {
        const struct tph_go_field *field = find_field(type, it.key);
        if (!field) {
            return tph_error_set(c->err, TPH_ERROR_INVALID, "json: unknown field \"%.*s\"", TPH_FMT(it.key));
        }
        if (tph_json_is_null(it.value)) {
            continue;
        }
        (void)tph_buf_printf(&c->path, "%s%s", mark > 0 ? "." : "", field->name);
        struct tph_json *member = NULL;
        if (convert_field(c, it.value, type, field, &member) < 0) {
            return -1;
        }
        c->path.len = mark;
        bool whole = field->pointer || field->always || (field->kind == TPH_GO_STRUCT);
        if (whole || !is_empty(member)) {
            tph_json_set(c->doc, result, field->name, member);
        }
    }
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        if (f->always && !tph_json_get(result, f->name)) {
            struct tph_json *zero = f->kind == TPH_GO_STRUCT  ? tph_json_new_object(c->doc)
                                    : f->kind == TPH_GO_STR   ? tph_json_new_cstr(c->doc, "")
                                    : f->kind == TPH_GO_INT32 ? tph_json_new_i64(c->doc, 0)
                                                              : tph_json_new_null(c->doc);
            tph_json_set(c->doc, result, f->name, zero);
        }
    }
    *ret_value = result;
    return 0;
}

int tph_go_convert(struct tph_json_doc *doc, const struct tph_json *value, const struct tph_go_type *type,
                   struct tph_json **ret_value, struct tph_error *err)
{
    struct converter c = {.doc = doc, .path = TPH_BUF_INIT(TPH_KIB(16)), .err = err};
    int failed = 0;
    if (tph_json_is_null(value)) {
        failed = convert_struct(&c, NULL, type, ret_value);
    } else if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        failed = tph_error_set(err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go value of type spec.%s",
                               tph_json_type_name(tph_json_type(value)), type->name);
    } else {
        failed = convert_struct(&c, value, type, ret_value);
    }
    tph_buf_release(&c.path);
    return failed;
}
