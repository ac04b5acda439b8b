/* SPDX-License-Identifier: Apache-2.0 */
/* Parts, their faults, matching, writing. */
#include "data/labelsel.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/label.h"
#include "data/quote.h"
#include "data/labelsel_internal.h"

struct tph_labelsel *tph_labelsel_new(void)
{
    struct tph_labelsel *selector = TPH_NEW(struct tph_labelsel);
    selector->arena = tph_arena_new();
    return selector;
}

void tph_labelsel_free(struct tph_labelsel *selector)
{
    if (selector) {
        tph_arena_free(selector->arena);
        free(selector->parts);
        free(selector);
    }
}

void tph_labelsel_add(struct tph_labelsel *selector, const struct tph_labelsel_part *part)
{
    if (selector->n == selector->capacity) {
        selector->capacity = selector->capacity > 0 ? selector->capacity * 2 : 4;
        selector->parts = tph_realloc(selector->parts, selector->capacity * sizeof(*selector->parts));
    }
    selector->parts[selector->n++] = *part;
}

size_t tph_labelsel_len(const struct tph_labelsel *selector)
{
    return selector->n;
}

const struct tph_labelsel_part *tph_labelsel_at(const struct tph_labelsel *selector, size_t index)
{
    return &selector->parts[index];
}

bool tph_labelsel_is_empty(const struct tph_labelsel *selector)
{
    return selector->n == 0 && !selector->nothing;
}

static int by_text(const void *a, const void *b)
{
    return tph_str_cmp(*(const struct tph_str *)a, *(const struct tph_str *)b);
}

struct placed {
    struct tph_labelsel_part part;
    size_t place;
};

static int by_key(const void *a, const void *b)
{
    const struct placed *left = a;
    const struct placed *right = b;
    int order = tph_str_cmp(left->part.key, right->part.key);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

void tph_labelsel_sort(struct tph_labelsel *selector)
{
    TPH_CLEANUP(tph_freep) struct placed *placed = tph_calloc(selector->n + 1, sizeof(*placed));
    for (size_t i = 0; i < selector->n; i++) {
        placed[i] = (struct placed){.part = selector->parts[i], .place = i};
    }
    qsort(placed, selector->n, sizeof(*placed), by_key);
    for (size_t i = 0; i < selector->n; i++) {
        selector->parts[i] = placed[i].part;
    }
}

int tph_labelsel_check_key(struct tph_str key, const char *path, struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf faults = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf quoted = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_label_check_key(key, &faults);
    if (faults.len == 0) {
        return 0;
    }
    tph_quote_go(key, &quoted);
    return tph_error_set(err, TPH_ERROR_INVALID, "%s: Invalid value: %s: %s", path, tph_buf_cstr(&quoted),
                         tph_buf_cstr(&faults));
}

/* The faults of a part's values, each "PATH: Invalid value: VALUE: TEXT". */
struct faults {
    struct tph_buf text;
    size_t n;
};

static void begin_fault(struct faults *faults)
{
    (void)tph_buf_puts(&faults->text, faults->n++ > 0 ? ", " : "");
}

/* The whole list is at fault. */
static void fault_of_list(struct faults *faults, const struct tph_labelsel_part *part, const char *text)
{
    begin_fault(faults);
    (void)tph_buf_puts(&faults->text, "values: Invalid value: ");
    for (size_t i = 0; i < part->n_values; i++) {
        (void)tph_buf_putc(&faults->text, i > 0 ? ',' : '[');
        tph_json_write_str(part->values[i], TPH_JSON_HTML, &faults->text);
    }
    (void)tph_buf_printf(&faults->text, "%s: %s", part->n_values > 0 ? "]" : "null", text);
}

static void fault_of_value(struct faults *faults, const struct tph_labelsel_part *part, size_t index, const char *text)
{
    tph_quote_go(part->values[index], &faults->text);
    (void)tph_buf_printf(&faults->text, ": %s", text);
}

static void check_count(struct faults *faults, const struct tph_labelsel_part *part)
{
    switch (part->op) {
    case TPH_LABELSEL_IN:
    case TPH_LABELSEL_NOT_IN:
        if (part->n_values == 0) {
            fault_of_list(faults, part, "for 'in', 'notin' operators, values set can't be empty");
        }
        break;
    case TPH_LABELSEL_EXISTS:
    case TPH_LABELSEL_NOT_EXISTS:
        if (part->n_values > 0) {
            fault_of_list(faults, part, "values set must be empty for exists and does not exist");
        }
        break;
    case TPH_LABELSEL_EQUALS: /* one value by construction */
    case TPH_LABELSEL_DOUBLE_EQUALS:
    case TPH_LABELSEL_NOT_EQUALS:
    case TPH_LABELSEL_GREATER:
    case TPH_LABELSEL_LESS:
    case TPH_LABELSEL_OPERATOR_COUNT:
        break;
    }
}

static void check_values(struct faults *faults, const struct tph_labelsel_part *part)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf wrong = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool whole = part->op == TPH_LABELSEL_GREATER || part->op == TPH_LABELSEL_LESS;
    for (size_t i = 0; i < part->n_values; i++) {
        int64_t number = 0;
        if (whole && tph_labelsel_number(part->values[i], &number) < 0) {
            begin_fault(faults);
            (void)tph_buf_printf(&faults->text, "values[%zu]: Invalid value: ", i);
            fault_of_value(faults, part, i, "for 'Gt', 'Lt' operators, the value must be an integer");
        }
    }
    for (size_t i = 0; i < part->n_values; i++) {
        tph_buf_clear(&wrong);
        tph_label_check_value(part->values[i], &wrong);
        if (wrong.len > 0) {
            begin_fault(faults);
            (void)tph_buf_printf(&faults->text, "values[%zu][%.*s]: Invalid value: ", i, TPH_FMT(part->key));
            fault_of_value(faults, part, i, tph_buf_cstr(&wrong));
        }
    }
}

