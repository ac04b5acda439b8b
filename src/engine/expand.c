/* SPDX-License-Identifier: Apache-2.0 */
/* What a step or task is with its references and items put in: members, ready to be made. Source: argo 2.3, 2.5, 2.7.
 *
 * As in Argo in two passes: references to steps and tasks first, once; then {{item}}, for each item. The condition goes
 * first, for when it is false nothing else has to be known. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/loop_items.h"
#include "engine/run_internal.h"
#include "when/when.h"

/* A call with its references put in: what is left to do for each item. */
struct resolved {
    const struct node *boundary;
    const struct tph_call *call;
    struct tph_str prefix;
    struct tph_text when;
    struct tph_text *arguments;
    bool *absent;
    struct tph_str resource; /* templateRef */
    struct tph_str target;
    struct tph_text param;
    struct tph_loop_sequence sequence;
    bool skip; /* the condition is false, whatever the item */
};

static struct member *add_member(struct members *members, struct tph_arena *scratch)
{
    if (members->n == members->capacity) {
        size_t capacity = members->capacity ? members->capacity * 2 : 8;
        struct member *list = TPH_ARENA_ARRAY(scratch, struct member, capacity);
        if (members->n > 0) {
            memcpy(list, members->list, members->n * sizeof(*list));
        }
        members->list = list;
        members->capacity = capacity;
    }
    members->list[members->n] = (struct member){.what = MEMBER_CALL};
    return &members->list[members->n++];
}

struct members *tph_members_keep(struct tph_run *run, const struct members *members)
{
    struct members *kept = TPH_ARENA_NEW(run->arena, struct members);
    kept->n = members->n;
    kept->list = TPH_ARENA_ARRAY(run->arena, struct member, members->n);
    for (size_t i = 0; i < members->n; i++) {
        struct member *m = &kept->list[i];
        *m = members->list[i];
        size_t n = m->call->n_arguments;
        struct tph_str *values = TPH_ARENA_ARRAY(run->arena, struct tph_str, n);
        for (size_t v = 0; m->values && v < n; v++) {
            values[v] = m->values[v].p ? tph_arena_str(run->arena, m->values[v]) : TPH_STR_NONE;
        }
        m->values = m->values ? values : NULL;
        m->text = m->text ? tph_arena_strdup(run->arena, tph_str(m->text)) : NULL;
    }
    return kept;
}

static struct tph_text keep_text(struct tph_arena *scratch, const struct tph_buf *text)
{
    return tph_text_compile(tph_arena_str(scratch, tph_buf_str(text)), scratch);
}

/* One text with the references put in. Returns 0; 1 when it is one tag for something absent; -1. */
static int resolve_text(const struct scope *scope, const struct tph_text *text, struct tph_text *ret_text,
                        struct tph_buf *problem)
{
    if (tph_text_is_plain(text)) {
        *ret_text = *text;
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_PARAMETER);
    int failed = tph_scope_eval(scope, text, 0, &value, problem);
    if (failed == TPH_TEXT_ABSENT_WHOLE) {
        return 1;
    }
    if (failed) {
        return -1;
    }
    *ret_text = keep_text(scope->run->scratch, &value);
    return 0;
}

static int resolve_arguments(const struct scope *scope, struct resolved *r, struct tph_buf *problem)
{
    const struct tph_call *call = r->call;
    r->arguments = TPH_ARENA_ARRAY(scope->run->scratch, struct tph_text, call->n_arguments);
    r->absent = TPH_ARENA_ARRAY(scope->run->scratch, bool, call->n_arguments);
    for (size_t i = 0; i < call->n_arguments; i++) {
        int absent = resolve_text(scope, &call->arguments[i].text, &r->arguments[i], problem);
        if (absent < 0) {
            return -1;
        }
        r->absent[i] = absent > 0;
    }
    return 0;
}

/* The condition. A loop's may speak of its items, and is then decided for each of them. */
static int resolve_when(const struct scope *scope, struct resolved *r, struct tph_buf *problem)
{
    bool run = true;
    bool is_loop = r->call->loop.kind != TPH_LOOP_NONE;
    TPH_CLEANUP(tph_buf_release) struct tph_buf ignored = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (!r->call->has_when) {
        return 0;
    }
    if (resolve_text(scope, &r->call->when, &r->when, problem)) {
        return -1;
    }
    bool decided = tph_when_decide(r->when.source, &run, &ignored) == 0;
    r->skip = decided && !run && !is_loop;
    if (!decided && !is_loop) {
        (void)tph_buf_put(problem, tph_buf_str(&ignored));
        return -1;
    }
    return 0;
}

