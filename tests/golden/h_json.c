/* SPDX-License-Identifier: Apache-2.0 */
/* json_encode.jsonl: strings, bytes and numbers as Go prints them; reencode: JSON -> any -> JSON. */
#include <stdlib.h>

#include "base/limits.h"
#include "data/base64.h"
#include "data/number.h"
#include "data/quote.h"
#include "golden.h"

static bool decode(struct golden_case *c, struct tph_buf *bytes)
{
    if (tph_base64_decode(golden_in(c, "text"), bytes) < 0) {
        c->skip = "in.text is no base64";
        return false;
    }
    return true;
}

static void encode_string(struct golden_case *c, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (decode(c, &bytes)) {
        tph_json_write_str(tph_buf_str(&bytes), TPH_JSON_HTML, out);
        golden_set_buf(c, "json", out);
    }
}

static void encode_bytes(struct golden_case *c, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (decode(c, &bytes)) {
        (void)tph_buf_putc(out, '"');
        tph_base64_encode(tph_buf_str(&bytes), out);
        (void)tph_buf_putc(out, '"');
        golden_set_buf(c, "json", out);
    }
}

static void encode_quote(struct golden_case *c, struct tph_buf *out)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    if (decode(c, &bytes)) {
        tph_quote_go(tph_buf_str(&bytes), out);
        golden_set_buf(c, "quote", out);
    }
}

static double number_of(const struct golden_case *c)
{
    double value = 0;
    return tph_number_to_double(golden_in(c, "text"), &value) == 0 ? value : -1;
}

static void encode_float64(struct golden_case *c, struct tph_buf *out)
{
    tph_number_write_json(number_of(c), out);
    golden_set_buf(c, "json", out);
}

static void encode_float32(struct golden_case *c, struct tph_buf *out)
{
    tph_number_write_json32((float)number_of(c), out);
    golden_set_buf(c, "json", out);
}

static void encode_int64(struct golden_case *c, struct tph_buf *out)
{
    int64_t value = 0;
    if (tph_str_to_i64(golden_in(c, "text"), &value) == 0) {
        tph_json_write(tph_json_new_i64(c->doc, value), 0, out);
    }
    golden_set_buf(c, "json", out);
}

static void sprint_float(struct golden_case *c, struct tph_buf *out)
{
    double value = number_of(c);
    tph_number_write_g(value, out);
    golden_set_buf(c, "sprint", out);
    golden_set_buf(c, "g", out);
    tph_buf_clear(out);
    tph_number_write_plain(value, out);
    golden_set_buf(c, "f", out);
    tph_buf_clear(out);
    tph_number_write_fixed(value, 6, out);
    golden_set_buf(c, "fixed6", out);
}

/* Go's any has float64 for every number: each is written as one. */
static void as_float(struct tph_json_doc *doc, struct tph_json *value)
{
    double number = 0;
    if (tph_json_is(value, TPH_JSON_NUMBER) && tph_json_to_double(value, &number) == 0) {
        tph_json_assign(value, tph_json_new_double(doc, number));
    }
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        as_float(doc, it.value);
    }
}

static void reencode(struct golden_case *c, struct tph_buf *out)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json_fault fault;
    if (tph_json_parse(golden_in(c, "text"), &doc, &err) < 0) {
        (void)tph_json_check(golden_in(c, "text"), &fault);
        TPH_CLEANUP(tph_buf_release) struct tph_buf expected = TPH_BUF_INIT(TPH_KIB(1));
        (void)tph_buf_printf(&expected, "%zu:%zu: %s", fault.line, fault.column, fault.text);
        /* What a person reads is the same with its place in front. */
        golden_set(c, "error", tph_str_eqz(tph_buf_str(&expected), err.text) ? tph_str(fault.text) : tph_str(err.text));
        return;
    }
    as_float(doc, tph_json_root(doc));
    tph_json_write(tph_json_root(doc), TPH_JSON_SORTED | TPH_JSON_HTML, out);
    golden_set_buf(c, "json", out);
}

void golden_json_encode(struct golden_case *c)
{
    static const struct {
        const char *kind;
        void (*run)(struct golden_case *c, struct tph_buf *out);
    } kinds[] = {
        {"string_b64", encode_string}, {"bytes_b64", encode_bytes},    {"quote_b64", encode_quote},
        {"float64", encode_float64},   {"float32", encode_float32},    {"int64", encode_int64},
        {"reencode", reencode},        {"sprint_float", sprint_float},
    };
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    (void)golden_object(c);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_str_eqz(golden_in(c, "kind"), kinds[i].kind)) {
            kinds[i].run(c, &out);
            return;
        }
    }
}
