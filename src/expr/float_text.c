/* SPDX-License-Identifier: Apache-2.0 */
/* strconv.ParseFloat. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/number.h"
#include "expr/internal.h"

static bool equals_folded(struct tph_str text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++) {
        if (i >= text.len || tolower((unsigned char)text.p[i]) != word[i]) {
            return false;
        }
    }
    return text.len == n;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind 0x: digits with a point, and a binary exponent, which must be there. */
static bool is_hex_float(struct tph_str text)
{
    size_t i = 0;
    size_t digits = 0;
    bool point = false;
    for (; i < text.len && (is_hex(text.p[i]) || (text.p[i] == '.' && !point)); i++) {
        point = point || text.p[i] == '.';
        digits += text.p[i] != '.';
    }
    if (digits == 0 || i >= text.len || (text.p[i] | 0x20) != 'p') {
        return false;
    }
    i++;
    i += i < text.len && (text.p[i] == '+' || text.p[i] == '-');
    size_t from = i;
    while (i < text.len && text.p[i] >= '0' && text.p[i] <= '9') {
        i++;
    }
    return i > from && i == text.len;
}

static enum expr_float_text read_hex_float(struct tph_str text, double *ret)
{
    TPH_CLEANUP(tph_freep) char *copy = tph_str_dup(text);
    double value = strtod(copy, NULL); /* of ASCII digits and a point that is never a comma: no locale is set */
    if (isinf(value)) {
        return EXPR_FLOAT_TOO_LARGE;
    }
    *ret = value;
    return EXPR_FLOAT_READ;
}

static bool is_decimal(struct tph_str text)
{
    size_t i = 0;
    size_t digits = 0;
    bool point = false;
    for (; i < text.len && (isdigit((unsigned char)text.p[i]) || (text.p[i] == '.' && !point)); i++) {
        point = point || text.p[i] == '.';
        digits += text.p[i] != '.';
    }
    if (digits > 0 && i < text.len && (text.p[i] | 0x20) == 'e') {
        i++;
        i += i < text.len && (text.p[i] == '+' || text.p[i] == '-');
        size_t from = i;
        while (i < text.len && isdigit((unsigned char)text.p[i])) {
            i++;
        }
        digits = i > from ? digits : 0;
    }
    return digits > 0 && i == text.len;
}

bool expr_underscores_fit(struct tph_str number)
{
    size_t i = number.len > 0 && (number.p[0] == '+' || number.p[0] == '-');
    char letter = i + 1 < number.len && number.p[i] == '0' ? (char)(number.p[i + 1] | 0x20) : '\0';
    bool has_prefix = letter == 'x' || letter == 'o' || letter == 'b';
    bool may_follow = has_prefix;
    bool must_digit = false; /* behind an underscore */
    for (i += has_prefix ? 2 : 0; i < number.len; i++) {
        char c = number.p[i];
        bool digit = letter == 'x' ? is_hex(c) : isdigit((unsigned char)c);
        if (c == '_' ? !may_follow : must_digit && !digit) {
            return false;
        }
        must_digit = c == '_';
        may_follow = digit;
    }
    return !must_digit;
}

static enum expr_float_text read_without_underscores(struct tph_str text, double *ret)
{
    TPH_CLEANUP(tph_freep) char *digits = tph_str_dup(text);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        digits[n] = text.p[i];
        n += text.p[i] != '_';
    }
    return expr_read_float((struct tph_str){.p = digits, .len = n}, ret);
}

enum expr_float_text expr_read_float(struct tph_str text, double *ret)
{
    if (tph_str_find_byte(text, '_') >= 0) {
        return expr_underscores_fit(text) ? read_without_underscores(text, ret) : EXPR_FLOAT_NONE;
    }
    bool sign = text.len > 0 && (text.p[0] == '+' || text.p[0] == '-');
    bool minus = sign && text.p[0] == '-';
    struct tph_str size = tph_str_slice(text, sign ? 1 : 0, text.len);
    if (equals_folded(size, "nan") && !sign) {
        *ret = NAN;
        return EXPR_FLOAT_READ;
    }
    if (equals_folded(size, "inf") || equals_folded(size, "infinity")) {
        *ret = minus ? -INFINITY : INFINITY;
        return EXPR_FLOAT_READ;
    }
    if (size.len > 2 && size.p[0] == '0' && (size.p[1] | 0x20) == 'x') {
        return is_hex_float(tph_str_slice(size, 2, size.len)) ? read_hex_float(text, ret) : EXPR_FLOAT_NONE;
    }
    if (!is_decimal(size)) {
        return EXPR_FLOAT_NONE;
    }
    return tph_number_to_double(text, ret) < 0 ? EXPR_FLOAT_TOO_LARGE : EXPR_FLOAT_READ;
}
