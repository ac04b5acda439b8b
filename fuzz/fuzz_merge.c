/* SPDX-License-Identifier: Apache-2.0 */
/* Merges: a JSON object {"a": ..., "b": ...}, its members taken for specs, workflows, templates and patches. */
#include "api/gotype_tables.h"
#include "api/merge.h"
#include "api/strategic.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *in = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *merged = NULL;
    if (tph_json_parse(fuzz_text(data, size), &in, &err) < 0) {
        return 0;
    }
    const struct tph_json *a = tph_json_get(tph_json_root(in), "a");
    const struct tph_json *b = tph_json_get(tph_json_root(in), "b");
    struct tph_merge_specs specs = {.workflow = a, .template_spec = b, .defaults = tph_json_root(in)};
    FUZZ_HOLDS(tph_merge_specs(doc, &specs, &merged, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_workflow(doc, a, b, &merged, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_metadata(doc, a, b, &merged, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_template(doc, a, b, 0, &merged, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_template(doc, a, b, TPH_MERGE_COMPAT, &merged, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_check_overrides(a, NULL, &err) == 0 || err.text[0]);
    FUZZ_HOLDS(tph_merge_allowed(doc, a, NULL, &merged, &err) == 0 || err.text[0]);
    if (tph_strategic_merge(doc, a, b, &tph_gt_argo_Template, &merged, &err) == 0) {
        FUZZ_HOLDS(tph_json_is(merged, TPH_JSON_OBJECT));
    } else {
        FUZZ_HOLDS(err.text[0]);
    }
    return 0;
}
