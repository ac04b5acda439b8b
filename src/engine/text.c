/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/text.h"

#include "base/limits.h"
#include "data/json.h"
#include "data/quote.h"

static const struct tph_str OPEN = {.p = "{{", .len = 2};
static const struct tph_str CLOSE = {.p = "}}", .len = 2};

static size_t count_tags(struct tph_str text)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = tph_str_find(text, OPEN)) >= 0; n++) {
        text = tph_str_slice(text, (size_t)at + OPEN.len, text.len);
    }
    return n;
}

/* What follows the last {{ of a tag that has another one in it. One right at its front is none: {{{{x}}}}. */
static struct tph_str inner_of(struct tph_str raw)
{
    for (size_t at = raw.len; at > OPEN.len; at--) {
        struct tph_str rest = tph_str_slice(raw, at - OPEN.len, raw.len);
        if (tph_str_has_prefix(rest, OPEN)) {
            return tph_str_slice(rest, OPEN.len, rest.len);
        }
    }
    return TPH_STR_NONE;
}

/* The next tag of rest goes into piece; false when there is none. */
static bool cut_tag(struct tph_str *rest, struct tph_text_piece *piece)
{
    ptrdiff_t open = tph_str_find(*rest, OPEN);
    if (open < 0) {
        return false;
    }
    struct tph_str inside = tph_str_slice(*rest, (size_t)open + OPEN.len, rest->len);
    ptrdiff_t close = tph_str_find(inside, CLOSE);
    if (close < 0) {
        return false;
    }
    piece->literal = tph_str_slice(*rest, 0, (size_t)open);
    piece->raw = tph_str_slice(inside, 0, (size_t)close);
    piece->name = tph_str_trim(piece->raw);
    piece->inner = inner_of(piece->raw);
    *rest = tph_str_slice(inside, (size_t)close + CLOSE.len, inside.len);
    return true;
}

struct tph_text tph_text_compile(struct tph_str text, struct tph_arena *arena)
{
    struct tph_text_piece *pieces = TPH_ARENA_ARRAY(arena, struct tph_text_piece, count_tags(text) + 1);
    struct tph_text compiled = {.source = text, .pieces = pieces};
    struct tph_str rest = text;
    while (cut_tag(&rest, &pieces[compiled.n_pieces])) {
        const struct tph_text_piece *piece = &pieces[compiled.n_pieces++];
        compiled.has_expression = compiled.has_expression || (piece->raw.len > 0 && piece->raw.p[0] == '=');
        compiled.has_nested = compiled.has_nested || piece->inner.p;
    }
    pieces[compiled.n_pieces++] = (struct tph_text_piece){.literal = rest};
    return compiled;
}

bool tph_text_is_plain(const struct tph_text *text)
{
    return text->n_pieces <= 1;
}

