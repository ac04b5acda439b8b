/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/ports.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { STATE_LISTEN = 0x0a, LINE = 512, PACKET = 16384 };

/* Takes the next word off the front. */
static struct tph_str word(struct tph_str *rest)
{
    size_t from = 0;
    while (from < rest->len && rest->p[from] == ' ') {
        from++;
    }
    size_t to = from;
    while (to < rest->len && rest->p[to] != ' ') {
        to++;
    }
    struct tph_str found = tph_str_slice(*rest, from, to);
    *rest = tph_str_slice(*rest, to, rest->len);
    return found;
}

static int hex(struct tph_str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 16) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'A' && c <= 'F') {
            digit = (unsigned)(c - 'A') + 10;
        } else {
            return -1;
        }
        value = value * 16 + digit;
    }
    *ret_value = value;
    return 0;
}

/* The kernel prints an address as 32-bit words in the machine's byte order. */
static int read_address(struct tph_str text, unsigned char bytes[16], size_t *ret_len)
{
    if (text.len != 8 && text.len != 32) {
        return -1;
    }
    for (size_t i = 0; i < text.len / 8; i++) {
        uint64_t value;
        if (hex(tph_str_slice(text, i * 8, i * 8 + 8), &value) < 0) {
            return -1;
        }
        uint32_t native = (uint32_t)value;
        memcpy(bytes + i * 4, &native, 4);
    }
    *ret_len = text.len / 2;
    return 0;
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool is_loopback(const unsigned char *bytes, size_t len)
{
    if (len == 4) {
        return bytes[0] == 127;
    }
    bool mapped = is_zero(bytes, 10) && bytes[10] == 0xff && bytes[11] == 0xff;
    return mapped ? bytes[12] == 127 : is_zero(bytes, 15) && bytes[15] == 1;
}

static struct tph_listener listener_at(uint16_t port, const unsigned char *address, size_t len, uint64_t inode)
{
    bool everywhere = is_zero(address, len);
    return (struct tph_listener){
        .port = port,
        .everywhere = everywhere,
        .loopback = everywhere || is_loopback(address, len),
        .inode = inode,
    };
}

int tph_listener_parse(struct tph_str line, struct tph_listener *ret_listener)
{
    struct tph_str rest = line;
    (void)word(&rest); /* "0:" */
    struct tph_str local = word(&rest);
    (void)word(&rest); /* the other side */
    struct tph_str state = word(&rest);
    for (int i = 0; i < 5; i++) {
        (void)word(&rest); /* queues, timer, retransmits, uid, timeout */
    }
    struct tph_str inode_text = word(&rest);
    ptrdiff_t colon = tph_str_find_byte(local, ':');
    uint64_t number, port;
    int64_t inode;
    unsigned char bytes[16] = {0};
    size_t len;
    if (colon < 0 || hex(state, &number) < 0 || number != STATE_LISTEN ||
        hex(tph_str_slice(local, (size_t)colon + 1, local.len), &port) < 0 || port > UINT16_MAX ||
        read_address(tph_str_slice(local, 0, (size_t)colon), bytes, &len) < 0 ||
        tph_str_to_i64(inode_text, &inode) < 0 || inode < 0) {
        return -1;
    }
    *ret_listener = listener_at((uint16_t)port, bytes, len, (uint64_t)inode);
    return 0;
}

static void consider(uint16_t port, const struct tph_listener *found, struct tph_listener *best)
{
    if (found->port == port && found->loopback && (best->port == 0 || (found->everywhere && !best->everywhere))) {
        *best = *found;
    }
}

static int answer(const struct tph_listener *best, struct tph_listener *ret_listener)
{
    if (best->port == 0) {
        return 0;
    }
    *ret_listener = *best;
    return 1;
}

/* Looks through one of the two lists. */
static void search(const char *path, uint16_t port, struct tph_listener *best)
{
    FILE *file = fopen(path, "re");
    char line[LINE];
    if (!file) {
        return;
    }
    bool heading = fgets(line, sizeof(line), file) != NULL;
    while (heading && fgets(line, sizeof(line), file)) {
        struct tph_listener found;
        if (tph_listener_parse(tph_str_trim(tph_str(line)), &found) < 0) {
            break; /* connections: no listener comes after them */
        }
        consider(port, &found, best);
    }
    (void)fclose(file);
}

int tph_listener_find_in_proc(uint16_t port, struct tph_listener *ret_listener)
{
    struct tph_listener best = {.port = 0};
    search("/proc/net/tcp", port, &best);
    search("/proc/net/tcp6", port, &best);
    return answer(&best, ret_listener);
}

/* One packet of the kernel's answer. Returns 1 when it was the last, 0 when more comes, -1 when it is an error. */
static int read_packet(const char *packet, size_t len, int family, uint16_t port, struct tph_listener *best)
{
    size_t at = 0;
    struct nlmsghdr head;
    while (len - at >= sizeof(head)) {
        struct inet_diag_msg socket;
        memcpy(&head, packet + at, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len - at || head.nlmsg_type == NLMSG_ERROR) {
            return -1;
        }
        if (head.nlmsg_type == NLMSG_DONE) {
            return 1;
        }
        if (head.nlmsg_len >= NLMSG_LENGTH(sizeof(socket))) {
            memcpy(&socket, packet + at + NLMSG_HDRLEN, sizeof(socket));
            unsigned char address[16];
            memcpy(address, socket.id.idiag_src, sizeof(address));
            struct tph_listener found =
                listener_at(ntohs(socket.id.idiag_sport), address, family == AF_INET ? 4 : 16, socket.idiag_inode);
            consider(port, &found, best);
        }
        size_t step = NLMSG_ALIGN(head.nlmsg_len);
        at += step < len - at ? step : len - at;
    }
    return 0;
}

/* Asks for the listeners of one family. Returns 0, or -1 when the kernel does not answer. */
static int ask(int fd, int family, uint16_t port, struct tph_listener *best)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } question = {
        .head = {.nlmsg_len = sizeof(question),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1U << STATE_LISTEN},
    };
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
        state = n <= 0 ? -1 : read_packet(packet, (size_t)n, family, port, best);
    }
    return state > 0 ? 0 : -1;
}

