/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "podrt/ports.h"

enum { PACKET = 16384, LINE = 512, MAX_LISTENERS = 16 };

/* States of TCP as the kernel tells them; <netinet/tcp.h> and <linux/tcp.h> exclude each other. */
enum { ESTABLISHED = 1, SYN_RECEIVED = 3, LISTENS = 10, NEW_SYN_RECEIVED = 12 };

struct held {
    uint64_t inode; /* 0 = no process has it */
    uint32_t uid;   /* of who made it */
};

/* What the kernel says of the other end, and of those who can accept it. */
struct sight {
    int state; /* of the other end; 0 = there is none */
    struct held end;
    struct held listeners[MAX_LISTENERS];
    size_t n_listeners; /* may be more than were kept */
    uint32_t waiting;   /* for them to accept */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct ends {
    union address ours, theirs;
};

static bool is_v4(const struct ends *e)
{
    return e->theirs.any.sa_family == AF_INET;
}

static void add_listener(struct sight *s, struct held listener)
{
    if (s->n_listeners < MAX_LISTENERS) {
        s->listeners[s->n_listeners] = listener;
    }
    s->n_listeners++;
}

/* Over netlink */

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* True for a listener that a connection to that address can come to. */
static bool accepts(const struct inet_diag_msg *m, const struct ends *e)
{
    unsigned char address[16];
    memcpy(address, m->id.idiag_src, sizeof(address));
    if (m->idiag_family == AF_INET) {
        return is_v4(e) && (is_zero(address, 4) || memcmp(address, &e->theirs.v4.sin_addr, 4) == 0);
    }
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    return is_zero(address, sizeof(address)) ||
           (is_v4(e) ? memcmp(address, mapped, 12) == 0 && memcmp(address + 12, &e->theirs.v4.sin_addr, 4) == 0
                     : memcmp(address, &e->theirs.v6.sin6_addr, sizeof(address)) == 0);
}

static void take(const struct inet_diag_msg *m, const struct ends *e, bool list, struct sight *s)
{
    struct held held = {.inode = m->idiag_inode, .uid = m->idiag_uid};
    if (!list && m->idiag_state != LISTENS) {
        s->state = m->idiag_state;
        s->end = held;
    } else if (list && m->idiag_state == LISTENS && accepts(m, e)) {
        add_listener(s, held);
        s->waiting += m->idiag_rqueue;
    }
}

/* Returns 1 when it was the last packet, 0 when more comes, -1 when the kernel knows no such question. */
static int read_packet(const char *packet, size_t len, const struct ends *e, bool list, struct sight *s)
{
    size_t at = 0;
    struct nlmsghdr head;
    while (len - at >= sizeof(head)) {
        memcpy(&head, packet + at, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len - at) {
            return -1;
        }
        if (head.nlmsg_type == NLMSG_ERROR) {
            struct nlmsgerr error = {.error = -EPROTO};
            memcpy(&error.error, packet + at + NLMSG_HDRLEN, sizeof(error.error));
            return !list && error.error == -ENOENT ? 1 : -1;
        }
        if (head.nlmsg_type == NLMSG_DONE) {
            return 1;
        }
        struct inet_diag_msg message;
        if (head.nlmsg_len >= NLMSG_LENGTH(sizeof(message))) {
            memcpy(&message, packet + at + NLMSG_HDRLEN, sizeof(message));
            take(&message, e, list, s);
        }
        size_t step = NLMSG_ALIGN(head.nlmsg_len);
        at += step < len - at ? step : len - at;
    }
    return list ? 0 : 1;
}

/* Asks for the other end (list false), or for the listeners of one family on its port. */
static int ask(int fd, int family, const struct ends *e, bool list, struct sight *s)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } question = {
        .head = {.nlmsg_len = sizeof(question),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (list ? NLM_F_DUMP : 0))},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = list ? 1U << LISTENS : UINT32_MAX,
                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    struct inet_diag_sockid *id = &question.body.id;
    id->idiag_sport = is_v4(e) ? e->theirs.v4.sin_port : e->theirs.v6.sin6_port;
    if (!list && is_v4(e)) {
        id->idiag_dport = e->ours.v4.sin_port;
        memcpy(id->idiag_src, &e->theirs.v4.sin_addr, 4);
        memcpy(id->idiag_dst, &e->ours.v4.sin_addr, 4);
    } else if (!list) {
        id->idiag_dport = e->ours.v6.sin6_port;
        memcpy(id->idiag_src, &e->theirs.v6.sin6_addr, 16);
        memcpy(id->idiag_dst, &e->ours.v6.sin6_addr, 16);
    }
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(fd, &question, sizeof(question), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        return -1;
    }
    int state = 0;
    while (state == 0) {
        char packet[PACKET];
        ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT); /* it answers as it is asked: nothing to wait for */
        if (n < 0 && errno == EINTR) {
            continue;
        }
        state = n <= 0 ? -1 : read_packet(packet, (size_t)n, e, list, s);
    }
    return state > 0 ? 0 : -1;
}

