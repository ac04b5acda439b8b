/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig: which server, whom to trust, who we are.
 *
 * Rules are client-go's (reference kubernetes.md 7): several files are laid over each other, the first that has a name
 * wins; paths in a file are relative to it; `*-data` goes before a file's name; a token's file before the token.
 * Everything is owned by the config and lives until release. Refused with the reason: auth-provider, which is
 * gone from Kubernetes, too. Limits: TPH_LIMIT_KUBECONFIG a file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "kube/exec.h"

/* One text of a kubeconfig, and the file that it is from. */
struct tph_kube_text {
    struct tph_str text;
    const char *path;
};

/* What of them is wanted; NULL or empty: what they say themselves. */
struct tph_kube_choice {
    const char *context, *cluster, *user, *ns;
    const char *server, *token, *as; /* in place of the cluster's and the user's */
};

struct tph_kube_config {
    struct tph_arena *arena; /* owner of all below; any text may be empty, none is NULL */
    const char *context, *cluster, *user;
    const char *file;   /* where the cluster stands; "" when nowhere */
    const char *server; /* URL without a slash at its end */
    const char *ns;     /* of the context; "" = none given */
    bool insecure;
    struct tph_str ca, certificate, key; /* PEM */
    const char *ca_file, *certificate_file, *key_file, *token_file;
    const char *tls_server_name, *proxy;
    const char *token, *username, *password;
    const char *as, *as_uid;
    const char **as_groups;
    size_t n_as_groups;
    const struct tph_kube_exec *exec; /* a program that gives credentials; NULL: none */
};

/* Pure: lays the texts over each other and picks. Kinds: INVALID with FILE:LINE:COLUMN or the member's path, NOT_FOUND
 * when there is no such context, cluster or user (those that are there are told). */
int tph_kube_config_parse(const struct tph_kube_text *texts, size_t n, const struct tph_kube_choice *choice,
                          struct tph_kube_config *ret_config, struct tph_error *err) TPH_MUST_CHECK;
void tph_kube_config_release(struct tph_kube_config *config);

/* Where to look: the first that says something. */
struct tph_kube_places {
    const char *given;         /* a file that must be there (--kubeconfig) */
    const char *variable;      /* files with ':' between (KUBECONFIG), of which some may be missing */
    const char *const *others; /* files: the first that is there */
    size_t n_others;
};

/* Reads files, parses, reads the files that those name (but the token's, which changes while we run). Kind NOT_FOUND
 * with all places that were looked at, when there is none of them; a choice with a server needs none. */
int tph_kube_config_load(const struct tph_kube_places *places, const struct tph_kube_choice *choice,
                         struct tph_kube_config *ret_config, struct tph_error *err) TPH_MUST_CHECK;
