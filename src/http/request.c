/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include <llhttp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { CHUNK_OVERHEAD = 32 }; /* bytes that each chunk may have around it before they count as head */

/* Where a field stands in the text of the head. */
struct place {
    size_t name, value;
};

struct tph_request {
    llhttp_t parser;
    struct tph_buf head; /* target and fields, each ended by a NUL */
    struct tph_buf body;
    struct place *places; /* owned, n_headers of room for n_room */
    struct tph_http_header *headers;
    size_t n_headers, n_room;
    size_t overhead, allowed; /* bytes that are not of the body, and their ceiling */
    enum tph_request_state state;
    int status;
    bool in_target, in_value, keep_alive, waits, started;
    char fault[256];
};

static struct tph_request *of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct tph_request *r, int status, const char *fault)
{
    if (r->state != TPH_REQUEST_BAD) {
        r->state = TPH_REQUEST_BAD;
        r->status = status;
        (void)snprintf(r->fault, sizeof(r->fault), "%s", fault);
    }
    return HPE_USER;
}

static int too_large_head(struct tph_request *r)
{
    if (r->in_target) {
        return refuse(r, 414, "the target of the request is too long");
    }
    return refuse(r, 431, "the head of the request is too large");
}

static int on_url(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_request *r = of(parser);
    r->in_target = true;
    return tph_buf_append(&r->head, bytes, len) < 0 ? too_large_head(r) : 0;
}

static int end_text(llhttp_t *parser)
{
    struct tph_request *r = of(parser);
    return tph_buf_putc(&r->head, '\0') < 0 ? too_large_head(r) : 0;
}

static int on_url_complete(llhttp_t *parser)
{
    of(parser)->in_target = false;
    return end_text(parser);
}

static int begin_field(struct tph_request *r)
{
    if (r->n_headers == TPH_LIMIT_HTTP_HEADERS) {
        return refuse(r, 431, "the request has too many header fields");
    }
    if (r->n_headers == r->n_room) {
        r->n_room = r->n_room ? r->n_room * 2 : 16;
        r->places = tph_realloc(r->places, r->n_room * sizeof(*r->places));
        r->headers = tph_realloc(r->headers, r->n_room * sizeof(*r->headers));
    }
    r->places[r->n_headers++] = (struct place){.name = r->head.len, .value = 0};
    r->in_value = false;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_request *r = of(parser);
    if (r->state == TPH_REQUEST_BODY) {
        return 0; /* trailers say nothing to us; the ceiling counts them */
    }
    if ((r->n_headers == 0 || r->in_value) && begin_field(r) != 0) {
        return HPE_USER;
    }
    return tph_buf_append(&r->head, bytes, len) < 0 ? too_large_head(r) : 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct tph_request *r = of(parser);
    if (r->state == TPH_REQUEST_BODY) {
        return 0;
    }
    int failed = end_text(parser);
    r->places[r->n_headers - 1].value = r->head.len;
    r->in_value = true;
    return failed;
}

static int on_header_value(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_request *r = of(parser);
    if (r->state == TPH_REQUEST_BODY) {
        return 0;
    }
    return tph_buf_append(&r->head, bytes, len) < 0 ? too_large_head(r) : 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    return of(parser)->state == TPH_REQUEST_BODY ? 0 : end_text(parser);
}

/* The meaning of the fields that concern us; what stands in them must be clear. */
static int read_fields(struct tph_request *r)
{
    int n_hosts = 0;
    for (size_t i = 0; i < r->n_headers; i++) {
        char *name = r->head.bytes + r->places[i].name;
        char *value = r->head.bytes + r->places[i].value;
        size_t len = strlen(value); /* blanks behind a value are not of it */
        while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
            value[--len] = '\0';
        }
        r->headers[i] = (struct tph_http_header){.name = name, .value = value};
        if (strcasecmp(name, "Host") == 0) {
            n_hosts++;
        } else if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") != 0) {
            return refuse(r, 501, "the request has an unknown Transfer-Encoding");
        } else if (strcasecmp(name, "Expect") == 0) {
            if (strcasecmp(value, "100-continue") != 0) {
                return refuse(r, 417, "the request expects what is not known");
            }
            r->waits = !tph_request_old(r);
        }
    }
    if (n_hosts > 1 || (n_hosts == 0 && !tph_request_old(r))) {
        return refuse(r, 400, n_hosts > 1 ? "the request has more than one Host" : "the request has no Host");
    }
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct tph_request *r = of(parser);
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    parser->upgrade = 0; /* another protocol is offered, not demanded: we stay with this one */
    if (llhttp_get_http_major(parser) != 1 || llhttp_get_http_minor(parser) > 1) {
        (void)refuse(r, 505, "the request's version of HTTP is not 1.0 or 1.1");
        return -1; /* positive numbers mean something else here */
    }
    if (llhttp_get_method(parser) == HTTP_CONNECT) {
        (void)refuse(r, 501, "CONNECT is not supported");
        return -1;
    }
    if ((parser->flags & F_TRANSFER_ENCODING) && tph_request_old(r)) {
        (void)refuse(r, 400, "the request has a Transfer-Encoding in HTTP/1.0");
        return -1;
    }
    if (!tph_http_target(tph_str(r->head.bytes)) || read_fields(r) != 0) {
        (void)refuse(r, 400, "the request's target is empty or has odd characters");
        return -1;
    }
    if (!chunked && parser->content_length > r->body.max) {
        (void)refuse(r, 413, "the body of the request is too large");
        return -1;
    }
    r->keep_alive = llhttp_should_keep_alive(parser) != 0;
    r->state = TPH_REQUEST_BODY;
    return chunked || parser->content_length > 0 ? HPE_PAUSED : 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    of(parser)->allowed += CHUNK_OVERHEAD;
    return 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_request *r = of(parser);
    r->overhead -= len;
    return tph_buf_append(&r->body, bytes, len) < 0 ? refuse(r, 413, "the body of the request is too large") : 0;
}

