/* SPDX-License-Identifier: Apache-2.0 */
/* Text to tokens. The library's reader works on characters with one condition at a time; where it is odd (a backslash
 * escapes in words and symbols too, either quote ends a text, a blank ends a word and is eaten) so is this. */
#include <string.h>

#include "base/utf8.h"
#include "data/number.h"
#include "data/time.h"
#include "data/unicode.h"
#include "when/internal.h"

struct reader {
    const uint32_t *runes;
    size_t n;
    size_t at;
    struct tph_arena *arena;
    struct tph_buf word; /* what read_while read last */
    struct tph_buf *problem;
};

typedef bool condition(uint32_t rune);

bool when_is_space(uint32_t rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xa0 || rune == 0x1680 ||
           (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
           rune == 0x3000;
}

static bool is_numeric(uint32_t rune)
{
    return tph_unicode_is_digit(rune) || rune == '.';
}

static bool is_hex_digit(uint32_t rune)
{
    return tph_unicode_is_digit(rune) || (rune >= 'a' && rune <= 'f') || (rune >= 'A' && rune <= 'F');
}

static bool is_no_quote(uint32_t rune)
{
    return rune != '\'' && rune != '"';
}

static bool is_no_bracket(uint32_t rune)
{
    return rune != ']';
}

static bool is_name(uint32_t rune)
{
    return tph_unicode_is_letter(rune) || tph_unicode_is_digit(rune) || rune == '_' || rune == '.';
}

static bool is_symbol(uint32_t rune)
{
    return !tph_unicode_is_letter(rune) && !tph_unicode_is_digit(rune) && rune != '(' && rune != ')' && rune != '[' &&
           rune != ']' && is_no_quote(rune);
}

/* Reads into word what fulfils the condition. Blanks are part of it, or end it. Returns 1 when something ended it, 0
 * when the text did, -1 when it did so behind a backslash. */
enum blanks { BLANKS_KEEP, BLANKS_END };
static int read_while(struct reader *r, enum blanks blanks, condition *holds)
{
    tph_buf_clear(&r->word);
    while (r->at < r->n) {
        uint32_t rune = r->runes[r->at++];
        if (rune == '\\') {
            if (r->at >= r->n) {
                (void)tph_buf_puts(r->problem, "Unexpected end of expression after a backslash");
                return -1;
            }
            (void)tph_utf8_encode(&r->word, r->runes[r->at++]);
            continue;
        }
        if (blanks == BLANKS_END && when_is_space(rune)) {
            if (r->word.len > 0) {
                return 1;
            }
            continue;
        }
        if (!holds(rune)) {
            r->at--;
            return 1;
        }
        (void)tph_utf8_encode(&r->word, rune);
    }
    return 0;
}

static struct tph_str keep(struct reader *r)
{
    return tph_arena_str(r->arena, tph_buf_str(&r->word));
}

static void set_number(struct reader *r, double number, struct when_token *token)
{
    tph_buf_clear(&r->word);
    tph_number_write_g(number, &r->word);
    *token = (struct when_token){.kind = WHEN_NUMERIC, .number = number, .text = keep(r)};
}

static int read_hex(struct reader *r, struct when_token *token)
{
    r->at += 2;
    if (read_while(r, BLANKS_END, is_hex_digit) < 0) {
        return -1;
    }
    struct tph_str text = tph_buf_str(&r->word);
    uint64_t value = 0;
    bool good = text.len > 0;
    for (size_t i = 0; i < text.len && good; i++) {
        static const char DIGITS[] = "0123456789abcdefABCDEF";
        const char *digit = memchr(DIGITS, text.p[i], sizeof(DIGITS) - 1);
        size_t number = digit ? (size_t)(digit - DIGITS) : 0;
        good = digit && value >> 60 == 0;
        value = value * 16 + (number > 15 ? number - 6 : number);
    }
    if (!good) {
        (void)tph_buf_printf(r->problem, "Unable to parse hex value '%.*s' to uint64\n", TPH_FMT(text));
        return -1;
    }
    set_number(r, (double)value, token);
    return 0;
}

static int read_number(struct reader *r, struct when_token *token)
{
    if (r->runes[r->at] == '0' && r->at + 2 < r->n && r->runes[r->at + 1] == 'x') {
        return read_hex(r, token);
    }
    double number = 0;
    if (read_while(r, BLANKS_END, is_numeric) < 0) {
        return -1;
    }
    if (tph_number_to_double(tph_buf_str(&r->word), &number) < 0) {
        (void)tph_buf_printf(r->problem, "Unable to parse numeric value '%s' to float64\n", tph_buf_cstr(&r->word));
        return -1;
    }
    set_number(r, number, token);
    return 0;
}

/* name.Field: the library looks fields up that begin with a capital. The text of the token is Go's print of the parts.
 */
static int set_accessor(struct reader *r, struct tph_str name, struct when_token *token)
{
    if (name.p[name.len - 1] == '.') {
        (void)tph_buf_printf(r->problem, "Hanging accessor on token '%.*s'", TPH_FMT(name));
        return -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_WHEN + 16);
    struct tph_str rest = name;
    struct tph_str part;
    (void)tph_buf_putc(&text, '[');
    for (bool first = true; tph_str_cut(&rest, '.', &part); first = false) {
        if (!first && part.len > 0 && part.p[0] >= 'a' && part.p[0] <= 'z') {
            (void)tph_buf_printf(r->problem, "Unable to access unexported field '%.*s' in token '%.*s'", TPH_FMT(part),
                                 TPH_FMT(name));
            return -1;
        }
        (void)tph_buf_puts(&text, first ? "" : " ");
        (void)tph_buf_put(&text, part);
    }
    (void)tph_buf_putc(&text, ']');
    *token = (struct when_token){.kind = WHEN_ACCESSOR, .text = tph_arena_str(r->arena, tph_buf_str(&text))};
    return 0;
}

static int read_name(struct reader *r, struct when_token *token)
{
    if (read_while(r, BLANKS_END, is_name) < 0) {
        return -1;
    }
    struct tph_str name = keep(r);
    *token = (struct when_token){.kind = WHEN_VARIABLE, .text = name};
    if (tph_str_eqz(name, "true") || tph_str_eqz(name, "false")) {
        token->kind = WHEN_BOOLEAN;
        token->truth = name.len == 4;
    } else if (tph_str_eqz(name, "in") || tph_str_eqz(name, "IN")) {
        *token = (struct when_token){.kind = WHEN_COMPARATOR, .op = WHEN_OP_IN, .text = TPH_STR("in")};
    } else if (tph_str_find_byte(name, '.') > 0) {
        return set_accessor(r, name, token);
    }
    return 0;
}

static int read_quoted(struct reader *r, struct when_token *token)
{
    int64_t seconds = 0;
    r->at++;
    int ended = read_while(r, BLANKS_KEEP, is_no_quote);
    if (ended < 0) {
        return -1;
    }
    if (!ended) {
        (void)tph_buf_puts(r->problem, "Unclosed string literal");
        return -1;
    }
    r->at++;
    *token = (struct when_token){.kind = WHEN_STRING, .text = keep(r)};
    if (when_read_time(token->text, &seconds)) {
        char text[TPH_TIME_TEXT];
        tph_time_format(seconds * 1000, text);
        text[10] = ' ';
        text[19] = '\0';
        token->kind = WHEN_TIME;
        token->number = (double)seconds;
        token->text = tph_str(tph_arena_format(r->arena, "%s +0000 UTC", text));
    }
    return 0;
}

static int read_brackets(struct reader *r, struct when_token *token)
{
    r->at++;
    int ended = read_while(r, BLANKS_KEEP, is_no_bracket);
    if (ended < 0) {
        return -1;
    }
    if (!ended) {
        (void)tph_buf_puts(r->problem, "Unclosed parameter bracket");
        return -1;
    }
    r->at++;
    *token = (struct when_token){.kind = WHEN_VARIABLE, .text = keep(r)};
    return 0;
}

static const struct {
    const char *text;
    enum when_kind kind;
    enum when_op op;
} symbols[] = {
    /* prefixes first: - is one where one may stand */
    {"-", WHEN_PREFIX, WHEN_OP_NEGATE},        {"!", WHEN_PREFIX, WHEN_OP_INVERT},
    {"~", WHEN_PREFIX, WHEN_OP_BIT_NOT},       {"+", WHEN_MODIFIER, WHEN_OP_PLUS},
    {"-", WHEN_MODIFIER, WHEN_OP_MINUS},       {"*", WHEN_MODIFIER, WHEN_OP_MULTIPLY},
    {"/", WHEN_MODIFIER, WHEN_OP_DIVIDE},      {"%", WHEN_MODIFIER, WHEN_OP_MODULUS},
    {"**", WHEN_MODIFIER, WHEN_OP_EXPONENT},   {"&", WHEN_MODIFIER, WHEN_OP_BIT_AND},
    {"|", WHEN_MODIFIER, WHEN_OP_BIT_OR},      {"^", WHEN_MODIFIER, WHEN_OP_BIT_XOR},
    {">>", WHEN_MODIFIER, WHEN_OP_RSHIFT},     {"<<", WHEN_MODIFIER, WHEN_OP_LSHIFT},
    {"&&", WHEN_LOGICALOP, WHEN_OP_AND},       {"||", WHEN_LOGICALOP, WHEN_OP_OR},
    {"==", WHEN_COMPARATOR, WHEN_OP_EQ},       {"!=", WHEN_COMPARATOR, WHEN_OP_NEQ},
    {">", WHEN_COMPARATOR, WHEN_OP_GT},        {">=", WHEN_COMPARATOR, WHEN_OP_GTE},
    {"<", WHEN_COMPARATOR, WHEN_OP_LT},        {"<=", WHEN_COMPARATOR, WHEN_OP_LTE},
    {"=~", WHEN_COMPARATOR, WHEN_OP_REQ},      {"!~", WHEN_COMPARATOR, WHEN_OP_NREQ},
    {"?", WHEN_TERNARY, WHEN_OP_TERNARY_TRUE}, {":", WHEN_TERNARY, WHEN_OP_TERNARY_FALSE},
    {"??", WHEN_TERNARY, WHEN_OP_COALESCE},
};

static int read_symbol(struct reader *r, enum when_kind before, struct when_token *token)
{
    if (read_while(r, BLANKS_END, is_symbol) < 0) {
        return -1;
    }
    struct tph_str text = keep(r);
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        bool fits = symbols[i].kind != WHEN_PREFIX || when_may_follow(before, WHEN_PREFIX);
        if (fits && tph_str_eqz(text, symbols[i].text)) {
            *token = (struct when_token){.kind = symbols[i].kind, .op = symbols[i].op, .text = text};
            return 0;
        }
    }
    (void)tph_buf_printf(r->problem, "Invalid token: '%.*s'", TPH_FMT(text));
    return -1;
}

