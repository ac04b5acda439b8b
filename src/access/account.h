/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of service accounts: signed, not stored.
 *
 * A token is a JSON Web Token (RFC 7519, HS256) with the claims that Kubernetes' have: iss, sub
 * (system:serviceaccount:NS:NAME), aud, iat, exp, and the account's uid; so it dies with the account. It gives the role
 * edit in its namespace, without the right to define code, unless the token file has a line for the account. The key is
 * 32 random bytes that never leave the server. One that is bound to a pod, as sidecars have them, has that in its
 * claims, too, and ends with it: nothing needs to be renewed. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Where tokens are for, unless somebody asks for others; a token for others does not open our own API. */
#define TPH_ACCOUNT_AUDIENCE "https://kubernetes.default.svc"

enum {
    TPH_ACCOUNT_KEY = 32,         /* bytes */
    TPH_ACCOUNT_EXPIRES_S = 3600, /* when nobody says anything else, as in Kubernetes */
    TPH_ACCOUNT_EXPIRES_LEAST = 600,
    TPH_ACCOUNT_BOUND_S = 10 * 365 * 24 * 3600, /* of those that end with a pod: longer than any lives */
};

struct tph_account_claims {
    struct tph_str ns, name, uid;
    struct tph_str pod, pod_uid; /* that it is bound to, and ends with; empty: none */
    int64_t issued_s, expires_s;
    bool ours; /* our audience is among its audiences */
};

/* audiences: n texts; n 0: ours. */
void tph_account_sign(struct tph_str key, const struct tph_account_claims *claims, const struct tph_str *audiences,
                      size_t n_audiences, struct tph_buf *out);

/* Whether the signature is right and the claims can be read; texts are in buf. Does not look at the clock. */
bool tph_account_check(struct tph_str key, struct tph_str token, struct tph_buf *buf,
                       struct tph_account_claims *ret_claims);
