/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is read and written reads as an equal value, in every form of writing; yyjson and our own checker agree on
 * what JSON is; a deep copy is equal; compacting changes nothing that is read. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/item.h"
#include "data/json.h"
#include "fuzz.h"

static void reads_back(const struct tph_json *value, unsigned flags)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *again = NULL;
    tph_json_write(value, flags, &text);
    FUZZ_HOLDS(!tph_buf_failed(&text));
    FUZZ_HOLDS(tph_json_parse(tph_buf_str(&text), &again, NULL) == 0);
    FUZZ_HOLDS(tph_json_equal(value, tph_json_root(again)));
}

static void copies(const struct tph_json *value)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    FUZZ_HOLDS(tph_json_equal(value, tph_json_copy(doc, value)));
}

static void compacts(struct tph_str text, const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf compact = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf item = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *again = NULL;
    tph_json_compact(text, TPH_JSON_HTML, &compact);
    FUZZ_HOLDS(tph_json_parse(tph_buf_str(&compact), &again, NULL) == 0);
    FUZZ_HOLDS(tph_json_equal(value, tph_json_root(again)));
    tph_item_write_text(text, &item);
    FUZZ_HOLDS(tph_item_type(text) < TPH_ITEM_TYPE_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json_fault fault;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *first = NULL;
    size_t used = 0;
    bool good = tph_json_parse(text, &doc, &err) == 0;
    FUZZ_HOLDS(good == (tph_json_check(text, &fault) == TPH_JSON_FAULT_NONE));
    FUZZ_HOLDS(good || (err.text[0] && fault.offset <= size && fault.line > 0 && fault.column > 0));
    if (tph_json_parse_first(text, &first, &used, NULL) == 0) {
        FUZZ_HOLDS(used <= size);
        FUZZ_HOLDS(!good || tph_json_equal(tph_json_root(doc), tph_json_root(first)));
        FUZZ_HOLDS(tph_json_check(tph_str_slice(text, 0, used), &fault) == TPH_JSON_FAULT_NONE);
    } else {
        FUZZ_HOLDS(!good);
    }
    if (good) {
        reads_back(tph_json_root(doc), 0);
        reads_back(tph_json_root(doc), TPH_JSON_SORTED | TPH_JSON_HTML);
        reads_back(tph_json_root(doc), TPH_JSON_PRETTY);
        copies(tph_json_root(doc));
        compacts(text, tph_json_root(doc));
    }
    return 0;
}
