/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of one container: start, exit, pause, start again; its end. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "podrt/process_internal.h"

static void emit(struct process_container *c, struct tph_pod_event event)
{
    event.container = c->index;
    tph_process_emit(c->pod, &event);
}

static int64_t now_ms(const struct process_container *c)
{
    return tph_loop_now_ms(c->pod->rt->loop);
}

static void on_line(void *owner, enum tph_logs_stream stream, struct tph_str line)
{
    emit(owner,
         (struct tph_pod_event){.kind = TPH_POD_LOG, .message = line, .stderr_stream = stream == TPH_LOGS_STDERR});
}

static void on_log_problem(void *owner, const char *text)
{
    const struct process_container *c = owner;
    tph_process_degrade(c->pod, text);
}

static void set_ready(struct process_container *c, bool ready)
{
    if (c->ready != ready) {
        c->ready = ready;
        emit(c, (struct tph_pod_event){.kind = ready ? TPH_POD_READY : TPH_POD_UNREADY});
    }
}

/* Probes */

static int dial(void *owner, const char *host, uint16_t port)
{
    struct process_container *c = owner;
    return tph_pod_dial(&c->pod->pod, host, port);
}

static void exec_done(void *owner, int code, const char *why)
{
    struct process_exec *e = owner;
    struct tph_prober *prober = TPH_TAKE(e->prober);
    char text[320];
    (void)snprintf(text, sizeof(text), "%s", why);
    if (*why == '\0') {
        (void)snprintf(text, sizeof(text), "the command ended with %d", code);
    }
    tph_sandbox_exec_free(TPH_TAKE(e->running));
    tph_prober_answer(prober, code == 0, text); /* may free the prober */
}

static int start_exec(void *owner, struct tph_prober *prober, const struct tph_probe *probe)
{
    struct process_container *c = owner;
    struct process_exec *e = c->execs[0].prober ? &c->execs[1] : &c->execs[0];
    struct process_start start = {.arena = NULL};
    struct tph_error err = TPH_ERROR_INIT;
    if (!c->sandbox || tph_process_prepare(c, &start, &err) < 0) {
        return -1;
    }
    const char **argv = TPH_ARENA_ARRAY(start.arena, const char *, probe->n_command + 1);
    for (size_t i = 0; i < probe->n_command; i++) {
        argv[i] = tph_arena_strdup(start.arena, probe->command[i]);
    }
    start.sandbox.argv = argv;
    int failed = tph_sandbox_exec(c->pod->rt->loop, c->sandbox, &start.sandbox, exec_done, e, &e->running, &err);
    e->prober = failed < 0 ? NULL : prober;
    tph_process_start_release(&start);
    return failed;
}

static void cancel_exec(void *owner, struct tph_prober *prober)
{
    struct process_container *c = owner;
    for (size_t i = 0; i < 2; i++) {
        if (c->execs[i].prober == prober) {
            c->execs[i].prober = NULL;
            tph_sandbox_exec_free(TPH_TAKE(c->execs[i].running));
        }
    }
}

static const struct tph_prober_exec exec_of_probes = {.start = start_exec, .cancel = cancel_exec};

static void readiness_changed(void *owner, bool good, const char *why)
{
    (void)why;
    set_ready(owner, good);
}

static void liveness_changed(void *owner, bool good, const char *why)
{
    struct process_container *c = owner;
    (void)why;
    if (!good && c->state == CONTAINER_RUNNING) {
        int64_t own_ms = c->spec->liveness.grace_ms;
        tph_process_container_end(c, own_ms > 0 ? own_ms : c->spec->termination_grace_ms);
    }
}

static void start_probes(struct process_container *c)
{
    struct tph_prober_options options = {.dial = dial, .exec = &exec_of_probes, .owner = c};
    if (c->spec->readiness.kind != TPH_PROBE_NONE) {
        options.probe = &c->spec->readiness;
        options.eager = true;
        options.changed = readiness_changed;
        c->readiness = tph_prober_new(c->pod->rt->loop, c->pod->rt->http, &options);
    }
    if (c->spec->liveness.kind != TPH_PROBE_NONE) {
        options.probe = &c->spec->liveness;
        options.eager = false;
        options.changed = liveness_changed;
        c->liveness = tph_prober_new(c->pod->rt->loop, c->pod->rt->http, &options);
    }
}

