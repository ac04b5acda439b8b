/* SPDX-License-Identifier: Apache-2.0 */
/* sprig: maps merged into each other, and deep copies. Source: dario.cat/mergo v1.0.2, mitchellh/copystructure v1.2.0,
 * by trying them. Both walk down nested maps; TPH_LIMIT_EXPR_DEPTH bounds how far, for a map can be put into itself. */
#include "base/limits.h"
#include "expr/eval.h"
#include "expr/sprig.h"
#include "expr/sprig_values.h"

enum { DIFFERENT_TYPES = 1 }; /* mergo's error, which the functions without `must` turn into "" */

enum { OVERWRITE = 1, MUST = 2 }; /* tag */

struct merge {
    struct tph_expr_call *call;
    bool overwrite;
    size_t depth;
};

/* What mergo takes for a pointer. */
static bool is_pointer(struct tph_expr_value value)
{
    return value.type == TPH_EXPR_VERSION || value.type == TPH_EXPR_LOCATION;
}

static bool is_slice(struct tph_expr_value value)
{
    return expr_sprig_is_list(value) && value.type != TPH_EXPR_PAIR;
}

static int merge_maps(struct merge *m, struct tph_expr_value to, struct tph_expr_value from);

/* A map, a time or a pointer meets what is there: only two maps are merged; -1, 0 or DIFFERENT_TYPES. */
static int merge_into(struct merge *m, const struct tph_expr_value *there, struct tph_expr_value from)
{
    if (!there) {
        return 0;
    }
    if (is_pointer(*there) && !is_pointer(from)) {
        return m->overwrite ? 0 : DIFFERENT_TYPES;
    }
    bool both = tph_expr_is_map(there->type) && tph_expr_is_map(from.type) && there->map;
    return both ? merge_maps(m, *there, from) : 0;
}

static int check_assignable(struct merge *m, const char *what, enum tph_expr_type from, enum tph_expr_type to)
{
    if (to == TPH_EXPR_ANY || from == to) {
        return 0;
    }
    return tph_expr_fail(m->call, "reflect.Value.%s: value of type %s is not assignable to type %s", what,
                         tph_expr_type_name(from), tph_expr_type_name(to));
}

static int merge_entry(struct merge *m, struct tph_expr_value to, enum tph_expr_type element,
                       const struct tph_expr_entry *entry)
{
    struct tph_expr_value from = entry->value;
    const struct tph_expr_value *there = tph_expr_map_find(to.map, entry->key);
    if (from.type == TPH_EXPR_NIL && !m->overwrite) {
        return 0;
    }
    if (tph_expr_is_map(from.type) || from.type == TPH_EXPR_TIME || is_pointer(from)) {
        int result = merge_into(m, there, from);
        if (result != 0) {
            return result;
        }
    }
    bool is_full = there && !expr_sprig_is_empty(*there);
    bool stays =
        is_full && (is_slice(from) ? !m->overwrite : tph_expr_is_map(from.type) && tph_expr_is_map(there->type));
    if (stays || (is_full && !m->overwrite)) {
        return 0;
    }
    element = is_slice(from) ? from.type : element;
    if (check_assignable(m, "SetMapIndex", element, tph_expr_element_type(to.type)) < 0) {
        return -1;
    }
    return tph_expr_map_put(m->call->memory, to.map, entry->key, from);
}

static int merge_maps(struct merge *m, struct tph_expr_value to, struct tph_expr_value from)
{
    size_t n = tph_expr_map_len(from.map);
    if (m->depth >= TPH_LIMIT_EXPR_DEPTH) {
        return tph_expr_fail(m->call, "maps in each other, more than %d", TPH_LIMIT_EXPR_DEPTH);
    }
    if (tph_expr_work(m->call, n) < 0 ||
        (n > 0 && check_assignable(m, "MapIndex", tph_expr_key_type(from.type), tph_expr_key_type(to.type)) < 0)) {
        return -1;
    }
    m->depth++;
    for (size_t i = 0; i < n && to.map != from.map; i++) {
        struct tph_expr_entry entry = *tph_expr_map_at(from.map, i);
        int result = merge_entry(m, to, tph_expr_element_type(from.type), &entry);
        if (result != 0) {
            return result;
        }
    }
    m->depth--;
    return 0;
}

