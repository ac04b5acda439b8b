/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON texts: yyjson reads them, this file makes the result what Go would have read.
 *
 * The text is given to yyjson as it is. Only when that fails it is searched for what Go takes and yyjson does not
 * (invalid UTF-8, lone surrogates), repaired and read again; then data/json_fault.c says what is wrong with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "data/json_internal.h"

/* Four hexadecimal digits at p as a number, or -1. */
static int32_t hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20;
        int digit = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* One step over text: the bytes it takes, and in ret_instead what stands for them when they are not valid. */
static size_t step(struct tph_str text, struct tph_str *ret_instead)
{
    *ret_instead = TPH_STR_NONE;
    if (text.p[0] == '\\') {
        int32_t first = text.len >= 6 && text.p[1] == 'u' ? hex4(text.p + 2) : -1;
        if (first < 0xd800 || first > 0xdfff) {
            return text.len < 2 ? text.len : 2;
        }
        int32_t second = text.len >= 12 && text.p[6] == '\\' && text.p[7] == 'u' ? hex4(text.p + 8) : -1;
        if (first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff) {
            return 12;
        }
        *ret_instead = TPH_STR("\\ufffd");
        return 6;
    }
    uint32_t rune;
    size_t len = tph_utf8_decode(text, &rune);
    if (len == 1 && (unsigned char)text.p[0] >= 0x80) {
        *ret_instead = TPH_STR("\xef\xbf\xbd");
    }
    return len;
}

/* The text with what Go would replace already replaced. False when there was nothing to replace. */
static bool repair(struct tph_str text, struct tph_buf *repaired)
{
    bool changed = false;
    while (text.len > 0) {
        struct tph_str instead;
        size_t len = step(text, &instead);
        changed = changed || instead.p;
        (void)tph_buf_put(repaired, instead.p ? instead : tph_str_slice(text, 0, len));
        text = tph_str_slice(text, len, text.len);
    }
    return changed;
}

/* How many bytes of text became the first `used` bytes of its repaired form. */
static size_t used_of_original(struct tph_str text, size_t used)
{
    size_t at = 0;
    size_t written = 0;
    while (at < text.len && written < used) {
        struct tph_str instead;
        size_t len = step(tph_str_slice(text, at, text.len), &instead);
        written += instead.p ? instead.len : len;
        at += len;
    }
    return at;
}

static bool has_duplicate(yyjson_val *object)
{
    struct tph_map seen = TPH_MAP_INIT;
    size_t n = yyjson_obj_size(object);
    bool large = n > 16;
    bool found = false;
    yyjson_val *first = unsafe_yyjson_get_first(object);
    yyjson_val *key = first;
    for (size_t i = 0; i < n && !found; i++, key = unsafe_yyjson_get_next(key + 1)) {
        size_t len = unsafe_yyjson_get_len(key);
        const char *name = unsafe_yyjson_get_str(key);
        if (large) {
            found = tph_map_set(&seen, (struct tph_str){.p = name, .len = len}, key) != NULL;
            continue;
        }
        for (yyjson_val *other = first; other != key && !found; other = unsafe_yyjson_get_next(other + 1)) {
            found = unsafe_yyjson_get_len(other) == len && memcmp(unsafe_yyjson_get_str(other), name, len) == 0;
        }
    }
    tph_map_release(&seen);
    return found;
}

/* Walks all values, which lie one after the other, once. False when one is nested too deep. */
static bool inspect(yyjson_doc *doc, bool *ret_duplicates)
{
    const yyjson_val *ends[TPH_LIMIT_JSON_DEPTH]; /* of the containers around the value */
    size_t depth = 0;
    yyjson_val *value = yyjson_doc_get_root(doc);
    yyjson_val *end = value + yyjson_doc_get_val_count(doc);
    bool duplicates = false;
    for (; value < end; value++) {
        while (depth > 0 && value >= ends[depth - 1]) {
            depth--;
        }
        if (!unsafe_yyjson_is_ctn(value)) {
            continue;
        }
        if (depth == TPH_LIMIT_JSON_DEPTH) {
            return false;
        }
        ends[depth++] = unsafe_yyjson_get_next(value);
        duplicates = duplicates || (yyjson_is_obj(value) && has_duplicate(value));
    }
    *ret_duplicates = duplicates;
    return true;
}

static void drop_duplicates(yyjson_mut_val *value);

