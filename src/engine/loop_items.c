/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_items.h"

#include <stdlib.h>

#include "base/limits.h"
#include "data/item.h"
#include "data/quote.h"
#include "engine/loop_format.h"

/* Where the value that begins at text ends. The text is JSON: brackets match, and strings end. */
static size_t value_len(struct tph_str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (depth > 0 && (c == ']' || c == '}')) {
            depth--;
        } else if (depth == 0 && (c == ',' || c == ':' || c == ']' || c == '}')) {
            return i;
        }
    }
    return text.len;
}

/* Takes the next value or key off the inside of a list or map, with the sign after it. */
static bool take(struct tph_str *rest, struct tph_str *ret_raw)
{
    *rest = tph_str_trim(*rest);
    if (rest->len == 0) {
        return false;
    }
    size_t len = value_len(*rest);
    *ret_raw = tph_str_trim(tph_str_slice(*rest, 0, len));
    *rest = tph_str_slice(*rest, len + 1, rest->len);
    return true;
}

/* What stands between the brackets of a list or map. */
static struct tph_str inside(struct tph_str raw)
{
    raw = tph_str_trim(raw);
    return raw.len < 2 ? TPH_STR("") : tph_str_slice(raw, 1, raw.len - 1);
}

static int too_many(struct tph_buf *problem)
{
    (void)tph_buf_printf(problem, "a loop has more than %d items (TPH_LIMIT_ITEMS): make it several steps",
                         TPH_LIMIT_ITEMS);
    return -1;
}

static int split(struct tph_str list, struct tph_arena *arena, struct tph_loop_items *ret_items,
                 struct tph_buf *problem)
{
    struct tph_str raw;
    size_t n = 0;
    for (struct tph_str rest = inside(list); take(&rest, &raw);) {
        n++;
    }
    if (n > TPH_LIMIT_ITEMS) {
        return too_many(problem);
    }
    struct tph_str *items = TPH_ARENA_ARRAY(arena, struct tph_str, n);
    size_t at = 0;
    for (struct tph_str rest = inside(list); take(&rest, &raw);) {
        items[at++] = raw;
    }
    *ret_items = (struct tph_loop_items){.raw = items, .n = n};
    return 0;
}

int tph_loop_items_list(const struct tph_json *list, struct tph_arena *arena, struct tph_loop_items *ret_items,
                        struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(list, 0, &text);
    return split(tph_arena_str(arena, tph_buf_str(&text)), arena, ret_items, problem);
}

int tph_loop_items_param(struct tph_str text, struct tph_arena *arena, struct tph_loop_items *ret_items,
                         struct tph_buf *problem)
{
    struct tph_json_fault fault;
    enum tph_json_fault_kind kind = tph_json_check(text, &fault);
    struct tph_str list = tph_str_trim(text);
    if (kind == TPH_JSON_FAULT_NONE && list.p[0] == '[') {
        return split(list, arena, ret_items, problem);
    }
    if (kind == TPH_JSON_FAULT_NONE && list.p[0] == 'n') {
        *ret_items = (struct tph_loop_items){0};
        return 0;
    }
    (void)tph_buf_printf(problem, "withParam value could not be parsed as a JSON list: %.*s: ", TPH_FMT(text));
    if (kind == TPH_JSON_FAULT_DEPTH) {
        (void)tph_buf_printf(problem, "nested deeper than %d levels", TPH_LIMIT_JSON_DEPTH);
    } else if (kind == TPH_JSON_FAULT_SYNTAX) {
        (void)tph_buf_puts(problem, fault.text);
    } else {
        const char *what = list.p[0] == '{'                       ? "object"
                           : list.p[0] == '"'                     ? "string"
                           : list.p[0] == 't' || list.p[0] == 'f' ? "bool"
                                                                  : "number";
        (void)tph_buf_printf(problem, "json: cannot unmarshal %s into Go value of type []v1alpha1.Item", what);
    }
    return -1;
}

