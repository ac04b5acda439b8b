/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_care.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"

struct tph_server_care {
    struct tph_health *health;
    struct tph_metrics *metrics;      /* borrowed */
    struct tph_metric *well, *checks; /* of it */
};

static void look(void *owner)
{
    const struct tph_server_care *care = owner;
    const char *name, *why;
    for (size_t at = 0; tph_health_next(care->health, &at, &name, &why);) {
        tph_series_set(tph_metric_of(care->well, name, NULL), why ? 0 : 1);
    }
}

static void changed(void *owner, const char *name, const char *why)
{
    (void)owner;
    if (why) {
        tph_log(TPH_LOG_ERROR, "not well: see /readyz", "check", name, "reason", why, NULL);
    } else {
        tph_log(TPH_LOG_INFO, "well again", "check", name, NULL);
    }
}

struct tph_server_care *tph_server_care_new(struct tph_metrics *metrics)
{
    static const char *const of_well[] = {"check", NULL};
    static const char *const of_checks[] = {"result", NULL};
    static const struct tph_metric_spec well = {.name = "tiphys_healthy",
                                                .help = "1: what /readyz looks at is well.",
                                                .kind = TPH_METRIC_GAUGE,
                                                .labels = of_well};
    static const struct tph_metric_spec checks = {.name = "tiphys_store_checks_total",
                                                  .help = "Full checks of the store's file: ok, damaged, failed.",
                                                  .kind = TPH_METRIC_COUNTER,
                                                  .labels = of_checks};
    struct tph_server_care *care = TPH_NEW(struct tph_server_care);
    care->health = tph_health_new();
    care->metrics = metrics;
    tph_health_on_change(care->health, changed, care);
    care->well = tph_metric_new(metrics, &well);
    care->checks = tph_metric_new(metrics, &checks);
    tph_metrics_on_write(metrics, look, care);
    return care;
}

void tph_server_care_free(struct tph_server_care *care)
{
    if (care) {
        tph_metrics_forget(care->metrics, care);
        tph_health_free(care->health);
        free(care);
    }
}

struct tph_health *tph_server_care_health(struct tph_server_care *care)
{
    return care->health;
}

static void checked(void *owner, const struct tph_store_checked *result)
{
    const struct tph_server_care *care = owner;
    char problems[16], took[24];
    (void)snprintf(problems, sizeof(problems), "%u", result->problems);
    (void)snprintf(took, sizeof(took), "%" PRId64, result->took_ms);
    const char *word = result->error ? "failed" : result->problems > 0 ? "damaged" : "ok";
    tph_series_add(tph_metric_of(care->checks, word, NULL), 1);
    if (result->error) {
        tph_log(TPH_LOG_WARN, "the store's file could not be checked", "error", result->error->text, NULL);
    } else if (result->problems > 0) {
        tph_log(TPH_LOG_ERROR,
                "the store's file is damaged: put a backup in its place, or try tiphys db check, which tells all of it",
                "problems", problems, "first", result->first, "ms", took, NULL);
    } else {
        tph_log(TPH_LOG_INFO, "all of the store's file was checked, nothing is wrong", "ms", took, NULL);
    }
}

void tph_server_care_fill(struct tph_server_care *care, struct tph_store_config *config)
{
    config->health = care->health;
    config->checked = checked;
    config->owner = care;
}
