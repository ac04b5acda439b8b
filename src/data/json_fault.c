/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a text that is not JSON, in the words of Go's encoding/json, and where.
 *
 * Only texts that were refused come here, so this is written for its messages, not for speed.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "data/json.h"
#include "data/quote.h"

struct checker {
    struct tph_str text;
    size_t at;
    size_t depth;
    char closing[TPH_LIMIT_JSON_DEPTH + 1]; /* of the containers that are open: ] or } */
    struct tph_json_fault *fault;
};

/* The byte here; at the end a blank, as Go's scanner takes it, which ends numbers and spoils literals. */
static unsigned char here(const struct checker *c)
{
    return c->at < c->text.len ? (unsigned char)c->text.p[c->at] : ' ';
}

static bool at_end(const struct checker *c)
{
    return c->at >= c->text.len;
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static enum tph_json_fault_kind fault(struct checker *c, enum tph_json_fault_kind kind)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < c->at && i < c->text.len; i++) {
        bool newline = c->text.p[i] == '\n';
        line += newline ? 1 : 0;
        column = newline ? 1 : column + (((unsigned char)c->text.p[i] & 0xc0) != 0x80 ? 1 : 0);
    }
    c->fault->offset = c->at;
    c->fault->line = line;
    c->fault->column = column;
    return kind;
}

/* "invalid character 'x' <context>" for the byte here. */
static enum tph_json_fault_kind invalid(struct checker *c, const char *context)
{
    char character[24];
    unsigned char byte = here(c);
    if (byte == '\'' || byte == '"') {
        (void)snprintf(character, sizeof(character), "%s%c", byte == '"' ? "" : "\\", byte);
    } else {
        /* Go takes the byte for a character of Latin-1. */
        TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(sizeof(character));
        tph_quote_rune(byte, &quoted);
        (void)snprintf(character, sizeof(character), "%s", tph_buf_cstr(&quoted));
    }
    (void)snprintf(c->fault->text, sizeof(c->fault->text), "invalid character '%s' %s", character, context);
    return fault(c, TPH_JSON_FAULT_SYNTAX);
}

static enum tph_json_fault_kind unexpected_end(struct checker *c)
{
    (void)snprintf(c->fault->text, sizeof(c->fault->text), "unexpected end of JSON input");
    return fault(c, TPH_JSON_FAULT_SYNTAX);
}

static void skip_blanks(struct checker *c)
{
    while (!at_end(c) && strchr(" \t\r\n", here(c)) && here(c) != '\0') {
        c->at++;
    }
}

static enum tph_json_fault_kind check_escape(struct checker *c)
{
    unsigned char byte = here(c);
    if (byte != '\0' && strchr("bfnrt\\/\"", byte)) {
        c->at++;
        return TPH_JSON_FAULT_NONE;
    }
    if (byte != 'u') {
        return invalid(c, "in string escape code");
    }
    c->at++;
    for (int i = 0; i < 4; i++, c->at++) {
        byte = here(c);
        unsigned char lower = byte | 0x20;
        if (!is_digit(byte) && !(lower >= 'a' && lower <= 'f')) {
            return invalid(c, "in \\u hexadecimal character escape");
        }
    }
    return TPH_JSON_FAULT_NONE;
}

static enum tph_json_fault_kind check_string(struct checker *c)
{
    for (c->at++; !at_end(c);) {
        unsigned char byte = here(c);
        if (byte < ' ') {
            return invalid(c, "in string literal");
        }
        c->at++;
        if (byte == '"') {
            return TPH_JSON_FAULT_NONE;
        }
        if (byte == '\\') {
            enum tph_json_fault_kind kind = check_escape(c);
            if (kind != TPH_JSON_FAULT_NONE) {
                return kind;
            }
        }
    }
    return unexpected_end(c);
}

static enum tph_json_fault_kind check_literal(struct checker *c, const char *word)
{
    for (const char *p = word; *p; p++, c->at++) {
        if (here(c) != (unsigned char)*p) {
            char context[48];
            (void)snprintf(context, sizeof(context), "in literal %s (expecting '%c')", word, *p);
            return invalid(c, context);
        }
    }
    return TPH_JSON_FAULT_NONE;
}

static void skip_digits(struct checker *c)
{
    while (is_digit(here(c))) {
        c->at++;
    }
}

