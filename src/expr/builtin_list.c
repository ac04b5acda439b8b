/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on lists and maps. Keys come sorted, where Go leaves their order open. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "expr/native.h"

static int fn_len(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *value = &call->args[0];
    int64_t n = 0;
    if (value->type == TPH_EXPR_STRING) {
        for (size_t at = 0; at < value->str.len; n++) {
            uint32_t rune = 0;
            at += tph_utf8_decode(tph_str_slice(value->str, at, value->str.len), &rune);
        }
        if (expr_work(call->run, value->str.len / 64) < 0) {
            return -1;
        }
    } else if (expr_length(*value, &n) < 0) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(*value, &type);
        return tph_expr_fail(call, "invalid argument for len (type %s)", tph_buf_cstr(&type));
    }
    *ret = tph_expr_int(n);
    return 0;
}

static int fetch_or_nil(const struct tph_expr_value *from, int64_t index, struct tph_expr_value *ret)
{
    int64_t n = 0;
    *ret = TPH_EXPR_VALUE_NIL;
    if (tph_expr_is_map(from->type)) {
        const struct tph_expr_value *found =
            tph_expr_key_type(from->type) == TPH_EXPR_ANY ? tph_expr_map_find(from->map, tph_expr_int(index)) : NULL;
        *ret = found ? *found : TPH_EXPR_VALUE_NIL;
        return 0;
    }
    if (expr_length(*from, &n) == 0 && n > 0) {
        *ret = expr_item(*from, index < 0 ? n + index : index);
    }
    return 0;
}

/* first, last: whatever goes wrong is nil. */
static int fn_end(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    const struct tph_expr_value *list = expr_arg(call, 0);
    return list ? fetch_or_nil(list, call->function->tag, ret) : -1;
}

static int get_index(struct tph_expr_call *call, const struct tph_expr_value *from, const struct tph_expr_value *key,
                     struct tph_expr_value *ret)
{
    int64_t index = 0;
    int64_t n = 0;
    if (expr_to_int(call->run, *key, &index) < 0) {
        return -1;
    }
    (void)expr_length(*from, &n);
    index = index < 0 ? (int64_t)((uint64_t)n + (uint64_t)index) : index;
    *ret = index >= 0 && index < n ? expr_item(*from, index) : TPH_EXPR_VALUE_NIL;
    return 0;
}

/* As an index, but what is not there is nil. */
static int fn_get(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    if (call->n_args < 2) {
        return tph_expr_fail(call, "invalid number of arguments (expected 2, got %zu)", call->n_args);
    }
    const struct tph_expr_value *from = &call->args[0];
    const struct tph_expr_value *key = &call->args[1];
    *ret = TPH_EXPR_VALUE_NIL;
    if (key->type == TPH_EXPR_STRING && expr_find_method(from->type, key->str)) {
        return expr_fetch(call->run, *from, *key, ret);
    }
    if (tph_expr_is_list(from->type) || from->type == TPH_EXPR_STRING || from->type == TPH_EXPR_BYTES) {
        return get_index(call, from, key, ret);
    }
    if (tph_expr_is_map(from->type)) {
        const struct tph_expr_value *found = NULL;
        if (expr_map_index(call->run, *from, *key, &found) < 0) {
            return -1;
        }
        *ret = found ? *found : TPH_EXPR_VALUE_NIL;
        return 0;
    }
    if (from->type == TPH_EXPR_TIME && key->type != TPH_EXPR_STRING) {
        return expr_wrong_type(call->run, *key, "string");
    }
    return 0;
}

