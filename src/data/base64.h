/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, the standard alphabet with padding, as Kubernetes writes Secrets. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Appends the bytes. Line breaks are skipped, as Go does. -1 when the text is not base64; out may hold a part. */
int tph_base64_decode(struct tph_str text, struct tph_buf *out) TPH_MUST_CHECK;

/* The same; where it is not base64, *ret_fault (may be NULL) is the offset that Go's "illegal base64 data at input byte
 * N" tells. Does not look whether out was full. */
int tph_base64_decode_at(struct tph_str text, struct tph_buf *out, size_t *ret_fault) TPH_MUST_CHECK;

void tph_base64_encode(struct tph_str bytes, struct tph_buf *out);
