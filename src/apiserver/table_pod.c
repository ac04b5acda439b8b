/* SPDX-License-Identifier: Apache-2.0 */
/* What kubectl shows of a pod. Rules of the genuine server's printer: the first init container that has not done its
 * work tells the status; after them the first container of the list that waits or has ended; a pod that is being
 * deleted is Terminating. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/table_cells.h"
#include "base/alloc.h"
#include "data/time.h"

struct summary {
    size_t ready, total;
    int64_t restarts;
    const struct tph_json *last_restart; /* NULL: not known */
    char reason[256];
};

static void set_reason(struct summary *s, const char *before, struct tph_str reason)
{
    (void)snprintf(s->reason, sizeof s->reason, "%s%.*s", before, TPH_FMT(reason));
}

static int64_t whole(const struct tph_json *object, const char *key)
{
    int64_t value = 0;
    return tph_json_to_i64(tph_json_get(object, key), &value) < 0 ? 0 : value;
}

/* How a container ended: its reason, or its signal or exit code. */
static void set_ended(struct summary *s, const char *before, const struct tph_json *ended)
{
    struct tph_str reason = tph_json_get_str(ended, "reason");
    int64_t signal = whole(ended, "signal");
    if (reason.len > 0) {
        set_reason(s, before, reason);
    } else {
        (void)snprintf(s->reason, sizeof s->reason, "%s%s:%" PRId64, before, signal != 0 ? "Signal" : "ExitCode",
                       signal != 0 ? signal : whole(ended, "exitCode"));
    }
}

static int64_t seconds(const struct tph_json *time)
{
    struct tph_instant at;
    return tph_time_parse_instant(tph_json_str(time), &at, NULL) < 0 ? INT64_MIN : at.seconds;
}

static void count_restarts(struct summary *s, const struct tph_json *container)
{
    const struct tph_json *ended = tph_json_path(container, "lastState", "terminated", "finishedAt", NULL);
    s->restarts += whole(container, "restartCount");
    if (seconds(ended) > seconds(s->last_restart)) {
        s->last_restart = ended;
    }
}

static bool condition_true(const struct tph_json *pod, const char *type)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "status", "conditions", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), type) &&
            tph_str_eqz(tph_json_get_str(it.value, "status"), "True")) {
            return true;
        }
    }
    return false;
}

/* An init container that goes on running beside the others. */
static bool restarts_always(const struct tph_json *pod, struct tph_str name)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "spec", "initContainers", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
            return tph_str_eqz(tph_json_get_str(it.value, "restartPolicy"), "Always");
        }
    }
    return false;
}

/* Returns whether the pod is still initializing. beside: restarts of those that go on running. */
static bool init_containers(const struct tph_json *pod, struct summary *s, struct summary *beside)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "status", "initContainerStatuses", NULL));
    while (tph_json_next(&it)) {
        const struct tph_json *ended = tph_json_path(it.value, "state", "terminated", NULL);
        struct tph_str waits = tph_json_str(tph_json_path(it.value, "state", "waiting", "reason", NULL));
        bool stays = restarts_always(pod, tph_json_get_str(it.value, "name"));
        count_restarts(s, it.value);
        if (stays) {
            count_restarts(beside, it.value);
        }
        if (!tph_json_is_null(ended) && whole(ended, "exitCode") == 0) {
            continue;
        }
        if (stays && tph_json_bool(tph_json_get(it.value, "started"))) {
            s->ready += tph_json_bool(tph_json_get(it.value, "ready"));
            continue;
        }
        if (!tph_json_is_null(ended)) {
            set_ended(s, "Init:", ended);
        } else if (waits.len > 0 && !tph_str_eqz(waits, "PodInitializing")) {
            set_reason(s, "Init:", waits);
        } else {
            (void)snprintf(s->reason, sizeof s->reason, "Init:%zu/%zu", it.index,
                           tph_json_len(tph_json_path(pod, "spec", "initContainers", NULL)));
        }
        return true;
    }
    return false;
}

