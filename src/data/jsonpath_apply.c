/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens applied to values. A token that leads to several values applies the rest of the path to each of them and keeps
 * what is something; one that is followed by an index applies that to its list. */
#include "data/jsonpath_internal.h"

static struct jp_path rest_of(struct jp_path path)
{
    return (struct jp_path){.tokens = path.tokens + 1, .n = path.n - 1};
}

static int wrong_target(struct jp_query *q, const char *token, const char *expected, const struct jp_value *got)
{
    return jp_fail(q, "%s: invalid token target. expected [%s] got [%s]", token, expected, jp_kind_name(got));
}

/* A list that grows. */
struct results {
    struct jp_value *items;
    size_t n;
    size_t capacity;
};

static void add(struct jp_query *q, struct results *results, struct jp_value value)
{
    if (results->n == results->capacity) {
        size_t capacity = results->capacity ? results->capacity * 2 : 8;
        struct jp_value *items = TPH_ARENA_ARRAY(q->arena, struct jp_value, capacity);
        for (size_t i = 0; i < results->n; i++) {
            items[i] = results->items[i];
        }
        results->items = items;
        results->capacity = capacity;
    }
    results->items[results->n++] = value;
}

static struct jp_value list_of(const struct results *results)
{
    return (struct jp_value){.type = JP_LIST, .items = results->items, .n = results->n};
}

/* What the rest of the path gives for one of several; nothing is added for errors and nil. */
static void add_result(struct jp_query *q, struct results *results, struct jp_value item, struct jp_path rest)
{
    struct jp_value value = {.type = JP_NIL};
    if (rest.n == 0) {
        add(q, results, item);
    } else if (jp_apply(q, item, rest, &value) == 0 && value.type != JP_NIL) {
        add(q, results, value);
    }
}

/* Ranges and unions: an index that follows takes from the list, anything else is applied to each of it. */
static bool is_for_each(struct jp_path rest)
{
    return rest.n > 0 && rest.tokens[0].kind != JP_INDEX;
}

static int finish(struct jp_query *q, const struct results *results, struct jp_path rest, struct jp_value *ret)
{
    if (rest.n > 0 && !is_for_each(rest)) {
        return jp_apply(q, list_of(results), rest, ret);
    }
    *ret = list_of(results);
    return 0;
}

static int apply_key(struct jp_query *q, const struct jp_value *current, struct tph_str key, struct jp_path rest,
                     struct jp_value *ret)
{
    if (current->type != JP_MAP) {
        return wrong_target(q, "key", "map", current);
    }
    const struct tph_json *member = tph_json_getn(current->json, key);
    if (!member) {
        return jp_fail(q, "key: invalid token key '%.*s' not found", TPH_FMT(key));
    }
    return jp_apply(q, jp_of_json(member), rest, ret);
}

static int apply_index(struct jp_query *q, const struct jp_value *current, int64_t index, struct jp_path rest,
                       struct jp_value *ret)
{
    const struct jp_value *items = NULL;
    if (current->type != JP_LIST) {
        return wrong_target(q, "index", "array slice", current);
    }
    int64_t n = (int64_t)jp_items(q, current, &items);
    index += index < 0 ? n : 0;
    if (index < 0 || index >= n) {
        return jp_fail(q, "index: invalid token out of range");
    }
    return jp_apply(q, items[index], rest, ret);
}

static int apply_length(struct jp_query *q, const struct jp_value *current, struct jp_path rest, struct jp_value *ret)
{
    struct jp_value value = {.type = JP_NUMBER, .is_count = true, .number = (double)current->n};
    const struct tph_json *member = current->type == JP_MAP ? tph_json_get(current->json, "length") : NULL;
    if (current->type == JP_STRING) {
        value.number = (double)current->text.len;
    } else if (current->type != JP_LIST && current->type != JP_MAP) {
        return wrong_target(q, "length", "array map slice string", current);
    }
    return jp_apply(q, member ? jp_of_json(member) : value, rest, ret);
}

static int apply_wildcard(struct jp_query *q, const struct jp_value *current, struct jp_path rest, struct jp_value *ret)
{
    const struct jp_value *items = NULL;
    struct results results = {.items = NULL};
    if (current->type != JP_LIST && current->type != JP_MAP) {
        return wrong_target(q, "wildcard", "array map slice", current);
    }
    size_t n = jp_items(q, current, &items);
    for (size_t i = 0; i < n && jp_step(q, 1); i++) {
        add_result(q, &results, items[i], rest);
    }
    *ret = list_of(&results);
    return 0;
}

