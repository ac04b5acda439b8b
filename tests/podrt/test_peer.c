/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a connection is, before a token is sent: as root, as an ordinary user with and without subordinate ids, and
 * without a sandbox. Controls: somebody else on the same port, also the user's own program, a sidecar of his, and one
 * that calls itself the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/peer.h"
#include "podrt/process.h"
#include "podrt/process_internal.h"
#include "podrt/sandbox.h"

static struct tph_container *add_python(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add_script(h, script);
    ((struct tph_str *)(uintptr_t)c->command)[0] = TPH_STR("python");
    c->image = TPH_STR("python:alpine3.6");
    return c;
}

/* A connection of the agent's that is there. */
static int connect_to(struct harness *h, const char *host, uint16_t port)
{
    int fd = tph_pod_dial(h->pod, host, port);
    assert_true(fd >= 0);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
    return fd;
}

/* What the pod says of it, as soon as it can: a connection that is being accepted belongs to nobody for a moment. */
static int check(struct tph_pod *any, int fd, uint16_t port, struct tph_error *err)
{
    int answer;
    do {
        answer = tph_pod_check(any, fd, port, err);
    } while (answer == -EAGAIN);
    /* Where the kernel does not answer over netlink the same is seen in /proc. */
    const struct process_pod *pod = (const struct process_pod *)any;
    struct tph_peer_owner owner = {.init = tph_sandbox_pid(pod->containers[0].sandbox), .plain = pod->rt->plain};
    char who[160];
    enum tph_peer in_proc;
    do {
        in_proc = tph_peer_look_in_proc(fd, &owner, who, sizeof(who));
    } while (in_proc == TPH_PEER_UNSEEN);
    assert_int_equal(in_proc, answer == 0 ? TPH_PEER_OWN : TPH_PEER_STRANGER);
    assert_true(answer == 0 || strstr(err->text, who));
    return answer;
}

static void who_is_called_is_the_pods_own_whether_it_accepted_or_not(void **state)
{
    struct harness *h = *state;
    static const char *const manners[] = {
        "time.sleep(1000)",                                                               /* never accepts */
        "c=s.accept(); print('accepted',flush=True); c[0].recv(1); time.sleep(1000)",     /* holds it */
        "p=os.fork()\nif p: s.close(); time.sleep(1000)\nc=s.accept(); time.sleep(1000)", /* a child has all */
        "p=os.fork()\nif p: s.close(); time.sleep(1000)\nos.setsid()\nif os.fork(): os._exit(0)\n"
        "c=s.accept(); time.sleep(1000)", /* a daemon, whose parent is gone */
    };
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        for (int six = 0; six < 2; six++) {
            uint16_t port = harness_free_port();
            TPH_CLEANUP(tph_freep)
            char *script =
                tph_format("import socket,time,os\ns=socket.create_server(('%s',%u)%s)\n%s", six ? "::" : "127.0.0.1",
                           port, six ? ",family=socket.AF_INET6,dualstack_ipv6=True" : "", manners[i]);
            struct tph_container *c = add_python(h, script);
            harness_set_one_port(h, c, port);
            c->readiness = (struct tph_probe){.kind = TPH_PROBE_NONE};
            harness_start(h);
            int fd = -1, tries = 0;
            while (fd < 0) {
                struct pollfd writable = {.events = POLLOUT};
                int problem = ECONNREFUSED;
                socklen_t len = sizeof(problem);
                harness_let_pass(h, 5);
                fd = writable.fd = tph_pod_dial(h->pod, "127.0.0.1", port);
                if (fd >= 0 && (poll(&writable, 1, PATIENCE_MS) != 1 ||
                                getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0 || problem != 0)) {
                    tph_fd_close(&fd);
                }
                assert_true(++tries < PATIENCE_MS / 5);
            }
            struct tph_error err = TPH_ERROR_INIT;
            assert_int_equal(check(h->pod, fd, port, &err), 0);
            if (i == 1) { /* now accepted for sure */
                struct tph_buf tail = TPH_BUF_INIT(TPH_KIB(64));
                while (tph_str_find(tph_buf_str(&tail), TPH_STR("accepted")) < 0) {
                    harness_let_pass(h, 5);
                    tph_buf_clear(&tail);
                    tph_pod_log_tail(h->pod, 0, 10, &tail);
                }
                tph_buf_release(&tail);
                assert_int_equal(check(h->pod, fd, port, &err), 0);
            }
            close(fd);
            size_t stops = harness_count(h, TPH_POD_STOPPED);
            harness_stop(h, 0);
            harness_await(h, TPH_POD_STOPPED, stops + 1);
            h->spec.n_containers = 0;
        }
    }
}

