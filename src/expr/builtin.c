/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the language by name; those that take a predicate stand here, the others in their families. */
#include "expr/builtin.h"

#include "expr/native.h"

#define LOOP(loop_name, form, kind, ...)                                                                           \
    {                                                                                                              \
        .function = {.name = (loop_name), .tag = (kind)}, .predicate = (form), .judgement = EXPR_JUDGE_SIGNATURES, \
        .signatures = (const struct expr_signature[]){__VA_ARGS__}, .n_signatures = 1                              \
    }

static const struct expr_builtin loops[] = {
    LOOP("all", "ep", EXPR_LOOP_ALL, {"lp", "b", 0}),
    LOOP("none", "ep", EXPR_LOOP_NONE, {"lp", "b", 0}),
    LOOP("any", "ep", EXPR_LOOP_ANY, {"lp", "b", 0}),
    LOOP("one", "ep", EXPR_LOOP_ONE, {"lp", "b", 0}),
    LOOP("filter", "ep", EXPR_LOOP_FILTER, {"lp", "l", 0}),
    LOOP("map", "ep", EXPR_LOOP_MAP, {"lq", "l", 0}),
    LOOP("find", "ep", EXPR_LOOP_FIND, {"lp", "a", 0}),
    LOOP("findIndex", "ep", EXPR_LOOP_FIND_INDEX, {"lp", "i", 0}),
    LOOP("findLast", "ep", EXPR_LOOP_FIND_LAST, {"lp", "a", 0}),
    LOOP("findLastIndex", "ep", EXPR_LOOP_FIND_LAST_INDEX, {"lp", "i", 0}),
    LOOP("count", "ep?", EXPR_LOOP_COUNT, {"lp", "i", 0}),
    LOOP("sum", "ep?", EXPR_LOOP_SUM, {"lp", "i", 0}),
    LOOP("groupBy", "ep", EXPR_LOOP_GROUP_BY, {"lq", "g", 0}),
    LOOP("sortBy", "epe?", EXPR_LOOP_SORT_BY, {"lps", "l", 0}),
    LOOP("reduce", "epe?", EXPR_LOOP_REDUCE, {"lra", "a", 0}),
};

static const struct expr_builtins expr_loop_builtins = {loops, sizeof(loops) / sizeof(loops[0])};

const struct expr_builtin *expr_find_builtin(struct tph_str name)
{
    static const struct expr_builtins *const families[] = {
        &expr_loop_builtins, &expr_text_builtins, &expr_number_builtins, &expr_list_builtins, &expr_time_builtins};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (size_t j = 0; j < families[i]->n; j++) {
            if (tph_str_eqz(name, families[i]->rows[j].function.name)) {
                return &families[i]->rows[j];
            }
        }
    }
    return NULL;
}
