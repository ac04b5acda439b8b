/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "podrt/memory.h"
#include "podrt/trace.h"

static const char token[] = "0123456789abcdefghijklmnopqrstuv";

struct rig {
    struct tph_loop *loop;
    struct tph_buf lines;
};

static void on_line(void *owner, const char *line)
{
    struct rig *r = owner;
    (void)tph_buf_printf(&r->lines, "%s\n", line);
}

static void on_event(void *owner, struct tph_pod *pod, const struct tph_pod_event *event)
{
    struct rig *r = owner;
    if (event->kind == TPH_POD_EXITED) {
        tph_pod_stop(pod, 500);
    } else if (event->kind == TPH_POD_STOPPED) {
        tph_loop_stop(r->loop);
    }
}

static void every_call_and_event_is_a_line_without_secrets(void **state)
{
    struct rig r = {.lines = TPH_BUF_INIT(4096)};
    struct tph_error err = TPH_ERROR_INIT;
    (void)state;
    assert_int_equal(tph_loop_new(&r.loop, &err), 0);
    struct tph_podrt *memory = tph_podrt_memory_new(r.loop);
    struct tph_podrt *rt = tph_podrt_trace_new(memory, on_line, &r);
    static const struct tph_memory_act life[] = {
        {.kind = TPH_MEMORY_READY},
        {.kind = TPH_MEMORY_LOG, .text = "a \033[31mline"},
        {.kind = TPH_MEMORY_EXIT, .code = 3},
    };
    tph_memory_add_life(memory, "hello", life, 3);
    tph_memory_refuse(memory, "other", TPH_ERROR_CONFLICT, "port 4355 is in use");
    struct tph_container spec = {.name = TPH_STR("hello")};
    struct tph_pod_container container = {.spec = &spec, .token = token};
    struct tph_pod_spec pod_spec = {.ns = TPH_STR("argo"),
                                    .name = TPH_STR("pod"),
                                    .containers = &container,
                                    .n_containers = 1,
                                    .restart_base_ms = 1000,
                                    .log_events = true};
    struct tph_pod *pod = NULL;
    assert_int_equal(tph_pod_start(rt, &pod_spec, on_event, &r, &pod, &err), 0);
    tph_loop_run(r.loop);
    spec.name = TPH_STR("other");
    assert_int_equal(tph_pod_start(rt, &pod_spec, on_event, &r, &pod, &err), -1);
    assert_int_equal(err.kind, TPH_ERROR_CONFLICT);
    assert_string_equal(tph_buf_cstr(&r.lines), "argo/pod start: 1 containers\n"
                                                "argo/pod[0] started\n"
                                                "argo/pod[0] ready\n"
                                                "argo/pod[0] log: a \\x1b[31mline\n"
                                                "argo/pod[0] exited: code 3, Error, restart in 1000 ms, restarts 1\n"
                                                "argo/pod stop: grace 500 ms\n"
                                                "argo/pod stopped\n"
                                                "argo/pod start: port 4355 is in use\n");
    assert_null(strstr(tph_buf_cstr(&r.lines), token));
    tph_podrt_free(rt);
    tph_loop_free(r.loop);
    tph_buf_release(&r.lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_and_event_is_a_line_without_secrets),
    };
    return cmocka_run_group_tests_name("podrt/trace", tests, NULL, NULL);
}
