/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/sprig.h"

static const struct tph_expr_function *const families[] = {
    expr_sprig_strings,  expr_sprig_words, expr_sprig_regex, expr_sprig_numbers,
    expr_sprig_lists,    expr_sprig_dicts, expr_sprig_merge, expr_sprig_defaults,
    expr_sprig_encoding, expr_sprig_paths, expr_sprig_dates, expr_sprig_random,
};

enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

const struct tph_expr_function *expr_find_sprig(struct tph_str name)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        for (const struct tph_expr_function *row = families[i]; row->name; row++) {
            if (tph_str_eqz(name, row->name)) {
                return row;
            }
        }
    }
    return NULL;
}

int expr_list_sprig(int (*add)(void *to, struct tph_str name), void *to)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        for (const struct tph_expr_function *row = families[i]; row->name; row++) {
            int result = add(to, tph_str(row->name));
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}
