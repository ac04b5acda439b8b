/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of random workflows (random_workflow.h): plugins answer, times pass, the program is killed and begins again,
 * sometimes somebody stops it all. In each, at any point:
 *
 * - a run restored from its saved object says and does what the running one does, action for action;
 * - no task is begun twice, none for a node that is final, and a final phase never changes;
 * - the tree hangs together: ids are those of one node each, all but the root and hooks of the root are somebody's
 *   child, boundaries are there, times are in order;
 * - the workflow ends: while it has not, a task is out, a time is waited for, or a person is;
 * - replies that come twice, or for a task that is over, change nothing. Nor does the order in which they come.
 *
 * TIPHYS_PROPERTY_RUNS: how many lives. TIPHYS_PROPERTY_SEED: where to begin; what failed names its own, which given
 * with one run is that life alone. TIPHYS_PROPERTY_FEATURES: bits of what workflows may have (enum feature).
 * TIPHYS_PROPERTY_FILE: a workflow that lives them in place of random ones, to make a failing one smaller. */
#include "random_workflow.h"

#include "base/arena.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/map.h"

enum { MOST_EVENTS = 400, MOST_OUT = 512 };

/* What the one who calls the plugins knows. */
struct world {
    struct tph_run *run;
    const struct tph_run_options *options;
    uint32_t seed;
    int64_t now_ms, wait_ms;
    bool has_empty;                       /* the workflow has groups without members */
    const struct tph_node *out[MOST_OUT]; /* tasks that have no final answer */
    size_t n_out;
    struct tph_map begun;  /* node id -> itself */
    struct tph_map phases; /* node id -> its phase, of those that are final */
    struct tph_arena *arena;
    struct tph_buf fault;
    struct tph_buf log;
};

static void fault(struct world *w, const char *format, ...) TPH_PRINTF(2, 3);
static void fault(struct world *w, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (w->fault.len == 0) {
        (void)tph_buf_puts(&w->fault, text);
    }
}

/* From a little before where they differ. */
static void compare(struct world *w, const char *what, const char *ours, const char *theirs)
{
    size_t at = 0;
    while (ours[at] && ours[at] == theirs[at]) {
        at++;
    }
    if (ours[at] != theirs[at]) {
        at -= at < 300 ? at : 300;
        fault(w, "%s differ; running:\n%.900s\nrestored:\n%.900s", what, ours + at, theirs + at);
    }
}

static void compare_objects(struct world *w, const struct tph_run *copy)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf ours = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf theirs = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(tph_run_object(w->run, doc), TPH_JSON_SORTED, &ours);
    tph_json_write(tph_run_object(copy, doc), TPH_JSON_SORTED, &theirs);
    compare(w, "objects", tph_buf_cstr(&ours), tph_buf_cstr(&theirs));
}

static void compare_actions(struct world *w, const char *what, struct tph_actions ours, struct tph_actions theirs)
{
    TPH_CLEANUP(tph_freep) char *a = actions_text(&ours);
    TPH_CLEANUP(tph_freep) char *b = actions_text(&theirs);
    compare(w, what, a, b);
}

/* What its tasks come to, for both runs the same. */
struct happening {
    enum tph_event_kind kind;
    struct tph_str node_id;
    const char *phase, *outputs;
};

static struct tph_actions happen(struct tph_run *run, const struct happening *h, int64_t now_ms)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_actions actions;
    if (h->outputs) {
        assert_int_equal(tph_json_parse(tph_str(h->outputs), &doc, NULL), 0);
    }
    struct tph_task_result result = {
        .phase = tph_str(h->phase), .message = TPH_STR("m"), .outputs = doc ? tph_json_root(doc) : NULL};
    struct tph_event event = {.kind = h->kind, .node_id = h->node_id, .result = &result};
    tph_run_apply(run, &event, now_ms, &actions);
    return actions;
}

static void forget_ended(struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n_out; i++) {
        if (!tph_node_phase_is_final(w->out[i]->phase)) {
            w->out[n++] = w->out[i];
        }
    }
    w->n_out = n;
}

