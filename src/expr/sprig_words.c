/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: case, words, lines, abbreviations. Some of these count and copy bytes where others read characters: as in Go.
 */
#include "base/utf8.h"
#include "data/unicode.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

/* Letters, digits and _ are parts of words; of what else is not ASCII only white space is none. */
static bool is_separator(uint32_t rune)
{
    if (tph_unicode_is_letter(rune) || tph_unicode_is_digit(rune) || rune == '_') {
        return false;
    }
    return rune < 0x80 || tph_unicode_is_space(rune);
}

/* Character by character, with the one before, which begins as a blank. */
enum { TITLE, UNTITLE, SWAP };

static uint32_t change(int how, uint32_t rune, bool *at_word)
{
    bool first = *at_word;
    switch (how) {
    case TITLE:
        *at_word = is_separator(rune);
        return first ? tph_unicode_to_title(rune) : rune;
    case UNTITLE:
        *at_word = tph_unicode_is_space(rune);
        return first && !*at_word ? tph_unicode_to_lower(rune) : rune;
    default:
        break;
    }
    if (tph_unicode_is_upper(rune) || tph_unicode_is_title(rune)) {
        *at_word = false;
        return tph_unicode_to_lower(rune);
    }
    if (tph_unicode_is_lower(rune)) {
        *at_word = false;
        return first ? tph_unicode_to_title(rune) : tph_unicode_to_upper(rune);
    }
    *at_word = tph_unicode_is_space(rune);
    return rune;
}

