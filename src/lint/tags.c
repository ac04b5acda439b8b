/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in a JSON text: which are there, which can be resolved, and putting known values in. */
#include <string.h>

#include "base/limits.h"
#include "lint/internal.h"

/* The next "{{...}}" of *rest; before gets what stood in front of it. 1: none; -1: not closed. */
static int next_tag(struct tph_lint *l, struct tph_str *rest, struct tph_str *before, struct tph_str *tag)
{
    ptrdiff_t open = tph_str_find(*rest, TPH_STR("{{"));
    if (open < 0) {
        *before = *rest;
        return 1;
    }
    *before = tph_str_slice(*rest, 0, (size_t)open);
    struct tph_str inner = tph_str_slice(*rest, (size_t)open + 2, rest->len);
    ptrdiff_t close = tph_str_find(inner, TPH_STR("}}"));
    if (close < 0) {
        return tph_lint_fail(l, "Cannot find end tag=\"}}\" in the template");
    }
    *tag = tph_str_slice(inner, 0, (size_t)close);
    *rest = tph_str_slice(inner, (size_t)close + 2, inner.len);
    return 0;
}

static bool begins(struct tph_str text, const char *prefix)
{
    return tph_str_has_prefix(text, tph_str(prefix));
}

static bool is_ours(struct tph_str name)
{
    static const char *const ROOTS[] = {"item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks."};
    for (size_t i = 0; i < sizeof ROOTS / sizeof ROOTS[0]; i++) {
        if (begins(name, ROOTS[i])) {
            return true;
        }
    }
    return false;
}

/* What nobody can know before the run. */
static bool comes_later(const struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str name)
{
    static const char *const LATER[] = {"outputs.",
                                        "workflow.creationTimestamp",
                                        "workflow.scheduledTime",
                                        "workflow.duration",
                                        "tasks.name",
                                        "steps.name",
                                        "node.name"};
    for (size_t i = 0; i < sizeof LATER / sizeof LATER[0]; i++) {
        if (begins(name, LATER[i])) {
            return true;
        }
    }
    if (begins(name, "item.") && tph_lint_scope_has(scope, TPH_STR("item.*"))) {
        return true;
    }
    if (begins(name, "workflow.outputs.parameters.") &&
        tph_lint_scope_has(scope, TPH_STR("workflow.outputs.parameters.*"))) {
        return true;
    }
    if (begins(name, "workflow.outputs.artifacts.") &&
        tph_lint_scope_has(scope, TPH_STR("workflow.outputs.artifacts.*"))) {
        return true;
    }
    return l->of_template && begins(name, "workflow.parameters");
}

int tph_lint_resolve(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str text)
{
    struct tph_str rest = text;
    struct tph_str before;
    struct tph_str tag;
    int found;
    while ((found = next_tag(l, &rest, &before, &tag)) == 0) {
        struct tph_str name = tph_str_trim(tag);
        if ((tag.len > 0 && tag.p[0] == '=') || !is_ours(name)) {
            continue;
        }
        if (!tph_lint_scope_has(scope, name) && !tph_map_get(&l->globals, name) && !comes_later(l, scope, name)) {
            return tph_lint_fail(l, "failed to resolve {{%.*s}}", TPH_FMT(tag));
        }
    }
    return found < 0 ? -1 : 0;
}

int tph_lint_resolve_json(struct tph_lint *l, const struct tph_lint_scope *scope, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, TPH_JSON_HTML, &text);
    return tph_lint_resolve(l, scope, tph_buf_str(&text));
}

bool tph_lint_is_parameter(struct tph_str text)
{
    ptrdiff_t open = tph_str_find(text, TPH_STR("{{"));
    return open >= 0 && tph_str_find(tph_str_slice(text, (size_t)open, text.len), TPH_STR("}}")) > 2;
}

static const char *value_of(const struct tph_lint *l, const struct tph_map *local, struct tph_str name)
{
    const char *value = tph_map_get(local, name);
    return value ? value : tph_map_get(&l->globals, name);
}

/* The value as it stands inside a JSON string. */
static void put_value(const char *value, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write_str(tph_str(value), 0, &quoted);
    (void)tph_buf_put(out, tph_str_slice(tph_buf_str(&quoted), 1, quoted.len - 1));
}

static int replace(struct tph_lint *l, struct tph_str text, const struct tph_map *local, struct tph_buf *out)
{
    struct tph_str rest = text;
    struct tph_str before;
    struct tph_str tag;
    int found;
    while ((found = next_tag(l, &rest, &before, &tag)) == 0) {
        const char *value = value_of(l, local, tph_str_trim(tag));
        (void)tph_buf_put(out, before);
        if (value) {
            put_value(value, out);
            continue;
        }
        ptrdiff_t nested = -1;
        for (size_t i = 1; i + 1 < tag.len; i++) {
            nested = tag.p[i] == '{' && tag.p[i + 1] == '{' ? (ptrdiff_t)i : nested;
        }
        value = nested > 0 ? value_of(l, local, tph_str_slice(tag, (size_t)nested + 2, tag.len)) : NULL;
        (void)tph_buf_puts(out, "{{");
        if (value && tag.p[0] != '=') {
            (void)tph_buf_put(out, tph_str_slice(tag, 0, (size_t)nested));
            put_value(value, out);
        } else {
            (void)tph_buf_put(out, tag);
            (void)tph_buf_puts(out, "}}");
        }
    }
    (void)tph_buf_put(out, before);
    return found < 0 ? -1 : 0;
}

int tph_lint_substitute(struct tph_lint *l, const struct tph_json *tmpl, const struct tph_map *local,
                        struct tph_json **ret_tmpl)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    tph_json_write(tmpl, TPH_JSON_HTML, &text);
    if (replace(l, tph_buf_str(&text), local, &out) < 0) {
        return -1;
    }
    if (tph_buf_failed(&out) || tph_json_parse(tph_buf_str(&out), &doc, NULL) < 0) {
        return tph_lint_fail(l, "the template is no JSON once its tags are replaced");
    }
    *ret_tmpl = tph_json_copy(l->doc, tph_json_root(doc));
    return 0;
}
