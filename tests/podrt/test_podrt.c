/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of podrt.h, sentence by sentence, on every implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/sandbox.h"

static void a_container_that_runs_is_started_and_without_a_probe_ready(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);

    assert_int_equal(h->events[0].kind, TPH_POD_STARTED);
    assert_int_equal(h->events[h->n_events - 1].kind, TPH_POD_READY);
    assert_int_equal(harness_count(h, TPH_POD_STARTED), 1);
}

static void every_container_of_a_pod_is_started(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 2);

    size_t seen[2] = {0, 0};
    for (size_t i = 0; i < h->n_events; i++) {
        if (h->events[i].kind == TPH_POD_STARTED) {
            seen[h->events[i].container]++;
        }
    }
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 1);
}

static void an_exit_tells_code_reason_count_and_the_next_start(void **state)
{
    struct harness *h = *state;
    harness_add(h, EXITS, 3, NULL);
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);

    assert_int_equal(e->exit_code, 3);
    assert_string_equal(e->reason, "Error");
    assert_int_equal(e->restarts, 1);
    assert_int_equal(e->restart_in_ms, 20);
}

static void an_exit_with_zero_is_completed_and_restarted_too(void **state)
{
    struct harness *h = *state;
    harness_add(h, EXITS, 0, NULL);
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);

    assert_int_equal(e->exit_code, 0);
    assert_string_equal(e->reason, "Completed");
    harness_await(h, TPH_POD_STARTED, 2);
}

static void restarts_pause_as_kubernetes_does(void **state)
{
    struct harness *h = *state;
    harness_add(h, EXITS, 1, NULL);
    harness_add(h, RUNS, 0, NULL); /* the control: who does not crash is started once */
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 6);

    static const int64_t pauses[] = {20, 40, 80, 160};
    int64_t exited_ms = 0;
    size_t exits = 0, starts_of_other = 0;
    for (size_t i = 0; i < h->n_events; i++) {
        const struct heard *e = &h->events[i];
        assert_true(e->container == 0 || e->kind == TPH_POD_STARTED || e->kind == TPH_POD_READY);
        starts_of_other += e->container == 1 && e->kind == TPH_POD_STARTED ? 1 : 0;
        if (e->container == 0 && e->kind == TPH_POD_STARTED && exits > 0 && exits <= 4) {
            /* Not before its time; a loaded machine may be late. Clocks tick in milliseconds: one is allowed. */
            assert_true(e->at_ms - exited_ms >= pauses[exits - 1] - 1);
        }
        if (e->kind == TPH_POD_EXITED && exits < 4) {
            assert_int_equal(e->restart_in_ms, pauses[exits]);
            assert_int_equal(e->restarts, exits + 1);
            exited_ms = e->at_ms;
            exits++;
        }
    }
    assert_int_equal(exits, 4);
    assert_int_equal(starts_of_other, 1);
}

static void stop_ends_what_obeys_and_stopped_is_the_last_event(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 2);
    int64_t from_ms = harness_now_ms();
    harness_stop(h, PATIENCE_MS);
    harness_await(h, TPH_POD_STOPPED, 1);

    assert_true(harness_now_ms() - from_ms < PATIENCE_MS / 2);
    size_t n = h->n_events;
    harness_let_pass(h, 50);
    assert_int_equal(h->n_events, n);
    assert_int_equal(harness_last(h)->kind, TPH_POD_STOPPED);
    assert_int_equal(harness_count(h, TPH_POD_EXITED), 0);
}

