/* SPDX-License-Identifier: Apache-2.0 */
/* Field selectors of Kubernetes: "metadata.name=w1,status.phase!=Running". All terms have to hold; a field that is
 * not there reads as empty. In values a backslash escapes itself, the comma and the equals sign; blanks count.
 *
 * The selector owns copies of its texts. Cost of parsing n terms: n log n. Error texts are apimachinery's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_fieldsel_term {
    struct tph_str field, value;
    bool differs; /* != */
};

struct tph_fieldsel {
    struct tph_fieldsel_term *terms; /* owned, in the order of their texts */
    size_t n_terms;                  /* 0: everything matches */
    char *text;                      /* owned: what the terms point into */
};

#define TPH_FIELDSEL_INIT ((struct tph_fieldsel){.terms = NULL})

/* Error of kind INVALID: "invalid selector: 'x'; can't understand 'x'" and the like; LIMIT beyond
 * TPH_LIMIT_FIELD_SELECTOR bytes. */
int tph_fieldsel_parse(struct tph_str text, struct tph_fieldsel *ret_selector, struct tph_error *err) TPH_MUST_CHECK;
void tph_fieldsel_release(struct tph_fieldsel *selector);

/* get: the field's value; empty where it is not there. */
typedef struct tph_str tph_fieldsel_get_fn(void *owner, struct tph_str field);
bool tph_fieldsel_matches(const struct tph_fieldsel *selector, tph_fieldsel_get_fn *get, void *owner);

/* As apimachinery prints it. */
void tph_fieldsel_write(const struct tph_fieldsel *selector, struct tph_buf *buf);