static void begin_task(struct world *w, const struct tph_node *node, bool again)
{
    bool known = tph_map_get(&w->begun, node->id) != NULL;
    if (tph_node_phase_is_final(node->phase)) {
        fault(w, "a task is begun for %.*s, which is %s", TPH_FMT(node->name), tph_node_phase_name(node->phase));
    }
    if (known && !again) {
        fault(w, "the task of %.*s is begun twice", TPH_FMT(node->name));
    }
    for (size_t i = 0; i < w->n_out; i++) {
        if (tph_str_eq(w->out[i]->id, node->id)) {
            return;
        }
    }
    if (w->n_out < MOST_OUT) {
        w->out[w->n_out++] = node;
        struct tph_str id = tph_arena_str(w->arena, node->id);
        (void)tph_map_set(&w->begun, id, w);
    }
}

/* again: after a restart, when tasks that are out come once more */
static void take_actions(struct world *w, struct tph_actions actions, bool again)
{
    TPH_CLEANUP(tph_map_release) struct tph_map once = TPH_MAP_INIT;
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *a = &actions.list[i];
        if (a->kind == TPH_ACTION_START_TASK) {
            begin_task(w, a->node, again);
            if (tph_map_set(&once, a->node->id, w)) {
                fault(w, "the task of %.*s is begun twice in one", TPH_FMT(a->node->name));
            }
        } else if (a->kind == TPH_ACTION_WAIT_UNTIL) {
            w->wait_ms = a->time_ms;
        } else if (a->kind == TPH_ACTION_FINISHED && i + 1 != actions.n) {
            fault(w, "FINISHED is not the last action");
        }
    }
    forget_ended(w);
}

static void check_node(struct world *w, const struct tph_node *node, struct tph_map *children)
{
    static const struct tph_node marks[TPH_NODE_PHASE_COUNT];
    const struct tph_node *before = tph_map_get(&w->phases, node->id);
    if (before && before != &marks[node->phase]) {
        fault(w, "%.*s was %s and is %s", TPH_FMT(node->name),
              tph_node_phase_name((enum tph_node_phase)(before - marks)), tph_node_phase_name(node->phase));
    }
    if (tph_node_phase_is_final(node->phase)) {
        (void)tph_map_set(&w->phases, tph_arena_str(w->arena, node->id), (void *)(uintptr_t)&marks[node->phase]);
        if (node->finished_ms == 0 || node->finished_ms / 1000 < node->started_ms / 1000) {
            fault(w, "%.*s ended before it began", TPH_FMT(node->name));
        }
    } else if (node->finished_ms != 0) {
        fault(w, "%.*s has an end, but is %s", TPH_FMT(node->name), tph_node_phase_name(node->phase));
    }
    for (size_t i = 0; i < node->n_children; i++) {
        (void)tph_map_set(children, node->children[i]->id, w);
    }
}

/* Behind a group without members, and behind what ended without its last leaves, there is nobody whose child the next
 * one could be: so it is in Argo. */
static bool may_be_orphans(const struct world *w)
{
    bool may = w->has_empty;
    for (size_t i = 0; i < tph_run_n_nodes(w->run) && !may; i++) {
        const struct tph_node *node = tph_run_node_at(w->run, i);
        may = tph_node_phase_is_final(node->phase) && node->phase != TPH_NODE_SUCCEEDED;
    }
    return may;
}

static void check_tree(struct world *w)
{
    TPH_CLEANUP(tph_map_release) struct tph_map ids = TPH_MAP_INIT;
    TPH_CLEANUP(tph_map_release) struct tph_map children = TPH_MAP_INIT;
    bool orphans = may_be_orphans(w);
    for (size_t i = 0; i < tph_run_n_nodes(w->run); i++) {
        const struct tph_node *node = tph_run_node_at(w->run, i);
        if (tph_map_set(&ids, node->id, w)) {
            fault(w, "two nodes have the id of %.*s", TPH_FMT(node->name));
        }
        check_node(w, node, &children);
    }
    for (size_t i = 0; i < tph_run_n_nodes(w->run); i++) {
        const struct tph_node *node = tph_run_node_at(w->run, i);
        bool is_root = node == tph_run_root(w->run);
        bool of_root = tph_str_has_prefix(node->name, TPH_STR("wf.hooks.")) ||
                       tph_str_has_prefix(node->name, TPH_STR("wf.onExit")) ||
                       tph_str_has_prefix(node->name, TPH_STR("wf(")) /* attempts */;
        if (!is_root && !of_root && !orphans && !tph_map_get(&children, node->id)) {
            fault(w, "%.*s is nobody's child", TPH_FMT(node->name));
        }
        if (!is_root && !of_root && !node->boundary) {
            fault(w, "%.*s has no boundary", TPH_FMT(node->name));
        }
        if (node->boundary && !tph_map_get(&ids, node->boundary->id)) {
            fault(w, "the boundary of %.*s is no node", TPH_FMT(node->name));
        }
    }
}

