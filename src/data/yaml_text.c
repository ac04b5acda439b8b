/* SPDX-License-Identifier: Apache-2.0 */
#include "data/yaml_text.h"

#include <string.h>

#include "base/utf8.h"
#include "data/yaml_internal.h"

enum style {
    STYLE_PLAIN,
    STYLE_SINGLE,
    STYLE_DOUBLE,
    STYLE_LITERAL,
};

/* What a text allows. */
struct analysis {
    bool multiline;
    bool plain;
    bool single;
    bool block;
};

/* One character of a text. */
struct character {
    uint32_t rune;
    size_t len;
};

static struct character character_at(struct tph_str text, size_t at)
{
    struct character c = {.rune = (unsigned char)text.p[at], .len = 1};
    if (c.rune < 0x80) {
        return c;
    }
    c.len = tph_utf8_decode(tph_str_slice(text, at, text.len), &c.rune);
    return c;
}

static bool is_break(uint32_t rune)
{
    return rune == '\n' || rune == '\r' || rune == 0x85 || rune == 0x2028 || rune == 0x2029;
}

static bool is_space_at(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] == ' ';
}

/* What go-yaml writes as it is: not beyond U+FFFF, although YAML would allow it. */
static bool is_printable(uint32_t rune)
{
    return rune == '\n' || (rune >= 0x20 && rune <= 0x7e) || (rune >= 0xa0 && rune < 0xd800) ||
           (rune >= 0xe000 && rune < 0xfffe && rune != 0xfeff);
}

static bool ends_word(struct tph_str text, size_t at)
{
    return at >= text.len || text.p[at] == ' ' || text.p[at] == '\t';
}

/* Whether the ASCII character at `at` would be read as a mark of YAML's in block context. */
static bool is_indicator(struct tph_str text, size_t at, bool after_blank)
{
    char c = text.p[at];
    if (at > 0) {
        return (c == ':' && ends_word(text, at + 1)) || (c == '#' && after_blank);
    }
    if (strchr("?:-", c)) {
        return ends_word(text, 1);
    }
    return strchr("#,[]{}&*!|>'\"%@`", c) != NULL;
}

static struct analysis analyse(struct tph_str text)
{
    struct analysis a = {.plain = true, .single = true, .block = true};
    bool document_mark = tph_str_has_prefix(text, TPH_STR("---")) || tph_str_has_prefix(text, TPH_STR("..."));
    bool after_blank = true;
    bool after_space = false;
    bool after_break = false;
    a.plain = !document_mark;
    for (size_t at = 0; at < text.len;) {
        struct character c = character_at(text, at);
        bool space = c.rune == ' ';
        bool line_break = is_break(c.rune);
        bool edge = at == 0 || at + c.len == text.len;
        if (c.rune != '\0' && c.rune < 0x80 && is_indicator(text, at, after_blank)) {
            a.plain = false;
        }
        if (!is_printable(c.rune) || (line_break && after_space)) {
            a.plain = a.single = a.block = false;
        }
        if (space && after_break) {
            a.plain = a.single = false;
        }
        if (space && at + c.len == text.len) {
            a.block = false;
        }
        if (line_break || (space && edge)) {
            a.plain = false;
        }
        a.multiline = a.multiline || line_break;
        after_space = space;
        after_break = line_break;
        after_blank = space || c.rune == '\t' || c.rune == '\0' || line_break;
        at += c.len;
    }
    return a;
}

static bool is_digit(struct tph_str text, size_t at)
{
    return at < text.len && text.p[at] >= '0' && text.p[at] <= '9';
}

/* Where a run of digits and underscores that begins at `at` ends. */
static size_t after_digits(struct tph_str text, size_t at)
{
    while (is_digit(text, at) || (at < text.len && text.p[at] == '_')) {
        at++;
    }
    return at;
}

/* Numbers with colons that YAML 1.1 reads in base 60: [-+]? digit [digits _]* (":" [0-5]? digit)+ ["." [digits _]*].
 * They stay in quotes for older readers. */
static bool is_base60(struct tph_str text)
{
    size_t i = text.len > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
    if (!is_digit(text, i) || tph_str_find_byte(text, ':') < 0) {
        return false;
    }
    i = after_digits(text, i);
    size_t first_colon = i;
    while (i < text.len && text.p[i] == ':' && is_digit(text, i + 1)) {
        bool two = text.p[i + 1] <= '5' && is_digit(text, i + 2);
        i += two ? 3 : 2;
    }
    bool colon = i > first_colon;
    if (i < text.len && text.p[i] == '.') {
        i = after_digits(text, i + 1);
    }
    return colon && i == text.len;
}

/* A text that would be read back as something else than a text needs double quotes. */
static bool reads_as_text(struct tph_str text)
{
    return tph_yaml_resolve(text).meaning == TPH_YAML_STRING && !is_base60(text);
}

