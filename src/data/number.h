/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as Go reads and writes them. Independent of the locale. Writers append to a buffer and need no more than
 * TPH_NUMBER_TEXT bytes of it.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { TPH_NUMBER_TEXT = 400 }; /* room for any double in plain decimals */

/* A whole text that is a decimal number: [+-] digits [. digits] [e [+-] digits], a digit at least on one side of the
 * point; any length. -1 when it is none or too large for a double. Correctly rounded. */
int tph_number_to_double(struct tph_str text, double *ret_value) TPH_MUST_CHECK;

/* The shortest text that reads back as value, as encoding/json writes it: plain decimals from 1e-6 up to below
 * 1e21, else 1e+21, 1e-7. value is finite. The second for a float32: the shortest text that reads back as it. */
void tph_number_write_json(double value, struct tph_buf *buf);
void tph_number_write_json32(float value, struct tph_buf *buf);

/* The same digits, always in plain decimals (strconv 'f', -1): what Argo's AnyString makes of a number. */
void tph_number_write_plain(double value, struct tph_buf *buf);

/* The same digits as strconv 'g', -1 and so fmt's %v print them: 1e+06, 1e-05, at least two digits of exponent. */
void tph_number_write_g(double value, struct tph_buf *buf);
void tph_number_write_g32(float value, struct tph_buf *buf);

/* As %.*f: `places` digits after the point, exact. */
void tph_number_write_fixed(double value, int places, struct tph_buf *buf);
