/* SPDX-License-Identifier: Apache-2.0 */
/* A selector cut into tokens, and what each token means. The library counts quotes and brackets while it cuts instead
 * of reading a grammar; which odd selectors pass depends on that, so the same things are counted here. */
#include "base/utf8.h"
#include "data/jsonpath_internal.h"

struct cutter {
    struct tph_str *tokens;
    size_t n;
    struct tph_str selector;
    size_t begin; /* of the token that is being read */
    size_t quotes, open, close, open_square, close_square;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct tph_str trim(struct tph_str text)
{
    while (text.len > 0 && is_space(text.p[0])) {
        text = tph_str_slice(text, 1, text.len);
    }
    while (text.len > 0 && is_space(text.p[text.len - 1])) {
        text = tph_str_slice(text, 0, text.len - 1);
    }
    return text;
}

/* The token up to `end`, without its dot. */
static void push(struct cutter *c, size_t end)
{
    struct tph_str token = tph_str_slice(c->selector, c->begin, end);
    c->tokens[c->n++] =
        token.len > 1 && token.p[0] == '.' && !tph_str_eqz(token, "..") ? tph_str_slice(token, 1, token.len) : token;
}

static void count(struct cutter *c, char byte)
{
    c->quotes += byte == '\'';
    c->open += byte == '(';
    c->close += byte == ')';
    c->open_square += byte == '[';
    c->close_square += byte == ']';
}

/* A bracket that opens within a token: a token of its own begins, but for brackets in brackets. */
static void open_square(struct cutter *c, size_t at)
{
    struct tph_str before = tph_str_slice(c->selector, c->begin, at);
    if (tph_str_find_byte(before, '[') >= 0) {
        return;
    }
    struct tph_str token = before.len > 0 && before.p[0] == '.' ? tph_str_slice(before, 1, before.len) : before;
    c->tokens[c->n++] = token;
    c->begin = at;
}

static void cut_at(struct cutter *c, size_t at)
{
    char byte = c->selector.p[at];
    struct tph_str token = tph_str_slice(c->selector, c->begin, at + 1);
    if (tph_str_eqz(token, ".")) {
        return;
    }
    if (tph_str_eqz(token, "..")) {
        push(c, at + 1);
        c->begin = at + 1;
        return;
    }
    bool quoted = c->quotes % 2 == 1 || c->open != c->close;
    if (byte == '[') {
        if (!tph_str_eqz(token, "[") && !tph_str_eqz(token, ".[")) {
            open_square(c, at);
        }
    } else if (tph_str_find_byte(token, '[') >= 0) {
        if (!quoted && byte == ']' && c->open_square == c->close_square) {
            push(c, at + 1);
            c->begin = at + 1;
        }
    } else if (byte == '.' && !quoted) {
        struct tph_str before = tph_str_slice(c->selector, c->begin, at);
        c->tokens[c->n++] = before.len > 0 && before.p[0] == '.' ? tph_str_slice(before, 1, before.len) : before;
        c->begin = at;
    }
}

static int cut(struct jp_query *q, struct tph_str selector, struct cutter *c)
{
    if (selector.len == 0) {
        return jp_fail(q, "unexpected token '' at index 0");
    }
    for (size_t at = 0; at < 2 && at < selector.len; at++) {
        unsigned char byte = (unsigned char)selector.p[at];
        bool good = at == 0 ? byte == '$' || byte == '@' : byte == '.' || byte == '[';
        if (!good) { /* a byte is shown as the character of that number */
            TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(8);
            (void)tph_utf8_encode(&shown, byte);
            return jp_fail(q, "unexpected token '%s' at index %zu", tph_buf_cstr(&shown), at);
        }
    }
    *c = (struct cutter){.selector = selector, .tokens = TPH_ARENA_ARRAY(q->arena, struct tph_str, selector.len + 1)};
    c->tokens[c->n++] = tph_str_slice(selector, 0, 1);
    c->begin = 1;
    for (size_t at = 1; at < selector.len; at++) {
        if (c->begin == at) {
            c->quotes = c->open = c->close = 0;
        }
        count(c, selector.p[at]);
        cut_at(c, at);
    }
    if (c->begin < selector.len) {
        struct tph_str last = tph_str_slice(selector, c->begin, selector.len);
        c->tokens[c->n++] = last.p[0] == '.' ? tph_str_slice(last, 1, last.len) : last;
    }
    return 0;
}

/* What stands in brackets, in pieces: numbers, texts with their quotes, scripts with their parentheses, separators. */
enum piece_kind { PIECE_NONE, PIECE_INT, PIECE_TEXT, PIECE_COLON, PIECE_COMMA };
struct piece {
    enum piece_kind kind;
    int64_t number;
    struct tph_str text;
};

struct splitter {
    struct jp_query *q;
    struct tph_str token;
    struct piece *pieces;
    size_t n;
    struct tph_buf buffer;
    size_t open, close;
    char quote; /* the quote that is open, or NUL */
};

static int bad_format(struct jp_query *q, struct tph_str token)
{
    return jp_fail(q, "invalid token. '%.*s' does not match any token format", TPH_FMT(token));
}

static bool is_script(struct tph_str text)
{
    return text.len > 2 && text.p[0] == '(' && text.p[text.len - 1] == ')';
}

static bool is_key(struct tph_str text)
{
    return text.len > 1 && (text.p[0] == '\'' || text.p[0] == '"') && text.p[text.len - 1] == text.p[0];
}

static struct tph_str inside(struct tph_str text)
{
    return tph_str_slice(text, 1, text.len - 1);
}

static void put_piece(struct splitter *s, enum piece_kind kind, struct tph_str text)
{
    struct piece *piece = &s->pieces[s->n++];
    *piece = (struct piece){.kind = kind, .text = tph_arena_str(s->q->arena, text)};
    struct tph_str digits = tph_str_slice(text, text.len > 0 && text.p[0] == '+', text.len);
    if (kind == PIECE_TEXT && tph_str_to_i64(digits, &piece->number) == 0) {
        piece->kind = PIECE_INT;
    }
}

/* A quote of the kind that may open or close here. */
static int take_quote(struct splitter *s, char byte)
{
    struct tph_str text = tph_buf_str(&s->buffer);
    if ((s->quote && s->quote != byte) || s->open != s->close) {
        return 0;
    }
    if (text.len > 1 && text.p[text.len - 2] == '\\') {
        s->buffer.len -= 2;
        (void)tph_buf_putc(&s->buffer, byte);
        return 0;
    }
    if (!s->quote) {
        s->quote = byte;
        return text.len == 1 ? 0 : bad_format(s->q, s->token);
    }
    s->quote = '\0';
    if (!is_key(text)) {
        return bad_format(s->q, s->token);
    }
    s->pieces[s->n++] = (struct piece){.kind = PIECE_TEXT, .text = tph_arena_str(s->q->arena, text)};
    tph_buf_clear(&s->buffer);
    return 0;
}

static int take_separator(struct splitter *s, char byte, bool is_first)
{
    struct tph_str text = tph_buf_str(&s->buffer);
    if (s->quote || s->open != s->close) {
        return 0;
    }
    text = tph_str_slice(text, 0, text.len - 1);
    if (text.len > 0) {
        put_piece(s, PIECE_TEXT, text);
        if (byte == ':' && s->pieces[s->n - 1].kind != PIECE_INT) {
            return bad_format(s->q, s->token);
        }
    } else if (byte == ':' && is_first) {
        put_piece(s, PIECE_NONE, TPH_STR(""));
    }
    put_piece(s, byte == ':' ? PIECE_COLON : PIECE_COMMA, TPH_STR(""));
    tph_buf_clear(&s->buffer);
    return 0;
}

static int take_close(struct splitter *s)
{
    if (++s->close != s->open) {
        return 0;
    }
    struct tph_str text = tph_buf_str(&s->buffer);
    if (!is_script(text)) {
        return jp_fail(s->q, "invalid expression. invalid format '%.*s'", TPH_FMT(text));
    }
    s->pieces[s->n++] = (struct piece){.kind = PIECE_TEXT, .text = tph_arena_str(s->q->arena, text)};
    tph_buf_clear(&s->buffer);
    return 0;
}

static int take(struct splitter *s, char byte, bool is_first)
{
    (void)tph_buf_putc(&s->buffer, byte);
    switch (byte) {
    case ' ':
        if (!s->quote && s->open == s->close) {
            struct tph_str text = tph_arena_str(s->q->arena, trim(tph_buf_str(&s->buffer)));
            tph_buf_clear(&s->buffer);
            (void)tph_buf_put(&s->buffer, text);
        }
        return 0;
    case '(':
        s->open += !s->quote;
        return 0;
    case ')':
        return take_close(s);
    case '\'':
    case '"':
        return take_quote(s, byte);
    case ':':
    case ',':
        return take_separator(s, byte, is_first);
    default:
        return 0;
    }
}

static int split(struct splitter *s, struct tph_str subscript)
{
    for (size_t i = 0; i < subscript.len; i++) {
        if (take(s, subscript.p[i], i == 0) < 0) {
            return -1;
        }
    }
    if (s->buffer.len > 0) {
        put_piece(s, PIECE_TEXT, tph_buf_str(&s->buffer));
    }
    return 0;
}

/* One piece alone: a key, an index or a script. */
static int parse_single(struct jp_query *q, struct tph_str text, const struct piece *piece, struct jp_token *token)
{
    if (piece->kind == PIECE_INT) {
        *token = (struct jp_token){.kind = JP_INDEX, .index = piece->number};
        return 0;
    }
    if (piece->kind == PIECE_TEXT && is_key(piece->text)) {
        *token = (struct jp_token){.kind = JP_KEY, .key = inside(piece->text)};
        return 0;
    }
    if (piece->kind == PIECE_TEXT && is_script(piece->text)) {
        *token = (struct jp_token){.kind = JP_SCRIPT};
        return jp_compile(q, inside(piece->text), &token->script);
    }
    return bad_format(q, text);
}

/* An argument of a range or union. */
static int parse_argument(struct jp_query *q, const struct piece *piece, struct jp_arg *arg)
{
    *arg = (struct jp_arg){.kind = piece->kind == PIECE_INT ? JP_ARG_INT : JP_ARG_NONE, .number = piece->number};
    if (piece->kind != PIECE_TEXT) {
        return 0;
    }
    if (is_script(piece->text)) {
        arg->kind = JP_ARG_SCRIPT;
        if (jp_compile(q, inside(piece->text), &arg->script) < 0) {
            struct tph_error why = *q->err;
            return jp_fail(q, "invalid expression. %s", why.text);
        }
    } else {
        arg->kind = JP_ARG_TEXT;
        arg->text = is_key(piece->text) ? inside(piece->text) : TPH_STR_NONE;
    }
    return 0;
}

/* Several pieces: the separators among them say what they are. */
static int parse_several(struct jp_query *q, struct tph_str text, const struct splitter *s, struct jp_token *token)
{
    struct jp_arg *args = TPH_ARENA_ARRAY(q->arena, struct jp_arg, s->n + 3);
    size_t n = 0;
    size_t colons = 0;
    size_t commas = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool colon = s->pieces[i].kind == PIECE_COLON;
        bool again = colon && i > 0 && s->pieces[i - 1].kind == PIECE_COLON;
        colons += colon;
        commas += s->pieces[i].kind == PIECE_COMMA;
        if (again) {
            args[n++] = (struct jp_arg){.kind = JP_ARG_NONE};
        } else if (!colon && s->pieces[i].kind != PIECE_COMMA && parse_argument(q, &s->pieces[i], &args[n++]) < 0) {
            return -1;
        }
    }
    *token = (struct jp_token){.kind = commas > 0 ? JP_UNION : JP_RANGE, .args = args, .n_args = n};
    if ((colons > 0) == (commas > 0) || (commas > 0 && commas >= n) || colons > 2 || (colons == 2 && n < 2)) {
        return bad_format(q, text);
    }
    for (size_t i = 0; i < n; i++) {
        bool bare = args[i].kind == JP_ARG_TEXT && !args[i].text.p;
        if (commas > 0 && (bare || args[i].kind == JP_ARG_NONE)) {
            return bad_format(q, text);
        }
        if (colons > 0 && args[i].kind == JP_ARG_TEXT) {
            return jp_fail(q, "invalid expression. invalid format '%.*s'", TPH_FMT(args[i].text));
        }
    }
    return 0;
}

