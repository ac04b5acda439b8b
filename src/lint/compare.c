/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and expressions that compare texts with numbers, and conditions that can never be decided.
 *
 * Only what stands right beside a comparison is looked at: a name, a text, a tag, a number. Values of parameters and
 * results are texts in expressions, always; in `when` a tag without quotes is what its value looks like. Where that
 * finds nothing, the languages are asked: govaluate with values in the tags' place, expr with the types that names
 * have.
 */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "data/position.h"
#include "expr/expr.h"
#include "lint/internal.h"
#include "when/when.h"

enum operand {
    OTHER,
    COMPARISON,
    NUMBER,
    NAME,   /* of an expression: inputs.parameters.n, tasks['a'].status */
    QUOTED, /* a text in quotes */
    TAG,    /* {{...}} without quotes */
};

struct piece {
    enum operand kind;
    struct tph_str text; /* with quotes, braces */
};

static bool at(struct tph_str text, size_t i, const char *set)
{
    return i < text.len && text.p[i] != '\0' && strchr(set, text.p[i]) != NULL;
}

static bool is_name(struct tph_str text, size_t i)
{
    return i < text.len && (isalnum((unsigned char)text.p[i]) || text.p[i] == '_');
}

/* Where the quoted text that begins at i ends. */
static size_t quoted(struct tph_str text, size_t i)
{
    char quote = text.p[i++];
    while (i < text.len && text.p[i] != quote) {
        i += text.p[i] == '\\' ? 2 : 1;
    }
    return i < text.len ? i + 1 : text.len;
}

/* Where the name that begins at i ends: words, dots, [indexes] of texts and numbers. */
static size_t named(struct tph_str text, size_t i)
{
    while (is_name(text, i)) {
        while (is_name(text, i)) {
            i++;
        }
        while (at(text, i, "[")) {
            size_t end = at(text, i + 1, "'\"") ? quoted(text, i + 1) : i + 1;
            while (is_name(text, end)) {
                end++;
            }
            if (!at(text, end, "]")) {
                return i;
            }
            i = end + 1;
        }
        if (at(text, i, ".") && is_name(text, i + 1)) {
            i++;
        }
    }
    return i;
}

static size_t number(struct tph_str text, size_t i)
{
    while (is_name(text, i) || at(text, i, ".")) {
        i++;
    }
    return i;
}

static enum operand piece_at(struct tph_str text, size_t i, size_t *ret_end)
{
    struct tph_str rest = tph_str_slice(text, i, text.len);
    ptrdiff_t close = tph_str_has_prefix(rest, TPH_STR("{{")) ? tph_str_find(rest, TPH_STR("}}")) : -1;
    if (close >= 0) {
        *ret_end = i + (size_t)close + 2;
        return TAG;
    }
    if (at(text, i, "'\"")) {
        *ret_end = quoted(text, i);
        return QUOTED;
    }
    if (isdigit((unsigned char)text.p[i])) {
        *ret_end = number(text, i);
        return NUMBER;
    }
    if (is_name(text, i)) {
        *ret_end = named(text, i);
        return NAME;
    }
    if (at(text, i, "=!<>") && at(text, i + 1, "=")) {
        *ret_end = i + 2;
        return COMPARISON;
    }
    *ret_end = i + 1;
    return at(text, i, "<>") && !at(text, i + 1, "<>") ? COMPARISON : OTHER;
}

/* The next piece of *rest that is no blank; false at the end. */
static bool next(struct tph_str *rest, struct piece *ret_piece)
{
    size_t end = 0;
    *rest = tph_str_trim(*rest);
    if (rest->len == 0) {
        return false;
    }
    ret_piece->kind = piece_at(*rest, 0, &end);
    ret_piece->text = tph_str_slice(*rest, 0, end);
    *rest = tph_str_slice(*rest, end, rest->len);
    return true;
}

static bool looks_like_number(struct tph_str text)
{
    bool digit = false;
    for (size_t i = 0; i < text.len; i++) {
        digit = digit || isdigit((unsigned char)text.p[i]);
        if (!isdigit((unsigned char)text.p[i]) && text.p[i] != '.' && !(i == 0 && text.p[i] == '-')) {
            return false;
        }
    }
    return digit;
}

