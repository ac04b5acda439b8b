/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: regular expressions. Those with `must` tell a bad pattern as an error, the others panic, which is an error
 * with other words; regexMatch just does not match. */
#include "base/utf8.h"
#include "data/quote.h"
#include "data/regex.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

enum { MAY_PANIC, MUST }; /* tag */

/* As Go shows the pattern in its panic: in backquotes where they can hold it. */
static void put_pattern(struct tph_str pattern, struct tph_buf *out)
{
    bool plain = tph_str_find_byte(pattern, '`') < 0;
    for (size_t i = 0; i < pattern.len && plain; i++) {
        unsigned char c = (unsigned char)pattern.p[i];
        plain = (c >= 0x20 || c == '\t') && c != 0x7f;
    }
    plain = plain && tph_utf8_valid(pattern) && tph_str_find(pattern, TPH_STR("\xef\xbb\xbf")) < 0;
    if (!plain) {
        tph_quote_go(pattern, out);
        return;
    }
    (void)tph_buf_putc(out, '`');
    (void)tph_buf_put(out, pattern);
    (void)tph_buf_putc(out, '`');
}

static int compile(struct tph_expr_call *call, struct tph_regex **ret)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str pattern = call->args[0].str;
    if (tph_expr_work(call, 1000 + pattern.len) < 0) {
        return -1;
    }
    if (tph_regex_compile(pattern, ret, &err) == 0) {
        return 0;
    }
    if (call->function->tag == MUST || err.kind == TPH_ERROR_LIMIT) {
        return tph_expr_fail(call, "%s", err.text);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_KIB(4));
    put_pattern(pattern, &shown);
    return tph_expr_fail(call, "regexp: Compile(%s): %s", tph_buf_cstr(&shown), err.text);
}

static int fail(struct tph_expr_call *call, const struct tph_error *err)
{
    return tph_expr_fail(call, "%s", err->text);
}

/* 0, or TPH_REGEX_NO_MATCH; each match is work. */
static int next(struct tph_expr_call *call, struct tph_regex_walk *walk)
{
    struct tph_error err = TPH_ERROR_INIT;
    size_t left = walk->at < walk->text.len ? walk->text.len - walk->at : 0;
    if (tph_expr_work(call, 1 + left / 1024) < 0) {
        return -1;
    }
    int found = tph_regex_next(walk, &err);
    return found < 0 ? fail(call, &err) : found;
}

static struct tph_str matched(const struct tph_regex_walk *walk)
{
    return tph_str_slice(walk->text, walk->match.spans[0].from, walk->match.spans[0].to);
}

static int find(struct tph_expr_call *call, bool *ret_found, struct tph_str *ret)
{
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    if (compile(call, &regex) < 0) {
        return -1;
    }
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, call->args[1].str);
    int found = next(call, &walk);
    *ret_found = found == 0;
    *ret = found == 0 ? matched(&walk) : TPH_STR_NONE;
    return found < 0 ? -1 : 0;
}

static int fn_match(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool found = false;
    struct tph_str text;
    if (call->function->tag == MAY_PANIC) { /* the one that does not */
        TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        if (tph_regex_compile(call->args[0].str, &regex, &err) < 0 && err.kind != TPH_ERROR_LIMIT) {
            *ret = tph_expr_bool(false);
            return 0;
        }
    }
    if (find(call, &found, &text) < 0) {
        return -1;
    }
    *ret = tph_expr_bool(found);
    return 0;
}

static int fn_find(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    bool found = false;
    struct tph_str text;
    if (find(call, &found, &text) < 0) {
        return -1;
    }
    *ret = tph_expr_str(text);
    return 0;
}

/* At most n, all when it is negative; nil where there is none. */
static int fn_find_all(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    int64_t n = call->args[2].i;
    int found = 0;
    if (compile(call, &regex) < 0) {
        return -1;
    }
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, call->args[1].str);
    while ((n < 0 || b.n < (uint64_t)n) && (found = next(call, &walk)) == 0) {
        if (tph_expr_push(&b, tph_expr_str(matched(&walk))) < 0) {
            return -1;
        }
    }
    if (found < 0) {
        return -1;
    }
    if (b.n == 0) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST_STRING};
        return 0;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