/* The program was killed: another goes on with what was saved. */
static void replace(struct world *w, struct tph_run *copy)
{
    struct tph_run *old = w->run;
    w->run = copy;
    w->n_out = 0; /* they come again */
    w->wait_ms = 0;
    take_actions(w, apply_at(w->run, TPH_EVENT_START, w->now_ms), true);
    tph_run_free(old);
}

static bool waits_for_a_person(const struct tph_run *run)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        const struct tph_node *node = tph_run_node_at(run, i);
        if (node->type == TPH_NODE_SUSPEND && !tph_node_phase_is_final(node->phase)) {
            return true;
        }
    }
    return false;
}

/* What comes next. False when nothing can come any more. */
static bool choose(struct world *w, struct happening *h)
{
    static const char *const phases[] = {"Succeeded", "Succeeded", "Succeeded", "Succeeded", "Failed",
                                         "Failed",    "Error",     "Running",   "Skipped",   "Omitted"};
    static const char *const outputs[] = {
        NULL, "{\"result\":\"1\"}", "{\"result\":\"[1,2]\",\"exitCode\":\"1\"}",
        "{\"result\":\"{{item}}\",\"parameters\":[{\"name\":\"o\",\"value\":\"v\"}]}"};
    bool stop = one_in(&w->seed, 150);
    bool wait = w->wait_ms > 0 && (w->n_out == 0 || one_in(&w->seed, 6));
    *h = (struct happening){.kind = TPH_EVENT_REPLY, .phase = ""};
    w->now_ms += next_random(&w->seed) % 700;
    if (stop) {
        h->kind = one_in(&w->seed, 2) ? TPH_EVENT_STOP : TPH_EVENT_TERMINATE;
    } else if (wait) {
        h->kind = TPH_EVENT_TIMER;
        w->now_ms = w->wait_ms > w->now_ms ? w->wait_ms : w->now_ms;
    } else if (w->n_out > 0) {
        const struct tph_node *node = w->out[next_random(&w->seed) % w->n_out];
        h->node_id = tph_arena_str(w->arena, node->id); /* of both runs */
        h->phase = phases[next_random(&w->seed) % 10];
        h->outputs = outputs[next_random(&w->seed) % 4];
    } else if (waits_for_a_person(w->run)) {
        h->kind = TPH_EVENT_TERMINATE;
    } else {
        return false;
    }
    return true;
}

static void note(struct world *w, const struct happening *h)
{
    static const char *const kinds[] = {"start", "reply", "timer", "locks", "stop", "terminate"};
    (void)tph_buf_printf(&w->log, "%lld %s %.*s %s %s\n", (long long)(w->now_ms - START_MS), kinds[h->kind],
                         TPH_FMT(h->node_id), h->phase, h->outputs ? h->outputs : "");
}

/* A reply that came before comes again, and another one for a task that is over: nothing is done about either. seed: of
 * its own, so that the life is the same without. */
static void come_again(struct world *w, const struct happening *h, uint32_t seed)
{
    static const char *const phases[] = {"Succeeded", "Failed", "Error", "Running", "Skipped", "", "Foo"};
    struct happening late = {.kind = TPH_EVENT_REPLY, .phase = phases[next_random(&seed) % 7], .outputs = h->outputs};
    size_t n = tph_run_n_nodes(w->run);
    size_t at = next_random(&seed) % n;
    if (w->wait_ms > 0 && w->wait_ms <= w->now_ms) {
        return; /* any event would do what is due */
    }
    for (size_t i = 0; i < n && late.node_id.len == 0; i++) {
        const struct tph_node *node = tph_run_node_at(w->run, (at + i) % n);
        bool over = tph_node_phase_is_final(node->phase) && tph_map_get(&w->begun, node->id);
        late.node_id = over ? tph_arena_str(w->arena, node->id) : TPH_STR("");
    }
    if (h->kind == TPH_EVENT_REPLY && happen(w->run, h, w->now_ms).n != 0) {
        fault(w, "the same reply for %.*s does something again", TPH_FMT(h->node_id));
    }
    if (late.node_id.len > 0 && happen(w->run, &late, w->now_ms).n != 0) {
        fault(w, "a late reply %s for %.*s does something", late.phase, TPH_FMT(late.node_id));
    }
}

