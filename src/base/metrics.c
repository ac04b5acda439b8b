/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"

static const double SECONDS[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                 0.25,   0.5,   1,      2.5,   5,    10,    30,   60};

struct tph_series {
    struct tph_series *next;
    const struct tph_metric *metric;
    char *labels;       /* owned: {a="b",c="d"} without the braces; the key */
    double value;       /* of a histogram: the sum */
    uint64_t n;         /* of a histogram */
    uint64_t buckets[]; /* observed at or below each bound, but not below the one before */
};

struct tph_metric {
    struct tph_metric *next; /* by name */
    const struct tph_metric_spec *spec;
    const double *bounds;
    size_t n_bounds;
    size_t n_labels;
    struct tph_series *first, *last; /* owned */
    struct tph_map series;           /* by labels */
};

struct look {
    struct look *next;
    void (*look)(void *owner);
    void *owner;
};

struct tph_metrics {
    struct tph_metric *first; /* owned, by name */
    struct look *looks;       /* owned */
};

struct tph_metrics *tph_metrics_new(void)
{
    return TPH_NEW(struct tph_metrics);
}

static void metric_free(struct tph_metric *metric)
{
    while (metric->first) {
        struct tph_series *series = metric->first;
        metric->first = series->next;
        free(series->labels);
        free(series);
    }
    tph_map_release(&metric->series);
    free(metric);
}

void tph_metrics_free(struct tph_metrics *metrics)
{
    if (!metrics) {
        return;
    }
    while (metrics->first) {
        struct tph_metric *metric = metrics->first;
        metrics->first = metric->next;
        metric_free(metric);
    }
    while (metrics->looks) {
        struct look *look = metrics->looks;
        metrics->looks = look->next;
        free(look);
    }
    free(metrics);
}

struct tph_metric *tph_metric_new(struct tph_metrics *metrics, const struct tph_metric_spec *spec)
{
    if (!metrics) {
        return NULL;
    }
    struct tph_metric **at = &metrics->first;
    while (*at && strcmp((*at)->spec->name, spec->name) < 0) {
        at = &(*at)->next;
    }
    if (*at && strcmp((*at)->spec->name, spec->name) == 0) {
        return *at;
    }
    struct tph_metric *metric = TPH_NEW(struct tph_metric);
    metric->spec = spec;
    metric->series = TPH_MAP_INIT;
    metric->bounds = spec->bounds ? spec->bounds : SECONDS;
    metric->n_bounds = spec->bounds ? spec->n_bounds : sizeof SECONDS / sizeof SECONDS[0];
    while (spec->labels && spec->labels[metric->n_labels]) {
        metric->n_labels++;
    }
    metric->next = *at;
    *at = metric;
    return metric;
}

/* As the format escapes texts; " only in label values. */
static void put_escaped(struct tph_buf *out, struct tph_str text, bool quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '\\' || (c == '"' && quotes)) {
            (void)tph_buf_putc(out, '\\');
            (void)tph_buf_putc(out, c);
        } else if (c == '\n') {
            (void)tph_buf_puts(out, "\\n");
        } else {
            (void)tph_buf_putc(out, c);
        }
    }
}

static void put_labels(const struct tph_metric *metric, const struct tph_str *values, struct tph_buf *out)
{
    for (size_t i = 0; i < metric->n_labels; i++) {
        (void)tph_buf_printf(out, "%s%s=\"", i > 0 ? "," : "", metric->spec->labels[i]);
        put_escaped(out, values[i], true);
        (void)tph_buf_putc(out, '"');
    }
}

static struct tph_series *series_new(struct tph_metric *metric, struct tph_str labels)
{
    size_t n = metric->spec->kind == TPH_METRIC_HISTOGRAM ? metric->n_bounds + 1 : 0;
    struct tph_series *series = tph_calloc(1, sizeof(*series) + n * sizeof(series->buckets[0]));
    series->metric = metric;
    series->labels = tph_str_dup(labels);
    if (metric->last) {
        metric->last->next = series;
    } else {
        metric->first = series;
    }
    metric->last = series;
    (void)tph_map_set(&metric->series, tph_str(series->labels), series);
    return series;
}

struct tph_series *tph_metric_series(struct tph_metric *metric, const struct tph_str *values)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf labels = TPH_BUF_INIT(TPH_LIMIT_METRIC_LABELS);
    if (!metric) {
        return NULL;
    }
    put_labels(metric, values, &labels);
    struct tph_series *series = tph_buf_failed(&labels) ? NULL : tph_map_get(&metric->series, tph_buf_str(&labels));
    if (series) {
        return series;
    }
    if (tph_buf_failed(&labels) || tph_map_len(&metric->series) >= TPH_LIMIT_METRIC_SERIES) {
        struct tph_str others[TPH_METRIC_LABELS];
        for (size_t i = 0; i < TPH_METRIC_LABELS; i++) {
            others[i] = TPH_STR("other");
        }
        tph_buf_clear(&labels);
        put_labels(metric, others, &labels);
        series = tph_map_get(&metric->series, tph_buf_str(&labels));
    }
    return series ? series : series_new(metric, tph_buf_str(&labels));
}

