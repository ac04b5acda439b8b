/* SPDX-License-Identifier: Apache-2.0 */
/* What a sidecar may take: memory, processor, processes, files. By control groups, and where there are none by limits
 * of each process. The control of each test takes the same without the limit. */
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
#include <sys/resource.h>
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

static struct tph_container *add_python(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add(h, RUNS, 0, NULL);
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 3);
    command[0] = TPH_STR("python");
    command[1] = TPH_STR("-c");
    command[2] = tph_arena_str(h->arena, tph_str(script));
    c->command = command;
    c->n_command = 3;
    c->image = TPH_STR("python:3");
    c->security.run_as_user = 1000;
    h->spec.restart_base_ms = 60000;
    return c;
}

/* A second run of the same pod, its first container changed meanwhile. */
static const struct heard *run_again(struct harness *h)
{
    size_t stopped = harness_count(h, TPH_POD_STOPPED), exited = harness_count(h, TPH_POD_EXITED);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, stopped + 1);
    harness_start(h);
    return harness_await(h, TPH_POD_EXITED, exited + 1);
}

/* Where control groups count: 137, OOMKilled, and whoever runs it lives on. */
static void who_takes_more_memory_than_its_limit_is_killed_for_it(void **state)
{
    struct harness *h = *state;
    bool enforced = false, cpu = false;
    look_at_groups(h, &enforced, &cpu);
    if (!enforced) {
        print_message("no control group limits memory for this user\n");
        skip();
    }
    struct tph_container *c = add_python(h, "x = bytearray(128 << 20); print(len(x) >> 20)");
    c->resources.memory_limit = TPH_MIB(64);
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->exit_code, 137);
    assert_string_equal(e->reason, "OOMKilled");
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), 0);

    c->resources.memory_limit = 0;
    e = run_again(h);
    assert_int_equal(e->exit_code, 0);
    assert_string_equal(e->reason, "Completed");
    assert_string_equal(output_of(h, 0), "128\n");
}

/* Where none counts: one process cannot take the machine's memory, threads still start, others come first. */
static void without_control_groups_a_process_is_limited_more_widely_and_yields(void **state)
{
    struct harness *h = *state;
    bool memory = false, cpu = false;
    look_at_groups(h, &memory, &cpu);
    if (memory || cpu) {
        skip(); /* see above and below */
    }
    TPH_CLEANUP(tph_freep)
    char *script = tph_format("import os, threading, time\nprint('nice', os.nice(0) - min(%d, 14))\n"
                              "try: print('took', len(bytearray((1 << 30) + (64 << 20))) >> 20)\n"
                              "except MemoryError: print('MemoryError')\n"
                              "t = [threading.Thread(target=time.sleep, args=(0.2,)) for i in range(100)]\n"
                              "for i in t: i.start()\nprint('threads', len(t))\n",
                              getpriority(PRIO_PROCESS, 0));
    struct tph_container *c = add_python(h, script);
    c->resources.memory_limit = TPH_MIB(64);
    c->resources.cpu_limit_milli = 100;
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    assert_string_equal(output_of(h, 0), "nice 5\nMemoryError\nthreads 100\n");
    const struct heard *e = harness_await(h, TPH_POD_DEGRADED, 1);
    assert_string_equal(e->message,
                        "memory limit of 67108864 bytes and cpu limit of 100m not enforced: no writable cgroup");

    c->resources.memory_limit = (int64_t)TPH_MIB(1024); /* times four: above what it takes */
    (void)run_again(h);
    assert_string_equal(output_of(h, 0), "nice 5\ntook 1088\nthreads 100\n");
    c->resources.memory_limit = 0;
    c->resources.cpu_limit_milli = 0;
    (void)run_again(h);
    assert_string_equal(output_of(h, 0), "nice 0\ntook 1088\nthreads 100\n");
}

static void a_cpu_limit_is_what_a_sidecar_gets(void **state)
{
    struct harness *h = *state;
    bool memory = false, enforced = false;
    look_at_groups(h, &memory, &enforced);
    if (!enforced) {
        print_message("no control group limits the processor for this user\n");
        skip();
    }
    struct tph_container *c = add_intruder(h, "burn 1000");
    c->resources.cpu_limit_milli = 200;
    int64_t limited_ms = number_after(sandboxed(h), "cpu ");
    assert_in_range(limited_ms, 1, 320);
    c->resources.cpu_limit_milli = 1; /* less than the kernel can do: as little as it can */
    (void)run_again(h);
    assert_in_range(number_after(output_of(h, 0), "cpu "), 1, 60);
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), 0);

    int64_t free_ms = 0;
    for (int i = 0; i < 10 && free_ms < limited_ms + 100; i++) { /* this machine may be busy with other things */
        free_ms = number_after(plainly(h, "burn 1000"), "cpu ");
    }
    print_message("cpu of a second: %lld ms with 200m, %lld ms without\n", (long long)limited_ms, (long long)free_ms);
    assert_true(free_ms >= limited_ms + 100);
}

