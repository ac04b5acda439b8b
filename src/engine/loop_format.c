/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_format.h"

#include <stdbool.h>

#include "base/utf8.h"
#include "data/quote.h"

enum {
    NUMBER_MAX = 1000000, /* Go takes no larger width or precision */
    DIGITS_MAX = 64,      /* of an int64 in base 2 */
};

/* One verb with what stands before it. */
struct verb {
    bool minus;
    bool plus;
    bool sharp;
    bool space;
    bool zero;
    bool has_width;
    bool has_precision;
    bool bad_index;
    int64_t width;
    int64_t precision;
    uint32_t rune;
    struct tph_str text; /* rune as it is written */
};

struct state {
    struct tph_str rest;
    int64_t value;
    size_t argument; /* the next one: 0 is the value, beyond it nothing is left */
    bool reordered;  /* an [n] was seen: arguments left over are no error */
    bool after_index;
    struct tph_buf *out;
};

static bool peek(const struct state *s, char c)
{
    return s->rest.len > 0 && s->rest.p[0] == c;
}

static void skip(struct state *s, size_t n)
{
    s->rest = tph_str_slice(s->rest, n, s->rest.len);
}

static void fill(struct tph_buf *out, int64_t n, char c)
{
    for (int64_t i = 0; i < n && !tph_buf_failed(out); i++) {
        (void)tph_buf_putc(out, c);
    }
}

/* Characters of valid UTF-8. */
static size_t count(struct tph_str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    }
    return n;
}

/* Text, with blanks up to the verb's width, or zeros where those may stand before it. */
static void pad(struct state *s, const struct verb *v, struct tph_str text, bool zeros)
{
    int64_t missing = v->has_width ? v->width - (int64_t)count(text) : 0;
    if (!v->minus) {
        fill(s->out, missing, zeros && v->zero ? '0' : ' ');
    }
    (void)tph_buf_put(s->out, text);
    if (v->minus) {
        fill(s->out, missing, ' ');
    }
}

static unsigned base_of(uint32_t rune)
{
    switch (rune) {
    case 'b':
        return 2;
    case 'o':
    case 'O':
        return 8;
    case 'x':
    case 'X':
        return 16;
    default:
        return 10;
    }
}

static const char *prefix_of(const struct verb *v, unsigned base, bool leading_zero)
{
    if (v->rune == 'O') {
        return "0o";
    }
    if (!v->sharp || v->rune == 'v') { /* %#v writes an int as %d does */
        return "";
    }
    switch (base) {
    case 2:
        return "0b";
    case 8:
        return leading_zero ? "" : "0";
    case 16:
        return v->rune == 'X' ? "0X" : "0x";
    default:
        return "";
    }
}

static void write_integer(struct state *s, const struct verb *v)
{
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    char digits[DIGITS_MAX];
    unsigned base = base_of(v->rune);
    bool negative = s->value < 0;
    bool plus = v->plus && v->rune != 'v';
    uint64_t left = negative ? -(uint64_t)s->value : (uint64_t)s->value;
    int64_t wanted = 1;
    size_t n = 0;
    if (v->has_precision) {
        wanted = v->precision;
    } else if (v->zero && !v->minus && v->has_width) {
        wanted = v->width - (negative || plus || v->space);
    }
    if (v->has_precision && v->precision == 0 && left == 0) {
        fill(s->out, v->has_width ? v->width : 0, ' ');
        return;
    }
    for (; left > 0; left /= base) {
        digits[n++] = (v->rune == 'X' ? upper : lower)[left % base];
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(2 * (size_t)NUMBER_MAX);
    const char *sign = negative ? "-" : plus ? "+" : v->space ? " " : "";
    (void)tph_buf_puts(&text, sign);
    wanted = wanted < 1 ? 1 : wanted;
    (void)tph_buf_puts(&text, prefix_of(v, base, wanted > (int64_t)n));
    fill(&text, wanted - (int64_t)n, '0');
    while (n > 0) {
        (void)tph_buf_putc(&text, digits[--n]);
    }
    pad(s, v, tph_buf_str(&text), false);
}

static uint32_t rune_of(int64_t value)
{
    return value < 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF) ? 0xFFFD : (uint32_t)value;
}

