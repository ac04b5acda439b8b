/* SPDX-License-Identifier: Apache-2.0 */
/* Names: the environment is asked for dotted ones. A branch of it is a SCOPE, which is walked only when something wants
 * it as a map. `sprig` is one too. */
#include <string.h>

#include "expr/eval.h"
#include "expr/sprig.h"

static int make_scope(struct tph_expr_run *run, struct tph_str path, bool is_sprig, struct tph_expr_value *ret)
{
    struct tph_expr_scope *scope = tph_expr_alloc(run->memory, sizeof(*scope));
    if (!scope) {
        return -1;
    }
    *scope = (struct tph_expr_scope){.env = run->env, .path = path, .is_sprig = is_sprig};
    *ret = (struct tph_expr_value){.type = TPH_EXPR_SCOPE, .scope = scope};
    return 0;
}

int expr_load_path(struct tph_expr_run *run, struct tph_str path, bool *ret_found, struct tph_expr_value *ret)
{
    *ret = TPH_EXPR_VALUE_NIL;
    enum tph_expr_found found = run->env->find(run->env->owner, path, run->memory, ret);
    *ret_found = found != TPH_EXPR_NOT_FOUND;
    return found == TPH_EXPR_FOUND_BRANCH ? make_scope(run, path, false, ret) : 0;
}

/* A first name: Argo's functions go before what the environment has, a name that is nowhere is nil. */
static int load(struct tph_expr_run *run, struct tph_str name, bool *ret_found, struct tph_expr_value *ret)
{
    *ret_found = true;
    if (tph_str_eqz(name, "$env")) {
        return make_scope(run, TPH_STR(""), false, ret);
    }
    if (!run->env->is_plain && expr_is_argo(name)) {
        const struct tph_expr_function *function = expr_find_argo(name);
        if (!function) {
            return make_scope(run, TPH_STR_NONE, true, ret);
        }
        *ret = (struct tph_expr_value){.type = TPH_EXPR_FUNCTION, .function = function};
        return 0;
    }
    return expr_load_path(run, name, ret_found, ret);
}

int expr_load(struct tph_expr_run *run, struct tph_str name, struct tph_expr_value *ret)
{
    bool found = false;
    return load(run, name, &found, ret);
}

static int sprig_member(struct tph_str name, bool *ret_found, struct tph_expr_value *ret)
{
    const struct tph_expr_function *function = expr_find_sprig(name);
    *ret_found = function != NULL;
    if (function) {
        *ret = (struct tph_expr_value){.type = TPH_EXPR_FUNCTION, .function = function};
    }
    return 0;
}

static int join(struct tph_expr_run *run, struct tph_str path, struct tph_str name, struct tph_str *ret)
{
    char *text = tph_expr_alloc(run->memory, path.len + 1 + name.len);
    if (!text) {
        return -1;
    }
    memcpy(text, path.p, path.len);
    text[path.len] = '.';
    if (name.len > 0) {
        memcpy(text + path.len + 1, name.p, name.len);
    }
    *ret = (struct tph_str){.p = text, .len = path.len + 1 + name.len};
    return 0;
}

int expr_scope_member(struct tph_expr_run *run, const struct tph_expr_scope *scope, struct tph_str name,
                      bool *ret_found, struct tph_expr_value *ret)
{
    struct tph_str path;
    *ret_found = false;
    if (scope->is_sprig) {
        return sprig_member(name, ret_found, ret);
    }
    if (tph_str_find_byte(name, '.') >= 0 || tph_str_eqz(name, "$env")) { /* no part of a name */
        return 0;
    }
    if (scope->path.len == 0) {
        return load(run, name, ret_found, ret);
    }
    return join(run, scope->path, name, &path) < 0 ? -1 : expr_load_path(run, path, ret_found, ret);
}

/* A scope is made a map with an explicit stack of those that are still to be filled: names can be long. */
struct pending {
    struct tph_expr_map *map;
    const struct tph_expr_scope *scope;
    struct pending *next;
};

struct filler {
    struct tph_expr_run *run;
    struct pending *todo;
    const struct pending *now;
};

static int add_value(struct filler *f, struct tph_str part, struct tph_expr_value value)
{
    struct tph_expr_value name = TPH_EXPR_VALUE_NIL;
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    if (value.type == TPH_EXPR_SCOPE) {
        struct pending *pending = tph_expr_alloc(f->run->memory, sizeof(*pending));
        if (!pending || tph_expr_map_new(f->run->memory, TPH_EXPR_MAP, &map) < 0) {
            return -1;
        }
        *pending = (struct pending){.map = map.map, .scope = value.scope, .next = f->todo};
        f->todo = pending;
        value = map;
    }
    if (tph_expr_copy(f->run->memory, part, &name) < 0) {
        return -1;
    }
    return tph_expr_map_set(f->run->memory, f->now->map, name.str, value);
}

static int add_part(void *to, struct tph_str part)
{
    struct filler *f = to;
    bool found = false;
    struct tph_expr_value value = TPH_EXPR_VALUE_NIL;
    if (expr_work(f->run, 1) < 0 || expr_scope_member(f->run, f->now->scope, part, &found, &value) < 0) {
        return -1;
    }
    return found ? add_value(f, part, value) : 0;
}

static int add_function(void *to, struct tph_str name)
{
    return add_part(to, name);
}

static int fill(struct filler *f)
{
    const struct tph_expr_scope *scope = f->now->scope;
    if (scope->is_sprig) {
        return expr_list_sprig(add_function, f);
    }
    if (scope->env->list && scope->env->list(scope->env->owner, scope->path, add_part, f) != 0) {
        return -1;
    }
    return scope->path.len == 0 && !scope->env->is_plain ? expr_list_argo(add_function, f) : 0;
}

struct tph_expr_value *expr_force(struct tph_expr_run *run, struct tph_expr_value *value)
{
    struct filler f = {.run = run};
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    if (value->type != TPH_EXPR_SCOPE) {
        return value;
    }
    if (tph_expr_map_new(run->memory, TPH_EXPR_MAP, &map) < 0) {
        return NULL;
    }
    struct pending first = {.map = map.map, .scope = value->scope};
    f.todo = &first;
    while (f.todo) {
        f.now = f.todo;
        f.todo = f.todo->next;
        if (fill(&f) < 0) {
            return NULL;
        }
    }
    *value = map;
    return value;
}
