/* SPDX-License-Identifier: Apache-2.0 */
/* Values to and from texts and JSON, and when two are the same. Pure. No value is, or holds, a SCOPE here. */
#pragma once

#include "base/buf.h"
#include "data/json.h"
#include "expr/function.h"
#include "expr/value.h"

/* As fmt prints with %v: <nil>, [1 a], map[a:1 b:2] (sorted), 1e+06, 1h0m0s, 2023-08-14 00:00:00 +0000 UTC.
 * Check tph_buf_failed at the end; a full buffer ends the walk. */
void tph_expr_print(struct tph_expr_value value, struct tph_buf *out);

/* As %s: texts and what has a String() as they are, others as fmt complains: %!s(int=200). */
void tph_expr_print_s(struct tph_expr_value value, struct tph_buf *out);

/* %T: "int", "[]interface {}", "func(string) string". */
void tph_expr_print_type(struct tph_expr_value value, struct tph_buf *out);

/* As encoding/json encodes it: members sorted; TPH_JSON_HTML escapes < > &; indent NULL: compact, else one level's
 * blanks (json.MarshalIndent with an empty prefix). 0, or -1 with Go's words appended to problem:
 * `json: unsupported value: NaN`, `json: unsupported type: func() string`. */
int tph_expr_write_json(struct tph_expr_value value, unsigned flags, const char *indent, struct tph_buf *out,
                        struct tph_buf *problem) TPH_MUST_CHECK;

/* A JSON value as encoding/json decodes into interface{}: numbers are float64, or with TPH_EXPR_JSON_INTS int where
 * their text is a whole number that fits. Texts are not copied, unless TPH_EXPR_JSON_COPY says so: the document must
 * live as long. -1: the ceiling, or a
 * number too large (Go's words in problem, which may be NULL), which with TPH_EXPR_JSON_LENIENT is nil instead. */
enum { TPH_EXPR_JSON_INTS = 1, TPH_EXPR_JSON_COPY = 2, TPH_EXPR_JSON_LENIENT = 4 };
int tph_expr_read_json(struct tph_expr_memory *memory, const struct tph_json *json, unsigned flags,
                       struct tph_expr_value *ret, struct tph_buf *problem) TPH_MUST_CHECK;

/* The language's ==: numbers by value whatever their types (1 == 1.0), lists and maps by their elements.
 * reflect.DeepEqual: types must be the same, a nil list is no empty one. Both count their work: -1 at the ceiling. */
int tph_expr_equal(struct tph_expr_call *call, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
    TPH_MUST_CHECK;
int tph_expr_deep_equal(struct tph_expr_call *call, struct tph_expr_value a, struct tph_expr_value b, bool *ret)
    TPH_MUST_CHECK;
