/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: writes down what is wanted, starts the shim, hears what became of it. */
#include "podrt/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "podrt/broker.h"
#include "podrt/cgroup.h"
#include "podrt/ids.h"
#include "podrt/init_image.h"
#include "podrt/ports.h"
#include "podrt/sandbox_shim.h"
#include "podrt/sandbox_wire.h"
#include "podrt/spawn.h"

struct tph_sandbox {
    struct tph_loop *loop;
    struct tph_sandbox_events events;
    struct tph_cgroup *cgroup; /* owned; NULL = none */
    struct tph_broker *broker; /* owned; made at the first dial */
    struct tph_ids ids;
    struct tph_child *shim, *init;
    struct tph_io *status_io;
    int status;     /* read end: what shim, child and init say until the program runs */
    int lifeline;   /* write end; closes with us */
    int out, err;   /* read ends, until they are taken */
    pid_t shim_pid; /* 0 = reaped */
    pid_t group;    /* the shim's process group: its number, also when it is gone */
    pid_t pid;      /* of the init; reaped when init is NULL again */
    struct tph_error problem;
    char *degraded; /* owned; told with started */
    char *program;  /* owned; for messages */
    bool started, failed, ended;
    bool own_network, plain;
    unsigned char tail[sizeof(struct tph_shim_message)]; /* an unfinished message */
    size_t tail_len;
};

static void put_text(struct tph_buf *wire, struct tph_str text)
{
    uint64_t len = text.len;
    (void)tph_buf_append(wire, (const char *)&len, sizeof(len));
    (void)tph_buf_put(wire, text);
    (void)tph_buf_append(wire, "", 1);
}

static void put_number(struct tph_buf *wire, struct tph_shim_number number)
{
    (void)tph_buf_append(wire, (const char *)&number, sizeof(number));
}

static uint32_t count(const char *const *list)
{
    uint32_t n = 0;
    while (list[n]) {
        n++;
    }
    return n;
}

/* What a process may take where no control group counts for all of them. Wide: a limit of one process also counts what
 * it only reserves, such as the stacks of its threads. */
static uint64_t data_limit(const struct tph_sandbox_spec *spec, const struct tph_cgroup_limits *enforced)
{
    if (spec->memory_bytes <= 0 || enforced->memory_bytes > 0) {
        return 0;
    }
    uint64_t wide = (uint64_t)spec->memory_bytes * TPH_LIMIT_DATA_FACTOR;
    return wide > TPH_LIMIT_DATA_LEAST ? wide : TPH_LIMIT_DATA_LEAST;
}

