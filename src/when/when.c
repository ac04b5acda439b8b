/* SPDX-License-Identifier: Apache-2.0 */
#include "when/when.h"

#include "when/internal.h"

/* What is behind a decision: all but the patterns is in the arena. */
struct decision {
    struct tph_arena *arena;
    struct when_tokens tokens;
    struct tph_regex **patterns;
    size_t n_patterns;
    struct tph_buf why;
};

static void release(struct decision *d)
{
    for (size_t i = 0; i < d->n_patterns; i++) {
        tph_regex_free(d->patterns[i]);
    }
    tph_buf_release(&d->why);
    tph_arena_free(d->arena);
}

/* A text right of =~ or !~ is a pattern, compiled before anything is evaluated. */
static int compile_patterns(struct decision *d)
{
    for (size_t i = 1; i < d->tokens.n; i++) {
        enum when_op op = d->tokens.items[i - 1].op;
        struct when_token *token = &d->tokens.items[i];
        if ((op != WHEN_OP_REQ && op != WHEN_OP_NREQ) || token->kind != WHEN_STRING) {
            continue;
        }
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_regex *pattern = NULL;
        if (d->n_patterns >= TPH_LIMIT_WHEN_PATTERNS) {
            (void)tph_buf_printf(&d->why, "it has more than %d regular expressions", TPH_LIMIT_WHEN_PATTERNS);
            return -1;
        }
        if (tph_regex_compile(token->text, &pattern, &err) < 0) {
            (void)tph_buf_puts(&d->why, err.text);
            return -1;
        }
        d->patterns[d->n_patterns++] = pattern;
        token->kind = WHEN_PATTERN;
        token->pattern = pattern;
    }
    return 0;
}

/* The library's parser, which runs twice: the second time words are texts. */
static int parse(struct decision *d, struct when_stage **ret)
{
    return when_check(&d->tokens, &d->why) < 0 || compile_patterns(d) < 0 ||
                   when_plan(&d->tokens, d->arena, ret, &d->why) < 0
               ? -1
               : 0;
}

static int decide(struct decision *d, struct tph_str when, struct when_value *ret, const char **stage)
{
    struct when_stage *tree = NULL;
    *stage = "Invalid 'when' expression";
    if (when.len > TPH_LIMIT_WHEN) {
        (void)tph_buf_printf(&d->why, "it is longer than %zu bytes", TPH_LIMIT_WHEN);
        return -1;
    }
    if (when_read_tokens(when, d->arena, &d->tokens, &d->why) < 0 || parse(d, &tree) < 0) {
        return -1;
    }
    for (size_t i = 0; i < d->tokens.n; i++) {
        if (d->tokens.items[i].kind == WHEN_VARIABLE) {
            d->tokens.items[i].kind = WHEN_STRING;
        }
    }
    *stage = "Failed to parse 'when' expression";
    if (parse(d, &tree) < 0) {
        return -1;
    }
    *stage = "Failed to evaluate 'when' expresion"; /* Argo's spelling */
    return when_eval(tree, d->arena, ret, &d->why);
}

int tph_when_decide(struct tph_str when, bool *ret_run, struct tph_buf *problem)
{
    if (when.len == 0) {
        *ret_run = true;
        return 0;
    }
    struct tph_regex *patterns[TPH_LIMIT_WHEN_PATTERNS];
    TPH_CLEANUP(release)
    struct decision d = {.arena = tph_arena_new(), .patterns = patterns, .why = TPH_BUF_INIT(TPH_LIMIT_WHEN_MEMORY)};
    struct when_value value = {.type = WHEN_VALUE_NIL};
    const char *stage = NULL;
    if (decide(&d, when, &value, &stage) < 0) {
        struct tph_str why = tph_buf_str(&d.why);
        bool hint = stage[0] == 'I' && tph_str_find(why, TPH_STR("Invalid token")) >= 0;
        (void)tph_buf_printf(problem, "%s '%.*s': %.*s%s", stage, TPH_FMT(when), TPH_FMT(why),
                             hint ? " (hint: try wrapping the affected expression in quotes (\"))" : "");
        return -1;
    }
    if (value.type != WHEN_VALUE_BOOL) {
        (void)tph_buf_printf(problem, "Expected boolean evaluation for '%.*s'. Got ", TPH_FMT(when));
        when_print(value, problem);
        return -1;
    }
    *ret_run = value.truth;
    return 0;
}
