/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "podrt/netlink.h"

enum { TRIES = 32, FIRST_HOST = 0x100 };

void tph_veth_prefix(uint32_t uplink, char name[TPH_VETH_NAME])
{
    (void)snprintf(name, TPH_VETH_NAME, TPH_VETH_PREFIX "%08x", uplink);
}

/* family: "ipv4" */
static int write_switch(const char *family, const char *name, const char *key, const char *value)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int failed = write(fd, value, strlen(value)) < 0 ? -errno : 0;
    (void)close(fd);
    return failed;
}

static int make_pair(struct tph_netlink *n, const char *name, pid_t pid)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    uint32_t target = (uint32_t)pid;
    tph_netlink_begin(n, "make a veth pair", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
    tph_netlink_put_text(n, IFLA_IFNAME, name);
    size_t info = tph_netlink_nest(n, IFLA_LINKINFO);
    tph_netlink_put_text(n, IFLA_INFO_KIND, "veth");
    size_t data = tph_netlink_nest(n, IFLA_INFO_DATA);
    size_t peer = tph_netlink_nest(n, VETH_INFO_PEER);
    tph_netlink_put_struct(n, &link, sizeof(link));
    tph_netlink_put_text(n, IFLA_IFNAME, "eth0");
    tph_netlink_put(n, IFLA_NET_NS_PID, &target, sizeof(target));
    tph_netlink_unnest(n, peer);
    tph_netlink_unnest(n, data);
    tph_netlink_unnest(n, info);
    return tph_netlink_send(n);
}

static void put_up(struct tph_netlink *n, unsigned index)
{
    struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    tph_netlink_begin(n, "bring up the veth", RTM_NEWLINK, 0, &link, sizeof(link));
}

static void put_address(struct tph_netlink *n, unsigned index, uint32_t address)
{
    struct ifaddrmsg message = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = index};
    uint32_t bytes = htonl(address);
    tph_netlink_begin(n, "give the veth an address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof(message));
    tph_netlink_put(n, IFA_LOCAL, &bytes, sizeof(bytes));
    tph_netlink_put(n, IFA_ADDRESS, &bytes, sizeof(bytes));
}

/* to: 0 is everywhere; through: 0 is the link itself. */
static void put_route(struct tph_netlink *n, unsigned index, uint32_t to, uint32_t through)
{
    struct rtmsg route = {.rtm_family = AF_INET,
                          .rtm_dst_len = to ? 32 : 0,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_scope = through ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                          .rtm_type = RTN_UNICAST};
    uint32_t bytes = htonl(to);
    tph_netlink_begin(n, "add a route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
    if (to) {
        tph_netlink_put(n, RTA_DST, &bytes, sizeof(bytes));
    }
    bytes = htonl(through);
    if (through) {
        tph_netlink_put(n, RTA_GATEWAY, &bytes, sizeof(bytes));
    }
    tph_netlink_put(n, RTA_OIF, &index, sizeof(index));
}

/* An address that no other sandbox of this machine has: who adds the route has it. */
static int claim_address(struct tph_netlink *n, unsigned index, uint32_t *ret_address)
{
    int failed = -EEXIST;
    for (int i = 0; i < TRIES && failed == -EEXIST; i++) {
        uint16_t host = 0;
        if (getrandom(&host, sizeof(host), 0) != sizeof(host)) {
            return -errno;
        }
        *ret_address = TPH_VETH_NET | (host < FIRST_HOST ? host + FIRST_HOST : host);
        put_route(n, index, *ret_address, 0);
        failed = tph_netlink_send(n);
    }
    return failed;
}

static int set_up_outside(struct tph_netlink *n, const char *name, uint32_t *ret_address, const char **ret_step)
{
    unsigned index = if_nametoindex(name);
    *ret_step = "switch IPv6 off on the veth";
    int failed = write_switch("ipv6", name, "disable_ipv6", "1");
    if (failed == -ENOENT) {
        failed = 0; /* there is no IPv6 here */
    }
    if (failed == 0) {
        *ret_step = "let the veth forward";
        failed = write_switch("ipv4", name, "forwarding", "1");
    }
    if (failed < 0) {
        return failed;
    }
    put_up(n, index);
    put_address(n, index, TPH_VETH_GATEWAY);
    failed = tph_netlink_send(n);
    failed = failed < 0 ? failed : claim_address(n, index, ret_address);
    *ret_step = n->step;
    return failed;
}

static int enter(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return failed;
}

static int set_up_inside(struct tph_netlink *n, uint32_t address, const char **ret_step)
{
    unsigned index = if_nametoindex("eth0");
    (void)write_switch("ipv6", "eth0", "disable_ipv6", "1");
    put_up(n, index);
    put_address(n, index, address);
    put_route(n, index, TPH_VETH_GATEWAY, 0);
    put_route(n, index, 0, TPH_VETH_GATEWAY);
    int failed = tph_netlink_send(n);
    *ret_step = n->step;
    return failed;
}

int tph_veth_make(uint32_t uplink, pid_t pid, const char **ret_step)
{
    static struct tph_netlink n; /* too large for a stack; the shim has one thread and makes one sandbox */
    char name[TPH_VETH_NAME];
    uint32_t address = 0;
    uint16_t letters = 0;
    int failed = -EEXIST;
    *ret_step = "open netlink";
    int opened = tph_netlink_open(&n, NETLINK_ROUTE);
    if (opened < 0) {
        return opened;
    }
    for (int i = 0; i < TRIES && failed == -EEXIST; i++) {
        (void)!getrandom(&letters, sizeof(letters), 0);
        tph_veth_prefix(uplink, name);
        (void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%04x", letters);
        failed = make_pair(&n, name, pid);
        *ret_step = n.step;
    }
    failed = failed < 0 ? failed : set_up_outside(&n, name, &address, ret_step);
    tph_netlink_close(&n);
    if (failed < 0) {
        return failed;
    }
    *ret_step = "enter the sandbox's network";
    failed = enter(pid);
    failed = failed < 0 ? failed : tph_netlink_open(&n, NETLINK_ROUTE);
    failed = failed < 0 ? failed : set_up_inside(&n, address, ret_step);
    tph_netlink_close(&n);
    return failed;
}
