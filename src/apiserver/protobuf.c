/* SPDX-License-Identifier: Apache-2.0 */
/* A message is read into JSON without regard to zeros; api/gotype.h then writes it as Go would, which knows from the
 * declaration of each field whether a zero counts. A message that comes twice is merged, as in Go. */
#include "apiserver/protobuf.h"

#include <inttypes.h>
#include <string.h>

#include "apiserver/protobuf_tables.h"
#include "apiserver/refuse.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "data/base64.h"
#include "data/time.h"

enum wire { VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 };

struct reader {
    struct tph_json_doc *doc;
    size_t values; /* made so far */
    struct tph_error *err;
};

/* One field as it stands in a message. */
struct field {
    unsigned number;
    enum wire wire;
    uint64_t value;       /* of a varint */
    struct tph_str bytes; /* of what has a length */
};

static const char CUT[] = "unexpected EOF";

static int fail(const struct reader *r, const char *text)
{
    return tph_error_set(r->err, TPH_ERROR_INVALID, "%s", text);
}

static int varint(const struct reader *r, struct tph_str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (i == rest->len) {
            return fail(r, CUT);
        }
        unsigned char byte = (unsigned char)rest->p[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *rest = tph_str_slice(*rest, i + 1, rest->len);
            *ret_value = value;
            return 0;
        }
    }
    return fail(r, "proto: integer overflow");
}

static int take(const struct reader *r, struct tph_str *rest, uint64_t len, struct tph_str *ret_bytes)
{
    if (len > INT64_MAX) {
        return fail(r, "proto: negative length found during unmarshaling");
    }
    if (len > rest->len) {
        return fail(r, CUT);
    }
    *ret_bytes = tph_str_slice(*rest, 0, (size_t)len);
    *rest = tph_str_slice(*rest, (size_t)len, rest->len);
    return 0;
}

/* The next field of a message; groups, which nobody sends, give their begin and end. */
static int next_field(const struct reader *r, struct tph_str *rest, struct field *ret_field)
{
    uint64_t tag = 0;
    uint64_t len = 0;
    struct field field = {0};
    if (varint(r, rest, &tag) < 0) {
        return -1;
    }
    field.number = (unsigned)(tag >> 3 & UINT32_MAX);
    field.wire = (enum wire)(tag & 7);
    if (field.number == 0 || tag >> 3 > INT32_MAX) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "proto: illegal tag %" PRIu64 " (wire type %u)", tag >> 3,
                             (unsigned)field.wire);
    }
    int failed = 0;
    switch (field.wire) {
    case VARINT:
        failed = varint(r, rest, &field.value);
        break;
    case BYTES:
        failed = varint(r, rest, &len);
        failed = failed < 0 ? failed : take(r, rest, len, &field.bytes);
        break;
    case FIXED64:
    case FIXED32:
        failed = take(r, rest, field.wire == FIXED64 ? 8 : 4, &field.bytes);
        break;
    case GROUP:
    case GROUP_END:
        break;
    default:
        return tph_error_set(r->err, TPH_ERROR_INVALID, "proto: illegal wireType %u", (unsigned)field.wire);
    }
    if (failed == 0) {
        *ret_field = field;
    }
    return failed;
}

/* What begins with a field of wire type GROUP. */
static int skip_group(const struct reader *r, struct tph_str *rest)
{
    size_t depth = 1;
    while (depth > 0) {
        struct field field;
        if (next_field(r, rest, &field) < 0) {
            return -1;
        }
        depth += field.wire == GROUP ? 1 : 0;
        depth -= field.wire == GROUP_END ? 1 : 0;
    }
    return 0;
}

/* A field that is read from, groups left out. Returns 1 when there is one, 0 at the end. */
static int walk(const struct reader *r, struct tph_str *rest, struct field *ret_field)
{
    while (rest->len > 0) {
        if (next_field(r, rest, ret_field) < 0) {
            return -1;
        }
        if (ret_field->wire == GROUP_END) {
            return fail(r, "proto: wiretype end group for non-group");
        }
        if (ret_field->wire != GROUP) {
            return 1;
        }
        if (skip_group(r, rest) < 0) {
            return -1;
        }
    }
    return 0;
}

