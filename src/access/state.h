/* SPDX-License-Identifier: Apache-2.0 */
/* What a server keeps beside its store, so that clients can reach it: made at the first start, renewed when it is near
 * its end, all in one directory (0700):
 *
 *   ca.crt ca.key          its own CA, ten years
 *   server.crt server.key  the server's certificate, a year, renewed in its last month and when names were added
 *   account.key            signs tokens of service accounts
 *   kubeconfig             for the administrator: URL, CA, token, namespace argo. Its token is the truth: delete the
 *                          file, and the next start makes a new token and the old one opens nothing
 *   tokens                 more users (access/tokens.h): a few lines that say how, and nothing more by us
 *
 * Keys and kubeconfig are 0600; a directory that everybody may write is refused. Files are written beside and renamed,
 * after they are on the disk. Any thread. Errors: SYSTEM, INVALID (which file, and what to do).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_access_state_config {
    const char *directory;
    const char *const *names; /* of the server, for its certificate: host names and addresses */
    size_t n_names;
    int64_t now_s;
    bool plain;           /* no TLS: neither CA nor certificate */
    bool own_certificate; /* given by the user: no certificate is made */
    const char
        *ca_file; /* PEM for the kubeconfig with a certificate of the user's; NULL: clients use the system's CAs */
};

struct tph_access_state {
    char *directory;              /* owned, as all that follows */
    char *ca, *certificate, *key; /* PEM; NULL where there is none */
    char *admin_token;
    unsigned char account_key[32];
    char *kubeconfig_path, *tokens_path;
    int64_t certificate_to_s;
};

/* Makes what is missing. */
int tph_access_state_open(const struct tph_access_state_config *config, struct tph_access_state *ret_state,
                          struct tph_error *err) TPH_MUST_CHECK;
void tph_access_state_release(struct tph_access_state *state); /* wipes the secrets */

/* Writes the kubeconfig, once the address is known; nothing when it is written so already. */
int tph_access_state_publish(const struct tph_access_state *state, const char *url, struct tph_error *err)
    TPH_MUST_CHECK;

/* A kubeconfig's text. ca: PEM or NULL. */
void tph_access_kubeconfig(const char *url, const char *ca, const char *user, const char *token, const char *ns,
                           struct tph_buf *out);
/* The token in a kubeconfig; NULL: there is none. The caller frees it. */
char *tph_access_kubeconfig_token(struct tph_str text) TPH_MUST_CHECK;
/* Its server and CA (PEM; NULL: none), for another user's kubeconfig; -1: it has none. The caller frees both. */
int tph_access_kubeconfig_server(struct tph_str text, char **ret_url, char **ret_ca) TPH_MUST_CHECK;
/* Writes a file of ours durably, 0600: beside (PATH.new), flushed, renamed, the directory flushed. One writer at a
 * time.
 */
int tph_access_write_file(const char *path, struct tph_str content, struct tph_error *err) TPH_MUST_CHECK;
