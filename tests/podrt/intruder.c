/* SPDX-License-Identifier: Apache-2.0 */
/* A program that tries what a sidecar must not be able to do, and says how far it came. The tests run it in a sandbox
 * and, as their negative control, without one.
 *
 *   hold                            keeps its token in memory and environment, says "holding", waits
 *   scan NEEDLE [PID]...            looks for a text in processes (all it sees, or these) and files; NEEDLE is written
 *                                   with each character moved up by one, so that the searcher does not find itself
 *   attacks MODE SOCKET PID FILE    one line an attack: its name, "done" or "denied", the reason. MODE "staged": with
 *                                   all rights that can be had and a token of its own; "sandboxed": as it is
 *   ambush NAME                     waits for processes of this name and tries to open their memory, 50 times
 *   signals PID                     which processes answer signal 0, and whether PID does, and can be traced
 *   forks N                         makes processes until it cannot, at most N
 *   burn MS                         uses the processor for so long, and says how much of it was had
 *   fill PATH BYTES                 takes so much room for a file
 *   linger WORD                     leaves a daemon behind that ignores what can be ignored, says "on", waits
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 16, REGION = 64 << 20, MOST_PIDS = 1 << 15, ENOUGH_SEEN = 50 };

struct target {
    const char *socket, *file;
    pid_t pid;       /* of somebody outside */
    pid_t neighbour; /* process 1 of the sandbox; staged: a process like us */
    bool staged;
};

static void say(const char *text)
{
    (void)!write(1, text, strlen(text));
}

/* hold */

static int hold(char **argv)
{
    char token[64] = "";
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* Yama does not do the sandbox's work here */
    if (!getenv("HELD")) {
        int fd = open("/var/run/argo/token", O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, token, sizeof(token) - 1) <= 0) {
            return 1;
        }
        (void)setenv("HELD", token, 1);
        (void)execv("/proc/self/exe", argv);
        return 1;
    }
    say("holding\n");
    for (;;) {
        (void)pause();
    }
}

/* scan */

static bool found_in(const char *bytes, size_t len, const char *needle)
{
    size_t n = strlen(needle);
    for (size_t i = 0; i + n <= len; i++) {
        size_t j = 0;
        while (j < n && bytes[i + j] == needle[j] - 1) {
            j++;
        }
        if (j == n) {
            return true;
        }
    }
    return false;
}

static bool scan_range(int fd, uint64_t from, uint64_t len, const char *needle)
{
    static char bytes[PIECE + 64];
    size_t kept = 0;
    size_t overlap = strlen(needle) - 1;
    for (uint64_t at = 0; at < len;) {
        ssize_t n = pread(fd, bytes + kept, PIECE, (off_t)(from + at));
        if (n <= 0) {
            return false;
        }
        if (found_in(bytes, kept + (size_t)n, needle)) {
            return true;
        }
        size_t have = kept + (size_t)n;
        kept = have < overlap ? have : overlap;
        memmove(bytes, bytes + have - kept, kept);
        at += (uint64_t)n;
    }
    return false;
}

static bool scan_file(const char *path, const char *needle)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found = fd >= 0 && scan_range(fd, 0, REGION, needle);
    if (fd >= 0) {
        (void)close(fd);
    }
    return found;
}

static bool scan_memory(long pid, const char *needle)
{
    char path[64], line[512];
    bool found = false;
    (void)snprintf(path, sizeof(path), "/proc/%ld/mem", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
    FILE *maps = fd < 0 ? NULL : fopen(path, "re");
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        char *end = NULL;
        uint64_t from = strtoull(line, &end, 16);
        uint64_t to = *end == '-' ? strtoull(end + 1, &end, 16) : from;
        found = end[0] == ' ' && end[1] == 'r' && to - from <= REGION && scan_range(fd, from, to - from, needle);
    }
    if (maps) {
        (void)fclose(maps);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return found;
}

static void scan_process(long pid, const char *needle)
{
    static const char *const files[] = {"environ", "cmdline", "root/run/argo/token"};
    char path[64];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, files[i]);
        if (scan_file(path, needle)) {
            (void)printf("found %s\n", files[i]);
        }
    }
    if (scan_memory(pid, needle)) {
        (void)printf("found mem\n");
    }
}

