/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on a TCP port of this machine: from /proc/net/tcp, /proc/net/tcp6 and /proc/PID/fd. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when somebody does. who gets "python3 (pid 4711)", or "another program" where that cannot be read. */
bool tph_port_in_use(uint16_t port, char *who, size_t size);

/* True when what listens on the port does so on all interfaces, so that other machines can reach it. */
bool tph_port_is_public(uint16_t port);