static enum tph_json_fault_kind check_number(struct checker *c)
{
    c->at += here(c) == '-' ? 1 : 0;
    if (!is_digit(here(c))) {
        return invalid(c, "in numeric literal");
    }
    if (here(c) == '0') {
        c->at++;
    } else {
        skip_digits(c);
    }
    if (here(c) == '.') {
        c->at++;
        if (!is_digit(here(c))) {
            return invalid(c, "after decimal point in numeric literal");
        }
        skip_digits(c);
    }
    if (here(c) == 'e' || here(c) == 'E') {
        c->at++;
        c->at += here(c) == '+' || here(c) == '-' ? 1 : 0;
        if (!is_digit(here(c))) {
            return invalid(c, "in exponent of numeric literal");
        }
        skip_digits(c);
    }
    return TPH_JSON_FAULT_NONE;
}

/* "key" : up to where the value begins. */
static enum tph_json_fault_kind check_key(struct checker *c)
{
    if (at_end(c)) {
        return unexpected_end(c);
    }
    if (here(c) != '"') {
        return invalid(c, "looking for beginning of object key string");
    }
    enum tph_json_fault_kind kind = check_string(c);
    if (kind != TPH_JSON_FAULT_NONE) {
        return kind;
    }
    skip_blanks(c);
    if (at_end(c)) {
        return unexpected_end(c);
    }
    if (here(c) != ':') {
        return invalid(c, "after object key");
    }
    c->at++;
    skip_blanks(c);
    return TPH_JSON_FAULT_NONE;
}

/* The value here; of a container only its opening, up to its first value. ret_open: that value follows. */
static enum tph_json_fault_kind check_begin(struct checker *c, bool *ret_open)
{
    *ret_open = false;
    if (at_end(c)) {
        return unexpected_end(c);
    }
    unsigned char byte = here(c);
    switch (byte) {
    case '"':
        return check_string(c);
    case 't':
        return check_literal(c, "true");
    case 'f':
        return check_literal(c, "false");
    case 'n':
        return check_literal(c, "null");
    case '{':
    case '[':
        break;
    default: /* a byte, not an enum */
        return byte == '-' || is_digit(byte) ? check_number(c) : invalid(c, "looking for beginning of value");
    }
    if (c->depth == TPH_LIMIT_JSON_DEPTH) {
        return fault(c, TPH_JSON_FAULT_DEPTH);
    }
    char closing = byte == '{' ? '}' : ']';
    c->closing[c->depth++] = closing;
    c->at++;
    skip_blanks(c);
    if (here(c) == (unsigned char)closing) {
        c->at++;
        c->depth--;
        return TPH_JSON_FAULT_NONE;
    }
    *ret_open = true;
    return byte == '{' ? check_key(c) : TPH_JSON_FAULT_NONE;
}

/* After a value: closes what ends here and goes on to the next value, or to the end of the text (depth 0). */
static enum tph_json_fault_kind check_after(struct checker *c)
{
    while (c->depth > 0) {
        char closing = c->closing[c->depth - 1];
        skip_blanks(c);
        if (at_end(c)) {
            return unexpected_end(c);
        }
        if (here(c) == ',') {
            c->at++;
            skip_blanks(c);
            return closing == '}' ? check_key(c) : TPH_JSON_FAULT_NONE;
        }
        if (here(c) != (unsigned char)closing) {
            return invalid(c, closing == '}' ? "after object key:value pair" : "after array element");
        }
        c->at++;
        c->depth--;
    }
    return TPH_JSON_FAULT_NONE;
}

enum tph_json_fault_kind tph_json_check(struct tph_str text, struct tph_json_fault *ret_fault)
{
    struct checker c = {.text = text, .fault = ret_fault};
    *ret_fault = (struct tph_json_fault){.offset = 0};
    skip_blanks(&c);
    do {
        bool open = false;
        enum tph_json_fault_kind kind = check_begin(&c, &open);
        if (kind == TPH_JSON_FAULT_NONE && !open) {
            kind = check_after(&c);
        }
        if (kind != TPH_JSON_FAULT_NONE) {
            return kind;
        }
    } while (c.depth > 0);
    skip_blanks(&c);
    return at_end(&c) ? TPH_JSON_FAULT_NONE : invalid(&c, "after top-level value");
}
