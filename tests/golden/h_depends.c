/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks wait for: depends.jsonl. Which tasks are there, and what became of them, comes from the row. */
#include <stdlib.h>

#include "base/limits.h"
#include "engine/depends.h"
#include "golden.h"

enum { TASKS_MAX = 64 };

struct dag {
    const struct golden_case *c;
    struct tph_str names[TASKS_MAX]; /* those of the row, then names that are asked for and are none */
    size_t n;
    struct tph_depends_task found;
};

static const struct tph_json *task_named(const struct golden_case *c, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "tasks"));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return it.value;
        }
    }
    return NULL;
}

/* The genuine function does not look at a task whose result is asked for by its word. */
static const struct tph_depends_task *find(void *owner, struct tph_str name, struct tph_str result)
{
    struct dag *dag = owner;
    const struct tph_json *task = task_named(dag->c, name);
    const struct tph_json *go_on = tph_json_get(task, "continueOn");
    if (!task && result.len == 0) {
        return NULL;
    }
    dag->found = (struct tph_depends_task){.index = 0,
                                           .continue_on_error = tph_json_bool(tph_json_get(go_on, "error")),
                                           .continue_on_failed = tph_json_bool(tph_json_get(go_on, "failed"))};
    while (dag->found.index < dag->n && !tph_str_eq(dag->names[dag->found.index], name)) {
        dag->found.index++;
    }
    if (dag->found.index == dag->n && dag->n < TASKS_MAX) {
        dag->names[dag->n++] = name;
    }
    return &dag->found;
}

static const struct tph_json *node_of(const struct dag *dag, size_t task)
{
    return tph_json_getn(tph_json_get(dag->c->in, "nodes"), dag->names[task]);
}

static bool phase_is(const struct tph_json *node, const char *phase)
{
    return tph_str_eqz(tph_json_get_str(node, "phase"), phase);
}

static struct tph_depends_fact fact_of(void *owner, size_t task)
{
    const struct tph_json *node = node_of(owner, task);
    const struct tph_json *children = tph_json_get(node, "children");
    bool group = tph_str_eqz(tph_json_get_str(node, "type"), "TaskGroup");
    struct tph_depends_fact fact = {.phase = TPH_NODE_PENDING};
    (void)tph_node_phase_parse(tph_json_get_str(node, "phase"), &fact.phase);
    fact.daemoned = tph_json_bool(tph_json_get(node, "daemoned")) && fact.phase != TPH_NODE_PENDING;
    fact.all_failed = group && tph_json_len(children) > 0;
    struct tph_json_iter it = tph_json_iter(children);
    while (group && tph_json_next(&it)) {
        fact.any_succeeded = fact.any_succeeded || phase_is(it.value, "Succeeded");
        fact.all_failed = fact.all_failed && phase_is(it.value, "Failed");
    }
    return fact;
}

/* Whether all it waits for is over, hooks too: in the engine a count. */
static bool is_settled(struct dag *dag, size_t task)
{
    const struct tph_json *node = node_of(dag, task);
    struct tph_depends_fact fact = fact_of(dag, task);
    bool settled = node && (fact.daemoned || tph_node_phase_is_final(fact.phase));
    struct tph_json_iter it = tph_json_iter(tph_json_get(node, "children"));
    while (tph_json_next(&it)) {
        enum tph_node_phase phase = TPH_NODE_PENDING;
        (void)tph_node_phase_parse(tph_json_get_str(it.value, "phase"), &phase);
        settled = settled && (!tph_json_bool(tph_json_get(it.value, "hooked")) || tph_node_phase_is_final(phase));
    }
    return settled;
}

static void decide(struct golden_case *c, struct dag *dag, const struct tph_depends *depends)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool run = false;
    bool proceed = true;
    if (tph_depends_decide(depends, fact_of, dag, &run, &problem) < 0) {
        golden_set_buf(c, "eval_error", &problem);
        return;
    }
    for (size_t i = 0; i < depends->n_tasks; i++) {
        proceed = proceed && is_settled(dag, depends->tasks[i]);
    }
    tph_json_set(c->doc, c->got, "execute", tph_json_new_bool(c->doc, run && proceed));
    tph_json_set(c->doc, c->got, "proceed", tph_json_new_bool(c->doc, proceed));
}

static int by_name(const void *left, const void *right)
{
    return tph_str_cmp(*(const struct tph_str *)left, *(const struct tph_str *)right);
}

static void dependencies(struct golden_case *c, const struct dag *dag, const struct tph_depends *depends)
{
    struct tph_str names[TASKS_MAX];
    struct tph_json *list = tph_json_new_array(c->doc);
    for (size_t i = 0; i < depends->n_tasks; i++) {
        names[i] = dag->names[depends->tasks[i]];
    }
    qsort(names, depends->n_tasks, sizeof(names[0]), by_name);
    for (size_t i = 0; i < depends->n_tasks; i++) {
        tph_json_append(c->doc, list, tph_json_new_str(c->doc, names[i]));
    }
    tph_json_set(c->doc, c->got, "dependencies", list);
}

/* depends, or dependencies with && between them. */
static void logic_of(const struct tph_json *task, struct tph_buf *text)
{
    struct tph_str depends = tph_json_get_str(task, "depends");
    struct tph_json_iter it = tph_json_iter(tph_json_get(task, "dependencies"));
    (void)tph_buf_put(text, depends);
    while (depends.len == 0 && tph_json_next(&it)) {
        (void)tph_buf_printf(text, "%s%.*s", it.index > 0 ? " && " : "", TPH_FMT(tph_json_str(it.value)));
    }
}

void golden_depends(struct golden_case *c)
{
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *task = task_named(c, golden_in(c, "task"));
    struct dag dag = {.c = c};
    const struct tph_depends *depends = NULL;
    struct tph_json_iter it = tph_json_iter(tph_json_get(c->in, "tasks"));
    while (tph_json_next(&it) && dag.n < TASKS_MAX) {
        dag.names[dag.n++] = tph_json_get_str(it.value, "name");
    }
    (void)golden_object(c);
    logic_of(task, &text);
    if (tph_depends_compile(tph_buf_str(&text), find, &dag, arena, &depends, &problem) < 0) {
        bool panics = tph_json_get(c->expected, "panic") != NULL; /* an error of ours is as good */
        struct tph_str same = tph_json_get_str(c->expected, "panic");
        golden_set(c, panics ? "panic" : "error", panics ? same : tph_buf_str(&problem));
        return;
    }
    dependencies(c, &dag, depends);
    golden_set(c, "logic", depends->logic);
    if (depends->no_result.len > 0) {
        (void)tph_buf_printf(&problem, "task result '%.*s' for task '%.*s' is invalid", TPH_FMT(depends->no_result),
                             TPH_FMT(depends->no_result_of));
        golden_set_buf(c, "validate_error", &problem);
    }
    if (tph_json_get(c->in, "nodes")) {
        decide(c, &dag, depends);
    }
}
