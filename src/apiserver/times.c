/* SPDX-License-Identifier: Apache-2.0 */
/* Times in built-in objects: read with any offset, kept in UTC, as metav1.Time and MicroTime write themselves. */
#include <string.h>

#include "apiserver/internal.h"
#include "base/limits.h"
#include "data/time.h"

struct time_field {
    const char *resource;
    const char *parent; /* NULL: the object itself */
    const char *name;
    bool micro;
};
static const struct time_field fields[] = {
    {"events", NULL, "firstTimestamp", false},
    {"events", NULL, "lastTimestamp", false},
    {"events", NULL, "eventTime", true},
    {"events", "series", "lastObservedTime", true},
    {"leases.coordination.k8s.io", "spec", "acquireTime", true},
    {"leases.coordination.k8s.io", "spec", "renewTime", true},
};

/* What Go's parser says of a MicroTime that has not exactly six digits of fraction. NULL: it has. */
static const char *micro_problem(struct tph_str text, struct tph_str *ret_at)
{
    struct tph_str zone = tph_str_slice(text, 19, text.len); /* behind the seconds */
    size_t digits = 0;
    if (zone.len == 0 || zone.p[0] != '.') {
        *ret_at = zone;
        return ".000000";
    }
    while (1 + digits < zone.len && zone.p[1 + digits] >= '0' && zone.p[1 + digits] <= '9') {
        digits++;
    }
    if (digits < 6) {
        *ret_at = zone;
        return ".000000";
    }
    *ret_at = tph_str_slice(zone, 7, zone.len);
    return digits > 6 ? "Z07:00" : NULL;
}

static int read_time(struct tph_str text, bool micro, char out[TPH_TIME_TEXT], struct tph_error *err)
{
    struct tph_instant instant;
    struct tph_str at;
    if (tph_time_parse_instant(text, &instant, err) < 0) {
        return -1;
    }
    const char *problem = micro ? micro_problem(text, &at) : NULL;
    if (problem) {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "parsing time \"%.*s\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"%.*s\" as "
                             "\"%s\"",
                             TPH_FMT(text), TPH_FMT(at), problem);
    }
    tph_time_format(instant.seconds * 1000, out);
    if (micro) {
        (void)snprintf(out + 19, TPH_TIME_TEXT - 19, ".%06dZ", (int)(instant.ns / 1000));
    }
    return 0;
}

int tph_times_normalize(const struct tph_kind *kind, struct tph_json_doc *doc, struct tph_json *object,
                        struct tph_error *err)
{
    char text[TPH_TIME_TEXT];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct time_field *f = &fields[i];
        struct tph_json *parent = f->parent ? tph_json_get(object, f->parent) : object;
        const struct tph_json *value = tph_json_get(parent, f->name);
        if (strcmp(kind->resource, f->resource) != 0 || !tph_json_is(value, TPH_JSON_STRING)) {
            continue;
        }
        if (read_time(tph_json_str(value), f->micro, text, err) < 0) {
            return -1;
        }
        tph_json_set_cstr(doc, parent, f->name, text);
    }
    return 0;
}