/* The order in which sandbox_shim.c reads. */
void tph_sandbox_write_wire(const struct tph_sandbox_spec *spec, const struct tph_cgroup *cgroup,
                            const struct tph_ids *ids, struct tph_buf *wire)
{
    size_t n_cgroup_files = 0;
    const char *const *cgroup_files = cgroup ? tph_cgroup_procs_files(cgroup, &n_cgroup_files) : NULL;
    struct tph_cgroup_limits enforced = tph_cgroup_enforced(cgroup);
    struct tph_shim_spec header = {
        .uid = spec->uid,
        .gid = spec->gid,
        .n_ids = ids->n,
        .first_uid = ids->first_uid,
        .first_gid = ids->first_gid,
        .outer_uid = geteuid(),
        .outer_gid = getegid(),
        .n_argv = count(spec->argv),
        .n_env = count(spec->env),
        .n_binds = (uint32_t)spec->n_binds,
        .n_tmpfs = (uint32_t)spec->n_tmpfs,
        .n_files = (uint32_t)spec->n_files,
        .n_links = (uint32_t)spec->n_links,
        .n_cgroup_files = (uint32_t)n_cgroup_files,
        .pids = spec->pids,
        .data_bytes = data_limit(spec, &enforced),
        .nice = spec->cpu_milli > 0 && enforced.cpu_milli == 0,
        .has_root = spec->root != NULL,
        .read_only_root = spec->read_only_root,
        .own_network = spec->own_network,
        .uplink = spec->uplink,
        .has_pasta = spec->pasta != NULL,
        .no_seccomp = spec->no_seccomp,
        .plain = spec->plain,
        .into_cgroup = cgroup && tph_cgroup_fd(cgroup) >= 0,
    };
    (void)tph_buf_append(wire, (const char *)&header, sizeof(header));
    put_text(wire, tph_str(spec->hostname));
    put_text(wire, tph_str(spec->working_dir ? spec->working_dir : ""));
    put_text(wire, tph_str(spec->root ? spec->root : ""));
    put_text(wire, tph_str(spec->pasta ? spec->pasta : ""));
    put_text(wire, tph_str(ids->newuidmap ? ids->newuidmap : ""));
    put_text(wire, tph_str(ids->newgidmap ? ids->newgidmap : ""));
    for (uint32_t i = 0; i < header.n_argv; i++) {
        put_text(wire, tph_str(spec->argv[i]));
    }
    for (uint32_t i = 0; i < header.n_env; i++) {
        put_text(wire, tph_str(spec->env[i]));
    }
    for (size_t i = 0; i < spec->n_binds; i++) {
        put_text(wire, tph_str(spec->binds[i].host));
        put_text(wire, tph_str(spec->binds[i].inside));
    }
    for (size_t i = 0; i < spec->n_tmpfs; i++) {
        put_number(wire, (struct tph_shim_number){.size = spec->tmpfs[i].size,
                                                  .read_only = spec->tmpfs[i].read_only,
                                                  .no_exec = spec->tmpfs[i].no_exec});
        put_text(wire, tph_str(spec->tmpfs[i].path));
    }
    for (size_t i = 0; i < spec->n_files; i++) {
        put_number(wire, (struct tph_shim_number){.size = spec->files[i].content.len, .mode = spec->files[i].mode});
        put_text(wire, tph_str(spec->files[i].path));
        put_text(wire, spec->files[i].content);
    }
    for (size_t i = 0; i < spec->n_links; i++) {
        put_text(wire, tph_str(spec->links[i].name));
        put_text(wire, tph_str(spec->links[i].target));
    }
    for (size_t i = 0; i < n_cgroup_files; i++) {
        put_text(wire, tph_str(cgroup_files[i]));
    }
}

static void note_degraded(struct tph_sandbox *s, const struct tph_sandbox_spec *spec)
{
    struct tph_cgroup_limits enforced = tph_cgroup_enforced(s->cgroup);
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    if (spec->memory_bytes > 0 && enforced.memory_bytes == 0) {
        (void)tph_buf_printf(&text, "memory limit of %lld bytes", (long long)spec->memory_bytes);
    }
    if (spec->cpu_milli > 0 && enforced.cpu_milli == 0) {
        (void)tph_buf_printf(&text, "%scpu limit of %lldm", text.len > 0 ? " and " : "", (long long)spec->cpu_milli);
    }
    if (text.len > 0) {
        (void)tph_buf_puts(&text, " not enforced: no writable cgroup");
        s->degraded = tph_buf_take(&text, NULL);
    }
}

static void finish_failed(struct tph_sandbox *s)
{
    if (!s->ended) {
        s->ended = true;
        s->events.failed(s->events.owner, &s->problem);
    }
}

