/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "podrt/ports.h"

/* Lines as the kernel prints them on a little-endian machine. */
#define REST               " 00000000:00000000 00:00000000 00000000     0        0 62256 1 0000000083de950b 100 0 0 10 0"
#define V6_LOOPBACK        "00000000000000000000000001000000"
#define V6_MAPPED_LOOPBACK "0000000000000000FFFF00000100007F"
#define V6_ANY             "00000000000000000000000000000000"
#define V6_OTHER           "000080FE00000000FF005450B6AD1DFE"

static void a_listener_is_read_with_its_port_address_and_inode(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint16_t port;
        bool everywhere, loopback;
    } cases[] = {
        {"0: 00000000:112F 00000000:0000 0A" REST, 4399, true, true},
        {"1: 0100007F:1103 00000000:0000 0A" REST, 4355, false, true},
        {"12: 0500A8C0:0050 00000000:0000 0A" REST, 80, false, false},
        {"0: " V6_ANY ":1F90 " V6_ANY ":0000 0A" REST, 8080, true, true},
        {"0: " V6_LOOPBACK ":1F90 " V6_ANY ":0000 0A" REST, 8080, false, true},
        {"0: " V6_MAPPED_LOOPBACK ":1F90 " V6_ANY ":0000 0A" REST, 8080, false, true},
        {"0: " V6_OTHER ":FFFF " V6_ANY ":0000 0A" REST, 65535, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tph_listener found;
        assert_int_equal(tph_listener_parse(tph_str(cases[i].line), &found), 0);
        assert_int_equal(found.port, cases[i].port);
        assert_int_equal(found.everywhere, cases[i].everywhere);
        assert_int_equal(found.loopback, cases[i].loopback);
        assert_int_equal(found.inode, 62256);
    }
}

static void what_is_no_listener_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "2: 0100007F:1103 0100007F:CDBE 06" REST, /* a connection */
        "2: 0100007F:1103 0100007F:CDBE 0A",      /* cut */
        "2: 0100007F 00000000:0000 0A" REST,
        "2: 0100007F:11035 00000000:0000 0A" REST, /* no port */
        "2: 010000:1103 00000000:0000 0A" REST,
        "2: 0100007G:1103 00000000:0000 0A" REST,
        "2: 0100007F:1103 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 x 1",
        "2: 0100007F:1103 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 -5 1",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct tph_listener found;
        assert_int_equal(tph_listener_parse(tph_str(lines[i]), &found), -1);
    }
}

static int listen_on(uint32_t address, uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    socklen_t len = sizeof(in);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *ret_port = ntohs(in.sin_port);
    return fd;
}

static void a_real_listener_is_found_with_the_process_that_holds_it(void **state)
{
    (void)state;
    struct tph_listener found;
    char name[32];
    uint16_t port = 0;
    assert_int_equal(prctl(PR_SET_NAME, "a\tname"), 0);
    int fd = listen_on(INADDR_LOOPBACK, &port);
    assert_int_equal(tph_listener_find(port, &found), 1);
    assert_false(found.everywhere);
    assert_int_equal(tph_listener_process(&found, name), getpid());
    assert_string_equal(name, "a?name"); /* nothing that moves a cursor */
    close(fd);
    assert_int_equal(tph_listener_find(port, &found), 0);

    fd = listen_on(INADDR_ANY, &port);
    assert_int_equal(tph_listener_find(port, &found), 1);
    assert_true(found.everywhere);
    close(fd);
}

static int listen_on_v6(bool loopback, bool both, uint16_t *ret_port)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = loopback ? in6addr_loopback : in6addr_any};
    socklen_t len = sizeof(in);
    int only = both ? 0 : 1;
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0 ||
        bind(fd, (struct sockaddr *)&in, len) < 0) {
        close(fd);
        return -1; /* no IPv6 here */
    }
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *ret_port = ntohs(in.sin6_port);
    return fd;
}

static void both_ways_find(uint16_t port, bool everywhere)
{
    struct tph_listener by_netlink = {.port = 0}, in_proc = {.port = 0};
    int answered = tph_listener_find_by_netlink(port, &by_netlink);
    assert_int_equal(tph_listener_find_in_proc(port, &in_proc), 1);
    assert_int_equal(in_proc.everywhere, everywhere);
    if (answered < 0) {
        print_message("[  NOTE    ] this kernel has no sock_diag for TCP\n");
        return;
    }
    assert_int_equal(answered, 1);
    assert_int_equal(by_netlink.port, in_proc.port);
    assert_int_equal(by_netlink.everywhere, everywhere);
    assert_int_equal(by_netlink.loopback, in_proc.loopback);
    assert_int_equal(by_netlink.inode, in_proc.inode);
}

static bool is_among(uint16_t port, const uint16_t *ports, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* Whoever asks netlink and whoever reads /proc sees the same, also with more listeners than one packet holds. */
static void both_ways_of_looking_agree(void **state)
{
    (void)state;
    enum { MANY = 400 };
    int many[MANY];
    uint16_t others[MANY], port = 0;
    for (size_t i = 0; i < MANY; i++) {
        many[i] = listen_on(INADDR_LOOPBACK + (uint32_t)i, &others[i]);
    }
    static const uint32_t addresses[] = {INADDR_LOOPBACK, INADDR_ANY, INADDR_LOOPBACK + 5};
    for (size_t i = 0; i < 3; i++) {
        int fd = listen_on(addresses[i], &port);
        while (is_among(port, others, MANY)) { /* one of the many has it on another address, and would be found */
            close(fd);
            fd = listen_on(addresses[i], &port);
        }
        both_ways_find(port, addresses[i] == INADDR_ANY);
        close(fd);
        struct tph_listener none;
        assert_true(tph_listener_find_by_netlink(port, &none) <= 0);
        assert_int_equal(tph_listener_find_in_proc(port, &none), 0);
    }
    for (int loopback = 0; loopback < 2; loopback++) {
        for (int both = 0; both < 2; both++) {
            int fd = listen_on_v6(loopback == 1, both == 1, &port);
            if (fd >= 0) {
                both_ways_find(port, loopback == 0);
                close(fd);
            }
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        close(many[i]);
    }
}

static void nobody_holds_a_socket_that_is_not_there(void **state)
{
    (void)state;
    char name[32];
    struct tph_listener none = {.inode = UINT64_MAX};
    assert_int_equal(tph_listener_process(&none, name), 0);
    assert_int_equal(tph_listener_find(0, &none), 0);
}

/* A network of our own, where this machine lets us have one: elsewhere ports come and go while a test looks. */
static void leave_the_machines_network(void)
{
    struct ifreq loopback = {.ifr_flags = IFF_UP | IFF_RUNNING};
    (void)snprintf(loopback.ifr_name, sizeof(loopback.ifr_name), "lo");
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        return;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &loopback), 0);
    close(fd);
}

static int begin(void **state)
{
    (void)state;
    leave_the_machines_network();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_read_with_its_port_address_and_inode),
        cmocka_unit_test(what_is_no_listener_is_refused),
        cmocka_unit_test(a_real_listener_is_found_with_the_process_that_holds_it),
        cmocka_unit_test(both_ways_of_looking_agree),
        cmocka_unit_test(nobody_holds_a_socket_that_is_not_there),
    };
    return cmocka_run_group_tests_name("podrt/ports", tests, begin, NULL);
}
