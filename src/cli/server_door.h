/* SPDX-License-Identifier: Apache-2.0 */
/* The door of `tiphys server`: TLS, users, limits, and the files that clients need, put together.
 *
 * Files of a user's own (certificate, tokens) are watched and read again when they change; a fault in them is told in
 * the log and what was read before stays. The server's own certificate is renewed while it runs. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "apiserver/api.h"
#include "base/error.h"
#include "base/metrics.h"
#include "cli/cli.h"
#include "http/server.h"
#include "loop/loop.h"
#include "store/store.h"

struct tph_door;

struct tph_door_config {
    struct tph_loop *loop;
    struct tph_store *store;            /* for service accounts */
    struct tph_metrics *metrics;        /* or NULL */
    const char *directory;              /* where the server's files are; made when missing */
    const char *host;                   /* the address it listens on */
    const char *url;                    /* what clients call it; NULL: found from host and port */
    const char *certificate, *key, *ca; /* files of the user's; NULL: own ones are made */
    const char *token_file;             /* NULL: directory/tokens */
    struct tph_texts names;             /* more names for the certificate; borrowed */
    /* Whether a sidecar's pod is alive: its token holds as long. NULL: there are none. */
    bool (*pod)(void *owner, struct tph_str ns, struct tph_str name, struct tph_str uid);
    void *pod_owner;
    double rate; /* requests a second of one user; 0: TPH_LIMIT_RATE */
};

int tph_door_open(const struct tph_door_config *config, struct tph_door **ret_door, struct tph_error *err)
    TPH_MUST_CHECK;
void tph_door_free(struct tph_door *door); /* after the servers that use it; NULL is fine */

const struct tph_api_access *tph_door_access(const struct tph_door *door);
void tph_door_fill(const struct tph_door *door, struct tph_http_server_config *config); /* its filter */
const char *tph_door_ca(const struct tph_door *door);                                   /* PEM, or NULL */

/* For sidecars (agent/agent.h): a token of a service account, bound to a pod; what the API is checked with; where it
 * is. The owner is the door, once it was published. */
int tph_door_token(void *door, const struct tph_agent_account *account, struct tph_buf *out, struct tph_error *err)
    TPH_MUST_CHECK;
int tph_door_anchor(void *door, struct tph_buf *out) TPH_MUST_CHECK;
void tph_door_address(void *door, char ret_host[TPH_AGENT_HOST], unsigned *ret_port);

/* Once the port is known: writes the kubeconfig. */
int tph_door_publish(struct tph_door *door, const struct tph_http_server *server, struct tph_error *err) TPH_MUST_CHECK;
const char *tph_door_kubeconfig(const struct tph_door *door); /* its path */
