/* SPDX-License-Identifier: Apache-2.0 */
#include "data/unicode.h"

#include "base/utf8.h"

static bool in_table(const struct tph_rune_range *table, size_t len, uint32_t rune)
{
    size_t low = 0;
    while (low < len) {
        size_t middle = low + (len - low) / 2;
        if (rune > table[middle].last) {
            low = middle + 1;
        } else if (rune < table[middle].first) {
            len = middle;
        } else {
            return true;
        }
    }
    return false;
}

bool tph_unicode_is_letter(uint32_t rune)
{
    if (rune < 0x80) {
        return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
    }
    return in_table(tph_unicode_letters, tph_unicode_letters_len, rune);
}

bool tph_unicode_is_digit(uint32_t rune)
{
    if (rune < 0x80) {
        return rune >= '0' && rune <= '9';
    }
    return in_table(tph_unicode_digits, tph_unicode_digits_len, rune);
}

bool tph_unicode_is_printable(uint32_t rune)
{
    if (rune >= 0x20 && rune < 0x7f) {
        return true;
    }
    return !in_table(tph_unicode_not_printable, tph_unicode_not_printable_len, rune);
}

bool tph_unicode_is_upper(uint32_t rune)
{
    return rune < 0x80 ? rune >= 'A' && rune <= 'Z' : in_table(tph_unicode_uppers, tph_unicode_uppers_len, rune);
}

bool tph_unicode_is_lower(uint32_t rune)
{
    return rune < 0x80 ? rune >= 'a' && rune <= 'z' : in_table(tph_unicode_lowers, tph_unicode_lowers_len, rune);
}

bool tph_unicode_is_title(uint32_t rune)
{
    return in_table(tph_unicode_titles, tph_unicode_titles_len, rune);
}

bool tph_unicode_is_number(uint32_t rune)
{
    return in_table(tph_unicode_numbers, tph_unicode_numbers_len, rune);
}

bool tph_unicode_is_punct(uint32_t rune)
{
    return in_table(tph_unicode_puncts, tph_unicode_puncts_len, rune);
}

bool tph_unicode_is_space(uint32_t rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xa0 || rune == 0x1680 ||
           (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
           rune == 0x3000;
}

enum { UPPER, LOWER, TITLE };

static uint32_t convert(uint32_t rune, int which)
{
    size_t low = 0;
    size_t high = tph_unicode_cases_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tph_rune_case *row = &tph_unicode_cases[middle];
        if (rune > row->last) {
            low = middle + 1;
        } else if (rune < row->first) {
            high = middle;
        } else if (row->delta[which] == TPH_RUNE_PAIRS) { /* upper and lower take turns */
            uint32_t upper = row->first + ((rune - row->first) & ~UINT32_C(1));
            return which == LOWER ? upper + 1 : upper;
        } else {
            return (uint32_t)((int32_t)rune + row->delta[which]);
        }
    }
    return rune;
}

uint32_t tph_unicode_to_upper(uint32_t rune)
{
    return rune < 0x80 ? (rune >= 'a' && rune <= 'z' ? rune - 0x20 : rune) : convert(rune, UPPER);
}

uint32_t tph_unicode_to_lower(uint32_t rune)
{
    return rune < 0x80 ? (rune >= 'A' && rune <= 'Z' ? rune + 0x20 : rune) : convert(rune, LOWER);
}

uint32_t tph_unicode_to_title(uint32_t rune)
{
    return rune < 0x80 ? tph_unicode_to_upper(rune) : convert(rune, TITLE);
}

static void put_converted(struct tph_str text, uint32_t (*to)(uint32_t), struct tph_buf *out)
{
    for (size_t at = 0; at < text.len && !tph_buf_failed(out);) {
        uint32_t rune = 0;
        at += tph_utf8_decode(tph_str_slice(text, at, text.len), &rune);
        (void)tph_utf8_encode(out, to(rune));
    }
}

void tph_unicode_put_upper(struct tph_str text, struct tph_buf *out)
{
    put_converted(text, tph_unicode_to_upper, out);
}

void tph_unicode_put_lower(struct tph_str text, struct tph_buf *out)
{
    put_converted(text, tph_unicode_to_lower, out);
}

size_t tph_unicode_decode_last(struct tph_str text, uint32_t *ret_rune)
{
    for (size_t n = 1; n <= 4 && n <= text.len; n++) {
        struct tph_str last = tph_str_slice(text, text.len - n, text.len);
        if (tph_utf8_decode(last, ret_rune) == n && (n > 1 || *ret_rune < 0x80)) {
            return n;
        }
    }
    *ret_rune = 0xfffd;
    return 1;
}

struct tph_str tph_unicode_trim(struct tph_str text)
{
    uint32_t rune = 0;
    while (text.len > 0) {
        size_t n = tph_utf8_decode(text, &rune);
        if (!tph_unicode_is_space(rune)) {
            break;
        }
        text = tph_str_slice(text, n, text.len);
    }
    while (text.len > 0) {
        size_t n = tph_unicode_decode_last(text, &rune);
        if (!tph_unicode_is_space(rune)) {
            break;
        }
        text = tph_str_slice(text, 0, text.len - n);
    }
    return text;
}
