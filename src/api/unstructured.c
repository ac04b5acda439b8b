/* SPDX-License-Identifier: Apache-2.0 */
#include "api/unstructured.h"

#include <string.h>

/* The Go kind of a JSON value as the converter sees it. */
static const char *kind_of(const struct tph_json *value)
{
    int64_t whole = 0;
    switch (tph_json_type(value)) {
    case TPH_JSON_STRING:
        return "string";
    case TPH_JSON_BOOL:
        return "bool";
    case TPH_JSON_NUMBER:
        return tph_json_to_i64(value, &whole) == 0 ? "int64" : "float64";
    case TPH_JSON_ARRAY:
        return "slice";
    case TPH_JSON_OBJECT:
        return "map";
    case TPH_JSON_NULL:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return "invalid";
}

static const char *plain_name(const struct tph_go_type *type)
{
    switch (type->kind) {
    case TPH_GO_BOOL:
        return "bool";
    case TPH_GO_INT32:
        return "int32";
    case TPH_GO_INT64:
        return "int64";
    case TPH_GO_FLOAT:
        return "float64";
    default:
        return "string";
    }
}

/* Numbers have words of their own, whatever else is wrong is a kind that the converter does not know there. */
static int check_plain(const struct tph_json *value, const struct tph_go_type *type, struct tph_error *err)
{
    const char *from = kind_of(value);
    const char *to = plain_name(type);
    bool number = tph_json_is(value, TPH_JSON_NUMBER);
    bool wants_number = type->kind == TPH_GO_INT32 || type->kind == TPH_GO_INT64 || type->kind == TPH_GO_FLOAT;
    if (strcmp(from, to) == 0 || (number && wants_number)) {
        return 0;
    }
    return number ? tph_error_set(err, TPH_ERROR_INVALID, "cannot convert %s to %s", from, to)
                  : tph_error_set(err, TPH_ERROR_INVALID, "unrecognized type: %s", to);
}

static int check_members(const struct tph_json *value, const struct tph_go_type *type, struct tph_error *err)
{
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        if (tph_unstructured_check(tph_json_get(value, f->name), f->type, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_elements(const struct tph_json *value, const struct tph_go_type *type, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        if (tph_unstructured_check(it.value, type->element, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What reads itself is given the JSON, and says what it always says. */
static int check_custom(const struct tph_json *value, const struct tph_go_type *type, struct tph_error *err)
{
    const struct tph_go_options options = {.flags = 0};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *read = NULL;
    return tph_go_convert(doc, value, type, &options, &read, err);
}

/* As deep as JSON goes. */
int tph_unstructured_check(const struct tph_json *value, const struct tph_go_type *type, /* NOLINT(misc-no-recursion) */
                           struct tph_error *err)
{
    if (tph_json_is_null(value)) {
        return 0;
    }
    switch (type->kind) {
    case TPH_GO_STR:
    case TPH_GO_BOOL:
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_FLOAT:
        return check_plain(value, type, err);
    case TPH_GO_STRUCT:
        return tph_json_is(value, TPH_JSON_OBJECT)
                   ? check_members(value, type, err)
                   : tph_error_set(err, TPH_ERROR_INVALID, "cannot restore struct from: %s", kind_of(value));
    case TPH_GO_LIST:
        return tph_json_is(value, TPH_JSON_ARRAY)
                   ? check_elements(value, type, err)
                   : tph_error_set(err, TPH_ERROR_INVALID, "cannot restore slice from %s", kind_of(value));
    case TPH_GO_MAP:
        return tph_json_is(value, TPH_JSON_OBJECT)
                   ? check_elements(value, type, err)
                   : tph_error_set(err, TPH_ERROR_INVALID, "cannot restore map from %s", kind_of(value));
    case TPH_GO_ANY:
        return 0;
    case TPH_GO_BYTES:
    case TPH_GO_INT_OR_STRING:
    case TPH_GO_QUANTITY:
    case TPH_GO_TIME:
    case TPH_GO_DURATION:
    case TPH_GO_ANYSTRING:
    case TPH_GO_ITEM:
    case TPH_GO_PLUGIN:
    case TPH_GO_PARALLEL:
        break;
    }
    return check_custom(value, type, err);
}
