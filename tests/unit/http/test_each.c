/* SPDX-License-Identifier: Apache-2.0 */
/* One address has only so many connections, our own machine as many as there are. */
#include <ifaddrs.h>
#include <net/if.h>

#include "base/limits.h"
#include "http/server.h"
#include "peer.h"

static void on_request(void *owner, struct tph_http_exchange *x)
{
    struct tph_http_reply r = {.status = 200};
    char text[64];
    (void)owner;
    tph_http_exchange_peer(x, text, sizeof(text));
    assert_true(strchr(text, ':') != NULL);
    tph_http_exchange_reply(x, &r);
}

static const struct tph_http_handler handler = {.request = on_request};

/* An IPv4 address of this machine beside those of the loopback device. */
static bool own_address(struct sockaddr_in *ret)
{
    struct ifaddrs *all;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET && !(one->ifa_flags & IFF_LOOPBACK) &&
            (one->ifa_flags & IFF_UP)) {
            memcpy(ret, one->ifa_addr, sizeof(*ret));
            found = true;
        }
    }
    freeifaddrs(all);
    return found;
}

static int dial(struct sockaddr_in to, uint16_t port)
{
    to.sin_port = htons(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* 1: it has an answer, 0: it was closed. */
static int ask(struct tph_loop *loop, int fd)
{
    char byte;
    ssize_t n;
    (void)!send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL);
    do {
        (void)uv_run(tph_loop_uv(loop), UV_RUN_NOWAIT);
        n = recv(fd, &byte, 1, MSG_DONTWAIT);
    } while (n < 0 && errno == EAGAIN);
    return n > 0;
}

static void ask_three(struct sockaddr_in to, bool third)
{
    struct tph_loop *loop;
    struct tph_http_server *server;
    struct tph_http_server_config config = {.host = "0.0.0.0", .handler = &handler, .max_each = 2};
    assert_int_equal(tph_loop_new(&loop, NULL), 0);
    assert_int_equal(tph_http_server_new(loop, &config, &server, NULL), 0);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(to, tph_http_server_port(server));
        assert_int_equal(ask(loop, fds[i]), i < 2 || third);
    }
    close(fds[0]); /* makes room */
    while (tph_http_server_connections(server) > (third ? 2 : 1)) {
        (void)uv_run(tph_loop_uv(loop), UV_RUN_NOWAIT);
    }
    fds[0] = dial(to, tph_http_server_port(server));
    assert_int_equal(ask(loop, fds[0]), 1);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    tph_http_server_free(server);
    tph_loop_free(loop);
}

static void test_own_machine(void **state)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    (void)state;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ask_three(to, true);
}

static void test_other_address(void **state)
{
    struct sockaddr_in to;
    (void)state;
    if (!own_address(&to)) {
        print_message("this machine has no other address\n");
        skip();
    }
    ask_three(to, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_machine), cmocka_unit_test(test_other_address)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