static int parse_subscript(struct jp_query *q, struct tph_str text, struct jp_token *token)
{
    struct tph_str subscript = text.p[text.len - 1] == ']' ? trim(inside(text)) : TPH_STR_NONE;
    if (subscript.len == 0 || text.len < 2) {
        return bad_format(q, text);
    }
    if (tph_str_eqz(subscript, "*")) {
        *token = (struct jp_token){.kind = JP_WILDCARD};
        return 0;
    }
    if (subscript.p[0] == '?') {
        if (!tph_str_has_prefix(subscript, TPH_STR("?(")) || subscript.p[subscript.len - 1] != ')') {
            return bad_format(q, text);
        }
        *token = (struct jp_token){.kind = JP_FILTER};
        return jp_compile(q, trim(tph_str_slice(subscript, 2, subscript.len - 1)), &token->script);
    }
    struct splitter s = {.q = q,
                         .token = text,
                         .pieces = TPH_ARENA_ARRAY(q->arena, struct piece, subscript.len * 2 + 2),
                         .buffer = TPH_BUF_INIT(TPH_LIMIT_JSONPATH + 1)};
    int failed = split(&s, subscript);
    tph_buf_release(&s.buffer);
    if (failed) {
        return -1;
    }
    return s.n == 1 ? parse_single(q, text, &s.pieces[0], token) : parse_several(q, text, &s, token);
}

