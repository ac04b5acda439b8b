/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, compiled: what a step, a task or a hook names, hands over, waits for and loops over. */
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/position.h"
#include "engine/spec_internal.h"

/* A member that is a text, or a number or truth value that stands for one. */
static int member_text(struct compiler *c, const struct tph_json *object, const char *key, struct tph_text *ret_text,
                       bool *ret_has)
{
    const struct tph_json *value = tph_json_get(object, key);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    size_t mark = tph_compile_enter(c, key);
    *ret_has = !tph_json_is_null(value);
    bool scalar = !tph_json_is(value, TPH_JSON_ARRAY) && !tph_json_is(value, TPH_JSON_OBJECT);
    if (*ret_has && (!scalar || !tph_anystring(value, &text))) {
        return tph_compile_fail(c, "a text was expected, here is %s", tph_json_type_name(tph_json_type(value)));
    }
    if (tph_compile_text(c, tph_buf_str(&text), ret_text) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return 0;
}

int tph_compile_member(struct compiler *c, const struct tph_json *object, const char *key, struct tph_text *ret_text,
                       bool *ret_has)
{
    return member_text(c, object, key, ret_text, ret_has);
}

static int compile_argument(struct compiler *c, const struct tph_json *json, struct tph_argument *argument)
{
    const struct tph_json *parameter = NULL;
    if (tph_compile_parameter(c, json, &parameter) < 0) {
        return -1;
    }
    const struct tph_json *value = tph_json_get(parameter, "value");
    const struct tph_json *from = tph_json_get(parameter, "valueFrom");
    struct tph_str expression = tph_json_get_str(from, "expression");
    argument->name = tph_json_get_str(parameter, "name");
    if (value) {
        return tph_compile_text(c, tph_json_str(value), &argument->text);
    }
    if (expression.len > 0) {
        argument->is_expression = true;
        return tph_compile_text(c, expression, &argument->text);
    }
    if (from) {
        (void)tph_compile_enter(c, "valueFrom");
        return tph_compile_fail(
            c, "of valueFrom, an argument knows expression only: write \"expression: ...\", or a value");
    }
    return tph_compile_fail(c, "value is missing");
}

int tph_compile_arguments(struct compiler *c, const struct tph_json *arguments, struct tph_call *call)
{
    size_t mark = tph_compile_enter(c, "arguments");
    const struct tph_json *list = tph_json_get(arguments, "parameters");
    struct tph_argument *compiled = TPH_ARENA_ARRAY(c->spec->arena, struct tph_argument, tph_json_len(list));
    (void)tph_compile_enter(c, "parameters");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_argument(c, it.value, &compiled[it.index]) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    call->arguments = compiled;
    call->n_arguments = tph_json_len(list);
    tph_compile_leave(c, mark);
    return 0;
}

/* template, templateRef or inline. */
static int compile_target(struct compiler *c, const struct tph_json *json, struct tph_target *target)
{
    const struct tph_json *ref = tph_json_get(json, "templateRef");
    const struct tph_json *own = tph_json_get(json, "inline");
    bool has = false;
    if (tph_json_is(own, TPH_JSON_OBJECT)) {
        struct tph_template *t = NULL;
        size_t mark = tph_compile_enter(c, "inline");
        if (tph_compile_template(c, own, &t) < 0) {
            return -1;
        }
        tph_compile_leave(c, mark);
        target->template = t;
        target->is_inline = true;
        return 0;
    }
    if (tph_json_is(ref, TPH_JSON_OBJECT)) {
        size_t mark = tph_compile_enter(c, "templateRef");
        if (member_text(c, ref, "name", &target->resource, &target->has_resource) < 0 ||
            member_text(c, ref, "template", &target->name, &has) < 0) {
            return -1;
        }
        target->has_resource = true;
        target->is_cluster = tph_json_bool(tph_json_get(ref, "clusterScope"));
        tph_compile_leave(c, mark);
        return 0;
    }
    return member_text(c, json, "template", &target->name, &has);
}

static int compile_sequence(struct compiler *c, const struct tph_json *json, struct tph_loop *loop)
{
    size_t mark = tph_compile_enter(c, "withSequence");
    if (member_text(c, json, "start", &loop->start, &loop->has_start) < 0 ||
        member_text(c, json, "end", &loop->end, &loop->has_end) < 0 ||
        member_text(c, json, "count", &loop->count, &loop->has_count) < 0 ||
        member_text(c, json, "format", &loop->format, &loop->has_format) < 0) {
        return -1;
    }
    tph_compile_leave(c, mark);
    return 0;
}

/* withItems: as JSON, whose keys a cluster sorts. Tags in it are those of the template it stands in. */
static int compile_items(struct compiler *c, const struct tph_json *items, struct tph_loop *loop)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    loop->kind = TPH_LOOP_ITEMS;
    tph_json_write(items, TPH_JSON_SORTED, &text);
    if (tph_buf_failed(&text) || tph_json_parse(tph_buf_str(&text), &doc, NULL) < 0) {
        return tph_compile_fail(c, "the items are longer than %zu bytes", text.max);
    }
    loop->items = tph_json_copy(c->spec->doc, tph_json_root(doc));
    return tph_str_find(tph_buf_str(&text), TPH_STR("{{")) < 0
               ? 0
               : tph_compile_text(c, tph_buf_str(&text), &loop->items_text);
}

