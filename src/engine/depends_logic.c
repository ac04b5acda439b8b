/* SPDX-License-Identifier: Apache-2.0 */
/* The logic of `depends` becomes a program: one look ahead, operators by how tightly they bind.
 *
 * Two kinds of faults: of the form, where reading ends, and of the types, which are told only when the form is good;
 * the first of each. Levels in each other are counted (TPH_LIMIT_DEPENDS_DEPTH). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "engine/depends_internal.h"

enum type { TYPE_BOOL, TYPE_STRING, TYPE_NUMBER };
static const char *const type_names[] = {"bool", "string", "int"};

/* What an expression gives. */
struct expr {
    enum type type;
    bool literal; /* its text is known, its value the last operation of the program */
    struct tph_str text;
};

struct parser {
    struct tph_depends *depends;
    tph_depends_find *find;
    void *owner;
    struct tph_arena *arena;
    struct tph_str logic;
    size_t at; /* behind the token */
    struct depends_token token;
    size_t depth;
    struct tph_depends_op *ops; /* grows */
    size_t n_ops, capacity;
    const char *form_fault, *type_fault;
};

static struct expr parse_expression(struct parser *p, int least);
static struct expr parse_sequence(struct parser *p);

/* " (1:3)\n | A.Bogus\n | ..^": the line with a mark under the place. */
static void put_place(struct tph_str logic, size_t at, struct tph_buf *out)
{
    size_t line = 1;
    size_t begin = 0;
    size_t column = 0;
    if (logic.len == 0) {
        return;
    }
    at = at < logic.len ? at : logic.len - 1;
    for (size_t i = 0; i < at; i++) {
        line += logic.p[i] == '\n';
        begin = logic.p[i] == '\n' ? i + 1 : begin;
    }
    for (size_t i = begin; i < at;) {
        uint32_t rune = 0;
        i += tph_utf8_decode(tph_str_slice(logic, i, logic.len), &rune);
        column++;
    }
    struct tph_str rest = tph_str_slice(logic, begin, logic.len);
    struct tph_str text = rest;
    (void)tph_str_cut(&rest, '\n', &text);
    (void)tph_buf_printf(out, " (%zu:%zu)\n | ", line, column + 1);
    for (size_t i = 0; i < text.len; i++) {
        (void)tph_buf_putc(out, text.p[i] == '-' ? '_' : text.p[i]);
    }
    (void)tph_buf_puts(out, "\n | ");
    for (size_t i = 0; i < column; i++) {
        (void)tph_buf_putc(out, '.');
    }
    (void)tph_buf_putc(out, '^');
}

static void set_fault(struct parser *p, const char **slot, size_t at, const char *format, ...) TPH_PRINTF(4, 5);
static void set_fault(struct parser *p, const char **slot, size_t at, const char *format, ...)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(3 * TPH_LIMIT_DOCUMENT);
    char *what = NULL;
    va_list args;
    if (*slot) {
        return;
    }
    va_start(args, format);
    int length = vasprintf(&what, format, args);
    va_end(args);
    if (length >= 0) {
        (void)tph_buf_puts(&text, what);
        free(what);
    }
    put_place(p->logic, at, &text);
    *slot = tph_arena_strdup(p->arena, tph_buf_str(&text));
}

