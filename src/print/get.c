/* SPDX-License-Identifier: Apache-2.0 */
/* The block of facts: one line each, "Name:                value". */
#include "print/get.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "data/anystring.h"
#include "print/get_internal.h"
#include "print/workflow.h"

enum { KEY_CHARACTERS = 20 };

struct block {
    const struct tph_get_options *options;
    const struct tph_json *spec; /* the one that is executed: of the template that the workflow refers to */
    const struct tph_json *status;
    struct tph_buf *out;
};

static void put_line(const struct block *b, struct tph_str key, struct tph_str value)
{
    size_t n = 0;
    uint32_t rune;
    for (struct tph_str rest = key; rest.len > 0; n++) {
        rest = tph_str_slice(rest, tph_utf8_decode(rest, &rune), rest.len);
    }
    (void)tph_buf_put(b->out, key);
    for (; n < KEY_CHARACTERS; n++) {
        (void)tph_buf_putc(b->out, ' ');
    }
    (void)tph_buf_putc(b->out, ' ');
    (void)tph_buf_put(b->out, value);
    (void)tph_buf_putc(b->out, '\n');
}

static void put(const struct block *b, const char *key, struct tph_str value)
{
    put_line(b, tph_str(key), value);
}

static void put_conditions(const struct block *b)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    const struct tph_json *conditions = tph_json_get(b->status, "conditions");
    struct tph_json_iter it = tph_json_iter(conditions);
    if (tph_json_len(conditions) > 0) {
        put(b, "Conditions:", TPH_STR_NONE);
    }
    while (tph_json_next(&it)) {
        struct tph_str type = tph_json_get_str(it.value, "type");
        struct tph_str message = tph_json_get_str(it.value, "message");
        tph_buf_clear(&key);
        tph_print_condition_icon(type, &b->options->style, &key);
        (void)tph_buf_put(&key, type);
        put_line(b, tph_buf_str(&key), message.len > 0 ? message : tph_json_get_str(it.value, "status"));
    }
}

static void put_time(const struct block *b, const char *key, int64_t time_ms)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    tph_print_timestamp(time_ms, &b->options->clock, &text);
    put(b, key, tph_buf_str(&text));
}

static void put_duration(const struct block *b, const char *key, int64_t ms)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    tph_print_duration(ms, &text);
    put(b, key, tph_buf_str(&text));
}

static void put_times(const struct block *b, const struct tph_json *meta)
{
    int64_t started = tph_print_time(tph_json_get(b->status, "startedAt"));
    int64_t finished = tph_print_time(tph_json_get(b->status, "finishedAt"));
    int64_t estimated_s = 0;
    bool running = tph_str_eqz(tph_json_get_str(b->status, "phase"), "Running");
    put_time(b, "Created:", tph_print_time(tph_json_get(meta, "creationTimestamp")));
    if (started != TPH_PRINT_NO_TIME) {
        put_time(b, "Started:", started);
    }
    if (finished != TPH_PRINT_NO_TIME) {
        put_time(b, "Finished:", finished);
    }
    if (started != TPH_PRINT_NO_TIME) {
        put_duration(b, "Duration:", tph_print_span(started, finished, &b->options->clock));
    }
    if (running && tph_json_to_i64(tph_json_get(b->status, "estimatedDuration"), &estimated_s) == 0 &&
        estimated_s > 0 && estimated_s < INT64_MAX / 1000) {
        put_duration(b, "EstimatedDuration:", estimated_s * 1000);
    }
}

/* "  NAME:                value" */
static void put_item(const struct block *b, struct tph_str name, struct tph_str value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&key, "  ");
    (void)tph_buf_put(&key, name);
    (void)tph_buf_putc(&key, ':');
    put_line(b, tph_buf_str(&key), value);
}

enum which { ONLY_WITH_VALUE, ALL };

