/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of functions: arguments first, then what is called. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/eval.h"

enum { FEW_ARGUMENTS = 6 };

int tph_expr_fail(struct tph_expr_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    TPH_CLEANUP(tph_freep) char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    return expr_fail(call->run, "%.2048s", text);
}

int tph_expr_work(struct tph_expr_call *call, uint64_t rounds)
{
    return expr_work(call->run, rounds);
}

int64_t tph_expr_now(const struct tph_expr_call *call)
{
    return call->run->env->now_ns;
}

/* SplitMix64: one round scatters any seed. */
uint64_t tph_expr_random(struct tph_expr_call *call)
{
    uint64_t z = call->run->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Arguments, with room for a receiver before them. */
struct arguments {
    struct tph_expr_value few[FEW_ARGUMENTS + 1];
    struct tph_expr_value *all; /* [0] is the receiver's place */
    size_t n;                   /* without it */
};

static int eval_arguments(struct tph_expr_run *run, const struct expr_node *node, struct arguments *a)
{
    a->n = node->n_items;
    a->all = a->few;
    if (a->n > FEW_ARGUMENTS) {
        a->all = tph_expr_alloc_array(run->memory, sizeof(*a->all), a->n + 1);
        if (!a->all) {
            return -1;
        }
    }
    for (size_t i = 0; i < a->n; i++) {
        struct tph_expr_value *argument = &a->all[i + 1];
        if (expr_eval(run, node->items[i], argument) < 0 || !expr_force(run, argument)) {
            return -1;
        }
    }
    return 0;
}

static int check_count(struct tph_expr_run *run, size_t given, size_t wanted, bool variadic)
{
    if (variadic && given < wanted - 1) {
        return expr_fail(run, "invalid number of arguments: expected at least %zu, got %zu", wanted - 1, given);
    }
    if (!variadic && given != wanted) {
        return expr_fail(run, "invalid number of arguments: expected %zu, got %zu", wanted, given);
    }
    return 0;
}

static int wrong_argument(struct tph_expr_run *run, struct tph_expr_value given, enum tph_expr_type wanted,
                          bool in_rest)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
    tph_expr_print_type(given, &type);
    if (in_rest) {
        return expr_fail(run, "reflect: cannot use %s as type %s in Call", tph_buf_cstr(&type),
                         tph_expr_type_name(wanted));
    }
    return expr_fail(run, "reflect: Call using %s as type %s", tph_buf_cstr(&type), tph_expr_type_name(wanted));
}

/* As reflect calls: nil becomes the zero value of its parameter. */
static int check_reflected(struct tph_expr_run *run, const char *params, struct arguments *a)
{
    bool variadic = false;
    size_t n = expr_count_params(params, &variadic);
    if (check_count(run, a->n, n, variadic) < 0) {
        return -1;
    }
    for (size_t i = 0; i < a->n; i++) {
        struct tph_expr_value *argument = &a->all[i + 1];
        bool in_rest = variadic && i >= n - 1;
        char letter = params[in_rest ? n - 1 : i];
        enum tph_expr_type wanted = expr_letter_type(letter);
        if (argument->type == TPH_EXPR_NIL) {
            *argument = expr_zero(letter);
        } else if (wanted != TPH_EXPR_ANY && argument->type != wanted) {
            return wrong_argument(run, *argument, wanted, in_rest);
        }
    }
    return 0;
}

/* As type assertions: the last argument first. */
static int check_asserted(struct tph_expr_run *run, const char *params, const struct arguments *a)
{
    for (size_t i = a->n; i > 0; i--) {
        enum tph_expr_type wanted = expr_letter_type(params[i - 1]);
        if (wanted != TPH_EXPR_ANY && a->all[i].type != wanted) {
            return expr_wrong_type(run, a->all[i], tph_expr_type_name(wanted));
        }
    }
    return 0;
}

/* A native function looks at its arguments, most of them at every byte and element. */
static uint64_t weigh(const struct arguments *a)
{
    uint64_t rounds = 0;
    for (size_t i = 0; i < a->n; i++) {
        int64_t n = 0;
        if (expr_length(a->all[i + 1], &n) == 0) {
            rounds += (uint64_t)n / 16;
        }
    }
    return rounds;
}