static int on_message_complete(llhttp_t *parser)
{
    of(parser)->state = TPH_REQUEST_DONE;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static void shrink(struct tph_buf *buf)
{
    if (buf->capacity > TPH_LIMIT_HTTP_KEPT) {
        tph_buf_release(buf);
    } else {
        tph_buf_clear(buf);
    }
}

void tph_request_reset(struct tph_request *r, size_t max_body)
{
    shrink(&r->head);
    shrink(&r->body);
    r->body.max = max_body;
    llhttp_init(&r->parser, HTTP_REQUEST, &settings);
    r->parser.data = r;
    r->n_headers = 0;
    r->overhead = 0;
    r->allowed = TPH_LIMIT_HTTP_HEADER;
    r->state = TPH_REQUEST_HEAD;
    r->status = 0;
    r->in_target = r->in_value = r->keep_alive = r->waits = r->started = false;
    r->fault[0] = '\0';
}

struct tph_request *tph_request_new(size_t max_body)
{
    struct tph_request *r = TPH_NEW(struct tph_request);
    r->head = TPH_BUF_INIT(TPH_LIMIT_HTTP_HEADER);
    r->body = TPH_BUF_INIT(max_body);
    tph_request_reset(r, max_body);
    return r;
}

void tph_request_free(struct tph_request *r)
{
    if (r) {
        tph_buf_release(&r->head);
        tph_buf_release(&r->body);
        free(r->places);
        free(r->headers);
        free(r);
    }
}

static void parser_failed(struct tph_request *r, llhttp_errno_t problem)
{
    bool known = llhttp_get_http_major(&r->parser) == 1 && llhttp_get_http_minor(&r->parser) <= 1;
    if ((problem == HPE_INVALID_VERSION && !known) || problem == HPE_PAUSED_H2_UPGRADE) {
        (void)refuse(r, 505, "the request's version of HTTP is not 1.0 or 1.1");
        return;
    }
    const char *why = llhttp_get_error_reason(&r->parser);
    char text[200];
    (void)snprintf(text, sizeof(text), "malformed HTTP request: %s", why && *why ? why : llhttp_errno_name(problem));
    (void)refuse(r, 400, text);
}

size_t tph_request_feed(struct tph_request *r, const char *bytes, size_t len)
{
    if (len == 0 || r->state == TPH_REQUEST_DONE || r->state == TPH_REQUEST_BAD) {
        return 0;
    }
    for (size_t i = 0; !r->started && i < len; i++) {
        r->started = bytes[i] != '\r' && bytes[i] != '\n';
    }
    if (llhttp_get_errno(&r->parser) == HPE_PAUSED) {
        llhttp_resume(&r->parser); /* stopped behind the head */
    }
    r->overhead += len; /* on_body takes its share off */
    llhttp_errno_t problem = llhttp_execute(&r->parser, bytes, len);
    size_t used = len;
    if (problem == HPE_PAUSED) {
        used = (size_t)(llhttp_get_error_pos(&r->parser) - bytes);
        r->overhead -= len - used;
    } else if (problem != HPE_OK) {
        parser_failed(r, problem);
    }
    if (r->overhead > r->allowed) {
        (void)too_large_head(r);
    }
    return used;
}

enum tph_request_state tph_request_state(const struct tph_request *r)
{
    return r->state;
}

bool tph_request_started(const struct tph_request *r)
{
    return r->started;
}

int tph_request_status(const struct tph_request *r)
{
    return r->status;
}

const char *tph_request_fault(const struct tph_request *r)
{
    return r->fault;
}

const char *tph_request_method(const struct tph_request *r)
{
    return llhttp_method_name((llhttp_method_t)r->parser.method);
}

const char *tph_request_target(const struct tph_request *r)
{
    return tph_buf_cstr(&r->head);
}

const struct tph_http_header *tph_request_headers(const struct tph_request *r, size_t *ret_n)
{
    *ret_n = r->n_headers;
    return r->headers;
}

struct tph_str tph_request_body(const struct tph_request *r)
{
    return tph_buf_str(&r->body);
}

bool tph_request_keep_alive(const struct tph_request *r)
{
    return r->keep_alive;
}

bool tph_request_old(const struct tph_request *r)
{
    return r->parser.http_major == 1 && r->parser.http_minor == 0;
}

bool tph_request_waits(const struct tph_request *r)
{
    return r->waits;
}