/* Where the called template is: of the same resource, or another's. */
static int resolve_target(const struct scope *scope, struct resolved *r, struct tph_buf *problem)
{
    const struct tph_target *target = &r->call->target;
    struct tph_text text;
    if (!target->has_resource) {
        return 0;
    }
    if (resolve_text(scope, &target->resource, &text, problem)) {
        return -1;
    }
    r->resource = text.source;
    if (resolve_text(scope, &target->name, &text, problem)) {
        return -1;
    }
    r->target = text.source;
    return 0;
}

/* Puts an item in, where every tag that is left has to be known. */
static int item_text(const struct scope *scope, const struct tph_text *text, struct tph_str *ret_text,
                     struct tph_buf *problem)
{
    struct tph_text done;
    if (resolve_text(scope, text, &done, problem)) {
        return -1;
    }
    *ret_text = done.source;
    return 0;
}

/* The condition of a member, decided. */
static void decide(struct member *m, struct tph_str when, struct tph_arena *scratch)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool run = true;
    if (tph_when_decide(when, &run, &problem) < 0) {
        m->what = MEMBER_ERROR;
        m->text = tph_arena_strdup(scratch, tph_buf_str(&problem));
    } else if (!run) {
        m->what = MEMBER_SKIP;
        m->text = tph_arena_format(scratch, "when '%.*s' evaluated false", TPH_FMT(when));
    }
}

/* One member: the call itself, or for one item. name: of the step or task, with its item. */
static int add_one(const struct resolved *r, struct tph_str name, struct tph_str item, struct members *members,
                   struct tph_buf *problem)
{
    const struct tph_call *call = r->call;
    struct tph_run *run = r->boundary->run;
    struct tph_arena *scratch = run->scratch;
    struct scope scope = {.run = run, .node = r->boundary, .item = item, .only_item = true};
    struct member *m = add_member(members, scratch);
    m->call = call;
    m->item = item;
    m->name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(r->prefix), TPH_FMT(name));
    m->template = tph_resolve_template(r->boundary, call, r->resource, r->target, scratch, &m->text);
    struct tph_str when = r->when.source;
    if (item.p && call->has_when && item_text(&scope, &r->when, &when, problem) < 0) {
        return -1;
    }
    if (call->has_when) {
        decide(m, when, scratch);
    }
    if (r->skip) {
        return 0;
    }
    struct tph_str *values = TPH_ARENA_ARRAY(scratch, struct tph_str, call->n_arguments);
    for (size_t i = 0; i < call->n_arguments; i++) {
        values[i] = r->absent[i] ? TPH_STR_NONE : r->arguments[i].source;
        if (item.p && !r->absent[i] && item_text(&scope, &r->arguments[i], &values[i], problem) < 0) {
            return -1;
        }
    }
    m->values = values;
    return 0;
}

static int sequence_text(const struct scope *scope, const struct tph_text *text, bool has, struct tph_str *ret_text,
                         struct tph_buf *problem)
{
    struct tph_text done;
    *ret_text = TPH_STR_NONE;
    if (has && resolve_text(scope, text, &done, problem)) {
        return -1;
    }
    if (has) {
        *ret_text = done.source.p ? done.source : TPH_STR("");
    }
    return 0;
}

/* withItems; where there are tags in it, with those of the template replaced. */
static int load_list(const struct scope *scope, const struct tph_loop *loop, struct tph_loop_items *items,
                     struct tph_buf *problem)
{
    struct tph_arena *arena = scope->run->arena;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (loop->items_text.source.len == 0) {
        return tph_loop_items_list(loop->items, arena, items, problem);
    }
    if (tph_scope_eval(scope, &loop->items_text, TPH_TEXT_JSON, &text, problem)) {
        return -1;
    }
    return tph_loop_items_param(tph_arena_str(arena, tph_buf_str(&text)), arena, items, problem);
}

