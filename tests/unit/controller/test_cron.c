/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows: what is made of them, when, and never twice. */
#include "durable.h"

/* The last second of a minute, and the next one. */
#define BEFORE_MS (WALL_MS + 39990)
#define DUE_S     (WALL_MS / 1000 + 40)

static void put_cron(struct world *w, const char *spec)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_freep)
    char *yaml =
        tph_format("apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: c, namespace: d, uid: "
                   "u-c}\nspec: {%s, workflowMetadata: {labels: {mine: 'yes'}}, workflowSpec: {entrypoint: m, "
                   "templates: [{name: m, plugin: {k: {}}}]}}\n",
                   spec);
    assert_int_equal(tph_yaml_parse(tph_str(yaml), 0, &doc, NULL, NULL), 0);
    tph_json_write(tph_json_root(doc), TPH_JSON_SORTED, &text);
    assert_int_equal(world_write(w, TPH_STORE_CREATE, TPH_CONTROLLER_CRON_WORKFLOWS, "d", "c", tph_buf_str(&text)), 0);
}

static struct tph_json_doc *cron_object(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_CRON_WORKFLOWS, "c");
    struct tph_json_doc *doc = NULL;
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

static bool count_one(void *owner, const struct tph_store_object *object)
{
    size_t *n = owner;
    (void)object;
    ++*n;
    return true;
}

static size_t n_workflows(struct world *w)
{
    size_t n = 0;
    struct tph_store_list list = {.key = {.resource = TPH_STR(TPH_CONTROLLER_WORKFLOWS)}};
    struct tph_store_page page;
    assert_int_equal(tph_store_list(w->store, &list, count_one, &n, &page, NULL), 0);
    return n;
}

static void wait_for(struct world *w, bool (*test)(struct world *w))
{
    tph_timer_start(w->watchdog, 60000);
    while (!test(w)) {
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_ONCE);
    }
    tph_timer_stop(w->watchdog);
}

static int64_t number_in(struct world *w, const char *key)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = cron_object(w);
    int64_t number = -1;
    return tph_json_to_i64(tph_json_get(tph_json_get(tph_json_root(doc), "status"), key), &number) == 0 ? number : -1;
}

/* So that it knows from when on times count. */
static void start_and_look(struct world *w)
{
    enum { TURNS = 20 };
    world_start(w);
    for (int i = 0; i < TURNS; i++) {
        (void)uv_run(tph_loop_uv(w->loop), UV_RUN_NOWAIT);
    }
}

static int64_t wanted;

static bool so_many_succeeded(struct world *w)
{
    return number_in(w, "succeeded") == wanted;
}

static bool it_is_made(struct world *w)
{
    return n_workflows(w) > 0;
}

static void it_is_made_when_it_is_due(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_wall_ms = BEFORE_MS;
    put_cron(&w, "schedules: ['* * * * *']");
    start_and_look(&w);
    assert_int_equal(n_workflows(&w), 0);
    world_wall_ms = DUE_S * 1000;
    wanted = 1;
    wait_for(&w, so_many_succeeded);
    TPH_CLEANUP(tph_freep) char *name = tph_format("c-%lld", (long long)DUE_S);
    TPH_CLEANUP(tph_freep) char *text = world_text(&w, TPH_CONTROLLER_WORKFLOWS, name);
    assert_non_null(strstr(text, "\"workflows.argoproj.io/cron-workflow\":\"c\""));
    assert_non_null(strstr(text, "\"workflows.argoproj.io/scheduled-time\":\"2023-11-14T22:14:00Z\""));
    assert_non_null(strstr(text, "\"mine\":\"yes\""));
    assert_non_null(strstr(text,
                           "\"ownerReferences\":[{\"apiVersion\":\"argoproj.io/v1alpha1\",\"blockOwnerDeletion\":"
                           "true,\"controller\":true,\"kind\":\"CronWorkflow\",\"name\":\"c\",\"uid\":\"u-c\"}]"));
    TPH_CLEANUP(tph_freep) char *cron = world_text(&w, TPH_CONTROLLER_CRON_WORKFLOWS, "c");
    assert_non_null(strstr(cron, "\"status\":{\"failed\":0,\"lastScheduledTime\":\"2023-11-14T22:14:00Z\",\"phase\":"
                                 "\"Active\",\"succeeded\":1}"));
    assert_non_null(strstr(cron, "\"cronworkflows.argoproj.io/last-used-schedule\":\"* * * * *\""));
    world_close(&w);
}

