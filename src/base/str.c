/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

#include "base/alloc.h"

struct tph_str tph_str(const char *text)
{
    return (struct tph_str){.p = text, .len = text ? strlen(text) : 0};
}

struct tph_str tph_str_slice(struct tph_str str, size_t from, size_t to)
{
    if (to > str.len) {
        to = str.len;
    }
    if (from > to) {
        from = to;
    }
    return (struct tph_str){.p = str.p ? str.p + from : NULL, .len = to - from};
}

bool tph_str_eq(struct tph_str a, struct tph_str b)
{
    return a.len == b.len && (a.len == 0 || (a.p && b.p && memcmp(a.p, b.p, a.len) == 0));
}

bool tph_str_eqz(struct tph_str a, const char *b)
{
    return tph_str_eq(a, tph_str(b));
}

bool tph_str_has_prefix(struct tph_str str, struct tph_str prefix)
{
    return str.len >= prefix.len && tph_str_eq(tph_str_slice(str, 0, prefix.len), prefix);
}

bool tph_str_has_suffix(struct tph_str str, struct tph_str suffix)
{
    return str.len >= suffix.len && tph_str_eq(tph_str_slice(str, str.len - suffix.len, str.len), suffix);
}

int tph_str_cmp(struct tph_str a, struct tph_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.p, b.p, common) : 0;
    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

ptrdiff_t tph_str_find(struct tph_str str, struct tph_str needle)
{
    if (needle.len == 0) {
        return 0;
    }
    if (str.len < needle.len) {
        return -1;
    }
    const char *hit = memmem(str.p, str.len, needle.p, needle.len);
    return hit ? hit - str.p : -1;
}

ptrdiff_t tph_str_find_byte(struct tph_str str, char byte)
{
    const char *hit = str.len > 0 ? memchr(str.p, byte, str.len) : NULL;
    return hit ? hit - str.p : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct tph_str tph_str_trim(struct tph_str str)
{
    while (str.len > 0 && is_blank(str.p[0])) {
        str.p++;
        str.len--;
    }
    while (str.len > 0 && is_blank(str.p[str.len - 1])) {
        str.len--;
    }
    return str;
}

char *tph_str_dup(struct tph_str str)
{
    return tph_strndup(str.p, str.len);
}

bool tph_str_cut(struct tph_str *rest, char separator, struct tph_str *ret_part)
{
    if (!rest->p) {
        return false;
    }
    ptrdiff_t at = tph_str_find_byte(*rest, separator);
    if (at < 0) {
        *ret_part = *rest;
        *rest = TPH_STR_NONE;
        return true;
    }
    *ret_part = tph_str_slice(*rest, 0, (size_t)at);
    *rest = tph_str_slice(*rest, (size_t)at + 1, rest->len);
    return true;
}

int tph_str_to_i64(struct tph_str str, int64_t *ret_value)
{
    bool negative = str.len > 0 && str.p[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == str.len) {
        return -1;
    }
    int64_t value = 0;
    for (; i < str.len; i++) {
        if (str.p[i] < '0' || str.p[i] > '9') {
            return -1;
        }
        int digit = str.p[i] - '0';
        /* Built on the negative side, which reaches one further. */
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value)) {
            return -1;
        }
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) {
        return -1;
    }
    *ret_value = value;
    return 0;
}

enum { NEAREST_MAX = 64 };

/* Edit distance of two names of at most NEAREST_MAX bytes: a letter more, less or other, or two neighbours swapped,
 * count one. Three rows of the table at a time. */
static size_t distance(struct tph_str a, struct tph_str b)
{
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = above[j - 1] + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && rows[(i - 2) % 3][j - 2] + 1 < best) {
                best = rows[(i - 2) % 3][j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

const char *tph_str_nearest(struct tph_str name, const char *const *names, size_t n)
{
    size_t limit = name.len / 3 > 1 ? name.len / 3 : 1;
    const char *best = NULL;
    if (name.len > NEAREST_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_str other = tph_str(names[i]);
        if (other.len > NEAREST_MAX) {
            continue;
        }
        size_t d = distance(name, other);
        bool alike = d < name.len || d < other.len; /* else every letter is another one */
        if (alike && d <= limit && (!best || d < limit)) {
            best = names[i];
            limit = d;
        }
    }
    return best;
}
