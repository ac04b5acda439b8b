/* SPDX-License-Identifier: Apache-2.0 */
/* The value of a tree. Every part that is evaluated is a step; steps, memory and the library's own budget of elements
 * are bounded. The depth is the tree's, which the parser bounds. */
#include "expr/eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

int expr_fail(struct tph_expr_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    return expr_problem_set(&run->problem, run->at, "%s", text);
}

int expr_work(struct tph_expr_run *run, uint64_t rounds)
{
    run->steps += rounds;
    if (run->steps <= TPH_LIMIT_EXPR_STEPS) {
        return 0;
    }
    return expr_fail(run, "the expression takes more than %d steps: make it simpler", TPH_LIMIT_EXPR_STEPS);
}

int expr_charge(struct tph_expr_run *run, uint64_t elements)
{
    run->budget += elements;
    return run->budget < TPH_LIMIT_EXPR_BUDGET ? 0 : expr_fail(run, "memory budget exceeded");
}

/* The truth of a value that must be a bool. */
static int truth_of(struct tph_expr_run *run, const struct expr_node *at, const struct tph_expr_value *value, bool *ret)
{
    if (value->type != TPH_EXPR_BOOL) {
        run->at = at->at;
        return expr_wrong_type(run, *value, "bool");
    }
    *ret = value->truth;
    return 0;
}

static int eval_name(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    if (node->slot != SIZE_MAX) {
        *ret = run->slots[node->slot];
        return 0;
    }
    run->at = node->at;
    return expr_load(run, node->text, ret);
}

static int eval_unary(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct tph_expr_value operand = TPH_EXPR_VALUE_NIL;
    bool truth = false;
    if (expr_eval(run, node->left, &operand) < 0) {
        return -1;
    }
    run->at = node->at;
    expr_deref(&operand);
    switch (node->op) {
    case EXPR_OP_NOT:
        if (truth_of(run, node, &operand, &truth) < 0) {
            return -1;
        }
        *ret = tph_expr_bool(!truth);
        return 0;
    case EXPR_OP_NEGATE:
        return expr_negate(run, operand, ret);
    default:
        *ret = operand;
        return 0;
    }
}

/* and, or: the value of the side that decides, which need not be a bool when it is the right one. */
static int eval_logic(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    bool truth = false;
    if (expr_eval(run, node->left, ret) < 0 || truth_of(run, node, ret, &truth) < 0) {
        return -1;
    }
    return truth == (node->op == EXPR_OP_OR) ? 0 : expr_eval(run, node->right, ret);
}

static int eval_in_constant(struct tph_expr_run *run, const struct expr_node *node, const struct tph_expr_value *needle,
                            struct tph_expr_value *ret)
{
    bool integers = node->op == EXPR_OP_IN_INTS;
    enum tph_expr_type wanted = integers ? TPH_EXPR_INT : TPH_EXPR_STRING;
    struct tph_expr_value key = *needle;
    if (key.type == TPH_EXPR_NIL) {
        key = integers ? tph_expr_int(0) : tph_expr_str(TPH_STR(""));
    }
    if (key.type != wanted) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(key, &type);
        return expr_fail(run, "reflect.Value.MapIndex: value of type %s is not assignable to type %s",
                         tph_buf_cstr(&type), tph_expr_type_name(wanted));
    }
    *ret = tph_expr_bool(tph_expr_map_find(node->right->constant.map, key) != NULL);
    return 0;
}

static int text_of(struct tph_expr_run *run, const struct tph_expr_value *value, struct tph_str *ret)
{
    if (value->type != TPH_EXPR_STRING) {
        return expr_wrong_type(run, *value, "string");
    }
    *ret = value->str;
    return 0;
}

