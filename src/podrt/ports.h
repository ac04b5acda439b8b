/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on a TCP port of this machine.
 *
 * The kernel is asked over netlink for its listeners alone (sock_diag(7)), which takes some microseconds. Where it does
 * not answer that, /proc/net/tcp and tcp6 are read, for which it looks through its table of connections, too: that
 * takes milliseconds on a machine with much memory. Blocking, but of memory only.
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
 * clash; one that listens everywhere is preferred. Returns 1 and the listener, or 0 when there is none (or neither way
 * of looking is there). */
int tph_listener_find(uint16_t port, struct tph_listener *ret_listener) TPH_MUST_CHECK;

/* The two ways of looking, for tests: each returns as above, _by_netlink also -1 when the kernel does not answer. */
int tph_listener_find_by_netlink(uint16_t port, struct tph_listener *ret_listener) TPH_MUST_CHECK;
int tph_listener_find_in_proc(uint16_t port, struct tph_listener *ret_listener) TPH_MUST_CHECK;

/* Has the process, an open directory of /proc, that socket open? False also when that cannot be seen: of our own user's
 * processes it can, and of those in a user namespace that our user made, whoever they are there. */
bool tph_process_has_socket(int process, uint64_t inode);

/* Does this kernel (5.14 and newer) show the latter? */
bool tph_process_sockets_are_seen(void);

/* The process that holds the socket: its id, or 0 when that cannot be seen; name is what `ps` calls it. */
pid_t tph_listener_process(const struct tph_listener *listener, char name[32]);