static int see_by_netlink(const struct ends *e, struct sight *s)
{
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    *s = (struct sight){.state = 0};
    /* Listeners first: an end that nobody has accepted after that is one of theirs. */
    return fd < 0 || (is_v4(e) && ask(fd, AF_INET, e, true, s) < 0) || ask(fd, AF_INET6, e, true, s) < 0 ||
                   ask(fd, e->theirs.any.sa_family, e, false, s) < 0
               ? -1
               : 0;
}

/* In /proc */

/* As the kernel prints them: "0100007F:1103"; in tcp6 an IPv4 one is mapped. */
static void print_address(const union address *a, bool six, bool any, char text[64])
{
    uint32_t words[4] = {0, 0, htonl(0xffff), 0};
    bool v4 = a->any.sa_family == AF_INET;
    unsigned port = ntohs(v4 ? a->v4.sin_port : a->v6.sin6_port);
    if (v4) {
        words[3] = a->v4.sin_addr.s_addr;
    } else {
        memcpy(words, &a->v6.sin6_addr, sizeof(words));
    }
    if (any) {
        memset(words, 0, sizeof(words));
    }
    if (six) {
        (void)snprintf(text, 64, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3], port);
    } else {
        (void)snprintf(text, 64, "%08X:%04X", words[3], port);
    }
}

static void read_line(const char *line, const char *const wanted[3], struct sight *s)
{
    char local[64], remote[64];
    unsigned state;
    struct held held;
    if (sscanf(line, " %*u: %63s %63s %x %*s %*s %*s %" SCNu32 " %*u %" SCNu64, local, remote, &state, &held.uid,
               &held.inode) != 5) {
        return;
    }
    bool here = strcmp(local, wanted[0]) == 0;
    if (state == LISTENS && (here || strcmp(local, wanted[1]) == 0)) {
        add_listener(s, held);
    } else if (here && strcmp(remote, wanted[2]) == 0) {
        s->state = (int)state;
        s->end = held;
    }
}

static int see_in_list(const char *path, bool six, const struct ends *e, struct sight *s)
{
    FILE *file = fopen(path, "re");
    char line[LINE], local[64], everywhere[64], remote[64];
    if (!file) {
        return -1;
    }
    print_address(&e->theirs, six, false, local);
    print_address(&e->theirs, six, true, everywhere);
    print_address(&e->ours, six, false, remote);
    while (fgets(line, sizeof(line), file)) {
        read_line(line, (const char *const[]){local, everywhere, remote}, s);
    }
    (void)fclose(file);
    return 0;
}

/* The lists begin with listeners; with both families the end may be in the second one only, as its listener is. */
static int see_in_proc(const struct ends *e, struct sight *s)
{
    *s = (struct sight){.state = 0};
    int four = is_v4(e) ? see_in_list("/proc/net/tcp", false, e, s) : -1;
    int six = see_in_list("/proc/net/tcp6", true, e, s);
    return four < 0 && six < 0 ? -1 : 0;
}

/* Who has a socket */

/* The pid namespace of a process, as its link reads; "" = cannot be seen. */
static void read_namespace(int process, char text[64])
{
    ssize_t n = readlinkat(process, "ns/pid", text, 63);
    text[n > 0 ? n : 0] = '\0';
}

static int open_process(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* of that process also when its number is given again */
}

static bool has_open(int process, const char *link)
{
    int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool found = false;
    if (!dir) {
        tph_fd_close(&fd);
        return false;
    }
    const struct dirent *entry;
    while (!found && (entry = readdir(dir)) != NULL) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, link) == 0;
    }
    (void)closedir(dir);
    return found;
}

static bool in_namespace_and_has(pid_t pid, const char *namespace, const char *link)
{
    TPH_CLEANUP(tph_fd_close) int process = open_process(pid);
    char text[64] = "";
    if (process >= 0) {
        read_namespace(process, text);
    }
    return text[0] != '\0' && strcmp(text, namespace) == 0 && has_open(process, link);
}

