/* SPDX-License-Identifier: Apache-2.0 */
/* --network isolated: what a sidecar reaches and what not, in a world of the test's own: this program's network
 * namespace is "this machine", with a default route to another namespace, which is "outside". Each try has its control:
 * the same one where it must succeed. As an ordinary user: that it is refused, and how. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/netlink.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "podrt/uplink.h"
#include "podrt/veth.h"
#include "stage.h"

#define OUTSIDE       "203.0.113.1"
#define MACHINE       "203.0.113.2"
#define METADATA      "169.254.169.254"
#define LAN           "192.168.77.1"
#define SECOND        "198.51.100.7" /* another address of this machine */
#define INNER         "10.99.0.2"
#define INNER_GATEWAY "10.99.0.1"
#define SWITCH        "/proc/sys/net/ipv4/conf/up0/forwarding"

enum { INNER_NET = 0x0a630000 };
enum { OUTSIDE_PORT = 7000, MACHINE_PORT = 7001, DNS = 53 };

/* ---- the world ---- */

static struct tph_netlink netlink;

static void must(int failed, const char *what)
{
    if (failed < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, strerror(-failed));
        _exit(1);
    }
}

static uint32_t address_of(const char *text)
{
    struct in_addr address;
    assert_int_equal(inet_pton(AF_INET, text, &address), 1);
    return address.s_addr;
}

static void set_up(const char *name)
{
    struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    tph_netlink_begin(&netlink, "up", RTM_NEWLINK, 0, &link, sizeof(link));
    must(tph_netlink_send(&netlink), name);
}

static void add_address(const char *name, const char *text, int prefix)
{
    struct ifaddrmsg message = {
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = if_nametoindex(name)};
    uint32_t address = address_of(text);
    tph_netlink_begin(&netlink, "address", RTM_NEWADDR, NLM_F_CREATE, &message, sizeof(message));
    tph_netlink_put(&netlink, IFA_LOCAL, &address, sizeof(address));
    tph_netlink_put(&netlink, IFA_ADDRESS, &address, sizeof(address));
    must(tph_netlink_send(&netlink), text);
}

static void add_route(uint32_t to, int prefix, const char *through)
{
    struct rtmsg route = {.rtm_family = AF_INET,
                          .rtm_dst_len = (uint8_t)prefix,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_type = RTN_UNICAST};
    uint32_t gateway = address_of(through);
    to = htonl(to);
    tph_netlink_begin(&netlink, "route", RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof(route));
    if (prefix > 0) {
        tph_netlink_put(&netlink, RTA_DST, &to, sizeof(to));
    }
    tph_netlink_put(&netlink, RTA_GATEWAY, &gateway, sizeof(gateway));
    must(tph_netlink_send(&netlink), through);
}

static void add_cable(pid_t to, const char *here, const char *there)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    uint32_t target = (uint32_t)to;
    tph_netlink_begin(&netlink, "veth", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
    tph_netlink_put_text(&netlink, IFLA_IFNAME, here);
    size_t info = tph_netlink_nest(&netlink, IFLA_LINKINFO);
    tph_netlink_put_text(&netlink, IFLA_INFO_KIND, "veth");
    size_t data = tph_netlink_nest(&netlink, IFLA_INFO_DATA);
    size_t peer = tph_netlink_nest(&netlink, VETH_INFO_PEER);
    tph_netlink_put_struct(&netlink, &link, sizeof(link));
    tph_netlink_put_text(&netlink, IFLA_IFNAME, there);
    tph_netlink_put(&netlink, IFLA_NET_NS_PID, &target, sizeof(target));
    tph_netlink_unnest(&netlink, peer);
    tph_netlink_unnest(&netlink, data);
    tph_netlink_unnest(&netlink, info);
    must(tph_netlink_send(&netlink), "veth");
}

static int listen_on(int type, uint16_t port, uint32_t address)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {address}};
    must(fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0)
             ? -errno
             : 0,
         "listen");
    return fd;
}