static int match(struct tph_expr_run *run, const struct tph_regex *regex, const struct tph_expr_value *text,
                 struct tph_expr_value *ret)
{
    struct tph_regex_match found;
    struct tph_error err = TPH_ERROR_INIT;
    if (text->type != TPH_EXPR_STRING && text->type != TPH_EXPR_BYTES) {
        return expr_wrong_type(run, *text, "[]uint8");
    }
    if (expr_work(run, 100 + text->str.len / 2) < 0) {
        return -1;
    }
    int result = tph_regex_find(regex, text->str, 0, &found, &err);
    *ret = tph_expr_bool(result == 0);
    return result < 0 ? expr_fail(run, "%s", err.text) : 0;
}

static int eval_matches(struct tph_expr_run *run, const struct expr_node *node, const struct tph_expr_value *left,
                        struct tph_expr_value *ret)
{
    struct tph_expr_value right = TPH_EXPR_VALUE_NIL;
    struct tph_str pattern;
    if (!node->regex && expr_eval(run, node->right, &right) < 0) {
        return -1;
    }
    run->at = node->at;
    if (expr_is_nil(*left) || (!node->regex && expr_is_nil(right))) {
        *ret = tph_expr_bool(false);
        return 0;
    }
    if (node->regex) {
        return match(run, node->regex, left, ret);
    }
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (text_of(run, &right, &pattern) < 0 || expr_work(run, 1000) < 0) {
        return -1;
    }
    if (tph_regex_compile(pattern, &regex, &err) < 0) {
        return expr_fail(run, "%s", err.text);
    }
    return match(run, regex, left, ret);
}

static int eval_text_operator(struct tph_expr_run *run, enum expr_op op, const struct tph_expr_value *left,
                              const struct tph_expr_value *right, struct tph_expr_value *ret)
{
    struct tph_str text;
    struct tph_str part;
    if (expr_is_nil(*left) || expr_is_nil(*right)) {
        *ret = tph_expr_bool(false);
        return 0;
    }
    if (text_of(run, left, &text) < 0 || text_of(run, right, &part) < 0 || expr_work(run, text.len / 64) < 0) {
        return -1;
    }
    *ret = tph_expr_bool(op == EXPR_OP_CONTAINS      ? tph_str_find(text, part) >= 0
                         : op == EXPR_OP_STARTS_WITH ? tph_str_has_prefix(text, part)
                                                     : tph_str_has_suffix(text, part));
    return 0;
}

static int eval_range(struct tph_expr_run *run, struct tph_expr_value low, struct tph_expr_value high,
                      struct tph_expr_value *ret)
{
    int64_t from = 0;
    int64_t to = 0;
    if (expr_to_int(run, low, &from) < 0 || expr_to_int(run, high, &to) < 0) {
        return -1;
    }
    int64_t n = (int64_t)((uint64_t)to - (uint64_t)from + 1);
    n = n > 0 ? n : 0;
    if (expr_charge(run, (uint64_t)n) < 0 || expr_work(run, (uint64_t)n / 8) < 0) {
        return -1;
    }
    struct tph_expr_builder b = TPH_EXPR_BUILDER(run->memory);
    if (tph_expr_reserve(&b, (size_t)n) < 0) {
        return -1;
    }
    for (int64_t i = 0; i < n; i++) {
        b.items[b.n++] = tph_expr_int(from + i);
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_INT, ret);
}

static int apply_binary(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *left,
                        struct tph_expr_value *right, struct tph_expr_value *ret)
{
    bool truth = false;
    switch (node->op) {
    case EXPR_OP_EQUAL:
    case EXPR_OP_NOT_EQUAL:
        if (!expr_force(run, left) || !expr_force(run, right) || expr_equal(run, *left, *right, &truth) < 0) {
            return -1;
        }
        *ret = tph_expr_bool(truth == (node->op == EXPR_OP_EQUAL));
        return 0;
    case EXPR_OP_IN:
        if (!expr_force(run, left) || expr_in(run, *left, *right, &truth) < 0) {
            return -1;
        }
        *ret = tph_expr_bool(truth);
        return 0;
    case EXPR_OP_CONTAINS:
    case EXPR_OP_STARTS_WITH:
    case EXPR_OP_ENDS_WITH:
        return eval_text_operator(run, node->op, left, right, ret);
    case EXPR_OP_RANGE:
        return eval_range(run, *left, *right, ret);
    default:
        return expr_binary(run, node->op, *left, *right, ret);
    }
}

