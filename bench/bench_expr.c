/* SPDX-License-Identifier: Apache-2.0 */
/* bench_expr: what an expression costs, once to compile and each time it is evaluated. Prints one line an expression:
 * its text, microseconds to compile (median of 9), microseconds to evaluate (median of 9 times 20,000). */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "expr/expr.h"

enum { ROUNDS = 9, TIMES = 20000 };

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void evaluate(struct tph_expr *expr, const struct tph_expr_env *env)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (tph_expr_evaluate(expr, env, &memory, &value, &problem) < 0) {
        (void)fprintf(stderr, "bench_expr: %s\n", tph_buf_cstr(&problem));
        abort();
    }
}

static double compile_us(const char *text, const struct tph_expr_env *env)
{
    int64_t took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = tph_clock_monotonic_us();
        for (int j = 0; j < 100; j++) {
            TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(text));
            TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
            if (tph_expr_compile(expr, env, &problem) < 0) {
                abort();
            }
        }
        took[i] = tph_clock_monotonic_us() - start;
    }
    qsort(took, ROUNDS, sizeof(took[0]), by_value);
    return (double)took[ROUNDS / 2] / 100;
}

static double evaluate_us(const char *text, const struct tph_expr_env *env)
{
    int64_t took[ROUNDS];
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(tph_str(text));
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = tph_clock_monotonic_us();
        for (int j = 0; j < TIMES; j++) {
            evaluate(expr, env);
        }
        took[i] = tph_clock_monotonic_us() - start;
    }
    qsort(took, ROUNDS, sizeof(took[0]), by_value);
    return (double)took[ROUNDS / 2] / TIMES;
}

int main(void)
{
    static const char *const texts[] = {
        "inputs.parameters.message",
        "inputs.parameters.message + '!'",
        "asInt(inputs.parameters.n) + 1",
        "steps.a.status == 'Succeeded' && asInt(inputs.parameters.n) > 1",
        "inputs.parameters.nope ?? 'none'",
        "toJson(map(1..10, {{'n': #}}))",
        "jsonpath(steps.a.outputs.result, '$.k[1]')",
        "inputs.parameters.message matches '^h.*o$' ? 'y' : 'n'",
    };
    TPH_CLEANUP(tph_expr_flat_freep) struct tph_expr_flat *flat = tph_expr_flat_new();
    tph_expr_flat_set(flat, TPH_STR("inputs.parameters.message"), tph_expr_cstr("hello"));
    tph_expr_flat_set(flat, TPH_STR("inputs.parameters.n"), tph_expr_cstr("3"));
    tph_expr_flat_set(flat, TPH_STR("steps.a.status"), tph_expr_cstr("Succeeded"));
    tph_expr_flat_set(flat, TPH_STR("steps.a.outputs.result"), tph_expr_cstr("{\"k\":[1,2,3]}"));
    struct tph_expr_env env = tph_expr_flat_env(flat);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        printf("%-64s %8.2f us to compile %8.3f us to evaluate\n", texts[i], compile_us(texts[i], &env),
               evaluate_us(texts[i], &env));
    }
    return 0;
}
