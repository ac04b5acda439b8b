/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the API as they come from a socket, one after the other, over a store in memory: each is answered once,
 * with a status, and with a body that is a Status where it is refused; a stream begins once and ends. At the end what
 * the store has are documents that can be read, and the API still answers. */
#include <string.h>

#include "apiserver/api.h"
#include "base/limits.h"
#include "data/json.h"
#include "fuzz.h"
#include "http/request.h"

enum { MAX_REQUESTS = 16, MAX_TURNS = 1000 };

struct scene {
    struct tph_loop *loop;
    struct tph_store *store;
    struct tph_api *api;
    bool seeded;
};

struct talk {
    struct tph_api_call *call;
    int status; /* of the answer; 0: none yet */
    bool streams, ended, full;
    size_t written;
};

static void check_refusal(const struct tph_api_answer *answer)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    bool json = false;
    for (size_t i = 0; i < answer->n_headers; i++) {
        json = json || (strcmp(answer->headers[i].name, "Content-Type") == 0 &&
                        strcmp(answer->headers[i].value, "application/json") == 0);
    }
    if (answer->status >= 400 && json) {
        FUZZ_HOLDS(tph_json_parse(answer->body, &doc, NULL) == 0);
        FUZZ_HOLDS(tph_str_eqz(tph_json_get_str(tph_json_root(doc), "kind"), "Status"));
    }
}

static void put_answer(void *owner, const struct tph_api_answer *answer)
{
    struct talk *talk = owner;
    FUZZ_HOLDS(talk->status == 0 && answer->status >= 200 && answer->status < 600);
    check_refusal(answer);
    talk->status = answer->status;
    talk->ended = true;
    talk->call = NULL;
}

static void begin(void *owner, const struct tph_api_answer *head)
{
    struct talk *talk = owner;
    FUZZ_HOLDS(talk->status == 0);
    talk->status = head->status;
    talk->streams = true;
}

/* Takes little at a time, as a slow reader. */
static bool write_bytes(void *owner, struct tph_str bytes)
{
    struct talk *talk = owner;
    FUZZ_HOLDS(talk->streams && !talk->ended);
    talk->full = !talk->full;
    talk->written += talk->full ? bytes.len : 0;
    return talk->full;
}

static void end(void *owner)
{
    struct talk *talk = owner;
    FUZZ_HOLDS(talk->streams && !talk->ended);
    talk->ended = true;
    talk->call = NULL;
}

static const struct tph_api_sink sink = {.answer = put_answer, .begin = begin, .write = write_bytes, .end = end};

static void turn(const struct scene *s)
{
    (void)uv_run(tph_loop_uv(s->loop), UV_RUN_NOWAIT);
}

static const char *header(const struct tph_request *request, const char *name)
{
    size_t n = 0;
    const struct tph_http_header *list = tph_request_headers(request, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(list[i].name, name) == 0) {
            return list[i].value;
        }
    }
    return NULL;
}

static void ask(const struct scene *s, const struct tph_api_request *request)
{
    struct talk talk = {.call = NULL};
    talk.call = tph_api_call(s->api, request, &sink, &talk);
    for (int i = 0; i < MAX_TURNS && talk.status == 0; i++) {
        turn(s);
    }
    FUZZ_HOLDS(talk.status != 0);
    for (int i = 0; i < 4 && talk.streams && !talk.ended; i++) {
        turn(s);
        if (talk.call) {
            tph_api_drained(talk.call);
        }
    }
    if (talk.call) {
        tph_api_gone(talk.call);
    }
}

static void ask_parsed(const struct scene *s, const struct tph_request *request)
{
    const struct tph_api_request asked = {
        .method = tph_request_method(request),
        .target = tph_request_target(request),
        .accept = header(request, "Accept"),
        .content_type = header(request, "Content-Type"),
        .user_agent = header(request, "User-Agent"),
        .authorization = header(request, "Authorization"),
        .if_none_match = header(request, "If-None-Match"),
        .body = tph_request_body(request),
    };
    if (tph_request_body(request).len <= TPH_LIMIT_API_BODY) {
        ask(s, &asked);
    }
}

static void seeded(void *owner, const struct tph_error *failed)
{
    struct scene *s = owner;
    FUZZ_HOLDS(!failed);
    s->seeded = true;
}

static void open_scene(struct scene *s)
{
    FUZZ_HOLDS(tph_loop_new(&s->loop, NULL) == 0);
    const struct tph_store_config config = {.history = 50};
    s->store = tph_store_memory_new(s->loop, &config);
    const struct tph_api_config api = {.loop = s->loop, .store = s->store, .version = "fuzz"};
    FUZZ_HOLDS(tph_api_new(&api, &s->api, NULL) == 0);
    tph_api_seed(s->api, seeded, s);
    for (int i = 0; i < MAX_TURNS && !s->seeded; i++) {
        turn(s);
    }
    FUZZ_HOLDS(s->seeded);
}

static bool is_document(void *owner, const struct tph_store_object *object)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    (void)owner;
    FUZZ_HOLDS(tph_json_parse(tph_buf_str(&object->text), &doc, NULL) == 0);
    FUZZ_HOLDS(tph_str_eq(tph_json_get_str(tph_json_get(tph_json_root(doc), "metadata"), "name"), object->key.name));
    return true;
}

static void close_scene(struct scene *s)
{
    static const char *const kept[] = {"configmaps", "secrets", "namespaces", "workflows.argoproj.io",
                                       "leases.coordination.k8s.io"};
    const struct tph_api_request again = {.method = "GET", .target = "/api/v1/namespaces/argo/configmaps"};
    for (int i = 0; i < 20; i++) {
        turn(s); /* the collector's */
    }
    ask(s, &again);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const struct tph_store_list list = {.key = {.resource = tph_str(kept[i])}};
        struct tph_store_page page;
        FUZZ_HOLDS(tph_store_list(s->store, &list, is_document, NULL, &page, NULL) == 0);
    }
    tph_api_stop(s->api);
    tph_store_free(s->store);
    tph_api_free(s->api);
    tph_loop_free(s->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene s = {.loop = NULL};
    TPH_CLEANUP(tph_request_freep) struct tph_request *request = tph_request_new(TPH_LIMIT_API_BODY);
    struct tph_str rest = fuzz_text(data, size);
    open_scene(&s);
    for (int i = 0; i < MAX_REQUESTS && rest.len > 0;) {
        size_t used = tph_request_feed(request, rest.p, rest.len);
        rest = tph_str_slice(rest, used, rest.len);
        enum tph_request_state state = tph_request_state(request);
        if (state == TPH_REQUEST_BAD || (used == 0 && state != TPH_REQUEST_DONE)) {
            break;
        }
        if (state == TPH_REQUEST_DONE) {
            ask_parsed(&s, request);
            tph_request_reset(request, TPH_LIMIT_API_BODY);
            i++;
        }
    }
    close_scene(&s);
    return 0;
}
