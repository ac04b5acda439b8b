/* SPDX-License-Identifier: Apache-2.0 */
/* Reading label selectors: words and symbols first, then part by part; and LabelSelector objects. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/quote.h"
#include "data/labelsel.h"
#include "data/labelsel_internal.h"

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_IN, /* "in" and "notin" are words where no operator is expected */
    TOKEN_NOT_IN,
    TOKEN_EQUALS,
    TOKEN_DOUBLE_EQUALS,
    TOKEN_NOT_EQUALS,
    TOKEN_NOT,
    TOKEN_GREATER,
    TOKEN_LESS,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
};

struct parser {
    struct tph_labelsel *selector;
    struct tph_error *err;
    struct tph_str rest;
    enum token token; /* the next one */
    struct tph_str text;
    struct tph_str *values; /* of the part that is read; room for one value a byte */
    size_t n_values;
};

int tph_labelsel_number(struct tph_str text, int64_t *ret_number)
{
    bool plus = text.len > 1 && text.p[0] == '+' && text.p[1] != '-';
    return tph_str_to_i64(plus ? tph_str_slice(text, 1, text.len) : text, ret_number);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_symbol(char c)
{
    return c != '\0' && strchr("=!(),><", c) != NULL;
}

static void take(struct parser *p, enum token token, size_t len)
{
    p->token = token;
    p->text = tph_str_slice(p->rest, 0, len);
    p->rest = tph_str_slice(p->rest, len, p->rest.len);
}

static void next(struct parser *p)
{
    static const struct {
        struct tph_str text;
        enum token token;
    } symbols[] = {
        {TPH_STR("=="), TOKEN_DOUBLE_EQUALS}, {TPH_STR("!="), TOKEN_NOT_EQUALS},
        {TPH_STR("="), TOKEN_EQUALS},         {TPH_STR("!"), TOKEN_NOT},
        {TPH_STR(">"), TOKEN_GREATER},        {TPH_STR("<"), TOKEN_LESS},
        {TPH_STR("("), TOKEN_OPEN},           {TPH_STR(")"), TOKEN_CLOSE},
        {TPH_STR(","), TOKEN_COMMA},
    };
    while (p->rest.len > 0 && is_blank(p->rest.p[0])) {
        p->rest = tph_str_slice(p->rest, 1, p->rest.len);
    }
    if (p->rest.len == 0 || p->rest.p[0] == '\0') { /* a NUL ends it, as there */
        take(p, TOKEN_END, 0);
        return;
    }
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (tph_str_has_prefix(p->rest, symbols[i].text)) {
            take(p, symbols[i].token, symbols[i].text.len);
            return;
        }
    }
    size_t len = 0;
    while (len < p->rest.len && p->rest.p[len] != '\0' && !is_blank(p->rest.p[len]) && !is_symbol(p->rest.p[len])) {
        len++;
    }
    take(p, TOKEN_WORD, len);
    if (tph_str_eqz(p->text, "in")) {
        p->token = TOKEN_IN;
    } else if (tph_str_eqz(p->text, "notin")) {
        p->token = TOKEN_NOT_IN;
    }
}

static bool at_word(const struct parser *p)
{
    return p->token == TOKEN_WORD || p->token == TOKEN_IN || p->token == TOKEN_NOT_IN;
}

static int found(const struct parser *p, const char *expected)
{
    return tph_error_set(p->err, TPH_ERROR_INVALID, "found '%.*s'%s", TPH_FMT(p->text), expected);
}

static void add_value(struct parser *p, struct tph_str value)
{
    p->values[p->n_values++] = tph_arena_str(p->selector->arena, value);
}

/* a,b and, with empty values, ",b" "a," ",,": up to the closing parenthesis. */
static int read_list(struct parser *p)
{
    for (;;) {
        if (at_word(p)) {
            add_value(p, p->text);
            next(p);
            if (p->token == TOKEN_CLOSE) {
                return 0;
            }
            if (p->token != TOKEN_COMMA) {
                return found(p, ", expected: ',' or ')'");
            }
        } else if (p->token == TOKEN_COMMA) {
            if (p->n_values == 0) {
                add_value(p, TPH_STR_NONE);
            }
            next(p);
            if (p->token == TOKEN_CLOSE) {
                add_value(p, TPH_STR_NONE);
                return 0;
            }
            if (p->token == TOKEN_COMMA) {
                add_value(p, TPH_STR_NONE);
                next(p);
            }
        } else {
            return found(p, ", expected: ',', or identifier");
        }
    }
}

