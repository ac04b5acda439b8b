/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

int tph_dial_loopback(const char *host, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {.in6 = {.sin6_family = AF_UNSPEC}};
    socklen_t len;
    if (strcmp(host, "::1") == 0) {
        address.in6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        len = sizeof(address.in6);
    } else if (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0) {
        address.in =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        len = sizeof(address.in);
    } else {
        return -EINVAL;
    }
    TPH_CLEANUP(tph_fd_close) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    /* A head and a body that were written apart leave at once. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &address.any, len) < 0 && errno != EINPROGRESS) {
        return -errno;
    }
    return tph_fd_take(&fd);
}
