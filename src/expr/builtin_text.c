/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on texts, and to and from them. */
#include <string.h>

#include "base/utf8.h"
#include "data/base64.h"
#include "data/unicode.h"
#include "expr/native.h"

static int give(struct tph_str text, struct tph_expr_value *ret)
{
    *ret = tph_expr_str(text);
    return 0;
}

static bool contains_rune(struct tph_str set, uint32_t rune)
{
    for (size_t at = 0; at < set.len;) {
        uint32_t one = 0;
        at += tph_utf8_decode(tph_str_slice(set, at, set.len), &one);
        if (one == rune) {
            return true;
        }
    }
    return false;
}

/* Without the characters of a set at both ends. */
static struct tph_str trim_set(struct tph_str text, struct tph_str set)
{
    uint32_t rune = 0;
    while (text.len > 0) {
        size_t n = tph_utf8_decode(text, &rune);
        if (!contains_rune(set, rune)) {
            break;
        }
        text = tph_str_slice(text, n, text.len);
    }
    while (text.len > 0) {
        size_t n = tph_unicode_decode_last(text, &rune);
        if (!contains_rune(set, rune)) {
            break;
        }
        text = tph_str_slice(text, 0, text.len - n);
    }
    return text;
}

static int fn_trim(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str set;
    if (call->n_args != 1 && call->n_args != 2) {
        return tph_expr_fail(call, "invalid number of arguments for trim (expected 1 or 2, got %zu)", call->n_args);
    }
    if (expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    if (call->n_args == 1) {
        return give(tph_unicode_trim(text), ret);
    }
    if (expr_arg_str(call, 1, &set) < 0 || expr_work(call->run, text.len * (set.len + 1) / 64) < 0) {
        return -1;
    }
    return give(trim_set(text, set), ret);
}

enum { PREFIX, SUFFIX };

static int fn_trim_end(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str end = TPH_STR(" ");
    if ((call->n_args == 2 && expr_arg_str(call, 1, &end) < 0) || expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    if (call->function->tag == PREFIX && tph_str_has_prefix(text, end)) {
        text = tph_str_slice(text, end.len, text.len);
    } else if (call->function->tag == SUFFIX && tph_str_has_suffix(text, end)) {
        text = tph_str_slice(text, 0, text.len - end.len);
    }
    return give(text, ret);
}

static int fn_has_end(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str end;
    if (expr_arg_str(call, 0, &text) < 0 || expr_arg_str(call, 1, &end) < 0) {
        return -1;
    }
    *ret = tph_expr_bool(call->function->tag == PREFIX ? tph_str_has_prefix(text, end) : tph_str_has_suffix(text, end));
    return 0;
}

enum { UPPER, LOWER };

static int fn_case(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    if (expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    if (call->function->tag == UPPER) {
        tph_unicode_put_upper(text, &out);
    } else {
        tph_unicode_put_lower(text, &out);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* Parts of a text; `keep` bytes of each separator stay at the end of the part before. Without a separator: characters.
 */
static int split(struct tph_expr_call *call, struct tph_str text, struct tph_str separator, int64_t most, bool keep,
                 struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (most == 0) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST_STRING}; /* nil */
        return 0;
    }
    while (most < 0 || (int64_t)b.n + 1 < most) {
        uint32_t rune = 0;
        ptrdiff_t at = separator.len > 0 ? tph_str_find(text, separator)
                       : text.len > 0    ? (ptrdiff_t)tph_utf8_decode(text, &rune)
                                         : -1;
        if (at < 0 || (separator.len == 0 && (size_t)at == text.len)) {
            break;
        }
        size_t end = (size_t)at + (keep ? separator.len : 0);
        if (expr_work(call->run, 1) < 0 || tph_expr_push(&b, tph_expr_str(tph_str_slice(text, 0, end))) < 0) {
            return -1;
        }
        text = tph_str_slice(text, (size_t)at + separator.len, text.len);
    }
    bool nothing = separator.len == 0 && text.len == 0 && b.n == 0;
    if (!nothing && tph_expr_push(&b, tph_expr_str(text)) < 0) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

enum { SPLIT, SPLIT_AFTER };

static int fn_split(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str separator;
    int64_t most = -1;
    if (call->n_args != 2 && call->n_args != 3) {
        return tph_expr_fail(call, "invalid number of arguments for %s (expected 2 or 3, got %zu)",
                             call->function->name, call->n_args);
    }
    if (expr_arg_str(call, 0, &text) < 0 || expr_arg_str(call, 1, &separator) < 0 ||
        (call->n_args == 3 && expr_arg_int(call, 2, &most) < 0)) {
        return -1;
    }
    return split(call, text, separator, most, call->function->tag == SPLIT_AFTER, ret);
}

/* An empty text to be replaced stands before each character and at the end. */
static void replace(struct tph_str text, struct tph_str old, struct tph_str new, int64_t most, struct tph_buf *out)
{
    for (int64_t n = 0; (most < 0 || n < most) && !tph_buf_failed(out); n++) {
        if (old.len == 0) {
            if (n > 0) {
                uint32_t rune = 0;
                if (text.len == 0) {
                    break;
                }
                size_t length = tph_utf8_decode(text, &rune);
                (void)tph_buf_append(out, text.p, length);
                text = tph_str_slice(text, length, text.len);
            }
            (void)tph_buf_put(out, new);
            continue;
        }
        ptrdiff_t at = tph_str_find(text, old);
        if (at < 0) {
            break;
        }
        (void)tph_buf_append(out, text.p, (size_t)at);
        (void)tph_buf_put(out, new);
        text = tph_str_slice(text, (size_t)at + old.len, text.len);
    }
    (void)tph_buf_put(out, text);
}

static int fn_replace(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str texts[3];
    int64_t most = -1;
    if (call->n_args != 3 && call->n_args != 4) {
        return tph_expr_fail(call, "invalid number of arguments for replace (expected 3 or 4, got %zu)", call->n_args);
    }
    for (size_t i = 0; i < 3; i++) {
        if (expr_arg_str(call, i, &texts[i]) < 0) {
            return -1;
        }
    }
    if (call->n_args == 4 && expr_arg_int(call, 3, &most) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    replace(texts[0], texts[1], texts[2], most, &out);
    return expr_work(call->run, out.len / 64) < 0 ? -1 : tph_expr_keep(call->memory, &out, ret);
}

static int fn_repeat(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    int64_t n = 0;
    if (expr_arg_str(call, 0, &text) < 0 || expr_arg_int(call, 1, &n) < 0) {
        return -1;
    }
    if (n < 0) {
        return tph_expr_fail(call, "invalid argument for repeat (expected positive integer, got %lld)", (long long)n);
    }
    if (n > TPH_LIMIT_EXPR_BUDGET) {
        return tph_expr_fail(call, "memory budget exceeded");
    }
    size_t length = text.len * (size_t)n;
    if (expr_charge(call->run, length) < 0) {
        return -1;
    }
    char *bytes = tph_expr_alloc(call->memory, length);
    if (!bytes) {
        return -1;
    }
    for (size_t at = 0; at < length; at += text.len) {
        memcpy(bytes + at, text.p, text.len);
    }
    return give((struct tph_str){.p = bytes, .len = length}, ret);
}

static int fn_join(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *list = expr_arg(call, 0);
    struct tph_str glue = TPH_STR("");
    if (!list || (call->n_args == 2 && expr_arg_str(call, 1, &glue) < 0)) {
        return -1;
    }
    if (list->type != TPH_EXPR_LIST && list->type != TPH_EXPR_LIST_STRING) {
        return tph_expr_fail(call, "invalid argument for join (type %s)",
                             list->type == TPH_EXPR_NIL ? "%!s(<nil>)" : tph_expr_type_name(list->type));
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    for (size_t i = 0; i < list->list.n; i++) {
        if (list->list.items[i].type != TPH_EXPR_STRING) {
            return expr_wrong_type(call->run, list->list.items[i], "string");
        }
        (void)tph_buf_put(&out, i > 0 ? glue : TPH_STR(""));
        (void)tph_buf_put(&out, list->list.items[i].str);
        if (tph_buf_failed(&out) || expr_work(call->run, 1) < 0) {
            break;
        }
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static ptrdiff_t find_last(struct tph_str text, struct tph_str part)
{
    for (size_t at = text.len + 1; part.len <= text.len && at > part.len; at--) {
        if (tph_str_eq(tph_str_slice(text, at - 1 - part.len, at - 1), part)) {
            return (ptrdiff_t)(at - 1 - part.len);
        }
    }
    return -1;
}

enum { FIRST, LAST };

static int fn_index(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str part;
    if (expr_arg_str(call, 0, &text) < 0 || expr_arg_str(call, 1, &part) < 0) {
        return -1;
    }
    *ret = tph_expr_int(call->function->tag == FIRST ? tph_str_find(text, part) : find_last(text, part));
    return 0;
}

static int fn_to_json(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = expr_arg(call, 0);
    return value ? expr_to_json_text(call, *value, "  ", ret) : -1;
}

static int fn_from_json(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (expr_arg_str(call, 0, &text) < 0 || expr_parse_json(call, text, &doc) < 0) {
        return -1;
    }
    return expr_adopt_json(call, tph_json_root(doc), ret);
}

static int fn_to_base64(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    if (expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    tph_base64_encode(text, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_from_base64(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_str text;
    size_t fault = 0;
    if (expr_arg_str(call, 0, &text) < 0) {
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    if (tph_base64_decode_at(text, &out, &fault) < 0) {
        return tph_expr_fail(call, "illegal base64 data at input byte %zu", fault);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_string(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(tph_expr_room(call->memory));
    tph_expr_print(call->args[0], &out);
    return expr_work(call->run, out.len / 64) < 0 ? -1 : tph_expr_keep(call->memory, &out, ret);
}

/* Types as the language calls them. */
static int fn_type(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    enum tph_expr_type type = call->args[0].type;
    const char *name = type == TPH_EXPR_NIL                               ? "nil"
                       : type == TPH_EXPR_BOOL                            ? "bool"
                       : type == TPH_EXPR_STRING                          ? "string"
                       : type == TPH_EXPR_FUNCTION                        ? "func"
                       : type == TPH_EXPR_VERSION_STRUCT                  ? "github.com/Masterminds/semver/v3.Version"
                       : type >= TPH_EXPR_INT && type <= TPH_EXPR_INT64   ? "int"
                       : type >= TPH_EXPR_UINT && type <= TPH_EXPR_UINT64 ? "uint"
                       : tph_expr_is_float(type)                          ? "float"
                       : tph_expr_is_list(type) || type == TPH_EXPR_BYTES ? "array"
                       : tph_expr_is_map(type)                            ? "map"
                                                                          : tph_expr_type_name(type);
    return give(tph_str(name), ret);
}

#define SIGNED(function_name, fn, number, ...)                                                                      \
    {                                                                                                               \
        .function = {.name = (function_name), .native = (fn), .tag = (number)}, .judgement = EXPR_JUDGE_SIGNATURES, \
        .style = EXPR_STYLE_MANY, .signatures = (const struct expr_signature[]){__VA_ARGS__},                       \
        .n_signatures = sizeof((const struct expr_signature[]){__VA_ARGS__}) / sizeof(struct expr_signature)        \
    }
#define ONE(function_name, fn, number, ...)                                                                         \
    {                                                                                                               \
        .function = {.name = (function_name), .native = (fn), .tag = (number)}, .judgement = EXPR_JUDGE_SIGNATURES, \
        .style = EXPR_STYLE_ONE, .signatures = (const struct expr_signature[]){__VA_ARGS__}, .n_signatures = 1      \
    }

static const struct expr_builtin rows[] = {
    ONE("type", fn_type, 0, {"a", "s", 0}),
    ONE("string", fn_string, 0, {"a", "s", 0}),
    SIGNED("trim", fn_trim, 0, {"s", "s", 0}, {"ss", "s", 0}),
    SIGNED("trimPrefix", fn_trim_end, PREFIX, {"ss", "s", 0}, {"s", "s", 0}),
    SIGNED("trimSuffix", fn_trim_end, SUFFIX, {"ss", "s", 0}, {"s", "s", 0}),
    ONE("upper", fn_case, UPPER, {"s", "s", 0}),
    ONE("lower", fn_case, LOWER, {"s", "s", 0}),
    SIGNED("split", fn_split, SPLIT, {"ss", "S", 0}, {"ssi", "S", 0}),
    SIGNED("splitAfter", fn_split, SPLIT_AFTER, {"ss", "S", 0}, {"ssi", "S", 0}),
    SIGNED("replace", fn_replace, 0, {"sssi", "s", 0}, {"sss", "s", 0}),
    SIGNED("repeat", fn_repeat, 0, {"si", "s", 0}),
    SIGNED("join", fn_join, 0, {"Ss", "s", 0}, {"ls", "s", 0}, {"l", "s", 0}, {"Ss", "s", 0}, {"S", "s", 0}),
    SIGNED("indexOf", fn_index, FIRST, {"ss", "i", 0}),
    SIGNED("lastIndexOf", fn_index, LAST, {"ss", "i", 0}),
    SIGNED("hasPrefix", fn_has_end, PREFIX, {"ss", "b", 0}),
    SIGNED("hasSuffix", fn_has_end, SUFFIX, {"ss", "b", 0}),
    SIGNED("toJSON", fn_to_json, 0, {"a", "s", 0}),
    SIGNED("fromJSON", fn_from_json, 0, {"s", "a", 0}),
    SIGNED("toBase64", fn_to_base64, 0, {"s", "s", 0}),
    SIGNED("fromBase64", fn_from_base64, 0, {"s", "s", 0}),
};

const struct expr_builtins expr_text_builtins = {rows, sizeof(rows) / sizeof(rows[0])};
