/* SPDX-License-Identifier: Apache-2.0 */
/* Writing YAML: libyaml's emitter, with go-yaml v2's choice of styles and its order of keys. */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "data/base64.h"
#include "data/number.h"
#include "data/yaml.h"

struct writer {
    yaml_emitter_t emitter;
    struct tph_buf *buf;
};

static int take_bytes(void *owner, unsigned char *bytes, size_t len)
{
    struct writer *w = owner;
    return tph_buf_append(w->buf, (const char *)bytes, len) == 0;
}

/* Numbers with colons that YAML 1.1 reads in base 60: [-+]? digits (":" [0-5]? digit)+ [.digits]. They stay in quotes
 * for older readers. */
static bool is_base60(struct tph_str text)
{
    size_t i = text.len > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
    if (i == text.len || text.p[i] < '0' || text.p[i] > '9') {
        return false;
    }
    bool colon = false;
    while (i < text.len && ((text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '_')) {
        i++;
    }
    while (i + 1 < text.len && text.p[i] == ':') {
        bool two = i + 2 < text.len && text.p[i + 1] >= '0' && text.p[i + 1] <= '5' && text.p[i + 2] >= '0' &&
                   text.p[i + 2] <= '9';
        if (text.p[i + 1] < '0' || text.p[i + 1] > '9') {
            return false;
        }
        colon = true;
        i += two ? 3 : 2;
    }
    if (i < text.len && text.p[i] == '.') {
        i++;
        while (i < text.len && text.p[i] >= '0' && text.p[i] <= '9') {
            i++;
        }
    }
    return colon && i == text.len;
}

static size_t digits_at(struct tph_str text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && text.p[at + n] >= '0' && text.p[at + n] <= '9') {
        n++;
    }
    return n;
}

/* What go-yaml reads as a time: YYYY-M-D alone, or followed by T, t or blanks and H:MM:SS with fraction and zone. */
static bool is_timestamp(struct tph_str text)
{
    size_t at = 5;
    if (digits_at(text, 0) != 4 || text.len < 8 || text.p[4] != '-') {
        return false;
    }
    size_t month = digits_at(text, at);
    at += month + 1;
    if (month < 1 || month > 2 || at >= text.len || text.p[at - 1] != '-') {
        return false;
    }
    size_t day = digits_at(text, at);
    at += day;
    if (day < 1 || day > 2) {
        return false;
    }
    if (at == text.len) {
        return month == 2 && day == 2;
    }
    if (text.p[at] != 'T' && text.p[at] != 't' && text.p[at] != ' ') {
        return false;
    }
    size_t hour = digits_at(text, at + 1);
    at += 1 + hour;
    return hour >= 1 && hour <= 2 && at + 6 <= text.len && text.p[at] == ':' && digits_at(text, at + 1) == 2 &&
           text.p[at + 3] == ':' && digits_at(text, at + 4) >= 2;
}

static yaml_scalar_style_t style_of(struct tph_str text)
{
    if (tph_str_find_byte(text, '\n') >= 0) {
        return YAML_LITERAL_SCALAR_STYLE;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf number = TPH_BUF_INIT(512);
    enum tph_yaml_meaning meaning = tph_yaml_resolve(text, &number);
    bool plain = (meaning == TPH_YAML_STRING || meaning == TPH_YAML_MERGE) && !is_base60(text) && !is_timestamp(text);
    return plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static int emit(struct writer *w, yaml_event_t *event)
{
    return yaml_emitter_emit(&w->emitter, event) ? 0 : -1;
}

static int emit_scalar(struct writer *w, struct tph_str text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)tph_str_fmt_ptr(text), (int)text.len,
                                      1, 1, style)) {
        return -1;
    }
    return emit(w, &event);
}

/* Go's FormatFloat(value, 'g', -1, 64): plain from 1e-4 up to below 1e6, as go-yaml prints floats. */
static void write_float(struct tph_str number, struct tph_buf *out)
{
    double value = 0;
    if (tph_number_to_double(number, &value) < 0) {
        (void)tph_buf_put(out, number);
        return;
    }
    char text[40];
    for (int precision = 0; precision <= 16; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    const char *e = strchr(text, 'e');
    int64_t exponent = 0;
    if (!e || tph_str_to_i64(tph_str(e[1] == '+' ? e + 2 : e + 1), &exponent) < 0) {
        (void)tph_buf_put(out, number);
    } else if (value != 0 && (exponent < -4 || exponent >= 6)) {
        (void)tph_buf_puts(out, text);
    } else {
        tph_number_write_plain(value, out);
    }
}

static int emit_number(struct writer *w, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf resolved = TPH_BUF_INIT(512);
    TPH_CLEANUP(tph_buf_release) struct tph_buf printed = TPH_BUF_INIT(512);
    switch (tph_yaml_resolve(text, &resolved)) {
    case TPH_YAML_INT:
        return emit_scalar(w, tph_buf_str(&resolved), YAML_PLAIN_SCALAR_STYLE);
    case TPH_YAML_FLOAT:
        write_float(tph_buf_str(&resolved), &printed);
        return emit_scalar(w, tph_buf_str(&printed), YAML_PLAIN_SCALAR_STYLE);
    case TPH_YAML_STRING: /* 1e400: too large for Go's reader, which takes it for a text */
    case TPH_YAML_NULL:
    case TPH_YAML_TRUE:
    case TPH_YAML_FALSE:
    case TPH_YAML_INFINITE:
    case TPH_YAML_MERGE:
        break;
    }
    return emit_scalar(w, text, YAML_PLAIN_SCALAR_STYLE);
}

static bool is_digit(uint32_t rune)
{
    return rune >= '0' && rune <= '9';
}

/* Letters as far as they matter for an order: ASCII ones, and everything above. */
static bool is_letter(uint32_t rune)
{
    return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune >= 0xaa;
}

/* The number that the digits at text make, and how many they are; saturates. */
static int64_t number_at(struct tph_str text, size_t *ret_len)
{
    int64_t value = 0;
    size_t n = digits_at(text, 0);
    for (size_t i = 0; i < n; i++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text.p[i] - '0', &value)) {
            value = INT64_MAX;
        }
    }
    *ret_len = n;
    return value;
}

