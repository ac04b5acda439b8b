/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange: what libcurl is told of it, and what comes in. */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "fetch/internal.h"

static struct tph_fetch_header *room_for_header(struct tph_fetch *fetch)
{
    if (fetch->n_got == fetch->got_capacity) {
        size_t capacity = fetch->got_capacity > 0 ? fetch->got_capacity * 2 : 16;
        struct tph_fetch_header *larger = TPH_ARENA_ARRAY(fetch->arena, struct tph_fetch_header, capacity);
        if (fetch->n_got > 0) {
            memcpy(larger, fetch->got, fetch->n_got * sizeof *larger);
        }
        fetch->got = larger;
        fetch->got_capacity = capacity;
    }
    return &fetch->got[fetch->n_got++];
}

/* A line of a head; of an interim answer (100, 103) too, after which another status line comes. */
static size_t take_header(char *bytes, size_t size, size_t n, void *owner)
{
    struct tph_fetch *fetch = owner;
    struct tph_str line = {.p = bytes, .len = size * n};
    ptrdiff_t colon = tph_str_find_byte(line, ':');
    fetch->head_size += line.len;
    if (tph_str_has_prefix(line, TPH_STR("HTTP/"))) {
        fetch->n_got = 0;
        fetch->head_size = line.len;
    } else if (colon > 0) {
        const char *name = fetch_canonical_name(fetch->arena, tph_str_slice(line, 0, (size_t)colon));
        struct tph_str value = tph_str_trim(tph_str_slice(line, (size_t)colon + 1, line.len));
        *room_for_header(fetch) =
            (struct tph_fetch_header){.name = tph_str(name), .value = tph_arena_str(fetch->arena, value)};
    }
    if (fetch->head_size > TPH_LIMIT_HTTP_HEADER || fetch->n_got > TPH_LIMIT_HTTP_HEADERS) {
        fetch->problem = tph_arena_format(fetch->arena, "the head of the answer is larger than %zu bytes or %d fields",
                                          TPH_LIMIT_HTTP_HEADER, TPH_LIMIT_HTTP_HEADERS);
        return 0;
    }
    if (fetch->part && tph_str_trim(line).len == 0) { /* the end of the head */
        fetch_came(fetch);
    }
    return line.len;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *owner)
{
    struct tph_fetch *fetch = owner;
    if (tph_buf_append(&fetch->content, bytes, size * n) < 0) {
        fetch->problem =
            tph_arena_format(fetch->arena, "the body of the answer is larger than %zu bytes", fetch->content.max);
        return 0;
    }
    if (fetch->part) {
        fetch_came(fetch);
    }
    return size * n;
}

static bool has_header(const struct tph_fetch *fetch, const char *name)
{
    for (size_t i = 0; i < fetch->n_headers; i++) {
        struct tph_str own = fetch->headers[i].name;
        if (own.len == strlen(name) && strncasecmp(own.p, name, own.len) == 0) {
            return true;
        }
    }
    return false;
}

/* libcurl takes "Name;" for a field with an empty value, and "Name:" for one that it is not to send by itself. */
static void list_headers(struct tph_fetch *fetch)
{
    static const char *const OURS[] = {"Accept", "Content-Type", "Expect"};
    const struct fetch_library *curl = &fetch->fetcher->curl;
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < fetch->n_headers; i++) {
        struct tph_fetch_header h = fetch->headers[i];
        const char *name = fetch_canonical_name(fetch->arena, h.name);
        if (strcmp(name, "Content-Length") != 0 && strcmp(name, "Transfer-Encoding") != 0) {
            list = curl->slist_append(
                list, tph_arena_format(fetch->arena, h.value.len > 0 ? "%s: %.*s" : "%s;%.*s", name, TPH_FMT(h.value)));
        }
    }
    for (size_t i = 0; i < sizeof OURS / sizeof OURS[0]; i++) {
        if (!has_header(fetch, OURS[i])) {
            list = curl->slist_append(list, tph_arena_format(fetch->arena, "%s:", OURS[i]));
        }
    }
    fetch->list = list;
}

static void set_method(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    bool sends = strcmp(fetch->method, "POST") == 0 || strcmp(fetch->method, "PUT") == 0 ||
                 strcmp(fetch->method, "PATCH") == 0; /* these tell that their body is empty */
    if (fetch->body.len > 0 || sends) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.len);
        (void)curl->easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, fetch->body.len > 0 ? fetch->body.p : "");
    } else if (strcmp(fetch->method, "HEAD") == 0) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_NOBODY, 1L);
    }
    (void)curl->easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, fetch->method);
}

static void set_ways(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)curl->easy_setopt(fetch->easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl->easy_setopt(fetch->easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    (void)curl->easy_setopt(fetch->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_USERAGENT, "tiphys/" TPH_VERSION);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)TPH_LIMIT_FETCH_CONNECT_MS);
    if (fetch->part) { /* nothing may come for long; a peer that is gone is found out all the same */
        (void)curl->easy_setopt(fetch->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        (void)curl->easy_setopt(fetch->easy, CURLOPT_TCP_KEEPIDLE, (long)(TPH_LIMIT_FETCH_ALIVE_MS / 1000));
        (void)curl->easy_setopt(fetch->easy, CURLOPT_TCP_KEEPINTVL, (long)(TPH_LIMIT_FETCH_ALIVE_MS / 1000));
    }
    fetch->unpacked = !fetch->part && !has_header(fetch, "Accept-Encoding") && !has_header(fetch, "Range");
    if (fetch->unpacked) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    }
}

int fetch_transfer_begin(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    bool ends = fetch->timeout_ms != TPH_FETCH_FOREVER;
    int64_t left_ms = ends ? fetch->deadline_ms - tph_loop_now_ms(fetch->fetcher->loop) : 0;
    if (ends && left_ms <= 0) {
        fetch->problem = fetch_words(fetch, CURLE_OPERATION_TIMEDOUT);
        fetch->failure = TPH_FETCH_FAILURE_TIME;
        return -1;
    }
    fetch->easy = curl->easy_init();
    if (!fetch->easy) {
        fetch->problem = "libcurl does not begin: curl_easy_init failed";
        return -1;
    }
    fetch->n_got = fetch->head_size = 0;
    fetch->fresh = false;
    fetch->curl_error[0] = '\0';
    tph_buf_clear(&fetch->content);
    list_headers(fetch);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, fetch->curl_error);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_URL, fetch->url);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->list);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl->easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    set_ways(fetch);
    set_method(fetch);
    if (fetch_set_trust(fetch) < 0) {
        return -1;
    }
    CURLMcode code = curl->multi_add_handle(fetch->fetcher->multi, fetch->easy);
    if (code != CURLM_OK) {
        fetch->problem = tph_arena_format(fetch->arena, "libcurl does not take the request (%d)", (int)code);
        return -1;
    }
    return 0;
}

void fetch_transfer_end(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    if (fetch->easy) {
        (void)curl->multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl->easy_cleanup(fetch->easy);
        curl->slist_free_all(fetch->list);
        curl->slist_free_all(fetch->connect_to);
    }
    fetch->easy = NULL;
    fetch->list = fetch->connect_to = NULL;
}
