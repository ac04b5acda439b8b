/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: whose turn it is, how they end, how they are dropped. */
#include "fetch/fetch.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "fetch/internal.h"

static void turn(void *owner);

static char *keep(const char *text)
{
    return text && text[0] ? tph_strdup(text) : NULL;
}

struct tph_fetcher *tph_fetcher_new(struct tph_loop *loop, const struct tph_fetch_environment *env)
{
    struct tph_fetcher *fetcher = TPH_NEW(struct tph_fetcher);
    fetcher->loop = loop;
    fetcher->ca_file = keep(env->ca_file);
    fetcher->http_proxy = keep(env->http_proxy);
    return fetcher;
}

static void add(struct tph_fetch *fetch, enum fetch_place place)
{
    struct fetch_list *list = &fetch->fetcher->lists[place];
    fetch->place = place;
    fetch->next = NULL;
    fetch->previous = list->last;
    if (list->last) {
        list->last->next = fetch;
    } else {
        list->first = fetch;
    }
    list->last = fetch;
    list->n++;
}

static void take_out(struct tph_fetch *fetch)
{
    struct fetch_list *list = &fetch->fetcher->lists[fetch->place];
    if (fetch->previous) {
        fetch->previous->next = fetch->next;
    } else {
        list->first = fetch->next;
    }
    if (fetch->next) {
        fetch->next->previous = fetch->previous;
    } else {
        list->last = fetch->previous;
    }
    list->n--;
}

static bool may_begin(const struct tph_fetcher *fetcher)
{
    return fetcher->lists[FETCH_WAITING].n > 0 && fetcher->lists[FETCH_RUNNING].n < TPH_LIMIT_FETCHES;
}

static void fetch_free(struct tph_fetch *fetch)
{
    fetch_transfer_end(fetch);
    tph_buf_release(&fetch->content);
    tph_arena_free(fetch->arena);
    free(fetch);
}

static void look_again(struct tph_fetcher *fetcher)
{
    tph_defer_cancel(fetcher->loop, fetcher);
    if (fetcher->lists[FETCH_ENDED].n > 0 || fetcher->fresh || may_begin(fetcher)) {
        tph_defer(fetcher->loop, turn, fetcher);
    }
}

void fetch_came(struct tph_fetch *fetch)
{
    fetch->fresh = true;
    if (!fetch->fetcher->fresh) {
        fetch->fetcher->fresh = true;
        look_again(fetch->fetcher);
    }
}

/* Its end is told in the next turn, when nothing of it is on the stack any more. */
static void end(struct tph_fetch *fetch)
{
    take_out(fetch);
    add(fetch, FETCH_ENDED);
    look_again(fetch->fetcher);
}

/* Go's client takes these two away when it unpacked the body by itself. */
static void forget_packing(struct tph_fetch *fetch)
{
    size_t n = 0;
    bool packed = false;
    for (size_t i = 0; i < fetch->n_got; i++) {
        packed = packed || tph_str_eqz(fetch->got[i].name, "Content-Encoding");
    }
    for (size_t i = 0; i < fetch->n_got; i++) {
        struct tph_str name = fetch->got[i].name;
        bool drop = packed && (tph_str_eqz(name, "Content-Encoding") || tph_str_eqz(name, "Content-Length"));
        if (!drop) {
            fetch->got[n++] = fetch->got[i];
        }
    }
    fetch->n_got = n;
}

void fetch_exchange_over(struct tph_fetch *fetch, CURLcode code)
{
    long status = 0;
    (void)fetch->fetcher->curl.easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    fetch->status = (int)status;
    if (code != CURLE_OK && !fetch->problem) {
        fetch->problem = fetch_words(fetch, code);
        fetch->failure = fetch_failure(code);
    }
    int more = fetch->problem ? 0 : fetch_redirect(fetch);
    fetch_transfer_end(fetch);
    if (more > 0 && fetch_transfer_begin(fetch) == 0) {
        return;
    }
    if (fetch->unpacked) {
        forget_packing(fetch);
    }
    end(fetch);
}

static void begin(struct tph_fetch *fetch)
{
    struct tph_error err = TPH_ERROR_INIT;
    take_out(fetch);
    add(fetch, FETCH_RUNNING);
    fetch->deadline_ms = fetch->timeout_ms == TPH_FETCH_FOREVER
                             ? TPH_FETCH_FOREVER
                             : tph_loop_now_ms(fetch->fetcher->loop) + fetch->timeout_ms;
    if (fetch_multi_open(fetch->fetcher, &err) < 0) {
        fetch->problem = tph_arena_format(fetch->arena, "%s", err.text);
        end(fetch);
        return;
    }
    fetch->first_host = fetch_host_of(fetch, fetch->url);
    if (fetch_check(fetch) < 0 || fetch_transfer_begin(fetch) < 0) {
        end(fetch);
    }
}

