/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath: the first line is the path, the rest the document. A query ends, with a value or a reason. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonpath.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str path = rest;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_jsonpath_result result = {.value = NULL};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *made = tph_json_doc_new();
    (void)tph_str_cut(&rest, '\n', &path);
    if (!rest.p || tph_json_parse(rest, &doc, NULL) < 0) {
        return 0;
    }
    if (tph_jsonpath_query(tph_json_root(doc), path, made, &result, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
    } else {
        FUZZ_HOLDS(result.value);
    }
    return 0;
}