static int fn_take(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = 0;
    if (expr_arg_count(call, 2) < 0) {
        return -1;
    }
    const struct tph_expr_value *list = &call->args[0];
    const struct tph_expr_value *wanted = &call->args[1];
    if (!expr_as_list(list, &n)) {
        return tph_expr_fail(call, "cannot take from %s", expr_kind(list));
    }
    bool is_signed =
        tph_expr_is_integer(wanted->type) && !(wanted->type >= TPH_EXPR_UINT && wanted->type <= TPH_EXPR_UINT64);
    if (!is_signed) {
        return tph_expr_fail(call, "cannot take %s elements", expr_kind(wanted));
    }
    if (list->type == TPH_EXPR_PAIR) {
        return tph_expr_fail(call, "reflect.Value.Slice: slice of unaddressable array");
    }
    if (wanted->i < 0) {
        return tph_expr_fail(call, "reflect.Value.Slice: slice index out of bounds");
    }
    return expr_slice(call->run, *list, tph_expr_int(0), tph_expr_int(wanted->i < n ? wanted->i : n), ret);
}

enum { KEYS, VALUES, PAIRS };

static int make_pair(struct tph_expr_call *call, const struct tph_expr_entry *entry, struct tph_expr_value *ret)
{
    struct tph_expr_value *pair = tph_expr_alloc_array(call->memory, sizeof(*pair), 2);
    if (!pair) {
        return -1;
    }
    pair[0] = entry->key;
    pair[1] = entry->value;
    *ret = (struct tph_expr_value){.type = TPH_EXPR_PAIR, .list = {.items = pair, .n = 2}};
    return 0;
}

static int fn_entries(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int what = call->function->tag;
    if (expr_arg_count(call, 1) < 0) {
        return -1;
    }
    const struct tph_expr_value *map = &call->args[0];
    if (!tph_expr_is_map(map->type)) {
        return what == KEYS     ? tph_expr_fail(call, "cannot get keys from %s", expr_kind(map))
               : what == VALUES ? tph_expr_fail(call, "cannot get values from %s", expr_kind(map))
                                : tph_expr_fail(call, "cannot transform %s to pairs", expr_kind(map));
    }
    TPH_CLEANUP(tph_freep) const struct tph_expr_entry **sorted = tph_expr_map_sorted(map->map);
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    size_t n = tph_expr_map_len(map->map);
    if (tph_expr_reserve(&b, n) < 0 || expr_work(call->run, n) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_expr_value item = what == KEYS ? sorted[i]->key : sorted[i]->value;
        if ((what == PAIRS && make_pair(call, sorted[i], &item) < 0) || tph_expr_push(&b, item) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, what == PAIRS ? TPH_EXPR_LIST_PAIR : TPH_EXPR_LIST, ret);
}

static int fail_shown(struct tph_expr_call *call, const char *before, const struct tph_expr_value *value,
                      const char *after, bool as_text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_KIB(64));
    if (value->type == TPH_EXPR_NIL) {
        (void)tph_buf_puts(&shown, "<invalid reflect.Value>");
    } else if (as_text) {
        tph_expr_print_s(*value, &shown);
    } else {
        tph_expr_print(*value, &shown);
    }
    return tph_expr_fail(call, "%s%s%s", before, tph_buf_cstr(&shown), after);
}

