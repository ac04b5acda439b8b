/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of a workflow: what they see, and when a tag with one is replaced.
 *
 * An expression sees what simple tags see, as maps: steps.a.outputs.result is a member of a member. Only what it
 * refers to is looked up, so that the cost follows the text and not the workflow. All values are texts; an output of
 * a node that was skipped is nil. Source: argo 2.6.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/quote.h"
#include "engine/run_internal.h"
#include "expr/convert.h"
#include "expr/tag.h"

/* The names that one expression sees. */
struct sight {
    const struct scope *scope;
    struct tph_arena *arena; /* of names and values */
    struct tph_expr_flat *flat;
};

static struct tph_str joined(struct sight *s, struct tph_str path, struct tph_str part)
{
    char *p = tph_arena_alloc(s->arena, path.len + 1 + part.len);
    memcpy(p, path.p, path.len);
    p[path.len] = '.';
    memcpy(&p[path.len + 1], part.p ? part.p : "", part.len);
    return (struct tph_str){.p = p, .len = path.len + 1 + part.len};
}

/* Lets a name be seen, if it has a value or is known to be absent. */
static bool see(struct sight *s, struct tph_str name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    enum tph_text_value what = tph_lookup_all((void *)(uintptr_t)s->scope, name, &value);
    if (what == TPH_TEXT_UNKNOWN) {
        return false;
    }
    struct tph_expr_value seen = TPH_EXPR_VALUE_NIL;
    if (what != TPH_TEXT_ABSENT) {
        seen = tph_expr_str(tph_arena_str(s->arena, tph_buf_str(&value)));
    }
    tph_expr_flat_set(s->flat, tph_arena_str(s->arena, name), seen);
    return true;
}

static void see_names_of(struct sight *s, const struct tph_json *list, struct tph_str prefix)
{
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        (void)see(s, joined(s, prefix, tph_json_get_str(it.value, "name")));
    }
}

/* All that is below a name of the workflow's own. */
static void see_globals(struct sight *s, struct tph_str path)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    TPH_CLEANUP(tph_freep) char *below = tph_format("%.*s.", TPH_FMT(path));
    while (tph_map_next(&s->scope->run->globals, &at, &key, &value)) {
        if (tph_str_has_prefix(key, tph_str(below))) {
            (void)see(s, key);
        }
    }
    if (tph_str_eqz(path, "workflow")) {
        (void)see(s, TPH_STR("workflow.status"));
        (void)see(s, TPH_STR("workflow.failures"));
        (void)see(s, TPH_STR("workflow.duration"));
    }
}

/* All that is known of one step or task. name: with "steps." or "tasks." */
static void see_member(struct sight *s, struct tph_str name, const struct tph_template *called)
{
    static const char *const members[] = {"id",       "status",         "startedAt",         "finishedAt",
                                          "exitCode", "outputs.result", "outputs.parameters"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        (void)see(s, joined(s, name, tph_str(members[i])));
    }
    see_names_of(s, tph_json_get(called ? called->declared_outputs : NULL, "parameters"),
                 joined(s, name, TPH_STR("outputs.parameters")));
}

/* The outputs that a node has, declared or not. */
static void see_outputs(struct sight *s, struct tph_str name, const struct node *node)
{
    see_names_of(s, tph_json_get(node->pub.outputs, "parameters"), joined(s, name, TPH_STR("outputs.parameters")));
    for (size_t i = 0; i < node->n_members; i++) {
        const struct node *member = node->members[i];
        if (member && node->pub.type == TPH_NODE_TASK_GROUP) {
            see_outputs(s, name, member);
        }
    }
}

static void see_place(struct sight *s, struct tph_str name, const struct tph_place *place)
{
    const struct node *boundary = s->scope->node;
    bool dag = boundary->pub.type == TPH_NODE_DAG;
    size_t at = dag ? place->member : place->group;
    const struct node *node = at < boundary->n_members ? boundary->members[at] : NULL;
    see_member(s, name, NULL);
    if (node && dag) {
        see_member(s, name, node->template);
        see_outputs(s, name, node);
    }
    for (size_t i = 0; node && !dag && node->slots && i < node->slots[place->member].n; i++) {
        size_t member = node->slots[place->member].first + i;
        if (member < node->n_members) {
            see_member(s, name, node->members[member]->template);
            see_outputs(s, name, node->members[member]);
        }
    }
}

