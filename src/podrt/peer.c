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
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "podrt/ports.h"

enum { PACKET = 16384, LINE = 512, MAX_LISTENERS = 16, MAX_DEPTH = 4096 };

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

/* Whose it may be. */
struct room {
    const struct tph_peer_owner *owner;
    char namespace[64]; /* its pid namespace, as its link reads; not of a plain one */
};

/* "" = cannot be seen. */
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

/* 0 = it is gone. */
static pid_t read_parent(int process)
{
    char text[512];
    TPH_CLEANUP(tph_fd_close) int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *name_end = strrchr(text, ')'); /* a name may have any characters */
    int parent = 0;
    return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* From child to parent up to init. A parent that ended between the look at its number and the look at itself may have
 * left its number to somebody else: then the child has another parent by now, never again one of that number. */
static bool descends(int process, pid_t init)
{
    TPH_CLEANUP(tph_fd_close) int at = fcntl(process, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < MAX_DEPTH; i++) {
        pid_t parent = read_parent(at);
        if (parent <= 1 || parent == init) {
            return parent == init;
        }
        int above = open_process(parent);
        if (above >= 0 && read_parent(at) == parent) {
            tph_fd_close(&at);
            at = above;
        } else {
            tph_fd_close(&above);
        }
    }
    return false;
}

static bool is_own(const struct room *room, int process)
{
    if (room->owner->plain) {
        struct stat status;
        return fstat(process, &status) == 0 && status.st_uid == geteuid() && descends(process, room->owner->init);
    }
    char text[64];
    read_namespace(process, text);
    return text[0] != '\0' && strcmp(text, room->namespace) == 0;
}

static bool is_own_and_has(const struct room *room, pid_t pid, uint64_t inode)
{
    TPH_CLEANUP(tph_fd_close) int process = open_process(pid);
    return process >= 0 && is_own(room, process) && tph_process_has_socket(process, inode);
}

/* Looks through all processes of the machine for one of the sandbox that has it. */
static pid_t find_holder(const struct room *room, uint64_t inode)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    int64_t pid = 0, number;
    while (proc && pid == 0 && (entry = readdir(proc)) != NULL) {
        if (tph_str_to_i64(tph_str(entry->d_name), &number) == 0 && number > 0 &&
            is_own_and_has(room, (pid_t)number, inode)) {
            pid = number;
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    return (pid_t)pid;
}

/* False when it is not there, or cannot be seen: then nobody is in it. */
static bool enter_room(const struct tph_peer_owner *owner, struct room *ret_room)
{
    struct room room = {.owner = owner};
    TPH_CLEANUP(tph_fd_close) int process = owner->init > 0 ? open_process(owner->init) : -1;
    if (process >= 0 && !owner->plain) {
        read_namespace(process, room.namespace);
    }
    if (process < 0 || (!owner->plain && room.namespace[0] == '\0')) {
        return false;
    }
    *ret_room = room;
    return true;
}

/* True when a process of the sandbox has it open. */
static bool sandbox_has(struct tph_peer_owner *owner, uint64_t inode)
{
    struct room room;
    if (inode == 0 || !enter_room(owner, &room)) {
        return false;
    }
    if (owner->holder > 0 && is_own_and_has(&room, owner->holder, inode)) {
        return true;
    }
    pid_t holder = find_holder(&room, inode);
    owner->holder = holder > 0 ? holder : owner->holder;
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

/* Somebody that has it was found, but not among the sandbox's: a process that was made while we looked is not in the
 * list that we went through. */
static enum tph_peer judge_holder(struct tph_peer_owner *owner, pid_t pid, uint64_t inode)
{
    struct room room;
    TPH_CLEANUP(tph_fd_close) int process = open_process(pid);
    if (process >= 0 && enter_room(owner, &room) && is_own(&room, process)) {
        owner->holder = pid;
        return tph_process_has_socket(process, inode) ? TPH_PEER_OWN : TPH_PEER_UNSEEN;
    }
    return process >= 0 && tph_process_has_socket(process, inode) ? TPH_PEER_STRANGER : TPH_PEER_UNSEEN;
}

/* That no process has it is so for a moment between accept(2) and its descriptor; and it looks so when it is handed
 * from one that has been looked at to one that has been looked at before. */
static enum tph_peer judge_held(const struct held *held, struct tph_peer_owner *owner, char *who, size_t size)
{
    if (sandbox_has(owner, held->inode)) {
        return TPH_PEER_OWN;
    }
    pid_t pid = describe(held, who, size);
    return pid > 0 ? judge_holder(owner, pid, held->inode) : TPH_PEER_UNSEEN;
}

/* Who may accept it: all of them have to be the sandbox's. */
static enum tph_peer judge_listeners(const struct sight *s, struct tph_peer_owner *owner, char *who, size_t size)
{
    if (s->n_listeners > MAX_LISTENERS) {
        return TPH_PEER_STRANGER;
    }
    for (size_t i = 0; i < s->n_listeners; i++) {
        enum tph_peer peer = judge_held(&s->listeners[i], owner, who, size);
        if (peer != TPH_PEER_OWN) {
            return peer;
        }
    }
    /* None: it has just closed, and the connection with it, or it cannot be seen. */
    return s->n_listeners > 0 ? TPH_PEER_OWN : TPH_PEER_UNSEEN;
}

static enum tph_peer judge(const struct sight *s, struct tph_peer_owner *owner, char *who, size_t size)
{
    bool waits = s->state == ESTABLISHED || s->state == SYN_RECEIVED || s->state == NEW_SYN_RECEIVED;
    if (s->end.inode == 0) {
        return waits ? judge_listeners(s, owner, who, size) : TPH_PEER_OWN;
    }
    return judge_held(&s->end, owner, who, size);
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

static enum tph_peer look(see_fn *see, int fd, struct tph_peer_owner *owner, char *who, size_t size)
{
    struct ends ends;
    struct sight sight;
    (void)snprintf(who, size, "another program");
    if (read_ends(fd, &ends) < 0) {
        return TPH_PEER_OWN; /* broken already: nobody reads it */
    }
    return see(&ends, &sight) < 0 ? TPH_PEER_UNSEEN : judge(&sight, owner, who, size);
}

static int see(const struct ends *ends, struct sight *ret_sight)
{
    return see_by_netlink(ends, ret_sight) < 0 ? see_in_proc(ends, ret_sight) : 0;
}

enum tph_peer tph_peer_look(int fd, struct tph_peer_owner *owner, char *who, size_t size)
{
    return look(see, fd, owner, who, size);
}

enum tph_peer tph_peer_look_in_proc(int fd, struct tph_peer_owner *owner, char *who, size_t size)
{
    return look(see_in_proc, fd, owner, who, size);
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