static int read_set(struct parser *p)
{
    if (p->token != TOKEN_OPEN) {
        return found(p, " expected: '('");
    }
    next(p);
    if (p->token == TOKEN_CLOSE) { /* "in ()" is the empty value */
        add_value(p, TPH_STR_NONE);
    } else if (!at_word(p) && p->token != TOKEN_COMMA) {
        return found(p, ", expected: ',', ')' or identifier");
    } else if (read_list(p) < 0) {
        return -1;
    }
    next(p);
    return 0;
}

static int read_value(struct parser *p)
{
    if (p->token == TOKEN_END || p->token == TOKEN_COMMA) {
        add_value(p, TPH_STR_NONE);
        return 0;
    }
    if (!at_word(p)) {
        return found(p, ", expected: identifier");
    }
    add_value(p, p->text);
    next(p);
    return 0;
}

static int read_operator(struct parser *p, enum tph_labelsel_operator *ret_operator)
{
    static const struct {
        enum token token;
        enum tph_labelsel_operator op;
    } operators[] = {
        {TOKEN_IN, TPH_LABELSEL_IN},
        {TOKEN_NOT_IN, TPH_LABELSEL_NOT_IN},
        {TOKEN_EQUALS, TPH_LABELSEL_EQUALS},
        {TOKEN_DOUBLE_EQUALS, TPH_LABELSEL_DOUBLE_EQUALS},
        {TOKEN_NOT_EQUALS, TPH_LABELSEL_NOT_EQUALS},
        {TOKEN_GREATER, TPH_LABELSEL_GREATER},
        {TOKEN_LESS, TPH_LABELSEL_LESS},
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (p->token == operators[i].token) {
            next(p);
            *ret_operator = operators[i].op;
            return 0;
        }
    }
    return found(p, ", expected: in, notin, =, ==, !=, gt, lt");
}

static int read_part(struct parser *p, struct tph_labelsel_part *ret_part)
{
    struct tph_labelsel_part part = {.op = TPH_LABELSEL_EXISTS};
    p->n_values = 0;
    if (p->token == TOKEN_NOT) {
        part.op = TPH_LABELSEL_NOT_EXISTS;
        next(p);
    }
    if (!at_word(p)) {
        return found(p, ", expected: identifier");
    }
    if (tph_labelsel_check_key(p->text, "<nil>", p->err) < 0) {
        return -1;
    }
    part.key = tph_arena_str(p->selector->arena, p->text);
    next(p);
    if (part.op == TPH_LABELSEL_EXISTS && p->token != TOKEN_END && p->token != TOKEN_COMMA) {
        if (read_operator(p, &part.op) < 0) {
            return -1;
        }
        bool set = part.op == TPH_LABELSEL_IN || part.op == TPH_LABELSEL_NOT_IN;
        if ((set ? read_set(p) : read_value(p)) < 0) {
            return -1;
        }
    }
    part.values = p->values;
    part.n_values = p->n_values;
    *ret_part = part;
    return 0;
}

static int read_all(struct parser *p)
{
    next(p);
    if (p->token == TOKEN_END) {
        return 0;
    }
    if (!at_word(p) && p->token != TOKEN_NOT) {
        return found(p, ", expected: !, identifier, or 'end of string'");
    }
    for (;;) {
        struct tph_labelsel_part part;
        if (read_part(p, &part) < 0 || tph_labelsel_add_label(p->selector, &part, "key", p->err) < 0) {
            return tph_error_wrap(p->err, "unable to parse requirement");
        }
        if (p->token == TOKEN_END) {
            return 0;
        }
        if (p->token != TOKEN_COMMA) {
            return found(p, ", expected: ',' or 'end of string'");
        }
        next(p);
        if (!at_word(p) && p->token != TOKEN_NOT) {
            return found(p, ", expected: identifier after ','");
        }
    }
}

