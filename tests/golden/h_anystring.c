/* SPDX-License-Identifier: Apache-2.0 */
/* anystring.jsonl: the small types of Argo and Kubernetes, decoded from JSON and encoded again. */
#include <inttypes.h>

#include "api/gotype_tables.h"
#include "base/limits.h"
#include "data/anystring.h"
#include "data/duration.h"
#include "data/item.h"
#include "data/time.h"
#include "golden.h"

static void set_number(struct golden_case *c, const char *key, int64_t value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(32);
    (void)tph_buf_printf(&text, "%" PRId64, value);
    golden_set_buf(c, key, &text);
}

static void set_duration(struct golden_case *c, const char *key, int64_t ns)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(64);
    tph_duration_write(ns, &text);
    golden_set_buf(c, key, &text);
}

/* The text as JSON; got["error"] in Go's words when it is none. */
static struct tph_json_doc *parse(struct golden_case *c)
{
    struct tph_json_doc *doc = NULL;
    struct tph_json_fault fault;
    if (tph_json_parse(golden_in(c, "text"), &doc, NULL) < 0) {
        (void)tph_json_check(golden_in(c, "text"), &fault);
        golden_set(c, "error", tph_str(fault.text));
    }
    return doc;
}

static void set_quoted(struct golden_case *c, const char *key, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    tph_json_write_str(text, TPH_JSON_HTML, &json);
    golden_set_buf(c, key, &json);
}

