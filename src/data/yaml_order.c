/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which go-yaml v2 writes the keys of a map. */
#include "base/utf8.h"
#include "data/unicode.h"
#include "data/yaml_text.h"

/* The value of the digits at the front of text, as Go computes it: any script's digits, wrapping. */
static int64_t number_at(struct tph_str text, int64_t lead, size_t *ret_len)
{
    uint64_t value = (uint64_t)lead;
    size_t n = 0;
    while (text.len > 0) {
        uint32_t rune;
        size_t len = tph_utf8_decode(text, &rune);
        if (!tph_unicode_is_digit(rune)) {
            break;
        }
        value = value * 10 + (uint64_t)((int64_t)rune - '0');
        n++;
        text = tph_str_slice(text, len, text.len);
    }
    *ret_len = n;
    return (int64_t)value;
}

/* Whether the digits right before `at` make a number other than 0, so that zeros that follow count. */
static bool has_lead(struct tph_str text, size_t at)
{
    while (at > 0) {
        size_t start = at - 1;
        while (start > 0 && ((unsigned char)text.p[start] & 0xc0) == 0x80) {
            start--;
        }
        uint32_t rune;
        (void)tph_utf8_decode(tph_str_slice(text, start, at), &rune);
        if (!tph_unicode_is_digit(rune)) {
            return false;
        }
        if (rune != '0') {
            return true;
        }
        at = start;
    }
    return false;
}

int tph_yaml_key_order(struct tph_str a, struct tph_str b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && a.p[i] == b.p[i]) {
        i++;
    }
    while (i > 0 && i < a.len && i < b.len &&
           (((unsigned char)a.p[i] & 0xc0) == 0x80 || ((unsigned char)b.p[i] & 0xc0) == 0x80)) {
        i--; /* to the start of the character */
    }
    if (i == a.len || i == b.len) {
        return a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
    }
    uint32_t x;
    uint32_t y;
    struct tph_str left = tph_str_slice(a, i, a.len);
    struct tph_str right = tph_str_slice(b, i, b.len);
    (void)tph_utf8_decode(left, &x);
    (void)tph_utf8_decode(right, &y);
    bool letters[2] = {tph_unicode_is_letter(x), tph_unicode_is_letter(y)};
    if (letters[0] != letters[1]) {
        return letters[1] ? -1 : 1;
    }
    if (!letters[0]) {
        size_t n = 0;
        size_t m = 0;
        int64_t lead = (x == '0' || y == '0') && has_lead(a, i) ? 1 : 0;
        int64_t u = number_at(left, lead, &n);
        int64_t v = number_at(right, lead, &m);
        if (u != v) {
            return u < v ? -1 : 1;
        }
        if (n != m) {
            return n < m ? -1 : 1;
        }
    }
    return x < y ? -1 : 1;
}
