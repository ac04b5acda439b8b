/* SPDX-License-Identifier: Apache-2.0 */
/* Filters and scripts: an expression is cut at its loosest operator that stands outside of quotes and brackets, then
 * both sides are. Numbers and texts are compared by what they print as; a text from the document has ' around it. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "data/jsonpath_internal.h"
#include "data/number.h"
#include "data/regex.h"

/* Loosest first. "" stands before them all again in what was in parentheses, as it does in the library. */
static const char *const operators[] = {"",  "||", "&&", "==", "!=", "<=", ">=",     "<",  ">", "=~", "!",
                                        "+", "-",  "**", "*",  "/",  "%",  "not in", "in", "@", "$"};
enum { FIRST = 1, N_OPERATORS = sizeof(operators) / sizeof(operators[0]) };

enum side_kind { SIDE_NONE, SIDE_TEXT, SIDE_VALUE, SIDE_SCRIPT };
struct side {
    enum side_kind kind;
    struct tph_str text;
    struct jp_value value; /* a list or map that stands in the expression */
    const struct jp_script *script;
};

struct jp_script {
    struct tph_str text;
    const char *op; /* NULL: the text alone */
    bool is_empty;
    struct side left, right;
    struct jp_path path; /* of @ and $ */
};

static struct tph_str trim(struct tph_str text)
{
    while (text.len > 0 && (text.p[0] == ' ' || (text.p[0] >= '\t' && text.p[0] <= '\r'))) {
        text = tph_str_slice(text, 1, text.len);
    }
    while (text.len > 0 &&
           (text.p[text.len - 1] == ' ' || (text.p[text.len - 1] >= '\t' && text.p[text.len - 1] <= '\r'))) {
        text = tph_str_slice(text, 0, text.len - 1);
    }
    return text;
}

/* What surrounds a place in an expression. */
struct place {
    bool single, both;
    size_t square_open, square_close, round_open, round_close;
};

static bool enter(struct place *p, char byte)
{
    bool square = p->square_open > p->square_close;
    bool round = p->round_open > p->round_close;
    bool quoted = p->single || p->both;
    if (byte == '(' || byte == ')') {
        p->round_open += byte == '(' && !quoted && !square;
        p->round_close += byte == ')' && !quoted && !square;
        return !quoted && !square;
    }
    if (byte == '[' || byte == ']') {
        p->square_open += byte == '[' && !quoted && !round;
        p->square_close += byte == ']' && !quoted && !round;
        return !quoted && !round;
    }
    if (byte == '\'' || byte == '"') {
        bool other = byte == '\'' ? p->both : p->single;
        if (other || square || round) {
            return false;
        }
        p->single = byte == '\'' ? !p->single : p->single;
        p->both = byte == '"' ? !p->both : p->both;
    }
    return true;
}

/* Where an operator stands outside of quotes and brackets, or -1. */
static ptrdiff_t find_operator(struct tph_str text, const char *op)
{
    struct place p = {.single = false};
    size_t len = strlen(op);
    for (size_t i = 0; i < text.len; i++) {
        bool free = enter(&p, text.p[i]);
        free = free && !p.single && !p.both && p.square_open <= p.square_close && p.round_open <= p.round_close;
        if (free && len <= i + 1 && memcmp(text.p + i + 1 - len, op, len) == 0) {
            return (ptrdiff_t)(i + 1 - len);
        }
    }
    return -1;
}

static int build(struct jp_query *q, struct tph_str text, size_t first, const struct jp_script **ret);

static int parse_side(struct jp_query *q, struct tph_str text, size_t first, struct side *ret)
{
    const struct jp_script *script = NULL;
    *ret = (struct side){.kind = SIDE_NONE};
    if (build(q, text, first, &script) < 0) {
        return -1;
    }
    if (script) {
        *ret = (struct side){.kind = SIDE_SCRIPT, .script = script};
        return 0;
    }
    if (text.len == 0) {
        return 0;
    }
    *ret = (struct side){.kind = SIDE_TEXT, .text = text};
    bool list = text.p[0] == '[' && text.p[text.len - 1] == ']';
    bool map = text.p[0] == '{' && text.p[text.len - 1] == '}';
    struct tph_json_doc *doc = NULL;
    if ((list || map) && tph_json_parse(text, &doc, NULL) == 0) {
        ret->kind = SIDE_VALUE;
        ret->value = jp_of_json(tph_json_copy(q->literals, tph_json_root(doc)));
    }
    tph_json_doc_free(doc);
    return 0;
}

