/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: texts cut, joined, quoted. Positions count bytes, as Go's do. */
#include <string.h>

#include "base/utf8.h"
#include "data/quote.h"
#include "data/unicode.h"
#include "expr/convert.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

static int fn_hello(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    (void)call;
    *ret = tph_expr_cstr("Hello!");
    return 0;
}

static int fn_trim(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_str(tph_unicode_trim(call->args[0].str));
    return 0;
}

static bool is_in_set(struct tph_str set, uint32_t rune)
{
    for (size_t at = 0; at < set.len;) {
        uint32_t member = 0;
        at += tph_utf8_decode(tph_str_slice(set, at, set.len), &member);
        if (member == rune) {
            return true;
        }
    }
    return false;
}

static int fn_trim_all(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str set = call->args[0].str;
    struct tph_str text = call->args[1].str;
    uint32_t rune = 0;
    if (tph_expr_work(call, (text.len + 64) / 64 * (set.len + 1)) < 0) {
        return -1;
    }
    while (text.len > 0) {
        size_t n = tph_utf8_decode(text, &rune);
        if (!is_in_set(set, rune)) {
            break;
        }
        text = tph_str_slice(text, n, text.len);
    }
    while (text.len > 0) {
        size_t n = tph_unicode_decode_last(text, &rune);
        if (!is_in_set(set, rune)) {
            break;
        }
        text = tph_str_slice(text, 0, text.len - n);
    }
    *ret = tph_expr_str(text);
    return 0;
}

/* What is looked for comes first, the text last. */
enum { TRIM_PREFIX, TRIM_SUFFIX, CONTAINS, HAS_PREFIX, HAS_SUFFIX };

static int fn_part(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str part = call->args[0].str;
    struct tph_str text = call->args[1].str;
    switch (call->function->tag) {
    case TRIM_PREFIX:
        *ret = tph_expr_str(tph_str_has_prefix(text, part) ? tph_str_slice(text, part.len, text.len) : text);
        break;
    case TRIM_SUFFIX:
        *ret = tph_expr_str(tph_str_has_suffix(text, part) ? tph_str_slice(text, 0, text.len - part.len) : text);
        break;
    case CONTAINS:
        *ret = tph_expr_bool(tph_str_find(text, part) >= 0);
        break;
    case HAS_PREFIX:
        *ret = tph_expr_bool(tph_str_has_prefix(text, part));
        break;
    default:
        *ret = tph_expr_bool(tph_str_has_suffix(text, part));
        break;
    }
    return 0;
}

/* text[start:end] in Go. */
static int slice(struct tph_expr_call *call, struct tph_str text, int64_t start, int64_t end,
                 struct tph_expr_value *ret)
{
    if (end < 0) {
        return tph_expr_fail(call, "runtime error: slice bounds out of range [:%lld]", (long long)end);
    }
    if ((uint64_t)end > text.len) {
        return tph_expr_fail(call, "runtime error: slice bounds out of range [:%lld] with length %zu", (long long)end,
                             text.len);
    }
    if (start > end) {
        return tph_expr_fail(call, "runtime error: slice bounds out of range [%lld:%lld]", (long long)start,
                             (long long)end);
    }
    *ret = tph_expr_str(tph_str_slice(text, (size_t)start, (size_t)end));
    return 0;
}

static int fn_substr(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t start = call->args[0].i;
    int64_t end = call->args[1].i;
    struct tph_str text = call->args[2].str;
    if (start < 0) {
        return slice(call, text, 0, end, ret);
    }
    bool to_end = end < 0 || (uint64_t)end > text.len;
    return slice(call, text, start, to_end ? (int64_t)text.len : end, ret);
}

/* The first characters, or with a negative number the last ones. */
static int fn_trunc(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = call->args[0].i;
    struct tph_str text = call->args[1].str;
    if (n >= 0 && (uint64_t)n < text.len) {
        text = tph_str_slice(text, 0, (size_t)n);
    } else if (n < 0 && n > -(int64_t)text.len) {
        text = tph_str_slice(text, text.len - (size_t)-n, text.len);
    }
    *ret = tph_expr_str(text);
    return 0;
}

static int check_repeat(struct tph_expr_call *call, size_t len, int64_t n)
{
    int64_t total = 0;
    if (n < 0) {
        return tph_expr_fail(call, "strings: negative Repeat count");
    }
    if (__builtin_mul_overflow((int64_t)len, n, &total)) {
        return tph_expr_fail(call, "strings: Repeat output length overflow");
    }
    return 0;
}

