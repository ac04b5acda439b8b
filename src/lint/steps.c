/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of steps; loops and hooks of steps and tasks. */
#include <string.h>

#include "lint/internal.h"

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

static void add_item(struct tph_lint *l, const struct tph_json *item, struct tph_lint_scope *scope)
{
    struct tph_json_iter it = tph_json_iter(item);
    switch (tph_json_type(item)) {
    case TPH_JSON_ARRAY:
        while (tph_json_next(&it)) {
            tph_lint_scope_add(l, scope, "item.[%zu]", it.index);
        }
        break;
    case TPH_JSON_OBJECT:
        while (tph_json_next(&it)) {
            tph_lint_scope_add(l, scope, "item.%.*s", TPH_FMT(it.key));
        }
        break;
    case TPH_JSON_STRING:
    case TPH_JSON_NUMBER:
    case TPH_JSON_BOOL:
        tph_lint_scope_add(l, scope, "item");
        break;
    case TPH_JSON_NULL:
    case TPH_JSON_TYPE_COUNT:
        break;
    }
}

int tph_lint_items(struct tph_lint *l, const struct tph_json *step, struct tph_lint_scope *scope)
{
    const struct tph_json *items = tph_json_get(step, "withItems");
    const struct tph_json *sequence = tph_json_get(step, "withSequence");
    bool param = tph_json_get_str(step, "withParam").len > 0;
    bool list = tph_json_len(items) > 0;
    if (list + param + has(step, "withSequence") > 1) {
        (void)tph_lint_fail(l, "only one of withItems, withParam, withSequence can be specified");
        return tph_lint_at(l, param ? "withParam" : "withSequence");
    }
    struct tph_json_iter it = tph_json_iter(items);
    while (tph_json_next(&it)) {
        add_item(l, it.value, scope);
    }
    if (param) {
        tph_lint_scope_add(l, scope, "item");
        tph_lint_scope_add(l, scope, "item.*");
    } else if (has(step, "withSequence")) {
        if (has(sequence, "count") && has(sequence, "end")) {
            (void)tph_lint_fail(l, "only one of count or end can be defined in withSequence");
            return tph_lint_at(l, "withSequence");
        }
        tph_lint_scope_add(l, scope, "item");
    }
    return 0;
}

int tph_lint_hooks(struct tph_lint *l, const struct tph_json *hooks, const char *where)
{
    struct tph_json_iter it = tph_json_iter(hooks);
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(it.key, "exit") && tph_json_get_str(it.value, "expression").len == 0) {
            (void)tph_lint_fail(l, "%s.%.*s" TPH_LINT_PLACE_END " Expression required", where, TPH_FMT(it.key));
            (void)tph_lint_say(l, "a hook other than exit needs an expression");
            (void)tph_lint_hint(l, "for example  expression: workflow.status == \"Failed\"");
            return tph_lint_at(l, "hooks.%.*s", TPH_FMT(it.key));
        }
    }
    return 0;
}

/* What stands for itself until the run is a good name. */
static const char *bad_step_name(struct tph_lint *l, struct tph_str name)
{
    static const char PLACE[] = "__argo__internal__placeholder-0";
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(1024);
    ptrdiff_t at;
    while ((at = tph_str_find(name, tph_str(PLACE))) >= 0) {
        (void)tph_buf_put(&text, tph_str_slice(name, 0, (size_t)at));
        (void)tph_buf_putc(&text, 'x');
        name = tph_str_slice(name, (size_t)at + sizeof PLACE - 1, name.len);
    }
    (void)tph_buf_put(&text, name);
    return tph_lint_bad_name(tph_arena_str(l->arena, tph_buf_str(&text)), TPH_LINT_FIELD);
}

