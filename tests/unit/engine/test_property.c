/* SPDX-License-Identifier: Apache-2.0 */
/* Properties over random workflows and random events.
 *
 * - A run that is restored from its saved object after every event does the same as one that goes on, action for
 * action.
 * - The same events give the same actions, byte for byte.
 * - Replies that come twice, late or in another order change nothing.
 * - In the end every node is final, and a final phase never changed. */
#include "harness.h"

enum { MOST_NODES = 400 };

/* How many workflows: TIPHYS_PROPERTY_RUNS, or so many that all of this takes a second or two. */
static long n_workflows(void)
{
    enum { RUNS = 1500 };
    const char *text = getenv("TIPHYS_PROPERTY_RUNS");
    long runs = text && *text ? strtol(text, NULL, 10) : RUNS;
    assert_true(runs > 0);
    return runs;
}

/* Where the random numbers begin: TIPHYS_PROPERTY_SEED gives others. What was found is found again by the same two. */
static uint32_t first_seed(uint32_t seed)
{
    const char *text = getenv("TIPHYS_PROPERTY_SEED");
    return seed + (text && *text ? (uint32_t)strtoul(text, NULL, 10) : 0);
}

/* A text for an argument: plain, or with tags that are known, unknown, nested or brought by values. */
static void put_value(struct tph_buf *yaml, uint32_t *seed, unsigned group)
{
    static const char *const values[] = {
        "plain",
        "{{workflow.name}}-{{node.name}}",
        "{{workflow.parameters.tagged}}",
        "{{workflow.parameters.{{workflow.parameters.which}}}}",
        "{{inputs.parameters.q}}",
        "{{unknown}} {{ {",
        "{{workflow.creationTimestamp}} {{workflow.labels.json}}",
    };
    static const char *const references[] = {
        "status",    "id",        "outputs.result", "outputs.parameters.o", "exitCode", "outputs.parameters.never",
        "startedAt", "finishedAt"};
    if (group > 0 && one_in(seed, 2)) {
        const char *what = references[next_random(seed) % (one_in(seed, 10) ? 8 : 2)];
        (void)tph_buf_printf(yaml, "{{steps.s%u-0.%s}}", next_random(seed) % group, what);
    } else {
        (void)tph_buf_puts(yaml, values[next_random(seed) % 7]);
    }
}

static void put_step(struct tph_buf *yaml, uint32_t *seed, unsigned template, unsigned n_templates)
{
    unsigned what = next_random(seed) % 8;
    if (what < 2 && template + 1 < n_templates) {
        unsigned below = template + 1 + next_random(seed) % (n_templates - template - 1);
        (void)tph_buf_printf(yaml, "template: t%u", below);
    } else {
        static const char *const leaves[] = {"leaf", "leaf", "leaf", "timed", "brief", "exporting", "picky"};
        (void)tph_buf_printf(yaml, "template: %s", leaves[next_random(seed) % 7]);
    }
}

static void put_group(struct tph_buf *yaml, uint32_t *seed, unsigned group, unsigned template, unsigned n_templates)
{
    unsigned members = one_in(seed, 8) ? 0 : 1 + next_random(seed) % 3;
    (void)tph_buf_puts(yaml, members == 0 ? "    - []\n" : "");
    for (unsigned m = 0; m < members; m++) {
        (void)tph_buf_printf(yaml, "    %s {name: s%u-%u, ", m == 0 ? "- -" : "  -", group, m);
        put_step(yaml, seed, template, n_templates);
        (void)tph_buf_puts(yaml, ", arguments: {parameters: [{name: p, value: '");
        put_value(yaml, seed, group);
        (void)tph_buf_puts(yaml, "'}]}}\n");
    }
}

