/* SPDX-License-Identifier: Apache-2.0 */
/* Patches: the first line is the document, the rest the patch, of all three kinds. What is made of two documents and
 * merged into the first leaves no difference to the second, where that has no nulls. */
#include "api/strategic.h"
#include "base/buf.h"
#include "base/limits.h"
#include "data/patch.h"
#include "fuzz.h"

static bool has_null(const struct tph_json *value)
{
    struct tph_json_iter it = tph_json_iter(value);
    bool found = tph_json_is_null(value);
    while (!found && tph_json_next(&it)) {
        found = has_null(it.value);
    }
    return found;
}

/* Whether it can be written and read again: no patch may make what nobody may read. */
static void is_document(const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    tph_json_write(value, 0, &text);
    FUZZ_HOLDS(tph_buf_failed(&text) || tph_json_parse(tph_buf_str(&text), &doc, NULL) == 0);
}

static void difference(struct tph_json_doc *doc, const struct tph_json *original, const struct tph_json *modified)
{
    struct tph_json *patch = NULL;
    struct tph_json *merged = NULL;
    struct tph_json *again = NULL;
    if (tph_patch_make_merge(doc, original, modified, &patch, NULL) < 0 || !tph_json_is(original, TPH_JSON_OBJECT) ||
        has_null(modified)) {
        return;
    }
    FUZZ_HOLDS(tph_patch_merge(doc, original, patch, &merged, NULL) == 0);
    FUZZ_HOLDS(tph_patch_make_merge(doc, merged, modified, &again, NULL) == 0);
    FUZZ_HOLDS(tph_json_len(again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"Pod", "ConfigMap", "Event", "ServiceAccount"};
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str line = TPH_STR_NONE;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *before = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *with = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    (void)tph_str_cut(&rest, '\n', &line);
    if (tph_json_parse(line, &before, NULL) < 0 || tph_json_parse(rest, &with, NULL) < 0) {
        return 0;
    }
    const struct tph_json *original = tph_json_root(before);
    const struct tph_json *patch = tph_json_root(with);
    struct tph_json *value = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_patch_json(doc, original, patch, &value, &err) == 0) {
        is_document(value);
    } else {
        FUZZ_HOLDS(err.text[0]);
    }
    if (tph_patch_merge(doc, original, patch, &value, NULL) == 0) {
        is_document(value);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tph_strategic_merge(doc, original, patch, tph_strategic_type_of(tph_str(kinds[i])), &value, NULL) == 0) {
            is_document(value);
        }
    }
    difference(doc, original, patch);
    return 0;
}