static void one_event(struct world *w, const struct happening *h)
{
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = NULL;
    bool compared = one_in(&w->seed, 3);
    note(w, h);
    if (compared) {
        copy = restored_with(w->run, w->options);
        compare_objects(w, copy);
        struct tph_actions ours = apply_at(w->run, TPH_EVENT_START, w->now_ms);
        struct tph_actions theirs = apply_at(copy, TPH_EVENT_START, w->now_ms);
        compare_actions(w, "actions of a restart", ours, theirs);
        take_actions(w, ours, true);
    }
    struct tph_actions ours = happen(w->run, h, w->now_ms);
    take_actions(w, ours, false);
    if (copy) {
        compare_actions(w, "actions", ours, happen(copy, h, w->now_ms));
        compare_objects(w, copy);
    }
    check_tree(w);
    come_again(w, h, w->seed);
    if (copy && w->fault.len == 0 && one_in(&w->seed, 3)) {
        (void)tph_buf_puts(&w->log, "killed\n");
        replace(w, TPH_TAKE(copy));
    }
}

static void check_end(struct world *w, int events)
{
    enum tph_workflow_phase phase = tph_run_phase(w->run);
    if (phase == TPH_WORKFLOW_RUNNING || phase == TPH_WORKFLOW_PENDING) {
        fault(w, "it does not end: %d events, %zu tasks are out, it waits until %lld", events, w->n_out,
              (long long)w->wait_ms);
        return;
    }
    for (size_t i = 0; i < tph_run_n_nodes(w->run); i++) {
        const struct tph_node *node = tph_run_node_at(w->run, i);
        if (!tph_node_phase_is_final(node->phase)) {
            fault(w, "the workflow is %s, but %.*s is %s", tph_workflow_phase_name(phase), TPH_FMT(node->name),
                  tph_node_phase_name(node->phase));
        }
    }
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored_with(w->run, w->options);
    compare_objects(w, copy);
    if (apply_at(copy, TPH_EVENT_START, w->now_ms).n != 0) {
        fault(w, "it goes on after its end");
    }
}

/* The ConfigMap that semaphores read. */
static const struct tph_json *find_object(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    return kind == TPH_OBJECT_CONFIG_MAP && tph_str_eqz(name, "locks") ? owner : NULL;
}

/* One life; what was wrong in ret_fault, with the events up to there. */
static void live(const char *yaml, uint32_t seed, struct tph_buf *ret_fault)
{
    TPH_CLEANUP(tph_json_doc_freep)
    struct tph_json_doc *map = parse_yaml("{data: {two: '2', t0: '1', t1: '1', t2: '2'}}");
    const struct tph_run_objects objects = {.find = find_object, .owner = tph_json_root(map)};
    /* times count from whole seconds: milliseconds are not kept, and a restored run would be later */
    const struct tph_run_options options = {.objects = &objects, .compat = TPH_COMPAT_SECONDS};
    struct world w = {.options = &options,
                      .seed = seed,
                      .now_ms = START_MS + seed % 1000,
                      .has_empty = strstr(yaml, "- []") || strstr(yaml, "[[]]"),
                      .arena = tph_arena_new(),
                      .fault = TPH_BUF_INIT(TPH_KIB(64)),
                      .log = TPH_BUF_INIT(TPH_MIB(1))};
    struct happening h;
    int events = 0;
    w.run = make_run_with(yaml, &options);
    take_actions(&w, apply_at(w.run, TPH_EVENT_START, w.now_ms), false);
    check_tree(&w);
    while (w.fault.len == 0 && events < MOST_EVENTS && tph_run_phase(w.run) < TPH_WORKFLOW_SUCCEEDED &&
           choose(&w, &h)) {
        one_event(&w, &h);
        events++;
    }
    if (w.fault.len == 0) {
        check_end(&w, events);
    }
    if (w.fault.len > 0) {
        (void)tph_buf_printf(ret_fault, "%s\nevents:\n%s", tph_buf_cstr(&w.fault), tph_buf_cstr(&w.log));
    }
    tph_run_free(w.run);
    tph_map_release(&w.begun);
    tph_map_release(&w.phases);
    tph_arena_free(w.arena);
    tph_buf_release(&w.fault);
    tph_buf_release(&w.log);
}