/* What came for part, if it is of an answer that it wants. Whoever gets it may drop the request. */
static bool give_part(struct tph_fetch *fetch)
{
    long status = fetch->status;
    if (!fetch->fresh) {
        return false;
    }
    fetch->fresh = false;
    if (fetch->easy) {
        (void)fetch->fetcher->curl.easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    if (status < 200 || status > 299) {
        return false;
    }
    TPH_CLEANUP(tph_buf_release) struct tph_buf bytes = fetch->content;
    fetch->content = TPH_BUF_INIT(bytes.max);
    fetch->part(fetch->owner, tph_buf_str(&bytes));
    return true;
}

static void give_parts(struct tph_fetcher *fetcher)
{
    struct tph_fetch *fetch = fetcher->fresh ? fetcher->lists[FETCH_RUNNING].first : NULL;
    fetcher->fresh = false;
    while (fetch) {
        /* After one that got its part the list may be any other. */
        fetch = give_part(fetch) ? fetcher->lists[FETCH_RUNNING].first : fetch->next;
    }
}

static void tell(struct tph_fetch *fetch)
{
    struct tph_fetch_answer answer = {.outcome = TPH_FETCH_ANSWERED, .failure = fetch->failure};
    take_out(fetch);
    if (fetch->problem) {
        answer.outcome = TPH_FETCH_FAILED;
        answer.error = fetch_error_text(fetch);
    } else {
        answer.status = fetch->status;
        answer.headers = fetch->got;
        answer.n_headers = fetch->n_got;
        answer.body = tph_buf_str(&fetch->content);
    }
    fetch->done(fetch->owner, &answer);
    fetch_free(fetch);
}

/* Gives what came, tells those that have ended by now, then begins those whose turn has come. */
static void turn(void *owner)
{
    struct tph_fetcher *fetcher = owner;
    const struct fetch_list *ended = &fetcher->lists[FETCH_ENDED];
    give_parts(fetcher);
    for (size_t n = ended->n; n > 0 && ended->first;) { /* whose owner may drop others of them */
        if (!give_part(ended->first)) {
            tell(ended->first);
            n--;
        }
    }
    while (may_begin(fetcher)) {
        begin(fetcher->lists[FETCH_WAITING].first);
    }
    look_again(fetcher);
}

static const char *keep_method(struct tph_fetch *fetch, struct tph_str method)
{
    return method.len > 0 ? tph_arena_strdup(fetch->arena, method) : "GET";
}

struct tph_fetch *tph_fetch_start(struct tph_fetcher *fetcher, const struct tph_fetch_request *request,
                                  tph_fetch_done_fn *done, void *owner)
{
    struct tph_fetch *fetch = TPH_NEW(struct tph_fetch);
    fetch->fetcher = fetcher;
    fetch->done = done;
    fetch->owner = owner;
    fetch->arena = tph_arena_new();
    fetch->method = keep_method(fetch, request->method);
    fetch->url = tph_arena_strdup(fetch->arena, request->url);
    fetch->body = tph_arena_str(fetch->arena, request->body);
    fetch->headers = TPH_ARENA_ARRAY(fetch->arena, struct tph_fetch_header, request->n_headers);
    fetch->n_headers = request->n_headers;
    for (size_t i = 0; i < request->n_headers; i++) {
        fetch->headers[i].name = tph_arena_str(fetch->arena, request->headers[i].name);
        fetch->headers[i].value = tph_arena_str(fetch->arena, request->headers[i].value);
    }
    fetch->timeout_ms = request->timeout_ms;
    fetch->insecure = request->insecure;
    fetch->part = request->part;
    if (request->trust) {
        fetch->trust = (struct tph_fetch_trust){
            .ca = tph_arena_str(fetch->arena, request->trust->ca),
            .certificate = tph_arena_str(fetch->arena, request->trust->certificate),
            .key = tph_arena_str(fetch->arena, request->trust->key),
            .server_name = tph_arena_str(fetch->arena, request->trust->server_name),
            .proxy = tph_arena_str(fetch->arena, request->trust->proxy),
        };
    }
    fetch->content = TPH_BUF_INIT(request->max_body);
    add(fetch, FETCH_WAITING);
    look_again(fetcher);
    return fetch;
}

void tph_fetch_cancel(struct tph_fetch *fetch)
{
    struct tph_fetcher *fetcher = fetch->fetcher;
    take_out(fetch);
    fetch_free(fetch);
    look_again(fetcher);
}

void tph_fetcher_free(struct tph_fetcher *fetcher)
{
    if (!fetcher) {
        return;
    }
    for (size_t i = 0; i < FETCH_PLACES; i++) {
        while (fetcher->lists[i].first) {
            struct tph_fetch *fetch = fetcher->lists[i].first;
            take_out(fetch);
            fetch_free(fetch);
        }
    }
    tph_defer_cancel(fetcher->loop, fetcher);
    fetch_multi_close(fetcher);
    free(fetcher->ca_file);
    free(fetcher->http_proxy);
    free(fetcher);
}
