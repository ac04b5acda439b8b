/* SPDX-License-Identifier: Apache-2.0 */
/* --unsafe-plain: no sandbox, but what everybody may give up is given up, nothing is left, and it is said. Controls:
 * the same questions to a plain child, and what is left of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/random.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"
#include "stage.h"

static const char no_sandbox[] =
    "no sandbox (--unsafe-plain, for development only): it runs as you, on the host's network";

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

static const char *ran_plainly(struct harness *h, const char *script)
{
    char *text = TPH_ARENA_ARRAY(h->arena, char, 4096);
    FILE *pipe = popen(script, "re");
    assert_non_null(pipe);
    text[fread(text, 1, 4095, pipe)] = '\0';
    (void)pclose(pipe);
    return text;
}

static void it_is_said_once_and_the_token_is_its_own(void **state)
{
    struct harness *h = *state;
    for (int i = 0; i < 2; i++) {
        harness_add_script(
            h, "sed 's/./&-/' $TIPHYS_TOKEN_FILE; echo; (echo x >$TIPHYS_TOKEN_FILE) 2>/dev/null || echo kept; "
               "env; exec sleep 99");
    }
    h->pod_containers[1].token = "ZYXWVUTSRQPONMLKJIHGFEDCBA987654";
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 2);
    harness_await(h, TPH_POD_LOG, 10);
    for (size_t i = 0; i < 2; i++) {
        const char *out = output_of(h, i), *token = h->pod_containers[i].token;
        char broken[40];
        (void)snprintf(broken, sizeof(broken), "%.1s-%s\nkept\n", token, token + 1); /* whole it is shown as *** */
        assert_int_equal(strncmp(out, broken, strlen(broken)), 0);
        assert_false(has(out, "***")); /* in the environment it is not */
    }
    size_t told = 0;
    for (size_t i = 0; i < h->n_events; i++) {
        told += h->events[i].kind == TPH_POD_DEGRADED && has(h->events[i].message, no_sandbox) ? 1 : 0;
    }
    assert_int_equal(told, 1);
    bool shut = !account_without("landlock");
    for (size_t i = 0; i < h->n_events; i++) {
        bool it = h->events[i].kind == TPH_POD_DEGRADED && has(h->events[i].message, no_sandbox);
        assert_true(!it || has(h->events[i].message, shut ? "no files of yours" : "all your files"));
    }
}

static void what_can_be_given_up_is_given_up(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep)
    char *script =
        tph_format("grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '; cat %s 2>&1 | "
                   "sed 's/.*: //'; (echo x >/tmp/tiphys-plain-$$) 2>&1 | sed 's/.*: //'; rm -f /tmp/tiphys-plain-$$",
                   stage_place().secret);
    harness_add_script(h, script);
    const char *out = sandboxed(h);
    assert_true(has(out, "CapEff: 0000000000000000\nNoNewPrivs: 1\n"));
    assert_true(has(out, "Seccomp: 2\n"));
    bool shut = !account_without("landlock");
    assert_int_equal(has(out, "mine\n"), !shut);
    assert_int_equal(has(out, "Permission denied"), shut);

    out = ran_plainly(h, script);
    assert_true(has(out, "mine\n"));
    assert_false(has(out, "denied"));
    assert_true(has(out, account_without("landlock") ? "NoNewPrivs: 1\n" : "NoNewPrivs: 0\n"));
}

/* However it ends: asked to, killed because it does not obey, or by itself. */
static void nothing_is_left_not_even_a_daemon(void **state)
{
    static const int64_t graces_ms[] = {0, 20};
    struct harness *h = *state;
    for (size_t i = 0; i < 2; i++) {
        char word[17] = "";
        struct process list[16];
        tph_random_text(word, 16);
        TPH_CLEANUP(tph_freep) char *words = tph_format("linger %s", word);
        h->spec.n_containers = 0;
        memset(&h->containers[0], 0, sizeof(h->containers[0]));
        add_intruder(h, words)->security.run_as_user = -1;
        h->spec.log_events = true;
        harness_start(h);
        harness_await(h, TPH_POD_LOG, i + 1);
        size_t n = find_processes(word, list, 16);
        assert_true(n >= 3);
        harness_stop(h, graces_ms[i]);
        harness_await(h, TPH_POD_STOPPED, i + 1);
        assert_int_equal(await_ends(list, n, 1000), 0);
    }
}

static void what_needs_a_sandbox_is_refused_by_its_name(void **state)
{
    struct harness *h = *state;
    struct tph_error err = TPH_ERROR_INIT;
    static const struct tph_mount mount = {.volume = TPH_STR("scratch"), .path = TPH_STR("/scratch")};
    struct tph_container *c = harness_add_script(h, "true");
    c->mounts = &mount;
    c->n_mounts = 1;
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_string_equal(err.text,
                        "spec.sidecar.container.volumeMounts: needs a sandbox, which --unsafe-plain does without");
    c->n_mounts = 0;
    c->liveness = (struct tph_probe){.kind = TPH_PROBE_EXEC, .command = c->command, .n_command = 3};
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_string_equal(
        err.text, "spec.sidecar.container.livenessProbe.exec: needs a sandbox, which --unsafe-plain does without");
    c->liveness.kind = TPH_PROBE_NONE;
    h->spec.network = TPH_NETWORK_NONE;
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_string_equal(err.text, "--unsafe-plain has the host's network only");
    h->spec.network = TPH_NETWORK_HOST;
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
}

static void root_may_not(void **state)
{
    struct tph_process_options options = {.unsafe_plain = true};
    struct tph_podrt *rt = NULL;
    struct tph_loop *loop = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    assert_int_equal(tph_loop_new(&loop, &err), 0);
    assert_int_equal(tph_podrt_process_new(loop, &options, &rt, &err), -1);
    assert_int_equal(strncmp(err.text, "--unsafe-plain: as root a plugin without a sandbox would be root\n", 65), 0);
    tph_loop_free(loop);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_plain, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    if (account_arrange(argc, argv) < 2) {
        (void)printf("usage: %s INTRUDER [as-user] [without-THING]\n", argv[0]);
        return 2;
    }
    const struct CMUnitTest of_root[] = {cmocka_unit_test(root_may_not)};
    if (geteuid() == 0) {
        return cmocka_run_group_tests_name("podrt/plain of root", of_root, NULL, NULL);
    }
    stage_open(argv[1]);
    struct CMUnitTest tests[] = {
        T(it_is_said_once_and_the_token_is_its_own),
        T(what_can_be_given_up_is_given_up),
        T(nothing_is_left_not_even_a_daemon),
        T(what_needs_a_sandbox_is_refused_by_its_name),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    int failed = cmocka_run_group_tests_name("podrt/plain", tests, NULL, NULL);
    stage_close();
    return failed;
}
