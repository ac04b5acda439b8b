/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: the rules of podrt/uplink.h, as one nf_tables table. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "podrt/netlink.h"

enum { TPH_UPLINK_SERVERS = 6, TPH_UPLINK_DEVICES = 8 };

struct tph_uplink_rules {
    char table[32];
    uint32_t servers[TPH_UPLINK_SERVERS]; /* name servers */
    size_t n_servers;
    char guarded[TPH_UPLINK_DEVICES][IF_NAMESIZE]; /* that did not forward before */
    size_t n_guarded;
};

/* Somebody else's firewall that drops what is forwarded and has no rule that names our interfaces: "ip filter FORWARD"
 * in text. Of nf_tables, which today's iptables uses, too; a rule at the end that drops all is not seen. */
bool tph_uplink_rules_blocked(char *text, size_t size);

/* n is of NETLINK_NETFILTER and owns the table from now on. 0, or -errno with n->step. */
int tph_uplink_rules_set(struct tph_netlink *n, const struct tph_uplink_rules *rules);
