/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: what they depend on, their order, and each as a call. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "lint/internal.h"

struct dependency {
    size_t task;
    bool items; /* .AnySucceeded, .AllFailed */
};

struct task {
    const struct tph_json *json;
    struct tph_str name;
    struct dependency *needs;
    size_t n_needs;
    size_t level; /* longest way from a task without dependencies */
    size_t stamp; /* of the last search that came by */
    bool broken;  /* it is told already that nothing can be called */
    const struct tph_json *tmpl;
};

struct tph_lint_dag {
    struct task *tasks;
    size_t n;
    size_t *order;
    struct tph_map index; /* name -> struct task */
    size_t *stack;
    size_t *stamp;
};

static bool has(const struct tph_json *object, const char *key)
{
    return !tph_json_is_null(tph_json_get(object, key));
}

static bool loops(const struct tph_json *task)
{
    return tph_json_len(tph_json_get(task, "withItems")) > 0 || tph_json_get_str(task, "withParam").len > 0;
}

/* A name in `depends` and the result asked of it, as Argo finds them; false at the end. */
static bool next_name(struct tph_str *rest, struct tph_str *name, struct tph_str *result)
{
    size_t i = 0;
    while (i < rest->len && !isalnum((unsigned char)rest->p[i])) {
        i++;
    }
    size_t end = i;
    while (end < rest->len && (isalnum((unsigned char)rest->p[end]) || rest->p[end] == '-')) {
        end++;
    }
    if (i == rest->len) {
        return false;
    }
    *name = tph_str_slice(*rest, i, end);
    *result = TPH_STR_NONE;
    if (end + 2 < rest->len && rest->p[end] == '.' && isupper((unsigned char)rest->p[end + 1])) {
        size_t word = end + 1;
        size_t stop = word;
        while (stop < rest->len && isalpha((unsigned char)rest->p[stop])) {
            stop++;
        }
        if (stop - word > 1) {
            *result = tph_str_slice(*rest, word, stop);
            end = stop;
        }
    }
    *rest = tph_str_slice(*rest, end, rest->len);
    return true;
}

/* Names of tasks, for one that is none. */
static int hint_tasks(struct tph_lint *l, const struct tph_lint_dag *dag, struct tph_str name)
{
    const char *names[TPH_LIMIT_LINT_NEAR];
    size_t n = 0;
    for (size_t i = 0; l->problems && i < dag->n && n < TPH_LIMIT_LINT_NEAR; i++) {
        names[n++] = tph_arena_strdup(l->arena, dag->tasks[i].name);
    }
    return tph_lint_hint_near(l, name, names, n, NULL);
}

static int need(struct tph_lint *l, struct tph_lint_dag *dag, struct task *t, struct tph_str name, bool items)
{
    struct task *other = tph_map_get(&dag->index, name);
    if (!other) {
        (void)tph_lint_fail(l, "invalid dependency %.*s", TPH_FMT(name));
        (void)tph_lint_say(l, "there is no task called '%.*s'", TPH_FMT(name));
        return hint_tasks(l, dag, name);
    }
    size_t at = (size_t)(other - dag->tasks);
    for (size_t i = 0; i < t->n_needs; i++) {
        if (t->needs[i].task == at) {
            t->needs[i].items = t->needs[i].items || items;
            return 0;
        }
    }
    t->needs[t->n_needs++] = (struct dependency){at, items};
    return 0;
}

