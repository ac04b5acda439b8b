/* SPDX-License-Identifier: Apache-2.0 */
/* Base32: any bytes come back as they were; any text is decoded or its fault has a place in it. */
#include "base/buf.h"
#include "data/base32.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    TPH_CLEANUP(tph_buf_release) struct tph_buf encoded = TPH_BUF_INIT(size * 2 + 100);
    TPH_CLEANUP(tph_buf_release) struct tph_buf decoded = TPH_BUF_INIT(size + 100);
    size_t at = 0;
    tph_base32_encode(text, &encoded);
    FUZZ_HOLDS(tph_base32_decode(tph_buf_str(&encoded), &decoded, &at) == 0);
    FUZZ_HOLDS(tph_str_eq(tph_buf_str(&decoded), text));
    tph_buf_clear(&decoded);
    FUZZ_HOLDS(tph_base32_decode(text, &decoded, &at) == 0 || at <= size);
    return 0;
}
