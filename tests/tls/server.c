/* SPDX-License-Identifier: Apache-2.0 */
/* tls_server DIRECTORY [HEAD_MS]: an HTTPS server for peers.py. Leaves ca.pem in the directory, prints its port, and
 * serves until GET /quit.
 *
 *   /hello        a few bytes          /echo         the request's body
 *   /big          8 MiB                /watch        a first piece, then nothing
 *   /flood        pieces for as long as they are taken, 64 MiB in all
 *   /counts       handshakes, resumed, failed, connections
 *   /renew        a new certificate for new connections
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "http/server.h"
#include "tls/certificate.h"
#include "tls/tls.h"

enum { DAY_S = 86400, PIECE = 10000 };

struct scene {
    struct tph_loop *loop;
    struct tph_http_server *server;
    struct tph_tls *tls;
    struct tph_certificate ca, own;
    char *big;
};

static int make_certificate(struct scene *s, struct tph_error *err)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    tph_certificate_release(&s->own);
    return tph_certificate_make_server(tph_str(s->ca.certificate), tph_str(s->ca.key), names, 3, time(NULL),
                                       time(NULL) + DAY_S, &s->own, err);
}

static void reply(struct tph_http_exchange *x, struct tph_str body)
{
    static const struct tph_http_header type = {"Content-Type", "text/plain"};
    struct tph_http_reply r = {.status = 200, .headers = &type, .n_headers = 1, .body = body};
    tph_http_exchange_reply(x, &r);
}

static void flood(struct tph_http_exchange *x)
{
    static char piece[PIECE];
    size_t *left = tph_http_exchange_user(x);
    memset(piece, '#', sizeof(piece));
    while (*left > 0) {
        size_t n = *left < PIECE ? *left : PIECE;
        if (tph_http_exchange_write(x, (struct tph_str){piece, n}) == TPH_HTTP_FULL) {
            return;
        }
        *left -= n;
    }
    tph_http_exchange_end(x);
}

static void counts(struct scene *s, struct tph_http_exchange *x)
{
    char text[200];
    struct tph_tls_counts c = tph_tls_counts(s->tls);
    (void)snprintf(text, sizeof(text), "{\"handshakes\":%llu,\"resumed\":%llu,\"failed\":%llu,\"connections\":%zu}",
                   (unsigned long long)c.handshakes, (unsigned long long)c.resumed, (unsigned long long)c.failed,
                   tph_http_server_connections(s->server));
    reply(x, tph_str(text));
}

static void on_request(void *owner, struct tph_http_exchange *x)
{
    struct scene *s = owner;
    const char *target = tph_http_exchange_target(x);
    struct tph_http_reply stream = {.status = 200};
    if (strcmp(target, "/echo") == 0) {
        reply(x, tph_http_exchange_body(x));
    } else if (strcmp(target, "/big") == 0) {
        reply(x, (struct tph_str){s->big, TPH_MIB(8)});
    } else if (strcmp(target, "/watch") == 0) {
        tph_http_exchange_begin(x, &stream);
        (void)!tph_http_exchange_write(x, TPH_STR("first\n"));
    } else if (strcmp(target, "/flood") == 0) {
        size_t *left = TPH_NEW(size_t);
        *left = TPH_MIB(64);
        tph_http_exchange_set_user(x, left);
        tph_http_exchange_begin(x, &stream);
        flood(x);
    } else if (strcmp(target, "/counts") == 0) {
        counts(s, x);
    } else if (strcmp(target, "/renew") == 0) {
        struct tph_error err = TPH_ERROR_INIT;
        if (make_certificate(s, &err) < 0 ||
            tph_tls_renew(s->tls, tph_str(s->own.certificate), tph_str(s->own.key), &err) < 0) {
            reply(x, tph_str(err.text));
            return;
        }
        reply(x, TPH_STR("renewed"));
    } else {
        if (strcmp(target, "/quit") == 0) {
            tph_http_server_drain(s->server);
            tph_loop_stop(s->loop);
        }
        reply(x, TPH_STR("hello\n"));
    }
}

static void on_ended(void *owner, struct tph_http_exchange *x, enum tph_http_end how)
{
    (void)owner;
    (void)how;
    free(tph_http_exchange_user(x));
}

static void on_drained(void *owner, struct tph_http_exchange *x)
{
    (void)owner;
    flood(x);
}

static int serve(struct scene *s, const char *directory, int64_t head_ms, struct tph_error *err)
{
    static const struct tph_http_handler handler = {.request = on_request, .drained = on_drained, .ended = on_ended};
    struct tph_http_server_config config = {
        .host = "127.0.0.1", .handler = &handler, .owner = s, .filter = tph_tls_filter(), .head_ms = head_ms};
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/ca.pem", directory);
    if (tph_certificate_make_ca("CA of a test", time(NULL), time(NULL) + DAY_S, &s->ca, err) < 0 ||
        make_certificate(s, err) < 0 || tph_fd_write_file(path, tph_str(s->ca.certificate), 0644, err) < 0 ||
        tph_tls_new(tph_str(s->own.certificate), tph_str(s->own.key), &s->tls, err) < 0 ||
        tph_loop_new(&s->loop, err) < 0) {
        return -1;
    }
    config.filter_owner = s->tls;
    if (tph_http_server_new(s->loop, &config, &s->server, err) < 0) {
        return -1;
    }
    (void)printf("%u\n", tph_http_server_port(s->server));
    (void)fflush(stdout);
    tph_loop_run(s->loop);
    return 0;
}

int main(int argc, char **argv)
{
    struct scene s = {.big = tph_malloc(TPH_MIB(8))};
    struct tph_error err = TPH_ERROR_INIT;
    for (size_t i = 0; i < TPH_MIB(8); i++) {
        s.big[i] = (char)('a' + i % 23);
    }
    int failed = argc < 2 ? -1 : serve(&s, argv[1], argc > 2 ? atoi(argv[2]) : 0, &err);
    if (failed < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
    }
    tph_http_server_free(s.server);
    if (s.loop) {
        tph_loop_free(s.loop);
    }
    tph_tls_free(s.tls);
    tph_certificate_release(&s.ca);
    tph_certificate_release(&s.own);
    free(s.big);
    return failed < 0 ? 1 : 0;
}
