/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/tail.h"

/* A slot that once held a long line gives its memory back when a short one follows. */
enum { KEEP = 1024 };

void tph_tail_init(struct tph_tail *tail)
{
    *tail = (struct tph_tail){.n = 0};
    for (size_t i = 0; i < TPH_LIMIT_LOG_TAIL; i++) {
        tail->lines[i] = TPH_BUF_INIT(TPH_LIMIT_LOG_LINE);
    }
}

void tph_tail_release(struct tph_tail *tail)
{
    for (size_t i = 0; i < TPH_LIMIT_LOG_TAIL; i++) {
        tph_buf_release(&tail->lines[i]);
    }
    tail->first = 0;
    tail->n = 0;
}

void tph_tail_add(struct tph_tail *tail, struct tph_str line)
{
    struct tph_buf *slot;
    if (tail->n < TPH_LIMIT_LOG_TAIL) {
        slot = &tail->lines[(tail->first + tail->n) % TPH_LIMIT_LOG_TAIL];
        tail->n++;
    } else {
        slot = &tail->lines[tail->first];
        tail->first = (tail->first + 1) % TPH_LIMIT_LOG_TAIL;
    }
    if (slot->capacity > KEEP && line.len < KEEP) {
        tph_buf_release(slot);
    }
    tph_buf_clear(slot);
    (void)tph_buf_put(slot, tph_str_slice(line, 0, TPH_LIMIT_LOG_LINE)); /* fits: cut to the ceiling */
}

void tph_tail_read(const struct tph_tail *tail, size_t max_lines, struct tph_buf *buf)
{
    size_t n = tail->n < max_lines ? tail->n : max_lines;
    for (size_t i = tail->n - n; i < tail->n; i++) {
        (void)tph_buf_put(buf, tph_buf_str(&tail->lines[(tail->first + i) % TPH_LIMIT_LOG_TAIL]));
        (void)tph_buf_putc(buf, '\n');
    }
}