/* What the plugin of a node says is a matter of the node's name only. */
static struct happening answer_of(const struct tph_node *node)
{
    static const char *const phases[] = {"Succeeded", "Succeeded", "Succeeded", "Failed", "Error", "Skipped"};
    uint32_t seed = tph_fnv1a32(node->name);
    struct happening h = {.kind = TPH_EVENT_REPLY, .node_id = node->id};
    h.phase = phases[next_random(&seed) % 6];
    h.outputs = one_in(&seed, 3) ? NULL : "{\"result\":\"1\",\"parameters\":[{\"name\":\"o\",\"value\":\"v\"}]}";
    return h;
}

/* To its end; order NULL: replies come in the order in which the tasks began, else in a random one. A time is waited
 * for when nothing is out. */
static struct tph_run *play(const char *yaml, const struct tph_run_options *options, uint32_t *order)
{
    struct world w = {
        .options = options, .now_ms = START_MS, .arena = tph_arena_new(), .fault = TPH_BUF_INIT(TPH_KIB(64))};
    w.run = make_run_with(yaml, options);
    take_actions(&w, apply_at(w.run, TPH_EVENT_START, w.now_ms), false);
    for (int events = 0; events < MOST_EVENTS && tph_run_phase(w.run) < TPH_WORKFLOW_SUCCEEDED; events++) {
        size_t at = order && w.n_out > 0 ? next_random(order) % w.n_out : 0;
        struct happening h = {.kind = TPH_EVENT_TIMER, .phase = ""};
        if (w.n_out > 0) {
            h = answer_of(w.out[at]);
        } else {
            w.now_ms = w.wait_ms;
        }
        take_actions(&w, happen(w.run, &h, w.now_ms), false);
    }
    assert_string_equal(tph_buf_cstr(&w.fault), "");
    assert_true(tph_run_phase(w.run) >= TPH_WORKFLOW_SUCCEEDED);
    tph_map_release(&w.begun);
    tph_arena_free(w.arena);
    tph_buf_release(&w.fault);
    return w.run;
}

static int by_name(const void *a, const void *b)
{
    const struct tph_node *const *left = a;
    const struct tph_node *const *right = b;
    return tph_str_cmp((*left)->name, (*right)->name);
}

/* What became of the workflow and each node; the caller frees it. */
static char *outcome(const struct tph_run *run)
{
    size_t n = tph_run_n_nodes(run);
    TPH_CLEANUP(tph_freep) const struct tph_node **list = tph_calloc(n, sizeof(*list));
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    for (size_t i = 0; i < n; i++) {
        list[i] = tph_run_node_at(run, i);
    }
    qsort(list, n, sizeof(struct tph_node *), by_name);
    (void)tph_buf_printf(&text, "%s '%.*s'\n", tph_workflow_phase_name(tph_run_phase(run)),
                         TPH_FMT(tph_run_message(run)));
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(&text, "%.*s %s %s '%.*s' %.*s ", TPH_FMT(list[i]->name),
                             tph_node_type_name(list[i]->type), tph_node_phase_name(list[i]->phase),
                             TPH_FMT(list[i]->message), TPH_FMT(list[i]->progress));
        tph_json_write(list[i]->inputs, TPH_JSON_SORTED, &text);
        tph_json_write(list[i]->outputs, TPH_JSON_SORTED, &text);
        (void)tph_buf_puts(&text, "\n");
    }
    return tph_buf_take(&text, NULL);
}

