/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/tag.h"

#include "base/limits.h"
#include "data/quote.h"
#include "expr/convert.h"

/* Names that come late: an expression without them has a value that would be wrong. */
static bool comes_late(struct tph_str path)
{
    static const char *const names[] = {"item",
                                        "retries",
                                        "lastRetry.exitCode",
                                        "lastRetry.status",
                                        "lastRetry.duration",
                                        "lastRetry.message",
                                        "workflow.status",
                                        "workflow.failures"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tph_str_eqz(path, names[i])) {
            return true;
        }
    }
    return false;
}

/* What of the references is not there. */
struct missing {
    bool any;
    bool late;
    struct tph_str required; /* the first one that the pass must know; p NULL: none */
};

static int look(struct tph_expr *expr, const struct tph_expr_env *env, const struct tph_expr_tag_rules *rules,
                struct missing *ret)
{
    const struct tph_expr_reference *references = NULL;
    size_t n = 0;
    TPH_CLEANUP(tph_buf_release) struct tph_buf unread = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    if (tph_expr_references(expr, &references, &n, &unread) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_str path = references[i].path;
        if (references[i].is_guarded || tph_expr_has(env, path)) {
            continue;
        }
        ret->any = true;
        ret->late = ret->late || comes_late(path);
        if (!ret->required.p && rules->must_know && rules->must_know(rules->owner, path)) {
            ret->required = path;
        }
    }
    return 0;
}

/* The source as it stands in the JSON text of the template. */
static void put_escaped(struct tph_str source, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf escaped = TPH_BUF_INIT(TPH_LIMIT_EXPR * 8);
    tph_json_write_str(source, TPH_JSON_HTML, &escaped);
    struct tph_str text = tph_buf_str(&escaped);
    tph_quote_go(tph_str_slice(text, 1, text.len > 1 ? text.len - 1 : 1), problem);
}

static int evaluate(struct tph_expr *expr, const struct tph_expr_env *env, bool leave_failure, bool leave_json,
                    struct tph_buf *json, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    size_t begin = json->len;
    int failed = tph_expr_evaluate(expr, env, &memory, &value, &why);
    if ((failed || value.type == TPH_EXPR_NIL) && leave_failure) {
        return TPH_EXPR_TAG_LEFT;
    }
    if (failed) {
        (void)tph_buf_puts(problem, "failed to evaluate expression: ");
        (void)tph_buf_put(problem, tph_buf_str(&why));
        return -1;
    }
    if (value.type == TPH_EXPR_NIL) {
        (void)tph_buf_puts(problem, "failed to evaluate expression ");
        put_escaped(tph_expr_text(expr), problem);
        return -1;
    }
    if (tph_expr_write_json(value, TPH_JSON_HTML, NULL, json, &why) < 0) {
        json->len = begin;
        if (leave_json) {
            return TPH_EXPR_TAG_LEFT;
        }
        (void)tph_buf_puts(problem, "failed to marshal evaluated expression: ");
        (void)tph_buf_put(problem, tph_buf_str(&why));
        return -1;
    }
    return 0;
}

int tph_expr_tag(struct tph_expr *expr, const struct tph_expr_env *env, const struct tph_expr_tag_rules *rules,
                 struct tph_buf *json, struct tph_buf *problem)
{
    struct missing missing = {.any = false};
    bool may_leave = false;
    if (look(expr, env, rules, &missing) == 0) {
        if (missing.required.p) {
            (void)tph_buf_printf(problem, "failed to evaluate expression: %.*s is missing", TPH_FMT(missing.required));
            return TPH_EXPR_TAG_MISSING;
        }
        may_leave = missing.any || !rules->must_know;
    } /* else the evaluation says what cannot be read */
    if (missing.late && may_leave) {
        return TPH_EXPR_TAG_LEFT;
    }
    return evaluate(expr, env, may_leave || rules->may_fail, may_leave, json, problem);
}

/* Only the names that have no dot. */
static enum tph_expr_found find_plain(void *owner, struct tph_str name, struct tph_expr_memory *memory,
                                      struct tph_expr_value *ret)
{
    const struct tph_expr_env *env = owner;
    if (tph_str_find_byte(name, '.') >= 0) {
        return TPH_EXPR_NOT_FOUND;
    }
    return env->find(env->owner, name, memory, ret) == TPH_EXPR_FOUND_VALUE ? TPH_EXPR_FOUND_VALUE : TPH_EXPR_NOT_FOUND;
}

int tph_expr_resolve(struct tph_expr *expr, const struct tph_expr_env *env, struct tph_expr_memory *memory,
                     struct tph_expr_value *ret, struct tph_buf *problem)
{
    struct tph_expr_env wrapped = *env;
    struct tph_expr_env plain = {
        .find = find_plain, .owner = &wrapped, .now_ns = env->now_ns, .seed = env->seed, .is_plain = true};
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    const char *what = NULL;
    if (tph_expr_compile(expr, &plain, &why) < 0) {
        what = "Unable to compile: ";
    } else if (tph_expr_evaluate(expr, &plain, memory, &value, &why) < 0) {
        what = "Invalid expression: ";
    } else if (value.type == TPH_EXPR_NIL) {
        what = "Unable to resolve: ";
    }
    if (!what) {
        *ret = value;
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(TPH_LIMIT_EXPR + 1);
    (void)tph_buf_puts(&shown, why.len == 0 ? "=" : ""); /* nil is told with the whole tag */
    (void)tph_buf_put(&shown, tph_expr_text(expr));
    (void)tph_buf_puts(problem, what);
    tph_quote_go(tph_buf_str(&shown), problem);
    return -1;
}
