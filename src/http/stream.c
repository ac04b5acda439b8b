/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { KEEPALIVE_S = 30 }; /* between two questions whether a silent client is still there */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the length of the address, or 0 when host is no literal. */
static socklen_t parse_address(const char *host, uint16_t port, union address *ret_address)
{
    union address address = {.v6 = {.sin6_family = AF_UNSPEC}};
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        *ret_address = address;
        return sizeof(address.v4);
    }
    address = (union address){.v6 = {.sin6_family = AF_UNSPEC}};
    if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        *ret_address = address;
        return sizeof(address.v6);
    }
    return 0;
}

int tph_stream_connect(const char *host, uint16_t port)
{
    union address address;
    socklen_t len = parse_address(host, port, &address);
    if (len == 0) {
        return -EADDRNOTAVAIL;
    }
    TPH_CLEANUP(tph_fd_close) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1; /* the last small segment of a large request does not wait for an acknowledgement */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, &address.any, len) < 0 && errno != EINPROGRESS) {
        return -errno;
    }
    return tph_fd_take(&fd);
}

int tph_stream_listen(const char *host, uint16_t port)
{
    union address address;
    socklen_t len = parse_address(host, port, &address);
    if (len == 0) {
        return -EADDRNOTAVAIL;
    }
    TPH_CLEANUP(tph_fd_close) int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1; /* a restarted server takes its port again at once; accepted sockets inherit the others */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on,
                     sizeof(on)); /* sees clients whose machine is gone, in minutes */
    int idle = KEEPALIVE_S;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
    if (bind(fd, &address.any, len) < 0 || listen(fd, SOMAXCONN) < 0) {
        return -errno;
    }
    return tph_fd_take(&fd);
}

int tph_stream_open(struct tph_stream *stream, struct tph_loop *loop, int fd, tph_io_fn *ready, void *owner)
{
    *stream = TPH_STREAM_INIT;
    stream->fd = fd;
    if (tph_io_new(loop, fd, ready, owner, &stream->io, NULL) < 0) {
        stream->io = NULL;
        tph_fd_close(&stream->fd);
        return -EBADF;
    }
    return 0;
}

int tph_stream_filter(struct tph_stream *stream, const struct tph_stream_filter *filter, void *owner)
{
    stream->state = filter->open(owner, stream->fd);
    if (!stream->state) {
        return -1;
    }
    stream->filter = filter;
    return 0;
}

bool tph_stream_blocked(const struct tph_stream *stream)
{
    return stream->filter && stream->filter->blocked(stream->state);
}

void tph_stream_watch(struct tph_stream *stream, unsigned events)
{
    if ((events & TPH_IO_READ) && tph_stream_blocked(stream)) {
        events |= TPH_IO_WRITE;
    }
    tph_io_watch(stream->io, events);
}

void tph_stream_close(struct tph_stream *stream)
{
    if (stream->filter) {
        stream->filter->close(stream->state);
        stream->filter = NULL;
        stream->state = NULL;
    }
    tph_io_free(TPH_TAKE(stream->io));
    tph_fd_close(&stream->fd);
}

ssize_t tph_stream_read(struct tph_stream *stream, char *bytes, size_t len)
{
    if (stream->filter) {
        return stream->filter->read(stream->state, bytes, len);
    }
    for (;;) {
        ssize_t n = recv(stream->fd, bytes, len, 0);
        if (n >= 0) {
            return n;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

ssize_t tph_stream_write(struct tph_stream *stream, const struct iovec *pieces, size_t n_pieces)
{
    if (stream->filter) {
        return stream->filter->write(stream->state, pieces, n_pieces);
    }
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = n_pieces};
    for (;;) {
        ssize_t n = n_pieces == 1 ? send(stream->fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL)
                                  : sendmsg(stream->fd, &message, MSG_NOSIGNAL);
        if (n >= 0) {
            return n;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

void tph_stream_acknowledge(struct tph_stream *stream)
{
    int on = 1;
    (void)setsockopt(stream->fd, IPPROTO_TCP, TCP_QUICKACK, &on,
                     sizeof(on)); /* a gain; other sockets have no such thing */
}

void tph_stream_finish(struct tph_stream *stream)
{
    if (stream->filter) {
        stream->filter->finish(stream->state);
    }
}

void tph_stream_end(struct tph_stream *stream)
{
    tph_stream_finish(stream);
    (void)shutdown(stream->fd, SHUT_WR); /* fails only when the connection is broken: then nobody waits for it */
}

bool tph_stream_quiet(struct tph_stream *stream)
{
    char byte;
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

void tph_stream_address(const char *host, uint16_t port, char text[TPH_STREAM_ADDRESS])
{
    (void)snprintf(text, TPH_STREAM_ADDRESS, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

static bool local_address(int fd, union address *ret_address)
{
    socklen_t len = sizeof(*ret_address);
    return getsockname(fd, &ret_address->any, &len) == 0;
}

static void address_text(const union address *address, char text[TPH_STREAM_ADDRESS])
{
    char host[INET6_ADDRSTRLEN];
    if (address->any.sa_family == AF_INET && inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host))) {
        tph_stream_address(host, ntohs(address->v4.sin_port), text);
    } else if (address->any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host))) {
        tph_stream_address(host, ntohs(address->v6.sin6_port), text);
    }
}

void tph_stream_local(const struct tph_stream *stream, char text[TPH_STREAM_ADDRESS])
{
    union address address = {.v6 = {.sin6_family = AF_UNSPEC}};
    text[0] = '\0';
    if (local_address(stream->fd, &address)) {
        address_text(&address, text);
    }
}

void tph_stream_peer(const struct tph_stream *stream, char text[TPH_STREAM_ADDRESS])
{
    union address address = {.v6 = {.sin6_family = AF_UNSPEC}};
    socklen_t len = sizeof(address);
    text[0] = '\0';
    if (getpeername(stream->fd, &address.any, &len) == 0) {
        address_text(&address, text);
    }
}

uint16_t tph_stream_port(int fd)
{
    union address address = {.v6 = {.sin6_family = AF_UNSPEC}};
    if (!local_address(fd, &address)) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}