/* A child that listens on the port, as that user when we are root; it accepts when told. */
static pid_t start_thief(uint16_t port, const char *address, bool accepts, int *ret_ready)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
        bool six = strchr(address, ':') != NULL;
        (void)inet_pton(AF_INET, address, &in.sin_addr);
        (void)!setresuid(65532, 65532, 65532);
        /* When a test fails, neither it nor the sandbox's lifeline stays. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close_range(3, (unsigned)ends[1] - 1, 0);
        (void)close_range((unsigned)ends[1] + 1, ~0U, 0);
        int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
        int failed = bind(fd, six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in, six ? sizeof(in6) : sizeof(in));
        failed = failed < 0 ? failed : listen(fd, 1);
        (void)!write(ends[1], failed < 0 ? "-" : "+", 1);
        if (accepts) {
            (void)!accept(fd, NULL, NULL);
            (void)!write(ends[1], "+", 1);
        }
        for (;;) {
            pause();
        }
    }
    close(ends[1]);
    char byte = '-';
    assert_int_equal(read(ends[0], &byte, 1), 1);
    if (byte == '-') {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        close(ends[0]);
        return -1; /* this machine has no such address */
    }
    *ret_ready = ends[0];
    return pid;
}

static void who_took_the_port_is_named_and_never_taken_for_the_pod(void **state)
{
    struct harness *h = *state;
    static const char *const addresses[] = {"127.0.0.1", "0.0.0.0", "::1"};
    uint16_t port = harness_free_port();
    harness_set_one_port(h, harness_add_script(h, "exec sleep 1000"), port);
    h->spec.file = "plugin.yaml";
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 1);
    for (size_t i = 0; i < 6; i++) {
        const char *address = addresses[i / 2];
        int ready;
        pid_t thief = start_thief(port, address, i % 2 == 1, &ready);
        if (thief < 0) {
            continue;
        }
        int fd = connect_to(h, strchr(address, ':') ? "::1" : "127.0.0.1", port);
        char byte;
        assert_true(i % 2 == 0 || read(ready, &byte, 1) == 1);
        struct tph_error err = TPH_ERROR_INIT;
        assert_int_equal(check(h->pod, fd, port, &err), -EACCES);
        TPH_CLEANUP(tph_freep)
        char *who = tph_format("port %u is in use by test_podrt_peer (pid %d, user ", port, (int)thief);
        assert_non_null(strstr(err.text, who));
        assert_non_null(strstr(err.text, "); plugin pod needs it\n  stop that program, or change containerPort in "
                                         "plugin.yaml"));
        close(fd);
        (void)kill(thief, SIGKILL);
        assert_int_equal(waitpid(thief, NULL, 0), thief);
        close(ready);
    }
}

/* What the plugin of another pod listens on is that pod's alone: it is of the same user, and made in the same way. */
static void another_pods_sidecar_is_a_stranger(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    harness_set_one_port(h, harness_add_script(h, "exec sleep 1000"), port);
    h->spec.title = "plugin robbed";
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 1);
    struct tph_pod *robbed = h->beside = TPH_TAKE(h->pod);
    TPH_CLEANUP(tph_freep)
    char *script =
        tph_format("import socket,time\ns=socket.create_server(('127.0.0.1',%u))\nprint('listens',flush=True)\n"
                   "c=s.accept(); print('accepted',flush=True); time.sleep(1000)",
                   port);
    (void)add_python(h, script);
    h->spec.containers++;
    h->spec.n_containers = 1;
    h->spec.title = "plugin robber";
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    int fd = connect_to(h, "127.0.0.1", port);
    harness_await(h, TPH_POD_LOG, 2);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(check(robbed, fd, port, &err), -EACCES);
    TPH_CLEANUP(tph_freep) char *who = tph_format("port %u is in use by python", port);
    assert_non_null(strstr(err.text, who));
    assert_non_null(strstr(err.text, " (pid ")); /* "python" or "python3", found also where it has another user's id */
    assert_non_null(strstr(err.text, "); plugin robbed needs it\n"));
    assert_int_equal(check(h->pod, fd, port, &err), 0); /* the control: whose it is */
    close(fd);
}

static int open_plain(void **state)
{
    if (harness_open(state) < 0) {
        return -1;
    }
    struct harness *h = *state;
    struct tph_process_options options = {.unsafe_plain = true};
    struct tph_error err = TPH_ERROR_INIT;
    tph_podrt_free(h->rt);
    h->rt = NULL;
    return tph_podrt_process_new(h->loop, &options, &h->rt, &err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    argc = account_arrange(argc, argv);
    bool plain = argc == 2 && strcmp(argv[1], "plain") == 0;
    struct CMUnitTest tests[] = {
        T(who_is_called_is_the_pods_own_whether_it_accepted_or_not),
        T(who_took_the_port_is_named_and_never_taken_for_the_pod),
        T(another_pods_sidecar_is_a_stranger),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
        tests[i].setup_func = plain ? open_plain : harness_open;
    }
    return cmocka_run_group_tests_name("podrt/peer", tests, NULL, NULL);
}
