/* SPDX-License-Identifier: Apache-2.0 */
/* CronWorkflows: what is told of a schedule and a zone is what reading them would say when they are due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "data/cron.h"
#include "data/yaml.h"
#include "data/zone.h"
#include "lint/lint.h"

#define WORKFLOW "workflowSpec: {entrypoint: main, templates: [{name: main, plugin: {x: {}}}]}"

static const struct tph_lint_set NONE = {.templates = TPH_MAP_INIT, .cluster = TPH_MAP_INIT};

static struct tph_json *read_cron(const char *spec, struct tph_json_doc **doc, struct tph_lint_problems *problems)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json *object = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_buf_printf(&text, "{kind: CronWorkflow, metadata: {name: w}, spec: {%s, " WORKFLOW "}}", spec),
                     0);
    if (tph_yaml_parse(tph_buf_str(&text), 0, doc, NULL, &err) < 0) {
        fail_msg("%s: %s", spec, err.text);
    }
    tph_lint_read(*doc, tph_json_root(*doc), 0, &object, problems);
    assert_non_null(object);
    return object;
}

/* expected: the one error as Argo tells it; empty: none. */
static void check(const char *spec, const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *object = read_cron(spec, &doc, &problems);
    assert_int_equal(tph_lint_object(object, &NONE, TPH_LINT_FOR_REPORT, &err), expected[0] ? -1 : 0);
    assert_string_equal(err.text, expected);
}

/* All that our own report says, a line each. */
static void report(const char *spec, const char *expected)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_lint_problems_release) struct tph_lint_problems problems = TPH_LINT_PROBLEMS_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_json *object = read_cron(spec, &doc, &problems);
    tph_lint_check(object, &(struct tph_lint_subject){.set = &NONE, .mode = TPH_LINT_FOR_REPORT}, &problems);
    for (size_t i = 0; i < problems.n; i++) {
        (void)tph_buf_puts(&out, problems.list[i].is_warning ? "warning: " : "error: ");
        tph_lint_problem_write(&problems.list[i], TPH_STR(""), &out);
        (void)tph_buf_putc(&out, '\n');
    }
    assert_string_equal(tph_buf_cstr(&out), expected);
}

/* The schedules of the recorded table, and some more; the parser's texts are judged there (cron.jsonl). */
static void a_schedule_is_refused_as_when_it_is_due(void **state)
{
    (void)state;
    static const char *const SCHEDULES[] = {
        "* * * * *",
        "0 0 * * 7",
        "60 * * * *",
        "* 24 * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "1-* * * * *",
        "* * * FOO *",
        "0 0 L * *",
        "0 0 * * MON#1",
        "0x1 * * * *",
        "99999999999999999999 * * * *",
        "* * * *",
        "* * * * * *",
        "",
        "   ",
        "@hourly",
        "@every 1h30m",
        "@every abc",
        "@every",
        "@reboot",
        "TZ=Asia/Tokyo 0 0 * * *",
        "CRON_TZ=Bad/Zone 0 0 * * *",
        "TZ=UTC",
        "0 0 30 2 *",
    };
    for (size_t i = 0; i < sizeof SCHEDULES / sizeof SCHEDULES[0]; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf spec = TPH_BUF_INIT(TPH_KIB(64));
        TPH_CLEANUP(tph_buf_release) struct tph_buf expected = TPH_BUF_INIT(TPH_KIB(64));
        TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
        struct tph_error why = TPH_ERROR_INIT;
        if (tph_cron_parse(tph_str(SCHEDULES[i]), TPH_STR_NONE, tph_zone_read_file, &cron, &why) < 0) {
            (void)tph_buf_printf(&expected, "cron schedule %s is malformed: %s", SCHEDULES[i], why.text);
        }
        (void)tph_buf_printf(&spec, "schedules: ['* * * * *', '%s']", SCHEDULES[i]);
        check(tph_buf_cstr(&spec), tph_buf_cstr(&expected));
    }
}

/* Recorded: cron-bad-schedule, cron-seconds of lint.jsonl. The order is Argo's: schedules, zone, policy, deadline. */
static void the_first_error_is_told_as_argo_tells_it(void **state)
{
    (void)state;
    check("schedules: ['* * * *'], timezone: No/Where",
          "cron schedule * * * * is malformed: expected exactly 5 fields, found 4: [* * * *]");
    check("schedules: ['* * * * *'], timezone: No/Where, concurrencyPolicy: Foo",
          "invalid timezone \"No/Where\": unknown time zone No/Where");
    check("schedules: ['* * * * *'], timezone: ../etc/passwd",
          "invalid timezone \"../etc/passwd\": time: invalid location "
          "name");
    check("schedules: ['* * * * *'], timezone: /etc/localtime",
          "invalid timezone \"/etc/localtime\": time: invalid location name");
    check("schedules: ['* * * * *'], timezone: zone.tab", "invalid timezone \"zone.tab\": unknown time zone zone.tab");
    check("schedules: ['* * * * *'], timezone: \"a\\tb\"", "invalid timezone \"a\\tb\": unknown time zone a\tb");
    check("schedules: ['* * * * *'], concurrencyPolicy: Foo, startingDeadlineSeconds: -1",
          "'Foo' is not a valid concurrencyPolicy");
    check("schedules: ['* * * * *'], startingDeadlineSeconds: -1", "startingDeadlineSeconds must be positive");
    check("schedules: ['* * * * *'], timezone: Local", "");
    check("schedules: ['0 0 * * *'], timezone: Asia/Tokyo", "");
    check("schedules: ['TZ=Asia/Tokyo 0 0 * * *'], timezone: Europe/Zurich", ""); /* fails when it is due */
}

static void our_report_tells_all_of_them_and_what_would_never_run(void **state)
{
    (void)state;
    report(
        "schedules: ['* * * *', '0 0 * * 7', '0 0 * * *'], timezone: No/Where, concurrencyPolicy: Foo",
        "error: spec.schedules[0]: cron schedule * * * * is malformed: expected exactly 5 fields, found 4: [* * * *]\n"
        "  minute hour day month weekday, for example \"*/5 * * * *\"\n"
        "error: spec.schedules[1]: cron schedule 0 0 * * 7 is malformed: end of range (7) above maximum (6): 7\n"
        "  minute hour day month weekday, for example \"*/5 * * * *\"\n"
        "error: spec.timezone: invalid timezone \"No/Where\": unknown time zone No/Where\n"
        "  for example Europe/Zurich; /usr/share/zoneinfo has what this machine knows\n"
        "error: spec.concurrencyPolicy: 'Foo' is not a valid concurrencyPolicy\n"
        "  one of Allow, Forbid, Replace\n");
    report(
        "schedules: ['TZ=Asia/Tokyo 0 0 * * *'], timezone: Europe/Zurich",
        "error: spec.schedules[0]: cron schedule TZ=Asia/Tokyo 0 0 * * * has a time zone of its own, but timezone is "
        "set, too\n  keep one of the two\n");
    report("schedules: ['0 0 30 2 *']", "warning: spec.schedules[0]: never due: no year has that day\n");
    report("schedules: ['0 0 29 2 *', 'TZ=Asia/Tokyo 0 0 * * *', '@every 5m']", "");
    report("schedules: ['0 0 31 * *'], timezone: Asia/Tokyo", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_is_refused_as_when_it_is_due),
        cmocka_unit_test(the_first_error_is_told_as_argo_tells_it),
        cmocka_unit_test(our_report_tells_all_of_them_and_what_would_never_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