/* The last member of a name wins and stands where the first stood. */
static void drop_duplicate_members(yyjson_mut_val *object)
{
    struct tph_map seen = TPH_MAP_INIT; /* key -> the first value's slot */
    yyjson_mut_obj_iter it;
    yyjson_mut_obj_iter_init(object, &it);
    yyjson_mut_val *key;
    while ((key = yyjson_mut_obj_iter_next(&it))) {
        struct tph_str name = {.p = yyjson_mut_get_str(key), .len = yyjson_mut_get_len(key)};
        yyjson_mut_val *value = yyjson_mut_obj_iter_get_val(key);
        drop_duplicates(value);
        yyjson_mut_val *first = tph_map_get(&seen, name);
        if (!first) {
            (void)tph_map_set(&seen, name, value);
            continue;
        }
        /* The payload moves, the link stays. */
        first->tag = value->tag;
        first->uni = value->uni;
        (void)yyjson_mut_obj_iter_remove(&it);
    }
    tph_map_release(&seen);
}

/* As deep as the value, which inspect() kept within the limit. */
static void drop_duplicates(yyjson_mut_val *value)
{
    if (yyjson_mut_is_obj(value)) {
        drop_duplicate_members(value);
    } else if (yyjson_mut_is_arr(value)) {
        size_t i, max;
        yyjson_mut_val *element;
        yyjson_mut_arr_foreach(value, i, max, element)
        {
            drop_duplicates(element);
        }
    }
}

static int too_deep(struct tph_str text, struct tph_error *err)
{
    struct tph_json_fault fault;
    (void)tph_json_check(text, &fault);
    return tph_error_set(err, TPH_ERROR_LIMIT, "%zu:%zu: nested deeper than %d levels", fault.line, fault.column,
                         TPH_LIMIT_JSON_DEPTH);
}

static int refuse(struct tph_str text, const yyjson_read_err *problem, struct tph_error *err)
{
    if (problem->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        abort();
    }
    struct tph_json_fault fault;
    switch (tph_json_check(text, &fault)) {
    case TPH_JSON_FAULT_DEPTH:
        return too_deep(text, err);
    case TPH_JSON_FAULT_SYNTAX:
        break;
    case TPH_JSON_FAULT_NONE: /* yyjson refuses what Go takes: none known, but never let it pass as success */
        return tph_error_set(err, TPH_ERROR_INVALID, "%s", problem->msg);
    }
    return tph_error_set(err, TPH_ERROR_INVALID, "%zu:%zu: %s", fault.line, fault.column, fault.text);
}

static yyjson_doc *read_text(struct tph_str text, yyjson_read_flag flags, yyjson_read_err *problem)
{
    return yyjson_read_opts((char *)(uintptr_t)(text.p ? text.p : ""), text.len, flags | YYJSON_READ_NUMBER_AS_RAW,
                            NULL, problem);
}

static int parse(struct tph_str text, yyjson_read_flag flags, struct tph_json_doc **ret_doc, size_t *ret_used,
                 struct tph_error *err)
{
    yyjson_read_err problem;
    yyjson_read_err second;
    yyjson_doc *parsed = read_text(text, flags, &problem);
    size_t used = yyjson_doc_get_read_size(parsed);
    if (!parsed) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf repaired = TPH_BUF_INIT(SIZE_MAX / 4);
        if (repair(text, &repaired)) {
            parsed = read_text(tph_buf_str(&repaired), flags, &second);
            used = parsed ? used_of_original(text, yyjson_doc_get_read_size(parsed)) : 0;
        }
    }
    if (!parsed) {
        return refuse(text, &problem, err);
    }
    bool duplicates = false;
    if (!inspect(parsed, &duplicates)) {
        yyjson_doc_free(parsed);
        return too_deep(text, err);
    }
    struct tph_json_doc *doc = TPH_NEW(struct tph_json_doc);
    doc->doc = yyjson_doc_mut_copy(parsed, NULL);
    yyjson_doc_free(parsed);
    if (!doc->doc) {
        abort();
    }
    if (duplicates) {
        drop_duplicates(yyjson_mut_doc_get_root(doc->doc));
    }
    if (ret_used) {
        *ret_used = used;
    }
    *ret_doc = doc;
    return 0;
}

int tph_json_parse(struct tph_str text, struct tph_json_doc **ret_doc, struct tph_error *err)
{
    return parse(text, 0, ret_doc, NULL, err);
}

int tph_json_parse_first(struct tph_str text, struct tph_json_doc **ret_doc, size_t *ret_used, struct tph_error *err)
{
    return parse(text, YYJSON_READ_STOP_WHEN_DONE, ret_doc, ret_used, err);
}
