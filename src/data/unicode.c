/* SPDX-License-Identifier: Apache-2.0 */
#include "data/unicode.h"

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
