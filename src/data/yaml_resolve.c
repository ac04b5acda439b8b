/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain scalar means: go-yaml v2's rules, which are neither YAML 1.1's nor 1.2's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/number.h"
#include "data/yaml.h"

static const struct {
    const char *text;
    enum tph_yaml_meaning meaning;
} words[] = {
    {"", TPH_YAML_NULL},         {"~", TPH_YAML_NULL},         {"null", TPH_YAML_NULL},
    {"Null", TPH_YAML_NULL},     {"NULL", TPH_YAML_NULL},      {"y", TPH_YAML_TRUE},
    {"Y", TPH_YAML_TRUE},        {"yes", TPH_YAML_TRUE},       {"Yes", TPH_YAML_TRUE},
    {"YES", TPH_YAML_TRUE},      {"true", TPH_YAML_TRUE},      {"True", TPH_YAML_TRUE},
    {"TRUE", TPH_YAML_TRUE},     {"on", TPH_YAML_TRUE},        {"On", TPH_YAML_TRUE},
    {"ON", TPH_YAML_TRUE},       {"n", TPH_YAML_FALSE},        {"N", TPH_YAML_FALSE},
    {"no", TPH_YAML_FALSE},      {"No", TPH_YAML_FALSE},       {"NO", TPH_YAML_FALSE},
    {"false", TPH_YAML_FALSE},   {"False", TPH_YAML_FALSE},    {"FALSE", TPH_YAML_FALSE},
    {"off", TPH_YAML_FALSE},     {"Off", TPH_YAML_FALSE},      {"OFF", TPH_YAML_FALSE},
    {".nan", TPH_YAML_INFINITE}, {".NaN", TPH_YAML_INFINITE},  {".NAN", TPH_YAML_INFINITE},
    {".inf", TPH_YAML_INFINITE}, {".Inf", TPH_YAML_INFINITE},  {".INF", TPH_YAML_INFINITE},
    {"+.inf", TPH_YAML_INFINITE}, {"+.Inf", TPH_YAML_INFINITE}, {"+.INF", TPH_YAML_INFINITE},
    {"-.inf", TPH_YAML_INFINITE}, {"-.Inf", TPH_YAML_INFINITE}, {"-.INF", TPH_YAML_INFINITE},
    {"<<", TPH_YAML_MERGE},
};

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

/* Go's ParseInt and ParseUint with base 0: 0x, 0o, 0b, a leading 0 is octal. */
static bool parse_int(struct tph_str text, struct tph_buf *number)
{
    bool negative = text.len > 0 && text.p[0] == '-';
    bool sign = negative || (text.len > 0 && text.p[0] == '+');
    struct tph_str digits = tph_str_slice(text, sign ? 1 : 0, text.len);
    int base = 10;
    if (digits.len > 1 && digits.p[0] == '0') {
        char mark = (char)(digits.p[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        digits = tph_str_slice(digits, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1, digits.len);
    }
    if (digits.len == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digit_of(digits.p[i]);
        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    if (value > (negative ? UINT64_C(1) << 63 : sign ? (uint64_t)INT64_MAX : UINT64_MAX)) {
        return false;
    }
    (void)tph_buf_printf(number, "%s%llu", negative && value > 0 ? "-" : "", (unsigned long long)value);
    return true;
}

static size_t digits_at(struct tph_str text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && text.p[at + n] >= '0' && text.p[at + n] <= '9') {
        n++;
    }
    return n;
}

/* [-+]? ( .digits | digits [. [digits]] ) ( [eE] [-+]? digits )? */
static bool looks_like_float(struct tph_str text)
{
    size_t at = text.len > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
    size_t whole = digits_at(text, at);
    at += whole;
    if (at < text.len && text.p[at] == '.') {
        size_t fraction = digits_at(text, at + 1);
        if (whole == 0 && fraction == 0) {
            return false;
        }
        at += 1 + fraction;
    } else if (whole == 0) {
        return false;
    }
    if (at < text.len && (text.p[at] == 'e' || text.p[at] == 'E')) {
        at++;
        at += at < text.len && (text.p[at] == '-' || text.p[at] == '+') ? 1 : 0;
        size_t exponent = digits_at(text, at);
        if (exponent == 0) {
            return false;
        }
        at += exponent;
    }
    return at == text.len;
}

enum tph_yaml_meaning tph_yaml_resolve(struct tph_str plain, struct tph_buf *number)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tph_str_eqz(plain, words[i].text)) {
            return words[i].meaning;
        }
    }
    char first = plain.p[0];
    if (!((first >= '0' && first <= '9') || first == '+' || first == '-' || first == '.')) {
        return TPH_YAML_STRING;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf bare = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    for (size_t i = 0; i < plain.len && plain.len < TPH_NUMBER_TEXT; i++) {
        if (plain.p[i] != '_' || first == '.') {
            (void)tph_buf_putc(&bare, plain.p[i]);
        }
    }
    if (first != '.' && parse_int(tph_buf_str(&bare), number)) {
        return TPH_YAML_INT;
    }
    double value = 0;
    if (looks_like_float(tph_buf_str(&bare)) && tph_number_to_double(tph_buf_str(&bare), &value) == 0) {
        tph_number_write_json(value, number);
        return TPH_YAML_FLOAT;
    }
    return TPH_YAML_STRING;
}
