/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in quotes, as Go writes them. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* As the time package quotes a bad duration or time in its messages: control and non-ASCII bytes as \xNN. */
void tph_quote_time(struct tph_str text, struct tph_buf *out);

/* strconv.Quote: printable characters as they are, \a \b \f \n \r \t \v, \xNN, \uNNNN, \UNNNNNNNN. */
void tph_quote_go(struct tph_str text, struct tph_buf *out);

/* One character of it, without quotes around. */
void tph_quote_rune(uint32_t rune, struct tph_buf *out);