/* Where an expression is cut, and with which operators its sides are read. */
struct cut {
    size_t op;
    size_t at;
    size_t first;
};

/* Cuts: 0 when it was one, 1 when the next operator is to be tried, -1. */
static int build_at(struct jp_query *q, struct tph_str text, struct cut cut, const struct jp_script **ret)
{
    const char *op = operators[cut.op];
    bool selects = op[0] == '@' || op[0] == '$';
    bool negates = strcmp(op, "!") == 0;
    struct jp_script *script = TPH_ARENA_NEW(q->arena, struct jp_script);
    struct tph_str right = trim(tph_str_slice(text, cut.at + strlen(op), text.len));
    struct tph_str left = trim(tph_str_slice(text, 0, cut.at));
    if (right.len == 0 && !selects) {
        return 1;
    }
    if (parse_side(q, right, cut.first, &script->right) < 0) {
        return -1;
    }
    if (left.len == 0 && !selects && !negates) {
        return 1;
    }
    if (parse_side(q, left, cut.first, &script->left) < 0) {
        return -1;
    }
    if ((selects || negates) && script->left.kind != SIDE_NONE) {
        return 1;
    }
    if (op[0] == '\0') {
        return jp_fail(q, "unsupported operator");
    }
    if (selects && jp_parse(q, text, &script->path) < 0) {
        return -1;
    }
    script->op = op;
    script->text = text;
    *ret = script;
    return 0;
}

/* The tree of an expression; *ret stays NULL when there is no operator in it. */
static int build_inside(struct jp_query *q, struct tph_str text, size_t first, const struct jp_script **ret)
{
    struct cut cut = {.op = first, .first = first};
    while (cut.op < N_OPERATORS) {
        text = trim(text);
        if (text.len == 0) {
            return 0;
        }
        if (!jp_step(q, text.len)) {
            return -1;
        }
        if (text.len > 1 && text.p[0] == '(' && text.p[text.len - 1] == ')') {
            text = trim(tph_str_slice(text, 1, text.len - 1));
            cut.first = 0; /* this operator, then all of them once more */
        }
        ptrdiff_t at = find_operator(text, operators[cut.op]);
        cut.at = at < 0 ? 0 : (size_t)at;
        int done = at < 0 ? 1 : build_at(q, text, cut, ret);
        if (done <= 0) {
            return done;
        }
        cut.op = ++cut.first;
    }
    return 0;
}

static int build(struct jp_query *q, struct tph_str text, size_t first, const struct jp_script **ret)
{
    if (++q->depth > TPH_LIMIT_JSONPATH_DEPTH) {
        return tph_error_set(q->err, TPH_ERROR_LIMIT, "a JSONPath with more than %d operators in each other",
                             TPH_LIMIT_JSONPATH_DEPTH);
    }
    int failed = build_inside(q, text, first, ret);
    q->depth--;
    return failed;
}

int jp_compile(struct jp_query *q, struct tph_str expression, const struct jp_script **ret)
{
    const struct jp_script *script = NULL;
    if (build(q, expression, FIRST, &script) < 0) {
        return -1;
    }
    if (!script) {
        struct jp_script *text = TPH_ARENA_NEW(q->arena, struct jp_script);
        text->text = expression;
        text->is_empty = expression.len == 0;
        script = text;
    }
    *ret = script;
    return 0;
}