static int expect(const struct reader *r, const struct field *field, enum wire wire, const char *name)
{
    if (field->wire != wire) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "proto: wrong wireType = %u for field %s",
                             (unsigned)field->wire, name);
    }
    return 0;
}

static struct tph_json *text(const struct reader *r, struct tph_str bytes)
{
    if (tph_utf8_valid(bytes)) {
        return tph_json_new_str(r->doc, bytes);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf repaired = TPH_BUF_INIT(3 * bytes.len);
    (void)tph_utf8_repair(&repaired, bytes);
    return tph_json_new_str(r->doc, tph_buf_str(&repaired));
}

/* The small messages that are one value in JSON: numbers 1 to 3, each with a varint or bytes. */
static int parts_of(const struct reader *r, const struct field *field, const char *name, struct field ret_parts[4])
{
    struct tph_str rest = field->bytes;
    struct field part;
    int more = expect(r, field, BYTES, name);
    memset(ret_parts, 0, 4 * sizeof *ret_parts);
    while (more == 0 && (more = walk(r, &rest, &part)) > 0) {
        if (part.number <= 3) {
            ret_parts[part.number] = part;
        }
        more = 0;
    }
    return more;
}

static int read_time(const struct reader *r, const struct field *field, const struct tph_go_type *type,
                     struct tph_json **ret_value)
{
    struct field parts[4];
    char when[TPH_TIME_TEXT];
    if (parts_of(r, field, type->name, parts) < 0) {
        return -1;
    }
    int64_t seconds = (int64_t)parts[1].value;
    if (field->bytes.len == 0) {
        *ret_value = tph_json_new_null(r->doc);
        return 0;
    }
    if (seconds < TPH_TIME_ZERO_SECONDS || seconds > INT64_C(253402300799)) { /* years 1 to 9999 */
        return fail(r, "Time.MarshalJSON: year outside of range [0,9999]");
    }
    tph_time_format(seconds * 1000, when);
    if (strcmp(type->name, "v1.MicroTime") != 0) {
        *ret_value = tph_json_new_cstr(r->doc, when);
        return 0;
    }
    int64_t ns = (int64_t)parts[2].value;
    ns = ns < 0 || ns > 999999999 ? 0 : ns;
    TPH_CLEANUP(tph_freep)
    char *fine = tph_format("%.*s.%06" PRId64 "Z", (int)strlen(when) - 1, when, ns / 1000);
    *ret_value = tph_json_new_cstr(r->doc, fine);
    return 0;
}

static int read_int_or_string(const struct reader *r, const struct field *field, struct tph_json **ret_value)
{
    struct field parts[4];
    if (parts_of(r, field, "IntOrString", parts) < 0) {
        return -1;
    }
    *ret_value = parts[1].value == 1 ? text(r, parts[3].bytes) : tph_json_new_i64(r->doc, (int32_t)parts[2].value);
    return 0;
}

static int read_quantity(const struct reader *r, const struct field *field, struct tph_json **ret_value)
{
    struct field parts[4];
    if (parts_of(r, field, "Quantity", parts) < 0) {
        return -1;
    }
    *ret_value = parts[1].bytes.len > 0 ? text(r, parts[1].bytes) : tph_json_new_cstr(r->doc, "0");
    return 0;
}

/* FieldsV1 and other raw JSON: a message whose first field is a JSON text. */
static int read_raw(const struct reader *r, const struct field *field, const char *name, struct tph_json **ret_value)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *raw = NULL;
    struct field parts[4];
    if (parts_of(r, field, name, parts) < 0) {
        return -1;
    }
    if (parts[1].bytes.len == 0) {
        *ret_value = tph_json_new_null(r->doc);
        return 0;
    }
    if (tph_json_parse(parts[1].bytes, &raw, r->err) < 0) {
        return -1;
    }
    *ret_value = tph_json_copy(r->doc, tph_json_root(raw));
    return 0;
}

