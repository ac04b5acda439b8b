/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/ports.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"

enum { LISTENING = 10 };

struct listener {
    unsigned long inode;
    bool any_address;
};

/* One line: "  0: 00000000:1103 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 ...". */
static bool read_line(const char *line, uint16_t port, struct listener *ret)
{
    char address[64];
    unsigned line_port = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    int n = sscanf(line, " %*d: %63[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*d %*d %lu", address, &line_port, &state,
                   &inode);
    if (n != 4 || state != LISTENING || line_port != port) {
        return false;
    }
    ret->inode = inode;
    ret->any_address = strspn(address, "0") == strlen(address);
    return true;
}

static bool find_in(const char *path, uint16_t port, struct listener *ret)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(16));
    if (tph_fd_read_file(path, &text, NULL) < 0) {
        return false;
    }
    struct tph_str rest = tph_buf_str(&text);
    struct tph_str line;
    while (tph_str_cut(&rest, '\n', &line)) {
        char copy[256];
        (void)snprintf(copy, sizeof(copy), "%.*s", TPH_FMT(line));
        if (read_line(copy, port, ret)) {
            return true;
        }
    }
    return false;
}

static bool find_listener(uint16_t port, struct listener *ret)
{
    return find_in("/proc/net/tcp", port, ret) || find_in("/proc/net/tcp6", port, ret);
}

/* True when the process has the socket open. */
static bool has_socket(const char *pid, const char *socket_link)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && !found; entry = readdir(dir)) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, socket_link) == 0;
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

static void name_process(const char *pid, char *who, size_t size)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("/proc/%s/comm", pid);
    TPH_CLEANUP(tph_buf_release) struct tph_buf comm = TPH_BUF_INIT(64);
    if (tph_fd_read_file(path, &comm, NULL) == 0) {
        struct tph_str name = tph_str_trim(tph_buf_str(&comm));
        (void)snprintf(who, size, "%.*s (pid %s)", TPH_FMT(name), pid);
    }
}

bool tph_port_in_use(uint16_t port, char *who, size_t size)
{
    struct listener listener;
    if (!find_listener(port, &listener)) {
        return false;
    }
    (void)snprintf(who, size, "another program");
    char link[64];
    (void)snprintf(link, sizeof(link), "socket:[%lu]", listener.inode);
    DIR *proc = opendir("/proc");
    bool found = false;
    for (struct dirent *entry = proc ? readdir(proc) : NULL; entry && !found; entry = readdir(proc)) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_socket(entry->d_name, link)) {
            name_process(entry->d_name, who, size);
            found = true;
        }
    }
    if (proc) {
        (void)closedir(proc);
    }
    return true;
}

bool tph_port_is_public(uint16_t port)
{
    struct listener listener;
    return find_listener(port, &listener) && listener.any_address;
}