/* At most 100 ms late: the best of three, for a machine may be busy with other things. Never early. */
static void who_ignores_sigterm_goes_when_the_grace_period_is_over_and_not_earlier(void **state)
{
    struct harness *h = *state;
    int64_t best_ms = INT64_MAX;
    harness_add(h, IGNORES_TERM, 0, NULL);
    for (size_t i = 1; i <= 3 && best_ms >= 300 + 100 * harness_slowness(); i++) {
        harness_start(h);
        harness_await(h, TPH_POD_READY, i);
        harness_let_pass(h, 100); /* a shell needs a moment to set its trap */
        int64_t from_ms = harness_now_ms();
        harness_stop(h, 300);
        harness_await(h, TPH_POD_STOPPED, i);
        int64_t took_ms = harness_now_ms() - from_ms;
        assert_true(took_ms >= 299);
        best_ms = took_ms < best_ms ? took_ms : best_ms;
    }
    assert_true(best_ms < 300 + 100 * harness_slowness());
}

static void a_second_stop_with_a_shorter_grace_shortens_it(void **state)
{
    struct harness *h = *state;
    harness_add(h, IGNORES_TERM, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    harness_let_pass(h, 100);
    int64_t from_ms = harness_now_ms();
    harness_stop(h, 60000);
    harness_stop(h, 120000); /* a longer one changes nothing */
    harness_let_pass(h, 30);
    assert_int_equal(harness_count(h, TPH_POD_STOPPED), 0);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_true(harness_now_ms() - from_ms < 5000);
}

static void a_pod_that_waits_for_its_restart_stops_at_once(void **state)
{
    struct harness *h = *state;
    h->spec.restart_base_ms = 60000;
    harness_add(h, EXITS, 1, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    harness_stop(h, 60000);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_int_equal(harness_count(h, TPH_POD_STARTED), 1);
}

static void a_pod_may_be_stopped_before_its_containers_run(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_stop(h, 1000);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_int_equal(h->n_events, 1);
}

/* Also the control of the pauses: without one it starts at once, and not after the minute that patience has not. */
static void restart_forgets_the_pause(void **state)
{
    struct harness *h = *state;
    h->spec.restart_base_ms = 60000;
    harness_add(h, EXITS, 1, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    harness_restart(h, 0);
    harness_await(h, TPH_POD_STARTED, 2);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 2);
    assert_int_equal(e->restart_in_ms, 60000); /* the first pause again, not the second */
}

static void restart_ends_a_container_that_runs_and_starts_it_again(void **state)
{
    struct harness *h = *state;
    h->spec.restart_base_ms = 60000;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    harness_restart(h, 0);
    harness_await(h, TPH_POD_READY, 2);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->restart_in_ms, 0);
    assert_int_equal(e->exit_code, 143);
}

static void lines_come_as_events_when_they_are_asked_for(void **state)
{
    struct harness *h = *state;
    h->spec.log_events = true;
    harness_add(h, WRITES, 0, "one\ntwo words\n\nlast\n");
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 4);

    static const char *const lines[] = {"one", "two words", "", "last"};
    size_t n = 0;
    for (size_t i = 0; i < h->n_events; i++) {
        if (h->events[i].kind == TPH_POD_LOG) {
            assert_string_equal(h->events[i].message, lines[n++]);
            assert_false(h->events[i].stderr_stream);
        }
    }
}

static void the_stream_of_a_line_is_told(void **state)
{
    struct harness *h = *state;
    h->spec.log_events = true;
    harness_add(h, WRITES_ERROR, 0, "trouble\n");
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_LOG, 1);
    assert_string_equal(e->message, "trouble");
    assert_true(e->stderr_stream);
}

static void nobody_asked_so_no_line_is_an_event(void **state)
{
    struct harness *h = *state;
    harness_add(h, WRITES_EXITS, 1, "one\n");
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(harness_count(h, TPH_POD_LOG), 0);
}

static void the_tail_has_the_last_lines_when_the_exit_is_told(void **state)
{
    struct harness *h = *state;
    harness_add(h, WRITES_EXITS, 1, "one\ntwo\nthree\nno newline");
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);

    TPH_CLEANUP(tph_buf_release) struct tph_buf all = TPH_BUF_INIT(4096);
    tph_pod_log_tail(h->pod, 0, 100, &all);
    assert_string_equal(tph_buf_cstr(&all), "one\ntwo\nthree\nno newline\n");
    tph_buf_clear(&all);
    tph_pod_log_tail(h->pod, 0, 2, &all);
    assert_string_equal(tph_buf_cstr(&all), "three\nno newline\n");
}

