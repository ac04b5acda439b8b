/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.jsonl: resource.Quantity. */
#include "base/limits.h"
#include "data/quantity.h"
#include "golden.h"

static void set_number(struct golden_case *c, const char *key, int64_t value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(32);
    (void)tph_buf_printf(&text, "%lld", (long long)value);
    golden_set_buf(c, key, &text);
}

void golden_quantity(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    TPH_CLEANUP(tph_buf_release) struct tph_buf json = TPH_BUF_INIT(TPH_KIB(1));
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_quantity quantity;
    struct tph_json *got = golden_object(c);
    if (tph_quantity_read(golden_in(c, "text"), &quantity, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_quantity_write(&quantity, &text);
    tph_json_write_str(tph_buf_str(&text), TPH_JSON_HTML, &json);
    golden_set_buf(c, "canonical", &text);
    golden_set_buf(c, "json", &json);
    golden_set(c, "format", tph_str(tph_quantity_format_name(quantity.format)));
    set_number(c, "value", tph_quantity_scaled_compat(&quantity, 0));
    set_number(c, "milli", tph_quantity_scaled_compat(&quantity, -3));
    tph_json_set(c->doc, got, "sign", tph_json_new_i64(c->doc, tph_quantity_sign(&quantity)));
}
