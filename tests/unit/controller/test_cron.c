/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows: what is made of them, when, and never twice. */
#include "controller/controller_internal.h"
#include "controller/cron_internal.h"
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

/* ---- conditions ---- */

#define OBJECT                                                                                                         \
    "{\"metadata\":{\"name\":\"c\",\"namespace\":\"d\",\"labels\":{\"team\":\"a\",\"x.io/y\":\"z\"},\"annotations\":{" \
    "\"n\":\"3\"}},\"spec\":{\"when\":%s,\"stopStrategy\":{\"expression\":%s}},\"status\":{\"failed\":2,"              \
    "\"succeeded\":5%s}}"

static struct tph_json_doc *condition_object(const char *when, const char *stop, const char *last)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf stops = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json_doc *doc = NULL;
    tph_json_write_str(tph_str(when), 0, &quoted);
    tph_json_write_str(tph_str(stop), 0, &stops);
    TPH_CLEANUP(tph_freep) char *text = tph_format(OBJECT, tph_buf_cstr(&quoted), tph_buf_cstr(&stops), last);
    assert_int_equal(tph_json_parse(tph_str(text), &doc, NULL), 0);
    return doc;
}

#define LAST ",\"lastScheduledTime\":\"2023-11-14T22:10:00Z\"" /* 200 s before WALL_MS */
/* The forms of Argo's documentation and of its example cron-when. */
static void when_says_whether_it_is_time(void **state)
{
    (void)state;
    static const struct {
        const char *when, *last;
        int failed;
        bool run;
        const char *problem;
    } rows[] = {
        {"", "", 0, true, ""},
        {"{{= cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Seconds() > 360 }}", "",
         0, true, ""},
        {"{{= cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Seconds() > 360 }}",
         LAST, 0, false, ""},
        {"{{= cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Seconds() > 60 }}",
         LAST, 0, true, ""},
        {"{{cronworkflow.name}} == c && {{cronworkflow.namespace}} == d", "", 0, true, ""},
        {"{{cronworkflow.failed}} < {{cronworkflow.succeeded}}", "", 0, true, ""},
        {"{{= cronworkflow.failed > 2 }}", "", 0, false, ""},
        {"{{cronworkflow.labels.team}} == a", "", 0, true, ""},
        {"{{= cronworkflow.labels['x.io/y'] == 'z' }}", "", 0, true, ""},
        {"{{= asInt(cronworkflow.annotations.n) == 3 }}", "", 0, true, ""},
        {"{{cronworkflow.labels.none}} == a", "", -1, false, "cronworkflow.labels.none"},
        {"{{workflow.name}} == a", "", -1, false, "workflow.name"},
        {"{{= cronworkflow.failed + }}", "", -1, false, "failed to evaluate expression"},
        {"maybe", "", -1, false, "maybe"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = condition_object(rows[i].when, "", rows[i].last);
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
        bool run = false;
        int failed = tph_cron_when(tph_json_root(doc), WALL_MS, &run, &problem);
        if (failed != rows[i].failed || (failed == 0 && run != rows[i].run)) {
            fail_msg("%s: %d %d %s", rows[i].when, failed, run, tph_buf_cstr(&problem));
        }
        if (failed < 0) {
            assert_true(tph_str_has_prefix(tph_buf_str(&problem), TPH_STR("run policy error: ")));
            assert_non_null(strstr(tph_buf_cstr(&problem), rows[i].problem));
        }
    }
}

static void a_strategy_sees_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int failed;
        bool stop;
    } rows[] = {{"cronworkflow.failed >= 2", 0, true},
                {"cronworkflow.succeeded > 5", 0, false},
                {"cronworkflow.labels.team == 'a' && cronworkflow.name == 'c'", 0, true},
                {"cronworkflow.nothing > 1", -1, false},
                {"1", -1, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = condition_object("", rows[i].expression, "");
        TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(TPH_KIB(64));
        bool stop = false;
        assert_int_equal(tph_cron_stops(tph_json_root(doc), WALL_MS, &stop, &problem), rows[i].failed);
        assert_int_equal(stop, rows[i].stop);
        assert_true(rows[i].failed == 0 ||
                    tph_str_has_prefix(tph_buf_str(&problem), TPH_STR("failed to check CronWorkflow 'c' stopping "
                                                                      "condition: ")));
    }
}

static bool it_could_not_run(struct world *w)
{
    TPH_CLEANUP(tph_freep) char *text = world_text(w, TPH_CONTROLLER_CRON_WORKFLOWS, "c");
    return strstr(text, "\"type\":\"SubmissionError\"") != NULL;
}

static bool it_can_run(struct world *w)
{
    return !it_could_not_run(w);
}

