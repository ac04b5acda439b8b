/* SPDX-License-Identifier: Apache-2.0 */
/* What a sandbox keeps apart, tried by a program that wants in (intruder.c). Every test has its negative control: the
 * same try without a sandbox, which must succeed, so that a denial means something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/cgroup.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "stage.h"

static const char token_a[] = "0123456789abcdefghijklmnopqrstuv";
static const char token_b[] = "ZYXWVUTSRQPONMLKJIHGFEDCBA987654";

/* Tokens and memory */

/* Whose uid a process has out here. */
static int64_t uid_of(pid_t pid)
{
    TPH_CLEANUP(tph_freep) char *path = tph_format("/proc/%d/status", (int)pid);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(16));
    return tph_fd_read_file(path, &text, NULL) < 0 ? -1 : number_after(tph_buf_cstr(&text), "\nUid:\t");
}

static void look_for_anothers_token(struct harness *h, bool own_id)
{
    h->spec.log_events = true;
    h->spec.name = TPH_STR("victim");
    add_intruder(h, "hold");
    h->pod_containers[0].token = token_b;
    assert_int_equal(chmod(stage_place().dir, own_id ? 0700 : 0755), 0);
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    struct process list[8];
    size_t n = find_processes("hold", list, 8);
    pid_t victim = 0;
    for (size_t i = 0; i < n; i++) {
        pid_t init = parent_of(list[i].pid);
        victim = parent_of(init) == getpid() ? list[i].pid : victim;
        tph_fd_close(&list[i].pidfd);
    }
    assert_true(victim > 0);

    /* A second pod beside it looks everywhere. */
    h->beside = TPH_TAKE(h->pod);
    const char *needle = needle_of(h, token_b);
    TPH_CLEANUP(tph_freep) char *words = tph_format("scan %s", needle);
    struct tph_container *c = add_intruder(h, words);
    h->pod_containers[0] = (struct tph_pod_container){.spec = c, .token = token_a};
    h->spec.n_containers = 1;
    h->spec.name = TPH_STR("other");
    h->spec.log_events = false;
    assert_int_equal(chmod(stage_place().dir, 0755), 0);
    const char *out = sandboxed(h);
    tph_pod_stop(h->pod, 0);
    h->pod = NULL;
    assert_true(has(out, "file token\n"));
    assert_int_equal(number_after(out, "others "), 1); /* its own process 1 */
    assert_false(has(out, "found"));

    TPH_CLEANUP(tph_freep) char *control = tph_format("scan %s %d", needle, (int)victim);
    out = plainly(h, control);
    /* A victim with a subordinate id is safe even from the user's other programs. */
    bool ours = geteuid() == 0 || uid_of(victim) == (int64_t)geteuid();
    assert_true(ours || account_subids() > 0);
    assert_int_equal(has(out, "found environ\n"), ours);
    assert_int_equal(has(out, "found mem\n"), ours);
    assert_int_equal(has(out, "found root/run/argo/token\n"), ours);
}

static void no_sidecar_finds_anothers_token_and_without_a_sandbox_it_does(void **state)
{
    look_for_anothers_token(*state, false);
}

static void nor_that_of_one_with_the_users_own_id(void **state)
{
    if (account_subids() == 0) {
        skip(); /* no choice: root has others' ids always, this user his own */
    }
    look_for_anothers_token(*state, true);
}

static void nothing_of_our_memory_arguments_and_environment_is_seen_inside(void **state)
{
    struct harness *h = *state;
    const char *canary = getenv("TPH_TEST_CANARY");
    assert_non_null(canary);
    TPH_CLEANUP(tph_freep) char *on_heap = tph_strdup(canary);
    const char *needle = needle_of(h, canary);
    TPH_CLEANUP(tph_freep) char *words = tph_format("scan %s", needle);
    add_intruder(h, words);
    const char *out = sandboxed(h);
    assert_int_equal(number_after(out, "others "), 1);
    assert_false(has(out, "found"));

    TPH_CLEANUP(tph_freep) char *control = tph_format("scan %s %d", needle, (int)getpid());
    out = plainly(h, control);
    assert_true(has(out, "found environ\n"));
    assert_true(has(out, "found cmdline\n"));
    assert_true(has(out, "found mem\n"));
    assert_string_equal(on_heap, canary);
}

/* Attacks */

enum outcome {
    DENIED,
    DONE,
    EITHER, /* it depends on the machine: a switch, a module, a mount */
};