/* A crash right after the write: not made again, and not forgotten by the status. */
static void a_crash_makes_none_twice(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_wall_ms = BEFORE_MS;
    put_cron(&w, "schedules: ['* * * * *'], startingDeadlineSeconds: 600");
    start_and_look(&w);
    world_wall_ms = DUE_S * 1000;
    wait_for(&w, it_is_made);
    world_crash(&w);
    for (int i = 0; i < 3; i++) {
        world_start(&w);
        for (int turns = 0; turns < 5; turns++) {
            (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
        }
        world_crash(&w);
    }
    world_start(&w);
    wanted = 1;
    wait_for(&w, so_many_succeeded);
    assert_int_equal(n_workflows(&w), 1);
    world_close(&w);
}

static void what_was_missed_is_made_once_within_its_deadline(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        size_t n;
    } rows[] = {{"schedules: ['* * * * *'], startingDeadlineSeconds: 600", 2}, {"schedule: '* * * * *'", 1}};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_open(&w);
        world_wall_ms = BEFORE_MS;
        put_cron(&w, rows[i].spec);
        start_and_look(&w);
        world_wall_ms = DUE_S * 1000;
        wanted = 1;
        wait_for(&w, so_many_succeeded);
        world_crash(&w);
        world_wall_ms += 5 * 60000 + 7000;
        world_start(&w);
        wanted = (int64_t)rows[i].n;
        wait_for(&w, so_many_succeeded);
        for (int turns = 0; turns < 20; turns++) {
            (void)uv_run(tph_loop_uv(w.loop), UV_RUN_NOWAIT);
        }
        assert_int_equal(n_workflows(&w), rows[i].n);
        world_close(&w);
    }
}

static bool is_called(struct world *w)
{
    return w->n_calls > 0;
}

static void stop_loop(void *owner)
{
    struct world *w = owner;
    tph_loop_stop(w->loop);
}

/* Of what does not happen there is no event. */
static void let_time_pass(struct world *w)
{
    enum { A_WHILE_MS = 100 };
    struct tph_timer *timer = tph_timer_new(w->loop, stop_loop, w);
    tph_timer_start(timer, A_WHILE_MS);
    tph_loop_run(w->loop);
    tph_timer_free(timer);
}

static bool two_are_made(struct world *w)
{
    return n_workflows(w) == 2;
}

static void of_two_at_a_time_the_policy_decides(void **state)
{
    (void)state;
    static const char *const policies[] = {"Forbid", "Allow", "Replace"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_open(&w);
        w.silent = true;
        world_wall_ms = BEFORE_MS;
        TPH_CLEANUP(tph_freep) char *spec = tph_format("schedules: ['* * * * *'], concurrencyPolicy: %s", policies[i]);
        put_cron(&w, spec);
        start_and_look(&w);
        world_wall_ms = DUE_S * 1000;
        wait_for(&w, is_called);
        world_crash(&w);
        world_wall_ms = BEFORE_MS + 60000;
        start_and_look(&w);
        world_wall_ms = (DUE_S + 60) * 1000;
        if (i == 0) {
            let_time_pass(&w);
            assert_int_equal(n_workflows(&w), 1);
        } else {
            wait_for(&w, two_are_made);
        }
        if (i == 2) {
            TPH_CLEANUP(tph_freep) char *name = tph_format("c-%lld", (long long)DUE_S);
            while (true) {
                TPH_CLEANUP(tph_freep) char *text = world_text(&w, TPH_CONTROLLER_WORKFLOWS, name);
                if (strstr(text, "Stopped with strategy 'Terminate'")) {
                    break;
                }
                (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
            }
        }
        world_close(&w);
    }
}

static void history_is_kept_short_and_it_may_stop(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_wall_ms = BEFORE_MS;
    put_cron(&w, "schedules: ['* * * * *'], successfulJobsHistoryLimit: 1, stopStrategy: {expression: "
                 "'cronworkflow.succeeded >= 3'}");
    start_and_look(&w);
    for (wanted = 1; wanted <= 3; wanted++) {
        world_wall_ms = (DUE_S + 60 * (wanted - 1)) * 1000;
        if (wanted > 1) { /* its timer runs until then in the world's time only */
            world_crash(&w);
            world_wall_ms -= 10;
            start_and_look(&w);
            world_wall_ms += 10;
        }
        wait_for(&w, so_many_succeeded);
    }
    while (n_workflows(&w) != 1) {
        (void)uv_run(tph_loop_uv(w.loop), UV_RUN_ONCE);
    }
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = cron_object(&w);
    assert_true(tph_str_eqz(status_of(doc, "phase"), "Stopped"));
    world_close(&w);
}

static bool it_has_a_problem(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_CRON_WORKFLOWS, "c");
    return strstr(text, "\"type\":\"SpecError\"") != NULL;
}

static void a_schedule_that_is_none_says_so(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    put_cron(&w, "schedules: ['* * * *']");
    world_start(&w);
    wait_for(&w, it_has_a_problem);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_when_it_is_due),
        cmocka_unit_test(a_crash_makes_none_twice),
        cmocka_unit_test(what_was_missed_is_made_once_within_its_deadline),
        cmocka_unit_test(of_two_at_a_time_the_policy_decides),
        cmocka_unit_test(history_is_kept_short_and_it_may_stop),
        cmocka_unit_test(a_schedule_that_is_none_says_so),
    };
    return cmocka_run_group_tests_name("controller/cron", tests, NULL, NULL);
}
