/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `depends`, and the decision. */
#include "base/limits.h"
#include "base/map.h"
#include "engine/depends_internal.h"

static const char *const result_words[N_RESULTS] = {"Succeeded", "Failed",   "Errored",      "Skipped",
                                                    "Omitted",   "Daemoned", "AnySucceeded", "AllFailed"};

struct writer {
    tph_depends_find *find;
    void *owner;
    struct tph_str text;
    size_t at;
    struct tph_buf logic;
    struct tph_depends *depends;
    size_t *tasks;
    struct tph_map names; /* those noted; values say nothing */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

bool tph_depends_result(struct tph_str word, enum depends_result *ret_result)
{
    for (int i = 0; i < N_RESULTS; i++) {
        if (tph_str_eqz(word, result_words[i])) {
            *ret_result = (enum depends_result)i;
            return true;
        }
    }
    return false;
}

static struct tph_str next_name(const struct writer *w)
{
    size_t end = w->at;
    while (end < w->text.len && (is_word(w->text.p[end]) || w->text.p[end] == '-')) {
        end++;
    }
    return tph_str_slice(w->text, w->at, end);
}

/* What stands behind the name and a dot: a capital and more letters; else empty. */
static struct tph_str next_result(const struct writer *w, struct tph_str name)
{
    size_t dot = w->at + name.len;
    size_t end = dot + 1;
    if (end >= w->text.len || w->text.p[dot] != '.' || w->text.p[end] < 'A' || w->text.p[end] > 'Z') {
        return TPH_STR_NONE;
    }
    while (end < w->text.len && is_letter(w->text.p[end])) {
        end++;
    }
    return end > dot + 2 ? tph_str_slice(w->text, dot + 1, end) : TPH_STR_NONE;
}

static void note_task(struct writer *w, struct tph_str name, size_t task)
{
    if (!tph_map_set(&w->names, name, w->depends)) {
        w->tasks[w->depends->n_tasks++] = task;
    }
}

static void put_bare(struct writer *w, struct tph_str name, const struct tph_depends_task *task)
{
    (void)tph_buf_printf(&w->logic, "(%.*s.Succeeded || %.*s.Skipped || %.*s.Daemoned", TPH_FMT(name), TPH_FMT(name),
                         TPH_FMT(name));
    if (task->continue_on_error) {
        (void)tph_buf_printf(&w->logic, " || %.*s.Errored", TPH_FMT(name));
    }
    if (task->continue_on_failed) {
        (void)tph_buf_printf(&w->logic, " || %.*s.Failed", TPH_FMT(name));
    }
    (void)tph_buf_putc(&w->logic, ')');
}

static int take_task(struct writer *w, struct tph_buf *problem)
{
    struct tph_str name = next_name(w);
    struct tph_str result = next_result(w, name);
    const struct tph_depends_task *task = w->find(w->owner, name, result);
    enum depends_result known = SUCCEEDED;
    if (!task) {
        (void)tph_buf_printf(problem, "there is no task called '%.*s'", TPH_FMT(name));
        return -1;
    }
    note_task(w, name, task->index);
    w->at += name.len;
    if (result.len == 0) {
        put_bare(w, name, task);
        return 0;
    }
    w->at += 1 + result.len;
    (void)tph_buf_printf(&w->logic, "%.*s.%.*s", TPH_FMT(name), TPH_FMT(result));
    if (w->depends->no_result.len == 0 && !tph_depends_result(result, &known)) {
        w->depends->no_result = result;
        w->depends->no_result_of = name;
    }
    return 0;
}

int tph_depends_compile(struct tph_str depends, tph_depends_find *find, void *owner, struct tph_arena *arena,
                        const struct tph_depends **ret_depends, struct tph_buf *problem)
{
    struct writer w = {.find = find, .owner = owner, .text = depends, .names = TPH_MAP_INIT};
    int failed = 0;
    w.logic = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    w.depends = TPH_ARENA_NEW(arena, struct tph_depends);
    w.tasks = TPH_ARENA_ARRAY(arena, size_t, depends.len / 2 + 1);
    while (w.at < w.text.len && failed == 0) {
        if (is_word(w.text.p[w.at])) {
            failed = take_task(&w, problem);
        } else {
            (void)tph_buf_putc(&w.logic, w.text.p[w.at++]);
        }
    }
    w.depends->logic = tph_arena_str(arena, tph_buf_str(&w.logic));
    w.depends->tasks = w.tasks;
    if (tph_buf_failed(&w.logic)) {
        (void)tph_buf_printf(problem, "the condition has more than %zu bytes once every name is written out",
                             (size_t)TPH_LIMIT_DOCUMENT);
        failed = -1;
    }
    tph_buf_release(&w.logic);
    tph_map_release(&w.names);
    if (failed < 0) {
        return -1;
    }
    tph_depends_compile_logic(w.depends, find, owner, arena);
    *ret_depends = w.depends;
    return 0;
}

static unsigned results_of(const struct tph_depends_fact *fact)
{
    static const unsigned of_phase[TPH_NODE_PHASE_COUNT] = {
        [TPH_NODE_SUCCEEDED] = 1U << SUCCEEDED, [TPH_NODE_FAILED] = 1U << FAILED,   [TPH_NODE_ERROR] = 1U << ERRORED,
        [TPH_NODE_SKIPPED] = 1U << SKIPPED,     [TPH_NODE_OMITTED] = 1U << OMITTED,
    };
    return of_phase[fact->phase] | (fact->daemoned ? 1U << DAEMONED : 0) |
           (fact->any_succeeded ? 1U << ANY_SUCCEEDED : 0) | (fact->all_failed ? 1U << ALL_FAILED : 0);
}

/* Operands are the last values; what comes of them takes their place. */
static size_t apply(enum depends_op_kind kind, bool *values, size_t n)
{
    bool last = values[n - 1];
    switch (kind) {
    case OP_NOT:
        values[n - 1] = !last;
        return n;
    case OP_AND:
        values[n - 2] = values[n - 2] && last;
        return n - 1;
    case OP_OR:
        values[n - 2] = values[n - 2] || last;
        return n - 1;
    case OP_EQUAL:
        values[n - 2] = values[n - 2] == last;
        return n - 1;
    case OP_UNEQUAL:
        values[n - 2] = values[n - 2] != last;
        return n - 1;
    case OP_CHOOSE:
        values[n - 3] = values[n - 3] ? values[n - 2] : last;
        return n - 2;
    case OP_SECOND:
        values[n - 2] = last;
        return n - 1;
    case OP_FIRST:
        return n - 1;
    case OP_RESULTS:
    case OP_CONSTANT:
        break;
    }
    return n;
}

/* The logic as it is read: hyphens are underscores. */
static void put_logic(struct tph_buf *problem, struct tph_str logic)
{
    for (size_t i = 0; i < logic.len; i++) {
        (void)tph_buf_putc(problem, logic.p[i] == '-' ? '_' : logic.p[i]);
    }
}

int tph_depends_decide(const struct tph_depends *depends, tph_depends_ask *ask, void *owner, bool *ret_run,
                       struct tph_buf *problem)
{
    bool values[DEPENDS_VALUES] = {false};
    size_t n = 0;
    if (depends->fault) {
        (void)tph_buf_puts(problem, "unable to evaluate expression '");
        put_logic(problem, depends->logic);
        (void)tph_buf_printf(problem, "': %s", depends->fault);
        return -1;
    }
    for (size_t i = 0; i < depends->n_ops; i++) {
        const struct tph_depends_op *op = &depends->ops[i];
        struct tph_depends_fact fact;
        switch (op->kind) {
        case OP_RESULTS:
            fact = ask(owner, op->task);
            values[n++] = (results_of(&fact) & op->results) != 0;
            break;
        case OP_CONSTANT:
            values[n++] = op->truth;
            break;
        default:
            n = apply(op->kind, values, n);
        }
    }
    *ret_run = values[0];
    return 0;
}