int expr_eval_binary(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct tph_expr_value left = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value right = TPH_EXPR_VALUE_NIL;
    if (node->op == EXPR_OP_AND || node->op == EXPR_OP_OR) {
        return eval_logic(run, node, ret);
    }
    if (expr_eval(run, node->left, &left) < 0) {
        return -1;
    }
    run->at = node->at;
    expr_deref(&left);
    switch (node->op) {
    case EXPR_OP_COALESCE:
        *ret = left;
        if (expr_is_nil(left) && expr_eval(run, node->right, ret) < 0) {
            return -1;
        }
        expr_deref(ret);
        return 0;
    case EXPR_OP_IN_INTS:
    case EXPR_OP_IN_WORDS:
        return eval_in_constant(run, node, &left, ret);
    case EXPR_OP_MATCHES:
        return eval_matches(run, node, &left, ret);
    default:
        break;
    }
    if (expr_eval(run, node->right, &right) < 0) {
        return -1;
    }
    run->at = node->at;
    expr_deref(&right);
    return apply_binary(run, node, &left, &right, ret);
}

/* A ?. that meets nil ends its whole chain: `*ended` tells the CHAIN above. */
static int eval_member(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct tph_expr_value base = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value key = TPH_EXPR_VALUE_NIL;
    bool found = false;
    if (node->path.p) {
        run->at = node->at;
        if (expr_load_path(run, node->path, &found, ret) < 0 || found) {
            return found ? 0 : -1;
        }
    }
    if (expr_eval(run, node->left, &base) < 0) {
        return -1;
    }
    if (run->chain_ended) {
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    if (node->optional && run->chains > 0 && expr_is_nil(base)) {
        run->chain_ended = true;
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    if (expr_eval(run, node->right, &key) < 0) {
        return -1;
    }
    run->at = node->at;
    return expr_force(run, &key) ? expr_fetch(run, base, key, ret) : -1;
}

static int eval_chain(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    run->chains++;
    int result = expr_eval(run, node->left, ret);
    run->chains--;
    run->chain_ended = false;
    if (result == 0 && expr_is_nil(*ret) && !node->coalesced) {
        *ret = TPH_EXPR_VALUE_NIL; /* a nil list becomes nil */
    }
    return result;
}

static int eval_slice(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct tph_expr_value base = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value low = tph_expr_int(0);
    struct tph_expr_value high = TPH_EXPR_VALUE_NIL;
    if (expr_eval(run, node->left, &base) < 0 || !expr_force(run, &base)) {
        return -1;
    }
    if (node->third) {
        if (expr_eval(run, node->third, &high) < 0) {
            return -1;
        }
    } else {
        int64_t n = 0;
        run->at = node->at;
        if (expr_length(base, &n) < 0) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
            tph_expr_print_type(base, &type);
            return expr_fail(run, "invalid argument for len (type %s)", tph_buf_cstr(&type));
        }
        high = tph_expr_int(n);
    }
    if (node->right && expr_eval(run, node->right, &low) < 0) {
        return -1;
    }
    if (!expr_force(run, &low) || !expr_force(run, &high)) {
        return -1;
    }
    expr_deref(&low);
    expr_deref(&high);
    run->at = node->at;
    return expr_slice(run, base, low, high, ret);
}

static int eval_pointer(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    const struct expr_loop_state *loop = run->loop;
    run->at = node->at;
    if (!loop) {
        return expr_fail(run, "cannot use pointer accessor outside predicate");
    }
    if (node->text.len == 0) {
        if (tph_expr_is_map(loop->list.type)) {
            return expr_fail(run, "reflect: call of reflect.Value.Index on map Value");
        }
        if (loop->index < 0 || loop->index >= loop->n) {
            return expr_fail(run, "runtime error: index out of range [%lld] with length %lld", (long long)loop->index,
                             (long long)loop->n);
        }
        *ret = expr_item(loop->list, loop->index);
    } else {
        *ret = tph_str_eqz(node->text, "index") ? tph_expr_int(loop->index) : loop->acc;
    }
    return 0;
}

static int eval_let(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    if (expr_eval(run, node->left, &run->slots[node->slot]) < 0) {
        return -1;
    }
    return expr_eval(run, node->right, ret);
}

static int eval_conditional(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    bool truth = false;
    if (expr_eval(run, node->left, ret) < 0 || truth_of(run, node, ret, &truth) < 0) {
        return -1;
    }
    return expr_eval(run, truth ? node->right : node->third, ret);
}

static int eval_array(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(run->memory);
    if (tph_expr_reserve(&b, node->n_items) < 0) {
        return -1;
    }
    for (size_t i = 0; i < node->n_items; i++) {
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        if (expr_eval(run, node->items[i], &item) < 0 || !expr_force(run, &item) || tph_expr_push(&b, item) < 0) {
            return -1;
        }
    }
    run->at = node->at;
    return expr_charge(run, node->n_items) < 0 ? -1 : tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

/* Of members with one name the first is kept, and the last with a bad name is told: the library fills from the end. */
static int eval_map(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    size_t n = node->n_items;
    struct tph_expr_value *items = tph_expr_alloc_array(run->memory, sizeof(*items), n);
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    if (!items || tph_expr_map_new(run->memory, TPH_EXPR_MAP, &map) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (expr_eval(run, node->items[i], &items[i]) < 0 || !expr_force(run, &items[i])) {
            return -1;
        }
    }
    run->at = node->at;
    if (expr_charge(run, n / 2) < 0) {
        return -1;
    }
    for (size_t i = n; i > 0; i -= 2) {
        if (items[i - 2].type != TPH_EXPR_STRING) {
            return expr_wrong_type(run, items[i - 2], "string");
        }
    }
    for (size_t i = 0; i < n; i += 2) {
        if (!tph_expr_map_get(map.map, items[i].str) &&
            tph_expr_map_set(run->memory, map.map, items[i].str, items[i + 1]) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int eval_sequence(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    for (size_t i = 0; i < node->n_items; i++) {
        if (expr_eval(run, node->items[i], ret) < 0) {
            return -1;
        }
    }
    return 0;
}

int expr_eval(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    if (++run->steps > TPH_LIMIT_EXPR_STEPS) {
        run->at = node->at;
        return expr_work(run, 0);
    }
    switch (node->kind) {
    case EXPR_NIL:
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    case EXPR_INTEGER:
    case EXPR_FLOAT:
    case EXPR_BOOL:
    case EXPR_STRING:
    case EXPR_BYTES:
    case EXPR_CONSTANT:
        *ret = node->constant;
        return 0;
    case EXPR_NAME:
        return eval_name(run, node, ret);
    case EXPR_UNARY:
        return eval_unary(run, node, ret);
    case EXPR_BINARY:
        return expr_eval_binary(run, node, ret);
    case EXPR_CHAIN:
        return eval_chain(run, node, ret);
    case EXPR_MEMBER:
        return eval_member(run, node, ret);
    case EXPR_SLICE:
        return eval_slice(run, node, ret);
    case EXPR_CALL:
        return expr_eval_call(run, node, ret);
    case EXPR_BUILTIN:
        return node->builtin->predicate ? expr_eval_loop(run, node, ret) : expr_eval_builtin(run, node, ret);
    case EXPR_PREDICATE:
        return expr_eval(run, node->left, ret);
    case EXPR_POINTER:
        return eval_pointer(run, node, ret);
    case EXPR_LET:
        return eval_let(run, node, ret);
    case EXPR_SEQUENCE:
        return eval_sequence(run, node, ret);
    case EXPR_CONDITIONAL:
        return eval_conditional(run, node, ret);
    case EXPR_ARRAY:
        return eval_array(run, node, ret);
    case EXPR_MAP:
        return eval_map(run, node, ret);
    }
    return -1;
}