/* Greets who connects with the address he comes from, and echoes datagrams. */
static void serve(uint16_t port, bool names) __attribute__((noreturn));
static void serve(uint16_t port, bool names)
{
    struct pollfd fds[2] = {{.fd = listen_on(SOCK_STREAM, port, 0), .events = POLLIN},
                            {.fd = names ? listen_on(SOCK_DGRAM, DNS, address_of(METADATA)) : -1, .events = POLLIN}};
    char text[512];
    (void)!write(1, "on\n", 3);
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        (void)poll(fds, 2, -1);
        if (fds[0].revents & POLLIN) {
            int fd = accept4(fds[0].fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
            (void)inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text));
            (void)!write(fd, text, strlen(text));
            (void)close(fd);
        }
        if (fds[1].revents & POLLIN) {
            ssize_t n = recvfrom(fds[1].fd, text, sizeof(text), 0, (struct sockaddr *)&from, &len);
            (void)sendto(fds[1].fd, text, n > 0 ? (size_t)n : 0, 0, (struct sockaddr *)&from, len);
        }
    }
}

static pid_t fork_server(int ends[2])
{
    must(pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0, "pipe");
    pid_t pid = fork();
    must(pid < 0 ? -errno : 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

static pid_t outside_pid;

static void be_outside(void)
{
    set_up("out0");
    add_address("out0", OUTSIDE, 24);
    add_address("out0", METADATA, 32);
    add_address("out0", LAN, 32);
    add_route(TPH_VETH_NET, 16, MACHINE);
    add_route(INNER_NET, 24, MACHINE);
    serve(OUTSIDE_PORT, true);
}

/* A network behind this machine. */
static void be_inner(void)
{
    set_up("eth0");
    add_address("eth0", INNER, 24);
    add_route(0, 0, INNER_GATEWAY);
    serve(OUTSIDE_PORT, false);
}

/* A process in a network namespace of its own, with a cable to it. */
static pid_t open_network(const char *here, const char *there, void (*be)(void))
{
    int ready[2], go[2];
    char byte;
    must(pipe2(go, O_CLOEXEC) < 0 ? -errno : 0, "pipe");
    pid_t pid = fork_server(ready);
    if (pid == 0) {
        must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "unshare");
        (void)!write(ready[1], "n", 1);
        (void)!read(go[0], &byte, 1);
        must(tph_netlink_open(&netlink, NETLINK_ROUTE), "netlink");
        set_up("lo");
        (void)dup2(ready[1], 1);
        be();
    }
    (void)!read(ready[0], &byte, 1);
    add_cable(pid, here, there);
    (void)!write(go[1], "g", 1);
    (void)!read(ready[0], &byte, 1);
    return pid;
}

static void open_world(void)
{
    int ready[2];
    char byte;
    char resolv[96];
    must(unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ? -errno : 0, "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0, "make mounts private");
    (void)snprintf(resolv, sizeof(resolv), "%s/resolv.conf", stage_place().dir);
    struct tph_error err = TPH_ERROR_INIT;
    must(tph_fd_write_file(
             resolv, TPH_STR("nameserver " METADATA "\nnameserver 127.0.0.53\nnameserver ::1\nsearch example.test\n"),
             0644, &err),
         "resolv.conf");
    must(mount(resolv, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0 ? -errno : 0, "cover /etc/resolv.conf");
    must(tph_netlink_open(&netlink, NETLINK_ROUTE), "netlink");
    set_up("lo");
    add_address("lo", SECOND, 32);
    outside_pid = open_network("up0", "out0", be_outside);
    set_up("up0");
    add_address("up0", MACHINE, 24);
    (void)open_network("in0", "eth0", be_inner);
    set_up("in0");
    add_address("in0", INNER_GATEWAY, 24);
    add_route(0, 0, OUTSIDE);
    if (fork_server(ready) == 0) {
        (void)dup2(ready[1], 1);
        serve(MACHINE_PORT, false);
    }
    (void)!read(ready[0], &byte, 1);
}

/* ---- sidecars ---- */

static const char script[] =
    "import socket, sys, errno, os\n"
    "def tcp(a, p):\n"
    "    with socket.create_connection((a, p), 3) as s: return 'open ' + s.recv(99).decode()\n"
    "def udp(a, p):\n"
    "    with socket.socket(type=socket.SOCK_DGRAM) as s:\n"
    "        s.settimeout(3); s.connect((a, p)); s.send(b'x'); return 'open ' + s.recv(9).decode()\n"
    "def file(p): return open(p.replace(':', '/')).read().replace('\\n', ';')\n"
    "def own():\n"
    "    s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('" OUTSIDE "', 9)); return s.getsockname()[0]\n"
    "for w in sys.argv[1:]:\n"
    "    k, *r = w.split('/')\n"
    "    try:\n"
    "        if k == 'serve':\n"
    "            s = socket.create_server(('0.0.0.0', int(r[0])))\n"
    "            print('own', own(), flush=True)\n"
    "            while True: c, a = s.accept(); c.sendall(b'sidecar'); c.close()\n"
    "        v = tcp(r[0], int(r[1])) if k == 'tcp' else udp(r[0], int(r[1])) if k == 'udp' else file(r[0])\n"
    "    except OSError as e: v = errno.errorcode.get(e.errno, 'ETIMEDOUT')\n"
    "    print(w, v, flush=True)\n";

/* A container that does these things, words with blanks between, and says how each went. */
static void add_visitor(struct harness *h, const char *words)
{
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 24);
    struct tph_str rest = tph_arena_str(h->arena, tph_str(words)), word;
    size_t n = 0;
    command[n++] = TPH_STR("python3");
    command[n++] = TPH_STR("-c");
    command[n++] = tph_str(script);
    while (n < 24 && tph_str_cut(&rest, ' ', &word)) {
        command[n++] = word;
    }
    c->command = command;
    c->n_command = n;
    c->image = TPH_STR("python:3");
    h->spec.restart_base_ms = 60000;
}

#define REACH_OUTSIDE  "tcp/" OUTSIDE "/7000"
#define REACH_MACHINE  "tcp/" MACHINE "/7001"
#define REACH_LOOPBACK "tcp/127.0.0.1/7001"
#define REACH_GATEWAY  "tcp/198.19.0.1/7001"
#define REACH_METADATA "tcp/" METADATA "/7000"
#define REACH_SECOND   "tcp/" SECOND "/7001"
#define REACH_LAN      "tcp/" LAN "/7000"
#define REACH_NAMES    "udp/" METADATA "/53"

static void other_machines_are_reached_and_this_one_is_not(void **state)
{
    struct harness *h = *state;
    add_visitor(h, REACH_OUTSIDE " " REACH_LAN " " REACH_MACHINE " " REACH_SECOND " " REACH_LOOPBACK " " REACH_GATEWAY
                                 " " REACH_METADATA " " REACH_NAMES);
    h->spec.network = TPH_NETWORK_ISOLATED;
    assert_string_equal(sandboxed(h), REACH_OUTSIDE " open " MACHINE "\n" REACH_LAN " open " MACHINE "\n" REACH_MACHINE
                                                    " EHOSTUNREACH\n" REACH_SECOND " EHOSTUNREACH\n" REACH_LOOPBACK
                                                    " ECONNREFUSED\n" REACH_GATEWAY " EHOSTUNREACH\n" REACH_METADATA
                                                    " EHOSTUNREACH\n" REACH_NAMES " open x\n");
}

/* By pasta it has the machine's address itself. */
static void so_it_is_for_an_ordinary_user(void **state)
{
    struct harness *h = *state;
    add_visitor(h, REACH_OUTSIDE " " REACH_LAN " " REACH_MACHINE " " REACH_SECOND " " REACH_LOOPBACK " " REACH_METADATA
                                 " " REACH_NAMES);
    h->spec.network = TPH_NETWORK_ISOLATED;
    assert_string_equal(sandboxed(h),
                        REACH_OUTSIDE " open " MACHINE "\n" REACH_LAN " open " MACHINE "\n" REACH_MACHINE
                                      " ECONNREFUSED\n" REACH_SECOND " EHOSTUNREACH\n" REACH_LOOPBACK
                                      " ECONNREFUSED\n" REACH_METADATA " EHOSTUNREACH\n" REACH_NAMES " EHOSTUNREACH\n");
    const struct heard *told = NULL;
    for (size_t i = 0; i < h->n_events; i++) {
        if (h->events[i].kind == TPH_POD_DEGRADED && has(h->events[i].message, "no names are resolved: ")) {
            told = &h->events[i];
        }
    }
    assert_non_null(told); /* its one server of IPv4 is link-local */
}

static void on_the_hosts_network_all_of_it_is_reached(void **state)
{
    struct harness *h = *state;
    add_visitor(h, REACH_OUTSIDE " " REACH_LAN " " REACH_MACHINE " " REACH_SECOND " " REACH_LOOPBACK " " REACH_METADATA
                                 " " REACH_NAMES);
    h->spec.network = TPH_NETWORK_HOST;
    assert_string_equal(sandboxed(h),
                        REACH_OUTSIDE " open " MACHINE "\n" REACH_LAN " open " MACHINE "\n" REACH_MACHINE
                                      " open " MACHINE "\n" REACH_SECOND " open " SECOND "\n" REACH_LOOPBACK
                                      " open 127.0.0.1\n" REACH_METADATA " open " MACHINE "\n" REACH_NAMES " open x\n");
}

static void with_none_nothing_is_reached(void **state)
{
    struct harness *h = *state;
    add_visitor(h, REACH_OUTSIDE " " REACH_LOOPBACK " " REACH_NAMES);
    h->spec.network = TPH_NETWORK_NONE;
    assert_string_equal(sandboxed(h),
                        REACH_OUTSIDE " ENETUNREACH\n" REACH_LOOPBACK " ECONNREFUSED\n" REACH_NAMES " ENETUNREACH\n");
}

/* Name servers on this machine's loopback, and those of IPv6, are none in there; search and options stay. */
static void the_name_servers_are_those_that_are_reached(void **state)
{
    struct harness *h = *state;
    add_visitor(h, "file/:etc:resolv.conf");
    h->spec.network = TPH_NETWORK_ISOLATED;
    assert_string_equal(sandboxed(h), "file/:etc:resolv.conf nameserver " METADATA ";search example.test;\n");
}

static void on_the_hosts_network_they_are_the_machines(void **state)
{
    struct harness *h = *state;
    add_visitor(h, "file/:etc:resolv.conf");
    assert_string_equal(sandboxed(h), "file/:etc:resolv.conf nameserver " METADATA
                                      ";nameserver 127.0.0.53;nameserver ::1;search example.test;\n");
}

/* Starts the server of a pod beside and returns its address, which is in the arena. */
static const char *start_neighbour(struct harness *h)
{
    add_visitor(h, "serve/9000");
    h->spec.network = TPH_NETWORK_ISOLATED;
    h->spec.log_events = true;
    harness_start(h);
    const struct heard *said = harness_await(h, TPH_POD_LOG, 1);
    assert_true(has(said->message, geteuid() == 0 ? "own 198.19." : "own " MACHINE));
    const char *address = tph_arena_strdup(h->arena, tph_str(said->message + strlen("own ")));
    h->beside = h->pod;
    h->pod = NULL;
    while (h->n_events > 0) {
        free(h->events[--h->n_events].message);
    }
    h->spec.n_containers = 0;
    h->spec.log_events = false;
    return address;
}

static int try_connect(const char *address, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 1};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {address_of(address)}};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    int failed = connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ? -errno : 0;
    (void)close(fd);
    return failed;
}

