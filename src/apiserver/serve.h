/* SPDX-License-Identifier: Apache-2.0 */
/* The API on an HTTP server. Loop thread only. */
#pragma once

#include "apiserver/api.h"
#include "http/server.h"

struct tph_api_server;

/* config's handler, owner and max_body are set here. api lives longer. */
int tph_api_server_new(struct tph_loop *loop, struct tph_api *api, const struct tph_http_server_config *config,
                       struct tph_api_server **ret_server, struct tph_error *err) TPH_MUST_CHECK;
void tph_api_server_free(struct tph_api_server *server);
TPH_DEFINE_CLEANUP(struct tph_api_server, tph_api_server_free);
struct tph_http_server *tph_api_server_http(const struct tph_api_server *server);
