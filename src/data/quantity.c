/* SPDX-License-Identifier: Apache-2.0 */
#include "data/quantity.h"

#include <stdbool.h>

static const struct {
    const char *suffix;
    int binary;  /* power of two */
    int decimal; /* power of ten */
} suffixes[] = {
    {"", 0, 0},    {"n", 0, -9},  {"u", 0, -6},  {"m", 0, -3},  {"k", 0, 3},   {"M", 0, 6},   {"G", 0, 9},
    {"T", 0, 12},  {"P", 0, 15},  {"E", 0, 18},  {"Ki", 10, 0}, {"Mi", 20, 0}, {"Gi", 30, 0}, {"Ti", 40, 0},
    {"Pi", 50, 0}, {"Ei", 60, 0},
};

static int refuse(struct tph_error *err)
{
    return tph_error_set(err, TPH_ERROR_INVALID,
                         "quantities must match the regular expression "
                         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

static bool find_suffix(struct tph_str text, int *ret_binary, int *ret_decimal)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (tph_str_eqz(text, suffixes[i].suffix)) {
            *ret_binary = suffixes[i].binary;
            *ret_decimal = suffixes[i].decimal;
            return true;
        }
    }
    int64_t exponent = 0;
    if (text.len < 2 || (text.p[0] | 0x20) != 'e') {
        return false;
    }
    struct tph_str digits = tph_str_slice(text, text.p[1] == '+' ? 2 : 1, text.len);
    if (tph_str_to_i64(digits, &exponent) < 0 || exponent > 1000 || exponent < -1000) {
        return false;
    }
    *ret_binary = 0;
    *ret_decimal = (int)exponent;
    return true;
}

/* digits x 2^binary x 10^decimal, rounded away from zero, capped. */
static int64_t scale(unsigned __int128 digits, int binary, int decimal, bool negative)
{
    const unsigned __int128 cap = (unsigned __int128)INT64_MAX;
    const unsigned __int128 room = ~(unsigned __int128)0 / 10;
    bool more = false;
    bool huge = false;
    for (; binary > 0 && !huge; binary--) {
        huge = digits > room;
        digits = huge ? digits : digits * 2;
    }
    for (; decimal > 0 && digits > 0 && !huge; decimal--) {
        huge = digits > room;
        digits = huge ? digits : digits * 10;
    }
    for (; decimal < 0 && digits > 0; decimal++) {
        more = more || digits % 10 != 0;
        digits /= 10;
    }
    /* Rounding is up, away from zero, for both signs. */
    digits += more ? 1 : 0;
    if (huge || digits > cap) {
        digits = cap;
    }
    return negative ? -(int64_t)digits : (int64_t)digits;
}

int tph_quantity_parse(struct tph_str text, int64_t *ret_value, int64_t *ret_milli, struct tph_error *err)
{
    size_t at = 0;
    bool negative = text.len > 0 && text.p[0] == '-';
    at += text.len > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
    unsigned __int128 digits = 0;
    int decimal = 0;
    size_t n = 0;
    bool point = false;
    for (; at < text.len; at++) {
        char c = text.p[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            break;
        }
        n++;
        if (digits > ((unsigned __int128)1 << 100)) {
            decimal += point ? 0 : 1; /* past all precision: only the size matters */
            continue;
        }
        digits = digits * 10 + (unsigned)(c - '0');
        decimal -= point ? 1 : 0;
    }
    int binary = 0;
    int power = 0;
    if (n == 0 || !find_suffix(tph_str_slice(text, at, text.len), &binary, &power)) {
        return refuse(err);
    }
    if (ret_value) {
        *ret_value = scale(digits, binary, decimal + power, negative);
    }
    if (ret_milli) {
        *ret_milli = scale(digits, binary, decimal + power + 3, negative);
    }
    return 0;
}
