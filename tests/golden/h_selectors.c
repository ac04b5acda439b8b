/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors of labels and fields: canonical text, verdict on given values, or the error. */
#include "base/limits.h"
#include "data/fieldsel.h"
#include "data/labelsel.h"
#include "golden.h"

static void set_verdict(struct golden_case *c, const char *key, bool verdict)
{
    tph_json_set(c->doc, c->got, key, tph_json_new_bool(c->doc, verdict));
}

static struct tph_str value_of(void *owner, struct tph_str field)
{
    return tph_json_str(tph_json_getn(owner, field));
}

static void of_fields(struct golden_case *c)
{
    TPH_CLEANUP(tph_fieldsel_release) struct tph_fieldsel selector = TPH_FIELDSEL_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_fieldsel_parse(golden_in(c, "selector"), &selector, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_fieldsel_write(&selector, &text);
    golden_set_buf(c, "canonical", &text);
    set_verdict(c, "empty", selector.n_terms == 0);
    set_verdict(c, "match", tph_fieldsel_matches(&selector, value_of, tph_json_get(c->in, "values")));
}

static void of_labels(struct golden_case *c, bool object)
{
    TPH_CLEANUP(tph_labelsel_freep) struct tph_labelsel *selector = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    struct tph_error err = TPH_ERROR_INIT;
    int failed = object ? tph_labelsel_from_object(tph_json_get(c->in, "object"), &selector, &err)
                        : tph_labelsel_parse(golden_in(c, "selector"), &selector, &err);
    if (failed < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    tph_labelsel_write(selector, &text);
    golden_set_buf(c, "canonical", &text);
    set_verdict(c, "match", tph_labelsel_matches_object(selector, tph_json_get(c->in, "values")));
    if (!object) {
        set_verdict(c, "empty", tph_labelsel_is_empty(selector));
    }
}

void golden_selectors(struct golden_case *c)
{
    struct tph_str kind = golden_in(c, "kind");
    (void)golden_object(c);
    if (tph_str_eqz(kind, "field")) {
        of_fields(c);
    } else {
        of_labels(c, tph_str_eqz(kind, "labelselector"));
    }
}