struct tph_series *tph_metric_of(struct tph_metric *metric, ...)
{
    struct tph_str texts[TPH_METRIC_LABELS] = {{NULL, 0}};
    va_list values;
    const char *value;
    va_start(values, metric);
    for (size_t i = 0; i < TPH_METRIC_LABELS && (value = va_arg(values, const char *)); i++) {
        texts[i] = tph_str(value);
    }
    va_end(values);
    return tph_metric_series(metric, texts);
}

void tph_series_add(struct tph_series *series, double by)
{
    if (series && (by >= 0 || series->metric->spec->kind == TPH_METRIC_GAUGE)) {
        series->value += by;
    }
}

void tph_series_set(struct tph_series *series, double value)
{
    if (series) {
        series->value = value;
    }
}

void tph_series_observe(struct tph_series *series, double value)
{
    if (!series || series->metric->spec->kind != TPH_METRIC_HISTOGRAM) {
        return;
    }
    const struct tph_metric *metric = series->metric;
    size_t i = 0;
    while (i < metric->n_bounds && value > metric->bounds[i]) {
        i++;
    }
    series->buckets[i]++;
    series->value += value;
    series->n++;
}

double tph_series_value(const struct tph_series *series)
{
    bool histogram = series && series->metric->spec->kind == TPH_METRIC_HISTOGRAM;
    return histogram ? (double)series->n : series ? series->value : 0;
}

void tph_metric_zero(struct tph_metric *metric)
{
    for (struct tph_series *s = metric ? metric->first : NULL; s; s = s->next) {
        s->value = 0;
    }
}

void tph_metrics_on_write(struct tph_metrics *metrics, void (*look)(void *owner), void *owner)
{
    if (metrics) {
        struct look *one = TPH_NEW(struct look);
        *one = (struct look){.next = metrics->looks, .look = look, .owner = owner};
        metrics->looks = one;
    }
}

void tph_metrics_forget(struct tph_metrics *metrics, void *owner)
{
    for (struct look **at = metrics ? &metrics->looks : NULL; at && *at;) {
        struct look *one = *at;
        if (one->owner == owner) {
            *at = one->next;
            free(one);
        } else {
            at = &one->next;
        }
    }
}

/* The shortest text that is read back as the same number. */
static void put_number(struct tph_buf *out, double value)
{
    char text[40];
    if (isnan(value)) {
        (void)tph_buf_puts(out, "NaN");
    } else if (isinf(value)) {
        (void)tph_buf_puts(out, value > 0 ? "+Inf" : "-Inf");
    } else {
        int precision = 6; /* fewer digits are written as fewer; 10 stays 10 */
        do {
            (void)snprintf(text, sizeof(text), "%.*g", precision, value);
        } while (++precision <= 17 && strtod(text, NULL) != value);
        (void)tph_buf_puts(out, text);
    }
}

static void put_line(struct tph_buf *out, const struct tph_series *series, const char *suffix, const char *more,
                     double value)
{
    bool both = *series->labels != '\0' && *more != '\0';
    (void)tph_buf_printf(out, "%s%s", series->metric->spec->name, suffix);
    if (*series->labels != '\0' || *more != '\0') {
        (void)tph_buf_putc(out, '{');
        (void)tph_buf_puts(out, series->labels);
        (void)tph_buf_printf(out, "%s%s}", both ? "," : "", more);
    }
    (void)tph_buf_putc(out, ' ');
    put_number(out, value);
    (void)tph_buf_putc(out, '\n');
}

static void put_histogram(struct tph_buf *out, const struct tph_series *series)
{
    const struct tph_metric *metric = series->metric;
    uint64_t n = 0;
    for (size_t i = 0; i <= metric->n_bounds; i++) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf bound = TPH_BUF_INIT(64);
        (void)tph_buf_puts(&bound, "le=\"");
        put_number(&bound, i < metric->n_bounds ? metric->bounds[i] : (double)INFINITY);
        (void)tph_buf_putc(&bound, '"');
        n += series->buckets[i];
        put_line(out, series, "_bucket", tph_buf_cstr(&bound), (double)n);
    }
    put_line(out, series, "_sum", "", series->value);
    put_line(out, series, "_count", "", (double)series->n);
}

void tph_metrics_write(struct tph_metrics *metrics, struct tph_buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (struct look *one = metrics ? metrics->looks : NULL; one; one = one->next) {
        one->look(one->owner);
    }
    for (const struct tph_metric *metric = metrics ? metrics->first : NULL; metric; metric = metric->next) {
        if (!metric->first) {
            continue;
        }
        (void)tph_buf_printf(out, "# HELP %s ", metric->spec->name);
        put_escaped(out, tph_str(metric->spec->help), false);
        (void)tph_buf_printf(out, "\n# TYPE %s %s\n", metric->spec->name, kinds[metric->spec->kind]);
        for (const struct tph_series *series = metric->first; series; series = series->next) {
            if (metric->spec->kind == TPH_METRIC_HISTOGRAM) {
                put_histogram(out, series);
            } else {
                put_line(out, series, "", "", series->value);
            }
        }
    }
}