/* Names of expressions that are texts. */
static bool is_text(struct tph_str name)
{
    static const char *const ROOTS[] = {"inputs.parameters", "workflow.parameters", "lastRetry.", "retries"};
    for (size_t i = 0; i < sizeof ROOTS / sizeof ROOTS[0]; i++) {
        size_t len = strlen(ROOTS[i]);
        if (tph_str_has_prefix(name, tph_str(ROOTS[i]))) {
            return ROOTS[i][len - 1] == '.' ? name.len > len : name.len == len ? i == 3 : !is_name(name, len);
        }
    }
    bool node = tph_str_has_prefix(name, TPH_STR("steps")) || tph_str_has_prefix(name, TPH_STR("tasks"));
    return node &&
           (tph_str_has_suffix(name, TPH_STR(".outputs.result")) || tph_str_has_suffix(name, TPH_STR(".exitCode")) ||
            tph_str_find(name, TPH_STR(".outputs.parameters")) > 0);
}

static const char *outcome(struct tph_str comparison)
{
    return tph_str_eqz(comparison, "==")   ? "is never true"
           : tph_str_eqz(comparison, "!=") ? "is always true"
                                           : "is an error when it is evaluated";
}

/* One comparison of an expression. */
static void judge_expression(struct tph_lint *l, const struct piece *left, const struct piece *op,
                             const struct piece *right)
{
    bool turned = left->kind == NUMBER;
    const struct piece *name = turned ? right : left;
    const struct piece *value = turned ? left : right;
    if (name->kind != NAME || value->kind != NUMBER || !is_text(name->text)) {
        return;
    }
    tph_lint_warn(l, "%.*s is a text: to compare it with the number %.*s %s", TPH_FMT(name->text), TPH_FMT(value->text),
                  outcome(op->text));
    if (turned) {
        (void)tph_lint_hint(l, "write %.*s %.*s asInt(%.*s)", TPH_FMT(value->text), TPH_FMT(op->text),
                            TPH_FMT(name->text));
    } else {
        (void)tph_lint_hint(l, "write asInt(%.*s) %.*s %.*s", TPH_FMT(name->text), TPH_FMT(op->text),
                            TPH_FMT(value->text));
    }
    tph_lint_keep(l);
}

/* One comparison of a condition. */
static void judge_when(struct tph_lint *l, const struct piece *left, const struct piece *op, const struct piece *right)
{
    const struct piece *text = left->kind == QUOTED ? left : right;
    const struct piece *other = left->kind == QUOTED ? right : left;
    if (text->kind != QUOTED) {
        return;
    }
    if (other->kind == NUMBER && tph_lint_is_parameter(text->text)) {
        tph_lint_warn(l, "%.*s is a text: to compare it with the number %.*s %s", TPH_FMT(text->text),
                      TPH_FMT(other->text), outcome(op->text));
        (void)tph_lint_hint(l, "write it without quotes");
    } else if (other->kind == TAG && looks_like_number(tph_str_slice(text->text, 1, text->text.len - 1))) {
        tph_lint_warn(l, "where %.*s is a number, to compare it with the text %.*s %s", TPH_FMT(other->text),
                      TPH_FMT(text->text), outcome(op->text));
        (void)tph_lint_hint(l, "put both into quotes, or none");
    } else {
        return;
    }
    tph_lint_keep(l);
}

static void comparisons(struct tph_lint *l, struct tph_str text,
                        void judge(struct tph_lint *, const struct piece *, const struct piece *, const struct piece *))
{
    struct piece left = {.kind = OTHER};
    struct piece op = {.kind = OTHER};
    struct piece piece;
    while (next(&text, &piece)) {
        if (op.kind == COMPARISON) {
            judge(l, &left, &op, &piece);
        }
        left = piece.kind == COMPARISON ? left : piece;
        op = piece.kind == COMPARISON ? piece : (struct piece){.kind = OTHER};
    }
}

/* A tag may stand for a word, a number, a truth value or, in quotes, for a time; a condition that fails with all of
 * them is no condition. */
static void decide(struct tph_lint *l, struct tph_str when)
{
    static const char *const VALUES[] = {"true", "1", "2024-01-02", "x"};
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(2));
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_str rest = when;
        struct tph_str before;
        struct tph_str tag;
        bool run = false;
        int found = 0;
        while ((found = tph_lint_next_tag(l, &rest, &before, &tag)) == 0) {
            (void)tph_buf_put(&text, before);
            (void)tph_buf_puts(&text, VALUES[i]);
        }
        (void)tph_buf_put(&text, before);
        tph_buf_clear(&problem);
        if (found < 0 || tph_when_decide(tph_buf_str(&text), &run, &problem) == 0) {
            return;
        }
    }
    tph_lint_warn(l, "this can never be decided: %s", tph_buf_cstr(&problem));
    tph_lint_keep(l);
}

