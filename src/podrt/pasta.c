/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/pasta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "podrt/netlink.h"
#include "podrt/sandbox_wire.h"
#include "podrt/spawn.h"

#define WATCHER_NAME "tiphys-pasta"

enum { LIFELINE_FD = 3, PROGRAM_FD = 4, AWAIT_MS = 10000 };

static bool has_default_route(void)
{
    FILE *routes = fopen("/proc/self/net/route", "re");
    char line[512];
    bool found = false;
    while (routes && !found && fgets(line, sizeof(line), routes)) {
        unsigned destination = 1, gateway = 0, flags = 0, mask = 1;
        found = sscanf(line, "%*s %x %x %x %*d %*d %*d %x", &destination, &gateway, &flags, &mask) == 4 &&
                destination == 0 && mask == 0 && (flags & 1) != 0;
    }
    if (routes) {
        (void)fclose(routes);
    }
    return found;
}

int tph_pasta_find(char *path, size_t size, const char **ret_step)
{
    static const char *const dirs[] = {"/usr/local/bin", "/usr/bin", "/bin"};
    *ret_step = "find the program pasta";
    bool found = false;
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !found; i++) {
        (void)snprintf(path, size, "%s/pasta", dirs[i]);
        found = access(path, X_OK) == 0;
    }
    if (!found) {
        return -ENOENT;
    }
    *ret_step = "open /dev/net/tun";
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return -errno; /* where it cannot, old ones of it hang */
    }
    (void)close(fd);
    *ret_step = "find the default route";
    return has_default_route() ? 0 : -ENETUNREACH;
}

void tph_pasta_look(struct tph_pasta_refused *ret)
{
    struct ifaddrs *list = NULL;
    ret->n = 0;
    if (getifaddrs(&list) < 0) {
        return;
    }
    for (const struct ifaddrs *one = list; one && ret->n < TPH_PASTA_REFUSED; one = one->ifa_next) {
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, one->ifa_addr, sizeof(in));
            if (ntohl(in.sin_addr.s_addr) >> 24 != 127) {
                ret->addresses[ret->n++] = in.sin_addr.s_addr;
            }
        }
    }
    freeifaddrs(list);
}

int tph_pasta_start(const char *path, pid_t pid)
{
    char number[24];
    char program[256];
    const int from[] = {TPH_SHIM_LIFELINE, TPH_SHIM_PROGRAM};
    const int to[] = {LIFELINE_FD, PROGRAM_FD};
    pid_t watcher = 0;
    (void)snprintf(number, sizeof(number), "%d", (int)pid);
    (void)snprintf(program, sizeof(program), "%s", path);
    char *argv[] = {(char[]){WATCHER_NAME}, program, number, NULL};
    return tph_spawn_self(argv, from, to, 2, &watcher);
}

/* ---- the process that ends it ---- */

static int spawn_pasta(char *path, char *number, pid_t *ret_pid)
{
    char *argv[] = {path,
                    (char[]){"--config-net"},
                    (char[]){"--foreground"},
                    (char[]){"--quiet"},
                    (char[]){"--ipv4-only"},
                    (char[]){"--no-map-gw"}, /* the gateway's address is the gateway, not this machine's loopback */
                    (char[]){"--tcp-ports"},
                    (char[]){"none"},
                    (char[]){"--udp-ports"},
                    (char[]){"none"},
                    (char[]){"--tcp-ns"},
                    (char[]){"none"}, /* nor do ports of its loopback lead to ours */
                    (char[]){"--udp-ns"},
                    (char[]){"none"},
                    number,
                    NULL};
    char *env[] = {NULL};
    return -posix_spawn(ret_pid, path, NULL, NULL, argv, env);
}

void tph_pasta_main(int argc, char **argv)
{
    char byte;
    pid_t pasta = 0;
    if (argc != 3 || strcmp(argv[0], WATCHER_NAME) != 0) {
        return;
    }
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    int sandbox = (int)syscall(SYS_pidfd_open, (pid_t)strtol(argv[2], NULL, 10), 0);
    /* Of our descriptors pasta gets none. */
    (void)fcntl(LIFELINE_FD, F_SETFD, FD_CLOEXEC);
    (void)fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC);
    if (sandbox < 0 || spawn_pasta(argv[1], argv[2], &pasta) < 0) {
        _exit(1);
    }
    int own = (int)syscall(SYS_pidfd_open, pasta, 0);
    struct pollfd ends[] = {{.fd = LIFELINE_FD, .events = POLLIN},
                            {.fd = PROGRAM_FD, .events = POLLIN},
                            {.fd = sandbox, .events = POLLIN},
                            {.fd = own, .events = POLLIN}};
    while (poll(ends, 4, -1) < 0 && errno == EINTR) {
    }
    if (ends[0].revents & POLLIN) {
        (void)!read(LIFELINE_FD, &byte, 1);
    }
    (void)kill(pasta, SIGKILL);
    (void)waitpid(pasta, NULL, 0);
    _exit(0);
}

/* ---- in the sandbox ---- */

static void put_refusal(struct tph_netlink *n, uint32_t to, uint8_t bits)
{
    struct rtmsg route = {.rtm_family = AF_INET,
                          .rtm_dst_len = bits,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_type = RTN_UNREACHABLE};
    tph_netlink_begin(n, "refuse addresses by a route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route,
                      sizeof(route));
    tph_netlink_put(n, RTA_DST, &to, sizeof(to));
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int tph_pasta_await(const struct tph_pasta_refused *refused, const char **ret_step)
{
    enum { LINK_LOCAL = 0xa9fe0000 };
    static struct tph_netlink n;
    char news[8192];
    *ret_step = "open netlink";
    int failed = tph_netlink_open(&n, NETLINK_ROUTE);
    if (failed < 0) {
        return failed;
    }
    put_refusal(&n, htonl(LINK_LOCAL), 16);
    for (size_t i = 0; i < refused->n; i++) {
        put_refusal(&n, refused->addresses[i], 32);
    }
    failed = tph_netlink_send(&n);
    *ret_step = n.step;
    tph_netlink_close(&n);
    if (failed < 0) {
        return failed;
    }
    *ret_step = "await the network that pasta makes";
    struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
        return -errno;
    }
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    for (int64_t until = now_ms() + AWAIT_MS; failed == 0 && !has_default_route();) {
        int64_t left = until - now_ms();
        failed = left <= 0 || poll(&readable, 1, (int)left) == 0 ? -ETIMEDOUT : 0;
        (void)!recv(fd, news, sizeof(news), MSG_DONTWAIT);
    }
    (void)close(fd);
    return failed;
}
