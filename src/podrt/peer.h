/* SPDX-License-Identifier: Apache-2.0 */
/* Whose socket is at the other end of a connection to this machine's loopback.
 *
 * On the host's network anybody may listen on a sidecar's port before the sidecar does, and would then be sent its
 * tasks and its token. So the connection is looked at once it is there and before a byte is sent: the socket at its
 * other end has to be held by a process of the sidecar's sandbox, or, while nobody has accepted it, each listener that
 * can accept it has to. A connection that was made stays with the listener it came to: when that closes it is reset. So
 * nothing that happens after the look can give it to somebody else.
 *
 * The kernel is asked over netlink (sock_diag(7)); where it does not answer, /proc/net/tcp and tcp6 are read. Blocking,
 * but of memory only: some 20 microseconds, and a look at the descriptors of the sandbox's processes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum tph_peer {
    TPH_PEER_OWN,      /* a process of the sandbox, or nobody, who can read nothing */
    TPH_PEER_UNSEEN,   /* no process that can be seen has it: perhaps in a moment (accept(2) is under way), or never
                        * (somebody of another user has it) */
    TPH_PEER_STRANGER, /* anybody else */
};

/* Whose processes are the right ones: those in the pid namespace of a sandbox's first process, whatever user they are;
 * without a sandbox (plain) those that descend from it, as all do that it started, for it is who takes orphans in
 * (PR_SET_CHILD_SUBREAPER). Plain ones run as our user and are no secret of his: another program of his that traces
 * them has the token anyway, but none is called in their place by mistake. One that hides from its own user
 * (PR_SET_DUMPABLE, or a program that he may run but not read) is not seen and counts as a stranger. */
struct tph_peer_owner {
    pid_t init; /* our child, not reaped; 0 = none runs, and whoever is there is a stranger */
    bool plain;
    pid_t holder; /* the process that had the last one, tried first; kept by the looks, from 0 on */
};

/* fd: a connected TCP socket. who: for messages, when it is not OWN: "nc (pid 4711, user joe)", "a program of user
 * joe", "another program". */
enum tph_peer tph_peer_look(int fd, struct tph_peer_owner *owner, char *who, size_t size);

/* How many connections to loopback wait to be accepted on that port, with all who listen there; -1: the kernel does not
 * tell. */
int tph_peer_waiting(uint16_t port);

/* The same as tph_peer_look where the kernel does not answer over netlink; for tests. */
enum tph_peer tph_peer_look_in_proc(int fd, struct tph_peer_owner *owner, char *who, size_t size);