static enum style choose(struct tph_str text, const struct analysis *a, unsigned flags)
{
    if (tph_str_find_byte(text, '\n') >= 0) {
        return a->block && !(flags & TPH_YAML_TEXT_KEY) ? STYLE_LITERAL : STYLE_DOUBLE;
    }
    if (!reads_as_text(text)) {
        return STYLE_DOUBLE;
    }
    return a->plain ? STYLE_PLAIN : a->single ? STYLE_SINGLE : STYLE_DOUBLE;
}

bool tph_yaml_is_simple_key(struct tph_str key)
{
    return key.len <= 128 && !analyse(key).multiline;
}

static void put_character(struct tph_yaml_pen *pen, struct tph_str text, size_t at, size_t len)
{
    bool bad = len == 1 && (unsigned char)text.p[at] >= 0x80;
    (void)tph_buf_append(pen->out, bad ? "\xef\xbf\xbd" : text.p + at, bad ? 3 : len);
    pen->column++;
}

/* Where a run of characters that need no look in any style ends, if one begins at `at`. */
static size_t run_end(struct tph_str text, size_t at)
{
    while (at < text.len && text.p[at] > ' ' && text.p[at] < 0x7f && text.p[at] != '\'' && text.p[at] != '"' &&
           text.p[at] != '\\') {
        at++;
    }
    return at;
}

/* Writes the run at `at` and returns its length; 0 when there is none. */
static size_t put_run(struct tph_yaml_pen *pen, struct tph_str text, size_t at)
{
    size_t len = run_end(text, at) - at;
    (void)tph_buf_append(pen->out, text.p + at, len);
    pen->column += (int)len;
    return len;
}

static void put_ascii(struct tph_yaml_pen *pen, char c)
{
    (void)tph_buf_putc(pen->out, c);
    pen->column++;
}

static void put_newline(struct tph_yaml_pen *pen)
{
    (void)tph_buf_putc(pen->out, '\n');
    pen->column = 0;
}

void tph_yaml_pen_indent(struct tph_yaml_pen *pen, int indent)
{
    indent = indent < 0 ? 0 : indent;
    if (!pen->at_indent || pen->column > indent || (pen->column == indent && !pen->at_blank)) {
        put_newline(pen);
    }
    while (pen->column < indent) {
        put_ascii(pen, ' ');
    }
    pen->at_blank = true;
    pen->at_indent = true;
}

void tph_yaml_pen_mark(struct tph_yaml_pen *pen, const char *mark, unsigned flags)
{
    if ((flags & TPH_YAML_MARK_APART) && !pen->at_blank) {
        put_ascii(pen, ' ');
    }
    (void)tph_buf_puts(pen->out, mark);
    pen->column += (int)strlen(mark);
    pen->at_blank = false;
    pen->at_indent = pen->at_indent && (flags & TPH_YAML_MARK_INDENTS);
}

/* A break of the text itself; a line feed in quotes needs one more to be read as one. */
static void put_break(struct tph_yaml_pen *pen, struct tph_str text, size_t at, size_t len)
{
    (void)tph_buf_append(pen->out, text.p + at, len);
    pen->column = 0;
    pen->at_indent = true;
}

/* Plain and single-quoted texts: long ones are broken at single blanks. Line breaks other than \n may be in them. */
static void write_flowing(struct tph_yaml_pen *pen, struct tph_str text, int indent, enum style style, bool may_break)
{
    bool after_space = false;
    bool after_break = false;
    for (size_t at = 0; at < text.len;) {
        struct character c = character_at(text, at);
        bool inside = style == STYLE_PLAIN || (at > 0 && at + 1 < text.len);
        if (c.rune == ' ') {
            if (may_break && inside && !after_space && pen->column > TPH_YAML_WIDTH && !is_space_at(text, at + 1)) {
                tph_yaml_pen_indent(pen, indent);
            } else {
                put_ascii(pen, ' ');
            }
            after_space = true;
        } else if (is_break(c.rune)) {
            put_break(pen, text, at, c.len);
            after_break = true;
        } else {
            if (after_break) {
                tph_yaml_pen_indent(pen, indent);
            }
            if (c.rune == '\'' && style == STYLE_SINGLE) {
                put_ascii(pen, '\'');
            }
            size_t run = put_run(pen, text, at);
            if (run > 0) {
                c.len = run;
            } else {
                put_character(pen, text, at, c.len);
            }
            pen->at_indent = false;
            after_space = after_break = false;
        }
        at += c.len;
    }
}