/* `steps`, `steps.a`, or what is below that and is no name by itself. */
static void see_members(struct sight *s, struct tph_str path)
{
    const struct node *boundary = s->scope->node;
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    if (boundary->pub.type != TPH_NODE_DAG && boundary->pub.type != TPH_NODE_STEPS) {
        return;
    }
    struct tph_str first = tph_str_slice(path, 0, 5); /* "steps" or "tasks" */
    struct tph_str rest = path.len > 6 ? tph_str_slice(path, 6, path.len) : TPH_STR("");
    while (tph_map_next(&boundary->template->places, &at, &key, &value)) {
        bool inside =
            rest.len == 0 || tph_str_eq(rest, key) || (tph_str_has_prefix(rest, key) && rest.p[key.len] == '.');
        if (inside) {
            see_place(s, joined(s, first, key), value);
        }
    }
    if (s->scope->self) {
        (void)see(s, path);
        see_member(s, tph_str_slice(path, 0, path.len), s->scope->self->template);
    }
}

static void see_item(struct sight *s)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)see(s, TPH_STR("item"));
    if (s->scope->item.p && tph_json_parse(s->scope->item, &doc, &err) == 0 &&
        tph_json_is(tph_json_root(doc), TPH_JSON_OBJECT)) {
        struct tph_json_iter it = tph_json_iter(tph_json_root(doc));
        while (tph_json_next(&it)) {
            (void)see(s, joined(s, TPH_STR("item"), it.key));
        }
    }
}

static void see_retry(struct sight *s)
{
    static const char *const names[] = {"lastRetry.exitCode", "lastRetry.status", "lastRetry.message",
                                        "lastRetry.duration"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)see(s, tph_str(names[i]));
    }
}

/* What one reference may mean: a name, one in front of it, or all names that begin with it. */
static void see_reference(struct sight *s, struct tph_str path)
{
    struct tph_str rest = path;
    struct tph_str first = path;
    (void)tph_str_cut(&rest, '.', &first);
    if (s->scope->only_globals) {
        see_globals(s, path);
    } else if (tph_str_eqz(first, "inputs")) {
        (void)see(s, path);
        see_names_of(s, tph_json_get(s->scope->inputs, "parameters"), TPH_STR("inputs.parameters"));
    } else if (tph_str_eqz(first, "steps") || tph_str_eqz(first, "tasks")) {
        see_members(s, path);
    } else if (tph_str_eqz(first, "item")) {
        see_item(s);
    } else if (tph_str_eqz(first, "lastRetry")) {
        see_retry(s);
    } else if (tph_str_eqz(first, "node")) {
        (void)see(s, TPH_STR("node.name"));
    } else {
        see_globals(s, path);
    }
    for (size_t len = path.len; len > 0; len--) {
        if ((len == path.len || path.p[len] == '.') && see(s, tph_str_slice(path, 0, len))) {
            break;
        }
    }
}

static void look(struct sight *s, struct tph_expr *expr)
{
    const struct tph_expr_reference *references = NULL;
    size_t n = 0;
    TPH_CLEANUP(tph_buf_release) struct tph_buf unread = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    if (tph_expr_references(expr, &references, &n, &unread) < 0) {
        return; /* whoever evaluates it will tell */
    }
    for (size_t i = 0; i < n; i++) {
        see_reference(s, references[i].path);
    }
}

/* An expression with the names it sees; released by view_release. */
struct view {
    struct sight sight;
    struct tph_expr *expr;
    bool is_kept; /* in the run, for the next time */
    struct tph_expr_env env;
};

void tph_express_forget(struct tph_map *kept)
{
    size_t at = 0;
    struct tph_str key;
    void *value = NULL;
    while (tph_map_next(kept, &at, &key, &value)) {
        tph_expr_free(value);
    }
    tph_map_release(kept);
    *kept = TPH_MAP_INIT;
}

/* The same text is read once, whoever has it: the items of a loop, the attempts of a retry, the next node of the
 * template. Looking up names reads no expression, so that none is in use twice. */
static struct tph_expr *keep(struct tph_map *kept, struct tph_str source)
{
    struct tph_expr *expr = tph_map_get(kept, source);
    if (!expr) {
        if (tph_map_len(kept) >= TPH_LIMIT_EXPRS_KEPT) {
            tph_express_forget(kept);
        }
        expr = tph_expr_new(source);
        (void)tph_map_set(kept, tph_expr_text(expr), expr);
    }
    return expr;
}

