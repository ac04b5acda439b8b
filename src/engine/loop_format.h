/* SPDX-License-Identifier: Apache-2.0 */
/* withSequence's format: Go's fmt.Sprintf of one int, with all that Go says of formats which do not fit one.
 *
 * Pure. out's ceiling bounds the result: look at tph_buf_failed. Source: package fmt of Go, which documents verbs and
 * flags; reference data items.jsonl.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

void tph_loop_format(struct tph_str format, int64_t value, struct tph_buf *out);
