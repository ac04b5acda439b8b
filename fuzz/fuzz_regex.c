/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: the first line is the pattern, the rest the text. Whatever is found lies in the text, and a walk
 * ends. */
#include "base/buf.h"
#include "data/regex.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str rest = fuzz_text(data, size);
    struct tph_str pattern = rest;
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_regex_freep) struct tph_regex *regex = NULL;
    (void)tph_str_cut(&rest, '\n', &pattern);
    if (tph_regex_compile(pattern, &regex, &err) < 0) {
        FUZZ_HOLDS(err.text[0]);
        return 0;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(64));
    struct tph_regex_walk walk = TPH_REGEX_WALK(regex, rest);
    size_t last = 0;
    for (size_t n = 0; tph_regex_next(&walk, NULL) == 0; n++) {
        struct tph_regex_span whole = walk.match.spans[0];
        FUZZ_HOLDS(whole.from <= whole.to && whole.to <= rest.len && whole.from >= last && n <= rest.len);
        last = whole.to;
        tph_regex_expand(regex, rest, &walk.match, pattern, &out);
    }
    return 0;
}
