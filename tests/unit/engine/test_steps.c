/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: what goes from one to the next, how groups end, and every ceiling. */
#include "harness.h"

static void groups_follow_one_another_and_members_run_side_by_side(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}, {name: b, template: "
                                                 "leaf}], [{name: c, template: leaf}]]}" END);
    assert_int_equal(count(start(run), TPH_ACTION_START_TASK), 2);
    assert_int_equal(count(reply(run, id_of(run, "wf[0].b"), "Succeeded", ""), TPH_ACTION_START_TASK), 0);
    assert_int_equal(count(reply(run, id_of(run, "wf[0].a"), "Succeeded", ""), TPH_ACTION_START_TASK), 1);
    assert_text(tph_run_progress(run), "2/3");
    assert_int_equal(count(reply(run, id_of(run, "wf[1].c"), "Succeeded", ""), TPH_ACTION_FINISHED), 1);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_SUCCEEDED);
    assert_text(tph_run_progress(run), "3/3");
}

static void outputs_of_a_step_reach_the_arguments_of_later_ones(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}], [{name: b, template: leaf, arguments: "
                      "{parameters: [{name: p, value: '{{steps.a.outputs.result}}|{{steps.a.outputs.parameters.o}}|"
                      "{{steps.a.status}}|{{steps.a.exitCode}}|{{node.name}}|{{workflow.name}}'}]}}]]}" END);
    (void)start(run);
    struct tph_actions actions =
        reply_with(run, id_of(run, "wf[0].a"), "Succeeded",
                   "{\"result\":\"r\\\"1\",\"exitCode\":\"0\",\"parameters\":[{\"name\":\"o\",\"value\":7}]}");
    /* node.name in an argument is the name of the node whose steps they are */
    assert_task(actions, "wf[1].b", "r\"1|7|Succeeded|0|wf|wf");
    assert_text(
        tph_json_get_str(tph_json_at(tph_json_get(find_node(run, "wf[1].b")->inputs, "parameters"), 0), "value"),
        "r\"1|7|Succeeded|0|wf|wf");
}

static void a_reference_that_nobody_delivers_ends_the_group_with_its_name(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF
                 ", {name: m, steps: [[{name: a, template: leaf}], [{name: b, template: leaf}, {name: c, "
                 "template: leaf, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.result}}'}]}}]]}" END);
    (void)start(run);
    struct tph_actions actions = reply(run, id_of(run, "wf[0].a"), "Succeeded", "");
    assert_int_equal(count(actions, TPH_ACTION_START_TASK), 0);
    assert_text(tph_run_message(run), "failed to resolve references: failed to resolve {{steps.a.outputs.result}}: "
                                      "step 'a' gave no such output");
    assert_int_equal(find_node(run, "wf[1]")->phase, TPH_NODE_ERROR);
    assert_int_equal(find_node(run, "wf")->phase, TPH_NODE_FAILED);
    assert_false(has_node(run, "wf[1].b"));
}

static void a_step_of_the_same_group_is_not_to_be_referred_to(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}, {name: b, template: leaf, arguments: "
                               "{parameters: [{name: p, value: '{{steps.a.id}}'}]}}]]}" END);
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_text(tph_run_message(run), "failed to resolve references: failed to resolve {{steps.a.id}}: "
                                      "step 'a' does not come before it");
}

static void a_group_begins_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        WORKFLOW LEAF ", {name: needy, inputs: {parameters: [{name: q}]}, plugin: {k: ''}}, {name: m, steps: "
                      "[[{name: a, template: leaf}, {name: b, template: needy}, {name: c, template: leaf}]]}" END);
    struct tph_actions actions = start(run);
    assert_int_equal(count(actions, TPH_ACTION_START_TASK), 0);
    assert_text(tph_run_message(run),
                "step group deemed errored due to child wf[0].b error: inputs.parameters.q was not supplied");
    assert_int_equal(find_node(run, "wf[0].a")->phase, TPH_NODE_OMITTED);
    assert_text(find_node(run, "wf[0].a")->message, "omitted: b could not begin");
    assert_int_equal(find_node(run, "wf[0].b")->phase, TPH_NODE_ERROR);
    assert_int_equal(find_node(run, "wf[0].b")->type, TPH_NODE_SKIP);
    assert_false(has_node(run, "wf[0].c"));
}

