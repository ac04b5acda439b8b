/* SPDX-License-Identifier: Apache-2.0 */
/* Random workflows of the whole orchestration language, as YAML: steps and DAGs in each other, depends with all result
 * words, loops, conditions, retries, hooks and exit handlers, locks, parallelism, suspend, time-outs, outputs.
 *
 * They compile, but not all that they ask for can be had: references to what is not there, conditions that are none,
 * loops over texts that are no lists. That is what the engine must end well, too. Calls go to later templates only, so
 * every one of them ends. Which features a workflow has is drawn first, so that many have few. */
#pragma once

#include "harness.h"

enum feature {
    HAS_DAG = 1 << 0,
    HAS_STEPS = 1 << 1,
    HAS_LOOPS = 1 << 2,
    HAS_WHEN = 1 << 3,
    HAS_RETRY = 1 << 4,
    HAS_HOOKS = 1 << 5,
    HAS_ONEXIT = 1 << 6,
    HAS_LOCKS = 1 << 7,
    HAS_PARALLELISM = 1 << 8,
    HAS_SUSPEND = 1 << 9,
    HAS_TIMES = 1 << 10,
    HAS_OUTPUTS = 1 << 11,
    HAS_CONTINUE = 1 << 12,
    HAS_LOOP_HOOKS = 1 << 13, /* life-cycle hooks of loops, where other hooks are */
    HAS_RACES = 1 << 14,      /* tasks ask for those that they need not wait for, as lint would not have it */
    ALL_FEATURES = (1 << 15) - 1,
};

struct maker {
    struct tph_buf yaml;
    uint32_t seed;
    unsigned features;
    unsigned n_templates; /* t0, t1, ...: of steps or tasks */
};

static inline bool wants(struct maker *m, enum feature feature, unsigned one_of)
{
    return (m->features & feature) && one_in(&m->seed, one_of);
}

