/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the logic, as the expression language has them; a hyphen is an underscore. */
#include <string.h>

#include "base/utf8.h"
#include "engine/depends_internal.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' || c == '$';
}

static bool at_any(struct tph_str logic, size_t at, const char *set)
{
    return at < logic.len && logic.p[at] != '\0' && strchr(set, logic.p[at]) != NULL;
}

static struct depends_token fault(size_t at, const char *what)
{
    return (struct depends_token){.kind = TOKEN_FAULT, .text = tph_str(what), .at = at};
}

/* Digits, underscores, a fraction, an exponent; letters right behind it are a mistake. */
static struct depends_token number(struct tph_str logic, size_t *at, struct tph_arena *arena)
{
    size_t begin = *at;
    size_t end = begin;
    while (at_any(logic, end, "0123456789_-")) {
        end++;
    }
    if (at_any(logic, end, ".") && !at_any(logic, end + 1, ".")) {
        end++;
        while (at_any(logic, end, "0123456789_-")) {
            end++;
        }
    }
    if (at_any(logic, end, "eE")) {
        end++;
        while (at_any(logic, end, "0123456789_-")) {
            end++;
        }
    }
    if (end < logic.len && is_name(logic.p[end])) {
        char *what =
            tph_arena_format(arena, "bad number syntax: \"%.*s\"", TPH_FMT(tph_str_slice(logic, begin, end + 1)));
        for (char *c = what + strlen("bad number syntax: "); *c; c++) {
            *c = *c == '-' ? '_' : *c;
        }
        return fault(end, what);
    }
    *at = end;
    return (struct depends_token){.kind = TOKEN_NUMBER, .text = tph_str_slice(logic, begin, end), .at = begin};
}

static struct depends_token string(struct tph_str logic, size_t *at)
{
    size_t begin = *at;
    size_t end = begin + 1;
    while (end < logic.len && logic.p[end] != logic.p[begin]) {
        end += logic.p[end] == '\\' && logic.p[begin] != '`' ? 2 : 1;
    }
    if (end >= logic.len) {
        return fault(logic.len, "literal not terminated");
    }
    *at = end + 1;
    return (struct depends_token){.kind = TOKEN_STRING, .text = tph_str_slice(logic, begin + 1, end), .at = begin};
}

static struct depends_token name(struct tph_str logic, size_t *at)
{
    static const char *const operators[] = {"in",         "not",      "and", "or", "matches", "contains",
                                            "startsWith", "endsWith", "let", "if", "else"};
    struct depends_token token = {.kind = TOKEN_IDENTIFIER, .at = *at};
    while (*at < logic.len && is_name(logic.p[*at])) {
        (*at)++;
    }
    token.text = tph_str_slice(logic, token.at, *at);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        token.kind = tph_str_eqz(token.text, operators[i]) ? TOKEN_OPERATOR : token.kind;
    }
    return token;
}

static struct depends_token operator(struct tph_str logic, size_t *at, struct tph_arena *arena)
{
    static const char *const words[] = {"&&", "||", "==", "!=", "<=", ">=", "**", "..", "??", "?.", "&", "|", "!", "?",
                                        "<",  ">",  "*",  ".",  "%",  ",",  ":",  ";",  "+",  "^",  "/", "=", "#"};
    struct tph_str rest = tph_str_slice(logic, *at, logic.len);
    uint32_t rune = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tph_str_has_prefix(rest, tph_str(words[i]))) {
            struct tph_str text = tph_str_slice(rest, 0, strlen(words[i]));
            struct depends_token token = {.kind = TOKEN_OPERATOR, .text = text, .at = *at};
            *at += text.len;
            return token;
        }
    }
    size_t length = tph_utf8_decode(rest, &rune);
    return fault(*at, tph_arena_format(arena, "unrecognized character: U+%04X '%.*s'", (unsigned)rune,
                                       TPH_FMT(tph_str_slice(rest, 0, length))));
}

struct depends_token tph_depends_next(struct tph_str logic, size_t *at, struct tph_arena *arena)
{
    while (at_any(logic, *at, " \t\r\n")) {
        (*at)++;
    }
    if (*at >= logic.len) {
        return (struct depends_token){.kind = TOKEN_END, .at = logic.len};
    }
    if (is_digit(logic.p[*at]) || (logic.p[*at] == '.' && *at + 1 < logic.len && is_digit(logic.p[*at + 1]))) {
        return number(logic, at, arena);
    }
    if (at_any(logic, *at, "'\"`")) {
        return string(logic, at);
    }
    if (is_name(logic.p[*at])) {
        return name(logic, at);
    }
    if (at_any(logic, *at, "()[]{}")) {
        struct depends_token token = {.kind = TOKEN_BRACKET, .text = tph_str_slice(logic, *at, *at + 1), .at = *at};
        (*at)++;
        return token;
    }
    return operator(logic, at, arena);
}
