/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in a JSON text: which are there, which can be resolved, and putting known values in. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "data/position.h"
#include "lint/internal.h"

int tph_lint_next_tag(struct tph_lint *l, struct tph_str *rest, struct tph_str *before, struct tph_str *tag)
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
        (void)tph_lint_fail(l, "Cannot find end tag=\"}}\" in the template");
        return tph_lint_say(l, "a {{ has no }}");
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

/* steps.a.outputs.result, where it is told already that a calls nothing. */
static bool is_broken(const struct tph_lint_scope *scope, struct tph_str name)
{
    char key[256];
    struct tph_str rest = name;
    struct tph_str word;
    struct tph_str step;
    if (!tph_str_cut(&rest, '.', &word) || !tph_str_cut(&rest, '.', &step)) {
        return false;
    }
    (void)snprintf(key, sizeof key, TPH_LINT_BROKEN "%.*s.%.*s", TPH_FMT(word), TPH_FMT(step));
    return tph_lint_scope_has(scope, tph_str(key));
}

bool tph_lint_locate(const struct tph_json *value, struct tph_str tag,
                     struct tph_buf *path) /* NOLINT(misc-no-recursion) */
{
    if (tph_json_is(value, TPH_JSON_STRING)) {
        return tph_str_find(tph_json_str(value), tag) >= 0;
    }
    struct tph_json_iter it = tph_json_iter(value);
    size_t mark = path->len;
    while (tph_json_next(&it)) {
        if (tph_json_is(value, TPH_JSON_OBJECT)) {
            tph_path_key(path, it.key);
        } else {
            tph_path_index(path, it.index);
        }
        if (tph_lint_locate(it.value, tag, path)) {
            return true;
        }
        path->len = mark;
    }
    return false;
}

/* Behind the last dot. */
static struct tph_str last_part(struct tph_str name)
{
    size_t at = name.len;
    while (at > 0 && name.p[at - 1] != '.') {
        at--;
    }
    return tph_str_slice(name, at, name.len);
}

/* Names that are like another one in all parts but the last, or in the last. */
struct alike {
    struct tph_str name, head;
    const char *parts[TPH_LIMIT_LINT_NEAR]; /* last parts, of those with the same head */
    const char *names[TPH_LIMIT_LINT_NEAR];
    size_t n_parts, n_names;
};

static void gather(const struct tph_map *map, struct alike *alike)
{
    struct tph_str part = last_part(alike->name);
    struct tph_str key = TPH_STR_NONE;
    void *value = NULL;
    size_t next = 0;
    while (tph_map_next(map, &next, &key, &value)) {
        struct tph_str last = last_part(key);
        bool same_head = tph_str_eq(tph_str_slice(key, 0, key.len - last.len), alike->head);
        if (begins(key, TPH_LINT_BROKEN)) {
            continue;
        }
        if (same_head && alike->n_parts < TPH_LIMIT_LINT_NEAR) {
            alike->parts[alike->n_parts++] = last.p;
        } else if (tph_str_eq(last, part) && !begins(key, "workflow.") && alike->n_names < TPH_LIMIT_LINT_NEAR) {
            alike->names[alike->n_names++] = key.p;
        }
    }
}

/* Names one of them as what was meant, or hints at the other. */
static int hint_alike(struct tph_lint *l, const struct alike *alike, const char *other)
{
    const char *part = NULL;
    if (l->problems && l->n_hints < TPH_LIMIT_LINT_HINTS) {
        part = tph_str_nearest(last_part(alike->name), alike->parts, alike->n_parts);
    }
    if (part) {
        l->n_hints++;
        return tph_lint_hint(l, "did you mean %.*s%s?", TPH_FMT(alike->head), part);
    }
    return tph_lint_hint_near(l, alike->name, alike->names, alike->n_names, other);
}