static struct view view_of(const struct scope *scope, struct tph_str source)
{
    struct view v = {.sight = {.scope = scope, .arena = tph_arena_new(), .flat = tph_expr_flat_new()},
                     .is_kept = source.len <= TPH_LIMIT_EXPR_KEPT};
    v.expr = v.is_kept ? keep(scope->run->expressions, source) : tph_expr_new(source);
    look(&v.sight, v.expr);
    v.env = tph_expr_flat_env(v.sight.flat);
    v.env.now_ns = scope->run->now_ms * 1000000;
    v.env.seed = (uint64_t)scope->run->now_ms;
    v.env.read_zone = scope->run->options.read_zone;
    return v;
}

static void view_release(struct view *v)
{
    if (!v->is_kept) {
        tph_expr_free(v->expr);
    }
    tph_expr_flat_free(v->sight.flat);
    tph_arena_free(v->sight.arena);
}

static bool must_know(void *owner, struct tph_str path)
{
    const struct tph_text_pass *pass = owner;
    for (size_t i = 0; i < pass->n_prefixes && pass->strictness == TPH_TEXT_PREFIXES; i++) {
        struct tph_str prefix = pass->prefixes[i];
        if (tph_str_has_prefix(path, prefix) && (path.len == prefix.len || path.p[prefix.len] == '.')) {
            return true;
        }
    }
    return pass->strictness == TPH_TEXT_STRICT;
}

int tph_scope_expression(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                         struct tph_buf *problem)
{
    TPH_CLEANUP(view_release) struct view view = view_of(pass->owner, source);
    struct tph_text_pass copy = *pass;
    struct tph_expr_tag_rules rules = {.owner = &copy,
                                       .must_know = pass->strictness == TPH_TEXT_LENIENT ? NULL : must_know};
    switch (tph_expr_tag(view.expr, &view.env, &rules, value, problem)) {
    case 0:
        return 0;
    case TPH_EXPR_TAG_LEFT:
        return TPH_TEXT_LEFT;
    case TPH_EXPR_TAG_MISSING:
        return TPH_TEXT_UNRESOLVED;
    default:
        return -1;
    }
}

int tph_scope_express(const struct scope *scope, struct tph_str expression, struct tph_buf *value,
                      struct tph_buf *problem)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    struct scope all = *scope;
    all.references = true;
    TPH_CLEANUP(view_release) struct view view = view_of(&all, expression);
    struct tph_expr_value result = TPH_EXPR_VALUE_NIL;
    if (tph_expr_evaluate(view.expr, &view.env, &memory, &result, problem) < 0) {
        return -1;
    }
    tph_expr_print(result, value);
    return 0;
}

int tph_scope_label(const struct scope *scope, struct tph_str label, struct tph_str expression, struct tph_buf *value,
                    struct tph_buf *problem)
{
    TPH_CLEANUP(tph_expr_memory_release)
    struct tph_expr_memory memory = TPH_EXPR_MEMORY_INIT(TPH_LIMIT_EXPR_MEMORY);
    TPH_CLEANUP(view_release) struct view view = view_of(scope, expression);
    TPH_CLEANUP(tph_buf_release) struct tph_buf why = TPH_BUF_INIT(TPH_LIMIT_EXPR_MESSAGE);
    struct tph_expr_value result = TPH_EXPR_VALUE_NIL;
    if (tph_expr_compile(view.expr, &view.env, &why) < 0) {
        (void)tph_buf_puts(problem, "Failed to compile function for expression ");
        tph_quote_go(expression, problem);
        (void)tph_buf_printf(problem, ": %s", tph_buf_cstr(&why));
        return -1;
    }
    int failed = tph_expr_evaluate(view.expr, &view.env, &memory, &result, &why);
    if (failed == 0 && result.type == TPH_EXPR_STRING) {
        tph_expr_print(result, value);
        return 0;
    }
    (void)tph_buf_puts(problem, "failed to evaluate label ");
    tph_quote_go(label, problem);
    (void)tph_buf_puts(problem, " expression ");
    tph_quote_go(expression, problem);
    if (failed) {
        (void)tph_buf_printf(problem, ": %s", tph_buf_cstr(&why));
    } else {
        (void)tph_buf_puts(problem, " evaluted to ");
        tph_expr_print_type(result, problem);
        (void)tph_buf_puts(problem, " but must be a string");
    }
    return -1;
}

int tph_scope_decide(const struct scope *scope, struct tph_str expression, bool *ret_value, struct tph_buf *problem)
{
    TPH_CLEANUP(view_release) struct view view = view_of(scope, expression);
    return tph_expr_decide(view.expr, &view.env, ret_value, problem);
}
