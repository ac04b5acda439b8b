/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller does about many workflows: how many run, how long they stay, what is told; and plugins that come
 * and go in ConfigMaps. */
#include "base/arena.h"
#include "data/time.h"
#include "durable.h"

static void put_named(struct world *w, const char *name, const char *spec)
{
    TPH_CLEANUP(tph_freep)
    char *yaml = tph_format("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: %s, namespace: d, uid: "
                            "u-%s, creationTimestamp: '2026-01-01T00:00:00Z'}\nspec: {entrypoint: m, %stemplates: "
                            "[{name: m, plugin: {k: {}}}]}\n",
                            name, name, spec);
    world_put(w, yaml);
}

static bool is_succeeded(struct world *w, const char *name)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, name);
    return strstr(text, "\"phase\":\"Succeeded\"") != NULL;
}

static bool is_there(struct world *w, const char *name)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, name);
    return text != NULL;
}

struct counter {
    size_t n;
    struct tph_buf text;
};

static bool count_one(void *owner, const struct tph_store_object *object)
{
    struct counter *c = owner;
    c->n++;
    (void)tph_buf_put(&c->text, tph_buf_str(&object->text));
    return true;
}

static struct counter all_of(struct world *w, const char *resource)
{
    struct counter c = {.text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    struct tph_store_list list = {.key = {.resource = tph_str(resource)}};
    struct tph_store_page page;
    assert_int_equal(tph_store_list(w->store, &list, count_one, &c, &page, NULL), 0);
    return c;
}

static size_t count_of(struct world *w, const char *resource)
{
    struct counter c = all_of(w, resource);
    tph_buf_release(&c.text);
    return c.n;
}

/* Goes on until something is true that no event of the controller tells of. */
static void wait_for(struct world *w, bool (*test)(struct world *w))
{
    tph_timer_start(w->watchdog, 60000);
    while (!test(w)) {
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_ONCE);
    }
    tph_timer_stop(w->watchdog);
}

/* ---- how long they stay ---- */

static bool a_is_gone(struct world *w)
{
    return !is_there(w, "a");
}

static bool b_is_gone(struct world *w)
{
    return !is_there(w, "b");
}

static void a_time_to_live_ends_it(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    put_named(&w, "a", "ttlStrategy: {secondsAfterSuccess: 0, secondsAfterFailure: 3600}, ");
    put_named(&w, "b", "ttlStrategy: {secondsAfterCompletion: 60, secondsAfterFailure: 0}, ");
    put_named(&w, "c", "");
    world_start(&w);
    world_run(&w, all_is_over);
    wait_for(&w, a_is_gone);
    assert_true(is_there(&w, "b"));
    world_crash(&w);
    world_wall_ms += 59000;
    world_start(&w);
    world_run(&w, all_is_over);
    assert_true(is_there(&w, "b"));
    world_crash(&w);
    world_wall_ms += 1000; /* while nobody was there */
    world_start(&w);
    wait_for(&w, b_is_gone);
    assert_true(is_there(&w, "c"));
    world_close(&w);
}

static bool two_are_left(struct world *w)
{
    return count_of(w, TPH_CONTROLLER_WORKFLOWS) == 2;
}

