/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/sandbox_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <sys/mount.h>, which cannot be had together with <linux/mount.h> everywhere. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#ifndef MS_RDONLY
#define MS_RDONLY  1
#define MS_NOSUID  2
#define MS_NODEV   4
#define MS_NOEXEC  8
#define MS_REMOUNT 32
#define MS_BIND    4096
#define MS_REC     16384
#define MS_PRIVATE (1 << 18)
#endif
enum {
    DETACH = 2,                /* MNT_DETACH */
    FULL_PATH = PATH_MAX + 16, /* a path under the new root */
};

/* Where the new root is put together: every machine has it, and what is there goes out of sight only in here. */
#define NEW_ROOT "/tmp"

static const char *const system_dirs[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"};
enum { N_SYSTEM_DIRS = sizeof(system_dirs) / sizeof(system_dirs[0]) };
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
enum { N_DEVICES = sizeof(devices) / sizeof(devices[0]) };

static int system_trees[N_SYSTEM_DIRS];
static char system_links[N_SYSTEM_DIRS][256]; /* target where the directory is a symbolic link */
static int device_trees[N_DEVICES];
static int root_tree = -1;
static char resolv_target[PATH_MAX]; /* where the host's resolv.conf really is, when it is a link */
static char resolv_text[16384];
static ssize_t resolv_len;

static int open_tree_of(const char *path)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/* Read-only with all that is mounted below, no set-uid programs, no devices unless asked. */
static int restrict_tree(int tree, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes};
    return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static void read_resolv(void)
{
    int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        resolv_len = read(fd, resolv_text, sizeof(resolv_text));
        (void)close(fd);
    }
    if (!realpath("/etc/resolv.conf", resolv_target)) {
        resolv_target[0] = '\0';
    }
}

int tph_shim_open_trees(struct tph_shim_plan *plan, const char **step)
{
    for (int i = 0; i < N_SYSTEM_DIRS && !plan->root; i++) {
        ssize_t n = readlink(system_dirs[i], system_links[i], sizeof(system_links[i]) - 1);
        system_links[i][n > 0 ? n : 0] = '\0';
        system_trees[i] = n > 0 ? -1 : open_tree_of(system_dirs[i]);
    }
    for (int i = 0; i < N_DEVICES; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/dev/%s", devices[i]);
        device_trees[i] = open_tree_of(path);
    }
    if (plan->root && (root_tree = open_tree_of(plan->root)) < 0) {
        *step = plan->root;
        return -errno;
    }
    for (uint32_t i = 0; i < plan->spec.n_binds; i++) {
        plan->binds[i].tree = open_tree_of(plan->binds[i].host);
        if (plan->binds[i].tree < 0) {
            *step = plan->binds[i].host;
            return -errno;
        }
    }
    read_resolv();
    return 0;
}

/* The path under the new root. */
static const char *under(const char *path, char text[FULL_PATH])
{
    (void)snprintf(text, FULL_PATH, NEW_ROOT "%s", path);
    return text;
}

