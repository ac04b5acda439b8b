/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf bodies: the first line is the kind, the rest the body. What was read is JSON that Go would write once more
 * as it is. */
#include "api/gotype.h"
#include "apiserver/protobuf.h"
#include "apiserver/protobuf_tables.h"
#include "base/limits.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str body = fuzz_text(data, size);
    struct tph_str kind = TPH_STR_NONE;
    (void)tph_str_cut(&body, '\n', &kind);
    for (const struct tph_pb_kind *k = tph_pb_kinds; k->kind; k++) {
        TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
        struct tph_error err = TPH_ERROR_INIT;
        if (!tph_str_eqz(kind, k->kind)) {
            continue;
        }
        if (tph_protobuf_read(body, tph_str(k->api_version), kind, &doc, &err) < 0) {
            FUZZ_HOLDS(err.text[0] && !doc);
            continue;
        }
        const struct tph_go_options options = {.flags = 0};
        const struct tph_json *value = tph_json_root(doc);
        struct tph_json *again = NULL;
        FUZZ_HOLDS(tph_str_eqz(tph_json_get_str(value, "kind"), k->kind));
        FUZZ_HOLDS(tph_go_convert(doc, value, k->type, &options, &again, NULL) == 0);
        FUZZ_HOLDS(tph_json_equal(value, again));
    }
    return 0;
}
