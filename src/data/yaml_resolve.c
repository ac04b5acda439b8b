/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain scalar means: go-yaml v2's rules, which are neither YAML 1.1's nor 1.2's. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "data/number.h"
#include "data/yaml_internal.h"

enum { LONGEST_NUMBER = 4096 }; /* a longer scalar is a text: no number needs so many digits */

static const struct {
    const char *text;
    enum tph_yaml_meaning meaning;
} words[] = {
    {"", TPH_YAML_NULL},
    {"~", TPH_YAML_NULL},
    {"null", TPH_YAML_NULL},
    {"Null", TPH_YAML_NULL},
    {"NULL", TPH_YAML_NULL},
    {"y", TPH_YAML_TRUE},
    {"Y", TPH_YAML_TRUE},
    {"yes", TPH_YAML_TRUE},
    {"Yes", TPH_YAML_TRUE},
    {"YES", TPH_YAML_TRUE},
    {"true", TPH_YAML_TRUE},
    {"True", TPH_YAML_TRUE},
    {"TRUE", TPH_YAML_TRUE},
    {"on", TPH_YAML_TRUE},
    {"On", TPH_YAML_TRUE},
    {"ON", TPH_YAML_TRUE},
    {"n", TPH_YAML_FALSE},
    {"N", TPH_YAML_FALSE},
    {"no", TPH_YAML_FALSE},
    {"No", TPH_YAML_FALSE},
    {"NO", TPH_YAML_FALSE},
    {"false", TPH_YAML_FALSE},
    {"False", TPH_YAML_FALSE},
    {"FALSE", TPH_YAML_FALSE},
    {"off", TPH_YAML_FALSE},
    {"Off", TPH_YAML_FALSE},
    {"OFF", TPH_YAML_FALSE},
    {".nan", TPH_YAML_NAN},
    {".NaN", TPH_YAML_NAN},
    {".NAN", TPH_YAML_NAN},
    {".inf", TPH_YAML_INFINITE},
    {".Inf", TPH_YAML_INFINITE},
    {".INF", TPH_YAML_INFINITE},
    {"+.inf", TPH_YAML_INFINITE},
    {"+.Inf", TPH_YAML_INFINITE},
    {"+.INF", TPH_YAML_INFINITE},
    {"-.inf", TPH_YAML_NEGATIVE_INFINITE},
    {"-.Inf", TPH_YAML_NEGATIVE_INFINITE},
    {"-.INF", TPH_YAML_NEGATIVE_INFINITE},
};