static void run_anystring(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error err = TPH_ERROR_INIT;
    if (!doc) {
        return;
    }
    switch (tph_anystring_decode(tph_json_root(doc), &text, &err)) {
    case 0:
        break;
    case TPH_ANYSTRING_UNCHANGED:
        (void)tph_buf_puts(&text, "UNCHANGED");
        break;
    default: /* an int, not an enum */
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    golden_set_buf(c, "string", &text);
    set_quoted(c, "json", tph_buf_str(&text));
}

static void run_parameter(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *parameter = NULL;
    if (!doc) {
        return;
    }
    if (tph_parameter_decode(tph_json_root(doc), doc, &parameter, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    const struct tph_json *value = tph_json_get(parameter, "value");
    value = value ? value : tph_json_get(parameter, "default");
    golden_set_json(c, "json", parameter, TPH_JSON_HTML);
    golden_set(c, "getValue", tph_json_str(value));
    tph_json_set(c->doc, c->got, "hasValue", tph_json_new_bool(c->doc, value || tph_json_get(parameter, "valueFrom")));
}

static void run_item(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_str raw = golden_in(c, "text");
    if (!doc) {
        return;
    }
    tph_item_write_json(raw, &json);
    tph_item_write_text(raw, &text);
    golden_set_buf(c, "json", &json);
    golden_set_buf(c, "string", &text);
    golden_set_buf(c, "format", &text);
    golden_set(c, "type", tph_str(tph_item_type_name(tph_item_type(raw))));
}

static void run_intorstring(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_int_or_string value;
    if (!doc) {
        return;
    }
    if (tph_int_or_string_decode(tph_json_root(doc), &value, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_json_set(c->doc, c->got, "type", tph_json_new_i64(c->doc, value.is_string ? 1 : 0));
    tph_json_set(c->doc, c->got, "intvalue", tph_json_new_i64(c->doc, value.value));
    if (value.is_string) {
        golden_set(c, "string", value.text);
        set_quoted(c, "json", value.text);
    } else {
        set_number(c, "string", value.value);
        set_number(c, "json", value.value);
    }
}

static void run_duration(struct golden_case *c)
{
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    if (tph_duration_parse_compat(golden_in(c, "text"), &ns, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
    } else {
        set_number(c, "ns", ns);
        set_duration(c, "string", ns);
    }
    if (tph_duration_parse_go(golden_in(c, "text"), &ns, &err) < 0) {
        golden_set(c, "go_error", tph_str(err.text));
    } else {
        set_number(c, "go_ns", ns);
        set_duration(c, "go_string", ns);
    }
}

static void run_durstring(struct golden_case *c)
{
    int64_t ns = 0;
    if (tph_str_to_i64(golden_in(c, "text"), &ns) == 0) {
        set_duration(c, "string", ns);
    }
}

/* The text of a JSON string; got["error"] when it is another type. */
static bool want_string(struct golden_case *c, const struct tph_json *value, struct tph_str *ret_text)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (!tph_json_is(value, TPH_JSON_STRING)) {
        (void)tph_json_type_error(value, "value of type string", &err);
        golden_set(c, "error", tph_str(err.text));
        return false;
    }
    *ret_text = tph_json_str(value);
    return true;
}

static void run_metaduration(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(64);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str value;
    int64_t ns = 0;
    if (!doc || !want_string(c, tph_json_root(doc), &value)) {
        return;
    }
    if (tph_duration_parse_go(value, &ns, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_duration_write(ns, &text);
    set_quoted(c, "json", tph_buf_str(&text));
    set_number(c, "ns", ns);
}

static void run_metatime(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_instant at = {.seconds = TPH_TIME_ZERO_SECONDS};
    struct tph_str value;
    char text[TPH_TIME_TEXT];
    if (!doc) {
        return;
    }
    if (!tph_json_is_null(tph_json_root(doc))) {
        if (!want_string(c, tph_json_root(doc), &value)) {
            return;
        }
        if (tph_time_parse_instant(value, &at, &err) < 0) {
            golden_set(c, "error", tph_str(err.text));
            return;
        }
    }
    bool zero = at.seconds == TPH_TIME_ZERO_SECONDS && at.ns == 0;
    tph_time_format(at.seconds * 1000, text);
    if (zero) {
        golden_set(c, "json", TPH_STR("null"));
    } else {
        set_quoted(c, "json", tph_str(text));
    }
    tph_json_set(c->doc, c->got, "iszero", tph_json_new_bool(c->doc, zero));
    /* Go's UnixNano wraps outside of the years 1678 to 2262. */
    set_number(c, "unixnano", (int64_t)((uint64_t)at.seconds * 1000000000U + (uint64_t)at.ns));
}

static void run_amount(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
    if (doc) {
        golden_set_json(c, "json", tph_json_root(doc), TPH_JSON_HTML);
    }
}

/* Whole types: read and written again. */
static bool run_type(struct golden_case *c, struct tph_str kind)
{
    static const struct {
        const char *kind;
        const struct tph_go_type *type;
    } TYPES[] = {
        {"plugin", &tph_gt_argo_Plugin},         {"template", &tph_gt_argo_Template},
        {"step", &tph_gt_argo_WorkflowStep},     {"workflow", &tph_gt_argo_Workflow},
        {"nodestatus", &tph_gt_argo_NodeStatus}, {"retrystrategy", &tph_gt_argo_RetryStrategy},
    };
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (!tph_str_eqz(kind, TYPES[i].kind)) {
            continue;
        }
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = parse(c);
        const struct tph_go_options options = {.flags = TPH_GO_ANYCASE};
        struct tph_error err = TPH_ERROR_INIT;
        struct tph_json *value = NULL;
        if (doc && tph_go_convert(doc, tph_json_root(doc), TYPES[i].type, &options, &value, &err) < 0) {
            golden_set(c, "error", tph_str(err.text));
        } else if (doc) {
            golden_set_json(c, "json", value, TPH_JSON_HTML);
        }
        return true;
    }
    return false;
}

void golden_anystring(struct golden_case *c)
{
    static const struct {
        const char *kind;
        void (*run)(struct golden_case *c);
    } kinds[] = {
        {"anystring", run_anystring},       {"parameter", run_parameter}, {"item", run_item},
        {"intorstring", run_intorstring},   {"duration", run_duration},   {"durstring", run_durstring},
        {"metaduration", run_metaduration}, {"metatime", run_metatime},   {"amount", run_amount},
    };
    (void)golden_object(c);
    if (run_type(c, golden_in(c, "kind"))) {
        return;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_str_eqz(golden_in(c, "kind"), kinds[i].kind)) {
            kinds[i].run(c);
            return;
        }
    }
}
