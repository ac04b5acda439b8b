/* SPDX-License-Identifier: Apache-2.0 */
/* The shim: a fresh run of the program that makes one sandbox and is gone. Single thread, no heap to speak of, nothing
 * of the parent's memory. Its child, which clone3 gives to our parent, becomes the sandbox's process 1. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "podrt/sandbox.h"
#include "podrt/sandbox_root.h"
#include "podrt/sandbox_shim.h"
#include "podrt/uplink.h"
#include "podrt/veth.h"
#include "seccomp_filter.h"

enum { NICE = 5 };
enum { INIT_STATUS = 3, INIT_LIFELINE = 4, INIT_PROGRAM = 5, INIT_CLAIM = 6, INIT_FIRST_FREE };
enum { PLAIN_TOKEN = 9 }; /* TPH_PLAIN_TOKEN */
enum { NOBODY = 65534, TO_ALL = 0622 };
enum { RANGE = 'r', OWN_ID = 'o' }; /* which ids the shim could map: what it tells its child */

static void tell(enum tph_shim_message_kind kind, int value, const char *text)
{
    struct tph_shim_message message = {.kind = kind, .value = value};
    (void)snprintf(message.text, sizeof(message.text), "%s", text);
    (void)!write(TPH_SHIM_STATUS, &message, sizeof(message)); /* nobody else to tell */
}

void tph_shim_tell_degraded(const char *what)
{
    tell(TPH_SHIM_DEGRADED, 0, what);
}

void tph_shim_give_up(int number, const char *step)
{
    tell(TPH_SHIM_FAILED, number, step);
    _exit(125);
}

/* The spec's texts, one after the other: a length, the bytes, a NUL. */
static const char *next_text(const char **at)
{
    uint64_t len = 0;
    memcpy(&len, *at, sizeof(len));
    const char *text = *at + sizeof(len);
    *at = text + len + 1;
    return text;
}

static struct tph_shim_number next_number(const char **at)
{
    struct tph_shim_number number;
    memcpy(&number, *at, sizeof(number));
    *at += sizeof(number);
    return number;
}

static void *room_for(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory) {
        tph_shim_give_up(ENOMEM, "allocate");
    }
    return memory;
}

/* The order in which sandbox.c writes. */
void tph_shim_read_plan(struct tph_shim_plan *plan)
{
    struct stat status;
    if (fstat(TPH_SHIM_SPEC, &status) < 0 || status.st_size < (off_t)sizeof(plan->spec)) {
        tph_shim_give_up(EINVAL, "read the specification");
    }
    const char *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, TPH_SHIM_SPEC, 0);
    if (at == MAP_FAILED) {
        tph_shim_give_up(errno, "read the specification");
    }
    memcpy(&plan->spec, at, sizeof(plan->spec));
    at += sizeof(plan->spec);
    const struct tph_shim_spec *s = &plan->spec;
    plan->hostname = next_text(&at);
    plan->working_dir = next_text(&at);
    plan->root = next_text(&at);
    plan->pasta = next_text(&at);
    plan->newuidmap = next_text(&at);
    plan->newgidmap = next_text(&at);
    plan->root = s->has_root ? plan->root : NULL;
    plan->argv = room_for(s->n_argv, sizeof(*plan->argv));
    plan->env = room_for(s->n_env, sizeof(*plan->env));
    plan->binds = room_for(s->n_binds, sizeof(*plan->binds));
    plan->tmpfs = room_for(s->n_tmpfs, sizeof(*plan->tmpfs));
    plan->files = room_for(s->n_files, sizeof(*plan->files));
    plan->links = room_for(s->n_links, sizeof(*plan->links));
    plan->cgroup_files = room_for(s->n_cgroup_files, sizeof(*plan->cgroup_files));
    for (uint32_t i = 0; i < s->n_argv; i++) {
        plan->argv[i] = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_env; i++) {
        plan->env[i] = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_binds; i++) {
        plan->binds[i].host = next_text(&at);
        plan->binds[i].inside = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_tmpfs; i++) {
        plan->tmpfs[i].number = next_number(&at);
        plan->tmpfs[i].path = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_files; i++) {
        plan->files[i].number = next_number(&at);
        plan->files[i].path = next_text(&at);
        plan->files[i].content = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_links; i++) {
        plan->links[i].name = next_text(&at);
        plan->links[i].target = next_text(&at);
    }
    for (uint32_t i = 0; i < s->n_cgroup_files; i++) {
        plan->cgroup_files[i] = next_text(&at);
    }
}

