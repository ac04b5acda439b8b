/* SPDX-License-Identifier: Apache-2.0 */
/* Base32, the standard alphabet with padding, as Go's encoding/base32 has it. Pure. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

void tph_base32_encode(struct tph_str bytes, struct tph_buf *out);

/* Appends the bytes; line breaks are skipped. -1 when the text is not base32: *ret_fault (may be NULL) is the offset
 * that Go's "illegal base32 data at input byte N" tells, which does not count line breaks; out may hold a part. */
int tph_base32_decode(struct tph_str text, struct tph_buf *out, size_t *ret_fault) TPH_MUST_CHECK;
