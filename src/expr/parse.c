/* SPDX-License-Identifier: Apache-2.0 */
/* Words to a tree: operators by how tight they bind, let, if, sequences. parse_primary.c has what stands between them.
 */
#include "expr/parse.h"

#include <string.h>

#include "data/quote.h"

struct operator_row {
    const char *text;
    enum expr_op op;
    int precedence;
    bool to_the_right;
};

static const struct operator_row binary_operators[] = {
    {"|", EXPR_OP_PIPE, 0, false},
    {"or", EXPR_OP_OR, 10, false},
    {"||", EXPR_OP_OR, 10, false},
    {"and", EXPR_OP_AND, 15, false},
    {"&&", EXPR_OP_AND, 15, false},
    {"==", EXPR_OP_EQUAL, 20, false},
    {"!=", EXPR_OP_NOT_EQUAL, 20, false},
    {"<", EXPR_OP_LESS, 20, false},
    {">", EXPR_OP_MORE, 20, false},
    {">=", EXPR_OP_MORE_EQUAL, 20, false},
    {"<=", EXPR_OP_LESS_EQUAL, 20, false},
    {"in", EXPR_OP_IN, 20, false},
    {"matches", EXPR_OP_MATCHES, 20, false},
    {"contains", EXPR_OP_CONTAINS, 20, false},
    {"startsWith", EXPR_OP_STARTS_WITH, 20, false},
    {"endsWith", EXPR_OP_ENDS_WITH, 20, false},
    {"..", EXPR_OP_RANGE, 25, false},
    {"+", EXPR_OP_ADD, 30, false},
    {"-", EXPR_OP_SUBTRACT, 30, false},
    {"*", EXPR_OP_MULTIPLY, 60, false},
    {"/", EXPR_OP_DIVIDE, 60, false},
    {"%", EXPR_OP_MODULO, 60, false},
    {"**", EXPR_OP_POWER, 100, true},
    {"^", EXPR_OP_POWER, 100, true},
    {"??", EXPR_OP_COALESCE, 500, false},
};

static const struct operator_row unary_operators[] = {
    {"not", EXPR_OP_NOT, 50, false},
    {"!", EXPR_OP_NOT, 50, false},
    {"-", EXPR_OP_NEGATE, 90, false},
    {"+", EXPR_OP_PLUS, 90, false},
};

