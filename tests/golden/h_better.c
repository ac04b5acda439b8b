/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/better: what we answer where Argo's own answer does harm. The same inputs stand in the recorded tables
 * with Argo's; these expectations were thought out, not recorded. */
#include <inttypes.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/duration.h"
#include "data/quantity.h"
#include "golden.h"

static void set_number(struct golden_case *c, const char *key, int64_t value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(32);
    (void)tph_buf_printf(&text, "%" PRId64, value);
    golden_set_buf(c, key, &text);
}

void golden_better_durations(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(64);
    struct tph_error err = TPH_ERROR_INIT;
    int64_t ns = 0;
    (void)golden_object(c);
    if (tph_duration_parse(golden_in(c, "text"), &ns, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_duration_write(ns, &text);
    set_number(c, "ns", ns);
    golden_set_buf(c, "string", &text);
}

void golden_better_quantities(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_QUANTITY * 2);
    struct tph_quantity quantity;
    struct tph_error err = TPH_ERROR_INIT;
    (void)golden_object(c);
    if (tph_quantity_read(golden_in(c, "text"), &quantity, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_quantity_write(&quantity, &text);
    golden_set_buf(c, "canonical", &text);
    set_number(c, "value", tph_quantity_scaled(&quantity, 0));
    set_number(c, "milli", tph_quantity_scaled(&quantity, -3));
}

void golden_better_anystrings(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error err = TPH_ERROR_INIT;
    (void)golden_object(c);
    if (tph_json_parse(golden_in(c, "text"), &doc, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
    } else if (tph_anystring(tph_json_root(doc), &text)) {
        golden_set_buf(c, "string", &text);
    }
}

void golden_better_stuck(struct golden_case *c)
{
    c->skip = "what becomes of recorded cases that the genuine program never ends: see there";
}
