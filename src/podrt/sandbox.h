/* SPDX-License-Identifier: Apache-2.0 */
/* One sandboxed process tree: namespaces, a root of allowed files, no capabilities, seccomp, Landlock, limits.
 *
 * How it is started: the program runs itself again as a small shim (posix_spawn, nothing of our memory in it; what to
 * do comes by a memory file, never by arguments or environment); the shim makes the namespaces with clone3 and leaves
 * the new process as our own child; that one builds its root, gives up its rights and becomes tiphys-init (src/init),
 * which starts the sidecar as its child. Everything in it ends with the program (not with the thread that
 * started it): the init hears of our end by a pipe and by a pidfd. Who the ids inside are outside: podrt/ids.h. Loop
 * thread only; starting blocks for the spawn of the shim (below 1 ms).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

struct tph_cgroups;

struct tph_sandbox_bind {
    const char *host;   /* a file or directory of this machine */
    const char *inside; /* absolute; made if it is not there */
};

struct tph_sandbox_file {
    const char *path; /* absolute, inside */
    struct tph_str content;
    mode_t mode; /* its owner is the sidecar's user */
};

struct tph_sandbox_tmpfs {
    const char *path;
    uint64_t size;  /* bytes */
    bool read_only; /* after its files were placed */
    bool no_exec;
};

struct tph_sandbox_link {
    const char *name;   /* of a command: "python" */
    const char *target; /* "/usr/bin/python3" */
};

struct tph_sandbox_spec {
    const char *const *argv; /* ended by NULL; argv[0] is looked up in PATH inside */
    const char *const *env;  /* ended by NULL, "NAME=value" */
    const char *working_dir; /* NULL: / */
    const char *hostname;
    uint32_t uid, gid;                    /* inside */
    const char *root;                     /* an unpacked root directory; NULL: this machine's programs and libraries */
    const struct tph_sandbox_bind *binds; /* read-only */
    size_t n_binds;
    const struct tph_sandbox_tmpfs *tmpfs; /* mounted before files are placed */
    size_t n_tmpfs;
    const struct tph_sandbox_file *files;
    size_t n_files;
    const struct tph_sandbox_link *links;
    size_t n_links;
    struct tph_cgroups *cgroups;           /* where limits are enforced; NULL: nowhere */
    int64_t memory_bytes, cpu_milli, pids; /* 0 = not limited */
    int64_t cpu_request_milli;             /* a weight where there is a control group; 0 = as anybody's */
    bool read_only_root;
    bool own_network;  /* loopback only; or: */
    uint32_t uplink;   /* with own_network: the id of one (podrt/uplink.h), so that there is a way out; 0: none; or: */
    const char *pasta; /* with own_network: the program that makes a way out for an ordinary user; NULL: none */
    bool no_seccomp;
    bool plain;  /* no sandbox: binds tell what may be read, the first file is the token, at TPH_PLAIN_TOKEN */
    bool own_id; /* as an ordinary user: it needs what this user alone may read */
};

/* Where one without a sandbox finds its token, and what a link at /var/run/argo/token may lead to. */
#define TPH_PLAIN_TOKEN "/proc/self/fd/9"

struct tph_sandbox;

/* What happens to it; called on the loop thread, never from inside a call. */
struct tph_sandbox_events {
    void (*started)(void *owner);                              /* the program runs: exec succeeded */
    void (*failed)(void *owner, const struct tph_error *err);  /* it could not: step and reason; last event */
    void (*exited)(void *owner, int code, bool out_of_memory); /* 0-255, 128 + n after signal n; last event */
    void (*degraded)(void *owner, const char *what);           /* this machine cannot enforce something */
    void *owner;
};

/* Starts it. */
int tph_sandbox_start(struct tph_loop *loop, const struct tph_sandbox_spec *spec,
                      const struct tph_sandbox_events *events, struct tph_sandbox **ret_sandbox, struct tph_error *err)
    TPH_MUST_CHECK;

/* The read end of its standard output (1) or error (2), non-blocking; the caller owns it from now on. Once each. */
int tph_sandbox_take_output(struct tph_sandbox *sandbox, int which);

/* SIGTERM and the like go to the sidecar through its init; SIGKILL ends the whole tree at once. */
void tph_sandbox_signal(struct tph_sandbox *sandbox, int number);

/* A non-blocking connecting socket to a loopback port as the sidecar sees it (own_network); -errno. */
int tph_sandbox_dial(struct tph_sandbox *sandbox, const char *host, uint16_t port);

/* The process id of its init as this machine sees it; 0 before started. */
pid_t tph_sandbox_pid(const struct tph_sandbox *sandbox);

/* Kills what still runs, waits for its end (a moment: SIGKILL to process 1), removes its control groups. No events. */
void tph_sandbox_free(struct tph_sandbox *sandbox);

/* main() calls this first: in the shim it does the shim's work and does not come back. */
void tph_sandbox_shim_main(int argc, char **argv);