static void recurse(struct jp_query *q, const struct jp_value *current, struct jp_path rest, struct results *results)
{
    const struct jp_value *items = NULL;
    struct jp_value found = *current;
    if (current->type == JP_NIL || !jp_step(q, 1)) {
        return;
    }
    int failed = rest.n > 0 ? jp_apply(q, *current, rest, &found) : 0;
    if (!failed && rest.n > 0 && found.type == JP_LIST) {
        size_t n = jp_items(q, &found, &items);
        for (size_t i = 0; i < n; i++) {
            add(q, results, items[i]);
        }
    } else if (!failed && found.type != JP_NIL) {
        add(q, results, found);
    }
    size_t n = jp_items(q, current, &items);
    for (size_t i = 0; i < n && jp_step(q, 1); i++) {
        recurse(q, &items[i], rest, results);
    }
}

static int argument(struct jp_query *q, const struct jp_arg *arg, const struct jp_value *current, struct jp_value *ret)
{
    switch (arg->kind) {
    case JP_ARG_INT:
        *ret = (struct jp_value){.type = JP_NUMBER, .is_count = true, .number = (double)arg->number};
        return 0;
    case JP_ARG_TEXT:
        *ret = (struct jp_value){.type = JP_STRING, .text = arg->text};
        return 0;
    case JP_ARG_SCRIPT:
        if (jp_evaluate(q, arg->script, *current, ret) < 0) {
            struct tph_error why = *q->err;
            return jp_fail(q, "invalid expression. %s", why.text);
        }
        return 0;
    case JP_ARG_NONE:
        break;
    }
    *ret = (struct jp_value){.type = JP_NIL};
    return 0;
}

static int range_argument(struct jp_query *q, const struct jp_arg *arg, const struct jp_value *current, int64_t *ret)
{
    struct jp_value value = {.type = JP_NIL};
    if (arg->kind == JP_ARG_NONE) {
        return 0;
    }
    if (argument(q, arg, current, &value) < 0) {
        struct tph_error why = *q->err;
        return jp_fail(q, "range: invalid token %s", why.text);
    }
    if (!jp_is_integer(&value, ret)) {
        return jp_fail(q, "range: invalid token unexpected expression result. expected [int] got [%s]",
                       jp_kind_name(&value));
    }
    return 0;
}

static int64_t clamp(int64_t at, int64_t n)
{
    at += at < 0 ? n : 0;
    return at < 0 ? 0 : at > n ? n : at;
}

static int apply_range(struct jp_query *q, const struct jp_value *current, const struct jp_token *token,
                       struct jp_path rest, struct jp_value *ret)
{
    const struct jp_value *items = NULL;
    if (current->type != JP_LIST) {
        return wrong_target(q, "range", "array slice", current);
    }
    int64_t n = (int64_t)jp_items(q, current, &items);
    int64_t from = 0;
    int64_t to = n;
    int64_t step = 1;
    if (range_argument(q, &token->args[0], current, &from) < 0 ||
        range_argument(q, &token->args[1], current, &to) < 0 ||
        range_argument(q, &token->args[2], current, &step) < 0) {
        return -1;
    }
    if (step == 0) {
        return jp_fail(q, "range: invalid token out of range");
    }
    from = clamp(from, n);
    to = clamp(to, n);
    step = step > n + 1 ? n + 1 : step < -n - 1 ? -n - 1 : step;
    struct results results = {.items = NULL};
    struct jp_path each = is_for_each(rest) ? rest : (struct jp_path){.n = 0};
    for (int64_t i = step < 0 ? to - 1 : from; (step < 0 ? i >= from : i < to) && jp_step(q, 1); i += step) {
        add_result(q, &results, items[i], each);
    }
    return finish(q, &results, rest, ret);
}

/* The members or elements that a union names. */
static int pick(struct jp_query *q, const struct jp_value *current, const struct jp_value *names, size_t n,
                struct jp_path rest, struct results *results)
{
    const struct jp_value *items = NULL;
    bool by_name = n > 0 && names[0].type == JP_STRING;
    if (current->type != (by_name ? JP_MAP : JP_LIST)) {
        return wrong_target(q, "union", by_name ? "map" : "array slice", current);
    }
    int64_t count = by_name ? 0 : (int64_t)jp_items(q, current, &items);
    for (size_t i = 0; i < n && jp_step(q, 1); i++) {
        if (by_name) {
            const struct tph_json *member = tph_json_getn(current->json, names[i].text);
            if (member) {
                add_result(q, results, jp_of_json(member), rest);
            }
            continue;
        }
        int64_t index = (int64_t)names[i].number;
        index += index < 0 ? count : 0;
        if (index >= 0 && index < count) {
            add_result(q, results, items[index], rest);
        }
    }
    return 0;
}