static inline const char *pick(struct maker *m, const char *const *list, size_t n)
{
    return list[next_random(&m->seed) % n];
}
#define PICK(m, ...) \
    pick((m), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A leaf, or a template that comes later. */
static inline const char *put_target(struct maker *m, unsigned template, char room[16])
{
    if (one_in(&m->seed, 4) && template + 1 < m->n_templates) {
        unsigned below = template + 1 + next_random(&m->seed) % (m->n_templates - template - 1);
        (void)snprintf(room, 16, "t%u", below);
        return room;
    }
    if (wants(m, HAS_SUSPEND, 8)) {
        return PICK(m, "pause", "pause", "person");
    }
    if (wants(m, HAS_RETRY, 3)) {
        return PICK(m, "again", "backoff", "asked", "onerror");
    }
    if (wants(m, HAS_LOCKS, 3)) {
        return PICK(m, "mutexed", "counted", "both");
    }
    if (wants(m, HAS_TIMES, 4)) {
        return PICK(m, "timed", "brief");
    }
    return PICK(m, "leaf", "leaf", "giving");
}

static inline void put_loop(struct maker *m)
{
    (void)tph_buf_puts(&m->yaml, PICK(m, ", withItems: [a, 1, true]", ", withItems: [{k: v}, {k: w}]",
                                      ", withItems: []", ", withSequence: {count: '3'}",
                                      ", withSequence: {start: 2, end: 1}", ", withParam: '[1, 2]'",
                                      ", withParam: '{{inputs.parameters.list}}'", ", withParam: 'no list'"));
}

static inline void put_hooks(struct maker *m, const char *word, const char *name, bool is_loop)
{
    bool exit = wants(m, HAS_ONEXIT, 5);
    bool life = wants(m, HAS_HOOKS, 4) && (!is_loop || (m->features & HAS_LOOP_HOOKS));
    if (!exit && !life) {
        return;
    }
    (void)tph_buf_puts(&m->yaml, ", hooks: {");
    if (exit) {
        (void)tph_buf_printf(&m->yaml, "exit: {template: %s%s}%s", PICK(m, "leaf", "giving", "again", "bye"),
                             one_in(&m->seed, 3) ? ", arguments: {parameters: [{name: p, value: x}]}" : "",
                             life ? ", " : "");
    }
    if (life) {
        const char *phase = PICK(m, "Running", "Succeeded", "Failed", "Error");
        (void)tph_buf_printf(&m->yaml, "h: {template: %s, expression: '%s[\"%s\"].status == \"%s\"'}",
                             PICK(m, "leaf", "giving", "bye"), word, name, phase);
    }
    (void)tph_buf_puts(&m->yaml, "}");
}

/* What steps and tasks have in common. before: the name of one that may have ended by then; NULL: none. */
static inline void put_call(struct maker *m, unsigned template, const char *word, const char *name, const char *before)
{
    char room[16];
    (void)tph_buf_printf(&m->yaml, "{name: %s, template: %s", name, put_target(m, template, room));
    if (one_in(&m->seed, 2) && before) {
        (void)tph_buf_printf(&m->yaml, ", arguments: {parameters: [{name: p, value: '{{%s.%s.%s}}'}]}", word, before,
                             PICK(m, "status", "outputs.result", "outputs.parameters.o", "id"));
    } else if (one_in(&m->seed, 2)) {
        (void)tph_buf_printf(&m->yaml, ", arguments: {parameters: [{name: p, value: '%s'}]}",
                             PICK(m, "plain", "{{item}}", "{{inputs.parameters.q}}", "{{= 1 + 1 }}"));
    }
    bool is_loop = wants(m, HAS_LOOPS, 3);
    if (is_loop) {
        put_loop(m);
    }
    if (wants(m, HAS_WHEN, 3)) {
        (void)tph_buf_printf(&m->yaml, ", when: %s",
                             PICK(m, "'true'", "'false'", "\"'{{item}}' == 'a'\"", "'{{inputs.parameters.q}} == q'",
                                  "'not a condition ('"));
    } else if (wants(m, HAS_WHEN, 3) && before) {
        (void)tph_buf_printf(&m->yaml, ", when: '{{%s.%s.status}} == Succeeded'", word, before);
    }
    put_hooks(m, word, name, is_loop);
}

static inline void put_continue_on(struct maker *m)
{
    if (wants(m, HAS_CONTINUE, 3)) {
        (void)tph_buf_printf(&m->yaml, ", continueOn: {%s}",
                             PICK(m, "failed: true", "error: true", "failed: true, error: true"));
    }
}

static inline void put_steps(struct maker *m, unsigned template)
{
    unsigned groups = 1 + next_random(&m->seed) % 3;
    char before[16] = "";
    (void)tph_buf_puts(&m->yaml, "    steps:\n");
    for (unsigned g = 0; g < groups; g++) {
        unsigned members = one_in(&m->seed, 8) ? 0 : 1 + next_random(&m->seed) % 3;
        char first[16] = "";
        (void)tph_buf_puts(&m->yaml, members == 0 ? "    - []\n" : "");
        for (unsigned i = 0; i < members; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "s%u-%u", g, i);
            (void)tph_buf_puts(&m->yaml, i == 0 ? "    - - " : "      - ");
            put_call(m, template, "steps", name, before[0] ? before : NULL);
            put_continue_on(m);
            (void)tph_buf_puts(&m->yaml, "}\n");
            memcpy(first, name, sizeof first);
        }
        memcpy(before, members > 0 ? first : before, sizeof before);
    }
}

/* "a.Succeeded && (!b.Failed || c)" over tasks before this one. */
static inline void put_depends(struct maker *m, unsigned task)
{
    unsigned terms = 1 + next_random(&m->seed) % 3;
    (void)tph_buf_puts(&m->yaml, ", depends: \"");
    for (unsigned i = 0; i < terms; i++) {
        (void)tph_buf_printf(&m->yaml, "%s%sk%u%s", i == 0 ? "" : PICK(m, " && ", " || "),
                             one_in(&m->seed, 6) ? "!" : "", next_random(&m->seed) % task,
                             PICK(m, "", "", ".Succeeded", ".Failed", ".Errored", ".Skipped", ".Omitted", ".Daemoned",
                                  ".AnySucceeded", ".AllFailed"));
    }
    (void)tph_buf_puts(&m->yaml, "\"");
}

