/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "podrt/spawn.h"
#include "podrt/uplink_rules.h"
#include "podrt/veth.h"

#define KEEPER_NAME "tiphys-uplink"

enum { SOCKET_FD = 3, ANSWER_S = 5, TEXT = 240 };

struct tph_uplink {
    pid_t pid;
    int fd;
    uint32_t id;
    char *changes; /* owned */
};

/* What the keeper says, once: number is an errno, 0 when all is well. */
struct answer {
    int32_t number;
    char step[TEXT];
    char changes[TEXT];
};

/* ---- name servers ---- */

/* One line of resolv.conf. Returns whether it names a server; *ret_good: one that a sandbox can reach. */
static bool read_server(const char *line, size_t len, bool link_local, struct in_addr *ret_address, bool *ret_good)
{
    enum { LINK_LOCAL = 0xa9fe };
    char text[80];
    char address[64];
    (void)snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), line);
    if (sscanf(text, " nameserver %63s", address) != 1) {
        return false;
    }
    *ret_good = inet_pton(AF_INET, address, ret_address) == 1 && ntohl(ret_address->s_addr) >> 24 != 127 &&
                ret_address->s_addr != 0 && (link_local || ntohl(ret_address->s_addr) >> 16 != LINK_LOCAL);
    return true;
}

static size_t filter(const char *from, size_t from_len, bool link_local, char *to, size_t size)
{
    size_t len = 0;
    bool any = false;
    for (size_t at = 0; at < from_len;) {
        const char *end = memchr(from + at, '\n', from_len - at);
        size_t n = end ? (size_t)(end - from) - at + 1 : from_len - at;
        struct in_addr address;
        bool good = false;
        bool server = read_server(from + at, n, link_local, &address, &good);
        any = any || (server && good);
        if ((!server || good) && len + n <= size) {
            memcpy(to + len, from + at, n);
            len += n;
        }
        at += n;
    }
    return any ? len : 0;
}

size_t tph_uplink_resolv(const char *from, size_t from_len, const char *instead, size_t instead_len, bool link_local,
                         char *to, size_t size)
{
    size_t len = filter(from, from_len, link_local, to, size);
    return len > 0 ? len : filter(instead, instead_len, link_local, to, size);
}

/* ---- the keeper ---- */

static size_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && len < size) {
        n = read(fd, text + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return len;
}

static void find_servers(struct tph_uplink_rules *rules)
{
    static char own[16384], resolved[16384], good[16384];
    size_t own_len = read_text("/etc/resolv.conf", own, sizeof(own));
    size_t resolved_len = read_text(TPH_UPLINK_RESOLVED, resolved, sizeof(resolved));
    size_t len = tph_uplink_resolv(own, own_len, resolved, resolved_len, true, good, sizeof(good));
    for (size_t at = 0; at < len && rules->n_servers < TPH_UPLINK_SERVERS;) {
        const char *end = memchr(good + at, '\n', len - at);
        size_t n = end ? (size_t)(end - good) - at + 1 : len - at;
        struct in_addr address;
        bool usable = false;
        if (read_server(good + at, n, true, &address, &usable) && usable) {
            rules->servers[rules->n_servers++] = ntohl(address.s_addr);
        }
        at += n;
    }
}

/* Interfaces of the default routes of IPv4. Returns how many. */
static size_t find_devices(char devices[TPH_UPLINK_DEVICES][IF_NAMESIZE])
{
    FILE *routes = fopen("/proc/net/route", "re");
    char line[512];
    size_t n = 0;
    while (routes && fgets(line, sizeof(line), routes) && n < TPH_UPLINK_DEVICES) {
        char name[IF_NAMESIZE];
        unsigned destination = 1, gateway = 0, flags = 0, mask = 1;
        if (sscanf(line, "%15s %x %x %x %*d %*d %*d %x", name, &destination, &gateway, &flags, &mask) != 5 ||
            destination != 0 || mask != 0 || (flags & 1) == 0) {
            continue;
        }
        bool known = strcmp(name, "lo") == 0;
        for (size_t i = 0; i < n; i++) {
            known = known || strcmp(devices[i], name) == 0;
        }
        if (!known) {
            (void)snprintf(devices[n++], IF_NAMESIZE, "%s", name);
        }
    }
    if (routes) {
        (void)fclose(routes);
    }
    return n;
}

static void switch_path(char path[128], const char *device)
{
    (void)snprintf(path, 128, "/proc/sys/net/ipv4/conf/%s/forwarding", device);
}

static int read_switch(const char *path)
{
    char value = 0;
    return read_text(path, &value, 1) == 1 ? value - '0' : -1;
}

static int write_switch(const char *path, char value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int failed = fd < 0 || write(fd, &value, 1) != 1 ? -errno : 0;
    tph_fd_close(&fd);
    return failed;
}

/* The file that says of an interface that an uplink switched its forwarding on. Byte 0 of it is locked by who looks at
 * it or changes it, byte 1 is shared by all uplinks that live. It goes with the last of them; one that is found without
 * any is of uplinks whose keepers were killed, and means the same. */
struct mark {
    int fd; /* -1: none */
    char device[IF_NAMESIZE], path[96];
};

static int lock(int fd, short kind, off_t byte, bool wait)
{
    struct flock request = {.l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int failed;
    do {
        failed = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &request);
    } while (failed < 0 && errno == EINTR);
    return failed;
}

/* The file, with byte 0 locked. */
static int open_mark(const char *path)
{
    for (;;) {
        struct stat here, there;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || lock(fd, F_WRLCK, 0, true) < 0) {
            tph_fd_close(&fd);
            return -1;
        }
        if (fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino) {
            return fd;
        }
        tph_fd_close(&fd); /* somebody has just taken it away */
    }
}

