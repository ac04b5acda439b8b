/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BODY = 1000 };

struct good {
    const char *wire;
    const char *method, *target, *body, *rest; /* rest: of the next request */
    bool keep_alive, waits;
};

static const struct good good[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "", true, false},
    {"GET /a?b=c&d=%20 HTTP/1.1\r\nhost:a:80\r\nConnection: close\r\n\r\n", "GET", "/a?b=c&d=%20", "", "", false,
     false},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", false, false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", "", true, false},
    {"\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "POST", "/x", "{}", "", true, false},
    {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST", "/x", "", "", true, false},
    {"PATCH /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n1\r\na\r\n2;q=1\r\nbc\r\n0\r\nA: b\r\n\r\n",
     "PATCH", "/x", "abc", "", true, false},
    {"PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nok", "PUT", "/x", "ok", "", true,
     true},
    {"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\n", "DELETE", "/x", "", "GET /y HTTP/1.1\r\n", true,
     false},
    {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nabc", "POST", "/x", "a", "bc", true, false},
    /* another protocol is offered: not taken, and what follows is the next request */
    {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET", "GET", "/ws", "", "GET",
     true, false},
    {"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "http://a/x", "", "", true, false},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "", "", true, false},
};

struct bad {
    const char *wire;
    int status;
};

static const struct bad bad[] = {
    /* what two programs would read differently */
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551618\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\n\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\x01: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nab\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
    /* what is no request, or not one for us */
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\n\r\n", 505},
    {"GET /\r\n\r\n", 505},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"hello\r\n\r\n", 400},
    {"\x16\x03\x01\x02", 400},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
    {"GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n", 417},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413},
};

/* All bytes in pieces of exactly their size; returns how many were used. */
static size_t feed(struct tph_request *r, const char *wire, size_t len, size_t piece)
{
    size_t at = 0;
    while (at < len) {
        size_t n = len - at < piece ? len - at : piece;
        char *exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, wire + at, n);
        size_t used = tph_request_feed(r, exact, n);
        free(exact);
        assert_true(used <= n);
        at += used;
        enum tph_request_state state = tph_request_state(r);
        if (state == TPH_REQUEST_DONE || state == TPH_REQUEST_BAD) {
            break;
        }
        assert_true(used > 0);
    }
    return at;
}

static void good_requests_are_read_however_they_are_cut(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct good *row = &good[i];
        size_t len = strlen(row->wire);
        for (size_t piece = 1; piece <= len; piece++) {
            tph_request_reset(r, MAX_BODY);
            size_t used = feed(r, row->wire, len, piece);
            assert_string_equal(tph_request_fault(r), "");
            assert_int_equal(tph_request_state(r), TPH_REQUEST_DONE);
            assert_string_equal(row->wire + used, row->rest);
            assert_string_equal(tph_request_method(r), row->method);
            assert_string_equal(tph_request_target(r), row->target);
            assert_true(tph_str_eqz(tph_request_body(r), row->body));
            assert_int_equal(tph_request_keep_alive(r), row->keep_alive);
            assert_int_equal(tph_request_waits(r), row->waits);
            assert_true(tph_request_started(r));
        }
    }
}

static void bad_requests_are_refused_however_they_are_cut(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t len = strlen(bad[i].wire);
        for (size_t piece = 1; piece <= len; piece++) {
            tph_request_reset(r, MAX_BODY);
            (void)feed(r, bad[i].wire, len, piece);
            if (tph_request_state(r) != TPH_REQUEST_BAD || tph_request_status(r) != bad[i].status) {
                fail_msg("%s: %d instead of %d: %s", bad[i].wire, tph_request_status(r), bad[i].status,
                         tph_request_fault(r));
            }
            assert_true(tph_request_fault(r)[0] != '\0');
        }
    }
}

