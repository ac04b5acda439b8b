/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to servers of the world: HTTP and HTTPS through libcurl, on our loop. An answer comes whole, or in parts as
 * it comes in (watches and logs that are followed).
 *
 * Plugins beside us are called by http/client.h, which costs less; here are TLS, proxies, redirects, HTTP/2 and names.
 * libcurl is loaded when the first request is made: it and the 30 libraries that it needs take 4 ms to load, three
 * times what the whole program needs to start.
 *
 * Semantics are those of Go's net/http client, which Argo's http templates have: redirects (301, 302 and 303 become
 * GET, 307 and 308 stay as they are, ten at most; Authorization and Cookie do not go to another host), gzip, the proxy
 * of the environment but not for this machine, names of header fields in their canonical form, error texts. Not Go's: a
 * User-Agent of our own.
 *
 * At most TPH_LIMIT_FETCHES are under way, the others wait their turn in the order in which they came; a time-out
 * counts from the turn. A body is at most max_body bytes, the head of an answer TPH_LIMIT_HTTP_HEADER. Loop thread
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

struct tph_fetcher; /* one a loop: connections that are kept, requests that wait */
struct tph_fetch;   /* one request, from start to done or cancel */

/* What Go takes from the environment and libcurl does not; NULL or empty: nothing. Copied. */
struct tph_fetch_environment {
    const char *ca_file;    /* SSL_CERT_FILE: authorities that are trusted in place of the system's */
    const char *http_proxy; /* HTTP_PROXY, where there is no http_proxy */
};
struct tph_fetcher *tph_fetcher_new(struct tph_loop *loop, const struct tph_fetch_environment *env) TPH_MUST_CHECK;
/* Drops what is under way: nobody hears of it. */
void tph_fetcher_free(struct tph_fetcher *fetcher);
TPH_DEFINE_CLEANUP(struct tph_fetcher, tph_fetcher_free);

struct tph_fetch_header {
    struct tph_str name, value;
};

/* Whom to trust, and who we are, where that is not the system's matter: PEM texts. */
struct tph_fetch_trust {
    struct tph_str ca;               /* authorities; empty: those of the environment */
    struct tph_str certificate, key; /* ours, for servers that ask; empty: none */
    struct tph_str server_name;      /* that the server's certificate has to have; empty: the URL's host */
    struct tph_str proxy;            /* its URL; empty: the environment's */
};

/* A part of the body of an answer 2xx, as it comes in; the first one, right after the head, is empty. Valid during the
 * call, which may start and cancel requests, its own too. */
typedef void tph_fetch_part_fn(void *owner, struct tph_str bytes);

/* A time-out that is none: only connecting has a limit. */
#define TPH_FETCH_FOREVER INT64_MAX

struct tph_fetch_request {
    struct tph_str method; /* empty: GET */
    struct tph_str url;
    const struct tph_fetch_header *headers; /* Host, in any case, is whom the request is for; repeated names are sent */
    size_t n_headers;                       /* repeatedly; Content-Length and Transfer-Encoding are not sent */
    struct tph_str body;
    int64_t timeout_ms;                  /* from its turn to the last byte, redirects included; or TPH_FETCH_FOREVER */
    size_t max_body;                     /* of the answer; given in parts: of what came in one turn */
    bool insecure;                       /* whoever the server's certificate names, and whoever signed it */
    const struct tph_fetch_trust *trust; /* NULL: all empty; copied */
    tph_fetch_part_fn *part; /* NULL: the body comes whole, with done; else that of a 2xx does not come with done, and
                                is not asked for packed */
};

enum tph_fetch_outcome {
    TPH_FETCH_ANSWERED, /* status, headers, body */
    TPH_FETCH_FAILED,   /* error: `Get "URL": what`, in Go's words where it has some */
    TPH_FETCH_OUTCOME_COUNT,
};

/* What kind of failure, for who can say what to do about it. */
enum tph_fetch_failure {
    TPH_FETCH_FAILURE_OTHER,
    TPH_FETCH_FAILURE_REFUSED, /* nobody listens there, or the network does not lead there */
    TPH_FETCH_FAILURE_NAME,    /* no such host */
    TPH_FETCH_FAILURE_TRUST,   /* the server is not who it should be, or we do not know its authority */
    TPH_FETCH_FAILURE_TIME,
    TPH_FETCH_FAILURE_BROKEN, /* the connection ended before the answer did */
    TPH_FETCH_FAILURE_COUNT,
};

/* Borrowed for the call. */
struct tph_fetch_answer {
    enum tph_fetch_outcome outcome;
    int status;
    const struct tph_fetch_header *headers; /* names in canonical form; of the last answer, in its order */
    size_t n_headers;
    struct tph_str body; /* unpacked */
    const char *error;
    enum tph_fetch_failure failure;
};

typedef void tph_fetch_done_fn(void *owner, const struct tph_fetch_answer *answer);

/* Everything is copied. done is called once, in a later turn, whatever happens; the request is freed after it. done may
 * start and cancel others. */
struct tph_fetch *tph_fetch_start(struct tph_fetcher *fetcher, const struct tph_fetch_request *request,
                                  tph_fetch_done_fn *done, void *owner) TPH_MUST_CHECK;

/* Drops a request: neither part nor done is called any more. Not in its own done. */
void tph_fetch_cancel(struct tph_fetch *fetch);