static uint32_t number_of(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void random_workflows_live_well(void **state)
{
    (void)state;
    enum { RUNS = 10000, SEED = 1, MOST_TOLD = 10 }; /* some seconds; fewer under a sanitizer, see tests/meson.build */
    const char *file = getenv("TIPHYS_PROPERTY_FILE");
    uint32_t first = number_of("TIPHYS_PROPERTY_SEED", SEED);
    uint32_t runs = number_of("TIPHYS_PROPERTY_RUNS", RUNS);
    unsigned failed = 0;
    unsigned features = number_of("TIPHYS_PROPERTY_FEATURES", ALL_FEATURES);
    for (uint32_t i = 0; i < runs && failed < MOST_TOLD; i++) {
        uint32_t seed = first + i;
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
        TPH_CLEANUP(tph_buf_release) struct tph_buf wrong = TPH_BUF_INIT(TPH_MIB(2));
        TPH_CLEANUP(tph_freep) char *yaml = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        if (file && *file) {
            assert_int_equal(tph_fd_read_file(file, &text, &err), 0);
            yaml = tph_buf_take(&text, NULL);
        } else {
            yaml = random_language_workflow(seed, features);
        }
        live(yaml, seed, &wrong);
        if (wrong.len > 0) {
            (void)fprintf(stderr, "seed %u: %s\n%s\n", seed, tph_buf_cstr(&wrong), file ? "" : yaml);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

/* Who waits for room or a lock gets it in the order in which others end, and times and people come in between: so
 * workflows are without those here. */
static void replies_in_another_order_change_nothing(void **state)
{
    (void)state;
    enum { RUNS = 3000, SEED = 1, MOST_TOLD = 5 };
    const unsigned in_turn = HAS_LOCKS | HAS_PARALLELISM | HAS_SUSPEND | HAS_TIMES | HAS_RACES;
    uint32_t first = number_of("TIPHYS_PROPERTY_SEED", SEED);
    uint32_t runs = number_of("TIPHYS_PROPERTY_RUNS", RUNS);
    const struct tph_run_options options = {.objects = NULL};
    unsigned failed = 0;
    for (uint32_t seed = first; seed - first < runs && failed < MOST_TOLD; seed++) {
        uint32_t order = seed;
        TPH_CLEANUP(tph_freep) char *yaml = random_language_workflow(seed, ALL_FEATURES & ~in_turn);
        TPH_CLEANUP(tph_run_freep) struct tph_run *straight = play(yaml, &options, NULL);
        TPH_CLEANUP(tph_run_freep) struct tph_run *crooked = play(yaml, &options, &order);
        TPH_CLEANUP(tph_freep) char *ours = outcome(straight);
        TPH_CLEANUP(tph_freep) char *theirs = outcome(crooked);
        if (strcmp(ours, theirs) != 0) {
            (void)fprintf(stderr, "seed %u\n%s\nin order:\n%s\nin another:\n%s\n", seed, yaml, ours, theirs);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

/* What they found, made small: templates (t0 is the entrypoint) and other members of the spec. */
static const char *const FOUND[] = {
    /* a restored task that could not be made had lost its empty nodeFlag */
    "templates: [{name: t0, dag: {tasks: [{name: a, template: leaf, withParam: no list}]}}, " LEAF "]",
    /* what began after the stop, behind a continueOn, was waited for for ever */
    "templates: [{name: t0, steps: [[{name: a, template: t1, continueOn: {failed: true}}], [{name: b, template: "
    "t1}]]}, "
    "{name: t1, suspend: {}}]",
    /* a failed attempt that is tried again was taken for a failure, and the next group for one that is under way */
    "templates: [{name: t0, failFast: true, steps: [[{name: a, template: t1}], [{name: b, template: leaf}]]}, "
    "{name: t1, retryStrategy: {limit: 3}, plugin: {k: {}}}, " LEAF "]",
    "templates: [{name: t0, failFast: true, steps: [[{name: a, template: leaf, continueOn: {failed: true}}], [{name: "
    "b, "
    "template: leaf}]]}, " LEAF "]",
    /* who waited for room or for a lock came in another order after a restart */
    "parallelism: 3, templates: [{name: t0, dag: {tasks: [{name: a, template: t1, withItems: [a, 1, true]}]}}, {name: "
    "t1, "
    "dag: {tasks: [{name: b, template: leaf}, {name: c, template: leaf}]}}, " LEAF "]",
    "templates: [{name: t0, steps: [[{name: a, template: both}, {name: b, template: t1}, {name: c, template: both}]]}, "
    "{name: t1, steps: [[{name: a, template: two}]]}, {name: two, synchronization: {semaphores: [{configMapKeyRef: "
    "{name: "
    "locks, key: two}}]}, plugin: {k: {}}}, {name: both, synchronization: {mutexes: [{name: m}], semaphores: "
    "[{configMapKeyRef: {name: locks, key: two}}]}, plugin: {k: {}}}]",
    /* status.synchronization was in the order in which nodes were made, which a restart changes */
    "templates: [{name: t0, steps: [[{name: a, template: t1}, {name: b, template: t1}]]}, {name: t1, steps: [[{name: "
    "c, "
    "template: leaf}], [{name: d, template: two, withItems: [1, 2]}]]}, {name: two, synchronization: {semaphores: "
    "[{configMapKeyRef: {name: locks, key: two}}]}, plugin: {k: {}}}, " LEAF "]",
    /* what a DAG could not deliver was a fault of the entrypoint, but not any more after a restart */
    "onExit: leaf, templates: [{name: t0, outputs: {parameters: [{name: o}]}, dag: {tasks: [{name: a, template: "
    "leaf}]}}, " LEAF "]",
    "templates: [{name: t0, steps: [[{name: a, template: leaf}, {name: b, template: t1}]]}, {name: t1, outputs: "
    "{parameters: [{name: o}]}, dag: {tasks: [{name: c, template: leaf}]}}, " LEAF "]",
    /* a step that could not be made when there was room for it ended the group while others ran */
    "templates: [{name: t0, parallelism: 2, steps: [[{name: a, template: t1}, {name: b, template: t1, withItems: [1, "
    "2]}, "
    "{name: c, template: leaf, when: not a condition (}]]}, {name: t1, steps: [[{name: d, template: leaf}]]}, " LEAF
    "]",
    /* begun again when a pause was over: the retry node was ended as Pending, and its attempt begun twice */
    "templates: [{name: t0, steps: [[{name: a, template: leaf}, {name: b, template: t1}]]}, {name: t1, retryStrategy: "
    "{limit: 9, backoff: {duration: '2'}}, plugin: {k: {}}}, " LEAF "]",
    /* an exit handler began for a step that could not be made, in a group that had ended by that, and never ended */
    "templates: [{name: t0, steps: [[{name: a, template: leaf, withParam: '[7, 8]', when: not a condition (, hooks: "
    "{exit: {template: leaf}}}]]}, " LEAF "]",
    /* a task whose hooks are over was unknown to those who asked for it at once after a restart */
    "templates: [{name: t0, parallelism: 1, dag: {tasks: [{name: a, template: leaf, hooks: {exit: {template: leaf}}}, "
    "{name: b, template: leaf, withItems: [1, 2], arguments: {parameters: [{name: p, value: '{{tasks.a.id}}'}]}, "
    "dependencies: [a]}]}}, " LEAF "]",
    /* and those who wait for it came later, and in another order */
    "parallelism: 1, templates: [{name: t0, dag: {tasks: [{name: a, template: t1}, {name: b, template: leaf, hooks: "
    "{exit: {template: leaf}}}, {name: c, template: leaf, depends: '!b.Errored && b.AnySucceeded'}, {name: d, "
    "template: leaf, depends: b}, {name: e, template: leaf, depends: a.Skipped && d.Errored}]}}, {name: t1, dag: "
    "{tasks: [{name: a, template: leaf}, {name: b, template: leaf}]}}, " LEAF "]",
    /* the condition of a hook may be true when asked of an item that is over: after a restart it is not asked again */
    "templates: [{name: t0, parallelism: 1, steps: [[{name: a, template: leaf, withItems: [a, 1], hooks: {h: "
    "{template: leaf, expression: 'steps[\"a\"].status == \"Running\"'}}}]]}, " LEAF "]",
    /* what steps could not deliver was not told of their task when its exit handler ended after a restart */
    "templates: [{name: t0, dag: {tasks: [{name: a, template: t1, hooks: {exit: {template: leaf}}}]}}, {name: t1, "
    "outputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.b.outputs.parameters.o}}'}}]}, steps: [[{name: "
    "b, template: leaf}]]}, " LEAF "]",
};

static void what_was_found_before_lives_well(void **state)
{
    (void)state;
    enum { LIVES = 40 };
    for (size_t i = 0; i < sizeof FOUND / sizeof FOUND[0]; i++) {
        TPH_CLEANUP(tph_freep)
        char *yaml = tph_format(
            "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec: {entrypoint: t0, %s}\n", FOUND[i]);
        for (uint32_t seed = 0; seed < LIVES; seed++) {
            TPH_CLEANUP(tph_buf_release) struct tph_buf wrong = TPH_BUF_INIT(TPH_MIB(2));
            live(yaml, seed, &wrong);
            if (wrong.len > 0) {
                fail_msg("%s\nseed %u: %s", FOUND[i], seed, tph_buf_cstr(&wrong));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_found_before_lives_well),
        cmocka_unit_test(random_workflows_live_well),
        cmocka_unit_test(replies_in_another_order_change_nothing),
    };
    return cmocka_run_group_tests_name("engine/lives", tests, NULL, NULL);
}
