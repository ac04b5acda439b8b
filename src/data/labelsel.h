/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors, as Kubernetes reads them: "a, !b, c=d, e==f, g!=h, i in (j,k), l notin (m), n>1, o<2"; all parts
 * must hold. A label that is not there fulfils !, != and notin only. An empty selector selects everything. Field
 * selectors: data/fieldsel.h.
 *
 * A selector owns copies of all its texts. Error texts are Kubernetes' own (what its API server answers with 400).
 * Limits: TPH_LIMIT_LABEL_SELECTOR bytes. Not thread-safe while it is being made; matching only reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "data/json.h"

enum tph_labelsel_operator {
    TPH_LABELSEL_EXISTS,
    TPH_LABELSEL_NOT_EXISTS,
    TPH_LABELSEL_EQUALS,
    TPH_LABELSEL_DOUBLE_EQUALS, /* the same, but for how it is written */
    TPH_LABELSEL_NOT_EQUALS,
    TPH_LABELSEL_IN,
    TPH_LABELSEL_NOT_IN,
    TPH_LABELSEL_GREATER,
    TPH_LABELSEL_LESS,
    TPH_LABELSEL_OPERATOR_COUNT,
};

/* One part. Values are sorted and unique; one for =, ==, !=, > and <, none for existence. */
struct tph_labelsel_part {
    struct tph_str key;
    enum tph_labelsel_operator op;
    const struct tph_str *values;
    size_t n_values;
};

struct tph_labelsel;

int tph_labelsel_parse(struct tph_str text, struct tph_labelsel **ret_selector, struct tph_error *err) TPH_MUST_CHECK;
/* A LabelSelector object: {matchLabels, matchExpressions}. NULL and null select nothing, {} everything. */
int tph_labelsel_from_object(const struct tph_json *object, struct tph_labelsel **ret_selector, struct tph_error *err)
    TPH_MUST_CHECK;

void tph_labelsel_free(struct tph_labelsel *selector);
TPH_DEFINE_CLEANUP(struct tph_labelsel, tph_labelsel_free);

/* Its parts, sorted by key: for who must know which labels are asked for. */
size_t tph_labelsel_len(const struct tph_labelsel *selector);
const struct tph_labelsel_part *tph_labelsel_at(const struct tph_labelsel *selector, size_t index);

/* True when it selects everything. */
bool tph_labelsel_is_empty(const struct tph_labelsel *selector);

/* Where values come from: true and the value when there is one of that key. */
typedef bool tph_labelsel_lookup(const void *context, struct tph_str key, struct tph_str *ret_value);
bool tph_labelsel_matches(const struct tph_labelsel *selector, tph_labelsel_lookup *lookup, const void *context);

/* The same for an object of texts (metadata.labels); may be NULL. */
bool tph_labelsel_matches_object(const struct tph_labelsel *selector, const struct tph_json *object);

/* The canonical text, as Kubernetes prints it. */
void tph_labelsel_write(const struct tph_labelsel *selector, struct tph_buf *out);