int tph_shim_write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int failed = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    (void)close(fd);
    return failed;
}

/* Who the ids inside are outside */

struct map {
    uint32_t inside, outside, n;
};
enum { MAPS = TPH_IDS_FEW };

static size_t make_maps(const struct tph_shim_spec *s, bool groups, struct map maps[MAPS])
{
    uint32_t id = groups ? s->gid : s->uid;
    uint32_t first = groups ? s->first_gid : s->first_uid;
    const uint32_t inside[MAPS] = {0, id, NOBODY};
    size_t n = 0;
    if (s->n_ids == 0) {
        maps[0] = (struct map){.inside = id, .outside = groups ? s->outer_gid : s->outer_uid, .n = 1};
        return 1;
    }
    if (s->n_ids > TPH_IDS_FEW) {
        maps[0] = (struct map){.inside = 0, .outside = first, .n = s->n_ids};
        return 1;
    }
    for (uint32_t i = 0; i < MAPS; i++) {
        if (i == 0 || (inside[i] != inside[0] && (i == 1 || inside[i] != inside[1]))) {
            maps[n] = (struct map){.inside = inside[i], .outside = first + i, .n = 1};
            n++;
        }
    }
    return n;
}

static uint32_t outside(const struct tph_shim_spec *s, bool groups)
{
    struct map maps[MAPS];
    uint32_t id = groups ? s->gid : s->uid;
    size_t n = make_maps(s, groups, maps);
    for (size_t i = 0; i < n; i++) {
        if (id >= maps[i].inside && id - maps[i].inside < maps[i].n) {
            return maps[i].outside + (id - maps[i].inside);
        }
    }
    return NOBODY;
}

static int write_map(const struct tph_shim_spec *s, pid_t pid, bool groups)
{
    struct map maps[MAPS];
    char path[64];
    char text[64]; /* the only one that we write ourselves has one line */
    (void)make_maps(s, groups, maps);
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, groups ? "gid_map" : "uid_map");
    (void)snprintf(text, sizeof(text), "%u %u %u", maps[0].inside, maps[0].outside, maps[0].n);
    return tph_shim_write_to(path, text);
}

/* newuidmap or newgidmap, which may map what /etc/subuid gives us. True when it did. */
static bool let_map(const struct tph_shim_spec *s, pid_t pid, bool groups, const char *program)
{
    enum { TEXT = 16, ARGV = 2 + 3 * MAPS + 1 };
    struct map maps[MAPS];
    char texts[ARGV][TEXT];
    char *argv[ARGV] = {(char *)(uintptr_t)program, texts[1]};
    char *env[] = {NULL};
    size_t n = make_maps(s, groups, maps), at = 2;
    (void)snprintf(texts[1], TEXT, "%d", (int)pid);
    for (size_t i = 0; i < n; i++) {
        const uint32_t numbers[] = {maps[i].inside, maps[i].outside, maps[i].n};
        for (size_t j = 0; j < 3; j++) {
            (void)snprintf(texts[at], TEXT, "%u", numbers[j]);
            argv[at] = texts[at];
            at++;
        }
    }
    pid_t child = 0;
    int status = -1;
    if (posix_spawn(&child, program, NULL, NULL, argv, env) != 0) {
        return false;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Where the helpers do not do it, which a kernel or a mount may keep them from, the user's own id is left. */
static int write_maps(struct tph_shim_plan *plan, pid_t pid)
{
    struct tph_shim_spec *s = &plan->spec;
    char path[64];
    if (*plan->newuidmap && let_map(s, pid, false, plan->newuidmap)) {
        return let_map(s, pid, true, plan->newgidmap) ? 0 : -EPERM;
    }
    if (*plan->newuidmap) {
        s->n_ids = 0;
        tell(TPH_SHIM_OWN_ID, 0, "");
    }
    int failed = 0;
    if (s->n_ids == 0) {
        (void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
        failed = tph_shim_write_to(path, "deny");
    }
    failed = failed < 0 ? failed : write_map(s, pid, false);
    return failed < 0 ? failed : write_map(s, pid, true);
}

static void raise_loopback(void)
{
    struct ifreq lo = {.ifr_flags = IFF_UP | IFF_RUNNING};
    memcpy(lo.ifr_name, "lo", 3);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0) {
        tph_shim_give_up(errno, "bring up the loopback interface");
    }
    (void)close(fd);
}

static void drop_capability_bounds(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) { /* past the last one: EINVAL */
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            tph_shim_give_up(errno, "drop the capability bounds");
        }
    }
}