/* What helps against a step that failed; NULL where the reason says it all. */
static const char *hint_for(const struct tph_sandbox *s, const char *step, int number)
{
    if (s->own_network && strncmp(step, "make namespaces", strlen("make namespaces")) == 0) {
        return "this machine does not let this user make user and network namespaces; tiphys doctor tells more";
    }
    static const struct {
        const char *step;
        int number; /* 0 = any */
        const char *hint;
    } hints[] = {
        {"cannot give plugin its own", 0,
         "let this user make user namespaces: tiphys doctor tells how; for development only, --unsafe-plain starts "
         "plugins without a sandbox"},
        {"map user ids", 0,
         "root has too few user ids in here, as in a container: run this as an ordinary user, or let the container "
         "have ids up to 65900000"},
        {"mount /proc", EPERM,
         "parts of this machine's /proc are covered, as in a container: run the container with --privileged, or with "
         "--security-opt systempaths=unconfined"},
    };
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strncmp(step, hints[i].step, strlen(hints[i].step)) == 0 &&
            (hints[i].number == 0 || hints[i].number == number)) {
            return hints[i].hint;
        }
    }
    return NULL;
}

static void fail_step(struct tph_sandbox *s, int number, const char *step)
{
    const char *hint = hint_for(s, step, number);
    s->failed = true;
    (void)tph_error_errno(&s->problem, number, "%s", step);
    if (hint) {
        (void)tph_error_hint(&s->problem, "%s", hint);
    }
}

/* The program is there and may be run, but the kernel would not. */
static void fail_exec(struct tph_sandbox *s, int number)
{
    s->failed = true;
    (void)tph_error_errno(&s->problem, number, "exec %s", s->program);
    if (number == ENOENT) {
        (void)tph_error_hint(&s->problem,
                             "the file is there, but the interpreter that it names (in its first line after "
                             "#!, or as its loader) is not in the sandbox");
    } else if (number == ENOEXEC) {
        (void)tph_error_hint(&s->problem,
                             "it is no program of this kind of machine, and no script with a first line such "
                             "as #!/bin/sh");
    }
}

static void end_process(pid_t pid)
{
    siginfo_t info;
    (void)kill(pid, SIGKILL); /* our child, not reaped: nobody else has its number */
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0 && errno == EINTR) {
    }
}

/* Without a sandbox no kernel ends what the sidecar left behind: its init does, when it loses us. */
static void end_tree(struct tph_sandbox *s, pid_t pid)
{
    siginfo_t info;
    if (!s->plain) {
        end_process(pid);
        return;
    }
    tph_fd_close(&s->lifeline);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0 && errno == EINTR) {
    }
}

/* The shim is gone and has not said which process it made, if it did: somebody killed it in between. That one hears of
 * it and ends at once; it is our child in the shim's group. */
static void reap_unknown(pid_t group)
{
    siginfo_t info;
    while (waitid(P_PGID, (id_t)group, &info, WEXITED | __WALL) == 0 || errno == EINTR) {
    }
}

static void init_exited(void *owner, int code);

static void take_message(struct tph_sandbox *s, const struct tph_shim_message *message)
{
    switch ((enum tph_shim_message_kind)message->kind) {
    case TPH_SHIM_PID: {
        s->pid = message->value;
        int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
        if (pidfd < 0 || tph_child_new(s->loop, pidfd, init_exited, s, &s->init, &s->problem) < 0) {
            fail_step(s, errno, "watch the sandbox");
            end_process(s->pid);
        }
        break;
    }
    case TPH_SHIM_OWN_ID:
        tph_ids_release(&s->ids);
        break;
    case TPH_SHIM_FAILED: {
        bool userns = strncmp(message->text, "make namespaces", strlen("make namespaces")) == 0 && !s->own_network;
        char step[sizeof(message->text) + 64];
        (void)snprintf(step, sizeof(step), "%s%s", userns ? "cannot give plugin its own /var/run/argo/token: " : "",
                       message->text);
        fail_step(s, message->value, step);
        break;
    }
    case TPH_SHIM_DEGRADED:
        s->events.degraded(s->events.owner, message->text);
        break;
    }
}

/* The shim said nothing: it was killed, or could not even begin. Its way of ending is all there is to tell; it is on
 * its way when the pipe has closed, and is left for tph_child to reap. */
