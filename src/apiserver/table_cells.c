/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/table_cells.h"

#include <inttypes.h>

#include "base/limits.h"

static const struct tph_json *metadata(const struct tph_json *object, const char *key)
{
    return tph_json_path(object, "metadata", key, NULL);
}

/* "" where it is absent. */
static void write_str(const struct tph_json *value, struct tph_buf *out)
{
    tph_json_write_str(tph_json_str(value), 0, out);
}

static void write_age(const struct tph_json *time, int64_t now_ms, struct tph_buf *out)
{
    (void)tph_buf_putc(out, '"');
    tph_table_age(time, now_ms, out);
    (void)tph_buf_putc(out, '"');
}

static void name(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(metadata(object, "name"), out);
}

static void age(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    write_age(metadata(object, "creationTimestamp"), now_ms, out);
}

/* Custom resources: what is not there is null, a text column shows other values as they are written. */
static void custom_text(const struct tph_json *value, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (tph_json_is_null(value)) {
        (void)tph_buf_puts(out, "null");
    } else if (tph_json_is(value, TPH_JSON_STRING)) {
        write_str(value, out);
    } else {
        tph_json_write(value, 0, &text);
        tph_json_write_str(tph_buf_str(&text), 0, out);
    }
}

static void custom_age(const struct tph_json *value, int64_t now_ms, struct tph_buf *out)
{
    if (tph_json_is(value, TPH_JSON_STRING)) {
        write_age(value, now_ms, out);
    } else {
        (void)tph_buf_puts(out, "null");
    }
}

static void created(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    custom_age(metadata(object, "creationTimestamp"), now_ms, out);
}

static void workflow_phase(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    custom_text(tph_json_path(object, "status", "phase", NULL), out);
}

static void workflow_started(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    custom_age(tph_json_path(object, "status", "startedAt", NULL), now_ms, out);
}

static void workflow_message(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    custom_text(tph_json_path(object, "status", "message", NULL), out);
}

static void namespace_phase(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(tph_json_path(object, "status", "phase", NULL), out);
}

static void data_count(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    (void)tph_buf_putu(out,
                       tph_json_len(tph_json_get(object, "data")) + tph_json_len(tph_json_get(object, "binaryData")));
}

static void type(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(tph_json_get(object, "type"), out);
}

static void lease_holder(const struct tph_json *object, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(tph_json_path(object, "spec", "holderIdentity", NULL), out);
}

static void or_none(const struct tph_json *value, struct tph_buf *out)
{
    struct tph_str text = tph_json_str(value);
    tph_json_write_str(text.len > 0 ? text : TPH_STR("<none>"), 0, out);
}

static void pod_ip(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    struct tph_json *first = tph_json_at(tph_json_path(pod, "status", "podIPs", NULL), 0);
    (void)now_ms;
    or_none(first ? tph_json_get(first, "ip") : tph_json_path(pod, "status", "podIP", NULL), out);
}

static void pod_node(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    or_none(tph_json_path(pod, "spec", "nodeName", NULL), out);
}

static void pod_nominated(const struct tph_json *pod, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    or_none(tph_json_path(pod, "status", "nominatedNodeName", NULL), out);
}

static const struct tph_json *event_first(const struct tph_json *event)
{
    const struct tph_json *first = tph_json_get(event, "firstTimestamp");
    return tph_json_is_null(first) ? tph_json_get(event, "eventTime") : first;
}

static void event_first_seen(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    write_age(event_first(event), now_ms, out);
}

static void event_last_seen(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    const struct tph_json *last = tph_json_get(event, "lastTimestamp");
    const struct tph_json *series = tph_json_get(event, "series");
    if (!tph_json_is_null(series)) {
        last = tph_json_get(series, "lastObservedTime");
    } else if (tph_json_is_null(last)) {
        last = event_first(event);
    }
    write_age(last, now_ms, out);
}

static void event_count(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    const struct tph_json *series = tph_json_get(event, "series");
    int64_t count = 0;
    bool counted = tph_json_to_i64(tph_json_get(tph_json_is_null(series) ? event : series, "count"), &count) == 0;
    (void)now_ms;
    if (tph_json_is_null(series) && (!counted || count == 0)) {
        count = 1; /* the newer API counts in series only */
    }
    (void)tph_buf_printf(out, "%" PRId64, count);
}

static void event_reason(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(tph_json_get(event, "reason"), out);
}

