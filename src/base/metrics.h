/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for Prometheus: counters, gauges, histograms, and their text exposition (format 0.0.4).
 *
 * A registry owns families, a family owns its series, one for each set of label values; both stay where they are, so
 * that who counts keeps a pointer. A family has at most TPH_LIMIT_METRIC_SERIES series; what comes after that is
 * counted in one whose label values are all "other", so that no client can make us grow without end. Names and labels
 * are our own texts and must be fit for Prometheus. Loop thread only. Every function accepts NULL in the place of a
 * registry, a family, a series: then nothing is counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_metrics;
struct tph_metric;
struct tph_series;

enum tph_metric_kind { TPH_METRIC_COUNTER, TPH_METRIC_GAUGE, TPH_METRIC_HISTOGRAM };
enum { TPH_METRIC_LABELS = 8 };

/* What a family is; borrowed, lives as long as the registry. */
struct tph_metric_spec {
    const char *name; /* "argo_workflows_total_count" */
    const char *help; /* one sentence */
    enum tph_metric_kind kind;
    const char *const *labels; /* ended by NULL; NULL: none. At most TPH_METRIC_LABELS */
    const double *bounds;      /* HISTOGRAM: the upper ends of its buckets, rising; the last is +Inf by itself. NULL:
                                  seconds of a call, from 0.5 ms to a minute */
    size_t n_bounds;
};

struct tph_metrics *tph_metrics_new(void) TPH_MUST_CHECK;
void tph_metrics_free(struct tph_metrics *metrics);
TPH_DEFINE_CLEANUP(struct tph_metrics, tph_metrics_free);

/* Adds a family; one of this name that is there already is returned. */
struct tph_metric *tph_metric_new(struct tph_metrics *metrics, const struct tph_metric_spec *spec);

/* The series with these label values, as many as there are labels, made when there is none. */
struct tph_series *tph_metric_series(struct tph_metric *metric, const struct tph_str *values);
/* The same for values that are C strings, ended by NULL: tph_metric_of(metric, "Running", NULL). Fewer than labels: the
 * others are empty. */
struct tph_series *tph_metric_of(struct tph_metric *metric, ...) __attribute__((sentinel));

void tph_series_add(struct tph_series *series, double by);        /* a counter only upwards; a gauge */
void tph_series_set(struct tph_series *series, double value);     /* a gauge; a counter that somebody else counts */
void tph_series_observe(struct tph_series *series, double value); /* a histogram */
double tph_series_value(const struct tph_series *series);         /* of a histogram: how many were observed */
void tph_metric_zero(struct tph_metric *metric); /* all gauges of the family: before they are counted anew */

/* Called before each writing, for numbers that are found by looking. owner is also what takes it out again. */
void tph_metrics_on_write(struct tph_metrics *metrics, void (*look)(void *owner), void *owner);
void tph_metrics_forget(struct tph_metrics *metrics, void *owner);

/* Appends everything, families by name, series in the order they came. */
void tph_metrics_write(struct tph_metrics *metrics, struct tph_buf *out);
#define TPH_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