/* Keys of whoever started us come with his session; the sidecar gets an empty one. Where no such call is allowed, and
 * with our filter, it could not ask for keys anyway. */
static void leave_session_keys(const struct tph_shim_spec *s)
{
    long failed = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (failed < 0 && s->no_seccomp && errno != ENOSYS && errno != EPERM) {
        tph_shim_give_up(errno, "join a session keyring");
    }
}

/* Changes user and group. The C library's calls would signal all threads, and there are none but this one that could
 * answer; a sanitizer's would die of it. */
static int become(uint32_t uid, uint32_t gid)
{
    return syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0 ? -1 : 0;
}

void tph_shim_drop_rights(const struct tph_shim_spec *s)
{
    unsigned long securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                               SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                               SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    drop_capability_bounds();
    if (prctl(PR_SET_SECUREBITS, securebits, 0, 0, 0) < 0) {
        tph_shim_give_up(errno, "set securebits");
    }
    if (s->n_ids > 0 && syscall(SYS_setgroups, 0, NULL) < 0) {
        tph_shim_give_up(errno, "setgroups");
    }
    if (become(s->uid, s->gid) < 0) {
        tph_shim_give_up(errno, "change to the sidecar's user");
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof(none));
    if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        tph_shim_give_up(errno, "give up capabilities");
    }
    leave_session_keys(s);
}

/* Abstract sockets and signals stay inside: Linux 6.12 and newer. The numbers are the kernel's interface. */
static void landlock(void)
{
    struct {
        uint64_t access_fs, access_net, scoped;
    } ruleset = {.scoped = 1 /* abstract unix sockets */ | 2 /* signals */};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */);
    if (abi < 6) {
        tell(TPH_SHIM_DEGRADED, 0, "abstract sockets and signals not scoped");
        return;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0) {
        tell(TPH_SHIM_DEGRADED, 0, "abstract sockets and signals not scoped");
    }
}

void tph_shim_filter_calls(void)
{
    struct sock_fprog program = {
        .len = sizeof(tph_seccomp_filter) / sizeof(struct sock_filter),
        .filter = (struct sock_filter *)(uintptr_t)tph_seccomp_filter,
    };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        tph_shim_give_up(errno, "install the seccomp filter");
    }
}

void tph_shim_confine(const struct tph_shim_spec *s)
{
    landlock();
    if (!s->no_seccomp) {
        tph_shim_filter_calls();
    }
}

static const char *variable(const struct tph_shim_plan *plan, const char *name)
{
    size_t len = strlen(name);
    for (const char **e = plan->env; *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
            return *e + len + 1;
        }
    }
    return "";
}

void tph_shim_change_directory(const struct tph_shim_plan *plan)
{
    char step[PATH_MAX];
    if (chdir(*plan->working_dir ? plan->working_dir : "/") < 0) {
        int number = errno;
        (void)snprintf(step, sizeof(step), "chdir %s", plan->working_dir);
        tph_shim_give_up(number, step);
    }
}

/* Where the program is, as the sidecar's user sees it; give_up names what is missing. */
const char *tph_shim_find_program(const struct tph_shim_plan *plan, char found[PATH_MAX])
{
    const char *name = plan->argv[0];
    char step[200];
    (void)snprintf(step, sizeof(step), "exec %s", name);
    if (strchr(name, '/')) {
        if (access(name, X_OK) < 0) {
            tph_shim_give_up(errno, step);
        }
        return name;
    }
    int number = ENOENT;
    for (const char *p = variable(plan, "PATH"); *p;) {
        size_t len = strcspn(p, ":");
        (void)snprintf(found, PATH_MAX, "%.*s/%s", (int)len, p, name);
        struct stat status;
        if (stat(found, &status) == 0 && S_ISREG(status.st_mode)) {
            if (access(found, X_OK) == 0) {
                return found;
            }
            number = errno;
        }
        p += len + (p[len] == ':' ? 1 : 0);
    }
    tph_shim_give_up(number, step);
}