/* The new text is a template ($1, ${name}), or taken literally. */
static int replace(struct tph_expr_call *call, bool literal, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    struct tph_str text = call->args[1].str;
    struct tph_str new = call->args[2].str;
    size_t done = 0;
    int found = 0;
    if (compile(call, &regex) < 0) {
        return -1;
    }
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, text);
    while (!tph_buf_failed(&out) && (found = next(call, &walk)) == 0) {
        (void)tph_buf_put(&out, tph_str_slice(text, done, walk.match.spans[0].from));
        if (literal) {
            (void)tph_buf_put(&out, new);
        } else {
            tph_regex_expand(regex, text, &walk.match, new, &out);
        }
        done = walk.match.spans[0].to;
    }
    (void)tph_buf_put(&out, tph_str_slice(text, done, text.len));
    return found < 0 ? -1 : tph_expr_keep(call->memory, &out, ret);
}

static int fn_replace(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return replace(call, false, ret);
}

static int fn_replace_literal(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return replace(call, true, ret);
}

/* What is between the matches, n texts at most. */
static int fn_split(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    struct tph_str text = call->args[1].str;
    int64_t n = call->args[2].i;
    size_t begin = 0; /* behind the last match */
    size_t end = 0;   /* where the last text ended */
    int found = 0;
    if (compile(call, &regex) < 0) {
        return -1;
    }
    if (n == 0) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST_STRING};
        return 0;
    }
    bool whole = call->args[0].str.len > 0 && text.len == 0; /* an empty text is one, but for the empty pattern */
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, text);
    while (!whole && (n < 0 || b.n + 1 < (uint64_t)n) && (found = next(call, &walk)) == 0) {
        end = walk.match.spans[0].from;
        if (walk.match.spans[0].to != 0 && tph_expr_push(&b, tph_expr_str(tph_str_slice(text, begin, end))) < 0) {
            return -1;
        }
        begin = walk.match.spans[0].to;
    }
    if (found < 0 ||
        ((whole || end != text.len) && tph_expr_push(&b, tph_expr_str(tph_str_slice(text, begin, text.len))) < 0)) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

static int fn_quote_meta(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    for (size_t i = 0; i < text.len; i++) {
        if (tph_str_find_byte(TPH_STR("\\.+*?()|[]{}^$"), text.p[i]) >= 0) {
            (void)tph_buf_putc(&out, '\\');
        }
        (void)tph_buf_putc(&out, text.p[i]);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

#define ROW(text, function, letters, type, number)                                                   \
    {                                                                                                \
        .name = (text), .native = (function), .params = (letters), .result = (type), .tag = (number) \
    }

const struct tph_expr_function expr_sprig_regex[] = {
    ROW("regexMatch", fn_match, "ss", TPH_EXPR_BOOL, MAY_PANIC),
    ROW("mustRegexMatch", fn_match, "ss", TPH_EXPR_BOOL, MUST),
    ROW("regexFind", fn_find, "ss", TPH_EXPR_STRING, MAY_PANIC),
    ROW("mustRegexFind", fn_find, "ss", TPH_EXPR_STRING, MUST),
    ROW("regexFindAll", fn_find_all, "ssi", TPH_EXPR_LIST_STRING, MAY_PANIC),
    ROW("mustRegexFindAll", fn_find_all, "ssi", TPH_EXPR_LIST_STRING, MUST),
    ROW("regexReplaceAll", fn_replace, "sss", TPH_EXPR_STRING, MAY_PANIC),
    ROW("mustRegexReplaceAll", fn_replace, "sss", TPH_EXPR_STRING, MUST),
    ROW("regexReplaceAllLiteral", fn_replace_literal, "sss", TPH_EXPR_STRING, MAY_PANIC),
    ROW("mustRegexReplaceAllLiteral", fn_replace_literal, "sss", TPH_EXPR_STRING, MUST),
    ROW("regexSplit", fn_split, "ssi", TPH_EXPR_LIST_STRING, MAY_PANIC),
    ROW("mustRegexSplit", fn_split, "ssi", TPH_EXPR_LIST_STRING, MUST),
    ROW("regexQuoteMeta", fn_quote_meta, "s", TPH_EXPR_STRING, 0),
    {.name = NULL},
};
