/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of characters as Go's unicode and strconv packages know them. Independent of the locale. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

bool tph_unicode_is_letter(uint32_t rune);
bool tph_unicode_is_digit(uint32_t rune);     /* decimal digits of any script */
bool tph_unicode_is_printable(uint32_t rune); /* strconv.IsPrint: of the blanks only U+0020 */
bool tph_unicode_is_upper(uint32_t rune);
bool tph_unicode_is_lower(uint32_t rune);
bool tph_unicode_is_space(uint32_t rune);
bool tph_unicode_is_title(uint32_t rune);  /* neither upper nor lower: digraphs like U+01C5 */
bool tph_unicode_is_number(uint32_t rune); /* digits, and what else counts: fractions, Roman numerals */
bool tph_unicode_is_punct(uint32_t rune);

/* One character to one: Go's unicode.ToUpper, ToLower, ToTitle. */
uint32_t tph_unicode_to_upper(uint32_t rune);
uint32_t tph_unicode_to_lower(uint32_t rune);
uint32_t tph_unicode_to_title(uint32_t rune);

/* Texts: bytes that are no UTF-8 become U+FFFD, as in Go. */
void tph_unicode_put_upper(struct tph_str text, struct tph_buf *out);
void tph_unicode_put_lower(struct tph_str text, struct tph_buf *out);

/* Without white space at both ends. */
struct tph_str tph_unicode_trim(struct tph_str text);

/* The last character, read backwards as tph_utf8_decode reads the first. text is not empty. Returns its length. */
size_t tph_unicode_decode_last(struct tph_str text, uint32_t *ret_rune);

/* The tables behind them, sorted: private to data/unicode*.c. */
struct tph_rune_range {
    uint32_t first;
    uint32_t last;
};
extern const struct tph_rune_range tph_unicode_letters[];
extern const size_t tph_unicode_letters_len;
extern const struct tph_rune_range tph_unicode_digits[];
extern const size_t tph_unicode_digits_len;
extern const struct tph_rune_range tph_unicode_uppers[];
extern const size_t tph_unicode_uppers_len;
extern const struct tph_rune_range tph_unicode_lowers[];
extern const size_t tph_unicode_lowers_len;
extern const struct tph_rune_range tph_unicode_titles[];
extern const size_t tph_unicode_titles_len;
extern const struct tph_rune_range tph_unicode_numbers[];
extern const size_t tph_unicode_numbers_len;
extern const struct tph_rune_range tph_unicode_puncts[];
extern const size_t tph_unicode_puncts_len;
extern const struct tph_rune_range tph_unicode_not_printable[];
extern const size_t tph_unicode_not_printable_len;

enum { TPH_RUNE_PAIRS = 0x110000 };
struct tph_rune_case {
    uint32_t first;
    uint32_t last;
    int32_t delta[3]; /* to upper, lower, title */
};
extern const struct tph_rune_case tph_unicode_cases[];
extern const size_t tph_unicode_cases_len;
