/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as Go reads and writes them. Independent of the locale. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { TPH_NUMBER_TEXT = 400 }; /* room for any double in plain decimals */

/* A whole text that is a decimal number. -1 when it is none or does not fit a double. */
int tph_number_to_double(struct tph_str text, double *ret_value) TPH_MUST_CHECK;

/* The shortest text that reads back as value, as encoding/json writes it: plain decimals from 1e-6 up to below
 * 1e21, else 1e+21, 1e-7. value is finite. */
void tph_number_write_json(double value, struct tph_buf *buf);

/* The same, always in plain decimals ('f', -1): what Argo's AnyString makes of a number. */
void tph_number_write_plain(double value, struct tph_buf *buf);