/* A token as the library names it, with a hyphen read as an underscore. */
static void unexpected(struct parser *p)
{
    static const char *const kinds[] = {
        [TOKEN_IDENTIFIER] = "Identifier", [TOKEN_NUMBER] = "Number",   [TOKEN_STRING] = "String",
        [TOKEN_OPERATOR] = "Operator",     [TOKEN_BRACKET] = "Bracket",
    };
    if (p->form_fault) {
        return;
    }
    if (p->token.kind == TOKEN_END) {
        set_fault(p, &p->form_fault, p->token.at, "unexpected token EOF");
        return;
    }
    TPH_CLEANUP(tph_freep) char *text = tph_str_dup(p->token.text);
    for (char *c = text; *c && p->token.kind != TOKEN_STRING; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    set_fault(p, &p->form_fault, p->token.at, "unexpected token %s(\"%s\")", kinds[p->token.kind], text);
}

static void advance(struct parser *p)
{
    if (p->form_fault) {
        return;
    }
    p->token = tph_depends_next(p->logic, &p->at, p->arena);
    if (p->token.kind == TOKEN_FAULT) {
        set_fault(p, &p->form_fault, p->token.at, "%.*s", TPH_FMT(p->token.text));
    }
}

static bool token_is(const struct parser *p, enum depends_token_kind kind, const char *text)
{
    return !p->form_fault && p->token.kind == kind && tph_str_eqz(p->token.text, text);
}

static void expect(struct parser *p, enum depends_token_kind kind, const char *text)
{
    if (p->form_fault) {
        return;
    }
    if (!token_is(p, kind, text)) {
        unexpected(p);
        return;
    }
    advance(p);
}

static void emit(struct parser *p, struct tph_depends_op op)
{
    if (p->n_ops == p->capacity) {
        p->capacity = p->capacity > 0 ? 2 * p->capacity : 16;
        p->ops = tph_realloc(p->ops, p->capacity * sizeof(*p->ops));
    }
    p->ops[p->n_ops++] = op;
}

static struct expr emit_constant(struct parser *p, enum type type, struct tph_str text, bool truth)
{
    emit(p, (struct tph_depends_op){.kind = OP_CONSTANT, .truth = truth});
    return (struct expr){.type = type, .literal = true, .text = text};
}

/* One result or another of the same task is one question. */
static void emit_or(struct parser *p)
{
    struct tph_depends_op *last = &p->ops[p->n_ops - 1];
    struct tph_depends_op *before = last - 1;
    if (last->kind == OP_RESULTS && before->kind == OP_RESULTS && last->task == before->task) {
        before->results |= last->results;
        p->n_ops--;
        return;
    }
    emit(p, (struct tph_depends_op){.kind = OP_OR});
}

struct binary {
    const char *word;
    int binds; /* the more, the tighter */
    bool right;
    enum depends_op_kind op; /* RESULTS: none of truth values */
};
static const struct binary binaries[] = {
    {"|", 0, false, OP_RESULTS},
    {"||", 10, false, OP_OR},
    {"or", 10, false, OP_OR},
    {"&&", 15, false, OP_AND},
    {"and", 15, false, OP_AND},
    {"==", 20, false, OP_EQUAL},
    {"!=", 20, false, OP_UNEQUAL},
    {"<", 20, false, OP_RESULTS},
    {">", 20, false, OP_RESULTS},
    {"<=", 20, false, OP_RESULTS},
    {">=", 20, false, OP_RESULTS},
    {"in", 20, false, OP_RESULTS},
    {"matches", 20, false, OP_RESULTS},
    {"contains", 20, false, OP_RESULTS},
    {"startsWith", 20, false, OP_RESULTS},
    {"endsWith", 20, false, OP_RESULTS},
    {"..", 25, false, OP_RESULTS},
    {"+", 30, false, OP_RESULTS},
    {"*", 60, false, OP_RESULTS},
    {"/", 60, false, OP_RESULTS},
    {"%", 60, false, OP_RESULTS},
    {"**", 100, true, OP_RESULTS},
    {"^", 100, true, OP_RESULTS},
    {"??", 500, false, OP_FIRST},
};
enum { UNARY_BINDS = 50 };

static const struct binary *binary_of(const struct parser *p)
{
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        if (token_is(p, TOKEN_OPERATOR, binaries[i].word)) {
            return &binaries[i];
        }
    }
    return NULL;
}

static struct expr combine(struct parser *p, const struct binary *b, size_t at, struct expr left, struct expr right)
{
    bool compares = b->op == OP_EQUAL || b->op == OP_UNEQUAL;
    const struct expr truth = {.type = TYPE_BOOL};
    if (b->op == OP_FIRST) {
        emit(p, (struct tph_depends_op){.kind = OP_FIRST});
        left.literal = false;
        return left;
    }
    if (compares && left.type == right.type && left.type != TYPE_BOOL && left.literal && right.literal) {
        bool equal = tph_str_eq(left.text, right.text);
        p->n_ops -= 2;
        return emit_constant(p, TYPE_BOOL, TPH_STR_NONE, equal == (b->op == OP_EQUAL));
    }
    if (b->op == OP_RESULTS || left.type != right.type || left.type != TYPE_BOOL) {
        set_fault(p, &p->type_fault, at, "invalid operation: %s (mismatched types %s and %s)", b->word,
                  type_names[left.type], type_names[right.type]);
    }
    if (b->op == OP_OR) {
        emit_or(p);
    } else {
        emit(p, (struct tph_depends_op){.kind = b->op == OP_RESULTS ? OP_SECOND : b->op});
    }
    return truth;
}