static void fail_silent(struct tph_sandbox *s)
{
    siginfo_t info = {0};
    if (s->shim_pid > 0) {
        while (waitid(P_PID, (id_t)s->shim_pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
        }
    }
    s->failed = true;
    if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
        (void)tph_error_set(&s->problem, TPH_ERROR_SYSTEM,
                            "start the sandbox: its first process was killed by signal %d", info.si_status);
        (void)tph_error_hint(&s->problem, "when this machine is short of memory, it kills programs: see dmesg");
    } else {
        (void)tph_error_set(&s->problem, TPH_ERROR_SYSTEM, "start the sandbox: its first process ended with %d",
                            info.si_status);
    }
}

/* The status pipe closed. Four bytes left over are init's: the errno of exec. */
static void status_closed(struct tph_sandbox *s)
{
    int number = 0;
    tph_io_free(TPH_TAKE(s->status_io));
    tph_fd_close(&s->status);
    if (s->tail_len == sizeof(number)) {
        memcpy(&number, s->tail, sizeof(number));
        fail_exec(s, number);
    } else if (!s->failed && s->pid == 0) {
        fail_silent(s);
    }
    if (s->failed) {
        if (!s->init) {
            finish_failed(s); /* else when it has ended */
        }
        return;
    }
    s->started = true;
    if (s->degraded) {
        s->events.degraded(s->events.owner, s->degraded);
    }
    s->events.started(s->events.owner);
}

static void read_status(void *owner, unsigned events)
{
    struct tph_sandbox *s = owner;
    (void)events;
    while (s->status >= 0) {
        ssize_t n = read(s->status, s->tail + s->tail_len, sizeof(s->tail) - s->tail_len);
        if (n < 0) {
            return; /* EAGAIN: more comes, or the end */
        }
        if (n == 0) {
            status_closed(s);
            return;
        }
        s->tail_len += (size_t)n;
        if (s->tail_len == sizeof(s->tail)) {
            struct tph_shim_message message;
            memcpy(&message, s->tail, sizeof(message));
            message.text[sizeof(message.text) - 1] = '\0';
            s->tail_len = 0;
            take_message(s, &message);
        }
    }
}

static void init_exited(void *owner, int code)
{
    struct tph_sandbox *s = owner;
    read_status(s, 0); /* what was said before it ended */
    tph_child_free(TPH_TAKE(s->init));
    if (s->failed || !s->started) {
        if (!s->failed) {
            fail_step(s, ECHILD, "start the sandbox");
        }
        finish_failed(s);
        return;
    }
    s->ended = true;
    bool oom = s->cgroup && tph_cgroup_oom_killed(s->cgroup);
    s->events.exited(s->events.owner, code < 0 ? 128 - code : code, oom);
}

static void shim_exited(void *owner, int code)
{
    struct tph_sandbox *s = owner;
    (void)code; /* what went wrong came by the status pipe */
    tph_child_free(TPH_TAKE(s->shim));
    s->shim_pid = 0;
}

/* The descriptors that the shim gets, and our ends of them. */
struct ends {
    int spec, status, lifeline, out, err, init, cgroup, program;
    int claim; /* the sandbox's */
};

static void close_ends(struct ends *e)
{
    tph_fd_close(&e->spec);
    tph_fd_close(&e->status);
    tph_fd_close(&e->lifeline);
    tph_fd_close(&e->out);
    tph_fd_close(&e->err);
    tph_fd_close(&e->init);
    tph_fd_close(&e->program);
}

static int make_pipe(int *ret_read, int *ret_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    *ret_read = ends[0];
    *ret_write = ends[1];
    return 0;
}

