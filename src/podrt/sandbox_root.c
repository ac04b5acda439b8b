/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/sandbox_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "podrt/sandbox_shim.h"
#include "podrt/uplink.h"

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
enum { DETACH = 2 /* MNT_DETACH */ };

/* Where the new root is put before it becomes the root: every machine has it, and it is hidden only in here. */
#define NEW_ROOT "/tmp"
/* Where the host is for a moment after that. */
#define OLD_ROOT "/tmp"
/* Where the system's /etc is, when there is one of our own. */
#define REAL_ETC "/run/tiphys/etc"

static const char *const system_dirs[TPH_SHIM_SYSTEM_DIRS] = {"/usr",   "/bin",   "/sbin",   "/lib",
                                                              "/lib32", "/lib64", "/libx32", "/etc"};
static const char *const devices[TPH_SHIM_DEVICES] = {"null", "zero", "full", "random", "urandom", "tty"};

enum { READ_ONLY = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

/* What is being done now, should it fail. */
static void step(struct tph_shim_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void step(struct tph_shim_plan *plan, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(plan->step, sizeof(plan->step), format, args);
    va_end(args);
}

/* What is taken from the host */

static int open_tree_of(const char *path)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static ssize_t read_start(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return n;
}

/* The machine's loopback is not the sandbox's: a resolver there is none. */
static void choose_servers(struct tph_shim_host *host, bool link_local)
{
    static char resolved[sizeof(host->resolv_text)], good[sizeof(host->resolv_text)];
    ssize_t n = read_start(TPH_UPLINK_RESOLVED, resolved, sizeof(resolved));
    size_t own = host->resolv_len > 0 ? (size_t)host->resolv_len : 0;
    size_t len =
        tph_uplink_resolv(host->resolv_text, own, resolved, n > 0 ? (size_t)n : 0, link_local, good, sizeof(good));
    if (len == 0) {
        static const char none[] = "# no name server of this machine can be reached from here\n";
        memcpy(good, none, sizeof(none) - 1);
        len = sizeof(none) - 1;
        tph_shim_tell_degraded("no names are resolved: the name servers of /etc/resolv.conf are IPv6, link-local or on "
                               "this machine's loopback, which its own network does not reach");
    }
    memcpy(host->resolv_text, good, len);
    host->resolv_len = (ssize_t)len;
}

static void read_resolv(const struct tph_shim_plan *plan, struct tph_shim_host *host)
{
    host->resolv_len = read_start("/etc/resolv.conf", host->resolv_text, sizeof(host->resolv_text));
    if (plan->spec.uplink || plan->spec.has_pasta) {
        choose_servers(host, plan->spec.uplink != 0);
    }
    if (!realpath("/etc/resolv.conf", host->resolv_target)) {
        host->resolv_target[0] = '\0';
    }
}

int tph_shim_open_trees(struct tph_shim_plan *plan)
{
    struct tph_shim_host *host = &plan->host;
    for (int i = 0; i < TPH_SHIM_SYSTEM_DIRS && !plan->root; i++) {
        ssize_t n = readlink(system_dirs[i], host->dir_links[i], sizeof(host->dir_links[i]) - 1);
        host->dir_links[i][n > 0 ? n : 0] = '\0';
        host->dirs[i] = n > 0 ? -1 : open_tree_of(system_dirs[i]);
    }
    for (int i = 0; i < TPH_SHIM_DEVICES; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/dev/%s", devices[i]);
        host->devices[i] = open_tree_of(path);
    }
    host->root = plan->root ? open_tree_of(plan->root) : -1;
    if (plan->root && host->root < 0) {
        step(plan, "open %s", plan->root);
        return -errno;
    }
    for (uint32_t i = 0; i < plan->spec.n_binds; i++) {
        plan->binds[i].tree = open_tree_of(plan->binds[i].host);
        if (plan->binds[i].tree < 0) {
            step(plan, "open %s", plan->binds[i].host);
            return -errno;
        }
    }
    read_resolv(plan, host);
    return 0;
}

/* Small things */

/* Makes the directories of a path, without its last part when it is a file. */
static int make_dirs(const char *path, bool file)
{
    char text[PATH_MAX];
    (void)snprintf(text, sizeof(text), "%s", path);
    for (char *p = text + 1; *p; p++) {
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

static int write_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
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

/* A memory file system; so many files that they cost no more than its size. */
static int mount_tmpfs(const char *path, uint64_t size, const char *mode, unsigned long flags)
{
    enum { PAGE = 4096, FILES = 64 };
    char options[96];
    (void)snprintf(options, sizeof(options), "size=%llu,mode=%s,nr_inodes=%llu", (unsigned long long)size, mode,
                   (unsigned long long)(size / PAGE + FILES));
    return mount("tmpfs", path, "tmpfs", flags | MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

static int make_tmpfs(const char *path, uint64_t size, const char *mode, unsigned long flags)
{
    int failed = make_dirs(path, false);
    return failed < 0 ? failed : mount_tmpfs(path, size, mode, flags);
}

static int fix(const char *path, unsigned long flags)
{
    return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | flags, NULL) < 0 ? -errno
                                                                                                              : 0;
}

/* With all that is mounted below; nothing that is mounted on the host later comes along. */
static int put_tree(int tree, const char *path, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0 ||
        syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        return -errno;
    }
    return 0;
}

/* The new root */

/* The tree on which all else is mounted: a small tmpfs, or the unpacked root directory. */
static int put_base(struct tph_shim_plan *plan)
{
    step(plan, "mount the root");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return -errno;
    }
    if (plan->root) {
        return put_tree(plan->host.root, NEW_ROOT, READ_ONLY);
    }
    int failed = mount_tmpfs(NEW_ROOT, 16 << 20, "0755", 0);
    failed = failed == 0 && mkdir(NEW_ROOT OLD_ROOT, 0755) < 0 ? -errno : failed;
    return failed == 0 && mkdir(NEW_ROOT "/proc", 0755) < 0 ? -errno : failed;
}

/* From here on every path is one of the new root. The kernel wants to see the old /proc when a new one is mounted. */
static int enter_base(struct tph_shim_plan *plan)
{
    step(plan, "pivot_root");
    if (syscall(SYS_pivot_root, NEW_ROOT, NEW_ROOT OLD_ROOT) < 0 || chdir("/") < 0) {
        return -errno;
    }
    step(plan, "mount /proc");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return -errno;
    }
    step(plan, "leave the host's files");
    return umount2(OLD_ROOT, DETACH) < 0 ? -errno : 0;
}

static int put_system_dirs(struct tph_shim_plan *plan)
{
    const struct tph_shim_host *host = &plan->host;
    int failed = 0;
    for (int i = 0; i < TPH_SHIM_SYSTEM_DIRS && failed == 0; i++) {
        step(plan, "bind %s", system_dirs[i]);
        if (host->dir_links[i][0]) {
            failed = symlink(host->dir_links[i], system_dirs[i]) < 0 ? -errno : 0;
        } else if (host->dirs[i] >= 0) {
            failed = make_dirs(system_dirs[i], false);
            failed = failed < 0 ? failed : put_tree(host->dirs[i], system_dirs[i], READ_ONLY);
        }
    }
    return failed;
}

static int put_private_dirs(struct tph_shim_plan *plan)
{
    step(plan, "mount /run");
    int failed = make_tmpfs("/run", 16 << 20, "0755", MS_NOEXEC);
    failed = failed < 0 ? failed : make_dirs(TPH_SHIM_BIN, false);
    if (failed == 0) {
        step(plan, "mount /tmp");
        failed = make_tmpfs("/tmp", 256 << 20, "1777", 0);
    }
    if (failed == 0 && !plan->root) {
        step(plan, "make /var");
        failed = make_dirs("/var/tmp", false);
        failed = failed == 0 && (chmod("/var/tmp", 01777) < 0 || symlink("/run", "/var/run") < 0) ? -errno : failed;
    }
    return failed;
}

/* A device is a file with the host's node bound over it. */
static int put_devices(struct tph_shim_plan *plan)
{
    char path[64];
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"}};
    step(plan, "mount /dev");
    int failed = make_tmpfs("/dev", 1 << 20, "0755", MS_NOEXEC);
    for (int i = 0; i < TPH_SHIM_DEVICES && failed == 0; i++) {
        (void)snprintf(path, sizeof(path), "/dev/%s", devices[i]);
        step(plan, "bind %s", path);
        if (plan->host.devices[i] >= 0) {
            failed = write_file(path, "", 0, 0666);
            failed = failed < 0 ? failed : put_tree(plan->host.devices[i], path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        }
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && failed == 0; i++) {
        step(plan, "link %s", links[i][1]);
        failed = symlink(links[i][0], links[i][1]) < 0 ? -errno : 0;
    }
    if (failed == 0) {
        step(plan, "mount /dev/shm");
        failed = make_tmpfs("/dev/shm", 64 << 20, "1777", MS_NOEXEC);
    }
    return failed < 0 ? failed : fix("/dev", MS_NOEXEC);
}

/* Parts of /proc that tell or change more than a sidecar's business, as far as they exist. */
static int mask_proc(struct tph_shim_plan *plan)
{
    static const char *const hidden[] = {"/proc/acpi", "/proc/asound",     "/proc/interrupts",    "/proc/kcore",
                                         "/proc/keys", "/proc/kmsg",       "/proc/latency_stats", "/proc/sched_debug",
                                         "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"};
    static const char *const fixed[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    struct stat there;
    int failed = 0;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && failed == 0; i++) {
        step(plan, "cover %s", hidden[i]);
        if (lstat(hidden[i], &there) < 0) {
            failed = errno == ENOENT ? 0 : -errno;
        } else if (S_ISDIR(there.st_mode)) {
            failed = mount_tmpfs(hidden[i], 0, "0555", MS_RDONLY | MS_NOEXEC);
        } else {
            failed = mount("/dev/null", hidden[i], NULL, MS_BIND, NULL) < 0 ? -errno : 0;
        }
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && failed == 0; i++) {
        step(plan, "make %s read-only", fixed[i]);
        if (mount(fixed[i], fixed[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
            failed = errno == ENOENT ? 0 : -errno;
        } else {
            failed = fix(fixed[i], MS_NOEXEC);
        }
    }
    return failed;
}

/* Names in /etc */

/* A small /etc of our own whose entries lead to the system's, for a system that has no file there which ours could be
 * bound over. Links are copied, for relative ones count from where they stand. */
static int own_etc(void)
{
    char target[512];
    int failed = make_dirs(REAL_ETC, false);
    if (failed < 0 || mount("/etc", REAL_ETC, NULL, MS_BIND | MS_REC, NULL) < 0) {
        return failed < 0 ? failed : -errno;
    }
    failed = make_tmpfs("/etc", 1 << 20, "0755", MS_NOEXEC);
    DIR *entries = failed < 0 ? NULL : opendir(REAL_ETC);
    for (struct dirent *e = entries ? readdir(entries) : NULL; e && failed == 0; e = readdir(entries)) {
        char path[sizeof(REAL_ETC) + sizeof(e->d_name) + 1];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), REAL_ETC "/%s", e->d_name);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        char link[sizeof("/etc/") + sizeof(e->d_name)];
        (void)snprintf(link, sizeof(link), "/etc/%s", e->d_name);
        failed = symlink(n > 0 ? target : path, link) < 0 ? -errno : 0;
    }
    if (entries) {
        (void)closedir(entries);
    }
    return failed;
}

static bool is_file(const char *path)
{
    struct stat there;
    return lstat(path, &there) == 0 && S_ISREG(there.st_mode);
}

/* A file of our own in place of the system's in /etc: bound over it, or where /etc is ours too, written there. */
static int cover_etc(const char *name, const char *bytes, size_t len, bool etc_is_ours)
{
    char own[64];
    char path[64];
    (void)snprintf(path, sizeof(path), "/etc/%s", name);
    if (etc_is_ours) {
        (void)unlink(path); /* the link that stands there, if one does */
        return write_file(path, bytes, len, 0444);
    }
    (void)snprintf(own, sizeof(own), "/run/tiphys/%s", name);
    int failed = write_file(own, bytes, len, 0444);
    return failed == 0 && mount(own, path, NULL, MS_BIND, NULL) < 0 ? -errno : failed;
}

static int put_names(struct tph_shim_plan *plan)
{
    const struct tph_shim_host *host = &plan->host;
    char hosts[1024];
    struct stat there;
    step(plan, "write /etc/hosts");
    if (lstat("/etc", &there) < 0 || !S_ISDIR(there.st_mode)) {
        return 0; /* a root directory that knows no /etc needs no names */
    }
    bool ours = !is_file("/etc/hosts") || !is_file("/etc/hostname");
    int len =
        snprintf(hosts, sizeof(hosts),
                 "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t%s\n", plan->hostname);
    int failed = make_dirs("/run/tiphys", false);
    failed = failed == 0 && ours ? own_etc() : failed;
    failed = failed < 0 ? failed : cover_etc("hosts", hosts, (size_t)len, ours);
    failed = failed < 0 ? failed : cover_etc("hostname", plan->hostname, strlen(plan->hostname), ours);
    /* The names that this machine can resolve are those of a root directory, too; a network of its own may need others.
     */
    bool covers = plan->root || plan->spec.uplink || plan->spec.has_pasta;
    if (failed == 0 && covers && host->resolv_len > 0 && (ours || is_file("/etc/resolv.conf"))) {
        failed = cover_etc("resolv.conf", host->resolv_text, (size_t)host->resolv_len, ours);
    }
    return failed == 0 && ours ? fix("/etc", MS_NOEXEC) : failed;
}

static int put_etc(struct tph_shim_plan *plan)
{
    const struct tph_shim_host *host = &plan->host;
    int failed = put_names(plan);
    /* A resolv.conf that is a link to elsewhere points nowhere here, unless its target is made. */
    if (failed == 0 && !plan->root && host->resolv_len > 0 && host->resolv_target[0] &&
        access(host->resolv_target, F_OK) < 0) {
        step(plan, "write %s", host->resolv_target);
        failed = make_dirs(host->resolv_target, true);
        failed =
            failed < 0 ? failed : write_file(host->resolv_target, host->resolv_text, (size_t)host->resolv_len, 0444);
    }
    return failed;
}

/* What this sidecar has */

static int put_volumes(struct tph_shim_plan *plan)
{
    int failed = 0;
    for (uint32_t i = 0; i < plan->spec.n_tmpfs && failed == 0; i++) {
        const char *path = plan->tmpfs[i].path;
        const struct tph_shim_number *number = &plan->tmpfs[i].number;
        step(plan, "mount %s", path);
        failed = make_tmpfs(path, number->size, number->read_only ? "0755" : "0777", number->no_exec ? MS_NOEXEC : 0);
        failed = failed == 0 && chown(path, plan->spec.uid, plan->spec.gid) < 0 ? -errno : failed;
    }
    for (uint32_t i = 0; i < plan->spec.n_files && failed == 0; i++) {
        const char *path = plan->files[i].path;
        step(plan, "write %s", path);
        failed = make_dirs(path, true);
        failed = failed < 0
                     ? failed
                     : write_file(path, plan->files[i].content, plan->files[i].number.size, plan->files[i].number.mode);
        failed = failed == 0 && chown(path, plan->spec.uid, plan->spec.gid) < 0 ? -errno : failed;
    }
    for (uint32_t i = 0; i < plan->spec.n_tmpfs && failed == 0; i++) {
        step(plan, "make %s read-only", plan->tmpfs[i].path);
        if (plan->tmpfs[i].number.read_only) {
            failed = fix(plan->tmpfs[i].path, plan->tmpfs[i].number.no_exec ? MS_NOEXEC : 0);
        }
    }
    return failed;
}

static int put_binds(struct tph_shim_plan *plan)
{
    int failed = 0;
    for (uint32_t i = 0; i < plan->spec.n_binds && failed == 0; i++) {
        const char *path = plan->binds[i].inside;
        struct stat there;
        step(plan, "bind %s", path);
        failed = fstat(plan->binds[i].tree, &there) < 0 ? -errno : 0;
        bool file = failed == 0 && !S_ISDIR(there.st_mode);
        failed = failed < 0 ? failed : make_dirs(path, file);
        failed = failed == 0 && file ? write_file(path, "", 0, 0444) : failed;
        failed = failed < 0 ? failed : put_tree(plan->binds[i].tree, path, READ_ONLY);
    }
    return failed;
}

static int put_links(struct tph_shim_plan *plan)
{
    char path[PATH_MAX];
    for (uint32_t i = 0; i < plan->spec.n_links; i++) {
        (void)snprintf(path, sizeof(path), TPH_SHIM_BIN "/%s", plan->links[i].name);
        step(plan, "link %s", path);
        if (symlink(plan->links[i].target, path) < 0) {
            return -errno;
        }
    }
    return 0;
}

/* The token must be found at /var/run/argo; a root directory may have a /var/run that is no link to /run. */
static int put_var_run(struct tph_shim_plan *plan)
{
    struct stat there, run;
    step(plan, "bind /var/run");
    if (!plan->root || stat("/run", &run) < 0 || lstat("/var/run", &there) < 0) {
        return plan->root ? -errno : 0;
    }
    if (S_ISDIR(there.st_mode)) {
        return mount("/run", "/var/run", NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
    }
    return stat("/var/run", &there) < 0                               ? -errno
           : there.st_dev == run.st_dev && there.st_ino == run.st_ino ? 0
                                                                      : -ENOTDIR;
}

static int close_root(struct tph_shim_plan *plan)
{
    int failed = 0;
    step(plan, "make the root read-only");
    if (plan->spec.read_only_root) {
        failed = fix("/run", MS_NOEXEC);
        failed = failed == 0 && !plan->root ? fix("/", 0) : failed;
    }
    return failed < 0 ? failed : put_var_run(plan);
}

int tph_shim_enter_root(struct tph_shim_plan *plan)
{
    int failed = put_base(plan);
    failed = failed < 0 ? failed : enter_base(plan);
    failed = failed == 0 && !plan->root ? put_system_dirs(plan) : failed;
    failed = failed < 0 ? failed : put_private_dirs(plan);
    failed = failed < 0 ? failed : put_devices(plan);
    failed = failed < 0 ? failed : mask_proc(plan);
    failed = failed < 0 ? failed : put_etc(plan);
    failed = failed < 0 ? failed : put_volumes(plan);
    failed = failed < 0 ? failed : put_binds(plan);
    failed = failed < 0 ? failed : put_links(plan);
    return failed < 0 ? failed : close_root(plan);
}
