/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of writes: the first line is a kind's name in the store, the second an object that is there (or nothing), the
 * rest what is applied, or put in its place. What comes out is a document that can be written and read; an apply that
 * was taken is taken again by force. Members that come twice are looked for in any text. */
#include "apiserver/managed.h"
#include "apiserver/strict.h"
#include "base/limits.h"
#include "fuzz.h"

static void is_document(const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    tph_json_write(value, 0, &text);
    FUZZ_HOLDS(tph_buf_failed(&text) || tph_json_parse(tph_buf_str(&text), &doc, NULL) == 0);
}

static void apply(struct tph_json_doc *doc, const struct tph_kind *kind, const struct tph_json *live,
                  const struct tph_json *config)
{
    TPH_CLEANUP(tph_managed_fault_release) struct tph_managed_fault fault = TPH_MANAGED_FAULT_INIT;
    struct tph_managed_write write = {.kind = kind, .manager = TPH_STR("m"), .now_ms = 1000};
    struct tph_json *object = NULL;
    struct tph_json *again = NULL;
    if (tph_managed_apply(doc, &write, live, config, &object, &fault) < 0) {
        FUZZ_HOLDS(fault.code != 0 && fault.message.len > 0 && (fault.code == 409) == (fault.n_conflicts > 0));
        return;
    }
    is_document(object);
    write.force = true;
    FUZZ_HOLDS(tph_managed_apply(doc, &write, object, config, &again, &fault) == 0);
    is_document(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str name = TPH_STR_NONE;
    struct tph_str line = TPH_STR_NONE;
    TPH_CLEANUP(tph_buf_release) struct tph_buf found = TPH_BUF_INIT(TPH_MIB(1));
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *old = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *body = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    (void)tph_str_cut(&rest, '\n', &name);
    (void)tph_str_cut(&rest, '\n', &line);
    tph_strict_duplicates(rest, &found);
    const struct tph_kind *kind = tph_kind_of_resource(name);
    if (!kind || (line.len > 0 && tph_json_parse(line, &old, NULL) < 0) || tph_json_parse(rest, &body, NULL) < 0) {
        return 0;
    }
    const struct tph_json *live = old ? tph_json_root(old) : NULL;
    apply(doc, kind, live, tph_json_root(body));
    struct tph_json *object = tph_json_copy(doc, tph_json_root(body));
    const struct tph_managed_write write = {.kind = kind, .subresource = TPH_STR("status")};
    tph_buf_clear(&found);
    tph_strict_prune(doc, kind, object, &found);
    size_t n = found.len;
    tph_strict_prune(doc, kind, object, &found);
    FUZZ_HOLDS(found.len == n); /* nothing is left to cut */
    tph_managed_update(doc, &write, live, object);
    is_document(object);
    return 0;
}
