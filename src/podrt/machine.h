/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to sandboxes, found out by looking and by trying: for `doctor`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct tph_machine {
    bool root;                   /* we run as root: a range of user ids */
    int64_t subordinate;         /* else: the first of those that sidecars get; 0: they have the user's own */
    int landlock;                /* ABI; 0 = none */
    bool seccomp;                /* filters can be installed */
    const char *cgroup;          /* "v2", "v1", "none" */
    bool memory, cpu, processes; /* limits that can be enforced by control groups */
    const char
        *userns_off; /* the switch that forbids this user to make user namespaces: a path below /proc/sys; NULL */
};

struct tph_machine tph_machine_look(void);

/* Starts a sandbox like a sidecar's, with a network of its own when own_network says so, that does nothing, and waits
 * for its end. Errors: what failed. */
enum { TPH_MACHINE_OWN_NETWORK = 1 };
int tph_machine_try(unsigned flags, struct tph_error *err) TPH_MUST_CHECK;

/* Makes what --network isolated needs, and takes it away again. *ret_changes: what is switched on meanwhile, the
 * caller's; NULL: nothing. Errors: what is missing, and what to do. */
int tph_machine_try_uplink(char **ret_changes, struct tph_error *err) TPH_MUST_CHECK;

/* The version that a program tells by `PROGRAM --version` (or how else it is asked): the first word of its answer with
 * a dot between digits. Waits at most two seconds. The caller frees it; NULL when there is none. */
char *tph_machine_version(const char *path) TPH_MUST_CHECK;
