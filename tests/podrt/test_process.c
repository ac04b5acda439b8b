/* SPDX-License-Identifier: Apache-2.0 */
/* What only the process runtime does: fields honoured and refused, ports, probes, images, and its messages. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "harness.h"
#include "podrt/broker.h"
#include "podrt/cgroup.h"
#include "podrt/image.h"
#include "podrt/process.h"
#include "podrt/sandbox.h"

#define FIELD "spec.sidecar.container"
static const char token[] = "0123456789abcdefghijklmnopqrstuv";

static struct tph_container *add_python(struct harness *h, const char *script)
{
    struct tph_container *c = harness_add_script(h, script);
    ((struct tph_str *)(uintptr_t)c->command)[0] = TPH_STR("python");
    c->image = TPH_STR("python:alpine3.6");
    return c;
}

/* Runs the one container to its end: what it wrote. */
static const char *output_of(struct harness *h)
{
    struct tph_buf tail = TPH_BUF_INIT(TPH_MIB(1));
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    tph_pod_log_tail(h->pod, 0, 1000, &tail);
    const char *text = tph_arena_strdup(h->arena, tph_buf_str(&tail));
    tph_buf_release(&tail);
    return text;
}

static void expect_refused(struct harness *h, const char *text)
{
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(harness_try_start(h, &err), -1);
    assert_string_equal(err.text, text);
    assert_null(h->pod);
}

/* Environment and arguments */

static void the_token_is_in_its_file_for_its_user_alone_and_nowhere_else(void **state)
{
    struct harness *h = *state;
    struct tph_container *c =
        harness_add_script(h, "cat /var/run/argo/token; echo; ls /var/run/argo; "
                              "stat -c '%a %u' /run/argo/token; id -u; env; tr '\\0' ' ' </proc/1/cmdline; "
                              "(echo x > /var/run/argo/token) 2>&1");
    c->security.run_as_user = 1234;
    const char *out = output_of(h);
    struct tph_str rest = tph_str(out), line;
    assert_true(tph_str_cut(&rest, '\n', &line));
    assert_true(tph_str_eqz(line, "***")); /* the token and nothing else: as it is it never shows in a log */
    assert_true(tph_str_has_prefix(rest, TPH_STR("token\n400 1234\n1234\n")));
    assert_int_equal(tph_str_find(rest, tph_str(token)), -1);
    assert_int_equal(tph_str_find(rest, TPH_STR("***")), -1);
    assert_true(tph_str_find(rest, TPH_STR("token")) >= 0);
}

static void environment_and_arguments_are_resolved(void **state)
{
    struct harness *h = *state;
    struct tph_container *c =
        harness_add_script(h, "printf '%s|' \"$A\" \"$WHO\" \"$1\" \"$2\" \"$HOSTNAME\" \"$PWD\"");
    const struct tph_env env[] = {
        {.name = TPH_STR("A"), .source = TPH_ENV_VALUE, .value = TPH_STR("one")},
        {.name = TPH_STR("WHO"), .source = TPH_ENV_FIELD, .ref_key = TPH_STR("metadata.namespace")},
    };
    const struct tph_str args[] = {TPH_STR("sh"), TPH_STR("$(A)+$$(A)"), TPH_STR("$(B)")};
    c->env = env;
    c->n_env = 2;
    c->args = args;
    c->n_args = 3;
    c->working_dir = TPH_STR("/usr");
    assert_string_equal(output_of(h), "one|default|one+$(A)|$(B)|pod|/usr|\n");
}

/* One Secret, "jira", whose only key "token" has what `owner` points to. */
static int secret_value(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                        struct tph_str key, struct tph_buf *value)
{
    const char *const *text = owner;
    if (kind != TPH_ENV_SECRET || !tph_str_eqz(ns, "default") || !tph_str_eqz(name, "jira")) {
        return 1;
    }
    return tph_str_eqz(key, "token") && tph_buf_puts(value, *text) == 0 ? 0 : 2;
}

static int secret_keys(void *owner, enum tph_env_source kind, struct tph_str ns, struct tph_str name,
                       void (*each)(void *each_owner, struct tph_str key), void *each_owner)
{
    (void)owner;
    if (kind != TPH_ENV_SECRET || !tph_str_eqz(ns, "default") || !tph_str_eqz(name, "jira")) {
        return 1;
    }
    each(each_owner, TPH_STR("token"));
    return 0;
}

static void use_secret(struct harness *h, const char **text)
{
    h->spec.objects = (struct tph_pod_objects){.value = secret_value, .keys = secret_keys, .owner = (void *)text};
}

static void a_missing_secret_is_refused_before_anything_starts(void **state)
{
    struct harness *h = *state;
    const char *text = "hidden";
    const struct tph_env env = {
        .name = TPH_STR("T"), .source = TPH_ENV_SECRET, .ref_name = TPH_STR("github"), .ref_key = TPH_STR("token")};
    use_secret(h, &text);
    struct tph_container *c = harness_add_script(h, "true");
    c->env = &env;
    c->n_env = 1;
    expect_refused(h, FIELD ".env[0].valueFrom.secretKeyRef: there is no Secret \"github\" in namespace default\n"
                            "  give its manifest too, or say optional: true");
}

static void a_missing_key_is_refused_and_no_value_is_shown(void **state)
{
    struct harness *h = *state;
    const char *text = "hidden";
    const struct tph_env env = {
        .name = TPH_STR("T"), .source = TPH_ENV_SECRET, .ref_name = TPH_STR("jira"), .ref_key = TPH_STR("password")};
    use_secret(h, &text);
    struct tph_container *c = harness_add_script(h, "true");
    c->env = &env;
    c->n_env = 1;
    expect_refused(h, FIELD
                   ".env[0].valueFrom.secretKeyRef: Secret \"jira\" in namespace default has no key \"password\"\n"
                   "  its keys are token");
}

