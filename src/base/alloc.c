/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *tph_malloc(size_t size)
{
    void *pointer = malloc(size ? size : 1);
    if (!pointer) {
        abort();
    }
    return pointer;
}

void *tph_calloc(size_t count, size_t size)
{
    void *pointer = calloc(count ? count : 1, size ? size : 1);
    if (!pointer) {
        abort();
    }
    return pointer;
}

void *tph_realloc(void *pointer, size_t size)
{
    void *moved = realloc(pointer, size ? size : 1);
    if (!moved) {
        abort();
    }
    return moved;
}

char *tph_strndup(const char *text, size_t len)
{
    char *copy = tph_malloc(len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

char *tph_strdup(const char *text)
{
    return tph_strndup(text, strlen(text));
}

char *tph_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    return text;
}
