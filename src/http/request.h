/* SPDX-License-Identifier: Apache-2.0 */
/* Reading HTTP/1.x requests from bytes as they come: llhttp with our limits around it. Pure, no sockets.
 *
 * Strict, for what two programs read differently is how requests are smuggled: a length and chunks together, a bare
 * newline, a folded line, a space before the colon, two Host fields are all refused. Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/field.h"

enum tph_request_state {
    TPH_REQUEST_HEAD, /* the head is not whole yet */
    TPH_REQUEST_BODY, /* method, target and fields are set; the body is on its way */
    TPH_REQUEST_DONE, /* whole */
    TPH_REQUEST_BAD,  /* cannot be answered but with the status; the connection is of no more use */
};

struct tph_request;

struct tph_request *tph_request_new(size_t max_body) TPH_MUST_CHECK;
void tph_request_free(struct tph_request *request);
TPH_DEFINE_CLEANUP(struct tph_request, tph_request_free);

/* For the next request; memory is kept, but not that of a large one. */
void tph_request_reset(struct tph_request *request, size_t max_body);

/* More bytes, in any split. Returns how many were used: it stops behind the head of a request that has a body, and
 * behind the request; what is left is the next call's, or the next request's. */
size_t tph_request_feed(struct tph_request *request, const char *bytes, size_t len);

enum tph_request_state tph_request_state(const struct tph_request *request);
bool tph_request_started(const struct tph_request *request); /* one byte came that is no empty line in front */

/* BAD: 400, 413, 414, 417, 431, 501 or 505, and why. */
int tph_request_status(const struct tph_request *request);
const char *tph_request_fault(const struct tph_request *request);

/* From BODY on. Texts live until reset. */
const char *tph_request_method(const struct tph_request *request); /* "GET" */
const char *tph_request_target(const struct tph_request *request); /* "/api?x=y" */
const struct tph_http_header *tph_request_headers(const struct tph_request *request, size_t *ret_n);
struct tph_str tph_request_body(const struct tph_request *request);
bool tph_request_keep_alive(const struct tph_request *request); /* the client wants to go on after it */
bool tph_request_old(const struct tph_request *request);        /* HTTP/1.0: knows no chunks */
bool tph_request_waits(const struct tph_request *request);      /* sends its body after a 100 Continue */
