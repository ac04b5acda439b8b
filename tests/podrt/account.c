/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "podrt/ids.h"

enum { ORDINARY = 65533, SKIP = 77, ACCOUNT_SUBID = 700000, ACCOUNT_RUNS = 20000, ACCOUNT_IDS = 2000 };

static void skip_all(const char *why, int number) __attribute__((noreturn));
static void skip_all(const char *why, int number)
{
    (void)printf("skipped: %s%s%s\n", why, number ? ": " : "", number ? strerrordesc_np(number) : "");
    (void)fflush(stdout);
    _exit(SKIP);
}

/* A fresh run of the program, so that nothing of root's is left in it. */
static void become_user(char **argv)
{
    if (geteuid() != 0) {
        skip_all("it is an ordinary user already, whom the other run tests", 0);
    }
    if (setgroups(0, NULL) < 0 || setresgid(ORDINARY, ORDINARY, ORDINARY) < 0 ||
        setresuid(ORDINARY, ORDINARY, ORDINARY) < 0) {
        skip_all("root cannot become an ordinary user here", errno);
    }
    (void)setenv("HOME", "/nonexistent", 1);
    (void)unsetenv("XDG_RUNTIME_DIR");
    (void)setenv("TPH_TEST_AS_USER", "1", 1);
    char path[PATH_MAX] = ""; /* by its own path: its name is seen in messages */
    (void)!readlink("/proc/self/exe", path, sizeof(path) - 1);
    (void)execv(path, argv);
    skip_all("an ordinary user may not run this program", errno);
}

/* A file of our own in place of the system's, in mounts of our own. */
static void replace_file(const char *path, const char *text)
{
    char own[] = "/tmp/tiphys-account-XXXXXX";
    TPH_CLEANUP(tph_fd_close) int fd = mkstemp(own);
    if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, strlen(text)) < 0 ||
        mount(own, path, NULL, MS_BIND, NULL) < 0) {
        skip_all(path, errno);
    }
    (void)unlink(own);
}

/* As on a machine whose administrator gave the ordinary user subordinate ids. */
static void give_subids(const char *count, bool broken)
{
    char text[128];
    if (geteuid() != 0) {
        skip_all("giving ids to a user needs root", 0);
    }
    if (access("/usr/bin/newuidmap", X_OK) < 0) {
        skip_all("there is no newuidmap here (apt install uidmap)", 0);
    }
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        skip_all("no mounts of one's own here", errno);
    }
    (void)snprintf(text, sizeof(text), "root:x:0:0::/root:/bin/sh\nordinary:x:%d:%d::/nonexistent:/bin/sh\n", ORDINARY,
                   ORDINARY);
    replace_file("/etc/passwd", text);
    /* Of this run of this test alone: several at once would take each other's. */
    unsigned first = ACCOUNT_SUBID + (unsigned)getpid() % ACCOUNT_RUNS * ACCOUNT_IDS;
    (void)snprintf(text, sizeof(text), "%u", first);
    (void)setenv("TPH_TEST_FIRST_SUBID", text, 1);
    (void)snprintf(text, sizeof(text), "ordinary:%u:%.8s\n", first, count);
    replace_file("/etc/subuid", text);
    (void)snprintf(text, sizeof(text), "%d:%u:%.8s\n", ORDINARY, first + 1000, count);
    replace_file("/etc/subgid", text);
    if (broken && mount("/bin/false", "/usr/bin/newuidmap", NULL, MS_BIND, NULL) < 0) {
        skip_all("newuidmap", errno);
    }
    (void)setenv("TPH_TEST_SUBIDS", broken ? "0" : count, 1);
}

/* What the administrator of this machine gave to who runs the tests. */
static void find_own_subids(uint32_t *first, uint32_t *n)
{
    char text[16384] = "", line[64] = "";
    const struct passwd *me = getpwuid(geteuid());
    FILE *file = geteuid() != 0 ? fopen("/etc/subuid", "re") : NULL;
    struct tph_str name = tph_str(me ? me->pw_name : line);
    *first = *n = 0;
    struct tph_str given = {.p = text, .len = file ? fread(text, 1, sizeof(text), file) : 0};
    bool gains = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0; /* by newuidmap's mode; who hides calls does not */
    if (!gains || access("/usr/bin/newuidmap", X_OK) < 0 || !tph_ids_subordinate(given, name, geteuid(), first, n)) {
        *first = *n = 0;
    }
    if (file) {
        (void)fclose(file);
    }
}

