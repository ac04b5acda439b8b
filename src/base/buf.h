/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes with a ceiling.
 *
 * Every buffer in the program has a named maximum (base/limits.h), so that nobody outside can make us
 * allocate without end. Once an append would pass it, the buffer keeps what it had and every later append
 * fails too: check once, at the end, with tph_buf_failed(). The bytes are always followed by a NUL that
 * does not count. Not thread-safe. Memory: aborts when the system has none, see base/alloc.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct tph_buf {
    char *bytes;     /* owned; NULL while empty */
    size_t len;      /* bytes in use */
    size_t capacity; /* bytes allocated, the NUL included */
    size_t max;      /* the ceiling for len */
    bool failed;     /* an append was refused */
};

#define TPH_BUF_INIT(maximum) ((struct tph_buf){.max = (maximum)})

/* Frees the bytes and leaves an empty buffer with the same ceiling. buf may be NULL.
 * For scopes: TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_REPLY); */
void tph_buf_release(struct tph_buf *buf);

/* Empties the buffer but keeps its memory for the next use; forgets a refused append. */
void tph_buf_clear(struct tph_buf *buf);

/* Appends len bytes. Returns 0, or -1 once the ceiling was hit (the bytes are not added). */
int tph_buf_append(struct tph_buf *buf, const char *bytes, size_t len);

/* The same for a slice, a NUL-terminated string, one byte, a number in decimal, and a format. */
int tph_buf_put(struct tph_buf *buf, struct tph_str str);
int tph_buf_puts(struct tph_buf *buf, const char *text);
int tph_buf_putc(struct tph_buf *buf, char c);
int tph_buf_putu(struct tph_buf *buf, uint64_t number);
int tph_buf_printf(struct tph_buf *buf, const char *format, ...) TPH_PRINTF(2, 3);

/* Room for `len` more bytes at the end, for a reader that fills them; the caller then adds to buf->len what it
 * read (never more) and the NUL with tph_buf_commit. NULL once the ceiling would be passed. */
char *tph_buf_reserve(struct tph_buf *buf, size_t len) TPH_MUST_CHECK;
void tph_buf_commit(struct tph_buf *buf, size_t len);

/* Takes the first len bytes off the front (all, when there are fewer). */
void tph_buf_consume(struct tph_buf *buf, size_t len);

/* True when any append since TPH_BUF_INIT or clear was refused. */
bool tph_buf_failed(const struct tph_buf *buf);

/* What is in it now; valid until the next change. */
struct tph_str tph_buf_str(const struct tph_buf *buf);

/* The same, NUL-terminated; never NULL. */
const char *tph_buf_cstr(const struct tph_buf *buf);

/* Appends text with *** in the place of each occurrence of secret; one of no bytes occurs nowhere. */
void tph_buf_put_redacted(struct tph_buf *buf, struct tph_str text, struct tph_str secret);

/* Hands the bytes over, NUL-terminated, never NULL; the caller frees them. ret_len may be NULL. */
char *tph_buf_take(struct tph_buf *buf, size_t *ret_len) TPH_MUST_CHECK;
