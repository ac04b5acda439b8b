/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on a TCP port of this machine, from /proc/net/tcp and tcp6.
 *
 * The kernel lists listeners before connections, so reading stops at the first connection: the cost follows the
 * number of listeners. Blocking, but of memory only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

struct tph_listener {
    uint16_t port;
    bool everywhere; /* on all addresses: 0.0.0.0 or :: */
    bool loopback;   /* on 127.0.0.0/8 or ::1, or everywhere */
    uint64_t inode;  /* of the socket */
};

/* Reads one line of /proc/net/tcp or tcp6. Returns 0; or -1 when it is not a socket that listens. */
int tph_listener_parse(struct tph_str line, struct tph_listener *ret_listener) TPH_MUST_CHECK;

/* Somebody who listens on the port where a program of this machine that binds 127.0.0.1 or all addresses would
 * clash; one that listens everywhere is preferred. Returns 1 and the listener, or 0 when there is none (or /proc
 * cannot be read). */
int tph_listener_find(uint16_t port, struct tph_listener *ret_listener) TPH_MUST_CHECK;

/* The process that holds the socket: its id, or 0 when that cannot be seen; name is what `ps` calls it. */
pid_t tph_listener_process(const struct tph_listener *listener, char name[32]);
