/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: the same text is decided in the same way twice, and a refusal says why. */
#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "when/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf first = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_buf_release) struct tph_buf second = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    bool once = false;
    bool again = false;
    int failed = tph_when_decide(fuzz_text(data, size), &once, &first);
    FUZZ_HOLDS(tph_when_decide(fuzz_text(data, size), &again, &second) == failed && once == again);
    FUZZ_HOLDS((failed != 0) == (first.len > 0));
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&first), tph_buf_str(&second)));
    return 0;
}
