/* SPDX-License-Identifier: Apache-2.0 */
/* Literals, calls, predicates, and what follows a value: .name, ?.name, [index], [from:to], (arguments). */
#include <ctype.h>
#include <string.h>

#include "data/quote.h"
#include "expr/builtin.h"
#include "expr/parse.h"

/* Without the _ that may part digits. */
static struct tph_str strip(struct expr_parser *p, struct tph_str spelt)
{
    if (tph_str_find_byte(spelt, '_') < 0) {
        return spelt;
    }
    char *text = tph_expr_alloc(&p->expr->memory, spelt.len);
    size_t n = 0;
    for (size_t i = 0; i < spelt.len && text; i++) {
        if (spelt.p[i] != '_') {
            text[n++] = spelt.p[i];
        }
    }
    return (struct tph_str){.p = text, .len = n};
}

static void number_error(struct expr_parser *p, const char *what, const char *function, struct tph_str text,
                         const char *why)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_EXPR * 8);
    (void)tph_buf_printf(&message, "invalid %s literal: strconv.%s: parsing ", what, function);
    tph_quote_go(text, &message);
    (void)tph_buf_printf(&message, ": %s", why);
    expr_parse_error(p, tph_buf_cstr(&message));
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Digits of a base; `text` as a whole is what a message shows. */
static void read_integer(struct expr_parser *p, const char *what, struct tph_str text, size_t prefix, int base,
                         struct tph_expr_value *ret)
{
    int64_t value = 0;
    bool is_one = text.len > prefix;
    bool fits = true;
    for (size_t i = prefix; i < text.len; i++) {
        int digit = isalnum((unsigned char)text.p[i]) ? digit_value(text.p[i]) : base;
        is_one = is_one && digit < base;
        fits = fits && !__builtin_mul_overflow(value, (int64_t)base, &value) &&
               !__builtin_add_overflow(value, (int64_t)digit, &value);
    }
    if (!is_one || !fits) {
        number_error(p, what, "ParseInt", text, is_one ? "value out of range" : "invalid syntax");
    }
    *ret = tph_expr_int(value);
}

static void read_float(struct expr_parser *p, struct tph_str text, struct tph_expr_value *ret)
{
    double value = 0;
    enum expr_float_text what = expr_read_float(text, &value);
    if (what != EXPR_FLOAT_READ) {
        number_error(p, "float", "ParseFloat", text,
                     what == EXPR_FLOAT_TOO_LARGE ? "value out of range" : "invalid syntax");
    }
    *ret = tph_expr_float(value);
}

static bool has_base(struct tph_str text, char letter)
{
    return text.len >= 2 && text.p[0] == '0' && (text.p[1] | 0x20) == letter;
}

static bool is_float(struct tph_str text)
{
    return tph_str_find_byte(text, '.') >= 0 || tph_str_find_byte(text, 'e') >= 0 || tph_str_find_byte(text, 'E') >= 0;
}

/* Nothing can follow a number directly. */
static struct expr_node *parse_number(struct expr_parser *p)
{
    struct expr_word word = p->word;
    struct tph_str text = strip(p, word.text);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    expr_take_word(p);
    if (has_base(text, 'x')) {
        read_integer(p, "hex", text, 2, 16, &value);
    } else if (is_float(text)) {
        read_float(p, text, &value);
    } else if (has_base(text, 'b')) {
        read_integer(p, "binary", text, 2, 2, &value);
    } else if (has_base(text, 'o')) {
        read_integer(p, "octal", text, 2, 8, &value);
    } else {
        read_integer(p, "integer", text, 0, 10, &value);
    }
    enum expr_kind kind = value.type == TPH_EXPR_INT ? EXPR_INTEGER : EXPR_FLOAT;
    struct expr_node *node = expr_make(p, kind, word.at, NULL, NULL, NULL);
    if (node) {
        node->constant = value;
    }
    return node;
}

/* { predicate } or an expression. */
static struct expr_node *parse_predicate(struct expr_parser *p)
{
    size_t at = p->word.at;
    bool in_braces = expr_is_bracket(p, "{");
    if (in_braces) {
        expr_take_word(p);
    }
    p->predicates++;
    struct expr_node *node = in_braces ? expr_parse_sequence(p) : expr_parse_expression(p, 0);
    if (!in_braces && expr_is_operator(p, ";")) {
        expr_parse_error(p, "wrap predicate with brackets { and }");
    }
    p->predicates--;
    if (in_braces) {
        expr_expect(p, EXPR_WORD_BRACKET, "}");
    }
    return expr_make(p, EXPR_PREDICATE, at, node, NULL, NULL);
}

