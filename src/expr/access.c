/* SPDX-License-Identifier: Apache-2.0 */
/* Members, elements, slices, in. */
#include "expr/eval.h"
#include "expr/time.h"

#include "base/utf8.h"

int expr_length(struct tph_expr_value value, int64_t *ret)
{
    if (value.type == TPH_EXPR_STRING || value.type == TPH_EXPR_BYTES) {
        *ret = (int64_t)value.str.len;
    } else if (tph_expr_is_list(value.type)) {
        *ret = (int64_t)value.list.n;
    } else if (tph_expr_is_map(value.type)) {
        *ret = (int64_t)tph_expr_map_len(value.map);
    } else {
        return -1;
    }
    return 0;
}

void expr_deref(struct tph_expr_value *value)
{
    if (value->type == TPH_EXPR_LOCATION || value->type == TPH_EXPR_VERSION) {
        value->type = value->type == TPH_EXPR_LOCATION ? TPH_EXPR_ZONE_STRUCT : TPH_EXPR_VERSION_STRUCT;
    }
}

struct tph_expr_value expr_item(struct tph_expr_value list, int64_t index)
{
    if (list.type == TPH_EXPR_STRING || list.type == TPH_EXPR_BYTES) {
        return (struct tph_expr_value){.type = TPH_EXPR_UINT8, .u = (unsigned char)list.str.p[index]};
    }
    return list.list.items[index];
}

/* What a value is called in %v, for messages that show a key. */
static int cannot_fetch(struct tph_expr_run *run, struct tph_expr_value key, struct tph_expr_value from)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    tph_expr_print(key, &shown);
    tph_expr_print_type(from, &type);
    return expr_fail(run, "cannot fetch %s from %s", tph_buf_cstr(&shown), tph_buf_cstr(&type));
}

int expr_map_index(struct tph_expr_run *run, struct tph_expr_value map, struct tph_expr_value key,
                   const struct tph_expr_value **ret)
{
    bool any = tph_expr_key_type(map.type) == TPH_EXPR_ANY;
    if (!any && key.type == TPH_EXPR_NIL) {
        key = tph_expr_str(TPH_STR(""));
    }
    if (!any && key.type != TPH_EXPR_STRING) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(key, &type);
        return expr_fail(run, "reflect.Value.MapIndex: value of type %s is not assignable to type string",
                         tph_buf_cstr(&type));
    }
    if (tph_expr_is_list(key.type) || tph_expr_is_map(key.type) || key.type == TPH_EXPR_BYTES ||
        key.type == TPH_EXPR_FUNCTION) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(key, &type);
        return expr_fail(run, "hash of unhashable type: %s", tph_buf_cstr(&type));
    }
    *ret = tph_expr_map_find(map.map, key);
    return 0;
}

static struct tph_expr_value zero_element(enum tph_expr_type map)
{
    enum tph_expr_type type = tph_expr_element_type(map);
    return (struct tph_expr_value){.type = type == TPH_EXPR_ANY ? TPH_EXPR_NIL : type};
}

static int fetch_index(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value key,
                       struct tph_expr_value *ret)
{
    int64_t index = 0;
    int64_t n = 0;
    if (expr_to_int(run, key, &index) < 0) {
        return -1;
    }
    (void)expr_length(from, &n);
    if (index < 0) {
        index = (int64_t)((uint64_t)n + (uint64_t)index);
    }
    if (index < 0 || index >= n) {
        return expr_fail(run, "index out of range: %lld (array length is %lld)", (long long)index, (long long)n);
    }
    *ret = expr_item(from, index);
    return 0;
}

static int fetch_map(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value key,
                     struct tph_expr_value *ret)
{
    const struct tph_expr_value *found = NULL;
    if (expr_map_index(run, from, key, &found) < 0) {
        return -1;
    }
    *ret = found ? *found : zero_element(from.type);
    return 0;
}

static int fetch_scope(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value key,
                       struct tph_expr_value *ret)
{
    bool found = false;
    if (key.type != TPH_EXPR_STRING) {
        struct tph_expr_value map = from;
        return expr_force(run, &map) ? fetch_map(run, map, key, ret) : -1;
    }
    *ret = TPH_EXPR_VALUE_NIL;
    return expr_scope_member(run, from.scope, key.str, &found, ret);
}

/* A method of a value, taken without being called. */
static int bind(struct tph_expr_run *run, const struct expr_method *method, struct tph_expr_value receiver,
                struct tph_expr_value *ret)
{
    struct tph_expr_bound *bound = tph_expr_alloc(run->memory, sizeof(*bound));
    if (!bound) {
        return -1;
    }
    *bound = (struct tph_expr_bound){.method = method, .receiver = receiver};
    *ret = (struct tph_expr_value){.type = TPH_EXPR_FUNCTION, .bound = true, .method = bound};
    return 0;
}

