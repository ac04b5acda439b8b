/* SPDX-License-Identifier: Apache-2.0 */
/* What `nft list ruleset` shows of it:
 *
 *   table inet tiphys-PID { flags owner
 *     chain input { type filter hook input priority filter
 *       iifname "tph*" ip daddr SERVER udp dport 53 accept          # and tcp, each server
 *       iifname "tph*" ct state established,related accept
 *       iifname "tph*" reject with icmpx admin-prohibited }
 *     chain forward { type filter hook forward priority filter
 *       iifname "tph*" ip daddr SERVER udp dport 53 accept
 *       iifname "tph*" oifname "tph*" reject ...
 *       iifname "tph*" ip daddr 169.254.0.0/16 reject ...
 *       iifname "tph*" meta nfproto ipv6 reject ...
 *       oifname "tph*" ct state established,related accept
 *       oifname "tph*" drop
 *       iifname GUARDED ct state new ct status & dnat == 0 drop }   # each guarded interface
 *     chain postrouting { type nat hook postrouting priority srcnat
 *       ip saddr 198.19.0.0/16 oifname != "tph*" masquerade } } */
#include "podrt/uplink_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "podrt/veth.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2
#endif

enum { DNS = 53, DADDR = 16, SADDR = 12, DPORT = 2, ADMIN_PROHIBITED = NFT_REJECT_ICMPX_ADMIN_PROHIBITED };
/* As in the kernel's nf_conntrack_common.h: NF_CT_STATE_BIT. */
enum { STATE_ESTABLISHED_OR_RELATED = 2 | 4, STATE_NEW = 8, STATUS_DNAT = 32 };

struct building {
    struct tph_netlink *n;
    const struct tph_uplink_rules *rules;
    size_t list; /* of the rule's expressions */
};

static void begin(struct building *b, const char *step, int type, int flags, int family)
{
    struct nfgenmsg head = {.nfgen_family = (uint8_t)family};
    tph_netlink_begin(b->n, step, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), (uint16_t)flags, &head, sizeof(head));
}