/* go-yaml's order of keys: letters after everything else, runs of digits by their value. */
static int natural_order(struct tph_str a, struct tph_str b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && a.p[i] == b.p[i]) {
        i++;
    }
    while (i > 0 && i < a.len && i < b.len && ((unsigned char)a.p[i] & 0xc0) == 0x80) {
        i--; /* to the start of the character */
    }
    if (i == a.len || i == b.len) {
        return a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
    }
    uint32_t x;
    uint32_t y;
    struct tph_str left = tph_str_slice(a, i, a.len);
    struct tph_str right = tph_str_slice(b, i, b.len);
    (void)tph_utf8_decode(left, &x);
    (void)tph_utf8_decode(right, &y);
    if (is_letter(x) != is_letter(y)) {
        return is_letter(y) ? -1 : 1;
    }
    if (!is_letter(x)) {
        int64_t lead = 0;
        for (size_t j = i; (x == '0' || y == '0') && j > 0 && is_digit((unsigned char)a.p[j - 1]); j--) {
            if (a.p[j - 1] != '0') {
                lead = 1;
                break;
            }
        }
        size_t n = 0;
        size_t m = 0;
        int64_t u = number_at(left, &n);
        int64_t v = number_at(right, &m);
        if (lead > 0) {
            /* Digits go on from a number before: a longer run is the larger one. */
            if (n != m) {
                return n < m ? -1 : 1;
            }
        }
        if (u != v) {
            return u < v ? -1 : 1;
        }
        if (n != m) {
            return n < m ? -1 : 1;
        }
    }
    return x < y ? -1 : 1;
}

struct pair {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_natural_order(const void *a, const void *b)
{
    return natural_order(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static int write_value(struct writer *w, const struct tph_json *value);

static int write_text(struct writer *w, struct tph_str text)
{
    return emit_scalar(w, text, style_of(text));
}

static int write_object(struct writer *w, const struct tph_json *object)
{
    size_t n = tph_json_len(object);
    TPH_CLEANUP(tph_freep) struct pair *sorted = tph_calloc(n, sizeof(*sorted));
    struct tph_json_iter it = tph_json_iter(object);
    while (tph_json_next(&it)) {
        sorted[it.index] = (struct pair){.key = it.key, .value = it.value};
    }
    qsort(sorted, n, sizeof(*sorted), by_natural_order);
    yaml_event_t event;
    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) || emit(w, &event) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (write_text(w, sorted[i].key) < 0 || write_value(w, sorted[i].value) < 0) {
            return -1;
        }
    }
    return yaml_mapping_end_event_initialize(&event) ? emit(w, &event) : -1;
}

static int write_array(struct writer *w, const struct tph_json *array)
{
    yaml_event_t event;
    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) ||
        emit(w, &event) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(array);
    while (tph_json_next(&it)) {
        if (write_value(w, it.value) < 0) {
            return -1;
        }
    }
    return yaml_sequence_end_event_initialize(&event) ? emit(w, &event) : -1;
}

/* As deep as the value, which its reader kept within TPH_LIMIT_JSON_DEPTH. */
static int write_value(struct writer *w, const struct tph_json *value)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
        return emit_scalar(w, TPH_STR("null"), YAML_PLAIN_SCALAR_STYLE);
    case TPH_JSON_BOOL:
        return emit_scalar(w, tph_str(tph_json_bool(value) ? "true" : "false"), YAML_PLAIN_SCALAR_STYLE);
    case TPH_JSON_NUMBER:
        return emit_number(w, tph_json_number_text(value));
    case TPH_JSON_STRING:
        return write_text(w, tph_json_str(value));
    case TPH_JSON_ARRAY:
        return write_array(w, value);
    case TPH_JSON_OBJECT:
        return write_object(w, value);
    case TPH_JSON_TYPE_COUNT:
        break;
    }
    return -1;
}

int tph_yaml_write(const struct tph_json *value, struct tph_buf *buf, struct tph_error *err)
{
    struct writer w = {.buf = buf};
    yaml_event_t event;
    if (!yaml_emitter_initialize(&w.emitter)) {
        abort(); /* no memory */
    }
    yaml_emitter_set_output(&w.emitter, take_bytes, &w);
    yaml_emitter_set_unicode(&w.emitter, 1);
    bool ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && emit(&w, &event) == 0 &&
              yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && emit(&w, &event) == 0 &&
              write_value(&w, value) == 0 && yaml_document_end_event_initialize(&event, 1) && emit(&w, &event) == 0 &&
              yaml_stream_end_event_initialize(&event) && emit(&w, &event) == 0;
    TPH_CLEANUP(tph_freep) char *problem = w.emitter.problem ? tph_strdup(w.emitter.problem) : NULL;
    yaml_emitter_delete(&w.emitter);
    if (!ok) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "cannot write YAML: %s", problem ? problem : "too large");
    }
    return 0;
}