static void the_first_failed_member_names_the_group_but_all_are_awaited(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}, {name: b, template: "
                               "leaf}, {name: c, template: leaf}], [{name: d, template: leaf}]]}" END);
    (void)start(run);
    (void)reply(run, id_of(run, "wf[0].c"), "Error", "first in time");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_RUNNING);
    (void)reply(run, id_of(run, "wf[0].b"), "Failed", "first in place");
    (void)reply(run, id_of(run, "wf[0].a"), "Succeeded", "");
    TPH_CLEANUP(tph_freep) char *expected = tph_format("child '%s' failed", id_of(run, "wf[0].b"));
    assert_text(tph_run_message(run), expected);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_false(has_node(run, "wf[1]"));
}

static void an_empty_group_passes_wherever_it_stands(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW LEAF ", {name: m, steps: [[], [{name: a, template: leaf}], [], []]}" END);
    (void)start(run);
    (void)reply(run, id_of(run, "wf[1].a"), "Succeeded", "");
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_SUCCEEDED);
    const struct tph_node *second = find_node(run, "wf[2]");
    assert_int_equal(second->n_children, 1);
    assert_ptr_equal(second->children[0], find_node(run, "wf[3]"));
}

static void steps_without_groups_have_nothing_to_do_and_say_so(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(WORKFLOW "{name: m, steps: []}" END);
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
    assert_text(tph_run_message(run), "error in entry template execution: Template 'm' missing specification");
}

#define INNER                                                                                                         \
    "{name: inner, inputs: {parameters: [{name: q}]}, steps: [[{name: x, template: leaf, arguments: {parameters: "    \
    "[{name: p, value: '{{inputs.parameters.q}}'}]}}]], outputs: {parameters: [{name: o, valueFrom: {parameter: "     \
    "'{{steps.x.outputs.result}}'}}, {name: d, globalName: g, valueFrom: {parameter: steps.x.outputs.parameters.no, " \
    "default: 'none of {{workflow.name}}'}}]}}"

static void outputs_of_nested_steps_come_out_with_defaults_and_global_names(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        WORKFLOW LEAF ", " INNER ", {name: m, steps: [[{name: a, template: inner, arguments: {parameters: [{name: q, "
                      "value: v}]}}], [{name: b, template: leaf, arguments: {parameters: [{name: p, value: "
                      "'{{steps.a.outputs.parameters.o}} {{steps.a.outputs.parameters.d}} "
                      "{{workflow.outputs.parameters.g}}'}]}}]]}" END);
    assert_task(start(run), "wf[0].a[0].x", "v");
    struct tph_actions actions = reply_with(run, id_of(run, "wf[0].a[0].x"), "Succeeded", "{\"result\":\"one\"}");
    assert_task(actions, "wf[1].b", "one none of wf none of wf");
    TPH_CLEANUP(tph_freep) char *object = object_text(run);
    assert_non_null(strstr(object, "\"outputs\":{\"parameters\":[{\"name\":\"g\",\"value\":\"none of wf\"}]}"));
    /* the next group hangs on the leaf of the nested one */
    const struct tph_node *x = find_node(run, "wf[0].a[0].x");
    assert_int_equal(x->n_children, 1);
    assert_ptr_equal(x->children[0], find_node(run, "wf[1]"));
}