int account_subids(void)
{
    const char *count = getenv("TPH_TEST_SUBIDS");
    uint32_t first = 0, n = 0;
    if (!count && !getenv("TPH_TEST_AS_USER")) {
        find_own_subids(&first, &n);
    }
    return count ? atoi(count) : (int)n;
}

uint32_t account_first_subid(void)
{
    const char *given = getenv("TPH_TEST_FIRST_SUBID");
    uint32_t first = 0, n = 0;
    if (!given && !getenv("TPH_TEST_AS_USER")) {
        find_own_subids(&first, &n);
    }
    return given ? (uint32_t)strtoul(given, NULL, 10) : first;
}

/* From now on the kernel does not know a system call; with_first, only when its first argument is `first`. */
static void hide_call(uint32_t number, uint32_t first, uint32_t error, bool with_first)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, with_first ? first : 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]),
                                 .filter = (struct sock_filter *)(uintptr_t)filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        skip_all("no filter of system calls can be installed here", errno);
    }
}

/* An empty directory over each, in mounts of our own. */
static void hide_dirs(const char *const dirs[])
{
    if (geteuid() != 0) {
        skip_all("hiding control groups needs root", 0);
    }
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        skip_all("no mounts of one's own here", errno);
    }
    bool any = false;
    for (; *dirs; dirs++) {
        if (access(*dirs, F_OK) == 0) {
            if (mount("tmpfs", *dirs, "tmpfs", 0, NULL) < 0) {
                skip_all(*dirs, errno);
            }
            any = true;
        }
    }
    if (!any) {
        skip_all("this machine has no such control groups", 0);
    }
}

static void write_text(const char *path, const char *text)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        skip_all(path, errno);
    }
}

/* In a user namespace of our own, in which we have these ids. */
static void enter_userns(uid_t uid, gid_t gid)
{
    char uids[32], gids[32];
    (void)snprintf(uids, sizeof(uids), "%u %u 1", uid, geteuid());
    (void)snprintf(gids, sizeof(gids), "%u %u 1", gid, getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
        skip_all("this machine forbids user namespaces already", errno);
    }
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", uids);
    write_text("/proc/self/gid_map", gids);
}

/* As on a machine whose administrator forbids them. */
static void forbid_userns(void)
{
    enter_userns(0, 0);
    write_text("/proc/sys/user/max_user_namespaces", "0");
}

static void forbid_netns(void)
{
    if (geteuid() == 0) {
        skip_all("root would forbid them to everybody", 0);
    }
    enter_userns(geteuid(), getegid());
    write_text("/proc/sys/user/max_net_namespaces", "0");
}

static void take_away(const char *what)
{
    static const char *const all[] = {"/sys/fs/cgroup", NULL};
    static const char *const cpu[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct", NULL};
    if (strcmp(what, "landlock") == 0) {
        hide_call(SYS_landlock_create_ruleset, 0, ENOSYS, false);
    } else if (strcmp(what, "seccomp") == 0) {
        hide_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, EINVAL, true);
    } else if (strcmp(what, "cgroups") == 0) {
        hide_dirs(all);
    } else if (strcmp(what, "cpu") == 0) {
        hide_dirs(cpu);
    } else if (strcmp(what, "userns") == 0) {
        forbid_userns();
    } else if (strcmp(what, "netns") == 0) {
        forbid_netns();
    } else {
        skip_all(what, EINVAL);
    }
    (void)setenv("TPH_TEST_WITHOUT", what, 1);
}

bool account_without(const char *what)
{
    const char *without = getenv("TPH_TEST_WITHOUT");
    return without && strcmp(without, what) == 0;
}

int account_arrange(int argc, char **argv)
{
    int n = 0;
    for (int i = 0; i < argc; i++) {
        bool subids = strncmp(argv[i], "with-subids=", 12) == 0;
        if (subids || strcmp(argv[i], "with-broken-subids") == 0) {
            if (!getenv("TPH_TEST_SUBIDS")) {
                give_subids(subids ? argv[i] + 12 : "300", !subids);
            }
        } else if (strcmp(argv[i], "as-user") == 0) {
            if (!getenv("TPH_TEST_AS_USER")) {
                become_user(argv);
            }
        } else if (strncmp(argv[i], "without-", 8) == 0) {
            if (!getenv("TPH_TEST_WITHOUT")) {
                take_away(argv[i] + 8);
            }
        } else {
            argv[n++] = argv[i];
        }
    }
    argv[n] = NULL;
    return n;
}
