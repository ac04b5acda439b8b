/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_S = 2, N_STEPS = sizeof(((struct tph_netlink *)0)->steps) / sizeof(char *) };

int tph_netlink_open(struct tph_netlink *n, int protocol)
{
    memset(n, 0, sizeof(*n));
    n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (n->fd < 0) {
        return -errno;
    }
    struct timeval patience = {.tv_sec = ANSWER_S};
    (void)setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    if (bind(n->fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
        int number = errno;
        tph_netlink_close(n);
        return -number;
    }
    n->sequence = 1;
    return 0;
}

void tph_netlink_close(struct tph_netlink *n)
{
    if (n->fd >= 0) {
        (void)close(n->fd);
    }
    n->fd = -1;
}

/* Past the room nothing is written any more, and sending fails. */
static void append(struct tph_netlink *n, const void *bytes, size_t len)
{
    size_t padded = NLMSG_ALIGN(len);
    if (n->len + padded > sizeof(n->bytes)) {
        n->len = sizeof(n->bytes) + 1;
        return;
    }
    memset(n->bytes + n->len, 0, padded);
    if (len > 0) {
        memcpy(n->bytes + n->len, bytes, len);
    }
    n->len += padded;
}

static void set_length(struct tph_netlink *n)
{
    uint32_t len = (uint32_t)(n->len - n->message);
    if (n->len <= sizeof(n->bytes)) {
        memcpy(n->bytes + n->message, &len, sizeof(len));
    }
}

void tph_netlink_begin(struct tph_netlink *n, const char *step, uint16_t type, uint16_t flags, const void *head,
                       size_t len)
{
    struct nlmsghdr header = {.nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | (step ? NLM_F_ACK : 0)),
                              .nlmsg_seq = n->sequence};
    if (n->len == 0) {
        n->first = n->sequence;
    }
    if (n->sequence - n->first < N_STEPS) {
        n->steps[n->sequence - n->first] = step;
    }
    n->sequence++;
    n->message = n->len;
    append(n, &header, sizeof(header));
    append(n, head, len);
    set_length(n);
}

void tph_netlink_put(struct tph_netlink *n, uint16_t type, const void *bytes, size_t len)
{
    struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};
    append(n, &attribute, sizeof(attribute));
    append(n, bytes, len);
    set_length(n);
}

void tph_netlink_put_text(struct tph_netlink *n, uint16_t type, const char *text)
{
    tph_netlink_put(n, type, text, strlen(text) + 1);
}

void tph_netlink_put_be32(struct tph_netlink *n, uint16_t type, uint32_t value)
{
    uint32_t bytes = htonl(value);
    tph_netlink_put(n, type, &bytes, sizeof(bytes));
}

size_t tph_netlink_nest(struct tph_netlink *n, uint16_t type)
{
    size_t at = n->len;
    struct nlattr attribute = {.nla_type = (uint16_t)(type | NLA_F_NESTED)};
    append(n, &attribute, sizeof(attribute));
    set_length(n);
    return at;
}

void tph_netlink_unnest(struct tph_netlink *n, size_t nest)
{
    uint16_t len = (uint16_t)(n->len - nest);
    if (n->len <= sizeof(n->bytes)) {
        memcpy(n->bytes + nest, &len, sizeof(len));
    }
}

void tph_netlink_put_struct(struct tph_netlink *n, const void *bytes, size_t len)
{
    append(n, bytes, len);
    set_length(n);
}

void tph_netlink_batch(struct tph_netlink *n, int begin)
{
    struct nfgenmsg head = {.nfgen_family = AF_UNSPEC, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    tph_netlink_begin(n, NULL, begin ? NFNL_MSG_BATCH_BEGIN : NFNL_MSG_BATCH_END, 0, &head, sizeof(head));
}

/* How many answers come: one for each message but the frame of a batch. */
static uint32_t count_answers(const struct tph_netlink *n)
{
    uint32_t answers = 0;
    for (uint32_t i = 0; i < n->sequence - n->first && i < N_STEPS; i++) {
        answers += n->steps[i] ? 1 : 0;
    }
    return answers;
}

static int read_answer(struct tph_netlink *n, const struct nlmsghdr *header, int failed)
{
    struct nlmsgerr answer;
    if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_HDRLEN + sizeof(answer)) {
        return failed;
    }
    memcpy(&answer, NLMSG_DATA(header), sizeof(answer));
    uint32_t which = header->nlmsg_seq - n->first;
    if (answer.error != 0 && failed == 0) {
        n->step = which < N_STEPS && n->steps[which] ? n->steps[which] : "network";
        return answer.error;
    }
    return failed;
}

int tph_netlink_send(struct tph_netlink *n)
{
    _Alignas(8) char answer[16384];
    uint32_t left = count_answers(n);
    int failed = 0;
    size_t len = n->len;
    n->step = n->steps[0] ? n->steps[0] : n->steps[1];
    n->len = 0;
    if (len > sizeof(n->bytes)) {
        return -EMSGSIZE;
    }
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(n->fd, n->bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        return -errno;
    }
    while (left > 0) {
        ssize_t got = recv(n->fd, answer, sizeof(answer), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failed != 0 ? failed : -errno;
        }
        size_t rest = (size_t)got;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)answer; NLMSG_OK(h, rest); h = NLMSG_NEXT(h, rest)) {
            failed = read_answer(n, h, failed);
            left -= left > 0 && h->nlmsg_type == NLMSG_ERROR ? 1 : 0;
            /* A batch that cannot be begun has one answer. */
            left = h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == n->first && !n->steps[0] ? 0 : left;
        }
    }
    return failed;
}