static void put_parameters(const struct block *b, const char *title, const struct tph_json *list, enum which which)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json_iter it = tph_json_iter(list);
    if (tph_json_len(list) > 0) {
        put(b, title, TPH_STR_NONE);
    }
    while (tph_json_next(&it)) {
        tph_buf_clear(&value);
        bool has = tph_anystring(tph_json_get(it.value, "value"), &value);
        if (has || which == ALL) {
            put_item(b, tph_json_get_str(it.value, "name"), tph_buf_str(&value));
        }
    }
}

/* Where an artifact lies: the first text of that kind that one of its members has. */
static struct tph_str place_of(const struct tph_json *artifact)
{
    static const char *const places[] = {"key", "blob", "url", "path", "repo"};
    struct tph_json_iter it = tph_json_iter(artifact);
    while (tph_json_next(&it)) {
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            struct tph_str place = tph_json_get_str(it.value, places[i]);
            if (place.len > 0) {
                return place;
            }
        }
    }
    return TPH_STR_NONE;
}

static void put_artifacts(const struct block *b, const struct tph_json *artifacts)
{
    struct tph_json_iter it = tph_json_iter(artifacts);
    if (tph_json_len(artifacts) > 0) {
        put(b, "Output Artifacts:", TPH_STR_NONE);
    }
    while (tph_json_next(&it)) {
        put_item(b, tph_json_get_str(it.value, "name"), place_of(it.value));
    }
}

static void put_resources(const struct block *b)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_print_resources(tph_json_get(b->status, "resourcesDuration"), &text);
    if (text.len > 0) {
        put(b, "ResourcesDuration:", tph_buf_str(&text));
    }
}

void tph_get_put_facts(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out)
{
    const struct tph_json *meta = tph_json_get(workflow, "metadata");
    const struct tph_json *own = tph_json_get(workflow, "spec");
    const struct tph_json *status = tph_json_get(workflow, "status");
    const struct tph_json *stored = tph_json_get(status, "storedWorkflowTemplateSpec");
    const struct tph_json *outputs = tph_json_get(status, "outputs");
    struct block b = {.options = options, .spec = stored ? stored : own, .status = status, .out = out};
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_str account = tph_json_get_str(b.spec, "serviceAccountName");
    bool refers = !tph_json_is_null(tph_json_get(own, "workflowTemplateRef"));
    struct tph_str unset = refers ? TPH_STR("unset") : TPH_STR("unset (will run with the default ServiceAccount)");
    put(&b, "Name:", tph_json_get_str(meta, "name"));
    put(&b, "Namespace:", tph_json_get_str(meta, "namespace"));
    put(&b, "ServiceAccount:", account.len > 0 ? account : unset);
    tph_print_status(workflow, &text);
    put(&b, "Status:", tph_buf_str(&text));
    if (tph_json_get_str(status, "message").len > 0) {
        put(&b, "Message:", tph_json_get_str(status, "message"));
    }
    put_conditions(&b);
    put_times(&b, meta);
    put(&b, "Progress:", tph_json_get_str(status, "progress"));
    put_resources(&b);
    put_parameters(&b, "Parameters:", tph_json_path(b.spec, "arguments", "parameters", NULL), ONLY_WITH_VALUE);
    put_parameters(&b, "Output Parameters:", tph_json_get(outputs, "parameters"), ALL);
    put_artifacts(&b, tph_json_get(outputs, "artifacts"));
}

int tph_get_write(const struct tph_json *workflow, const struct tph_get_options *options, struct tph_buf *out,
                  struct tph_error *err)
{
    bool has_tree = tph_get_has_tree(workflow);
    if (options->form != TPH_GET_FORM_SHORT || !has_tree) {
        tph_get_put_facts(workflow, options, out);
        (void)tph_buf_puts(out, has_tree ? "\n" : "");
    }
    if (has_tree && tph_get_put_tree(workflow, options, out, err) < 0) {
        return -1;
    }
    if (tph_buf_failed(out)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the text of the workflow is larger than %zu bytes", out->max);
    }
    return 0;
}