static void an_output_that_cannot_be_had_is_an_error_of_the_steps(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW LEAF
                 ", {name: inner, steps: [[{name: x, template: leaf}]], outputs: {parameters: [{name: o, "
                 "valueFrom: {parameter: '{{steps.x.outputs.result}}'}}]}}, {name: m, steps: [[{name: a, template: "
                 "inner}, {name: b, template: leaf}]]}" END);
    (void)start(run);
    (void)reply(run, id_of(run, "wf[0].a[0].x"), "Succeeded", "");
    assert_int_equal(find_node(run, "wf[0].a")->phase, TPH_NODE_ERROR);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_RUNNING); /* b is awaited */
    (void)reply(run, id_of(run, "wf[0].b"), "Failed", "");
    assert_text(tph_run_message(run), "step group deemed errored due to child wf[0].a error: Unable to resolve: "
                                      "\"steps.x.outputs.result\"");
    assert_int_equal(find_node(run, "wf[0]")->phase, TPH_NODE_ERROR);
    assert_int_equal(find_node(run, "wf")->phase, TPH_NODE_FAILED);
}

static void a_tag_that_a_parameter_brings_is_replaced_too(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(
        "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, arguments: {parameters: [{name: p, value: "
        "'{{workflow.parameters.q}} {{'}, {name: q, value: two}]}, templates: [" LEAF
        ", {name: m, inputs: {parameters: [{name: p}]}, steps: [[{name: a, template: leaf, arguments: "
        "{parameters: [{name: p, value: '<{{inputs.parameters.p}}> "
        "{{workflow.parameters.{{workflow.parameters.none}}}}'}]}}]]}]}\n");
    assert_task(start(run), "wf[0].a", "<two {{> {{workflow.parameters.{{workflow.parameters.none}}}}");
}

static void a_display_name_is_set_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *display;
    } cases[] = {{"nice-{{inputs.parameters.p}}.1", "nice-x.1"},
                 {"not nice", NULL},
                 {"a", NULL},
                 {"-ab", NULL},
                 {"{{inputs.parameters.p}}123456789012345678901234567890123456789012345678901234567890ab",
                  "x123456789012345678901234567890123456789012345678901234567890ab"},
                 {"{{inputs.parameters.p}}123456789012345678901234567890123456789012345678901234567890abc", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TPH_CLEANUP(tph_freep)
        char *yaml = tph_format(WORKFLOW "{name: m, annotations: {workflows.argoproj.io/display-name: '%s'}, inputs: "
                                         "{parameters: [{name: p, default: x}]}, plugin: {k: ''}}" END,
                                cases[i].name);
        TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(yaml);
        (void)start(run);
        if (cases[i].display) {
            assert_text(tph_run_root(run)->display_name, cases[i].display);
        } else {
            assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
            assert_text(tph_run_root(run)->message,
                        "displayName must match the regex ^[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]$");
        }
    }
}

static void recursion_ends_at_a_hundred_templates(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run = make_run(WORKFLOW "{name: m, steps: [[{name: a, template: m}]]}" END);
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_int_equal(tph_run_n_nodes(run), 2 * TPH_LIMIT_TEMPLATE_DEPTH - 1); /* and 99 groups */
    const struct tph_node *last = tph_run_node_at(run, tph_run_n_nodes(run) - 1);
    assert_int_equal(last->type, TPH_NODE_SKIP);
    assert_true(tph_str_has_prefix(last->message, TPH_STR("Maximum recursion depth exceeded. See ")));
}

static void a_workflow_stops_before_it_has_too_many_nodes(void **state)
{
    (void)state;
    static const char yaml[] =
        WORKFLOW LEAF ", {name: m, steps: [[{name: a, template: leaf}], [{name: b, template: leaf}]]}" END;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *enough = make_run_with(yaml, &(struct tph_run_options){.max_nodes = 5});
    (void)start(enough);
    (void)reply(enough, id_of(enough, "wf[0].a"), "Succeeded", "");
    assert_int_equal(tph_run_n_nodes(enough), 5);
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *few = make_run_with(yaml, &(struct tph_run_options){.max_nodes = 4});
    (void)start(few);
    (void)reply(few, id_of(few, "wf[0].a"), "Succeeded", "");
    assert_int_equal(tph_run_phase(few), TPH_WORKFLOW_FAILED);
    assert_text(tph_run_message(few), "the workflow would have more than 4 nodes");
    TPH_CLEANUP(tph_run_freep) struct tph_run *none = make_run_with(yaml, &(struct tph_run_options){.max_nodes = 1});
    (void)start(none);
    assert_int_equal(tph_run_n_nodes(none), 1);
}