static void the_tail_keeps_so_many_lines_and_no_more(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4096);
    TPH_CLEANUP(tph_buf_release) struct tph_buf expected = TPH_BUF_INIT(4096);
    for (int i = 0; i < TPH_LIMIT_LOG_TAIL + 10; i++) {
        (void)tph_buf_printf(&text, "line %d\n", i);
        if (i >= 10) {
            (void)tph_buf_printf(&expected, "line %d\n", i);
        }
    }
    harness_add(h, WRITES_EXITS, 0, tph_buf_cstr(&text));
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(4096);
    tph_pod_log_tail(h->pod, 0, 1000, &tail);
    assert_string_equal(tph_buf_cstr(&tail), tph_buf_cstr(&expected));
}

static int listen_on_loopback(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(in);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *ret_port = ntohs(in.sin_port);
    return fd;
}

static void dial_reaches_loopback_as_the_pod_sees_it_without_waiting(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    uint16_t port = 0;
    int listener = listen_on_loopback(&port);
    int fd = tph_pod_dial(h->pod, "127.0.0.1", port);
    assert_true(fd >= 0);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&writable, 1, 5000), 1);
    int problem = -1;
    socklen_t len = sizeof(problem);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len), 0);
    assert_int_equal(problem, 0);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1); /* it does not block */
    assert_int_equal(errno, EAGAIN);
    close(fd);
    close(listener);
    assert_int_equal(tph_pod_dial(h->pod, "example.com", port), -EINVAL);
}

static void what_is_not_stopped_goes_with_the_runtime_without_events(void **state)
{
    struct harness *h = *state;
    harness_add(h, RUNS, 0, NULL);
    harness_add(h, IGNORES_TERM, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 2);
    size_t n = h->n_events;
    tph_podrt_free(h->rt);
    h->rt = NULL;
    harness_let_pass(h, 20);
    assert_int_equal(h->n_events, n);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

static int run_suite(const struct implementation *implementation)
{
    struct CMUnitTest tests[] = {
        T(a_container_that_runs_is_started_and_without_a_probe_ready),
        T(every_container_of_a_pod_is_started),
        T(an_exit_tells_code_reason_count_and_the_next_start),
        T(an_exit_with_zero_is_completed_and_restarted_too),
        T(restarts_pause_as_kubernetes_does),
        T(stop_ends_what_obeys_and_stopped_is_the_last_event),
        T(who_ignores_sigterm_goes_when_the_grace_period_is_over_and_not_earlier),
        T(a_second_stop_with_a_shorter_grace_shortens_it),
        T(a_pod_that_waits_for_its_restart_stops_at_once),
        T(a_pod_may_be_stopped_before_its_containers_run),
        T(restart_forgets_the_pause),
        T(restart_ends_a_container_that_runs_and_starts_it_again),
        T(lines_come_as_events_when_they_are_asked_for),
        T(the_stream_of_a_line_is_told),
        T(nobody_asked_so_no_line_is_an_event),
        T(the_tail_has_the_last_lines_when_the_exit_is_told),
        T(the_tail_keeps_so_many_lines_and_no_more),
        T(dial_reaches_loopback_as_the_pod_sees_it_without_waiting),
        T(what_is_not_stopped_goes_with_the_runtime_without_events),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)implementation;
    }
    return cmocka_run_group_tests_name(implementation->name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    /* A sandbox begins as a fresh run of this program. */
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    (void)account_arrange(argc, argv);
    return run_suite(&memory_implementation) + run_suite(&trace_implementation) + run_suite(&process_implementation);
}