static void stop_probes(struct process_container *c)
{
    tph_prober_free(TPH_TAKE(c->readiness));
    tph_prober_free(TPH_TAKE(c->liveness));
    tph_http_client_forget(c->pod->rt->http, c);
}

/* What the sandbox says */

/* Process 1 ignores what it has no handler for, so a SIGTERM before exec would be lost: it is sent now. */
static void on_started(void *owner)
{
    struct process_container *c = owner;
    c->state = CONTAINER_RUNNING;
    c->started_ms = now_ms(c);
    if (c->kill_at_ms != 0) {
        tph_sandbox_signal(c->sandbox, now_ms(c) >= c->kill_at_ms ? SIGKILL : SIGTERM);
        return;
    }
    emit(c, (struct tph_pod_event){.kind = TPH_POD_STARTED});
    if (c->pod->stopping) {
        return; /* the owner said so just now */
    }
    start_probes(c);
    if (!c->readiness) {
        set_ready(c, true);
    }
}

/* It is over with this container. */
static void fail(struct process_container *c, const char *text)
{
    c->state = CONTAINER_FAILED;
    emit(c, (struct tph_pod_event){.kind = TPH_POD_FAILED, .message = tph_str(text)});
}

/* The sandbox has nothing more to say. */
static void over(struct process_container *c)
{
    stop_probes(c);
    tph_logs_finish(c->logs);
    tph_logs_mark(c->logs, false);
    tph_timer_stop(c->timer);
    c->kill_at_ms = 0;
    c->ready = false;
    tph_sandbox_free(TPH_TAKE(c->sandbox));
}

static bool has_own_root(const struct process_container *c)
{
    const struct tph_image *image = tph_images_find(c->pod->rt->images, c->spec->image);
    return image && image->root;
}

/* Which field asked for what could not be done, and what only this side of the sandbox can know of it. */
static void explain(const struct process_container *c, struct tph_error *err)
{
    static const struct {
        const char *step, *field;
    } fields[] = {{"exec ", TPH_CONTAINER_PATH ".command[0]"}, {"chdir ", TPH_CONTAINER_PATH ".workingDir"}};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t len = strlen(fields[i].step);
        if (strncmp(err->text, fields[i].step, len) != 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(err->text + len, ":"), err->text + len);
        bool hidden = strstr(err->text, strerrordesc_np(ENOENT)) && !strchr(err->text, '\n') && path[0] == '/' &&
                      access(path, F_OK) == 0 && !has_own_root(c);
        (void)tph_error_wrap(err, "%s", fields[i].field);
        if (hidden) {
            (void)tph_error_hint(err, "this machine has it, but sidecars see only its system directories: put it into "
                                      "the plugin's own directory, or map the image in images.yaml with paths");
        }
        return;
    }
}

static void on_failed(void *owner, const struct tph_error *err)
{
    struct process_container *c = owner;
    struct tph_error explained = *err;
    explain(c, &explained);
    over(c);
    if (c->pod->stopping) {
        c->state = CONTAINER_FAILED;
        tph_process_gone(c->pod);
    } else {
        fail(c, explained.text);
    }
}

static void on_exited(void *owner, int code, bool out_of_memory)
{
    struct process_container *c = owner;
    over(c);
    c->state = CONTAINER_PAUSED;
    if (c->pod->stopping) {
        tph_process_gone(c->pod);
        return;
    }
    int64_t pause_ms = c->restart_now ? 0 : tph_backoff_next(&c->backoff, now_ms(c) - c->started_ms);
    c->restart_now = false;
    c->restarts++;
    tph_timer_start(c->timer, pause_ms);
    emit(c, (struct tph_pod_event){.kind = TPH_POD_EXITED,
                                   .exit_code = code,
                                   .reason = out_of_memory ? "OOMKilled"
                                             : code == 0   ? "Completed"
                                                           : "Error",
                                   .restart_in_ms = pause_ms,
                                   .restarts = c->restarts});
}

static void on_degraded(void *owner, const char *what)
{
    const struct process_container *c = owner;
    tph_process_degrade(c->pod, what);
}