/* Version 1's groups of this process: the path of the first, or NULL. */
static char *find_group(const char *controller)
{
    TPH_CLEANUP(tph_freep) char *mount = tph_format("/sys/fs/cgroup/%s", controller);
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("tiphys-%d-", (int)getpid());
    DIR *dir = opendir(mount);
    char *found = NULL;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e && !found; e = readdir(dir)) {
        found = strncmp(e->d_name, prefix, strlen(prefix)) == 0 ? tph_format("%s/%s", mount, e->d_name) : NULL;
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

static void a_limit_that_the_kernel_refuses_is_told(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *parent = find_group("cpu");
    if (!parent) {
        print_message("no control group of version 1 here\n");
        skip();
    }
    /* Nobody below may have more than the group above. */
    TPH_CLEANUP(tph_freep) char *quota = tph_format("%s/cpu.cfs_quota_us", parent);
    TPH_CLEANUP(tph_fd_close) int fd = open(quota, O_WRONLY | O_CLOEXEC);
    assert_int_equal(tph_fd_write_all(fd, TPH_STR("20000")), 0);
    harness_add(h, RUNS, 0, NULL)->resources.cpu_limit_milli = 500;
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_DEGRADED, 1);
    assert_string_equal(e->message, "cpu limit of 500m not enforced: no writable cgroup");
    harness_await(h, TPH_POD_READY, 1);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);

    h->containers[0].resources.cpu_limit_milli = 200;
    harness_start(h);
    harness_await(h, TPH_POD_READY, 2);
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), 1);
}

static void a_cpu_request_is_a_weight(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *parent = find_group("cpu");
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    if (!parent) {
        print_message("no control group of version 1 here\n");
        skip();
    }
    harness_add(h, RUNS, 0, NULL)->resources.cpu_request_milli = 250;
    harness_add(h, RUNS, 0, NULL);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 2);
    TPH_CLEANUP(tph_freep) char *shares = tph_format("%s/0/cpu.shares", parent);
    assert_int_equal(tph_fd_read_file(shares, &text, NULL), 0);
    assert_string_equal(tph_buf_cstr(&text), "256\n");
    TPH_CLEANUP(tph_freep) char *none = tph_format("%s/1", parent);
    assert_int_equal(access(none, F_OK), -1); /* who asks for nothing needs no group */
}

static void a_sidecar_has_so_many_processes_and_no_more(void **state)
{
    struct harness *h = *state;
    add_intruder(h, "forks 1500");
    const char *out = sandboxed(h);
    int64_t n = number_after(out, "forks ");
    assert_true(has(out, "EAGAIN"));
    assert_in_range(n, TPH_LIMIT_SIDECAR_PIDS - 8, TPH_LIMIT_SIDECAR_PIDS);
    assert_string_equal(plainly(h, "forks 1500"), "forks 1500 all\n");
}

static const char *filled(struct harness *h, const char *path, uint64_t bytes, const struct tph_volume *volume)
{
    static const struct tph_mount mount = {.volume = TPH_STR("scratch"), .path = TPH_STR("/scratch")};
    TPH_CLEANUP(tph_freep) char *words = tph_format("fill %s %llu", path, (unsigned long long)bytes);
    h->spec.n_containers = 0;
    memset(&h->containers[0], 0, sizeof(h->containers[0]));
    struct tph_container *c = add_intruder(h, words);
    h->spec.volumes = volume;
    h->spec.n_volumes = volume ? 1 : 0;
    c->mounts = &mount;
    c->n_mounts = volume ? 1 : 0;
    size_t stopped = harness_count(h, TPH_POD_STOPPED), exited = harness_count(h, TPH_POD_EXITED);
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, exited + 1);
    const char *out = output_of(h, 0);
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, stopped + 1);
    return out;
}

static void a_volume_holds_what_it_was_made_for_and_no_more(void **state)
{
    struct harness *h = *state;
    const struct tph_volume plain = {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR};
    struct tph_volume sized = plain;
    sized.size_limit = TPH_MIB(1);
    assert_string_equal(filled(h, "/scratch/x", TPH_MIB(1), &sized), "fits\n");
    assert_string_equal(filled(h, "/scratch/x", TPH_MIB(1) + 4096, &sized), "ENOSPC\n");
    assert_string_equal(filled(h, "/scratch/x", TPH_MIB(1) + 4096, &plain), "fits\n"); /* the control */
    assert_string_equal(filled(h, "/scratch/x", TPH_LIMIT_EMPTY_DIR + 4096, &plain), "ENOSPC\n");
    assert_string_equal(filled(h, "/tmp/x", TPH_MIB(1), NULL), "fits\n");
    assert_string_equal(filled(h, "/tmp/x", TPH_MIB(256) + 4096, NULL), "ENOSPC\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    if (account_arrange(argc, argv) < 2) {
        (void)printf("usage: %s INTRUDER [as-user] [without-THING]\n", argv[0]);
        return 2;
    }
    stage_open(argv[1]);
    struct CMUnitTest tests[] = {
        T(who_takes_more_memory_than_its_limit_is_killed_for_it),
        T(without_control_groups_a_process_is_limited_more_widely_and_yields),
        T(a_cpu_limit_is_what_a_sidecar_gets),
        T(a_limit_that_the_kernel_refuses_is_told),
        T(a_cpu_request_is_a_weight),
        T(a_sidecar_has_so_many_processes_and_no_more),
        T(a_volume_holds_what_it_was_made_for_and_no_more),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    int failed = cmocka_run_group_tests_name("podrt/limits", tests, NULL, NULL);
    stage_close();
    return failed;
}
