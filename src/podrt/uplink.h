/* SPDX-License-Identifier: Apache-2.0 */
/* A way out for sandboxes with a network of their own (--network isolated), as root: forwarding, masquerade, and a
 * fence around it. What a sidecar may reach through it:
 *   yes: other machines, the local network's too, by IPv4; the name servers of resolv.conf, port 53, wherever they are
 *   no:  this machine, on whatever address; other sidecars; 169.254.0.0/16 (a cloud's metadata); IPv6
 * and nobody outside begins a connection to a sidecar.
 *
 * A small process of its own keeps it, a fresh run of the program, so that nothing is left whenever and however we end:
 * it holds the one nf_tables table, whose owner it is (the kernel takes the table away with it), and switches
 * forwarding on for the interfaces of the default routes that had it off, and off again when the last uplink of this
 * machine ends. Where it switched it on, new connections that come in by them are still not forwarded to anywhere.
 * Several programs may have one each. Loop thread only; opening waits for that process, some milliseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tph_uplink;

/* Errors say what this machine lacks and what to do. */
int tph_uplink_open(struct tph_uplink **ret_uplink, struct tph_error *err) TPH_MUST_CHECK;
void tph_uplink_close(struct tph_uplink *uplink); /* after the sandboxes; waits for the process. NULL is fine */

/* Becomes readable when the process has ended, which nobody asked it to: the fence is gone. */
int tph_uplink_fd(const struct tph_uplink *uplink);
/* What podrt/veth.h's names begin with. */
uint32_t tph_uplink_id(const struct tph_uplink *uplink);
/* What it changed on this machine and will change back, for the log; NULL: nothing. */
const char *tph_uplink_changes(const struct tph_uplink *uplink);

/* main() calls this first: in that process it does its work and does not come back. */
void tph_uplink_main(int argc, char **argv);

/* resolv.conf for a sandbox: name servers that it can reach. from: the machine's; instead: systemd-resolved's own list,
 * for when those are on the machine's loopback; link_local: those of 169.254.0.0/16 are reached, too. Writes at most
 * size bytes; returns how many, 0 when no server is left. No heap: the shim's. */
size_t tph_uplink_resolv(const char *from, size_t from_len, const char *instead, size_t instead_len, bool link_local,
                         char *to, size_t size);
#define TPH_UPLINK_RESOLVED "/run/systemd/resolve/resolv.conf"
