/* SPDX-License-Identifier: Apache-2.0 */
/* Values as the sets of fieldset.h see them: which shape one has, and its parts in the order of their keys. */
#pragma once

#include "apiserver/fieldset.h"

enum tph_fieldset_shape {
    TPH_FIELDS_LEAF, /* owned as a whole */
    TPH_FIELDS_MAP,
    TPH_FIELDS_LIST, /* whose elements have keys */
};

/* Of a value (NULL: absent) under a schema; null fits every shape. */
enum tph_fieldset_shape tph_fieldset_shape(const struct tph_schema *schema, const struct tph_json *value);
bool tph_fieldset_fits(enum tph_fieldset_shape shape, const struct tph_json *value);

struct tph_fieldset_part {
    struct tph_str key; /* "f:data", `k:{"name":"main"}`, `v:"x"` */
    const struct tph_json *value;
    size_t index; /* in the value */
};
struct tph_fieldset_parts {
    struct tph_fieldset_part *parts;
    size_t n;
};

/* The members of a map, the elements of a list with keys; in their own order, or sorted by key. */
struct tph_fieldset_parts tph_fieldset_parts(struct tph_arena *arena, const struct tph_schema *schema,
                                             enum tph_fieldset_shape shape, const struct tph_json *value, bool sorted);

/* The schema of a part; never NULL. ret_declared (may be NULL): it is a field with a name of its own. */
const struct tph_schema *tph_fieldset_part_schema(const struct tph_schema *schema, struct tph_str key,
                                                  bool *ret_declared);

/* Deep equality that is quick where members stand in the same order. */
bool tph_fieldset_same(const struct tph_json *a, const struct tph_json *b);