static int parse_token(struct jp_query *q, struct tph_str text, struct jp_token *token)
{
    text = trim(text);
    if (text.len == 0) {
        return jp_fail(q, "invalid token. token string is empty");
    }
    if (text.p[0] == '[') {
        return parse_subscript(q, text, token);
    }
    *token = (struct jp_token){.kind = tph_str_eqz(text, "$")        ? JP_ROOT
                                       : tph_str_eqz(text, "@")      ? JP_CURRENT
                                       : tph_str_eqz(text, "*")      ? JP_WILDCARD
                                       : tph_str_eqz(text, "..")     ? JP_RECURSIVE
                                       : tph_str_eqz(text, "length") ? JP_LENGTH
                                                                     : JP_KEY,
                               .key = text};
    return 0;
}

int jp_parse(struct jp_query *q, struct tph_str selector, struct jp_path *ret)
{
    struct cutter c = {.n = 0};
    if (!jp_step(q, selector.len) || cut(q, selector, &c) < 0) {
        return -1;
    }
    struct jp_token *tokens = TPH_ARENA_ARRAY(q->arena, struct jp_token, c.n);
    for (size_t i = 0; i < c.n; i++) {
        if (parse_token(q, c.tokens[i], &tokens[i]) < 0) {
            return -1;
        }
    }
    *ret = (struct jp_path){.tokens = tokens, .n = c.n};
    return 0;
}
