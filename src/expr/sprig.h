/* SPDX-License-Identifier: Apache-2.0 */
/* The namespace `sprig`: functions by name. Each family is a table in a file of its own, see expr/function.h. */
#pragma once

#include "expr/function.h"

/* NULL: there is none of that name (in Argo an environment's variables cannot be read: no env, no expandenv). */
const struct tph_expr_function *expr_find_sprig(struct tph_str name);

/* Calls add with each name; returns what add returned when that was not 0. */
int expr_list_sprig(int (*add)(void *to, struct tph_str name), void *to);

/* Tables, each ended by a row without a name. A new family: its line here and in sprig.c. */
extern const struct tph_expr_function expr_sprig_strings[];
extern const struct tph_expr_function expr_sprig_words[];
extern const struct tph_expr_function expr_sprig_regex[];
extern const struct tph_expr_function expr_sprig_numbers[];
extern const struct tph_expr_function expr_sprig_lists[];
extern const struct tph_expr_function expr_sprig_dicts[];
extern const struct tph_expr_function expr_sprig_merge[];
extern const struct tph_expr_function expr_sprig_defaults[];
extern const struct tph_expr_function expr_sprig_encoding[];
extern const struct tph_expr_function expr_sprig_paths[];
extern const struct tph_expr_function expr_sprig_dates[];
extern const struct tph_expr_function expr_sprig_random[];