static inline void put_dag(struct maker *m, unsigned template)
{
    unsigned tasks = 1 + next_random(&m->seed) % 5;
    bool depends = one_in(&m->seed, 2);
    (void)tph_buf_puts(&m->yaml, "    dag:\n");
    if (one_in(&m->seed, 4)) {
        (void)tph_buf_puts(&m->yaml, "      failFast: false\n");
    }
    if (one_in(&m->seed, 6)) {
        (void)tph_buf_printf(&m->yaml, "      target: k%u\n", next_random(&m->seed) % tasks);
    }
    (void)tph_buf_puts(&m->yaml, "      tasks:\n");
    for (unsigned i = 0; i < tasks; i++) {
        char name[16];
        char before[16];
        (void)snprintf(name, sizeof name, "k%u", i);
        (void)snprintf(before, sizeof before, "k%u", i > 0 ? i - 1 : 0);
        bool waits = i > 0 && !one_in(&m->seed, 3);
        (void)tph_buf_puts(&m->yaml, "      - ");
        put_call(m, template, "tasks", name, waits && (!depends || (m->features & HAS_RACES)) ? before : NULL);
        if (waits && depends) {
            put_depends(m, i);
        } else if (waits) {
            (void)tph_buf_printf(&m->yaml, ", dependencies: [k%u%s]", i - 1,
                                 i > 1 && one_in(&m->seed, 2) ? ", k0" : "");
        }
        if (!depends) {
            put_continue_on(m);
        }
        (void)tph_buf_puts(&m->yaml, "}\n");
    }
}

static inline void put_options(struct maker *m, unsigned template)
{
    if (wants(m, HAS_PARALLELISM, 3)) {
        (void)tph_buf_printf(&m->yaml, "    parallelism: %u\n", 1 + next_random(&m->seed) % 2);
    }
    if (wants(m, HAS_PARALLELISM, 4)) {
        (void)tph_buf_puts(&m->yaml, "    failFast: true\n");
    }
    if (wants(m, HAS_RETRY, 6)) {
        (void)tph_buf_printf(&m->yaml, "    retryStrategy: {limit: 1%s}\n", PICK(m, "", ", retryPolicy: Always"));
    }
    if (wants(m, HAS_LOCKS, 8)) {
        /* one lock a template: of those in each other nobody waits for what is held around it */
        (void)tph_buf_printf(
            &m->yaml, "    synchronization: {semaphores: [{configMapKeyRef: {name: locks, key: t%u}}]}\n", template);
    }
    if (wants(m, HAS_TIMES, 6)) {
        (void)tph_buf_printf(&m->yaml, "    %s\n", PICK(m, "timeout: 9s", "activeDeadlineSeconds: 8"));
    }
}

static inline void put_outputs(struct maker *m, bool dag)
{
    const char *word = dag ? "tasks.k0" : "steps.s0-0";
    if (wants(m, HAS_OUTPUTS, 2)) {
        (void)tph_buf_printf(&m->yaml, "    outputs: {parameters: [{name: o, %svalueFrom: {%s: '%s%s.%s%s'%s}}]}\n",
                             PICK(m, "", "globalName: g, "), "parameter", PICK(m, "{{", "{{"), word,
                             PICK(m, "outputs.result", "outputs.parameters.o", "status"), "}}",
                             PICK(m, "", ", default: d"));
    }
}

