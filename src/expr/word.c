/* SPDX-License-Identifier: Apache-2.0 */
/* Text to words. A fault is told at the character that was read last, or behind the end where there is none. */
#include <string.h>

#include "base/utf8.h"
#include "data/quote.h"
#include "data/unicode.h"
#include "expr/internal.h"

enum { END = -1 };

static bool is_space(int64_t rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xa0 || rune == 0x1680 ||
           (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
           rune == 0x3000;
}

bool expr_is_name_rune(int64_t rune)
{
    return rune == '_' || rune == '$' || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
           (rune >= '0' && rune <= '9') ||
           (rune >= 0x80 && (tph_unicode_is_letter((uint32_t)rune) || tph_unicode_is_digit((uint32_t)rune)));
}

static int64_t peek(const struct expr_reader *r)
{
    uint32_t rune = 0;
    if (r->byte >= r->source.len) {
        return END;
    }
    (void)tph_utf8_decode(tph_str_slice(r->source, r->byte, r->source.len), &rune);
    return rune;
}

static int64_t take(struct expr_reader *r)
{
    uint32_t rune = 0;
    if (r->byte >= r->source.len) {
        r->at_end = true;
        return END;
    }
    r->byte += tph_utf8_decode(tph_str_slice(r->source, r->byte, r->source.len), &rune);
    r->rune++;
    return rune;
}

static bool accept(struct expr_reader *r, const char *any)
{
    int64_t rune = peek(r);
    if (rune <= 0 || rune >= 0x80 || !strchr(any, (int)rune)) {
        return false;
    }
    (void)take(r);
    return true;
}

static void begin_word(struct expr_reader *r)
{
    r->word_byte = r->byte;
    r->word_rune = r->rune;
}

static struct tph_str spelling(const struct expr_reader *r)
{
    return tph_str_slice(r->source, r->word_byte, r->byte);
}

static int fail(struct expr_reader *r, const char *why)
{
    size_t behind = r->rune + (r->at_end ? 1 : 0);
    return expr_problem_set(r->problem, behind > 0 ? behind - 1 : 0, "%s", why);
}

static int give(const struct expr_reader *r, enum expr_word_kind kind, struct tph_str text, struct expr_word *ret)
{
    *ret = (struct expr_word){.kind = kind, .text = text, .at = r->word_rune};
    return 0;
}

static int give_spelt(const struct expr_reader *r, enum expr_word_kind kind, struct expr_word *ret)
{
    return give(r, kind, spelling(r), ret);
}

static int digit_of(int64_t rune)
{
    if (rune >= '0' && rune <= '9') {
        return (int)(rune - '0');
    }
    int64_t lower = rune | 0x20;
    return lower >= 'a' && lower <= 'f' ? (int)(lower - 'a' + 10) : 16;
}

/* `n` digits, the first of which was taken already; the rune behind them in *rune. */
static int take_digits(struct expr_reader *r, int base, int n, int64_t *rune)
{
    for (; n > 0 && *rune != END && digit_of(*rune) < base; n--) {
        *rune = take(r);
    }
    return n > 0 ? fail(r, "invalid char escape") : 0;
}

/* \u{1F642} behind its brace: one to six digits. */
static int take_braces(struct expr_reader *r, int64_t *rune)
{
    int n = 0;
    (void)take(r);
    for (; peek(r) != '}'; n++) {
        if (peek(r) == END || digit_of(peek(r)) >= 16 || n >= 6) {
            return fail(r, "invalid char escape");
        }
        (void)take(r);
    }
    if (n == 0) {
        return fail(r, "invalid char escape");
    }
    (void)take(r);
    *rune = take(r);
    return 0;
}

/* What follows a backslash; the rune behind it in *rune. */
static int take_escape(struct expr_reader *r, int64_t quote, int64_t *rune)
{
    int64_t c = *rune = take(r);
    if (c == quote || (c > 0 && c < 0x80 && strchr("abfnrtv\\", (int)c))) {
        *rune = take(r);
        return 0;
    }
    if (c >= '0' && c <= '7') {
        return take_digits(r, 8, 3, rune);
    }
    if (c == 'u' && peek(r) == '{') {
        return take_braces(r, rune);
    }
    if (c == 'x' || c == 'u' || c == 'U') {
        *rune = take(r);
        return take_digits(r, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8, rune);
    }
    return fail(r, "invalid char escape");
}

/* 'x', "x" and b'x', whose opening quote was taken. */
static int read_quoted(struct expr_reader *r, int64_t quote, bool bytes, struct expr_word *ret)
{
    int64_t rune = take(r);
    while (rune != quote) {
        if (rune == '\n' || rune == END) {
            return fail(r, "literal not terminated");
        }
        if (rune != '\\') {
            rune = take(r);
        } else if (take_escape(r, quote, &rune) < 0) {
            return -1;
        }
    }
    struct tph_str text = TPH_STR_NONE;
    const char *why = NULL;
    if (expr_unquote(tph_str_slice(spelling(r), bytes ? 1 : 0, SIZE_MAX), bytes, r->memory, &text, &why) < 0) {
        return fail(r, why);
    }
    return give(r, bytes ? EXPR_WORD_BYTES : EXPR_WORD_TEXT, text, ret);
}

/* `x`: two quotes stand for one. */
static int read_raw(struct expr_reader *r, struct expr_word *ret)
{
    bool has_quotes = false;
    for (;;) {
        int64_t rune = take(r);
        if (rune == END) {
            return fail(r, "literal not terminated");
        }
        if (rune == '`') {
            if (peek(r) != '`') {
                break;
            }
            (void)take(r);
            has_quotes = true;
        }
    }
    struct tph_str text = spelling(r);
    text = tph_str_slice(text, 1, text.len - 1);
    if (has_quotes) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_EXPR * 4);
        struct tph_expr_value kept = TPH_EXPR_VALUE_NIL;
        struct tph_str part;
        for (bool first = true; tph_str_cut(&text, '`', &part); first = false) {
            (void)tph_buf_puts(&out, first ? "" : "`");
            (void)tph_utf8_repair(&out, part);
            struct tph_str second;
            (void)tph_str_cut(&text, '`', &second); /* the empty part between the two quotes */
        }
        if (tph_expr_keep(r->memory, &out, &kept) < 0) {
            return fail(r, "too large string");
        }
        text = kept.str;
    }
    return give(r, EXPR_WORD_TEXT, text, ret);
}