/* From outside: a process that goes there for it. */
static int try_from_outside(const char *address, uint16_t port)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)outside_pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        _exit(setns(fd, CLONE_NEWNET) < 0 ? 99 : -try_connect(address, port));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void sidecars_do_not_reach_each_other_nor_does_anybody_outside_reach_one(void **state)
{
    struct harness *h = *state;
    const char *neighbour = start_neighbour(h);
    TPH_CLEANUP(tph_freep) char *words = tph_format("tcp/%s/9000", neighbour);
    TPH_CLEANUP(tph_freep) char *expected = tph_format("%s EHOSTUNREACH\n", words);
    assert_int_equal(try_connect(neighbour, 9000), 0); /* the control: it is there, and this machine reaches it */
    assert_int_equal(try_from_outside(neighbour, 9000), EINPROGRESS); /* its time is up: nothing answers */
    assert_int_equal(try_from_outside(MACHINE, MACHINE_PORT), 0);
    add_visitor(h, words);
    assert_string_equal(sandboxed(h), expected);
}

static void it_is_reached_by_whoever_runs_it(void **state)
{
    struct harness *h = *state;
    add_visitor(h, "serve/9000");
    h->spec.network = TPH_NETWORK_ISOLATED;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    int fd = tph_pod_dial(h->pod, "127.0.0.1", 9000);
    assert_true(fd >= 0);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char text[16] = "";
    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    assert_int_equal(read(fd, text, sizeof(text) - 1), strlen("sidecar"));
    assert_string_equal(text, "sidecar");
    (void)close(fd);
}

