/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void tph_buf_release(struct tph_buf *buf)
{
    if (!buf) {
        return;
    }
    free(buf->bytes);
    *buf = TPH_BUF_INIT(buf->max);
}

void tph_buf_clear(struct tph_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->bytes) {
        buf->bytes[0] = '\0';
    }
}

/* Room for `extra` more bytes and the NUL. Doubles, so that n appends cost n, not n squared. */
static int reserve(struct tph_buf *buf, size_t extra)
{
    if (buf->failed || extra > buf->max - buf->len) {
        buf->failed = true;
        return -1;
    }
    size_t need = buf->len + extra + 1;
    if (need <= buf->capacity) {
        return 0;
    }
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need) {
        capacity *= 2;
    }
    buf->bytes = tph_realloc(buf->bytes, capacity);
    buf->capacity = capacity;
    return 0;
}

int tph_buf_append(struct tph_buf *buf, const char *bytes, size_t len)
{
    if (reserve(buf, len) < 0) {
        return -1;
    }
    if (len > 0) {
        memcpy(buf->bytes + buf->len, bytes, len);
    }
    buf->len += len;
    buf->bytes[buf->len] = '\0';
    return 0;
}

int tph_buf_put(struct tph_buf *buf, struct tph_str str)
{
    return tph_buf_append(buf, str.p, str.len);
}

int tph_buf_puts(struct tph_buf *buf, const char *text)
{
    return tph_buf_append(buf, text, strlen(text));
}

int tph_buf_putc(struct tph_buf *buf, char c)
{
    return tph_buf_append(buf, &c, 1);
}

int tph_buf_putu(struct tph_buf *buf, uint64_t number)
{
    char digits[20]; /* of 2^64 */
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return tph_buf_append(buf, digits + at, sizeof(digits) - at);
}

int tph_buf_printf(struct tph_buf *buf, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0) {
        buf->failed = true;
        return -1;
    }
    if ((size_t)n < sizeof(small)) {
        return tph_buf_append(buf, small, (size_t)n);
    }
    if (reserve(buf, (size_t)n) < 0) {
        return -1;
    }
    va_start(args, format);
    (void)vsnprintf(buf->bytes + buf->len, (size_t)n + 1, format, args);
    va_end(args);
    buf->len += (size_t)n;
    return 0;
}

char *tph_buf_reserve(struct tph_buf *buf, size_t len)
{
    return reserve(buf, len) < 0 ? NULL : buf->bytes + buf->len;
}

void tph_buf_commit(struct tph_buf *buf, size_t len)
{
    buf->len += len;
    buf->bytes[buf->len] = '\0';
}

void tph_buf_consume(struct tph_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
    } else if (len > 0) {
        memmove(buf->bytes, buf->bytes + len, buf->len - len);
        buf->len -= len;
    }
    if (buf->bytes) {
        buf->bytes[buf->len] = '\0';
    }
}

bool tph_buf_failed(const struct tph_buf *buf)
{
    return buf->failed;
}

struct tph_str tph_buf_str(const struct tph_buf *buf)
{
    return (struct tph_str){.p = buf->bytes, .len = buf->len};
}

const char *tph_buf_cstr(const struct tph_buf *buf)
{
    return buf->bytes ? buf->bytes : "";
}

void tph_buf_put_redacted(struct tph_buf *buf, struct tph_str text, struct tph_str secret)
{
    ptrdiff_t at;
    while (secret.len > 0 && (at = tph_str_find(text, secret)) >= 0) {
        (void)tph_buf_put(buf, tph_str_slice(text, 0, (size_t)at));
        (void)tph_buf_puts(buf, "***");
        text = tph_str_slice(text, (size_t)at + secret.len, text.len);
    }
    (void)tph_buf_put(buf, text);
}

char *tph_buf_take(struct tph_buf *buf, size_t *ret_len)
{
    size_t len = buf->len;
    char *bytes = TPH_TAKE(buf->bytes);
    *buf = TPH_BUF_INIT(buf->max);
    if (ret_len) {
        *ret_len = len;
    }
    return bytes ? bytes : tph_strdup("");
}