/* strconv.Atoi. */
static int read_int(struct tph_str text, int64_t *ret_value, struct tph_buf *problem)
{
    const char *fault = "invalid syntax";
    size_t at = text.len > 0 && (text.p[0] == '-' || text.p[0] == '+');
    bool digits = at < text.len;
    for (size_t i = at; i < text.len; i++) {
        digits = digits && text.p[i] >= '0' && text.p[i] <= '9';
    }
    if (digits) {
        if (tph_str_to_i64(tph_str_slice(text, text.p[0] == '+', text.len), ret_value) == 0) {
            return 0;
        }
        fault = "value out of range";
    }
    (void)tph_buf_puts(problem, "strconv.Atoi: parsing ");
    tph_quote_go(text, problem);
    (void)tph_buf_printf(problem, ": %s", fault);
    return -1;
}

/* From *ret_first to *ret_last in steps of *ret_step, or none: step 0. */
static int read_sequence(const struct tph_loop_sequence *sequence, int64_t *ret_first, int64_t *ret_last,
                         int64_t *ret_step, struct tph_buf *problem)
{
    int64_t first = 0;
    int64_t last = 0;
    int64_t count = 1;
    if ((sequence->start.p && read_int(sequence->start, &first, problem) < 0) ||
        (sequence->end.p && read_int(sequence->end, &last, problem) < 0) ||
        (!sequence->end.p && sequence->count.p && read_int(sequence->count, &count, problem) < 0)) {
        return -1;
    }
    if (!sequence->end.p && !sequence->count.p) {
        (void)tph_buf_puts(problem, "neither end nor count was specified in withSequence");
        return -1;
    }
    if (!sequence->end.p && count != 0 &&
        (__builtin_add_overflow(first, count, &last) || __builtin_sub_overflow(last, 1, &last))) {
        return too_many(problem);
    }
    *ret_first = first;
    *ret_last = last;
    *ret_step = count == 0 ? 0 : first <= last ? 1 : -1;
    return 0;
}

int tph_loop_items_sequence(const struct tph_loop_sequence *sequence, struct tph_arena *arena,
                            struct tph_loop_items *ret_items, struct tph_buf *problem)
{
    int64_t first = 0;
    int64_t last = 0;
    int64_t step = 0;
    if (read_sequence(sequence, &first, &last, &step, problem) < 0) {
        return -1;
    }
    uint64_t n = step == 0 ? 0 : (step > 0 ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last) + 1;
    if (n > TPH_LIMIT_ITEMS || (n == 0 && step != 0)) {
        return too_many(problem);
    }
    struct tph_str format = sequence->format.len > 0 ? sequence->format : TPH_STR("%d");
    struct tph_str *items = TPH_ARENA_ARRAY(arena, struct tph_str, n);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        struct tph_json_fault fault;
        tph_buf_clear(&text);
        (void)tph_buf_puts(&text, "\"");
        tph_loop_format(format, first + (int64_t)i * step, &text);
        (void)tph_buf_puts(&text, "\"");
        total += text.len;
        if (tph_buf_failed(&text) || total > TPH_LIMIT_DOCUMENT) {
            (void)tph_buf_printf(problem,
                                 "withSequence: the format \"%.*s\" makes more than %zu bytes an item or %zu in all "
                                 "(TPH_LIMIT_PARAMETER, TPH_LIMIT_DOCUMENT)",
                                 TPH_FMT(format), TPH_LIMIT_PARAMETER, TPH_LIMIT_DOCUMENT);
            return -1;
        }
        if (tph_json_check(tph_buf_str(&text), &fault) != TPH_JSON_FAULT_NONE) {
            (void)tph_buf_puts(problem, fault.text);
            return -1;
        }
        items[i] = tph_arena_str(arena, tph_buf_str(&text));
    }
    *ret_items = (struct tph_loop_items){.raw = items, .n = n};
    return 0;
}

/* A member of a map: its key decoded, its value as it is spelt. */
struct member {
    struct tph_str key;
    struct tph_str raw;
    size_t index;
};

static int by_key(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = tph_str_cmp(a->key, b->key);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* The members of a map by their keys; of equal keys the last. Returns how many. */
static size_t members_of(struct tph_str raw, struct tph_arena *arena, struct member **ret_members)
{
    struct tph_str key;
    struct tph_str value;
    size_t n = 0;
    for (struct tph_str rest = inside(raw); take(&rest, &key) && take(&rest, &value);) {
        n++;
    }
    struct member *members = TPH_ARENA_ARRAY(arena, struct member, n);
    size_t at = 0;
    for (struct tph_str rest = inside(raw); at < n && take(&rest, &key) && take(&rest, &value); at++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        members[at] = (struct member){.raw = value, .index = at, .key = TPH_STR("")};
        if (tph_json_parse(key, &doc, NULL) == 0) {
            members[at].key = tph_arena_str(arena, tph_json_str(tph_json_root(doc)));
        }
    }
    if (n > 1) {
        qsort(members, n, sizeof(*members), by_key);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || !tph_str_eq(members[i].key, members[i + 1].key)) {
            members[kept++] = members[i];
        }
    }
    *ret_members = members;
    return kept;
}

