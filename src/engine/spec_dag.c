/* SPDX-License-Identifier: Apache-2.0 */
/* DAGs, compiled: tasks, what each waits for, the order in which Argo comes by them. Source: argo 2.4. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "engine/depends.h"
#include "engine/spec_internal.h"

struct dag {
    struct compiler *c;
    struct tph_template *t;
    struct tph_call *tasks;
    size_t n;
    struct tph_depends_task found;
};

static int by_name(const void *a, const void *b, void *owner)
{
    const struct tph_call *tasks = owner;
    return tph_str_cmp(tasks[*(const size_t *)a].name, tasks[*(const size_t *)b].name);
}

static const struct tph_depends_task *find_task(void *owner, struct tph_str name, struct tph_str result)
{
    struct dag *dag = owner;
    (void)result;
    const struct tph_place *place = tph_map_get(&dag->t->places, name);
    if (!place) {
        return NULL;
    }
    const struct tph_call *call = &dag->tasks[place->member];
    dag->found = (struct tph_depends_task){.index = place->member,
                                           .continue_on_error = call->continue_on_error,
                                           .continue_on_failed = call->continue_on_failed};
    return &dag->found;
}

/* depends, or dependencies joined by &&. */
static void join_names(const struct tph_json *json, struct tph_buf *text)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(json, "dependencies"));
    struct tph_str depends = tph_json_get_str(json, "depends");
    (void)tph_buf_put(text, depends);
    while (depends.len == 0 && tph_json_next(&it)) {
        (void)tph_buf_printf(text, "%s%.*s", text->len > 0 ? " && " : "", TPH_FMT(tph_json_str(it.value)));
    }
}

/* What the task's dependencies are, and what must have become of them. */
static int compile_dependencies(struct dag *dag, const struct tph_json *json, struct tph_call *task)
{
    struct compiler *c = dag->c;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    join_names(json, &text);
    if (text.len == 0) {
        return 0;
    }
    (void)tph_compile_enter(c, tph_json_get_str(json, "depends").len > 0 ? "depends" : "dependencies");
    if (tph_depends_compile(tph_arena_str(c->spec->arena, tph_buf_str(&text)), find_task, dag, c->spec->arena,
                            &task->depends, &problem) < 0) {
        return tph_compile_fail(c, "%s", tph_buf_cstr(&problem));
    }
    size_t *list = TPH_ARENA_ARRAY(c->spec->arena, size_t, task->depends->n_tasks);
    memcpy(list, task->depends->tasks, task->depends->n_tasks * sizeof(*list));
    qsort_r(list, task->depends->n_tasks, sizeof(*list), by_name, dag->tasks);
    task->dependencies = list;
    task->n_dependencies = task->depends->n_tasks;
    return 0;
}

/* Who waits for whom, the other way round; in the DAG's order. */
static void link_dependents(struct dag *dag)
{
    struct tph_arena *arena = dag->c->spec->arena;
    size_t *counts = TPH_ARENA_ARRAY(arena, size_t, dag->n);
    for (size_t i = 0; i < dag->n; i++) {
        for (size_t d = 0; d < dag->tasks[i].n_dependencies; d++) {
            counts[dag->tasks[i].dependencies[d]]++;
        }
    }
    for (size_t i = 0; i < dag->n; i++) {
        dag->tasks[i].dependents = TPH_ARENA_ARRAY(arena, size_t, counts[i]);
    }
    for (size_t o = 0; o < dag->t->plan.n_order; o++) {
        size_t i = dag->t->plan.order[o];
        for (size_t d = 0; d < dag->tasks[i].n_dependencies; d++) {
            struct tph_call *before = &dag->tasks[dag->tasks[i].dependencies[d]];
            ((size_t *)(uintptr_t)before->dependents)[before->n_dependents++] = i;
        }
    }
}

enum mark { NEW, OPEN, DONE };

/* Of one DAG, while its tasks are put in order. */
struct sorting {
    const struct tph_call *tasks;
    size_t *order;
    size_t n_order;
    size_t *stack, *next; /* owned */
    enum mark *marks;     /* owned */
};

/* A target after all that it needs, with a stack of its own. */
static int order_target(struct sorting *s, size_t target, struct tph_buf *problem)
{
    size_t depth = 0;
    if (s->marks[target] == NEW) {
        s->stack[depth++] = target;
        s->marks[target] = OPEN;
    }
    while (depth > 0) {
        size_t task = s->stack[depth - 1];
        if (s->next[task] == s->tasks[task].n_dependencies) {
            s->marks[task] = DONE;
            s->order[s->n_order++] = task;
            depth--;
            continue;
        }
        size_t before = s->tasks[task].dependencies[s->next[task]++];
        if (s->marks[before] == OPEN) {
            (void)tph_buf_printf(problem, "task '%.*s' depends on itself, by way of '%.*s'",
                                 TPH_FMT(s->tasks[before].name), TPH_FMT(s->tasks[task].name));
            return -1;
        }
        if (s->marks[before] == NEW) {
            s->marks[before] = OPEN;
            s->stack[depth++] = before;
        }
    }
    return 0;
}