static int make_ends(struct tph_sandbox *s, struct tph_str wire, struct ends *e)
{
    e->spec = memfd_create("tiphys-sandbox", MFD_CLOEXEC);
    e->program = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (e->spec < 0 || e->program < 0) {
        return -errno;
    }
    e->init = tph_init_image();
    if (e->init < 0) {
        return -errno;
    }
    int failed = tph_fd_write_all(e->spec, wire);
    failed = failed < 0 ? failed : make_pipe(&s->status, &e->status);
    failed = failed < 0 ? failed : make_pipe(&e->lifeline, &s->lifeline);
    failed = failed < 0 ? failed : make_pipe(&s->out, &e->out);
    failed = failed < 0 ? failed : make_pipe(&s->err, &e->err);
    if (failed == 0 && (fcntl(s->status, F_SETFL, O_NONBLOCK) < 0 || fcntl(s->out, F_SETFL, O_NONBLOCK) < 0 ||
                        fcntl(s->err, F_SETFL, O_NONBLOCK) < 0)) {
        failed = -errno;
    }
    return failed;
}

static int spawn_shim(const struct ends *e, pid_t *ret_pid)
{
    const int from[] = {e->spec, e->status, e->lifeline, e->out, e->err, e->init, e->cgroup, e->program, e->claim};
    const int to[] = {TPH_SHIM_SPEC, TPH_SHIM_STATUS, TPH_SHIM_LIFELINE, TPH_SHIM_OUT,  TPH_SHIM_ERR,
                      TPH_SHIM_INIT, TPH_SHIM_CGROUP, TPH_SHIM_PROGRAM,  TPH_SHIM_CLAIM};
    char *argv[] = {(char[]){TPH_SHIM_NAME}, NULL};
    return tph_spawn_self(argv, from, to, sizeof(to) / sizeof(to[0]), ret_pid);
}

static int watch(struct tph_sandbox *s, struct tph_error *err)
{
    int pidfd = (int)syscall(SYS_pidfd_open, s->shim_pid, 0);
    if (pidfd < 0) {
        return tph_error_errno(err, errno, "cannot watch a process");
    }
    if (tph_child_new(s->loop, pidfd, shim_exited, s, &s->shim, err) < 0 ||
        tph_io_new(s->loop, s->status, read_status, s, &s->status_io, err) < 0) {
        return -1;
    }
    tph_io_watch(s->status_io, TPH_IO_READ);
    return 0;
}

int tph_sandbox_start(struct tph_loop *loop, const struct tph_sandbox_spec *spec,
                      const struct tph_sandbox_events *events, struct tph_sandbox **ret_sandbox, struct tph_error *err)
{
    struct tph_sandbox *s = TPH_NEW(struct tph_sandbox);
    s->ids = TPH_IDS_INIT;
    TPH_CLEANUP(tph_buf_release) struct tph_buf wire = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(close_ends)
    struct ends ends = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
    s->loop = loop;
    s->events = *events;
    s->own_network = spec->own_network;
    s->plain = spec->plain;
    s->program = tph_strdup(spec->argv[0]);
    s->status = s->lifeline = s->out = s->err = -1;
    /* What processes of other ids have open has to be seen on the host's network (podrt/peer.h). */
    bool own_id = spec->own_id || spec->plain || !tph_process_sockets_are_seen();
    if (tph_ids_take(own_id, &s->ids, err) < 0) {
        tph_sandbox_free(s);
        return -1;
    }
    ends.claim = s->ids.claim;
    struct tph_cgroup_limits limits = {.memory_bytes = spec->memory_bytes,
                                       .cpu_milli = spec->cpu_milli,
                                       .pids = spec->pids,
                                       .cpu_request_milli = spec->cpu_request_milli};
    s->cgroup = spec->cgroups ? tph_cgroup_new(spec->cgroups, &limits) : NULL;
    note_degraded(s, spec);
    ends.cgroup = s->cgroup ? tph_cgroup_fd(s->cgroup) : -1;
    tph_sandbox_write_wire(spec, s->cgroup, &s->ids, &wire);
    int failed = tph_buf_failed(&wire) ? -E2BIG : make_ends(s, tph_buf_str(&wire), &ends);
    failed = failed < 0 ? failed : spawn_shim(&ends, &s->shim_pid);
    s->group = s->shim_pid;
    /* The token was in it. */
    explicit_bzero(wire.bytes, wire.len);
    if (failed < 0) {
        (void)tph_error_errno(err, -failed, "cannot start a sandbox");
        if (ends.init < 0 && failed == -EACCES) {
            (void)tph_error_hint(err, "sysctl vm.memfd_noexec=1 lets programs be run from memory again");
        } else if (failed == -EMFILE) {
            (void)tph_error_hint(err, "ulimit -n 1024 lets this program open more files");
        }
        tph_sandbox_free(s);
        return -1;
    }
    close_ends(&ends);
    if (watch(s, err) < 0) {
        tph_sandbox_free(s);
        return -1;
    }
    *ret_sandbox = s;
    return 0;
}

