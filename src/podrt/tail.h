/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of a text that never ends: TPH_LIMIT_LOG_TAIL of them, each at most TPH_LIMIT_LOG_LINE.
 *
 * Slots are used again, so that a flood allocates nothing. Not thread-safe.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

struct tph_tail {
    struct tph_buf lines[TPH_LIMIT_LOG_TAIL]; /* a ring */
    size_t first, n;
};

void tph_tail_init(struct tph_tail *tail);
void tph_tail_release(struct tph_tail *tail);

/* Adds a line (without its newline); the oldest goes when there is no room. Longer than a line may be: cut. */
void tph_tail_add(struct tph_tail *tail, struct tph_str line);

/* Appends the last lines, oldest first, a newline after each; at most max_lines. */
void tph_tail_read(const struct tph_tail *tail, size_t max_lines, struct tph_buf *buf);
