/* SPDX-License-Identifier: Apache-2.0 */
/* A Go pattern, checked by Go's rules and spelt for PCRE2. One pass; groups are counted, not recursed into. */
#include <string.h>

#include "base/utf8.h"
#include "data/regex.h"

struct reader {
    struct tph_str whole;
    struct tph_str rest;
    struct tph_buf *out;
    struct tph_error *err;
    struct tph_str last_repeat; /* from the operator just read; p NULL: the last thing was none */
    bool has_operand;           /* there is something before that can be repeated */
    size_t depth;
};

static int fail(const struct reader *r, const char *what, struct tph_str where)
{
    return tph_error_set(r->err, TPH_ERROR_INVALID, "error parsing regexp: %s: `%.*s`", what, TPH_FMT(where));
}

static void skip(struct reader *r, size_t n)
{
    r->rest = tph_str_slice(r->rest, n, r->rest.len);
}

static char peek(const struct reader *r, size_t at)
{
    return at < r->rest.len ? r->rest.p[at] : '\0';
}

/* What was read between `begin` and now. */
static struct tph_str read_since(const struct reader *r, struct tph_str begin)
{
    return tph_str_slice(begin, 0, begin.len - r->rest.len);
}

static void put_rune(struct reader *r, uint32_t rune)
{
    (void)tph_buf_printf(r->out, "\\x{%x}", rune);
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* One character that stands for itself, in its shortest safe spelling. */
static int put_literal(struct reader *r)
{
    uint32_t rune;
    size_t len = tph_utf8_decode(r->rest, &rune);
    if (rune == 0xfffd && len == 1) {
        return fail(r, "invalid UTF-8", r->rest);
    }
    if (rune < 0x80 && is_word((char)rune)) {
        (void)tph_buf_putc(r->out, (char)rune);
    } else {
        put_rune(r, rune);
    }
    skip(r, len);
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        return (c | 0x20) - 'a' + 10;
    }
    return -1;
}

/* After \x: two digits, or some in braces. */
static int read_hex(struct reader *r, struct tph_str begin, uint32_t *rune)
{
    bool braces = peek(r, 0) == '{';
    size_t max = braces ? 8 : 2;
    size_t n = 0;
    skip(r, braces);
    for (*rune = 0; n < max && hex_digit(peek(r, 0)) >= 0; n++) {
        *rune = *rune * 16 + (uint32_t)hex_digit(peek(r, 0));
        skip(r, 1);
    }
    bool whole = braces ? n > 0 && peek(r, 0) == '}' : n == 2;
    if (!whole || *rune > 0x10ffff) {
        return fail(r, "invalid escape sequence", read_since(r, begin));
    }
    skip(r, braces);
    return 0;
}

/* An escape that stands for one character; r->rest is at the backslash. Returns 0, 1 when it is another kind. */
static int read_char_escape(struct reader *r, uint32_t *rune)
{
    static const char NAMES[] = "afnrtv";
    static const char VALUES[] = "\a\f\n\r\t\v";
    struct tph_str begin = r->rest;
    char c = peek(r, 1);
    const char *simple = c ? strchr(NAMES, c) : NULL;
    if (simple) {
        *rune = (uint32_t)VALUES[simple - NAMES];
        skip(r, 2);
        return 0;
    }
    if (c == 'x') {
        skip(r, 2);
        return read_hex(r, begin, rune);
    }
    if (c == '0' || (c >= '1' && c <= '7' && peek(r, 2) >= '0' && peek(r, 2) <= '7')) {
        skip(r, 1);
        *rune = 0;
        for (int n = 0; n < 3 && peek(r, 0) >= '0' && peek(r, 0) <= '7'; n++) {
            *rune = *rune * 8 + (uint32_t)(peek(r, 0) - '0');
            skip(r, 1);
        }
        return 0;
    }
    if ((unsigned char)c < 0x80 && r->rest.len > 1 && !is_word(c)) {
        *rune = (unsigned char)c;
        skip(r, 2);
        return 0;
    }
    return 1;
}