static void a_restart_sees_what_a_secret_holds_by_then(void **state)
{
    struct harness *h = *state;
    const char *text = "old";
    const struct tph_env env = {
        .name = TPH_STR("T"), .source = TPH_ENV_SECRET, .ref_name = TPH_STR("jira"), .ref_key = TPH_STR("token")};
    use_secret(h, &text);
    struct tph_container *c = harness_add_script(h, "echo $T; exit 1");
    c->env = &env;
    c->n_env = 1;
    assert_string_equal(output_of(h), "old\n");
    text = "new";
    harness_restart(h, 0);
    harness_await(h, TPH_POD_EXITED, 2);
    TPH_CLEANUP(tph_buf_release) struct tph_buf tail = TPH_BUF_INIT(100);
    tph_pod_log_tail(h->pod, 0, 10, &tail);
    assert_string_equal(tph_buf_cstr(&tail), "old\nnew\n");
}

/* Security */

static void run_as_non_root_with_uid_0_is_refused(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    c->security.run_as_non_root = TPH_YES;
    c->security.run_as_user = 0;
    expect_refused(h, FIELD ".securityContext.runAsNonRoot: it is true, but runAsUser is 0, which is root\n"
                            "  set runAsUser to another id, for example 65534");
}

static void run_as_non_root_alone_means_nobody(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "id -u");
    c->security.run_as_non_root = TPH_YES;
    assert_string_equal(output_of(h), "65534\n");
}

static void user_group_and_rights_are_as_asked(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(
        h, "id -u; id -g; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '");
    c->security.run_as_user = 1234;
    c->security.run_as_group = 2000;
    assert_string_equal(output_of(h), "1234\n2000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\n"
                                      "Seccomp: 2\n");
    char text[256] = ""; /* the control: without a sandbox it is otherwise */
    FILE *pipe = popen("id -u; grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '", "re");
    assert_non_null(pipe);
    text[fread(text, 1, sizeof(text) - 1, pipe)] = '\0';
    (void)pclose(pipe);
    assert_null(strstr(text, "CapBnd: 0000000000000000"));
    assert_non_null(strstr(text, "NoNewPrivs: 0"));
    assert_int_not_equal(strncmp(text, "1234\n", 5), 0);
}

static void seccomp_unconfined_is_honoured_and_told(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "grep '^Seccomp:' /proc/self/status | tr -s '\\t' ' '");
    c->security.seccomp = TPH_SECCOMP_UNCONFINED;
    assert_string_equal(output_of(h), "Seccomp: 0\n");
    const struct heard *e = harness_await(h, TPH_POD_DEGRADED, 1);
    assert_string_equal(e->message, "no seccomp filter: securityContext.seccompProfile is Unconfined");
}

static void a_read_only_root_is_read_only_and_tmp_is_not(void **state)
{
    struct harness *h = *state;
    struct tph_container *c =
        harness_add_script(h, "(echo x >/file) 2>&1 | sed 's/.*: //'; echo y >/tmp/file && cat /tmp/file");
    c->security.read_only_root_filesystem = TPH_YES;
    assert_string_equal(output_of(h), "Read-only file system\ny\n");
}

static void ids_outside_the_range_are_refused(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    c->security.run_as_user = 70000;
    expect_refused(h, FIELD ".securityContext.runAsUser: ids above 65535 cannot be honoured here");
}

/* Volumes */

static void volumes_are_mounted_as_they_are_declared(void **state)
{
    struct harness *h = *state;
    const char *text = "hidden";
    const struct tph_volume volumes[] = {
        {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR},
        {.name = TPH_STR("keys"), .kind = TPH_VOLUME_SECRET, .ref_name = TPH_STR("jira"), .mode = 0644},
        {.name = TPH_STR("none"), .kind = TPH_VOLUME_CONFIGMAP, .ref_name = TPH_STR("absent"), .optional = true},
    };
    const struct tph_mount mounts[] = {
        {.volume = TPH_STR("scratch"), .path = TPH_STR("/work/deep/")},
        {.volume = TPH_STR("keys"), .path = TPH_STR("/var/run/keys")},
        {.volume = TPH_STR("keys"), .path = TPH_STR("/app/token.txt"), .sub_path = TPH_STR("token")},
        {.volume = TPH_STR("none"), .path = TPH_STR("/none")},
    };
    use_secret(h, &text);
    h->spec.volumes = volumes;
    h->spec.n_volumes = 3;
    struct tph_container *c = harness_add_script(
        h, "echo data >/work/deep/file && cat /work/deep/file; cat /var/run/keys/token; echo; cat /app/token.txt; "
           "echo; ls /none; (echo x >/run/keys/token) 2>&1 | sed 's/.*: //'");
    c->mounts = mounts;
    c->n_mounts = 4;
    c->security.run_as_user = 1000;
    assert_string_equal(output_of(h), "data\nhidden\nhidden\nRead-only file system\n");
}