/* The names in a directory; files that hold the needle are told. */
static void scan_dir(const char *dir, const char *needle, bool list)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (list && e->d_name[0] != '.') {
            (void)printf("file %s\n", e->d_name);
        }
        if (e->d_type == DT_REG && scan_file(path, needle)) {
            (void)printf("found %s\n", path);
        }
    }
    if (d) {
        (void)closedir(d);
    }
}

static int scan(int argc, char **argv)
{
    int seen = 0;
    for (int i = 3; i < argc; i++) {
        scan_process(atol(argv[i]), argv[2]);
        seen++;
    }
    if (argc == 3) {
        DIR *proc = opendir("/proc");
        const struct dirent *e;
        while (proc && (e = readdir(proc)) != NULL) {
            long pid = atol(e->d_name);
            if (pid > 0 && pid != getpid()) {
                scan_process(pid, argv[2]);
                seen++;
            }
        }
        if (proc) {
            (void)closedir(proc);
        }
        if (scan_file("/proc/self/environ", argv[2]) || scan_file("/proc/self/cmdline", argv[2])) {
            (void)printf("found in our own\n");
        }
        scan_dir("/var/run/argo", argv[2], true);
        scan_dir("/tmp", argv[2], false);
        scan_dir("/dev/shm", argv[2], false);
        scan_dir("/run", argv[2], false);
    }
    (void)printf("others %d\n", seen);
    return 0;
}

/* attacks: each returns 0 when it worked, else -errno */

static int result_of(long result)
{
    return result < 0 ? -errno : 0;
}

static int open_as(const char *path, int flags)
{
    return result_of(open(path, flags | O_CLOEXEC));
}

static int token_write(const struct target *t)
{
    (void)t;
    return open_as("/var/run/argo/token", O_WRONLY);
}

static int token_unlink(const struct target *t)
{
    (void)t;
    return result_of(unlink("/var/run/argo/token"));
}

static int token_remount(const struct target *t)
{
    (void)t;
    return result_of(mount(NULL, "/run/argo", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, NULL));
}

static int mount_tmpfs(const struct target *t)
{
    return result_of(mount("tmpfs", t->staged ? "/run/argo" : "/tmp", "tmpfs", 0, NULL));
}

static int umount_proc(const struct target *t)
{
    (void)t;
    return result_of(umount2(t->staged ? "/run/argo" : "/proc", MNT_DETACH));
}

static int unshare_user(const struct target *t)
{
    (void)t;
    return result_of(unshare(CLONE_NEWUSER));
}

static int clone_user(const struct target *t)
{
    (void)t;
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        _exit(0);
    }
    return result_of(pid);
}

static int set_hostname(const struct target *t)
{
    (void)t;
    return result_of(sethostname("intruder", 8));
}

static int change_root(const struct target *t)
{
    (void)t;
    return result_of(chroot("/"));
}