/* \d \D \s \S \w \W \pL \p{Greek}, inside of brackets or outside. Returns 0, 1 when it is none. */
static int put_class_escape(struct reader *r, const char *open, const char *close)
{
    char c = peek(r, 1);
    switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
        (void)tph_buf_printf(r->out, "\\%c", c);
        break;
    case 's':
        (void)tph_buf_printf(r->out, "%s\\t\\n\\f\\r\\x20%s", open, close);
        break;
    case 'S':
        (void)tph_buf_printf(r->out, "%s\\x00-\\x08\\x0b\\x0e-\\x1f\\x21-\\x{10ffff}%s", open, close);
        break;
    case 'p':
    case 'P': {
        struct tph_str begin = r->rest;
        size_t len = 3;
        if (peek(r, 2) == '{') {
            ptrdiff_t end = tph_str_find_byte(r->rest, '}');
            len = end < 0 ? r->rest.len : (size_t)end + 1;
        }
        struct tph_str text = tph_str_slice(begin, 0, len);
        bool open_end = begin.len < len || (peek(r, 2) == '{' && begin.p[len - 1] != '}');
        if (open_end) {
            return fail(r, "invalid character class range", text);
        }
        (void)tph_buf_put(r->out, text);
        skip(r, len - 2);
        break;
    }
    default:
        return 1;
    }
    skip(r, 2);
    return 0;
}

/* One side of a range in brackets. */
static int read_class_char(struct reader *r, struct tph_str class_begin, uint32_t *rune)
{
    if (r->rest.len == 0) {
        return fail(r, "missing closing ]", class_begin);
    }
    if (peek(r, 0) == '\\') {
        if (r->rest.len == 1) {
            return fail(r, "trailing backslash at end of expression", TPH_STR(""));
        }
        int failed = read_char_escape(r, rune);
        return failed > 0 ? fail(r, "invalid escape sequence", tph_str_slice(r->rest, 0, 2)) : failed;
    }
    size_t len = tph_utf8_decode(r->rest, rune);
    if (*rune == 0xfffd && len == 1) {
        return fail(r, "invalid UTF-8", r->rest);
    }
    skip(r, len);
    return 0;
}

/* [:alpha:] in brackets. Returns 0, 1 when it is none. */
static int put_posix(struct reader *r)
{
    static const char *const NAMES[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "word",  "xdigit"};
    ptrdiff_t end = tph_str_find(tph_str_slice(r->rest, 2, r->rest.len), TPH_STR(":]"));
    if (end < 0) {
        return 1;
    }
    struct tph_str text = tph_str_slice(r->rest, 0, (size_t)end + 4);
    struct tph_str name = tph_str_slice(text, 2, text.len - 2);
    if (tph_str_has_prefix(name, TPH_STR("^"))) {
        name = tph_str_slice(name, 1, name.len);
    }
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (tph_str_eqz(name, NAMES[i])) {
            (void)tph_buf_put(r->out, text);
            skip(r, text.len);
            return 0;
        }
    }
    return fail(r, "invalid character class range", text);
}

/* One member of brackets: a class, a character, or a range. */
static int put_class_item(struct reader *r, struct tph_str class_begin)
{
    if (peek(r, 0) == '[' && peek(r, 1) == ':') {
        int done = put_posix(r);
        if (done <= 0) {
            return done;
        }
    }
    if (peek(r, 0) == '\\') {
        int done = put_class_escape(r, "", "");
        if (done <= 0) {
            return done;
        }
    }
    struct tph_str begin = r->rest;
    uint32_t low = 0;
    if (read_class_char(r, class_begin, &low) < 0) {
        return -1;
    }
    put_rune(r, low);
    if (peek(r, 0) != '-' || r->rest.len < 2 || peek(r, 1) == ']') {
        return 0;
    }
    skip(r, 1);
    uint32_t high = 0;
    if (read_class_char(r, class_begin, &high) < 0) {
        return -1;
    }
    if (high < low) {
        return fail(r, "invalid character class range", read_since(r, begin));
    }
    (void)tph_buf_putc(r->out, '-');
    put_rune(r, high);
    return 0;
}

