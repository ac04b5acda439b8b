/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a redirect, by the rules of Go's client. libcurl's own differ: it keeps a method that it was given,
 * and sends a Cookie header along. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "fetch/internal.h"

const char *fetch_host_of(struct tph_fetch *fetch, const char *text)
{
    const struct fetch_library *curl = &fetch->fetcher->curl;
    CURLU *url = curl->url();
    char *host = NULL;
    char *kept = tph_arena_strdup(fetch->arena, TPH_STR(""));
    if (url && curl->url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
        curl->url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        kept = tph_arena_strdup(fetch->arena, tph_str(host));
    }
    for (char *p = kept; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    curl->free(host);
    curl->url_cleanup(url);
    return kept;
}

/* The same, or below it: api.example.org is below example.org. */
static bool is_within(const char *host, const char *first)
{
    size_t n = strlen(host);
    size_t m = strlen(first);
    bool below = n > m && host[n - m - 1] == '.' && strcmp(host + n - m, first) == 0;
    return strcmp(host, first) == 0 || (below && !isdigit((unsigned char)first[m - 1]));
}

static bool is_named(struct tph_str name, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        if (name.len == strlen(names[i]) && strncasecmp(name.p, names[i], name.len) == 0) {
            return true;
        }
    }
    return false;
}

static void drop_headers(struct tph_fetch *fetch, const char *const *names)
{
    size_t n = 0;
    for (size_t i = 0; i < fetch->n_headers; i++) {
        if (!is_named(fetch->headers[i].name, names)) {
            fetch->headers[n++] = fetch->headers[i];
        }
    }
    fetch->n_headers = n;
}

static const char *location(const struct tph_fetch *fetch)
{
    for (size_t i = 0; i < fetch->n_got; i++) {
        if (tph_str_eqz(fetch->got[i].name, "Location") && fetch->got[i].value.len > 0) {
            return fetch->got[i].value.p;
        }
    }
    return NULL;
}

int fetch_redirect(struct tph_fetch *fetch)
{
    static const char *const SECRET[] = {"Authorization", "Www-Authenticate", "Cookie", "Cookie2", NULL};
    static const char *const BODY[] = {"Content-Encoding", "Content-Language", "Content-Location", "Content-Type",
                                       NULL};
    static const char *const HOST[] = {"Host", NULL};
    const char *to = location(fetch);
    char *target = NULL;
    bool same = fetch->status == 307 || fetch->status == 308;
    if (!to || (!same && fetch->status != 301 && fetch->status != 302 && fetch->status != 303)) {
        return 0;
    }
    (void)fetch->fetcher->curl.easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &target);
    if (!target) {
        fetch->problem = tph_arena_format(fetch->arena, "failed to parse Location header \"%s\"", to);
        return -1;
    }
    if (++fetch->redirects > TPH_LIMIT_FETCH_REDIRECTS) {
        fetch->problem = tph_arena_format(fetch->arena, "stopped after %d redirects", TPH_LIMIT_FETCH_REDIRECTS);
        return -1;
    }
    fetch->url = tph_arena_strdup(fetch->arena, tph_str(target));
    if (!same) {
        fetch->method = strcmp(fetch->method, "HEAD") == 0 ? "HEAD" : "GET";
        fetch->body = TPH_STR_NONE;
        drop_headers(fetch, BODY);
    }
    if (strstr(to, "://") || strncmp(to, "//", 2) == 0) {
        drop_headers(fetch, HOST); /* was meant for the first one */
    }
    if (!is_within(fetch_host_of(fetch, fetch->url), fetch->first_host)) {
        drop_headers(fetch, SECRET);
    }
    return 1;
}
