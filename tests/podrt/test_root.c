/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a sandbox: what of this machine is seen and what is not, what can be written, and root directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

/* As the harness's, by an absolute path. */
static struct tph_container *add_script(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add_script(h, script);
    ((struct tph_str *)(uintptr_t)c->command)[0] = TPH_STR("/bin/sh");
    return c;
}

static const char *ran(struct harness *h)
{
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    return output_of(h, 0);
}

/* What a shell says outside. */
static const char *ran_plainly(struct harness *h, const char *script)
{
    char *text = TPH_ARENA_ARRAY(h->arena, char, TPH_KIB(64));
    FILE *pipe = popen(script, "re");
    assert_non_null(pipe);
    size_t n = fread(text, 1, TPH_KIB(64) - 1, pipe);
    text[n] = '\0';
    (void)pclose(pipe);
    return text;
}

static void run_shell(const char *script)
{
    assert_int_equal(system(script), 0);
}

/* What is seen */

static void what_tells_of_the_machine_is_covered_in_proc(void **state)
{
    struct harness *h = *state;
    const char *script = "for f in kcore keys timer_list sched_debug kmsg latency_stats interrupts; do"
                         "  test -e /proc/$f && head -c 8 /proc/$f 2>/dev/null | wc -c; done | sort -u;"
                         "for d in acpi asound scsi; do ls -A /proc/$d 2>/dev/null; done;"
                         "for d in sys bus fs irq; do test -w /proc/$d && echo $d is writable; done; true";
    add_script(h, script)->security.run_as_user = 0;
    assert_string_equal(ran(h), "0\n");
    assert_true(has(ran_plainly(h, script), "8\n"));
}

/* In mounts of our own, as shared as systemd makes those of a machine. */
static int mount_while_it_runs(const char *dir)
{
    void *state = (void *)(uintptr_t)&process_implementation;
    TPH_CLEANUP(tph_freep) char *later = tph_format("%s/later", dir);
    TPH_CLEANUP(tph_freep) char *file = tph_format("%s/file", later);
    TPH_CLEANUP(tph_freep)
    char *script = tph_format("trap 'ls %s; exit' TERM; echo on; while :; do sleep 0.02; done", later);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0 || harness_open(&state) < 0) {
        return 2;
    }
    struct harness *h = state;
    add_script(h, script);
    h->spec.plugin_dir = dir;
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    if (mount("tmpfs", later, "tmpfs", 0, NULL) < 0 || close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) < 0) {
        return 3;
    }
    harness_restart(h, 0);
    harness_await(h, TPH_POD_EXITED, 1);
    const char *out = output_of(h, 0);
    bool outside = access(file, F_OK) == 0;
    return outside && strcmp(out, "on\n") == 0 ? 0 : 1;
}