/* Makes the directories of a path under the new root, without its last part when file is set. */
static int make_dirs(const char *path, int file)
{
    char text[FULL_PATH];
    (void)under(path, text);
    for (char *p = text + sizeof(NEW_ROOT); *p; p++) {
        if (*p == '/') {
            *p = '\0';
            if (mkdir(text, 0755) < 0 && errno != EEXIST) {
                return -errno;
            }
            *p = '/';
        }
    }
    return !file && mkdir(text, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_file(const char *full_path, const char *bytes, size_t len, mode_t mode)
{
    int fd = open(full_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    int failed = 0;
    while (len > 0 && failed == 0) {
        ssize_t n = write(fd, bytes, len);
        failed = n < 0 ? -errno : 0;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    failed = failed == 0 && fchmod(fd, mode) < 0 ? -errno : failed;
    (void)close(fd);
    return failed;
}

static int mount_tmpfs(const char *path, uint64_t size, const char *mode, unsigned long flags)
{
    char text[FULL_PATH];
    char options[64];
    (void)snprintf(options, sizeof(options), "size=%llu,mode=%s", (unsigned long long)size, mode);
    int failed = make_dirs(path, 0);
    if (failed < 0) {
        return failed;
    }
    return mount("tmpfs", under(path, text), "tmpfs", flags | MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

static int put_tree(int tree, const char *path, uint64_t attributes)
{
    char text[FULL_PATH];
    int failed = restrict_tree(tree, attributes);
    if (failed < 0) {
        return failed;
    }
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, under(path, text), MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        return -errno;
    }
    return 0;
}

enum { READ_ONLY = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

static int put_system_dirs(void)
{
    char text[FULL_PATH];
    for (int i = 0; i < N_SYSTEM_DIRS; i++) {
        if (system_links[i][0]) {
            if (symlink(system_links[i], under(system_dirs[i], text)) < 0) {
                return -errno;
            }
        } else if (system_trees[i] >= 0) {
            int failed = make_dirs(system_dirs[i], 0);
            failed = failed < 0 ? failed : put_tree(system_trees[i], system_dirs[i], READ_ONLY);
            if (failed < 0) {
                return failed;
            }
        }
    }
    return 0;
}

/* A device is a file with the host's node bound over it. */
static int put_devices(void)
{
    char path[64];
    char text[FULL_PATH];
    for (int i = 0; i < N_DEVICES; i++) {
        if (device_trees[i] < 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "/dev/%s", devices[i]);
        int failed = write_file(under(path, text), "", 0, 0666);
        failed = failed < 0 ? failed : put_tree(device_trees[i], path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        if (failed < 0) {
            return failed;
        }
    }
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"}};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlink(links[i][0], under(links[i][1], text)) < 0) {
            return -errno;
        }
    }
    return mount_tmpfs("/dev/shm", 64 << 20, "1777", MS_NOEXEC);
}

/* Parts of /proc that tell or change more than a sidecar's business: covered or read-only, as far as they exist. */
static void mask_proc(void)
{
    static const char *const hidden[] = {"/proc/kcore",         "/proc/keys",        "/proc/timer_list",
                                         "/proc/latency_stats", "/proc/sched_debug", "/proc/kmsg"};
    static const char *const fixed[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    char text[FULL_PATH];
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        (void)!mount(NEW_ROOT "/dev/null", under(hidden[i], text), NULL, MS_BIND, NULL);
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        (void)under(fixed[i], text);
        if (mount(text, text, NULL, MS_BIND | MS_REC, NULL) == 0) {
            (void)!mount(NULL, text, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
        }
    }
}

/* A file of our own in place of the host's in /etc. */
static int cover_etc(const char *name, const char *bytes, size_t len)
{
    char own[FULL_PATH];
    char text[FULL_PATH];
    char path[64];
    (void)snprintf(path, sizeof(path), "/run/tiphys/%s", name);
    int failed = write_file(under(path, own), bytes, len, 0444);
    (void)snprintf(path, sizeof(path), "/etc/%s", name);
    struct stat there;
    if (failed == 0 && lstat(under(path, text), &there) == 0 && S_ISREG(there.st_mode)) {
        failed = mount(own, text, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
    }
    return failed;
}

static int put_etc(const struct tph_shim_plan *plan)
{
    char hosts[1024];
    int len =
        snprintf(hosts, sizeof(hosts),
                 "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t%s\n", plan->hostname);
    int failed = cover_etc("hosts", hosts, (size_t)len);
    if (failed < 0) {
        return failed;
    }
    failed = cover_etc("hostname", plan->hostname, strlen(plan->hostname));
    /* A resolv.conf that is a link into /run points nowhere here, unless its target is made. */
    char text[FULL_PATH];
    if (failed == 0 && resolv_len > 0 && strncmp(resolv_target, "/run/", 5) == 0) {
        failed = make_dirs(resolv_target, 1);
        failed = failed < 0 ? failed : write_file(under(resolv_target, text), resolv_text, (size_t)resolv_len, 0444);
    }
    return failed;
}

static int put_volumes(const struct tph_shim_plan *plan, const char **step)
{
    char text[FULL_PATH];
    int failed = 0;
    for (uint32_t i = 0; i < plan->spec.n_tmpfs && failed == 0; i++) {
        *step = plan->tmpfs[i].path;
        failed = mount_tmpfs(plan->tmpfs[i].path, plan->tmpfs[i].number.size, "0755", MS_NOEXEC);
        if (failed == 0 && !plan->tmpfs[i].number.read_only) {
            (void)under(plan->tmpfs[i].path, text);
            failed = chown(text, plan->spec.uid, plan->spec.gid) < 0 || chmod(text, 0777) < 0 ? -errno : 0;
        }
    }
    for (uint32_t i = 0; i < plan->spec.n_files && failed == 0; i++) {
        *step = plan->files[i].path;
        failed = make_dirs(plan->files[i].path, 1);
        failed = failed < 0 ? failed
                            : write_file(under(plan->files[i].path, text), plan->files[i].content,
                                         plan->files[i].number.size, plan->files[i].number.mode);
        failed = failed == 0 && chown(text, plan->spec.uid, plan->spec.gid) < 0 ? -errno : failed;
    }
    for (uint32_t i = 0; i < plan->spec.n_tmpfs && failed == 0; i++) {
        unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        *step = plan->tmpfs[i].path;
        if (plan->tmpfs[i].number.read_only) {
            failed = mount(NULL, under(plan->tmpfs[i].path, text), NULL, flags, NULL) < 0 ? -errno : 0;
        }
    }
    return failed;
}

static int put_binds(const struct tph_shim_plan *plan, const char **step)
{
    char text[FULL_PATH];
    for (uint32_t i = 0; i < plan->spec.n_binds; i++) {
        struct stat there;
        *step = plan->binds[i].inside;
        if (fstat(plan->binds[i].tree, &there) < 0) {
            return -errno;
        }
        int is_file = !S_ISDIR(there.st_mode);
        int failed = make_dirs(plan->binds[i].inside, is_file);
        if (failed == 0 && is_file) {
            failed = write_file(under(plan->binds[i].inside, text), "", 0, 0444);
        }
        failed = failed < 0 ? failed : put_tree(plan->binds[i].tree, plan->binds[i].inside, READ_ONLY);
        if (failed < 0) {
            return failed;
        }
    }
    return 0;
}

static int put_links(const struct tph_shim_plan *plan)
{
    char path[PATH_MAX];
    char text[FULL_PATH];
    for (uint32_t i = 0; i < plan->spec.n_links; i++) {
        (void)snprintf(path, sizeof(path), TPH_SHIM_BIN "/%s", plan->links[i].name);
        if (symlink(plan->links[i].target, under(path, text)) < 0) {
            return -errno;
        }
    }
    return 0;
}

/* The tree on which all else is mounted: a small tmpfs, or the unpacked root directory. */
static int put_base(const struct tph_shim_plan *plan)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return -errno;
    }
    if (plan->root) {
        return put_tree(root_tree, "", READ_ONLY);
    }
    return mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0755") < 0 ? -errno : 0;
}

static int put_kernel_files(void)
{
    char text[FULL_PATH];
    int failed = make_dirs("/proc", 0);
    failed = failed < 0 ? failed : mount_tmpfs("/dev", 1 << 20, "0755", MS_NOEXEC);
    failed = failed < 0 ? failed : put_devices();
    if (failed == 0 && mount("proc", under("/proc", text), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        failed = -errno;
    }
    if (failed == 0) {
        mask_proc();
    }
    return failed;
}

static int put_private_dirs(const struct tph_shim_plan *plan)
{
    int failed = mount_tmpfs("/run", 16 << 20, "0755", MS_NOEXEC);
    failed = failed < 0 ? failed : make_dirs(TPH_SHIM_BIN, 0);
    failed = failed < 0 ? failed : mount_tmpfs("/tmp", 256 << 20, "1777", 0);
    if (failed == 0 && !plan->root) {
        failed = make_dirs("/var/tmp", 0);
        failed = failed == 0 && symlink("/run", NEW_ROOT "/var/run") < 0 ? -errno : failed;
    }
    return failed;
}

static int take_root(const struct tph_shim_plan *plan)
{
    if (chdir(NEW_ROOT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", DETACH) < 0 || chdir("/") < 0) {
        return -errno;
    }
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    if (plan->spec.read_only_root && !plan->root && mount(NULL, "/", NULL, flags, NULL) < 0) {
        return -errno;
    }
    return 0;
}

int tph_shim_enter_root(const struct tph_shim_plan *plan, const char **step)
{
    int failed = put_base(plan);
    *step = "mount the root";
    if (failed == 0 && !plan->root) {
        *step = "bind the system's directories";
        failed = put_system_dirs();
    }
    if (failed == 0) {
        *step = "mount /run and /tmp";
        failed = put_private_dirs(plan);
    }
    if (failed == 0) {
        *step = "mount /dev and /proc";
        failed = put_kernel_files();
    }
    if (failed == 0) {
        *step = "write /etc/hosts";
        failed = put_etc(plan);
    }
    failed = failed < 0 ? failed : put_volumes(plan, step);
    failed = failed < 0 ? failed : put_binds(plan, step);
    if (failed == 0) {
        *step = "link commands";
        failed = put_links(plan);
    }
    if (failed == 0) {
        *step = "pivot_root";
        failed = take_root(plan);
    }
    return failed;
}