/* Sees to it that what comes in by the interface may be forwarded. 1: it was switched on by an uplink; 0: it was on
 * anyway; -errno. */
static int enable(struct mark *mark, const char *device)
{
    char path[128];
    char changed = 0;
    struct stat network;
    switch_path(path, device);
    if (stat("/proc/self/ns/net", &network) < 0) {
        return -errno;
    }
    (void)snprintf(mark->device, sizeof(mark->device), "%s", device);
    (void)snprintf(mark->path, sizeof(mark->path), "/run/tiphys-forwarding-%llu-%s", (unsigned long long)network.st_ino,
                   device);
    mark->fd = open_mark(mark->path);
    if (mark->fd < 0) {
        return read_switch(path) == 1 ? 0 : -errno; /* what could not be switched off again is not switched on */
    }
    (void)lock(mark->fd, F_RDLCK, 1, true);
    (void)!pread(mark->fd, &changed, 1, 0);
    int failed = 0;
    if (changed != '1' && read_switch(path) != 1) {
        failed = write_switch(path, '1');
        changed = failed == 0 && pwrite(mark->fd, "1", 1, 0) == 1 ? '1' : 0;
    }
    if (changed != '1') {
        (void)unlink(mark->path);
        tph_fd_close(&mark->fd);
        return failed;
    }
    (void)lock(mark->fd, F_UNLCK, 0, true);
    return 1;
}

static void disable(struct mark *mark)
{
    char path[128];
    if (mark->fd < 0) {
        return;
    }
    switch_path(path, mark->device);
    (void)lock(mark->fd, F_WRLCK, 0, true);
    if (lock(mark->fd, F_WRLCK, 1, false) == 0) { /* no other uplink lives */
        (void)write_switch(path, '0');
        (void)unlink(mark->path);
    }
    tph_fd_close(&mark->fd);
}

struct keeper {
    struct tph_netlink netlink;
    struct tph_uplink_rules rules;
    struct mark marks[TPH_UPLINK_DEVICES];
    size_t n_marks;
    struct answer answer;
};

static int set_up(struct keeper *k)
{
    char devices[TPH_UPLINK_DEVICES][IF_NAMESIZE];
    size_t n = find_devices(devices);
    (void)snprintf(k->answer.step, TEXT, "find the default route");
    if (n == 0) {
        return -ENETUNREACH;
    }
    char chain[160];
    if (tph_uplink_rules_blocked(chain, sizeof(chain))) {
        (void)snprintf(k->answer.step, TEXT, "the firewall drops what is forwarded (%s)", chain);
        return -EHOSTDOWN;
    }
    (void)snprintf(k->answer.step, TEXT, "open netlink (nf_tables)");
    int failed = tph_netlink_open(&k->netlink, NETLINK_NETFILTER);
    if (failed < 0) {
        return failed;
    }
    for (size_t i = 0; i < n && failed >= 0; i++) {
        (void)snprintf(k->answer.step, TEXT, "switch on /proc/sys/net/ipv4/conf/%s/forwarding", devices[i]);
        struct mark *mark = &k->marks[k->n_marks];
        failed = enable(mark, devices[i]);
        if (failed == 1) {
            k->n_marks++;
            (void)snprintf(k->rules.guarded[k->rules.n_guarded++], IF_NAMESIZE, "%s", devices[i]);
            size_t len = strlen(k->answer.changes);
            (void)snprintf(k->answer.changes + len, TEXT - len, "%snet.ipv4.conf.%s.forwarding=1", len > 0 ? ", " : "",
                           devices[i]);
        }
    }
    if (failed < 0) {
        return failed;
    }
    find_servers(&k->rules);
    (void)snprintf(k->rules.table, sizeof(k->rules.table), "tiphys-%d", (int)getpid());
    failed = tph_uplink_rules_set(&k->netlink, &k->rules);
    (void)snprintf(k->answer.step, TEXT, "%s", k->netlink.step);
    return failed;
}