/* Looks through all processes of the machine for one of that namespace that has it. */
static pid_t find_holder(const char *namespace, const char *link)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    int64_t pid = 0, number;
    while (proc && pid == 0 && (entry = readdir(proc)) != NULL) {
        char path[64], text[64];
        if (tph_str_to_i64(tph_str(entry->d_name), &number) < 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%.20s/ns/pid", entry->d_name);
        ssize_t n = readlinkat(dirfd(proc), path, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        if (strcmp(text, namespace) == 0 && in_namespace_and_has((pid_t)number, namespace, link)) {
            pid = number;
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    return (pid_t)pid;
}

static bool is_of(const struct tph_ids *ids, uint32_t uid)
{
    return ids && uid >= ids->first_uid && uid - ids->first_uid < ids->n;
}

/* True when the sandbox made it (nobody may read the descriptors of an ordinary user's subordinate ids), or a process
 * of it has it open. */
static bool sandbox_has(const struct tph_peer_owner *owner, const struct held *held, pid_t *hint)
{
    char namespace[64] = "", link[64];
    if (owner->init <= 0 || held->inode == 0) {
        return false;
    }
    if (is_of(owner->ids, held->uid)) {
        return true;
    }
    TPH_CLEANUP(tph_fd_close) int process = open_process(owner->init);
    if (process >= 0) {
        read_namespace(process, namespace);
    }
    if (namespace[0] == '\0') {
        return false;
    }
    (void)snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", held->inode);
    if (*hint > 0 && in_namespace_and_has(*hint, namespace, link)) {
        return true;
    }
    pid_t holder = find_holder(namespace, link);
    *hint = holder > 0 ? holder : *hint;
    return holder > 0;
}

/* Returns the process that has it, 0 when none can be seen. */
static pid_t describe(const struct held *held, char *who, size_t size)
{
    char name[32], user[64] = "", room[4096];
    struct passwd entry, *found = NULL;
    pid_t pid = tph_listener_process(&(struct tph_listener){.inode = held->inode}, name);
    (void)snprintf(user, sizeof(user), "user id %" PRIu32, held->uid);
    if (getpwuid_r(held->uid, &entry, room, sizeof(room), &found) == 0 && found) {
        (void)snprintf(user, sizeof(user), "user %.48s", entry.pw_name);
    }
    if (pid > 0) {
        (void)snprintf(who, size, "%s (pid %d, %s)", name, (int)pid, user);
    } else {
        (void)snprintf(who, size, "a program of %s", user);
    }
    return pid;
}

/* Who may accept it: all of them have to be the sandbox's. */
static enum tph_peer judge_listeners(const struct sight *s, const struct tph_peer_owner *owner, pid_t *hint, char *who,
                                     size_t size)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (i == MAX_LISTENERS || !sandbox_has(owner, &s->listeners[i], hint)) {
            (void)describe(&s->listeners[i < MAX_LISTENERS ? i : 0], who, size);
            return TPH_PEER_STRANGER;
        }
    }
    /* None: it has just closed, and the connection with it, or it cannot be seen. */
    return s->n_listeners > 0 ? TPH_PEER_OWN : TPH_PEER_UNSEEN;
}

static enum tph_peer judge(const struct sight *s, const struct tph_peer_owner *owner, pid_t *hint, char *who,
                           size_t size)
{
    bool waits = s->state == ESTABLISHED || s->state == SYN_RECEIVED || s->state == NEW_SYN_RECEIVED;
    if (s->end.inode == 0) {
        return waits ? judge_listeners(s, owner, hint, who, size) : TPH_PEER_OWN;
    }
    if (sandbox_has(owner, &s->end, hint)) {
        return TPH_PEER_OWN;
    }
    /* It was accepted. Between that and the descriptor there is a moment in which no process has it. */
    return describe(&s->end, who, size) > 0 ? TPH_PEER_STRANGER : TPH_PEER_UNSEEN;
}

static int read_ends(int fd, struct ends *ret_ends)
{
    struct ends e = {.ours = {.v6 = {.sin6_family = AF_UNSPEC}}, .theirs = {.v6 = {.sin6_family = AF_UNSPEC}}};
    socklen_t ours = sizeof(e.ours), theirs = sizeof(e.theirs);
    if (getsockname(fd, &e.ours.any, &ours) < 0 || getpeername(fd, &e.theirs.any, &theirs) < 0) {
        return -1;
    }
    *ret_ends = e;
    return 0;
}

typedef int see_fn(const struct ends *ends, struct sight *ret_sight);

static enum tph_peer look(see_fn *see, int fd, const struct tph_peer_owner *owner, pid_t *hint, char *who, size_t size)
{
    struct ends ends;
    struct sight sight;
    (void)snprintf(who, size, "another program");
    if (read_ends(fd, &ends) < 0) {
        return TPH_PEER_OWN; /* broken already: nobody reads it */
    }
    return see(&ends, &sight) < 0 ? TPH_PEER_UNSEEN : judge(&sight, owner, hint, who, size);
}

static int see(const struct ends *ends, struct sight *ret_sight)
{
    return see_by_netlink(ends, ret_sight) < 0 ? see_in_proc(ends, ret_sight) : 0;
}

enum tph_peer tph_peer_look(int fd, const struct tph_peer_owner *owner, pid_t *hint, char *who, size_t size)
{
    return look(see, fd, owner, hint, who, size);
}

enum tph_peer tph_peer_look_in_proc(int fd, const struct tph_peer_owner *owner, pid_t *hint, char *who, size_t size)
{
    return look(see_in_proc, fd, owner, hint, who, size);
}

int tph_peer_waiting(uint16_t port)
{
    const struct ends e = {
        .theirs = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}}}};
    const struct ends e6 = {
        .theirs = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT}}};
    struct sight s = {.state = 0}, s6 = {.state = 0};
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0 || ask(fd, AF_INET, &e, true, &s) < 0 || ask(fd, AF_INET6, &e6, true, &s6) < 0) {
        return -1;
    }
    uint32_t all = s.waiting + s6.waiting;
    return all > INT_MAX ? INT_MAX : (int)all;
}
