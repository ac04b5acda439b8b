/* SPDX-License-Identifier: Apache-2.0 */
/* A slice: bytes that somebody else owns, with their length. Never NUL-terminated by contract.
 *
 * To look, not to build (base/buf.h builds). A slice lives as long as what it points into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tph_str {
    const char *p; /* may be NULL when len is 0 */
    size_t len;
};

#define TPH_STR(literal) ((struct tph_str){.p = "" literal, .len = sizeof(literal) - 1})
#define TPH_STR_NONE     ((struct tph_str){.p = NULL, .len = 0})

/* For printf: printf("%.*s", TPH_FMT(str)). Longer than INT_MAX is cut. */
#define TPH_FMT(str) tph_str_fmt_len(str), tph_str_fmt_ptr(str)

static inline int tph_str_fmt_len(struct tph_str str)
{
    return str.len > INT32_MAX ? INT32_MAX : (int)str.len;
}

static inline const char *tph_str_fmt_ptr(struct tph_str str)
{
    return str.p ? str.p : "";
}

/* The slice of a NUL-terminated string; NULL gives an empty one. */
struct tph_str tph_str(const char *text);

/* Bytes [from, to) of str; both are cut to its length. */
struct tph_str tph_str_slice(struct tph_str str, size_t from, size_t to);

bool tph_str_eq(struct tph_str a, struct tph_str b);
bool tph_str_eqz(struct tph_str a, const char *b);
bool tph_str_has_prefix(struct tph_str str, struct tph_str prefix);
bool tph_str_has_suffix(struct tph_str str, struct tph_str suffix);

/* Byte order, as Go sorts strings; the shorter first where one begins with the other. */
int tph_str_cmp(struct tph_str a, struct tph_str b);

/* Offset of the first occurrence, or -1. */
ptrdiff_t tph_str_find(struct tph_str str, struct tph_str needle);
ptrdiff_t tph_str_find_byte(struct tph_str str, char byte);

/* Without leading and trailing blanks (space, tab, CR, LF). */
struct tph_str tph_str_trim(struct tph_str str);

/* A NUL-terminated copy; the caller frees it. Bytes after an inner NUL are kept but C sees only up to it. */
char *tph_str_dup(struct tph_str str) TPH_MUST_CHECK;

/* Takes the part before `separator` off the front of *rest, separator dropped. False when *rest is used up
 * (a NULL pointer); a text that ends with the separator gives a last empty part. */
bool tph_str_cut(struct tph_str *rest, char separator, struct tph_str *ret_part);

/* Decimal integers, whole text, optional minus sign, no blanks. Returns 0, or -1 when it is not one or too large. */
int tph_str_to_i64(struct tph_str str, int64_t *ret_value) TPH_MUST_CHECK;

/* The name among n that is nearest to `name` by edit distance (at most a third of its length, at least 1);
 * NULL when none is near. For "did you mean". */
const char *tph_str_nearest(struct tph_str name, const char *const *names, size_t n);