/* Sorted, each once. */
static void make_set(struct tph_labelsel *selector, struct tph_labelsel_part *part)
{
    struct tph_str *values = TPH_ARENA_ARRAY(selector->arena, struct tph_str, part->n_values);
    size_t n = 0;
    for (size_t i = 0; i < part->n_values; i++) {
        values[i] = part->values[i];
    }
    qsort(values, part->n_values, sizeof(*values), by_text);
    for (size_t i = 0; i < part->n_values; i++) {
        if (n == 0 || !tph_str_eq(values[n - 1], values[i])) {
            values[n++] = values[i];
        }
    }
    part->values = values;
    part->n_values = n;
}

int tph_labelsel_add_label(struct tph_labelsel *selector, struct tph_labelsel_part *part, const char *key_path,
                           struct tph_error *err)
{
    struct faults faults = {.text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT)};
    int failed = tph_labelsel_check_key(part->key, key_path, err);
    if (failed == 0) {
        make_set(selector, part);
        check_count(&faults, part);
        check_values(&faults, part);
    }
    if (faults.n > 0) {
        bool several = faults.n > 1;
        failed = tph_error_set(err, TPH_ERROR_INVALID, "%s%s%s", several ? "[" : "", tph_buf_cstr(&faults.text),
                               several ? "]" : "");
    }
    if (failed == 0) {
        tph_labelsel_add(selector, part);
    }
    tph_buf_release(&faults.text);
    return failed;
}

static bool has_value(const struct tph_labelsel_part *part, struct tph_str value)
{
    return part->n_values > 0 && bsearch(&value, part->values, part->n_values, sizeof(value), by_text) != NULL;
}

/* Whether the label's number stands on the wanted side of the part's. */
static bool is_beyond(const struct tph_labelsel_part *part, struct tph_str value)
{
    int64_t have = 0;
    int64_t limit = 0;
    if (tph_labelsel_number(value, &have) < 0 || tph_labelsel_number(part->values[0], &limit) < 0) {
        return false;
    }
    return part->op == TPH_LABELSEL_GREATER ? have > limit : have < limit;
}

static bool holds(const struct tph_labelsel_part *part, bool there, struct tph_str value)
{
    bool has = there && has_value(part, value);
    switch (part->op) {
    case TPH_LABELSEL_EXISTS:
        return there;
    case TPH_LABELSEL_NOT_EXISTS:
        return !there;
    case TPH_LABELSEL_EQUALS:
    case TPH_LABELSEL_DOUBLE_EQUALS:
    case TPH_LABELSEL_IN:
        return has;
    case TPH_LABELSEL_NOT_EQUALS:
    case TPH_LABELSEL_NOT_IN:
        return !has;
    case TPH_LABELSEL_GREATER:
    case TPH_LABELSEL_LESS:
        return there && is_beyond(part, value);
    case TPH_LABELSEL_OPERATOR_COUNT:
        break;
    }
    return false;
}

bool tph_labelsel_matches(const struct tph_labelsel *selector, tph_labelsel_lookup *lookup, const void *context)
{
    for (size_t i = 0; i < selector->n; i++) {
        struct tph_str value = TPH_STR_NONE;
        bool there = lookup(context, selector->parts[i].key, &value);
        if (!holds(&selector->parts[i], there, value)) {
            return false;
        }
    }
    return !selector->nothing;
}

static bool look_up_member(const void *context, struct tph_str key, struct tph_str *ret_value)
{
    const struct tph_json *value = tph_json_getn(context, key);
    *ret_value = tph_json_str(value);
    return value != NULL;
}

bool tph_labelsel_matches_object(const struct tph_labelsel *selector, const struct tph_json *object)
{
    return tph_labelsel_matches(selector, look_up_member, object);
}

void tph_labelsel_write(const struct tph_labelsel *selector, struct tph_buf *out)
{
    static const struct {
        const char *before, *between, *after;
    } forms[TPH_LABELSEL_OPERATOR_COUNT] = {
        [TPH_LABELSEL_EXISTS] = {"", "", ""},          [TPH_LABELSEL_NOT_EXISTS] = {"!", "", ""},
        [TPH_LABELSEL_EQUALS] = {"", "=", ""},         [TPH_LABELSEL_DOUBLE_EQUALS] = {"", "==", ""},
        [TPH_LABELSEL_NOT_EQUALS] = {"", "!=", ""},    [TPH_LABELSEL_IN] = {"", " in (", ")"},
        [TPH_LABELSEL_NOT_IN] = {"", " notin (", ")"}, [TPH_LABELSEL_GREATER] = {"", ">", ""},
        [TPH_LABELSEL_LESS] = {"", "<", ""},
    };
    for (size_t i = 0; i < selector->n; i++) {
        const struct tph_labelsel_part *part = &selector->parts[i];
        (void)tph_buf_printf(out, "%s%s", i > 0 ? "," : "", forms[part->op].before);
        (void)tph_buf_put(out, part->key);
        (void)tph_buf_puts(out, forms[part->op].between);
        for (size_t k = 0; k < part->n_values; k++) {
            (void)tph_buf_puts(out, k > 0 ? "," : "");
            (void)tph_buf_put(out, part->values[k]);
        }
        (void)tph_buf_puts(out, forms[part->op].after);
    }
}
