/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks wait for, beside what depends.jsonl has: the size of the program, choices, faults, the ceilings. */
#include "harness.h"

#include "base/arena.h"
#include "engine/depends.h"

/* Tasks a to j: a Succeeded, b Failed, c Error, d Skipped, e Omitted, f a group of which some succeeded, g one all
 * failed, h runs as a daemon, i Succeeded; x-y Succeeded. b continues on failed, c on error. */
static const struct tph_depends_task *find(void *owner, struct tph_str name, struct tph_str result)
{
    struct tph_depends_task *task = owner;
    (void)result;
    *task = (struct tph_depends_task){0};
    if (tph_str_eqz(name, "x-y")) {
        task->index = 9;
        return task;
    }
    if (name.len != 1 || name.p[0] < 'a' || name.p[0] > 'i') {
        return NULL;
    }
    task->index = (size_t)(name.p[0] - 'a');
    task->continue_on_failed = name.p[0] == 'b';
    task->continue_on_error = name.p[0] == 'c';
    return task;
}

static struct tph_depends_fact fact_of(void *owner, size_t task)
{
    static const enum tph_node_phase phases[] = {
        TPH_NODE_SUCCEEDED, TPH_NODE_FAILED, TPH_NODE_ERROR,   TPH_NODE_SKIPPED,   TPH_NODE_OMITTED,
        TPH_NODE_FAILED,    TPH_NODE_FAILED, TPH_NODE_RUNNING, TPH_NODE_SUCCEEDED, TPH_NODE_SUCCEEDED};
    (void)owner;
    return (struct tph_depends_fact){
        .phase = phases[task], .any_succeeded = task == 5, .all_failed = task == 6, .daemoned = task == 7};
}

/* words NULL: exactly this truth; else a refusal that begins with them, of the compiler or of the decision. */
static void expect(struct tph_str text, bool truth, const char *words)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_depends_task task;
    const struct tph_depends *depends = NULL;
    bool run = !truth;
    int failed = tph_depends_compile(text, find, &task, arena, &depends, &problem);
    if (failed == 0) {
        failed = tph_depends_decide(depends, fact_of, NULL, &run, &problem);
    }
    if (words) {
        assert_int_equal(failed, -1);
        if (!strstr(tph_buf_cstr(&problem), words)) {
            fail_msg("%.*s: %s", TPH_FMT(text), tph_buf_cstr(&problem));
        }
        return;
    }
    if (failed || run != truth) {
        fail_msg("%.*s: %d %s", TPH_FMT(text), run, tph_buf_cstr(&problem));
    }
}

static void results_are_what_became_of_tasks(void **state)
{
    (void)state;
    expect(TPH_STR("a && b && c && d && h && i && x-y"), true, NULL);
    expect(TPH_STR("e"), false, NULL);
    expect(TPH_STR("f.AnySucceeded && g.AllFailed && !f.AllFailed && !g.AnySucceeded"), true, NULL);
    expect(TPH_STR("h.Daemoned && !h.Succeeded && e.Omitted && d.Skipped && c.Errored"), true, NULL);
    expect(TPH_STR("a.Failed || a.Errored || a.Omitted"), false, NULL);
    expect(TPH_STR("a.Failed || b.Failed && !a.Failed"), true, NULL);
    expect(TPH_STR("a.Failed || !a.Failed"), true, NULL);
}

static void operators_bind_as_in_the_expression_language(void **state)
{
    (void)state;
    expect(TPH_STR("!a.Failed == b.Succeeded"), false, NULL); /* (!a.Failed) == b.Succeeded */
    expect(TPH_STR("a.Succeeded == b.Succeeded || a"), true, NULL);
    expect(TPH_STR("b.Succeeded ? a.Failed : c.Errored"), true, NULL);
    expect(TPH_STR("a ? b.Succeeded : e ? a : a"), false, NULL);
    expect(TPH_STR("(e; a)"), true, NULL);
    expect(TPH_STR("e != a && (a ?? e)"), true, NULL);
    expect(TPH_STR("a &&\n\tb"), true, NULL);
}

