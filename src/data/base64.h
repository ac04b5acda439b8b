/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, the standard alphabet with padding, as Kubernetes writes Secrets. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Appends the bytes. Line breaks are skipped, as Go does. -1 when the text is not base64; out may hold a part. */
int tph_base64_decode(struct tph_str text, struct tph_buf *out) TPH_MUST_CHECK;

void tph_base64_encode(struct tph_str bytes, struct tph_buf *out);
