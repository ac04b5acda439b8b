/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that take a predicate. */
#include "expr/eval.h"

struct loop {
    struct tph_expr_run *run;
    const struct expr_node *node;
    struct expr_loop_state state;
};

static int fail_kind(struct tph_expr_run *run, const char *method, struct tph_expr_value value)
{
    if (value.type == TPH_EXPR_NIL) {
        return expr_fail(run, "reflect: call of reflect.Value.%s on zero Value", method);
    }
    return expr_fail(run, "reflect: call of reflect.Value.%s on %s Value", method, tph_expr_kind_name(value.type));
}

/* The value of the predicate, or of a body, for the element that the loop is at. */
static int eval_body(struct loop *l, const struct expr_node *body, struct tph_expr_value *ret)
{
    if (!body) { /* count(list), sum(list): the element itself */
        l->run->at = l->node->at;
        if (tph_expr_is_map(l->state.list.type)) {
            return fail_kind(l->run, "Index", l->state.list);
        }
        *ret = expr_item(l->state.list, l->state.index);
        return 0;
    }
    int result = expr_eval(l->run, body, ret);
    l->run->at = l->node->at;
    return result < 0 || !expr_force(l->run, ret) ? -1 : 0;
}

static const struct expr_node *predicate_of(const struct loop *l)
{
    return l->node->n_items > 1 ? l->node->items[1] : NULL;
}

static int test(struct loop *l, bool *ret)
{
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (eval_body(l, predicate_of(l), &value) < 0) {
        return -1;
    }
    if (value.type != TPH_EXPR_BOOL) {
        return expr_wrong_type(l->run, value, "bool");
    }
    *ret = value.truth;
    return 0;
}

/* all, none, any: whether one element tests as `looked_for`. */
static int search(struct loop *l, bool looked_for, bool *ret)
{
    *ret = false;
    for (; l->state.index < l->state.n; l->state.index++) {
        bool truth = false;
        if (test(l, &truth) < 0) {
            return -1;
        }
        if (truth == looked_for) {
            *ret = true;
            return 0;
        }
    }
    return 0;
}

static int count(struct loop *l, int64_t *ret)
{
    int64_t enough = l->node->threshold > 0 ? l->node->threshold : INT64_MAX;
    for (*ret = 0; l->state.index < l->state.n && *ret < enough; l->state.index++) {
        bool truth = false;
        if (test(l, &truth) < 0) {
            return -1;
        }
        *ret += truth;
    }
    return 0;
}

