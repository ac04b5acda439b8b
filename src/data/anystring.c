/* SPDX-License-Identifier: Apache-2.0 */
#include "data/anystring.h"

#include "base/limits.h"
#include "data/number.h"

bool tph_anystring(const struct tph_json *value, struct tph_buf *text)
{
    switch (tph_anystring_decode(value, text, NULL)) {
    case 0:
        return true;
    case TPH_ANYSTRING_UNCHANGED:
        return !tph_json_is_null(value);
    default: /* an int: the number is past a double, its text is all there is */
        (void)tph_buf_put(text, tph_json_number_text(value));
        return true;
    }
}

int tph_anystring_decode(const struct tph_json *value, struct tph_buf *text, struct tph_error *err)
{
    double number = 0;
    switch (tph_json_type(value)) {
    case TPH_JSON_BOOL:
        (void)tph_buf_puts(text, tph_json_bool(value) ? "true" : "false");
        return 0;
    case TPH_JSON_NUMBER:
        if (tph_json_to_double(value, &number) < 0) {
            return tph_error_set(err, TPH_ERROR_INVALID,
                                 "json: cannot unmarshal number %.*s into Go value of type float64",
                                 TPH_FMT(tph_json_number_text(value)));
        }
        tph_number_write_plain(number, text);
        return 0;
    case TPH_JSON_STRING:
        (void)tph_buf_put(text, tph_json_str(value));
        return 0;
    case TPH_JSON_NULL:
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return TPH_ANYSTRING_UNCHANGED;
}

int tph_json_type_error(const struct tph_json *value, const char *target, struct tph_error *err)
{
    /* Go names the number only where a number was wanted, of another kind. */
    bool number_wanted = tph_str_has_suffix(tph_str(target), TPH_STR("int32"));
    if (tph_json_is(value, TPH_JSON_NUMBER) && number_wanted) {
        return tph_error_set(err, TPH_ERROR_INVALID, "json: cannot unmarshal number %.*s into Go %s",
                             TPH_FMT(tph_json_number_text(value)), target);
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go %s",
                         tph_json_type_name(tph_json_type(value)), target);
}

/* An AnyString as a JSON string; what the decoder leaves unchanged is empty in a new value. */
static int any_to_json(const struct tph_json *value, struct tph_json_doc *doc, struct tph_json **ret_text,
                       struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_anystring_decode(value, &text, err) < 0) {
        return -1;
    }
    *ret_text = tph_json_new_str(doc, tph_buf_str(&text));
    return 0;
}

static int enum_to_json(const struct tph_json *list, struct tph_json_doc *doc, struct tph_json **ret_list,
                        struct tph_error *err)
{
    if (!tph_json_is(list, TPH_JSON_ARRAY)) {
        return tph_json_type_error(list, "struct field Parameter.enum of type []v1alpha1.AnyString", err);
    }
    struct tph_json *texts = tph_json_new_array(doc);
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        struct tph_json *text = NULL;
        if (any_to_json(it.value, doc, &text, err) < 0) {
            return -1;
        }
        tph_json_append(doc, texts, text);
    }
    *ret_list = texts;
    return 0;
}

static int text_field(const struct tph_json *value, const char *name, struct tph_json_doc *doc,
                      struct tph_json **ret_text, struct tph_error *err)
{
    if (!tph_json_is(value, TPH_JSON_STRING)) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "json: cannot unmarshal %s into Go struct field Parameter.%s of type string",
                             tph_json_type_name(tph_json_type(value)), name);
    }
    *ret_text = tph_json_new_str(doc, tph_json_str(value));
    return 0;
}

int tph_parameter_decode(const struct tph_json *from, struct tph_json_doc *doc, struct tph_json **ret_parameter,
                         struct tph_error *err)
{
    static const struct {
        const char *name;
        enum { TEXT, ANY, ENUM, AS_IT_IS } kind;
    } fields[] = {{"name", TEXT},       {"default", ANY}, {"value", ANY},       {"valueFrom", AS_IT_IS},
                  {"globalName", TEXT}, {"enum", ENUM},   {"description", TEXT}};
    struct tph_json *parameter = tph_json_new_object(doc);
    tph_json_set_cstr(doc, parameter, "name", ""); /* always written */
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct tph_json *value = tph_json_get(from, fields[i].name);
        struct tph_json *made = NULL;
        int failed = 0;
        if (tph_json_is_null(value)) {
            continue;
        }
        switch (fields[i].kind) {
        case TEXT:
            failed = text_field(value, fields[i].name, doc, &made, err);
            break;
        case ANY:
            failed = any_to_json(value, doc, &made, err);
            break;
        case ENUM:
            failed = enum_to_json(value, doc, &made, err);
            break;
        case AS_IT_IS:
            made = tph_json_copy(doc, value);
            break;
        }
        if (failed < 0) {
            return -1;
        }
        tph_json_set(doc, parameter, fields[i].name, made);
    }
    *ret_parameter = parameter;
    return 0;
}

int tph_int_or_string_decode(const struct tph_json *value, struct tph_int_or_string *ret_value, struct tph_error *err)
{
    struct tph_int_or_string result = {.value = 0};
    if (tph_json_is(value, TPH_JSON_STRING)) {
        result.is_string = true;
        result.text = tph_json_str(value);
        if (tph_str_to_i64(result.text, &result.value) < 0) {
            result.value = 0;
        }
    } else if (!tph_json_is_null(value)) {
        if (tph_json_to_i64(value, &result.value) < 0 || result.value > INT32_MAX || result.value < INT32_MIN) {
            return tph_json_type_error(value, "value of type int32", err);
        }
    }
    *ret_value = result;
    return 0;
}
