/* SPDX-License-Identifier: Apache-2.0 */
/* Who a client is, and what he may do.
 *
 * Users stand in a file (access/tokens.h tells its form), which holds digests of tokens and no token; beside them there
 * is one administrator, whose token is in the server's own kubeconfig, and the service accounts, whose tokens we sign
 * (access/account.h). There are three roles, as Kubernetes' default roles of these names, each for one namespace or for
 * all, and the right `plugins`: to define what runs as code on this machine. Without credentials a client is
 * system:anonymous, who sees health and version and nothing else. Texts of refusals are kube-apiserver's.
 *
 * Users live as long as the access object, so that a stream may hold its user; a user that was removed has no rights
 * any more. Pure but for tph_access_read; no clock. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_access;
struct tph_access_user;

/* What somebody wants to do, as Kubernetes asks an authorizer. */
struct tph_access_attributes {
    const char *verb;    /* "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"; of other
                            paths the method in small; "*" in reviews */
    bool is_resource;    /* else path alone counts */
    struct tph_str path; /* "/metrics" */
    struct tph_str group, resource, sub; /* "", "pods", "log" */
    struct tph_str ns, name;             /* empty: none, all */
};

/* Whether a service account is there, and its uid; false: no. For tokens of service accounts. */
typedef bool tph_access_account_fn(void *owner, struct tph_str ns, struct tph_str name, struct tph_str *ret_uid);

/* Whether a pod is alive. For tokens that are bound to one. */
typedef bool tph_access_pod_fn(void *owner, struct tph_str ns, struct tph_str name, struct tph_str uid);

struct tph_access_config {
    struct tph_str admin_token;     /* of the administrator `admin`; empty: there is none */
    struct tph_str signing_key;     /* of tokens of service accounts; empty: there are none */
    tph_access_account_fn *account; /* NULL: every signed token holds */
    tph_access_pod_fn *pod;         /* NULL: no token of a pod holds */
    void *account_owner;            /* of both */
};

struct tph_access *tph_access_new(const struct tph_access_config *config) TPH_MUST_CHECK;
void tph_access_free(struct tph_access *access);
TPH_DEFINE_CLEANUP(struct tph_access, tph_access_free);

/* Replaces the users by those of a token file; on an error (INVALID, LIMIT; "FILE:LINE: ...") everything stays as it
 * was. A file that is not there is an empty one. */
int tph_access_read(struct tph_access *access, const char *path, struct tph_error *err) TPH_MUST_CHECK;
/* The same of a text; name is for messages. */
int tph_access_load(struct tph_access *access, struct tph_str text, const char *name, struct tph_error *err)
    TPH_MUST_CHECK;
size_t tph_access_users(const struct tph_access *access); /* of the file */

/* Who sent this Authorization header (NULL: none). NULL: 401, the credentials are wrong. */
const struct tph_access_user *tph_access_identify(struct tph_access *access, const char *authorization, int64_t now_ms)
    TPH_MUST_CHECK;
/* Whom an administrator wants to be (Impersonate-User); NULL: he may not, or too many users are known. */
const struct tph_access_user *tph_access_impersonate(struct tph_access *access, const struct tph_access_user *user,
                                                     struct tph_str name) TPH_MUST_CHECK;

struct tph_str tph_access_name(const struct tph_access_user *user);
struct tph_str tph_access_uid(const struct tph_access_user *user);
/* The n-th group he is in; an empty text when there are no more. */
struct tph_str tph_access_group(const struct tph_access_user *user, size_t n);
bool tph_access_anonymous(const struct tph_access_user *user);
bool tph_access_is_admin(const struct tph_access_user *user); /* of everything */

/* ret_reason (may be NULL): why not, where there is more to say; a static text. */
bool tph_access_allowed(const struct tph_access_user *user, const struct tph_access_attributes *what,
                        const char **ret_reason);
/* Whether he may define what runs as code, in this namespace (empty: for all). Asked where tph_access_changes_code says
 * so (access/review.h). */
bool tph_access_may_run_code(const struct tph_access_user *user, struct tph_str ns);

/* The message of a refusal: `workflows.argoproj.io "a" is forbidden: User "nobody" cannot get resource "workflows" in
 * API group "argoproj.io" in the namespace "argo"`. user: his name. reason: NULL or what tph_access_allowed gave. */
void tph_access_refusal(struct tph_str user, const struct tph_access_attributes *what, const char *reason,
                        struct tph_buf *out);

/* The sha256 of a token as 64 small hexadecimal digits and a NUL. */
enum { TPH_ACCESS_DIGEST = 65, TPH_ACCESS_TOKEN = 51 };
void tph_access_digest(struct tph_str token, char ret[TPH_ACCESS_DIGEST]);
/* A new token of 256 random bits, with a NUL: "tiphys_" and 43 characters of base64url. */
void tph_access_new_token(char ret[TPH_ACCESS_TOKEN]);