/* Sandboxed as it is; without seccomp; without Landlock's scopes. Then the controls: by root, by an ordinary user in
 * name spaces of its own. */
static const struct {
    const char *name;
    enum outcome sandbox, unconfined, unscoped, by_root, by_user;
} table[] = {
    {"token-write", DENIED, DENIED, DENIED, DONE, DONE},
    {"token-unlink", DENIED, DENIED, DENIED, DONE, DONE},
    {"token-remount", DENIED, DENIED, DENIED, DONE, DONE},
    {"mount", DENIED, DENIED, DENIED, DONE, DONE},
    {"umount", DENIED, DENIED, DENIED, DONE, DONE},
    {"unshare-user", DENIED, DONE, DENIED, DONE, DONE},
    {"clone-user", DENIED, DONE, DENIED, DONE, DONE},
    {"sethostname", DENIED, DENIED, DENIED, DONE, DONE},
    {"chroot", DENIED, DENIED, DENIED, DONE, DONE},
    {"keyring", DENIED, DONE, DENIED, DONE, DONE},
    {"key-of-session", DENIED, DENIED, DENIED, DONE, DONE},
    {"foreign-call", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"bpf", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"io-uring", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"userfaultfd", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"perf-event", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"packet-socket", DENIED, DENIED, DENIED, DONE, DONE},
    {"raw-socket", DENIED, DENIED, DENIED, DONE, DONE},
    {"vsock-socket", DENIED, EITHER, DENIED, EITHER, EITHER},
    {"mknod", DENIED, DENIED, DENIED, DONE, DENIED},
    {"write-etc", DENIED, DENIED, DENIED, DONE, DENIED},
    {"write-usr", DENIED, DENIED, DENIED, DONE, DENIED},
    {"write-proc-sys", DENIED, DENIED, DENIED, EITHER, DENIED},
    {"sysrq", DENIED, DENIED, DENIED, EITHER, DENIED},
    {"read-shadow", DENIED, DENIED, DENIED, DONE, DENIED},
    {"read-kernel", DENIED, DENIED, DENIED, EITHER, DENIED},
    {"see-sys", DENIED, DENIED, DENIED, DONE, DONE},
    {"see-disks", DENIED, DENIED, DENIED, EITHER, EITHER},
    {"become-root", DENIED, DENIED, DENIED, DONE, DONE},
    {"gain-by-exec", DENIED, DENIED, DENIED, DONE, DONE},
    {"trace-neighbour", DENIED, DENIED, DENIED, DONE, DONE},
    {"memory-of-neighbour", DENIED, DENIED, DENIED, DONE, DONE},
    {"environment-of-neighbour", DENIED, DENIED, DENIED, DONE, DONE},
    {"read-neighbour", DENIED, DENIED, DENIED, DONE, DONE},
    {"descriptor-of-neighbour", DENIED, DENIED, DENIED, DONE, DONE},
    {"signal-outside", DENIED, DENIED, DENIED, DONE, DONE},
    {"file-outside", DENIED, DENIED, DENIED, DONE, DONE},
    {"abstract-socket", DENIED, DENIED, DONE, DONE, DONE},
};
enum { N_TABLE = sizeof(table) / sizeof(table[0]) };

enum level { SANDBOX, AS_ROOT, UNCONFINED, CONTROL };

static bool scopes_here(void)
{
    return !account_without("landlock") && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6;
}

static enum outcome expected_at(size_t i, enum level level)
{
    enum outcome outcome = table[i].sandbox;
    if (level == AS_ROOT && strcmp(table[i].name, "become-root") == 0) {
        return DONE; /* it is root already, of its sandbox */
    }
    if (level == CONTROL && account_without("landlock") && strcmp(table[i].name, "gain-by-exec") == 0) {
        return DENIED; /* by the filter that hides Landlock */
    }
    if (level == CONTROL) {
        return geteuid() == 0 ? table[i].by_root : table[i].by_user;
    }
    if (level == UNCONFINED) {
        outcome = table[i].unconfined;
    }
    return outcome == DENIED && !scopes_here() ? table[i].unscoped : outcome;
}

