/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/aggregate.h"

#include <stdlib.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/item.h"

int tph_aggregate_results(const struct tph_json *const *outputs, size_t n, unsigned flags, struct tph_buf *out,
                          struct tph_buf *problem)
{
    const char *comma = "";
    (void)tph_buf_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        struct tph_json_fault fault;
        const struct tph_json *result = tph_json_get(outputs[i], "result");
        if (!result) {
            continue;
        }
        struct tph_str text = tph_json_str(result);
        (void)tph_buf_puts(out, comma);
        comma = ",";
        if (tph_json_check(text, &fault) == TPH_JSON_FAULT_NONE) {
            tph_item_write_json(text, out);
        } else if (flags & TPH_AGGREGATE_ARGO) {
            (void)tph_buf_puts(problem, fault.text);
            return -1;
        } else {
            tph_json_write_str(text, TPH_JSON_HTML, out);
        }
    }
    (void)tph_buf_puts(out, "]");
    return 0;
}

static void write_parameters(const struct tph_json *parameters, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *object = tph_json_new_object(doc);
    struct tph_json_iter it = tph_json_iter(parameters);
    while (tph_json_next(&it)) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_REPLY);
        if (tph_anystring(tph_json_get(it.value, "value"), &text)) {
            tph_json_setn(doc, object, tph_json_get_str(it.value, "name"), tph_json_new_str(doc, tph_buf_str(&text)));
        }
    }
    tph_json_write(object, TPH_JSON_SORTED | TPH_JSON_HTML, out);
}

void tph_aggregate_parameters(const struct tph_json *const *outputs, size_t n, struct tph_buf *out)
{
    const char *comma = "";
    (void)tph_buf_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        const struct tph_json *parameters = tph_json_get(outputs[i], "parameters");
        if (tph_json_len(parameters) > 0) {
            (void)tph_buf_puts(out, comma);
            write_parameters(parameters, out);
            comma = ",";
        }
    }
    (void)tph_buf_puts(out, "]");
}

/* All numbers below value as a double and back, as Go's decoder without a type does. */
static void pass_through_double(struct tph_json_doc *doc, struct tph_json *value)
{
    double number = 0;
    if (tph_json_is(value, TPH_JSON_NUMBER)) {
        if (tph_json_to_double(value, &number) == 0) {
            tph_json_assign(value, tph_json_new_double(doc, number));
        }
        return;
    }
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        pass_through_double(doc, it.value); /* as deep as the reader lets a text be */
    }
}

/* The values of one parameter, both as texts and as what they hold. */
struct values {
    struct tph_json_doc *doc;
    struct tph_json *texts;
    struct tph_json *opened;
    bool all_open; /* each is a list or a map */
};

static void take_value(struct values *values, const struct tph_json *value, unsigned flags)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_REPLY);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (!tph_anystring(value, &text)) {
        return;
    }
    tph_json_append(values->doc, values->texts, tph_json_new_str(values->doc, tph_buf_str(&text)));
    values->all_open =
        values->all_open && tph_json_parse(tph_buf_str(&text), &doc, NULL) == 0 &&
        (tph_json_is(tph_json_root(doc), TPH_JSON_ARRAY) || tph_json_is(tph_json_root(doc), TPH_JSON_OBJECT));
    if (!values->all_open) {
        return;
    }
    struct tph_json *opened = tph_json_copy(values->doc, tph_json_root(doc));
    if (flags & TPH_AGGREGATE_ARGO) {
        pass_through_double(values->doc, opened);
    }
    tph_json_append(values->doc, values->opened, opened);
}

bool tph_aggregate_parameter(const struct tph_json *const *outputs, size_t n, struct tph_str name, unsigned flags,
                             struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct values values = {
        .doc = doc, .texts = tph_json_new_array(doc), .opened = tph_json_new_array(doc), .all_open = true};
    for (size_t i = 0; i < n; i++) {
        struct tph_json_iter it = tph_json_iter(tph_json_get(outputs[i], "parameters"));
        while (tph_json_next(&it)) {
            if (tph_str_eq(tph_json_get_str(it.value, "name"), name)) {
                take_value(&values, tph_json_get(it.value, "value"), flags);
            }
        }
    }
    if (tph_json_len(values.texts) == 0) {
        return false;
    }
    tph_json_write(values.all_open ? values.opened : values.texts, TPH_JSON_SORTED | TPH_JSON_HTML, out);
    return true;
}
