/* SPDX-License-Identifier: Apache-2.0 */
/* The script of a plugin's directory: at most one file server.*, which becomes the container's args. */
#pragma once

#include "base/error.h"

/* Its path, owned by the caller; NULL when there is none. Two of them are an error, worded as Argo's. */
int tph_plugin_server_file(const char *directory, const char *plugin_name, char **ret_path, struct tph_error *err)
    TPH_MUST_CHECK;