static void compare(const char *out, enum level level)
{
    size_t wrong = 0;
    for (size_t i = 0; i < N_TABLE; i++) {
        TPH_CLEANUP(tph_freep) char *done = tph_format("%s done", table[i].name);
        TPH_CLEANUP(tph_freep) char *denied = tph_format("%s denied", table[i].name);
        enum outcome expected = expected_at(i, level);
        bool was_done = has(out, done), was_denied = has(out, denied);
        bool good = was_done != was_denied && (expected == EITHER || was_done == (expected == DONE));
        wrong += good ? 0 : 1;
        if (!good) {
            print_message("level %d: %s: expected %s\n", (int)level, table[i].name,
                          expected == DONE ? "done" : "denied");
        }
    }
    if (wrong > 0) {
        fail_msg("%s", out);
    }
}

/* Somebody of this machine listens on an abstract socket; the name, without its NUL. */
static int listen_abstract(char name[32])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(name, "tiphys-test-", 12);
    tph_random_text(name + 12, 12);
    memcpy(address.sun_path + 1, name, strlen(name));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 10), 0);
    return fd;
}

static void attack(struct harness *h, enum level level)
{
    char name[32];
    int listener = listen_abstract(name);
    /* Whom the control may signal: it is ours. In the sandbox there is nobody of this number. */
    pid_t outside = fork();
    if (outside == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail before its end */
        (void)pause();
        _exit(0);
    }
    assert_true(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0);
    assert_true(syscall(SYS_add_key, "user", "tiphys-canary", "x", 1, KEY_SPEC_SESSION_KEYRING) > 0);
    TPH_CLEANUP(tph_freep)
    char *words = tph_format("attacks %s %s %d %s", level == CONTROL ? "staged" : "sandboxed", name, (int)outside,
                             stage_place().secret);
    if (level == CONTROL) {
        compare(plainly(h, words), level);
    } else {
        struct tph_container *c = add_intruder(h, words);
        c->security.run_as_user = level == AS_ROOT ? 0 : 1000;
        c->security.seccomp = level == UNCONFINED ? TPH_SECCOMP_UNCONFINED : TPH_SECCOMP_DEFAULT;
        compare(sandboxed(h), level);
    }
    tph_fd_close(&listener);
    (void)kill(outside, SIGKILL);
    assert_int_equal(waitpid(outside, NULL, 0), outside);
}

static void every_attack_of_the_table_is_denied(void **state)
{
    attack(*state, SANDBOX);
}

static void nor_can_root_of_the_sandbox_do_any_of_it(void **state)
{
    attack(*state, AS_ROOT);
}

static void without_seccomp_what_it_alone_denies_is_seen_to_work(void **state)
{
    attack(*state, UNCONFINED);
}

static void without_a_sandbox_the_attacks_are_seen_to_work(void **state)
{
    attack(*state, CONTROL);
}

/* C libraries try new calls first and go on with old ones when the kernel does not know them, but not when it forbids
 * them. The control is a forbidden call without the filter. */
static void calls_that_the_filter_does_not_know_are_not_there_and_others_are_forbidden(void **state)
{
    static const struct {
        long number;
        const char *said;
    } cases[] = {
        {SYS_bpf, "EPERM"},     {SYS_mount, "EPERM"},     {SYS_keyctl, "EPERM"},  {SYS_io_uring_setup, "EPERM"},
        {SYS_unshare, "EPERM"}, {SYS_open_tree, "EPERM"}, {SYS_clone3, "ENOSYS"}, {700, "ENOSYS"},
        {1 << 20, "ENOSYS"},    {SYS_close, "EBADF"},
    };
    struct harness *h = *state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf words = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf expected = TPH_BUF_INIT(TPH_KIB(4));
    (void)tph_buf_puts(&words, "calls");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)tph_buf_printf(&words, " %ld", cases[i].number);
        (void)tph_buf_printf(&expected, "%ld %s\n", cases[i].number, cases[i].said);
    }
    struct tph_container *c = add_intruder(h, tph_buf_cstr(&words));
    assert_string_equal(sandboxed(h), tph_buf_cstr(&expected));

    c->security.seccomp = TPH_SECCOMP_UNCONFINED;
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 2);
    const char *unconfined = output_of(h, 0);
    TPH_CLEANUP(tph_freep) char *keyctl = tph_format("%d EPERM\n", (int)SYS_keyctl);
    assert_false(has(unconfined, keyctl));
}

static void only_its_own_processes_hear_a_sidecars_signals(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *words = tph_format("signals %d", (int)getpid());
    add_intruder(h, words);
    const char *out = sandboxed(h);
    assert_int_equal(number_after(out, "answers "), 0);
    assert_true(getpid() == 2 || has(out, "outside silent\n")); /* 2 is its own number */
    assert_true(has(out, "outside not traced\n"));

    out = plainly(h, words);
    assert_true(number_after(out, "answers ") > 0);
    assert_true(has(out, "outside answers\n"));
    assert_true(has(out, "outside traced\n"));
}