/* ---- nothing is left ---- */

static char forwarding(void)
{
    char value = '?';
    int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &value, 1), 1);
    (void)close(fd);
    return value;
}

static void set_forwarding(char value)
{
    int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, &value, 1), 1);
    (void)close(fd);
}

static size_t count_cables(void)
{
    size_t n = 0;
    struct if_nameindex *list = if_nameindex();
    for (const struct if_nameindex *one = list; one && one->if_index != 0; one++) {
        n += strncmp(one->if_name, TPH_VETH_PREFIX, strlen(TPH_VETH_PREFIX)) == 0 ? 1 : 0;
    }
    if_freenameindex(list);
    return n;
}

static size_t count_marks(void)
{
    struct stat network;
    char wanted[64];
    size_t n = 0;
    assert_int_equal(stat("/proc/self/ns/net", &network), 0);
    (void)snprintf(wanted, sizeof(wanted), "tiphys-forwarding-%llu-", (unsigned long long)network.st_ino);
    DIR *dir = opendir("/run");
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        n += strncmp(e->d_name, wanted, strlen(wanted)) == 0 ? 1 : 0;
    }
    (void)closedir(dir);
    return n;
}

static bool is_clean(void)
{
    return count_cables() == 0 && count_marks() == 0 && forwarding() == '0';
}