/* The arguments of a function that takes a predicate: `form` has e for an expression, p for a predicate, ? after one
 * that may be missing. */
static void parse_predicate_arguments(struct expr_parser *p, const char *form, struct expr_nodes *nodes)
{
    expr_expect(p, EXPR_WORD_BRACKET, "(");
    const char *at = form;
    size_t wanted = 0;
    for (size_t i = 0; *at; at++) { /* what was piped in stands first */
        if (*at != '?') {
            wanted += i++ >= nodes->n;
        }
    }
    at = form + nodes->n;
    for (size_t i = 0; *at; i++) {
        bool optional = at[1] == '?';
        if (expr_is_bracket(p, ")")) {
            if (optional) {
                break;
            }
            (void)expr_problem_set(&p->expr->problem, p->word.at, "expected at least %zu arguments", wanted);
        }
        if (i > 0) {
            expr_expect(p, EXPR_WORD_OPERATOR, ",");
        }
        expr_add_node(p, nodes, *at == 'e' ? expr_parse_expression(p, 0) : parse_predicate(p));
        at += optional ? 2 : 1;
    }
    if (expr_is_operator(p, ",")) {
        expr_take_word(p);
    }
    expr_expect(p, EXPR_WORD_BRACKET, ")");
}

static void parse_arguments(struct expr_parser *p, struct expr_nodes *nodes)
{
    size_t piped = nodes->n;
    expr_expect(p, EXPR_WORD_BRACKET, "(");
    while (!expr_is_bracket(p, ")") && !expr_parse_failed(p)) {
        if (nodes->n > piped) {
            expr_expect(p, EXPR_WORD_OPERATOR, ",");
        }
        if (expr_is_bracket(p, ")")) {
            break;
        }
        expr_add_node(p, nodes, expr_parse_expression(p, 0));
    }
    expr_expect(p, EXPR_WORD_BRACKET, ")");
}

struct expr_node *expr_parse_call(struct expr_parser *p, struct expr_word name, struct expr_node *piped, bool may_hide)
{
    struct expr_nodes nodes = {.n = 0};
    if (piped) {
        expr_add_node(p, &nodes, piped);
    }
    const struct expr_builtin *builtin = expr_find_builtin(name.text);
    if (builtin && may_hide && p->env && expr_assume(p->expr, p->env, name.text)->is_there) {
        builtin = NULL;
    }
    if (builtin) {
        if (builtin->predicate) {
            parse_predicate_arguments(p, builtin->predicate, &nodes);
        } else {
            parse_arguments(p, &nodes);
        }
        struct expr_node *node = expr_make_items(p, EXPR_BUILTIN, name.at, &nodes);
        if (node) {
            node->text = name.text;
            node->builtin = builtin;
        }
        return node;
    }
    struct expr_node *callee = expr_make_text(p, EXPR_NAME, name.at, name.text);
    if (!callee) {
        return NULL;
    }
    parse_arguments(p, &nodes);
    struct expr_node *node = expr_make_items(p, EXPR_CALL, name.at, &nodes);
    if (node) {
        node->left = callee;
    }
    return node;
}

static struct expr_node *parse_array(struct expr_parser *p)
{
    struct expr_nodes nodes = {.n = 0};
    size_t at = p->word.at;
    expr_take_word(p);
    while (!expr_is_bracket(p, "]") && !expr_parse_failed(p)) {
        if (nodes.n > 0) {
            expr_expect(p, EXPR_WORD_OPERATOR, ",");
            if (expr_is_bracket(p, "]")) {
                break;
            }
        }
        expr_add_node(p, &nodes, expr_parse_expression(p, 0));
    }
    expr_expect(p, EXPR_WORD_BRACKET, "]");
    return expr_make_items(p, EXPR_ARRAY, at, &nodes);
}

/* A name, text or number stands for itself as a text; else it is an expression in parentheses. */
static struct expr_node *parse_key(struct expr_parser *p)
{
    if (p->word.kind == EXPR_WORD_NAME || p->word.kind == EXPR_WORD_TEXT || p->word.kind == EXPR_WORD_NUMBER) {
        struct expr_node *key = expr_make_text(p, EXPR_STRING, p->word.at, p->word.text);
        if (key) {
            expr_take_word(p);
        }
        return key;
    }
    if (expr_is_bracket(p, "(")) {
        return expr_parse_expression(p, 0);
    }
    expr_unexpected(
        p, "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses (");
    return NULL;
}