enum { LONGEST_WORD = 5 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int digit_of(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

/* A whole number cut into sign, base and digits. */
struct whole {
    struct tph_str digits;
    int base;
    bool sign;
    bool negative;
};

/* go-yaml gives what follows a "0b" to Go's ParseInt, and so takes another sign there. */
static void take_inner_sign(struct tph_str text, struct whole *w)
{
    bool inner = w->digits.len > 1 && (w->digits.p[0] == '-' || w->digits.p[0] == '+');
    if (!w->sign && tph_str_has_prefix(text, TPH_STR("0b")) && inner) {
        w->sign = true;
        w->negative = w->digits.p[0] == '-';
        w->digits = tph_str_slice(w->digits, 1, w->digits.len);
    }
}

/* As Go's ParseInt with base 0: 0x, 0o, 0b; a leading 0 is octal. */
static struct whole cut_whole(struct tph_str text)
{
    struct whole w = {.base = 10, .negative = text.len > 0 && text.p[0] == '-'};
    w.sign = w.negative || (text.len > 0 && text.p[0] == '+');
    w.digits = tph_str_slice(text, w.sign ? 1 : 0, text.len);
    if (w.digits.len > 1 && w.digits.p[0] == '0') {
        char mark = (char)(w.digits.p[1] | 0x20);
        bool marked = mark == 'x' || mark == 'b' || mark == 'o';
        w.base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        w.digits = tph_str_slice(w.digits, marked ? 2 : 1, w.digits.len);
        take_inner_sign(text, &w);
    }
    return w;
}

/* An int64, or a uint64 without sign; anything else is a text, or a float. */
static enum tph_yaml_meaning parse_int(struct tph_str text, char number[24])
{
    struct whole w = cut_whole(text);
    uint64_t value = 0;
    for (size_t i = 0; i < w.digits.len; i++) {
        int digit = digit_of(w.digits.p[i]);
        if (digit >= w.base || __builtin_mul_overflow(value, (uint64_t)w.base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return TPH_YAML_STRING;
        }
    }
    uint64_t most = (UINT64_C(1) << 63) - (w.negative ? 0 : 1);
    if (w.digits.len == 0 || (w.sign && value > most)) {
        return TPH_YAML_STRING;
    }
    (void)snprintf(number, 24, "%s%llu", w.negative && value > 0 ? "-" : "", (unsigned long long)value);
    return value > most ? TPH_YAML_UINT : TPH_YAML_INT;
}

/* A run of n digits at `at`, 1 to most; returns where it ends, or 0. */
static size_t digits_end(struct tph_str text, size_t at, size_t most)
{
    size_t n = 0;
    while (at + n < text.len && n < most && is_digit(text.p[at + n])) {
        n++;
    }
    return n > 0 ? at + n : 0;
}

static int number_between(struct tph_str text, size_t from, size_t to)
{
    int value = 0;
    for (size_t i = from; i < to; i++) {
        value = value * 10 + (text.p[i] - '0');
    }
    return value;
}

/* One or two digits at *at, not above most, and the character `after` behind them (0: none). Moves *at past both. */
static bool take_field(struct tph_str text, size_t *at, int most, char after, int *ret_value)
{
    size_t end = digits_end(text, *at, 2);
    if (end == 0) {
        return false;
    }
    *ret_value = number_between(text, *at, end);
    if (*ret_value > most || (after && (end >= text.len || text.p[end] != after))) {
        return false;
    }
    *at = end + (after ? 1 : 0);
    return true;
}

static bool is_date(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && day >= 1 && day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool is_zone(struct tph_str zone)
{
    if (zone.len == 1) {
        return zone.p[0] == 'Z';
    }
    return zone.len == 6 && (zone.p[0] == '+' || zone.p[0] == '-') && digits_end(zone, 1, 2) == 3 && zone.p[3] == ':' &&
           digits_end(zone, 4, 2) == 6 && number_between(zone, 1, 3) <= 24 && number_between(zone, 4, 6) <= 60;
}

/* YYYY-M-D; YYYY-M-D(T|t)H:M:S[.fraction](Z|+HH:MM); YYYY-M-D H:M:S[.fraction]: the forms that go-yaml takes for a
 * time. */
static bool is_timestamp(struct tph_str text)
{
    int month = 0;
    int day = 0;
    int ignored = 0;
    size_t at = 5;
    if (text.len < 8 || digits_end(text, 0, 4) != 4 || text.p[4] != '-' || !take_field(text, &at, 12, '-', &month) ||
        !take_field(text, &at, 31, 0, &day) || !is_date(number_between(text, 0, 4), month, day)) {
        return false;
    }
    if (at == text.len) {
        return true;
    }
    char mark = text.p[at++];
    if (mark != 'T' && mark != 't' && mark != ' ') {
        return false;
    }
    while (mark == ' ' && at < text.len && text.p[at] == ' ') {
        at++; /* Go skips any run of blanks where its layout has one */
    }
    if (!take_field(text, &at, 23, ':', &ignored) || !take_field(text, &at, 59, ':', &ignored) ||
        !take_field(text, &at, 59, 0, &ignored)) {
        return false;
    }
    if (at + 1 < text.len && (text.p[at] == '.' || text.p[at] == ',') && is_digit(text.p[at + 1])) {
        at = digits_end(text, at + 1, text.len);
    }
    struct tph_str zone = tph_str_slice(text, at, text.len);
    return mark == ' ' ? zone.len == 0 : is_zone(zone);
}

static struct tph_yaml_scalar meaning(enum tph_yaml_meaning what)
{
    return (struct tph_yaml_scalar){.meaning = what};
}

static struct tph_yaml_scalar resolve_number(struct tph_str plain)
{
    struct tph_yaml_scalar found = meaning(TPH_YAML_STRING);
    if (plain.p[0] == '.') {
        found.meaning = tph_number_to_double(plain, &found.value) == 0 ? TPH_YAML_FLOAT : TPH_YAML_STRING;
        return found;
    }
    if (is_timestamp(plain)) {
        return meaning(TPH_YAML_TIMESTAMP);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf bare = TPH_BUF_INIT(LONGEST_NUMBER);
    if (memchr(plain.p, '_', plain.len)) {
        for (size_t i = 0; i < plain.len; i++) {
            if (plain.p[i] != '_') {
                (void)tph_buf_putc(&bare, plain.p[i]);
            }
        }
        plain = tph_buf_str(&bare);
    }
    found.meaning = parse_int(plain, found.number);
    if (found.meaning == TPH_YAML_STRING && tph_number_to_double(plain, &found.value) == 0) {
        found.meaning = TPH_YAML_FLOAT;
    }
    return found;
}

struct tph_yaml_scalar tph_yaml_resolve(struct tph_str plain)
{
    if (plain.len == 0 || (plain.len <= LONGEST_WORD && plain.p[0] && strchr("~nNyYtToOfF.+-", plain.p[0]))) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (tph_str_eqz(plain, words[i].text)) {
                return meaning(words[i].meaning);
            }
        }
    }
    char first = plain.p[0];
    bool candidate = is_digit(first) || first == '+' || first == '-' || first == '.';
    return candidate && plain.len < LONGEST_NUMBER ? resolve_number(plain) : meaning(TPH_YAML_STRING);
}
