/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, one after the other as on a connection: read the same however they are cut; what is taken has none of the
 * forms by which requests are smuggled, seen by looking at the bytes and not at the parser. */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/hash.h"
#include "fuzz.h"
#include "http/request.h"

enum { MAX_BODY = 1000 };

static size_t piece(uint32_t *seed, unsigned way, size_t left)
{
    *seed = *seed * 1664525 + 1013904223;
    size_t n = way == 0 ? left : way == 1 ? 1 : 1 + (*seed >> 16) % 7;
    return n < left ? n : left;
}

/* The head as it came: lines end in CRLF, none begins with a blank, no name ends with one. */
static void check_head(struct tph_str head)
{
    while (head.len > 0 && (head.p[0] == '\r' || head.p[0] == '\n')) {
        head = tph_str_slice(head, 1, head.len); /* empty lines in front are passed over */
    }
    for (size_t i = 0; i < head.len; i++) {
        FUZZ_HOLDS(head.p[i] != '\0');
        if (head.p[i] == '\n') {
            FUZZ_HOLDS(i > 0 && head.p[i - 1] == '\r');
            FUZZ_HOLDS(i + 1 == head.len || (head.p[i + 1] != ' ' && head.p[i + 1] != '\t'));
        }
    }
}

static void check_fields(const struct tph_request *r)
{
    size_t n = 0, n_lengths = 0, n_codings = 0, n_hosts = 0;
    const struct tph_http_header *h = tph_request_headers(r, &n);
    FUZZ_HOLDS(n <= TPH_LIMIT_HTTP_HEADERS);
    FUZZ_HOLDS(tph_http_headers_unfit(h, n) == n);
    for (size_t i = 0; i < n; i++) {
        n_lengths += strcasecmp(h[i].name, "Content-Length") == 0;
        n_codings += strcasecmp(h[i].name, "Transfer-Encoding") == 0;
        n_hosts += strcasecmp(h[i].name, "Host") == 0;
    }
    FUZZ_HOLDS(n_lengths + n_codings <= 1);
    FUZZ_HOLDS(n_hosts == 1 || (n_hosts == 0 && tph_request_old(r)));
    FUZZ_HOLDS(tph_http_token(tph_str(tph_request_method(r))));
    FUZZ_HOLDS(tph_http_target(tph_str(tph_request_target(r))));
}

/* What came of a request, as one text. */
static void describe(const struct tph_request *r, struct tph_buf *out)
{
    size_t n = 0;
    const struct tph_http_header *h = tph_request_headers(r, &n);
    (void)tph_buf_printf(out, "%s %s keep %d old %d waits %d\n", tph_request_method(r), tph_request_target(r),
                         tph_request_keep_alive(r), tph_request_old(r), tph_request_waits(r));
    tph_http_headers_write(h, n, out);
    (void)tph_buf_put(out, tph_request_body(r));
    (void)tph_buf_putc(out, '\n');
}

/* Reads all requests of the text. */
static void read_all(struct tph_str text, unsigned way, struct tph_buf *out)
{
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    uint32_t seed = tph_fnv1a32(text);
    size_t begin = 0, at = 0;
    while (at < text.len && tph_request_state(r) != TPH_REQUEST_BAD) {
        enum tph_request_state before = tph_request_state(r);
        size_t n = piece(&seed, way, text.len - at);
        char *exact = malloc(n);
        FUZZ_HOLDS(exact != NULL);
        memcpy(exact, text.p + at, n);
        size_t used = tph_request_feed(r, exact, n);
        free(exact);
        FUZZ_HOLDS(used > 0 && used <= n);
        at += used;
        enum tph_request_state state = tph_request_state(r);
        if (before == TPH_REQUEST_HEAD && (state == TPH_REQUEST_BODY || state == TPH_REQUEST_DONE)) {
            check_head(tph_str_slice(text, begin, at));
            check_fields(r);
        }
        FUZZ_HOLDS(tph_request_body(r).len <= MAX_BODY);
        if (state == TPH_REQUEST_DONE) {
            describe(r, out);
            tph_request_reset(r, MAX_BODY);
            begin = at;
        }
    }
    FUZZ_HOLDS((tph_request_state(r) == TPH_REQUEST_BAD) == (tph_request_status(r) >= 400));
    /* Not the status: where a head has two faults, the cut decides which is met first. */
    (void)tph_buf_printf(out, "%d", (int)tph_request_state(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_MIB(64));
    TPH_CLEANUP(tph_buf_release) struct tph_buf cut = TPH_BUF_INIT(TPH_MIB(64));
    read_all(text, 0, &whole);
    for (unsigned way = 1; way < 3; way++) {
        tph_buf_clear(&cut);
        read_all(text, way, &cut);
        FUZZ_HOLDS(tph_str_eq(tph_buf_str(&whole), tph_buf_str(&cut)));
    }
    return 0;
}
