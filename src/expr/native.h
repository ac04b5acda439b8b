/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/expr: what native functions of the language share. Where the checker cannot look, arguments may be
 * missing or of any type: these read them, and fail in Go's words. */
#pragma once

#include "expr/convert.h"
#include "expr/eval.h"

const struct tph_expr_value *expr_arg(struct tph_expr_call *call, size_t index) TPH_MUST_CHECK; /* NULL: none */
int expr_arg_str(struct tph_expr_call *call, size_t index, struct tph_str *ret) TPH_MUST_CHECK;
int expr_arg_int(struct tph_expr_call *call, size_t index, int64_t *ret) TPH_MUST_CHECK;
/* -1: `invalid number of arguments (expected 1, got 2)`. */
int expr_arg_count(struct tph_expr_call *call, size_t expected) TPH_MUST_CHECK;

/* JSON texts: Go's words for what is wrong. What is adopted is copied into the evaluation's memory. */
int expr_parse_json(struct tph_expr_call *call, struct tph_str text, struct tph_json_doc **ret) TPH_MUST_CHECK;
int expr_adopt_json(struct tph_expr_call *call, const struct tph_json *json, struct tph_expr_value *ret) TPH_MUST_CHECK;
int expr_to_json_text(struct tph_expr_call *call, struct tph_expr_value value, const char *indent,
                      struct tph_expr_value *ret) TPH_MUST_CHECK;

/* A list or BYTES; *ret_n its length. False for anything else. */
bool expr_as_list(const struct tph_expr_value *value, int64_t *ret_n);
/* "slice", "invalid": what a list is asked for and is none. */
const char *expr_kind(const struct tph_expr_value *value);

tph_expr_native expr_native_int;
tph_expr_native expr_native_float;

/* Tables of builtins: rows by family, put together in builtin.c. */
struct expr_builtins {
    const struct expr_builtin *rows;
    size_t n;
};
extern const struct expr_builtins expr_text_builtins;
extern const struct expr_builtins expr_number_builtins;
extern const struct expr_builtins expr_list_builtins;
extern const struct expr_builtins expr_time_builtins;
