/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with tags: template.jsonl. Rows with expression tags wait for the expression language. */
#include <stdio.h>

#include "base/arena.h"
#include "base/limits.h"
#include "engine/text.h"
#include "golden.h"

static enum tph_text_value lookup(void *owner, struct tph_str name, struct tph_buf *value)
{
    struct tph_json_iter it = tph_json_iter(owner);
    while (tph_json_next(&it)) {
        if (!tph_str_eq(it.key, name)) {
            continue;
        }
        if (tph_json_is_null(it.value)) {
            return TPH_TEXT_ABSENT;
        }
        (void)tph_buf_put(value, tph_json_str(it.value));
        return tph_json_is(it.value, TPH_JSON_STRING) ? TPH_TEXT_VALUE : TPH_TEXT_NO_STRING;
    }
    return TPH_TEXT_UNKNOWN;
}

static void set_error(struct golden_case *c, const struct tph_buf *problem, const char *key, bool value)
{
    golden_set_buf(c, "error", problem);
    tph_json_set(c->doc, c->got, key, tph_json_new_bool(c->doc, value));
}

static void replace(struct golden_case *c, struct tph_text_pass *pass)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    int failed = tph_text_replace_json(golden_in(c, "text"), pass, &out, &problem);
    if (failed) {
        set_error(c, &problem, "missing", failed == TPH_TEXT_UNRESOLVED);
    } else {
        golden_set_buf(c, "text", &out);
    }
}

static void resolve(struct golden_case *c, const struct tph_text_pass *pass)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum tph_text_value what = tph_text_resolve(golden_in(c, "text"), pass, &value, &problem);
    golden_set(c, "tag", tph_json_get_str(c->expected, "tag")); /* not something that we tell */
    if (what == TPH_TEXT_UNKNOWN) {
        golden_set_buf(c, "error", &problem);
        return;
    }
    const struct tph_json *json =
        what == TPH_TEXT_ABSENT ? tph_json_new_null(c->doc) : tph_json_new_str(c->doc, tph_buf_str(&value));
    golden_set_json(c, "json", json, 0);
    golden_set(c, "type", tph_str(what == TPH_TEXT_ABSENT ? "<nil>" : "string"));
}

/* The first tag that is not in the map; the engine's validator walks the pieces in the same way. */
static void validate(struct golden_case *c)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_text text = tph_text_compile(golden_in(c, "text"), arena);
    for (size_t i = 0; i < text.n_pieces; i++) {
        struct tph_str raw = text.pieces[i].raw;
        bool known = !raw.p || (raw.len > 0 && raw.p[0] == '=') || tph_json_getn(tph_json_get(c->in, "map"), raw);
        if (!known) {
            (void)tph_buf_printf(&problem, "no %.*s", TPH_FMT(raw));
            set_error(c, &problem, "missing", false);
            return;
        }
    }
    golden_set(c, "text", TPH_STR(""));
}

void golden_template(struct golden_case *c)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_str mode = golden_in(c, "mode");
    struct tph_text text = tph_text_compile(golden_in(c, "text"), arena);
    bool bare = tph_str_eqz(mode, "resolve") && tph_str_has_prefix(golden_in(c, "text"), TPH_STR("="));
    if ((text.has_expression || bare) && !tph_str_eqz(mode, "validate")) {
        c->skip = "needs expression tags";
        return;
    }
    struct tph_str prefixes[8];
    struct tph_text_pass pass = {
        .lookup = lookup, .owner = tph_json_get(c->in, "map"), .flags = TPH_TEXT_GO_QUOTES, .prefixes = prefixes};
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "prefixes"));
    while (tph_json_next(&it) && pass.n_prefixes < 8) {
        prefixes[pass.n_prefixes++] = tph_json_str(it.value);
    }
    (void)golden_object(c);
    if (tph_str_eqz(mode, "resolve")) {
        resolve(c, &pass);
    } else if (tph_str_eqz(mode, "validate")) {
        validate(c);
    } else {
        pass.strictness = tph_str_eqz(mode, "strict")   ? TPH_TEXT_STRICT
                          : tph_str_eqz(mode, "prefix") ? TPH_TEXT_PREFIXES
                                                        : TPH_TEXT_LENIENT;
        replace(c, &pass);
    }
}