static struct expr_node *parse_map(struct expr_parser *p)
{
    struct expr_nodes nodes = {.n = 0};
    size_t at = p->word.at;
    expr_take_word(p);
    while (!expr_is_bracket(p, "}") && !expr_parse_failed(p)) {
        if (nodes.n > 0) {
            expr_expect(p, EXPR_WORD_OPERATOR, ",");
            if (expr_is_bracket(p, "}")) {
                break;
            }
            if (expr_is_operator(p, ",")) {
                expr_unexpected(p, "");
            }
        }
        expr_add_node(p, &nodes, parse_key(p));
        expr_expect(p, EXPR_WORD_OPERATOR, ":");
        expr_add_node(p, &nodes, expr_parse_expression(p, 0));
        if (++p->n_nodes > TPH_LIMIT_EXPR_NODES) { /* the library counts pairs too */
            expr_parse_error(p, "compilation failed: expression exceeds maximum allowed nodes");
        }
        if (expr_parse_failed(p)) {
            return NULL;
        }
    }
    expr_expect(p, EXPR_WORD_BRACKET, "}");
    return expr_make_items(p, EXPR_MAP, at, &nodes);
}

/* A name that is a value by itself (nothing can follow it directly), a call or a variable. */
static struct expr_node *parse_name(struct expr_parser *p)
{
    struct expr_word name = p->word;
    expr_take_word(p);
    if (tph_str_eqz(name.text, "true") || tph_str_eqz(name.text, "false")) {
        struct expr_node *node = expr_make(p, EXPR_BOOL, name.at, NULL, NULL, NULL);
        if (node) {
            node->constant = tph_expr_bool(name.text.len == 4);
        }
        return node;
    }
    if (tph_str_eqz(name.text, "nil")) {
        return expr_make(p, EXPR_NIL, name.at, NULL, NULL, NULL);
    }
    struct expr_node *node = expr_is_bracket(p, "(") ? expr_parse_call(p, name, NULL, true)
                                                     : expr_make_text(p, EXPR_NAME, name.at, name.text);
    return node ? expr_parse_postfix(p, node) : NULL;
}

static struct expr_node *parse_text(struct expr_parser *p)
{
    struct expr_word word = p->word;
    expr_take_word(p);
    struct expr_node *node =
        expr_make_text(p, word.kind == EXPR_WORD_TEXT ? EXPR_STRING : EXPR_BYTES, word.at, word.text);
    if (!node) {
        return NULL;
    }
    if (node->kind == EXPR_BYTES) {
        node->constant.type = TPH_EXPR_BYTES;
    }
    return expr_parse_postfix(p, node);
}

static struct expr_node *parse_secondary(struct expr_parser *p)
{
    switch (p->word.kind) {
    case EXPR_WORD_NAME:
        return parse_name(p);
    case EXPR_WORD_NUMBER:
        return parse_number(p);
    case EXPR_WORD_TEXT:
    case EXPR_WORD_BYTES:
        return parse_text(p);
    default:
        break;
    }
    if (expr_is_bracket(p, "[")) {
        return expr_parse_postfix(p, parse_array(p));
    }
    if (expr_is_bracket(p, "{")) {
        return expr_parse_postfix(p, parse_map(p));
    }
    expr_unexpected(p, "");
    return NULL;
}

/* # , #index, #acc, and nothing before a dot. */
static struct expr_node *parse_pointer(struct expr_parser *p)
{
    size_t at = p->word.at;
    struct tph_str name = TPH_STR_NONE;
    if (expr_is_operator(p, "#")) {
        expr_take_word(p);
        if (p->word.kind == EXPR_WORD_NAME) {
            name = p->word.text;
            expr_take_word(p);
        }
    }
    struct expr_node *node = expr_make_text(p, EXPR_POINTER, at, name);
    return node ? expr_parse_postfix(p, node) : NULL;
}

