/* SPDX-License-Identifier: Apache-2.0 */
/* --network of run, server and executor-plugin run. */
#pragma once

#include "base/error.h"
#include "podrt/podrt.h"

#define TPH_CLI_NETWORKS "host|none|isolated"

/* Whether that can be asked for together with --unsafe-plain: before a runtime is made. */
int tph_cli_check_network(const char *option, bool plain, struct tph_error *err) TPH_MUST_CHECK;

/* What was asked for (NULL: host), seen to be possible: an error says what this machine lacks and what to do. */
int tph_cli_network(const char *option, struct tph_podrt *rt, bool plain, enum tph_network *ret_network,
                    struct tph_error *err) TPH_MUST_CHECK;

/* The same where nothing asked for is isolated if this machine can do that, else host, and *ret_note says why, for each
 * pod: owned by the caller; NULL: as asked. */
int tph_cli_server_network(const char *option, struct tph_podrt *rt, bool plain, enum tph_network *ret_network,
                           char **ret_note, struct tph_error *err) TPH_MUST_CHECK;