static int read_scalar(const struct reader *r, const struct field *field, const struct tph_go_type *type,
                       const char *name, struct tph_json **ret_value)
{
    if (expect(r, field, type->kind == TPH_GO_STR || type->kind == TPH_GO_BYTES ? BYTES : VARINT, name) < 0) {
        return -1;
    }
    if (type->kind == TPH_GO_BOOL) {
        *ret_value = tph_json_new_bool(r->doc, field->value != 0);
    } else if (type->kind == TPH_GO_INT32) {
        *ret_value = tph_json_new_i64(r->doc, (int32_t)field->value);
    } else if (type->kind == TPH_GO_INT64) {
        *ret_value = tph_json_new_i64(r->doc, (int64_t)field->value);
    } else if (type->kind == TPH_GO_BYTES) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf encoded = TPH_BUF_INIT(field->bytes.len * 2 + 4);
        tph_base64_encode(field->bytes, &encoded);
        *ret_value = tph_json_new_str(r->doc, tph_buf_str(&encoded));
    } else {
        *ret_value = text(r, field->bytes);
    }
    return 0;
}

static int count_value(struct reader *r)
{
    if (++r->values > TPH_LIMIT_PROTOBUF_VALUES) {
        return tph_error_set(r->err, TPH_ERROR_LIMIT, "the body has more than %d values", TPH_LIMIT_PROTOBUF_VALUES);
    }
    return 0;
}

/* The elements of a list that a message of its own holds (authentication's ExtraValue): strings in field 1. */
static int read_items(struct reader *r, const struct field *field, struct tph_json **ret_value)
{
    struct tph_json *list = tph_json_new_array(r->doc);
    struct tph_str rest = field->bytes;
    struct field item;
    int more = expect(r, field, BYTES, "ExtraValue");
    while (more == 0 && (more = walk(r, &rest, &item)) > 0) {
        if (item.number == 1) {
            tph_json_append(r->doc, list, text(r, item.bytes));
            more = count_value(r);
        } else {
            more = 0;
        }
    }
    if (more == 0) {
        *ret_value = list;
    }
    return more;
}

static int read_message(struct reader *r, struct tph_str bytes, const struct tph_go_type *type,
                        const struct tph_pb_field *fields, struct tph_json *object);

/* One value; before: what a message of this field has given so far, or NULL. */
static int read_value(struct reader *r, const struct field *field, const struct tph_go_type *type,
                      const struct tph_pb_field *row, struct tph_json *before, struct tph_json **ret_value)
{
    if (count_value(r) < 0) {
        return -1;
    }
    switch (type->kind) {
    case TPH_GO_STR:
    case TPH_GO_BYTES:
    case TPH_GO_BOOL:
    case TPH_GO_INT32:
    case TPH_GO_INT64:
        return read_scalar(r, field, type, row->name, ret_value);
    case TPH_GO_TIME:
        return read_time(r, field, type, ret_value);
    case TPH_GO_QUANTITY:
        return read_quantity(r, field, ret_value);
    case TPH_GO_INT_OR_STRING:
        return read_int_or_string(r, field, ret_value);
    case TPH_GO_LIST:
        return read_items(r, field, ret_value);
    case TPH_GO_ANY:
        return read_raw(r, field, row->name, ret_value);
    case TPH_GO_STRUCT:
        *ret_value = before ? before : tph_json_new_object(r->doc);
        return expect(r, field, BYTES, row->name) < 0 ? -1
                                                      : read_message(r, field->bytes, type, row->fields, *ret_value);
    case TPH_GO_FLOAT:
    case TPH_GO_DURATION:
    case TPH_GO_ANYSTRING:
    case TPH_GO_ITEM:
    case TPH_GO_PLUGIN:
    case TPH_GO_PARALLEL:
    case TPH_GO_MAP:
        break; /* in no message of the tables */
    }
    return fail(r, "field of a type that protobuf bodies do not have");
}

