/* SPDX-License-Identifier: Apache-2.0 */
/* Reading YAML: libyaml's events become JSON values; anchors, merge keys and key types as go-yaml v2 has them. */
#include "data/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "data/base64.h"

/* A value under its anchor: complete, or still being read (an alias to it would contain itself). */
struct anchor {
    struct tph_json *value; /* NULL while it is read */
    size_t n_values;        /* in the subtree, itself included */
    bool merge_map;         /* an object: may be merged */
};

struct reader {
    yaml_parser_t parser;
    struct tph_json_doc *doc;
    struct tph_positions *positions; /* NULL: not wanted */
    struct tph_buf path;
    struct tph_map anchors; /* name -> struct anchor */
    struct tph_arena *arena;
    struct tph_error *err;
    struct tph_position at; /* of the last event */
    unsigned flags;
    size_t n_values;
    size_t n_aliased;
    size_t depth;
};

static int fail(struct reader *r, enum tph_error_kind kind, const char *text)
{
    return tph_error_set(r->err, kind, "%s", text);
}

/* The parser's own complaint, worded and placed as go-yaml does. */
static int parser_failed(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    size_t line = p->problem_mark.line + (p->problem_mark.line > 0 && p->error == YAML_SCANNER_ERROR ? 1 : 0);
    if (line == 0) {
        line = p->context_mark.line;
    }
    r->at = (struct tph_position){.line = p->problem_mark.line + 1, .column = p->problem_mark.column + 1};
    char where[32] = "";
    if (line > 0) {
        (void)snprintf(where, sizeof(where), "line %zu: ", line);
    }
    return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: %s%s", where,
                         p->problem ? p->problem : "unknown problem parsing YAML content");
}

static int next_event(struct reader *r, yaml_event_t *event)
{
    if (!yaml_parser_parse(&r->parser, event)) {
        return parser_failed(r);
    }
    r->at = (struct tph_position){.line = event->start_mark.line + 1, .column = event->start_mark.column + 1};
    return 0;
}

static int count_values(struct reader *r, size_t n, bool aliased)
{
    r->n_values += n;
    r->n_aliased += aliased ? n : 0;
    if (r->n_aliased > TPH_LIMIT_YAML_ALIAS_NODES) {
        return fail(r, TPH_ERROR_LIMIT, "yaml: document contains excessive aliasing");
    }
    if (r->n_values > TPH_LIMIT_YAML_NODES) {
        return tph_error_set(r->err, TPH_ERROR_LIMIT, "yaml: more than %d values in one document", TPH_LIMIT_YAML_NODES);
    }
    return 0;
}

static int read_value(struct reader *r, yaml_event_t *event, struct tph_json **ret_value);

static const char *short_tag(const char *tag)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    return tag && strncmp(tag, prefix, sizeof(prefix) - 1) == 0 ? tag + sizeof(prefix) - 1 : tag;
}

static struct tph_str scalar_text(const yaml_event_t *event)
{
    return (struct tph_str){.p = (const char *)event->data.scalar.value, .len = event->data.scalar.length};
}

static int bad_tag(struct reader *r, struct tph_str text, const char *tag)
{
    return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: cannot decode !!str `%.*s` as a !!%s", TPH_FMT(text), tag);
}