static void so_many_are_kept(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.settings.keep_succeeded = 2;
    world_start(&w);
    static const char *const names[] = {"a", "b", "c", "e"};
    for (size_t i = 0; i < 4; i++) {
        world_wall_ms += 1000;
        put_named(&w, names[i], "");
        while (tph_controller_n_running(w.controller) == 0) {
            (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
        }
        world_run(&w, all_is_over);
    }
    wait_for(&w, two_are_left);
    assert_true(is_there(&w, "c") && is_there(&w, "e"));
    world_close(&w);
}

/* ---- many ---- */

static void many_that_are_over_hold_up_nobody(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    for (int i = 0; i < 2 * TPH_LIMIT_CONTROLLER_PAGE + 1; i++) {
        TPH_CLEANUP(tph_freep)
        char *text = tph_format("{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":"
                                "\"o%d\",\"namespace\":\"d\",\"uid\":\"o%d\"},\"spec\":{},\"status\":{\"phase\":"
                                "\"Succeeded\",\"finishedAt\":\"2023-11-14T22:13:20Z\"}}",
                                i, i);
        TPH_CLEANUP(tph_freep) char *name = tph_format("o%d", i);
        assert_int_equal(world_write(&w, TPH_STORE_CREATE, TPH_CONTROLLER_WORKFLOWS, "d", name, tph_str(text)), 0);
    }
    put_named(&w, "first", "");
    put_named(&w, "zz", ""); /* on the last page */
    world_start(&w);
    while (tph_controller_n_running(w.controller) == 0) { /* pages are read in turns of their own */
        (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
    }
    put_named(&w, "later", "");
    world_run(&w, all_is_over);
    while (!is_succeeded(&w, "later")) {
        (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
    }
    assert_phase(&w, "first", "Succeeded");
    assert_phase(&w, "zz", "Succeeded");
    world_close(&w);
}

/* ---- how many run ---- */

static bool is_pending(struct world *w, const char *name)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_WORKFLOWS, name);
    return strstr(text, "\"phase\":\"Pending\"") &&
           strstr(text, "Workflow processing has been postponed because too many workflows are already running");
}

static bool one_is_called_and_two_wait(struct world *w)
{
    return w->n_calls == 1 && is_pending(w, "b") && is_pending(w, "c");
}

static bool two_are_called(struct world *w)
{
    return w->n_calls == 2;
}

static void answer_held(struct world *w)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_http_exchange_body(w->held), &doc, NULL), 0);
    plugin_answer(w, w->held, tph_json_root(doc));
    w->n_calls--; /* it was counted when it came */
}

static void who_waits_is_pending_and_comes_by_priority(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.settings.parallelism = 1;
    w.silent = true;
    put_named(&w, "a", "");
    put_named(&w, "b", "");
    put_named(&w, "c", "priority: 5, ");
    world_start(&w);
    wait_for(&w, one_is_called_and_two_wait);
    world_crash(&w);
    w.n_calls = 0;
    world_start(&w); /* the one that had begun goes on */
    wait_for(&w, one_is_called_and_two_wait);
    answer_held(&w);
    wait_for(&w, two_are_called);
    assert_true(is_pending(&w, "b"));
    assert_false(is_pending(&w, "c"));
    w.silent = false;
    answer_held(&w);
    world_run(&w, all_is_over);
    assert_phase(&w, "b", "Succeeded");
    assert_phase(&w, "c", "Succeeded");
    world_close(&w);
}

/* ---- Events ---- */

static void what_happens_is_told(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.events = true;
    world_put(&w, "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a, namespace: d, uid: u}\nspec: "
                  "{entrypoint: m, templates: [{name: p, plugin: {k: {}}}, {name: m, steps: [[{name: x, template: p, "
                  "withSequence: {count: '20'}}]]}]}\n");
    world_start(&w);
    world_run(&w, all_is_over);
    struct counter c = all_of(&w, "events");
    const char *text = tph_buf_cstr(&c.text);
    assert_non_null(strstr(text, "\"reason\":\"WorkflowRunning\",\"message\":\"Workflow Running\""));
    assert_non_null(strstr(text, "\"reason\":\"WorkflowSucceeded\",\"message\":\"Workflow completed\""));
    assert_non_null(strstr(text, "\"message\":\"Running node a\""));
    assert_non_null(strstr(text, "\"message\":\"(combined from similar events): Succeeded node a"));
    assert_non_null(strstr(text, "\"count\":12,\"type\":\"Normal\"")); /* 22 nodes, ten one by one */
    assert_int_equal(c.n, 2 + 2 * 11);
    tph_buf_release(&c.text);
    world_crash(&w);
    world_wall_ms += TPH_LIMIT_EVENT_MS;
    world_start(&w);
    world_run(&w, all_is_over);
    assert_int_equal(count_of(&w, "events"), 0);
    world_close(&w);
}