static void await_clean(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int64_t until = harness_now_ms() + PATIENCE_MS; !is_clean() && harness_now_ms() < until;) {
        (void)nanosleep(&moment, NULL);
    }
    assert_int_equal(count_cables(), 0);
    assert_int_equal(count_marks(), 0);
    assert_int_equal(forwarding(), '0');
}

static void what_was_changed_is_as_it_was_when_the_last_one_ends(void **state)
{
    struct tph_uplink *one = NULL, *other = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    assert_true(is_clean());
    assert_int_equal(tph_uplink_open(&one, &err), 0);
    assert_string_equal(tph_uplink_changes(one), "net.ipv4.conf.up0.forwarding=1");
    assert_int_equal(forwarding(), '1');
    assert_int_equal(tph_uplink_open(&other, &err), 0);
    tph_uplink_close(one);
    assert_int_equal(forwarding(), '1');
    tph_uplink_close(other);
    assert_true(is_clean());
    /* What was on before stays on, and nothing is told. */
    set_forwarding('1');
    assert_int_equal(tph_uplink_open(&one, &err), 0);
    assert_null(tph_uplink_changes(one));
    tph_uplink_close(one);
    assert_int_equal(forwarding(), '1');
    assert_int_equal(count_marks(), 0);
    set_forwarding('0');
}

static void write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

/* What was switched on is for sidecars alone. */
static void nobody_outside_gets_through_this_machine(void **state)
{
    struct tph_uplink *u = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    write_to("/proc/sys/net/ipv4/conf/in0/forwarding", "1");
    set_forwarding('1');
    assert_int_equal(try_from_outside(INNER, OUTSIDE_PORT), 0); /* the control: without the fence he does */
    set_forwarding('0');
    assert_int_equal(tph_uplink_open(&u, &err), 0);
    assert_int_equal(forwarding(), '1');
    assert_int_equal(try_from_outside(INNER, OUTSIDE_PORT), EINPROGRESS);
    tph_uplink_close(u);
}