/* Each level writes its text twice: 2 to the power of 40 bytes, were there no ceiling. */
static void a_text_that_doubles_ends_at_the_ceiling_of_a_parameter(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run(WORKFLOW "{name: m, inputs: {parameters: [{name: p, default: x}]}, steps: [[{name: a, template: m, "
                          "arguments: {parameters: [{name: p, value: "
                          "'{{inputs.parameters.p}}{{inputs.parameters.p}}'}]}}]]}" END);
    (void)start(run);
    assert_int_equal(tph_run_n_nodes(run), 2 * 21); /* 2 to the power of 20 is the ceiling */
    char deepest[256] = "wf";
    for (size_t i = 0, len = 2; i < 20; i++, len += 5) {
        (void)snprintf(deepest + len, sizeof(deepest) - len, "[0].a");
    }
    (void)snprintf(deepest + 102, sizeof(deepest) - 102, "[0]");
    assert_text(find_node(run, deepest)->message,
                "failed to resolve references: the text is longer than 1048576 bytes with its tags replaced");
}

/* Both names have the FNV-1a hash 3555174732; found by trying. */
#define COLLIDING_A "s19829"
#define COLLIDING_B "s353284"
static void nodes_whose_hashes_collide_are_kept_apart(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf yaml = TPH_BUF_INIT(4096);
    (void)tph_buf_printf(&yaml,
                         WORKFLOW LEAF ", {name: m, steps: [[{name: %s, template: leaf}, {name: %s, template: "
                                       "leaf}]]}" END,
                         COLLIDING_A, COLLIDING_B);
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(tph_buf_cstr(&yaml));
    (void)start(run);
    const struct tph_node *a = find_node(run, "wf[0]." COLLIDING_A);
    const struct tph_node *b = find_node(run, "wf[0]." COLLIDING_B);
    TPH_CLEANUP(tph_freep) char *second = tph_format("%.*s-2", TPH_FMT(a->id));
    assert_text(b->id, second);
    (void)reply(run, b->id.p, "Succeeded", "");
    assert_int_equal(a->phase, TPH_NODE_PENDING);
    TPH_CLEANUP(tph_run_freep) struct tph_run *copy = restored(run);
    assert_same_object(run, copy);
    assert_int_equal(find_node(copy, "wf[0]." COLLIDING_B)->phase, TPH_NODE_SUCCEEDED);
}

#define LATE_DAG                                                                                                      \
    ", {name: m, inputs: {parameters: [{name: t, value: '{{workflow.parameters.t}}'}]}, dag: {target: "               \
    "'{{inputs.parameters.t}}', tasks: [{name: a, template: leaf}, {name: b, template: leaf, depends: a}, {name: c, " \
    "template: leaf, depends: a}, {name: d, template: leaf, depends: 'b && c'}]}}"
#define WORKFLOW_WITH(t)                                                                                         \
    "kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec: {entrypoint: m, arguments: {parameters: " \
    "[{name: t, value: '" t "'}]}, templates: ["

/* Replies to every task, through a restored run each time; how many nodes there are then. */
static size_t play_dag(const char *yaml, enum tph_workflow_phase phase)
{
    static const char *const names[] = {"wf.a", "wf.b", "wf.c", "wf.d"};
    struct tph_run *run = make_run(yaml);
    (void)start(run);
    for (size_t i = 0; i < 4; i++) {
        struct tph_run *again = restored(run);
        tph_run_free(run);
        run = again;
        if (has_node(run, names[i])) {
            (void)reply(run, id_of(run, names[i]), "Succeeded", "");
        }
    }
    assert_int_equal(tph_run_phase(run), phase);
    size_t n = tph_run_n_nodes(run);
    tph_run_free(run);
    return n;
}