/* Events as another life of the server left them: names go the other way than time. */
static void put_events(struct world *w, unsigned n, int64_t first_ms, int64_t step_ms)
{
    enum { AT_ONCE = 5000 };
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    struct tph_store_change *changes = TPH_ARENA_ARRAY(arena, struct tph_store_change, AT_ONCE);
    for (unsigned done = 0; done < n;) {
        unsigned some = 0;
        for (; some < AT_ONCE && done < n; some++, done++) {
            char time[TPH_TIME_TEXT];
            tph_time_format(first_ms + done * step_ms, time);
            const char *name = tph_arena_format(arena, "e%07u", 9999999 - done);
            const char *text = tph_arena_format(arena,
                                                "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{"
                                                "\"creationTimestamp\":\"%s\",\"name\":\"%s\",\"namespace\":\"d\"}}",
                                                time, name);
            changes[some] = (struct tph_store_change){
                .verb = TPH_STORE_CREATE,
                .key = {.resource = TPH_STR("events"), .ns = TPH_STR("d"), .name = tph_str(name)},
                .text = tph_str(text)};
        }
        tph_store_write(w->store, changes, some, NULL, NULL);
    }
}

static bool event_is_there(struct world *w, unsigned n)
{
    TPH_CLEANUP(tph_freep) char *name = tph_format("e%07u", 9999999 - n);
    TPH_CLEANUP(tph_freep) char *text = world_text(w, "events", name);
    return text != NULL;
}

static bool events_are_settled(struct world *w)
{
    return !event_is_there(w, 4);
}

static void of_too_many_events_the_oldest_go(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.events = true;
    put_events(&w, TPH_LIMIT_EVENTS + 5, world_wall_ms, 1000);
    world_start(&w);
    wait_for(&w, events_are_settled);
    assert_int_equal(count_of(&w, "events"), TPH_LIMIT_EVENTS);
    assert_true(event_is_there(&w, 5));
    world_close(&w);
}

/* One that is young keeps none that is old. */
static void events_go_by_age_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.events = true;
    put_events(&w, 10, world_wall_ms - TPH_LIMIT_EVENT_MS - 4000, 1000); /* the last five are young enough */
    world_start(&w);
    wait_for(&w, events_are_settled);
    assert_int_equal(count_of(&w, "events"), 5);
    assert_true(event_is_there(&w, 5));
    world_close(&w);
}

/* As in Argo: a step that is made Skipped is no news, and a workflow runs when it has its locks. */
static void what_never_ran_is_not_told(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.events = true;
    world_put(&w, "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a, namespace: d, uid: u}\nspec: "
                  "{entrypoint: m, templates: [{name: p, plugin: {k: {}}}, {name: m, steps: [[{name: x, template: p, "
                  "when: 'false'}]]}]}\n");
    world_put(&w, "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: b, namespace: d, uid: v}\nspec: "
                  "{entrypoint: p, synchronization: {semaphores: [{configMapKeyRef: {name: none, key: most}}]}, "
                  "templates: [{name: p, plugin: {k: {}}}]}\n");
    world_start(&w);
    world_run(&w, all_is_over);
    struct counter c = all_of(&w, "events");
    const char *text = tph_buf_cstr(&c.text);
    assert_non_null(strstr(text, "Succeeded node a[0]"));
    assert_null(strstr(text, "node a[0].x"));
    assert_non_null(strstr(text, "\"reason\":\"WorkflowFailed\""));
    const char *running = strstr(text, "\"reason\":\"WorkflowRunning\"");
    assert_non_null(running);
    assert_null(strstr(running + 1, "\"reason\":\"WorkflowRunning\""));
    tph_buf_release(&c.text);
    world_close(&w);
}

/* ---- plugins ---- */

#define CONFIG_MAP                                                                                                     \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"k-executor-plugin\",\"namespace\":\"%s\"," \
    "\"uid\":\"c\",\"labels\":{\"workflows.argoproj.io/"                                                               \
    "configmap-type\":\"ExecutorPlugin\",\"note\":\"%s\"}},\"data\":"                                                  \
    "{\"sidecar.automountServiceAccountToken\":\"false\",\"sidecar.container\":\"{name: k, image: x, command: [%s], "  \
    "ports: [{containerPort: %u}], resources: {requests: {cpu: '1', memory: 1Mi}, limits: {cpu: '1', memory: "         \
    "1Mi}}, securityContext: {runAsUser: 1}}\"}}"

