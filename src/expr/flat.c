/* SPDX-License-Identifier: Apache-2.0 */
/* Names with values, kept sorted: those that begin with a name and a dot stand together. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/expr.h"

struct row {
    struct tph_str name;
    struct tph_expr_value value;
};

struct tph_expr_flat {
    struct row *rows;
    size_t n;
    size_t capacity;
    bool is_sorted;
};

struct tph_expr_flat *tph_expr_flat_new(void)
{
    return TPH_NEW(struct tph_expr_flat);
}

void tph_expr_flat_free(struct tph_expr_flat *flat)
{
    if (flat) {
        free(flat->rows);
        free(flat);
    }
}

/* A dot sorts before all else, so that "a.b" follows "a" directly. */
static int compare_names(struct tph_str a, struct tph_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++) {
        int x = a.p[i] == '.' ? -1 : (unsigned char)a.p[i];
        int y = b.p[i] == '.' ? -1 : (unsigned char)b.p[i];
        if (x != y) {
            return x - y;
        }
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_rows(const void *a, const void *b)
{
    return compare_names(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void sort(struct tph_expr_flat *flat)
{
    if (!flat->is_sorted && flat->n > 1) {
        qsort(flat->rows, flat->n, sizeof(*flat->rows), compare_rows);
    }
    flat->is_sorted = true;
}

void tph_expr_flat_set(struct tph_expr_flat *flat, struct tph_str name, struct tph_expr_value value)
{
    for (size_t i = 0; i < flat->n; i++) {
        if (tph_str_eq(flat->rows[i].name, name)) {
            flat->rows[i].value = value;
            return;
        }
    }
    if (flat->n == flat->capacity) {
        flat->capacity = flat->capacity > 0 ? flat->capacity * 2 : 8;
        flat->rows = tph_realloc(flat->rows, flat->capacity * sizeof(*flat->rows));
    }
    flat->rows[flat->n++] = (struct row){.name = name, .value = value};
    flat->is_sorted = false;
}

/* The first row that does not sort before name. */
static size_t lower_bound(const struct tph_expr_flat *flat, struct tph_str name)
{
    size_t low = 0;
    size_t high = flat->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(flat->rows[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_below(struct tph_str name, struct tph_str branch)
{
    return name.len > branch.len && name.p[branch.len] == '.' && memcmp(name.p, branch.p, branch.len) == 0;
}

static enum tph_expr_found find(void *owner, struct tph_str name, struct tph_expr_memory *memory,
                                struct tph_expr_value *ret)
{
    struct tph_expr_flat *flat = owner;
    (void)memory;
    sort(flat);
    size_t at = lower_bound(flat, name);
    bool exact = at < flat->n && tph_str_eq(flat->rows[at].name, name);
    size_t next = exact ? at + 1 : at;
    if (name.len > 0 && next < flat->n && is_below(flat->rows[next].name, name)) {
        return TPH_EXPR_FOUND_BRANCH;
    }
    if (!exact) {
        return TPH_EXPR_NOT_FOUND;
    }
    *ret = flat->rows[at].value;
    return TPH_EXPR_FOUND_VALUE;
}

static int list(void *owner, struct tph_str name, int (*add)(void *to, struct tph_str part), void *to)
{
    struct tph_expr_flat *flat = owner;
    struct tph_str last = TPH_STR_NONE;
    sort(flat);
    for (size_t i = name.len > 0 ? lower_bound(flat, name) : 0; i < flat->n; i++) {
        struct tph_str rest = flat->rows[i].name;
        if (name.len > 0 && tph_str_eq(rest, name)) {
            continue;
        }
        if (name.len > 0 && !is_below(rest, name)) {
            break;
        }
        struct tph_str part = TPH_STR_NONE;
        rest = tph_str_slice(rest, name.len > 0 ? name.len + 1 : 0, rest.len);
        (void)tph_str_cut(&rest, '.', &part);
        if (last.p && tph_str_eq(part, last)) {
            continue;
        }
        last = part;
        int result = add(to, part);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

struct tph_expr_env tph_expr_flat_env(struct tph_expr_flat *flat)
{
    sort(flat);
    return (struct tph_expr_env){.find = find, .list = list, .owner = flat};
}
