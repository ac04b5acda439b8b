/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of Go are rebuilt from three things: the struct that is being read, the path of names to it, and the
 * type that was wanted. A type error is remembered and reading goes on, the first one counts; an error of a type that
 * reads itself ends everything and wins: so does encoding/json. */
#include "api/gotype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/base64.h"
#include "data/duration.h"
#include "data/position.h"
#include "data/quantity.h"
#include "data/time.h"

struct converter {
    struct tph_json_doc *doc;
    const struct tph_go_options *options;
    struct tph_buf path;  /* "spec.sidecar.container.ports": without indexes, as Go tells it */
    struct tph_buf place; /* "spec.templates[0].steps": with them, as the strict reader tells it */
    const char *owner;    /* the struct's name, or NULL at the top */
    bool strict;          /* inside a list of steps: unknown members are errors */
    bool mismatched;      /* a type error is kept in err */
    bool failed;          /* another one is */
    struct tph_error *err;
};

static int convert(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                   struct tph_json **ret_value);

/* Shortens a path again; it stays a C string. */
static void cut(struct tph_buf *path, size_t len)
{
    if (path->bytes) {
        path->bytes[len] = '\0';
    }
    path->len = len;
}

static const char *short_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static void note_fault(struct converter *c, const struct tph_go_type *wanted, enum tph_json_type found)
{
    struct tph_go_fault *fault = c->options->fault;
    if (fault) {
        tph_buf_clear(&fault->path);
        (void)tph_buf_put(&fault->path, tph_buf_str(&c->place));
        fault->wanted = wanted;
        fault->found = found;
    }
}

/* Remembers the first type error; the value reads as absent. */
static int mismatch(struct converter *c, const struct tph_json *value, const struct tph_go_type *type)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf what = TPH_BUF_INIT(TPH_KIB(4));
    if (c->mismatched) {
        return 0;
    }
    c->mismatched = true;
    note_fault(c, type, tph_json_type(value));
    (void)tph_buf_puts(&what, tph_json_type_name(tph_json_type(value)));
    if (tph_json_is(value, TPH_JSON_NUMBER) && (type->kind == TPH_GO_INT32 || type->kind == TPH_GO_INT64)) {
        (void)tph_buf_printf(&what, " %.*s", TPH_FMT(tph_json_number_text(value)));
    }
    if (c->owner) {
        (void)tph_error_set(c->err, TPH_ERROR_INVALID,
                            "json: cannot unmarshal %s into Go struct field %s.%s of type %s", tph_buf_cstr(&what),
                            c->owner, tph_buf_cstr(&c->path), type->name);
    } else {
        (void)tph_error_set(c->err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go value of type %s",
                            tph_buf_cstr(&what), type->name);
    }
    return 0;
}

/* What Go adds to the type error of a type that reads itself: the struct and the path around it. */
static int put_into_context(struct converter *c, const char *owner, const char *path)
{
    static const char VALUE[] = "into Go value of type ";
    static const char FIELD[] = "into Go struct field ";
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(sizeof c->err->text);
    if (!c->err || !owner || strncmp(c->err->text, "json: cannot unmarshal ", 23) != 0) {
        return -1;
    }
    char *at = strstr(c->err->text, VALUE);
    if (at) {
        (void)tph_buf_append(&text, c->err->text, (size_t)(at - c->err->text));
        (void)tph_buf_printf(&text, "%s%s.%s of type %s", FIELD, owner, path, at + sizeof VALUE - 1);
    } else if ((at = strstr(c->err->text, FIELD)) != NULL) {
        const char *inner = at + sizeof FIELD - 1;
        const char *dot = strchr(inner, '.');
        (void)tph_buf_append(&text, c->err->text, (size_t)(at - c->err->text));
        (void)tph_buf_printf(&text, "%s%s.%s%s", FIELD, owner, path, dot ? dot : "");
    } else {
        return -1;
    }
    return tph_error_set(c->err, TPH_ERROR_INVALID, "%s", tph_buf_cstr(&text));
}