int tph_process_container_start(struct process_container *c, struct tph_error *err)
{
    const struct tph_sandbox_events events = {
        .started = on_started, .failed = on_failed, .exited = on_exited, .degraded = on_degraded, .owner = c};
    struct process_start start = {.arena = NULL};
    bool isolated = c->pod->spec.network == TPH_NETWORK_ISOLATED;
    int failed = isolated ? tph_process_open_uplink(&c->pod->rt->rt, err) : 0;
    failed = failed < 0 ? failed : tph_process_prepare(c, &start, err);
    if (failed == 0) {
        failed = tph_sandbox_start(c->pod->rt->loop, &start.sandbox, &events, &c->sandbox, err);
    }
    tph_process_start_release(&start);
    if (failed == 0) {
        int fds[TPH_LOGS_STREAMS] = {tph_sandbox_take_output(c->sandbox, 1), tph_sandbox_take_output(c->sandbox, 2)};
        failed = tph_logs_attach(c->logs, fds, err);
    }
    if (failed < 0) {
        tph_sandbox_free(TPH_TAKE(c->sandbox));
        return -1;
    }
    tph_logs_mark(c->logs, true);
    c->state = CONTAINER_STARTING;
    return 0;
}

void tph_process_container_end(struct process_container *c, int64_t grace_ms)
{
    int64_t at_ms = now_ms(c) + (grace_ms > 0 ? grace_ms : 0);
    if (!c->sandbox) {
        tph_timer_stop(c->timer);
        return;
    }
    stop_probes(c);
    if (c->kill_at_ms != 0 && at_ms >= c->kill_at_ms) {
        return;
    }
    if (grace_ms <= 0) {
        tph_sandbox_signal(c->sandbox, SIGKILL);
    } else if (c->kill_at_ms == 0 && c->state == CONTAINER_RUNNING) {
        tph_sandbox_signal(c->sandbox, SIGTERM);
    }
    c->kill_at_ms = at_ms;
    tph_timer_start(c->timer, grace_ms);
}

void tph_process_container_restart(struct process_container *c)
{
    tph_backoff_reset(&c->backoff);
    if (c->sandbox) {
        c->restart_now = true;
        tph_process_container_end(c, c->spec->termination_grace_ms);
    } else if (c->state == CONTAINER_PAUSED) {
        tph_timer_start(c->timer, 0);
    }
}

/* The pause before a restart is over, or the grace period. */
static void on_timer(void *owner)
{
    struct process_container *c = owner;
    struct tph_error err = TPH_ERROR_INIT;
    if (c->sandbox) {
        tph_sandbox_signal(c->sandbox, SIGKILL);
    } else if (c->state == CONTAINER_PAUSED && !c->pod->stopping && tph_process_container_start(c, &err) < 0) {
        fail(c, err.text);
    }
}

/* A path that no name can lead out of the directory. */
static char *log_path(const struct process_container *c)
{
    const struct tph_pod_spec *spec = &c->pod->spec;
    struct tph_str name = c->spec->name.len > 0 ? c->spec->name : TPH_STR("sidecar");
    char *path = spec->log_name ? tph_format("%s/%s", spec->logs_dir, spec->log_name)
                                : tph_format("%s/%.*s_%.*s.log", spec->logs_dir, TPH_FMT(spec->name), TPH_FMT(name));
    for (char *p = path + strlen(spec->logs_dir) + 1; *p; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    return path;
}

int tph_process_container_open(struct process_container *c, struct process_pod *pod, size_t index,
                               const struct tph_pod_container *from, struct tph_error *err)
{
    c->pod = pod;
    c->index = index;
    c->spec = from->spec;
    c->timer = tph_timer_new(pod->rt->loop, on_timer, c);
    c->backoff = tph_backoff_init(pod->spec.restart_base_ms);
    size_t len = from->token ? strnlen(from->token, sizeof(c->token)) : 0;
    if (len != TPH_LIMIT_TOKEN_LEN) {
        return tph_error_set(err, TPH_ERROR_INVALID, "a token has %d characters", TPH_LIMIT_TOKEN_LEN);
    }
    memcpy(c->token, from->token, len + 1);
    TPH_CLEANUP(tph_freep) char *path = pod->spec.logs_dir ? log_path(c) : NULL;
    struct tph_logs_options options = {.path = path,
                                       .lives = pod->spec.log_name != NULL,
                                       .line = pod->spec.log_events ? on_line : NULL,
                                       .secret = c->token,
                                       .problem = on_log_problem,
                                       .owner = c};
    return tph_logs_new(pod->rt->loop, &options, &c->logs, err);
}

void tph_process_container_close(struct process_container *c)
{
    stop_probes(c);
    tph_sandbox_free(c->sandbox);
    tph_timer_free(c->timer);
    tph_logs_free(c->logs);
    explicit_bzero(c->token, sizeof(c->token));
}
