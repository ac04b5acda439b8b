/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as Go reads it: what is not valid becomes U+FFFD, one for each bad byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Reads the character at the front. Returns its length in bytes (1 to 4) and the code point; for a byte that
 * does not begin a valid character 1 and U+FFFD. str is not empty. Surrogates and overlong forms are not valid. */
size_t tph_utf8_decode(struct tph_str str, uint32_t *ret_rune);

/* Writes the code point as UTF-8; one that is none is written as U+FFFD. */
int tph_utf8_encode(struct tph_buf *buf, uint32_t rune);

bool tph_utf8_valid(struct tph_str str);

/* Appends str with every bad byte replaced by U+FFFD. */
int tph_utf8_repair(struct tph_buf *buf, struct tph_str str);

/* Appends str for a terminal or a log line: control characters as \n, \t, \xNN, those that turn the order of text
 * around or separate lines as \uNNNN, bad bytes as U+FFFD.
 * A newline is written as it is when keep_newlines says so (a flag word, not a bool: TPH_UTF8_NEWLINES). */
enum { TPH_UTF8_NEWLINES = 1 };
int tph_utf8_printable(struct tph_buf *buf, struct tph_str str, unsigned flags);

/* Columns on a terminal: wide characters 2, combining marks 0, others 1. */
size_t tph_utf8_width(struct tph_str str);