static void write_plugin(struct world *w, enum tph_store_verb verb, const char *ns, const char *note,
                         const char *command)
{
    TPH_CLEANUP(tph_freep)
    char *text = tph_format(CONFIG_MAP, ns, note, command, tph_http_server_port(w->server));
    assert_int_equal(world_write(w, verb, "configmaps", ns, "k-executor-plugin", tph_str(text)), 0);
}

struct listed {
    size_t n, n_valid, n_problems;
};

static void list_one(void *owner, struct tph_str ns, struct tph_str configmap, const struct tph_plugin *plugin,
                     const char *problem)
{
    struct listed *l = owner;
    (void)ns;
    assert_true(tph_str_eqz(configmap, "k-executor-plugin"));
    l->n++;
    l->n_valid += plugin ? 1 : 0;
    l->n_problems += problem ? 1 : 0;
}

static struct listed plugins_of(struct world *w)
{
    struct listed l = {.n = 0};
    tph_controller_plugins(w->controller, list_one, &l);
    return l;
}

static bool one_is_valid(struct world *w)
{
    return plugins_of(w).n_valid == 1;
}

static bool one_has_a_problem(struct world *w)
{
    return plugins_of(w).n_problems == 1 && count_of(w, "events") > 0;
}

static bool none_is_known(struct world *w)
{
    return plugins_of(w).n == 0;
}

static void run_one(struct world *w, const char *name, const char *phase)
{
    put_named(w, name, "");
    while (tph_controller_n_running(w->controller) == 0) {
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_ONCE);
    }
    world_run(w, all_is_over);
    assert_phase(w, name, phase);
}

static void plugins_come_and_go(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.options.plugins = NULL;
    w.options.events = true;
    world_start(&w);
    run_one(&w, "without", "Failed");
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = world_object(&w, "without");
    assert_true(tph_str_eqz(status_of(doc, "message"), "no plugin executed the template"));
    write_plugin(&w, TPH_STORE_CREATE, "argo", "one", "x");
    wait_for(&w, one_is_valid);
    run_one(&w, "with", "Succeeded");
    assert_int_equal(tph_memory_starts(w.podrt, "k"), 1);
    run_one(&w, "warm", "Succeeded");
    assert_int_equal(tph_memory_starts(w.podrt, "k"), 1);
    write_plugin(&w, TPH_STORE_UPDATE, "argo", "two", "x"); /* a label: nothing */
    run_one(&w, "same", "Succeeded");
    assert_int_equal(tph_memory_starts(w.podrt, "k"), 1);
    write_plugin(&w, TPH_STORE_UPDATE, "argo", "two", "y"); /* another program */
    run_one(&w, "changed", "Succeeded");
    assert_int_equal(tph_memory_starts(w.podrt, "k"), 2);
    write_plugin(&w, TPH_STORE_UPDATE, "argo", "two", "y], surprise: ["); /* no such field: it stays as it was */
    wait_for(&w, one_has_a_problem);
    run_one(&w, "kept", "Succeeded");
    assert_int_equal(tph_memory_starts(w.podrt, "k"), 2);
    struct counter c = all_of(&w, "events");
    assert_non_null(strstr(tph_buf_cstr(&c.text), "\"reason\":\"ExecutorPluginInvalid\""));
    tph_buf_release(&c.text);
    assert_int_equal(world_write(&w, TPH_STORE_DELETE, "configmaps", "argo", "k-executor-plugin", TPH_STR_NONE), 0);
    wait_for(&w, none_is_known);
    run_one(&w, "gone", "Failed");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_to_live_ends_it),
        cmocka_unit_test(so_many_are_kept),
        cmocka_unit_test(many_that_are_over_hold_up_nobody),
        cmocka_unit_test(who_waits_is_pending_and_comes_by_priority),
        cmocka_unit_test(what_happens_is_told),
        cmocka_unit_test(what_never_ran_is_not_told),
        cmocka_unit_test(of_too_many_events_the_oldest_go),
        cmocka_unit_test(events_go_by_age_after_a_restart),
        cmocka_unit_test(plugins_come_and_go),
    };
    return cmocka_run_group_tests_name("controller/policy", tests, NULL, NULL);
}
