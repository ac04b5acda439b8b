/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <llhttp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum {
    FIRST_BYTES = 64,    /* shown when they are not HTTP */
    CHUNK_OVERHEAD = 32, /* bytes that each chunk may have around it before they count as head */
};

struct tph_response {
    llhttp_t parser;
    struct tph_buf reason, body;
    size_t overhead; /* bytes that came and are not of the body: start line, fields, chunk sizes, trailers */
    size_t allowed;  /* ceiling for it */
    size_t n_headers;
    enum tph_response_state state;
    int status;
    bool line_done, head_done, has_length, keep_alive, leftover;
    size_t n_first;
    char first[FIRST_BYTES];
    char fault[512];
};

static struct tph_response *of(llhttp_t *parser)
{
    return parser->data;
}

/* For returning from a callback: ends the reading. */
static int too_large(struct tph_response *r, const char *what, size_t limit)
{
    r->state = TPH_RESPONSE_TOO_LARGE;
    (void)snprintf(r->fault, sizeof(r->fault), "the reply's %s more than %zu", what, limit);
    return HPE_USER;
}

static int on_status(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_response *r = of(parser);
    return tph_buf_append(&r->reason, bytes, len) < 0 ? too_large(r, "head in bytes is", TPH_LIMIT_HTTP_HEADER) : 0;
}

static int on_status_complete(llhttp_t *parser)
{
    of(parser)->line_done = true;
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct tph_response *r = of(parser);
    r->n_headers++;
    return r->n_headers > TPH_LIMIT_HTTP_HEADERS ? too_large(r, "header fields are", TPH_LIMIT_HTTP_HEADERS) : 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct tph_response *r = of(parser);
    r->status = llhttp_get_status_code(parser);
    if (r->status / 100 == 1) {
        return 0;
    }
    r->head_done = true;
    r->has_length = (parser->flags & F_CONTENT_LENGTH) != 0 && (parser->flags & F_TRANSFER_ENCODING) == 0;
    if (r->has_length && parser->content_length > r->body.max) {
        (void)too_large(r, "body in bytes is", r->body.max);
        return -1; /* a positive number means something else here */
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
    struct tph_response *r = of(parser);
    size_t room = r->body.max - r->body.len;
    (void)tph_buf_append(&r->body, bytes, len < room ? len : room);
    r->overhead -= len;
    return len > room ? too_large(r, "body in bytes is", r->body.max) : 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    of(parser)->allowed += CHUNK_OVERHEAD;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct tph_response *r = of(parser);
    if (r->status / 100 == 1) {
        tph_buf_clear(&r->reason); /* 100 Continue and the like announce the real one */
        return 0;
    }
    r->state = TPH_RESPONSE_DONE;
    r->keep_alive = r->has_length && llhttp_should_keep_alive(parser) && llhttp_get_http_major(parser) == 1 &&
                    llhttp_get_http_minor(parser) >= 1;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_status = on_status,
    .on_status_complete = on_status_complete,
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

void tph_response_reset(struct tph_response *r, size_t max_body)
{
    struct tph_buf reason = r->reason, body = r->body;
    shrink(&reason);
    shrink(&body);
    *r = (struct tph_response){
        .reason = reason, .body = body, .allowed = TPH_LIMIT_HTTP_HEADER, .state = TPH_RESPONSE_MORE};
    r->body.max = max_body;
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    llhttp_set_lenient_optional_cr_before_lf(&r->parser, 1);
    llhttp_set_lenient_chunked_length(&r->parser, 1);
    r->parser.data = r;
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

/* The peer's first line, quoted as Go's %q, up to size bytes. */
static void quote_first(const struct tph_response *r, char *text, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < r->n_first && r->first[i] != '\n' && at + 5 < size; i++) {
        unsigned char c = (unsigned char)r->first[i];
        if (c == '"' || c == '\\') {
            text[at++] = '\\';
            text[at++] = (char)c;
        } else if (c >= ' ' && c < 0x7f) {
            text[at++] = (char)c;
        } else if (c != '\r') {
            at += (size_t)snprintf(text + at, size - at, "\\x%02x", c);
        }
    }
    text[at] = '\0';
}

static void malformed(struct tph_response *r, llhttp_errno_t problem)
{
    r->state = TPH_RESPONSE_MALFORMED;
    if (r->line_done) {
        const char *why = llhttp_get_error_reason(&r->parser);
        (void)snprintf(r->fault, sizeof(r->fault), "malformed HTTP response: %s",
                       why && *why ? why : llhttp_errno_name(problem));
        return;
    }
    char line[FIRST_BYTES * 4];
    quote_first(r, line, sizeof(line));
    (void)snprintf(r->fault, sizeof(r->fault), "malformed HTTP response \"%s\"", line);
}

enum tph_response_state tph_response_feed(struct tph_response *r, const char *bytes, size_t len)
{
    if (r->state != TPH_RESPONSE_MORE || len == 0) {
        r->leftover = r->leftover || len > 0;
        return r->state;
    }
    if (r->n_first < FIRST_BYTES) {
        size_t n = len < FIRST_BYTES - r->n_first ? len : FIRST_BYTES - r->n_first;
        memcpy(r->first + r->n_first, bytes, n);
        r->n_first += n;
    }
    r->overhead += len; /* on_body takes its share off */
    llhttp_errno_t problem = llhttp_execute(&r->parser, bytes, len);
    if (r->state == TPH_RESPONSE_DONE) {
        size_t rest = len - (size_t)(llhttp_get_error_pos(&r->parser) - bytes);
        r->leftover = rest > 0;
        r->overhead -= rest;
    } else if (problem != HPE_OK && r->state == TPH_RESPONSE_MORE) {
        malformed(r, problem);
    }
    /* Also what llhttp passes over in silence: empty lines in front, chunk extensions, interim answers without end. */
    if (r->overhead > r->allowed && (r->state == TPH_RESPONSE_MORE || r->state == TPH_RESPONSE_DONE)) {
        (void)too_large(r, "head in bytes is", TPH_LIMIT_HTTP_HEADER);
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

const char *tph_response_fault(const struct tph_response *r)
{
    return r->fault;
}

bool tph_response_started(const struct tph_response *r)
{
    return r->n_first > 0;
}

bool tph_response_head_done(const struct tph_response *r)
{
    return r->head_done;
}

bool tph_response_reusable(const struct tph_response *r)
{
    return r->state == TPH_RESPONSE_DONE && r->keep_alive && !r->leftover;
}