static int own_error(struct converter *c)
{
    return put_into_context(c, c->owner, tph_buf_cstr(&c->path));
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

static int convert_text(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                        struct tph_json **ret_value)
{
    if (!tph_json_is(value, TPH_JSON_STRING) && !(c->options->flags & TPH_GO_TEXTS)) {
        return mismatch(c, value, type);
    }
    *ret_value = as_text(c, value);
    return *ret_value ? 0 : mismatch(c, value, type);
}

static int convert_number(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                          struct tph_json **ret_value)
{
    int64_t number = 0;
    if (!tph_json_is(value, TPH_JSON_NUMBER)) {
        return mismatch(c, value, type);
    }
    if (type->kind != TPH_GO_FLOAT && (tph_json_to_i64(value, &number) < 0 ||
                                       (type->kind == TPH_GO_INT32 && (number > INT32_MAX || number < INT32_MIN)))) {
        return mismatch(c, value, type);
    }
    *ret_value = tph_json_copy(c->doc, value);
    return 0;
}

static int convert_quantity(struct converter *c, const struct tph_json *value, struct tph_json **ret_value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_json *source = as_text(c, value);
    struct tph_quantity quantity;
    if (!source) {
        (void)tph_json_type_error(value, "value of type string", c->err);
        return own_error(c);
    }
    if (tph_quantity_read(tph_json_str(source), &quantity, c->err) < 0) {
        return -1;
    }
    tph_quantity_write(&quantity, &text);
    *ret_value = tph_json_new_str(c->doc, tph_buf_str(&text));
    return 0;
}

static int convert_anystring(struct converter *c, const struct tph_json *value, struct tph_json **ret_value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (tph_anystring_decode(value, &text, c->err) < 0) {
        return own_error(c);
    }
    *ret_value = tph_json_new_str(c->doc, tph_buf_str(&text));
    return 0;
}

static int convert_int_or_string(struct converter *c, const struct tph_json *value, struct tph_json **ret_value)
{
    struct tph_int_or_string read;
    if (tph_int_or_string_decode(value, &read, c->err) < 0) {
        return own_error(c);
    }
    *ret_value = read.is_string ? tph_json_new_str(c->doc, read.text) : tph_json_new_i64(c->doc, read.value);
    return 0;
}

static int convert_time(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                        struct tph_json **ret_value)
{
    struct tph_instant at;
    int64_t ns = 0;
    if (!tph_json_is(value, TPH_JSON_STRING)) {
        (void)tph_json_type_error(value, "value of type string", c->err);
        return own_error(c);
    }
    int failed = type->kind == TPH_GO_TIME ? tph_time_parse_instant(tph_json_str(value), &at, c->err)
                                           : tph_duration_parse_go(tph_json_str(value), &ns, c->err);
    *ret_value = tph_json_copy(c->doc, value);
    return failed < 0 ? -1 : 0;
}

static int convert_bytes(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                         struct tph_json **ret_value)
{
    if (!tph_json_is(value, TPH_JSON_STRING)) {
        return mismatch(c, value, type);
    }
    struct tph_str text = tph_json_str(value);
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(text.len);
    TPH_CLEANUP(tph_buf_release) struct tph_buf again = TPH_BUF_INIT(text.len + 4);
    size_t fault = 0;
    if (tph_base64_decode_at(text, &bytes, &fault) < 0) {
        return tph_error_set(c->err, TPH_ERROR_INVALID, "illegal base64 data at input byte %zu", fault);
    }
    tph_base64_encode(tph_buf_str(&bytes), &again); /* without the newlines that it may have had */
    *ret_value = tph_json_new_str(c->doc, tph_buf_str(&again));
    return 0;
}

static int convert_plugin(struct converter *c, const struct tph_json *value, struct tph_json **ret_value)
{
    if (!tph_json_is_null(value) && !tph_json_is(value, TPH_JSON_OBJECT)) {
        (void)tph_json_type_error(value, "value of type map[string]interface {}", c->err);
        return own_error(c);
    }
    if (tph_json_len(value) != 1) {
        return tph_error_set(c->err, TPH_ERROR_INVALID, "expected exactly one key, got %zu", tph_json_len(value));
    }
    *ret_value = tph_json_copy(c->doc, value);
    return 0;
}

static int convert_list(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                        struct tph_json **ret_value)
{
    if (!tph_json_is(value, TPH_JSON_ARRAY)) {
        return mismatch(c, value, type);
    }
    struct tph_json *list = tph_json_new_array(c->doc);
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->place.len;
    while (tph_json_next(&it)) {
        struct tph_json *element = NULL;
        tph_path_index(&c->place, it.index);
        if (convert(c, it.value, type->element, &element) < 0) {
            return -1;
        }
        cut(&c->place, mark);
        tph_json_append(c->doc, list, element ? element : tph_json_new_null(c->doc));
    }
    *ret_value = list;
    return 0;
}

struct member {
    struct tph_str key;
    struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* Go writes the members of a map by key. */
static int convert_map(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                       struct tph_json **ret_value)
{
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return mismatch(c, value, type);
    }
    size_t n = 0;
    struct member *members = tph_calloc(tph_json_len(value) + 1, sizeof(struct member));
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->place.len;
    int failed = 0;
    while (failed == 0 && tph_json_next(&it)) {
        struct tph_json *member = NULL;
        tph_path_key(&c->place, it.key);
        failed = convert(c, it.value, type->element, &member);
        cut(&c->place, mark);
        bool text = type->element->kind == TPH_GO_STR;
        member = member ? member : text ? tph_json_new_cstr(c->doc, "") : tph_json_new_null(c->doc);
        members[n++] = (struct member){it.key, member};
    }
    qsort(members, n, sizeof(struct member), by_key);
    struct tph_json *map = tph_json_new_object(c->doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append_member(c->doc, map, members[i].key, members[i].value);
    }
    free(members);
    *ret_value = map;
    return failed;
}

/* Argo's steps read themselves: a list of lists whose members are read once more, unknown members refused. */
static int convert_parallel(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                            struct tph_json **ret_value)
{
    struct tph_json *list = tph_json_new_array(c->doc);
    struct tph_json_iter it = tph_json_iter(value);
    if (!tph_json_is(value, TPH_JSON_ARRAY)) {
        (void)tph_error_set(c->err, TPH_ERROR_INVALID, "json: cannot unmarshal %s into Go value of type %s",
                            tph_json_type_name(tph_json_type(value)), type->name);
        return own_error(c);
    }
    struct converter inner = {
        .doc = c->doc, .options = c->options, .path = TPH_BUF_INIT(TPH_KIB(16)), .strict = true, .err = c->err};
    inner.place = c->place;
    bool mismatched = c->mismatched;
    struct tph_error first = TPH_ERROR_INIT;
    inner.err = &first;
    int failed = 0;
    while (failed == 0 && tph_json_next(&it)) {
        struct tph_json *step = NULL;
        size_t mark = inner.place.len;
        tph_path_index(&inner.place, it.index);
        failed = convert(&inner, it.value, type->element, &step);
        failed = inner.mismatched ? -1 : failed;
        cut(&inner.place, mark);
        tph_json_append(c->doc, list, step ? step : tph_json_new_object(c->doc));
    }
    c->place = inner.place;
    tph_buf_release(&inner.path);
    c->failed = failed < 0; /* inner has told where */
    if (failed < 0) {
        (void)tph_error_set(c->err, first.kind, "%s", first.text);
        return own_error(c);
    }
    c->mismatched = mismatched;
    *ret_value = list;
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

static const struct tph_go_field *find_field(const struct converter *c, const struct tph_go_type *type,
                                             struct tph_str name)
{
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        if (tph_str_eqz(name, f->name)) {
            return f;
        }
    }
    for (const struct tph_go_field *f = type->fields; f->name && (c->options->flags & TPH_GO_ANYCASE); f++) {
        if (strlen(f->name) == name.len && strncasecmp(f->name, name.p, name.len) == 0) {
            return f;
        }
    }
    return NULL;
}

/* An absent member as Go writes it, or NULL where it is left out. */
static struct tph_json *zero(struct converter *c, const struct tph_go_field *f)
{
    struct tph_json *value = NULL;
    if (!(f->flags & TPH_GO_POINTER) && f->type->kind == TPH_GO_STRUCT) {
        if (convert(c, tph_json_new_object(c->doc), f->type, &value) < 0) {
            return NULL;
        }
        return value;
    }
    if (f->flags & TPH_GO_OMIT_EMPTY) {
        return NULL;
    }
    if (f->flags & TPH_GO_POINTER) {
        return tph_json_new_null(c->doc);
    }
    switch (f->type->kind) {
    case TPH_GO_STR:
    case TPH_GO_ANYSTRING:
        return tph_json_new_cstr(c->doc, "");
    case TPH_GO_BOOL:
        return tph_json_new_bool(c->doc, false);
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_FLOAT:
    case TPH_GO_INT_OR_STRING:
        return tph_json_new_i64(c->doc, 0);
    case TPH_GO_QUANTITY:
        return tph_json_new_cstr(c->doc, "0");
    case TPH_GO_BYTES:
    case TPH_GO_TIME:
    case TPH_GO_DURATION:
    case TPH_GO_ITEM:
    case TPH_GO_ANY:
    case TPH_GO_PLUGIN:
    case TPH_GO_PARALLEL:
    case TPH_GO_STRUCT:
    case TPH_GO_LIST:
    case TPH_GO_MAP:
        break;
    }
    return tph_json_new_null(c->doc);
}

static int unknown_member(struct converter *c, struct tph_str name, const struct tph_go_type *type)
{
    if (c->options->tell_unknown) {
        size_t mark = c->place.len;
        tph_path_key(&c->place, name);
        const struct tph_go_unknown unknown = {
            .path = tph_buf_cstr(&c->place), .name = name, .type = type, .always_refused = c->strict};
        c->options->tell_unknown(c->options->owner, &unknown);
        cut(&c->place, mark);
        return 0;
    }
    if ((c->options->flags & TPH_GO_KNOWN) || c->strict) {
        return tph_error_set(c->err, TPH_ERROR_INVALID, "json: unknown field \"%.*s\"", TPH_FMT(name));
    }
    if (c->options->unknown) {
        size_t mark = c->place.len;
        tph_path_key(&c->place, name);
        (void)tph_buf_printf(c->options->unknown, "%sunknown field \"%s\"", c->options->unknown->len > 0 ? ", " : "",
                             tph_buf_cstr(&c->place));
        cut(&c->place, mark);
    }
    return 0;
}

static int convert_member(struct converter *c, const struct tph_json_iter *it, const struct tph_go_field *f,
                          struct tph_json **ret_member)
{
    size_t path = c->path.len;
    size_t place = c->place.len;
    (void)tph_buf_printf(&c->path, "%s%s", path > 0 ? "." : "", f->name);
    tph_path_key(&c->place, tph_str(f->name));
    int failed = tph_json_is_null(it->value) ? 0 : convert(c, it->value, f->type, ret_member);
    cut(&c->path, path);
    cut(&c->place, place);
    return failed;
}

enum { FIELDS_MAX = 160 };

static int convert_struct(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                          struct tph_json **ret_value)
{
    struct tph_json *members[FIELDS_MAX] = {NULL};
    struct tph_json_iter it = tph_json_iter(value);
    const char *owner = c->owner;
    int failed = 0;
    if (!tph_json_is(value, TPH_JSON_OBJECT)) {
        return mismatch(c, value, type);
    }
    while (failed == 0 && tph_json_next(&it)) {
        const struct tph_go_field *field = find_field(c, type, it.key);
        c->owner = short_name(type->name);
        failed =
            field ? convert_member(c, &it, field, &members[field - type->fields]) : unknown_member(c, it.key, type);
        c->owner = owner;
    }
    if (failed < 0) {
        return -1;
    }
    struct tph_json *result = tph_json_new_object(c->doc);
    for (const struct tph_go_field *f = type->fields; f->name; f++) {
        struct tph_json *member = members[f - type->fields];
        bool list = f->type->kind == TPH_GO_LIST || f->type->kind == TPH_GO_MAP;
        bool whole = (f->flags & TPH_GO_POINTER) || (list && (c->options->flags & TPH_GO_KEEP_EMPTY)) ||
                     f->type->kind == TPH_GO_STRUCT || !(f->flags & TPH_GO_OMIT_EMPTY);
        if (!member || (!whole && is_empty(member))) {
            member = zero(c, f);
        }
        if (member) {
            tph_json_append_member(c->doc, result, tph_str(f->name), member);
        }
    }
    *ret_value = result;
    return 0;
}

static int convert_value(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                         struct tph_json **ret_value)
{
    if (tph_json_is_null(value) && type->kind != TPH_GO_ITEM && type->kind != TPH_GO_ANY &&
        type->kind != TPH_GO_PLUGIN) {
        return 0;
    }
    switch (type->kind) {
    case TPH_GO_STR:
        return convert_text(c, value, type, ret_value);
    case TPH_GO_BOOL:
        if (!tph_json_is(value, TPH_JSON_BOOL)) {
            return mismatch(c, value, type);
        }
        break;
    case TPH_GO_INT32:
    case TPH_GO_INT64:
    case TPH_GO_FLOAT:
        return convert_number(c, value, type, ret_value);
    case TPH_GO_BYTES:
        return convert_bytes(c, value, type, ret_value);
    case TPH_GO_INT_OR_STRING:
        return convert_int_or_string(c, value, ret_value);
    case TPH_GO_QUANTITY:
        return convert_quantity(c, value, ret_value);
    case TPH_GO_TIME:
    case TPH_GO_DURATION:
        return convert_time(c, value, type, ret_value);
    case TPH_GO_ANYSTRING:
        return convert_anystring(c, value, ret_value);
    case TPH_GO_PLUGIN:
        return convert_plugin(c, value, ret_value);
    case TPH_GO_PARALLEL:
        return convert_parallel(c, value, type, ret_value);
    case TPH_GO_STRUCT:
        return convert_struct(c, value, type, ret_value);
    case TPH_GO_LIST:
        return convert_list(c, value, type, ret_value);
    case TPH_GO_MAP:
        return convert_map(c, value, type, ret_value);
    case TPH_GO_ITEM:
    case TPH_GO_ANY:
        break;
    }
    *ret_value = tph_json_copy(c->doc, value);
    return 0;
}

static int convert(struct converter *c, const struct tph_json *value, const struct tph_go_type *type,
                   struct tph_json **ret_value)
{
    int failed = convert_value(c, value, type, ret_value);
    if (failed < 0 && !c->failed) {
        c->failed = true;
        note_fault(c, type, tph_json_type(value));
    }
    return failed;
}

int tph_go_convert(struct tph_json_doc *doc, const struct tph_json *value, const struct tph_go_type *type,
                   const struct tph_go_options *options, struct tph_json **ret_value, struct tph_error *err)
{
    struct tph_error own = TPH_ERROR_INIT;
    struct converter c = {.doc = doc,
                          .options = options,
                          .path = TPH_BUF_INIT(TPH_MIB(1)),
                          .place = TPH_BUF_INIT(TPH_MIB(1)),
                          .err = &own};
    struct tph_json *result = NULL;
    bool nothing = tph_json_is_null(value) && type->kind == TPH_GO_STRUCT;
    int failed = convert(&c, nothing ? tph_json_new_object(doc) : value, type, &result);
    tph_buf_release(&c.path);
    tph_buf_release(&c.place);
    if (failed < 0 || c.mismatched) {
        return tph_error_set(err, own.kind, "%s", own.text);
    }
    *ret_value = result ? result : tph_json_new_null(doc);
    return 0;
}