/* TASK.Result; the identifier is the token. */
static struct expr parse_result(struct parser *p)
{
    struct depends_token name = p->token;
    struct tph_depends_op op = {.kind = OP_RESULTS};
    enum depends_result result = SUCCEEDED;
    advance(p);
    if (!token_is(p, TOKEN_OPERATOR, ".")) {
        set_fault(p, &p->form_fault, name.at, "unknown name %.*s", TPH_FMT(name.text));
        return (struct expr){0};
    }
    advance(p);
    struct depends_token word = p->token;
    const struct tph_depends_task *task = p->find(p->owner, name.text, word.text);
    advance(p);
    if (!task) {
        set_fault(p, &p->type_fault, name.at, "unknown name %.*s", TPH_FMT(name.text));
    } else if (!tph_depends_result(word.text, &result)) {
        set_fault(p, &p->type_fault, word.at, "type controller.TaskResults has no field %.*s", TPH_FMT(word.text));
    } else {
        op.task = task->index;
        op.results = 1U << result;
    }
    emit(p, op);
    return (struct expr){.type = TYPE_BOOL};
}

/* Members of what stands before; a truth value has none. */
static struct expr parse_postfix(struct parser *p, struct expr left)
{
    while (token_is(p, TOKEN_OPERATOR, ".") || token_is(p, TOKEN_OPERATOR, "?.")) {
        advance(p);
        struct depends_token word = p->token;
        if (word.kind == TOKEN_END) {
            set_fault(p, &p->form_fault, word.at, "unexpected end of expression");
        }
        advance(p);
        if (word.kind != TOKEN_IDENTIFIER) {
            set_fault(p, &p->form_fault, p->token.at, "expected name");
        }
        set_fault(p, &p->type_fault, word.at, "type %s has no field %.*s", type_names[left.type], TPH_FMT(word.text));
    }
    if (token_is(p, TOKEN_BRACKET, "[")) {
        set_fault(p, &p->form_fault, p->token.at, "a truth value has no members");
    }
    return left;
}

static struct expr parse_bracket(struct parser *p)
{
    struct expr inner = {0};
    if (token_is(p, TOKEN_BRACKET, "(")) {
        advance(p);
        inner = parse_sequence(p);
        expect(p, TOKEN_BRACKET, ")");
        return parse_postfix(p, inner);
    }
    if (token_is(p, TOKEN_BRACKET, "{")) {
        advance(p);
        if (p->token.kind == TOKEN_BRACKET && !tph_str_eqz(p->token.text, "}") && !tph_str_eqz(p->token.text, "(")) {
            set_fault(p, &p->form_fault, p->token.at,
                      "a map key must be a quoted string, a number, a identifier, or an expression enclosed in "
                      "parentheses (unexpected token Bracket(\"%.*s\"))",
                      TPH_FMT(p->token.text));
        }
    }
    if (token_is(p, TOKEN_BRACKET, "[") || token_is(p, TOKEN_BRACKET, "{")) {
        set_fault(p, &p->form_fault, p->token.at, "a list or map is no condition");
    }
    unexpected(p);
    return inner;
}

static struct expr parse_primary(struct parser *p)
{
    struct depends_token token = p->token;
    if (p->form_fault) {
        return (struct expr){0};
    }
    switch (token.kind) {
    case TOKEN_IDENTIFIER:
        if (tph_str_eqz(token.text, "true") || tph_str_eqz(token.text, "false")) {
            advance(p);
            return emit_constant(p, TYPE_BOOL, token.text, tph_str_eqz(token.text, "true"));
        }
        return parse_postfix(p, parse_result(p));
    case TOKEN_NUMBER:
        advance(p);
        return emit_constant(p, TYPE_NUMBER, token.text, false);
    case TOKEN_STRING:
        advance(p);
        return parse_postfix(p, emit_constant(p, TYPE_STRING, token.text, false));
    case TOKEN_BRACKET:
        return parse_bracket(p);
    case TOKEN_OPERATOR:
    case TOKEN_END:
    case TOKEN_FAULT:
        break;
    }
    unexpected(p);
    return (struct expr){0};
}

