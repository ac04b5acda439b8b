/* SPDX-License-Identifier: Apache-2.0 */
/* Expression tags of Argo's templates, {{= ... }}: when they are replaced, left for a later pass, or an error.
 *
 * A pass over a text may not know all names yet. A tag that refers to names that are not there stays as it is written,
 * unless the pass must know them; one whose names are all there must have a value. Source: argo.md 2.6; reference data
 * template.jsonl.
 */
#pragma once

#include "expr/expr.h"

struct tph_expr_tag_rules {
    /* Whether this pass must know a name (with its dots). NULL: it need know none, and failures are left alone. */
    bool (*must_know)(void *owner, struct tph_str path);
    void *owner;
    bool may_fail; /* values are stand-ins for those of the real run: an error or nil leaves the tag as it is */
};

/* Evaluates a tag's expression (without the = before it). Returns 0 with the value as a JSON text in json; LEFT when
 * the tag stays; MISSING or -1 with Argo's words appended to problem: MISSING when a name is not there that had to be.
 */
enum { TPH_EXPR_TAG_LEFT = 1, TPH_EXPR_TAG_MISSING = 2 };
int tph_expr_tag(struct tph_expr *expr, const struct tph_expr_env *env, const struct tph_expr_tag_rules *rules,
                 struct tph_buf *json, struct tph_buf *problem) TPH_MUST_CHECK;

/* The value of an expression that stands where a reference may (valueFrom.parameter: "{{=...}}"): only names without
 * dots are there, and no functions but the language's. -1: Argo's words, which do not say why. */
int tph_expr_resolve(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_expr_memory *memory,
                     struct tph_expr_value *ret, struct tph_buf *problem) TPH_MUST_CHECK;
