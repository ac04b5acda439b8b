/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with tags: the pieces are the text; nothing known leaves it as it is; what was JSON stays JSON.
 * The first byte chooses the value that every known tag has. */
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "data/json.h"
#include "engine/text.h"
#include "fuzz.h"

static enum tph_text_value lookup(void *owner, struct tph_str name, struct tph_buf *value)
{
    const char *fixed = owner;
    if (!fixed || (name.len > 0 && name.p[0] == 'n')) {
        return TPH_TEXT_UNKNOWN;
    }
    if (name.len > 0 && name.p[0] == 'a') {
        return TPH_TEXT_ABSENT;
    }
    (void)tph_buf_puts(value, fixed);
    return TPH_TEXT_VALUE;
}

static void pieces_are_the_text(const struct tph_text *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < text->n_pieces; i++) {
        const struct tph_text_piece *piece = &text->pieces[i];
        (void)tph_buf_put(&whole, piece->literal);
        FUZZ_HOLDS((piece->raw.p == NULL) == (i + 1 == text->n_pieces));
        if (piece->raw.p) {
            (void)tph_buf_printf(&whole, "{{");
            (void)tph_buf_put(&whole, piece->raw);
            (void)tph_buf_printf(&whole, "}}");
            FUZZ_HOLDS(piece->inner.len < piece->raw.len || piece->raw.len == 0);
        }
    }
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&whole), text->source));
}

static void unknown_tags_stay(const struct tph_text *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_text_pass pass = {.lookup = lookup};
    FUZZ_HOLDS(tph_text_eval(text, &pass, &out, &problem) == 0);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&out), text->source));
    FUZZ_HOLDS(!pass.again && problem.len == 0);
}

static void json_stays_json(struct tph_str text, const char *value, unsigned flags)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_text_pass pass = {.lookup = lookup, .owner = (void *)(uintptr_t)value, .flags = flags};
    int failed = tph_text_replace_json(text, &pass, &out, &problem);
    FUZZ_HOLDS((failed != 0) == (problem.len > 0));
    FUZZ_HOLDS(failed || tph_json_parse(tph_buf_str(&out), &doc, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const values[] = {"plain", "a\"b\\", "{{x}}", "}}", "{", "\a\x7f\xff", ""};
    if (size == 0) {
        return 0;
    }
    const char *value = values[data[0] % (sizeof(values) / sizeof(values[0]))];
    struct tph_str source = fuzz_text(data + 1, size - 1);
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_text text = tph_text_compile(source, arena);
    pieces_are_the_text(&text);
    unknown_tags_stay(&text);
    json_stays_json(source, value, 0);
    json_stays_json(source, value, TPH_TEXT_GO_QUOTES);
    return 0;
}
