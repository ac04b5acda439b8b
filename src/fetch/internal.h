/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/fetch only.
 *
 *   fetch.c     requests: turns, ends, cancel
 *   multi.c     libcurl's sockets and time on our loop
 *   transfer.c  one exchange: what libcurl is told, what comes in
 *   trust.c     whom to trust, who we are, through whom we go
 *   redirect.c  what follows from a 3xx answer
 *   words.c     errors in Go's words, names of header fields, checks
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "fetch/fetch.h"
#include "fetch/library.h"

enum fetch_place {
    FETCH_WAITING, /* in the fetcher's queue */
    FETCH_RUNNING, /* libcurl has it */
    FETCH_ENDED,   /* its end is told in the next turn */
    FETCH_PLACES,
};

struct fetch_list {
    struct tph_fetch *first, *last;
    size_t n;
};

struct tph_fetch {
    struct tph_fetch *next, *previous; /* in the list of its place */
    struct tph_fetcher *fetcher;
    enum fetch_place place;
    tph_fetch_done_fn *done;
    void *owner;
    struct tph_arena *arena; /* of all texts */
    const char *method, *url, *first_host;
    struct tph_fetch_header *headers;
    size_t n_headers;
    struct tph_str body;
    int64_t timeout_ms, deadline_ms; /* loop time, from its turn on */
    bool insecure;
    struct tph_fetch_trust trust; /* in the arena */
    tph_fetch_part_fn *part;
    bool fresh; /* something came for part */
    enum tph_fetch_failure failure;
    bool unpacked; /* libcurl asked for gzip by itself */
    int redirects; /* followed so far */
    CURL *easy;
    struct curl_slist *list, *connect_to;
    char curl_error[CURL_ERROR_SIZE];
    /* the answer */
    int status;
    struct tph_fetch_header *got; /* in the arena */
    size_t n_got, got_capacity, head_size;
    struct tph_buf content;
    const char *problem; /* set: it failed; what stands behind `Get "URL": ` */
};

struct fetch_socket;

struct tph_fetcher {
    struct tph_loop *loop;
    char *ca_file, *http_proxy; /* owned; NULL: none */
    bool loaded;
    struct fetch_library curl;
    CURLM *multi;
    struct tph_timer *timer;
    struct fetch_socket *sockets;
    struct fetch_list lists[FETCH_PLACES];
    bool fresh; /* of one of them */
};

/* multi.c: errors are the library's not being there */
int fetch_multi_open(struct tph_fetcher *fetcher, struct tph_error *err) TPH_MUST_CHECK;
void fetch_multi_close(struct tph_fetcher *fetcher);

/* fetch.c: libcurl is through with one exchange of it; nothing of libcurl is on the stack */
void fetch_exchange_over(struct tph_fetch *fetch, CURLcode code);

/* fetch.c: something came for fetch->part, which hears of it in the next turn */
void fetch_came(struct tph_fetch *fetch);

/* trust.c: authorities, certificates, proxies; -1: problem is set */
int fetch_set_trust(struct tph_fetch *fetch) TPH_MUST_CHECK;

/* transfer.c: begins an exchange with fetch->method, url, headers and body; -1: problem is set */
int fetch_transfer_begin(struct tph_fetch *fetch) TPH_MUST_CHECK;
void fetch_transfer_end(struct tph_fetch *fetch); /* libcurl forgets it */

/* redirect.c: 1: method, url, headers and body are those of the next exchange; 0: that was the answer; -1: problem */
int fetch_redirect(struct tph_fetch *fetch) TPH_MUST_CHECK;
/* The host of a URL, in lower case, in the arena; "" where it has none. */
const char *fetch_host_of(struct tph_fetch *fetch, const char *url);

/* words.c */
int fetch_check(struct tph_fetch *fetch) TPH_MUST_CHECK; /* -1: method or headers are none; problem is set */
const char *fetch_canonical_name(struct tph_arena *arena, struct tph_str name);
const char *fetch_words(struct tph_fetch *fetch, CURLcode code);
enum tph_fetch_failure fetch_failure(CURLcode code);
/* `Get "URL": problem`; what is wrong with the method has nothing in front. */
const char *fetch_error_text(struct tph_fetch *fetch);
bool fetch_is_local(const char *host); /* the environment's proxy is not asked for this machine */