/* Files, users */

/* Process 1 of each of our sandboxes. */
static size_t find_inits(pid_t *pids, size_t max)
{
    struct process list[64];
    size_t found = find_processes("tiphys-init", list, 64), n = 0;
    for (size_t i = 0; i < found; i++) {
        if (parent_of(list[i].pid) == getpid() && n < max) {
            pids[n++] = list[i].pid;
        }
        tph_fd_close(&list[i].pidfd);
    }
    return n;
}

static bool is_subordinate(int64_t uid)
{
    int64_t first = account_first_subid();
    return uid >= first && uid < first + account_subids();
}

static void root_of_a_sandbox_is_nobody_outside(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add(h, WRITES, 0, "on\n");
    c->security.run_as_user = 0;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    pid_t init = 0;
    assert_int_equal(find_inits(&init, 1), 1);
    int64_t uid = uid_of(init);
    assert_true(geteuid() == 0         ? uid >= 300000
                : account_subids() > 0 ? is_subordinate(uid)
                                       : uid == (int64_t)geteuid());
    if (geteuid() == 0) { /* who made the file, as this machine sees it */
        struct stat status;
        TPH_CLEANUP(tph_freep) char *path = tph_format("/proc/%d/root/run/argo/token", (int)init);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_uid, uid);
    }
}

/* As root all by chance, of 1000 ranges: see tests/unit/podrt/test_ids.c. The control is the ordinary user who has no
 * ids to give, or not enough of them. */
static void sandboxes_have_no_id_in_common(void **state)
{
    enum { N = 4 };
    struct harness *h = *state;
    pid_t inits[N];
    size_t n_own = 0;
    for (int i = 0; i < N; i++) {
        harness_add(h, WRITES, 0, "on\n")->security.run_as_user = 1000 + i % 2;
    }
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, N);
    assert_int_equal(find_inits(inits, N), N);
    for (size_t i = 0; i < N; i++) {
        int64_t uid = uid_of(inits[i]);
        n_own += uid == (int64_t)geteuid() ? 1 : 0;
        assert_true(geteuid() == 0 ? uid >= 300000 : uid == (int64_t)geteuid() || is_subordinate(uid));
        for (size_t j = 0; j < i; j++) {
            assert_true(uid == (int64_t)geteuid() || uid_of(inits[j]) != uid);
        }
    }
    size_t some = (size_t)account_subids() / 3;
    assert_int_equal(n_own, geteuid() == 0 || some > N ? 0 : N - some);
}

/* His own files are closed to others, so to his subordinate ids: then the sidecar has his own. */
static void who_reads_what_only_the_user_may_read_has_the_users_id(void **state)
{
    struct harness *h = *state;
    pid_t init = 0;
    if (account_subids() == 0) {
        skip(); /* no choice: root has others' ids always, this user his own */
    }
    TPH_CLEANUP(tph_freep) char *dir = tph_strdup("/tmp/tiphys-own-XXXXXX");
    assert_non_null(mkdtemp(dir)); /* 0700 */
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    static const struct tph_str command[] = {TPH_STR("sh"), TPH_STR("-c"), TPH_STR("pwd; ls -a; id -u; exec sleep 99")};
    c->command = command;
    c->n_command = 3;
    c->security.run_as_user = 1000;
    h->spec.plugin_dir = dir;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 4);
    TPH_CLEANUP(tph_freep) char *expected = tph_format("%s\n.\n..\n1000\n", dir);
    assert_string_equal(output_of(h, 0), expected);
    assert_int_equal(find_inits(&init, 1), 1);
    assert_int_equal(uid_of(init), geteuid());
    assert_int_equal(rmdir(dir), 0);
}

/* Names */

