/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/strict.h"

#include <stdlib.h>
#include <string.h>

#include "apiserver/schema.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"

static void find(struct tph_buf *found, const char *what, struct tph_str path)
{
    (void)tph_buf_printf(found, "%s%s field \"%.*s\"", found->len > 0 ? ", " : "", what, TPH_FMT(path));
}

static void cut(struct tph_buf *path, size_t len)
{
    if (path->bytes) {
        path->bytes[len] = '\0';
    }
    path->len = len;
}

static void put_name(struct tph_buf *path, struct tph_str name)
{
    (void)tph_buf_printf(path, "%s%.*s", path->len > 0 ? "." : "", TPH_FMT(name));
}

/* ---- members that come twice ---- */

/* Where the scan is: a name or an index below another place. A path is written only when something is found. */
struct place {
    const struct place *above;
    struct tph_str name; /* NULL: an index */
    size_t index;
};

struct scan {
    struct tph_str text;
    size_t at;
    struct tph_arena *arena;
    struct tph_buf *found;
};

enum { FEW = 12 }; /* names that are compared one by one; more are hashed */

struct names {
    struct tph_str few[FEW];
    bool told[FEW];
    size_t n;
    struct tph_map many;
};

static void put_place(const struct place *place, struct tph_buf *path)
{
    if (!place) {
        return;
    }
    put_place(place->above, path);
    if (place->name.p) {
        put_name(path, place->name);
    } else {
        (void)tph_buf_printf(path, "[%zu]", place->index);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == ',' || c == ':' || c == '\t' || c == '\r';
}

static void skip_blanks(struct scan *s)
{
    size_t at = s->at;
    while (at < s->text.len && is_blank(s->text.p[at])) {
        at++;
    }
    s->at = at;
}

/* A string with its quotes. */
static struct tph_str take_string(struct scan *s)
{
    const char *p = s->text.p;
    size_t from = s->at;
    size_t at = from + 1;
    while (at < s->text.len && p[at] != '"') {
        at += p[at] == '\\' ? 2 : 1;
    }
    s->at = at < s->text.len ? at + 1 : s->text.len;
    return tph_str_slice(s->text, from, s->at);
}

static struct tph_str plain(struct scan *s, struct tph_str quoted)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_str_find_byte(quoted, '\\') < 0) {
        return tph_str_slice(quoted, 1, quoted.len - 1);
    }
    return tph_json_parse(quoted, &doc, NULL) < 0 ? quoted : tph_arena_str(s->arena, tph_json_str(tph_json_root(doc)));
}

/* True the second time that a name comes. */
static bool is_second(struct names *names, struct tph_str name)
{
    static char once, told; /* marks: their addresses count */
    for (size_t i = 0; i < names->n && i < FEW; i++) {
        if (tph_str_eq(names->few[i], name)) {
            bool second = !names->told[i];
            names->told[i] = true;
            return second;
        }
    }
    if (names->n < FEW) {
        names->few[names->n] = name;
        names->told[names->n++] = false;
        return false;
    }
    const void *before = tph_map_get(&names->many, name);
    (void)tph_map_set(&names->many, name, before ? &told : &once);
    return before == &once;
}

static void scan_value(struct scan *s, const struct place *place);

static void scan_object(struct scan *s, const struct place *above)
{
    struct names names = {.n = 0, .many = TPH_MAP_INIT};
    s->at++;
    for (skip_blanks(s); s->at < s->text.len && s->text.p[s->at] == '"'; skip_blanks(s)) {
        const struct place place = {.above = above, .name = plain(s, take_string(s))};
        if (is_second(&names, place.name) && !tph_buf_failed(s->found)) { /* a long path may be that of many */
            TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
            put_place(&place, &path);
            find(s->found, "duplicate", tph_buf_str(&path));
        }
        skip_blanks(s);
        scan_value(s, &place);
    }
    s->at++;
    tph_map_release(&names.many);
}

static void scan_array(struct scan *s, const struct place *above)
{
    struct place place = {.above = above};
    s->at++;
    for (skip_blanks(s); s->at < s->text.len && s->text.p[s->at] != ']'; skip_blanks(s)) {
        scan_value(s, &place);
        place.index++;
    }
    s->at++;
}

static void scan_value(struct scan *s, const struct place *place)
{
    if (s->at >= s->text.len) {
        return;
    }
    switch (s->text.p[s->at]) {
    case '{':
        scan_object(s, place);
        return;
    case '[':
        scan_array(s, place);
        return;
    case '"':
        (void)take_string(s);
        return;
    default:
        break;
    }
    size_t at = s->at;
    while (at < s->text.len && !is_blank(s->text.p[at]) && s->text.p[at] != ']' && s->text.p[at] != '}') {
        at++;
    }
    s->at = at == s->at ? at + 1 : at;
}

void tph_strict_duplicates(struct tph_str text, struct tph_buf *found)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct scan s = {.text = text, .arena = arena, .found = found};
    skip_blanks(&s);
    scan_value(&s, NULL);
}

/* ---- members that a schema does not have ---- */