static int read_number(struct expr_reader *r, struct expr_word *ret)
{
    const char *digits = "0123456789_";
    if (accept(r, "0")) {
        digits = accept(r, "xX")   ? "0123456789abcdefABCDEF_"
                 : accept(r, "oO") ? "01234567_"
                 : accept(r, "bB") ? "01_"
                                   : digits;
    }
    while (accept(r, digits)) {
    }
    size_t byte = r->byte;
    size_t rune = r->rune;
    if (accept(r, ".")) {
        if (peek(r) == '.') { /* 1..2 is a range */
            r->byte = byte;
            r->rune = rune;
            return give_spelt(r, EXPR_WORD_NUMBER, ret);
        }
        while (accept(r, digits)) {
        }
    }
    if (accept(r, "eE")) {
        (void)accept(r, "+-");
        while (accept(r, digits)) {
        }
    }
    if (expr_is_name_rune(peek(r))) {
        (void)take(r);
        TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR * 8);
        (void)tph_buf_puts(&why, "bad number syntax: ");
        tph_quote_go(spelling(r), &why);
        return fail(r, tph_buf_cstr(&why));
    }
    return give_spelt(r, EXPR_WORD_NUMBER, ret);
}

static bool is_one_of(struct tph_str text, const char *const *words)
{
    for (; *words; words++) {
        if (tph_str_eqz(text, *words)) {
            return true;
        }
    }
    return false;
}

/* `not` and what it negates are two words, which only blanks may part. */
static int read_not(struct expr_reader *r, struct expr_word *ret)
{
    static const char *const negated[] = {"in", "matches", "contains", "startsWith", "endsWith", NULL};
    (void)give_spelt(r, EXPR_WORD_OPERATOR, ret);
    while (accept(r, " ")) {
    }
    begin_word(r);
    while (expr_is_name_rune(peek(r))) {
        (void)take(r);
    }
    if (is_one_of(spelling(r), negated)) {
        r->has_ahead = true;
        return give_spelt(r, EXPR_WORD_OPERATOR, &r->ahead);
    }
    r->byte = r->word_byte;
    r->rune = r->word_rune;
    return 0;
}

static int read_name(struct expr_reader *r, struct expr_word *ret)
{
    static const char *const operators[] = {"in",       "or",  "and", "matches", "contains", "startsWith",
                                            "endsWith", "let", "if",  "else",    NULL};
    while (expr_is_name_rune(peek(r))) {
        (void)take(r);
    }
    if (tph_str_eqz(spelling(r), "not")) {
        return read_not(r, ret);
    }
    return give_spelt(r, is_one_of(spelling(r), operators) ? EXPR_WORD_OPERATOR : EXPR_WORD_NAME, ret);
}