static void put_escape(struct tph_yaml_pen *pen, uint32_t rune)
{
    static const struct {
        uint32_t rune;
        char letter;
    } letters[] = {
        {0x00, '0'}, {0x07, 'a'}, {0x08, 'b'},  {0x09, 't'}, {0x0a, 'n'}, {0x0b, 'v'},   {0x0c, 'f'},   {0x0d, 'r'},
        {0x1b, 'e'}, {'"', '"'},  {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
    };
    size_t before = pen->out->len;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].rune == rune) {
            put_ascii(pen, '\\');
            put_ascii(pen, letters[i].letter);
            return;
        }
    }
    if (rune <= 0xff) {
        (void)tph_buf_printf(pen->out, "\\x%02X", rune);
    } else if (rune <= 0xffff) {
        (void)tph_buf_printf(pen->out, "\\u%04X", rune);
    } else {
        (void)tph_buf_printf(pen->out, "\\U%08X", rune);
    }
    pen->column += (int)(pen->out->len - before);
}

static void write_double(struct tph_yaml_pen *pen, struct tph_str text, int indent, bool may_break)
{
    bool after_space = false;
    /* go-yaml escapes every character of a text that begins with a byte order mark. */
    bool marked = tph_str_has_prefix(text, TPH_STR("\xef\xbb\xbf"));
    for (size_t at = 0; at < text.len;) {
        struct character c = character_at(text, at);
        bool space = c.rune == ' ';
        if (marked || !is_printable(c.rune) || is_break(c.rune) || c.rune == '"' || c.rune == '\\') {
            put_escape(pen, c.rune);
        } else if (space && may_break && !after_space && pen->column > TPH_YAML_WIDTH && at > 0 && at + 1 < text.len) {
            tph_yaml_pen_indent(pen, indent);
            if (is_space_at(text, at + 1)) {
                put_ascii(pen, '\\'); /* else the blank would be taken for indentation */
            }
        } else {
            put_character(pen, text, at, c.len);
        }
        after_space = space;
        at += c.len;
    }
}

/* After "|": how the text begins and ends, where that is not the usual way. */
static void write_hints(struct tph_yaml_pen *pen, struct tph_str text)
{
    struct character first = character_at(text, 0);
    if (first.rune == ' ' || is_break(first.rune)) {
        tph_yaml_pen_mark(pen, "2", 0);
    }
    bool breaks[2] = {false, false}; /* whether the last character is one, and the one before it */
    size_t n = 0;
    for (size_t end = text.len; end > 0 && n < 2; n++) {
        size_t at = end - 1;
        while (at > 0 && ((unsigned char)text.p[at] & 0xc0) == 0x80) {
            at--;
        }
        breaks[n] = is_break(character_at(text, at).rune);
        end = at;
    }
    if (!breaks[0]) {
        tph_yaml_pen_mark(pen, "-", 0);
    } else if (n == 1 || breaks[1]) {
        tph_yaml_pen_mark(pen, "+", 0);
    }
}

static void write_literal(struct tph_yaml_pen *pen, struct tph_str text, int indent)
{
    tph_yaml_pen_mark(pen, "|", TPH_YAML_MARK_APART);
    write_hints(pen, text);
    put_newline(pen);
    pen->at_indent = true;
    pen->at_blank = true;
    bool after_break = true;
    for (size_t at = 0; at < text.len;) {
        struct character c = character_at(text, at);
        if (is_break(c.rune)) {
            put_break(pen, text, at, c.len);
            after_break = true;
        } else {
            if (after_break) {
                tph_yaml_pen_indent(pen, indent);
            }
            size_t run = put_run(pen, text, at);
            if (run > 0) {
                c.len = run;
            } else {
                put_character(pen, text, at, c.len);
            }
            pen->at_indent = false;
            after_break = false;
        }
        at += c.len;
    }
}

void tph_yaml_write_text(struct tph_yaml_pen *pen, struct tph_str text, int indent, unsigned flags)
{
    struct analysis a = analyse(text);
    bool may_break = !(flags & TPH_YAML_TEXT_KEY);
    int inside = indent < 0 ? TPH_YAML_INDENT : indent + TPH_YAML_INDENT;
    switch (choose(text, &a, flags)) {
    case STYLE_PLAIN:
        tph_yaml_pen_mark(pen, "", TPH_YAML_MARK_APART);
        write_flowing(pen, text, inside, STYLE_PLAIN, may_break);
        break;
    case STYLE_SINGLE:
        tph_yaml_pen_mark(pen, "'", TPH_YAML_MARK_APART);
        write_flowing(pen, text, inside, STYLE_SINGLE, may_break);
        tph_yaml_pen_mark(pen, "'", 0);
        break;
    case STYLE_DOUBLE:
        tph_yaml_pen_mark(pen, "\"", TPH_YAML_MARK_APART);
        write_double(pen, text, inside, may_break);
        tph_yaml_pen_mark(pen, "\"", 0);
        break;
    case STYLE_LITERAL:
        write_literal(pen, text, inside);
        return; /* the next line begins where the text ended */
    }
    pen->at_blank = false;
    pen->at_indent = false;
}