static int order_tasks(const struct tph_template *t, struct tph_arena *arena, struct tph_dag_plan *plan,
                       struct tph_buf *problem)
{
    size_t n = t->groups[0].n_steps;
    struct sorting s = {.tasks = t->groups[0].steps,
                        .order = TPH_ARENA_ARRAY(arena, size_t, n),
                        .stack = tph_calloc(n + 1, sizeof(size_t)),
                        .next = tph_calloc(n, sizeof(size_t)),
                        .marks = tph_calloc(n, sizeof(enum mark))};
    int failed = 0;
    for (size_t i = 0; i < plan->n_targets && failed == 0; i++) {
        failed = order_target(&s, plan->targets[i], problem);
    }
    free(s.stack);
    free(s.next);
    free(s.marks);
    plan->order = s.order;
    plan->n_order = s.n_order;
    return failed;
}

/* The tasks that no other needs, by name. */
static size_t find_leaves(const struct tph_template *t, size_t *leaves)
{
    const struct tph_step_group *tasks = &t->groups[0];
    size_t n = 0;
    TPH_CLEANUP(tph_freep) bool *needed = tph_calloc(tasks->n_steps + 1, sizeof(bool));
    for (size_t i = 0; i < tasks->n_steps; i++) {
        for (size_t d = 0; d < tasks->steps[i].n_dependencies; d++) {
            needed[tasks->steps[i].dependencies[d]] = true;
        }
    }
    for (size_t i = 0; i < tasks->n_steps; i++) {
        if (!needed[i]) {
            leaves[n++] = i;
        }
    }
    qsort_r(leaves, n, sizeof(*leaves), by_name, (void *)(uintptr_t)tasks->steps);
    return n;
}

int tph_dag_plan_for(const struct tph_template *t, struct tph_str target, struct tph_arena *arena,
                     struct tph_dag_plan *ret_plan, struct tph_buf *problem)
{
    size_t *targets = TPH_ARENA_ARRAY(arena, size_t, t->groups[0].n_steps + target.len);
    struct tph_dag_plan plan = {.targets = targets};
    struct tph_str name;
    for (struct tph_str rest = target; target.len > 0 && tph_str_cut(&rest, ' ', &name);) {
        const struct tph_place *place = tph_map_get(&t->places, name);
        if (!place) {
            (void)tph_buf_printf(problem, "there is no task called '%.*s'", TPH_FMT(name));
            return TPH_DAG_NO_TASK;
        }
        targets[plan.n_targets++] = place->member;
    }
    if (target.len == 0) {
        plan.n_targets = find_leaves(t, targets);
    }
    if (plan.n_targets == 0) {
        (void)tph_buf_puts(problem, "every task depends on another one: there is a cycle");
        return -1;
    }
    int failed = order_tasks(t, arena, &plan, problem);
    if (failed == 0) {
        *ret_plan = plan;
    }
    return failed;
}

static int compile_target(struct dag *dag, struct tph_str target)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(4));
    struct tph_template *t = dag->t;
    struct tph_arena *arena = dag->c->spec->arena;
    t->late_target = tph_text_compile(target, arena);
    t->has_late_target = !tph_text_is_plain(&t->late_target);
    int failed = tph_dag_plan_for(t, t->has_late_target ? TPH_STR("") : target, arena, &t->plan, &problem);
    if (failed == TPH_DAG_NO_TASK) {
        (void)tph_compile_enter(dag->c, "target");
    }
    return failed ? tph_compile_fail(dag->c, "%s", tph_buf_cstr(&problem)) : 0;
}

static int compile_tasks(struct dag *dag, const struct tph_json *list)
{
    struct compiler *c = dag->c;
    size_t mark = tph_compile_enter(c, "tasks");
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        struct tph_call *task = &dag->tasks[it.index];
        if (tph_compile_call(c, it.value, task) < 0 ||
            tph_compile_place(c, dag->t, task->name, (struct tph_place){.member = it.index}) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        size_t at = tph_compile_enter_index(c, it.index);
        if (compile_dependencies(dag, it.value, &dag->tasks[it.index]) < 0) {
            return -1;
        }
        tph_compile_leave(c, at);
    }
    tph_compile_leave(c, mark);
    return 0;
}

int tph_compile_dag(struct compiler *c, const struct tph_json *json, struct tph_template *t)
{
    const struct tph_json *dag_json = tph_json_get(json, "dag");
    const struct tph_json *list = tph_json_get(dag_json, "tasks");
    const struct tph_json *fail_fast = tph_json_get(dag_json, "failFast");
    struct tph_step_group *group = TPH_ARENA_NEW(c->spec->arena, struct tph_step_group);
    size_t mark = tph_compile_enter(c, "dag");
    if (!tph_json_is(list, TPH_JSON_ARRAY) || tph_json_len(list) == 0) {
        return tph_compile_fail(c, "a list of tasks was expected, there are none");
    }
    struct dag dag = {.c = c, .t = t, .n = tph_json_len(list)};
    dag.tasks = TPH_ARENA_ARRAY(c->spec->arena, struct tph_call, dag.n);
    *group = (struct tph_step_group){.steps = dag.tasks, .n_steps = dag.n};
    t->groups = group;
    t->n_groups = 1;
    t->fail_late = tph_json_is(fail_fast, TPH_JSON_BOOL) && !tph_json_bool(fail_fast);
    if (compile_tasks(&dag, list) < 0 || compile_target(&dag, tph_json_get_str(dag_json, "target")) < 0) {
        return -1;
    }
    link_dependents(&dag);
    tph_compile_leave(c, mark);
    return 0;
}
