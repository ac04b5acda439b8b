/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: maps with texts as keys. `set` and `unset` change the map that they are given, as in Go. */
#include "base/alloc.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

/* Key, value, key, value, ...; a last key without a value gets "". */
static int fn_dict(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value map;
    if (tph_expr_map_new(call->memory, TPH_EXPR_MAP, &map) < 0) {
        return -1;
    }
    for (size_t i = 0; i < call->n_args; i += 2) {
        struct tph_str key;
        struct tph_expr_value value = i + 1 < call->n_args ? call->args[i + 1] : tph_expr_cstr("");
        if (expr_sprig_text(call, call->args[i], &key) < 0 || tph_expr_map_set(call->memory, map.map, key, value) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int fn_get(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *found = tph_expr_map_get(call->args[0].map, call->args[1].str);
    *ret = found ? *found : tph_expr_cstr("");
    return 0;
}

static int fn_has_key(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    *ret = tph_expr_bool(tph_expr_map_get(call->args[0].map, call->args[1].str) != NULL);
    return 0;
}

static int fn_set(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_map *map = call->args[0].map;
    if (!map) {
        return tph_expr_fail(call, "assignment to entry in nil map");
    }
    if (tph_expr_map_set(call->memory, map, call->args[1].str, call->args[2]) < 0) {
        return -1;
    }
    *ret = call->args[0];
    return 0;
}

static int fn_unset(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    if (tph_expr_work(call, 1 + tph_expr_map_len(call->args[0].map) / 8) < 0) {
        return -1;
    }
    tph_expr_map_remove(call->args[0].map, call->args[1].str);
    *ret = call->args[0];
    return 0;
}

static int fn_pluck(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    for (size_t i = 1; i < call->n_args; i++) {
        const struct tph_expr_value *found = tph_expr_map_get(call->args[i].map, call->args[0].str);
        if (found && tph_expr_push(&b, *found) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

/* Keys (of several maps) or values (tag 1). Go has them in no order; here they are in that of the keys. */
static int fn_members(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    bool values = call->function->tag;
    for (size_t i = 0; i < call->n_args; i++) {
        const struct tph_expr_map *map = call->args[i].map;
        size_t n = tph_expr_map_len(map);
        TPH_CLEANUP(tph_freep) const struct tph_expr_entry **sorted = tph_expr_map_sorted(map);
        if (tph_expr_work(call, n) < 0 || tph_expr_reserve(&b, n) < 0) {
            return -1;
        }
        for (size_t at = 0; at < n; at++) {
            b.items[b.n++] = values ? sorted[at]->value : sorted[at]->key;
        }
    }
    return tph_expr_finish(&b, values ? TPH_EXPR_LIST : TPH_EXPR_LIST_STRING, ret);
}

static int fn_pick(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value map;
    if (tph_expr_map_new(call->memory, TPH_EXPR_MAP, &map) < 0) {
        return -1;
    }
    for (size_t i = 1; i < call->n_args; i++) {
        struct tph_str key = call->args[i].str;
        const struct tph_expr_value *found = tph_expr_map_get(call->args[0].map, key);
        if (found && tph_expr_map_set(call->memory, map.map, key, *found) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int fn_omit(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value map;
    struct tph_expr_value omitted;
    const struct tph_expr_map *from = call->args[0].map;
    if (tph_expr_map_new(call->memory, TPH_EXPR_MAP, &map) < 0 ||
        tph_expr_map_new(call->memory, TPH_EXPR_MAP, &omitted) < 0) {
        return -1;
    }
    for (size_t i = 1; i < call->n_args; i++) {
        if (tph_expr_map_set(call->memory, omitted.map, call->args[i].str, call->args[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < tph_expr_map_len(from); i++) {
        const struct tph_expr_entry *entry = tph_expr_map_at(from, i);
        if (!tph_expr_map_get(omitted.map, entry->key.str) &&
            tph_expr_map_set(call->memory, map.map, entry->key.str, entry->value) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int need(struct tph_expr_call *call, struct tph_expr_value value, enum tph_expr_type type)
{
    return value.type == type ? 0 : expr_wrong_type(call->run, value, tph_expr_type_name(type));
}

/* Keys, what there is instead when one is missing, and the map to walk. */
static int fn_dig(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    size_t n = call->n_args;
    if (n < 3) {
        return tph_expr_fail(call, "dig needs at least three arguments");
    }
    struct tph_expr_value value = call->args[n - 1];
    if (need(call, value, TPH_EXPR_MAP) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n - 2; i++) {
        if (need(call, call->args[i], TPH_EXPR_STRING) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < n - 2; i++) {
        if (need(call, value, TPH_EXPR_MAP) < 0) {
            return -1;
        }
        const struct tph_expr_value *found = tph_expr_map_get(value.map, call->args[i].str);
        if (!found) {
            *ret = call->args[n - 2];
            return 0;
        }
        value = *found;
    }
    *ret = value;
    return 0;
}

#define MAP(text, function, letters)                                                      \
    {                                                                                     \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_MAP \
    }

const struct tph_expr_function expr_sprig_dicts[] = {
    MAP("dict", fn_dict, "a*"),
    {.name = "get", .native = fn_get, .params = "ms", .result = TPH_EXPR_ANY},
    MAP("set", fn_set, "msa"),
    MAP("unset", fn_unset, "ms"),
    {.name = "hasKey", .native = fn_has_key, .params = "ms", .result = TPH_EXPR_BOOL},
    {.name = "pluck", .native = fn_pluck, .params = "sm*", .result = TPH_EXPR_LIST},
    {.name = "keys", .native = fn_members, .params = "m*", .result = TPH_EXPR_LIST_STRING},
    {.name = "values", .native = fn_members, .params = "m", .result = TPH_EXPR_LIST, .tag = 1},
    MAP("pick", fn_pick, "ms*"),
    MAP("omit", fn_omit, "ms*"),
    {.name = "dig", .native = fn_dig, .params = "a*", .result = TPH_EXPR_ANY},
    {.name = NULL},
};