static void put_table(struct building *b)
{
    begin(b, "make a table of rules (nf_tables)", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET);
    tph_netlink_put_text(b->n, NFTA_TABLE_NAME, b->rules->table);
    tph_netlink_put_be32(b->n, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

static void put_chain(struct building *b, const char *name, const char *type, uint32_t hook, int32_t priority)
{
    begin(b, "make a chain of rules (nf_tables)", NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET);
    tph_netlink_put_text(b->n, NFTA_CHAIN_TABLE, b->rules->table);
    tph_netlink_put_text(b->n, NFTA_CHAIN_NAME, name);
    size_t nest = tph_netlink_nest(b->n, NFTA_CHAIN_HOOK);
    tph_netlink_put_be32(b->n, NFTA_HOOK_HOOKNUM, hook);
    tph_netlink_put_be32(b->n, NFTA_HOOK_PRIORITY, (uint32_t)priority);
    tph_netlink_unnest(b->n, nest);
    tph_netlink_put_be32(b->n, NFTA_CHAIN_POLICY, NF_ACCEPT);
    tph_netlink_put_text(b->n, NFTA_CHAIN_TYPE, type);
}

static void begin_rule(struct building *b, const char *chain)
{
    begin(b, "make a rule (nf_tables)", NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFPROTO_INET);
    tph_netlink_put_text(b->n, NFTA_RULE_TABLE, b->rules->table);
    tph_netlink_put_text(b->n, NFTA_RULE_CHAIN, chain);
    b->list = tph_netlink_nest(b->n, NFTA_RULE_EXPRESSIONS);
}

static void end_rule(struct building *b)
{
    tph_netlink_unnest(b->n, b->list);
}

/* An expression: between these two its own attributes. */
struct expression {
    size_t element, data;
};

static struct expression begin_expression(struct building *b, const char *name)
{
    struct expression e = {.element = tph_netlink_nest(b->n, NFTA_LIST_ELEM)};
    tph_netlink_put_text(b->n, NFTA_EXPR_NAME, name);
    e.data = tph_netlink_nest(b->n, NFTA_EXPR_DATA);
    return e;
}

static void end_expression(struct building *b, struct expression e)
{
    tph_netlink_unnest(b->n, e.data);
    tph_netlink_unnest(b->n, e.element);
}

static void put_value(struct building *b, uint16_t type, const void *bytes, size_t len)
{
    size_t nest = tph_netlink_nest(b->n, type);
    tph_netlink_put(b->n, NFTA_DATA_VALUE, bytes, len);
    tph_netlink_unnest(b->n, nest);
}

static void compare(struct building *b, bool equal, const void *bytes, size_t len)
{
    struct expression e = begin_expression(b, "cmp");
    tph_netlink_put_be32(b->n, NFTA_CMP_SREG, NFT_REG_1);
    tph_netlink_put_be32(b->n, NFTA_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
    put_value(b, NFTA_CMP_DATA, bytes, len);
    end_expression(b, e);
}

static void load_meta(struct building *b, uint32_t key)
{
    struct expression e = begin_expression(b, "meta");
    tph_netlink_put_be32(b->n, NFTA_META_KEY, key);
    tph_netlink_put_be32(b->n, NFTA_META_DREG, NFT_REG_1);
    end_expression(b, e);
}

static void load_payload(struct building *b, uint32_t base, uint32_t offset, uint32_t len)
{
    struct expression e = begin_expression(b, "payload");
    tph_netlink_put_be32(b->n, NFTA_PAYLOAD_DREG, NFT_REG_1);
    tph_netlink_put_be32(b->n, NFTA_PAYLOAD_BASE, base);
    tph_netlink_put_be32(b->n, NFTA_PAYLOAD_OFFSET, offset);
    tph_netlink_put_be32(b->n, NFTA_PAYLOAD_LEN, len);
    end_expression(b, e);
}

static void mask(struct building *b, uint32_t bits)
{
    uint32_t none = 0;
    struct expression e = begin_expression(b, "bitwise");
    tph_netlink_put_be32(b->n, NFTA_BITWISE_SREG, NFT_REG_1);
    tph_netlink_put_be32(b->n, NFTA_BITWISE_DREG, NFT_REG_1);
    tph_netlink_put_be32(b->n, NFTA_BITWISE_LEN, sizeof(bits));
    put_value(b, NFTA_BITWISE_MASK, &bits, sizeof(bits));
    put_value(b, NFTA_BITWISE_XOR, &none, sizeof(none));
    end_expression(b, e);
}

/* Interfaces of sandboxes: the beginning of the name is compared. */
static void from_sandbox(struct building *b)
{
    load_meta(b, NFT_META_IIFNAME);
    compare(b, true, TPH_VETH_PREFIX, strlen(TPH_VETH_PREFIX));
}

static void to_sandbox(struct building *b, bool is)
{
    load_meta(b, NFT_META_OIFNAME);
    compare(b, is, TPH_VETH_PREFIX, strlen(TPH_VETH_PREFIX));
}

static void family_is(struct building *b, uint8_t family)
{
    load_meta(b, NFT_META_NFPROTO);
    compare(b, true, &family, sizeof(family));
}

static void address_in(struct building *b, uint32_t offset, uint32_t net, uint32_t bits)
{
    uint32_t bytes = htonl(net);
    family_is(b, NFPROTO_IPV4);
    load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof(bytes));
    if (bits != UINT32_MAX) {
        mask(b, htonl(bits));
    }
    compare(b, true, &bytes, sizeof(bytes));
}

/* A bit of the connection's state or status is set, or none is. */
static void connection(struct building *b, uint32_t key, uint32_t bits, bool set)
{
    uint32_t none = 0;
    struct expression e = begin_expression(b, "ct");
    tph_netlink_put_be32(b->n, NFTA_CT_DREG, NFT_REG_1);
    tph_netlink_put_be32(b->n, NFTA_CT_KEY, key);
    end_expression(b, e);
    mask(b, bits);
    compare(b, !set, &none, sizeof(none));
}

static void verdict(struct building *b, int32_t code)
{
    struct expression e = begin_expression(b, "immediate");
    tph_netlink_put_be32(b->n, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t data = tph_netlink_nest(b->n, NFTA_IMMEDIATE_DATA);
    size_t code_nest = tph_netlink_nest(b->n, NFTA_DATA_VERDICT);
    tph_netlink_put_be32(b->n, NFTA_VERDICT_CODE, (uint32_t)code);
    tph_netlink_unnest(b->n, code_nest);
    tph_netlink_unnest(b->n, data);
    end_expression(b, e);
}

/* Who tries hears of it at once, and does not wait for a time-out. */
static void reject(struct building *b)
{
    uint8_t code = ADMIN_PROHIBITED;
    struct expression e = begin_expression(b, "reject");
    tph_netlink_put_be32(b->n, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
    tph_netlink_put(b->n, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
    end_expression(b, e);
}

static void allow_servers(struct building *b, const char *chain)
{
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    uint16_t port = htons(DNS);
    for (size_t i = 0; i < b->rules->n_servers * 2; i++) {
        begin_rule(b, chain);
        from_sandbox(b);
        address_in(b, DADDR, b->rules->servers[i / 2], UINT32_MAX);
        load_meta(b, NFT_META_L4PROTO);
        compare(b, true, &protocols[i % 2], 1);
        load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT, sizeof(port));
        compare(b, true, &port, sizeof(port));
        verdict(b, NF_ACCEPT);
        end_rule(b);
    }
}

static void put_input(struct building *b)
{
    put_chain(b, "input", "filter", NF_INET_LOCAL_IN, 0);
    allow_servers(b, "input");
    begin_rule(b, "input"); /* whoever on this machine calls a sidecar gets its answers */
    from_sandbox(b);
    connection(b, NFT_CT_STATE, STATE_ESTABLISHED_OR_RELATED, true);
    verdict(b, NF_ACCEPT);
    end_rule(b);
    begin_rule(b, "input");
    from_sandbox(b);
    reject(b);
    end_rule(b);
}

static void put_forward(struct building *b)
{
    enum { LINK_LOCAL = 0xa9fe0000, SIXTEEN = 0xffff0000 };
    put_chain(b, "forward", "filter", NF_INET_FORWARD, 0);
    allow_servers(b, "forward");
    begin_rule(b, "forward");
    from_sandbox(b);
    to_sandbox(b, true);
    reject(b);
    end_rule(b);
    begin_rule(b, "forward");
    from_sandbox(b);
    address_in(b, DADDR, LINK_LOCAL, SIXTEEN);
    reject(b);
    end_rule(b);
    begin_rule(b, "forward");
    from_sandbox(b);
    family_is(b, NFPROTO_IPV6);
    reject(b);
    end_rule(b);
    begin_rule(b, "forward");
    to_sandbox(b, true);
    connection(b, NFT_CT_STATE, STATE_ESTABLISHED_OR_RELATED, true);
    verdict(b, NF_ACCEPT);
    end_rule(b);
    begin_rule(b, "forward");
    to_sandbox(b, true);
    verdict(b, NF_DROP);
    end_rule(b);
    for (size_t i = 0; i < b->rules->n_guarded; i++) {
        char name[IF_NAMESIZE] = {0};
        memcpy(name, b->rules->guarded[i], strnlen(b->rules->guarded[i], IF_NAMESIZE - 1));
        begin_rule(b, "forward");
        load_meta(b, NFT_META_IIFNAME);
        compare(b, true, name, sizeof(name));
        connection(b, NFT_CT_STATE, STATE_NEW, true);
        connection(b, NFT_CT_STATUS, STATUS_DNAT, false);
        verdict(b, NF_DROP);
        end_rule(b);
    }
}

static void put_masquerade(struct building *b)
{
    enum { SOURCE_NAT = 100 };
    put_chain(b, "postrouting", "nat", NF_INET_POST_ROUTING, SOURCE_NAT);
    begin_rule(b, "postrouting");
    address_in(b, SADDR, TPH_VETH_NET, (uint32_t)TPH_VETH_MASK);
    to_sandbox(b, false);
    end_expression(b, begin_expression(b, "masq"));
    end_rule(b);
}

int tph_uplink_rules_set(struct tph_netlink *n, const struct tph_uplink_rules *rules)
{
    struct building b = {.n = n, .rules = rules};
    tph_netlink_batch(n, 1);
    put_table(&b);
    put_input(&b);
    put_forward(&b);
    put_masquerade(&b);
    tph_netlink_batch(n, 0);
    return tph_netlink_send(n);
}