/* A table with one chain that drops what is forwarded; or away with it. */
static void firewall(bool is)
{
    static struct tph_netlink n;
    struct nfgenmsg head = {.nfgen_family = NFPROTO_IPV4};
    assert_int_equal(tph_netlink_open(&n, NETLINK_NETFILTER), 0);
    tph_netlink_batch(&n, 1);
    tph_netlink_begin(&n, "table", NFNL_SUBSYS_NFTABLES << 8 | (is ? NFT_MSG_NEWTABLE : NFT_MSG_DELTABLE),
                      is ? NLM_F_CREATE : 0, &head, sizeof(head));
    tph_netlink_put_text(&n, NFTA_TABLE_NAME, "filter");
    if (is) {
        tph_netlink_begin(&n, "chain", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, NLM_F_CREATE, &head, sizeof(head));
        tph_netlink_put_text(&n, NFTA_CHAIN_TABLE, "filter");
        tph_netlink_put_text(&n, NFTA_CHAIN_NAME, "FORWARD");
        size_t hook = tph_netlink_nest(&n, NFTA_CHAIN_HOOK);
        tph_netlink_put_be32(&n, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
        tph_netlink_put_be32(&n, NFTA_HOOK_PRIORITY, 0);
        tph_netlink_unnest(&n, hook);
        tph_netlink_put_be32(&n, NFTA_CHAIN_POLICY, NF_DROP);
        tph_netlink_put_text(&n, NFTA_CHAIN_TYPE, "filter");
    }
    tph_netlink_batch(&n, 0);
    assert_int_equal(tph_netlink_send(&n), 0);
    tph_netlink_close(&n);
}

static void a_firewall_that_drops_all_is_told(void **state)
{
    struct tph_uplink *u = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    firewall(true);
    assert_int_equal(tph_uplink_open(&u, &err), -1);
    assert_true(has(err.text, "the firewall drops what is forwarded (ip filter FORWARD)\n  let sidecars through"));
    assert_true(is_clean());
    firewall(false);
    assert_int_equal(tph_uplink_open(&u, &err), 0);
    tph_uplink_close(u);
}

/* Kills those of this program. */
static void kill_keepers(void)
{
    struct process keepers[8];
    size_t n = find_processes("tiphys-uplink", keepers, 8);
    for (size_t i = 0; i < n; i++) {
        if (parent_of(keepers[i].pid) == getpid()) {
            assert_int_equal(kill(keepers[i].pid, SIGKILL), 0);
        }
        (void)close(keepers[i].pidfd);
    }
}

/* Without its keeper there is no fence: a sidecar ends at once, and the next one has a new fence. */
static void a_sidecar_does_not_outlive_the_fence(void **state)
{
    struct harness *h = *state;
    add_visitor(h, REACH_MACHINE " serve/9000");
    h->spec.network = TPH_NETWORK_ISOLATED;
    h->spec.log_events = true;
    harness_start(h);
    assert_string_equal(harness_await(h, TPH_POD_LOG, 1)->message, REACH_MACHINE " EHOSTUNREACH");
    harness_await(h, TPH_POD_LOG, 2);
    kill_keepers();
    assert_int_equal(harness_await(h, TPH_POD_EXITED, 1)->exit_code, 137);
    assert_string_equal(harness_await(h, TPH_POD_LOG, 3)->message, REACH_MACHINE " EHOSTUNREACH");
    assert_int_equal(count_marks(), 1);
}

static void what_a_killed_keeper_left_the_next_one_takes_back(void **state)
{
    struct tph_uplink *u = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    assert_int_equal(tph_uplink_open(&u, &err), 0);
    kill_keepers();
    tph_uplink_close(u);
    assert_int_equal(count_marks(), 1); /* the control: it did leave something */
    assert_int_equal(forwarding(), '1');
    assert_int_equal(tph_uplink_open(&u, &err), 0);
    tph_uplink_close(u);
    assert_true(is_clean());
}

/* A program that has a sidecar of this network, until it is killed. */
static pid_t start_program(int *ret_ready)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        void *own = (void *)(uintptr_t)&process_implementation;
        if (harness_open(&own) < 0) {
            _exit(1);
        }
        struct harness *h = own;
        (void)start_neighbour(h);
        (void)!write(ready[1], "o", 1);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    *ret_ready = ready[0];
    return pid;
}