static void mounts_that_cannot_be_honoured_are_refused_by_name(void **state)
{
    struct harness *h = *state;
    const struct tph_volume volumes[] = {
        {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR},
        {.name = TPH_STR("keys"), .kind = TPH_VOLUME_SECRET, .ref_name = TPH_STR("jira")},
    };
    const struct {
        struct tph_mount mount;
        const char *text;
    } cases[] = {
        {{.volume = TPH_STR("other"), .path = TPH_STR("/x")},
         FIELD ".volumeMounts[0].name: there is no volume \"other\"\n  declare it in spec.sidecar.volumes"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("relative")},
         FIELD ".volumeMounts[0].mountPath: \"relative\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/a/../etc")},
         FIELD ".volumeMounts[0].mountPath: \"/a/../etc\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/var/run/argo")},
         FIELD ".volumeMounts[0].mountPath: \"/var/run/argo\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/var")},
         FIELD ".volumeMounts[0].mountPath: \"/var\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/var/run/")},
         FIELD ".volumeMounts[0].mountPath: \"/var/run/\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/run/")},
         FIELD ".volumeMounts[0].mountPath: \"/run/\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/var/run/tiphys/bin")},
         FIELD ".volumeMounts[0].mountPath: \"/var/run/tiphys/bin\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/var/run/argo/x/")},
         FIELD ".volumeMounts[0].mountPath: \"/var/run/argo/x/\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/usr/lib/x")},
         FIELD ".volumeMounts[0].mountPath: \"/usr/lib/x\" cannot be mounted on here"},
        {{.volume = TPH_STR("scratch"), .path = TPH_STR("/x"), .sub_path = TPH_STR("y")},
         FIELD ".volumeMounts[0].subPath: only a key of a Secret or ConfigMap can be honoured here"},
        {{.volume = TPH_STR("keys"), .path = TPH_STR("/x")},
         FIELD ".volumeMounts[0]: volume keys: there is no Secret \"jira\" in namespace default\n"
               "  give its manifest too, or say optional: true"},
    };
    h->spec.volumes = volumes;
    h->spec.n_volumes = 2;
    struct tph_container *c = harness_add_script(h, "true");
    c->n_mounts = 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c->mounts = &cases[i].mount;
        expect_refused(h, cases[i].text);
    }
}

/* /run is /var/run, and a slash at the end is none. */
static void two_mounts_at_one_place_are_refused(void **state)
{
    struct harness *h = *state;
    const char *text = "hidden";
    const struct tph_volume volumes[] = {
        {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR},
        {.name = TPH_STR("keys"), .kind = TPH_VOLUME_SECRET, .ref_name = TPH_STR("jira")},
    };
    const struct tph_mount mounts[] = {
        {.volume = TPH_STR("scratch"), .path = TPH_STR("/run/keys")},
        {.volume = TPH_STR("keys"), .path = TPH_STR("/var/run/keys/")},
    };
    use_secret(h, &text);
    h->spec.volumes = volumes;
    h->spec.n_volumes = 2;
    struct tph_container *c = harness_add_script(h, "true");
    c->mounts = mounts;
    c->n_mounts = 2;
    expect_refused(h, FIELD ".volumeMounts[1].mountPath: \"/run/keys\" is mounted on twice");
}

static void volumes_have_the_files_and_modes_that_are_asked_for_in_whatever_order(void **state)
{
    struct harness *h = *state;
    const char *text = "#!/bin/sh\necho runs\n";
    const struct tph_volume_item items[] = {
        {.key = TPH_STR("token"), .path = TPH_STR("bin/tool"), .mode = 0555},
        {.key = TPH_STR("token"), .path = TPH_STR("plain"), .mode = -1},
    };
    const struct tph_volume volumes[] = {
        {.name = TPH_STR("scratch"), .kind = TPH_VOLUME_EMPTY_DIR},
        {.name = TPH_STR("keys"),
         .kind = TPH_VOLUME_SECRET,
         .ref_name = TPH_STR("jira"),
         .mode = 0440,
         .items = items,
         .n_items = 2},
        {.name = TPH_STR("kept"), .kind = TPH_VOLUME_EMPTY_DIR},
    };
    const struct tph_mount mounts[] = {
        {.volume = TPH_STR("keys"), .path = TPH_STR("/data/deep/keys")},
        {.volume = TPH_STR("kept"), .path = TPH_STR("/data/kept"), .read_only = true},
        {.volume = TPH_STR("keys"), .path = TPH_STR("/one"), .sub_path = TPH_STR("bin/tool")},
        {.volume = TPH_STR("scratch"), .path = TPH_STR("/data")},
    };
    use_secret(h, &text);
    h->spec.volumes = volumes;
    h->spec.n_volumes = 3;
    struct tph_container *c = harness_add_script(
        h, "cd /data; find . -type f -printf '%p %m\\n' | sort; deep/keys/bin/tool; stat -c %a /one; "
           "cp deep/keys/bin/tool mine; ./mine; (echo x >kept/x) 2>&1 | sed 's/.*: //'");
    c->mounts = mounts;
    c->n_mounts = 4;
    c->security.run_as_user = 1000;
    assert_string_equal(output_of(h), "./deep/keys/bin/tool 555\n./deep/keys/plain 440\nruns\n555\nruns\n"
                                      "Read-only file system\n");
}

static void a_key_that_a_volume_names_must_be_there(void **state)
{
    struct harness *h = *state;
    const char *text = "hidden";
    const struct tph_volume_item item = {.key = TPH_STR("other"), .path = TPH_STR("x"), .mode = -1};
    struct tph_volume volume = {
        .name = TPH_STR("keys"), .kind = TPH_VOLUME_SECRET, .ref_name = TPH_STR("jira"), .items = &item, .n_items = 1};
    const struct tph_mount mount = {.volume = TPH_STR("keys"), .path = TPH_STR("/keys")};
    use_secret(h, &text);
    h->spec.volumes = &volume;
    h->spec.n_volumes = 1;
    struct tph_container *c = harness_add_script(h, "ls -A /keys | wc -l");
    c->mounts = &mount;
    c->n_mounts = 1;
    expect_refused(h, FIELD ".volumeMounts[0]: Secret \"jira\" in namespace default has no key \"other\"");
    volume.optional = true;
    assert_string_equal(output_of(h), "0\n");
}

/* Programs and images */

static void a_program_that_is_not_there_is_named_with_step_and_reason(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    const struct tph_str command = TPH_STR("/no/such/program");
    c->command = &command;
    c->n_command = 1;
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_string_equal(e->message,
                        "spec.sidecar.container.command[0]: exec /no/such/program: No such file or directory");
    assert_int_equal(harness_count(h, TPH_POD_STARTED), 0);
    harness_let_pass(h, 50);
    assert_int_equal(harness_count(h, TPH_POD_FAILED), 1); /* it is not tried again */
}

/* The one container runs this file of this machine. */
static void run_file(struct harness *h, const char *path)
{
    struct tph_str *command = TPH_ARENA_ARRAY(h->arena, struct tph_str, 1);
    command[0] = tph_arena_str(h->arena, tph_str(path));
    h->containers[0].command = command;
    h->containers[0].n_command = 1;
    harness_start(h);
}