/* What a loop's texts come to. */
static int resolve_loop(const struct scope *scope, struct resolved *r, struct tph_buf *problem)
{
    const struct tph_loop *loop = &r->call->loop;
    struct tph_loop_sequence *s = &r->sequence;
    switch (loop->kind) {
    case TPH_LOOP_NONE:
    case TPH_LOOP_ITEMS:
        break;
    case TPH_LOOP_PARAM:
        return resolve_text(scope, &loop->param, &r->param, problem) ? -1 : 0;
    case TPH_LOOP_SEQUENCE:
        return sequence_text(scope, &loop->start, loop->has_start, &s->start, problem) < 0 ||
                       sequence_text(scope, &loop->end, loop->has_end, &s->end, problem) < 0 ||
                       sequence_text(scope, &loop->count, loop->has_count, &s->count, problem) < 0 ||
                       sequence_text(scope, &loop->format, loop->has_format, &s->format, problem) < 0
                   ? -1
                   : 0;
    }
    return 0;
}

/* Items live as long as the run: nodes and their hooks speak of them. */
static int load_items(const struct scope *scope, struct resolved *r, struct tph_loop_items *items,
                      struct tph_buf *problem)
{
    const struct tph_loop *loop = &r->call->loop;
    struct tph_arena *arena = scope->run->arena;
    switch (loop->kind) {
    case TPH_LOOP_NONE:
        break;
    case TPH_LOOP_ITEMS:
        return load_list(scope, loop, items, problem);
    case TPH_LOOP_PARAM:
        return tph_loop_items_param(tph_arena_str(arena, r->param.source), arena, items, problem);
    case TPH_LOOP_SEQUENCE:
        return tph_loop_items_sequence(&r->sequence, arena, items, problem);
    }
    return 0;
}

static int add_items(const struct resolved *r, const struct tph_loop_items *items, struct members *members,
                     struct tph_buf *problem)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf name = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < items->n; i++) {
        tph_buf_clear(&name);
        tph_loop_item_name(r->call->name, i, items->raw[i], &name);
        if (add_one(r, tph_buf_str(&name), items->raw[i], members, problem) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A loop over nothing is one skipped node. */
static void add_empty(const struct resolved *r, struct members *members)
{
    struct tph_run *run = r->boundary->run;
    struct member *m = add_member(members, run->scratch);
    m->call = r->call;
    m->what = MEMBER_SKIP;
    m->text = TPH_EMPTY_LOOP_MESSAGE;
    m->name = tph_arena_format(run->arena, "%.*s.%.*s", TPH_FMT(r->prefix), TPH_FMT(r->call->name));
    m->template = tph_resolve_template(r->boundary, r->call, r->resource, r->target, run->scratch, &m->text);
    m->what = MEMBER_SKIP;
    m->text = TPH_EMPTY_LOOP_MESSAGE;
}

/* Steps say what they were about. */
static void prefix_problem(const struct node *boundary, struct tph_buf *problem, size_t begin)
{
    TPH_CLEANUP(tph_freep) char *text = tph_str_dup(tph_str_slice(tph_buf_str(problem), begin, problem->len));
    if (boundary->pub.type == TPH_NODE_STEPS) {
        tph_buf_clear(problem);
        (void)tph_buf_printf(problem, "failed to resolve references: %s", text);
    }
}

int tph_expand(const struct node *boundary, const struct tph_call *call, struct tph_str prefix, struct members *members,
               bool *ret_is_loop, struct tph_buf *problem)
{
    struct scope scope = tph_scope_of(boundary);
    struct resolved r = {.boundary = boundary, .call = call, .prefix = prefix};
    struct tph_loop_items items = {.n = 0};
    scope.references = true;
    *ret_is_loop = call->loop.kind != TPH_LOOP_NONE;
    size_t begin = problem->len;
    if (resolve_when(&scope, &r, problem) < 0 ||
        (!r.skip && (resolve_arguments(&scope, &r, problem) < 0 || resolve_target(&scope, &r, problem) < 0 ||
                     resolve_loop(&scope, &r, problem) < 0))) {
        tph_lookup_explain(boundary, problem);
        prefix_problem(boundary, problem, begin);
        return -1;
    }
    if (!*ret_is_loop) {
        return add_one(&r, call->name, TPH_STR_NONE, members, problem);
    }
    if (load_items(&scope, &r, &items, problem) < 0) {
        return -1;
    }
    if (items.n == 0) {
        add_empty(&r, members);
        return 0;
    }
    return add_items(&r, &items, members, problem);
}