static bool is_plain_ascii(struct tph_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < ' ' || value.p[i] == 0x7f || value.p[i] == '"' || value.p[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* Go's quotes know escapes that JSON does not: \a, \v, \x07, \U0010ffff. The letter of the first; '\0' = none. */
static char go_escape(struct tph_str quoted)
{
    for (size_t i = 0; i + 1 < quoted.len; i++) {
        if (quoted.p[i] == '\\') {
            i++;
            if (tph_str_find_byte(TPH_STR("\"\\bfnrtu"), quoted.p[i]) < 0) {
                return quoted.p[i];
            }
        }
    }
    return '\0';
}

/* Appends a value as the pass wants it; -1 when Go's quotes break it. */
static int put_value(struct tph_str value, unsigned flags, struct tph_buf *out, struct tph_buf *problem)
{
    if (is_plain_ascii(value) || flags == 0) {
        (void)tph_buf_put(out, value);
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (flags & TPH_TEXT_GO_QUOTES) {
        tph_quote_go(value, &quoted);
        char letter = go_escape(tph_buf_str(&quoted));
        if (letter && flags & TPH_TEXT_GO_READS) {
            (void)tph_buf_printf(problem, "invalid character '%c' in string escape code", letter);
        } else if (letter) {
            (void)tph_buf_puts(problem, "cannot finish template replacement because the result was invalid JSON");
        }
        if (letter) {
            return -1;
        }
    } else {
        tph_json_write_str(value, 0, &quoted);
    }
    struct tph_str text = tph_buf_str(&quoted);
    (void)tph_buf_put(out, flags & TPH_TEXT_JSON ? tph_str_slice(text, 1, text.len > 1 ? text.len - 1 : 1) : value);
    return 0;
}

/* True for a variable that this pass has to know. */
static bool must_be_known(const struct tph_text_pass *pass, struct tph_str name)
{
    switch (pass->strictness) {
    case TPH_TEXT_LENIENT:
        return false;
    case TPH_TEXT_STRICT:
        return true;
    case TPH_TEXT_PREFIXES:
        break;
    }
    if (tph_str_find(name, TPH_STR(".outputs.artifacts.")) >= 0) {
        return false;
    }
    for (size_t i = 0; i < pass->n_prefixes; i++) {
        struct tph_str prefix = pass->prefixes[i];
        if (tph_str_has_prefix(name, prefix) && (name.len == prefix.len || name.p[prefix.len] == '.')) {
            return true;
        }
    }
    return false;
}

/* A tag without a value: stays, or is an error. */
static int leave_tag(const struct tph_text_piece *piece, const struct tph_text_pass *pass, struct tph_buf *out,
                     struct tph_buf *problem)
{
    if (must_be_known(pass, piece->name)) {
        (void)tph_buf_printf(problem, "failed to resolve {{%.*s}}", TPH_FMT(piece->raw));
        return TPH_TEXT_UNRESOLVED;
    }
    (void)tph_buf_put(out, OPEN);
    (void)tph_buf_put(out, piece->raw);
    (void)tph_buf_put(out, CLOSE);
    return 0;
}

/* The braces around a nested tag stay, with what stands before the inner one. */
static int put_nested(const struct tph_text_piece *piece, struct tph_text_pass *pass, struct tph_buf *value,
                      struct tph_buf *out, struct tph_buf *problem)
{
    switch (pass->lookup(pass->owner, piece->inner, value)) {
    case TPH_TEXT_UNKNOWN:
    case TPH_TEXT_NO_STRING:
        return leave_tag(piece, pass, out, problem);
    case TPH_TEXT_ABSENT:
        (void)tph_buf_printf(problem, "unable to substitute nested tag {{%.*s}}: \"%.*s\" is an absent optional",
                             TPH_FMT(piece->raw), TPH_FMT(piece->inner));
        return -1;
    case TPH_TEXT_VALUE:
        break;
    }
    pass->again = true;
    (void)tph_buf_put(out, OPEN);
    (void)tph_buf_put(out, tph_str_slice(piece->raw, 0, piece->raw.len - piece->inner.len - OPEN.len));
    return put_value(tph_buf_str(value), pass->flags, out, problem);
}

/* Braces of a value may make a tag of their own, or with what stands around it. */
static bool has_braces(struct tph_str value)
{
    return value.len > 0 && (value.p[0] == '{' || value.p[value.len - 1] == '{' || tph_str_find(value, OPEN) >= 0);
}

/* The source of an expression in a JSON text stands there with JSON's escapes: undone, or false. */
static bool unescape(struct tph_str escaped, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    (void)tph_buf_printf(&quoted, "\"%.*s\"", TPH_FMT(escaped));
    if (tph_json_parse(tph_buf_str(&quoted), &doc, NULL) < 0) {
        return false;
    }
    (void)tph_buf_put(out, tph_json_str(tph_json_root(doc)));
    return true;
}

/* A result, which is JSON: in a JSON text a string keeps its escapes, in another one they are undone. */
static int put_result(struct tph_str json, struct tph_text_pass *pass, struct tph_buf *out, struct tph_buf *problem)
{
    bool is_string = tph_str_has_prefix(json, TPH_STR("\""));
    struct tph_str inside = tph_str_slice(json, 1, json.len > 1 ? json.len - 1 : 1);
    pass->again = pass->again || has_braces(is_string ? inside : json);
    if (!is_string) {
        return put_value(json, pass->flags, out, problem);
    }
    if (pass->flags & TPH_TEXT_JSON) {
        (void)tph_buf_put(out, inside);
    } else if (!unescape(inside, out)) {
        (void)tph_buf_put(out, json);
    }
    return 0;
}

static int put_expression(const struct tph_text_piece *piece, struct tph_text_pass *pass, struct tph_buf *value,
                          struct tph_buf *out, struct tph_buf *problem)
{
    static const struct tph_text_pass leave = {.strictness = TPH_TEXT_LENIENT};
    struct tph_str raw = tph_str_slice(piece->raw, 1, piece->raw.len);
    if (!pass->expression) {
        return leave_tag(piece, &leave, out, problem);
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf source = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool escaped = (pass->flags & TPH_TEXT_JSON) && tph_str_find_byte(raw, '\\') >= 0;
    if (escaped && !unescape(raw, &source)) {
        return leave_tag(piece, &leave, out, problem); /* no JSON: what reads the whole text will say so */
    }
    int failed = pass->expression(pass, escaped ? tph_buf_str(&source) : raw, value, problem);
    if (failed == TPH_TEXT_LEFT) {
        return leave_tag(piece, &leave, out, problem);
    }
    return failed ? failed : put_result(tph_buf_str(value), pass, out, problem);
}

static int put_tag(const struct tph_text_piece *piece, struct tph_text_pass *pass, struct tph_buf *value,
                   struct tph_buf *out, struct tph_buf *problem)
{
    if (piece->raw.len > 0 && piece->raw.p[0] == '=') {
        return put_expression(piece, pass, value, out, problem);
    }
    switch (pass->lookup(pass->owner, piece->name, value)) {
    case TPH_TEXT_UNKNOWN:
        return piece->inner.p ? put_nested(piece, pass, value, out, problem) : leave_tag(piece, pass, out, problem);
    case TPH_TEXT_NO_STRING:
        (void)tph_buf_printf(problem, "failed to resolve {{%.*s}} to string", TPH_FMT(piece->raw));
        return TPH_TEXT_UNRESOLVED;
    case TPH_TEXT_ABSENT:
        (void)tph_buf_printf(problem,
                             "unable to substitute {{%.*s}}: output is an absent optional (skipped/omitted node with "
                             "no default)",
                             TPH_FMT(piece->raw));
        return -1;
    case TPH_TEXT_VALUE:
        break;
    }
    pass->again = pass->again || has_braces(tph_buf_str(value));
    return put_value(tph_buf_str(value), pass->flags, out, problem);
}

int tph_text_eval(const struct tph_text *text, struct tph_text_pass *pass, struct tph_buf *out, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    pass->again = false;
    for (size_t i = 0; i < text->n_pieces; i++) {
        const struct tph_text_piece *piece = &text->pieces[i];
        (void)tph_buf_put(out, piece->literal);
        if (piece->raw.p) {
            tph_buf_clear(&value);
            int failed = put_tag(piece, pass, &value, out, problem);
            if (failed) {
                return failed;
            }
        }
    }
    if (tph_buf_failed(out) || tph_buf_failed(&value)) {
        (void)tph_buf_printf(problem, "the text is longer than %zu bytes with its tags replaced", out->max);
        return -1;
    }
    return 0;
}

static bool is_json(struct tph_str text)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    return tph_json_parse(text, &doc, NULL) == 0;
}

int tph_text_replace_json(struct tph_str json, struct tph_text_pass *pass, struct tph_buf *out, struct tph_buf *problem)
{
    if (!is_json(json)) {
        (void)tph_buf_puts(problem, "cannot do template replacements with invalid JSON");
        return -1;
    }
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_text text = tph_text_compile(json, arena);
    size_t begin = out->len;
    pass->flags |= TPH_TEXT_JSON;
    int failed = tph_text_eval(&text, pass, out, problem);
    if (failed) {
        return failed;
    }
    if (!is_json(tph_str_slice(tph_buf_str(out), begin, out->len))) {
        (void)tph_buf_puts(problem, "cannot finish template replacement because the result was invalid JSON");
        return -1;
    }
    return 0;
}

enum tph_text_value tph_text_resolve(struct tph_str reference, const struct tph_text_pass *pass, struct tph_buf *value,
                                     struct tph_buf *problem)
{
    struct tph_str name = reference;
    if (tph_str_has_prefix(name, OPEN)) {
        name = tph_str_slice(name, OPEN.len, name.len);
    }
    if (tph_str_has_suffix(name, CLOSE)) {
        name = tph_str_slice(name, 0, name.len - CLOSE.len);
    }
    name = tph_str_trim(name);
    enum tph_text_value what = pass->lookup(pass->owner, name, value);
    if (what == TPH_TEXT_UNKNOWN) {
        (void)tph_buf_puts(problem, "Unable to resolve: ");
        tph_quote_go(name, problem);
    }
    return what;
}
