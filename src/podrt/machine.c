/* SPDX-License-Identifier: Apache-2.0 */
#include "podrt/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/cgroup.h"
#include "podrt/ids.h"
#include "podrt/image.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"

enum { VERSION_MS = 2000, TRIAL_MS = 10000 };

/* The number in a file of /proc/sys, or -1. */
static int64_t read_switch(const char *path)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    int64_t value = -1;
    if (tph_fd_read_file(path, &text, NULL) < 0 || tph_str_to_i64(tph_str_trim(tph_buf_str(&text)), &value) < 0) {
        return -1;
    }
    return value;
}

static const char *find_userns_switch(bool root)
{
    static const struct {
        const char *path;
        int64_t off;
        bool for_root; /* it binds root, too */
    } switches[] = {
        {"/proc/sys/user/max_user_namespaces", 0, true},
        {"/proc/sys/kernel/unprivileged_userns_clone", 0, false},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1, false},
    };
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if ((!root || switches[i].for_root) && read_switch(switches[i].path) == switches[i].off) {
            return switches[i].path;
        }
    }
    return NULL;
}

struct tph_machine tph_machine_look(void)
{
    struct tph_machine m = {.root = geteuid() == 0};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint32_t action = SECCOMP_RET_ERRNO;
    m.landlock = abi > 0 ? (int)abi : 0;
    m.seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    struct tph_cgroups *groups = tph_cgroups_new();
    m.cgroup = tph_cgroups_version(groups);
    m.memory = tph_cgroups_memory(groups);
    m.cpu = tph_cgroups_cpu(groups);
    m.processes = tph_cgroups_pids(groups);
    tph_cgroups_free(groups);
    m.userns_off = find_userns_switch(m.root);
    struct tph_ids ids = TPH_IDS_INIT;
    if (!m.root && tph_ids_take(false, &ids, NULL) == 0 && ids.n > 0) {
        m.subordinate = ids.first_uid;
    }
    tph_ids_release(&ids);
    return m;
}

/* A sandbox that is tried. */
struct trial {
    struct tph_loop *loop;
    bool good, over;
    struct tph_error *err;
};

static void trial_started(void *owner)
{
    (void)owner;
}

static void trial_failed(void *owner, const struct tph_error *err)
{
    struct trial *t = owner;
    (void)tph_error_set(t->err, TPH_ERROR_SYSTEM, "%s", err->text);
    t->over = true;
    tph_loop_stop(t->loop);
}

static void trial_exited(void *owner, int code, bool out_of_memory)
{
    struct trial *t = owner;
    (void)out_of_memory;
    t->good = code == 0;
    if (!t->good) {
        (void)tph_error_set(t->err, TPH_ERROR_SYSTEM, "a program in the sandbox ended with %d", code);
    }
    t->over = true;
    tph_loop_stop(t->loop);
}

static void trial_degraded(void *owner, const char *what)
{
    (void)owner;
    (void)what; /* told by what tph_machine_look found */
}

static void trial_late(void *owner)
{
    struct trial *t = owner;
    (void)tph_error_set(t->err, TPH_ERROR_SYSTEM, "the sandbox did not start within %d s", TRIAL_MS / 1000);
    tph_loop_stop(t->loop);
}

int tph_machine_try(unsigned flags, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *shell = tph_image_find_program("/", "true");
    struct trial trial = {.err = err};
    if (!shell) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "there is no program `true` in %s", tph_image_path);
    }
    TPH_CLEANUP(tph_loop_freep) struct tph_loop *loop = NULL;
    if (tph_loop_new(&loop, err) < 0) {
        return -1;
    }
    trial.loop = loop;
    const char *const argv[] = {shell, NULL};
    const char *const env[] = {NULL};
    const struct tph_sandbox_spec spec = {.argv = argv,
                                          .env = env,
                                          .hostname = "doctor",
                                          .uid = 65534,
                                          .gid = 65534,
                                          .own_network = (flags & TPH_MACHINE_OWN_NETWORK) != 0};
    const struct tph_sandbox_events events = {.started = trial_started,
                                              .failed = trial_failed,
                                              .exited = trial_exited,
                                              .degraded = trial_degraded,
                                              .owner = &trial};
    struct tph_sandbox *sandbox = NULL;
    struct tph_timer *late = tph_timer_new(loop, trial_late, &trial);
    if (tph_sandbox_start(loop, &spec, &events, &sandbox, err) == 0) {
        tph_timer_start(late, TRIAL_MS);
        tph_loop_run(loop);
    }
    tph_timer_free(late);
    tph_sandbox_free(sandbox);
    return trial.good ? 0 : -1;
}

