/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the other tables of nf_tables: whether what sandboxes send is dropped there. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "podrt/uplink_rules.h"
#include "podrt/veth.h"

/* A chain that drops what is forwarded. */
struct chain {
    uint8_t family;
    char table[64], name[64];
};

/* Calls each for every answer of a dump, until it returns true. */
typedef bool answer_fn(void *owner, const struct nlmsghdr *header);

static bool dump(struct tph_netlink *n, int type, answer_fn *each, void *owner)
{
    static _Alignas(8) char bytes[65536];
    struct nfgenmsg head = {.nfgen_family = AF_UNSPEC};
    bool found = false;
    tph_netlink_begin(n, NULL, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), NLM_F_DUMP, &head, sizeof(head));
    if (tph_netlink_send(n) < 0) {
        return false;
    }
    for (bool more = true; more;) {
        ssize_t got = recv(n->fd, bytes, sizeof(bytes), 0);
        if (got <= 0) {
            return found;
        }
        size_t rest = (size_t)got;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)bytes; NLMSG_OK(h, rest); h = NLMSG_NEXT(h, rest)) {
            more = more && h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR;
            found = found || (more && each(owner, h));
        }
    }
    return found;
}

/* The attribute of that type among those that begin at `at`; NULL: none. */
static const struct nlattr *find(const char *at, size_t len, uint16_t type)
{
    struct nlattr attribute;
    while (len >= sizeof(attribute)) {
        memcpy(&attribute, at, sizeof(attribute));
        if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > len) {
            return NULL;
        }
        if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
            return (const struct nlattr *)(const void *)at;
        }
        size_t step = NLA_ALIGN(attribute.nla_len);
        at += step < len ? step : len;
        len -= step < len ? step : len;
    }
    return NULL;
}

static const char *content(const struct nlattr *attribute, size_t *ret_len)
{
    *ret_len = attribute ? attribute->nla_len - NLA_HDRLEN : 0;
    return attribute ? (const char *)attribute + NLA_HDRLEN : NULL;
}

static uint32_t number(const struct nlattr *attribute)
{
    uint32_t value = UINT32_MAX;
    size_t len;
    const char *bytes = content(attribute, &len);
    if (len == sizeof(value)) {
        memcpy(&value, bytes, sizeof(value));
        value = ntohl(value);
    }
    return value;
}

static void copy_text(const struct nlattr *attribute, char text[64])
{
    size_t len;
    const char *bytes = content(attribute, &len);
    (void)snprintf(text, 64, "%.*s", (int)(len < 64 ? len : 63), bytes ? bytes : "");
}

static const char *attributes(const struct nlmsghdr *header, size_t *ret_len, uint8_t *ret_family)
{
    struct nfgenmsg head;
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(head))) {
        return NULL;
    }
    memcpy(&head, NLMSG_DATA(header), sizeof(head));
    *ret_family = head.nfgen_family;
    *ret_len = header->nlmsg_len - NLMSG_LENGTH(sizeof(head));
    return (const char *)NLMSG_DATA(header) + NLMSG_ALIGN(sizeof(head));
}

static bool is_dropping(void *owner, const struct nlmsghdr *header)
{
    struct chain *ret = owner;
    struct chain chain = {.family = 0};
    size_t len, hook_len;
    const char *list = attributes(header, &len, &chain.family);
    if (!list || (chain.family != NFPROTO_IPV4 && chain.family != NFPROTO_INET)) {
        return false;
    }
    const char *hook = content(find(list, len, NFTA_CHAIN_HOOK), &hook_len);
    copy_text(find(list, len, NFTA_CHAIN_TABLE), chain.table);
    copy_text(find(list, len, NFTA_CHAIN_NAME), chain.name);
    bool forwards = hook && number(find(hook, hook_len, NFTA_HOOK_HOOKNUM)) == NF_INET_FORWARD;
    if (!forwards || number(find(list, len, NFTA_CHAIN_POLICY)) != NF_DROP) {
        return false;
    }
    *ret = chain;
    return true;
}

/* A rule of the same table that has to do with our interfaces: whoever wrote it knows what he does. */
static bool names_ours(void *owner, const struct nlmsghdr *header)
{
    const struct chain *chain = owner;
    uint8_t family;
    size_t len;
    char table[64];
    const char *list = attributes(header, &len, &family);
    if (!list || family != chain->family) {
        return false;
    }
    copy_text(find(list, len, NFTA_RULE_TABLE), table);
    return strcmp(table, chain->table) == 0 && memmem(list, len, TPH_VETH_PREFIX, strlen(TPH_VETH_PREFIX));
}

bool tph_uplink_rules_blocked(char *text, size_t size)
{
    static struct tph_netlink n;
    struct chain chain;
    if (tph_netlink_open(&n, NETLINK_NETFILTER) < 0) {
        return false;
    }
    bool blocked = dump(&n, NFT_MSG_GETCHAIN, is_dropping, &chain) && !dump(&n, NFT_MSG_GETRULE, names_ours, &chain);
    tph_netlink_close(&n);
    if (blocked) {
        (void)snprintf(text, size, "%s %s %s", chain.family == NFPROTO_INET ? "inet" : "ip", chain.table, chain.name);
    }
    return blocked;
}