static int read_token(struct reader *r, enum when_kind before, struct when_token *token)
{
    uint32_t rune = r->runes[r->at];
    if (is_numeric(rune)) {
        return read_number(r, token);
    }
    if (tph_unicode_is_letter(rune)) {
        return read_name(r, token);
    }
    switch (rune) {
    case ',':
        *token = (struct when_token){.kind = WHEN_SEPARATOR, .op = WHEN_OP_SEPARATE, .text = TPH_STR(",")};
        break;
    case '(': /* parentheses are characters to the library, which prints them as numbers */
        *token = (struct when_token){.kind = WHEN_CLAUSE, .text = TPH_STR("40")};
        break;
    case ')':
        *token = (struct when_token){.kind = WHEN_CLAUSE_CLOSE, .text = TPH_STR("41")};
        break;
    case '[':
        return read_brackets(r, token);
    case '"':
    case '\'':
        return read_quoted(r, token);
    default:
        return read_symbol(r, before, token);
    }
    r->at++;
    return 0;
}

static int read_all(struct reader *r, struct when_tokens *tokens)
{
    enum when_kind before = WHEN_UNKNOWN;
    ptrdiff_t balance = 0;
    while (r->at < r->n) {
        if (when_is_space(r->runes[r->at])) {
            r->at++;
            continue;
        }
        if (tokens->n >= TPH_LIMIT_WHEN_TOKENS) {
            (void)tph_buf_printf(r->problem, "it has more than %d words and symbols", TPH_LIMIT_WHEN_TOKENS);
            return -1;
        }
        struct when_token *token = &tokens->items[tokens->n];
        if (read_token(r, before, token) < 0) {
            return -1;
        }
        balance += (token->kind == WHEN_CLAUSE) - (token->kind == WHEN_CLAUSE_CLOSE);
        before = token->kind;
        tokens->n++;
    }
    if (balance != 0) {
        (void)tph_buf_puts(r->problem, "Unbalanced parenthesis");
        return -1;
    }
    return 0;
}

int when_read_tokens(struct tph_str when, struct tph_arena *arena, struct when_tokens *ret, struct tph_buf *problem)
{
    uint32_t *runes = TPH_ARENA_ARRAY(arena, uint32_t, when.len + 1);
    struct reader r = {.runes = runes, .arena = arena, .word = TPH_BUF_INIT(TPH_LIMIT_WHEN * 4), .problem = problem};
    for (size_t at = 0; at < when.len; r.n++) {
        at += tph_utf8_decode(tph_str_slice(when, at, when.len), &runes[r.n]);
    }
    size_t most = r.n < TPH_LIMIT_WHEN_TOKENS ? r.n : TPH_LIMIT_WHEN_TOKENS;
    *ret = (struct when_tokens){.items = TPH_ARENA_ARRAY(arena, struct when_token, most + 1)};
    int failed = read_all(&r, ret);
    tph_buf_release(&r.word);
    return failed;
}