static int invoke(struct tph_expr_run *run, const struct tph_expr_function *function, const char *params,
                  const struct expr_signature *known, struct arguments *a, bool has_receiver,
                  struct tph_expr_value *ret)
{
    bool asserted = known && expr_is_typed(known);
    if (params && (asserted ? check_asserted(run, params, a) : check_reflected(run, params, a)) < 0) {
        return -1;
    }
    if (expr_work(run, weigh(a)) < 0) {
        return -1;
    }
    struct tph_expr_call call = {.run = run,
                                 .memory = run->memory,
                                 .args = has_receiver ? a->all : a->all + 1,
                                 .n_args = a->n + (has_receiver ? 1 : 0),
                                 .function = function};
    return function->native(&call, ret);
}

static int call_value(struct tph_expr_run *run, struct tph_expr_value callee, const struct expr_signature *known,
                      struct arguments *a, struct tph_expr_value *ret)
{
    if (callee.type == TPH_EXPR_NIL && known && expr_is_typed(known)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        expr_print_signature(known, false, &type);
        return expr_wrong_type(run, callee, tph_buf_cstr(&type));
    }
    if (callee.type == TPH_EXPR_NIL) {
        return expr_fail(run, "invalid operation: cannot call nil");
    }
    if (callee.type != TPH_EXPR_FUNCTION) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf type = TPH_BUF_INIT(512);
        tph_expr_print_type(callee, &type);
        return expr_fail(run, "invalid operation: cannot call non-function of type %s", tph_buf_cstr(&type));
    }
    if (!callee.bound) {
        return invoke(run, callee.function, callee.function->params, known, a, false, ret);
    }
    const struct expr_method *method = callee.method->method;
    a->all[0] = callee.method->receiver;
    return invoke(run, &method->function, method->signature.params, known, a, true, ret);
}

/* A method that was known when the expression was checked is called without being made a value first. */
static int call_method(struct tph_expr_run *run, const struct expr_node *node, struct arguments *a, bool *ret_called,
                       struct tph_expr_value *ret)
{
    const struct expr_node *member = node->left;
    *ret_called = false;
    if (!node->known || member->kind != EXPR_MEMBER || !node->known->receiver) {
        return 0;
    }
    struct tph_expr_value *receiver = &a->all[0];
    if (expr_eval(run, member->left, receiver) < 0) {
        return -1;
    }
    *ret_called = true;
    if (run->chain_ended || (member->optional && expr_is_nil(*receiver))) {
        run->chain_ended = true;
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    const struct expr_method *method = expr_find_method(receiver->type, member->right->constant.str);
    run->at = member->at;
    if (!method) { /* nil where the environment promised more */
        return expr_fail(run, "cannot fetch %.*s from %s", TPH_FMT(member->right->constant.str),
                         tph_expr_type_name(receiver->type));
    }
    run->at = node->at;
    return invoke(run, &method->function, method->signature.params, node->known, a, true, ret);
}

int expr_eval_call(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct arguments a;
    struct tph_expr_value callee = TPH_EXPR_VALUE_NIL;
    bool called = false;
    if (eval_arguments(run, node, &a) < 0 || call_method(run, node, &a, &called, ret) < 0) {
        return -1;
    }
    if (called) {
        return 0;
    }
    if (expr_eval(run, node->left, &callee) < 0) {
        return -1;
    }
    if (run->chain_ended) {
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
    run->at = node->at;
    return call_value(run, callee, node->known, &a, ret);
}

int expr_eval_builtin(struct tph_expr_run *run, const struct expr_node *node, struct tph_expr_value *ret)
{
    struct arguments a;
    if (eval_arguments(run, node, &a) < 0) {
        return -1;
    }
    const struct expr_builtin *builtin = node->builtin;
    struct tph_expr_call call = {
        .run = run, .memory = run->memory, .args = a.all + 1, .n_args = a.n, .function = &builtin->function};
    run->at = node->at;
    bool keeps = builtin->judgement == EXPR_JUDGE_NOW || builtin->judgement == EXPR_JUDGE_DATE;
    for (size_t i = 1; i <= a.n && !keeps; i++) {
        expr_deref(&a.all[i]);
    }
    if (builtin->style == EXPR_STYLE_ONE && a.n != 1) { /* where no checker looked */
        if (a.n == 0) {
            return expr_fail(run, "stack underflow");
        }
        call.args = a.all + a.n; /* the last one counts */
        call.n_args = 1;
    }
    return builtin->function.native(&call, ret);
}