struct expr_node *expr_parse_primary(struct expr_parser *p)
{
    struct expr_word word = p->word;
    enum expr_op op = EXPR_OP_NONE;
    int precedence = word.kind == EXPR_WORD_OPERATOR ? expr_unary_precedence(word.text, &op) : -1;
    if (precedence >= 0) {
        expr_take_word(p);
        struct expr_node *operand = expr_parse_expression(p, precedence);
        struct expr_node *node = expr_make(p, EXPR_UNARY, word.at, operand, NULL, NULL);
        if (!node) {
            return NULL;
        }
        node->op = op;
        node->text = word.text;
        return expr_parse_postfix(p, node);
    }
    if (expr_is_bracket(p, "(")) {
        expr_take_word(p);
        struct expr_node *node = expr_parse_sequence(p);
        expr_expect(p, EXPR_WORD_BRACKET, ")");
        return expr_parse_postfix(p, node);
    }
    if (p->predicates > 0 && (expr_is_operator(p, "#") || expr_is_operator(p, "."))) {
        return parse_pointer(p);
    }
    if (expr_is_operator(p, "::")) { /* a function of the language, whatever the environment has */
        expr_take_word(p);
        word = p->word;
        expr_expect(p, EXPR_WORD_NAME, NULL);
        return expr_parse_postfix(p, expr_parse_call(p, word, NULL, false));
    }
    return parse_secondary(p);
}

static bool is_valid_name(struct tph_str text)
{
    return text.len > 0 && expr_is_name_rune((unsigned char)text.p[0]) && !(text.p[0] >= '0' && text.p[0] <= '9');
}

/* .name or ?.name, the dot already taken. What a ?. began reaches as far as members follow. */
static struct expr_node *parse_member(struct expr_parser *p, struct expr_node *node, bool optional)
{
    struct expr_word name = p->word;
    expr_take_word(p);
    if (name.kind != EXPR_WORD_NAME && (name.kind != EXPR_WORD_OPERATOR || !is_valid_name(name.text))) {
        expr_parse_error(p, "expected name");
    }
    struct expr_node *property = expr_make_text(p, EXPR_STRING, name.at, name.text);
    if (!property) {
        return NULL;
    }
    bool in_chain = node->kind == EXPR_CHAIN;
    struct expr_node *member = expr_make(p, EXPR_MEMBER, name.at, in_chain ? node->left : node, property, NULL);
    if (!member) {
        return NULL;
    }
    member->optional = optional;
    node = member;
    if (expr_is_bracket(p, "(")) {
        struct expr_nodes arguments = {.n = 0};
        member->is_method = true;
        parse_arguments(p, &arguments);
        node = expr_make_items(p, EXPR_CALL, name.at, &arguments);
        if (!node) {
            return NULL;
        }
        node->left = member;
        node->depth = node->depth > member->depth ? node->depth : (uint16_t)(member->depth + 1);
    }
    return in_chain || optional ? expr_make(p, EXPR_CHAIN, name.at, node, NULL, NULL) : node;
}

/* [index], [from:to], the bracket not yet taken. */
static struct expr_node *parse_index(struct expr_parser *p, struct expr_node *node, bool optional)
{
    size_t at = p->word.at;
    struct expr_node *from = NULL;
    struct expr_node *to = NULL;
    expr_take_word(p);
    if (!expr_is_operator(p, ":")) {
        from = expr_parse_expression(p, 0);
    }
    if (expr_is_operator(p, ":")) {
        expr_take_word(p);
        if (!expr_is_bracket(p, "]")) {
            to = expr_parse_expression(p, 0);
        }
        node = expr_make(p, EXPR_SLICE, at, node, from, to);
    } else {
        node = expr_make(p, EXPR_MEMBER, at, node, from, NULL);
        if (node && optional) {
            node->optional = true;
            node = expr_make(p, EXPR_CHAIN, at, node, NULL, NULL);
        }
    }
    if (node) {
        expr_expect(p, EXPR_WORD_BRACKET, "]");
    }
    return node;
}

struct expr_node *expr_parse_postfix(struct expr_parser *p, struct expr_node *node)
{
    while (node && !expr_parse_failed(p)) {
        bool optional = expr_is_operator(p, "?.");
        if (optional || expr_is_operator(p, ".")) {
            expr_take_word(p);
            node = optional && expr_is_bracket(p, "[") ? parse_index(p, node, true) : parse_member(p, node, optional);
        } else if (expr_is_bracket(p, "[")) {
            node = parse_index(p, node, false);
        } else {
            break;
        }
    }
    return node;
}