int tph_machine_try_uplink(char **ret_changes, struct tph_error *err)
{
    TPH_CLEANUP(tph_loop_freep) struct tph_loop *loop = NULL;
    TPH_CLEANUP(tph_podrt_freep) struct tph_podrt *rt = NULL;
    if (tph_loop_new(&loop, err) < 0 || tph_podrt_process_new(loop, NULL, &rt, err) < 0 ||
        tph_process_open_uplink(rt, err) < 0) {
        return -1;
    }
    const char *changes = tph_process_uplink_changes(rt);
    *ret_changes = changes ? tph_strdup(changes) : NULL;
    return 0;
}

/* Versions */

/* What the program prints on both streams, until it ends or time is up. */
static void ask(const char *path, const char *question, struct tph_buf *answer)
{
    int ends[2];
    pid_t pid = 0;
    char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)question, NULL};
    char *env[] = {(char[]){"LC_ALL=C"}, (char[]){"HOME=/nonexistent"}, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return;
    }
    TPH_CLEANUP(tph_fd_close) int ours = ends[0];
    TPH_CLEANUP(tph_fd_close) int theirs = ends[1];
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return;
    }
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, theirs, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, theirs, 2);
    int failed = posix_spawn(&pid, path, &actions, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    tph_fd_close(&theirs);
    if (failed != 0) {
        return;
    }
    int64_t until_ms = tph_clock_monotonic_ms() + VERSION_MS;
    struct pollfd readable = {.fd = ours, .events = POLLIN};
    char piece[1024];
    ssize_t n = 1;
    while (n > 0 && !tph_buf_failed(answer)) {
        int64_t left_ms = until_ms - tph_clock_monotonic_ms();
        if (left_ms <= 0 || poll(&readable, 1, (int)left_ms) != 1) {
            break;
        }
        n = read(ours, piece, sizeof(piece));
        (void)tph_buf_append(answer, piece, n > 0 ? (size_t)n : 0);
    }
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static bool is_version_char(char c)
{
    return isdigit((unsigned char)c) || c == '.' || isalpha((unsigned char)c) || c == '-' || c == '+';
}

/* The first run of characters that begins with a digit and has a dot before its next letter. */
static struct tph_str find_version(struct tph_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool begins = isdigit((unsigned char)text.p[i]) && (i == 0 || !isalnum((unsigned char)text.p[i - 1]) ||
                                                            text.p[i - 1] == 'v' || text.p[i - 1] == 'o');
        size_t end = i;
        while (begins && end < text.len && is_version_char(text.p[end])) {
            end++;
        }
        struct tph_str word = tph_str_slice(text, i, end);
        ptrdiff_t dot = tph_str_find_byte(word, '.');
        bool digits = dot > 0;
        for (ptrdiff_t j = 0; j < dot; j++) {
            digits = digits && isdigit((unsigned char)word.p[j]);
        }
        if (digits && dot + 1 < (ptrdiff_t)word.len && isdigit((unsigned char)word.p[dot + 1])) {
            return word;
        }
    }
    return TPH_STR_NONE;
}

char *tph_machine_version(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *question = strcmp(name, "go") == 0 ? "version" : strcmp(name, "java") == 0 ? "-version" : "--version";
    TPH_CLEANUP(tph_buf_release) struct tph_buf answer = TPH_BUF_INIT(TPH_KIB(16));
    ask(path, question, &answer);
    /* A shell without versions says what it does not know, in its first line: nothing of that is one. */
    struct tph_str version = find_version(tph_buf_str(&answer));
    return version.len > 0 ? tph_str_dup(version) : NULL;
}
