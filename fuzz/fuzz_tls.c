/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on a real socket: whatever a client sends in place of a handshake, in whatever pieces, it is turned away, and
 * nothing of it stays. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "fuzz.h"
#include "http/server.h"
#include "tls/certificate.h"
#include "tls/tls.h"

enum { MAX_TURNS = 1000, HOUR_S = 3600 };

struct scene {
    struct tph_loop *loop;
    struct tph_http_server *server;
    struct tph_tls *tls;
    int fd;
};

static void on_request(void *owner, struct tph_http_exchange *x)
{
    (void)owner;
    (void)x;
    FUZZ_HOLDS(!"a request came through without a handshake");
}

static const struct tph_http_handler handler = {.request = on_request};

static void make_tls(struct scene *s)
{
    static const char *const names[] = {"localhost"};
    int64_t now = time(NULL);
    TPH_CLEANUP(tph_certificate_release) struct tph_certificate ca = TPH_CERTIFICATE_INIT;
    TPH_CLEANUP(tph_certificate_release) struct tph_certificate own = TPH_CERTIFICATE_INIT;
    FUZZ_HOLDS(tph_certificate_make_ca("CA", now, now + HOUR_S, &ca, NULL) == 0);
    FUZZ_HOLDS(tph_certificate_make_server(tph_str(ca.certificate), tph_str(ca.key), names, 1, now, now + HOUR_S, &own,
                                           NULL) == 0);
    FUZZ_HOLDS(tph_tls_new(tph_str(own.certificate), tph_str(own.key), &s->tls, NULL) == 0);
}

static struct scene *scene(void)
{
    static struct scene s; /* one server for all inputs */
    if (!s.loop) {
        make_tls(&s);
        struct tph_http_server_config config = {
            .host = "127.0.0.1", .handler = &handler, .filter = tph_tls_filter(), .filter_owner = s.tls};
        FUZZ_HOLDS(tph_loop_new(&s.loop, NULL) == 0);
        FUZZ_HOLDS(tph_http_server_new(s.loop, &config, &s.server, NULL) == 0);
    }
    return &s;
}

/* Returns false when the server has closed the connection. */
static bool turn(struct scene *s)
{
    char bytes[4096];
    (void)uv_run(tph_loop_uv(s->loop), UV_RUN_NOWAIT);
    ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *s = scene();
    struct tph_str text = fuzz_text(data, size);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(tph_http_server_port(s->server))};
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    uint32_t seed = tph_fnv1a32(text);
    bool pieces = seed & 1, open = true;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_HOLDS(s->fd >= 0 && connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    FUZZ_HOLDS(setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    for (size_t at = 0; at < size && open;) {
        seed = seed * 1664525 + 1013904223;
        size_t n = pieces ? 1 + (seed >> 16) % 64 : size;
        n = n < size - at ? n : size - at;
        open = send(s->fd, text.p + at, n, MSG_NOSIGNAL) == (ssize_t)n && turn(s);
        at += n;
    }
    if (open) {
        (void)shutdown(s->fd, SHUT_WR);
        for (int i = 0; i < MAX_TURNS && open; i++) {
            open = turn(s);
        }
        FUZZ_HOLDS(!open);
    }
    close(s->fd);
    for (int i = 0; i < MAX_TURNS && tph_http_server_connections(s->server) > 0; i++) {
        (void)uv_run(tph_loop_uv(s->loop), UV_RUN_NOWAIT);
    }
    FUZZ_HOLDS(tph_http_server_connections(s->server) == 0);
    return 0;
}
