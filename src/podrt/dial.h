/* SPDX-License-Identifier: Apache-2.0 */
/* A connecting TCP socket to this machine's loopback: how runtimes that share the machine's network dial. */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* host: "127.0.0.1", "::1" or "localhost" (127.0.0.1). Non-blocking, close-on-exec. The descriptor, or -errno
 * (-EINVAL for any other host). A refusal may come at once or when the socket gets writable. */
int tph_dial_loopback(const char *host, uint16_t port) TPH_MUST_CHECK;
