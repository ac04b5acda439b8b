/* SPDX-License-Identifier: Apache-2.0 */
/* Whose socket is at the other end of a connection to this machine's loopback.
 *
 * On the host's network anybody may listen on a sidecar's port before the sidecar does, and would then be sent its
 * tasks and its token. So the connection is looked at once it is there and before a byte is sent: the socket at its
 * other end has to be made with a user id that only the sidecar's sandbox has, or be held by a process of it (of its
 * pid namespace), or, while nobody has accepted it, each listener that can accept it has to. Without a namespace
 * (--unsafe-plain) all processes of the user count as the sidecar's. A connection that was made stays with the listener
 * it came to: when that closes it is reset. So nothing that happens after the look can give it to somebody else.
 *
 * The kernel is asked over netlink (sock_diag(7)); where it does not answer, /proc/net/tcp and tcp6 are read. Blocking,
 * but of memory only: some 20 microseconds, and a look at the descriptors of the sandbox's processes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "podrt/ids.h"

enum tph_peer {
    TPH_PEER_OWN,      /* a process of the sandbox, or nobody, who can read nothing */
    TPH_PEER_UNSEEN,   /* accepted, but no process that can be seen has it: perhaps in a moment (accept(2) is under way)
                        */
    TPH_PEER_STRANGER, /* anybody else */
};

/* Whose socket it should be. */
struct tph_peer_owner {
    pid_t init;                /* the sandbox's first process, not reaped; 0 = none runs, and all are strangers */
    const struct tph_ids *ids; /* borrowed: that no other sandbox has; NULL or n 0: none */
};

/* fd: a connected TCP socket. hint: the process that had the last one, tried first; the caller keeps it, from 0 on.
 * who: for messages, when it is not OWN: "nc (pid 4711, user joe)", "a program of user joe", "another program". */
enum tph_peer tph_peer_look(int fd, const struct tph_peer_owner *owner, pid_t *hint, char *who, size_t size);

/* How many connections to loopback wait to be accepted on that port, with all who listen there; -1: the kernel does not
 * tell. */
int tph_peer_waiting(uint16_t port);

/* The same as tph_peer_look where the kernel does not answer over netlink; for tests. */
enum tph_peer tph_peer_look_in_proc(int fd, const struct tph_peer_owner *owner, pid_t *hint, char *who, size_t size);