int tph_listener_find_by_netlink(uint16_t port, struct tph_listener *ret_listener)
{
    struct tph_listener best = {.port = 0};
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0 || ask(fd, AF_INET, port, &best) < 0 || ask(fd, AF_INET6, port, &best) < 0) {
        return -1;
    }
    return answer(&best, ret_listener);
}

int tph_listener_find(uint16_t port, struct tph_listener *ret_listener)
{
    if (port == 0) {
        return 0;
    }
    int found = tph_listener_find_by_netlink(port, ret_listener);
    return found < 0 ? tph_listener_find_in_proc(port, ret_listener) : found;
}

/* What the kernel says of a descriptor in /proc/PID/fdinfo. An inode's number is one of its file system alone: all
 * sockets are on the same one, which has a mount of its own. */
struct opened {
    uint64_t mount, inode;
};

static bool read_opened(int dir, const char *fd, struct opened *ret_opened)
{
    char text[256]; /* the common lines are the first ones */
    TPH_CLEANUP(tph_fd_close) int file = openat(dir, fd, O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *mount = strstr(text, "\nmnt_id:");
    const char *inode = strstr(text, "\nino:");
    struct opened opened;
    if (!mount || !inode || sscanf(mount, "\nmnt_id: %" SCNu64, &opened.mount) != 1 ||
        sscanf(inode, "\nino: %" SCNu64, &opened.inode) != 1) {
        return false;
    }
    *ret_opened = opened;
    return true;
}

/* Where sockets are. */
static bool read_socket_mount(uint64_t *ret_mount)
{
    struct opened own;
    char number[16];
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TPH_CLEANUP(tph_fd_close) int dir = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(number, sizeof(number), "%d", fd);
    if (fd < 0 || dir < 0 || !read_opened(dir, number, &own)) {
        return false;
    }
    *ret_mount = own.mount;
    return true;
}

bool tph_process_sockets_are_seen(void)
{
    uint64_t mount;
    return read_socket_mount(&mount);
}

typedef bool is_it_fn(int dir, const char *fd, uint64_t inode);

static bool leads_to(int dir, const char *fd, uint64_t inode)
{
    char link[64], target[64];
    (void)snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", inode);
    ssize_t n = readlinkat(dir, fd, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return strcmp(target, link) == 0;
}

static bool is_told_of(int dir, const char *fd, uint64_t inode)
{
    struct opened opened;
    uint64_t mount;
    return read_opened(dir, fd, &opened) && opened.inode == inode && read_socket_mount(&mount) && opened.mount == mount;
}

/* Returns 1 or 0, or -1 when the list cannot be seen. */
static int list_has(int process, const char *list, is_it_fn *is_it, uint64_t inode)
{
    int fd = openat(process, list, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool found = false;
    if (!dir) {
        tph_fd_close(&fd);
        return -1;
    }
    const struct dirent *entry;
    while (!found && (entry = readdir(dir)) != NULL) {
        found = is_it(dirfd(dir), entry->d_name, inode);
    }
    (void)closedir(dir);
    return found;
}

/* Whoever made a user namespace may trace the processes in it, and "fdinfo" is shown to who may; "fd" is their user's
 * alone by its mode. */
bool tph_process_has_socket(int process, uint64_t inode)
{
    int has = list_has(process, "fd", leads_to, inode);
    return (has < 0 ? list_has(process, "fdinfo", is_told_of, inode) : has) == 1;
}

static bool holds(int proc, const char *pid, uint64_t inode)
{
    TPH_CLEANUP(tph_fd_close) int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return process >= 0 && tph_process_has_socket(process, inode);
}

static void read_name(int proc, const char *pid, char name[32])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%.20s/comm", pid);
    TPH_CLEANUP(tph_fd_close) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, name, 31);
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    /* A process names itself: nothing but plain characters goes to a terminal. */
    for (char *p = name; *p; p++) {
        *p = isprint((unsigned char)*p) && (unsigned char)*p < 0x80 ? *p : '?';
    }
}

pid_t tph_listener_process(const struct tph_listener *listener, char name[32])
{
    DIR *proc = opendir("/proc");
    int64_t pid = 0;
    name[0] = '\0';
    if (!proc) {
        return 0;
    }
    const struct dirent *entry;
    while (pid == 0 && (entry = readdir(proc)) != NULL) {
        int64_t number;
        if (tph_str_to_i64(tph_str(entry->d_name), &number) == 0 && number > 0 &&
            holds(dirfd(proc), entry->d_name, listener->inode)) {
            pid = number;
            read_name(dirfd(proc), entry->d_name, name);
        }
    }
    (void)closedir(proc);
    return (pid_t)pid;
}