static void write_program(const char *path, const char *text)
{
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fd_write_file(path, tph_str(text), 0755, &err), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void why_a_program_that_is_there_cannot_run_is_told(void **state)
{
    struct harness *h = *state;
    char dir[] = "/tmp/tiphys-plugin-XXXXXX";
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    TPH_CLEANUP(tph_freep) char *program = tph_format("%s/server", dir);
    harness_add_script(h, "true");
    static const struct {
        const char *text, *message;
        bool own_dir;
    } cases[] = {
        {"#!/bin/sh\n",
         "No such file or directory\n  this machine has it, but sidecars see only its system directories: put it into "
         "the plugin's own directory, or map the image in images.yaml with paths",
         false},
        {"#!/no/such/interpreter\n",
         "No such file or directory\n  the file is there, but the interpreter that it names (in its first line after "
         "#!, "
         "or as its loader) is not in the sandbox",
         true},
        {"words\n",
         "Exec format error\n  it is no program of this kind of machine, and no script with a first line such as "
         "#!/bin/sh",
         true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_program(program, cases[i].text);
        h->spec.plugin_dir = cases[i].own_dir ? dir : NULL;
        run_file(h, program);
        const struct heard *e = harness_await(h, TPH_POD_FAILED, i + 1);
        TPH_CLEANUP(tph_freep) char *text = tph_format(FIELD ".command[0]: exec %s: %s", program, cases[i].message);
        assert_string_equal(e->message, text);
        harness_stop(h, 0);
        harness_await(h, TPH_POD_STOPPED, i + 1);
    }
    assert_int_equal(unlink(program), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* sudo tiphys run ~/plugin: nobody but its owner comes through the home directory. */
static void a_plugin_below_a_closed_directory_runs_without_seeing_it(void **state)
{
    struct harness *h = *state;
    char home[] = "/tmp/tiphys-home-XXXXXX";
    if (geteuid() != 0) {
        skip(); /* only root has no right there of his own */
    }
    assert_non_null(mkdtemp(home));
    TPH_CLEANUP(tph_freep) char *dir = tph_format("%s/plugin", home);
    TPH_CLEANUP(tph_freep) char *program = tph_format("%s/server", dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    write_program(program, "#!/bin/sh\necho here\n");
    assert_int_equal(chown(home, 12345, 12345), 0);
    h->spec.plugin_dir = dir;
    TPH_CLEANUP(tph_freep) char *script = tph_format("ls %s 2>/dev/null; pwd", dir);
    struct tph_container *c = harness_add_script(h, script);
    assert_string_equal(output_of(h), "/\n");

    const struct tph_str command = TPH_STR("server");
    c->command = &command;
    c->n_command = 1;
    harness_stop(h, 0);
    harness_await(h, TPH_POD_STOPPED, 1);
    TPH_CLEANUP(tph_freep)
    char *text = tph_format(
        FIELD ".command[0]: the sidecar's user may not run %s\n  let others through the directories above it "
              "(chmod a+x), or put the plugin elsewhere",
        program);
    expect_refused(h, text);
    assert_int_equal(chown(home, 0, 0), 0); /* root's own: the way in is root's, too */
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 2);
    assert_int_equal(unlink(program), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(home), 0);
}

static void a_working_directory_that_is_not_there_is_named(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    c->working_dir = TPH_STR("/no/such/dir");
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_FAILED, 1);
    assert_string_equal(e->message, "spec.sidecar.container.workingDir: chdir /no/such/dir: No such file or directory");
    harness_stop(h, 1000);
    harness_await(h, TPH_POD_STOPPED, 1);
}

static void a_command_must_be_given(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    c->n_command = 0;
    expect_refused(h, FIELD ".command is missing: there is no image here that could say what to run\n"
                            "  name the program and its arguments, for example command: [python, -c]");
}

static void an_unknown_image_runs_what_this_machine_has_and_names_what_it_has_not(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "echo here");
    c->image = TPH_STR("ghcr.io/acme/server:1");
    const struct tph_str command[] = {TPH_STR("acme-server")};
    const struct tph_str *shell = c->command;
    c->command = command;
    c->n_command = 1;
    expect_refused(h, FIELD
                   ".image: no map says what the image \"ghcr.io/acme/server:1\" is, and this machine has no program "
                   "acme-server\n  map it to a root directory or to programs in images.yaml: see tiphys doctor "
                   "--images");
    c->command = shell;
    c->n_command = 3;
    assert_string_equal(output_of(h), "here\n");
}

static void an_interpreter_that_is_missing_is_named_with_what_to_install(void **state)
{
    struct harness *h = *state;
    static const struct {
        const char *name, *image, *package;
    } interpreters[] = {{"ruby", "ruby:3", "ruby"}, {"pypy3", "pypy:3", "pypy3"}, {"php", "php:8-cli", "php-cli"}};
    struct tph_container *c = harness_add_script(h, "true");
    for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
        TPH_CLEANUP(tph_freep) char *there = tph_image_find_program("/", interpreters[i].name);
        if (there) {
            continue;
        }
        const struct tph_str command = tph_str(interpreters[i].name);
        c->command = &command;
        c->n_command = 1;
        c->image = tph_str(interpreters[i].image);
        TPH_CLEANUP(tph_freep)
        char *text =
            tph_format(FIELD ".image: %s needs %s, which this machine has not in %s\n"
                             "  apt install %s, or map the image to a root directory: see tiphys doctor --images",
                       interpreters[i].image, interpreters[i].name, tph_image_path, interpreters[i].package);
        expect_refused(h, text);
        return;
    }
    skip(); /* this machine has them all */
}

static void python_is_there_by_both_names_also_for_what_a_shell_starts(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "python -c 'print(1)'; python3 -c 'print(2)'");
    c->image = TPH_STR("docker.io/library/python:3.12@sha256:0123");
    assert_string_equal(output_of(h), "1\n2\n");
}

