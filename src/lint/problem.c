/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, where it is, and in which words: for our own report. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/position.h"
#include "lint/internal.h"

void tph_lint_problems_release(struct tph_lint_problems *problems)
{
    tph_arena_free(problems->arena);
    free(problems->list);
    *problems = TPH_LINT_PROBLEMS_INIT;
}

size_t tph_lint_n_errors(const struct tph_lint_problems *problems)
{
    size_t n = 0;
    for (size_t i = 0; i < problems->n; i++) {
        n += problems->list[i].is_warning ? 0 : 1;
    }
    return n;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A new problem at the end, once; NULL when it is there already or there are too many. */
struct tph_lint_problem *tph_lint_problems_add(struct tph_lint_problems *problems,
                                               const struct tph_lint_problem *problem)
{
    for (size_t i = 0; i < problems->n; i++) {
        struct tph_lint_problem *other = &problems->list[i];
        if (other->object == problem->object && same(other->path, problem->path) && same(other->text, problem->text)) {
            other->is_warning = other->is_warning && problem->is_warning;
            return NULL;
        }
    }
    if (problems->n >= TPH_LIMIT_LINT_PROBLEMS) {
        problems->n_left_out++;
        return NULL;
    }
    if (problems->n == problems->capacity) {
        problems->capacity = problems->capacity > 0 ? 2 * problems->capacity : 8;
        problems->list = tph_realloc(problems->list, problems->capacity * sizeof(*problems->list));
    }
    problems->list[problems->n] = *problem;
    return &problems->list[problems->n++];
}

struct tph_arena *tph_lint_problems_arena(struct tph_lint_problems *problems)
{
    problems->arena = problems->arena ? problems->arena : tph_arena_new();
    return problems->arena;
}

struct tph_lint_mark tph_lint_here(const struct tph_lint *l)
{
    return (struct tph_lint_mark){.path = l->path.len, .frames = l->n_frames};
}

TPH_PRINTF(2, 0)
static struct tph_lint_mark enter(struct tph_lint *l, const char *format, va_list args)
{
    struct tph_lint_mark mark = tph_lint_here(l);
    char text[256];
    bool begin = l->path.len == l->frames[l->n_frames - 1].begin;
    (void)vsnprintf(text, sizeof text, format, args);
    (void)tph_buf_printf(&l->path, "%s%s", begin || text[0] == '[' ? "" : ".", text);
    return mark;
}

struct tph_lint_mark tph_lint_enter(struct tph_lint *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct tph_lint_mark mark = enter(l, format, args);
    va_end(args);
    return mark;
}

static void push(struct tph_lint *l, const struct tph_json *object)
{
    if (l->n_frames < TPH_LIMIT_LINT_DEPTH + 2) {
        l->frames[l->n_frames++] = (struct tph_lint_frame){.object = object, .begin = l->path.len};
    }
}

struct tph_lint_mark tph_lint_enter_template(struct tph_lint *l, const struct tph_lint_base *base,
                                             const struct tph_lint_template *t)
{
    struct tph_lint_mark mark = tph_lint_here(l);
    push(l, base->object);
    (void)tph_buf_printf(&l->path, "%s.templates[%zu]", base->path, t->index);
    return mark;
}

void tph_lint_begin(struct tph_lint *l, const struct tph_json *object)
{
    l->object = object;
    l->n_frames = 0;
    tph_buf_clear(&l->path);
    push(l, object);
}

void tph_lint_leave(struct tph_lint *l, struct tph_lint_mark mark)
{
    l->path.len = mark.path;
    l->n_frames = mark.frames;
    if (l->path.bytes) {
        l->path.bytes[mark.path] = '\0';
    }
}

/* The path of the walk in the object that frame n is of. */
static const char *path_of(const struct tph_lint *l, struct tph_arena *arena, size_t n)
{
    size_t end = n + 1 < l->n_frames ? l->frames[n + 1].begin : l->path.len;
    return tph_arena_strdup(arena, tph_str_slice(tph_buf_str(&l->path), l->frames[n].begin, end));
}

static void place(struct tph_lint *l, struct tph_lint_problem *problem, size_t frame)
{
    struct tph_arena *arena = tph_lint_problems_arena(l->problems);
    size_t own = 0;
    problem->object = l->frames[frame].object;
    problem->path = path_of(l, arena, frame);
    problem->via = NULL;
    while (own + 1 <= frame && l->frames[own + 1].object == l->object) {
        own++;
    }
    if (problem->object != l->object) {
        problem->via = path_of(l, arena, own);
    }
}

static const char *keep(struct tph_lint *l, const char *text)
{
    return tph_arena_strdup(tph_lint_problems_arena(l->problems), tph_str(text));
}

/* The text that format made, in Argo's words and in ours: without what stands before PLACE_END. */
static void note(struct tph_lint *l, const char *rest)
{
    bool is_sentence = rest[0] == ' ';
    while (*rest == ' ' || *rest == ':') {
        rest++;
    }
    l->found = (struct tph_lint_problem){.text = keep(l, rest), .is_sentence = is_sentence};
    place(l, &l->found, l->n_frames - 1);
}

int tph_lint_fail(struct tph_lint *l, const char *format, ...)
{
    char text[sizeof l->err->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *end = strstr(text, TPH_LINT_PLACE_END);
    if (l->problems) {
        note(l, end ? end + 1 : text);
    }
    return tph_error_set(l->err, TPH_ERROR_INVALID, "%.*s%s", (int)(end ? end - text : 0), text, end ? end + 1 : text);
}

void tph_lint_warn(struct tph_lint *l, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    note(l, text);
    l->found.is_warning = true;
}

void tph_lint_keep(struct tph_lint *l)
{
    (void)tph_lint_problems_add(l->problems, &l->found);
}

/* Where there is an error, a warning says nothing more. */
static bool is_overshadowed(const struct tph_lint_problems *problems, const struct tph_lint_problem *problem)
{
    for (size_t i = 0; problem->is_warning && i < problems->n; i++) {
        const struct tph_lint_problem *other = &problems->list[i];
        if (!other->is_warning && other->object == problem->object && same(other->path, problem->path)) {
            return true;
        }
    }
    return false;
}

void tph_lint_problems_tidy(struct tph_lint_problems *problems)
{
    size_t kept = 0;
    for (size_t i = 0; i < problems->n; i++) {
        const struct tph_lint_problem problem = problems->list[i];
        if (!is_overshadowed(problems, &problem)) {
            problems->list[kept++] = problem;
        }
    }
    problems->n = kept;
}

bool tph_lint_is_told_below(const struct tph_lint *l)
{
    const struct tph_lint_frame *frame = &l->frames[l->n_frames - 1];
    struct tph_str path = tph_str_slice(tph_buf_str(&l->path), frame->begin, l->path.len);
    for (size_t i = 0; l->problems && i < l->problems->n; i++) {
        const struct tph_lint_problem *p = &l->problems->list[i];
        struct tph_str other = tph_str(p->path);
        if (!p->is_warning && tph_str_has_prefix(other, path) && other.len > path.len && other.p[path.len] == '.') {
            return true;
        }
    }
    return false;
}

int tph_lint_go_on(struct tph_lint *l, int failed, struct tph_lint_mark mark)
{
    if (failed >= 0 || !l->problems) {
        return failed;
    }
    tph_lint_keep(l);
    tph_lint_leave(l, mark);
    *l->err = TPH_ERROR_INIT;
    return 0;
}

int tph_lint_at(struct tph_lint *l, const char *format, ...)
{
    if (l->problems) {
        char text[512];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        bool joined = text[0] == '[' || text[0] == '\0' || l->found.path[0] == '\0';
        l->found.path = tph_arena_format(l->problems->arena, "%s%s%s", l->found.path, joined ? "" : ".", text);
    }
    return -1;
}

int tph_lint_at_call(struct tph_lint *l)
{
    if (l->problems && l->n_frames > 1) {
        place(l, &l->found, l->n_frames - 2);
    }
    return -1;
}

int tph_lint_say(struct tph_lint *l, const char *format, ...)
{
    if (l->problems) {
        char text[1024];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        l->found.text = keep(l, text);
        l->found.is_sentence = false;
    }
    return -1;
}

int tph_lint_hint(struct tph_lint *l, const char *format, ...)
{
    if (l->problems) {
        char text[1024];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        l->found.hint = keep(l, text);
    }
    return -1;
}

int tph_lint_hint_near(struct tph_lint *l, struct tph_str name, const char *const *names, size_t n, const char *other)
{
    const char *near = NULL;
    if (l->problems && name.len > 0 && l->n_hints < TPH_LIMIT_LINT_HINTS) {
        l->n_hints++;
        near = tph_str_nearest(name, names, n);
    }
    if (near) {
        return tph_lint_hint(l, "did you mean %s?", near);
    }
    return other ? tph_lint_hint(l, "%s", other) : -1;
}

void tph_lint_problem_write(const struct tph_lint_problem *problem, struct tph_str place, struct tph_buf *out)
{
    const char *joint = problem->path[0] == '\0' ? "" : problem->is_sentence ? " " : ": ";
    (void)tph_buf_printf(out, "%.*s%s%s%s", TPH_FMT(place), problem->path, joint, problem->text);
    struct tph_str rest = problem->hint ? tph_str(problem->hint) : TPH_STR_NONE;
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        (void)tph_buf_printf(out, "\n  %.*s", TPH_FMT(line));
    }
}
