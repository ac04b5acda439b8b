/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <llhttp.h>
#include <string.h>

#include "base/alloc.h"

struct tph_response {
    llhttp_t parser;
    struct tph_buf reason, body;
    size_t head_len; /* bytes of start line and fields so far */
    size_t n_headers;
    enum tph_response_state state;
    int status;
    bool started, head_done, has_length, keep_alive;
};

static struct tph_response *of(llhttp_t *parser)
{
    return parser->data;
}

static int count_head(llhttp_t *parser, size_t len)
{
    struct tph_response *r = of(parser);
    r->head_len += len;
    if (r->head_len > TPH_LIMIT_HTTP_HEADER || r->n_headers > TPH_LIMIT_HTTP_HEADERS) {
        r->state = TPH_RESPONSE_TOO_LARGE;
        return HPE_USER;
    }
    return 0;
}

static int on_status(llhttp_t *parser, const char *bytes, size_t len)
{
    (void)tph_buf_append(&of(parser)->reason, bytes, len);
    return count_head(parser, len);
}

static int on_header_field(llhttp_t *parser, const char *bytes, size_t len)
{
    (void)bytes;
    return count_head(parser, len);
}

static int on_header_value_complete(llhttp_t *parser)
{
    of(parser)->n_headers++;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct tph_response *r = of(parser);
    r->status = llhttp_get_status_code(parser);
    if (r->status / 100 == 1) {
        return 0;
    }
    r->head_done = true;
    r->has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
    if (r->has_length && parser->content_length > r->body.max) {
        r->state = TPH_RESPONSE_TOO_LARGE;
        return -1;
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_response *r = of(parser);
    if (tph_buf_append(&r->body, bytes, len) < 0) {
        r->state = TPH_RESPONSE_TOO_LARGE;
        return HPE_USER;
    }
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct tph_response *r = of(parser);
    if (r->status / 100 == 1) {
        /* 100 Continue and the like announce the real one. */
        tph_buf_clear(&r->reason);
        return 0;
    }
    r->state = TPH_RESPONSE_DONE;
    r->keep_alive = r->has_length && llhttp_should_keep_alive(parser) && llhttp_get_http_minor(parser) >= 1;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_status = on_status,
    .on_header_field = on_header_field,
    .on_header_value = on_header_field,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void tph_response_reset(struct tph_response *r, size_t max_body)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->parser.data = r;
    tph_buf_clear(&r->reason);
    tph_buf_clear(&r->body);
    r->body.max = max_body;
    r->head_len = 0;
    r->n_headers = 0;
    r->state = TPH_RESPONSE_MORE;
    r->status = 0;
    r->started = r->head_done = r->has_length = r->keep_alive = false;
}

struct tph_response *tph_response_new(size_t max_body)
{
    struct tph_response *r = TPH_NEW(struct tph_response);
    r->reason = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    r->body = TPH_BUF_INIT(max_body);
    tph_response_reset(r, max_body);
    return r;
}

void tph_response_free(struct tph_response *r)
{
    if (r) {
        tph_buf_release(&r->reason);
        tph_buf_release(&r->body);
        free(r);
    }
}

enum tph_response_state tph_response_feed(struct tph_response *r, const char *bytes, size_t len)
{
    if (r->state != TPH_RESPONSE_MORE || len == 0) {
        return r->state;
    }
    r->started = true;
    llhttp_errno_t problem = llhttp_execute(&r->parser, bytes, len);
    if (problem != HPE_OK && r->state == TPH_RESPONSE_MORE) {
        r->state = TPH_RESPONSE_MALFORMED;
        const char *why = llhttp_get_error_reason(&r->parser);
        tph_buf_clear(&r->reason);
        (void)tph_buf_puts(&r->reason, why && *why ? why : llhttp_errno_name(problem));
    }
    return r->state;
}

enum tph_response_state tph_response_end(struct tph_response *r)
{
    if (r->state == TPH_RESPONSE_MORE && r->head_done) {
        (void)llhttp_finish(&r->parser); /* completes a body that ends with the connection */
    }
    return r->state;
}

int tph_response_status(const struct tph_response *r)
{
    return r->status;
}

struct tph_str tph_response_reason(const struct tph_response *r)
{
    return tph_buf_str(&r->reason);
}

struct tph_str tph_response_body(const struct tph_response *r)
{
    return tph_buf_str(&r->body);
}

bool tph_response_started(const struct tph_response *r)
{
    return r->started;
}

bool tph_response_head_done(const struct tph_response *r)
{
    return r->head_done;
}

bool tph_response_reusable(const struct tph_response *r)
{
    return r->state == TPH_RESPONSE_DONE && r->keep_alive;
}