int expr_fetch(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value key,
               struct tph_expr_value *ret)
{
    const struct expr_method *method = key.type == TPH_EXPR_STRING ? expr_find_method(from.type, key.str) : NULL;
    if (method) {
        return bind(run, method, from, ret);
    }
    if (from.type == TPH_EXPR_SCOPE) {
        return fetch_scope(run, from, key, ret);
    }
    if (tph_expr_is_list(from.type) || from.type == TPH_EXPR_STRING || from.type == TPH_EXPR_BYTES) {
        return fetch_index(run, from, key, ret);
    }
    if (tph_expr_is_map(from.type)) {
        return fetch_map(run, from, key, ret);
    }
    if (from.type == TPH_EXPR_TIME && key.type != TPH_EXPR_STRING) {
        return expr_wrong_type(run, key, "string");
    }
    return cannot_fetch(run, key, from);
}

static int bound_of(struct tph_expr_run *run, struct tph_expr_value value, int64_t n, int64_t *ret)
{
    int64_t at = 0;
    if (expr_to_int(run, value, &at) < 0) {
        return -1;
    }
    at = at < 0 ? (int64_t)((uint64_t)n + (uint64_t)at) : at;
    *ret = at < 0 ? 0 : at;
    return 0;
}

int expr_slice(struct tph_expr_run *run, struct tph_expr_value from, struct tph_expr_value low,
               struct tph_expr_value high, struct tph_expr_value *ret)
{
    int64_t n = 0;
    int64_t a = 0;
    int64_t b = 0;
    if (expr_length(from, &n) < 0 || tph_expr_is_map(from.type)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_KIB(64));
        tph_expr_print(low, &shown); /* the library shows the bound, not what it is taken from */
        return expr_fail(run, "cannot slice %s", tph_buf_cstr(&shown));
    }
    if (bound_of(run, low, n, &a) < 0 || bound_of(run, high, n, &b) < 0) {
        return -1;
    }
    b = b > n ? n : b;
    a = a > b ? b : a;
    *ret = from;
    if (tph_expr_is_list(from.type)) {
        ret->type = from.type == TPH_EXPR_PAIR ? TPH_EXPR_LIST : from.type;
        ret->list.items = from.list.items ? from.list.items + a : NULL;
        ret->list.n = (size_t)(b - a);
    } else {
        ret->str = tph_str_slice(from.str, (size_t)a, (size_t)b);
    }
    return 0;
}

static int in_list(struct tph_expr_run *run, struct tph_expr_value needle, struct tph_expr_value list, bool *ret)
{
    int64_t n = 0;
    (void)expr_length(list, &n);
    *ret = false;
    for (int64_t i = 0; i < n && !*ret; i++) {
        if (expr_equal(run, expr_item(list, i), needle, ret) < 0) {
            return -1;
        }
    }
    return 0;
}

int expr_in(struct tph_expr_run *run, struct tph_expr_value needle, struct tph_expr_value in, bool *ret)
{
    if (in.type == TPH_EXPR_NIL) {
        *ret = false;
        return 0;
    }
    if (in.type == TPH_EXPR_SCOPE && needle.type == TPH_EXPR_STRING) {
        struct tph_expr_value found = TPH_EXPR_VALUE_NIL;
        return expr_scope_member(run, in.scope, needle.str, ret, &found);
    }
    if (!expr_force(run, &in)) {
        return -1;
    }
    if (tph_expr_is_list(in.type) || in.type == TPH_EXPR_BYTES) {
        return in_list(run, needle, in, ret);
    }
    if (tph_expr_is_map(in.type)) {
        const struct tph_expr_value *found = NULL;
        if (expr_map_index(run, in, needle, &found) < 0) {
            return -1;
        }
        *ret = found != NULL;
        return 0;
    }
    if (in.type == TPH_EXPR_TIME && needle.type == TPH_EXPR_STRING) {
        *ret = false; /* it has no fields that can be seen */
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(512);
    tph_expr_print_type(in, &type);
    tph_expr_print_type(needle, &name);
    if (in.type == TPH_EXPR_TIME) {
        return expr_fail(run, "cannot use %s as field name of %s", tph_buf_cstr(&name), tph_buf_cstr(&type));
    }
    return expr_fail(run, "operator \"in\" not defined on %s", tph_buf_cstr(&type));
}