static const struct operator_row *find_row(const struct operator_row *rows, size_t n, struct tph_str text)
{
    for (size_t i = 0; i < n; i++) {
        if (tph_str_eqz(text, rows[i].text)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct operator_row *find_binary(struct tph_str text)
{
    return find_row(binary_operators, sizeof(binary_operators) / sizeof(binary_operators[0]), text);
}

int expr_unary_precedence(struct tph_str text, enum expr_op *ret)
{
    const struct operator_row *row =
        find_row(unary_operators, sizeof(unary_operators) / sizeof(unary_operators[0]), text);
    *ret = row ? row->op : EXPR_OP_NONE;
    return row ? row->precedence : -1;
}

bool expr_parse_failed(const struct expr_parser *p)
{
    return p->expr->problem.is_set;
}

bool expr_is_bracket(const struct expr_parser *p, const char *text)
{
    return p->word.kind == EXPR_WORD_BRACKET && tph_str_eqz(p->word.text, text);
}

bool expr_is_operator(const struct expr_parser *p, const char *text)
{
    return p->word.kind == EXPR_WORD_OPERATOR && tph_str_eqz(p->word.text, text);
}

void expr_take_word(struct expr_parser *p)
{
    if (p->has_stash) {
        p->word = p->stash;
        p->has_stash = false;
        return;
    }
    if (p->reader_failed) {
        return;
    }
    if (p->is_at_end) {
        expr_parse_error(p, "unexpected end of expression");
        return;
    }
    struct expr_problem *problem = &p->expr->problem;
    bool was_set = problem->is_set;
    problem->is_set = false; /* a fault in a word takes the place of an error before */
    p->reader_failed = expr_next_word(&p->reader, &p->word) < 0;
    problem->is_set = problem->is_set || was_set;
    p->is_at_end = p->word.kind == EXPR_WORD_END;
}

void expr_parse_error(struct expr_parser *p, const char *message)
{
    (void)expr_problem_set(&p->expr->problem, p->word.at, "%s", message);
}

static void write_word(const struct expr_word *word, struct tph_buf *out)
{
    static const char *const names[] = {
        [EXPR_WORD_END] = "EOF",         [EXPR_WORD_NAME] = "Identifier", [EXPR_WORD_NUMBER] = "Number",
        [EXPR_WORD_TEXT] = "String",     [EXPR_WORD_BYTES] = "Bytes",     [EXPR_WORD_OPERATOR] = "Operator",
        [EXPR_WORD_BRACKET] = "Bracket",
    };
    (void)tph_buf_puts(out, names[word->kind]);
    if (word->text.len > 0) {
        (void)tph_buf_putc(out, '(');
        tph_quote_go(word->text, out);
        (void)tph_buf_putc(out, ')');
    }
}

void expr_unexpected(struct expr_parser *p, const char *before)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_EXPR * 16);
    (void)tph_buf_puts(&text, before);
    (void)tph_buf_puts(&text, "unexpected token ");
    write_word(&p->word, &text);
    (void)tph_buf_puts(&text, before[0] ? ")" : "");
    expr_parse_error(p, tph_buf_cstr(&text));
}

void expr_expect(struct expr_parser *p, enum expr_word_kind kind, const char *text)
{
    if (p->word.kind == kind && (!text || tph_str_eqz(p->word.text, text))) {
        expr_take_word(p);
        return;
    }
    expr_unexpected(p, "");
}

struct expr_node *expr_new_node(struct tph_expr *expr, enum expr_kind kind, size_t at)
{
    struct expr_node *node = tph_expr_alloc(&expr->memory, sizeof(*node));
    if (!node) {
        (void)expr_problem_set(&expr->problem, at, "the expression needs more than %zu bytes of memory",
                               expr->memory.max);
        return NULL;
    }
    node->kind = kind;
    node->at = (uint32_t)at;
    node->slot = SIZE_MAX;
    return node;
}

static void deepen(struct expr_node *node, const struct expr_node *part)
{
    if (part && part->depth >= node->depth) {
        node->depth = (uint16_t)(part->depth + 1);
    }
}

/* A ceiling of ours on a chain of operators too, which nests to the left. */
static struct expr_node *check_depth(struct expr_parser *p, struct expr_node *node)
{
    if (node->depth <= TPH_LIMIT_EXPR_DEPTH) {
        return node;
    }
    (void)expr_problem_set(&p->expr->problem, node->at, "the expression has more than %d parts in each other",
                           TPH_LIMIT_EXPR_DEPTH);
    return NULL;
}

struct expr_node *expr_make(struct expr_parser *p, enum expr_kind kind, size_t at, struct expr_node *left,
                            struct expr_node *right, struct expr_node *third)
{
    if (++p->n_nodes > TPH_LIMIT_EXPR_NODES) {
        expr_parse_error(p, "compilation failed: expression exceeds maximum allowed nodes");
    }
    struct expr_node *node = expr_parse_failed(p) ? NULL : expr_new_node(p->expr, kind, at);
    if (!node) {
        return NULL;
    }
    node->left = left;
    node->right = right;
    node->third = third;
    deepen(node, left);
    deepen(node, right);
    deepen(node, third);
    return check_depth(p, node);
}

struct expr_node *expr_make_text(struct expr_parser *p, enum expr_kind kind, size_t at, struct tph_str text)
{
    struct expr_node *node = expr_make(p, kind, at, NULL, NULL, NULL);
    if (node) {
        node->text = text;
        node->constant = tph_expr_str(text);
    }
    return node;
}

struct expr_node *expr_make_items(struct expr_parser *p, enum expr_kind kind, size_t at, const struct expr_nodes *nodes)
{
    struct expr_node *node = expr_make(p, kind, at, NULL, NULL, NULL);
    if (!node) {
        return NULL;
    }
    node->items = nodes->items;
    node->n_items = nodes->n;
    for (size_t i = 0; i < nodes->n; i++) {
        deepen(node, nodes->items[i]);
    }
    return check_depth(p, node);
}

void expr_add_node(struct expr_parser *p, struct expr_nodes *nodes, struct expr_node *node)
{
    if (expr_parse_failed(p)) {
        return;
    }
    if (nodes->n == nodes->capacity) {
        size_t capacity = nodes->capacity > 0 ? nodes->capacity * 2 : 4;
        struct expr_node **items = tph_expr_alloc_array(&p->expr->memory, sizeof(*items), capacity);
        if (!items) {
            expr_parse_error(p, "the expression needs too much memory");
            return;
        }
        if (nodes->n > 0) {
            memcpy(items, nodes->items, nodes->n * sizeof(*items));
        }
        nodes->items = items;
        nodes->capacity = capacity;
    }
    nodes->items[nodes->n++] = node;
}

struct expr_node *expr_parse_sequence(struct expr_parser *p)
{
    struct expr_nodes nodes = {.n = 0};
    struct expr_node *first = expr_parse_expression(p, 0);
    expr_add_node(p, &nodes, first);
    while (expr_is_operator(p, ";") && !expr_parse_failed(p)) {
        expr_take_word(p);
        if (p->word.kind == EXPR_WORD_END) { /* one at the very end is allowed */
            break;
        }
        expr_add_node(p, &nodes, expr_parse_expression(p, 0));
    }
    return nodes.n <= 1 ? first : expr_make_items(p, EXPR_SEQUENCE, first->at, &nodes);
}

static struct expr_node *parse_let(struct expr_parser *p)
{
    expr_take_word(p);
    struct expr_word name = p->word;
    expr_expect(p, EXPR_WORD_NAME, NULL);
    expr_expect(p, EXPR_WORD_OPERATOR, "=");
    struct expr_node *value = expr_parse_expression(p, 0);
    expr_expect(p, EXPR_WORD_OPERATOR, ";");
    struct expr_node *rest = expr_parse_sequence(p);
    struct expr_node *node = expr_make(p, EXPR_LET, name.at, value, rest, NULL);
    if (node) {
        node->text = name.text;
    }
    return node;
}

static struct expr_node *parse_block(struct expr_parser *p)
{
    expr_expect(p, EXPR_WORD_BRACKET, "{");
    struct expr_node *node = expr_parse_sequence(p);
    expr_expect(p, EXPR_WORD_BRACKET, "}");
    return node;
}

/* if c { a } else if d { b } else { e }. The library gives these no place of their own: their errors are at 1:1. */
static struct expr_node *parse_if(struct expr_parser *p)
{
    if (++p->depth > TPH_LIMIT_EXPR_DEPTH) {
        expr_parse_error(p, "the expression has too many parts in each other");
    }
    expr_take_word(p);
    if (expr_parse_failed(p)) {
        return NULL;
    }
    struct expr_node *condition = expr_parse_expression(p, 0);
    struct expr_node *then = parse_block(p);
    expr_expect(p, EXPR_WORD_OPERATOR, "else");
    struct expr_node *otherwise = expr_is_operator(p, "if") ? parse_if(p) : parse_block(p);
    p->depth--;
    return expr_make(p, EXPR_CONDITIONAL, 0, condition, then, otherwise);
}

static struct expr_node *parse_ternary(struct expr_parser *p, struct expr_node *node)
{
    while (expr_is_operator(p, "?") && !expr_parse_failed(p)) {
        struct expr_node *then = node;
        expr_take_word(p);
        if (expr_is_operator(p, ":")) { /* a ?: b */
            expr_take_word(p);
        } else {
            then = expr_parse_expression(p, 0);
            expr_expect(p, EXPR_WORD_OPERATOR, ":");
        }
        struct expr_node *otherwise = expr_parse_expression(p, 0);
        node = expr_make(p, EXPR_CONDITIONAL, p->word.at, node, then, otherwise);
    }
    return node;
}

static struct expr_node *make_binary(struct expr_parser *p, const struct expr_word *word, enum expr_op op,
                                     struct expr_node *left, struct expr_node *right)
{
    struct expr_node *node = expr_make(p, EXPR_BINARY, word->at, left, right, NULL);
    if (node) {
        node->op = op;
        node->text = word->text;
    }
    return node;
}

static bool is_comparison(enum expr_op op)
{
    return op >= EXPR_OP_LESS && op <= EXPR_OP_LESS_EQUAL;
}

/* a < b < c is a < b && b < c. */
static struct expr_node *parse_comparison(struct expr_parser *p, struct expr_node *left, struct expr_word word,
                                          const struct operator_row *row)
{
    struct expr_node *all = NULL;
    for (;;) {
        struct expr_node *right = expr_parse_expression(p, row->precedence + 1);
        struct expr_node *one = make_binary(p, &word, row->op, left, right);
        if (all && one) {
            struct expr_word both = {.text = TPH_STR("&&"), .at = word.at};
            one = make_binary(p, &both, EXPR_OP_AND, all, one);
        }
        all = one;
        left = right;
        word = p->word;
        row = word.kind == EXPR_WORD_OPERATOR ? find_binary(word.text) : NULL;
        if (!all || !row || !is_comparison(row->op) || expr_parse_failed(p)) {
            return all;
        }
        expr_take_word(p);
    }
}

/* The word behind `not` is looked at: true when it is an operator that binds tight enough. */
static bool take_negated(struct expr_parser *p, int precedence)
{
    struct expr_word not_word = p->word;
    expr_take_word(p);
    const struct operator_row *row = find_binary(p->word.text);
    if (!row || (row->op != EXPR_OP_IN && (row->op < EXPR_OP_MATCHES || row->op > EXPR_OP_ENDS_WITH))) {
        expr_unexpected(p, "");
        return false;
    }
    if (row->precedence < precedence) {
        p->has_stash = true;
        p->stash = p->word;
        p->word = not_word;
        return false;
    }
    return true;
}

/* One operator and what is right of it, `word` and maybe a `not` before it already taken. */
static struct expr_node *parse_operator(struct expr_parser *p, struct expr_node *left, const struct expr_word *word,
                                        const struct operator_row *row, bool negate)
{
    if (row->op == EXPR_OP_PIPE) {
        struct expr_word name = p->word;
        expr_expect(p, EXPR_WORD_NAME, NULL);
        return expr_parse_call(p, name, left, true);
    }
    if (is_comparison(row->op)) {
        return parse_comparison(p, left, *word, row);
    }
    struct expr_node *right = expr_parse_expression(p, row->precedence + (row->to_the_right ? 0 : 1));
    struct expr_node *node = make_binary(p, word, row->op, left, right);
    if (negate && node) {
        node = expr_make(p, EXPR_UNARY, word->at, node, NULL, NULL);
        if (node) {
            node->op = EXPR_OP_NOT;
            node->text = TPH_STR("not");
        }
    }
    return node;
}

static struct expr_node *parse_operators(struct expr_parser *p, int precedence)
{
    struct expr_node *left = expr_parse_primary(p);
    enum expr_op before = EXPR_OP_NONE;
    while (p->word.kind == EXPR_WORD_OPERATOR && !expr_parse_failed(p)) {
        bool negate = expr_is_operator(p, "not");
        if (negate && !take_negated(p, precedence)) {
            break;
        }
        struct expr_word word = p->word;
        const struct operator_row *row = find_binary(word.text);
        if (!row || row->precedence < precedence) {
            break;
        }
        expr_take_word(p);
        if (before == EXPR_OP_COALESCE && row->op != EXPR_OP_COALESCE && row->op != EXPR_OP_PIPE) {
            (void)expr_problem_set(&p->expr->problem, word.at,
                                   "Operator (%.*s) and coalesce expressions (?\?) cannot be mixed. Wrap either by "
                                   "parentheses.",
                                   TPH_FMT(word.text));
            break;
        }
        left = parse_operator(p, left, &word, row, negate);
        before = row->op;
    }
    return precedence == 0 ? parse_ternary(p, left) : left;
}

struct expr_node *expr_parse_expression(struct expr_parser *p, int precedence)
{
    if (expr_parse_failed(p)) {
        return NULL;
    }
    if (++p->depth > TPH_LIMIT_EXPR_DEPTH) {
        (void)expr_problem_set(&p->expr->problem, p->word.at, "the expression has more than %d parts in each other",
                               TPH_LIMIT_EXPR_DEPTH);
        return NULL;
    }
    struct expr_node *node = precedence == 0 && expr_is_operator(p, "let")  ? parse_let(p)
                             : precedence == 0 && expr_is_operator(p, "if") ? parse_if(p)
                                                                            : parse_operators(p, precedence);
    p->depth--;
    return node;
}

int expr_parse(struct tph_expr *expr, const struct tph_expr_env *env, struct expr_node **ret)
{
    struct expr_parser p = {
        .expr = expr,
        .env = env,
        .reader = {.source = expr->source, .memory = &expr->memory, .problem = &expr->problem},
    };
    if (expr->source.len > TPH_LIMIT_EXPR) {
        return expr_problem_set(&expr->problem, 0, "the expression is longer than %zu bytes", TPH_LIMIT_EXPR);
    }
    expr_take_word(&p);
    struct expr_node *root = expr_parse_sequence(&p);
    if (p.word.kind != EXPR_WORD_END) {
        expr_unexpected(&p, "");
    }
    if (expr_parse_failed(&p)) {
        return -1;
    }
    *ret = root;
    return 0;
}
