/* SPDX-License-Identifier: Apache-2.0 */
/* Values as encoding/json writes and reads them. */
#include <math.h>

#include "base/alloc.h"
#include "data/base64.h"
#include "data/number.h"
#include "expr/convert.h"
#include "expr/eval.h"
#include "expr/time.h"

struct writer {
    struct tph_buf *out;
    struct tph_buf *problem;
    const char *indent; /* NULL: compact */
    unsigned flags;
    size_t depth;
};

static int write(struct writer *w, const struct tph_expr_value *value);

static int refuse_type(struct writer *w, const struct tph_expr_value *value)
{
    (void)tph_buf_puts(w->problem, "json: unsupported type: ");
    tph_expr_print_type(*value, w->problem);
    return -1;
}

static void new_line(struct writer *w)
{
    if (w->indent) {
        (void)tph_buf_putc(w->out, '\n');
        for (size_t i = 0; i < w->depth; i++) {
            (void)tph_buf_puts(w->out, w->indent);
        }
    }
}

static int write_float(struct writer *w, const struct tph_expr_value *value)
{
    if (!isfinite(value->f)) {
        (void)tph_buf_puts(w->problem, "json: unsupported value: ");
        tph_expr_print(*value, w->problem);
        return -1;
    }
    if (value->type == TPH_EXPR_FLOAT32) {
        tph_number_write_json32((float)value->f, w->out);
    } else {
        tph_number_write_json(value->f, w->out);
    }
    return 0;
}

static int write_time(struct writer *w, const struct tph_expr_time *time)
{
    struct tph_expr_calendar calendar;
    tph_expr_calendar(time, &calendar);
    static const char *const why = "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: ";
    if (calendar.year < 0 || calendar.year > 9999) {
        (void)tph_buf_printf(w->problem, "%syear outside of range [0,9999]", why);
        return -1;
    }
    if (calendar.offset >= 86400 || calendar.offset <= -86400) {
        (void)tph_buf_printf(w->problem, "%stimezone hour outside of range [0,23]", why);
        return -1;
    }
    (void)tph_buf_putc(w->out, '"');
    tph_expr_time_write(time, TPH_STR("2006-01-02T15:04:05.999999999Z07:00"), w->out);
    (void)tph_buf_putc(w->out, '"');
    return 0;
}

static int write_scalar(struct writer *w, const struct tph_expr_value *value)
{
    switch (value->type) {
    case TPH_EXPR_NIL:
        (void)tph_buf_puts(w->out, "null");
        return 0;
    case TPH_EXPR_BOOL:
        (void)tph_buf_puts(w->out, value->truth ? "true" : "false");
        return 0;
    case TPH_EXPR_STRING:
        tph_json_write_str(value->str, w->flags, w->out);
        return 0;
    case TPH_EXPR_BYTES:
        (void)tph_buf_puts(w->out, value->str.p ? "\"" : "null");
        tph_base64_encode(value->str, w->out);
        (void)tph_buf_puts(w->out, value->str.p ? "\"" : "");
        return 0;
    case TPH_EXPR_FLOAT32:
    case TPH_EXPR_FLOAT64:
        return write_float(w, value);
    case TPH_EXPR_TIME:
        return write_time(w, value->time);
    case TPH_EXPR_LOCATION:
    case TPH_EXPR_ZONE_STRUCT:
        (void)tph_buf_puts(w->out, "{}"); /* a struct that shows nothing */
        return 0;
    case TPH_EXPR_VERSION:
    case TPH_EXPR_VERSION_STRUCT:
        (void)tph_buf_putc(w->out, '"');
        tph_expr_print(*value, w->out);
        (void)tph_buf_putc(w->out, '"');
        return 0;
    default:
        break;
    }
    if (!tph_expr_is_integer(value->type)) {
        return refuse_type(w, value);
    }
    expr_print_integer(value, w->out);
    return 0;
}

static int write_list(struct writer *w, const struct tph_expr_value *value)
{
    if (!value->list.items && value->type != TPH_EXPR_PAIR) {
        (void)tph_buf_puts(w->out, "null");
        return 0;
    }
    (void)tph_buf_putc(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < value->list.n && !tph_buf_failed(w->out); i++) {
        (void)tph_buf_puts(w->out, i > 0 ? "," : "");
        new_line(w);
        if (write(w, &value->list.items[i]) < 0) {
            return -1;
        }
    }
    w->depth--;
    if (value->list.n > 0) {
        new_line(w);
    }
    (void)tph_buf_putc(w->out, ']');
    return 0;
}