static int fn_upper(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    tph_unicode_put_upper(call->args[0].str, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_lower(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    tph_unicode_put_lower(call->args[0].str, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_case(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    bool at_word = true;
    for (size_t at = 0; at < text.len && !tph_buf_failed(&out);) {
        uint32_t rune = 0;
        at += tph_utf8_decode(tph_str_slice(text, at, text.len), &rune);
        (void)tph_utf8_encode(&out, change(call->function->tag, rune, &at_word));
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* Bytes are taken for characters here: what is not ASCII comes out as Latin 1. */
static int fn_initials(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    bool at_word = true;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        bool blank = tph_unicode_is_space(byte);
        if (!blank && at_word) {
            (void)tph_utf8_encode(&out, byte);
        }
        at_word = blank;
    }
    return tph_expr_keep(call->memory, &out, ret);
}

static int fn_nospace(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    bool changed = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        if (tph_unicode_is_space(byte)) {
            changed = true;
        } else {
            (void)tph_utf8_encode(&out, byte);
        }
    }
    if (!changed) { /* then also what is not ASCII stays as it is */
        *ret = call->args[0];
        return 0;
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* Lines of at most `width` bytes, broken at blanks; words that are longer are broken too where long_words says so. */
static void wrap(struct tph_str text, size_t width, struct tph_str line_break, bool long_words, struct tph_buf *out)
{
    while (text.len > width && !tph_buf_failed(out)) {
        if (text.p[0] == ' ') {
            text = tph_str_slice(text, 1, text.len);
            continue;
        }
        size_t end = width + 1; /* behind the last blank that still may end the line */
        while (end > 0 && text.p[end - 1] != ' ') {
            end--;
        }
        size_t next = end;
        if (end > 0) {
            end--;
        } else if (long_words) {
            end = next = width;
        } else {
            ptrdiff_t blank = tph_str_find_byte(tph_str_slice(text, width, text.len), ' ');
            if (blank < 0) {
                break;
            }
            end = width + (size_t)blank;
            next = end + 1;
        }
        (void)tph_buf_append(out, text.p, end);
        (void)tph_buf_put(out, line_break);
        text = tph_str_slice(text, next, text.len);
    }
    (void)tph_buf_put(out, text);
}

/* wrapWith (tag 1) is told what a line ends with, and breaks long words. */
static int fn_wrap(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    bool with = call->function->tag;
    int64_t width = call->args[0].i;
    struct tph_str line_break = with && call->args[1].str.len > 0 ? call->args[1].str : TPH_STR("\n");
    wrap(call->args[with ? 2 : 1].str, width < 1 ? 1 : (size_t)width, line_break, with, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

/* At most `width` bytes, of which three are points where something is left out: at the end, and at the start when the
 * text that is asked for begins at an offset. width is not less than 4, with an offset not less than 7. */
static void abbreviate(struct tph_str text, int64_t offset, size_t width, struct tph_buf *out)
{
    static const size_t points = 3;
    if (text.len <= width) {
        (void)tph_buf_put(out, text);
        return;
    }
    size_t left = text.len - (width - points); /* an offset beyond this would show less than fits */
    size_t from = offset < 0 ? 0 : (uint64_t)offset > left ? left : (size_t)offset;
    if (from <= 4) {
        (void)tph_buf_append(out, text.p, width - points);
        (void)tph_buf_puts(out, "...");
        return;
    }
    (void)tph_buf_puts(out, "...");
    if (from + width - points < text.len) {
        (void)tph_buf_append(out, text.p + from, width - 2 * points);
        (void)tph_buf_puts(out, "...");
    } else {
        (void)tph_buf_put(out, tph_str_slice(text, left, text.len));
    }
}

/* abbrevboth (tag 1) has an offset first. */
static int fn_abbrev(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    bool both = call->function->tag;
    int64_t offset = both ? call->args[0].i : 0;
    int64_t width = call->args[both ? 1 : 0].i;
    const struct tph_expr_value *text = &call->args[both ? 2 : 1];
    if (width < 4 || (offset > 0 && width < 7)) {
        *ret = *text;
        return 0;
    }
    abbreviate(text->str, offset, (size_t)width, &out);
    return tph_expr_keep(call->memory, &out, ret);
}

static bool is_connector(uint32_t rune)
{
    return rune == '-' || rune == '_' || tph_unicode_is_space(rune);
}

/* PascalCase: connectors go, the letter behind one becomes upper, more upper ones behind that become lower. Connectors
 * at the start, and all but the last of several, stay; a text of nothing else gets its last one twice. */
static int fn_camelcase(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_str text = call->args[0].str;
    uint32_t held = 0; /* the character before, which is written when the next one is known */
    bool leading = true;
    bool lowering = false;
    for (size_t at = 0; at < text.len && !tph_buf_failed(&out);) {
        uint32_t rune = 0;
        at += tph_utf8_decode(tph_str_slice(text, at, text.len), &rune);
        if (leading && is_connector(rune)) {
            (void)tph_utf8_encode(&out, rune);
        } else if (leading || (is_connector(held) && !is_connector(rune))) {
            lowering = tph_unicode_is_upper(rune);
            rune = tph_unicode_to_upper(rune);
            leading = false;
        } else {
            (void)tph_utf8_encode(&out, held);
            lowering = lowering && tph_unicode_is_upper(rune);
            rune = lowering ? tph_unicode_to_lower(rune) : rune;
        }
        held = rune;
    }
    if (text.len > 0) {
        (void)tph_utf8_encode(&out, held);
    }
    return tph_expr_keep(call->memory, &out, ret);
}

/* snakecase and kebabcase cut a text into words of one kind each. */
enum word_kind { NO_WORD, NUMBER, CAPITALS, LETTERS, CONNECTORS, PUNCTUATION, OTHER };

struct words {
    struct tph_str rest; /* behind the word */
    struct tph_str word;
    enum word_kind kind;
    char connector; /* what comes between the words of the result */
    struct tph_buf out;
};

/* Letters of scripts that write words with them; the common ideographs are none. */
static bool is_alphabetic(uint32_t rune)
{
    if (rune >= 0x3400 && ((rune >= 0x4e00 && rune <= 0x9fcc) || (rune >= 0x3400 && rune <= 0x4d85) ||
                           (rune >= 0x20000 && rune <= 0x2b81d))) {
        return false;
    }
    return tph_unicode_is_letter(rune);
}

/* The next character that is one, and the length with the bad bytes before it. Only bad bytes: the kind of the
 * character before goes on. */
static size_t next_rune(struct tph_str text, uint32_t before, uint32_t *ret)
{
    size_t at = 0;
    while (at < text.len) {
        uint32_t rune = 0;
        at += tph_utf8_decode(tph_str_slice(text, at, text.len), &rune);
        if (rune != 0xfffd) {
            *ret = rune;
            return at;
        }
    }
    *ret = before;
    return at;
}

static enum word_kind kind_of(uint32_t rune)
{
    if (rune == 0xfffd) {
        return NO_WORD;
    }
    if (is_connector(rune)) {
        return CONNECTORS;
    }
    if (tph_unicode_is_punct(rune)) {
        return PUNCTUATION;
    }
    if (tph_unicode_is_upper(rune)) {
        return CAPITALS;
    }
    return is_alphabetic(rune) ? LETTERS : tph_unicode_is_number(rune) ? NUMBER : OTHER;
}

static bool goes_on(enum word_kind kind, uint32_t rune)
{
    switch (kind) {
    case CONNECTORS:
        return is_connector(rune);
    case PUNCTUATION:
        return tph_unicode_is_punct(rune);
    case LETTERS:
        return is_alphabetic(rune) && !tph_unicode_is_upper(rune);
    case NUMBER:
        return tph_unicode_is_number(rune);
    case CAPITALS:
        return tph_unicode_is_upper(rune);
    default:
        return !is_connector(rune) && !is_alphabetic(rune) && !tph_unicode_is_number(rune) &&
               !tph_unicode_is_punct(rune);
    }
}

/* Goes on from `at` as long as it is of the kind. *ret_last: the length of the last character, *ret_rune: the one
 * behind, or the last where there is none. */
static size_t run_of(enum word_kind kind, struct tph_str text, size_t at, size_t *ret_last, uint32_t *ret_rune)
{
    while (at < text.len) {
        size_t n = next_rune(tph_str_slice(text, at, text.len), *ret_rune, ret_rune);
        if (!goes_on(kind, *ret_rune)) {
            break;
        }
        *ret_last = n;
        at += n;
    }
    return at;
}

static void take_word(struct words *w)
{
    struct tph_str text = w->rest;
    uint32_t rune = 0xfffd;
    size_t end = next_rune(text, rune, &rune);
    size_t last = 0;
    w->kind = kind_of(rune);
    if (w->kind == CAPITALS && end < text.len) {
        uint32_t second = rune;
        (void)next_rune(tph_str_slice(text, end, text.len), rune, &second);
        if (tph_unicode_is_upper(second)) {
            end = run_of(CAPITALS, text, end, &last, &rune);
            end -= end < text.len && is_alphabetic(rune) ? last : 0; /* "HTTPServer": the S belongs to the next word */
        } else {
            end = run_of(LETTERS, text, end, &last, &rune);
        }
    } else if (w->kind != NO_WORD) {
        end = run_of(w->kind, text, end, &last, &rune);
    }
    w->word = tph_str_slice(text, 0, end);
    w->rest = tph_str_slice(text, end, text.len);
}

static void put_word(struct words *w, enum word_kind kind, struct tph_str word)
{
    if (kind != CAPITALS && kind != CONNECTORS) {
        (void)tph_buf_put(&w->out, word);
        return;
    }
    for (size_t at = 0; at < word.len;) {
        uint32_t rune = 0;
        at += tph_utf8_decode(tph_str_slice(word, at, word.len), &rune);
        (void)tph_utf8_encode(&w->out, is_connector(rune)           ? (uint32_t)w->connector
                                       : tph_unicode_is_upper(rune) ? tph_unicode_to_lower(rune)
                                                                    : rune);
    }
}

/* Before the word that comes, unless there is something between already. */
static void put_connector(struct words *w)
{
    if (w->kind != CONNECTORS && w->kind != PUNCTUATION) {
        (void)tph_buf_putc(&w->out, w->connector);
    }
}

/* Letters and numbers behind a number belong to it: "2m3s". */
static void put_behind_number(struct words *w)
{
    while (w->kind == LETTERS || w->kind == NUMBER) {
        put_word(w, w->kind, w->word);
        take_word(w);
    }
    if (w->kind != NO_WORD) {
        put_connector(w);
    }
}

/* A number behind a word is part of it ("bld4_floor"), unless letters follow, which then belong to the number
 * ("http_2xx"). */
static void put_number(struct words *w)
{
    struct tph_str number = w->word;
    if (w->rest.len == 0) {
        return;
    }
    take_word(w);
    if (w->kind == LETTERS) {
        (void)tph_buf_putc(&w->out, w->connector);
        put_word(w, NUMBER, number);
        put_behind_number(w);
    } else {
        put_word(w, NUMBER, number);
        put_connector(w);
    }
}

/* tag: the connector */
static int fn_snakecase(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct words w = {.rest = call->args[0].str, .connector = (char)call->function->tag, .out = EXPR_SPRIG_BUF(call)};
    take_word(&w);
    while (w.rest.len > 0 && !tph_buf_failed(&w.out)) {
        enum word_kind kind = w.kind;
        put_word(&w, kind, w.word);
        take_word(&w);
        if (kind == NUMBER) {
            put_behind_number(&w);
        } else if (kind != CONNECTORS && kind != PUNCTUATION && w.kind == NUMBER) {
            put_number(&w);
        } else if (kind != CONNECTORS && kind != PUNCTUATION) {
            put_connector(&w);
        }
    }
    put_word(&w, w.kind, w.word);
    int result = tph_expr_keep(call->memory, &w.out, ret);
    tph_buf_release(&w.out);
    return result;
}

#define TEXT(function, text, letters, number)                                                                 \
    {                                                                                                         \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_STRING, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_words[] = {
    TEXT(fn_upper, "upper", "s", 0),
    TEXT(fn_lower, "lower", "s", 0),
    TEXT(fn_case, "title", "s", TITLE),
    TEXT(fn_case, "untitle", "s", UNTITLE),
    TEXT(fn_case, "swapcase", "s", SWAP),
    TEXT(fn_initials, "initials", "s", 0),
    TEXT(fn_nospace, "nospace", "s", 0),
    TEXT(fn_wrap, "wrap", "is", 0),
    TEXT(fn_wrap, "wrapWith", "iss", 1),
    TEXT(fn_abbrev, "abbrev", "is", 0),
    TEXT(fn_abbrev, "abbrevboth", "iis", 1),
    TEXT(fn_camelcase, "camelcase", "s", 0),
    TEXT(fn_snakecase, "snakecase", "s", '_'),
    TEXT(fn_snakecase, "kebabcase", "s", '-'),
    {.name = NULL},
};
