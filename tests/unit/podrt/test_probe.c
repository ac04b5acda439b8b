/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "podrt/probe.h"

/* An exec probe whose answers a test gives: of the list, then the last one again and again; '-' is no answer. */
struct rig {
    struct tph_loop *loop;
    struct tph_http_client *http;
    struct tph_prober *prober;
    struct tph_timer *patience;
    const char *answers; /* "+" good, "!" bad, "-" none */
    size_t asked, cancelled;
    struct tph_prober *pending;
    char told[32]; /* one character a change */
    size_t n_told, wanted;
    char why[128];
    bool free_when_told;
};

static void answer_now(void *owner)
{
    struct rig *r = owner;
    size_t at = r->asked - 1;
    size_t last = strlen(r->answers) - 1;
    char c = r->answers[at < last ? at : last];
    if (c != '-') {
        tph_prober_answer(r->pending, c == '+', "said so");
    }
}

static int start(void *owner, struct tph_prober *prober, const struct tph_probe *probe)
{
    struct rig *r = owner;
    (void)probe;
    r->asked++;
    r->pending = prober;
    tph_defer(r->loop, answer_now, r);
    return 0;
}

static void cancel(void *owner, struct tph_prober *prober)
{
    struct rig *r = owner;
    assert_ptr_equal(prober, r->pending);
    tph_defer_cancel(r->loop, r);
    r->cancelled++;
}

static const struct tph_prober_exec exec = {.start = start, .cancel = cancel};

static void changed(void *owner, bool good, const char *why)
{
    struct rig *r = owner;
    assert_true(r->n_told + 1 < sizeof(r->told));
    r->told[r->n_told++] = good ? '+' : '!';
    (void)snprintf(r->why, sizeof(r->why), "%s", good ? "" : why);
    if (r->free_when_told) {
        tph_prober_free(TPH_TAKE(r->prober));
    }
    if (r->n_told >= r->wanted) {
        tph_loop_stop(r->loop);
    }
}

static void out_of_patience(void *owner)
{
    tph_loop_stop(((struct rig *)owner)->loop);
}

static int set_up(void **state)
{
    struct rig *r = TPH_NEW(struct rig);
    struct tph_error err = TPH_ERROR_INIT;
    *state = r;
    if (tph_loop_new(&r->loop, &err) < 0) {
        return -1;
    }
    r->http = tph_http_client_new(r->loop);
    r->patience = tph_timer_new(r->loop, out_of_patience, r);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    tph_prober_free(r->prober);
    tph_defer_cancel(r->loop, r);
    tph_timer_free(r->patience);
    tph_http_client_free(r->http);
    tph_loop_free(r->loop);
    free(r);
    return 0;
}

static void probe_until(struct rig *r, const struct tph_probe *probe, bool eager, size_t changes)
{
    struct tph_prober_options options = {.probe = probe, .eager = eager, .exec = &exec, .changed = changed, .owner = r};
    r->wanted = changes;
    r->prober = tph_prober_new(r->loop, r->http, &options);
    tph_timer_start(r->patience, 15000);
    tph_loop_run(r->loop);
    tph_timer_stop(r->patience);
}

static struct tph_probe exec_probe(int successes, int failures)
{
    return (struct tph_probe){.kind = TPH_PROBE_EXEC,
                              .period_s = 1,
                              .timeout_s = 1,
                              .success_threshold = successes,
                              .failure_threshold = failures};
}

static void a_verdict_needs_as_many_answers_alike_as_its_threshold(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 2);
    r->answers = "+!+!!+";
    probe_until(r, &probe, false, 3);
    assert_string_equal(r->told, "+!+"); /* the single bad one is no change */
    assert_int_equal(r->asked, 6);
}

static void why_it_failed_is_told(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 1);
    r->answers = "!";
    probe_until(r, &probe, false, 1);
    assert_string_equal(r->told, "!");
    assert_string_equal(r->why, "said so");
}

static void an_eager_probe_is_asked_again_soon_and_its_first_failures_do_not_count(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 1);
    probe.period_s = 10;
    r->answers = "!!!!+";
    int64_t from_ms = tph_clock_monotonic_ms();
    probe_until(r, &probe, true, 1);
    assert_string_equal(r->told, "+");
    assert_true(tph_clock_monotonic_ms() - from_ms < 5000); /* 20 + 40 + 80 + 160 ms, not 40 s */
}