int tph_labelsel_parse(struct tph_str text, struct tph_labelsel **ret_selector, struct tph_error *err)
{
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = tph_labelsel_new();
    TPH_CLEANUP(tph_freep) struct tph_str *values = NULL;
    if (text.len > TPH_LIMIT_LABEL_SELECTOR) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the label selector has %zu bytes, at most %zu are taken", text.len,
                             TPH_LIMIT_LABEL_SELECTOR);
    }
    values = tph_calloc(text.len + 1, sizeof(*values));
    struct parser p = {.selector = selector, .err = err, .rest = text, .values = values};
    if (read_all(&p) < 0) {
        return -1;
    }
    tph_labelsel_sort(selector);
    *ret_selector = TPH_TAKE(selector);
    return 0;
}

static int add_match_labels(struct tph_labelsel *selector, const struct tph_json *labels, struct tph_error *err)
{
    struct tph_json_iter it = tph_json_iter(labels);
    while (tph_json_next(&it)) {
        struct tph_str value = tph_arena_str(selector->arena, tph_json_str(it.value));
        struct tph_labelsel_part part = {
            .key = tph_arena_str(selector->arena, it.key), .op = TPH_LABELSEL_EQUALS, .values = &value, .n_values = 1};
        if (tph_labelsel_add_label(selector, &part, "key", err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add_expression(struct tph_labelsel *selector, const struct tph_json *expression, struct tph_error *err)
{
    static const char *const operators[TPH_LABELSEL_OPERATOR_COUNT] = {[TPH_LABELSEL_IN] = "In",
                                                                       [TPH_LABELSEL_NOT_IN] = "NotIn",
                                                                       [TPH_LABELSEL_EXISTS] = "Exists",
                                                                       [TPH_LABELSEL_NOT_EXISTS] = "DoesNotExist"};
    const struct tph_json *list = tph_json_get(expression, "values");
    struct tph_str word = tph_json_get_str(expression, "operator");
    struct tph_labelsel_part part = {.key = tph_arena_str(selector->arena, tph_json_get_str(expression, "key")),
                                     .op = TPH_LABELSEL_OPERATOR_COUNT};
    struct tph_str *values = TPH_ARENA_ARRAY(selector->arena, struct tph_str, tph_json_len(list) + 1);
    struct tph_json_iter it = tph_json_iter(list);
    for (size_t i = 0; i < TPH_LABELSEL_OPERATOR_COUNT; i++) {
        if (operators[i] && tph_str_eqz(word, operators[i])) {
            part.op = (enum tph_labelsel_operator)i;
        }
    }
    if (part.op == TPH_LABELSEL_OPERATOR_COUNT) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        tph_quote_go(word, &quoted);
        return tph_error_set(err, TPH_ERROR_INVALID, "%s is not a valid label selector operator",
                             tph_buf_cstr(&quoted));
    }
    while (tph_json_is(list, TPH_JSON_ARRAY) && tph_json_next(&it)) {
        values[part.n_values++] = tph_arena_str(selector->arena, tph_json_str(it.value));
    }
    part.values = values;
    return tph_labelsel_add_label(selector, &part, "key", err);
}

int tph_labelsel_from_object(const struct tph_json *object, struct tph_labelsel **ret_selector, struct tph_error *err)
{
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = tph_labelsel_new();
    const struct tph_json *expressions = tph_json_get(object, "matchExpressions");
    struct tph_json_iter it = tph_json_iter(tph_json_is(expressions, TPH_JSON_ARRAY) ? expressions : NULL);
    selector->nothing = tph_json_is_null(object);
    if (add_match_labels(selector, tph_json_get(object, "matchLabels"), err) < 0) {
        return -1;
    }
    while (tph_json_next(&it)) {
        if (add_expression(selector, it.value, err) < 0) {
            return -1;
        }
    }
    tph_labelsel_sort(selector);
    *ret_selector = TPH_TAKE(selector);
    return 0;
}
