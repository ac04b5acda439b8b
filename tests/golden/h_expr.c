/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: expr.jsonl, and sprig.jsonl of the same form. */
#include "base/limits.h"
#include "data/zone.h"
#include "expr/convert.h"
#include "expr/expr.h"
#include "golden.h"

struct env {
    struct tph_expr_flat *flat;
    struct tph_expr_memory memory;
};

/* Whole numbers of the row's environment are Go's int, others float64. */
static struct tph_expr_env make_env(struct golden_case *c, struct env *env)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "env"));
    while (tph_json_next(&it)) {
        struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
        (void)!tph_expr_read_json(&env->memory, it.value, TPH_EXPR_JSON_INTS, &value, NULL);
        tph_expr_flat_set(env->flat, it.key, value);
    }
    struct tph_expr_env made = tph_expr_flat_env(env->flat);
    made.read_zone = tph_zone_read_file;
    made.now_ns = INT64_C(1795392000000000000); /* 2026-11-23 */
    made.is_plain = tph_json_bool(tph_json_get(c->in, "plain"));
    return made;
}

static void show(struct golden_case *c, struct tph_expr_value value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_expr_print_type(value, &text);
    golden_set_buf(c, "type", &text);
    if (tph_expr_write_json(value, TPH_JSON_HTML, NULL, &json, &problem) == 0) {
        golden_set_buf(c, "json", &json);
        return;
    }
    tph_buf_clear(&text);
    tph_expr_print(value, &text);
    golden_set_buf(c, "json_error", &problem);
    golden_set_buf(c, "go", &text);
}

static void evaluate(struct golden_case *c, struct tph_expr *expr, const struct tph_expr_env *env)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (tph_expr_compile(expr, env, &problem) < 0) {
        golden_set(c, "stage", TPH_STR("compile"));
        golden_set_buf(c, "error", &problem);
    } else if (tph_expr_evaluate(expr, env, &memory, &value, &problem) < 0) {
        golden_set(c, "stage", TPH_STR("run"));
        golden_set_buf(c, "error", &problem);
    } else {
        show(c, value);
    }
}

static void decide(struct golden_case *c, struct tph_expr *expr, const struct tph_expr_env *env)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool truth = false;
    if (tph_expr_decide(expr, env, &truth, &problem) < 0) {
        golden_set_buf(c, "error", &problem);
    } else {
        tph_json_set(c->doc, c->got, "result", tph_json_new_bool(c->doc, truth));
    }
}

void golden_expr(struct golden_case *c)
{
    struct env made = {.flat = tph_expr_flat_new(), .memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY)};
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(golden_in(c, "expr"));
    struct tph_expr_env env = make_env(c, &made);
    (void)golden_object(c);
    if (tph_json_bool(tph_json_get(c->in, "bool"))) {
        decide(c, expr, &env);
    } else {
        evaluate(c, expr, &env);
    }
    tph_expr_memory_release(&made.memory);
    tph_expr_flat_free(made.flat);
}
