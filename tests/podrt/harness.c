/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "harness.h"

static const char token[] = "0123456789abcdefghijklmnopqrstuv";

static void on_event(void *owner, struct tph_pod *pod, const struct tph_pod_event *event)
{
    struct harness *h = owner;
    assert_false(h->in_call); /* no callback from inside a call */
    if (h->beside && pod == h->beside) {
        return;
    }
    assert_true(!h->pod || pod == h->pod);
    assert_true(h->n_events < MAX_EVENTS);
    struct heard *heard = &h->events[h->n_events++];
    *heard = (struct heard){
        .kind = event->kind,
        .container = event->container,
        .exit_code = event->exit_code,
        .restarts = event->restarts,
        .restart_in_ms = event->restart_in_ms,
        .at_ms = tph_clock_monotonic_ms(),
        .message = tph_str_dup(event->message),
        .stderr_stream = event->stderr_stream,
    };
    if (event->reason) {
        memcpy(heard->reason, event->reason, strnlen(event->reason, sizeof(heard->reason) - 1));
    }
    if (event->kind == TPH_POD_STOPPED) {
        h->pod = NULL;
    }
    if (event->kind == h->awaited && harness_count(h, event->kind) >= h->awaited_n) {
        tph_loop_stop(h->loop);
    }
}

static void out_of_patience(void *owner)
{
    struct harness *h = owner;
    h->timed_out = true;
    tph_loop_stop(h->loop);
}

int harness_open(void **state)
{
    const struct implementation *implementation = *state;
    struct tph_error err = TPH_ERROR_INIT;
    struct harness *h = TPH_NEW(struct harness);
    *state = h;
    h->implementation = implementation;
    if (tph_loop_new(&h->loop, &err) < 0) {
        return -1;
    }
    h->arena = tph_arena_new();
    h->patience = tph_timer_new(h->loop, out_of_patience, h);
    h->rt = implementation->make(h->loop);
    h->spec = (struct tph_pod_spec){
        .ns = TPH_STR("default"),
        .name = TPH_STR("pod"),
        .uid = TPH_STR("00000000-0000-4000-8000-000000000001"),
        .containers = h->pod_containers,
        .network = TPH_NETWORK_HOST,
        .restart_base_ms = 20,
        .title = "plugin pod",
    };
    return h->rt ? 0 : -1;
}

int harness_close(void **state)
{
    struct harness *h = *state;
    tph_podrt_free(h->rt);
    tph_timer_free(h->patience);
    tph_loop_free(h->loop);
    tph_arena_free(h->arena);
    for (size_t i = 0; i < h->n_events; i++) {
        free(h->events[i].message);
    }
    free(h);
    return 0;
}

struct tph_container *harness_add(struct harness *h, enum deed deed, int code, const char *text)
{
    size_t i = h->spec.n_containers++;
    assert_true(i < MAX_CONTAINERS);
    struct tph_container *c = &h->containers[i];
    c->name = tph_str(tph_arena_format(h->arena, "c%zu", i));
    c->image = TPH_STR("busybox");
    c->termination_grace_ms = 1000;
    c->security = (struct tph_security){.present = true, .run_as_user = -1, .run_as_group = -1};
    h->pod_containers[i] = (struct tph_pod_container){.spec = c, .token = token};
    h->implementation->prepare(h, c, deed, code, text);
    return c;
}

struct tph_container *harness_add_script(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 3);
    command[0] = TPH_STR("sh");
    command[1] = TPH_STR("-c");
    command[2] = tph_arena_str(h->arena, tph_str(script));
    c->command = command;
    c->n_command = 3;
    h->spec.restart_base_ms = 60000;
    return c;
}

void harness_set_one_port(struct harness *h, struct tph_container *c, uint16_t number)
{
    struct tph_port *port = TPH_ARENA_NEW(h->arena, struct tph_port);
    port->port = number;
    c->ports = port;
    c->n_ports = 1;
}

int harness_listen_on(uint32_t address, uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    socklen_t len = sizeof(in);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *ret_port = ntohs(in.sin_port);
    return fd;
}

uint16_t harness_free_port(void)
{
    uint16_t port = 0;
    int fd = harness_listen_on(INADDR_LOOPBACK, &port);
    close(fd);
    return port;
}

int harness_try_start(struct harness *h, struct tph_error *err)
{
    h->in_call = true;
    int failed = tph_pod_start(h->rt, &h->spec, on_event, h, &h->pod, err);
    h->in_call = false;
    return failed;
}

void harness_start(struct harness *h)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (harness_try_start(h, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

void harness_stop(struct harness *h, int64_t grace_ms)
{
    h->in_call = true;
    tph_pod_stop(h->pod, grace_ms);
    h->in_call = false;
}

void harness_restart(struct harness *h, size_t container)
{
    h->in_call = true;
    tph_pod_restart(h->pod, container);
    h->in_call = false;
}

static void print_events(const struct harness *h)
{
    static const char *const kinds[] = {"STARTED", "READY", "UNREADY",  "EXITED",
                                        "FAILED",  "LOG",   "DEGRADED", "STOPPED"};
    for (size_t i = h->n_events > 50 ? h->n_events - 50 : 0; i < h->n_events; i++) {
        const struct heard *e = &h->events[i];
        print_message("  %s c%zu code=%d %s %s\n", kinds[e->kind], e->container, e->exit_code, e->reason, e->message);
    }
}

const struct heard *harness_await(struct harness *h, enum tph_pod_event_kind kind, size_t n)
{
    if (harness_count(h, kind) < n) {
        h->awaited = kind;
        h->awaited_n = n;
        h->timed_out = false;
        tph_timer_start(h->patience, PATIENCE_MS);
        tph_loop_run(h->loop);
        tph_timer_stop(h->patience);
        h->awaited_n = SIZE_MAX;
    }
    size_t found = 0;
    for (size_t i = 0; i < h->n_events; i++) {
        found += h->events[i].kind == kind ? 1 : 0;
        if (found == n) {
            return &h->events[i];
        }
    }
    print_events(h);
    fail_msg("%s: waited in vain for event %d the %zu. time", h->implementation->name, (int)kind, n);
    return NULL;
}

void harness_let_pass(struct harness *h, int64_t ms)
{
    h->awaited_n = SIZE_MAX;
    tph_timer_start(h->patience, ms);
    tph_loop_run(h->loop);
}

size_t harness_count(const struct harness *h, enum tph_pod_event_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_events; i++) {
        n += h->events[i].kind == kind ? 1 : 0;
    }
    return n;
}

const struct heard *harness_last(const struct harness *h)
{
    assert_true(h->n_events > 0);
    return &h->events[h->n_events - 1];
}

int64_t harness_now_ms(void)
{
    return tph_clock_monotonic_ms();
}

#ifdef __SANITIZE_ADDRESS__
enum { SLOWNESS = 5 };
#else
enum { SLOWNESS = 1 };
#endif

int harness_slowness(void)
{
    return SLOWNESS;
}
