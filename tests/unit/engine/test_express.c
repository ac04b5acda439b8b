/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions in a workflow: what they see of it, and the zones and clocks they ask. */
#include "engine/run.h"

#include "harness.h"

/* One zone, with nothing but its rule: Here/Now, seven hours east. */
static int read_zone(struct tph_str name, struct tph_buf *bytes)
{
    static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    static const char body[] = "\0\0\0\0\0\0ABC";
    for (int i = 0; i < 2; i++) {
        (void)tph_buf_append(bytes, header, 44);
        (void)tph_buf_append(bytes, body, sizeof(body));
    }
    (void)tph_buf_puts(bytes, "\nABC-7\n");
    return tph_str_eqz(name, "Here/Now") ? 0 : -1;
}

/* What plugin.x.t of the workflow's only node is when its task starts. */
static void expect(const char *tag, const char *text)
{
    struct tph_run_options options = {.read_zone = read_zone};
    TPH_CLEANUP(tph_freep)
    char *yaml =
        tph_format("kind: Workflow\nmetadata: {name: wf, namespace: d, uid: u}\nspec: {entrypoint: m, arguments: "
                   "{parameters: [{name: p, value: 'v'}, {name: num, value: '4'}]}, templates: [{name: m, inputs: "
                   "{parameters: [{name: p}, {name: a-b, value: c}]}, plugin: {x: {t: \"%s\"}}}]}\n",
                   tag);
    TPH_CLEANUP(tph_run_freep) struct tph_run *run = make_run_with(yaml, &options);
    struct tph_actions actions = start(run);
    for (size_t i = 0; i < actions.n; i++) {
        if (actions.list[i].kind == TPH_ACTION_START_TASK) {
            TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
            assert_int_equal(tph_json_parse(actions.list[i].template_json, &doc, NULL), 0);
            struct tph_str got = tph_json_str(tph_json_path(tph_json_root(doc), "plugin", "x", "t", NULL));
            if (!tph_str_eqz(got, text)) {
                fail_msg("%s: %.*s", tag, TPH_FMT(got));
            }
            return;
        }
    }
    fail_msg("%s: no task was started: %.*s", tag, TPH_FMT(find_node(run, "wf")->message));
}

static void names_are_those_of_simple_tags(void **state)
{
    (void)state;
    expect("{{=inputs.parameters.p + '!'}}", "v!");
    expect("{{=inputs.parameters['a-b']}}", "c");
    expect("{{=asInt(workflow.parameters.num) + 1}}", "5");
    expect("{{=workflow.name}}-{{=len(inputs.parameters)}}", "wf-2");
    expect("{{=sprig.upper(workflow.parameters.p)}}", "V");
    expect("{{=workflow.parameters.none ?? 'other'}}", "other");
}

static void clocks_and_zones(void **state)
{
    (void)state;
    expect("{{=now().Unix()}}", "1700000000");
    expect("{{=now().In(timezone('Here/Now')).Format('15:04 MST')}}", "05:13 ABC");
    expect("{{=date('2024-01-01 00:00:00', '2006-01-02 15:04:05', 'Here/Now').Unix()}}", "1704042000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_simple_tags),
        cmocka_unit_test(clocks_and_zones),
    };
    return cmocka_run_group_tests_name("engine/express", tests, NULL, NULL);
}
