/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with their tags replaced, for a place.
 *
 * Argo replaces tags in passes over the whole text: first the workflow's and the node's own names, then the inputs,
 * then references to other steps. Each tag is known to one pass only, so one look-up for all of them gives the same,
 * unless a value brings new tags with it: then the passes are made one after the other.
 */
#include <string.h>

#include "base/limits.h"
#include "engine/run_internal.h"

struct scope tph_scope_of(const struct node *node)
{
    return (struct scope){
        .run = node->run,
        .node = node,
        .inputs = node->pub.inputs,
        .retry = node->role == ROLE_ATTEMPT ? node->parent : NULL,
        .item = node->call && node->call->target.is_inline ? node->item : TPH_STR_NONE,
    };
}

static const struct tph_str reference_prefixes[] = {{.p = "tasks", .len = 5}, {.p = "steps", .len = 5}};

static struct tph_text_pass pass_of(const struct scope *scope, tph_text_lookup *lookup, bool strict, unsigned flags)
{
    bool argo = tph_run_compat(scope->run, TPH_COMPAT_TEXTS);
    unsigned go = TPH_TEXT_GO_QUOTES | (scope->only_item ? TPH_TEXT_GO_READS : 0U);
    enum tph_text_strictness strictness = strict ? TPH_TEXT_PREFIXES : TPH_TEXT_LENIENT;
    return (struct tph_text_pass){
        .lookup = lookup,
        .expression = tph_scope_expression,
        .owner = (void *)(uintptr_t)scope,
        .strictness = scope->only_item && scope->item.p ? TPH_TEXT_STRICT : strictness,
        .prefixes = reference_prefixes,
        .n_prefixes = 2,
        .flags = flags | (argo ? go : 0U),
    };
}

bool tph_scope_has_tags(struct tph_str text)
{
    return tph_str_find(text, TPH_STR("{{")) >= 0;
}

/* What came out goes to out, if there is room. */
int tph_scope_give(struct tph_str made, struct tph_buf *out, struct tph_buf *problem)
{
    if (tph_buf_put(out, made) < 0) {
        (void)tph_buf_printf(problem, "the text is longer than %zu bytes with its tags replaced", out->max);
        return -1;
    }
    return 0;
}

/* One pass after the other, each over what the one before left. */
static int eval_passes(const struct scope *scope, struct tph_str source, unsigned flags, struct tph_buf *out,
                       struct tph_buf *problem)
{
    static tph_text_lookup *const lookups[] = {tph_lookup_globals, tph_lookup_inputs, tph_lookup_references,
                                               tph_lookup_item, tph_lookup_retry};
    static tph_text_lookup *const item_only[] = {tph_lookup_item};
    tph_text_lookup *const *list = scope->only_item ? item_only : lookups;
    bool one = scope->only_item || scope->only_globals;
    size_t n = one ? 1 : sizeof(lookups) / sizeof(lookups[0]);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_put(&text, source);
    for (size_t i = 0; i < n; i++) {
        TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
        TPH_CLEANUP(tph_buf_release) struct tph_buf next = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        struct tph_text compiled = tph_text_compile(tph_buf_str(&text), arena);
        struct tph_text_pass pass = pass_of(scope, list[i], scope->references && i == 2, flags);
        int failed = tph_text_eval(&compiled, &pass, &next, problem);
        if (failed) {
            return failed;
        }
        tph_buf_clear(&text);
        (void)tph_buf_put(&text, tph_buf_str(&next));
    }
    return tph_scope_give(tph_buf_str(&text), out, problem);
}

/* A text that is one tag and nothing else, for something that is known to be absent. */
static bool is_absent_whole(const struct scope *scope, const struct tph_text *text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool one = text->n_pieces == 2 && text->pieces[0].literal.len == 0 && text->pieces[1].literal.len == 0;
    return one && tph_lookup_all((void *)(uintptr_t)scope, text->pieces[0].name, &value) == TPH_TEXT_ABSENT;
}

int tph_scope_eval(const struct scope *scope, const struct tph_text *text, unsigned flags, struct tph_buf *out,
                   struct tph_buf *problem)
{
    if (tph_text_is_plain(text)) {
        return tph_scope_give(text->source, out, problem);
    }
    if ((scope->references || scope->hook) && is_absent_whole(scope, text)) {
        (void)tph_buf_printf(problem,
                             "unable to substitute %.*s: output is an absent optional (skipped/omitted node with no "
                             "default)",
                             TPH_FMT(text->source));
        return TPH_TEXT_ABSENT_WHOLE;
    }
    if (!text->has_nested) {
        struct tph_text_pass pass = pass_of(scope, tph_lookup_all, scope->references, flags);
        TPH_CLEANUP(tph_buf_release) struct tph_buf made = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
        int failed = tph_text_eval(text, &pass, &made, problem);
        if (failed || !pass.again) {
            return failed ? failed : tph_scope_give(tph_buf_str(&made), out, problem);
        }
    }
    return eval_passes(scope, text->source, flags, out, problem);
}

int tph_scope_replace(const struct scope *scope, struct tph_str json, struct tph_buf *out, struct tph_buf *problem)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    size_t begin = out->len;
    int failed = eval_passes(scope, json, TPH_TEXT_JSON, out, problem);
    if (failed == 0 && tph_json_parse(tph_str_slice(tph_buf_str(out), begin, out->len), &doc, NULL) < 0) {
        (void)tph_buf_puts(problem, "cannot finish template replacement because the result was invalid JSON");
        return -1;
    }
    return failed;
}

enum tph_text_value tph_scope_resolve(const struct scope *scope, struct tph_str reference, struct tph_buf *value,
                                      struct tph_buf *problem)
{
    struct scope references = *scope;
    references.references = true;
    struct tph_text_pass pass = pass_of(&references, tph_lookup_references, false, 0);
    return tph_text_resolve(reference, &pass, value, problem);
}

int tph_scope_eval_again(const struct scope *scope, struct tph_str text, struct tph_buf *out, struct tph_buf *problem)
{
    return eval_passes(scope, text, 0, out, problem);
}