/* 'x', as strconv.QuoteRune; %+q writes what is not ASCII as an escape. */
static void write_quoted(struct state *s, const struct verb *v)
{
    uint32_t rune = rune_of(s->value);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(32);
    (void)tph_buf_puts(&text, "'");
    if (rune == '\'' || rune == '"') {
        (void)tph_buf_puts(&text, rune == '"' ? "\"" : "\\'");
    } else if (v->plus && rune >= 0x80) {
        (void)tph_buf_printf(&text, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
    } else {
        tph_quote_rune(rune, &text);
    }
    (void)tph_buf_puts(&text, "'");
    pad(s, v, tph_buf_str(&text), true);
}

/* U+0041, with a sharp 'A' after it. */
static void write_unicode(struct state *s, const struct verb *v)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(2 * (size_t)NUMBER_MAX);
    int digits = v->has_precision && v->precision > 4 ? (int)v->precision : 4;
    (void)tph_buf_printf(&text, "U+%0*llX", digits, (unsigned long long)s->value);
    if (v->sharp && s->value >= ' ' && s->value <= 0x10FFFF) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(32);
        tph_quote_rune((uint32_t)s->value, &shown);
        if (count(tph_buf_str(&shown)) == 1) { /* printable: it needed no escape */
            (void)tph_buf_printf(&text, " '%.*s'", TPH_FMT(tph_buf_str(&shown)));
        }
    }
    pad(s, v, tph_buf_str(&text), false);
}

static void write_value(struct state *s, const struct verb *v)
{
    switch (v->rune) {
    case 'v':
    case 'd':
    case 'b':
    case 'o':
    case 'O':
    case 'x':
    case 'X':
        write_integer(s, v);
        return;
    case 'T':
        pad(s, v, TPH_STR("int"), true);
        return;
    case 'q':
        write_quoted(s, v);
        return;
    case 'U':
        write_unicode(s, v);
        return;
    case 'c': {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(8);
        (void)tph_utf8_encode(&text, rune_of(s->value));
        pad(s, v, tph_buf_str(&text), true);
        return;
    }
    default: {
        struct verb plain = *v;
        plain.rune = 'v';
        plain.sharp = false;
        (void)tph_buf_printf(s->out, "%%!%.*s(int=", TPH_FMT(v->text));
        write_integer(s, &plain);
        (void)tph_buf_puts(s->out, ")");
        return;
    }
    }
}

/* A number of digits; too large a one spoils the rest of the format, as in Go. */
static bool read_number(struct state *s, int64_t *ret_value)
{
    int64_t value = 0;
    bool found = false;
    while (s->rest.len > 0 && s->rest.p[0] >= '0' && s->rest.p[0] <= '9') {
        if (value > NUMBER_MAX) {
            skip(s, s->rest.len);
            return false;
        }
        value = value * 10 + (s->rest.p[0] - '0');
        found = true;
        skip(s, 1);
    }
    *ret_value = value;
    return found;
}

/* [n]: the argument to take next, from 1. There is one. */
static void read_index(struct state *s, struct verb *v)
{
    int64_t number = 0;
    s->after_index = false;
    if (!peek(s, '[')) {
        return;
    }
    s->reordered = true;
    struct state at = *s;
    skip(&at, 1);
    bool found = read_number(&at, &number) && peek(&at, ']');
    if (found) {
        skip(&at, 1);
        s->rest = at.rest;
    } else {
        struct tph_str end = s->rest;
        while (end.len > 0 && end.p[0] != ']') {
            end = tph_str_slice(end, 1, end.len);
        }
        s->rest = tph_str_slice(end.len > 0 ? end : s->rest, 1, s->rest.len);
    }
    if (found && number == 1) {
        s->argument = 0;
        s->after_index = true;
    } else {
        v->bad_index = true;
        s->after_index = found;
    }
}

