/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "data/time.h"

void tph_kube_credential_release(struct tph_kube_credential *credential)
{
    tph_arena_free(credential->arena);
    *credential = (struct tph_kube_credential){.arena = NULL};
}

/* ---- what it printed ---- */

int tph_kube_exec_parse(const struct tph_kube_exec *exec, struct tph_str text,
                        struct tph_kube_credential *ret_credential, struct tph_error *err)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    if (tph_json_parse(text, &doc, err) < 0) {
        return tph_error_wrap(err, "what %s printed is no JSON", exec->command);
    }
    const struct tph_json *root = tph_json_root(doc);
    const struct tph_json *status = tph_json_get(root, "status");
    if (!tph_str_eqz(tph_json_get_str(root, "kind"), "ExecCredential") ||
        !tph_str_eqz(tph_json_get_str(root, "apiVersion"), exec->api_version)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s printed no ExecCredential of %s", exec->command,
                             exec->api_version);
    }
    struct tph_str token = tph_json_get_str(status, "token");
    struct tph_str certificate = tph_json_get_str(status, "clientCertificateData");
    struct tph_str key = tph_json_get_str(status, "clientKeyData");
    struct tph_str expires = tph_json_get_str(status, "expirationTimestamp");
    int64_t expires_ms = INT64_MAX;
    if (token.len == 0 && certificate.len == 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s gave no token and no clientCertificateData", exec->command);
    }
    if ((certificate.len == 0) != (key.len == 0)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "%s gave only one of clientCertificateData and clientKeyData",
                             exec->command);
    }
    if (expires.len > 0 && tph_time_parse(expires, &expires_ms, err) < 0) {
        return tph_error_wrap(err, "%s: expirationTimestamp", exec->command);
    }
    struct tph_arena *arena = tph_arena_new();
    *ret_credential = (struct tph_kube_credential){.arena = arena,
                                                   .token = tph_arena_strdup(arena, token),
                                                   .certificate = tph_arena_str(arena, certificate),
                                                   .key = tph_arena_str(arena, key),
                                                   .expires_ms = expires_ms};
    return 0;
}

/* ---- running it ---- */

static char *info_of(const struct tph_kube_exec *exec, bool interactive)
{
    return tph_format("KUBERNETES_EXEC_INFO={\"apiVersion\":\"%s\",\"kind\":\"ExecCredential\",\"spec\":{%s%s%s"
                      "\"interactive\":%s}}",
                      exec->api_version, exec->cluster ? "\"cluster\":" : "", exec->cluster ? exec->cluster : "",
                      exec->cluster ? "," : "", interactive ? "true" : "false");
}

/* Ours, then the kubeconfig's, which win. */
static const char **environment_of(const struct tph_kube_exec *exec, const char *info)
{
    size_t n = 0;
    size_t n_own = 0;
    while (environ[n]) {
        n++;
    }
    while (exec->env[n_own]) {
        n_own++;
    }
    const char **all = tph_calloc(n + n_own + 2, sizeof *all);
    size_t at = 0;
    for (size_t i = 0; i < n_own; i++) {
        all[at++] = exec->env[i];
    }
    all[at++] = info;
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(environ[i], "=") + 1;
        bool replaced = false;
        for (size_t k = 0; k <= n_own; k++) {
            replaced = replaced || strncmp(all[k], environ[i], len) == 0;
        }
        if (!replaced) {
            all[at++] = environ[i];
        }
    }
    return all;
}

static int spawn(const struct tph_kube_exec *exec, int out, bool interactive, pid_t *ret_pid, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) char *info = info_of(exec, interactive);
    TPH_CLEANUP(tph_freep) const char **env = environment_of(exec, info);
    size_t n = 0;
    while (exec->args[n]) {
        n++;
    }
    TPH_CLEANUP(tph_freep) const char **argv = tph_calloc(n + 2, sizeof *argv);
    argv[0] = exec->command;
    memcpy(argv + 1, exec->args, n * sizeof *argv);
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        abort();
    }
    int failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (failed == 0 && !interactive) {
        failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (failed == 0) {
        failed = posix_spawnp(ret_pid, exec->command, &actions, NULL, (char **)argv, (char **)env);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT) {
        (void)tph_error_set(err, TPH_ERROR_NOT_FOUND, "the program that logs in is not there: %s", exec->command);
        return exec->install_hint[0] ? tph_error_hint(err, "%s", exec->install_hint) : -1;
    }
    return failed == 0 ? 0 : tph_error_errno(err, failed, "%s", exec->command);
}

/* All that it prints, until it closes its output or the time is over. */
static int read_all(int fd, int64_t end_ms, struct tph_buf *text)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = end_ms - tph_clock_monotonic_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        char *room = ready > 0 ? tph_buf_reserve(text, TPH_KIB(4)) : NULL;
        if (!room) {
            return -1;
        }
        ssize_t n = read(fd, room, TPH_KIB(4));
        tph_buf_commit(text, n > 0 ? (size_t)n : 0);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n == 0 ? 0 : -1;
        }
    }
}

/* Its exit code, -signal; a program that does not end with its output is ended. */
static int reap(pid_t pid, int64_t end_ms)
{
    int status = 0;
    TPH_CLEANUP(tph_fd_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    int64_t left = end_ms - tph_clock_monotonic_ms();
    if (pidfd < 0 || left <= 0 || poll(&wait, 1, (int)left) <= 0) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int tph_kube_exec_run(const struct tph_kube_exec *exec, struct tph_kube_credential *ret_credential,
                      struct tph_error *err)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_KUBE_EXEC);
    bool terminal = isatty(STDIN_FILENO) == 1;
    int fds[2];
    pid_t pid = 0;
    if (exec->must_ask && !terminal) {
        return tph_error_set(err, TPH_ERROR_USAGE, "%s wants to ask something, and standard input is no terminal",
                             exec->command);
    }
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return tph_error_errno(err, errno, "a pipe to %s", exec->command);
    }
    TPH_CLEANUP(tph_fd_close) int out = fds[0];
    int64_t end_ms = tph_clock_monotonic_ms() + TPH_LIMIT_KUBE_EXEC_MS;
    int failed = spawn(exec, fds[1], exec->may_ask && terminal, &pid, err);
    tph_fd_close(&fds[1]);
    if (failed < 0) {
        return -1;
    }
    int whole = read_all(out, end_ms, &text);
    int code = reap(pid, whole < 0 ? 0 : end_ms);
    if (tph_buf_failed(&text)) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "%s printed more than %zu bytes", exec->command,
                             TPH_LIMIT_KUBE_EXEC);
    }
    if (whole < 0) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "%s gave no credentials within %d s", exec->command,
                             TPH_LIMIT_KUBE_EXEC_MS / 1000);
    }
    if (code != 0) {
        return tph_error_set(err, TPH_ERROR_SYSTEM, "%s, which is to log in, ended with %s %d", exec->command,
                             code < 0 ? "signal" : "exit code", code < 0 ? -code : code);
    }
    return tph_kube_exec_parse(exec, tph_buf_str(&text), ret_credential, err);
}
