/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that the server makes for itself: a CA of its own, and a certificate that this CA signed.
 *
 * ECDSA on P-256 with SHA-256, X.509 version 3, random serial numbers; texts are PEM, keys PKCS 8 without a password.
 * OpenSSL is loaded by the first call. Times are seconds since 1970 UTC. Any thread. Errors: NOT_FOUND (no OpenSSL
 * here), INVALID (a text that is none).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct tph_certificate {
    char *certificate; /* owned */
    char *key;         /* owned; a secret */
};

#define TPH_CERTIFICATE_INIT ((struct tph_certificate){.certificate = NULL})

/* Frees both; the key is wiped. */
void tph_certificate_release(struct tph_certificate *certificate);

/* A CA that signs server certificates and nothing else. */
int tph_certificate_make_ca(const char *common_name, int64_t from_s, int64_t to_s, struct tph_certificate *ret,
                            struct tph_error *err) TPH_MUST_CHECK;

/* A server's certificate for these names: DNS names and IPv4 or IPv6 literals, at least one. */
int tph_certificate_make_server(struct tph_str ca_certificate, struct tph_str ca_key, const char *const *names,
                                size_t n_names, int64_t from_s, int64_t to_s, struct tph_certificate *ret,
                                struct tph_error *err) TPH_MUST_CHECK;

/* The end of a certificate, and whether it is good for what is asked: signed by ca (NULL: not asked), belongs to key
 * (NULL: not asked), holds for every name. */
struct tph_certificate_facts {
    int64_t to_s;
    bool signed_by_ca, has_key, has_names;
};
int tph_certificate_look(struct tph_str certificate, const struct tph_str *ca, const struct tph_str *key,
                         const char *const *names, size_t n_names, struct tph_certificate_facts *ret,
                         struct tph_error *err) TPH_MUST_CHECK;