/* A directory with an executable `server` and one file of its owner's. */
static void the_plugins_own_directory_is_seen_read_only_and_its_program_runs(void **state)
{
    struct harness *h = *state;
    char dir[] = "/tmp/tiphys-plugin-XXXXXX";
    struct tph_error err = TPH_ERROR_INIT;
    assert_non_null(mkdtemp(dir));
    TPH_CLEANUP(tph_freep) char *program = tph_format("%s/server", dir);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(
        tph_fd_write_file(program, TPH_STR("#!/bin/sh\npwd; (echo x >>server) 2>&1 | sed 's/.*: //'\n"), 0755, &err),
        0);
    assert_int_equal(chmod(program, 0777), 0); /* by its mode everybody might write it */
    h->spec.plugin_dir = dir;
    struct tph_container *c = harness_add_script(h, "true");
    const struct tph_str command = TPH_STR("server");
    c->command = &command;
    c->n_command = 1;
    c->image = TPH_STR("none-of-these:1");
    TPH_CLEANUP(tph_freep) char *expected = tph_format("%s\nRead-only file system\n", dir);
    const char *out = output_of(h);
    assert_int_equal(unlink(program), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_string_equal(out, expected);
}

/* The runtime with a map of its own. */
static void use_images(struct harness *h, const char *yaml)
{
    char path[] = "/tmp/tiphys-images-XXXXXX";
    struct tph_error err = TPH_ERROR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(tph_fd_write_all(fd, tph_str(yaml)), 0);
    close(fd);
    tph_podrt_free(h->rt);
    h->rt = NULL;
    struct tph_process_options options = {.images_file = path};
    int failed = tph_podrt_process_new(h->loop, &options, &h->rt, &err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(failed, 0);
}

static void an_image_may_be_a_root_directory_which_is_read_only(void **state)
{
    struct harness *h = *state;
    use_images(h, "images: [{image: thing, root: /}]\n");
    struct tph_container *c =
        harness_add_script(h, "test -s /var/run/argo/token && echo token; test -d /var/lib && echo var; "
                              "echo x >/tmp/x && echo tmp; (echo x >/x) 2>&1 | sed 's/.*: //'");
    c->image = TPH_STR("ghcr.io/acme/thing:1");
    const char *out = output_of(h);
    assert_true(tph_str_has_prefix(tph_str(out), TPH_STR("token\nvar\ntmp\n")));
    assert_true(strcmp(out, "token\nvar\ntmp\nRead-only file system\n") == 0 ||
                strcmp(out, "token\nvar\ntmp\nPermission denied\n") == 0); /* as an ordinary user */
}

static void an_image_may_name_a_program_of_this_machine(void **state)
{
    struct harness *h = *state;
    use_images(h, "images: [{image: thing, programs: {calculate: python3}}]\n");
    struct tph_container *c = harness_add_script(h, "");
    const struct tph_str command[] = {TPH_STR("calculate"), TPH_STR("-c"), TPH_STR("print(6 * 7)")};
    c->command = command;
    c->n_command = 3;
    c->image = TPH_STR("thing");
    assert_string_equal(output_of(h), "42\n");
}

/* Exits */

static void a_signal_is_told_as_128_and_its_number(void **state)
{
    struct harness *h = *state;
    harness_add_script(h, "kill -9 $$$$");
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->exit_code, 137);
    assert_string_equal(e->reason, "Error");
}

static void a_python_server_stops_within_100_ms_of_sigterm(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    TPH_CLEANUP(tph_freep)
    char *script = tph_format(
        "import http.server as s\ns.HTTPServer(('127.0.0.1',%u),s.BaseHTTPRequestHandler).serve_forever()", port);
    struct tph_container *c = add_python(h, script);
    harness_set_one_port(h, c, port);
    c->readiness = (struct tph_probe){.kind = TPH_PROBE_TCP,
                                      .port = port,
                                      .period_s = 10,
                                      .timeout_s = 1,
                                      .success_threshold = 1,
                                      .failure_threshold = 3};
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    int64_t from_ms = harness_now_ms();
    harness_stop(h, 30000);
    harness_await(h, TPH_POD_STOPPED, 1);
    int64_t took_ms = harness_now_ms() - from_ms;
    print_message("stopped in %lld ms\n", (long long)took_ms);
    assert_true(took_ms < 100 * harness_slowness());
}

/* Ports */

static void a_port_in_use_is_refused_naming_by_whom(void **state)
{
    struct harness *h = *state;
    uint16_t port = 0;
    int fd = harness_listen_on(INADDR_LOOPBACK, &port);
    harness_set_one_port(h, harness_add_script(h, "true"), port);
    h->spec.file = "examples/hello/plugin.yaml";
    h->spec.title = "plugin hello";
    TPH_CLEANUP(tph_freep)
    char *text = tph_format("port %u is in use by test_podrt_proc (pid %d); plugin hello needs it\n"
                            "  stop that program, or change containerPort in examples/hello/plugin.yaml",
                            port, (int)getpid());
    expect_refused(h, text);
    close(fd);
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 1);
}

static void two_pods_with_one_port_are_both_named(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    harness_set_one_port(h, harness_add_script(h, "exec sleep 1000"), port);
    h->spec.title = "plugin hello";
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 1);
    struct tph_pod *first = h->pod;
    struct tph_pod *second = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    h->spec.title = "plugin greet";
    assert_int_equal(tph_pod_start(h->rt, &h->spec, NULL, NULL, &second, &err), -1);
    TPH_CLEANUP(tph_freep)
    char *text = tph_format(
        "port %u is wanted by plugin hello and by plugin greet\n  on the host's network each needs one of its own: "
        "change containerPort in one of their manifests, or use --network none",
        port);
    assert_string_equal(err.text, text);
    assert_ptr_equal(h->pod, first);
    /* Once the first is gone the port is free. */
    harness_stop(h, 1000);
    harness_await(h, TPH_POD_STOPPED, 1);
    harness_start(h);
    harness_await(h, TPH_POD_STARTED, 2);
}