/* "workflow/hello": the kind in small letters. */
static void event_object(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str kind = tph_json_str(tph_json_path(event, "involvedObject", "kind", NULL));
    struct tph_str object = tph_json_str(tph_json_path(event, "involvedObject", "name", NULL));
    (void)now_ms;
    for (size_t i = 0; i < kind.len; i++) {
        char c = kind.p[i];
        (void)tph_buf_putc(&text, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    (void)tph_buf_puts(&text, object.len > 0 ? "/" : "");
    (void)tph_buf_put(&text, object);
    tph_json_write_str(tph_buf_str(&text), 0, out);
}

static void event_subobject(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    write_str(tph_json_path(event, "involvedObject", "fieldPath", NULL), out);
}

static struct tph_str first_of(const struct tph_json *one, const struct tph_json *other)
{
    struct tph_str text = tph_json_str(one);
    return text.len > 0 ? text : tph_json_str(other);
}

static void event_source(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str host =
        first_of(tph_json_path(event, "source", "host", NULL), tph_json_get(event, "reportingInstance"));
    (void)now_ms;
    (void)tph_buf_put(
        &text, first_of(tph_json_path(event, "source", "component", NULL), tph_json_get(event, "reportingComponent")));
    (void)tph_buf_puts(&text, host.len > 0 ? ", " : "");
    (void)tph_buf_put(&text, host);
    tph_json_write_str(tph_buf_str(&text), 0, out);
}

static void event_message(const struct tph_json *event, int64_t now_ms, struct tph_buf *out)
{
    (void)now_ms;
    tph_json_write_str(tph_str_trim(tph_json_get_str(event, "message")), 0, out);
}

#define TEXT "string", ""
#define NAME_COLUMN                                                                                    \
    {                                                                                                  \
        "Name", "string", "name", "The name of the object, which is unique in its namespace.", 0, name \
    }
#define AGE_COLUMN                                                    \
    {                                                                 \
        "Age", TEXT, "The time since the object was created.", 0, age \
    }
#define END          \
    {                \
        .name = NULL \
    }

static const struct tph_table_column config_map[] = {
    NAME_COLUMN,
    {"Data", TEXT, "How many keys it has.", 0, data_count},
    AGE_COLUMN,
    END,
};
static const struct tph_table_column secret[] = {
    NAME_COLUMN,
    {"Type", TEXT, "What the secret is for.", 0, type},
    {"Data", TEXT, "How many keys it has.", 0, data_count},
    AGE_COLUMN,
    END,
};
static const struct tph_table_column plain[] = {
    NAME_COLUMN,
    AGE_COLUMN,
    END,
};
static const struct tph_table_column namespaces[] = {
    NAME_COLUMN,
    {"Status", TEXT, "Whether the namespace is in use or is being deleted.", 0, namespace_phase},
    AGE_COLUMN,
    END,
};
static const struct tph_table_column lease[] = {
    NAME_COLUMN,
    {"Holder", TEXT, "Who holds the lease.", 0, lease_holder},
    AGE_COLUMN,
    END,
};
static const struct tph_table_column pod[] = {
    NAME_COLUMN,
    {"Ready", TEXT, "How many of its containers are ready.", 0, tph_table_pod_ready},
    {"Status", TEXT, "What its containers are doing, taken together.", 0, tph_table_pod_status},
    {"Restarts", TEXT, "How often its containers were restarted, and when that was last.", 0, tph_table_pod_restarts},
    AGE_COLUMN,
    {"IP", TEXT, "The pod's address.", 1, pod_ip},
    {"Node", TEXT, "The machine that it runs on.", 1, pod_node},
    {"Nominated Node", TEXT, "The machine where room is being made for it.", 1, pod_nominated},
    {"Readiness Gates", TEXT, "How many of the conditions that it waits for are true.", 1, tph_table_pod_gates},
    END,
};
static const struct tph_table_column event[] = {
    {"Last Seen", TEXT, "The time since it last happened.", 0, event_last_seen},
    {"Type", TEXT, "Normal or Warning.", 0, type},
    {"Reason", TEXT, "Why, in one word.", 0, event_reason},
    {"Object", TEXT, "What it is about.", 0, event_object},
    {"Subobject", TEXT, "The part of the object that it is about.", 1, event_subobject},
    {"Source", TEXT, "Who tells it.", 1, event_source},
    {"Message", TEXT, "What happened.", 0, event_message},
    {"First Seen", TEXT, "The time since it first happened.", 1, event_first_seen},
    {"Count", TEXT, "How often it happened.", 1, event_count},
    {"Name", "string", "name", "The name of the object, which is unique in its namespace.", 1, name},
    END,
};
static const struct tph_table_column workflow[] = {
    NAME_COLUMN,
    {"Status", TEXT, "The phase of the workflow.", 0, workflow_phase},
    {"Age", "date", "date-time", "The time since the workflow was started.", 0, workflow_started},
    {"Message", TEXT, "Why the workflow is in its phase.", 0, workflow_message},
    END,
};
static const struct tph_table_column custom[] = {
    NAME_COLUMN,
    {"Age", "date", "", "The time since the object was created.", 0, created},
    END,
};

const struct tph_table_column *tph_table_columns(const struct tph_kind *kind)
{
    static const struct {
        const char *resource;
        const struct tph_table_column *columns;
    } own[] = {
        {"configmaps", config_map},
        {"secrets", secret},
        {"namespaces", namespaces},
        {"leases.coordination.k8s.io", lease},
        {"pods", pod},
        {"events", event},
        {"workflows.argoproj.io", workflow},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (tph_str_eqz(tph_str(kind->resource), own[i].resource)) {
            return own[i].columns;
        }
    }
    return kind->flags & TPH_KIND_CUSTOM ? custom : plain;
}
