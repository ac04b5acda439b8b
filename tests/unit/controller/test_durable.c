/* SPDX-License-Identifier: Apache-2.0 */
/* The durable controller: what is in the store, when, and what comes of a crash at any moment. */
#include "durable.h"

#include "../engine/random_workflow.h"

#define ONE                                                                                                           \
    "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: one, namespace: d, uid: u-1, "                \
    "creationTimestamp: '2026-01-01T00:00:00Z'}\nspec: {entrypoint: m, templates: [{name: m, plugin: {k: {polls: 2, " \
    "result: hi}}}]}\n"

static void a_workflow_of_the_store_runs_to_its_end(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_put(&w, ONE);
    world_start(&w);
    world_run(&w, all_is_over);
    assert_phase(&w, "one", "Succeeded");
    assert_int_equal(w.n_calls, 3);
    assert_int_equal(tph_map_len(&w.calls), 1);
    assert_non_null(tph_map_get(&w.calls, TPH_STR("u-1/one/0")));
    assert_null(world_text(&w, TPH_CONTROLLER_TASKS, "one"));
    world_close(&w);
}

static void one_that_comes_later_is_seen(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    world_put(&w, ONE);
    world_run(&w, all_is_over);
    assert_phase(&w, "one", "Succeeded");
    world_close(&w);
}

static void what_cannot_run_says_why_and_stops_nobody(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_put(&w, "kind: Workflow\nmetadata: {name: bad, namespace: d, uid: u-2}\nspec: {entrypoint: nope, templates: "
                  "[{name: m, plugin: {k: {}}}]}\n");
    world_put(&w,
              "kind: Workflow\nmetadata: {name: odd, namespace: d, uid: u-3}\nspec: {entrypoint: [], templates: 7}\n");
    world_put(&w, ONE);
    world_start(&w);
    world_run(&w, all_is_over);
    assert_phase(&w, "one", "Succeeded");
    assert_phase(&w, "bad", "Failed");
    assert_phase(&w, "odd", "Failed");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *bad = world_object(&w, "bad");
    TPH_CLEANUP(tph_freep) char *message = tph_str_dup(status_of(bad, "message"));
    assert_string_equal(message, "invalid spec: template name 'nope' undefined");
    world_close(&w);
}

static void without_plugins_a_node_says_how_to_have_them(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.executor_plugins = false;
    world_put(&w, ONE);
    world_start(&w);
    world_run(&w, all_is_over);
    assert_phase(&w, "one", "Error");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = world_object(&w, "one");
    assert_true(tph_str_find(status_of(doc, "message"), TPH_STR("ARGO_EXECUTOR_PLUGINS=true")) >= 0);
    assert_int_equal(w.n_calls, 0);
    world_close(&w);
}

/* ---- crashes ---- */

/* Times are of the clock, which stands still; the conditions count Argo's passes. */
static char *end_of(struct world *w, const char *name)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = world_object(w, name);
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_json_remove(tph_json_get(tph_json_root(doc), "status"), "conditions");
    tph_json_write(tph_json_root(doc), TPH_JSON_SORTED, &text);
    return tph_buf_take(&text, NULL);
}

static bool crashed_or_over(struct world *w)
{
    return w->crashed || all_is_over(w);
}

static const struct tph_json *nothing(void *owner, enum tph_object_kind kind, struct tph_str name)
{
    (void)owner;
    (void)kind;
    (void)name;
    return NULL;
}

/* Objects that are given were looked at before: no lint, which has much to say of random workflows. */
static const struct tph_run_objects *no_objects(void *owner, struct tph_str ns)
{
    static const struct tph_run_objects none = {.find = nothing};
    (void)owner;
    (void)ns;
    return &none;
}