struct prune {
    struct tph_json_doc *doc;
    struct tph_buf path;
    struct tph_arena *arena;
    struct tph_str *paths; /* of what was cut */
    size_t n, capacity;
    size_t bytes; /* of the paths */
};

static void note(struct prune *p, struct tph_str name)
{
    size_t mark = p->path.len;
    if (p->bytes > TPH_LIMIT_API_FAULT_BYTES) {
        return;
    }
    if (p->n == p->capacity) {
        size_t capacity = p->capacity * 2 + 8;
        struct tph_str *paths = TPH_ARENA_ARRAY(p->arena, struct tph_str, capacity);
        for (size_t i = 0; i < p->n; i++) {
            paths[i] = p->paths[i];
        }
        p->paths = paths;
        p->capacity = capacity;
    }
    put_name(&p->path, name);
    p->bytes += p->path.len;
    p->paths[p->n++] = tph_arena_str(p->arena, tph_buf_str(&p->path));
    cut(&p->path, mark);
}

static void prune_value(struct prune *p, const struct tph_schema *schema, struct tph_json *value);

static void add_defaults(struct prune *p, const struct tph_schema *schema, struct tph_json *object)
{
    for (const struct tph_schema_field *f = schema->fields; f && f->name; f++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *fallback = NULL;
        if (f->fallback && !tph_json_get(object, f->name) &&
            tph_json_parse(tph_str(f->fallback), &fallback, NULL) == 0) {
            tph_json_set(p->doc, object, f->name, tph_json_copy(p->doc, tph_json_root(fallback)));
        }
    }
}

struct pruned {
    struct prune *p;
    const struct tph_schema *schema; /* of the object */
};

static bool prune_member(void *owner, struct tph_str key, struct tph_json *value)
{
    const struct pruned *o = owner;
    size_t mark = o->p->path.len;
    const struct tph_schema_field *f = tph_schema_field_find(o->schema, key);
    const struct tph_schema *type = f ? f->type : o->schema->element;
    if (type) {
        put_name(&o->p->path, key);
        prune_value(o->p, type, value);
        cut(&o->p->path, mark);
        return true;
    }
    if ((o->schema->flags & TPH_SCHEMA_OPEN) != 0) {
        return true;
    }
    note(o->p, key);
    return false;
}

static void prune_object(struct prune *p, const struct tph_schema *schema, struct tph_json *object)
{
    struct pruned o = {.p = p, .schema = schema};
    tph_json_sift(object, prune_member, &o);
    add_defaults(p, schema, object);
}

static void prune_value(struct prune *p, const struct tph_schema *schema, struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = p->path.len;
    if (schema->kind == TPH_SCHEMA_MAP && tph_json_is(value, TPH_JSON_OBJECT)) {
        prune_object(p, schema, value);
        return;
    }
    if (schema->kind != TPH_SCHEMA_LIST || !tph_json_is(value, TPH_JSON_ARRAY)) {
        return;
    }
    while (tph_json_next(&it)) {
        (void)tph_buf_printf(&p->path, "[%zu]", it.index);
        prune_value(p, schema->element, it.value);
        cut(&p->path, mark);
    }
}

static int in_order(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

void tph_strict_prune(struct tph_json_doc *doc, const struct tph_kind *kind, struct tph_json *object,
                      struct tph_buf *found)
{
    const struct tph_schema *schema = tph_schema_of(kind);
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    if (!(kind->flags & TPH_KIND_CUSTOM) || !schema || !tph_json_is(object, TPH_JSON_OBJECT)) {
        return;
    }
    struct prune p = {.doc = doc, .path = TPH_BUF_INIT(TPH_MIB(1)), .arena = arena};
    struct tph_json *metadata = tph_json_remove(object, "metadata");
    prune_object(&p, schema, object);
    if (metadata) {
        tph_json_set(doc, object, "metadata", metadata);
    }
    if (p.n > 0) {
        qsort(p.paths, p.n, sizeof *p.paths, in_order);
    }
    for (size_t i = 0; i < p.n; i++) {
        find(found, "unknown", p.paths[i]);
    }
    tph_buf_release(&p.path);
}

/* ---- values of the wrong type ---- */

struct check {
    tph_strict_tell *tell;
    void *owner;
    struct tph_buf path;
    size_t n;
    size_t bytes; /* of the paths that were told */
};

/* As OpenAPI names the type of a value. */
static const char *type_of(const struct tph_json *value)
{
    int64_t number;
    switch (tph_json_type(value)) {
    case TPH_JSON_BOOL:
        return "boolean";
    case TPH_JSON_NUMBER:
        return tph_json_to_i64(value, &number) == 0 ? "integer" : "number";
    case TPH_JSON_STRING:
        return "string";
    case TPH_JSON_ARRAY:
        return "array";
    case TPH_JSON_OBJECT:
        return "object";
    case TPH_JSON_NULL:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return "null";
}

/* A key may be long and have many faults below it: told are as many as an answer can hold. */
static bool is_full(const struct check *c)
{
    return c->n >= TPH_LIMIT_API_FAULTS || c->bytes > TPH_LIMIT_API_FAULT_BYTES;
}

static void tell(struct check *c, enum tph_strict_fault fault, const char *message)
{
    c->n++;
    c->bytes += c->path.len;
    c->tell(c->owner, fault, tph_buf_cstr(&c->path), message);
}

static void wrong(struct check *c, const char *wanted, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(2));
    const char *is = type_of(value);
    (void)tph_buf_printf(&text, "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", is,
                         tph_buf_cstr(&c->path), wanted, is);
    tell(c, TPH_STRICT_TYPE, tph_buf_cstr(&text));
}

static void check_choice(struct check *c, const struct tph_schema *schema, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(2));
    bool known = false;
    (void)tph_buf_puts(&text, "Unsupported value: ");
    tph_json_write(value, 0, &text);
    for (size_t i = 0; schema->choices && schema->choices[i]; i++) {
        known = known || tph_str_eqz(tph_json_str(value), schema->choices[i]);
        (void)tph_buf_printf(&text, "%s\"%s\"", i == 0 ? ": supported values: " : ", ", schema->choices[i]);
    }
    if (schema->choices && !known) {
        tell(c, TPH_STRICT_CHOICE, tph_buf_cstr(&text));
    }
}