#define RANDOM_LEAVES                                                                                               \
    "  - {name: leaf, inputs: {parameters: [{name: p, default: x}]}, plugin: {k: '{{inputs.parameters.p}}'}}\n"     \
    "  - {name: giving, plugin: {k: '{{workflow.name}} {{node.name}}'}, outputs: {parameters: [{name: o, "          \
    "valueFrom: {default: v}}]}}\n"                                                                                 \
    "  - {name: bye, steps: [[{name: a, template: leaf}], [{name: b, template: leaf}]]}\n"                          \
    "  - {name: timed, timeout: 3s, plugin: {k: {}}}\n"                                                             \
    "  - {name: brief, activeDeadlineSeconds: 2, timeout: '4', plugin: {k: {}}}\n"                                  \
    "  - {name: pause, suspend: {duration: '2'}}\n"                                                                 \
    "  - {name: person, suspend: {}, outputs: {parameters: [{name: o, valueFrom: {supplied: {}, default: s}}]}}\n"  \
    "  - {name: again, retryStrategy: {limit: 2}, plugin: {k: '{{retries}}'}}\n"                                    \
    "  - {name: backoff, retryStrategy: {limit: 2, backoff: {duration: '2', factor: 2, maxDuration: 9s}}, plugin: " \
    "{k: {}}}\n"                                                                                                    \
    "  - {name: asked, retryStrategy: {limit: 3, expression: 'asInt(retries) < 1'}, plugin: {k: {}}}\n"             \
    "  - {name: onerror, retryStrategy: {limit: 1, retryPolicy: OnError}, plugin: {k: {}}}\n"                       \
    "  - {name: mutexed, synchronization: {mutexes: [{name: m}]}, plugin: {k: {}}}\n"                               \
    "  - {name: counted, synchronization: {semaphores: [{configMapKeyRef: {name: locks, key: two}}]}, plugin: {k: " \
    "{}}}\n"                                                                                                        \
    "  - {name: both, synchronization: {mutexes: [{name: m}], semaphores: [{configMapKeyRef: {name: locks, key: "   \
    "two}}]}, plugin: {k: {}}}\n"

static inline void put_spec(struct maker *m)
{
    (void)tph_buf_puts(&m->yaml, "spec:\n  entrypoint: t0\n  arguments: {parameters: [{name: a, value: b}]}\n");
    if (wants(m, HAS_ONEXIT, 3)) {
        (void)tph_buf_printf(&m->yaml, "  onExit: %s\n", PICK(m, "leaf", "bye", "again"));
    }
    if (wants(m, HAS_HOOKS, 4)) {
        (void)tph_buf_printf(&m->yaml, "  hooks: {w: {template: leaf, expression: 'workflow.status == \"%s\"'}}\n",
                             PICK(m, "Running", "Failed", "Succeeded"));
    }
    if (wants(m, HAS_PARALLELISM, 3)) {
        (void)tph_buf_printf(&m->yaml, "  parallelism: %u\n", 1 + next_random(&m->seed) % 3);
    }
    if (wants(m, HAS_TIMES, 3)) {
        (void)tph_buf_puts(&m->yaml, "  activeDeadlineSeconds: 20\n");
    }
    if (wants(m, HAS_LOCKS, 5)) {
        (void)tph_buf_puts(&m->yaml, "  synchronization: {mutexes: [{name: w}]}\n");
    }
}

/* The caller frees it. */
static inline char *random_language_workflow(uint32_t seed, unsigned allowed)
{
    struct maker m = {.yaml = TPH_BUF_INIT(TPH_MIB(1)), .seed = seed};
    (void)next_random(&m.seed);
    m.features = (next_random(&m.seed) & next_random(&m.seed) & allowed) | (allowed & (HAS_LOOP_HOOKS | HAS_RACES));
    m.features |= (one_in(&m.seed, 2) ? HAS_DAG : HAS_STEPS) & allowed;
    m.n_templates = 1 + next_random(&m.seed) % 3;
    (void)tph_buf_puts(&m.yaml, "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\n");
    put_spec(&m);
    (void)tph_buf_puts(&m.yaml, "  templates:\n" RANDOM_LEAVES);
    for (unsigned t = 0; t < m.n_templates; t++) {
        bool dag = (m.features & HAS_DAG) && (!(m.features & HAS_STEPS) || one_in(&m.seed, 2));
        (void)tph_buf_printf(&m.yaml,
                             "  - name: t%u\n    inputs: {parameters: [{name: q, default: q}, {name: list, "
                             "default: '[7, 8]'}]}\n",
                             t);
        put_options(&m, t);
        put_outputs(&m, dag);
        if (dag) {
            put_dag(&m, t);
        } else {
            put_steps(&m, t);
        }
    }
    return tph_buf_take(&m.yaml, NULL);
}
