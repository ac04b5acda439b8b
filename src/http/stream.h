/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes under HTTP: a connected stream socket in the loop. The one place of this layer that reads and writes
 * sockets, so that TLS can be put in here and nowhere else: as a filter, which reads and writes the socket in its
 * place (src/tls has one). A plain value inside its owner. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop/loop.h"

/* What may stand between a socket and the bytes above it. It never waits, and keeps no bytes for the reader: when read
 * has returned, everything that it took off the socket was handed out, so that the readiness of the socket tells all.
 */
struct tph_stream_filter {
    /* Begins on a connected socket, which it borrows. NULL when it cannot. */
    void *(*open)(void *owner, int fd);
    /* As tph_stream_read and tph_stream_write. What write refused comes again, with or without more behind it. */
    ssize_t (*read)(void *state, char *bytes, size_t len);
    ssize_t (*write)(void *state, const struct iovec *pieces, size_t n_pieces);
    bool (*blocked)(const void *state); /* reading goes on when the socket takes bytes */
    void (*finish)(void *state);        /* tells the peer that all has been sent */
    void (*close)(void *state);         /* frees; the socket is closed by the stream */
};

/* len of every read under a filter */
enum { TPH_STREAM_LEAST = 65536 };

struct tph_stream {
    int fd;                                 /* owned; -1 when closed */
    struct tph_io *io;                      /* owned */
    const struct tph_stream_filter *filter; /* NULL: the bytes are those of the socket */
    void *state;                            /* owned: the filter's */
};

#define TPH_STREAM_INIT ((struct tph_stream){.fd = -1, .io = NULL, .filter = NULL})

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
/* Puts a filter in, before the first byte. -1 when it cannot begin: close the stream. */
int tph_stream_filter(struct tph_stream *stream, const struct tph_stream_filter *filter, void *owner) TPH_MUST_CHECK;
/* TPH_IO_*, 0 pauses. Who watches for reading reads whatever it became ready for: see blocked above. */
void tph_stream_watch(struct tph_stream *stream, unsigned events);
bool tph_stream_blocked(const struct tph_stream *stream);
void tph_stream_close(struct tph_stream *stream); /* closed before is fine */

/* Returns how many bytes, 0 at the end, -EAGAIN when nothing is there, or -errno. Never a signal. */
ssize_t tph_stream_read(struct tph_stream *stream, char *bytes, size_t len) TPH_MUST_CHECK;
/* Returns how many bytes of all pieces together, -EAGAIN when nothing goes (also while connecting), or -errno. */
ssize_t tph_stream_write(struct tph_stream *stream, const struct iovec *pieces, size_t n_pieces) TPH_MUST_CHECK;
/* Acknowledges what came, now and not in 40 ms: a server that writes head and body apart sends the second only then
 * (Nagle's algorithm waits for it). */
void tph_stream_acknowledge(struct tph_stream *stream);
/* No more is coming from us; what the peer sends can still be read. */
void tph_stream_end(struct tph_stream *stream);
/* All was sent: under TLS a peer that is not told takes the end for an attack. Nothing on a bare socket. */
void tph_stream_finish(struct tph_stream *stream);

/* Connected, and the peer has neither sent anything nor closed. */
bool tph_stream_quiet(struct tph_stream *stream);

/* The texts of both ends, "" where there is none (a Unix socket). */
void tph_stream_local(const struct tph_stream *stream, char text[TPH_STREAM_ADDRESS]);
void tph_stream_peer(const struct tph_stream *stream, char text[TPH_STREAM_ADDRESS]);
void tph_stream_address(const char *host, uint16_t port, char text[TPH_STREAM_ADDRESS]);

/* The port a listening descriptor has got. */
uint16_t tph_stream_port(int fd);