/* Runs a workflow, with a crash after every so many writes, or answers, of each life; its end. */
static char *live(const char *yaml, const char *name, unsigned crash_at, unsigned crash_call, unsigned *ret_lives,
                  unsigned *ret_again)
{
    enum { MOST_LIVES = 2000 };
    struct world w;
    world_open(&w);
    world_put(&w, yaml);
    w.crash_at = crash_at;
    w.options.objects = no_objects;
    *ret_lives = 0;
    do {
        w.crash_call = crash_call > 0 ? crash_call + *ret_lives : 0; /* or none might ever get further */
        world_start(&w);
        world_run(&w, crashed_or_over);
        if (w.crashed) {
            world_crash(&w);
        }
        assert_true(++*ret_lives < MOST_LIVES);
    } while (w.crashed);
    char *end = end_of(&w, name);
    assert_null(world_text(&w, TPH_CONTROLLER_TASKS, name));
    *ret_again = w.n_again;
    world_close(&w);
    return end;
}

static void a_crash_after_any_write_changes_nothing(void **state)
{
    (void)state;
    enum { RUNS = 40 };
    const unsigned features = ALL_FEATURES & ~(HAS_SUSPEND | HAS_TIMES | HAS_RACES | HAS_RETRY | HAS_PARALLELISM |
                                               HAS_LOCKS | HAS_LOOP_HOOKS);
    unsigned lives = 0;
    unsigned again = 0;
    unsigned most_lives = 0;
    unsigned sent_again = 0;
    for (uint32_t seed = 1; seed <= RUNS; seed++) {
        TPH_CLEANUP(tph_freep) char *yaml = random_language_workflow(seed, features);
        TPH_CLEANUP(tph_freep) char *straight = live(yaml, "wf", 0, 0, &lives, &again);
        assert_int_equal(lives, 1);
        assert_int_equal(again, 0);
        for (unsigned at = 1; at <= 6; at++) { /* the first write or answer of a life, the second, the third */
            TPH_CLEANUP(tph_freep)
            char *crooked = live(yaml, "wf", at <= 3 ? at : 0, at <= 3 ? 0 : at - 2, &lives, &again);
            if (strcmp(straight, crooked) != 0) {
                fail_msg("seed %u, crash at %u\n%s\n%s\n%s", seed, at, yaml, straight, crooked);
            }
            most_lives = lives > most_lives ? lives : most_lives;
            sent_again += again;
        }
    }
    assert_true(most_lives > 10); /* or nothing was shown */
    assert_true(sent_again > 0);
}

static uint64_t version_of(struct world *w, const char *resource, const char *name)
{
    TPH_CLEANUP(tph_store_object_release) struct tph_store_object object = TPH_STORE_OBJECT_INIT;
    struct tph_store_key key = {.resource = tph_str(resource), .ns = TPH_STR("d"), .name = tph_str(name)};
    assert_int_equal(tph_store_get(w->store, &key, 0, &object, NULL), 0);
    return object.version;
}

/* A step that says Succeeded has its memo: whoever comes next finds it, whenever the crash is. */
static void a_memo_is_there_before_its_node_says_so(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_put(&w, "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u-1}\nspec: {entrypoint: m, templates: ["
                  "{name: m, memoize: {key: one, maxAge: 1h, cache: {configMap: {name: memo}}}, plugin: {k: {}}}]}\n");
    world_start(&w);
    world_run(&w, all_is_over);
    assert_phase(&w, "wf", "Succeeded");
    TPH_CLEANUP(tph_freep) char *memo = world_text(&w, "configmaps", "memo");
    assert_non_null(memo);
    assert_non_null(strstr(memo, "\"one\":"));
    assert_non_null(strstr(memo, "\"uid\":"));
    assert_true(version_of(&w, "configmaps", "memo") < version_of(&w, TPH_CONTROLLER_WORKFLOWS, "wf"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workflow_of_the_store_runs_to_its_end),
        cmocka_unit_test(one_that_comes_later_is_seen),
        cmocka_unit_test(what_cannot_run_says_why_and_stops_nobody),
        cmocka_unit_test(without_plugins_a_node_says_how_to_have_them),
        cmocka_unit_test(a_crash_after_any_write_changes_nothing),
        cmocka_unit_test(a_memo_is_there_before_its_node_says_so),
    };
    return cmocka_run_group_tests_name("controller/durable", tests, NULL, NULL);
}
