/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/expr.h"

#include <string.h>

#include "base/alloc.h"
#include "expr/eval.h"
#include "expr/sprig.h"

struct tph_expr *tph_expr_new(struct tph_str text)
{
    struct tph_expr *expr = TPH_NEW(struct tph_expr);
    expr->owned_source = tph_str_dup(text);
    expr->source = (struct tph_str){.p = expr->owned_source, .len = text.len};
    expr->memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    expr->problem.text = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    return expr;
}

/* Forgets all that was compiled. */
static void reset(struct tph_expr *expr)
{
    for (size_t i = 0; i < expr->n_regexes; i++) {
        tph_regex_free(expr->regexes[i]);
    }
    expr->n_regexes = 0;
    expr->n_assumptions = 0;
    expr->n_slots = 0;
    expr->root = NULL;
    expr->problem.is_set = false;
    tph_expr_memory_release(&expr->memory);
    expr->state = EXPR_STATE_NEW;
}

void tph_expr_free(struct tph_expr *expr)
{
    if (!expr) {
        return;
    }
    reset(expr);
    free(expr->regexes);
    free(expr->assumptions);
    expr_free_references(expr);
    tph_buf_release(&expr->problem.text);
    free(expr->owned_source);
    free(expr);
}

struct tph_str tph_expr_text(const struct tph_expr *expr)
{
    return expr->source;
}

static struct expr_assumption look(const struct tph_expr_env *env, struct tph_str name)
{
    struct expr_assumption found = {.name = name};
    if (!env->is_plain && expr_is_argo(name)) {
        found.is_there = true;
        found.type = expr_find_argo(name) ? TPH_EXPR_FUNCTION : TPH_EXPR_MAP;
        return found;
    }
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    enum tph_expr_found what =
        tph_str_find_byte(name, '.') >= 0 ? TPH_EXPR_NOT_FOUND : env->find(env->owner, name, NULL, &value);
    found.is_there = what != TPH_EXPR_NOT_FOUND;
    found.type = what == TPH_EXPR_FOUND_BRANCH ? TPH_EXPR_MAP : value.type;
    return found;
}

const struct expr_assumption *expr_assume(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_str name)
{
    for (size_t i = 0; i < expr->n_assumptions; i++) {
        if (tph_str_eq(expr->assumptions[i].name, name)) {
            return &expr->assumptions[i];
        }
    }
    if (expr->n_assumptions == expr->assumptions_capacity) {
        expr->assumptions_capacity = expr->assumptions_capacity > 0 ? expr->assumptions_capacity * 2 : 4;
        expr->assumptions = tph_realloc(expr->assumptions, expr->assumptions_capacity * sizeof(*expr->assumptions));
    }
    struct expr_assumption *assumption = &expr->assumptions[expr->n_assumptions++];
    *assumption = look(env, name);
    return assumption;
}

/* Whether what was compiled holds in this environment as well. */
static bool still_holds(const struct tph_expr *expr, const struct tph_expr_env *env)
{
    if (expr->state == EXPR_STATE_NEW || expr->is_plain != env->is_plain) {
        return false;
    }
    for (size_t i = 0; i < expr->n_assumptions; i++) {
        const struct expr_assumption *assumed = &expr->assumptions[i];
        struct expr_assumption now = look(env, assumed->name);
        if (now.is_there != assumed->is_there || now.type != assumed->type) {
            return false;
        }
    }
    return true;
}

static int compile(struct tph_expr *expr, const struct tph_expr_env *env)
{
    reset(expr);
    expr->is_plain = env->is_plain;
    expr->state = EXPR_STATE_BAD;
    if (expr_parse(expr, env, &expr->root) < 0 || expr_check(expr, env) < 0 || expr_fold(expr) < 0) {
        return -1;
    }
    expr_shorten(expr);
    if (expr_link(expr) < 0) {
        return -1;
    }
    expr->state = EXPR_STATE_GOOD;
    return 0;
}

int tph_expr_compile(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_buf *problem)
{
    if (!still_holds(expr, env)) {
        (void)compile(expr, env);
    }
    if (expr->state == EXPR_STATE_GOOD) {
        return 0;
    }
    expr_problem_write(&expr->problem, expr->source, problem);
    return -1;
}

enum { FEW_SLOTS = 8 };

static int run(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_expr_memory *memory,
               struct tph_expr_value *ret, struct tph_buf *problem)
{
    struct tph_expr_value few[FEW_SLOTS];
    struct tph_expr_run run = {.expr = expr,
                               .env = env,
                               .memory = memory,
                               .problem = {.text = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE)},
                               .slots = few,
                               .random = env->seed};
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    int result = 0;
    memset(few, 0, sizeof(few));
    if (expr->n_slots > FEW_SLOTS) {
        run.slots = tph_expr_alloc_array(memory, sizeof(*run.slots), expr->n_slots);
    }
    result = run.slots ? expr_eval(&run, expr->root, &value) : -1;
    if (result == 0 && !expr_force(&run, &value)) {
        result = -1;
    }
    if (result == 0) {
        *ret = value;
    } else {
        if (!run.problem.is_set) {
            (void)expr_fail(&run, "the expression needs more than %zu bytes of memory: make it simpler", memory->max);
        }
        expr_problem_write(&run.problem, expr->source, problem);
    }
    tph_buf_release(&run.problem.text);
    return result;
}

int tph_expr_evaluate(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_expr_memory *memory,
                      struct tph_expr_value *ret, struct tph_buf *problem)
{
    return tph_expr_compile(expr, env, problem) < 0 ? -1 : run(expr, env, memory, ret, problem);
}

int tph_expr_decide(struct tph_expr *expr, const struct tph_expr_env *env, bool *ret, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (tph_expr_compile(expr, env, problem) < 0) {
        return -1;
    }
    if (run(expr, env, &memory, &value, &why) < 0) {
        (void)tph_buf_printf(problem, "unable to evaluate expression '%.*s': ", TPH_FMT(expr->source));
        (void)tph_buf_put(problem, tph_buf_str(&why));
        return -1;
    }
    if (value.type != TPH_EXPR_BOOL) {
        (void)tph_buf_puts(problem, "unable to cast expression result '");
        tph_expr_print_s(value, problem);
        (void)tph_buf_puts(problem, "' to bool");
        return -1;
    }
    *ret = value.truth;
    return 0;
}