/* A width or precision: digits, or * for the next argument. */
static bool read_size(struct state *s, int64_t *ret_value, bool *ret_star)
{
    *ret_star = peek(s, '*');
    if (!*ret_star) {
        return read_number(s, ret_value);
    }
    skip(s, 1);
    s->after_index = false;
    bool usable = s->argument == 0 && s->value >= -NUMBER_MAX && s->value <= NUMBER_MAX;
    *ret_value = usable ? s->value : 0;
    s->argument++;
    return usable;
}

static void read_flags(struct state *s, struct verb *v)
{
    for (; s->rest.len > 0; skip(s, 1)) {
        switch (s->rest.p[0]) {
        case '#':
            v->sharp = true;
            break;
        case '0':
            v->zero = true;
            break;
        case '+':
            v->plus = true;
            break;
        case '-':
            v->minus = true;
            break;
        case ' ':
            v->space = true;
            break;
        default:
            return;
        }
    }
}

static void read_width(struct state *s, struct verb *v)
{
    bool star = false;
    bool after_index = s->after_index;
    v->has_width = read_size(s, &v->width, &star);
    if (star && !v->has_width) {
        (void)tph_buf_puts(s->out, "%!(BADWIDTH)");
    }
    if (v->width < 0) {
        v->width = -v->width;
        v->minus = true;
        v->zero = false;
    }
    v->bad_index = v->bad_index || (!star && after_index && v->has_width); /* %[1]2d */
}

static void read_precision(struct state *s, struct verb *v)
{
    bool star = false;
    if (!peek(s, '.')) {
        return;
    }
    skip(s, 1);
    v->bad_index = v->bad_index || s->after_index; /* %[1].2d */
    read_index(s, v);
    v->has_precision = read_size(s, &v->precision, &star);
    if (star && v->precision < 0) {
        v->precision = 0;
        v->has_precision = false;
    }
    if (star && !v->has_precision) {
        (void)tph_buf_puts(s->out, "%!(BADPREC)");
    } else if (!v->has_precision) {
        v->precision = 0;
        v->has_precision = true;
    }
}

/* What stands after a percent sign. */
static void write_verb(struct state *s)
{
    struct verb v = {0};
    read_flags(s, &v);
    read_index(s, &v);
    read_width(s, &v);
    read_precision(s, &v);
    if (!s->after_index) {
        read_index(s, &v);
    }
    if (s->rest.len == 0) {
        (void)tph_buf_puts(s->out, "%!(NOVERB)");
        return;
    }
    size_t len = tph_utf8_decode(s->rest, &v.rune);
    v.text = tph_str_slice(s->rest, 0, len);
    skip(s, len);
    if (v.rune == '%') {
        (void)tph_buf_putc(s->out, '%');
    } else if (v.bad_index) {
        (void)tph_buf_printf(s->out, "%%!%.*s(BADINDEX)", TPH_FMT(v.text));
    } else if (s->argument > 0) {
        (void)tph_buf_printf(s->out, "%%!%.*s(MISSING)", TPH_FMT(v.text));
    } else {
        write_value(s, &v);
        s->argument++;
    }
}

void tph_loop_format(struct tph_str format, int64_t value, struct tph_buf *out)
{
    struct state s = {.rest = format, .value = value, .out = out};
    while (s.rest.len > 0 && !tph_buf_failed(out)) {
        char c = s.rest.p[0];
        skip(&s, 1);
        if (c == '%') {
            s.after_index = false;
            write_verb(&s);
        } else {
            (void)tph_buf_putc(out, c);
        }
    }
    if (!s.reordered && s.argument == 0) {
        (void)tph_buf_printf(out, "%%!(EXTRA int=%lld)", (long long)value);
    }
}
