/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are made anew from objects that somebody edited, as the controller does when one is written. */
#include "edit/edit.h"
#include "unit/engine/harness.h"

typedef int edit_fn(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                    struct tph_error *err);

static struct tph_run *edited(const struct tph_run *run, edit_fn *edit)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_run_options options = {.compatibility_argo = false};
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = NULL;
    struct tph_run *made = NULL;
    if (edit(doc, tph_run_object(run, doc), &object, &err) < 0 ||
        tph_run_new(object, &options, &made, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return made;
}

static int retry(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                 struct tph_error *err)
{
    struct tph_json *pods = NULL;
    struct tph_edit_retry how = {.now_ms = START_MS + 10000};
    return tph_edit_retry(doc, object, &how, ret_edited, &pods, err);
}

static int stop(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                struct tph_error *err)
{
    return tph_edit_stop(doc, object, TPH_STR_NONE, TPH_STR_NONE, START_MS, ret_edited, err);
}

static int suspend(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                   struct tph_error *err)
{
    return tph_edit_suspend(doc, object, ret_edited, err);
}

static int terminate(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                     struct tph_error *err)
{
    return tph_edit_terminate(doc, object, ret_edited, err);
}

#define LOOP(more)                                                                                           \
    WORKFLOW LEAF ", {name: m, " more "steps: [[{name: a, template: leaf, withItems: [u, v, w], arguments: " \
                  "{parameters: [{name: p, value: '{{item}}'}]}}], [{name: b, template: leaf, arguments: "   \
                  "{parameters: [{name: p, value: '{{steps.a.outputs.result}}'}]}}]]}" END

static struct tph_actions result(struct tph_run *run, const char *name, const char *text)
{
    TPH_CLEANUP(tph_freep) char *outputs = tph_format("{\"result\": \"%s\"}", text);
    return reply_with(run, id_of(run, name), "Succeeded", outputs);
}

/* What the loop gave stands in the order of its items, whichever of them ran again. */
static void check_retried_loop(const char *yaml)
{
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(yaml);
    (void)start(run);
    (void)result(run, "wf[0].a(0:u)", "1");
    (void)reply(run, id_of(run, "wf[0].a(1:v)"), "Failed", "no");
    (void)result(run, "wf[0].a(2:w)", "3");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    TPH_CLEANUP(tph_run_freep) struct tph_run *second = edited(run, retry);
    assert_false(has_node(second, "wf[0].a(1:v)"));
    assert_int_equal(count(start(second), TPH_ACTION_START_TASK), 1);
    assert_int_equal(tph_run_phase(second), TPH_WORKFLOW_RUNNING);
    TPH_CLEANUP(tph_run_freep) struct tph_run *third = restored(second);
    (void)start(third);
    assert_task(result(second, "wf[0].a(1:v)", "2"), "wf[1].b", "[1,2,3]");
    assert_task(result(third, "wf[0].a(1:v)", "2"), "wf[1].b", "[1,2,3]");
    (void)result(third, "wf[1].b", "4");
    assert_int_equal(tph_run_phase(third), TPH_WORKFLOW_SUCCEEDED);
}

static void an_item_that_failed_runs_again_in_its_place(void **state)
{
    (void)state;
    check_retried_loop(LOOP(""));
    check_retried_loop(LOOP("parallelism: 1, "));
    check_retried_loop(LOOP("parallelism: 2, "));
}

static void a_loop_of_a_dag_runs_its_failed_items_again(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, dag: {tasks: [{name: a, template: leaf, withItems: [u, v]}, {name: b, "
                               "template: leaf, depends: a, arguments: {parameters: [{name: p, value: "
                               "'{{tasks.a.outputs.result}}'}]}}]}}" END);
    (void)start(run);
    (void)reply(run, id_of(run, "wf.a(0:u)"), "Failed", "no");
    (void)result(run, "wf.a(1:v)", "2");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = edited(run, retry);
    assert_int_equal(count(start(again), TPH_ACTION_START_TASK), 1);
    assert_task(result(again, "wf.a(0:u)", "1"), "wf.b", "[1,2]");
}

static void a_run_that_is_stopped_in_its_object_ends(void **state)
{
    (void)state;
    static const struct {
        edit_fn *edit;
        enum tph_event_kind kind;
    } rows[] = {{stop, TPH_EVENT_STOP}, {terminate, TPH_EVENT_TERMINATE}};
    for (size_t i = 0; i < 2; i++) {
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(LOOP(""));
        (void)start(run);
        TPH_CLEANUP(tph_run_freep) struct tph_run *other = edited(run, rows[i].edit);
        struct tph_actions actions = start(other);
        assert_int_equal(count(actions, TPH_ACTION_START_TASK), 0);
        assert_int_equal(count(actions, TPH_ACTION_CANCEL_TASK), 3);
        (void)apply_at(run, rows[i].kind, START_MS);
        assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
        assert_same_object(run, other);
    }
}

/* Steps that go on over what failed begin nothing any more either. */
static void a_stopped_workflow_begins_no_leaf(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf, continueOn: {failed: "
                                                 "true}}], [{name: b, template: leaf}]]}" END);
    (void)start(run);
    TPH_CLEANUP(tph_run_freep) struct tph_run *other = edited(run, stop);
    assert_int_equal(count(start(other), TPH_ACTION_START_TASK), 0);
    assert_int_equal(tph_run_phase(other), TPH_WORKFLOW_FAILED);
    (void)apply_at(run, TPH_EVENT_STOP, START_MS);
    assert_same_object(run, other);
}

static void what_is_suspended_ends_when_it_is_terminated(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(LOOP(""));
    (void)start(run);
    TPH_CLEANUP(tph_run_freep) struct tph_run *suspended = edited(run, suspend);
    (void)start(suspended);
    assert_int_equal(tph_run_phase(suspended), TPH_WORKFLOW_RUNNING);
    TPH_CLEANUP(tph_run_freep) struct tph_run *other = edited(suspended, terminate);
    (void)start(other);
    assert_int_equal(tph_run_phase(other), TPH_WORKFLOW_FAILED);
    (void)apply_at(suspended, TPH_EVENT_TERMINATE, START_MS);
    assert_int_equal(tph_run_phase(suspended), TPH_WORKFLOW_FAILED);
}

static int resume(struct tph_json_doc *doc, const struct tph_json *object, struct tph_json **ret_edited,
                  struct tph_error *err)
{
    return tph_edit_resume(doc, object, TPH_STR_NONE, TPH_STR_NONE, START_MS, ret_edited, err);
}

/* Whoever resumes a Suspend node leaves its progress as it was: that it is done now has to be written. */
static void the_progress_of_what_was_resumed_is_told(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: s, template: hold}], [{name: b, template: "
                               "leaf}]]}, {name: hold, suspend: {}}" END);
    (void)start(run);
    TPH_CLEANUP(tph_run_freep) struct tph_run *other = edited(run, resume);
    struct tph_actions actions = start(other);
    bool told = false;
    for (size_t i = 0; i < actions.n; i++) {
        const struct tph_action *a = &actions.list[i];
        told = told || (a->kind == TPH_ACTION_NODE && tph_str_eqz(a->node->name, "wf[0].s") && !a->follows);
    }
    assert_true(told);
    TPH_CLEANUP(tph_run_freep) struct tph_run *third = restored(other);
    assert_int_equal(count(start(third), TPH_ACTION_NODE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_that_failed_runs_again_in_its_place),
        cmocka_unit_test(a_loop_of_a_dag_runs_its_failed_items_again),
        cmocka_unit_test(a_run_that_is_stopped_in_its_object_ends),
        cmocka_unit_test(a_stopped_workflow_begins_no_leaf),
        cmocka_unit_test(what_is_suspended_ends_when_it_is_terminated),
        cmocka_unit_test(the_progress_of_what_was_resumed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
