/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one HTTP/1.x response from bytes as they come: llhttp with our limits around it. Pure, no sockets.
 *
 * After the first whole response everything else is ignored. As forgiving as Go's client, for that is what plugins were
 * tried with: lines may end in a bare newline, and where a length and chunks are given the chunks count. Not
 * thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

enum tph_response_state {
    TPH_RESPONSE_MORE,      /* not whole yet */
    TPH_RESPONSE_DONE,      /* status, reason and body are set */
    TPH_RESPONSE_TOO_LARGE, /* head or body past its ceiling; fault says which */
    TPH_RESPONSE_MALFORMED, /* fault says why */
};

struct tph_response;

struct tph_response *tph_response_new(size_t max_body) TPH_MUST_CHECK;
void tph_response_free(struct tph_response *response);
TPH_DEFINE_CLEANUP(struct tph_response, tph_response_free);

/* For the next response of another connection, with another ceiling; memory is kept, but not that of a large body. */
void tph_response_reset(struct tph_response *response, size_t max_body);

/* More bytes, in any split. Once the state is not MORE it stays. */
enum tph_response_state tph_response_feed(struct tph_response *response, const char *bytes, size_t len);

/* The peer closed: a body without a length is whole then; MORE means that it is cut off. */
enum tph_response_state tph_response_end(struct tph_response *response);

int tph_response_status(const struct tph_response *response);            /* 0 before the status line came */
struct tph_str tph_response_reason(const struct tph_response *response); /* the status line's words */
struct tph_str tph_response_body(const struct tph_response *response);   /* what came of it, at most max_body */
const char *tph_response_fault(const struct tph_response *response);     /* "" when there is none */
bool tph_response_started(const struct tph_response *response);          /* at least one byte came */
bool tph_response_head_done(const struct tph_response *response);

/* DONE by an HTTP/1.1 server with keep-alive and a length, and not one byte more came: the connection may carry another
 * request. */
bool tph_response_reusable(const struct tph_response *response);