/* The sandboxes end when we do, at the same moment: the fence stands until they have. */
static void await_cables(uint32_t id)
{
    enum { TRIES = 2000 };
    char prefix[TPH_VETH_NAME];
    const struct timespec moment = {.tv_nsec = 1000000};
    tph_veth_prefix(id, prefix);
    for (int i = 0; i < TRIES; i++) {
        struct if_nameindex *list = if_nameindex();
        bool there = false;
        for (const struct if_nameindex *one = list; one && one->if_index != 0; one++) {
            there = there || strncmp(one->if_name, prefix, strlen(prefix)) == 0;
        }
        if_freenameindex(list);
        if (!there) {
            return;
        }
        (void)nanosleep(&moment, NULL);
    }
}

void tph_uplink_main(int argc, char **argv)
{
    static struct keeper k;
    char byte;
    if (argc != 2 || strcmp(argv[0], KEEPER_NAME) != 0) {
        return;
    }
    /* A service manager signals all of us; only the end of the program ends this. */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    k.netlink.fd = -1;
    k.answer.number = -set_up(&k);
    (void)!send(SOCKET_FD, &k.answer, sizeof(k.answer), MSG_NOSIGNAL);
    while (k.answer.number == 0 && (read(SOCKET_FD, &byte, 1) > 0 || errno == EINTR)) {
        errno = 0;
    }
    if (k.answer.number == 0) {
        await_cables((uint32_t)strtoul(argv[1], NULL, 16));
    }
    for (size_t i = 0; i < k.n_marks; i++) {
        disable(&k.marks[i]);
    }
    _exit(0);
}

/* ---- the program's side ---- */

static int explain(const struct answer *answer, struct tph_error *err)
{
    if (answer->number == EHOSTDOWN) {
        (void)tph_error_set(err, TPH_ERROR_SYSTEM, "%s", answer->step);
        return tph_error_hint(err, "let sidecars through, for example: iptables -I FORWARD -i " TPH_VETH_PREFIX
                                   "+ -j ACCEPT; iptables -I FORWARD -o " TPH_VETH_PREFIX
                                   "+ -j ACCEPT (with Docker: DOCKER-USER for FORWARD); or use --network host or none");
    }
    (void)tph_error_errno(err, answer->number, "%s", answer->step);
    if (answer->number == ENETUNREACH) {
        return tph_error_hint(err, "without a default route there is no way out: use --network none or host");
    }
    if (answer->number == EPERM || answer->number == EACCES || answer->number == EROFS) {
        return tph_error_hint(err,
                              "this needs CAP_NET_ADMIN and a writable /proc/sys, as a container with --privileged "
                              "has; or use --network host or none");
    }
    return tph_error_hint(err, "the kernel needs nf_tables with nft_masq, nft_reject_inet and nft_ct (modprobe them), "
                               "Linux 5.12 or newer; or use --network host or none");
}

int tph_uplink_open(struct tph_uplink **ret_uplink, struct tph_error *err)
{
    int ends[2];
    char id[16];
    const int to = SOCKET_FD;
    struct answer answer;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return tph_error_errno(err, errno, "make a pair of sockets");
    }
    TPH_CLEANUP(tph_fd_close) int theirs = ends[1];
    struct tph_uplink *u = TPH_NEW(struct tph_uplink);
    u->fd = ends[0];
    struct timeval patience = {.tv_sec = ANSWER_S};
    (void)setsockopt(u->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)!getrandom(&u->id, sizeof(u->id), 0);
    (void)snprintf(id, sizeof(id), "%x", u->id);
    char *argv[] = {(char[]){KEEPER_NAME}, id, NULL};
    int failed = tph_spawn_self(argv, &theirs, &to, 1, &u->pid);
    if (failed < 0) {
        tph_uplink_close(u);
        return tph_error_errno(err, -failed, "start %s", KEEPER_NAME);
    }
    tph_fd_close(&theirs);
    ssize_t n = recv(u->fd, &answer, sizeof(answer), 0);
    if (n != sizeof(answer) || answer.number != 0) {
        int number = n < 0 ? errno : EPIPE;
        tph_uplink_close(u);
        return n == sizeof(answer) ? explain(&answer, err) : tph_error_errno(err, number, "await %s", KEEPER_NAME);
    }
    answer.changes[TEXT - 1] = '\0';
    u->changes = answer.changes[0] ? tph_strdup(answer.changes) : NULL;
    *ret_uplink = u;
    return 0;
}

void tph_uplink_close(struct tph_uplink *u)
{
    if (!u) {
        return;
    }
    tph_fd_close(&u->fd);
    while (u->pid > 0 && waitpid(u->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    free(u->changes);
    free(u);
}

int tph_uplink_fd(const struct tph_uplink *u)
{
    return u->fd;
}

uint32_t tph_uplink_id(const struct tph_uplink *u)
{
    return u->id;
}

const char *tph_uplink_changes(const struct tph_uplink *u)
{
    return u->changes;
}