static struct expr parse_operand(struct parser *p)
{
    size_t at = p->token.at;
    if (!token_is(p, TOKEN_OPERATOR, "!") && !token_is(p, TOKEN_OPERATOR, "not")) {
        return parse_primary(p);
    }
    const char *word = token_is(p, TOKEN_OPERATOR, "!") ? "!" : "not";
    advance(p);
    struct expr operand = parse_expression(p, UNARY_BINDS);
    if (operand.type != TYPE_BOOL) {
        set_fault(p, &p->type_fault, at, "invalid operation: %s (mismatched type %s)", word, type_names[operand.type]);
    }
    emit(p, (struct tph_depends_op){.kind = OP_NOT});
    return parse_postfix(p, (struct expr){.type = TYPE_BOOL});
}

static struct expr parse_choices(struct parser *p, struct expr condition, size_t at)
{
    while (token_is(p, TOKEN_OPERATOR, "?")) {
        advance(p);
        struct expr first = parse_expression(p, 0);
        expect(p, TOKEN_OPERATOR, ":");
        struct expr second = parse_expression(p, 0);
        if (condition.type != TYPE_BOOL) {
            set_fault(p, &p->type_fault, at, "non-bool expression (type %s) used as condition",
                      type_names[condition.type]);
        }
        if (first.type != second.type) {
            set_fault(p, &p->type_fault, at, "the two sides of a choice are a %s and a %s", type_names[first.type],
                      type_names[second.type]);
        }
        emit(p, (struct tph_depends_op){.kind = OP_CHOOSE});
        condition = (struct expr){.type = first.type};
    }
    return condition;
}

/* Operators that bind at least so tightly. */
static struct expr parse_expression(struct parser *p, int least)
{
    size_t begin = p->token.at;
    const struct binary *b = NULL;
    if (p->depth == TPH_LIMIT_DEPENDS_DEPTH) {
        set_fault(p, &p->form_fault, begin, "more than %d operators and parentheses are in each other",
                  TPH_LIMIT_DEPENDS_DEPTH);
        return (struct expr){0};
    }
    p->depth++;
    struct expr left = parse_operand(p);
    while ((b = binary_of(p)) != NULL && b->binds >= least) {
        size_t at = p->token.at;
        advance(p);
        if (strcmp(b->word, "|") == 0) { /* a function has to follow */
            unexpected(p);
            break;
        }
        struct expr right = parse_expression(p, b->right ? b->binds : b->binds + 1);
        if (p->form_fault) {
            break;
        }
        left = combine(p, b, at, left, right);
    }
    if (least == 0) {
        left = parse_choices(p, left, begin);
    }
    p->depth--;
    return left;
}

/* Expressions with semicolons between them; the last counts. */
static struct expr parse_sequence(struct parser *p)
{
    struct expr last = parse_expression(p, 0);
    while (token_is(p, TOKEN_OPERATOR, ";")) {
        advance(p);
        if (p->token.kind == TOKEN_END) {
            break;
        }
        last = parse_expression(p, 0);
        last.literal = false;
        emit(p, (struct tph_depends_op){.kind = OP_SECOND});
    }
    return last;
}

void tph_depends_compile_logic(struct tph_depends *depends, tph_depends_find *find, void *owner,
                               struct tph_arena *arena)
{
    struct parser p = {.depends = depends, .find = find, .owner = owner, .arena = arena, .logic = depends->logic};
    advance(&p);
    struct expr result = parse_sequence(&p);
    if (p.token.kind != TOKEN_END) {
        unexpected(&p);
    }
    depends->fault = p.form_fault ? p.form_fault : p.type_fault;
    if (!depends->fault && result.type != TYPE_BOOL) {
        depends->fault =
            tph_arena_format(arena, "unable to cast expression result '%.*s' to bool", TPH_FMT(result.text));
    }
    struct tph_depends_op *ops = TPH_ARENA_ARRAY(arena, struct tph_depends_op, p.n_ops);
    if (p.n_ops > 0) {
        memcpy(ops, p.ops, p.n_ops * sizeof(*ops));
    }
    free(p.ops);
    depends->ops = ops;
    depends->n_ops = p.n_ops;
}
