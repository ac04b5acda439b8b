/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting with a comparison that may fail. Up to a dozen values are inserted one by one, as Go does it, so that the
 * same pair of types is the first that is told; more are merged. Equal values keep their order, which Go leaves open.
 */
#include <string.h>

#include "expr/eval.h"

enum { DOZEN = 12 };

struct sorter {
    struct tph_expr_run *run;
    struct tph_expr_value *values;
    struct tph_expr_value *beside; /* moves along; NULL: nothing does */
    struct tph_expr_value *spare;  /* room for as many of each */
    size_t n;
    bool down;
};

/* Whether a belongs before b. */
static int before(struct sorter *s, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
{
    if (expr_work(s->run, 1) < 0) {
        return -1;
    }
    return s->down ? expr_less(s->run, b, a, ret) : expr_less(s->run, a, b, ret);
}

static void swap(struct tph_expr_value *values, size_t i, size_t j)
{
    if (values) {
        struct tph_expr_value value = values[i];
        values[i] = values[j];
        values[j] = value;
    }
}

static int insert_all(struct sorter *s, size_t from, size_t to)
{
    for (size_t i = from + 1; i < to; i++) {
        for (size_t j = i; j > from; j--) {
            bool is_before = false;
            if (before(s, s->values[j], s->values[j - 1], &is_before) < 0) {
                return -1;
            }
            if (!is_before) {
                break;
            }
            swap(s->values, j, j - 1);
            swap(s->beside, j, j - 1);
        }
    }
    return 0;
}

static void put(struct sorter *s, size_t to, size_t from)
{
    s->spare[to] = s->values[from];
    if (s->beside) {
        s->spare[s->n + to] = s->beside[from];
    }
}

/* [from, middle) and [middle, to), both sorted, become one. */
static int merge(struct sorter *s, size_t from, size_t middle, size_t to)
{
    size_t left = from;
    size_t right = middle;
    for (size_t at = from; at < to; at++) {
        bool take_right = left == middle;
        if (left < middle && right < to && before(s, s->values[right], s->values[left], &take_right) < 0) {
            return -1;
        }
        put(s, at, take_right ? right++ : left++);
    }
    memcpy(s->values + from, s->spare + from, (to - from) * sizeof(*s->values));
    if (s->beside) {
        memcpy(s->beside + from, s->spare + s->n + from, (to - from) * sizeof(*s->values));
    }
    return 0;
}

int expr_sort(struct tph_expr_run *run, struct tph_expr_value *values, struct tph_expr_value *beside, size_t n,
              bool down)
{
    struct sorter s = {.run = run, .values = values, .beside = beside, .n = n, .down = down};
    for (size_t from = 0; from < n; from += DOZEN) {
        if (insert_all(&s, from, from + DOZEN < n ? from + DOZEN : n) < 0) {
            return -1;
        }
    }
    if (n <= DOZEN) {
        return 0;
    }
    s.spare = tph_expr_alloc_array(run->memory, sizeof(*s.spare), beside ? n * 2 : n);
    if (!s.spare) {
        return -1;
    }
    for (size_t width = DOZEN; width < n; width *= 2) {
        for (size_t from = 0; from + width < n; from += width * 2) {
            size_t to = from + width * 2 < n ? from + width * 2 : n;
            if (merge(&s, from, from + width, to) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
