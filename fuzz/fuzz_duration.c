/* SPDX-License-Identifier: Apache-2.0 */
/* Durations: what is printed reads as the same duration; Argo's reader takes all that Go's takes. */
#include "base/buf.h"
#include "data/duration.h"
#include "fuzz.h"

static void prints(int64_t ns)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(64);
    int64_t again = 0;
    tph_duration_write(ns, &text);
    FUZZ_HOLDS(!tph_buf_failed(&text));
    FUZZ_HOLDS(tph_duration_parse_go(tph_buf_str(&text), &again, NULL) == 0 && again == ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    int64_t go = 0;
    int64_t argo = 0;
    int64_t compat = 0;
    bool is_go = tph_duration_parse_go(text, &go, &err) == 0;
    FUZZ_HOLDS(is_go || err.text[0]);
    bool is_argo = tph_duration_parse(text, &argo, &err) == 0;
    FUZZ_HOLDS(!is_go || (is_argo && argo == go));
    if (is_argo) {
        FUZZ_HOLDS(tph_duration_parse_compat(text, &compat, NULL) == 0 && compat == argo);
        prints(argo);
    }
    return 0;
}