/* An empty withItems is no loop, as for Argo. */
static int compile_loop(struct compiler *c, const struct tph_json *json, struct tph_loop *loop)
{
    const struct tph_json *items = tph_json_get(json, "withItems");
    const struct tph_json *sequence = tph_json_get(json, "withSequence");
    bool has_param = false;
    if (tph_json_len(items) > 0) {
        return compile_items(c, items, loop);
    }
    if (member_text(c, json, "withParam", &loop->param, &has_param) < 0) {
        return -1;
    }
    if (has_param && loop->param.source.len > 0) {
        loop->kind = TPH_LOOP_PARAM;
        return 0;
    }
    if (tph_json_is(sequence, TPH_JSON_OBJECT)) {
        loop->kind = TPH_LOOP_SEQUENCE;
        return compile_sequence(c, sequence, loop);
    }
    return 0;
}

static int compile_hook(struct compiler *c, struct tph_str name, const struct tph_json *json, struct tph_hook *hook)
{
    struct tph_call *call = TPH_ARENA_NEW(c->spec->arena, struct tph_call);
    hook->is_exit = tph_str_eqz(name, "exit");
    hook->call = call;
    call->name =
        hook->is_exit ? TPH_STR("onExit") : tph_str(tph_arena_format(c->spec->arena, "hooks.%.*s", TPH_FMT(name)));
    if (compile_target(c, json, &call->target) < 0 ||
        tph_compile_arguments(c, tph_json_get(json, "arguments"), call) < 0 ||
        member_text(c, json, "expression", &hook->expression, &hook->has_expression) < 0) {
        return -1;
    }
    hook->has_expression = hook->expression.source.len > 0;
    return 0;
}

/* onExit: TEMPLATE wins over hooks.exit and gets the workflow's arguments. */
int tph_compile_hooks(struct compiler *c, const struct tph_json *json, const struct tph_json *arguments,
                      const struct tph_hook **ret_hooks, size_t *ret_n)
{
    const struct tph_json *map = tph_json_get(json, "hooks");
    struct tph_str on_exit = tph_json_get_str(json, "onExit");
    size_t n = 0;
    struct tph_hook *hooks = TPH_ARENA_ARRAY(c->spec->arena, struct tph_hook, tph_json_len(map) + 1);
    if (on_exit.len > 0) {
        struct tph_call *call = TPH_ARENA_NEW(c->spec->arena, struct tph_call);
        call->name = TPH_STR("onExit");
        size_t mark = tph_compile_enter(c, "onExit");
        if (tph_compile_text(c, on_exit, &call->target.name) < 0 || tph_compile_arguments(c, arguments, call) < 0) {
            return -1;
        }
        tph_compile_leave(c, mark);
        hooks[n++] = (struct tph_hook){.call = call, .is_exit = true};
    }
    size_t mark = tph_compile_enter(c, "hooks");
    for (int pass = 0; pass < 2; pass++) { /* the exit handler first */
        struct tph_json_iter it = tph_json_iter(map);
        while (tph_json_next(&it)) {
            bool is_exit = tph_str_eqz(it.key, "exit");
            if (is_exit != (pass == 0) || (is_exit && on_exit.len > 0)) {
                continue;
            }
            size_t at = c->path.len;
            tph_path_key(&c->path, it.key);
            if (compile_hook(c, it.key, it.value, &hooks[n++]) < 0) {
                return -1;
            }
            tph_compile_leave(c, at);
        }
    }
    tph_compile_leave(c, mark);
    *ret_hooks = hooks;
    *ret_n = n;
    return 0;
}

int tph_compile_call(struct compiler *c, const struct tph_json *json, struct tph_call *call)
{
    const struct tph_json *go_on = tph_json_get(json, "continueOn");
    if (!tph_json_is(json, TPH_JSON_OBJECT)) {
        return tph_compile_fail(c, "a step was expected, here is %s", tph_json_type_name(tph_json_type(json)));
    }
    call->name = tph_json_get_str(json, "name");
    if (call->name.len == 0) {
        return tph_compile_fail(c, "name is missing");
    }
    call->continue_on_error = tph_json_bool(tph_json_get(go_on, "error"));
    call->continue_on_failed = tph_json_bool(tph_json_get(go_on, "failed"));
    if (compile_target(c, json, &call->target) < 0 ||
        tph_compile_arguments(c, tph_json_get(json, "arguments"), call) < 0 ||
        member_text(c, json, "when", &call->when, &call->has_when) < 0 || compile_loop(c, json, &call->loop) < 0) {
        return -1;
    }
    if (!call->target.template && !call->target.has_resource && call->target.name.source.len == 0) {
        return tph_compile_fail(c, "template is missing");
    }
    call->has_when = call->when.source.len > 0;
    return tph_compile_hooks(c, json, c->workflow_arguments, &call->hooks, &call->n_hooks);
}