/* Of "steps.a.outputs.parameters.o" where the step a is known; else NULL. */
static const char *hint_output(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str name)
{
    struct tph_str rest = name;
    struct tph_str word;
    struct tph_str step;
    if ((!begins(name, "steps.") && !begins(name, "tasks.")) || !tph_str_cut(&rest, '.', &word) ||
        !tph_str_cut(&rest, '.', &step) || !begins(rest, "outputs.parameters.") ||
        !tph_lint_scope_has(scope, tph_lint_text(l, "%.*s.%.*s.id", TPH_FMT(word), TPH_FMT(step)))) {
        return NULL;
    }
    struct tph_str output = tph_str_slice(rest, strlen("outputs.parameters."), rest.len);
    return tph_lint_text(l, "declare '%.*s' under outputs.parameters of the template that '%.*s' calls",
                         TPH_FMT(output), TPH_FMT(step))
        .p;
}

/* What to do about a name that nobody knows: the nearest one, or where such names come from. */
static int hint_name(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str name)
{
    static const struct {
        const char *prefix;
        const char *hint;
    } HINTS[] = {
        {"inputs.parameters.", "declare it under inputs.parameters of this template"},
        {"inputs.artifacts.", "declare it under inputs.artifacts of this template"},
        {"workflow.parameters", "declare it under spec.arguments.parameters"},
        {"pod.", "only templates that run in a pod of their own have this"},
        {"item", "only steps and tasks with withItems, withParam or withSequence have this"},
        {"steps.", "known are, in a steps template, the outputs that earlier steps' templates declare; others get them "
                   "as arguments"},
        {"tasks.", "known are, in a dag template, the outputs that other tasks' templates declare; others get them as "
                   "arguments"},
        {"workflow.labels.", "declare it under metadata.labels"},
        {"workflow.annotations.", "declare it under metadata.annotations"},
        {"workflow.priority", "spec.priority is not set"},
        {"workflow.failures", "only the exit handler (onExit) has this"},
    };
    const char *other = hint_output(l, scope, name);
    struct alike alike = {.name = name, .head = tph_str_slice(name, 0, name.len - last_part(name).len)};
    for (size_t i = 0; i < sizeof HINTS / sizeof HINTS[0] && !other; i++) {
        other = begins(name, HINTS[i].prefix) ? HINTS[i].hint : NULL;
    }
    for (const struct tph_lint_scope *at = scope; l->problems && at; at = at->parent) {
        gather(&at->names, &alike);
    }
    if (l->problems) {
        gather(&l->globals, &alike);
    }
    return hint_alike(l, &alike, other);
}

/* Tells of a tag that cannot be resolved; value (may be NULL) is what it stands in. */
static int unresolved(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str tag,
                      const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_MIB(1));
    struct tph_str braced = tph_lint_text(l, "{{%.*s}}", TPH_FMT(tag));
    (void)tph_lint_fail(l, "failed to resolve %.*s", TPH_FMT(braced));
    (void)tph_lint_say(l, "%.*s is not known here", TPH_FMT(braced));
    if (l->problems && value && tph_lint_locate(value, braced, &path)) {
        (void)tph_lint_at(l, "%s", tph_buf_cstr(&path));
    }
    return hint_name(l, scope, tph_str_trim(tag));
}

static int resolve(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str text,
                   const struct tph_json *value)
{
    struct tph_str rest = text;
    struct tph_str before;
    struct tph_str tag;
    int found;
    while ((found = tph_lint_next_tag(l, &rest, &before, &tag)) == 0) {
        struct tph_str name = tph_str_trim(tag);
        if ((tag.len > 0 && tag.p[0] == '=') || !is_ours(name)) {
            continue;
        }
        if (!tph_lint_scope_has(scope, name) && !tph_map_get(&l->globals, name) && !comes_later(l, scope, name) &&
            !is_broken(scope, name)) {
            if (tph_lint_go_on(l, unresolved(l, scope, tag, value), tph_lint_here(l)) < 0) {
                return -1;
            }
        }
    }
    return found < 0 ? -1 : 0;
}

int tph_lint_resolve(struct tph_lint *l, const struct tph_lint_scope *scope, struct tph_str text)
{
    return resolve(l, scope, text, NULL);
}

int tph_lint_resolve_json(struct tph_lint *l, const struct tph_lint_scope *scope, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, TPH_JSON_HTML, &text);
    return resolve(l, scope, tph_buf_str(&text), value);
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
    while ((found = tph_lint_next_tag(l, &rest, &before, &tag)) == 0) {
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
