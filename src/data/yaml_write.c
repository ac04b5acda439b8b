/* SPDX-License-Identifier: Apache-2.0 */
/* Writing YAML byte for byte as go-yaml v2 does: block style, its order of keys, its choice between plain, quoted and
 * literal, lines of some 80 columns. Written by hand and not with libyaml's emitter, whose newer rules differ (it ends
 * open texts with "...", folds elsewhere).
 */
#include "data/yaml.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/number.h"
#include "data/yaml_internal.h"
#include "data/yaml_text.h"

static int write_value(struct tph_yaml_pen *pen, const struct tph_json *value, int indent, bool in_mapping);

struct pair {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_yaml_key_order(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* `indent` is that of the collection around; the outermost has -1. */
static int inner(int indent)
{
    return indent < 0 ? 0 : indent + TPH_YAML_INDENT;
}

static int write_pair(struct tph_yaml_pen *pen, const struct pair *pair, int indent)
{
    tph_yaml_pen_indent(pen, indent);
    if (tph_yaml_is_simple_key(pair->key)) {
        tph_yaml_write_text(pen, pair->key, indent, TPH_YAML_TEXT_KEY);
        tph_yaml_pen_mark(pen, ":", 0);
    } else {
        tph_yaml_pen_mark(pen, "?", TPH_YAML_MARK_APART | TPH_YAML_MARK_INDENTS);
        tph_yaml_write_text(pen, pair->key, indent, 0);
        tph_yaml_pen_indent(pen, indent);
        tph_yaml_pen_mark(pen, ":", TPH_YAML_MARK_APART | TPH_YAML_MARK_INDENTS);
    }
    return write_value(pen, pair->value, indent, true);
}

static int write_object(struct tph_yaml_pen *pen, const struct tph_json *object, int indent)
{
    size_t n = tph_json_len(object);
    if (n == 0) {
        tph_yaml_pen_mark(pen, "{}", TPH_YAML_MARK_APART);
        return 0;
    }
    TPH_CLEANUP(tph_freep) struct pair *sorted = tph_calloc(n, sizeof(*sorted));
    struct tph_json_iter it = tph_json_iter(object);
    while (tph_json_next(&it)) {
        sorted[it.index] = (struct pair){.key = it.key, .value = it.value};
    }
    qsort(sorted, n, sizeof(*sorted), by_key);
    for (size_t i = 0; i < n; i++) {
        if (write_pair(pen, &sorted[i], inner(indent)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int write_array(struct tph_yaml_pen *pen, const struct tph_json *array, int indent, bool in_mapping)
{
    if (tph_json_len(array) == 0) {
        tph_yaml_pen_mark(pen, "[]", TPH_YAML_MARK_APART);
        return 0;
    }
    /* The dashes of a list under "key:" stand below the key; everywhere else they go in. */
    int dashes = in_mapping && !pen->at_indent ? indent : inner(indent);
    struct tph_json_iter it = tph_json_iter(array);
    while (tph_json_next(&it)) {
        tph_yaml_pen_indent(pen, dashes);
        tph_yaml_pen_mark(pen, "-", TPH_YAML_MARK_APART | TPH_YAML_MARK_INDENTS);
        if (write_value(pen, it.value, dashes, false) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A number as YAML reads it and go-yaml writes what was read. */
static void write_number(struct tph_yaml_pen *pen, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(TPH_NUMBER_TEXT);
    struct tph_yaml_scalar scalar = tph_yaml_resolve(text);
    if (scalar.meaning == TPH_YAML_INT || scalar.meaning == TPH_YAML_UINT) {
        tph_yaml_pen_mark(pen, scalar.number, TPH_YAML_MARK_APART);
        return;
    }
    if (scalar.meaning == TPH_YAML_FLOAT) {
        tph_number_write_g(scalar.value, &printed);
        tph_yaml_pen_mark(pen, tph_buf_cstr(&printed), TPH_YAML_MARK_APART);
        return;
    }
    /* 1e400 is too large for Go's reader, which takes it for a text. */
    tph_yaml_write_text(pen, text, 0, 0);
}

static int write_value(struct tph_yaml_pen *pen, const struct tph_json *value, int indent, bool in_mapping)
{
    int failed = 0;
    if (++pen->depth > TPH_LIMIT_JSON_DEPTH + 1) {
        return -1;
    }
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
        tph_yaml_pen_mark(pen, "null", TPH_YAML_MARK_APART);
        break;
    case TPH_JSON_BOOL:
        tph_yaml_pen_mark(pen, tph_json_bool(value) ? "true" : "false", TPH_YAML_MARK_APART);
        break;
    case TPH_JSON_NUMBER:
        write_number(pen, tph_json_number_text(value));
        break;
    case TPH_JSON_STRING:
        tph_yaml_write_text(pen, tph_json_str(value), indent, 0);
        break;
    case TPH_JSON_ARRAY:
        failed = write_array(pen, value, indent, in_mapping);
        break;
    case TPH_JSON_OBJECT:
        failed = write_object(pen, value, indent);
        break;
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    pen->depth--;
    return failed;
}

int tph_yaml_write(const struct tph_json *value, struct tph_buf *buf, struct tph_error *err)
{
    struct tph_yaml_pen pen = {.out = buf, .at_blank = true, .at_indent = true};
    if (write_value(&pen, value, -1, false) < 0) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "cannot write YAML: nested deeper than %d levels",
                             TPH_LIMIT_JSON_DEPTH);
    }
    tph_yaml_pen_indent(&pen, 0);
    if (tph_buf_failed(buf)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "cannot write YAML: larger than %zu bytes", buf->max);
    }
    return 0;
}