int tph_sandbox_take_output(struct tph_sandbox *s, int which)
{
    return tph_fd_take(which == 1 ? &s->out : &s->err);
}

void tph_sandbox_signal(struct tph_sandbox *s, int number)
{
    if (s->init && s->plain && number == SIGKILL) {
        tph_fd_close(&s->lifeline);
    } else if (s->init) {
        (void)tph_child_signal(s->init, number); /* it may be gone: then its exit is on its way */
    }
}

int tph_sandbox_dial(struct tph_sandbox *s, const char *host, uint16_t port)
{
    if (!s->own_network || s->pid == 0 || !s->started) {
        return -ECONNREFUSED;
    }
    if (!s->broker) {
        int failed = tph_broker_new(s->pid, &s->broker);
        if (failed < 0) {
            return failed;
        }
    }
    return tph_broker_connect(s->broker, host, port);
}

pid_t tph_sandbox_pid(const struct tph_sandbox *s)
{
    return s->started ? s->pid : 0;
}

const struct tph_cgroup *tph_sandbox_cgroup(const struct tph_sandbox *s)
{
    return s->cgroup;
}

const struct tph_ids *tph_sandbox_ids(const struct tph_sandbox *s)
{
    return &s->ids;
}

/* It is still being started: which process it is comes by the pipe, or that there will be none. */
static void await_pid(struct tph_sandbox *s)
{
    struct pollfd readable = {.fd = s->status, .events = POLLIN};
    struct tph_shim_message message;
    while (s->pid == 0 && (poll(&readable, 1, -1) == 1 || errno == EINTR)) {
        ssize_t n = read(s->status, s->tail + s->tail_len, sizeof(s->tail) - s->tail_len);
        if (n == 0) {
            return;
        }
        s->tail_len += n > 0 ? (size_t)n : 0;
        if (s->tail_len == sizeof(message)) {
            memcpy(&message, s->tail, sizeof(message));
            s->tail_len = 0;
            s->pid = message.kind == TPH_SHIM_PID ? message.value : 0;
        }
    }
}

void tph_sandbox_free(struct tph_sandbox *s)
{
    if (!s) {
        return;
    }
    if (s->pid == 0 && s->status >= 0 && s->shim_pid > 0) {
        await_pid(s);
        if (s->pid > 0) {
            end_tree(s, s->pid);
        }
    } else if (s->init) {
        end_tree(s, s->pid);
    }
    if (s->shim_pid > 0) {
        end_process(s->shim_pid);
    }
    if (s->pid == 0 && s->group > 0) {
        reap_unknown(s->group);
    }
    tph_io_free(s->status_io);
    tph_child_free(s->init);
    tph_child_free(s->shim);
    tph_broker_free(s->broker);
    tph_ids_release(&s->ids);
    tph_cgroup_free(s->cgroup);
    tph_fd_close(&s->status);
    tph_fd_close(&s->lifeline);
    tph_fd_close(&s->out);
    tph_fd_close(&s->err);
    free(s->degraded);
    free(s->program);
    free(s);
}