static int fn_merge(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct merge m = {.call = call, .overwrite = call->function->tag & OVERWRITE};
    struct tph_expr_value to = call->args[0];
    for (size_t i = 1; i < call->n_args; i++) {
        if (!to.map && call->args[i].map && tph_expr_map_new(call->memory, TPH_EXPR_MAP, &to) < 0) {
            return -1;
        }
        int result = call->args[i].map ? merge_maps(&m, to, call->args[i]) : 0;
        if (result == DIFFERENT_TYPES && call->function->tag & MUST) {
            return tph_expr_fail(call, "src and dst must be of same type");
        }
        if (result == DIFFERENT_TYPES) {
            *ret = tph_expr_cstr("");
            return 0;
        }
        if (result < 0) {
            return -1;
        }
    }
    *ret = to;
    return 0;
}

static int copy(struct tph_expr_call *call, struct tph_expr_value value, size_t depth, struct tph_expr_value *ret);

static int copy_list(struct tph_expr_call *call, struct tph_expr_value list, size_t depth, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (tph_expr_reserve(&b, list.list.n) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.list.n; i++) {
        if (copy(call, list.list.items[i], depth, &b.items[i]) < 0) {
            return -1;
        }
        b.n++;
    }
    return tph_expr_finish(&b, list.type, ret);
}

static int copy_map(struct tph_expr_call *call, struct tph_expr_value map, size_t depth, struct tph_expr_value *ret)
{
    struct tph_expr_value made;
    if (tph_expr_map_new(call->memory, map.type, &made) < 0) {
        return -1;
    }
    for (size_t i = 0; i < tph_expr_map_len(map.map); i++) {
        struct tph_expr_entry entry = *tph_expr_map_at(map.map, i);
        struct tph_expr_value value;
        if (copy(call, entry.value, depth, &value) < 0 ||
            tph_expr_map_put(call->memory, made.map, entry.key, value) < 0) {
            return -1;
        }
    }
    *ret = made;
    return 0;
}

static int copy(struct tph_expr_call *call, struct tph_expr_value value, size_t depth, struct tph_expr_value *ret)
{
    if (depth >= TPH_LIMIT_EXPR_DEPTH) {
        return tph_expr_fail(call, "values in each other, more than %d", TPH_LIMIT_EXPR_DEPTH);
    }
    if (tph_expr_work(call, 1) < 0) {
        return -1;
    }
    if (tph_expr_is_list(value.type) && value.list.items) {
        return copy_list(call, value, depth + 1, ret);
    }
    if (tph_expr_is_map(value.type) && value.map) {
        return copy_map(call, value, depth + 1, ret);
    }
    *ret = value;
    return 0;
}

static int fn_deep_copy(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    if (call->args[0].type == TPH_EXPR_NIL) {
        return tph_expr_fail(call, "reflect: call of reflect.Value.Type on zero Value");
    }
    return copy(call, call->args[0], 0, ret);
}

#define ANY(text, function, letters, number)                                                               \
    {                                                                                                      \
        .name = (text), .native = (function), .params = (letters), .result = TPH_EXPR_ANY, .tag = (number) \
    }

const struct tph_expr_function expr_sprig_merge[] = {
    ANY("merge", fn_merge, "mm*", 0),
    ANY("mustMerge", fn_merge, "mm*", MUST),
    ANY("mergeOverwrite", fn_merge, "mm*", OVERWRITE),
    ANY("mustMergeOverwrite", fn_merge, "mm*", OVERWRITE | MUST),
    ANY("deepCopy", fn_deep_copy, "a", 0),
    ANY("mustDeepCopy", fn_deep_copy, "a", 0),
    {.name = NULL},
};
