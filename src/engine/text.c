/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/text.h"

#include "base/limits.h"
#include "data/json.h"
#include "data/quote.h"

static size_t count_tags(struct tph_str text)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = tph_str_find(text, TPH_STR("{{"))) >= 0; n++) {
        text = tph_str_slice(text, (size_t)at + 2, text.len);
    }
    return n;
}

struct tph_text tph_text_compile(struct tph_str text, struct tph_arena *arena)
{
    struct tph_text_piece *pieces = TPH_ARENA_ARRAY(arena, struct tph_text_piece, count_tags(text) + 1);
    struct tph_text compiled = {.pieces = pieces};
    struct tph_str rest = text;
    for (;;) {
        ptrdiff_t open = tph_str_find(rest, TPH_STR("{{"));
        struct tph_str inside = open < 0 ? TPH_STR_NONE : tph_str_slice(rest, (size_t)open + 2, rest.len);
        ptrdiff_t close = open < 0 ? -1 : tph_str_find(inside, TPH_STR("}}"));
        struct tph_text_piece *piece = &pieces[compiled.n_pieces++];
        if (close < 0) {
            piece->literal = rest;
            return compiled;
        }
        piece->literal = tph_str_slice(rest, 0, (size_t)open);
        piece->raw = tph_str_slice(rest, (size_t)open, (size_t)open + (size_t)close + 4);
        piece->tag = tph_str_trim(tph_str_slice(inside, 0, (size_t)close));
        piece->tag.p = piece->tag.p ? piece->tag.p : "";
        compiled.has_expression = compiled.has_expression || (close > 0 && inside.p[0] == '=');
        rest = tph_str_slice(inside, (size_t)close + 2, inside.len);
    }
}

bool tph_text_is_plain(const struct tph_text *text)
{
    return text->n_pieces <= 1;
}

static void put_value(struct tph_str value, unsigned flags, struct tph_buf *out)
{
    if (!(flags & TPH_TEXT_JSON)) {
        (void)tph_buf_put(out, value);
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (flags & TPH_TEXT_QUOTE_GO) {
        tph_quote_go(value, &quoted);
    } else {
        tph_json_write_str(value, 0, &quoted);
    }
    struct tph_str text = tph_buf_str(&quoted);
    (void)tph_buf_put(out, tph_str_slice(text, 1, text.len > 1 ? text.len - 1 : 1));
}

void tph_text_eval(const struct tph_text *text, struct tph_text_scope *scope, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    scope->missing = TPH_STR_NONE;
    for (size_t i = 0; i < text->n_pieces; i++) {
        const struct tph_text_piece *piece = &text->pieces[i];
        (void)tph_buf_put(out, piece->literal);
        if (!piece->tag.p) {
            continue;
        }
        tph_buf_clear(&value);
        if (scope->lookup(scope->owner, piece->tag, &value)) {
            put_value(tph_buf_str(&value), scope->flags, out);
        } else {
            (void)tph_buf_put(out, piece->raw);
            scope->missing = scope->missing.p ? scope->missing : piece->tag;
        }
    }
}
