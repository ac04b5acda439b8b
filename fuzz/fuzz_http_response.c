/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's answer: reads the same in one piece, byte by byte and cut anywhere; never holds more than its ceilings; a
 * connection is only used again when every byte belonged to the answer. */
#include <string.h>

#include "base/hash.h"
#include "fuzz.h"
#include "http/response.h"

/* The next piece of the text: 1 byte, up to 7, or all of it. */
static size_t piece(uint32_t *seed, unsigned way, size_t left)
{
    *seed = *seed * 1664525 + 1013904223;
    size_t n = way == 0 ? left : way == 1 ? 1 : 1 + (*seed >> 16) % 7;
    return n < left ? n : left;
}

static enum tph_response_state read_all(struct tph_response *r, struct tph_str text, unsigned way)
{
    uint32_t seed = tph_fnv1a32(text);
    for (size_t at = 0, n; at < text.len; at += n) {
        n = piece(&seed, way, text.len - at);
        char *exact = malloc(n); /* so that a look past the end is seen */
        FUZZ_HOLDS(exact != NULL);
        memcpy(exact, text.p + at, n);
        (void)tph_response_feed(r, exact, n);
        free(exact);
    }
    return tph_response_end(r);
}

static void check(const struct tph_response *r, enum tph_response_state state, size_t max, size_t size)
{
    FUZZ_HOLDS(tph_response_body(r).len <= max);
    FUZZ_HOLDS(tph_response_body(r).len + tph_response_reason(r).len <= size);
    FUZZ_HOLDS(tph_response_started(r) == (size > 0));
    FUZZ_HOLDS((tph_response_fault(r)[0] != '\0') ==
               (state == TPH_RESPONSE_MALFORMED || state == TPH_RESPONSE_TOO_LARGE));
    FUZZ_HOLDS(state != TPH_RESPONSE_DONE || (tph_response_head_done(r) && tph_response_status(r) / 100 != 1));
    FUZZ_HOLDS(!tph_response_reusable(r) || state == TPH_RESPONSE_DONE);
}

static void compare(struct tph_str text, size_t max)
{
    TPH_CLEANUP(tph_response_freep) struct tph_response *whole = tph_response_new(max);
    enum tph_response_state state = read_all(whole, text, 0);
    check(whole, state, max, text.len);
    TPH_CLEANUP(tph_response_freep) struct tph_response *cut = tph_response_new(1);
    for (unsigned way = 1; way < 3; way++) {
        tph_response_reset(cut, max);
        FUZZ_HOLDS(read_all(cut, text, way) == state);
        FUZZ_HOLDS(tph_response_status(cut) == tph_response_status(whole));
        FUZZ_HOLDS(tph_str_eq(tph_response_reason(cut), tph_response_reason(whole)));
        FUZZ_HOLDS(tph_str_eq(tph_response_body(cut), tph_response_body(whole)));
        FUZZ_HOLDS(tph_response_reusable(cut) == tph_response_reusable(whole));
        check(cut, state, max, text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare(fuzz_text(data, size), 100000);
    compare(fuzz_text(data, size), 10);
    return 0;
}