static int dependencies(struct tph_lint *l, struct tph_lint_dag *dag, struct task *t)
{
    struct tph_str depends = tph_json_get_str(t->json, "depends");
    struct tph_str rest = depends;
    struct tph_str name;
    struct tph_str result;
    const struct tph_json *list = depends.len > 0 ? NULL : tph_json_get(t->json, "dependencies");
    size_t n = tph_json_len(list);
    while (next_name(&rest, &name, &result)) {
        n++;
    }
    t->needs = TPH_ARENA_ARRAY(l->arena, struct dependency, n);
    rest = depends;
    while (next_name(&rest, &name, &result)) {
        bool items = tph_str_eqz(result, "AnySucceeded") || tph_str_eqz(result, "AllFailed");
        if (need(l, dag, t, name, items) < 0) {
            return tph_lint_at(l, "depends");
        }
    }
    struct tph_json_iter it = tph_json_iter(list);
    while (tph_json_next(&it)) {
        if (need(l, dag, t, tph_json_str(it.value), false) < 0) {
            return tph_lint_at(l, "dependencies[%zu]", it.index);
        }
    }
    return 0;
}

/* Tasks that have dependencies left wait for each other; our report names one round. */
static int cycle(struct tph_lint *l, struct tph_lint_dag *dag, const size_t *left)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    size_t at = 0;
    while (left[at] == 0) {
        at++;
    }
    for (size_t i = 0; i < dag->n; i++) { /* after so many steps back it is certain to be in the round */
        for (size_t k = 0; k < dag->tasks[at].n_needs; k++) {
            if (left[dag->tasks[at].needs[k].task] > 0) {
                at = dag->tasks[at].needs[k].task;
                break;
            }
        }
    }
    (void)tph_lint_fail(l, "graph with cycle");
    (void)tph_lint_at(l, "tasks[%zu]", at);
    size_t first = at;
    do {
        (void)tph_buf_printf(&text, "%.*s waits for ", TPH_FMT(dag->tasks[at].name));
        size_t k = 0;
        while (left[dag->tasks[at].needs[k].task] == 0) {
            k++;
        }
        at = dag->tasks[at].needs[k].task;
    } while (at != first);
    (void)tph_buf_put(&text, dag->tasks[first].name);
    return tph_lint_say(l, "tasks wait for each other: %s",
                        tph_buf_failed(&text) ? "there are many" : tph_buf_cstr(&text));
}

/* Dependencies first. */
static int sort(struct tph_lint *l, struct tph_lint_dag *dag)
{
    size_t *left = TPH_ARENA_ARRAY(l->arena, size_t, dag->n + 1);
    size_t *first = TPH_ARENA_ARRAY(l->arena, size_t, dag->n + 2); /* dependents of a task, as ranges of next */
    size_t n_edges = 0;
    for (size_t i = 0; i < dag->n; i++) {
        left[i] = dag->tasks[i].n_needs;
        n_edges += left[i];
        for (size_t k = 0; k < left[i]; k++) {
            first[dag->tasks[i].needs[k].task + 2]++;
        }
    }
    for (size_t i = 2; i < dag->n + 2; i++) {
        first[i] += first[i - 1];
    }
    size_t *next = TPH_ARENA_ARRAY(l->arena, size_t, n_edges + 1);
    for (size_t i = 0; i < dag->n; i++) {
        for (size_t k = 0; k < dag->tasks[i].n_needs; k++) {
            next[first[dag->tasks[i].needs[k].task + 1]++] = i;
        }
    }
    size_t tail = 0;
    for (size_t i = 0; i < dag->n; i++) {
        if (left[i] == 0) {
            dag->order[tail++] = i;
        }
    }
    for (size_t head = 0; head < tail; head++) {
        size_t done = dag->order[head];
        for (size_t k = first[done]; k < first[done + 1]; k++) {
            struct task *t = &dag->tasks[next[k]];
            size_t level = dag->tasks[done].level + 1;
            t->level = t->level > level ? t->level : level;
            if (--left[next[k]] == 0) {
                dag->order[tail++] = next[k];
            }
        }
    }
    return tail == dag->n ? 0 : cycle(l, dag, left);
}

