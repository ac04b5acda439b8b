/* SPDX-License-Identifier: Apache-2.0 */
/* Private to expr/sprig_*.c: values as sprig's helpers take them, which convert nearly everything to a text, a number
 * or a truth instead of refusing it. Sources: sprig v3.3.0's documentation, spf13/cast v1.10, tried against them. */
#pragma once

#include "base/buf.h"
#include "expr/function.h"
#include "expr/value.h"

/* A buffer for a text that is made for this call. */
#define EXPR_SPRIG_BUF(call) TPH_BUF_INIT(tph_expr_room((call)->memory))

/* What Go says when it looks at the type of nil. */
#define EXPR_NIL_POINTER "runtime error: invalid memory address or nil pointer dereference"

/* A value as text: texts and bytes as they are, others as %v prints them. */
int expr_sprig_text(struct tph_expr_call *call, struct tph_expr_value value, struct tph_str *ret) TPH_MUST_CHECK;

/* The same of each element of a list that is not nil; of what is no list one text, of nil none. A []string. */
int expr_sprig_texts(struct tph_expr_call *call, struct tph_expr_value value, struct tph_expr_value *ret)
    TPH_MUST_CHECK;

/* Numbers and bools by value, texts as Go spells numbers (0x10, 1_000; of an integer the places are cut off),
 * everything else, and what is no number, 0. */
int64_t expr_sprig_int(struct tph_expr_value value);
double expr_sprig_float(struct tph_expr_value value);

/* strconv.ParseInt. base: 0 (as the text says: 0x, 0o, 0b, 0, and _ between digits), 8 or 10. *ret is the nearest
 * integer where the text is too large, 0 where it is no number. */
enum expr_int_text { EXPR_INT_READ, EXPR_INT_NONE, EXPR_INT_TOO_LARGE };
enum expr_int_text expr_read_int(struct tph_str text, unsigned base, int64_t *ret);

/* nil, false, 0, and what has no elements. */
bool expr_sprig_is_empty(struct tph_expr_value value);

/* Lists and bytes: what reflect calls a slice or an array. Walk them with expr_sprig_len and expr_sprig_at. */
bool expr_sprig_is_list(struct tph_expr_value value);
size_t expr_sprig_len(struct tph_expr_value list);
struct tph_expr_value expr_sprig_at(struct tph_expr_value list, size_t index);

/* -1 unless value is a list, with `refusal`, in which %s stands for its kind. */
int expr_sprig_need_list(struct tph_expr_call *call, struct tph_expr_value value, const char *refusal) TPH_MUST_CHECK;