/* A scalar with an explicit tag of YAML's own. */
static int tagged_scalar(struct reader *r, const char *tag, struct tph_str text, struct tph_json **ret_value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf number = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (strcmp(tag, "binary") == 0) {
        if (tph_base64_decode(text, &number) < 0) {
            return fail(r, TPH_ERROR_INVALID, "yaml: !!binary value contains invalid base64 data");
        }
        *ret_value = tph_json_new_str(r->doc, tph_buf_str(&number));
        return 0;
    }
    enum tph_yaml_meaning meaning = tph_yaml_resolve(text, &number);
    bool is_int = strcmp(tag, "int") == 0;
    bool is_float = strcmp(tag, "float") == 0;
    if ((is_int && meaning != TPH_YAML_INT) || (is_float && meaning != TPH_YAML_FLOAT && meaning != TPH_YAML_INT)) {
        return bad_tag(r, text, tag);
    }
    if (is_int || is_float) {
        *ret_value = tph_json_new_number(r->doc, tph_buf_str(&number));
    } else if (strcmp(tag, "bool") == 0) {
        if (meaning != TPH_YAML_TRUE && meaning != TPH_YAML_FALSE) {
            return bad_tag(r, text, tag);
        }
        *ret_value = tph_json_new_bool(r->doc, meaning == TPH_YAML_TRUE);
    } else if (strcmp(tag, "null") == 0) {
        *ret_value = tph_json_new_null(r->doc);
    } else {
        *ret_value = tph_json_new_str(r->doc, text);
    }
    return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, struct tph_json **ret_value)
{
    struct tph_str text = scalar_text(event);
    const char *tag = short_tag((const char *)event->data.scalar.tag);
    if (tag && *tag && strcmp(tag, "!") != 0) {
        return tagged_scalar(r, tag, text, ret_value);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf number = TPH_BUF_INIT(512);
    bool plain = event->data.scalar.plain_implicit && !tag;
    switch (plain ? tph_yaml_resolve(text, &number) : TPH_YAML_STRING) {
    case TPH_YAML_NULL:
        *ret_value = tph_json_new_null(r->doc);
        return 0;
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
        *ret_value = tph_json_new_bool(r->doc, tph_yaml_resolve(text, &number) == TPH_YAML_TRUE);
        return 0;
    case TPH_YAML_INT:
    case TPH_YAML_FLOAT:
        *ret_value = tph_json_new_number(r->doc, tph_buf_str(&number));
        return 0;
    case TPH_YAML_INFINITE:
        return tph_error_set(r->err, TPH_ERROR_INVALID, "json: unsupported value: %s",
                             strpbrk(tph_str_fmt_ptr(text), "aA") ? "NaN" : text.p[0] == '-' ? "-Inf" : "+Inf");
    case TPH_YAML_STRING:
    case TPH_YAML_MERGE:
        *ret_value = tph_json_new_str(r->doc, text);
        return 0;
    }
    return 0;
}

/* A Go-like print of a value that cannot be a key, for the message. */
static void print_go(const struct tph_json *value, struct tph_buf *out)
{
    struct tph_json_iter it = tph_json_iter(value);
    if (tph_json_is(value, TPH_JSON_ARRAY)) {
        (void)tph_buf_puts(out, "[]interface {}{");
    } else if (tph_json_is(value, TPH_JSON_OBJECT)) {
        (void)tph_buf_puts(out, "map[interface {}]interface {}{");
    } else if (tph_json_is_null(value)) {
        (void)tph_buf_puts(out, "interface {}(nil)");
        return;
    } else {
        tph_json_write(value, 0, out);
        return;
    }
    while (tph_json_next(&it)) {
        if (it.index > 0) {
            (void)tph_buf_puts(out, ", ");
        }
        if (it.key.p) {
            tph_json_write_str(it.key, 0, out);
            (void)tph_buf_putc(out, ':');
        }
        print_go(it.value, out);
    }
    (void)tph_buf_putc(out, '}');
}

/* The text of a key; keys resolve like values: on becomes "true", 0x10 becomes "16". */
static int key_text(struct reader *r, const struct tph_json *key, struct tph_buf *text)
{
    double value = 0;
    switch (tph_json_type(key)) {
    case TPH_JSON_STRING:
        (void)tph_buf_put(text, tph_json_str(key));
        return 0;
    case TPH_JSON_BOOL:
        (void)tph_buf_puts(text, tph_json_bool(key) ? "true" : "false");
        return 0;
    case TPH_JSON_NUMBER:
        if (tph_str_find_byte(tph_json_number_text(key), '.') < 0 &&
            tph_str_find_byte(tph_json_number_text(key), 'e') < 0) {
            (void)tph_buf_put(text, tph_json_number_text(key));
            return 0;
        }
        /* sigs.k8s.io/yaml prints float keys with the precision of a float32. */
        if (tph_json_to_double(key, &value) == 0) {
            char digits[32];
            for (int precision = 1; precision <= 9; precision++) {
                (void)snprintf(digits, sizeof(digits), "%.*g", precision, value);
                if ((float)strtod(digits, NULL) == (float)value) {
                    break;
                }
            }
            (void)tph_buf_puts(text, digits);
        }
        return 0;
    case TPH_JSON_NULL:
        return 1; /* the caller knows the value, which the message wants */
    case TPH_JSON_ARRAY:
    case TPH_JSON_OBJECT: {
        TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_KIB(1));
        print_go(key, &printed);
        return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: invalid map key: %s", tph_buf_cstr(&printed));
    }
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return -1;
}

static void copy_members(struct reader *r, struct tph_json *into, const struct tph_json *from)
{
    struct tph_json_iter it = tph_json_iter(from);
    while (tph_json_next(&it)) {
        tph_json_setn(r->doc, into, it.key, tph_json_copy(r->doc, it.value));
    }
}

/* "<<": the members of a map, or of several, the first of which wins, written over what is there. */
static int merge(struct reader *r, struct tph_json *into, const struct tph_json *value)
{
    static const char refusal[] = "yaml: map merge requires map or sequence of maps as the value";
    if (tph_json_is(value, TPH_JSON_OBJECT)) {
        copy_members(r, into, value);
        return 0;
    }
    if (!tph_json_is(value, TPH_JSON_ARRAY)) {
        return fail(r, TPH_ERROR_INVALID, refusal);
    }
    for (size_t i = tph_json_len(value); i > 0; i--) {
        const struct tph_json *element = tph_json_at(value, i - 1);
        if (!tph_json_is(element, TPH_JSON_OBJECT)) {
            return fail(r, TPH_ERROR_INVALID, refusal);
        }
        copy_members(r, into, element);
    }
    return 0;
}

static int null_key(struct reader *r, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_KIB(1));
    if (tph_json_is_null(value)) {
        (void)tph_buf_puts(&printed, "interface {}(nil)");
    } else {
        print_go(value, &printed);
    }
    return tph_error_set(r->err, TPH_ERROR_INVALID, "unsupported map key of type: %%!s(<nil>), key: <nil>, value: %s",
                         tph_buf_cstr(&printed));
}