/* The words that stand for values: "@", "$", "nil", "null". */
static bool is_parameter(struct jp_query *q, struct tph_str text, struct jp_value current, struct jp_value *ret)
{
    if (tph_str_eqz(text, "@")) {
        *ret = current;
    } else if (tph_str_eqz(text, "$")) {
        *ret = q->root;
    } else if (tph_str_eqz(text, "nil") || tph_str_eqz(text, "null")) {
        *ret = (struct jp_value){.type = JP_NIL};
    } else {
        return false;
    }
    return true;
}

static struct jp_value text_value(struct tph_str text)
{
    return (struct jp_value){.type = JP_STRING, .text = text};
}

static struct jp_value number_value(double number)
{
    return (struct jp_value){.type = JP_NUMBER, .number = number};
}

static struct jp_value bool_value(bool truth)
{
    return (struct jp_value){.type = JP_BOOL, .truth = truth};
}

/* The value of one side. *ret_bound: it came from a parameter's name. */
static int side_value(struct jp_query *q, const struct side *side, struct jp_value current, struct jp_value *ret,
                      bool *ret_bound)
{
    *ret_bound = false;
    switch (side->kind) {
    case SIDE_NONE:
        return jp_fail(q, "invalid argument. is nil");
    case SIDE_VALUE:
        *ret = side->value;
        return 0;
    case SIDE_SCRIPT:
        if (jp_evaluate(q, side->script, current, ret) < 0) {
            return -1;
        }
        break;
    case SIDE_TEXT:
        *ret = text_value(side->text);
        break;
    }
    struct tph_str name = ret->type == JP_STRING ? ret->text : TPH_STR_NONE;
    *ret_bound = is_parameter(q, name, current, ret);
    return 0;
}

/* As Go's %v prints it, in the arena. */
static void print(struct jp_query *q, const struct jp_value *value, struct tph_buf *out)
{
    switch (value->type) {
    case JP_NIL:
        (void)tph_buf_puts(out, "<nil>");
        return;
    case JP_BOOL:
        (void)tph_buf_puts(out, value->truth ? "true" : "false");
        return;
    case JP_NUMBER:
        if (isfinite(value->number)) {
            tph_number_write_g(value->number, out);
        } else {
            (void)tph_buf_puts(out, isnan(value->number) ? "NaN" : value->number > 0 ? "+Inf" : "-Inf");
        }
        return;
    case JP_STRING:
        (void)tph_buf_put(out, value->text);
        return;
    case JP_LIST:
    case JP_MAP:
        break;
    }
    if (value->type == JP_MAP) { /* equal maps print alike, whatever their order was */
        (void)tph_buf_puts(out, "map");
        tph_json_write(value->json, TPH_JSON_SORTED, out);
        return;
    }
    const struct jp_value *items = NULL;
    size_t n = jp_items(q, value, &items);
    (void)tph_buf_putc(out, '[');
    for (size_t i = 0; i < n && !tph_buf_failed(out); i++) {
        (void)tph_buf_puts(out, i > 0 ? " " : "");
        print(q, &items[i], out);
    }
    (void)tph_buf_putc(out, ']');
}

static int to_number(struct jp_query *q, const struct side *side, struct jp_value current, double *ret)
{
    struct jp_value value = {.type = JP_NIL};
    bool bound = false;
    if (side_value(q, side, current, &value, &bound) < 0) {
        return -1;
    }
    if (value.type == JP_NUMBER) {
        *ret = value.number;
        return 0;
    }
    if (value.type != JP_STRING || tph_number_to_double(value.text, ret) < 0) {
        return jp_fail(q, "invalid argument. expected number");
    }
    return 0;
}

static int read_bool(struct tph_str text, bool *ret)
{
    static const char *const words[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tph_str_eqz(text, words[i])) {
            *ret = i < 6;
            return 0;
        }
    }
    return -1;
}

static int to_bool(struct jp_query *q, const struct side *side, struct jp_value current, bool *ret)
{
    struct jp_value value = {.type = JP_NIL};
    bool bound = false;
    *ret = false;
    if (side->kind == SIDE_NONE) {
        return 0;
    }
    if (side_value(q, side, current, &value, &bound) < 0) {
        return -1;
    }
    if (value.type == JP_NIL) {
        return 0;
    }
    if (value.type == JP_BOOL) {
        *ret = value.truth;
        return 0;
    }
    if (value.type == JP_NUMBER && (value.number == 0 || value.number == 1)) {
        *ret = value.number == 1;
        return 0;
    }
    if (value.type != JP_STRING || read_bool(value.text, ret) < 0) {
        return jp_fail(q, "invalid argument. expected boolean");
    }
    return 0;
}

