/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/fieldset_value.h"

#include <stdlib.h>

#include "base/limits.h"

static const struct tph_schema any = {.kind = TPH_SCHEMA_ANY};

enum tph_fieldset_shape tph_fieldset_shape(const struct tph_schema *schema, const struct tph_json *value)
{
    switch (schema->kind) {
    case TPH_SCHEMA_ANY:
        return tph_json_is(value, TPH_JSON_OBJECT) ? TPH_FIELDS_MAP : TPH_FIELDS_LEAF;
    case TPH_SCHEMA_MAP:
        return schema->flags & TPH_SCHEMA_ATOMIC ? TPH_FIELDS_LEAF : TPH_FIELDS_MAP;
    case TPH_SCHEMA_LIST:
        return schema->flags & TPH_SCHEMA_ATOMIC ? TPH_FIELDS_LEAF : TPH_FIELDS_LIST;
    case TPH_SCHEMA_STRING:
    case TPH_SCHEMA_NUMBER:
    case TPH_SCHEMA_INTEGER:
    case TPH_SCHEMA_BOOL:
    case TPH_SCHEMA_SCALAR:
        break;
    }
    return TPH_FIELDS_LEAF;
}

bool tph_fieldset_fits(enum tph_fieldset_shape shape, const struct tph_json *value)
{
    return tph_json_is_null(value) || shape == TPH_FIELDS_LEAF ||
           tph_json_is(value, shape == TPH_FIELDS_MAP ? TPH_JSON_OBJECT : TPH_JSON_ARRAY);
}

static int by_key(const void *a, const void *b)
{
    const struct tph_fieldset_part *x = a;
    const struct tph_fieldset_part *y = b;
    int order = tph_str_cmp(x->key, y->key);
    return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* What an absent key reads as; "null" where nothing is said. */
static const char *fallback(const struct tph_schema *element, const char *key)
{
    const struct tph_schema_field *f = tph_schema_field_find(element, tph_str(key));
    return f && f->fallback ? f->fallback : "null";
}

static struct tph_str element_key(struct tph_arena *arena, const struct tph_schema *schema,
                                  const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!schema->keys) {
        (void)tph_buf_puts(&key, "v:");
        tph_json_write(value, 0, &key);
        return tph_arena_str(arena, tph_buf_str(&key));
    }
    for (size_t i = 0; schema->keys[i]; i++) {
        const struct tph_json *part = tph_json_get(value, schema->keys[i]);
        (void)tph_buf_printf(&key, "%s\"%s\":", i == 0 ? "k:{" : ",", schema->keys[i]);
        if (part) {
            tph_json_write(part, 0, &key);
        } else {
            (void)tph_buf_puts(&key, schema->element ? fallback(schema->element, schema->keys[i]) : "null");
        }
    }
    (void)tph_buf_putc(&key, '}');
    return tph_arena_str(arena, tph_buf_str(&key));
}

struct tph_fieldset_parts tph_fieldset_parts(struct tph_arena *arena, const struct tph_schema *schema,
                                             enum tph_fieldset_shape shape, const struct tph_json *value, bool sorted)
{
    struct tph_fieldset_parts parts = {.parts =
                                           TPH_ARENA_ARRAY(arena, struct tph_fieldset_part, tph_json_len(value) + 1)};
    struct tph_json_iter it = tph_json_iter(value);
    if (!tph_fieldset_fits(shape, value) || tph_json_is_null(value)) {
        return parts;
    }
    while (tph_json_next(&it)) {
        struct tph_str key;
        if (shape == TPH_FIELDS_MAP) {
            char *text = tph_arena_alloc(arena, it.key.len + 2);
            text[0] = 'f';
            text[1] = ':';
            for (size_t i = 0; i < it.key.len; i++) {
                text[2 + i] = it.key.p[i];
            }
            key = (struct tph_str){text, it.key.len + 2};
        } else {
            key = element_key(arena, schema, it.value);
        }
        parts.parts[parts.n++] = (struct tph_fieldset_part){key, it.value, it.index};
    }
    if (sorted) {
        qsort(parts.parts, parts.n, sizeof *parts.parts, by_key);
    }
    return parts;
}

const struct tph_schema *tph_fieldset_part_schema(const struct tph_schema *schema, struct tph_str key,
                                                  bool *ret_declared)
{
    const struct tph_schema_field *f = NULL;
    const struct tph_schema *type = schema->kind == TPH_SCHEMA_ANY ? &any : schema->element;
    if (schema->kind == TPH_SCHEMA_MAP) {
        f = tph_schema_field_find(schema, tph_str_slice(key, 2, key.len));
        type = f ? f->type : type;
    }
    if (ret_declared) {
        *ret_declared = f != NULL;
    }
    return type ? type : &any;
}

bool tph_fieldset_same(const struct tph_json *a, const struct tph_json *b)
{
    if (tph_json_type(a) != tph_json_type(b) || tph_json_len(a) != tph_json_len(b)) {
        return false;
    }
    if (!tph_json_is(a, TPH_JSON_OBJECT) && !tph_json_is(a, TPH_JSON_ARRAY)) {
        return tph_json_equal(a, b);
    }
    struct tph_json_iter x = tph_json_iter(a);
    struct tph_json_iter y = tph_json_iter(b);
    while (tph_json_next(&x) && tph_json_next(&y)) {
        if (tph_json_is(a, TPH_JSON_OBJECT) && !tph_str_eq(x.key, y.key)) {
            return tph_json_equal(a, b); /* in another order */
        }
        if (!tph_fieldset_same(x.value, y.value)) {
            return false;
        }
    }
    return true;
}