static int put_class(struct reader *r)
{
    struct tph_str begin = r->rest;
    skip(r, 1);
    (void)tph_buf_putc(r->out, '[');
    if (peek(r, 0) == '^') {
        skip(r, 1);
        (void)tph_buf_putc(r->out, '^');
    }
    for (bool first = true; r->rest.len == 0 || peek(r, 0) != ']' || first; first = false) {
        if (r->rest.len == 0) {
            return fail(r, "missing closing ]", begin);
        }
        /* A dash between two members is an error, but first, last, or before a class that RE2 has as Perl */
        if (peek(r, 0) == '-' && !first && r->rest.len > 1 && peek(r, 1) != ']') {
            uint32_t rune;
            size_t len = tph_utf8_decode(tph_str_slice(r->rest, 1, r->rest.len), &rune);
            return fail(r, "invalid character class range", tph_str_slice(r->rest, 0, 1 + len));
        }
        if (put_class_item(r, begin) < 0) {
            return -1;
        }
    }
    skip(r, 1);
    (void)tph_buf_putc(r->out, ']');
    return 0;
}

/* \Q...\E: all of it stands for itself. */
static int put_quoted(struct reader *r)
{
    skip(r, 2);
    while (r->rest.len > 0 && !tph_str_has_prefix(r->rest, TPH_STR("\\E"))) {
        r->has_operand = true;
        if (put_literal(r) < 0) {
            return -1;
        }
    }
    skip(r, 2);
    return 0;
}

static int put_escape(struct reader *r)
{
    if (r->rest.len == 1) {
        return fail(r, "trailing backslash at end of expression", TPH_STR(""));
    }
    char c = peek(r, 1);
    if (c == 'Q') {
        return put_quoted(r);
    }
    r->has_operand = true;
    if (c == 'A' || c == 'b' || c == 'B' || c == 'z') {
        (void)tph_buf_printf(r->out, "\\%c", c);
        skip(r, 2);
        return 0;
    }
    int done = put_class_escape(r, "[", "]");
    if (done <= 0) {
        return done;
    }
    uint32_t rune = 0;
    done = read_char_escape(r, &rune);
    if (done > 0) {
        return fail(r, "invalid escape sequence", tph_str_slice(r->rest, 0, 2));
    }
    if (done == 0) {
        put_rune(r, rune);
    }
    return done;
}

/* (?P<name> or (?<name>. */
static int put_named_group(struct reader *r, size_t begin)
{
    ptrdiff_t end = tph_str_find_byte(r->rest, '>');
    if (end < 0) {
        return fail(r, "invalid named capture", r->rest);
    }
    struct tph_str text = tph_str_slice(r->rest, 0, (size_t)end + 1);
    struct tph_str name = tph_str_slice(text, begin, text.len - 1);
    bool good = name.len > 0 && name.len <= 32;
    for (size_t i = 0; i < name.len; i++) {
        good = good && is_word(name.p[i]);
    }
    if (!good || (name.p[0] >= '0' && name.p[0] <= '9')) {
        return fail(r, "invalid named capture", text);
    }
    (void)tph_buf_printf(r->out, "(?<%.*s>", TPH_FMT(name));
    skip(r, text.len);
    return 0;
}

/* (?i) sets flags up to the end of the group around, (?i: for a group of their own. */
static int put_flags(struct reader *r)
{
    struct tph_str begin = r->rest;
    bool any = false;
    bool minus = false;
    skip(r, 2);
    for (;;) {
        char c = peek(r, 0);
        if (r->rest.len == 0) {
            return fail(r, "missing closing )", r->whole);
        }
        skip(r, 1);
        if (c == 'i' || c == 'm' || c == 's' || c == 'U') {
            any = true;
        } else if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if ((c == ':' || c == ')') && (!minus || any)) {
            (void)tph_buf_put(r->out, read_since(r, begin));
            r->depth += c == ':';
            r->has_operand = false;
            return 0;
        } else {
            return fail(r, "invalid or unsupported Perl syntax", read_since(r, begin));
        }
    }
}