static int filter(struct loop *l, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(l->run->memory);
    for (; l->state.index < l->state.n; l->state.index++) {
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        bool truth = false;
        if (test(l, &truth) < 0 || (truth && eval_body(l, l->node->third, &item) < 0) ||
            (truth && tph_expr_push(&b, item) < 0)) {
            return -1;
        }
    }
    return expr_charge(l->run, b.n) < 0 ? -1 : tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int map(struct loop *l, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(l->run->memory);
    if (tph_expr_reserve(&b, (size_t)l->state.n) < 0) {
        return -1;
    }
    for (; l->state.index < l->state.n; l->state.index++) {
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        if (eval_body(l, predicate_of(l), &item) < 0 || tph_expr_push(&b, item) < 0) {
            return -1;
        }
    }
    return expr_charge(l->run, b.n) < 0 ? -1 : tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

/* sum of list parts that the library adds from the right: sum([a, b, c]) is a + (b + c). */
static int sum_parts(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    const struct expr_node *list = node->items[0];
    struct tph_expr_value *values = tph_expr_alloc_array(run->memory, sizeof(*values), list->n_items);
    if (!values) {
        return -1;
    }
    for (size_t i = 0; i < list->n_items; i++) {
        if (expr_eval(run, list->items[i], &values[i]) < 0 || !expr_force(run, &values[i])) {
            return -1;
        }
    }
    *ret = values[list->n_items - 1];
    for (size_t i = list->n_items - 1; i > 0; i--) {
        struct tph_expr_value right = *ret;
        run->at = i == 1 ? node->at : 0; /* sums inside the first have no place */
        if (expr_binary(run, EXPR_OP_ADD, values[i - 1], right, ret) < 0) {
            return -1;
        }
    }
    return 0;
}

static int sum(struct loop *l, struct tph_expr_value *ret)
{
    struct tph_expr_value acc = tph_expr_int(0);
    for (; l->state.index < l->state.n; l->state.index++) {
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        struct tph_expr_value before = acc;
        if (eval_body(l, predicate_of(l), &item) < 0 || expr_binary(l->run, EXPR_OP_ADD, item, before, &acc) < 0) {
            return -1;
        }
    }
    *ret = acc;
    return 0;
}

/* find and its kin: the element (or what is made of it), or where it is. */
static int find(struct loop *l, enum expr_loop kind, struct tph_expr_value *ret)
{
    bool backwards = kind == EXPR_LOOP_FIND_LAST || kind == EXPR_LOOP_FIND_LAST_INDEX;
    bool wants_index = kind == EXPR_LOOP_FIND_INDEX || kind == EXPR_LOOP_FIND_LAST_INDEX;
    l->state.index = backwards ? l->state.n - 1 : 0;
    for (; l->state.index >= 0 && l->state.index < l->state.n; l->state.index += backwards ? -1 : 1) {
        bool truth = false;
        if (test(l, &truth) < 0) {
            return -1;
        }
        if (truth && wants_index) {
            *ret = tph_expr_int(l->state.index);
            return 0;
        }
        if (truth) {
            return eval_body(l, l->node->third, ret);
        }
    }
    if (l->node->throws) {
        return expr_fail(l->run, "reflect: slice index out of range");
    }
    *ret = TPH_EXPR_VALUE_NIL;
    return 0;
}

static int check_hashable(struct tph_expr_run *run, struct tph_expr_value key)
{
    bool good = !tph_expr_is_list(key.type) && !tph_expr_is_map(key.type) && key.type != TPH_EXPR_BYTES &&
                key.type != TPH_EXPR_FUNCTION;
    return good ? 0 : expr_fail(run, "hash of unhashable type: %s", tph_expr_type_name(key.type));
}

struct group {
    struct tph_expr_value key;
    struct tph_expr_builder members;
    struct group *next;
};

/* The group of a key: the map holds its number, groups stand in a row. */
static int find_group(struct loop *l, struct tph_expr_map *numbers, struct tph_expr_value key, struct group *groups,
                      size_t *n, struct group **ret)
{
    const struct tph_expr_value *number = tph_expr_map_find(numbers, key);
    if (number) {
        *ret = &groups[number->i];
        return 0;
    }
    *ret = &groups[*n];
    **ret = (struct group){.key = key, .members = TPH_EXPR_BUILDER(l->run->memory)};
    return tph_expr_map_put(l->run->memory, numbers, key, tph_expr_int((int64_t)(*n)++));
}

static int group_by(struct loop *l, struct tph_expr_value *ret)
{
    struct tph_expr_memory *memory = l->run->memory;
    struct tph_expr_value numbers = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value result = TPH_EXPR_VALUE_NIL;
    struct group *groups = tph_expr_alloc_array(memory, sizeof(*groups), (size_t)l->state.n);
    size_t n = 0;
    if (!groups || tph_expr_map_new(memory, TPH_EXPR_MAP_ANY, &numbers) < 0 ||
        tph_expr_map_new(memory, TPH_EXPR_MAP_GROUPS, &result) < 0) {
        return -1;
    }
    for (; l->state.index < l->state.n; l->state.index++) {
        struct tph_expr_value key = TPH_EXPR_VALUE_NIL;
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        struct group *group = NULL;
        if (eval_body(l, predicate_of(l), &key) < 0 || check_hashable(l->run, key) < 0 ||
            eval_body(l, NULL, &item) < 0 || find_group(l, numbers.map, key, groups, &n, &group) < 0 ||
            tph_expr_push(&group->members, item) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_expr_value list = TPH_EXPR_VALUE_NIL;
        if (tph_expr_finish(&groups[i].members, TPH_EXPR_LIST, &list) < 0 ||
            tph_expr_map_put(memory, result.map, groups[i].key, list) < 0) {
            return -1;
        }
    }
    *ret = result;
    return 0;
}

static int read_order(struct loop *l, bool *ret_down)
{
    struct tph_expr_value order = tph_expr_str(TPH_STR("asc"));
    if (l->node->n_items > 2 && expr_eval(l->run, l->node->items[2], &order) < 0) {
        return -1;
    }
    l->run->at = l->node->at;
    if (order.type != TPH_EXPR_STRING) {
        return expr_fail(l->run, "sortBy order argument must be a string");
    }
    *ret_down = tph_str_eqz(order.str, "desc");
    return *ret_down || tph_str_eqz(order.str, "asc") ? 0 : expr_fail(l->run, "unknown order, use asc or desc");
}

static int sort_by(struct loop *l, struct tph_expr_value *ret)
{
    struct tph_expr_builder items = TPH_EXPR_BUILDER(l->run->memory);
    struct tph_expr_builder keys = TPH_EXPR_BUILDER(l->run->memory);
    bool down = false;
    if (read_order(l, &down) < 0 || tph_expr_reserve(&items, (size_t)l->state.n) < 0 ||
        tph_expr_reserve(&keys, (size_t)l->state.n) < 0) {
        return -1;
    }
    for (; l->state.index < l->state.n; l->state.index++) {
        struct tph_expr_value key = TPH_EXPR_VALUE_NIL;
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        if (eval_body(l, predicate_of(l), &key) < 0 || eval_body(l, NULL, &item) < 0 || tph_expr_push(&keys, key) < 0 ||
            tph_expr_push(&items, item) < 0) {
            return -1;
        }
    }
    if (expr_sort(l->run, keys.items, items.items, keys.n, down) < 0 || expr_charge(l->run, (uint64_t)l->state.n) < 0) {
        return -1;
    }
    return tph_expr_finish(&items, TPH_EXPR_LIST, ret);
}

static int reduce(struct loop *l, struct tph_expr_value *ret)
{
    struct expr_loop_state *state = &l->state;
    if (l->node->n_items > 2) {
        if (eval_body(l, l->node->items[2], &state->acc) < 0) {
            return -1;
        }
    } else if (state->n == 0) {
        return expr_fail(l->run, "reduce of empty array with no initial value");
    } else if (eval_body(l, NULL, &state->acc) == 0) {
        state->index = 1;
    } else {
        return -1;
    }
    for (; state->index < state->n; state->index++) {
        struct tph_expr_value next = TPH_EXPR_VALUE_NIL;
        if (eval_body(l, predicate_of(l), &next) < 0) {
            return -1;
        }
        state->acc = next;
    }
    *ret = state->acc;
    return 0;
}

static int run_loop(struct loop *l, enum expr_loop kind, struct tph_expr_value *ret)
{
    bool found = false;
    int64_t n = 0;
    switch (kind) {
    case EXPR_LOOP_ALL:
    case EXPR_LOOP_NONE:
    case EXPR_LOOP_ANY:
        if (search(l, kind != EXPR_LOOP_ALL, &found) < 0) {
            return -1;
        }
        *ret = tph_expr_bool(found == (kind == EXPR_LOOP_ANY));
        return 0;
    case EXPR_LOOP_ONE:
    case EXPR_LOOP_COUNT:
        if (count(l, &n) < 0) {
            return -1;
        }
        *ret = kind == EXPR_LOOP_ONE ? tph_expr_bool(n == 1) : tph_expr_int(n);
        return 0;
    case EXPR_LOOP_FILTER:
        return filter(l, ret);
    case EXPR_LOOP_MAP:
        return map(l, ret);
    case EXPR_LOOP_SUM:
        return sum(l, ret);
    case EXPR_LOOP_FIND:
    case EXPR_LOOP_FIND_INDEX:
    case EXPR_LOOP_FIND_LAST:
    case EXPR_LOOP_FIND_LAST_INDEX:
        return find(l, kind, ret);
    case EXPR_LOOP_GROUP_BY:
        return group_by(l, ret);
    case EXPR_LOOP_SORT_BY:
        return sort_by(l, ret);
    case EXPR_LOOP_REDUCE:
        return reduce(l, ret);
    }
    return -1;
}

int expr_eval_loop(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct loop l = {.run = run, .node = node, .state = {.outer = run->loop}};
    if (node->op == EXPR_OP_ADD) {
        return sum_parts(run, node, ret);
    }
    if (expr_eval(run, node->items[0], &l.state.list) < 0 || !expr_force(run, &l.state.list)) {
        return -1;
    }
    run->at = node->at;
    if (expr_length(l.state.list, &l.state.n) < 0) {
        return fail_kind(run, "Len", l.state.list);
    }
    run->loop = &l.state;
    int result = run_loop(&l, (enum expr_loop)node->builtin->function.tag, ret);
    run->loop = l.state.outer;
    return result;
}