static int graph(struct tph_lint *l, struct tph_lint_dag *dag, const struct tph_json *tasks)
{
    dag->n = tph_json_len(tasks);
    dag->tasks = TPH_ARENA_ARRAY(l->arena, struct task, dag->n);
    dag->order = TPH_ARENA_ARRAY(l->arena, size_t, dag->n);
    dag->stack = TPH_ARENA_ARRAY(l->arena, size_t, dag->n);
    dag->stamp = TPH_ARENA_ARRAY(l->arena, size_t, 1);
    struct tph_json_iter it = tph_json_iter(tasks);
    while (tph_json_next(&it)) {
        struct task *t = &dag->tasks[it.index];
        t->json = it.value;
        t->name = tph_json_get_str(it.value, "name");
        if (tph_map_set(&dag->index, t->name, t)) {
            (void)tph_lint_fail(l, "duplicated nodeName %.*s", TPH_FMT(t->name));
            (void)tph_lint_say(l, "'%.*s' is not unique", TPH_FMT(t->name));
            return tph_lint_at(l, "tasks[%zu].name", it.index);
        }
    }
    struct tph_lint_mark mark = tph_lint_here(l);
    for (size_t i = 0; i < dag->n; i++) {
        (void)tph_lint_enter(l, "tasks[%zu]", i);
        if (tph_lint_go_on(l, dependencies(l, dag, &dag->tasks[i]), mark) < 0) {
            return -1;
        }
        tph_lint_leave(l, mark);
    }
    return sort(l, dag);
}

/* Looks upwards, not above the level of the one that is looked for. */
bool tph_lint_dag_ancestor(const struct tph_lint_dag *dag, size_t task, struct tph_str name)
{
    const struct task *wanted = tph_map_get(&dag->index, name);
    size_t n = 0;
    if (!wanted) {
        return false;
    }
    size_t stamp = ++*dag->stamp;
    dag->stack[n++] = task;
    while (n > 0) {
        const struct task *t = &dag->tasks[dag->stack[--n]];
        for (size_t i = 0; i < t->n_needs; i++) {
            struct task *other = &dag->tasks[t->needs[i].task];
            if (other == wanted) {
                return true;
            }
            if (other->stamp != stamp && other->level > wanted->level) {
                other->stamp = stamp;
                dag->stack[n++] = t->needs[i].task;
            }
        }
    }
    return false;
}

static int result_words(struct tph_lint *l, const struct task *t)
{
    static const char *const WORDS[] = {"Succeeded", "Failed",   "Errored",      "Skipped",
                                        "Omitted",   "Daemoned", "AnySucceeded", "AllFailed"};
    struct tph_str rest = tph_json_get_str(t->json, "depends");
    struct tph_str name;
    struct tph_str result;
    while (next_name(&rest, &name, &result)) {
        bool known = result.len == 0;
        for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
            known = known || tph_str_eqz(result, WORDS[i]);
        }
        if (!known) {
            (void)tph_lint_fail(l, "task result '%.*s' for task '%.*s' is invalid", TPH_FMT(result), TPH_FMT(name));
            (void)tph_lint_at(l, "depends");
            return tph_lint_hint_near(l, result, WORDS, sizeof WORDS / sizeof WORDS[0],
                                      "one of Succeeded, Failed, Errored, Skipped, Omitted, Daemoned, AnySucceeded, "
                                      "AllFailed");
        }
    }
    return 0;
}

/* The first look at a task: form, template, dependencies. */
static int first_look(struct tph_lint *l, struct tph_lint_scope *scope, struct tph_lint_dag *dag, struct task *t,
                      struct tph_lint_base *base)
{
    const struct tph_lint_args fake = {.fake = true};
    const struct tph_lint_add add = {.word = "tasks", .name = t->name, .aggregate = loops(t->json)};
    struct tph_lint_mark mark = tph_lint_here(l);
    int failed = tph_lint_holder(l, t->json, base, &fake, &t->tmpl);
    if (failed != 0) {
        t->broken = true;
        tph_lint_scope_add(l, scope, TPH_LINT_BROKEN "tasks.%.*s", TPH_FMT(t->name));
    }
    if (tph_lint_go_on(l, failed, mark) < 0) {
        return -1;
    }
    tph_lint_add_outputs(l, scope, t->tmpl, &add);
    if (tph_lint_go_on(l, result_words(l, t), mark) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n_needs; i++) {
        const struct task *other = &dag->tasks[t->needs[i].task];
        if (t->needs[i].items && !loops(other->json) && !has(other->json, "withSequence")) {
            t->stamp = t->needs[i].task;
            return 1;
        }
    }
    return 0;
}

