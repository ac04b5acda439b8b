/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes under HTTP: a connected stream socket in the loop. The one place of this layer that reads and writes
 * sockets, so that TLS can be put in here and nowhere else. A plain value inside its owner. Loop thread only.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop/loop.h"

struct tph_stream {
    int fd;            /* owned; -1 when closed */
    struct tph_io *io; /* owned */
};

#define TPH_STREAM_INIT ((struct tph_stream){.fd = -1, .io = NULL})

/* An address as text, for messages: "127.0.0.1:4355", "[::1]:4355". */
enum { TPH_STREAM_ADDRESS = 64 };

/* Begins a connection to an IPv4 or IPv6 literal. Returns a descriptor, or -errno; -EADDRNOTAVAIL when host is no
 * literal. On the loopback device it is usually there at once: just write. */
int tph_stream_connect(const char *host, uint16_t port) TPH_MUST_CHECK;

/* Listens on a literal; port 0 lets the kernel choose. Returns a descriptor, or -errno. */
int tph_stream_listen(const char *host, uint16_t port) TPH_MUST_CHECK;

/* Takes over fd, also when it fails (-errno). ready is not called before watch. */
int tph_stream_open(struct tph_stream *stream, struct tph_loop *loop, int fd, tph_io_fn *ready, void *owner)
    TPH_MUST_CHECK;
void tph_stream_watch(struct tph_stream *stream, unsigned events); /* TPH_IO_*, 0 pauses */
void tph_stream_close(struct tph_stream *stream);                  /* closed before is fine */

/* Returns how many bytes, 0 at the end, -EAGAIN when nothing is there, or -errno. Never a signal. */
ssize_t tph_stream_read(struct tph_stream *stream, char *bytes, size_t len) TPH_MUST_CHECK;
/* Returns how many bytes of all pieces together, -EAGAIN when nothing goes (also while connecting), or -errno. */
ssize_t tph_stream_write(struct tph_stream *stream, const struct iovec *pieces, size_t n_pieces) TPH_MUST_CHECK;
/* Acknowledges what came, now and not in 40 ms: a server that writes head and body apart sends the second only then
 * (Nagle's algorithm waits for it). */
void tph_stream_acknowledge(struct tph_stream *stream);
/* No more is coming from us; what the peer sends can still be read. */
void tph_stream_end(struct tph_stream *stream);

/* Connected, and the peer has neither sent anything nor closed. */
bool tph_stream_quiet(struct tph_stream *stream);

/* The texts of both ends, "" where there is none (a Unix socket). */
void tph_stream_local(const struct tph_stream *stream, char text[TPH_STREAM_ADDRESS]);
void tph_stream_address(const char *host, uint16_t port, char text[TPH_STREAM_ADDRESS]);

/* The port a listening descriptor has got. */
uint16_t tph_stream_port(int fd);