/* A map's entry: a message with the key as field 1 and the value as field 2, both of which may be missing. */
static int read_entry(struct reader *r, const struct field *field, const struct tph_go_type *type,
                      const struct tph_pb_field *row, struct tph_json *map)
{
    struct tph_str rest = field->bytes;
    struct tph_str key = TPH_STR_NONE;
    struct field value = {.number = 2, .wire = BYTES};
    struct field part;
    int more = expect(r, field, BYTES, row->name);
    while (more == 0 && (more = walk(r, &rest, &part)) > 0) {
        if (part.number == 1) {
            key = part.bytes;
        } else if (part.number == 2) {
            value = part;
        }
        more = 0;
    }
    struct tph_json *read = NULL;
    if (more < 0 || read_value(r, &value, type->element, row, NULL, &read) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf repaired = TPH_BUF_INIT(3 * key.len);
    (void)tph_utf8_repair(&repaired, key);
    tph_json_append_member(r->doc, map, tph_buf_str(&repaired), read);
    return 0;
}

/* Of two entries with one key the last wins, as in Go. */
static struct tph_json *without_doubles(struct tph_json_doc *doc, struct tph_json *map)
{
    TPH_CLEANUP(tph_map_release) struct tph_map last = TPH_MAP_INIT;
    struct tph_json_iter it = tph_json_iter(map);
    size_t at = 0;
    struct tph_str key = TPH_STR_NONE;
    void *value = NULL;
    while (tph_json_next(&it)) {
        (void)tph_map_set(&last, it.key, it.value);
    }
    if (tph_map_len(&last) == tph_json_len(map)) {
        return map;
    }
    struct tph_json *result = tph_json_new_object(doc);
    while (tph_map_next(&last, &at, &key, &value)) {
        tph_json_append_member(doc, result, key, tph_json_copy(doc, value));
    }
    return result;
}

static const struct tph_go_field *go_field(const struct tph_go_type *type, const char *name)
{
    const struct tph_go_field *f = type->fields;
    while (f->name && strcmp(f->name, name) != 0) {
        f++;
    }
    return f->name ? f : NULL;
}

/* Numbers are sent one by one, but a sender may pack them. */
static int read_packed(struct reader *r, const struct field *field, const struct tph_go_type *element,
                       const struct tph_pb_field *row, struct tph_json *list)
{
    struct tph_str rest = field->bytes;
    while (rest.len > 0) {
        struct field one = {.number = field->number, .wire = VARINT};
        struct tph_json *value = NULL;
        if (varint(r, &rest, &one.value) < 0 || read_value(r, &one, element, row, NULL, &value) < 0) {
            return -1;
        }
        tph_json_append(r->doc, list, value);
    }
    return 0;
}

static bool is_whole(const struct tph_go_type *type)
{
    return type->kind == TPH_GO_INT32 || type->kind == TPH_GO_INT64 || type->kind == TPH_GO_BOOL;
}

static int read_field(struct reader *r, const struct field *field, const struct tph_go_type *type,
                      const struct tph_pb_field *row, struct tph_json *object)
{
    if (!row->name) { /* its members stand in the owner */
        return expect(r, field, BYTES, type->name) < 0 ? -1 : read_message(r, field->bytes, type, row->fields, object);
    }
    const struct tph_go_field *go = go_field(type, row->name);
    if (!go) {
        return 0;
    }
    struct tph_json *before = tph_json_get(object, row->name);
    struct tph_json *value = NULL;
    if (go->type->kind == TPH_GO_MAP || go->type->kind == TPH_GO_LIST) {
        bool map = go->type->kind == TPH_GO_MAP;
        if (!before) {
            before = map ? tph_json_new_object(r->doc) : tph_json_new_array(r->doc);
            tph_json_set(r->doc, object, row->name, before);
        }
        if (map) {
            return read_entry(r, field, go->type, row, before);
        }
        if (field->wire == BYTES && is_whole(go->type->element)) {
            return read_packed(r, field, go->type->element, row, before);
        }
        if (read_value(r, field, go->type->element, row, NULL, &value) < 0) {
            return -1;
        }
        tph_json_append(r->doc, before, value);
        return 0;
    }
    if (read_value(r, field, go->type, row, before, &value) < 0) {
        return -1;
    }
    if (value != before) {
        tph_json_set(r->doc, object, row->name, value);
    }
    return 0;
}

static int read_message(struct reader *r, struct tph_str bytes, const struct tph_go_type *type,
                        const struct tph_pb_field *fields, struct tph_json *object)
{
    struct field field;
    int more = 0;
    while ((more = walk(r, &bytes, &field)) > 0) {
        const struct tph_pb_field *row = fields;
        while (row->number != 0 && row->number != field.number) {
            row++;
        }
        if (row->number != 0 && read_field(r, &field, type, row, object) < 0) {
            return -1;
        }
    }
    for (const struct tph_pb_field *row = fields; more == 0 && row->number != 0; row++) {
        const struct tph_go_field *go = row->name ? go_field(type, row->name) : NULL;
        struct tph_json *map = go && go->type->kind == TPH_GO_MAP ? tph_json_get(object, row->name) : NULL;
        struct tph_json *clean = map ? without_doubles(r->doc, map) : NULL;
        if (clean != map) {
            tph_json_set(r->doc, object, row->name, clean);
        }
    }
    return more;
}

static const struct tph_pb_kind *find_kind(struct tph_str api_version, struct tph_str kind)
{
    bool options = tph_str_eqz(kind, "DeleteOptions");
    for (const struct tph_pb_kind *k = tph_pb_kinds; k->kind; k++) {
        if (tph_str_eqz(kind, k->kind) && (options || tph_str_eqz(api_version, k->api_version))) {
            return k;
        }
    }
    return NULL;
}

bool tph_protobuf_known(struct tph_str api_version, struct tph_str kind)
{
    return find_kind(api_version, kind) != NULL;
}

struct envelope {
    struct tph_str api_version, kind, raw;
};

/* runtime.Unknown: 1 the kind and its version, 2 the object. */
static int open_envelope(const struct reader *r, struct tph_str bytes, struct envelope *ret_envelope)
{
    struct envelope envelope = {.raw = TPH_STR_NONE};
    struct field field;
    int more = 0;
    while ((more = walk(r, &bytes, &field)) > 0) {
        struct field parts[4];
        if (field.number == 1) {
            if (parts_of(r, &field, "TypeMeta", parts) < 0) {
                return -1;
            }
            envelope.api_version = parts[1].bytes;
            envelope.kind = parts[2].bytes;
        } else if (field.number == 2) {
            if (expect(r, &field, BYTES, "Raw") < 0) {
                return -1;
            }
            envelope.raw = field.bytes;
        }
    }
    if (more == 0) {
        *ret_envelope = envelope;
    }
    return more;
}

/* The object in an envelope, as Go writes it, becomes the root of the reader's document. */
static int read_object(struct reader *r, const struct tph_pb_kind *known, struct tph_str raw)
{
    const struct tph_go_options options = {.flags = 0};
    struct tph_json *object = tph_json_new_object(r->doc);
    struct tph_json *result = NULL;
    tph_json_set_cstr(r->doc, object, "kind", known->kind);
    tph_json_set_cstr(r->doc, object, "apiVersion", known->api_version);
    if (read_message(r, raw, known->type, known->fields, object) < 0 ||
        tph_go_convert(r->doc, object, known->type, &options, &result, r->err) < 0) {
        return -1;
    }
    tph_json_set_root(r->doc, result);
    return 0;
}

int tph_protobuf_read(struct tph_str body, struct tph_str api_version, struct tph_str kind,
                      struct tph_json_doc **ret_doc, struct tph_error *err)
{
    static const struct tph_str MAGIC = {.p = "k8s\0", .len = 4};
    struct tph_error why = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct reader r = {.doc = doc, .err = &why};
    struct envelope envelope;
    if (body.len == 0) {
        return tph_refuse_unrecognized(kind, body, "empty data", err);
    }
    if (!tph_str_has_prefix(body, MAGIC)) {
        return tph_refuse_unrecognized(
            kind, body, "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]", err);
    }
    if (body.len == MAGIC.len) {
        return tph_refuse_unrecognized(kind, body, "empty body", err);
    }
    if (open_envelope(&r, tph_str_slice(body, MAGIC.len, body.len), &envelope) < 0) {
        return tph_refuse_unrecognized(kind, body, why.text, err);
    }
    struct tph_str said_version = envelope.api_version.len > 0 ? envelope.api_version : api_version;
    struct tph_str said = envelope.kind.len > 0 ? envelope.kind : kind;
    const struct tph_pb_kind *known = find_kind(said_version, said);
    if (!tph_str_eq(said, kind) || !known ||
        !(tph_str_eqz(kind, "DeleteOptions") || tph_str_eq(said_version, api_version))) {
        return tph_refuse_kind(said_version, said, api_version, kind, err);
    }
    if (read_object(&r, known, envelope.raw) < 0) {
        (void)tph_refuse_object(said_version, said, kind, why.text, err);
        if (err && why.kind == TPH_ERROR_LIMIT) {
            err->kind = TPH_ERROR_LIMIT;
        }
        return -1;
    }
    *ret_doc = TPH_TAKE(doc);
    return 0;
}