static int form(struct tph_lint *l, const struct task *t, struct tph_str tmpl, bool depends)
{
    bool dependencies_too = tph_json_len(tph_json_get(t->json, "dependencies")) > 0;
    if ((depends || dependencies_too) && isdigit((unsigned char)t->name.p[0])) {
        (void)tph_lint_fail(l,
                            "templates.%.*s.tasks.%.*s " TPH_LINT_PLACE_END
                            "name cannot begin with a digit when using either 'depends' or 'dependencies'",
                            TPH_FMT(tmpl), TPH_FMT(t->name));
        return tph_lint_at(l, "name");
    }
    if (depends && dependencies_too) {
        (void)tph_lint_fail(l,
                            "templates.%.*s " TPH_LINT_PLACE_END
                            "cannot use both 'depends' and 'dependencies' in the same DAG template",
                            TPH_FMT(tmpl));
        return tph_lint_at(l, "dependencies");
    }
    if (depends && has(t->json, "continueOn")) {
        (void)tph_lint_fail(l,
                            "templates.%.*s " TPH_LINT_PLACE_END "cannot use 'continueOn' when using 'depends'. "
                            "Instead use 'dep-task.Failed'/'dep-task.Errored'",
                            TPH_FMT(tmpl));
        return tph_lint_at(l, "continueOn");
    }
    return 0;
}

static int first_looks(struct tph_lint *l, struct tph_lint_scope *scope, struct tph_lint_dag *dag, struct tph_str tmpl,
                       struct tph_lint_base *base)
{
    bool depends = false;
    struct tph_lint_mark mark = tph_lint_here(l);
    for (size_t i = 0; i < dag->n; i++) {
        depends = depends || tph_json_get_str(dag->tasks[i].json, "depends").len > 0;
    }
    for (size_t i = 0; i < dag->n; i++) {
        struct task *t = &dag->tasks[dag->order[i]];
        (void)tph_lint_enter(l, "tasks[%zu]", dag->order[i]);
        struct tph_lint_mark here = tph_lint_here(l);
        if (tph_lint_go_on(l, form(l, t, tmpl, depends), here) < 0) {
            return -1;
        }
        int result = first_look(l, scope, dag, t, base);
        if (result > 0) {
            struct tph_str other = dag->tasks[t->stamp].name;
            (void)tph_lint_fail(l,
                                "templates.%.*s.tasks.%.*s " TPH_LINT_PLACE_END "dependency '%.*s' uses an items-based "
                                "condition such as .AnySucceeded or .AllFailed but does not contain any items",
                                TPH_FMT(tmpl), TPH_FMT(other), TPH_FMT(other));
            (void)tph_lint_at(l, "depends");
            if (tph_lint_go_on(l, -1, here) < 0) {
                return -1;
            }
        }
        if (result < 0) {
            return tph_lint_wrap(l, "templates.%.*s.tasks.%.*s ", TPH_FMT(tmpl), TPH_FMT(t->name));
        }
        tph_lint_leave(l, mark);
    }
    return 0;
}