static void a_killed_program_leaves_nothing(void **state)
{
    int ready = -1;
    (void)state;
    pid_t pid = start_program(&ready);
    assert_int_equal(count_cables(), 1); /* the control: there is something */
    assert_int_equal(count_marks(), 1);
    assert_int_equal(forwarding(), '1');
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    await_clean();
    (void)close(ready);
}

/* Those that see to a user's way out. */
static size_t find_pastas(struct process *list, size_t max)
{
    size_t n = find_processes("tiphys-pasta", list, max);
    return n + find_processes("--no-map-gw", list + n, max - n);
}

static void a_killed_program_leaves_no_pasta(void **state)
{
    enum { ALL = 16 };
    int ready = -1;
    struct process list[ALL];
    (void)state;
    pid_t pid = start_program(&ready);
    size_t n = find_pastas(list, ALL);
    assert_true(n >= 2); /* the control: they are there */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(await_ends(list, n, PATIENCE_MS), 0);
    (void)close(ready);
}

static void a_stopped_pod_leaves_no_pasta(void **state)
{
    enum { ALL = 16 };
    struct harness *h = *state;
    struct process list[ALL];
    add_visitor(h, "serve/9000");
    h->spec.network = TPH_NETWORK_ISOLATED;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    size_t n = find_pastas(list, ALL);
    assert_true(n >= 2);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_int_equal(await_ends(list, n, PATIENCE_MS), 0);
}

static void a_stopped_pod_leaves_no_cable(void **state)
{
    struct harness *h = *state;
    add_visitor(h, "serve/9000");
    h->spec.network = TPH_NETWORK_ISOLATED;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    assert_int_equal(count_cables(), 1);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int64_t until = harness_now_ms() + PATIENCE_MS; count_cables() > 0 && harness_now_ms() < until;) {
        (void)nanosleep(&moment, NULL);
    }
    assert_int_equal(count_cables(), 0);
}

/* ---- where it cannot be had ---- */

static void without_a_way_out_it_is_refused(void **state)
{
    struct harness *h = *state;
    struct tph_error err = TPH_ERROR_INIT;
    harness_add(h, RUNS, 0, NULL);
    h->spec.network = TPH_NETWORK_ISOLATED;
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_string_equal(err.text, "network isolated: find the default route: Network is unreachable\n"
                                  "  without a default route there is no way out: use --network none or host");
}

static void as_an_ordinary_user_it_is_refused(void **state)
{
    struct harness *h = *state;
    struct tph_error err = TPH_ERROR_INIT;
    harness_add(h, RUNS, 0, NULL);
    h->spec.network = TPH_NETWORK_ISOLATED;
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_true(
        has(err.text, "network isolated: find the program pasta: No such file or directory\n  apt install passt") ||
        has(err.text, "network isolated: open /dev/net/tun: "));
}