static bool has_quotes(struct tph_str text, char quote)
{
    return text.len > 1 && text.p[0] == quote && text.p[text.len - 1] == quote;
}

static struct tph_str quoted(struct jp_query *q, struct tph_str text)
{
    return tph_str(tph_arena_format(q->arena, "'%.*s'", TPH_FMT(text)));
}

static int to_text(struct jp_query *q, const struct side *side, struct jp_value current, struct tph_str *ret)
{
    struct jp_value value = {.type = JP_NIL};
    bool bound = false;
    if (side_value(q, side, current, &value, &bound) < 0) {
        return -1;
    }
    if (value.type == JP_STRING) {
        struct tph_str text = value.text;
        bool doubled = has_quotes(text, '"');
        text = doubled ? tph_str_slice(text, 1, text.len - 1) : text;
        *ret = doubled || (bound && !has_quotes(text, '\'')) ? quoted(q, text) : text;
        return jp_step(q, 1 + text.len / 64) ? 0 : -1;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    print(q, &value, &out);
    *ret = tph_arena_str(q->arena, tph_buf_str(&out));
    return jp_step(q, 1 + out.len / 64) ? 0 : -1;
}

static int is_equal(struct jp_query *q, const struct jp_script *s, struct jp_value current, bool *ret)
{
    double a = 0;
    double b = 0;
    if (to_number(q, &s->left, current, &a) == 0 && to_number(q, &s->right, current, &b) == 0) {
        *ret = a == b;
        return 0;
    }
    struct tph_str left;
    struct tph_str right;
    if (to_text(q, &s->left, current, &left) < 0 || to_text(q, &s->right, current, &right) < 0) {
        return -1;
    }
    *ret = tph_str_eq(left, right);
    return 0;
}

static struct tph_str bare(struct tph_str text)
{
    return has_quotes(text, '\'') ? tph_str_slice(text, 1, text.len - 1) : text;
}

static int matches(struct jp_query *q, const struct jp_script *s, struct jp_value current, bool *ret)
{
    struct tph_str text;
    struct tph_str pattern;
    struct tph_regex_match where;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    if (to_text(q, &s->left, current, &text) < 0 || to_text(q, &s->right, current, &pattern) < 0 || !jp_step(q, 1000)) {
        return -1;
    }
    if (tph_regex_compile(bare(pattern), &regex, NULL) < 0) {
        return jp_fail(q, "invalid argument. expected a valid regexp");
    }
    int found = tph_regex_find(regex, bare(text), 0, &where, q->err);
    *ret = found == 0;
    return found < 0 ? -1 : 0;
}

static int is_in(struct jp_query *q, const struct jp_script *s, struct jp_value current, bool *ret)
{
    double number = 0;
    struct tph_str text = TPH_STR_NONE;
    struct jp_value list = {.type = JP_NIL};
    const struct jp_value *items = NULL;
    bool bound = false;
    bool is_number = to_number(q, &s->left, current, &number) == 0;
    bool is_text = !is_number && to_text(q, &s->left, current, &text) == 0;
    if (side_value(q, &s->right, current, &list, &bound) < 0) {
        return -1;
    }
    if (list.type == JP_NIL) {
        return jp_fail(q, "invalid argument. is nil");
    }
    if (list.type != JP_LIST && list.type != JP_MAP) {
        return jp_fail(q, "invalid argument. expected array, map, or slice");
    }
    size_t n = jp_items(q, &list, &items);
    *ret = false;
    for (size_t i = 0; i < n && !*ret; i++) {
        *ret = (is_number && items[i].type == JP_NUMBER && items[i].number == number) ||
               (is_text && items[i].type == JP_STRING && tph_str_eq(items[i].text, text));
    }
    return 0;
}

static int arithmetic(struct jp_query *q, const char *op, double a, double b, struct jp_value *ret)
{
    switch (op[0]) {
    case '+':
        *ret = number_value(a + b);
        return 0;
    case '-':
        *ret = number_value(a - b);
        return 0;
    case '/':
        *ret = number_value(a / b);
        return 0;
    case '*':
        *ret = number_value(op[1] == '*' ? pow(a, b) : a * b);
        return 0;
    case '<':
        *ret = bool_value(op[1] == '=' ? a <= b : a < b);
        return 0;
    case '>':
        *ret = bool_value(op[1] == '=' ? a >= b : a > b);
        return 0;
    default:
        break;
    }
    if (trunc(a) != a || trunc(b) != b) {
        return jp_fail(q, "invalid argument. expected integer");
    }
    if (b == 0) {
        return jp_fail(q, "runtime error: integer divide by zero");
    }
    *ret = number_value(fmod(a, b));
    ret->is_count = true;
    return 0;
}

static int logical(struct jp_query *q, const struct jp_script *s, struct jp_value current, struct jp_value *ret)
{
    bool left = false;
    bool right = false;
    if (to_bool(q, s->op[0] == '!' ? &s->right : &s->left, current, &left) < 0) {
        return -1;
    }
    if (s->op[0] == '!') {
        *ret = bool_value(!left);
        return 0;
    }
    if (to_bool(q, &s->right, current, &right) < 0) {
        return -1;
    }
    *ret = bool_value(s->op[0] == '&' ? left && right : left || right);
    return 0;
}

static int select_path(struct jp_query *q, const struct jp_script *s, struct jp_value current, struct jp_value *ret)
{
    if (jp_apply(q, current, s->path, ret) < 0) {
        return -1;
    }
    if (ret->type == JP_STRING && !has_quotes(ret->text, '\'')) {
        *ret = text_value(quoted(q, ret->text));
        return jp_step(q, 1 + ret->text.len / 64) ? 0 : -1;
    }
    return 0;
}

/* An expression without operators. */
static int plain(struct jp_query *q, const struct jp_script *s, struct jp_value current, struct jp_value *ret)
{
    double number = 0;
    bool truth = false;
    if (s->is_empty) {
        return jp_fail(q, "invalid expression. is empty");
    }
    if (is_parameter(q, s->text, current, ret)) {
        return 0;
    }
    *ret = tph_number_to_double(s->text, &number) == 0 ? number_value(number)
           : read_bool(s->text, &truth) == 0           ? bool_value(truth)
                                                       : text_value(s->text);
    return 0;
}

int jp_evaluate(struct jp_query *q, const struct jp_script *s, struct jp_value current, struct jp_value *ret)
{
    bool truth = false;
    int failed = 0;
    double a = 0;
    double b = 0;
    if (!jp_step(q, 1)) {
        return -1;
    }
    if (!s->op) {
        return plain(q, s, current, ret);
    }
    bool negated = strcmp(s->op, "!=") == 0 || strcmp(s->op, "not in") == 0;
    if (s->op[0] == '@' || s->op[0] == '$') {
        return select_path(q, s, current, ret);
    }
    if (strcmp(s->op, "||") == 0 || strcmp(s->op, "&&") == 0 || strcmp(s->op, "!") == 0) {
        return logical(q, s, current, ret);
    }
    if (strcmp(s->op, "==") == 0 || strcmp(s->op, "!=") == 0) {
        failed = is_equal(q, s, current, &truth);
    } else if (strcmp(s->op, "=~") == 0) {
        failed = matches(q, s, current, &truth);
    } else if (strcmp(s->op, "in") == 0 || strcmp(s->op, "not in") == 0) {
        failed = is_in(q, s, current, &truth);
    } else {
        failed = to_number(q, &s->left, current, &a) < 0 || to_number(q, &s->right, current, &b) < 0;
        return failed ? -1 : arithmetic(q, s->op, a, b, ret);
    }
    *ret = bool_value(truth != negated);
    return failed;
}