static int fn_repeat(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = call->args[0].i;
    struct tph_str text = call->args[1].str;
    if (check_repeat(call, text.len, n) < 0) {
        return -1;
    }
    size_t total = text.len * (size_t)n;
    char *bytes = tph_expr_alloc(call->memory, total);
    if (!bytes || tph_expr_work(call, total / 64) < 0) {
        return -1;
    }
    for (size_t at = 0; at < total; at += text.len) {
        memcpy(bytes + at, text.p, text.len);
    }
    *ret = tph_expr_str((struct tph_str){.p = bytes, .len = total});
    return 0;
}

static void put_blanks(struct tph_buf *out, int64_t n)
{
    char *blanks = n > 0 ? tph_buf_reserve(out, (size_t)n) : NULL;
    if (blanks) {
        memset(blanks, ' ', (size_t)n);
        tph_buf_commit(out, (size_t)n);
    }
}

/* Blanks before each line; nindent (tag 1) begins with a line break. */
static int fn_indent(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    int64_t n = call->args[0].i;
    struct tph_str rest = call->args[1].str;
    struct tph_str line;
    if (check_repeat(call, 1, n) < 0) {
        return -1;
    }
    (void)tph_buf_puts(&out, call->function->tag ? "\n" : "");
    put_blanks(&out, n);
    bool first = true;
    while (rest.p && tph_str_cut(&rest, '\n', &line)) {
        if (!first) {
            (void)tph_buf_putc(&out, '\n');
            put_blanks(&out, n);
        }
        (void)tph_buf_put(&out, line);
        first = false;
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* What is behind the next character; bytes that are no UTF-8 are one each. */
static size_t rune_len(struct tph_str text)
{
    uint32_t rune = 0;
    return tph_utf8_decode(text, &rune);
}

static int fn_replace(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str old = call->args[0].str;
    struct tph_str new = call->args[1].str;
    struct tph_str rest = call->args[2].str;
    if (old.len == 0) { /* it is before each character and at the end */
        while (rest.len > 0 && !tph_buf_failed(&out)) {
            size_t n = rune_len(rest);
            (void)tph_buf_put(&out, new);
            (void)tph_buf_append(&out, rest.p, n);
            rest = tph_str_slice(rest, n, rest.len);
        }
        (void)tph_buf_put(&out, new);
        return tph_expr_keep(call->memory, &out, ret);
    }
    for (ptrdiff_t at = tph_str_find(rest, old); at >= 0 && !tph_buf_failed(&out); at = tph_str_find(rest, old)) {
        (void)tph_buf_append(&out, rest.p, (size_t)at);
        (void)tph_buf_put(&out, new);
        rest = tph_str_slice(rest, (size_t)at + old.len, rest.len);
    }
    (void)tph_buf_put(&out, rest);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_plural(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = call->args[2].i == 1 ? call->args[0] : call->args[1];
    return 0;
}

static int fn_to_string(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    if (expr_sprig_text(call, call->args[0], &text) < 0) {
        return -1;
    }
    *ret = tph_expr_str(text);
    return 0;
}

/* The values that are not nil, with blanks between: as they are, in ' or in ". */
enum { CAT, SINGLE_QUOTE, QUOTE };

static int fn_quote(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    int how = call->function->tag;
    bool first = true;
    for (size_t i = 0; i < call->n_args; i++) {
        struct tph_str text;
        if (call->args[i].type == TPH_EXPR_NIL) {
            continue;
        }
        (void)tph_buf_puts(&out, first ? "" : " ");
        first = false;
        if (how == QUOTE) {
            if (expr_sprig_text(call, call->args[i], &text) < 0) {
                return -1;
            }
            tph_quote_go(text, &out);
            continue;
        }
        (void)tph_buf_puts(&out, how == SINGLE_QUOTE ? "'" : "");
        tph_expr_print(call->args[i], &out);
        (void)tph_buf_puts(&out, how == SINGLE_QUOTE ? "'" : "");
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* Texts between separators, n at most (negative: all); without a separator the characters. */
static int split(struct tph_expr_call *call, struct tph_str text, struct tph_str separator, int64_t n,
                 struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (n != 0 && separator.len == 0) {
        while (text.len > 0) {
            size_t len = n > 0 && (uint64_t)n == b.n + 1 ? text.len : rune_len(text);
            if (tph_expr_push(&b, tph_expr_str(tph_str_slice(text, 0, len))) < 0) {
                return -1;
            }
            text = tph_str_slice(text, len, text.len);
        }
    } else if (n != 0) {
        ptrdiff_t at = 0;
        while ((n < 0 || b.n + 1 < (uint64_t)n) && (at = tph_str_find(text, separator)) >= 0) {
            if (tph_expr_push(&b, tph_expr_str(tph_str_slice(text, 0, (size_t)at))) < 0) {
                return -1;
            }
            text = tph_str_slice(text, (size_t)at + separator.len, text.len);
        }
        if (tph_expr_push(&b, tph_expr_str(text)) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

static int fn_split_list(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return split(call, call->args[1].str, call->args[0].str, -1, ret);
}

/* {_0: ..., _1: ...}; splitn (tag 1) has a number between. */
static int fn_split(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool limited = call->function->tag;
    struct tph_expr_value parts;
    struct tph_expr_value map;
    if (split(call, call->args[limited ? 2 : 1].str, call->args[0].str, limited ? call->args[1].i : -1, &parts) < 0 ||
        tph_expr_map_new(call->memory, TPH_EXPR_MAP_STRING, &map) < 0) {
        return -1;
    }
    for (size_t i = 0; i < parts.list.n; i++) {
        struct tph_expr_value key;
        if (tph_expr_format(call->memory, &key, "_%zu", i) < 0 ||
            tph_expr_map_set(call->memory, map.map, key.str, parts.list.items[i]) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int fn_to_strings(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return expr_sprig_texts(call, call->args[0], ret);
}

static int fn_join(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_expr_value texts;
    if (expr_sprig_texts(call, call->args[1], &texts) < 0) {
        return -1;
    }
    for (size_t i = 0; i < texts.list.n; i++) {
        if (i > 0) {
            (void)tph_buf_put(&out, call->args[0].str);
        }
        (void)tph_buf_put(&out, texts.list.items[i].str);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static int compare_texts(const void *left, const void *right)
{
    const struct tph_expr_value *a = left;
    const struct tph_expr_value *b = right;
    return tph_str_cmp(a->str, b->str);
}

static int fn_sort_alpha(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value texts;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_expr_value value = call->args[0];
    struct tph_str text;
    if (!expr_sprig_is_list(value)) { /* nil too is a text of its own here */
        return expr_sprig_text(call, value, &text) < 0 || tph_expr_push(&b, tph_expr_str(text)) < 0
                   ? -1
                   : tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
    }
    if (expr_sprig_texts(call, value, &texts) < 0 || tph_expr_work(call, texts.list.n * 4) < 0 ||
        tph_expr_reserve(&b, texts.list.n) < 0) {
        return -1;
    }
    for (size_t i = 0; i < texts.list.n; i++) {
        b.items[b.n++] = texts.list.items[i];
    }
    if (b.n > 1) {
        qsort(b.items, b.n, sizeof(*b.items), compare_texts);
    }
    if (!texts.list.items) { /* a nil list stays one */
        *ret = texts;
        return 0;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

#define TEXT(function, text, letters, number)                                                                 \
    {                                                                                                         \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_STRING, .tag = (number) \
    }
#define TRUTH(function, text, letters, number)                                                              \
    {                                                                                                       \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_BOOL, .tag = (number) \
    }
#define TEXTS(function, text, letters)                                                            \
    {                                                                                             \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_LIST_STRING \
    }

const struct tph_expr_function expr_sprig_strings[] = {
    TEXT(fn_hello, "hello", "", 0),
    TEXT(fn_trim, "trim", "s", 0),
    TEXT(fn_trim_all, "trimall", "ss", 0),
    TEXT(fn_trim_all, "trimAll", "ss", 0),
    TEXT(fn_part, "trimPrefix", "ss", TRIM_PREFIX),
    TEXT(fn_part, "trimSuffix", "ss", TRIM_SUFFIX),
    TRUTH(fn_part, "contains", "ss", CONTAINS),
    TRUTH(fn_part, "hasPrefix", "ss", HAS_PREFIX),
    TRUTH(fn_part, "hasSuffix", "ss", HAS_SUFFIX),
    TEXT(fn_substr, "substr", "iis", 0),
    TEXT(fn_trunc, "trunc", "is", 0),
    TEXT(fn_repeat, "repeat", "is", 0),
    TEXT(fn_indent, "indent", "is", 0),
    TEXT(fn_indent, "nindent", "is", 1),
    TEXT(fn_replace, "replace", "sss", 0),
    TEXT(fn_plural, "plural", "ssi", 0),
    TEXT(fn_to_string, "toString", "a", 0),
    TEXT(fn_quote, "cat", "a*", CAT),
    TEXT(fn_quote, "quote", "a*", QUOTE),
    TEXT(fn_quote, "squote", "a*", SINGLE_QUOTE),
    {.name = "split", .native = fn_split, .params = "ss", .result = TPH_EXPR_MAP_STRING},
    {.name = "splitn", .native = fn_split, .params = "sis", .result = TPH_EXPR_MAP_STRING, .tag = 1},
    TEXTS(fn_split_list, "splitList", "ss"),
    TEXTS(fn_to_strings, "toStrings", "a"),
    TEXT(fn_join, "join", "sa", 0),
    TEXTS(fn_sort_alpha, "sortAlpha", "a"),
    {.name = NULL},
};
