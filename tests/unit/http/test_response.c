/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BODY = 1000 };

struct row {
    const char *wire;
    enum tph_response_state fed; /* after all bytes */
    enum tph_response_state end; /* after the connection closed */
    int status;
    const char *reason, *body, *fault;
    bool reusable;
};

/* Every row holds for the bytes in one piece, byte by byte, and cut in two at any place. */
static const struct row rows[] = {
    {"HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6 Python/3.11.2\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\n\r\n{\"a\": 1}",
     TPH_RESPONSE_MORE, TPH_RESPONSE_DONE, 200, "OK", "{\"a\": 1}", "", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{}\n", "",
     true},
    {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200,
     "OK", "{}", "", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE,
     200, "OK", "{}", "", false},
    {"HTTP/1.1 404 Nothing to see here\r\nContent-Length: 0\r\n\r\n", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 404,
     "Nothing to see here", "", "", true},
    {"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 500, "", "", "", true},
    {"HTTP/1.1 204 No Content\r\n\r\n", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 204, "No Content", "", "", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n5;ext=1\r\na\":1}\r\n0\r\nTrailer: x\r\n\r\n",
     TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{\"a\":1}", "", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
     TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{}", "", false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: "
     "2\r\n\r\n{}",
     TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "Fine", "{}", "", true},
    /* two whole answers in a row: the first counts, and the connection is not to be trusted any more */
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
     TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 404, "Not Found", "a", "", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}\n", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{}", "",
     false},
    {"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{}",
     "", true},
    /* a shell script's newlines, as Go takes them */
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", TPH_RESPONSE_DONE, TPH_RESPONSE_DONE, 200, "OK", "{}", "", true},
    /* cut off */
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", TPH_RESPONSE_MORE, TPH_RESPONSE_MORE, 200, "OK", "{}", "",
     false},
    {"HTTP/1.1 200 OK\r\nContent-Le", TPH_RESPONSE_MORE, TPH_RESPONSE_MORE, 0, "OK", "", "", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", TPH_RESPONSE_MORE, TPH_RESPONSE_MORE, 200, "OK",
     "ab", "", false},
    {"HTTP/1.1 100 Continue\r\n\r\n", TPH_RESPONSE_MORE, TPH_RESPONSE_MORE, 100, "", "", "", false},
    /* no HTTP */
    {"hello world\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "", "",
     "malformed HTTP response \"hello world\"", false},
    {"\x15\x03\x01\x02\x02P", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "", "",
     "malformed HTTP response \"\\x15\\x03\\x01\\x02\\x02P\"", false},
    {"{\"node\": \"\\\"}", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "", "",
     "malformed HTTP response \"{\\\"node\\\": \\\"\\\\\\\"}\"", false},
    {"HTTP/1.1 2x0 OK\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "", "",
     "malformed HTTP response \"HTTP/1.1 2x0 OK\"", false},
    {"HTTP/3.7 200 OK\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "", "",
     "malformed HTTP response \"HTTP/3.7 200 OK\"", false},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL, false},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL,
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL,
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", TPH_RESPONSE_MALFORMED,
     TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", TPH_RESPONSE_MALFORMED,
     TPH_RESPONSE_MALFORMED, 0, "OK", "", NULL, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", TPH_RESPONSE_MALFORMED, TPH_RESPONSE_MALFORMED,
     200, "OK", "", NULL, false},
    /* too much, and said so before the first byte of it */
    {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", TPH_RESPONSE_TOO_LARGE, TPH_RESPONSE_TOO_LARGE, 200, "OK", "",
     "the reply's body in bytes is more than 1000", false},
};

/* whole: the bytes came in one piece, so that the fault shows all of the first line. */
static void check(const struct row *row, const struct tph_response *r, enum tph_response_state state, bool whole)
{
    assert_int_equal(state, row->end);
    assert_int_equal(tph_response_status(r), row->status);
    if (state != TPH_RESPONSE_MALFORMED) {
        assert_true(tph_str_eqz(tph_response_reason(r), row->reason));
    }
    assert_true(tph_str_eqz(tph_response_body(r), row->body));
    assert_int_equal(tph_response_reusable(r), row->reusable);
    if (row->fault && row->fault[0] && !whole) {
        assert_memory_equal(tph_response_fault(r), row->fault, 20);
    } else if (row->fault) {
        assert_string_equal(tph_response_fault(r), row->fault);
    } else {
        assert_memory_equal(tph_response_fault(r), "malformed HTTP response: ", 25);
    }
    assert_true(tph_response_started(r));
}

/* Feeds bytes [from, to) from memory of exactly that size, so that the sanitizer sees a look past the end. */
static enum tph_response_state feed(struct tph_response *r, const char *wire, size_t from, size_t to)
{
    char *exact = malloc(to - from + (to == from));
    assert_non_null(exact);
    memcpy(exact, wire + from, to - from);
    enum tph_response_state state = tph_response_feed(r, exact, to - from);
    free(exact);
    return state;
}

