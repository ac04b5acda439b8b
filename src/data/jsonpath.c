/* SPDX-License-Identifier: Apache-2.0 */
#include "data/jsonpath.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/jsonpath_internal.h"

bool jp_step(struct jp_query *q, size_t n)
{
    if (q->steps <= TPH_LIMIT_JSONPATH_STEPS) {
        q->steps += n < TPH_LIMIT_JSONPATH_STEPS ? n : TPH_LIMIT_JSONPATH_STEPS;
    }
    if (q->steps > TPH_LIMIT_JSONPATH_STEPS) {
        (void)tph_error_set(q->err, TPH_ERROR_LIMIT, "a JSONPath looks at more than %d values",
                            TPH_LIMIT_JSONPATH_STEPS);
        return false;
    }
    return true;
}

int jp_fail(struct jp_query *q, const char *format, ...)
{
    char text[sizeof(q->err->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tph_error_set(q->err, TPH_ERROR_INVALID, "%s", text);
}

struct jp_value jp_of_json(const struct tph_json *json)
{
    struct jp_value value = {.type = JP_NIL, .json = json};
    if (!json) {
        return value;
    }
    switch (tph_json_type(json)) {
    case TPH_JSON_BOOL:
        value.type = JP_BOOL;
        value.truth = tph_json_bool(json);
        break;
    case TPH_JSON_NUMBER:
        value.type = JP_NUMBER;
        if (tph_json_to_double(json, &value.number) < 0) {
            value.number = 0;
        }
        break;
    case TPH_JSON_STRING:
        value.type = JP_STRING;
        value.text = tph_json_str(json);
        break;
    case TPH_JSON_ARRAY:
        value.type = JP_LIST;
        value.n = tph_json_len(json);
        break;
    case TPH_JSON_OBJECT:
        value.type = JP_MAP;
        value.n = tph_json_len(json);
        break;
    case TPH_JSON_NULL:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return value;
}

struct member {
    struct tph_str key;
    struct jp_value value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

size_t jp_items(struct jp_query *q, const struct jp_value *of, const struct jp_value **ret)
{
    if ((of->type != JP_LIST && of->type != JP_MAP) || !jp_step(q, of->n)) {
        return 0;
    }
    if (!of->json) {
        *ret = of->items;
        return of->n;
    }
    struct jp_value *items = TPH_ARENA_ARRAY(q->arena, struct jp_value, of->n + 1);
    struct member *members = of->type == JP_MAP ? TPH_ARENA_ARRAY(q->arena, struct member, of->n + 1) : NULL;
    size_t n = 0;
    struct tph_json_iter it = tph_json_iter(of->json);
    while (tph_json_next(&it)) {
        if (members) {
            members[n].key = it.key;
            members[n].value = jp_of_json(it.value);
        } else {
            items[n] = jp_of_json(it.value);
        }
        n++;
    }
    if (members) {
        qsort(members, n, sizeof(*members), by_key);
        for (size_t i = 0; i < n; i++) {
            items[i] = members[i].value;
        }
    }
    *ret = items;
    return n;
}

const char *jp_kind_name(const struct jp_value *value)
{
    switch (value->type) {
    case JP_NIL:
        break;
    case JP_BOOL:
        return "bool";
    case JP_NUMBER:
        return value->is_count ? "int64" : "float64";
    case JP_STRING:
        return "string";
    case JP_LIST:
        return "slice";
    case JP_MAP:
        return "map";
    }
    return "nil";
}

bool jp_is_integer(const struct jp_value *value, int64_t *ret)
{
    if (value->type != JP_NUMBER || trunc(value->number) != value->number || fabs(value->number) >= 0x1p62) {
        return false;
    }
    *ret = (int64_t)value->number;
    return true;
}

static size_t count_json(const struct tph_json *json, size_t most)
{
    size_t n = 1;
    struct tph_json_iter it = tph_json_iter(json);
    while (n < most && tph_json_next(&it)) {
        n += count_json(it.value, most - n);
    }
    return n;
}

/* The result as JSON; *left is how many values may still be made. NULL when that is not enough. */
static struct tph_json *to_json(struct tph_json_doc *doc, const struct jp_value *value, size_t *left)
{
    size_t n = value->json ? count_json(value->json, *left) : 1;
    if (n >= *left) {
        return NULL;
    }
    *left -= n;
    if (value->json) {
        return tph_json_copy(doc, value->json);
    }
    switch (value->type) {
    case JP_BOOL:
        return tph_json_new_bool(doc, value->truth);
    case JP_NUMBER:
        return isfinite(value->number) ? tph_json_new_double(doc, value->number) : tph_json_new_null(doc);
    case JP_STRING:
        return tph_json_new_str(doc, value->text);
    case JP_NIL:
    case JP_MAP:
        return tph_json_new_null(doc);
    case JP_LIST:
        break;
    }
    struct tph_json *list = tph_json_new_array(doc);
    for (size_t i = 0; i < value->n; i++) {
        struct tph_json *item = to_json(doc, &value->items[i], left);
        if (!item) {
            return NULL;
        }
        tph_json_append(doc, list, item);
    }
    return list;
}

static int run(struct jp_query *q, struct tph_str path, struct tph_json_doc *doc, struct tph_jsonpath_result *ret)
{
    struct jp_path tokens;
    struct jp_value value = {.type = JP_NIL};
    if (path.len > TPH_LIMIT_JSONPATH) {
        return tph_error_set(q->err, TPH_ERROR_LIMIT, "a JSONPath of %zu bytes is longer than %zu", path.len,
                             TPH_LIMIT_JSONPATH);
    }
    if (jp_parse(q, path, &tokens) < 0) {
        struct tph_error why = *q->err;
        return q->err->kind == TPH_ERROR_LIMIT
                   ? -1
                   : jp_fail(q, "invalid JSONPath selector '%.*s' %s", TPH_FMT(path), why.text);
    }
    int failed = jp_apply(q, q->root, tokens, &value);
    if (!jp_step(q, 1) || failed) {
        return -1;
    }
    size_t left = TPH_LIMIT_JSONPATH_VALUES;
    struct tph_json *json = to_json(doc, &value, &left);
    if (!json) {
        return tph_error_set(q->err, TPH_ERROR_LIMIT, "a JSONPath gives more than %d values",
                             TPH_LIMIT_JSONPATH_VALUES);
    }
    *ret = (struct tph_jsonpath_result){.value = json, .is_count = value.is_count};
    return 0;
}

int tph_jsonpath_query(const struct tph_json *root, struct tph_str path, struct tph_json_doc *doc,
                       struct tph_jsonpath_result *ret, struct tph_error *err)
{
    struct tph_error own = TPH_ERROR_INIT;
    struct jp_query q = {
        .arena = tph_arena_new(), .err = err ? err : &own, .literals = tph_json_doc_new(), .root = jp_of_json(root)};
    int failed = run(&q, path, doc, ret);
    tph_json_doc_free(q.literals);
    tph_arena_free(q.arena);
    return failed;
}
