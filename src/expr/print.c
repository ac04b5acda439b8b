/* SPDX-License-Identifier: Apache-2.0 */
/* Values as fmt prints them. Values that hold themselves, or each other very deep, are cut with an ellipsis. */
#include <math.h>

#include "base/alloc.h"
#include "data/duration.h"
#include "data/number.h"
#include "expr/convert.h"
#include "expr/eval.h"
#include "expr/time.h"

struct printer {
    struct tph_buf *out;
    bool as_text; /* %s: what is no text is complained of */
    size_t depth;
};

static void print(struct printer *p, const struct tph_expr_value *value);

void expr_print_integer(const struct tph_expr_value *value, struct tph_buf *out)
{
    char digits[24];
    size_t at = sizeof(digits);
    bool is_unsigned = value->type >= TPH_EXPR_UINT && value->type <= TPH_EXPR_UINT64;
    bool minus = !is_unsigned && value->i < 0;
    uint64_t size = minus ? -value->u : value->u;
    do {
        digits[--at] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    if (minus) {
        digits[--at] = '-';
    }
    (void)tph_buf_append(out, digits + at, sizeof(digits) - at);
}

static void print_float(const struct tph_expr_value *value, struct tph_buf *out)
{
    if (!isfinite(value->f)) {
        (void)tph_buf_puts(out, isnan(value->f) ? "NaN" : value->f > 0 ? "+Inf" : "-Inf");
    } else if (value->type == TPH_EXPR_FLOAT32) {
        tph_number_write_g32((float)value->f, out);
    } else {
        tph_number_write_g(value->f, out);
    }
}

static void print_name(const char *name, const char *kind, int64_t number, struct tph_buf *out)
{
    if (name[0]) {
        (void)tph_buf_puts(out, name);
    } else {
        (void)tph_buf_printf(out, "%%!%s(%lld)", kind, (long long)number);
    }
}

/* What has a String() of its own; false: it has none. */
static bool print_own(const struct tph_expr_value *value, struct tph_buf *out)
{
    switch (value->type) {
    case TPH_EXPR_STRING:
        (void)tph_buf_put(out, value->str);
        return true;
    case TPH_EXPR_DURATION:
        tph_duration_write(value->i, out);
        return true;
    case TPH_EXPR_MONTH:
        print_name(tph_expr_month_name((int)value->i), "Month", value->i, out);
        return true;
    case TPH_EXPR_WEEKDAY:
        print_name(tph_expr_weekday_name((int)value->i), "Weekday", value->i, out);
        return true;
    case TPH_EXPR_TIME:
        tph_expr_time_print(value->time, out);
        return true;
    case TPH_EXPR_LOCATION:
        (void)tph_buf_put(out, tph_expr_location_name(value->location));
        return true;
    case TPH_EXPR_VERSION:
    case TPH_EXPR_VERSION_STRUCT:
        tph_semver_write(&value->version->version, out);
        return true;
    default:
        return false;
    }
}

static void print_plain(const struct tph_expr_value *value, struct tph_buf *out)
{
    if (value->type == TPH_EXPR_NIL) {
        (void)tph_buf_puts(out, "<nil>");
    } else if (value->type == TPH_EXPR_BOOL) {
        (void)tph_buf_puts(out, value->truth ? "true" : "false");
    } else if (tph_expr_is_float(value->type)) {
        print_float(value, out);
    } else if (tph_expr_is_integer(value->type)) {
        expr_print_integer(value, out);
    } else {
        tph_expr_print_type(*value, out); /* a function, which has but an address, or a zone's inside */
    }
}

static void print_list(struct printer *p, const struct tph_expr_value *value)
{
    int64_t n = 0;
    (void)expr_length(*value, &n);
    (void)tph_buf_putc(p->out, '[');
    for (int64_t i = 0; i < n && !tph_buf_failed(p->out); i++) {
        struct tph_expr_value item = expr_item(*value, i);
        (void)tph_buf_puts(p->out, i > 0 ? " " : "");
        print(p, &item);
    }
    (void)tph_buf_putc(p->out, ']');
}

static void print_map(struct printer *p, const struct tph_expr_value *value)
{
    TPH_CLEANUP(tph_freep) const struct tph_expr_entry **sorted = tph_expr_map_sorted(value->map);
    size_t n = tph_expr_map_len(value->map);
    (void)tph_buf_puts(p->out, "map[");
    for (size_t i = 0; i < n && !tph_buf_failed(p->out); i++) {
        (void)tph_buf_puts(p->out, i > 0 ? " " : "");
        print(p, &sorted[i]->key);
        (void)tph_buf_putc(p->out, ':');
        print(p, &sorted[i]->value);
    }
    (void)tph_buf_putc(p->out, ']');
}

static void print_scalar(struct printer *p, const struct tph_expr_value *value)
{
    if (value->type == TPH_EXPR_BYTES) {
        (void)tph_buf_put(p->out, value->str);
        return;
    }
    if (print_own(value, p->out)) {
        return;
    }
    if (p->as_text) {
        (void)tph_buf_puts(p->out, "%!s(");
        if (value->type != TPH_EXPR_NIL) {
            tph_expr_print_type(*value, p->out);
            (void)tph_buf_putc(p->out, '=');
        }
    }
    print_plain(value, p->out);
    (void)tph_buf_puts(p->out, p->as_text ? ")" : "");
}

static void print(struct printer *p, const struct tph_expr_value *value)
{
    bool list = tph_expr_is_list(value->type) || (value->type == TPH_EXPR_BYTES && !p->as_text);
    if (!list && !tph_expr_is_map(value->type)) {
        print_scalar(p, value);
        return;
    }
    if (++p->depth > TPH_LIMIT_EXPR_DEPTH) {
        (void)tph_buf_puts(p->out, "...");
    } else if (list) {
        print_list(p, value);
    } else {
        print_map(p, value);
    }
    p->depth--;
}

void tph_expr_print(struct tph_expr_value value, struct tph_buf *out)
{
    struct printer p = {.out = out};
    print(&p, &value);
}

void tph_expr_print_s(struct tph_expr_value value, struct tph_buf *out)
{
    struct printer p = {.out = out, .as_text = true};
    print(&p, &value);
}

void tph_expr_print_type(struct tph_expr_value value, struct tph_buf *out)
{
    if (value.type != TPH_EXPR_FUNCTION) {
        (void)tph_buf_puts(out, tph_expr_type_name(value.type));
        return;
    }
    if (value.bound) {
        expr_print_signature(&value.method->method->signature, false, out);
        return;
    }
    struct expr_signature signature = {.params = value.function->params ? value.function->params : "a*", .results = ""};
    expr_print_signature(&signature, false, out);
    (void)tph_buf_puts(out, tph_expr_type_name(value.function->result));
}