static int fn_from_pairs(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    int64_t n = 0;
    if (expr_arg_count(call, 1) < 0) {
        return -1;
    }
    if (!expr_as_list(&call->args[0], &n)) {
        return fail_shown(call, "cannot transform ", &call->args[0], " from pairs", true);
    }
    if (tph_expr_map_new(call->memory, TPH_EXPR_MAP_ANY, &map) < 0) {
        return -1;
    }
    for (int64_t i = 0; i < n; i++) {
        struct tph_expr_value pair = expr_item(call->args[0], i);
        const struct tph_expr_value *found = NULL;
        int64_t length = 0;
        if (!expr_as_list(&pair, &length)) {
            return fail_shown(call, "invalid pair ", &pair, "", false);
        }
        if (length != 2) {
            return fail_shown(call, "invalid pair length ", &pair, "", false);
        }
        if (expr_map_index(call->run, map, expr_item(pair, 0), &found) < 0 || expr_work(call->run, 1) < 0 ||
            tph_expr_map_put(call->memory, map.map, expr_item(pair, 0), expr_item(pair, 1)) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int fn_reverse(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = 0;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (expr_arg_count(call, 1) < 0) {
        return -1;
    }
    if (!expr_as_list(&call->args[0], &n)) {
        return tph_expr_fail(call, "cannot reverse %s", expr_kind(&call->args[0]));
    }
    if (expr_charge(call->run, (uint64_t)n) < 0 || tph_expr_reserve(&b, (size_t)n) < 0) {
        return -1;
    }
    for (int64_t i = n; i > 0; i--) {
        b.items[b.n++] = expr_item(call->args[0], i - 1);
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int fn_uniq(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = 0;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (expr_arg_count(call, 1) < 0) {
        return -1;
    }
    if (!expr_as_list(&call->args[0], &n)) {
        return tph_expr_fail(call, "cannot uniq %s", expr_kind(&call->args[0]));
    }
    for (int64_t i = 0; i < n; i++) {
        struct tph_expr_value item = expr_item(call->args[0], i);
        bool seen = false;
        for (size_t j = 0; j < b.n && !seen; j++) {
            if (expr_equal(call->run, item, b.items[j], &seen) < 0) {
                return -1;
            }
        }
        if (!seen && tph_expr_push(&b, item) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int fn_concat(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (call->n_args == 0) {
        return tph_expr_fail(call, "invalid number of arguments (expected at least 1, got 0)");
    }
    for (size_t i = 0; i < call->n_args; i++) {
        int64_t n = 0;
        if (!expr_as_list(&call->args[i], &n)) {
            return tph_expr_fail(call, "cannot concat %s", expr_kind(&call->args[i]));
        }
        for (int64_t j = 0; j < n; j++) {
            if (tph_expr_push(&b, expr_item(call->args[i], j)) < 0) {
                return -1;
            }
        }
    }
    if (expr_charge(call->run, b.n) < 0) {
        return -1;
    }
    if (b.n == 0) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST}; /* nil, as in Go */
        return 0;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int flatten(struct tph_expr_call *call, const struct tph_expr_value *list, size_t depth,
                   struct tph_expr_builder *b)
{
    int64_t n = 0;
    if (depth > TPH_LIMIT_EXPR_DEPTH) {
        return tph_expr_fail(call, "recursion depth exceeded");
    }
    (void)expr_length(*list, &n);
    for (int64_t i = 0; i < n; i++) {
        struct tph_expr_value item = expr_item(*list, i);
        int64_t inner = 0;
        if (expr_work(call->run, 1) < 0) {
            return -1;
        }
        if ((expr_as_list(&item, &inner) ? flatten(call, &item, depth + 1, b) : tph_expr_push(b, item)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fn_flatten(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    int64_t n = 0;
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    if (expr_arg_count(call, 1) < 0) {
        return -1;
    }
    if (!expr_as_list(&call->args[0], &n)) {
        return tph_expr_fail(call, "cannot flatten %s", expr_kind(&call->args[0]));
    }
    if (flatten(call, &call->args[0], 0, &b) < 0 || expr_charge(call->run, b.n) < 0) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int read_order(struct tph_expr_call *call, bool *ret_down)
{
    const struct tph_expr_value *order = &call->args[1];
    if (order->type != TPH_EXPR_STRING) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(*order, &type);
        return tph_expr_fail(call, "sort order argument must be a string (got %s)", tph_buf_cstr(&type));
    }
    *ret_down = tph_str_eqz(order->str, "desc");
    if (!*ret_down && !tph_str_eqz(order->str, "asc")) {
        return tph_expr_fail(call, "invalid order %.*s, expected asc or desc", TPH_FMT(order->str));
    }
    return 0;
}

static int fn_sort(struct tph_expr_call *call, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    bool down = false;
    if (call->n_args != 1 && call->n_args != 2) {
        return tph_expr_fail(call, "invalid number of arguments (expected 1 or 2, got %zu)", call->n_args);
    }
    if (call->n_args == 2 && read_order(call, &down) < 0) {
        return -1;
    }
    const struct tph_expr_value *list = &call->args[0];
    if (list->type < TPH_EXPR_LIST || list->type > TPH_EXPR_LIST_FLOAT || !list->list.items) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_LIST}; /* what it cannot sort is nil */
        if (!tph_expr_is_list(list->type) || list->list.items) {
            return 0;
        }
    }
    if (tph_expr_reserve(&b, list->list.n) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->list.n; i++) {
        b.items[b.n++] = list->list.items[i];
    }
    if (expr_sort(call->run, b.items, NULL, b.n, down) < 0 || expr_charge(call->run, b.n) < 0) {
        return -1;
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

#define KINDS(function_name, fn, number, allowed, refused, what, type)                                              \
    {                                                                                                               \
        .function = {.name = (function_name), .native = (fn), .tag = (number)}, .judgement = EXPR_JUDGE_ONE,        \
        .style = EXPR_STYLE_MANY, .kinds = (allowed), .refusal = (refused), .result = (what), .result_type = (type) \
    }
#define JUDGED(function_name, fn, by)                                                                      \
    {                                                                                                      \
        .function = {.name = (function_name), .native = (fn)}, .judgement = (by), .style = EXPR_STYLE_MANY \
    }

static const struct expr_signature sort_signatures[] = {
    {"ls", "l", 0}, {"ns", "l", 0}, {"Fs", "l", 0}, {"Ss", "l", 0},
    {"l", "l", 0},  {"F", "l", 0},  {"S", "l", 0},  {"n", "l", 0},
};

static const struct expr_builtin rows[] = {
    {.function = {.name = "len", .native = fn_len},
     .judgement = EXPR_JUDGE_ONE,
     .style = EXPR_STYLE_ONE,
     .kinds = EXPR_KIND_LIST | EXPR_KIND_MAP | EXPR_KIND_STRING,
     .refusal = "invalid argument for len (type %s)",
     .result_type = TPH_EXPR_INT},
    KINDS("first", fn_end, 0, EXPR_KIND_LIST, "cannot get first element from %s", EXPR_RESULT_ELEMENT, 0),
    KINDS("last", fn_end, -1, EXPR_KIND_LIST, "cannot get last element from %s", EXPR_RESULT_ELEMENT, 0),
    JUDGED("get", fn_get, EXPR_JUDGE_GET),
    JUDGED("take", fn_take, EXPR_JUDGE_TAKE),
    KINDS("keys", fn_entries, KEYS, EXPR_KIND_MAP, "cannot get keys from %s", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    KINDS("values", fn_entries, VALUES, EXPR_KIND_MAP, "cannot get values from %s", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    KINDS("toPairs", fn_entries, PAIRS, EXPR_KIND_MAP, "cannot transform %s to pairs", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    KINDS("fromPairs", fn_from_pairs, 0, EXPR_KIND_LIST, "cannot transform %s from pairs", EXPR_RESULT_TYPE,
          TPH_EXPR_MAP_ANY),
    KINDS("reverse", fn_reverse, 0, EXPR_KIND_LIST, "cannot reverse %s", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    KINDS("uniq", fn_uniq, 0, EXPR_KIND_LIST, "cannot uniq %s", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    JUDGED("concat", fn_concat, EXPR_JUDGE_CONCAT),
    KINDS("flatten", fn_flatten, 0, EXPR_KIND_LIST, "cannot flatten %s", EXPR_RESULT_TYPE, TPH_EXPR_LIST),
    {.function = {.name = "sort", .native = fn_sort},
     .judgement = EXPR_JUDGE_SIGNATURES,
     .style = EXPR_STYLE_MANY,
     .signatures = sort_signatures,
     .n_signatures = sizeof(sort_signatures) / sizeof(sort_signatures[0])},
};

const struct expr_builtins expr_list_builtins = {rows, sizeof(rows) / sizeof(rows[0])};