static int targets(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_lint_dag *dag,
                   const struct tph_json *tmpl)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    struct tph_str rest = tph_json_get_str(tph_json_get(tmpl, "dag"), "target");
    struct tph_str target;
    if (tph_lint_resolve(l, scope, rest) < 0) {
        (void)tph_lint_at(l, "target");
        return tph_lint_wrap(l, "templates.%.*s.targets ", TPH_FMT(name));
    }
    while (rest.len > 0 && tph_str_cut(&rest, ' ', &target)) {
        if (!tph_lint_is_parameter(target) && !tph_map_get(&dag->index, target)) {
            (void)tph_lint_fail(l, "templates.%.*s.targets" TPH_LINT_PLACE_END ": target '%.*s' is not defined",
                                TPH_FMT(name), TPH_FMT(target));
            (void)tph_lint_at(l, "target");
            return hint_tasks(l, dag, target);
        }
        if (rest.p && rest.len == 0) {
            (void)tph_lint_fail(l, "templates.%.*s.targets" TPH_LINT_PLACE_END ": target '' is not defined",
                                TPH_FMT(name));
            return tph_lint_at(l, "target");
        }
    }
    return 0;
}

static int argument_source(struct tph_lint *l, const struct tph_lint_dag *dag, const struct task *t,
                           const struct tph_json *item, const char *kind)
{
    struct tph_str text = tph_json_get_str(item, strcmp(kind, "artifact") == 0 ? "from" : "value");
    struct tph_str other;
    if (!tph_str_has_prefix(text, TPH_STR("{{tasks."))) {
        return 0;
    }
    (void)tph_str_cut(&text, '.', &other);
    (void)tph_str_cut(&text, '.', &other);
    if (tph_lint_dag_ancestor(dag, (size_t)(t - dag->tasks), other) ||
        (l->problems && !tph_map_get(&dag->index, other))) { /* a task that is none is told already */
        return 0;
    }
    (void)tph_lint_fail(l, "missing dependency '%.*s' for %s '%.*s'", TPH_FMT(other), kind,
                        TPH_FMT(tph_json_get_str(item, "name")));
    return tph_lint_hint(l, "this task has to wait for it: depends: %.*s", TPH_FMT(other));
}

struct waiting {
    const struct tph_lint_dag *dag;
    const struct task *task;
};

/* A task that the other does not wait for; what is told of itself is for its hooks. */
static bool is_early(const void *owner, struct tph_str name)
{
    const struct waiting *w = owner;
    return !tph_str_eq(name, w->task->name) && tph_map_get(&w->dag->index, name) &&
           !tph_lint_dag_ancestor(w->dag, (size_t)(w->task - w->dag->tasks), name);
}

/* 1: the error stands with its whole context. */
static int second_look(struct tph_lint *l, struct tph_lint_scope *inner, struct tph_lint_dag *dag, const struct task *t,
                       struct tph_lint_base *base, const char *where)
{
    const struct tph_lint_args real = {.arguments = tph_json_get(t->json, "arguments")};
    const struct tph_json *tmpl = NULL;
    struct tph_json_iter it = tph_json_iter(tph_json_path(t->json, "inline", "inputs", "parameters", NULL));
    while (tph_json_next(&it)) {
        tph_lint_scope_add(l, inner, "inputs.parameters.%.*s", TPH_FMT(tph_json_get_str(it.value, "name")));
    }
    struct tph_lint_mark mark = tph_lint_here(l);
    if (tph_lint_go_on(l, tph_lint_items(l, t->json, inner), mark) < 0 ||
        tph_lint_resolve_json(l, inner, t->json) < 0) {
        return -1;
    }
    (void)tph_lint_enter(l, "arguments");
    struct tph_lint_mark arguments = tph_lint_here(l);
    if (tph_lint_go_on(l, tph_lint_arguments(l, real.arguments, false, tph_lint_text(l, "%s.arguments.", where).p),
                       arguments) < 0) {
        return 1;
    }
    it = tph_json_iter(tph_json_get(real.arguments, "parameters"));
    while (tph_json_next(&it)) {
        (void)tph_lint_enter(l, "parameters[%zu].value", it.index);
        if (tph_lint_go_on(l, argument_source(l, dag, t, it.value, "parameter"), arguments) < 0) {
            return -1;
        }
        tph_lint_leave(l, arguments);
    }
    it = tph_json_iter(tph_json_get(real.arguments, "artifacts"));
    while (tph_json_next(&it)) {
        (void)tph_lint_enter(l, "artifacts[%zu].from", it.index);
        if (tph_lint_go_on(l, argument_source(l, dag, t, it.value, "artifact"), arguments) < 0) {
            return -1;
        }
        tph_lint_leave(l, arguments);
    }
    tph_lint_leave(l, mark);
    if (l->problems) {
        const struct waiting waiting = {.dag = dag, .task = t};
        tph_lint_trap_early(l, t->json, "tasks", is_early, &waiting);
    }
    return t->broken ? 0 : tph_lint_holder(l, t->json, base, &real, &tmpl);
}