static void check_value(struct check *c, const struct tph_schema *schema, const struct tph_json *value);

static void check_members(struct check *c, const struct tph_schema *schema, const struct tph_json *object)
{
    struct tph_json_iter it = tph_json_iter(object);
    size_t mark = c->path.len;
    for (size_t i = 0; schema->required && schema->required[i]; i++) {
        if (!tph_json_get(object, schema->required[i])) {
            put_name(&c->path, tph_str(schema->required[i]));
            tell(c, TPH_STRICT_REQUIRED, "Required value");
            cut(&c->path, mark);
        }
    }
    while (tph_json_next(&it)) {
        const struct tph_schema_field *f = tph_schema_field_find(schema, it.key);
        const struct tph_schema *type = f ? f->type : schema->element;
        if (type) {
            put_name(&c->path, it.key);
            check_value(c, type, it.value);
            cut(&c->path, mark);
        }
    }
}

static void check_value(struct check *c, const struct tph_schema *schema, const struct tph_json *value)
{
    static const char *const names[] = {
        [TPH_SCHEMA_STRING] = "string", [TPH_SCHEMA_NUMBER] = "number", [TPH_SCHEMA_INTEGER] = "integer",
        [TPH_SCHEMA_BOOL] = "boolean",  [TPH_SCHEMA_MAP] = "object",    [TPH_SCHEMA_LIST] = "array",
    };
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = c->path.len;
    const char *is = type_of(value);
    if (is_full(c) || schema->kind == TPH_SCHEMA_ANY || schema->kind == TPH_SCHEMA_SCALAR) {
        return;
    }
    bool whole = schema->kind == TPH_SCHEMA_NUMBER && strcmp(is, "integer") == 0;
    if (!whole && strcmp(is, names[schema->kind]) != 0) {
        wrong(c, names[schema->kind], value);
        return;
    }
    if (schema->kind == TPH_SCHEMA_MAP) {
        check_members(c, schema, value);
    } else if (schema->kind == TPH_SCHEMA_STRING) {
        check_choice(c, schema, value);
    }
    while (schema->kind == TPH_SCHEMA_LIST && tph_json_next(&it)) {
        (void)tph_buf_printf(&c->path, "[%zu]", it.index);
        check_value(c, schema->element, it.value);
        cut(&c->path, mark);
    }
}

/* Kinds whose schema has rules that need a valid object. */
static bool has_rules(const struct tph_kind *kind)
{
    return strcmp(kind->plural, "workflowtaskresults") == 0 || strcmp(kind->plural, "workfloweventbindings") == 0;
}

void tph_strict_check(const struct tph_kind *kind, const struct tph_json *object, tph_strict_tell *tell_fault,
                      void *owner)
{
    const struct tph_schema *schema = tph_schema_of(kind);
    struct check c = {.tell = tell_fault, .owner = owner, .path = TPH_BUF_INIT(TPH_MIB(1))};
    if (!(kind->flags & TPH_KIND_CUSTOM) || !schema) {
        return;
    }
    for (const struct tph_schema_field *f = schema->fields; f && f->name; f++) {
        const struct tph_json *value = tph_json_get(object, f->name);
        bool required = false;
        for (size_t i = 0; schema->required && schema->required[i]; i++) {
            required = required || strcmp(schema->required[i], f->name) == 0;
        }
        (void)tph_buf_puts(&c.path, f->name);
        if (!value && required) {
            tell(&c, TPH_STRICT_REQUIRED, "Required value");
        } else if (value && strcmp(f->name, "metadata") != 0) {
            check_value(&c, f->type, value);
        }
        cut(&c.path, 0);
    }
    if (c.n > 0 && has_rules(kind)) {
        tell_fault(
            owner, TPH_STRICT_SKIPPED, "<nil>",
            "Invalid value: null: some validation rules were not checked because the object was invalid; correct "
            "the existing errors to complete validation");
    }
    tph_buf_release(&c.path);
}
