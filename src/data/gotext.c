/* SPDX-License-Identifier: Apache-2.0 */
#include "data/gotext.h"

#include "base/alloc.h"
#include "data/number.h"

struct member {
    struct tph_str key;
    const struct tph_json *value;
};

static int by_key(const void *a, const void *b)
{
    return tph_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_number(const struct tph_json *value, struct tph_buf *buf)
{
    int64_t whole = 0;
    double number = 0;
    if (tph_json_to_i64(value, &whole) == 0) {
        (void)tph_buf_printf(buf, "%lld", (long long)whole);
    } else if (tph_json_to_double(value, &number) == 0) {
        tph_number_write_g(number, buf);
    } else {
        (void)tph_buf_put(buf, tph_json_number_text(value));
    }
}

static void write_list(const struct tph_json *value, struct tph_buf *buf)
{
    struct tph_json_iter it = tph_json_iter(value);
    (void)tph_buf_putc(buf, '[');
    while (tph_json_next(&it)) {
        (void)tph_buf_puts(buf, it.index > 0 ? " " : "");
        tph_gotext_write(it.value, buf);
    }
    (void)tph_buf_putc(buf, ']');
}

static void write_map(const struct tph_json *value, struct tph_buf *buf)
{
    TPH_CLEANUP(tph_freep) struct member *members = tph_calloc(tph_json_len(value) + 1, sizeof(struct member));
    struct tph_json_iter it = tph_json_iter(value);
    size_t n = 0;
    while (tph_json_next(&it)) {
        members[n++] = (struct member){it.key, it.value};
    }
    qsort(members, n, sizeof(struct member), by_key);
    (void)tph_buf_puts(buf, "map[");
    for (size_t i = 0; i < n; i++) {
        (void)tph_buf_printf(buf, "%s%.*s:", i > 0 ? " " : "", TPH_FMT(members[i].key));
        tph_gotext_write(members[i].value, buf);
    }
    (void)tph_buf_putc(buf, ']');
}

void tph_gotext_write(const struct tph_json *value, struct tph_buf *buf)
{
    switch (tph_json_type(value)) {
    case TPH_JSON_NULL:
    case TPH_JSON_TYPE_COUNT:
        (void)tph_buf_puts(buf, "<nil>");
        return;
    case TPH_JSON_BOOL:
        (void)tph_buf_puts(buf, tph_json_bool(value) ? "true" : "false");
        return;
    case TPH_JSON_NUMBER:
        write_number(value, buf);
        return;
    case TPH_JSON_STRING:
        (void)tph_buf_put(buf, tph_json_str(value));
        return;
    case TPH_JSON_ARRAY:
        write_list(value, buf);
        return;
    case TPH_JSON_OBJECT:
        write_map(value, buf);
        return;
    }
}