static int duplicate(struct reader *r, const struct tph_json *key, struct tph_position at)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_KIB(1));
    r->at = at;
    print_go(key, &printed);
    return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: unmarshal errors:\n  line %zu: key %s already set in map",
                         at.line, tph_buf_cstr(&printed));
}

/* One key and its value into object. `seen` holds keys of large maps, so that a look-up does not walk. */
static int read_member(struct reader *r, yaml_event_t *key_event, struct tph_json *object, struct tph_map *seen)
{
    struct tph_position at = r->at;
    bool is_merge = key_event->type == YAML_SCALAR_EVENT && key_event->data.scalar.plain_implicit &&
                    !key_event->data.scalar.tag && tph_str_eqz(scalar_text(key_event), "<<");
    struct tph_json *key = NULL;
    struct tph_json *value = NULL;
    yaml_event_t event;
    if (read_value(r, key_event, &key) < 0 || next_event(r, &event) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    int bad = is_merge ? 0 : key_text(r, key, &text);
    size_t path_len = r->path.len;
    tph_path_key(&r->path, tph_buf_str(&text));
    if (r->positions && !is_merge && bad == 0) {
        tph_positions_add(r->positions, tph_buf_str(&r->path), at);
    }
    int failed = bad < 0 ? -1 : read_value(r, &event, &value);
    r->path.len = path_len;
    yaml_event_delete(&event);
    if (failed < 0 || bad < 0) {
        return -1;
    }
    if (bad > 0) {
        return null_key(r, value);
    }
    if (is_merge) {
        return merge(r, object, value);
    }
    struct tph_str name = tph_arena_str(r->arena, tph_buf_str(&text));
    if (tph_map_set(seen, name, value) && (r->flags & TPH_YAML_STRICT)) {
        return duplicate(r, key, at);
    }
    tph_json_setn(r->doc, object, name, value);
    return 0;
}

static int read_mapping(struct reader *r, struct tph_json **ret_value)
{
    struct tph_json *object = tph_json_new_object(r->doc);
    struct tph_map seen = TPH_MAP_INIT;
    int failed = 0;
    bool end = false;
    while (failed == 0 && !end) {
        yaml_event_t event;
        if (next_event(r, &event) < 0) {
            failed = -1;
            break;
        }
        end = event.type == YAML_MAPPING_END_EVENT;
        if (!end) {
            failed = read_member(r, &event, object, &seen);
        }
        yaml_event_delete(&event);
    }
    tph_map_release(&seen);
    *ret_value = object;
    return failed;
}

static int read_sequence(struct reader *r, struct tph_json **ret_value)
{
    struct tph_json *array = tph_json_new_array(r->doc);
    for (size_t i = 0;; i++) {
        yaml_event_t event;
        if (next_event(r, &event) < 0) {
            return -1;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            *ret_value = array;
            return 0;
        }
        size_t path_len = r->path.len;
        tph_path_index(&r->path, i);
        if (r->positions) {
            tph_positions_add(r->positions, tph_buf_str(&r->path), r->at);
        }
        struct tph_json *value = NULL;
        int failed = read_value(r, &event, &value);
        r->path.len = path_len;
        yaml_event_delete(&event);
        if (failed < 0) {
            return -1;
        }
        tph_json_append(r->doc, array, value);
    }
}

static int read_alias(struct reader *r, const yaml_event_t *event, struct tph_json **ret_value)
{
    struct tph_str name = tph_str((const char *)event->data.alias.anchor);
    const struct anchor *anchor = tph_map_get(&r->anchors, name);
    if (!anchor) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: unknown anchor '%.*s' referenced", TPH_FMT(name));
    }
    if (!anchor->value) {
        return tph_error_set(r->err, TPH_ERROR_INVALID, "yaml: anchor '%.*s' value contains itself", TPH_FMT(name));
    }
    if (count_values(r, anchor->n_values, true) < 0) {
        return -1;
    }
    *ret_value = tph_json_copy(r->doc, anchor->value);
    return 0;
}

