/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a workflow's object by others, while the controller carries it on. */
#include "durable.h"

#include "edit/edit.h"

#define FRONT                                                                                                    \
    "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf, namespace: d, uid: u-1, "            \
    "creationTimestamp: '2026-01-01T00:00:00Z'}\nspec: {entrypoint: m, templates: [{name: p, plugin: {k: {}}}, " \
    "{name: bad, plugin: {k: {phase: Failed}}}, {name: s, suspend: {}}, "
#define ONE   FRONT "{name: m, steps: [[{name: a, template: p}]]}]}\n"
#define PAUSE FRONT "{name: m, steps: [[{name: s, template: s}], [{name: a, template: p}]]}]}\n"
#define FAILS FRONT "{name: m, steps: [[{name: a, template: p}], [{name: b, template: bad}]]}]}\n"

static bool is_called(struct world *w)
{
    return w->n_calls > 0;
}

static bool is_suspended(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, "wf");
    return strstr(text, "\"type\":\"Suspend\"") != NULL;
}

static void check_edit(int failed, const struct tph_error *err)
{
    if (failed < 0) {
        fail_msg("%s", err->text);
    }
}

static void resume(struct tph_json_doc *doc, struct tph_json **object)
{
    struct tph_error err = TPH_ERROR_INIT;
    check_edit(tph_edit_resume(doc, *object, TPH_STR_NONE, TPH_STR_NONE, WALL_MS, object, &err), &err);
}

static void stop(struct tph_json_doc *doc, struct tph_json **object)
{
    struct tph_error err = TPH_ERROR_INIT;
    check_edit(tph_edit_stop(doc, *object, TPH_STR_NONE, TPH_STR_NONE, WALL_MS, object, &err), &err);
}

static void retry(struct tph_json_doc *doc, struct tph_json **object)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *pods = NULL;
    struct tph_edit_retry how = {.now_ms = WALL_MS};
    check_edit(tph_edit_retry(doc, *object, &how, object, &pods, &err), &err);
}

static void label(struct tph_json_doc *doc, struct tph_json **object)
{
    struct tph_json *meta = tph_json_get(*object, "metadata");
    struct tph_json *labels = tph_json_get(meta, "labels");
    if (!labels) {
        labels = tph_json_new_object(doc);
        tph_json_set(doc, meta, "labels", labels);
    }
    tph_json_set_cstr(doc, labels, "seen", "yes");
}

static void assert_labelled(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, "wf");
    assert_non_null(strstr(text, "\"seen\":\"yes\""));
}

static void assert_called(struct world *w, const char *uid, const char *node, unsigned attempt)
{
    TPH_CLEANUP(tph_freep) char *key = tph_format("%s/wf-%u/%u", uid, tph_fnv1a32(tph_str(node)), attempt);
    assert_non_null(tph_map_get(&w->calls, tph_str(key)));
}

static void start_with(struct world *w, const char *yaml)
{
    world_open(w);
    world_put(w, yaml);
    world_start(w);
}

static void a_resumed_one_goes_on(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, PAUSE);
    world_run(&w, is_suspended);
    assert_int_equal(w.n_calls, 0);
    world_edit(&w, "wf", resume);
    world_run(&w, all_is_over);
    assert_phase(&w, "wf", "Succeeded");
    assert_int_equal(w.n_calls, 1);
    world_close(&w);
}

static bool is_over_and_cancelled(struct world *w)
{
    return all_is_over(w) && w->n_cancels > 0;
}

static void a_stopped_one_ends_and_its_plugin_is_told(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.silent = true;
    world_run(&w, is_called);
    world_edit(&w, "wf", stop);
    world_run(&w, is_over_and_cancelled);
    assert_phase(&w, "wf", "Failed");
    assert_int_equal(w.n_cancels, 1);
    world_close(&w);
}

static void fail_it(struct tph_json_doc *doc, struct tph_json **object)
{
    tph_json_set_cstr(doc, tph_json_get(*object, "status"), "phase", "Failed");
}

static void one_that_is_ended_by_an_edit_is_over(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.silent = true;
    world_run(&w, is_called);
    world_edit(&w, "wf", fail_it);
    world_run(&w, is_over_and_cancelled);
    assert_phase(&w, "wf", "Failed");
    assert_int_equal(w.n_cancels, 1);
    world_close(&w);
}

static void of_a_deleted_one_nothing_stays_and_its_plugin_is_told(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.silent = true;
    world_run(&w, is_called);
    assert_int_equal(world_write(&w, TPH_STORE_DELETE, TPH_CONTROLLER_WORKFLOWS, "d", "wf", TPH_STR_NONE), 0);
    world_run(&w, is_over_and_cancelled);
    assert_null(world_text(&w, TPH_CONTROLLER_WORKFLOWS, "wf"));
    assert_null(world_text(&w, TPH_CONTROLLER_TASKS, "wf"));
    world_close(&w);
}

