/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/sprig_values.h"

#include "expr/convert.h"
#include "expr/eval.h"

int expr_sprig_text(struct tph_expr_call *call, struct tph_expr_value value, struct tph_str *ret)
{
    if (value.type == TPH_EXPR_STRING || value.type == TPH_EXPR_BYTES) {
        *ret = value.str;
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = EXPR_SPRIG_BUF(call);
    struct tph_expr_value text;
    tph_expr_print(value, &out);
    if (tph_expr_keep(call->memory, &out, &text) < 0) {
        return -1;
    }
    *ret = text.str;
    return 0;
}

int expr_sprig_texts(struct tph_expr_call *call, struct tph_expr_value value, struct tph_expr_value *ret)
{
    struct tph_expr_builder b = TPH_EXPR_BUILDER(call->memory);
    bool is_list = expr_sprig_is_list(value);
    size_t n = is_list ? expr_sprig_len(value) : 1;
    if (value.type == TPH_EXPR_LIST_STRING) {
        *ret = value;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct tph_expr_value element = is_list ? expr_sprig_at(value, i) : value;
        struct tph_str text;
        if (element.type == TPH_EXPR_NIL) {
            continue;
        }
        if (expr_sprig_text(call, element, &text) < 0 || tph_expr_push(&b, tph_expr_str(text)) < 0) {
            return -1;
        }
    }
    return tph_expr_finish(&b, TPH_EXPR_LIST_STRING, ret);
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    unsigned lower = (unsigned char)c | 0x20U;
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

/* 0x, 0o, 0b, or 0 alone at the front: taken off. */
static unsigned take_base(struct tph_str *digits)
{
    if (digits->len == 0 || digits->p[0] != '0') {
        return 10;
    }
    unsigned base = 8;
    size_t prefix = 1;
    if (digits->len >= 3) {
        char letter = (char)(digits->p[1] | 0x20);
        base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
        prefix = letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
    }
    *digits = tph_str_slice(*digits, prefix, digits->len);
    return base;
}

enum expr_int_text expr_read_int(struct tph_str text, unsigned base, int64_t *ret)
{
    bool negative = text.len > 0 && text.p[0] == '-';
    bool is_signed = negative || (text.len > 0 && text.p[0] == '+');
    struct tph_str digits = tph_str_slice(text, is_signed ? 1 : 0, text.len);
    bool any_base = base == 0;
    bool underscores = false;
    uint64_t value = 0;
    *ret = 0;
    if (digits.len == 0) {
        return EXPR_INT_NONE;
    }
    base = any_base ? take_base(&digits) : base;
    bool too_large = false;
    for (size_t i = 0; i < digits.len && !too_large; i++) {
        if (any_base && digits.p[i] == '_') {
            underscores = true;
            continue;
        }
        unsigned digit = digit_of(digits.p[i]);
        if (digit >= base) {
            return EXPR_INT_NONE;
        }
        too_large = __builtin_mul_overflow(value, (uint64_t)base, &value) ||
                    __builtin_add_overflow(value, (uint64_t)digit, &value);
    }
    if (!too_large && underscores && !expr_underscores_fit(text)) {
        return EXPR_INT_NONE;
    }
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (too_large || value > most) {
        *ret = negative ? INT64_MIN : INT64_MAX;
        return EXPR_INT_TOO_LARGE;
    }
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return EXPR_INT_READ;
}

/* The text without its places where it is digits, a point and digits: "3.9" is "3", "." is "0". */
static struct tph_str cut_places(struct tph_str text)
{
    size_t i = text.len > 0 && (text.p[0] == '-' || text.p[0] == '+');
    size_t first = i;
    while (i < text.len && text.p[i] >= '0' && text.p[i] <= '9') {
        i++;
    }
    size_t point = i;
    if (i == text.len || text.p[i] != '.') {
        return text;
    }
    for (i++; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return text;
        }
    }
    return point == first ? TPH_STR("0") : tph_str_slice(text, 0, point);
}

static int64_t int_of_text(struct tph_str text)
{
    int64_t value = 0;
    return expr_read_int(cut_places(text), 0, &value) == EXPR_INT_READ ? value : 0;
}

int64_t expr_sprig_int(struct tph_expr_value value)
{
    if (tph_expr_is_float(value.type)) {
        return expr_double_to_int(value.f);
    }
    if (tph_expr_is_integer(value.type)) {
        return value.i;
    }
    return value.type == TPH_EXPR_BOOL ? value.truth : value.type == TPH_EXPR_STRING ? int_of_text(value.str) : 0;
}

double expr_sprig_float(struct tph_expr_value value)
{
    if (tph_expr_is_number(value.type)) {
        return expr_to_double(value);
    }
    double number = 0;
    if (value.type == TPH_EXPR_STRING) {
        return expr_read_float(value.str, &number) == EXPR_FLOAT_READ ? number : 0;
    }
    return value.type == TPH_EXPR_BOOL ? value.truth : 0;
}

bool expr_sprig_is_empty(struct tph_expr_value value)
{
    int64_t n = 0;
    if (expr_length(value, &n) == 0) {
        return n == 0;
    }
    if (tph_expr_is_float(value.type)) {
        return value.f == 0;
    }
    if (tph_expr_is_integer(value.type)) {
        return value.i == 0;
    }
    return value.type == TPH_EXPR_NIL || (value.type == TPH_EXPR_BOOL && !value.truth);
}

bool expr_sprig_is_list(struct tph_expr_value value)
{
    return tph_expr_is_list(value.type) || value.type == TPH_EXPR_BYTES;
}

size_t expr_sprig_len(struct tph_expr_value list)
{
    return list.type == TPH_EXPR_BYTES ? list.str.len : list.list.n;
}

struct tph_expr_value expr_sprig_at(struct tph_expr_value list, size_t index)
{
    return expr_item(list, (int64_t)index);
}

int expr_sprig_need_list(struct tph_expr_call *call, struct tph_expr_value value, const char *refusal)
{
    if (expr_sprig_is_list(value)) {
        return 0;
    }
    if (value.type == TPH_EXPR_NIL) {
        return tph_expr_fail(call, EXPR_NIL_POINTER);
    }
    ptrdiff_t at = tph_str_find(tph_str(refusal), TPH_STR("%s"));
    return tph_expr_fail(call, "%.*s%s%s", (int)at, refusal, tph_expr_kind_name(value.type), refusal + at + 2);
}
