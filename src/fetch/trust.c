/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a request trusts, who it says we are, and through whom it goes. */
#include <string.h>
#include <strings.h>

#include "fetch/internal.h"

static int set_pem(struct tph_fetch *fetch, CURLoption option, struct tph_str pem)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)pem.p, .len = pem.len, .flags = CURL_BLOB_COPY};
    if (pem.len == 0 || fetch->fetcher->curl.easy_setopt(fetch->easy, option, &blob) == CURLE_OK) {
        return 0;
    }
    fetch->problem = "tls: this libcurl takes no certificates from memory: install libcurl4, the one with OpenSSL";
    return -1;
}

static int set_certificates(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    if (fetch->trust.ca.len > 0) {
        /* These and no others: a directory of the system's would count beside them. */
        (void)curl->easy_setopt(fetch->easy, CURLOPT_CAPATH, NULL);
    } else if (fetch->fetcher->ca_file) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_CAINFO, fetch->fetcher->ca_file);
    }
    return set_pem(fetch, CURLOPT_CAINFO_BLOB, fetch->trust.ca) < 0 ||
                   set_pem(fetch, CURLOPT_SSLCERT_BLOB, fetch->trust.certificate) < 0 ||
                   set_pem(fetch, CURLOPT_SSLKEY_BLOB, fetch->trust.key) < 0
               ? -1
               : 0;
}

/* Another name than the URL's host is for TLS alone: libcurl gets it as the host, and is told where that is. */
static int set_server_name(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    const char *name = tph_arena_strdup(fetch->arena, fetch->trust.server_name);
    CURLU *url = curl->url();
    char *host = NULL;
    char *port = NULL;
    char *named = NULL;
    bool done = url && curl->url_set(url, CURLUPART_URL, fetch->url, 0) == CURLUE_OK &&
                curl->url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl->url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl->url_set(url, CURLUPART_HOST, name, 0) == CURLUE_OK &&
                curl->url_get(url, CURLUPART_URL, &named, 0) == CURLUE_OK;
    if (done) {
        fetch->connect_to =
            curl->slist_append(NULL, tph_arena_format(fetch->arena, "%s:%s:%s:%s", name, port, host, port));
        fetch->list = curl->slist_append(fetch->list, tph_arena_format(fetch->arena, "Host: %s:%s", host, port));
        (void)curl->easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->list);
        (void)curl->easy_setopt(fetch->easy, CURLOPT_CONNECT_TO, fetch->connect_to);
        (void)curl->easy_setopt(fetch->easy, CURLOPT_URL, named);
    } else {
        fetch->problem = tph_arena_format(fetch->arena, "tls: \"%s\" is no name for a server", name);
    }
    curl->free(host);
    curl->free(port);
    curl->free(named);
    curl->url_cleanup(url);
    return done ? 0 : -1;
}

static void set_proxy(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    if (fetch->trust.proxy.len > 0) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_PROXY, tph_arena_strdup(fetch->arena, fetch->trust.proxy));
    } else if (fetch_is_local(fetch_host_of(fetch, fetch->url))) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_PROXY, "");
    } else if (fetch->fetcher->http_proxy && strncasecmp(fetch->url, "http:", 5) == 0) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_PROXY, fetch->fetcher->http_proxy);
    }
}

int fetch_set_trust(struct tph_fetch *fetch)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    if (fetch->insecure) {
        (void)curl->easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl->easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    set_proxy(fetch);
    if (set_certificates(fetch) < 0) {
        return -1;
    }
    return fetch->trust.server_name.len > 0 ? set_server_name(fetch) : 0;
}
