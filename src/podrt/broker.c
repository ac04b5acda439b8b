/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/broker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "podrt/spawn.h"

#define BROKER_NAME "tiphys-broker"

enum { ANSWER_MS = 2000, SOCKET_FD = 3 };

struct tph_broker {
    pid_t pid;
    int fd;
};

struct request {
    int family;
};

int tph_broker_new(pid_t pid, struct tph_broker **ret_broker)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    TPH_CLEANUP(tph_fd_close) int ours = ends[0];
    TPH_CLEANUP(tph_fd_close) int theirs = ends[1];
    struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    (void)setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    TPH_CLEANUP(tph_freep) char *target = tph_format("%d", (int)pid);
    char *argv[] = {(char[]){BROKER_NAME}, target, NULL};
    const int to = SOCKET_FD;
    pid_t broker = 0;
    int failed = tph_spawn_self(argv, &theirs, &to, 1, &broker);
    if (failed < 0) {
        return failed;
    }
    struct tph_broker *b = TPH_NEW(struct tph_broker);
    b->pid = broker;
    b->fd = tph_fd_take(&ours);
    *ret_broker = b;
    return 0;
}

void tph_broker_free(struct tph_broker *b)
{
    if (b) {
        tph_fd_close(&b->fd);
        (void)kill(b->pid, SIGKILL);
        while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        free(b);
    }
}

static int receive_socket(struct tph_broker *b)
{
    int number = 0;
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {.iov_base = &number, .iov_len = sizeof(number)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(b->fd, &message, MSG_CMSG_CLOEXEC);
    if (n != sizeof(number)) {
        return n < 0 ? -errno : -ECONNREFUSED;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (number != 0 || !header || header->cmsg_type != SCM_RIGHTS) {
        return number != 0 ? -number : -ECONNREFUSED;
    }
    int fd = -1;
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int tph_broker_connect(struct tph_broker *b, const char *host, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {.sin6_family = AF_UNSPEC}};
    struct request request = {.family = strchr(host, ':') ? AF_INET6 : AF_INET};
    socklen_t len = sizeof(address.v4);
    if (request.family == AF_INET) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        (void)inet_pton(AF_INET, host, &address.v4.sin_addr);
    } else {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        (void)inet_pton(AF_INET6, host, &address.v6.sin6_addr);
        len = sizeof(address.v6);
    }
    if (send(b->fd, &request, sizeof(request), MSG_NOSIGNAL) < 0) {
        return -errno;
    }
    TPH_CLEANUP(tph_fd_close) int fd = receive_socket(b);
    if (fd < 0) {
        int number = fd;
        fd = -1;
        return number;
    }
    if (connect(fd, &address.any, len) < 0 && errno != EINPROGRESS) {
        return -errno;
    }
    return tph_fd_take(&fd);
}

static void answer(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = fd < 0 ? errno : 0;
    char control[CMSG_SPACE(sizeof(int))];
    memset(control, 0, sizeof(control));
    struct iovec part = {.iov_base = &number, .iov_len = sizeof(number)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    (void)!sendmsg(SOCKET_FD, &message, MSG_NOSIGNAL);
    tph_fd_close(&fd);
}

static int enter(const char *pid, const char *kind, int flag)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("/proc/%s/ns/%s", pid, kind);
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || setns(fd, flag) < 0 ? -errno : 0;
}

void tph_broker_main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[0], BROKER_NAME) != 0) {
        return;
    }
    if (geteuid() != 0 && enter(argv[1], "user", CLONE_NEWUSER) < 0) {
        _exit(1);
    }
    if (enter(argv[1], "net", CLONE_NEWNET) < 0) {
        _exit(1);
    }
    struct request request;
    while (recv(SOCKET_FD, &request, sizeof(request), 0) == sizeof(request)) {
        answer(request.family);
    }
    _exit(0);
}
