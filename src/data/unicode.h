/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of characters as Go's unicode and strconv packages know them. Independent of the locale. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool tph_unicode_is_letter(uint32_t rune);
bool tph_unicode_is_digit(uint32_t rune);     /* decimal digits of any script */
bool tph_unicode_is_printable(uint32_t rune); /* strconv.IsPrint: of the blanks only U+0020 */

/* The tables behind them, sorted: private to data/unicode*.c. */
struct tph_rune_range {
    uint32_t first;
    uint32_t last;
};
extern const struct tph_rune_range tph_unicode_letters[];
extern const size_t tph_unicode_letters_len;
extern const struct tph_rune_range tph_unicode_digits[];
extern const size_t tph_unicode_digits_len;
extern const struct tph_rune_range tph_unicode_not_printable[];
extern const size_t tph_unicode_not_printable_len;
