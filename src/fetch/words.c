/* SPDX-License-Identifier: Apache-2.0 */
/* Go's words for what goes wrong, so that messages are those that users of Argo know; libcurl's where Go has none. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fetch/internal.h"
#include "http/field.h"

static bool value_fit(struct tph_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

int fetch_check(struct tph_fetch *fetch)
{
    if (!tph_http_token(tph_str(fetch->method))) {
        fetch->problem = tph_arena_format(fetch->arena, "net/http: invalid method \"%s\"", fetch->method);
        return -1;
    }
    for (size_t i = 0; i < fetch->n_headers; i++) {
        struct tph_fetch_header h = fetch->headers[i];
        if (!tph_http_token(h.name)) {
            fetch->problem =
                tph_arena_format(fetch->arena, "net/http: invalid header field name \"%.*s\"", TPH_FMT(h.name));
            return -1;
        }
        if (!value_fit(h.value)) {
            /* The value may be a secret: it is not shown. */
            bool broken = h.value.p[h.value.len - 1] == '\n';
            fetch->problem = tph_arena_format(fetch->arena, "net/http: invalid header field value for \"%.*s\"%s",
                                              TPH_FMT(h.name), broken ? ": it ends with a line break" : "");
            return -1;
        }
    }
    return 0;
}

/* Content-Type, X-Request-Id; a name that is none stays as it is. */
const char *fetch_canonical_name(struct tph_arena *arena, struct tph_str name)
{
    char *text = tph_arena_strdup(arena, name);
    bool upper = true;
    if (!tph_http_token(name)) {
        return text;
    }
    for (char *p = text; *p; p++) {
        *p = (char)(upper ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
        upper = *p == '-';
    }
    return text;
}

bool fetch_is_local(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0 ||
           strcmp(host, "::1") == 0;
}

/* Where it was going: "HOST:PORT". */
static const char *address(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    CURLU *url = curl->url();
    char *host = NULL;
    char *port = NULL;
    const char *text = "";
    if (url && curl->url_set(url, CURLUPART_URL, fetch->url, 0) == CURLUE_OK &&
        curl->url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl->url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        text = tph_arena_format(fetch->arena, "%s:%s", host, port);
    }
    curl->free(host);
    curl->free(port);
    curl->url_cleanup(url);
    return text;
}

static const char *scheme_words(struct tph_fetch *fetch)
{
    const char *colon = strstr(fetch->url, "://");
    int len = colon ? (int)(colon - fetch->url) : 0;
    return tph_arena_format(fetch->arena, "unsupported protocol scheme \"%.*s\"", len, fetch->url);
}

static const char *connect_words(struct tph_fetch *fetch)
{
    long number = 0;
    (void)fetch->fetcher->curl.easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &number);
    char text[128] = "failed";
    if (number > 0) {
        (void)snprintf(text, sizeof text, "%s", strerrordesc_np((int)number));
        text[0] = (char)tolower((unsigned char)text[0]); /* "connection refused" */
    }
    return tph_arena_format(fetch->arena, "dial tcp %s: connect: %s", address(fetch), text);
}

static const char *plain_words(struct tph_fetch *fetch, CURLcode code)
{
    const char *said = fetch->curl_error[0] ? fetch->curl_error : fetch->fetcher->curl.easy_strerror(code);
    return tph_arena_format(fetch->arena, "%s", said);
}

const char *fetch_words(struct tph_fetch *fetch, CURLcode code)
{
    const char *host = NULL;
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
        return scheme_words(fetch);
    case CURLE_URL_MALFORMAT:
        return strstr(fetch->url, "://")
                   ? tph_arena_format(fetch->arena, "this is no URL: %s", plain_words(fetch, code))
                   : scheme_words(fetch);
    case CURLE_COULDNT_RESOLVE_HOST:
        host = fetch_host_of(fetch, fetch->url);
        return tph_arena_format(fetch->arena, "dial tcp: lookup %s: no such host", host);
    case CURLE_COULDNT_CONNECT:
        return connect_words(fetch);
    case CURLE_OPERATION_TIMEDOUT:
        return tph_arena_format(fetch->arena, "context deadline exceeded: there was no whole answer within %lld s",
                                (long long)(fetch->timeout_ms / 1000));
    case CURLE_GOT_NOTHING:
        return "EOF";
    case CURLE_PARTIAL_FILE:
        return "unexpected EOF";
    case CURLE_RECV_ERROR:
        return tph_arena_format(fetch->arena, "read tcp: %s", plain_words(fetch, code));
    case CURLE_PEER_FAILED_VERIFICATION:
        return tph_arena_format(fetch->arena, "tls: failed to verify certificate: %s", plain_words(fetch, code));
    case CURLE_SSL_CONNECT_ERROR:
        return tph_arena_format(fetch->arena, "tls: %s", plain_words(fetch, code));
    default:
        return plain_words(fetch, code);
    }
}

enum tph_fetch_failure fetch_failure(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return TPH_FETCH_FAILURE_REFUSED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return TPH_FETCH_FAILURE_NAME;
    case CURLE_OPERATION_TIMEDOUT:
        return TPH_FETCH_FAILURE_TIME;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return TPH_FETCH_FAILURE_TRUST;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP2:
        return TPH_FETCH_FAILURE_BROKEN;
    default:
        return TPH_FETCH_FAILURE_OTHER;
    }
}

const char *fetch_error_text(struct tph_fetch *fetch)
{
    if (!tph_http_token(tph_str(fetch->method))) {
        return fetch->problem;
    }
    char *verb = tph_arena_strdup(fetch->arena, tph_str(fetch->method)); /* Get, Post, as Go */
    for (char *p = verb + 1; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    return tph_arena_format(fetch->arena, "%s \"%s\": %s", verb, fetch->url, fetch->problem);
}
