/* SPDX-License-Identifier: Apache-2.0 */
/* Private to data/labelsel*.c. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "data/labelsel.h"

struct tph_labelsel {
    struct tph_arena *arena; /* holds all texts and parts */
    struct tph_labelsel_part *parts;
    size_t n, capacity;
    bool nothing; /* matches nothing at all */
};

struct tph_labelsel *tph_labelsel_new(void) TPH_MUST_CHECK;

/* Appends; the part's texts must be in the arena. */
void tph_labelsel_add(struct tph_labelsel *selector, const struct tph_labelsel_part *part);

/* Checks a part as Kubernetes does and appends it; sorts its values. key_path is what errors call the place of the
 * key ("key", "<nil>"). */
int tph_labelsel_add_label(struct tph_labelsel *selector, struct tph_labelsel_part *part, const char *key_path,
                           struct tph_error *err) TPH_MUST_CHECK;

/* "PATH: Invalid value: \"KEY\": ..." when key may not be one. */
int tph_labelsel_check_key(struct tph_str key, const char *path, struct tph_error *err) TPH_MUST_CHECK;

/* Sorts the parts by key, equal ones as they came. */
void tph_labelsel_sort(struct tph_labelsel *selector);

/* As Go's ParseInt reads whole decimal numbers. */
int tph_labelsel_number(struct tph_str text, int64_t *ret_number) TPH_MUST_CHECK;