static void what_is_mounted_later_on_this_machine_does_not_appear_inside(void **state)
{
    int status = 0;
    (void)state;
    if (geteuid() != 0) {
        skip(); /* mounting needs root */
    }
    TPH_CLEANUP(tph_freep) char *later = tph_format("%s/later", stage_place().dir);
    assert_int_equal(mkdir(later, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(mount_while_it_runs(stage_place().dir));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(rmdir(later), 0);
    assert_int_equal(status, 0);
}

/* What can be written */

static void a_read_only_root_is_read_only_everywhere_but_tmp(void **state)
{
    struct harness *h = *state;
    const char *script = "for d in / /run /run/argo /run/tiphys /run/tiphys/bin /dev /etc /usr /var /var/tmp; do"
                         "  (echo x >$d/file) 2>&1 | sed 's/.*: //'; done | sort | uniq -c | tr -s ' ';"
                         "echo x >/tmp/file && echo x >/dev/shm/file && echo x >/dev/null && echo good";
    struct tph_container *c = add_script(h, script);
    c->security.run_as_user = 0; /* the user whom most of it belongs to */
    c->security.read_only_root_filesystem = TPH_YES;
    assert_string_equal(ran(h), " 10 Read-only file system\ngood\n");
}

static void a_root_that_is_not_read_only_belongs_to_its_root(void **state)
{
    struct harness *h = *state;
    const char *script = "for d in / /run /var /var/tmp /usr /etc /dev /run/argo; do"
                         "  (echo x >$d/file) 2>/dev/null && echo $d; done; true";
    add_script(h, script)->security.run_as_user = 0;
    assert_string_equal(ran(h), "/\n/run\n/var\n/var/tmp\n");
}

static void places_for_all_are_for_all(void **state)
{
    struct harness *h = *state;
    add_script(h, "for d in /tmp /var/tmp /dev/shm; do echo x >$d/file && echo $d; done; stat -c %a /tmp /var/tmp")
        ->security.run_as_user = 1000;
    assert_string_equal(ran(h), "/tmp\n/var/tmp\n/dev/shm\n1777\n1777\n");
}

/* Root directories */

/* A small system with a shell: dir/root. */
static char *make_system(const char *dir)
{
    static const char script[] = "root=%s/root; umask 022; mkdir -p $root/bin $root/etc $root/proc $root/dev $root/run "
                                 "$root/tmp $root/var/spool;"
                                 "for p in sh ls cat stat; do cp -L $(command -v $p) $root/bin/$p;"
                                 "  ldd $root/bin/$p | grep -o '/[^ ]*' | while read -r l; do"
                                 "    mkdir -p $root$(dirname $l); cp -L $l $root$l; done; done";
    TPH_CLEANUP(tph_freep) char *command = tph_format(script, dir);
    run_shell(command);
    return tph_format("%s/root", dir);
}

static char *make_dir(void)
{
    char *dir = tph_strdup("/tmp/tiphys-root-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    return dir;
}

static void remove_dir(const char *dir)
{
    TPH_CLEANUP(tph_freep) char *command = tph_format("rm -rf %s", dir);
    run_shell(command);
}

/* The runtime with a map of its own, in which "thing" is this directory. */
static void use_root(struct harness *h, const char *dir, const char *root)
{
    TPH_CLEANUP(tph_freep) char *file = tph_format("%s/images.yaml", dir);
    TPH_CLEANUP(tph_freep) char *yaml = tph_format("images: [{image: thing, root: %s}]\n", root);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fd_write_file(file, tph_str(yaml), 0644, &err), 0);
    tph_podrt_free(h->rt);
    struct tph_process_options options = {.images_file = file};
    h->rt = NULL;
    assert_int_equal(tph_podrt_process_new(h->loop, &options, &h->rt, &err), 0);
}

static void a_root_directory_without_the_usual_link_has_its_token_where_it_belongs(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *dir = make_dir();
    TPH_CLEANUP(tph_freep) char *root = make_system(dir);
    static const char *const arrangements[] = {"mkdir $r/var/run", "ln -s ../run $r/var/run", "ln -s /run $r/var/run"};
    use_root(h, dir, root);
    add_script(h, "stat -c '%a %u' /var/run/argo/token; ls /var/run/argo")->image = TPH_STR("thing:1");
    h->containers[0].security.run_as_user = 1000;
    for (size_t i = 0; i < sizeof(arrangements) / sizeof(arrangements[0]); i++) {
        TPH_CLEANUP(tph_freep) char *command = tph_format("r=%s; rm -rf $r/var/run; %s", root, arrangements[i]);
        run_shell(command);
        harness_start(h);
        harness_await(h, TPH_POD_EXITED, i + 1);
        assert_string_equal(output_of(h, 0), "400 1000\ntoken\n");
        harness_stop(h, 0);
        harness_await(h, TPH_POD_STOPPED, i + 1);
    }
    remove_dir(dir);
}

static void links_in_a_root_directory_lead_nowhere_outside(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *dir = make_dir();
    TPH_CLEANUP(tph_freep) char *root = make_system(dir);
    TPH_CLEANUP(tph_freep)
    char *links = tph_format("ln -s /run %s/var/run; mkdir -m 777 %s/outside; echo secret >%s/outside/mine;"
                             "ln -s %s/outside %s/data; ln -s ../../../../../../../../%s/outside %s/up",
                             root, dir, dir, dir, root, dir, root);
    run_shell(links);
    use_root(h, dir, root);
    const struct tph_volume volume = {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR};
    const struct tph_mount mounts[] = {{.volume = TPH_STR("scratch"), .path = TPH_STR("/tmp/scratch")}};
    h->spec.volumes = &volume;
    h->spec.n_volumes = 1;
    struct tph_container *c =
        add_script(h, "ls /data /up 2>/dev/null; ls /; ls /tmp; echo x >/tmp/scratch/x && cat /tmp/scratch/x");
    c->image = TPH_STR("thing:1");
    c->mounts = mounts;
    c->n_mounts = 1;
    const char *out = ran(h);
    assert_false(has(out, "mine"));
    assert_true(has(out, "proc\n"));
    assert_true(has(out, "scratch\nx\n"));
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);

    /* Mounted on such a link, a volume is mounted nowhere, or in the directory itself; nothing is written outside. */
    const struct tph_mount through[] = {{.volume = TPH_STR("scratch"), .path = TPH_STR("/data/deep")}};
    c->mounts = through;
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_true(has(e->message, "mount /data/deep: "));
    TPH_CLEANUP(tph_freep) char *list = tph_format("ls -A %s/outside", dir);
    assert_string_equal(ran_plainly(h, list), "mine\n");
    remove_dir(dir);
}

static void what_a_root_directory_lacks_is_named_with_the_cure(void **state)
{
    struct harness *h = *state;
    TPH_CLEANUP(tph_freep) char *dir = make_dir();
    TPH_CLEANUP(tph_freep) char *root = make_system(dir);
    struct tph_error err = TPH_ERROR_INIT;
    use_root(h, dir, root);
    add_script(h, "true")->image = TPH_STR("thing:1");
    assert_int_equal(harness_try_start(h, &err), -1);
    TPH_CLEANUP(tph_freep)
    char *no_run = tph_format("spec.sidecar.container.image: the root directory %s, to which %s/images.yaml maps the "
                              "image thing:1, has no /var/run\n  ln -s /run %s/var/run",
                              root, dir, root);
    assert_string_equal(err.text, no_run);
    TPH_CLEANUP(tph_freep) char *command = tph_format("ln -s /run %s/var/run; rmdir %s/proc", root, root);
    run_shell(command);
    err = TPH_ERROR_INIT;
    assert_int_equal(harness_try_start(h, &err), -1);
    TPH_CLEANUP(tph_freep)
    char *no_proc = tph_format("spec.sidecar.container.image: the root directory %s, to which %s/images.yaml maps the "
                               "image thing:1, has no /proc\n  mkdir %s/proc",
                               root, dir, root);
    assert_string_equal(err.text, no_proc);
    remove_dir(dir);
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
        T(what_tells_of_the_machine_is_covered_in_proc),
        T(what_is_mounted_later_on_this_machine_does_not_appear_inside),
        T(a_read_only_root_is_read_only_everywhere_but_tmp),
        T(a_root_that_is_not_read_only_belongs_to_its_root),
        T(places_for_all_are_for_all),
        T(a_root_directory_without_the_usual_link_has_its_token_where_it_belongs),
        T(links_in_a_root_directory_lead_nowhere_outside),
        T(what_a_root_directory_lacks_is_named_with_the_cure),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    int failed = cmocka_run_group_tests_name("podrt/root", tests, NULL, NULL);
    stage_close();
    return failed;
}