static int put_open(struct reader *r)
{
    r->has_operand = false;
    if (r->depth >= TPH_LIMIT_REGEX_DEPTH) {
        return fail(r, "expression nests too deeply", r->whole);
    }
    if (peek(r, 1) != '?') {
        r->depth++;
        (void)tph_buf_putc(r->out, '(');
        skip(r, 1);
        return 0;
    }
    bool named = peek(r, 2) == 'P' && peek(r, 3) == '<';
    if (named || peek(r, 2) == '<') {
        r->depth++;
        return put_named_group(r, named ? 4 : 3);
    }
    return put_flags(r);
}

/* Digits after { or ,: at most four, so that it fits; -1 when there is none. */
static int read_count(struct tph_str *rest)
{
    int value = -1;
    while (rest->len > 0 && rest->p[0] >= '0' && rest->p[0] <= '9') {
        value = value > 9999 ? value : (value < 0 ? 0 : value) * 10 + (rest->p[0] - '0');
        *rest = tph_str_slice(*rest, 1, rest->len);
    }
    return value;
}

/* {n}, {n,}, {n,m}. Returns its length, 0 when it is none and stands for itself, or -1. */
static ptrdiff_t measure_count(const struct reader *r)
{
    struct tph_str rest = tph_str_slice(r->rest, 1, r->rest.len);
    int low = read_count(&rest);
    int high = low;
    if (rest.len > 0 && rest.p[0] == ',') {
        rest = tph_str_slice(rest, 1, rest.len);
        high = read_count(&rest);
        high = high < 0 ? low : high;
    }
    if (low < 0 || rest.len == 0 || rest.p[0] != '}') {
        return 0;
    }
    size_t len = r->rest.len - rest.len + 1;
    if (low > 1000 || high > 1000 || high < low) {
        return fail(r, "invalid repeat count", tph_str_slice(r->rest, 0, len));
    }
    return (ptrdiff_t)len;
}

static int put_repeat(struct reader *r, size_t len)
{
    struct tph_str begin = r->rest;
    struct tph_str before = r->last_repeat;
    len += len < r->rest.len && r->rest.p[len] == '?';
    struct tph_str text = tph_str_slice(r->rest, 0, len);
    skip(r, len);
    if (before.p) {
        return fail(r, "invalid nested repetition operator", read_since(r, before));
    }
    if (!r->has_operand) {
        return fail(r, "missing argument to repetition operator", text);
    }
    (void)tph_buf_put(r->out, text);
    r->last_repeat = begin;
    return 0;
}

static int put_next(struct reader *r)
{
    char c = peek(r, 0);
    ptrdiff_t len = 1;
    switch (c) {
    case '(':
        return put_open(r);
    case '[':
        r->has_operand = true;
        return put_class(r);
    case '\\':
        return put_escape(r);
    case ')':
        if (r->depth == 0) {
            return fail(r, "unexpected )", r->whole);
        }
        r->depth--;
        r->has_operand = true;
        break;
    case '|':
        r->has_operand = false;
        break;
    case '^':
    case '$':
    case '.':
        r->has_operand = true;
        break;
    case '{':
        len = measure_count(r);
        if (len <= 0) {
            r->has_operand = true;
            return len < 0 ? -1 : put_literal(r);
        }
        return put_repeat(r, (size_t)len);
    case '*':
    case '+':
    case '?':
        return put_repeat(r, 1);
    default:
        r->has_operand = true;
        return put_literal(r);
    }
    (void)tph_buf_putc(r->out, c);
    skip(r, 1);
    return 0;
}

int tph_regex_translate(struct tph_str pattern, struct tph_buf *out, struct tph_error *err)
{
    struct reader r = {.whole = pattern, .rest = pattern, .out = out, .err = err};
    while (r.rest.len > 0) {
        struct tph_str repeat = r.last_repeat;
        if (put_next(&r) < 0) {
            return -1;
        }
        if (r.last_repeat.p == repeat.p) {
            r.last_repeat = TPH_STR_NONE; /* this was no operator */
        }
    }
    if (r.depth > 0) {
        return fail(&r, "missing closing )", pattern);
    }
    if (tph_buf_failed(out)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "error parsing regexp: expression too large");
    }
    return 0;
}