/* Steps templates that call plugins and later templates, never earlier ones. */
static char *random_workflow(uint32_t *seed)
{
    struct tph_buf yaml = TPH_BUF_INIT(TPH_MIB(1));
    unsigned n = 1 + next_random(seed) % 4;
    (void)tph_buf_printf(
        &yaml,
        "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u, labels: {a: b}}\nspec:\n  entrypoint: %s\n  "
        "arguments: {parameters: [{name: tagged, value: "
        "'{{workflow.uid}} \"'}, {name: which, value: tagged}]}\n%s  templates:\n"
        "  - {name: leaf, inputs: {parameters: [{name: p, default: x}]}, plugin: {k: '{{inputs.parameters.p}}'}}\n"
        "  - {name: timed, timeout: 3s, plugin: {k: {}}}\n"
        "  - {name: brief, activeDeadlineSeconds: 2, timeout: '4', plugin: {k: {}}}\n"
        "  - {name: exporting, inputs: {parameters: [{name: p}]}, plugin: {k: '{{inputs.parameters.p}} "
        "{{workflow.outputs.parameters.g}}'}}\n"
        "  - {name: picky, inputs: {parameters: [{name: p}]}, annotations: {workflows.argoproj.io/display-name: "
        "'x-{{inputs.parameters.p}}'}, plugin: {k: ''}}\n",
        one_in(seed, 10) ? "timed" : "t0", one_in(seed, 5) ? "  activeDeadlineSeconds: 20\n" : "");
    for (unsigned t = 0; t < n; t++) {
        (void)tph_buf_printf(&yaml, "  - name: t%u\n    inputs: {parameters: [{name: q, default: q}]}\n    steps:\n",
                             t);
        unsigned groups = 1 + next_random(seed) % 3;
        for (unsigned g = 0; g < groups; g++) {
            put_group(&yaml, seed, g, t, n);
        }
        static const char *const outputs[] = {
            "",
            "    outputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.s0-0.outputs.result}}', default: "
            "d}}]}\n",
            "    outputs: {parameters: [{name: o, globalName: g, valueFrom: {parameter: steps.s0-0.id, default: "
            "''}}]}\n",
            "    outputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.s0-0.outputs.result}}'}}]}\n"};
        (void)tph_buf_puts(&yaml, outputs[next_random(seed) % 4]);
    }
    return tph_buf_take(&yaml, NULL);
}

/* What the world does next, as plain data, so that it can be done twice. */
struct step {
    enum tph_event_kind kind;
    size_t node;
    uint32_t attempt;
    const char *phase, *outputs;
    int64_t after_ms;
};

static struct step random_step(const struct tph_run *run, uint32_t *seed)
{
    static const char *const phases[] = {"Succeeded", "Succeeded", "Succeeded", "Succeeded", "Succeeded",
                                         "Running",   "Pending",   "Failed",    "Error",     "Skipped",
                                         "Omitted",   "Foo",       ""};
    static const char *const outputs[] = {
        NULL, "{\"result\":\"1\"}",
        "{\"result\":\"{{workflow.name}}\",\"exitCode\":\"0\",\"parameters\":[{\"name\":\"o\",\"value\":\"v\"}]}",
        "{\"parameters\":[{\"name\":\"o\",\"value\":2,\"globalName\":\"g\"}],\"zip\":1}", "{}"};
    struct step s = {.kind = TPH_EVENT_REPLY, .after_ms = next_random(seed) % 900};
    s.after_ms += one_in(seed, 20) ? 3000 : 0;
    s.node = next_random(seed) % tph_run_n_nodes(run);
    s.attempt = one_in(seed, 20) ? 1 : 0;
    s.phase = phases[next_random(seed) % 13];
    s.outputs = outputs[next_random(seed) % 5];
    switch (next_random(seed) % 40) {
    case 0:
    case 1:
        s.kind = TPH_EVENT_TIMER;
        break;
    case 2:
        s.kind = one_in(seed, 2) ? TPH_EVENT_STOP : TPH_EVENT_TERMINATE;
        break;
    default:
        break;
    }
    return s;
}