/* # and the name that touches it are two words. */
static int read_pointer(struct expr_reader *r, struct expr_word *ret)
{
    (void)accept(r, "#");
    (void)give_spelt(r, EXPR_WORD_OPERATOR, ret);
    begin_word(r);
    while (expr_is_name_rune(peek(r))) {
        (void)take(r);
    }
    if (r->byte > r->word_byte) {
        r->has_ahead = true;
        (void)give_spelt(r, EXPR_WORD_NAME, &r->ahead);
    }
    return 0;
}

/* True when a comment was skipped; the first / was taken. */
static int skip_comment(struct expr_reader *r)
{
    enum { NO_COMMENT, COMMENT };
    if (accept(r, "/")) {
        for (int64_t rune = take(r); rune != END && rune != '\n'; rune = take(r)) {
        }
        r->at_end = false;
        return COMMENT;
    }
    if (!accept(r, "*")) {
        return NO_COMMENT;
    }
    for (;;) {
        int64_t rune = take(r);
        if (rune == END) {
            return fail(r, "unclosed comment");
        }
        if (rune == '*' && accept(r, "/")) {
            return COMMENT;
        }
    }
}

static int unknown(struct expr_reader *r, int64_t rune)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(256);
    (void)tph_buf_printf(&why, "unrecognized character: U+%04llX", (unsigned long long)rune);
    if (tph_unicode_is_printable((uint32_t)rune)) {
        (void)tph_buf_puts(&why, " '");
        (void)tph_utf8_encode(&why, (uint32_t)rune);
        (void)tph_buf_puts(&why, "'");
    }
    return fail(r, tph_buf_cstr(&why));
}

static bool is_any(int64_t rune, const char *any)
{
    return rune > 0 && rune < 0x80 && strchr(any, (int)rune);
}

/* Operators of one or two characters, the first of which was taken. */
static int read_operator(struct expr_reader *r, int64_t rune, struct expr_word *ret)
{
    const char *second = rune == '|'              ? "|"
                         : rune == ':'            ? ":"
                         : rune == '?'            ? ".?"
                         : is_any(rune, "&!=*<>") ? "&=*"
                                                  : "";
    (void)accept(r, second);
    return give_spelt(r, EXPR_WORD_OPERATOR, ret);
}

static int read_dot(struct expr_reader *r, struct expr_word *ret)
{
    if (is_any(peek(r), "0123456789")) {
        return read_number(r, ret); /* which may have a second dot */
    }
    (void)accept(r, ".");
    return give_spelt(r, EXPR_WORD_OPERATOR, ret);
}

static int give_end(struct expr_reader *r, struct expr_word *ret)
{
    *ret = (struct expr_word){.kind = EXPR_WORD_END, .at = r->rune > 0 ? r->rune - 1 : 0};
    return 0;
}

int expr_next_word(struct expr_reader *r, struct expr_word *ret)
{
    if (r->has_ahead) {
        r->has_ahead = false;
        *ret = r->ahead;
        return 0;
    }
    for (;;) {
        begin_word(r);
        int64_t rune = take(r);
        if (rune == END) {
            return give_end(r, ret);
        }
        if (is_space(rune)) {
            continue;
        }
        if (rune == '/') {
            int skipped = skip_comment(r);
            if (skipped < 0) {
                return -1;
            }
            if (skipped) {
                continue;
            }
            return give_spelt(r, EXPR_WORD_OPERATOR, ret);
        }
        if (rune == '\'' || rune == '"') {
            return read_quoted(r, rune, false, ret);
        }
        if (rune == '`') {
            return read_raw(r, ret);
        }
        if ((rune == 'b' || rune == 'B') && (peek(r) == '\'' || peek(r) == '"')) {
            return read_quoted(r, take(r), true, ret);
        }
        if (rune >= '0' && rune <= '9') {
            r->byte = r->word_byte;
            r->rune = r->word_rune;
            return read_number(r, ret);
        }
        if (rune == '#') {
            return read_pointer(r, ret);
        }
        if (rune == '.') {
            return read_dot(r, ret);
        }
        if (is_any(rune, "([{)]}")) {
            return give_spelt(r, EXPR_WORD_BRACKET, ret);
        }
        if (is_any(rune, "?|:,;%+-^&!=*<>")) {
            return read_operator(r, rune, ret);
        }
        return expr_is_name_rune(rune) ? read_name(r, ret) : unknown(r, rune);
    }
}
