/* SPDX-License-Identifier: Apache-2.0 */
/* What a CronWorkflow says of its times. Schedules and zones are read by who reads them when they are due
 * (data/cron.h), so that what is told here is what would happen then. */
#include "base/limits.h"
#include "data/cron.h"
#include "data/quote.h"
#include "data/zone.h"
#include "lint/internal.h"

static int zone(struct tph_lint *l, struct tph_str name)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_error why = TPH_ERROR_INIT;
    if (name.len > 0 && tph_cron_check_zone(name, tph_zone_read_file, &why) < 0) {
        tph_quote_go(name, &quoted);
        (void)tph_lint_fail(l, "invalid timezone %s: %s", tph_buf_cstr(&quoted), why.text);
        (void)tph_lint_hint(l, "for example Europe/Zurich; /usr/share/zoneinfo has what this machine knows");
        return tph_lint_at(l, "timezone");
    }
    return 0;
}

/* What Argo lets pass: an error comes when the schedule is read with its zone, or the time never. */
static int when_due(struct tph_lint *l, struct tph_str text, struct tph_str timezone, size_t index)
{
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_error why = TPH_ERROR_INIT;
    int64_t due_s = 0;
    if (tph_cron_check_zone(timezone, tph_zone_read_file, &why) < 0) {
        return 0; /* told of the zone */
    }
    if (tph_cron_parse(text, timezone, tph_zone_read_file, &cron, &why) < 0) {
        (void)tph_lint_fail(l, "cron schedule %.*s has a time zone of its own, but timezone is set, too",
                            TPH_FMT(text));
        (void)tph_lint_hint(l, "keep one of the two");
        return tph_lint_at(l, "schedules[%zu]", index);
    }
    if (!tph_cron_next(cron, 0, &due_s)) {
        tph_lint_warn(l, "never due: no year has that day");
        (void)tph_lint_at(l, "schedules[%zu]", index);
        tph_lint_keep(l);
    }
    return 0;
}

/* Argo reads schedules by themselves here, but with the time zone in front when they are due. */
static int schedule(struct tph_lint *l, const struct tph_json *spec, struct tph_str text, size_t index)
{
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_error why = TPH_ERROR_INIT;
    if (tph_cron_parse(text, TPH_STR_NONE, tph_zone_read_file, &cron, &why) < 0) {
        (void)tph_lint_fail(l, "cron schedule %.*s is malformed: %s", TPH_FMT(text), why.text);
        (void)tph_lint_hint(l, "minute hour day month weekday, for example \"*/5 * * * *\"");
        return tph_lint_at(l, "schedules[%zu]", index);
    }
    return l->problems ? when_due(l, text, tph_json_get_str(spec, "timezone"), index) : 0;
}

static int schedules(struct tph_lint *l, const struct tph_json *spec)
{
    const struct tph_json *list = tph_json_get(spec, "schedules");
    struct tph_json_iter it = tph_json_iter(list);
    if (tph_json_len(list) == 0) {
        (void)tph_lint_fail(l, "cron workflow must have at least one schedule");
        return tph_lint_hint(l, "for example  schedules: [\"0 3 * * *\"]");
    }
    while (tph_json_next(&it)) {
        int told = schedule(l, spec, tph_json_str(it.value), it.index);
        if (tph_lint_go_on(l, told, tph_lint_here(l)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int policy(struct tph_lint *l, struct tph_str name)
{
    if (name.len > 0 && !tph_str_eqz(name, "Allow") && !tph_str_eqz(name, "Forbid") && !tph_str_eqz(name, "Replace")) {
        (void)tph_lint_fail(l, "'%.*s' is not a valid concurrencyPolicy", TPH_FMT(name));
        (void)tph_lint_hint(l, "one of Allow, Forbid, Replace");
        return tph_lint_at(l, "concurrencyPolicy");
    }
    return 0;
}

static int starting_deadline(struct tph_lint *l, const struct tph_json *value)
{
    int64_t seconds = 0;
    if (tph_json_to_i64(value, &seconds) == 0 && seconds < 0) {
        (void)tph_lint_fail(l, "startingDeadlineSeconds must be positive");
        return tph_lint_at(l, "startingDeadlineSeconds");
    }
    return 0;
}

int tph_lint_cron(struct tph_lint *l, const struct tph_json *spec)
{
    struct tph_lint_mark mark = tph_lint_here(l);
    if (tph_lint_go_on(l, schedules(l, spec), mark) < 0 ||
        tph_lint_go_on(l, zone(l, tph_json_get_str(spec, "timezone")), mark) < 0 ||
        tph_lint_go_on(l, policy(l, tph_json_get_str(spec, "concurrencyPolicy")), mark) < 0) {
        return -1;
    }
    return tph_lint_go_on(l, starting_deadline(l, tph_json_get(spec, "startingDeadlineSeconds")), mark);
}