static int keyring(const struct target *t)
{
    (void)t;
    return result_of(syscall(SYS_add_key, "user", "intruder", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

/* The test put it there. */
static int key_of_session(const struct target *t)
{
    (void)t;
    return result_of(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "tiphys-canary", 0));
}

/* System calls of another architecture could pass a filter that does not look. Nobody is killed: it answers. */
static int foreign_call(const struct target *t)
{
    (void)t;
#if defined(__x86_64__)
    long result = 20; /* getpid */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : (int)result;
#else
    return -ENOSYS;
#endif
}

static int bpf_map(const struct target *t)
{
    (void)t;
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int io_uring(const struct target *t)
{
    (void)t;
    char parameters[120];
    memset(parameters, 0, sizeof(parameters));
    return result_of(syscall(SYS_io_uring_setup, 4, parameters));
}

static int fault_handler(const struct target *t)
{
    (void)t;
    return result_of(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

static int perf_event(const struct target *t)
{
    (void)t;
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
    return result_of(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int open_socket(const struct target *t, int family, int type, int protocol)
{
    if (t->staged) {
        (void)!unshare(CLONE_NEWNET);
    }
    return result_of(socket(family, type, protocol));
}

static int packet_socket(const struct target *t)
{
    return open_socket(t, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static int raw_socket(const struct target *t)
{
    return open_socket(t, AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int vsock_socket(const struct target *t)
{
    return open_socket(t, AF_VSOCK, SOCK_STREAM, 0);
}

static int make_device(const struct target *t)
{
    (void)t;
    (void)unlink("/tmp/intruder-device");
    int failed = result_of(mknod("/tmp/intruder-device", S_IFCHR | 0600, makedev(1, 3)));
    (void)unlink("/tmp/intruder-device");
    return failed;
}

static int write_etc(const struct target *t)
{
    (void)t;
    return open_as("/etc/passwd", O_WRONLY);
}

static int write_usr(const struct target *t)
{
    (void)t;
    return open_as("/usr/lib/os-release", O_WRONLY);
}

static int write_proc_sys(const struct target *t)
{
    (void)t;
    return open_as("/proc/sys/vm/swappiness", O_WRONLY);
}

static int press_sysrq(const struct target *t)
{
    (void)t;
    return open_as("/proc/sysrq-trigger", O_WRONLY);
}

static int read_shadow(const struct target *t)
{
    (void)t;
    return open_as("/etc/shadow", O_RDONLY);
}

static int read_kernel(const struct target *t)
{
    (void)t;
    char byte;
    int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : read(fd, &byte, 1) == 1 ? 0 : -ENODATA;
}

static int see_sys(const struct target *t)
{
    (void)t;
    return open_as("/sys/kernel", O_RDONLY);
}

static int see_disks(const struct target *t)
{
    (void)t;
    return open_as("/dev/mem", O_PATH);
}

static int become_root(const struct target *t)
{
    (void)t;
    return result_of(setresuid(0, 0, 0));
}

static int gain_by_exec(const struct target *t)
{
    (void)t;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

static int trace_neighbour(const struct target *t)
{
    return result_of(ptrace(PTRACE_SEIZE, t->neighbour, NULL, NULL));
}

static int open_of_neighbour(const struct target *t, const char *name)
{
    char path[64];
    char byte;
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)t->neighbour, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : strcmp(name, "mem") == 0 || read(fd, &byte, 1) >= 0 ? 0 : -errno;
}

static int memory_of_neighbour(const struct target *t)
{
    return open_of_neighbour(t, "mem");
}

static int environment_of_neighbour(const struct target *t)
{
    return open_of_neighbour(t, "environ");
}

static int read_neighbour(const struct target *t)
{
    static char there = 'x'; /* at the same address in a fork; in another program it is no address of its own */
    char here = 0;
    struct iovec local = {&here, 1};
    struct iovec remote = {&there, 1};
    return result_of(process_vm_readv(t->neighbour, &local, 1, &remote, 1, 0));
}

static int descriptor_of_neighbour(const struct target *t)
{
    long fd = syscall(SYS_pidfd_open, t->neighbour, 0);
    return fd < 0 ? -errno : result_of(syscall(SYS_pidfd_getfd, fd, 1, 0));
}

static int signal_outside(const struct target *t)
{
    return result_of(kill(t->pid, 0));
}

static int file_outside(const struct target *t)
{
    return open_as(t->file, O_RDONLY);
}

static int abstract_socket(const struct target *t)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t len = strlen(t->socket);
    memcpy(name.sun_path + 1, t->socket, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return result_of(
        connect(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)));
}

static const struct {
    const char *name;
    int (*run)(const struct target *t);
} attack_list[] = {
    {"token-write", token_write},
    {"token-unlink", token_unlink},
    {"token-remount", token_remount},
    {"mount", mount_tmpfs},
    {"umount", umount_proc},
    {"unshare-user", unshare_user},
    {"clone-user", clone_user},
    {"sethostname", set_hostname},
    {"chroot", change_root},
    {"keyring", keyring},
    {"key-of-session", key_of_session},
    {"foreign-call", foreign_call},
    {"bpf", bpf_map},
    {"io-uring", io_uring},
    {"userfaultfd", fault_handler},
    {"perf-event", perf_event},
    {"packet-socket", packet_socket},
    {"raw-socket", raw_socket},
    {"vsock-socket", vsock_socket},
    {"mknod", make_device},
    {"write-etc", write_etc},
    {"write-usr", write_usr},
    {"write-proc-sys", write_proc_sys},
    {"sysrq", press_sysrq},
    {"read-shadow", read_shadow},
    {"read-kernel", read_kernel},
    {"see-sys", see_sys},
    {"see-disks", see_disks},
    {"become-root", become_root},
    {"gain-by-exec", gain_by_exec},
    {"trace-neighbour", trace_neighbour},
    {"memory-of-neighbour", memory_of_neighbour},
    {"environment-of-neighbour", environment_of_neighbour},
    {"read-neighbour", read_neighbour},
    {"descriptor-of-neighbour", descriptor_of_neighbour},
    {"signal-outside", signal_outside},
    {"file-outside", file_outside},
    {"abstract-socket", abstract_socket},
};

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        (void)printf("stage %s: %s\n", path, strerrordesc_np(errno));
    }
    (void)close(fd);
}

/* All rights that can be had, in namespaces of its own so that nothing of the machine changes, and a token. */
static int set_stage(void)
{
    char map[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    int spaces = CLONE_NEWNS | CLONE_NEWUTS | (uid != 0 ? CLONE_NEWUSER : 0);
    if (unshare(spaces) < 0) {
        return -errno;
    }
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    if (uid != 0) {
        write_text("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof(map), "0 %u 1", uid);
        write_text("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof(map), "0 %u 1", gid);
        write_text("/proc/self/gid_map", map);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 ||
        mkdir("/run/argo", 0755) < 0 || mount("tmpfs", "/run/argo", "tmpfs", 0, NULL) < 0) {
        return -errno;
    }
    write_text("/run/argo/token", "0");
    return 0;
}

static int attacks(int argc, char **argv)
{
    if (argc != 6) {
        return 2;
    }
    bool staged = strcmp(argv[2], "staged") == 0;
    int failed = staged ? set_stage() : 0;
    if (failed < 0) {
        (void)printf("stage: %s\n", strerrordesc_np(-failed));
        return 1;
    }
    struct target t = {.socket = argv[3], .pid = atoi(argv[4]), .file = argv[5], .staged = staged};
    t.neighbour = staged ? getpid() : 1;
    for (size_t i = 0; i < sizeof(attack_list) / sizeof(attack_list[0]); i++) {
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            failed = attack_list[i].run(&t);
            (void)printf("%s %s %s\n", attack_list[i].name, failed < 0 ? "denied" : "done",
                         failed < 0 ? strerrorname_np(-failed) : "");
            (void)fflush(stdout);
            _exit(0);
        }
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            (void)printf("%s denied %d\n", attack_list[i].name, status);
        }
    }
    return 0;
}

/* ambush: whoever comes by and has this name, is he open to us? Until enough of them came, or SIGTERM. */

static bool is_named(long pid, const char *name)
{
    char path[64], text[32] = "";
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n - 1 : 0] = '\0'; /* without its newline */
    return strcmp(text, name) == 0;
}

static volatile sig_atomic_t enough;

static void on_term(int number)
{
    (void)number;
    enough = 1;
}

static int ambush(const char *name)
{
    long seen = 0, caught = 0;
    (void)signal(SIGTERM, on_term);
    say("waiting\n");
    while (!enough && seen < ENOUGH_SEEN) {
        DIR *proc = opendir("/proc");
        const struct dirent *e;
        while (proc && (e = readdir(proc)) != NULL) {
            char path[64];
            long pid = atol(e->d_name);
            if (pid <= 0 || pid == getpid() || !is_named(pid, name)) {
                continue;
            }
            seen++;
            (void)snprintf(path, sizeof(path), "/proc/%ld/mem", pid);
            int fd = open(path, O_RDWR | O_CLOEXEC);
            caught += fd >= 0 && is_named(pid, name) ? 1 : 0;
            if (fd >= 0) {
                (void)close(fd);
            }
        }
        if (proc) {
            (void)closedir(proc);
        }
    }
    (void)printf("seen %ld\ncaught %ld\n", seen, caught);
    return 0;
}

/* signals, forks, burn, fill, linger */

static int signals(const char *outside)
{
    int answers = 0;
    for (pid_t pid = 1; pid <= MOST_PIDS; pid++) {
        answers += kill(pid, 0) == 0 && pid != getpid() && pid != 1 ? 1 : 0;
    }
    (void)printf("answers %d\noutside %s\n", answers, kill(atoi(outside), 0) == 0 ? "answers" : "silent");
    (void)printf("outside %s\n", ptrace(PTRACE_SEIZE, atoi(outside), NULL, NULL) == 0 ? "traced" : "not traced");
    return 0;
}

static int forks(int most)
{
    int n = 0;
    int ends[2];
    int failed = 0;
    if (pipe(ends) < 0) {
        return 1;
    }
    while (n < most && failed == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            char byte;
            (void)close(ends[1]);
            (void)!read(ends[0], &byte, 1); /* until the parent closes its end */
            _exit(0);
        }
        failed = pid < 0 ? errno : 0;
        n += pid > 0 ? 1 : 0;
    }
    (void)close(ends[1]);
    while (wait(NULL) > 0) {
    }
    (void)printf("forks %d %s\n", n, failed ? strerrorname_np(failed) : "all");
    return 0;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int burn(int64_t ms)
{
    int64_t until = clock_ms(CLOCK_MONOTONIC) + ms;
    while (clock_ms(CLOCK_MONOTONIC) < until) {
    }
    (void)printf("cpu %lld\n", (long long)clock_ms(CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}

static int fill(const char *path, const char *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || fallocate(fd, 0, 0, atoll(bytes)) < 0) {
        (void)printf("%s\n", strerrorname_np(errno));
    } else {
        (void)printf("fits\n");
    }
    (void)unlink(path);
    return 0;
}

static int linger(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setsid();
        if (fork() != 0) {
            _exit(0);
        }
        for (int number = 1; number < NSIG; number++) {
            (void)signal(number, SIG_IGN);
        }
        say("on\n");
        for (;;) {
            (void)pause();
        }
    }
    (void)waitpid(pid, NULL, 0);
    for (;;) {
        (void)pause();
    }
}

/* What each system call of these numbers says to arguments that make no sense. */
static int calls(char **numbers)
{
    for (; *numbers; numbers++) {
        long result = syscall(atol(*numbers), -1L, -1L, -1L, -1L, -1L, -1L);
        (void)printf("%s %s\n", *numbers, result < 0 ? strerrorname_np(errno) : "done");
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "hold") == 0) {
        return hold(argv);
    }
    if (strcmp(verb, "scan") == 0 && argc > 2) {
        return scan(argc, argv);
    }
    if (strcmp(verb, "attacks") == 0) {
        return attacks(argc, argv);
    }
    if (strcmp(verb, "ambush") == 0 && argc > 2) {
        return ambush(argv[2]);
    }
    if (strcmp(verb, "signals") == 0 && argc > 2) {
        return signals(argv[2]);
    }
    if (strcmp(verb, "forks") == 0 && argc > 2) {
        return forks(atoi(argv[2]));
    }
    if (strcmp(verb, "burn") == 0 && argc > 2) {
        return burn(atoll(argv[2]));
    }
    if (strcmp(verb, "fill") == 0 && argc > 3) {
        return fill(argv[2], argv[3]);
    }
    if (strcmp(verb, "calls") == 0) {
        return calls(argv + 2);
    }
    return strcmp(verb, "linger") == 0 ? linger() : 2;
}
