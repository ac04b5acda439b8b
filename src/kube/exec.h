/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that a program gives: `exec` of a kubeconfig's user, as clouds and single sign-on have it.
 *
 * The program is run, and waited for, when credentials are needed and there are none, or they are old, or were not
 * taken. The thread waits for it, TPH_LIMIT_KUBE_EXEC_MS at most: somebody may have to type something. Its standard
 * error is ours; its standard input, too, when interactiveMode lets it and ours is a terminal. What it prints is at
 * most TPH_LIMIT_KUBE_EXEC bytes. Contract: client.authentication.k8s.io (reference kubernetes.md 7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "data/json.h"

struct tph_kube_exec {
    const char *command; /* a path, or a name that is looked for in PATH */
    const char **args;   /* NULL-ended */
    const char **env;    /* NULL-ended: "NAME=value", beside ours */
    const char *api_version;
    const char *install_hint;
    const char *cluster;    /* JSON for provideClusterInfo; NULL: not wanted */
    bool may_ask, must_ask; /* interactiveMode: IfAvailable or Always; Always */
};

/* Plain values of the arena; empty texts: not given. */
struct tph_kube_credential {
    struct tph_arena *arena; /* owner; NULL: there is none yet */
    const char *token;
    struct tph_str certificate, key;
    int64_t expires_ms; /* wall clock; INT64_MAX: it does not say */
};
void tph_kube_credential_release(struct tph_kube_credential *credential);

/* Errors: NOT_FOUND: no such program (with its hint), INVALID: what it printed, SYSTEM: it failed, or took too long. */
int tph_kube_exec_run(const struct tph_kube_exec *exec, struct tph_kube_credential *ret_credential,
                      struct tph_error *err) TPH_MUST_CHECK;

/* Pure: what such a program printed. */
int tph_kube_exec_parse(const struct tph_kube_exec *exec, struct tph_str text,
                        struct tph_kube_credential *ret_credential, struct tph_error *err) TPH_MUST_CHECK;
