/* SPDX-License-Identifier: Apache-2.0 */
/* What a literal in quotes stands for. The reader of words let pass more than is allowed here: \400 for one. */
#include <string.h>

#include "base/utf8.h"
#include "expr/internal.h"

struct unquoter {
    struct tph_str rest;
    bool bytes;
    struct tph_buf *out;
    const char *why;
};

static int fail(struct unquoter *u, const char *why)
{
    u->why = why;
    return -1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void skip(struct unquoter *u, size_t n)
{
    u->rest = tph_str_slice(u->rest, n, u->rest.len);
}

/* The text's escapes name characters, those of bytes name bytes. */
static int put(struct unquoter *u, uint32_t value)
{
    if (value > 0x10ffff || (u->bytes && value > 0xff)) {
        return fail(u, "unable to unescape string");
    }
    (void)(u->bytes ? tph_buf_putc(u->out, (char)value) : tph_utf8_encode(u->out, value));
    return 0;
}

static int put_hex(struct unquoter *u, size_t n)
{
    uint32_t value = 0;
    if (u->rest.len < n || n == 0) {
        return fail(u, "unable to unescape string");
    }
    for (size_t i = 0; i < n; i++) {
        int digit = hex_value(u->rest.p[i]);
        if (digit < 0) {
            return fail(u, "unable to unescape string");
        }
        value = value << 4 | (uint32_t)digit;
    }
    skip(u, n);
    return put(u, value);
}

static int put_braces(struct unquoter *u)
{
    skip(u, 1);
    ptrdiff_t end = tph_str_find_byte(u->rest, '}');
    if (end < 0 || end > 6 || put_hex(u, (size_t)end) < 0) {
        return fail(u, "unable to unescape string");
    }
    skip(u, 1);
    return 0;
}

static int put_octal(struct unquoter *u, char first)
{
    uint32_t value = (uint32_t)(first - '0');
    for (size_t i = 0; i < 2; i++) {
        if (i >= u->rest.len || u->rest.p[i] < '0' || u->rest.p[i] > '7') {
            return fail(u, "unable to unescape octal sequence in string");
        }
        value = value * 8 + (uint32_t)(u->rest.p[i] - '0');
    }
    skip(u, 2);
    return put(u, value);
}

static int put_escape(struct unquoter *u)
{
    static const char FROM[] = "abfnrtv\\'\"`?";
    static const char TO[] = "\a\b\f\n\r\t\v\\'\"`?";
    if (u->rest.len == 0) {
        return fail(u, "unable to unescape string, found '\\' as last character");
    }
    char c = u->rest.p[0];
    skip(u, 1);
    const char *simple = c ? strchr(FROM, c) : NULL;
    if (simple) {
        return put(u, (uint32_t)(unsigned char)TO[simple - FROM]);
    }
    if (c == 'x' || c == 'X') {
        return put_hex(u, 2);
    }
    if (c >= '0' && c <= '3') {
        return put_octal(u, c);
    }
    if (u->bytes || (c != 'u' && c != 'U')) {
        return fail(u, "unable to unescape string");
    }
    if (c == 'u' && u->rest.len > 0 && u->rest.p[0] == '{') {
        return put_braces(u);
    }
    return put_hex(u, c == 'u' ? 4 : 8);
}

static int put_all(struct unquoter *u)
{
    while (u->rest.len > 0) {
        char c = u->rest.p[0];
        if (c == '\\') {
            skip(u, 1);
            if (put_escape(u) < 0) {
                return -1;
            }
        } else if (c == '\r') { /* newlines are all spelt alike */
            skip(u, u->rest.len > 1 && u->rest.p[1] == '\n' ? 2 : 1);
            (void)tph_buf_putc(u->out, '\n');
        } else {
            uint32_t rune = 0;
            skip(u, tph_utf8_decode(u->rest, &rune));
            (void)tph_utf8_encode(u->out, rune);
        }
    }
    return 0;
}

int expr_unquote(struct tph_str quoted, bool bytes, struct tph_expr_memory *memory, struct tph_str *ret,
                 const char **why)
{
    struct tph_str inside = tph_str_slice(quoted, 1, quoted.len - 1);
    if (tph_str_find_byte(inside, '\\') < 0 && tph_str_find_byte(inside, '\r') < 0 && tph_utf8_valid(inside)) {
        *ret = inside;
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_EXPR * 4);
    struct unquoter u = {.rest = inside, .bytes = bytes, .out = &out};
    struct tph_expr_value kept = TPH_EXPR_VALUE_NIL;
    if (put_all(&u) < 0) {
        *why = u.why;
        return -1;
    }
    if (tph_expr_keep(memory, &out, &kept) < 0) {
        *why = "too large string";
        return -1;
    }
    *ret = kept.str;
    return 0;
}
