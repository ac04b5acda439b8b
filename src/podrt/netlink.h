/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: as much of netlink as a network of a sandbox's own needs, links and addresses (rtnetlink)
 * and rules (nf_tables). No heap, so that the shim can use it. Requests are built in a fixed room, sent, and each
 * answer is awaited; the kernel answers at once. Why not the programs ip and nft: seven calls of ip took 44 ms a start
 * and this takes 0.6 (medians, measured), and neither program is on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TPH_NETLINK_ROOM = 32768 };

struct tph_netlink {
    int fd; /* -1: closed */
    uint32_t sequence;
    size_t len;             /* of what is built */
    size_t message;         /* where the message begins that is being built */
    const char *step;       /* what the message is for, should it fail */
    const char *steps[128]; /* of each message of a batch, by its number in it */
    uint32_t first;
    _Alignas(8) char bytes[TPH_NETLINK_ROOM];
};

/* protocol: NETLINK_ROUTE, NETLINK_NETFILTER. 0 or -errno. */
int tph_netlink_open(struct tph_netlink *n, int protocol);
void tph_netlink_close(struct tph_netlink *n);

/* Begins a message; NLM_F_REQUEST and, unless it is of a batch's frame, NLM_F_ACK are added. head: the struct behind
 * nlmsghdr. */
void tph_netlink_begin(struct tph_netlink *n, const char *step, uint16_t type, uint16_t flags, const void *head,
                       size_t len);
void tph_netlink_put(struct tph_netlink *n, uint16_t type, const void *bytes, size_t len);
void tph_netlink_put_text(struct tph_netlink *n, uint16_t type, const char *text);
void tph_netlink_put_be32(struct tph_netlink *n, uint16_t type, uint32_t value);
/* Attributes in an attribute: nest gives what unnest wants. */
size_t tph_netlink_nest(struct tph_netlink *n, uint16_t type);
void tph_netlink_unnest(struct tph_netlink *n, size_t nest);
/* A struct within attributes, as the ifinfomsg of a veth's other end. */
void tph_netlink_put_struct(struct tph_netlink *n, const void *bytes, size_t len);

/* Sends what was built and awaits the answers. 0, or -errno of the first that failed; then n->step is its step. */
int tph_netlink_send(struct tph_netlink *n);
/* Around the messages of a batch of nf_tables, which are done all or none. */
void tph_netlink_batch(struct tph_netlink *n, int begin);