static void faults_say_where(void **state)
{
    (void)state;
    expect(TPH_STR("a ||\nb.Nope"), false, "has no field Nope (2:3)\n | b.Nope\n | ..^");
    expect(TPH_STR("a.Nope && b.Neither )"), false, "unexpected token Bracket(\")\")"); /* the form comes first */
    expect(TPH_STR("a.Nope && b.Neither"), false, "has no field Nope (1:3)");
    expect(TPH_STR("a @"), false, "unrecognized character: U+0040 '@' (1:42)");
    expect(TPH_STR("'a"), false, "literal not terminated");
    expect(TPH_STR("a + b"), false, "invalid operation: + (mismatched types bool and bool)");
    expect(TPH_STR("a && ''"), false, "invalid operation: && (mismatched types bool and string)");
    expect(TPH_STR("!''"), false, "invalid operation: ! (mismatched type string)");
    expect(TPH_STR("'' ? a : b"), false, "used as condition");
    expect(TPH_STR("a ? '' : b"), false, "the two sides");
    expect(TPH_STR("a ? b"), false, "unexpected token EOF");
    expect(TPH_STR("_"), false, "unknown name _ (1:1)");
    expect(TPH_STR("[a]"), false, "a list or map");
    expect(TPH_STR("a[0"), false, "there is no task called '0'");
    expect(TPH_STR("a.Succeeded."), false, "unexpected end of expression");
    expect(TPH_STR("a.Succeeded.(b)"), false, "expected name");
    expect(TPH_STR("k"), false, "there is no task called 'k'");
    expect(TPH_STR("a \x01"), false, "unrecognized character: U+0001");
    expect(TPH_STR("a \xff"), false, "unrecognized character: U+FFFD");
    expect(TPH_STR("'' == '' && '' != \"''\""), true, NULL);
    expect(TPH_STR("true"), false, "there is no task called 'true'");
}

static void repeat(struct tph_buf *text, const char *piece, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_puts(text, piece);
    }
}

static void depth_has_a_ceiling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    repeat(&text, "a.Failed; a ? a : (", (TPH_LIMIT_DEPENDS_DEPTH - 2) / 2);
    (void)tph_buf_puts(&text, "a.Succeeded");
    repeat(&text, ")", (TPH_LIMIT_DEPENDS_DEPTH - 2) / 2);
    expect(tph_buf_str(&text), true, NULL);
    static const char *const pieces[] = {"(", "!", "a ? ", "a || b && a == ("};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        tph_buf_clear(&text);
        repeat(&text, pieces[i], TPH_LIMIT_DEPENDS_DEPTH);
        (void)tph_buf_puts(&text, "a");
        expect(tph_buf_str(&text), false, "more than 200 operators and parentheses are in each other");
    }
    tph_buf_clear(&text);
    repeat(&text, "a && ", 10000); /* beside each other there may be many */
    (void)tph_buf_puts(&text, "a");
    expect(tph_buf_str(&text), true, NULL);
}

static void a_text_too_long_is_refused(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    repeat(&text, "a&", TPH_LIMIT_DOCUMENT / 40);
    expect(tph_buf_str(&text), false, "once every name is written out");
}

/* A name is one question, however many results it stands for; tasks are listed once. */
static void programs_are_short(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(4096);
    struct tph_depends_task task;
    const struct tph_depends *depends = NULL;
    assert_int_equal(tph_depends_compile(TPH_STR("c && b && c"), find, &task, arena, &depends, &problem), 0);
    assert_int_equal(depends->n_ops, 5);
    assert_int_equal(depends->n_tasks, 2);
    assert_int_equal(depends->tasks[0], 2);
    assert_int_equal(depends->tasks[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_what_became_of_tasks),
        cmocka_unit_test(operators_bind_as_in_the_expression_language),
        cmocka_unit_test(faults_say_where),
        cmocka_unit_test(depth_has_a_ceiling),
        cmocka_unit_test(a_text_too_long_is_refused),
        cmocka_unit_test(programs_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