static int write_map(struct writer *w, const struct tph_expr_value *value)
{
    if (tph_expr_key_type(value->type) != TPH_EXPR_STRING) {
        return refuse_type(w, value);
    }
    if (!value->map) {
        (void)tph_buf_puts(w->out, "null");
        return 0;
    }
    TPH_CLEANUP(tph_freep) const struct tph_expr_entry **sorted = tph_expr_map_sorted(value->map);
    size_t n = tph_expr_map_len(value->map);
    (void)tph_buf_putc(w->out, '{');
    w->depth++;
    for (size_t i = 0; i < n && !tph_buf_failed(w->out); i++) {
        (void)tph_buf_puts(w->out, i > 0 ? "," : "");
        new_line(w);
        tph_json_write_str(sorted[i]->key.str, w->flags, w->out);
        (void)tph_buf_puts(w->out, w->indent ? ": " : ":");
        if (write(w, &sorted[i]->value) < 0) {
            return -1;
        }
    }
    w->depth--;
    if (n > 0) {
        new_line(w);
    }
    (void)tph_buf_putc(w->out, '}');
    return 0;
}

static int write(struct writer *w, const struct tph_expr_value *value)
{
    bool list = tph_expr_is_list(value->type);
    if (!list && !tph_expr_is_map(value->type)) {
        return write_scalar(w, value);
    }
    if (w->depth >= TPH_LIMIT_EXPR_DEPTH) {
        (void)tph_buf_printf(w->problem, "json: unsupported value: encountered a cycle via %s",
                             tph_expr_type_name(value->type));
        return -1;
    }
    return list ? write_list(w, value) : write_map(w, value);
}

int tph_expr_write_json(struct tph_expr_value value, unsigned flags, const char *indent, struct tph_buf *out,
                        struct tph_buf *problem)
{
    struct writer w = {.out = out, .problem = problem, .indent = indent, .flags = flags};
    return write(&w, &value);
}

/* Reading. */
struct reader {
    struct tph_expr_memory *memory;
    unsigned flags;
    struct tph_buf *problem;
};

static int read(const struct reader *r, const struct tph_json *json, struct tph_expr_value *ret);

static int read_number(const struct reader *r, const struct tph_json *json, struct tph_expr_value *ret)
{
    int64_t i = 0;
    double f = 0;
    if ((r->flags & TPH_EXPR_JSON_INTS) && tph_json_to_i64(json, &i) == 0) {
        *ret = tph_expr_int(i);
        return 0;
    }
    struct tph_str text = tph_json_number_text(json);
    if (tph_number_to_double(text, &f) < 0) {
        if (r->flags & TPH_EXPR_JSON_LENIENT) {
            *ret = TPH_EXPR_VALUE_NIL;
            return 0;
        }
        if (r->problem) {
            (void)tph_buf_printf(r->problem, "json: cannot unmarshal number %.*s into Go value of type float64",
                                 TPH_FMT(text));
        }
        return -1;
    }
    *ret = tph_expr_float(f);
    return 0;
}

static int read_list(const struct reader *r, const struct tph_json *json, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(r->memory);
    if (tph_expr_reserve(&b, tph_json_len(json)) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        struct tph_expr_value item = TPH_EXPR_VALUE_NIL;
        if (read(r, it.value, &item) < 0 || tph_expr_push(&b, item) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST, ret);
}

static int read_text(const struct reader *r, struct tph_str text, struct tph_expr_value *ret)
{
    if (r->flags & TPH_EXPR_JSON_COPY) {
        return tph_expr_copy(r->memory, text, ret);
    }
    *ret = tph_expr_str(text);
    return 0;
}

static int read_map(const struct reader *r, const struct tph_json *json, struct tph_expr_value *ret)
{
    struct tph_expr_value map = TPH_EXPR_VALUE_NIL;
    if (tph_expr_map_new(r->memory, TPH_EXPR_MAP, &map) < 0) {
        return -1;
    }
    struct tph_json_iter it = tph_json_iter(json);
    while (tph_json_next(&it)) {
        struct tph_expr_value member = TPH_EXPR_VALUE_NIL;
        struct tph_expr_value key = TPH_EXPR_VALUE_NIL;
        if (read_text(r, it.key, &key) < 0 || read(r, it.value, &member) < 0 ||
            tph_expr_map_put(r->memory, map.map, key, member) < 0) {
            return -1;
        }
    }
    *ret = map;
    return 0;
}

static int read(const struct reader *r, const struct tph_json *json, struct tph_expr_value *ret)
{
    switch (tph_json_type(json)) {
    case TPH_JSON_BOOL:
        *ret = tph_expr_bool(tph_json_bool(json));
        return 0;
    case TPH_JSON_NUMBER:
        return read_number(r, json, ret);
    case TPH_JSON_STRING:
        return read_text(r, tph_json_str(json), ret);
    case TPH_JSON_ARRAY:
        return read_list(r, json, ret);
    case TPH_JSON_OBJECT:
        return read_map(r, json, ret);
    default:
        *ret = TPH_EXPR_VALUE_NIL;
        return 0;
    }
}

int tph_expr_read_json(struct tph_expr_memory *memory, const struct tph_json *json, unsigned flags,
                       struct tph_expr_value *ret, struct tph_buf *problem)
{
    struct reader r = {.memory = memory, .flags = flags, .problem = problem};
    return read(&r, json, ret);
}