static void containers(const struct tph_json *pod, struct summary *s)
{
    const struct tph_json *list = tph_json_path(pod, "status", "containerStatuses", NULL);
    bool running = false;
    for (size_t i = tph_json_len(list); i-- > 0;) {
        const struct tph_json *container = tph_json_at(list, i);
        const struct tph_json *ended = tph_json_path(container, "state", "terminated", NULL);
        struct tph_str waits = tph_json_str(tph_json_path(container, "state", "waiting", "reason", NULL));
        count_restarts(s, container);
        if (waits.len > 0) {
            set_reason(s, "", waits);
        } else if (!tph_json_is_null(ended)) {
            set_ended(s, "", ended);
        } else if (tph_json_bool(tph_json_get(container, "ready")) &&
                   !tph_json_is_null(tph_json_path(container, "state", "running", NULL))) {
            running = true;
            s->ready++;
        }
    }
    if (running && strcmp(s->reason, "Completed") == 0) {
        set_reason(s, "", condition_true(pod, "Ready") ? TPH_STR("Running") : TPH_STR("NotReady"));
    }
}

static bool is_gated(const struct tph_json *pod)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "status", "conditions", NULL));
    while (tph_json_next(&it)) {
        if (tph_str_eqz(tph_json_get_str(it.value, "type"), "PodScheduled") &&
            tph_str_eqz(tph_json_get_str(it.value, "reason"), "SchedulingGated")) {
            return true;
        }
    }
    return false;
}

static struct summary summarize(const struct tph_json *pod)
{
    struct summary s = {.ready = 0};
    struct summary beside = {.ready = 0};
    struct tph_str phase = tph_json_str(tph_json_path(pod, "status", "phase", NULL));
    struct tph_str reason = tph_json_str(tph_json_path(pod, "status", "reason", NULL));
    struct tph_json_iter it = tph_json_iter(tph_json_path(pod, "spec", "initContainers", NULL));
    s.total = tph_json_len(tph_json_path(pod, "spec", "containers", NULL));
    while (tph_json_next(&it)) {
        s.total += tph_str_eqz(tph_json_get_str(it.value, "restartPolicy"), "Always");
    }
    set_reason(&s, "", reason.len > 0 ? reason : phase);
    if (is_gated(pod)) {
        set_reason(&s, "", TPH_STR("SchedulingGated"));
    }
    if (!init_containers(pod, &s, &beside) || condition_true(pod, "Initialized")) {
        s.restarts = beside.restarts;
        s.last_restart = beside.last_restart;
        containers(pod, &s);
    }
    if (!tph_json_is_null(tph_json_path(pod, "metadata", "deletionTimestamp", NULL))) {
        if (tph_str_eqz(reason, "NodeLost")) {
            set_reason(&s, "", TPH_STR("Unknown"));
        } else if (!tph_str_eqz(phase, "Succeeded") && !tph_str_eqz(phase, "Failed")) {
            set_reason(&s, "", TPH_STR("Terminating"));
        }
    }
    return s;
}

void tph_table_pod_ready(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    struct summary s = summarize(pod);
    (void)now_ms;
    (void)tph_buf_printf(out, "\"%zu/%zu\"", s.ready, s.total);
}

void tph_table_pod_status(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    struct summary s = summarize(pod);
    (void)now_ms;
    tph_json_write_str(tph_str(s.reason), 0, out);
}

void tph_table_pod_restarts(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    struct summary s = summarize(pod);
    (void)tph_buf_printf(out, "\"%" PRId64, s.restarts);
    if (s.restarts != 0 && s.last_restart) {
        (void)tph_buf_puts(out, " (");
        tph_table_age(s.last_restart, now_ms, out);
        (void)tph_buf_puts(out, " ago)");
    }
    (void)tph_buf_putc(out, '"');
}

void tph_table_pod_gates(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    const struct tph_json *gates = tph_json_path(pod, "spec", "readinessGates", NULL);
    struct tph_json_iter it = tph_json_iter(gates);
    size_t n = 0;
    (void)now_ms;
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_freep) char *type = tph_str_dup(tph_json_get_str(it.value, "conditionType"));
        n += condition_true(pod, type);
    }
    if (tph_json_len(gates) > 0) {
        (void)tph_buf_printf(out, "\"%zu/%zu\"", n, tph_json_len(gates));
    } else {
        (void)tph_buf_puts(out, "\"<none>\"");
    }
}
