/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/serve.h"

#include <stdio.h>

#include "apiserver/internal.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "http/stream.h"

enum { SMALL_BODY = 65536 };

struct tph_api_server {
    struct tph_api *api;
    struct tph_http_server *http;
};

/* One exchange and its call. */
struct talk {
    struct tph_http_exchange *exchange;
    struct tph_api_request request;
    struct tph_api_call *call; /* NULL: it is over */
    char peer[TPH_STREAM_ADDRESS];
};

static void put_answer(void *owner, const struct tph_api_answer *answer)
{
    struct talk *talk = owner;
    talk->call = NULL;
    tph_http_exchange_reply(talk->exchange, &(struct tph_http_reply){.status = answer->status,
                                                                     .headers = answer->headers,
                                                                     .n_headers = answer->n_headers,
                                                                     .body = answer->body});
}

static void begin(void *owner, const struct tph_api_answer *head)
{
    struct talk *talk = owner;
    tph_http_exchange_begin(
        talk->exchange,
        &(struct tph_http_reply){.status = head->status, .headers = head->headers, .n_headers = head->n_headers});
}

static bool write_bytes(void *owner, struct tph_str bytes)
{
    struct talk *talk = owner;
    return tph_http_exchange_write(talk->exchange, bytes) == TPH_HTTP_WRITTEN;
}

static void end(void *owner)
{
    struct talk *talk = owner;
    talk->call = NULL;
    tph_http_exchange_end(talk->exchange);
}

static const struct tph_api_sink sink = {.answer = put_answer, .begin = begin, .write = write_bytes, .end = end};

static void too_large(struct tph_http_exchange *exchange)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_KIB(4));
    const struct tph_http_header header = {"Content-Type", "application/json"};
    struct tph_status status;
    tph_status_init(&status);
    (void)tph_status_set(&status, 413, "RequestEntityTooLarge", "Request entity too large: limit is %zu",
                         (size_t)TPH_LIMIT_API_BODY);
    tph_status_write(&status, &out);
    tph_status_release(&status);
    tph_http_exchange_reply(
        exchange,
        &(struct tph_http_reply){.status = 413, .headers = &header, .n_headers = 1, .body = tph_buf_str(&out)});
}

static void unauthorized(struct tph_http_exchange *exchange)
{
    static const struct tph_http_header header = {"Content-Type", "application/json"};
    static const char body[] = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                               "\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}\n";
    tph_http_exchange_reply(
        exchange, &(struct tph_http_reply){.status = 401, .headers = &header, .n_headers = 1, .body = tph_str(body)});
}

/* A body that is told to be too large is not waited for; nor is a large one of a client with wrong credentials. */
static void got_head(void *owner, struct tph_http_exchange *exchange)
{
    const struct tph_api_server *server = owner;
    const struct tph_api_access *access = server->api->config.access;
    int64_t len = 0;
    const char *text = tph_http_exchange_header(exchange, "Content-Length");
    bool small = text && tph_str_to_i64(tph_str(text), &len) == 0 && len <= (int64_t)SMALL_BODY;
    struct tph_api_user user;
    if (!small && access &&
        !access->identify(access->owner, tph_http_exchange_header(exchange, "Authorization"), &user)) {
        unauthorized(exchange);
    } else if (text && tph_str_to_i64(tph_str(text), &len) == 0 && len > (int64_t)TPH_LIMIT_API_BODY) {
        too_large(exchange);
    }
}

static void got_request(void *owner, struct tph_http_exchange *exchange)
{
    struct tph_api_server *server = owner;
    struct talk *talk = TPH_NEW(struct talk);
    talk->exchange = exchange;
    talk->request = (struct tph_api_request){
        .method = tph_http_exchange_method(exchange),
        .target = tph_http_exchange_target(exchange),
        .accept = tph_http_exchange_header(exchange, "Accept"),
        .content_type = tph_http_exchange_header(exchange, "Content-Type"),
        .user_agent = tph_http_exchange_header(exchange, "User-Agent"),
        .authorization = tph_http_exchange_header(exchange, "Authorization"),
        .if_none_match = tph_http_exchange_header(exchange, "If-None-Match"),
        .impersonate = tph_http_exchange_header(exchange, "Impersonate-User"),
        .peer = talk->peer,
        .body = tph_http_exchange_body(exchange),
    };
    tph_http_exchange_peer(exchange, talk->peer, sizeof(talk->peer));
    tph_http_exchange_set_user(exchange, talk);
    talk->call = tph_api_call(server->api, &talk->request, &sink, talk);
}

static void drained(void *owner, struct tph_http_exchange *exchange)
{
    struct talk *talk = tph_http_exchange_user(exchange);
    (void)owner;
    if (talk && talk->call) {
        tph_api_drained(talk->call);
    }
}

static void ended(void *owner, struct tph_http_exchange *exchange, enum tph_http_end how)
{
    struct talk *talk = tph_http_exchange_user(exchange);
    (void)owner;
    (void)how;
    if (talk && talk->call) {
        tph_api_gone(talk->call);
    }
    free(talk);
}

static const struct tph_http_handler handler = {
    .head = got_head, .request = got_request, .drained = drained, .ended = ended};

int tph_api_server_new(struct tph_loop *loop, struct tph_api *api, const struct tph_http_server_config *config,
                       struct tph_api_server **ret_server, struct tph_error *err)
{
    struct tph_api_server *server = TPH_NEW(struct tph_api_server);
    struct tph_http_server_config own = *config;
    server->api = api;
    own.handler = &handler;
    own.owner = server;
    own.max_body = TPH_LIMIT_API_BODY + TPH_KIB(64); /* so that chunked ones get their answer from the API */
    if (tph_http_server_new(loop, &own, &server->http, err) < 0) {
        free(server);
        return -1;
    }
    *ret_server = server;
    return 0;
}

void tph_api_server_free(struct tph_api_server *server)
{
    if (server) {
        tph_http_server_free(server->http);
        free(server);
    }
}

struct tph_http_server *tph_api_server_http(const struct tph_api_server *server)
{
    return server->http;
}
