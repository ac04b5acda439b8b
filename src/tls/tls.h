/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS, as a filter under HTTP (http/stream.h).
 *
 * TLS 1.2 and 1.3, forward secrecy only, sessions are resumed by tickets whose keys live as long as the certificate
 * here; ALPN http/1.1; no renegotiation, no client certificates. A connection at rest holds no buffers. It reads and
 * writes the socket itself: OpenSSL's state machine over our own BIO, which has no memory, so nothing is copied that
 * OpenSSL does not copy. OpenSSL is loaded by the first tph_tls_new. Loop thread only; outlives the servers that use
 * it.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "http/stream.h"

struct tph_tls;

/* certificate: PEM, the server's own first, then those between it and the CA. key: PEM, without a password.
 * Errors: INVALID (which of the two, and why), NOT_FOUND (no OpenSSL here). */
int tph_tls_new(struct tph_str certificate, struct tph_str key, struct tph_tls **ret_tls, struct tph_error *err)
    TPH_MUST_CHECK;
/* New connections get these; when it fails they go on with the old ones. */
int tph_tls_renew(struct tph_tls *tls, struct tph_str certificate, struct tph_str key, struct tph_error *err)
    TPH_MUST_CHECK;
void tph_tls_free(struct tph_tls *tls); /* NULL is fine */
TPH_DEFINE_CLEANUP(struct tph_tls, tph_tls_free);

/* For tph_http_server_config.filter; its filter_owner is the tph_tls. Who speaks plain HTTP gets a plain 400 that says
 * so, as from Go's server. */
const struct tph_stream_filter *tph_tls_filter(void);

/* Since tls was made: handshakes that came to their end, of those resumed sessions, and those that failed. */
struct tph_tls_counts {
    uint64_t handshakes, resumed, failed;
};
struct tph_tls_counts tph_tls_counts(const struct tph_tls *tls);
