/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include "lint/internal.h"

int tph_lint_wrap(struct tph_lint *l, const char *format, ...)
{
    char context[1024];
    va_list args;
    if (l->problems || l->err->kind == TPH_ERROR_LIMIT) { /* that way is longer than an error may be */
        return -1;
    }
    va_start(args, format);
    (void)vsnprintf(context, sizeof context, format, args);
    va_end(args);
    char *text = tph_arena_strdup(l->arena, tph_str(l->err->text));
    return tph_error_set(l->err, TPH_ERROR_INVALID, "%s%s", context, text);
}

struct tph_str tph_lint_text(struct tph_lint *l, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tph_arena_str(l->arena, tph_str(text));
}

void tph_lint_scope_add(struct tph_lint *l, struct tph_lint_scope *scope, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)tph_map_set(&scope->names, tph_arena_str(l->arena, tph_str(text)), l);
}

bool tph_lint_scope_has(const struct tph_lint_scope *scope, struct tph_str name)
{
    for (const struct tph_lint_scope *at = scope; at; at = at->parent) {
        if (tph_map_get(&at->names, name)) {
            return true;
        }
        if (at->dag && tph_str_has_prefix(name, TPH_STR("tasks.")) && tph_str_has_suffix(name, TPH_STR(".status")) &&
            name.len > 13 && tph_lint_dag_ancestor(at->dag, at->task, tph_str_slice(name, 6, name.len - 7))) {
            return true;
        }
    }
    return false;
}

void tph_lint_global(struct tph_lint *l, struct tph_str name, struct tph_str value)
{
    const char *text = value.p ? tph_arena_strdup(l->arena, value) : "__argo__internal__placeholder-0";
    (void)tph_map_set(&l->globals, tph_arena_str(l->arena, name), (void *)(uintptr_t)text);
}