static int second_looks(struct tph_lint *l, struct tph_lint_scope *scope, struct tph_lint_dag *dag, struct tph_str tmpl,
                        struct tph_lint_base *base)
{
    struct tph_lint_mark mark = tph_lint_here(l);
    for (size_t i = 0; i < dag->n; i++) {
        struct task *t = &dag->tasks[dag->order[i]];
        const char *where = tph_lint_text(l, "templates.%.*s.tasks.%.*s", TPH_FMT(tmpl), TPH_FMT(t->name)).p;
        struct tph_lint_scope inner = {
            .names = TPH_MAP_INIT, .parent = scope, .dag = dag, .task = (size_t)(t - dag->tasks)};
        if (has(t->json, "hooks")) {
            tph_lint_scope_add(l, scope, "tasks.%.*s.status", TPH_FMT(t->name));
        }
        (void)tph_lint_enter(l, "tasks[%zu]", dag->order[i]);
        int result = tph_lint_go_on(l, second_look(l, &inner, dag, t, base, where), mark);
        tph_lint_leave(l, mark);
        tph_map_release(&inner.names);
        if (result != 0) {
            return result < 0 ? tph_lint_wrap(l, "%s ", where) : -1;
        }
    }
    return 0;
}

static int task_names(struct tph_lint *l, const struct tph_json *tasks, struct tph_str tmpl)
{
    struct tph_lint_mark mark = tph_lint_enter(l, "tasks");
    if (tph_lint_names(l, tasks, TPH_LINT_FIELD, tph_lint_text(l, "templates.%.*s.tasks", TPH_FMT(tmpl)).p) < 0) {
        return -1;
    }
    tph_lint_leave(l, mark);
    return 0;
}

int tph_lint_dag(struct tph_lint *l, struct tph_lint_scope *scope, const struct tph_json *tmpl,
                 struct tph_lint_base *base)
{
    struct tph_str name = tph_json_get_str(tmpl, "name");
    const struct tph_json *tasks = tph_json_path(tmpl, "dag", "tasks", NULL);
    struct tph_lint_dag dag = {.index = TPH_MAP_INIT};
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
    (void)tph_lint_enter(l, "dag");
    if (tph_json_len(tasks) == 0) {
        return tph_lint_fail(l, "templates.%.*s" TPH_LINT_PLACE_END " must have at least one task", TPH_FMT(name));
    }
    if (graph(l, &dag, tasks) < 0) {
        failed = tph_lint_wrap(l, "templates.%.*s sorting failed: ", TPH_FMT(name));
    } else if (task_names(l, tasks, name) < 0 || first_looks(l, scope, &dag, name, base) < 0 ||
               tph_lint_go_on(l, targets(l, scope, &dag, tmpl), tph_lint_here(l)) < 0 ||
               second_looks(l, scope, &dag, name, base) < 0) {
        failed = -1;
    }
    if (failed == 0) {
        tph_lint_leave(l, mark);
    }
    tph_map_release(&dag.index);
    return failed;
}
