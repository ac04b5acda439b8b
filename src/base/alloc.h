/* SPDX-License-Identifier: Apache-2.0 */
/* Small allocations: they never fail, the program aborts when the system has no memory left.
 *
 * Only for sizes that our own code chose. A size that comes from outside is checked against base/limits.h
 * first and refused with an error. Results are freed with free().
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

void *tph_malloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *tph_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *tph_realloc(void *pointer, size_t size) __attribute__((returns_nonnull, warn_unused_result));
char *tph_strdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull, warn_unused_result));
char *tph_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* A formatted string of its own; the caller frees it. */
char *tph_format(const char *format, ...)
    __attribute__((malloc, returns_nonnull, warn_unused_result, format(printf, 1, 2)));

/* One zeroed object: struct thing *t = TPH_NEW(struct thing); */
#define TPH_NEW(type) ((type *)tph_calloc(1, sizeof(type)))

/* For scopes: TPH_CLEANUP(tph_freep) char *text = NULL; works for any pointer type. */
static inline void tph_freep(void *pointer)
{
    void **slot = pointer;
    free(*slot);
    *slot = NULL;
}