static void write_list_name(struct tph_str raw, struct tph_buf *out)
{
    struct tph_str element;
    const char *blank = "";
    (void)tph_buf_puts(out, "[");
    if (tph_str_has_prefix(tph_str_trim(raw), TPH_STR("["))) {
        for (struct tph_str rest = inside(raw); take(&rest, &element);) {
            (void)tph_buf_puts(out, blank);
            tph_item_write_text(element, out);
            blank = " ";
        }
    }
    (void)tph_buf_puts(out, "]");
}

static void write_map_name(struct tph_str raw, struct tph_buf *out)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct member *members = NULL;
    size_t n = members_of(raw, arena, &members);
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(out, "%s%.*s:", i > 0 ? "," : "", TPH_FMT(members[i].key));
        tph_item_write_text(members[i].raw, out);
    }
}

void tph_loop_item_name(struct tph_str name, size_t index, struct tph_str raw, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    switch (tph_item_type(raw)) {
    case TPH_ITEM_LIST:
        write_list_name(raw, &text);
        break;
    case TPH_ITEM_MAP:
        write_map_name(raw, &text);
        break;
    case TPH_ITEM_NUMBER:
    case TPH_ITEM_BOOL:
    case TPH_ITEM_STRING:
    case TPH_ITEM_TYPE_COUNT:
        tph_item_write_text(raw, &text);
        break;
    }
    (void)tph_buf_printf(out, "%.*s(%zu:", TPH_FMT(name), index);
    struct tph_str plain = tph_buf_str(&text);
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.p[i] != '(' && plain.p[i] != ')') {
            (void)tph_buf_putc(out, plain.p[i]);
        }
    }
    (void)tph_buf_puts(out, ")");
}

/* {"a":...}: members by key, values as they are spelt. */
static void write_map(struct tph_str raw, struct tph_buf *value)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct member *members = NULL;
    size_t n = members_of(raw, arena, &members);
    (void)tph_buf_puts(value, "{");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_puts(value, i > 0 ? "," : "");
        tph_json_write_str(members[i].key, TPH_JSON_HTML, value);
        (void)tph_buf_puts(value, ":");
        tph_item_write_json(members[i].raw, value);
    }
    (void)tph_buf_puts(value, "}");
}

static void write_item(struct tph_str raw, struct tph_buf *value)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    switch (tph_item_type(raw)) {
    case TPH_ITEM_STRING:
        if (tph_json_parse(raw, &doc, NULL) == 0) { /* 1E400 is a text without characters: so it is in Argo */
            (void)tph_buf_put(value, tph_json_str(tph_json_root(doc)));
        }
        break;
    case TPH_ITEM_MAP:
        write_map(raw, value);
        break;
    case TPH_ITEM_NUMBER:
    case TPH_ITEM_BOOL:
    case TPH_ITEM_LIST:
    case TPH_ITEM_TYPE_COUNT:
        tph_item_write_json(raw, value);
        break;
    }
}

enum tph_text_value tph_loop_item_lookup(struct tph_str raw, struct tph_str name, struct tph_buf *value)
{
    if (tph_str_eqz(name, "item")) {
        write_item(raw, value);
        return TPH_TEXT_VALUE;
    }
    if (!tph_str_has_prefix(name, TPH_STR("item.")) || tph_item_type(raw) != TPH_ITEM_MAP) {
        return TPH_TEXT_UNKNOWN;
    }
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_str key = tph_str_slice(name, 5, name.len);
    struct member *members = NULL;
    size_t n = members_of(raw, arena, &members);
    for (size_t i = 0; i < n; i++) {
        if (tph_str_eq(members[i].key, key)) {
            tph_item_write_text(members[i].raw, value);
            return TPH_TEXT_VALUE;
        }
    }
    return TPH_TEXT_UNKNOWN;
}