static struct tph_actions take_step(struct tph_run *run, const struct step *s, struct tph_str node_id, int64_t now_ms)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (s->outputs) {
        assert_int_equal(tph_json_parse(tph_str(s->outputs), &doc, NULL), 0);
    }
    struct tph_task_result result = {
        .phase = tph_str(s->phase), .message = TPH_STR("m"), .outputs = s->outputs ? tph_json_root(doc) : NULL};
    struct tph_event event = {.kind = s->kind, .node_id = node_id, .attempt = s->attempt, .result = &result};
    struct tph_actions actions;
    tph_run_apply(run, &event, now_ms, &actions);
    return actions;
}

static void assert_same_actions(const struct tph_actions *a, const struct tph_actions *b)
{
    TPH_CLEANUP(tph_freep) char *ours = actions_text(a);
    TPH_CLEANUP(tph_freep) char *theirs = actions_text(b);
    assert_string_equal(ours, theirs);
}

/* Both are started again: the same tasks are sent. */
static void assert_same_pending(struct tph_run *run, struct tph_run *copy, int64_t now_ms)
{
    struct tph_actions ours = apply_at(run, TPH_EVENT_START, now_ms);
    struct tph_actions theirs = apply_at(copy, TPH_EVENT_START, now_ms);
    assert_same_actions(&ours, &theirs);
}

static void every_node_is_final(const struct tph_run *run)
{
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        assert_true(tph_node_phase_is_final(tph_run_node_at(run, i)->phase));
    }
}

/* One random life; a copy that is restored before every event goes along. */
static void live(uint32_t *seed, const struct tph_run_options *options)
{
    enum { EVENTS = 60 };
    TPH_CLEANUP(tph_freep) char *yaml = random_workflow(seed);
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run_with(yaml, options);
    int64_t now_ms = START_MS + next_random(seed) % 1000;
    (void)apply_at(run, TPH_EVENT_START, now_ms);
    for (int e = 0; e < EVENTS && tph_run_phase(run) == TPH_WORKFLOW_RUNNING; e++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored_with(run, options);
        assert_same_object(run, copy);
        assert_same_pending(run, copy, now_ms);
        struct step s = random_step(run, seed);
        const struct tph_node *node = tph_run_node_at(run, s.node);
        bool was_final = tph_node_phase_is_final(node->phase);
        enum tph_node_phase before = node->phase;
        now_ms += s.after_ms;
        struct tph_actions ours = take_step(run, &s, node->id, now_ms);
        struct tph_actions theirs = take_step(copy, &s, node->id, now_ms);
        assert_same_actions(&ours, &theirs);
        assert_same_object(run, copy);
        assert_true(!was_final || node->phase == before);
    }
    if (tph_run_phase(run) == TPH_WORKFLOW_RUNNING) {
        (void)apply_at(run, TPH_EVENT_TERMINATE, now_ms);
    }
    assert_int_not_equal(tph_run_phase(run), TPH_WORKFLOW_RUNNING);
    if (!options->compatibility_argo) { /* Argo leaves nodes behind where one timed out */
        every_node_is_final(run);
    }
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored_with(run, options);
    assert_same_object(run, copy);
    assert_int_equal(apply_at(copy, TPH_EVENT_START, now_ms).n, 0);
}

static void a_restored_run_does_what_the_running_one_does(void **state)
{
    (void)state;
    uint32_t seed = first_seed(42);
    for (long left = n_workflows(); left > 0; left--) {
        /* times count from whole seconds: milliseconds are not kept, and a restored run would be later */
        live(&seed, &(struct tph_run_options){.compatibility_argo = one_in(&seed, 4), .compat = TPH_COMPAT_SECONDS});
    }
}