/* Connects as the agent does; true when somebody took it. */
static bool reaches(struct harness *h, uint16_t port)
{
    int fd = tph_pod_dial(h->pod, "127.0.0.1", port);
    if (fd < 0) {
        return false;
    }
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    int problem = -1;
    socklen_t len = sizeof(problem);
    bool good =
        poll(&writable, 1, 5000) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) == 0 && problem == 0;
    close(fd);
    return good;
}

/* A Python server that takes connections, on an address; ready when it listens. */
static struct tph_container *add_server(struct harness *h, const char *address, uint16_t port)
{
    TPH_CLEANUP(tph_freep)
    char *script = tph_format("import socket,time\ns=socket.socket()\ns.bind(('%s',%u))\ns.listen()\n"
                              "while True: s.accept()[0].close()",
                              address, port);
    struct tph_container *c = add_python(h, script);
    harness_set_one_port(h, c, port);
    c->readiness = (struct tph_probe){.kind = TPH_PROBE_TCP,
                                      .port = port,
                                      .period_s = 1,
                                      .timeout_s = 1,
                                      .success_threshold = 1,
                                      .failure_threshold = 1};
    return c;
}

static void who_listens_on_all_interfaces_is_told_once(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    add_server(h, "0.0.0.0", port);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    const struct heard *e = harness_await(h, TPH_POD_DEGRADED, 1);
    TPH_CLEANUP(tph_freep)
    char *text = tph_format("listens on all interfaces (port %u): other machines can reach it; let it "
                            "bind 127.0.0.1, or use --network none",
                            port);
    assert_string_equal(e->message, text);
    assert_true(reaches(h, port));
    harness_let_pass(h, 20);
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), 1);
}

static void who_listens_on_loopback_is_not_told(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    add_server(h, "127.0.0.1", port);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    assert_true(reaches(h, port));
    harness_let_pass(h, 20);
    assert_int_equal(harness_count(h, TPH_POD_DEGRADED), 0);
}

static void without_the_hosts_network_a_port_in_use_there_does_not_matter(void **state)
{
    struct harness *h = *state;
    uint16_t port = 0;
    int fd = harness_listen_on(INADDR_ANY, &port);
    h->spec.network = TPH_NETWORK_NONE;
    add_server(h, "0.0.0.0", port);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    assert_true(reaches(h, port)); /* the one inside: that outside accepts nothing */
    char byte;
    int inside = tph_pod_dial(h->pod, "127.0.0.1", port);
    assert_true(inside >= 0);
    struct pollfd readable = {.fd = inside, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 5000), 1);
    assert_int_equal(read(inside, &byte, 1), 0);
    close(inside);
    close(fd);
}

/* A server that says who it is to whoever comes. */
static struct tph_container *add_greeter(struct harness *h, const char *name, uint16_t port)
{
    struct tph_container *c = add_server(h, "0.0.0.0", port);
    TPH_CLEANUP(tph_freep)
    char *script = tph_format("import socket\ns=socket.socket()\ns.bind(('0.0.0.0',%u))\ns.listen()\n"
                              "while True:\n  c=s.accept()[0]\n  c.sendall(b'%s')\n  c.close()",
                              port, name);
    ((struct tph_str *)(uintptr_t)c->command)[2] = tph_arena_str(h->arena, tph_str(script));
    return c;
}

static void expect_greeting(struct tph_pod *pod, uint16_t port, const char *name)
{
    char text[16] = "";
    int fd = tph_pod_dial(pod, "127.0.0.1", port);
    assert_true(fd >= 0);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 5000), 1);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_string_equal(text, name);
}

static void two_pods_with_one_port_both_answer_without_the_hosts_network(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    h->spec.network = TPH_NETWORK_NONE;
    add_greeter(h, "first", port);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    h->beside = TPH_TAKE(h->pod);
    h->spec.containers = &h->pod_containers[1];
    h->spec.n_containers = 1;
    add_greeter(h, "second", port); /* the second container of the harness, the first of its pod */
    h->spec.n_containers = 1;
    harness_start(h);
    harness_await(h, TPH_POD_READY, 2);
    expect_greeting(h->beside, port, "first");
    expect_greeting(h->pod, port, "second");
}

/* Probes */

static struct tph_probe http_probe(uint16_t port)
{
    return (struct tph_probe){.kind = TPH_PROBE_HTTP,
                              .port = port,
                              .path = TPH_STR("/healthz"),
                              .period_s = 1,
                              .timeout_s = 1,
                              .success_threshold = 1,
                              .failure_threshold = 1};
}

/* Answers 200 until /tmp/sick exists, which it makes itself after so many requests. */
static void add_moody_server(struct harness *h, uint16_t port, int healthy)
{
    TPH_CLEANUP(tph_freep)
    char *script = tph_format(
        "import http.server as s\nn=0\nclass H(s.BaseHTTPRequestHandler):\n"
        "  def do_GET(self):\n    global n\n    n+=1\n"
        "    self.send_response(200 if n <= %d and self.path == '/healthz' else 500)\n    self.end_headers()\n"
        "s.HTTPServer(('127.0.0.1',%u),H).serve_forever()",
        healthy, port);
    harness_set_one_port(h, add_python(h, script), port);
}

static void a_readiness_probe_says_ready_and_unready(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    add_moody_server(h, port, 1);
    h->containers[0].readiness = http_probe(port);
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
    assert_int_equal(h->events[0].kind, TPH_POD_STARTED);
    harness_await(h, TPH_POD_UNREADY, 1);
    assert_int_equal(harness_count(h, TPH_POD_EXITED), 0); /* it is not restarted for that */
}