static int write_to(const char *path, const char *text)
{
    TPH_CLEANUP(tph_fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return fd < 0 ? -1 : tph_fd_write_all(fd, tph_str(text));
}

/* All packets go into loopback and are lost there: a resolver is never heard of. */
static int lose_all_packets(void)
{
    struct ifreq lo = {.ifr_flags = IFF_UP | IFF_RUNNING};
    struct rtentry route;
    memset(&route, 0, sizeof(route));
    memcpy(lo.ifr_name, "lo", 3);
    route.rt_dst.sa_family = route.rt_genmask.sa_family = AF_INET;
    route.rt_flags = RTF_UP;
    route.rt_dev = lo.ifr_name;
    TPH_CLEANUP(tph_fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 || ioctl(fd, SIOCADDRT, &route) < 0 ? -1 : 0;
}

/* A machine of our own whose name nobody knows. Exits 77 with the reason where there can be none. */
static void move_into_the_void(const char *dir)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    TPH_CLEANUP(tph_freep) char *hosts = tph_format("%s/hosts", dir);
    TPH_CLEANUP(tph_freep) char *resolver = tph_format("%s/resolv.conf", dir);
    int failed = unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | (uid != 0 ? CLONE_NEWUSER : 0));
    if (failed == 0 && uid != 0) {
        (void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
        failed = write_to("/proc/self/setgroups", "deny") | write_to("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
        failed |= write_to("/proc/self/gid_map", map);
    }
    failed = failed < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
             write_to(hosts, "127.0.0.1 localhost\n") < 0 || write_to(resolver, "nameserver 192.0.2.1\n") < 0 ||
             mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) < 0 ||
             mount(resolver, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0 || sethostname("unheard-of", 10) < 0 ||
             lose_all_packets() < 0;
    if (failed) {
        print_message("no machine of one's own here: %s\n", strerrordesc_np(errno));
        _exit(77);
    }
}

static const char server_script[] = "import http.server as s\n"
                                    "s.HTTPServer(('0.0.0.0', 4355), s.BaseHTTPRequestHandler)\n"
                                    "print('ready', flush=True)\nimport time; time.sleep(100)\n";

static int serve_in_the_void(const char *dir)
{
    void *state = (void *)(uintptr_t)&process_implementation;
    move_into_the_void(dir);
    if (harness_open(&state) < 0) {
        return 2;
    }
    struct harness *h = state;
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    const struct tph_str command[] = {TPH_STR("python3"), TPH_STR("-c"), tph_str(server_script)};
    c->command = command;
    c->n_command = 3;
    c->image = TPH_STR("python:3");
    h->spec.log_events = true;
    int64_t from_ms = harness_now_ms();
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    bool fast = strcmp(output_of(h, 0), "ready\n") == 0 && harness_now_ms() - from_ms < 1000 * harness_slowness();
    tph_podrt_free(h->rt);

    TPH_CLEANUP(tph_freep) char *control = tph_format("timeout 2 python3 -c \"%s\"", server_script);
    FILE *pipe = popen(control, "re");
    char text[16] = "";
    bool heard = pipe && fgets(text, sizeof(text), pipe);
    return !fast ? 3 : heard ? 4 : 0;
}

static void a_server_is_ready_where_no_resolver_answers(void **state)
{
    int status = 0;
    TPH_CLEANUP(tph_freep) char *dir = tph_strdup("/tmp/tiphys-void-XXXXXX");
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(serve_in_the_void(dir));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    TPH_CLEANUP(tph_freep) char *command = tph_format("rm -r %s", dir);
    assert_int_equal(system(command), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

static void the_pods_host_name_is_its_own(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    static const struct tph_str command[] = {
        TPH_STR("python3"), TPH_STR("-c"),
        TPH_STR("import socket\nname=socket.gethostname()\nprint(name, socket.gethostbyname(name))\n"
                "try: print(socket.gethostbyname(name+'-other'))\nexcept OSError: print('not found')\n")};
    c->command = command;
    c->n_command = 3;
    c->image = TPH_STR("python:3");
    h->spec.network = TPH_NETWORK_NONE;
    h->spec.restart_base_ms = 60000;
    assert_string_equal(sandboxed(h), "pod 127.0.0.1\nnot found\n");
}

/* What is missing on this machine */

static void what_cannot_be_enforced_is_told_once_a_pod_by_its_name(void **state)
{
    struct harness *h = *state;
    bool memory = false, cpu = false;
    look_at_groups(h, &memory, &cpu);
    assert_false(account_without("cgroups") && (memory || cpu));
    assert_false(account_without("cpu") && cpu);
    for (int i = 0; i < 2; i++) {
        struct tph_container *c = harness_add(h, RUNS, 0, NULL);
        c->resources.memory_limit = TPH_MIB(64);
        c->resources.cpu_limit_milli = 500;
    }
    harness_start(h);
    harness_await(h, TPH_POD_READY, 2);
    harness_let_pass(h, 20);
    TPH_CLEANUP(tph_freep)
    char *limits = tph_format("%s%s%s not enforced: no writable cgroup", memory ? "" : "memory limit of 67108864 bytes",
                              memory || cpu ? "" : " and ", cpu ? "" : "cpu limit of 500m");
    const char *const expected[] = {memory && cpu ? NULL : limits,
                                    scopes_here() ? NULL : "abstract sockets and signals not scoped"};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        size_t times = 0;
        for (size_t j = 0; expected[i] && j < h->n_events; j++) {
            const struct heard *e = &h->events[j];
            times += e->kind == TPH_POD_DEGRADED && strcmp(e->message, expected[i]) == 0 ? 1 : 0;
        }
        assert_int_equal(times, expected[i] ? 1 : 0);
        n += times;
    }
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), n);
}

static void without_a_filter_nothing_starts(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_string_equal(e->message, "install the seccomp filter: Invalid argument");
}

static void without_network_namespaces_only_the_hosts_network_is_there(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    h->spec.network = TPH_NETWORK_NONE;
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_string_equal(e->message, "make namespaces (clone3): No space left on device\n"
                                    "  this machine does not let this user make user and network namespaces; tiphys "
                                    "doctor tells more");
}

static void without_user_namespaces_nothing_starts_and_the_cure_is_told(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_string_equal(e->message,
                        "cannot give plugin its own /var/run/argo/token: make namespaces (clone3): No space "
                        "left on device\n  let this user make user namespaces: tiphys doctor tells how; for "
                        "development only, --unsafe-plain starts plugins without a sandbox");
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

static int run(struct CMUnitTest *tests, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

static int run_all(void)
{
    struct CMUnitTest tests[] = {
        T(no_sidecar_finds_anothers_token_and_without_a_sandbox_it_does),
        T(nor_that_of_one_with_the_users_own_id),
        T(nothing_of_our_memory_arguments_and_environment_is_seen_inside),
        T(every_attack_of_the_table_is_denied),
        T(nor_can_root_of_the_sandbox_do_any_of_it),
        T(without_seccomp_what_it_alone_denies_is_seen_to_work),
        T(without_a_sandbox_the_attacks_are_seen_to_work),
        T(calls_that_the_filter_does_not_know_are_not_there_and_others_are_forbidden),
        T(only_its_own_processes_hear_a_sidecars_signals),
        T(root_of_a_sandbox_is_nobody_outside),
        T(sandboxes_have_no_id_in_common),
        T(who_reads_what_only_the_user_may_read_has_the_users_id),
        T(the_pods_host_name_is_its_own),
        T(a_server_is_ready_where_no_resolver_answers),
        T(what_cannot_be_enforced_is_told_once_a_pod_by_its_name),
    };
    return run(tests, sizeof(tests) / sizeof(tests[0]), "podrt/isolation");
}

/* Where the machine lacks what the others need. */
static int run_poor(void)
{
    struct CMUnitTest no_filter[] = {T(without_a_filter_nothing_starts)};
    struct CMUnitTest no_userns[] = {T(without_user_namespaces_nothing_starts_and_the_cure_is_told)};
    struct CMUnitTest no_netns[] = {T(without_network_namespaces_only_the_hosts_network_is_there),
                                    T(every_attack_of_the_table_is_denied),
                                    T(what_cannot_be_enforced_is_told_once_a_pod_by_its_name)};
    return account_without("seccomp")  ? run(no_filter, 1, "podrt/isolation without seccomp")
           : account_without("userns") ? run(no_userns, 1, "podrt/isolation without user namespaces")
                                       : run(no_netns, 3, "podrt/isolation without network namespaces");
}

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    if (!getenv("TPH_TEST_CANARY")) { /* in our arguments, too */
        char canary[33] = "";
        tph_random_text(canary, 32);
        char *again[16] = {argv[0]};
        int n = 1;
        for (; n < argc && n < 14; n++) {
            again[n] = argv[n];
        }
        again[n] = canary;
        (void)setenv("TPH_TEST_CANARY", canary, 1);
        (void)execv("/proc/self/exe", again);
        return 1;
    }
    int n = account_arrange(argc, argv);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* Yama does not do the sandbox's work here */
    if (n < 2) {
        (void)printf("usage: %s INTRUDER [as-user] [without-THING]\n", argv[0]);
        return 2;
    }
    stage_open(argv[1]);
    bool poor = account_without("seccomp") || account_without("userns") || account_without("netns");
    int failed = poor ? run_poor() : run_all();
    stage_close();
    return failed;
}