/* What the plugin of a node says is a matter of the node's name only. */
static struct step answer_of(const struct tph_node *node)
{
    uint32_t seed = 0;
    for (size_t i = 0; i < node->name.len; i++) {
        seed = seed * 31 + (uint8_t)node->name.p[i];
    }
    struct step s = {.kind = TPH_EVENT_REPLY, .phase = one_in(&seed, 12) ? "Failed" : "Succeeded"};
    s.outputs = one_in(&seed, 3) ? NULL : "{\"result\":\"1\",\"parameters\":[{\"name\":\"o\",\"value\":\"v\"}]}";
    return s;
}

enum order { IN_ORDER, SHUFFLED };

/* Plays a workflow to its end at one time; with SHUFFLED replies come in random order, twice, and again later. */
static struct tph_run *play(const char *yaml, enum order order, uint32_t *seed)
{
    struct tph_run *run = make_run(yaml);
    const struct tph_node *waiting[MOST_NODES];
    const struct tph_node *answered[MOST_NODES];
    size_t n = 0;
    size_t n_answered = 0;
    struct tph_actions actions = start(run);
    for (;;) {
        for (size_t i = 0; i < actions.n; i++) {
            if (actions.list[i].kind == TPH_ACTION_START_TASK) {
                assert_true(n < MOST_NODES);
                waiting[n++] = actions.list[i].node;
            }
        }
        if (n == 0) {
            return run;
        }
        size_t at = order == SHUFFLED ? next_random(seed) % n : 0;
        const struct tph_node *node = waiting[at];
        memmove(&waiting[at], &waiting[at + 1], (--n - at) * sizeof(waiting[0]));
        struct step s = answer_of(node);
        if (order == SHUFFLED && n_answered > 0) {
            const struct tph_node *old = answered[next_random(seed) % n_answered];
            struct step late = answer_of(old);
            late.phase = one_in(seed, 2) ? late.phase : "Error";
            assert_int_equal(take_step(run, &late, old->id, START_MS).n, 0);
        }
        answered[n_answered++] = node;
        actions = take_step(run, &s, node->id, START_MS);
    }
}

static void replies_twice_late_or_in_another_order_change_nothing(void **state)
{
    (void)state;
    uint32_t seed = first_seed(7);
    for (long left = n_workflows(); left > 0; left--) {
        TPH_CLEANUP(tph_freep) char *yaml = random_workflow(&seed);
        TPH_CLEANUP(tph_run_freep) struct tph_run *straight = play(yaml, IN_ORDER, &seed);
        TPH_CLEANUP(tph_run_freep) struct tph_run *crooked = play(yaml, SHUFFLED, &seed);
        every_node_is_final(straight);
        if (!strstr(yaml, "globalName")) { /* of two that export one name the last wins */
            assert_same_object(straight, crooked);
        }
    }
}

static void the_same_events_give_the_same_actions(void **state)
{
    (void)state;
    enum { EVENTS = 30 };
    uint32_t seed = first_seed(99);
    for (long left = n_workflows(); left > 0; left--) {
        TPH_CLEANUP(tph_freep) char *yaml = random_workflow(&seed);
        TPH_CLEANUP(tph_run_freep) struct tph_run *one = make_run(yaml);
        TPH_CLEANUP(tph_run_freep) struct tph_run *two = make_run(yaml);
        int64_t now_ms = START_MS;
        assert_same_pending(one, two, now_ms);
        for (int e = 0; e < EVENTS; e++) {
            struct step s = random_step(one, &seed);
            struct tph_str id = tph_run_node_at(one, s.node)->id;
            now_ms += s.after_ms;
            struct tph_actions ours = take_step(one, &s, id, now_ms);
            struct tph_actions theirs = take_step(two, &s, id, now_ms);
            assert_same_actions(&ours, &theirs);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_run_does_what_the_running_one_does),
        cmocka_unit_test(replies_twice_late_or_in_another_order_change_nothing),
        cmocka_unit_test(the_same_events_give_the_same_actions),
    };
    return cmocka_run_group_tests_name("engine/property", tests, NULL, NULL);
}