static void an_eager_probe_with_a_success_threshold_takes_its_answers_in_a_row(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(3, 1);
    probe.period_s = 10;
    r->answers = "++!+++";
    probe_until(r, &probe, true, 1);
    assert_string_equal(r->told, "+");
    assert_int_equal(r->asked, 6);
}

static void no_answer_in_time_is_a_bad_one(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 1);
    r->answers = "-";
    probe_until(r, &probe, false, 1);
    assert_string_equal(r->told, "!");
    assert_string_equal(r->why, "timed out");
    assert_int_equal(r->cancelled, 1);
}

static void a_prober_may_be_freed_when_it_tells(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 1);
    r->answers = "+";
    r->free_when_told = true;
    probe_until(r, &probe, false, 1);
    assert_null(r->prober);
    assert_int_equal(r->cancelled, 0);
}

static void the_first_question_waits_for_the_initial_delay(void **state)
{
    struct rig *r = *state;
    struct tph_probe probe = exec_probe(1, 1);
    probe.initial_delay_s = 1;
    r->answers = "+";
    int64_t from_ms = tph_clock_monotonic_ms();
    probe_until(r, &probe, true, 1);
    assert_true(tph_clock_monotonic_ms() - from_ms >= 999);
}

static int listen_on_six(uint16_t *ret_port)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof(in);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 || listen(fd, 1) < 0) {
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *ret_port = ntohs(in.sin6_port);
    return fd;
}

static void a_tcp_probe_tries_both_loopback_addresses(void **state)
{
    struct rig *r = *state;
    uint16_t port = 0;
    int fd = listen_on_six(&port);
    if (fd < 0) {
        skip(); /* no IPv6 here */
    }
    struct tph_probe probe = {.kind = TPH_PROBE_TCP,
                              .port = port,
                              .period_s = 1,
                              .timeout_s = 1,
                              .success_threshold = 1,
                              .failure_threshold = 1};
    probe_until(r, &probe, false, 1);
    assert_string_equal(r->told, "+");
    close(fd);
    r->wanted = 2;
    tph_timer_start(r->patience, 15000);
    tph_loop_run(r->loop);
    assert_string_equal(r->told, "+!");
    assert_string_equal(r->why, "Connection refused");
}

/* One server that answers 200 and tells what it was asked. */
static pid_t serve_once(uint16_t *ret_port, int *ret_request)
{
    int ends[2];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(in);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        char text[4096];
        int peer = accept(fd, NULL, NULL);
        ssize_t n = read(peer, text, sizeof(text));
        (void)!write(ends[1], text, n > 0 ? (size_t)n : 0);
        (void)!write(peer, reply, sizeof(reply) - 1);
        _exit(0);
    }
    close(fd);
    close(ends[1]);
    *ret_port = ntohs(in.sin_port);
    *ret_request = ends[0];
    return pid;
}

static void an_http_probe_asks_with_its_headers_and_those_of_kubernetes(void **state)
{
    struct rig *r = *state;
    static const struct tph_probe_header headers[] = {{TPH_STR("Host"), TPH_STR("example.com")},
                                                      {TPH_STR("X-Key"), TPH_STR("1 2")}};
    struct tph_probe probe = {.kind = TPH_PROBE_HTTP,
                              .path = TPH_STR("ready?full=1"),
                              .headers = headers,
                              .n_headers = 2,
                              .period_s = 10,
                              .timeout_s = 5,
                              .success_threshold = 1,
                              .failure_threshold = 1};
    char text[4096] = "";
    int request = -1;
    pid_t pid = serve_once(&probe.port, &request);
    probe_until(r, &probe, false, 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(read(request, text, sizeof(text) - 1) > 0);
    close(request);
    assert_string_equal(r->told, "+");
    assert_string_equal(text, "GET /ready?full=1 HTTP/1.1\r\nHost: example.com\r\nX-Key: 1 2\r\n"
                              "User-Agent: kube-probe/1.34\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_verdict_needs_as_many_answers_alike_as_its_threshold),
        T(why_it_failed_is_told),
        T(an_eager_probe_is_asked_again_soon_and_its_first_failures_do_not_count),
        T(an_eager_probe_with_a_success_threshold_takes_its_answers_in_a_row),
        T(no_answer_in_time_is_a_bad_one),
        T(a_prober_may_be_freed_when_it_tells),
        T(the_first_question_waits_for_the_initial_delay),
        T(a_tcp_probe_tries_both_loopback_addresses),
        T(an_http_probe_asks_with_its_headers_and_those_of_kubernetes),
    };
    return cmocka_run_group_tests_name("podrt/probe", tests, NULL, NULL);
}