static void when_text(struct tph_lint *l, struct tph_str when)
{
    size_t before = l->problems->n;
    comparisons(l, when, judge_when);
    if (l->problems->n == before && tph_str_find(when, TPH_STR("{{=")) < 0) {
        decide(l, when);
    }
}

/* An input that the template of the walk does not declare. */
static bool is_undeclared(const struct tph_lint *l, struct tph_str path)
{
    struct tph_str prefix = TPH_STR("inputs.parameters.");
    struct tph_json_iter it = tph_json_iter(tph_json_path(l->template, "inputs", "parameters", NULL));
    if (!l->template || !tph_str_has_prefix(path, prefix) || path.len == prefix.len) {
        return false;
    }
    struct tph_str name = tph_str_slice(path, prefix.len, path.len);
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return false;
        }
    }
    return tph_str_find_byte(name, '.') < 0;
}

/* What reading it says. Tags in it may become anything. */
static void read_expression(struct tph_lint *l, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(text);
    const struct tph_expr_reference *references = NULL;
    size_t n = 0;
    if (tph_str_find(text, TPH_STR("{{")) >= 0) {
        return;
    }
    if (tph_expr_references(expr, &references, &n, &problem) < 0) {
        struct tph_str rest = tph_buf_str(&problem);
        struct tph_str line = TPH_STR_NONE;
        (void)tph_str_cut(&rest, '\n', &line);
        tph_lint_warn(l, "this can never be evaluated: %.*s", TPH_FMT(line));
        (void)tph_lint_hint(l, "%.*s", TPH_FMT(rest));
        tph_lint_keep(l);
    }
    for (size_t i = 0; i < n; i++) {
        if (!references[i].is_guarded && is_undeclared(l, references[i].path)) {
            tph_lint_warn(l, "%.*s is not known here", TPH_FMT(references[i].path));
            (void)tph_lint_hint(l, "declare it under inputs.parameters of this template");
            tph_lint_keep(l);
        }
    }
}

void tph_lint_expression(struct tph_lint *l, struct tph_str expression)
{
    read_expression(l, expression);
    comparisons(l, expression, judge_expression);
}

static void expression_tags(struct tph_lint *l, struct tph_str text)
{
    struct tph_str before;
    struct tph_str tag;
    while (tph_lint_next_tag(l, &text, &before, &tag) == 0) {
        if (tag.len > 0 && tag.p[0] == '=') {
            tph_lint_expression(l, tph_str_slice(tag, 1, tag.len));
        }
    }
}

/* What stands under these keys is an expression; not inside of what a plugin gets. */
static bool is_expression(struct tph_str key)
{
    return tph_str_eqz(key, "expression") || tph_str_eqz(key, "fromExpression");
}

static void texts(struct tph_lint *l, const struct tph_json *value, struct tph_str key,
                  bool ours) /* NOLINT(misc-no-recursion) */
{
    if (tph_json_is(value, TPH_JSON_STRING)) {
        struct tph_str text = tph_json_str(value);
        expression_tags(l, text);
        if (ours && is_expression(key)) {
            tph_lint_expression(l, text);
        }
        if (ours && tph_str_eqz(key, "when") && text.len > 0) {
            when_text(l, text);
        }
        return;
    }
    struct tph_json_iter it = tph_json_iter(value);
    bool object = tph_json_is(value, TPH_JSON_OBJECT);
    while (tph_json_next(&it)) {
        struct tph_lint_mark mark = tph_lint_here(l);
        if (object) {
            tph_path_key(&l->path, it.key);
        } else {
            tph_path_index(&l->path, it.index);
        }
        if (!object || !tph_str_eqz(it.key, "inline")) { /* that is a template of its own */
            texts(l, it.value, object ? it.key : key, ours && !(object && tph_str_eqz(it.key, "plugin")));
        }
        tph_lint_leave(l, mark);
    }
}

void tph_lint_trap_texts(struct tph_lint *l, const struct tph_json *value, const char *key)
{
    texts(l, value, tph_str(key), true);
}
