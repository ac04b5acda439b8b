/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

static const char *const phase[] = {"phase", NULL};
static const char *const two[] = {"namespace", "plugin", NULL};
static const double bounds[] = {0.1, 1, 30};
static const struct tph_metric_spec total = {
    .name = "b_total", .help = "With a \\ and a\nline.", .kind = TPH_METRIC_COUNTER, .labels = phase};
static const struct tph_metric_spec depth = {.name = "c_depth", .help = "A gauge.", .kind = TPH_METRIC_GAUGE};
static const struct tph_metric_spec seconds = {.name = "a_seconds",
                                               .help = "A histogram.",
                                               .kind = TPH_METRIC_HISTOGRAM,
                                               .labels = two,
                                               .bounds = bounds,
                                               .n_bounds = 3};
static const struct tph_metric_spec unused = {.name = "d", .help = "Has no series.", .kind = TPH_METRIC_GAUGE};

/* The text by the rules of Prometheus' exposition_formats.md. */
static void test_text(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    struct tph_metric *b = tph_metric_new(metrics, &total), *c = tph_metric_new(metrics, &depth);
    struct tph_metric *a = tph_metric_new(metrics, &seconds);
    assert_non_null(tph_metric_new(metrics, &unused));
    assert_ptr_equal(tph_metric_new(metrics, &total), b);
    struct tph_series *running = tph_metric_of(b, "Running", NULL);
    assert_ptr_equal(tph_metric_of(b, "Running", NULL), running);
    tph_series_add(running, 1);
    tph_series_add(running, 2);
    tph_series_add(running, -5); /* a counter does not fall */
    tph_series_add(tph_metric_of(b, "a\"b\\c\nd", NULL), 1e6);
    tph_series_add(tph_metric_of(c, NULL), 0.1);
    tph_series_add(tph_metric_of(c, NULL), -0.3);
    struct tph_series *h = tph_metric_of(a, "argo", "hello", NULL);
    static const double seen[] = {0.05, 0.1, 0.11, 30, 60};
    for (size_t i = 0; i < 5; i++) {
        tph_series_observe(h, seen[i]);
    }
    tph_series_observe(running, 1); /* is none */
    assert_true(tph_series_value(h) == 5 && tph_series_value(running) == 3);
    tph_metrics_write(metrics, &out);
    assert_string_equal(tph_buf_cstr(&out), "# HELP a_seconds A histogram.\n"
                                            "# TYPE a_seconds histogram\n"
                                            "a_seconds_bucket{namespace=\"argo\",plugin=\"hello\",le=\"0.1\"} 2\n"
                                            "a_seconds_bucket{namespace=\"argo\",plugin=\"hello\",le=\"1\"} 3\n"
                                            "a_seconds_bucket{namespace=\"argo\",plugin=\"hello\",le=\"30\"} 4\n"
                                            "a_seconds_bucket{namespace=\"argo\",plugin=\"hello\",le=\"+Inf\"} 5\n"
                                            "a_seconds_sum{namespace=\"argo\",plugin=\"hello\"} 90.26\n"
                                            "a_seconds_count{namespace=\"argo\",plugin=\"hello\"} 5\n"
                                            "# HELP b_total With a \\\\ and a\\nline.\n"
                                            "# TYPE b_total counter\n"
                                            "b_total{phase=\"Running\"} 3\n"
                                            "b_total{phase=\"a\\\"b\\\\c\\nd\"} 1e+06\n"
                                            "# HELP c_depth A gauge.\n"
                                            "# TYPE c_depth gauge\n"
                                            "c_depth -0.19999999999999998\n");
}

static void look(void *owner)
{
    struct tph_metric *metric = owner;
    tph_metric_zero(metric);
    tph_series_add(tph_metric_of(metric, NULL), 7);
}

static void test_looks(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    struct tph_metric *metric = tph_metric_new(metrics, &depth);
    tph_metrics_on_write(metrics, look, metric);
    tph_metrics_write(metrics, &out);
    tph_metrics_write(metrics, &out); /* counted anew, not added */
    assert_true(tph_series_value(tph_metric_of(metric, NULL)) == 7);
    tph_metrics_forget(metrics, metric);
    tph_series_set(tph_metric_of(metric, NULL), NAN);
    tph_buf_clear(&out);
    tph_metrics_write(metrics, &out);
    assert_non_null(strstr(tph_buf_cstr(&out), "\nc_depth NaN\n"));
    tph_series_set(tph_metric_of(metric, NULL), -INFINITY);
    tph_buf_clear(&out);
    tph_metrics_write(metrics, &out);
    assert_non_null(strstr(tph_buf_cstr(&out), "\nc_depth -Inf\n"));
}

static void test_limit(void **state)
{
    TPH_CLEANUP(tph_metrics_freep) struct tph_metrics *metrics = tph_metrics_new();
    (void)state;
    struct tph_metric *metric = tph_metric_new(metrics, &total);
    char text[32];
    for (int i = 0; i < TPH_LIMIT_METRIC_SERIES + 100; i++) {
        (void)snprintf(text, sizeof(text), "p%d", i);
        tph_series_add(tph_metric_of(metric, text, NULL), 1);
    }
    assert_true(tph_series_value(tph_metric_of(metric, "other", NULL)) == 100);
    assert_true(tph_series_value(tph_metric_of(metric, "p1999", NULL)) == 1);
    TPH_CLEANUP(tph_freep) char *large = tph_calloc(1, TPH_LIMIT_METRIC_LABELS + 1);
    memset(large, 'x', TPH_LIMIT_METRIC_LABELS);
    assert_ptr_equal(tph_metric_of(metric, large, NULL), tph_metric_of(metric, "other", NULL));
}

/* Who has no registry counts into nothing. */
static void test_nothing(void **state)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(1));
    (void)state;
    struct tph_metric *metric = tph_metric_new(NULL, &total);
    assert_null(metric);
    tph_series_add(tph_metric_of(metric, "x", NULL), 1);
    tph_series_observe(NULL, 1);
    tph_series_set(NULL, 1);
    tph_metric_zero(NULL);
    tph_metrics_on_write(NULL, look, NULL);
    tph_metrics_forget(NULL, NULL);
    tph_metrics_write(NULL, &out);
    assert_int_equal(out.len, 0);
    assert_true(tph_series_value(NULL) == 0);
    tph_metrics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_looks),
                                       cmocka_unit_test(test_limit), cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
