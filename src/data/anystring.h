/* SPDX-License-Identifier: Apache-2.0 */
/* The values of Argo that take several JSON types: AnyString, Parameter, IntOrString. Items of loops: data/item.h. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/json.h"

/* Appends the text of a value: a string as it is, a number through a double in plain decimals (2.0 becomes 2), true
 * and false, an object or list as nothing. Returns false for null: no value. A number too large for a double, which
 * Argo refuses, keeps its text. */
bool tph_anystring(const struct tph_json *value, struct tph_buf *text);

/* The same as Argo's decoder does it. TPH_ANYSTRING_UNCHANGED for null, an object or a list: the decoder leaves what
 * was there; -1 for a number too large. text is appended to only on success. */
enum { TPH_ANYSTRING_UNCHANGED = 1 };
int tph_anystring_decode(const struct tph_json *value, struct tph_buf *text, struct tph_error *err) TPH_MUST_CHECK;

/* A Parameter as Argo writes it back: known fields in Argo's order, value, default and enum as strings, null dropped.
 * Error texts are those of Go's decoder. */
int tph_parameter_decode(const struct tph_json *from, struct tph_json_doc *doc, struct tph_json **ret_parameter,
                         struct tph_error *err) TPH_MUST_CHECK;

/* Kubernetes' IntOrString. */
struct tph_int_or_string {
    bool is_string;
    int64_t value;       /* of a string: its number, 0 when it is none */
    struct tph_str text; /* of a string, borrowed from the value */
};
int tph_int_or_string_decode(const struct tph_json *value, struct tph_int_or_string *ret_value, struct tph_error *err)
    TPH_MUST_CHECK;

/* "json: cannot unmarshal WHAT into Go TARGET": what Go says of a value of the wrong type. Returns -1.
 * target: "value of type string", "struct field Parameter.name of type string". */
int tph_json_type_error(const struct tph_json *value, const char *target, struct tph_error *err);