static void a_liveness_probe_that_fails_restarts(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    add_moody_server(h, port, 1);
    h->spec.restart_base_ms = 10;
    h->containers[0].liveness = http_probe(port);
    h->containers[0].liveness.initial_delay_s = 1;
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->exit_code, 143);
    assert_int_equal(e->restart_in_ms, 10);
    harness_await(h, TPH_POD_STARTED, 2);
}

static void a_liveness_probe_has_a_grace_period_of_its_own(void **state)
{
    struct harness *h = *state;
    uint16_t port = harness_free_port();
    struct tph_container *c = harness_add_script(h, "trap '' TERM; exec sleep 1000");
    c->termination_grace_ms = 600000;
    c->liveness = http_probe(port);
    c->liveness.grace_ms = 100;
    c->liveness.initial_delay_s = 1; /* a shell needs a moment to set its trap */
    harness_start(h);
    const struct heard *e = harness_await(h, TPH_POD_EXITED, 1);
    assert_int_equal(e->exit_code, 137);
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
                              .timeout_s = 2,
                              .success_threshold = 1,
                              .failure_threshold = 1};
}

static void an_exec_probe_runs_in_the_container_as_its_user(void **state)
{
    struct harness *h = *state;
    const struct tph_env env = {.name = TPH_STR("A"), .source = TPH_ENV_VALUE, .value = TPH_STR("x y")};
    struct tph_container *c = harness_add_script(h, "touch /tmp/there; exec sleep 1000");
    c->env = &env;
    c->n_env = 1;
    c->security.run_as_user = 1000;
    /* Everything that must hold: the container's files, user, processes, environment, and none of our rights. */
    c->readiness =
        exec_probe(h, "test -f /tmp/there && test $(id -u) = 1000 && test \"$A\" = 'x y' && test -e /proc/1 && "
                      "grep -q 'CapEff:.0000000000000000' /proc/self/status && "
                      "grep -q 'Seccomp:.2' /proc/self/status && test -r /var/run/argo/token && "
                      "! test -e /proc/100000 && test $(ls /proc/self/fd | wc -l) -le 4");
    harness_start(h);
    harness_await(h, TPH_POD_READY, 1);
}

static void an_exec_probe_runs_also_without_the_hosts_network(void **state)
{
    struct harness *h = *state;
    h->spec.network = TPH_NETWORK_NONE;
    an_exec_probe_runs_in_the_container_as_its_user(state);
}

static void an_exec_probe_that_fails_or_hangs_restarts(void **state)
{
    struct harness *h = *state;
    char hang[64], look[96];
    (void)snprintf(hang, sizeof(hang), "sleep 1003.%d",
                   (int)getpid()); /* ours among those of other runs of this test */
    (void)snprintf(look, sizeof(look), "ps -eo args | grep -q '^%s$'", hang);
    h->spec.restart_base_ms = 10;
    struct tph_container *c = harness_add_script(h, "exec sleep 1000");
    c->liveness = exec_probe(h, hang);
    c->liveness.timeout_s = 1;
    harness_start(h);
    harness_await(h, TPH_POD_EXITED, 1);
    harness_stop(h, 1000);
    harness_await(h, TPH_POD_STOPPED, 1);
    assert_int_equal(system(look), 256); /* it went with its time */
}

static void probes_that_cannot_be_honoured_are_refused_by_name(void **state)
{
    struct harness *h = *state;
    struct tph_container *c = harness_add_script(h, "true");
    c->readiness = http_probe(4355);
    c->readiness.scheme = TPH_STR("HTTPS");
    expect_refused(h, FIELD ".readinessProbe.httpGet.scheme: only HTTP can be honoured here");
    c->readiness = http_probe(4355);
    c->readiness.host = TPH_STR("example.com");
    expect_refused(h,
                   FIELD ".readinessProbe.httpGet.host: only the container itself can be probed here; leave host out");
    c->readiness = (struct tph_probe){.kind = TPH_PROBE_NONE};
    c->liveness = (struct tph_probe){.kind = TPH_PROBE_TCP, .host = TPH_STR("10.0.0.1")};
    expect_refused(h,
                   FIELD ".livenessProbe.tcpSocket.host: only the container itself can be probed here; leave host out");
}

/* Logs, and what stays */

static void the_log_file_is_named_after_pod_and_container(void **state)
{
    struct harness *h = *state;
    char dir[] = "/tmp/tiphys-logs-XXXXXX";
    assert_non_null(mkdtemp(dir));
    h->spec.logs_dir = dir;
    h->spec.name = TPH_STR("hello-executor-plugin");
    harness_add_script(h, "echo one; exit 1");
    assert_string_equal(output_of(h), "one\n");
    TPH_CLEANUP(tph_freep) char *path = tph_format("%s/hello-executor-plugin_c0.log", dir);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(4096);
    struct tph_error err = TPH_ERROR_INIT;
    assert_int_equal(tph_fd_read_file(path, &text, &err), 0);
    assert_true(tph_str_has_suffix(tph_buf_str(&text), TPH_STR("Z stdout F one\n")));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void a_flood_in_a_sandbox_ends_with_its_last_line(void **state)
{
    struct harness *h = *state;
    add_python(h, "for i in range(1000000): print('line', i)");
    const char *out = output_of(h);
    assert_true(tph_str_has_suffix(tph_str(out), TPH_STR("line 999998\nline 999999\n")));
}

/* How many lines of the flood the log holds, from the last one back without a gap. */
static size_t kept_of_flood(const char *dir, size_t n)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_MIB(64));
    size_t kept = 0, next = SIZE_MAX;
    for (int i = 1; i >= 0; i--) {
        TPH_CLEANUP(tph_buf_release) struct tph_buf file = TPH_BUF_INIT(TPH_MIB(32));
        TPH_CLEANUP(tph_freep) char *path = tph_format("%s/pod_c0.log%s", dir, i ? ".1" : "");
        if (tph_fd_read_file(path, &file, NULL) == 0) {
            (void)tph_buf_put(&text, tph_buf_str(&file));
            (void)unlink(path);
        }
    }
    struct tph_str rest = tph_buf_str(&text), line;
    while (tph_str_cut(&rest, '\n', &line)) {
        ptrdiff_t at = tph_str_find(line, TPH_STR(" line "));
        int64_t number = -1;
        if (at > 0 && tph_str_to_i64(tph_str_slice(line, (size_t)at + 6, line.len), &number) == 0) {
            kept = (size_t)number == next ? kept + 1 : 1;
            next = (size_t)number + 1;
        }
    }
    assert_int_equal(next, n); /* the last one is always there */
    return kept;
}