/* Those of init; everything else goes when it is executed. */
static void arrange_descriptors(void)
{
    static const int places[][2] = {{TPH_SHIM_OUT, 1},
                                    {TPH_SHIM_ERR, 2},
                                    {TPH_SHIM_STATUS, INIT_STATUS},
                                    {TPH_SHIM_LIFELINE, INIT_LIFELINE},
                                    {TPH_SHIM_PROGRAM, INIT_PROGRAM},
                                    {TPH_SHIM_CLAIM, INIT_CLAIM},
                                    {TPH_SHIM_INIT, TPH_SHIM_INIT}};
    enum { N = sizeof(places) / sizeof(places[0]), OUT_OF_THE_WAY = 20 };
    int copies[N];
    bool good = true;
    for (int i = 0; i < N; i++) {
        copies[i] = fcntl(places[i][0], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    }
    for (int i = 0; i < N; i++) {
        if (places[i][0] == TPH_SHIM_CLAIM && copies[i] < 0) {
            (void)close(INIT_CLAIM); /* there is none */
        } else {
            good = good && copies[i] >= 0 && dup2(copies[i], places[i][1]) >= 0;
        }
    }
    int null = open("/dev/null", O_RDWR);
    good = good && null >= 0 && dup2(null, 0) == 0;
    if (!good || syscall(SYS_close_range, INIT_FIRST_FREE, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0) {
        _exit(125);
    }
}

/* The C library's own signals, too, which posix_spawn leaves ignored. */
static void reset_signals(void)
{
    const struct {
        uint64_t handler, flags, restorer, mask; /* the kernel's own struct, larger than it is anywhere */
    } by_default = {.handler = 0};
    for (int number = 1; number <= 64; number++) {
        (void)syscall(SYS_rt_sigaction, number, &by_default, NULL, 8); /* SIGKILL and SIGSTOP cannot be otherwise */
    }
}

void tph_shim_set_limits(const struct tph_shim_spec *s)
{
    reset_signals();
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (s->pids > 0) {
        struct rlimit processes = {(rlim_t)s->pids, (rlim_t)s->pids};
        (void)setrlimit(RLIMIT_NPROC, &processes);
    }
    if (s->data_bytes > 0) {
        struct rlimit data = {s->data_bytes, s->data_bytes};
        (void)setrlimit(RLIMIT_DATA, &data);
    }
    if (s->nice) {
        errno = 0;
        (void)!nice(NICE);
    }
    (void)umask(022);
}

static const char **init_arguments(const struct tph_shim_plan *plan, const char *program)
{
    const char **argv = room_for(plan->spec.n_argv + 2U, sizeof(*argv));
    argv[0] = "tiphys-init";
    argv[1] = program;
    for (uint32_t i = 0; i < plan->spec.n_argv; i++) {
        argv[2 + i] = plan->argv[i];
    }
    return argv;
}

static void become_init(const struct tph_shim_plan *plan, const char **argv) __attribute__((noreturn));
static void become_init(const struct tph_shim_plan *plan, const char **argv)
{
    (void)syscall(SYS_execveat, TPH_SHIM_INIT, "", argv, plan->env, AT_EMPTY_PATH);
    int number = errno;
    (void)!write(INIT_STATUS, &number, sizeof(number));
    _exit(125);
}

/* The process that lives in the sandbox, up to the moment where it becomes its init. */
static void be_inside(struct tph_shim_plan *plan, int release) __attribute__((noreturn));
static void be_inside(struct tph_shim_plan *plan, int release)
{
    struct tph_shim_spec *s = &plan->spec;
    const char *network_step = "";
    char byte;
    if (read(release, &byte, 1) != 1) {
        _exit(125); /* the shim has said why */
    }
    s->n_ids = byte == OWN_ID ? 0 : s->n_ids;
    int failed = tph_shim_open_trees(plan);
    if (failed < 0) {
        tph_shim_give_up(-failed, plan->step);
    }
    if (s->n_ids > 0 && become(0, 0) < 0) {
        tph_shim_give_up(errno, "become root inside");
    }
    if (sethostname(plan->hostname, strlen(plan->hostname)) < 0) {
        tph_shim_give_up(errno, "sethostname");
    }
    if (s->own_network) {
        raise_loopback();
    }
    failed = s->has_pasta ? tph_pasta_await(&plan->refused, &network_step) : 0;
    if (failed < 0) {
        tph_shim_give_up(-failed, network_step);
    }
    (void)umask(0);
    failed = tph_shim_enter_root(plan);
    if (failed < 0) {
        tph_shim_give_up(-failed, plan->step);
    }
    tph_shim_set_limits(s);
    tph_shim_drop_rights(s);
    char found[PATH_MAX];
    tph_shim_change_directory(plan);
    const char *program = tph_shim_find_program(plan, found);
    if (read(release, &byte, 1) != 1) {
        _exit(125);
    }
    const char **argv = init_arguments(plan, program);
    tph_shim_confine(s);
    arrange_descriptors();
    become_init(plan, argv);
}

/* The same without a sandbox. */
static void be_plain(struct tph_shim_plan *plan, int release) __attribute__((noreturn));
static void be_plain(struct tph_shim_plan *plan, int release)
{
    char byte;
    char found[PATH_MAX];
    int token = -1;
    if (read(release, &byte, 1) != 1 || read(release, &byte, 1) != 1) {
        _exit(125);
    }
    const char *program = tph_shim_prepare_plainly(plan, &token, found);
    const char **argv = init_arguments(plan, program);
    arrange_descriptors();
    if (dup2(token, PLAIN_TOKEN) < 0) {
        _exit(125);
    }
    become_init(plan, argv);
}

/* So that it can open them again: /dev/stderr. Only who is still root outside can give them away; others let all write,
 * of whom none but the sidecar's own processes get at a pipe that has no name. */
static void give_output(const struct tph_shim_spec *s)
{
    if (s->n_ids > 0) {
        /* Where the ids are not there, making the namespaces fails, which says more. */
        bool given = fchown(TPH_SHIM_OUT, outside(s, false), outside(s, true)) == 0 &&
                     fchown(TPH_SHIM_ERR, outside(s, false), outside(s, true)) == 0;
        if (!given) {
            (void)!fchmod(TPH_SHIM_OUT, TO_ALL);
            (void)!fchmod(TPH_SHIM_ERR, TO_ALL);
        }
    }
}

void tph_sandbox_shim_main(int argc, char **argv)
{
    struct tph_shim_plan plan;
    int release[2];
    char byte;
    const char *network_step = "";
    tph_sandbox_exec_main(argc, argv);
    tph_uplink_main(argc, argv);
    tph_pasta_main(argc, argv);
    if (argc != 1 || strcmp(argv[0], TPH_SHIM_NAME) != 0) {
        return;
    }
    memset(&plan, 0, sizeof(plan));
    tph_shim_read_plan(&plan);
    if (pipe2(release, O_CLOEXEC) < 0) {
        tph_shim_give_up(errno, "pipe");
    }
    give_output(&plan.spec);
    if (plan.spec.has_pasta) {
        tph_pasta_look(&plan.refused);
    }
    struct clone_args args = {
        .flags = CLONE_PARENT | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWCGROUP | (plan.spec.own_network ? CLONE_NEWNET : 0),
    };
    if (plan.spec.plain) {
        args.flags = CLONE_PARENT;
    }
    if (plan.spec.into_cgroup) {
        args.flags |= 0x200000000ULL; /* CLONE_INTO_CGROUP */
        args.cgroup = TPH_SHIM_CGROUP;
    }
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0) {
        tph_shim_give_up(errno, "make namespaces (clone3)");
    }
    if (pid == 0) {
        (void)close(release[1]);
        if (plan.spec.plain) {
            be_plain(&plan, release[0]);
        }
        be_inside(&plan, release[0]);
    }
    tell(TPH_SHIM_PID, (int)pid, "");
    int failed = plan.spec.plain ? 0 : write_maps(&plan, (pid_t)pid);
    if (failed < 0) {
        tph_shim_give_up(-failed, "map user ids");
    }
    failed = plan.spec.uplink ? tph_veth_make(plan.spec.uplink, (pid_t)pid, &network_step) : 0;
    network_step = failed < 0 ? network_step : "start pasta";
    failed = failed == 0 && plan.spec.has_pasta ? tph_pasta_start(plan.pasta, (pid_t)pid) : failed;
    if (failed < 0) {
        tph_shim_give_up(-failed, network_step);
    }
    byte = plan.spec.n_ids > 0 ? RANGE : OWN_ID;
    (void)!write(release[1], &byte, 1);
    char text[24];
    (void)snprintf(text, sizeof(text), "%ld", pid);
    for (uint32_t i = 0; i < plan.spec.n_cgroup_files; i++) {
        if (tph_shim_write_to(plan.cgroup_files[i], text) < 0) {
            tell(TPH_SHIM_DEGRADED, 0, "limits not enforced: the process could not be moved into its control group");
        }
    }
    /* Before it may run: a program that ends at once ends before us, and its end must find the pipe closed. */
    (void)close(TPH_SHIM_STATUS);
    (void)!write(release[1], "c", 1);
    _exit(0);
}