static int apply_union(struct jp_query *q, const struct jp_value *current, const struct jp_token *token,
                       struct jp_path rest, struct jp_value *ret)
{
    struct jp_value *names = TPH_ARENA_ARRAY(q->arena, struct jp_value, token->n_args + 1);
    for (size_t i = 0; i < token->n_args; i++) {
        int64_t number = 0;
        if (argument(q, &token->args[i], current, &names[i]) < 0) {
            struct tph_error why = *q->err;
            return jp_fail(q, "union: invalid token %s", why.text);
        }
        if (names[i].type != JP_STRING && !jp_is_integer(&names[i], &number)) {
            return jp_fail(q, "union: invalid token argument. expected [int string] got [%s]", jp_kind_name(&names[i]));
        }
        if (names[i].type != names[0].type) {
            bool text = names[i].type == JP_STRING;
            return jp_fail(q, "union: invalid token argument. expected [%s] got [%s]", text ? "int" : "string",
                           text ? "string" : "int");
        }
    }
    struct results results = {.items = NULL};
    struct jp_path each = is_for_each(rest) ? rest : (struct jp_path){.n = 0};
    if (pick(q, current, names, token->n_args, each, &results) < 0) {
        return -1;
    }
    return finish(q, &results, rest, ret);
}

static bool is_included(const struct jp_value *value)
{
    switch (value->type) {
    case JP_NIL:
        return false;
    case JP_BOOL:
        return value->truth;
    case JP_NUMBER:
        return value->number != 0;
    case JP_LIST:
    case JP_MAP:
        return value->n > 0;
    case JP_STRING:
        break;
    }
    return value->text.len > 0 && !tph_str_eqz(value->text, "''") && !tph_str_eqz(value->text, "\"\"");
}

static int apply_filter(struct jp_query *q, const struct jp_value *current, const struct jp_token *token,
                        struct jp_path rest, struct jp_value *ret)
{
    const struct jp_value *items = NULL;
    struct results results = {.items = NULL};
    if (!token->script) {
        return jp_fail(q, "invalid expression. is empty");
    }
    if (current->type != JP_LIST && current->type != JP_MAP) {
        return wrong_target(q, "filter", "array map slice", current);
    }
    size_t n = jp_items(q, current, &items);
    struct jp_path each = is_for_each(rest) ? rest : (struct jp_path){.n = 0};
    for (size_t i = 0; i < n && jp_step(q, 1); i++) {
        struct jp_value value = {.type = JP_NIL};
        if (jp_evaluate(q, token->script, items[i], &value) == 0 && is_included(&value)) {
            add_result(q, &results, items[i], each);
        }
    }
    return finish(q, &results, rest, ret);
}

static int apply_script(struct jp_query *q, const struct jp_value *current, const struct jp_token *token,
                        struct jp_path rest, struct jp_value *ret)
{
    struct jp_value value = {.type = JP_NIL};
    int64_t index = 0;
    if (!token->script) {
        return jp_fail(q, "invalid expression. is empty");
    }
    if (jp_evaluate(q, token->script, *current, &value) < 0) {
        struct tph_error why = *q->err;
        return jp_fail(q, "invalid expression. %s", why.text);
    }
    if (value.type == JP_STRING) {
        return apply_key(q, current, value.text, rest, ret);
    }
    if (jp_is_integer(&value, &index)) {
        return apply_index(q, current, index, rest, ret);
    }
    return jp_fail(q, "unexpected expression result. expected [int string] got [%s]", jp_kind_name(&value));
}

int jp_apply(struct jp_query *q, struct jp_value current, struct jp_path path, struct jp_value *ret)
{
    if (!jp_step(q, 1)) {
        return -1;
    }
    if (path.n == 0) {
        *ret = current;
        return 0;
    }
    const struct jp_token *token = &path.tokens[0];
    struct jp_path rest = rest_of(path);
    struct results results = {.items = NULL};
    switch (token->kind) {
    case JP_ROOT:
        return jp_apply(q, q->root, rest, ret);
    case JP_CURRENT:
        return jp_apply(q, current, rest, ret);
    case JP_KEY:
        return apply_key(q, &current, token->key, rest, ret);
    case JP_LENGTH:
        return apply_length(q, &current, rest, ret);
    case JP_WILDCARD:
        return apply_wildcard(q, &current, rest, ret);
    case JP_RECURSIVE:
        recurse(q, &current, rest, &results);
        *ret = list_of(&results);
        return 0;
    case JP_INDEX:
        return apply_index(q, &current, token->index, rest, ret);
    case JP_RANGE:
        return apply_range(q, &current, token, rest, ret);
    case JP_UNION:
        return apply_union(q, &current, token, rest, ret);
    case JP_FILTER:
        return apply_filter(q, &current, token, rest, ret);
    case JP_SCRIPT:
        break;
    }
    return apply_script(q, &current, token, rest, ret);
}