static void one_of_the_same_name_is_another(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.silent = true;
    world_run(&w, is_called);
    w.silent = false;
    assert_int_equal(world_write(&w, TPH_STORE_DELETE, TPH_CONTROLLER_WORKFLOWS, "d", "wf", TPH_STR_NONE), 0);
    TPH_CLEANUP(tph_freep) char *yaml = tph_strdup(ONE);
    strstr(yaml, "u-1")[2] = '2';
    world_put(&w, yaml);
    world_run(&w, all_is_over);
    assert_phase(&w, "wf", "Succeeded");
    assert_called(&w, "u-2", "wf[0].a", 0);
    world_close(&w);
}

/* The call that is under way goes on; its result is taken. */
static void a_label_costs_no_call(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.silent = true;
    world_run(&w, is_called);
    world_edit(&w, "wf", label);
    w.silent = false;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_http_exchange_body(w.held), &doc, NULL), 0);
    plugin_answer(&w, w.held, tph_json_root(doc));
    world_run(&w, all_is_over);
    assert_phase(&w, "wf", "Succeeded");
    assert_int_equal(tph_map_len(&w.calls), 1);
    assert_int_equal(w.n_calls, 2); /* held, and answered: one call */
    assert_int_equal(w.n_again, 0);
    assert_int_equal(w.n_cancels, 0);
    assert_labelled(&w);
    world_close(&w);
}

/* Just before our write: it names another version than there is. */
static void edit_before_the_write(struct world *w, const struct tph_node *node)
{
    static int outcome;
    if (node->type != TPH_NODE_PLUGIN || node->phase != TPH_NODE_SUCCEEDED) {
        return;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_store_change change = {
        .verb = TPH_STORE_UPDATE,
        .key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS), .ns = TPH_STR("d"), .name = TPH_STR("wf")},
        .text = world_edited(w, "wf", label, &text)};
    w->on_node = NULL;
    tph_store_write(w->store, &change, 1, world_written, &outcome);
}

static void a_result_survives_a_conflict(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, ONE);
    w.on_node = edit_before_the_write;
    world_run(&w, all_is_over);
    assert_null(w.on_node);
    assert_phase(&w, "wf", "Succeeded");
    assert_int_equal(w.n_calls, 1);
    assert_labelled(&w);
    world_close(&w);
}

static void a_retry_is_another_attempt(void **state)
{
    (void)state;
    struct world w;
    start_with(&w, FAILS);
    world_run(&w, all_is_over);
    assert_phase(&w, "wf", "Failed");
    assert_int_equal(w.n_calls, 2);
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        if (attempt == 2) { /* also when the retry comes while nobody looks */
            world_crash(&w);
        }
        world_edit(&w, "wf", retry);
        if (attempt == 2) {
            world_start(&w);
        }
        while (tph_controller_n_running(w.controller) == 0) {
            (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
        }
        world_run(&w, all_is_over);
        assert_phase(&w, "wf", "Failed");
        assert_int_equal(w.n_calls, 2 + attempt);
        assert_called(&w, "u-1", "wf[1].b", attempt);
    }
    assert_int_equal(w.n_again, 0);
    world_close(&w);
}

#define LIMIT(n) TPH_STR("{\"data\":{\"most\":\"" n "\"},\"metadata\":{\"name\":\"s\",\"namespace\":\"d\"}}")

static bool one_waits(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, "wf");
    return strstr(text, "Waiting for d/ConfigMap/s/most lock") != NULL;
}

static bool nobody_waits(struct world *w)
{
    return !one_waits(w);
}

/* Who waits for a semaphore has it as soon as its ConfigMap lets more in: nobody else has to move. */
static void a_limit_that_is_raised_counts_at_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    assert_int_equal(world_write(&w, TPH_STORE_CREATE, "configmaps", "d", "s", LIMIT("1")), TPH_STORE_DONE);
    world_put(&w, "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u-1}\nspec: {entrypoint: m, templates: ["
                  "{name: m, steps: [[{name: a, template: l, withItems: [1, 2]}]]}, {name: l, synchronization: "
                  "{semaphores: [{configMapKeyRef: {name: s, key: most}}]}, plugin: {k: {}}}]}\n");
    w.silent = true;
    world_start(&w);
    world_run(&w, one_waits);
    assert_int_equal(world_write(&w, TPH_STORE_UPDATE, "configmaps", "d", "s", LIMIT("2")), TPH_STORE_DONE);
    world_run(&w, nobody_waits);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_one_goes_on),
        cmocka_unit_test(a_stopped_one_ends_and_its_plugin_is_told),
        cmocka_unit_test(one_that_is_ended_by_an_edit_is_over),
        cmocka_unit_test(of_a_deleted_one_nothing_stays_and_its_plugin_is_told),
        cmocka_unit_test(one_of_the_same_name_is_another),
        cmocka_unit_test(a_label_costs_no_call),
        cmocka_unit_test(a_result_survives_a_conflict),
        cmocka_unit_test(a_retry_is_another_attempt),
        cmocka_unit_test(a_limit_that_is_raised_counts_at_once),
    };
    return cmocka_run_group_tests_name("controller/foreign", tests, NULL, NULL);
}
