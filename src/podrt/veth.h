/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: the cable between a sandbox's network and the machine's, as root makes it.
 *
 * One end, TPH_VETH_PREFIX and letters, is the machine's; the other is eth0 in the sandbox. Both go when the sandbox's
 * network namespace does, with its last process. The machine's end has no IPv6, forwards, and is a way to the one
 * address of the sandbox; what may go through it is podrt/uplink.h's to say. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Of all interfaces of ours: what rules are about, and what is looked for when something was left. */
#define TPH_VETH_PREFIX "tph"

/* 198.18.0.0/15 is for measurements of networks, so nobody's (RFC 2544). The machine is 198.19.0.1 on all cables. */
enum { TPH_VETH_NET = 0xc6130000, TPH_VETH_MASK = 0xffff0000, TPH_VETH_GATEWAY = 0xc6130001 };

/* The name of an uplink's interfaces begins so: TPH_VETH_PREFIX and eight hexadecimal digits. */
enum { TPH_VETH_NAME = 16 };
void tph_veth_prefix(uint32_t uplink, char name[TPH_VETH_NAME]);

/* Makes the cable to the network namespace of pid and sets it up on both ends; this process is in that namespace
 * afterwards. 0, or -errno with the step. */
int tph_veth_make(uint32_t uplink, pid_t pid, const char **ret_step);