/* The control is one that is too long for the two files of 10 MiB: it shows that a loss would be seen. */
static void a_flood_is_kept_whole_as_long_as_it_fits(void **state)
{
    static const size_t sizes[] = {100000, 1000000};
    struct harness *h = *state;
    char dir[] = "/tmp/tiphys-flood-XXXXXX";
    assert_non_null(mkdtemp(dir));
    h->spec.logs_dir = dir;
    for (size_t i = 0; i < 2; i++) {
        h->spec.n_containers = 0;
        memset(&h->containers[0], 0, sizeof(h->containers[0]));
        TPH_CLEANUP(tph_freep) char *script = tph_format("for i in range(%zu): print('line', i)", sizes[i]);
        add_python(h, script);
        harness_start(h);
        harness_await(h, TPH_POD_EXITED, i + 1);
        harness_stop(h, 0);
        harness_await(h, TPH_POD_STOPPED, i + 1);
        size_t kept = kept_of_flood(dir, sizes[i]);
        assert_true(i == 0 ? kept == sizes[0] : kept > 100000 && kept < sizes[1]);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void nothing_is_left_of_a_pod_not_even_a_daemon_of_its_own(void **state)
{
    struct harness *h = *state;
    /* A grandchild with a session of its own, whose parent is gone, and a FIFO whose other end only it holds. */
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    harness_add_script(h, "(setsid sleep 1001 &) ; echo on; exec sleep 1002");
    h->spec.log_events = true;
    harness_start(h);
    harness_await(h, TPH_POD_LOG, 1);
    harness_stop(h, 1000);
    harness_await(h, TPH_POD_STOPPED, 1);
    close(ends[0]);
    close(ends[1]);
    /* All that the sandbox had were our children or theirs. The shim may still be there as a zombie: the runtime reaps
     * it. */
    tph_podrt_free(h->rt);
    h->rt = NULL;
    assert_int_equal(system("ps -eo args | grep -qE '^(setsid )?sleep 100[12]'"), 256);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

int main(int argc, char **argv)
{
    tph_sandbox_shim_main(argc, argv);
    tph_broker_main(argc, argv);
    (void)account_arrange(argc, argv);
    struct CMUnitTest tests[] = {
        T(the_token_is_in_its_file_for_its_user_alone_and_nowhere_else),
        T(environment_and_arguments_are_resolved),
        T(a_missing_secret_is_refused_before_anything_starts),
        T(a_missing_key_is_refused_and_no_value_is_shown),
        T(a_restart_sees_what_a_secret_holds_by_then),
        T(run_as_non_root_with_uid_0_is_refused),
        T(run_as_non_root_alone_means_nobody),
        T(user_group_and_rights_are_as_asked),
        T(seccomp_unconfined_is_honoured_and_told),
        T(a_read_only_root_is_read_only_and_tmp_is_not),
        T(ids_outside_the_range_are_refused),
        T(volumes_are_mounted_as_they_are_declared),
        T(mounts_that_cannot_be_honoured_are_refused_by_name),
        T(two_mounts_at_one_place_are_refused),
        T(volumes_have_the_files_and_modes_that_are_asked_for_in_whatever_order),
        T(a_key_that_a_volume_names_must_be_there),
        T(a_program_that_is_not_there_is_named_with_step_and_reason),
        T(why_a_program_that_is_there_cannot_run_is_told),
        T(a_plugin_below_a_closed_directory_runs_without_seeing_it),
        T(a_working_directory_that_is_not_there_is_named),
        T(a_command_must_be_given),
        T(an_unknown_image_runs_what_this_machine_has_and_names_what_it_has_not),
        T(an_interpreter_that_is_missing_is_named_with_what_to_install),
        T(python_is_there_by_both_names_also_for_what_a_shell_starts),
        T(the_plugins_own_directory_is_seen_read_only_and_its_program_runs),
        T(an_image_may_be_a_root_directory_which_is_read_only),
        T(an_image_may_name_a_program_of_this_machine),
        T(a_signal_is_told_as_128_and_its_number),
        T(a_python_server_stops_within_100_ms_of_sigterm),
        T(a_port_in_use_is_refused_naming_by_whom),
        T(two_pods_with_one_port_are_both_named),
        T(who_listens_on_all_interfaces_is_told_once),
        T(who_listens_on_loopback_is_not_told),
        T(without_the_hosts_network_a_port_in_use_there_does_not_matter),
        T(two_pods_with_one_port_both_answer_without_the_hosts_network),
        T(a_readiness_probe_says_ready_and_unready),
        T(a_liveness_probe_that_fails_restarts),
        T(a_liveness_probe_has_a_grace_period_of_its_own),
        T(an_exec_probe_runs_in_the_container_as_its_user),
        T(an_exec_probe_runs_also_without_the_hosts_network),
        T(an_exec_probe_that_fails_or_hangs_restarts),
        T(probes_that_cannot_be_honoured_are_refused_by_name),
        T(the_log_file_is_named_after_pod_and_container),
        T(a_flood_in_a_sandbox_ends_with_its_last_line),
        T(a_flood_is_kept_whole_as_long_as_it_fits),
        T(nothing_is_left_of_a_pod_not_even_a_daemon_of_its_own),
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        tests[i].initial_state = (void *)(uintptr_t)&process_implementation;
    }
    return cmocka_run_group_tests_name("podrt/process", tests, NULL, NULL);
}