static void every_row_reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(MAX_BODY);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        size_t len = strlen(row->wire);
        for (size_t cut = 0; cut <= len; cut++) {
            tph_response_reset(r, MAX_BODY);
            (void)feed(r, row->wire, 0, cut);
            assert_int_equal(feed(r, row->wire, cut, len), row->fed);
            check(row, r, tph_response_end(r), cut == 0 || cut == len);
        }
        tph_response_reset(r, MAX_BODY);
        for (size_t at = 0; at < len; at++) {
            (void)feed(r, row->wire, at, at + 1);
        }
        check(row, r, tph_response_end(r), false);
    }
}

static void a_body_without_length_stops_at_its_ceiling_and_keeps_what_fits(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(5);
    assert_int_equal(feed(r, "HTTP/1.0 200 OK\r\n\r\n12345", 0, 24), TPH_RESPONSE_MORE);
    assert_int_equal(feed(r, "67", 0, 2), TPH_RESPONSE_TOO_LARGE);
    assert_true(tph_str_eqz(tph_response_body(r), "12345"));
    assert_string_equal(tph_response_fault(r), "the reply's body in bytes is more than 5");
    assert_int_equal(feed(r, "8", 0, 1), TPH_RESPONSE_TOO_LARGE);
    tph_response_reset(r, 5);
    const char *chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n1234567";
    assert_int_equal(feed(r, chunked, 0, strlen(chunked)), TPH_RESPONSE_TOO_LARGE);
    assert_true(tph_str_eqz(tph_response_body(r), "12345"));
}

/* A message: prefix, then `unit` so often that it just fits, or once more, then suffix. */
static enum tph_response_state feed_many(struct tph_response *r, const char *prefix, const char *unit, size_t n)
{
    enum tph_response_state state = tph_response_feed(r, prefix, strlen(prefix));
    for (size_t i = 0; i < n && state == TPH_RESPONSE_MORE; i++) {
        state = tph_response_feed(r, unit, strlen(unit));
    }
    return state;
}

static void header_fields_are_counted(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(MAX_BODY);
    assert_int_equal(feed_many(r, "HTTP/1.1 204 No Content\r\n", "A: b\r\n", TPH_LIMIT_HTTP_HEADERS),
                     TPH_RESPONSE_MORE);
    assert_int_equal(tph_response_feed(r, "\r\n", 2), TPH_RESPONSE_DONE);
    tph_response_reset(r, MAX_BODY);
    assert_int_equal(feed_many(r, "HTTP/1.1 200 OK\r\n", "A: b\r\n", TPH_LIMIT_HTTP_HEADERS + 1), TPH_RESPONSE_MORE);
    assert_int_equal(tph_response_feed(r, "\r\n", 2), TPH_RESPONSE_TOO_LARGE); /* a value ends with the next line */
    assert_string_equal(tph_response_fault(r), "the reply's header fields are more than 128");
}

static void a_head_ends_at_its_ceiling_wherever_the_bytes_are(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *unit;
    } endless[] = {
        {"HTTP/1.1 200 ", "O"},                                                 /* the reason */
        {"HTTP/1.1 200 OK\r\nA: ", "b"},                                        /* a value */
        {"HTTP/1.1 200 OK\r\n", "a"},                                           /* a name */
        {"", "\r\n"},                                                           /* empty lines in front */
        {"", "HTTP/1.1 100 Continue\r\n\r\n"},                                  /* interim answers */
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"},         /* the size of a chunk */
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", "x"},     /* its extension */
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: ", "x"}, /* a trailer */
    };
    TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(MAX_BODY);
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        size_t fit = (TPH_LIMIT_HTTP_HEADER - strlen(endless[i].prefix)) / strlen(endless[i].unit);
        tph_response_reset(r, MAX_BODY);
        assert_int_equal(feed_many(r, endless[i].prefix, endless[i].unit, fit), TPH_RESPONSE_MORE);
        assert_int_equal(feed_many(r, "", endless[i].unit, 40), TPH_RESPONSE_TOO_LARGE);
        assert_string_equal(tph_response_fault(r), "the reply's head in bytes is more than 65536");
    }
}

static void many_small_chunks_are_no_large_head(void **state)
{
    (void)state;
    size_t n = 200000; /* 6 bytes each: far more around the body than a head may have */
    TPH_CLEANUP(tph_response_freep) struct tph_response *r = tph_response_new(n);
    assert_int_equal(feed_many(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", n),
                     TPH_RESPONSE_MORE);
    assert_int_equal(tph_response_feed(r, "0\r\n\r\n", 5), TPH_RESPONSE_DONE);
    assert_int_equal(tph_response_body(r).len, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_reads_the_same_however_it_is_cut),
        cmocka_unit_test(a_body_without_length_stops_at_its_ceiling_and_keeps_what_fits),
        cmocka_unit_test(header_fields_are_counted),
        cmocka_unit_test(a_head_ends_at_its_ceiling_wherever_the_bytes_are),
        cmocka_unit_test(many_small_chunks_are_no_large_head),
    };
    return cmocka_run_group_tests_name("http/response", tests, NULL, NULL);
}
