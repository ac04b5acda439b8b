/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with tags: template.jsonl. */
#include <stdio.h>

#include "base/arena.h"
#include "base/limits.h"
#include "engine/text.h"
#include "expr/convert.h"
#include "expr/tag.h"
#include "golden.h"

/* A row's map, as simple tags and as expressions see it. */
struct names {
    const struct tph_json *map;
    struct tph_expr_flat *flat;
    struct tph_expr_memory memory;
    bool has_placeholder; /* a value that stands in for one of the real run */
};

static void fill_names(struct names *names)
{
    struct tph_json_iter it = tph_json_iter(names->map);
    while (tph_json_next(&it)) {
        struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
        (void)!tph_expr_read_json(&names->memory, it.value, 0, &value, NULL);
        tph_expr_flat_set(names->flat, it.key, value);
        names->has_placeholder = names->has_placeholder ||
                                 tph_str_has_prefix(tph_json_str(it.value), TPH_STR("__argo__internal__placeholder-"));
    }
}

static enum tph_text_value lookup(void *owner, struct tph_str name, struct tph_buf *value)
{
    const struct names *names = owner;
    struct tph_json_iter it = tph_json_iter(names->map);
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

static bool must_know(void *owner, struct tph_str path)
{
    const struct tph_text_pass *pass = owner;
    for (size_t i = 0; i < pass->n_prefixes; i++) {
        struct tph_str prefix = pass->prefixes[i];
        if (tph_str_has_prefix(path, prefix) && (path.len == prefix.len || path.p[prefix.len] == '.')) {
            return true;
        }
    }
    return pass->strictness == TPH_TEXT_STRICT;
}

static int expression(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                      struct tph_buf *problem)
{
    struct names *names = pass->owner;
    struct tph_expr_env env = tph_expr_flat_env(names->flat);
    struct tph_text_pass copy = *pass;
    struct tph_expr_tag_rules rules = {.owner = &copy, .may_fail = names->has_placeholder};
    rules.must_know = pass->strictness == TPH_TEXT_LENIENT ? NULL : must_know;
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(source);
    int result = tph_expr_tag(expr, &env, &rules, value, problem);
    return result == TPH_EXPR_TAG_LEFT ? TPH_TEXT_LEFT : result == TPH_EXPR_TAG_MISSING ? TPH_TEXT_UNRESOLVED : result;
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

static void resolve_expression(struct golden_case *c, struct names *names, struct tph_str source)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_expr_freep) struct tph_expr *expr = tph_expr_new(source);
    struct tph_expr_env env = tph_expr_flat_env(names->flat);
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    golden_set(c, "tag", tph_json_get_str(c->expected, "tag"));
    if (tph_expr_resolve(expr, &env, &names->memory, &value, &problem) < 0) {
        golden_set_buf(c, "error", &problem);
        return;
    }
    (void)!tph_expr_write_json(value, TPH_JSON_HTML, NULL, &json, &problem);
    golden_set_buf(c, "json", &json);
    golden_set(c, "type", tph_str(tph_expr_type_name(value.type)));
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

static void run(struct golden_case *c, struct names *names)
{
    struct tph_str mode = golden_in(c, "mode");
    struct tph_str text = golden_in(c, "text");
    struct tph_str prefixes[8];
    struct tph_text_pass pass = {
        .lookup = lookup, .expression = expression, .owner = names, .flags = TPH_TEXT_GO_QUOTES, .prefixes = prefixes};
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "prefixes"));
    while (tph_json_next(&it) && pass.n_prefixes < 8) {
        prefixes[pass.n_prefixes++] = tph_json_str(it.value);
    }
    (void)golden_object(c);
    if (tph_str_eqz(mode, "resolve")) {
        bool braces = tph_str_has_prefix(text, TPH_STR("{{"));
        struct tph_str tag = braces ? tph_str_slice(text, 2, text.len > 4 ? text.len - 2 : 2) : text;
        if (tph_str_has_prefix(tag, TPH_STR("="))) {
            resolve_expression(c, names, tph_str_slice(tag, 1, tag.len));
        } else {
            resolve(c, &pass);
        }
    } else if (tph_str_eqz(mode, "validate")) {
        validate(c);
    } else {
        pass.strictness = tph_str_eqz(mode, "strict")   ? TPH_TEXT_STRICT
                          : tph_str_eqz(mode, "prefix") ? TPH_TEXT_PREFIXES
                                                        : TPH_TEXT_LENIENT;
        replace(c, &pass);
    }
}

void golden_template(struct golden_case *c)
{
    struct names names = {.map = tph_json_get(c->in, "map"),
                          .flat = tph_expr_flat_new(),
                          .memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY)};
    fill_names(&names);
    run(c, &names);
    tph_expr_memory_release(&names.memory);
    tph_expr_flat_free(names.flat);
}
