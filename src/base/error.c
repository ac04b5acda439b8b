/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts at `len` bytes, but never in the middle of a UTF-8 character. */
static void cut(char *text, size_t len)
{
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--;
    }
    text[len] = '\0';
}

TPH_PRINTF(4, 0)
static size_t put(char *text, size_t size, size_t at, const char *format, va_list args)
{
    int n = vsnprintf(text + at, size - at, format, args);
    if (n < 0) {
        text[at] = '\0';
        return at;
    }
    if ((size_t)n < size - at) {
        return at + (size_t)n;
    }
    /* vsnprintf has put its NUL over a byte that may have begun inside a character: look at what is
     * before it and drop an unfinished one. */
    size_t end = size - 1;
    size_t start = end;
    while (start > at && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start > at && ((unsigned char)text[start - 1] & 0xc0) == 0xc0) {
        unsigned char lead = (unsigned char)text[start - 1];
        size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (end - (start - 1) < want) {
            end = start - 1;
        }
    }
    cut(text, end);
    return strlen(text);
}

int tph_error_set(struct tph_error *err, enum tph_error_kind kind, const char *format, ...)
{
    if (!err) {
        return -1;
    }
    va_list args;
    va_start(args, format);
    err->kind = kind;
    (void)put(err->text, sizeof(err->text), 0, format, args);
    va_end(args);
    return -1;
}

int tph_error_errno(struct tph_error *err, int number, const char *format, ...)
{
    if (!err) {
        return -1;
    }
    va_list args;
    va_start(args, format);
    err->kind = TPH_ERROR_SYSTEM;
    size_t len = put(err->text, sizeof(err->text), 0, format, args);
    va_end(args);
    char detail[128];
    (void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror_r(number, detail, sizeof(detail)));
    return -1;
}

int tph_error_wrap(struct tph_error *err, const char *format, ...)
{
    if (!err) {
        return -1;
    }
    struct tph_error inner = *err;
    va_list args;
    va_start(args, format);
    size_t len = put(err->text, sizeof(err->text), 0, format, args);
    va_end(args);
    (void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", inner.text);
    return -1;
}

int tph_error_hint(struct tph_error *err, const char *format, ...)
{
    if (!err) {
        return -1;
    }
    size_t len = strlen(err->text);
    if (len + 4 >= sizeof(err->text)) {
        return -1;
    }
    memcpy(err->text + len, "\n  ", 4);
    va_list args;
    va_start(args, format);
    (void)put(err->text, sizeof(err->text), len + 3, format, args);
    va_end(args);
    return -1;
}