static void targets_may_come_with_a_parameter(void **state)
{
    (void)state;
    assert_int_equal(play_dag(WORKFLOW_WITH("") LEAF LATE_DAG END, TPH_WORKFLOW_SUCCEEDED), 1 + 4);
    assert_int_equal(play_dag(WORKFLOW_WITH("b") LEAF LATE_DAG END, TPH_WORKFLOW_SUCCEEDED), 1 + 2);
    assert_int_equal(play_dag(WORKFLOW_WITH("a c") LEAF LATE_DAG END, TPH_WORKFLOW_SUCCEEDED), 1 + 2);
    assert_int_equal(play_dag(WORKFLOW_WITH("d") LEAF LATE_DAG END, TPH_WORKFLOW_SUCCEEDED), 1 + 4);
}

static void a_target_that_turns_out_to_be_no_task_is_an_error(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run(WORKFLOW_WITH("a x") LEAF LATE_DAG END);
    assert_int_equal(count(start(run), TPH_ACTION_START_TASK), 0);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_ERROR);
    assert_text(find_node(run, "wf")->message, "dag.target \"a x\": there is no task called 'x'");
    TPH_CLEANUP(tph_run_freep) struct tph_run *again = restored(run);
    assert_int_equal(tph_run_phase(again), TPH_WORKFLOW_ERROR);
}

/* Each level doubles them, and lengthens their names: nothing but memory bounds that. */
static void a_recursion_that_branches_ends_when_it_takes_too_much(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_run_freep)
    struct tph_run *run =
        make_run_with(WORKFLOW "{name: m, steps: [[{name: left, template: m}, {name: right, template: m}]]}" END,
                      &(struct tph_run_options){.max_bytes = TPH_MIB(4)});
    (void)start(run);
    assert_int_equal(tph_run_phase(run), TPH_WORKFLOW_FAILED);
    assert_true(tph_run_n_nodes(run) > 1000);
    assert_true(tph_run_n_nodes(run) < 20000);
    size_t n_told = 0;
    for (size_t i = 0; i < tph_run_n_nodes(run); i++) {
        n_told +=
            tph_str_find(tph_run_node_at(run, i)->message, TPH_STR(" nodes would take more than 4 MiB of memory")) > 0;
        assert_true(tph_node_phase_is_final(tph_run_node_at(run, i)->phase));
    }
    assert_true(n_told > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_follow_one_another_and_members_run_side_by_side),
        cmocka_unit_test(outputs_of_a_step_reach_the_arguments_of_later_ones),
        cmocka_unit_test(a_reference_that_nobody_delivers_ends_the_group_with_its_name),
        cmocka_unit_test(a_step_of_the_same_group_is_not_to_be_referred_to),
        cmocka_unit_test(a_group_begins_as_a_whole_or_not_at_all),
        cmocka_unit_test(the_first_failed_member_names_the_group_but_all_are_awaited),
        cmocka_unit_test(an_empty_group_passes_wherever_it_stands),
        cmocka_unit_test(steps_without_groups_have_nothing_to_do_and_say_so),
        cmocka_unit_test(outputs_of_nested_steps_come_out_with_defaults_and_global_names),
        cmocka_unit_test(an_output_that_cannot_be_had_is_an_error_of_the_steps),
        cmocka_unit_test(a_tag_that_a_parameter_brings_is_replaced_too),
        cmocka_unit_test(a_display_name_is_set_or_refused),
        cmocka_unit_test(recursion_ends_at_a_hundred_templates),
        cmocka_unit_test(a_workflow_stops_before_it_has_too_many_nodes),
        cmocka_unit_test(a_text_that_doubles_ends_at_the_ceiling_of_a_parameter),
        cmocka_unit_test(nodes_whose_hashes_collide_are_kept_apart),
        cmocka_unit_test(targets_may_come_with_a_parameter),
        cmocka_unit_test(a_target_that_turns_out_to_be_no_task_is_an_error),
        cmocka_unit_test(a_recursion_that_branches_ends_when_it_takes_too_much),
    };
    return cmocka_run_group_tests_name("engine/steps", tests, NULL, NULL);
}