/* Those of a name server's list. */
static void the_list_of_name_servers(void **state)
{
    static const struct {
        const char *from, *instead, *expected;
        bool link_local;
    } cases[] = {
        {"nameserver 169.254.169.253\n", "", "nameserver 169.254.169.253\n", true},
        {"nameserver 169.254.169.253\n", "", "", false},
        {"nameserver 10.0.0.2\n", "", "nameserver 10.0.0.2\n"},
        {"nameserver 127.0.0.53\noptions edns0\n", "# x\nnameserver 10.0.0.3\nsearch a\n",
         "# x\nnameserver 10.0.0.3\nsearch a\n"},
        {"nameserver 127.0.0.1\nnameserver 10.0.0.4\n", "nameserver 10.0.0.3\n", "nameserver 10.0.0.4\n"},
        {"nameserver 127.0.0.1\n", "", ""},
        {"nameserver fe80::1%eth0\nnameserver 2001:db8::1\n", "nameserver 127.0.0.53\n", ""},
        {"", "", ""},
        {"nameserver 10.0.0.2", "", "nameserver 10.0.0.2"},
        {" nameserver\t10.0.0.2 # mine\nnameserver x\nnameserver 0.0.0.0\n", "", " nameserver\t10.0.0.2 # mine\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        size_t n = tph_uplink_resolv(cases[i].from, strlen(cases[i].from), cases[i].instead, strlen(cases[i].instead),
                                     cases[i].link_local, text, sizeof(text));
        assert_int_equal(n, strlen(cases[i].expected));
        assert_memory_equal(text, cases[i].expected, n);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

static int run(struct CMUnitTest *tests, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

/* The same world as an ordinary user's, with a /dev/net/tun that he may open. */
static int run_in_world_as_user(char **argv)
{
    char tun[64];
    int status = 1;
    if (access("/usr/bin/pasta", X_OK) < 0) {
        (void)printf("not as an ordinary user: the program pasta is not here (apt install passt)\n");
        return 0;
    }
    (void)snprintf(tun, sizeof(tun), "%s/tun", stage_place().dir);
    if (access("/dev/net/tun", F_OK) < 0 || mknod(tun, S_IFCHR | 0666, makedev(10, 200)) < 0 || chmod(tun, 0666) < 0 ||
        mount(tun, "/dev/net/tun", NULL, MS_BIND, NULL) < 0) {
        (void)printf("not as an ordinary user: no /dev/net/tun can be made here\n");
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        must(setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ? -errno
                                                                                                                : 0,
             "become nobody");
        (void)execl("/proc/self/exe", argv[0], stage_place().intruder, "in-world", NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)unlink(tun);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run_in_world(void)
{
    struct CMUnitTest tests[] = {
        T(so_it_is_for_an_ordinary_user),
        T(on_the_hosts_network_all_of_it_is_reached),
        T(it_is_reached_by_whoever_runs_it),
        T(a_stopped_pod_leaves_no_pasta),
        cmocka_unit_test(a_killed_program_leaves_no_pasta),
    };
    return run(tests, sizeof(tests) / sizeof(tests[0]), "as an ordinary user");
}

static int run_as_root(char **argv)
{
    struct CMUnitTest before[] = {T(without_a_way_out_it_is_refused), cmocka_unit_test(the_list_of_name_servers)};
    struct CMUnitTest tests[] = {
        T(other_machines_are_reached_and_this_one_is_not),
        T(on_the_hosts_network_all_of_it_is_reached),
        T(with_none_nothing_is_reached),
        T(the_name_servers_are_those_that_are_reached),
        T(on_the_hosts_network_they_are_the_machines),
        T(sidecars_do_not_reach_each_other_nor_does_anybody_outside_reach_one),
        T(it_is_reached_by_whoever_runs_it),
        T(a_stopped_pod_leaves_no_cable),
        T(a_sidecar_does_not_outlive_the_fence),
        cmocka_unit_test(what_was_changed_is_as_it_was_when_the_last_one_ends),
        cmocka_unit_test(nobody_outside_gets_through_this_machine),
        cmocka_unit_test(a_firewall_that_drops_all_is_told),
        cmocka_unit_test(what_a_killed_keeper_left_the_next_one_takes_back),
        cmocka_unit_test(a_killed_program_leaves_nothing),
    };
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_uplink *trial = NULL;
    must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "unshare");
    int failed = run(before, sizeof(before) / sizeof(before[0]), "without a network");
    open_world();
    if (tph_uplink_open(&trial, &err) < 0) {
        (void)printf("this machine can make no isolated networks: %s\n", err.text);
        return failed ? 1 : 77;
    }
    tph_uplink_close(trial);
    failed |= run(tests, sizeof(tests) / sizeof(tests[0]), "as root");
    return failed | run_in_world_as_user(argv);
}

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    argc = account_arrange(argc, argv);
    if (argc < 2) {
        (void)printf("usage: %s INTRUDER [as-user]\n", argv[0]);
        return 2;
    }
    if (argc > 2 && strcmp(argv[2], "in-world") == 0) {
        return run_in_world(); /* its place is there */
    }
    stage_open(argv[1]);
    struct CMUnitTest as_user[] = {T(as_an_ordinary_user_it_is_refused), cmocka_unit_test(the_list_of_name_servers)};
    int failed = geteuid() == 0 ? run_as_root(argv) : run(as_user, 2, "as an ordinary user");
    stage_close();
    return failed;
}