static void fields_are_given_as_they_came_without_blanks_around(void **state)
{
    (void)state;
    static const char wire[] =
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization:  Bearer x  \r\nEmpty:\r\nX-Y:\tz\xc3\xa9\r\n\r\n";
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    for (size_t piece = 1; piece < sizeof(wire); piece++) {
        size_t n = 0;
        tph_request_reset(r, MAX_BODY);
        (void)feed(r, wire, sizeof(wire) - 1, piece);
        const struct tph_http_header *h = tph_request_headers(r, &n);
        assert_int_equal(n, 4);
        assert_string_equal(h[0].name, "Host");
        assert_string_equal(tph_http_headers_get(h, n, "authorization"), "Bearer x");
        assert_string_equal(tph_http_headers_get(h, n, "EMPTY"), "");
        assert_string_equal(tph_http_headers_get(h, n, "x-y"), "z\xc3\xa9");
        assert_null(tph_http_headers_get(h, n, "Cookie"));
    }
}

static void a_request_with_a_body_stops_behind_its_head(void **state)
{
    (void)state;
    static const char wire[] = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    size_t used = tph_request_feed(r, wire, sizeof(wire) - 1);
    assert_int_equal(used, sizeof(wire) - 3);
    assert_int_equal(tph_request_state(r), TPH_REQUEST_BODY);
    assert_string_equal(tph_request_method(r), "PUT");
    assert_int_equal(tph_request_feed(r, wire + used, 2), 2);
    assert_int_equal(tph_request_state(r), TPH_REQUEST_DONE);
    assert_int_equal(tph_request_feed(r, "x", 1), 0); /* the next one's */
}

static void feed_many(struct tph_request *r, const char *prefix, const char *unit, size_t n)
{
    (void)feed(r, prefix, strlen(prefix), strlen(prefix) + 1);
    for (size_t i = 0; i < n && tph_request_state(r) < TPH_REQUEST_DONE; i++) {
        (void)feed(r, unit, strlen(unit), strlen(unit));
    }
}

static void every_part_of_a_request_has_its_ceiling(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *unit;
        int status;
    } endless[] = {
        {"GET /", "a", 414},
        {"", "\r\n", 431},
        {"GET / HTTP/1.1\r\n", "a", 431},
        {"GET / HTTP/1.1\r\nA: ", "b", 431},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "0", 431},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", "x", 431},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", "x", 431},
    };
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        size_t fit = (TPH_LIMIT_HTTP_HEADER - strlen(endless[i].prefix)) / strlen(endless[i].unit);
        tph_request_reset(r, MAX_BODY);
        feed_many(r, endless[i].prefix, endless[i].unit, fit);
        assert_true(tph_request_state(r) < TPH_REQUEST_DONE);
        feed_many(r, "", endless[i].unit, 40);
        assert_int_equal(tph_request_state(r), TPH_REQUEST_BAD);
        assert_int_equal(tph_request_status(r), endless[i].status);
    }
}

static void header_fields_are_counted(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    feed_many(r, "GET / HTTP/1.1\r\nHost: a\r\n", "A: b\r\n", TPH_LIMIT_HTTP_HEADERS - 1);
    assert_int_equal(tph_request_state(r), TPH_REQUEST_HEAD);
    feed_many(r, "\r\n", "", 0);
    assert_int_equal(tph_request_state(r), TPH_REQUEST_DONE);
    tph_request_reset(r, MAX_BODY);
    feed_many(r, "GET / HTTP/1.1\r\nHost: a\r\n", "A: b\r\n", TPH_LIMIT_HTTP_HEADERS);
    assert_int_equal(tph_request_status(r), 431);
}

static void a_chunked_body_stops_at_its_ceiling(void **state)
{
    (void)state;
    TPH_CLEANUP(tph_request_freep) struct tph_request *r = tph_request_new(MAX_BODY);
    feed_many(r, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", MAX_BODY);
    assert_int_equal(tph_request_state(r), TPH_REQUEST_BODY);
    feed_many(r, "", "1\r\nx\r\n", 1);
    assert_int_equal(tph_request_status(r), 413);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_read_however_they_are_cut),
        cmocka_unit_test(bad_requests_are_refused_however_they_are_cut),
        cmocka_unit_test(fields_are_given_as_they_came_without_blanks_around),
        cmocka_unit_test(a_request_with_a_body_stops_behind_its_head),
        cmocka_unit_test(every_part_of_a_request_has_its_ceiling),
        cmocka_unit_test(header_fields_are_counted),
        cmocka_unit_test(a_chunked_body_stops_at_its_ceiling),
    };
    return cmocka_run_group_tests_name("http/request", tests, NULL, NULL);
}
