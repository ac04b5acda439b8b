/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/podrt only: what the program tells its shim, as one memory file: this header, then texts.
 *
 * Both ends are the same executable, so the struct is its own format. Texts follow in a fixed order, each as its
 * length and its bytes with a NUL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TPH_SHIM_NAME "tiphys-sandbox"

/* Descriptors of the shim. */
enum {
    TPH_SHIM_SPEC = 3,
    TPH_SHIM_STATUS = 4, /* to the program: struct tph_shim_message, ... */
    TPH_SHIM_LIFELINE = 5,
    TPH_SHIM_OUT = 6,
    TPH_SHIM_ERR = 7,
    TPH_SHIM_INIT = 8,     /* tiphys-init as a memory file */
    TPH_SHIM_CGROUP = 9,   /* directory of the v2 control group, if any */
    TPH_SHIM_PROGRAM = 10, /* a pidfd of the program */
    TPH_SHIM_CLAIM = 11,   /* on the ids outside, if any: whoever lives in the sandbox keeps it */
};

struct tph_shim_spec {
    uint32_t uid, gid;
    uint32_t n_ids;                /* outside, as in podrt/ids.h; 0: the two below */
    uint32_t first_uid, first_gid; /* of them */
    uint32_t outer_uid, outer_gid; /* who we are */
    uint32_t n_argv, n_env, n_binds, n_tmpfs, n_files, n_links, n_cgroup_files;
    int64_t pids;        /* by RLIMIT_NPROC where no control group can; 0 = not */
    uint64_t data_bytes; /* RLIMIT_DATA; 0 = not */
    uint32_t uplink;     /* 0: no way out of its own network */
    bool nice;           /* yields to others on the processor */
    bool plain;          /* no namespaces: sandbox_plain.c */
    bool has_root, read_only_root, own_network, has_pasta, no_seccomp, into_cgroup;
};

/* tmpfs and files carry numbers before their texts. */
struct tph_shim_number {
    uint64_t size;
    uint32_t mode; /* files */
    uint32_t read_only, no_exec;
};

enum tph_shim_message_kind {
    TPH_SHIM_PID,      /* value: the init's process id */
    TPH_SHIM_OWN_ID,   /* the subordinate ids could not be mapped: it has the one id of the user */
    TPH_SHIM_FAILED,   /* value: errno; text: the step */
    TPH_SHIM_DEGRADED, /* text: what */
};

struct tph_shim_message {
    uint32_t kind;
    int32_t value;
    char text[248];
};