static int resolve_step(struct tph_lint *l, const struct tph_lint_scope *scope, const struct tph_json *step)
{
    struct tph_lint_scope inner = {.names = TPH_MAP_INIT, .parent = scope};
    struct tph_json_iter it = tph_json_iter(tph_json_path(step, "inline", "inputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        tph_lint_scope_add(l, &inner, "inputs.parameters.%.*s", TPH_FMT(tph_json_get_str(it.value, "name")));
    }
    int failed = tph_lint_resolve_json(l, &inner, step);
    tph_map_release(&inner.names);
    return failed;
}

static int one_step(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *step,
                    struct tph_lint_base *base, const char *where)
{
    const struct tph_lint_args fake = {.fake = true};
    const struct tph_lint_args real = {.arguments = tph_json_get(step, "arguments")};
    struct tph_lint_add add = {.word = "steps", .name = tph_json_get_str(step, "name")};
    const struct tph_json *tmpl = NULL;
    tph_lint_scope_add(l, scope, "steps.%.*s.status", TPH_FMT(add.name));
    struct tph_lint_mark mark = tph_lint_here(l);
    if (tph_lint_go_on(l, tph_lint_items(l, step, scope), mark) < 0) {
        return tph_lint_wrap(l, "%s ", where);
    }
    (void)tph_lint_enter(l, "arguments");
    if (tph_lint_go_on(l, tph_lint_arguments(l, real.arguments, false, tph_lint_text(l, "%s.arguments.", where).p),
                       mark) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    int called = tph_lint_holder(l, step, base, &fake, &tmpl);
    if (called != 0) {
        return called < 0 ? tph_lint_wrap(l, "%s ", where) : called;
    }
    if (has(tph_json_get(step, "hooks"), "exit") || tph_json_get_str(step, "onExit").len > 0) {
        tph_lint_add_outputs(l, scope, tmpl, &add);
    }
    if (tph_lint_go_on(l, tph_lint_hooks(l, tph_json_get(step, "hooks"), where), mark) < 0) {
        return -1;
    }
    if (resolve_step(l, scope, step) < 0) {
        const char *bracket = strchr(where, '[');
        return tph_lint_wrap(l, "%.*s ", bracket ? (int)(bracket - where) : 0, where);
    }
    add.aggregate = tph_json_len(tph_json_get(step, "withItems")) > 0 || tph_json_get_str(step, "withParam").len > 0;
    tph_lint_add_outputs(l, scope, tmpl, &add);
    return tph_lint_holder(l, step, base, &real, &tmpl) < 0 ? tph_lint_wrap(l, "%s ", where) : 0;
}

static int named_step(struct tph_lint *l, const struct tph_json *step, struct tph_map *names, const char *group)
{
    struct tph_str name = tph_json_get_str(step, "name");
    const char *bad = bad_step_name(l, name);
    if (name.len == 0) {
        (void)tph_lint_fail(l, "%s.name" TPH_LINT_PLACE_END " is required", group);
    } else if (tph_map_set(names, name, l)) {
        (void)tph_lint_fail(l, "%s.name '%.*s' is not unique", group, TPH_FMT(name));
        (void)tph_lint_say(l, "'%.*s' is not unique", TPH_FMT(name));
    } else if (bad) {
        (void)tph_lint_fail(l, "%s.name '%.*s' is invalid: %s", group, TPH_FMT(name), bad);
        (void)tph_lint_say(l, "'%.*s' is invalid: %s", TPH_FMT(name), bad);
    } else {
        return 0;
    }
    return tph_lint_at(l, "name");
}

struct group {
    struct tph_lint_scope *scope;
    struct tph_lint_base *base;
    struct tph_map *names; /* of all groups */
    struct tph_map beside; /* of this one, as far as they were looked at */
    const char *title;
};

static bool is_beside(const void *owner, struct tph_str name)
{
    const struct group *group = owner;
    return tph_map_get(&group->beside, name) != NULL;
}

static int member(struct tph_lint *l, struct group *group, const struct tph_json *step)
{
    struct tph_str name = tph_json_get_str(step, "name");
    struct tph_lint_mark here = tph_lint_here(l);
    if (tph_lint_go_on(l, named_step(l, step, group->names, group->title), here) < 0) {
        return -1;
    }
    const char *where = tph_lint_text(l, "%s.%.*s", group->title, TPH_FMT(name)).p;
    int failed = one_step(l, group->scope, step, group->base, where);
    if (failed != 0) {
        tph_lint_scope_add(l, group->scope, TPH_LINT_BROKEN "steps.%.*s", TPH_FMT(name));
    }
    failed = tph_lint_go_on(l, failed, here);
    if (l->problems) {
        tph_lint_trap_early(l, step, "steps", is_beside, group);
        (void)tph_map_set(&group->beside, name, l);
    }
    return failed < 0 ? -1 : 0;
}

int tph_lint_steps(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                   struct tph_lint_base *base)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    struct tph_map names = TPH_MAP_INIT;
    struct tph_lint_mark mark = tph_lint_here(l);
    int failed = 0;
    if (has(tmpl, "activeDeadlineSeconds")) {
        (void)tph_lint_fail(
            l, "templates.%.*s.activeDeadlineSeconds" TPH_LINT_PLACE_END " is only valid for leaf templates",
            TPH_FMT(name));
        (void)tph_lint_at(l, "activeDeadlineSeconds");
        if (tph_lint_go_on(l, -1, mark) < 0) {
            return -1;
        }
    }
    struct tph_json_iter groups = tph_json_iter(tph_json_get(tmpl, "steps"));
    while (failed == 0 && tph_json_next(&groups)) {
        struct group group = {
            .scope = scope,
            .base = base,
            .names = &names,
            .beside = TPH_MAP_INIT,
            .title = tph_lint_text(l, "templates.%.*s.steps[%zu]", TPH_FMT(name), groups.index).p,
        };
        struct tph_json_iter it = tph_json_iter(groups.value);
        while (failed == 0 && tph_json_next(&it)) {
            (void)tph_lint_enter(l, "steps[%zu][%zu]", groups.index, it.index);
            failed = member(l, &group, it.value);
            tph_lint_leave(l, mark);
        }
        tph_map_release(&group.beside);
    }
    tph_map_release(&names);
    return failed;
}
