/* SPDX-License-Identifier: Apache-2.0 */
/* What Argo adds to the language: asInt, asFloat, jsonpath, toJson. */
#include "expr/builtin.h"
#include "expr/eval.h"
#include "expr/native.h"

#include "data/jsonpath.h"

static int fn_jsonpath(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_jsonpath_result result = {.value = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    if (expr_parse_json(call, call->args[0].str, &doc) < 0) {
        return -1;
    }
    if (tph_jsonpath_query(tph_json_root(doc), call->args[1].str, doc, &result, &err) < 0) {
        return tph_expr_fail(call, "%s", err.text);
    }
    if (expr_adopt_json(call, result.value, ret) < 0) {
        return -1;
    }
    if (result.is_count) {
        *ret = tph_expr_int64((int64_t)ret->f);
    }
    return 0;
}

static int fn_to_json(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    return expr_to_json_text(call, call->args[0], NULL, ret);
}

static const struct {
    struct tph_expr_function function;
    struct expr_signature signature;
} functions[] = {
    {{.name = "asInt", .native = expr_native_int, .params = "a", .result = TPH_EXPR_ANY}, {"a", "a", 0}},
    {{.name = "asFloat", .native = expr_native_float, .params = "a", .result = TPH_EXPR_ANY}, {"a", "a", 0}},
    {{.name = "jsonpath", .native = fn_jsonpath, .params = "ss", .result = TPH_EXPR_ANY}, {"ss", "a", 0}},
    {{.name = "toJson", .native = fn_to_json, .params = "a", .result = TPH_EXPR_STRING}, {"a", "s", 0}},
};

enum { N_FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static size_t index_of(struct tph_str name)
{
    size_t i = 0;
    while (i < N_FUNCTIONS && !tph_str_eqz(name, functions[i].function.name)) {
        i++;
    }
    return i;
}

const struct tph_expr_function *expr_find_argo(struct tph_str name)
{
    size_t i = index_of(name);
    return i < N_FUNCTIONS ? &functions[i].function : NULL;
}

bool expr_is_argo(struct tph_str name)
{
    return index_of(name) < N_FUNCTIONS || tph_str_eqz(name, "sprig");
}

const struct expr_signature *expr_argo_signature(const struct tph_expr_function *function)
{
    return &functions[index_of(tph_str(function->name))].signature;
}

int expr_list_argo(int (*add)(void *to, struct tph_str name), void *to)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++) {
        int result = add(to, tph_str(functions[i].function.name));
        if (result != 0) {
            return result;
        }
    }
    return add(to, TPH_STR("sprig"));
}
