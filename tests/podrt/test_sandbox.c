/* SPDX-License-Identifier: Apache-2.0 */
/* What passes from the program into a sandbox and what does not: descriptors, signals, environment; who outlives whom;
 * and what its files are. Tests of something kept out have their control: the same question asked of a plain child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "stage.h"

/* The next container does what the shell script says. */
static struct tph_container *add_script(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 3);
    command[0] = TPH_STR("sh");
    command[1] = TPH_STR("-c");
    command[2] = tph_arena_str(h->arena, tph_str(script));
    c->command = command;
    c->n_command = 3;
    c->security.run_as_user = 1000;
    h->spec.restart_base_ms = 60000;
    return c;
}

/* Runs the one container to its end: what it wrote. */
static const char *ran(struct harness *h)
{
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    return output_of(h, 0);
}

/* The same script as a plain child. */
static const char *ran_plainly(struct harness *h, const char *script)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(1));
    char piece[4096];
    FILE *pipe = popen(script, "re");
    assert_non_null(pipe);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), pipe)) > 0;) {
        (void)tph_buf_append(&text, piece, n);
    }
    (void)pclose(pipe);
    return tph_arena_strdup(h->arena, tph_buf_str(&text));
}

/* Descriptors */

/* A program with hundreds of them: wherever the next free number is, each end comes where it belongs. */
static void many_open_descriptors_are_no_trouble(void **state)
{
    enum { FIRST = 180, LAST = 230 };
    struct harness *h = *state;
    bool ours[LAST] = {false};
    for (int fd = 3; fd < FIRST; fd++) {
        ours[fd] = fcntl(fd, F_GETFD) < 0 && dup3(STDERR_FILENO, fd, O_CLOEXEC) == fd;
    }
    add_script(h, "echo out; echo error >&2; exit 1");
    harness_start(h);
    for (size_t i = 1; i <= LAST - FIRST; i++) {
        harness_await(h, TPH_POD_EXITED, i);
        int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FIRST);
        assert_in_range(fd, FIRST, LAST - 1);
        ours[fd] = true;
        harness_restart(h, 0);
    }
    for (int fd = 0; fd < LAST; fd++) {
        if (ours[fd]) {
            close(fd);
        }
    }
    size_t outs = 0, errors = 0;
    struct tph_str rest = tph_str(output_of(h, 0)), line;
    while (tph_str_cut(&rest, '\n', &line)) {
        outs += tph_str_eqz(line, "out") ? 1 : 0;
        errors += tph_str_eqz(line, "error") ? 1 : 0;
    }
    assert_int_equal(harness_count(h, TPH_POD_FAILED), 0);
    assert_in_range(outs, TPH_LIMIT_LOG_TAIL / 2 - 1, TPH_LIMIT_LOG_TAIL / 2 + 1);
    assert_int_equal(outs + errors, TPH_LIMIT_LOG_TAIL);
}

static struct tph_probe exec_probe(struct harness *h, const char *script)
{
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 3);
    command[0] = TPH_STR("sh");
    command[1] = TPH_STR("-c");
    command[2] = tph_arena_str(h->arena, tph_str(script));
    return (struct tph_probe){.kind = TPH_PROBE_EXEC,
                              .command = command,
                              .n_command = 3,
                              .period_s = 1,
                              .timeout_s = 5,
                              .success_threshold = 1,
                              .failure_threshold = 1};
}

/* Somebody started us with a descriptor open that says nothing of exec, as shells do. */
static void no_descriptor_of_ours_is_open_inside(void **state)
{
    struct harness *h = *state;
    const char *script = "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> \\(.*\\)/\\1 \\2/p' | grep -v '[0-9]/fd$'";
    TPH_CLEANUP(tph_freep) char *and_wait = tph_format("%s; exec sleep 1000", script);
    int fd = open("/proc/self/comm", O_RDONLY); /* NOLINT(android-cloexec-open): it is meant so */
    assert_true(fd >= 3);
    add_script(h, and_wait)->readiness = exec_probe(h, "test \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 '");
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    harness_await(h, TPH_POD_LOG, 3);
    assert_int_equal(strncmp(output_of(h, 0), "0 /dev/null\n1 pipe:[", 20), 0);
    assert_false(has(output_of(h, 0), "comm"));

    const char *out = ran_plainly(h, script);
    close(fd);
    assert_true(has(out, "comm"));
}

/* Who comes in later: exec probes. */

static void a_probes_process_cannot_be_caught_on_its_way_in(void **state)
{
    struct harness *h = *state;
    /* Before its exec the probe is a fresh run of this program that already has the sidecar's user. */
    struct tph_container *c = add_intruder(h, "ambush exe");
    c->security.run_as_user = -1;
    c->readiness = exec_probe(h, "exit 0");
    c->readiness.success_threshold = 100000; /* until then the questions follow each other closely */
    const char *out = sandboxed(h);
    assert_true(number_after(out, "seen ") > 0);
    assert_int_equal(number_after(out, "caught "), 0);

    pid_t one_of_us = fork();
    if (one_of_us == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "exe");
        (void)prctl(PR_SET_DUMPABLE, 1);
        (void)pause();
        _exit(0);
    }
    TPH_CLEANUP(tph_freep) char *control = tph_format("timeout -s TERM 0.3 %s ambush exe", stage_place().intruder);
    out = ran_plainly(h, control);
    (void)kill(one_of_us, SIGKILL);
    assert_int_equal(waitpid(one_of_us, NULL, 0), one_of_us);
    assert_true(number_after(out, "caught ") > 0);
}

/* Signals */

/* nohup and some supervisors start programs so. */
static void signals_that_we_ignore_or_block_are_neither_inside(void **state)
{
    struct harness *h = *state;
    const char *script = "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\\t0'; exec sleep 1000";
    const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGPIPE};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)signal(numbers[i], SIG_IGN);
        (void)sigaddset(&blocked, numbers[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    add_script(h, script);
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 2);
    assert_string_equal(output_of(h, 0), "SigBlk:\nSigIgn:\n");
    int64_t from_ms = harness_now_ms();
    harness_stop(h, PATIENCE_MS);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_true(harness_now_ms() - from_ms < PATIENCE_MS / 2);

    const char *out = ran_plainly(h, "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\\t0'");
    assert_int_equal(tph_str_find(tph_str(out), TPH_STR("SigBlk:\n")), -1);
    assert_int_equal(tph_str_find(tph_str(out), TPH_STR("SigIgn:\n")), -1);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)signal(numbers[i], SIG_DFL);
    }
    (void)sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

/* Its output may be opened again by name, as shells and servers do, whoever it is. */
static void standard_output_can_be_opened_by_its_name(void **state)
{
    struct harness *h = *state;
    add_script(h, "echo out >/dev/stdout && echo error >/dev/stderr");
    const char *out = ran(h);
    assert_non_null(strstr(out, "out\n"));
    assert_non_null(strstr(out, "error\n"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    int n = account_arrange(argc, argv);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* Yama does not do the sandbox's work here */
    if (n < 2) {
        (void)printf("usage: %s INTRUDER [as-user] [without-THING]\n", argv[0]);
        return 2;
    }
    stage_open(argv[1]);
    struct CMUnitTest tests[] = {
        T(many_open_descriptors_are_no_trouble),
        T(no_descriptor_of_ours_is_open_inside),
        T(a_probes_process_cannot_be_caught_on_its_way_in),
        T(signals_that_we_ignore_or_block_are_neither_inside),
        T(standard_output_can_be_opened_by_its_name),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    int failed = cmocka_run_group_tests_name("podrt/sandbox", tests, NULL, NULL);
    stage_close();
    return failed;
}
