/* SPDX-License-Identifier: Apache-2.0 */
#include "print/workflow.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "data/duration.h"

bool tph_print_is_suspended(const struct tph_json *node)
{
    return tph_str_eqz(tph_json_get_str(node, "type"), "Suspend") &&
           tph_str_eqz(tph_json_get_str(node, "phase"), "Running");
}

static bool waits(const struct tph_json *workflow)
{
    struct tph_json_iter it = tph_json_iter(tph_json_path(workflow, "status", "nodes", NULL));
    bool found = tph_json_bool(tph_json_path(workflow, "spec", "suspend", NULL));
    while (!found && tph_json_next(&it)) {
        found = tph_print_is_suspended(it.value);
    }
    return found;
}

void tph_print_status(const struct tph_json *workflow, struct tph_buf *out)
{
    struct tph_str phase = tph_json_str(tph_json_path(workflow, "status", "phase", NULL));
    struct tph_str shutdown = tph_json_str(tph_json_path(workflow, "spec", "shutdown", NULL));
    (void)tph_buf_put(out, phase.len > 0 ? phase : TPH_STR("Pending"));
    if (tph_str_eqz(phase, "Running") && waits(workflow)) {
        (void)tph_buf_puts(out, " (Suspended)");
    } else if (tph_str_eqz(phase, "Failed") && shutdown.len > 0) {
        (void)tph_buf_puts(out, " (Terminated)");
    }
}

static int by_text(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

/* What one second of a resource is counted in. */
static const char *unit_of(struct tph_str resource)
{
    static const struct {
        const char *resource, *unit;
    } units[] = {{"memory", "100Mi"}, {"storage", "10Gi"}, {"ephemeral-storage", "10Gi"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (tph_str_eqz(resource, units[i].resource)) {
            return units[i].unit;
        }
    }
    return "1";
}

void tph_print_resources(const struct tph_json *durations, struct tph_buf *out)
{
    static const int64_t second_ns = 1000000000;
    size_t n = 0;
    TPH_CLEANUP(tph_freep) struct tph_str *names = tph_calloc(tph_json_len(durations) + 1, sizeof(*names));
    struct tph_json_iter it = tph_json_iter(tph_json_is(durations, TPH_JSON_OBJECT) ? durations : NULL);
    while (tph_json_next(&it)) {
        names[n++] = it.key;
    }
    qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++) {
        int64_t seconds = 0;
        bool known = tph_json_to_i64(tph_json_getn(durations, names[i]), &seconds) == 0;
        bool fits = known && seconds < INT64_MAX / second_ns && seconds > INT64_MIN / second_ns;
        (void)tph_buf_puts(out, i > 0 ? "," : "");
        tph_duration_write(fits ? seconds * second_ns : 0, out);
        (void)tph_buf_printf(out, "*(%s %.*s)", unit_of(names[i]), TPH_FMT(names[i]));
    }
}