/* A condition that cannot be asked makes nothing, and says so until one can be asked. */
static void when_holds_it_back_and_says_why(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_wall_ms = BEFORE_MS;
    put_cron(&w, "schedules: ['* * * * *'], when: '{{cronworkflow.nothing}} == 1'");
    start_and_look(&w);
    world_wall_ms = DUE_S * 1000;
    wait_for(&w, it_could_not_run);
    assert_int_equal(n_workflows(&w), 0);
    TPH_CLEANUP(tph_freep) char *text = world_text(&w, TPH_CONTROLLER_CRON_WORKFLOWS, "c");
    assert_non_null(strstr(text, "run policy error: "));
    TPH_CLEANUP(tph_buf_release) struct tph_buf mended = TPH_BUF_INIT(TPH_KIB(64));
    char *at = strstr(text, "{{cronworkflow.nothing}} == 1");
    (void)tph_buf_put(&mended, (struct tph_str){.p = text, .len = (size_t)(at - text)});
    (void)tph_buf_printf(&mended, "1 == 1%s", at + strlen("{{cronworkflow.nothing}} == 1"));
    assert_int_equal(world_write(&w, TPH_STORE_UPDATE, TPH_CONTROLLER_CRON_WORKFLOWS, "d", "c", tph_buf_str(&mended)),
                     0);
    world_crash(&w);
    world_wall_ms = BEFORE_MS + 60000;
    start_and_look(&w);
    world_wall_ms = (DUE_S + 60) * 1000;
    wait_for(&w, it_is_made);
    wait_for(&w, it_can_run);
    world_close(&w);
}

/* Argo does not make what cannot be right. */
static void a_wrong_workflow_is_not_made(void **state)
{
    (void)state;
    static const char *const specs[] = {"schedules: ['* * * * *'], concurrencyPolicy: Sometimes",
                                        "schedules: ['* * * * *'], timezone: Atlantis",
                                        "schedules: ['* * * * *'], stopStrategy: {expression: 'cronworkflow.x'}"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct world w;
        world_open(&w);
        world_wall_ms = BEFORE_MS;
        put_cron(&w, specs[i]);
        start_and_look(&w);
        wait_for(&w, it_has_a_problem);
        world_wall_ms = DUE_S * 1000;
        let_time_pass(&w);
        assert_int_equal(n_workflows(&w), 0);
        world_close(&w);
    }
}

static void put_ended(struct world *w, int n)
{
    TPH_CLEANUP(tph_freep)
    char *text = tph_format(
        "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Workflow\",\"metadata\":{\"name\":\"e%d\",\"namespace\":"
        "\"d\",\"uid\":\"u-e%d\",\"labels\":{\"workflows.argoproj.io/cron-workflow\":\"c\"}},\"spec\":{},\"status\":{"
        "\"phase\":\"Succeeded\",\"finishedAt\":\"2023-11-14T22:0%d:00Z\"}}",
        n, n, n);
    TPH_CLEANUP(tph_freep) char *name = tph_format("e%d", n);
    assert_int_equal(world_write(w, TPH_STORE_CREATE, TPH_CONTROLLER_WORKFLOWS, "d", name, tph_str(text)), 0);
}

/* Three may stay, the newest; two of five were deleted by somebody else. */
static void what_others_delete_does_not_count_as_history(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_wall_ms = BEFORE_MS;
    put_cron(&w, "schedules: ['0 0 1 1 *'], successfulJobsHistoryLimit: 3");
    start_and_look(&w);
    for (int i = 1; i <= 3; i++) {
        put_ended(&w, i);
    }
    let_time_pass(&w);
    assert_int_equal(n_workflows(&w), 3);
    assert_int_equal(world_write(&w, TPH_STORE_DELETE, TPH_CONTROLLER_WORKFLOWS, "d", "e2", TPH_STR_NONE), 0);
    assert_int_equal(world_write(&w, TPH_STORE_DELETE, TPH_CONTROLLER_WORKFLOWS, "d", "e3", TPH_STR_NONE), 0);
    for (int i = 4; i <= 5; i++) {
        put_ended(&w, i);
    }
    let_time_pass(&w);
    assert_int_equal(n_workflows(&w), 3); /* e1, e4, e5 */
    put_ended(&w, 6);
    let_time_pass(&w);
    assert_int_equal(n_workflows(&w), 3);
    TPH_CLEANUP(tph_freep) char *oldest = world_text(&w, TPH_CONTROLLER_WORKFLOWS, "e1");
    assert_null(oldest);
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
        cmocka_unit_test(when_says_whether_it_is_time),
        cmocka_unit_test(a_strategy_sees_the_same),
        cmocka_unit_test(when_holds_it_back_and_says_why),
        cmocka_unit_test(a_wrong_workflow_is_not_made),
        cmocka_unit_test(what_others_delete_does_not_count_as_history),
    };
    return cmocka_run_group_tests_name("controller/cron", tests, NULL, NULL);
}
