/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a watch, and of an answer: cut anywhere the same events come of them, and each has its object. */
#include "base/limits.h"
#include "fuzz.h"
#include "kube/watch.h"

/* Feeds the text in pieces of `piece` bytes; a hash of all that came out. */
static uint64_t decode(struct tph_str text, size_t piece)
{
    struct tph_kube_decoder decoder = {.line = TPH_BUF_INIT(TPH_KIB(64))};
    uint64_t sum = 0;
    for (size_t at = 0; at < text.len; at += piece) {
        struct tph_str bytes = tph_str_slice(text, at, at + piece);
        struct tph_kube_event event;
        struct tph_error err = TPH_ERROR_INIT;
        int r = 0;
        while ((r = tph_kube_decode(&decoder, &bytes, &event, &err)) > 0) {
            FUZZ_HOLDS(tph_json_is(event.object, TPH_JSON_OBJECT) && event.change < TPH_KUBE_CHANGE_COUNT);
            sum = sum * 31 + event.change + tph_json_len(event.object) + 1;
            tph_json_doc_free(event.doc);
        }
        FUZZ_HOLDS(r == 0 ? bytes.len == 0 : err.text[0] != '\0');
        if (r < 0) {
            sum = sum * 31 + 7;
            break;
        }
    }
    tph_kube_decoder_release(&decoder);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    uint64_t whole = decode(text, size + 1);
    FUZZ_HOLDS(decode(text, 1) == whole && decode(text, 7) == whole);
    int failed = tph_json_parse(text, &doc, &err);
    err = TPH_ERROR_INIT;
    int status = 200 + (size > 0 ? data[0] * 2 : 0);
    enum tph_kube_problem problem = tph_kube_judge(status, failed < 0 ? NULL : tph_json_root(doc), text, &err);
    FUZZ_HOLDS((problem == TPH_KUBE_FINE) == (err.text[0] == '\0'));
    return 0;
}