static const char *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.anchor;
    default: /* the other events have none */
        return NULL;
    }
}

/* Depth is bounded by TPH_LIMIT_YAML_DEPTH. */
static int read_collection(struct reader *r, const yaml_event_t *event, struct tph_json **ret_value)
{
    if (++r->depth > TPH_LIMIT_YAML_DEPTH) {
        return tph_error_set(r->err, TPH_ERROR_LIMIT, "yaml: nested deeper than %d levels", TPH_LIMIT_YAML_DEPTH);
    }
    int failed = event->type == YAML_MAPPING_START_EVENT ? read_mapping(r, ret_value) : read_sequence(r, ret_value);
    r->depth--;
    return failed;
}

static int read_value(struct reader *r, yaml_event_t *event, struct tph_json **ret_value)
{
    if (event->type == YAML_ALIAS_EVENT) {
        return read_alias(r, event, ret_value);
    }
    if (count_values(r, 1, false) < 0) {
        return -1;
    }
    const char *name = anchor_of(event);
    struct anchor *anchor = NULL;
    size_t before = r->n_values;
    if (name) {
        anchor = TPH_ARENA_NEW(r->arena, struct anchor);
        (void)tph_map_set(&r->anchors, tph_arena_str(r->arena, tph_str(name)), anchor);
    }
    struct tph_json *value = NULL;
    int failed = event->type == YAML_SCALAR_EVENT ? read_scalar(r, event, &value) : read_collection(r, event, &value);
    if (failed < 0) {
        return -1;
    }
    if (anchor) {
        anchor->value = tph_json_copy(r->doc, value); /* value goes to its parent, which may change it by a merge */
        anchor->n_values = r->n_values - before + 1;
    }
    *ret_value = value;
    return 0;
}

static int read_document(struct reader *r)
{
    for (;;) {
        yaml_event_t event;
        if (next_event(r, &event) < 0) {
            return -1;
        }
        struct tph_json *value = NULL;
        int failed = 0;
        bool end = event.type == YAML_STREAM_END_EVENT || event.type == YAML_DOCUMENT_END_EVENT;
        if (event.type == YAML_SCALAR_EVENT || event.type == YAML_MAPPING_START_EVENT ||
            event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            if (r->positions) {
                tph_positions_add(r->positions, TPH_STR(""), r->at);
            }
            failed = read_value(r, &event, &value);
            tph_json_set_root(r->doc, value);
        }
        if (event.type == YAML_DOCUMENT_START_EVENT && event.data.document_start.version_directive &&
            (event.data.document_start.version_directive->major != 1 ||
             event.data.document_start.version_directive->minor != 1)) {
            failed = fail(r, TPH_ERROR_INVALID, "yaml: found incompatible YAML document");
        }
        yaml_event_delete(&event);
        if (failed < 0 || end) {
            return failed;
        }
    }
}

int tph_yaml_parse(struct tph_str text, unsigned flags, struct tph_json_doc **ret_doc,
                   struct tph_yaml_places *places, struct tph_error *err)
{
    struct reader r = {
        .path = TPH_BUF_INIT(TPH_LIMIT_MANIFEST), .anchors = TPH_MAP_INIT, .err = err, .flags = flags};
    if (!yaml_parser_initialize(&r.parser)) {
        abort(); /* no memory */
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.len);
    r.doc = tph_json_doc_new();
    r.arena = tph_arena_new();
    r.positions = places && (flags & TPH_YAML_POSITIONS) ? tph_positions_new() : NULL;
    tph_json_set_root(r.doc, tph_json_new_null(r.doc));
    int failed = read_document(&r);
    yaml_parser_delete(&r.parser);
    tph_map_release(&r.anchors);
    tph_arena_free(r.arena);
    tph_buf_release(&r.path);
    if (failed < 0) {
        tph_json_doc_free(r.doc);
        tph_positions_free(r.positions);
        if (places) {
            places->error = r.at;
        }
        return -1;
    }
    if (places) {
        places->positions = r.positions;
    }
    *ret_doc = r.doc;
    return 0;
}

bool tph_yaml_next_document(struct tph_yaml_stream *stream, struct tph_str *ret_document)
{
    if (!stream->rest.p) {
        return false;
    }
    ptrdiff_t at = tph_str_find(stream->rest, TPH_STR("\n---"));
    struct tph_str document = at < 0 ? stream->rest : tph_str_slice(stream->rest, 0, (size_t)at);
    stream->line = stream->next_line;
    for (size_t i = 0; i < document.len; i++) {
        stream->next_line += document.p[i] == '\n' ? 1 : 0;
    }
    stream->next_line++; /* the newline in front of the dashes */
    stream->rest = at < 0 ? TPH_STR_NONE : tph_str_slice(stream->rest, (size_t)at + 4, stream->rest.len);
    *ret_document = document;
    return true;
}
