/* SPDX-License-Identifier: Apache-2.0 */
#include "print/list.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "data/anystring.h"
#include "data/yaml.h"
#include "print/columns.h"
#include "print/workflow.h"

enum {
    PADDING = 3,
    MOST_CHARACTERS = 50, /* of a parameter's value; of a longer one the beginning and the end */
    TAIL_CHARACTERS = 15,
};

/* What workflows are ordered by. */
struct entry {
    const struct tph_json *workflow;
    int64_t created_ms, started_ms, finished_ms;
    size_t place;
};

static int newest_first(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

/* What has not begun counts as newer than what has. */
static int waiting_first(int64_t a, int64_t b)
{
    return (int)(b == TPH_PRINT_NO_TIME) - (int)(a == TPH_PRINT_NO_TIME);
}

static int by_age(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    bool left_over = left->finished_ms != TPH_PRINT_NO_TIME;
    bool right_over = right->finished_ms != TPH_PRINT_NO_TIME;
    int order = (int)left_over - (int)right_over;
    if (order == 0 && left_over) {
        order = newest_first(left->finished_ms, right->finished_ms);
    } else if (order == 0) {
        order = newest_first(left->created_ms, right->created_ms);
        order = order != 0 ? order : waiting_first(left->started_ms, right->started_ms);
    }
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static struct tph_str meta(const struct entry *e, const char *key)
{
    return tph_json_get_str(tph_json_get(e->workflow, "metadata"), key);
}

static void put_cell(struct tph_str text, struct tph_buf *out)
{
    (void)tph_buf_put(out, text);
    (void)tph_buf_putc(out, '\t');
}

/* "pending/running/completed" pods. */
static void put_counts(const struct entry *e, struct tph_buf *out)
{
    size_t pending = 0;
    size_t running = 0;
    size_t completed = 0;
    struct tph_json_iter it = tph_json_iter(tph_json_path(e->workflow, "status", "nodes", NULL));
    while (tph_json_next(&it)) {
        struct tph_str phase = tph_json_get_str(it.value, "phase");
        if (!tph_str_eqz(tph_json_get_str(it.value, "type"), "Pod")) {
            continue;
        }
        if (tph_str_eqz(phase, "Pending")) {
            pending++;
        } else if (tph_str_eqz(phase, "Running")) {
            running++;
        } else {
            completed++;
        }
    }
    (void)tph_buf_printf(out, "%zu/%zu/%zu\t", pending, running, completed);
}

/* The byte where character number n begins. */
static size_t offset_of(struct tph_str text, size_t n)
{
    struct tph_str rest = text;
    uint32_t rune;
    for (; n > 0 && rest.len > 0; n--) {
        rest = tph_str_slice(rest, tph_utf8_decode(rest, &rune), rest.len);
    }
    return text.len - rest.len;
}

static size_t characters(struct tph_str text)
{
    size_t n = 0;
    while (text.len > 0) {
        text = tph_str_slice(text, offset_of(text, 1), text.len);
        n++;
    }
    return n;
}

static void put_value(struct tph_str value, struct tph_buf *out)
{
    static const char dots[] = "...";
    size_t n = characters(value);
    if (n <= MOST_CHARACTERS) {
        (void)tph_buf_put(out, value);
        return;
    }
    size_t head = MOST_CHARACTERS - (sizeof(dots) - 1) - TAIL_CHARACTERS;
    (void)tph_buf_put(out, tph_str_slice(value, 0, offset_of(value, head)));
    (void)tph_buf_puts(out, dots);
    (void)tph_buf_put(out, tph_str_slice(value, offset_of(value, n - TAIL_CHARACTERS), value.len));
}

static void put_parameters(const struct entry *e, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf value = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_json_iter it = tph_json_iter(tph_json_path(e->workflow, "spec", "arguments", "parameters", NULL));
    bool first = true;
    while (tph_json_next(&it)) {
        tph_buf_clear(&value);
        if (tph_anystring(tph_json_get(it.value, "value"), &value)) {
            (void)tph_buf_puts(out, first ? "" : ",");
            (void)tph_buf_put(out, tph_json_get_str(it.value, "name"));
            (void)tph_buf_putc(out, '=');
            put_value(tph_buf_str(&value), out);
            first = false;
        }
    }
}

static void put_row(const struct entry *e, const struct tph_list_options *options, struct tph_buf *out)
{
    int64_t priority = 0;
    const struct tph_json *spec = tph_json_get(e->workflow, "spec");
    bool has_priority = tph_json_to_i64(tph_json_get(spec, "priority"), &priority) == 0;
    if (options->namespaces) {
        put_cell(meta(e, "namespace"), out);
    }
    put_cell(meta(e, "name"), out);
    tph_print_status(e->workflow, out);
    (void)tph_buf_putc(out, '\t');
    tph_print_duration_short(tph_print_span(e->created_ms, TPH_PRINT_NO_TIME, &options->clock), out);
    (void)tph_buf_putc(out, '\t');
    tph_print_duration_short(tph_print_span(e->started_ms, e->finished_ms, &options->clock), out);
    (void)tph_buf_printf(out, "\t%lld\t", has_priority ? (long long)priority : 0);
    (void)tph_buf_put(out, tph_json_str(tph_json_path(e->workflow, "status", "message", NULL)));
    if (options->form == TPH_LIST_FORM_WIDE) {
        (void)tph_buf_putc(out, '\t');
        put_counts(e, out);
        put_parameters(e, out);
    }
    if (options->uids) {
        (void)tph_buf_putc(out, '\t');
        (void)tph_buf_put(out, meta(e, "uid"));
    }
    (void)tph_buf_putc(out, '\n');
}

static void put_table(const struct entry *entries, size_t n, const struct tph_list_options *options,
                      struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(out->max);
    if (!options->no_headers) {
        (void)tph_buf_printf(
            &text, "%sNAME\tSTATUS\tAGE\tDURATION\tPRIORITY\tMESSAGE%s%s\n", options->namespaces ? "NAMESPACE\t" : "",
            options->form == TPH_LIST_FORM_WIDE ? "\tP/R/C\tPARAMETERS" : "", options->uids ? "\tUID" : "");
    }
    for (size_t i = 0; i < n; i++) {
        put_row(&entries[i], options, &text);
    }
    tph_columns_write(tph_buf_str(&text), PADDING, out);
    out->failed = out->failed || tph_buf_failed(&text);
}

static int put_objects(const struct entry *entries, size_t n, enum tph_list_form form, struct tph_buf *out,
                       struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *list = tph_json_new_array(doc);
    for (size_t i = 0; i < n; i++) {
        tph_json_append(doc, list, tph_json_copy(doc, entries[i].workflow));
    }
    if (form == TPH_LIST_FORM_YAML) {
        return tph_yaml_write(list, out, err);
    }
    tph_json_write(list, TPH_JSON_PRETTY, out);
    (void)tph_buf_putc(out, '\n');
    return 0;
}

static int put_all(const struct entry *entries, size_t n, const struct tph_list_options *options, struct tph_buf *out,
                   struct tph_error *err)
{
    switch (options->form) {
    case TPH_LIST_FORM_DEFAULT:
    case TPH_LIST_FORM_WIDE:
    case TPH_LIST_FORM_NAME:
        break;
    case TPH_LIST_FORM_JSON:
    case TPH_LIST_FORM_YAML:
        return put_objects(entries, n, options->form, out, err);
    }
    if (n == 0) {
        (void)tph_buf_puts(out, "No workflows found\n");
    } else if (options->form != TPH_LIST_FORM_NAME) {
        put_table(entries, n, options, out);
    }
    for (size_t i = 0; options->form == TPH_LIST_FORM_NAME && i < n; i++) {
        (void)tph_buf_put(out, meta(&entries[i], "name"));
        (void)tph_buf_putc(out, '\n');
    }
    return 0;
}

int tph_list_write(const struct tph_json **workflows, size_t n, const struct tph_list_options *options,
                   struct tph_buf *out, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) struct entry *entries = tph_calloc(n + 1, sizeof(*entries));
    for (size_t i = 0; i < n; i++) {
        const struct tph_json *status = tph_json_get(workflows[i], "status");
        entries[i] = (struct entry){
            .workflow = workflows[i],
            .created_ms = tph_print_time(tph_json_path(workflows[i], "metadata", "creationTimestamp", NULL)),
            .started_ms = tph_print_time(tph_json_get(status, "startedAt")),
            .finished_ms = tph_print_time(tph_json_get(status, "finishedAt")),
            .place = i,
        };
    }
    qsort(entries, n, sizeof(*entries), by_age);
    for (size_t i = 0; i < n; i++) {
        workflows[i] = entries[i].workflow;
    }
    if (put_all(entries, n, options, out, err) < 0) {
        return -1;
    }
    if (tph_buf_failed(out)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the list of workflows is larger than %zu bytes", out->max);
    }
    return 0;
}
